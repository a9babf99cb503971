//! The answer cache as request tasks use it: the memory tier behind a plain lock, so that a hit needs
//! no word with the actor; the shared tier; the table of calls that several requests share.
//!
//! Must not know: how an answer is had. Invariant: of requests that ask the same at the same time one
//! asks and the others read along; no lock is held across an await; flights before memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use crate::cache::{Breaker, CacheKey, CachedAnswer, Fields, MemoryCache, Near, Tier, Trouble};
use crate::config::CacheSettings;
use crate::domain::{Cost, UnixMs};

use super::flight::{Flight, Follower, Has};
use super::remote::Remote;
use super::snapshot::{CacheStats, TierState};

/// Both tiers, and calls under way.
#[derive(Debug)]
pub(super) struct Shelf {
    memory: Mutex<MemoryCache>,
    stats: Mutex<CacheStats>,
    flights: Mutex<HashMap<CacheKey, Arc<Flight>>>,
    remote: ArcSwapOption<Remote>,
}

/// How a request stands to others that ask the same.
pub(super) enum Place {
    /// The answer has just come.
    Hit(CacheKey, Arc<CachedAnswer>),
    /// Somebody is asking the same.
    Follow(CacheKey, Follower),
    /// It asks, and others may read along while the seat is held.
    Lead(Seat),
    /// It asks for itself.
    Alone,
}

/// A leader's place in the table.
pub(super) struct Seat {
    key: CacheKey,
    flight: Arc<Flight>,
    shelf: Arc<Shelf>,
}

impl Seat {
    pub(super) fn flight(&self) -> Arc<Flight> {
        Arc::clone(&self.flight)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut flights = lock(&self.shelf.flights);
        if flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.key);
        }
    }
}

/// Whom a hit came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// A tier.
    Tier(Tier),
    /// A call that was under way.
    Flight,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// Empty.
    pub(super) fn new() -> Self {
        Self {
            memory: Mutex::new(MemoryCache::new(0, 0)),
            stats: Mutex::default(),
            flights: Mutex::default(),
            remote: ArcSwapOption::empty(),
        }
    }

    /// Takes over the settings; what is held stays, as far as it fits.
    ///
    /// # Errors
    /// There is no shared tier though one is wished for.
    pub(super) fn configure(&self, settings: &CacheSettings) -> Result<(), Trouble> {
        lock(&self.memory).resize(settings.max_entries, settings.max_bytes);
        let before = self.remote.load_full();
        if before.as_ref().map(|remote| &remote.settings) == settings.redis.as_ref() {
            return Ok(());
        }
        if let Some(before) = before {
            before.retire();
        }
        self.remote.store(None);
        if let Some(redis) = &settings.redis {
            self.remote.store(Some(Arc::new(Remote::open(redis)?)));
        }
        Ok(())
    }

    /// The shared tier.
    pub(super) fn remote(&self) -> Option<Arc<Remote>> {
        self.remote.load_full()
    }

    /// The first of these keys in memory.
    pub(super) fn find(
        &self,
        keys: &[CacheKey],
        now: UnixMs,
    ) -> Option<(CacheKey, Arc<CachedAnswer>)> {
        let mut memory = lock(&self.memory);
        keys.iter().find_map(|key| memory.get(key, now).map(|found| (*key, Arc::clone(found))))
    }

    /// Keeps an answer in memory, if it fits.
    pub(super) fn put(&self, key: CacheKey, answer: Arc<CachedAnswer>) -> bool {
        lock(&self.memory).put(key, answer)
    }

    /// What in memory is most like this.
    pub(super) fn nearest(&self, fields: &Fields, now: UnixMs) -> Option<Near> {
        lock(&self.memory).nearest(fields, now)
    }

    /// Forgets everything in memory; how many there were.
    pub(super) fn clear(&self) -> usize {
        lock(&self.memory).clear()
    }

    /// Forgets one answer in memory. Was there one?
    pub(super) fn remove(&self, key: &CacheKey) -> bool {
        lock(&self.memory).remove(key)
    }

    /// Keys in memory that begin so.
    pub(super) fn keys_like(&self, prefix: &str) -> Vec<CacheKey> {
        lock(&self.memory).keys_like(prefix)
    }

    /// Reads along with whoever asks for one of these keys; else `first`, that of the model it asks
    /// first, is this request's to ask for. An answer that came in the meantime is given at once.
    pub(super) fn take_place(
        self: &Arc<Self>,
        keys: &[CacheKey],
        first: Option<CacheKey>,
        has: Has<'_>,
        now: UnixMs,
    ) -> Place {
        let mut flights = lock(&self.flights);
        for key in keys {
            if let Some(follower) = flights.get(key).and_then(|flight| flight.join(has)) {
                return Place::Follow(*key, follower);
            }
        }
        // Whoever was asking keeps the answer before the table forgets them.
        if let Some((key, answer)) = self.find(keys, now) {
            return Place::Hit(key, answer);
        }
        let Some(key) = first else { return Place::Alone };
        if flights.get(&key).is_some_and(|flight| !flight.deserted()) {
            // Its text is not ours, and others read it.
            return Place::Alone;
        }
        let flight = Flight::from(has);
        flights.insert(key, Arc::clone(&flight));
        Place::Lead(Seat { key, flight, shelf: Arc::clone(self) })
    }

    // ---- figures ---------------------------------------------------------------------------

    /// An answer was given without a call.
    pub(super) fn count_hit(&self, from: From, saved: Cost) {
        let mut stats = lock(&self.stats);
        stats.hits += 1;
        stats.saved = stats.saved + saved;
        let tier = match from {
            From::Tier(Tier::Memory) => &mut stats.memory,
            From::Tier(Tier::Redis) => &mut stats.redis,
            From::Flight => &mut stats.shared,
        };
        tier.hits += 1;
        tier.saved = tier.saved + saved;
    }

    pub(super) fn count_miss(&self) {
        lock(&self.stats).misses += 1;
    }

    pub(super) fn count_uncacheable(&self) {
        lock(&self.stats).uncacheable += 1;
    }

    /// The cache in figures.
    pub(super) fn stats(&self) -> CacheStats {
        let (entries, bytes) = {
            let memory = lock(&self.memory);
            (memory.len() as u64, memory.bytes())
        };
        let tier = self.remote().map_or(TierState::None, |remote| match remote.state() {
            Breaker::Untried => TierState::Untried,
            Breaker::Closed => TierState::Up,
            Breaker::Open { since, .. } => TierState::Down { since },
        });
        CacheStats { entries, bytes, tier, ..*lock(&self.stats) }
    }
}
