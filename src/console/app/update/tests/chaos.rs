//! Faults and drills from the command line of the console.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixture::{Console, START};
use crate::console::app::{Effect, FaultBoard, FaultKind, FaultShown, Msg};
use crate::engine::{Drill, DrillKind};

fn board(in_force: Vec<FaultShown>) -> Msg {
    Msg::Faults(Arc::new(FaultBoard {
        places: vec!["sim-qwen".to_owned()],
        kinds: vec![FaultKind { word: "cut".to_owned(), doc: "breaks".to_owned() }],
        in_force,
    }))
}

fn orders(console: &Console) -> Vec<String> {
    let order = |effect: &Effect| match effect {
        Effect::Fault(order) => Some(order.clone()),
        _ => None,
    };
    console.effects.iter().filter_map(order).collect()
}

#[test]
fn faults_are_for_the_simulated_fleet_only() {
    let mut console = Console::ready();
    console.text("/fault qwen cut").keys("esc enter");
    assert!(console.toast().contains("--demo"));
    assert!(orders(&console).is_empty());
}

#[test]
fn an_order_goes_to_the_fleet_as_it_was_typed_and_its_answer_is_told() {
    let mut console = Console::ready();
    console.send(board(Vec::new()));
    console.text("/fault qwen cut 40 for 60s").keys("esc enter");
    assert_eq!(orders(&console), ["qwen cut 40 for 60s"]);
    let order = "qwen cut 40 for 60s".to_owned();
    let result = Ok("sim-qwen cut 40 for 1m".to_owned());
    console.send(Msg::Struck { order: order.clone(), result });
    assert!(console.toast().contains("sim-qwen cut 40"));
    console.send(Msg::Struck { order, result: Err("no such provider".to_owned()) });
    assert_eq!(console.toast(), "no such provider");
    assert_eq!(console.state.composer.text(), "/fault qwen cut 40 for 60s");
}

#[test]
fn what_is_in_force_is_listed_and_ticks_while_it_lasts() {
    let mut console = Console::ready();
    let until = Some(START + Duration::from_secs(90));
    let fault =
        FaultShown { place: "sim-qwen".to_owned(), words: "503".to_owned(), times: None, until };
    console.send(board(vec![fault]));
    let ticks = |effect: &Effect| matches!(effect, Effect::ScheduleTick(_));
    assert!(console.effects.iter().any(ticks));
    console.text("/fault").keys("esc enter");
    assert!(console.note().contains("sim-qwen 503, 2m more"), "{}", console.note());
}

#[test]
fn places_and_kinds_are_offered() {
    let mut console = Console::ready();
    console.send(board(Vec::new()));
    console.text("/fault q");
    let offered = |console: &Console| {
        let items = console.state.completion.as_ref().map(|c| c.items.clone()).unwrap_or_default();
        items.into_iter().map(|item| item.text).collect::<Vec<_>>()
    };
    assert_eq!(offered(&console), ["sim-qwen"]);
    console.keys("enter");
    assert!(orders(&console).is_empty(), "a place alone is no order");
    assert_eq!(console.state.composer.text(), "/fault sim-qwen ");
    console.text("c");
    assert_eq!(offered(&console), ["cut"]);
}

#[test]
fn a_drill_is_read_with_its_kind_and_span_and_can_be_undone() {
    let mut console = Console::ready();
    for (line, kind, secs) in [
        ("/drill openai down 10m", DrillKind::Down, 600),
        ("/drill openai slow 4s 5m", DrillKind::Slow(Duration::from_secs(4)), 300),
        ("/drill openai slow 2s", DrillKind::Slow(Duration::from_secs(2)), 600),
        ("/drill mini limit for 2m", DrillKind::Limit, 120),
        ("/drill mini cut", DrillKind::Cut, 600),
    ] {
        console.text(line).keys("esc enter");
        let name = if line.contains("mini") { "mini" } else { "openai" }.to_owned();
        let until = console.state.now + Duration::from_secs(secs);
        let wanted = format!("Drill({:?})", Drill { name: name.clone(), kind, until });
        assert_eq!(console.commands().last(), Some(&wanted), "{line}");
        assert_eq!(format!("{:?}", console.state.undo), format!("[EndDrill(Some({name:?}))]"));
    }
}

#[test]
fn a_drill_that_makes_no_sense_is_told() {
    let mut console = Console::ready();
    for (line, word) in [
        ("/drill pluto down", "no model or provider"),
        ("/drill oponai down", "did you mean openai?"),
        ("/drill openai", "down, slow 4s, limit or cut"),
        ("/drill openai sideways", "down, slow 4s, limit or cut"),
        ("/drill openai down soon", "expected a span"),
        ("/drill off", "no drill is on"),
    ] {
        console.text(line).keys("esc enter");
        assert!(console.toast().contains(word), "{line}: {}", console.toast());
        console.keys("ctrl-c");
    }
    assert!(console.commands().is_empty());
}
