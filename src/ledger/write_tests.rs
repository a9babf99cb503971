//! What is kept and found again, through the handle.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{
    BudgetScope, Cost, LocalDay, MessageId, Money, Origin, Place, SessionId, UnixMs, Usage,
};
use crate::ledger::sample::{Turn, id};
use crate::ledger::{
    Aside, By, Day, Days, Keep, Ledger, LedgerError, Options, Piece, Purge, SessionOrder,
    SharedPurse,
};
use crate::route::{Bucket, Holder, SpendStore as _};

const NOW: UnixMs = UnixMs(1_795_392_000_000);
const LIMIT: Duration = Duration::from_secs(20);

fn options(dir: &Path) -> Options {
    Options::new(dir, TimeZone::UTC, Uuid::now_v7())
}

fn open(dir: &Path) -> Ledger {
    let ledger = Ledger::open(options(dir)).unwrap();
    ledger.flush(LIMIT).unwrap();
    ledger
}

fn session(n: u64) -> SessionId {
    SessionId(id(NOW, n))
}

fn turn(n: u64, asked: &str, answer: &str) -> Turn {
    Turn::new(n, UnixMs(NOW.0 + n as i64 * 1000), session(1), asked, answer)
}

fn keep(ledger: &Ledger, turn: &Turn) {
    futures_executor(ledger.begin(turn.begin())).unwrap();
    futures_executor(ledger.end(turn.end())).unwrap();
}

/// The writer has a thread of its own, so that waiting for it needs no runtime.
fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_conversation_is_a_tree_and_is_read_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let first = turn(1, "first question", "first answer");
    keep(&ledger, &first);
    let second = Turn { parent: Some(first.answer_id()), ..turn(2, "second", "an answer") };
    keep(&ledger, &second);
    let again = Turn { message: Some(second.message()), ..turn(3, "second", "another answer") };
    keep(&ledger, &again);
    let edited = Turn { parent: Some(first.answer_id()), ..turn(4, "second, edited", "third") };
    keep(&ledger, &edited);
    let kept = ledger.read(|reader| reader.session(session(1))).unwrap().unwrap();
    assert_eq!((kept.row.title.as_str(), kept.row.messages), ("first question", 7));
    assert_eq!(kept.row.cost, Cost { amount: Money::from_pico(4_000_000), exact: true });
    let way = |leaf| {
        let way = kept.branch(leaf);
        way.iter().map(|kept| kept.message.plain()).collect::<Vec<_>>()
    };
    assert_eq!(way(None), ["first question", "first answer", "second, edited", "third"]);
    let other = ["first question", "first answer", "second", "another answer"];
    assert_eq!(way(Some(again.answer_id())), other);
    let answer = kept.branch(None).pop().unwrap();
    assert_eq!(
        (answer.model.as_deref(), answer.finish.as_deref()),
        (Some("model-0"), Some("stop"))
    );
}

#[test]
fn the_same_order_given_twice_is_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let turn = Turn { failed: Some(500), ..turn(1, "hello", "hi") };
    for _ in 0..2 {
        keep(&ledger, &turn);
        for report in turn.attempts(&turn.begin()) {
            ledger.attempt(&turn.begin(), report);
        }
    }
    ledger.flush(LIMIT).unwrap();
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!((total.attempts, total.cost.amount.pico()), (2, 1_000_500));
    assert_eq!(total.lost.amount.pico(), 500);
    let routing = ledger.read(|reader| reader.routing(Days::ALL, None)).unwrap();
    assert_eq!((routing.requests, routing.answered), (1, 1));
}

#[test]
fn a_history_that_is_not_kept_yet_comes_along_with_its_question() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let turn = turn(1, "and then?", "the end");
    let mut begin = turn.begin().as_ref().clone();
    begin.request.place = None;
    let history = ["once upon a time", "there was a fox"];
    begin.request.messages = vec![
        crate::domain::Message::user(history[0]),
        crate::domain::Message::assistant(history[1]),
        crate::domain::Message::user("and then?"),
    ];
    let end = crate::ledger::End { begin: begin.into(), ..turn.end() };
    futures_executor(ledger.end(end)).unwrap();
    let kept = ledger.read(|reader| reader.session(session(1))).unwrap().unwrap();
    let said: Vec<String> = kept.branch(None).iter().map(|k| k.message.plain()).collect();
    assert_eq!(said, [history[0], history[1], "and then?", "the end"]);
}

