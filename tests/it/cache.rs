//! The answer cache of the real engine against the simulated fleet: what is kept, what never is, and
//! requests that share one call. Calls are counted by the servers.

use std::time::Duration;

use wheelhouse::cache::{Refusal, Why};
use wheelhouse::domain::{
    CacheMode, Effort, Finish, Message, ReaderKind, Reply, ReplyEvent, Request, ToolSpec,
};
use wheelhouse::engine::{Forget, ReplyStream};
use wheelhouse::sim::{Cut, Fault};

use crate::rig::{LIMIT, PROMPT, Rig, answered_by, finish, only, to};

const MODEL: &str = "sim-gpt-4o";
const PROVIDER: &str = "sim-openai";

fn repeatable(request: Request) -> Request {
    let mut request = request;
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    request
}

fn same() -> Request {
    repeatable(only(MODEL, PROMPT))
}

/// A model that thinks unless told not to, and heeds no temperature while it does.
fn unthinking(request: Request) -> Request {
    let mut request = repeatable(request);
    request.params.effort = Some(Effort::None);
    request
}

fn note(reply: &Reply) -> String {
    reply.outcome.as_ref().unwrap().cache_note.clone().unwrap()
}

fn cached(reply: &Reply) -> Option<&str> {
    reply.outcome.as_ref().unwrap().cached.as_deref()
}

impl Rig {
    /// Is an answer to this kept?
    async fn keeps(&self, request: &Request) -> bool {
        self.engine.recall(request).await.answer.is_some()
    }

    /// Questions that reached any server.
    fn calls(&self) -> u64 {
        let control = self.fleet.control();
        self.fleet
            .endpoints()
            .iter()
            .map(|endpoint| control.stats(&endpoint.provider).unwrap().calls)
            .sum()
    }

    async fn until_calls(&self, wanted: impl Fn(&wheelhouse::sim::Stats) -> bool) {
        let control = self.fleet.control();
        let until = control.until(PROVIDER, wanted);
        tokio::time::timeout(LIMIT, until).await.expect("it never came to that").unwrap();
    }
}

