//! An engine's snapshot without an engine, for pictures and tests: they say what matters to them and
//! leave the rest to this.
//!
//! Must not know: how an engine comes to its figures. Invariant: whatever is not said is fine: up, no
//! call made, nothing in the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ModelStatus, ProviderStatus, Snapshot, Spend, WarmStatus};
use crate::config::{Config, Model, Provider};
use crate::domain::UnixMs;
use crate::route::{CircuitView, HealthState, KeyState, ModelHealth, ShiftPhase, TokenFactors};

/// A model that is up and was never asked.
pub fn model(model: &Model) -> ModelStatus {
    ModelStatus {
        model: model.name.clone(),
        provider: model.provider.clone(),
        health: ModelHealth { state: HealthState::Up, ..ModelHealth::default() },
        circuit: CircuitView::Closed,
        limited_until: None,
        forecast: None,
        shift: ShiftPhase::Steady,
        shifted_until: None,
        refused: None,
        recent: Vec::new(),
        last_error: None,
        spend: Spend::default(),
        warm: WarmStatus::default(),
        tokens: TokenFactors::default(),
    }
}

/// A provider that is up and was never asked, with its models of this configuration.
pub fn provider(provider: &Provider, config: &Config) -> ProviderStatus {
    let mine = config.models.values().filter(|model| model.provider == provider.name);
    ProviderStatus {
        provider: provider.name.clone(),
        key: KeyState::Ready,
        active: true,
        present: true,
        state: HealthState::Up,
        note: String::new(),
        countdown: None,
        ttft_p50: None,
        ttft_p95: None,
        tokens_per_s: None,
        error_rate: 0.0,
        recent: Vec::new(),
        in_flight: 0,
        limits: Vec::new(),
        last_ping_ms: None,
        models: mine.map(|model| model.name.clone()).collect(),
    }
}

/// What an engine publishes that has just found everything of this configuration up.
pub fn snapshot(at: UnixMs, config: Config) -> Snapshot {
    let models: BTreeMap<_, _> =
        config.models.iter().map(|(name, each)| (name.clone(), model(each))).collect();
    let providers: BTreeMap<_, _> = config
        .providers
        .iter()
        .map(|(name, each)| (name.clone(), provider(each, &config)))
        .collect();
    Snapshot { revision: 1, models, providers, ..Snapshot::empty(at, Arc::new(config)) }
}
