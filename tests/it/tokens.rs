//! Tokens as they are reported teach what the next prompt will cost.

use crate::rig::{PROMPT, Rig, only};
use wheelhouse::domain::Script;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_reports_corrects_the_next_estimate() {
    let rig = Rig::new().await;
    let long = PROMPT.repeat(8);
    for _ in 0..4 {
        rig.ask(only("sim-gpt-4o", &long)).await;
    }
    let snapshot =
        rig.until(|snapshot| !snapshot.models["sim-gpt-4o"].tokens.estimates.is_empty()).await;
    let (script, factor) = snapshot.models["sim-gpt-4o"].tokens.estimates[0];
    assert_eq!(script, Script::Latin);
    assert!((0.25..=4.0).contains(&factor));
    let reported = snapshot.log[0].attempts[0].usage.input;
    let (reply, ..) = rig.ask(only("sim-gpt-4o", &long)).await;
    let expected = reply.decision.unwrap().chosen().unwrap().estimate.input_tokens;
    let off = (expected as f64 / reported as f64 - 1.0).abs();
    assert!(off < 0.1, "expected {expected}, reported {reported}");
}
