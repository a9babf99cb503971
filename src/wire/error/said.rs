//! What an error body says, whatever its shape: message, codes, wait. Owns the shapes; judges nothing.
//! The order of looking: a list's first item; an `error` object; an `error` text; `message`; `detail`;
//! `msg`; else the text itself.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Headers, clean, limits};

/// How deep errors within errors are followed.
const DEPTH: u8 = 4;

/// How much of a body that is no JSON speaks for itself, in bytes.
const TEXT_CAP: usize = 200;

/// What was said.
#[derive(Debug, Default)]
pub(in crate::wire) struct Said {
    /// The message, innermost found.
    pub(super) message: String,
    /// All the words of it worth keeping.
    pub(super) original: String,
    /// Codes, types and statuses in words, most telling first.
    pub(super) codes: Vec<String>,
    /// A number that is an HTTP status.
    pub(super) status: Option<u16>,
    /// A wait told in the body.
    pub(super) wait: Option<Duration>,
    /// Response headers the body carries.
    pub(super) headers: Option<Headers>,
    /// The quota spoken of is a day's.
    pub(super) per_day: bool,
    /// The quota spoken of is nothing at all.
    pub(super) no_allowance: bool,
    /// It has the marks of Alibaba's compatible endpoint.
    pub(super) is_dashscope: bool,
    /// It is a page for people.
    pub(super) html: bool,
    /// That page's title.
    pub(super) title: Option<String>,
}

/// Could this be an error body rather than an answer?
pub(in crate::wire) fn looks_like_error(value: &Value) -> bool {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    let Some(map) = value.as_object() else { return false };
    if map.get("error").is_some_and(says_something) {
        return true;
    }
    if map.contains_key("choices") || map.contains_key("content") {
        return false;
    }
    let failed = map.get("success") == Some(&Value::Bool(false))
        || map.get("object").and_then(Value::as_str) == Some("error")
        || map.get("status").and_then(Value::as_str) == Some("failure")
        || map.get("code").is_some_and(|code| *code != 0 && !code.is_null() && *code != 200);
    let speaks = ["message", "msg", "detail"].iter().any(|name| map.contains_key(*name));
    speaks && (failed || map.contains_key("detail")) || map.contains_key("html-message")
}

/// Some endpoints send an empty `error` with every answer.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

