//! The shared tier as the engine uses it: nobody waits for it longer than a moment, and once it failed
//! nobody waits at all until a probe in the background found it back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cache::{Breaker, CacheKey, CachedAnswer, Count, RedisTier, Trouble, Turned};
use crate::config::RedisSettings;
use crate::domain::UnixMs;

use super::actor::{Shared, ToActor};
use super::recall::Forgotten;

/// The longest anybody waits for an answer. Longer and a miss would cost more than it may save.
const WAIT: Duration = Duration::from_millis(100);

/// The longest the very first use waits: it has to connect.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest a probe waits; nobody waits for it.
const PROBE: Duration = Duration::from_secs(1);

/// Hits being counted at once in the background. More are not counted: the figures over all processes
/// are a little too small then.
const COUNTING: usize = 64;

/// News of the shared tier, for the actor.
#[derive(Debug)]
pub(super) enum Remoteness {
    /// It does not work, and is tried again from time to time.
    Gone(Trouble),
    /// It works again.
    Back,
    /// It answers but keeps nothing new.
    Full(Trouble),
    /// What was to be forgotten was, or was not everywhere.
    Forgot(Result<Forgotten, Trouble>),
    /// Its state changed without anything worth telling.
    Changed,
}

/// The shared tier.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) settings: RedisSettings,
    tier: RedisTier,
    breaker: Mutex<Breaker>,
    full: AtomicBool,
    counting: Arc<tokio::sync::Semaphore>,
    /// Cancelled when another took its place.
    replaced: CancellationToken,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.replaced.cancel();
    }
}

impl Remote {
    /// Not connected yet.
    pub(super) fn open(settings: &RedisSettings) -> Result<Self, Trouble> {
        Ok(Self {
            settings: settings.clone(),
            tier: RedisTier::open(&settings.url, settings.ttl)?,
            breaker: Mutex::default(),
            full: AtomicBool::new(false),
            counting: Arc::new(tokio::sync::Semaphore::new(COUNTING)),
            replaced: CancellationToken::new(),
        })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands.
    pub(super) fn state(&self) -> Breaker {
        *self.breaker()
    }

    /// Another took its place: it is not tried any more.
    pub(super) fn retire(&self) {
        self.replaced.cancel();
    }

    /// The first of these keys that is there.
    pub(super) async fn find(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        keys: &[CacheKey],
        now: UnixMs,
    ) -> Option<(CacheKey, CachedAnswer)> {
        self.bounded(shared, self.tier.find(keys, now)).await.flatten()
    }

    /// Keeps an answer, if that is quickly done and it is not too large. Is it kept?
    pub(super) async fn keep(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        key: &CacheKey,
        answer: &CachedAnswer,
        now: UnixMs,
    ) -> bool {
        self.bounded(shared, self.tier.keep(key, answer, now)).await.unwrap_or(false)
    }

    /// Counts a hit, if that is quickly done.
    pub(super) async fn count(self: &Arc<Self>, shared: &Arc<Shared>, count: Count) {
        self.bounded(shared, self.tier.count(count)).await;
    }

    /// Counts a hit while nobody waits.
    pub(super) fn count_aside(self: &Arc<Self>, shared: &Arc<Shared>, count: Count) {
        if !self.breaker().usable() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.counting).try_acquire_owned() else { return };
        let (remote, shared) = (Arc::clone(self), Arc::clone(shared));
        self.spawn(&Arc::clone(&shared), async move {
            remote.count(&shared, count).await;
            drop(permit);
        });
    }

    /// The tier itself, for what a person waits for.
    pub(super) fn tier(&self) -> &RedisTier {
        &self.tier
    }

    async fn bounded<T>(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        asked: impl Future<Output = Result<T, Trouble>>,
    ) -> Option<T> {
        let wait = match self.state() {
            Breaker::Untried => FIRST_WAIT,
            Breaker::Closed => WAIT,
            Breaker::Open { .. } => return None,
        };
        let answer = tokio::time::timeout(wait, asked).await.unwrap_or(Err(Trouble::Slow));
        match answer {
            Ok(answer) => {
                if self.breaker().worked() == Turned::On {
                    shared.tell_now(ToActor::Remote(Remoteness::Changed));
                }
                Some(answer)
            }
            Err(trouble) if trouble.stops() => {
                if self.breaker().failed(super::clock::now()) == Turned::Off {
                    self.watch(shared);
                }
                None
            }
            Err(trouble) => {
                tracing::debug!(%trouble, "the shared cache");
                if trouble == Trouble::Full && !self.full.swap(true, Ordering::Relaxed) {
                    shared.tell_now(ToActor::Remote(Remoteness::Full(trouble)));
                }
                None
            }
        }
    }

    /// Tries again and again until it works. One runs at a time: only the failure that stops its use
    /// begins one. A failure that the first try finds gone was a hiccup, and nothing is said of it.
    fn watch(self: &Arc<Self>, shared: &Arc<Shared>) {
        let (remote, told) = (Arc::clone(self), Arc::clone(shared));
        self.spawn(shared, async move {
            let mut said = false;
            while let Some(next) = remote.state().next_try() {
                tokio::time::sleep(super::clock::now().until(next)).await;
                let tried = tokio::time::timeout(PROBE, remote.tier.retry()).await;
                match tried.unwrap_or(Err(Trouble::Slow)) {
                    Ok(()) => {
                        remote.breaker().worked();
                        remote.full.store(false, Ordering::Relaxed);
                    }
                    Err(trouble) => {
                        remote.breaker().failed(super::clock::now());
                        if !said {
                            said = true;
                            told.tell(ToActor::Remote(Remoteness::Gone(trouble))).await;
                        }
                    }
                }
            }
            let news = if said { Remoteness::Back } else { Remoteness::Changed };
            told.tell(ToActor::Remote(news)).await;
        });
    }

    fn spawn(&self, shared: &Arc<Shared>, task: impl Future<Output = ()> + Send + 'static) {
        let (closing, replaced) = (shared.closing.clone(), self.replaced.clone());
        shared.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = replaced.cancelled() => {}
                () = task => {}
            }
        });
    }
}
