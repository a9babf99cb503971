//! The actor: one task that owns the router's state, the overrides, the routing log, spending, the
//! pinger and the answer cache, and publishes a snapshot after every change. It never awaits the
//! network or the disk: tasks do, and report.

mod background;
mod obey;
mod publish;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{CacheKey, CachedAnswer, MemoryCache};
use crate::config::{Config, Discovered, Provider};
use crate::domain::{
    AttemptReport, Decision, ErrorReport, FilterCode, FilterReason, ModelName, Outcome,
    OutcomeClass, ProviderName, RateWindow, Request, RequestId, UnixMs,
};
use crate::route::{DecisionInput, Observation, RouterSettings, RouterState};
use crate::wire::http::{Http, HttpOptions};

use super::keys::{Env, Keys};
use super::log::Log;
use super::permit::{Begun, Board, Permit};
use super::pinger::Pinger;
use super::{CacheStats, Command, Notice, NoticeLevel, Overrides, Snapshot, Spend};

/// Messages the actor may have waiting. Senders wait when it is full, which slows requests, never
/// sockets that are already streaming.
pub(super) const INBOX: usize = 1024;

/// Messages folded before a snapshot is published, so that a burst costs one.
const BATCH: usize = 128;

/// Notices kept.
const NOTICES: usize = 50;

/// What the actor is told.
#[derive(Debug)]
pub(super) enum ToActor {
    Command(Command),
    Routed {
        request: Box<Request>,
        decision: Arc<Decision>,
        input: Arc<DecisionInput>,
        decided_in: Duration,
        at: UnixMs,
    },
    Permit {
        provider: ProviderName,
        model: ModelName,
        insist: Insist,
        reply: oneshot::Sender<Result<Permit, FilterReason>>,
    },
    Observe {
        provider: ProviderName,
        model: ModelName,
        observation: Observation,
    },
    AttemptEnded {
        request: RequestId,
        report: Box<AttemptReport>,
        observation: Observation,
        error: Option<Box<ErrorReport>>,
        limits: Vec<RateWindow>,
    },
    Ended {
        request: RequestId,
        outcome: Box<Outcome>,
    },
    Cached {
        keys: Vec<CacheKey>,
        reply: oneshot::Sender<Option<CachedAnswer>>,
    },
    Keep {
        key: CacheKey,
        answer: Box<CachedAnswer>,
    },
    Uncacheable,
    Found {
        provider: ProviderName,
        listing: Listing,
    },
    Pinged {
        provider: ProviderName,
        listing: Listing,
        took: Duration,
    },
    KeysRead,
    Presence,
}

/// What asking an endpoint for its models gave.
#[derive(Debug)]
pub(super) enum Listing {
    /// Its models.
    Models(Vec<Discovered>),
    /// Nobody listens there.
    Absent,
    /// It answered something else, or too late: it may well be there.
    Unsure,
}

/// How much an attempt is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insist {
    /// There are others: only if the model's state allows it.
    No,
    /// There is nobody else, or a person named it: an open circuit or a shift gives way.
    Yes,
}

/// Why a permit was not given.
#[derive(Debug)]
pub(super) enum Denied {
    /// The state changed since the decision.
    Filtered(FilterReason),
    /// The engine is closing.
    Closing,
}

/// What request tasks and the actor share.
pub(super) struct Shared {
    pub(super) inbox: mpsc::Sender<ToActor>,
    pub(super) published: watch::Receiver<Arc<Snapshot>>,
    pub(super) keys: Keys,
    pub(super) env: Env,
    pub(super) seed: u64,
    pub(super) tasks: TaskTracker,
    pub(super) closing: CancellationToken,
    draws: AtomicU64,
    http: std::sync::OnceLock<Result<Http, ErrorReport>>,
    options: HttpOptions,
}

