//! What is asked of a provider and what its answer says, to the bill: tiers of service, tools that
//! are called again from the cache, and what a cut answer in Chinese comes to.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wheelhouse::domain::{Finish, OutcomeClass, Reply, ReplyEvent, Request, ServiceTier, ToolSpec};

use crate::scripted::{Server, Step, ask, done, engine, finish, head, leave, only, text, usage};

/// A chunk that says in which tier it is served.
fn served(words: &str, tier: &str) -> Step {
    let choice = json!({"index":0,"delta":{"content":words}});
    Step::Put(format!("data: {}\n\n", json!({"id":"x","service_tier":tier,"choices":[choice]})))
}

fn answer(tier: &str) -> Vec<Step> {
    vec![head(), served("Rivers run.", tier), finish("stop"), usage(1_000, 100), done()]
}

/// One model at 1 and 2 dollars, in flex at half.
fn tiered(server: &Server, more: &str) -> String {
    let config = server.config("lab", "openai", "one");
    let takes = "base_url";
    let quirks = "quirks = { service_tiers = [\"flex\"] }\nbase_url";
    format!(
        "{}{more}\n[[models.one.prices]]\ntier = \"flex\"\ninput = 0.50\ncached_input = 0.50\noutput = 1.00\n",
        config.replacen(takes, quirks, 1)
    )
}

fn cost(reply: &Reply) -> (String, bool) {
    let cost = reply.outcome.as_ref().unwrap().cost;
    (cost.amount.to_string(), cost.exact)
}

#[tokio::test]
async fn a_tier_that_is_configured_is_asked_for_decided_by_and_billed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let server = Server::new(move |_, body| {
        sink.lock().unwrap().push(body["service_tier"].clone());
        answer(body["service_tier"].as_str().unwrap_or("default"))
    })
    .await;
    let plain = engine(&tiered(&server, ""));
    let reply = ask(&plain, only("one")).await;
    // 1 000 × 1 + 100 × 2 micro-dollars.
    assert_eq!(cost(&reply), ("0.0012".to_owned(), true));
    let estimate = |reply: &Reply| {
        let decision = reply.decision.as_ref().unwrap();
        decision.candidates[0].estimate.cost.unwrap()
    };
    let usual = estimate(&reply);
    let flex = engine(&tiered(&server, "service_tier = \"flex\""));
    let reply = ask(&flex, only("one")).await;
    // 1 000 × 0.50 + 100 × 1 micro-dollars.
    assert_eq!(cost(&reply), ("0.0006".to_owned(), true));
    assert_eq!(estimate(&reply).pico() * 2, usual.pico(), "the forecast knows the tier");
    assert_eq!(reply.attempts[0].tier, Some(ServiceTier::Flex));
    assert_eq!(reply.attempts[0].detail, "answered, tier flex");
    assert_eq!(*seen.lock().unwrap(), [Value::Null, json!("flex")]);
}

#[tokio::test]
async fn an_answer_served_in_another_tier_than_asked_for_is_billed_by_that_one_and_it_is_said() {
    let server = Server::new(|_, _| answer("default")).await;
    let engine = engine(&tiered(&server, "service_tier = \"flex\""));
    let reply = ask(&engine, only("one")).await;
    assert_eq!(cost(&reply), ("0.0012".to_owned(), true));
    assert_eq!(reply.attempts[0].detail, "answered, tier default, not flex");
}

#[tokio::test]
async fn a_kept_answer_is_not_that_of_another_tier() {
    let server = Server::new(|_, _| answer("default")).await;
    let repeatable = || {
        let mut request = only("one");
        request.params.temperature = Some(0.0);
        request.params.seed = Some(7);
        request
    };
    let plain = engine(&tiered(&server, ""));
    let flex = engine(&tiered(&server, "service_tier = \"flex\""));
    let key = |engine: &wheelhouse::engine::EngineHandle| {
        let engine = engine.clone();
        async move { format!("{:?}", engine.recall(&repeatable()).await.wanted) }
    };
    ask(&plain, repeatable()).await;
    assert_ne!(key(&plain).await, key(&flex).await);
    let mut own = repeatable();
    own.params.extra.insert("service_tier".to_owned(), json!("flex"));
    let other = ask(&plain, own).await;
    assert_eq!(other.outcome.unwrap().cached, None, "the request's own word counts as well");
    assert_eq!(server.calls(), 2);
}

/// A delta of tool calls.
fn calls(pieces: &Value) -> Step {
    let choice = json!({"index":0,"delta":{"tool_calls":pieces}});
    Step::Put(format!("data: {}\n\n", json!({"id":"x","choices":[choice]})))
}

fn with_tools(mut request: Request) -> Request {
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    let parameters = json!({"type":"object","properties":{"city":{"type":"string"}}});
    let (name, description) = ("weather".to_owned(), None);
    request.tools.push(ToolSpec { name, description, parameters });
    request
}

