//! Tests of deciding, by table and by property.

mod choice;
mod filters;
mod imposed;
mod properties;

use uuid::Uuid;

use super::*;
use crate::domain::{
    AtLimit, DecisionId, FilterCode, Lang, ModelName, Money, Origin, PinScope, Price, Rates,
    ReaderKind, Request, RequestId, TaskTable, UnixMs,
};
use crate::route::{
    CircuitView, Forecast, HealthState, Imposed, KeyState, ModelHealth, Outlook, RuleEffect,
    RuleInput, Warmth, features, sample,
};

const NOW: UnixMs = UnixMs(1_795_000_000_000);

// The shipped policies' weights for quality, cost and speed.
const BALANCED: [f64; 3] = [0.5, 0.3, 0.2];
const CHEAPEST: [f64; 3] = [0.15, 0.79, 0.06];
const FASTEST: [f64; 3] = [0.25, 0.1, 0.65];
const REALTIME: [f64; 3] = [0.15, 0.05, 0.8];
const BEST: [f64; 3] = [0.85, 0.05, 0.10];

fn later(seconds: i64) -> UnixMs {
    UnixMs(NOW.0 + seconds * 1000)
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// A model with quality per kind in the order code, structured, extraction, summary, prose,
/// reasoning, translation, chat.
fn model(
    name: &str,
    provider: &str,
    prices: Option<(&str, &str)>,
    quality: [f32; 8],
    ttft_ms: u64,
    speed: f64,
) -> CandidateInput {
    let mut table = TaskTable::default();
    for (kind, value) in TaskKind::ALL.into_iter().zip(quality) {
        table.set(kind, value);
    }
    CandidateInput {
        rates: prices.map(|(input, output)| Rates {
            input: price(input),
            cached_input: price(input),
            cache_write: Price::FREE,
            cache_write_1h: None,
            output: price(output),
        }),
        quality: table,
        ttft_prior_ms: ttft_ms,
        tokens_per_s_prior: speed,
        health: ModelHealth { warmth: Warmth::Warm, ..ModelHealth::default() },
        ..sample::candidate(name, provider)
    }
}

/// A plausible set, from the strongest to the smallest.
fn fleet() -> Vec<CandidateInput> {
    let mut list = vec![
        model(
            "opus",
            "anthropic",
            Some(("5", "25")),
            [0.93, 0.92, 0.92, 0.92, 0.96, 0.94, 0.92, 0.93],
            900,
            60.0,
        ),
        model(
            "sonnet",
            "anthropic",
            Some(("3", "15")),
            [0.89, 0.89, 0.88, 0.88, 0.90, 0.89, 0.88, 0.88],
            800,
            70.0,
        ),
        model(
            "deepseek",
            "deepseek",
            Some(("0.28", "0.42")),
            [0.87, 0.88, 0.83, 0.80, 0.73, 0.80, 0.82, 0.82],
            900,
            90.0,
        ),
        model(
            "qwen",
            "dashscope",
            Some(("0.40", "1.20")),
            [0.84, 0.85, 0.83, 0.82, 0.78, 0.80, 0.84, 0.82],
            700,
            90.0,
        ),
        model(
            "mini",
            "openai",
            Some(("0.15", "0.60")),
            [0.74, 0.76, 0.75, 0.75, 0.72, 0.66, 0.76, 0.76],
            400,
            130.0,
        ),
        model(
            "local",
            "ollama",
            Some(("0", "0")),
            [0.58, 0.58, 0.55, 0.58, 0.58, 0.45, 0.60, 0.62],
            300,
            35.0,
        ),
        model(
            "tiny",
            "llamacpp",
            Some(("0", "0")),
            [0.15, 0.15, 0.15, 0.20, 0.25, 0.10, 0.20, 0.30],
            100,
            60.0,
        ),
    ];
    for code in ["zh", "en", "ja"] {
        list[3].languages.push(Lang::new(code).unwrap());
    }
    list.sort_by(|a, b| a.model.cmp(&b.model));
    list
}

fn input(text: &str) -> DecisionInput {
    let request = RequestId(Uuid::from_u128(7));
    let asked = Request::new(request, Origin::Chat, ReaderKind::Replaceable, text);
    DecisionInput {
        id: DecisionId(Uuid::from_u128(8)),
        request,
        now: NOW,
        candidates: fleet(),
        ..sample::input(features(&asked))
    }
}

fn chosen(input: &DecisionInput) -> String {
    decide(input).chosen().map_or("nobody".into(), |c| c.model.to_string())
}

fn edit(input: &mut DecisionInput, name: &str, change: impl FnOnce(&mut CandidateInput)) {
    change(input.candidates.iter_mut().find(|c| c.model.as_str() == name).unwrap());
}

fn why(decision: &Decision, name: &str) -> Vec<(FilterCode, String)> {
    decision
        .candidate(name)
        .unwrap()
        .filtered
        .iter()
        .map(|reason| (reason.code, reason.detail.clone()))
        .collect()
}

const FACT: &str = "What is the capital of Burkina Faso?";
const CODE: &str = "Write a Rust function that parses ISO dates without allocating.";
const PROOF: &str = "Prove the theorem rigorously: every bounded monotone sequence converges. You \
    must give a counterexample for each dropped condition, derive the bound and discuss optimality.";
const STORY: &str = "Write a short story about a lighthouse keeper, vivid and witty.";
const TO_CHINESE: &str = "Translate into Chinese: the meeting was moved to Friday.";
