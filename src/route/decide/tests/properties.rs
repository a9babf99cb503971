//! What holds for any fleet and any request.

use proptest::prelude::*;

use super::*;

fn any_candidate() -> impl Strategy<Value = CandidateInput> {
    let state = (0u8..10, 0u8..10, any::<bool>(), 0u64..5_000, 1.0..300.0f64);
    let figures = (
        proptest::option::weighted(0.9, (0i64..20_000_000, 0i64..80_000_000)),
        proptest::array::uniform8(0.0f32..1.0),
        0u64..200_000,
    );
    (figures, state).prop_map(
        |((prices, quality, context), (circuit, other, cold, ttft, speed))| {
            let mut c = model("x", "p", None, quality, ttft, speed);
            c.rates = prices.map(|(input, output)| Rates {
                input: Price::from_pico_per_token(input),
                cached_input: Price::from_pico_per_token(input / 10),
                cache_write: Price::FREE,
                cache_write_1h: None,
                output: Price::from_pico_per_token(output),
            });
            c.context = context;
            c.circuit = match circuit {
                0 | 1 => CircuitView::Open { until: later(i64::from(other) + 1) },
                2 => CircuitView::HalfOpen,
                _ => CircuitView::Closed,
            };
            match other {
                0 => c.shifted_until = Some(later(60)),
                1 => c.limited_until = Some(later(30)),
                2 => c.key = KeyState::Missing("KEY".into()),
                3 => c.present = false,
                _ => {}
            }
            c.cold_extra_ms = if cold { 3_000 } else { 0 };
            c.health.warmth = if cold { Warmth::Cold } else { Warmth::Warm };
            c
        },
    )
}

prop_compose! {
    fn any_input()(
        mut candidates in proptest::collection::vec(any_candidate(), 0..12),
        weights in proptest::array::uniform3(0.0f64..1.0),
        difficulty in 0.0f32..1.0,
        tokens in 1u64..100_000,
        output in 1u64..4_000,
        pace in 0.0f64..4.0,
        prompt in 0usize..5,
    ) -> DecisionInput {
        for (index, candidate) in candidates.iter_mut().enumerate() {
            candidate.model = ModelName::from(format!("m{index:02}"));
            candidate.provider = format!("p{}", index % 4).into();
        }
        let mut input = input([FACT, CODE, PROOF, STORY, TO_CHINESE][prompt]);
        input.candidates = candidates;
        input.weights = weights;
        input.budget_pace = pace;
        input.features.difficulty = difficulty;
        input.features.input_tokens = tokens;
        input.features.output_tokens = output;
        input
    }
}

/// Is anything wrong with its provider, as opposed to with its figures?
fn broken(candidate: &CandidateInput) -> bool {
    matches!(candidate.circuit, CircuitView::Open { .. })
        || candidate.limited_until.is_some()
        || !candidate.present
        || candidate.key != KeyState::Ready
}

fn cost_of(decision: &Decision) -> Option<f64> {
    decision.chosen().map(|c| crate::route::score::cost_value(c.estimate.cost))
}

proptest! {
    #[test]
    fn a_broken_one_is_never_chosen_while_a_healthy_one_fits(input in any_input()) {
        let decision = decide(&input);
        if let Some(first) = decision.chosen() {
            let from = input.candidates.iter().find(|c| c.model == first.model).unwrap();
            let healthy = input.candidates.iter().any(|c| {
                let needs = input.features.input_tokens + input.features.output_tokens.min(c.max_output);
                !broken(c) && c.rates.is_some() && needs <= c.context && c.shifted_until.is_none()
            });
            prop_assert!(!(healthy && broken(from)), "{}", decision.reason);
        }
    }

    #[test]
    fn more_weight_on_cost_never_chooses_a_dearer_one(input in any_input(), by in 0.0f64..1.0) {
        let base = score::normalised(input.weights);
        let before = decide(&with_policy(&input, "a", base));
        let more = with_cost(base, base[1] + (1.0 - base[1]) * by * 0.99);
        let after = decide(&with_policy(&input, "a", more));
        if let (Some(before), Some(after)) = (cost_of(&before), cost_of(&after)) {
            prop_assert!(after >= before - 1e-9);
        }
    }

    #[test]
    fn running_ahead_of_the_budget_never_chooses_a_dearer_one(mut input in any_input(), by in 0.0f64..9.0) {
        let before = decide(&input);
        input.budget_pace += by;
        let after = decide(&input);
        if let (Some(before), Some(after)) = (cost_of(&before), cost_of(&after)) {
            prop_assert!(after >= before - 1e-9);
        }
    }

    #[test]
    fn dropping_a_loser_never_changes_the_winner(mut input in any_input(), which in any::<prop::sample::Index>()) {
        let before = decide(&input);
        if let Some(winner) = before.chosen().map(|c| c.model.clone())
            && input.candidates.len() > 1
        {
            let index = which.index(input.candidates.len());
            if input.candidates[index].model != winner {
                input.candidates.remove(index);
                let after = decide(&input);
                prop_assert_eq!(&after.chosen().unwrap().model, &winner);
            }
        }
    }

    #[test]
    fn a_kept_input_decides_the_same_again(input in any_input()) {
        let json = serde_json::to_string(&input).unwrap();
        let kept: DecisionInput = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(decide(&kept), decide(&input));
    }
}
