//! Everything the router remembers of providers and models, folded from what the engine saw.
//!
//! Owns: one record per model (health, circuit, limits, shift) and account refusals. Must not know:
//! tasks, channels, clocks: every call says what time it is. Invariant: bounded memory, and the same
//! observations at the same moments give the same state.

mod keep;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{
    Evidence, ModelName, OutcomeClass, ProviderName, RateScope, RateWindow, UnixMs,
};

pub use keep::Kept;

use super::circuit::{Circuit, FreeCall};
use super::forecast::Forecast;
use super::health::{Bounds, Failed, Health, SLOW_TIMES, Went};
use super::intake::Intake;
use super::limit::Limit;
use super::record::{Record, clipped};
use super::retry::RetryBudget;
use super::shift::{Shift, ShiftPhase};
use super::tokens::{TokenFactors, Tokens};
use super::{CircuitView, HealthState, ModelHealth, Observation, WarmFigures};

/// Models remembered; beyond it the one unseen for longest is forgotten.
const MODELS: usize = 1_024;

/// Models of one provider that must be refused before the provider itself counts as refused.
const REFUSED_MODELS: usize = 2;

/// Which time slowness is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SlowMetric {
    /// The time to the first token.
    #[default]
    Ttft,
    /// The time to the last one.
    Total,
}

/// How the router's memory works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterSettings {
    /// How long a sample counts.
    pub window: Duration,
    /// How many samples count.
    pub samples: usize,
    /// How long a model stays warm after use or a call: longer than the time between calls, shorter
    /// than providers take to go cold.
    pub warm_for: Duration,
    /// Which time slowness is judged by.
    pub metric: SlowMetric,
    /// The p95 of it above which traffic moves away.
    pub p95_limit: Duration,
    /// For how long.
    pub shift_for: Duration,
    /// Samples needed before it can.
    pub min_samples: u32,
}

impl Default for RouterSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(5),
            samples: 200,
            warm_for: Duration::from_secs(70),
            metric: SlowMetric::Ttft,
            p95_limit: Duration::from_secs(3),
            shift_for: Duration::from_mins(5),
            min_samples: 20,
        }
    }
}

/// A model as the router sees it at a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelView {
    /// What was measured. With `samples` 0 the medians are the last known ones.
    pub health: ModelHealth,
    /// Its circuit.
    pub circuit: CircuitView,
    /// Must not be asked before this moment.
    pub limited_until: Option<UnixMs>,
    /// Where its traffic stands.
    pub shift: ShiftPhase,
    /// Traffic is away until this moment.
    pub shifted_until: Option<UnixMs>,
    /// Its last times to first token in milliseconds, oldest first; `None` marks a failure.
    pub recent: Vec<Option<u64>>,
    /// What went wrong last, and when.
    pub last_error: Option<(UnixMs, String)>,
    /// Rate limits as last told.
    pub limits: Vec<RateWindow>,
    /// The limit that is used up first at the present rate, before it resets.
    pub forecast: Option<Forecast>,
    /// The account was refused, in words, and when.
    pub account: Option<(UnixMs, String)>,
    /// Times slower than its own last hour, where that is known: `slow 4x`.
    pub slow_factor: Option<f64>,
    /// The last free call in milliseconds.
    pub last_ping_ms: Option<u64>,
    /// What keeping it warm has come to.
    pub warm: WarmFigures,
    /// Learned factors of its tokens.
    pub tokens: TokenFactors,
}

/// A model that has become too slow. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    /// Which.
    pub model: ModelName,
    /// The 95th percentile of its fresh samples.
    pub p95_ms: u64,
    /// What it should be under.
    pub limit_ms: u64,
}

/// The router's memory; one per engine.
#[derive(Debug, Clone)]
pub struct RouterState {
    settings: RouterSettings,
    bounds: Bounds,
    pub(super) records: BTreeMap<ModelName, Record>,
    pub(super) refused: BTreeMap<ProviderName, (UnixMs, String)>,
    /// Limits that count all models of a provider together.
    pub(super) accounts: BTreeMap<ProviderName, Limit>,
    pub(super) retries: BTreeMap<ProviderName, RetryBudget>,
    /// Models that were found too slow since that was last asked; at most one entry per record.
    slow: BTreeSet<ModelName>,
    /// What earlier runs learned of the tokens of models that were not seen in this one yet.
    pub(super) remembered: BTreeMap<ModelName, Tokens>,
}

