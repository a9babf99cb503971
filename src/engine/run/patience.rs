//! How long a model is waited for: the configured limits, tightened by what is known of the model
//! where there is somebody else to ask.

use std::time::Duration;

use crate::config::{Config, Limits, Model};
use crate::route::ModelHealth;

/// A learned first-token limit is never below this: a p95 of a few samples says little.
const FIRST_TOKEN_FLOOR: Duration = Duration::from_secs(3);

/// A learned limit between tokens is never below this: thinking models pause.
const BETWEEN_FLOOR: Duration = Duration::from_secs(5);

/// Samples needed before a limit is learned.
const LEAST_SAMPLES: u32 = 5;

/// A learned limit is this many times the model's own p95.
const TIMES: u32 = 3;

/// Whether somebody else could be asked when this model is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Nobody: waiting is all there is.
    Nobody,
    /// Another model is expected to begin within this.
    Within(Duration),
}

/// The limits of one attempt on this model.
///
/// A slow first token is left early only for a model that would have answered by the configured
/// limit; where nobody else is there, the configured limit holds.
pub(super) fn limits(
    config: &Config,
    model: &Model,
    health: Option<&ModelHealth>,
    elsewhere: Elsewhere,
) -> Limits {
    let mut limits = config.limits_for(model);
    if model.thinks_silently {
        let patient = Duration::from_millis(model.latency.ttft_ms * 4);
        limits.first_token = limits.first_token.max(patient);
    }
    let Some(health) = health.filter(|health| health.samples >= LEAST_SAMPLES) else {
        return limits;
    };
    let learned = |p95: Option<u64>, floor: Duration| {
        p95.map(|ms| (Duration::from_millis(ms) * TIMES).max(floor))
    };
    if let Elsewhere::Within(other) = elsewhere
        && !model.thinks_silently
        && let Some(first) = learned(health.ttft_p95, FIRST_TOKEN_FLOOR)
        && first + other <= limits.first_token
    {
        limits.first_token = first;
    }
    if let Some(between) = learned(health.gap_p95, BETWEEN_FLOOR) {
        limits.between_tokens = between.min(limits.between_tokens);
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(ttft_p95: u64, gap_p95: u64, samples: u32) -> ModelHealth {
        ModelHealth {
            ttft_p95: Some(ttft_p95),
            gap_p95: Some(gap_p95),
            samples,
            ..ModelHealth::default()
        }
    }

    fn of(health: &ModelHealth, elsewhere: Elsewhere) -> Limits {
        let config = crate::config::load(&[]).unwrap().config;
        let model = super::super::super::account::sample_model();
        limits(&config, &model, Some(health), elsewhere)
    }

    const SOON: Elsewhere = Elsewhere::Within(Duration::from_millis(600));

    #[test]
    fn a_quick_model_is_left_early_for_one_that_would_have_answered_by_then() {
        assert_eq!(of(&health(1_500, 100, 9), SOON).first_token, Duration::from_millis(4_500));
        assert_eq!(of(&health(200, 100, 9), SOON).first_token, FIRST_TOKEN_FLOOR);
        let late = Elsewhere::Within(Duration::from_secs(9));
        assert_eq!(of(&health(200, 100, 9), late).first_token, Duration::from_secs(10));
        assert_eq!(of(&health(9_000, 100, 9), SOON).first_token, Duration::from_secs(10));
    }

    #[test]
    fn with_nobody_else_or_few_samples_the_configured_limit_holds() {
        let alone = of(&health(200, 100, 9), Elsewhere::Nobody);
        assert_eq!(alone.first_token, Duration::from_secs(10));
        assert_eq!(of(&health(200, 100, 4), SOON).first_token, Duration::from_secs(10));
    }

    #[test]
    fn silence_in_mid_answer_is_measured_by_the_models_own_pauses() {
        assert_eq!(of(&health(200, 90, 9), SOON).between_tokens, BETWEEN_FLOOR);
        assert_eq!(of(&health(200, 4_000, 9), SOON).between_tokens, Duration::from_secs(12));
        assert_eq!(of(&health(200, 60_000, 9), SOON).between_tokens, Duration::from_secs(30));
    }
}
