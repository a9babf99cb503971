//! Told limits, denials and deadlines: who is asked how often, who waits, and what is said when nobody
//! can be asked.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wheelhouse::config::{Config, Rule, RuleThen, RuleWhen};
use wheelhouse::domain::{
    Continuation, Finish, ModelName, OutcomeClass, PinScope, ReaderKind, Request, SessionId,
};
use wheelhouse::engine::Command;
use wheelhouse::route::CircuitView;
use wheelhouse::sim::{Cut, Fault, RetryAfter};

use crate::rig::{PROMPT, Rig, answered_by, finish, only, request, to};

const GPT: &str = "sim-gpt-4o";

/// Nobody but these.
fn keep(config: &mut Config, models: &[&str]) {
    config.models.retain(|name, _| models.contains(&name.as_str()));
}

#[tokio::test]
async fn many_models_of_a_throttled_provider_are_not_asked_in_a_row() {
    for retry_after in [RetryAfter::Seconds(0), RetryAfter::Ms(5), RetryAfter::Unsaid] {
        let rig = Rig::with(|config| {
            keep(config, &[GPT]);
            let model = config.models[GPT].clone();
            for n in 0..8 {
                let name = ModelName::from(format!("sibling-{n}"));
                let sibling = wheelhouse::config::Model { name: name.clone(), ..model.clone() };
                config.models.insert(name, sibling);
            }
        })
        .await;
        rig.break_it("sim-openai", &Fault::RateLimit { retry_after });
        let (reply, _, took) = rig.ask(request(PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Error);
        assert!(reply.attempts.len() <= 4, "{retry_after:?}: {} calls", reply.attempts.len());
        // One is left alone at once where the limit is known to be the account's; else with pauses.
        let at_once = reply.attempts.len() <= 2;
        assert!(at_once || took >= Duration::from_millis(250), "{retry_after:?}: in {took:?}");
    }
}

#[tokio::test]
async fn others_wait_for_a_told_limit_to_end_where_nobody_else_can_answer() {
    const QWEN: &str = "sim-qwen-plus";
    let rig = Arc::new(Rig::with(|config| keep(config, &[QWEN])).await);
    let limit = Fault::RateLimit { retry_after: RetryAfter::Ms(1_500) };
    rig.break_once("sim-qwen", &limit);
    let ask = || {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move { rig.ask(request(PROMPT)).await.0 })
    };
    let first = ask();
    rig.until(|snapshot| snapshot.models[QWEN].limited_until.is_some()).await;
    let others: Vec<_> = (0..4).map(|_| ask()).collect();
    for other in others {
        let reply = other.await.unwrap();
        assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
        assert_eq!(reply.attempts.len(), 1);
        assert!(reply.attempts[0].waited_ms > 500, "it went out at once");
    }
    assert_eq!(finish(&first.await.unwrap()), Finish::Stop);
}

#[tokio::test]
async fn a_reader_that_leaves_during_a_told_wait_has_cancelled() {
    let rig = Rig::with(|config| keep(config, &[GPT])).await;
    let limit = Fault::RateLimit { retry_after: RetryAfter::Seconds(20) };
    rig.break_it("sim-openai", &limit);
    let stream = rig.engine.ask(request(PROMPT));
    rig.until(|snapshot| snapshot.log.last().is_some_and(|entry| !entry.attempts.is_empty())).await;
    drop(stream);
    let over = rig.until(|snapshot| snapshot.log[0].outcome.is_some()).await;
    let outcome = over.log[0].outcome.clone().unwrap();
    assert_eq!((outcome.finish, outcome.error), (Finish::Cancelled, None));
}

