//! What the answer cache saves, and how quick a hit is: 200 repeatable requests, 40% of them repeats,
//! 20 at a time, by the real engine against the simulated fleet on sockets; then hits from memory and
//! from a local Redis, and a second process that hits what this one stored.
//!
//!     cargo run --release --example cache
//!
//! Needs `redis-server` on the path for the second half.

#![allow(missing_docs, clippy::print_stdout)]

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;
use wheelhouse::config::{self, Config, RedisSettings};
use wheelhouse::domain::{
    Finish, ModelName, Origin, Outcome, ReaderKind, ReplyEvent, Request, RequestId, Route,
};
use wheelhouse::engine::{self, EngineHandle, Options};
use wheelhouse::sim::{self, Fleet, FleetOptions, Ports};

const REQUESTS: usize = 200;
const DISTINCT: usize = 120;
const AT_ONCE: usize = 20;

/// Hits measured per tier.
const HITS: usize = 4000;

const MODEL: &str = "sim-gpt-4o";
const PROVIDER: &str = "sim-openai";

/// The fleet answers at a tenth of the time its originals take.
const PACE: f64 = 0.1;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    if let (Some(config), Some(url)) = (args.next(), args.next()) {
        return second(&std::fs::read_to_string(config)?, &url).await;
    }
    let fleet = sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: PACE }).await?;
    let dir = tempfile::tempdir()?;
    let redis = Redis::start(dir.path());
    let url = redis.as_ref().map(|redis| redis.url.as_str());
    let first = engine(&fleet.config_text(), url, |_| {})?;

    let plan = workload();
    let begun = Instant::now();
    let done = ask_all(&first, &plan, Pace::Rushing).await;
    let took = begun.elapsed();
    let calls = fleet.control().stats(PROVIDER).map_err(|error| error.to_string())?.calls;
    report(&first, &done, calls, took)?;

    // Every question is answered already; ask them again and again.
    let hits: Vec<usize> = (0..HITS).map(|n| n % DISTINCT).collect();
    let begun = Instant::now();
    ask_all(&first, &hits, Pace::Rushing).await;
    println!("{:.0} hits from memory a second", HITS as f64 / begun.elapsed().as_secs_f64());
    let done = ask_all(&first, &hits, Pace::Pausing).await;
    latency("memory", &done, Duration::from_millis(1))?;
    let Some(url) = url else {
        println!("Redis: redis-server is not installed; nothing measured");
        return Ok(());
    };
    // One that keeps nothing in memory, so that every hit comes from Redis.
    let forgetful = engine(&fleet.config_text(), Some(url), |config| config.cache.max_bytes = 0)?;
    let done = ask_all(&forgetful, &hits, Pace::Pausing).await;
    latency("redis", &done, Duration::from_millis(5))?;
    other_process(&fleet, dir.path(), url)?;
    let after = fleet.control().stats(PROVIDER).map_err(|error| error.to_string())?.calls;
    println!("calls after all of this: {after}, {} more than before", after - calls);
    if after != calls {
        return Err("something was asked twice".into());
    }
    Ok(())
}

/// The numbers of the questions in the order they are asked: every distinct one at least once, the
/// repeats spread by a fixed draw.
fn workload() -> Vec<usize> {
    let mut draw: u64 = 7;
    let mut below = |bound: usize| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((draw >> 33) as usize) % bound
    };
    let mut plan: Vec<usize> = (0..DISTINCT).collect();
    for _ in DISTINCT..REQUESTS {
        plan.push(below(DISTINCT));
    }
    for at in (1..plan.len()).rev() {
        plan.swap(at, below(at + 1));
    }
    plan
}

fn request(number: usize) -> Request {
    let id = RequestId(Uuid::now_v7());
    let prompt = format!("Ticket {number}: which team should it go to, and how urgent is it?");
    let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, &prompt);
    request.route = Route::Only(ModelName::from(MODEL));
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    request
}

fn engine(
    fleet: &str,
    redis: Option<&str>,
    change: impl FnOnce(&mut Config),
) -> Result<EngineHandle, Failure> {
    let loaded = config::load_demo(fleet, &[]).map_err(|errors| format!("{errors:?}"))?;
    let mut config = loaded.config;
    config.cache.redis =
        redis.map(|url| RedisSettings { url: url.to_owned(), ttl: Duration::from_hours(1) });
    change(&mut config);
    let options = Options { env: Arc::new(|_| None), ..Options::default() };
    Ok(engine::start(Arc::new(config), options))
}

/// An answered request.
struct Done {
    number: usize,
    outcome: Outcome,
    /// From asking to the first text, at the caller.
    first_text: Duration,
}

/// Whether clients ask as fast as they can, which measures how much there is to be had, or pause in
/// between, which measures how quick one hit is.
#[derive(Clone, Copy)]
enum Pace {
    Rushing,
    Pausing,
}

