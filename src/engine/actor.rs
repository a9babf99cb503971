//! The actor: one task that owns the router's state, the overrides, the routing log, spending, the
//! pinger and the answer cache, and publishes a snapshot after every change. It never awaits the
//! network or the disk: tasks do, and report.

mod background;
mod budget;
mod drills;
mod intake;
mod keeping;
mod obey;
mod publish;
mod reconfigure;
mod remote;
mod shared;
mod steer;
mod warmth;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::config::{Config, FeedbackMetric, Provider};
use crate::domain::{
    AttemptKind, AttemptReport, BudgetScope, Cost, ErrorReport, FilterCode, FilterReason,
    ModelName, OutcomeClass, ProviderName, UnixMs,
};
use crate::route::{
    HedgeBook, HedgeLimits, Kept, Observation, RouterSettings, RouterState, SlowMetric,
};

use super::balance::Booked;
use super::log::Log;
use super::permit::{Begun, Board, Permit};
use super::pinger::Pinger;
use super::{Notice, NoticeLevel, Overrides, Snapshot, Spend};
use budget::CrossingTold;
pub(super) use shared::{Denied, INBOX, Insist, Listing, Refused, Shared, ToActor};

/// Messages folded before a snapshot is published, so that a burst costs one.
const BATCH: usize = 128;

