//! Hedging: a second model beside one that is slower to begin than it usually is.

use std::time::Duration;

use wheelhouse::config::{Config, HedgeWhen};
use wheelhouse::domain::{AttemptKind, Finish, Money, OutcomeClass, Reply};
use wheelhouse::sim::{Fault, Until};

use crate::rig::{PROMPT, Rig, answered_by, finish, to};

fn racing(config: &mut Config) {
    config.hedge.when = HedgeWhen::Slow;
    config.hedge.max_share = 1.0;
    config.hedge.max_per_hour = "1".parse().unwrap();
    // Nothing but the race may save a slow answer here.
    config.limits.first_token = Duration::from_secs(9);
}

/// A rig whose sim-gpt-4o has shown how soon it usually begins: after 320 ms.
async fn warmed(change: impl FnOnce(&mut Config)) -> Rig {
    let rig = Rig::with(|config| {
        racing(config);
        change(config);
    })
    .await;
    rig.fleet
        .control()
        .inject("sim-openai", Fault::SlowFirstToken { ms: 320 }, Until::Times(5))
        .unwrap();
    for _ in 0..5 {
        let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop);
    }
    rig
}

fn kinds(reply: &Reply) -> Vec<(AttemptKind, Option<OutcomeClass>)> {
    reply.attempts.iter().map(|attempt| (attempt.kind, attempt.outcome)).collect()
}

#[tokio::test]
async fn a_second_model_wins_when_the_first_is_slower_than_it_usually_is_and_both_are_billed() {
    let rig = warmed(|_| {}).await;
    rig.break_it("sim-openai", &Fault::SlowFirstToken { ms: 8_000 });
    let (reply, _, took) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_ne!(answered_by(&reply), "sim-gpt-4o");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let first = (AttemptKind::First, Some(OutcomeClass::Cancelled));
    assert_eq!(kinds(&reply), [first, (AttemptKind::Hedge, None)]);
    let sum = reply.attempts.iter().fold(Money::ZERO, |sum, a| sum + a.cost.amount);
    assert_eq!(reply.outcome.unwrap().cost.amount, sum);
    let control = rig.fleet.control();
    let left = control.until("sim-openai", |stats| stats.in_flight == 0 && stats.left == 1);
    tokio::time::timeout(Duration::from_secs(5), left).await.expect("the loser ran on").unwrap();
}

#[tokio::test]
async fn a_failure_never_wins() {
    let rig = warmed(|_| {}).await;
    for provider in ["sim-deepseek", "sim-anthropic", "sim-mistral", "sim-qwen", "sim-openrouter"] {
        rig.break_it(provider, &Fault::ErrorUnder200);
    }
    rig.break_it("sim-openai", &Fault::SlowFirstToken { ms: 900 });
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(answered_by(&reply), "sim-gpt-4o");
    let second = (AttemptKind::Hedge, Some(OutcomeClass::Provider));
    assert_eq!(kinds(&reply), [second, (AttemptKind::First, None)]);
    assert!(reply.seams.is_empty());
}

#[tokio::test]
async fn a_first_that_fails_while_racing_leaves_the_answer_to_the_second() {
    let rig = warmed(|config| config.limits.first_token = Duration::from_millis(900)).await;
    rig.break_it("sim-openai", &Fault::Silence);
    for provider in ["sim-deepseek", "sim-anthropic", "sim-mistral", "sim-qwen", "sim-openrouter"] {
        rig.break_it(provider, &Fault::SlowFirstToken { ms: 800 });
    }
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    let first = (AttemptKind::First, Some(OutcomeClass::Stall));
    assert_eq!(kinds(&reply), [first, (AttemptKind::Hedge, None)]);
}

#[tokio::test]
async fn no_race_is_run_without_leave_or_beyond_its_share_or_its_money() {
    let off: [fn(&mut Config); 3] = [
        |config| config.hedge.when = HedgeWhen::Never,
        |config| config.hedge.max_share = 0.0,
        |config| config.hedge.max_per_hour = Money::ZERO,
    ];
    for change in off {
        let rig = warmed(change).await;
        rig.break_it("sim-openai", &Fault::SlowFirstToken { ms: 700 });
        let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
        assert_eq!(answered_by(&reply), "sim-gpt-4o");
        assert_eq!(kinds(&reply), [(AttemptKind::First, None)]);
    }
}
