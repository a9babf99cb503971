//! Every way a provider can fail, in front of a server nobody here wrote: what a real model says goes
//! through a proxy that changes it as failing providers do. Two servers run the same model, and at
//! temperature 0 a real model goes on from a broken-off answer with the very words it would have said,
//! so that what the reader gets can be compared to the letter.
//!
//! `cargo test --test real every_fault -- --nocapture` prints the card.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;

use super::tamper::{self, Tamper};
use super::{Home, Server, model, provider};

#[path = "card/rows.rs"]
mod rows;

/// Rows asked at once: most wait for a limit.
const AT_ONCE: usize = 4;

/// No row may take longer, whatever happens: beyond it something hangs.
const HANGS: Duration = Duration::from_mins(1);

/// What the reader must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// The whole answer.
    Whole,
    /// The whole answer, from the other server.
    Elsewhere,
    /// The whole answer, by beginning again where the reader can take text back; else what came before
    /// the cut, told as that.
    Restarted,
    /// As much as the caller's own cap allows.
    Capped,
    /// What came before a content filter stopped it, told as that.
    Filtered,
    /// A clean error of this class.
    Error(&'static str),
}

/// How often the failing server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Often {
    Once,
    Always,
}

/// One line of the card.
struct Row {
    name: &'static str,
    prompt: &'static str,
    tamper: Tamper,
    often: Often,
    /// Arguments of `ask` beside the prompt.
    args: &'static [&'static str],
    /// The configuration, changed.
    config: fn(&str) -> String,
    wants: Wants,
    /// Questions the failing server is asked at most.
    asked: u64,
    /// Whether the usage must be marked as estimated.
    estimated: bool,
}

/// Both readers: one that can take text back, and a pipe.
const READERS: [&str; 2] = ["--json", ""];

struct Got {
    code: i32,
    text: String,
    json: Option<Value>,
    took: Duration,
}

fn ask(home: &Home, prompt: &str, args: &[&str], reader: &str) -> Result<Got, Failed> {
    let mut all = vec!["ask", "--no-cache", "--seed", "7", "--temperature", "0"];
    all.extend(args);
    all.extend(reader.split_whitespace());
    all.push(prompt);
    let started = Instant::now();
    let output = home.command(&all).output()?;
    let took = started.elapsed();
    let text = String::from_utf8(output.stdout)?;
    let json: Option<Value> =
        if reader.is_empty() { None } else { Some(serde_json::from_str(text.trim())?) };
    let text = json.as_ref().map_or(text, |json| json["text"].as_str().unwrap_or("").to_owned());
    Ok(Got { code: output.status.code().unwrap_or(-1), text, json, took })
}

/// The text without the pipe's last line end.
fn bare(text: &str) -> &str {
    text.trim_end_matches('\n')
}

impl Row {
    /// Asks, and says what is wrong with what came; nothing if nothing is.
    fn run(&self, site: &Site, reader: &str) -> Result<(Got, Vec<String>), Failed> {
        let proxy = site.runtime.block_on(tamper::Box::start(&site.near.address))?;
        match self.often {
            Often::Once => proxy.next(self.tamper.clone()),
            Often::Always => proxy.always(self.tamper.clone()),
        }
        let home = Home::new(&(self.config)(&site.config(&format!("http://{}", proxy.address))))?;
        let got = ask(&home, self.prompt, self.args, reader)?;
        let expected = bare(site.expected(self.prompt)?);
        let text = bare(&got.text);
        let begins = !text.is_empty() && text.len() < expected.len() && expected.starts_with(text);
        let finish = got.json.as_ref().map(|json| json["finish"].as_str().unwrap_or("").to_owned());
        let finish_is = |wanted: &str| finish.as_deref().is_none_or(|finish| finish == wanted);
        let mut wrong = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let differs = format!("the text is {text:?}\n          for {expected:?}");
        match self.wants {
            Wants::Restarted if got.json.is_none() => {
                check(matches!(got.code, 1 | 3), format!("exit {}", got.code));
                check(begins, differs);
            }
            Wants::Whole | Wants::Elsewhere | Wants::Restarted => {
                check(got.code == 0, format!("exit {}", got.code));
                check(finish_is("stop"), format!("finish {finish:?}"));
                check(text == expected, differs);
            }
            Wants::Capped => {
                check(got.code == 0, format!("exit {}", got.code));
                check(finish_is("length"), format!("finish {finish:?}"));
                check(begins, differs);
            }
            Wants::Filtered => {
                check(matches!(got.code, 1 | 3), format!("exit {}", got.code));
                check(finish_is("content_filter"), format!("finish {finish:?}"));
                check(begins, differs);
            }
            Wants::Error(_) => {
                check(matches!(got.code, 1 | 3), format!("exit {}", got.code));
                check(text.is_empty(), differs);
            }
        }
        check(got.took < HANGS, format!("took {:.1?}", got.took));
        let asked = proxy.asked();
        check(asked <= self.asked, format!("the failing server was asked {asked} times"));
        if let Some(json) = &got.json {
            if let Wants::Error(class) = self.wants {
                check(json["error"]["class"] == class, format!("error {}", json["error"]));
            }
            let elsewhere = json["model"] == "far";
            let must = self.wants == Wants::Elsewhere;
            check(!must || elsewhere, format!("answered by {}", json["model"]));
            let estimated = json["usage"]["estimated"] == true;
            check(estimated || !self.estimated, "the usage is not marked as estimated".to_owned());
            let attempts = json["attempts"].as_array().map_or(&[][..], Vec::as_slice);
            let soon = attempts
                .iter()
                .filter(|a| a["model"] == "near" && a["started_ms"].as_u64() < Some(3_000));
            check(soon.count() <= 4, "more than 4 attempts in 3 s".to_owned());
        }
        Ok((got, wrong))
    }
}

