//! Whose kept answer a request may be given, and the keys those lie under. Must not know: where answers
//! are kept. Invariant: who named a model is given an answer of that model, or of whoever would be asked
//! in its place, and of nobody else.

use std::sync::Arc;

use serde_json::json;

use crate::cache::{self, CacheKey, CachedAnswer, Canon, Demand, Fields, KeyParts, Refusal};
use crate::config::{CacheWhen, Config, Dialect, Model};
use crate::domain::{Candidate, Decision, ModelName, OverBudget, Request};
use crate::wire;

/// Where a request's answer may lie: a key for each model whose kept answer may be given, best first.
/// Where auto chooses that is every model that may answer; behind them those that only a budget keeps
/// out, since what is kept costs nothing. Where a model was named it is that model, and who is asked
/// first where it cannot be: nobody else's answer was asked for.
pub(in crate::engine) struct Wanted {
    /// Keys and their models.
    pub(in crate::engine) places: Vec<(CacheKey, ModelName)>,
    /// The key of whoever is asked first, where that answer may be kept: others read along under it.
    pub(super) first: Option<CacheKey>,
    /// Whose answers may be read along: somebody who asked the same first was failed by it a moment ago.
    along: Vec<ModelName>,
}

impl Wanted {
    /// `Err` where no answer that may be given may be kept: why not the first one's.
    pub(in crate::engine) fn of(
        request: &Request,
        config: &Config,
        decision: &Decision,
    ) -> Result<Self, Refusal> {
        let mut refused = None;
        let mut models = Vec::new();
        for model in givers(request, decision).filter_map(|c| config.models.get(&c.model)) {
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
        let places: Vec<_> = models.iter().map(place).collect();
        let asked = decision.chosen().map(|chosen| &chosen.model);
        let first = places.iter().find(|(_, model)| Some(model) == asked).map(|(key, _)| *key);
        let along = able(decision)
            .filter_map(|candidate| config.models.get(&candidate.model))
            .filter(|model| may(request, config, model).is_ok())
            .map(|model| model.name.clone())
            .collect();
        Ok(Self { places, first, along })
    }

    pub(in crate::engine) fn keys(&self) -> Vec<CacheKey> {
        self.places.iter().map(|(key, _)| *key).collect()
    }

    /// May a kept answer of this model be given?
    pub(in crate::engine) fn names(&self, model: &ModelName) -> bool {
        self.places.iter().any(|(_, name)| name == model)
    }

    /// May an answer of this model be read along?
    pub(super) fn follows(&self, model: &ModelName) -> bool {
        self.along.contains(model)
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

/// Everybody who may answer, best first; behind them those that only a budget keeps out.
fn able(decision: &Decision) -> impl Iterator<Item = &Candidate> {
    let unpaid = decision.candidates.iter().filter(|candidate| candidate.only_over_budget());
    decision.ranked().chain(unpaid)
}

/// Those whose kept answers may be given, best first.
fn givers<'a>(
    request: &Request,
    decision: &'a Decision,
) -> Box<dyn Iterator<Item = &'a Candidate> + 'a> {
    let Some(named) = decision.imposed.as_ref().and_then(|imposed| imposed.model.as_ref()) else {
        return Box::new(able(decision));
    };
    // Until somebody has said whether it may go over the budget, it may yet be the one to answer.
    let pending = request.over_budget == OverBudget::Ask
        && decision.over_budget.as_ref().is_some_and(|kept| kept.asks && kept.model == *named);
    let own = able(decision).find(|candidate| candidate.model == *named);
    let instead = decision.chosen().filter(|chosen| chosen.model != *named && !pending);
    Box::new(own.into_iter().chain(instead))
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
pub(super) struct Served<'a> {
    model: &'a Model,
    endpoint: String,
    written: String,
}

impl<'a> Served<'a> {
    pub(super) fn of(model: &'a Model, config: &Config) -> Self {
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

    pub(super) fn parts(&self) -> KeyParts<'_> {
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
