//! Reads a line of words, strings and comments.
//!
//! Owns: the scanner for languages of [`Shape::Code`](super::Shape) and for values of keyed ones.
//! Must not know: any language but by its row. Invariant: every step moves forward by at least one
//! character.

use super::language::{Escape, Language, Quote, Span, Trait};
use super::{State, TokenKind, Tokens};

pub(super) fn line(language: &Language, state: &mut State, line: &str, tokens: &mut Tokens<'_>) {
    let mut at = resume(language, state, line, tokens);
    if at == 0 && language.has(Trait::Directives) && line.trim_start().starts_with('#') {
        at = line.len() - line.trim_start().len() + 1;
        at += span_of(&line[at..], |c| c.is_ascii_alphabetic() || c == ' ');
        tokens.push(at, TokenKind::Attribute);
    }
    code(language, state, line, at, tokens);
}

/// Finishes what the line before left open; returns where code begins.
fn resume(language: &Language, state: &mut State, line: &str, tokens: &mut Tokens<'_>) -> usize {
    match *state {
        State::Code | State::Tag => 0,
        State::Comment(depth) => comment(language, state, line, 0, depth, tokens),
        State::Text(rule) => match language.quotes.get(usize::from(rule)) {
            Some(quote) => text(*quote, rule, state, line, 0, tokens),
            None => 0,
        },
        State::Raw(hashes) => raw(hashes, state, line, 0, tokens),
    }
}

/// Reads code from `at` to the end of the line.
pub(super) fn code(
    language: &Language,
    state: &mut State,
    line: &str,
    from: usize,
    tokens: &mut Tokens<'_>,
) {
    let mut at = from;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            tokens.push(at, TokenKind::Plain);
            continue;
        }
        if let Some((open, _)) = language.block_comment
            && rest.starts_with(open)
        {
            at = comment(language, state, line, at + open.len(), 1, tokens);
            continue;
        }
        if language.line_comments.iter().any(|mark| {
            rest.starts_with(mark)
                && (!language.has(Trait::SpacedHash)
                    || !line[..at].ends_with(|c: char| !c.is_whitespace()))
        }) {
            tokens.push(line.len(), TokenKind::Comment);
            return;
        }
        if let Some(next) = special(language, state, line, at, tokens) {
            at = next;
            continue;
        }
        if let Some((rule, quote)) = opens(language, rest) {
            at = text(quote, rule, state, line, at + quote.open.len(), tokens);
            if language.has(Trait::ColonKeys) && line[at..].trim_start().starts_with(':') {
                recolour(tokens, TokenKind::Attribute);
            }
            continue;
        }
        if c.is_ascii_digit() {
            at += number(rest);
            tokens.push(at, TokenKind::Number);
            continue;
        }
        if starts_name(c) {
            at = name(language, state, line, at, tokens);
            continue;
        }
        at += c.len_utf8();
        tokens.push(at, TokenKind::Punctuation);
    }
}

