//! A reply from its first event to its end, and what is counted.

use std::sync::Arc;

use super::super::fixture::{Console, decision};
use crate::console::app::{Effect, Msg, RouteMark};
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Cost, Finish, ModelName, OutcomeClass, OverrideKind,
    PinScope, ReplyEvent, Stamps, Usage,
};

#[test]
fn the_wait_ticks_until_the_first_text() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").wait(1_500);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!(reply.waited_ms(console.state.now), 1_500);
    assert!(matches!(console.effects.last(), Some(Effect::ScheduleTick(100))));
    console.stream("a").wait(1_000);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!(reply.waited_ms(console.state.now), 1_500);
}

fn failed(model: &str) -> AttemptReport {
    AttemptReport {
        id: AttemptId(uuid::Uuid::nil()),
        n: 1,
        model: model.into(),
        provider: "openai".into(),
        kind: AttemptKind::First,
        outcome: Some(OutcomeClass::Stall),
        status: None,
        started_ms: 0,
        waited_ms: 0,
        stamps: Stamps::default(),
        ms: 4_000,
        usage: Usage::default(),
        cost: Cost::ZERO,
        tier: None,
        detail: "no byte in 4s".into(),
    }
}

#[test]
fn a_reply_that_fell_back_is_marked_and_its_lost_time_counted() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini");
    console.events(vec![
        ReplyEvent::AttemptEnded(Box::new(failed("mini"))),
        ReplyEvent::Attempt {
            n: 2,
            model: "qwen".into(),
            provider: "local".into(),
            kind: AttemptKind::Fallback,
            waited_ms: 0,
        },
    ]);
    console.stream("answer");
    let (_, reply) = console.state.running().unwrap();
    assert_eq!((reply.mark(), reply.lost_ms()), (RouteMark::FellBack, 4_000));
    console.end(Finish::Stop);
    assert_eq!(console.state.meters.fell_back, 1);
}

#[test]
fn a_restart_voids_the_text_and_says_so_to_the_layout() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    console.events(vec![ReplyEvent::Restart { why: "could not be joined".into() }]);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.restarts), ("", 1));
}

#[test]
fn savings_are_counted_against_the_dearest_that_would_have_fit() {
    let mut console = Console::ready();
    console.text("one").keys("enter");
    let request = console.state.running().unwrap().1.request;
    let decision = decision(request, &["mini", "opus"]);
    console.events(vec![ReplyEvent::Routed(Arc::new(decision))]).end(Finish::Stop);
    let (_, reply) = console.state.last_reply().unwrap();
    let saved = reply.saved.as_ref().unwrap();
    // 2,000 tokens at 15 dollars a million, less the 0.001 that was paid.
    assert_eq!((saved.versus.as_str(), saved.amount.to_string().as_str()), ("opus", "0.029"));
}

#[test]
fn agreement_counts_overrides_that_auto_would_have_made() {
    let mut console = Console::ready();
    for would in ["opus", "mini"] {
        console.text("x").keys("enter").routed_by_hand(
            "opus",
            OverrideKind {
                scope: PinScope::Message,
                model: Some("opus".into()),
                exclusive: false,
                would_be: Some(ModelName::from(would)),
            },
        );
        console.end(Finish::Stop);
    }
    assert_eq!((console.state.meters.overridden, console.state.meters.agreed), (2, 1));
}

#[test]
fn a_stream_that_breaks_off_without_an_end_is_over() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    let request = console.state.running().unwrap().1.request;
    console.send(Msg::ReplyClosed(request));
    assert!(console.state.running().is_none());
}

#[test]
fn what_this_run_saved_names_the_baseline_only_while_there_is_one() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("opus").stream("a").end(Finish::Stop);
    let first = console.state.meters.saved.clone();
    assert_eq!(first, None, "nothing dearer could have answered");
    for (baseline, versus) in
        [("opus", Some("opus")), ("opus", Some("opus")), ("qwen", None), ("opus", None)]
    {
        let before = console.state.meters.saved.as_ref().map(|sum| sum.amount);
        console.state.baseline = Some(baseline.into());
        console.exchange("two", "b");
        let sum = console.state.meters.saved.clone().unwrap();
        let (_, reply) = console.state.last_reply().unwrap();
        let more = reply.saved.as_ref().unwrap().amount;
        assert_eq!(sum.amount, before.unwrap_or_default() + more, "none is dropped");
        assert_eq!(sum.versus.as_ref().map(ModelName::as_str), versus);
    }
}
