//! From the actor's state to the snapshot observers see.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Provider;
use crate::domain::{Cost, ModelName, RateWindow, UnixMs};
use crate::route::{CircuitView, HealthState, KeyState, Warmth};

use super::super::input::maintenance_until;
use super::super::{Countdown, ModelStatus, Pending, ProviderStatus, Snapshot, WarmStatus};
use super::Actor;

/// Times to first token a provider's sparkline is drawn from.
const RECENT: usize = 32;

impl Actor {
    pub(super) fn publish(&mut self) {
        self.revision += 1;
        let snapshot = self.snapshot(super::super::clock::now());
        self.publish.send_replace(Arc::new(snapshot));
    }

    /// The state as observers see it.
    pub(super) fn snapshot(&self, now: UnixMs) -> Snapshot {
        let mut models = BTreeMap::new();
        let mut providers = BTreeMap::new();
        for provider in self.config.providers.values() {
            if !self.active(provider) {
                continue;
            }
            let mine: Vec<ModelStatus> = self
                .models_of(&provider.name)
                .map(|model| self.model(provider, model, now))
                .collect();
            providers.insert(provider.name.clone(), self.provider(provider, &mine, now));
            models.extend(mine.into_iter().map(|status| (status.model.clone(), status)));
        }
        let (budget, calendar) = self.shared.purse.look(now);
        let today = self.shared.purse.today(&budget, &calendar);
        Snapshot {
            revision: self.revision,
            commands: self.commands,
            at: now,
            config: Arc::clone(&self.config),
            policy: self.policy.clone(),
            overrides: self.overrides.clone(),
            models,
            providers,
            log: self.log.entries(),
            spend: self.spend,
            warm_cost: self.warm.values().fold(Cost::ZERO, |sum, (_, cost)| sum + *cost),
            today,
            budget,
            balances: self.readings(),
            calendar,
            cache: self.shared.shelf.stats(),
            notices: self.notices.clone(),
            discovering: self.discovering,
            remembers: self.remembers,
        }
    }

    fn model(&self, provider: &Provider, model: &ModelName, now: UnixMs) -> ModelStatus {
        let mut view = self.router.view(model, now);
        if self.unreached.contains(&provider.name) {
            view.health.state = HealthState::Down;
        }
        let (calls, cost) = self.warm.get(model).copied().unwrap_or((0, Cost::ZERO));
        ModelStatus {
            model: model.clone(),
            provider: provider.name.clone(),
            health: view.health,
            circuit: view.circuit,
            limited_until: view.limited_until,
            forecast: view.forecast,
            shift: view.shift,
            shifted_until: view.shifted_until,
            refused: view.account.map(|(_, words)| words),
            recent: view.recent,
            last_error: view.last_error,
            spend: self.by_model.get(model).copied().unwrap_or_default(),
            warm: WarmStatus { figures: view.warm, calls, cost },
            tokens: view.tokens,
        }
    }

    fn provider(&self, provider: &Provider, models: &[ModelStatus], now: UnixMs) -> ProviderStatus {
        let used = || models.iter().filter(|model| model.health.samples > 0);
        let median = |pick: fn(&ModelStatus) -> Option<u64>| {
            let mut values: Vec<u64> = used().filter_map(pick).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied()
        };
        let key = match self.router.provider_account(&provider.name) {
            Some((_, words)) => KeyState::Refused(words.clone()),
            None => self.shared.keys.state(&provider.name),
        };
        let present = self.is_present(provider);
        let address = match (present, self.unreached.contains(&provider.name)) {
            (false, _) => Address::NotRunning,
            (true, true) => Address::Unreached,
            (true, false) => Address::Answers,
        };
        let (state, note) = state_of(&key, address, models, now);
        let note = self.imposed_on(provider).unwrap_or(note);
        let usable = key == KeyState::Ready && address != Address::NotRunning;
        let maintenance = maintenance_until(provider, now)
            .map(|until| Countdown { pending: Pending::Maintenance, until });
        let countdown = usable.then(|| maintenance.or(countdown(state, models, now))).flatten();
        let samples: u32 = models.iter().map(|model| model.health.samples).sum();
        let errors: f32 =
            models.iter().map(|model| model.health.error_rate * model.health.samples as f32).sum();
        let mut recent: Vec<Option<u64>> = Vec::new();
        for model in models {
            recent.extend(model.recent.iter().copied());
        }
        let skip = recent.len().saturating_sub(RECENT);
        ProviderStatus {
            provider: provider.name.clone(),
            key,
            active: true,
            present,
            state,
            note,
            countdown,
            ttft_p50: median(|model| model.health.ttft_p50),
            ttft_p95: used().filter_map(|model| model.health.ttft_p95).max(),
            tokens_per_s: used()
                .filter_map(|model| model.health.tokens_per_s)
                .max_by(f64::total_cmp),
            error_rate: if samples == 0 { 0.0 } else { errors / samples as f32 },
            recent: recent.split_off(skip),
            in_flight: models.iter().map(|model| model.health.in_flight).sum(),
            limits: self.limits_of(models),
            last_ping_ms: self.pings.get(&provider.name).copied(),
            models: models.iter().map(|model| model.model.clone()).collect(),
        }
    }

