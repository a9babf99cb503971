//! What waits for the file: in what order, how much, and what gives way.

use super::*;
use crate::domain::UnixMs;
use crate::ledger::order::Scrub;
use crate::ledger::sample::{Turn, id};

const NOW: UnixMs = UnixMs(1_795_392_000_000);

fn turn(n: u64, answer: &str) -> Turn {
    Turn::new(n, UnixMs(NOW.0 + n as i64), SessionId(id(NOW, n % 2)), "question", answer)
}

fn begin(n: u64) -> Order {
    Order::Begin(turn(n, "").begin())
}

fn attempt(n: u64) -> Order {
    let begin = turn(n, "").begin();
    let report = Box::new(turn(n, "").attempts(&begin).remove(0));
    Order::Attempt { begin, report }
}

fn end(n: u64, answer: &str) -> Order {
    Order::End(Box::new(turn(n, answer).end()))
}

fn names(backlog: &Backlog) -> Vec<String> {
    let name = |order: &&Order| {
        let kind = match order {
            Order::Begin(_) => "begin",
            Order::Attempt { .. } => "attempt",
            Order::End(_) => "end",
            _ => "other",
        };
        let number = (1..9).find(|n| about(order) == Some(turn(*n, "").request()));
        format!("{kind} {}", number.unwrap_or(0))
    };
    backlog.next(usize::MAX).iter().map(name).collect()
}

#[test]
fn a_request_waits_once_and_in_its_turn() {
    let mut backlog = Backlog::default();
    for order in [begin(1), begin(2), attempt(1), begin(1), end(1, "a"), attempt(2), begin(3)] {
        backlog.owe(order);
    }
    assert_eq!(names(&backlog), ["begin 2", "end 1", "attempt 2", "begin 3"]);
    backlog.owe(end(1, "a"));
    assert_eq!(names(&backlog), ["begin 2", "attempt 2", "begin 3", "end 1"]);
    assert_eq!(backlog.behind().waiting, 3, "of one two orders wait");
    backlog.written(1, 0);
    assert_eq!(backlog.behind().late, 0, "not all of it is written");
    backlog.written(2, 1);
    assert_eq!(names(&backlog), ["end 1"]);
    assert_eq!(backlog.behind(), Behind { waiting: 1, late: 1, wordless: 0, lost: 1 });
}

#[test]
fn what_a_person_asked_to_be_done_does_not_wait() {
    let mut backlog = Backlog::default();
    for order in [Order::Flush, Order::Scrub(Scrub::First), Order::Remove(SessionId(id(NOW, 1)))] {
        backlog.owe(order);
    }
    assert!(backlog.is_empty() && backlog.due().is_none());
}

#[test]
fn past_the_bound_the_oldest_goes_and_is_counted() {
    let mut backlog = Backlog::default();
    let Order::Begin(one) = begin(1) else { unreachable!() };
    for n in 0..(ORDERS + 3) as u64 {
        let mut begin = Begin::clone(&one);
        begin.request.id = RequestId(id(NOW, n));
        backlog.owe(Order::Begin(Arc::new(begin)));
    }
    let behind = backlog.behind();
    assert_eq!((behind.waiting, behind.lost), (ORDERS as u64, 3));
    assert_eq!(about(backlog.next(1)[0]), Some(RequestId(id(NOW, 3))));
}

#[test]
fn past_the_bound_of_text_the_oldest_keep_their_figures_and_not_a_word() {
    let mut backlog = Backlog::default();
    let long = "a long answer ".repeat(WORDS / 14 / 3);
    for n in 1..=5 {
        backlog.owe(end(n, &long));
    }
    let behind = backlog.behind();
    assert_eq!((behind.waiting, behind.lost), (5, 0));
    assert!(behind.wordless >= 2 && backlog.words <= WORDS, "{behind:?}");
    let kept: Vec<bool> = backlog
        .next(9)
        .iter()
        .map(|order| {
            let Order::End(end) = order else { unreachable!() };
            assert!(!end.attempts.is_empty(), "what it cost went too");
            let words = !end.text.is_empty();
            assert_eq!(words, !end.begin.request.messages.is_empty());
            words
        })
        .collect();
    assert!(kept.is_sorted() && kept[4], "{kept:?}");
}

#[test]
fn no_word_of_a_conversation_that_was_removed_waits() {
    let mut backlog = Backlog::default();
    backlog.owe(end(1, "secret"));
    backlog.owe(end(2, "kept"));
    backlog.forget(SessionId(id(NOW, 1)));
    let texts: Vec<&str> = backlog
        .next(9)
        .iter()
        .map(|order| match order {
            Order::End(end) => end.text.as_str(),
            _ => unreachable!(),
        })
        .collect();
    assert_eq!(texts, ["", "kept"]);
    assert_eq!(backlog.behind().wordless, 0, "it was asked for");
}

#[test]
fn each_try_comes_later_than_the_one_before_up_to_a_bound() {
    let mut backlog = Backlog::default();
    backlog.owe(begin(1));
    let now = Instant::now();
    let waits: Vec<Duration> = (0..12)
        .map(|_| {
            backlog.failed(now);
            backlog.due().unwrap() - now
        })
        .collect();
    assert_eq!(waits[0], FIRST);
    assert!(waits.is_sorted() && waits[3] > waits[2]);
    assert_eq!(waits[11], LONGEST);
    backlog.written(1, 0);
    backlog.calm();
    assert_eq!(backlog.due(), None);
    backlog.failed(now);
    assert_eq!(backlog.due(), Some(now + FIRST));
}
