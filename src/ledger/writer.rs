//! The one thread that writes. It takes what waits, writes it in one transaction, and says how it
//! went.
//!
//! Must not know: what the tables hold. Invariants: an order is told "done" only once it is on the
//! disk; what belongs to an answer on its way is handed to the system without waiting for the disk,
//! which outlives a killed process, and is on the disk with the answer's end; a failure ends nothing:
//! it is told, and what records waits in the backlog, to be written before anything that came later:
//! when the next order comes that somebody waits for, after a growing time, and once more at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::RequestId;

use super::backlog::{Backlog, Behind};
use super::file::{self, Access};
use super::inbox::{Batch, Inbox, Job, Note, Taken};
use super::order::Order;
use super::runs::Runs;
use super::{Health, LedgerError, schema, write};

/// How long a file that was locked a moment ago is waited for: whoever leaves waits for one such try.
const LOCKED_AGAIN: Duration = Duration::from_secs(1);

/// The most that waited is written at once.
const CATCH_UP: usize = 256;

/// What the thread works with.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) zone: TimeZone,
    pub(super) busy: Duration,
    pub(super) max_bytes: Option<u64>,
    pub(super) run: Uuid,
    pub(super) inbox: Arc<Inbox>,
    pub(super) health: watch::Sender<Health>,
    pub(super) behind: watch::Sender<Behind>,
}

/// How much a commit waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// The disk.
    Full,
    /// The system alone.
    Normal,
}

/// Whether the orders of a batch can fail one by one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// All or none.
    Together,
    /// Each in a part of its own.
    Apart,
}

struct Open {
    db: Connection,
    sync: Sync,
    busy: Duration,
    /// Held for as long as this process keeps; says to others that it lives.
    _runs: Runs,
}

/// How each order of a batch went, or why none was carried out.
type Done = Result<Vec<Result<u64, LedgerError>>, LedgerError>;

/// The file, or why it is not open.
type Opened = Result<Open, LedgerError>;

impl Writer {
    /// Until the inbox is closed and empty.
    pub(super) fn run(self) {
        // What a process before left is taken up at once; a file that is not there is made once there
        // is something to keep.
        let mut open = self.path.exists().then(|| self.open());
        let mut backlog = Backlog::default();
        loop {
            match self.inbox.take(backlog.due()) {
                Taken::Batch(batch) => self.take(batch, &mut open, &mut backlog),
                Taken::Due => {
                    // Text that waits with nothing before it is taken next.
                    backlog.tried();
                    if self.catch_up(&mut open, &mut backlog).is_err() {
                        backlog.failed(Instant::now());
                    }
                }
                Taken::Closed => break,
            }
            self.tell_behind(&backlog);
        }
        if backlog.due().is_some() {
            self.last_try(&mut open, &mut backlog);
            self.tell_behind(&backlog);
        }
    }

    fn take(&self, batch: Batch, open: &mut Option<Opened>, backlog: &mut Backlog) {
        let Batch { mut notes, jobs } = batch;
        if !backlog.is_empty() && jobs.iter().all(|job| job.told.is_none()) {
            // Nobody waits, and the last try is not long ago.
            self.keep_back(jobs.into_iter().map(|job| job.order), notes, backlog);
            return;
        }
        let behind = self.catch_up(open, backlog);
        if behind.is_ok() && backlog.due().is_some() {
            // It stayed behind what waited.
            notes.extend(self.inbox.notes());
        }
        let done = behind.and_then(|()| {
            let orders: Vec<&Order> = jobs.iter().map(|job| &job.order).collect();
            self.write(self.opened(open)?, &orders, &notes)
        });
        self.show(&done);
        let Err(error) = &done else {
            backlog.calm();
            tell(jobs, done);
            return;
        };
        backlog.failed(Instant::now());
        let made = match error {
            LedgerError::Full { .. } => self.make_room(&jobs, open, backlog),
            _ => Vec::new(),
        };
        let mut orders = Vec::with_capacity(jobs.len());
        let mut waiting = Vec::with_capacity(jobs.len());
        for (at, job) in jobs.into_iter().enumerate() {
            let made = made.iter().find(|(made, _)| *made == at);
            let result = made.map_or_else(|| Err(error.clone()), |(_, count)| Ok(*count));
            orders.push(job.order);
            waiting.extend(job.told.map(|told| (told, result)));
        }
        if !error.may_pass() {
            notes.clear();
        }
        self.keep_back(orders, notes, backlog);
        if !error.may_pass() {
            backlog.give_up();
        } else if !made.is_empty() {
            backlog.hurry(Instant::now());
        }
        // Whoever is told finds what waits counted.
        self.tell_behind(backlog);
        for (told, result) in waiting {
            told(result);
        }
    }

    fn keep_back(
        &self,
        orders: impl IntoIterator<Item = Order>,
        notes: Vec<(RequestId, Note)>,
        backlog: &mut Backlog,
    ) {
        let mut ended = Vec::new();
        for order in orders {
            if let Order::End(end) = &order {
                ended.push(end.begin.request.id);
            }
            backlog.owe(order);
        }
        self.inbox.give_back(notes);
        self.inbox.ended(&ended);
    }

