//! Writes requests in the OpenAI dialect. Owns field names and message shapes; knows nothing of
//! addresses and keys. Invariant: a parameter the model does not take is not sent.

use serde_json::{Value, json};

use super::super::body::Body;
use super::super::call::{self, JsonWish, Target};
use super::super::effort;
use super::super::tier;
use crate::config::{CapField, EffortStyle, SeedField, StreamUsage, SystemRole};
use crate::domain::{Continuation, Message, Part, Request, Role, ToolChoice};

/// Fields only this encoder sets.
const RESERVED: [&str; 7] =
    ["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n"];

/// Content parts of other kinds that this dialect knows.
const KNOWN_PARTS: [&str; 4] = ["input_audio", "file", "image_url", "video_url"];

/// The body of a streamed call.
pub(in crate::wire) fn encode(request: &Request, target: &Target<'_>) -> Body {
    let model = target.model;
    let (quirks, can, params) = (&model.quirks, model.capabilities, &request.params);
    let mut body = Body::default();
    body.set("model", model.id.as_str());
    body.set("messages", messages(request, target));
    body.set("stream", true);
    match quirks.stream_usage {
        StreamUsage::Ask => body.set("stream_options", json!({ "include_usage": true })),
        StreamUsage::Always => {}
    }
    match quirks.cap_field {
        CapField::MaxTokens => body.set("max_tokens", target.max_tokens),
        CapField::MaxCompletionTokens => body.set("max_completion_tokens", target.max_tokens),
    }
    if let Some(temperature) = call::temperature(request, target, f64::MAX) {
        body.set("temperature", temperature);
    }
    if let Some(top_p) = params.top_p.filter(|p| can.temperature && p.is_finite()) {
        body.set("top_p", top_p);
    }
    if let Some(seed) = params.seed.filter(|_| can.seed) {
        let field = match quirks.seed_field {
            SeedField::Seed => "seed",
            SeedField::RandomSeed => "random_seed",
        };
        body.set(field, seed);
    }
    if !params.stop.is_empty() {
        body.set("stop", params.stop.clone());
    }
    if let Some(format) = response_format(request, target) {
        body.set("response_format", format);
    }
    if can.tools && !request.tools.is_empty() {
        body.set("tools", tools(request));
        if let Some(choice) = &params.tool_choice {
            body.set("tool_choice", tool_choice(choice, &quirks.tool_required));
        }
    }
    if let Some(wish) = call::effort(request, target) {
        effort::write(&mut body, quirks.effort, wish, target.max_tokens);
    }
    if let Some(tier) = tier::writes(request, model) {
        body.set("service_tier", tier.name());
    }
    call::pass_through(&mut body, target, Some(&params.extra), &RESERVED);
    body
}

fn response_format(request: &Request, target: &Target<'_>) -> Option<Value> {
    let can = target.model.capabilities;
    match call::json_wish(request)? {
        JsonWish::Schema(_) if can.structured => request.params.response_format.clone(),
        JsonWish::Schema(_) | JsonWish::Object if can.json => {
            Some(json!({ "type": "json_object" }))
        }
        JsonWish::Schema(_) | JsonWish::Object => None,
    }
}

fn tools(request: &Request) -> Value {
    request
        .tools
        .iter()
        .map(|tool| {
            let mut function = json!({ "name": tool.name, "parameters": tool.parameters });
            if let Some(description) = &tool.description {
                function["description"] = description.as_str().into();
            }
            json!({ "type": "function", "function": function })
        })
        .collect()
}

fn tool_choice(choice: &ToolChoice, required: &str) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => required.into(),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn messages(request: &Request, target: &Target<'_>) -> Value {
    let mut out: Vec<Value> = Vec::with_capacity(request.messages.len() + 3);
    let system = system(request, target);
    if !system.is_empty() {
        let role = match target.model.quirks.system_role {
            SystemRole::System => "system",
            SystemRole::Developer => "developer",
        };
        out.push(json!({ "role": role, "content": system }));
    }
    for message in &request.messages {
        match message.role {
            Role::System => {}
            Role::User | Role::Tool => user(message, target, &mut out),
            Role::Assistant => out.push(assistant(message, target)),
        }
    }
    if let Some(partial) = target.continue_from {
        go_on(partial, target, &mut out);
    }
    out.into()
}

