//! `/private`: the open chat asks models on this machine only, and nothing of it is stored.
//!
//! Invariant: what was said in private never leaves with a later request and is never stored later:
//! whoever leaves the private chat begins another, and nothing of it can be read from then on.

use crate::console::composer::{self, Draft};
use crate::domain::{Audience, PRIVATE, PinScope, is_private};

use crate::engine::Command;

use super::super::{AppState, Effect, PrivateChat, Tone};
use super::{Effects, notes, send};

/// `/private on`, `/private off`; alone it tells how it stands.
pub(super) fn run(state: &mut AppState, fx: &mut Effects, word: &str) -> Result<(), String> {
    match (word, state.private) {
        ("", PrivateChat::Off) => {
            let text = "not private; /private on: this machine only, nothing stored";
            notes::note(state, Tone::Info, text);
        }
        ("", PrivateChat::Fresh | PrivateChat::Begun) | ("on", PrivateChat::Begun) => {
            let text = "private: this machine only, nothing stored; /private off or /new ends it";
            notes::note(state, Tone::Info, text);
        }
        ("on", PrivateChat::Off | PrivateChat::Fresh) => {
            state.private = PrivateChat::Fresh;
            state.composer.history.begin_private();
            let text = if state.transcript.cells.is_empty() {
                "private: this machine only, nothing stored; /private off or /new ends it"
            } else {
                "private from here on: this machine only, nothing stored; what was said before stays kept"
            };
            notes::note(state, Tone::Good, text);
            send::preview(state, fx);
        }
        ("off", PrivateChat::Off) => notes::toast(state, Tone::Info, "this chat is not private"),
        ("off", PrivateChat::Fresh) => {
            leave(state, fx);
            let system = state.system.is_some() && state.system_for == Audience::Here;
            let words = if system {
                "not private from here on; the system prompt goes along only with #private"
            } else {
                "not private from here on"
            };
            notes::note(state, Tone::Good, words);
            send::preview(state, fx);
        }
        ("off", PrivateChat::Begun) => {
            send::new_chat(state, fx);
            notes::toast(state, Tone::Good, "a new chat; of the private one nothing is kept");
            send::preview(state, fx);
        }
        (other, _) => return Err(format!("{other:?} is not on or off")),
    }
    Ok(())
}

/// Leaves the private chat, if this is one: nothing that was said in it can be read any more, in the
/// routing log or among earlier prompts.
pub(super) fn leave(state: &mut AppState, fx: &mut Effects) {
    if state.private == PrivateChat::Off {
        return;
    }
    state.private = PrivateChat::Off;
    state.composer.end_private();
    mark_draft(state);
    // What is frozen would go on saying it.
    state.routes.frozen = None;
    fx.push(Effect::Command(Command::LeavePrivate(state.session)));
}

/// What was begun in private is sent in private wherever it is sent: the mark can be seen, and taken
/// away.
fn mark_draft(state: &mut AppState) {
    let text = state.composer.expanded();
    if state.composer.is_blank()
        || text.trim_start().starts_with('/')
        || is_private(&composer::parse(&text).tags)
    {
        return;
    }
    let draft = state.composer.draft();
    state.composer.set(Draft { text: format!("#{PRIVATE} {}", draft.text), ..draft });
    notes::toast(state, Tone::Info, "the draft was begun in private: it is marked so");
}

/// Why a message is not sent that was probably to stay on this machine: a mark of it is nearly
/// `#private`, and neither a rule nor a pin is for that one.
pub(super) fn refuse_doubtful(state: &AppState, text: &str) -> Result<(), String> {
    let parsed = composer::parse(text);
    let Some(snapshot) = &state.snapshot else { return Ok(()) };
    if state.private != PrivateChat::Off || is_private(&parsed.tags) {
        return Ok(());
    }
    let pinned = |mark: &str| {
        snapshot.overrides.pins.iter().any(|pin| match &pin.scope {
            PinScope::Tag(tag) => tag.eq_ignore_ascii_case(mark),
            PinScope::Message | PinScope::Session | PinScope::All => false,
        })
    };
    match snapshot.config.unruled(&parsed.doubtful).filter(|mark| !pinned(mark)) {
        None => Ok(()),
        Some(mark) => Err(format!("not sent: #{mark} keeps nothing here; did you mean #private?")),
    }
}

/// Why a private chat cannot be copied, named or written out.
pub(super) fn refuse(state: &AppState, what: &str) -> Result<(), String> {
    match state.private {
        PrivateChat::Off => Ok(()),
        PrivateChat::Fresh | PrivateChat::Begun => {
            Err(format!("nothing of a private chat is stored: it cannot be {what}"))
        }
    }
}
