//! A provider goes down for a minute, ten, an hour: how soon it is used again, and what finding out
//! costs. Router and pinger together, under a driven clock.

use std::time::Duration;

use crate::domain::{ModelName, OutcomeClass, ProviderName, UnixMs};
use crate::route::{Admission, CircuitView, Observation, RouterSettings, RouterState};

use super::pinger::{CallFor, Pinger, Wants};

/// Somebody asks this often.
const EVERY_S: i64 = 4;

/// When it goes down.
const DOWN_S: i64 = 40;

/// What an outage looks like.
#[derive(Debug, Clone, Copy)]
struct Outage {
    lasts_s: i64,
    /// How long an attempt takes to fail, in milliseconds.
    fails_in_ms: u64,
    free_calls: FreeCalls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FreeCalls {
    /// The model list is down as well.
    Fail,
    /// It answers as if nothing were wrong.
    Answer,
}

/// What came of it.
#[derive(Debug)]
struct Found {
    /// Seconds from recovery until an answer came from there again.
    back_s: i64,
    /// Attempts that failed, and how long they took together.
    failed: u32,
    lost_ms: u64,
    /// Free calls to it while it was down.
    calls: u32,
}

fn at(seconds: i64) -> UnixMs {
    UnixMs(seconds * 1000)
}

fn ended(outcome: Option<OutcomeClass>, total_ms: u64) -> Observation {
    Observation::Ended {
        outcome,
        total_ms,
        output_tokens: 50,
        streaming_ms: 500,
        gap_ms: None,
        retry_after_ms: None,
        detail: String::new(),
    }
}

fn live_through(outage: Outage) -> Found {
    let (provider, model) = (ProviderName::from("flaky"), ModelName::from("chat"));
    let mut router = RouterState::new(RouterSettings::default());
    let mut pinger = Pinger::default();
    let up_again = DOWN_S + outage.lasts_s;
    let mut found = Found { back_s: -1, failed: 0, lost_ms: 0, calls: 0 };
    for second in 0..up_again + 600 {
        let now = at(second);
        let down = (DOWN_S..up_again).contains(&second);
        let since = router.broken_since(&provider);
        let wants = Wants {
            warm: vec![provider.clone()],
            broken: since.map(|since| (provider.clone(), since)).into_iter().collect(),
            ..Wants::default()
        };
        for (_, why) in pinger.due(&wants, now).calls {
            pinger.called(&provider);
            let fails = down && outage.free_calls == FreeCalls::Fail;
            found.calls += u32::from(down && why == CallFor::Recovery);
            let ms = (!fails).then_some(60);
            router.fold(&provider, &model, &Observation::Pinged { ms }, now);
        }
        if second % EVERY_S != 0 {
            continue;
        }
        // Where it is not admitted, another model answers.
        pinger.presence(now);
        let Ok(admission) = router.try_admit(&provider, &model, now) else { continue };
        router.fold(&provider, &model, &Observation::Started, now);
        pinger.traffic(&provider, &model, now);
        if down {
            found.failed += 1;
            found.lost_ms += outage.fails_in_ms;
            let over = now + Duration::from_millis(outage.fails_in_ms);
            let failure = ended(Some(OutcomeClass::Provider), outage.fails_in_ms);
            router.fold(&provider, &model, &failure, over);
        } else {
            let over = now + Duration::from_millis(900);
            router.fold(&provider, &model, &ended(None, 900), over);
            if second >= up_again {
                found.back_s = second - up_again;
                assert_eq!(router.view(&model, over).circuit, CircuitView::Closed);
                return found;
            }
        }
        router.release(&model, admission);
    }
    panic!("never back: {found:?}")
}

#[test]
fn a_provider_is_used_again_within_half_a_minute_of_its_recovery_however_long_it_was_down() {
    for lasts_s in [60, 600, 1_800, 3_600] {
        for fails_in_ms in [150, 3_900] {
            let outage = Outage { lasts_s, fails_in_ms, free_calls: FreeCalls::Fail };
            let found = live_through(outage);
            assert!((0..=30).contains(&found.back_s), "{outage:?}: {found:?}");
        }
    }
}

#[test]
fn where_free_calls_tell_nothing_quick_failures_are_probed_often_enough() {
    for lasts_s in [60, 600, 3_600] {
        let outage = Outage { lasts_s, fails_in_ms: 150, free_calls: FreeCalls::Answer };
        let found = live_through(outage);
        assert!((0..=30).contains(&found.back_s), "{outage:?}: {found:?}");
    }
}

#[test]
fn failing_probes_cost_people_little_of_an_outage() {
    for free_calls in [FreeCalls::Fail, FreeCalls::Answer] {
        let outage = Outage { lasts_s: 3_600, fails_in_ms: 3_900, free_calls };
        let found = live_through(outage);
        assert!(found.lost_ms < 3_600_000 / 20, "{found:?}");
        assert!(found.calls < 300, "{found:?}");
    }
}

#[test]
fn a_probes_slot_is_free_again_however_its_attempt_ended() {
    let classes = [
        OutcomeClass::Caller,
        OutcomeClass::Context,
        OutcomeClass::Refusal,
        OutcomeClass::Throttle,
        OutcomeClass::Cancelled,
        OutcomeClass::Truncation,
        OutcomeClass::Provider,
        OutcomeClass::Network,
        OutcomeClass::Stall,
    ];
    let (provider, model) = (ProviderName::from("flaky"), ModelName::from("chat"));
    for class in classes.map(Some).into_iter().chain([None]) {
        let mut router = RouterState::new(RouterSettings::default());
        for _ in 0..3 {
            router.fold(&provider, &model, &ended(Some(OutcomeClass::Network), 100), at(0));
        }
        let probe = router.try_admit(&provider, &model, at(10)).unwrap();
        assert!(matches!(probe, Admission::Probe(_)));
        assert!(router.try_admit(&provider, &model, at(10)).is_err(), "one at a time");
        router.fold(&provider, &model, &Observation::Started, at(10));
        if let Some(class) = class {
            router.fold(&provider, &model, &ended(Some(class), 100), at(11));
        }
        // With no end at all, the permit gives it back.
        router.release(&model, probe);
        let next = (11..60).find(|second| router.try_admit(&provider, &model, at(*second)).is_ok());
        assert!(next.is_some_and(|second| second <= 36), "{class:?}: {next:?}");
    }
}
