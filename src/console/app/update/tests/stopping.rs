//! Esc and Ctrl+C: stopping, clearing, leaving.

use std::sync::Arc;

use super::super::fixture::{Console, entry, snapshot};
use crate::console::app::{Effect, Focus, Msg, Overlay};
use crate::domain::{Cost, Finish, Outcome, ReplyEvent, Usage};

#[test]
fn a_stopped_reply_counts_what_came() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream(&"word ".repeat(100)).keys("esc");
    let (_, reply) = console.state.last_reply().unwrap();
    let outcome = reply.reply.outcome.as_ref().unwrap();
    assert!(outcome.usage.output > 50 && outcome.usage.estimated, "{:?}", outcome.usage);
    assert!(outcome.cost.amount.pico() > 0 && !outcome.cost.exact);
}

#[test]
fn what_a_stopped_reply_came_to_is_what_the_engine_counted_once_it_has() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream(&"word ".repeat(100)).keys("esc");
    let (_, reply) = console.state.last_reply().unwrap();
    let guessed = reply.reply.outcome.clone().unwrap();
    let counted = Outcome {
        usage: Usage { output: guessed.usage.output + 3, ..guessed.usage },
        cost: Cost { amount: guessed.cost.amount + guessed.cost.amount, exact: false },
        ..guessed
    };
    let mut log = entry(reply.request);
    let mut news = snapshot();
    news.log = Arc::new(vec![Arc::new(log.clone())]);
    console.send(Msg::Snapshot(Arc::new(news.clone())));
    assert_ne!(console.state.last_reply().unwrap().1.reply.outcome, Some(counted.clone()));
    log.outcome = Some(counted.clone());
    news.log = Arc::new(vec![Arc::new(log)]);
    console.send(Msg::Snapshot(Arc::new(news)));
    assert_eq!(console.state.last_reply().unwrap().1.reply.outcome, Some(counted.clone()));
    assert_eq!(console.state.transcript.sums().spent.cost, Some(counted.cost));
    assert_eq!((console.state.meters.asked, console.state.meters.answered), (1, 0));
}

#[test]
fn what_was_stopped_before_its_first_word_took_what_its_attempts_took() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").keys("esc");
    let (_, reply) = console.state.last_reply().unwrap();
    let mut log = entry(reply.request);
    let took = Usage { input: 105, estimated: true, ..Usage::default() };
    let report = crate::ledger::sample::Turn::new(1, console.now, console.state.session, "one", "");
    let mut attempts = report.attempts(&report.begin());
    attempts[0].usage = took;
    log.attempts = attempts;
    log.outcome = Some(Outcome { usage: Usage::default(), ..reply.reply.outcome.clone().unwrap() });
    let mut news = snapshot();
    news.log = Arc::new(vec![Arc::new(log)]);
    console.send(Msg::Snapshot(Arc::new(news)));
    assert_eq!(console.state.last_reply().unwrap().1.reply.usage, Some(took));
}

#[test]
fn esc_stops_the_reply_and_keeps_its_text() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half an answ").keys("esc");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    let (_, reply) = console.state.last_reply().unwrap();
    assert!(reply.stopped && !reply.phase.running());
    assert_eq!(reply.reply.text, "half an answ");
    assert_eq!(reply.reply.outcome.as_ref().unwrap().finish, Finish::Cancelled);
}

#[test]
fn esc_when_idle_goes_to_read_mode_and_back() {
    let mut console = Console::ready();
    console.exchange("one", "answer").keys("esc");
    assert_eq!(console.state.focus, Focus::Read);
    console.wait(1_000).text("x");
    assert!(console.state.composer.is_empty(), "letters never land in the draft");
    console.keys("esc");
    assert_eq!(console.state.focus, Focus::Composer);
}

#[test]
fn esc_esc_when_idle_offers_messages_to_go_back_to() {
    let mut console = Console::ready();
    console.exchange("one", "answer").exchange("two", "answer").keys("esc esc");
    let Some(Overlay::Rewind(rewind)) = &console.state.overlay else { panic!("no list") };
    assert_eq!(rewind.items, [2, 0]);
    console.keys("down enter");
    assert_eq!(console.state.composer.text(), "one");
    assert_eq!(console.state.editing, Some(0));
}

