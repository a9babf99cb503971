//! What an attempt gave: its pieces on the way to the reader, and its account once it is over.

use std::time::Duration;

use crate::config::{Model, Provider};
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, ErrorReport, FirstToken, OutcomeClass, ReaderKind,
    ReplyEvent, Seam, Stamps, UnixMs,
};
use crate::route::Observation;
use crate::wire::Frame;

use super::super::account::{self, Reached, Size};
use super::super::actor::ToActor;
use super::super::attempt::{Ended, Pieces, millis};
use super::super::drill;
use super::super::join::{Ending, Joined, Joiner};
use super::{Run, STARTS_OVER, State};

/// A code of ours: another model was quicker.
pub(in crate::engine) const OUTRUN: &str = "outrun";

/// An attempt as it was made.
pub(super) struct Made<'a> {
    pub(super) id: AttemptId,
    /// When it was sent: the prices of this moment are its prices.
    pub(super) at: UnixMs,
    pub(super) provider: &'a Provider,
    pub(super) model: &'a Model,
    /// Its number within the request, from 1.
    pub(super) n: u32,
    pub(super) kind: AttemptKind,
    /// Milliseconds from the request's arrival.
    pub(super) started_ms: u64,
    /// Waited on purpose before it.
    pub(super) waited: Duration,
}

impl Run {
    /// Accounts for an attempt that is over and tells everybody.
    pub(super) async fn settle(
        &self,
        state: &mut State,
        made: &Made<'_>,
        ended: Option<&Ended>,
        error: Option<&ErrorReport>,
    ) {
        let model = made.model;
        let size = Size {
            reported: ended.and_then(|ended| ended.usage),
            reported_cost: ended.and_then(|ended| ended.reported_cost.clone()),
            input_estimate: state
                .reply
                .decision
                .as_ref()
                .and_then(|decision| decision.candidate(model.name.as_str()))
                .map_or(0, |candidate| candidate.estimate.input_tokens),
            output_chars: ended.map_or(0, |ended| ended.chars),
            reached: ended.map_or(Reached::Refused, |ended| ended.reached),
        };
        let (usage, cost) = account::bill(model, made.at, &size);
        self.shared.purse.settle(made.id, cost);
        state.cost = state.cost + cost;
        let outrun = error.is_some_and(|error| error.code == OUTRUN);
        let stamps = ended.map(|ended| ended.stamps).unwrap_or_default();
        let took = ended.map_or(Duration::ZERO, |ended| ended.took);
        if error.is_none() || (size.output_chars > 0 && !outrun) {
            state.usage = state.usage + usage;
            state.written += usage.output.saturating_sub(usage.reasoning);
            self.tell(state, ReplyEvent::Usage(state.usage));
        }
        if error.is_none() {
            state.ttft_ms = stamps.first_text.or(stamps.first_reasoning);
            if let Some(answered_as) = ended.and_then(|ended| ended.answered_as.clone())
                && let Some(last) = &mut state.last
            {
                last.2 = answered_as;
            }
        }
        let report = AttemptReport {
            id: made.id,
            n: made.n,
            model: model.name.clone(),
            provider: made.provider.name.clone(),
            kind: made.kind,
            outcome: error.map(|error| error.class),
            status: ended.and_then(|ended| ended.status),
            started_ms: made.started_ms,
            waited_ms: millis(made.waited),
            stamps,
            ms: millis(took),
            usage,
            cost,
            detail: drill::mark(
                ended.and_then(|ended| ended.drill),
                error.map_or_else(|| "answered".to_owned(), |error| error.message.clone()),
            ),
        };
        self.tell(state, ReplyEvent::AttemptEnded(Box::new(report.clone())));
        let streaming_ms = match (stamps.first_text.or(stamps.first_reasoning), stamps.last) {
            (Some(first), Some(last)) => last.saturating_sub(first),
            _ => 0,
        };
        // A cut that the provider made without a word counts against it.
        let counts_as = error.map(|error| match error.class {
            OutcomeClass::Truncation if error.code == super::QUIET_CUT => OutcomeClass::Provider,
            class => class,
        });
        let observation = Observation::Ended {
            outcome: counts_as,
            total_ms: millis(took),
            output_tokens: usage.output,
            streaming_ms,
            gap_ms: ended.filter(|_| streaming_ms > 0).map(|ended| millis(ended.longest_gap)),
            retry_after_ms: error.and_then(|error| error.retry_after_ms),
            detail: error.map(|error| error.message.clone()).unwrap_or_default(),
        };
        self.shared
            .tell(ToActor::AttemptEnded {
                request: self.request.id,
                report: Box::new(report),
                observation,
                error: error.cloned().map(Box::new),
                limits: ended.map(|ended| ended.limits.clone()).unwrap_or_default(),
            })
            .await;
    }
}

/// What the reader is told when the first piece of an attempt takes over from what it already has.
#[derive(Debug)]
pub(super) enum TakesOver {
    /// There was nothing to take over from.
    Nothing,
    /// It goes on from there.
    At(Seam),
    /// It starts over; why, for people.
    Restart(String),
}

