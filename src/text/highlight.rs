//! Code to tokens, line by line.
//!
//! Owns: what the tokens of a line of code are, from a table of languages. Must not know: colours,
//! Markdown, wrapping. Invariants: the tokens of a line cover it exactly; the cost is linear in the
//! line; the state carried from line to line is small and `Copy`, so that a block that is still
//! arriving is highlighted as it grows.
//!
//! This is a lexer, not a parser: it knows comments, strings, numbers, keywords and names. Grammar
//! engines know more, at tens of megabytes and milliseconds per language, which a program that stays
//! open all day and must answer a key in one frame cannot spend.

mod keyed;
mod language;
mod languages;
mod lexer;
mod markup;

pub use language::Language;

use language::Shape;
use languages::LANGUAGES;

/// Lines longer than this many bytes stay plain: minified code gains nothing from colour.
const LINE_CAP: usize = 2048;

/// What a token of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TokenKind {
    /// Names and everything else.
    #[default]
    Plain,
    /// A word of the language.
    Keyword,
    /// A type, or a name written like one.
    Type,
    /// A name that is called.
    Function,
    /// A string or character.
    Text,
    /// A number.
    Number,
    /// `true`, `null` and their like.
    Constant,
    /// A comment.
    Comment,
    /// A key, attribute, decorator, directive or variable sigil.
    Attribute,
    /// Operators and brackets.
    Punctuation,
    /// A line added by a patch.
    Inserted,
    /// A line removed by a patch.
    Deleted,
}

/// What is still open at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Code,
    /// A block comment, and how many are open.
    Comment(u8),
    /// A string of the language's n-th rule.
    Text(u8),
    /// A raw string closed by a quote and so many hashes.
    Raw(u8),
    /// Inside a tag of a markup language.
    Tag,
}

/// A token: where it ends in its line, and what it is. It begins where the one before it ends.
pub(super) type Token = (usize, TokenKind);

/// Highlights the lines of one block in order.
#[derive(Debug, Clone, Copy)]
pub struct Highlighter {
    language: &'static Language,
    state: State,
}

impl Highlighter {
    /// One at the start of a block.
    pub const fn new(language: &'static Language) -> Self {
        Self { language, state: State::Code }
    }

    /// Replaces `out` by the tokens of the next line, which must not hold a line break.
    pub fn line(&mut self, line: &str, out: &mut Vec<(usize, TokenKind)>) {
        out.clear();
        if line.len() > LINE_CAP {
            out.push((line.len(), TokenKind::Plain));
            return;
        }
        let mut tokens = Tokens { out, at: 0 };
        match self.language.shape {
            Shape::Code => lexer::line(self.language, &mut self.state, line, &mut tokens),
            Shape::Keyed(separator) => {
                keyed::line(self.language, separator, &mut self.state, line, &mut tokens);
            }
            Shape::Markup => markup::line(&mut self.state, line, &mut tokens),
            Shape::Patch => tokens.push(line.len(), patch(line)),
        }
        tokens.push(line.len(), TokenKind::Plain);
    }
}

/// The language a fence names, if it is known here.
pub fn language(name: &str) -> Option<&'static Language> {
    LANGUAGES
        .iter()
        .find(|language| language.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn patch(line: &str) -> TokenKind {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => TokenKind::Keyword,
        [b'+' | b'>', ..] => TokenKind::Inserted,
        [b'-' | b'<', ..] => TokenKind::Deleted,
        [b'@', ..] => TokenKind::Attribute,
        [b' ', ..] | [] => TokenKind::Plain,
        _ if line.starts_with("diff ") || line.starts_with("index ") => TokenKind::Keyword,
        _ => TokenKind::Plain,
    }
}

/// The tokens of a line so far; joins neighbours of one kind.
struct Tokens<'a> {
    out: &'a mut Vec<Token>,
    at: usize,
}

impl Tokens<'_> {
    fn push(&mut self, end: usize, kind: TokenKind) {
        if end <= self.at {
            return;
        }
        self.at = end;
        match self.out.last_mut() {
            Some(last) if last.1 == kind => last.0 = end,
            _ => self.out.push((end, kind)),
        }
    }
}

#[cfg(test)]
#[path = "highlight_tests.rs"]
mod tests;
