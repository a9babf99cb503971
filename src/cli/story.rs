//! What is said about a reply on standard error: who answered, what it took, and what went wrong on
//! the way. Plain words; pure functions of the reply.

use std::time::Duration;

use crate::domain::{
    AttemptReport, Cost, ErrorReport, FilterCode, Finish, Outcome, OutcomeClass, Reply,
};
use crate::engine;
use crate::text::{Tongue, width};

/// One line: who answered, what it cost, how long it took, and why that model.
pub fn summary(reply: &Reply) -> Option<String> {
    let outcome = reply.outcome.as_ref()?;
    let model = outcome.model.as_ref()?;
    let mut parts = vec![model.to_string(), cost(outcome.cost)];
    match outcome.cached_words() {
        Some(words) => {
            parts.push(words);
            parts.extend(outcome.cache_saved().map(|saved| format!("saved {}", saved.in_full())));
        }
        None => parts.extend(times(outcome)),
    }
    if let Some(speed) = tokens_per_second(reply) {
        parts.push(format!("{speed:.0} tok/s"));
    }
    match outcome.finish {
        Finish::Length => parts.push("stopped at the token cap".to_owned()),
        Finish::Truncated => parts.push("not whole".to_owned()),
        Finish::ContentFilter => parts.push("ended by a content filter".to_owned()),
        Finish::Stop | Finish::ToolCalls | Finish::Cancelled | Finish::Error => {}
    }
    if let Some(decision) = &reply.decision {
        let chosen = decision.chosen().map(|candidate| &candidate.model);
        if chosen == Some(model) && !decision.reason.is_empty() {
            parts.push(format!("{}: {}", decision.policy, decision.reason));
        }
    }
    Some(parts.join(" · "))
}

fn times(outcome: &Outcome) -> Option<String> {
    let wait = outcome.wait_ms?;
    Some(match outcome.ttft_ms {
        Some(ttft) if ttft.abs_diff(wait) > 50 => {
            format!("waited {} (TTFT {})", seconds(wait), seconds(ttft))
        }
        _ => format!("TTFT {}", seconds(wait)),
    })
}

/// Tokens per second after the first, of the attempt that answered.
fn tokens_per_second(reply: &Reply) -> Option<f64> {
    let attempt = reply.attempts.iter().rev().find(|attempt| attempt.outcome.is_none())?;
    let (first, last) = (attempt.stamps.first_text?, attempt.stamps.last?);
    let span = last.checked_sub(first).filter(|ms| *ms > 0)?;
    let tokens = attempt.usage.output.checked_sub(1).filter(|tokens| *tokens > 0)?;
    Some(tokens as f64 * 1000.0 / span as f64)
}

/// A cost as shown: `$0.0041`, with `≥` where part of it is unknown.
pub fn cost(cost: Cost) -> String {
    cost.short()
}

/// Milliseconds as shown: `85ms`, `1.2s`, `2m 5s`.
pub fn seconds(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms}ms")
    } else if ms < 100_000 {
        format!("{:.1}s", Duration::from_millis(ms).as_secs_f64())
    } else {
        format!("{}m {}s", ms / 60_000, ms % 60_000 / 1000)
    }
}

/// What speaks against the answer being whole, where something does.
pub fn doubt(reply: &Reply) -> Option<String> {
    reply.verdict.as_ref()?.doubt()
}

/// That it was stopped, and what it came to until then.
pub fn stopped(reply: &Reply) -> String {
    let outcome = reply.outcome.as_ref();
    let asked = outcome.and_then(|outcome| outcome.model.as_ref());
    let asked = asked.or_else(|| Some(&reply.attempts.last()?.model));
    match (outcome, asked) {
        (None, _) => "stopped; what it came to is not known yet".to_owned(),
        (Some(_), None) => "stopped before anybody was asked".to_owned(),
        (Some(outcome), Some(model)) if outcome.cost.exact => {
            format!("stopped; {model}, {}", cost(outcome.cost))
        }
        (Some(outcome), Some(model)) => {
            format!("stopped; {model}, at least {}", outcome.cost.amount.in_full())
        }
    }
}

/// That somebody else answered because a budget kept out who would be the choice.
pub fn over_budget(reply: &Reply) -> Option<String> {
    let kept = reply.decision.as_ref()?.over_budget.as_ref()?;
    let model = reply.outcome.as_ref()?.model.as_ref().filter(|model| **model != kept.model)?;
    let decision = reply.decision.as_ref()?;
    let left_out = decision.candidate(kept.model.as_str()).into_iter();
    let mut reasons = left_out.flat_map(|candidate| &candidate.filtered);
    let why = reasons.find(|reason| reason.code == FilterCode::Budget);
    let why = why.map(|reason| format!(" ({})", reason.detail)).unwrap_or_default();
    Some(format!("wheelhouse: {} is over budget; {model} answered{why}", kept.model))
}

