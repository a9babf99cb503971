//! What is under a cell, for the mouse.
//!
//! Owns: the order in which what lies over something else hides it. Invariant: places are those the
//! view draws at, from the same functions; a cell outside the screen has nothing under it.

use ratatui::layout::{Position, Rect};

use super::{areas, chrome, composer, costs, overlay, popup, routes};
use crate::console::app::{AppState, Stage, Under, View};
use crate::console::theme::GlyphSet;
use crate::text;

/// What is under a column and row of the screen.
pub fn locate(state: &AppState, col: u16, row: u16) -> Under {
    let screen = Rect::new(0, 0, state.size.cols, state.size.rows);
    let at = Position::new(col, row);
    let (cols, rows) = areas::LEAST;
    let too_small = screen.width < cols || screen.height < rows;
    if !screen.contains(at) || too_small || matches!(state.stage, Stage::FirstRun(_)) {
        return Under::Nothing;
    }
    if let Some(over) = &state.overlay {
        return overlay::under(over, screen, at);
    }
    match state.view {
        View::Chat => chat(state, at),
        View::Routes => log(state, at),
        View::Costs => spent(state, at),
    }
}

fn tab(state: &AppState, line: Rect, at: Position) -> Option<Under> {
    let glyphs = GlyphSet::of(state.looks.glyphs);
    let here = chrome::tabs(state, glyphs, line).find(|(name, _, start)| {
        let end = start + text::width(name) as u16;
        line.contains(at) && (*start..end).contains(&at.x)
    });
    here.map(|(_, view, _)| Under::Tab(view))
}

fn chat(state: &AppState, at: Position) -> Under {
    let areas = areas::chat(state);
    if let Some(offer) = popup::offer_at(state, &areas, at) {
        return offer;
    }
    if let Some(tab) = tab(state, areas.top, at) {
        return tab;
    }
    if areas.panel.contains(at) {
        return Under::Nothing;
    }
    if areas.transcript.contains(at) {
        let transcript = &state.transcript;
        let top = transcript.scroll.top(&transcript.layout, areas.transcript.height);
        let line = top + usize::from(at.y - areas.transcript.y);
        let cell = (line < transcript.layout.lines()).then(|| transcript.layout.locate(line).0);
        return Under::Transcript(cell);
    }
    if areas.composer.contains(at) {
        let (row, col) = composer::place(state, areas.composer, at);
        return Under::Draft { row, col };
    }
    Under::Nothing
}

fn log(state: &AppState, at: Position) -> Under {
    let areas = areas::routes(state);
    if let Some(tab) = tab(state, areas.top, at) {
        return tab;
    }
    if areas.list.contains(at) {
        return Under::List(routes::entry_at(state, areas.list, at.y - areas.list.y));
    }
    if areas.detail.contains(at) || areas.detail_title.contains(at) {
        return Under::Detail;
    }
    Under::Nothing
}

fn spent(state: &AppState, at: Position) -> Under {
    let areas = areas::costs(state);
    if let Some(tab) = tab(state, areas.top, at) {
        return tab;
    }
    let here = areas.body.contains(at).then(|| at.y - areas.body.y);
    here.and_then(|n| costs::item_at(state, areas.body, n)).map_or(Under::Nothing, Under::Cost)
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
