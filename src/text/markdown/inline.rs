//! The inline content of a block as it is gathered.
//!
//! Owns: which emphasis, link or code a piece of text is in. Must not know: blocks, widths.
//! Invariant: what is pushed is harmless, also where the source wrote a control character as an
//! entity.

use pulldown_cmark::{Tag, TagEnd};

use crate::text::line::{Role, TextStyle};
use crate::text::sanitize::sanitize_piece;
use crate::text::wrap::Flow;

/// A link or image being gathered.
#[derive(Debug)]
struct Target {
    url: String,
    /// Where its text starts in the flow.
    start: usize,
}

/// Gathers inline events into a [`Flow`].
#[derive(Debug, Default)]
pub(super) struct Inline {
    pub(super) flow: Flow,
    strong: u16,
    emphasis: u16,
    strike: u16,
    targets: Vec<Target>,
}

impl Inline {
    fn style(&self, base: Role) -> TextStyle {
        TextStyle {
            role: if self.targets.is_empty() { base } else { Role::Link },
            strong: self.strong > 0,
            emphasis: self.emphasis > 0,
            strike: self.strike > 0,
        }
    }

    fn styled(&self, role: Role) -> TextStyle {
        TextStyle { role, ..self.style(role) }
    }

    /// Text as written; line breaks inside are spaces.
    pub(super) fn text(&mut self, text: &str, base: Role) {
        let style = self.style(base);
        self.push(text, style);
    }

    /// Text of a role that a link around it does not change.
    pub(super) fn piece(&mut self, before: &str, text: &str, after: &str, role: Role) {
        let style = self.styled(role);
        self.flow.push(before, style);
        self.push(text, style);
        self.flow.push(after, style);
    }

    fn push(&mut self, text: &str, style: TextStyle) {
        self.flow.push(&sanitize_piece(text), style);
    }

    /// HTML as written, but for `<br>`, which breaks the row.
    pub(super) fn html(&mut self, html: &str) {
        let name = html.trim_start_matches('<').trim_end_matches('>');
        if name.trim_end_matches('/').trim().eq_ignore_ascii_case("br") {
            self.line_break();
        } else {
            self.piece("", html, "", Role::Html);
        }
    }

    pub(super) fn line_break(&mut self) {
        self.flow.push("\n", TextStyle::BODY);
    }

    /// Takes a start tag if it is an inline one.
    pub(super) fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.targets.push(Target {
                    url: sanitize_piece(dest_url).into_owned(),
                    start: self.flow.text().len(),
                });
            }
            _ => {}
        }
    }

    /// Takes an end tag if it is an inline one. A link's address follows its text unless the text
    /// already says it.
    pub(super) fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strikethrough => self.strike = self.strike.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => {
                let Some(target) = self.targets.pop() else { return };
                let text = &self.flow.text()[target.start..];
                let url = target.url.trim_start_matches("mailto:");
                let said =
                    text == target.url || text.trim_end_matches('/') == url.trim_end_matches('/');
                if text.is_empty() {
                    let style = self.styled(Role::Link);
                    self.flow.push(&target.url, style);
                } else if !said && !url.is_empty() && !url.starts_with('#') {
                    let style = self.styled(Role::LinkUrl);
                    self.flow.push(" (", style);
                    self.flow.push(&target.url, style);
                    self.flow.push(")", style);
                }
            }
            _ => {}
        }
    }

    /// Forgets text and styles, for the next block.
    pub(super) fn clear(&mut self) {
        self.flow.clear();
        self.targets.clear();
        (self.strong, self.emphasis, self.strike) = (0, 0, 0);
    }
}
