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

impl Note {
    fn bytes(&self) -> usize {
        match self {
            Self::More(_, text) => text.len(),
            Self::Void => 0,
        }
    }
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

/// What came of waiting for something to write.
pub(super) enum Taken {
    /// This.
    Batch(Batch),
    /// Nothing: what could not be written is to be tried again.
    Due,
    /// It is closed, and nothing is left but what could not be written.
    Closed,
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

    /// Waits for something to write. While what came before could not be written and is tried again at
    /// a moment, text stays where it is: it belongs behind that.
    pub(super) fn take(&self, again: Option<Instant>) -> Taken {
        let mut waiting = self.lock();
        loop {
            if !waiting.jobs.is_empty() {
                break;
            }
            if let Some(again) = again {
                let now = Instant::now();
                if waiting.closed {
                    return Taken::Closed;
                }
                if now >= again {
                    return Taken::Due;
                }
                let waited = self.came.wait_timeout(waiting, again - now);
                waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
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
                return Taken::Closed;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut batch = Batch::default();
        let count = waiting.jobs.len().min(BATCH);
        batch.jobs.extend(waiting.jobs.drain(..count));
        if again.is_none() {
            batch.notes = waiting.take_notes();
            waiting.taken = Some(Instant::now());
        }
        Taken::Batch(batch)
    }

    /// The text that waits, whatever waits before it: for the end.
    pub(super) fn notes(&self) -> Vec<(RequestId, Note)> {
        self.lock().take_notes()
    }

    /// These answers are over, and their ends keep all of them though they cannot be written yet.
    pub(super) fn ended(&self, requests: &[RequestId]) {
        if requests.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for (request, note) in waiting.take_notes() {
            if !requests.contains(&request) {
                waiting.bytes += note.bytes();
                waiting.add(request, note);
            }
        }
    }

    /// Puts text back that could not be written, in front of what came since.
    pub(super) fn give_back(&self, notes: Vec<(RequestId, Note)>) {
        let mut waiting = self.lock();
        let since = std::mem::replace(&mut waiting.notes, notes);
        let before = waiting.notes.len();
        waiting.bytes += waiting.notes.iter().map(|(_, note)| note.bytes()).sum::<usize>();
        for at in waiting.newest.values_mut() {
            *at += before;
        }
        waiting.notes.extend(since);
    }
}

impl Waiting {
    fn take_notes(&mut self) -> Vec<(RequestId, Note)> {
        self.newest.clear();
        self.bytes = 0;
        std::mem::take(&mut self.notes)
    }

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

    fn take(inbox: &Inbox) -> Batch {
        match inbox.take(None) {
            Taken::Batch(batch) => batch,
            Taken::Due | Taken::Closed => panic!("nothing came"),
        }
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
        let batch = take(&inbox);
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
        let batch = take(&inbox);
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
        let batch = take(&inbox);
        assert_eq!((batch.jobs.len(), batch.notes.len()), (1, 1));
        assert!(matches!(inbox.take(None), Taken::Closed));
    }

    #[test]
    fn text_waits_behind_what_could_not_be_written_and_comes_back_in_its_place() {
        let inbox = Inbox::new();
        let more = |text: &str| Note::More(Piece::Text, text.to_owned());
        inbox.more(id(1), Piece::Text, "a");
        let failed = take(&inbox);
        inbox.more(id(1), Piece::Text, "b");
        inbox.give_back(failed.notes);
        inbox.more(id(1), Piece::Text, "c");
        let past = Some(Instant::now());
        assert!(matches!(inbox.take(past), Taken::Due));
        assert!(inbox.put(job(Order::Flush)).is_ok());
        let Taken::Batch(batch) = inbox.take(past) else { panic!("an order was there") };
        assert_eq!((batch.jobs.len(), batch.notes.len()), (1, 0));
        assert_eq!(take(&inbox).notes, [(id(1), more("a")), (id(1), more("bc"))]);
        inbox.close();
        assert!(matches!(inbox.take(past), Taken::Closed));
    }
}
