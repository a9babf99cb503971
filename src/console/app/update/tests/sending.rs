//! Sending a message, and what goes with it.

use std::sync::Arc;

use super::super::fixture::{Console, snapshot};
use super::texts;
use crate::console::app::{EnginePhase, Msg};
use crate::domain::{Finish, Message};

#[test]
fn enter_sends_the_draft_and_empties_it() {
    let mut console = Console::ready();
    console.text("why?").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.sent()[0].last_user_text(), "why?");
    assert!(console.state.composer.is_empty());
    assert_eq!(texts(&console.state), ["you: why?", "reply: "]);
    assert_eq!(console.state.title, "why?");
}

#[test]
fn enter_on_nothing_sends_nothing() {
    let mut console = Console::ready();
    console.keys("enter").text("  ").keys("enter");
    assert!(console.sent().is_empty());
}

#[test]
fn new_lines_do_not_send() {
    let mut console = Console::ready();
    console.text("one").keys("ctrl-j").text("two").keys("alt-enter").text("three\\").keys("enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "one\ntwo\nthree\n");
}

#[test]
fn a_paste_of_many_lines_never_sends() {
    let mut console = Console::ready();
    console.send(Msg::Paste("one\ntwo\n".into()));
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "one\ntwo\n");
    console.send(Msg::Paste("x\n".repeat(212))).keys("enter");
    assert_eq!(console.sent()[0].last_user_text().lines().count(), 214);
}

#[test]
fn what_is_sent_before_the_engine_runs_goes_when_it_does() {
    let mut console = Console::starting();
    console.text("early").keys("enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.queue.len(), 1);
    console.send(Msg::EngineReady(Arc::new(snapshot())));
    assert_eq!(console.sent()[0].last_user_text(), "early");
}

#[test]
fn an_engine_that_did_not_start_keeps_the_draft() {
    let mut console = Console::starting();
    console.send(Msg::EngineFailed("no runtime".into())).text("hello").keys("enter");
    assert_eq!(console.state.composer.text(), "hello");
    assert!(console.toast().contains("no runtime"));
    assert_eq!(console.state.engine, EnginePhase::Failed("no runtime".into()));
}

#[test]
fn the_conversation_goes_with_the_next_message() {
    let mut console = Console::ready();
    console.exchange("one", "first answer").text("two").keys("enter");
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one", "first answer", "two"]);
}

#[test]
fn a_question_nobody_answered_is_joined_with_the_next() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").end(Finish::Error);
    console.text("two").keys("enter");
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one\n\ntwo"]);
}

#[test]
fn tags_and_policy_words_are_read_from_the_message() {
    let mut console = Console::ready();
    console.text("summarise #private :floor").keys("enter");
    let request = console.sent()[0];
    assert_eq!(request.tags, ["private"]);
    assert_eq!(request.policy.as_deref(), Some("cheapest"));
    assert_eq!(request.last_user_text(), "summarise #private");
}

#[test]
fn a_system_prompt_goes_with_what_is_asked() {
    let mut console = Console::ready();
    console.text("/system be brief").keys("enter").text("why?").keys("enter");
    assert_eq!(console.sent()[0].system.as_deref(), Some("be brief"));
    console.routed("mini").stream("Because.").end(Finish::Stop);
    console.text("/new").keys("enter").text("and?").keys("enter");
    assert_eq!(console.sent()[1].system, None, "it belongs to the chat it was set in");
}

#[test]
fn a_new_chat_forgets_the_old_one() {
    let mut console = Console::ready();
    let before = console.state.session;
    console.exchange("one", "a").keys("ctrl-n").text("two").keys("enter");
    assert_ne!(console.state.session, before);
    assert_eq!(console.sent()[1].messages.len(), 1);
}

#[test]
fn what_waited_when_a_new_chat_begins_is_in_its_draft() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter").keys("ctrl-n");
    assert!(console.state.queue.is_empty());
    assert_eq!(console.state.composer.text(), "two");
    assert_eq!(console.sent().len(), 1);
}

#[test]
fn every_question_says_where_it_hangs_in_the_conversation() {
    let mut console = Console::ready();
    console.exchange("one", "a").exchange("two", "b");
    let sent: Vec<crate::domain::Request> = console.sent().into_iter().cloned().collect();
    let place = |n: usize| sent[n].place.unwrap();
    assert_eq!(place(0).parent, None);
    assert_eq!(place(1).parent, Some(sent[0].answer()));
    assert_ne!(place(0).message, place(1).message);
    // The same question asked again is the same message with another answer.
    console.text("/retry").keys("enter");
    let again = (*console.sent().last().unwrap()).clone();
    assert_eq!(again.place, Some(place(1)));
    assert_ne!(again.answer(), sent[1].answer());
}
