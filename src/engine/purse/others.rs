//! What others spent: earlier runs, and other programs that keep in the same place. When it is read,
//! and that it is read together.
//!
//! Must not know: how amounts are kept, who asks. Invariants: what is told of a budget is never older
//! than [`FRESH`] where somebody decides on it; the day, the month and every budget that is set are read
//! in one look, so that no part is ever more than its whole; a store that does not answer is not asked
//! again by each request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{BudgetScope, SessionId, UnixMs};
use crate::route::{Book, Bucket, Calendar, Payer, StoreTrouble, Totals};

use super::{LEASE, News, Purse};

/// Shared claims are renewed so often, and where no budget is set what others spent is read again.
pub(in crate::engine) const RENEW_EVERY: Duration = Duration::from_secs(30);

/// What others spent of a budget is read again before a decision once it is older than this, and so
/// often anyway while one is set. A look takes well under a millisecond.
pub(in crate::engine) const FRESH: Duration = Duration::from_secs(2);

/// What is known of the store.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Buckets whose shared totals have been read, and when.
    known: BTreeMap<Bucket, Instant>,
    /// What others spent today has been read at least once.
    pub(super) heard: bool,
    /// When the store last failed to tell.
    failed: Option<Instant>,
    /// The conversation on the screen.
    open: Option<SessionId>,
}

/// How budgets stand, others' spending included.
pub(in crate::engine) struct Known {
    pub(in crate::engine) book: Arc<Book>,
    pub(in crate::engine) calendar: Calendar,
    /// Others were found to have spent or to hold something else than was known.
    pub(in crate::engine) news: bool,
}

impl Others {
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }
}

impl Purse {
    /// Reads what others spent of every budget that may concern a request of this conversation, where
    /// that is not known or may be old, so that the request is decided on all that was spent. `None`
    /// where this run alone counts or no budget is set; else how they stand.
    pub(in crate::engine) async fn informed(
        &self,
        session: Option<SessionId>,
        now: UnixMs,
    ) -> Option<Known> {
        let scopes = self.concerned(session, now)?;
        let news = self.acquaint(scopes.into_iter(), now).await;
        let (book, calendar) = self.look(now);
        Some(Known { book, calendar, news })
    }

    /// The same on a thread that may wait.
    pub(in crate::engine) fn informed_here(
        &self,
        session: Option<SessionId>,
        now: UnixMs,
    ) -> Option<Known> {
        let scopes = self.concerned(session, now)?;
        let wanting = self.wanting(scopes.into_iter(), now);
        let news = self.store.as_ref().filter(|_| !wanting.is_empty()).is_some_and(|store| {
            let asked = Instant::now();
            self.told(&wanting, asked, store.totals(self.holder, &wanting, now))
        });
        let (book, calendar) = self.look(now);
        Some(Known { book, calendar, news })
    }

    /// Reads what was spent in a conversation that is now on the screen, whatever budgets there are.
    pub(in crate::engine) async fn opened(&self, session: SessionId, now: UnixMs) {
        self.inside().others.open = Some(session);
        let mut buckets = self.together(now);
        buckets.insert(Bucket::at(BudgetScope::Session(session), &self.inside().turn_to(now)));
        self.read(buckets.into_iter().collect(), now).await;
    }

    /// The scopes a budget is set for, where others count and there is one.
    fn concerned(&self, session: Option<SessionId>, now: UnixMs) -> Option<Vec<BudgetScope>> {
        self.store.as_ref()?;
        Some(self.limited(session, now)).filter(|scopes| !scopes.is_empty())
    }

    /// The scopes a budget is set for.
    fn limited(&self, session: Option<SessionId>, now: UnixMs) -> Vec<BudgetScope> {
        let (book, calendar) = self.look(now);
        let lines = book.lines(session, &calendar).into_iter();
        lines.filter(|line| line.budget.is_some()).map(|line| line.scope).collect()
    }

    /// What is read whenever anything is: the day and the month, and whatever a budget is set for.
    fn together(&self, now: UnixMs) -> BTreeSet<Bucket> {
        let open = self.inside().others.open;
        let limited = self.limited(open, now);
        let calendar = self.inside().turn_to(now);
        let whole = [BudgetScope::Day, BudgetScope::Month].into_iter().chain(limited);
        whole.map(|scope| Bucket::at(scope, &calendar)).collect()
    }

    /// Reads what others spent in those scopes where that is not known, or may be old and a budget is
    /// set. Has anything changed?
    pub(super) async fn acquaint(
        &self,
        scopes: impl Iterator<Item = BudgetScope>,
        now: UnixMs,
    ) -> bool {
        if self.store.is_none() {
            return false;
        }
        let scopes: Vec<BudgetScope> = scopes.collect();
        if self.wanting(scopes.iter().cloned(), now).is_empty() {
            return false;
        }
        let _turn = self.reading.lock().await;
        // Whoever had the turn before may have read it.
        self.read(self.wanting(scopes.into_iter(), now), now).await
    }

