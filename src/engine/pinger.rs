//! The calls nobody asked for: when a provider is due for a free call that keeps its connection warm,
//! shows that it is back, or looks at a refused account again; and when a model is due for a token
//! that is paid for to keep it warm. Pure; the actor makes the calls.
//!
//! Invariants: one call per provider at a time; while the user is away nobody is called; free calls
//! to broken providers are capped over all of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::domain::{ModelName, ProviderName, UnixMs};

/// How often a quiet provider is called, and a quiet model given a token to make.
pub const EVERY: Duration = Duration::from_mins(1);

/// After so long without any real traffic nobody is kept warm: the user is away.
const IDLE_AFTER: Duration = Duration::from_mins(30);

/// How often a provider with an open circuit is called: often at first, and still often enough to
/// use it half a minute after it recovers for as long as outages usually take.
const BROKEN_EVERY: Duration = Duration::from_secs(10);
const BROKEN_LONG: Duration = Duration::from_mins(10);
const BROKEN_LONG_EVERY: Duration = Duration::from_secs(20);
const BROKEN_FOR_GOOD: Duration = Duration::from_hours(1);
const BROKEN_FOR_GOOD_EVERY: Duration = Duration::from_mins(1);

/// Calls to broken providers in a minute, all of them together.
const BROKEN_CALLS: usize = 30;
const BROKEN_SPAN: Duration = Duration::from_mins(1);

/// How often a refused account is looked at again.
const REFUSED_EVERY: Duration = Duration::from_hours(1);

/// What a free call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallFor {
    /// To keep the connection warm.
    Warmth,
    /// To see whether it is back.
    Recovery,
    /// To see whether the account is accepted again.
    Account,
}

/// Who could be called, as things stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants {
    /// Providers worth keeping warm.
    pub(super) warm: Vec<ProviderName>,
    /// Providers with an open circuit, and since when.
    pub(super) broken: Vec<(ProviderName, UnixMs)>,
    /// Providers that refused an account, and since when.
    pub(super) refused: Vec<(ProviderName, UnixMs)>,
    /// Models kept warm by a token paid for that can be asked now.
    pub(super) paid: Vec<ModelName>,
}

/// Who is to be called now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Free calls.
    pub(super) calls: Vec<(ProviderName, CallFor)>,
    /// Tokens to be paid for.
    pub(super) tokens: Vec<ModelName>,
}

/// When each was last used or called.
#[derive(Debug)]
pub(super) struct Pinger {
    every: Duration,
    touched: BTreeMap<ProviderName, UnixMs>,
    used: BTreeMap<ModelName, UnixMs>,
    looked: BTreeMap<ProviderName, UnixMs>,
    tried: BTreeMap<ProviderName, UnixMs>,
    calling: BTreeSet<ProviderName>,
    making: BTreeSet<ModelName>,
    /// Calls to broken providers within the last minute.
    broken: VecDeque<UnixMs>,
    last_traffic: Option<UnixMs>,
    /// Since when anything has been going on.
    began: Option<UnixMs>,
    person: Person,
}

/// Whether somebody sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    /// A key was pressed: a question is likely to come.
    Seen,
    /// Nothing tells of one; a command may be over in a second.
    Unseen,
}

impl Default for Pinger {
    fn default() -> Self {
        Self::new(EVERY)
    }
}

