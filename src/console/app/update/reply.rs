//! Taking in a reply: events fold into its cell, its end into the meters.
//!
//! Invariant: events of a request that is over or unknown change nothing, but for the last words of one
//! that was stopped.

use crate::domain::{
    Cost, Finish, FirstToken, ModelName, Money, Outcome, ReplyEvent, RequestId, UnixMs, Usage,
};

use crate::engine::{self, Snapshot};

use super::super::{
    Answer, AppState, Cell, Effect, QueuePhase, ReplyCell, ReplyPhase, RouteMark, RunningAttempt,
    Saved, SavedSum, Tone,
};
use super::{Effects, budget, changed_cell, costs, notes, send, sessions};

/// A reply that took longer than this rings when the user is elsewhere.
const BELL_AFTER_MS: u64 = 20_000;
/// Models remembered for F2 and the picker.
const RECENT: usize = 5;

fn find(state: &mut AppState, request: RequestId) -> Option<(usize, &mut ReplyCell)> {
    // Only the newest reply can be running.
    let newest =
        state.transcript.cells.iter_mut().enumerate().rev().find_map(|(index, cell)| match cell {
            Cell::Reply(reply) => Some((index, reply.as_mut())),
            Cell::User(_) | Cell::Note(_) => None,
        });
    newest.filter(|(_, reply)| reply.request == request && reply.phase.running())
}

/// Takes in events of a reply.
pub(super) fn events(
    state: &mut AppState,
    fx: &mut Effects,
    request: RequestId,
    events: Vec<ReplyEvent>,
) {
    let (now, tongue) = (state.now, state.looks.tongue);
    let Some((index, cell)) = find(state, request) else {
        late(state, request, &events);
        return;
    };
    let mut ended = false;
    for event in events {
        ended |= matches!(event, ReplyEvent::End(_));
        take(cell, &event, now);
    }
    let error = cell.reply.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    if let Some(error) = error.filter(|_| budget::question(cell).is_none()) {
        cell.told = Some(engine::tell(error, &cell.reply.attempts, tongue));
    }
    changed_cell(state, index);
    if ended {
        end(state, fx, index);
    }
}

/// Words that had come when the reply was stopped: they are kept, so they are shown. What it came to is
/// told by [`accounted`].
fn late(state: &mut AppState, request: RequestId, events: &[ReplyEvent]) {
    let newest = state.last_reply();
    let stopped = |(_, reply): &(usize, &ReplyCell)| reply.request == request && reply.stopped;
    let Some((index, _)) = newest.filter(stopped) else { return };
    let Some(Cell::Reply(cell)) = state.transcript.cells.get_mut(index) else { return };
    let said = |event: &&ReplyEvent| match event {
        ReplyEvent::Text(_)
        | ReplyEvent::Reasoning(_)
        | ReplyEvent::ToolCall { .. }
        | ReplyEvent::Seam(_)
        | ReplyEvent::Restart { .. } => true,
        ReplyEvent::Routed(_)
        | ReplyEvent::Held { .. }
        | ReplyEvent::Attempt { .. }
        | ReplyEvent::AttemptEnded(_)
        | ReplyEvent::FirstToken { .. }
        | ReplyEvent::Usage(_)
        | ReplyEvent::Verdict(_)
        | ReplyEvent::End(_) => false,
    };
    for event in events.iter().filter(said) {
        cell.reply.fold(event);
    }
    changed_cell(state, index);
}

/// Folds one event into a cell.
fn take(cell: &mut ReplyCell, event: &ReplyEvent, now: UnixMs) {
    cell.last_at = now;
    match event {
        ReplyEvent::Held { .. } => {
            if matches!(cell.phase, ReplyPhase::Connecting | ReplyPhase::Waiting(_)) {
                cell.phase = ReplyPhase::Held;
            }
        }
        ReplyEvent::Attempt { n, model, provider, kind, .. } => {
            cell.phase = ReplyPhase::Waiting(RunningAttempt {
                n: *n,
                model: model.clone(),
                provider: provider.clone(),
                kind: *kind,
                since: now,
            });
        }
        ReplyEvent::FirstToken { what, ms } => {
            cell.first_token = Some((*what, *ms));
            if let Some(attempt) = cell.phase.attempt().cloned() {
                cell.phase = match what {
                    FirstToken::Reasoning => ReplyPhase::Thinking(attempt),
                    FirstToken::Text => ReplyPhase::Streaming(attempt),
                };
            }
        }
        ReplyEvent::Text(text) => {
            cell.first_text_at.get_or_insert(now);
            cell.streamed_tenths += estimate_tenths(text);
            if let Some(attempt) = cell.phase.attempt().cloned() {
                cell.phase = ReplyPhase::Streaming(attempt);
            }
        }
        ReplyEvent::Reasoning(text) => {
            cell.streamed_tenths += estimate_tenths(text);
            if let ReplyPhase::Waiting(attempt) = &cell.phase {
                cell.phase = ReplyPhase::Thinking(attempt.clone());
            }
        }
        ReplyEvent::Restart { why } => {
            cell.restarts += 1;
            cell.restarted_because = Some(why.clone());
            cell.first_token = None;
            cell.first_text_at = None;
            cell.streamed_tenths = 0;
        }
        ReplyEvent::End(_) => cell.phase = ReplyPhase::Done,
        ReplyEvent::Routed(_)
        | ReplyEvent::AttemptEnded(_)
        | ReplyEvent::ToolCall { .. }
        | ReplyEvent::Seam(_)
        | ReplyEvent::Usage(_)
        | ReplyEvent::Verdict(_) => {}
    }
    cell.reply.fold(event);
}

