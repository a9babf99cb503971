//! From a request and a target to an HTTP call, in either dialect: addresses, keys, headers, and what
//! both dialects share. Invariant: the same request and target give the same bytes; the call is
//! always streamed and always names its token cap.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{HttpCall, address, anthropic, body::Body, clean, openai};
use crate::config::{Dialect, EffortStyle, Model, Provider};
use crate::domain::{Continuation, Effort, ErrorReport, OutcomeClass, Request};

/// The version of Anthropic's interface this program speaks.
pub(super) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a model is asked when it cannot simply go on with a cut answer.
const CONTINUE: &str = include_str!("../../assets/prompts/continue.txt");

/// How much of the cut answer is quoted back, in characters: enough to find the place, little enough
/// not to tempt a repetition.
const TAIL_CHARS: usize = 160;

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The endpoint.
    pub provider: &'a Provider,
    /// The model there.
    pub model: &'a Model,
    /// Its key, where it has one.
    pub key: Option<&'a SecretString>,
    /// The cap on the answer, in tokens; always sent.
    pub max_tokens: u32,
    /// The text of a broken answer to go on with.
    pub continue_from: Option<&'a str>,
}

/// Writes a request for a target, always as a streamed call.
///
/// # Errors
/// The base address is no `http(s)` address, or the answer cannot be continued on this model.
pub fn encode(request: &Request, target: &Target<'_>) -> Result<HttpCall, ErrorReport> {
    let continuation = target.model.capabilities.continuation;
    if target.continue_from.is_some() && continuation == Continuation::None {
        return Err(ErrorReport::new(
            OutcomeClass::Caller,
            "no_continuation",
            format!("{} cannot continue a broken answer", target.model.name),
        ));
    }
    let dialect = target.provider.dialect;
    let (path, body) = match dialect {
        Dialect::OpenAi => ("/chat/completions", openai::encode(request, target)),
        Dialect::Anthropic => ("/messages", anthropic::encode(request, target)),
    };
    let base = match (&target.model.quirks.prefix_base_url, target.continue_from, continuation) {
        (Some(base), Some(_), Continuation::Prefix) => base,
        _ => &target.provider.base_url,
    };
    let url = address::endpoint(base, dialect, path);
    check(&url, target.provider)?;
    let mut call = headed("POST", url, target.provider, target.key);
    call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    call.headers.push(("accept".to_owned(), "text/event-stream".to_owned()));
    call.body = body.to_bytes();
    Ok(call)
}

/// Whether the blanks at the end of a text to be continued are sent: Anthropic's interface refuses a
/// last message that ends in them.
pub const fn sends_trailing_blanks(dialect: Dialect) -> bool {
    match dialect {
        Dialect::OpenAi => true,
        Dialect::Anthropic => false,
    }
}

fn check(url: &str, provider: &Provider) -> Result<(), ErrorReport> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?'])) {
        return Ok(());
    }
    let mut report = ErrorReport::new(
        OutcomeClass::Account,
        "base_url",
        format!("The base_url of {} is not an http address", provider.name),
    );
    "Set base_url to something like https://host/v1.".clone_into(&mut report.hint);
    Err(report)
}

/// A call with the headers every call to this provider carries.
pub(super) fn headed(
    method: &'static str,
    url: String,
    provider: &Provider,
    key: Option<&SecretString>,
) -> HttpCall {
    let mut headers = Vec::new();
    let mut secret_headers = Vec::new();
    let elsewhere = provider.quirks.auth_header.as_deref().zip(key);
    if let Some((name, key)) = elsewhere {
        secret_headers.push((name.to_ascii_lowercase(), key.clone()));
    }
    let key = key.filter(|_| elsewhere.is_none());
    match provider.dialect {
        Dialect::OpenAi => {
            if let Some(key) = key.filter(|_| !address::overrides(provider, "authorization")) {
                let value = format!("Bearer {}", key.expose_secret());
                secret_headers.push(("authorization".to_owned(), SecretString::from(value)));
            }
        }
        Dialect::Anthropic => {
            let own = address::overrides(provider, "x-api-key")
                || address::overrides(provider, "authorization");
            if let Some(key) = key.filter(|_| !own) {
                secret_headers.push(("x-api-key".to_owned(), key.clone()));
            }
            if !address::overrides(provider, "anthropic-version") {
                headers.push(("anthropic-version".to_owned(), ANTHROPIC_VERSION.to_owned()));
            }
        }
    }
    for (name, value) in &provider.headers {
        let name = name.to_ascii_lowercase();
        if address::is_secret_header(&name) {
            secret_headers.push((name, SecretString::from(value.clone())));
        } else {
            headers.push((name, value.clone()));
        }
    }
    HttpCall { method, url, headers, secret_headers, body: bytes::Bytes::new() }
}

/// How hard to think on this call: as asked, but not at all where a thinking model is to go on with
/// a text, because the mechanisms that do so refuse to think first.
pub(super) fn effort(request: &Request, target: &Target<'_>) -> Option<Effort> {
    if !target.model.capabilities.reasoning {
        return None;
    }
    let going_on = target.continue_from.is_some()
        && match target.model.capabilities.continuation {
            Continuation::Prefix | Continuation::Prefill | Continuation::Partial => true,
            Continuation::Instruct | Continuation::None => false,
        };
    if going_on { Some(Effort::None) } else { request.params.effort }
}

