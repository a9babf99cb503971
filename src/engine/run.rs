//! The life of one request, in its own task: decide, look in the cache, then attempt after attempt
//! until there is a whole answer or nothing helps. Text goes straight to the reader; the actor hears
//! only what it must account for.

mod calls;
mod patience;
mod race;
mod room;
mod settle;
mod tries;

pub(super) use settle::OUTRUN;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use crate::cache::{self, CacheKey, CachedAnswer, Demand, KeyParts};
use crate::config::{CacheWhen, Config, Model};
use crate::domain::{
    CacheMode, Cost, Decision, ErrorReport, Evidence, Finish, ModelName, Origin, Outcome,
    OutcomeClass, ProviderName, Reply, ReplyEvent, Request, UnixMs, Usage, Verdict,
};
use crate::route;

use super::actor::{Shared, ToActor};
use super::attempt::millis;
use super::counting::Unknown;
use super::reply::ReplySink;
use room::{Needs, Room};

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
}

/// What the attempts have come to so far.
struct State {
    started: Instant,
    at: UnixMs,
    deadline: Instant,
    reply: Reply,
    cost: Cost,
    first_error: Option<ErrorReport>,
    first_text_ms: Option<u64>,
    attempts: u32,
    last: Option<(ModelName, ProviderName, String)>,
    usage: Usage,
    ttft_ms: Option<u64>,
    /// Addresses nothing answers at: their other models are not asked either.
    unreachable: BTreeSet<String>,
    /// Failure domains in which something failed: others are asked first.
    failing: BTreeSet<String>,
    /// Providers that asked to slow down: their limits are often one for all their models.
    throttled: BTreeSet<ProviderName>,
    /// Models that were asked beside another and are not asked again.
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
}

impl Run {
    /// Runs the request to its end.
    pub(super) async fn go(self) {
        let started = Instant::now();
        let at = super::clock::now();
        let snapshot = self.shared.snapshot_with(self.request.route.model()).await;
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
            at,
            deadline: started + config.limits.total,
            reply: Reply::default(),
            cost: Cost::ZERO,
            first_error: None,
            first_text_ms: None,
            attempts: 0,
            last: None,
            usage: Usage::default(),
            ttft_ms: None,
            unreachable: BTreeSet::new(),
            failing: BTreeSet::new(),
            throttled: BTreeSet::new(),
            raced: BTreeSet::new(),
            needs: Needs::default(),
            room: Room::Usual,
            written: 0,
            redone: 0,
            think_less: false,
            afresh: false,
            not_whole: None,
        };
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
        let outcome = match self.look_up(&config, &decision, &mut state).await {
            Some(outcome) => outcome,
            None => self.attempt_all(&config, &decision, &mut state).await,
        };
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
        self.sink.push(event);
    }

    // ---- the cache -------------------------------------------------------------------------

    fn cache_key(&self, config: &Config, model: &Model) -> Option<CacheKey> {
        let demand = match config.cache.when {
            CacheWhen::Deterministic => Demand::Repeatable,
            CacheWhen::Always => Demand::Anything,
            CacheWhen::Never => Demand::Never,
        };
        cache::may_cache(&self.request, &model.capabilities, demand).ok()?;
        let parts = KeyParts {
            provider: model.provider.as_str(),
            model_id: &model.id,
            params: &model.params,
            tenant: "",
        };
        Some(CacheKey::of(&self.request, &parts))
    }

    async fn look_up(
        &self,
        config: &Config,
        decision: &Decision,
        state: &mut State,
    ) -> Option<Outcome> {
        if matches!(self.request.cache, CacheMode::Off | CacheMode::Refresh) {
            return None;
        }
        let keys: Vec<CacheKey> = decision
            .ranked()
            .filter_map(|candidate| config.models.get(&candidate.model))
            .filter_map(|model| self.cache_key(config, model))
            .collect();
        if keys.is_empty() {
            self.shared.tell(ToActor::Uncacheable).await;
            return (self.request.cache == CacheMode::Only).then(|| {
                self.failed(
                    state,
                    ErrorReport::new(OutcomeClass::Caller, "cache_miss", "not in the cache"),
                )
            });
        }
        let Some(answer) = self.shared.cached(keys).await else {
            return (self.request.cache == CacheMode::Only).then(|| {
                self.failed(
                    state,
                    ErrorReport::new(OutcomeClass::Caller, "cache_miss", "not in the cache"),
                )
            });
        };
        let total = millis(state.started.elapsed());
        if !answer.reasoning.is_empty() {
            self.tell(state, ReplyEvent::Reasoning(answer.reasoning.clone()));
        }
        self.tell(state, ReplyEvent::Text(answer.text.clone()));
        self.tell(state, ReplyEvent::Usage(answer.usage));
        Some(Outcome {
            finish: answer.finish,
            model: Some(answer.model),
            provider: Some(answer.provider),
            model_id: Some(answer.model_id),
            usage: answer.usage,
            cost: Cost::ZERO,
            wait_ms: Some(total),
            ttft_ms: Some(total),
            total_ms: total,
            cached: Some("memory".to_owned()),
            error: None,
        })
    }

    async fn keep(&self, config: &Config, outcome: &Outcome, state: &State) {
        let model = outcome.model.as_ref().and_then(|name| config.models.get(name));
        let Some(model) = model else { return };
        let whole = matches!(outcome.finish, Finish::Stop)
            && state.reply.seams.is_empty()
            && state.reply.tool_calls.is_empty()
            && state.reply.verdict.as_ref().is_none_or(|verdict| verdict.evidence.is_empty());
        let Some(key) = self.cache_key(config, model).filter(|_| whole) else { return };
        let answer = CachedAnswer {
            model: model.name.clone(),
            provider: model.provider.clone(),
            model_id: model.id.clone(),
            text: state.reply.text.clone(),
            reasoning: state.reply.reasoning.clone(),
            finish: outcome.finish,
            usage: outcome.usage,
            cost: outcome.cost,
            expires: super::clock::now() + config.cache.ttl,
        };
        self.shared.tell(ToActor::Keep { key, answer: Box::new(answer) }).await;
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
        let last = state.last.clone();
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
            cached: None,
            error,
        }
    }
}
