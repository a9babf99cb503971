//! The fleet's controls: faults put in while it runs, and what it has seen.
//!
//! Owns: which fault strikes the next call, and the counters. Must not know: how a fault looks on the
//! wire. Invariant: a fault injected so many times strikes exactly so many calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::Fault;

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// For so many calls.
    Times(u32),
    /// For so long.
    For(Duration),
    /// Until it is cleared.
    Cleared,
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Injection {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for this model; all when `None`.
    pub model: Option<String>,
    /// For so many more calls.
    pub times: Option<u32>,
    #[serde(skip)]
    ends: Option<Instant>,
}

/// What a simulated server has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Connections taken.
    pub connections: u64,
    /// Chat requests.
    pub calls: u64,
    /// Chat requests by model.
    pub by_model: BTreeMap<String, u64>,
    /// Model lists asked for.
    pub lists: u64,
    /// Chat requests being answered.
    pub in_flight: u64,
    /// The most there were at once.
    pub most_in_flight: u64,
    /// Answers given to their end.
    pub whole: u64,
    /// Answers the client left before their end.
    pub left: u64,
    /// Answers the server broke off.
    pub broken: u64,
    /// Responses with a status other than 200.
    pub refused: u64,
    /// Calls a fault struck.
    pub faults: u64,
}

/// The faults and counters of one server.
#[derive(Debug)]
pub struct Desk {
    injections: Mutex<Vec<Injection>>,
    stats: watch::Sender<Stats>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { injections: Mutex::default(), stats: watch::Sender::new(Stats::default()) }
    }
}

impl Desk {
    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Injection>> {
        self.injections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force, after those already there.
    pub fn inject(&self, fault: Fault, model: Option<String>, until: Until) {
        let (times, ends) = match until {
            Until::Times(times) => (Some(times), None),
            Until::For(span) => (None, Instant::now().checked_add(span)),
            Until::Cleared => (None, None),
        };
        self.locked().push(Injection { fault, model, times, ends });
    }

    /// Lifts all faults.
    pub fn clear(&self) {
        self.locked().clear();
    }

    /// The faults in force.
    pub fn injections(&self) -> Vec<Injection> {
        let mut injections = self.locked();
        injections.retain(in_force);
        injections.clone()
    }

    /// The fault that strikes a chat call to this model, counted as struck.
    pub fn strike(&self, model: &str) -> Option<Fault> {
        let mut injections = self.locked();
        injections.retain(in_force);
        let fits = |i: &&mut Injection| i.model.as_deref().is_none_or(|only| only == model);
        let injection = injections.iter_mut().find(fits)?;
        if let Some(times) = &mut injection.times {
            *times -= 1;
        }
        let fault = injection.fault.clone();
        drop(injections);
        self.count(|stats| stats.faults += 1);
        Some(fault)
    }

    /// The fault that strikes a call for the model list: one that keeps the whole endpoint down.
    /// Faults counted in calls are left for chat calls.
    pub fn strike_list(&self) -> Option<Fault> {
        let injections = self.injections();
        let whole =
            |i: &&Injection| i.times.is_none() && i.model.is_none() && i.fault.whole_endpoint();
        injections.iter().find(whole).map(|injection| injection.fault.clone())
    }

    /// Changes the counters.
    pub fn count(&self, change: impl FnOnce(&mut Stats)) {
        self.stats.send_modify(change);
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.stats.borrow().clone()
    }
}

fn in_force(injection: &Injection) -> bool {
    injection.times != Some(0) && injection.ends.is_none_or(|ends| Instant::now() < ends)
}

/// The controls of a running fleet; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    desks: Arc<Vec<(String, Arc<Desk>)>>,
}

/// There is no such simulated provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no simulated provider is called {0:?}")]
pub struct UnknownProvider(pub String);

impl Control {
    pub(super) fn new(desks: Vec<(String, Arc<Desk>)>) -> Self {
        Self { desks: Arc::new(desks) }
    }

    fn desk(&self, provider: &str) -> Result<&Desk, UnknownProvider> {
        let found = self.desks.iter().find(|(name, _)| name == provider);
        found.map(|(_, desk)| &**desk).ok_or_else(|| UnknownProvider(provider.to_owned()))
    }

