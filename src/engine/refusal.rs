//! A budget's refusal in words: which budget, how much is left of it, when it begins anew, what can be
//! done.
//!
//! Must not know: how amounts are kept. Invariant: the two codes are stable; programs go by them.

use std::time::Duration;

use crate::domain::{
    AtLimit, BudgetLimit, BudgetScope, Candidate, Cost, Decision, ErrorReport, ModelName, Money,
    Outcome, OutcomeClass, SessionId, UnixMs,
};
use crate::route::{BudgetLine, Hindrance, Refusal};

use super::Snapshot;

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
        _ if refusal.unkept.is_some() => (
            OVER_BUDGET,
            "mend that, or use a budget that asks or warns: [budget] in the configuration",
        ),
        Hindrance::Ask => (
            ASKS_FIRST,
            "y at the question, or wheelhouse ask --over-budget, sends it; /budget or [budget] in \
             the configuration changes the budget",
        ),
        Hindrance::Busy => (
            OVER_BUDGET,
            "send it again once what holds the money is over, or change the budget: /budget, or \
             [budget] in the configuration",
        ),
        Hindrance::Stop => (
            OVER_BUDGET,
            "a cheaper model, a shorter answer (--max-tokens), or another budget: /budget, or \
             [budget] in the configuration",
        ),
    };
    ErrorReport {
        hint: hint.to_owned(),
        ..ErrorReport::new(OutcomeClass::Account, code, sentence(refusal, "this", now))
    }
}

/// The refusal of who would be the choice, as what the user is asked.
pub(super) fn question(refusal: &Refusal, candidate: &Candidate, now: UnixMs) -> ErrorReport {
    ErrorReport {
        provider: Some(candidate.provider.clone()),
        model: Some(candidate.model.clone()),
        message: sentence(refusal, candidate.model.as_str(), now),
        ..report(refusal, now)
    }
}

/// Who would answer within the budgets instead of whom a question is about, where that is known: a
/// question that came up after it was decided is about the choice itself.
pub fn fits<'a>(question: &ErrorReport, decision: &'a Decision) -> Option<&'a ModelName> {
    let chosen = &decision.chosen()?.model;
    (question.model.as_ref() != Some(chosen)).then_some(chosen)
}

/// The refusal as one sentence; `who` is what it is about.
fn sentence(refusal: &Refusal, who: &str, now: UnixMs) -> String {
    let scope = &refusal.scope;
    if let Some(trouble) = &refusal.unkept {
        return format!("{scope} stops, and what is spent cannot be written down: {trouble}");
    }
    let need = match refusal.need {
        Some(need) => format!("{who} could cost up to {}", need.brief()),
        None => format!("the price of {who} is not known"),
    };
    let why = match refusal.hindrance {
        Hindrance::Ask => format!("{need}, which would go over {scope}"),
        Hindrance::Stop => format!("{scope} does not allow it: {need}"),
        Hindrance::Busy => format!("{}, and was not given back in time; {need}", held(refusal)),
    };
    let limit = refusal.limit.in_full();
    let left = if refusal.left == refusal.limit {
        format!("all of {limit} left")
    } else {
        format!("{} of {limit} left", no_more(refusal.left))
    };
    let anew =
        refusal.resets.map(|at| format!(", new in {}", coarse(now.until(at)))).unwrap_or_default();
    format!("{why} ({left}{anew})")
}

/// What is left of a budget, never rounded up to more.
fn no_more(left: Money) -> String {
    let at_least = Cost { amount: left, exact: false };
    at_least.brief().trim_start_matches('≥').to_owned()
}

/// What stands in the way of an amount that fits but for what others hold.
pub(super) fn held(refusal: &Refusal) -> String {
    let (amount, by) = if refusal.elsewhere > Money::ZERO {
        (refusal.elsewhere, "another wheelhouse")
    } else {
        (refusal.held, "requests under way")
    };
    format!("{} of {} is held by {by}", amount.brief(), refusal.scope)
}

/// How the budgets stand that an answer in this conversation is charged to, only warn, and are used up.
pub fn used_up(snapshot: &Snapshot, session: Option<SessionId>, outcome: &Outcome) -> Vec<String> {
    let charged = |scope: &BudgetScope| match scope {
        BudgetScope::Day | BudgetScope::Month | BudgetScope::Session(_) => true,
        BudgetScope::Provider(name) => outcome.provider.as_ref() == Some(name),
        BudgetScope::Model(name) => outcome.model.as_ref() == Some(name),
    };
    let lines = snapshot.budget.lines(session, &snapshot.calendar);
    let warns = |line: &&BudgetLine| {
        let limit = line.budget.filter(|budget| budget.at_limit == AtLimit::Warn);
        limit.is_some_and(|budget| line.spent.amount >= budget.limit)
    };
    let used_up = lines.iter().filter(|line| charged(&line.scope)).filter(warns);
    used_up.map(budget_words).collect()
}

/// A budget, or a total without one, as it stands: `the day's budget: $0.42 of $2.00 (21%), then ask`.
pub fn budget_words(line: &BudgetLine) -> String {
    let about = if line.spent.exact { "" } else { "at least " };
    let spent = line.spent.brief();
    let spent = spent.trim_start_matches('≥');
    let held = match line.reserved {
        Money::ZERO => String::new(),
        reserved => format!(", {} held", reserved.brief()),
    };
    let Some(BudgetLimit { limit, at_limit }) = line.budget else {
        let what = match &line.scope {
            BudgetScope::Day => "today",
            BudgetScope::Month => "this month",
            BudgetScope::Session(_) => "this chat",
            BudgetScope::Provider(name) => name.as_str(),
            BudgetScope::Model(name) => name.as_str(),
        };
        return format!("{what}: {about}{spent}{held}, no budget");
    };
    let share = line.spent.amount.dollars() / limit.dollars().max(f64::MIN_POSITIVE) * 100.0;
    let then = match (line.spent.amount >= limit, at_limit) {
        (false, at_limit) => format!("then {}", at_limit.name()),
        (true, AtLimit::Warn) => "used up, and only warns".to_owned(),
        (true, AtLimit::Ask) => "used up, and asks".to_owned(),
        (true, AtLimit::Stop) => "used up, and stops".to_owned(),
    };
    format!("{}: {about}{spent} of {} ({share:.0}%){held}, {then}", line.scope, limit.in_full())
}

