//! The real engine against the simulated fleet, over real sockets: every way a provider can fail,
//! and what the reader gets all the same.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wheelhouse::domain::{
    AttemptKind, FilterCode, Finish, ModelName, OutcomeClass, PinScope, ReaderKind, Reply,
    ReplyEvent, Request, SessionId,
};
use wheelhouse::engine::{Command, Veto};
use wheelhouse::route::{CircuitView, HealthState};
use wheelhouse::sim::{Cut, Fault, RetryAfter};

use crate::rig::{LIMIT, PROMPT, Rig, answered_by, finish, only, request, to};

#[tokio::test]
async fn a_routed_answer_streams_whole_with_its_decision_usage_and_cost() {
    let rig = Rig::new().await;
    let (reply, events, _) = rig.ask(request(PROMPT)).await;
    assert!(matches!(events.first(), Some(ReplyEvent::Routed(_))));
    assert!(matches!(events.last(), Some(ReplyEvent::End(_))));
    assert_eq!(finish(&reply), Finish::Stop);
    assert!(reply.text.len() > 100);
    let outcome = reply.outcome.as_ref().unwrap();
    assert!(outcome.usage.output > 0 && !outcome.usage.estimated);
    assert!(outcome.cost.exact);
    assert!(outcome.wait_ms.is_some() && outcome.ttft_ms.is_some());
    let chosen = reply.decision.as_ref().unwrap().chosen().unwrap();
    assert_eq!(Some(&chosen.model), outcome.model.as_ref());
    let snapshot = rig.engine.snapshot();
    assert_eq!(snapshot.log.len(), 1);
    assert_eq!(snapshot.log[0].outcome.as_ref(), Some(outcome));
    assert_eq!(snapshot.spend.cost, outcome.cost);
}

#[tokio::test]
async fn both_dialects_answer() {
    let rig = Rig::new().await;
    for model in ["sim-sonnet", "sim-gpt-4o"] {
        let (reply, ..) = rig.ask(only(model, PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop, "{model}: {:?}", reply.outcome);
        assert_eq!(answered_by(&reply), model);
    }
}

#[tokio::test]
async fn failures_before_any_text_move_on_to_a_model_that_answers() {
    let faults = [
        Fault::Status { status: 500 },
        Fault::Status { status: 503 },
        Fault::Status { status: 402 },
        Fault::Reset,
        Fault::RateLimit { retry_after: RetryAfter::Seconds(30) },
        Fault::RateLimit { retry_after: RetryAfter::Unsaid },
        Fault::Unauthorized,
        Fault::UnknownModel,
        Fault::ErrorUnder200,
        Fault::HtmlUnder200,
        Fault::EmptyStop,
        Fault::QuotaGone,
    ];
    for fault in faults {
        let rig = Rig::new().await;
        rig.break_it("sim-openai", &fault);
        let (reply, _, took) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop, "{fault:?}: {:?}", reply.outcome);
        assert!(answered_by(&reply) != "sim-gpt-4o", "{fault:?}");
        assert!(reply.attempts.len() <= 4, "{fault:?}: {} attempts", reply.attempts.len());
        assert!(took < Duration::from_secs(15), "{fault:?} took {took:?}");
        assert_eq!(reply.attempts[0].kind, AttemptKind::First);
        assert!(reply.attempts[0].outcome.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn silence_is_left_at_the_first_token_limit_and_not_asked_again() {
    for fault in [Fault::Silence, Fault::HeadersThenSilence, Fault::CommentsOnly] {
        let rig = Rig::with(|config| {
            config.limits.first_token = Duration::from_millis(300);
        })
        .await;
        rig.break_it("sim-openai", &fault);
        let (reply, _, took) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop, "{fault:?}");
        let asked = reply.attempts.iter().filter(|a| a.model.as_str() == "sim-gpt-4o").count();
        assert_eq!(asked, 1, "{fault:?}");
        assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Stall));
        assert!(took < Duration::from_secs(15), "{fault:?} took {took:?}");
    }
}

