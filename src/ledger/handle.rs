//! The ledger's handle: what others give it to keep, and how they ask.
//!
//! Must not know: SQL. Invariant: nothing here that an async task calls waits for the disk unless it
//! says so.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::domain::{AttemptReport, MessageId, RequestId, SessionId, UnixMs};

use super::inbox::{Inbox, Job};
use super::order::{
    Aside, Begin, End, Keep, KeptTokens, Order, Piece, Preference, Purge, Scrub, Told,
};
use super::query::Reader;
use super::writer::Writer;
use super::{Behind, Day, FILE, LedgerError};

/// How long another program may hold the file before that is an error.
const BUSY: Duration = Duration::from_secs(5);

/// Between two parts of a long work others have so long to begin to write. They look every tenth of a
/// second at least, for as long as [`BUSY`].
const TURN: Duration = Duration::from_millis(10);

/// Readers kept open between questions.
const READERS: usize = 4;

/// How a ledger is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// The zone of the user's days.
    pub zone: TimeZone,
    /// How long another program may hold the file before that is an error.
    pub busy: Duration,
    /// The file may grow to this many bytes; `None` is as far as the disk goes.
    pub max_bytes: Option<u64>,
    /// What is kept of requests that came through the gateway.
    pub gateway: Keep,
    /// This process, among those that may keep in the same file.
    pub run: Uuid,
}

impl Options {
    /// The ledger of a data directory.
    pub fn new(data_dir: &Path, zone: TimeZone, run: Uuid) -> Self {
        Self {
            path: data_dir.join(FILE),
            zone,
            busy: BUSY,
            max_bytes: None,
            gateway: Keep::Figures,
            run,
        }
    }
}

/// How keeping goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// The file is being opened, or is not there and nothing was given to keep.
    Opening,
    /// All is kept.
    Keeping,
    /// What was given last is not kept yet. What records waits, and is tried again: see [`Behind`].
    Failing(LedgerError),
}

