//! Reads chunks (and whole answers) of the OpenAI dialect into frames. Owns the many places where
//! endpoints put text, thinking, tool calls, usage and errors. Invariant: a chunk that says nothing
//! new is a keep-alive; the finish is told once.

use serde_json::Value;

use super::super::{Frame, HintClass, error};
use super::tools::Calls;
use super::usage;
use crate::domain::{ErrorReport, Finish, OutcomeClass, ServiceTier, Usage};

/// The state of one answer.
#[derive(Debug, Clone, Default)]
pub(in crate::wire) struct OpenAi {
    started: bool,
    /// Whether any text was given; a whole `message` within a stream repeats it otherwise.
    spoke: bool,
    refused: bool,
    finished: bool,
    calls: Calls,
    usage: Option<(Usage, Option<String>)>,
    tier: Option<ServiceTier>,
}

impl OpenAi {
    /// Reads the data of one event.
    pub(in crate::wire) fn event(&mut self, data: &str, out: &mut Vec<Frame>) {
        match serde_json::from_str::<Value>(data) {
            Ok(value) => self.value(&value, out),
            Err(_) => out.push(Frame::Malformed(super::super::clean::clean(data, 200))),
        }
    }

    /// Reads a chunk, or a whole answer.
    pub(in crate::wire) fn value(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let before = out.len();
        if error::looks_like_error(value) {
            self.tier(value, out);
            self.usage(value, out);
            out.push(Frame::Error(Box::new(error::in_band(value))));
            return;
        }
        let choices = value.get("choices").and_then(Value::as_array);
        let choice = choices.and_then(|list| {
            list.iter().find(|c| c.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
        });
        self.start(value, choice.is_some(), out);
        self.tier(value, out);
        if let Some(choice) = choice {
            self.choice(choice, out);
        }
        self.usage(value, out);
        if let Some(reason) = choice.and_then(|c| c.get("finish_reason")).and_then(Value::as_str) {
            self.finish(reason, out);
        }
        if out.len() == before {
            out.push(Frame::KeepAlive);
        }
    }

    /// Has the model said that it is done?
    pub(in crate::wire) fn finished(&self) -> bool {
        self.finished
    }

    fn start(&mut self, value: &Value, has_choice: bool, out: &mut Vec<Frame>) {
        if self.started {
            return;
        }
        let word = |name: &str| {
            value.get(name).and_then(Value::as_str).filter(|w| !w.is_empty()).map(str::to_owned)
        };
        let (id, model) = (word("id"), word("model"));
        if has_choice || id.is_some() || model.is_some() {
            self.started = true;
            out.push(Frame::Started { id, model });
        }
    }

    /// OpenAI names the tier in every chunk, others in the usage or not at all.
    fn tier(&mut self, value: &Value, out: &mut Vec<Frame>) {
        let told = |holder: &Value| {
            holder.get("service_tier").and_then(Value::as_str).map(ServiceTier::read)
        };
        let inner = || value.get("usage").and_then(told);
        let tier = told(value).or_else(inner).flatten();
        if tier.is_some() && self.tier != tier {
            self.tier = tier;
            out.extend(tier.map(Frame::ServedIn));
        }
    }

    fn choice(&mut self, choice: &Value, out: &mut Vec<Frame>) {
        let delta = choice.get("delta").filter(|delta| delta.is_object());
        let body = match delta {
            Some(delta) => delta,
            None => match choice.get("message") {
                Some(message) if !self.spoke => message,
                _ => {
                    // The older completions shape.
                    if let Some(text) = choice.get("text").and_then(Value::as_str) {
                        self.text(text, out);
                    }
                    return;
                }
            },
        };
        reasoning(body, out);
        match body.get("content") {
            Some(Value::String(text)) => self.text(text, out),
            Some(Value::Array(parts)) => parts.iter().for_each(|part| self.part(part, out)),
            _ => {}
        }
        if let Some(words) = body.get("refusal").and_then(Value::as_str).filter(|w| !w.is_empty()) {
            self.refused = true;
            self.text(words, out);
        }
        for entry in body.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.calls.piece(entry, out);
        }
        if let Some(call) = body.get("function_call").filter(|call| call.is_object()) {
            self.calls.piece(&serde_json::json!({ "index": 0, "function": call }), out);
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Frame>) {
        if !text.is_empty() {
            self.spoke = true;
            out.push(Frame::Text(text.to_owned()));
        }
    }

    /// One part of a content list.
    fn part(&mut self, part: &Value, out: &mut Vec<Frame>) {
        match part {
            Value::String(text) => self.text(text, out),
            _ => match part.get("type").and_then(Value::as_str) {
                Some("thinking" | "reasoning") => {
                    let text = part
                        .get("thinking")
                        .or_else(|| part.get("reasoning"))
                        .map_or_else(|| spoken(part), spoken);
                    if !text.is_empty() {
                        out.push(Frame::Reasoning(text));
                    }
                }
                Some("refusal") => {
                    self.refused = true;
                    self.text(part.get("refusal").and_then(Value::as_str).unwrap_or(""), out);
                }
                _ => self.text(part.get("text").and_then(Value::as_str).unwrap_or(""), out),
            },
        }
    }

    fn usage(&mut self, value: &Value, out: &mut Vec<Frame>) {
        // Some endpoints put it within the choice; Groq has an object of its own for it.
        let inner = || value.get("choices").and_then(|choices| choices.get(0)?.get("usage"));
        let groq = || value.get("x_groq").and_then(|own| own.get("usage"));
        let told = value.get("usage").filter(|usage| usage.is_object());
        let Some(told) = told.or_else(inner).or_else(groq) else {
            return;
        };
        let Some((usage, cost)) = usage::read(told) else { return };
        let told = Some((usage, cost));
        if self.usage != told {
            self.usage.clone_from(&told);
            if let Some((usage, reported_cost)) = told {
                out.push(Frame::Usage { usage, reported_cost });
            }
        }
    }

    fn finish(&mut self, raw: &str, out: &mut Vec<Frame>) {
        if self.finished || raw.is_empty() || raw == "null" {
            return;
        }
        self.finished = true;
        match meaning(raw) {
            Meaning::Finish(finish) => {
                let finish = match finish {
                    Finish::Stop if self.refused => Finish::ContentFilter,
                    // Some endpoints end tool turns with a plain stop.
                    Finish::Stop if self.calls.any() => Finish::ToolCalls,
                    finish => finish,
                };
                out.push(Frame::Finish { finish, raw: raw.to_owned() });
            }
            Meaning::Broke(message) => {
                let mut report = ErrorReport::new(OutcomeClass::Provider, raw, message);
                report.status = Some(200);
                HintClass::ServerError.advice().clone_into(&mut report.hint);
                out.push(Frame::Error(Box::new(report)));
            }
        }
    }
}

/// Thinking, under whichever name comes first; relays that send two send the same twice.
fn reasoning(body: &Value, out: &mut Vec<Frame>) {
    for name in ["reasoning_content", "reasoning", "thinking"] {
        let text = match body.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Object(_) | Value::Array(_))) => spoken(value),
            _ => continue,
        };
        if !text.is_empty() {
            out.push(Frame::Reasoning(text));
            return;
        }
    }
    for detail in body.get("reasoning_details").and_then(Value::as_array).into_iter().flatten() {
        let text = spoken(detail);
        if !text.is_empty() {
            out.push(Frame::Reasoning(text));
        }
        if let Some(signature) = detail.get("signature").and_then(Value::as_str) {
            out.push(Frame::ReasoningSignature(signature.to_owned()));
        }
    }
}

/// Text of a thinking part: a string, `{text}`, `{summary}`, or a list of those.
fn spoken(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(spoken).collect(),
        Value::Object(map) => ["text", "thinking", "summary", "content"]
            .iter()
            .find_map(|name| map.get(*name))
            .map(spoken)
            .unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

enum Meaning {
    Finish(Finish),
    Broke(&'static str),
}

/// What a finish reason means, in the words of all providers of this dialect.
fn meaning(raw: &str) -> Meaning {
    Meaning::Finish(match raw.to_ascii_lowercase().as_str() {
        "length"
        | "max_tokens"
        | "model_length"
        | "model_context_window_exceeded"
        | "max_output_tokens" => Finish::Length,
        "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
        "content_filter" | "sensitive" | "refusal" | "safety" | "recitation" | "blocklist"
        | "prohibited_content" | "spii" => Finish::ContentFilter,
        "insufficient_system_resource" => {
            return Meaning::Broke("The provider cut the answer for lack of capacity");
        }
        "network_error" => return Meaning::Broke("The provider's own network failed"),
        "error" => return Meaning::Broke("The provider stopped with an error"),
        _ => Finish::Stop,
    })
}
