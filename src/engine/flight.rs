//! A call that several requests share: whoever asks the same while it runs reads along, from the
//! beginning of what there is. Knows nothing of keys or models; the table of flights is the shelf's.
//!
//! Invariant: every follower gets every event in order, or finds its stream ended; the leader goes on
//! as long as anybody reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::domain::{ReaderKind, ReplyEvent};

use super::reply::{self, ReplySink, ReplyStream};

/// A shared call.
#[derive(Debug, Default)]
pub(super) struct Flight {
    inner: Mutex<Inner>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// What was said so far and still holds, text joined to text.
    past: Vec<ReplyEvent>,
    followers: Vec<(u64, ReplySink)>,
    next: u64,
    closed: bool,
}

/// A place in a flight. Dropping it leaves.
#[derive(Debug)]
pub(super) struct Follower {
    flight: Arc<Flight>,
    number: u64,
    stream: ReplyStream,
}

/// What somebody who wants to read along already has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Has<'a> {
    pub(super) text: &'a str,
    pub(super) reasoning: &'a str,
    pub(super) reader: ReaderKind,
}

impl Flight {
    /// One whose leader's reader already has this.
    pub(super) fn from(has: Has<'_>) -> Arc<Self> {
        let flight = Self::default();
        if !has.reasoning.is_empty() {
            flight.push(&ReplyEvent::Reasoning(has.reasoning.to_owned()));
        }
        if !has.text.is_empty() {
            flight.push(&ReplyEvent::Text(has.text.to_owned()));
        }
        Arc::new(flight)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads along. `None` when it has ended badly, or when what is there does not go on from what
    /// the reader already has and cannot take back.
    pub(super) fn join(self: &Arc<Self>, has: Has<'_>) -> Option<Follower> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        let (sink, stream) = reply::pair();
        for event in catch_up(&inner.past, has)? {
            sink.push(event);
        }
        let number = inner.next;
        inner.next += 1;
        inner.followers.push((number, sink));
        Some(Follower { flight: Arc::clone(self), number, stream })
    }

    /// Tells the followers, and those to come.
    pub(super) fn push(&self, event: &ReplyEvent) {
        let mut inner = self.lock();
        for (_, sink) in &inner.followers {
            sink.push(event.clone());
        }
        remember(&mut inner.past, event);
    }

    /// Nobody reads along; and nobody will.
    pub(super) fn deserted(&self) -> bool {
        let mut inner = self.lock();
        if inner.followers.is_empty() {
            inner.closed = true;
        }
        inner.closed
    }

    /// Resolves when a follower leaves.
    pub(super) fn left(&self) -> Notified<'_> {
        self.left.notified()
    }

    /// The leader has gone: the followers' streams end after what they have not read yet.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.followers.clear();
    }
}

impl Follower {
    /// The next event; `None` when the leader is gone. Safe to use in `select!`.
    pub(super) async fn next(&mut self) -> Option<ReplyEvent> {
        self.stream.next().await
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let gone = {
            let mut inner = self.flight.lock();
            let at = inner.followers.iter().position(|(number, _)| *number == self.number);
            at.map(|at| inner.followers.swap_remove(at))
        };
        drop(gone);
        self.flight.left.notify_waiters();
        self.flight.left.notify_one();
    }
}

fn remember(past: &mut Vec<ReplyEvent>, event: &ReplyEvent) {
    // A figure that is replaced from time to time does not keep text from joining text.
    let recent = past.len().saturating_sub(2);
    match event {
        ReplyEvent::Text(text) => {
            if let Some(ReplyEvent::Text(last)) = newest(past) {
                last.push_str(text);
                return;
            }
        }
        ReplyEvent::Reasoning(text) => {
            if let Some(ReplyEvent::Reasoning(last)) = newest(past) {
                last.push_str(text);
                return;
            }
        }
        ReplyEvent::Usage(usage) => {
            let held = past[recent..].iter_mut().find_map(|event| match event {
                ReplyEvent::Usage(held) => Some(held),
                _ => None,
            });
            if let Some(held) = held {
                *held = *usage;
                return;
            }
        }
        // Whoever comes later never had what is void now.
        ReplyEvent::Restart { .. } => {
            past.retain(|event| matches!(event, ReplyEvent::Attempt { .. }));
            return;
        }
        // Only the newest matters.
        ReplyEvent::Attempt { .. } => past.retain(|e| !matches!(e, ReplyEvent::Attempt { .. })),
        // Each request has its own.
        ReplyEvent::Routed(_)
        | ReplyEvent::Held { .. }
        | ReplyEvent::AttemptEnded(_)
        | ReplyEvent::FirstToken { .. } => {
            return;
        }
        ReplyEvent::ToolCall { .. }
        | ReplyEvent::Seam(_)
        | ReplyEvent::Verdict(_)
        | ReplyEvent::End(_) => {}
    }
    past.push(event.clone());
}

/// The newest event but for a figure.
fn newest(past: &mut [ReplyEvent]) -> Option<&mut ReplyEvent> {
    past.iter_mut().rev().take(2).find(|event| !matches!(event, ReplyEvent::Usage(_)))
}

