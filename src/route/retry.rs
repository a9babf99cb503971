//! A budget for asking the same provider again: while it fails for everybody, retries must not become
//! a storm.
//!
//! Owns: one bucket per provider. Must not know: why an attempt failed. Invariant: over any span,
//! retries are at most the bucket, plus its refill, plus a share of the first attempts. (The shape is
//! that of the retry budgets of Finagle and Envoy.)

use std::time::Duration;

use crate::domain::UnixMs;

/// Retries that may be made at once before any is earned.
const BUCKET: f64 = 10.0;

/// Retries earned by each first attempt.
const EARNED: f64 = 0.2;

/// One retry comes back in so long without any traffic.
const REFILL: Duration = Duration::from_secs(2);

/// The retries left for one provider.
#[derive(Debug, Clone)]
pub(crate) struct RetryBudget {
    left: f64,
    at: Option<UnixMs>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { left: BUCKET, at: None }
    }
}

impl RetryBudget {
    /// A first attempt was made.
    pub(crate) fn earn(&mut self, now: UnixMs) {
        self.refill(now);
        self.left = (self.left + EARNED).min(BUCKET);
    }

    /// May a retry be made? If so it counts as made.
    pub(crate) fn spend(&mut self, now: UnixMs) -> bool {
        self.refill(now);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    fn refill(&mut self, now: UnixMs) {
        let since = self.at.map_or(Duration::ZERO, |at| now.since(at));
        self.left = (self.left + since.as_secs_f64() / REFILL.as_secs_f64()).min(BUCKET);
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_provider_never_sees_a_storm() {
        let mut budget = RetryBudget::default();
        let mut retries = 0;
        // A hundred requests in a second, each of which would retry twice.
        for n in 0..100 {
            let now = UnixMs(n * 10);
            budget.earn(now);
            retries += (0..2).filter(|_| budget.spend(now)).count();
        }
        assert!(retries <= 31, "{retries} retries for 100 requests");
    }

    #[test]
    fn one_person_asking_now_and_then_is_never_held_back() {
        let mut budget = RetryBudget::default();
        for n in 0..50 {
            let now = UnixMs(n * 5_000);
            budget.earn(now);
            assert!(budget.spend(now) && budget.spend(now));
        }
    }
}
