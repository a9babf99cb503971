//! The purse: the one synchronous place where money is reserved, settled and released, shared by
//! request tasks, drops and the actor.
//!
//! Owns: the book of budgets, the user's calendar, the shared store if there is one (what is read of it
//! is in `others`). Must not know: who is asked, or why. Invariants: nothing here is held across an await; a [`Reservation`] that is
//! dropped unsettled gives back what it held; what was begun and never accounted for is charged its
//! prompt, and the sum is marked as not exact.

mod others;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::{
    AtLimit, AttemptId, Budget, BudgetLimit, BudgetScope, Cost, LocalDay, Money, OverBudget, UnixMs,
};
use crate::route::{
    Book, Calendar, Crossing, Hindrance, Holder, Payer, Period, Refusal, SharedClaim,
    SharedVerdict, SpendLine, SpendStore, StoreTrouble,
};

use others::Others;
pub(super) use others::{FRESH, Known, RENEW_EVERY};

/// A shared claim lapses after this unless it is renewed: so long a process that died holds money.
const LEASE: Duration = Duration::from_mins(2);

/// What others hold is looked at again so often by who waits for it: their releases are not heard.
const OTHERS_LOOK: Duration = Duration::from_millis(250);

/// Whoever waits for money for so long is told what for.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// News kept for the actor; it empties them whenever it wakes. Beyond, the oldest go.
const NEWS: usize = 64;

/// What an attempt asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) payer: Payer,
    /// At most; `None` when the price is not known.
    pub(super) most: Option<Money>,
    /// Of it, the prompt: what is charged when nobody can say what the attempt came to.
    pub(super) prompt: Money,
    pub(super) allowance: OverBudget,
}

/// What the actor should tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    Crossed(Crossing),
    Trouble(StoreTrouble),
}

struct Inside {
    /// Copied when it changes while somebody looks at it.
    book: Arc<Book>,
    calendar: Calendar,
    news: Vec<News>,
    others: Others,
}

/// How far a wait for money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nobody is asked from here on.
    Begins,
    /// It takes so long that people are told.
    Lasts,
}

/// Money, reserved and spent.
pub(super) struct Purse {
    inside: Mutex<Inside>,
    changed: Notify,
    store: Option<Arc<dyn SpendStore>>,
    /// This run ends with its answer: what it spends is known to nobody but by the store.
    brief: bool,
    holder: Holder,
    /// Held by whoever reads what others spent: who comes meanwhile finds it read.
    reading: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Purse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Purse").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Inside {
    fn book(&mut self) -> &mut Book {
        Arc::make_mut(&mut self.book)
    }

    fn news(&mut self, news: News) {
        if self.news.len() >= NEWS {
            self.news.remove(0);
        }
        self.news.push(news);
    }

    fn turn_to(&mut self, now: UnixMs) -> Calendar {
        if !self.calendar.holds(now) {
            self.calendar = calendar(now);
        }
        self.calendar
    }
}

