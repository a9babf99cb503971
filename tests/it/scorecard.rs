//! Every way a provider can fail, through the real binary against the simulated fleet: what the
//! reader gets, from whom, after how many attempts and how long. Each row is asked twice: by a reader
//! that can take text back (`ask --json`) and by a pipe.
//!
//! `cargo test --test it scorecard -- --nocapture` prints the card.

mod rows;

use std::fmt::Write as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wheelhouse::domain::Money;
use wheelhouse::sim::{self, Fault, Fleet, FleetOptions, Ports, Until};

/// Rows that are asked at once. Most of their time is spent waiting.
const AT_ONCE: usize = 6;

/// No row may take longer than this, whatever happens: beyond it something hangs.
const HANGS: Duration = Duration::from_secs(40);

/// What the reader must get.
#[derive(Debug, Clone)]
enum Wants {
    /// The whole answer.
    Whole,
    /// The whole answer, from another model than the one that failed.
    WholeElsewhere,
    /// As much as the caller's own cap allows.
    Capped,
    /// What came before a content filter stopped it, told as that; nobody else is asked.
    Filtered,
    /// A clean error of this class.
    Error(&'static str),
}

/// One line of the card.
struct Row {
    name: &'static str,
    prompt: &'static str,
    /// What goes wrong where.
    faults: Vec<(&'static str, Fault, Until)>,
    /// Arguments of `ask` beside the prompt.
    args: Vec<&'static str>,
    /// Fields of the configuration that are replaced, as text.
    config: fn(&str) -> String,
    /// The failing provider is a recording of a real server, byte for byte.
    replays: Option<&'static str>,
    wants: Wants,
    within: Duration,
    /// Attempts made on the failing model at most.
    asked: usize,
}

/// What one asking came to.
struct Got {
    code: i32,
    text: String,
    json: Option<Value>,
    took: Duration,
}

async fn fleet() -> Fleet {
    sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 }).await.unwrap()
}

async fn ask(config: &str, prompt: &str, args: &[&str]) -> Got {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command
        .arg("ask")
        .arg(prompt)
        .args(args)
        .arg("--config")
        .arg(&file)
        .arg("--data")
        .arg(home.path())
        .env_clear()
        .env("LANG", "C.UTF-8")
        .kill_on_drop(true)
        .stdin(Stdio::null());
    let started = Instant::now();
    let output: Output =
        tokio::time::timeout(HANGS, command.output()).await.expect("it hangs").unwrap();
    let took = started.elapsed();
    let text = String::from_utf8(output.stdout).unwrap();
    let json: Option<Value> =
        args.contains(&"--json").then(|| serde_json::from_str(text.trim()).unwrap());
    let text = json.as_ref().map_or(text, |json| json["text"].as_str().unwrap().to_owned());
    Got { code: output.status.code().unwrap_or(-1), text, json, took }
}

/// Answers every request with a recorded response of a real server, then closes.
async fn replay(recording: &'static str) -> std::net::SocketAddr {
    let path = format!("{}/tests/fixtures/recorded/{recording}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut asked = [0u8; 16 << 10];
                let _ = socket.read(&mut asked).await;
                let _ = socket.write_all(&bytes).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    address
}

/// The text without what a model adds to be polite, and without the pipe's last line end.
fn bare(text: &str) -> &str {
    text.trim_end_matches('\n')
}

impl Row {
    /// Asks, and says what is wrong with what came; nothing if nothing is.
    async fn run(&self, expected: &str, json: &str) -> (Got, Vec<String>) {
        let fleet = fleet().await;
        let control = fleet.control();
        for (provider, fault, until) in &self.faults {
            control.inject(provider, fault.clone(), *until).unwrap();
        }
        let mut args = self.args.clone();
        args.extend(json.split_whitespace());
        let mut config = (self.config)(&fleet.config_text());
        if let Some(recording) = self.replays {
            config = rows::elsewhere(&config, &format!("http://{}/v1", replay(recording).await));
        }
        let got = ask(&config, self.prompt, &args).await;
        let mut wrong = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let text = bare(&got.text);
        let finish = got.json.as_ref().map(|json| json["finish"].as_str().unwrap().to_owned());
        let finish_is = |wanted: &str| finish.as_deref().is_none_or(|finish| finish == wanted);
        match &self.wants {
            Wants::Whole | Wants::WholeElsewhere => {
                check(got.code == 0, format!("exit {}", got.code));
                check(finish_is("stop"), format!("finish {finish:?}"));
                check(text == bare(expected), difference(bare(expected), text));
            }
            Wants::Capped => {
                check(got.code == 0, format!("exit {}", got.code));
                check(finish_is("length"), format!("finish {finish:?}"));
                check(
                    !text.is_empty() && text.len() < expected.len() && expected.starts_with(text),
                    difference(expected, text),
                );
            }
            Wants::Filtered => {
                check(got.code == 1 || got.code == 3, format!("exit {}", got.code));
                check(finish_is("content_filter"), format!("finish {finish:?}"));
                check(
                    !text.is_empty() && text.len() < expected.len() && expected.starts_with(text),
                    difference(expected, text),
                );
                if let Some(json) = &got.json {
                    check(json["error"]["class"] == "refusal", format!("error {}", json["error"]));
                    let asked = json["attempts"].as_array().unwrap().len();
                    check(asked == 1, format!("{asked} attempts"));
                }
            }
            Wants::Error(class) => {
                check(got.code == 1 || got.code == 3, format!("exit {}", got.code));
                check(text.is_empty(), format!("text {text:?}"));
                if let Some(json) = &got.json {
                    let said = json["error"]["class"].as_str().unwrap_or_default();
                    check(said == *class, format!("error {}", json["error"]));
                }
            }
        }
        check(got.took <= self.within, format!("took {:.1?}", got.took));
        if let Some(json) = &got.json {
            let failing = self.failing();
            let attempts = json["attempts"].as_array().unwrap();
            let asked = attempts.iter().filter(|a| a["model"] == failing).count();
            check(asked <= self.asked, format!("{failing} was asked {asked} times"));
            let soon = attempts
                .iter()
                .filter(|a| a["model"] == failing && a["started_ms"].as_u64().unwrap() < 3_000);
            check(soon.count() <= 4, "more than 4 attempts in 3 s".to_owned());
            let elsewhere = json["model"] != failing;
            let must = matches!(self.wants, Wants::WholeElsewhere);
            check(!must || elsewhere, format!("answered by {}", json["model"]));
            if let Err(what) = billed(json) {
                check(false, what);
            }
        }
        (got, wrong)
    }

    fn failing(&self) -> &'static str {
        self.args.iter().skip_while(|arg| **arg != "-m").nth(1).copied().unwrap_or("")
    }
}

