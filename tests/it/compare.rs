//! `wheelhouse compare` by the real binary, over the simulated fleet.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn wheelhouse(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(args)
        .env_clear()
        .env("HOME", dir)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const SET: &str = "[[prompts]]\nname = \"hi\"\nlang = \"en\"\ntext = \"Why is the sky blue?\"\n\
                   [[prompts]]\nname = \"hi\"\nlang = \"zh\"\ntext = \"天空为什么是蓝色的？\"\n";

#[test]
fn two_models_are_held_against_each_other_by_script() {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("set.toml");
    std::fs::write(&set, SET).unwrap();
    let set = set.to_str().unwrap();
    let args = ["compare", "--demo", "--json", "--prompts", set, "sim-gpt-4o-mini", "sim-haiku"];
    let ran = wheelhouse(dir.path(), &args);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert!(words(&ran.stderr).contains("2 models, 2 prompts, once each: 4 requests, about $"));
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let rows = said["rows"].as_array().unwrap();
    let names: Vec<_> =
        rows.iter().map(|row| (row["model"].as_str(), row["script"].as_str())).collect();
    assert_eq!(
        names,
        [
            (Some("sim-gpt-4o-mini"), Some("latin")),
            (Some("sim-gpt-4o-mini"), Some("han")),
            (Some("sim-haiku"), Some("latin")),
            (Some("sim-haiku"), Some("han")),
        ]
    );
    for row in rows {
        assert_eq!((row["answered"].as_u64(), row["failed"].as_u64()), (Some(1), Some(0)), "{row}");
        let price: f64 = row["usd_per_1000_chars"].as_str().unwrap().parse().unwrap();
        assert!(price > 0.0 && row["ttft_ms"].as_u64().is_some() && row["answer_chars"] != 0);
    }
    let per_char = |row: usize| rows[row]["input_tokens_per_char"].as_f64().unwrap();
    assert!(per_char(1) > per_char(0), "Chinese has more tokens a character");
    assert_eq!(said["answers"].as_array().unwrap().len(), 4);
    assert_eq!(said["complete"], true);
    let totals = said["totals"].as_array().unwrap();
    let told: Vec<_> = totals.iter().map(|row| (&row["model"], &row["script"])).collect();
    assert_eq!(
        told,
        [(&"sim-gpt-4o-mini".into(), &"all".into()), (&"sim-haiku".into(), &"all".into())]
    );
    assert_eq!(totals[0]["answered"], 2);
}

#[test]
fn stopped_it_says_how_much_of_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut child = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(["compare", "--demo", "--data", data.to_str().unwrap(), "--json"])
        .args(["sim-gpt-4o", "sim-haiku"])
        .env_clear()
        .env("HOME", dir.path())
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains("22 requests, about $"), "{line}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    line.clear();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.starts_with("stopped: ") && line.contains(" of 22 requests are over"), "{line}");
    // What is over, what broke off and what was never asked make all of it.
    let counted: u64 = ["stopped: ", "over, ", "has, "]
        .iter()
        .filter_map(|before| line.split_once(before)?.1.split_once(' ')?.0.parse::<u64>().ok())
        .sum();
    assert!(line.trim_end().ends_with(" not asked") && counted == 22, "{line}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["complete"], false);
}

#[test]
fn nothing_is_paid_for_before_somebody_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let text = "[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\ndiscover = false\n\
                [models.one]\nprovider = \"lab\"\ncontext = 9000\nprice = { input = 1, output = 2 }\n";
    std::fs::write(&config, text).unwrap();
    let path = config.to_str().unwrap();
    let ran = wheelhouse(dir.path(), &["compare", "--config", path, "one"]);
    assert_eq!(ran.status.code(), Some(2));
    let told = words(&ran.stderr);
    assert!(told.contains("11 requests, about $0.0") && told.contains("give --yes"), "{told}");
    assert!(ran.stdout.is_empty());
    let ran = wheelhouse(dir.path(), &["compare", "--config", path, "onne"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(words(&ran.stderr).contains("did you mean one,"), "{}", words(&ran.stderr));
    // Agreed to, and nobody answers there.
    let ran = wheelhouse(dir.path(), &["compare", "--config", path, "--yes", "--csv", "one"]);
    assert_eq!(ran.status.code(), Some(3), "{}", words(&ran.stderr));
    assert!(words(&ran.stdout).starts_with("model,provider,script,"));
}
