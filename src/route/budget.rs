//! Budgets as a pure fold: what was spent and what is reserved per day, month, conversation, provider
//! and model; whether an amount still fits; how far spending runs ahead of its budget.
//!
//! Must not know: clocks, time zones, channels, disks, who sends what. Days are told by the caller as a
//! [`Calendar`]. Invariants: an amount is reserved before it can be spent, so that under a hard budget
//! spent and reserved together never pass the limit whatever the interleaving; a claim is settled or
//! released exactly once, and is charged to the day it was made on.

mod account;
mod store;

use std::collections::BTreeMap;

use rpds::RedBlackTreeMapSync;

use crate::domain::{
    AtLimit, AttemptId, Budget, BudgetLimit, BudgetScope, Cost, LocalDay, LocalMonth, ModelName,
    Money, OverBudget, ProviderName, SessionId, UnixMs,
};

use account::Account;
pub use store::{
    Bucket, BucketTime, Holder, MemoryStore, SharedClaim, SharedVerdict, SpendLine, SpendStore,
    StoreTrouble, Totals,
};

/// Shares of a budget, in percent, at which the user is told once.
const TELL_AT: [u32; 3] = [50, 80, 100];

/// Below this share of a budget, its pace is not looked at: the first message of a day is always
/// ahead of the clock.
const PACE_FROM: f64 = 0.10;

/// The least share of a period taken as elapsed: in its first minutes anything would be far ahead.
const PACE_ELAPSED: f64 = 1.0 / 24.0;

/// The most a pace is said to be.
const PACE_MOST: f64 = 10.0;

/// Accounts of conversations kept; the oldest that hold nothing are forgotten beyond.
const SESSIONS: usize = 4096;

/// Accounts that may come before old ones are looked for again: looking goes through all.
const SLACK: usize = 256;

/// A stretch of time, from its first moment to the first after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub begins: UnixMs,
    /// The first moment after it.
    pub ends: UnixMs,
}

/// The user's local day and month at a moment, as whoever knows the time zone found them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The day.
    pub day: LocalDay,
    /// When it begins and ends.
    pub today: Period,
    /// When its month begins and ends.
    pub month: Period,
}

impl Calendar {
    /// Its month.
    pub fn month_of(&self) -> LocalMonth {
        self.day.month()
    }

    /// Is this moment in the day?
    pub fn holds(&self, now: UnixMs) -> bool {
        self.today.begins <= now && now < self.today.ends
    }
}

/// On whose account something is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// The conversation, if it has one.
    pub session: Option<SessionId>,
    /// The provider.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelName,
}

impl Payer {
    /// Every account it is charged to.
    pub fn scopes(&self) -> impl Iterator<Item = BudgetScope> + use<'_> {
        let session = self.session.map(BudgetScope::Session);
        [BudgetScope::Day, BudgetScope::Month]
            .into_iter()
            .chain(session)
            .chain([BudgetScope::Provider(self.provider.clone())])
            .chain([BudgetScope::Model(self.model.clone())])
    }
}

/// What stands in the way of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hindrance {
    /// It fits but for what requests under way have reserved: soon it may.
    Busy,
    /// The budget asks first.
    Ask,
    /// The budget is hard.
    Stop,
}

/// Why an amount does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose budget.
    pub scope: BudgetScope,
    /// What stands in the way.
    pub hindrance: Hindrance,
    /// The budget.
    pub limit: Money,
    /// What is left of it, reservations of requests under way not counted.
    pub left: Money,
    /// What it could cost at most; `None` when its price is not known.
    pub need: Option<Money>,
    /// When the budget begins anew; `None` when it never does.
    pub resets: Option<UnixMs>,
    /// What requests under way hold of it, here and elsewhere.
    pub held: Money,
    /// Of that, what other programs hold.
    pub elsewhere: Money,
    /// Why nobody can hold to it now: what is spent could not be written down.
    pub unkept: Option<String>,
}

/// A budget has been used up to a share for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Whose budget.
    pub scope: BudgetScope,
    /// The share, in percent: 50, 80 or 100.
    pub percent: u32,
    /// What was spent.
    pub spent: Cost,
    /// The budget.
    pub budget: BudgetLimit,
}

