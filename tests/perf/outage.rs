//! A provider goes down for a minute while a request comes every four seconds, and comes back. What
//! callers got, how often the failing provider was tried, and how soon after its recovery it answers
//! again. A rule prefers it, so that neither the hour's prices nor what was learnt of the others
//! meanwhile decides who answers.
//!
//! `cargo run --release --example outage -- [SECONDS DOWN] [sim|real]` (60, sim). Takes about two
//! minutes. `real` is llama.cpp's server (`tests/real/install.sh`) behind a proxy that resets every
//! connection for that long, with a second server of the same model beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

#[path = "../real/serve.rs"]
mod serve;
#[path = "../real/tamper.rs"]
#[allow(dead_code)]
mod tamper;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use wheelhouse::config::{self, Config, Layer, LayerKind};
use wheelhouse::domain::{Finish, Origin, ReaderKind, Reply, Request, RequestId};
use wheelhouse::engine::{self, EngineHandle, Options};
use wheelhouse::sim::{self, Fault, Fleet, FleetOptions, Ports, Until};

use tamper::Tamper;

const EVERY: Duration = Duration::from_secs(4);
const SIMULATED: &str = "sim-deepseek";
const RULE: &str = "[[routing.rules]]\nwhen = {}\nthen = { prefer = [\"sim-deepseek-flash\"] }\n";

/// What goes down.
enum Site {
    Simulated(Fleet),
    Real { near: tamper::Box, _servers: [serve::Server; 2] },
}

impl Site {
    async fn simulated() -> (Self, Config) {
        let options = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.02 };
        let fleet = sim::start(options).await.unwrap();
        let text = format!("{}\n{RULE}", fleet.config_text());
        let config = config::load_demo(&text, &[]).unwrap().config;
        (Self::Simulated(fleet), config)
    }

    async fn real() -> (Self, Config) {
        let python = serve::python().expect("tests/real/install.sh has not been run");
        let servers =
            [0, 1].map(|_| serve::Server::start(&python, "smol", 4096, 2).expect("no server"));
        let near = tamper::Box::start(&servers[0].address).await.unwrap();
        let mut text = RULE.replace("sim-deepseek-flash", "near");
        let proxied = format!("http://{}", near.address);
        for (name, address) in [("near", &proxied), ("far", &servers[1].address)] {
            let _ = write!(
                text,
                "[providers.{name}]\ndialect = \"openai\"\nbase_url = \"{address}/v1\"\n\
                 api_key = \"env:REAL_KEY\"\n[models.{name}]\nprovider = \"{name}\"\n\
                 id = \"smol\"\ncontext = 2048\nmax_output = 64\n\
                 price = {{ input = 1.0, output = 2.0 }}\nquality = {{ default = 0.5 }}\n"
            );
        }
        let layer = Layer { kind: LayerKind::User, name: "outage.toml".to_owned(), text };
        (Self::Real { near, _servers: servers }, config::load(&[layer]).unwrap().config)
    }

    /// The provider that goes down.
    const fn provider(&self) -> &'static str {
        match self {
            Self::Simulated(_) => SIMULATED,
            Self::Real { .. } => "near",
        }
    }

    /// What is asked: something short of the real model.
    const fn prompt(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "Why does this Rust borrow fail, and what is the smallest fix?",
            Self::Real { .. } => "What is the capital of France? Answer in one short sentence.",
        }
    }

    fn calls(&self) -> u64 {
        match self {
            Self::Simulated(fleet) => fleet.control().stats(SIMULATED).unwrap().calls,
            Self::Real { near, .. } => near.asked(),
        }
    }

    fn down(&self, down: bool) {
        match (self, down) {
            (Self::Simulated(fleet), true) => {
                let down = Fault::Status { status: 503 };
                fleet.control().inject(SIMULATED, down, Until::Cleared).unwrap();
            }
            (Self::Simulated(fleet), false) => fleet.control().clear(SIMULATED).unwrap(),
            (Self::Real { near, .. }, true) => near.always(Tamper::Down),
            (Self::Real { near, .. }, false) => near.always(Tamper::None),
        }
    }
}

fn key(name: &str) -> Option<String> {
    (name == "REAL_KEY").then(|| serve::KEY.to_owned())
}

async fn ask(engine: &EngineHandle, prompt: &str) -> (Reply, Duration) {
    let id = RequestId(Uuid::now_v7());
    let request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, prompt);
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
    let (site, config) = match std::env::args().nth(2).as_deref() {
        None | Some("sim") => Site::simulated().await,
        Some("real") => Site::real().await,
        Some(other) => panic!("{other} is neither sim nor real"),
    };
    let provider = site.provider();
    let options = Options { env: Arc::new(key), seed: 7, ..Options::default() };
    let engine = engine::start(Arc::new(config), options);
    engine.settled(Duration::from_secs(5)).await;
    let started = Instant::now();
    let (mut asked, mut whole, mut slowest) = (0, 0, Duration::ZERO);
    let mut back = None;
    let mut before = 0;
    let (starts, ends) = (Duration::from_secs(8), Duration::from_secs(8 + down));
    let mut phase = 0;
    loop {
        let now = started.elapsed();
        if phase == 0 && now >= starts {
            site.down(true);
            before = site.calls();
            phase = 1;
            println!("{:>6.1}s  {provider} goes down", now.as_secs_f64());
        }
        if phase == 1 && now >= ends {
            phase = 2;
            site.down(false);
            println!(
                "{:>6.1}s  {provider} is back; while down it was called {} times",
                now.as_secs_f64(),
                site.calls() - before
            );
        }
        let (reply, took) = ask(&engine, site.prompt()).await;
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
        let home = outcome.provider.as_ref().is_some_and(|name| name.as_str() == provider);
        if phase == 2 && home {
            back.get_or_insert(started.elapsed().saturating_sub(ends));
        }
        if back.is_some() || now > ends + Duration::from_mins(2) {
            break;
        }
        tokio::time::sleep(EVERY.saturating_sub(took)).await;
    }
    println!(
        "{whole} of {asked} answered whole, slowest {:.2}s; back on {provider} {} after its recovery",
        slowest.as_secs_f64(),
        back.map_or("never".to_owned(), |span| format!("{:.1}s", span.as_secs_f64()))
    );
    engine.close().await;
    std::process::exit(i32::from(
        whole != asked || back.is_none_or(|s| s > Duration::from_secs(30)),
    ));
}
