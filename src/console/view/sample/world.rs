//! The made-up fleet: six providers, seven models, and how they are doing.

use std::sync::Arc;
use std::time::Duration;

use super::history::log;
use super::{NOW, Scene};
use crate::config::{
    self, CacheSettings, CacheWhen, Config, Latency, Model, PolicyWeights, PriceList, Provider,
    Routing, Rule, RuleThen, RuleWhen,
};
use crate::console::app::AppState;
use crate::domain::{Cost, Money, Price, RateScope, RateWindow, Rates, TaskTable, UnixMs, Usage};
use crate::engine::{
    self, ModelStatus, Notice, NoticeLevel, ProviderStatus, Snapshot, Spend, Undo, Veto,
};
use crate::route::{HealthState, ModelHealth, Warmth};

pub(super) fn dollars(text: &str) -> Money {
    text.parse().unwrap_or(Money::ZERO)
}

pub(super) fn exact(text: &str) -> Cost {
    Cost { amount: dollars(text), exact: true }
}

/// Name, provider, dollars in and out per million, quality, TTFT, tokens/s, window, spent.
type Line =
    (&'static str, &'static str, &'static str, &'static str, f32, u64, f64, u64, &'static str);

pub(super) const MODELS: [Line; 7] = [
    ("flash", "google", "0.30", "2.50", 0.75, 1920, 64.0, 1_000_000, "0.02"),
    ("llama", "groq", "0.05", "0.08", 0.74, 210, 280.0, 128_000, "0"),
    ("mini", "openai", "0.15", "0.60", 0.76, 380, 71.0, 128_000, "0.05"),
    ("opus", "anthropic", "15", "75", 0.95, 550, 42.0, 200_000, "0.14"),
    ("qwen", "local", "0", "0", 0.55, 90, 34.0, 32_000, "0"),
    ("small", "mistral", "0.10", "0.30", 0.70, 660, 52.0, 128_000, "0"),
    ("sonnet", "anthropic", "3", "15", 0.88, 410, 78.0, 200_000, "0.21"),
];

fn model(line: &Line) -> Model {
    let (name, provider, input, output, quality, ttft, rate, context, _) = *line;
    let price = |text: &str| text.parse::<Price>().unwrap_or_default();
    let rates = Rates { input: price(input), output: price(output), ..Rates::default() };
    Model {
        id: format!("{provider}-{name}"),
        context,
        prices: PriceList { base: Some(rates), ..PriceList::default() },
        quality: TaskTable::flat(quality),
        latency: Latency { ttft_ms: ttft, cold_extra_ms: 0, tokens_per_s: rate },
        ..config::sample::model(name, provider)
    }
}

fn config() -> Config {
    let providers = ["anthropic", "google", "groq", "local", "mistral", "openai"];
    let provider = |name: &str| Provider { simulated: true, ..config::sample::provider(name) };
    let weights = |quality, cost, speed| PolicyWeights { quality, cost, speed };
    let plain = config::sample::config(providers.map(provider), MODELS.iter().map(model));
    Config {
        routing: Routing {
            rules: vec![Rule {
                when: RuleWhen { tag: Some("private".to_owned()), ..RuleWhen::default() },
                then: RuleThen::Only(vec!["local".to_owned()]),
            }],
            ..plain.routing
        },
        policies: [
            ("balanced".to_owned(), weights(0.5, 0.3, 0.2)),
            ("best".to_owned(), weights(0.9, 0.05, 0.05)),
            ("cheapest".to_owned(), weights(0.1, 0.85, 0.05)),
            ("fastest".to_owned(), weights(0.2, 0.1, 0.7)),
        ]
        .into(),
        cache: CacheSettings {
            when: CacheWhen::Deterministic,
            max_bytes: 64 << 20,
            max_entries: 10_000,
            ttl: Duration::from_hours(1),
            redis: None,
        },
        ..plain
    }
}

/// Name, state, note, p50, p95, tokens/s, error rate, last samples.
type Health =
    (&'static str, HealthState, &'static str, Option<u64>, Option<u64>, f64, f32, [i64; 12]);

const HEALTH: [Health; 6] = [
    (
        "anthropic",
        HealthState::Up,
        "",
        Some(410),
        Some(720),
        78.0,
        0.001,
        [300, 310, 420, 310, 300, 430, 310, 300, 310, 420, 300, 310],
    ),
    (
        "google",
        HealthState::Slow,
        "slow 4x",
        Some(1_920),
        Some(4_100),
        64.0,
        0.004,
        [400, 420, 410, 600, 620, 1_000, 1_500, 1_800, 1_900, 1_900, 2_200, 2_200],
    ),
    (
        "groq",
        HealthState::Down,
        "down 2m",
        None,
        None,
        0.0,
        1.0,
        [200, 210, 200, 300, 210, 320, 210, 700, -1, -1, -1, -1],
    ),
    (
        "local",
        HealthState::Up,
        "warm",
        Some(90),
        Some(110),
        34.0,
        0.0,
        [90, 91, 90, 92, 90, 90, 91, 90, 90, 93, 90, 90],
    ),
    (
        "mistral",
        HealthState::Probing,
        "probing",
        Some(660),
        None,
        52.0,
        0.5,
        [-2, -2, -2, -2, -2, -2, -2, -2, -2, -2, 640, 680],
    ),
    (
        "openai",
        HealthState::Up,
        "",
        Some(380),
        Some(610),
        71.0,
        0.0,
        [310, 200, 310, 320, 210, 330, 310, 300, 200, 310, 200, 310],
    ),
];

fn measured_provider(line: &Health, plain: ProviderStatus) -> ProviderStatus {
    let (name, state, note, p50, p95, rate, error_rate, recent) = *line;
    ProviderStatus {
        state,
        note: note.to_owned(),
        ttft_p50: p50,
        ttft_p95: p95,
        tokens_per_s: (rate > 0.0).then_some(rate),
        error_rate,
        recent: recent.iter().filter(|ms| **ms != -2).map(|ms| u64::try_from(*ms).ok()).collect(),
        in_flight: u32::from(name == "openai"),
        limits: vec![RateWindow {
            what: "requests".to_owned(),
            scope: RateScope::Model,
            limit: Some(1000),
            remaining: Some(if name == "anthropic" { 830 } else { 912 }),
            resets_at: None,
        }],
        last_ping_ms: Some(40),
        ..plain
    }
}

fn measured_model(line: &Line, plain: ModelStatus) -> ModelStatus {
    let (_, provider, _, _, _, ttft, rate, _, spent) = *line;
    let health = HEALTH.iter().find(|health| health.0 == provider);
    ModelStatus {
        health: ModelHealth {
            state: health.map_or(HealthState::Unknown, |health| health.1),
            samples: 12,
            ttft_p50: Some(ttft),
            ttft_p95: Some(ttft * 2),
            total_p50: Some(1_900),
            total_p95: Some(3_100),
            tokens_per_s: Some(rate),
            gap_p95: Some(60),
            error_rate: health.map_or(0.0, |health| health.6),
            warmth: Warmth::Warm,
            in_flight: 0,
        },
        recent: vec![Some(ttft)],
        spend: Spend {
            calls: u64::from(spent != "0"),
            usage: Usage { input: 51_000, output: 9_000, ..Usage::default() },
            cost: exact(spent),
            lost: exact("0"),
        },
        ..plain
    }
}

/// What the engine published.
pub(super) fn snapshot(state: &AppState, scene: Scene) -> Snapshot {
    let mut snapshot = engine::sample::snapshot(NOW, config());
    for line in &HEALTH {
        if let Some(status) = snapshot.providers.get_mut(line.0) {
            *status = measured_provider(line, status.clone());
        }
    }
    for line in &MODELS {
        if let Some(status) = snapshot.models.get_mut(line.0) {
            *status = measured_model(line, status.clone());
        }
    }
    snapshot.overrides.vetoes.push(Veto { name: "google".to_owned(), until: None });
    if scene == Scene::Empty {
        for status in snapshot.models.values_mut() {
            status.spend = Spend::default();
        }
        return snapshot;
    }
    snapshot.log = Arc::new(log(state, scene));
    snapshot.spend = Spend { calls: 8, cost: exact("0.42"), ..Spend::default() };
    snapshot.today = Some(exact("0.42"));
    snapshot.notices.push(Notice {
        at: UnixMs(NOW.0 - 60_000),
        level: NoticeLevel::Warn,
        text: "google is 4x slower than its own hour; auto avoids it until p50 is under 0.8s"
            .to_owned(),
        undo: Some(Undo::Avoid("google".to_owned())),
    });
    snapshot
}
