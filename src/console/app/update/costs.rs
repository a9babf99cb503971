//! The Costs view: which days, by what, and when it is asked for again.
//!
//! Invariant: at most one question is on its way; an answer to another question than the one that is
//! shown is not taken for its answer.

use super::super::{AppState, CostReport, Effect, Focus, Recall, Recalled, Tone, View, Waiting};
use super::{Effects, notes};

/// Opens the view.
pub(super) fn enter(state: &mut AppState, fx: &mut Effects) {
    state.view = View::Costs;
    state.focus = Focus::List;
    ask(state, fx);
}

/// Asks for what the view shows; while an answer is on its way, once more when it is here.
pub(super) fn ask(state: &mut AppState, fx: &mut Effects) {
    let costs = &mut state.costs;
    match costs.waiting {
        Waiting::No => {
            costs.waiting = Waiting::Yes;
            fx.push(Effect::Recall(Recall::Costs { window: costs.window, group: costs.group }));
        }
        Waiting::Yes | Waiting::Again => costs.waiting = Waiting::Again,
    }
}

/// Money was spent: an open view follows.
pub(super) fn spent(state: &mut AppState, fx: &mut Effects) {
    if state.view == View::Costs {
        ask(state, fx);
    }
}

/// Other days.
pub(super) fn next_window(state: &mut AppState, fx: &mut Effects) {
    state.costs.window = state.costs.window.next();
    state.costs.top = 0;
    ask(state, fx);
}

/// By something else.
pub(super) fn next_group(state: &mut AppState, fx: &mut Effects) {
    state.costs.group = state.costs.group.next();
    state.costs.top = 0;
    ask(state, fx);
}

/// Scrolls by lines.
pub(super) fn scroll(state: &mut AppState, lines: isize) {
    let most = state.geometry().list_scroll_most;
    state.costs.top = state.costs.top.saturating_add_signed(lines).min(most);
}

/// An answer came.
pub(super) fn recalled(
    state: &mut AppState,
    fx: &mut Effects,
    asked: &Recall,
    answer: Result<Recalled, String>,
) {
    let Recall::Costs { window, group } = *asked else { return };
    let stale = state.costs.waiting == Waiting::Again;
    state.costs.waiting = Waiting::No;
    match answer {
        Ok(Recalled::Costs(report)) => {
            if (window, group) == (state.costs.window, state.costs.group) {
                show(state, report);
            }
        }
        Ok(
            Recalled::Sessions(_) | Recalled::Session(_) | Recalled::Done(_) | Recalled::Report(_),
        ) => {}
        Err(why) => {
            if state.view == View::Costs && state.costs.shown.is_some() {
                notes::toast(state, Tone::Bad, why.clone());
            }
            state.costs.trouble = Some(why);
        }
    }
    if stale {
        ask(state, fx);
    }
}

fn show(state: &mut AppState, report: Box<CostReport>) {
    let costs = &mut state.costs;
    costs.trouble = None;
    costs.shown = Some((costs.window, costs.group, report));
    let most = state.geometry().list_scroll_most;
    state.costs.top = state.costs.top.min(most);
}