    /// The providers' names.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.desks.iter().map(|(name, _)| &**name)
    }

    /// Makes a provider fail.
    pub fn inject(
        &self,
        provider: &str,
        fault: Fault,
        until: Until,
    ) -> Result<(), UnknownProvider> {
        self.desk(provider)?.inject(fault, None, until);
        Ok(())
    }

    /// Makes one model of a provider fail.
    pub fn inject_on(
        &self,
        provider: &str,
        model_id: &str,
        fault: Fault,
        until: Until,
    ) -> Result<(), UnknownProvider> {
        self.desk(provider)?.inject(fault, Some(model_id.to_owned()), until);
        Ok(())
    }

    /// Lifts all faults of a provider.
    pub fn clear(&self, provider: &str) -> Result<(), UnknownProvider> {
        self.desk(provider)?.clear();
        Ok(())
    }

    /// The faults in force at a provider.
    pub fn injections(&self, provider: &str) -> Result<Vec<Injection>, UnknownProvider> {
        Ok(self.desk(provider)?.injections())
    }

    /// What a provider has seen.
    pub fn stats(&self, provider: &str) -> Result<Stats, UnknownProvider> {
        Ok(self.desk(provider)?.stats())
    }

    /// Waits until a provider's counters are as wanted.
    pub async fn until(
        &self,
        provider: &str,
        wanted: impl FnMut(&Stats) -> bool,
    ) -> Result<Stats, UnknownProvider> {
        let mut watch = self.desk(provider)?.stats.subscribe();
        // The sender lives as long as this borrow of it, so waiting cannot fail.
        let seen = watch.wait_for(wanted).await.map(|stats| stats.clone());
        seen.map_err(|_| UnknownProvider(provider.to_owned()))
    }
}

/// `POST /sim/fault`: a fault with how long it lasts, or `{"clear": true}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    for_ms: Option<u64>,
    #[serde(default)]
    fault: Option<Fault>,
}

impl Order {
    /// Carries it out.
    pub(super) fn run(self, desk: &Desk) -> Result<(), String> {
        if self.clear {
            desk.clear();
        }
        let until = match (self.times, self.for_ms) {
            (Some(_), Some(_)) => return Err("give either times or for_ms".to_owned()),
            (Some(times), None) => Until::Times(times),
            (None, Some(ms)) => Until::For(Duration::from_millis(ms)),
            (None, None) => Until::Cleared,
        };
        match self.fault {
            Some(fault) => desk.inject(fault, self.model, until),
            None if self.clear => {}
            None => return Err("give a fault, or clear".to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_told_and_only_its_model() {
        let desk = Desk::default();
        desk.inject(Fault::Silence, Some("a".to_owned()), Until::Times(2));
        assert_eq!(desk.strike("b"), None);
        assert_eq!(desk.strike("a"), Some(Fault::Silence));
        assert_eq!(desk.strike("a"), Some(Fault::Silence));
        assert_eq!(desk.strike("a"), None);
        assert_eq!(desk.stats().faults, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_for_a_while_ends_by_itself() {
        let desk = Desk::default();
        desk.inject(Fault::Status { status: 503 }, None, Until::For(Duration::from_mins(1)));
        assert!(desk.strike("a").is_some() && desk.strike_list().is_some());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!((desk.strike("a"), desk.strike_list()), (None, None));
        assert!(desk.injections().is_empty());
    }

    #[test]
    fn a_counted_fault_is_not_used_up_by_the_model_list() {
        let desk = Desk::default();
        desk.inject(Fault::Silence, None, Until::Times(1));
        assert_eq!(desk.strike_list(), None);
        assert_eq!(desk.strike("a"), Some(Fault::Silence));
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused() {
        let order = |text: &str| serde_json::from_str::<Order>(text).unwrap().run(&Desk::default());
        assert!(order(r#"{"fault":{"kind":"silence"},"times":1}"#).is_ok());
        assert!(order(r#"{"clear":true}"#).is_ok());
        assert!(order("{}").is_err());
        assert!(order(r#"{"fault":{"kind":"silence"},"times":1,"for_ms":5}"#).is_err());
    }
}
