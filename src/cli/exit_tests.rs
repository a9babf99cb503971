//! Tests of the exit codes.

use std::sync::Arc;

use super::super::fixture;
use super::*;

#[test]
fn an_answer_is_zero_even_at_the_callers_own_cap() {
    for finish in [Finish::Stop, Finish::Length, Finish::ToolCalls] {
        assert_eq!(Exit::of(&fixture::reply(finish, None)), Exit::Done);
    }
}

#[test]
fn what_nobody_could_answer_whole_is_three() {
    for class in [OutcomeClass::Provider, OutcomeClass::Network, OutcomeClass::Account] {
        assert_eq!(Exit::of(&fixture::reply(Finish::Error, Some(class))), Exit::Unanswered);
    }
    assert_eq!(
        Exit::of(&fixture::reply(Finish::Truncated, Some(OutcomeClass::Truncation))),
        Exit::Unanswered
    );
}

#[test]
fn a_request_that_is_wrong_in_itself_is_one() {
    for class in [OutcomeClass::Caller, OutcomeClass::Refusal] {
        assert_eq!(Exit::of(&fixture::reply(Finish::Error, Some(class))), Exit::Error);
    }
}

#[test]
fn what_only_a_veto_or_budget_stops_is_four() {
    let mut reply = fixture::reply(Finish::Error, Some(OutcomeClass::Caller));
    reply.decision = Some(Arc::new(fixture::decision(vec![
        fixture::candidate("alpha", 0.0, Some(FilterCode::Vetoed)),
        fixture::candidate("beta", 0.0, Some(FilterCode::NoKey)),
    ])));
    assert_eq!(Exit::of(&reply), Exit::Forbidden);
    reply.decision = Some(Arc::new(fixture::decision(vec![fixture::candidate(
        "beta",
        0.0,
        Some(FilterCode::NoKey),
    )])));
    assert_eq!(Exit::of(&reply), Exit::Error);
}

#[test]
fn what_a_budget_refused_is_four() {
    for code in [crate::engine::OVER_BUDGET, crate::engine::ASKS_FIRST] {
        let mut reply = fixture::reply(Finish::Error, Some(OutcomeClass::Account));
        let error = reply.outcome.as_mut().unwrap().error.as_mut().unwrap();
        code.clone_into(&mut error.code);
        assert_eq!(Exit::of(&reply), Exit::Forbidden);
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let stop = Stop::from(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(stop.story(), (Exit::Done, None));
}
