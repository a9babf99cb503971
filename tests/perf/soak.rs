//! Ten minutes of bad weather: conversations side by side over two real model servers, with a proxy
//! in front of each that breaks one exchange in five. Every answer must be whole or fail cleanly, no
//! text may be doubled at a seam, and neither memory nor open files may grow.
//!
//! `tests/real/install.sh` first, then
//! `cargo run --release --example soak -- [SECONDS] [CONVERSATIONS]` (600 and 20).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    missing_docs
)]

#[path = "../real/chaos.rs"]
mod chaos;
#[path = "../real/serve.rs"]
mod serve;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use uuid::Uuid;
use wheelhouse::config::{self, Layer, LayerKind};
use wheelhouse::domain::{
    Finish, Message, Money, Origin, OutcomeClass, Part, ReaderKind, Reply, Request, RequestId,
    Role, SessionId,
};
use wheelhouse::engine::{self, EngineHandle, Options};

use chaos::{Proxy, Toxic, Weather};
use serve::Server;

/// One exchange in so many is struck.
const ONE_IN: u64 = 5;

/// Turns after which a conversation begins again, so that its prompt stays within the window.
const TURNS: usize = 3;

/// More requests than the routing log keeps.
const LOGGED: usize = 600;

/// Answers that fill it at once.
const AT_ONCE: usize = 8;

/// Long enough for a stall to be noticed within the run many times.
const BETWEEN: &str = "4s";

