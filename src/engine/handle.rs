//! The engine's public face: start it, ask it, tell it, watch it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::cache::{Survey, Trouble};
use crate::config::Config;
use crate::domain::{CacheMode, Privacy, Request, UnixMs};
use crate::ledger::Ledger;
use crate::route::{DecisionInput, HedgeBook, RouterState, SpendStore};
use crate::wire::http::HttpOptions;

use super::actor::{Actor, INBOX, Shared, ToActor, settings};
use super::counting::Unknown;
use super::keys::Env;
use super::log::Log;
use super::permit::Board;
use super::pinger::Pinger;
use super::recall::{self, Forget, Forgotten, Recall};
use super::record::{self, Recorder};
use super::reply::{self, ReplyStream};
use super::retention;
use super::run::Run;
use super::watch::Watch;
use super::{Command, Overrides, Snapshot, Spend};

/// How the engine meets the world.
#[derive(Clone)]
pub struct Options {
    /// Proxies and certificates.
    pub http: HttpOptions,
    /// How names in the environment are read.
    pub env: Env,
    /// How often what is quiet is called; what is broken is called six times as often. For programs
    /// that live through a simulated day in less.
    pub warm_every: Duration,
    /// For every draw the engine makes; the same seed draws the same.
    pub seed: u64,
    /// Where errors are kept whose words are not known; `None` keeps none.
    pub unknown_errors: Option<PathBuf>,
    /// Where everything is kept; `None` keeps nothing.
    pub ledger: Option<Ledger>,
    /// Where spending outlives this run and hard budgets are shared with other processes; `None`
    /// counts this run alone.
    pub spending: Option<Arc<dyn SpendStore>>,
    /// The run ends with its answer, so that others know what it spent by `spending` alone: where that
    /// fails, a budget that stops is not gone on.
    pub brief: bool,
}

impl Default for Options {
    /// The process's own environment.
    fn default() -> Self {
        Self {
            http: HttpOptions::default(),
            env: Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
            warm_every: super::PING_EVERY,
            seed: 0,
            unknown_errors: None,
            ledger: None,
            spending: None,
            brief: false,
        }
    }
}

/// A cloneable handle. The engine ends when [`EngineHandle::close`] is called or all handles have
/// gone.
#[derive(Clone)]
pub struct EngineHandle {
    shared: Arc<Shared>,
    _alive: Arc<Alive>,
}

struct Alive(tokio_util::sync::CancellationToken);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Watches the engine: a snapshot now, then newer ones; those nobody looked at are skipped.
#[derive(Debug, Clone)]
pub struct Observer(watch::Receiver<Arc<Snapshot>>);

impl Observer {
    /// The newest snapshot, once it is newer than the last one seen; `None` when the engine ended.
    /// Safe to use in `select!`.
    pub async fn changed(&mut self) -> Option<Arc<Snapshot>> {
        self.0.changed().await.ok()?;
        Some(Arc::clone(&self.0.borrow_and_update()))
    }
}

/// Starts the engine. Must be called within a tokio runtime; returns at once.
pub fn start(config: Arc<Config>, options: Options) -> EngineHandle {
    let (inbox, received) = mpsc::channel(INBOX);
    let (policy, warm_every) = (config.routing.policy.clone(), options.warm_every);
    let empty = Snapshot::empty(super::clock::now(), Arc::clone(&config));
    let (publish, published) = watch::channel(Arc::new(empty));
    let shared = Arc::new(Shared::new(inbox, published, options, config.budget.clone()));
    let closing = shared.closing.clone();
    let mut actor = Actor {
        shared: Arc::clone(&shared),
        inbox: received,
        publish,
        board: Arc::new(Board::default()),
        router: RouterState::new(settings(&config, warm_every)),
        warm_every,
        policy,
        overrides: Overrides::default(),
        kept: std::collections::BTreeMap::new(),
        log: Log::default(),
        spend: Spend::default(),
        by_model: BTreeMap::new(),
        present: BTreeMap::new(),
        unreached: BTreeSet::new(),
        pings: BTreeMap::new(),
        pinger: Pinger::new(warm_every),
        warm: BTreeMap::new(),
        balances: BTreeMap::new(),
        misbilled: BTreeSet::new(),
        races: HedgeBook::default(),
        notices: Vec::new(),
        crossings: BTreeMap::new(),
        config_trouble: None,
        stuck: BTreeMap::new(),
        revision: 0,
        commands: 0,
        discovering: 0,
        remembers: shared.ledger.is_none(),
        config,
    };
    actor.prepare();
    shared.tasks.spawn(actor.run());
    if let Some(ledger) = &shared.ledger {
        shared.tasks.spawn(record::watch(ledger.clone(), Arc::clone(&shared)));
        shared.tasks.spawn(retention::watch(Arc::clone(&shared)));
    }
    EngineHandle { shared, _alive: Arc::new(Alive(closing)) }
}

