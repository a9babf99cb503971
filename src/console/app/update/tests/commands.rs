//! Lines that begin with a slash, and the test of a route.

use std::sync::Arc;

use super::super::fixture::{Console, START, decision, input};
use crate::console::app::{Cell, DecideFor, Decided, Effect, Msg, Overlay, Recall};
use crate::domain::{Finish, RequestId, Route};

#[test]
fn testing_nothing_in_the_log_begins_a_test_and_sends_nothing() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("ctrl-x 2 t").text("prove it").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert!(
        matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.prompt == "prove it")
    );
}

#[test]
fn an_unknown_command_is_never_sent_and_the_draft_stays() {
    let mut console = Console::ready();
    console.text("/frobnicate now").keys("esc enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "/frobnicate now");
    assert!(console.toast().contains("/frobnicate"));
}

#[test]
fn two_slashes_send_one() {
    let mut console = Console::ready();
    console.text("//usr/bin is what?").keys("enter");
    assert_eq!(console.sent()[0].last_user_text(), "/usr/bin is what?");
}

#[test]
fn use_sends_one_message_or_sets_the_chip() {
    let mut console = Console::ready();
    console.text("/use opus prove it").keys("enter");
    assert_eq!(console.sent()[0].route, Route::Prefer("opus".into()));
    assert_eq!(console.sent()[0].last_user_text(), "prove it");
    console.routed("opus").end(Finish::Stop).text("/use qwe").keys("esc enter");
    assert_eq!(console.state.composer.chip, Some("qwen".into()));
}

#[test]
fn a_policy_is_named_by_its_beginning() {
    let mut console = Console::ready();
    console.text("/policy che").keys("esc enter");
    assert_eq!(console.commands(), ["Policy(\"cheapest\")"]);
    console.text("/policy b").keys("esc enter");
    assert!(console.toast().contains("balanced, best"));
}

#[test]
fn enter_takes_the_offered_argument_and_runs_the_line() {
    let mut console = Console::ready();
    console.text("/policy che").keys("enter");
    assert_eq!(console.commands(), ["Policy(\"cheapest\")"]);
    assert!(console.state.composer.is_empty());
    console.text("/pin op").keys("enter");
    assert!(console.commands()[1].contains("opus"), "{:?}", console.commands());
    console.text("/panel").keys("enter");
    assert!(console.state.composer.is_empty());
}

#[test]
fn a_command_that_takes_something_waits_for_it() {
    let mut console = Console::ready();
    console.text("/pol").keys("enter");
    assert_eq!(console.state.composer.draft().text, "/policy ");
    assert!(console.commands().is_empty());
}

#[test]
fn pins_and_vetoes_are_told_to_the_engine_with_their_time() {
    let mut console = Console::ready();
    console.text("/pin opus 1h").keys("enter").text("/avoid qwen").keys("enter");
    let commands = console.commands();
    assert!(commands[0].contains(&format!("{}", START.0 + 3_600_000)), "{commands:?}");
    assert!(commands[1].contains("until: None"), "{commands:?}");
    console.text("/avoid nobody").keys("enter");
    assert!(console.toast().contains("nobody"));
}

#[test]
fn a_theme_is_put_on_live() {
    let mut console = Console::ready();
    console.text("/theme da").keys("esc enter");
    assert!(console.effects.iter().any(|e| matches!(e, Effect::SetTheme(name) if name == "dark")));
    console.send(Msg::ThemeSet(Ok("dark".into())));
    assert_eq!(console.state.looks.theme, "dark");
}

#[test]
fn tab_completes_commands_and_their_arguments() {
    let mut console = Console::ready();
    console.text("/pol").keys("tab");
    assert_eq!(console.state.composer.text(), "/policy ");
    console.text("fas").keys("tab enter");
    assert_eq!(console.commands(), ["Policy(\"fastest\")"]);
}

#[test]
fn enter_takes_the_offer_first_and_runs_the_whole_word() {
    let mut console = Console::ready();
    console.text("/auto").keys("enter");
    assert!(console.commands()[0].starts_with("Unpin"));
}

#[test]
fn testing_shows_the_route_and_sends_nothing() {
    let mut console = Console::ready();
    console.text("a hard question").keys("ctrl-t");
    assert!(console.sent().is_empty());
    assert!(matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.decision.is_none()));
    assert!(console.effects.iter().any(
        |e| matches!(e, Effect::Decide { purpose: DecideFor::Test, request } if request.last_user_text() == "a hard question")
    ));
    assert_eq!(console.state.composer.text(), "a hard question");
}

#[test]
fn a_decision_for_the_test_card_lands_on_it() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-t");
    let decision = Arc::new(decision(RequestId(uuid::Uuid::nil()), &["mini"]));
    let input = Arc::new(input());
    console.send(Msg::Decided { purpose: DecideFor::Test, decided: Decided { decision, input } });
    assert!(matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.decision.is_some()));
}

#[test]
fn a_lone_slash_offers_every_command() {
    let mut console = Console::ready();
    console.text("/");
    let offered = console.state.completion.clone().unwrap();
    assert_eq!(offered.items.len(), crate::console::command::TABLE.len());
}

#[test]
fn why_offers_the_replies_there_are_and_nothing_it_would_refuse() {
    let mut console = Console::ready();
    console.exchange("first question", "one").exchange("second question", "two");
    console.text("/why ");
    let offered = console.state.completion.clone().unwrap();
    let texts: Vec<&str> = offered.items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(texts, ["2", "1"]);
    assert!(offered.items[1].detail.contains("mini") && offered.items[1].detail.contains("first"));
    console.keys("down enter");
    let first = console.state.transcript.cells.iter().find_map(|cell| match cell {
        Cell::Reply(reply) => Some(reply.request),
        Cell::User(_) | Cell::Note(_) => None,
    });
    // The log of this console is empty: the ledger is asked.
    let asked = |effect: &Effect| matches!(effect, Effect::Recall(Recall::Why(request)) if Some(*request) == first);
    assert!(console.effects.iter().any(asked), "{:?}", console.effects.last());
    assert!(console.state.composer.is_empty());
    console.text("/why all").keys("enter");
    assert!(console.toast().contains("/routes"), "{}", console.toast());
}