/// Asks them all, by so many clients at once, each one after another.
async fn ask_all(engine: &EngineHandle, numbers: &[usize], pace: Pace) -> Vec<Done> {
    let numbers: Arc<[usize]> = numbers.into();
    let next = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..AT_ONCE)
        .map(|client| {
            let (engine, numbers, next) = (engine.clone(), Arc::clone(&numbers), Arc::clone(&next));
            tokio::spawn(async move {
                let mut done = Vec::new();
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    done.extend(ask(&engine, *number).await);
                    if let Pace::Pausing = pace {
                        let pause = 2 + (number * 7 + client) % 5;
                        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
                    }
                }
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for client in clients {
        done.extend(client.await.unwrap_or_default());
    }
    done
}

async fn ask(engine: &EngineHandle, number: usize) -> Option<Done> {
    let request = request(number);
    let begun = Instant::now();
    let mut stream = engine.ask(request);
    let mut first_text = None;
    while let Some(event) = stream.next().await {
        match event {
            ReplyEvent::Text(_) => {
                first_text.get_or_insert_with(|| begun.elapsed());
            }
            ReplyEvent::End(outcome) => {
                return Some(Done { number, outcome: *outcome, first_text: first_text? });
            }
            _ => {}
        }
    }
    None
}

fn report(engine: &EngineHandle, done: &[Done], calls: u64, took: Duration) -> Result<(), Failure> {
    let whole = done.iter().filter(|done| done.outcome.finish == Finish::Stop).count();
    let distinct: HashSet<usize> = done.iter().map(|done| done.number).collect();
    let by = |tier: Option<&str>| {
        done.iter().filter(|done| done.outcome.cached.as_deref() == tier).count()
    };
    let paid: i64 = done.iter().map(|done| done.outcome.cost.amount.pico()).sum();
    let cache = engine.snapshot().cache;
    let saved = cache.saved.amount.pico();
    println!("{REQUESTS} requests, {} distinct, {AT_ONCE} at a time: {took:.1?}", distinct.len());
    println!("  answered whole        {whole}");
    println!("  calls at the server   {calls}");
    println!(
        "  without a call        {} ({} from memory, {} read along with a call under way)",
        by(Some("memory")) + by(Some("shared")),
        by(Some("memory")),
        by(Some("shared")),
    );
    println!("  paid                  ${:.6}", paid as f64 / 1e12);
    println!(
        "  saved                 ${:.6}, {:.0}% of the money and {:.0}% of the calls",
        saved as f64 / 1e12,
        100.0 * saved as f64 / (paid + saved) as f64,
        100.0 * (REQUESTS as f64 - calls as f64) / REQUESTS as f64,
    );
    if whole != REQUESTS || calls != distinct.len() as u64 || distinct.len() != DISTINCT {
        return Err("not one call per distinct request".into());
    }
    Ok(())
}

fn latency(tier: &str, done: &[Done], limit: Duration) -> Result<(), Failure> {
    let mut times: Vec<Duration> = done
        .iter()
        .filter(|done| done.outcome.cached.as_deref() == Some(tier))
        .map(|done| done.first_text)
        .collect();
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    let (p50, p99, most) = (at(0.5), at(0.99), times.last().copied());
    let us = |span: Option<Duration>| span.map_or(0.0, |span| span.as_secs_f64() * 1e6);
    println!(
        "hits from {tier:6} {}/{} asked, {AT_ONCE} at a time: p50 {:.0} us, p99 {:.0} us, most {:.0} us \
         (limit {:.0} us)",
        times.len(),
        done.len(),
        us(p50),
        us(p99),
        us(most),
        us(Some(limit)),
    );
    if times.len() != done.len() || p99.is_none_or(|p99| p99 >= limit) {
        return Err(format!("hits from {tier} are not what they should be").into());
    }
    Ok(())
}

// ---- a second process ----------------------------------------------------------------------

fn other_process(fleet: &Fleet, dir: &Path, url: &str) -> Result<(), Failure> {
    let config = dir.join("fleet.toml");
    std::fs::write(&config, fleet.config_text())?;
    let ran = Command::new(std::env::current_exe()?).arg(&config).arg(url).output()?;
    print!("{}", String::from_utf8_lossy(&ran.stdout));
    if ran.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr).into_owned().into())
    }
}

/// What the second process does: asks what the first one stored.
async fn second(fleet: &str, url: &str) -> Result<(), Failure> {
    let engine = engine(fleet, Some(url), |_| {})?;
    let all: Vec<usize> = (0..DISTINCT).collect();
    let done = ask_all(&engine, &all, Pace::Rushing).await;
    let hits = done.iter().filter(|done| done.outcome.cached.as_deref() == Some("redis")).count();
    println!(
        "a second process: {hits} of {DISTINCT} questions answered from what the first stored"
    );
    if hits == DISTINCT { Ok(()) } else { Err("it did not hit them all".into()) }
}

struct Redis {
    child: Child,
    url: String,
}

impl Redis {
    /// On a socket in this directory; `None` where it is not installed.
    fn start(dir: &Path) -> Option<Self> {
        let socket = dir.join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Self { child, url: format!("unix://{}", socket.display()) };
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
