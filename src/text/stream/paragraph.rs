//! A paragraph at the end of the text that goes on without markup.
//!
//! Owns: its last row. Must not know: other blocks, Markdown beyond which characters are none of its
//! business. Invariant: text is only taken where the whole paragraph, parsed again, would end with
//! the same text and be the same before it.

use super::Growth;
use crate::text::line::TextStyle;
use crate::text::markdown::{Paragraph, Rendered};
use crate::text::wrap::{Context, Cut, Flow, Indent, wrap_from};

/// The last row of a paragraph, and what it may take.
#[derive(Debug, Clone)]
pub(super) struct OpenParagraph {
    /// The text of the last row.
    flow: Flow,
    /// What was read before it.
    context: Context,
    /// Its place among the rows.
    row: usize,
}

impl OpenParagraph {
    /// The paragraph that `tail` ends with, if its last line can no longer turn into another block.
    pub(super) fn new(paragraph: Paragraph, tail: &str, out: &Rendered) -> Option<Self> {
        let text = tail.trim_end_matches(' ');
        if text.ends_with('\t') {
            return None;
        }
        let line = tail[tail.rfind('\n').map_or(0, |at| at + 1)..].trim_start();
        if line.starts_with(['<', '[', '|']) || !line.contains(char::is_alphabetic) {
            return None;
        }
        let mut open = Self {
            flow: paragraph.flow,
            context: paragraph.last.context,
            row: out.lines.len().checked_sub(1)?,
        };
        open.flow.drop_before(paragraph.last.start);
        // The parser drops spaces at the end, but words will follow them.
        open.flow.push(&tail[text.len()..], TextStyle::BODY);
        Some(open)
    }

    /// Draws the source from byte `from` on, if it is text without markup.
    pub(super) fn extend(
        &mut self,
        source: &str,
        from: usize,
        width: usize,
        out: &mut Rendered,
        work: &mut usize,
    ) -> Growth {
        let (before, text) = source.split_at(from);
        if !before.ends_with(inert) || !text.chars().all(inert) {
            return Growth::Refused;
        }
        self.flow.push(text, TextStyle::BODY);
        *work += self.flow.text().len();
        out.lines.truncate(self.row);
        let indent = Indent::default();
        let last = wrap_from(&self.flow, self.context, width, &indent, Cut::Words, &mut out.lines);
        let Some(last) = last else { return Growth::Refused };
        self.flow.drop_before(last.start);
        self.context = last.context;
        self.row = out.lines.len().saturating_sub(1);
        Growth::Grown
    }
}

/// Characters that neither begin, end nor change markup when they follow one another.
const fn inert(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | ',' | '.' | ':' | '?' | '!' | '-' | '/' | '+'
        | '%' | '(' | '\'' | '"' | '\u{a1}'..)
}
