//! Who is chosen on figures alone, and how it is told.

use super::*;

#[test]
fn the_shipped_policies_send_typical_prompts_where_a_person_would() {
    let table: [(&str, [f64; 3], &str, &[&str]); 13] = [
        ("balanced", BALANCED, FACT, &["mini", "local"]),
        ("balanced", BALANCED, CODE, &["deepseek"]),
        ("balanced", BALANCED, PROOF, &["opus", "sonnet"]),
        ("balanced", BALANCED, STORY, &["opus", "sonnet"]),
        ("balanced", BALANCED, "three names for a bakery", &["mini", "deepseek", "qwen"]),
        ("balanced", BALANCED, TO_CHINESE, &["qwen"]),
        ("cheapest", CHEAPEST, FACT, &["local"]),
        ("cheapest", CHEAPEST, CODE, &["deepseek", "local", "mini"]),
        ("fastest", FASTEST, CODE, &["mini"]),
        ("best", BEST, CODE, &["opus", "sonnet"]),
        ("best", BEST, PROOF, &["opus"]),
        ("best", BEST, STORY, &["opus"]),
        ("realtime", REALTIME, FACT, &["local", "mini"]),
    ];
    let mut wrong = Vec::new();
    for (policy, weights, text, fine) in table {
        let decision = decide(&with_policy(&input(text), policy, weights));
        let found = decision.chosen().unwrap().model.to_string();
        if !fine.contains(&found.as_str()) {
            let field: Vec<String> = decision
                .candidates
                .iter()
                .map(|c| {
                    format!(
                        "{} q{:.2} {:.3} {:?}",
                        c.model,
                        c.quality,
                        c.score.total,
                        c.estimate.cost.map(Money::dollars)
                    )
                })
                .collect();
            wrong.push(format!(
                "{policy} {text:.20} d{:.2}: {found} {field:?}",
                decision.features.difficulty
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn hard_code_never_goes_to_a_tiny_model_while_a_good_one_is_there() {
    let decision = decide(&with_policy(&input(CODE), "cheapest", [0.05, 0.95, 0.0]));
    assert_ne!(decision.chosen().unwrap().model.as_str(), "tiny");
    assert_eq!(why(&decision, "tiny")[0].0, FilterCode::BelowQuality);
    assert!(decision.candidate("tiny").unwrap().note.starts_with("below 0."));
}

#[test]
fn the_floor_does_not_depend_on_the_weight_of_cost() {
    let features = input(CODE).features;
    let floor = |weights| score::floor(weights, &features);
    assert!((floor([0.5, 0.3, 0.2]) - 0.60).abs() < 1e-9);
    assert!((floor([0.25, 0.65, 0.1]) - floor([0.5, 0.3, 0.2])).abs() < 1e-9);
    assert!(floor([0.2, 0.1, 0.7]) < floor([0.5, 0.3, 0.2]));
    assert!(score::floor(BALANCED, &input(FACT).features) > 0.60);
}

#[test]
fn where_none_is_good_enough_the_best_is_used_and_it_says_so() {
    let mut input = input(PROOF);
    input.candidates.retain(|c| matches!(c.model.as_str(), "tiny" | "local"));
    let decision = decide(&input);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "local");
    assert!(decision.reason.contains("best there is, 0.60 asked for"), "{}", decision.reason);
}

#[test]
fn measured_slowness_moves_the_choice_and_is_noted() {
    let mut input = with_policy(&input(FACT), "fastest", FASTEST);
    let first = chosen(&input);
    edit(&mut input, &first, |c| {
        c.health.ttft_p50 = Some(6_000);
        c.health.state = HealthState::Slow;
    });
    let decision = decide(&input);
    assert_ne!(decision.chosen().unwrap().model.as_str(), first);
    assert_eq!(decision.candidate(&first).unwrap().note, "slow now");
}

#[test]
fn realtime_cares_for_the_first_token_more_than_for_the_rest() {
    let mut input = input("Explain how rivers form, in detail");
    input.candidates.retain(|c| matches!(c.model.as_str(), "mini" | "qwen"));
    // mini starts at once and then crawls; qwen starts late and then runs.
    edit(&mut input, "mini", |c| (c.ttft_prior_ms, c.tokens_per_s_prior) = (150, 25.0));
    edit(&mut input, "qwen", |c| (c.ttft_prior_ms, c.tokens_per_s_prior) = (2_500, 400.0));
    assert_eq!(chosen(&with_policy(&input, "fastest", FASTEST)), "qwen");
    assert_eq!(chosen(&with_policy(&input, "realtime", REALTIME)), "mini");
}

#[test]
fn a_warm_prompt_cache_makes_staying_cheaper() {
    let mut input = input(CODE);
    input.features.input_tokens = 50_000;
    edit(&mut input, "sonnet", |c| {
        c.rates.as_mut().unwrap().cached_input = price("0.30");
    });
    let cold = decide(&input).candidate("sonnet").unwrap().estimate.cost.unwrap();
    edit(&mut input, "sonnet", |c| c.warm_prefix_tokens = 45_000);
    let warm = decide(&input).candidate("sonnet").unwrap().estimate.cost.unwrap();
    assert_eq!(cold - warm, (price("2.70")).times(45_000));
}

#[test]
fn a_model_pays_for_what_its_vocabulary_makes_of_a_script() {
    let mut input = input("请详细解释一下量子纠缠的原理以及它的应用");
    let script = crate::domain::Script::Han;
    let plain = decide(&input).candidate("mini").unwrap().estimate.input_tokens;
    edit(&mut input, "mini", |c| c.token_factors = vec![(script, 1.6)]);
    let dear = decide(&input).candidate("mini").unwrap().estimate.input_tokens;
    assert!(dear as f64 > plain as f64 * 1.4, "{plain} {dear}");
}

#[test]
fn a_cold_endpoint_is_expected_to_start_later() {
    let mut input = input(FACT);
    edit(&mut input, "deepseek", |c| {
        c.cold_extra_ms = 4_000;
        c.health.warmth = Warmth::Cold;
    });
    assert_eq!(decide(&input).candidate("deepseek").unwrap().estimate.ttft_ms, 4_900);
}

#[test]
fn reasons_and_notes_read_well() {
    let decision = decide(&input(CODE));
    assert!(decision.reason.starts_with("code 0."), "{}", decision.reason);
    assert!(decision.reason.ends_with("that fit"), "{}", decision.reason);
    let notes: Vec<String> =
        decision.candidates.iter().map(|c| format!("{}: {}", c.model, c.note)).collect();
    assert!(notes.iter().any(|note| note.contains("x the cost")), "{notes:?}");
    let mut one = input(CODE);
    one.candidates.retain(|c| c.model.as_str() == "deepseek");
    assert!(decide(&one).reason.ends_with("the only one that fits"));
    one.candidates.clear();
    assert_eq!(decide(&one).reason, "no model is set up");
}

#[test]
fn flips_say_what_would_change_the_choice_and_are_true() {
    let input = input(CODE);
    let decision = decide(&input);
    let found = flips(&input, &decision);
    let down = found.iter().find_map(|text| text.strip_prefix("cost weight under ")).unwrap();
    let (at, other) = down.split_once(" -> ").unwrap();
    let at: f64 = format!("0{at}").parse().unwrap();
    let weights = with_cost(BALANCED, at - 0.02);
    assert_eq!(chosen(&with_policy(&input, "balanced", weights)), other, "{found:?}");
    assert!(found.iter().any(|text| text.starts_with("difficulty over .")), "{found:?}");
}

#[test]
fn odd_numbers_never_panic() {
    let mut input = input(CODE);
    input.weights = [f64::NAN, f64::NEG_INFINITY, 0.0];
    input.budget_pace = f64::NAN;
    input.features.difficulty = f32::NAN;
    input.features.tasks = vec![(TaskKind::Code, f32::NAN)];
    for candidate in &mut input.candidates {
        candidate.quality = TaskTable::flat(f32::NAN);
        candidate.tokens_per_s_prior = f64::NAN;
        candidate.health.error_rate = f32::NAN;
        candidate.token_factors = vec![(crate::domain::Script::Latin, f32::NAN)];
        candidate.ttft_prior_ms = u64::MAX;
        candidate.cold_extra_ms = u64::MAX;
        candidate.health.warmth = Warmth::Cold;
    }
    let decision = decide(&input);
    assert!(decision.candidates.iter().all(|c| c.score.total.is_finite()));
    assert!(flips(&input, &decision).len() < 9);
}
