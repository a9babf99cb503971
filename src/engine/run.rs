//! The life of one request, in its own task: decide, look in the cache, then attempt after attempt
//! until there is a whole answer or nothing helps. Text goes straight to the reader; the actor hears
//! only what it must account for.

mod cached;
mod calls;
mod follow;
mod leave;
mod money;
mod nobody;
mod patience;
mod race;
mod reader;
mod room;
mod settle;
mod tries;
mod wanted;

pub(super) use room::{Room, cap};
pub(super) use settle::OUTRUN;
pub(super) use wanted::{Wanted, may};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::cache::{Unkept, Why};
use crate::domain::{
    Cost, ErrorReport, Evidence, Finish, ModelName, Origin, Outcome, OutcomeClass, ProviderName,
    Reply, ReplyEvent, Request, Usage, Verdict,
};
use crate::route;

use super::actor::{Shared, ToActor};
use super::attempt::millis;
use super::counting::Unknown;
use super::record::Recorder;
use super::reply::ReplySink;
use cached::Looked;
use room::Needs;

/// Codes of ours for answers that are not whole.
pub(super) const REASONING_ATE_CAP: &str = "reasoning_ate_cap";
/// The provider said the model was done, and it was not.
const QUIET_CUT: &str = "quiet_cut";
/// The provider said that room ran out although more was allowed.
const CUT_SHORT: &str = "cut_short";
/// Asked to go on, it began another answer.
const STARTS_OVER: &str = "starts_over";
/// The reader cannot take text back, and nobody can go on from it.
const CANNOT_CONTINUE: &str = "cannot_continue";

/// A request on its way.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) request: Request,
    pub(super) sink: ReplySink,
    pub(super) record: Recorder,
}

/// What the attempts have come to so far.
struct State {
    started: Instant,
    deadline: Instant,
    reply: Reply,
    cost: Cost,
    first_error: Option<ErrorReport>,
    /// Why somebody could not be asked; only told where nobody was.
    denied: Option<ErrorReport>,
    first_text_ms: Option<u64>,
    attempts: u32,
    /// Who gave the text the reader has, or the last of it.
    last: Option<(ModelName, ProviderName, String)>,
    /// Who was asked last.
    asked: Option<(ModelName, ProviderName, String)>,
    /// How what the reader has of the answer came to its end.
    stopped: Stopped,
    usage: Usage,
    ttft_ms: Option<u64>,
    /// Addresses nothing answers at: their other models are not asked either.
    unreachable: BTreeSet<String>,
    /// Failure domains in which something failed: others are asked first.
    failing: BTreeSet<String>,
    /// Providers that asked to slow down, and how often: their limits are often one for all their
    /// models.
    throttled: BTreeMap<ProviderName, u32>,
    /// Models that were asked beside another and failed: they are not asked again.
    raced: BTreeSet<ModelName>,
    /// What the next model must have more of than one that ran out.
    needs: Needs,
    /// How much room the next call gets.
    room: Room,
    /// Answer tokens of the text the reader has.
    written: u64,
    /// Calls made in another way because an answer was not whole.
    redone: u32,
    /// Thinking used up the room: less of it.
    think_less: bool,
    /// The text so far is to be replaced rather than gone on from.
    afresh: bool,
    /// The best there is so far is not whole, and ended so.
    not_whole: Option<Finish>,
    /// What the cache did, and why.
    why: Option<Why>,
    /// What became of the answer there, where there was one.
    kept: Option<Result<(), Unkept>>,
}

/// How a text came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// It is on its way, or broke off: there is more.
    Unmarked,
    /// The provider said that the model was done. Whoever doubts it may be wrong.
    Orderly,
}