#[test]
fn a_question_that_carries_unanswered_ones_is_kept_without_them() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let lost = turn(1, "first", "");
    let mut end = lost.end();
    end.outcome.finish = crate::domain::Finish::Error;
    futures_executor(ledger.end(end)).unwrap();
    keep(&ledger, &Turn { parent: Some(lost.message()), ..turn(2, "first\n\nsecond", "yes") });
    let kept = ledger.read(|reader| reader.session(session(1))).unwrap().unwrap();
    let said: Vec<String> = kept.branch(None).iter().map(|k| k.message.plain()).collect();
    assert_eq!(said, ["first", "second", "yes"]);
}

#[test]
fn what_was_said_is_found_in_any_script_and_at_any_length() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    keep(&ledger, &turn(1, "今天的天气怎么样？", "北京今天晴，适合散步。"));
    keep(&ledger, &turn(2, "Why does the BORROW checker complain?", "Because x is moved."));
    keep(&ledger, &turn(3, "ブラウザの設定", "設定を開きます"));
    keep(&ledger, &turn(4, "100% of \"quoted\" C++ code", "ok"));
    keep(&ledger, &turn(5, "İstanbul ΟΔΟΣ", "ok 👩‍💻👍"));
    let found = |text: &str| {
        let hits = ledger.read(|reader| reader.search(text, 10)).unwrap();
        hits.into_iter()
            .filter(|hit| hit.message.is_some())
            .map(|hit| hit.snippet[hit.found.0..hit.found.1].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("天气"), ["天气"]);
    assert_eq!(found("晴"), ["晴"]);
    assert_eq!(found("天气怎么"), ["天气怎么"]);
    assert_eq!(found("borrow"), ["BORROW"]);
    assert_eq!(found("orrow check"), ["ORROW check"]);
    assert_eq!(found("x is"), ["x is"]);
    assert_eq!(found("天气怎么 样"), ["天气怎么"]);
    assert_eq!(found("天气怎么 狗"), [""; 0]);
    assert_eq!(found("設定").len(), 2);
    for own in ["İstanbul", "ΟΔΟΣ", "👩‍💻👍", "👍", "👩‍💻"] {
        assert_eq!(found(own).len(), 1, "{own}");
    }
    assert_eq!(found("\"quoted\" c++"), ["\"quoted\" C++"]);
    for nothing in ["晴天", "气候", "zebra", "borrow zebra", "", "  ", "\"", "' OR 1=1 --"] {
        let hits = found(nothing);
        assert!(hits.is_empty() || nothing == "\"", "{nothing:?}: {hits:?}");
    }
    let titled = ledger.read(|reader| reader.search("今天的天气", 10)).unwrap();
    assert!(titled.iter().any(|hit| hit.message.is_none()), "{titled:?}");
}

#[test]
fn what_is_found_comes_newest_first_whether_a_title_or_a_message_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    keep(&ledger, &turn(1, "why is water wet", "so it is"));
    let later = Turn { session: session(2), ..turn(60, "name a boat", "why, the Argo") };
    keep(&ledger, &later);
    let hits = ledger.read(|reader| reader.search("why", 10)).unwrap();
    let at: Vec<_> = hits.iter().map(|hit| hit.at).collect();
    assert!(at.is_sorted_by(|before, after| before >= after), "{hits:?}");
    let said: Vec<(&str, bool)> =
        hits.iter().map(|hit| (hit.snippet.as_str(), hit.message.is_some())).collect();
    assert_eq!(said[0], ("why, the Argo", true));
    assert!(said[1..].contains(&("why is water wet", false)), "{said:?}");
}

#[test]
fn a_removed_conversation_leaves_no_word_and_all_of_its_cost() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let secret = "zanzibarquux";
    for n in 1..40 {
        keep(&ledger, &turn(n, &format!("my {secret} {n}"), &format!("your {secret}, {n} times")));
    }
    let other = Turn { session: session(2), ..turn(90, "something else", "fine") };
    keep(&ledger, &other);
    let before = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert!(ledger.remove(session(1)).unwrap() >= 78);
    let files = ["ledger.db", "ledger.db-wal"].map(|name| dir.path().join(name));
    for file in files.iter().filter(|file| file.exists()) {
        let bytes = std::fs::read(file).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{} still has it", file.display());
    }
    ledger
        .read(|reader| {
            assert!(reader.search(secret, 5)?.is_empty());
            assert_eq!(reader.session(session(1))?, None);
            assert_eq!(reader.total(Days::ALL)?, before);
            assert_eq!(reader.sessions(SessionOrder::Newest, 10, 0)?.len(), 1);
            assert!(reader.damage()?.is_empty());
            Ok(())
        })
        .unwrap();
    assert!(matches!(ledger.remove(session(1)), Err(LedgerError::Unknown(_))));
}