/// Notices kept.
const NOTICES: usize = 50;

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
    /// What was remembered of models before a drill.
    pub(super) kept: BTreeMap<ModelName, Kept>,
    pub(super) log: Log,
    pub(super) spend: Spend,
    pub(super) by_model: BTreeMap<ModelName, Spend>,
    pub(super) present: BTreeMap<ProviderName, bool>,
    /// Providers whose address nothing answered at when it was last tried. People are told at once;
    /// who is asked next is the circuits' business.
    pub(super) unreached: BTreeSet<ProviderName>,
    pub(super) pings: BTreeMap<ProviderName, u64>,
    pub(super) pinger: Pinger,
    pub(super) warm_every: Duration,
    /// Tokens paid for to keep each model warm, and what they cost.
    pub(super) warm: BTreeMap<ModelName, (u64, Cost)>,
    /// Models whose bill was found to be another than their price says.
    pub(super) misbilled: BTreeSet<ModelName>,
    /// What accounts had left when they last told.
    pub(super) balances: BTreeMap<ProviderName, Booked>,
    pub(super) races: HedgeBook,
    pub(super) notices: Vec<Notice>,
    /// What notices say of budgets, one of each at most.
    pub(super) crossings: BTreeMap<BudgetScope, CrossingTold>,
    /// Why the last change of a file was not put in force, while it is not.
    pub(super) config_trouble: Option<String>,
    /// Slow models whose traffic nobody could take, and when that was said.
    pub(super) stuck: BTreeMap<ModelName, UnixMs>,
    pub(super) revision: u64,
    /// Commands carried out.
    pub(super) commands: u64,
    /// Endpoints asked for their models that have not answered yet.
    pub(super) discovering: u32,
    /// What earlier runs learned of tokens has been read, or could not be.
    pub(super) remembers: bool,
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
            self.end_due_drills(super::clock::now());
            self.steer(super::clock::now());
            self.publish();
        }
    }

    /// Reads keys, asks endpoints for their models, publishes the first snapshot. Quick.
    pub(super) fn prepare(&mut self) {
        self.configure_cache(super::clock::now());
        self.tell_priors();
        self.begin();
        self.watch_spending();
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
        self.tell_news(now);
    }

    fn fold(&mut self, message: ToActor) {
        let now = super::clock::now();
        match message {
            ToActor::Command(command) => {
                self.commands += 1;
                self.obey(command, now);
            }
            ToActor::Routed { request, decision, input, decided_in, at } => {
                self.pinger.presence(now);
                self.races.asked(now);
                self.spend_pin(&request, &decision);
                self.log.begin(&request, decision, input, decided_in, at);
            }
            ToActor::Permit { provider, model, insist, kind, reply } => {
                self.take_back();
                let permit = self
                    .may_retry(&provider, kind, now)
                    .map_err(Refused::from)
                    .and_then(|()| self.admit(&provider, &model, insist, now));
                let _ = reply.send(permit);
            }
            ToActor::MayRace { cost, reply } => {
                let hedge = &self.config.hedge;
                let limits = HedgeLimits { share: hedge.max_share, per_hour: hedge.max_per_hour };
                let _ = reply.send(self.races.may_race(cost, &limits, now));
            }
            ToActor::Observe { provider, model, observation } => {
                self.pinger.traffic(&provider, &model, now);
                if matches!(observation, Observation::FirstToken { .. }) {
                    self.unreached.remove(&provider);
                }
                self.router.fold(&provider, &model, &observation, now);
            }
            ToActor::AttemptEnded { request, report, observation, error, limits } => {
                let (provider, model) = (report.provider.clone(), report.model.clone());
                self.pinger.traffic(&provider, &model, now);
                self.router.fold(&provider, &model, &observation, now);
                if !limits.is_empty() {
                    let told_at = headers_at(&report, now);
                    let told = Observation::Limits { windows: limits, told_at };
                    self.router.fold(&provider, &model, &told, now);
                }
                let used =
                    Observation::Used { input: report.usage.input, output: report.usage.output };
                self.router.fold(&provider, &model, &used, now);
                self.account(&report);
                self.check_bill(&report, now);
                self.note_reach(&report, error.as_deref());
                if let Some(error) = error {
                    self.take_error(&provider, &error, now);
                } else {
                    self.present.insert(provider, true);
                }
                self.note_intake(request, &report, now);
                self.log.attempt(request, *report);
            }
            ToActor::Ended { request, outcome } => self.log.end(request, *outcome),
            ToActor::Remembered(rows) => self.remember_tokens(rows),
            ToActor::Keeping(keeping) => self.tell_keeping(keeping, now),
            ToActor::Remote(news) => self.hear_of_remote(news, now),
            ToActor::Adopt { model, reply } => {
                if let Some((config, _)) = self.config.with_passthrough(model.as_str()) {
                    self.config = Arc::new(config);
                    self.tell_priors();
                }
                self.publish();
                let _ = reply.send(Arc::clone(&self.publish.borrow()));
            }
            ToActor::Found { provider, listing } => self.found(&provider, listing),
            ToActor::Pinged { provider, why, listing, took } => {
                self.pinged(&provider, why, &listing, (took, now));
            }
            ToActor::NotWarmed(model) => self.pinger.made(&model),
            ToActor::Warmed(token) => self.warmed(*token, now),
            ToActor::KeysRead => self.forgive(),
            ToActor::Balance { provider, reading } => self.take_balance(provider, reading, now),
            // The news is in the purse.
            ToActor::SpendingRead => {}
            ToActor::Configured(config) => self.reconfigure(&config, now),
            // A key that was refused may be right by now.
            ToActor::ConfigAgain => self.recheck_keys(),
            ToActor::ConfigMended => self.mend_config(),
            ToActor::ConfigTrouble(text) => self.refuse_config(text, now),
            ToActor::Presence => self.pinger.person(now),
        }
    }

    fn account(&mut self, report: &AttemptReport) {
        // What the user stopped was wanted until then.
        let lost = report.outcome.is_some_and(|class| class != OutcomeClass::Cancelled);
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

    /// First attempts earn retries, and retries spend them.
    fn may_retry(
        &mut self,
        provider: &ProviderName,
        kind: AttemptKind,
        now: UnixMs,
    ) -> Result<(), FilterReason> {
        match kind {
            AttemptKind::First | AttemptKind::Fallback | AttemptKind::Hedge => {
                self.router.earn_retry(provider, now);
                Ok(())
            }
            AttemptKind::Retry if !self.router.may_retry(provider, now) => Err(FilterReason {
                code: FilterCode::RateLimited,
                detail: format!("{provider} fails for everybody; no more retries for now"),
            }),
            AttemptKind::Retry | AttemptKind::Continue | AttemptKind::Redo | AttemptKind::Probe => {
                Ok(())
            }
        }
    }

    fn admit(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        insist: Insist,
        now: UnixMs,
    ) -> Result<Permit, Refused> {
        let admission = match (self.router.try_admit(provider, model, now), insist) {
            (Ok(admission), _) => admission,
            (Err(reason), Insist::No) => return Err(reason.into()),
            (Err(reason), Insist::Yes | Insist::Waited) => {
                let until = match (reason.code, insist) {
                    (FilterCode::RateLimited, Insist::Yes) => {
                        self.router.limited_until(provider, model, now)
                    }
                    _ => None,
                };
                let gives_way = matches!(
                    reason.code,
                    FilterCode::CircuitOpen | FilterCode::Shifted | FilterCode::RateLimited
                );
                if until.is_some() || !gives_way {
                    return Err(Refused { reason, until });
                }
                self.router.admit_anyway(provider, model, now)
            }
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
        if self.notices.iter().any(|notice| notice.text == error.message) {
            return;
        }
        let level = if whole_account { NoticeLevel::Error } else { NoticeLevel::Warn };
        self.notice(level, error.message.clone(), now);
    }

    pub(super) fn notice(&mut self, level: NoticeLevel, text: String, now: UnixMs) {
        if self.notices.last().is_some_and(|last| last.text == text) {
            return;
        }
        self.notices_push(Notice { at: now, level, text, undo: None });
    }

    fn notices_push(&mut self, notice: Notice) {
        self.notices.push(notice);
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

    /// Whether an attempt came through to its provider. What tells nothing of that (it was stopped,
    /// it never left) changes nothing.
    fn note_reach(&mut self, report: &AttemptReport, error: Option<&ErrorReport>) {
        match error {
            Some(error) if error.unreached() => {
                self.unreached.insert(report.provider.clone());
            }
            Some(_) if report.status.is_none() => {}
            Some(_) | None => {
                self.unreached.remove(&report.provider);
            }
        }
    }

    fn note_presence(&mut self, provider: &ProviderName, listing: &Listing) {
        match listing {
            Listing::Models(_) | Listing::Refused(_) => {
                self.unreached.remove(provider);
            }
            Listing::Absent | Listing::Unreached => {
                self.unreached.insert(provider.clone());
            }
            Listing::Other(_) => {
                self.unreached.remove(provider);
            }
            Listing::Unsure => {}
        }
        match listing {
            Listing::Models(_) => self.present.insert(provider.clone(), true),
            Listing::Absent => self.present.insert(provider.clone(), false),
            Listing::Refused(error) => {
                self.take_error(provider, error, super::clock::now());
                self.present.insert(provider.clone(), true)
            }
            Listing::Other(_) => self.present.insert(provider.clone(), true),
            Listing::Unreached | Listing::Unsure => None,
        };
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
pub(super) fn settings(config: &Config, warm_every: Duration) -> RouterSettings {
    RouterSettings {
        // Longer than the time between calls, so that what is called stays warm.
        warm_for: warm_every + warm_every / 6,
        metric: match config.feedback.metric {
            FeedbackMetric::Ttft => SlowMetric::Ttft,
            FeedbackMetric::Total => SlowMetric::Total,
        },
        p95_limit: config.feedback.p95_limit,
        shift_for: config.feedback.shift_for,
        min_samples: config.feedback.min_samples,
        ..RouterSettings::default()
    }
}

/// When the headers of an attempt that has just ended arrived.
fn headers_at(report: &AttemptReport, now: UnixMs) -> UnixMs {
    let since = report.stamps.headers.map_or(0, |headers| report.ms.saturating_sub(headers));
    now - Duration::from_millis(since)
}

/// How an attempt counts whose task went away before it could tell.
fn cancelled_midway() -> Observation {
    Observation::Ended {
        outcome: Some(OutcomeClass::Cancelled),
        total_ms: 0,
        output_tokens: 0,
        streaming_ms: 0,
        gap_ms: None,
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
