//! Refusals and faults as a client sees them, and how they are put in and lifted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use wheelhouse::sim::{Cut, Fault, Fleet, RetryAfter, Until};

use super::{MODELS, Raw, address, ask, body, fleet, open, read, read_on, send};

#[tokio::test]
async fn refusals_come_with_the_status_and_the_words_of_the_original() {
    let fleet = fleet(0.0).await;
    let refused = async |provider: &str, change: &dyn Fn(&mut Value)| {
        let (_, model, path) = MODELS.iter().find(|(name, _, _)| *name == provider).unwrap();
        let mut body = body(model, "hello", true);
        change(&mut body);
        let raw = read(&mut open(&fleet, provider, "POST", path, &body.to_string()).await).await;
        (raw.status(), raw.body())
    };
    let prefill: &dyn Fn(&mut Value) = &|b| {
        b["messages"].as_array_mut().unwrap().push(json!({"role":"assistant","content":"Hel"}));
    };
    let (status, text) = refused("sim-anthropic", prefill).await;
    assert!(status == 400 && text.contains("does not support assistant message prefill"));
    let (status, text) = refused("sim-mistral", prefill).await;
    assert!(status == 422 && text.contains("Expected last role User or Tool"));
    let (status, text) = refused("sim-mistral", &|b| b["seed"] = json!(1)).await;
    assert!(status == 422 && text.contains("extra_forbidden"));
    let (status, text) = refused("sim-anthropic", &|b| {
        b.as_object_mut().unwrap().remove("max_tokens");
    })
    .await;
    assert!(status == 400 && text.contains("Field required"), "{text}");
    let (status, text) = refused("sim-openai", &|b| b["model"] = json!("gpt-9")).await;
    assert!(status == 404 && text.contains("`gpt-9` does not exist"));
    let (status, text) = refused("sim-deepseek", &|b| b["model"] = json!("nope")).await;
    assert!(status == 400 && text.contains("Model Not Exist"));
    let (status, text) = refused("sim-qwen", &|b| b["max_tokens"] = json!(1_000_000)).await;
    assert!(status == 400 && text.contains("Range of max_tokens should be [1, 65536]"));
    let long = "word ".repeat(12_000);
    let (status, text) = refused("sim-local", &|b| b["messages"][0]["content"] = json!(long)).await;
    assert!(status == 400 && text.contains("exceed_context_size_error") && text.contains("n_ctx"));
    let (status, text) = refused("sim-openai", &|b| *b = json!("not an object")).await;
    assert!(status == 400 && text.contains("error"));
    let body = body("sim-haiku", "hi", true).to_string();
    let mut stream = TcpStream::connect(address(&fleet, "sim-anthropic")).await.unwrap();
    send(&mut stream, "POST", "/v1/messages", &body, "x-api-key: bad-key-1234\r\n").await;
    let raw = read(&mut stream).await;
    assert!(raw.status() == 401 && raw.body().contains("invalid x-api-key"));
}

#[tokio::test]
async fn faults_before_the_answer_are_seen_as_they_are_named() {
    let fleet = fleet(0.0).await;
    let control = fleet.control();
    let limited = |retry_after| Fault::RateLimit { retry_after };
    let cases: Vec<(&str, Fault, u16, &str)> = vec![
        ("sim-openai", limited(RetryAfter::Seconds(2)), 429, "Please try again in 2s"),
        ("sim-deepseek", limited(RetryAfter::Unsaid), 429, "请求速率"),
        ("sim-openrouter", limited(RetryAfter::Unsaid), 429, "X-RateLimit-Reset"),
        ("sim-openai", Fault::QuotaGone, 429, "insufficient_quota"),
        ("sim-anthropic", Fault::QuotaGone, 429, "enforced_spend_limit_reached"),
        ("sim-deepseek", Fault::Status { status: 402 }, 402, "余额不足"),
        ("sim-deepseek", Fault::Status { status: 500 }, 500, "服务器故障"),
        ("sim-qwen", Fault::Status { status: 503 }, 503, "ServiceUnavailable"),
        ("sim-anthropic", Fault::Status { status: 529 }, 529, "overloaded_error"),
        ("sim-openai", Fault::Status { status: 529 }, 529, "overloaded"),
        ("sim-mistral", Fault::Unauthorized, 401, "{\"detail\":\"Unauthorized\"}"),
        ("sim-openai", Fault::UnknownModel, 404, "model_not_found"),
        ("sim-openai", Fault::ContextOverflow, 400, "maximum context length is 128000 tokens"),
        ("sim-deepseek", Fault::ContextOverflow, 400, "in the messages"),
        ("sim-qwen", Fault::ContextOverflow, 400, "Range of input length should be"),
        ("sim-mistral", Fault::ContextOverflow, 400, "too large for model"),
        ("sim-anthropic", Fault::ContextOverflow, 400, "prompt is too long"),
        ("sim-openrouter", Fault::ContextOverflow, 400, "middle-out"),
        ("sim-local", Fault::ContextOverflow, 400, "exceeds the available context size"),
        ("sim-qwen", Fault::Moderated, 400, "data_inspection_failed"),
        ("sim-openai", Fault::ErrorUnder200, 200, "server_error"),
        ("sim-openai", Fault::HtmlUnder200, 200, "<title>502 Bad Gateway</title>"),
    ];
    for (provider, fault, status, words) in cases {
        control.inject(provider, fault.clone(), Until::Times(1)).unwrap();
        let raw = ask(&fleet, provider, "hello", true).await;
        assert_eq!(raw.status(), status, "{provider} {fault:?}");
        assert!(raw.body().contains(words), "{provider} {fault:?}: {}", raw.body());
        assert_eq!(ask(&fleet, provider, "hello", true).await.status(), 200, "only once");
    }
}