/// Does a file in this directory hold these bytes?
fn somewhere(dir: &Path, wanted: &[u8]) -> Option<std::path::PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    files.filter(|path| path.is_file()).find(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

/// An end that came to nothing, in words that say again what was asked.
fn refused(turn: &Turn, words: &str) -> crate::ledger::End {
    let mut end = turn.end();
    let class = crate::domain::OutcomeClass::Caller;
    end.attempts[0].outcome = Some(class);
    words.clone_into(&mut end.attempts[0].detail);
    end.outcome.finish = crate::domain::Finish::Error;
    end.outcome.error = Some(crate::domain::ErrorReport::new(class, "invalid", words));
    end.text.clear();
    end
}

#[test]
fn what_errors_said_again_goes_with_the_conversation_however_that_is_removed() {
    let secret = "zanzibarquux";
    for by_age in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        let turn = turn(1, "a question", "");
        futures_executor(ledger.end(refused(&turn, &format!("cannot read {secret}")))).unwrap();
        assert!(ledger.flush(LIMIT).is_ok());
        if by_age {
            let after = UnixMs(NOW.0 + 86_400_000);
            assert_eq!(ledger.purge(after, Purge::Conversations).unwrap(), 1);
        } else {
            ledger.remove(session(1)).unwrap();
        }
        assert_eq!(somewhere(dir.path(), secret.as_bytes()), None, "by age: {by_age}");
        let kept = ledger.read(|reader| reader.requests(UnixMs(i64::MAX), 9)).unwrap();
        assert_eq!((kept.len(), kept[0].attempts.len()), (1, 1));
    }
}

#[test]
fn of_a_conversation_removed_while_it_was_answered_nothing_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let secret = "zanzibarquux";
    let turn = turn(1, "a question", "");
    futures_executor(ledger.begin(turn.begin())).unwrap();
    ledger.more(turn.request(), Piece::Text, "an answer");
    ledger.remove(session(1)).unwrap();
    ledger.more(turn.request(), Piece::Text, secret);
    ledger.flush(LIMIT).unwrap();
    futures_executor(ledger.end(refused(&turn, secret))).unwrap();
    assert_eq!(somewhere(dir.path(), secret.as_bytes()), None);
    assert_eq!(ledger.read(|reader| reader.session(session(1))).unwrap(), None);
    assert_eq!(ledger.read(|reader| reader.total(Days::ALL)).unwrap().attempts, 1);
}

#[test]
fn who_goes_on_with_a_conversation_that_was_removed_brings_no_word_of_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let first = turn(1, "zanzibarquux one", "zanzibarquux two");
    keep(&ledger, &first);
    ledger.remove(session(1)).unwrap();
    // A console that still shows it sends it along, and hangs the next question on what is gone.
    let next = Turn { parent: Some(first.answer_id()), ..turn(2, "and then?", "the end") };
    let mut end = next.end();
    let mut begin = (*end.begin).clone();
    let before = [
        crate::domain::Message::user("zanzibarquux one"),
        crate::domain::Message::assistant("zanzibarquux two"),
    ];
    begin.request.messages.splice(0..0, before);
    end.begin = Arc::new(begin);
    futures_executor(ledger.end(end)).unwrap();
    ledger.flush(LIMIT).unwrap();
    let kept = ledger.read(|reader| reader.session(session(1))).unwrap().unwrap();
    let said: Vec<String> = kept.messages.iter().map(|kept| kept.message.plain()).collect();
    assert_eq!(
        (kept.row.title.as_str(), said),
        ("and then?", vec!["and then?".to_owned(), "the end".to_owned()])
    );
    assert_eq!(somewhere(dir.path(), b"zanzibarquux"), None);
}

#[test]
fn pairs_of_letters_go_with_the_conversation_that_had_them() {
    for by_age in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path());
        keep(&ledger, &turn(1, "鱻龘", "麤驫"));
        let later = UnixMs(NOW.0 + 40 * 86_400_000);
        for n in 2..30 {
            let other =
                Turn { at: later, session: session(2), ..turn(n, "今天天气", "很好") };
            keep(&ledger, &other);
        }
        // What the letter before begins with may stand there once for both.
        let pair = &"鱻龘".as_bytes()[1..];
        assert!(somewhere(dir.path(), pair).is_some());
        if by_age {
            let before = UnixMs(NOW.0 + 86_400_000);
            assert_eq!(ledger.purge(before, Purge::Conversations).unwrap(), 1);
        } else {
            ledger.remove(session(1)).unwrap();
        }
        for gone in [pair, &"麤驫".as_bytes()[1..]] {
            assert_eq!(somewhere(dir.path(), gone), None, "by age: {by_age}");
        }
        let found = |text: &str| ledger.read(|reader| reader.search(text, 99)).unwrap().len();
        assert_eq!((found("天气"), found("很好"), found("鱻龘")), (28, 28, 0));
    }
}

