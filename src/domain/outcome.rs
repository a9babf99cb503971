//! How an attempt or a request ended: the closed set of outcome classes, and the report a person
//! or program gets when it did not go well.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cost, ModelName, ProviderName, Usage};

/// The closed set of ways an attempt can go wrong; each decides what is tried next and whether the
/// circuit is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeClass {
    /// The request itself is wrong; nobody else would take it either.
    Caller,
    /// The prompt does not fit the window; only a larger one can help.
    Context,
    /// A content filter refused.
    Refusal,
    /// Key, balance, permission, allowance, unknown model id.
    Account,
    /// Asked to slow down.
    Throttle,
    /// The provider failed: 5xx, overload, an error under HTTP 200, an empty answer.
    Provider,
    /// DNS, TCP, TLS, reset, end of stream without the end marker.
    Network,
    /// A time limit passed.
    Stall,
    /// The answer is not whole.
    Truncation,
    /// Our reader left.
    Cancelled,
}

impl OutcomeClass {
    /// The name used in JSON and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Context => "context",
            Self::Refusal => "refusal",
            Self::Account => "account",
            Self::Throttle => "throttle",
            Self::Provider => "provider",
            Self::Network => "network",
            Self::Stall => "stall",
            Self::Truncation => "truncation",
            Self::Cancelled => "cancelled",
        }
    }

    /// May the same request go to the same model once more?
    pub const fn retry_same(self) -> bool {
        matches!(self, Self::Provider | Self::Network)
    }

    /// May another model be asked?
    pub const fn try_another(self) -> bool {
        match self {
            Self::Caller | Self::Refusal | Self::Cancelled => false,
            Self::Context
            | Self::Account
            | Self::Throttle
            | Self::Provider
            | Self::Network
            | Self::Stall
            | Self::Truncation => true,
        }
    }

    /// Does it count against the model's circuit?
    pub const fn charges_circuit(self) -> bool {
        matches!(self, Self::Provider | Self::Network | Self::Stall)
    }

    /// Whose fault it is.
    pub const fn fault(self) -> Fault {
        match self {
            Self::Caller | Self::Context | Self::Refusal => Fault::Request,
            Self::Account => Fault::Account,
            Self::Throttle | Self::Provider | Self::Stall | Self::Truncation => Fault::Provider,
            Self::Network => Fault::Network,
            Self::Cancelled => Fault::Nobody,
        }
    }
}

impl fmt::Display for OutcomeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// What was asked.
    Request,
    /// The user's account at the provider.
    Account,
    /// The provider.
    Provider,
    /// The way there.
    Network,
    /// Nobody: it was wanted.
    Nobody,
}

/// How an answer finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The cap or the window was reached.
    Length,
    /// The model wants tools.
    ToolCalls,
    /// A filter ended or refused it.
    ContentFilter,
    /// Judged not whole, and could not be made whole.
    Truncated,
    /// The reader left.
    Cancelled,
    /// It failed.
    Error,
}

impl Finish {
    /// The name used in JSON and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }

    /// Is there an answer that its model ended?
    pub const fn answered(self) -> bool {
        match self {
            Self::Stop | Self::Length | Self::ToolCalls => true,
            Self::ContentFilter | Self::Truncated | Self::Cancelled | Self::Error => false,
        }
    }
}

/// What a person needs to know about a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// The class that decided what was tried next.
    pub class: OutcomeClass,
    /// A stable word for programs: the provider's own code, or ours (`connect`, `first_token`).
    pub code: String,
    /// What happened, in the user's language, sanitised.
    pub message: String,
    /// The provider's own words, sanitised and capped; empty when there were none.
    pub original: String,
    /// What the user can do; empty when nothing helps.
    pub hint: String,
    /// HTTP status, where one arrived.
    pub status: Option<u16>,
    /// How long the provider asked us to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Who said so.
    pub provider: Option<ProviderName>,
    /// For which model.
    pub model: Option<ModelName>,
    /// The provider's words are not in the table of hints: worth keeping, so that it can grow.
    #[serde(default)]
    pub unread: bool,
}

impl ErrorReport {
    /// Nothing could be said to the address at all: its name is not known, nothing listens there,
    /// or no secure connection came about.
    pub fn unreached(&self) -> bool {
        self.class == OutcomeClass::Network
            && matches!(self.code.as_str(), "dns" | "connect" | "tls")
    }

    /// A report with only class, code and message.
    pub fn new(class: OutcomeClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            class,
            code: code.into(),
            message: message.into(),
            original: String::new(),
            hint: String::new(),
            status: None,
            retry_after_ms: None,
            provider: None,
            model: None,
            unread: false,
        }
    }
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ErrorReport {}

