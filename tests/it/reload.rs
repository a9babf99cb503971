//! The configuration changes under a running program: over the simulated fleet, and by the real
//! binary's own hand.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use wheelhouse::domain::{Finish, ReplyEvent};
use wheelhouse::engine::{self, Options};

use crate::rig::{PROMPT, Rig, finish, only, to};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_reply_ends_on_the_configuration_it_began_with() {
    let rig = Rig::paced(0.2, Options::default(), |_| {}).await;
    let mut stream = rig.engine.ask(only("sim-gpt-4o", PROMPT));
    let mut reply = wheelhouse::domain::Reply::default();
    loop {
        let event = stream.next().await.expect("it ended");
        reply.fold(&event);
        if matches!(event, ReplyEvent::Text(_)) {
            break;
        }
    }
    let mut config = (*rig.engine.snapshot().config).clone();
    config.models.remove("sim-gpt-4o");
    config.providers.remove("sim-openai");
    config.models.retain(|_, model| model.provider.as_str() != "sim-openai");
    rig.engine.send(engine::Command::Reconfigure(Arc::new(config)));
    rig.until(|snapshot| !snapshot.config.models.contains_key("sim-gpt-4o")).await;
    while let Some(event) = stream.next().await {
        reply.fold(&event);
    }
    assert_eq!(finish(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert!(!reply.text.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_measured_outlives_a_change() {
    let rig = Rig::new().await;
    let (reply, ..) = rig.ask(to("sim-gpt-4o", PROMPT)).await;
    assert_eq!(finish(&reply), Finish::Stop);
    let samples = |snapshot: &engine::Snapshot| snapshot.models["sim-gpt-4o"].health.samples;
    rig.until(|snapshot| samples(snapshot) > 0).await;
    let mut config = (*rig.engine.snapshot().config).clone();
    config.routing.policy = "fastest".to_owned();
    rig.engine.send(engine::Command::Reconfigure(Arc::new(config)));
    let snapshot = rig.until(|snapshot| snapshot.policy == "fastest").await;
    assert!(samples(&snapshot) > 0);
    assert!(snapshot.models["sim-gpt-4o"].spend.calls > 0 && !snapshot.log.is_empty());
}

fn wheelhouse(config: &Path, args: &[&str]) -> Output {
    let dir = config.parent().unwrap();
    Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(args)
        .env_clear()
        .env("HOME", dir)
        .env("WHEELHOUSE_DATA", dir.join("data"))
        .env("WHEELHOUSE_CONFIG", config)
        .output()
        .unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_setting_is_changed_by_command_and_comments_stay() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let text = "# mine\n[routing] # how\npolicy = \"balanced\" # for now\n";
    std::fs::write(&config, text).unwrap();
    let ran = wheelhouse(&config, &["config", "set", "routing.policy", "fastest"]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert!(words(&ran.stdout).starts_with("routing.policy = \"fastest\""));
    let now = || std::fs::read_to_string(&config).unwrap();
    assert_eq!(now(), text.replace("balanced", "fastest"));
    let ran = wheelhouse(&config, &["config", "unset", "routing.policy"]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert_eq!(now(), "# mine\n[routing] # how\n");
    assert!(words(&ran.stdout).contains("shipped/defaults.toml"), "{}", words(&ran.stdout));
}

#[test]
fn a_change_that_would_be_wrong_is_not_written_and_a_key_never() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "# mine\n").unwrap();
    let ran = wheelhouse(&config, &["config", "set", "routing.polcy", "fastest"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(words(&ran.stderr).contains("did you mean `policy`?"), "{}", words(&ran.stderr));
    // A line of a text that was not written is no place to look at.
    assert!(words(&ran.stderr).contains("\n  routing.polcy: "), "{}", words(&ran.stderr));
    assert!(!words(&ran.stderr).contains("config.toml:"), "{}", words(&ran.stderr));
    let secret = "sk-this-must-never-show-0123456789";
    let ran = wheelhouse(&config, &["config", "set", "providers.deepseek.api_key", secret]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(words(&ran.stderr).contains("never written in files"), "{}", words(&ran.stderr));
    assert!(!words(&ran.stderr).contains(secret));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# mine\n");
}

#[test]
fn a_file_with_two_mistakes_is_mended_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let text = "[budget]\nday = { limit = \"two\" }\nmonht = { limit = 3 }\n";
    std::fs::write(&config, text).unwrap();
    let ran = wheelhouse(&config, &["config", "set", "budget.day.limit", "three"]);
    assert_eq!(ran.status.code(), Some(2), "{}", words(&ran.stderr));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), text);
    let ran = wheelhouse(&config, &["config", "set", "budget.day.limit", "2"]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert!(words(&ran.stderr).contains("still wrong"), "{}", words(&ran.stderr));
    let ran = wheelhouse(&config, &["config", "unset", "budget.monht"]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("limit = 2") && !text.contains("monht"), "{text}");
}

#[test]
fn the_first_setting_makes_the_file_with_its_comments() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let args = ["config", "set", "console.theme", "dark"];
    let ran = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(args)
        .env_clear()
        .env("HOME", dir.path())
        .env("WHEELHOUSE_CONFIG", &config)
        .env("WHEELHOUSE__CONSOLE__THEME", "light")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.starts_with('#') && text.contains("theme = \"dark\""), "{text}");
    assert!(words(&ran.stderr).contains("holds over the file"), "{}", words(&ran.stderr));
}
