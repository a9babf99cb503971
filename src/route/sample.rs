//! What a decision is made from, made up, for tests and benches: they say what matters to them and
//! leave the rest to this.
//!
//! Must not know: configuration, which fleets are plausible. Invariant: nothing here keeps a model
//! from being chosen.

use uuid::Uuid;

use super::{CandidateInput, CircuitView, DecisionInput, INPUT_VERSION, KeyState, ModelHealth};
use crate::domain::{
    Capabilities, DecisionId, Rates, RequestFeatures, RequestId, TaskTable, UnixMs,
};

/// A model of middling figures that costs nothing and that nothing speaks against.
pub fn candidate(model: &str, provider: &str) -> CandidateInput {
    CandidateInput {
        model: model.into(),
        provider: provider.into(),
        tags: Vec::new(),
        failure_domain: provider.to_owned(),
        rates: Some(Rates::default()),
        context: 128_000,
        max_output: 8_192,
        capabilities: Capabilities::default(),
        quality: TaskTable::flat(0.7),
        quality_set: Vec::new(),
        languages: Vec::new(),
        token_factors: Vec::new(),
        counted: None,
        ttft_prior_ms: 400,
        cold_extra_ms: 0,
        tokens_per_s_prior: 60.0,
        health: ModelHealth::default(),
        circuit: CircuitView::Closed,
        key: KeyState::Ready,
        present: true,
        limited_until: None,
        forecast: None,
        shifted_until: None,
        maintenance: false,
        drained: false,
        vetoed_until: None,
        retired: None,
        over_budget: None,
        over_budget_then: None,
        warm_prefix_tokens: 0,
    }
}

/// A request with these features under a balanced policy, with nobody to choose from yet.
pub fn input(features: RequestFeatures) -> DecisionInput {
    DecisionInput {
        version: INPUT_VERSION,
        id: DecisionId(Uuid::nil()),
        request: RequestId(Uuid::nil()),
        now: UnixMs(0),
        seed: 1,
        policy: "balanced".to_owned(),
        weights: [0.5, 0.3, 0.2],
        budget_pace: 1.0,
        rules: Vec::new(),
        imposed: None,
        features,
        max_tokens: None,
        candidates: Vec::new(),
    }
}
