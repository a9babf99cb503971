//! Is an answer whole? A pure judgement from how it ended, what was spent on it, and how its text
//! stands there.
//!
//! Owns: the evidence and what it weighs. Must not know: what is done about it. Invariants: a finish
//! reason that says so is enough; where the provider says the model was done, two independent pieces
//! of evidence are needed, because a false alarm costs a second answer; nothing is suspected after
//! one of the caller's own stop texts.

use crate::domain::{Evidence, Finish, ToolCallParts, Usage, Verdict};

/// How an answer ended.
#[derive(Debug, Clone)]
pub(super) struct Ended<'a> {
    pub(super) finish: Finish,
    /// The provider's own word for it.
    pub(super) raw: &'a str,
    /// The whole text the reader has.
    pub(super) text: &'a str,
    pub(super) tool_calls: &'a [ToolCallParts],
    /// This attempt's tokens as the provider reported them.
    pub(super) usage: Option<Usage>,
    /// The cap that was sent.
    pub(super) cap: u64,
    /// The model's window; 0 when unknown.
    pub(super) window: u64,
    /// The caller named stop texts.
    pub(super) stops: Stops,
    /// The caller asked for JSON.
    pub(super) wants: Wants,
}

/// Whether one of the caller's stop texts may have ended the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stops {
    None,
    Possible,
}

/// The form that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Text,
    Json,
}

/// Judges an answer.
pub(super) fn judge(ended: &Ended<'_>) -> Verdict {
    let mut evidence = Vec::new();
    let said_so = ended.finish == Finish::Length;
    if said_so {
        let raw = if ended.raw.is_empty() { "length" } else { ended.raw };
        evidence.push(Evidence::FinishReason(raw.to_owned()));
    }
    if let Some(usage) = ended.usage.filter(|usage| !usage.estimated) {
        if ended.cap > 0 && usage.output >= ended.cap {
            evidence.push(Evidence::AtCap);
        }
        if ended.window > 0 && usage.input + usage.output >= ended.window {
            evidence.push(Evidence::WindowFull);
        }
    }
    let cut_call = ended.tool_calls.iter().any(|call| is_cut_json(&call.arguments));
    let cut_json = ended.wants == Wants::Json && is_cut_json(ended.text);
    if cut_call || cut_json {
        evidence.push(Evidence::OpenJson);
    } else if ended.wants == Wants::Text {
        evidence.extend(standing(ended.text));
    }
    let done = match ended.finish {
        Finish::Stop => ended.stops == Stops::None,
        Finish::ToolCalls | Finish::Length => true,
        Finish::ContentFilter | Finish::Truncated | Finish::Cancelled | Finish::Error => false,
    };
    // JSON either ends or it does not: that alone is as good as two.
    let weight = evidence.len() + usize::from(cut_call || cut_json);
    let (truncated, confidence) = match (said_so, weight) {
        (true, _) => (true, 1.0),
        (false, 0) => (false, 0.0),
        (false, 1) => (false, 0.4),
        (false, 2) => (done, 0.9),
        (false, _) => (done, 0.97),
    };
    Verdict { truncated, confidence, evidence }
}

/// Does this text break off within its JSON?
fn is_cut_json(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("```json").unwrap_or(text).trim_start();
    let begins = text.starts_with(['{', '[']);
    begins
        && serde_json::Deserializer::from_str(text)
            .into_iter::<serde::de::IgnoredAny>()
            .next()
            .is_some_and(|read| read.is_err_and(|error| error.is_eof()))
}

/// What the way a Markdown text stands there says: at most one piece about its structure and one about
/// its last words.
fn standing(text: &str) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if let Some(code) = open_fence(text) {
        evidence.push(Evidence::OpenFence);
        if inside_brackets(code.text) || mid_statement(&code) {
            evidence.push(Evidence::MidCode);
        }
        return evidence;
    }
    let Some(last) = last_paragraph(text) else { return evidence };
    if ends_midway(last, text) {
        if open_mark(last) {
            evidence.push(Evidence::OpenMark);
        }
        evidence.push(Evidence::MidSentence);
    }
    evidence
}

/// A fence that was left open.
#[derive(Debug, PartialEq, Eq)]
struct Code<'a> {
    language: &'a str,
    text: &'a str,
}

/// Languages whose statements end with a mark.
const MARKED: &[&str] = &[
    "rust",
    "rs",
    "c",
    "h",
    "cpp",
    "c++",
    "cc",
    "java",
    "javascript",
    "js",
    "typescript",
    "ts",
    "jsx",
    "tsx",
    "csharp",
    "cs",
    "c#",
    "php",
    "css",
    "scss",
    "sql",
    "dart",
    "zig",
];

