//! The memory tier: an LRU bounded in entries and bytes, with absolute expiry. Knows no clock.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::domain::{Cost, Finish, ModelName, ProviderName, ToolCallParts, UnixMs, Usage};

use super::{CacheKey, Fields, Near};

/// Entries compared to explain a miss, the most recently used first: a miss must stay cheap.
const COMPARED: usize = 512;

/// A complete answer, kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedAnswer {
    /// The model that gave it.
    pub model: ModelName,
    /// Its provider.
    pub provider: ProviderName,
    /// The provider's id for the model.
    pub model_id: String,
    /// The text.
    pub text: String,
    /// The thinking shown with it.
    pub reasoning: String,
    /// The tools it calls, each whole.
    pub tool_calls: Vec<ToolCallParts>,
    /// How it finished.
    pub finish: Finish,
    /// What it used when it was made.
    pub usage: Usage,
    /// What it cost when it was made.
    pub cost: Cost,
    /// When it stops being used; absolute, so that it travels between tiers.
    pub expires: UnixMs,
    /// Fingerprints of what was asked.
    pub fields: Fields,
}

impl CachedAnswer {
    /// Bytes it is counted as: its texts and a share for the bookkeeping.
    fn weight(&self) -> u64 {
        let call = |call: &ToolCallParts| {
            size_of_val(call) + call.id.len() + call.name.len() + call.arguments.len()
        };
        let calls: usize = self.tool_calls.iter().map(call).sum();
        (self.text.len() + self.reasoning.len() + self.model_id.len() + calls + 256) as u64
    }
}

/// The memory tier.
#[derive(Debug)]
pub struct MemoryCache {
    entries: LruCache<CacheKey, Arc<CachedAnswer>>,
    bytes: u64,
    max_bytes: u64,
}

impl MemoryCache {
    /// An empty tier. A size of zero keeps nothing.
    pub fn new(max_entries: usize, max_bytes: u64) -> Self {
        let entries = NonZeroUsize::new(max_entries).unwrap_or(NonZeroUsize::MIN);
        Self { entries: LruCache::new(entries), bytes: 0, max_bytes }
    }

    /// The answer under this key, unless it has expired.
    pub fn get(&mut self, key: &CacheKey, now: UnixMs) -> Option<&Arc<CachedAnswer>> {
        if self.entries.peek(key).is_some_and(|answer| answer.expires <= now) {
            self.remove(key);
            return None;
        }
        self.entries.get(key)
    }

    /// Keeps an answer, evicting the least recently used until it fits. One that is larger than the
    /// whole tier is not kept, and nor is the one it was to replace. Is it kept?
    pub fn put(&mut self, key: CacheKey, answer: Arc<CachedAnswer>) -> bool {
        let weight = answer.weight();
        if weight > self.max_bytes {
            self.remove(&key);
            return false;
        }
        if let Some((_, old)) = self.entries.push(key, answer) {
            self.bytes = self.bytes.saturating_sub(old.weight());
        }
        self.bytes += weight;
        self.shrink();
        true
    }

    fn shrink(&mut self) {
        while self.bytes > self.max_bytes {
            let Some((_, old)) = self.entries.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(old.weight());
        }
    }

    /// Other bounds; what does not fit any more goes, the least recently used first.
    pub fn resize(&mut self, max_entries: usize, max_bytes: u64) {
        let max_entries = NonZeroUsize::new(max_entries).unwrap_or(NonZeroUsize::MIN);
        while self.entries.len() > max_entries.get() {
            let Some((_, old)) = self.entries.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(old.weight());
        }
        self.entries.resize(max_entries);
        self.max_bytes = max_bytes;
        self.shrink();
    }

    /// The live entry most like `fields`.
    pub fn nearest(&self, fields: &Fields, now: UnixMs) -> Option<Near> {
        let live = self.entries.iter().take(COMPARED).filter(|(_, answer)| answer.expires > now);
        let (key, answer) = live.min_by_key(|(_, answer)| answer.fields.distance(fields))?;
        Some(Near { key: *key, differs: answer.fields.differing(fields) })
    }

    /// Forgets an answer. Was there one?
    pub fn remove(&mut self, key: &CacheKey) -> bool {
        let Some(old) = self.entries.pop(key) else { return false };
        self.bytes = self.bytes.saturating_sub(old.weight());
        true
    }

