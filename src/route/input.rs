//! Everything a decision depends on, as plain serialisable data: what the ledger keeps, and what
//! makes replay exact.

use serde::{Deserialize, Serialize};

use crate::domain::{
    AtLimit, Capabilities, DecisionId, Lang, ModelName, PinScope, ProviderName, Rates,
    RequestFeatures, RequestId, Script, TaskKind, TaskTable, UnixMs,
};

use super::{Forecast, ModelHealth};

/// Raised whenever the meaning of a field changes; replay compares only equal versions.
pub const INPUT_VERSION: u32 = 1;

/// Whether a provider's key is there and good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Usable (or none is needed).
    Ready,
    /// None is set; the text says which variable to set.
    Missing(String),
    /// The provider refused it, or the account; the text says how.
    Refused(String),
}

/// A circuit as a decision sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitView {
    /// Works.
    #[default]
    Closed,
    /// One probe may pass.
    HalfOpen,
    /// Nothing passes before this moment.
    Open {
        /// When a probe may pass.
        until: UnixMs,
    },
}

/// Prompt tokens that were counted rather than estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// How many, the frame around messages included.
    pub tokens: u64,
    /// What the model reports over what is counted, as learned.
    pub factor: f32,
}

/// One model a decision may choose: its figures and its state at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateInput {
    /// The registry entry.
    pub model: ModelName,
    /// Its provider.
    pub provider: ProviderName,
    /// The provider's tags and failure domain, for rules.
    pub tags: Vec<String>,
    /// Endpoints that fail together share one.
    pub failure_domain: String,
    /// Prices in force now for this request's size; `None` when unknown.
    pub rates: Option<Rates>,
    /// Context window in tokens.
    pub context: u64,
    /// Greatest answer in tokens.
    pub max_output: u64,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Expected quality per kind of work.
    pub quality: TaskTable,
    /// Kinds whose figure the user set; the rest are guesses.
    pub quality_set: Vec<TaskKind>,
    /// Languages it is good in; empty means no figure.
    pub languages: Vec<Lang>,
    /// Learned tokens-per-estimate corrections per script; 1.0 where absent.
    pub token_factors: Vec<(Script, f32)>,
    /// Its tokens as counted with its vocabulary, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// Prior milliseconds to first token, warm.
    pub ttft_prior_ms: u64,
    /// Prior extra milliseconds after idling.
    pub cold_extra_ms: u64,
    /// Prior tokens per second.
    pub tokens_per_s_prior: f64,
    /// What was measured lately.
    pub health: ModelHealth,
    /// Its circuit.
    pub circuit: CircuitView,
    /// Its key.
    pub key: KeyState,
    /// Its endpoint answers at all (a local server may not run).
    pub present: bool,
    /// Must not be asked before this moment.
    pub limited_until: Option<UnixMs>,
    /// The limit that is used up first at the present rate, if any is before it resets.
    #[serde(default)]
    pub forecast: Option<Forecast>,
    /// Traffic was shifted away until this moment.
    pub shifted_until: Option<UnixMs>,
    /// A maintenance window is on or about to begin.
    pub maintenance: bool,
    /// Drained by hand.
    pub drained: bool,
    /// Vetoed by hand until this moment (`UnixMs(i64::MAX)` for good).
    pub vetoed_until: Option<UnixMs>,
    /// Retired by its provider, in words.
    pub retired: Option<String>,
    /// A budget forbids it, in words.
    pub over_budget: Option<String>,
    /// What that budget does at its limit; `None` in inputs from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_budget_then: Option<AtLimit>,
    /// Tokens of this conversation warm in its prompt cache.
    pub warm_prefix_tokens: u64,
}

/// What a rule does when it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleEffect {
    /// These before all others.
    Prefer(Vec<String>),
    /// Only these.
    Only(Vec<String>),
    /// All but these.
    Avoid(Vec<String>),
    /// Other weights (by policy name, already looked up).
    Policy {
        /// The policy's name.
        name: String,
        /// Its weights for quality, cost, speed.
        weights: [u32; 3],
    },
}

/// A rule; names match models, providers, tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInput {
    /// The kind of work.
    pub task: Option<TaskKind>,
    /// At least so many prompt tokens.
    pub min_context: Option<u64>,
    /// The request carries this tag.
    pub tag: Option<String>,
    /// The text is in this language.
    pub lang: Option<Lang>,
    /// What it does.
    pub effect: RuleEffect,
    /// The rule in words: `task code: prefer deepseek`.
    pub words: String,
}

/// What was imposed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imposed {
    /// For how long it holds.
    pub scope: PinScope,
    /// The model it names.
    pub model: ModelName,
    /// No other model may be asked.
    pub exclusive: bool,
    /// A rule for a tag of the request comes before it, for however long it holds.
    #[serde(default)]
    pub yields: bool,
}

/// Everything a decision depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionInput {
    /// [`INPUT_VERSION`] when written.
    pub version: u32,
    /// The decision's id.
    pub id: DecisionId,
    /// The request's id.
    pub request: RequestId,
    /// The moment.
    pub now: UnixMs,
    /// For tie-breaking and exploration; the same seed gives the same choice.
    pub seed: u64,
    /// The policy in force, by name.
    pub policy: String,
    /// Its weights for quality, cost and speed; they sum to 1.
    pub weights: [f64; 3],
    /// How far spending runs ahead of its budget's pace: 1.0 on pace or no budget, 2.0 twice.
    pub budget_pace: f64,
    /// Rules, first match wins.
    pub rules: Vec<RuleInput>,
    /// A pin or a named model.
    pub imposed: Option<Imposed>,
    /// What was read off the request.
    pub features: RequestFeatures,
    /// The caller's own cap on the answer.
    pub max_tokens: Option<u32>,
    /// The models, in name order.
    pub candidates: Vec<CandidateInput>,
}
