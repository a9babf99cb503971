//! Keeping a model warm by tokens that are paid for, against a simulated provider that is slow after
//! idling: what it saves, what it costs, and that it is nobody's answer.

use std::sync::Arc;

use wheelhouse::config::{Config, KeepWarm};
use wheelhouse::domain::{Cost, Finish};
use wheelhouse::engine::{Command, Options};
use wheelhouse::route::Basis;

use super::rig::{PROMPT, Rig, finish, only};

const MODEL: &str = "sim-deepseek-flash";

/// A minute of the simulated fleet in seconds of ours; its model goes cold after 75 s.
const PACE: f64 = 0.03;

fn keeping(config: &Config, how: KeepWarm) -> Config {
    let mut config = config.clone();
    for model in config.models.values_mut() {
        model.keep_warm = if model.name.as_str() == MODEL { how } else { KeepWarm::Off };
    }
    config
}

#[tokio::test]
async fn tokens_paid_for_save_cold_starts_and_are_metered_apart() {
    let options =
        Options { warm_every: wheelhouse::engine::PING_EVERY.mul_f64(PACE), ..Options::default() };
    let rig = Rig::paced(PACE, options, |config| *config = keeping(config, KeepWarm::Off)).await;
    let (cold, ..) = rig.ask(only(MODEL, PROMPT)).await;
    assert_eq!(finish(&cold), Finish::Stop);
    let config = keeping(&rig.engine.snapshot().config, KeepWarm::Infer);
    rig.engine.send(Command::Reconfigure(Arc::new(config)));
    // Idle for longer than it stays warm by itself, but for two tokens.
    rig.until(|snapshot| snapshot.models[MODEL].warm.calls >= 2).await;
    let (warm, ..) = rig.ask(only(MODEL, PROMPT)).await;
    assert_eq!(finish(&warm), Finish::Stop);

    let ttft = |reply: &wheelhouse::domain::Reply| reply.outcome.as_ref().unwrap().ttft_ms.unwrap();
    assert!(ttft(&warm) + 40 < ttft(&cold), "cold {} ms, warm {} ms", ttft(&cold), ttft(&warm));
    let snapshot = rig.engine.snapshot();
    let status = &snapshot.models[MODEL];
    let figures = status.warm.figures;
    assert_eq!((figures.cold_starts, figures.kept_starts), (1, 1));
    assert_eq!(figures.saved_ms(0), (ttft(&cold) - ttft(&warm), Basis::Measured));
    assert_eq!(status.health.samples, 2, "a token for warmth is no sample");
    assert_eq!(status.spend.calls, 2);
    let cost = |reply: &wheelhouse::domain::Reply| reply.outcome.as_ref().unwrap().cost;
    assert_eq!(snapshot.spend.cost, cost(&cold) + cost(&warm));
    assert!(status.warm.cost.amount.pico() > 0 && status.warm.cost.exact);
    assert_eq!(snapshot.warm_cost, status.warm.cost);
    assert!(snapshot.warm_cost != Cost::ZERO);
}