#[test]
fn room_that_is_no_longer_needed_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for n in 1..40 {
        let words: Vec<String> = (0..4_000).map(|word| (word * n).to_string()).collect();
        let answer = words.join(" ");
        keep(&ledger, &turn(n, "much", &answer));
    }
    let db = rusqlite::Connection::open(ledger.path()).unwrap();
    let pages = |name: &str| -> i64 {
        db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
    };
    let most = pages("page_count");
    ledger.remove(session(1)).unwrap();
    assert_eq!(pages("freelist_count"), 0);
    assert!(pages("page_count") < most, "{} of {most}", pages("page_count"));
    assert!(ledger.read(crate::ledger::Reader::damage).unwrap().is_empty());
}

#[test]
fn of_a_request_kept_in_figures_alone_no_word_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let secret = "zanzibarquux";
    let turn = Turn { keep: Keep::Figures, ..turn(1, secret, secret) };
    let mut end = turn.end();
    end.attempts[0].outcome = Some(crate::domain::OutcomeClass::Provider);
    end.attempts[0].detail = format!("cannot read {secret}");
    ledger.more(turn.request(), Piece::Text, secret);
    futures_executor(ledger.end(end)).unwrap();
    let total = ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!(total.cost.amount.pico(), 1_000_000);
    for entry in std::fs::read_dir(dir.path()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[test]
fn sums_are_those_of_the_lines_by_every_name_and_day() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for n in 0..30u64 {
        let at = UnixMs(NOW.0 + n as i64 * 6 * 3_600_000);
        let failed = n.is_multiple_of(3).then_some(700);
        let talk = session(n % 5 + 1);
        let turn = Turn { at, session: talk, failed, ..turn(n, "a", "b") };
        keep(&ledger, &turn);
    }
    futures_executor(ledger.aside(Aside {
        at: NOW,
        provider: "provider-0".into(),
        model: "model-0".into(),
        origin: Origin::Ping,
        usage: Usage { input: 10, output: 1, ..Usage::default() },
        cost: Cost { amount: Money::from_pico(9), exact: false },
        outcome: None,
    }));
    ledger.flush(LIMIT).unwrap();
    let whole = 30 * 1_000_000 + 10 * 700 + 9;
    ledger
        .read(|reader| {
            for by in [By::Model, By::Provider, By::Day, By::Origin, By::Kind, By::Everything] {
                let sums = reader.totals(Days::ALL, by, 100)?;
                let sum: i64 = sums.iter().map(|total| total.cost.amount.pico()).sum();
                assert_eq!(sum, whole, "{by:?}");
                assert!(sums.iter().any(|total| !total.cost.exact), "{by:?}");
            }
            let talks = reader.totals(Days::ALL, By::Session, 100)?;
            let sum: i64 = talks.iter().map(|total| total.cost.amount.pico()).sum();
            assert_eq!((talks.len(), sum), (5 + 1, whole), "the ping has a row of its own");
            let today = Day::of(NOW, &TimeZone::UTC);
            let week = Days { from: today, to: Day(today.0 + 6) };
            assert_eq!(reader.total(week)?.attempts, 28 + 10 + 1);
            let some = reader.totals(week, By::Session, 100)?;
            let sum: i64 = some.iter().map(|total| total.cost.amount.pico()).sum();
            assert_eq!(sum, reader.total(week)?.cost.amount.pico());
            let days = reader.days(week, None)?;
            assert_eq!(days.iter().map(|point| point.attempts).sum::<u64>(), 39);
            let last = UnixMs(NOW.0 + 365 * 86_400_000);
            let hours = reader.hours(NOW, last, Some(&"model-0".into()))?;
            assert_eq!(hours.iter().map(|point| point.cost.amount.pico()).sum::<i64>(), whole);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_routing_saved_is_told_against_the_dearest_and_against_a_baseline() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    keep(&ledger, &Turn { failed: Some(250_000), ..turn(1, "a", "b") });
    let routing = ledger.read(|reader| reader.routing(Days::ALL, Some(&"model-1".into()))).unwrap();
    // The same 400 + 120 tokens at the fourth model's prices, 0.40 and 1.60 micro-dollars, and at the
    // second one's, 0.20 and 0.80; what the provider had cached of the prompt nobody else had.
    assert_eq!((routing.compared, routing.spent.pico()), (1, 1_250_000));
    assert_eq!(routing.dearest.pico(), 400 * 400_000 + 120 * 1_600_000);
    let (requests, spent, would) = routing.baseline.unwrap();
    let twice = 400 * 200_000 + 120 * 800_000;
    assert_eq!((requests, spent.pico(), would.pico()), (1, 1_250_000, twice));
    assert_eq!(routing.lost.pico(), 250_000);
    // 2 attempts × 100 tokens × (0.10 − 0.01) micro-dollars.
    assert_eq!(routing.prefix_saved.pico(), 2 * 100 * 90_000);
    // What one model alone was to answer, as where models are compared, nobody routed.
    let mut end = turn(2, "a", "b").end();
    let mut begin = (*end.begin).clone();
    let mut decision = (*begin.decision).clone();
    decision.imposed = Some(crate::domain::OverrideKind {
        scope: crate::domain::PinScope::Message,
        model: Some("model-0".into()),
        exclusive: true,
        would_be: None,
    });
    begin.decision = std::sync::Arc::new(decision);
    end.begin = std::sync::Arc::new(begin);
    futures_executor(ledger.end(end)).unwrap();
    let routing = ledger.read(|reader| reader.routing(Days::ALL, None)).unwrap();
    assert_eq!((routing.requests, routing.answered, routing.compared), (2, 2, 1));
}

/// As a process that is killed: nothing is said of what is on its way, and it is seen to be gone.
fn end_without_a_word(ledger: Ledger, dir: &std::path::Path, run: Uuid) {
    drop(ledger);
    let gone = dir.join("runs").join(run.to_string());
    while gone.exists() {
        std::thread::yield_now();
    }
}

#[test]
fn a_dead_process_s_partial_answer_is_offered_back_and_its_cost_is_at_least_what_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let dead = turn(1, "a long story", "");
    let living = Turn { session: session(2), ..turn(2, "another", "") };
    let run = Uuid::now_v7();
    let ledger = Ledger::open(Options { run, ..options(dir.path()) }).unwrap();
    futures_executor(ledger.begin(dead.begin())).unwrap();
    ledger.more(dead.request(), Piece::Text, "void");
    ledger.void(dead.request());
    ledger.more(dead.request(), Piece::Reasoning, "hm");
    ledger.more(dead.request(), Piece::Text, "Once upon ");
    ledger.flush(LIMIT).unwrap();
    ledger.more(dead.request(), Piece::Text, "a time");
    ledger.flush(LIMIT).unwrap();
    // Somebody else opens the file meanwhile: the first lives, so nothing of it is taken up.
    let other = open(dir.path());
    futures_executor(other.begin(living.begin())).unwrap();
    other.flush(LIMIT).unwrap();
    assert_eq!(other.read(|reader| reader.interrupted(5)).unwrap(), []);
    // An answer of a comparison is cut off with it.
    let mut bare = turn(3, "compared", "").begin();
    let request = &mut Arc::get_mut(&mut bare).unwrap().request;
    (request.session, request.origin) = (None, Origin::Compare);
    futures_executor(ledger.begin(bare)).unwrap();
    ledger.flush(LIMIT).unwrap();
    // The first ends without a word.
    end_without_a_word(ledger, dir.path(), run);
    let third = open(dir.path());
    let offered = third.read(|reader| reader.interrupted(5)).unwrap();
    let [one] = offered.as_slice() else { panic!("{offered:?}") };
    assert_eq!((one.asked.as_str(), one.text.as_str()), ("a long story", "Once upon a time"));
    assert_eq!(one.session, session(1));
    let row = third.read(|reader| reader.session_row(session(1))).unwrap().unwrap();
    assert_eq!((row.messages, row.cost.exact), (2, false));
    // What was shown was paid for, and so was the prompt.
    assert!(row.cost.amount > Money::ZERO);
    let total = third.read(|reader| reader.total(Days::ALL)).unwrap();
    // Nothing was shown of the comparison: of that it is the prompt.
    assert_eq!(total.attempts, 2);
    assert!(total.cost.amount > row.cost.amount && !total.cost.exact);
    assert!(total.usage.input > 0 && total.usage.output == 5, "{:?}", total.usage);
    let routing = third.read(|reader| reader.routing(Days::ALL, None)).unwrap();
    assert_eq!((routing.requests, routing.answered), (2, 0), "both were asked");
    // The budgets count it too.
    let day = LocalDay(Day::of(NOW, &TimeZone::UTC).0);
    let scopes = [BudgetScope::Day, BudgetScope::Month, BudgetScope::Session(session(1))];
    let buckets = scopes.map(|scope| Bucket::on(scope, day));
    let purse = SharedPurse::open(third.path(), TimeZone::UTC).unwrap();
    let told = purse.totals(Holder(Uuid::now_v7()), &buckets, NOW).unwrap();
    assert_eq!(
        [total.cost, total.cost, row.cost][..],
        told.iter().map(|told| told.spent).collect::<Vec<_>>()
    );
    third.dismiss(one.request).unwrap();
    assert_eq!(third.read(|reader| reader.interrupted(5)).unwrap(), []);
    // What was dismissed stays part of its conversation.
    let kept = third.read(|reader| reader.session(session(1))).unwrap().unwrap();
    assert_eq!(kept.messages[1].finish.as_deref(), Some("interrupted"));
}

#[test]
fn a_question_whose_process_ended_while_it_waited_for_a_budget_cost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = Uuid::now_v7();
    let (waits, asks) = (turn(1, "who waits", ""), turn(2, "who asks", ""));
    let again = Turn { session: session(3), failed: Some(70), ..turn(3, "who asks again", "") };
    let broke = Turn { session: session(4), failed: Some(80), ..turn(4, "who broke off", "") };
    let ledger = Ledger::open(Options { run, ..options(dir.path()) }).unwrap();
    for turn in [&waits, &asks, &again, &broke] {
        let begin = turn.begin();
        futures_executor(ledger.begin(Arc::clone(&begin))).unwrap();
        if turn.failed.is_some() {
            ledger.attempt(&begin, turn.attempts(&begin).swap_remove(0));
        }
        if turn.number == broke.number {
            ledger.more(turn.request(), Piece::Text, "Once upon");
        }
        ledger.more(turn.request(), Piece::Waits, "-");
    }
    let model = asks.begin().decision.chosen().unwrap().model.clone();
    ledger.more(asks.request(), Piece::Asked, &format!("1 first {model}\n"));
    ledger.flush(LIMIT).unwrap();
    end_without_a_word(ledger, dir.path(), run);
    let next = open(dir.path());
    let offered = next.read(|reader| reader.interrupted(5)).unwrap();
    let asked: Vec<&str> = offered.iter().map(|one| one.asked.as_str()).collect();
    assert_eq!(asked, ["who broke off", "who asks"]);
    let total = next.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!((total.attempts, total.cost.exact), (3, false), "of the first nothing was spent");
    // Those that waited to be tried again came to what their failures did.
    for (chat, pico) in [(session(3), 70), (session(4), 80)] {
        let row = next.read(|reader| reader.session_row(chat)).unwrap().unwrap();
        assert_eq!(row.cost, Cost { amount: Money::from_pico(pico), exact: true });
    }
    let routing = next.read(|reader| reader.routing(Days::ALL, None)).unwrap();
    assert_eq!((routing.requests, routing.answered), (4, 0));
    let heard = next.read(|reader| reader.session(session(1))).unwrap().unwrap();
    let never: Vec<String> = heard
        .messages
        .iter()
        .filter(|kept| kept.heard == crate::domain::Heard::Never)
        .map(|kept| kept.message.plain())
        .collect();
    assert_eq!(never, ["who waits"]);
}

