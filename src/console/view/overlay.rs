//! What lies over a view: one window at a time.

mod confirm;
mod help;
mod lists;
mod picker;
mod sessions;
mod test_card;

use ratatui::layout::{Position, Rect};

use super::paint::{Ink, below, inside, row};
use crate::console::app::{AppState, LineInput, Overlay, Under};
use crate::console::theme::Token;
use crate::text;

/// Draws the overlay; returns the caret where it has a field.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, screen: Rect) -> Option<Position> {
    match state.overlay.as_ref()? {
        Overlay::Palette(palette) => lists::palette(ink, palette, screen),
        Overlay::History(history) => lists::history(ink, history, screen),
        Overlay::Rewind(rewind) => {
            lists::rewind(ink, state, rewind, screen);
            None
        }
        Overlay::Branches(list) => {
            lists::branches(ink, state, list, screen);
            None
        }
        Overlay::Picker(picker) => picker::draw(ink, picker, screen),
        Overlay::Help(help) => help::draw(ink, state, help, screen),
        Overlay::Sessions(list) => sessions::draw(ink, state, list, screen),
        Overlay::Confirm(it) => {
            confirm::draw(ink, it, screen);
            None
        }
        Overlay::Test(card) => {
            test_card::draw(ink, card, screen);
            None
        }
    }
}

/// Where an overlay's window is, and the rows of what can be chosen in it.
struct Frame {
    window: Rect,
    list: Rect,
}

impl Frame {
    /// A window with a list between so many rows above it and so many below.
    fn of(window: Rect, above: u16, under: u16) -> Self {
        let body = below(inside(window), above);
        let list = Rect { height: body.height.saturating_sub(under), ..body };
        Self { window, list }
    }

    /// Which of so many items stands on a row.
    fn item_at(&self, at: Position, selected: usize, count: usize) -> Option<usize> {
        let (top, shown) = window_of(selected, count, usize::from(self.list.height));
        let n = usize::from(at.y.saturating_sub(self.list.y));
        (self.list.contains(at) && n < shown).then_some(top + n)
    }
}

/// Which of the overlay's hits is here; nothing outside its window.
pub(super) fn under(overlay: &Overlay, screen: Rect, at: Position) -> Under {
    let (frame, selected, count) = match overlay {
        Overlay::Palette(it) => (lists::palette_frame(it, screen), it.selected, it.hits.len()),
        Overlay::History(it) => (lists::history_frame(it, screen), it.selected, it.hits.len()),
        Overlay::Rewind(it) => (lists::rewind_frame(it, screen), it.selected, it.items.len()),
        Overlay::Branches(it) => (lists::branches_frame(it, screen), it.selected, it.items.len()),
        Overlay::Picker(it) => (picker::frame(it, screen), it.selected, it.hits.len()),
        Overlay::Help(it) => return help::under(it, screen, at),
        Overlay::Sessions(it) => {
            let count = it.items.as_ref().map_or(0, Vec::len);
            (sessions::frame(it, screen), it.selected, count)
        }
        Overlay::Test(_) | Overlay::Confirm(_) => return Under::Nothing,
    };
    if frame.window.contains(at) {
        Under::Overlay(frame.item_at(at, selected, count))
    } else {
        Under::Nothing
    }
}

/// A window of this size in the upper middle of the screen.
fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(screen.width.saturating_sub(2));
    let height = height.min(screen.height.saturating_sub(2));
    let x = screen.x + (screen.width - width) / 2;
    let y = screen.y + (screen.height - height) / 3;
    Rect::new(x, y, width, height)
}

/// A field on a row, behind a mark; returns the caret.
fn field(ink: &mut Ink<'_>, line: Rect, mark: &str, input: &LineInput) -> Option<Position> {
    if line.height == 0 {
        return None;
    }
    let x = ink.puts(line, 0, &[(mark, Token::Accent), (" ", Token::Fg)]);
    let (before, after) = input.split();
    // A long text slides so that the caret stays in sight.
    let room = usize::from(line.width.saturating_sub(x + 1));
    let shown = text::clip_end(before, room);
    let caret = ink.put(line, x, shown, Token::Fg);
    ink.put(line, caret, after, Token::Fg);
    Some(Position::new((line.x + caret).min(line.right().saturating_sub(1)), line.y))
}

/// The part of a list that is on screen with the selection in it: first item and how many.
fn window_of(selected: usize, count: usize, rows: usize) -> (usize, usize) {
    if rows == 0 {
        return (0, 0);
    }
    let top = (selected + 1).saturating_sub(rows).min(count.saturating_sub(rows));
    (top, rows.min(count - top))
}

/// A list of things by their place: the rows that are on screen, each by `draw`, the selected one
/// marked.
fn rows<'a, T: 'a>(
    ink: &mut Ink<'_>,
    area: Rect,
    places: &[usize],
    selected: usize,
    item: impl Fn(usize) -> Option<&'a T>,
    draw: impl Fn(&mut Ink<'_>, &'a T, Rect),
) {
    let (top, shown) = window_of(selected, places.len(), usize::from(area.height));
    for (n, place) in places.iter().enumerate().skip(top).take(shown) {
        let Some(item) = item(*place) else { continue };
        let line = row(area, (n - top) as u16);
        draw(ink, item, line);
        if n == selected {
            ink.over(line, Token::Sel);
            ink.put(line, 0, ink.glyphs.pick, Token::Sel);
        }
    }
}

/// What a search found of `items`, best first, or that it found nothing.
fn hits<'a, T: 'a>(
    ink: &mut Ink<'_>,
    area: Rect,
    (hits, items): (&[usize], &'a [T]),
    selected: usize,
    draw: impl Fn(&mut Ink<'_>, &'a T, Rect),
) {
    if hits.is_empty() {
        nothing(ink, area, 0);
    }
    rows(ink, area, hits, selected, |hit| items.get(hit), draw);
}

/// `nothing matches`, on a list's first row.
fn nothing(ink: &mut Ink<'_>, area: Rect, y: u16) {
    ink.put(row(area, y), 2, "nothing matches", Token::Dim);
}
