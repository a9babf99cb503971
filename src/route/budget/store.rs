//! The port to where spending is kept beyond this run and shared between processes, and an
//! implementation in memory.
//!
//! Must not know: files, SQL, who reserves. Invariant of every implementation: under a limit given
//! with a claim, what is counted as spent plus what live claims hold never passes it, however many
//! processes reserve at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{AttemptId, BudgetScope, Cost, LocalDay, LocalMonth, Money, UnixMs};

use super::{Calendar, Period};

/// The stretch of time a bucket adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketTime {
    /// A local day.
    Day(LocalDay),
    /// A local month.
    Month(LocalMonth),
    /// All of a conversation.
    Whole,
}

/// Where spending is added up: a scope in a stretch of time. Shown as `day 2026-11-26`,
/// `month 2026-11`, `session UUID`, `provider NAME 2026-11-26`, `model NAME 2026-11-26`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bucket {
    /// Whose.
    pub scope: BudgetScope,
    /// When.
    pub time: BucketTime,
}

impl Bucket {
    /// The bucket a scope is added up in now.
    pub fn at(scope: BudgetScope, calendar: &Calendar) -> Self {
        Self::on(scope, calendar.day)
    }

    /// The bucket a scope is added up in on a day.
    pub fn on(scope: BudgetScope, day: LocalDay) -> Self {
        let time = match scope {
            BudgetScope::Day | BudgetScope::Provider(_) | BudgetScope::Model(_) => {
                BucketTime::Day(day)
            }
            BudgetScope::Month => BucketTime::Month(day.month()),
            BudgetScope::Session(_) => BucketTime::Whole,
        };
        Self { scope, time }
    }

    /// Its period, where it is the calendar's.
    pub(super) fn period(&self, calendar: &Calendar) -> Option<Period> {
        match self.time {
            BucketTime::Day(day) => (day == calendar.day).then_some(calendar.today),
            BucketTime::Month(month) => (month == calendar.month_of()).then_some(calendar.month),
            BucketTime::Whole => None,
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            BudgetScope::Day => f.write_str("day")?,
            BudgetScope::Month => f.write_str("month")?,
            BudgetScope::Session(id) => write!(f, "session {}", id.0)?,
            BudgetScope::Provider(name) => write!(f, "provider {name}")?,
            BudgetScope::Model(name) => write!(f, "model {name}")?,
        }
        match self.time {
            BucketTime::Day(day) => write!(f, " {day}"),
            BucketTime::Month(month) => write!(f, " {month}"),
            BucketTime::Whole => Ok(()),
        }
    }
}

/// A run of the program: one process from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holder(pub Uuid);

/// What was spent and is held in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Settled.
    pub spent: Cost,
    /// Held by live claims.
    pub reserved: Money,
}

/// A claim on budgets that processes share: those that stop or ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedClaim {
    /// The attempt; its spend line has the same id.
    pub attempt: AttemptId,
    /// Who makes it.
    pub holder: Holder,
    /// What it may cost at most.
    pub amount: Money,
    /// Every budget it must fit, with its limit; [`Money::MAX`] where it is only to be seen.
    pub limits: Vec<(Bucket, Money)>,
    /// The moment.
    pub now: UnixMs,
    /// When the claim lapses unless it is renewed: its process has died.
    pub lapses: UnixMs,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedVerdict {
    /// It holds. With it what everybody but the holder has spent and holds, in the order of the
    /// claim's limits.
    Held(Vec<Totals>),
    /// It does not fit. The same figures, so that the refusal can say what is left.
    Refused(Vec<Totals>),
}

/// One settled attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendLine {
    /// The attempt.
    pub attempt: AttemptId,
    /// Who made it.
    pub holder: Holder,
    /// The local day it was sent on, in every bucket's time.
    pub buckets: Vec<Bucket>,
    /// What it cost.
    pub cost: Cost,
    /// When it was settled.
    pub at: UnixMs,
}

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTrouble(
    /// In words a person can act on: `the ledger is locked by another program`.
    pub String,
);

impl fmt::Display for StoreTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreTrouble {}

/// Where spending outlives a run and is shared between processes.
///
/// What an implementation must do:
///
/// - [`totals`](Self::totals), [`reserve`](Self::reserve) and [`renew`](Self::renew) may take a short
///   while (they are called where blocking is allowed, never by the engine's actor) but must give up
///   with a [`StoreTrouble`] rather than wait without end.
///   [`settle`](Self::settle) and [`release`](Self::release) are called from drops: they must
///   return at once, by queueing for a writer. Each may come twice, or for a claim that has lapsed or
///   never was: then it must change nothing but, for a settlement, still count the money.
/// - `reserve` is one transaction that excludes all others (`BEGIN IMMEDIATE`): claims whose `lapses`
///   has passed are removed; then, for *every* limit, spent by everybody (the holder included) plus
///   held by everybody plus the amount must not be greater than the limit; if that holds for all, the
///   claim is written for all its buckets, else nothing is written. Settlements this holder has queued
///   must count before: an implementation writes its queue out first, or sums the queue as well.
/// - `settle` takes the claim away and makes its cost count as spent in one transaction: never
///   neither, never both. A spend line the ledger writes for the attempt's own record has the same
///   attempt id and is the same money: count it once.
/// - The figures given back leave out the asking holder's own claims and settlements: the caller knows
///   those better and adds them itself. Settlements of runs that are over belong to others.
/// - A process that dies leaves claims behind. They lapse: at once where an implementation can tell
///   that it ended, and in any case a claim is written with a moment and lives only as long as its
///   holder renews it. A lapsed claim is removed by whoever next reserves or reads
///   totals; what its attempt cost is what the ledger's own line of it says, where there is one, else
///   it is not known and the bucket's spending is inexact from then on (`exact: false` with nothing
///   added).
/// - A bucket's day or month is part of the bucket. Nothing is ever summed by the clock of the reader.
pub trait SpendStore: Send + Sync + fmt::Debug {
    /// What everybody but the holder has spent and holds, in the order asked.
    fn totals(
        &self,
        holder: Holder,
        buckets: &[Bucket],
        now: UnixMs,
    ) -> Result<Vec<Totals>, StoreTrouble>;

