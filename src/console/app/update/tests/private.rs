//! A private chat: what it sends, what it does not do, and how it ends.

use std::sync::Arc;

use super::super::fixture::Console;
use super::texts;
use crate::console::app::{Effect, KeptSession, Msg, PrivateChat, Recall, Recalled};
use crate::domain::{Finish, PinScope, Privacy, SessionId};
use crate::engine::Pin;

fn private() -> Console {
    let mut console = Console::ready();
    console.text("/private on").keys("enter");
    console
}

#[test]
fn what_is_sent_in_a_private_chat_is_marked_private() {
    let mut console = private();
    assert_eq!(console.state.private, PrivateChat::Fresh);
    assert!(console.note().contains("this machine only, nothing stored"), "{}", console.note());
    console.text("a secret").keys("enter");
    assert_eq!(console.sent()[0].privacy, Privacy::Private);
    assert_eq!(console.state.private, PrivateChat::Begun);
    console.routed("qwen").stream("an answer").end(Finish::Stop);
    console.text("and more").keys("enter");
    assert_eq!(console.sent()[1].privacy, Privacy::Private);
}

#[test]
fn what_is_tried_in_a_private_chat_is_decided_as_private_too() {
    let mut console = private();
    console.text("/test a secret").keys("enter");
    let decided = console.effects.iter().rev().find_map(|effect| match effect {
        Effect::Decide { request, .. } => Some(request.privacy),
        _ => None,
    });
    assert_eq!(decided, Some(Privacy::Private));
}

#[test]
fn what_was_probably_to_stay_here_is_not_sent() {
    let mut console = Console::ready();
    console.text("#privat my pin is 4711").keys("enter");
    assert!(console.sent().is_empty());
    assert!(console.toast().contains("did you mean #private?"), "{}", console.toast());
    assert_eq!(console.state.composer.text(), "#privat my pin is 4711", "the draft stays");
    console.keys("ctrl-u").text("/use opus my pin #Privat").keys("enter");
    assert!(console.sent().is_empty() && console.toast().contains("did you mean #private?"));
    // What a rule or a pin of the user's names is meant.
    let mut snapshot = (**console.state.snapshot.as_ref().unwrap()).clone();
    snapshot.overrides.pins = vec![Pin {
        model: "opus".into(),
        scope: PinScope::Tag("privat".to_owned()),
        session: None,
        until: None,
    }];
    console.send(Msg::Snapshot(Arc::new(snapshot)));
    console.keys("ctrl-u").text("#privat my pin").keys("enter");
    assert_eq!(console.sent().len(), 1);
}

#[test]
fn a_new_chat_is_not_private() {
    let mut console = private();
    console.text("/new").keys("enter").text("hello").keys("enter");
    assert_eq!(console.state.private, PrivateChat::Off);
    assert_eq!(console.sent()[0].privacy, Privacy::Open);
}

#[test]
fn leaving_takes_nothing_that_was_said_in_private_along() {
    let mut console = Console::ready();
    console.exchange("before", "an answer");
    let session = console.state.session;
    console.text("/private on").keys("enter");
    assert!(console.note().contains("what was said before stays kept"), "{}", console.note());
    console.text("a secret").keys("enter");
    console.routed("qwen").stream("psst").end(Finish::Stop);
    console.text("/private off").keys("enter");
    assert!(console.toast().contains("nothing is kept"), "{}", console.toast());
    assert_ne!(console.state.session, session);
    let told = format!("LeavePrivate({session:?})");
    assert_eq!(console.commands().last(), Some(&told), "the log loses its words");
    let written = console.state.composer.history.newest_first().map(|draft| draft.text.as_str());
    assert!(!written.collect::<Vec<_>>().contains(&"a secret"), "nor do earlier prompts say it");
    assert!(texts(&console.state).is_empty());
    console.text("hello").keys("enter");
    let last = *console.sent().last().unwrap();
    assert_eq!((last.privacy, last.messages.len()), (Privacy::Open, 1));
}

#[test]
fn where_nothing_was_said_in_private_the_chat_goes_on() {
    let mut console = Console::ready();
    console.exchange("before", "an answer");
    let session = console.state.session;
    console.text("/private on").keys("enter").text("/private off").keys("enter");
    assert_eq!((console.state.private, console.state.session), (PrivateChat::Off, session));
    console.text("more").keys("enter");
    assert_eq!(console.sent().last().unwrap().messages.len(), 3);
}

#[test]
fn a_private_chat_is_not_copied_named_or_written_out() {
    let mut console = private();
    console.text("a secret").keys("enter");
    console.routed("qwen").stream("psst").end(Finish::Stop);
    let before = console.effects.len();
    for line in ["/fork", "/rename mine", "/export md"] {
        console.text(line).keys("enter");
        assert!(console.toast().contains("nothing of a private chat is stored"), "{line}");
        console.keys("ctrl-u");
    }
    let recalls =
        console.effects[before..].iter().any(|effect| matches!(effect, Effect::Recall(_)));
    assert!(!recalls);
}

#[test]
fn another_chat_that_is_opened_is_not_private() {
    let mut console = private();
    let id = SessionId(uuid::Uuid::from_u128(7));
    let kept = KeptSession {
        id,
        title: "older".into(),
        system: None,
        system_for: crate::domain::Audience::Anybody,
        cost: crate::domain::Cost::ZERO,
        turns: Vec::new(),
        replaced: Vec::new(),
        branches: 0,
    };
    console.send(Msg::Recalled {
        asked: Recall::Open(id),
        answer: Ok(Recalled::Session(Box::new(kept))),
    });
    assert_eq!((console.state.private, console.state.session), (PrivateChat::Off, id));
    assert!(console.commands().iter().any(|command| command.starts_with("LeavePrivate(")));
}

#[test]
fn alone_it_tells_how_the_chat_stands_and_anything_else_is_an_error() {
    let mut console = Console::ready();
    console.text("/private").keys("enter");
    assert!(console.note().starts_with("not private"), "{}", console.note());
    console.text("/private perhaps").keys("enter");
    assert!(console.toast().contains("on or off"), "{}", console.toast());
    assert_eq!(console.state.private, PrivateChat::Off);
    console.keys("ctrl-u").text("/private off").keys("enter");
    assert!(console.toast().contains("not private"));
}

#[test]
fn what_was_written_in_private_is_no_earlier_prompt_of_another_chat() {
    for leave in ["/new", "/private off"] {
        let mut console = Console::ready();
        console.exchange("in the open", "An answer.");
        console.text("/private on");
        console.state.completion = None;
        console.keys("enter").exchange("a secret", "An answer.");
        console.keys("up");
        assert_eq!(console.state.composer.text(), "a secret");
        console.keys("ctrl-u").text(leave);
        console.state.completion = None;
        console.keys("enter");
        assert_eq!(console.state.private, PrivateChat::Off, "{leave}");
        console.keys("up up up");
        assert!(!console.state.composer.text().contains("secret"), "{leave}");
    }
}
