//! From a snapshot to a [`DecisionInput`]: the one place where configuration and state become what
//! `decide` reads. Pure; the preview, `explain`, the routing log and the engine all use it, so they
//! cannot disagree.

use std::fmt::Write as _;
use std::time::Duration;

use uuid::Uuid;

use crate::config::{Config, Model, Provider, Rule, RuleThen};
use crate::domain::{
    AtLimit, Audience, DecisionId, ModelName, PRIVATE, PinScope, Privacy, Request, RequestFeatures,
    Route, Script, ServiceTier, SessionId, UnixMs, is_private,
};
use crate::route::{
    self, CandidateInput, CircuitView, DecisionInput, Hindrance, INPUT_VERSION, Imposed, KeyState,
    ModelHealth, Payer, PinEntry, RuleEffect, RuleInput, effective_pin, kept_out_until, token_mix,
};

use super::{ModelStatus, Snapshot, Veto, account, refusal, run};

/// Traffic leaves this long before a maintenance window begins.
const MAINTENANCE_LEAD: Duration = Duration::from_mins(2);

/// What is said of the rule that a private message stays here, where no rule of the user's says
/// otherwise.
pub(super) const PRIVATE_HERE: &str = "#private: only this machine";

/// The tag every provider on this machine has.
const LOCAL: &str = "local";

impl Snapshot {
    /// Everything a decision about `request` depends on, at `now`.
    pub fn decision_input(&self, request: &Request, now: UnixMs, seed: u64) -> DecisionInput {
        self.decision_input_for(request, route::features(request), now, seed)
    }

    /// The same for features already read.
    pub fn decision_input_for(
        &self,
        request: &Request,
        mut features: RequestFeatures,
        now: UnixMs,
        seed: u64,
    ) -> DecisionInput {
        if request.audience() == Audience::Here && !features.tags.iter().any(|tag| tag == PRIVATE) {
            features.tags.push(PRIVATE.to_owned());
        }
        let imposed = self.imposed(request, now);
        let named = imposed.as_ref().map(|imposed| &imposed.model);
        let policy = request
            .policy
            .as_deref()
            .and_then(|name| self.config.policy_named(name))
            .unwrap_or(&self.policy)
            .to_owned();
        let candidates = self
            .config
            .models
            .values()
            .filter(|model| self.models.contains_key(&model.name) || Some(&model.name) == named)
            .map(|model| self.candidate(model, request, &features, now))
            .collect();
        DecisionInput {
            version: INPUT_VERSION,
            id: DecisionId(Uuid::now_v7()),
            request: request.id,
            now,
            seed,
            weights: weights(&self.config, &policy),
            policy,
            budget_pace: self.budget.pace(&self.calendar, now),
            rules: self.rules(request),
            imposed,
            max_tokens: request.params.max_tokens,
            features,
            candidates,
        }
    }

    /// The user's rules. In a private chat, before them, that it stays on this machine. For a private
    /// message first those that say where such messages go, then, where none of them holds, the same:
    /// no rule about anything else comes before that.
    fn rules(&self, request: &Request) -> Vec<RuleInput> {
        let says_where = |rule: &&Rule| {
            is_private(rule.when.tag.as_slice())
                && matches!(rule.then, RuleThen::Only(_) | RuleThen::Prefer(_))
        };
        let stays = |words: &str| RuleInput {
            task: None,
            min_context: None,
            tag: Some(PRIVATE.to_owned()),
            lang: None,
            effect: RuleEffect::Only(vec![LOCAL.to_owned()]),
            words: words.to_owned(),
        };
        let own = &self.config.routing.rules;
        let all = own.iter().map(|rule| rule_input(&self.config, rule));
        match (request.privacy, request.audience()) {
            (Privacy::Private, _) => {
                std::iter::once(stays("private chat: only this machine")).chain(all).collect()
            }
            (Privacy::Open, Audience::Here) => {
                let first = own.iter().filter(says_where);
                let first = first.map(|rule| rule_input(&self.config, rule));
                first.chain([stays(PRIVATE_HERE)]).chain(all).collect()
            }
            (Privacy::Open, Audience::Anybody) => all.collect(),
        }
    }