#[test]
fn an_attempt_that_was_under_way_when_its_process_ended_is_charged_its_prompt_and_what_it_had_shown()
 {
    let dir = tempfile::tempdir().unwrap();
    let run = Uuid::now_v7();
    let ledger = Ledger::open(Options { run, ..options(dir.path()) }).unwrap();
    // The first broke off in each; then somebody goes on with it, begins anew, or has ended too.
    let begun = |number: u64| {
        let chat = Turn { session: session(number), failed: Some(70), ..turn(number, "tell", "") };
        let begin = chat.begin();
        futures_executor(ledger.begin(Arc::clone(&begin))).unwrap();
        ledger.more(chat.request(), Piece::Text, "Once upon a time there was a ");
        ledger.attempt(&begin, chat.attempts(&begin).swap_remove(0));
        let next = begin.decision.ranked().nth(1).unwrap();
        let prompt = next.estimate.input_tokens;
        (chat, begin.clone(), next.model.clone(), prompt)
    };
    let (on, _, model, prompt) = begun(1);
    ledger.more(on.request(), Piece::Asked, &format!("2 continue {model}\n"));
    ledger.more(on.request(), Piece::Text, "bear");
    let (anew, _, model, _) = begun(2);
    ledger.more(anew.request(), Piece::Asked, &format!("2 fallback {model}\n"));
    ledger.void(anew.request());
    let (over, begin, model, _) = begun(3);
    ledger.more(over.request(), Piece::Asked, &format!("2 fallback {model}\n"));
    ledger.attempt(&begin, over.attempts(&begin).swap_remove(1));
    ledger.flush(LIMIT).unwrap();
    end_without_a_word(ledger, dir.path(), run);
    let next = open(dir.path());
    let cost = |chat| next.read(|reader| reader.session_row(chat)).unwrap().unwrap().cost;
    let total = next.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!(total.attempts, 6, "two of each");
    // Four ended, of 400 tokens in and 120 out. What one goes on from is part of its prompt.
    let (input, output) = (total.usage.input - 4 * 400, total.usage.output - 4 * 120);
    assert!(input > 2 * prompt && input < 2 * prompt + 20, "{input} for twice {prompt}");
    assert!((1..5).contains(&output), "{output} since it goes on");
    assert!(!cost(session(1)).exact && !cost(session(2)).exact);
    assert!(cost(session(1)).amount > cost(session(2)).amount);
    assert_eq!(cost(session(3)), Cost { amount: Money::from_pico(1_000_070), exact: true });
    // Whoever was asked last wrote the end of it, and its tokens are those of all.
    let kept = next.read(|reader| reader.session(session(1))).unwrap().unwrap();
    let said = kept.messages.last().unwrap();
    assert_eq!(said.model.as_deref(), Some(model.as_str()));
    assert!(said.provider.as_deref().is_some_and(|provider| !provider.is_empty()));
    let figures = next.read(|reader| reader.answers_of(session(1))).unwrap();
    let figures = figures.values().next().unwrap();
    assert!(figures.cut && figures.usage.input > 400 + prompt, "{:?}", figures.usage);
}

