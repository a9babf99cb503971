//! Budgets in the console: `/budget`, and the question before a message that would go over one.
//!
//! Invariants: only `y` sends such a message over the budget, and for that message alone, and only `f`
//! has somebody answer who fits; Enter sends nothing. However else the question goes away, the message
//! is back in the draft and no longer part of the chat: what was not sent is not sent with the next.
//! What is typed on before the question can have been read is no answer to it: it goes to the draft.

use std::time::Duration;

use crossterm::event::KeyCode;

use crate::console::keys::Chord;
use crate::domain::{
    AtLimit, BudgetLimit, BudgetScope, ErrorReport, ModelName, Money, OverBudget, ProviderName,
    RequestId, UnixMs,
};
use crate::engine::{self, Command};

use super::super::{
    AppState, Asking, Cell, Confirm, Effect, Focus, Overlay, ReplyCell, Tone, View,
};
use super::slash::{STARTING, named};
use super::{Effects, notes, send};

/// How long a hand that writes a draft rests before a question takes the keys.
const RESTS: Duration = Duration::from_millis(900);

/// How long a question stands before a key can be an answer to it.
const SEEN: Duration = Duration::from_millis(350);

/// How long a letter stands alone before it is an answer: a slow hand writes three letters a second.
const ALONE: Duration = Duration::from_millis(500);

/// `/budget`: shows what is spent and allowed; `/budget day 2 ask` sets one, `/budget day off` takes it
/// away, for this run.
pub(super) fn run(
    state: &mut AppState,
    fx: &mut Effects,
    scope: &str,
    rest: &str,
) -> Result<(), String> {
    if scope.is_empty() {
        return show(state);
    }
    if scope == "off" || scope.parse::<AtLimit>().is_ok() {
        return Err(format!("which budget? /budget day {scope}"));
    }
    let scope = read_scope(state, scope)?;
    let mut rest = rest.split_whitespace();
    let usage = "/budget day|month|session|NAME AMOUNT|off [warn|ask|stop]";
    let Some(amount) = rest.next() else { return show_one(state, scope) };
    let at_limit = rest.next();
    if rest.next().is_some() {
        return Err(usage.to_owned());
    }
    let limit = match amount {
        "off" => None,
        amount => {
            let digits = amount.strip_prefix('$').unwrap_or(amount);
            let limit: Money = match (amount.parse::<AtLimit>(), at_limit) {
                // What happens at the limit alone.
                (Ok(at_limit), None) => return change(state, fx, scope, at_limit),
                _ => digits.parse().map_err(|error| {
                    format!("{amount} is no amount for a budget ({error}): 2.50, or off")
                })?,
            };
            if limit <= Money::ZERO {
                return Err("a budget is more than nothing; off takes it away".to_owned());
            }
            let at_limit = at_limit.map_or(Ok(AtLimit::default()), str::parse)?;
            Some(BudgetLimit { limit, at_limit })
        }
    };
    set(state, fx, scope, limit);
    Ok(())
}

/// Another thing happens at the limit of a budget that is set.
fn change(
    state: &mut AppState,
    fx: &mut Effects,
    scope: BudgetScope,
    at_limit: AtLimit,
) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let limit = snapshot.budget.budget().limit(&scope);
    let limit = limit.ok_or_else(|| format!("{scope} is not set: give an amount first"))?;
    set(state, fx, scope, Some(BudgetLimit { at_limit, ..limit }));
    Ok(())
}

fn set(state: &mut AppState, fx: &mut Effects, scope: BudgetScope, limit: Option<BudgetLimit>) {
    let text = match limit {
        Some(limit) => {
            let then = limit.at_limit.name();
            format!("{scope}: {}, then {then}; for this run", limit.limit.in_full())
        }
        None => format!("{scope}: none, for this run"),
    };
    notes::toast(state, Tone::Good, text);
    fx.push(Effect::Command(Command::Budget { scope, limit }));
}

/// How one budget stands.
fn show_one(state: &mut AppState, scope: BudgetScope) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let words = engine::budget_words(&snapshot.budget.line(scope, &snapshot.calendar));
    notes::note(state, Tone::Info, words);
    Ok(())
}

fn read_scope(state: &AppState, text: &str) -> Result<BudgetScope, String> {
    match text {
        "day" => return Ok(BudgetScope::Day),
        "month" => return Ok(BudgetScope::Month),
        "session" | "chat" => return Ok(BudgetScope::Session(state.session)),
        _ => {}
    }
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let providers = snapshot.providers.keys().map(ProviderName::as_str);
    let models = snapshot.models.keys().map(ModelName::as_str);
    let what = "day, month, session, provider or model";
    let name = named(text, &models.chain(providers), what)?;
    Ok(if snapshot.models.contains_key(name) {
        BudgetScope::Model(name.into())
    } else {
        BudgetScope::Provider(name.into())
    })
}

fn show(state: &mut AppState) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let mut lines: Vec<String> = snapshot
        .budget
        .lines(Some(state.session), &snapshot.calendar)
        .iter()
        .map(engine::budget_words)
        .collect();
    lines.extend(snapshot.balances.iter().map(|(provider, reading)| reading.words(provider)));
    if snapshot.budget.budget().is_empty() {
        lines.push("no budget is set: /budget day 2".to_owned());
    }
    notes::note(state, Tone::Info, lines.join("\n"));
    Ok(())
}

