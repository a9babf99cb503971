//! What a candidate is worth for a request: quality, cost and speed on absolute scales, added.
//!
//! Owns: the three values, the estimate behind them, the weights in force, the quality floor. Must
//! not know: other candidates. Invariant: a candidate's score depends on itself and the request
//! alone, so dropping a loser can never change the winner.

use crate::domain::{Estimate, Factor, Money, RequestFeatures, Score, TaskKind, Usage};

use super::features::tokens_per_char;
use super::{CandidateInput, Counted, DecisionInput, Warmth};

/// Weights used when those given are no weights at all.
const FALLBACK_WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];

/// Of the weight not yet on cost, the most that spending ahead of its budget's pace can move there.
const PACE_MOST: f64 = 0.6;

/// Dollars below which a cost hardly counts, and dollars at which its value reaches 0.
const COST_SMALL: f64 = 0.000_02;
const COST_LARGE: f64 = 2.0;

/// Seconds below which a wait hardly counts, and seconds at which its value reaches 0.
const WAIT_SHORT: f64 = 0.3;
const WAIT_LONG: f64 = 120.0;

/// Share of the streaming time that counts as waiting for the `realtime` policy: there the first
/// token is what matters.
const REALTIME_STREAM: f64 = 0.05;

/// Seconds a failed attempt is expected to lose; times the error rate it is added to the wait.
const FAILURE_SECONDS: f64 = 4.0;

/// Quality kept in a language that a model is not listed for, and where it lists none at all and
/// the language is not English.
const FOREIGN: f64 = 0.85;
const UNLISTED: f64 = 0.96;

/// Tokens per second where neither prior nor measurement is a number above zero.
const SPEED_FALLBACK: f64 = 30.0;

/// The policy whose speed is the first token's alone.
pub const REALTIME: &str = "realtime";

/// A candidate's figures for a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Worth {
    pub(crate) quality: f64,
    pub(crate) cost: f64,
    pub(crate) speed: f64,
    pub(crate) estimate: Estimate,
}

fn unit(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 }
}

/// Non-negative weights that sum to 1; balanced ones where there is nothing to go by.
pub(crate) fn normalised(weights: [f64; 3]) -> [f64; 3] {
    let weights = weights.map(|w| if w.is_finite() && w > 0.0 { w.min(1e9) } else { 0.0 });
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 { weights.map(|w| w / sum) } else { FALLBACK_WEIGHTS }
}

/// Weights with spending's pace taken into account: at pace 1 or less as they are; above it a share
/// `0.6 × (1 − 1/pace)` of what is on quality and speed moves to cost, in proportion. Twice the pace
/// moves 30%, ten times 54%.
pub(crate) fn paced(weights: [f64; 3], pace: f64) -> [f64; 3] {
    let [quality, cost, speed] = normalised(weights);
    if pace.is_nan() || pace <= 1.0 {
        return [quality, cost, speed];
    }
    let moved = PACE_MOST * (1.0 - 1.0 / pace);
    let keep = 1.0 - moved;
    [quality * keep, cost + (1.0 - cost) * moved, speed * keep]
}

/// The least prior worth asking while others are there, however easy the work: below it a model fails
/// more than half of middling work.
const LEAST_PRIOR: f64 = 0.45;

/// The least quality that is good enough. It depends on how a policy weighs quality against speed
/// and not on its weight for cost: cheap means the cheapest that is good enough, and turning cost up
/// lets no model in that was not good enough before. `balanced` comes to 0.60, and to more for easy
/// work, which almost anyone does well.
pub(crate) fn floor(weights: [f64; 3], features: &RequestFeatures) -> f64 {
    let [quality, _, speed] = normalised(weights);
    let share = if quality + speed > 0.0 { quality / (quality + speed) } else { 0.7 };
    (0.40 + 0.28 * share).max(LEAST_PRIOR.powf(exponent(features)))
}

/// Difficulty at which a prior is taken as it is.
const MIDDLING: f64 = 0.3;

/// A long piece of prose shows a model's voice however simple the request: it counts as at least this
/// difficult from this many tokens on, and in proportion below.
const VOICE: f64 = 0.45;
const VOICE_TOKENS: f64 = 250.0;