/// A cloneable handle. The writer ends, everything it was given written, when the last has gone.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    inbox: Arc<Inbox>,
    health: watch::Receiver<Health>,
    behind: watch::Receiver<Behind>,
    readers: Mutex<Vec<Reader>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.inner.options.path).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens a ledger, or begins one: a file that is not there is made once there is something to
    /// keep. Returns at once: the file is opened by the writer, and how that went shows in
    /// [`Self::health`].
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn open(options: Options) -> Result<Self, LedgerError> {
        let inbox = Arc::new(Inbox::new());
        let (tell, health) = watch::channel(Health::Opening);
        let (tell_behind, behind) = watch::channel(Behind::default());
        let writer = Writer {
            path: options.path.clone(),
            zone: options.zone.clone(),
            busy: options.busy,
            max_bytes: options.max_bytes,
            run: options.run,
            inbox: Arc::clone(&inbox),
            health: tell,
            behind: tell_behind,
        };
        std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| LedgerError::io(&options.path, &error))?;
        let readers = Mutex::default();
        Ok(Self { inner: Arc::new(Inner { options, inbox, health, behind, readers }) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.options.path
    }

    /// The local day of a moment.
    pub fn day(&self, at: UnixMs) -> Day {
        Day::of(at, &self.inner.options.zone)
    }

    /// What is kept of requests that came through the gateway.
    pub fn gateway(&self) -> Keep {
        self.inner.options.gateway
    }

    /// How keeping goes.
    pub fn health(&self) -> Health {
        self.inner.health.borrow().clone()
    }

    /// Why nothing is kept just now, if nothing is.
    pub fn trouble(&self) -> Option<LedgerError> {
        match self.health() {
            Health::Failing(error) => Some(error),
            Health::Opening | Health::Keeping => None,
        }
    }

    /// Follows how keeping goes.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.inner.health.clone()
    }

    /// How far keeping is behind: what waits because it could not be written, and what became of it.
    pub fn behind(&self) -> Behind {
        *self.inner.behind.borrow()
    }

    /// What of all that was given is not on the disk, in words, with why; `None` where all of it is.
    pub fn unkept(&self) -> Option<String> {
        let (behind, trouble) = (self.behind(), self.trouble());
        let requests = |count: u64| match count {
            1 => "1 request".to_owned(),
            count => format!("{count} requests"),
        };
        match (trouble, behind.waiting + behind.lost) {
            (Some(why), 0) => Some(why.to_string()),
            (Some(why), count) => Some(format!("{}: {why}", requests(count))),
            (None, 0) => None,
            (None, count) => Some(format!("{}: too much waited for the file", requests(count))),
        }
    }

    /// Follows how far keeping is behind.
    pub fn watch_behind(&self) -> watch::Receiver<Behind> {
        self.inner.behind.clone()
    }

    // ---- requests, as they run -----------------------------------------------------------------

    /// A request was decided. Resolves once that outlives this process, so that whatever is shown
    /// after it can be offered back; it is on the disk with its end.
    pub async fn begin(&self, begin: Arc<Begin>) -> Result<(), LedgerError> {
        self.done(Order::Begin(begin)).await.map(|_| ())
    }

    /// The same without waiting, but while a thousand orders wait before it.
    pub async fn begin_later(&self, begin: Arc<Begin>) {
        let _unwatched = self.order(Order::Begin(begin), None).await;
    }

    /// More of an answer. Never waits; written within a moment, and handed to the system so that it
    /// outlives this process.
    pub fn more(&self, request: RequestId, piece: Piece, text: &str) {
        self.inner.inbox.more(request, piece, text);
    }

    /// What was journaled of an answer is void: it starts over.
    pub fn void(&self, request: RequestId) {
        self.inner.inbox.void(request);
    }

    /// An attempt is over. Never waits: where a thousand orders wait already it is left to the
    /// request's end, which carries all attempts.
    pub fn attempt(&self, begin: &Arc<Begin>, report: AttemptReport) {
        let Some(room) = self.inner.inbox.room_now() else { return };
        let order = Order::Attempt { begin: Arc::clone(begin), report: Box::new(report) };
        let _closed = self.inner.inbox.put(Job { order, told: None, _room: Some(room) });
    }

    /// A request is over: resolves once that is on the disk.
    pub async fn end(&self, end: End) -> Result<(), LedgerError> {
        self.done(Order::End(Box::new(end))).await.map(|_| ())
    }

    /// Money was spent without a request. Waits only while a thousand orders wait before it.
    pub async fn aside(&self, aside: Aside) {
        let _unwatched = self.order(Order::Aside(Box::new(aside)), None).await;
    }

    /// Something was learned of a model's tokens. Never waits: where a thousand orders wait already it
    /// is not kept, and learned again.
    pub fn learn(&self, rows: Vec<KeptTokens>, at: UnixMs) {
        let Some(room) = self.inner.inbox.room_now() else { return };
        let order = Order::Learn { rows, at };
        let _closed = self.inner.inbox.put(Job { order, told: None, _room: Some(room) });
    }

    /// Resolves once everything given so far is on the disk.
    pub async fn flushed(&self) -> Result<(), LedgerError> {
        self.done(Order::Flush).await.map(|_| ())
    }

    /// Removes by age as [`Self::purge`] does, for async tasks: resolves once all of it has gone. Part
    /// by part, and what others have to keep meanwhile gets its turn in between.
    pub async fn retain(&self, before: UnixMs, what: Purge) -> Result<u64, LedgerError> {
        let mut gone = 0;
        loop {
            match self.done(Order::Purge { before, what }).await? {
                0 => break,
                part => gone += part,
            }
            tokio::time::sleep(TURN).await;
        }
        if gone > 0 && what == Purge::Conversations {
            let mut part = Scrub::First;
            while self.done(Order::Scrub(part)).await? > 0 {
                part = Scrub::Next;
                tokio::time::sleep(TURN).await;
            }
        }
        Ok(gone)
    }

    async fn done(&self, order: Order) -> Result<u64, LedgerError> {
        let (tell, told) = oneshot::channel();
        let told_by: Told = Box::new(move |result| {
            // Whoever asked may have stopped waiting.
            let _gone = tell.send(result);
        });
        self.order(order, Some(told_by)).await?;
        told.await.unwrap_or(Err(LedgerError::Closed))
    }

    async fn order(&self, order: Order, told: Option<Told>) -> Result<(), LedgerError> {
        let room = self.inner.inbox.room().await.ok_or(LedgerError::Closed)?;
        let job = Job { order, told, _room: Some(room) };
        self.inner.inbox.put(job).map_err(|_| LedgerError::Closed)
    }

    // ---- what people do to it; these wait for the disk, not for use in async tasks ---------------

    /// Everything given so far is on the disk, or was not within the limit.
    pub fn flush(&self, limit: Duration) -> Result<(), LedgerError> {
        self.now_within(Order::Flush, limit).map(|_| ())
    }

    /// Removes a conversation for good; says how many messages went. What it cost stays counted.
    pub fn remove(&self, session: SessionId) -> Result<u64, LedgerError> {
        self.now(Order::Remove(session))
    }

    /// Gives a conversation another title.
    pub fn rename(&self, session: SessionId, title: &str) -> Result<(), LedgerError> {
        self.now(Order::Rename { session, title: title.to_owned() }).map(|_| ())
    }

    /// Copies a conversation up to a message (its newest where none is named) into a new one, to go
    /// on from there; says how many messages it has.
    pub fn fork(
        &self,
        from: SessionId,
        at: Option<MessageId>,
        to: SessionId,
        now: UnixMs,
    ) -> Result<u64, LedgerError> {
        self.now(Order::Fork { from, at, to, now })
    }

    /// Removes by age; says how many rows went. Part by part: what others have to keep meanwhile gets
    /// its turn in between.
    pub fn purge(&self, before: UnixMs, what: Purge) -> Result<u64, LedgerError> {
        let mut gone = 0;
        loop {
            match self.now(Order::Purge { before, what })? {
                0 => break,
                part => gone += part,
            }
            std::thread::sleep(TURN);
        }
        if gone > 0 && what == Purge::Conversations {
            let mut part = Scrub::First;
            while self.now(Order::Scrub(part))? > 0 {
                part = Scrub::Next;
                std::thread::sleep(TURN);
            }
        }
        Ok(gone)
    }

    /// One answer was liked better.
    pub fn prefer(&self, preference: Preference) -> Result<(), LedgerError> {
        self.now(Order::Prefer(Box::new(preference))).map(|_| ())
    }

    /// A partial answer was looked at: it is offered back no more.
    pub fn dismiss(&self, request: RequestId) -> Result<(), LedgerError> {
        self.now(Order::Dismiss(request)).map(|_| ())
    }

    fn now(&self, order: Order) -> Result<u64, LedgerError> {
        self.now_within(order, self.inner.options.busy.saturating_mul(4))
    }

    fn now_within(&self, order: Order, limit: Duration) -> Result<u64, LedgerError> {
        let (tell, told) = mpsc::sync_channel(1);
        let told_by: Told = Box::new(move |result| {
            let _gone = tell.send(result);
        });
        let path = || self.path().to_path_buf();
        let room = self.inner.inbox.room_now().ok_or_else(|| LedgerError::Slow { path: path() })?;
        let job = Job { order, told: Some(told_by), _room: Some(room) };
        self.inner.inbox.put(job).map_err(|_| LedgerError::Closed)?;
        match told.recv_timeout(limit) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(LedgerError::Slow { path: path() }),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(LedgerError::Closed),
        }
    }

    // ---- questions -----------------------------------------------------------------------------

    /// Asks, on a connection of its own: neither waits for the writer nor makes it wait. Reads the
    /// disk: not for use in async tasks.
    pub fn read<T>(
        &self,
        ask: impl FnOnce(&Reader) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let lock = || self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.reader()?,
        };
        let answer = ask(&reader);
        let mut readers = lock();
        if readers.len() < READERS {
            readers.push(reader);
        }
        answer
    }

    fn reader(&self) -> Result<Reader, LedgerError> {
        if self.health() == Health::Opening {
            if !self.path().exists() {
                return Err(LedgerError::Nothing { path: self.path().to_path_buf() });
            }
            // The file may be being made, or brought up to date.
            self.flush(self.inner.options.busy.saturating_mul(4))?;
        }
        Reader::open(self.path(), self.inner.options.busy)
    }
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
