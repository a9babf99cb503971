//! A request as a simulated server understands it, from either dialect.
//!
//! Owns: reading request bodies leniently, as servers do. Must not know: habits, answers. Invariant:
//! what a body does not say is `None` or empty, never a guess.

use serde_json::Value;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Instructions.
    System,
    /// The person, or a tool's result.
    User,
    /// The model.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub who: Who,
    /// Its text; parts that are not text are left out.
    pub text: String,
    /// It asks to be continued: `prefix` or `partial`.
    pub mark: Option<&'static str>,
    /// It is a tool's result.
    pub tool_result: bool,
}

/// A chat request.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The model's id.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether a stream is to report usage.
    pub include_usage: bool,
    /// What was said, the system prompt first.
    pub said: Vec<Said>,
    /// The cap on the answer.
    pub cap: Option<u64>,
    /// Texts that end the answer.
    pub stops: Vec<String>,
    /// What it says about thinking: on, off, or nothing.
    pub think: Option<bool>,
    /// The tier of service it is served in: the one asked for where there is such a one.
    pub tier: &'static str,
    /// It wants JSON.
    pub json: bool,
    /// The first tool offered, and whether one must be used.
    pub tool: Option<(Value, bool)>,
    /// The names of all fields.
    pub fields: Vec<String>,
}

impl Ask {
    /// Reads a body; an error is a sentence for the caller.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            format!("We could not parse the JSON body of your request: {error}")
        })?;
        let fields = value.as_object().ok_or("The body must be a JSON object.")?;
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        let mut said = Vec::new();
        if let Some(system) = fields.get("system") {
            said.push(Said {
                who: Who::System,
                text: plain(system),
                mark: None,
                tool_result: false,
            });
        }
        let messages = fields.get("messages").and_then(Value::as_array);
        said.extend(messages.ok_or("Missing required parameter: 'messages'.")?.iter().map(message));
        let cap = ["max_completion_tokens", "max_tokens"]
            .iter()
            .find_map(|key| fields.get(*key).and_then(Value::as_u64));
        let stops = match fields.get("stop").or_else(|| fields.get("stop_sequences")) {
            Some(Value::String(stop)) => vec![stop.clone()],
            Some(Value::Array(stops)) => {
                stops.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let tool = fields.get("tools").and_then(Value::as_array).and_then(|tools| tools.first());
        let choice = fields.get("tool_choice").map(|choice| {
            choice.as_str().or_else(|| choice["type"].as_str()).unwrap_or("auto").to_owned()
        });
        let forced = choice.is_some_and(|c| ["required", "any", "tool", "function"].contains(&&*c));
        Ok(Self {
            model: text("model").ok_or("you must provide a model parameter")?.to_owned(),
            stream: fields.get("stream").and_then(Value::as_bool).unwrap_or(false),
            include_usage: value["stream_options"]["include_usage"].as_bool().unwrap_or(false),
            said,
            cap,
            stops,
            think: thinking(&value),
            tier: tier(text("service_tier")),
            json: value["response_format"]["type"].as_str().is_some_and(|t| t.starts_with("json"))
                || value["output_config"]["format"].is_object(),
            tool: tool.map(|tool| (tool.clone(), forced)),
            fields: fields.keys().cloned().collect(),
        })
    }

    /// The trailing assistant message, if the conversation ends with one.
    pub fn trailing(&self) -> Option<&Said> {
        self.said.last().filter(|said| said.who == Who::Assistant)
    }

    /// The newest message of the person.
    pub fn prompt(&self) -> &str {
        let newest = self.said.iter().rev().find(|said| said.who == Who::User);
        newest.map_or("", |said| &said.text)
    }

    /// Every text joined, for counting and for telling one request from another.
    pub fn whole(&self) -> String {
        let mut whole = String::new();
        for said in &self.said {
            whole.push_str(match said.who {
                Who::System => "\u{1}s",
                Who::User => "\u{1}u",
                Who::Assistant => "\u{1}a",
            });
            whole.push_str(&said.text);
        }
        whole
    }
}

fn message(value: &Value) -> Said {
    let who = match value["role"].as_str() {
        Some("assistant") => Who::Assistant,
        Some("system" | "developer") => Who::System,
        _ => Who::User,
    };
    let mark = ["prefix", "partial"].into_iter().find(|key| value[*key] == Value::Bool(true));
    let tool_result = value["role"] == "tool"
        || value["content"]
            .as_array()
            .is_some_and(|parts| parts.iter().any(|part| part["type"] == "tool_result"));
    Said { who, text: plain(&value["content"]), mark, tool_result }
}

/// The text of a content field: a string, or an array of parts.
fn plain(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<String> = parts
                .iter()
                .filter_map(|part| match part {
                    Value::String(text) => Some(text.clone()),
                    part => part["text"]
                        .as_str()
                        .map(str::to_owned)
                        .or_else(|| part.get("content").map(plain)),
                })
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// As OpenAI serves: fast mode goes by either of its names.
fn tier(asked: Option<&str>) -> &'static str {
    match asked {
        Some("flex") => "flex",
        Some("priority" | "fast") => "priority",
        _ => "default",
    }
}

fn thinking(value: &Value) -> Option<bool> {
    if let Some(kind) = value["thinking"]["type"].as_str() {
        return Some(kind != "disabled");
    }
    if let Some(on) = value["enable_thinking"].as_bool() {
        return Some(on);
    }
    let effort =
        value["reasoning_effort"].as_str().or_else(|| value["reasoning"]["effort"].as_str());
    effort.map(|effort| effort != "none" && effort != "minimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openai_body_is_read() {
        let ask = Ask::read(
            br#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":9,
            "messages":[{"role":"system","content":"be kind"},
            {"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url"}]},
            {"role":"assistant","content":"Hel","prefix":true}],"stop":"END"}"#,
        )
        .unwrap();
        assert!(ask.stream && ask.include_usage);
        assert_eq!((ask.prompt(), ask.cap), ("hi", Some(9)));
        assert_eq!(ask.trailing().unwrap().mark, Some("prefix"));
        assert_eq!(ask.stops, ["END"]);
    }

    #[test]
    fn an_anthropic_body_is_read() {
        let ask = Ask::read(
            br#"{"model":"m","system":[{"type":"text","text":"be kind"}],"max_tokens":10,
            "thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"hi"}]}"#,
        )
        .unwrap();
        assert_eq!(ask.said[0].text, "be kind");
        assert_eq!((ask.think, ask.stream), (Some(true), false));
    }

    #[test]
    fn a_body_without_model_or_messages_is_refused_in_words() {
        assert!(Ask::read(b"{").unwrap_err().contains("JSON"));
        assert!(Ask::read(b"{\"model\":\"m\"}").unwrap_err().contains("messages"));
        assert!(Ask::read(b"{\"messages\":[]}").unwrap_err().contains("model"));
    }
}
