//! Tests of the machine-readable forms.

use super::super::fixture;
use super::*;
use crate::domain::OutcomeClass;

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_object_has_exactly_the_promised_fields() {
    let value = reply(&fixture::request(), &fixture::reply(Finish::Stop, None));
    assert_eq!(
        keys(&value),
        [
            "attempts",
            "cached",
            "cost_exact",
            "cost_usd",
            "decision",
            "error",
            "finish",
            "model",
            "model_id",
            "provider",
            "request_id",
            "schema",
            "seams",
            "session_id",
            "text",
            "total_ms",
            "ttft_ms",
            "usage",
            "verdict",
            "wait_ms",
        ]
    );
    assert_eq!(value["schema"], 1);
    assert_eq!(value["cost_usd"], "0.00246");
    assert_eq!(value["finish"], "stop");
    assert_eq!(
        keys(&value["usage"]),
        ["cache_write", "cached_input", "estimated", "input", "output", "reasoning"]
    );
    assert_eq!(keys(&value["decision"]), ["candidates", "features", "id", "override", "policy"]);
    assert_eq!(
        keys(&value["decision"]["candidates"][0]),
        [
            "est_cost_usd",
            "est_total_ms",
            "est_ttft_ms",
            "factors",
            "filtered",
            "model",
            "provider",
            "score",
        ]
    );
    assert_eq!(value["decision"]["candidates"][0]["factors"]["quality"]["points"], 0.4);
    assert_eq!(value["decision"]["candidates"][2]["filtered"][0]["code"], "no_key");
    assert_eq!(
        keys(&value["attempts"][0]),
        [
            "cost_usd",
            "detail",
            "kind",
            "model",
            "ms",
            "n",
            "outcome",
            "provider",
            "started_ms",
            "status",
            "ttft_ms",
            "waited_ms",
        ]
    );
    assert_eq!(value["attempts"][0]["outcome"], "provider");
    assert_eq!(value["attempts"][1]["outcome"], "ok");
    assert_eq!(value["error"], Value::Null);
}

#[test]
fn what_is_not_over_is_never_called_an_exact_cost() {
    let mut running = fixture::reply(Finish::Stop, None);
    running.outcome = None;
    let value = reply(&fixture::request(), &running);
    assert_eq!((&value["cost_usd"], &value["cost_exact"]), (&json!("0.00246"), &json!(false)));
}

#[test]
fn a_failure_is_the_same_object_with_an_error() {
    let failed = fixture::reply(Finish::Error, Some(OutcomeClass::Provider));
    let value = reply(&fixture::request(), &failed);
    assert_eq!(value["finish"], "error");
    assert_eq!(keys(&value["error"]), ["class", "code", "hint", "message", "original"]);

    let report = ErrorReport::new(OutcomeClass::Caller, "config", "routing.policy is unknown");
    let early = failure(&report);
    assert_eq!(keys(&early), keys(&value));
    assert_eq!(early["finish"], "error");
    assert_eq!(early["decision"], Value::Null);
    assert_eq!(early["error"]["class"], "caller");
    // Nothing was made that they could name.
    assert_eq!((&early["request_id"], &early["session_id"]), (&Value::Null, &Value::Null));
}
