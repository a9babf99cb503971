//! Tests of deciding, by table and by property.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    Capabilities, DecisionId, FilterCode, Lang, ModelName, Money, Origin, PinScope, Price, Rates,
    ReaderKind, Request, RequestId, TaskTable, UnixMs,
};
use crate::route::{
    CircuitView, HealthState, Imposed, KeyState, ModelHealth, RuleEffect, RuleInput, Warmth,
    features,
};

const NOW: UnixMs = UnixMs(1_795_000_000_000);

// The shipped policies' weights for quality, cost and speed.
const BALANCED: [f64; 3] = [0.5, 0.3, 0.2];
const CHEAPEST: [f64; 3] = [0.15, 0.8, 0.05];
const FASTEST: [f64; 3] = [0.25, 0.1, 0.65];
const REALTIME: [f64; 3] = [0.15, 0.05, 0.8];
const BEST: [f64; 3] = [0.85, 0.05, 0.10];

fn later(seconds: i64) -> UnixMs {
    UnixMs(NOW.0 + seconds * 1000)
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// A model with quality per kind in the order code, structured, extraction, summary, prose,
/// reasoning, translation, chat.
fn model(
    name: &str,
    provider: &str,
    prices: Option<(&str, &str)>,
    quality: [f32; 8],
    ttft_ms: u64,
    speed: f64,
) -> CandidateInput {
    let mut table = TaskTable::default();
    for (kind, value) in TaskKind::ALL.into_iter().zip(quality) {
        table.set(kind, value);
    }
    CandidateInput {
        model: name.into(),
        provider: provider.into(),
        tags: Vec::new(),
        failure_domain: provider.to_owned(),
        rates: prices.map(|(input, output)| Rates {
            input: price(input),
            cached_input: price(input),
            cache_write: Price::FREE,
            output: price(output),
        }),
        context: 128_000,
        max_output: 8_192,
        capabilities: Capabilities::default(),
        quality: table,
        quality_set: Vec::new(),
        languages: Vec::new(),
        token_factors: Vec::new(),
        ttft_prior_ms: ttft_ms,
        cold_extra_ms: 0,
        tokens_per_s_prior: speed,
        health: ModelHealth { warmth: Warmth::Warm, ..ModelHealth::default() },
        circuit: CircuitView::Closed,
        key: KeyState::Ready,
        present: true,
        limited_until: None,
        shifted_until: None,
        maintenance: false,
        drained: false,
        vetoed_until: None,
        retired: None,
        over_budget: None,
        warm_prefix_tokens: 0,
    }
}

/// A plausible set, from the strongest to the smallest.
fn fleet() -> Vec<CandidateInput> {
    let mut list = vec![
        model(
            "opus",
            "anthropic",
            Some(("5", "25")),
            [0.93, 0.92, 0.92, 0.92, 0.96, 0.94, 0.92, 0.93],
            900,
            60.0,
        ),
        model(
            "sonnet",
            "anthropic",
            Some(("3", "15")),
            [0.89, 0.89, 0.88, 0.88, 0.90, 0.89, 0.88, 0.88],
            800,
            70.0,
        ),
        model(
            "deepseek",
            "deepseek",
            Some(("0.28", "0.42")),
            [0.87, 0.88, 0.83, 0.80, 0.73, 0.80, 0.82, 0.82],
            900,
            90.0,
        ),
        model(
            "qwen",
            "dashscope",
            Some(("0.40", "1.20")),
            [0.84, 0.85, 0.83, 0.82, 0.78, 0.80, 0.84, 0.82],
            700,
            90.0,
        ),
        model(
            "mini",
            "openai",
            Some(("0.15", "0.60")),
            [0.74, 0.76, 0.75, 0.75, 0.72, 0.66, 0.76, 0.76],
            400,
            130.0,
        ),
        model(
            "local",
            "ollama",
            Some(("0", "0")),
            [0.58, 0.58, 0.55, 0.58, 0.58, 0.45, 0.60, 0.62],
            300,
            35.0,
        ),
        model(
            "tiny",
            "llamacpp",
            Some(("0", "0")),
            [0.15, 0.15, 0.15, 0.20, 0.25, 0.10, 0.20, 0.30],
            100,
            60.0,
        ),
    ];
    for code in ["zh", "en", "ja"] {
        list[3].languages.push(Lang::new(code).unwrap());
    }
    list.sort_by(|a, b| a.model.cmp(&b.model));
    list
}

fn input(text: &str) -> DecisionInput {
    let request = RequestId(Uuid::from_u128(7));
    let asked = Request::new(request, Origin::Chat, ReaderKind::Replaceable, text);
    DecisionInput {
        version: crate::route::INPUT_VERSION,
        id: DecisionId(Uuid::from_u128(8)),
        request,
        now: NOW,
        seed: 1,
        policy: "balanced".into(),
        weights: BALANCED,
        budget_pace: 1.0,
        rules: Vec::new(),
        imposed: None,
        features: features(&asked),
        max_tokens: None,
        candidates: fleet(),
    }
}

fn chosen(input: &DecisionInput) -> String {
    decide(input).chosen().map_or("nobody".into(), |c| c.model.to_string())
}

fn edit(input: &mut DecisionInput, name: &str, change: impl FnOnce(&mut CandidateInput)) {
    change(input.candidates.iter_mut().find(|c| c.model.as_str() == name).unwrap());
}

fn why(decision: &Decision, name: &str) -> Vec<(FilterCode, String)> {
    decision
        .candidate(name)
        .unwrap()
        .filtered
        .iter()
        .map(|reason| (reason.code, reason.detail.clone()))
        .collect()
}

const FACT: &str = "What is the capital of Burkina Faso?";
const CODE: &str = "Write a Rust function that parses ISO dates without allocating.";
const PROOF: &str = "Prove the theorem rigorously: every bounded monotone sequence converges. You \
    must give a counterexample for each dropped condition, derive the bound and discuss optimality.";
const STORY: &str = "Write a short story about a lighthouse keeper, vivid and witty.";
const TO_CHINESE: &str = "Translate into Chinese: the meeting was moved to Friday.";

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
fn every_filter_says_its_figure() {
    let mut input = input(FACT);
    input.features.input_tokens = 12_000;
    input.features.needs.vision = true;
    for candidate in &mut input.candidates {
        candidate.capabilities.vision = true;
    }
    type Change = Box<dyn Fn(&mut CandidateInput)>;
    let cases: Vec<(FilterCode, &str, Change)> = vec![
        (FilterCode::Capability, "no images", Box::new(|c| c.capabilities.vision = false)),
        (FilterCode::Context, "needs 12k, holds 8.2k", Box::new(|c| c.context = 8_192)),
        (
            FilterCode::NoKey,
            "set DEEPSEEK_API_KEY",
            Box::new(|c| c.key = KeyState::Missing("DEEPSEEK_API_KEY".into())),
        ),
        (
            FilterCode::Account,
            "balance is used up",
            Box::new(|c| c.key = KeyState::Refused("balance is used up".into())),
        ),
        (FilterCode::Absent, "deepseek does not answer", Box::new(|c| c.present = false)),
        (
            FilterCode::Retired,
            "retired on 2026-07-24",
            Box::new(|c| c.retired = Some("retired on 2026-07-24".into())),
        ),
        (FilterCode::NoPrice, "no price known; name it to use it", Box::new(|c| c.rates = None)),
        (
            FilterCode::Vetoed,
            "vetoed by you for 41s",
            Box::new(|c| c.vetoed_until = Some(later(41))),
        ),
        (
            FilterCode::Vetoed,
            "vetoed by you",
            Box::new(|c| c.vetoed_until = Some(UnixMs(i64::MAX))),
        ),
        (FilterCode::Drained, "deepseek is drained", Box::new(|c| c.drained = true)),
        (FilterCode::Maintenance, "deepseek is in maintenance", Box::new(|c| c.maintenance = true)),
        (
            FilterCode::Budget,
            "day budget of $2.00 is used",
            Box::new(|c| c.over_budget = Some("day budget of $2.00 is used".into())),
        ),
        (
            FilterCode::CircuitOpen,
            "retry in 41s",
            Box::new(|c| c.circuit = CircuitView::Open { until: later(41) }),
        ),
        (FilterCode::RateLimited, "retry in 4m", Box::new(|c| c.limited_until = Some(later(240)))),
        (
            FilterCode::Shifted,
            "too slow, back in 4m",
            Box::new(|c| c.shifted_until = Some(later(240))),
        ),
    ];
    for (code, detail, change) in cases {
        let mut input = input.clone();
        edit(&mut input, "deepseek", |c| change(c));
        let decision = decide(&input);
        assert_eq!(why(&decision, "deepseek"), [(code, detail.to_owned())]);
        assert_ne!(decision.chosen().unwrap().model.as_str(), "deepseek");
    }
}

#[test]
fn reasons_come_in_one_order_whatever_is_wrong() {
    let mut input = input(FACT);
    edit(&mut input, "deepseek", |c| {
        c.shifted_until = Some(later(5));
        c.circuit = CircuitView::Open { until: later(5) };
        c.drained = true;
        c.key = KeyState::Missing("K".into());
        c.context = 1;
    });
    let codes: Vec<FilterCode> =
        why(&decide(&input), "deepseek").into_iter().map(|(code, _)| code).collect();
    assert_eq!(
        codes,
        [
            FilterCode::Context,
            FilterCode::NoKey,
            FilterCode::Drained,
            FilterCode::CircuitOpen,
            FilterCode::Shifted
        ]
    );
}

#[test]
fn usable_ones_come_first_and_the_filtered_follow_by_name() {
    let mut input = input(CODE);
    edit(&mut input, "opus", |c| c.present = false);
    edit(&mut input, "mini", |c| c.present = false);
    let decision = decide(&input);
    let usable = decision.ranked().count();
    assert!(decision.candidates[..usable].is_sorted_by(|a, b| a.score.total >= b.score.total));
    assert!(decision.candidates[usable..].is_sorted_by(|a, b| a.model < b.model));
}

#[test]
fn a_pin_wins_and_the_rest_follow_as_ranked() {
    let mut input = input(FACT);
    let auto = chosen(&input);
    let pin = |scope| Some(Imposed { scope, model: "opus".into(), exclusive: false });
    for (scope, reason) in [
        (PinScope::All, "pinned by you"),
        (PinScope::Session, "pinned by you, this chat"),
        (PinScope::Message, "one-shot @opus"),
        (PinScope::Tag("legal".into()), "pinned by you for #legal"),
    ] {
        input.imposed = pin(scope);
        let decision = decide(&input);
        assert_eq!(decision.chosen().unwrap().model.as_str(), "opus");
        assert_eq!(decision.reason, reason);
        assert!(decision.ranked().count() > 1);
        let would_be = decision.imposed.as_ref().unwrap().would_be.as_ref().unwrap();
        assert_eq!(would_be.as_str(), auto);
        assert_eq!(flips(&input, &decision), [format!("without the pin -> {auto}")]);
    }
}

#[test]
fn an_exclusive_pin_lets_no_other_answer() {
    let mut input = input(FACT);
    input.imposed = Some(Imposed { scope: PinScope::All, model: "opus".into(), exclusive: true });
    let decision = decide(&input);
    assert_eq!(decision.ranked().count(), 1);
    assert_eq!(why(&decision, "mini")[0], (FilterCode::NotPinned, "only opus may answer".into()));
    edit(&mut input, "opus", |c| c.key = KeyState::Missing("ANTHROPIC_API_KEY".into()));
    let decision = decide(&input);
    assert_eq!(decision.ranked().count(), 0);
    assert_eq!(decision.reason, "opus: no key, set ANTHROPIC_API_KEY");
    input.imposed.as_mut().unwrap().model = "gone".into();
    assert_eq!(decide(&input).reason, "gone is not in the registry");
}

#[test]
fn a_pinned_model_that_cannot_answer_gives_way_visibly() {
    let mut input = input(FACT);
    input.imposed = Some(Imposed { scope: PinScope::All, model: "opus".into(), exclusive: false });
    edit(&mut input, "opus", |c| c.circuit = CircuitView::Open { until: later(41) });
    let decision = decide(&input);
    assert_ne!(decision.chosen().unwrap().model.as_str(), "opus");
    assert!(
        decision.reason.starts_with("opus: circuit open, retry in 41s; short factual"),
        "{}",
        decision.reason
    );
}

#[test]
fn naming_a_model_lifts_what_only_keeps_auto_away() {
    let mut input = input(CODE);
    edit(&mut input, "tiny", |c| {
        c.rates = None;
        c.retired = Some("retired".into());
        c.vetoed_until = Some(later(9));
    });
    input.imposed =
        Some(Imposed { scope: PinScope::Message, model: "tiny".into(), exclusive: false });
    assert_eq!(chosen(&input), "tiny");
    input.imposed.as_mut().unwrap().scope = PinScope::Session;
    assert_eq!(why(&decide(&input), "tiny")[0].0, FilterCode::Vetoed);
}

fn rule(effect: RuleEffect, words: &str) -> RuleInput {
    RuleInput { task: None, min_context: None, tag: None, lang: None, effect, words: words.into() }
}

#[test]
fn rules_prefer_restrict_avoid_and_change_the_policy() {
    let mut input = input(CODE);
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut prefer =
        rule(RuleEffect::Prefer(list(&["ollama", "opus"])), "task code: prefer ollama, opus");
    prefer.task = Some(TaskKind::Code);
    input.rules = vec![prefer];
    let decision = decide(&input);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "local");
    assert_eq!(decision.candidates[1].model.as_str(), "opus");
    assert_eq!(decision.reason, "rule task code: prefer ollama, opus");
    assert_eq!(decision.rule.as_deref(), Some("task code: prefer ollama, opus"));

    input.rules = vec![rule(RuleEffect::Only(list(&["anthropic"])), "only anthropic")];
    let decision = decide(&input);
    assert!(decision.ranked().all(|c| c.provider.as_str() == "anthropic"));
    assert_eq!(why(&decision, "mini")[0], (FilterCode::Policy, "rule only anthropic".into()));

    input.rules = vec![rule(RuleEffect::Avoid(list(&["deepseek"])), "avoid deepseek")];
    assert_ne!(chosen(&input), "deepseek");

    input.rules =
        vec![rule(RuleEffect::Policy { name: "best".into(), weights: [85, 5, 10] }, "policy best")];
    let decision = decide(&input);
    assert_eq!(decision.policy, "best");
    assert_eq!(decision.weights, [0.85, 0.05, 0.10]);
}

