//! A provider goes down for a minute while a request comes every four seconds, and comes back. What
//! callers got, how often the failing provider was tried, and how soon after its recovery it answers
//! again. A rule prefers it, so that neither the hour's prices nor what was learnt of the others
//! meanwhile decides who answers.
//!
//! `cargo run --release --example outage -- [SECONDS DOWN]` (60). Takes about two minutes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use wheelhouse::config;
use wheelhouse::domain::{Finish, Origin, ReaderKind, Reply, Request, RequestId};
use wheelhouse::engine::{self, EngineHandle, Options};
use wheelhouse::sim::{self, Fault, FleetOptions, Ports, Until};

const EVERY: Duration = Duration::from_secs(4);
const PROVIDER: &str = "sim-deepseek";
const RULE: &str = "[[routing.rules]]\nwhen = {}\nthen = { prefer = [\"sim-deepseek-flash\"] }\n";
const PROMPT: &str = "Why does this Rust borrow fail, and what is the smallest fix?";

async fn ask(engine: &EngineHandle) -> (Reply, Duration) {
    let id = RequestId(Uuid::now_v7());
    let request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, PROMPT);
    let started = Instant::now();
    let mut stream = engine.ask(request);
    let mut reply = Reply::default();
    while let Some(event) = stream.next().await {
        reply.fold(&event);
    }
    (reply, started.elapsed())
}

#[tokio::main]
async fn main() {
    let down: u64 = std::env::args().nth(1).map_or(60, |text| text.parse().expect("seconds"));
    let options = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.02 };
    let fleet = sim::start(options).await.unwrap();
    let text = format!("{}\n{RULE}", fleet.config_text());
    let config = config::load_demo(&text, &[]).unwrap().config;
    let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
    let engine = engine::start(Arc::new(config), options);
    engine.settled(Duration::from_secs(5)).await;
    let control = fleet.control();
    let calls = || control.stats(PROVIDER).unwrap().calls;
    let started = Instant::now();
    let (mut asked, mut whole, mut slowest) = (0, 0, Duration::ZERO);
    let mut back = None;
    let mut before = 0;
    let (starts, ends) = (Duration::from_secs(8), Duration::from_secs(8 + down));
    let mut phase = 0;
    loop {
        let now = started.elapsed();
        if phase == 0 && now >= starts {
            let span = Duration::from_secs(down);
            control.inject(PROVIDER, Fault::Status { status: 503 }, Until::For(span)).unwrap();
            before = calls();
            phase = 1;
            println!("{:>6.1}s  {PROVIDER} goes down", now.as_secs_f64());
        }
        if phase == 1 && now >= ends {
            phase = 2;
            println!(
                "{:>6.1}s  {PROVIDER} is back; while down it was called {} times",
                now.as_secs_f64(),
                calls() - before
            );
        }
        let (reply, took) = ask(&engine).await;
        asked += 1;
        let outcome = reply.outcome.as_ref().unwrap();
        let who = outcome.model.as_ref().map_or("nobody", |model| model.as_str()).to_owned();
        whole += u32::from(outcome.finish == Finish::Stop);
        slowest = slowest.max(took);
        let tried: Vec<String> = reply
            .attempts
            .iter()
            .map(|a| format!("{}:{}", a.model, a.outcome.map_or("ok", |class| class.name())))
            .collect();
        println!(
            "{:>6.1}s  {who:<22} {:.2}s  {}",
            now.as_secs_f64(),
            took.as_secs_f64(),
            tried.join(" > ")
        );
        let home = outcome.provider.as_ref().is_some_and(|name| name.as_str() == PROVIDER);
        if phase == 2 && home {
            back.get_or_insert(started.elapsed().saturating_sub(ends));
        }
        if back.is_some() || now > ends + Duration::from_mins(2) {
            break;
        }
        tokio::time::sleep(EVERY.saturating_sub(took)).await;
    }
    println!(
        "{whole} of {asked} answered whole, slowest {:.2}s; back on {PROVIDER} {} after its recovery",
        slowest.as_secs_f64(),
        back.map_or("never".to_owned(), |span| format!("{:.1}s", span.as_secs_f64()))
    );
    engine.close().await;
    std::process::exit(i32::from(
        whole != asked || back.is_none_or(|s| s > Duration::from_secs(30)),
    ));
}
