//! The palette, help, and keys that come in twos.

use super::super::fixture::Console;
use crate::console::app::{Overlay, View};

#[test]
fn the_palette_runs_actions_and_begins_commands() {
    let mut console = Console::ready();
    console.keys("ctrl-p").text("policy fast").keys("enter");
    assert_eq!(console.commands(), ["Policy(\"fastest\")"]);
    console.keys("ctrl-p").text("/pin").keys("enter");
    assert_eq!(console.state.composer.text(), "/pin ");
    console.keys("ctrl-c ctrl-p").text("routes open log").keys("enter");
    assert_eq!(console.state.view, View::Routes);
}

#[test]
fn help_is_for_the_pane_and_its_lines_run() {
    let mut console = Console::ready();
    console.text("?");
    let Some(Overlay::Help(help)) = &console.state.overlay else { panic!("no help") };
    assert!(help.title.contains("composer"));
    assert!(help.items.iter().any(|item| item.keys.contains("^O")));
    console.text("/override").keys("enter");
    assert!(matches!(console.state.overlay, Some(Overlay::Picker(_))));
}

#[test]
fn a_question_mark_is_text_once_something_is_typed() {
    let mut console = Console::ready();
    console.text("why?");
    assert_eq!(console.state.composer.text(), "why?");
}

#[test]
fn a_first_key_that_leads_nowhere_does_nothing() {
    let mut console = Console::ready();
    console.keys("ctrl-x").text("€");
    assert!(console.state.composer.is_empty());
    console.text("a");
    assert_eq!(console.state.composer.text(), "a");
}
