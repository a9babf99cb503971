//! `/cache`.

use super::super::fixture::Console;
use super::texts;

#[test]
fn the_cache_tells_what_it_saved_and_where_redis_stands() {
    let mut console = Console::ready();
    console.text("/cache").keys("esc enter");
    let told = texts(&console.state).pop().unwrap();
    assert!(told.contains("0 answers kept in memory"), "{told}");
    assert!(told.contains("no Redis: cache.redis.url is not set"), "{told}");
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
