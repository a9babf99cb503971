//! The ways a chat went: an edited message leaves the way before it readable.

use super::super::fixture::Console;
use super::kept::{id, kept};
use super::texts;
use crate::console::app::{
    Branch, Excerpt, Focus, KeptSession, Overlay, Recall, Recalled, SessionLine, Spot, View,
};
use crate::domain::{Cost, Finish, MessageId, UnixMs};

fn message(n: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(n))
}

/// A chat in a list, in which the given message was found.
fn found(chat: u128, at: MessageId) -> Recalled {
    Recalled::Sessions(vec![SessionLine {
        id: id(chat),
        title: "an old chat".to_owned(),
        updated: UnixMs(0),
        messages: 4,
        cost: Cost::ZERO,
        forked_from: None,
        hit: Some(Excerpt { text: "an answer".to_owned(), found: (3, 9), message: at }),
        interrupted: false,
    }])
}

fn searched(console: &mut Console, chat: u128, at: MessageId) {
    console.text("/search answer");
    console.state.completion = None;
    console.keys("enter");
    console.answers(Recall::Sessions { query: "answer".to_owned() }, found(chat, at));
}

#[test]
fn what_was_searched_for_is_shown_where_it_was_said() {
    let mut console = Console::ready();
    searched(&mut console, 1, message(9));
    console.keys("enter");
    let asked = Recall::OpenAt(id(1), Spot::Message(message(9)));
    assert_eq!(console.recalls().last(), Some(&asked));
    let session = KeptSession { branches: 1, ..kept(Some(Finish::Stop)) };
    console.answers(asked, Recalled::Session(Box::new(session)));
    assert_eq!((console.state.view, console.state.focus), (View::Chat, Focus::Read));
    assert_eq!(console.state.transcript.selected, Some(1), "the answer it was found in");
    assert!(console.toast().contains("another way too: /tree"), "{}", console.toast());
    // In the open chat nothing has to be opened for what is shown, and for the rest it is.
    let before = console.recalls().len();
    console.keys("esc");
    searched(&mut console, 1, message(8));
    console.keys("enter");
    assert_eq!(console.state.transcript.selected, Some(0), "the question");
    console.keys("esc");
    searched(&mut console, 1, message(77));
    console.keys("enter");
    let opened = |asked: &Recall| matches!(asked, Recall::OpenAt(..) | Recall::Open(_));
    let opened: Vec<Recall> =
        console.recalls().split_off(before).into_iter().filter(opened).collect();
    assert_eq!(opened, [Recall::OpenAt(id(1), Spot::Message(message(77)))]);
}

#[test]
fn what_is_gone_is_said_and_the_chat_is_shown_all_the_same() {
    let mut console = Console::ready();
    searched(&mut console, 1, message(77));
    console.keys("enter");
    let asked = Recall::OpenAt(id(1), Spot::Message(message(77)));
    console.answers(asked, Recalled::Session(Box::new(kept(Some(Finish::Stop)))));
    assert!(console.toast().contains("not kept any more"), "{}", console.toast());
    assert_eq!(texts(&console.state).len(), 2);
}

#[test]
fn an_edited_message_leaves_the_way_before_it_to_go_back_to() {
    let mut console = Console::ready();
    console.exchange("one", "An answer.").keys("esc e").text(" more").keys("enter");
    assert!(console.toast().contains("is kept: /tree"), "{}", console.toast());
    console.routed("mini").stream("Another.").end(Finish::Stop);
    let [session, shown] = [console.state.session.0, last_question(&console)];
    console.text("/tree").keys("esc enter");
    let asked = console.recalls().last().cloned().unwrap();
    assert_eq!(
        asked,
        Recall::Branches { id: crate::domain::SessionId(session), shown: MessageId(shown) }
    );
    let branch = |n: u128, text: &str, shown| Branch {
        end: message(n),
        at: UnixMs(0),
        messages: 2,
        text: text.to_owned(),
        shown,
    };
    let ways = vec![branch(4, "one more", true), branch(2, "one", false)];
    console.answers(asked, Recalled::Branches(ways));
    assert!(matches!(&console.state.overlay, Some(Overlay::Branches(list)) if list.selected == 0));
    console.keys("down enter");
    assert!(console.state.overlay.is_none());
    let to = Recall::OpenAt(console.state.session, Spot::Message(message(2)));
    assert_eq!(console.recalls().last(), Some(&to));
}

fn last_question(console: &Console) -> uuid::Uuid {
    let cells = console.state.transcript.cells.iter().rev();
    let last = cells.filter_map(|cell| match cell {
        crate::console::app::Cell::User(user) => Some(user.id.0),
        _ => None,
    });
    last.into_iter().next().unwrap()
}

#[test]
fn a_chat_that_went_one_way_says_so() {
    let mut console = Console::ready();
    console.text("/tree").keys("esc enter");
    assert!(console.toast().contains("nothing was said yet"), "{}", console.toast());
    console.keys("ctrl-c").exchange("one", "An answer.");
    let asked = Recall::Branches { id: console.state.session, shown: message(1) };
    console.answers(asked, Recalled::Branches(Vec::new()));
    assert!(console.toast().contains("went one way"), "{}", console.toast());
    assert!(console.state.overlay.is_none());
}