    /// Makes a claim if it fits every limit, atomically among all processes.
    fn reserve(&self, claim: &SharedClaim) -> Result<SharedVerdict, StoreTrouble>;

    /// Replaces an attempt's claim, if it has one, by what it cost. Returns at once.
    fn settle(&self, line: SpendLine);

    /// Takes a claim away. Returns at once.
    fn release(&self, holder: Holder, attempt: AttemptId);

    /// Keeps all claims of this holder alive until a later moment.
    fn renew(&self, holder: Holder, lapses: UnixMs) -> Result<(), StoreTrouble>;
}

#[derive(Debug, Clone)]
struct Lease {
    holder: Holder,
    amount: Money,
    buckets: Vec<Bucket>,
    lapses: UnixMs,
}

#[derive(Debug, Default)]
struct Inside {
    spent: BTreeMap<(Bucket, Holder), Cost>,
    leases: BTreeMap<AttemptId, Lease>,
}

/// A store in memory: shared by engines of one process, gone with it. It is also the reference for
/// what an implementation on disk must do.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Inside>);

impl Inside {
    fn lapse(&mut self, now: UnixMs) {
        let (dead, live): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.leases)
            .into_iter()
            .partition(|(_, lease)| lease.lapses <= now);
        self.leases = live;
        for lease in dead.into_values() {
            for bucket in lease.buckets {
                self.spent.entry((bucket, lease.holder)).or_default().exact = false;
            }
        }
    }

    fn sum(&self, bucket: &Bucket, counts: impl Fn(Holder) -> bool) -> Totals {
        let spent = self
            .spent
            .iter()
            .filter(|((at, holder), _)| at == bucket && counts(*holder))
            .fold(Cost::ZERO, |sum, (_, cost)| sum + *cost);
        let held = self.leases.values().filter(|lease| counts(lease.holder));
        let reserved = held
            .filter(|lease| lease.buckets.contains(bucket))
            .fold(Money::ZERO, |sum, lease| sum + lease.amount);
        Totals { spent, reserved }
    }
}

impl MemoryStore {
    /// Everything spent and held in a bucket, by all.
    pub fn everything(&self, bucket: &Bucket) -> Totals {
        self.inside().sum(bucket, |_| true)
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpendStore for MemoryStore {
    fn totals(
        &self,
        holder: Holder,
        buckets: &[Bucket],
        now: UnixMs,
    ) -> Result<Vec<Totals>, StoreTrouble> {
        let mut inside = self.inside();
        inside.lapse(now);
        Ok(buckets.iter().map(|bucket| inside.sum(bucket, |who| who != holder)).collect())
    }

    fn reserve(&self, claim: &SharedClaim) -> Result<SharedVerdict, StoreTrouble> {
        let mut inside = self.inside();
        inside.lapse(claim.now);
        let fits = claim.limits.iter().all(|(bucket, limit)| {
            let all = inside.sum(bucket, |_| true);
            all.spent.amount + all.reserved + claim.amount <= *limit
        });
        let others = claim
            .limits
            .iter()
            .map(|(bucket, _)| inside.sum(bucket, |who| who != claim.holder))
            .collect();
        if !fits {
            return Ok(SharedVerdict::Refused(others));
        }
        let buckets = claim.limits.iter().map(|(bucket, _)| bucket.clone()).collect();
        let lease =
            Lease { holder: claim.holder, amount: claim.amount, buckets, lapses: claim.lapses };
        inside.leases.insert(claim.attempt, lease);
        Ok(SharedVerdict::Held(others))
    }

    fn settle(&self, line: SpendLine) {
        let mut inside = self.inside();
        inside.leases.remove(&line.attempt);
        for bucket in line.buckets {
            let spent = inside.spent.entry((bucket, line.holder)).or_default();
            *spent = *spent + line.cost;
        }
    }

    fn release(&self, _holder: Holder, attempt: AttemptId) {
        self.inside().leases.remove(&attempt);
    }

    fn renew(&self, holder: Holder, lapses: UnixMs) -> Result<(), StoreTrouble> {
        let mut inside = self.inside();
        for lease in inside.leases.values_mut().filter(|lease| lease.holder == holder) {
            lease.lapses = lease.lapses.max(lapses);
        }
        Ok(())
    }
}