/// Asks before a message goes over a budget, when the engine says that one wants to be asked. Under
/// a hand that is typing the question waits until it rests: none of those letters was an answer.
pub(super) fn ask_first(state: &mut AppState, index: usize) {
    let Some(Cell::Reply(reply)) = state.transcript.cells.get(index) else { return };
    if question(reply).is_none() {
        return;
    }
    let request = reply.request;
    let typing = state.overlay.is_none() && takes_letters(state) && !state.composer.is_blank();
    state.question =
        Some(Asking { request, from: later(state, typing), stands: false, given: None });
    if !typing && state.overlay.is_none() {
        open(state, request);
    }
}

/// Letters typed now go to the draft.
fn takes_letters(state: &AppState) -> bool {
    state.focus == Focus::Composer && state.view == View::Chat
}

/// When a question may be answered, or shown.
fn later(state: &AppState, typing: bool) -> UnixMs {
    state.now + if typing { RESTS } else { SEEN }
}

/// Shows the question.
fn open(state: &mut AppState, request: RequestId) {
    let asked = state.transcript.cells.iter().rev().find_map(|cell| match cell {
        Cell::Reply(reply) if reply.request == request => Some(reply),
        Cell::Reply(_) | Cell::User(_) | Cell::Note(_) => None,
    });
    let Some((reply, error)) = asked.and_then(|reply| Some((reply, question(reply)?))) else {
        state.question = None;
        return;
    };
    let question = error.message.clone();
    let decision = reply.reply.decision.as_ref();
    let fits = decision.and_then(|decision| engine::fits(error, decision)).cloned();
    state.overlay = Some(Overlay::Confirm(Confirm { question, fits, reply: request }));
    state.question = Some(Asking { request, from: later(state, false), stands: true, given: None });
}

/// What a budget asks instead of an answer, if it does.
pub(super) fn question(reply: &ReplyCell) -> Option<&ErrorReport> {
    let error = reply.reply.outcome.as_ref()?.error.as_ref()?;
    (error.code == engine::ASKS_FIRST).then_some(error)
}

/// A question that waited for the hand to rest is shown; one that nobody sees any more was a no; an
/// answer that stood alone for long enough is one.
pub(super) fn settle(state: &mut AppState, fx: &mut Effects) {
    let Some(asking) = state.question else { return };
    match &state.overlay {
        Some(Overlay::Confirm(confirm)) if confirm.reply == asking.request => {
            let alone = alone(state);
            if let Some((letter, _)) = asking.given.filter(|(_, at)| *at + alone <= state.now) {
                answer(state, fx, letter);
            }
            return;
        }
        None if !asking.stands => {
            if asking.from <= state.now {
                open(state, asking.request);
            }
            return;
        }
        Some(_) | None => {}
    }
    state.question = None;
    send::unsay(state, asking.request);
}

/// How long a letter stands alone before it is an answer: longer where a draft is begun, since whoever
/// began it probably goes on with it.
fn alone(state: &AppState) -> Duration {
    if state.composer.is_blank() { ALONE } else { RESTS }
}

/// When a question wants to be looked at again.
pub(super) fn due(state: &AppState) -> Option<UnixMs> {
    let asking = state.question?;
    match asking.given {
        Some((_, at)) => Some(at + alone(state)),
        None => (!asking.stands).then_some(asking.from),
    }
}

/// A key while a question stands or waits to be shown; `false` when it is for somebody else.
pub(super) fn key(state: &mut AppState, fx: &mut Effects, key: Chord) -> bool {
    let Some(asking) = state.question else { return false };
    if asking.stands {
        let Some(Overlay::Confirm(confirm)) = &state.overlay else { return false };
        let Some(letter) = key.typed() else { return false };
        let answers = match letter {
            'y' | 'Y' | 'n' | 'N' => true,
            'f' | 'F' => confirm.fits.is_some(),
            _ => false,
        };
        let seen = state.now >= asking.from;
        if !takes_letters(state) {
            // Letters are no text here, so this one was meant, or nothing.
            if seen && answers {
                answer(state, fx, letter);
            }
            return true;
        }
        if seen && answers && asking.given.is_none() {
            state.question = Some(Asking { given: Some((letter, state.now)), ..asking });
            return true;
        }
        // Somebody writes on: none of it was an answer.
        state.overlay = None;
        if let Some((letter, _)) = asking.given {
            state.composer.type_char(letter);
        }
    } else if !writes(key) {
        open(state, asking.request);
        return true;
    }
    let from = later(state, true);
    state.question = Some(Asking { from, stands: false, given: None, ..asking });
    false
}

/// Does this key write in the draft, and nothing else?
fn writes(key: Chord) -> bool {
    key.typed().is_some()
        || matches!(key.code, KeyCode::Backspace | KeyCode::Delete | KeyCode::Left | KeyCode::Right)
}

/// Carries out what a letter says.
fn answer(state: &mut AppState, fx: &mut Effects, letter: char) {
    let Some(Overlay::Confirm(confirm)) = &state.overlay else { return };
    let request = confirm.reply;
    let allowance = match letter {
        'y' | 'Y' => Some(OverBudget::Allowed),
        'f' | 'F' => Some(OverBudget::Within),
        _ => None,
    };
    state.overlay = None;
    state.question = None;
    match allowance {
        Some(allowance) => send::refused(state, fx, request, allowance),
        None => send::unsay(state, request),
    }
}