/// Resident memory in kB and open file descriptors of this process.
fn size() -> (u64, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let rss = rss.trim().trim_end_matches(" kB").trim().parse().unwrap();
    (rss, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

#[derive(Default)]
struct Tally {
    asked: u64,
    whole: u64,
    failed: BTreeMap<String, u64>,
    seams: u64,
    restarts: u64,
    attempts: u64,
    wrong: Vec<String>,
    slowest: Duration,
}

const QUESTIONS: &[&str] = &[
    "Tell a short story about a lighthouse keeper.",
    "List five uses of a paper clip, one per line.",
    "Explain how rain forms, in three sentences.",
    "Write a small Python function that reverses a string.",
    "What happened next?",
];

/// Looks at a finished reply: is it whole or cleanly failed, and is nothing doubled?
fn judge(reply: &Reply, tally: &mut Tally) {
    let outcome = reply.outcome.as_ref().expect("it never ended");
    tally.attempts += reply.attempts.len() as u64;
    tally.seams += reply.seams.len() as u64;
    match outcome.finish {
        Finish::Stop | Finish::Length => {
            tally.whole += 1;
            if reply.text.trim().is_empty() {
                tally.wrong.push("a whole answer without a word".to_owned());
            }
        }
        Finish::Truncated | Finish::Error => {
            let error = outcome.error.as_ref();
            let class = error.map_or("none", |error| error.class.name());
            *tally.failed.entry(format!("{}:{class}", outcome.finish.name())).or_default() += 1;
            if error.is_none() {
                tally.wrong.push("a failure without an error".to_owned());
            }
        }
        other => tally.wrong.push(format!("finish {}", other.name())),
    }
    for seam in &reply.seams {
        let chars: Vec<char> = reply.text.chars().collect();
        let at = (seam.at_char as usize).min(chars.len());
        let end: String = chars[at.saturating_sub(24)..at].iter().collect();
        let next: String = chars[at..(at + 24).min(chars.len())].iter().collect();
        // A small model may well say the same again and again; what counts is the joint.
        if end.chars().count() == 24 && next == end && !periodic(&end) {
            tally.wrong.push(format!("doubled at a seam: {end:?}"));
        }
    }
}

fn periodic(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=chars.len() / 2).any(|period| (period..chars.len()).all(|n| chars[n] == chars[n - period]))
}

fn key(name: &str) -> Option<String> {
    (name == "REAL_KEY").then(|| serve::KEY.to_owned())
}

async fn converse(engine: EngineHandle, n: usize, until: Instant, tally: Arc<Mutex<Tally>>) {
    let (mut turn, mut messages, mut session) = (0, Vec::new(), SessionId(Uuid::now_v7()));
    while Instant::now() < until {
        if turn % TURNS == 0 {
            messages = Vec::new();
            session = SessionId(Uuid::now_v7());
        }
        let question = QUESTIONS[(turn + n) % QUESTIONS.len()];
        messages.push(Message::user(question));
        let id = RequestId(Uuid::now_v7());
        let reader =
            if n.is_multiple_of(2) { ReaderKind::Replaceable } else { ReaderKind::AppendOnly };
        let mut request = Request::new(id, Origin::Chat, reader, question);
        request.session = Some(session);
        request.messages.clone_from(&messages);
        request.params.max_tokens = Some(60);
        request.params.temperature = Some(0.7);
        let started = Instant::now();
        let mut stream = engine.ask(request);
        let mut reply = Reply::default();
        let mut restarts = 0;
        while let Some(event) = stream.next().await {
            restarts += u64::from(matches!(event, wheelhouse::domain::ReplyEvent::Restart { .. }));
            reply.fold(&event);
        }
        {
            let mut tally = tally.lock().unwrap();
            tally.asked += 1;
            tally.restarts += restarts;
            tally.slowest = tally.slowest.max(started.elapsed());
            judge(&reply, &mut tally);
            if restarts > 0 && reader == ReaderKind::AppendOnly {
                tally.wrong.push("a restart for a reader that cannot take text back".to_owned());
            }
        }
        let failed = reply.outcome.as_ref().is_some_and(|outcome| {
            outcome.error.as_ref().is_some_and(|error| error.class != OutcomeClass::Caller)
        });
        if failed {
            messages.pop();
        } else {
            let text = Part::Text { text: reply.text };
            messages.push(Message { role: Role::Assistant, parts: vec![text] });
        }
        turn += 1;
    }
}

/// The routing log keeps the last few hundred requests. It is filled first, with short answers, so
/// that what grows afterwards is a leak.
async fn fill_the_log(engine: &EngineHandle) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..AT_ONCE {
        let engine = engine.clone();
        tasks.spawn(async move {
            for turn in 0..LOGGED / AT_ONCE {
                let id = RequestId(Uuid::now_v7());
                let question = QUESTIONS[(n + turn) % QUESTIONS.len()];
                let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, question);
                request.params.max_tokens = Some(2);
                let mut stream = engine.ask(request);
                while stream.next().await.is_some() {}
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

fn report(label: &str, tally: &Mutex<Tally>, proxies: &[Proxy]) -> (u64, usize) {
    let (rss, files) = size();
    let tally = tally.lock().unwrap();
    let sum = |pick: fn(&chaos::Seen) -> &std::sync::atomic::AtomicU64| -> u64 {
        proxies.iter().map(|proxy| pick(&proxy.seen).load(Ordering::Relaxed)).sum()
    };
    println!(
        "{label:<9} {:>5} asked {:>5} whole {:?} failed · {} attempts {} seams {} restarts · struck {} of {} · slowest {:.1}s · {} kB {} files",
        tally.asked,
        tally.whole,
        tally.failed,
        tally.attempts,
        tally.seams,
        tally.restarts,
        sum(|seen| &seen.struck),
        sum(|seen| &seen.exchanges),
        tally.slowest.as_secs_f64(),
        rss,
        files
    );
    (rss, files)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().map_or(600, |text| text.parse().expect("seconds"));
    let conversations: usize = args.next().map_or(20, |text| text.parse().expect("conversations"));
    let python = serve::python().expect("tests/real/install.sh has not been run");
    let servers = ["smol", "gemma"].map(|model| Server::start(&python, model, 8192, 4).unwrap());
    let mut proxies = Vec::new();
    let mut text = format!(
        "[limits]\nbetween_tokens = \"{BETWEEN}\"\nfirst_token = \"60s\"\n\
         [budget]\nday = {{ limit = 100.0, at_limit = \"stop\" }}\n"
    );
    for (n, (server, name)) in servers.iter().zip(["smol", "gemma"]).enumerate() {
        let weather = Weather { one_in: ONE_IN, seed: 7 + n as u64 };
        let proxy =
            Proxy::start(server.address.trim_start_matches("http://").parse().unwrap(), weather)
                .await
                .unwrap();
        // The list of models, asked for at start, is had in calm.
        proxy.strike(Toxic::None);
        let _ = write!(
            text,
            "[providers.{name}]\ndialect = \"openai\"\nbase_url = \"http://{}/v1\"\n\
             api_key = \"env:REAL_KEY\"\n\
             [models.{name}-a]\nprovider = \"{name}\"\nid = \"{name}\"\ncontext = 2048\n\
             max_output = 512\nprice = {{ input = 0.1, output = 0.2 }}\nquality = {{ default = 0.5 }}\n\
             capabilities = {{ seed = true, continuation = \"{}\" }}\n",
            proxy.address,
            if n == 0 { "prefill" } else { "instruct" }
        );
        proxies.push(proxy);
    }
    let layer = Layer { kind: LayerKind::User, name: "soak.toml".to_owned(), text };
    let config = config::load(&[layer]).unwrap().config;
    let options = Options { env: Arc::new(key), seed: 7, ..Options::default() };
    let engine = engine::start(Arc::new(config), options);
    fill_the_log(&engine).await;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..conversations {
        tasks.spawn(converse(engine.clone(), n, until, Arc::clone(&tally)));
    }
    let early = Duration::from_secs(seconds / 5);
    tokio::time::sleep_until((started + early).into()).await;
    let (rss_early, files_early) = report("at 1/5", &tally, &proxies);
    tokio::time::sleep_until(until.into()).await;
    let (rss_late, files_late) = report("at 5/5", &tally, &proxies);
    while let Some(done) = tasks.join_next().await {
        done.expect("a conversation panicked");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    report("after 5 s", &tally, &proxies);
    let snapshot = engine.snapshot();
    let running: u32 = snapshot.models.values().map(|model| model.health.in_flight).sum();
    println!("attempts still counted as running: {running}");
    let reserved = snapshot.budget.reserved();
    println!("money still reserved: {reserved:?}, spent {:?}", snapshot.spend.cost);
    engine.close().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let open: u64 = proxies.iter().map(|proxy| proxy.seen.open.load(Ordering::Relaxed)).sum();
    println!("upstream connections after closing: {open}");
    let grown = |early: f64, late: f64| (late / early - 1.0) * 100.0;
    println!(
        "grown from 1/5 to 5/5: memory {:+.1}%, files {:+.1}%",
        grown(rss_early as f64, rss_late as f64),
        grown(files_early as f64, files_late as f64)
    );
    let tally = tally.lock().unwrap();
    for wrong in &tally.wrong {
        println!("WRONG {wrong}");
    }
    println!("{} wrong in {} answers", tally.wrong.len(), tally.asked);
    std::process::exit(i32::from(
        !tally.wrong.is_empty() || running > 0 || open > 0 || reserved > Money::ZERO,
    ));
}