/// What of the past is news to somebody who already has this.
fn catch_up(past: &[ReplyEvent], has: Has<'_>) -> Option<Vec<ReplyEvent>> {
    if has.text.is_empty() && has.reasoning.is_empty() {
        return Some(past.to_vec());
    }
    let text: String = past
        .iter()
        .filter_map(|event| match event {
            ReplyEvent::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if !text.starts_with(has.text) {
        let restart = ReplyEvent::Restart { why: "asked anew".to_owned() };
        return (has.reader == ReaderKind::Replaceable)
            .then(|| std::iter::once(restart).chain(past.iter().cloned()).collect());
    }
    let mut skip = has.text.len();
    let mut news = Vec::new();
    for event in past {
        match event {
            ReplyEvent::Text(text) if skip >= text.len() => skip -= text.len(),
            ReplyEvent::Text(text) => {
                news.push(ReplyEvent::Text(text[skip..].to_owned()));
                skip = 0;
            }
            ReplyEvent::Reasoning(_) | ReplyEvent::Seam(_) if skip > 0 => {}
            // It has its own thinking to the same text.
            ReplyEvent::Reasoning(_) if !has.reasoning.is_empty() => {}
            other => news.push(other.clone()),
        }
    }
    Some(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Has<'_> = Has { text: "", reasoning: "", reader: ReaderKind::AppendOnly };

    fn text(text: &str) -> ReplyEvent {
        ReplyEvent::Text(text.to_owned())
    }

    fn drain(follower: &mut Follower) -> Vec<ReplyEvent> {
        std::iter::from_fn(|| follower.stream.try_next()).collect()
    }

    #[test]
    fn who_comes_late_gets_what_was_and_then_what_comes() {
        let flight = Flight::from(NOTHING);
        flight.push(&text("a"));
        flight.push(&text("b"));
        let mut late = flight.join(NOTHING).unwrap();
        flight.push(&text("c"));
        assert_eq!(drain(&mut late), [text("abc")]);
    }

    #[test]
    fn who_comes_after_a_restart_never_sees_what_was_void() {
        let flight = Flight::from(NOTHING);
        flight.push(&text("wrong"));
        flight.push(&ReplyEvent::Restart { why: "broke".into() });
        flight.push(&text("right"));
        assert_eq!(drain(&mut flight.join(NOTHING).unwrap()), [text("right")]);
    }

    #[test]
    fn what_is_remembered_does_not_grow_with_the_number_of_pieces() {
        let flight = Flight::from(NOTHING);
        for n in 0..1000 {
            flight.push(&text("x"));
            let usage = crate::domain::Usage { output: n, ..Default::default() };
            flight.push(&ReplyEvent::Usage(usage));
        }
        let events = drain(&mut flight.join(NOTHING).unwrap());
        assert_eq!(events[0], text(&"x".repeat(1000)));
        assert!(matches!(events[1..], [ReplyEvent::Usage(usage)] if usage.output == 999));
    }

    #[test]
    fn who_has_part_of_it_gets_only_the_rest() {
        let flight = Flight::from(Has { text: "one two", ..NOTHING });
        flight.push(&text(" three"));
        let mut has_all = flight.join(Has { text: "one two", ..NOTHING }).unwrap();
        let mut has_less = flight.join(Has { text: "one", ..NOTHING }).unwrap();
        assert_eq!(drain(&mut has_all), [text(" three")]);
        assert_eq!(drain(&mut has_less), [text(" two three")]);
    }

    #[test]
    fn other_text_is_taken_back_or_not_joined() {
        let flight = Flight::from(Has { text: "one", ..NOTHING });
        let other = Has { text: "eins", ..NOTHING };
        assert!(flight.join(other).is_none());
        let mut joined = flight.join(Has { reader: ReaderKind::Replaceable, ..other }).unwrap();
        let events = drain(&mut joined);
        assert!(matches!(events[0], ReplyEvent::Restart { .. }));
        assert_eq!(events[1..], [text("one")]);
    }

    #[tokio::test]
    async fn a_leader_goes_on_until_its_last_reader_leaves() {
        let (sink, stream) = reply::pair();
        let flight = Flight::from(NOTHING);
        sink.lead(Arc::clone(&flight));
        let first = flight.join(NOTHING).unwrap();
        let second = flight.join(NOTHING).unwrap();
        drop(stream);
        assert!(!sink.abandoned());
        drop(first);
        assert!(!sink.abandoned());
        drop(second);
        sink.left().await;
        assert!(sink.abandoned());
        assert!(flight.join(NOTHING).is_none(), "a call that is being stopped is not joined");
    }

    #[tokio::test]
    async fn when_the_leader_vanishes_its_followers_hear_of_it() {
        let (sink, _stream) = reply::pair();
        let flight = Flight::from(NOTHING);
        sink.lead(Arc::clone(&flight));
        let mut follower = flight.join(NOTHING).unwrap();
        sink.push(text("half"));
        drop(sink);
        assert_eq!(follower.next().await, Some(text("half")));
        assert_eq!(follower.next().await, None);
    }
}
