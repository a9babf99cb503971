//! The question before a message goes over a budget.

use ratatui::layout::Rect;

use super::centred;
use crate::console::app::Confirm;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::text;

pub(super) fn draw(ink: &mut Ink<'_>, confirm: &Confirm, screen: Rect) {
    let width = 66.min(screen.width.saturating_sub(2));
    let lines =
        text::wrap_text(&confirm.question, usize::from(width.saturating_sub(4)), text::Role::Body);
    let fits = confirm.fits.as_ref().map(|model| format!("{model} fits and would answer instead."));
    let rows = lines.len() as u16 + u16::from(fits.is_some());
    let area = centred(screen, width, rows + 4);
    let keys = match &confirm.fits {
        Some(model) => format!(
            "y send anyway   f let {} answer   n leave it",
            words::brief(model.as_str(), 16)
        ),
        None => "y send anyway   n leave it".to_owned(),
    };
    let inside = ink.window(area, "OVER BUDGET", "nothing was sent", (&keys, ""));
    for (n, line) in lines.iter().enumerate() {
        ink.put(row(inside, n as u16), 0, &line.text(), Token::Fg);
    }
    if let Some(fits) = fits {
        ink.put(row(inside, rows - 1), 0, &fits, Token::Dim);
    }
    ink.put(row(inside, rows + 1), 0, "send anyway?", Token::Strong);
}
