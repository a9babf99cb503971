//! A decision as lines for people: who would answer, every candidate with what its score is made
//! of, who was left out and why, and what would change the choice. Pure.

use std::collections::BTreeMap;

use crate::domain::{Candidate, Decision, FilterCode, Money, OverrideKind, PinScope, ServiceTier};

use super::super::story::seconds;
use super::super::table::{Align, Table};

/// What another policy would choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// The policy.
    pub policy: String,
    /// Its choice; `None` when nobody could be asked.
    pub model: Option<String>,
    /// What that would cost.
    pub cost: Option<Money>,
    /// How long until its first token.
    pub ttft_ms: Option<u64>,
}

/// Everything `explain` says.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The decision.
    pub decision: &'a Decision,
    /// The tier of service the chosen model would be asked for, if one.
    pub tier: Option<ServiceTier>,
    /// What would change it.
    pub flips: &'a [String],
    /// Other policies.
    pub alternatives: &'a [Alternative],
}

/// How much is said of models that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Those without a key only as a count.
    Short,
    /// Every one.
    Whole,
}

/// The lines.
pub fn lines(what: &Explanation<'_>, detail: Detail) -> Vec<String> {
    let decision = what.decision;
    let mut out = head(decision, what.tier);
    out.push(String::new());
    out.extend(request(decision));
    out.extend(candidates(decision));
    out.extend(left_out(decision, detail));
    if !what.flips.is_empty() {
        out.push(String::new());
        out.push("It would be another with".to_owned());
        out.extend(what.flips.iter().map(|flip| format!("  {flip}")));
    }
    out.extend(alternatives(what.alternatives));
    out
}

fn head(decision: &Decision, tier: Option<ServiceTier>) -> Vec<String> {
    let mut out = match decision.chosen() {
        Some(chosen) => {
            let cost = chosen.estimate.cost.map_or_else(
                || "an unknown price".to_owned(),
                |cost| format!("about {}", cost.short()),
            );
            vec![
                format!(
                    "{} would answer{}, for {cost}, from {} on",
                    chosen.model,
                    tier.map_or_else(String::new, |tier| format!(", in tier {tier}")),
                    seconds(chosen.estimate.ttft_ms)
                ),
                format!("  {}", decision.reason),
            ]
        }
        None => vec!["Nobody can answer this now".to_owned()],
    };
    if let Some(rule) = &decision.rule {
        out.push(format!("  rule: {rule}"));
    }
    if let Some(imposed) = &decision.imposed {
        out.push(format!("  {}", imposed_words(imposed)));
    }
    out
}

fn imposed_words(imposed: &OverrideKind) -> String {
    let scope = match &imposed.scope {
        PinScope::Message => "for this message".to_owned(),
        PinScope::Session => "for this conversation".to_owned(),
        PinScope::Tag(tag) => format!("for #{tag}"),
        PinScope::All => "for everything".to_owned(),
    };
    let what = match &imposed.model {
        Some(model) if imposed.exclusive => format!("only {model}"),
        Some(model) => format!("{model} first"),
        None => "the policy".to_owned(),
    };
    let else_ = imposed
        .would_be
        .as_ref()
        .map_or_else(String::new, |model| format!("; on its own the router would take {model}"));
    format!("by hand: {what} {scope}{else_}")
}

fn request(decision: &Decision) -> Vec<String> {
    let features = &decision.features;
    let tasks: Vec<String> = features
        .tasks
        .iter()
        .filter(|(_, share)| *share >= 0.05)
        .map(|(task, share)| format!("{task} {:.0}%", share * 100.0))
        .collect();
    let mut parts = vec![
        if tasks.is_empty() { features.task.to_string() } else { tasks.join(", ") },
        format!("difficulty {:.2}", features.difficulty),
        features.lang.code().to_owned(),
        format!("{} tokens in, about {} out", features.input_tokens, features.output_tokens),
    ];
    let needs = [
        (features.needs.tools, "tools"),
        (features.needs.vision, "vision"),
        (features.needs.json, "JSON"),
    ];
    parts.extend(needs.iter().filter(|(on, _)| *on).map(|(_, what)| format!("needs {what}")));
    let [quality, cost, speed] = decision.weights;
    vec![
        format!("request  {}", parts.join(" · ")),
        format!(
            "policy   {}: quality {quality:.2} · cost {cost:.2} · speed {speed:.2}",
            decision.policy
        ),
    ]
}

const FACTORS: [&str; 3] = ["quality", "cost", "speed"];

