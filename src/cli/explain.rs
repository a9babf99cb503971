//! `wheelhouse explain`: the decision without asking anybody, from the same pure function and the
//! same snapshot the engine uses.

mod view;

use serde_json::json;

use crate::config::Config;
use crate::domain::{Decision, ReaderKind, ServiceTier};
use crate::engine;
use crate::route::{self, DecisionInput};
use crate::wire;

use super::args::ExplainArgs;
use super::ask::Asking;
use super::compose::{self, Setup};
use super::{Exit, Io, Stop, json as machine, kept, start};
use view::{Alternative, Detail, Explanation};

/// Decides and prints.
pub fn run(args: &ExplainArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let reader = ReaderKind::Replaceable;
    let mut asking = super::ask::asking(&args.ask, "explain", reader, io)?;
    let went_on = kept::go_on(&mut asking.request, &kept::Continue::of(&args.ask), setup)?;
    asking.say(&went_on.said, setup, io);
    let _log = setup.log()?;
    setup.know();
    let runtime = compose::runtime()?;
    let decided = runtime.block_on(decide(&mut asking, setup));
    runtime.shutdown_background();
    asking.say(&[], setup, io);
    let Decided { input, decision, tier, alternatives } = decided?;
    let flips = route::flips(&input, &decision);
    if args.ask.json {
        let value = json!({
            "schema": machine::SCHEMA,
            "chosen": decision.chosen().map(|candidate| candidate.model.as_str()),
            "reason": decision.reason,
            "service_tier": tier.map(ServiceTier::name),
            "decision": machine::decision(&decision),
            "flips": flips,
            "policies": alternatives.iter().map(|other| json!({
                "policy": other.policy,
                "chosen": other.model,
                "est_cost_usd": other.cost.map(|cost| cost.to_string()),
                "est_ttft_ms": other.ttft_ms,
            })).collect::<Vec<_>>(),
        });
        writeln!(io.out, "{value}")?;
    } else {
        let detail = if args.all { Detail::Whole } else { Detail::Short };
        let what =
            Explanation { decision: &decision, tier, flips: &flips, alternatives: &alternatives };
        for line in view::lines(&what, detail) {
            io.line(&line)?;
        }
    }
    Ok(if decision.chosen().is_some() { Exit::Done } else { Exit::Unanswered })
}

struct Decided {
    input: DecisionInput,
    decision: Decision,
    tier: Option<ServiceTier>,
    alternatives: Vec<Alternative>,
}

async fn decide(asking: &mut Asking, setup: &Setup) -> Result<Decided, Stop> {
    let running = setup.start().await?;
    let snapshot = running.settled().await;
    asking.resolve(&snapshot.config)?;
    let request = &asking.request;
    let snapshot = running.engine.snapshot_for(request).await;
    let input = snapshot.decision_input(request, engine::now(), start::seed(request));
    let decision = route::decide(&input);
    let alternatives = alternatives(&input, &snapshot.config);
    let tier = decision.chosen().and_then(|chosen| {
        let model = snapshot.config.models.get(&chosen.model)?;
        let provider = snapshot.config.provider_of(model)?;
        wire::asked_tier(request, provider.dialect, model)
    });
    Ok(Decided { input, decision, tier, alternatives })
}

fn alternatives(input: &DecisionInput, config: &Config) -> Vec<Alternative> {
    config
        .policies
        .iter()
        .filter(|(name, _)| **name != input.policy)
        .map(|(name, weights)| {
            let weights = [weights.quality, weights.cost, weights.speed];
            let decision = route::decide(&route::with_policy(input, name, weights));
            let chosen = decision.chosen();
            Alternative {
                policy: name.clone(),
                model: chosen.map(|candidate| candidate.model.to_string()),
                cost: chosen.and_then(|candidate| candidate.estimate.cost),
                ttft_ms: chosen.map(|candidate| candidate.estimate.ttft_ms),
            }
        })
        .collect()
}
