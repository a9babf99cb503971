//! Markdown to rows of meaning-styled spans.
//!
//! Owns: how each construct is drawn, and the numbering of code blocks. Must not know: colours,
//! streaming, where on the screen the rows go. Invariants: every row fits the width; every character
//! of code is shown; the rows of a top-level block depend only on that block, on the link
//! definitions, and on whether anything stands before it.

mod blocks;
mod code;
mod inline;
mod table;
mod walker;

use std::sync::Arc;

pub(super) use blocks::{Mark, Paragraph, Start, walk};
pub(super) use code::{CodeRows, Fence};

use super::line::Line;
use super::sanitize::{Tabs, sanitize_with};

/// The shapes that are drawn, so that a terminal without them can have others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Before an item of an unordered list.
    pub bullet: &'static str,
    /// Repeated to make a horizontal rule; one cell.
    pub rule: &'static str,
    /// Before each line of a quote.
    pub quote: &'static str,
    /// Before a code line that goes on from the row above; one cell.
    pub wrap: &'static str,
}

impl Glyphs {
    /// Line-drawing characters.
    pub const UNICODE: Self = Self { bullet: "•", rule: "─", quote: "│", wrap: "↳" };
    /// For terminals that draw the others two cells wide, or not at all.
    pub const ASCII: Self = Self { bullet: "-", rule: "-", quote: "|", wrap: ">" };
}

impl Default for Glyphs {
    fn default() -> Self {
        Self::UNICODE
    }
}

/// What a reader may choose about a render.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderOptions {
    /// The shapes to draw with.
    pub glyphs: Glyphs,
    /// Shown after the number of a code block, `{n}` standing for the number: `"y{n} copy"`.
    pub code_hint: Option<Arc<str>>,
    /// Code blocks shown before these: numbers go on from there, round from 1 to 9, so that one
    /// digit always names one of the newest nine.
    pub first_block: usize,
}

/// A code block, for copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// The language its fence names; empty if none.
    pub lang: String,
    /// The code as it was sent, without a last line break.
    pub text: String,
    /// The row of its upper rule.
    pub line: usize,
}

/// A whole message as rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// Top to bottom; the height is their number.
    pub lines: Vec<Line>,
    /// In order; block `n` on screen is at `n - 1`.
    pub code_blocks: Vec<CodeBlock>,
}

/// Renders a whole message. The source may be untrusted. Widths below one count as one.
pub fn render(source: &str, width: u16, options: &RenderOptions) -> Rendered {
    let source = sanitize_with(source, Tabs::Keep);
    let mut rendered = Rendered::default();
    walk(&source, Start::default(), usize::from(width.max(1)), options, &mut rendered);
    rendered
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