impl Said {
    /// Reads a body in any shape.
    pub(in crate::wire) fn from_body(body: &[u8], status: u16) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim().trim_start_matches('\u{FEFF}');
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return Self::from_value(&value, status);
        }
        let mut said = Self::default();
        // Some relays send their error as an event of the stream that never began.
        if let Some(value) = text
            .lines()
            .find_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?.trim()).ok())
        {
            return Self::from_value(&value, status);
        }
        if is_html(text) {
            said.html = true;
            said.title = title(text);
            said.original = clean::clean(&without_tags(text), clean::ORIGINAL_CAP);
        } else {
            clean::cut(text, TEXT_CAP).clone_into(&mut said.message);
            clean::cut(text, clean::ORIGINAL_CAP * 2).clone_into(&mut said.original);
        }
        said
    }

    /// Reads a JSON body.
    pub(in crate::wire) fn from_value(value: &Value, status: u16) -> Self {
        let mut said = Self::default();
        said.read(value, status, DEPTH);
        if said.original.is_empty() {
            said.original = match said.message.as_str() {
                "" => value.to_string(),
                words => words.to_owned(),
            };
        }
        if said.message.contains("aliyun") || said.message.contains("alibabacloud") {
            said.is_dashscope = true;
        }
        if said.message.contains("limit: 0,") || said.message.ends_with("limit: 0") {
            said.no_allowance = true;
        }
        said
    }

    fn read(&mut self, value: &Value, status: u16, depth: u8) {
        if depth == 0 {
            return;
        }
        match value {
            Value::Array(list) => {
                if let Some(first) = list.first() {
                    self.read(first, status, depth - 1);
                }
            }
            Value::Object(map) => self.object(map, status, depth),
            Value::String(text) => self.text(text, status, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, map: &Map<String, Value>, status: u16, depth: u8) {
        if map.contains_key("request_id") && map.contains_key("error") && !map.contains_key("type")
        {
            self.is_dashscope = true;
        }
        match map.get("error") {
            Some(Value::Object(error)) => {
                self.details(error, status);
                let inner = ["message", "msg", "detail"].iter().find_map(|name| error.get(*name));
                if let Some(inner) = inner {
                    self.read(inner, status, depth - 1);
                }
                self.metadata(error, status, depth);
            }
            Some(text @ Value::String(_)) => {
                self.read(text, status, depth - 1);
                // `{"error": "code_word", "message": "…"}`.
                if let Some(Value::String(words)) = map.get("message") {
                    self.codes.push(std::mem::take(&mut self.message));
                    self.text(words, status, depth - 1);
                }
            }
            _ => self.bare(map, status, depth),
        }
        self.details(map, status);
    }

    /// An error object without an `error` around it.
    fn bare(&mut self, map: &Map<String, Value>, status: u16, depth: u8) {
        for name in ["message", "detail", "msg", "html-message", "errors"] {
            match map.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(list)) if name == "detail" => {
                    self.message = validation(list);
                    return;
                }
                Some(value) => {
                    self.read(value, status, depth - 1);
                    return;
                }
            }
        }
    }

    fn text(&mut self, text: &str, status: u16, depth: u8) {
        // JSON within text, whole or after a few words.
        let start = text.find("{\"").or_else(|| text.find("{ \""));
        if let Some(start) = start {
            let mut values =
                serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
            if let Some(Ok(inner)) = values.next()
                && ["error", "message", "msg", "detail"]
                    .iter()
                    .any(|name| inner.get(*name).is_some())
            {
                self.read(&inner, status, depth.saturating_sub(1));
            }
        }
        if self.original.len() < text.len() {
            text.clone_into(&mut self.original);
        }
        if self.message.is_empty() {
            text.clone_into(&mut self.message);
        }
    }

    /// Codes, statuses and waits beside a message.
    fn details(&mut self, map: &Map<String, Value>, status: u16) {
        for name in ["code", "type", "status", "reason"] {
            match map.get(name) {
                Some(Value::String(word)) => self.code(word, status),
                Some(Value::Number(number)) => self.code(&number.to_string(), status),
                _ => {}
            }
        }
        match map.get("details") {
            Some(Value::Object(details)) => {
                if let Some(Value::String(word)) = details.get("error_code") {
                    self.codes.insert(0, word.clone());
                }
            }
            Some(Value::Array(details)) => details.iter().for_each(|detail| self.google(detail)),
            _ => {}
        }
    }

    /// A code in words or digits. A number that repeats the status is no code, and under HTTP 200 it
    /// is the status; `error` and `failure` say nothing.
    fn code(&mut self, word: &str, status: u16) {
        if let Ok(number) = word.parse::<u16>() {
            if number == status || (400..600).contains(&number) {
                self.status = self.status.or(Some(number));
                return;
            }
            if number == 0 {
                return;
            }
        }
        let empty = matches!(word, "" | "error" | "failure" | "null" | "None" | "unknown_error");
        if !empty && !self.codes.iter().any(|known| known == word) {
            self.codes.push(word.to_owned());
        }
    }

    /// One of Google's typed details.
    fn google(&mut self, detail: &Value) {
        if let Some(delay) = detail.get("retryDelay").and_then(Value::as_str) {
            self.wait = limits::span(delay);
        }
        let violations = detail.get("violations").and_then(Value::as_array);
        for violation in violations.into_iter().flatten() {
            let quota = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
            self.per_day |= quota.contains("PerDay");
            self.no_allowance |= violation.get("quotaValue").and_then(Value::as_str) == Some("0");
        }
        if let Some(reason) = detail.get("reason").and_then(Value::as_str) {
            self.codes.push(reason.to_owned());
        }
    }

    /// What an aggregator adds: the provider's raw error, headers, reasons.
    fn metadata(&mut self, error: &Map<String, Value>, status: u16, depth: u8) {
        let Some(metadata) = error.get("metadata").and_then(Value::as_object) else { return };
        if let Some(headers) = metadata.get("headers").and_then(Value::as_object) {
            self.headers = Some(Headers::from_pairs(headers.iter().map(|(name, value)| {
                (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })));
        }
        if metadata.get("reasons").is_some_and(Value::is_array) {
            self.codes.insert(0, "content_filter".to_owned());
        }
        if let Some(raw) = metadata.get("raw") {
            let outer = std::mem::take(&mut self.message);
            self.read(raw, status, depth - 1);
            if self.message.is_empty() {
                self.message = outer;
            } else {
                self.original = format!("{outer}: {}", self.message);
            }
        }
    }
}

/// A list of field errors as validators write them.
fn validation(list: &[Value]) -> String {
    let lines: Vec<String> = list
        .iter()
        .map(|item| {
            let words = item.get("msg").and_then(Value::as_str).unwrap_or_default();
            let place: Vec<String> = item
                .get("loc")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                .collect();
            if words.is_empty() {
                item.as_str().map_or_else(|| item.to_string(), str::to_owned)
            } else if place.is_empty() {
                words.to_owned()
            } else {
                format!("{}: {words}", place.join("."))
            }
        })
        .collect();
    lines.join("; ")
}

/// Is this a page for people?
pub(in crate::wire) fn is_html(text: &str) -> bool {
    let start = clean::cut(text.trim_start(), 64).to_ascii_lowercase();
    ["<!doctype", "<html", "<head", "<body", "<center", "<?xml", "<title", "<h1"]
        .iter()
        .any(|tag| start.starts_with(tag))
}

fn title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find('<')?;
    let title = clean::one_line(&text[start..end], 120);
    (!title.is_empty()).then_some(title)
}

fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0u32;
    for c in clean::cut(text, 16 * 1024).chars() {
        match c {
            '<' => depth += 1,
            '>' => {
                depth = depth.saturating_sub(1);
                out.push(' ');
            }
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
