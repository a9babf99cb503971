//! Lines of placed text, for panes that scroll.

use ratatui::layout::Rect;

use super::paint::{Ink, row};
use crate::console::theme::Token;
use crate::text::{self, Side};

/// Lines of text at columns.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    lines: Vec<Vec<(u16, String, Token)>>,
}

impl Sheet {
    /// Begins a new line.
    pub(super) fn line(&mut self) -> &mut Self {
        self.lines.push(Vec::new());
        self
    }

    /// Text at a column of the newest line.
    pub(super) fn at(&mut self, x: u16, text: impl Into<String>, token: Token) -> &mut Self {
        if let Some(line) = self.lines.last_mut() {
            line.push((x, text.into(), token));
        }
        self
    }

    /// Text that ends before a column.
    pub(super) fn to(&mut self, end: u16, text: &str, token: Token) -> &mut Self {
        self.at(end.saturating_sub(text::width(text) as u16), text, token)
    }

    /// Text cut or filled to so many cells.
    pub(super) fn cell(&mut self, x: u16, cells: u16, text: &str, token: Token) -> &mut Self {
        let cut = text::ellipsis(text, usize::from(cells));
        self.at(x, text::pad(&cut, usize::from(cells), Side::End), token)
    }

    /// A heading line.
    pub(super) fn heading(&mut self, text: &str) -> &mut Self {
        self.line().at(1, text, Token::Strong)
    }

    /// Text wrapped over as many lines as it needs.
    pub(super) fn wrapped(&mut self, x: u16, cells: u16, text: &str, token: Token) {
        let mut left = text;
        while !left.is_empty() {
            let mut cut = text::clip(left, usize::from(cells.max(8)));
            if cut.len() < left.len()
                && let Some(space) = cut.rfind(' ').filter(|at| *at > 0)
            {
                cut = &cut[..space];
            }
            if cut.is_empty() {
                break;
            }
            self.line().at(x, cut, token);
            left = left[cut.len()..].trim_start();
        }
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Appends another one's lines.
    pub(super) fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    /// Draws the lines from `top` on.
    pub(super) fn draw(&self, ink: &mut Ink<'_>, area: Rect, top: usize) {
        for (n, line) in self.lines.iter().skip(top).take(usize::from(area.height)).enumerate() {
            let target = row(area, n as u16);
            for (x, text, token) in line {
                let room = usize::from(area.width.saturating_sub(*x));
                ink.put(target, *x, &text::ellipsis(text, room), *token);
            }
        }
    }
}
