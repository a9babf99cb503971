//! What was measured of one model lately: a window bounded in time and count, with exact
//! percentiles, and a longer memory of what is usual for it.
//!
//! Owns: samples and the figures made of them. Must not know: what follows from a figure (circuits
//! and shifts do). Invariant: memory is bounded whatever the traffic; samples older than the window
//! count for nothing but "usual".

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::UnixMs;

use super::warmth::{Uses, WarmFigures};
use super::{HealthState, ModelHealth};

/// Samples of "usual": one in so many milliseconds at most, over the last hour.
const USUAL_EVERY_MS: i64 = 6_000;
const USUAL_FOR: Duration = Duration::from_hours(1);
const USUAL_SAMPLES: usize = 600;

/// Samples needed before "usual" means anything, and before a median is compared with it.
const USUAL_LEAST: usize = 10;
const SLOW_LEAST: usize = 5;

/// A median this many times the usual one is slow.
pub(crate) const SLOW_TIMES: f64 = 4.0;

/// First-token times kept for a sparkline.
const RECENT: usize = 32;

/// How a window is bounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) span: Duration,
    pub(crate) samples: usize,
    pub(crate) warm_for: Duration,
}

#[derive(Debug, Clone, Copy)]
struct End {
    at: UnixMs,
    failed: bool,
    total_ms: Option<u64>,
    tokens_per_s: Option<f64>,
    gap_ms: Option<u64>,
}

/// How an attempt that counts went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Went {
    pub(crate) failed: Failed,
    pub(crate) total_ms: u64,
    pub(crate) tokens_per_s: Option<f64>,
    /// Its longest silence after the first token.
    pub(crate) gap_ms: Option<u64>,
}

/// The window of one model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    firsts: VecDeque<(UnixMs, u64)>,
    ends: VecDeque<End>,
    usual: VecDeque<(UnixMs, u64)>,
    recent: VecDeque<Option<u64>>,
    last_p50: Option<u64>,
    last_speed: Option<f64>,
    uses: Uses,
    in_flight: u32,
}

/// The value below which `share` of the sorted values lie (nearest rank).
pub(crate) fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values
}

impl Health {
    /// An attempt left the socket.
    pub(crate) fn started(&mut self, now: UnixMs, bounds: &Bounds) {
        self.in_flight = self.in_flight.saturating_add(1);
        self.uses.started(now, bounds.warm_for);
    }

    /// When it was used and called.
    pub(crate) fn uses(&mut self) -> &mut Uses {
        &mut self.uses
    }

    /// What keeping it warm has come to.
    pub(crate) fn warm_figures(&self) -> WarmFigures {
        self.uses.figures()
    }

    /// Its first content token.
    pub(crate) fn first_token(&mut self, ttft_ms: u64, now: UnixMs, bounds: &Bounds) {
        self.firsts.push_back((now, ttft_ms));
        self.push_recent(Some(ttft_ms));
        if self.usual.back().is_none_or(|(at, _)| now.0.saturating_sub(at.0) >= USUAL_EVERY_MS) {
            self.usual.push_back((now, ttft_ms));
        }
        self.uses.first_token(ttft_ms, now);
        self.uses.used(now);
        self.prune(now, bounds);
        self.last_p50 = percentile(&sorted(self.firsts.iter().map(|(_, ms)| *ms)), 0.50);
    }

    /// An attempt that counts ended.
    pub(crate) fn ended(&mut self, went: Went, now: UnixMs, bounds: &Bounds) {
        let failed = went.failed == Failed::Yes;
        self.ends.push_back(End {
            at: now,
            failed,
            total_ms: (!failed).then_some(went.total_ms),
            tokens_per_s: went.tokens_per_s.filter(|_| !failed),
            gap_ms: went.gap_ms.filter(|_| !failed),
        });
        if failed {
            self.push_recent(None);
        } else {
            self.last_speed = went.tokens_per_s.or(self.last_speed);
            self.uses.used(now);
        }
        self.prune(now, bounds);
    }

