//! The real engine over real sockets: traffic leaves a slow model, says so, and comes back when told.

use std::time::Duration;

use wheelhouse::config::Config;
use wheelhouse::domain::{Evidence, FilterCode, Finish, ModelName, Route};
use wheelhouse::engine::{Command, ModelStatus, Options, Pending, Snapshot, Undo};
use wheelhouse::route::{CircuitView, HealthState};
use wheelhouse::sim::{Fault, Until};

use crate::scripted;

use super::rig::{PROMPT, Rig, answered_by, finish, only, request, to};

const SLOW: &str = "sim-deepseek-flash";

/// Three answers over 150 ms are enough, whatever is usual for a model.
fn touchy(config: &mut Config) {
    config.feedback.p95_limit = Duration::from_millis(150);
    config.feedback.min_samples = 3;
    for model in config.models.values_mut() {
        model.latency.ttft_ms = 1;
    }
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
    let seen = rig.until(|snapshot| slow(snapshot).shifted_until.is_some()).await;
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
    let seen = rig.until(|snapshot| slow(snapshot).shifted_until.is_none()).await;
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
    let seen = rig.until(|snapshot| !snapshot.notices.is_empty()).await;
    let text = &seen.notices.last().unwrap().text;
    assert!(text.ends_with("nobody else is fit to take its traffic"), "{text}");
    assert_eq!(slow(&seen).shifted_until, None);
    assert_eq!(answered_by(&rig.ask(request(PROMPT)).await.0), SLOW);
}

/// A server that counts down from 40 requests of 500 a minute.
async fn counting_down() -> scripted::Server {
    scripted::Server::new(|n, _| {
        let left = 40usize.saturating_sub(n + 1);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\
             x-ratelimit-limit-requests: 500\r\nx-ratelimit-remaining-requests: {left}\r\n\
             x-ratelimit-reset-requests: 60s\r\n\r\n"
        );
        let mut steps = vec![scripted::Step::Put(head), scripted::text("Along it.")];
        steps.extend(scripted::end(3));
        steps
    })
    .await
}

#[tokio::test]
async fn a_limit_that_will_be_hit_is_foreseen_and_left_before_it_is() {
    let (near, far) = (counting_down().await, counting_down().await);
    let rule = "[[routing.rules]]\nwhen = {}\nthen = { prefer = [\"near-1\"] }\n";
    let config =
        near.config("near", "openai", "near-1") + &far.config("far", "openai", "far-1") + rule;
    let engine = scripted::engine(&config);
    let foreseen = loop {
        let reply = scripted::ask(&engine, scripted::request(Route::Auto)).await;
        assert_eq!((answered_by(&reply).as_str(), finish(&reply)), ("near-1", Finish::Stop));
        assert!(near.calls() < 40, "its limit was reached and not foreseen");
        let snapshot = engine.snapshot();
        let forecast = snapshot.models["near-1"].forecast.clone();
        if let Some(near) = forecast.filter(|near| near.keeps_away(snapshot.at)) {
            assert_eq!(snapshot.providers["near"].countdown.unwrap().pending, Pending::RunsOut);
            break near;
        }
    };
    assert_eq!((foreseen.what.as_str(), foreseen.limit), ("requests", Some(500)));
    let before = near.calls();
    let reply = scripted::ask(&engine, scripted::request(Route::Auto)).await;
    assert_eq!((answered_by(&reply).as_str(), near.calls()), ("far-1", before));
    let decision = reply.decision.as_ref().unwrap();
    let words = &decision.candidate("near-1").unwrap().filtered[0];
    assert_eq!(words.code, FilterCode::RateLimited);
    assert!(words.detail.starts_with("429 in about "), "{}", words.detail);
}

/// A server that reads no more than 300 tokens of any prompt, and says so only in its usage.
async fn short_sighted() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Yes.\"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
        \"usage\":{\"prompt_tokens\":300,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let (mut asked, mut part) = (String::new(), vec![0u8; 64 << 10]);
                // All of it is taken off the socket, or closing it would break the answer off.
                while let Ok(read @ 1..) = socket.read(&mut part).await {
                    asked.push_str(&String::from_utf8_lossy(&part[..read]));
                    if asked.ends_with("\r\n\r\n") || asked.ends_with('}') {
                        break;
                    }
                }
                let _ = socket.write_all(answer.as_bytes()).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_prompt_that_was_not_read_whole_raises_a_notice() {
    let base = format!("http://{}/v1", short_sighted().await);
    let rig = Rig::paced(0.0, Options::default(), |config| {
        let provider = config.providers.values_mut().find(|p| p.name.as_str() == "sim-openai");
        provider.unwrap().base_url = base;
    });
    let rig = rig.await;
    let long = "The quick brown fox jumps over the lazy dog near the river bank. ".repeat(150);
    let (reply, ..) = rig.ask(only("sim-gpt-4o-mini", &long)).await;
    assert_eq!(finish(&reply), Finish::Stop);
    let seen =
        rig.until(|snapshot| snapshot.log.last().is_some_and(|e| !e.doubts.is_empty())).await;
    let doubt = &seen.log.last().unwrap().doubts[0];
    assert!(matches!(doubt, Evidence::InputCut { sent, read: 300 } if *sent > 1_500), "{doubt:?}");
    let text = &seen.notices.last().unwrap().text;
    assert!(text.starts_with("sim-gpt-4o-mini did not read all of the prompt: about "), "{text}");
}

#[tokio::test]
async fn a_provider_that_is_back_is_found_by_free_calls_and_used_at_once() {
    let options = Options { warm_every: Duration::from_millis(600), ..Options::default() };
    let rig = Rig::paced(0.0, options, |_| {}).await;
    let lists = |rig: &Rig| rig.fleet.control().stats("sim-openai").unwrap().lists;
    rig.until(|_| lists(&rig) > 0).await;
    rig.break_it("sim-openai", &Fault::Status { status: 503 });
    let open = |snapshot: &Snapshot| {
        matches!(snapshot.models["sim-gpt-4o"].circuit, CircuitView::Open { .. })
    };
    while !open(&rig.engine.snapshot()) {
        assert_eq!(finish(&rig.ask(to("sim-gpt-4o", PROMPT)).await.0), Finish::Stop);
    }
    // A free call has failed: nobody is sent there for longer than the first wait.
    let held = |snapshot: &Snapshot| match snapshot.models["sim-gpt-4o"].circuit {
        CircuitView::Open { until } => snapshot.at.until(until) > Duration::from_secs(10),
        CircuitView::Closed | CircuitView::HalfOpen => false,
    };
    rig.until(held).await;
    rig.fleet.control().clear("sim-openai").unwrap();
    let seen = rig.until(|snapshot| !open(snapshot)).await;
    assert_eq!(seen.models["sim-gpt-4o"].circuit, CircuitView::HalfOpen);
    assert_eq!(answered_by(&rig.ask(to("sim-gpt-4o", PROMPT)).await.0), "sim-gpt-4o");
    let seen = rig.until(|s| s.models["sim-gpt-4o"].circuit == CircuitView::Closed).await;
    assert_ne!(seen.providers["sim-openai"].state, HealthState::Down);
}
