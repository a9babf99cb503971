//! The one thread that writes. It takes what waits, writes it in one transaction, and says how it
//! went.
//!
//! Must not know: what the tables hold. Invariants: an order is told "done" only once it is on the
//! disk; what belongs to an answer on its way is handed to the system without waiting for the disk,
//! which outlives a killed process, and is on the disk with the answer's end; a failure ends nothing: it is told, and the next batch is tried afresh.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::watch;
use uuid::Uuid;

use super::file::{self, Access};
use super::inbox::{Batch, Inbox, Job, Note};
use super::order::Order;
use super::runs::Runs;
use super::{Health, LedgerError, schema, write};

/// What the thread works with.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) zone: TimeZone,
    pub(super) busy: Duration,
    pub(super) max_bytes: Option<u64>,
    pub(super) run: Uuid,
    pub(super) inbox: Arc<Inbox>,
    pub(super) health: watch::Sender<Health>,
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
    /// Held for as long as this process keeps; says to others that it lives.
    _runs: Runs,
}

impl Writer {
    /// Until the inbox is closed and empty.
    pub(super) fn run(self) {
        // What a process before left is taken up at once; a file that is not there is made once there
        // is something to keep.
        let mut open = self.path.exists().then(|| self.open());
        while let Some(batch) = self.inbox.take() {
            let again = match &open {
                None => true,
                Some(Ok(_)) => false,
                Some(Err(error)) => !is_final(error),
            };
            if again {
                open = Some(self.open());
            }
            let done = match &mut open {
                Some(Ok(open)) => self.write(open, &batch),
                Some(Err(error)) => Err(error.clone()),
                None => Err(LedgerError::Closed),
            };
            self.tell(batch, done);
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
        write::recover(&work, &runs, &self.zone).map_err(told)?;
        work.commit().map_err(told)?;
        Ok(Open { db, sync: Sync::Full, _runs: runs })
    }

    /// Everything in one transaction; what fails for a reason of its own fails alone.
    fn write(
        &self,
        open: &mut Open,
        batch: &Batch,
    ) -> Result<Vec<Result<u64, LedgerError>>, LedgerError> {
        let told = |error: rusqlite::Error| LedgerError::sqlite(&self.path, &error);
        let soon = batch.jobs.iter().all(|job| on_its_way(&job.order));
        open.set(if soon { Sync::Normal } else { Sync::Full }).map_err(told)?;
        let removes = batch.jobs.iter().any(|job| removes(&job.order));
        if removes {
            // What is removed is overwritten everywhere, not only in pages written anyway.
            open.db.pragma_update(None, "secure_delete", true).map_err(told)?;
        }
        // Savepoints make the search index write itself out each time, so they are only taken once
        // it is known that they are needed.
        let done = match self.commit(open, batch, Parts::Together)? {
            Some(done) => done,
            None => self.commit(open, batch, Parts::Apart)?.unwrap_or_default(),
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
        batch: &Batch,
        parts: Parts,
    ) -> Result<Option<Vec<Result<u64, LedgerError>>>, LedgerError> {
        let told = |error: rusqlite::Error| LedgerError::sqlite(&self.path, &error);
        let mut work =
            open.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let mut done = vec![Ok(0); batch.jobs.len()];
        for (done, job) in done.iter_mut().zip(&batch.jobs) {
            *done = match self.obey(&mut work, &job.order, parts) {
                Ok(count) => Ok(count),
                Err(write::Failed::Sql(error)) if !is_own(&error) => return Err(told(error)),
                Err(_) if parts == Parts::Together => return Ok(None),
                Err(write::Failed::Sql(error)) => Err(told(error)),
                Err(write::Failed::Unknown(what)) => Err(LedgerError::Unknown(what)),
            };
        }
        // Last, for it belongs to requests that were begun before it.
        note(&work, batch).map_err(told)?;
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

    fn tell(&self, batch: Batch, done: Result<Vec<Result<u64, LedgerError>>, LedgerError>) {
        let health = match &done {
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
        let mut each = done.map(Vec::into_iter);
        for job in batch.jobs {
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
}

impl Open {
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
fn note(work: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    for (request, note) in &batch.notes {
        let over =
            |job: &Job| matches!(&job.order, Order::End(end) if end.begin.request.id == *request);
        if batch.jobs.iter().any(over) {
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

/// It belongs to an answer that is not over, whose end will wait for the disk.
const fn on_its_way(order: &Order) -> bool {
    match order {
        Order::Begin(_) | Order::Attempt { .. } => true,
        Order::End(_)
        | Order::Aside(_)
        | Order::Prefer(_)
        | Order::Rename { .. }
        | Order::Remove(_)
        | Order::Purge { .. }
        | Order::Scrub
        | Order::Fork { .. }
        | Order::Dismiss(_)
        | Order::Flush => false,
    }
}

const fn removes(order: &Order) -> bool {
    match order {
        Order::Remove(_) | Order::Purge { .. } | Order::Scrub => true,
        Order::Begin(_)
        | Order::Attempt { .. }
        | Order::End(_)
        | Order::Aside(_)
        | Order::Prefer(_)
        | Order::Rename { .. }
        | Order::Fork { .. }
        | Order::Dismiss(_)
        | Order::Flush => false,
    }
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

/// Trying again would not help.
const fn is_final(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Corrupt { .. } | LedgerError::Newer { .. })
}
