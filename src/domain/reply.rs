//! The reply stream: what the engine tells whoever asked, event by event, and the whole reply those
//! events fold into. Readers of every kind (console, command line, gateway) fold with the same code.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AttemptId, Cost, Decision, ModelName, Outcome, OutcomeClass, ProviderName, ServiceTier, Usage,
    Verdict,
};

/// Why an attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// The first of its request.
    First,
    /// The same model again.
    Retry,
    /// The next model.
    Fallback,
    /// A second model raced against a slow first.
    Hedge,
    /// Going on where a broken answer stopped.
    Continue,
    /// Again, changed, because the answer was not whole.
    Redo,
    /// A circuit's or the user's probe.
    Probe,
}

impl AttemptKind {
    /// The name used in JSON and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Fallback => "fallback",
            Self::Hedge => "hedge",
            Self::Continue => "continue",
            Self::Redo => "redo",
            Self::Probe => "probe",
        }
    }
}

/// What the first token was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstToken {
    /// Thinking.
    Reasoning,
    /// Answer text (or a tool call).
    Text,
}

/// How two parts of an answer were joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeamHow {
    /// The model's own prefix mechanism.
    Prefix,
    /// A trailing assistant message.
    Prefill,
    /// `partial: true`.
    Partial,
    /// An instruction to go on.
    Instruct,
}

/// A place where another attempt took over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seam {
    /// Characters of answer text before it.
    pub at_char: u64,
    /// The model before.
    pub from: ModelName,
    /// The model after.
    pub to: ModelName,
    /// How it was done.
    pub how: SeamHow,
}

/// Moments of an attempt in milliseconds after its request left the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stamps {
    /// Response headers arrived.
    pub headers: Option<u64>,
    /// First event of the stream, content or not.
    pub first_event: Option<u64>,
    /// First thinking.
    pub first_reasoning: Option<u64>,
    /// First answer text: this is the TTFT.
    pub first_text: Option<u64>,
    /// Last byte.
    pub last: Option<u64>,
}

/// One attempt, once it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// Its id.
    pub id: AttemptId,
    /// Its number within the request, from 1.
    pub n: u32,
    /// Whom it asked.
    pub model: ModelName,
    /// That model's provider.
    pub provider: ProviderName,
    /// Why it was made.
    pub kind: AttemptKind,
    /// `None` when it went well.
    pub outcome: Option<OutcomeClass>,
    /// HTTP status, where one arrived.
    pub status: Option<u16>,
    /// Milliseconds from the request's arrival to this attempt's start.
    pub started_ms: u64,
    /// Milliseconds waited on purpose before it (back-off, retry-after).
    pub waited_ms: u64,
    /// Its moments.
    pub stamps: Stamps,
    /// Milliseconds it took.
    pub ms: u64,
    /// Tokens.
    pub usage: Usage,
    /// What it cost.
    pub cost: Cost,
    /// The tier of service it was answered in, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<ServiceTier>,
    /// A few words on what happened: `no byte in 10s`, `HTTP 503: overloaded`.
    pub detail: String,
}

/// What the engine tells whoever asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyEvent {
    /// The router decided.
    Routed(Arc<Decision>),
    /// Before an attempt: money of a budget is waited for that others hold, for a while already.
    Held {
        /// What is waited for, for people: `$0.25 of the day's budget is held by another wheelhouse`.
        what: String,
    },
    /// An attempt begins.
    Attempt {
        /// Its number within the request, from 1.
        n: u32,
        /// Whom it asks.
        model: ModelName,
        /// That model's provider.
        provider: ProviderName,
        /// Why it is made.
        kind: AttemptKind,
        /// Milliseconds waited on purpose before it.
        waited_ms: u64,
    },
    /// An attempt is over, well or not. The answering one reports just before `End`.
    AttemptEnded(Box<AttemptReport>),
    /// The first token of an attempt, with its time from sent, in milliseconds.
    FirstToken {
        /// Thinking or text.
        what: FirstToken,
        /// Milliseconds from sent.
        ms: u64,
    },
    /// Answer text.
    Text(String),
    /// Thinking.
    Reasoning(String),
    /// A piece of a tool call.
    ToolCall {
        /// Which call, from 0.
        index: u32,
        /// The provider's id, on its first piece.
        id: Option<String>,
        /// The tool's name, on its first piece.
        name: Option<String>,
        /// A piece of the arguments' JSON text.
        arguments: String,
    },
    /// Another attempt took over here.
    Seam(Seam),
    /// The text so far is void: a new attempt starts over. Only for replaceable readers.
    Restart {
        /// Why, for people.
        why: String,
    },
    /// Tokens so far; the last one is final.
    Usage(Usage),
    /// Whether the answer is whole.
    Verdict(Verdict),
    /// It is over. Nothing follows.
    End(Box<Outcome>),
}

