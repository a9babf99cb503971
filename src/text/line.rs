//! Lines of spans that carry meanings instead of colours.
//!
//! Owns: the shape every renderer here produces and every view draws. Must not know: themes,
//! terminals. Invariant: a line holds no line break; equal neighbours are one span.

use super::highlight::TokenKind;
use super::width::width;

/// What a piece of text is. The theme decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Running text.
    #[default]
    Body,
    /// Inline code, its backticks included.
    Code,
    /// A heading of level 1 to 6.
    Heading(u8),
    /// Running text inside a block quote.
    Quote,
    /// The bar before each line of a block quote.
    QuoteMark,
    /// The title line of a call-out such as "Note".
    Callout,
    /// The text of a link, or the alternative text of an image.
    Link,
    /// Where a link goes, shown after its text.
    LinkUrl,
    /// A thematic break.
    Rule,
    /// A bullet, a number or a task box.
    ListMarker,
    /// A cell of a table's header row.
    TableHead,
    /// The rule under a table's header row, or between its records when they are stacked.
    TableRule,
    /// The rules above and below a code block.
    CodeRule,
    /// The language named in a code block's upper rule.
    CodeLang,
    /// The number and key hint in a code block's upper rule.
    CodeTag,
    /// The mark that says a code line goes on from the row above.
    CodeWrap,
    /// A token of a code block.
    CodeToken(TokenKind),
    /// A formula, as written.
    Math,
    /// HTML, as written.
    Html,
}

/// A meaning, and the emphasis the author put on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TextStyle {
    /// What it is.
    pub role: Role,
    /// `**strong**`.
    pub strong: bool,
    /// `*emphasis*`.
    pub emphasis: bool,
    /// `~~struck out~~`.
    pub strike: bool,
}

impl TextStyle {
    /// Running text without emphasis.
    pub const BODY: Self = Self::of(Role::Body);

    /// A meaning without emphasis.
    pub const fn of(role: Role) -> Self {
        Self { role, strong: false, emphasis: false, strike: false }
    }
}

impl From<Role> for TextStyle {
    fn from(role: Role) -> Self {
        Self::of(role)
    }
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The characters; no line breaks, tabs or control characters.
    pub text: String,
    /// What they mean.
    pub style: TextStyle,
}

impl Span {
    /// A span of some meaning.
    pub fn new(text: impl Into<String>, style: impl Into<TextStyle>) -> Self {
        Self { text: text.into(), style: style.into() }
    }
}

/// One row of cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Left to right.
    pub spans: Vec<Span>,
}

impl Line {
    /// A row without anything on it.
    pub const fn blank() -> Self {
        Self { spans: Vec::new() }
    }

    /// A row of one span; blank when the text is empty.
    pub fn of(text: impl Into<String>, style: impl Into<TextStyle>) -> Self {
        let mut line = Self::blank();
        line.push(Span::new(text, style));
        line
    }

    /// Appends a span, joining it to the last one when the style is the same.
    pub fn push(&mut self, span: Span) {
        if span.text.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.style == span.style => last.text.push_str(&span.text),
            _ => self.spans.push(span),
        }
    }

    /// Appends borrowed text, joining it to the last span when the style is the same.
    pub fn push_str(&mut self, text: &str, style: TextStyle) {
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.style == style => last.text.push_str(text),
            _ => self.spans.push(Span { text: text.to_owned(), style }),
        }
    }

    /// Cells the row takes, counted as the terminal backend counts them: span by span.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| width(&span.text)).sum()
    }

    /// The characters without their styles.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Drops spaces at the end of the row.
    pub(super) fn trim_end(&mut self) {
        while let Some(last) = self.spans.last_mut() {
            let kept = last.text.trim_end_matches(' ').len();
            last.text.truncate(kept);
            if kept > 0 {
                return;
            }
            self.spans.pop();
        }
    }
}
