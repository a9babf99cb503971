//! Attempt after attempt: which model is asked next, how often, and in which way. The choice itself
//! is made by `plan` and `verdict`; this file carries it out.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Model, Provider};
use crate::domain::{
    AttemptKind, Candidate, Continuation, Decision, Effort, ErrorReport, Evidence, Finish, Outcome,
    OutcomeClass, ReaderKind, Request, format_span,
};

use super::super::attempt::millis;
use super::super::plan::{self, Change, Left, Step};
use super::calls::Asking;
use super::leave::{Leave, left_while_waiting};
use super::nobody::nobody;
use super::patience::Elsewhere;
use super::room::Room;
use super::{CUT_SHORT, QUIET_CUT, REASONING_ATE_CAP, Run, STARTS_OVER, State};

/// Text shorter than this is thrown away rather than continued when its reader can take it back.
const WORTH_CONTINUING: usize = 40;

/// Times an answer that is not whole is asked for in another way. More would pay again and again for
/// what was not had.
const REDOS: u32 = 1;

/// Times a provider may ask to slow down before its other models are not asked either: one more is
/// tried, in case the limit was the model's own.
const MAX_THROTTLED: u32 = 2;

/// What the request's line of models looks like from one of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others<'a> {
    pub(super) count: usize,
    /// The next one, and how soon it would begin.
    pub(super) next: Option<&'a Candidate>,
}

impl<'a> Others<'a> {
    fn of(config: &Config, line: &[&'a Candidate], state: &State) -> Self {
        Self {
            count: line.iter().filter(|other| eligible(config, other, state)).count(),
            next: pick(config, line, state).map(|next| line[next]),
        }
    }
}

impl Others<'_> {
    fn ttft(&self) -> Duration {
        self.next.map_or(Duration::MAX, |next| Duration::from_millis(next.estimate.ttft_ms))
    }

    pub(super) fn elsewhere(&self) -> Elsewhere {
        self.next.map_or(Elsewhere::Nobody, |_| Elsewhere::Within(self.ttft()))
    }
}

impl Run {
    // ---- attempts --------------------------------------------------------------------------

    pub(super) async fn attempt_all(
        &self,
        config: &Config,
        decision: &Decision,
        state: &mut State,
    ) -> Outcome {
        let mut line: Vec<&Candidate> = decision.ranked().collect();
        if line.is_empty() {
            let error = self
                .over_budget(config, decision)
                .unwrap_or_else(|| nobody(&self.request, decision));
            return self.failed(state, error);
        }
        let mut kind = AttemptKind::First;
        while Instant::now() < state.deadline
            && let Some(at) = pick(config, &line, state)
        {
            let candidate = line.remove(at);
            let Some((provider, model)) = known(config, candidate) else { continue };
            let asking = Asking { config, provider, model: Cow::Borrowed(model), candidate };
            match self.attempt_one(asking, kind, &line, state).await {
                Tried::Answered(finish) => {
                    let outcome = Self::answered(state, finish);
                    self.keep(config, &outcome, state).await;
                    return outcome;
                }
                Tried::Stop(error) => return self.failed(state, error),
                Tried::Next => kind = AttemptKind::Fallback,
                Tried::NotAllowed => {}
            }
        }
        if let Some(finish) = state.not_whole {
            // What there is was all that could be had, and its verdict says so.
            return Self::answered(state, finish);
        }
        let error = state.first_error.clone().or_else(|| state.denied.clone());
        let late = Instant::now() >= state.deadline;
        let error = error.or_else(|| late.then(|| too_late(config)));
        self.failed(state, error.unwrap_or_else(|| nobody(&self.request, decision)))
    }

