//! What is told of the answer cache is so: whose answer is given, what it saved, what became of an
//! answer, and what is wrong with a shared cache that cannot be reached.

use std::net::TcpListener;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;
use wheelhouse::cache::Why;
use wheelhouse::config::{Config, Rule, RuleThen, RuleWhen};
use wheelhouse::domain::{CacheMode, Finish, Money, PinScope, Privacy, Reply, Request};
use wheelhouse::engine::{Command, Options, Veto};
use wheelhouse::ledger::{self, Days, Ledger};
use wheelhouse::sim::{Cut, Fault};

use crate::rig::{LIMIT, PROMPT, Rig, answered_by, finish, only, request, to};

const MODEL: &str = "sim-gpt-4o";
const OTHER: &str = "sim-mistral-small";
const THIRD: &str = "sim-gpt-4o-mini";
const PROVIDER: &str = "sim-openai";

fn repeatable(mut request: Request) -> Request {
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    request
}

fn named() -> Request {
    repeatable(to(MODEL, PROMPT))
}

fn auto() -> Request {
    repeatable(request(PROMPT))
}

/// Without the provider whose prices follow the clock: who stands in for another is the same at any
/// hour, and can be kept.
fn steady(config: &mut Config) {
    config.models.retain(|_, model| model.provider.as_str() != "sim-deepseek");
}

fn cached(reply: &Reply) -> Option<&str> {
    reply.outcome.as_ref().unwrap().cached.as_deref()
}

fn note(reply: &Reply) -> String {
    reply.outcome.as_ref().unwrap().cache_note.clone().unwrap()
}

impl Rig {
    /// Has this model's answer to the prompt kept.
    async fn has_kept(&self, model: &str) -> Reply {
        let (reply, ..) = self.ask(repeatable(only(model, PROMPT))).await;
        assert_eq!((finish(&reply), cached(&reply)), (Finish::Stop, None));
        reply
    }

    /// Questions that reached a provider.
    fn questions(&self, provider: &str) -> u64 {
        self.fleet.control().stats(provider).unwrap().calls
    }
}

// ---- whose answer --------------------------------------------------------------------------------

#[tokio::test]
async fn who_names_a_model_is_not_given_another_ones_kept_answer() {
    let rig = Rig::new().await;
    rig.has_kept(OTHER).await;
    let recall = rig.engine.recall(&named()).await;
    assert!(recall.answer.is_none(), "{:?}", recall.why);
    assert_eq!(recall.wanted.unwrap().0.as_str(), MODEL);
    let (only_kept, ..) = rig.ask(Request { cache: CacheMode::Only, ..named() }).await;
    assert_eq!(finish(&only_kept), Finish::Error);
    let (asked, ..) = rig.ask(named()).await;
    assert_eq!((answered_by(&asked).as_str(), cached(&asked)), (MODEL, None));
    let (again, ..) = rig.ask(named()).await;
    assert_eq!((answered_by(&again).as_str(), cached(&again)), (MODEL, Some("memory")));
    // The other's is still that of whoever names it.
    let (other, ..) = rig.ask(repeatable(to(OTHER, PROMPT))).await;
    assert_eq!((answered_by(&other).as_str(), cached(&other)), (OTHER, Some("memory")));
}

#[tokio::test]
async fn where_nobody_is_named_any_kept_answer_that_could_be_given_is() {
    let rig = Rig::new().await;
    rig.has_kept(MODEL).await;
    let first = rig.engine.recall(&auto()).await.wanted.unwrap().0;
    assert_ne!(first.as_str(), MODEL, "another one would be asked");
    let (reply, ..) = rig.ask(auto()).await;
    assert_eq!((answered_by(&reply).as_str(), cached(&reply)), (MODEL, Some("memory")));
}

#[tokio::test]
async fn that_the_first_choice_is_not_kept_is_told_where_another_ones_answer_would_be_given() {
    let rig = Rig::with(|config| {
        let then = RuleThen::Prefer(vec![MODEL.to_owned()]);
        config.routing.rules = vec![Rule { when: RuleWhen::default(), then }];
    })
    .await;
    let mut seedless = auto();
    seedless.params.seed = None;
    let recall = rig.engine.recall(&seedless).await;
    let (model, why) = recall.unkept.unwrap();
    assert_eq!((model.as_str(), why.words()), (MODEL, "no seed was given"));
    assert!(matches!(recall.why, Why::Miss { .. }), "{:?}", recall.why);
}

#[tokio::test]
async fn a_pinned_model_is_not_passed_over_for_what_another_one_said() {
    let rig = Rig::new().await;
    rig.has_kept(OTHER).await;
    let (model, scope) = (MODEL.into(), PinScope::All);
    rig.engine.send(Command::Pin { model, scope, session: None, until: None });
    let (reply, ..) = rig.ask(auto()).await;
    assert_eq!((answered_by(&reply).as_str(), cached(&reply)), (MODEL, None));
    rig.engine.send(Command::Unpin { session: None });
    let (reply, ..) = rig.ask(auto()).await;
    assert!(cached(&reply).is_some(), "{}", note(&reply));
}

