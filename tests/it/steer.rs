//! The real engine over real sockets: traffic leaves a slow model, says so, and comes back when told.

use std::time::Duration;

use wheelhouse::config::Config;
use wheelhouse::domain::{Finish, ModelName};
use wheelhouse::engine::{Command, ModelStatus, Pending, Snapshot, Undo};
use wheelhouse::sim::{Fault, Until};

use super::rig::{LIMIT, PROMPT, Rig, answered_by, finish, only, request};

const SLOW: &str = "sim-deepseek-flash";

/// Three answers over 150 ms are enough, whatever is usual for a model.
fn touchy(config: &mut Config) {
    config.feedback.p95_limit = Duration::from_millis(150);
    config.feedback.min_samples = 3;
    for model in config.models.values_mut() {
        model.latency.ttft_ms = 1;
    }
}

async fn until(rig: &Rig, wanted: impl Fn(&Snapshot) -> bool) -> std::sync::Arc<Snapshot> {
    let mut observer = rig.engine.subscribe();
    let seen = async {
        loop {
            let snapshot = rig.engine.snapshot();
            if wanted(&snapshot) {
                return snapshot;
            }
            observer.changed().await.expect("the engine ended");
        }
    };
    tokio::time::timeout(LIMIT, seen).await.expect("it never came to that")
}

fn slow(snapshot: &Snapshot) -> &ModelStatus {
    &snapshot.models[SLOW]
}

async fn three_slow_answers(rig: &Rig) {
    let late = Fault::SlowFirstToken { ms: 300 };
    rig.fleet.control().inject_on("sim-deepseek", SLOW, late, Until::Cleared).unwrap();
    for _ in 0..3 {
        assert_eq!(finish(&rig.ask(only(SLOW, PROMPT)).await.0), Finish::Stop);
    }
}

#[tokio::test]
async fn traffic_leaves_a_slow_model_with_a_notice_and_undoing_it_brings_it_back() {
    let rig = Rig::with(touchy).await;
    three_slow_answers(&rig).await;
    let seen = until(&rig, |snapshot| slow(snapshot).shifted_until.is_some()).await;
    let notice = seen.notices.last().unwrap();
    assert!(notice.text.starts_with("sim-deepseek-flash is slow: p95 "), "{}", notice.text);
    assert!(notice.text.ends_with(" ms over 150 ms; traffic away for 5m"), "{}", notice.text);
    let undo = Undo::Shift(ModelName::from(SLOW));
    assert_eq!(notice.undo, Some(undo.clone()));
    let countdown = seen.providers["sim-deepseek"].countdown.unwrap();
    assert_eq!(
        (countdown.pending, Some(countdown.until)),
        (Pending::Shifted, slow(&seen).shifted_until)
    );
    for _ in 0..3 {
        assert_ne!(answered_by(&rig.ask(request(PROMPT)).await.0), SLOW);
    }
    rig.engine.send(undo.command());
    let seen = until(&rig, |snapshot| slow(snapshot).shifted_until.is_none()).await;
    assert!(seen.notices.iter().all(|notice| notice.undo.as_ref() != Some(&undo)));
    assert_eq!(seen.providers["sim-deepseek"].countdown, None);
}

#[tokio::test]
async fn a_slow_model_keeps_its_traffic_when_nobody_can_take_it_and_that_is_said() {
    let rig = Rig::with(touchy).await;
    let names: Vec<String> =
        rig.engine.snapshot().providers.keys().map(ToString::to_string).collect();
    for name in names.into_iter().filter(|name| name != "sim-deepseek") {
        rig.engine.send(Command::Drain { provider: name, on: true, until: None });
    }
    rig.engine.send(Command::Drain { provider: "sim-local".into(), on: true, until: None });
    rig.engine.send(Command::Avoid(wheelhouse::engine::Veto {
        name: "sim-deepseek-pro".into(),
        until: None,
    }));
    three_slow_answers(&rig).await;
    let seen = until(&rig, |snapshot| !snapshot.notices.is_empty()).await;
    let text = &seen.notices.last().unwrap().text;
    assert!(text.ends_with("nobody else is fit to take its traffic"), "{text}");
    assert_eq!(slow(&seen).shifted_until, None);
    assert_eq!(answered_by(&rig.ask(request(PROMPT)).await.0), SLOW);
}
