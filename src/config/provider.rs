//! A provider: an HTTP endpoint with credentials, and how its dialect differs from the textbook.
//! The differences are data; no provider is named in code.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::{ProviderName, ServiceTier};

use super::{LimitOverrides, WeekWindow};

/// The wire format an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `/chat/completions` as OpenAI defined it.
    OpenAi,
    /// `/messages` as Anthropic defined it.
    Anthropic,
}

/// Where a key comes from. The key itself is never part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyRef {
    /// An environment variable.
    Env(String),
    /// The first line a shell command prints.
    Command(String),
    /// An entry of the operating system's keyring.
    Keyring(String),
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Command(command) => write!(f, "cmd:{command}"),
            Self::Keyring(entry) => write!(f, "keyring:{entry}"),
        }
    }
}

/// Whether an endpoint wants a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyNeed {
    /// Nothing works without one.
    Required,
    /// Sent when there is one.
    Optional,
}

/// Which layer brought a provider or model in; the router considers shipped ones only when they
/// can be used (a key is there, or the local server answers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mention {
    /// Only a shipped preset.
    Shipped,
    /// The user's file, environment or flags name it.
    User,
    /// Found by asking the endpoint for its models.
    Discovered,
}

/// A weekly window in which a provider is not to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// When.
    pub window: WeekWindow,
}

/// The field that caps the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CapField {
    /// `max_tokens`.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// The field that takes a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SeedField {
    /// `seed`.
    #[default]
    Seed,
    /// `random_seed`.
    RandomSeed,
}

/// How usage is had from a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamUsage {
    /// Ask with `stream_options.include_usage`.
    #[default]
    Ask,
    /// It always comes; the option must be left out.
    Always,
}

/// The role system prompts travel under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SystemRole {
    /// `system`.
    #[default]
    System,
    /// `developer`.
    Developer,
}

/// How the wish to think is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EffortStyle {
    /// It cannot be written.
    #[default]
    Unsupported,
    /// `reasoning_effort: "low" | "medium" | "high" | "none"`.
    ReasoningEffort,
    /// `thinking: {type: enabled|disabled}` and `reasoning_effort`.
    ThinkingType,
    /// `enable_thinking` and `thinking_budget`.
    EnableThinking,
    /// `reasoning: {effort}`.
    ReasoningObject,
    /// `thinking: {type: adaptive|disabled}` and `output_config.effort`.
    AdaptiveThinking,
    /// `thinking: {type: enabled, budget_tokens}`.
    ThinkingBudget,
}

/// How an endpoint (or one of its models) differs from its dialect's textbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Quirks {
    /// The field that caps the answer.
    pub cap_field: CapField,
    /// The field that takes a seed.
    pub seed_field: SeedField,
    /// How usage is had from a stream.
    pub stream_usage: StreamUsage,
    /// The role of system prompts.
    pub system_role: SystemRole,
    /// What `tool_choice: required` is called.
    pub tool_required: String,
    /// How the wish to think is written.
    pub effort: EffortStyle,
    /// The greatest temperature taken; greater ones are clamped.
    pub temperature_max: f64,
    /// A base URL that takes prefix continuation, where it differs.
    pub prefix_base_url: Option<String>,
    /// Whether an answer continued by prefix gives that prefix again before what is new.
    pub prefix_repeats: bool,
    /// Whether the end of a stream is marked (`[DONE]`, `message_stop`); where it is not, the
    /// finish reason is the end.
    pub end_marker: bool,
    /// The header the key travels in, as it is; where `None`, the dialect's own
    /// (`authorization: Bearer …`, `x-api-key`).
    pub auth_header: Option<String>,
    /// The tiers of service that can be asked for (`service_tier`); none where it takes no such field.
    pub service_tiers: Vec<ServiceTier>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            cap_field: CapField::default(),
            seed_field: SeedField::default(),
            stream_usage: StreamUsage::default(),
            system_role: SystemRole::default(),
            tool_required: "required".to_owned(),
            effort: EffortStyle::default(),
            temperature_max: 2.0,
            prefix_base_url: None,
            prefix_repeats: false,
            end_marker: true,
            auth_header: None,
            service_tiers: Vec::new(),
        }
    }
}

/// How a provider tells what an account has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BalanceApi {
    /// `/user/balance` as DeepSeek has it.
    DeepSeek,
    /// `/credits`, else what is left of the key's limit, as OpenRouter has it.
    OpenRouter,
    /// `/users/me/balance` as Moonshot has it.
    Moonshot,
    /// `/user/info` as SiliconFlow has it.
    SiliconFlow,
}

/// An HTTP endpoint with credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Its name for people: `DeepSeek`.
    pub label: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Its base address, without a trailing slash or a path that a call appends.
    pub base_url: String,
    /// Where its key may come from; the first that yields one is used.
    pub keys: Vec<KeyRef>,
    /// Whether it wants one.
    pub key_need: KeyNeed,
    /// Headers sent with every call, `$KEY`-free.
    pub headers: BTreeMap<String, String>,
    /// The user's tags, for rules.
    pub tags: Vec<String>,
    /// Endpoints that fail together share one; its own name unless it fronts others.
    pub failure_domain: String,
    /// Windows in which it is not to be used.
    pub maintenance: Vec<Maintenance>,
    /// Any model id is accepted and passed on.
    pub passthrough: bool,
    /// It runs on this machine: its models cost nothing unless priced, and it may be absent.
    pub local: bool,
    /// Ask it for its models at start.
    pub discover: bool,
    /// How it tells what its account has left, if it does.
    pub balance: Option<BalanceApi>,
    /// The tier of service calls ask for, of models that can be asked for it.
    pub service_tier: Option<ServiceTier>,
    /// How it differs.
    pub quirks: Quirks,
    /// Time limits of its own.
    pub limits: LimitOverrides,
    /// Which layer brought it in.
    pub mention: Mention,
    /// `true` for a simulated endpoint, which is said wherever it shows.
    pub simulated: bool,
}
