//! Budgets shared by processes and kept beyond a run: the store of spending on the ledger's file.
//!
//! Owns: a thread with a connection of its own, and the order in which it is told things. Must not
//! know: what a budget is for, what time it is. Invariants: what is counted as spent plus what live
//! claims hold never passes a limit that came with a claim; a settlement is counted once, and before
//! any later claim of the same process, however long the file cannot be written meanwhile; nobody
//! who asks waits longer than [`PATIENCE`], and nobody who tells for the file to become free; what a
//! process that ended holds lapses at the next look, and what it had come to counts from then on.

mod book;
mod owed;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use crate::domain::{AttemptId, UnixMs};
use crate::route::{
    Bucket, Holder, SharedClaim, SharedVerdict, SpendLine, SpendStore, StoreTrouble, Totals,
};

use super::file::{self, Access};
use super::runs::Runs;
use super::{LedgerError, schema, write};

pub(super) use book::left;
use owed::{Due, Owed};

/// How long another program may hold the file before that is an error.
const BUSY: Duration = Duration::from_millis(1_500);

/// Longest wait of whoever asks.
const PATIENCE: Duration = Duration::from_secs(3);

/// What may be on its way to the keeper. More than attempts can run at once: the keeper takes it even
/// while the file cannot be written, and what waits for the file itself is [`Owed`]'s, which bounds it
/// without losing money. Should a try that takes long let even this fill up, whoever tells waits for
/// the end of that try, because money that is not counted would be spent twice.
const WAITING: usize = 16 * 1024;

/// What waited is written so much at once.
const AT_ONCE: usize = 256;

/// What could not be written is tried again after this, where nobody asks for anything before.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs that are over are added up as one where they spent nothing for so long.
const APART: Duration = Duration::from_hours(48);

/// The run all older ones are added up under.
const OLDER: [u8; 16] = [0; 16];

/// The store. Dropping it writes out what it was told.
#[derive(Debug)]
pub struct SharedPurse {
    tell: Option<SyncSender<Told>>,
    keeper: Option<JoinHandle<()>>,
}

impl Drop for SharedPurse {
    fn drop(&mut self) {
        self.tell = None;
        if let Some(keeper) = self.keeper.take() {
            // A keeper that failed has nothing left to write.
            let _written = keeper.join();
        }
    }
}

enum Told {
    Totals { holder: Holder, buckets: Vec<Bucket>, now: UnixMs, back: Sender<Answer<Vec<Totals>>> },
    Reserve { claim: SharedClaim, back: Sender<Answer<SharedVerdict>> },
    Renew { holder: Holder, lapses: UnixMs, back: Sender<Answer<()>> },
    Settle(SpendLine),
    Release(AttemptId),
    Flush(Sender<Answer<()>>),
}

type Answer<T> = Result<T, StoreTrouble>;

impl SharedPurse {
    /// On the ledger's file, which is made when money is first spent. What processes that ended had
    /// come to is counted on the day it was in this zone.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn open(path: &Path, zone: TimeZone) -> Result<Self, LedgerError> {
        Self::waiting(path, zone, BUSY)
    }

    fn waiting(path: &Path, zone: TimeZone, busy: Duration) -> Result<Self, LedgerError> {
        let (tell, told) = mpsc::sync_channel(WAITING);
        let mut keeper = Keeper {
            path: path.to_path_buf(),
            zone,
            busy,
            db: None,
            owed: Owed::default(),
            tried: Instant::now(),
            lives: HashMap::new(),
            tidied: false,
            recovered: false,
        };
        let keeper = std::thread::Builder::new()
            .name("purse".to_owned())
            .spawn(move || keeper.run(&told))
            .map_err(|error| LedgerError::io(path, &error))?;
        Ok(Self { tell: Some(tell), keeper: Some(keeper) })
    }

    /// Everything told so far is on the disk, or was not within the limit.
    ///
    /// # Errors
    /// Why it is not.
    pub fn flush(&self, limit: Duration) -> Result<(), StoreTrouble> {
        let (back, answer) = mpsc::channel();
        self.ask_within(Told::Flush(back), &answer, limit)
    }

    /// `None` once the keeper has gone.
    fn send(&self, told: Told) -> Option<()> {
        self.tell.as_ref()?.send(told).ok()
    }

    fn ask<T>(&self, told: Told, answer: &Receiver<Answer<T>>) -> Answer<T> {
        self.ask_within(told, answer, PATIENCE)
    }

    fn ask_within<T>(
        &self,
        told: Told,
        answer: &Receiver<Answer<T>>,
        limit: Duration,
    ) -> Answer<T> {
        let closed = || StoreTrouble("the ledger of spending has been closed".to_owned());
        self.send(told).ok_or_else(closed)?;
        match answer.recv_timeout(limit) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                Err(StoreTrouble("the ledger of spending is busy".to_owned()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(closed()),
        }
    }
}

