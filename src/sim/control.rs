//! The fleet's controls: faults put in while it runs, and what it has seen.
//!
//! Owns: which fault strikes the next call, and the counters. Must not know: how a fault looks on the
//! wire. Invariant: a fault injected so many times strikes exactly so many calls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::Fault;
use super::habits::{self, ProviderHabits};
use super::order::Strike;

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
    /// Which; unique within its server.
    #[serde(skip)]
    pub id: u64,
    /// What goes wrong.
    pub fault: Fault,
    /// Only for this model; all when `None`.
    pub model: Option<String>,
    /// For so many more calls.
    pub times: Option<u32>,
    #[serde(skip)]
    ends: Option<Instant>,
}

impl Injection {
    /// How much longer it lasts, where it ends by itself.
    pub fn left(&self) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_duration_since(Instant::now()))
    }
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
    /// Counted up whenever the faults in force change.
    changes: watch::Sender<u64>,
    /// The number of the next fault.
    numbers: AtomicU64,
    /// What the account has left, where the server tells.
    balance: Mutex<String>,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(watch::Sender::new(0))
    }
}

impl Desk {
    /// A desk that tells of its changes there.
    pub fn new(changes: watch::Sender<u64>) -> Self {
        Self {
            injections: Mutex::default(),
            stats: watch::Sender::new(Stats::default()),
            changes,
            numbers: AtomicU64::new(0),
            balance: Mutex::new("20.00".to_owned()),
        }
    }