/// Tokens a text is likely to be, in tenths: four ASCII characters to a token, seven tenths of a
/// token to any other. Good enough for a rate that moves; the provider's count replaces it.
fn estimate_tenths(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    ascii * 5 / 2 + other * 7
}

/// A stream closed. Without an end before it the engine is gone; the text is kept.
pub(super) fn closed(state: &mut AppState, fx: &mut Effects, request: RequestId) {
    let snapshot = state.snapshot.clone();
    let Some((index, cell)) = find(state, request) else { return };
    finish(cell, Finish::Error, snapshot.as_deref());
    changed_cell(state, index);
    end(state, fx, index);
}

/// What the running attempt took so far: reported where it was, else estimated.
fn used_so_far(cell: &ReplyCell, model: Option<&ModelName>) -> Usage {
    let running = cell.phase.attempt().filter(|attempt| {
        // One that ended has reported for itself.
        cell.reply.attempts.iter().all(|ended| ended.n != attempt.n)
    });
    if running.is_none() {
        return Usage { estimated: true, ..Usage::default() };
    }
    let streamed = cell.streamed_tenths / 10;
    if let Some(usage) = cell.reply.usage {
        return Usage { output: usage.output.max(streamed), estimated: true, ..usage };
    }
    let candidate = cell
        .reply
        .decision
        .as_ref()
        .zip(model)
        .and_then(|(decision, model)| decision.candidate(model.as_str()));
    let input = candidate.map_or(0, |candidate| candidate.estimate.input_tokens);
    Usage { input, output: streamed, estimated: true, ..Usage::default() }
}

/// Ends a reply from our side: stopped, or the stream broke off.
pub(super) fn finish(cell: &mut ReplyCell, finish: Finish, snapshot: Option<&Snapshot>) {
    let who = cell.model().map(|(model, provider)| (model.clone(), provider.clone()));
    let (model, provider) = who.unzip();
    let usage = used_so_far(cell, model.as_ref());
    let rates = snapshot
        .zip(model.as_ref())
        .and_then(|(snapshot, model)| snapshot.config.models.get(model))
        .and_then(|model| model.rates(cell.last_at, usage.input));
    let running = rates.map_or(Money::ZERO, |rates| rates.cost(&usage));
    cell.reply.outcome = Some(Outcome {
        finish,
        model,
        provider,
        model_id: None,
        usage,
        cost: cell
            .reply
            .attempts
            .iter()
            .fold(Cost { amount: running, exact: false }, |sum, attempt| sum + attempt.cost),
        wait_ms: cell
            .first_text_at
            .map(|at| u64::try_from(at.since(cell.asked_at).as_millis()).unwrap_or(u64::MAX)),
        ttft_ms: cell.first_token.map(|(_, ms)| ms),
        total_ms: u64::try_from(cell.last_at.since(cell.asked_at).as_millis()).unwrap_or(u64::MAX),
        answer_cost: None,
        cached: None,
        cache_note: None,
        error: None,
    });
    cell.phase = ReplyPhase::Done;
}