#[tokio::test]
async fn a_429_says_when_to_come_back_in_each_form() {
    let fleet = fleet(0.0).await;
    let header = async |retry_after, name: &str| {
        let fault = Fault::RateLimit { retry_after };
        fleet.control().inject("sim-openai", fault, Until::Times(1)).unwrap();
        ask(&fleet, "sim-openai", "hello", true).await.header(name)
    };
    assert_eq!(header(RetryAfter::Seconds(2), "retry-after").await.as_deref(), Some("2"));
    assert_eq!(header(RetryAfter::Ms(1500), "retry-after-ms").await.as_deref(), Some("1500"));
    assert_eq!(header(RetryAfter::Unsaid, "retry-after").await, None);
    let date = header(RetryAfter::Date(30), "retry-after").await.unwrap();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
}

#[tokio::test]
async fn connections_break_as_told() {
    let fleet = fleet(0.0).await;
    let broken = async |fault: Fault| {
        fleet.control().inject("sim-openai", fault, Until::Times(1)).unwrap();
        ask(&fleet, "sim-openai", "sim:tokens=60", true).await
    };
    let raw = broken(Fault::Reset).await;
    assert!(raw.reset && raw.bytes.is_empty());
    let raw = broken(Fault::Cut { after: 40, how: Cut::Reset }).await;
    assert!(raw.reset);
    let count = |raw: &Raw| raw.text().matches("\"delta\":{\"content\":").count();
    let raw = broken(Fault::Cut { after: 40, how: Cut::Close }).await;
    assert!(!raw.reset && !raw.stream().1 && count(&raw) == 40);
    let raw = broken(Fault::Cut { after: 40, how: Cut::CleanEnd }).await;
    assert!(raw.stream().1 && !raw.text().contains("[DONE]") && count(&raw) == 40);
    let raw = broken(Fault::Cut { after: 40, how: Cut::MidChunk }).await;
    assert!(!raw.stream().1 && raw.said().len() > 40);
    let stats = fleet.control().until("sim-openai", |s| s.broken == 4).await.unwrap();
    assert_eq!((stats.faults, stats.whole), (5, 1), "a clean end is whole as HTTP goes");
}

#[tokio::test]
async fn streams_go_wrong_as_told() {
    let fleet = fleet(0.0).await;
    let bent = async |provider: &str, fault: Fault| {
        fleet.control().inject(provider, fault, Until::Times(1)).unwrap();
        ask(&fleet, provider, "sim:tokens=60", true).await
    };
    let raw = bent("sim-openai", Fault::ErrorEvent { after: 10 }).await;
    assert!(raw.status() == 200 && raw.text().contains("The server had an error processing"));
    let raw = bent("sim-anthropic", Fault::ErrorEvent { after: 10 }).await;
    assert!(raw.text().contains("event: error") && raw.text().contains("\"Overloaded\""));
    let raw = bent("sim-openrouter", Fault::ErrorEvent { after: 10 }).await;
    assert!(raw.text().contains("\"finish_reason\":\"error\""));
    let raw = bent("sim-openai", Fault::MissingDone).await;
    assert!(raw.text().contains("\"finish_reason\":\"stop\"") && !raw.text().contains("[DONE]"));
    let raw = bent("sim-deepseek", Fault::MissingUsage).await;
    assert!(!raw.text().contains("prompt_tokens") && raw.text().contains("[DONE]"));
    let raw = bent("sim-openai", Fault::EmptyStop).await;
    assert!(raw.said().is_empty() && raw.text().contains("\"finish_reason\":\"stop\""));
    let raw = bent("sim-openai", Fault::Length { after: 10 }).await;
    assert!(raw.text().contains("\"finish_reason\":\"length\""));
    let raw = bent("sim-anthropic", Fault::Length { after: 10 }).await;
    assert!(raw.text().contains("\"stop_reason\":\"max_tokens\""));
    let raw = bent("sim-openai", Fault::QuietStop { after: 10 }).await;
    assert!(raw.text().contains("\"finish_reason\":\"stop\"") && raw.said().len() < 80);
    let raw = bent("sim-openai", Fault::ContentFilter { after: 10 }).await;
    assert!(raw.text().contains("\"finish_reason\":\"content_filter\""));
    let raw = bent("sim-anthropic", Fault::ContentFilter { after: 0 }).await;
    assert!(raw.text().contains("\"stop_reason\":\"refusal\""));
    let raw = bent("sim-deepseek", Fault::ReasoningOnly).await;
    assert!(
        raw.said().is_empty()
            && raw.text().contains("reasoning_content")
            && raw.text().contains("\"length\"")
    );
    let whole = ask(&fleet, "sim-openai", "sim:tokens=60", true).await.said();
    for fault in [
        Fault::Malformed { after: 5 },
        Fault::GiantLine { after: 5, bytes: 100_000 },
        Fault::BadUtf8 { after: 5 },
        Fault::Drip { bytes: 700, every_ms: 0 },
    ] {
        let raw = bent("sim-openai", fault.clone()).await;
        assert_eq!(raw.said(), whole, "{fault:?}");
    }
}