/// What a prior is raised to: 0.1 for the easiest work (everyone is close to 1), 1 for middling, 3.8
/// for the hardest (the weak fall far behind the strong).
fn exponent(features: &RequestFeatures) -> f64 {
    let mut difficulty = unit(f64::from(features.difficulty));
    if features.task == TaskKind::Prose {
        difficulty =
            difficulty.max(VOICE * (features.output_tokens as f64 / VOICE_TOKENS).min(1.0));
    }
    if difficulty <= MIDDLING {
        0.1 + 0.9 * difficulty / MIDDLING
    } else {
        1.0 + 4.0 * (difficulty - MIDDLING)
    }
}

/// Expected quality for this mix of work at this difficulty, 0 to 1.
///
/// A prior is what a model shows at middling difficulty. Easy work lifts everyone towards 1, hard
/// work pushes down, the weak ones more: the prior is raised to a power that grows with difficulty.
pub(crate) fn quality(candidate: &CandidateInput, features: &RequestFeatures) -> f64 {
    let mut known = 0.0;
    let mut sum = 0.0;
    for (kind, share) in &features.tasks {
        let share = unit(f64::from(*share)).min(1.0 - known);
        known += share;
        sum += share * unit(f64::from(candidate.quality.get(*kind)));
    }
    sum += (1.0 - known) * unit(f64::from(candidate.quality.get(TaskKind::Chat)));
    let language = if candidate.languages.contains(&features.lang) {
        1.0
    } else if !candidate.languages.is_empty() {
        FOREIGN
    } else if features.lang == crate::domain::Lang::EN {
        1.0
    } else {
        UNLISTED
    };
    unit(unit(sum * language).powf(exponent(features)))
}

/// Prompt tokens with this candidate's vocabulary: as counted where they were, else from its learned
/// factors per script.
pub fn input_tokens(candidate: &CandidateInput, features: &RequestFeatures) -> u64 {
    if let Some(Counted { tokens, factor }) = candidate.counted {
        let factor = if factor.is_finite() { f64::from(factor.clamp(0.1, 10.0)) } else { 1.0 };
        return (tokens as f64 * factor).ceil() as u64;
    }
    if candidate.token_factors.is_empty() {
        return features.input_tokens;
    }
    let (mut plain, mut corrected) = (0.0f64, 0.0f64);
    for (script, share) in &features.scripts {
        let tokens = f64::from(share * tokens_per_char(*script));
        let factor = candidate
            .token_factors
            .iter()
            .find(|(s, _)| s == script)
            .map_or(1.0, |(_, factor)| f64::from(*factor));
        plain += tokens;
        corrected += tokens * if factor.is_finite() { factor.clamp(0.1, 10.0) } else { 1.0 };
    }
    if plain > 0.0 {
        (features.input_tokens as f64 * corrected / plain).ceil() as u64
    } else {
        features.input_tokens
    }
}

fn speed_of(candidate: &CandidateInput) -> f64 {
    let good = |speed: &f64| speed.is_finite() && *speed > 0.0;
    candidate
        .health
        .tokens_per_s
        .filter(good)
        .or(Some(candidate.tokens_per_s_prior).filter(good))
        .unwrap_or(SPEED_FALLBACK)
        .max(0.1)
}

/// What asking would cost and take now.
pub(crate) fn estimate(candidate: &CandidateInput, input: &DecisionInput) -> Estimate {
    let features = &input.features;
    let input_tokens = input_tokens(candidate, features);
    let cap = input.max_tokens.map_or(u64::MAX, |cap| u64::from(cap).max(1));
    let output_tokens = features.output_tokens.min(cap).min(candidate.max_output.max(1));
    let cost = candidate.rates.map(|rates| {
        rates.cost(&Usage {
            input: input_tokens,
            cached_input: candidate.warm_prefix_tokens.min(input_tokens),
            cache_write: 0,
            cache_write_1h: 0,
            output: output_tokens,
            reasoning: 0,
            estimated: true,
        })
    });
    let cold = match candidate.health.warmth {
        Warmth::Cold => candidate.cold_extra_ms,
        Warmth::Warm => 0,
    };
    let ttft_ms = candidate.health.ttft_p50.unwrap_or(candidate.ttft_prior_ms).saturating_add(cold);
    let stream_ms = (output_tokens as f64 / speed_of(candidate) * 1000.0).min(86_400_000.0) as u64;
    Estimate {
        cost,
        ttft_ms,
        total_ms: ttft_ms.saturating_add(stream_ms),
        input_tokens,
        output_tokens,
    }
}

