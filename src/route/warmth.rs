//! Warm or cold: when a model was last used or called, and how long first tokens take after each.
//!
//! Owns: the samples that show what keeping warm saves. Must not know: how a model is kept warm, or
//! what that costs. Invariant: only the user's own answers are samples; a call of ours never is.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::UnixMs;

use super::Warmth;
use super::health::percentile;

/// Samples kept of each kind: enough for a median, few enough to follow change.
const SAMPLES: usize = 50;

/// Attempts remembered until their first token comes.
const STARTS: usize = 128;

/// What kept a model warm until an attempt left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Nothing: it was idle.
    Not,
    /// A free call: the way there is warm, the model may not be.
    Called,
    /// A token of its own, paid for.
    Paid,
    /// The user's own requests.
    Used,
}

/// What keeping a model warm has come to. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WarmFigures {
    /// Median time to first token after idling.
    pub cold_p50: Option<u64>,
    /// The same after idling, but for free calls.
    pub called_p50: Option<u64>,
    /// The same when it was kept warm by tokens paid for, or else was in use.
    pub warm_p50: Option<u64>,
    /// Attempts that left after idling and met it cold.
    pub cold_starts: u32,
    /// Attempts that would have met it cold, had it not been kept warm.
    pub kept_starts: u32,
}

impl WarmFigures {
    /// Milliseconds that a cold start takes longer than a warm one. Measured where both are known;
    /// else `prior`, what is expected of this model.
    pub fn saved_ms(&self, prior: u64) -> (u64, Basis) {
        match (self.cold_p50, self.warm_p50) {
            (Some(cold), Some(warm)) => (cold.saturating_sub(warm), Basis::Measured),
            (Some(_) | None, None) | (None, Some(_)) => (prior, Basis::Expected),
        }
    }
}

/// What a figure rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It was measured in this run.
    Measured,
    /// It is what the registry expects.
    Expected,
}

/// When one model was used and called, and its first tokens by what kept it warm.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    used: Option<UnixMs>,
    paid: Option<UnixMs>,
    called: Option<UnixMs>,
    starts: VecDeque<(UnixMs, Kept)>,
    cold: VecDeque<u64>,
    only_called: VecDeque<u64>,
    kept: VecDeque<u64>,
    warm: VecDeque<u64>,
    cold_starts: u32,
    kept_starts: u32,
}

impl Uses {
    /// An attempt leaves.
    pub(crate) fn started(&mut self, now: UnixMs, warm_for: Duration) {
        let fresh = |at: Option<UnixMs>| at.is_some_and(|at| now.since(at) < warm_for);
        let kept = if fresh(self.used) {
            Kept::Used
        } else if fresh(self.paid) {
            Kept::Paid
        } else if fresh(self.called) {
            Kept::Called
        } else {
            Kept::Not
        };
        if self.starts.len() >= STARTS {
            self.starts.pop_front();
        }
        self.starts.push_back((now, kept));
    }

    /// The first token of one that left `ttft_ms` ago.
    pub(crate) fn first_token(&mut self, ttft_ms: u64, now: UnixMs) {
        let left = now - Duration::from_millis(ttft_ms);
        let nearest = (0..self.starts.len())
            .min_by_key(|index| self.starts[*index].0.0.abs_diff(left.0))
            .and_then(|index| self.starts.remove(index));
        let samples = match nearest {
            Some((_, Kept::Not)) => {
                self.cold_starts = self.cold_starts.saturating_add(1);
                &mut self.cold
            }
            Some((_, Kept::Called)) => &mut self.only_called,
            Some((_, Kept::Paid)) => {
                self.kept_starts = self.kept_starts.saturating_add(1);
                &mut self.kept
            }
            Some((_, Kept::Used)) => &mut self.warm,
            None => return,
        };
        if samples.len() >= SAMPLES {
            samples.pop_front();
        }
        samples.push_back(ttft_ms);
    }

    /// It answered somebody.
    pub(crate) fn used(&mut self, now: UnixMs) {
        self.used = self.used.max(Some(now));
    }