#[tokio::test]
async fn a_fault_can_be_put_in_and_lifted_over_http() {
    let fleet = fleet(0.0).await;
    let order = async |method: &str, path: &str, body: &str| {
        read(&mut open(&fleet, "sim-mistral", method, path, body).await).await
    };
    let raw =
        order("POST", "/sim/fault", r#"{"fault":{"kind":"status","status":503},"times":2}"#).await;
    assert_eq!((raw.status(), &raw.json()[0]["times"]), (200, &json!(2)));
    assert_eq!(ask(&fleet, "sim-mistral", "hello", true).await.status(), 503);
    assert_eq!(order("GET", "/sim/fault", "").await.json()[0]["times"], 1);
    assert_eq!(order("POST", "/sim/fault", r#"{"clear":true}"#).await.status(), 200);
    assert_eq!(ask(&fleet, "sim-mistral", "hello", true).await.status(), 200);
    let stats = order("GET", "/sim/stats", "").await.json();
    assert_eq!(
        (&stats["calls"], &stats["faults"], &stats["refused"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(order("POST", "/sim/fault", r#"{"fault":{"kind":"flood"}}"#).await.status(), 400);
    let mut stream = TcpStream::connect(address(&fleet, "sim-mistral")).await.unwrap();
    send(&mut stream, "POST", "/sim/fault", "{}", "origin: https://example.com\r\n").await;
    assert_eq!(read(&mut stream).await.status(), 403);
}

#[tokio::test]
async fn an_endpoint_that_is_down_does_not_list_its_models_either() {
    let fleet = fleet(0.0).await;
    let fault = Fault::Status { status: 503 };
    fleet.control().inject("sim-openai", fault, Until::For(Duration::from_hours(1))).unwrap();
    let list = async || read(&mut open(&fleet, "sim-openai", "GET", "/v1/models", "").await).await;
    assert_eq!(list().await.status(), 503);
    fleet.control().clear("sim-openai").unwrap();
    assert_eq!(list().await.status(), 200);
}

/// An answer under way, read as far as its first text.
async fn under_way(fleet: &Fleet) -> (TcpStream, Vec<u8>) {
    let body = body("sim-haiku", "Write a long poem about the sea.", true).to_string();
    let mut stream = open(fleet, "sim-anthropic", "POST", "/v1/messages", &body).await;
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains("text_delta") {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
    }
    (stream, bytes)
}

#[tokio::test]
async fn a_fault_that_breaks_answers_breaks_the_one_under_way() {
    let fleet = fleet(0.2).await;
    let (mut stream, bytes) = under_way(&fleet).await;
    let cut = Fault::Cut { after: 1, how: Cut::Reset };
    fleet.control().inject("sim-anthropic", cut, Until::Cleared).unwrap();
    let broken = read_on(&mut stream, bytes).await;
    assert!(broken.reset && !broken.text().contains("message_stop"));
    assert_eq!(fleet.control().stats("sim-anthropic").unwrap().faults, 1);
}

#[tokio::test]
async fn a_fault_counted_in_calls_leaves_the_answer_under_way_alone() {
    let fleet = fleet(0.2).await;
    let (mut stream, bytes) = under_way(&fleet).await;
    let cut = Fault::Cut { after: 1, how: Cut::Reset };
    fleet.control().inject("sim-anthropic", cut, Until::Times(1)).unwrap();
    assert!(read_on(&mut stream, bytes).await.text().contains("message_stop"));
    assert_eq!(fleet.control().injections("sim-anthropic").unwrap().len(), 1);
}