impl Purse {
    pub(super) fn new(budget: Budget, store: Option<Arc<dyn SpendStore>>, now: UnixMs) -> Self {
        let inside = Inside {
            book: Arc::new(Book::new(budget)),
            calendar: calendar(now),
            news: Vec::new(),
            others: Others::default(),
        };
        Self {
            inside: Mutex::new(inside),
            changed: Notify::new(),
            store,
            brief: false,
            holder: Holder(Uuid::now_v7()),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The purse of a run that ends with its answer: a budget that stops is not gone on without the
    /// store, since each such run would begin to count anew.
    pub(super) fn brief(self, brief: bool) -> Self {
        Self { brief, ..self }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The book as it stands, and the day.
    pub(super) fn look(&self, now: UnixMs) -> (Arc<Book>, Calendar) {
        let mut inside = self.inside();
        let calendar = inside.turn_to(now);
        (Arc::clone(&inside.book), calendar)
    }

    /// What was spent today, by others as well; `None` where nobody but this run counts, or others
    /// were not heard of yet. On a new day theirs is nothing until it is read again.
    pub(super) fn today(&self, book: &Book, calendar: &Calendar) -> Option<Cost> {
        let heard = self.inside().others.heard;
        heard.then(|| book.line(BudgetScope::Day, calendar).spent)
    }

    pub(super) fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut self.inside().news)
    }

    pub(super) fn configure(&self, budget: &Budget) {
        self.inside().book().configure(budget.clone());
        self.changed.notify_waiters();
    }

    pub(super) fn set(&self, scope: BudgetScope, limit: Option<BudgetLimit>) {
        self.inside().book().set(scope, limit);
        self.changed.notify_waiters();
    }

    /// Reserves in this process alone: at once, for the actor.
    pub(super) fn reserve_here(
        self: &Arc<Self>,
        attempt: AttemptId,
        wanted: &Wanted,
        now: UnixMs,
    ) -> Result<Reservation, Refusal> {
        let mut inside = self.inside();
        let calendar = inside.turn_to(now);
        inside.book().reserve(attempt, &wanted.payer, wanted.most, wanted.allowance, &calendar)?;
        Ok(Reservation { purse: Arc::clone(self), attempt, prompt: wanted.prompt, begun: false })
    }

    /// Is money shared with other processes?
    pub(super) fn is_shared(&self) -> bool {
        self.store.is_some()
    }

    /// Reserves, among all processes where a budget is shared that stops or asks.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        attempt: AttemptId,
        wanted: &Wanted,
        now: UnixMs,
    ) -> Result<Reservation, Refusal> {
        self.acquaint(wanted.payer.scopes(), now).await;
        let held = self.reserve_here(attempt, wanted, now)?;
        let limits = self.inside().book.shared_limits(attempt);
        let (Some(store), Some(amount)) = (&self.store, wanted.most) else { return Ok(held) };
        if limits.is_empty() || amount == Money::ZERO {
            return Ok(held);
        }
        let claim = SharedClaim {
            attempt,
            holder: self.holder,
            amount,
            limits: limits.clone(),
            now,
            lapses: now + LEASE,
        };
        let store = Arc::clone(store);
        let verdict = others::off_the_runtime(move || store.reserve(&claim)).await;
        let buckets = limits.into_iter().map(|(bucket, _)| bucket).collect();
        match verdict {
            Ok(SharedVerdict::Held(others)) => {
                self.overheard(buckets, others, now).await;
                Ok(held)
            }
            Ok(SharedVerdict::Refused(others)) => {
                self.overheard(buckets, others, now).await;
                drop(held);
                let mut inside = self.inside();
                let calendar = inside.turn_to(now);
                let book = &inside.book;
                let refusal = book.refusal(&wanted.payer, wanted.most, wanted.allowance, &calendar);
                // It fitted here and not there: what stood in the way has just gone.
                Err(refusal.unwrap_or(Refusal {
                    scope: BudgetScope::Day,
                    hindrance: Hindrance::Busy,
                    limit: amount,
                    left: amount,
                    need: wanted.most,
                    resets: Some(calendar.today.ends),
                    held: amount,
                    elsewhere: amount,
                    unkept: None,
                }))
            }
            Err(trouble) => {
                if let Some(scope) = self.stopping(attempt).filter(|_| self.brief) {
                    drop(held);
                    return Err(self.unkept(scope, wanted, trouble, now));
                }
                // This run keeps to its budgets by itself; others are not seen until it works again.
                self.inside().news(News::Trouble(trouble));
                Ok(held)
            }
        }
    }

    /// A budget that stops and that a claim is held to.
    fn stopping(&self, attempt: AttemptId) -> Option<BudgetScope> {
        let book = Arc::clone(&self.inside().book);
        let stops = |scope: &BudgetScope| {
            book.budget().limit(scope).is_some_and(|budget| budget.at_limit == AtLimit::Stop)
        };
        let limits = book.shared_limits(attempt).into_iter();
        limits.map(|(bucket, _)| bucket.scope).find(stops)
    }

    /// Why nothing is sent under a budget that stops where what is spent cannot be written down.
    fn unkept(
        &self,
        scope: BudgetScope,
        wanted: &Wanted,
        trouble: StoreTrouble,
        now: UnixMs,
    ) -> Refusal {
        let (book, calendar) = self.look(now);
        let line = book.line(scope, &calendar);
        let limit = line.budget.map_or(Money::ZERO, |budget| budget.limit);
        Refusal {
            hindrance: Hindrance::Stop,
            limit,
            left: (limit - line.spent.amount).max(Money::ZERO),
            need: wanted.most,
            resets: None,
            held: Money::ZERO,
            elsewhere: Money::ZERO,
            unkept: Some(trouble.0),
            scope: line.scope,
        }
    }

