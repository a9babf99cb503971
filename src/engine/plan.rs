//! What to do after an attempt went wrong: a pure function of what happened and what is left.
//! Invariant: a request makes at most [`MAX_ATTEMPTS`] attempts, at most [`MAX_SAME`] of them on one
//! model, and never two in a tight loop.

use std::time::Duration;

use crate::config::OnRefusal;
use crate::domain::{ErrorReport, OutcomeClass};

/// Attempts of one request, all models together. More only lengthens the wait for an error.
pub(super) const MAX_ATTEMPTS: u32 = 8;

/// Attempts on one model. A throttled model is asked a third time; a broken one a second time.
const MAX_SAME: u32 = 3;

/// The first pause before asking the same model again; doubles each time.
const BACKOFF_FIRST: Duration = Duration::from_millis(400);

/// Told to wait longer than this, a request fails instead: nobody watches a spinner for a minute.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Told to wait less than this, it waits this long all the same, twice as long each time: `retry-after:
/// 0` from somebody who goes on refusing must not become a tight loop.
const TOLD_LEAST: Duration = Duration::from_millis(250);

/// Told to wait for long, those who were told together spread by up to this much, so that they do not
/// all come back at once.
const SPREAD_MOST: Duration = Duration::from_millis(500);

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The same model again, after a pause.
    Again(Duration),
    /// The same model, asked in another way (more room, less thinking, going on from the text), at
    /// once.
    Changed,
    /// The next model, at once.
    Next,
    /// Nothing helps: report.
    Stop,
}

/// What is left when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// Attempts made so far, this one included.
    pub(super) attempts: u32,
    /// Attempts made on this model so far, this one included.
    pub(super) on_this: u32,
    /// Other models that may still be asked.
    pub(super) others: usize,
    /// How soon the best of them would give its first token.
    pub(super) other_ttft: Duration,
    /// How soon this one would, asked again.
    pub(super) own_ttft: Duration,
    /// Whether asking this model in another way could help.
    pub(super) change: Change,
    /// Until the request's deadline.
    pub(super) time: Duration,
    /// What to do on a refusal.
    pub(super) on_refusal: OnRefusal,
    /// 0 to 1: spreads pauses so that many requests do not come back together.
    pub(super) jitter: f64,
}

/// Whether a model can be asked in another way than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It has room left, or less thinking, or another way to go on.
    Possible,
    /// It could go on, but it broke off by itself before: anybody else is the better bet.
    LastResort,
    /// It would be the same question again.
    None,
}

/// A code of ours: the provider sent an answer without a word in it.
pub(super) const EMPTY: &str = "empty";

/// Decides what comes next.
pub(super) fn after(error: &ErrorReport, left: &Left) -> Step {
    if left.attempts >= MAX_ATTEMPTS || left.time.is_zero() {
        return Step::Stop;
    }
    let class = error.class;
    let next = if left.others > 0 { Step::Next } else { Step::Stop };
    match class {
        OutcomeClass::Caller | OutcomeClass::Cancelled => Step::Stop,
        OutcomeClass::Refusal => match left.on_refusal {
            OnRefusal::Next => next,
            OnRefusal::Report => Step::Stop,
        },
        OutcomeClass::Context | OutcomeClass::Account | OutcomeClass::Stall => next,
        OutcomeClass::Truncation => match left.change {
            Change::Possible => Step::Changed,
            Change::LastResort if left.others == 0 => Step::Changed,
            Change::LastResort | Change::None => next,
        },
        // Asked the same way it would be as empty again.
        OutcomeClass::Provider if error.code == EMPTY => match (left.others, left.on_this) {
            (0, 1) => Step::Changed,
            _ => next,
        },
        OutcomeClass::Throttle => {
            let told = error.retry_after_ms.map(Duration::from_millis);
            let wait = told.map_or_else(|| backoff(left), |told| as_told(told, left));
            let may_wait = left.on_this < MAX_SAME && wait <= LONGEST_WAIT && wait < left.time;
            // Waiting beats moving only when this model would begin before another could.
            let sooner = told.is_some() && wait + left.own_ttft <= left.other_ttft;
            if may_wait && (left.others == 0 || sooner) { Step::Again(wait) } else { next }
        }
        OutcomeClass::Provider | OutcomeClass::Network => {
            let told = error.retry_after_ms.map(Duration::from_millis);
            let wait = told.map_or_else(|| backoff(left), |told| as_told(told, left));
            let cheap = left.others == 0 || wait < left.other_ttft;
            if left.on_this < 2 && wait <= LONGEST_WAIT && wait < left.time && cheap {
                Step::Again(wait)
            } else {
                next
            }
        }
    }
}

/// A told wait, never tiny, a little longer for some than for others.
fn as_told(told: Duration, left: &Left) -> Duration {
    let least = TOLD_LEAST * 2u32.pow(left.on_this.saturating_sub(1).min(6));
    let spread = (told / 10).min(SPREAD_MOST).mul_f64(left.jitter.clamp(0.0, 1.0));
    told.max(least) + spread
}