#[test]
fn the_first_rule_that_holds_decides() {
    let mut input = input(CODE);
    let avoid = |name: &str| RuleEffect::Avoid(vec![name.to_owned()]);
    let mut other = rule(avoid("mini"), "other");
    other.task = Some(TaskKind::Prose);
    let mut big = rule(avoid("mini"), "big");
    big.min_context = Some(1_000_000);
    let mut foreign = rule(avoid("mini"), "foreign");
    foreign.lang = Lang::new("ja");
    let mut tagged = rule(avoid("mini"), "tagged");
    tagged.tag = Some("legal".into());
    input.rules =
        vec![other, big, foreign, tagged, rule(avoid("opus"), "all"), rule(avoid("qwen"), "late")];
    assert_eq!(decide(&input).rule.as_deref(), Some("all"));
    input.features.tags = vec!["Legal".into()];
    assert_eq!(decide(&input).rule.as_deref(), Some("tagged"));
}

#[test]
fn a_conversations_pin_does_not_carry_a_guarded_message_out() {
    let mut input = input(CODE);
    let mut guard = rule(RuleEffect::Only(vec!["ollama".into()]), "tag private: only ollama");
    guard.tag = Some("private".into());
    input.rules = vec![guard];
    input.features.tags = vec!["private".into()];
    input.imposed =
        Some(Imposed { scope: PinScope::Session, model: "opus".into(), exclusive: false });
    assert_eq!(chosen(&input), "local");
    input.imposed.as_mut().unwrap().scope = PinScope::Message;
    assert_eq!(chosen(&input), "opus");
}

