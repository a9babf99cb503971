//! What the console's shell asks of the world, filled in: engines that run, presets, files.
//!
//! Must not know: what the console does with any of it. Invariant: a key given for one run stays in
//! memory, and nothing is written but the file the user saw first.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream;
use secrecy::ExposeSecret as _;

use crate::config::{self, KeyRef, Loaded, Mention, Provider, Recipe};
use crate::console::app::{FaultBoard, Recall, Recalled, StartPlan};
use crate::console::shell::{self, Faults, Preset, Replies, RunKeys, Snapshots, Soon};
use crate::domain::{ReplyEvent, Request, UnixMs};
use crate::engine::{self, Command, Observer, ReplyStream, Snapshot};
use crate::route::DecisionInput;
use crate::sim::Order;

use super::compose::{Env, Setup};
use super::faults;
use super::recall;
use super::start::{self, Lives, Running, Using};

/// The most events handed over at once, so that a key never waits behind a long batch.
const BATCH: usize = 256;

/// The world as this program sees it.
pub struct Host {
    setup: Arc<Setup>,
    /// The configuration as read before the first frame; the first engine takes it.
    known: Mutex<Option<(Recipe, Loaded)>>,
}

impl Host {
    /// With these files and this environment.
    pub fn new(setup: Setup) -> Self {
        Self { setup: Arc::new(setup), known: Mutex::default() }
    }

    /// The configuration was read already: the first engine starts with it.
    pub fn keep(&self, recipe: Recipe, loaded: Loaded) {
        let known = Some((recipe, loaded));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What it was made with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }
}

impl shell::Host for Host {
    fn start(
        &self,
        plan: StartPlan,
        keys: Arc<RunKeys>,
    ) -> Soon<Result<Arc<dyn shell::Engine>, String>> {
        let setup = Arc::clone(&self.setup);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let using = match plan {
                StartPlan::Found => Using::Configured,
                StartPlan::LocalOnly => Using::Local,
                StartPlan::Demo => Using::Simulated,
            };
            let keeping = match plan {
                StartPlan::Demo if !setup.global.demo => setup.keep_apart(),
                StartPlan::Demo | StartPlan::Found | StartPlan::LocalOnly => setup.keep(),
            };
            if let Err(error) = keeping {
                tracing::warn!(%error, "nothing is kept");
            }
            let env = with_keys(keys, Arc::clone(&setup.env));
            let known = known.filter(|_| using == Using::Configured);
            match setup.start_using(using, env, known, Lives::WithTheConsole).await {
                Ok(mut running) => {
                    running.follow_files(&setup);
                    // The screen shows what is in force.
                    let tell = |line: String| tracing::info!(%line, "fault");
                    running
                        .strike(&setup, tell)
                        .map_err(|stop| stop.story().1.unwrap_or_default())?;
                    let live = Live { running, setup: Arc::clone(&setup) };
                    Ok(Arc::new(live) as Arc<dyn shell::Engine>)
                }
                Err(stop) => Err(stop.story().1.unwrap_or_default()),
            }
        })
    }

    fn presets(&self) -> Vec<Preset> {
        // The shipped presets are held by a test to have no errors.
        let shipped = config::load(&[]).map(|loaded| loaded.config.providers).unwrap_or_default();
        shipped.values().filter(|p| p.mention == Mention::Shipped).map(preset).collect()
    }

    fn env(&self, name: &str) -> Option<String> {
        (self.setup.env)(name)
    }

    fn write_config(&self, text: &str) -> Result<(), String> {
        let path = &self.setup.paths.config_file;
        config::write_new(path, text).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{} is there already; left as it is", path.display())
            }
            _ => format!("{}: {error}", path.display()),
        })
    }

    fn now(&self) -> UnixMs {
        engine::now()
    }

    fn theme(&self, name: &str) -> Option<String> {
        self.setup.theme_text(name)
    }
}

/// Keys given for this run come before the environment's.
fn with_keys(keys: Arc<RunKeys>, env: Env) -> Env {
    Arc::new(move |name| {
        keys.get(name).map(|key| key.expose_secret().to_owned()).or_else(|| env(name))
    })
}

fn preset(provider: &Provider) -> Preset {
    let variables = provider.keys.iter().filter_map(|key| match key {
        KeyRef::Env(name) => Some(name.clone()),
        KeyRef::Command(_) | KeyRef::Keyring(_) => None,
    });
    Preset {
        name: provider.name.to_string(),
        label: provider.label.clone(),
        variables: variables.collect(),
        addresses: provider
            .local
            .then(|| address(&provider.base_url))
            .flatten()
            .into_iter()
            .collect(),
    }
}

/// The host and port of an address: `127.0.0.1:11434`.
fn address(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split('/').next().filter(|host| host.contains(':'))?;
    Some(host.replacen("localhost", "127.0.0.1", 1))
}

/// A running engine as the shell sees it.
struct Live {
    running: Running,
    setup: Arc<Setup>,
}

impl shell::Engine for Live {
    fn ask(&self, request: Request) -> Replies {
        Box::pin(stream::unfold(self.running.engine.ask(request), batch))
    }

    fn send(&self, command: Command) {
        self.running.engine.send(command);
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.running.engine.snapshot()
    }

    fn snapshots(&self) -> Snapshots {
        let first = self.running.engine.snapshot();
        let later = stream::unfold(self.running.engine.subscribe(), newest);
        Box::pin(futures_util::StreamExt::chain(stream::iter([first]), later))
    }

    fn decision_input(&self, request: &Request, now: UnixMs) -> DecisionInput {
        let seed = start::seed(request);
        self.running.engine.decision_input(request, now, seed)
    }

    fn faults(&self) -> Option<(Arc<FaultBoard>, Faults)> {
        self.running.control().map(faults::watched)
    }

    fn fault(&self, order: &str) -> Result<String, String> {
        let fleet = self.running.control().ok_or("nothing here is simulated")?;
        Order::read(order, &fleet)?.run(&fleet)
    }

    fn recall(&self, asked: Recall, now: UnixMs) -> Soon<Result<Recalled, String>> {
        let (setup, config) = (Arc::clone(&self.setup), Arc::clone(&self.snapshot().config));
        Box::pin(async move {
            let answer = move || recall::answer(&setup, &config, asked, now);
            let answered = tokio::task::spawn_blocking(answer).await;
            answered.unwrap_or_else(|error| Err(error.to_string()))
        })
    }

    fn presence(&self) {
        self.running.engine.presence();
    }

    fn close(&self) -> Soon<()> {
        let engine = self.running.engine.clone();
        Box::pin(engine.close())
    }
}

/// What has come since the last look, at least one event.
async fn batch(mut stream: ReplyStream) -> Option<(Vec<ReplyEvent>, ReplyStream)> {
    let mut events = vec![stream.next().await?];
    while events.len() < BATCH {
        match stream.try_next() {
            Some(event) => events.push(event),
            None => break,
        }
    }
    Some((events, stream))
}

async fn newest(mut observer: Observer) -> Option<(Arc<Snapshot>, Observer)> {
    let snapshot = observer.changed().await?;
    Some((snapshot, observer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port() {
        assert_eq!(address("http://127.0.0.1:11434/v1").as_deref(), Some("127.0.0.1:11434"));
        assert_eq!(address("http://localhost:8080").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(address("https://api.openai.com/v1"), None);
    }
}
