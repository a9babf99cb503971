//! The calls nobody asked for: who is due, making them, and what they tell.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::config::{KeepWarm, KeepWhat, Model};
use crate::domain::{AttemptId, Cost, ModelName, OutcomeClass, ProviderName, UnixMs};
use crate::route::{Admission, CircuitView, KeyState, Observation, ShiftPhase};

use super::super::permit::Permit;
use super::super::pinger::{CallFor, Wants};
use super::super::warm::{self, Token};
use super::background::Report;
use super::{Actor, Listing, ToActor};

impl Actor {
    /// Who could be called, as things stand.
    fn wants(&self, now: UnixMs) -> Wants {
        let mut wants = Wants::default();
        for provider in self.config.providers.values().filter(|provider| self.active(provider)) {
            let name = &provider.name;
            if self.shared.keys.state(name) != KeyState::Ready || self.is_cut_off(name) {
                continue;
            }
            if let Some(since) = self.router.refused_since(name) {
                wants.refused.push((name.clone(), since));
            }
            if self.router.provider_account(name).is_some() {
                continue;
            }
            if let Some(since) = self.router.broken_since(name) {
                wants.broken.push((name.clone(), since));
            }
            let mine = || self.config.models.values().filter(|model| model.provider == *name);
            if mine().any(|model| model.keep_warm != KeepWarm::Off) {
                wants.warm.push(name.clone());
            }
            let paid = mine().filter(|model| model.keep_warm == KeepWarm::Infer);
            wants.paid.extend(
                paid.filter(|model| self.worth_a_token(model, now)).map(|model| model.name.clone()),
            );
        }
        wants
    }

    /// Would the router ask it now? Warmth is of no use where it would not.
    fn worth_a_token(&self, model: &Model, now: UnixMs) -> bool {
        let view = self.router.view(&model.name, now);
        let (name, provider) = (model.name.as_str(), model.provider.as_str());
        let mut kept_out = self.overrides.vetoes.iter().chain(&self.overrides.drains);
        view.circuit == CircuitView::Closed
            && view.account.is_none()
            && view.limited_until.is_none()
            && view.forecast.is_none_or(|near| !near.keeps_away(now))
            && view.shift == ShiftPhase::Steady
            && !self.overrides.drills.iter().any(|drill| drill.name == name)
            && !self.is_cut_off(&model.provider)
            && !kept_out.any(|veto| {
                (veto.name == name || veto.name == provider)
                    && veto.until.is_none_or(|until| now < until)
            })
    }

    pub(super) fn next_ping(&self, now: UnixMs) -> Option<Duration> {
        let next = self.pinger.next(&self.wants(now), now);
        next.map(|span| span.max(Duration::from_millis(20)))
    }

    pub(super) fn ping_due(&mut self) {
        let now = super::super::clock::now();
        let due = self.pinger.due(&self.wants(now), now);
        for (name, why) in due.calls {
            match self.config.providers.get(&name) {
                // A drill plays that it is gone.
                Some(_) if self.is_cut_off(&name) => {
                    self.pinged(&name, why, &Listing::Unsure, (Duration::ZERO, now));
                }
                Some(provider) => self.spawn_list(provider, Report::Pinged(why)),
                None => self.pinger.called(&name),
            }
        }
        for model in due.tokens {
            if !self.spawn_token(&model, now) {
                self.pinger.made(&model);
            }
        }
    }

    /// Asks a model for the token that keeps it warm, if it may be asked.
    fn spawn_token(&mut self, name: &ModelName, now: UnixMs) -> bool {
        let Some(model) = self.config.models.get(name).cloned() else { return false };
        let Some(provider) = self.config.providers.get(&model.provider).cloned() else {
            return false;
        };
        let permit = match self.router.try_admit(&provider.name, name, now) {
            Ok(Admission::Free) => Permit::new(&self.board, name, Admission::Free),
            // A probe is for somebody who waits for an answer.
            Ok(probe @ Admission::Probe(_)) => {
                self.router.release(name, probe);
                return false;
            }
            Err(_) => return false,
        };
        let (shared, limits) = (Arc::clone(&self.shared), self.config.limits_for(&model));
        self.shared.tasks.spawn(async move {
            let closing = shared.closing.clone();
            let (attempt, now) = (AttemptId(Uuid::now_v7()), super::super::clock::now());
            let wanted = warm::wanted(&model, now, limits);
            let Ok(mut money) = shared.purse.reserve(attempt, &wanted, now).await else {
                shared.tell(ToActor::NotWarmed(model.name)).await;
                return;
            };
            money.began();
            let token = tokio::select! {
                () = closing.cancelled() => return,
                token = warm::token(&shared, &provider, &model, limits) => token,
            };
            shared.purse.settle(attempt, token.cost);
            drop((money, permit));
            if let Some(ledger) = &shared.ledger
                && shared.snapshot().config.ledger.keep != KeepWhat::Nothing
            {
                ledger.aside(token.aside(now)).await;
            }
            shared.tell(ToActor::Warmed(Box::new(token))).await;
        });
        true
    }

    /// A token came, or did not.
    pub(super) fn warmed(&mut self, token: Token, now: UnixMs) {
        let Token { provider, model, cost, took_ms, error, limits, .. } = token;
        self.pinger.made(&model);
        let (calls, sum) = self.warm.entry(model.clone()).or_insert((0, Cost::ZERO));
        *calls += 1;
        *sum = *sum + cost;
        let seen = Observation::Warmed {
            outcome: error.as_ref().map(|error| error.class),
            total_ms: took_ms,
            retry_after_ms: error.as_ref().and_then(|error| error.retry_after_ms),
            detail: error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
        };
        self.router.fold(&provider, &model, &seen, now);
        if !limits.is_empty() {
            let told = Observation::Limits { windows: limits, told_at: now };
            self.router.fold(&provider, &model, &told, now);
        }
        if let Some(error) = error.filter(|error| error.class == OutcomeClass::Account) {
            self.take_error(&provider, &error, now);
        }
    }

    /// A free call is over.
    pub(super) fn pinged(
        &mut self,
        provider: &ProviderName,
        why: CallFor,
        listing: &Listing,
        (took, now): (Duration, UnixMs),
    ) {
        self.pinger.called(provider);
        self.note_presence(provider, listing);
        let took_ms = super::super::attempt::millis(took);
        let works = match listing {
            Listing::Models(_) | Listing::Refused(_) => true,
            Listing::Other(status) => *status < 500,
            Listing::Absent | Listing::Unreached | Listing::Unsure => false,
        };
        let models: Vec<ModelName> = self.models_of(provider).cloned().collect();
        if let Listing::Models(listed) = listing {
            self.pings.insert(provider.clone(), took_ms);
            if why == CallFor::Account {
                self.accepted(provider, &models, listed);
            }
        }
        let ms = works.then_some(took_ms);
        for model in models {
            self.router.fold(provider, &model, &Observation::Pinged { ms }, now);
        }
    }

    /// The key is good after all. Models it was refused for may be asked again if they are listed.
    fn accepted(
        &mut self,
        provider: &ProviderName,
        models: &[ModelName],
        listed: &[crate::config::Discovered],
    ) {
        if self.router.provider_account(provider).is_some() {
            self.router.clear_account(provider);
            return;
        }
        for name in models {
            let id = self.config.models.get(name).map(|model| model.id.as_str());
            if listed.iter().any(|each| Some(each.id.as_str()) == id) {
                self.router.clear_model_account(name);
            }
        }
    }
}
