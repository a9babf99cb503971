//! The made-up fleet: six providers, seven models, one afternoon's log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;

use super::{NOW, Scene};
use crate::config::{
    Budget, CacheSettings, CacheWhen, Capture, Config, ConsoleSettings, Dialect, Feedback,
    KeepWarm, KeyNeed, Latency, LimitOverrides, Limits, Mention, Model, OnRefusal, PolicyWeights,
    PriceList, Provider, QualitySource, Quirks, Routing, Rule, RuleThen, RuleWhen,
};
use crate::console::app::AppState;
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Candidate, Capabilities, Cost, Decision, DecisionId,
    Estimate, Factor, FilterCode, FilterReason, Finish, Lang, ModelName, Money, Needs, Origin,
    Outcome, OutcomeClass, OverrideKind, PinScope, Price, ProviderName, RateWindow, Rates,
    RequestFeatures, RequestId, Score, Script, Stamps, TaskKind, TaskTable, UnixMs, Usage,
};
use crate::engine::{
    CacheStats, LogEntry, ModelStatus, Notice, NoticeLevel, Overrides, ProviderStatus, Snapshot,
    Spend, Veto,
};
use crate::route::{
    CircuitView, DecisionInput, HealthState, INPUT_VERSION, KeyState, ModelHealth, Warmth,
};

pub(super) fn dollars(text: &str) -> Money {
    text.parse().unwrap_or(Money::ZERO)
}

fn exact(text: &str) -> Cost {
    Cost { amount: dollars(text), exact: true }
}

/// Name, provider, dollars in and out per million, quality, TTFT, tokens/s, window, spent.
type Line =
    (&'static str, &'static str, &'static str, &'static str, f32, u64, f64, u64, &'static str);

const MODELS: [Line; 7] = [
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
        name: name.into(),
        provider: provider.into(),
        id: format!("{provider}-{name}"),
        context,
        max_output: 8192,
        prices: PriceList { base: Some(rates), ..PriceList::default() },
        quality: TaskTable::flat(quality),
        quality_set: Vec::new(),
        quality_source: QualitySource::Guess,
        latency: Latency { ttft_ms: ttft, cold_extra_ms: 0, tokens_per_s: rate },
        capabilities: Capabilities::default(),
        languages: Vec::new(),
        tokenizer: None,
        thinks_silently: false,
        params: Map::new(),
        quirks: Quirks::default(),
        keep_warm: KeepWarm::Free,
        limits: LimitOverrides::default(),
        retired: None,
        note: None,
        mention: Mention::User,
    }
}

fn config() -> Config {
    let providers = ["anthropic", "google", "groq", "local", "mistral", "openai"];
    let provider = |name: &str| Provider {
        name: name.into(),
        label: name.to_owned(),
        dialect: Dialect::OpenAi,
        base_url: "http://127.0.0.1:1".to_owned(),
        keys: Vec::new(),
        key_need: KeyNeed::Optional,
        headers: BTreeMap::new(),
        tags: Vec::new(),
        failure_domain: name.to_owned(),
        maintenance: Vec::new(),
        passthrough: false,
        local: name == "local",
        discover: false,
        quirks: Quirks::default(),
        limits: LimitOverrides::default(),
        mention: Mention::User,
        simulated: true,
    };
    let weights = |quality, cost, speed| PolicyWeights { quality, cost, speed };
    Config {
        providers: providers.iter().map(|name| ((*name).into(), provider(name))).collect(),
        models: MODELS.iter().map(|line| (line.0.into(), model(line))).collect(),
        routing: Routing {
            policy: "balanced".to_owned(),
            on_refusal: OnRefusal::Report,
            rules: vec![Rule {
                when: RuleWhen { tag: Some("private".to_owned()), ..RuleWhen::default() },
                then: RuleThen::Only(vec!["local".to_owned()]),
            }],
        },
        policies: [
            ("balanced".to_owned(), weights(0.5, 0.3, 0.2)),
            ("best".to_owned(), weights(0.9, 0.05, 0.05)),
            ("cheapest".to_owned(), weights(0.1, 0.85, 0.05)),
            ("fastest".to_owned(), weights(0.2, 0.1, 0.7)),
        ]
        .into(),
        limits: Limits::default(),
        feedback: Feedback {
            p95_limit: Duration::from_secs(3),
            shift_for: Duration::from_mins(5),
            min_samples: 20,
        },
        cache: CacheSettings {
            when: CacheWhen::Deterministic,
            max_bytes: 64 << 20,
            max_entries: 10_000,
            ttl: Duration::from_hours(1),
            redis: None,
        },
        budget: Budget::default(),
        console: ConsoleSettings::default(),
        capture: Capture::default(),
    }
}

