//! A game day's script read and checked: TOML with `[[fault]]` tables, or one JSON object a line.
//!
//! Owns: the script's fields. Must not know: how it is played. Invariant: every mistake names its
//! line and, where one is meant, the nearest name.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use toml_edit::{Item, TableLike};

use crate::domain::{nearest, parse_span};

use super::super::control::{Control, Until};
use super::super::fault::Fault;
use super::super::order::{self, Strike};
use super::super::{data, words};
use super::Timed;

/// The fields of a fault that say where and when; the others are its kind's own.
const FIELDS: [&str; 6] = ["at", "for", "times", "provider", "model", "kind"];

/// The fields kinds have.
const OWN: [&str; 7] = ["status", "after", "how", "retry_after", "ms", "bytes", "every_ms"];

/// The kinds as scripts name them.
const KINDS: [&str; 29] = [
    "rate_limit",
    "quota_gone",
    "status",
    "unauthorized",
    "unknown_model",
    "context_overflow",
    "moderated",
    "reset",
    "silence",
    "headers_then_silence",
    "comments_only",
    "cut",
    "stall",
    "error_event",
    "malformed",
    "giant_line",
    "bad_utf8",
    "missing_done",
    "open_end",
    "missing_usage",
    "error_under200",
    "html_under200",
    "empty_stop",
    "length",
    "quiet_stop",
    "reasoning_only",
    "content_filter",
    "slow_first_token",
    "drip",
];

/// What is wrong with a script, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// In words.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// A fault as written, with the line of each field.
struct Entry {
    line: usize,
    fields: Map<String, Value>,
    lines: Vec<(String, usize)>,
}

impl Entry {
    fn wrong(&self, field: &str, message: impl fmt::Display) -> Mistake {
        let at = self.lines.iter().find(|(name, _)| name == field);
        let line = at.map_or(self.line, |(_, line)| *line);
        Mistake { line, message: format!("{field}: {message}") }
    }

    fn text(&self, field: &str) -> Result<Option<&str>, Mistake> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(field, format!("expected a text, found {other}"))),
        }
    }

    fn span(&self, field: &str) -> Result<Option<Duration>, Mistake> {
        match self.text(field)? {
            None => Ok(None),
            Some(text) => parse_span(text).map(Some).map_err(|error| self.wrong(field, error)),
        }
    }
}

/// Reads and checks a script.
pub(super) fn strikes(text: &str, fleet: &Control) -> Result<Vec<Timed>, Vec<Mistake>> {
    let json = text.trim_start().starts_with('{');
    let entries = if json { json_lines(text) } else { toml(text) }?;
    let mut mistakes = Vec::new();
    let mut strikes = Vec::new();
    for entry in &entries {
        match timed(entry, fleet) {
            Ok(timed) => strikes.push(timed),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if entries.is_empty() {
        mistakes.push(Mistake { line: 1, message: "there is no [[fault]] in it".to_owned() });
    }
    if mistakes.is_empty() { Ok(strikes) } else { Err(mistakes) }
}

fn json_lines(text: &str) -> Result<Vec<Entry>, Vec<Mistake>> {
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    for (at, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
        let line = at + 1;
        match serde_json::from_str::<Map<String, Value>>(row) {
            Ok(fields) => entries.push(Entry { line, fields, lines: Vec::new() }),
            Err(error) => mistakes.push(Mistake { line, message: error.to_string() }),
        }
    }
    if mistakes.is_empty() { Ok(entries) } else { Err(mistakes) }
}

fn toml(text: &str) -> Result<Vec<Entry>, Vec<Mistake>> {
    let line_at =
        |offset: usize| text[..text.floor_char_boundary(offset)].matches('\n').count() + 1;
    let document = toml_edit::Document::parse(text).map_err(|error| {
        let line = line_at(error.span().map_or(text.len(), |span| span.start));
        vec![Mistake { line, message: error.message().trim().replace('\n', ", ") }]
    })?;
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    for (name, item) in document.as_table() {
        let key = document.as_table().get_key_value(name).and_then(|(key, _)| key.span());
        let line = line_at(key.map_or(0, |span| span.start));
        match item {
            Item::ArrayOfTables(list) if name == "fault" => {
                entries.extend(list.iter().map(|table| {
                    let line = table.span().map_or(line, |span| line_at(span.start));
                    entry(table, line, &line_at)
                }));
            }
            _ => mistakes.push(Mistake {
                line,
                message: format!("{name}: only [[fault]] tables are read here"),
            }),
        }
    }
    if mistakes.is_empty() { Ok(entries) } else { Err(mistakes) }
}

fn entry(table: &dyn TableLike, line: usize, line_at: &dyn Fn(usize) -> usize) -> Entry {
    let lines = table.iter().filter_map(|(name, _)| {
        let span = table.get_key_value(name).and_then(|(key, _)| key.span())?;
        Some((name.to_owned(), line_at(span.start)))
    });
    let lines = lines.collect();
    let fields = match data::table(table) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Entry { line, fields, lines }
}

fn timed(entry: &Entry, fleet: &Control) -> Result<Timed, Mistake> {
    let known = || FIELDS.into_iter().chain(OWN);
    if let Some(field) = entry.fields.keys().find(|name| known().all(|known| known != **name)) {
        let near = nearest(field, known())
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(entry.wrong(field, format!("no such field{near}")));
    }
    let name = entry.text("provider")?.ok_or_else(|| entry.wrong("provider", "missing"))?;
    let provider = order::provider(name, fleet).map_err(|why| entry.wrong("provider", why))?;
    let model = match entry.text("model")? {
        None => None,
        Some(model) => {
            Some(order::model(provider, model, fleet).map_err(|why| entry.wrong("model", why))?)
        }
    };
    let at = entry.span("at")?.unwrap_or_default();
    let span = entry.span("for")?;
    let times = match entry.fields.get("times") {
        None => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|times| u32::try_from(times).ok())
                .filter(|times| *times > 0)
                .ok_or_else(|| entry.wrong("times", format!("{value} is not 1 or more")))?,
        ),
    };
    let until = match (span, times) {
        (Some(_), Some(_)) => return Err(entry.wrong("times", "give either for or times")),
        (Some(span), None) if span.is_zero() => {
            return Err(entry.wrong("for", "it would last no time"));
        }
        (Some(span), None) => Until::For(span),
        (None, Some(times)) => Until::Times(times),
        (None, None) => Until::Cleared,
    };
    let strike = Strike { provider: provider.to_owned(), model, fault: fault(entry)?, until };
    Ok(Timed { at, strike })
}

