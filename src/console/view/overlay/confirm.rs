//! The question before a message goes over a budget.

use ratatui::layout::Rect;

use super::centred;
use crate::console::app::Confirm;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::text;

pub(super) fn draw(ink: &mut Ink<'_>, confirm: &Confirm, screen: Rect) {
    let width = 66.min(screen.width.saturating_sub(2));
    let lines =
        text::wrap_text(&confirm.question, usize::from(width.saturating_sub(4)), text::Role::Body);
    let area = centred(screen, width, lines.len() as u16 + 4);
    let keys = ("y send anyway   n leave it", "");
    let inside = ink.window(area, "OVER BUDGET", "nothing was sent", keys);
    for (n, line) in lines.iter().enumerate() {
        ink.put(row(inside, n as u16), 0, &line.text(), Token::Fg);
    }
    ink.put(row(inside, lines.len() as u16 + 1), 0, "send anyway?", Token::Strong);
}
