//! What of a chat goes along with the next message, and what does not.

use super::super::fixture::Console;
use crate::console::app::{Msg, PrivateChat, Recall, Recalled};
use crate::domain::{Audience, ErrorReport, Finish, Heard, Message, OutcomeClass, ReplyEvent};

use super::kept::kept;

fn sent(console: &Console) -> Vec<String> {
    console.sent().last().unwrap().messages.iter().map(Message::plain).collect()
}

/// Ends the running reply before anybody was asked, as a budget that stops does.
fn refused(console: &mut Console) {
    let mut ended = Console::ready();
    ended.text("x").keys("enter").routed("mini").end(Finish::Error);
    let (_, reply) = ended.state.last_reply().unwrap();
    let mut outcome = reply.reply.outcome.clone().unwrap();
    let words = "the day's budget does not allow it";
    outcome.error = Some(ErrorReport::new(OutcomeClass::Account, "over_budget", words));
    console.events(vec![ReplyEvent::End(Box::new(outcome))]);
}

#[test]
fn a_private_turn_goes_along_only_with_a_private_message_and_that_is_said() {
    let mut console = Console::ready();
    console.exchange("one", "a").exchange("the code is 4711 #private", "noted");
    console.exchange("two", "b");
    assert_eq!(sent(&console), ["one", "a", "two"]);
    assert!(console.note().contains("1 private message and its answer are not sent along"));
    let second = console.sent()[1].answer();
    assert_eq!(console.sent()[2].place.unwrap().parent, Some(second), "it stays in the chat");
    console.exchange("what was it? #private", "4711");
    let whole = ["one", "a", "the code is 4711 #private", "noted", "two", "b"];
    assert_eq!(sent(&console)[..6], whole);
}

#[test]
fn what_is_tried_is_decided_without_what_would_not_go_along() {
    let mut console = Console::ready();
    console.exchange("the code is 4711 #private", "noted").text("/test hello").keys("enter");
    let decided = console.effects.iter().rev().find_map(|effect| match effect {
        crate::console::app::Effect::Decide { request, .. } => Some(request.messages.len()),
        _ => None,
    });
    assert_eq!(decided, Some(1));
}

#[test]
fn a_question_nobody_was_asked_is_no_part_of_the_next_request() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("refused").keys("enter");
    refused(&mut console);
    console.text("two").keys("enter");
    assert_eq!(sent(&console), ["one", "a", "two"]);
    let sent = console.sent();
    assert_eq!(sent[2].place.unwrap().parent, Some(sent[0].answer()));
}

#[test]
fn a_chat_that_is_opened_again_knows_what_was_private_and_what_nobody_heard() {
    let mut console = Console::ready();
    let mut session = kept(Some(Finish::Stop));
    // Marked beside the text, as `ask --tag private` does.
    let mut secret = session.turns[0].clone();
    secret.tags = vec!["private".to_owned()];
    let unheard = |heard| {
        let turn = session.turns[0].clone();
        crate::console::app::KeptTurn { heard, answers: Vec::new(), ..turn }
    };
    let more = [secret, unheard(Heard::Never), unheard(Heard::Running)];
    session.turns.extend(more);
    let asked = Recall::Open(session.id);
    let answer = Ok(Recalled::Session(Box::new(session)));
    console.send(Msg::Recalled { asked, answer });
    assert!(console.note().contains("another program is answering here"), "{}", console.note());
    console.text("two").keys("enter");
    let messages = sent(&console);
    assert_eq!((messages.len(), messages[2].as_str()), (3, "two"), "{messages:?}");
}

#[test]
fn a_private_message_that_is_edited_is_private_still() {
    let mut console = Console::ready();
    let mut session = kept(Some(Finish::Stop));
    session.turns[0].tags = vec!["private".to_owned()];
    let asked = Recall::Open(session.id);
    console.send(Msg::Recalled { asked, answer: Ok(Recalled::Session(Box::new(session))) });
    console.text("/edit").keys("enter").keys("enter");
    assert_eq!(console.sent().last().unwrap().tags, ["private"]);
}

#[test]
fn instructions_given_in_private_go_along_only_with_what_is_private_and_that_is_said() {
    let mut console = Console::ready();
    let mut session = kept(Some(Finish::Stop));
    (session.system, session.system_for) = (Some("be brief".to_owned()), Audience::Here);
    let asked = Recall::Open(session.id);
    console.send(Msg::Recalled { asked, answer: Ok(Recalled::Session(Box::new(session))) });
    assert!(
        console.note().contains("the system prompt was given in private"),
        "{}",
        console.note()
    );
    console.exchange("two", "b");
    assert_eq!(console.sent().last().unwrap().system, None);
    console.exchange("three #private", "c");
    assert_eq!(console.sent().last().unwrap().system.as_deref(), Some("be brief"));
    console.text("/system be long").keys("enter").exchange("four", "d");
    assert_eq!(console.sent().last().unwrap().system.as_deref(), Some("be long"));
}

#[test]
fn instructions_written_in_a_private_chat_stay_private_when_it_is_not_any_more() {
    let mut console = Console::ready();
    console.text("/private on").keys("enter");
    console.text("/system my code is 4711").keys("enter");
    console.text("/private off").keys("enter");
    let told = console.note();
    assert!(told.contains("the system prompt goes along only with #private"), "{told}");
    console.exchange("one", "a");
    assert_eq!(console.sent().last().unwrap().system, None);
    console.text("/private on").keys("enter").exchange("two", "b");
    assert_eq!(console.sent().last().unwrap().system.as_deref(), Some("my code is 4711"));
}

#[test]
fn a_draft_that_was_begun_in_private_is_sent_in_private_wherever_it_is_sent() {
    let mut console = Console::ready();
    console.text("/private on").keys("enter").exchange("one", "a");
    console.text("my code is 4711").keys("ctrl-n");
    assert_eq!(console.state.private, PrivateChat::Off);
    assert!(console.toast().contains("begun in private"));
    console.keys("enter");
    let request = console.sent().pop().unwrap();
    assert_eq!(request.audience(), Audience::Here);
    assert_eq!(request.last_user_text(), "#private my code is 4711");
}

#[test]
fn what_was_cut_or_could_be_undone_in_private_does_not_come_back() {
    for back in ["ctrl-y", "ctrl-_"] {
        let mut console = Console::ready();
        console.text("/private on").keys("enter").exchange("one", "a");
        console.text("my code is 4711").keys("ctrl-u ctrl-n").keys(back);
        assert_eq!(console.state.composer.text(), "", "{back}");
    }
}

#[test]
fn instructions_first_given_with_something_private_stay_with_what_is_private() {
    let mut console = Console::ready();
    console.text("/system my rules").keys("enter").exchange("one #private", "a");
    assert_eq!(console.sent().last().unwrap().system.as_deref(), Some("my rules"));
    assert!(console.note().contains("the system prompt was given in private"));
    console.exchange("two", "b");
    assert_eq!(console.sent().last().unwrap().system, None);
    let mut console = Console::ready();
    console.text("/system #private my rules").keys("enter").exchange("one", "a");
    assert_eq!(console.sent().last().unwrap().system, None);
    // Those that others have seen go along with everything.
    let mut console = Console::ready();
    console.text("/system my rules").keys("enter").exchange("one", "a").exchange("#private b", "b");
    console.exchange("three", "c");
    assert_eq!(console.sent().last().unwrap().system.as_deref(), Some("my rules"));
}

#[test]
fn a_space_before_a_command_makes_it_no_message() {
    let mut console = Console::ready();
    console.text(" /private on").keys("enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.private, PrivateChat::Fresh);
}
