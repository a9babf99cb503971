//! The cache in the life of a request: what is looked for, what is found, what is kept, and why.

use std::sync::Arc;

use crate::cache::{self, CacheKey, CachedAnswer, Canon, Count, Fields, Tier, Unkept, Why};
use crate::config::Config;
use crate::domain::{
    AttemptKind, CacheMode, Cost, Decision, ErrorReport, Outcome, OutcomeClass, ReplyEvent,
};

use super::super::attempt::millis;
use super::super::desk::CACHE_MISS;
use super::super::flight::Has;
use super::super::shelf::{From, Place, Seat};
use super::follow::Patience;
use super::wanted::{Served, Wanted, may};
use super::{Run, State};

/// Times a request reads along before it asks for itself.
const ROUNDS: u32 = 2;

/// What looking gave.
pub(super) enum Looked {
    /// The end of the request.
    Done(Box<Outcome>),
    /// Somebody has to be asked; while the seat is held, others read along.
    Ask(Option<Seat>),
}

impl Run {
    /// Looks for the answer: in memory, in calls under way, in the shared tier.
    pub(super) async fn look_up(
        &self,
        config: &Config,
        decision: &Decision,
        state: &mut State,
    ) -> Looked {
        let mode = self.request.cache;
        let wanted = match Wanted::of(&self.request, config, decision) {
            Ok(wanted) => wanted,
            Err(refusal) => {
                if mode != CacheMode::Off {
                    self.shared.shelf.count_uncacheable();
                }
                state.why = Some(Why::Refused(refusal));
                return self.unless_only(state);
            }
        };
        if mode == CacheMode::Refresh {
            state.why = Some(Why::Refreshed);
            return Looked::Ask(None);
        }
        let keys = wanted.keys();
        let shelf = &self.shared.shelf;
        if let Some(found) = shelf.find(&keys, super::super::clock::now()) {
            return self.replay(wanted.renamed(found, config), Tier::Memory, state).await;
        }
        let mut seat = None;
        // Who only wants what is kept never asks, so nobody is to wait for that.
        let rounds = if mode == CacheMode::Only { 0 } else { ROUNDS };
        for round in 0..rounds {
            let has = Has {
                text: &state.reply.text,
                reasoning: &state.reply.reasoning,
                reader: self.request.reader,
            };
            match shelf.take_place(&keys, wanted.first, has, super::super::clock::now()) {
                Place::Hit(key, answer) if state.reply.text.is_empty() => {
                    let found = wanted.renamed((key, answer), config);
                    return self.replay(found, Tier::Memory, state).await;
                }
                Place::Hit(..) | Place::Alone => break,
                Place::Follow(key, follower) => {
                    let patience = if round + 1 < ROUNDS { Patience::More } else { Patience::Last };
                    let read = (key, follower);
                    if let Some(outcome) = self.follow(config, &wanted, read, patience, state).await
                    {
                        return Looked::Done(Box::new(outcome));
                    }
                }
                Place::Lead(place) => {
                    self.sink.lead(place.flight());
                    seat = Some(place);
                    break;
                }
            }
        }
        if state.reply.text.is_empty()
            && let Some(remote) = shelf.remote()
        {
            let now = super::super::clock::now();
            if let Some((key, mut answer)) = remote.find(&self.shared, &keys, now).await {
                answer.expires = answer.expires.min(now + config.cache.ttl);
                let (key, answer) = wanted.renamed((key, Arc::new(answer)), config);
                shelf.put(key, Arc::clone(&answer));
                return self.replay((key, answer), Tier::Redis, state).await;
            }
        }
        shelf.count_miss();
        let nearest =
            shelf.nearest(&wanted.fields(&self.request, config), super::super::clock::now());
        state.why = keys.first().map(|key| Why::Miss { key: *key, nearest });
        match self.unless_only(state) {
            Looked::Ask(_) => Looked::Ask(seat),
            done @ Looked::Done(_) => done,
        }
    }

    /// Does an answer lie ready, that costs nothing?
    pub(super) async fn lies_ready(&self, config: &Config, decision: &Decision) -> bool {
        if matches!(self.request.cache, CacheMode::Off | CacheMode::Refresh) {
            return false;
        }
        let Ok(wanted) = Wanted::of(&self.request, config, decision) else { return false };
        let (keys, now) = (wanted.keys(), super::super::clock::now());
        if self.shared.shelf.find(&keys, now).is_some() {
            return true;
        }
        match self.shared.shelf.remote() {
            Some(remote) => remote.find(&self.shared, &keys, now).await.is_some(),
            None => false,
        }
    }