fn features() -> RequestFeatures {
    RequestFeatures {
        task: TaskKind::Reasoning,
        tasks: vec![(TaskKind::Reasoning, 0.62), (TaskKind::Code, 0.31), (TaskKind::Chat, 0.07)],
        difficulty: 0.46,
        lang: Lang::EN,
        scripts: vec![(Script::Latin, 1.0)],
        chars: 16_500,
        input_tokens: 4_124,
        output_tokens: 350,
        needs: Needs::default(),
        tags: Vec::new(),
    }
}

/// A decision whose first choice is `first`.
pub(super) fn decision(
    request: RequestId,
    at: UnixMs,
    first: &str,
    policy: &str,
    reason: &str,
) -> Decision {
    let costs = ["0.0004", "0.0002", "0.0007", "0.0171", "0", "0.0003", "0.0041"];
    let scores = [0.44, 0.83, 0.80, 0.39, 0.31, 0.50, 0.71];
    let notes = ["slow now", "", "", "24x the cost", "below 0.60", "", "6x the cost"];
    let mut candidates: Vec<Candidate> = MODELS
        .iter()
        .enumerate()
        .map(|(n, (name, provider, _, _, quality, ttft, rate, _, _))| Candidate {
            model: (*name).into(),
            provider: (*provider).into(),
            quality: *quality,
            quality_guess: *name == "small",
            score: Score {
                total: if *name == first { 0.87 } else { scores[n] },
                factors: vec![Factor {
                    name: "quality".to_owned(),
                    value: f64::from(*quality),
                    weight: 0.5,
                    points: f64::from(*quality) * 0.5,
                }],
            },
            filtered: if *name == "small" {
                vec![FilterReason { code: FilterCode::NoKey, detail: "MISTRAL_API_KEY".to_owned() }]
            } else {
                Vec::new()
            },
            estimate: Estimate {
                cost: Some(dollars(costs[n])),
                ttft_ms: *ttft,
                total_ms: ttft + (350.0 / rate * 1000.0) as u64,
                input_tokens: 4_124,
                output_tokens: 350,
            },
            note: notes[n].to_owned(),
        })
        .collect();
    candidates.sort_by(|a, b| {
        (!a.usable()).cmp(&!b.usable()).then(b.score.total.total_cmp(&a.score.total))
    });
    Decision {
        id: DecisionId(request.0),
        request,
        at,
        policy: policy.to_owned(),
        weights: [0.5, 0.3, 0.2],
        rule: None,
        imposed: None,
        features: features(),
        candidates,
        reason: reason.to_owned(),
    }
}

pub(super) fn input(decision: &Decision) -> DecisionInput {
    DecisionInput {
        version: INPUT_VERSION,
        id: decision.id,
        request: decision.request,
        now: decision.at,
        seed: 7,
        policy: decision.policy.clone(),
        weights: decision.weights,
        budget_pace: 1.0,
        rules: Vec::new(),
        imposed: None,
        features: decision.features.clone(),
        max_tokens: None,
        candidates: Vec::new(),
    }
}

/// Two attempts at groq that gave nothing, started when the request arrived.
pub(super) fn lost(request: RequestId) -> Vec<AttemptReport> {
    (1..=2u32)
        .map(|n| {
            attempt(
                request,
                n,
                ("llama", "groq"),
                (u64::from(n - 1) * 2000, 2005),
                Some(OutcomeClass::Stall),
                "no byte in 2.0s",
            )
        })
        .collect()
}

