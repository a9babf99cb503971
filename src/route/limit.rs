//! Rate limits of one model: what it was told in headers, and until when it is to be left alone.
//!
//! Owns: `retry-after` and windows that are used up. Must not know: headers' formats. Invariant: the
//! latest answer counts; a moment that has passed limits nothing.

use std::time::Duration;

use crate::domain::{RateWindow, UnixMs};

/// Waits after throttling without being told for how long; each one in a row doubles it.
const UNTOLD_FIRST: Duration = Duration::from_secs(2);
const UNTOLD_LAST: Duration = Duration::from_mins(1);

/// No wait is believed beyond this.
const LONGEST: Duration = Duration::from_hours(24);

/// Windows kept per model.
const WINDOWS: usize = 8;

/// The limits of one model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limit {
    until: Option<UnixMs>,
    in_a_row: u32,
    windows: Vec<RateWindow>,
}

impl Limit {
    /// It was throttled; `retry_after` is what it was told.
    pub(crate) fn throttled(&mut self, retry_after: Option<Duration>, now: UnixMs) {
        let untold = UNTOLD_FIRST.saturating_mul(1 << self.in_a_row.min(8)).min(UNTOLD_LAST);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.until = Some(now + retry_after.unwrap_or(untold).min(LONGEST));
    }

    /// An answer came: throttling is over.
    pub(crate) fn passed(&mut self) {
        self.until = None;
        self.in_a_row = 0;
    }

    /// What the latest answer's headers said.
    pub(crate) fn told(&mut self, windows: &[RateWindow]) {
        for window in windows {
            if let Some(held) = self.windows.iter_mut().find(|held| held.what == window.what) {
                held.clone_from(window);
            } else if self.windows.len() < WINDOWS {
                self.windows.push(window.clone());
            }
        }
    }

    /// Until when it must not be asked; `None` when it may.
    pub(crate) fn until(&self, now: UnixMs) -> Option<UnixMs> {
        self.windows
            .iter()
            .filter(|window| window.remaining == Some(0))
            .filter_map(|window| window.resets_at)
            .chain(self.until)
            .filter(|until| *until > now)
            .max()
    }

    /// The windows as last told.
    pub(crate) fn windows(&self) -> &[RateWindow] {
        &self.windows
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
        limit.passed();
        assert_eq!(limit.until(at(0)), None);
        limit.throttled(None, at(0));
        assert_eq!(limit.until(at(0)), Some(at(2)));
    }

    #[test]
    fn a_used_up_window_limits_until_it_resets_and_the_latest_word_counts() {
        let mut limit = Limit::default();
        limit.told(&[window(0, 30)]);
        assert_eq!(limit.until(at(1)), Some(at(30)));
        limit.told(&[window(5, 90)]);
        assert_eq!(limit.until(at(1)), None);
        assert_eq!(limit.windows().len(), 1);
    }
}
