//! The machine-readable forms: `ask --json` version 1 and the decision inside it, which `explain
//! --json` prints too. Names here are a promise to programs; fields may be added, never changed.
//!
//! Must not know: how any of it came about.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::{
    AttemptReport, Candidate, Cost, Decision, ErrorReport, Finish, Money, Origin, Outcome,
    ReaderKind, Reply, Request, RequestId, Usage,
};
use crate::engine;

/// The version printed as `schema`.
pub const SCHEMA: u32 = 1;

/// One whole reply.
pub fn reply(request: &Request, reply: &Reply) -> Value {
    let outcome = reply.outcome.as_ref();
    let finish = outcome.map_or(Finish::Cancelled, |outcome| outcome.finish);
    let cost = outcome.map_or_else(|| spent(reply), |outcome| outcome.cost);
    json!({
        "schema": SCHEMA,
        "request_id": request.id.to_string(),
        "session_id": request.session.map(|id| id.to_string()),
        "text": reply.text,
        "finish": finish.name(),
        "model": outcome.and_then(|o| o.model.as_ref()).map(ToString::to_string),
        "model_id": outcome.and_then(|o| o.model_id.clone()),
        "provider": outcome.and_then(|o| o.provider.as_ref()).map(ToString::to_string),
        "usage": usage(outcome.map(|o| o.usage).or(reply.usage).unwrap_or_default()),
        "cost_usd": cost.amount.to_string(),
        "cost_exact": cost.exact,
        "wait_ms": outcome.and_then(waited),
        "ttft_ms": outcome.and_then(|o| o.ttft_ms),
        "total_ms": outcome.map(|o| o.total_ms),
        "cached": outcome.and_then(|o| o.cached.as_deref()).map(tier),
        "seams": reply.seams,
        "verdict": reply.verdict,
        "decision": reply.decision.as_ref().map(|d| decision(d)),
        "attempts": reply.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "error": outcome.and_then(|o| o.error.as_ref()).map(error),
    })
}

/// How long its reader waited: for the first of the text, or for the budget that refused it.
fn waited(outcome: &Outcome) -> Option<u64> {
    let refused = outcome.error.as_ref().is_some_and(engine::over_budget);
    outcome.wait_ms.or_else(|| refused.then_some(outcome.total_ms))
}

/// The tier an answer came from. One that was read along with an identical request never left the
/// memory of this process.
fn tier(cached: &str) -> &str {
    if cached == "shared" { "memory" } else { cached }
}

/// A failure before anything was asked: the same object with nothing in it but the error. There is no
/// request and no chat that it could name.
pub fn failure(report: &ErrorReport) -> Value {
    let (id, reader) = (RequestId(Uuid::nil()), ReaderKind::Replaceable);
    let mut value = reply(&Request::new(id, Origin::Ask, reader, ""), &Reply::default());
    value["request_id"] = Value::Null;
    value["finish"] = json!(Finish::Error.name());
    value["error"] = error(report);
    value
}

/// What a reply that is not over has come to: whoever was chosen may be owed more.
fn spent(reply: &Reply) -> Cost {
    let begun = Cost { amount: Money::ZERO, exact: reply.decision.is_none() };
    reply.attempts.iter().fold(begun, |sum, attempt| sum + attempt.cost)
}

fn usage(usage: Usage) -> Value {
    json!({
        "input": usage.input,
        "cached_input": usage.cached_input,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "estimated": usage.estimated,
    })
}

fn error(report: &ErrorReport) -> Value {
    json!({
        "class": report.class.name(),
        "code": report.code,
        "message": report.message,
        "original": report.original,
        "hint": report.hint,
    })
}

fn attempt(report: &AttemptReport) -> Value {
    json!({
        "n": report.n,
        "model": report.model.as_str(),
        "provider": report.provider.as_str(),
        "kind": report.kind.name(),
        "outcome": report.outcome.map_or("ok", crate::domain::OutcomeClass::name),
        "status": report.status,
        "started_ms": report.started_ms,
        "waited_ms": report.waited_ms,
        "ttft_ms": report.stamps.first_text,
        "ms": report.ms,
        "cost_usd": report.cost.amount.to_string(),
        "detail": report.detail,
    })
}

/// A decision with everything that led to it.
pub fn decision(decision: &Decision) -> Value {
    json!({
        "id": decision.id.to_string(),
        "policy": decision.policy,
        "override": decision.imposed,
        "features": decision.features,
        "candidates": decision.candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}

fn candidate(candidate: &Candidate) -> Value {
    let factors: Map<String, Value> = candidate
        .score
        .factors
        .iter()
        .map(|factor| {
            let parts =
                json!({"value": factor.value, "weight": factor.weight, "points": factor.points});
            (factor.name.clone(), parts)
        })
        .collect();
    let filtered: Vec<Value> = candidate
        .filtered
        .iter()
        .map(|reason| json!({"code": reason.code, "detail": reason.detail}))
        .collect();
    json!({
        "model": candidate.model.as_str(),
        "provider": candidate.provider.as_str(),
        "score": candidate.score.total,
        "factors": factors,
        "filtered": filtered,
        "est_cost_usd": candidate.estimate.cost.map(|cost| cost.to_string()),
        "est_ttft_ms": candidate.estimate.ttft_ms,
        "est_total_ms": candidate.estimate.total_ms,
    })
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