    /// Asks one model, as often and in as many ways as it is worth.
    async fn attempt_one(
        &self,
        mut asking: Asking<'_>,
        mut kind: AttemptKind,
        line: &[&Candidate],
        state: &mut State,
    ) -> Tried {
        let mut on_this = 0;
        let mut waited = Duration::ZERO;
        loop {
            if !self.can_take_over(&asking.model, state) {
                // Not asked, so that it is neither charged nor counted.
                return Tried::NotAllowed;
            }
            let others = Others::of(asking.config, line, state);
            let mut permit = match self.leave(&asking, kind, others, state).await {
                Leave::Granted(permit, more) => {
                    waited += more;
                    permit
                }
                Leave::Denied => return Tried::NotAllowed,
                Leave::Over(error) => return Tried::Stop(error),
            };
            on_this += 1;
            state.attempts += 1;
            let had = state.reply.text.len();
            let made = self.kind(&asking.model, kind, state);
            let ended = self.one_call(&asking, (made, waited), &mut permit, others, state).await;
            drop(permit);
            let error = match ended {
                Ok(finish) => return Tried::Answered(finish),
                Err(error) => error,
            };
            if error.class == OutcomeClass::Cancelled {
                return Tried::Stop(error);
            }
            if self.sink.abandoned() {
                return Tried::Stop(left_while_waiting());
            }
            Self::remember(&asking, &error, state);
            // What it taught may rule others out: those at the same dead address, say.
            let others = Others::of(asking.config, line, state);
            if others.count == 0 && state.reply.text.len() > had {
                // It brought the answer on before it broke, and nobody else is left to try.
                on_this = 1;
            }
            let first = state.first_error.clone().unwrap_or_else(|| error.clone());
            if !self.can_go_on(&error, state) {
                return Tried::Stop(first);
            }
            let continuing = made == AttemptKind::Continue || made == AttemptKind::Redo;
            if error.class == OutcomeClass::Caller && continuing && !state.reply.text.is_empty() {
                // It is the way of going on that was refused, not the question.
                match asking.model.capabilities.continuation {
                    Continuation::Prefix | Continuation::Prefill | Continuation::Partial => {
                        asking.model.to_mut().capabilities.continuation = Continuation::Instruct;
                        kind = AttemptKind::Redo;
                        continue;
                    }
                    Continuation::Instruct | Continuation::None => return Tried::Next,
                }
            }
            let left = Left {
                attempts: state.attempts,
                on_this,
                others: others.count,
                other_ttft: others.ttft(),
                own_ttft: Duration::from_millis(asking.candidate.estimate.ttft_ms),
                change: self.change(&asking.model, &error, state),
                time: state.deadline.saturating_duration_since(Instant::now()),
                on_refusal: asking.config.routing.on_refusal,
                jitter: self.shared.jitter(state.attempts),
            };
            match plan::after(&error, &left) {
                Step::Again(wait) => {
                    tokio::select! {
                        () = self.sink.left() => return Tried::Stop(left_while_waiting()),
                        () = tokio::time::sleep(wait) => {}
                    }
                    waited = wait;
                    kind = AttemptKind::Retry;
                }
                Step::Changed => {
                    waited = Duration::ZERO;
                    state.redone += 1;
                    state.room = Room::Most;
                    kind = AttemptKind::Redo;
                }
                Step::Next => {
                    if error.class == OutcomeClass::Truncation {
                        state.redone += 1;
                        state.room = Room::Most;
                    }
                    return Tried::Next;
                }
                Step::Stop if state.not_whole.is_some() => return Tried::Next,
                Step::Stop => return Tried::Stop(first),
            }
        }
    }