    /// Attempts running now.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// An attempt is over, whether it counts or not.
    pub(crate) fn landed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    fn push_recent(&mut self, ttft: Option<u64>) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(ttft);
    }

    fn prune(&mut self, now: UnixMs, bounds: &Bounds) {
        let oldest = now - bounds.span;
        while self.firsts.front().is_some_and(|(at, _)| *at < oldest)
            || self.firsts.len() > bounds.samples
        {
            self.firsts.pop_front();
        }
        while self.ends.front().is_some_and(|end| end.at < oldest)
            || self.ends.len() > bounds.samples
        {
            self.ends.pop_front();
        }
        while self.usual.front().is_some_and(|(at, _)| *at < now - USUAL_FOR)
            || self.usual.len() > USUAL_SAMPLES
        {
            self.usual.pop_front();
        }
    }

    /// First-token times after `since` within the window, sorted.
    pub(crate) fn firsts_since(&self, since: UnixMs, now: UnixMs, bounds: &Bounds) -> Vec<u64> {
        let oldest = since.max(now - bounds.span);
        sorted(self.firsts.iter().filter(|(at, _)| *at >= oldest).map(|(_, ms)| *ms))
    }

    /// Times to the last token after `since` within the window, sorted.
    pub(crate) fn totals_since(&self, since: UnixMs, now: UnixMs, bounds: &Bounds) -> Vec<u64> {
        let oldest = since.max(now - bounds.span);
        sorted(self.ends.iter().filter(|end| end.at >= oldest).filter_map(|end| end.total_ms))
    }

    /// How many first-token times, and times to the last token, the window holds.
    pub(crate) fn counts(&self, now: UnixMs, bounds: &Bounds) -> (usize, usize) {
        let oldest = now - bounds.span;
        let ends = self.ends.iter().filter(|end| end.at >= oldest);
        (
            self.firsts.iter().filter(|(at, _)| *at >= oldest).count(),
            ends.filter(|end| end.total_ms.is_some()).count(),
        )
    }

    /// Failed share and number of the window's attempts.
    pub(crate) fn failures(&self, now: UnixMs, bounds: &Bounds) -> (f32, u32) {
        let oldest = now - bounds.span;
        let ends = self.ends.iter().filter(|end| end.at >= oldest);
        let (failed, all) =
            ends.fold((0u32, 0u32), |(failed, all), end| (failed + u32::from(end.failed), all + 1));
        (if all == 0 { 0.0 } else { failed as f32 / all as f32 }, all)
    }

    /// How many times slower than usual it is now: the window's median over the median of the hour
    /// before it. `None` while either is unknown.
    pub(crate) fn slow_factor(&self, now: UnixMs, bounds: &Bounds) -> Option<f64> {
        let oldest = now - bounds.span;
        let current = self.firsts_since(UnixMs(i64::MIN), now, bounds);
        let usual = sorted(
            self.usual
                .iter()
                .filter(|(at, _)| *at < oldest && *at >= now - USUAL_FOR)
                .map(|(_, ms)| *ms),
        );
        if current.len() < SLOW_LEAST || usual.len() < USUAL_LEAST {
            return None;
        }
        let (current, usual) = (percentile(&current, 0.5)?, percentile(&usual, 0.5)?);
        Some(current as f64 / usual.max(1) as f64)
    }

    /// Recent first-token times, oldest first; `None` marks a failure.
    pub(crate) fn recent(&self) -> Vec<Option<u64>> {
        self.recent.iter().copied().collect()
    }

    /// The window's figures; `state` is the caller's to set. With an empty window the last known
    /// medians stand in (`samples` is then 0).
    pub(crate) fn figures(&self, now: UnixMs, bounds: &Bounds) -> ModelHealth {
        let oldest = now - bounds.span;
        let firsts = self.firsts_since(UnixMs(i64::MIN), now, bounds);
        let ends: Vec<&End> = self.ends.iter().filter(|end| end.at >= oldest).collect();
        let totals = sorted(ends.iter().filter_map(|end| end.total_ms));
        let gaps = sorted(ends.iter().filter_map(|end| end.gap_ms));
        let mut speeds: Vec<f64> = ends.iter().filter_map(|end| end.tokens_per_s).collect();
        speeds.sort_by(f64::total_cmp);
        let (error_rate, _) = self.failures(now, bounds);
        ModelHealth {
            state: HealthState::Unknown,
            samples: firsts.len().max(ends.len()) as u32,
            ttft_p50: percentile(&firsts, 0.50).or(self.last_p50),
            ttft_p95: percentile(&firsts, 0.95),
            total_p50: percentile(&totals, 0.50),
            total_p95: percentile(&totals, 0.95),
            tokens_per_s: speeds.get(speeds.len() / 2).copied().or(self.last_speed),
            gap_p95: percentile(&gaps, 0.95),
            error_rate,
            warmth: self.uses.warmth(now, bounds.warm_for),
            in_flight: self.in_flight,
        }
    }
}

