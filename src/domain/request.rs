//! What is asked: the conversation, its parameters, and how much say the router has.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Audience, Message, MessageId, ModelName, OverBudget, RequestId, SessionId, is_private,
};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The console's chat.
    Chat,
    /// `wheelhouse ask`.
    Ask,
    /// A program, through the gateway.
    Gateway,
    /// The keep-warm pinger.
    Ping,
    /// A circuit's or the user's probe.
    Probe,
    /// A side-by-side comparison.
    Compare,
    /// `wheelhouse explain`: decided, never sent.
    Explain,
}

/// What the reader can do with text it has already been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderKind {
    /// It can take text back: the console, or `ask --json`, which prints at the end.
    Replaceable,
    /// What it was given is gone: a pipe, a gateway stream. It never gets a restart.
    AppendOnly,
}

/// How a request may be routed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The router chooses.
    #[default]
    Auto,
    /// This model first, then whatever the router ranks next.
    Prefer(ModelName),
    /// This model or none.
    Only(ModelName),
}

impl Route {
    /// The model named, if any.
    pub fn model(&self) -> Option<&ModelName> {
        match self {
            Self::Auto => None,
            Self::Prefer(model) | Self::Only(model) => Some(model),
        }
    }
}

/// What this request may do with the answer cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Read and write, as the configuration says.
    #[default]
    Normal,
    /// Neither read nor write.
    Off,
    /// Do not read, but write.
    Refresh,
    /// Read only; a miss is an error.
    Only,
}

/// How hard to think, where the model takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// No thinking where that can be said.
    None,
    /// A little.
    Low,
    /// The provider's usual.
    Medium,
    /// A lot.
    High,
}

/// Which tool the model must use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// Its own choice.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// A tool offered to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub description: Option<String>,
    /// Its arguments as JSON Schema.
    pub parameters: Value,
}

/// Sampling and limits, as the caller gave them. `None` means "not said", never a default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Params {
    /// Randomness.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Seed for repeatable answers.
    pub seed: Option<i64>,
    /// The caller's own cap on the answer, in tokens. Never raised by the router.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// `response_format` as the OpenAI dialect writes it.
    pub response_format: Option<Value>,
    /// Which tool must be used.
    pub tool_choice: Option<ToolChoice>,
    /// How hard to think.
    pub effort: Option<Effort>,
    /// Fields this program does not know, passed through to providers of the same dialect.
    pub extra: Map<String, Value>,
}

/// Where a question hangs in its conversation, which is a tree: an edited question and an answer given
/// again are further children of the same parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The question's own id. Asked again, it is the same.
    pub message: MessageId,
    /// The message it follows; `None` for the first.
    pub parent: Option<MessageId>,
}

/// Whether a request may leave this machine, and whether anything of it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// As its route, its tags and the configuration say.
    #[default]
    Open,
    /// Only models on this machine are asked, whatever was named or pinned; nothing of it is kept, in
    /// the ledger or in a cache.
    Private,
}

/// A request, whole: everything the engine needs to decide, send, and account for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The conversation it belongs to.
    pub session: Option<SessionId>,
    /// Where it came from.
    pub origin: Origin,
    /// What its reader can do.
    pub reader: ReaderKind,
    /// The system prompt.
    pub system: Option<String>,
    /// The conversation, oldest first, the new message last.
    pub messages: Vec<Message>,
    /// Tools offered.
    pub tools: Vec<ToolSpec>,
    /// Sampling and limits.
    pub params: Params,
    /// How much say the router has.
    pub route: Route,
    /// A policy for this request alone.
    pub policy: Option<String>,
    /// Marks for rules (`#private`), without the `#`.
    pub tags: Vec<String>,
    /// What it may do with the cache.
    pub cache: CacheMode,
    /// Whether it may go over a budget that asks first.
    #[serde(default)]
    pub over_budget: OverBudget,
    /// Whether it may leave this machine, and whether anything of it stays.
    #[serde(default)]
    pub privacy: Privacy,
    /// Where it hangs in its conversation; `None` where that was not said.
    #[serde(default)]
    pub place: Option<Place>,
}

impl Origin {
    /// The name used in JSON and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Ask => "ask",
            Self::Gateway => "gateway",
            Self::Ping => "ping",
            Self::Probe => "probe",
            Self::Compare => "compare",
            Self::Explain => "explain",
        }
    }

    /// Every one there is.
    pub const ALL: [Self; 7] = [
        Self::Chat,
        Self::Ask,
        Self::Gateway,
        Self::Ping,
        Self::Probe,
        Self::Compare,
        Self::Explain,
    ];

    /// The one of this [`Self::name`].
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }

    /// As people are told: what a ping is for rather than that it is one.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ping => "keep warm",
            Self::Chat
            | Self::Ask
            | Self::Gateway
            | Self::Probe
            | Self::Compare
            | Self::Explain => self.name(),
        }
    }
}

impl Request {
    /// Who may get to see it: in a private chat, and of a message tagged so, nobody elsewhere.
    pub fn audience(&self) -> Audience {
        match self.privacy {
            Privacy::Open if !is_private(&self.tags) => Audience::Anybody,
            Privacy::Open | Privacy::Private => Audience::Here,
        }
    }

    /// The conversation it is counted and kept with; none where nothing of it stays.
    pub fn kept_session(&self) -> Option<SessionId> {
        match self.privacy {
            Privacy::Open => self.session,
            Privacy::Private => None,
        }
    }

    /// A request with one user message and nothing else said.
    pub fn new(id: RequestId, origin: Origin, reader: ReaderKind, text: &str) -> Self {
        Self {
            id,
            session: None,
            origin,
            reader,
            system: None,
            messages: vec![Message::user(text)],
            tools: Vec::new(),
            params: Params::default(),
            route: Route::Auto,
            policy: None,
            tags: Vec::new(),
            cache: CacheMode::Normal,
            place: None,
            over_budget: OverBudget::Within,
            privacy: Privacy::Open,
        }
    }

    /// The id of its answer as a message: a request has one answer.
    pub const fn answer(&self) -> MessageId {
        MessageId(self.id.0)
    }

    /// The text of the newest user message.
    pub fn last_user_text(&self) -> String {
        self.messages
            .iter()
            .rev()
            .find(|message| message.role == super::Role::User)
            .map(Message::plain)
            .unwrap_or_default()
    }
}