    /// Writes what waits, oldest first, until something cannot be.
    fn catch_up(
        &self,
        open: &mut Option<Opened>,
        backlog: &mut Backlog,
    ) -> Result<(), LedgerError> {
        if backlog.is_empty() {
            return Ok(());
        }
        let mut count = CATCH_UP;
        while !backlog.is_empty() {
            let orders = backlog.next(count);
            let taken = orders.len();
            let done = self.opened(open).and_then(|open| self.write(open, &orders, &[]));
            match done {
                Ok(each) => {
                    let never = each.iter().filter_map(|one| one.as_ref().err());
                    let never = never.inspect(|error| tracing::warn!(%error, "never kept")).count();
                    backlog.written(taken, never);
                }
                // What fits is written.
                Err(LedgerError::Full { .. }) if taken > 1 => count = 1,
                Err(error) => {
                    if !error.may_pass() {
                        backlog.give_up();
                    }
                    self.show(&Err(error.clone()));
                    return Err(error);
                }
            }
            self.tell_behind(backlog);
        }
        self.show(&Ok(Vec::new()));
        Ok(())
    }

    /// The disk is full: what makes room is done before what waits for it. Says which were, with what
    /// they removed.
    fn make_room(
        &self,
        jobs: &[Job],
        open: &mut Option<Opened>,
        backlog: &mut Backlog,
    ) -> Vec<(usize, u64)> {
        let mut made = Vec::new();
        for (at, job) in jobs.iter().enumerate().filter(|(_, job)| job.order.removes()) {
            let done = self.opened(open).and_then(|open| self.write(open, &[&job.order], &[]));
            let Ok([Ok(count)]) = done.as_deref() else { continue };
            made.push((at, *count));
            if let Order::Remove(session) = &job.order {
                backlog.forget(*session);
            }
        }
        made
    }

    /// Nobody gives anything any more.
    fn last_try(&self, open: &mut Option<Opened>, backlog: &mut Backlog) {
        let kept = self
            .catch_up(open, backlog)
            .and_then(|()| self.write(self.opened(open)?, &[], &self.inbox.notes()).map(|_| ()));
        if let Err(error) = kept {
            tracing::warn!(%error, lost = backlog.behind().waiting, "requests were not kept");
        }
    }

