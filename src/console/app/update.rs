//! How the state changes: a message in, effects out.
//!
//! Owns: the dispatch of messages, and what holds after each of them: sizes, timers, the preview.
//! Must not know: how an effect is carried out. Invariant: whatever arrives, in whatever order, the
//! state stays one that makes sense; a message about a request that is no longer known is dropped.

mod actions;
mod branches;
mod budget;
mod cache;
mod chaos;
mod complete;
mod costs;
mod escape;
mod first;
mod key;
mod mouse;
mod notes;
mod overlays;
mod picker;
mod private;
mod read;
mod reply;
mod routes;
mod send;
mod sessions;
mod settings;
mod slash;

use std::sync::Arc;

use crate::domain::UnixMs;
use crate::engine::Snapshot;

use super::{
    Answer, AppState, Armed, Cell, Copied, DecideFor, Effect, EnginePhase, Focused, Msg, Overlay,
    Preview, Recall, ReplyPhase, Scroll, Stage, Tone, View,
};

/// How often the waiting counter moves, in milliseconds.
const WAIT_TICK_MS: u64 = 100;

/// Effects, in the order they are to be carried out.
type Effects = Vec<Effect>;

/// Takes in a message that arrived at `now`.
pub fn update(state: &mut AppState, msg: Msg, now: UnixMs) -> Effects {
    state.now = now;
    let mut fx = Effects::new();
    let draft = (state.composer.revision(), state.composer.chip.clone());
    let mut decide_again = false;
    match msg {
        Msg::Key(event) => key::press(state, &mut fx, event.into()),
        Msg::Paste(text) => key::paste(state, &mut fx, &text),
        Msg::Wheel(lines) => wheel(state, &mut fx, lines),
        Msg::Pointer(pointer) => mouse::pointer(state, &mut fx, pointer),
        Msg::Resize(size) => state.size = size,
        Msg::Focused(focused) => {
            state.caps.focused = match focused {
                Focused::Gained => Answer::Yes,
                Focused::Lost => Answer::No,
            };
        }
        Msg::Caps(caps) => state.caps = caps,
        Msg::Background(background) => state.caps.background = background,
        Msg::Reply { request, events } => reply::events(state, &mut fx, request, events),
        Msg::ReplyClosed(request) => reply::closed(state, &mut fx, request),
        Msg::EngineReady(snapshot) => {
            state.engine = EnginePhase::Ready;
            state.snapshot = Some(snapshot);
            decide_again = true;
            send::next(state, &mut fx);
            sessions::refresh(state, &mut fx);
        }
        Msg::EngineFailed(why) => {
            notes::note(state, Tone::Bad, format!("could not start: {why}"));
            state.engine = EnginePhase::Failed(why);
        }
        Msg::Snapshot(snapshot) => {
            offer_undo(state, &snapshot);
            reply::accounted(state, &snapshot);
            let today = state.snapshot.as_ref().map(|old| old.today);
            if today.is_some_and(|today| today != snapshot.today) {
                // Others spend too.
                costs::spent(state, &mut fx);
            }
            if let Some(old) = state.snapshot.replace(Arc::clone(&snapshot))
                && !Arc::ptr_eq(&old.config, &snapshot.config)
            {
                settings::follow(state, &mut fx, &old.config.console, &snapshot.config.console);
            }
            decide_again = true;
            routes::refreshed(state, &mut fx);
        }
        Msg::Tick => {}
        Msg::PreviewDue => send::preview(state, &mut fx),
        Msg::Decided { purpose, decided } => match purpose {
            DecideFor::Preview(draft) => {
                let newest = state.preview.as_ref().is_none_or(|known| known.draft <= draft);
                if newest && !state.composer.is_blank() {
                    state.preview = Some(Preview { draft, decision: decided.decision });
                }
            }
            DecideFor::Test => {
                if let Some(Overlay::Test(card)) = &mut state.overlay {
                    card.decision = Some(decided.decision);
                }
            }
        },
        Msg::Contest(contest) => state.routes.contest = Some(contest),
        Msg::Detected(found) => first::detected(state, found),
        Msg::Copied(copied) => copied_toast(state, copied),
        Msg::NotSuspended => notes::toast(
            state,
            Tone::Warn,
            "not suspended: started without a shell, nobody would bring it back",
        ),
        Msg::Edited(Ok(text)) => {
            let chip = state.composer.chip.clone();
            state.composer.set(crate::console::composer::Draft::default());
            state.composer.set_chip(chip);
            state.composer.insert(text.trim_end());
        }
        Msg::Edited(Err(why)) => notes::toast(state, Tone::Bad, why),
        Msg::ConfigWritten(result) => first::written(state, result),
        Msg::ThemeSet(Ok(name)) => state.looks.theme = name,
        Msg::ThemeSet(Err(why)) => notes::toast(state, Tone::Bad, why),
        Msg::Faults(board) => chaos::board(state, board),
        Msg::Struck { order, result } => chaos::struck(state, &order, result),
        Msg::Recalled { asked, answer } => match asked {
            Recall::Costs { .. } => costs::recalled(state, &mut fx, &asked, answer),
            Recall::ExportCosts(_) => costs::exported(state, answer),
            Recall::Why(_) => routes::recalled(state, &mut fx, answer),
            Recall::Sessions { .. }
            | Recall::Open(_)
            | Recall::OpenAt(..)
            | Recall::Branches { .. }
            | Recall::Rename { .. }
            | Recall::Fork { .. }
            | Recall::Delete(_)
            | Recall::Export { .. }
            | Recall::Replay { .. } => sessions::recalled(state, &mut fx, &asked, answer),
        },
        Msg::Idle => refine(state, &mut fx),
        Msg::Terminate => quit(state, &mut fx),
    }
    settle(state, &mut fx);
    let changed = draft != (state.composer.revision(), state.composer.chip.clone());
    if state.composer.is_blank() {
        state.preview = None;
    } else if (changed || decide_again) && state.snapshot.is_some() {
        fx.push(Effect::SchedulePreview);
    }
    fx
}