impl Run {
    /// Runs the request to its end.
    pub(super) async fn go(self) {
        let started = Instant::now();
        let at = super::clock::now();
        self.shared.obeyed().await;
        let snapshot = self.shared.snapshot_for(&self.request).await;
        let config = Arc::clone(&snapshot.config);
        let seed = self.shared.seed ^ (self.request.id.0.as_u128() as u64);
        let deciding = std::time::Instant::now();
        let mut input = snapshot.decision_input(&self.request, at, seed);
        self.shared.counting.refine(&mut input, &self.request, &snapshot, Unknown::Leave);
        let input = Arc::new(input);
        let decision = Arc::new(route::decide(&input));
        let decided_in = deciding.elapsed();
        let mut state = State {
            started,
            deadline: started + config.limits.total,
            reply: Reply::default(),
            cost: Cost::ZERO,
            first_error: None,
            denied: None,
            first_text_ms: None,
            attempts: 0,
            last: None,
            asked: None,
            stopped: Stopped::Unmarked,
            usage: Usage::default(),
            ttft_ms: None,
            unreachable: BTreeSet::new(),
            failing: BTreeSet::new(),
            throttled: BTreeMap::new(),
            raced: BTreeSet::new(),
            needs: Needs::default(),
            room: Room::Usual,
            written: 0,
            redone: 0,
            think_less: false,
            afresh: false,
            not_whole: None,
            why: None,
            kept: None,
        };
        if let Some(question) = self.asks_first(&config, &decision)
            && !self.lies_ready(&config, &decision).await
        {
            // Nobody is asked, so there is nothing to keep or to show: whoever says yes asks anew.
            self.tell(&mut state, ReplyEvent::Routed(decision));
            let outcome = self.failed(&mut state, question);
            self.sink.push(ReplyEvent::End(Box::new(outcome)));
            return;
        }
        self.record.begin(&self.request, (&input, &decision), decided_in).await;
        self.tell(&mut state, ReplyEvent::Routed(Arc::clone(&decision)));
        self.shared
            .tell(ToActor::Routed {
                request: Box::new(self.request.clone()),
                decision: Arc::clone(&decision),
                input,
                decided_in,
                at,
            })
            .await;
        if let Some(chosen) = decision.chosen().filter(|_| self.goes_on()) {
            self.shared.counting.order(&config, chosen.model.as_str(), &self.request);
        }
        let mut outcome = match self.look_up(&config, &decision, &mut state).await {
            Looked::Done(outcome) => *outcome,
            // The seat is left once the answer is kept and before its end is told.
            Looked::Ask(_seat) => self.attempt_all(&config, &decision, &mut state).await,
        };
        outcome.cache_note = note(&state, &outcome);
        self.record.end(&self.shared, &state.reply, &outcome).await;
        self.shared
            .tell(ToActor::Ended { request: self.request.id, outcome: Box::new(outcome.clone()) })
            .await;
        self.sink.push(ReplyEvent::End(Box::new(outcome)));
    }

    /// Is it likely that more is asked after this, so that unpacking a vocabulary pays?
    fn goes_on(&self) -> bool {
        match self.request.origin {
            Origin::Chat | Origin::Gateway | Origin::Compare => true,
            Origin::Ask | Origin::Ping | Origin::Probe | Origin::Explain => false,
        }
    }

    fn tell(&self, state: &mut State, event: ReplyEvent) {
        state.reply.fold(&event);
        self.record.event(&event);
        self.sink.push(event);
    }

    // ---- ends ------------------------------------------------------------------------------

    fn answered(state: &State, finish: Finish) -> Outcome {
        let error = (finish == Finish::Truncated).then(|| state.first_error.clone()).flatten();
        Self::outcome(state, finish, error)
    }

    fn failed(&self, state: &mut State, error: ErrorReport) -> Outcome {
        let finish = if error.class == OutcomeClass::Cancelled {
            Finish::Cancelled
        } else if error.class == OutcomeClass::Refusal {
            Finish::ContentFilter
        } else if !state.reply.text.is_empty() {
            self.tell(
                state,
                ReplyEvent::Verdict(Verdict {
                    truncated: true,
                    confidence: 1.0,
                    evidence: vec![Evidence::NoEndMarker],
                }),
            );
            Finish::Truncated
        } else {
            Finish::Error
        };
        let error = (finish != Finish::Cancelled).then_some(error);
        Self::outcome(state, finish, error)
    }

    fn outcome(state: &State, finish: Finish, error: Option<ErrorReport>) -> Outcome {
        // Where nobody gave a word, the one who was asked last.
        let last = state.last.clone().or_else(|| state.asked.clone());
        Outcome {
            finish,
            model: last.as_ref().map(|(model, ..)| model.clone()),
            provider: last.as_ref().map(|(_, provider, _)| provider.clone()),
            model_id: last.map(|(.., id)| id),
            usage: state.usage,
            cost: state.cost,
            wait_ms: state.first_text_ms,
            ttft_ms: state.ttft_ms,
            total_ms: millis(state.started.elapsed()),
            answer_cost: Self::answer_cost(state, finish),
            cached: None,
            cache_note: None,
            error,
        }
    }

    /// What the answer itself cost: what was lost on the way to it would not be paid again.
    fn answer_cost(state: &State, finish: Finish) -> Option<Cost> {
        if !finish.answered() {
            return None;
        }
        if !state.reply.seams.is_empty() {
            return Some(state.cost);
        }
        let gave = state.reply.attempts.iter().rev().find(|attempt| attempt.outcome.is_none());
        Some(gave.map_or(state.cost, |attempt| attempt.cost))
    }
}

/// What the cache did for a request, what that saved, and what became of the answer, in one line.
fn note(state: &State, outcome: &Outcome) -> Option<String> {
    let why = state.why.as_ref()?;
    let mut words = why.words();
    if let Some(saved) = outcome.cache_saved() {
        words = format!("{words}; saved {}", saved.in_full());
    }
    match (why, state.kept) {
        (Why::Refreshed, Some(Ok(()))) => words.push_str("; the answer is kept"),
        (Why::Refreshed | Why::Miss { .. }, Some(Err(unkept))) => {
            words = format!("{words}; the answer is not kept: {}", unkept.words());
        }
        (Why::Hit(..) | Why::Shared(_) | Why::Refused(_), _)
        | (Why::Miss { .. }, Some(Ok(())))
        | (Why::Miss { .. } | Why::Refreshed, None) => {}
    }
    Some(words)
}