#[test]
fn ctrl_c_stops_then_clears_then_quits() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("draft");
    console.keys("ctrl-c");
    assert!(console.state.running().is_none());
    assert_eq!(console.state.composer.text(), "draft");
    console.keys("ctrl-c");
    assert!(console.state.composer.is_empty() && !console.state.quitting);
    console.keys("ctrl-c");
    assert!(!console.state.quitting);
    assert!(console.toast().contains("again"));
    console.keys("ctrl-c");
    assert!(console.state.quitting);
}

#[test]
fn a_draft_that_ctrl_c_cleared_comes_back_with_up() {
    let mut console = Console::ready();
    console.text("precious").keys("ctrl-c up");
    assert_eq!(console.state.composer.text(), "precious");
}

#[test]
fn the_second_ctrl_c_must_come_within_two_seconds() {
    let mut console = Console::ready();
    console.keys("ctrl-c").wait(2_001).keys("ctrl-c");
    assert!(!console.state.quitting);
}

#[test]
fn another_key_between_the_two_disarms_them() {
    let mut console = Console::ready();
    console.keys("ctrl-c").text("a").keys("backspace ctrl-c");
    assert!(!console.state.quitting);
}

#[test]
fn ctrl_d_quits_only_when_the_draft_is_empty() {
    let mut console = Console::ready();
    console.text("ab").keys("left ctrl-d");
    assert_eq!(console.state.composer.text(), "a");
    console.keys("backspace ctrl-d");
    assert!(console.state.quitting);
}

#[test]
fn ctrl_c_closes_what_lies_over_the_view_first() {
    let mut console = Console::ready();
    console.text("draft").keys("ctrl-p ctrl-c");
    assert!(console.state.overlay.is_none());
    assert_eq!(console.state.composer.text(), "draft");
}

#[test]
fn what_would_be_lost_by_leaving_is_told_first() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter").text("three");
    console.keys("ctrl-q");
    assert!(!console.state.quitting);
    let told = console.toast();
    assert!(told.contains("an answer is coming, 1 queued, a draft is begun"), "{told}");
    console.wait(3_000).keys("ctrl-q");
    assert!(!console.state.quitting, "the second press came too late");
    console.keys("ctrl-q");
    assert!(console.state.quitting);
    let mut console = Console::ready();
    console.exchange("one", "An answer.").keys("ctrl-q");
    assert!(console.state.quitting, "nothing is lost");
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").keys("ctrl-d");
    assert!(!console.state.quitting && console.toast().contains("an answer is coming"));
    console.keys("ctrl-d");
    assert!(console.state.quitting);
    let mut console = Console::ready();
    console.text("/private on").keys("enter").keys("ctrl-q");
    assert!(console.state.quitting, "nothing was said yet");
    let mut console = Console::ready();
    console.text("/private on").keys("enter").exchange("one", "a").keys("ctrl-q");
    assert!(!console.state.quitting && console.toast().contains("a private chat is not kept"));
}

#[test]
fn words_that_had_come_when_a_reply_was_stopped_are_shown_as_they_are_kept() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half of");
    let request = console.running();
    console.keys("esc");
    let rest = vec![ReplyEvent::Text(" it".to_owned())];
    console.send(Msg::Reply { request, events: rest.clone() });
    let shown = console.state.last_reply().unwrap().1;
    assert_eq!((shown.reply.text.as_str(), shown.stopped), ("half of it", true));
    assert!(console.state.running().is_none());
    // Of one that is not the newest any more nothing is wanted.
    console.exchange("two", "b").send(Msg::Reply { request, events: rest });
    assert_eq!(console.state.last_reply().unwrap().1.reply.text, "b");
}

#[test]
fn a_message_that_waited_for_a_budget_when_it_was_stopped_is_in_the_draft_again() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("two").keys("enter");
    let request = console.running();
    let held = ReplyEvent::Held { what: "$0.25 of the day's budget is held".to_owned() };
    console.send(Msg::Reply { request, events: vec![held] }).keys("esc");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    assert_eq!(console.state.composer.text(), "two");
    assert_eq!(console.state.transcript.cells.len(), 2, "nobody was asked it");
    assert!(console.toast().contains("not sent"), "{}", console.toast());
}
