//! A registry entry: one model served by one provider, with prices, windows and priors.

use serde_json::{Map, Value};

use crate::domain::{
    Capabilities, Cost, Lang, ModelName, Price, ProviderName, Rates, ServiceTier, TaskKind,
    TaskTable, Tokenizer, UnixMs, Usage,
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

/// Rates that hold at certain times, above a certain prompt size or in a tier of service; what is
/// `None` stays as in the base price, but for a tier's cached tokens (see [`PriceList::in_tier`]).
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
    /// Holds for answers served in this tier; in the usual one where `None`.
    pub tier: Option<ServiceTier>,
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
    /// Figures the base price does not say.
    pub unsaid: Unsaid,
    /// Schedules; where several hold, the later in the list wins, field by field.
    pub schedules: Vec<ScheduledRates>,
    /// The day the figures were read, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// Where they were read; `unconfirmed` when unsure.
    pub source: Option<String>,
}

impl PriceList {
    /// The rates in force at `now` for a prompt of `input_tokens` in the usual tier of service;
    /// `None` when unknown.
    pub fn at(&self, now: UnixMs, input_tokens: u64) -> Option<Rates> {
        let mut rates = self.base?;
        let usual = |s: &&ScheduledRates| matches!(s.tier, None | Some(ServiceTier::Standard));
        for schedule in self.schedules.iter().filter(usual).filter(|s| s.holds(now, input_tokens)) {
            schedule.lay_on(&mut rates);
        }
        Some(rates)
    }

    /// Does nothing cost anything, whenever, however much and in whatever tier?
    pub fn is_free(&self) -> bool {
        self.schedules.is_empty() && self.base == Some(Rates::default())
    }

    /// The rates in force in a tier of service; `None` when they are not known. A tier's price is
    /// known where entries of its own say what input, cached input and output cost; and for a prompt
    /// long enough to be dearer in the usual tier, only where one of them speaks of prompts as long.
    pub fn in_tier(&self, tier: ServiceTier, now: UnixMs, input_tokens: u64) -> Option<TierRates> {
        let usual = self.at(now, input_tokens)?;
        if tier == ServiceTier::Standard || self.is_free() {
            return Some(TierRates { rates: usual, unsaid: self.unsaid });
        }
        let (mut own, mut longest, mut usual_longest) = (ScheduledRates::default(), 0, 0);
        for schedule in self.schedules.iter().filter(|s| s.holds(now, input_tokens)) {
            let over = schedule.over_input_tokens.unwrap_or(0);
            if schedule.tier == Some(tier) {
                longest = over.max(longest);
                own.input = schedule.input.or(own.input);
                own.cached_input = schedule.cached_input.or(own.cached_input);
                own.cache_write = schedule.cache_write.or(own.cache_write);
                own.cache_write_1h = schedule.cache_write_1h.or(own.cache_write_1h);
                own.output = schedule.output.or(own.output);
            } else if schedule.tier.is_none() {
                usual_longest = over.max(usual_longest);
            }
        }
        let said = own.input.is_some() && own.cached_input.is_some() && own.output.is_some();
        if !said || longest < usual_longest {
            return None;
        }
        let cache_write = own.cache_write.is_none() || self.unsaid.cache_write;
        let unsaid = Unsaid { cache_write, ..self.unsaid };
        let mut rates = usual;
        own.lay_on(&mut rates);
        Some(TierRates { rates, unsaid })
    }

    /// `true` when the source says it is unsure.
    pub fn unconfirmed(&self) -> bool {
        self.source.as_deref() == Some("unconfirmed")
    }
}

/// Which figures nobody told: another stands in for them, and a bill it is in is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsaid {
    /// Of cached prompt tokens: they are counted as any other.
    pub cached_input: bool,
    /// Of prompt tokens written to the cache: they are counted as any other, or as in the usual tier.
    pub cache_write: bool,
}

/// The rates of a tier of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierRates {
    /// The rates.
    pub rates: Rates,
    /// Those that are no more than a stand-in.
    pub unsaid: Unsaid,
}

impl TierRates {
    /// What this usage costs; exact where the price of everything in it is known.
    pub fn cost(&self, usage: &Usage) -> Cost {
        // Where prompts are free, so is what is cached of them.
        let paid = self.rates.input != Price::FREE;
        let guessed = (self.unsaid.cached_input && usage.cached_input > 0)
            || (self.unsaid.cache_write && usage.cache_write > 0);
        Cost { amount: self.rates.cost(usage), exact: !(paid && guessed) }
    }
}

impl ScheduledRates {
    /// Puts what it says in place of what was.
    fn lay_on(&self, rates: &mut Rates) {
        rates.input = self.input.unwrap_or(rates.input);
        rates.cached_input = self.cached_input.unwrap_or(rates.cached_input);
        rates.cache_write = self.cache_write.unwrap_or(rates.cache_write);
        rates.cache_write_1h = self.cache_write_1h.or(rates.cache_write_1h);
        rates.output = self.output.unwrap_or(rates.output);
    }

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
    /// The tier of service its calls ask for; `None` leaves it to the provider.
    pub service_tier: Option<ServiceTier>,
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

impl Model {
    /// The rates in force for its calls as they are configured: in the tier of service they ask for.
    /// `None` when unknown.
    pub fn rates(&self, now: UnixMs, input_tokens: u64) -> Option<Rates> {
        let tier = self.service_tier.unwrap_or(ServiceTier::Standard);
        self.prices.in_tier(tier, now, input_tokens).map(|tier| tier.rates)
    }
}
