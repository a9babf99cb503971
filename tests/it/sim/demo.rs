//! The fleet's own configuration, and where the demo's prompts go on it.

use std::collections::BTreeSet;
use std::sync::Arc;

use wheelhouse::domain::{Origin, ReaderKind, Request, RequestId, UnixMs};
use wheelhouse::sim::{DemoPrompt, prompts};
use wheelhouse::{engine, route};

use super::fleet;

#[tokio::test]
async fn the_configuration_names_every_server_and_only_what_they_serve() {
    let fleet = fleet(0.0).await;
    let text = fleet.config_text();
    assert!(!text.contains("{{"), "an address is missing");
    let config: toml_edit::DocumentMut = text.parse().unwrap();
    let models = config["models"].as_table().unwrap();
    assert!(models.len() >= 8 && models.iter().all(|(name, _)| name.starts_with("sim-")));
    for endpoint in fleet.endpoints() {
        let provider = &config["providers"][&endpoint.provider];
        assert_eq!(provider["base_url"].as_str(), Some(&*endpoint.base_url()));
        assert_eq!(provider["simulated"].as_bool(), Some(true));
        let served: Vec<&str> = models
            .iter()
            .filter(|(_, model)| model["provider"].as_str() == Some(&endpoint.provider))
            .filter_map(|(_, model)| model["id"].as_str())
            .collect();
        assert_eq!(served, endpoint.models);
    }
}

/// What the router makes of the demo prompts under a policy, on the fleet's own configuration, at
/// the simulated DeepSeek's peak and off-peak: prompt titles to models.
async fn routed(policy: &str, now: UnixMs) -> Vec<(String, String)> {
    let fleet = fleet(0.0).await;
    let loaded = wheelhouse::config::load_demo(&fleet.config_text(), &[]).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let mut config = loaded.config;
    policy.clone_into(&mut config.routing.policy);
    let options = engine::Options { env: Arc::new(|_| None), ..engine::Options::default() };
    let engine = engine::start(Arc::new(config), options);
    let snapshot = engine.snapshot();
    let decide = |prompt: &DemoPrompt| {
        let id = RequestId(uuid::Uuid::nil());
        let request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, &prompt.text);
        let decision = route::decide(&snapshot.decision_input(&request, now, 1));
        let chosen = decision.chosen().expect("nothing fits");
        (prompt.title.clone(), chosen.model.to_string())
    };
    let routed = prompts().iter().map(decide).collect();
    engine.close().await;
    routed
}

#[tokio::test]
async fn the_demo_prompts_reach_at_least_four_models_and_a_policy_moves_at_least_four_of_them() {
    // Monday 2026-11-23, 15:00 and 02:00 UTC.
    for now in [UnixMs(1_795_446_000_000), UnixMs(1_795_399_200_000)] {
        let balanced = routed("balanced", now).await;
        let models: BTreeSet<&String> = balanced.iter().map(|(_, model)| model).collect();
        assert!(models.len() >= 4, "{balanced:#?}");
        for policy in ["cheapest", "fastest", "best"] {
            let other = routed(policy, now).await;
            let moved = balanced.iter().zip(&other).filter(|(a, b)| a != b).count();
            assert!(moved >= 4, "{policy} moves {moved}: {other:#?}");
        }
    }
}
