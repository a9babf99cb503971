//! Reading along with somebody who asks the same: the answer as it streams, at no cost. Where the
//! leader comes to nothing, the reader goes on from what it has; one of them asks again, and the
//! others read along once more, so that a failure is not multiplied.

use crate::cache::{CacheKey, Count, Why};
use crate::config::Config;
use crate::domain::{Cost, ErrorReport, Finish, Outcome, OutcomeClass, ReaderKind, ReplyEvent};

use crate::route::Written;

use super::super::attempt::millis;
use super::super::flight::Follower;
use super::super::shelf::From;
use super::wanted::Wanted;
use super::{Run, State};

/// How often a request may read along in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It would try again.
    More,
    /// What the leader comes to is what it comes to.
    Last,
}

impl Run {
    /// Reads along to the end. `None` when it has to go on by itself.
    pub(super) async fn follow(
        &self,
        config: &Config,
        wanted: &Wanted,
        (key, mut leader): (CacheKey, Follower),
        patience: Patience,
        state: &mut State,
    ) -> Option<Outcome> {
        let mut written = Written::of(&state.reply.text);
        // Whoever leads is the one who pays.
        self.record.waits();
        loop {
            let event = tokio::select! {
                biased;
                () = self.sink.left() => {
                    let stopped =
                        ErrorReport::new(OutcomeClass::Cancelled, "cancelled", "stopped");
                    return Some(self.failed(state, stopped));
                }
                () = tokio::time::sleep_until(state.deadline) => return None,
                event = leader.next() => event?,
            };
            match event {
                ReplyEvent::Attempt { model, provider, .. } => {
                    if !wanted.follows(&model) {
                        // An answer of that model is not one to this request.
                        return None;
                    }
                    let id = config.models.get(&model).map(|model| model.id.clone());
                    state.last = Some((model, provider, id.unwrap_or_default()));
                }
                ReplyEvent::Text(ref text) => {
                    written.add(text);
                    let since = millis(state.started.elapsed());
                    state.first_text_ms.get_or_insert(since);
                    self.tell(state, event);
                    state.written = written.tokens(|_| 1.0);
                }
                ReplyEvent::Reasoning(_)
                | ReplyEvent::ToolCall { .. }
                | ReplyEvent::Seam(_)
                | ReplyEvent::Verdict(_) => self.tell(state, event),
                ReplyEvent::Usage(_) | ReplyEvent::Held { .. } => self.sink.push(event),
                ReplyEvent::Restart { .. } if self.request.reader == ReaderKind::Replaceable => {
                    (state.written, written) = (0, Written::default());
                    self.tell(state, event);
                }
                ReplyEvent::Restart { .. } if !state.reply.text.is_empty() => return None,
                ReplyEvent::Restart { .. }
                | ReplyEvent::Routed(_)
                | ReplyEvent::AttemptEnded(_)
                | ReplyEvent::FirstToken { .. } => {}
                ReplyEvent::End(outcome) => {
                    return self.landed(key, *outcome, patience, state);
                }
            }
        }
    }

    /// The leader's request is over.
    fn landed(
        &self,
        key: CacheKey,
        leader: Outcome,
        patience: Patience,
        state: &mut State,
    ) -> Option<Outcome> {
        if leader.finish == Finish::Cancelled {
            return None;
        }
        let answered = leader.finish.answered();
        if !answered && patience == Patience::More {
            return None;
        }
        if answered {
            state.why = Some(Why::Shared(key));
            let saved = leader.answer_cost.unwrap_or(leader.cost);
            self.shared.shelf.count_hit(From::Flight, saved);
            if let Some(remote) = self.shared.shelf.remote() {
                remote.count_aside(&self.shared, Count { hits: 1, saved: saved.amount });
            }
        }
        Some(Outcome {
            cost: Cost::ZERO,
            wait_ms: state.first_text_ms,
            ttft_ms: state.first_text_ms,
            total_ms: millis(state.started.elapsed()),
            cached: answered.then(|| "shared".to_owned()),
            cache_note: None,
            ..leader
        })
    }
}
