//! What a provider's stream means, whatever dialect it came in; and a call ready to send.

use bytes::Bytes;
use secrecy::SecretString;

use crate::domain::{ErrorReport, Finish, ServiceTier, Usage};

/// No call has more tokens, a hundred times over: a provider that says so has made a mistake, which must
/// not use up a budget nor carry a sum past its end.
pub(in crate::wire) const MOST_TOKENS: u64 = 1_000_000_000;

/// One meaningful piece of a provider's stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The stream has begun; some say who answers.
    Started {
        /// The provider's id of the answer.
        id: Option<String>,
        /// The provider's id of the model that really answers.
        model: Option<String>,
    },
    /// The endpoint is alive but has nothing to say: a comment, a ping, an empty delta.
    KeepAlive,
    /// Answer text.
    Text(String),
    /// Thinking.
    Reasoning(String),
    /// The signature of the thinking so far.
    ReasoningSignature(String),
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
    /// The tier of service it is answered in; told when it is first known, and when it changes.
    ServedIn(ServiceTier),
    /// Tokens so far; a later one replaces an earlier one.
    Usage {
        /// The counts.
        usage: Usage,
        /// What the provider says it cost, in dollars as written.
        reported_cost: Option<String>,
    },
    /// The model is done.
    Finish {
        /// What it means.
        finish: Finish,
        /// The provider's own word.
        raw: String,
    },
    /// The endpoint restarted its answer within the stream; what came before is void.
    Restarted,
    /// An error under HTTP 200. Nothing useful follows.
    Error(Box<ErrorReport>),
    /// A frame that could not be read; the stream goes on.
    Malformed(String),
    /// The end marker.
    Done,
}

/// An HTTP call, ready to send.
#[derive(Debug, Clone)]
pub struct HttpCall {
    /// `POST` or `GET`.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Headers that hold no secret.
    pub headers: Vec<(String, String)>,
    /// Headers that hold one.
    pub secret_headers: Vec<(String, SecretString)>,
    /// The body.
    pub body: Bytes,
}
