//! What keeping a model warm saves, and what it costs: the real engine against the simulated DeepSeek,
//! which is cold after 75 s. One prompt every two minutes, three ways of keeping warm. The fleet runs
//! faster than the world; times are given as they would be.
//!
//!     cargo run --release --example warm

#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wheelhouse::config::{self, KeepWarm};
use wheelhouse::domain::{ModelName, Origin, ReaderKind, Reply, Request, RequestId, Route};
use wheelhouse::engine::{self, Options, PING_EVERY, warm_cost_per_day};
use wheelhouse::sim::{self, FleetOptions, Ports};

const MODEL: &str = "sim-deepseek-flash";

/// A second of the fleet in seconds of ours.
const PACE: f64 = 0.02;

/// Between the end of an answer and the next prompt, in the fleet's time.
const PAUSE: Duration = Duration::from_mins(2);

const PROMPTS: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{PROMPTS} prompts to {MODEL}, one every {} s, cold after 75 s", PAUSE.as_secs());
    println!("keep_warm   first   later p50   least    most   tokens   cost of them");
    for (name, how) in
        [("off", KeepWarm::Off), ("free", KeepWarm::Free), ("infer", KeepWarm::Infer)]
    {
        round(name, how).await?;
    }
    Ok(())
}

async fn round(name: &str, how: KeepWarm) -> Result<(), Box<dyn Error>> {
    let fleet = sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: PACE }).await?;
    let loaded =
        config::load_demo(&fleet.config_text(), &[]).map_err(|errors| format!("{errors:?}"))?;
    let mut config = loaded.config;
    for model in config.models.values_mut() {
        model.keep_warm = if model.name.as_str() == MODEL { how } else { KeepWarm::Off };
    }
    let per_day =
        config.models.get(MODEL).and_then(|model| warm_cost_per_day(model, engine::now()));
    let options = Options {
        env: Arc::new(|_| None),
        warm_every: PING_EVERY.mul_f64(PACE),
        ..Options::default()
    };
    let engine = engine::start(Arc::new(config), options);
    let mut times = Vec::new();
    for n in 0..PROMPTS {
        if n > 0 {
            tokio::time::sleep(PAUSE.mul_f64(PACE)).await;
        }
        let id = RequestId(Uuid::now_v7());
        let prompt = "Name a prime between 80 and 90.";
        let plain = Request::new(id, Origin::Ask, ReaderKind::Replaceable, prompt);
        let request = Request { route: Route::Only(ModelName::from(MODEL)), ..plain };
        let mut stream = engine.ask(request);
        let mut reply = Reply::default();
        while let Some(event) = stream.next().await {
            reply.fold(&event);
        }
        let ttft = reply.outcome.and_then(|outcome| outcome.ttft_ms).ok_or("no answer")?;
        times.push(ttft as f64 / PACE / 1000.0);
    }
    let snapshot = engine.snapshot();
    let warm = snapshot.models.get(MODEL).map(|model| model.warm).unwrap_or_default();
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    let (least, most) = (times.first().copied(), times.last().copied());
    println!(
        "{name:9} {first:6.2}s {:10.2}s {:6.2}s {:6.2}s {:8}   {}",
        times[times.len() / 2],
        least.unwrap_or(0.0),
        most.unwrap_or(0.0),
        warm.calls,
        warm.cost.amount,
    );
    if how == KeepWarm::Infer {
        let figures = warm.figures;
        let seconds = |ms: Option<u64>| ms.map(|ms| ms as f64 / PACE / 1000.0);
        println!(
            "measured: cold p50 {:?} s, warm p50 {:?} s, {} of {} starts kept warm",
            seconds(figures.cold_p50),
            seconds(figures.warm_p50),
            figures.kept_starts,
            figures.kept_starts + figures.cold_starts,
        );
        if let Some(cost) = per_day {
            println!("said before: at most ${cost} a day");
        }
    }
    engine.close().await;
    fleet.stop().await;
    Ok(())
}