impl SpendStore for SharedPurse {
    fn totals(&self, holder: Holder, buckets: &[Bucket], now: UnixMs) -> Answer<Vec<Totals>> {
        let (back, answer) = mpsc::channel();
        self.ask(Told::Totals { holder, buckets: buckets.to_vec(), now, back }, &answer)
    }

    fn reserve(&self, claim: &SharedClaim) -> Answer<SharedVerdict> {
        let (back, answer) = mpsc::channel();
        let verdict = self.ask(Told::Reserve { claim: claim.clone(), back }, &answer);
        if verdict.is_err() {
            // It may be written yet; nobody will settle it.
            self.release(claim.holder, claim.attempt);
        }
        verdict
    }

    fn settle(&self, line: SpendLine) {
        // Once the keeper has gone there is nothing to tell.
        let _gone = self.send(Told::Settle(line));
    }

    fn release(&self, _holder: Holder, attempt: AttemptId) {
        let _gone = self.send(Told::Release(attempt));
    }

    fn renew(&self, holder: Holder, lapses: UnixMs) -> Answer<()> {
        let (back, answer) = mpsc::channel();
        self.ask(Told::Renew { holder, lapses, back }, &answer)
    }
}

struct Keeper {
    path: PathBuf,
    zone: TimeZone,
    busy: Duration,
    db: Option<Connection>,
    /// Told, and not written yet.
    owed: Owed,
    /// When that was tried last.
    tried: Instant,
    /// Says to others that the runs that spend through this store live.
    lives: HashMap<Holder, Runs>,
    /// Old runs have been added up.
    tidied: bool,
    /// What programs left that had ended when this one began has been taken up.
    recovered: bool,
}