    /// What is imposed on this request. In a private chat, and for a private message, nothing outranks
    /// the rule on where it stays, and a model elsewhere that was named for the very message is
    /// refused, not replaced.
    fn imposed(&self, request: &Request, now: UnixMs) -> Option<Imposed> {
        let imposed = self.named(request, now)?;
        if request.audience() == Audience::Anybody {
            return Some(imposed);
        }
        let for_this = imposed.scope == PinScope::Message;
        let exclusive = imposed.exclusive || (for_this && !self.is_here(&imposed.model));
        Some(Imposed { exclusive, yields: true, ..imposed })
    }

    fn is_here(&self, model: &ModelName) -> bool {
        let provider = self.config.models.get(model).map(|model| &model.provider);
        provider
            .and_then(|name| self.config.providers.get(name))
            .is_some_and(|provider| tags(provider).iter().any(|tag| tag == LOCAL))
    }

    /// What is named by its own route or by a pin; the narrowest, newest wins.
    fn named(&self, request: &Request, now: UnixMs) -> Option<Imposed> {
        match &request.route {
            Route::Prefer(model) => {
                return Some(imposed(model, PinScope::Message, &Exclusive::No));
            }
            Route::Only(model) => {
                return Some(imposed(model, PinScope::Message, &Exclusive::Yes));
            }
            Route::Auto => {}
        }
        let pins = self.overrides.pins.iter().map(|pin| PinEntry {
            model: &pin.model,
            scope: &pin.scope,
            session: pin.session,
            until: pin.until,
        });
        effective_pin(pins, request.session, &request.tags, now)
    }

    fn candidate(
        &self,
        model: &Model,
        request: &Request,
        features: &RequestFeatures,
        now: UnixMs,
    ) -> CandidateInput {
        let provider = self.config.providers.get(&model.provider);
        let asked = account::asked(request, &self.config, model).unwrap_or(ServiceTier::Standard);
        let rates = model.prices.in_tier(asked, now, features.input_tokens);
        let seen = self.models.get(&model.name);
        let provider_seen = self.providers.get(&model.provider);
        let until = |vetoes: &[Veto]| {
            let entries = vetoes.iter().map(|veto| (veto.name.as_str(), veto.until));
            kept_out_until(entries, &model.name, &model.provider, now)
        };
        let maintenance =
            provider.is_some_and(|provider| maintenance_until(provider, now).is_some());
        let mut candidate = CandidateInput {
            model: model.name.clone(),
            provider: model.provider.clone(),
            tags: provider.map(tags).unwrap_or_default(),
            failure_domain: provider.map(|p| p.failure_domain.clone()).unwrap_or_default(),
            rates: rates.map(|tier| tier.rates),
            context: model.context,
            max_output: model.max_output,
            capabilities: model.capabilities,
            quality: model.quality,
            quality_set: model.quality_set.clone(),
            languages: model.languages.clone(),
            token_factors: token_factors(model, seen, features),
            counted: None,
            ttft_prior_ms: model.latency.ttft_ms,
            cold_extra_ms: model.latency.cold_extra_ms,
            tokens_per_s_prior: model.latency.tokens_per_s,
            health: seen.map(|seen| seen.health.clone()).unwrap_or_default(),
            circuit: seen.map_or(CircuitView::Closed, |seen| seen.circuit),
            key: key_state(seen, provider_seen.map(|seen| &seen.key)),
            present: provider_seen.is_none_or(|seen| seen.present),
            limited_until: seen.and_then(|seen| seen.limited_until),
            forecast: seen.and_then(|seen| seen.forecast.clone()),
            shifted_until: seen.and_then(|seen| seen.shifted_until),
            maintenance,
            drained: until(&self.overrides.drains).is_some(),
            vetoed_until: until(&self.overrides.vetoes),
            retired: model.retired.clone(),
            over_budget: None,
            over_budget_then: None,
            warm_prefix_tokens: 0,
        };
        self.weigh(&mut candidate, model, request, (features, now));
        candidate
    }

