//! The way of an attempt's pieces to the reader: where they take over from what the reader has, how
//! they are joined to it, and whose answer it is from then on.
//!
//! Must not know: sockets, prices, what comes after the attempt. Invariants: the reader keeps what it
//! has until there is a word to put in its place; what an attempt takes back is only its own; blanks
//! alone are never shown.

use crate::config::{Model, Provider};
use crate::domain::{
    ErrorReport, FirstToken, ModelName, OutcomeClass, ProviderName, ReaderKind, ReplyEvent, Seam,
    Stamps,
};
use crate::route::Observation;
use crate::wire::Frame;

use super::super::actor::ToActor;
use super::super::attempt::{Pieces, millis};
use super::super::join::{Ending, Joined, Joiner};
use super::{Run, STARTS_OVER, State, Stopped};

/// What the reader is told when the first piece of an attempt takes over from what it already has.
#[derive(Debug, Clone)]
pub(super) enum TakesOver {
    /// There was nothing to take over from.
    Nothing,
    /// It goes on from there.
    At(Seam),
    /// It starts over; why, for people.
    Restart(String),
}

/// What of this attempt the reader has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    Thinking,
    Answer,
}

/// What a continuation goes on from, so that it can be begun again.
struct Before {
    text: String,
    reasoning: String,
    seams: Vec<Seam>,
    last: Option<(ModelName, ProviderName, String)>,
    takes_over: TakesOver,
}

/// Hands an attempt's pieces to the reader.
pub(super) struct ToReader<'a> {
    run: &'a Run,
    state: &'a mut State,
    joiner: Option<(Joiner, Before)>,
    takes_over: TakesOver,
    provider: &'a Provider,
    model: &'a Model,
    first: Option<FirstToken>,
    shown: Shown,
    /// Blanks that came before the first word.
    blanks: String,
    /// Thinking that came while the reader still keeps an answer this attempt is to replace.
    thinking: String,
}

impl<'a> ToReader<'a> {
    pub(super) fn new(
        run: &'a Run,
        state: &'a mut State,
        (joiner, takes_over): (Option<Joiner>, TakesOver),
        provider: &'a Provider,
        model: &'a Model,
    ) -> Self {
        let joiner = joiner.map(|joiner| {
            let before = Before {
                text: state.reply.text.clone(),
                reasoning: state.reply.reasoning.clone(),
                seams: state.reply.seams.clone(),
                last: state.last.clone(),
                takes_over: takes_over.clone(),
            };
            (joiner, before)
        });
        Self {
            run,
            state,
            joiner,
            takes_over,
            provider,
            model,
            first: None,
            shown: Shown::Nothing,
            blanks: String::new(),
            thinking: String::new(),
        }
    }

    /// Another model was quicker: the pieces are its from here on.
    pub(super) fn outrun_by(&mut self, provider: &'a Provider, model: &'a Model) {
        (self.provider, self.model, self.first) = (provider, model, None);
        self.blanks.clear();
        self.thinking.clear();
        if !self.state.reply.reasoning.is_empty() {
            self.takes_over = TakesOver::Restart(format!("{} was quicker", model.name));
        }
    }

    /// The attempt is over: gives what the joiner still holds.
    pub(super) fn finish(&mut self, ending: Ending) -> Result<(), ErrorReport> {
        match self.joiner.as_mut().map(|(joiner, _)| joiner.finish(ending)) {
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
            TakesOver::Restart(why) if self.replaceable() => {
                self.state.written = 0;
                self.state.afresh = false;
                self.run.tell(self.state, ReplyEvent::Restart { why });
            }
            TakesOver::Restart(_) => {}
        }
        if !self.thinking.is_empty() {
            let thinking = std::mem::take(&mut self.thinking);
            self.run.tell(self.state, ReplyEvent::Reasoning(thinking));
        }
    }

    fn replaceable(&self) -> bool {
        self.run.request.reader == ReaderKind::Replaceable
    }

    fn show(&mut self, mut text: String) {
        if self.shown != Shown::Answer {
            if text.trim().is_empty() {
                self.blanks.push_str(&text);
                return;
            }
            self.answers();
            text.insert_str(0, &std::mem::take(&mut self.blanks));
        }
        if !text.is_empty() {
            self.run.tell(self.state, ReplyEvent::Text(text));
        }
    }

    /// The answer is this model's from here on.
    fn answers(&mut self) {
        self.take_over();
        if self.shown != Shown::Answer {
            self.shown = Shown::Answer;
            let (provider, model) = (self.provider, self.model);
            self.state.last = Some((model.name.clone(), provider.name.clone(), model.id.clone()));
            self.state.stopped = Stopped::Unmarked;
        }
    }

    /// The provider began its message again: what came of it is void.
    fn restarted(&mut self) -> Result<(), ErrorReport> {
        self.blanks.clear();
        self.thinking.clear();
        if let Some((joiner, _)) = &mut self.joiner {
            joiner.start_again();
        }
        match (self.shown, self.replaceable()) {
            (Shown::Nothing, _) | (Shown::Thinking, false) => return Ok(()),
            (Shown::Answer, false) => return Err(starts_over()),
            (Shown::Thinking | Shown::Answer, true) => {}
        }
        self.shown = Shown::Nothing;
        let why = "the provider started its answer over".to_owned();
        self.run.tell(self.state, ReplyEvent::Restart { why });
        let Some((_, before)) = &self.joiner else {
            self.state.written = 0;
            return Ok(());
        };
        // Only what this attempt added is void.
        if !before.reasoning.is_empty() {
            self.run.tell(self.state, ReplyEvent::Reasoning(before.reasoning.clone()));
        }
        self.run.tell(self.state, ReplyEvent::Text(before.text.clone()));
        for seam in &before.seams {
            self.run.tell(self.state, ReplyEvent::Seam(seam.clone()));
        }
        self.state.last.clone_from(&before.last);
        self.takes_over = before.takes_over.clone();
        Ok(())
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
                if stamps.first_text.is_some() {
                    self.first(FirstToken::Text, stamps);
                }
                let text = match self.joiner.as_mut().map(|(joiner, _)| joiner.push(&text)) {
                    Some(Joined::StartsOver) => return Err(starts_over()),
                    Some(Joined::Text(text)) => text,
                    None => text,
                };
                self.show(text);
            }
            Frame::Reasoning(text) => {
                self.first(FirstToken::Reasoning, stamps);
                if self.state.reply.text.is_empty() && self.state.reply.tool_calls.is_empty() {
                    self.take_over();
                }
                if matches!(self.takes_over, TakesOver::Restart(_)) {
                    self.thinking.push_str(&text);
                } else {
                    self.shown = self.shown.max(Shown::Thinking);
                    self.run.tell(self.state, ReplyEvent::Reasoning(text));
                }
            }
            Frame::ToolCall { index, id, name, arguments } => {
                self.first(FirstToken::Text, stamps);
                self.answers();
                self.run.tell(self.state, ReplyEvent::ToolCall { index, id, name, arguments });
            }
            Frame::Usage { usage, .. } => {
                let so_far = self.state.usage + usage;
                self.run.sink.push(ReplyEvent::Usage(so_far));
            }
            Frame::Restarted => self.restarted()?,
            Frame::Started { .. }
            | Frame::KeepAlive
            | Frame::ServedIn(_)
            | Frame::ReasoningSignature(_)
            | Frame::Finish { .. }
            | Frame::Error(_)
            | Frame::Malformed(_)
            | Frame::Done => {}
        }
        Ok(())
    }
}