    /// What a failure says about whom to ask next.
    fn remember(asking: &Asking<'_>, error: &ErrorReport, state: &mut State) {
        let provider = asking.provider;
        if error.unreached() {
            state.unreachable.insert(provider.base_url.clone());
        }
        match error.class {
            OutcomeClass::Provider | OutcomeClass::Network | OutcomeClass::Stall => {
                state.failing.insert(provider.failure_domain.clone());
            }
            OutcomeClass::Context => {
                state.needs.window = state.needs.window.max(asking.model.context);
            }
            OutcomeClass::Truncation => {
                let verdict = state.reply.verdict.clone().unwrap_or_else(whole);
                if verdict.evidence.contains(&Evidence::WindowFull) {
                    state.needs.window = state.needs.window.max(asking.model.context);
                }
                if error.code == REASONING_ATE_CAP {
                    state.think_less = true;
                }
                if error.code == STARTS_OVER {
                    state.afresh = true;
                }
            }
            OutcomeClass::Throttle => {
                *state.throttled.entry(provider.name.clone()).or_default() += 1;
            }
            OutcomeClass::Caller
            | OutcomeClass::Refusal
            | OutcomeClass::Account
            | OutcomeClass::Cancelled => {}
        }
        // Only what says nothing of the answer is no error worth reporting.
        if error.code != STARTS_OVER {
            state.first_error.get_or_insert_with(|| error.clone());
        }
    }

    /// Can asking this model in another way make the answer whole?
    fn change(&self, model: &Model, error: &ErrorReport, state: &State) -> Change {
        let fits = state.needs.met_by(model);
        let goes_on = self.continuation(model, state).is_some();
        let once_more = state.redone < REDOS;
        let (possible, change) = match error.code.as_str() {
            // Asked afresh; the text it was to go on from is void then.
            STARTS_OVER => (self.request.reader == ReaderKind::Replaceable, Change::Possible),
            REASONING_ATE_CAP => (once_more, Change::Possible),
            QUIET_CUT | CUT_SHORT => (once_more && goes_on, Change::LastResort),
            _ => (once_more && fits && goes_on, Change::Possible),
        };
        if possible { change } else { Change::None }
    }

    /// How this model would continue what the reader already has, if that is what comes next.
    pub(super) fn continuation(&self, model: &Model, state: &State) -> Option<Continuation> {
        let replaceable = self.request.reader == ReaderKind::Replaceable;
        let short = state.reply.text.chars().count() < WORTH_CONTINUING;
        let unjoinable = state.reply.text.is_empty() || !state.reply.tool_calls.is_empty();
        if unjoinable || (replaceable && (short || state.afresh)) {
            return None;
        }
        match model.capabilities.continuation {
            Continuation::None => None,
            how => Some(how),
        }
    }

    /// Can this model's answer be put where the reader is? An append-only one keeps what it has.
    fn can_take_over(&self, model: &Model, state: &State) -> bool {
        let fresh = state.reply.text.is_empty() && state.reply.tool_calls.is_empty();
        fresh
            || self.request.reader == ReaderKind::Replaceable
            || self.continuation(model, state).is_some()
    }

    fn kind(&self, model: &Model, kind: AttemptKind, state: &State) -> AttemptKind {
        match (kind, self.continuation(model, state)) {
            (AttemptKind::Redo, _) | (_, None) => kind,
            (_, Some(_)) => AttemptKind::Continue,
        }
    }

    /// Tool calls that were begun cannot be joined, and an answer that starts over can only be shown to
    /// a reader that can take the old one back.
    fn can_go_on(&self, error: &ErrorReport, state: &State) -> bool {
        self.request.reader == ReaderKind::Replaceable
            || (state.reply.tool_calls.is_empty() && error.code != STARTS_OVER)
    }

