//! Commands: overrides, policy, configuration. Each changes what the next decision sees.

use crate::domain::{Decision, ModelName, PinScope, Request, Route, UnixMs};

use super::super::{Command, NoticeLevel, Pin, Veto};
use super::Actor;

impl Actor {
    pub(super) fn obey(&mut self, command: Command, now: UnixMs) {
        self.pinger.presence(now);
        self.forget_expired(now);
        match command {
            Command::Pin { model, scope, session, until } => {
                if self.config.models.contains_key(&model) {
                    self.overrides.pins.retain(|pin| pin.scope != scope || pin.session != session);
                    self.overrides.pins.push(Pin { model, scope, session, until });
                } else {
                    self.unknown("model", model.as_str(), now);
                }
            }
            Command::Unpin { session } => {
                self.overrides.pins.retain(|pin| pin.session.is_some() && pin.session != session);
            }
            Command::Policy(name) => match self.config.policy_named(&name) {
                Some(policy) => self.policy = policy.to_owned(),
                None => self.unknown("policy", &name, now),
            },
            Command::Avoid(veto) => {
                if self.is_name(&veto.name) {
                    self.overrides.vetoes.retain(|old| old.name != veto.name);
                    self.overrides.vetoes.push(veto);
                } else {
                    self.unknown("model or provider", &veto.name, now);
                }
            }
            Command::Drill(drill) => self.begin_drill(drill, now),
            Command::EndDrill(name) => self.end_drill(name.as_deref(), now),
            Command::Allow(name) => {
                self.overrides.vetoes.retain(|veto| veto.name != name);
                self.overrides.drains.retain(|drain| drain.name != name);
                let models: Vec<ModelName> = self
                    .config
                    .models
                    .values()
                    .filter(|m| m.name.as_str() == name || m.provider.as_str() == name)
                    .map(|m| m.name.clone())
                    .collect();
                for model in models {
                    self.undo_shift(&model, now);
                }
            }
            Command::UndoShift(model) => self.undo_shift(&model, now),
            Command::Drain { provider, on, until } => {
                self.overrides.drains.retain(|drain| drain.name != provider);
                if on {
                    self.overrides.drains.push(Veto { name: provider, until });
                }
            }
            Command::RecheckKeys => self.recheck_keys(),
            Command::Probe(name) => self.probe(&name),
            Command::Reconfigure(config) => self.reconfigure(&config, now),
            Command::Forget(what) => self.forget(what),
            Command::Budget { scope, limit } => {
                self.shared.purse.set(scope, limit);
                self.read_spending(None);
            }
            Command::Opened(session) => self.read_spending(Some(session)),
            Command::LeavePrivate(session) => self.log.leave(session, now),
            Command::DismissNotice => {
                self.notices.pop();
            }
        }
    }

    fn undo_shift(&mut self, model: &ModelName, now: UnixMs) {
        self.router.undo_shift(model, now);
        self.forget_shift(model);
    }

    /// A pin for one message is used up by the first message of its session that was decided with it.
    pub(super) fn spend_pin(&mut self, request: &Request, decision: &Decision) {
        let used =
            decision.imposed.as_ref().is_some_and(|imposed| imposed.scope == PinScope::Message);
        if used && request.route == Route::Auto {
            self.overrides
                .pins
                .retain(|pin| pin.scope != PinScope::Message || pin.session != request.session);
        }
    }

    fn forget_expired(&mut self, now: UnixMs) {
        let live = |until: &Option<UnixMs>| until.is_none_or(|until| now < until);
        self.overrides.pins.retain(|pin| live(&pin.until));
        self.overrides.vetoes.retain(|veto| live(&veto.until));
        self.overrides.drains.retain(|drain| live(&drain.until));
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.config.models.contains_key(name) || self.config.providers.contains_key(name)
    }

    pub(super) fn unknown(&mut self, what: &str, name: &str, now: UnixMs) {
        self.notice(NoticeLevel::Warn, format!("no {what} is called {name:?}"), now);
    }
}
