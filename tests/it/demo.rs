//! The demo's promise: ten shipped prompts spread over the fleet, each for a reason that is said, and
//! another policy routes them otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;
use wheelhouse::config;
use wheelhouse::domain::{Origin, ReaderKind, Request, RequestId};
use wheelhouse::engine::{self, EngineHandle, Options, weights};
use wheelhouse::route;
use wheelhouse::sim::{self, Fleet, FleetOptions, Ports};

async fn demo() -> (Fleet, EngineHandle) {
    let fleet = sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 }).await.unwrap();
    let config = config::load_demo(&fleet.config_text(), &[]).unwrap().config;
    let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
    let engine = engine::start(Arc::new(config), options);
    (fleet, engine)
}

fn picks(engine: &EngineHandle, policy: &str) -> Vec<(String, String)> {
    let snapshot = engine.snapshot();
    sim::prompts()
        .iter()
        .map(|prompt| {
            let id = RequestId(Uuid::nil());
            let request = Request::new(id, Origin::Explain, ReaderKind::Replaceable, &prompt.text);
            let input = snapshot.decision_input(&request, engine.now(), 7);
            let input = route::with_policy(&input, policy, weights(&snapshot.config, policy));
            let decision = route::decide(&input);
            let chosen = decision.chosen().unwrap();
            (chosen.model.to_string(), decision.reason.clone())
        })
        .collect()
}

#[tokio::test]
async fn ten_prompts_reach_four_models_and_each_says_why() {
    let (_fleet, engine) = demo().await;
    let balanced = picks(&engine, "balanced");
    assert!(balanced.len() >= 10);
    for (model, reason) in &balanced {
        assert!(reason.len() > 5, "{model} says only {reason:?}");
    }
    let models: BTreeSet<&String> = balanced.iter().map(|(model, _)| model).collect();
    assert!(models.len() >= 4, "{balanced:#?}");
}

#[tokio::test]
async fn another_policy_moves_at_least_four_of_them() {
    let (_fleet, engine) = demo().await;
    let balanced = picks(&engine, "balanced");
    for policy in ["cheapest", "fastest", "best", "realtime"] {
        let other = picks(&engine, policy);
        let moved = balanced.iter().zip(&other).filter(|(a, b)| a.0 != b.0).count();
        assert!(moved >= 4, "{policy} moves only {moved}: {balanced:#?} {other:#?}");
    }
}
