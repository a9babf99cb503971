//! Budgets: setting them, seeing them, and the question before going over one.

use std::sync::Arc;

use super::super::fixture::{Console, snapshot};
use crate::console::app::{Cell, Effect, Focus, Msg, Overlay, View};
use crate::domain::{
    AtLimit, AttemptId, Budget, BudgetLimit, CacheMode, Cost, ErrorReport, Finish, Message,
    ModelName, Outcome, OutcomeClass, OverBudget, ReplyEvent, Usage,
};
use crate::engine;
use crate::route::{Book, Payer};

/// The running request is refused by a budget that asks, or by one that stops, and that was seen.
fn refused(console: &mut Console, code: &str) {
    refused_unseen(console, code);
    console.wait(1_000);
}

fn refused_unseen(console: &mut Console, code: &str) {
    let words = "this could cost up to $0.25, which would go over the day's budget";
    let outcome = Outcome {
        finish: Finish::Error,
        model: None,
        provider: None,
        model_id: None,
        usage: Usage::default(),
        cost: Cost::ZERO,
        wait_ms: None,
        ttft_ms: None,
        total_ms: 1,
        answer_cost: None,
        cached: None,
        error: Some(ErrorReport::new(OutcomeClass::Account, code, words)),
        cache_note: None,
    };
    console.events(vec![ReplyEvent::End(Box::new(outcome))]);
}

fn asked() -> Console {
    let mut console = Console::ready();
    console.text("a long one").keys("enter");
    refused(&mut console, engine::ASKS_FIRST);
    console
}

#[test]
fn what_was_asked_again_is_still_asked_past_the_cache_once_a_budget_was_asked_about() {
    let mut console = Console::ready();
    console.exchange("a long one", "An answer.").text("/retry").keys("enter");
    refused(&mut console, engine::ASKS_FIRST);
    console.keys("y").wait(600);
    let sent = console.sent();
    assert_eq!((sent[2].over_budget, sent[2].cache), (OverBudget::Allowed, CacheMode::Refresh));
}

#[test]
fn a_message_that_would_go_over_is_asked_about_and_yes_sends_it_once() {
    let mut console = asked();
    let Some(Overlay::Confirm(confirm)) = &console.state.overlay else { panic!("no question") };
    assert!(confirm.question.contains("over the day's budget"));
    let (_, reply) = console.state.last_reply().unwrap();
    assert!(reply.told.is_none(), "the question says it, and nothing has gone wrong");
    assert_eq!(console.sent().len(), 1);
    console.keys("y").wait(600);
    assert!(console.state.overlay.is_none());
    let sent = console.sent();
    assert_eq!((sent.len(), sent[1].over_budget), (2, OverBudget::Allowed));
    assert_eq!(sent[1].last_user_text(), "a long one");
    let refusals = console.state.transcript.cells.iter();
    assert_eq!(refusals.filter(|cell| matches!(cell, Cell::Reply(_))).count(), 1, "it is replaced");
    console.routed("mini").stream("An answer.").end(Finish::Stop);
    console.text("the next").keys("enter");
    assert_eq!(console.sent()[2].over_budget, OverBudget::Ask);
}

#[test]
fn who_fits_into_the_budget_can_answer_instead() {
    let mut console = Console::ready();
    console.text("a long one").keys("enter").routed("mini");
    refused(&mut console, engine::ASKS_FIRST);
    let Some(Overlay::Confirm(confirm)) = &console.state.overlay else { panic!("no question") };
    assert_eq!(confirm.fits.as_ref().map(ModelName::as_str), Some("mini"));
    console.keys("f").wait(600);
    let sent = console.sent();
    assert_eq!((sent.len(), sent[1].over_budget), (2, OverBudget::Within));
    // Where nobody does, it is a letter like any other.
    let mut console = asked();
    console.keys("f").wait(600);
    assert_eq!((console.state.composer.text().as_str(), console.sent().len()), ("f", 1));
}

