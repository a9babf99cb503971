//! The palette, the history search, the rewind list and the ways a chat went.

use ratatui::layout::{Position, Rect};

use super::{Frame, centred, field, hits, rows};
use crate::console::app::{AppState, Branches, Cell, HistorySearch, Palette, Rewind};
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::text;

/// Where the palette is.
pub(super) fn palette_frame(palette: &Palette, screen: Rect) -> Frame {
    let height = (palette.hits.len() as u16).clamp(6, 16) + 4;
    Frame::of(centred(screen, 56, height), 2, 0)
}

/// Every action and command by name, with its key.
pub(super) fn palette(ink: &mut Ink<'_>, palette: &Palette, screen: Rect) -> Option<Position> {
    let Frame { window, list } = palette_frame(palette, screen);
    let keys = format!("{} run   Esc close", ink.glyphs.enter);
    let inside = ink.window(window, "COMMANDS", "Ctrl+P", (&keys, ""));
    let caret = field(ink, row(inside, 0), ink.glyphs.prompt, &palette.query);
    hits(ink, list, (&palette.hits, &palette.items), palette.selected, |ink, item, line| {
        let keys = ink.glyphs.key(item.keys.clone());
        ink.both(line, 2, &[(&item.title, Token::Fg)], &[(&keys, Token::Dim)]);
    });
    caret
}

/// Where the history search is.
pub(super) fn history_frame(search: &HistorySearch, screen: Rect) -> Frame {
    let height = (search.hits.len() as u16).clamp(5, 14) + 4;
    Frame::of(centred(screen, 76, height), 2, 0)
}

/// Earlier prompts, searched.
pub(super) fn history(ink: &mut Ink<'_>, search: &HistorySearch, screen: Rect) -> Option<Position> {
    let Frame { window, list } = history_frame(search, screen);
    let keys = format!("{} take   Esc close", ink.glyphs.enter);
    let inside = ink.window(window, "EARLIER PROMPTS", "Ctrl+R", (&keys, ""));
    let caret = field(ink, row(inside, 0), "/", &search.query);
    hits(ink, list, (&search.hits, &search.items), search.selected, |ink, item, line| {
        let first = item.lines().next().unwrap_or("");
        let more = item.lines().count().saturating_sub(1);
        let more =
            if more > 0 { format!("+{}", words::count(more, "line")) } else { String::new() };
        ink.both(line, 2, &[(first, Token::Fg)], &[(&more, Token::Dim)]);
    });
    caret
}

/// Where the list of earlier messages is.
pub(super) fn rewind_frame(rewind: &Rewind, screen: Rect) -> Frame {
    let height = (rewind.items.len() as u16).clamp(2, 12) + 2;
    Frame::of(centred(screen, 70, height), 0, 0)
}

/// Earlier messages of this chat, to edit and send again.
pub(super) fn rewind(ink: &mut Ink<'_>, state: &AppState, rewind: &Rewind, screen: Rect) {
    let Frame { window, list } = rewind_frame(rewind, screen);
    let keys = format!("{} edit and send again   Esc close", ink.glyphs.enter);
    ink.window(window, "GO BACK TO", "what follows is cut off", (&keys, ""));
    let message = |at: usize| match state.transcript.cells.get(at) {
        Some(Cell::User(user)) => Some(user),
        Some(Cell::Reply(_) | Cell::Note(_)) | None => None,
    };
    rows(ink, list, &rewind.items, rewind.selected, message, |ink, user, line| {
        let first = user.text.lines().next().unwrap_or("");
        let at = words::clock(user.at, state.utc_offset_s);
        let first = text::ellipsis(first, usize::from(line.width.saturating_sub(12)));
        ink.both(line, 2, &[(&first, Token::Fg)], &[(&at, Token::Dim)]);
    });
}

/// Where the list of branches is.
pub(super) fn branches_frame(list: &Branches, screen: Rect) -> Frame {
    let height = (list.items.len() as u16).clamp(2, 12) + 2;
    Frame::of(centred(screen, 76, height), 0, 0)
}

/// The ways this chat went, by the question each goes its own way with.
pub(super) fn branches(ink: &mut Ink<'_>, state: &AppState, list: &Branches, screen: Rect) {
    let Frame { window, list: area } = branches_frame(list, screen);
    let keys = format!("{} go there   Esc close", ink.glyphs.enter);
    ink.window(window, "BRANCHES", "the ways this chat went", (&keys, ""));
    let places: Vec<usize> = (0..list.items.len()).collect();
    let item = |at: usize| list.items.get(at);
    rows(ink, area, &places, list.selected, item, |ink, branch, line| {
        let when = words::ago(state.now, branch.at, state.utc_offset_s);
        let facts =
            format!("{} {} {when}", words::count(branch.messages, "message"), ink.glyphs.dot);
        let here = if branch.shown { format!("here {} ", ink.glyphs.dot) } else { String::new() };
        let room =
            usize::from(line.width).saturating_sub(text::width(&facts) + text::width(&here) + 5);
        let first = text::ellipsis(branch.text.lines().next().unwrap_or(""), room);
        ink.both(line, 2, &[(&first, Token::Fg)], &[(&here, Token::Accent), (&facts, Token::Dim)]);
    });
}
