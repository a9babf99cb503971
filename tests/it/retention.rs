//! How much is kept and for how long, as the configuration says: by age while the engine runs, in
//! figures alone, or not at all.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use uuid::Uuid;
use wheelhouse::config::{CacheWhen, Config, KeepWhat, LedgerSettings};
use wheelhouse::domain::{Privacy, Route, SessionId, UnixMs};
use wheelhouse::engine::{self, Options};
use wheelhouse::ledger::sample::Turn;
use wheelhouse::ledger::{self, Days, FILE, Ledger, Purge, Reader};
use wheelhouse::route::TokenFactors;

use crate::rig::{LIMIT, Rig, only, request};

const DAY: i64 = 86_400_000;

fn open(dir: &Path) -> Ledger {
    ledger::Ledger::open(ledger::Options::new(dir, TimeZone::UTC, Uuid::now_v7())).unwrap()
}

async fn rig(ledger: &Ledger, change: impl FnOnce(&mut Config)) -> Rig {
    let options = Options { ledger: Some(ledger.clone()), ..Options::default() };
    Rig::paced(0.0, options, change).await
}

/// A conversation of so many days ago.
async fn keep(ledger: &Ledger, n: u64, days_ago: i64) -> SessionId {
    let at = UnixMs(engine::now().0 - days_ago * DAY);
    let session = SessionId(Uuid::from_u128(u128::from(n)));
    let turn = Turn::new(n, at, session, "an old question", "an old answer");
    ledger.end(turn.end()).await.unwrap();
    session
}

fn is_kept(ledger: &Ledger, session: SessionId) -> bool {
    ledger.read(|reader| reader.session_row(session)).unwrap().is_some()
}

fn records(ledger: &Ledger) -> usize {
    ledger.read(|reader| reader.requests(UnixMs(i64::MAX), 1_000)).unwrap().len()
}

