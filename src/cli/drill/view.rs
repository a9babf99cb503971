//! A drill's report as lines and as JSON. Pure.

use serde_json::{Value, json};

use super::super::json::SCHEMA;
use super::super::story::seconds;
use super::super::table::{Align, Table};
use super::judge::{Answerer, Case, Report};
use crate::domain::Money;

/// Columns a title may have.
const TITLE: usize = 32;

/// The lines.
pub fn lines(report: &Report) -> Vec<String> {
    let mut out = vec![
        format!("If {} were {} (nobody is asked):", report.name, report.kind.words()),
        String::new(),
    ];
    let mut table = Table::new(&[
        ("prompt", Align::Left),
        ("now", Align::Left),
        ("then", Align::Left),
        ("cost now", Align::Right),
        ("then", Align::Right),
        ("TTFT now", Align::Right),
        ("then", Align::Right),
    ]);
    for case in &report.cases {
        table.row(row(case));
    }
    out.extend(table.lines());
    out.push(String::new());
    out.push(sum(report));
    if !report.warnings.is_empty() {
        out.push(String::new());
        out.push("Warnings".to_owned());
        out.extend(report.warnings.iter().map(|warning| format!("  {warning}")));
    }
    out
}

fn row(case: &Case) -> [String; 7] {
    let who = |who: &Option<Answerer>| {
        who.as_ref().map_or("nobody".to_owned(), |who| format!("{} · {}", who.model, who.provider))
    };
    let money = |who: &Option<Answerer>| {
        who.as_ref().and_then(|who| who.cost).map_or("-".to_owned(), |cost| about(cost.short()))
    };
    let time = |who: &Option<Answerer>| {
        who.as_ref().map_or("-".to_owned(), |who| format!("~{}", seconds(who.ttft_ms)))
    };
    let same = case.now.is_some()
        && !case.moves()
        && case.now.as_ref().map(|w| w.ttft_ms) == case.then.as_ref().map(|w| w.ttft_ms);
    let then = if same { "same".to_owned() } else { who(&case.then) };
    let unless = |text: String| if same { String::new() } else { text };
    [
        crate::text::ellipsis(&case.title, TITLE).into_owned(),
        who(&case.now),
        then,
        money(&case.now),
        unless(money(&case.then)),
        time(&case.now),
        unless(time(&case.then)),
    ]
}

/// An estimate; what is only bounded says so already.
fn about(figure: String) -> String {
    if figure.starts_with('<') { figure } else { format!("~{figure}") }
}

/// Over all prompts that are answered before and after.
fn sum(report: &Report) -> String {
    let all = report.cases.len();
    let moved = report.cases.iter().filter(|case| case.moves()).count();
    let lost = report.cases.iter().filter(|case| case.now.is_some() && case.then.is_none()).count();
    let both =
        || report.cases.iter().filter_map(|case| Some((case.now.as_ref()?, case.then.as_ref()?)));
    let money = |pick: fn((&Answerer, &Answerer)) -> Option<Money>| {
        let sum: Option<i64> = both()
            .map(pick)
            .map(|cost| cost.map(Money::pico))
            .try_fold(0i64, |sum, one| Some(sum.saturating_add(one?)));
        sum.map(Money::from_pico)
    };
    let mut parts = vec![match (moved, lost) {
        (0, 0) => format!("none of {all} prompts would be answered by another"),
        (moved, 0) => format!("{moved} of {all} prompts would be answered by another"),
        (moved, lost) => {
            format!("{} of {all} would be answered by another, {lost} by nobody", moved - lost)
        }
    }];
    if moved > lost {
        if let (Some(now), Some(then)) = (money(|(now, _)| now.cost), money(|(_, then)| then.cost))
        {
            parts.push(format!("{} would be {}", about(now.short()), about(then.short())));
        }
        let count = both().count().max(1) as u64;
        let now = both().map(|(now, _)| now.ttft_ms).sum::<u64>() / count;
        let then = both().map(|(_, then)| then.ttft_ms).sum::<u64>() / count;
        parts.push(format!("mean TTFT ~{} would be ~{}", seconds(now), seconds(then)));
    }
    parts.join("; ")
}

/// The same for programs.
pub fn json(report: &Report) -> Value {
    let who = |who: &Option<Answerer>| {
        who.as_ref().map(|who| {
            json!({
                "model": who.model,
                "provider": who.provider,
                "est_cost_usd": who.cost.map(|cost| cost.to_string()),
                "est_ttft_ms": who.ttft_ms,
            })
        })
    };
    json!({
        "schema": SCHEMA,
        "drill": { "name": report.name, "kind": report.kind.words() },
        "prompts": report.cases.iter().map(|case| json!({
            "title": case.title,
            "prompt": case.prompt,
            "now": who(&case.now),
            "then": who(&case.then),
            "left": case.left,
            "not_independent": case.shared,
        })).collect::<Vec<_>>(),
        "warnings": report.warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DrillKind;

    fn answerer(model: &str, pico: i64, ttft_ms: u64) -> Answerer {
        Answerer {
            model: model.to_owned(),
            provider: "lab".to_owned(),
            cost: Some(Money::from_pico(pico)),
            ttft_ms,
        }
    }

    fn case(title: &str, now: Option<Answerer>, then: Option<Answerer>) -> Case {
        Case {
            title: title.to_owned(),
            prompt: title.to_owned(),
            now,
            then,
            left: Vec::new(),
            shared: Vec::new(),
        }
    }

    fn report() -> Report {
        let small = || Some(answerer("small", 1_000_000_000, 500));
        let large = || Some(answerer("large", 3_000_000_000, 900));
        Report {
            name: "lab".to_owned(),
            kind: DrillKind::Down,
            cases: vec![
                case("one", small(), large()),
                case("two", large(), large()),
                case("three", small(), None),
            ],
            warnings: vec!["look out".to_owned()],
        }
    }

    #[test]
    fn each_prompt_shows_who_answers_now_and_then_and_what_that_costs() {
        let lines = lines(&report());
        let text = lines.join("\n");
        assert!(text.contains("If lab were down (nobody is asked):"), "{text}");
        assert!(text.contains("small · lab  large · lab"), "{text}");
        assert!(text.contains("same"), "{text}");
        assert!(text.contains("1 of 3 would be answered by another, 1 by nobody"), "{text}");
        assert!(text.contains("~$0.0040 would be ~$0.0060"), "{text}");
        assert!(text.ends_with("Warnings\n  look out"), "{text}");
    }

    #[test]
    fn programs_get_the_same_facts() {
        let value = json(&report());
        assert_eq!(value["drill"]["kind"], "down");
        assert_eq!(value["prompts"][0]["then"]["model"], "large");
        assert_eq!(value["prompts"][2]["then"], Value::Null);
        assert_eq!(value["warnings"][0], "look out");
    }
}