impl EngineHandle {
    /// Asks. The reply streams in; dropping it cancels the request and its upstream call.
    pub fn ask(&self, mut request: Request) -> ReplyStream {
        if request.privacy == Privacy::Private {
            request.cache = CacheMode::Off;
        }
        let (sink, stream) = reply::pair();
        let what = self.shared.snapshot().config.ledger.keep;
        let record = Recorder::new(self.shared.ledger.as_ref(), what, &request);
        let run = Run { shared: Arc::clone(&self.shared), request, sink, record };
        let closing = self.shared.closing.clone();
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = run.go() => {}
            }
        });
        stream
    }

    /// Whether this would be answered from the cache, and why not. Asks no model and counts nothing.
    pub async fn recall(&self, request: &Request) -> Recall {
        recall::recall(&self.shared, request).await
    }

    /// Forgets kept answers, in memory and in the shared tier.
    ///
    /// # Errors
    /// The shared tier could not be told; what was in memory is forgotten all the same.
    pub async fn forget(&self, what: &Forget) -> Result<Forgotten, Trouble> {
        recall::forget(&self.shared.shelf, what).await
    }

    /// What the shared tier holds and has given over all processes; `None` when there is none.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn survey(&self) -> Result<Option<Survey>, Trouble> {
        match self.shared.shelf.remote() {
            Some(remote) => remote.tier().survey().await.map(Some),
            None => Ok(None),
        }
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// The snapshot `request` would be decided on now: the newest, with what other processes spent of
    /// the budgets, which may have to be read first.
    pub async fn snapshot_for(&self, request: &Request) -> Arc<Snapshot> {
        self.shared.snapshot_for(request).await
    }

    /// What a decision about `request` would be made from now, on all that was spent of the budgets.
    /// What others spent may be read here and texts counted, which takes a moment: not for a thread that
    /// draws.
    pub fn decision_input(&self, request: &Request, now: UnixMs, seed: u64) -> DecisionInput {
        let snapshot = self.shared.snapshot_here(request);
        let mut input = snapshot.decision_input(request, now, seed);
        self.shared.counting.refine(&mut input, request, &snapshot, Unknown::Count);
        input
    }

    /// Tells the engine something. Returns at once; the change shows in the next snapshot, and a
    /// request asked after this is decided with it. A command is dropped only when a thousand messages
    /// are waiting, which people cannot cause.
    pub fn send(&self, command: Command) {
        self.shared.command(command);
    }

    /// The user is there: warmth is worth having.
    pub fn presence(&self) {
        self.shared.tell_now(ToActor::Presence);
    }

    /// Watches the engine.
    pub fn subscribe(&self) -> Observer {
        Observer(self.shared.published.clone())
    }

    /// Watches files the configuration is made of until the engine closes: a change that can be read
    /// is put in force, another is told by a notice.
    pub fn watch(&self, watch: Watch) {
        self.shared.tasks.spawn(super::watch::run(Arc::clone(&self.shared), watch));
    }

    /// The present moment on the engine's clock.
    pub fn now(&self) -> UnixMs {
        super::clock::now()
    }

    /// The name of the variable a provider's key came from; never the key.
    pub fn key_source(&self, provider: &crate::domain::ProviderName) -> Option<String> {
        self.shared.keys.source(provider)
    }

    /// Asks every account that tells what it has left for it now; the answers are in the next snapshot.
    pub async fn read_balances(&self) {
        super::balance::read_all(&self.shared).await;
    }

    /// Waits until every endpoint that was asked for its models at start has answered or was given
    /// up, at most `limit`.
    pub async fn settled(&self, limit: std::time::Duration) -> Arc<Snapshot> {
        let mut observer = self.subscribe();
        let ready = |snapshot: &Snapshot| snapshot.revision > 0 && snapshot.discovering == 0;
        let wait = async {
            loop {
                let snapshot = self.snapshot();
                if ready(&snapshot) || observer.changed().await.is_none() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(limit, wait).await;
        self.snapshot()
    }

    /// Stops everything: requests are cancelled, sockets closed. Returns when all tasks have ended.
    pub async fn close(self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}