#[tokio::test]
async fn of_a_pinned_model_that_is_out_the_kept_answer_of_whoever_stands_in_is_given() {
    let rig = Rig::with(steady).await;
    let (model, scope) = (MODEL.into(), PinScope::All);
    rig.engine.send(Command::Pin { model, scope, session: None, until: None });
    rig.engine.send(Command::Avoid(Veto { name: MODEL.to_owned(), until: None }));
    let off = Request { cache: CacheMode::Off, ..auto() };
    let stands_in = answered_by(&rig.ask(off).await.0);
    let bystander = if stands_in == OTHER { THIRD } else { OTHER };
    rig.has_kept(bystander).await;
    let (reply, ..) = rig.ask(auto()).await;
    assert_eq!((answered_by(&reply), cached(&reply)), (stands_in.clone(), None));
    let (reply, ..) = rig.ask(auto()).await;
    assert_eq!((answered_by(&reply), cached(&reply)), (stands_in, Some("memory")));
}

#[tokio::test]
async fn many_who_name_a_model_that_fails_read_along_with_the_one_that_moves_on() {
    let fails = |config: &mut Config| {
        steady(config);
        config.limits.first_token = Duration::from_millis(300);
    };
    let alone = {
        let rig = Rig::with(fails).await;
        rig.break_it(PROVIDER, &Fault::HeadersThenSilence);
        rig.ask(named()).await;
        rig.questions(PROVIDER)
    };
    let rig = Rig::with(fails).await;
    rig.break_it(PROVIDER, &Fault::HeadersThenSilence);
    let asked: Vec<_> = (0..12).map(|_| rig.engine.ask(named())).collect();
    let mut paid = 0;
    for mut stream in asked {
        let mut reply = Reply::default();
        let read = async {
            while let Some(event) = stream.next().await {
                reply.fold(&event);
            }
        };
        tokio::time::timeout(LIMIT, read).await.expect("it never ended");
        assert_eq!(finish(&reply), Finish::Stop);
        assert_ne!(answered_by(&reply), MODEL);
        paid += usize::from(cached(&reply).is_none());
    }
    assert_eq!((paid, rig.questions(PROVIDER)), (1, alone));
}

// ---- what it saved -------------------------------------------------------------------------------