/// A budget, or a total without one, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetLine {
    /// Whose.
    pub scope: BudgetScope,
    /// The budget, if there is one.
    pub budget: Option<BudgetLimit>,
    /// What was spent, by this run and others.
    pub spent: Cost,
    /// What requests under way have reserved.
    pub reserved: Money,
    /// Its period; `None` for a conversation's.
    pub period: Option<Period>,
}

/// A claim that is neither settled nor released yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    amount: Money,
    buckets: Vec<Bucket>,
    allowance: OverBudget,
}

/// All accounts and budgets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Book {
    configured: Budget,
    /// Set by hand for this run; over the configured ones.
    by_hand: BTreeMap<BudgetScope, Option<BudgetLimit>>,
    budget: Budget,
    /// Shares its parts with its copies: there may be thousands of conversations, and snapshots hold it.
    accounts: RedBlackTreeMapSync<Bucket, Account>,
    claims: BTreeMap<AttemptId, Claim>,
    /// How many accounts stayed when it was last looked for old ones: until there are many more, none is.
    looked_through: usize,
}

impl Book {
    /// An empty book under these budgets.
    pub fn new(budget: Budget) -> Self {
        Self { configured: budget.clone(), budget, ..Self::default() }
    }

    /// Other budgets from the configuration; what was spent stays, and so does what was set by hand.
    pub fn configure(&mut self, budget: Budget) {
        self.configured = budget;
        self.apply();
    }

    /// Sets a budget, or takes it away, until the run ends.
    pub fn set(&mut self, scope: BudgetScope, limit: Option<BudgetLimit>) {
        let key = match scope {
            // One conversation's budget is every conversation's.
            BudgetScope::Session(_) => BudgetScope::Session(SessionId(uuid::Uuid::nil())),
            scope => scope,
        };
        self.by_hand.insert(key, limit);
        self.apply();
    }

    fn apply(&mut self) {
        self.budget = self.configured.clone();
        for (scope, limit) in &self.by_hand {
            self.budget.set(scope, *limit);
        }
        // What is past by now is not news: only what comes is told.
        for bucket in self.accounts.keys().cloned().collect::<Vec<_>>() {
            let limit = self.budget.limit(&bucket.scope);
            self.change(&bucket, |account| account.told = told(account, limit));
        }
    }

    /// Changes the account of a bucket, opened where there is none.
    fn change<T>(&mut self, bucket: &Bucket, how: impl FnOnce(&mut Account) -> T) -> T {
        let mut account = self.accounts.get(bucket).copied().unwrap_or_default();
        let told = how(&mut account);
        self.accounts.insert_mut(bucket.clone(), account);
        told
    }

    /// Is there an account of this bucket?
    pub fn holds(&self, bucket: &Bucket) -> bool {
        self.accounts.contains_key(bucket)
    }

    /// The budgets in force.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Why this amount (`None`: unknown) does not fit, if it does not: the gravest reason. What costs
    /// nothing always fits.
    pub fn refusal(
        &self,
        payer: &Payer,
        need: Option<Money>,
        allowance: OverBudget,
        calendar: &Calendar,
    ) -> Option<Refusal> {
        if need == Some(Money::ZERO) {
            return None;
        }
        payer
            .scopes()
            .filter_map(|scope| self.hindered(scope, need, allowance, calendar))
            .max_by_key(|refusal| refusal.hindrance)
    }

    fn hindered(
        &self,
        scope: BudgetScope,
        need: Option<Money>,
        allowance: OverBudget,
        calendar: &Calendar,
    ) -> Option<Refusal> {
        let BudgetLimit { limit, at_limit } = self.budget.limit(&scope)?;
        let kept = match (at_limit, allowance) {
            (AtLimit::Warn, _) | (AtLimit::Ask, OverBudget::Allowed) => return None,
            (AtLimit::Ask, OverBudget::Within | OverBudget::Ask) => Hindrance::Ask,
            (AtLimit::Stop, _) => Hindrance::Stop,
        };
        let bucket = Bucket::at(scope, calendar);
        let account = self.accounts.get(&bucket).copied().unwrap_or_default();
        let spent = account.spent().amount;
        let hindrance = match need {
            // A price that is not known cannot be held to a limit.
            None => kept,
            Some(need) if spent + need > limit => kept,
            Some(need) if spent + account.reserved() + need > limit => Hindrance::Busy,
            Some(_) => return None,
        };
        Some(Refusal {
            hindrance,
            limit,
            left: (limit - spent).max(Money::ZERO),
            need,
            resets: bucket.period(calendar).map(|period| period.ends),
            held: account.reserved(),
            elsewhere: account.others.reserved,
            unkept: None,
            scope: bucket.scope,
        })
    }

