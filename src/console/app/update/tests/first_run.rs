//! The first screen.

use super::super::fixture::Console;
use crate::console::app::{
    Detection, Effect, FoundKey, FoundProvider, FoundServer, Msg, Stage, StartPlan,
};

fn found() -> Detection {
    Detection {
        servers: vec![FoundServer {
            name: "local".into(),
            label: "Ollama".into(),
            address: "127.0.0.1:11434".into(),
            models: 3,
        }],
        providers: ["openai", "anthropic"]
            .into_iter()
            .map(|name| FoundProvider {
                name: name.into(),
                label: name.into(),
                variable: format!("{}_API_KEY", name.to_uppercase()),
                key: if name == "openai" {
                    FoundKey::Present { variable: "OPENAI_API_KEY".into() }
                } else {
                    FoundKey::Missing
                },
            })
            .collect(),
    }
}

fn started(console: &Console) -> Option<StartPlan> {
    console.effects.iter().find_map(|effect| match effect {
        Effect::Start(plan) => Some(*plan),
        _ => None,
    })
}

#[test]
fn one_keypress_starts_with_what_was_found_and_writes_nothing() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::Found));
    assert_eq!(console.state.stage, Stage::Main);
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::WriteConfig(_))));
}

#[test]
fn esc_always_leads_to_a_working_demo() {
    let mut console = Console::first_run();
    console.keys("esc");
    assert_eq!(started(&console), Some(StartPlan::Demo));
    assert!(console.state.looks.simulated);
}

#[test]
fn with_nothing_found_enter_is_the_demo() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(Detection::default())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::Demo));
}

#[test]
fn the_file_is_shown_before_it_is_written() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("w");
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::WriteConfig(_))));
    console.keys("v w");
    let written = console.effects.iter().find_map(|effect| match effect {
        Effect::WriteConfig(text) => Some(text.as_str()),
        _ => None,
    });
    assert!(written.unwrap().contains("env:OPENAI_API_KEY"));
    console.send(Msg::ConfigWritten(Err("config.toml is there already".into())));
    assert_eq!(
        console.state.first_run().unwrap().problem.as_deref(),
        Some("config.toml is there already")
    );
}

#[test]
fn a_key_pasted_for_this_run_is_kept_in_memory_and_nowhere_else() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("down down enter enter");
    console.send(Msg::Paste("sk-secret\n".into())).keys("enter");
    let kept = console.effects.iter().any(
        |effect| matches!(effect, Effect::KeepKey { variable, .. } if variable == "ANTHROPIC_API_KEY"),
    );
    assert!(kept);
    assert!(!format!("{:?}{:?}", console.effects, console.state).contains("sk-secret"));
    let first = console.state.first_run().unwrap();
    assert_eq!(first.names(), "local, openai and anthropic");
}

#[test]
fn looking_again_does_not_move_what_is_chosen() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("down").send(Msg::Detected(found())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::LocalOnly));
}

#[test]
fn the_budget_is_typed_in_its_field() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("tab ctrl-u").text("5.50").keys("tab v w");
    let written = console.effects.iter().find_map(|effect| match effect {
        Effect::WriteConfig(text) => Some(text.clone()),
        _ => None,
    });
    assert!(written.unwrap().contains("limit = 5.50"));
}
