//! A conversation as a document: Markdown, JSON, HTML. The branch to its newest message, or to one
//! that is named; JSON holds every branch.
//!
//! Must not know: files. Invariant: what people and models wrote stays data: in HTML nothing of it is
//! markup, and no control character of it survives as itself in any form.

mod page;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::domain::{Heard, MessageId, Part, RequestId, Role, UnixMs, is_private};

use super::write::INTERRUPTED;
use super::{AnswerFigures, KeptMessage, SessionDetail};

pub use page::html;

/// The version printed as `schema`.
pub const SCHEMA: u32 = 1;

fn moment(at: UnixMs, zone: &TimeZone) -> String {
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or_default();
    stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Text without control characters other than line ends and tabs, and without what turns the
/// direction of the text around it.
fn clean(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(*c))).collect()
}

/// It turns the direction of the text around it.
pub const fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn speaker(role: Role) -> &'static str {
    match role {
        Role::System => "System",
        Role::User => "You",
        Role::Assistant => "Assistant",
        Role::Tool => "Tool",
    }
}

/// A way's messages, each with whether it is private.
fn marked<'a>(session: &SessionDetail, way: &[&'a KeptMessage]) -> Vec<(&'a KeptMessage, bool)> {
    let private = private(session);
    way.iter().map(|kept| (*kept, private.contains(&kept.id))).collect()
}

/// Who, when, and how it ended where that was not well.
fn heading((kept, private): (&KeptMessage, bool), zone: &TimeZone) -> String {
    let mut out = speaker(kept.message.role).to_owned();
    if let Some(model) = &kept.model {
        let _ = write!(out, " ({})", line(model));
    }
    let _ = write!(out, " · {}", moment(kept.at, zone));
    match kept.finish.as_deref() {
        None | Some("stop" | "tool_calls") => {}
        Some(other) => {
            let _ = write!(out, " · {}", line(other));
        }
    }
    if private {
        out.push_str(" · private");
    }
    match kept.heard {
        Heard::Sent => {}
        Heard::Running => out.push_str(" · being answered"),
        Heard::Never => out.push_str(" · never sent"),
    }
    out
}

/// A part as Markdown.
fn part(part: &Part) -> String {
    match part {
        Part::Text { text } => clean(text),
        Part::Reasoning { text, .. } => quoted(&format!("Thinking:\n{}", clean(text))),
        Part::Image { media_type, source } => {
            let kind = media_type.as_deref().unwrap_or("image");
            if source.starts_with("http") && source.len() < 2000 {
                format!("[{}: {}]", line(kind), line(source))
            } else {
                format!("[{}, {} bytes]", line(kind), source.len() / 4 * 3)
            }
        }
        Part::ToolCall { name, arguments, .. } => {
            fenced(&format!("{}({})", line(name), clean(arguments)))
        }
        Part::ToolResult { content, .. } => fenced(&clean(content)),
        Part::Other { value } => fenced(&clean(&value.to_string())),
    }
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

/// In a fence longer than any in the text.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

/// How many messages a branch has, and of how many; the rest is on others.
fn counted(session: &SessionDetail, shown: usize) -> String {
    match session.messages.len() {
        all if all == shown => format!("{all} messages"),
        all => format!("{shown} of {all} messages, the rest on other branches"),
    }
}

/// What the conversation cost, all of it.
fn paid(session: &SessionDetail, shown: usize) -> String {
    let cost = session.row.cost;
    let at_least = if cost.exact { "" } else { "at least " };
    let whole = if shown == session.messages.len() { "" } else { " in all" };
    format!("{at_least}{} USD{whole}", cost.amount)
}

/// One branch as Markdown.
pub fn markdown(session: &SessionDetail, leaf: Option<MessageId>, zone: &TimeZone) -> String {
    markdown_in(session, leaf, zone, str::to_owned)
}

/// The same, with words of this program's own as `own` has them; what people and models wrote stays.
pub fn markdown_in(
    session: &SessionDetail,
    leaf: Option<MessageId>,
    zone: &TimeZone,
    own: impl Fn(&str) -> String,
) -> String {
    let row = &session.row;
    let mut out = format!("# {}\n\n", line(&row.title));
    let branch = session.branch(leaf);
    let about = format!(
        "{} · {} · {} · {}",
        moment(row.created, zone),
        counted(session, branch.len()),
        paid(session, branch.len()),
        row.id
    );
    let _ = writeln!(out, "{}", own(&about));
    if let Some(system) = &session.system {
        let _ = write!(out, "\n## System\n\n{}\n", clean(system).trim_end());
    }
    for (kept, private) in marked(session, &branch) {
        let _ = write!(out, "\n## {}\n", own(&heading((kept, private), zone)));
        for piece in &kept.message.parts {
            let _ = write!(out, "\n{}\n", part(piece).trim_end());
        }
    }
    out
}

/// Everything, every branch, for programs, with what each answer came to as far as that is known. To be
/// written by [`printed`].
pub fn json(session: &SessionDetail, figures: &BTreeMap<RequestId, AnswerFigures>) -> Value {
    let row = &session.row;
    let private = private(session);
    let message = |kept: &KeptMessage| message(kept, private.contains(&kept.id), figures);
    json!({
        "schema": SCHEMA,
        "id": row.id.to_string(),
        "title": row.title,
        "created": row.created,
        "updated": row.updated,
        "origin": row.origin,
        "cost_usd": row.cost.amount.to_string(),
        "cost_exact": row.cost.exact,
        "forked_from": row.forked_from.map(|id| id.to_string()),
        "system": session.system,
        "messages": session.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

/// JSON as it is printed: what a terminal would obey (a control character, a turn of direction) stands
/// there as an escape, and is read back as it was.
pub fn printed(value: &Value) -> String {
    let mut out = String::new();
    for letter in value.to_string().chars() {
        if letter.is_control() || turns(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// What is private of all ways: questions that are, and what answers them.
fn private(session: &SessionDetail) -> HashSet<MessageId> {
    let mut private = HashSet::new();
    // A message comes after the one it follows.
    for kept in &session.messages {
        let is = match kept.message.role {
            Role::User => is_private(&kept.tags),
            Role::System | Role::Assistant | Role::Tool => {
                kept.parent.is_some_and(|parent| private.contains(&parent))
            }
        };
        if is {
            private.insert(kept.id);
        }
    }
    private
}

fn message(
    kept: &KeptMessage,
    private: bool,
    figures: &BTreeMap<RequestId, AnswerFigures>,
) -> Value {
    let took = kept.request.filter(|_| kept.message.role == Role::Assistant);
    let took = took.and_then(|request| figures.get(&request)).map(|took| {
        json!({
            "cost_usd": took.cost.amount.to_string(),
            "cost_exact": took.cost.exact,
            "paid_in_another_chat": took.copied,
            "usage": took.usage,
            "wait_ms": took.wait_ms,
            "ttft_ms": took.ttft_ms,
            "total_ms": (kept.finish.as_deref() != Some(INTERRUPTED)).then_some(took.total_ms),
            "cached": took.cached,
        })
    });
    json!({
        "id": kept.id.to_string(),
        "parent": kept.parent.map(|id| id.to_string()),
        "role": kept.message.role,
        "at": kept.at,
        "text": kept.message.plain(),
        "parts": kept.message.parts,
        "request_id": kept.request.map(|id| id.to_string()),
        "model": kept.model,
        "provider": kept.provider,
        "finish": kept.finish,
        "seams": kept.seams,
        "took": took,
        "tags": kept.tags,
        "private": private,
        "heard": kept.heard,
    })
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
