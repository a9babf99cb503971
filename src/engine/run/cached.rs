//! The cache in the life of a request: what is looked for, what is found, what is kept, and why.

use std::sync::Arc;

use serde_json::json;

use crate::cache::{
    self, CacheKey, CachedAnswer, Canon, Count, Demand, Fields, KeyParts, Refusal, Tier, Why,
};
use crate::config::{CacheWhen, Config, Dialect, Model};
use crate::domain::{
    AttemptKind, CacheMode, Cost, Decision, ErrorReport, ModelName, Outcome, OutcomeClass,
    ReplyEvent, Request,
};
use crate::wire;

use super::super::attempt::millis;
use super::super::flight::Has;
use super::super::shelf::{From, Place, Seat};
use super::follow::Patience;
use super::{Run, State};

/// Times a request reads along before it asks for itself.
const ROUNDS: u32 = 2;

/// Where a request's answer may lie: a key for each model that may give it, in rank order; behind
/// them those that only a budget keeps out, since what is kept costs nothing.
pub(in crate::engine) struct Wanted {
    /// Keys and their models.
    pub(in crate::engine) places: Vec<(CacheKey, ModelName)>,
}

impl Wanted {
    /// `Err` where no model's answer may be kept: why not the first one's.
    pub(in crate::engine) fn of(
        request: &Request,
        config: &Config,
        decision: &Decision,
    ) -> Result<Self, Refusal> {
        let mut refused = None;
        let mut models = Vec::new();
        let unpaid = decision.candidates.iter().filter(|candidate| candidate.only_over_budget());
        for model in decision.ranked().chain(unpaid).filter_map(|c| config.models.get(&c.model)) {
            match may(request, config, model) {
                Ok(()) => models.push(model),
                Err(refusal) => {
                    refused.get_or_insert(refusal);
                }
            }
        }
        if models.is_empty() {
            return Err(refused.unwrap_or(Refusal::Nobody));
        }
        let canon = Canon::of(request);
        let place =
            |model: &&Model| (canon.key(&Served::of(model, config).parts()), model.name.clone());
        Ok(Self { places: models.iter().map(place).collect() })
    }

    pub(in crate::engine) fn keys(&self) -> Vec<CacheKey> {
        self.places.iter().map(|(key, _)| *key).collect()
    }

    /// May this model's answer be given?
    pub(in crate::engine) fn names(&self, model: &ModelName) -> bool {
        self.places.iter().any(|(_, name)| name == model)
    }

    /// The fingerprints of the first place.
    pub(in crate::engine) fn fields(&self, request: &Request, config: &Config) -> Fields {
        let model = self.places.first().and_then(|(_, name)| config.models.get(name));
        let fields = |model| Fields::of(request, &Served::of(model, config).parts());
        model.map(fields).unwrap_or_default()
    }

    /// A kept answer under the name this request has for its model: who kept it may have another.
    pub(in crate::engine) fn renamed(
        &self,
        (key, answer): (CacheKey, Arc<CachedAnswer>),
        config: &Config,
    ) -> (CacheKey, Arc<CachedAnswer>) {
        let place = self.places.iter().find(|(place, _)| *place == key);
        let Some(model) = place.and_then(|(_, name)| config.models.get(name)) else {
            return (key, answer);
        };
        let same = answer.model == model.name
            && answer.provider == model.provider
            && answer.model_id == model.id;
        if same {
            return (key, answer);
        }
        let renamed = CachedAnswer {
            model: model.name.clone(),
            provider: model.provider.clone(),
            model_id: model.id.clone(),
            ..CachedAnswer::clone(&answer)
        };
        (key, Arc::new(renamed))
    }
}

/// May this model's answer be kept?
pub(in crate::engine) fn may(
    request: &Request,
    config: &Config,
    model: &Model,
) -> Result<(), Refusal> {
    let demand = match config.cache.when {
        CacheWhen::Deterministic => Demand::Repeatable,
        CacheWhen::Always => Demand::Anything,
        CacheWhen::Never => Demand::Never,
    };
    cache::may_cache(request, &model.capabilities, demand)?;
    let heeded = config
        .providers
        .get(&model.provider)
        .is_some_and(|provider| wire::heeds_temperature(request, provider.dialect, model));
    if !heeded && demand == Demand::Repeatable {
        return Err(Refusal::NotHonoured);
    }
    Ok(())
}

/// What of a model and its provider goes into a key.
struct Served<'a> {
    model: &'a Model,
    endpoint: String,
    written: String,
}

impl<'a> Served<'a> {
    fn of(model: &'a Model, config: &Config) -> Self {
        let endpoint = config.providers.get(&model.provider).map(|provider| {
            let dialect = match provider.dialect {
                Dialect::OpenAi => "openai",
                Dialect::Anthropic => "anthropic",
            };
            // The simulated fleet is the same one whatever ports it found free.
            let address = if provider.simulated {
                format!("simulated:{}", provider.name)
            } else {
                nameless(&provider.base_url)
            };
            // A header may choose who answers behind a proxy.
            json!([dialect, address, provider.headers]).to_string()
        });
        let (can, quirks) = (model.capabilities, &model.quirks);
        let mut written = json!([
            [can.tools, can.vision, can.json, can.structured],
            [can.reasoning, can.temperature, can.seed],
            [format!("{:?}", quirks.effort), format!("{:?}", quirks.system_role)],
            quirks.temperature_max,
        ]);
        // Left out where none is asked for, so that what was kept before is still found.
        if let (Some(tier), Some(list)) = (model.service_tier, written.as_array_mut()) {
            list.push(json!(["service_tier", tier.name()]));
        }
        Self { model, endpoint: endpoint.unwrap_or_default(), written: written.to_string() }
    }

    fn parts(&self) -> KeyParts<'_> {
        KeyParts {
            provider: self.model.provider.as_str(),
            endpoint: &self.endpoint,
            model_id: &self.model.id,
            params: &self.model.params,
            written: &self.written,
            tenant: "",
        }
    }
}

/// An address without the user and password that may be in it: not even their hash is to leave.
fn nameless(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

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
            match shelf.take_place(&keys, has, super::super::clock::now()) {
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
        let error = ErrorReport::new(
            OutcomeClass::Caller,
            "cache_miss",
            format!("only the cache was to answer: {words}"),
        );
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
        let reply = &state.reply;
        let whole = cache::is_whole(outcome.finish, &reply.text, &reply.tool_calls)
            && reply.seams.is_empty()
            && reply.verdict.as_ref().is_none_or(|verdict| verdict.evidence.is_empty());
        if !whole {
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
            cost: outcome.cost,
            expires: now + config.cache.ttl,
            fields: Fields::of(&self.request, &served.parts()),
        });
        self.shared.shelf.put(key, Arc::clone(&answer));
        if let Some(remote) = self.shared.shelf.remote() {
            // Waited for: the program may end with this request.
            remote.keep(&self.shared, &key, &answer, now).await;
        }
    }
}
