//! The side panel and the left column: meters beside the conversation.
//!
//! Owns: which sections fit and in which order. Invariant: sections keep their order; what does not
//! fit is left out from the end, never cut in the middle of a row.

mod cost;
mod health;
mod left;
mod routes;
mod sessions;
mod this_reply;
mod why;

use ratatui::layout::Rect;

use super::areas::{self, Room};
use super::paint::{Ink, below};
use crate::console::app::AppState;

pub(super) use left::draw as left;

/// A section: its rows at this width, and how it is drawn.
struct Section {
    rows: fn(&AppState, u16) -> u16,
    draw: fn(&mut Ink<'_>, &AppState, Rect),
}

const HEALTH: Section = Section { rows: health::rows, draw: health::draw };
const REPLY: Section = Section { rows: this_reply::rows, draw: this_reply::draw };
const WHY: Section = Section { rows: why::rows, draw: why::draw };
const COST: Section = Section { rows: cost::rows, draw: cost::draw };
const ROUTES: Section = Section { rows: routes::rows, draw: routes::draw };

/// Draws the panel.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let sections: &[Section] = match areas::room(state) {
        Room::Tiny | Room::Narrow | Room::Wide | Room::Broad if state.size.rows >= 30 => {
            &[HEALTH, REPLY, COST, ROUTES]
        }
        Room::Huge => &[HEALTH, WHY, COST, ROUTES],
        Room::Tiny | Room::Narrow | Room::Medium | Room::Wide | Room::Broad => &[HEALTH, COST],
    };
    let mut rest = area;
    for (n, section) in sections.iter().enumerate() {
        let rows = (section.rows)(state, area.width);
        let last = n + 1 == sections.len();
        if rows == 0 || rest.height < rows.min(3) || (rest.height < rows && !last) {
            continue;
        }
        // The last section takes what is left.
        let height = if last { rest.height } else { rows };
        (section.draw)(ink, state, Rect { height, ..rest });
        rest = below(rest, height + 1);
    }
}