#[test]
fn a_conversation_is_copied_up_to_a_message_and_lives_on_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let first = turn(1, "question one", "answer one");
    keep(&ledger, &first);
    keep(&ledger, &Turn { parent: Some(first.answer_id()), ..turn(2, "question two", "two") });
    let at = Some(first.answer_id());
    assert_eq!(ledger.fork(session(1), at, session(7), NOW).unwrap(), 2);
    ledger.remove(session(1)).unwrap();
    let copy = ledger.read(|reader| reader.session(session(7))).unwrap().unwrap();
    let said: Vec<String> = copy.branch(None).iter().map(|k| k.message.plain()).collect();
    assert_eq!(said, ["question one", "answer one"]);
    assert_eq!(copy.row.forked_from, Some(session(1)));
    assert_eq!(ledger.read(|reader| reader.search("question", 9)).unwrap().len(), 2);
    let nowhere = Some(MessageId(Uuid::nil()));
    assert!(ledger.fork(session(7), nowhere, session(8), NOW).is_err());
    assert_eq!(ledger.read(|reader| reader.session_row(session(8))).unwrap(), None);
}

#[test]
fn what_follows_a_copy_hangs_on_the_copy() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let first = turn(1, "question one", "answer one");
    keep(&ledger, &first);
    ledger.fork(session(1), None, session(7), NOW).unwrap();
    // Whoever asks knows the messages by what they are called where they were copied from.
    let known = |turn: &Turn| {
        let mut end = turn.end();
        let mut begin = end.begin.as_ref().clone();
        let history = ["question one", "answer one"];
        begin.request.messages.insert(0, crate::domain::Message::user(history[0]));
        begin.request.messages.insert(1, crate::domain::Message::assistant(history[1]));
        end.begin = begin.into();
        end
    };
    let parent = Some(first.answer_id());
    let next = Turn { session: session(7), parent, ..turn(2, "question two", "answer two") };
    futures_executor(ledger.end(known(&next))).unwrap();
    let again = Turn {
        session: session(7),
        message: Some(first.message()),
        ..turn(3, "question one", "answer one, again")
    };
    futures_executor(ledger.end(again.end())).unwrap();
    let said = |talk: u64, leaf: Option<MessageId>| {
        let kept = ledger.read(|reader| reader.session(session(talk))).unwrap().unwrap();
        kept.branch(leaf).iter().map(|k| k.message.plain()).collect::<Vec<_>>()
    };
    let whole = ["question one", "answer one", "question two", "answer two"];
    assert_eq!(said(7, Some(next.answer_id())), whole);
    assert_eq!(said(7, None), ["question one", "answer one, again"]);
    assert_eq!(said(1, None), ["question one", "answer one"]);
    ledger.remove(session(1)).unwrap();
    assert_eq!(said(7, Some(next.answer_id())), whole);
}

