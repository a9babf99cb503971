//! What is under a cell is what is drawn there.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;

use super::*;
use crate::console::app::{ColorDepth, Msg, Overlay, update};
use crate::console::theme::Theme;
use crate::console::view::draw;
use crate::console::view::sample::{Scene, state};

const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (120, 40), (200, 60)];

fn drawn(state: &AppState) -> (Buffer, Option<Position>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.cols, state.size.rows));
    let theme = Theme::named("terminal", ColorDepth::True).unwrap();
    let caret = draw(state, &theme, &mut buffer);
    (buffer, caret)
}

/// Where a text is drawn first.
fn find(buffer: &Buffer, text: &str) -> Position {
    for y in 0..buffer.area.height {
        let row: Vec<&str> = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        for x in 0..row.len() {
            if row[x..].concat().starts_with(text) {
                return Position::new(x as u16, y);
            }
        }
    }
    panic!("{text:?} is not drawn");
}

fn under(state: &AppState, at: Position) -> Under {
    state.under(at.x, at.y)
}

#[test]
fn the_views_names_are_where_they_are_drawn() {
    for (cols, rows) in SIZES {
        for scene in [Scene::Chat, Scene::Routes] {
            let state = state(scene, cols, rows);
            let (buffer, _) = drawn(&state);
            for (name, view) in [("1 Chat", View::Chat), ("2 Routes", View::Routes)] {
                let at = find(&buffer, name);
                let last = Position::new(at.x + name.len() as u16 - 1, at.y);
                assert_eq!(
                    (under(&state, at), under(&state, last)),
                    (Under::Tab(view), Under::Tab(view))
                );
            }
            assert_eq!(state.under(2, 0), Under::Nothing);
        }
    }
}

#[test]
fn an_entry_of_the_log_is_where_it_is_drawn() {
    for (cols, rows) in SIZES {
        let state = state(Scene::Routes, cols, rows);
        let (buffer, _) = drawn(&state);
        for (n, time) in ["14:33:03", "14:31:03", "14:29:03"].into_iter().enumerate() {
            assert_eq!(under(&state, find(&buffer, time)), Under::List(Some(n)));
        }
        let detail = state.geometry().detail_rows > 0;
        if detail {
            assert_eq!(under(&state, find(&buffer, "1 asked")), Under::Detail);
        }
        assert_eq!(state.under(0, rows - 1), Under::Nothing);
        assert_eq!(state.under(cols, rows), Under::Nothing);
    }
}

#[test]
fn a_message_is_where_its_words_are() {
    for (cols, rows) in SIZES {
        let state = state(Scene::Chat, cols, rows);
        let (buffer, _) = drawn(&state);
        let at = find(&buffer, "It usually suggests");
        let Under::Transcript(Some(cell)) = under(&state, at) else { panic!("no message") };
        assert!(matches!(state.transcript.cells[cell], crate::console::app::Cell::Reply(_)));
    }
}

#[test]
fn a_hit_of_what_lies_over_the_view_is_where_it_is_drawn() {
    for (cols, rows) in SIZES {
        let palette = state(Scene::Palette, cols, rows);
        let Some(Overlay::Palette(it)) = &palette.overlay else { panic!("no palette") };
        let (buffer, _) = drawn(&palette);
        for (n, hit) in it.hits.iter().enumerate().take(5) {
            let at = find(&buffer, &it.items[*hit].title);
            assert_eq!(under(&palette, at), Under::Overlay(Some(n)), "at {cols}x{rows}");
        }
        let help = state(Scene::Help, cols, rows);
        let Some(Overlay::Help(it)) = &help.overlay else { panic!("no help") };
        let (buffer, _) = drawn(&help);
        let at = find(&buffer, "back to auto");
        let Under::Overlay(Some(n)) = under(&help, at) else { panic!("no line of help") };
        assert!(it.items[it.hits[n]].doc.starts_with("back to auto"));
        let picker = state(Scene::Picker, cols, rows);
        let (buffer, _) = drawn(&picker);
        assert!(matches!(under(&picker, find(&buffer, "for  [")), Under::Overlay(None)));
        assert_eq!(picker.under(0, 0), Under::Nothing, "what lies over the view hides it");
    }
}

#[test]
fn an_offer_is_where_it_is_drawn() {
    let mut state = state(Scene::Chat, 100, 30);
    let now = state.now;
    state.composer.set(crate::console::composer::Draft::default());
    for c in "/p".chars() {
        update(&mut state, Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), now);
    }
    let offers = state.completion.clone().unwrap().items;
    let (buffer, _) = drawn(&state);
    for (n, offer) in offers.iter().enumerate() {
        let at = find(&buffer, &format!("{}  ", offer.text));
        assert_eq!(under(&state, at), Under::Offer(n));
    }
}

#[test]
fn a_click_in_the_draft_puts_the_caret_under_it() {
    for (cols, rows) in SIZES {
        let mut state = state(Scene::Empty, cols, rows);
        state.composer.insert("a longer draft, 漢字 in it, that wraps on the narrow ones: one two three four five six seven eight nine ten\nand a second line");
        let (buffer, _) = drawn(&state);
        let text = find(&buffer, "a longer");
        let second = find(&buffer, "and a second");
        for at in
            [text, Position::new(text.x + 5, text.y), second, Position::new(second.x + 7, second.y)]
        {
            let Under::Draft { row, col } = under(&state, at) else { panic!("no draft at {at:?}") };
            state.composer.point_at(row, col);
            assert_eq!(drawn(&state).1, Some(at), "at {cols}x{rows}");
        }
        // On the second half of a wide character: before it; far right: at the line's end.
        let wide = find(&buffer, "漢");
        let Under::Draft { row, col } = state.under(wide.x + 1, wide.y) else { panic!("no draft") };
        state.composer.point_at(row, col);
        assert_eq!(drawn(&state).1, Some(wide));
        let Under::Draft { row, col } = state.under(second.x + 30, second.y) else {
            panic!("no draft")
        };
        state.composer.point_at(row, col);
        assert_eq!(state.composer.around(), ("and a second line", ""));
    }
}
