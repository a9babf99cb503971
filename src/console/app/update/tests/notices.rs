//! What the engine says of itself: notices that can be undone, and what counts down.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::{Console, START, snapshot};
use crate::console::app::{Effect, Msg};
use crate::engine::{Countdown, Notice, NoticeLevel, Pending, Snapshot, Undo};

/// The engine moved traffic away from a model at the console's present moment.
fn shifted(console: &Console) -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.notices.push(Notice {
        at: console.now,
        level: NoticeLevel::Warn,
        text: "opus is slow: p95 4.2 s over 3 s; traffic away for 5m".to_owned(),
        undo: Some(Undo::Shift("opus".into())),
    });
    snapshot
}

fn tick_in(console: &Console) -> Option<u64> {
    console.effects.iter().rev().find_map(|effect| match effect {
        Effect::ScheduleTick(ms) => Some(*ms),
        _ => None,
    })
}

#[test]
fn undoing_what_a_notice_says_brings_the_traffic_back() {
    let mut console = Console::ready();
    console.send(Msg::Snapshot(Arc::new(shifted(&console))));
    assert!(console.state.notice().is_some());
    console.keys("ctrl-x u");
    assert_eq!(console.commands(), ["UndoShift(\"opus\")"]);
    assert!(console.state.notice().is_none(), "it is dealt with");
    console.keys("ctrl-x u");
    assert_eq!(console.commands().len(), 1, "there is nothing more to undo");
}

#[test]
fn the_newer_of_notice_and_override_is_undone() {
    let mut console = Console::ready();
    console.send(Msg::Snapshot(Arc::new(shifted(&console))));
    console.text("/avoid mini").keys("enter ctrl-x u");
    assert!(console.commands().last().unwrap().contains("Allow"), "{:?}", console.commands());
    let mut console = Console::ready();
    console.text("/avoid mini").keys("enter").wait(10);
    console.send(Msg::Snapshot(Arc::new(shifted(&console)))).keys("ctrl-x u");
    assert_eq!(console.commands().last().unwrap(), "UndoShift(\"opus\")");
}

#[test]
fn a_countdown_ticks_with_the_second_until_it_is_over_and_nothing_else_ticks() {
    let mut console = Console::ready();
    console.send(Msg::Snapshot(Arc::new(snapshot())));
    assert_eq!(tick_in(&console), None);
    let mut snapshot = snapshot();
    if let Some(provider) = snapshot.providers.values_mut().next() {
        let until = START + Duration::from_millis(2_500);
        provider.countdown = Some(Countdown { pending: Pending::Shifted, until });
    }
    console.wait(300).send(Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(tick_in(&console), Some(700));
    console.effects.clear();
    console.wait(700);
    assert_eq!(tick_in(&console), Some(1_000));
    console.effects.clear();
    console.wait(2_000);
    assert_eq!(tick_in(&console), None);
}