/// Hands an attempt's pieces to the reader.
pub(super) struct ToReader<'a> {
    run: &'a Run,
    state: &'a mut State,
    joiner: Option<Joiner>,
    takes_over: TakesOver,
    provider: &'a Provider,
    model: &'a Model,
    first: Option<FirstToken>,
}

impl<'a> ToReader<'a> {
    pub(super) fn new(
        run: &'a Run,
        state: &'a mut State,
        (joiner, takes_over): (Option<Joiner>, TakesOver),
        provider: &'a Provider,
        model: &'a Model,
    ) -> Self {
        Self { run, state, joiner, takes_over, provider, model, first: None }
    }

    /// Another model was quicker: the pieces are its from here on.
    pub(super) fn outrun_by(&mut self, provider: &'a Provider, model: &'a Model) {
        (self.provider, self.model, self.first) = (provider, model, None);
        if !self.state.reply.reasoning.is_empty() {
            self.takes_over = TakesOver::Restart(format!("{} was quicker", model.name));
        }
    }

    /// The attempt is over: gives what the joiner still holds.
    pub(super) fn finish(&mut self, ending: Ending) -> Result<(), ErrorReport> {
        match self.joiner.as_mut().map(|joiner| joiner.finish(ending)) {
            Some(Joined::StartsOver) => Err(starts_over()),
            Some(Joined::Text(text)) => {
                self.show(text);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What was held back until there was something to take over with.
    fn take_over(&mut self) {
        match std::mem::replace(&mut self.takes_over, TakesOver::Nothing) {
            TakesOver::Nothing => {}
            TakesOver::At(seam) => self.run.tell(self.state, ReplyEvent::Seam(seam)),
            TakesOver::Restart(why) if self.run.request.reader == ReaderKind::Replaceable => {
                self.state.written = 0;
                self.state.afresh = false;
                self.run.tell(self.state, ReplyEvent::Restart { why });
            }
            TakesOver::Restart(_) => {}
        }
    }

    fn show(&mut self, text: String) {
        if !text.is_empty() {
            self.take_over();
            self.run.tell(self.state, ReplyEvent::Text(text));
        }
    }

    fn first(&mut self, what: FirstToken, stamps: &Stamps) {
        if self.first == Some(FirstToken::Text) || self.first == Some(what) {
            return;
        }
        self.first = Some(what);
        let ms = match what {
            FirstToken::Reasoning => stamps.first_reasoning,
            FirstToken::Text => stamps.first_text,
        }
        .unwrap_or(0);
        self.run.tell(self.state, ReplyEvent::FirstToken { what, ms });
        if what == FirstToken::Text {
            let since = millis(self.state.started.elapsed());
            self.state.first_text_ms.get_or_insert(since);
            self.run.shared.tell_now(ToActor::Observe {
                provider: self.provider.name.clone(),
                model: self.model.name.clone(),
                observation: Observation::FirstToken { ttft_ms: ms },
            });
        }
    }
}

/// The model gives another answer from its beginning.
fn starts_over() -> ErrorReport {
    ErrorReport::new(
        OutcomeClass::Truncation,
        STARTS_OVER,
        "it began another answer instead of going on",
    )
}

impl Pieces for ToReader<'_> {
    fn piece(&mut self, frame: Frame, stamps: &Stamps) -> Result<(), ErrorReport> {
        match frame {
            Frame::Text(text) => {
                self.first(FirstToken::Text, stamps);
                let text = match self.joiner.as_mut().map(|joiner| joiner.push(&text)) {
                    Some(Joined::StartsOver) => return Err(starts_over()),
                    Some(Joined::Text(text)) => text,
                    None => text,
                };
                self.show(text);
            }
            Frame::Reasoning(text) => {
                self.first(FirstToken::Reasoning, stamps);
                if self.state.reply.text.is_empty() {
                    self.take_over();
                }
                self.run.tell(self.state, ReplyEvent::Reasoning(text));
            }
            Frame::ToolCall { index, id, name, arguments } => {
                self.first(FirstToken::Text, stamps);
                self.take_over();
                self.run.tell(self.state, ReplyEvent::ToolCall { index, id, name, arguments });
            }
            Frame::Usage { usage, .. } => {
                let so_far = self.state.usage + usage;
                self.run.sink.push(ReplyEvent::Usage(so_far));
            }
            Frame::Restarted => {
                if self.run.request.reader == ReaderKind::Replaceable {
                    let why = "the provider started its answer over".to_owned();
                    self.run.tell(self.state, ReplyEvent::Restart { why });
                } else if !self.state.reply.text.is_empty() {
                    return Err(starts_over());
                }
            }
            Frame::Started { .. }
            | Frame::KeepAlive
            | Frame::ReasoningSignature(_)
            | Frame::Finish { .. }
            | Frame::Error(_)
            | Frame::Malformed(_)
            | Frame::Done => {}
        }
        Ok(())
    }
}