    /// Reserves as soon as requests under way leave room for it; any other refusal is given at once.
    /// `waits` is told what is waited for as that begins, and once more when it takes a while.
    pub(super) async fn reserve_in_turn(
        self: &Arc<Self>,
        attempt: AttemptId,
        wanted: &Wanted,
        waits: impl Fn(Wait, &Refusal),
    ) -> Result<Reservation, Refusal> {
        let say_at = Instant::now() + SAY_AFTER;
        let mut told = None;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = super::clock::now();
            let refusal = match self.reserve(attempt, wanted, now).await {
                Err(refusal) if refusal.hindrance == Hindrance::Busy => refusal,
                done => return done,
            };
            if told.is_none() {
                waits(Wait::Begins, &refusal);
                told = Some(Wait::Begins);
            }
            let until_said = say_at.saturating_duration_since(Instant::now());
            if until_said.is_zero() && told == Some(Wait::Begins) {
                waits(Wait::Lasts, &refusal);
                told = Some(Wait::Lasts);
            }
            let own = if told == Some(Wait::Begins) { until_said } else { Duration::MAX };
            let pause = if self.is_shared() { OTHERS_LOOK } else { own };
            let _ = tokio::time::timeout(pause, changed).await;
            if self.is_shared() {
                // What others held when it was last looked at may be free by now.
                self.reread(&wanted.payer, super::clock::now()).await;
            }
        }
    }

    /// Would this amount be refused now?
    pub(super) fn refusal(&self, wanted: &Wanted, now: UnixMs) -> Option<Refusal> {
        let (book, calendar) = self.look(now);
        book.refusal(&wanted.payer, wanted.most, wanted.allowance, &calendar)
    }

    /// Replaces what was reserved for an attempt by what it cost.
    pub(super) fn settle(&self, attempt: AttemptId, cost: Cost) {
        let mut inside = self.inside();
        let Some((_, buckets)) = inside.book.claimed(attempt) else { return };
        let buckets = buckets.to_vec();
        for crossing in inside.book().settle(attempt, cost) {
            inside.news(News::Crossed(crossing));
        }
        drop(inside);
        if let Some(store) = &self.store {
            let (holder, at) = (self.holder, super::clock::now());
            store.settle(SpendLine { attempt, holder, buckets, cost, at });
        }
        self.changed.notify_waiters();
    }

    fn release(&self, attempt: AttemptId) {
        let mut inside = self.inside();
        if inside.book.claimed(attempt).is_none() {
            return;
        }
        inside.book().release(attempt);
        drop(inside);
        if let Some(store) = &self.store {
            store.release(self.holder, attempt);
        }
        self.changed.notify_waiters();
    }
}

/// Money held for one attempt. Settled by [`Purse::settle`]; dropped before that, it goes back.
#[derive(Debug)]
pub(super) struct Reservation {
    purse: Arc<Purse>,
    attempt: AttemptId,
    prompt: Money,
    begun: bool,
}

impl Reservation {
    pub(super) fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// The attempt has begun: dropped now, its prompt is taken to have been read.
    pub(super) fn began(&mut self) {
        self.begun = true;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.begun {
            // Without effect where it was settled, as it nearly always was.
            self.purse.settle(self.attempt, Cost { amount: self.prompt, exact: false });
        } else {
            self.purse.release(self.attempt);
        }
    }
}

/// The user's day and month of a moment, in the zone of this machine.
pub(super) fn calendar(now: UnixMs) -> Calendar {
    local(now, &TimeZone::system()).unwrap_or_else(|| in_utc(now))
}

fn local(now: UnixMs, zone: &TimeZone) -> Option<Calendar> {
    let date = Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).date();
    let begins = |date: Date| {
        let start = date.to_zoned(zone.clone()).ok()?;
        Some(UnixMs(start.timestamp().as_millisecond()))
    };
    let period = |from: Date, to: Date| Some(Period { begins: begins(from)?, ends: begins(to)? });
    let day = LocalDay::of(
        i32::from(date.year()),
        u32::try_from(date.month()).ok()?,
        u32::try_from(date.day()).ok()?,
    );
    Some(Calendar {
        day,
        today: period(date, date.tomorrow().ok()?)?,
        month: period(date.first_of_month(), date.last_of_month().tomorrow().ok()?)?,
    })
}

/// Where the zone cannot be applied.
fn in_utc(now: UnixMs) -> Calendar {
    const DAY_MS: i64 = 86_400_000;
    let day = now.0.div_euclid(DAY_MS);
    let span = |from: i64, to: i64| Period {
        begins: UnixMs(from.saturating_mul(DAY_MS)),
        ends: UnixMs(to.saturating_mul(DAY_MS)),
    };
    let local = LocalDay(i32::try_from(day).unwrap_or_default());
    let (year, month, _) = local.date();
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Calendar {
        day: local,
        today: span(day, day + 1),
        month: span(
            i64::from(LocalDay::of(year, month, 1).0),
            i64::from(LocalDay::of(next.0, next.1, 1).0),
        ),
    }
}

#[cfg(test)]
#[path = "purse_tests.rs"]
mod tests;
