//! What was told about money and is not written yet.
//!
//! Must not know: SQL, threads. Bounded: past [`LINES`] the oldest settlements are added up by run and
//! bucket, and of each only its attempt's id stays, so that no money is lost however long the file
//! cannot be written; past [`IDS`] the oldest ids are forgotten too (their claims lapse by themselves,
//! and their money stays in the sum). Invariants: what was told is handed on exactly once, also where it
//! was told again while it waited; releases past the bound are left to lapse.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::{AttemptId, BudgetScope, Cost, UnixMs};
use crate::route::{Bucket, Holder, SpendLine};

/// Settlements and releases that wait line by line: a few megabytes.
pub(super) const LINES: usize = 16 * 1024;

/// Attempts whose ids are kept beside their sum: sixteen megabytes.
const IDS: usize = 1 << 20;

/// Sums that are kept apart. Past it those of the oldest chats go: what a day, a month, a provider and a
/// model came to stays whole.
const BUCKETS: usize = 64 * 1024;

/// What has to be written, whoever waits for it or not.
#[derive(Debug)]
pub(super) enum Due {
    Settle(SpendLine),
    Release(AttemptId),
    /// Many settlements.
    Sum(Box<Sum>),
}

/// Settlements added up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) attempts: BTreeSet<AttemptId>,
    pub(super) buckets: BTreeMap<(Holder, Bucket), Cost>,
    /// When the newest of them was settled.
    pub(super) at: UnixMs,
}

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Of the oldest.
    sum: Option<Box<Sum>>,
    lines: VecDeque<Due>,
}

impl Owed {
    pub(super) fn is_empty(&self) -> bool {
        self.sum.is_none() && self.lines.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len() + self.sum.as_ref().map_or(0, |sum| sum.attempts.len())
    }

    pub(super) fn push(&mut self, due: Due) {
        self.lines.push_back(due);
        while self.lines.len() > LINES {
            match self.lines.pop_front() {
                Some(Due::Settle(line)) => {
                    if self.sum.is_none() {
                        tracing::warn!("spending is added up while it waits for the file");
                    }
                    self.sum.get_or_insert_default().add(line);
                }
                // It lapses by itself.
                Some(Due::Release(_)) | None => {}
                Some(Due::Sum(sum)) => self.sum = Some(sum),
            }
        }
    }

    /// So many of the oldest.
    pub(super) fn take(&mut self, count: usize) -> Vec<Due> {
        let sum = self.sum.take().map(Due::Sum);
        let lines = self.lines.drain(..count.min(self.lines.len()));
        sum.into_iter().chain(lines).collect()
    }

    /// What was taken last could not be written.
    pub(super) fn put_back(&mut self, dues: Vec<Due>) {
        for due in dues.into_iter().rev() {
            match due {
                Due::Sum(sum) => self.sum = Some(sum),
                due => self.lines.push_front(due),
            }
        }
    }
}

impl Sum {
    fn add(&mut self, line: SpendLine) {
        // Told twice, counted once.
        if !self.attempts.insert(line.attempt) {
            return;
        }
        if self.attempts.len() > IDS {
            self.attempts.pop_first();
        }
        for bucket in line.buckets {
            let cost = self.buckets.entry((line.holder, bucket)).or_insert(Cost::ZERO);
            *cost = *cost + line.cost;
        }
        self.at = self.at.max(line.at);
        let of_session = |key: &&(Holder, Bucket)| matches!(key.1.scope, BudgetScope::Session(_));
        while self.buckets.len() > BUCKETS {
            let Some(oldest) = self.buckets.keys().find(of_session).cloned() else { break };
            self.buckets.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LocalDay, Money, SessionId};
    use crate::route::BucketTime;
    use uuid::Uuid;

    fn line(n: usize) -> SpendLine {
        let today = BucketTime::Day(LocalDay::of(2026, 11, 26));
        let session = BudgetScope::Session(SessionId(Uuid::from_u128(n as u128)));
        SpendLine {
            attempt: AttemptId(Uuid::from_u128(n as u128)),
            holder: Holder(Uuid::nil()),
            buckets: vec![
                Bucket { scope: BudgetScope::Day, time: today },
                Bucket { scope: session, time: BucketTime::Whole },
            ],
            cost: Cost { amount: Money::from_pico(3), exact: true },
            at: UnixMs(n as i64),
        }
    }

    /// All that comes out: attempts, and money of the day.
    fn drain(owed: &mut Owed) -> (Vec<AttemptId>, i64) {
        let (mut attempts, mut money) = (Vec::new(), 0);
        while !owed.is_empty() {
            for due in owed.take(100) {
                match due {
                    Due::Settle(line) => {
                        attempts.push(line.attempt);
                        money += line.cost.amount.pico();
                    }
                    Due::Sum(sum) => {
                        attempts.extend(&sum.attempts);
                        let day = |key: &(Holder, Bucket)| key.1.scope == BudgetScope::Day;
                        let days = sum.buckets.iter().filter(|(key, _)| day(key));
                        money += days.map(|(_, cost)| cost.amount.pico()).sum::<i64>();
                    }
                    Due::Release(_) => {}
                }
            }
        }
        (attempts, money)
    }

    #[test]
    fn past_the_bound_money_is_added_up_and_none_of_it_is_lost_or_counted_twice() {
        let mut owed = Owed::default();
        let count = 2 * LINES + 7;
        for n in 0..count {
            owed.push(Due::Settle(line(n)));
        }
        for n in 0..9 {
            owed.push(Due::Settle(line(n)));
            owed.push(Due::Release(AttemptId(Uuid::from_u128(n as u128))));
        }
        assert!(owed.lines.len() <= LINES);
        let first = owed.take(10);
        assert!(matches!(first[0], Due::Sum(_)), "the oldest comes first");
        owed.put_back(first);
        owed.push(Due::Settle(line(count)));
        let (attempts, money) = drain(&mut owed);
        let ids = |n: usize| AttemptId(Uuid::from_u128(n as u128));
        let told: BTreeSet<AttemptId> = attempts.iter().copied().collect();
        assert!((0..=count).all(|n| told.contains(&ids(n))));
        // The nine told again are lines of their own: the file knows them by their ids.
        assert_eq!((attempts.len(), money), (count + 1 + 9, 3 * (count as i64 + 1 + 9)));
        assert!(owed.is_empty());
    }

    #[test]
    fn sums_of_chats_are_bounded_and_those_of_days_stay() {
        let mut sum = Sum::default();
        for n in 0..BUCKETS + 50 {
            sum.add(line(n));
            sum.add(line(n));
        }
        assert_eq!(sum.buckets.len(), BUCKETS);
        let day = sum.buckets.iter().find(|(key, _)| key.1.scope == BudgetScope::Day).unwrap();
        assert_eq!(day.1.amount.pico(), 3 * (BUCKETS as i64 + 50));
    }
}