#[test]
fn with_all_circuits_open_the_one_nearest_its_retry_is_used_visibly() {
    let mut input = input(CODE);
    for (index, candidate) in input.candidates.iter_mut().enumerate() {
        candidate.circuit = CircuitView::Open { until: later(100 - index as i64) };
    }
    let decision = decide(&input);
    let nearest = input.candidates.last().unwrap().model.clone();
    assert_eq!(decision.ranked().count(), 1);
    assert_eq!(decision.chosen().unwrap().model, nearest);
    assert_eq!(decision.reason, format!("all circuits open: {nearest} is nearest its retry, 94s"));
}

#[test]
fn slow_beats_down_and_a_short_wait_beats_nothing() {
    let mut input = input(CODE);
    input.candidates.retain(|c| matches!(c.model.as_str(), "opus" | "mini" | "qwen"));
    edit(&mut input, "opus", |c| c.circuit = CircuitView::Open { until: later(1) });
    edit(&mut input, "mini", |c| c.shifted_until = Some(later(200)));
    edit(&mut input, "qwen", |c| c.limited_until = Some(later(2)));
    let decision = decide(&input);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "mini");
    assert_eq!(decision.reason, "all slow now, least bad one used");
    input.candidates.retain(|c| c.model.as_str() == "qwen");
    assert_eq!(decide(&input).reason, "all limited: qwen is free in 2s");
    edit(&mut input, "qwen", |c| c.limited_until = Some(later(60)));
    assert_eq!(decide(&input).reason, "no model can take it: rate limit (1)");
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

// Properties over arbitrary fleets.

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
