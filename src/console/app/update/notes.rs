//! What the program itself says: notes in the transcript and toasts that go away.

use std::time::Duration;

use super::super::{AppState, Cell, NoteCell, Toast, Tone};

/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(4);

/// Puts a note in the transcript.
pub(super) fn note(state: &mut AppState, tone: Tone, text: impl Into<String>) {
    let cell = NoteCell { at: state.now, tone, text: text.into() };
    super::push_cell(state, Cell::Note(cell));
}

/// Shows a toast in place of the one before.
pub(super) fn toast(state: &mut AppState, tone: Tone, text: impl Into<String>) {
    toast_for(state, tone, text, TOAST);
}

/// Shows a toast for so long.
pub(super) fn toast_for(
    state: &mut AppState,
    tone: Tone,
    text: impl Into<String>,
    stays: Duration,
) {
    state.toast = Some(Toast { tone, text: text.into(), until: state.now + stays });
}
