//! Stepping back: Esc, Ctrl+C, and what they stop.

use std::time::Duration;

use crate::domain::Finish;

use super::super::{
    AppState, Armed, Cell, Effect, FindPhase, Focus, Overlay, PrivateChat, QueuePhase, ReplyPhase,
    Rewind, Stage, Tone, View,
};
use super::{Effects, changed_cell, notes, reply, send};

/// A second Ctrl+C within this quits.
const QUIT_WITHIN: Duration = Duration::from_secs(2);
/// A second Esc within this takes back the queue or opens the rewind list.
const REWIND_WITHIN: Duration = Duration::from_secs(1);

/// Stops the reply that runs, keeping its text. `false` when none runs.
pub(super) fn stop(state: &mut AppState, fx: &mut Effects) -> bool {
    let now = state.now;
    let Some((index, request)) = state.running().map(|(index, cell)| (index, cell.request)) else {
        return false;
    };
    let snapshot = state.snapshot.clone();
    let mut waits = false;
    if let Some(Cell::Reply(cell)) = state.transcript.cells.get_mut(index) {
        waits = cell.phase == ReplyPhase::Held;
        cell.stopped = true;
        cell.last_at = now;
        reply::finish(cell, Finish::Cancelled, snapshot.as_deref());
    }
    changed_cell(state, index);
    if waits {
        // Nobody was asked: as a no to a budget's question.
        send::unsay(state, request);
    } else {
        state.meters.asked += 1;
    }
    if !state.queue.is_empty() {
        state.queue_phase = QueuePhase::Held;
    }
    fx.push(Effect::Cancel(request));
    true
}

/// Esc while writing: close, stop, then read; twice takes back.
pub(super) fn escape(state: &mut AppState, fx: &mut Effects) {
    if state.completion.take().is_some() {
        return;
    }
    if matches!(state.armed, Armed::Rewind { .. }) {
        state.armed = Armed::No;
        again(state);
        return;
    }
    if state.editing.take().is_some() {
        let draft = state.composer.take();
        state.composer.history.push(draft);
        return;
    }
    if !stop(state, fx) {
        if state.transcript.cells.is_empty() {
            return;
        }
        super::read::enter(state);
    }
    state.armed = Armed::Rewind { until: state.now + REWIND_WITHIN };
}

/// The second Esc: take back what waits, else choose a message to go back to.
pub(super) fn again(state: &mut AppState) {
    state.focus = Focus::Composer;
    if send::take_back(state) {
        return;
    }
    let cells = state.transcript.cells.iter().enumerate().rev();
    let items: Vec<usize> =
        cells.filter(|(_, cell)| matches!(cell, Cell::User(_))).map(|(index, _)| index).collect();
    if !items.is_empty() {
        state.overlay = Some(Overlay::Rewind(Rewind { items, selected: 0 }));
    }
}

/// Esc or `q` in a pane that is not the draft.
pub(super) fn back(state: &mut AppState) {
    if matches!(state.armed, Armed::Rewind { .. }) {
        state.armed = Armed::No;
        again(state);
        return;
    }
    if state.transcript.find.take().is_some() {
        return;
    }
    if state.focus == Focus::Detail {
        state.focus = Focus::List;
        return;
    }
    state.view = View::Chat;
    state.focus = Focus::Composer;
    state.looks.zoom = super::super::Zoom::Off;
}

/// Leaves; where something would be lost by it, on the second press.
pub(super) fn leave(state: &mut AppState, fx: &mut Effects) {
    let mut lost = Vec::new();
    if state.running().is_some() {
        lost.push("an answer is coming".to_owned());
    }
    if state.question.is_some() {
        lost.push("a message was not sent".to_owned());
    }
    if !state.queue.is_empty() {
        lost.push(format!("{} queued", state.queue.len()));
    }
    if !state.composer.is_blank() {
        lost.push("a draft is begun".to_owned());
    }
    if state.private == PrivateChat::Begun {
        lost.push("a private chat is not kept".to_owned());
    }
    if lost.is_empty() || matches!(state.armed, Armed::Quit { .. }) {
        super::quit(state, fx);
        return;
    }
    state.armed = Armed::Quit { until: state.now + QUIT_WITHIN };
    let words = format!("once more quits: {}", lost.join(", "));
    notes::toast(state, Tone::Warn, words);
}

/// Ctrl+C: close, stop, clear, then quit on the second press.
pub(super) fn interrupt(state: &mut AppState, fx: &mut Effects) {
    if let Armed::Quit { .. } = state.armed {
        super::quit(state, fx);
        return;
    }
    if state.overlay.take().is_some() || state.completion.take().is_some() {
        return;
    }
    if let Some(find) = &state.transcript.find
        && find.phase == FindPhase::Typing
    {
        state.transcript.find = None;
        return;
    }
    if matches!(state.stage, Stage::Main) {
        if stop(state, fx) {
            return;
        }
        if !state.composer.is_empty() || state.composer.chip.is_some() {
            let draft = state.composer.take();
            state.composer.history.push(draft);
            state.editing = None;
            return;
        }
    }
    state.armed = Armed::Quit { until: state.now + QUIT_WITHIN };
    notes::toast(state, Tone::Info, "Ctrl+C again quits");
}
