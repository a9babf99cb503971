//! Drawing: a read of the state onto a buffer of cells.
//!
//! Owns: where everything is and how it looks. Must not know: the terminal, tasks, how the state
//! came about. Invariants: the same state gives the same cells; nothing is written outside the
//! screen; no clock is read and nothing is changed; cost follows the screen, not the conversation.

mod areas;
mod case;
mod chat;
mod chips;
mod chrome;
mod composer;
mod costs;
mod first_run;
mod locate;
mod overlay;
mod paint;
mod panel;
mod popup;
mod reply;
mod routes;
pub mod sample;
mod sheet;
pub mod shot;
mod why;
mod words;

pub use areas::measure;
pub use locate::locate;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::app::{AppState, Stage, View};
use super::theme::{GlyphSet, Theme, Token};
use paint::{Ink, row};

/// Draws a frame; returns where the caret is. The buffer should be of the state's size: what does
/// not fit is left out.
pub fn draw(state: &AppState, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let mut ink = Ink { buffer, theme, glyphs: GlyphSet::of(state.looks.glyphs) };
    let screen = ink.buffer.area;
    ink.clear(screen);
    let (cols, rows) = areas::LEAST;
    if screen.width < cols || screen.height < rows {
        chrome::too_small(&mut ink, state, screen);
        return None;
    }
    let caret = match &state.stage {
        Stage::FirstRun(first) => first_run::draw(&mut ink, state, first),
        Stage::Main => match state.view {
            View::Chat => chat_view(&mut ink, state),
            View::Routes => routes::draw(&mut ink, state),
            View::Costs => costs::draw(&mut ink, state),
        },
    };
    if state.view != View::Chat && matches!(state.stage, Stage::Main) {
        popup::toast(&mut ink, state, screen, screen.bottom().saturating_sub(1));
    }
    popup::which_key(&mut ink, state, screen);
    if state.overlay.is_some() { overlay::draw(&mut ink, state, screen) } else { caret }
        .filter(|caret| screen.contains(*caret))
}

fn chat_view(ink: &mut Ink<'_>, state: &AppState) -> Option<Position> {
    let areas = areas::chat(state);
    let screen = ink.buffer.area;
    chrome::top(ink, state, areas.top);
    chrome::title(ink, state, areas.title);
    chat::draw(ink, state, areas.transcript);
    composer::rule(ink, state, areas.composer_rule);
    let caret = composer::draw(ink, state, areas.composer);
    composer::preview(ink, state, areas.preview);
    let finding = popup::find(ink, state, areas.preview);
    let bottom =
        if areas.foot_rule.height > 0 { areas.foot_rule.y } else { areas.preview.bottom() };
    if areas.foot_rule.height > 0 {
        ink.line(areas.foot_rule);
    }
    if areas.left.width > 0 {
        panel::left(ink, state, areas.left);
        ink.bar(areas.left.right(), areas.left.y, bottom);
        tee(ink, areas.foot_rule, areas.left.right());
    }
    if areas.panel.width > 0 {
        if areas.panel_over {
            ink.clear(Rect {
                x: areas.panel.x.saturating_sub(1),
                width: areas.panel.width + 1,
                ..areas.panel
            });
        }
        panel::draw(ink, state, areas.panel);
        let bottom = if areas.panel_over { areas.panel.bottom() } else { bottom };
        ink.bar(areas.panel.x.saturating_sub(1), areas.panel.y, bottom);
        if !areas.panel_over {
            tee(ink, areas.foot_rule, areas.panel.x.saturating_sub(1));
        }
    }
    chrome::strip(ink, state, areas.strip);
    chrome::message(ink, state, areas.notice, chrome::NoticeAge::Any);
    chrome::keys(ink, state, areas.keys);
    popup::completion(ink, state, &areas);
    let has_line = areas.strip.height > 0 || areas.notice.height > 0;
    if !has_line {
        // The draft is what the words are about, often enough.
        let rule = areas.composer_rule;
        popup::toast(ink, state, screen, if rule.height > 0 { rule.y } else { areas.composer.y });
    }
    finding.or(caret)
}

/// Where a vertical rule ends on the one above the keys.
fn tee(ink: &mut Ink<'_>, rule: Rect, x: u16) {
    if rule.height > 0 {
        let glyph = ink.glyphs.tee_up;
        ink.put(row(rule, 0), x.saturating_sub(rule.x), glyph, Token::Rule);
    }
}

#[cfg(test)]
#[path = "view/tests.rs"]
mod tests;