#[test]
fn enter_answers_nothing_and_who_writes_on_writes_in_the_draft() {
    let mut console = asked();
    console.keys("enter").wait(400);
    assert!(console.state.overlay.is_some());
    // A letter that is no answer shows that somebody writes, and one that could be is none either
    // when more follow at once.
    for (typed, at_once) in
        [("i say yes and no", 120), ("yes and no", 120), ("no and yes", 400), ("fine", 120)]
    {
        let mut console = asked();
        for c in typed.chars() {
            console.text(&c.to_string()).wait(at_once);
        }
        assert_eq!((console.state.composer.text().as_str(), console.sent().len()), (typed, 1));
        assert!(console.state.overlay.is_none());
        console.wait(1_000);
        assert!(console.state.overlay.is_some(), "the hand rests");
    }
}

#[test]
fn a_no_takes_the_message_back_into_the_draft_and_out_of_the_chat() {
    for key in ["n", "esc", "ctrl-c"] {
        let mut console = Console::ready();
        console.text("the first").keys("enter").routed("mini").stream("One.").end(Finish::Stop);
        let cells = console.state.transcript.cells.len();
        console.text("a secret").keys("enter");
        refused(&mut console, engine::ASKS_FIRST);
        console.keys(key).wait(600);
        assert!(console.state.overlay.is_none(), "{key}");
        assert_eq!(console.state.transcript.cells.len(), cells, "{key}");
        assert_eq!(console.state.composer.text(), "a secret", "{key}");
        assert!(console.toast().contains("not sent"), "{key}: {}", console.toast());
        console.keys("ctrl-u").text("the next").keys("enter");
        let sent = console.sent();
        assert_eq!(sent.len(), 3);
        let told: Vec<String> = sent[2].messages.iter().map(Message::plain).collect();
        assert_eq!(told, ["the first", "One.", "the next"], "{key}");
        assert_eq!(console.state.meters.asked, 1, "a question is nothing that was asked");
    }
}

#[test]
fn a_no_to_the_first_message_leaves_an_untitled_chat() {
    let mut console = asked();
    assert_eq!(console.state.title, "a long one");
    console.keys("n").wait(600);
    assert_eq!((console.state.title.as_str(), console.state.transcript.cells.len()), ("", 0));
}

#[test]
fn a_no_to_asking_again_leaves_the_message_with_its_answer() {
    let mut console = Console::ready();
    console.text("the first").keys("enter").routed("mini").stream("One.").end(Finish::Stop);
    let cells = console.state.transcript.cells.len();
    console.keys("esc r");
    refused(&mut console, engine::ASKS_FIRST);
    assert!(console.state.overlay.is_some());
    console.keys("n").wait(600);
    assert_eq!(console.state.transcript.cells.len(), cells);
    assert!(console.state.composer.is_blank());
}

#[test]
fn a_no_to_an_edited_message_brings_back_what_was_said() {
    let mut console = Console::ready();
    console.exchange("the first", "One.").exchange("the second", "Two.");
    let before = (super::texts(&console.state), console.state.transcript.sums());
    console.keys("esc shift-up shift-up shift-up e").text(" changed").keys("enter");
    refused(&mut console, engine::ASKS_FIRST);
    console.keys("n").wait(600);
    assert_eq!((super::texts(&console.state), console.state.transcript.sums()), before);
    assert_eq!(console.state.composer.text(), "the first changed");
    // Sent once more it replaces what it was to replace.
    console.keys("enter").routed("mini").stream("Three.").end(Finish::Stop);
    assert_eq!(super::texts(&console.state), ["you: the first changed", "reply: Three."]);
    // With a yes it is another way, and stays it.
    console.keys("esc shift-up shift-up shift-up e").text(" again").keys("enter");
    refused(&mut console, engine::ASKS_FIRST);
    console.keys("y").wait(600).routed("mini").stream("Four.").end(Finish::Stop);
    assert_eq!(super::texts(&console.state).last().unwrap(), "reply: Four.");
    console.text("more").keys("enter");
    refused(&mut console, engine::ASKS_FIRST);
    console.keys("n").wait(600);
    assert_eq!(super::texts(&console.state).last().unwrap(), "reply: Four.");
}

