//! Everything the router remembers of providers and models, folded from what the engine saw.
//!
//! Owns: one record per model (health, circuit, limits, shift) and account refusals. Must not know:
//! tasks, channels, clocks: every call says what time it is. Invariant: bounded memory, and the same
//! observations at the same moments give the same state.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{
    FilterCode, FilterReason, ModelName, OutcomeClass, ProviderName, RateScope, RateWindow, UnixMs,
};

use super::circuit::{Circuit, Pass, ProbeTicket};
use super::filter::until_short;
use super::forecast::Forecast;
use super::health::{Bounds, Failed, Health, SLOW_TIMES, Went};
use super::limit::Limit;
use super::record::{Record, clipped};
use super::retry::RetryBudget;
use super::shift::{Shift, ShiftPhase};
use super::{CircuitView, HealthState, ModelHealth, Observation};

/// Models remembered; beyond it the one unseen for longest is forgotten.
const MODELS: usize = 1_024;

/// Models of one provider that must be refused before the provider itself counts as refused.
const REFUSED_MODELS: usize = 2;

/// How the router's memory works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterSettings {
    /// How long a sample counts.
    pub window: Duration,
    /// How many samples count.
    pub samples: usize,
    /// How long a model stays warm after use or a ping.
    pub warm_for: Duration,
    /// The p95 of the first token above which traffic moves away.
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
            warm_for: Duration::from_secs(90),
            p95_limit: Duration::from_secs(3),
            shift_for: Duration::from_mins(5),
            min_samples: 20,
        }
    }
}

/// Leave to make one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an admission that is neither used nor released holds a probe slot"]
pub enum Admission {
    /// The circuit is closed.
    Free,
    /// This attempt is the circuit's probe.
    Probe(ProbeTicket),
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
    /// The last free keep-warm call in milliseconds.
    pub last_ping_ms: Option<u64>,
}

