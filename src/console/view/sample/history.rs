//! What was asked that afternoon, how it was decided, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use super::world::{MODELS, dollars, exact};
use super::{NOW, Scene};
use crate::console::app::{AppState, IdMint};
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Candidate, Decision, DecisionId, Estimate, Factor,
    FilterCode, FilterReason, Finish, Lang, Needs, Origin, Outcome, OutcomeClass, OverrideKind,
    PinScope, Privacy, RequestFeatures, RequestId, Score, Script, Stamps, TaskKind, UnixMs, Usage,
};
use crate::engine::LogEntry;
use crate::route::{self, DecisionInput};

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
        over_budget: None,
    }
}

pub(super) fn input(decision: &Decision) -> DecisionInput {
    DecisionInput {
        id: decision.id,
        request: decision.request,
        now: decision.at,
        seed: 7,
        policy: decision.policy.clone(),
        weights: decision.weights,
        ..route::sample::input(decision.features.clone())
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
        tier: None,
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

pub(super) fn log(state: &AppState, scene: Scene) -> Vec<Arc<LogEntry>> {
    let mut ids = IdMint::new(11);
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
                    privacy: Privacy::Open,
                    prompt: (*prompt).to_owned(),
                    decision: Arc::new(decision),
                    input: Arc::new(input),
                    decided_in: Duration::from_micros(180),
                    attempts,
                    doubts: Vec::new(),
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
                        answer_cost: None,
                        cached: None,
                        cache_note: None,
                        error: None,
                    }),
                })
            },
        )
        .collect()
}
