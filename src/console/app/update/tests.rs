//! What the console does, key by key.

mod along;
mod branches;
mod budget;
mod cache;
mod chaos;
mod commands;
mod costs;
mod editing;
mod first_run;
mod kept;
mod mouse;
mod notices;
mod overlays;
mod overrides;
mod preview;
mod private;
mod queue;
mod reading;
mod replies;
mod sending;
mod settings;
mod stopping;

use crate::console::app::{AppState, Cell};

/// Who said what, in the order of the transcript.
fn texts(state: &AppState) -> Vec<String> {
    state
        .transcript
        .cells
        .iter()
        .map(|cell| match cell {
            Cell::User(user) => format!("you: {}", user.text),
            Cell::Reply(reply) => format!("reply: {}", reply.reply.text),
            Cell::Note(note) => format!("note: {}", note.text),
        })
        .collect()
}