    /// Reserves an amount for an attempt, or says why not. An unknown price reserves nothing.
    pub fn reserve(
        &mut self,
        attempt: AttemptId,
        payer: &Payer,
        need: Option<Money>,
        allowance: OverBudget,
        calendar: &Calendar,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = self.refusal(payer, need, allowance, calendar) {
            return Err(refusal);
        }
        self.release(attempt);
        let amount = need.unwrap_or_default();
        let buckets: Vec<Bucket> =
            payer.scopes().map(|scope| Bucket::at(scope, calendar)).collect();
        for bucket in &buckets {
            self.change(bucket, |account| account.reserve(amount));
        }
        self.claims.insert(attempt, Claim { amount, buckets, allowance });
        if self.accounts.size() > self.looked_through + SLACK {
            self.forget(calendar);
        }
        Ok(())
    }

    /// The part of a claim that others have to see, under budgets that stop or ask: each bucket with
    /// what it is held to, which is no limit where somebody was asked. Empty when there is none, or the
    /// claim is not known.
    pub fn shared_limits(&self, attempt: AttemptId) -> Vec<(Bucket, Money)> {
        let Some(claim) = self.claims.get(&attempt) else { return Vec::new() };
        let held_to = |limit: BudgetLimit| match (limit.at_limit, claim.allowance) {
            (AtLimit::Warn, _) => None,
            (AtLimit::Ask, OverBudget::Allowed) => Some(Money::MAX),
            (AtLimit::Ask | AtLimit::Stop, _) => Some(limit.limit),
        };
        let buckets = claim.buckets.iter();
        let limits = buckets.filter_map(|bucket| {
            let limit = self.budget.limit(&bucket.scope).and_then(held_to)?;
            Some((bucket.clone(), limit))
        });
        limits.collect()
    }

    /// What a claim is charged to and its amount; nothing when it is not known.
    pub fn claimed(&self, attempt: AttemptId) -> Option<(Money, &[Bucket])> {
        let claim = self.claims.get(&attempt)?;
        Some((claim.amount, &claim.buckets))
    }

    /// What was reserved for an attempt is replaced by what it cost. Tells which budgets came past a
    /// share by it.
    pub fn settle(&mut self, attempt: AttemptId, cost: Cost) -> Vec<Crossing> {
        let Some(claim) = self.claims.remove(&attempt) else { return Vec::new() };
        let mut crossings = Vec::new();
        for bucket in claim.buckets {
            let budget = self.budget.limit(&bucket.scope);
            let came_past = self.change(&bucket, |account| {
                account.settle(claim.amount, cost);
                let now = told(account, budget);
                let news = now > account.told;
                account.told = account.told.max(now);
                news.then(|| (now, account.spent()))
            });
            if let (Some(budget), Some((now, spent))) = (budget, came_past) {
                crossings.push(Crossing { scope: bucket.scope, percent: now, spent, budget });
            }
        }
        crossings
    }

    /// What was reserved for an attempt is free again.
    pub fn release(&mut self, attempt: AttemptId) {
        let Some(claim) = self.claims.remove(&attempt) else { return };
        for bucket in &claim.buckets {
            self.change(bucket, |account| account.release(claim.amount));
        }
    }

    /// What others spent and hold there, as last told; `None` where there is no account yet.
    pub fn others(&self, bucket: &Bucket) -> Option<Totals> {
        self.accounts.get(bucket).map(|account| account.others)
    }

    /// What others (earlier runs, other processes) have spent and hold there, as last told. What is
    /// already past is not told to the user as news.
    pub fn tell_others(&mut self, bucket: &Bucket, others: Totals) {
        let budget = self.budget.limit(&bucket.scope);
        self.change(bucket, |account| {
            account.others = others;
            account.told = account.told.max(told(account, budget));
        });
    }