/// Leaves.
fn quit(state: &mut AppState, fx: &mut Effects) {
    state.quitting = true;
    fx.push(Effect::Quit);
}

/// The wheel scrolls what it is over, as far as that is known: the list of an overlay, the list or
/// detail of the log, the chat.
fn wheel(state: &mut AppState, fx: &mut Effects, lines: isize) {
    if state.overlay.is_some() || !in_main(state) {
        overlays::select(state, lines.signum());
        return;
    }
    read::scroll(state, lines);
    if state.view == View::Routes {
        routes::moved(state, fx);
    }
}

fn copied_toast(state: &mut AppState, copied: Copied) {
    let size = |bytes: usize| {
        if bytes < 1000 {
            format!("{bytes} bytes")
        } else {
            format!("{:.1} kB", bytes as f64 / 1e3)
        }
    };
    match copied {
        Copied::Terminal { bytes } => {
            notes::toast(
                state,
                Tone::Good,
                format!("copied: sent to the terminal, {}, unconfirmed", size(bytes)),
            );
        }
        Copied::File { bytes, path } => {
            notes::toast(
                state,
                Tone::Good,
                format!("too much for a terminal, {}: {path}", size(bytes)),
            );
        }
        Copied::Failed(why) => notes::toast(state, Tone::Bad, format!("could not copy: {why}")),
    }
}

/// Measures a slice of what a resize left estimated.
fn refine(state: &mut AppState, fx: &mut Effects) {
    /// Bytes of text measured in one slice: a few milliseconds, so that a key never waits longer.
    const SLICE: usize = 16 * 1024;
    let transcript = &mut state.transcript;
    let unseen = transcript.scroll.new_below(&transcript.layout);
    if transcript.layout.refine(&transcript.cells, SLICE) {
        fx.push(Effect::RefineLayout);
    }
    if let Scroll::Anchored { seen, .. } = &mut transcript.scroll {
        // Rows that were only miscounted are not new.
        *seen = transcript.layout.lines().saturating_sub(unseen);
    }
}