    /// Keys held that begin so, in hex.
    pub fn keys_like(&self, prefix: &str) -> Vec<CacheKey> {
        self.entries.iter().map(|(key, _)| *key).filter(|k| k.hex().starts_with(prefix)).collect()
    }

    /// Forgets everything; how many there were.
    pub fn clear(&mut self) -> usize {
        let count = self.entries.len();
        self.entries.clear();
        self.bytes = 0;
        count
    }

    /// Answers held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing held?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::{self, key};
    use proptest::prelude::*;

    fn answer(len: usize, expires: i64) -> Arc<CachedAnswer> {
        Arc::new(sample::answer(len, expires))
    }

    #[test]
    fn an_expired_answer_is_not_given_and_its_room_is_freed() {
        let mut cache = MemoryCache::new(10, 10_000);
        cache.put(key(1), answer(100, 50));
        assert!(cache.get(&key(1), UnixMs(49)).is_some());
        assert!(cache.get(&key(1), UnixMs(50)).is_none());
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
    }

    #[test]
    fn the_least_recently_used_answer_goes_first() {
        let mut cache = MemoryCache::new(2, 10_000);
        cache.put(key(1), answer(1, 99));
        cache.put(key(2), answer(1, 99));
        assert!(cache.get(&key(1), UnixMs(0)).is_some());
        cache.put(key(3), answer(1, 99));
        assert!(cache.get(&key(2), UnixMs(0)).is_none());
        assert!(cache.get(&key(1), UnixMs(0)).is_some());
    }

    #[test]
    fn an_answer_larger_than_the_tier_is_not_kept() {
        let mut cache = MemoryCache::new(10, 1_000);
        cache.put(key(1), answer(500, 99));
        cache.put(key(2), answer(5_000, 99));
        assert!(cache.get(&key(1), UnixMs(0)).is_some());
        assert!(cache.get(&key(2), UnixMs(0)).is_none());
    }

    #[test]
    fn smaller_bounds_hold_at_once() {
        let mut cache = MemoryCache::new(10, 10_000);
        for n in 0..10 {
            cache.put(key(n), answer(100, 99));
        }
        cache.resize(4, 10_000);
        assert_eq!(cache.len(), 4);
        cache.resize(4, 800);
        assert_eq!((cache.len(), cache.bytes()), (2, 2 * (100 + 256)));
        assert!(cache.get(&key(9), UnixMs(0)).is_some());
    }

    #[test]
    fn the_nearest_entry_is_the_one_with_the_fewest_differences() {
        let mut cache = MemoryCache::new(10, 10_000);
        let fields = |change: fn(&mut crate::domain::Request)| sample::fields(change);
        let keep = |fields| Arc::new(CachedAnswer { fields, ..sample::answer(1, 99) });
        cache.put(key(1), keep(fields(|r| r.params.seed = Some(8))));
        cache.put(
            key(2),
            keep(fields(|r| {
                r.params.seed = Some(8);
                r.system = None;
            })),
        );
        let near = cache.nearest(&fields(|_| {}), UnixMs(0)).unwrap();
        assert_eq!((near.key, near.differs), (key(1), vec![crate::cache::Field::Seed]));
        assert_eq!(cache.nearest(&fields(|_| {}), UnixMs(99)), None);
    }

    proptest! {
        #[test]
        fn bytes_never_pass_the_bound_and_always_add_up(
            puts in prop::collection::vec((0u32..20, 0usize..2_000), 0..100),
        ) {
            let mut cache = MemoryCache::new(8, 4_000);
            for (n, len) in puts {
                cache.put(key(n), answer(len, 99));
                let sum: u64 = cache.entries.iter().map(|(_, a)| a.weight()).sum();
                prop_assert_eq!(sum, cache.bytes());
                prop_assert!(cache.bytes() <= 4_000 && cache.len() <= 8);
            }
        }
    }

    #[test]
    fn an_answer_too_large_to_keep_does_not_leave_an_older_one_in_its_place() {
        let mut cache = MemoryCache::new(10, 1_000);
        cache.put(key(1), answer(500, 99));
        cache.put(key(1), answer(5_000, 99));
        assert!(cache.get(&key(1), UnixMs(0)).is_none());
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
    }
}
