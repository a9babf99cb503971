//! The real binary against servers nobody here wrote: llama.cpp's HTTP server with real models, and
//! redis-server.
//!
//! `tests/real/install.sh` puts them where this file looks: `$WHEELHOUSE_LLAMA`, or `target/llama`.
//! Where they are not installed, each test shows as ignored with the reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

#[path = "real/card.rs"]
mod card;
#[path = "real/chaos.rs"]
mod chaos;
#[path = "real/redis.rs"]
mod redis;
#[path = "real/serve.rs"]
mod serve;
#[path = "real/steer.rs"]
mod steer;
#[path = "real/tamper.rs"]
mod tamper;

use chaos::{Proxy, Toxic, Weather};
use serve::{KEY, Server};

const WRONG_KEY: &str = "sk-not-the-key-at-all";

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let python = serve::python();
    type Test = fn(&Path) -> Result<(), Failed>;
    let tests: &[(&str, Test)] = &[
        ("an_openai_answer_streams_with_its_usage", openai_answer),
        ("an_anthropic_answer_streams_with_its_usage", anthropic_answer),
        ("text_reaches_a_pipe_while_the_model_still_writes", streams_to_a_pipe),
        ("a_seeded_answer_is_the_same_every_time", seeded),
        ("models_are_listed_by_asking_the_server", discovery),
        ("a_wrong_key_is_reported_by_its_name_and_never_shown", wrong_key),
        ("a_prompt_over_the_window_is_a_context_error", context_overflow),
        ("another_model_answers_when_the_first_server_is_gone", failover),
        ("bytes_that_come_late_or_one_by_one_change_nothing", harmless_chaos),
        ("a_connection_that_breaks_still_ends_in_a_whole_answer", harmful_chaos),
        ("every_fault_of_a_real_server_ends_in_a_whole_answer_or_a_clean_error", card::every_fault),
        ("traffic_leaves_a_real_server_that_is_slow_and_comes_back", steer::slow),
        ("traffic_leaves_a_real_server_before_its_limit_and_comes_back", steer::running_out),
    ];
    let trials = tests
        .iter()
        .map(|(name, test)| match &python {
            Some(python) => {
                let (python, test) = (python.clone(), *test);
                Trial::test(*name, move || test(&python))
            }
            None => Trial::test(*name, || Ok(()))
                .with_ignored_flag(true)
                .with_kind("llama.cpp is not installed: tests/real/install.sh"),
        })
        .chain(redis::trials())
        .collect();
    libtest_mimic::run(&args, trials).exit_code()
}

fn free_port() -> Result<u16, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A home with one configuration in it.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new(config: &str) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("config.toml"), config)?;
        Ok(Self { dir })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        command
            .args(args)
            .arg("--config")
            .arg(self.dir.path().join("config.toml"))
            .arg("--data")
            .arg(self.dir.path())
            .env_clear()
            .env("REAL_KEY", KEY)
            .env("REAL_WRONG_KEY", WRONG_KEY)
            .stdin(Stdio::null());
        command
    }

    fn json(&self, args: &[&str], code: i32) -> Result<Value, Failed> {
        let output = self.command(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let talk = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(code) {
            return Err(format!("exit {:?}, not {code}\n{text}\n{talk}", output.status).into());
        }
        for key in [KEY, WRONG_KEY] {
            if text.contains(key) || talk.contains(key) {
                return Err(format!("the key leaked\n{text}\n{talk}").into());
            }
        }
        Ok(serde_json::from_str(text.trim()).map_err(|error| format!("{error} in {text:?}"))?)
    }
}

fn provider(name: &str, dialect: &str, address: &str, key: &str) -> String {
    format!(
        "[providers.{name}]\ndialect = \"{dialect}\"\nbase_url = \"{address}/v1\"\n\
         api_key = \"env:{key}\"\n"
    )
}

fn model(name: &str, provider: &str, id: &str, context: u32) -> String {
    format!(
        "[models.{name}]\nprovider = \"{provider}\"\nid = \"{id}\"\ncontext = {context}\n\
         max_output = 256\nprice = {{ input = 1.0, output = 2.0 }}\nquality = {{ default = 0.5 }}\n\
         capabilities = {{ seed = true }}\n"
    )
}

fn check(holds: bool, what: &str, value: &Value) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{what}\n{value:#}").into()) }
}