/// What a stopped reply came to, once the engine has said: it counted what was paid, this side only
/// guessed.
pub(super) fn accounted(state: &mut AppState, snapshot: &Snapshot) {
    let Some((index, reply)) = state.last_reply().filter(|(_, reply)| reply.stopped) else {
        return;
    };
    let request = reply.request;
    let entry = snapshot.log.iter().rev().find(|entry| entry.request == request);
    let Some((entry, outcome)) = entry.and_then(|it| Some((it, it.outcome.as_ref()?))) else {
        return;
    };
    let mut outcome = outcome.clone();
    if outcome.usage == Usage::default() {
        // Nothing was answered, and something was asked: that is what it took.
        outcome.usage = entry.attempts.iter().fold(Usage::default(), |sum, one| sum + one.usage);
    }
    if reply.reply.outcome.as_ref() == Some(&outcome) {
        return;
    }
    if let Some(Cell::Reply(reply)) = state.transcript.cells.get_mut(index) {
        reply.reply.attempts.clone_from(&entry.attempts);
        reply.reply.usage = Some(outcome.usage);
        reply.reply.outcome = Some(outcome);
    }
    changed_cell(state, index);
}

/// What the end of a reply changes besides its cell.
fn end(state: &mut AppState, fx: &mut Effects, index: usize) {
    let Some(Cell::Reply(cell)) = state.transcript.cells.get(index) else { return };
    let saved = saved(state, cell);
    let Some(Cell::Reply(cell)) = state.transcript.cells.get_mut(index) else { return };
    cell.saved.clone_from(&saved);
    let Some(outcome) = cell.reply.outcome.clone() else { return };
    let whole = cell.whole();
    let mark = cell.mark();
    let imposed = cell.reply.decision.as_ref().and_then(|decision| decision.imposed.clone());
    if budget::question(cell).is_some() {
        // Nobody was asked yet.
        budget::ask_first(state, index);
        hold(state);
        return;
    }
    state.transcript.let_go();
    let used_up =
        state.snapshot.as_ref().filter(|_| whole).map_or_else(Vec::new, |snapshot| {
            engine::used_up(snapshot, Some(state.session), &outcome)
        });
    if !used_up.is_empty() {
        notes::toast(state, Tone::Warn, used_up.join("; "));
    }
    let meters = &mut state.meters;
    meters.asked += 1;
    meters.answered += u32::from(whole);
    meters.fell_back += u32::from(whole && mark == RouteMark::FellBack);
    if let Some(imposed) = imposed.filter(|imposed| imposed.model.is_some()) {
        meters.overridden += 1;
        meters.agreed += u32::from(imposed.would_be == imposed.model);
    }
    if let Some(saved) = saved {
        meters.saved = Some(SavedSum::of(meters.saved.take(), saved));
    }
    if let Some(model) = outcome.model.filter(|_| whole) {
        state.recent_models.retain(|known| *known != model);
        state.recent_models.insert(0, model);
        state.recent_models.truncate(RECENT);
    }
    if outcome.total_ms >= BELL_AFTER_MS && state.caps.focused == Answer::No {
        fx.push(Effect::Bell);
    }
    changed_cell(state, index);
    costs::spent(state, fx);
    sessions::refresh(state, fx);
    if whole {
        send::next(state, fx);
    } else {
        hold(state);
    }
}

/// What waits goes on waiting.
fn hold(state: &mut AppState) {
    if !state.queue.is_empty() {
        state.queue_phase = QueuePhase::Held;
    }
}

/// What the baseline model would have cost for the same tokens, less what was paid: of an answer that
/// came whole, since with another there is nothing to compare. Of a reply from
/// another run it is reckoned from what was kept of it, by the prices of its day. What the cache saved
/// is not routing's doing, and is told by itself.
pub(super) fn saved(state: &AppState, cell: &ReplyCell) -> Option<Saved> {
    let outcome = cell
        .reply
        .outcome
        .as_ref()
        .filter(|o| o.usage.output > 0 && o.cached.is_none() && cell.whole())?;
    let decision = cell.reply.decision.as_ref()?;
    let config = &state.snapshot.as_ref()?.config;
    // As the ledger adds it up: what one model alone was to answer was not routed, and nothing is known
    // of a model that could not have answered.
    let routed = decision.imposed.as_ref().is_none_or(|imposed| !imposed.exclusive);
    if !routed || !outcome.cost.exact {
        return None;
    }
    let price = |model: &crate::domain::ModelName| {
        let rates = config.models.get(model)?.rates(cell.last_at, outcome.usage.input)?;
        Some(rates.cost_elsewhere(&outcome.usage))
    };
    let mut able = decision.ranked().map(|candidate| &candidate.model);
    let baseline = match &state.baseline {
        Some(model) => able.find(|able| *able == model)?.clone(),
        None => able.max_by_key(|model| price(model))?.clone(),
    };
    if outcome.model.as_ref() == Some(&baseline) {
        return None;
    }
    Some(Saved { amount: price(&baseline)? - outcome.cost.amount, versus: baseline })
}