/// Does a call carry the temperature a request names, and does the model heed it? Where thinking and
/// sampling exclude each other, the Anthropic dialect leaves the temperature out while it thinks, and
/// endpoints that take `thinking: {type}` ignore it, which think unless they are told not to (DeepSeek's
/// pages on its thinking mode, Anthropic's on extended thinking).
pub fn heeds_temperature(request: &Request, dialect: Dialect, model: &Model) -> bool {
    let can = model.capabilities;
    if !can.temperature || !can.reasoning {
        return can.temperature;
    }
    // What is passed through is sent where the request says nothing.
    let passed = match dialect {
        Dialect::OpenAi => request.params.extra.get("thinking"),
        Dialect::Anthropic => None,
    };
    let passed = passed.or_else(|| model.params.get("thinking"));
    let passed = passed.and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    let off = match request.params.effort {
        Some(effort) => Some(effort == Effort::None),
        None => passed.map(|kind| kind == "disabled"),
    };
    match (dialect, model.quirks.effort) {
        (Dialect::OpenAi, EffortStyle::ThinkingType) => off.unwrap_or(false),
        (
            Dialect::Anthropic,
            EffortStyle::AdaptiveThinking | EffortStyle::ThinkingBudget | EffortStyle::ThinkingType,
        ) => off.unwrap_or(true),
        (
            Dialect::OpenAi | Dialect::Anthropic,
            EffortStyle::Unsupported
            | EffortStyle::ReasoningEffort
            | EffortStyle::EnableThinking
            | EffortStyle::ReasoningObject
            | EffortStyle::AdaptiveThinking
            | EffortStyle::ThinkingBudget,
        ) => true,
    }
}

/// Adds the model's own parameters, then (for the dialect they came in) the caller's unknown ones.
/// What the request says beats what the configuration says; neither can replace `reserved`.
pub(super) fn pass_through(
    body: &mut Body,
    target: &Target<'_>,
    extra: Option<&serde_json::Map<String, Value>>,
    reserved: &[&str],
) {
    // Sorted, so that the bytes do not depend on how maps are kept.
    let sorted = |map: &serde_json::Map<String, Value>| {
        let mut fields: Vec<(String, Value)> =
            map.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    };
    for map in extra.into_iter().chain([&target.model.params]) {
        for (name, value) in sorted(map) {
            body.fill(&name, &value, reserved);
        }
    }
}

/// All system texts of a request in one: its own and those among its messages. Many endpoints take
/// only one, and only at the start.
pub(super) fn system_text(request: &Request) -> String {
    let mut texts: Vec<String> = Vec::new();
    texts.extend(request.system.clone());
    texts.extend(
        request
            .messages
            .iter()
            .filter(|message| message.role == crate::domain::Role::System)
            .map(crate::domain::Message::plain),
    );
    texts.retain(|text| !text.trim().is_empty());
    texts.join("\n\n")
}

/// The user's turn that asks a model to go on with `partial`.
pub(super) fn continue_prompt(partial: &str) -> String {
    let start = partial.char_indices().rev().nth(TAIL_CHARS - 1).map_or(0, |(at, _)| at);
    CONTINUE.trim_end().replace("{tail}", &partial[start..])
}

/// Words that stand in for an image a model cannot read.
pub(super) const NO_IMAGE: &str = "[an image was left out: this model does not read images]";

/// What a JSON format asks for, whatever the model can be told about it.
pub(super) enum JsonWish<'a> {
    /// Any JSON object.
    Object,
    /// JSON that follows a schema; with the whole `json_schema` object as the caller wrote it.
    Schema(&'a Value),
}

/// Reads `response_format` as the OpenAI dialect writes it; `None` for plain text.
pub(super) fn json_wish(request: &Request) -> Option<JsonWish<'_>> {
    let format = request.params.response_format.as_ref()?;
    match format.get("type").and_then(Value::as_str) {
        Some("json_object") => Some(JsonWish::Object),
        Some("json_schema") => {
            Some(format.get("json_schema").map_or(JsonWish::Object, JsonWish::Schema))
        }
        _ => None,
    }
}

/// The wish in words, for models that cannot be told otherwise.
pub(super) fn json_words(wish: &JsonWish<'_>) -> String {
    match wish {
        JsonWish::Object => "Answer with one JSON object and nothing else.".to_owned(),
        JsonWish::Schema(spec) => {
            let schema = spec.get("schema").unwrap_or(spec);
            format!("Answer with JSON that follows this schema, and nothing else:\n{schema}")
        }
    }
}

/// Joins an addition to a system text.
pub(super) fn add_words(system: &mut String, words: &str) {
    if !system.is_empty() {
        system.push_str("\n\n");
    }
    system.push_str(words);
}

/// A temperature the endpoint takes, if the model takes one at all.
pub(super) fn temperature(request: &Request, target: &Target<'_>, ceiling: f64) -> Option<f64> {
    let asked = request.params.temperature.filter(|t| t.is_finite())?;
    let most = target.model.quirks.temperature_max.min(ceiling);
    target.model.capabilities.temperature.then(|| asked.clamp(0.0, most.max(0.0)))
}

/// A data URL's media type and base64 text.
pub(super) fn data_url(source: &str) -> Option<(&str, &str)> {
    source.strip_prefix("data:")?.split_once(";base64,")
}

/// Is this an address rather than inline data?
pub(super) fn is_web(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// A provider's or model's name in one clean line, for messages.
pub(super) fn shown(text: &str) -> String {
    clean::one_line(text, 120)
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
