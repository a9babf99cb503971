//! The Routes view: its list, its filter, and what is done with an entry.

use std::fmt::Write as _;

use std::sync::Arc;

use crossterm::event::KeyCode;

use crate::console::keys::Chord;
use crate::domain::RequestId;
use crate::engine::{Command, LogEntry, Veto};

use super::super::{
    AppState, Cell, Effect, FilterPhase, Focus, Follow, PickFor, Recall, Recalled, Tone, View,
};
use super::{Effects, notes, picker, read};

/// Opens the log on a request, with what led to it. One the log does not have is of another run, or too
/// old: the ledger is asked first.
pub(super) fn show(state: &mut AppState, fx: &mut Effects, request: RequestId) {
    state.routes.filter.phase = FilterPhase::Off;
    let known = state.routes_entries().iter().any(|entry| entry.request == request);
    // What runs will be in the log with the next snapshot.
    let running = state.running().is_some_and(|(_, reply)| reply.request == request);
    if known || running {
        select(state, fx, request);
    } else {
        fx.push(Effect::Recall(Recall::Why(request)));
    }
}

/// What was kept of how a request was routed came.
pub(super) fn recalled(state: &mut AppState, fx: &mut Effects, answer: Result<Recalled, String>) {
    match answer {
        Ok(Recalled::Why(entry)) => {
            let request = entry.request;
            state.routes.kept = Some(Arc::from(entry));
            select(state, fx, request);
        }
        Ok(
            Recalled::Costs(_)
            | Recalled::Sessions(_)
            | Recalled::Session(_)
            | Recalled::Branches(_)
            | Recalled::Done(_)
            | Recalled::Report(_),
        ) => {}
        Err(why) => notes::toast(state, Tone::Bad, why),
    }
}

fn select(state: &mut AppState, fx: &mut Effects, request: RequestId) {
    state.view = View::Routes;
    state.focus = Focus::Detail;
    state.routes.follow = Follow::Selected(request);
    moved(state, fx);
}

/// Opens the log where it was left.
pub(super) fn enter(state: &mut AppState, fx: &mut Effects) {
    state.view = View::Routes;
    state.focus = Focus::List;
    moved(state, fx);
}

/// Moves the selection by entries; up is newer. The list shows the newest first.
pub(super) fn step(state: &mut AppState, lines: isize) {
    let entries = state.routes_entries();
    if entries.is_empty() {
        return;
    }
    let at = state.routes_selected().map_or(0, |(at, _)| at);
    let to = at.saturating_add_signed(lines).min(entries.len() - 1);
    state.routes.follow =
        if to == 0 && lines < 0 { Follow::Newest } else { Follow::Selected(entries[to].request) };
    keep_in_sight(state, to);
}

/// Scrolls what explains the selected entry.
pub(super) fn scroll_detail(state: &mut AppState, lines: isize) {
    state.routes.detail_top = state.routes.detail_top.saturating_add_signed(lines);
}

/// A click on an entry selects it; where its detail is not beside it, one more opens that.
pub(super) fn click(state: &mut AppState, fx: &mut Effects, entry: usize) {
    let entries = state.routes_entries();
    let Some(clicked) = entries.get(entry) else { return };
    let again = state.routes_selected().is_some_and(|(at, _)| at == entry);
    if again && state.geometry().detail_rows == 0 {
        open(state);
        return;
    }
    state.routes.follow = Follow::Selected(clicked.request);
    moved(state, fx);
}

fn keep_in_sight(state: &mut AppState, at: usize) {
    let rows = usize::from(state.geometry().list_rows).max(1);
    let top = &mut state.routes.top;
    *top = (*top).clamp((at + 1).saturating_sub(rows), at);
}

/// The selection may be another: the detail begins at its top, and other policies are asked.
pub(super) fn moved(state: &mut AppState, fx: &mut Effects) {
    let Some((at, entry)) = state.routes_selected() else { return };
    keep_in_sight(state, at);
    if state.routes.contest.as_ref().map(|contest| contest.request) != Some(entry.request) {
        state.routes.detail_top = 0;
        state.routes.contest = None;
        fx.push(Effect::Contest(entry));
    }
}

/// A new snapshot: an open log follows it.
pub(super) fn refreshed(state: &mut AppState, fx: &mut Effects) {
    if state.view == View::Routes {
        moved(state, fx);
    }
}

/// Opens the line that filters.
pub(super) fn filter(state: &mut AppState) {
    state.view = View::Routes;
    state.focus = Focus::List;
    state.routes.filter.phase = FilterPhase::Typing;
}

/// Keys of the line that filters. `true` when it took one.
pub(super) fn filter_key(state: &mut AppState, key: Chord) -> bool {
    let shown = state.view == View::Routes && state.focus == Focus::List;
    let filter = &mut state.routes.filter;
    if filter.phase != FilterPhase::Typing || state.overlay.is_some() || !shown {
        return false;
    }
    match key.code {
        KeyCode::Enter => {
            filter.phase =
                if filter.query.text().is_empty() { FilterPhase::Off } else { FilterPhase::On };
        }
        KeyCode::Esc => {
            filter.query.clear();
            filter.phase = FilterPhase::Off;
        }
        _ => return false,
    }
    true
}

