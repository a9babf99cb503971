//! What keeps a model out, in which words, and what is done when all are kept out.

use super::*;

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
            FilterCode::RateLimited,
            "429 in about 8s at this rate",
            Box::new(|c| c.forecast = Some(runs_out(8))),
        ),
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

/// A limit of 60 requests a minute that is used up in so many seconds.
fn runs_out(seconds: i64) -> Forecast {
    Forecast {
        what: "requests".to_owned(),
        left: 12,
        limit: Some(60),
        runs_out: later(seconds),
        resets_at: Some(later(45)),
        outlook: Outlook::Ahead,
    }
}

#[test]
fn a_limit_that_runs_out_much_later_or_has_reset_keeps_nobody_out() {
    let mut input = input(FACT);
    let usual = decide(&input).chosen().unwrap().model.to_string();
    edit(&mut input, &usual, |c| c.forecast = Some(runs_out(40)));
    assert_eq!(decide(&input).chosen().unwrap().model.as_str(), usual);
    edit(&mut input, &usual, |c| c.forecast = Some(runs_out(8)));
    let decision = decide(&input);
    assert_ne!(decision.chosen().unwrap().model.as_str(), usual);
    assert_eq!(decision.candidate(&usual).unwrap().note, "429 in about 8s at this rate");
    input.now = later(46);
    assert_eq!(decide(&input).chosen().unwrap().model.as_str(), usual);
}

#[test]
fn with_nobody_else_what_is_left_of_a_limit_is_used_and_said() {
    let mut input = input(FACT);
    input.candidates.retain(|c| matches!(c.model.as_str(), "mini" | "deepseek"));
    edit(&mut input, "mini", |c| c.shifted_until = Some(later(200)));
    edit(&mut input, "deepseek", |c| c.forecast = Some(runs_out(8)));
    let decision = decide(&input);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "deepseek");
    let words = "nobody else is left: deepseek, 429 in about 8s at this rate";
    assert_eq!(decision.reason, words);
}

#[test]
fn slow_or_scarce_is_kept_for_what_nobody_else_is_good_enough_for() {
    let mut input = input(CODE);
    input.features.difficulty = 0.9;
    let floor_keeps = decide(&input);
    let best = floor_keeps.chosen().unwrap().model.to_string();
    let good: Vec<String> = floor_keeps.ranked().map(|c| c.model.to_string()).collect();
    assert!(floor_keeps.candidates.len() > good.len(), "some must be below the floor");
    for name in &good {
        edit(&mut input, name, |c| c.shifted_until = Some(later(200)));
    }
    assert!(good.contains(&decide(&input).chosen().unwrap().model.to_string()));
    edit(&mut input, &best, |c| c.circuit = CircuitView::Open { until: later(9) });
    assert_ne!(decide(&input).chosen().unwrap().model.as_str(), best);
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
fn who_a_budget_keeps_from_being_the_choice_is_named_and_whether_it_asks() {
    let free = decide(&input(CODE));
    assert_eq!(free.over_budget, None);
    let first = free.chosen().unwrap().model.to_string();
    for (then, asks) in [(AtLimit::Ask, true), (AtLimit::Stop, false)] {
        let mut input = input(CODE);
        edit(&mut input, &first, |c| {
            c.over_budget = Some("$0.10 left in the day's budget, could cost $0.25".into());
            c.over_budget_then = Some(then);
        });
        let decision = decide(&input);
        assert_ne!(decision.chosen().unwrap().model.as_str(), first);
        let kept = decision.over_budget.as_ref().unwrap();
        assert_eq!((kept.model.as_str(), kept.asks), (first.as_str(), asks));
        assert!(decision.reason.starts_with(&format!("{first} is over budget; ")));
    }
    // Where it would not be the choice anyhow, a budget changes nothing.
    let mut other = input(CODE);
    let last = free.ranked().last().unwrap().model.to_string();
    edit(&mut other, &last, |c| {
        c.over_budget = Some("nothing left".into());
        c.over_budget_then = Some(AtLimit::Ask);
    });
    assert_eq!(decide(&other).over_budget, None);
}

#[test]
fn of_several_budgets_one_that_can_be_gone_over_is_what_is_asked_about() {
    let order: Vec<String> =
        decide(&input(CODE)).ranked().map(|candidate| candidate.model.to_string()).collect();
    let mut input = input(CODE);
    for (name, then) in [(&order[0], AtLimit::Stop), (&order[1], AtLimit::Ask)] {
        edit(&mut input, name, |c| {
            c.over_budget = Some("nothing left".into());
            c.over_budget_then = Some(then);
        });
    }
    let kept = decide(&input).over_budget.unwrap();
    assert_eq!((kept.model.as_str(), kept.asks), (order[1].as_str(), true));
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
fn when_all_are_slow_one_that_is_not_good_enough_is_still_the_worse_choice() {
    let mut input = input(CODE);
    input.features.difficulty = 0.9;
    let good: Vec<String> = decide(&input).ranked().map(|c| c.model.to_string()).collect();
    assert!(input.candidates.len() > good.len(), "some must be below the floor");
    for candidate in &mut input.candidates {
        candidate.shifted_until = Some(later(200));
    }
    // Nothing but its price speaks for it.
    input.weights = [0.0, 1.0, 0.0];
    let decision = decide(&input);
    assert!(decision.ranked().all(|c| good.contains(&c.model.to_string())));
    assert_eq!(decision.reason, "all slow now, least bad one used");
}
