//! What the router decided and why: every candidate with its factors and reasons. Pure data, kept
//! whole in the log so that any number on screen can be opened and answered "from what?".

use serde::{Deserialize, Serialize};

use super::{
    DecisionId, Lang, ModelName, Money, ProviderName, RequestId, Script, TaskKind, UnixMs,
};

/// What a request needs of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needs {
    /// It offers tools.
    pub tools: bool,
    /// It carries images.
    pub vision: bool,
    /// It wants JSON.
    pub json: bool,
}

/// What was read off a request, locally, before deciding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestFeatures {
    /// The likeliest kind of work.
    pub task: TaskKind,
    /// Shares of the three likeliest kinds, greatest first; they sum to at most 1.
    pub tasks: Vec<(TaskKind, f32)>,
    /// 0 (anyone can) to 1 (only the best).
    pub difficulty: f32,
    /// The text's language.
    pub lang: Lang,
    /// Share of characters per script, greatest first.
    pub scripts: Vec<(Script, f32)>,
    /// Characters of everything sent.
    pub chars: u64,
    /// Estimated prompt tokens with an average tokenizer; candidates correct it.
    pub input_tokens: u64,
    /// Estimated answer tokens.
    pub output_tokens: u64,
    /// What it needs.
    pub needs: Needs,
    /// Marks for rules.
    pub tags: Vec<String>,
}

/// Why a candidate was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterCode {
    /// It lacks a capability the request needs.
    Capability,
    /// The prompt does not fit its window.
    Context,
    /// No key is set for its provider.
    NoKey,
    /// Its price is unknown, so auto leaves it alone.
    NoPrice,
    /// Its key, balance or id was refused; out until that changes.
    Account,
    /// Its circuit is open.
    CircuitOpen,
    /// Traffic was shifted away because it is slow.
    Shifted,
    /// A maintenance window is near or on.
    Maintenance,
    /// Drained by hand: no new work.
    Drained,
    /// Vetoed by hand.
    Vetoed,
    /// It must not be asked before a moment.
    RateLimited,
    /// A budget forbids it.
    Budget,
    /// A rule or data policy forbids it.
    Policy,
    /// A pin allows only another model.
    NotPinned,
    /// Retired by its provider; used only when named.
    Retired,
    /// Below the quality the task needs under this policy.
    BelowQuality,
    /// Its provider does not answer at all (a local server that is not running).
    Absent,
}

impl FilterCode {
    /// The name used in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capability => "capability",
            Self::Context => "context",
            Self::NoKey => "no key",
            Self::NoPrice => "no price",
            Self::Account => "account",
            Self::CircuitOpen => "circuit open",
            Self::Shifted => "shifted away",
            Self::Maintenance => "maintenance",
            Self::Drained => "drained",
            Self::Vetoed => "vetoed",
            Self::RateLimited => "rate limit",
            Self::Budget => "budget",
            Self::Policy => "policy",
            Self::NotPinned => "not pinned",
            Self::Retired => "retired",
            Self::BelowQuality => "below quality",
            Self::Absent => "not running",
        }
    }
}

/// One reason a candidate was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterReason {
    /// Which rule.
    pub code: FilterCode,
    /// The figure or name behind it, for people: `needs 12k, holds 8k`.
    pub detail: String,
}

/// One part of a score: `points = weight × value`, on an absolute scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// `quality`, `cost` or `speed`.
    pub name: String,
    /// 0 (worst) to 1 (best).
    pub value: f64,
    /// The policy's weight in force.
    pub weight: f64,
    /// What it adds to the score.
    pub points: f64,
}

/// A score and what it is made of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Score {
    /// The sum of the factors' points.
    pub total: f64,
    /// The parts.
    pub factors: Vec<Factor>,
}

/// What asking a candidate would have cost and taken.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Money, where the price is known.
    pub cost: Option<Money>,
    /// Milliseconds to the first token.
    pub ttft_ms: u64,
    /// Milliseconds to the last token.
    pub total_ms: u64,
    /// Prompt tokens with this model's tokenizer.
    pub input_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
}

/// One model considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The registry entry.
    pub model: ModelName,
    /// Its provider.
    pub provider: ProviderName,
    /// Expected quality for this task at this difficulty, 0 to 1.
    pub quality: f32,
    /// `true` when the quality is a family's prior rather than something measured.
    pub quality_guess: bool,
    /// The score; zero when filtered for anything but its quality.
    pub score: Score,
    /// Why it was left out; empty for a usable candidate.
    pub filtered: Vec<FilterReason>,
    /// What it would have cost and taken.
    pub estimate: Estimate,
    /// A few words on its place: `6x the cost`, `slow now`.
    pub note: String,
}

impl Candidate {
    /// Is a budget all that keeps it out?
    pub fn only_over_budget(&self) -> bool {
        !self.filtered.is_empty()
            && self.filtered.iter().all(|reason| reason.code == FilterCode::Budget)
    }

    /// May it be asked?
    pub fn usable(&self) -> bool {
        self.filtered.is_empty()
    }
}

/// How long a pin or a policy change lasts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinScope {
    /// One message.
    Message,
    /// One conversation.
    Session,
    /// Messages with this tag.
    Tag(String),
    /// Everything.
    All,
}

/// What a person or program imposed on a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideKind {
    /// For how long it holds.
    pub scope: PinScope,
    /// The model it names; `None` when only the policy was changed.
    pub model: Option<ModelName>,
    /// `true` when no other model may be asked.
    pub exclusive: bool,
    /// What the router would have chosen on its own.
    pub would_be: Option<ModelName>,
}

/// A decision, with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The request it is for.
    pub request: RequestId,
    /// When.
    pub at: UnixMs,
    /// The policy in force, by name.
    pub policy: String,
    /// That policy's weights for quality, cost and speed; they sum to 1.
    pub weights: [f64; 3],
    /// The rule that decided, in words, if one did.
    pub rule: Option<String>,
    /// What was imposed by hand, if anything.
    pub imposed: Option<OverrideKind>,
    /// What was read off the request.
    pub features: RequestFeatures,
    /// Every model considered: usable ones first, best first; then the filtered ones by name.
    pub candidates: Vec<Candidate>,
    /// Why the first one, in a few words: `code 0.81, cheapest of 3 that fit`.
    pub reason: String,
    /// Who would be the first choice but for a budget, if that is somebody else. Decisions from before
    /// this was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_budget: Option<KeptOut>,
}

/// The model that a budget keeps from being the first choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOut {
    /// The model.
    pub model: ModelName,
    /// The budget can be gone over when the user says so.
    pub asks: bool,
}

impl Decision {
    /// The candidates that may be asked, best first.
    pub fn ranked(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.usable())
    }

    /// The first choice.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.ranked().next()
    }

    /// The candidate of this name.
    pub fn candidate(&self, model: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.model.as_str() == model)
    }
}