/// The system text, with the JSON wish in words where it must be: endpoints with a JSON mode refuse
/// it unless some message speaks of JSON.
fn system(request: &Request, target: &Target<'_>) -> String {
    let mut system = call::system_text(request);
    let Some(wish) = call::json_wish(request) else { return system };
    let can = target.model.capabilities;
    let in_words = match wish {
        JsonWish::Schema(_) => !can.structured,
        JsonWish::Object => {
            let speaks = |text: &str| text.to_ascii_lowercase().contains("json");
            !can.json || !(speaks(&system) || request.messages.iter().any(|m| speaks(&m.plain())))
        }
    };
    if in_words {
        call::add_words(&mut system, &call::json_words(&wish));
    }
    system
}

fn user(message: &Message, target: &Target<'_>, out: &mut Vec<Value>) {
    let mut parts: Vec<Value> = Vec::new();
    let mut only_text = true;
    for part in &message.parts {
        match part {
            Part::ToolResult { id, content } => {
                out.push(json!({ "role": "tool", "tool_call_id": id, "content": content }));
            }
            Part::Text { text } => parts.push(json!({ "type": "text", "text": text })),
            Part::Image { media_type, source } if target.model.capabilities.vision => {
                only_text = false;
                let url = image_url(media_type.as_deref(), source);
                parts.push(json!({ "type": "image_url", "image_url": { "url": url } }));
            }
            Part::Image { .. } => parts.push(json!({ "type": "text", "text": call::NO_IMAGE })),
            Part::Other { value } => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
                if KNOWN_PARTS.contains(&kind) {
                    only_text = false;
                    parts.push(value.clone());
                }
            }
            Part::ToolCall { .. } | Part::Reasoning { .. } => {}
        }
    }
    if parts.is_empty() {
        return;
    }
    let content = if only_text {
        let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        Value::from(texts.join("\n"))
    } else {
        Value::from(parts)
    };
    out.push(json!({ "role": "user", "content": content }));
}

fn image_url(media_type: Option<&str>, source: &str) -> String {
    if call::is_web(source) || source.starts_with("data:") {
        source.to_owned()
    } else {
        format!("data:{};base64,{source}", media_type.unwrap_or("image/png"))
    }
}

fn assistant(message: &Message, target: &Target<'_>) -> Value {
    let mut texts: Vec<&str> = Vec::new();
    let mut calls: Vec<Value> = Vec::new();
    let mut thinking = String::new();
    for part in &message.parts {
        match part {
            Part::Text { text } => texts.push(text),
            Part::ToolCall { id, name, arguments } => calls.push(json!({
                "id": id,
                "type": "function",
                "function": { "name": name, "arguments": arguments },
            })),
            Part::Reasoning { text, .. } => thinking.push_str(text),
            Part::Image { .. } | Part::ToolResult { .. } | Part::Other { .. } => {}
        }
    }
    // An empty string rather than null: every endpoint takes it on turns that only call tools.
    let mut out = json!({ "role": "assistant", "content": texts.join("\n") });
    if !calls.is_empty() {
        // Endpoints of this style refuse a tool turn whose thinking does not come back.
        if !thinking.is_empty() && target.model.quirks.effort == EffortStyle::ThinkingType {
            out["reasoning_content"] = thinking.into();
        }
        out["tool_calls"] = calls.into();
    }
    out
}

fn go_on(partial: &str, target: &Target<'_>, out: &mut Vec<Value>) {
    let mut last = json!({ "role": "assistant", "content": partial });
    match target.model.capabilities.continuation {
        Continuation::Prefix => last["prefix"] = true.into(),
        Continuation::Partial => last["partial"] = true.into(),
        Continuation::Prefill => {}
        Continuation::Instruct | Continuation::None => {
            out.push(last);
            last = json!({ "role": "user", "content": call::continue_prompt(partial) });
        }
    }
    out.push(last);
}