async fn until(wanted: impl Fn() -> bool) {
    let seen = async {
        while !wanted() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, seen).await.expect("it never came to that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_configuration_allows_goes_when_the_engine_starts() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let (old, new) = (keep(&ledger, 1, 40).await, keep(&ledger, 2, 5).await);
    let rig = rig(&ledger, |config| config.ledger.keep_days = Some(30)).await;
    until(|| !is_kept(&ledger, old)).await;
    assert!(is_kept(&ledger, new));
    assert_eq!(records(&ledger), 2, "no number of days was given for records");
    assert_eq!(ledger.read(|reader| reader.total(Days::ALL)).unwrap().attempts, 2);
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_number_of_days_is_in_force_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let (old, new) = (keep(&ledger, 1, 40).await, keep(&ledger, 2, 5).await);
    let rig = rig(&ledger, |_| {}).await;
    rig.engine.settled(LIMIT).await;
    assert!(is_kept(&ledger, old), "for ever, where nothing is said");
    let mut config = (*rig.engine.snapshot().config).clone();
    config.ledger = LedgerSettings { record_days: Some(10), ..LedgerSettings::default() };
    rig.engine.send(engine::Command::Reconfigure(Arc::new(config.clone())));
    until(|| records(&ledger) == 1).await;
    assert!(is_kept(&ledger, old) && is_kept(&ledger, new));
    config.ledger.keep_days = Some(2);
    rig.engine.send(engine::Command::Reconfigure(Arc::new(config)));
    until(|| !is_kept(&ledger, old) && !is_kept(&ledger, new)).await;
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!((total.attempts, total.cost.amount.pico()), (2, 2_000_000), "sums went too");
    rig.engine.close().await;
}

#[tokio::test]
async fn an_answer_is_kept_while_much_that_is_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for n in 0..700 {
        keep(&ledger, n, 40).await;
    }
    let before = UnixMs(engine::now().0 - 30 * DAY);
    let retaining = ledger.retain(before, Purge::Conversations);
    tokio::pin!(retaining);
    // It has begun: twenty parts and more are to come.
    assert!(futures_util::poll!(&mut retaining).is_pending());
    let fresh = keep(&ledger, 9_999, 0);
    tokio::select! {
        biased;
        _ = &mut retaining => panic!("the answer waited until all of it had gone"),
        session = fresh => assert!(is_kept(&ledger, session)),
    }
    assert_eq!(retaining.await.unwrap(), 700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_learned_of_a_model_s_tokens_is_known_to_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let first = rig(&ledger, |_| {}).await;
    first.engine.settled(LIMIT).await;
    first.ask(only("sim-gpt-4o", &"many words and more ".repeat(60))).await;
    let learned = |snapshot: &engine::Snapshot| snapshot.models["sim-gpt-4o"].tokens.clone();
    let seen = first.until(|snapshot| learned(snapshot) != TokenFactors::default()).await;
    first.engine.close().await;
    ledger.flushed().await.unwrap();
    let next = rig(&ledger, |_| {}).await;
    let known = next.until(|snapshot| learned(snapshot) != TokenFactors::default()).await;
    assert_eq!(learned(&known), learned(&seen));
    next.engine.close().await;
    // Reckoned with another vocabulary it says nothing.
    let other = rig(&ledger, |config| {
        let model = config.models.get_mut("sim-gpt-4o").unwrap();
        model.tokenizer = "qwen3".parse().ok();
    });
    let other = other.await;
    let read = ledger.read(Reader::token_factors).unwrap();
    assert!(read.iter().all(|row| row.vocabulary != "qwen3"));
    let (reply, ..) = other.ask(only("sim-gpt-4o", "hi")).await;
    assert!(!reply.text.is_empty());
    assert_eq!(learned(&other.engine.snapshot()), TokenFactors::default());
    other.engine.close().await;
}

fn files_hold(dir: &Path, words: &str) -> bool {
    std::fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_file()).any(|entry| {
        let bytes = std::fs::read(entry.path()).unwrap();
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_in_figures_no_word_is_in_the_file_and_all_of_the_money_is() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger, |config| config.ledger.keep = KeepWhat::Figures).await;
    rig.engine.settled(LIMIT).await;
    let mut asked = request("Tell me about zanzibarquux, please.");
    asked.session = Some(SessionId(Uuid::now_v7()));
    let (reply, ..) = rig.ask(asked.clone()).await;
    let cost: i64 = reply.attempts.iter().map(|attempt| attempt.cost.amount.pico()).sum();
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!(total.cost.amount.pico(), cost);
    assert_eq!(records(&ledger), 1);
    let answered: String = reply.text.chars().take(40).collect();
    assert!(answered.len() > 10);
    for words in ["zanzibarquux", &answered] {
        assert!(!files_hold(dir.path(), words), "{words:?} is in a file");
    }
    // The very next request after a change is kept whole.
    let mut config = (*rig.engine.snapshot().config).clone();
    config.ledger.keep = KeepWhat::All;
    rig.engine.send(engine::Command::Reconfigure(Arc::new(config)));
    rig.until(|snapshot| snapshot.config.ledger.keep == KeepWhat::All).await;
    let mut asked = request("Tell me about zanzibarquux, please.");
    asked.session = Some(SessionId(Uuid::now_v7()));
    rig.ask(asked).await;
    assert!(files_hold(dir.path(), "zanzibarquux"));
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_to_be_kept_no_file_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let settings =
        LedgerSettings { keep: KeepWhat::Nothing, keep_days: Some(1), record_days: Some(1) };
    let rig = rig(&ledger, |config| config.ledger = settings).await;
    let mut asked = request("Say hello.");
    asked.session = Some(SessionId(Uuid::now_v7()));
    let (reply, ..) = rig.ask(asked).await;
    assert!(!reply.text.is_empty());
    rig.engine.close().await;
    assert!(!dir.path().join(FILE).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_private_chat_nothing_is_kept_and_nobody_elsewhere_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger, |config| config.cache.when = CacheWhen::Always).await;
    rig.engine.settled(LIMIT).await;
    let private = |route: Route| {
        let mut asked = request("Tell me about zanzibarquux, please.");
        asked.session = Some(SessionId(Uuid::now_v7()));
        asked.privacy = Privacy::Private;
        asked.route = route;
        asked
    };
    for _ in 0..2 {
        let (reply, ..) = rig.ask(private(Route::Auto)).await;
        let outcome = reply.outcome.unwrap();
        assert_eq!(outcome.provider.unwrap().as_str(), "sim-local");
        assert_eq!(outcome.cached, None, "it came from the cache");
    }
    let (reply, ..) = rig.ask(private(Route::Prefer("sim-gpt-4o".into()))).await;
    assert!(reply.attempts.is_empty());
    let error = reply.outcome.unwrap().error.unwrap();
    assert!(error.message.contains("sim-gpt-4o is not on this machine"), "{}", error.message);
    assert!(error.hint.contains("/private off"), "{}", error.hint);
    rig.engine.close().await;
    assert!(!dir.path().join(FILE).exists(), "something was kept");
}