pub(super) fn attempt(
    request: RequestId,
    n: u32,
    who: (&str, &str),
    (started_ms, ms): (u64, u64),
    outcome: Option<OutcomeClass>,
    detail: &str,
) -> AttemptReport {
    let answered = outcome.is_none();
    AttemptReport {
        id: AttemptId(request.0),
        n,
        model: who.0.into(),
        provider: who.1.into(),
        kind: match n {
            1 => AttemptKind::First,
            2 => AttemptKind::Retry,
            _ => AttemptKind::Fallback,
        },
        outcome,
        status: answered.then_some(200),
        started_ms,
        waited_ms: 0,
        stamps: Stamps {
            headers: answered.then_some(120),
            first_event: answered.then_some(300),
            first_reasoning: None,
            first_text: answered.then_some(380),
            last: answered.then_some(ms),
        },
        ms,
        usage: Usage { input: 4124, output: if answered { 128 } else { 0 }, ..Usage::default() },
        cost: if answered { exact("0.0007") } else { exact("0") },
        detail: detail.to_owned(),
    }
}

/// Minutes before now, first choice, answering model, reason, tokens, wait, total, cost, prompt.
type Logged = (
    i64,
    &'static str,
    &'static str,
    &'static str,
    (u64, u64),
    u64,
    u64,
    &'static str,
    &'static str,
);

const LOG: [Logged; 8] = [
    (
        15,
        "opus",
        "opus",
        "one-shot",
        (1_020, 340),
        610,
        2_900,
        "0.0310",
        "prove the lemma in the notes",
    ),
    (
        14,
        "mini",
        "mini",
        "cheap enough, quality 0.76",
        (80, 210),
        360,
        1_100,
        "0.0009",
        "three names for a bakery",
    ),
    (
        13,
        "qwen",
        "qwen",
        "rule #private: only local",
        (2_100, 220),
        90,
        6_000,
        "0",
        "summarise the attached NDA",
    ),
    (
        7,
        "opus",
        "opus",
        "pinned by you",
        (9_000, 540),
        550,
        2_700,
        "0.0480",
        "redline clause 7, second pass",
    ),
    (
        6,
        "opus",
        "opus",
        "pinned by you",
        (9_100, 610),
        580,
        3_100,
        "0.0520",
        "redline clause 7 against our template",
    ),
    (
        4,
        "flash",
        "flash",
        "short factual 0.92",
        (31, 64),
        1_710,
        2_800,
        "0.0002",
        "capital of Burkina Faso",
    ),
    (
        2,
        "sonnet",
        "sonnet",
        "code 0.81, cheapest of 3 that fit",
        (214, 356),
        412,
        1_900,
        "0.0041",
        "Why does this borrow fail, and what is the smallest fix?",
    ),
    (
        0,
        "llama",
        "mini",
        "cheapest of 5 that fit",
        (4_124, 128),
        4_390,
        6_200,
        "0.0007",
        "Which of these does the borrow checker itself suggest?",
    ),
];