    /// How far spending runs ahead of the tightest of the day's and month's budgets: the share spent
    /// over the share of the period that has passed, at least 1 and at most 10. Budgets of providers
    /// and models concern only some candidates, and a conversation has no pace.
    pub fn pace(&self, calendar: &Calendar, now: UnixMs) -> f64 {
        [(BudgetScope::Day, calendar.today), (BudgetScope::Month, calendar.month)]
            .into_iter()
            .filter_map(|(scope, period)| {
                let limit = self.budget.limit(&scope)?.limit.dollars();
                let account = self.accounts.get(&Bucket::at(scope, calendar))?;
                let used = account.spent().amount.dollars() / limit.max(f64::MIN_POSITIVE);
                (used >= PACE_FROM).then(|| used / elapsed(period, now))
            })
            .fold(1.0, f64::max)
            .min(PACE_MOST)
    }

    /// How one scope stands now.
    pub fn line(&self, scope: BudgetScope, calendar: &Calendar) -> BudgetLine {
        let bucket = Bucket::at(scope, calendar);
        let account = self.accounts.get(&bucket).copied().unwrap_or_default();
        let mut spent = account.spent();
        if bucket.scope == BudgetScope::Month {
            // What is not known of a day is not known of its month.
            let day = self.accounts.get(&Bucket::at(BudgetScope::Day, calendar));
            spent.exact &= day.is_none_or(|day| day.spent().exact);
        }
        BudgetLine {
            budget: self.budget.limit(&bucket.scope),
            spent,
            reserved: account.reserved(),
            period: bucket.period(calendar),
            scope: bucket.scope,
        }
    }

    /// Day and month always, then every budget in force: the conversation's, if one is named,
    /// providers' and models'.
    pub fn lines(&self, session: Option<SessionId>, calendar: &Calendar) -> Vec<BudgetLine> {
        let session = session.filter(|_| self.budget.session.is_some()).map(BudgetScope::Session);
        let providers = self.budget.providers.keys().cloned().map(BudgetScope::Provider);
        let models = self.budget.models.keys().cloned().map(BudgetScope::Model);
        [BudgetScope::Day, BudgetScope::Month]
            .into_iter()
            .chain(session)
            .chain(providers)
            .chain(models)
            .map(|scope| self.line(scope, calendar))
            .collect()
    }

    /// What is reserved in all: nothing when no attempt is under way.
    pub fn reserved(&self) -> Money {
        self.claims.values().map(|claim| claim.amount).sum()
    }

    /// Days and months that are over and hold nothing, and the oldest of very many conversations.
    fn forget(&mut self, calendar: &Calendar) {
        let sessions = self
            .accounts
            .keys()
            .filter(|bucket| matches!(bucket.scope, BudgetScope::Session(_)))
            .count();
        let mut surplus = sessions.saturating_sub(SESSIONS);
        let over = |bucket: &Bucket| match bucket.time {
            BucketTime::Day(day) => day < calendar.day,
            BucketTime::Month(month) => month < calendar.month_of(),
            BucketTime::Whole => {
                let old = surplus > 0;
                surplus -= usize::from(old);
                old
            }
        };
        let idle = self.accounts.iter().filter(|(_, account)| account.is_idle());
        let gone: Vec<Bucket> = idle.map(|(bucket, _)| bucket.clone()).filter(over).collect();
        for bucket in gone {
            self.accounts.remove_mut(&bucket);
        }
        self.looked_through = self.accounts.size();
    }
}

/// The share of a period that has passed.
fn elapsed(period: Period, now: UnixMs) -> f64 {
    let whole = period.begins.until(period.ends).as_secs_f64().max(1.0);
    (period.begins.until(now).as_secs_f64() / whole).clamp(PACE_ELAPSED, 1.0)
}

/// The greatest share of [`TELL_AT`] that is used up; 0 for none.
fn told(account: &Account, budget: Option<BudgetLimit>) -> u32 {
    let Some(budget) = budget else { return 0 };
    let spent = i128::from(account.spent().amount.pico()) * 100;
    let limit = i128::from(budget.limit.pico());
    TELL_AT.into_iter().rev().find(|at| spent >= limit * i128::from(*at) && spent > 0).unwrap_or(0)
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
