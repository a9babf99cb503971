//! What waits for the writer: orders in turn, and the text of answers on their way, joined per answer.
//!
//! Must not know: SQL. Bounded: at most [`ORDERS`] orders (whoever asks for more waits, or is told)
//! and [`TEXT`] bytes of text (past that an answer's text is journaled no further; its end keeps it
//! whole all the same). Invariant: text is handed on in the order it came, before any order that was
//! given after it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::RequestId;

use super::order::{Order, Piece, Told};

/// Orders that may wait.
pub(super) const ORDERS: usize = 1024;

/// Bytes of text that may wait.
const TEXT: usize = 8 << 20;

/// Text alone is written at most so often, so that many small pieces are one write. What a kill at
/// the worst moment takes of an answer that is not over is what came within this.
const GATHER: Duration = Duration::from_millis(50);

/// The most orders taken at once, so that one commit stays short.
const BATCH: usize = 256;

/// An order on its way.
pub(super) struct Job {
    pub(super) order: Order,
    pub(super) told: Option<Told>,
    /// Room in the inbox, given back once the order is done.
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

/// Something that happened to an answer on its way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// More of it.
    More(Piece, String),
    /// What came before is void.
    Void,
}

/// What the writer takes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) notes: Vec<(RequestId, Note)>,
    pub(super) jobs: Vec<Job>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    notes: Vec<(RequestId, Note)>,
    /// The newest note of each answer.
    newest: HashMap<RequestId, usize>,
    bytes: usize,
    /// When something was taken last.
    taken: Option<Instant>,
    /// Answers journaled no further.
    cut: HashSet<RequestId>,
    closed: bool,
}

/// Shared by those who ask and the one who writes.
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    came: Condvar,
    room: Arc<Semaphore>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            came: Condvar::new(),
            room: Arc::new(Semaphore::new(ORDERS)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Room, if there is some now.
    pub(super) fn room_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Puts an order in. Gives it back when the writer is to end.
    pub(super) fn put(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(job);
        }
        if let Order::End(end) = &job.order {
            let id = end.begin.request.id;
            waiting.cut.remove(&id);
            // Its end keeps all of it.
            waiting.newest.remove(&id);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.came.notify_one();
        Ok(())
    }

    /// Journals a piece. Never waits.
    pub(super) fn more(&self, request: RequestId, piece: Piece, text: &str) {
        let mut waiting = self.lock();
        if waiting.closed || waiting.cut.contains(&request) {
            return;
        }
        if waiting.bytes + text.len() > TEXT {
            waiting.cut.insert(request);
            return;
        }
        waiting.bytes += text.len();
        let newest = waiting.newest.get(&request).copied();
        if let Some((_, Note::More(kind, so_far))) = newest.and_then(|at| waiting.notes.get_mut(at))
            && *kind == piece
        {
            so_far.push_str(text);
            return;
        }
        waiting.add(request, Note::More(piece, text.to_owned()));
        drop(waiting);
        self.came.notify_one();
    }

    /// What was journaled of an answer is void.
    pub(super) fn void(&self, request: RequestId) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.cut.remove(&request);
        waiting.add(request, Note::Void);
        drop(waiting);
        self.came.notify_one();
    }

    /// No more is taken; what is there is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_one();
    }

    /// Waits for something to write; `None` once it is closed and empty.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        loop {
            if !waiting.jobs.is_empty() {
                break;
            }
            if !waiting.notes.is_empty() {
                if waiting.closed {
                    break;
                }
                let rest =
                    waiting.taken.map_or(Duration::ZERO, |at| GATHER.saturating_sub(at.elapsed()));
                let gathered = self
                    .came
                    .wait_timeout_while(waiting, rest, |waiting| {
                        waiting.jobs.is_empty() && !waiting.closed
                    })
                    .unwrap_or_else(PoisonError::into_inner);
                waiting = gathered.0;
                break;
            }
            if waiting.closed {
                return None;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut batch = Batch::default();
        let count = waiting.jobs.len().min(BATCH);
        batch.jobs.extend(waiting.jobs.drain(..count));
        batch.notes = std::mem::take(&mut waiting.notes);
        waiting.newest.clear();
        waiting.bytes = 0;
        waiting.taken = Some(Instant::now());
        Some(batch)
    }
}

impl Waiting {
    fn add(&mut self, request: RequestId, note: Note) {
        self.notes.push((request, note));
        self.newest.insert(request, self.notes.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> RequestId {
        RequestId(Uuid::from_u128(n))
    }

    fn job(order: Order) -> Job {
        Job { order, told: None, _room: None }
    }

    #[test]
    fn pieces_of_one_answer_are_joined_and_stay_in_order() {
        let inbox = Inbox::new();
        for text in ["a", "b"] {
            inbox.more(id(1), Piece::Text, text);
            inbox.more(id(2), Piece::Reasoning, text);
        }
        inbox.more(id(2), Piece::Text, "c");
        inbox.void(id(1));
        inbox.more(id(1), Piece::Text, "d");
        let batch = inbox.take().unwrap();
        let more = |piece, text: &str| Note::More(piece, text.to_owned());
        assert_eq!(
            batch.notes,
            [
                (id(1), more(Piece::Text, "ab")),
                (id(2), more(Piece::Reasoning, "ab")),
                (id(2), more(Piece::Text, "c")),
                (id(1), Note::Void),
                (id(1), more(Piece::Text, "d")),
            ]
        );
    }

    #[test]
    fn text_that_nobody_writes_is_bounded() {
        let inbox = Inbox::new();
        let chunk = "x".repeat(1 << 20);
        for _ in 0..20 {
            inbox.more(id(1), Piece::Text, &chunk);
        }
        // Not a hole in the middle: after the first piece that is lost nothing more is taken.
        inbox.more(id(1), Piece::Text, "tail");
        let batch = inbox.take().unwrap();
        let [(_, Note::More(_, text))] = batch.notes.as_slice() else {
            panic!("{:?}", batch.notes)
        };
        assert!(text.len() <= TEXT && !text.contains("tail"));
    }

    #[tokio::test]
    async fn orders_beyond_the_bound_wait() {
        let inbox = Inbox::new();
        let mut held = Vec::new();
        while let Some(room) = inbox.room_now() {
            held.push(room);
        }
        assert_eq!(held.len(), ORDERS);
        let waits = inbox.room();
        tokio::pin!(waits);
        assert!(futures_util::poll!(&mut waits).is_pending());
        held.pop();
        assert!(waits.await.is_some());
    }

    #[test]
    fn closing_hands_on_what_is_there_and_takes_no_more() {
        let inbox = Inbox::new();
        assert!(inbox.put(job(Order::Flush)).is_ok());
        inbox.more(id(1), Piece::Text, "a");
        inbox.close();
        assert!(inbox.put(job(Order::Flush)).is_err());
        let batch = inbox.take().unwrap();
        assert_eq!((batch.jobs.len(), batch.notes.len()), (1, 1));
        assert!(inbox.take().is_none());
    }
}