#[test]
fn a_question_that_comes_under_something_else_is_a_no() {
    let mut console = Console::ready();
    console.text("a long one").keys("enter").keys("f1");
    assert!(matches!(console.state.overlay, Some(Overlay::Help(_))));
    refused(&mut console, engine::ASKS_FIRST);
    assert_eq!(console.state.composer.text(), "a long one");
    assert!(console.state.transcript.cells.is_empty());
}

/// A second message waits in the queue and a third is being written when the budget asks about the
/// second.
fn asked_while_writing() -> Console {
    let mut console = Console::ready();
    console.text("the first").keys("enter").routed("mini").text("the second").keys("enter");
    console.stream("One.").end(Finish::Stop).text("one");
    refused_unseen(&mut console, engine::ASKS_FIRST);
    console
}

#[test]
fn what_is_being_written_when_a_budget_asks_is_no_answer_and_stays_in_the_draft() {
    let mut console = asked_while_writing();
    assert_eq!(console.sent().len(), 2);
    for c in " yfn".chars() {
        assert!(console.state.overlay.is_none());
        console.text(&c.to_string()).wait(450);
    }
    console.keys("backspace");
    assert_eq!((console.state.composer.text().as_str(), console.sent().len()), ("one yf", 2));
    let wait = console.effects.iter().rev().find_map(|effect| match effect {
        Effect::ScheduleTick(ms) => Some(*ms),
        _ => None,
    });
    console.wait(wait.expect("it asks to be woken"));
    assert!(matches!(console.state.overlay, Some(Overlay::Confirm(_))), "the hand rests");
    console.wait(1_000).keys("y").wait(1_000);
    let sent = console.sent();
    assert_eq!((sent.len(), sent[2].over_budget), (3, OverBudget::Allowed));
    assert_eq!(
        (sent[2].last_user_text(), console.state.composer.text()),
        ("the second".to_owned(), "one yf".to_owned())
    );
}

#[test]
fn enter_before_the_question_was_seen_shows_it_and_sends_nothing() {
    for key in ["enter", "esc", "ctrl-c", "f1"] {
        let mut console = asked_while_writing();
        console.keys(key);
        assert!(matches!(console.state.overlay, Some(Overlay::Confirm(_))), "{key}");
        assert_eq!((console.state.composer.text().as_str(), console.sent().len()), ("one", 2));
        console.wait(1_000).keys("n").wait(1_000);
        assert_eq!(console.state.composer.text(), "one");
        assert!(console.toast().contains("not sent; it is in the history"), "{}", console.toast());
    }
}

#[test]
fn a_letter_too_soon_to_have_read_the_question_goes_to_the_draft() {
    let mut console = Console::ready();
    console.text("a long one").keys("enter");
    refused_unseen(&mut console, engine::ASKS_FIRST);
    assert!(console.state.overlay.is_some());
    console.text("yes");
    assert_eq!((console.state.composer.text().as_str(), console.sent().len()), ("yes", 1));
    console.wait(1_000);
    assert!(console.state.overlay.is_some());
    // Where letters are no text, it is nothing at all.
    let mut console = Console::ready();
    console.text("the first").keys("enter").routed("mini").text("the second").keys("enter tab");
    console.stream("One.").end(Finish::Stop);
    assert_eq!(console.state.focus, Focus::Read);
    refused_unseen(&mut console, engine::ASKS_FIRST);
    console.keys("y").wait(600);
    assert!(console.state.overlay.is_some());
    assert_eq!((console.state.composer.text().as_str(), console.sent().len()), ("", 2));
}