    /// What has to be read for those scopes: nothing, or what is not known or old with all that is read
    /// together.
    fn wanting(&self, scopes: impl Iterator<Item = BudgetScope>, now: UnixMs) -> Vec<Bucket> {
        let wanting: Vec<Bucket> = {
            let mut inside = self.inside();
            let calendar = inside.turn_to(now);
            if inside.others.failed.is_some_and(|at| at.elapsed() < FRESH) {
                return Vec::new();
            }
            let fresh = |bucket: &Bucket| {
                let limited = inside.book.budget().limit(&bucket.scope).is_some();
                let at = inside.others.known.get(bucket);
                at.is_some_and(|at| !limited || at.elapsed() < FRESH)
            };
            scopes.map(|scope| Bucket::at(scope, &calendar)).filter(|b| !fresh(b)).collect()
        };
        if wanting.is_empty() {
            return wanting;
        }
        let all: BTreeSet<Bucket> = wanting.into_iter().chain(self.together(now)).collect();
        all.into_iter().collect()
    }

    /// Reads again what others spent and hold in the buckets of this payer.
    pub(super) async fn reread(&self, payer: &Payer, now: UnixMs) {
        let calendar = self.inside().turn_to(now);
        let own = payer.scopes().map(|scope| Bucket::at(scope, &calendar));
        let buckets: BTreeSet<Bucket> = own.chain(self.together(now)).collect();
        self.read(buckets.into_iter().collect(), now).await;
    }

    /// Reads what others spent today and this month, of every budget and in every bucket read before,
    /// and keeps this process's claims alive. Has anything changed?
    pub(in crate::engine) async fn refresh(&self, now: UnixMs) -> bool {
        let Some(store) = self.store.clone() else { return false };
        let (holder, calendar) = (self.holder, self.inside().turn_to(now));
        if let Err(trouble) = off_the_runtime(move || store.renew(holder, now + LEASE)).await {
            self.inside().news(News::Trouble(trouble));
        }
        let mut buckets = self.together(now);
        {
            let mut inside = self.inside();
            // What is over, or forgotten here, is asked for no more.
            let book = Arc::clone(&inside.book);
            inside.others.known.retain(|bucket, _| {
                Bucket::at(bucket.scope.clone(), &calendar) == *bucket && book.holds(bucket)
            });
            buckets.extend(inside.others.known.keys().cloned());
        }
        self.read(buckets.into_iter().collect(), now).await
    }

    /// Reads what others spent of the budgets, where one is set. Has anything changed?
    pub(in crate::engine) async fn keep_up(&self, now: UnixMs) -> bool {
        if self.inside().book.budget().is_empty() {
            return false;
        }
        self.read(self.together(now).into_iter().collect(), now).await
    }

    /// The store told of some buckets by the way. Where that is news, the rest is read with it.
    pub(super) async fn overheard(&self, buckets: Vec<Bucket>, totals: Vec<Totals>, now: UnixMs) {
        if self.told(&buckets, Instant::now(), Ok(totals)) {
            self.read(self.together(now).into_iter().collect(), now).await;
        }
    }

    async fn read(&self, buckets: Vec<Bucket>, now: UnixMs) -> bool {
        let Some(store) = self.store.clone().filter(|_| !buckets.is_empty()) else { return false };
        let (holder, asked, at) = (self.holder, buckets.clone(), Instant::now());
        let totals = off_the_runtime(move || store.totals(holder, &asked, now)).await;
        self.told(&buckets, at, totals)
    }

    /// Takes in what the store tells, as of this moment. Has anything changed?
    fn told(
        &self,
        buckets: &[Bucket],
        at: Instant,
        totals: Result<Vec<Totals>, StoreTrouble>,
    ) -> bool {
        let mut inside = self.inside();
        let totals = match totals {
            Ok(totals) => totals,
            Err(trouble) => {
                inside.others.failed = Some(Instant::now());
                inside.news(News::Trouble(trouble));
                return true;
            }
        };
        inside.others.failed = None;
        let mut changed = false;
        for (bucket, totals) in buckets.iter().zip(totals) {
            let heard = bucket.scope == BudgetScope::Day;
            changed |= heard && !inside.others.heard;
            inside.others.heard |= heard;
            inside.others.known.insert(bucket.clone(), at);
            if inside.book.others(bucket) != Some(totals) {
                changed = true;
                inside.book().tell_others(bucket, totals);
            }
        }
        changed
    }
}

/// Runs what may block for a moment where that harms nobody.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreTrouble> + Send + 'static,
) -> Result<T, StoreTrouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(StoreTrouble("the store of spending failed".to_owned())),
    }
}
