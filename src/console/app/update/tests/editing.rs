//! Earlier prompts, edited messages and second tries.

use super::super::fixture::Console;
use super::texts;
use crate::console::app::{Effect, Msg, Size};
use crate::domain::{CacheMode, Finish, Message, Route};

#[test]
fn up_at_the_top_brings_back_earlier_prompts_and_down_the_draft() {
    let mut console = Console::ready();
    console.exchange("first", "a").exchange("second", "b").text("begun").keys("up up");
    assert_eq!(console.state.composer.text(), "first");
    console.keys("down down");
    assert_eq!(console.state.composer.text(), "begun");
}

#[test]
fn ctrl_r_finds_an_earlier_prompt() {
    let mut console = Console::ready();
    console.exchange("about borrow", "a").exchange("about lifetimes", "b");
    console.keys("ctrl-r").text("borr").keys("enter");
    assert_eq!(console.state.composer.text(), "about borrow");
    assert!(console.state.overlay.is_none());
}

#[test]
fn retry_asks_the_last_message_again_in_place() {
    let mut console = Console::ready();
    console.exchange("one", "bad answer").text("/retry").keys("enter");
    assert_eq!(console.sent().len(), 2);
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one"], "the answer that is replaced is not sent along");
    assert_eq!(texts(&console.state), ["you: one", "reply: bad answer", "reply: "]);
    console.routed("mini").stream("good answer").end(Finish::Stop).text("two").keys("enter");
    let messages: Vec<String> = console.sent()[2].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one", "good answer", "two"]);
}

#[test]
fn retry_with_a_model_names_it() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("/retry opus").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Prefer("opus".into()));
}

#[test]
fn asking_again_asks_a_model_and_not_what_is_kept() {
    let mut console = Console::ready();
    console.exchange("one", "bad answer");
    assert_eq!(console.sent()[0].cache, CacheMode::Normal);
    console.text("/retry").keys("enter");
    assert_eq!(console.sent()[1].cache, CacheMode::Refresh);
    console.routed("mini").stream("better").end(Finish::Stop).keys("esc").wait(1_000).keys("r");
    assert_eq!(console.sent()[2].cache, CacheMode::Refresh);
    console.routed("mini").stream("good").end(Finish::Stop).text("two").keys("enter");
    assert_eq!(console.sent()[3].cache, CacheMode::Normal, "a new message is looked up as ever");
}

#[test]
fn another_model_may_give_what_is_kept_of_it_but_not_what_it_just_gave() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("/retry opus").keys("enter");
    assert_eq!(console.sent()[1].cache, CacheMode::Normal);
    console.routed("opus").stream("b").end(Finish::Stop).text("/retry opus").keys("enter");
    assert_eq!(console.sent()[2].cache, CacheMode::Refresh);
}

#[test]
fn retry_waits_for_no_running_reply() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("/retry").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert!(console.toast().contains("Esc"));
}

#[test]
fn editing_a_message_cuts_what_came_after_once_it_is_sent() {
    let mut console = Console::ready();
    console.exchange("one", "a").exchange("two", "b").keys("esc").wait(1_000);
    console.keys("K K K e");
    assert_eq!(console.state.editing, Some(0));
    assert_eq!(console.state.transcript.cells.len(), 4, "nothing is cut before it is sent");
    console.text("!").keys("enter");
    assert_eq!(texts(&console.state), ["you: one!", "reply: "]);
    let messages: Vec<String> = console.sent()[2].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one!"]);
}

#[test]
fn esc_gives_up_editing_and_cuts_nothing() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("/edit").keys("enter esc");
    assert_eq!(console.state.editing, None);
    assert!(console.state.composer.is_empty());
    assert_eq!(console.state.transcript.cells.len(), 2);
}

#[test]
fn keys_on_a_screen_too_small_to_show_them_write_and_send_nothing() {
    let mut console = Console::ready();
    console.send(Msg::Resize(Size { cols: 24, rows: 6 }));
    console.text("q").keys("enter");
    assert!(console.state.composer.is_blank() && console.sent().is_empty());
    console.keys("ctrl-l");
    let redraws = console.effects.iter().any(|effect| matches!(effect, Effect::Redraw));
    assert!(redraws, "what is broken is mended at any size");
    console.keys("ctrl-c").keys("ctrl-c");
    assert!(console.state.quitting);
}