impl Keeper {
    fn run(&mut self, told: &Receiver<Told>) {
        loop {
            let next = if self.owed.is_empty() {
                told.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                told.recv_timeout(AGAIN.saturating_sub(self.tried.elapsed()))
            };
            match next {
                Ok(told) => self.obey(told),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.owed.is_empty() && self.tried.elapsed() >= AGAIN {
                // Until it can be.
                let _not_yet = self.write_owed();
            }
        }
        if let Err(trouble) = self.write_owed() {
            tracing::warn!(%trouble, left = self.owed.len(), "spending was not kept");
        }
    }

    fn obey(&mut self, told: Told) {
        match told {
            Told::Totals { holder, buckets, now, back } => {
                // Nothing was spent where there is no file.
                let answer = if self.path.exists() {
                    self.look(now, |work| book::totals(work, holder, &buckets))
                } else {
                    Ok(vec![Totals::default(); buckets.len()])
                };
                let _nobody_waits = back.send(answer);
            }
            Told::Reserve { claim, back } => {
                // Others would take what it holds for that of one that has ended.
                let lives = self.live(claim.holder);
                self.tidy(claim.now);
                let ready = lives.and_then(|()| self.write_owed());
                let reserve = |work: &Transaction<'_>| book::reserve(work, &claim);
                let answer = ready.and_then(|()| self.look(claim.now, reserve));
                let _nobody_waits = back.send(answer);
            }
            Told::Renew { back, .. } if !self.path.exists() => {
                // Nothing is held where there is no file.
                let _nobody_waits = back.send(Ok(()));
            }
            Told::Renew { holder, lapses, back } => {
                let answer = self.work(|work| {
                    let sql = "UPDATE leases SET lapses = max(lapses, ?2) WHERE holder = ?1";
                    work.prepare_cached(sql)?
                        .execute(params![holder.0.as_bytes(), lapses.0])
                        .map(|_| ())
                });
                let _nobody_waits = back.send(answer);
            }
            Told::Settle(line) => {
                // Where others cannot see that it lives, its spending is that of one that may be over.
                let _seen = self.live(line.holder);
                self.owe(Due::Settle(line));
            }
            Told::Release(_) if !self.path.exists() => {}
            Told::Release(attempt) => self.owe(Due::Release(attempt)),
            Told::Flush(back) => {
                let _nobody_waits = back.send(self.write_owed());
            }
        }
    }

    fn owe(&mut self, due: Due) {
        let waits = !self.owed.is_empty();
        self.owed.push(due);
        if waits {
            // The file could not be written a moment ago: those who tell do not wait for it each time.
            return;
        }
        if let Err(trouble) = self.write_owed() {
            tracing::warn!(%trouble, "spending is not kept yet");
        }
    }

    /// Writes what is owed, in turn; what cannot be written now stays.
    fn write_owed(&mut self) -> Answer<()> {
        while !self.owed.is_empty() {
            let dues = self.owed.take(AT_ONCE);
            let written = self.work(|work| {
                dues.iter().try_for_each(|due| match due {
                    Due::Settle(line) => book::settle(work, line),
                    Due::Sum(sum) => book::settle_sum(work, sum),
                    Due::Release(attempt) => book::release(work, *attempt),
                })
            });
            if let Err(trouble) = written {
                self.owed.put_back(dues);
                self.tried = Instant::now();
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// From here on others see that this run lives.
    fn live(&mut self, holder: Holder) -> Answer<()> {
        if !self.lives.contains_key(&holder) {
            self.open()?;
            let told = |error| StoreTrouble(LedgerError::io(&self.path, &error).to_string());
            self.lives.insert(holder, Runs::enter(&self.path, holder.0).map_err(told)?);
        }
        Ok(())
    }

    /// Work on how things stand: nothing is held any more by processes that ended, and what they had
    /// come to is counted.
    fn look<T>(
        &mut self,
        now: UnixMs,
        what: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Answer<T> {
        let (path, zone) = (self.path.clone(), self.zone.clone());
        let over = |run| Runs::over(&path, run);
        let recovered = self.recovered;
        let looked = self.work(|work| {
            let mut dead = book::holders(work)?;
            dead.retain(|holder| over(Uuid::from_bytes(*holder)));
            // A program may have ended that held nothing, and had spent all the same.
            let look_for = !dead.is_empty() || !recovered;
            if look_for && taken_up(work, over, &zone)? {
                for holder in dead {
                    book::end(work, holder, now)?;
                }
            }
            book::lapse(work, now)?;
            what(work)
        });
        self.recovered |= looked.is_ok();
        looked
    }

    /// In one transaction that excludes all others.
    fn work<T>(&mut self, what: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Answer<T> {
        let path = self.path.clone();
        let told =
            |error: rusqlite::Error| StoreTrouble(LedgerError::sqlite(&path, &error).to_string());
        let db = self.open()?;
        let work = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&told)?;
        let done = what(&work).map_err(&told)?;
        work.commit().map_err(&told)?;
        Ok(done)
    }

    fn open(&mut self) -> Answer<&mut Connection> {
        if self.db.is_none() {
            let told = |error: LedgerError| StoreTrouble(error.to_string());
            let mut db = file::open(&self.path, Access::Write, self.busy).map_err(told)?;
            schema::migrate(&mut db, &self.path, schema::STEPS).map_err(told)?;
            self.db = Some(db);
        }
        self.db.as_mut().ok_or_else(|| StoreTrouble("the ledger is not open".to_owned()))
    }

    /// Adds up old runs, once in a while: once a run. Not those that live: each knows what it spent
    /// itself, and would take it for that of others.
    fn tidy(&mut self, now: UnixMs) {
        if self.tidied {
            return;
        }
        let before = now - APART;
        let path = self.path.clone();
        let tidied = self.work(|work| {
            let old: Vec<[u8; 16]> = work
                .prepare("SELECT DISTINCT holder FROM bucket_spend WHERE at < ?1 AND holder <> ?2")?
                .query_map(params![before.0, OLDER], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let live = |holder: &[u8; 16]| !Runs::over(&path, Uuid::from_bytes(*holder));
            let live: Vec<[u8; 16]> = old.into_iter().filter(live).collect();
            book::add_up(work, before, &live)?;
            work.execute("DELETE FROM settled WHERE at < ?1", [before.0]).map(|_| ())
        });
        // What could not be added up now is another time.
        self.tidied = tidied.is_ok();
    }
}

/// Takes up what programs that ended had shown. Where that cannot be done, nothing of it is, and what
/// they hold lapses in its own time: a budget is not left to each program alone for it.
fn taken_up(
    work: &Transaction<'_>,
    over: impl Fn(Uuid) -> bool,
    zone: &TimeZone,
) -> rusqlite::Result<bool> {
    work.execute_batch("SAVEPOINT dead")?;
    let done = write::recover(work, over, zone).inspect_err(|trouble| {
        tracing::warn!(%trouble, "what a program that ended had come to was not taken up");
    });
    let done = done.is_ok();
    work.execute_batch(if done { "RELEASE dead" } else { "ROLLBACK TO dead; RELEASE dead" })?;
    Ok(done)
}

#[cfg(test)]
#[path = "purse_tests.rs"]
mod tests;