/// One line per attempt that gave no whole answer. Where the reader stopped, what that stopped is none.
pub fn troubles(reply: &Reply) -> Vec<String> {
    let stopped = reply.outcome.as_ref().is_some_and(|one| one.finish == Finish::Cancelled);
    let went_wrong = |attempt: &&AttemptReport| match attempt.outcome {
        None => false,
        Some(OutcomeClass::Cancelled) => !stopped,
        Some(_) => true,
    };
    reply.attempts.iter().filter(went_wrong).map(trouble).collect()
}

fn trouble(attempt: &AttemptReport) -> String {
    let what = match (&attempt.detail, attempt.outcome) {
        (detail, Some(class)) if detail.is_empty() => class.name().to_owned(),
        (detail, _) => detail.clone(),
    };
    let waited = match attempt.waited_ms {
        0 => String::new(),
        ms => format!(", after waiting {}", seconds(ms)),
    };
    format!(
        "  {}. {} ({}{waited}): {what}, {}",
        attempt.n,
        attempt.model,
        attempt.kind.name(),
        seconds(attempt.ms)
    )
}

/// What went wrong, in the fewest lines that let the user act.
pub fn error(report: &ErrorReport, tongue: Tongue) -> Vec<String> {
    let told = engine::tell(report, &[], tongue);
    let mut lines = vec![told.cause];
    if !report.original.is_empty() && report.original != report.message {
        lines.push(format!("  said: {}", report.original));
    }
    if !report.hint.is_empty() {
        lines.push(format!("  try:  {}", tongue.say(&report.hint)));
    }
    lines
}

/// What went wrong with a whole request: cause, whose fault, what was done, what can be done.
pub fn failure(report: &ErrorReport, attempts: &[AttemptReport], tongue: Tongue) -> Vec<String> {
    let told = engine::tell(report, attempts, tongue);
    let wide = told.facts.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
    let fact = |(label, words): &(String, String)| {
        format!("  {label}:{} {words}", " ".repeat(wide.saturating_sub(width(label))))
    };
    std::iter::once(told.cause.clone()).chain(told.facts.iter().map(fact)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_stopped_answer_says_what_it_came_to_at_least() {
        let mut reply = fixture::reply(Finish::Cancelled, None);
        reply.attempts[1].outcome = Some(OutcomeClass::Cancelled);
        assert_eq!(stopped(&reply), "stopped; beta, $0.0025");
        reply.outcome.as_mut().unwrap().cost.exact = false;
        assert_eq!(stopped(&reply), "stopped; beta, at least $0.00246");
        assert_eq!(troubles(&reply).len(), 1, "what the reader stopped did not go wrong");
        reply.outcome = None;
        assert!(stopped(&reply).contains("not known yet"));
        let mut nobody = fixture::reply(Finish::Cancelled, None);
        nobody.attempts.clear();
        nobody.outcome.as_mut().unwrap().model = None;
        assert_eq!(stopped(&nobody), "stopped before anybody was asked");
    }

    #[test]
    fn the_summary_says_who_and_what_it_took() {
        let line = summary(&fixture::reply(Finish::Stop, None)).unwrap();
        assert_eq!(line, "beta · $0.0025 · waited 1.5s (TTFT 600ms)");
    }

    #[test]
    fn the_reason_is_told_only_for_the_first_choice() {
        let mut reply = fixture::reply(Finish::Stop, None);
        reply.outcome.as_mut().unwrap().model = Some("alpha".into());
        let line = summary(&reply).unwrap();
        assert!(line.ends_with("balanced: code 0.81, cheapest of 2 that fit"), "{line}");
    }

    #[test]
    fn lost_attempts_are_told_one_by_one() {
        let reply = fixture::reply(Finish::Stop, None);
        assert_eq!(troubles(&reply), ["  1. alpha (first): HTTP 503: overloaded, 900ms"]);
    }

    #[test]
    fn an_error_carries_the_providers_words_and_a_way_out() {
        let reply = fixture::reply(Finish::Error, Some(OutcomeClass::Provider));
        let lines = error(reply.outcome.unwrap().error.as_ref().unwrap(), Tongue::ENGLISH);
        assert_eq!(
            lines,
            [
                "the provider is overloaded",
                "  said: overloaded_error",
                "  try:  try again in a minute"
            ]
        );
    }

    #[test]
    fn a_failed_request_says_whose_fault_it_was_in_the_users_language() {
        let reply = fixture::reply(Finish::Error, Some(OutcomeClass::Provider));
        let report = reply.outcome.clone().unwrap().error.unwrap();
        let lines = failure(&report, &reply.attempts, Tongue::ENGLISH);
        assert_eq!(lines[0], "the provider is overloaded");
        assert_eq!(lines[1], "  whose fault: the provider");
        assert_eq!(lines[3], "  router:      asked alpha, beta; nobody answered whole");
        let lines = failure(&report, &reply.attempts, Tongue::named("zh").unwrap());
        assert_eq!(lines[1], "  谁的问题: 提供商");
        assert_eq!(lines[2], "  重试:     重发可能有用");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(85), "85ms");
        assert_eq!(seconds(1240), "1.2s");
        assert_eq!(seconds(125_000), "2m 5s");
    }
}
