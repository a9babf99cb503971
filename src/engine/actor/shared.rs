//! What request tasks and the actor share: the inbox, the published snapshot, keys, the HTTP client.
//! Must not hold any state a decision depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{CacheKey, CachedAnswer};
use crate::config::Discovered;
use crate::domain::{
    AttemptKind, AttemptReport, Decision, ErrorReport, FilterReason, ModelName, Money, Outcome,
    ProviderName, RateWindow, Request, RequestId, UnixMs,
};
use crate::route::{DecisionInput, Observation};
use crate::wire::http::{Http, HttpOptions};

use super::super::counting::Counting;
use super::super::keys::{Env, Keys};
use super::super::permit::Permit;
use super::super::pinger::CallFor;
use super::super::unread::Collector;
use super::super::warm::Token;
use super::super::{Command, Options, Snapshot};

/// Messages the actor may have waiting. Senders wait when it is full, which slows requests, never
/// sockets that are already streaming.
pub(in crate::engine) const INBOX: usize = 1024;

/// What the actor is told.
#[derive(Debug)]
pub(in crate::engine) enum ToActor {
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
        kind: AttemptKind,
        reply: oneshot::Sender<Result<Permit, FilterReason>>,
    },
    /// May a second model that would cost this race a slow first one?
    MayRace {
        cost: Money,
        reply: oneshot::Sender<bool>,
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
    /// A model named for the first time at a provider that passes any id on.
    Adopt {
        model: ModelName,
        reply: oneshot::Sender<Arc<Snapshot>>,
    },
    Found {
        provider: ProviderName,
        listing: Listing,
    },
    Pinged {
        provider: ProviderName,
        why: CallFor,
        listing: Listing,
        took: Duration,
    },
    /// A token that was paid for to keep a model warm has come, or has not.
    Warmed(Box<Token>),
    KeysRead,
    /// A watched file changed and cannot be put in force, in words.
    ConfigTrouble(String),
    Presence,
}

/// What asking an endpoint for its models gave.
#[derive(Debug)]
pub(in crate::engine) enum Listing {
    /// Its models.
    Models(Vec<Discovered>),
    /// It refused the key.
    Refused(Box<ErrorReport>),
    /// Nobody listens there.
    Absent,
    /// No way to it was found: its name is not known, or no secure connection came about.
    Unreached,
    /// It answered with this status instead: it is there, and below 500 it works.
    Other(u16),
    /// It answered something else, or too late: it may well be there.
    Unsure,
}

/// How much an attempt is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Insist {
    /// There are others: only if the model's state allows it.
    No,
    /// There is nobody else, or a person named it: an open circuit or a shift gives way.
    Yes,
}

/// Why a permit was not given.
#[derive(Debug)]
pub(in crate::engine) enum Denied {
    /// The state changed since the decision.
    Filtered(FilterReason),
    /// The engine is closing.
    Closing,
}

/// What request tasks and the actor share.
pub(in crate::engine) struct Shared {
    pub(in crate::engine) inbox: mpsc::Sender<ToActor>,
    pub(in crate::engine) published: watch::Receiver<Arc<Snapshot>>,
    pub(in crate::engine) keys: Keys,
    pub(in crate::engine) counting: Counting,
    /// Errors nobody has read before.
    pub(in crate::engine) unread: Arc<Collector>,
    pub(in crate::engine) env: Env,
    pub(in crate::engine) seed: u64,
    pub(in crate::engine) tasks: TaskTracker,
    pub(in crate::engine) closing: CancellationToken,
    draws: AtomicU64,
    http: std::sync::OnceLock<Result<Http, ErrorReport>>,
    options: HttpOptions,
}

impl Shared {
    pub(in crate::engine) fn new(
        inbox: mpsc::Sender<ToActor>,
        published: watch::Receiver<Arc<Snapshot>>,
        options: Options,
    ) -> Self {
        let Options { http: options, env, seed, unknown_errors, warm_every: _ } = options;
        Self {
            inbox,
            published,
            keys: Keys::default(),
            counting: Counting::default(),
            unread: Arc::new(Collector::new(unknown_errors)),
            env,
            seed,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            draws: AtomicU64::new(0),
            http: std::sync::OnceLock::new(),
            options,
        }
    }

    pub(in crate::engine) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published.borrow())
    }

    /// Tells the actor; waits when it is busy; says nothing once it has gone.
    pub(in crate::engine) async fn tell(&self, message: ToActor) {
        let _ = self.inbox.send(message).await;
    }

    /// Tells the actor from where nothing can wait; dropped when it is too busy to care.
    pub(in crate::engine) fn tell_now(&self, message: ToActor) {
        let _ = self.inbox.try_send(message);
    }

    pub(in crate::engine) async fn permit(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        insist: Insist,
        kind: AttemptKind,
    ) -> Result<Permit, Denied> {
        let (reply, answer) = oneshot::channel();
        let (provider, model) = (provider.clone(), model.clone());
        self.tell(ToActor::Permit { provider, model, insist, kind, reply }).await;
        match answer.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(reason)) => Err(Denied::Filtered(reason)),
            Err(_) => Err(Denied::Closing),
        }
    }

    pub(in crate::engine) async fn may_race(&self, cost: Money) -> bool {
        let (reply, answer) = oneshot::channel();
        self.tell(ToActor::MayRace { cost, reply }).await;
        answer.await.unwrap_or(false)
    }

    pub(in crate::engine) async fn cached(&self, keys: Vec<CacheKey>) -> Option<CachedAnswer> {
        let (reply, answer) = oneshot::channel();
        self.tell(ToActor::Cached { keys, reply }).await;
        answer.await.ok().flatten()
    }

    /// The snapshot a request that names this model is decided on: one that knows it, where its
    /// provider passes any id on.
    pub(in crate::engine) async fn snapshot_with(
        &self,
        named: Option<&ModelName>,
    ) -> Arc<Snapshot> {
        let snapshot = self.snapshot();
        let Some(model) = named else { return snapshot };
        let new = snapshot.config.with_passthrough(model.as_str()).is_some();
        if !new {
            return snapshot;
        }
        let (reply, answer) = oneshot::channel();
        self.tell(ToActor::Adopt { model: model.clone(), reply }).await;
        answer.await.unwrap_or(snapshot)
    }

    /// The HTTP client, made on first use.
    pub(in crate::engine) fn http(&self) -> Result<Http, ErrorReport> {
        self.http.get_or_init(|| Http::new(&self.options)).clone()
    }

    /// 0 to 1, different at every call, the same for the same seed and order of calls.
    pub(in crate::engine) fn jitter(&self, salt: u32) -> f64 {
        let n = self.draws.fetch_add(1, Ordering::Relaxed) ^ (u64::from(salt) << 32) ^ self.seed;
        let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}
