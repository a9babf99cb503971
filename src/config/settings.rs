//! The whole configuration, checked: policies, rules, limits, feedback, cache, budgets, console.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{
    Budget, Currency, Denomination, ExchangeRate, Lang, ModelName, Money, ProviderName, TaskKind,
};

use super::{Model, Provider};

/// Weights of a policy. They are normalised to sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyWeights {
    /// How much quality counts.
    pub quality: f64,
    /// How much cost counts.
    pub cost: f64,
    /// How much speed counts.
    pub speed: f64,
}

/// What a rule looks at; what is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleWhen {
    /// The kind of work.
    pub task: Option<TaskKind>,
    /// At least so many prompt tokens.
    pub min_context: Option<u64>,
    /// The message carries this tag.
    pub tag: Option<String>,
    /// The text is in this language.
    pub lang: Option<Lang>,
}

/// What a rule does. Names are models, providers or provider tags.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleThen {
    /// These before all others, while they fit.
    Prefer(Vec<String>),
    /// Only these.
    Only(Vec<String>),
    /// All but these.
    Avoid(Vec<String>),
    /// This policy.
    Policy(String),
}

/// A rule: the first that holds decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// When it holds.
    pub when: RuleWhen,
    /// What it does.
    pub then: RuleThen,
}

/// What to do when a model refuses by content filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnRefusal {
    /// Say so.
    #[default]
    Report,
    /// Ask the next model.
    Next,
}

/// Routing settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// The policy in force.
    pub policy: String,
    /// What to do on a refusal.
    pub on_refusal: OnRefusal,
    /// Rules, first match wins.
    pub rules: Vec<Rule>,
}

/// Time limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// From sent to the first content token.
    pub first_token: Duration,
    /// Between tokens.
    pub between_tokens: Duration,
    /// The whole request, all attempts.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(10),
            between_tokens: Duration::from_secs(30),
            total: Duration::from_mins(5),
        }
    }
}

/// Time limits a provider or model sets for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitOverrides {
    /// To connect.
    pub connect: Option<Duration>,
    /// From sent to the first content token.
    pub first_token: Option<Duration>,
    /// Between tokens.
    pub between_tokens: Option<Duration>,
    /// The whole request.
    pub total: Option<Duration>,
}

impl LimitOverrides {
    /// These where set, `base` elsewhere.
    pub fn over(&self, base: Limits) -> Limits {
        Limits {
            connect: self.connect.unwrap_or(base.connect),
            first_token: self.first_token.unwrap_or(base.first_token),
            between_tokens: self.between_tokens.unwrap_or(base.between_tokens),
            total: self.total.unwrap_or(base.total),
        }
    }
}

/// Which time slowness is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FeedbackMetric {
    /// The time to the first token.
    #[default]
    Ttft,
    /// The time to the last one.
    Total,
}

/// When slowness moves traffic away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback {
    /// Which time is judged.
    pub metric: FeedbackMetric,
    /// The p95 above which traffic moves.
    pub p95_limit: Duration,
    /// For how long.
    pub shift_for: Duration,
    /// Samples needed before it can.
    pub min_samples: u32,
}

/// Whether a second model is asked beside a first one that is slow to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HedgeWhen {
    /// Never.
    #[default]
    Never,
    /// When the first token takes longer than the model's own p95.
    Slow,
}

/// Hedging.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hedge {
    /// When.
    pub when: HedgeWhen,
    /// The greatest share of requests, 0 to 1.
    pub max_share: f64,
    /// The most that second models may cost in an hour.
    pub max_per_hour: Money,
}

/// When answers are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CacheWhen {
    /// Only repeatable requests.
    #[default]
    Deterministic,
    /// All complete answers.
    Always,
    /// None.
    Never,
}

/// The shared cache tier.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Its address: `redis://`, `rediss://` (encrypted) or `unix://`. May hold a user and password.
    pub url: String,
    /// How long entries live.
    pub ttl: Duration,
}

impl RedisSettings {
    /// The address for people: without the user and password that may be in it, wherever those stand.
    pub fn address(&self) -> String {
        super::show::public(&self.url)
    }
}

impl std::fmt::Debug for RedisSettings {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisSettings").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// Cache settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// When answers are cached.
    pub when: CacheWhen,
    /// Greatest size of the memory tier in bytes.
    pub max_bytes: u64,
    /// Greatest number of entries of the memory tier.
    pub max_entries: usize,
    /// How long entries live in memory.
    pub ttl: Duration,
    /// The shared tier, if any.
    pub redis: Option<RedisSettings>,
}

