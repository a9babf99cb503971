//! What the shell needs of the world: an engine to talk to, and a host that starts one.
//!
//! Owns: the shape of both. Must not know: how providers are asked, where files are. The composer of
//! the whole program fills them in; tests fill them with nothing behind.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use secrecy::SecretString;

use crate::console::app::{FaultBoard, Recall, Recalled, StartPlan};
use crate::domain::{ReplyEvent, Request, UnixMs};
use crate::engine::{Command, Snapshot};
use crate::route::DecisionInput;

/// Events of a reply, in batches: all that had come when it was looked.
pub type Replies = Pin<Box<dyn Stream<Item = Vec<ReplyEvent>> + Send>>;
/// Snapshots as they are published; those nobody looked at are skipped.
pub type Snapshots = Pin<Box<dyn Stream<Item = Arc<Snapshot>> + Send>>;
/// The faults of a simulated fleet, as they change.
pub type Faults = Pin<Box<dyn Stream<Item = Arc<FaultBoard>> + Send>>;
/// Something that takes a while.
pub type Soon<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An engine that runs.
pub trait Engine: Send + Sync {
    /// Asks. Dropping the stream cancels the request.
    fn ask(&self, request: Request) -> Replies;
    /// Tells it something; returns at once.
    fn send(&self, command: Command);
    /// What it published last.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// What it publishes from now on.
    fn snapshots(&self) -> Snapshots;
    /// What a decision about this request would be made from.
    fn decision_input(&self, request: &Request, now: UnixMs) -> DecisionInput;
    /// The faults of the simulated fleet it talks to, as they are and from now on; `None` where it
    /// talks to real providers.
    fn faults(&self) -> Option<(Arc<FaultBoard>, Faults)>;
    /// Tells the simulated fleet what is to go wrong; what was done, in words.
    fn fault(&self, order: &str) -> Result<String, String>;
    /// Asks what was kept, of earlier runs as well.
    fn recall(&self, asked: Recall, now: UnixMs) -> Soon<Result<Recalled, String>>;
    /// The user is there.
    fn presence(&self);
    /// Stops everything it does.
    fn close(&self) -> Soon<()>;
}

/// A shipped provider, as far as the first screen looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// Its name in the configuration.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Variables a key may be in, the usual one first.
    pub variables: Vec<String>,
    /// Loopback addresses it serves on by default (`127.0.0.1:11434`); empty for one that is not
    /// local.
    pub addresses: Vec<String>,
}

/// Who starts engines and knows where things are.
pub trait Host: Send + Sync {
    /// Starts an engine. `keys` holds keys given for this run only; they come before the
    /// environment's.
    fn start(&self, plan: StartPlan, keys: Arc<RunKeys>) -> Soon<Result<Arc<dyn Engine>, String>>;
    /// Providers the first screen looks for.
    fn presets(&self) -> Vec<Preset>;
    /// Reads the environment.
    fn env(&self, name: &str) -> Option<String>;
    /// Writes the configuration file, private to the user and never over another.
    fn write_config(&self, text: &str) -> Result<(), String>;
    /// The present moment.
    fn now(&self) -> UnixMs;
    /// A theme the user keeps beside the shipped ones, as text.
    fn theme(&self, name: &str) -> Option<String>;
}

/// Keys given for this run only: in memory, never written, never shown.
#[derive(Debug, Default)]
pub struct RunKeys(std::sync::Mutex<Vec<(String, SecretString)>>);

impl RunKeys {
    /// Keeps a key for a variable, in place of an earlier one.
    pub fn keep(&self, variable: String, key: SecretString) {
        let mut keys = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.retain(|(known, _)| *known != variable);
        keys.push((variable, key));
    }

    /// The key kept for a variable.
    pub fn get(&self, variable: &str) -> Option<SecretString> {
        let keys = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.iter().find(|(known, _)| known == variable).map(|(_, key)| key.clone())
    }
}
