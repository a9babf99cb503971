//! What observers see of the engine: one immutable value, published after every change that shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::domain::{
    AttemptReport, Cost, Decision, Evidence, ModelName, Origin, Outcome, PinScope, Privacy,
    ProviderName, RateWindow, RequestId, SessionId, UnixMs, Usage,
};
use crate::route::{
    Book, Calendar, CircuitView, DecisionInput, Forecast, HealthState, KeyState, ModelHealth,
    ShiftPhase, TokenFactors,
};

use super::{BalanceReading, Command, Drill, Veto, WarmStatus};

/// A pin in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The model.
    pub model: ModelName,
    /// For what.
    pub scope: PinScope,
    /// The session it belongs to, where the scope is one.
    pub session: Option<SessionId>,
    /// Until when.
    pub until: Option<UnixMs>,
}

/// Everything imposed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Pins, newest last.
    pub pins: Vec<Pin>,
    /// Vetoes.
    pub vetoes: Vec<Veto>,
    /// Drained providers and until when.
    pub drains: Vec<Veto>,
    /// Drills.
    pub drills: Vec<Drill>,
}

/// A model as observers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStatus {
    /// Its name.
    pub model: ModelName,
    /// Its provider.
    pub provider: ProviderName,
    /// What was measured.
    pub health: ModelHealth,
    /// Its circuit.
    pub circuit: CircuitView,
    /// When it may be asked again after a rate limit.
    pub limited_until: Option<UnixMs>,
    /// The limit that is used up first at the present rate, if any is before it resets.
    pub forecast: Option<Forecast>,
    /// Where its traffic stands after it was slow.
    pub shift: ShiftPhase,
    /// When traffic that was shifted away for slowness comes back.
    pub shifted_until: Option<UnixMs>,
    /// The account refused it, in words; out until the key or the configuration changes.
    pub refused: Option<String>,
    /// Its last times to first token in milliseconds, oldest first; `None` marks a failure.
    pub recent: Vec<Option<u64>>,
    /// What went wrong last, and when.
    pub last_error: Option<(UnixMs, String)>,
    /// Money spent on it in this run.
    pub spend: Spend,
    /// What keeping it warm has come to; not part of `spend`.
    pub warm: WarmStatus,
    /// Learned factors of its tokens.
    pub tokens: TokenFactors,
}

/// What ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pending {
    /// A circuit is open until the next probe.
    Retry,
    /// It is in maintenance, or about to be.
    Maintenance,
    /// Traffic is away from a slow model.
    Shifted,
    /// A rate limit is used up.
    Limited,
    /// A rate limit lasts, at the present rate.
    RunsOut,
}

/// Something that ends by itself, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Countdown {
    /// What.
    pub pending: Pending,
    /// When it ends.
    pub until: UnixMs,
}

/// A provider as observers see it: the sum of its models.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderStatus {
    /// Its name.
    pub provider: ProviderName,
    /// Its key.
    pub key: KeyState,
    /// It is in use: a key is there, or it answers.
    pub active: bool,
    /// It answers at all.
    pub present: bool,
    /// In one word.
    pub state: HealthState,
    /// A few words more: `retry in 41s`, `slow 4x`, `warm`.
    pub note: String,
    /// What counts down, the gravest first.
    pub countdown: Option<Countdown>,
    /// Median time to first token over its models.
    pub ttft_p50: Option<u64>,
    /// 95th percentile.
    pub ttft_p95: Option<u64>,
    /// Median tokens per second.
    pub tokens_per_s: Option<f64>,
    /// Failed share.
    pub error_rate: f32,
    /// Its last times to first token in milliseconds, oldest first; `None` marks a failure.
    pub recent: Vec<Option<u64>>,
    /// Attempts running now.
    pub in_flight: u32,
    /// Rate limits as last told.
    pub limits: Vec<RateWindow>,
    /// The last free keep-warm call in milliseconds.
    pub last_ping_ms: Option<u64>,
    /// Its models in the registry that are in use.
    pub models: Vec<ModelName>,
}

/// Money and tokens spent in this run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spend {
    /// Requests answered or tried.
    pub calls: u64,
    /// Tokens.
    pub usage: Usage,
    /// Money.
    pub cost: Cost,
    /// Of it, money for attempts that gave no answer.
    pub lost: Cost,
}

/// What one part of the cache gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TierStats {
    /// Answers.
    pub hits: u64,
    /// What they would have cost.
    pub saved: Cost,
}

/// Where the shared tier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TierState {
    /// There is none.
    #[default]
    None,
    /// Nobody has needed it yet.
    Untried,
    /// It works.
    Up,
    /// It does not answer; it is tried again by itself.
    Down {
        /// Since when.
        since: UnixMs,
    },
}

