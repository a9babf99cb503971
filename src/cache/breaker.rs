//! The circuit of the shared tier: when it is used, and when one that failed is tried again. A dead
//! server must cost requests nothing, so only a probe of ours ever waits for one. Pure: takes `now`.

use std::time::Duration;

use crate::domain::UnixMs;

/// How soon a server that failed is tried again; doubles up to [`LAST`].
const FIRST: Duration = Duration::from_millis(250);

/// The longest between two tries. Longer would leave a server that is back unused for as long.
const LAST: Duration = Duration::from_secs(5);

/// Whether the shared tier is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaker {
    /// It was not used yet: the first use connects.
    #[default]
    Untried,
    /// It works.
    Closed,
    /// It failed; nobody but the probe uses it.
    Open {
        /// Since when.
        since: UnixMs,
        /// When it is tried again.
        next: UnixMs,
        /// How long it waited this time.
        delay: Duration,
    },
}

/// What an observation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Nothing.
    No,
    /// It has just stopped being used.
    Off,
    /// It is used again.
    On,
}

impl Breaker {
    /// May a request use the tier?
    pub const fn usable(&self) -> bool {
        match self {
            Self::Untried | Self::Closed => true,
            Self::Open { .. } => false,
        }
    }

    /// It answered.
    pub fn worked(&mut self) -> Turned {
        let turned = if self.usable() { Turned::No } else { Turned::On };
        *self = Self::Closed;
        turned
    }

    /// It did not.
    pub fn failed(&mut self, now: UnixMs) -> Turned {
        match *self {
            Self::Untried | Self::Closed => {
                *self = Self::Open { since: now, next: now + FIRST, delay: FIRST };
                Turned::Off
            }
            // What other requests had under way when it failed is no news.
            Self::Open { next, .. } if now < next => Turned::No,
            Self::Open { since, delay, .. } => {
                let delay = (delay * 2).min(LAST);
                *self = Self::Open { since, next: now + delay, delay };
                Turned::No
            }
        }
    }

    /// When it is tried again, where it is not used.
    pub const fn next_try(&self) -> Option<UnixMs> {
        match self {
            Self::Untried | Self::Closed => None,
            Self::Open { next, .. } => Some(*next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMs {
        UnixMs(1_000_000) + Duration::from_millis(ms)
    }

    #[test]
    fn one_failure_stops_its_use_and_one_answer_brings_it_back() {
        let mut breaker = Breaker::default();
        assert!(breaker.usable());
        assert_eq!(breaker.failed(at(0)), Turned::Off);
        assert!(!breaker.usable());
        assert_eq!(breaker.next_try(), Some(at(250)));
        assert_eq!(breaker.worked(), Turned::On);
        assert!(breaker.usable());
        assert_eq!(breaker.worked(), Turned::No);
    }

    #[test]
    fn failures_of_requests_under_way_neither_count_nor_put_off_the_next_try() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0));
        for ms in 1..200 {
            assert_eq!(breaker.failed(at(ms)), Turned::No);
        }
        assert_eq!(breaker.next_try(), Some(at(250)));
    }

    #[test]
    fn tries_grow_rarer_up_to_a_limit() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0));
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = breaker.next_try().unwrap();
            breaker.failed(due);
            waits.push(due.until(breaker.next_try().unwrap()).as_millis());
        }
        assert_eq!(waits, [500, 1000, 2000, 4000, 5000, 5000, 5000, 5000]);
    }
}
