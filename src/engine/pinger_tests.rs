//! Tests of the calls nobody asked for, under a driven clock.

use super::*;

fn at(seconds: i64) -> UnixMs {
    UnixMs(seconds * 1000)
}

fn warm(names: &[&str]) -> Wants {
    Wants { warm: names.iter().map(|name| (*name).into()).collect(), ..Wants::default() }
}

/// The calls made from `from` to `to`, looked at every second, each over at once.
fn calls(pinger: &mut Pinger, wants: &Wants, from: i64, to: i64) -> Vec<(i64, CallFor)> {
    let mut made = Vec::new();
    for second in from..to {
        let due = pinger.due(wants, at(second));
        for (provider, why) in due.calls {
            pinger.called(&provider);
            made.push((second, why));
        }
    }
    made
}

#[test]
fn a_quiet_provider_is_called_every_minute_and_a_busy_one_never() {
    let mut pinger = Pinger::default();
    let wants = warm(&["quiet", "busy"]);
    pinger.presence(at(0));
    assert_eq!(pinger.due(&wants, at(0)).calls.len(), 2);
    pinger.called(&"quiet".into());
    pinger.called(&"busy".into());
    pinger.traffic(&"busy".into(), &"model".into(), at(50));
    assert_eq!(pinger.due(&wants, at(60)).calls, [("quiet".into(), CallFor::Warmth)]);
    pinger.called(&"quiet".into());
    assert_eq!(pinger.next(&wants, at(70)), Some(Duration::from_secs(40)));
}

#[test]
fn a_call_that_is_not_over_is_not_made_again() {
    let mut pinger = Pinger::default();
    pinger.presence(at(0));
    assert_eq!(pinger.due(&warm(&["p"]), at(0)).calls.len(), 1);
    assert!(pinger.due(&warm(&["p"]), at(100)).calls.is_empty());
    assert_eq!(pinger.next(&warm(&["p"]), at(100)), None);
    pinger.called(&"p".into());
    assert_eq!(pinger.due(&warm(&["p"]), at(100)).calls.len(), 1);
}

#[test]
fn nobody_is_called_for_a_user_who_is_away() {
    let mut pinger = Pinger::default();
    let wants = Wants { broken: vec![("q".into(), at(0))], paid: vec!["m".into()], ..warm(&["p"]) };
    assert_eq!(pinger.due(&wants, at(0)), Due::default());
    pinger.traffic(&"p".into(), &"m".into(), at(0));
    assert!(!pinger.due(&wants, at(1700)).calls.is_empty());
    assert_eq!(pinger.due(&wants, at(1900)), Due::default());
    assert_eq!(pinger.next(&wants, at(1900)), None);
    for name in ["p", "q"] {
        pinger.called(&name.into());
    }
    pinger.presence(at(2000));
    assert_eq!(pinger.due(&wants, at(2000)).calls.len(), 2);
}

#[test]
fn a_broken_provider_is_called_every_ten_seconds_and_less_often_as_its_outage_lasts() {
    let mut pinger = Pinger::default();
    let wants = Wants { broken: vec![("p".into(), at(0))], ..Wants::default() };
    let mut gaps = Vec::new();
    for minute in [1, 20, 70] {
        pinger.presence(at(minute * 60));
        let made = calls(&mut pinger, &wants, minute * 60, minute * 60 + 200);
        gaps.push(made[2].0 - made[1].0);
        assert!(made.iter().all(|(_, why)| *why == CallFor::Recovery));
    }
    assert_eq!(gaps, [10, 20, 60]);
}

#[test]
fn calls_to_broken_providers_are_capped_over_all_of_them() {
    let mut pinger = Pinger::default();
    pinger.presence(at(0));
    let broken = (0..40).map(|n| (ProviderName::from(format!("p{n}")), at(0))).collect();
    let wants = Wants { broken, ..Wants::default() };
    let made = calls(&mut pinger, &wants, 0, 300);
    for from in 0..240 {
        let within = made.iter().filter(|(at, _)| (from..from + 60).contains(at)).count();
        assert!(within <= BROKEN_CALLS, "{within} calls from second {from}");
    }
    assert!(made.len() > 4 * BROKEN_CALLS, "{}", made.len());
}

#[test]
fn a_refused_account_is_looked_at_again_every_hour() {
    let mut pinger = Pinger::default();
    let wants = Wants { refused: vec![("p".into(), at(0))], ..Wants::default() };
    let mut made = Vec::new();
    for hour in 0..3 {
        for part in 0..4 {
            let from = hour * 3600 + part * 900;
            pinger.presence(at(from));
            made.extend(calls(&mut pinger, &wants, from, from + 900));
        }
    }
    assert_eq!(made, [(3600, CallFor::Account), (7200, CallFor::Account)]);
}

#[test]
fn a_token_is_made_a_minute_after_the_last_use_and_only_one_at_a_time() {
    let mut pinger = Pinger::default();
    let wants = Wants { paid: vec!["m".into()], ..Wants::default() };
    pinger.traffic(&"p".into(), &"m".into(), at(0));
    assert!(pinger.due(&wants, at(59)).tokens.is_empty());
    assert_eq!(pinger.next(&wants, at(59)), Some(Duration::from_secs(1)));
    assert_eq!(pinger.due(&wants, at(60)).tokens, ["m".into()]);
    assert!(pinger.due(&wants, at(200)).tokens.is_empty());
    pinger.made(&"m".into());
    assert_eq!(pinger.due(&wants, at(200)).tokens, ["m".into()]);
    pinger.made(&"m".into());
    pinger.traffic(&"p".into(), &"m".into(), at(250));
    assert!(pinger.due(&wants, at(260)).tokens.is_empty());
}

#[test]
fn a_command_that_is_soon_over_pays_for_no_token_and_a_person_at_the_keys_does() {
    let wants = Wants { paid: vec!["m".into()], ..Wants::default() };
    let mut command = Pinger::default();
    command.presence(at(0));
    command.traffic(&"p".into(), &"other".into(), at(1));
    assert_eq!(command.next(&wants, at(1)), Some(Duration::from_secs(59)));
    let mut console = Pinger::default();
    console.presence(at(0));
    console.person(at(5));
    assert_eq!(console.due(&wants, at(5)).tokens, ["m".into()]);
}

#[test]
fn a_busy_model_beside_a_broken_one_does_not_put_its_calls_off() {
    let mut pinger = Pinger::default();
    let wants = Wants { broken: vec![("p".into(), at(0))], ..Wants::default() };
    let mut made = 0;
    for second in 0..100 {
        pinger.traffic(&"p".into(), &"busy".into(), at(second));
        made += calls(&mut pinger, &wants, second, second + 1).len();
    }
    assert_eq!(made, 9);
}
