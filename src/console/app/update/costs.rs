//! The Costs view: which days, by what, in which currency, which rows, and when it is asked for again.
//!
//! Invariants: at most one question is on its way; an answer to another question than the one that is
//! shown is not taken for its answer; what a filter leaves is found when it or the rows change, never
//! while drawing.

use std::time::Duration;

use crossterm::event::KeyCode;

use crate::console::keys::Chord;
use crate::domain::{Cost, Currency, Denomination};
use crate::engine::Command;
use crate::text;

use super::super::{
    AppState, CostItem, CostReport, CostRow, CostsTable, Effect, FilterPhase, Focus, Narrowed,
    Recall, Recalled, Spot, TableForm, Tone, View, Waiting,
};
use super::{Effects, notes, routes, sessions};

/// How long it is told where a file was written: so long that its path can be read or copied.
const TOLD_FOR: Duration = Duration::from_secs(12);

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
            // The top line stands over it: others' spending is to be as new there.
            fx.push(Effect::Command(Command::Opened(state.session)));
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

// ---- the filter ----------------------------------------------------------------------------

/// Opens the line that filters.
pub(super) fn filter(state: &mut AppState) {
    state.focus = Focus::List;
    state.costs.filter.phase = FilterPhase::Typing;
    filter_changed(state);
}

/// Keys of the line that filters, and Esc while it holds. `true` when it took one.
pub(super) fn filter_key(state: &mut AppState, key: Chord) -> bool {
    let shown = state.view == View::Costs && state.focus == Focus::List;
    let filter = &mut state.costs.filter;
    if !shown || state.overlay.is_some() {
        return false;
    }
    match (filter.phase, key.code) {
        (FilterPhase::Typing, KeyCode::Enter) => {
            let empty = filter.query.text().trim().is_empty();
            filter.phase = if empty { FilterPhase::Off } else { FilterPhase::On };
        }
        (FilterPhase::Typing | FilterPhase::On, KeyCode::Esc) => {
            filter.query.clear();
            filter.phase = FilterPhase::Off;
        }
        (FilterPhase::Off | FilterPhase::Typing | FilterPhase::On, _) => return false,
    }
    filter_changed(state);
    true
}

/// Switches the filter off and on.
pub(super) fn toggle_filter(state: &mut AppState) {
    let filter = &mut state.costs.filter;
    filter.phase = match filter.phase {
        FilterPhase::Off if !filter.query.text().trim().is_empty() => FilterPhase::On,
        FilterPhase::Off => FilterPhase::Typing,
        FilterPhase::On | FilterPhase::Typing => FilterPhase::Off,
    };
    filter_changed(state);
}

/// Another filter: the view begins at its top.
pub(super) fn filter_changed(state: &mut AppState) {
    state.costs.top = 0;
    narrow(state);
}

/// Finds what the filter leaves of the rows that are shown.
fn narrow(state: &mut AppState) {
    let typed = state.costs_filter().to_owned();
    state.costs.narrowed = match &state.costs.shown {
        Some((_, _, report)) if !typed.is_empty() => Some(left_of(&report.rows, &typed)),
        Some(_) | None => None,
    };
}

fn left_of(rows: &[CostRow], typed: &str) -> Narrowed {
    let kept = rows.iter().enumerate().filter(|(_, row)| text::holds(&row.name, typed));
    let rows: Vec<(usize, &CostRow)> = kept.collect();
    let none = CostRow { cost: Cost::ZERO, ..CostRow::default() };
    let total = rows.iter().fold(none, |sum, (_, row)| CostRow {
        name: sum.name,
        session: None,
        calls: sum.calls + row.calls,
        input: sum.input + row.input,
        output: sum.output + row.output,
        cached_input: sum.cached_input + row.cached_input,
        cost: sum.cost + row.cost,
    });
    Narrowed { rows: rows.into_iter().map(|(at, _)| at).collect(), total }
}

// ---- currency and files --------------------------------------------------------------------

/// The next currency that has a rate, round.
pub(super) fn next_currency(state: &mut AppState) {
    let Some(snapshot) = &state.snapshot else { return };
    let settings = &snapshot.config.currency;
    if settings.rates.is_empty() {
        let words = "only dollars have a rate; add others to the configuration: [currency] rates \
                     = { CNY = 7.12 }, or wheelhouse config set currency.rates.CNY 7.12";
        notes::toast_for(state, Tone::Info, words, TOLD_FOR);
        return;
    }
    let next = settings.after(state.denomination().currency());
    state.costs.currency = Some(next.currency());
}

/// Has the table written to a file, as it is shown.
pub(super) fn export(state: &AppState, fx: &mut Effects, form: TableForm) {
    let costs = &state.costs;
    fx.push(Effect::Recall(Recall::ExportCosts(CostsTable {
        window: costs.window,
        group: costs.group,
        filter: state.costs_filter().to_owned(),
        currency: state.denomination().currency(),
        form,
    })));
}