fn answer(python: &Path, dialect: &str) -> Result<(), Failed> {
    let server = Server::start(python, "smol", 4096, 2)?;
    let config = provider("real", dialect, &server.address, "REAL_KEY")
        + &model("smol", "real", "smol", 2048);
    let home = Home::new(&config)?;
    let args =
        ["ask", "--json", "-m", "smol", "--pin", "--max-tokens", "24", "Name three colours."];
    let value = home.json(&args, 0)?;
    let text = value["text"].as_str().unwrap_or_default();
    check(!text.is_empty(), "no text", &value)?;
    check(value["model"] == "smol" && value["provider"] == "real", "another answered", &value)?;
    let usage = &value["usage"];
    check(usage["estimated"] == false, "the usage is not the server's", &value)?;
    let (input, output) = (usage["input"].as_u64(), usage["output"].as_u64());
    check(input.is_some_and(|n| n > 5), "no prompt tokens", &value)?;
    check(output.is_some_and(|n| (1..=24).contains(&n)), "no answer tokens", &value)?;
    check(value["ttft_ms"].as_u64().is_some_and(|ms| ms > 0), "no TTFT", &value)?;
    check(
        matches!(value["finish"].as_str(), Some("stop" | "length")),
        "it did not finish",
        &value,
    )?;
    // Price × tokens, in millionths of a dollar, with nothing lost.
    let micro = input.unwrap_or(0) + 2 * output.unwrap_or(0);
    let cost: f64 = value["cost_usd"].as_str().unwrap_or_default().parse()?;
    check((cost * 1e6 - micro as f64).abs() < 1e-6, "the cost is not price times tokens", &value)
}

fn openai_answer(python: &Path) -> Result<(), Failed> {
    answer(python, "openai")
}

fn anthropic_answer(python: &Path) -> Result<(), Failed> {
    answer(python, "anthropic")
}

fn streams_to_a_pipe(python: &Path) -> Result<(), Failed> {
    let server = Server::start(python, "smol", 4096, 2)?;
    let config = provider("real", "openai", &server.address, "REAL_KEY")
        + &model("smol", "real", "smol", 2048);
    let home = Home::new(&config)?;
    let mut child = home
        .command(&["ask", "-m", "smol", "--pin", "--max-tokens", "200", "Tell a long story."])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no input")?.write_all(b"It is about a lighthouse.\n")?;
    let mut out = BufReader::new(child.stdout.take().ok_or("no output")?);
    let first = out.fill_buf()?.len();
    let running = child.try_wait()?.is_none();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest)?;
    let status = child.wait()?;
    if first == 0 || !running || rest.len() <= first || !status.success() {
        let told = format!("first {first} bytes, running {running}, {} in all", rest.len());
        return Err(format!("{told}, {status}").into());
    }
    Ok(())
}

fn seeded(python: &Path) -> Result<(), Failed> {
    let server = Server::start(python, "smol", 4096, 2)?;
    let config = provider("real", "openai", &server.address, "REAL_KEY")
        + &model("smol", "real", "smol", 2048);
    let home = Home::new(&config)?;
    let args = [
        "ask",
        "--json",
        "-m",
        "smol",
        "--pin",
        "--no-cache",
        "--max-tokens",
        "16",
        "--seed",
        "11",
        "--temperature",
        "0",
        "Count from one to five.",
    ];
    let (one, two) = (home.json(&args, 0)?, home.json(&args, 0)?);
    check(one["text"] == two["text"], "two texts", &serde_json::json!([one, two]))
}

fn discovery(python: &Path) -> Result<(), Failed> {
    let server = Server::start(python, "smol", 4096, 2)?;
    let home = Home::new(&provider("real", "openai", &server.address, "REAL_KEY"))?;
    let list = home.json(&["models", "list", "--json", "real"], 0)?;
    let found =
        list.as_array().into_iter().flatten().any(|model| {
            model["provider"] == "real" && model["id"] == "smol" && model["key"] == "set"
        });
    check(found, "the server's model is not listed", &list)?;
    let args = ["ask", "--json", "-m", "real/smol", "--pin", "--max-tokens", "8", "Hello."];
    let value = home.json(&args, 0)?;
    check(value["model_id"] == "smol", "it was not asked by its listed name", &value)
}

fn wrong_key(python: &Path) -> Result<(), Failed> {
    for dialect in ["openai", "anthropic"] {
        let server = Server::start(python, "smol", 2048, 1)?;
        let config = provider("real", dialect, &server.address, "REAL_WRONG_KEY")
            + &model("smol", "real", "smol", 2048);
        let value =
            Home::new(&config)?.json(&["ask", "--json", "-m", "smol", "--pin", "Hello."], 3)?;
        check(value["error"]["class"] == "account", "not an account error", &value)?;
        // The list of models may be refused first; then nobody is left to ask.
        let asked = value["attempts"].as_array().ok_or("no attempts")?;
        let refused = asked.iter().all(|attempt| attempt["status"] == 401);
        check(refused && asked.len() <= 1, "not a 401", &value)?;
        let told = format!("{} {}", value["error"]["message"], value["error"]["hint"]);
        check(told.contains("REAL_WRONG_KEY"), "the variable is not named", &value)?;
    }
    Ok(())
}

fn context_overflow(python: &Path) -> Result<(), Failed> {
    let server = Server::start(python, "smol", 512, 1)?;
    // The registry believes in a larger window than the server has.
    let config = provider("real", "openai", &server.address, "REAL_KEY")
        + &model("smol", "real", "smol", 8192);
    let prompt = "All work and no play makes a dull day. ".repeat(120);
    let value = Home::new(&config)?.json(&["ask", "--json", "-m", "smol", "--pin", &prompt], 3)?;
    check(value["error"]["class"] == "context", "not a context error", &value)?;
    check(value["attempts"].as_array().map(Vec::len) == Some(1), "it was sent again", &value)
}