fn log(state: &AppState, scene: Scene) -> Vec<Arc<LogEntry>> {
    let mut ids = crate::console::app::IdMint::new(11);
    LOG.iter()
        .map(
            |(minutes, first, model, reason, (input_tokens, output), wait, total, cost, prompt)| {
                let at = UnixMs(NOW.0 - minutes * 60_000 - 6_200);
                let request = ids.request(at);
                let mut decision = decision(request, at, first, "balanced", reason);
                let scope = match *reason {
                    "pinned by you" => Some(PinScope::Session),
                    "one-shot" => Some(PinScope::Message),
                    _ => None,
                };
                decision.imposed = scope.map(|scope| OverrideKind {
                    scope,
                    model: Some((*model).into()),
                    exclusive: false,
                    would_be: Some("sonnet".into()),
                });
                if reason.starts_with("rule") {
                    decision.rule = Some("#private: only local".to_owned());
                }
                let provider =
                    MODELS.iter().find(|line| line.0 == *model).map_or("", |line| line.1);
                let mut attempts = if first == model { Vec::new() } else { lost(request) };
                let started = if first == model { 0 } else { 4_010 };
                let live = *minutes == 0 && scene != Scene::Routes && scene != Scene::Why;
                if !live {
                    let n = attempts.len() as u32 + 1;
                    attempts.push(attempt(
                        request,
                        n,
                        (model, provider),
                        (started, total - started),
                        None,
                        "",
                    ));
                }
                let input = input(&decision);
                Arc::new(LogEntry {
                    request,
                    session: Some(state.session),
                    origin: Origin::Chat,
                    at,
                    prompt: (*prompt).to_owned(),
                    decision: Arc::new(decision),
                    input: Arc::new(input),
                    decided_in: Duration::from_micros(180),
                    attempts,
                    outcome: (!live).then(|| Outcome {
                        finish: Finish::Stop,
                        model: Some((*model).into()),
                        provider: Some(provider.into()),
                        model_id: Some(format!("{provider}-{model}")),
                        usage: Usage { input: *input_tokens, output: *output, ..Usage::default() },
                        cost: exact(cost),
                        wait_ms: Some(*wait),
                        ttft_ms: Some(*wait),
                        total_ms: *total,
                        cached: None,
                        error: None,
                    }),
                })
            },
        )
        .collect()
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

fn provider_status(line: &Health) -> ProviderStatus {
    let (name, state, note, p50, p95, rate, error_rate, recent) = *line;
    ProviderStatus {
        provider: name.into(),
        key: KeyState::Ready,
        active: true,
        present: true,
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
            limit: Some(1000),
            remaining: Some(if name == "anthropic" { 830 } else { 912 }),
            resets_at: None,
        }],
        last_ping_ms: Some(40),
        models: MODELS.iter().filter(|line| line.1 == name).map(|line| line.0.into()).collect(),
    }
}

fn model_status(line: &Line) -> ModelStatus {
    let (name, provider, _, _, _, ttft, rate, _, spent) = *line;
    let health = HEALTH.iter().find(|health| health.0 == provider);
    ModelStatus {
        model: name.into(),
        provider: provider.into(),
        health: ModelHealth {
            state: health.map_or(HealthState::Unknown, |health| health.1),
            samples: 12,
            ttft_p50: Some(ttft),
            ttft_p95: Some(ttft * 2),
            total_p50: Some(1_900),
            total_p95: Some(3_100),
            tokens_per_s: Some(rate),
            error_rate: health.map_or(0.0, |health| health.6),
            warmth: Warmth::Warm,
            in_flight: 0,
        },
        circuit: CircuitView::Closed,
        limited_until: None,
        recent: vec![Some(ttft)],
        last_error: None,
        spend: Spend {
            calls: u64::from(spent != "0"),
            usage: Usage { input: 51_000, output: 9_000, ..Usage::default() },
            cost: exact(spent),
            lost: exact("0"),
        },
    }
}

/// What the engine published.
pub(super) fn snapshot(state: &AppState, scene: Scene) -> Snapshot {
    let fresh = scene == Scene::Empty;
    let models: BTreeMap<ModelName, ModelStatus> = MODELS
        .iter()
        .map(|line| {
            let mut status = model_status(line);
            if fresh {
                status.spend = Spend::default();
            }
            (line.0.into(), status)
        })
        .collect();
    let providers: BTreeMap<ProviderName, ProviderStatus> =
        HEALTH.iter().map(|line| (line.0.into(), provider_status(line))).collect();
    Snapshot {
        revision: 1,
        at: NOW,
        config: Arc::new(config()),
        policy: "balanced".to_owned(),
        overrides: Overrides {
            vetoes: vec![Veto { name: "google".to_owned(), until: None }],
            ..Overrides::default()
        },
        models,
        providers,
        log: Arc::new(if fresh { Vec::new() } else { log(state, scene) }),
        spend: Spend {
            calls: if fresh { 0 } else { 8 },
            usage: Usage::default(),
            cost: exact(if fresh { "0" } else { "0.42" }),
            lost: exact("0"),
        },
        warm_cost: exact("0"),
        cache: CacheStats::default(),
        notices: if fresh {
            Vec::new()
        } else {
            vec![Notice {
                at: UnixMs(NOW.0 - 60_000),
                level: NoticeLevel::Warn,
                text:
                    "google is 4x slower than its own hour; auto avoids it until p50 is under 0.8s"
                        .to_owned(),
            }]
        },
    }
}
