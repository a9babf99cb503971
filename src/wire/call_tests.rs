//! Tests of calls: whole bodies, byte for byte, and where they go.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::config::{CapField, EffortStyle, Quirks, SeedField, StreamUsage, SystemRole, sample};
use crate::domain::{
    Capabilities, Message, Origin, Part, ReaderKind, RequestId, Role, ServiceTier, ToolChoice,
    ToolSpec,
};

fn provider(dialect: Dialect) -> Provider {
    Provider {
        label: "Lab".to_owned(),
        dialect,
        base_url: "https://lab.example/v1".to_owned(),
        ..sample::provider("lab")
    }
}

fn model() -> Model {
    Model {
        id: "m-1".to_owned(),
        context: 32_768,
        max_output: 4_096,
        capabilities: Capabilities {
            vision: true,
            structured: true,
            reasoning: true,
            seed: true,
            ..Capabilities::default()
        },
        ..sample::model("small", "lab")
    }
}

fn ask(text: &str) -> Request {
    Request::new(RequestId(Uuid::nil()), Origin::Ask, ReaderKind::Replaceable, text)
}

/// A request that says everything there is to say.
fn full() -> Request {
    let mut request = ask("Look, then answer as JSON.");
    request.system = Some("Be brief.".to_owned());
    request.messages = vec![
        Message::text(Role::System, "Be kind."),
        Message::user("Weather?"),
        Message {
            role: Role::Assistant,
            parts: vec![
                Part::Reasoning {
                    text: "I need a tool.".to_owned(),
                    signature: Some("SIG".to_owned()),
                },
                Part::ToolCall {
                    id: "c1".to_owned(),
                    name: "weather".to_owned(),
                    arguments: "{\"city\":\"Rome\"}".to_owned(),
                },
            ],
        },
        Message {
            role: Role::Tool,
            parts: vec![Part::ToolResult { id: "c1".to_owned(), content: "sunny".to_owned() }],
        },
        Message {
            role: Role::User,
            parts: vec![
                Part::Text { text: "And this?".to_owned() },
                Part::Image { media_type: Some("image/png".to_owned()), source: "QUJD".to_owned() },
            ],
        },
    ];
    request.tools = vec![ToolSpec {
        name: "weather".to_owned(),
        description: Some("Tells the weather".to_owned()),
        parameters: json!({ "type": "object" }),
    }];
    request.params.temperature = Some(1.5);
    request.params.top_p = Some(0.9);
    request.params.seed = Some(7);
    request.params.max_tokens = Some(64);
    request.params.stop = vec!["END".to_owned(), " ".to_owned()];
    request.params.response_format = Some(
        json!({ "type": "json_schema", "json_schema": { "name": "w", "schema": { "type": "object" } } }),
    );
    request.params.tool_choice = Some(ToolChoice::Required);
    request.params.effort = Some(Effort::Low);
    request.params.extra = serde_json::Map::from_iter([
        ("user".to_owned(), json!("u1")),
        ("stream".to_owned(), json!(false)),
    ]);
    request
}

struct Made {
    call: HttpCall,
    body: String,
}

fn made(
    request: &Request,
    provider: &Provider,
    model: &Model,
    continue_from: Option<&str>,
) -> Made {
    let key = SecretString::from("sk-test");
    let target = Target { provider, model, key: Some(&key), max_tokens: 64, continue_from };
    let call = encode(request, &target).unwrap();
    let body = String::from_utf8(call.body.to_vec()).unwrap();
    Made { call, body }
}

fn body(request: &Request, dialect: Dialect, change: impl Fn(&mut Model)) -> String {
    let mut model = model();
    change(&mut model);
    made(request, &provider(dialect), &model, None).body
}

#[test]
fn a_plain_question_makes_the_smallest_bodies() {
    assert_eq!(
        body(&ask("Hi"), Dialect::OpenAi, |_| {}),
        r#"{"model":"m-1","messages":[{"content":"Hi","role":"user"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":64}"#
    );
    assert_eq!(
        body(&ask("Hi"), Dialect::Anthropic, |_| {}),
        r#"{"model":"m-1","max_tokens":64,"messages":[{"content":"Hi","role":"user"}],"stream":true}"#
    );
}