/// Whether an attempt counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds =
        Bounds { span: Duration::from_mins(5), samples: 200, warm_for: Duration::from_secs(90) };

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    #[test]
    fn percentiles_are_exact() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&values, 0.50), Some(50));
        assert_eq!(percentile(&values, 0.95), Some(95));
        assert_eq!(percentile(&[7], 0.95), Some(7));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn samples_leave_the_window_by_age_and_by_number_and_the_last_median_is_remembered() {
        let mut health = Health::default();
        for n in 0..250u64 {
            health.first_token(n, at(0), &BOUNDS);
        }
        let figures = health.figures(at(0), &BOUNDS);
        assert_eq!(figures.samples, 200);
        assert_eq!(figures.ttft_p50, Some(149));
        let later = health.figures(at(301), &BOUNDS);
        assert_eq!((later.samples, later.ttft_p50, later.ttft_p95), (0, Some(149), None));
    }

    #[test]
    fn failures_show_in_the_rate_and_as_gaps() {
        let mut health = Health::default();
        health.first_token(400, at(1), &BOUNDS);
        let well = Went {
            failed: Failed::No,
            total_ms: 2_000,
            tokens_per_s: Some(70.0),
            gap_ms: Some(40),
        };
        health.ended(well, at(2), &BOUNDS);
        let badly = Went { failed: Failed::Yes, total_ms: 9_000, tokens_per_s: None, ..well };
        health.ended(badly, at(3), &BOUNDS);
        let figures = health.figures(at(3), &BOUNDS);
        assert_eq!(figures.error_rate, 0.5);
        assert_eq!(figures.total_p50, Some(2_000));
        assert_eq!(figures.tokens_per_s, Some(70.0));
        assert_eq!(figures.gap_p95, Some(40));
        assert_eq!(health.recent(), [Some(400), None]);
    }

    #[test]
    fn slower_than_its_own_hour_is_noticed() {
        let mut health = Health::default();
        for n in 0..60 {
            health.first_token(400, at(n * 30), &BOUNDS);
        }
        for n in 0..30 {
            health.first_token(2_000, at(1_800 + n * 10), &BOUNDS);
        }
        let factor = health.slow_factor(at(2_100), &BOUNDS).unwrap();
        assert!((factor - 5.0).abs() < 0.1, "{factor}");
    }

    #[test]
    fn what_runs_now_is_counted_and_never_below_zero() {
        let mut health = Health::default();
        health.started(at(0), &BOUNDS);
        health.started(at(0), &BOUNDS);
        health.landed();
        assert_eq!(health.figures(at(0), &BOUNDS).in_flight, 1);
        health.landed();
        health.landed();
        assert_eq!(health.figures(at(0), &BOUNDS).in_flight, 0);
    }
}
