//! When a rate limit will be used up at the present rate, from what headers told and what was sent
//! since.
//!
//! Owns: the meter of one window and the forecast made of it. Must not know: what a router does with
//! a forecast. Invariant: a window that has reset forecasts nothing, and a rate of nothing never
//! runs out.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{RateWindow, UnixMs};

use super::filter::{tokens_short, until_short};

/// The present rate is that of this span. Shorter follows bursts, longer forgets them later.
const LOOK_BACK: Duration = Duration::from_secs(20);

/// A rate is spread over at least this, so that a burst of a moment is not taken for a pace.
const LEAST_SPAN: Duration = Duration::from_secs(10);

/// Requests, or answers with headers, that make a rate.
const LEAST_EVENTS: usize = 3;

/// From so near on, traffic goes elsewhere. Longer leaves more of a limit unused, shorter meets more
/// refusals while answers are on their way.
const SOON: Duration = Duration::from_secs(30);

/// From so small a share on, what is on its way may be all that is left.
const LAST_SHARE: f64 = 0.05;

/// A rise by more than this share of the limit is a refill; less is answers overtaking each other.
const REFILL_SHARE: f64 = 0.05;

/// A window that never says when it ends is believed for this long.
const UNTOLD_RESET: Duration = Duration::from_mins(1);

/// Readings and moments kept: more than a rate needs, whatever the traffic.
const READINGS: usize = 64;
const SENT: usize = 1_024;

/// How long a sent request is remembered: longer than an answer usually streams, because its headers
/// are told at its end.
const SENT_FOR: Duration = Duration::from_mins(5);

/// What one request weighs in the mean size of requests.
const NEWEST_WEIGHS: f64 = 0.2;

/// How near the end of a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// It will be used up before it resets, but not in a moment.
    Ahead,
    /// It will be used up in a moment.
    Soon,
    /// The last few are left, and requests are on their way.
    NearlyGone,
}

/// A rate limit that will be used up before it resets, at the present rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is limited: `requests`, `tokens`, `input-tokens`, `output-tokens`.
    pub what: String,
    /// How many are left, what was sent since the last answer taken off.
    pub left: u64,
    /// How many there are in a window.
    pub limit: Option<u64>,
    /// When they are used up at the present rate.
    pub runs_out: UnixMs,
    /// When the window is full again.
    pub resets_at: Option<UnixMs>,
    /// How near that is.
    pub outlook: Outlook,
}

impl Forecast {
    /// Should traffic go elsewhere at this moment, if it can?
    pub fn keeps_away(&self, now: UnixMs) -> bool {
        let open = self.resets_at.is_none_or(|resets| now < resets);
        open && match self.outlook {
            Outlook::Soon | Outlook::NearlyGone => true,
            Outlook::Ahead => now.until(self.runs_out) <= SOON,
        }
    }

    /// For people: `429 in about 40s at this rate`, `3 of 60 requests left, more on their way`.
    pub fn words(&self, now: UnixMs) -> String {
        match self.outlook {
            Outlook::Ahead | Outlook::Soon => {
                format!("429 in about {} at this rate", until_short(now, self.runs_out))
            }
            Outlook::NearlyGone => {
                let left = tokens_short(self.left);
                let of =
                    self.limit.map_or(String::new(), |all| format!(" of {}", tokens_short(all)));
                format!("{left}{of} {} left, more on their way", self.what)
            }
        }
    }
}

/// What was sent lately, and how large it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    at: VecDeque<UnixMs>,
    input: Option<f64>,
    output: Option<f64>,
}

impl Sent {
    /// A request is about to leave.
    pub(crate) fn one(&mut self, now: UnixMs) {
        while self.at.len() >= SENT || self.at.front().is_some_and(|at| *at < now - SENT_FOR) {
            self.at.pop_front();
        }
        self.at.push_back(now);
    }

    /// One came to so many tokens.
    pub(crate) fn size(&mut self, input: u64, output: u64) {
        let mix = |held: Option<f64>, new: u64| {
            Some(held.map_or(new as f64, |held| held + (new as f64 - held) * NEWEST_WEIGHS))
        };
        self.input = mix(self.input, input);
        self.output = mix(self.output, output);
    }

    fn after(&self, moment: UnixMs) -> usize {
        self.at.len() - self.at.partition_point(|at| *at <= moment)
    }

    /// What one request takes of a window; `None` where that is not known.
    fn weight(&self, what: &str) -> Option<f64> {
        match what {
            "requests" | "requests-day" => Some(1.0),
            "input-tokens" => self.input,
            "output-tokens" => self.output,
            "tokens" => Some(self.input? + self.output?),
            _ => None,
        }
    }

    /// Requests per second.
    fn rate(&self, now: UnixMs) -> Option<f64> {
        let count = self.after(now - LOOK_BACK);
        let first = self.at.get(self.at.len() - count)?;
        (count >= LEAST_EVENTS).then(|| (count - 1) as f64 / spread(*first, now))
    }
}