/// The kind and its own fields; a kind may also be said in the words the console takes.
fn fault(entry: &Entry) -> Result<Fault, Mistake> {
    let kind = entry.text("kind")?.ok_or_else(|| entry.wrong("kind", "missing"))?;
    let own: Map<String, Value> = entry
        .fields
        .iter()
        .filter(|(name, _)| *name == "kind" || OWN.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !KINDS.contains(&kind) {
        let said: Vec<&str> = kind.split_whitespace().collect();
        return match words::read(&said) {
            Ok((fault, took)) if took == said.len() && own.len() == 1 => Ok(fault),
            Ok(_) => Err(entry.wrong("kind", format!("{kind:?} is not wholly understood"))),
            Err(why) => Err(entry.wrong(
                "kind",
                match nearest(kind, KINDS.into_iter()) {
                    Some(near) => format!("no fault is called {kind:?}; did you mean {near}?"),
                    None => why,
                },
            )),
        };
    }
    serde_json::from_value(Value::Object(own)).map_err(|error| {
        entry.wrong("kind", format!("{kind}: {}", error.to_string().trim_end_matches('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{FleetOptions, Ports, start};

    async fn read(text: &str) -> Result<Vec<Timed>, Vec<String>> {
        let options = FleetOptions { seed: 1, ports: Ports::Any, pace: 0.0 };
        let fleet = start(options).await.unwrap();
        strikes(text, &fleet.control())
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn json_lines_say_the_same_as_toml() {
        let toml =
            "[[fault]]\nat = \"2s\"\ntimes = 3\nprovider = \"sim-openai\"\nkind = \"429 30s\"\n";
        let json = "{\"at\":\"2s\",\"times\":3,\"provider\":\"openai\",\
            \"kind\":\"rate_limit\",\"retry_after\":{\"seconds\":30}}\n\n";
        assert_eq!(read(toml).await.unwrap(), read(json).await.unwrap());
    }

    #[tokio::test]
    async fn every_mistake_names_its_line_its_field_and_the_nearest_name() {
        let text = "# a comment\n[[fault]]\nat = \"soon\"\nprovider = \"sim-qwen\"\nkind = \"reset\"\n\
            [[fault]]\nprovidr = \"sim-qwen\"\n\
            [[fault]]\nprovider = \"deepsek\"\nkind = \"reset\"\n\
            [[fault]]\nprovider = \"sim-qwen\"\nkind = \"rate_limt\"\n\
            [[fault]]\nprovider = \"sim-qwen\"\nkind = \"status\"\n\
            [[fault]]\nprovider = \"sim-qwen\"\nmodel = \"opus\"\nkind = \"cut 3\"\n";
        let mistakes = read(text).await.unwrap_err();
        for (at, (line, word)) in [
            ("line 3: at: ", "expected a span"),
            ("line 7: providr: ", "did you mean provider?"),
            ("line 9: provider: ", "did you mean sim-deepseek?"),
            ("line 13: kind: ", "did you mean rate_limit?"),
            ("line 16: kind: status: ", "missing field `status`"),
            ("line 19: model: ", "sim-qwen has no model"),
        ]
        .into_iter()
        .enumerate()
        {
            let told = &mistakes[at];
            assert!(told.starts_with(line) && told.contains(word), "{told}");
        }
        assert_eq!(mistakes.len(), 6, "{mistakes:?}");
    }

    #[tokio::test]
    async fn a_text_that_is_no_script_is_refused() {
        assert!(read("").await.unwrap_err()[0].contains("no [[fault]]"));
        assert!(read("[[fault]]\nat = \n").await.unwrap_err()[0].starts_with("line 2"));
        assert!(read("[fleet]\nx = 1\n").await.unwrap_err()[0].contains("only [[fault]]"));
        assert!(read("{\"at\": }\n").await.unwrap_err()[0].starts_with("line 1"));
    }
}
