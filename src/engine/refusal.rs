//! A budget's refusal in words: which budget, how much is left of it, when it begins anew, what can be
//! done.
//!
//! Must not know: how amounts are kept. Invariant: the two codes are stable; programs go by them.

use std::time::Duration;

use crate::domain::{ErrorReport, OutcomeClass, UnixMs};
use crate::route::{Hindrance, Refusal};

/// The code of a request no budget allows.
pub const OVER_BUDGET: &str = "over_budget";

/// The code of a request a budget wants to be asked about first.
pub const ASKS_FIRST: &str = "over_budget_ask";

/// Did a budget refuse this request?
pub fn over_budget(error: &ErrorReport) -> bool {
    error.code == OVER_BUDGET || error.code == ASKS_FIRST
}

/// The refusal as the request's error.
pub(super) fn report(refusal: &Refusal, now: UnixMs) -> ErrorReport {
    let (code, hint) = match refusal.hindrance {
        Hindrance::Ask => (ASKS_FIRST, "wheelhouse ask --over-budget sends it anyway"),
        Hindrance::Stop | Hindrance::Busy => {
            (OVER_BUDGET, "a cheaper model, a shorter answer (--max-tokens), or [budget] in the configuration")
        }
    };
    ErrorReport {
        hint: hint.to_owned(),
        ..ErrorReport::new(OutcomeClass::Account, code, sentence(refusal, now))
    }
}

/// The refusal as one sentence.
fn sentence(refusal: &Refusal, now: UnixMs) -> String {
    let scope = &refusal.scope;
    let need = match refusal.need {
        Some(need) => format!("this could cost up to {}", need.short()),
        None => "the price of this model is not known".to_owned(),
    };
    let why = match refusal.hindrance {
        Hindrance::Ask => format!("{need}, which would go over {scope}"),
        Hindrance::Stop => format!("{scope} does not allow it: {need}"),
        Hindrance::Busy => format!("requests under way hold what is left of {scope}; {need}"),
    };
    let left = format!("{} of {} left", refusal.left.short(), refusal.limit.short());
    let anew = refusal
        .resets
        .map(|at| format!(", new in {}", coarse(now.until(at))))
        .unwrap_or_default();
    format!("{why} ({left}{anew})")
}

/// The refusal as the reason a candidate is left out, in a few words.
pub(super) fn brief(refusal: &Refusal) -> String {
    let left = format!("{} left in {}", refusal.left.short(), refusal.scope);
    match refusal.need {
        Some(need) => format!("{left}, could cost {}", need.short()),
        None => format!("{left}, price unknown"),
    }
}

/// A span in its one or two largest units.
fn coarse(span: Duration) -> String {
    let minutes = span.as_secs().div_ceil(60);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes:02}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BudgetScope;

    fn refusal(hindrance: Hindrance) -> Refusal {
        Refusal {
            scope: BudgetScope::Day,
            hindrance,
            limit: "2".parse().unwrap(),
            left: "0.10".parse().unwrap(),
            need: "0.25".parse().ok(),
            resets: Some(UnixMs(5 * 3_600_000)),
        }
    }

    #[test]
    fn a_refusal_says_which_budget_what_is_left_and_when_it_is_new() {
        let hard = report(&refusal(Hindrance::Stop), UnixMs(0));
        assert_eq!(hard.code, OVER_BUDGET);
        assert_eq!(
            hard.message,
            "the day's budget does not allow it: this could cost up to $0.2500 \
             ($0.1000 of $2.00 left, new in 5h 00m)"
        );
        let soft = report(&refusal(Hindrance::Ask), UnixMs(0));
        assert_eq!(soft.code, ASKS_FIRST);
        assert!(soft.hint.contains("--over-budget"));
        assert!(over_budget(&hard) && over_budget(&soft));
    }

    #[test]
    fn a_candidate_left_out_says_so_briefly() {
        assert_eq!(
            brief(&refusal(Hindrance::Stop)),
            "$0.1000 left in the day's budget, could cost $0.2500"
        );
    }

    #[test]
    fn spans_are_told_coarsely() {
        assert_eq!(coarse(Duration::from_secs(30)), "1m");
        assert_eq!(coarse(Duration::from_secs(3_600 * 50)), "2d 2h");
    }
}