/// The file was written, or why not.
pub(super) fn exported(state: &mut AppState, answer: Result<Recalled, String>) {
    match answer {
        Ok(Recalled::Done(words)) => notes::toast_for(state, Tone::Good, words, TOLD_FOR),
        Ok(
            Recalled::Costs(_)
            | Recalled::Sessions(_)
            | Recalled::Session(_)
            | Recalled::Branches(_)
            | Recalled::Why(_)
            | Recalled::Report(_),
        ) => {}
        Err(why) => notes::toast_for(state, Tone::Bad, why, TOLD_FOR),
    }
}

impl AppState {
    /// What the rows of the Costs view must hold; empty while no filter holds.
    pub fn costs_filter(&self) -> &str {
        let filter = &self.costs.filter;
        match filter.phase {
            FilterPhase::Off => "",
            FilterPhase::Typing | FilterPhase::On => filter.query.text().trim(),
        }
    }

    /// What costs are shown in: what was chosen by hand while it has a rate, else what the
    /// configuration says.
    pub fn denomination(&self) -> Denomination {
        let Some(snapshot) = &self.snapshot else { return Denomination::Dollars };
        let settings = &snapshot.config.currency;
        match self.costs.currency {
            Some(Currency::USD) => Denomination::Dollars,
            Some(chosen) if settings.rates.contains_key(&chosen) => settings.denomination(chosen),
            Some(_) | None => settings.first(),
        }
    }
}

// ---- moving and answers --------------------------------------------------------------------

/// Moves by lines: by one, to what can be opened there; by more, the page.
pub(super) fn scroll(state: &mut AppState, lines: isize) {
    let geometry = state.geometry();
    let top = state.costs.top.min(geometry.list_scroll_most);
    let rows = usize::from(geometry.list_rows);
    let seen = |top: usize, line: usize| (top..top + rows).contains(&line);
    let items = &geometry.list_items;
    let chosen = items.iter().position(|(item, _)| state.costs.chosen == Some(*item));
    let one = lines.abs() == 1;
    if one
        && let Some((item, line)) = beyond(items, chosen, (top, rows), lines > 0)
        && seen(top, line)
    {
        state.costs.chosen = Some(item);
        return;
    }
    let top = top.saturating_add_signed(lines).min(geometry.list_scroll_most);
    state.costs.top = top;
    // A jump to an end goes to the end of what can be opened too.
    let far = lines.unsigned_abs() > rows;
    if far || chosen.is_none_or(|at| !seen(top, items[at].1)) {
        let mut left = items.iter().filter(|(_, line)| seen(top, *line));
        let nearest = if (lines > 0) == far { left.next_back() } else { left.next() };
        state.costs.chosen = nearest.map(|(item, _)| *item);
    }
}

/// What can be opened next after what is chosen, or first on the screen.
fn beyond(
    items: &[(CostItem, usize)],
    chosen: Option<usize>,
    (top, rows): (usize, usize),
    down: bool,
) -> Option<(CostItem, usize)> {
    match (chosen, down) {
        (Some(at), true) => items.get(at + 1),
        (Some(at), false) => at.checked_sub(1).and_then(|at| items.get(at)),
        (None, true) => items.iter().find(|(_, line)| *line >= top),
        (None, false) => items.iter().rev().find(|(_, line)| *line < top + rows),
    }
    .copied()
}

/// A press on a line that can be opened: chooses it, and opens what is chosen already.
pub(super) fn click(state: &mut AppState, fx: &mut Effects, item: CostItem) {
    state.focus = Focus::List;
    if state.costs.chosen == Some(item) {
        open(state, fx);
    } else {
        state.costs.chosen = Some(item);
    }
}

/// Opens what is chosen: a chat, a request in its chat, or how a request without one was routed. With
/// nothing chosen, chooses.
pub(super) fn open(state: &mut AppState, fx: &mut Effects) {
    let Some(chosen) = state.costs.chosen else { return scroll(state, 1) };
    match chosen {
        CostItem::Chat(id) => {
            state.sessions.opening = None;
            sessions::go(state, fx, id);
        }
        CostItem::Request(request) => {
            let dear = state.costs.shown.as_ref().and_then(|(_, _, report)| {
                report.dearest.iter().find(|dear| dear.request == request)
            });
            match dear.and_then(|dear| dear.session) {
                Some(id) => {
                    state.sessions.opening = Some((id, Spot::Answer(request)));
                    sessions::go(state, fx, id);
                }
                None => routes::show(state, fx, request),
            }
        }
    }
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
            Recalled::Sessions(_)
            | Recalled::Session(_)
            | Recalled::Branches(_)
            | Recalled::Why(_)
            | Recalled::Done(_)
            | Recalled::Report(_),
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
    narrow(state);
    let geometry = state.geometry();
    state.costs.top = state.costs.top.min(geometry.list_scroll_most);
    // What is gone from the screen is not opened.
    let here = |chosen: &CostItem| geometry.list_items.iter().any(|(item, _)| item == chosen);
    state.costs.chosen = state.costs.chosen.filter(here);
}