/// The answer cache in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Answers given without a call, of whatever part.
    pub hits: u64,
    /// Answers not found.
    pub misses: u64,
    /// Requests that could not be cached.
    pub uncacheable: u64,
    /// Entries held.
    pub entries: u64,
    /// Bytes held.
    pub bytes: u64,
    /// What the hits would have cost.
    pub saved: Cost,
    /// Of the hits, those from memory.
    pub memory: TierStats,
    /// Those from the shared tier.
    pub redis: TierStats,
    /// Those that read along with an identical request.
    pub shared: TierStats,
    /// The shared tier.
    pub tier: TierState,
}

/// One line of the routing log, from decision to outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The request.
    pub request: RequestId,
    /// Its conversation.
    pub session: Option<SessionId>,
    /// Where it came from.
    pub origin: Origin,
    /// When it arrived.
    pub at: UnixMs,
    /// Whether it was asked in a private chat.
    pub privacy: Privacy,
    /// The first words of what was asked; of a private chat that was left [`super::LEFT`].
    pub prompt: String,
    /// The decision.
    pub decision: Arc<Decision>,
    /// What it was decided from; the same input decides the same again under any policy.
    pub input: Arc<DecisionInput>,
    /// How long deciding took.
    pub decided_in: Duration,
    /// Attempts that are over.
    pub attempts: Vec<AttemptReport>,
    /// What there is to doubt about it though it was answered, such as a prompt that was cut.
    pub doubts: Vec<Evidence>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeLevel {
    /// Worth knowing.
    Info,
    /// Something is off and was dealt with.
    Warn,
    /// Something needs the user.
    Error,
}

/// What a notice is about that can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// Traffic was moved away from a slow model.
    Shift(ModelName),
    /// A model or provider is avoided.
    Avoid(String),
}

impl Undo {
    /// The command that undoes it.
    pub fn command(&self) -> Command {
        match self {
            Self::Shift(model) => Command::UndoShift(model.clone()),
            Self::Avoid(name) => Command::Allow(name.clone()),
        }
    }
}

/// Something the user should know, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: UnixMs,
    /// How loud.
    pub level: NoticeLevel,
    /// In words.
    pub text: String,
    /// What can be undone about it.
    pub undo: Option<Undo>,
}

/// What observers see.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Rises by one with every change.
    pub revision: u64,
    /// How many commands it has carried out, of all that were sent.
    pub commands: u64,
    /// When it was taken.
    pub at: UnixMs,
    /// The configuration in force, discovered models included.
    pub config: Arc<Config>,
    /// The policy in force.
    pub policy: String,
    /// What was imposed by hand.
    pub overrides: Overrides,
    /// Models in use, by name.
    pub models: BTreeMap<ModelName, ModelStatus>,
    /// Providers in use, by name.
    pub providers: BTreeMap<ProviderName, ProviderStatus>,
    /// The routing log, oldest first, bounded.
    pub log: Arc<Vec<Arc<LogEntry>>>,
    /// Spending of this run by model.
    pub spend: Spend,
    /// Spent on the user's local day by everything that keeps in the same place, this run included;
    /// `None` where nothing is kept beyond the run, or it has not been read yet.
    pub today: Option<Cost>,
    /// Budgets, what was spent and what is reserved.
    pub budget: Arc<Book>,
    /// What accounts had left when they last told.
    pub balances: BTreeMap<ProviderName, BalanceReading>,
    /// The user's day and month.
    pub calendar: Calendar,
    /// What keeping warm cost in this run.
    pub warm_cost: Cost,
    /// The cache.
    pub cache: CacheStats,
    /// Notices, newest last, bounded.
    pub notices: Vec<Notice>,
    /// Endpoints that have been asked for their models and have not answered yet.
    pub discovering: u32,
    /// What earlier runs learned of models' tokens is known, or there is nothing to know.
    pub remembers: bool,
}

impl Snapshot {
    /// What is known before anything was looked at: the configuration.
    pub(super) fn empty(at: UnixMs, config: Arc<Config>) -> Self {
        Self {
            revision: 0,
            commands: 0,
            at,
            policy: config.routing.policy.clone(),
            overrides: Overrides::default(),
            models: BTreeMap::new(),
            providers: BTreeMap::new(),
            log: Arc::default(),
            spend: Spend::default(),
            today: None,
            budget: Arc::new(Book::new(config.budget.clone())),
            balances: BTreeMap::new(),
            calendar: super::purse::calendar(at),
            warm_cost: Cost::ZERO,
            config,
            cache: CacheStats::default(),
            notices: Vec::new(),
            discovering: 0,
            remembers: false,
        }
    }
}