    /// Holds a candidate to the budgets, at the size its prompt is reckoned to have: the one its
    /// estimate says and its money is held for.
    pub(super) fn weigh(
        &self,
        candidate: &mut CandidateInput,
        model: &Model,
        request: &Request,
        (features, now): (&RequestFeatures, UnixMs),
    ) {
        let input = route::input_tokens(candidate, features);
        let over_budget = self.over_budget(model, request, input, now);
        candidate.over_budget_then = over_budget.as_ref().map(|(_, then)| *then);
        candidate.over_budget = over_budget.map(|(words, _)| words);
    }

    /// Why a budget does not allow this model so large a prompt, if one does not, and what that budget
    /// does at its limit. What only waits for requests under way is no reason: it gets its turn.
    fn over_budget(
        &self,
        model: &Model,
        request: &Request,
        input: u64,
        now: UnixMs,
    ) -> Option<(String, AtLimit)> {
        if self.budget.budget().is_empty() {
            return None;
        }
        let cap = run::cap(request, model, input, run::Room::Usual, 0);
        let until = now + self.config.limits.total;
        let asked = account::asked(request, &self.config, model);
        let most = account::most(model, asked, (now, until), input, u64::from(cap));
        let payer = Payer {
            session: request.kept_session(),
            provider: model.provider.clone(),
            model: model.name.clone(),
        };
        let refusal = self.budget.refusal(&payer, most, request.over_budget, &self.calendar)?;
        let then = match refusal.hindrance {
            Hindrance::Busy => return None,
            Hindrance::Ask => AtLimit::Ask,
            Hindrance::Stop => AtLimit::Stop,
        };
        Some((refusal::brief(&refusal, now), then))
    }

    /// The model a pin or the last answer of this kind makes likely, for the header: the newest pin
    /// that applies to a session.
    pub fn pin_for(&self, session: Option<SessionId>, now: UnixMs) -> Option<&super::Pin> {
        self.overrides.pins.iter().rev().find(|pin| {
            pin.until.is_none_or(|until| now < until)
                && match pin.scope {
                    PinScope::All => true,
                    PinScope::Session | PinScope::Message => {
                        session.is_some() && pin.session == session
                    }
                    PinScope::Tag(_) => false,
                }
        })
    }

    /// What was measured of a model; nothing for one that is not in use.
    pub fn health(&self, model: &ModelName) -> Option<&ModelHealth> {
        self.models.get(model).map(|seen| &seen.health)
    }
}

/// What a model makes of the scripts of a text over the average estimate: by its vocabulary, and as
/// learned. Empty where nothing is known.
fn token_factors(
    model: &Model,
    seen: Option<&ModelStatus>,
    features: &RequestFeatures,
) -> Vec<(Script, f32)> {
    let learned = seen.map_or(&[][..], |seen| seen.tokens.estimates.as_slice());
    if model.tokenizer.is_none() && learned.is_empty() {
        return Vec::new();
    }
    let factor = |script: Script| {
        let own = learned.iter().find(|(s, _)| *s == script).map_or(1.0, |(_, factor)| *factor);
        let vocabulary =
            model.tokenizer.map_or(1.0, |t| route::vocabulary_factor(t.vocabulary, script));
        own * vocabulary
    };
    let mix = token_mix(&features.scripts, |script| f64::from(factor(script))) as f32;
    let of = |(script, _): &(Script, f32)| match script {
        Script::Common => (Script::Common, mix),
        script => (*script, factor(*script)),
    };
    features.scripts.iter().map(of).collect()
}