/// What holds after every message.
fn settle(state: &mut AppState, fx: &mut Effects) {
    budget::settle(state, fx);
    let now = state.now;
    if state.toast.as_ref().is_some_and(|toast| toast.until <= now) {
        state.toast = None;
    }
    match state.armed {
        Armed::Quit { until } | Armed::Rewind { until } if until <= now => state.armed = Armed::No,
        Armed::No | Armed::Quit { .. } | Armed::Rewind { .. } => {}
    }
    let geometry = state.geometry();
    if state.view == View::Routes {
        state.routes.detail_top = state.routes.detail_top.min(geometry.detail_scroll_most);
    }
    let transcript = &mut state.transcript;
    if transcript.layout.width() != geometry.transcript_cols {
        let unseen = transcript.scroll.new_below(&transcript.layout);
        let anchor = match transcript.scroll {
            Scroll::Follow => transcript.cells.len().saturating_sub(1),
            Scroll::Anchored { cell, .. } => cell,
        };
        transcript.layout.set_width(geometry.transcript_cols, &transcript.cells, anchor);
        if let Scroll::Anchored { seen, .. } = &mut transcript.scroll {
            *seen = transcript.layout.lines().saturating_sub(unseen);
        }
        fx.push(Effect::RefineLayout);
    }
    if let Some(wait) = next_tick(state) {
        fx.push(Effect::ScheduleTick(wait));
    }
}

/// What a new notice says can be undone is the newest thing there is to undo.
fn offer_undo(state: &mut AppState, snapshot: &Snapshot) {
    let newest = |snapshot: &Snapshot| snapshot.notices.last().map(|notice| notice.at);
    let known = state.snapshot.as_deref().and_then(newest);
    let mut fresh = snapshot.notices.iter().rev().take_while(|notice| Some(notice.at) > known);
    if let Some(undo) = fresh.find_map(|notice| notice.undo.as_ref()) {
        state.undo = vec![undo.command()];
    }
}

/// When something changes on screen though nothing happens, in milliseconds from now.
fn next_tick(state: &AppState) -> Option<u64> {
    let until = |at: UnixMs| u64::try_from(state.now.until(at).as_millis()).unwrap_or(u64::MAX);
    let waiting = state.running().is_some_and(|(_, reply)| match reply.phase {
        ReplyPhase::Connecting
        | ReplyPhase::Held
        | ReplyPhase::Waiting(_)
        | ReplyPhase::Thinking(_) => true,
        ReplyPhase::Streaming(_) | ReplyPhase::Done => false,
    });
    let armed = match state.armed {
        Armed::No => None,
        Armed::Quit { until: at } | Armed::Rewind { until: at } => Some(until(at)),
    };
    // Every provider's countdown changes with the second, so one tick serves them all.
    let counting = counts_down(state).then(|| 1000 - state.now.0.rem_euclid(1000) as u64);
    let toast = state.toast.as_ref().map(|toast| until(toast.until));
    let asking = budget::due(state).map(until);
    let waiting = waiting.then_some(WAIT_TICK_MS);
    let ticks = [waiting, armed, counting, toast, asking, state.next_countdown()];
    ticks.into_iter().flatten().min()
}

/// Does anything on screen count down?
fn counts_down(state: &AppState) -> bool {
    let providers = state.snapshot.iter().flat_map(|snapshot| snapshot.providers.values());
    in_main(state)
        && providers.filter_map(|provider| provider.countdown).any(|count| count.until > state.now)
}

/// Appends a cell and lays it out.
fn push_cell(state: &mut AppState, cell: Cell) -> usize {
    state.transcript.push(cell)
}

/// Lays a cell out again after a change.
fn changed_cell(state: &mut AppState, index: usize) {
    state.transcript.changed(index);
}

/// The main views are up.
fn in_main(state: &AppState) -> bool {
    matches!(state.stage, Stage::Main)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