    /// It gave a token that was paid for to keep it warm.
    pub(crate) fn paid(&mut self, now: UnixMs) {
        self.paid = self.paid.max(Some(now));
    }

    /// Its endpoint answered a free call.
    pub(crate) fn called(&mut self, now: UnixMs) {
        self.called = self.called.max(Some(now));
    }

    /// Whether its next first token is likely to be slow.
    pub(crate) fn warmth(&self, now: UnixMs, warm_for: Duration) -> Warmth {
        let last = self.used.max(self.paid).max(self.called);
        if last.is_some_and(|last| now.since(last) < warm_for) {
            Warmth::Warm
        } else {
            Warmth::Cold
        }
    }

    /// What it comes to.
    pub(crate) fn figures(&self) -> WarmFigures {
        let p50 = |samples: &VecDeque<u64>| {
            let mut sorted: Vec<u64> = samples.iter().copied().collect();
            sorted.sort_unstable();
            percentile(&sorted, 0.50)
        };
        WarmFigures {
            cold_p50: p50(&self.cold),
            called_p50: p50(&self.only_called),
            warm_p50: p50(&self.kept).or_else(|| p50(&self.warm)),
            cold_starts: self.cold_starts,
            kept_starts: self.kept_starts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR: Duration = Duration::from_secs(70);

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    fn asked(uses: &mut Uses, now: UnixMs, ttft_ms: u64) {
        uses.started(now, FOR);
        let first = now + Duration::from_millis(ttft_ms);
        uses.first_token(ttft_ms, first);
        uses.used(first);
    }

    #[test]
    fn what_keeping_warm_saves_is_the_difference_of_the_medians() {
        let mut uses = Uses::default();
        asked(&mut uses, at(0), 4_200);
        assert_eq!(uses.figures().saved_ms(2_500), (2_500, Basis::Expected));
        asked(&mut uses, at(100), 4_000);
        uses.paid(at(160));
        asked(&mut uses, at(200), 1_100);
        uses.paid(at(260));
        uses.called(at(262));
        asked(&mut uses, at(290), 1_200);
        let figures = uses.figures();
        assert_eq!((figures.cold_p50, figures.warm_p50), (Some(4_000), Some(1_100)));
        assert_eq!((figures.cold_starts, figures.kept_starts), (2, 2));
        assert_eq!(figures.saved_ms(0), (2_900, Basis::Measured));
    }

    #[test]
    fn what_is_in_use_anyway_is_no_merit_of_keeping_warm() {
        let mut uses = Uses::default();
        asked(&mut uses, at(0), 4_000);
        uses.paid(at(10));
        asked(&mut uses, at(20), 900);
        let figures = uses.figures();
        assert_eq!((figures.warm_p50, figures.kept_starts), (Some(900), 0));
    }

    #[test]
    fn after_free_calls_alone_it_counts_apart() {
        let mut uses = Uses::default();
        uses.called(at(0));
        asked(&mut uses, at(30), 1_500);
        let figures = uses.figures();
        assert_eq!(
            (figures.called_p50, figures.cold_p50, figures.warm_p50),
            (Some(1_500), None, None)
        );
    }

    #[test]
    fn two_on_their_way_at_once_are_told_apart_by_when_they_left() {
        let mut uses = Uses::default();
        uses.started(at(0), FOR);
        uses.used(at(1));
        uses.started(at(5), FOR);
        uses.first_token(900, UnixMs(5_900));
        uses.first_token(6_000, at(6));
        let figures = uses.figures();
        assert_eq!((figures.cold_p50, figures.warm_p50), (Some(6_000), Some(900)));
    }

    #[test]
    fn it_is_warm_for_a_while_after_use_token_or_call() {
        let mut uses = Uses::default();
        assert_eq!(uses.warmth(at(0), FOR), Warmth::Cold);
        uses.called(at(0));
        assert_eq!(uses.warmth(at(69), FOR), Warmth::Warm);
        assert_eq!(uses.warmth(at(70), FOR), Warmth::Cold);
        uses.paid(at(100));
        assert_eq!(uses.warmth(at(169), FOR), Warmth::Warm);
    }
}