/// 1 for nothing, 0 for [`COST_LARGE`]; logarithmic, so that ten times dearer counts the same
/// anywhere above [`COST_SMALL`]. An unknown cost is worth nothing.
pub(crate) fn cost_value(cost: Option<Money>) -> f64 {
    cost.map_or(0.0, |cost| {
        let dollars = cost.dollars().max(0.0);
        unit(1.0 - (1.0 + dollars / COST_SMALL).ln() / (1.0 + COST_LARGE / COST_SMALL).ln())
    })
}

fn speed_value(candidate: &CandidateInput, estimate: &Estimate, policy: &str) -> f64 {
    let ttft = estimate.ttft_ms as f64 / 1000.0;
    let stream = estimate.total_ms.saturating_sub(estimate.ttft_ms) as f64 / 1000.0;
    let counted = if policy == REALTIME { REALTIME_STREAM } else { 1.0 };
    let lost = unit(f64::from(candidate.health.error_rate)) * FAILURE_SECONDS;
    let wait = ttft + stream * counted + lost;
    unit(1.0 - (1.0 + wait / WAIT_SHORT).ln() / (1.0 + WAIT_LONG / WAIT_SHORT).ln())
}

/// All of a candidate's figures.
pub(crate) fn worth(candidate: &CandidateInput, input: &DecisionInput, policy: &str) -> Worth {
    let estimate = estimate(candidate, input);
    Worth {
        quality: quality(candidate, &input.features),
        cost: cost_value(estimate.cost),
        speed: speed_value(candidate, &estimate, policy),
        estimate,
    }
}

impl Worth {
    /// The sum under these weights.
    pub(crate) fn total(&self, weights: [f64; 3]) -> f64 {
        self.quality * weights[0] + self.cost * weights[1] + self.speed * weights[2]
    }

    /// The sum with its parts, for the record.
    pub(crate) fn score(&self, weights: [f64; 3]) -> Score {
        let factors = [("quality", self.quality), ("cost", self.cost), ("speed", self.speed)]
            .into_iter()
            .zip(weights)
            .map(|((name, value), weight)| Factor {
                name: name.to_owned(),
                value,
                weight,
                points: value * weight,
            })
            .collect();
        Score { total: self.total(weights), factors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_made_usable() {
        assert_eq!(normalised([f64::NAN, -1.0, 0.0]), FALLBACK_WEIGHTS);
        assert_eq!(normalised([2.0, 1.0, 1.0]), [0.5, 0.25, 0.25]);
    }

    #[test]
    fn spending_ahead_of_pace_moves_weight_to_cost_and_no_further_than_a_limit() {
        let base = [0.5, 0.3, 0.2];
        assert_eq!(paced(base, 1.0), base);
        assert_eq!(paced(base, 0.2), base);
        assert_eq!(paced(base, f64::NAN), base);
        let mut last = base[1];
        for pace in [1.1, 1.5, 2.0, 5.0, 1e9, f64::INFINITY] {
            let weights = paced(base, pace);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!(weights[1] >= last);
            last = weights[1];
        }
        assert!(last <= 0.73);
    }

    #[test]
    fn cost_is_worth_less_the_more_it_is() {
        let value = |dollars: &str| cost_value(Some(dollars.parse().unwrap()));
        assert!((value("0") - 1.0).abs() < 1e-9);
        assert!(value("0.0001") > value("0.001") && value("0.001") > value("0.01"));
        assert!(value("5").abs() < 1e-9);
        assert!(cost_value(None).abs() < 1e-9);
    }
}
