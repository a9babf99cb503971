//! What request tasks and the actor share: the inbox, the published snapshot, keys, the HTTP client.
//! Must not hold any state a decision depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Budget, Config, Discovered};
use crate::domain::{
    AttemptKind, AttemptReport, Decision, ErrorReport, FilterReason, ModelName, Money, Outcome,
    ProviderName, RateWindow, Request, RequestId, UnixMs,
};
use crate::ledger::{KeptTokens, Ledger};
use crate::route::{DecisionInput, Observation};
use crate::wire::http::{Http, HttpOptions};

use super::super::balance::BalanceReading;
use super::super::counting::Counting;
use super::super::keys::{Env, Keys};
use super::super::permit::Permit;
use super::super::pinger::CallFor;
use super::super::purse::{Known, Purse};
use super::super::record::Keeping;
use super::super::remote::Remoteness;
use super::super::shelf::Shelf;
use super::super::unread::Collector;
use super::super::warm::Token;
use super::super::{Command, Options, Snapshot};

/// Messages the actor may have waiting. Senders wait when it is full, which slows requests, never
/// sockets that are already streaming.
pub(in crate::engine) const INBOX: usize = 1024;

/// A request waits at most so long for commands sent before it. The actor needs microseconds; longer
/// means that it is drowning, and then answering comes first.
const OBEY_LIMIT: Duration = Duration::from_secs(1);

/// The first request waits at most so long for what earlier runs learned: a few milliseconds, unless
/// the disk hangs, and then it is estimated.
const REMEMBER_LIMIT: Duration = Duration::from_secs(1);

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
        reply: oneshot::Sender<Result<Permit, Refused>>,
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
    /// What earlier runs learned of models' tokens.
    Remembered(Vec<KeptTokens>),
    /// Whether what is asked is kept.
    Keeping(Keeping),
    /// News of the shared cache tier.
    Remote(Remoteness),
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
    /// No budget leaves room for a token that would keep this model warm.
    NotWarmed(ModelName),
    /// A token that was paid for to keep a model warm has come, or has not.
    Warmed(Box<Token>),
    KeysRead,
    /// An account has told what it has left.
    Balance {
        provider: ProviderName,
        reading: BalanceReading,
    },
    /// What others spent has been read again.
    SpendingRead,
    /// A watched file changed: this is in force from here on. No command, because nobody who asks
    /// waits for it.
    Configured(Arc<Config>),
    /// A watched file was touched and says what is in force.
    ConfigAgain,
    /// The same, after something was wrong with it.
    ConfigMended,
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
    /// There is nobody else, or a person named it: an open circuit or a shift gives way. A told rate
    /// limit does not: its end is told instead.
    Yes,
    /// As long as a limit asked for was waited: it gives way too.
    Waited,
}

/// Why a permit was not given, and until when, where a limit's end is known.
#[derive(Debug)]
pub(in crate::engine) struct Refused {
    pub(in crate::engine) reason: FilterReason,
    pub(in crate::engine) until: Option<UnixMs>,
}

impl From<FilterReason> for Refused {
    fn from(reason: FilterReason) -> Self {
        Self { reason, until: None }
    }
}

/// Why a permit was not given.
#[derive(Debug)]
pub(in crate::engine) enum Denied {
    /// The state changed since the decision.
    Filtered(Refused),
    /// The engine is closing.
    Closing,
}

/// What request tasks and the actor share.
pub(in crate::engine) struct Shared {
    pub(in crate::engine) inbox: mpsc::Sender<ToActor>,
    pub(in crate::engine) published: watch::Receiver<Arc<Snapshot>>,
    pub(in crate::engine) keys: Keys,
    /// The answer cache.
    pub(in crate::engine) shelf: Arc<Shelf>,
    /// Money, reserved and spent.
    pub(in crate::engine) purse: Arc<Purse>,
    pub(in crate::engine) counting: Counting,
    /// Errors nobody has read before.
    pub(in crate::engine) unread: Arc<Collector>,
    pub(in crate::engine) env: Env,
    /// Where everything is kept.
    pub(in crate::engine) ledger: Option<Ledger>,
    pub(in crate::engine) seed: u64,
    pub(in crate::engine) tasks: TaskTracker,
    pub(in crate::engine) closing: CancellationToken,
    draws: AtomicU64,
    /// Commands sent to the actor.
    commands: AtomicU64,
    http: std::sync::OnceLock<Result<Http, ErrorReport>>,
    options: HttpOptions,
}

