//! The configuration file changes while the console is open.

use std::sync::Arc;

use super::super::fixture::{Console, snapshot};
use crate::config::{Config, ConsoleSettings};
use crate::console::app::{Cell, Effect, Mouse, Msg};

/// What the engine publishes once the file says this of the console.
fn published(console: &mut Console, settings: ConsoleSettings) {
    let mut snapshot = snapshot();
    let config = Config { console: settings, ..(*snapshot.config).clone() };
    snapshot.config = Arc::new(config);
    console.send(Msg::Snapshot(Arc::new(snapshot)));
}

fn themes(console: &Console) -> Vec<&str> {
    let mut names = Vec::new();
    for effect in &console.effects {
        if let Effect::SetTheme(name) = effect {
            names.push(name.as_str());
        }
    }
    names
}

#[test]
fn a_new_theme_mouse_and_key_hold_at_once() {
    let mut console = Console::ready();
    let mut settings = console.state.snapshot.as_ref().unwrap().config.console.clone();
    settings.theme = "dark".to_owned();
    settings.mouse = "wheel".to_owned();
    settings.send = "alt-enter".to_owned();
    published(&mut console, settings);
    assert_eq!(themes(&console), ["dark"]);
    assert_eq!(console.state.looks.mouse, Mouse::Wheel);
    console.text("hello").keys("enter");
    assert!(console.state.transcript.cells.is_empty(), "Enter is a new line now");
    console.keys("alt-enter");
    assert!(matches!(console.state.transcript.cells[0], Cell::User(_)));
}

#[test]
fn what_was_chosen_by_hand_stays_while_the_file_says_nothing_new_of_it() {
    let mut console = Console::ready();
    console.send(Msg::ThemeSet(Ok("light".into())));
    let mut settings = console.state.snapshot.as_ref().unwrap().config.console.clone();
    settings.mouse = "full".to_owned();
    published(&mut console, settings);
    assert!(themes(&console).is_empty());
    assert_eq!(console.state.looks.theme, "light");
}

#[test]
fn keys_that_clash_are_told_and_the_old_ones_work() {
    let mut console = Console::ready();
    let mut settings = console.state.snapshot.as_ref().unwrap().config.console.clone();
    settings.keys.insert("composer.no_such_action".to_owned(), vec!["f9".to_owned()]);
    published(&mut console, settings);
    assert!(matches!(&console.state.transcript.cells[0], Cell::Note(note)
        if note.text.starts_with("the keys stay as they were: ")));
    console.text("hello").keys("enter");
    assert!(matches!(console.state.transcript.cells[1], Cell::User(_)));
}