impl Pinger {
    /// One that calls the quiet this often.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            touched: BTreeMap::new(),
            used: BTreeMap::new(),
            looked: BTreeMap::new(),
            tried: BTreeMap::new(),
            calling: BTreeSet::new(),
            making: BTreeSet::new(),
            broken: VecDeque::new(),
            last_traffic: None,
            began: None,
            person: Person::Unseen,
        }
    }

    /// Real traffic went to a model: it is warm without our doing.
    pub(super) fn traffic(&mut self, provider: &ProviderName, model: &ModelName, now: UnixMs) {
        self.touched.insert(provider.clone(), now);
        self.used.insert(model.clone(), now);
        self.presence(now);
    }

    /// The engine is in use: warmth is worth having.
    pub(super) fn presence(&mut self, now: UnixMs) {
        self.last_traffic = Some(now);
        self.began.get_or_insert(now);
    }

    /// Somebody pressed a key.
    pub(super) fn person(&mut self, now: UnixMs) {
        self.presence(now);
        self.person = Person::Seen;
    }

    /// A free call is over.
    pub(super) fn called(&mut self, provider: &ProviderName) {
        self.calling.remove(provider);
    }

    /// A token that was paid for has come, or has not.
    pub(super) fn made(&mut self, model: &ModelName) {
        self.making.remove(model);
    }

    /// Who is due now. They count as called until [`Self::called`] and [`Self::made`].
    pub(super) fn due(&mut self, wants: &Wants, now: UnixMs) -> Due {
        let mut due = Due::default();
        let oldest = now - BROKEN_SPAN;
        while self.broken.front().is_some_and(|at| *at <= oldest) {
            self.broken.pop_front();
        }
        for (provider, why, at) in self.calls(wants, now) {
            if at > now || self.calling.contains(&provider) {
                continue;
            }
            match why {
                CallFor::Recovery if self.broken.len() >= BROKEN_CALLS => continue,
                CallFor::Recovery => {
                    self.broken.push_back(now);
                    self.tried.insert(provider.clone(), now);
                }
                CallFor::Account => {
                    self.looked.insert(provider.clone(), now);
                }
                CallFor::Warmth => {}
            }
            self.touched.insert(provider.clone(), now);
            self.calling.insert(provider.clone());
            due.calls.push((provider, why));
        }
        for (model, at) in self.tokens(wants, now) {
            if at <= now {
                self.used.insert(model.clone(), now);
                self.making.insert(model.clone());
                due.tokens.push(model);
            }
        }
        due
    }

    /// How long until the next one is due; `None` while idle or with nobody to call.
    pub(super) fn next(&self, wants: &Wants, now: UnixMs) -> Option<Duration> {
        let calls = self
            .calls(wants, now)
            .into_iter()
            .filter(|(provider, ..)| !self.calling.contains(provider))
            .map(|(.., at)| at);
        let tokens = self.tokens(wants, now).into_iter().map(|(_, at)| at);
        calls.chain(tokens).map(|at| now.until(at)).min()
    }

    /// When each provider is due for a free call, and what for; the most urgent purpose first.
    fn calls(&self, wants: &Wants, now: UnixMs) -> Vec<(ProviderName, CallFor, UnixMs)> {
        if self.idle(now) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (provider, since) in &wants.refused {
            let last = self.looked.get(provider).copied().unwrap_or(*since).max(*since);
            all.push((provider.clone(), CallFor::Account, last + REFUSED_EVERY));
        }
        for (provider, since) in &wants.broken {
            let every = match now.since(*since) {
                out if out < BROKEN_LONG => BROKEN_EVERY,
                out if out < BROKEN_FOR_GOOD => BROKEN_LONG_EVERY,
                _ => BROKEN_FOR_GOOD_EVERY,
            };
            let every = self.paced(every);
            let last = self.tried.get(provider).copied().unwrap_or(*since).max(*since);
            // The oldest of as many as are allowed must have left the span.
            let oldest = self.broken.len().checked_sub(BROKEN_CALLS);
            let free = oldest.and_then(|index| self.broken.get(index)).map(|at| *at + BROKEN_SPAN);
            all.push((
                provider.clone(),
                CallFor::Recovery,
                (last + every).max(free.unwrap_or(last)),
            ));
        }
        for provider in &wants.warm {
            let last = self.touched.get(provider);
            let at = last.map_or(now, |last| *last + self.every);
            all.push((provider.clone(), CallFor::Warmth, at));
        }
        all
    }

    /// A span of the usual pace at this pinger's.
    fn paced(&self, span: Duration) -> Duration {
        span.mul_f64(self.every.as_secs_f64() / EVERY.as_secs_f64())
    }

    /// When each model is due for a token. One that was never used is due at once when somebody sits
    /// there; else after a while, so that a command that is soon over pays for nothing.
    fn tokens(&self, wants: &Wants, now: UnixMs) -> Vec<(ModelName, UnixMs)> {
        if self.idle(now) {
            return Vec::new();
        }
        let quiet = wants.paid.iter().filter(|model| !self.making.contains(*model));
        quiet
            .map(|model| {
                let last = match (self.used.get(model), self.person) {
                    (Some(used), _) => Some(*used),
                    (None, Person::Unseen) => self.began,
                    (None, Person::Seen) => None,
                };
                (model.clone(), last.map_or(now, |last| last + self.every))
            })
            .collect()
    }

    fn idle(&self, now: UnixMs) -> bool {
        self.last_traffic.is_none_or(|last| now.since(last) >= IDLE_AFTER)
    }
}

#[cfg(test)]
#[path = "pinger_tests.rs"]
mod tests;
