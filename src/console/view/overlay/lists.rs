//! The palette, the history search and the rewind list.

use ratatui::layout::{Position, Rect};

use super::{centred, choose, field, nothing, window_of};
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
    if palette.hits.is_empty() {
        nothing(ink, list, 0);
    }
    let (top, shown) = window_of(palette.selected, palette.hits.len(), usize::from(list.height));
    for n in 0..shown {
        let line = row(list, n as u16);
        let Some(item) = palette.hits.get(top + n).and_then(|i| palette.items.get(*i)) else {
            break;
        };
        let keys = ink.glyphs.key(item.keys.clone());
        ink.both(line, 2, &[(&item.title, Token::Fg)], &[(&keys, Token::Dim)]);
        choose(ink, line, top + n == palette.selected);
    }
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
    if search.hits.is_empty() {
        nothing(ink, list, 0);
    }
    let (top, shown) = window_of(search.selected, search.hits.len(), usize::from(list.height));
    for n in 0..shown {
        let line = row(list, n as u16);
        let Some(item) = search.hits.get(top + n).and_then(|i| search.items.get(*i)) else { break };
        let first = item.lines().next().unwrap_or("");
        let more = item.lines().count().saturating_sub(1);
        let more =
            if more > 0 { format!("+{}", words::count(more, "line")) } else { String::new() };
        ink.both(line, 2, &[(first, Token::Fg)], &[(&more, Token::Dim)]);
        choose(ink, line, top + n == search.selected);
    }
    caret
}

/// Earlier messages of this chat, to edit and send again.
pub(super) fn rewind(ink: &mut Ink<'_>, state: &AppState, rewind: &Rewind, screen: Rect) {
    let height = (rewind.items.len() as u16).clamp(2, 12) + 2;
    let area = centred(screen, 70, height);
    let keys = format!("{} edit and send again   Esc close", ink.glyphs.enter);
    let inside = ink.window(area, "GO BACK TO", "what follows is cut off", (&keys, ""));
    let (top, shown) = window_of(rewind.selected, rewind.items.len(), usize::from(inside.height));
    for n in 0..shown {
        let line = row(inside, n as u16);
        let cell = rewind.items.get(top + n).and_then(|i| state.transcript.cells.get(*i));
        let Some(Cell::User(user)) = cell else { continue };
        let first = user.text.lines().next().unwrap_or("");
        let at = words::clock(user.at, state.utc_offset_s);
        let first = text::ellipsis(first, usize::from(line.width.saturating_sub(12)));
        ink.both(line, 2, &[(&first, Token::Fg)], &[(&at, Token::Dim)]);
        choose(ink, line, top + n == rewind.selected);
    }
}