#[test]
fn many_old_conversations_go_part_by_part() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for n in 1..=70 {
        keep(&ledger, &Turn { session: session(n), ..turn(n, "old words", "old answer") });
    }
    let after = UnixMs(NOW.0 + 86_400_000);
    assert_eq!(ledger.purge(after, Purge::Conversations).unwrap(), 70);
    assert_eq!(ledger.read(|reader| reader.sessions(SessionOrder::Newest, 9, 0)).unwrap(), []);
    assert_eq!(ledger.read(|reader| reader.total(Days::ALL)).unwrap().attempts, 70);
}

#[test]
fn age_removes_conversations_and_records_and_leaves_the_sums() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let old = turn(1, "old words", "old answer");
    keep(&ledger, &old);
    let later = UnixMs(NOW.0 + 40 * 86_400_000);
    keep(&ledger, &Turn { at: later, session: session(2), ..turn(2, "new words", "new") });
    let before = UnixMs(NOW.0 + 30 * 86_400_000);
    assert_eq!(ledger.purge(before, Purge::Conversations).unwrap(), 1);
    assert!(ledger.purge(before, Purge::Records).unwrap() >= 2);
    ledger
        .read(|reader| {
            assert!(reader.search("old words", 5)?.is_empty());
            assert_eq!(reader.search("new words", 5)?.len(), 2);
            assert_eq!(reader.total(Days::ALL)?.attempts, 2);
            assert_eq!(reader.requests(UnixMs(i64::MAX), 9)?.len(), 1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_conversation_is_found_by_a_part_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for n in [1, 2] {
        keep(&ledger, &Turn { session: session(n), ..turn(n, "a", "b") });
    }
    let find = |text: &str| ledger.read(|reader| reader.find_session(text));
    assert_eq!(find(&session(2).to_string()).unwrap(), session(2));
    assert_eq!(find(&session(2).short()).unwrap(), session(2));
    let first_digits = session(1).to_string();
    let several = find(&first_digits[..8]).unwrap_err().to_string();
    assert!(several.contains("may mean 2 conversations"), "{several}");
    assert!(several.contains(&format!("{}  a", session(1))), "{several}");
    // A list shows the last eight digits, and one types the first of what one sees.
    let listed = SessionId(Uuid::from_u128(0x0192_aaaa_0000_0000_0000_0000_df1d_8397));
    keep(&ledger, &Turn { session: listed, ..turn(3, "a", "b") });
    assert_eq!(find("df1d").unwrap(), listed);
    ledger.remove(listed).unwrap();
    for n in 4..10 {
        keep(&ledger, &Turn { session: session(n), ..turn(n, "a", "b") });
    }
    let several = find(&first_digits[..8]).unwrap_err().to_string();
    assert!(several.ends_with("\n  and 2 more"), "{several}");
    for n in 4..10 {
        ledger.remove(session(n)).unwrap();
    }
    for wrong in ["", "xyz", "12", "ffffffff", "%%%%"] {
        assert!(matches!(find(wrong), Err(LedgerError::Unknown(_))), "{wrong}");
    }
    assert_eq!(ledger.read(|reader| reader.latest_session(None)).unwrap(), Some(session(2)));
    assert_eq!(ledger.read(|reader| reader.latest_session(Some("ask"))).unwrap(), None);
}

#[test]
fn decisions_come_back_whole_and_decide_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let turns: Vec<Turn> = (1..6).map(|n| turn(n, "a", "b")).collect();
    for turn in &turns {
        keep(&ledger, turn);
    }
    let mut kept = Vec::new();
    let from = turns[1].at;
    let unread = ledger
        .read(|reader| {
            reader.decisions(from, UnixMs(i64::MAX), |one| {
                kept.push(one);
                std::ops::ControlFlow::Continue(())
            })
        })
        .unwrap();
    assert_eq!((kept.len(), unread), (4, 0));
    for one in &kept {
        assert_eq!(crate::route::decide(&one.input), one.decision);
        assert_eq!((one.finish.as_deref(), one.wait_ms), (Some("stop"), Some(330)));
    }
}

#[test]
fn a_place_survives_json() {
    let request = turn(1, "a", "b").begin().request.clone();
    let json = serde_json::to_string(&request).unwrap();
    let back: crate::domain::Request = serde_json::from_str(&json).unwrap();
    let place = Place { message: turn(1, "a", "b").message(), parent: None };
    assert_eq!(back.place, Some(place));
}
