//! Rate limits of one model or account: what it was told in headers, until when it is to be left
//! alone, and when a limit will be used up.
//!
//! Owns: `retry-after`, windows that are used up, what was sent. Must not know: headers' formats.
//! Invariant: the latest answer counts, which is the one to the call that left last; a moment that has
//! passed limits nothing.

use std::time::Duration;

use crate::domain::{RateWindow, UnixMs};

use super::forecast::{Forecast, Meter, Sent};

/// Waits after throttling without being told for how long; each one in a row doubles it.
const UNTOLD_FIRST: Duration = Duration::from_secs(2);
const UNTOLD_LAST: Duration = Duration::from_mins(1);

/// No wait is believed beyond this.
const LONGEST: Duration = Duration::from_hours(24);

/// Windows kept per model.
const WINDOWS: usize = 8;

/// The limits of one model, or of all models of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limit {
    until: Option<UnixMs>,
    /// When it was last throttled.
    throttled_at: Option<UnixMs>,
    in_a_row: u32,
    meters: Vec<Meter>,
    sent: Sent,
}

impl Limit {
    /// It was throttled; `retry_after` is what it was told.
    pub(crate) fn throttled(&mut self, retry_after: Option<Duration>, now: UnixMs) {
        let untold = UNTOLD_FIRST.saturating_mul(1 << self.in_a_row.min(8)).min(UNTOLD_LAST);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.throttled_at = Some(now);
        self.until = Some(now + retry_after.unwrap_or(untold).min(LONGEST));
    }

    /// A call that left at `began` was answered: throttling is over, unless it was throttled after
    /// that. A stream that has been running since before says nothing of what came later.
    pub(crate) fn passed(&mut self, began: UnixMs) {
        if self.throttled_at.is_none_or(|at| at <= began) {
            self.lift();
        }
    }

    /// Throttling is over: by hand.
    pub(crate) fn lift(&mut self) {
        self.until = None;
        self.in_a_row = 0;
    }

    /// A request is about to leave.
    pub(crate) fn sent(&mut self, now: UnixMs) {
        self.sent.one(now);
    }

    /// One came to so many tokens.
    pub(crate) fn used(&mut self, input: u64, output: u64) {
        self.sent.size(input, output);
    }

    /// What an answer's header said, and when that arrived.
    pub(crate) fn told(&mut self, window: &RateWindow, at: UnixMs) {
        if let Some(held) = self.meters.iter_mut().find(|held| held.is(window)) {
            held.tell(window, at);
        } else if self.meters.len() < WINDOWS {
            self.meters.push(Meter::new(window, at));
        }
    }

    /// Until when it must not be asked; `None` when it may.
    pub(crate) fn until(&self, now: UnixMs) -> Option<UnixMs> {
        self.meters
            .iter()
            .filter_map(Meter::used_up_until)
            .chain(self.until)
            .filter(|until| *until > now)
            .max()
    }

    /// The window that is used up first at the present rate, if any is before it resets.
    pub(crate) fn forecast(&self, in_flight: u32, now: UnixMs) -> Option<Forecast> {
        self.meters
            .iter()
            .filter_map(|meter| meter.forecast(&self.sent, in_flight, now))
            .min_by_key(|forecast| (!forecast.keeps_away(now), forecast.runs_out))
    }

    /// The windows as last told.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &RateWindow> {
        self.meters.iter().map(Meter::told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    fn window(remaining: u64, resets: i64) -> RateWindow {
        RateWindow {
            what: "requests".into(),
            scope: crate::domain::RateScope::Model,
            limit: Some(60),
            remaining: Some(remaining),
            resets_at: Some(at(resets)),
        }
    }

    #[test]
    fn the_told_wait_is_kept_and_ends() {
        let mut limit = Limit::default();
        limit.throttled(Some(Duration::from_secs(41)), at(0));
        assert_eq!(limit.until(at(40)), Some(at(41)));
        assert_eq!(limit.until(at(41)), None);
    }

    #[test]
    fn an_untold_wait_grows_until_an_answer_comes() {
        let mut limit = Limit::default();
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            limit.throttled(None, at(0));
            assert_eq!(limit.until(at(0)), Some(at(seconds)));
        }
        limit.passed(at(1));
        assert_eq!(limit.until(at(0)), None);
        limit.throttled(None, at(0));
        assert_eq!(limit.until(at(0)), Some(at(2)));
    }

    #[test]
    fn an_answer_to_an_earlier_call_does_not_end_the_told_wait() {
        let mut limit = Limit::default();
        limit.throttled(Some(Duration::from_mins(1)), at(10));
        limit.passed(at(0));
        assert_eq!(limit.until(at(20)), Some(at(70)));
        limit.passed(at(11));
        assert_eq!(limit.until(at(20)), None);
    }

    #[test]
    fn a_used_up_window_limits_until_it_resets_and_the_latest_word_counts() {
        let mut limit = Limit::default();
        limit.told(&window(0, 30), at(0));
        assert_eq!(limit.until(at(1)), Some(at(30)));
        limit.told(&window(5, 90), at(1));
        assert_eq!(limit.until(at(1)), None);
        assert_eq!(limit.windows().count(), 1);
    }
}