/// One observation that an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The finish reason said so.
    FinishReason(String),
    /// As many tokens as the cap allowed, or more.
    AtCap,
    /// Prompt and answer together fill the window.
    WindowFull,
    /// The stream closed without its end marker.
    NoEndMarker,
    /// A code fence was left open.
    OpenFence,
    /// JSON was asked for and is cut.
    OpenJson,
    /// All of the cap went into thinking.
    ReasoningAteCap,
    /// Code stops inside brackets or in the middle of a statement.
    MidCode,
    /// Emphasis, inline code or a parenthesis was left open in the last paragraph.
    OpenMark,
    /// Prose stops without an end mark although the text before has them.
    MidSentence,
    /// The provider read far fewer tokens than were sent: it cut the prompt, not the answer.
    InputCut {
        /// Our estimate of what was sent.
        sent: u64,
        /// What the provider says it read.
        read: u64,
    },
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FinishReason(reason) => write!(f, "it ended with {reason:?}"),
            Self::AtCap => f.write_str("all tokens allowed were used"),
            Self::WindowFull => f.write_str("prompt and answer fill the window"),
            Self::NoEndMarker => f.write_str("the stream closed without its end marker"),
            Self::OpenFence => f.write_str("a code block was left open"),
            Self::OpenJson => f.write_str("the JSON is cut"),
            Self::ReasoningAteCap => f.write_str("all of the room went into thinking"),
            Self::MidCode => f.write_str("the code stops in mid-statement"),
            Self::OpenMark => f.write_str("a mark was left open"),
            Self::MidSentence => f.write_str("it stops in mid-sentence"),
            Self::InputCut { sent, read } => {
                write!(f, "about {sent} tokens were sent and {read} read")
            }
        }
    }
}

/// Whether an answer is whole, and why we think so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Judged not whole.
    pub truncated: bool,
    /// 0 to 1.
    pub confidence: f32,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

impl Verdict {
    /// For people: what speaks against the answer being whole; nothing when nothing does.
    pub fn doubt(&self) -> Option<String> {
        if self.evidence.is_empty() {
            return None;
        }
        let seen: Vec<String> = self.evidence.iter().map(ToString::to_string).collect();
        let judged = if self.truncated { "not whole" } else { "perhaps not whole" };
        Some(format!("{judged}: {}", seen.join("; ")))
    }
}

/// How a whole request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the answer finished.
    pub finish: Finish,
    /// The model that gave it; the last tried when none did.
    pub model: Option<ModelName>,
    /// That model's provider.
    pub provider: Option<ProviderName>,
    /// The provider's own id for the model.
    pub model_id: Option<String>,
    /// Tokens of the answering attempts.
    pub usage: Usage,
    /// What all attempts cost together.
    pub cost: Cost,
    /// What the answer itself cost where it was made: of one that was kept or shared what was paid for
    /// it then, and nothing of what was lost on the way to it. `None` where there is no answer, or
    /// where that is not known any more.
    #[serde(default)]
    pub answer_cost: Option<Cost>,
    /// From the request's arrival to its first text, lost attempts included, in milliseconds.
    pub wait_ms: Option<u64>,
    /// The answering attempt's own time from sent to first text, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// From the request's arrival to its end, in milliseconds.
    pub total_ms: u64,
    /// `Some("memory")` or `Some("redis")` when the answer came from the cache, `Some("shared")` when
    /// it was read along with an identical request.
    pub cached: Option<String>,
    /// What the cache did and why, in one line for people.
    #[serde(default)]
    pub cache_note: Option<String>,
    /// The first real error, when there is no whole answer.
    pub error: Option<ErrorReport>,
}

impl Outcome {
    /// What was saved by giving an answer that was kept or shared; `None` where that did not happen, or
    /// is not known any more.
    pub fn cache_saved(&self) -> Option<Cost> {
        self.cached.as_ref().and(self.answer_cost)
    }

    /// Where an answer that cost no call came from, in words.
    pub fn cached_words(&self) -> Option<String> {
        match self.cached.as_deref()? {
            "shared" => Some("shared with an identical request".to_owned()),
            tier => Some(format!("from the {tier} cache")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_mistake_is_never_sent_again() {
        for class in [OutcomeClass::Caller, OutcomeClass::Refusal, OutcomeClass::Cancelled] {
            assert!(!class.retry_same() && !class.try_another() && !class.charges_circuit());
        }
    }

    #[test]
    fn a_doubt_says_what_was_seen_and_how_sure_it_is() {
        let verdict = |truncated, evidence| Verdict { truncated, confidence: 0.5, evidence };
        assert_eq!(verdict(false, Vec::new()).doubt(), None);
        let perhaps = verdict(false, vec![Evidence::MidSentence]).doubt();
        assert_eq!(perhaps.as_deref(), Some("perhaps not whole: it stops in mid-sentence"));
        let sure = verdict(true, vec![Evidence::OpenFence, Evidence::AtCap]).doubt().unwrap();
        assert!(sure.starts_with("not whole: ") && sure.contains("; "), "{sure}");
    }

    #[test]
    fn throttling_moves_traffic_but_spares_the_circuit() {
        assert!(OutcomeClass::Throttle.try_another());
        assert!(!OutcomeClass::Throttle.charges_circuit());
    }

    #[test]
    fn a_stalled_model_is_not_asked_again_at_once() {
        assert!(!OutcomeClass::Stall.retry_same());
        assert!(OutcomeClass::Stall.try_another() && OutcomeClass::Stall.charges_circuit());
    }
}