fn failover(python: &Path) -> Result<(), Failed> {
    let server = Server::start(python, "gemma", 4096, 2)?;
    let closed = format!("http://127.0.0.1:{}", free_port()?);
    let config = provider("gone", "openai", &closed, "REAL_KEY")
        + &provider("real", "openai", &server.address, "REAL_KEY")
        + &model("first", "gone", "smol", 2048)
        + &model("second", "real", "gemma", 2048);
    let args = ["ask", "--json", "-m", "first", "--max-tokens", "12", "The sea is"];
    let value = Home::new(&config)?.json(&args, 0)?;
    check(value["model"] == "second", "the second did not answer", &value)?;
    check(value["attempts"][0]["outcome"] == "network", "the first did not fail", &value)
}

/// Two real models, one of them behind a proxy that breaks what it is told to.
struct Chaos {
    home: Home,
    proxy: Proxy,
    // What the proxy runs on.
    _runtime: tokio::runtime::Runtime,
    _near: Server,
    _far: Server,
}

impl Chaos {
    fn start(python: &Path) -> Result<Self, Failed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let near = Server::start(python, "smol", 4096, 2)?;
        let far = Server::start(python, "gemma", 4096, 2)?;
        let upstream = near.address.trim_start_matches("http://").parse()?;
        let calm = Weather { one_in: 0, seed: 1 };
        let proxy = runtime.block_on(Proxy::start(upstream, calm))?;
        let capabilities = "capabilities = { seed = true }";
        let goes_on =
            "keep_warm = \"off\"\ncapabilities = { seed = true, continuation = \"prefill\" }";
        let config = (provider("near", "openai", &format!("http://{}", proxy.address), "REAL_KEY")
            + &provider("far", "openai", &far.address, "REAL_KEY")
            + &model("smol", "near", "smol", 2048)
            + &model("gemma", "far", "gemma", 2048))
            .replace(capabilities, goes_on)
            + "[limits]\nbetween_tokens = \"3s\"\n";
        let home = Home::new(&config)?;
        Ok(Self { home, proxy, _runtime: runtime, _near: near, _far: far })
    }

    /// The same question every time, asked of the model behind the proxy first.
    fn ask(&self) -> Result<Value, Failed> {
        let prompt = "Write a short story about a lighthouse keeper.";
        let args = ["ask", "--json", "--no-cache", "-m", "smol", "--max-tokens", "120"];
        let fixed = ["--seed", "11", "--temperature", "0", prompt];
        self.home.json(&[&args[..], &fixed[..]].concat(), 0)
    }
}

fn harmless_chaos(python: &Path) -> Result<(), Failed> {
    let chaos = Chaos::start(python)?;
    let calm = chaos.ask()?;
    for toxic in [
        Toxic::Latency(Duration::from_millis(400)),
        Toxic::Drip(50, Duration::from_millis(1)),
        Toxic::Split(1),
    ] {
        chaos.proxy.strike(toxic);
        let value = chaos.ask()?;
        check(value["text"] == calm["text"], &format!("{toxic:?} changed the text"), &value)?;
        check(value["attempts"].as_array().map(Vec::len) == Some(1), "asked again", &value)?;
    }
    let struck = chaos.proxy.seen.struck.load(std::sync::atomic::Ordering::Relaxed);
    check(struck == 3, "not every toxic struck", &serde_json::json!(struck))
}

fn harmful_chaos(python: &Path) -> Result<(), Failed> {
    let chaos = Chaos::start(python)?;
    let calm = chaos.ask()?;
    let whole = calm["text"].as_str().unwrap_or_default().to_owned();
    for toxic in [
        Toxic::Reset(6_000),
        Toxic::Close(6_000),
        Toxic::Stall(6_000),
        Toxic::Reset(0),
        Toxic::Garbage,
    ] {
        chaos.proxy.strike(toxic);
        let value = chaos.ask()?;
        let text = value["text"].as_str().unwrap_or_default();
        let told = |what: &str| format!("{toxic:?}: {what}, for {whole:?}");
        check(
            matches!(value["finish"].as_str(), Some("stop" | "length")),
            &told("not whole"),
            &value,
        )?;
        check(value["attempts"].as_array().is_some_and(|a| a.len() > 1), "nothing broke", &value)?;
        for seam in value["seams"].as_array().into_iter().flatten() {
            let at = seam["at_char"].as_u64().unwrap_or_default() as usize;
            let (before, after): (String, String) =
                (text.chars().take(at).collect(), text.chars().skip(at).collect());
            check(at > 40 && whole.starts_with(&before), &told("text was lost"), &value)?;
            let end: String =
                before.chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect();
            check(!after.starts_with(&end), &told("text was doubled"), &value)?;
            check(!after.starts_with(&whole[..40]), &told("it started over"), &value)?;
        }
        let pieces = value["seams"].as_array().map_or(0, Vec::len);
        let cut_late = !matches!(toxic, Toxic::Reset(0) | Toxic::Garbage);
        check(cut_late == (pieces > 0), &told("seams"), &value)?;
    }
    Ok(())
}