    /// What the account has left.
    pub fn balance(&self) -> String {
        self.balance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Injection>> {
        self.injections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force, after those already there; its number.
    pub fn inject(&self, fault: Fault, model: Option<String>, until: Until) -> u64 {
        let (times, ends) = match until {
            Until::Times(times) => (Some(times), None),
            Until::For(span) => (None, Instant::now().checked_add(span)),
            Until::Cleared => (None, None),
        };
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.locked().push(Injection { id, fault, model, times, ends });
        self.change();
        id
    }

    /// Lifts all faults.
    pub fn clear(&self) {
        self.locked().clear();
        self.change();
    }

    /// The faults in force.
    pub fn injections(&self) -> Vec<Injection> {
        let mut injections = self.locked();
        injections.retain(in_force);
        injections.clone()
    }

    /// The fault that strikes a chat call to this model, counted as struck: the first of those that
    /// are counted in calls, else the newest.
    pub fn strike(&self, model: &str) -> Option<Fault> {
        let mut injections = self.locked();
        injections.retain(in_force);
        let fits = |i: &&mut Injection| i.model.as_deref().is_none_or(|only| only == model);
        let at = injections
            .iter_mut()
            .position(|i| i.times.is_some() && fits(&i))
            .or_else(|| injections.iter_mut().rposition(|i| fits(&i)))?;
        let injection = injections.get_mut(at)?;
        if let Some(times) = &mut injection.times {
            *times -= 1;
        }
        let fault = injection.fault.clone();
        let used_up = injection.times == Some(0);
        drop(injections);
        if used_up {
            self.change();
        }
        self.count(|stats| stats.faults += 1);
        Some(fault)
    }

    /// How many faults were ever put in force.
    pub fn number(&self) -> u64 {
        self.numbers.load(Ordering::Relaxed)
    }

    /// The newest fault put in force since that [number](Self::number) that breaks an answer of this
    /// model while it streams, counted as struck. Faults counted in calls are left for new calls, or
    /// who is struck would depend on what else is under way.
    pub fn strike_under_way(&self, model: &str, since: u64) -> Option<Fault> {
        let injections = self.injections();
        let strikes = |i: &&Injection| {
            i.id >= since
                && i.times.is_none()
                && i.model.as_deref().is_none_or(|only| only == model)
                && i.fault.after().is_some()
        };
        let fault = injections.iter().rfind(strikes)?.fault.clone();
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

/// A server as its controls know it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) provider: String,
    pub(super) models: Vec<String>,
    pub(super) desk: Arc<Desk>,
}

impl Place {
    /// A server of these habits, with nothing wrong.
    pub(super) fn new(habits: &ProviderHabits, changes: watch::Sender<u64>) -> Self {
        Self {
            provider: habits.name.clone(),
            models: habits.model.iter().map(|model| model.id.clone()).collect(),
            desk: Arc::new(Desk::new(changes)),
        }
    }
}

/// The controls of a running fleet; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    places: Arc<Vec<Place>>,
    changes: watch::Sender<u64>,
}

/// There is no such simulated provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no simulated provider is called {0:?}")]
pub struct UnknownProvider(pub String);

impl Control {
    pub(super) fn new(places: Vec<Place>, changes: watch::Sender<u64>) -> Self {
        Self { places: Arc::new(places), changes }
    }

    /// Controls of the shipped fleet while it does not run: they know its names, which is enough to
    /// check an order.
    ///
    /// # Errors
    /// When the shipped data cannot be read.
    pub fn idle() -> Result<Self, String> {
        let changes = watch::Sender::new(0);
        let place = |habits: ProviderHabits| Place::new(&habits, changes.clone());
        let places = habits::shipped()?.into_iter().map(place).collect();
        Ok(Self::new(places, changes))
    }

    fn desk(&self, provider: &str) -> Result<&Desk, UnknownProvider> {
        let found = self.places.iter().find(|place| place.provider == provider);
        found.map(|place| &*place.desk).ok_or_else(|| UnknownProvider(provider.to_owned()))
    }

    /// The providers' names.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| &*place.provider)
    }

    /// Sets what a provider's account has left, in dollars as it tells them: `"3.27"`.
    pub fn set_balance(&self, provider: &str, left: &str) -> Result<(), UnknownProvider> {
        let mut balance =
            self.desk(provider)?.balance.lock().unwrap_or_else(PoisonError::into_inner);
        left.clone_into(&mut balance);
        Ok(())
    }

    /// A provider's models by their ids; none of an unknown one.
    pub fn models(&self, provider: &str) -> &[String] {
        let found = self.places.iter().find(|place| place.provider == provider);
        found.map_or(&[], |place| &place.models)
    }

    /// Makes a provider or one of its models fail; the fault's number there.
    pub fn strike(&self, strike: &Strike) -> Result<u64, UnknownProvider> {
        let desk = self.desk(&strike.provider)?;
        Ok(desk.inject(strike.fault.clone(), strike.model.clone(), strike.until))
    }

    /// Is a fault still in force?
    pub fn in_force(&self, provider: &str, id: u64) -> bool {
        self.injections(provider).is_ok_and(|faults| faults.iter().any(|fault| fault.id == id))
    }

    /// Every fault in force, with the provider it is in force at.
    pub fn all(&self) -> Vec<(String, Injection)> {
        self.places
            .iter()
            .flat_map(|place| {
                place.desk.injections().into_iter().map(|one| (place.provider.clone(), one))
            })
            .collect()
    }

    /// Tells when the faults in force change.
    pub fn changes(&self) -> Changes {
        Changes { control: self.clone(), watch: self.changes.subscribe() }
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

/// Tells when the faults in force change.
#[derive(Debug)]
pub struct Changes {
    control: Control,
    watch: watch::Receiver<u64>,
}

impl Changes {
    /// Waits until a fault was put in force, was lifted, or ended by itself.
    pub async fn next(&mut self) {
        let ends = self.control.all().into_iter().filter_map(|(_, one)| one.ends).min();
        let ended = async {
            match ends {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The sender lives as long as the controls held here, so waiting cannot fail.
            _ = self.watch.changed() => {}
            () = ended => {}
        }
    }
}

/// `POST /sim/fault`: a fault with how long it lasts, or `{"clear": true}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Posted {
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

impl Posted {
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
            Some(fault) => {
                desk.inject(fault, self.model, until);
            }
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
    fn a_counted_fault_goes_first_and_then_the_newest() {
        let desk = Desk::default();
        desk.inject(Fault::Silence, None, Until::Cleared);
        desk.inject(Fault::Reset, None, Until::Cleared);
        desk.inject(Fault::QuotaGone, None, Until::Times(1));
        assert_eq!(desk.strike("a"), Some(Fault::QuotaGone));
        assert_eq!(desk.strike("a"), Some(Fault::Reset));
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
        let order =
            |text: &str| serde_json::from_str::<Posted>(text).unwrap().run(&Desk::default());
        assert!(order(r#"{"fault":{"kind":"silence"},"times":1}"#).is_ok());
        assert!(order(r#"{"clear":true}"#).is_ok());
        assert!(order("{}").is_err());
        assert!(order(r#"{"fault":{"kind":"silence"},"times":1,"for_ms":5}"#).is_err());
    }
}