/// The router's memory; one per engine.
#[derive(Debug, Clone)]
pub struct RouterState {
    settings: RouterSettings,
    bounds: Bounds,
    records: BTreeMap<ModelName, Record>,
    refused: BTreeMap<ProviderName, (UnixMs, String)>,
    /// Limits that count all models of a provider together.
    accounts: BTreeMap<ProviderName, Limit>,
    retries: BTreeMap<ProviderName, RetryBudget>,
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
        }
    }

    /// Other settings from here on; what is remembered stays.
    pub fn configure(&mut self, settings: RouterSettings) {
        *self = Self {
            records: std::mem::take(&mut self.records),
            refused: std::mem::take(&mut self.refused),
            accounts: std::mem::take(&mut self.accounts),
            retries: std::mem::take(&mut self.retries),
            ..Self::new(settings)
        };
    }

    /// What a model's first token usually takes; a silent thinker's is long, and not slowness.
    pub fn set_prior(&mut self, provider: &ProviderName, model: &ModelName, ttft_ms: u64) {
        self.record(provider, model, UnixMs(i64::MIN)).prior_ms = ttft_ms;
    }

    fn record(&mut self, provider: &ProviderName, model: &ModelName, now: UnixMs) -> &mut Record {
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
            Observation::Started => record.health.started(now),
            Observation::FirstToken { ttft_ms } => {
                record.health.first_token(*ttft_ms, now, &bounds);
                let since = record.shift.counts_since();
                let firsts = record.health.firsts_since(since, now, &bounds);
                let limit = record.p95_limit_ms(&settings);
                let p95 = super::health::percentile(&firsts, 0.95);
                if firsts.len() >= settings.min_samples.max(1) as usize
                    && p95.is_some_and(|p95| p95 > limit)
                {
                    record.shift.start(now, settings.shift_for);
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
                if ms.is_some() {
                    record.health.touch(now);
                }
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

    /// Closes a model's circuit by hand and forgets its throttling.
    pub fn close_circuit(&mut self, model: &ModelName) {
        if let Some(record) = self.records.get_mut(model) {
            record.circuit.success();
            record.limit.passed();
        }
    }

    /// Brings a model's traffic back by hand.
    pub fn undo_shift(&mut self, model: &ModelName, now: UnixMs) {
        if let Some(record) = self.records.get_mut(model) {
            record.shift.undo(now);
        }
    }

    /// Asks leave for one attempt with fresh state; the reason says why not. A probe's slot is freed
    /// by its [`Observation::Ended`], by [`Self::release`], or by time.
    pub fn try_admit(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Result<Admission, FilterReason> {
        let no = |code, detail: String| Err(FilterReason { code, detail });
        if let Some((_, why)) = self.refused.get(provider) {
            return no(FilterCode::Account, why.clone());
        }
        if let Some((_, why)) = &self.record(provider, model, now).account {
            return no(FilterCode::Account, why.clone());
        }
        if let Some(until) = self.limited_until(provider, model, now) {
            return no(FilterCode::RateLimited, format!("retry in {}", until_short(now, until)));
        }
        let near = self.forecast(provider, model, now).filter(|near| near.keeps_away(now));
        if let Some(near) = near {
            return no(FilterCode::RateLimited, near.words(now));
        }
        let record = self.record(provider, model, now);
        let admission = match record.circuit.try_pass(now) {
            Pass::Free => Admission::Free,
            Pass::Probe(ticket) => Admission::Probe(ticket),
            Pass::Wait(until) => {
                let detail = match record.circuit.view(now) {
                    CircuitView::HalfOpen => "a probe is under way".to_owned(),
                    CircuitView::Open { .. } | CircuitView::Closed => {
                        format!("retry in {}", until_short(now, until))
                    }
                };
                return no(FilterCode::CircuitOpen, detail);
            }
        };
        if let Err(until) = record.shift.try_pass(now) {
            if let Admission::Probe(ticket) = admission {
                record.circuit.give_back(ticket);
            }
            let detail = format!("coming back by and by, all of it in {}", until_short(now, until));
            return no(FilterCode::Shifted, detail);
        }
        self.sent(provider, model, now);
        Ok(admission)
    }

    /// One request more on its way, for the limits it counts against.
    fn sent(&mut self, provider: &ProviderName, model: &ModelName, now: UnixMs) {
        self.record(provider, model, now).limit.sent(now);
        if let Some(account) = self.accounts.get_mut(provider) {
            account.sent(now);
        }
    }

    fn limited_until(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Option<UnixMs> {
        let own = self.records.get(model).and_then(|record| record.limit.until(now));
        own.max(self.accounts.get(provider).and_then(|account| account.until(now)))
    }

    fn forecast(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Option<Forecast> {
        let own = self
            .records
            .get(model)
            .and_then(|record| record.limit.forecast(record.health.in_flight(), now));
        let account = self.accounts.get(provider).and_then(|account| {
            let mine = self.records.values().filter(|record| record.provider == *provider);
            account.forecast(mine.map(|record| record.health.in_flight()).sum(), now)
        });
        own.into_iter().chain(account).min_by_key(|near| (!near.keeps_away(now), near.runs_out))
    }

    /// A first attempt goes to this provider: it earns a share of a retry.
    pub fn earn_retry(&mut self, provider: &ProviderName, now: UnixMs) {
        // One bucket per provider in the configuration: their number is bounded.
        self.retries.entry(provider.clone()).or_default().earn(now);
    }

    /// May this provider be asked again? The answer counts as asking.
    pub fn may_retry(&mut self, provider: &ProviderName, now: UnixMs) -> bool {
        self.retries.entry(provider.clone()).or_default().spend(now)
    }

    /// Leave for one attempt although a circuit or shift is against it: for when the decision found
    /// nobody else.
    pub fn admit_anyway(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Admission {
        self.sent(provider, model, now);
        match self.record(provider, model, now).circuit.force(now) {
            Pass::Probe(ticket) => Admission::Probe(ticket),
            Pass::Free | Pass::Wait(_) => Admission::Free,
        }
    }

    /// Gives back an admission whose attempt never ended (or never began). Harmless after its end.
    pub fn release(&mut self, model: &ModelName, admission: Admission) {
        if let (Admission::Probe(ticket), Some(record)) = (admission, self.records.get_mut(model)) {
            record.circuit.give_back(ticket);
        }
    }

    /// Everything about a model at a moment; an unseen one is unknown.
    pub fn view(&self, model: &ModelName, now: UnixMs) -> ModelView {
        let Some(record) = self.records.get(model) else { return ModelView::default() };
        let mut health = record.health.figures(now, &self.bounds);
        let circuit = record.circuit.view(now);
        let slow_factor = record.health.slow_factor(now, &self.bounds);
        let limit = record.p95_limit_ms(&self.settings);
        let enough = record.health.firsts_since(UnixMs(i64::MIN), now, &self.bounds).len()
            >= self.settings.min_samples.max(1) as usize;
        health.state = match circuit {
            CircuitView::Open { .. } => HealthState::Down,
            CircuitView::HalfOpen => HealthState::Probing,
            CircuitView::Closed => {
                let over = enough && health.ttft_p95.is_some_and(|p95| p95 > limit);
                let slower = slow_factor.is_some_and(|factor| factor >= SLOW_TIMES);
                if over || slower {
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
            shifted_until: match record.shift.phase(now) {
                ShiftPhase::Away { until } => Some(until),
                ShiftPhase::Steady | ShiftPhase::Returning { .. } => None,
            },
            recent: record.health.recent(),
            last_error: record.last_error.clone(),
            limits: record
                .limit
                .windows()
                .chain(self.accounts.get(&record.provider).into_iter().flat_map(Limit::windows))
                .cloned()
                .collect(),
            forecast: self.forecast(&record.provider, model, now),
            account: record.account.clone().or_else(|| self.refused.get(&record.provider).cloned()),
            slow_factor,
            last_ping_ms: record.last_ping_ms,
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
