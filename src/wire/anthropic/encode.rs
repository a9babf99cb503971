//! Writes requests in the Anthropic dialect. Owns field names and message shapes; knows nothing of
//! addresses and keys. Invariants: turns alternate, no text block is empty, a parameter the model
//! does not take is not sent. The caller's unknown fields stay out: they come in the other dialect.

use serde_json::{Map, Value, json};

use super::super::body::Body;
use super::super::call::{self, JsonWish, Target};
use super::super::effort;
use crate::domain::{Continuation, Message, Part, Request, Role, ToolChoice};

/// Fields only this encoder sets.
const RESERVED: [&str; 5] = ["model", "messages", "system", "stream", "max_tokens"];

/// The greatest temperature this dialect knows.
const TEMPERATURE_MAX: f64 = 1.0;

/// Content blocks of other kinds that this dialect knows.
const KNOWN_BLOCKS: [&str; 3] = ["document", "search_result", "redacted_thinking"];

/// The body of a streamed call.
pub(in crate::wire) fn encode(request: &Request, target: &Target<'_>) -> Body {
    let (can, params) = (target.model.capabilities, &request.params);
    let mut body = Body::default();
    body.set("model", target.model.id.as_str());
    body.set("max_tokens", target.max_tokens);
    let system = system(request, target);
    if !system.is_empty() {
        body.set("system", system);
    }
    body.set("messages", messages(request, target));
    body.set("stream", true);
    if let Some(wish) = call::effort(request, target) {
        effort::write(&mut body, target.model.quirks.effort, wish, target.max_tokens);
    }
    let forced = match &params.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => can.tools && !request.tools.is_empty(),
        Some(ToolChoice::Auto | ToolChoice::None) | None => false,
    };
    // Thinking takes neither a forced tool nor sampling parameters.
    let mut thinks = thinking(&body);
    if thinks && forced {
        body.remove("thinking");
        thinks = false;
    }
    if !thinks {
        // The newer models take one of the two, never both.
        if let Some(temperature) = call::temperature(request, target, TEMPERATURE_MAX) {
            body.set("temperature", temperature);
        } else if let Some(top_p) = params.top_p.filter(|p| can.temperature && p.is_finite()) {
            body.set("top_p", top_p);
        }
    }
    let stops: Vec<&str> =
        params.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect();
    if !stops.is_empty() {
        body.set("stop_sequences", stops);
    }
    if can.tools && !request.tools.is_empty() {
        body.set("tools", tools(request));
        if let Some(choice) = &params.tool_choice {
            body.set("tool_choice", tool_choice(choice));
        }
    }
    if can.structured
        && let Some(JsonWish::Schema(spec)) = call::json_wish(request)
    {
        let schema = spec.get("schema").unwrap_or(spec);
        let mut config = body.get("output_config").cloned().unwrap_or_else(|| json!({}));
        config["format"] = json!({ "type": "json_schema", "schema": schema });
        body.set("output_config", config);
    }
    call::pass_through(&mut body, target, None, &RESERVED);
    body
}

fn thinking(body: &Body) -> bool {
    body.get("thinking").is_some_and(|thinking| thinking["type"] != "disabled")
}

fn system(request: &Request, target: &Target<'_>) -> String {
    let mut system = call::system_text(request);
    match call::json_wish(request) {
        None => {}
        Some(JsonWish::Schema(_)) if target.model.capabilities.structured => {}
        Some(wish) => call::add_words(&mut system, &call::json_words(&wish)),
    }
    system
}

fn tools(request: &Request) -> Value {
    request
        .tools
        .iter()
        .map(|tool| {
            let mut out = json!({ "name": tool.name, "input_schema": tool.parameters });
            if let Some(description) = &tool.description {
                out["description"] = description.as_str().into();
            }
            out
        })
        .collect()
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({ "type": "auto" }),
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Required => json!({ "type": "any" }),
        ToolChoice::Named(name) => json!({ "type": "tool", "name": name }),
    }
}

/// One turn under construction.
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

fn messages(request: &Request, target: &Target<'_>) -> Value {
    let mut turns: Vec<Turn> = Vec::with_capacity(request.messages.len() + 2);
    for message in &request.messages {
        match message.role {
            Role::System => {}
            Role::User | Role::Tool => add(&mut turns, "user", blocks(message, target)),
            Role::Assistant => add(&mut turns, "assistant", blocks(message, target)),
        }
    }
    if let Some(partial) = target.continue_from {
        let trimmed = partial.trim_end();
        if !trimmed.is_empty() {
            add(&mut turns, "assistant", vec![text(trimmed)]);
        }
        match target.model.capabilities.continuation {
            Continuation::Prefix | Continuation::Prefill | Continuation::Partial => {}
            Continuation::Instruct | Continuation::None => {
                add(&mut turns, "user", vec![text(&call::continue_prompt(partial))]);
            }
        }
    }
    turns
        .into_iter()
        .map(|turn| {
            let content = match turn.blocks.as_slice() {
                // A lone text travels as a plain string.
                [only] if only["type"] == "text" => only["text"].clone(),
                _ => Value::from(turn.blocks),
            };
            json!({ "role": turn.role, "content": content })
        })
        .collect()
}

/// Adds blocks, to the last turn if it is the same speaker's: tool results of one round must share a
/// turn.
fn add(turns: &mut Vec<Turn>, role: &'static str, mut blocks: Vec<Value>) {
    if blocks.is_empty() {
        return;
    }
    match turns.last_mut() {
        Some(turn) if turn.role == role => turn.blocks.append(&mut blocks),
        _ => turns.push(Turn { role, blocks }),
    }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn blocks(message: &Message, target: &Target<'_>) -> Vec<Value> {
    let from_model = message.role == Role::Assistant;
    let mut out = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        match part {
            Part::Text { text: words } if words.trim().is_empty() => {}
            Part::Text { text: words } => out.push(text(words)),
            Part::Image { media_type, source } if target.model.capabilities.vision => {
                out.push(image(media_type.as_deref(), source));
            }
            Part::Image { .. } => out.push(text(call::NO_IMAGE)),
            Part::ToolCall { id, name, arguments } if from_model => out.push(json!({
                "type": "tool_use",
                "id": id,
                "name": name,
                "input": input(arguments),
            })),
            Part::ToolResult { id, content } if !from_model => out.push(json!({
                "type": "tool_result",
                "tool_use_id": id,
                "content": content,
            })),
            // Without its signature thinking is refused, and it is of no use to others.
            Part::Reasoning { text, signature: Some(signature) } if from_model => out.push(json!({
                "type": "thinking",
                "thinking": text,
                "signature": signature,
            })),
            Part::Other { value } => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
                if KNOWN_BLOCKS.contains(&kind) {
                    out.push(value.clone());
                }
            }
            Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Reasoning { .. } => {}
        }
    }
    out
}

/// Arguments as an object; text that is none is kept under a name of its own.
fn input(arguments: &str) -> Value {
    match serde_json::from_str::<Value>(arguments) {
        Ok(value @ Value::Object(_)) => value,
        _ if arguments.trim().is_empty() => Value::Object(Map::new()),
        _ => json!({ "arguments": arguments }),
    }
}

fn image(media_type: Option<&str>, source: &str) -> Value {
    if call::is_web(source) {
        return json!({ "type": "image", "source": { "type": "url", "url": source } });
    }
    let (kind, data) = match call::data_url(source) {
        Some((kind, data)) => (kind, data),
        None => (media_type.unwrap_or("image/png"), source),
    };
    json!({ "type": "image", "source": { "type": "base64", "media_type": kind, "data": data } })
}
