//! `/cache`.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::Console;
use super::texts;
use crate::config::RedisSettings;
use crate::console::app::Msg;
use crate::domain::{Cost, Outcome, ReplyEvent};
use crate::engine::{CacheStats, TierState, TierStats};

#[test]
fn the_cache_tells_what_it_saved_and_where_redis_stands() {
    let mut console = Console::ready();
    console.text("/cache").keys("esc enter");
    let told = texts(&console.state).pop().unwrap();
    assert!(told.contains("0 answers kept in memory"), "{told}");
    assert!(told.contains("no Redis: cache.redis.url is not set"), "{told}");
}

#[test]
fn one_small_kept_answer_is_told_as_one_and_in_bytes() {
    let mut console = Console::ready();
    let mut snapshot = console.state.snapshot.as_deref().unwrap().clone();
    let saved = Cost { amount: "0.0000224".parse().unwrap(), exact: true };
    let memory = TierStats { hits: 1, saved };
    let tier = TierState::Down { since: snapshot.at };
    snapshot.cache = CacheStats {
        entries: 1,
        bytes: 872,
        hits: 1,
        saved,
        memory,
        tier,
        ..CacheStats::default()
    };
    let mut config = (*snapshot.config).clone();
    let url = "redis://me:hunter2@127.0.0.1:6455".to_owned();
    config.cache.redis = Some(RedisSettings { url, ttl: Duration::from_hours(1) });
    snapshot.config = Arc::new(config);
    console.send(Msg::Snapshot(Arc::new(snapshot)));
    console.text("/cache").keys("esc enter");
    let told = texts(&console.state).pop().unwrap();
    assert!(told.contains("1 answer kept in memory, 872 bytes; in this run 1 given"), "{told}");
    assert!(told.contains("1 from memory, saved $0.0000224"), "{told}");
    assert!(told.contains("Redis at redis://127.0.0.1:6455: gone"), "{told}");
}

#[test]
fn kept_answers_are_forgotten_all_or_by_their_key() {
    let mut console = Console::ready();
    for (line, wanted) in
        [("/cache clear", "Forget(All)"), ("/cache clear 3F9A1C", "Forget(Like(\"3f9a1c\"))")]
    {
        console.text(line).keys("esc enter");
        assert_eq!(console.commands().last().map(String::as_str), Some(wanted), "{line}");
    }
}

#[test]
fn a_key_that_could_be_anybodys_forgets_nothing() {
    let mut console = Console::ready();
    for (line, word) in [
        ("/cache clear 3f", "is no key"),
        ("/cache clear everything", "is no key"),
        ("/cache x", "forgets"),
    ] {
        console.text(line).keys("esc enter");
        assert!(console.toast().contains(word), "{line}: {}", console.toast());
        console.keys("ctrl-c");
    }
    assert!(console.commands().is_empty());
}

#[test]
fn what_the_cache_gave_is_not_counted_as_saved_by_routing() {
    let saved = |cached: Option<&str>| {
        let mut console = Console::ready();
        console.state.baseline = Some("opus".into());
        console.exchange("one", "a");
        let (_, first) = console.state.last_reply().unwrap();
        let outcome = first.reply.outcome.clone().unwrap();
        let outcome = Outcome { cached: cached.map(str::to_owned), cost: Cost::ZERO, ..outcome };
        console.text("two").keys("enter").routed("mini").stream("b");
        console.events(vec![ReplyEvent::End(Box::new(outcome))]);
        console.state.last_reply().unwrap().1.saved.clone()
    };
    assert!(saved(None).is_some());
    assert_eq!(saved(Some("memory")), None);
}