    /// The request as it is sent this time.
    pub(super) fn as_sent<'r>(&'r self, state: &State) -> Cow<'r, Request> {
        if !state.think_less {
            return Cow::Borrowed(&self.request);
        }
        let mut request = self.request.clone();
        request.params.effort = Some(match request.params.effort {
            Some(Effort::High) => Effort::Low,
            Some(Effort::None | Effort::Low | Effort::Medium) | None => Effort::None,
        });
        Cow::Owned(request)
    }

    pub(super) fn elapsed_ms(state: &State) -> u64 {
        millis(state.started.elapsed())
    }

    /// How an answer is judged that could be redone: `Err` when it should be.
    pub(super) fn accept(
        &self,
        finish: Finish,
        verdict: &crate::domain::Verdict,
        output: Option<u64>,
        state: &mut State,
    ) -> Result<Finish, ErrorReport> {
        if !verdict.truncated {
            state.not_whole = None;
            return Ok(finish);
        }
        let said_so = finish == Finish::Length;
        // Reached for certain where tokens were told, else taken to be if the provider says so.
        let reached = |own: u32| match output {
            Some(output) => output >= u64::from(own).saturating_sub(state.written),
            None => said_so,
        };
        let capped = self.request.params.max_tokens.is_some_and(reached)
            && (said_so || verdict.evidence.contains(&Evidence::AtCap))
            && !verdict.evidence.contains(&Evidence::WindowFull);
        if capped {
            // The caller's own cap: this is the answer that was asked for.
            return Ok(Finish::Length);
        }
        // Kept in case nobody does better.
        state.not_whole = Some(Finish::Truncated);
        if state.redone >= REDOS {
            return Ok(Finish::Truncated);
        }
        let words: Vec<String> = verdict.evidence.iter().map(ToString::to_string).collect();
        let full = [Evidence::AtCap, Evidence::WindowFull];
        let code = match (said_so, full.iter().any(|full| verdict.evidence.contains(full))) {
            (true, true) => "length",
            (true, false) => CUT_SHORT,
            (false, _) => QUIET_CUT,
        };
        Err(ErrorReport::new(
            OutcomeClass::Truncation,
            code,
            format!("the answer is not whole: {}", words.join("; ")),
        ))
    }
}

/// How asking one model went.
enum Tried {
    Answered(Finish),
    /// Nothing helps any more.
    Stop(ErrorReport),
    /// The next one, please.
    Next,
    /// It was not asked at all.
    NotAllowed,
}

fn whole() -> crate::domain::Verdict {
    crate::domain::Verdict { truncated: false, confidence: 0.0, evidence: Vec::new() }
}

pub(super) fn known<'a>(
    config: &'a Config,
    candidate: &Candidate,
) -> Option<(&'a Provider, &'a Model)> {
    let model = config.models.get(&candidate.model)?;
    Some((config.providers.get(&model.provider)?, model))
}

/// May this candidate still be asked, as far as this request has learned?
fn eligible(config: &Config, candidate: &Candidate, state: &State) -> bool {
    let Some((provider, model)) = known(config, candidate) else { return false };
    state.attempts < plan::MAX_ATTEMPTS
        && !state.unreachable.contains(&provider.base_url)
        && !state.raced.contains(&model.name)
        && state.throttled.get(&provider.name).is_none_or(|times| *times < MAX_THROTTLED)
        && state.needs.met_by(model)
}

/// Whom to ask next: the first who does not share the fate of one that just failed or slowed us
/// down, else the first.
pub(super) fn pick(config: &Config, line: &[&Candidate], state: &State) -> Option<usize> {
    let apart = |candidate: &Candidate| {
        known(config, candidate).is_some_and(|(provider, _)| {
            !state.failing.contains(&provider.failure_domain)
                && !state.throttled.contains_key(&provider.name)
        })
    };
    let open = |candidate: &&&Candidate| eligible(config, candidate, state);
    let place = |found: &Candidate| line.iter().position(|other| std::ptr::eq(*other, found));
    line.iter()
        .filter(open)
        .find(|candidate| apart(candidate))
        .or_else(|| line.iter().find(open))
        .and_then(|found| place(found))
}

/// Time was up before anybody was asked: it went by reading along with somebody else.
fn too_late(config: &Config) -> ErrorReport {
    let words = format!("no whole answer in {}", format_span(config.limits.total));
    ErrorReport::new(OutcomeClass::Stall, "total", words)
}