/// A prompt's tokens by a model's vocabulary, without anything learned.
pub(super) fn plain_estimate(model: &Model, features: &RequestFeatures) -> f64 {
    let factor = |script: Script| {
        model.tokenizer.map_or(1.0, |t| f64::from(route::vocabulary_factor(t.vocabulary, script)))
    };
    features.input_tokens as f64 * token_mix(&features.scripts, factor)
}

/// A provider's tags: the user's own, and that it runs on this machine.
fn tags(provider: &Provider) -> Vec<String> {
    let mut tags = provider.tags.clone();
    if provider.local && !tags.iter().any(|tag| tag == LOCAL) {
        tags.push(LOCAL.to_owned());
    }
    tags
}

/// Until when a provider's traffic is away for its maintenance, from a little before that begins;
/// `None` while it is not.
pub(super) fn maintenance_until(provider: &Provider, now: UnixMs) -> Option<UnixMs> {
    let windows = provider.maintenance.iter().map(|maintenance| &maintenance.window);
    windows
        .filter_map(|window| {
            let begins = window.begins_in(now).filter(|left| *left <= MAINTENANCE_LEAD)?;
            let begun = now + begins;
            Some(begun + window.ends_in(begun)?)
        })
        .max()
}

/// When a provider's traffic next leaves for its maintenance.
pub(super) fn maintenance_from(provider: &Provider, now: UnixMs) -> Option<UnixMs> {
    let windows = provider.maintenance.iter().map(|maintenance| &maintenance.window);
    windows.filter_map(|window| Some(now + window.begins_in(now)? - MAINTENANCE_LEAD)).min()
}

enum Exclusive {
    Yes,
    No,
}

fn imposed(model: &ModelName, scope: PinScope, exclusive: &Exclusive) -> Imposed {
    let exclusive = matches!(exclusive, Exclusive::Yes);
    Imposed { scope, model: model.clone(), exclusive, yields: false }
}

fn key_state(model: Option<&ModelStatus>, provider: Option<&KeyState>) -> KeyState {
    match model.and_then(|model| model.refused.as_ref()) {
        Some(words) => KeyState::Refused(words.clone()),
        None => provider.cloned().unwrap_or(KeyState::Ready),
    }
}

/// A policy's weights for quality, cost and speed, summing to 1.
pub fn weights(config: &Config, policy: &str) -> [f64; 3] {
    let weights = config
        .policies
        .get(policy)
        .map_or([1.0, 1.0, 1.0], |policy| [policy.quality, policy.cost, policy.speed]);
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 { weights.map(|weight| weight / sum) } else { [1.0 / 3.0; 3] }
}

fn rule_input(config: &Config, rule: &Rule) -> RuleInput {
    let mut words = String::from("rule");
    if let Some(task) = rule.when.task {
        let _ = write!(words, " task {task}");
    }
    if let Some(least) = rule.when.min_context {
        let _ = write!(words, " context over {least}");
    }
    if let Some(tag) = &rule.when.tag {
        let _ = write!(words, " tag #{tag}");
    }
    if let Some(lang) = rule.when.lang {
        let _ = write!(words, " language {}", lang.code());
    }
    let effect = match &rule.then {
        RuleThen::Prefer(names) => {
            let _ = write!(words, ": prefer {}", names.join(", "));
            RuleEffect::Prefer(names.clone())
        }
        RuleThen::Only(names) => {
            let _ = write!(words, ": only {}", names.join(", "));
            RuleEffect::Only(names.clone())
        }
        RuleThen::Avoid(names) => {
            let _ = write!(words, ": avoid {}", names.join(", "));
            RuleEffect::Avoid(names.clone())
        }
        RuleThen::Policy(name) => {
            let _ = write!(words, ": policy {name}");
            let weights = weights(config, name).map(|weight| (weight * 1000.0).round() as u32);
            RuleEffect::Policy { name: name.clone(), weights }
        }
    };
    RuleInput {
        task: rule.when.task,
        min_context: rule.when.min_context,
        tag: rule.when.tag.clone(),
        lang: rule.when.lang,
        effect,
        words,
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