#[test]
fn a_budget_that_only_warns_says_so_with_every_answer_once_it_is_used_up() {
    let mut console = Console::ready();
    let limit = BudgetLimit { limit: "0.02".parse().unwrap(), at_limit: AtLimit::Warn };
    let mut book = Book::new(Budget { day: Some(limit), ..Budget::default() });
    let mut news = snapshot();
    let payer = Payer { session: None, provider: "openai".into(), model: "mini".into() };
    let attempt = AttemptId(uuid::Uuid::nil());
    book.reserve(attempt, &payer, None, OverBudget::Ask, &news.calendar).unwrap();
    book.settle(attempt, Cost { amount: "0.028".parse().unwrap(), exact: true });
    news.budget = Arc::new(book);
    console.exchange("one", "An answer.");
    assert!(console.state.toast.is_none());
    console.send(Msg::Snapshot(Arc::new(news)));
    console.exchange("two", "Another.");
    assert!(console.toast().contains("$0.028 of $0.02"), "{}", console.toast());
    assert!(console.toast().contains("used up, and only warns"), "{}", console.toast());
}

#[test]
fn a_hard_budget_asks_nothing() {
    let mut console = Console::ready();
    console.text("a long one").keys("enter");
    refused(&mut console, engine::OVER_BUDGET);
    assert!(console.state.overlay.is_none());
}

#[test]
fn budgets_are_set_for_the_run_and_taken_away() {
    let mut console = Console::ready();
    for (line, said) in [
        (
            "/budget day 2",
            "Day, limit: Some(BudgetLimit { limit: Money(2000000000000), at_limit: Ask",
        ),
        (
            "/budget month $40 warn",
            "Month, limit: Some(BudgetLimit { limit: Money(40000000000000), at_limit: Warn",
        ),
        ("/budget mini 0.5 stop", "at_limit: Stop"),
        ("/budget day off", "Day, limit: None"),
    ] {
        console.text(line).keys("esc enter");
        let commands = console.commands();
        assert!(commands.last().unwrap().contains(said), "{line}: {commands:?}");
    }
}

#[test]
fn a_budget_that_makes_no_sense_is_said_and_stays_in_the_draft() {
    for (line, said) in [
        ("/budget day ask", "not set"),
        ("/budget off", "/budget day off"),
        ("/budget month 99999999999999999999 warn", "no amount for a budget (too large)"),
        ("/budget day two", "decimal"),
        ("/budget day 0", "more than nothing"),
        ("/budget day 2 maybe", "warn, ask or stop"),
        ("/budget nobody 2", "nobody"),
    ] {
        let mut console = Console::ready();
        console.text(line).keys("esc enter");
        assert!(console.toast().contains(said), "{line}: {}", console.toast());
        assert_eq!(console.state.composer.text(), line);
        assert!(console.commands().is_empty());
    }
}

#[test]
fn alone_it_shows_how_every_budget_stands() {
    let mut console = Console::ready();
    console.text("/budget").keys("esc enter");
    assert!(console.note().contains("today: $0.00, no budget"), "{}", console.note());
    assert!(console.note().contains("/budget day 2"));
    console.text("/budget day").keys("esc enter");
    assert_eq!(console.note(), "today: $0.00, no budget");
}

#[test]
fn costs_begin_a_budget_where_it_is_written_and_an_old_draft_stays_in_the_history() {
    let mut console = Console::ready();
    console.text("half a question").keys("ctrl-x 4").text("b");
    assert_eq!(console.state.composer.text(), "/budget ");
    assert!(console.toast().contains("is in the history"), "{}", console.toast());
    assert_eq!(console.state.view, View::Chat);
    console.text("day 2").keys("esc enter");
    assert!(console.commands().last().unwrap().contains("Budget"), "{:?}", console.commands());
    console.keys("up");
    assert!(console.state.composer.text().contains("/budget day 2"));
    console.keys("up");
    assert_eq!(console.state.composer.text(), "half a question");
}
