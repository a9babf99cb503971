//! The plainest configuration there can be, for pictures and tests: they say what matters to them and
//! leave the rest to this.
//!
//! Must not know: files, layers, what ships. Invariant: no figure here comes from shipped data, so a
//! new price or preset moves no picture and no test.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;

use super::{
    Budget, CacheSettings, CacheWhen, Capture, Config, ConsoleSettings, CurrencySettings, Dialect,
    Feedback, FeedbackMetric, Hedge, HedgeWhen, KeepWarm, KeyNeed, Latency, LedgerSettings,
    LimitOverrides, Limits, Mention, Model, OnRefusal, PolicyWeights, PriceList, Provider,
    QualitySource, Quirks, Routing,
};
use crate::domain::{Capabilities, Money, TaskTable};

/// A provider that speaks the OpenAI dialect, needs no key and answers nowhere. The one named `local`
/// runs on this machine.
pub fn provider(name: &str) -> Provider {
    Provider {
        name: name.into(),
        label: name.to_owned(),
        dialect: Dialect::OpenAi,
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        keys: Vec::new(),
        key_need: KeyNeed::Optional,
        headers: BTreeMap::new(),
        tags: Vec::new(),
        failure_domain: name.to_owned(),
        maintenance: Vec::new(),
        passthrough: false,
        local: name == "local",
        discover: false,
        balance: None,
        service_tier: None,
        quirks: Quirks::default(),
        limits: LimitOverrides::default(),
        mention: Mention::User,
        simulated: false,
    }
}

/// A model of middling figures whose price is not known.
pub fn model(name: &str, provider: &str) -> Model {
    Model {
        name: name.into(),
        provider: provider.into(),
        id: name.to_owned(),
        context: 128_000,
        max_output: 8_192,
        prices: PriceList::default(),
        quality: TaskTable::flat(0.7),
        quality_set: Vec::new(),
        quality_source: QualitySource::Guess,
        latency: Latency { ttft_ms: 400, cold_extra_ms: 0, tokens_per_s: 60.0 },
        capabilities: Capabilities::default(),
        languages: Vec::new(),
        tokenizer: None,
        thinks_silently: false,
        params: Map::new(),
        quirks: Quirks::default(),
        service_tier: None,
        keep_warm: KeepWarm::Free,
        limits: LimitOverrides::default(),
        retired: None,
        note: None,
        mention: Mention::User,
    }
}

/// These under one policy, `balanced`, with no rules and no cache.
pub fn config(
    providers: impl IntoIterator<Item = Provider>,
    models: impl IntoIterator<Item = Model>,
) -> Config {
    let balanced = PolicyWeights { quality: 0.5, cost: 0.3, speed: 0.2 };
    Config {
        providers: providers.into_iter().map(|each| (each.name.clone(), each)).collect(),
        models: models.into_iter().map(|each| (each.name.clone(), each)).collect(),
        routing: Routing {
            policy: "balanced".to_owned(),
            on_refusal: OnRefusal::Report,
            rules: Vec::new(),
        },
        policies: [("balanced".to_owned(), balanced)].into(),
        limits: Limits::default(),
        feedback: Feedback {
            metric: FeedbackMetric::Ttft,
            p95_limit: Duration::from_secs(3),
            shift_for: Duration::from_mins(5),
            min_samples: 20,
        },
        hedge: Hedge { when: HedgeWhen::Never, max_share: 0.1, max_per_hour: Money::ZERO },
        cache: CacheSettings {
            when: CacheWhen::Never,
            max_bytes: 0,
            max_entries: 0,
            ttl: Duration::ZERO,
            redis: None,
        },
        budget: Budget::default(),
        poll_balances: true,
        currency: CurrencySettings::default(),
        console: ConsoleSettings::default(),
        capture: Capture::default(),
        ledger: LedgerSettings::default(),
    }
}