fn candidates(decision: &Decision) -> Vec<String> {
    if decision.chosen().is_none() {
        return Vec::new();
    }
    let mut table = Table::new(&[
        ("", Align::Right),
        ("model", Align::Left),
        ("score", Align::Right),
        ("quality", Align::Right),
        ("cost", Align::Right),
        ("speed", Align::Right),
        ("est. cost", Align::Right),
        ("first token", Align::Right),
        ("whole", Align::Right),
        ("", Align::Left),
    ]);
    for (rank, candidate) in decision.ranked().enumerate() {
        let mut cells = vec![
            (rank + 1).to_string(),
            candidate.model.to_string(),
            format!("{:.3}", candidate.score.total),
        ];
        cells.extend(FACTORS.iter().map(|name| points(candidate, name)));
        cells.extend([
            candidate.estimate.cost.map_or_else(|| "?".to_owned(), Money::short),
            seconds(candidate.estimate.ttft_ms),
            seconds(candidate.estimate.total_ms),
            candidate.note.clone(),
        ]);
        table.row(cells);
    }
    let mut out = vec![String::new()];
    out.extend(table.lines());
    if decision.ranked().any(|candidate| candidate.quality_guess) {
        out.push(String::new());
        out.push("~ quality is a family's prior, a guess to start from".to_owned());
    }
    out
}

fn points(candidate: &Candidate, name: &str) -> String {
    let guess = if name == "quality" && candidate.quality_guess { "~" } else { "" };
    candidate
        .score
        .factors
        .iter()
        .find(|factor| factor.name == name)
        .map_or_else(String::new, |factor| format!("{guess}{:.3}", factor.points))
}

fn left_out(decision: &Decision, detail: Detail) -> Vec<String> {
    let mut table = Table::new(&[("left out", Align::Left), ("because", Align::Left)]);
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = 0;
    for candidate in decision.candidates.iter().filter(|candidate| !candidate.usable()) {
        let quiet = candidate.filtered.iter().find(|reason| {
            matches!(reason.code, FilterCode::NoKey | FilterCode::Absent | FilterCode::Retired)
        });
        match quiet {
            Some(reason) if detail == Detail::Short => {
                *counted.entry(reason.code.name()).or_default() += 1;
            }
            _ => {
                shown += 1;
                table.row([candidate.model.to_string(), reasons(candidate)]);
            }
        }
    }
    let mut out = Vec::new();
    if shown > 0 {
        out.push(String::new());
        out.extend(table.lines());
    }
    if !counted.is_empty() {
        let counts: Vec<String> =
            counted.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        out.push(String::new());
        out.push(format!("not in play: {} (--all lists them)", counts.join(", ")));
    }
    out
}

fn reasons(candidate: &Candidate) -> String {
    let words = candidate.filtered.iter().map(|reason| match reason.detail.as_str() {
        "" => reason.code.name().to_owned(),
        detail => format!("{}: {detail}", reason.code.name()),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn alternatives(alternatives: &[Alternative]) -> Vec<String> {
    if alternatives.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&[
        ("policy", Align::Left),
        ("would take", Align::Left),
        ("est. cost", Align::Right),
        ("first token", Align::Right),
    ]);
    for other in alternatives {
        table.row([
            other.policy.clone(),
            other.model.clone().unwrap_or_else(|| "nobody".to_owned()),
            other.cost.map_or_else(|| "?".to_owned(), Money::short),
            other.ttft_ms.map_or_else(String::new, seconds),
        ]);
    }
    let mut out = vec![String::new()];
    out.extend(table.lines());
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::*;

    fn text(detail: Detail) -> String {
        let decision = fixture::decision(vec![
            fixture::candidate("alpha", 0.712, None),
            fixture::candidate("beta", 0.6, None),
            fixture::candidate("delta", 0.0, Some(FilterCode::Vetoed)),
            fixture::candidate("gamma", 0.0, Some(FilterCode::NoKey)),
        ]);
        let alternatives = [Alternative {
            policy: "cheapest".into(),
            model: Some("beta".into()),
            cost: Some(Money::from_pico(400_000_000)),
            ttft_ms: Some(700),
        }];
        let flips = ["cost weight under .12 -> beta".to_owned()];
        lines(
            &Explanation {
                decision: &decision,
                tier: Some(ServiceTier::Flex),
                flips: &flips,
                alternatives: &alternatives,
            },
            detail,
        )
        .join("\n")
    }

    #[test]
    fn every_figure_of_the_choice_is_told() {
        let text = text(Detail::Short);
        for part in [
            "alpha would answer, in tier flex, for about $0.0012, from 800ms on",
            "code 0.81, cheapest of 2 that fit",
            "code 70%, chat 20% · difficulty 0.40 · en · 20 tokens in, about 300 out",
            "policy   balanced: quality 0.50 · cost 0.30 · speed 0.20",
            "0.712",
            "~0.400",
            "vetoed: set SOME_KEY",
            "not in play: 1 no key (--all lists them)",
            "cost weight under .12 -> beta",
            "cheapest",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(!text.contains("gamma"));
    }

    #[test]
    fn all_lists_those_without_a_key() {
        assert!(
            text(Detail::Whole).contains("gamma     no key: set SOME_KEY"),
            "{}",
            text(Detail::Whole)
        );
    }

    #[test]
    fn a_decision_nobody_can_carry_out_says_so() {
        let decision =
            fixture::decision(vec![fixture::candidate("x", 0.0, Some(FilterCode::Budget))]);
        let what = Explanation { decision: &decision, tier: None, flips: &[], alternatives: &[] };
        let lines = lines(&what, Detail::Short);
        assert_eq!(lines[0], "Nobody can answer this now");
        assert!(lines.iter().any(|line| line.contains("budget: set SOME_KEY")));
    }
}
