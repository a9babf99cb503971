//! Tests of forecasts under a driven clock.

use super::*;
use crate::domain::RateScope;

fn at(seconds: i64) -> UnixMs {
    UnixMs(seconds * 1000)
}

fn window(what: &str, limit: u64, remaining: u64, resets: i64) -> RateWindow {
    RateWindow {
        what: what.into(),
        scope: RateScope::Model,
        limit: Some(limit),
        remaining: Some(remaining),
        resets_at: Some(at(resets)),
    }
}

/// One request a second from 0 to `until`, each told at once what is left of `limit`.
fn steady(limit: u64, until: i64) -> (Meter, Sent) {
    let mut sent = Sent::default();
    let mut meter = Meter::new(&window("requests", limit, limit, 120), at(0));
    for n in 1..=until {
        sent.one(at(n));
        meter.tell(&window("requests", limit, limit - n as u64, 120), at(n));
    }
    (meter, sent)
}

#[test]
fn a_steady_pace_runs_out_when_arithmetic_says() {
    let (meter, sent) = steady(60, 20);
    let forecast = meter.forecast(&sent, 0, at(20)).unwrap();
    assert_eq!((forecast.left, forecast.outlook), (40, Outlook::Ahead));
    let seconds = at(20).until(forecast.runs_out).as_secs_f64();
    assert!((38.0..=42.0).contains(&seconds), "{seconds}");
    assert_eq!(forecast.words(at(20)), "429 in about 40s at this rate");
    assert!(!forecast.keeps_away(at(20)) && forecast.keeps_away(at(31)));
    let (meter, sent) = steady(60, 40);
    assert_eq!(meter.forecast(&sent, 0, at(40)).unwrap().outlook, Outlook::Soon);
}

#[test]
fn a_pace_that_lasts_until_the_reset_runs_out_never() {
    let (meter, sent) = steady(200, 20);
    assert_eq!(meter.forecast(&sent, 3, at(20)), None);
}

#[test]
fn a_burst_of_a_moment_is_no_pace_and_a_pause_ends_one() {
    let mut sent = Sent::default();
    let mut meter = Meter::new(&window("requests", 60, 59, 60), at(0));
    for _ in 0..10 {
        sent.one(at(0));
    }
    meter.tell(&window("requests", 60, 49, 60), UnixMs(100));
    assert!(meter.forecast(&sent, 10, UnixMs(200)).is_none_or(|f| f.outlook == Outlook::Ahead));
    let (meter, sent) = steady(60, 40);
    assert_eq!(meter.forecast(&sent, 0, at(61)), None);
}

#[test]
fn what_was_sent_since_the_last_answer_is_taken_off() {
    let mut sent = Sent::default();
    let meter = Meter::new(&window("requests", 60, 30, 60), at(0));
    for n in 1..=20 {
        sent.one(at(n));
    }
    let forecast = meter.forecast(&sent, 20, at(20)).unwrap();
    assert_eq!(forecast.left, 10);
    assert_eq!(forecast.words(at(20)), "429 in about 10s at this rate");
}

#[test]
fn tokens_are_forecast_from_the_size_of_requests() {
    let mut sent = Sent::default();
    let meter = Meter::new(&window("tokens", 100_000, 40_000, 60), at(0));
    for n in 1..=10 {
        sent.one(at(n));
        sent.size(1_500, 500);
    }
    let forecast = meter.forecast(&sent, 1, at(10)).unwrap();
    assert_eq!((forecast.left, forecast.outlook), (20_000, Outlook::Soon));
    let forecast = Meter::new(&window("input-tokens", 100_000, 90_000, 60), at(0));
    assert_eq!(forecast.forecast(&sent, 1, at(10)), None);
}

#[test]
fn what_others_use_of_the_same_key_shows_in_the_headers() {
    let mut meter = Meter::new(&window("requests", 1_000, 900, 60), at(0));
    for n in 1..=10 {
        meter.tell(&window("requests", 1_000, 900 - 40 * n, 60), at(n as i64));
    }
    let forecast = meter.forecast(&Sent::default(), 0, at(10)).unwrap();
    assert_eq!((forecast.left, forecast.outlook), (500, Outlook::Soon));
}

#[test]
fn the_last_few_are_not_fought_for() {
    let meter = Meter::new(&window("requests", 60, 3, 60), at(0));
    assert_eq!(meter.forecast(&Sent::default(), 0, at(1)), None);
    let forecast = meter.forecast(&Sent::default(), 1, at(1)).unwrap();
    assert_eq!(forecast.words(at(1)), "3 of 60 requests left, more on their way");
    assert!(forecast.keeps_away(at(1)) && !forecast.keeps_away(at(60)));
}

#[test]
fn a_reset_or_a_later_answer_ends_the_forecast() {
    let (mut meter, sent) = steady(60, 40);
    assert!(meter.forecast(&sent, 2, at(41)).is_some());
    assert_eq!(meter.forecast(&sent, 2, at(120)), None);
    meter.tell(&window("requests", 600, 590, 180), at(42));
    assert_eq!(meter.forecast(&sent, 2, at(42)), None);
}

#[test]
fn headers_that_arrive_out_of_order_change_nothing() {
    let mut meter = Meter::new(&window("requests", 60, 20, 60), at(10));
    meter.tell(&window("requests", 60, 50, 60), at(5));
    assert_eq!(meter.told().remaining, Some(20));
}

#[test]
fn where_a_limit_refills_steadily_only_its_headers_count() {
    let mut sent = Sent::default();
    let mut meter = Meter::new(&window("requests", 60, 10, 50), at(0));
    // It rose although its end had not come.
    meter.tell(&window("requests", 60, 20, 50), at(10));
    for n in 11..=20 {
        sent.one(at(n));
        meter.tell(&window("requests", 60, 20, n + 40), at(n));
    }
    assert_eq!(meter.forecast(&sent, 1, at(20)), None);
}

#[test]
fn memory_stays_bounded_and_nothing_is_ever_infinite() {
    let mut sent = Sent::default();
    let mut meter = Meter::new(&window("requests", 0, 1, 60), at(0));
    for n in 0..5_000 {
        sent.one(UnixMs(n));
        meter.tell(&window("requests", 0, 1, 60), UnixMs(n));
    }
    assert!(sent.at.len() <= SENT && meter.readings.len() <= READINGS);
    assert!(meter.forecast(&sent, 0, UnixMs(5_000)).is_some());
}