/// The cost is that of all attempts, and is not called exact where one was left or broke off.
fn billed(json: &Value) -> Result<(), String> {
    let money = |json: &Value| {
        let text = json["cost_usd"].as_str().ok_or("no cost")?;
        text.parse::<Money>().map_err(|_| format!("the cost is {text}"))
    };
    let attempts = json["attempts"].as_array().unwrap();
    let mut sum = Money::ZERO;
    for attempt in attempts {
        sum += money(attempt)?;
    }
    if money(json)? != sum {
        return Err(format!("{} for attempts of {sum}", json["cost_usd"]));
    }
    let unknown = attempts.iter().any(|attempt| {
        let outcome = attempt["outcome"].as_str().unwrap();
        let silent = attempt["status"].is_null() && outcome == "stall";
        let broke = attempt["status"] == 200
            && !attempt["ttft_ms"].is_null()
            && matches!(outcome, "stall" | "network" | "provider" | "cancelled");
        // Of a free model nothing is owed, however far it came.
        let free = attempt["model"] == "sim-tiny";
        (silent || broke) && !free
    });
    if unknown && json["cost_exact"] == true {
        return Err("called exact although an attempt was left or broke off".to_owned());
    }
    // A list of models that was refused first leaves nobody to ask: then there is no attempt at all.
    let answered = !json["text"].as_str().unwrap().is_empty();
    match attempts.len() {
        0 if answered => Err("an answer without an attempt".to_owned()),
        0 => Ok(()),
        _ if attempts.iter().all(|attempt| attempt["outcome"] == "ok") && sum == Money::ZERO => {
            Err("an answer for nothing".to_owned())
        }
        _ => Ok(()),
    }
}

/// Where two texts part, for people.
fn difference(expected: &str, text: &str) -> String {
    let same = expected.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let (from, to) = (text.floor_char_boundary(same.saturating_sub(30)), same + 40);
        text[from.min(text.len())..text.floor_char_boundary(to.min(text.len()))].to_owned()
    };
    format!(
        "text differs at {same} ({} for {}): {:?} for {:?}",
        text.len(),
        expected.len(),
        around(text),
        around(expected)
    )
}

fn line(row: &Row, reader: &str, got: &Got, wrong: &[String]) -> String {
    let mut line = format!("{:<44} {reader:<5} {:>6.2}s", row.name, got.took.as_secs_f64());
    if let Some(json) = &got.json {
        let kinds: Vec<String> = json["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attempt| {
                let model = attempt["model"].as_str().unwrap().trim_start_matches("sim-");
                let outcome = attempt["outcome"].as_str().unwrap_or("?");
                format!("{model}:{}:{outcome}", attempt["kind"].as_str().unwrap())
            })
            .collect();
        let _ = write!(line, "  {}", kinds.join(" > "));
    }
    for what in wrong {
        let _ = write!(line, "\n    WRONG {what}");
    }
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_in_a_whole_answer_or_a_clean_error() {
    let quiet = fleet().await;
    let config = quiet.config_text();
    let rows = rows::rows();
    let mut expected: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    for row in &rows {
        if !expected.contains_key(row.prompt) {
            let got = ask(&config, row.prompt, &["-m", "sim-gpt-4o", "--pin"]).await;
            assert_eq!(got.code, 0, "{}", row.prompt);
            expected.insert(row.prompt, got.text);
        }
    }
    let gate = tokio::sync::Semaphore::new(AT_ONCE);
    let one = |row: &'static Row, json: &'static str| {
        let (gate, expected) = (&gate, &expected[row.prompt]);
        async move {
            let _turn = gate.acquire().await.unwrap();
            let (got, wrong) = row.run(expected, json).await;
            (line(row, if json.is_empty() { "pipe" } else { "json" }, &got, &wrong), wrong.len())
        }
    };
    let rows: &'static [Row] = Vec::leak(rows);
    let runs = rows.iter().flat_map(|row| [one(row, "--json"), one(row, "")]);
    let card = futures_util::future::join_all(runs).await;
    let lines: Vec<&str> = card.iter().map(|(line, _)| line.as_str()).collect();
    println!("{}", lines.join("\n"));
    let wrong = card.iter().filter(|(_, wrong)| *wrong > 0).count();
    println!("{} of {} passed", card.len() - wrong, card.len());
    assert_eq!(wrong, 0, "\n{}", lines.join("\n"));
}
