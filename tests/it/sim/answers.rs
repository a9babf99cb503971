//! What each provider answers: its dialect's bytes, its usage, its pace.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wheelhouse::sim::{FleetOptions, Ports, start};

use super::{MODELS, ask, body, fleet, open, read};

#[tokio::test]
async fn every_provider_streams_an_answer_and_lists_its_models() {
    let fleet = fleet(0.0).await;
    for (provider, model, _) in MODELS {
        let raw = ask(&fleet, provider, "sim:echo One fish, two fish.", true).await;
        assert_eq!(raw.status(), 200, "{provider}");
        assert_eq!(raw.said(), "One fish, two fish.", "{provider}: {}", raw.text());
        assert!(raw.header("content-type").unwrap().starts_with("text/event-stream"));
        assert_eq!(raw.header("x-simulated").as_deref(), Some("wheelhouse"));
        let (text, ended) = raw.stream();
        let marked = text.contains("data: [DONE]") || text.contains("event: message_stop");
        assert!(ended && marked, "{provider}");
        let list = read(&mut open(&fleet, provider, "GET", "/v1/models", "").await).await.json();
        let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
        assert!(ids.contains(&&json!(model)), "{provider}: {ids:?}");
    }
}

#[tokio::test]
async fn every_provider_answers_whole_with_consistent_usage() {
    let fleet = fleet(0.0).await;
    for (provider, _, _) in MODELS {
        let value = ask(&fleet, provider, "sim:tokens=40", false).await.json();
        let usage = &value["usage"];
        let output = usage.get("completion_tokens").or_else(|| usage.get("output_tokens")).unwrap();
        assert_eq!(output, 40, "{provider}");
        let text = value["choices"][0]["message"]["content"]
            .as_str()
            .or_else(|| value["content"][0]["text"].as_str());
        assert!(text.unwrap().starts_with("## Part 1"), "{provider}");
        if let Some(total) = usage.get("total_tokens") {
            let prompt = usage["prompt_tokens"].as_u64().unwrap();
            assert_eq!(total.as_u64().unwrap(), prompt + 40);
        }
    }
}

#[tokio::test]
async fn each_stream_carries_the_marks_of_its_original() {
    let fleet = fleet(0.0).await;
    let with_usage = |model: &str| {
        let mut body = body(model, "sim:echo hi", true);
        body["stream_options"] = json!({"include_usage":true});
        body.to_string()
    };
    let mut texts = BTreeMap::new();
    for (provider, model, path) in MODELS {
        let mut stream = open(&fleet, provider, "POST", path, &with_usage(model)).await;
        texts.insert(provider, read(&mut stream).await);
    }
    let text = |provider: &str| texts[provider].stream().0;
    assert!(
        text("sim-openai").contains("\"obfuscation\":\"")
            && text("sim-openai").contains("\"choices\":[],\"usage\":{")
    );
    assert!(text("sim-deepseek").contains("prompt_cache_miss_tokens"));
    assert!(
        text("sim-qwen")
            .contains("\"choices\":[],\"object\":\"chat.completion.chunk\",\"usage\":{")
    );
    assert!(text("sim-mistral").contains("\"finish_reason\":\"stop\"}],\"usage\":{"));
    assert!(
        text("sim-openrouter").contains(": OPENROUTER PROCESSING")
            && text("sim-openrouter").contains("\"cost\":0.00")
    );
    assert!(text("sim-local").contains("\"timings\":{"));
    assert!(
        text("sim-anthropic")
            .starts_with("event: message_start\ndata: {\"type\":\"message_start\"")
    );
    let reset = texts["sim-openai"].header("x-ratelimit-reset-requests").unwrap();
    assert!(reset.ends_with('s'), "{reset}");
    let reset = texts["sim-anthropic"].header("anthropic-ratelimit-requests-reset").unwrap();
    assert!(reset.ends_with('Z'), "{reset}");
    assert_eq!(texts["sim-mistral"].header("x-ratelimit-limit-req-minute").as_deref(), Some("360"));
}

#[tokio::test]
async fn frames_have_the_same_members_as_the_recorded_ones() {
    // The first delta and the usage chunk of a llama.cpp server, as recorded.
    let recorded = [
        r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795416812,"id":"chatcmpl-O5N5eYmjfVNTUtyuCjLTCVHLGOZczRGd","model":"smollm2-135m","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}"#,
        r#"{"choices":[],"created":1795416812,"id":"chatcmpl-O5N5eYmjfVNTUtyuCjLTCVHLGOZczRGd","model":"smollm2-135m","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":8,"prompt_tokens":40,"total_tokens":48,"prompt_tokens_details":{"cached_tokens":24}},"timings":{"cache_n":24,"prompt_n":16,"prompt_ms":97.453,"prompt_per_token_ms":6.0908125,"prompt_per_second":164.1817081054457,"predicted_n":8,"predicted_ms":52.015,"predicted_per_token_ms":7.430714285714286,"predicted_per_second":134.57656445256177}}"#,
    ];
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), shape(v))).collect(),
            Value::Array(list) => list.iter().map(shape).collect(),
            Value::String(_) => json!("text"),
            Value::Number(_) => json!(0),
            other => other.clone(),
        }
    }
    let fleet = fleet(0.0).await;
    let mut body = body("sim-tiny-135m", "sim:echo hi", true);
    body["stream_options"] = json!({"include_usage":true});
    let path = "/v1/chat/completions";
    let mut stream = open(&fleet, "sim-local", "POST", path, &body.to_string()).await;
    let (text, _) = read(&mut stream).await.stream();
    let frames: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let parsed = |at: usize| serde_json::from_str::<Value>(recorded[at]).unwrap();
    assert_eq!(shape(&frames[0]), shape(&parsed(0)));
    assert_eq!(shape(frames.last().unwrap()), shape(&parsed(1)));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let bodies = async |seed| {
        let fleet = start(FleetOptions { seed, ports: Ports::Any, pace: 0.0 }).await.unwrap();
        let mut all = Vec::new();
        for (provider, _, _) in MODELS {
            all.push(ask(&fleet, provider, "What is the capital of Australia?", true).await.body());
        }
        // Asked again on the same fleet, and within another order of calls.
        assert_eq!(
            all[2],
            ask(&fleet, "sim-openai", "What is the capital of Australia?", true).await.body()
        );
        all
    };
    let first = bodies(1).await;
    assert_eq!(first, bodies(1).await);
    assert_ne!(first, bodies(2).await);
}

#[tokio::test]
async fn deepseek_is_cold_at_first_and_warm_after() {
    // A cold start of seconds becomes tens of milliseconds.
    let fleet = fleet(0.01).await;
    let cold = ask(&fleet, "sim-deepseek", "What is the capital of Australia?", true).await;
    let warm = ask(&fleet, "sim-deepseek", "What is the capital of Australia?", true).await;
    assert!(cold.text().contains(": keep-alive") && !warm.text().contains(": keep-alive"));
    assert_eq!(cold.said(), warm.said());
}
