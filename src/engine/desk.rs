//! The error desk: a failure told to a person. What happened, whose fault it is, whether sending it
//! again helps, what the router did about it, what the person can do; in their language, with the
//! provider's own words kept.
//!
//! Must not know: where it is shown. Invariant: a pure function of the report and the attempts.

use std::time::Duration;

use crate::domain::{AttemptReport, ErrorReport, OutcomeClass, format_span};
use crate::text::Tongue;

use super::refusal;

/// The code of a request that only wanted what is kept, where nothing is.
pub(super) const CACHE_MISS: &str = "cache_miss";

/// A failure as a person is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened, with the provider it happened at.
    pub cause: String,
    /// The rest: a label of a word or two, and what there is to say; none is empty.
    pub facts: Vec<(String, String)>,
}

/// Tells a failure.
pub fn tell(error: &ErrorReport, attempts: &[AttemptReport], tongue: Tongue) -> Told {
    let message = tongue.say(&error.message);
    let cause = match &error.provider {
        // What our budget says is no word of a provider.
        Some(provider)
            if !error.message.contains(provider.as_str()) && !refusal::over_budget(error) =>
        {
            format!("{provider}: {message}")
        }
        Some(_) | None => message,
    };
    let mut facts = vec![
        ("whose fault", tongue.say(whose(error))),
        ("retry", again(error, tongue)),
        ("router", tongue.say(&did(error, attempts))),
    ];
    if !error.hint.is_empty() {
        facts.push(("what to do", tongue.say(&error.hint)));
    }
    if !error.original.is_empty() && error.original != error.message {
        facts.push(("original", error.original.clone()));
    }
    let facts = facts.into_iter().map(|(label, words)| (tongue.say(label), words)).collect();
    Told { cause, facts }
}

fn whose(error: &ErrorReport) -> &'static str {
    if error.message.ends_with("(drill)") {
        return "a drill on this side; the provider was not asked";
    }
    if refusal::over_budget(error) {
        return "a budget you set";
    }
    if error.code == CACHE_MISS {
        return "nobody's: no model was to be asked";
    }
    match error.class {
        OutcomeClass::Caller => "the request itself",
        OutcomeClass::Context => "the request is too large for the model",
        OutcomeClass::Refusal => "the provider's content rules",
        OutcomeClass::Account if error.provider.is_none() && error.status.is_none() => {
            "your setup: no model can be asked"
        }
        OutcomeClass::Account => "your key or account there",
        OutcomeClass::Throttle => "your rate at this provider",
        OutcomeClass::Provider | OutcomeClass::Stall => "the provider",
        OutcomeClass::Network => "the way to the provider",
        OutcomeClass::Truncation => "the answer's room",
        OutcomeClass::Cancelled => "you stopped it",
    }
}

fn again(error: &ErrorReport, tongue: Tongue) -> String {
    if error.code == refusal::ASKS_FIRST {
        return tongue.say("sent again, it asks again");
    }
    if error.code == CACHE_MISS {
        return tongue.say("the same is answered once an answer is kept");
    }
    match (error.class, error.retry_after_ms) {
        (OutcomeClass::Throttle | OutcomeClass::Provider, Some(ms)) if ms > 0 => {
            let span = Duration::from_secs(ms.div_ceil(1000));
            tongue.say(&format!("it can be sent again in {}", format_span(span)))
        }
        (
            OutcomeClass::Throttle
            | OutcomeClass::Provider
            | OutcomeClass::Network
            | OutcomeClass::Stall,
            _,
        ) => tongue.say("sending it again may help"),
        (OutcomeClass::Cancelled, _) => tongue.say("it can be sent again at once"),
        (
            OutcomeClass::Caller
            | OutcomeClass::Context
            | OutcomeClass::Refusal
            | OutcomeClass::Account
            | OutcomeClass::Truncation,
            _,
        ) => tongue.say("sending it again as it is does not help"),
    }
}