/// Seconds since `first`, within the bounds a rate is taken over.
fn spread(first: UnixMs, now: UnixMs) -> f64 {
    now.since(first).clamp(LEAST_SPAN, LOOK_BACK).as_secs_f64()
}

/// How a window fills up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refills {
    /// All of it when it ends.
    AtItsEnd,
    /// By and by: what headers tell is already net of it.
    Steadily,
}

/// One window as told by answers.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    told: RateWindow,
    told_at: UnixMs,
    /// What was left, oldest first, since the window last filled up.
    readings: VecDeque<(UnixMs, u64)>,
    refills: Refills,
}

impl Meter {
    pub(crate) fn new(told: &RateWindow, at: UnixMs) -> Self {
        let mut meter = Self {
            told: told.clone(),
            told_at: at,
            readings: VecDeque::new(),
            refills: Refills::AtItsEnd,
        };
        meter.note(at);
        meter
    }

    /// Whether this is the window that header speaks of.
    pub(crate) fn is(&self, told: &RateWindow) -> bool {
        self.told.what == told.what
    }

    /// What another answer told. One whose headers are older than the last ones changes nothing.
    pub(crate) fn tell(&mut self, told: &RateWindow, at: UnixMs) {
        if at < self.told_at {
            return;
        }
        if let (Some(before), Some(left)) = (self.told.remaining, told.remaining) {
            let slack = self.told.limit.map_or(2.0, |limit| (limit as f64 * REFILL_SHARE).max(2.0));
            if left as f64 > before as f64 + slack {
                self.readings.clear();
                let ended = self.told.resets_at.is_none_or(|resets| at >= resets);
                self.refills = if ended { Refills::AtItsEnd } else { Refills::Steadily };
            }
        }
        self.told.clone_from(told);
        self.told_at = at;
        self.note(at);
    }

    fn note(&mut self, at: UnixMs) {
        let Some(left) = self.told.remaining else { return };
        if self.readings.len() >= READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back((at, left));
    }

    /// The window as last told.
    pub(crate) fn told(&self) -> &RateWindow {
        &self.told
    }

    /// Used up, as told, until this moment.
    pub(crate) fn used_up_until(&self) -> Option<UnixMs> {
        self.told.resets_at.filter(|_| self.told.remaining == Some(0))
    }

    /// When it will be used up, if that is before it resets. `in_flight` requests are on their way.
    pub(crate) fn forecast(&self, sent: &Sent, in_flight: u32, now: UnixMs) -> Option<Forecast> {
        let resets_at = self.told.resets_at;
        let ends = resets_at.unwrap_or(self.told_at + UNTOLD_RESET);
        let told = self.told.remaining.filter(|left| *left > 0 && now < ends)?;
        let weight = sent.weight(&self.told.what);
        let since = weight.map_or(0.0, |weight| weight * sent.after(self.told_at) as f64);
        let left = told.saturating_sub(since.round() as u64);
        let runs_out = self.rate(sent, now).map(|rate| {
            now + Duration::try_from_secs_f64(left as f64 / rate).unwrap_or(Duration::MAX)
        });
        let last = self.told.limit.is_some_and(|limit| left as f64 <= limit as f64 * LAST_SHARE);
        let (runs_out, outlook) = match runs_out {
            _ if last && in_flight > 0 => (runs_out.unwrap_or(ends).min(ends), Outlook::NearlyGone),
            Some(at) if at < ends && now.until(at) <= SOON => (at, Outlook::Soon),
            Some(at) if at < ends => (at, Outlook::Ahead),
            Some(_) | None => return None,
        };
        let (what, limit) = (self.told.what.clone(), self.told.limit);
        Some(Forecast { what, left, limit, runs_out, resets_at, outlook })
    }

    /// What is used per second: as headers tell it (others may use the same key), or as we send,
    /// whichever is more. Where a window refills steadily, only headers know.
    fn rate(&self, sent: &Sent, now: UnixMs) -> Option<f64> {
        let own = match self.refills {
            Refills::AtItsEnd => sent.weight(&self.told.what).zip(sent.rate(now)),
            Refills::Steadily => None,
        };
        let own = own.map(|(weight, rate)| weight * rate);
        let from = self.readings.partition_point(|(at, _)| *at < now - LOOK_BACK);
        let told = match (self.readings.get(from), self.readings.back()) {
            (Some((first, most)), Some((_, least)))
                if self.readings.len() - from >= LEAST_EVENTS =>
            {
                Some(most.saturating_sub(*least) as f64 / spread(*first, now))
            }
            _ => None,
        };
        let rate = own.into_iter().chain(told).fold(0.0, f64::max);
        (rate > 0.0).then_some(rate)
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