/// Reads until there is text.
async fn first_text(stream: &mut ReplyStream) -> String {
    let read = async {
        loop {
            if let ReplyEvent::Text(text) = stream.next().await.expect("it ended") {
                return text;
            }
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("no text")
}

async fn rest(stream: &mut ReplyStream) -> (Reply, Vec<ReplyEvent>) {
    let (mut reply, mut events) = (Reply::default(), Vec::new());
    let read = async {
        while let Some(event) = stream.next().await {
            reply.fold(&event);
            events.push(event);
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("it never ended");
    (reply, events)
}

#[tokio::test]
async fn the_same_question_again_costs_nothing_and_gives_the_same() {
    let rig = Rig::new().await;
    let (first, ..) = rig.ask(same()).await;
    let (again, events, _) = rig.ask(same()).await;
    assert_eq!((cached(&first), cached(&again)), (None, Some("memory")));
    assert_eq!((&again.text, again.attempts.len()), (&first.text, 0));
    assert!(matches!(events.first(), Some(ReplyEvent::Routed(_))));
    let (paid, free) = (first.outcome.as_ref().unwrap(), again.outcome.as_ref().unwrap());
    assert!(paid.cost.amount.pico() > 0);
    assert_eq!((free.cost.amount.pico(), free.usage), (0, paid.usage));
    assert_eq!(rig.calls(), 1);
    let snapshot = rig.until(|snapshot| snapshot.cache.hits == 1).await;
    assert_eq!(snapshot.cache.memory.hits, 1);
    assert_eq!(snapshot.cache.saved, paid.cost);
    assert_eq!(snapshot.cache.misses, 1);
}

#[tokio::test]
async fn changing_anything_that_can_change_the_answer_asks_again() {
    let rig = Rig::new().await;
    let changes: [fn(&mut Request); 8] = [
        |r| r.system = Some("be brief".to_owned()),
        |r| r.messages[0] = Message::user(format!("{PROMPT}!")),
        |r| r.messages.insert(0, Message::assistant("hello")),
        |r| {
            r.tools.push(ToolSpec {
                name: "look".to_owned(),
                description: None,
                parameters: serde_json::json!({"type": "object"}),
            });
        },
        |r| r.params.seed = Some(8),
        |r| r.params.max_tokens = Some(1900),
        |r| r.params.top_p = Some(0.5),
        |r| r.route = only("sim-gpt-4o-mini", "").route,
    ];
    rig.ask(same()).await;
    for (n, change) in changes.iter().enumerate() {
        let mut request = same();
        change(&mut request);
        let before = rig.calls();
        let (reply, ..) = rig.ask(request).await;
        assert_eq!(cached(&reply), None, "change {n}");
        assert_eq!(rig.calls(), before + 1, "change {n}: {:?}", reply.outcome);
    }
}

#[tokio::test]
async fn a_miss_says_what_differs_from_the_nearest() {
    let rig = Rig::new().await;
    let (first, ..) = rig.ask(same()).await;
    assert_eq!(note(&first), "miss: nothing like it is kept");
    let mut other = same();
    other.params.seed = Some(8);
    let (other, ..) = rig.ask(other).await;
    assert!(note(&other).ends_with("differs in the seed"), "{}", note(&other));
    let (hit, ..) = rig.ask(same()).await;
    assert!(note(&hit).starts_with("hit in memory"), "{}", note(&hit));
}

#[tokio::test]
async fn what_need_not_come_out_the_same_again_is_never_kept() {
    type Change = fn(&mut Request);
    let changes: [(Change, &str); 3] = [
        (|r| r.params.temperature = None, "temperature is not 0"),
        (|r| r.params.temperature = Some(0.7), "temperature is not 0"),
        (|r| r.params.seed = None, "no seed was given"),
    ];
    let rig = Rig::new().await;
    for (change, why) in changes {
        for _ in 0..2 {
            let mut request = same();
            change(&mut request);
            let (reply, ..) = rig.ask(request).await;
            assert_eq!(cached(&reply), None);
            assert_eq!(note(&reply), format!("not cacheable: {why}"));
        }
    }
    assert_eq!(rig.calls(), 6);
    // Others could be kept, and this one was named.
    let mut request = repeatable(to(MODEL, PROMPT));
    request.params.seed = None;
    assert_eq!(rig.engine.recall(&request).await.why, Why::Refused(Refusal::Seed));
    let (reply, ..) = rig.ask(request).await;
    assert_eq!(answered_by(&reply), MODEL);
    assert_eq!(note(&reply), "not cacheable: no seed was given");
    let snapshot = rig.until(|snapshot| snapshot.cache.uncacheable == 7).await;
    assert_eq!(snapshot.cache.entries, 0);
}

#[tokio::test]
async fn answers_that_are_not_whole_or_were_joined_are_never_kept() {
    let rig = Rig::new().await;
    // Stopped at the caller's own cap.
    let mut capped = same();
    capped.params.max_tokens = Some(5);
    let (reply, ..) = rig.ask(capped.clone()).await;
    assert_eq!(finish(&reply), Finish::Length);
    assert!(!rig.keeps(&capped).await);
    // Failed, or cut short by the provider and never made whole.
    for fault in [
        Fault::Status { status: 500 },
        Fault::EmptyStop,
        Fault::Length { after: 20 },
        Fault::ContentFilter { after: 20 },
        Fault::ErrorEvent { after: 20 },
    ] {
        rig.break_it(PROVIDER, &fault);
        let (reply, ..) = rig.ask(same()).await;
        assert_ne!(finish(&reply), Finish::Stop, "{fault:?}");
        assert!(!rig.keeps(&same()).await, "{fault:?}");
        rig.fleet.control().clear(PROVIDER).unwrap();
    }
    // Broke off, and gone on with: a seam.
    let deepseek = unthinking(only("sim-deepseek-flash", PROMPT));
    rig.break_once("sim-deepseek", &Fault::Cut { after: 40, how: Cut::Reset });
    let (reply, ..) = rig.ask(deepseek.clone()).await;
    assert_eq!((finish(&reply), reply.seams.len()), (Finish::Stop, 1));
    assert!(!rig.keeps(&deepseek).await);
    // Whole at last: kept.
    let (reply, ..) = rig.ask(deepseek.clone()).await;
    assert_eq!((finish(&reply), reply.seams.len()), (Finish::Stop, 0));
    assert!(rig.keeps(&deepseek).await);
}

#[tokio::test]
async fn a_request_can_pass_the_cache_by_renew_it_or_want_nothing_else() {
    let rig = Rig::new().await;
    let with = |cache| Request { cache, ..same() };
    let (reply, ..) = rig.ask(with(CacheMode::Only)).await;
    assert_eq!(finish(&reply), Finish::Error);
    assert_eq!(reply.outcome.as_ref().unwrap().error.as_ref().unwrap().code, "cache_miss");
    assert_eq!(rig.calls(), 0);
    rig.ask(with(CacheMode::Off)).await;
    assert_eq!((rig.calls(), rig.keeps(&same()).await), (1, false));
    rig.ask(with(CacheMode::Refresh)).await;
    rig.ask(with(CacheMode::Refresh)).await;
    assert_eq!((rig.calls(), rig.keeps(&same()).await), (3, true));
    let (reply, ..) = rig.ask(with(CacheMode::Only)).await;
    assert_eq!((finish(&reply), cached(&reply)), (Finish::Stop, Some("memory")));
    rig.ask(with(CacheMode::Off)).await;
    assert_eq!(rig.calls(), 4);
}

#[tokio::test]
async fn a_kept_answer_can_be_forgotten_by_its_key() {
    let rig = Rig::new().await;
    rig.ask(same()).await;
    let recall = rig.engine.recall(&same()).await;
    let (model, key) = recall.wanted.unwrap();
    assert_eq!(model.as_str(), MODEL);
    assert!(recall.answer.is_some());
    let forgotten = rig.engine.forget(&Forget::Like(key.short())).await.unwrap();
    assert_eq!((forgotten.memory, forgotten.redis), (1, 0));
    assert!(rig.engine.recall(&same()).await.answer.is_none());
    assert_eq!(rig.calls(), 1, "asking the cache asks nobody");
}

#[tokio::test]
async fn the_same_question_twenty_times_at_once_is_one_call() {
    let rig = Rig::paced(0.02, wheelhouse::engine::Options::default(), |_| {}).await;
    let streams: Vec<ReplyStream> = (0..20)
        .map(|n| {
            let reader = if n % 2 == 0 { ReaderKind::Replaceable } else { ReaderKind::AppendOnly };
            rig.engine.ask(Request { reader, ..same() })
        })
        .collect();
    let mut replies = Vec::new();
    for mut stream in streams {
        replies.push(rest(&mut stream).await.0);
    }
    assert_eq!(rig.calls(), 1);
    let paid = replies.iter().filter(|r| r.outcome.as_ref().unwrap().cost.amount.pico() > 0);
    assert_eq!(paid.count(), 1);
    for reply in &replies {
        assert_eq!((finish(reply), &reply.text), (Finish::Stop, &replies[0].text));
        assert_eq!(answered_by(reply), MODEL);
        assert!(reply.decision.is_some());
        assert!(cached(reply).is_none() == reply.attempts.iter().any(|a| a.outcome.is_none()));
    }
    let snapshot = rig.until(|snapshot| snapshot.cache.hits == 19).await;
    assert_eq!((snapshot.cache.misses, snapshot.spend.calls), (1, 1));
    assert_eq!(snapshot.cache.shared.hits + snapshot.cache.memory.hits, 19);
    let cost = snapshot.spend.cost.amount.pico();
    assert_eq!(snapshot.cache.saved.amount.pico(), 19 * cost);
}

#[tokio::test]
async fn who_comes_late_reads_from_the_beginning_and_the_last_to_leave_ends_the_call() {
    let rig = Rig::new().await;
    rig.break_it(PROVIDER, &Fault::Stall { after: 5 });
    let mut leader = rig.engine.ask(same());
    let begun = first_text(&mut leader).await;
    let mut late = rig.engine.ask(same());
    let mut later = rig.engine.ask(same());
    for stream in [&mut late, &mut later] {
        let so_far = first_text(stream).await;
        assert!(so_far.starts_with(&begun), "{so_far:?} after {begun:?}");
    }
    drop(leader);
    drop(late);
    // Both have gone for sure once a third has come to read along with the one who is left.
    let mut third = rig.engine.ask(same());
    first_text(&mut third).await;
    let stats = rig.fleet.control().stats(PROVIDER).unwrap();
    assert_eq!((stats.calls, stats.left), (1, 0));
    drop((later, third));
    rig.until_calls(|stats| stats.left == 1).await;
}

#[tokio::test]
async fn a_leader_that_fails_is_followed_by_one_other_not_by_all() {
    let rig = Rig::with(|config| {
        config.limits.first_token = Duration::from_millis(300);
    })
    .await;
    rig.break_it(PROVIDER, &Fault::HeadersThenSilence);
    let alone = rig.ask(same()).await.0.attempts.len() as u64;
    let before = rig.calls();
    let mut streams: Vec<ReplyStream> = (0..12).map(|_| rig.engine.ask(same())).collect();
    for stream in &mut streams {
        let (reply, _) = rest(stream).await;
        assert_eq!(finish(&reply), Finish::Error, "{:?}", reply.outcome);
        assert!(reply.outcome.unwrap().error.is_some());
    }
    let calls = rig.calls() - before;
    assert!(calls <= 2 * alone, "{calls} calls where one request makes {alone}");
}

#[tokio::test]
async fn readers_of_a_call_that_broke_go_on_with_what_they_have() {
    let whole = {
        let rig = Rig::new().await;
        rig.ask(unthinking(only("sim-deepseek-flash", PROMPT))).await.0.text
    };
    let rig = Rig::with(|config| {
        config.limits.between_tokens = Duration::from_millis(400);
    })
    .await;
    rig.break_once("sim-deepseek", &Fault::Stall { after: 60 });
    let ask =
        |reader| rig.engine.ask(Request { reader, ..unthinking(to("sim-deepseek-flash", PROMPT)) });
    let mut leader = ask(ReaderKind::Replaceable);
    first_text(&mut leader).await;
    let mut pipe = ask(ReaderKind::AppendOnly);
    let begun = first_text(&mut pipe).await;
    let (mut reply, events) = rest(&mut pipe).await;
    assert!(!events.iter().any(|event| matches!(event, ReplyEvent::Restart { .. })));
    reply.text.insert_str(0, &begun);
    assert!(reply.text.starts_with(&whole[..begun.len()]));
    assert_eq!(finish(&reply), Finish::Stop);
    assert!(rest(&mut leader).await.0.outcome.is_some());
}

#[tokio::test]
async fn who_wants_one_model_never_reads_another_ones_answer() {
    let rig = Rig::with(|config| {
        config.limits.between_tokens = Duration::from_millis(400);
    })
    .await;
    rig.break_once(PROVIDER, &Fault::Stall { after: 3 });
    let mut leader = rig.engine.ask(repeatable(to(MODEL, PROMPT)));
    first_text(&mut leader).await;
    let mut pinned = rig.engine.ask(same());
    first_text(&mut pinned).await;
    let (leader, _) = rest(&mut leader).await;
    assert_ne!(answered_by(&leader), MODEL, "the stall sent it elsewhere");
    let (pinned, _) = rest(&mut pinned).await;
    assert_eq!((finish(&pinned), answered_by(&pinned)), (Finish::Stop, MODEL.to_owned()));
    assert_eq!(cached(&pinned), None);
}

#[tokio::test]
async fn a_redis_that_is_not_there_costs_one_short_wait_and_is_told_of() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // It takes connections and never answers: the worst kind of dead.
    let port = nobody.local_addr().unwrap().port();
    let rig = Rig::with(|config| {
        config.cache.redis = Some(wheelhouse::config::RedisSettings {
            url: format!("redis://me:hunter2@127.0.0.1:{port}"),
            ttl: Duration::from_hours(1),
        });
    })
    .await;
    let (reply, ..) = rig.ask(same()).await;
    assert_eq!(finish(&reply), Finish::Stop);
    let told = rig.until(|snapshot| !snapshot.notices.is_empty()).await;
    let text = &told.notices[0].text;
    let gone = format!("the Redis cache at redis://127.0.0.1:{port} is gone");
    assert!(text.starts_with(&gone), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("me:"), "{text}");
    assert!(matches!(told.cache.tier, wheelhouse::engine::TierState::Down { .. }));
    let (reply, ..) = rig.ask(same()).await;
    assert_eq!(cached(&reply), Some("memory"));
}

#[tokio::test]
async fn another_address_or_ability_is_another_answer() {
    let (rig, other) = (Rig::new().await, Rig::new().await);
    let asked = || async { rig.ask(same()).await.0 };
    asked().await;
    assert_eq!(cached(&asked().await), Some("memory"));
    let change = |change: &dyn Fn(&mut wheelhouse::config::Config)| {
        let mut config = (*rig.engine.snapshot().config).clone();
        change(&mut config);
        rig.engine.send(wheelhouse::engine::Command::Reconfigure(std::sync::Arc::new(config)));
    };
    let elsewhere = other.engine.snapshot().config.providers[PROVIDER].base_url.clone();
    change(&|config| {
        let provider = config.providers.get_mut(PROVIDER).unwrap();
        provider.base_url.clone_from(&elsewhere);
    });
    assert_eq!(cached(&asked().await), Some("memory"), "a demo finds other ports each time");
    // The same name at another address may be another server altogether.
    change(&|config| config.providers.get_mut(PROVIDER).unwrap().simulated = false);
    assert_eq!(cached(&asked().await), None);
    assert_eq!(cached(&asked().await), Some("memory"));
    // What a header chooses, a proxy answers with.
    change(&|config| {
        let provider = config.providers.get_mut(PROVIDER).unwrap();
        provider.headers.insert("x-upstream".to_owned(), "another".to_owned());
    });
    assert_eq!(cached(&asked().await), None);
    // A model that reads no images is asked in other words.
    change(&|config| {
        let model = config.models.get_mut(MODEL).unwrap();
        model.capabilities.vision = !model.capabilities.vision;
    });
    assert_eq!(cached(&asked().await), None);
    assert_eq!((rig.calls(), other.calls()), (1, 3));
}

#[tokio::test]
async fn a_model_that_thinks_and_drops_the_temperature_is_not_repeatable() {
    let rig = Rig::new().await;
    let thinking = repeatable(only("sim-deepseek-flash", PROMPT));
    let (reply, ..) = rig.ask(thinking.clone()).await;
    assert_eq!(note(&reply), "not cacheable: the model does not honour temperature 0");
    assert!(!rig.keeps(&thinking).await);
    let mut plain = thinking;
    plain.params.effort = Some(Effort::None);
    rig.ask(plain.clone()).await;
    assert!(rig.keeps(&plain).await);
}

#[tokio::test]
async fn a_temperature_of_the_configuration_gives_way_to_the_callers() {
    let rig = Rig::with(|config| {
        let params = &mut config.models.get_mut(MODEL).unwrap().params;
        params.insert("temperature".to_owned(), serde_json::json!(0.7));
    })
    .await;
    rig.ask(same()).await;
    assert!(rig.keeps(&same()).await);
}

#[tokio::test]
async fn a_kept_answer_is_told_under_the_name_it_was_asked_by() {
    let rig = Rig::with(|config| {
        let again = config.models[MODEL].clone();
        let again = wheelhouse::config::Model { name: "alias".into(), ..again };
        config.models.insert(again.name.clone(), again);
    })
    .await;
    rig.ask(same()).await;
    let (reply, ..) = rig.ask(repeatable(only("alias", PROMPT))).await;
    assert_eq!((cached(&reply), answered_by(&reply).as_str()), (Some("memory"), "alias"));
    let recall = rig.engine.recall(&repeatable(only("alias", PROMPT))).await;
    assert_eq!(recall.answer.unwrap().model.as_str(), "alias");
}

#[tokio::test]
async fn who_read_along_until_time_was_up_is_told_so() {
    let rig = Rig::with(|config| config.limits.total = Duration::from_millis(700)).await;
    rig.break_it(PROVIDER, &Fault::Stall { after: 3 });
    let mut streams: Vec<ReplyStream> = (0..6).map(|_| rig.engine.ask(same())).collect();
    for stream in &mut streams {
        let (reply, _) = rest(stream).await;
        let error = reply.outcome.unwrap().error.unwrap();
        assert_eq!(error.class, wheelhouse::domain::OutcomeClass::Stall, "{error:?}");
    }
}