#[test]
fn everything_said_is_written_in_the_openai_dialect() {
    assert_eq!(
        body(&full(), Dialect::OpenAi, |model| {
            model.quirks.effort = EffortStyle::ReasoningEffort;
            model.params.insert("top_k".to_owned(), json!(40));
            model.params.insert("top_p".to_owned(), json!(0.1));
        }),
        concat!(
            r#"{"model":"m-1","messages":["#,
            r#"{"content":"Be brief.\n\nBe kind.","role":"system"},"#,
            r#"{"content":"Weather?","role":"user"},"#,
            r#"{"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"city\":\"Rome\"}","name":"weather"},"id":"c1","type":"function"}]},"#,
            r#"{"content":"sunny","role":"tool","tool_call_id":"c1"},"#,
            r#"{"content":[{"text":"And this?","type":"text"},{"image_url":{"url":"data:image/png;base64,QUJD"},"type":"image_url"}],"role":"user"}"#,
            r#"],"stream":true,"stream_options":{"include_usage":true},"max_tokens":64,"#,
            r#""temperature":1.5,"top_p":0.9,"seed":7,"stop":["END"," "],"#,
            r#""response_format":{"json_schema":{"name":"w","schema":{"type":"object"}},"type":"json_schema"},"#,
            r#""tools":[{"function":{"description":"Tells the weather","name":"weather","parameters":{"type":"object"}},"type":"function"}],"#,
            r#""tool_choice":"required","reasoning_effort":"low","user":"u1","top_k":40}"#
        )
    );
}

#[test]
fn everything_said_is_written_in_the_anthropic_dialect() {
    assert_eq!(
        body(&full(), Dialect::Anthropic, |_| {}),
        concat!(
            r#"{"model":"m-1","max_tokens":64,"system":"Be brief.\n\nBe kind.","messages":["#,
            r#"{"content":"Weather?","role":"user"},"#,
            r#"{"content":[{"signature":"SIG","thinking":"I need a tool.","type":"thinking"},"#,
            r#"{"id":"c1","input":{"city":"Rome"},"name":"weather","type":"tool_use"}],"role":"assistant"},"#,
            r#"{"content":[{"content":"sunny","tool_use_id":"c1","type":"tool_result"},"#,
            r#"{"text":"And this?","type":"text"},"#,
            r#"{"source":{"data":"QUJD","media_type":"image/png","type":"base64"},"type":"image"}],"role":"user"}"#,
            r#"],"stream":true,"temperature":1.0,"stop_sequences":["END"],"#,
            r#""tools":[{"description":"Tells the weather","input_schema":{"type":"object"},"name":"weather"}],"#,
            r#""tool_choice":{"type":"any"},"#,
            r#""output_config":{"format":{"schema":{"type":"object"},"type":"json_schema"}}}"#
        )
    );
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        assert_eq!(body(&full(), dialect, |_| {}), body(&full(), dialect, |_| {}));
    }
}

#[test]
fn each_difference_moves_its_own_field() {
    let body = body(&full(), Dialect::OpenAi, |model| {
        model.quirks.cap_field = CapField::MaxCompletionTokens;
        model.quirks.seed_field = SeedField::RandomSeed;
        model.quirks.stream_usage = StreamUsage::Always;
        model.quirks.system_role = SystemRole::Developer;
        model.quirks.tool_required = "any".to_owned();
        model.quirks.temperature_max = 1.0;
    });
    for piece in [
        r#""max_completion_tokens":64"#,
        r#""random_seed":7"#,
        r#""role":"developer""#,
        r#""tool_choice":"any""#,
        r#""temperature":1.0"#,
        r#""stream":true"#,
    ] {
        assert!(body.contains(piece), "{piece} in {body}");
    }
    for piece in ["\"max_tokens\"", "\"seed\"", "stream_options", "\"system\"", "reasoning"] {
        assert!(!body.contains(piece), "{piece} in {body}");
    }
}

#[test]
fn what_a_model_does_not_take_is_not_sent() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let body = body(&full(), dialect, |model| {
            model.capabilities = Capabilities {
                tools: false,
                vision: false,
                json: false,
                structured: false,
                reasoning: false,
                temperature: false,
                seed: false,
                continuation: Continuation::None,
            };
            model.quirks.effort = EffortStyle::ReasoningEffort;
        });
        for piece in
            ["temperature", "top_p", "seed", "response_format", "\"tools\"", "effort", "QUJD"]
        {
            assert!(!body.contains(piece), "{piece} in {body}");
        }
        assert!(body.contains(NO_IMAGE) && body.contains("follows this schema"), "{body}");
    }
}

