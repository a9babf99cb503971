//! Tests of what a decision is made from, under a driven clock.

use super::*;
use crate::config::{self, Maintenance, PriceList};
use crate::domain::{FilterCode, Origin, Rates, ReaderKind, RequestId};
use crate::engine::sample;

/// Tuesday 2026-11-24 at this time, UTC.
fn tuesday(time: &str) -> UnixMs {
    let at: jiff::Timestamp = format!("2026-11-24T{time}Z").parse().unwrap();
    UnixMs(at.as_millisecond())
}

/// `lab` is in maintenance on Tuesdays from two to three; `plain` never.
fn fleet(windows: &[&str]) -> Config {
    let maintenance =
        windows.iter().map(|window| Maintenance { window: window.parse().unwrap() }).collect();
    let lab = Provider { maintenance, ..config::sample::provider("lab") };
    let free = |name, provider| Model {
        prices: PriceList { base: Some(Rates::default()), ..PriceList::default() },
        ..config::sample::model(name, provider)
    };
    config::sample::config(
        [lab, config::sample::provider("plain")],
        [free("chat", "lab"), free("other", "plain")],
    )
}

fn decided(config: &Config, now: UnixMs) -> crate::domain::Decision {
    let snapshot = sample::snapshot(now, config.clone());
    let id = RequestId(Uuid::nil());
    let request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, "hello");
    route::decide(&snapshot.decision_input(&request, now, 1))
}

#[test]
fn traffic_leaves_before_maintenance_and_returns_after_it() {
    let config = fleet(&["Tue 02:00-03:00 UTC"]);
    let kept_out = |time: &str| {
        let decision = decided(&config, tuesday(time));
        assert!(decision.chosen().is_some(), "the other model takes over");
        decision
            .candidate("chat")
            .unwrap()
            .filtered
            .iter()
            .any(|reason| reason.code == FilterCode::Maintenance)
    };
    for time in ["00:00:00", "01:57:59.999", "03:00:00", "23:59:59"] {
        assert!(!kept_out(time), "{time}");
    }
    for time in ["01:58:00", "01:59:59", "02:00:00", "02:59:59.999"] {
        assert!(kept_out(time), "{time}");
    }
    let week_later = tuesday("02:30:00") + Duration::from_hours(7 * 24);
    assert_eq!(decided(&config, week_later).chosen().unwrap().model.as_str(), "other");
}

#[test]
fn with_nobody_else_one_in_maintenance_is_tried_and_that_is_said() {
    let mut config = fleet(&["Tue 02:00-03:00 UTC"]);
    config.models.remove("other");
    let decision = decided(&config, tuesday("02:30:00"));
    assert_eq!(decision.chosen().unwrap().model.as_str(), "chat");
    assert_eq!(decision.reason, "nobody else: chat may be in maintenance");
}

#[test]
fn people_are_told_until_when_a_provider_is_in_maintenance_and_when_next() {
    let config = fleet(&["Tue 02:00-03:00 UTC", "Tue 02:30-04:00 UTC"]);
    let lab = &config.providers["lab"];
    assert_eq!(maintenance_until(lab, tuesday("01:57:00")), None);
    assert_eq!(maintenance_from(lab, tuesday("01:57:00")), Some(tuesday("01:58:00")));
    assert_eq!(maintenance_until(lab, tuesday("01:58:30")), Some(tuesday("03:00:00")));
    assert_eq!(maintenance_until(lab, tuesday("02:28:00")), Some(tuesday("04:00:00")));
    assert_eq!(maintenance_until(lab, tuesday("03:59:59")), Some(tuesday("04:00:00")));
    assert_eq!(maintenance_until(&config.providers["plain"], tuesday("02:30:00")), None);
}

/// `here` runs on this machine, `there` does not.
fn near_and_far() -> Config {
    let here = Provider { local: true, ..config::sample::provider("lab") };
    let free = |name, provider| Model {
        prices: PriceList { base: Some(Rates::default()), ..PriceList::default() },
        ..config::sample::model(name, provider)
    };
    config::sample::config(
        [here, config::sample::provider("plain")],
        [free("here", "lab"), free("there", "plain")],
    )
}

fn in_private(
    route: Route,
    pins: Vec<super::super::Pin>,
    config: Config,
) -> crate::domain::Decision {
    let now = tuesday("12:00:00");
    let mut snapshot = sample::snapshot(now, config);
    snapshot.overrides.pins = pins;
    let id = RequestId(Uuid::nil());
    let mut request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, "hello");
    request.privacy = Privacy::Private;
    request.route = route;
    request.session = Some(SessionId(Uuid::nil()));
    route::decide(&snapshot.decision_input(&request, now, 1))
}

#[test]
fn a_private_chat_asks_models_on_this_machine_only() {
    let decision = in_private(Route::Auto, Vec::new(), near_and_far());
    assert_eq!(decision.chosen().unwrap().model.as_str(), "here");
    let why = &decision.candidate("there").unwrap().filtered;
    assert!(why.iter().any(|reason| reason.detail.contains("private chat: only this machine")));
}