#[tokio::test]
async fn after_the_deadline_nobody_is_asked_and_nobody_is_charged() {
    let rig = Rig::with(|config| {
        config.limits.total = Duration::from_secs(1);
        keep(config, &[GPT, "sim-sonnet", "sim-qwen-plus", "sim-codestral", "sim-tiny"]);
        for model in config.models.values_mut() {
            model.capabilities.continuation = Continuation::Instruct;
        }
        prefer(config, &[GPT, "sim-sonnet"]);
    })
    .await;
    rig.break_it("sim-openai", &Fault::Length { after: 20 });
    rig.break_it("sim-anthropic", &Fault::HeadersThenSilence);
    let (reply, ..) = rig.ask(request(PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Truncated, "{:?}", reply.outcome);
    let asked: Vec<&str> = reply.attempts.iter().map(|attempt| attempt.model.as_str()).collect();
    assert_eq!(asked, [GPT, "sim-sonnet"]);
    let snapshot = rig.engine.snapshot();
    for name in ["sim-qwen-plus", "sim-codestral", "sim-tiny"] {
        assert_eq!(snapshot.models[name].spend.calls, 0, "{name}");
        assert_eq!(snapshot.models[name].health.error_rate, 0.0, "{name}");
    }
}

/// These before all others, while they fit.
fn prefer(config: &mut Config, models: &[&str]) {
    let names = models.iter().map(|name| (*name).to_owned()).collect();
    config.routing.rules = vec![Rule { when: RuleWhen::default(), then: RuleThen::Prefer(names) }];
}

#[tokio::test]
async fn models_that_cannot_go_on_from_a_broken_answer_are_not_counted_as_asked() {
    let rig = Rig::with(|config| {
        for model in config.models.values_mut() {
            model.capabilities.continuation = Continuation::None;
        }
    })
    .await;
    rig.break_it("sim-openai", &Fault::Cut { after: 20, how: Cut::Reset });
    let append_only = Request { reader: ReaderKind::AppendOnly, ..to(GPT, PROMPT) };
    let (reply, ..) = rig.ask(append_only).await;
    assert_eq!(finish(&reply), Finish::Truncated);
    assert!(reply.attempts.iter().all(|attempt| attempt.model.as_str() == GPT));
    let snapshot = rig.engine.snapshot();
    let calls: u64 =
        snapshot.models.values().filter(|m| m.model.as_str() != GPT).map(|m| m.spend.calls).sum();
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn the_error_told_is_of_somebody_who_was_asked() {
    let rig = Rig::with(|config| {
        keep(config, &[GPT, "sim-sonnet"]);
        prefer(config, &[GPT, "sim-sonnet"]);
    })
    .await;
    rig.break_it("sim-openai", &Fault::Status { status: 500 });
    for _ in 0..2 {
        let _ = rig.ask(only(GPT, PROMPT)).await;
    }
    rig.fleet.control().clear("sim-openai").unwrap();
    rig.until(|snapshot| snapshot.models[GPT].circuit == CircuitView::HalfOpen).await;
    rig.break_it("sim-openai", &Fault::HeadersThenSilence);
    rig.break_it("sim-anthropic", &Fault::Status { status: 402 });
    let probe = rig.engine.ask(request(PROMPT));
    rig.until(|snapshot| snapshot.models[GPT].health.in_flight == 1).await;
    let (reply, ..) = rig.ask(request(PROMPT)).await;
    let error = reply.outcome.unwrap().error.unwrap();
    assert_eq!((error.class, error.status), (OutcomeClass::Account, Some(402)), "{error:?}");
    drop(probe);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_decided_with_what_was_commanded_before_it() {
    let rig = Rig::new().await;
    for n in 0..40 {
        let session = SessionId(Uuid::now_v7());
        let model = if n % 2 == 0 { "sim-haiku" } else { "sim-codestral" };
        rig.engine.send(Command::Pin {
            model: model.into(),
            scope: PinScope::Message,
            session: Some(session),
            until: None,
        });
        let asked = Request { session: Some(session), ..request("sim:tokens=2") };
        assert_eq!(answered_by(&rig.ask(asked).await.0), model, "message {n}");
    }
}
