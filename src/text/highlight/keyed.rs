//! Reads a line of a key, a separator and a value: TOML, YAML, INI.
//!
//! Owns: finding the key. Must not know: how values are read beyond handing them to the scanner.
//! Invariant: a line without a key is read as a value.

use super::language::Language;
use super::lexer::{code, line as code_line, span_of};
use super::{State, TokenKind, Tokens};

pub(super) fn line(
    language: &Language,
    separator: char,
    state: &mut State,
    line: &str,
    tokens: &mut Tokens<'_>,
) {
    if *state != State::Code {
        code_line(language, state, line, tokens);
        return;
    }
    // Indentation and the dashes of list items.
    let start = span_of(line, |c| c == ' ');
    let dashes = match separator {
        ':' if line[start..].starts_with("- ") => span_of(&line[start..], |c| c == '-' || c == ' '),
        _ => 0,
    };
    tokens.push(start, TokenKind::Plain);
    tokens.push(start + dashes, TokenKind::Punctuation);
    let from = start + dashes;
    let rest = &line[from..];
    if rest.starts_with('[') && separator == '=' && rest.trim_end().ends_with(']') {
        tokens.push(line.len(), TokenKind::Type);
        return;
    }
    let key = key_len(rest, separator);
    if key > 0 {
        tokens.push(from + key, TokenKind::Attribute);
    }
    code(language, state, line, from + key, tokens);
}

/// Bytes of the key at the start of a line; 0 if there is none.
fn key_len(rest: &str, separator: char) -> usize {
    let quoted = match rest.chars().next() {
        Some(mark @ ('"' | '\'')) => rest[1..].find(mark).map_or(0, |close| close + 2),
        _ => 0,
    };
    let Some(found) = rest[quoted..].find([separator, '#', '"', '\'', '{', '[', ',']) else {
        return 0;
    };
    let at = quoted + found;
    let after = &rest[at..];
    let separates = after.starts_with(separator)
        && (separator != ':' || after.len() == 1 || after[1..].starts_with(' '));
    if separates { rest[..at].trim_end().len() } else { 0 }
}