    /// The file, opened where it is not and trying may help.
    fn opened<'a>(&self, open: &'a mut Option<Opened>) -> Result<&'a mut Open, LedgerError> {
        let again = match open {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => error.may_pass(),
        };
        if again {
            *open = Some(self.open());
        }
        match open {
            Some(Ok(open)) => Ok(open),
            Some(Err(error)) => Err(error.clone()),
            None => Err(LedgerError::Closed),
        }
    }

    fn open(&self) -> Result<Open, LedgerError> {
        let opened = self.try_open();
        let health = match &opened {
            Ok(_) => Health::Keeping,
            Err(error) => Health::Failing(error.clone()),
        };
        self.health.send_replace(health);
        opened
    }

    fn try_open(&self) -> Result<Open, LedgerError> {
        let mut db = file::open(&self.path, Access::Write, self.busy)?;
        schema::migrate(&mut db, &self.path, schema::STEPS)?;
        let told = |error: rusqlite::Error| LedgerError::sqlite(&self.path, &error);
        if let Some(bytes) = self.max_bytes {
            let page: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(told)?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            let _most: i64 = db
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0))
                .map_err(told)?;
        }
        let runs = Runs::enter(&self.path, self.run)
            .map_err(|error| LedgerError::io(&self.path, &error))?;
        let work = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        write::recover(&work, |run| runs.is_over(run), &self.zone).map_err(told)?;
        work.commit().map_err(told)?;
        runs.tidy();
        Ok(Open { db, sync: Sync::Full, busy: self.busy, _runs: runs })
    }

    /// Everything in one transaction; what fails for a reason of its own fails alone.
    fn write(&self, open: &mut Open, orders: &[&Order], notes: &[(RequestId, Note)]) -> Done {
        let done = self.try_write(open, orders, notes);
        match &done {
            Ok(_) => open.patience(self.busy, &self.path)?,
            Err(LedgerError::Busy { .. }) => {
                open.patience(self.busy.min(LOCKED_AGAIN), &self.path)?;
            }
            Err(_) => {}
        }
        done
    }

    fn try_write(&self, open: &mut Open, orders: &[&Order], notes: &[(RequestId, Note)]) -> Done {
        let told = |error: rusqlite::Error| LedgerError::sqlite(&self.path, &error);
        let soon = orders.iter().all(|order| order.is_on_its_way());
        open.set(if soon { Sync::Normal } else { Sync::Full }).map_err(told)?;
        let removes = orders.iter().any(|order| order.removes());
        if removes {
            // What is removed is overwritten everywhere, not only in pages written anyway.
            open.db.pragma_update(None, "secure_delete", true).map_err(told)?;
        }
        // Savepoints make the search index write itself out each time, so they are only taken once
        // it is known that they are needed.
        let done = match self.commit(open, orders, notes, Parts::Together)? {
            Some(done) => done,
            None => self.commit(open, orders, notes, Parts::Apart)?.unwrap_or_default(),
        };
        if removes && let Err(error) = open.shrink() {
            // What was asked for is done all the same.
            tracing::warn!(%error, "room was not given back");
        }
        Ok(done)
    }

    /// One transaction; `None`, and nothing done, when a part of it fails that was not apart.
    fn commit(
        &self,
        open: &mut Open,
        orders: &[&Order],
        notes: &[(RequestId, Note)],
        parts: Parts,
    ) -> Result<Option<Vec<Result<u64, LedgerError>>>, LedgerError> {
        let told = |error: rusqlite::Error| LedgerError::sqlite(&self.path, &error);
        let mut work =
            open.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let mut done = vec![Ok(0); orders.len()];
        for (done, order) in done.iter_mut().zip(orders) {
            *done = match self.obey(&mut work, order, parts) {
                Ok(count) => Ok(count),
                Err(write::Failed::Sql(error)) if !is_own(&error) => return Err(told(error)),
                Err(_) if parts == Parts::Together => return Ok(None),
                Err(write::Failed::Sql(error)) => Err(told(error)),
                Err(write::Failed::Unknown(what)) => Err(LedgerError::Unknown(what)),
            };
        }
        // Last, for it belongs to requests that were begun before it.
        note(&work, orders, notes).map_err(told)?;
        work.commit().map_err(told)?;
        Ok(Some(done))
    }

    fn obey(
        &self,
        work: &mut Transaction<'_>,
        order: &Order,
        parts: Parts,
    ) -> Result<u64, write::Failed> {
        match parts {
            Parts::Together => write::obey(work, order, &self.zone, self.run),
            Parts::Apart => {
                let part = work.savepoint()?;
                // Undone where it is dropped.
                let count = write::obey(&part, order, &self.zone, self.run)?;
                part.commit()?;
                Ok(count)
            }
        }
    }

    fn show(&self, done: &Done) {
        let health = match done {
            Ok(_) => Health::Keeping,
            Err(error) => Health::Failing(error.clone()),
        };
        self.health.send_if_modified(|now| {
            let other = *now != health;
            if other {
                *now = health;
            }
            other
        });
    }

    fn tell_behind(&self, backlog: &Backlog) {
        let behind = backlog.behind();
        self.behind.send_if_modified(|now| std::mem::replace(now, behind) != behind);
    }
}

fn tell(jobs: Vec<Job>, done: Done) {
    let mut each = done.map(Vec::into_iter);
    for job in jobs {
        let result = match &mut each {
            Ok(each) => each.next().unwrap_or(Err(LedgerError::Closed)).inspect_err(|error| {
                // Whoever waits is told; nobody else is, for all else was kept.
                tracing::warn!(%error, "one order was not kept");
            }),
            Err(error) => Err(error.clone()),
        };
        if let Some(told) = job.told {
            told(result);
        }
    }
}

impl Open {
    /// Waits so long for other programs.
    fn patience(&mut self, busy: Duration, path: &Path) -> Result<(), LedgerError> {
        if self.busy != busy {
            self.db.busy_timeout(busy).map_err(|error| LedgerError::sqlite(path, &error))?;
            self.busy = busy;
        }
        Ok(())
    }

    fn set(&mut self, sync: Sync) -> rusqlite::Result<()> {
        if self.sync != sync {
            let name = match sync {
                Sync::Full => "FULL",
                Sync::Normal => "NORMAL",
            };
            self.db.pragma_update(None, "synchronous", name)?;
            self.sync = sync;
        }
        Ok(())
    }

    /// Gives freed room back, and takes what was removed out of the write-ahead log too.
    fn shrink(&self) -> rusqlite::Result<()> {
        self.db.pragma_update(None, "secure_delete", "FAST")?;
        let mut vacuum = self.db.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = vacuum.query([])?;
        // Each step gives one page back.
        while pages.next()?.is_some() {}
        drop(pages);
        // A reader may keep it from being emptied; the next time does it then.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// Journals what came of answers on their way.
fn note(work: &Connection, orders: &[&Order], notes: &[(RequestId, Note)]) -> rusqlite::Result<()> {
    for (request, note) in notes {
        let over =
            |order: &&Order| matches!(order, Order::End(end) if end.begin.request.id == *request);
        if orders.iter().any(over) {
            // Its end keeps all of it.
            continue;
        }
        match note {
            Note::More(piece, text) => write::more(work, *request, *piece, text)?,
            Note::Void => write::void(work, *request)?,
        }
    }
    Ok(())
}

/// It concerns one order only.
fn is_own(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => {
            matches!(
                code,
                ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
            )
        }
        None => true,
    }
}
