//! The configuration changed while the console runs: how it looks and listens follows.
//!
//! Invariant: only what the file says otherwise than before changes; what was chosen by hand since
//! stays. Keys that clash are told and change nothing.

use std::sync::Arc;

use crate::config::ConsoleSettings;
use crate::console::keys::Keymap;
use crate::text::Tongue;

use super::super::{AppState, Effect, Glyphs, Mouse, Tone};
use super::{Effects, notes};

/// Takes over what differs.
pub(super) fn follow(
    state: &mut AppState,
    fx: &mut Effects,
    old: &ConsoleSettings,
    new: &ConsoleSettings,
) {
    if (&old.send, &old.keys) != (&new.send, &new.keys) {
        match Keymap::configured(new) {
            Ok(keymap) => {
                state.keymap = Arc::new(keymap);
                // Half a chord of the old keys means nothing in the new ones.
                state.pending = None;
            }
            Err(errors) => {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                let text = format!("the keys stay as they were: {first}");
                notes::note(state, Tone::Bad, text);
            }
        }
    }
    if old.theme != new.theme {
        let name = if new.theme.is_empty() { "terminal" } else { &new.theme };
        fx.push(Effect::SetTheme(name.to_owned()));
    }
    if old.ascii != new.ascii {
        state.looks.glyphs = if new.ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        fx.push(Effect::Redraw);
    }
    if old.mouse != new.mouse {
        state.looks.mouse = Mouse::named(&new.mouse);
        fx.push(Effect::SetMouse(state.looks.mouse));
    }
    if old.language != new.language
        && let Some(tongue) = Tongue::named(&new.language)
    {
        state.looks.tongue = tongue;
    }
    if old.baseline != new.baseline {
        state.baseline = new.baseline.as_deref().map(Into::into);
    }
}