/// Two real servers with the same model.
struct Site {
    near: Server,
    far: Server,
    runtime: tokio::runtime::Runtime,
    texts: Vec<(&'static str, String)>,
}

impl Site {
    fn start(python: &Path) -> Result<Self, Failed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let near = Server::start(python, "smol", 4096, 2)?;
        let far = Server::start(python, "smol", 4096, 2)?;
        let mut site = Self { near, far, runtime, texts: Vec::new() };
        let home = Home::new(&site.config(&site.near.address))?;
        for prompt in [rows::SHORT, rows::LONG, rows::CODE] {
            let got = ask(&home, prompt, &["-m", "far", "--pin"], "")?;
            if got.code != 0 || bare(&got.text).is_empty() {
                return Err(format!("{prompt:?} has no answer: {:?}", got.text).into());
            }
            site.texts.push((prompt, got.text));
        }
        Ok(site)
    }

    fn expected(&self, prompt: &str) -> Result<&str, Failed> {
        let text = self.texts.iter().find(|(of, _)| *of == prompt);
        Ok(text.map(|(_, text)| text.as_str()).ok_or("a prompt nobody asked")?)
    }

    fn config(&self, near: &str) -> String {
        let models = model("near", "near", "smol", 2048) + &model("far", "far", "smol", 2048);
        let models = models.replace(
            "capabilities = { seed = true }",
            "capabilities = { seed = true, continuation = \"prefill\" }",
        );
        provider("near", "openai", near, "REAL_KEY")
            + &provider("far", "openai", &self.far.address, "REAL_KEY")
            + &models
            + "[limits]\nfirst_token = \"9s\"\nbetween_tokens = \"8s\"\n"
    }
}

fn line(row: &Row, reader: &str, got: &Got, wrong: &[String]) -> String {
    let reader = if reader.is_empty() { "pipe" } else { "json" };
    let mut line = format!("{:<44} {reader:<5} {:>6.2}s", row.name, got.took.as_secs_f64());
    if let Some(json) = &got.json {
        for attempt in json["attempts"].as_array().into_iter().flatten() {
            let field = |name: &str| attempt[name].as_str().unwrap_or("?").to_owned();
            let _ = write!(line, "  {}:{}:{}", field("model"), field("kind"), field("outcome"));
        }
    }
    for what in wrong {
        let _ = write!(line, "\n    WRONG {what}");
    }
    line
}

/// The whole card.
pub fn every_fault(python: &Path) -> Result<(), Failed> {
    let site = Site::start(python)?;
    let rows = rows::rows();
    let runs: Vec<(&Row, &str)> =
        rows.iter().flat_map(|row| READERS.map(|reader| (row, reader))).collect();
    let (next, card) = (Mutex::new(runs.iter().enumerate()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((at, (row, reader))) = next.lock().unwrap().next() else { break };
                    let told = match row.run(&site, reader) {
                        Ok((got, wrong)) => (line(row, reader, &got, &wrong), wrong.len()),
                        Err(error) => (format!("{:<44} WRONG {error:?}", row.name), 1),
                    };
                    card.lock().unwrap().push((at, told));
                }
            });
        }
    });
    let mut card = card.into_inner().unwrap();
    card.sort_by_key(|(at, _)| *at);
    let lines: Vec<&str> = card.iter().map(|(_, (line, _))| line.as_str()).collect();
    let wrong = card.iter().filter(|(_, (_, wrong))| *wrong > 0).count();
    // The test library captures nothing.
    if std::env::args().any(|arg| arg == "--nocapture") {
        println!("{}\n{} of {} passed", lines.join("\n"), card.len() - wrong, card.len());
    }
    if wrong == 0 && card.len() == runs.len() { Ok(()) } else { Err(lines.join("\n").into()) }
}
