//! Reads a line of tags and text: HTML, XML.
//!
//! Owns: tags, attributes, comments. Must not know: scripts and styles inside. Invariant: every step
//! moves forward by at least one character.

use super::lexer::span_of;
use super::{State, TokenKind, Tokens};

pub(super) fn line(state: &mut State, line: &str, tokens: &mut Tokens<'_>) {
    let mut at = 0;
    while at < line.len() {
        at = match *state {
            State::Comment(_) => comment(state, line, at, tokens),
            State::Tag | State::Text(_) | State::Raw(_) => tag(state, line, at, tokens),
            State::Code => text(state, line, at, tokens),
        };
    }
}

fn comment(state: &mut State, line: &str, at: usize, tokens: &mut Tokens<'_>) -> usize {
    let close = line[at..].find("-->").map(|close| at + close + 3);
    if close.is_some() {
        *state = State::Code;
    }
    let end = close.unwrap_or(line.len());
    tokens.push(end, TokenKind::Comment);
    end
}

fn text(state: &mut State, line: &str, at: usize, tokens: &mut Tokens<'_>) -> usize {
    let rest = &line[at..];
    if rest.starts_with("<!--") {
        *state = State::Comment(1);
        return comment(state, line, at, tokens);
    }
    let opens = |c: char| c.is_alphabetic() || matches!(c, '/' | '!' | '?');
    if rest.starts_with('<') && rest[1..].starts_with(opens) {
        let marks = 1 + span_of(&rest[1..], |c| matches!(c, '/' | '!' | '?'));
        tokens.push(at + marks, TokenKind::Punctuation);
        let name = span_of(&rest[marks..], |c| c.is_alphanumeric() || "-:_.".contains(c));
        tokens.push(at + marks + name, TokenKind::Keyword);
        *state = State::Tag;
        return at + marks + name;
    }
    if rest.starts_with('&')
        && let Some(end) = rest.find(';')
        && end < 12
    {
        tokens.push(at + end + 1, TokenKind::Constant);
        return at + end + 1;
    }
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let plain = first + span_of(&rest[first..], |c| c != '<' && c != '&');
    tokens.push(at + plain, TokenKind::Plain);
    at + plain
}

fn tag(state: &mut State, line: &str, at: usize, tokens: &mut Tokens<'_>) -> usize {
    let rest = &line[at..];
    match rest.chars().next() {
        Some('>') => {
            *state = State::Code;
            tokens.push(at + 1, TokenKind::Punctuation);
            at + 1
        }
        Some(mark @ ('"' | '\'')) => {
            let end = rest[1..].find(mark).map_or(line.len(), |close| at + close + 2);
            tokens.push(end, TokenKind::Text);
            end
        }
        Some(c) if c.is_alphanumeric() || "@:_#".contains(c) => {
            let end = at + span_of(rest, |c| c.is_alphanumeric() || "@:_-.#".contains(c));
            tokens.push(end, TokenKind::Attribute);
            end
        }
        Some(c) if c.is_whitespace() => {
            tokens.push(at + c.len_utf8(), TokenKind::Plain);
            at + c.len_utf8()
        }
        Some(c) => {
            tokens.push(at + c.len_utf8(), TokenKind::Punctuation);
            at + c.len_utf8()
        }
        None => line.len(),
    }
}