impl Shared {
    pub(super) fn new(
        inbox: mpsc::Sender<ToActor>,
        published: watch::Receiver<Arc<Snapshot>>,
        env: Env,
        seed: u64,
        options: HttpOptions,
    ) -> Self {
        Self {
            inbox,
            published,
            keys: Keys::default(),
            env,
            seed,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            draws: AtomicU64::new(0),
            http: std::sync::OnceLock::new(),
            options,
        }
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published.borrow())
    }

    /// Tells the actor; waits when it is busy; says nothing once it has gone.
    pub(super) async fn tell(&self, message: ToActor) {
        let _ = self.inbox.send(message).await;
    }

    /// Tells the actor from where nothing can wait; dropped when it is too busy to care.
    pub(super) fn tell_now(&self, message: ToActor) {
        let _ = self.inbox.try_send(message);
    }

    pub(super) async fn permit(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        insist: Insist,
    ) -> Result<Permit, Denied> {
        let (reply, answer) = oneshot::channel();
        let (provider, model) = (provider.clone(), model.clone());
        self.tell(ToActor::Permit { provider, model, insist, reply }).await;
        match answer.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(reason)) => Err(Denied::Filtered(reason)),
            Err(_) => Err(Denied::Closing),
        }
    }

    pub(super) async fn cached(&self, keys: Vec<CacheKey>) -> Option<CachedAnswer> {
        let (reply, answer) = oneshot::channel();
        self.tell(ToActor::Cached { keys, reply }).await;
        answer.await.ok().flatten()
    }

    /// The HTTP client, made on first use.
    pub(super) fn http(&self) -> Result<Http, ErrorReport> {
        self.http.get_or_init(|| Http::new(&self.options)).clone()
    }

    /// 0 to 1, different at every call, the same for the same seed and order of calls.
    pub(super) fn jitter(&self, salt: u32) -> f64 {
        let n = self.draws.fetch_add(1, Ordering::Relaxed) ^ (u64::from(salt) << 32) ^ self.seed;
        let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The actor's state.
pub(super) struct Actor {
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: mpsc::Receiver<ToActor>,
    pub(super) publish: watch::Sender<Arc<Snapshot>>,
    pub(super) board: Arc<Board>,
    pub(super) config: Arc<Config>,
    pub(super) policy: String,
    pub(super) router: RouterState,
    pub(super) overrides: Overrides,
    pub(super) log: Log,
    pub(super) spend: Spend,
    pub(super) by_model: BTreeMap<ModelName, Spend>,
    pub(super) present: BTreeMap<ProviderName, bool>,
    pub(super) pings: BTreeMap<ProviderName, u64>,
    pub(super) pinger: Pinger,
    pub(super) cache: MemoryCache,
    pub(super) cache_stats: CacheStats,
    pub(super) notices: Vec<Notice>,
    pub(super) revision: u64,
    /// Endpoints asked for their models that have not answered yet.
    pub(super) discovering: u32,
}

impl Actor {
    /// Runs until the engine is closed or every handle has gone.
    pub(super) async fn run(mut self) {
        loop {
            let now = super::clock::now();
            let next_ping = self.next_ping(now);
            let next_change = self.next_change(now);
            tokio::select! {
                () = self.shared.closing.cancelled() => return,
                message = self.inbox.recv() => {
                    let Some(message) = message else { return };
                    self.fold(message);
                    for _ in 0..BATCH {
                        let Ok(message) = self.inbox.try_recv() else { break };
                        self.fold(message);
                    }
                }
                () = self.board.changed() => {}
                () = sleep_or_forever(next_ping) => self.ping_due(),
                () = sleep_or_forever(next_change) => {}
            }
            self.take_back();
            self.publish();
        }
    }

    /// Reads keys, asks endpoints for their models, publishes the first snapshot. Quick.
    pub(super) fn prepare(&mut self) {
        self.tell_priors();
        self.begin();
        self.publish();
    }

    /// Permits that came back since the last time.
    fn take_back(&mut self) {
        let now = super::clock::now();
        for returned in self.board.take() {
            if returned.begun == Begun::Unended
                && let Some(model) = self.config.models.get(&returned.model)
            {
                let (provider, cancelled) = (model.provider.clone(), cancelled_midway());
                self.router.fold(&provider, &returned.model, &cancelled, now);
            }
            self.router.release(&returned.model, returned.admission);
        }
    }

    fn fold(&mut self, message: ToActor) {
        let now = super::clock::now();
        match message {
            ToActor::Command(command) => self.obey(command, now),
            ToActor::Routed { request, decision, input, decided_in, at } => {
                self.pinger.presence(now);
                self.log.begin(&request, decision, input, decided_in, at);
                self.spend_pin(&request);
            }
            ToActor::Permit { provider, model, insist, reply } => {
                self.take_back();
                let _ = reply.send(self.admit(&provider, &model, insist, now));
            }
            ToActor::Observe { provider, model, observation } => {
                self.pinger.traffic(&provider, now);
                self.router.fold(&provider, &model, &observation, now);
            }
            ToActor::AttemptEnded { request, report, observation, error, limits } => {
                let (provider, model) = (report.provider.clone(), report.model.clone());
                self.router.fold(&provider, &model, &observation, now);
                if !limits.is_empty() {
                    self.router.fold(&provider, &model, &Observation::Limits(limits), now);
                }
                self.account(&report);
                if let Some(error) = error {
                    self.take_error(&provider, &error, now);
                } else {
                    self.present.insert(provider, true);
                }
                self.log.attempt(request, *report);
            }
            ToActor::Ended { request, outcome } => self.log.end(request, *outcome),
            ToActor::Cached { keys, reply } => {
                let found = keys.iter().find_map(|key| self.cache.get(key, now).cloned());
                match &found {
                    Some(answer) => {
                        self.cache_stats.hits += 1;
                        self.cache_stats.saved = self.cache_stats.saved + answer.cost;
                    }
                    None => self.cache_stats.misses += 1,
                }
                let _ = reply.send(found);
            }
            ToActor::Keep { key, answer } => self.cache.put(key, *answer),
            ToActor::Uncacheable => self.cache_stats.uncacheable += 1,
            ToActor::Found { provider, listing } => self.found(&provider, listing),
            ToActor::Pinged { provider, listing, took } => {
                self.pinged(&provider, &listing, took, now);
            }
            ToActor::KeysRead => self.forgive(),
            ToActor::Presence => self.pinger.presence(now),
        }
    }

    fn account(&mut self, report: &AttemptReport) {
        let lost = report.outcome.is_some();
        let mine = self.by_model.entry(report.model.clone()).or_default();
        for spend in [mine, &mut self.spend] {
            spend.calls += 1;
            spend.usage = spend.usage + report.usage;
            spend.cost = spend.cost + report.cost;
            if lost {
                spend.lost = spend.lost + report.cost;
            }
        }
    }

    fn admit(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        insist: Insist,
        now: UnixMs,
    ) -> Result<Permit, FilterReason> {
        let admission = match (self.router.try_admit(provider, model, now), insist) {
            (Ok(admission), _) => admission,
            (Err(reason), Insist::Yes)
                if matches!(
                    reason.code,
                    FilterCode::CircuitOpen | FilterCode::Shifted | FilterCode::RateLimited
                ) =>
            {
                self.router.admit_anyway(provider, model, now)
            }
            (Err(reason), _) => return Err(reason),
        };
        Ok(Permit::new(&self.board, model, admission))
    }

    /// What a failure says about the provider beyond this attempt: a refused key or an empty account
    /// concerns all its models.
    fn take_error(&mut self, provider: &ProviderName, error: &ErrorReport, now: UnixMs) {
        if error.class != OutcomeClass::Account {
            return;
        }
        let whole_account = matches!(error.status, Some(401 | 402));
        if whole_account {
            self.router.refuse_provider(provider, &error.message, now);
        }
        let level = if whole_account { NoticeLevel::Error } else { NoticeLevel::Warn };
        self.notice(level, error.message.clone(), now);
    }

    pub(super) fn notice(&mut self, level: NoticeLevel, text: String, now: UnixMs) {
        if self.notices.last().is_some_and(|last| last.text == text) {
            return;
        }
        self.notices.push(Notice { at: now, level, text });
        if self.notices.len() > NOTICES {
            self.notices.remove(0);
        }
    }

    /// Providers that may be used: a key is there, or the user named them, or they answer.
    pub(super) fn active(&self, provider: &Provider) -> bool {
        use crate::config::Mention;
        if provider.local {
            return match provider.mention {
                Mention::User | Mention::Discovered => true,
                Mention::Shipped => self.present.get(&provider.name).copied().unwrap_or(false),
            };
        }
        provider.mention != Mention::Shipped || self.shared.keys.found(&provider.name)
    }

    fn found(&mut self, provider: &ProviderName, listing: Listing) {
        self.discovering = self.discovering.saturating_sub(1);
        self.note_presence(provider, &listing);
        if let Listing::Models(models) = listing
            && !models.is_empty()
        {
            self.config = Arc::new(self.config.with_discovered(provider.as_str(), models));
            self.tell_priors();
        }
    }

    fn note_presence(&mut self, provider: &ProviderName, listing: &Listing) {
        match listing {
            Listing::Models(_) => self.present.insert(provider.clone(), true),
            Listing::Absent => self.present.insert(provider.clone(), false),
            Listing::Unsure => None,
        };
    }

    fn pinged(&mut self, provider: &ProviderName, listing: &Listing, took: Duration, now: UnixMs) {
        self.note_presence(provider, listing);
        let answered = matches!(listing, Listing::Models(_));
        let ms = answered.then(|| super::attempt::millis(took));
        if let Some(ms) = ms {
            self.pings.insert(provider.clone(), ms);
        }
        let models: Vec<ModelName> = self.models_of(provider).cloned().collect();
        for model in models {
            self.router.fold(provider, &model, &Observation::Pinged { ms }, now);
        }
    }

    /// Keys or configuration changed: what accounts refused may be right now.
    pub(super) fn forgive(&mut self) {
        for provider in self.config.providers.keys() {
            self.router.clear_account(provider);
        }
    }

    /// Slowness is measured against each model's own prior.
    pub(super) fn tell_priors(&mut self) {
        for model in self.config.models.values() {
            self.router.set_prior(&model.provider, &model.name, model.latency.ttft_ms);
        }
    }

    /// Does a provider's endpoint answer, as far as is known? A local server the user did not name
    /// counts only once it was found; any other until it is known not to.
    pub(super) fn is_present(&self, provider: &Provider) -> bool {
        let doubt = !provider.local || provider.mention != crate::config::Mention::Shipped;
        !provider.local || self.present.get(&provider.name).copied().unwrap_or(doubt)
    }

    pub(super) fn models_of<'a>(
        &'a self,
        provider: &'a ProviderName,
    ) -> impl Iterator<Item = &'a ModelName> {
        self.config
            .models
            .values()
            .filter(move |model| model.provider == *provider)
            .map(|model| &model.name)
    }
}

/// The router's settings as the configuration has them.
pub(super) fn settings(config: &Config) -> RouterSettings {
    RouterSettings {
        p95_limit: config.feedback.p95_limit,
        shift_for: config.feedback.shift_for,
        min_samples: config.feedback.min_samples,
        ..RouterSettings::default()
    }
}

/// How an attempt counts whose task went away before it could tell.
fn cancelled_midway() -> Observation {
    Observation::Ended {
        outcome: Some(OutcomeClass::Cancelled),
        total_ms: 0,
        output_tokens: 0,
        streaming_ms: 0,
        retry_after_ms: None,
        detail: String::new(),
    }
}

async fn sleep_or_forever(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}