impl RouterState {
    /// Knows nothing yet.
    pub fn new(settings: RouterSettings) -> Self {
        let bounds = Bounds {
            span: settings.window,
            samples: settings.samples.max(1),
            warm_for: settings.warm_for,
        };
        Self {
            settings,
            bounds,
            records: BTreeMap::new(),
            refused: BTreeMap::new(),
            accounts: BTreeMap::new(),
            retries: BTreeMap::new(),
            slow: BTreeSet::new(),
            remembered: BTreeMap::new(),
        }
    }

    /// Other settings from here on; what is remembered stays.
    pub fn configure(&mut self, settings: RouterSettings) {
        *self = Self {
            records: std::mem::take(&mut self.records),
            refused: std::mem::take(&mut self.refused),
            accounts: std::mem::take(&mut self.accounts),
            retries: std::mem::take(&mut self.retries),
            remembered: std::mem::take(&mut self.remembered),
            ..Self::new(settings)
        };
    }

    /// What a model's first token usually takes; a silent thinker's is long, and not slowness.
    pub fn set_prior(&mut self, provider: &ProviderName, model: &ModelName, ttft_ms: u64) {
        self.record(provider, model, UnixMs(i64::MIN)).prior_ms = ttft_ms;
    }

    pub(super) fn record(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> &mut Record {
        if self.records.len() >= MODELS && !self.records.contains_key(model) {
            let oldest =
                self.records.iter().min_by_key(|(_, record)| record.seen).map(|(n, _)| n.clone());
            if let Some(oldest) = oldest {
                self.records.remove(&oldest);
            }
        }
        let record = self.records.entry(model.clone()).or_insert_with(|| Record {
            provider: provider.clone(),
            health: Health::default(),
            circuit: Circuit::default(),
            limit: Limit::default(),
            shift: Shift::default(),
            intake: Intake::default(),
            tokens: self.remembered.remove(model).unwrap_or_default(),
            prior_ms: 0,
            last_error: None,
            account: None,
            last_ping_ms: None,
            seen: now,
        });
        record.seen = record.seen.max(now);
        record
    }

    /// Takes in what the engine saw. [`Observation::Started`] and [`Observation::Ended`] come in pairs.
    pub fn fold(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        seen: &Observation,
        now: UnixMs,
    ) {
        let (bounds, settings) = (self.bounds, self.settings);
        let record = self.record(provider, model, now);
        match seen {
            Observation::Started => record.health.started(now, &bounds),
            Observation::FirstToken { ttft_ms } => {
                record.health.first_token(*ttft_ms, now, &bounds);
                if settings.metric == SlowMetric::Ttft && record.slow(&settings, now, &bounds) {
                    self.slow.insert(model.clone());
                }
            }
            Observation::Ended {
                outcome,
                total_ms,
                output_tokens,
                streaming_ms,
                gap_ms,
                retry_after_ms,
                detail,
            } => {
                let speed = (*streaming_ms >= 100 && *output_tokens >= 5)
                    .then(|| *output_tokens as f64 * 1000.0 / *streaming_ms as f64);
                record.health.landed();
                let went = Went {
                    failed: Failed::No,
                    total_ms: *total_ms,
                    tokens_per_s: speed,
                    gap_ms: *gap_ms,
                };
                record.ended(*outcome, went, *retry_after_ms, detail, now, &bounds);
                if settings.metric == SlowMetric::Total
                    && outcome.is_none()
                    && record.slow(&settings, now, &bounds)
                {
                    self.slow.insert(model.clone());
                }
                if *outcome == Some(OutcomeClass::Account) {
                    self.widen_refusal(provider, detail, now);
                }
            }
            Observation::Limits { windows, told_at } => {
                for window in windows.iter().filter(|window| window.scope == RateScope::Model) {
                    record.limit.told(window, *told_at);
                }
                for window in windows.iter().filter(|window| window.scope == RateScope::Account) {
                    // Bounded like the providers of the configuration.
                    self.accounts.entry(provider.clone()).or_default().told(window, *told_at);
                }
            }
            Observation::Used { input, output } => {
                record.limit.used(*input, *output);
                if let Some(account) = self.accounts.get_mut(provider) {
                    account.used(*input, *output);
                }
            }
            Observation::Pinged { ms } => {
                record.last_ping_ms = *ms;
                let how = if ms.is_some() { FreeCall::Answered } else { FreeCall::Failed };
                record.circuit.free_call(how, now);
                if ms.is_some() {
                    record.health.uses().called(now);
                }
            }
            Observation::Warmed { outcome, total_ms, retry_after_ms, detail } => {
                let took = Duration::from_millis(*total_ms);
                let wait = retry_after_ms.map(Duration::from_millis);
                record.warmed(*outcome, (took, wait), detail, now, &bounds);
            }
        }
    }

    /// Refusals of several models of one provider are the provider's.
    fn widen_refusal(&mut self, provider: &ProviderName, detail: &str, now: UnixMs) {
        let refused = self
            .records
            .values()
            .filter(|record| record.provider == *provider && record.account.is_some())
            .count();
        if refused >= REFUSED_MODELS {
            self.refuse_provider(provider, detail, now);
        }
    }

    /// The provider's key or balance was refused: all its models are out until
    /// [`Self::clear_account`].
    pub fn refuse_provider(&mut self, provider: &ProviderName, detail: &str, now: UnixMs) {
        self.refused.insert(provider.clone(), (now, clipped(detail)));
    }

    /// Key or configuration changed, or a free call went well: account refusals of this provider's
    /// models are forgotten.
    pub fn clear_account(&mut self, provider: &ProviderName) {
        self.refused.remove(provider);
        for record in self.records.values_mut().filter(|record| record.provider == *provider) {
            record.account = None;
        }
    }

    /// A model that was refused is on offer again.
    pub fn clear_model_account(&mut self, model: &ModelName) {
        if let Some(record) = self.records.get_mut(model) {
            record.account = None;
        }
    }

    /// Closes a model's circuit by hand and forgets its throttling.
    pub fn close_circuit(&mut self, model: &ModelName) {
        if let Some(record) = self.records.get_mut(model) {
            record.circuit.close();
            record.limit.lift();
        }
    }

    /// An answer reported so many prompt tokens, cached ones included, where so many were estimated.
    /// Tells when the provider seems to have cut what it read.
    pub fn intake(&mut self, model: &ModelName, sent: u64, read: u64) -> Option<Evidence> {
        self.records.get_mut(model)?.intake.told(sent, read)
    }

    /// Models that have become too slow since this was last asked, whose traffic is not away. Whether
    /// it can go elsewhere is for the caller to find out.
    pub fn take_slow(&mut self, now: UnixMs) -> Vec<Slow> {
        let (bounds, settings) = (self.bounds, self.settings);
        std::mem::take(&mut self.slow)
            .into_iter()
            .filter_map(|model| {
                let record = self.records.get(&model)?;
                let fresh = record.measured(&settings, now, &bounds);
                let p95_ms = super::health::percentile(&fresh, 0.95)?;
                Some(Slow { limit_ms: record.p95_limit_ms(&settings), model, p95_ms })
            })
            .collect()
    }

    /// Moves a model's traffic away. Gives for how long; `None` when it is away already.
    pub fn shift(&mut self, model: &ModelName, now: UnixMs) -> Option<Duration> {
        let span = self.settings.shift_for;
        self.records.get_mut(model)?.shift.start(now, span)
    }

    /// Models whose traffic has begun to come back since this was last asked.
    pub fn came_back(&mut self, now: UnixMs) -> Vec<ModelName> {
        let back = |(name, record): (&ModelName, &mut Record)| {
            record.shift.came_back(now).then(|| name.clone())
        };
        self.records.iter_mut().filter_map(back).collect()
    }

    /// Since when a provider has had a model whose circuit is open, if it has one.
    pub fn broken_since(&self, provider: &ProviderName) -> Option<UnixMs> {
        let mine = self.records.values().filter(|record| record.provider == *provider);
        mine.filter_map(|record| record.circuit.opened()).min()
    }

    /// The oldest account refusal of a provider or its models, if there is one.
    pub fn refused_since(&self, provider: &ProviderName) -> Option<UnixMs> {
        let mine = self.records.values().filter(|record| record.provider == *provider);
        let models = mine.filter_map(|record| record.account.as_ref());
        models.chain(self.refused.get(provider)).map(|(at, _)| *at).min()
    }

    /// Brings a model's traffic back by hand.
    pub fn undo_shift(&mut self, model: &ModelName, now: UnixMs) {
        if let Some(record) = self.records.get_mut(model) {
            record.shift.undo(now);
        }
    }

    /// A model's rate limits as last told, those of its account included.
    pub fn limits(&self, model: &ModelName) -> Vec<RateWindow> {
        let Some(record) = self.records.get(model) else { return Vec::new() };
        let account = self.accounts.get(&record.provider);
        record
            .limit
            .windows()
            .chain(account.into_iter().flat_map(Limit::windows))
            .cloned()
            .collect()
    }

    /// Everything about a model at a moment; an unseen one is unknown.
    pub fn view(&self, model: &ModelName, now: UnixMs) -> ModelView {
        let Some(record) = self.records.get(model) else {
            let tokens = self.remembered.get(model).map(Tokens::factors).unwrap_or_default();
            return ModelView { tokens, ..ModelView::default() };
        };
        let mut health = record.health.figures(now, &self.bounds);
        let circuit = record.circuit.view(now);
        let slow_factor = record.health.slow_factor(now, &self.bounds);
        let limit = record.p95_limit_ms(&self.settings);
        let (firsts, totals) = record.health.counts(now, &self.bounds);
        let (measured, p95) = match self.settings.metric {
            SlowMetric::Ttft => (firsts, health.ttft_p95),
            SlowMetric::Total => (totals, health.total_p95),
        };
        let enough = measured >= self.settings.min_samples.max(1) as usize;
        health.state = match circuit {
            CircuitView::Open { .. } => HealthState::Down,
            CircuitView::HalfOpen => HealthState::Probing,
            CircuitView::Closed => {
                let over = enough && p95.is_some_and(|p95| p95 > limit);
                let away = matches!(record.shift.phase(now), ShiftPhase::Away { .. });
                let slower = slow_factor.is_some_and(|factor| factor >= SLOW_TIMES);
                if over || slower || away {
                    HealthState::Slow
                } else if health.samples > 0
                    || health.ttft_p50.is_some()
                    || record.last_ping_ms.is_some()
                {
                    HealthState::Up
                } else {
                    HealthState::Unknown
                }
            }
        };
        ModelView {
            health,
            circuit,
            limited_until: self.limited_until(&record.provider, model, now),
            shift: record.shift.phase(now),
            shifted_until: match record.shift.phase(now) {
                ShiftPhase::Away { until } => Some(until),
                ShiftPhase::Steady | ShiftPhase::Returning { .. } => None,
            },
            recent: record.health.recent(),
            last_error: record.last_error.clone(),
            limits: self.limits(model),
            forecast: self.forecast(&record.provider, model, now),
            account: record.account.clone().or_else(|| self.refused.get(&record.provider).cloned()),
            slow_factor,
            last_ping_ms: record.last_ping_ms,
            warm: record.health.warm_figures(),
            tokens: record.tokens.factors(),
        }
    }

    /// Why and since when a provider's account is refused, whichever of its models one asks for.
    pub fn provider_account(&self, provider: &ProviderName) -> Option<&(UnixMs, String)> {
        self.refused.get(provider)
    }

    /// Where a model's traffic stands.
    pub fn shift_phase(&self, model: &ModelName, now: UnixMs) -> ShiftPhase {
        self.records.get(model).map_or(ShiftPhase::Steady, |record| record.shift.phase(now))
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