/// What amounts are shown in. They are counted in dollars whatever is said here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrencySettings {
    /// The currency costs are shown in at first; dollars, or one that has a rate.
    pub show: Option<Currency>,
    /// What a dollar is in other currencies. Never the dollar itself.
    pub rates: BTreeMap<Currency, ExchangeRate>,
    /// The day the rates were read, as written: `2026-11-20`.
    pub as_of: Option<String>,
}

impl CurrencySettings {
    /// What amounts in this currency are shown at; dollars where it has no rate.
    pub fn denomination(&self, currency: Currency) -> Denomination {
        let rate = self.rates.get(&currency);
        rate.map_or(Denomination::Dollars, |rate| Denomination::At(currency, *rate))
    }

    /// What costs are shown in at first.
    pub fn first(&self) -> Denomination {
        self.denomination(self.show.unwrap_or(Currency::USD))
    }

    /// The one after this, round: dollars, then those that have a rate.
    pub fn after(&self, shown: Currency) -> Denomination {
        let mut later = self.rates.keys().filter(|each| shown == Currency::USD || **each > shown);
        later.next().map_or(Denomination::Dollars, |next| self.denomination(*next))
    }
}

/// What is kept of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capture {
    /// Keep request and answer bodies.
    pub bodies: bool,
    /// Keep errors whose words are not known, without keys and without what was asked.
    pub unknown_errors: bool,
}

/// What the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LedgerSettings {
    /// How much of each request.
    pub keep: KeepWhat,
    /// Conversations nothing was said in for so many days are removed; `None` is never.
    pub keep_days: Option<u32>,
    /// Decisions, attempts and lines of spending of so many days ago are removed; `None` is never.
    pub record_days: Option<u32>,
}

/// How much of each request the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeepWhat {
    /// Everything.
    #[default]
    All,
    /// Decisions, attempts and money, and not a word of what was asked or answered.
    Figures,
    /// Nothing of requests. Budgets that are set still count their sums.
    Nothing,
}

/// How the console looks and listens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsoleSettings {
    /// A shipped theme's name, or a file.
    pub theme: String,
    /// Key bindings: `context.action` to keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What sends: `enter` or `alt-enter`.
    pub send: String,
    /// `off`, `wheel` or `full`.
    pub mouse: String,
    /// ASCII glyphs only.
    pub ascii: bool,
    /// Words for a screen reader instead of a screen.
    pub accessible: bool,
    /// The language of what goes wrong: `auto`, from the locale; `en`, `zh`.
    pub language: String,
    /// The model that savings are counted against; the dearest usable one when not set.
    pub baseline: Option<String>,
}

/// The configuration, whole and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Providers by name.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// Models by name.
    pub models: BTreeMap<ModelName, Model>,
    /// Routing.
    pub routing: Routing,
    /// Policies by name, shipped ones included.
    pub policies: BTreeMap<String, PolicyWeights>,
    /// Time limits.
    pub limits: Limits,
    /// Slowness.
    pub feedback: Feedback,
    /// Hedging.
    pub hedge: Hedge,
    /// Cache.
    pub cache: CacheSettings,
    /// Budgets.
    pub budget: Budget,
    /// Whether providers that tell what an account has left are asked for it, once an hour.
    pub poll_balances: bool,
    /// What amounts are shown in.
    pub currency: CurrencySettings,
    /// Console.
    pub console: ConsoleSettings,
    /// Capture.
    pub capture: Capture,
    /// Ledger.
    pub ledger: LedgerSettings,
}

impl Config {
    /// The policy whose name this is, or whose name begins so when only one does.
    pub fn policy_named(&self, text: &str) -> Option<&str> {
        if let Some((name, _)) = self.policies.get_key_value(text) {
            return Some(name);
        }
        let mut hits = self.policies.keys().filter(|name| name.starts_with(text));
        match (hits.next(), hits.next()) {
            (Some(name), None) if !text.is_empty() => Some(name),
            _ => None,
        }
    }

    /// The limits in force for a model.
    pub fn limits_for(&self, model: &Model) -> Limits {
        let base = self
            .providers
            .get(&model.provider)
            .map_or(self.limits, |provider| provider.limits.over(self.limits));
        model.limits.over(base)
    }

    /// Of marks that are nearly `#private`, one that no rule names: whoever wrote it may have meant
    /// that one.
    pub fn unruled<'a>(&self, marks: &'a [String]) -> Option<&'a str> {
        let same = |tag: &str, mark: &str| {
            tag.trim_start_matches('#').to_lowercase() == mark.to_lowercase()
        };
        let ruled = |mark: &str| {
            let mut tags = self.routing.rules.iter().filter_map(|rule| rule.when.tag.as_deref());
            tags.any(|tag| same(tag, mark))
        };
        marks.iter().map(String::as_str).find(|mark| !ruled(mark))
    }
}
