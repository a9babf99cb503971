//! `/cache`: what the answer cache gave and saved, and forgetting what it keeps.

use crate::config::RedisSettings;
use crate::domain::{counted, format_size};
use crate::engine::{CacheStats, Command, Forget, TierState};

use super::super::{AppState, Effect, Tone};
use super::slash::STARTING;
use super::{Effects, notes};

/// The shortest beginning of a key that is taken for one.
const KEY: usize = 6;

/// Tells, or forgets.
pub(super) fn run(
    state: &mut AppState,
    fx: &mut Effects,
    what: &str,
    key: &str,
) -> Result<(), String> {
    match (what, key) {
        ("", _) => {
            let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
            let text = told(&snapshot.cache, snapshot.config.cache.redis.as_ref());
            notes::note(state, Tone::Info, text);
        }
        ("clear", "") => fx.push(Effect::Command(Command::Forget(Forget::All))),
        ("clear", key) if key.len() >= KEY && key.chars().all(|c| c.is_ascii_hexdigit()) => {
            let what = Forget::Like(key.to_ascii_lowercase());
            fx.push(Effect::Command(Command::Forget(what)));
        }
        ("clear", key) => {
            return Err(format!("{key:?} is no key: {KEY} or more hex digits, as /why shows them"));
        }
        _ => return Err("/cache tells, /cache clear [KEY] forgets".to_owned()),
    }
    Ok(())
}

fn told(cache: &CacheStats, redis: Option<&RedisSettings>) -> String {
    let parts = [
        ("from memory", cache.memory),
        ("from Redis", cache.redis),
        ("shared with an identical request", cache.shared),
    ];
    let mut lines = vec![format!(
        "{} kept in memory, {}; in this run {} given without a call, {} missed, {} not cacheable",
        counted(cache.entries, "answer"),
        format_size(cache.bytes),
        cache.hits,
        cache.misses,
        cache.uncacheable
    )];
    for (name, tier) in parts.into_iter().filter(|(_, tier)| tier.hits > 0) {
        lines.push(format!("{} {name}, saved {}", tier.hits, tier.saved.in_full()));
    }
    let state = match cache.tier {
        TierState::None => None,
        TierState::Untried => Some("not used yet"),
        TierState::Up => Some("works; `wheelhouse cache stats` tells what it holds"),
        TierState::Down { .. } => Some("gone, tried again by itself"),
    };
    lines.push(match (state, redis) {
        (Some(state), Some(redis)) => format!("Redis at {}: {state}", redis.address()),
        (Some(state), None) => format!("Redis: {state}"),
        (None, Some(_)) => "Redis is not used: its address cannot be read".to_owned(),
        (None, None) => "no Redis: cache.redis.url is not set".to_owned(),
    });
    lines.push("/why on a reply says why it hit or missed; /cache clear forgets".to_owned());
    lines.join("\n")
}
