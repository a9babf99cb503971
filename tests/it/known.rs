//! What a budget has left is the same wherever it is told: to `ask`, to `explain`, to `cache why`.

use std::process::{Command, Stdio};

use serde_json::Value;

/// A data directory, and a configuration that may change between runs.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn budget(&self, text: &str) {
        std::fs::write(self.0.path().join("c.toml"), format!("[budget]\n{text}\n")).unwrap();
    }

    /// Runs the program; its exit code, and the JSON it prints.
    fn run(&self, args: &[&str]) -> (i32, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
            .arg("--demo")
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("LANG", "C.UTF-8")
            .env("WHEELHOUSE_CONFIG", self.0.path().join("c.toml"))
            .env("WHEELHOUSE_DATA", self.0.path().join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let told = serde_json::from_str(out.trim());
        let err = String::from_utf8_lossy(&output.stderr);
        let told = told.unwrap_or_else(|_| panic!("no JSON: {out}\n{err}"));
        (output.status.code().unwrap_or(-1), told)
    }
}

/// Why a budget leaves this model out, by a decision.
fn left_out(told: &Value, model: &str) -> String {
    let candidates = told["decision"]["candidates"].as_array().unwrap();
    let candidate = candidates.iter().find(|candidate| candidate["model"] == model).unwrap();
    let reasons = candidate["filtered"].as_array().unwrap();
    let budget = reasons.iter().find(|reason| reason["code"] == "budget");
    budget.map_or_else(String::new, |reason| reason["detail"].as_str().unwrap().to_owned())
}

#[test]
fn what_would_be_decided_is_what_is_decided_on_all_that_was_spent() {
    let home = Home::new();
    home.budget("");
    let asked = ["ask", "--json", "--pin", "-m", "sim-gpt-4o", "--max-tokens", "200", "Why?"];
    let (code, first) = home.run(&asked);
    assert_eq!(code, 0, "{first}");
    // Less than the one answer cost.
    home.budget("day = { limit = 0.00001, at_limit = \"stop\" }");
    let (_, would) = home.run(&["explain", "--json", "And how?"]);
    let (_, did) = home.run(&["ask", "--json", "And how?"]);
    assert_eq!(left_out(&would, "sim-gpt-4o"), left_out(&did, "sim-gpt-4o"));
    assert!(left_out(&would, "sim-gpt-4o").starts_with("$0.00 left"), "{would}");
    assert_eq!(would["chosen"], did["model"]);
}

#[test]
fn a_command_that_only_looks_makes_no_file() {
    let home = Home::new();
    home.budget("day = { limit = 1, at_limit = \"stop\" }");
    home.run(&["explain", "--json", "Why?"]);
    home.run(&["cache", "why", "--json", "Why?"]);
    assert!(!home.0.path().join("data").join("ledger.db").exists());
}

#[test]
fn a_decision_its_words_and_what_is_held_for_it_use_one_forecast() {
    let home = Home::new();
    home.budget("session = { limit = 1, at_limit = \"stop\" }");
    let long =
        "write a function to sort in c, and say what it does with each of these. ".repeat(12);
    // What is reported of these prompts teaches the next run how large they are.
    for more in ["", "and so on"] {
        let said = format!("{long}{more}");
        let asked = ["ask", "--json", "--pin", "-m", "sim-gpt-4o", "--max-tokens", "20", &said];
        assert_eq!(home.run(&asked).0, 0);
    }
    home.budget("session = { limit = 0.00001, at_limit = \"stop\" }");
    let amount = |text: &str, before: &str| {
        let rest = text.split_once(before).unwrap_or_else(|| panic!("{before:?} in {text}")).1;
        let end = rest.find(|c: char| !(c == '$' || c == '.' || c.is_ascii_digit()));
        rest[..end.unwrap_or(rest.len())].to_owned()
    };
    for _ in 0..4 {
        let asked = ["--json", "--pin", "-m", "sim-gpt-4o", "--max-tokens", "20", long.as_str()];
        let (code, did) = home.run(&[&["ask"], &asked[..]].concat());
        let (_, would) = home.run(&[&["explain"], &asked[..]].concat());
        assert_eq!(code, 4, "{did}");
        let refused = did["error"]["message"].as_str().unwrap();
        let refused = amount(refused, "could cost up to ");
        assert_eq!(amount(&left_out(&did, "sim-gpt-4o"), "could cost "), refused, "{did}");
        assert_eq!(amount(&left_out(&would, "sim-gpt-4o"), "could cost "), refused, "{would}");
    }
}
