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