#[tokio::test]
async fn a_cut_answer_is_finished_and_nothing_is_lost_or_doubled() {
    let whole = {
        let rig = Rig::new().await;
        rig.ask(only("sim-deepseek-flash", PROMPT)).await.0.text
    };
    for how in [Cut::Reset, Cut::MidChunk, Cut::Close, Cut::CleanEnd] {
        let rig = Rig::new().await;
        rig.break_once("sim-deepseek", &Fault::Cut { after: 40, how });
        let (reply, ..) = rig.ask(only("sim-deepseek-flash", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop, "{how:?}: {:?}", reply.outcome);
        assert_eq!(reply.text, whole, "{how:?}");
        assert_eq!(reply.seams.len(), 1, "{how:?}");
        assert_eq!(reply.attempts.len(), 2);
        assert_eq!(reply.attempts[1].kind, AttemptKind::Continue);
    }
}

#[tokio::test]
async fn a_cut_answer_goes_on_with_another_model_when_its_own_is_gone() {
    let rig = Rig::new().await;
    rig.break_it("sim-deepseek", &Fault::Cut { after: 40, how: Cut::Reset });
    let (reply, _, took) = rig.ask(to("sim-deepseek-flash", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert!(!answered_by(&reply).starts_with("sim-deepseek"));
    assert!(took < Duration::from_secs(15));
}

#[tokio::test]
async fn a_reader_that_cannot_take_text_back_never_sees_a_restart() {
    let rig = Rig::new().await;
    rig.break_it("sim-deepseek", &Fault::Cut { after: 5, how: Cut::Reset });
    let mut request = to("sim-deepseek-flash", PROMPT);
    request.reader = ReaderKind::AppendOnly;
    let (_, events, _) = rig.ask(request).await;
    assert!(!events.iter().any(|event| matches!(event, ReplyEvent::Restart { .. })));
}

#[tokio::test]
async fn with_nobody_else_the_first_real_error_comes_within_five_seconds() {
    let faults = [
        Fault::Status { status: 503 },
        Fault::Reset,
        Fault::RateLimit { retry_after: RetryAfter::Seconds(2) },
        Fault::Unauthorized,
    ];
    for fault in faults {
        let rig = Rig::new().await;
        rig.break_it("sim-openai", &fault);
        let (reply, _, took) = rig.ask(only("sim-gpt-4o", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Error, "{fault:?}");
        let error = reply.outcome.unwrap().error.unwrap();
        assert_eq!(error.model.as_ref().map(ModelName::as_str), Some("sim-gpt-4o"));
        assert_eq!(Some(error.class), reply.attempts[0].outcome, "the first error is reported");
        assert!(took < Duration::from_secs(5), "{fault:?} took {took:?}");
    }
}

#[tokio::test]
async fn a_short_told_wait_is_kept_when_there_is_nobody_else() {
    let rig = Rig::new().await;
    rig.break_once("sim-openai", &Fault::RateLimit { retry_after: RetryAfter::Ms(250) });
    let (reply, ..) = rig.ask(only("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(reply.attempts.len(), 2);
    assert_eq!(reply.attempts[1].kind, AttemptKind::Retry);
    assert!((250..300).contains(&reply.attempts[1].waited_ms), "{:?}", reply.attempts[1]);
}

#[tokio::test]
async fn a_key_refused_by_the_free_call_takes_its_provider_out_and_says_so() {
    let rig = Rig::new().await;
    rig.break_it("sim-openai", &Fault::Unauthorized);
    rig.engine.send(Command::Probe("sim-openai".to_owned()));
    let mut observer = rig.engine.subscribe();
    let said = async {
        while rig.engine.snapshot().notices.is_empty() {
            observer.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, said).await.expect("nothing was said");
    let (reply, ..) = rig.ask(request(PROMPT)).await;
    let decision = reply.decision.as_ref().unwrap();
    let refused = decision.candidate("sim-gpt-4o").unwrap();
    assert!(refused.filtered.iter().any(|reason| reason.code == FilterCode::Account));
    assert_eq!(finish(&reply), Finish::Stop);
}

#[tokio::test]
async fn any_id_is_passed_on_where_its_provider_says_so() {
    let rig = Rig::with(|config| {
        config.providers.get_mut("sim-openai").unwrap().passthrough = true;
        config.models.retain(|name, _| name.as_str() != "sim-gpt-4o");
    })
    .await;
    let (reply, ..) = rig.ask(only("sim-openai/sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(answered_by(&reply), "sim-openai/sim-gpt-4o");
    let (reply, ..) = rig.ask(only("sim-anthropic/sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Error);
}

#[tokio::test]
async fn a_private_message_never_leaves_this_machine() {
    let rig = Rig::new().await;
    let private = |text: &str| Request { tags: vec!["private".to_owned()], ..request(text) };
    let (reply, ..) = rig.ask(private(PROMPT)).await;
    assert_eq!(answered_by(&reply), "sim-tiny");
    let rule = reply.decision.as_ref().unwrap().rule.clone();
    assert_eq!(rule.as_deref(), Some("#private: only this machine"));
    rig.break_it("sim-local", &Fault::Status { status: 500 });
    let (reply, ..) = rig.ask(private(PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Error);
    assert!(reply.attempts.iter().all(|attempt| attempt.provider.as_str() == "sim-local"));
}

#[tokio::test]
async fn where_nothing_listens_no_other_model_of_that_address_is_asked() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", closed.local_addr().unwrap());
    drop(closed);
    let rig = Rig::new().await;
    let mut config = rig.engine.snapshot().config.as_ref().clone();
    config.providers.get_mut("sim-openai").unwrap().base_url = address;
    rig.engine.send(Command::Reconfigure(Arc::new(config)));
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    let asked: Vec<&str> = reply
        .attempts
        .iter()
        .filter(|attempt| attempt.provider.as_str() == "sim-openai")
        .map(|attempt| attempt.model.as_str())
        .collect();
    assert!(asked.iter().all(|model| *model == "sim-gpt-4o"), "{asked:?}");
}

#[tokio::test]
async fn where_nothing_listens_the_provider_is_down_at_once_and_up_when_it_answers() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", closed.local_addr().unwrap());
    drop(closed);
    let rig = Rig::new().await;
    let works = rig.engine.snapshot().config.as_ref().clone();
    let mut broken = works.clone();
    broken.providers.get_mut("sim-openai").unwrap().base_url = address;
    rig.engine.send(Command::Reconfigure(Arc::new(broken)));
    let (reply, ..) = rig.ask(only("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Error);
    let down = rig.status("sim-openai", |status| status.state == HealthState::Down).await;
    assert_eq!(down.note, "no connection");
    let model = rig.engine.snapshot().models["sim-gpt-4o"].clone();
    assert_eq!((model.health.state, model.circuit), (HealthState::Down, CircuitView::Closed));
    rig.engine.send(Command::Reconfigure(Arc::new(works)));
    let (reply, ..) = rig.ask(only("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    rig.status("sim-openai", |status| status.state == HealthState::Up).await;
}

#[tokio::test]
async fn a_refusal_is_reported_and_not_dodged() {
    let rig = Rig::new().await;
    rig.break_it("sim-openai", &Fault::Moderated);
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::ContentFilter, "{:?}", reply.outcome);
    assert_eq!(reply.attempts.len(), 1);
}

#[tokio::test]
async fn an_overlong_prompt_goes_only_to_a_larger_window() {
    let rig = Rig::new().await;
    rig.break_it("sim-openai", &Fault::ContextOverflow);
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    let snapshot = rig.engine.snapshot();
    let small = snapshot.config.models["sim-gpt-4o"].context;
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Context));
    for attempt in &reply.attempts[1..] {
        assert!(snapshot.config.models[&attempt.model].context > small, "{}", attempt.model);
    }
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
}

#[tokio::test]
async fn dropping_the_reader_stops_the_upstream_call_and_gives_the_permit_back() {
    let rig = Rig::new().await;
    drop(rig.stalled().await);
    let control = rig.fleet.control();
    let left = control.until("sim-openai", |stats| stats.in_flight == 0);
    tokio::time::timeout(LIMIT, left).await.unwrap().unwrap();
    let mut observer = rig.engine.subscribe();
    let idle = async {
        while rig.engine.snapshot().models["sim-gpt-4o"].health.in_flight > 0 {
            observer.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, idle).await.expect("the permit never came back");
}

#[tokio::test]
async fn the_same_repeatable_request_is_answered_from_memory() {
    let rig = Rig::new().await;
    let ask = || {
        let mut request = only("sim-gpt-4o", PROMPT);
        request.params.temperature = Some(0.0);
        request.params.seed = Some(1);
        request
    };
    let (first, ..) = rig.ask(ask()).await;
    let (second, ..) = rig.ask(ask()).await;
    assert_eq!(first.text, second.text);
    assert_eq!(second.outcome.as_ref().unwrap().cached.as_deref(), Some("memory"));
    assert_eq!(second.outcome.as_ref().unwrap().cost.amount, wheelhouse::domain::Money::ZERO);
    assert!(second.attempts.is_empty());
    assert_eq!(rig.fleet.control().stats("sim-openai").unwrap().calls, 1);
    let mut other = ask();
    other.params.seed = Some(2);
    assert_eq!(rig.ask(other).await.0.outcome.unwrap().cached, None);
}

#[tokio::test]
async fn a_cut_answer_is_never_kept() {
    let rig = Rig::new().await;
    let ask = || {
        let mut request = only("sim-deepseek-flash", PROMPT);
        request.params.temperature = Some(0.0);
        request.params.seed = Some(1);
        request
    };
    rig.break_it("sim-deepseek", &Fault::Cut { after: 40, how: Cut::Reset });
    let (cut, ..) = rig.ask(ask()).await;
    assert_eq!(finish(&cut), Finish::Truncated, "{:?}", cut.outcome);
    rig.fleet.control().clear("sim-deepseek").unwrap();
    let (whole, ..) = rig.ask(ask()).await;
    assert_eq!(whole.outcome.unwrap().cached, None);
}

#[tokio::test]
async fn pins_vetoes_and_policies_change_the_next_decision() {
    let rig = Rig::new().await;
    let session = SessionId(Uuid::now_v7());
    let ask = || Request { session: Some(session), ..request(PROMPT) };
    let auto = answered_by(&rig.ask(ask()).await.0);

    let pinned: ModelName = if auto == "sim-haiku" { "sim-sonnet" } else { "sim-haiku" }.into();
    rig.engine.send(Command::Pin {
        model: pinned.clone(),
        scope: PinScope::Session,
        session: Some(session),
        until: None,
    });
    let (reply, ..) = rig.ask(ask()).await;
    assert_eq!(answered_by(&reply), pinned.as_str());
    let imposed = reply.decision.as_ref().unwrap().imposed.clone().unwrap();
    assert_eq!(imposed.would_be.as_ref().map(ModelName::as_str), Some(auto.as_str()));
    // Who is chosen freely may change with the hour's prices and with what is learnt meanwhile.
    let free = |reply: &Reply| reply.decision.as_ref().unwrap().imposed.is_none();
    assert!(free(&rig.ask(request(PROMPT)).await.0), "other sessions are free");

    rig.engine.send(Command::Unpin { session: Some(session) });
    assert!(free(&rig.ask(ask()).await.0));

    let against = |reply: &Reply| {
        let decision = reply.decision.as_ref().unwrap();
        decision.candidate(&auto).unwrap().filtered.iter().map(|why| why.code).collect::<Vec<_>>()
    };
    rig.engine.send(Command::Avoid(Veto { name: auto.clone(), until: None }));
    let (reply, ..) = rig.ask(ask()).await;
    assert_ne!(answered_by(&reply), auto);
    assert_eq!(against(&reply), [FilterCode::Vetoed]);
    rig.engine.send(Command::Allow(auto.clone()));
    assert_eq!(against(&rig.ask(ask()).await.0), []);

    rig.engine.send(Command::Policy("best".to_owned()));
    let (best, ..) = rig.ask(ask()).await;
    assert_eq!(best.decision.as_ref().unwrap().policy, "best");
}

#[tokio::test]
async fn a_pin_for_one_message_holds_for_one_message() {
    let rig = Rig::new().await;
    let session = SessionId(Uuid::now_v7());
    let ask = || Request { session: Some(session), ..request(PROMPT) };
    let auto = answered_by(&rig.ask(ask()).await.0);
    let once: ModelName = if auto == "sim-haiku" { "sim-sonnet" } else { "sim-haiku" }.into();
    rig.engine.send(Command::Pin {
        model: once.clone(),
        scope: PinScope::Message,
        session: Some(session),
        until: None,
    });
    let (pinned, free) = (rig.ask(ask()).await.0, rig.ask(ask()).await.0);
    assert_eq!(answered_by(&pinned), once.as_str());
    assert!(free.decision.as_ref().unwrap().imposed.is_none());
}

#[tokio::test]
async fn a_broken_model_is_left_alone_until_its_circuit_lets_a_probe_through() {
    let rig = Rig::new().await;
    rig.break_it("sim-openai", &Fault::Status { status: 500 });
    for _ in 0..6 {
        let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
        assert_eq!(finish(&reply), Finish::Stop);
    }
    let calls = rig.fleet.control().stats("sim-openai").unwrap().calls;
    assert!(calls <= 6, "a broken model saw {calls} calls in six requests");
}

#[tokio::test]
async fn many_conversations_at_once_all_get_whole_answers() {
    let rig = Arc::new(Rig::new().await);
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move { rig.ask(request(&format!("{PROMPT} ({n})"))).await.0 })
        })
        .collect();
    for task in tasks {
        assert_eq!(finish(&task.await.unwrap()), Finish::Stop);
    }
    assert_eq!(rig.engine.snapshot().log.len(), 64);
}

#[tokio::test]
async fn closing_ends_what_runs() {
    let rig = Rig::new().await;
    let mut stream = rig.stalled().await;
    tokio::time::timeout(LIMIT, rig.engine.clone().close()).await.expect("close hangs");
    let rest = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(LIMIT, rest).await.expect("the stream never ended");
}

#[tokio::test]
async fn a_model_that_takes_longer_than_its_own_total_is_left_in_mid_answer() {
    let rig = Rig::with(|config| {
        let model = config.models.get_mut("sim-gpt-4o").unwrap();
        model.limits.total = Some(Duration::from_millis(700));
    })
    .await;
    rig.break_it("sim-openai", &Fault::Drip { bytes: 40, every_ms: 5 });
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Stall));
    assert_ne!(answered_by(&reply), "sim-gpt-4o");
}

#[tokio::test]
async fn what_shares_the_fate_of_a_failed_provider_is_asked_last() {
    let rig = Rig::new().await;
    rig.break_it("sim-deepseek", &Fault::Status { status: 503 });
    let (reply, ..) = rig.ask(to("sim-deepseek-flash", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop);
    let config = rig.engine.snapshot().config.clone();
    let after: Vec<&str> = reply
        .attempts
        .iter()
        .filter(|attempt| attempt.model.as_str() != "sim-deepseek-flash")
        .map(|attempt| config.providers[&attempt.provider].failure_domain.as_str())
        .collect();
    assert!(!after.is_empty() && !after.contains(&"sim-deepseek"), "{after:?}");
}

#[tokio::test]
async fn a_text_that_is_cut_in_json_is_asked_for_again_and_one_whole_object_arrives() {
    let rig = Rig::new().await;
    let mut ask = to("sim-gpt-4o", "zqx vlm");
    ask.params.response_format = Some(serde_json::json!({ "type": "json_object" }));
    let (calm, ..) = rig.ask(ask.clone()).await;
    let whole: serde_json::Value =
        serde_json::from_str(&calm.text).unwrap_or_else(|_| panic!("no JSON: {}", calm.text));
    rig.break_once("sim-openai", &Fault::QuietStop { after: 12 });
    let (reply, ..) = rig.ask(ask).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    let again: serde_json::Value = serde_json::from_str(&reply.text).expect("not whole");
    assert_eq!(again.is_object(), whole.is_object());
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Truncation));
}
