//! Messages that wait for a running reply.

use super::super::fixture::Console;
use crate::console::app::QueuePhase;
use crate::domain::Finish;

#[test]
fn enter_while_a_reply_streams_queues_and_the_queue_goes_by_itself() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("a");
    console.text("two").keys("enter").text("three").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue.len(), 2);
    console.end(Finish::Stop);
    assert_eq!(console.sent()[1].last_user_text(), "two");
    assert_eq!(console.state.queue.len(), 1);
}

#[test]
fn a_stopped_reply_holds_the_queue_until_enter() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    console.text("two").keys("enter").keys("esc");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue_phase, QueuePhase::Held);
    console.wait(2_000).keys("enter");
    assert_eq!(console.sent()[1].last_user_text(), "two");
}

#[test]
fn a_failed_reply_holds_the_queue() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter");
    console.end(Finish::Error);
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue_phase, QueuePhase::Held);
}

#[test]
fn esc_esc_takes_the_queue_back() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter");
    console.keys("esc esc");
    assert_eq!(console.state.composer.text(), "two");
    assert!(console.state.queue.is_empty());
    assert_eq!(console.sent().len(), 1);
}

#[test]
fn an_edited_message_goes_before_what_waits_to_follow_and_that_stays_held() {
    let mut console = Console::ready();
    console.exchange("zero", "An answer.").text("one").keys("enter").routed("mini").stream("half");
    console.text("held").keys("enter").keys("ctrl-c");
    assert_eq!(console.state.queue_phase, QueuePhase::Held);
    console.wait(2_000).text("/edit").keys("enter").text(" more").keys("enter");
    let sent: Vec<String> = console.sent().iter().map(|one| one.last_user_text()).collect();
    assert_eq!(sent, ["zero", "one", "one more"]);
    console.routed("mini").stream("a").end(Finish::Stop);
    assert_eq!(console.sent().len(), 3, "it waits until it is sent by hand");
    console.keys("enter");
    let sent = console.sent().pop().unwrap();
    assert_eq!(sent.last_user_text(), "held");
    let along: Vec<String> = sent.messages.iter().map(crate::domain::Message::plain).collect();
    assert_eq!(along, ["zero", "An answer.", "one more", "a", "held"]);
}