#[test]
fn json_mode_always_comes_with_the_word() {
    let mut request = ask("List three towns");
    request.params.response_format = Some(json!({ "type": "json_object" }));
    let silent = body(&request, Dialect::OpenAi, |_| {});
    assert!(silent.contains("Answer with one JSON object"), "{silent}");
    assert!(silent.contains(r#""response_format":{"type":"json_object"}"#), "{silent}");
    request.messages = vec![Message::user("List three towns as json")];
    assert!(!body(&request, Dialect::OpenAi, |_| {}).contains("Answer with one"));
}

#[test]
fn a_schema_falls_back_to_json_mode_and_words() {
    let text = body(&full(), Dialect::OpenAi, |model| model.capabilities.structured = false);
    assert!(text.contains(r#""response_format":{"type":"json_object"}"#), "{text}");
    assert!(
        text.contains(r#"follows this schema, and nothing else:\n{\"type\":\"object\"}"#),
        "{text}"
    );
}

#[test]
fn thinking_goes_back_only_where_a_tool_turn_needs_it() {
    let with = body(&full(), Dialect::OpenAi, |m| m.quirks.effort = EffortStyle::ThinkingType);
    assert!(with.contains(r#""reasoning_content":"I need a tool.""#), "{with}");
    let without = body(&full(), Dialect::OpenAi, |_| {});
    assert!(!without.contains("I need a tool"), "{without}");
}

#[test]
fn anthropic_thinking_takes_no_sampling_and_no_forced_tool() {
    let mut request = full();
    let think = |model: &mut Model| model.quirks.effort = EffortStyle::AdaptiveThinking;
    let forced = body(&request, Dialect::Anthropic, think);
    assert!(!forced.contains(r#""type":"adaptive""#) && forced.contains("temperature"), "{forced}");
    request.params.tool_choice = Some(ToolChoice::Auto);
    let free = body(&request, Dialect::Anthropic, think);
    assert!(
        free.contains(r#""thinking":{"type":"adaptive"}"#) && !free.contains("temperature"),
        "{free}"
    );
    assert!(free.contains(r#""output_config":{"effort":"low","format":"#), "{free}");
}

#[test]
fn a_broken_answer_is_continued_in_each_models_way() {
    let lab = provider(Dialect::OpenAi);
    let with = |continuation, effort| {
        let mut model = model();
        model.capabilities.continuation = continuation;
        model.quirks.effort = effort;
        model.quirks.prefix_base_url = Some("https://lab.example/beta".to_owned());
        made(&ask("Tell"), &lab, &model, Some("Once upon a ti"))
    };
    let prefix = with(Continuation::Prefix, EffortStyle::ThinkingType);
    assert_eq!(prefix.call.url, "https://lab.example/beta/chat/completions");
    assert!(
        prefix.body.contains(r#"{"content":"Once upon a ti","prefix":true,"role":"assistant"}],"#),
        "{}",
        prefix.body
    );
    assert!(prefix.body.contains(r#""thinking":{"type":"disabled"}"#), "{}", prefix.body);

    let partial = with(Continuation::Partial, EffortStyle::EnableThinking);
    assert_eq!(partial.call.url, "https://lab.example/v1/chat/completions");
    assert!(
        partial
            .body
            .contains(r#"{"content":"Once upon a ti","partial":true,"role":"assistant"}],"#),
        "{}",
        partial.body
    );
    assert!(partial.body.contains(r#""enable_thinking":false"#), "{}", partial.body);

    let prefill = with(Continuation::Prefill, EffortStyle::Unsupported);
    assert!(prefill.body.contains(r#"{"content":"Once upon a ti","role":"assistant"}],"#));

    let instruct = with(Continuation::Instruct, EffortStyle::Unsupported);
    assert!(instruct.body.contains("Continue exactly where it stops"), "{}", instruct.body);
    assert!(instruct.body.contains(r#"{"content":"Once upon a ti","role":"assistant"},{"#));
}

#[test]
fn an_anthropic_prefill_ends_in_no_blank_and_thinks_nothing() {
    let mut model = model();
    model.capabilities.continuation = Continuation::Prefill;
    model.quirks.effort = EffortStyle::AdaptiveThinking;
    let made = made(&ask("Tell"), &provider(Dialect::Anthropic), &model, Some("Once upon \n"));
    assert!(made.body.contains(r#"{"content":"Once upon","role":"assistant"}],"#), "{}", made.body);
    assert!(made.body.contains(r#""thinking":{"type":"disabled"}"#), "{}", made.body);
}

#[test]
fn a_model_that_cannot_continue_says_so() {
    let mut model = model();
    model.capabilities.continuation = Continuation::None;
    let lab = provider(Dialect::OpenAi);
    let target = Target {
        provider: &lab,
        model: &model,
        key: None,
        max_tokens: 1,
        continue_from: Some("x"),
    };
    assert_eq!(encode(&ask("y"), &target).unwrap_err().code, "no_continuation");
}

#[test]
fn keys_travel_in_the_dialects_own_header_and_never_in_debug_output() {
    let openai = made(&ask("x"), &provider(Dialect::OpenAi), &model(), None).call;
    assert_eq!(openai.secret_headers[0].0, "authorization");
    assert_eq!(openai.secret_headers[0].1.expose_secret(), "Bearer sk-test");
    let anthropic = made(&ask("x"), &provider(Dialect::Anthropic), &model(), None).call;
    assert_eq!(anthropic.url, "https://lab.example/v1/messages");
    assert_eq!(anthropic.secret_headers[0].0, "x-api-key");
    let version = ("anthropic-version".to_owned(), "2023-06-01".to_owned());
    assert!(anthropic.headers.contains(&version));
    assert!(!format!("{openai:?}{anthropic:?}").contains("sk-test"));
}

#[test]
fn a_key_that_goes_elsewhere_goes_only_there() {
    let mut lab = provider(Dialect::OpenAi);
    lab.quirks.auth_header = Some("X-Portkey-Api-Key".to_owned());
    let call = made(&ask("x"), &lab, &model(), None).call;
    assert_eq!(call.secret_headers.len(), 1);
    assert_eq!(call.secret_headers[0].0, "x-portkey-api-key");
    assert_eq!(call.secret_headers[0].1.expose_secret(), "sk-test");
}

#[test]
fn the_users_own_headers_replace_ours() {
    let mut lab = provider(Dialect::Anthropic);
    lab.headers.insert("Authorization".to_owned(), "Bearer mine".to_owned());
    lab.headers.insert("anthropic-version".to_owned(), "2099-01-01".to_owned());
    lab.headers.insert("x-team".to_owned(), "a".to_owned());
    let call = made(&ask("x"), &lab, &model(), None).call;
    assert_eq!(call.secret_headers.len(), 1);
    assert_eq!(call.secret_headers[0].1.expose_secret(), "Bearer mine");
    let versions: Vec<_> =
        call.headers.iter().filter(|(name, _)| name == "anthropic-version").collect();
    assert_eq!(versions.len(), 1);
    assert!(call.headers.contains(&("x-team".to_owned(), "a".to_owned())));
}

#[test]
fn an_address_that_is_none_is_refused_by_its_providers_name() {
    let mut lab = provider(Dialect::OpenAi);
    for base in ["ftp://x", "https://", "http:///v1"] {
        base.clone_into(&mut lab.base_url);
        let target = Target {
            provider: &lab,
            model: &model(),
            key: None,
            max_tokens: 1,
            continue_from: None,
        };
        let report = encode(&ask("x"), &target).unwrap_err();
        assert_eq!((report.class, report.code.as_str()), (OutcomeClass::Account, "base_url"));
        assert!(report.message.contains("lab"), "{report:?}");
    }
}

#[test]
fn tool_results_of_one_round_share_a_turn_in_the_anthropic_dialect() {
    let mut request = ask("x");
    let result = |id: &str| Message {
        role: Role::Tool,
        parts: vec![Part::ToolResult { id: id.to_owned(), content: "r".to_owned() }],
    };
    request.messages.extend([Message::assistant("Calling."), result("a"), result("b")]);
    let text = body(&request, Dialect::Anthropic, |_| {});
    assert_eq!(text.matches(r#""role":"user""#).count(), 2, "{text}");
    let text = body(&request, Dialect::OpenAi, |_| {});
    assert_eq!(text.matches(r#""role":"tool""#).count(), 2, "{text}");
}

#[test]
fn the_tail_quoted_back_is_cut_at_a_character() {
    let long = "漢".repeat(500);
    let prompt = continue_prompt(&long);
    assert_eq!(prompt.matches('漢').count(), TAIL_CHARS);
    assert!(continue_prompt("short").contains("\nshort\n"));
    assert!(continue_prompt("").contains("Continue exactly"));
}

#[test]
fn the_model_list_is_asked_for_with_the_same_key() {
    let key = SecretString::from("sk-test");
    let call = super::super::models_call(&provider(Dialect::Anthropic), Some(&key));
    assert_eq!((call.method, call.url.as_str()), ("GET", "https://lab.example/v1/models"));
    assert_eq!(call.secret_headers.len(), 1);
    assert!(call.body.is_empty());
}

#[test]
fn a_temperature_is_heeded_where_it_is_sent_and_thinking_does_not_drop_it() {
    let heeds = |dialect, style, effort, own: Option<&str>| {
        let mut model = model();
        model.quirks.effort = style;
        if let Some(own) = own {
            model.params.insert("thinking".to_owned(), json!({ "type": own }));
        }
        let mut request = ask("x");
        request.params.temperature = Some(0.0);
        request.params.effort = effort;
        heeds_temperature(&request, dialect, &model)
    };
    use {Dialect as D, EffortStyle as S};
    let (low, none) = (Some(Effort::Low), Some(Effort::None));
    // It thinks unless it is told not to.
    assert!(!heeds(D::OpenAi, S::ThinkingType, None, None));
    assert!(!heeds(D::OpenAi, S::ThinkingType, low, Some("disabled")));
    assert!(heeds(D::OpenAi, S::ThinkingType, none, None));
    assert!(heeds(D::OpenAi, S::ThinkingType, None, Some("disabled")));
    // It thinks when it is told to, and then the temperature is left out.
    for style in [S::ThinkingBudget, S::AdaptiveThinking] {
        assert!(!heeds(D::Anthropic, style, low, None));
        assert!(!heeds(D::Anthropic, style, None, Some("enabled")));
        assert!(heeds(D::Anthropic, style, None, None) && heeds(D::Anthropic, style, none, None));
    }
    assert!(heeds(D::OpenAi, S::ReasoningEffort, low, None));
}

#[test]
fn a_tier_of_service_is_written_where_one_is_set_and_the_requests_own_word_beats_it() {
    let provider = provider(Dialect::OpenAi);
    let body = |model: &Model, request: &Request| {
        let target =
            Target { provider: &provider, model, key: None, max_tokens: 100, continue_from: None };
        let call = encode(request, &target).unwrap();
        serde_json::from_slice::<Value>(&call.body).unwrap()["service_tier"].clone()
    };
    let asked = |model: &Model, request: &Request| {
        crate::wire::asked_tier(request, Dialect::OpenAi, model).map(ServiceTier::name)
    };
    let takes = |tiers: &[ServiceTier]| Model {
        quirks: Quirks { service_tiers: tiers.to_vec(), ..Quirks::default() },
        ..model()
    };
    let all = takes(&ServiceTier::ASKED);
    let flex = Model { service_tier: Some(ServiceTier::Flex), ..all.clone() };
    let mut own = ask("x");
    own.params.extra.insert("service_tier".to_owned(), json!("fast"));
    let mut sent = all.clone();
    sent.params.insert("service_tier".to_owned(), json!("priority"));
    for (model, request, written, reckoned) in [
        (&all, &ask("x"), json!(null), None),
        (&flex, &ask("x"), json!("flex"), Some("flex")),
        (&flex, &own, json!("fast"), Some("priority")),
        (&sent, &ask("x"), json!("priority"), Some("priority")),
        // Passed on to one that is not known to take it, which most likely ignores it.
        (&model(), &own, json!("fast"), None),
    ] {
        assert_eq!(body(model, request), written);
        assert_eq!(asked(model, request), reckoned);
    }
}
