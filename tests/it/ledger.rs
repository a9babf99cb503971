//! The engine over the simulated fleet with a ledger: what was asked, answered, tried and spent is
//! kept as it was, and replays to the last digit.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;
use wheelhouse::domain::{
    Finish, Message, MessageId, Money, Place, ReaderKind, Reply, Request, SessionId, UnixMs,
};
use wheelhouse::engine::Options;
use wheelhouse::ledger::{self, By, Days, Ledger};
use wheelhouse::route;
use wheelhouse::sim::{Cut, Fault, Until};

use crate::rig::{LIMIT, PROMPT, Rig, only, request};

fn open(dir: &Path) -> Ledger {
    ledger::Ledger::open(ledger::Options::new(dir, TimeZone::UTC, Uuid::now_v7())).unwrap()
}

async fn rig(ledger: &Ledger) -> Rig {
    let options = Options { ledger: Some(ledger.clone()), ..Options::default() };
    let rig = Rig::paced(0.0, options, |_| {}).await;
    rig.engine.settled(LIMIT).await;
    rig
}

fn in_session(session: SessionId, request: Request) -> Request {
    Request { session: Some(session), ..request }
}

fn spent(reply: &Reply) -> Money {
    reply.attempts.iter().map(|attempt| attempt.cost.amount).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_end_was_seen_is_on_the_disk_with_all_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    let session = SessionId(Uuid::now_v7());
    rig.break_once("sim-openai", &Fault::Status { status: 503 });
    let asked = in_session(session, only("sim-gpt-4o", PROMPT));
    let (id, answer) = (asked.id, asked.answer());
    let (reply, ..) = rig.ask(asked).await;
    assert!(reply.attempts.len() > 1, "nothing went wrong");
    // Nothing is waited for here: another connection looks at once.
    let reader = ledger::Reader::open(ledger.path(), Duration::ZERO).unwrap();
    let kept = reader.session(session).unwrap().unwrap();
    let last = kept.messages.last().unwrap();
    assert_eq!((last.id, last.message.plain()), (answer, reply.text.clone()));
    assert_eq!(last.finish.as_deref(), Some("stop"));
    let requests = reader.requests(UnixMs(i64::MAX), 5).unwrap();
    assert_eq!((requests[0].id, &requests[0].attempts), (id, &reply.attempts));
    assert_eq!(requests[0].cost, reply.outcome.as_ref().unwrap().cost);
    let total = reader.total(Days::ALL).unwrap();
    assert_eq!((total.attempts as usize, total.cost.amount), (reply.attempts.len(), spent(&reply)));
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_reader_stopped_is_kept_as_far_as_it_came_and_paid_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    rig.break_it("sim-openai", &Fault::Stall { after: 5 });
    let session = SessionId(Uuid::now_v7());
    let asked = in_session(session, only("sim-gpt-4o", PROMPT));
    let answer = asked.answer();
    let mut stream = rig.engine.ask(asked);
    let mut reply = Reply::default();
    while reply.text.is_empty() {
        reply.fold(&stream.next().await.expect("it ended"));
    }
    drop(stream);
    let kept = async {
        loop {
            let looked = ledger.read(|reader| reader.session(session));
            let last = looked.ok().flatten().and_then(|kept| kept.messages.last().cloned());
            if let Some(last) = last.filter(|last| last.id == answer) {
                return last;
            }
            tokio::task::yield_now().await;
        }
    };
    let last = tokio::time::timeout(LIMIT, kept).await.expect("it was not kept");
    assert!(last.message.plain().starts_with(&reply.text), "{last:?}");
    assert_eq!(last.finish.as_deref(), Some("cancelled"));
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert!(
        total.stopped.amount > Money::ZERO && !total.stopped.exact && !total.cost.exact,
        "{total:?}"
    );
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_recorded_policy_every_decision_comes_out_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    let prompts = ["Say hello.", PROMPT, "翻译成英文：今天天气很好", "Prove that 17 is prime."];
    for round in 0..3 {
        if round == 1 {
            rig.break_it("sim-deepseek", &Fault::Status { status: 429 });
        }
        for prompt in prompts {
            rig.ask(request(prompt)).await;
        }
    }
    let cheapest = rig.engine.snapshot().config.policies["cheapest"];
    let weights = [cheapest.quality, cheapest.cost, cheapest.speed];
    let (mut same, mut moved) = (0, 0);
    let unread = ledger
        .read(|reader| {
            reader.decisions(UnixMs(0), UnixMs(i64::MAX), |kept| {
                assert_eq!(route::decide(&kept.input), kept.decision);
                same += 1;
                let other = route::decide(&route::with_policy(&kept.input, "cheapest", weights));
                let pick = |decision: &wheelhouse::domain::Decision| {
                    decision.chosen().map(|chosen| chosen.model.clone())
                };
                moved += u32::from(pick(&other) != pick(&kept.decision));
                ControlFlow::Continue(())
            })
        })
        .unwrap();
    assert_eq!((same, unread), (12, 0));
    assert!(moved > 0, "another policy changes nothing");
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_grows_where_its_requests_say() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    let session = SessionId(Uuid::now_v7());
    let mut parent: Option<MessageId> = None;
    let mut messages = Vec::new();
    for prompt in ["one", "two", "three"] {
        messages.push(Message::user(prompt));
        let mut asked = in_session(session, request(prompt));
        asked.messages = messages.clone();
        asked.place = Some(Place { message: MessageId(Uuid::now_v7()), parent });
        parent = Some(asked.answer());
        let (reply, ..) = rig.ask(asked).await;
        messages.push(Message::assistant(reply.text));
    }
    let kept = ledger.read(|reader| reader.session(session)).unwrap().unwrap();
    let said: Vec<Message> = kept
        .branch(None)
        .iter()
        .map(|kept| Message::text(kept.message.role, kept.message.plain()))
        .collect();
    assert_eq!(said, messages);
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_can_be_kept_answers_come_all_the_same_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(ledger::FILE), "no database at all, and long enough to be one")
        .unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    for _ in 0..3 {
        let asked = in_session(SessionId(Uuid::now_v7()), request("Say hello."));
        let (reply, ..) = rig.ask(asked).await;
        assert_eq!(reply.outcome.unwrap().finish, Finish::Stop);
    }
    let seen =
        rig.until(|snapshot| snapshot.notices.iter().any(|n| n.text.starts_with("not kept"))).await;
    assert!(seen.notices.iter().any(|notice| notice.text.contains("move it away")));
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_while_the_file_was_locked_is_kept_after_all_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = ledger::Options::new(dir.path(), TimeZone::UTC, Uuid::now_v7());
    options.busy = Duration::from_millis(20);
    let ledger = ledger::Ledger::open(options).unwrap();
    ledger.flush(LIMIT).unwrap();
    let rig = rig(&ledger).await;
    let other = rusqlite::Connection::open(ledger.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let session = SessionId(Uuid::now_v7());
    let (reply, ..) = rig.ask(in_session(session, request("Say hello."))).await;
    assert_eq!(reply.outcome.as_ref().unwrap().finish, Finish::Stop);
    let told = |words: &'static str| {
        rig.until(move |snapshot| snapshot.notices.iter().any(|n| n.text.starts_with(words)))
    };
    let seen = told("not kept yet, it is tried again").await;
    assert!(seen.notices.iter().any(|notice| notice.text.contains("locked by another program")));
    other.execute_batch("COMMIT").unwrap();
    told("kept again: 1 that waited written").await;
    // Its end is given in a task of its own where it is known that nothing can be kept.
    let answer = || {
        let kept = ledger.read(|reader| reader.session(session)).unwrap().unwrap();
        (kept.messages.len() == 2).then(|| kept.messages[1].message.plain())
    };
    let kept = async {
        loop {
            match answer() {
                Some(text) => return text,
                None => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(tokio::time::timeout(LIMIT, kept).await.unwrap(), reply.text);
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!(total.cost.amount, spent(&reply));
    rig.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_broke_off_and_what_went_on_from_it_are_both_paid_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let rig = rig(&ledger).await;
    let control = rig.fleet.control();
    let mut sum = Money::ZERO;
    let mut attempts = 0;
    let cut = Fault::Cut { after: 12, how: Cut::Reset };
    for fault in [cut, Fault::Status { status: 500 }] {
        control.inject("sim-openai", fault, Until::Times(1)).unwrap();
        let mut asked = in_session(SessionId(Uuid::now_v7()), only("sim-gpt-4o", PROMPT));
        asked.reader = ReaderKind::AppendOnly;
        let mut stream = rig.engine.ask(asked);
        let mut reply = Reply::default();
        while let Some(event) = stream.next().await {
            reply.fold(&event);
        }
        sum += spent(&reply);
        attempts += reply.attempts.len() as u64;
    }
    let sums = ledger.read(|reader| reader.totals(Days::ALL, By::Kind, 20)).unwrap();
    assert_eq!(sums.iter().map(|total| total.attempts).sum::<u64>(), attempts);
    assert_eq!(sums.iter().map(|total| total.cost.amount).sum::<Money>(), sum);
    let kinds: Vec<&str> = sums.iter().map(|total| total.key.as_str()).collect();
    assert!(kinds.contains(&"continue") || kinds.contains(&"retry"), "{kinds:?}");
    rig.engine.close().await;
}
