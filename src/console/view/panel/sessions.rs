//! The newest chats, in the column on the left of broad screens.

use ratatui::layout::Rect;

use crate::console::app::{AppState, SessionLine};
use crate::console::keys::Action;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::text;

/// Rows what stands below needs more than an older chat.
const BELOW: u16 = 30;
/// Chats listed at most.
const MOST: usize = 12;

/// Draws them; returns the rows used.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) -> u16 {
    let recent = &state.sessions.recent;
    let room = usize::from(area.height.saturating_sub(BELOW)).min(MOST);
    if recent.is_empty() || room < 3 {
        return 0;
    }
    let key = ink.glyphs.key(state.keymap.hint(Action::Sessions));
    ink.rule(row(area, 0), &[("SESSIONS", Token::Strong)], &[(&key, Token::Dim)]);
    let mut n = 1;
    let mut heading = "";
    for (at, item) in recent.iter().enumerate() {
        let when = day(state, item);
        let rows = 1 + usize::from(when != heading);
        if usize::from(n) + rows > room + 1 {
            break;
        }
        if when != heading {
            ink.put(row(area, n), 1, when, Token::Dim);
            heading = when;
            n += 1;
        }
        let above = at.checked_sub(1).and_then(|above| recent.get(above));
        entry(ink, state, (item, item.hangs_under(above)), row(area, n));
        n += 1;
    }
    n
}

fn entry(ink: &mut Ink<'_>, state: &AppState, (item, hangs): (&SessionLine, bool), line: Rect) {
    let open = item.id == state.session;
    let cost = words::tight_cost(item.cost, state.looks.glyphs);
    let end = line.width.saturating_sub(1);
    let lead = if hangs { 2 } else { 0 };
    let room = usize::from(end).saturating_sub(4 + lead + text::width(&cost) + 1);
    if open {
        ink.put(line, 1, ink.glyphs.pick, Token::Accent);
    }
    if lead > 0 {
        ink.put(line, 3, ink.glyphs.branch[1], Token::Dim);
    }
    let token = if open { Token::Fg } else { Token::Dim };
    ink.put(line, 3 + lead as u16, &text::ellipsis(&item.title, room), token);
    ink.right(line, end, &[(&cost, Token::Dim)]);
}

/// The heading a chat stands under.
fn day(state: &AppState, item: &SessionLine) -> &'static str {
    match words::days_ago(state.now, item.updated, state.utc_offset_s) {
        ..=0 => "Today",
        1 => "Yesterday",
        2..=30 => "This month",
        _ => "Earlier",
    }
}