/// Does the code stop in the middle of a statement? Where statements end with a mark, a line may not end
/// in a word. In other languages it may, but a block of several lines that its model means to end has a
/// line end there: only a lone command is left open like that by a model that was done.
fn mid_statement(code: &Code<'_>) -> bool {
    let last = code.text.trim_end_matches([' ', '\t']);
    let Some(end) = last.chars().next_back() else { return false };
    let marked = MARKED.contains(&code.language.to_ascii_lowercase().as_str());
    // No full stop: behind a fence that only seems open there may be prose.
    let open = matches!(end, '=' | '+' | '-' | '*' | '/' | '&' | '|' | ',' | '<' | '(' | '[');
    let line = last.rsplit('\n').next().unwrap_or_default().trim_start();
    let comment = ["//", "#", "--", "*"].iter().any(|mark| line.starts_with(mark));
    let several = last.trim_start_matches('\n').contains('\n');
    let in_word = end.is_alphanumeric() || end == '_';
    !comment && (open || ((marked || several) && in_word))
}

/// The code of a fence that was left open.
fn open_fence(text: &str) -> Option<Code<'_>> {
    let mut open: Option<(char, usize, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let inner = line.trim_start_matches([' ', '>']);
        let Some(mark) = inner.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let length = inner.chars().take_while(|c| *c == mark).count();
        if length < 3 {
            continue;
        }
        let rest = inner.trim_end()[length..].trim();
        match open {
            None if mark == '~' || !rest.contains('`') => open = Some((mark, length, start)),
            Some((kind, least, _)) if kind == mark && length >= least && rest.is_empty() => {
                open = None;
            }
            None | Some(_) => {}
        }
    }
    let (_, _, start) = open?;
    let (head, code) = text[start..].split_once('\n').unwrap_or((&text[start..], ""));
    let language = head.trim_matches([' ', '>', '`', '~', '\r']);
    Some(Code { language: language.split_whitespace().next().unwrap_or_default(), text: code })
}

/// Do brackets stand open at the end of this code? Strings and comments are skipped as far as most
/// languages agree on them.
fn inside_brackets(code: &str) -> bool {
    let mut depth = 0u32;
    let mut quote: Option<char> = None;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(mark), _) if c == mark => quote = None,
            (Some(_), '\n') => quote = None,
            (Some(_), _) => {}
            (None, '"') => quote = Some(c),
            // An apostrophe opens a string only if another closes it on its line.
            (None, '\'') if chars.clone().take_while(|next| *next != '\n').any(|n| n == '\'') => {
                quote = Some(c);
            }
            (None, '#' | '/') if c == '#' || chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|next| *next != '\n') {
                    chars.next();
                }
            }
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    depth > 0
}

/// The last paragraph, where it is prose: no list, heading, table, quote or indented code.
fn last_paragraph(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let start = text.rfind("\n\n").map_or(0, |at| at + 2);
    let last = text[start..].trim_start_matches('\n');
    let first_char = last.chars().next()?;
    let numbered = last.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')'])
        && first_char.is_ascii_digit();
    let block = matches!(first_char, '#' | '|' | '>' | '+' | '`' | '~' | '<')
        || last.starts_with("- ")
        || last.starts_with("* ")
        || last.starts_with("    ")
        || numbered;
    (!block).then_some(last)
}

/// Marks a sentence ends with, and what may stand behind them.
const ENDS: &[char] = &['.', '!', '?', '…', ':', ';', '。', '！', '？', '：', '；', '।', '؟', '۔'];
const CLOSERS: &[char] =
    &['"', '\'', ')', ']', '*', '_', '`', '”', '’', '»', '」', '』', '）', '】', '|'];

/// Does the last paragraph break off in the middle of a sentence? Only where the text is made of
/// sentences, and only where the paragraph is not made of lines (verse, addresses).
fn ends_midway(last: &str, text: &str) -> bool {
    let bare = last.trim_end_matches(CLOSERS);
    let Some(end) = bare.chars().next_back() else { return false };
    if ENDS.contains(&end) || last.lines().count() > 3 {
        return false;
    }
    if !(end.is_alphanumeric() || matches!(end, ',' | '，' | '、' | '-' | '–' | '—' | '(' | '（'))
    {
        return false;
    }
    let sentences = text.matches(|c: char| ENDS.contains(&c)).count();
    let words =
        last.split_whitespace().count().max(last.chars().filter(|c| !c.is_ascii()).count() / 2);
    sentences >= 2 && words >= 4
}

/// Was emphasis, inline code or a parenthesis left open in this paragraph?
fn open_mark(last: &str) -> bool {
    let odd = |mark: &str| last.matches(mark).count() % 2 == 1;
    let open = |left: char, right: char| last.matches(left).count() > last.matches(right).count();
    odd("**") || odd("`") || open('(', ')') || open('[', ']') || open('（', '）')
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