async fn events(engine: &wheelhouse::engine::EngineHandle, request: Request) -> Vec<ReplyEvent> {
    let mut stream = engine.ask(request);
    let mut all = Vec::new();
    let read = async {
        while let Some(event) = stream.next().await {
            all.push(event);
        }
    };
    tokio::time::timeout(crate::rig::LIMIT, read).await.expect("the reply never ended");
    all
}

#[tokio::test]
async fn tools_that_were_called_are_called_again_from_the_cache() {
    let server = Server::new(|_, _| {
        let first = json!({"index":0,"id":"call_1","type":"function",
            "function":{"name":"weather","arguments":"{\"city\":"}});
        let rest = json!({"index":0,"function":{"arguments":"\"Suva\"}"}});
        let second = json!({"index":1,"id":"call_2","type":"function",
            "function":{"name":"weather","arguments":"{\"city\":\"Apia\"}"}});
        vec![
            head(),
            text("Let me look."),
            calls(&json!([first])),
            calls(&json!([rest])),
            calls(&json!([second])),
            finish("tool_calls"),
            usage(50, 20),
            done(),
        ]
    })
    .await;
    let engine = engine(&server.config("lab", "openai", "one"));
    let fresh = ask(&engine, with_tools(only("one"))).await;
    let again = events(&engine, with_tools(only("one"))).await;
    assert_eq!(server.calls(), 1, "the second one asked nobody");
    let told = again.iter().filter(|event| matches!(event, ReplyEvent::ToolCall { .. }));
    assert_eq!(told.count(), 2, "each call whole");
    let mut kept = Reply::default();
    for event in &again {
        kept.fold(event);
    }
    assert_eq!((&kept.text, &kept.tool_calls), (&fresh.text, &fresh.tool_calls));
    assert_eq!(kept.tool_calls[0].arguments, "{\"city\":\"Suva\"}");
    let end = kept.outcome.unwrap();
    assert_eq!((end.finish, end.cached.as_deref()), (Finish::ToolCalls, Some("memory")));
    assert_eq!(end.cost.amount.to_string(), "0.00");
}

#[tokio::test]
async fn half_a_tool_call_is_never_kept() {
    let server = Server::new(|_, _| {
        let cut = json!([{"index":0,"id":"call_1","type":"function",
            "function":{"name":"weather","arguments":"{\"city\":"}}]);
        vec![head(), calls(&cut), finish("tool_calls"), usage(50, 20), done()]
    })
    .await;
    let engine = engine(&server.config("lab", "openai", "one"));
    let request = with_tools(only("one"));
    ask(&engine, request.clone()).await;
    assert!(engine.recall(&request).await.answer.is_none());
}

/// Ninety characters, of which six are marks.
const CHINESE: &str = "长江发源于青藏高原的唐古拉山脉，自西向东流经十一个省市自治区，最后在上海注入东海，\
                       全长约六千三百公里，是亚洲最长的河流，也是世界第三长河，养育了两岸数以亿计的人民。";

#[tokio::test]
async fn what_a_cut_chinese_answer_cost_at_least_is_near_the_truth() {
    let server = Server::new(|_, _| vec![head(), text(CHINESE), Step::Hold]).await;
    let config = server.config("lab", "openai", "one");
    let config = format!("{config}tokenizer = \"deepseek_v3\"\n");
    let engine = engine(&config);
    let cut = leave(&engine, only("one"), |event| matches!(event, ReplyEvent::Text(_))).await;
    assert_eq!(cut.outcome, Some(OutcomeClass::Cancelled));
    assert!(cut.usage.estimated && !cut.cost.exact);
    let vocabulary = "deepseek_v3".parse::<wheelhouse::domain::Tokenizer>().unwrap().vocabulary;
    let truth = wheelhouse::text::count_tokens(vocabulary, CHINESE).unwrap() as f64;
    let off = cut.usage.output as f64 / truth;
    assert!((0.75..1.25).contains(&off), "{} of {truth}", cut.usage.output);
    let by_fours = CHINESE.chars().count() as f64 / 4.0;
    assert!(by_fours < truth * 0.6, "four characters a token are far from it");
}

/// The shipped fleet serves in the tier it is asked for, where there is one.
#[tokio::test]
async fn a_simulated_openai_serves_in_the_tier_asked_for() {
    let rig = crate::rig::Rig::new().await;
    for (asked, served) in [("flex", ServiceTier::Flex), ("fast", ServiceTier::Priority)] {
        let mut request = crate::rig::only("sim-gpt-4o", crate::rig::PROMPT);
        request.params.extra.insert("service_tier".to_owned(), json!(asked));
        let (reply, ..) = rig.ask(request).await;
        assert_eq!(reply.attempts[0].tier, Some(served));
        // Nobody told what it costs there.
        assert!(!reply.outcome.unwrap().cost.exact);
    }
    let (reply, ..) = rig.ask(crate::rig::only("sim-gpt-4o", crate::rig::PROMPT)).await;
    assert!(reply.outcome.unwrap().cost.exact);
}
