//! A registry entry: one model served by one provider, with prices, windows and priors.

use serde_json::{Map, Value};

use crate::domain::{
    Capabilities, Lang, ModelName, Price, ProviderName, Rates, TaskKind, TaskTable, Tokenizer,
    UnixMs,
};

use super::{LimitOverrides, Mention, Quirks, WeekWindow};

/// Where a quality figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QualitySource {
    /// A family's prior: a guess to start from, shown with `~`.
    Guess,
    /// The user's own figure.
    User,
}

/// Prior speeds, before anything was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Milliseconds to the first token, warm.
    pub ttft_ms: u64,
    /// Milliseconds more when the endpoint has been idle.
    pub cold_extra_ms: u64,
    /// Tokens per second after the first.
    pub tokens_per_s: f64,
}

/// How a model is kept warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeepWarm {
    /// A free call that keeps the connection warm.
    #[default]
    Free,
    /// One paid token, now and then.
    Infer,
    /// Not at all.
    Off,
}

/// Rates that hold at certain times or above a certain prompt size; what is `None` stays as in the
/// base price.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScheduledRates {
    /// Holds only within this weekly window.
    pub window: Option<WeekWindow>,
    /// Days (UTC, `YYYY-MM-DD` as days since 1970-01-01) on which the window does not hold.
    pub except_days: Vec<i64>,
    /// Holds from this moment on.
    pub from: Option<UnixMs>,
    /// Holds until this moment.
    pub until: Option<UnixMs>,
    /// Holds for prompts of more than so many tokens.
    pub over_input_tokens: Option<u64>,
    /// Per prompt token.
    pub input: Option<Price>,
    /// Per cached prompt token.
    pub cached_input: Option<Price>,
    /// Per prompt token written to the cache.
    pub cache_write: Option<Price>,
    /// Per prompt token written to be kept for an hour.
    pub cache_write_1h: Option<Price>,
    /// Per answer token.
    pub output: Option<Price>,
}

/// A model's prices over time and size.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PriceList {
    /// The price where no schedule holds; `None` when unknown.
    pub base: Option<Rates>,
    /// Schedules; where several hold, the later in the list wins, field by field.
    pub schedules: Vec<ScheduledRates>,
    /// The day the figures were read, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// Where they were read; `unconfirmed` when unsure.
    pub source: Option<String>,
}

impl PriceList {
    /// The rates in force at `now` for a prompt of `input_tokens`; `None` when unknown.
    pub fn at(&self, now: UnixMs, input_tokens: u64) -> Option<Rates> {
        let mut rates = self.base?;
        for schedule in self.schedules.iter().filter(|s| s.holds(now, input_tokens)) {
            rates.input = schedule.input.unwrap_or(rates.input);
            rates.cached_input = schedule.cached_input.unwrap_or(rates.cached_input);
            rates.cache_write = schedule.cache_write.unwrap_or(rates.cache_write);
            rates.cache_write_1h = schedule.cache_write_1h.or(rates.cache_write_1h);
            rates.output = schedule.output.unwrap_or(rates.output);
        }
        Some(rates)
    }

    /// `true` when the source says it is unsure.
    pub fn unconfirmed(&self) -> bool {
        self.source.as_deref() == Some("unconfirmed")
    }
}

impl ScheduledRates {
    fn holds(&self, now: UnixMs, input_tokens: u64) -> bool {
        let day = now.0.div_euclid(86_400_000);
        self.window.as_ref().is_none_or(|w| w.contains(now) && !self.except_days.contains(&day))
            && self.from.is_none_or(|from| now >= from)
            && self.until.is_none_or(|until| now < until)
            && self.over_input_tokens.is_none_or(|least| input_tokens > least)
    }
}

/// One model served by one provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The user's name for it.
    pub name: ModelName,
    /// Who serves it.
    pub provider: ProviderName,
    /// The provider's id for it.
    pub id: String,
    /// Context window in tokens.
    pub context: u64,
    /// Greatest answer in tokens.
    pub max_output: u64,
    /// Prices.
    pub prices: PriceList,
    /// Expected quality per task kind, 0 to 1.
    pub quality: TaskTable,
    /// The kinds whose figure the user set; the rest are priors.
    pub quality_set: Vec<TaskKind>,
    /// Where the quality comes from.
    pub quality_source: QualitySource,
    /// Prior speeds.
    pub latency: Latency,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Languages it is good in; empty means no figure.
    pub languages: Vec<Lang>,
    /// What its tokens are counted with; estimated by script where `None`.
    pub tokenizer: Option<Tokenizer>,
    /// It thinks without sending anything, so silence is not slowness.
    pub thinks_silently: bool,
    /// Parameters sent as they are.
    pub params: Map<String, Value>,
    /// How it differs, the provider's differences included.
    pub quirks: Quirks,
    /// How it is kept warm.
    pub keep_warm: KeepWarm,
    /// Time limits of its own.
    pub limits: LimitOverrides,
    /// When its provider retired it, in words; it is then used only when named.
    pub retired: Option<String>,
    /// A line for people: what it is.
    pub note: Option<String>,
    /// Which layer brought it in.
    pub mention: Mention,
}