/// The refusal as the reason a candidate is left out, in a few words.
pub(super) fn brief(refusal: &Refusal, now: UnixMs) -> String {
    let left = format!("{} left in {}", no_more(refusal.left), refusal.scope);
    let need = match refusal.need {
        Some(need) => format!("could cost {}", need.brief()),
        None => "price unknown".to_owned(),
    };
    let anew = refusal.resets.map(|at| format!("; new in {}", coarse(now.until(at))));
    format!("{left}, {need}{}", anew.unwrap_or_default())
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
    use crate::route;

    fn refusal(hindrance: Hindrance) -> Refusal {
        Refusal {
            scope: BudgetScope::Day,
            hindrance,
            limit: "2".parse().unwrap(),
            left: "0.10".parse().unwrap(),
            need: "0.25".parse().ok(),
            resets: Some(UnixMs(5 * 3_600_000)),
            held: "0.08".parse().unwrap(),
            elsewhere: Money::ZERO,
            unkept: None,
        }
    }

    #[test]
    fn a_refusal_says_which_budget_what_is_left_and_when_it_is_new() {
        let hard = report(&refusal(Hindrance::Stop), UnixMs(0));
        assert_eq!(hard.code, OVER_BUDGET);
        assert_eq!(
            hard.message,
            "the day's budget does not allow it: this could cost up to $0.25 \
             ($0.10 of $2.00 left, new in 5h 00m)"
        );
        let soft = report(&refusal(Hindrance::Ask), UnixMs(0));
        assert_eq!(soft.code, ASKS_FIRST);
        assert!(soft.hint.contains("--over-budget"));
        assert!(over_budget(&hard) && over_budget(&soft));
        let mut little = refusal(Hindrance::Ask);
        (little.limit, little.left) = ("0.0195".parse().unwrap(), "0.0187".parse().unwrap());
        let message = |refusal: &Refusal| report(refusal, UnixMs(0)).message;
        assert!(message(&little).contains("($0.018 of $0.0195 left"), "{}", message(&little));
        little.left = little.limit;
        assert!(message(&little).contains("(all of $0.0195 left"), "{}", message(&little));
        let mut busy = refusal(Hindrance::Busy);
        let said = |refusal: &Refusal| report(refusal, UnixMs(0)).message;
        let here =
            "$0.080 of the day's budget is held by requests under way, and was not given back";
        assert!(said(&busy).starts_with(here), "{}", said(&busy));
        busy.elsewhere = "0.05".parse().unwrap();
        let there = "$0.050 of the day's budget is held by another wheelhouse, and was not given";
        assert!(said(&busy).starts_with(there), "{}", said(&busy));
    }

    #[test]
    fn who_is_asked_about_does_not_fit() {
        let id = crate::domain::RequestId(uuid::Uuid::nil());
        let (origin, reader) = (crate::domain::Origin::Ask, crate::domain::ReaderKind::Replaceable);
        let request = crate::domain::Request::new(id, origin, reader, "hello");
        let mut input = route::sample::input(route::features(&request));
        input.candidates =
            ["small", "large"].map(|model| route::sample::candidate(model, "lab")).into();
        let decision = route::decide(&input);
        let [first, second] = [0, 1].map(|n| decision.ranked().nth(n).unwrap());
        let asked = |candidate| question(&refusal(Hindrance::Ask), candidate, UnixMs(0));
        assert_eq!(fits(&asked(second), &decision), Some(&first.model));
        assert_eq!(fits(&asked(first), &decision), None, "it fitted when it was decided");
    }

    #[test]
    fn a_candidate_left_out_says_so_briefly() {
        assert_eq!(
            brief(&refusal(Hindrance::Stop), UnixMs(0)),
            "$0.10 left in the day's budget, could cost $0.25; new in 5h 00m"
        );
    }

    #[test]
    fn a_budget_says_how_it_stands() {
        let mut line = BudgetLine {
            scope: BudgetScope::Day,
            budget: Some(BudgetLimit { limit: "2".parse().unwrap(), at_limit: AtLimit::Ask }),
            spent: Cost { amount: "0.42".parse().unwrap(), exact: false },
            reserved: "0.05".parse().unwrap(),
            period: None,
        };
        assert_eq!(
            budget_words(&line),
            "the day's budget: at least $0.42 of $2.00 (21%), $0.050 held, then ask"
        );
        line.spent.amount = "42.40".parse().unwrap();
        assert!(budget_words(&line).ends_with("(2120%), $0.050 held, used up, and asks"));
        line.spent.amount = "0.42".parse().unwrap();
        line.budget = None;
        assert_eq!(budget_words(&line), "today: at least $0.42, $0.050 held, no budget");
        line.spent.amount = "0.002498".parse().unwrap();
        assert!(budget_words(&line).starts_with("today: at least $0.0024,"), "never more");
    }

    #[test]
    fn spans_are_told_coarsely() {
        assert_eq!(coarse(Duration::from_secs(30)), "1m");
        assert_eq!(coarse(Duration::from_hours(50)), "2d 2h");
    }
}
