//! The list of chats, searched as one types.

use ratatui::layout::{Position, Rect};

use super::{Frame, centred, field, nothing, window_of};
use crate::console::app::{AppState, Excerpt, SessionLine, SessionList, Waiting};
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::text;

/// Columns of the window, where the screen has them.
const WIDTH: u16 = 96;

/// Where the list is. Its height does not follow what is found: nothing jumps while one types.
pub(super) fn frame(_list: &SessionList, screen: Rect) -> Frame {
    Frame::of(centred(screen, WIDTH, 20), 2, 0)
}

/// Draws it; returns the caret.
pub(super) fn draw(
    ink: &mut Ink<'_>,
    state: &AppState,
    list: &SessionList,
    screen: Rect,
) -> Option<Position> {
    let Frame { window, list: area } = frame(list, screen);
    let keys = match list.removing {
        Some(_) => "Ctrl+D once more removes it for good   Esc close".to_owned(),
        None => format!("{} open   Ctrl+D remove   Esc close", ink.glyphs.enter),
    };
    let found = match &list.items {
        Some(items) => words::count(items.len(), "chat"),
        None => String::new(),
    };
    let inside = ink.window(window, "CHATS", &found, (&keys, ""));
    let caret = field(ink, row(inside, 0), "/", &list.query);
    if let Some(why) = &list.trouble {
        ink.put(row(area, 0), 2, why, Token::Bad);
        return caret;
    }
    match &list.items {
        None if list.waiting == Waiting::No => {}
        None => {
            ink.put(row(area, 0), 2, "looking", Token::Dim);
        }
        Some(items) if items.is_empty() && list.query.text().is_empty() => {
            ink.put(row(area, 0), 2, "nothing was kept yet", Token::Dim);
        }
        Some(items) if items.is_empty() => nothing(ink, area, 0),
        Some(items) => {
            let (top, shown) = window_of(list.selected, items.len(), usize::from(area.height));
            for (n, item) in items.iter().enumerate().skip(top).take(shown) {
                let line = row(area, (n - top) as u16);
                let above = n.checked_sub(1).and_then(|above| items.get(above));
                entry(ink, state, (item, item.hangs_under(above)), line);
                if n == list.selected {
                    ink.over(line, Token::Sel);
                    ink.put(line, 0, ink.glyphs.pick, Token::Sel);
                }
            }
        }
    }
    caret
}

/// Cells a title needs to be known by.
const TITLE: usize = 18;

fn entry(ink: &mut Ink<'_>, state: &AppState, (item, hangs): (&SessionLine, bool), line: Rect) {
    let lead = if hangs { format!("{} ", ink.glyphs.branch[1]) } else { String::new() };
    let hit = beside(item);
    let said = |yes: bool, words: &str| if yes { format!("{words} · ") } else { String::new() };
    let open = said(item.id == state.session, "open now");
    let cut = said(item.interrupted, "cut off");
    let copy = said(item.forked_from.is_some() && !hangs, "copy");
    // The words that were looked for need the room.
    let messages = said(hit.is_none(), &words::count(item.messages as usize, "message"));
    let cost = words::cost(item.cost, state.looks.glyphs);
    let ago = words::ago(state.now, item.updated, state.utc_offset_s);
    let forms = [
        format!("{open}{cut}{copy}{messages}{cost} · {ago}"),
        format!("{open}{cut}{cost} · {ago}"),
        format!("{cut}{ago}"),
    ];
    let room = |figures: &str| usize::from(line.width).saturating_sub(5 + text::width(figures));
    let fits = forms.iter().find(|figures| room(figures) >= TITLE + text::width(&lead));
    let figures = fits.unwrap_or(&forms[2]);
    let room = room(figures);
    let Some(hit) = hit else {
        let title = text::ellipsis(&item.title, room);
        ink.both(line, 2, &[(&lead, Token::Dim), (&title, Token::Fg)], &[(figures, Token::Dim)]);
        return;
    };
    let title = text::ellipsis(&item.title, room * 2 / 5);
    let (before, found, after) = hit.parts();
    // So far to the left that what was found and some words behind it are seen.
    let left = room.saturating_sub(text::width(&title) + 2) / 3;
    let start = text::clip_end(before, left.saturating_sub(1));
    let before = if start.len() < before.len() { format!("…{start}") } else { before.to_owned() };
    ink.both(
        line,
        2,
        &[
            (&lead, Token::Dim),
            (&title, Token::Fg),
            ("  ", Token::Dim),
            (&before, Token::Dim),
            (found, Token::Accent),
            (after, Token::Dim),
        ],
        &[(figures, Token::Dim)],
    );
}

/// The place that was found, where the title does not say the same already.
fn beside(item: &SessionLine) -> Option<&Excerpt> {
    let ends = |text: &str| text.trim_matches(['…', ' ']).to_owned();
    item.hit.as_ref().filter(|hit| !ends(&item.title).starts_with(&ends(&hit.text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cost, SessionId, UnixMs};

    fn excerpt(text: &str) -> Excerpt {
        Excerpt {
            text: text.to_owned(),
            found: (3, 6),
            message: crate::domain::MessageId(uuid::Uuid::nil()),
        }
    }

    #[test]
    fn what_was_found_stands_beside_the_title_unless_the_title_says_it() {
        let mut item = SessionLine {
            id: SessionId(uuid::Uuid::nil()),
            title: "用三句话总结下面".to_owned(),
            updated: UnixMs(0),
            messages: 2,
            cost: Cost::ZERO,
            forked_from: None,
            hit: Some(excerpt("用三句话总结下面")),
            interrupted: false,
        };
        assert_eq!(beside(&item), None);
        item.hit = Some(excerpt("…月度费用因此下降了六成…"));
        assert_eq!(beside(&item), item.hit.as_ref());
    }
}
