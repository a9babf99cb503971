//! A small reply with a failover in it, for the tests of this room.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Candidate, Cost, Decision, DecisionId, ErrorReport,
    Estimate, Factor, FilterCode, FilterReason, Finish, Lang, Money, Needs, Origin, Outcome,
    OutcomeClass, ReaderKind, Reply, Request, RequestFeatures, RequestId, Score, SessionId, Stamps,
    TaskKind, UnixMs, Usage,
};

/// A request.
pub fn request() -> Request {
    let mut request =
        Request::new(RequestId(Uuid::nil()), Origin::Ask, ReaderKind::Replaceable, "hello");
    request.session = Some(SessionId(Uuid::nil()));
    request
}

/// A candidate that may be asked, or not.
pub fn candidate(name: &str, total: f64, filtered: Option<FilterCode>) -> Candidate {
    Candidate {
        model: name.into(),
        provider: format!("{name}-host").as_str().into(),
        quality: 0.81,
        quality_guess: true,
        score: Score {
            total,
            factors: vec![Factor { name: "quality".into(), value: 0.8, weight: 0.5, points: 0.4 }],
        },
        filtered: filtered
            .map(|code| FilterReason { code, detail: "set SOME_KEY".into() })
            .into_iter()
            .collect(),
        estimate: Estimate {
            cost: filtered.is_none().then(|| Money::from_pico(1_230_000_000)),
            ttft_ms: 800,
            total_ms: 4200,
            input_tokens: 20,
            output_tokens: 300,
        },
        note: "6x the cost".into(),
    }
}

/// A decision over these candidates.
pub fn decision(candidates: Vec<Candidate>) -> Decision {
    Decision {
        id: DecisionId(Uuid::nil()),
        request: RequestId(Uuid::nil()),
        at: UnixMs(0),
        policy: "balanced".into(),
        weights: [0.5, 0.3, 0.2],
        rule: None,
        imposed: None,
        features: RequestFeatures {
            task: TaskKind::Code,
            tasks: vec![(TaskKind::Code, 0.7), (TaskKind::Chat, 0.2)],
            difficulty: 0.4,
            lang: Lang::EN,
            scripts: Vec::new(),
            chars: 5,
            input_tokens: 20,
            output_tokens: 300,
            needs: Needs::default(),
            tags: Vec::new(),
        },
        candidates,
        reason: "code 0.81, cheapest of 2 that fit".into(),
        over_budget: None,
    }
}

/// An attempt.
pub fn attempt(n: u32, model: &str, outcome: Option<OutcomeClass>) -> AttemptReport {
    AttemptReport {
        id: AttemptId(Uuid::nil()),
        n,
        model: model.into(),
        provider: format!("{model}-host").as_str().into(),
        kind: if n == 1 { AttemptKind::First } else { AttemptKind::Fallback },
        outcome,
        status: Some(if outcome.is_some() { 503 } else { 200 }),
        started_ms: 0,
        waited_ms: 0,
        stamps: Stamps { first_text: outcome.is_none().then_some(600), ..Stamps::default() },
        ms: 900,
        usage: Usage::default(),
        cost: Cost { amount: Money::from_pico(1_230_000_000), exact: true },
        tier: None,
        detail: outcome.map_or_else(String::new, |_| "HTTP 503: overloaded".into()),
    }
}

/// A reply that ended this way, after one failed attempt.
pub fn reply(finish: Finish, error: Option<OutcomeClass>) -> Reply {
    let whole = error.is_none();
    Reply {
        decision: Some(Arc::new(decision(vec![
            candidate("alpha", 0.7, None),
            candidate("beta", 0.6, None),
            candidate("gamma", 0.0, Some(FilterCode::NoKey)),
        ]))),
        attempts: vec![
            attempt(1, "alpha", Some(OutcomeClass::Provider)),
            attempt(2, "beta", error),
        ],
        text: if whole { "Hello there.".into() } else { String::new() },
        outcome: Some(Outcome {
            finish,
            model: Some("beta".into()),
            provider: Some("beta-host".into()),
            model_id: Some("beta-2026".into()),
            usage: Usage { input: 20, output: 300, ..Usage::default() },
            cost: Cost { amount: Money::from_pico(2_460_000_000), exact: true },
            wait_ms: whole.then_some(1500),
            ttft_ms: whole.then_some(600),
            total_ms: 8_500,
            answer_cost: None,
            cached: None,
            cache_note: None,
            error: error.map(|class| {
                let mut report =
                    ErrorReport::new(class, "overloaded", "the provider is overloaded");
                report.original = "overloaded_error".into();
                report.hint = "try again in a minute".into();
                report
            }),
        }),
        ..Reply::default()
    }
}
