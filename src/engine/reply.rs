//! The reply stream from a request's task to its reader. Text is coalesced into one unread buffer,
//! so that a slow reader never slows the socket; dropping the reader cancels the request.
//!
//! Bounded: of figures that replace each other only the newest is kept unread, every event has a
//! weight, and what is unread is capped at [`MAX_UNREAD`]; past that the request is ended rather than
//! memory eaten.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::domain::{ReplyEvent, Usage};

use super::flight::Flight;

/// What an event takes besides its text, in bytes, about.
const EVENT: usize = 64;

/// What a reader may leave lying, in bytes. Larger than any answer a model gives; a reader
/// that is still behind it has stopped reading.
const MAX_UNREAD: usize = 64 << 20;

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<ReplyEvent>,
    unread: usize,
    ended: bool,
    abandoned: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    pushed: Notify,
    left: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reader's end. Dropping it cancels the request.
#[derive(Debug)]
pub struct ReplyStream(Arc<Shared>);

/// The request task's end.
#[derive(Debug)]
pub(super) struct ReplySink {
    shared: Arc<Shared>,
    /// Others who read the same answer.
    flight: OnceLock<Arc<Flight>>,
}

/// A connected pair.
pub(super) fn pair() -> (ReplySink, ReplyStream) {
    let shared = Arc::new(Shared::default());
    let sink = ReplySink { shared: Arc::clone(&shared), flight: OnceLock::new() };
    (sink, ReplyStream(shared))
}

impl ReplyStream {
    /// The next event; `None` after [`ReplyEvent::End`]. Safe to use in `select!`.
    pub async fn next(&mut self) -> Option<ReplyEvent> {
        loop {
            let pushed = self.0.pushed.notified();
            {
                let mut queue = self.0.lock();
                if let Some(event) = take(&mut queue) {
                    return Some(event);
                }
                if queue.ended {
                    return None;
                }
            }
            pushed.await;
        }
    }

    /// An event that is already there, without waiting.
    pub fn try_next(&mut self) -> Option<ReplyEvent> {
        take(&mut self.0.lock())
    }
}

fn take(queue: &mut Queue) -> Option<ReplyEvent> {
    let event = queue.events.pop_front()?;
    queue.unread = queue.unread.saturating_sub(weight(&event));
    Some(event)
}

fn weight(event: &ReplyEvent) -> usize {
    EVENT + text_weight(event)
}

fn text_weight(event: &ReplyEvent) -> usize {
    match event {
        ReplyEvent::Text(text) | ReplyEvent::Reasoning(text) => text.len(),
        ReplyEvent::ToolCall { arguments, .. } => arguments.len(),
        ReplyEvent::Routed(_)
        | ReplyEvent::Held { .. }
        | ReplyEvent::Attempt { .. }
        | ReplyEvent::AttemptEnded(_)
        | ReplyEvent::FirstToken { .. }
        | ReplyEvent::Seam(_)
        | ReplyEvent::Restart { .. }
        | ReplyEvent::Usage(_)
        | ReplyEvent::Verdict(_)
        | ReplyEvent::End(_) => 0,
    }
}

/// The figure of the running attempt that is still unread, to be replaced by a newer one.
fn unread_usage(events: &mut VecDeque<ReplyEvent>) -> Option<&mut Usage> {
    events
        .iter_mut()
        .rev()
        .take_while(|event| {
            matches!(
                event,
                ReplyEvent::Usage(_)
                    | ReplyEvent::Text(_)
                    | ReplyEvent::Reasoning(_)
                    | ReplyEvent::ToolCall { .. }
                    | ReplyEvent::FirstToken { .. }
            )
        })
        .find_map(|event| match event {
            ReplyEvent::Usage(usage) => Some(usage),
            _ => None,
        })
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        self.0.lock().abandoned = true;
        self.0.left.notify_waiters();
        self.0.left.notify_one();
    }
}

impl ReplySink {
    /// From here on others may read along, and the request goes on while any of them is there.
    pub(super) fn lead(&self, flight: Arc<Flight>) {
        // One leads once; a second flight would leave the followers of the first alone.
        let _led = self.flight.set(flight);
    }

    /// Tells only those who read along.
    pub(super) fn push_along(&self, event: &ReplyEvent) {
        if let Some(flight) = self.flight.get() {
            flight.push(event);
        }
    }

