//! Chips, the picker and pins: the user instead of the router.

use std::sync::Arc;

use super::super::fixture::{Console, snapshot};
use crate::console::app::{Msg, Overlay};
use crate::domain::{Finish, Route};
use crate::engine::Veto;

#[test]
fn an_accepted_offer_becomes_a_chip_and_text_alone_never_does() {
    let mut console = Console::ready();
    console.text("ask @op");
    assert!(console.state.completion.is_some());
    console.keys("tab");
    assert_eq!(console.state.composer.chip, Some("opus".into()));
    assert_eq!(console.state.composer.text(), "ask ");
    console.text("it").keys("enter");
    assert_eq!(console.sent()[0].route, Route::Prefer("opus".into()));
    assert_eq!(console.state.composer.chip, None, "for one message only");
    console.routed("opus").end(Finish::Stop).text("mail me@opus please @opus x").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Auto);
}

#[test]
fn a_whole_name_that_begins_the_message_is_taken_by_the_space_behind_it() {
    let mut console = Console::ready();
    console.text("@opus hard one");
    assert_eq!(console.state.composer.chip, Some("opus".into()));
    assert_eq!(console.state.composer.text(), "hard one");
    let mut console = Console::ready();
    console.text("#work (#Private) @opus hard one");
    assert_eq!(console.state.composer.chip, Some("opus".into()), "behind tags too");
    assert_eq!(console.state.composer.text(), "#work (#Private) hard one");
    let mut console = Console::ready();
    console.text("hard #work @opus one");
    assert_eq!(console.state.composer.chip, None, "it does not begin there");
    let mut console = Console::ready();
    console.text("@opu hard one");
    assert_eq!(console.state.composer.chip, None, "the name is not whole");
    let mut console = Console::ready();
    console.send(Msg::Paste("@opus hard one".to_owned()));
    assert_eq!(console.state.composer.chip, None, "a paste names nobody");
}

#[test]
fn the_picker_names_a_model_for_this_message() {
    let mut console = Console::ready();
    console.text("hard one").keys("ctrl-o").text("opu").keys("enter");
    assert_eq!(console.state.composer.chip, Some("opus".into()));
    assert_eq!(console.state.composer.text(), "hard one");
    assert!(console.commands().is_empty());
}

#[test]
fn the_picker_filters_by_price_and_place() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-o").text("free local");
    let Some(Overlay::Picker(picker)) = &console.state.overlay else { panic!("no picker") };
    assert_eq!(picker.hits.len(), 1);
    console.keys("ctrl-u").text("<$1");
    let Some(Overlay::Picker(picker)) = &console.state.overlay else { panic!("no picker") };
    assert_eq!(picker.hits.len(), 2);
}

#[test]
fn the_pickers_scopes_pin_for_longer() {
    for (tabs, expected) in [(1, "Session"), (2, "until: Some"), (3, "scope: All")] {
        let mut console = Console::ready();
        console.text("x").keys("ctrl-o").text("opus");
        for _ in 0..tabs {
            console.keys("tab");
        }
        console.keys("enter");
        let commands = console.commands();
        assert!(commands[0].contains(expected), "{commands:?}");
        assert_eq!(console.state.composer.chip, None);
    }
}

#[test]
fn with_an_empty_draft_the_picker_sends_the_last_prompt_again() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("ctrl-o").text("opus").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Prefer("opus".into()));
    assert_eq!(console.sent()[1].last_user_text(), "one");
}

#[test]
fn back_to_auto_takes_the_chip_and_the_pins() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-o").text("opus").keys("enter ctrl-x a");
    assert_eq!(console.state.composer.chip, None);
    assert!(console.commands()[0].starts_with("Unpin"));
}

#[test]
fn f2_cycles_through_models_used_lately_and_auto() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("f2");
    assert_eq!(console.state.composer.chip, Some("mini".into()));
    console.keys("f2");
    assert_eq!(console.state.composer.chip, None);
}

#[test]
fn the_last_override_can_be_taken_back() {
    let mut console = Console::ready();
    console.text("/avoid anthropic 1h").keys("enter ctrl-x u");
    let commands = console.commands();
    assert!(
        commands[0].starts_with("Avoid") && commands[1] == "Allow(\"anthropic\")",
        "{commands:?}"
    );
}

#[test]
fn avoiding_nothing_tells_what_is_avoided() {
    let mut console = Console::ready();
    console.text("/avoid ").keys("esc enter");
    assert!(console.toast().starts_with("nothing is avoided"), "{}", console.toast());
    let mut snapshot = (**console.state.snapshot.as_ref().unwrap()).clone();
    let until = console.state.now + std::time::Duration::from_mins(9);
    snapshot.overrides.vetoes = vec![
        Veto { name: "mini".to_owned(), until: None },
        Veto { name: "anthropic".to_owned(), until: Some(until) },
    ];
    console.send(Msg::Snapshot(Arc::new(snapshot)));
    console.text("/avoid ").keys("esc enter");
    assert_eq!(console.toast(), "avoiding mini, anthropic for 9m; /allow NAME uses it again");
}

#[test]
fn a_policy_for_one_message_is_offered_where_it_would_count() {
    let mut console = Console::ready();
    console.text("why? :");
    let offered = console.state.completion.clone().unwrap();
    let offers: Vec<(&str, &str)> =
        offered.items.iter().map(|item| (item.text.as_str(), item.detail.as_str())).collect();
    assert_eq!(offers, [(":floor", "cheapest"), (":nitro", "fastest")]);
    console.keys("down enter");
    assert_eq!(console.state.composer.text(), "why? :nitro ");
    console.keys("enter");
    assert_eq!(console.sent()[0].policy.as_deref(), Some("fastest"));
    console.routed("mini").end(Finish::Stop);
    console.text(":fl").keys("tab").text("and now?").keys("enter");
    assert_eq!(console.sent()[1].policy.as_deref(), Some("cheapest"));
    console.routed("mini").end(Finish::Stop);
    console.text("a whole :floor").keys("enter");
    assert_eq!(console.sent()[2].policy.as_deref(), Some("cheapest"), "a whole word is no offer");
}

#[test]
fn no_policy_is_offered_inside_a_message_or_a_word() {
    let mut console = Console::ready();
    console.text("this:");
    assert!(console.state.completion.is_none());
    console.keys("ctrl-c").text("one two").keys("left left left").text(":");
    assert!(console.state.completion.is_none());
    console.keys("ctrl-c").text("a smile :)");
    assert!(console.state.completion.is_none());
}

#[test]
fn pinning_a_model_that_is_avoided_takes_the_veto_back() {
    let mut console = Console::ready();
    let mut snapshot = snapshot();
    snapshot.overrides.vetoes = vec![crate::engine::Veto { name: "mini".to_owned(), until: None }];
    console.send(Msg::Snapshot(std::sync::Arc::new(snapshot)));
    console.text("/pin mini").keys("enter");
    let commands = console.commands();
    assert!(commands.iter().any(|command| command.contains("Allow(\"mini\")")), "{commands:?}");
    assert!(console.toast().contains("no longer avoided"), "{}", console.toast());
}
