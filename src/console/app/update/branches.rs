//! The ways a chat went: seeing them, and going on with another.
//!
//! Invariant: whatever was said before an earlier message was edited can be read again.

use crate::config::KeepWhat;
use crate::domain::MessageId;

use super::super::{
    AppState, Branch, Branches, Cell, Effect, Focus, Overlay, PrivateChat, Recall, Spot, Tone,
};
use super::{Effects, notes, private, read};

/// `/tree`: asks for them.
pub(super) fn ask(state: &mut AppState, fx: &mut Effects) -> Result<(), String> {
    private::refuse(state, "gone back in")?;
    let shown = last_question(state).ok_or("nothing was said yet")?;
    fx.push(Effect::Recall(Recall::Branches { id: state.session, shown }));
    Ok(())
}

/// The last question on the screen.
pub(super) fn last_question(state: &AppState) -> Option<MessageId> {
    state.transcript.cells.iter().rev().find_map(|cell| match cell {
        Cell::User(user) => Some(user.id),
        Cell::Reply(_) | Cell::Note(_) => None,
    })
}

/// They are known.
pub(super) fn listed(state: &mut AppState, items: Vec<Branch>) {
    if items.len() < 2 {
        let words = "this chat went one way: editing an earlier message makes another";
        notes::toast(state, Tone::Info, words);
        return;
    }
    let selected = items.iter().position(|branch| branch.shown).unwrap_or(0);
    state.overlay = Some(Overlay::Branches(Branches { items, selected }));
}

/// Goes to the selected one.
pub(super) fn accept(state: &mut AppState, fx: &mut Effects) {
    let Some(Overlay::Branches(list)) = &state.overlay else { return };
    let Some(chosen) = list.items.get(list.selected) else { return };
    let (end, shown) = (chosen.end, chosen.shown);
    state.overlay = None;
    if shown {
        // One is there.
        return;
    }
    if state.running().is_some() {
        notes::toast(state, Tone::Warn, "a reply is running: Esc stops it");
        return;
    }
    state.sessions.opening = None;
    fx.push(Effect::Recall(Recall::OpenAt(state.session, Spot::Message(end))));
}

/// An earlier message was edited: what followed it is another way now.
pub(super) fn left_behind(state: &mut AppState) {
    let keep = state.snapshot.as_ref().map(|snapshot| snapshot.config.ledger.keep);
    if state.private == PrivateChat::Off && keep == Some(KeepWhat::All) {
        notes::toast(state, Tone::Info, "the way it went before is kept: /tree");
    }
}

/// A chat was opened that went other ways too.
pub(super) fn others(state: &mut AppState, count: usize) {
    if count > 0 {
        let others =
            if count == 1 { "another way".to_owned() } else { format!("{count} other ways") };
        notes::toast(state, Tone::Info, format!("this chat went {others} too: /tree"));
    }
}

/// Shows the place a chat is opened at, if there is one and it is on the way that is shown.
pub(super) fn arrived(state: &mut AppState) -> Arrival {
    let Some((_, spot)) = state.sessions.opening.take_if(|(id, _)| *id == state.session) else {
        return Arrival::AtTheEnd;
    };
    let place = state.transcript.cells.iter().position(|cell| match (cell, spot) {
        (Cell::Reply(reply), Spot::Answer(request)) => {
            reply.request == request || reply.routed_as() == request
        }
        (Cell::Reply(reply), Spot::Message(id)) => reply.request.0 == id.0,
        (Cell::User(user), Spot::Message(id)) => user.id == id,
        (Cell::User(_), Spot::Answer(_)) | (Cell::Note(_), _) => false,
    });
    let Some(cell) = place else { return Arrival::Elsewhere(spot) };
    state.focus = Focus::Read;
    read::go_to(state, cell);
    Arrival::There
}

/// Where one is in a chat that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// No place was asked for.
    AtTheEnd,
    /// At the place.
    There,
    /// The place is not on the way that is shown.
    Elsewhere(Spot),
}