    /// Hands an event over. Text joins the text that is still unread.
    pub(super) fn push(&self, event: ReplyEvent) {
        self.push_along(&event);
        let mut queue = self.shared.lock();
        if queue.abandoned || queue.ended {
            return;
        }
        queue.ended = matches!(event, ReplyEvent::End(_));
        let joined = match (queue.events.back_mut(), &event) {
            (Some(ReplyEvent::Text(last)), ReplyEvent::Text(text))
            | (Some(ReplyEvent::Reasoning(last)), ReplyEvent::Reasoning(text)) => {
                last.push_str(text);
                true
            }
            (_, ReplyEvent::Usage(newest)) => match unread_usage(&mut queue.events) {
                Some(held) => {
                    *held = *newest;
                    true
                }
                None => false,
            },
            _ => false,
        };
        if joined {
            queue.unread += text_weight(&event);
        } else {
            queue.unread += weight(&event);
            queue.events.push_back(event);
        }
        if queue.unread > MAX_UNREAD {
            queue.abandoned = true;
            self.shared.left.notify_one();
        }
        drop(queue);
        self.shared.pushed.notify_one();
    }

    /// The last reader has gone. Nobody can read along any more once this was said.
    pub(super) fn abandoned(&self) -> bool {
        self.shared.lock().abandoned && self.flight.get().is_none_or(|flight| flight.deserted())
    }

    /// Resolves when the last reader goes. Safe to use in `select!`.
    pub(super) async fn left(&self) {
        loop {
            let own = self.shared.left.notified();
            let along = self.flight.get().map(|flight| flight.left());
            if self.abandoned() {
                return;
            }
            match along {
                None => own.await,
                Some(along) => tokio::select! {
                    () = own => {}
                    () = along => {}
                },
            }
        }
    }
}

impl Drop for ReplySink {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.pushed.notify_one();
        if let Some(flight) = self.flight.get() {
            flight.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unread_text_is_one_event_and_nothing_is_lost() {
        let (sink, mut stream) = pair();
        for n in 0..1000 {
            sink.push(ReplyEvent::Text(n.to_string()));
        }
        drop(sink);
        let Some(ReplyEvent::Text(text)) = stream.next().await else { panic!("no text") };
        assert_eq!(text, (0..1000).map(|n| n.to_string()).collect::<String>());
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn kinds_of_text_are_kept_apart_and_in_order() {
        let (sink, mut stream) = pair();
        sink.push(ReplyEvent::Reasoning("hm".into()));
        sink.push(ReplyEvent::Text("a".into()));
        sink.push(ReplyEvent::Text("b".into()));
        sink.push(ReplyEvent::Reasoning("oh".into()));
        assert_eq!(stream.next().await, Some(ReplyEvent::Reasoning("hm".into())));
        assert_eq!(stream.next().await, Some(ReplyEvent::Text("ab".into())));
        assert_eq!(stream.next().await, Some(ReplyEvent::Reasoning("oh".into())));
    }

    #[tokio::test]
    async fn usage_in_every_chunk_is_one_unread_figure_and_text_still_joins() {
        let (sink, mut stream) = pair();
        for n in 0..1000 {
            sink.push(ReplyEvent::Text("x".into()));
            sink.push(ReplyEvent::Usage(Usage { output: n, ..Usage::default() }));
        }
        drop(sink);
        let (mut text, mut last, mut events) = (0, 0, 0);
        while let Some(event) = stream.next().await {
            events += 1;
            match event {
                ReplyEvent::Text(more) => text += more.len(),
                ReplyEvent::Usage(usage) => last = usage.output,
                _ => {}
            }
        }
        assert_eq!((text, last, events), (1000, 999, 3));
    }

    #[tokio::test]
    async fn many_small_events_nobody_reads_end_the_request_too() {
        let (sink, _stream) = pair();
        for _ in 0..=(MAX_UNREAD / EVENT) {
            sink.push(ReplyEvent::Restart { why: String::new() });
        }
        assert!(sink.abandoned());
    }

    #[tokio::test]
    async fn dropping_the_reader_is_seen_by_the_writer() {
        let (sink, stream) = pair();
        assert!(!sink.abandoned());
        let waiting = tokio::spawn(async move {
            sink.left().await;
            sink.abandoned()
        });
        drop(stream);
        assert!(waiting.await.unwrap());
    }
}
