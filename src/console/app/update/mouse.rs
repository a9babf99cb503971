//! What the wheel and a click do.
//!
//! Invariant: whatever the mouse can do, a key can do; a click never sends, stops or deletes.

use super::super::{
    AppState, Effect, FindPhase, Focus, Mouse, Pointer, PointerDid, Tone, Under, View,
};
use super::{Effects, actions, complete, in_main, notes, overlays, read, routes};

/// Lines a notch of the wheel scrolls a text by, as terminals do.
const NOTCH: isize = 3;

/// What the mouse can do, with its name and what it means, as told after a change.
const MODES: [(Mouse, &str, &str); 3] = [
    (Mouse::Off, "off", "it is the terminal's own again"),
    (Mouse::Wheel, "wheel", "the wheel scrolls what it is over; Shift selects text"),
    (Mouse::Full, "full", "the wheel scrolls, clicks choose; Shift selects text"),
];

/// The mouse did something.
pub(super) fn pointer(state: &mut AppState, fx: &mut Effects, pointer: Pointer) {
    let under = state.under(pointer.col, pointer.row);
    match (state.looks.mouse, pointer.did) {
        (Mouse::Off, _) | (Mouse::Wheel, PointerDid::Click) => {}
        (Mouse::Wheel | Mouse::Full, PointerDid::WheelUp) => wheel(state, fx, under, -1),
        (Mouse::Wheel | Mouse::Full, PointerDid::WheelDown) => wheel(state, fx, under, 1),
        (Mouse::Full, PointerDid::Click) => click(state, fx, under),
    }
}

/// Scrolls what the wheel is over; where that does not scroll, what the view is about.
fn wheel(state: &mut AppState, fx: &mut Effects, under: Under, notch: isize) {
    if state.overlay.is_some() || !in_main(state) {
        overlays::select(state, notch);
        return;
    }
    match (state.view, under) {
        (_, Under::Offer(_)) => complete::step(state, notch),
        (View::Chat, _) => read::scroll(state, notch * NOTCH),
        (View::Costs, _) => super::costs::scroll(state, notch * NOTCH),
        (View::Routes, Under::Detail) => routes::scroll_detail(state, notch * NOTCH),
        (View::Routes, _) => {
            routes::step(state, notch);
            routes::moved(state, fx);
        }
    }
}

fn click(state: &mut AppState, fx: &mut Effects, under: Under) {
    if !in_main(state) {
        return;
    }
    match under {
        Under::Nothing | Under::Overlay(None) => {}
        Under::Overlay(Some(hit)) => overlays::click(state, fx, hit),
        Under::Offer(offer) => complete::take(state, offer),
        Under::Tab(view) => actions::go(state, fx, view),
        Under::Transcript(cell) => {
            if let Some(cell) = cell {
                read::choose(state, cell);
            }
        }
        Under::Draft { row, col } => {
            if state.transcript.find.as_ref().is_some_and(|find| find.phase == FindPhase::Typing) {
                state.transcript.find = None;
            }
            state.focus = Focus::Composer;
            state.completion = None;
            state.composer.point_at(row, col);
        }
        Under::List(entry) => {
            state.focus = Focus::List;
            if let Some(entry) = entry {
                routes::click(state, fx, entry);
            }
        }
        Under::Cost(item) => super::costs::click(state, fx, item),
        Under::Detail => state.focus = Focus::Detail,
    }
}

/// Reads what the mouse is to do; nothing said tells what it does.
pub(super) fn set(state: &mut AppState, fx: &mut Effects, text: &str) -> Result<(), String> {
    let named = |(_, name, _): &&(Mouse, &str, &str)| *name == text;
    match MODES.iter().find(named) {
        Some((mouse, name, means)) => {
            state.looks.mouse = *mouse;
            fx.push(Effect::SetMouse(*mouse));
            notes::toast(state, Tone::Good, format!("mouse {name}: {means}"));
            Ok(())
        }
        None if text.is_empty() => {
            let now = MODES.iter().find(|(mouse, ..)| *mouse == state.looks.mouse);
            let now = now.map_or("off", |(_, name, _)| name);
            notes::note(state, Tone::Info, format!("mouse {now}; there are off, wheel, full"));
            Ok(())
        }
        None => Err(format!("{text:?} is not off, wheel or full")),
    }
}

impl AppState {
    /// What is under a column and row of the screen.
    pub fn under(&self, col: u16, row: u16) -> Under {
        (self.locate)(self, col, row)
    }
}
