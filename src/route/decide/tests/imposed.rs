//! Pins, named models and rules: what is decided before any score.

use super::*;

#[test]
fn a_pin_wins_and_the_rest_follow_as_ranked() {
    let mut input = input(FACT);
    let auto = chosen(&input);
    let pin =
        |scope| Some(Imposed { scope, model: "opus".into(), exclusive: false, yields: false });
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
        let pin = if reason == "one-shot @opus" { "@opus" } else { "the pin" };
        assert_eq!(flips(&input, &decision), [format!("without {pin} -> {auto}")]);
    }
}

#[test]
fn an_exclusive_pin_lets_no_other_answer() {
    let mut input = input(FACT);
    input.imposed = Some(Imposed {
        scope: PinScope::All,
        model: "opus".into(),
        exclusive: true,
        yields: false,
    });
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
    input.imposed = Some(Imposed {
        scope: PinScope::All,
        model: "opus".into(),
        exclusive: false,
        yields: false,
    });
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
    input.imposed = Some(Imposed {
        scope: PinScope::Message,
        model: "tiny".into(),
        exclusive: false,
        yields: false,
    });
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
    input.imposed = Some(Imposed {
        scope: PinScope::Session,
        model: "opus".into(),
        exclusive: false,
        yields: false,
    });
    assert_eq!(chosen(&input), "local");
    input.imposed.as_mut().unwrap().scope = PinScope::Message;
    assert_eq!(chosen(&input), "opus");
    input.imposed.as_mut().unwrap().yields = true;
    assert_eq!(chosen(&input), "local", "it was named for this message, and yields all the same");
}
