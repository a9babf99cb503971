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
    let room = usize::from(width.saturating_sub(4));
    let wrapped = |text: &str| text::wrap_text(text, room, text::Role::Body);
    let lines = wrapped(&confirm.question);
    let fits = confirm.fits.as_ref().map(|model| format!("{model} fits and would answer instead."));
    let fits = fits.map_or_else(Vec::new, |fits| wrapped(&fits));
    let rows = (lines.len() + fits.len()) as u16;
    let area = centred(screen, width, rows + 4);
    let keys = keys(confirm, usize::from(width));
    let inside = ink.window(area, "OVER BUDGET", "nothing was sent", (&keys, ""));
    let said = lines.iter().map(|line| (line, Token::Fg));
    let said = said.chain(fits.iter().map(|line| (line, Token::Dim)));
    // Where it does not all fit, the end is what is to be answered.
    let cut = (rows + 2).saturating_sub(inside.height);
    for (n, (line, token)) in said.skip(usize::from(cut)).enumerate() {
        ink.put(row(inside, n as u16), 0, &line.text(), token);
    }
    ink.put(row(inside, rows + 1 - cut), 0, "send anyway?", Token::Strong);
}

/// What answers it, as long as there is room for.
fn keys(confirm: &Confirm, width: usize) -> String {
    let Some(model) = &confirm.fits else { return "y send anyway   n leave it".to_owned() };
    let whole =
        format!("y send anyway   f let {} answer   n leave it", words::brief(model.as_str(), 16));
    if text::width(&whole) + 6 <= width {
        return whole;
    }
    format!("y send  f {}  n leave", words::brief(model.as_str(), 12))
}
