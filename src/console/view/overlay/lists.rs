//! The palette, the history search and the rewind list.

use ratatui::layout::{Position, Rect};

use super::{centred, field, hits, rows};
use crate::console::app::{AppState, Cell, HistorySearch, Palette, Rewind};
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::text;

/// Every action and command by name, with its key.
pub(super) fn palette(ink: &mut Ink<'_>, palette: &Palette, screen: Rect) -> Option<Position> {
    let height = (palette.hits.len() as u16).clamp(6, 16) + 4;
    let area = centred(screen, 56, height);
    let keys = format!("{} run   Esc close", ink.glyphs.enter);
    let inside = ink.window(area, "COMMANDS", "Ctrl+P", (&keys, ""));
    let caret = field(ink, row(inside, 0), ink.glyphs.prompt, &palette.query);
    let list = Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside };
    hits(ink, list, (&palette.hits, &palette.items), palette.selected, |ink, item, line| {
        let keys = ink.glyphs.key(item.keys.clone());
        ink.both(line, 2, &[(&item.title, Token::Fg)], &[(&keys, Token::Dim)]);
    });
    caret
}

/// Earlier prompts, searched.
pub(super) fn history(ink: &mut Ink<'_>, search: &HistorySearch, screen: Rect) -> Option<Position> {
    let height = (search.hits.len() as u16).clamp(5, 14) + 4;
    let area = centred(screen, 76, height);
    let keys = format!("{} take   Esc close", ink.glyphs.enter);
    let inside = ink.window(area, "EARLIER PROMPTS", "Ctrl+R", (&keys, ""));
    let caret = field(ink, row(inside, 0), "/", &search.query);
    let list = Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside };
    hits(ink, list, (&search.hits, &search.items), search.selected, |ink, item, line| {
        let first = item.lines().next().unwrap_or("");
        let more = item.lines().count().saturating_sub(1);
        let more =
            if more > 0 { format!("+{}", words::count(more, "line")) } else { String::new() };
        ink.both(line, 2, &[(first, Token::Fg)], &[(&more, Token::Dim)]);
    });
    caret
}

/// Earlier messages of this chat, to edit and send again.
pub(super) fn rewind(ink: &mut Ink<'_>, state: &AppState, rewind: &Rewind, screen: Rect) {
    let height = (rewind.items.len() as u16).clamp(2, 12) + 2;
    let area = centred(screen, 70, height);
    let keys = format!("{} edit and send again   Esc close", ink.glyphs.enter);
    let inside = ink.window(area, "GO BACK TO", "what follows is cut off", (&keys, ""));
    let message = |at: usize| match state.transcript.cells.get(at) {
        Some(Cell::User(user)) => Some(user),
        Some(Cell::Reply(_) | Cell::Note(_)) | None => None,
    };
    rows(ink, inside, &rewind.items, rewind.selected, message, |ink, user, line| {
        let first = user.text.lines().next().unwrap_or("");
        let at = words::clock(user.at, state.utc_offset_s);
        let first = text::ellipsis(first, usize::from(line.width.saturating_sub(12)));
        ink.both(line, 2, &[(&first, Token::Fg)], &[(&at, Token::Dim)]);
    });
}