    /// A request that only wants what is kept ends here.
    fn unless_only(&self, state: &mut State) -> Looked {
        if self.request.cache != CacheMode::Only {
            return Looked::Ask(None);
        }
        let words = state.why.as_ref().map_or_else(String::new, Why::words);
        let mut error = ErrorReport::new(
            OutcomeClass::Caller,
            CACHE_MISS,
            format!("only the cache was to answer, and nothing is kept for this: {words}"),
        );
        "without --cache only a model is asked".clone_into(&mut error.hint);
        Looked::Done(Box::new(self.failed(state, error)))
    }

    /// Gives a kept answer as if it streamed.
    async fn replay(
        &self,
        (key, answer): (CacheKey, Arc<CachedAnswer>),
        tier: Tier,
        state: &mut State,
    ) -> Looked {
        let total = millis(state.started.elapsed());
        // Who reads along must know whose answer it is.
        self.sink.push_along(&ReplyEvent::Attempt {
            n: 0,
            model: answer.model.clone(),
            provider: answer.provider.clone(),
            kind: AttemptKind::First,
            waited_ms: 0,
        });
        if !answer.reasoning.is_empty() {
            self.tell(state, ReplyEvent::Reasoning(answer.reasoning.clone()));
        }
        if !answer.text.is_empty() {
            self.tell(state, ReplyEvent::Text(answer.text.clone()));
        }
        for (index, call) in (0..).zip(&answer.tool_calls) {
            let (id, name) = (Some(call.id.clone()), Some(call.name.clone()));
            let arguments = call.arguments.clone();
            self.tell(state, ReplyEvent::ToolCall { index, id, name, arguments });
        }
        self.tell(state, ReplyEvent::Usage(answer.usage));
        state.why = Some(Why::Hit(tier, key));
        self.shared.shelf.count_hit(From::Tier(tier), answer.cost);
        if let Some(remote) = self.shared.shelf.remote() {
            let count = Count { hits: 1, saved: answer.cost.amount };
            match tier {
                Tier::Memory => remote.count_aside(&self.shared, count),
                // The program may end with this request.
                Tier::Redis => remote.count(&self.shared, count).await,
            }
        }
        Looked::Done(Box::new(Outcome {
            finish: answer.finish,
            model: Some(answer.model.clone()),
            provider: Some(answer.provider.clone()),
            model_id: Some(answer.model_id.clone()),
            usage: answer.usage,
            cost: Cost::ZERO,
            answer_cost: Some(answer.cost),
            wait_ms: Some(total),
            ttft_ms: Some(total),
            total_ms: total,
            cached: Some(tier.name().to_owned()),
            cache_note: None,
            error: None,
        }))
    }

    /// Keeps the answer where it may be and is whole.
    pub(super) async fn keep(&self, config: &Config, outcome: &Outcome, state: &mut State) {
        let model = outcome.model.as_ref().and_then(|name| config.models.get(name));
        let Some(model) = model else { return };
        if let Err(refusal) = may(&self.request, config, model) {
            // That another's would have been is not what happened.
            state.why = Some(Why::Refused(refusal));
            return;
        }
        if let Err(unkept) = worth_keeping(outcome, state) {
            state.kept = Some(Err(unkept));
            return;
        }
        let served = Served::of(model, config);
        let key = Canon::of(&self.request).key(&served.parts());
        let now = super::super::clock::now();
        let answer = Arc::new(CachedAnswer {
            model: model.name.clone(),
            provider: model.provider.clone(),
            model_id: model.id.clone(),
            text: state.reply.text.clone(),
            reasoning: state.reply.reasoning.clone(),
            tool_calls: state.reply.tool_calls.clone(),
            finish: outcome.finish,
            usage: outcome.usage,
            cost: outcome.answer_cost.unwrap_or(outcome.cost),
            expires: now + config.cache.ttl,
            fields: Fields::of(&self.request, &served.parts()),
        });
        let mut kept = self.shared.shelf.put(key, Arc::clone(&answer));
        if let Some(remote) = self.shared.shelf.remote() {
            // Waited for: the program may end with this request.
            kept |= remote.keep(&self.shared, &key, &answer, now).await;
        }
        state.kept = Some(if kept { Ok(()) } else { Err(Unkept::NoRoom) });
    }
}

/// Is the answer one that may be given again, as far as how it came tells?
fn worth_keeping(outcome: &Outcome, state: &State) -> Result<(), Unkept> {
    let reply = &state.reply;
    if !cache::is_whole(outcome.finish, &reply.text, &reply.tool_calls) {
        return Err(Unkept::NotWhole);
    }
    if !reply.seams.is_empty() {
        return Err(Unkept::Joined);
    }
    let doubted = reply.verdict.as_ref().is_some_and(|verdict| !verdict.evidence.is_empty());
    if doubted { Err(Unkept::Doubted) } else { Ok(()) }
}