fn backoff(left: &Left) -> Duration {
    let doubled = BACKOFF_FIRST * 2u32.pow(left.on_this.saturating_sub(1).min(6));
    doubled.mul_f64(0.75 + left.jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn left() -> Left {
        Left {
            attempts: 1,
            on_this: 1,
            others: 1,
            other_ttft: Duration::from_millis(600),
            own_ttft: Duration::from_millis(300),
            change: Change::None,
            time: Duration::from_secs(100),
            on_refusal: OnRefusal::Report,
            jitter: 0.5,
        }
    }

    fn error(class: OutcomeClass, retry_after_ms: Option<u64>) -> ErrorReport {
        ErrorReport { retry_after_ms, ..ErrorReport::new(class, "x", "x") }
    }

    #[test]
    fn a_throttled_model_is_left_when_another_would_answer_sooner() {
        assert_eq!(after(&error(OutcomeClass::Throttle, Some(2_000)), &left()), Step::Next);
        assert_eq!(after(&error(OutcomeClass::Throttle, None), &left()), Step::Next);
        let short = error(OutcomeClass::Throttle, Some(100));
        assert_eq!(after(&short, &left()), Step::Again(Duration::from_millis(255)));
        let slow = Left { own_ttft: Duration::from_millis(550), ..left() };
        assert_eq!(after(&short, &slow), Step::Next);
    }

    #[test]
    fn an_answer_that_is_not_whole_is_asked_for_in_another_way_or_of_another_model() {
        let cut = error(OutcomeClass::Truncation, None);
        assert_eq!(after(&cut, &left()), Step::Next);
        let change = Left { change: Change::Possible, ..left() };
        assert_eq!(after(&cut, &change), Step::Changed);
        let last = Left { change: Change::LastResort, ..left() };
        assert_eq!(after(&cut, &last), Step::Next);
        assert_eq!(after(&cut, &Left { others: 0, ..last }), Step::Changed);
        assert_eq!(after(&cut, &Left { others: 0, ..left() }), Step::Stop);
    }

    #[test]
    fn an_empty_answer_is_never_asked_for_the_same_way_again() {
        let empty = ErrorReport::new(OutcomeClass::Provider, EMPTY, "x");
        assert_eq!(after(&empty, &left()), Step::Next);
        let alone = Left { others: 0, ..left() };
        assert_eq!(after(&empty, &alone), Step::Changed);
        assert_eq!(after(&empty, &Left { on_this: 2, ..alone }), Step::Stop);
    }

    #[test]
    fn with_nobody_else_the_told_wait_is_kept_but_not_for_ever() {
        let alone = Left { others: 0, ..left() };
        let told = error(OutcomeClass::Throttle, Some(2_000));
        let Step::Again(wait) = after(&told, &alone) else { panic!("it gave up") };
        assert!(wait >= Duration::from_secs(2) && wait < Duration::from_millis(2_300));
        assert_eq!(after(&told, &Left { on_this: 3, ..alone }), Step::Stop);
        let hour = error(OutcomeClass::Throttle, Some(3_600_000));
        assert_eq!(after(&hour, &alone), Step::Stop);
        assert_eq!(after(&told, &Left { time: Duration::from_secs(1), ..alone }), Step::Stop);
    }

    #[test]
    fn a_broken_model_is_asked_once_more_then_left() {
        let broken = error(OutcomeClass::Provider, None);
        assert!(matches!(after(&broken, &left()), Step::Again(_)));
        assert_eq!(after(&broken, &Left { on_this: 2, ..left() }), Step::Next);
        assert_eq!(after(&broken, &Left { on_this: 2, others: 0, ..left() }), Step::Stop);
    }

    #[test]
    fn a_silent_model_is_not_asked_again() {
        assert_eq!(after(&error(OutcomeClass::Stall, None), &left()), Step::Next);
        let alone = Left { others: 0, ..left() };
        assert_eq!(after(&error(OutcomeClass::Stall, None), &alone), Step::Stop);
    }

    #[test]
    fn what_the_caller_got_wrong_is_never_sent_to_anybody_else() {
        assert_eq!(after(&error(OutcomeClass::Caller, None), &left()), Step::Stop);
        assert_eq!(after(&error(OutcomeClass::Refusal, None), &left()), Step::Stop);
        let dodge = Left { on_refusal: OnRefusal::Next, ..left() };
        assert_eq!(after(&error(OutcomeClass::Refusal, None), &dodge), Step::Next);
    }

    proptest! {
        #[test]
        fn attempts_are_bounded_and_pauses_are_never_tiny_whatever_was_told(
            class in prop::sample::select(vec![
                OutcomeClass::Throttle, OutcomeClass::Provider, OutcomeClass::Network,
            ]),
            others in 0usize..4,
            jitter in 0.0f64..1.0,
            told in prop::option::of(0u64..5_000),
        ) {
            let mut now = left();
            now.others = others;
            now.jitter = jitter;
            let mut steps = 0;
            loop {
                match after(&error(class, told), &now) {
                    Step::Changed => prop_assert!(false, "there is nothing to change"),
                    Step::Again(wait) => {
                        prop_assert!(wait >= Duration::from_millis(250));
                        now.on_this += 1;
                    }
                    Step::Next => {
                        now.on_this = 1;
                        now.others -= 1;
                    }
                    Step::Stop => break,
                }
                now.attempts += 1;
                steps += 1;
                prop_assert!(steps <= MAX_ATTEMPTS);
            }
        }
    }
}