/// Another filter: the list begins at its top.
pub(super) fn filter_changed(state: &mut AppState) {
    state.routes.top = 0;
}

/// Switches the filter off and on.
pub(super) fn toggle_filter(state: &mut AppState) {
    let filter = &mut state.routes.filter;
    filter.phase = match filter.phase {
        FilterPhase::Off if !filter.query.text().is_empty() => FilterPhase::On,
        FilterPhase::Off => FilterPhase::Typing,
        FilterPhase::On | FilterPhase::Typing => FilterPhase::Off,
    };
}

/// Freezes the screen, or lets it go on.
pub(super) fn freeze(state: &mut AppState) {
    state.routes.frozen = match state.routes.frozen.take() {
        Some(_) => None,
        None => state.snapshot.clone(),
    };
}

fn cell_of(state: &AppState, request: RequestId) -> Option<usize> {
    state.transcript.cells.iter().position(|cell| match cell {
        Cell::Reply(reply) => reply.routed_as() == request,
        Cell::User(_) | Cell::Note(_) => false,
    })
}

/// Opens the selected entry: its detail where only the list shows, else its place in the chat.
pub(super) fn open(state: &mut AppState) {
    if state.focus == Focus::List && state.geometry().detail_rows == 0 {
        if state.routes_selected().is_some() {
            state.focus = Focus::Detail;
        }
        return;
    }
    open_chat(state);
}

/// Goes to the entry's place in the chat.
fn open_chat(state: &mut AppState) {
    let Some((_, entry)) = state.routes_selected() else { return };
    match cell_of(state, entry.request) {
        Some(cell) => {
            state.view = View::Chat;
            state.focus = Focus::Read;
            read::go_to(state, cell);
        }
        None => notes::toast(state, Tone::Info, "not in this chat"),
    }
}

/// Chooses another model for the entry's message.
pub(super) fn use_instead(state: &mut AppState) {
    let Some((_, entry)) = state.routes_selected() else { return };
    let question = cell_of(state, entry.request).and_then(|cell| read::question_of(state, cell));
    match question {
        Some(cell) => picker::open(state, PickFor::Resend(cell)),
        None => notes::toast(state, Tone::Info, "not in this chat"),
    }
}

/// The model that answered the entry, or was chosen for it, is not used any more.
pub(super) fn never(state: &mut AppState, fx: &mut Effects) {
    let Some((_, entry)) = state.routes_selected() else { return };
    let Some(model) = answered_by(&entry) else { return };
    state.undo = vec![Command::Allow(model.clone())];
    notes::toast(state, Tone::Good, format!("avoiding {model} until undone: Ctrl+X u"));
    fx.push(Effect::Command(Command::Avoid(Veto { name: model, until: None })));
}

fn answered_by(entry: &Arc<LogEntry>) -> Option<String> {
    let outcome = entry.outcome.as_ref().and_then(|outcome| outcome.model.as_ref());
    let chosen = entry.decision.chosen().map(|chosen| &chosen.model);
    outcome.or(chosen).map(|model| model.as_str().to_owned())
}

impl AppState {
    /// The entries of the log that pass the filter, newest first.
    pub fn routes_entries(&self) -> Vec<Arc<LogEntry>> {
        let Some(snapshot) = self.routes_snapshot() else { return Vec::new() };
        let filter = &self.routes.filter;
        let words: Vec<String> = match filter.phase {
            FilterPhase::Off => Vec::new(),
            FilterPhase::On | FilterPhase::Typing => {
                filter.query.text().to_lowercase().split_whitespace().map(str::to_owned).collect()
            }
        };
        let passes = |entry: &LogEntry| {
            if words.is_empty() {
                return true;
            }
            let mut text = format!("{} {}", entry.prompt, entry.decision.reason);
            if let Some(candidate) = entry.decision.chosen() {
                let _ = write!(text, " {} {}", candidate.model, candidate.provider);
            }
            for attempt in &entry.attempts {
                let _ = write!(text, " {} {} {}", attempt.model, attempt.provider, attempt.detail);
            }
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let known = |kept: &&Arc<LogEntry>| snapshot.log.iter().any(|e| e.request == kept.request);
        let kept = self.routes.kept.iter().filter(|kept| !known(kept));
        snapshot.log.iter().rev().chain(kept).filter(|entry| passes(entry)).cloned().collect()
    }

    /// The selected entry of the log and its place in the filtered list.
    pub fn routes_selected(&self) -> Option<(usize, Arc<LogEntry>)> {
        let entries = self.routes_entries();
        let at = match self.routes.follow {
            Follow::Newest => 0,
            Follow::Selected(request) => {
                entries.iter().position(|entry| entry.request == request).unwrap_or(0)
            }
        };
        entries.get(at).map(|entry| (at, Arc::clone(entry)))
    }
}