/// A tool call, assembled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCallParts {
    /// The provider's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

/// A reply as far as it has come: the fold of its events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The decision.
    pub decision: Option<Arc<Decision>>,
    /// Attempts that are over.
    pub attempts: Vec<AttemptReport>,
    /// Answer text.
    pub text: String,
    /// Thinking.
    pub reasoning: String,
    /// Tool calls.
    pub tool_calls: Vec<ToolCallParts>,
    /// Joins.
    pub seams: Vec<Seam>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// Whole or not.
    pub verdict: Option<Verdict>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
}

impl Reply {
    /// Takes in one event.
    pub fn fold(&mut self, event: &ReplyEvent) {
        match event {
            ReplyEvent::Routed(decision) => self.decision = Some(Arc::clone(decision)),
            ReplyEvent::Held { .. }
            | ReplyEvent::Attempt { .. }
            | ReplyEvent::FirstToken { .. } => {}
            ReplyEvent::AttemptEnded(report) => self.attempts.push(report.as_ref().clone()),
            ReplyEvent::Text(text) => self.text.push_str(text),
            ReplyEvent::Reasoning(text) => self.reasoning.push_str(text),
            ReplyEvent::ToolCall { index, id, name, arguments } => {
                let index = *index as usize;
                if self.tool_calls.len() <= index && index < 256 {
                    self.tool_calls.resize_with(index + 1, ToolCallParts::default);
                }
                if let Some(call) = self.tool_calls.get_mut(index) {
                    if let Some(id) = id {
                        call.id.clone_from(id);
                    }
                    if let Some(name) = name {
                        call.name.clone_from(name);
                    }
                    call.arguments.push_str(arguments);
                }
            }
            ReplyEvent::Seam(seam) => self.seams.push(seam.clone()),
            ReplyEvent::Restart { .. } => {
                self.text.clear();
                self.reasoning.clear();
                self.tool_calls.clear();
                self.seams.clear();
            }
            ReplyEvent::Usage(usage) => self.usage = Some(*usage),
            ReplyEvent::Verdict(verdict) => self.verdict = Some(verdict.clone()),
            ReplyEvent::End(outcome) => self.outcome = Some(outcome.as_ref().clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_voids_what_was_shown() {
        let mut reply = Reply::default();
        reply.fold(&ReplyEvent::Text("half an ans".into()));
        reply.fold(&ReplyEvent::Restart { why: "could not be joined".into() });
        reply.fold(&ReplyEvent::Text("a whole answer".into()));
        assert_eq!(reply.text, "a whole answer");
    }

    #[test]
    fn tool_call_pieces_assemble_by_index() {
        let mut reply = Reply::default();
        let piece = |id: Option<&str>, arguments: &str| ReplyEvent::ToolCall {
            index: 1,
            id: id.map(str::to_owned),
            name: id.map(|_| "search".to_owned()),
            arguments: arguments.to_owned(),
        };
        reply.fold(&piece(Some("call_1"), "{\"q\":"));
        reply.fold(&piece(None, "\"x\"}"));
        assert_eq!(reply.tool_calls[1].arguments, "{\"q\":\"x\"}");
        assert_eq!(reply.tool_calls[1].id, "call_1");
    }
}