/// Whom the router asked, and why it stopped there.
fn did(error: &ErrorReport, attempts: &[AttemptReport]) -> String {
    let mut asked: Vec<(&str, u32)> = Vec::new();
    for attempt in attempts {
        match asked.last_mut() {
            Some((last, times)) if *last == attempt.model.as_str() => *times += 1,
            _ => asked.push((attempt.model.as_str(), 1)),
        }
    }
    let names: Vec<String> = asked
        .iter()
        .map(|(name, times)| match times {
            1 => (*name).to_owned(),
            times => format!("{name} x{times}"),
        })
        .collect();
    let names = names.join(", ");
    match asked.as_slice() {
        [] => "nobody was asked".to_owned(),
        [_] if error.class == OutcomeClass::Cancelled => format!("asked {names}"),
        [_] if !error.class.try_another() => {
            format!("asked {names}; nobody else was asked, since that would not help")
        }
        [_] => format!("asked {names}; nobody else could be asked"),
        [..] => format!("asked {names}; nobody answered whole"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AttemptId, AttemptKind, Cost, Stamps, Usage};

    fn attempt(model: &str) -> AttemptReport {
        AttemptReport {
            id: AttemptId(uuid::Uuid::nil()),
            n: 1,
            model: model.into(),
            provider: "lab".into(),
            kind: AttemptKind::First,
            outcome: Some(OutcomeClass::Provider),
            status: None,
            started_ms: 0,
            waited_ms: 0,
            stamps: Stamps::default(),
            ms: 1,
            usage: Usage::default(),
            cost: Cost::ZERO,
            tier: None,
            detail: String::new(),
        }
    }

    fn broke() -> ErrorReport {
        let mut error =
            ErrorReport::new(OutcomeClass::Account, "402", "Account balance is used up");
        error.provider = Some("deepseek".into());
        error.status = Some(402);
        error.hint =
            "Top up the account or raise its quota; other models go on meanwhile.".to_owned();
        error.original = "Insufficient Balance".to_owned();
        error
    }

    #[test]
    fn what_a_budget_does_not_allow_is_not_put_in_a_providers_mouth() {
        let words = "the chat's budget does not allow it: this could cost up to $0.0021";
        let mut error = ErrorReport::new(OutcomeClass::Account, refusal::OVER_BUDGET, words);
        error.provider = Some("sim-openai".into());
        let told = tell(&error, &[], Tongue::ENGLISH);
        assert_eq!(told.cause, words);
        assert!(lines(&told).iter().any(|line| line == "whose fault: a budget you set"));
    }

    fn lines(told: &Told) -> Vec<String> {
        let facts = told.facts.iter().map(|(label, words)| format!("{label}: {words}"));
        std::iter::once(told.cause.clone()).chain(facts).collect()
    }

    #[test]
    fn a_failure_says_cause_fault_retry_router_and_remedy() {
        let told = tell(&broke(), &[attempt("flash")], Tongue::ENGLISH);
        assert_eq!(
            lines(&told),
            [
                "deepseek: Account balance is used up",
                "whose fault: your key or account there",
                "retry: sending it again as it is does not help",
                "router: asked flash; nobody else could be asked",
                "what to do: Top up the account or raise its quota; other models go on meanwhile.",
                "original: Insufficient Balance",
            ]
        );
    }

    #[test]
    fn what_is_not_in_the_cache_is_nobodys_fault() {
        let words = "only the cache was to answer, and nothing is kept for this: nothing like it";
        let error = ErrorReport::new(OutcomeClass::Caller, CACHE_MISS, words);
        let told = lines(&tell(&error, &[], Tongue::ENGLISH));
        assert_eq!(told[1], "whose fault: nobody's: no model was to be asked");
        assert_eq!(told[2], "retry: the same is answered once an answer is kept");
        let told = lines(&tell(&error, &[], Tongue::named("zh").unwrap()));
        assert!(told[..3].iter().all(|line| !line.contains("answer")), "{told:?}");
    }

    #[test]
    fn what_a_budget_asks_about_is_nobodys_key_and_can_be_sent_again() {
        let mut error = ErrorReport::new(
            OutcomeClass::Account,
            refusal::ASKS_FIRST,
            "large could cost up to $1",
        );
        error.provider = Some("lab".into());
        let told = lines(&tell(&error, &[], Tongue::ENGLISH));
        assert_eq!(
            told[1..],
            [
                "whose fault: a budget you set",
                "retry: sent again, it asks again",
                "router: nobody was asked",
            ]
        );
    }

    #[test]
    fn in_chinese_all_but_names_and_the_original_is_chinese() {
        let attempts = [attempt("flash"), attempt("flash"), attempt("mini")];
        let told = tell(&broke(), &attempts, Tongue::named("zh").unwrap());
        assert_eq!(
            lines(&told),
            [
                "deepseek: 账户余额已用尽",
                "谁的问题: 您在该处的密钥或账户",
                "重试: 原样重发没有用",
                "路由: 请求了 flash x2, mini；没有得到完整回答",
                "怎么办: 请充值或提高额度；期间其他模型照常可用。",
                "原文: Insufficient Balance",
            ]
        );
    }

    #[test]
    fn every_class_is_told_whole_in_every_language() {
        for tongue in Tongue::tags().filter_map(Tongue::named) {
            for class in [
                OutcomeClass::Caller,
                OutcomeClass::Context,
                OutcomeClass::Refusal,
                OutcomeClass::Account,
                OutcomeClass::Throttle,
                OutcomeClass::Provider,
                OutcomeClass::Network,
                OutcomeClass::Stall,
                OutcomeClass::Truncation,
                OutcomeClass::Cancelled,
            ] {
                let mut error = ErrorReport::new(class, "x", "Rate limit reached");
                error.retry_after_ms = Some(30_000);
                for attempts in [vec![], vec![attempt("a")], vec![attempt("a"), attempt("b")]] {
                    let told = tell(&error, &attempts, tongue);
                    assert_eq!(told.facts.len(), 3, "{class} {told:?}");
                    if tongue != Tongue::ENGLISH {
                        let ascii = |text: &String| text.is_ascii();
                        let all = told.facts.iter().flat_map(|(a, b)| [a, b]);
                        assert!(!all.into_iter().any(ascii), "{class} {told:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_told_wait_and_a_drill_are_said() {
        let mut error = ErrorReport::new(OutcomeClass::Throttle, "x", "Rate limit reached (drill)");
        error.retry_after_ms = Some(29_500);
        let told = lines(&tell(&error, &[], Tongue::ENGLISH)).join("\n");
        assert!(told.contains("it can be sent again in 30s"), "{told}");
        assert!(told.contains("a drill on this side"), "{told}");
        assert!(told.contains("nobody was asked"), "{told}");
    }
}