fn opens(language: &Language, rest: &str) -> Option<(u8, Quote)> {
    let found = language.quotes.iter().position(|quote| rest.starts_with(quote.open))?;
    Some((found as u8, language.quotes[found]))
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Bytes at the start of a text for which the test holds.
pub(super) fn span_of(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}

fn name_len(language: &Language, text: &str) -> usize {
    let dashes = language.has(Trait::DashedNames);
    span_of(text, |c| c.is_alphanumeric() || c == '_' || (dashes && c == '-'))
}

fn number(text: &str) -> usize {
    let mut end = 0;
    let bytes = text.as_bytes();
    while let Some(&b) = bytes.get(end) {
        let digit_after = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let exponent = end > 0 && matches!(bytes[end - 1], b'e' | b'E') && !text.starts_with("0x");
        match b {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => end += 1,
            b'.' if digit_after => end += 1,
            b'+' | b'-' if exponent && digit_after => end += 1,
            _ => break,
        }
    }
    end.max(1)
}

fn name(
    language: &Language,
    state: &mut State,
    line: &str,
    at: usize,
    tokens: &mut Tokens<'_>,
) -> usize {
    let end = at + name_len(language, &line[at..]).max(1);
    let end = if line.is_char_boundary(end) { end } else { line.len() };
    let word = &line[at..end];
    let rest = &line[end..];
    // Prefixed strings: f"…", b'…', rb"…".
    if word.len() <= 2
        && word.bytes().all(|b| b"rRbBfFuU".contains(&b))
        && let Some((rule, quote)) = opens(language, rest)
        && quote.open != "`"
    {
        return text(quote, rule, state, line, end + quote.open.len(), tokens);
    }
    let kind = classify(language, word, rest);
    if kind == TokenKind::Function && rest.starts_with('!') {
        tokens.push(end + 1, kind);
        return end + 1;
    }
    tokens.push(end, kind);
    end
}

fn classify(language: &Language, word: &str, rest: &str) -> TokenKind {
    let any_case = language.has(Trait::AnyCase);
    let listed = |words: &[&str]| {
        words.iter().any(|known| {
            known.len() == word.len()
                && (*known == word || any_case && known.eq_ignore_ascii_case(word))
        })
    };
    if language.has(Trait::ColonKeys) && rest.trim_start().starts_with(':') {
        return TokenKind::Attribute;
    }
    if listed(language.keywords) {
        return TokenKind::Keyword;
    }
    if listed(language.types) {
        return TokenKind::Type;
    }
    if listed(language.constants) {
        return TokenKind::Constant;
    }
    let call = rest.starts_with('(')
        || language.has(Trait::Rust)
            && (rest.starts_with("::<")
                || rest.starts_with("!(")
                || rest.starts_with("![")
                || rest.starts_with("! {"));
    if call {
        return TokenKind::Function;
    }
    if language.has(Trait::CapitalTypes) && word.starts_with(char::is_uppercase) {
        let shouts = word.len() > 1 && !word.contains(char::is_lowercase);
        return if shouts { TokenKind::Constant } else { TokenKind::Type };
    }
    TokenKind::Plain
}

/// What only some languages have. Returns where to go on if something was read.
fn special(
    language: &Language,
    state: &mut State,
    line: &str,
    at: usize,
    tokens: &mut Tokens<'_>,
) -> Option<usize> {
    let rest = &line[at..];
    let mut chars = rest.chars();
    let (first, second) = (chars.next()?, chars.next());
    match first {
        '\'' if language.has(Trait::Rust) => Some(rust_quote(line, at, tokens)),
        'r' | 'b' if language.has(Trait::Rust) => {
            let marks = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
            let hashes = span_of(marks, |c| c == '#');
            if !marks[hashes..].starts_with('"') {
                return None;
            }
            let open = rest.len() - marks.len() + hashes + 1;
            Some(raw(hashes.min(255) as u8, state, line, at + open, tokens))
        }
        '#' if language.has(Trait::Rust) && matches!(second, Some('[' | '!')) => {
            let end = rest.find(']').map_or(line.len(), |close| at + close + 1);
            tokens.push(end, TokenKind::Attribute);
            Some(end)
        }
        '#' if language.has(Trait::ColonKeys) && second.is_some_and(|c| c.is_ascii_hexdigit()) => {
            let end = at + 1 + name_len(language, &rest[1..]);
            tokens.push(end, TokenKind::Number);
            Some(end)
        }
        '@' if language.has(Trait::Decorators) && second.is_some_and(starts_name) => {
            let end = at + 1 + span_of(&rest[1..], |c| c.is_alphanumeric() || "_.-".contains(c));
            tokens.push(end, TokenKind::Attribute);
            Some(end)
        }
        ':' if language.has(Trait::Symbols)
            && second.is_some_and(starts_name)
            && !line[..at].ends_with([':', ')'])
            && !line[..at].ends_with(char::is_alphanumeric) =>
        {
            let end = at + 1 + name_len(language, &rest[1..]);
            tokens.push(end, TokenKind::Constant);
            Some(end)
        }
        '$' if language.has(Trait::Dollars) => {
            let end = match second {
                Some('{') => rest.find('}').map_or(line.len(), |close| at + close + 1),
                Some(c) if starts_name(c) => {
                    at + 1 + span_of(&rest[1..], |c| c.is_alphanumeric() || c == '_')
                }
                Some(c) if "?@#*!$-".contains(c) || c.is_ascii_digit() => at + 1 + c.len_utf8(),
                _ => return None,
            };
            tokens.push(end, TokenKind::Attribute);
            Some(end)
        }
        _ => None,
    }
}

/// A character, or a lifetime.
fn rust_quote(line: &str, at: usize, tokens: &mut Tokens<'_>) -> usize {
    let inside = &line[at + 1..];
    let first = inside.chars().next();
    let close = match first {
        Some('\\') => {
            inside[1..].char_indices().skip(1).find(|(_, c)| *c == '\'').map(|(i, _)| i + 1)
        }
        Some(c) if inside[c.len_utf8()..].starts_with('\'') => Some(c.len_utf8()),
        _ => None,
    };
    if let Some(close) = close {
        let end = at + 1 + close + 1;
        tokens.push(end, TokenKind::Text);
        return end;
    }
    let end = at + 1 + span_of(inside, |c| c.is_alphanumeric() || c == '_');
    tokens.push(end, TokenKind::Attribute);
    end
}

/// The rest of a string from `from`; leaves the state open if it goes on in the next line.
fn text(
    quote: Quote,
    rule: u8,
    state: &mut State,
    line: &str,
    from: usize,
    tokens: &mut Tokens<'_>,
) -> usize {
    let mut at = from;
    while let Some(c) = line[at..].chars().next() {
        if quote.escape == Escape::Backslash && c == '\\' {
            at += 1;
            at += line[at..].chars().next().map_or(0, char::len_utf8);
        } else if line[at..].starts_with(quote.close) {
            at += quote.close.len();
            *state = State::Code;
            tokens.push(at, TokenKind::Text);
            return at;
        } else {
            at += c.len_utf8();
        }
    }
    *state = if quote.span == Span::Lines { State::Text(rule) } else { State::Code };
    tokens.push(line.len(), TokenKind::Text);
    line.len()
}

/// The rest of a raw string that ends with a quote and so many hashes.
fn raw(hashes: u8, state: &mut State, line: &str, from: usize, tokens: &mut Tokens<'_>) -> usize {
    let ends = |at: &usize| span_of(&line[at + 1..], |c| c == '#') >= usize::from(hashes);
    let close = line[from..].match_indices('"').map(|(i, _)| from + i).find(ends);
    let end = close.map_or(line.len(), |at| at + 1 + usize::from(hashes));
    *state = if close.is_some() { State::Code } else { State::Raw(hashes) };
    tokens.push(end, TokenKind::Text);
    end
}

/// The rest of a block comment of which `depth` are open at `from`.
fn comment(
    language: &Language,
    state: &mut State,
    line: &str,
    from: usize,
    mut depth: u8,
    tokens: &mut Tokens<'_>,
) -> usize {
    let Some((open, close)) = language.block_comment else {
        *state = State::Code;
        return from;
    };
    let mut at = from;
    while let Some(c) = line[at..].chars().next() {
        if line[at..].starts_with(close) {
            at += close.len();
            depth -= 1;
            if depth == 0 {
                *state = State::Code;
                tokens.push(at, TokenKind::Comment);
                return at;
            }
        } else if language.has(Trait::NestedComments) && line[at..].starts_with(open) {
            at += open.len();
            depth = depth.saturating_add(1);
        } else {
            at += c.len_utf8();
        }
    }
    *state = State::Comment(depth);
    tokens.push(line.len(), TokenKind::Comment);
    line.len()
}

fn recolour(tokens: &mut Tokens<'_>, kind: TokenKind) {
    if let Some(last) = tokens.out.last_mut() {
        last.1 = kind;
    }
}