    /// What was imposed on a provider by hand, in a word: it says more than how it is doing.
    fn imposed_on(&self, provider: &Provider) -> Option<String> {
        let names = |name: &str| name == provider.name.as_str();
        if self.overrides.drills.iter().any(|drill| names(&drill.name)) {
            Some("drill".to_owned())
        } else if self.overrides.drains.iter().any(|drain| names(&drain.name)) {
            Some("drained".to_owned())
        } else {
            let vetoed = self.overrides.vetoes.iter().any(|veto| names(&veto.name));
            vetoed.then(|| "avoided".to_owned())
        }
    }

    /// The limits of the model that has the smallest share left.
    fn limits_of(&self, models: &[ModelStatus]) -> Vec<RateWindow> {
        models
            .iter()
            .map(|model| self.router.limits(&model.model))
            .filter(|limits| !limits.is_empty())
            .min_by(|a, b| least_share(a).total_cmp(&least_share(b)))
            .unwrap_or_default()
    }
}

/// What counts down at a provider: what keeps it from being used, the gravest first.
fn countdown(state: HealthState, models: &[ModelStatus], now: UnixMs) -> Option<Countdown> {
    let soonest = |pending: Pending, pick: &dyn Fn(&ModelStatus) -> Option<UnixMs>| {
        let until = models.iter().filter_map(pick).filter(|until| *until > now).min()?;
        Some(Countdown { pending, until })
    };
    let retry = match state {
        HealthState::Down => soonest(Pending::Retry, &|model| match model.circuit {
            CircuitView::Open { until } => Some(until),
            CircuitView::Closed | CircuitView::HalfOpen => None,
        }),
        HealthState::Unknown | HealthState::Up | HealthState::Slow | HealthState::Probing => None,
    };
    retry
        .or_else(|| soonest(Pending::Shifted, &|model| model.shifted_until))
        .or_else(|| soonest(Pending::Limited, &|model| model.limited_until))
        .or_else(|| {
            soonest(Pending::RunsOut, &|model| model.forecast.as_ref().map(|near| near.runs_out))
        })
}

/// What is left of the window that has least left, as a share of it.
fn least_share(limits: &[RateWindow]) -> f64 {
    let share = |window: &RateWindow| {
        let limit = window.limit.filter(|limit| *limit > 0)?;
        Some(window.remaining? as f64 / limit as f64)
    };
    limits.iter().filter_map(share).fold(1.0, f64::min)
}

/// What is known of a provider's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    /// It answers, or nothing says that it does not.
    Answers,
    /// A server of this machine that is not there.
    NotRunning,
    /// Nothing answered there when it was last tried.
    Unreached,
}

/// A provider in one word and a few more: the worst of what concerns all its models, else the best
/// of what each is doing.
fn state_of(
    key: &KeyState,
    address: Address,
    models: &[ModelStatus],
    now: UnixMs,
) -> (HealthState, String) {
    match key {
        KeyState::Refused(_) => return (HealthState::Down, "key refused".to_owned()),
        KeyState::Missing(words) => return (HealthState::Down, format!("no key: {words}")),
        KeyState::Ready => {}
    }
    if address == Address::NotRunning {
        return (HealthState::Down, "not running".to_owned());
    }
    let open = models.iter().filter_map(|model| match model.circuit {
        CircuitView::Open { until } => Some(until),
        CircuitView::Closed | CircuitView::HalfOpen => None,
    });
    let broken = open.clone().count();
    // A provider is down when its models are: two open circuits, or all there are.
    if broken > 0
        && (broken >= 2 || broken == models.iter().filter(|m| m.health.samples > 0).count().max(1))
    {
        let until = open.min().unwrap_or(now);
        return (HealthState::Down, format!("retry in {}s", now.until(until).as_secs().max(1)));
    }
    if address == Address::Unreached {
        return (HealthState::Down, "no connection".to_owned());
    }
    let has = |state: HealthState| models.iter().any(|model| model.health.state == state);
    if has(HealthState::Probing) {
        (HealthState::Probing, "probing".to_owned())
    } else if has(HealthState::Slow) {
        (HealthState::Slow, "slow".to_owned())
    } else if has(HealthState::Up) {
        let warm = models.iter().any(|model| model.health.warmth == Warmth::Warm);
        (HealthState::Up, if warm { "warm".to_owned() } else { "cold".to_owned() })
    } else {
        (HealthState::Unknown, "not asked yet".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::engine::sample;

    fn model(circuit: CircuitView) -> ModelStatus {
        let mut model = sample::model(&config::sample::model("chat", "deepseek"));
        model.health.samples = 1;
        ModelStatus { circuit, ..model }
    }

    #[test]
    fn an_address_nothing_answers_at_is_down_before_any_circuit_opens() {
        let models = [model(CircuitView::Closed)];
        let told = |address| state_of(&KeyState::Ready, address, &models, UnixMs(0));
        assert_eq!(told(Address::Unreached), (HealthState::Down, "no connection".to_owned()));
        assert_eq!(told(Address::Answers).0, HealthState::Up);
    }

    #[test]
    fn an_open_circuit_says_when_it_is_tried_again() {
        let models = [model(CircuitView::Open { until: UnixMs(41_000) })];
        let told = state_of(&KeyState::Ready, Address::Unreached, &models, UnixMs(0));
        assert_eq!(told, (HealthState::Down, "retry in 41s".to_owned()));
    }
}