fn open(dir: &std::path::Path) -> Ledger {
    Ledger::open(ledger::Options::new(dir, TimeZone::UTC, Uuid::now_v7())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_cache_saved_is_to_the_last_digit_what_was_paid_for_what_it_gave() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let options = Options { ledger: Some(ledger.clone()), ..Options::default() };
    let rig = Rig::paced(0.0, options, |_| {}).await;
    let mut saved = Money::ZERO;
    for (text, hits) in [("capital of Peru", 3), (PROMPT, 1)] {
        let ask = || repeatable(to(MODEL, text));
        let paid = rig.ask(ask()).await.0.outcome.unwrap().cost.amount;
        assert!(paid > Money::ZERO);
        for _ in 0..hits {
            let recall = rig.engine.recall(&ask()).await;
            assert_eq!(recall.answer.unwrap().cost.amount, paid);
            let (hit, ..) = rig.ask(ask()).await;
            assert_eq!(hit.outcome.as_ref().unwrap().cache_saved().unwrap().amount, paid);
            assert!(note(&hit).ends_with(&format!("; saved ${paid}")), "{}", note(&hit));
            saved += paid;
        }
    }
    let told = rig.until(|snapshot| snapshot.cache.hits == 4).await.cache;
    assert_eq!((told.saved.amount, told.memory.saved.amount), (saved, saved));
    let reader = ledger::Reader::open(ledger.path(), Duration::ZERO).unwrap();
    let routing = reader.routing(Days::ALL, None).unwrap();
    assert_eq!((routing.cached, routing.cache_saved), (4, saved));
}

#[tokio::test]
async fn what_was_lost_on_the_way_to_a_kept_answer_is_not_said_to_be_saved() {
    let rig = Rig::with(|config| {
        steady(config);
        config.limits.first_token = Duration::from_millis(300);
    })
    .await;
    rig.break_it(PROVIDER, &Fault::HeadersThenSilence);
    let (reply, ..) = rig.ask(named()).await;
    let outcome = reply.outcome.as_ref().unwrap();
    let gave = reply.attempts.iter().find(|attempt| attempt.outcome.is_none()).unwrap();
    assert!(outcome.cost.amount > gave.cost.amount, "something was lost");
    let by = answered_by(&reply);
    let (hit, ..) = rig.ask(repeatable(to(&by, PROMPT))).await;
    assert_eq!(hit.outcome.as_ref().unwrap().cache_saved(), Some(gave.cost));
    let told = rig.until(|snapshot| snapshot.cache.hits == 1).await.cache;
    assert_eq!(told.saved, gave.cost);
}

// ---- what became of an answer --------------------------------------------------------------------

#[tokio::test]
async fn an_answer_is_said_to_be_kept_only_where_it_is() {
    let renewed = || Request { cache: CacheMode::Refresh, ..repeatable(only(MODEL, PROMPT)) };
    let rig = Rig::new().await;
    rig.break_it(PROVIDER, &Fault::Status { status: 500 });
    assert_eq!(note(&rig.ask(renewed()).await.0), "not read, as asked");
    rig.fleet.control().clear(PROVIDER).unwrap();
    assert_eq!(note(&rig.ask(renewed()).await.0), "not read, as asked; the answer is kept");
    let narrow = Rig::with(|config| config.cache.max_bytes = 100).await;
    let words = "not read, as asked; the answer is not kept: there is no room for it";
    assert_eq!(note(&narrow.ask(renewed()).await.0), words);
    assert!(narrow.engine.recall(&repeatable(only(MODEL, PROMPT))).await.answer.is_none());
}

#[tokio::test]
async fn an_answer_that_is_missed_and_not_kept_says_why_it_is_not() {
    let rig = Rig::new().await;
    let mut deepseek = repeatable(only("sim-deepseek-flash", PROMPT));
    deepseek.params.effort = Some(wheelhouse::domain::Effort::None);
    rig.break_once("sim-deepseek", &Fault::Cut { after: 40, how: Cut::Reset });
    let (joined, ..) = rig.ask(deepseek).await;
    assert_eq!(joined.seams.len(), 1);
    let why = "; the answer is not kept: it was put together from several calls";
    assert!(note(&joined).ends_with(why), "{}", note(&joined));
    let mut capped = repeatable(only(MODEL, PROMPT));
    capped.params.max_tokens = Some(5);
    let (capped, ..) = rig.ask(capped).await;
    assert!(note(&capped).ends_with("; the answer is not kept: it is not whole"));
}

#[tokio::test]
async fn asked_whether_it_would_be_renewed_the_cache_does_not_say_that_it_would_be_given() {
    let rig = Rig::new().await;
    rig.has_kept(MODEL).await;
    let recall = |cache| {
        let request = Request { cache, ..named() };
        let engine = rig.engine.clone();
        async move { engine.recall(&request).await }
    };
    assert!(recall(CacheMode::Normal).await.answer.is_some());
    let renewed = recall(CacheMode::Refresh).await;
    assert_eq!((renewed.why, renewed.answer.is_none()), (Why::Refreshed, true));
}

#[tokio::test]
async fn of_a_private_chat_it_is_said_that_nothing_is_kept() {
    let rig = Rig::new().await;
    let (reply, ..) =
        rig.ask(Request { privacy: Privacy::Private, ..repeatable(request(PROMPT)) }).await;
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(note(&reply), "not cacheable: it is private");
}

// ---- the shared cache ----------------------------------------------------------------------------

#[test]
fn a_redis_that_cannot_be_reached_is_named_without_its_password_and_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = home.path().join("config.toml");
    let url = format!("redis://me:hunter2@127.0.0.1:{port}");
    std::fs::write(&config, format!("[cache.redis]\nurl = \"{url}\"\n")).unwrap();
    let run = |args: &[&str]| {
        let mut program = Program::new(env!("CARGO_BIN_EXE_wheelhouse"));
        program.args(args).env_clear().env("HOME", home.path()).env("LANG", "C.UTF-8");
        program.env("WHEELHOUSE_CONFIG", &config).stdin(Stdio::null());
        program.env("WHEELHOUSE_DATA", home.path().join("data"));
        let output = program.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), said.concat())
    };
    let asked = ["--demo", "cache", "why", "--temperature", "0", "--seed", "1", "capital of Peru"];
    for (args, code) in [
        (&["--demo", "cache", "stats"][..], Some(1)),
        (&["--demo", "cache", "clear", "--all"][..], Some(1)),
        (&asked[..], Some(0)),
    ] {
        let (ended, said) = run(args);
        assert_eq!(ended, code, "{args:?}: {said}");
        let named = format!("the Redis cache at redis://127.0.0.1:{port}: no connection");
        assert!(said.contains(&named), "{args:?}: {said}");
        assert!(
            said.contains("try: start a Redis there or mend cache.redis.url"),
            "{args:?}: {said}"
        );
        assert!(!said.contains("hunter2"), "{args:?}: {said}");
    }
}
