//! How often a second model may be asked beside a slow first one, and what that may cost.
//!
//! Owns: the count and the price of races over the last hour. Must not know: who races. Invariant: the
//! share and the money are checked before a race begins, so neither is ever passed by more than the
//! one that is running.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{Money, UnixMs};

/// What is remembered.
const WINDOW: Duration = Duration::from_hours(1);

/// Requests and races remembered at most.
const KEPT: usize = 4096;

/// Requests below which the share is not yet a share: one race is allowed all the same.
const FEW: usize = 10;

/// The limits of racing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgeLimits {
    /// The greatest share of requests, 0 to 1.
    pub share: f64,
    /// The most that second models may cost in an hour.
    pub per_hour: Money,
}

/// Requests and races of the last hour.
#[derive(Debug, Clone, Default)]
pub struct HedgeBook {
    requests: VecDeque<UnixMs>,
    races: VecDeque<(UnixMs, Money)>,
}

impl HedgeBook {
    /// A request was made.
    pub fn asked(&mut self, now: UnixMs) {
        self.requests.push_back(now);
        self.prune(now);
    }

    /// May a second model that would cost this be asked now? If so it counts as asked.
    pub fn may_race(&mut self, cost: Money, limits: &HedgeLimits, now: UnixMs) -> bool {
        self.prune(now);
        let requests = self.requests.len().max(FEW) as f64;
        let share = (self.races.len() + 1) as f64 / requests;
        let spent = self.races.iter().fold(Money::ZERO, |sum, (_, cost)| sum + *cost);
        if share > limits.share || spent + cost > limits.per_hour {
            return false;
        }
        self.races.push_back((now, cost));
        true
    }

    fn prune(&mut self, now: UnixMs) {
        let oldest = now - WINDOW;
        while self.requests.front().is_some_and(|at| *at < oldest) || self.requests.len() > KEPT {
            self.requests.pop_front();
        }
        while self.races.front().is_some_and(|(at, _)| *at < oldest) || self.races.len() > KEPT {
            self.races.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    fn limits(share: f64, per_hour: &str) -> HedgeLimits {
        HedgeLimits { share, per_hour: per_hour.parse().unwrap() }
    }

    #[test]
    fn no_more_than_the_share_of_requests_is_raced() {
        let (mut book, limits) = (HedgeBook::default(), limits(0.1, "1"));
        for second in 0..100 {
            book.asked(at(second));
        }
        let raced = (0..100).filter(|_| book.may_race(Money::ZERO, &limits, at(100))).count();
        assert_eq!(raced, 10);
    }

    #[test]
    fn no_more_than_the_money_of_an_hour_is_spent_and_it_comes_back() {
        let (mut book, limits) = (HedgeBook::default(), limits(1.0, "0.01"));
        let cost: Money = "0.004".parse().unwrap();
        assert!(book.may_race(cost, &limits, at(0)));
        assert!(book.may_race(cost, &limits, at(1)));
        assert!(!book.may_race(cost, &limits, at(2)));
        assert!(book.may_race(cost, &limits, at(3_601)));
    }
}