impl Shared {
    pub(in crate::engine) fn new(
        inbox: mpsc::Sender<ToActor>,
        published: watch::Receiver<Arc<Snapshot>>,
        options: Options,
        budget: Budget,
    ) -> Self {
        let Options { http: options, env, seed, unknown_errors, ledger, spending, brief, .. } =
            options;
        let purse = Purse::new(budget, spending, super::super::clock::now()).brief(brief);
        Self {
            inbox,
            published,
            keys: Keys::default(),
            shelf: Arc::new(Shelf::new()),
            purse: Arc::new(purse),
            counting: Counting::default(),
            unread: Arc::new(Collector::new(unknown_errors)),
            env,
            ledger,
            seed,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            draws: AtomicU64::new(0),
            commands: AtomicU64::new(0),
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

    /// Tells the actor from a thread that may wait.
    pub(in crate::engine) fn tell_blocking(&self, message: ToActor) {
        let _ = self.inbox.blocking_send(message);
    }

    /// Gives the actor a command; dropped when it is too busy to care.
    pub(in crate::engine) fn command(&self, command: Command) {
        // Counted before it is sent: whoever asks after this must wait for it.
        self.commands.fetch_add(1, Ordering::SeqCst);
        if self.inbox.try_send(ToActor::Command(command)).is_err() {
            self.commands.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Resolves once the commands sent so far are in force; after [`OBEY_LIMIT`] at the latest.
    pub(in crate::engine) async fn obeyed(&self) {
        let sent = self.commands.load(Ordering::SeqCst);
        let mut published = self.published.clone();
        let obeyed = published.wait_for(|snapshot| snapshot.commands >= sent);
        let _ = tokio::time::timeout(OBEY_LIMIT, obeyed).await;
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
            Ok(Err(refused)) => Err(Denied::Filtered(refused)),
            Err(_) => Err(Denied::Closing),
        }
    }

    pub(in crate::engine) async fn may_race(&self, cost: Money) -> bool {
        let (reply, answer) = oneshot::channel();
        self.tell(ToActor::MayRace { cost, reply }).await;
        answer.await.unwrap_or(false)
    }

    /// One that knows the model that is named, where its provider passes any id on.
    async fn snapshot_with(&self, named: Option<&ModelName>) -> Arc<Snapshot> {
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

    /// Resolves once what earlier runs learned is known, which decides how large a prompt is reckoned
    /// to be; after [`REMEMBER_LIMIT`] at the latest.
    async fn remembered(&self) {
        let mut published = self.published.clone();
        let remembered = published.wait_for(|snapshot| snapshot.remembers);
        let _ = tokio::time::timeout(REMEMBER_LIMIT, remembered).await;
    }

    /// The snapshot a request is decided on: it knows the model that is named, what earlier runs
    /// learned, and what was spent of the budgets, by other processes as well.
    pub(in crate::engine) async fn snapshot_for(&self, request: &Request) -> Arc<Snapshot> {
        self.remembered().await;
        let snapshot = self.snapshot_with(request.route.model()).await;
        let now = super::super::clock::now();
        let known = self.purse.informed(request.kept_session(), now).await;
        self.knowing(snapshot, known)
    }

    /// The newest snapshot with what was spent of the budgets, for a decision that sends nothing. On a
    /// thread that may wait.
    pub(in crate::engine) fn snapshot_here(&self, request: &Request) -> Arc<Snapshot> {
        let now = super::super::clock::now();
        let known = self.purse.informed_here(request.kept_session(), now);
        self.knowing(self.snapshot(), known)
    }

    /// A snapshot with budgets as they are known to stand. What is news to it is published.
    fn knowing(&self, snapshot: Arc<Snapshot>, known: Option<Known>) -> Arc<Snapshot> {
        let Some(Known { book: budget, calendar, news }) = known else { return snapshot };
        if news {
            self.tell_now(ToActor::SpendingRead);
        }
        if Arc::ptr_eq(&budget, &snapshot.budget) {
            return snapshot;
        }
        Arc::new(Snapshot { budget, calendar, ..Snapshot::clone(&snapshot) })
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