#[test]
fn in_a_private_chat_a_model_elsewhere_that_is_named_is_refused_and_not_replaced() {
    for route in [Route::Prefer("there".into()), Route::Only("there".into())] {
        assert!(in_private(route, Vec::new(), near_and_far()).chosen().is_none());
    }
    let here = in_private(Route::Prefer("here".into()), Vec::new(), near_and_far());
    assert_eq!(here.chosen().unwrap().model.as_str(), "here");
}

#[test]
fn neither_a_pin_nor_a_rule_takes_a_private_chat_elsewhere() {
    let session = Some(SessionId(Uuid::nil()));
    for scope in [PinScope::All, PinScope::Session, PinScope::Tag(PRIVATE.to_owned())] {
        let pin = super::super::Pin { model: "there".into(), scope, session, until: None };
        let chosen = in_private(Route::Auto, vec![pin], near_and_far());
        assert_ne!(chosen.chosen().map(|one| one.model.as_str()), Some("there"));
    }
    let mut config = near_and_far();
    let when = config::RuleWhen { tag: Some(PRIVATE.to_owned()), ..Default::default() };
    let then = RuleThen::Prefer(vec!["there".to_owned()]);
    config.routing.rules.push(Rule { when, then });
    let decision = in_private(Route::Auto, Vec::new(), config);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "here");
}

#[test]
fn nothing_that_is_named_or_pinned_takes_a_private_message_elsewhere() {
    let tagged = |route, pins: Vec<super::super::Pin>, rule: Option<RuleThen>| {
        let mut config = near_and_far();
        let when = config::RuleWhen { tag: Some("#Private".to_owned()), ..Default::default() };
        config.routing.rules.extend(rule.map(|then| Rule { when, then }));
        let mut snapshot = sample::snapshot(tuesday("12:00:00"), config);
        snapshot.overrides.pins = pins;
        let id = RequestId(Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, "hello");
        request.tags = vec!["Private".to_owned()];
        request.route = route;
        let decision = route::decide(&snapshot.decision_input(&request, tuesday("12:00:00"), 1));
        decision.chosen().map(|chosen| chosen.model.to_string())
    };
    let there = || Route::Prefer("there".into());
    assert_eq!(tagged(there(), Vec::new(), None), None, "it is refused and not replaced");
    assert_eq!(tagged(Route::Only("there".into()), Vec::new(), None), None);
    assert_eq!(tagged(Route::Prefer("here".into()), Vec::new(), None).as_deref(), Some("here"));
    let pin = super::super::Pin {
        model: "there".into(),
        scope: PinScope::All,
        session: None,
        until: None,
    };
    assert_eq!(tagged(Route::Auto, vec![pin], None).as_deref(), Some("here"));
    // A rule of the user's own says where private messages go, and naming a model is no way around it.
    let only = |name: &str| Some(RuleThen::Only(vec![name.to_owned()]));
    assert_eq!(tagged(there(), Vec::new(), only("here")), None);
    assert_eq!(tagged(there(), Vec::new(), only("there")).as_deref(), Some("there"));
}

#[test]
fn a_model_named_for_a_private_message_is_told_as_that_and_newer_than_a_veto() {
    let mut snapshot = sample::snapshot(tuesday("12:00:00"), near_and_far());
    snapshot.overrides.vetoes = vec![super::super::Veto { name: "here".to_owned(), until: None }];
    let id = RequestId(Uuid::nil());
    let mut request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, "hello");
    request.tags = vec![PRIVATE.to_owned()];
    request.route = Route::Prefer("here".into());
    let input = snapshot.decision_input(&request, tuesday("12:00:00"), 1);
    let decision = route::decide(&input);
    assert_eq!(decision.chosen().unwrap().model.as_str(), "here");
    assert_eq!(decision.reason, "one-shot @here");
    assert_eq!(decision.imposed.unwrap().scope, PinScope::Message);
}

#[test]
fn a_rule_about_something_else_or_for_other_work_lets_no_private_message_out() {
    let with = |rules: Vec<(config::RuleWhen, RuleThen)>| {
        let mut config = near_and_far();
        config.routing.rules = rules.into_iter().map(|(when, then)| Rule { when, then }).collect();
        let snapshot = sample::snapshot(tuesday("12:00:00"), config);
        let id = RequestId(Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, "hello");
        request.tags = vec!["private".to_owned()];
        let decision = route::decide(&snapshot.decision_input(&request, tuesday("12:00:00"), 1));
        decision.chosen().unwrap().model.to_string()
    };
    let private = || config::RuleWhen { tag: Some(PRIVATE.to_owned()), ..Default::default() };
    let there = || RuleThen::Prefer(vec!["there".to_owned()]);
    assert_eq!(with(vec![(config::RuleWhen::default(), there())]), "here", "it comes first");
    let code = config::RuleWhen { task: Some(crate::domain::TaskKind::Code), ..private() };
    assert_eq!(with(vec![(code, there())]), "here", "it is about other work");
    assert_eq!(with(vec![(private(), RuleThen::Policy("best".to_owned()))]), "here");
    let early = (config::RuleWhen::default(), RuleThen::Only(vec!["here".to_owned()]));
    assert_eq!(with(vec![early, (private(), there())]), "there", "where they go is said");
}
