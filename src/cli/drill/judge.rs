//! What a drill shows: who answers now and then, and what that says about the fallbacks. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::Config;
use crate::domain::{Candidate, Decision, Money};
use crate::engine::DrillKind;
use crate::route::{CandidateInput, CircuitView, DecisionInput};

/// How long what is pretended lasts, for decisions that compare it with the present moment.
const LASTS: Duration = Duration::from_mins(10);

/// Who would answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answerer {
    /// The model.
    pub model: String,
    /// Its provider.
    pub provider: String,
    /// What it would cost.
    pub cost: Option<Money>,
    /// Milliseconds to the first token.
    pub ttft_ms: u64,
}

/// One prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// A few words for it.
    pub title: String,
    /// The prompt.
    pub prompt: String,
    /// Who answers now.
    pub now: Option<Answerer>,
    /// Who would answer then.
    pub then: Option<Answerer>,
    /// Providers that could answer then, best first.
    pub left: Vec<String>,
    /// Of those, the ones that fail together with what is drilled.
    pub shared: Vec<String>,
}

/// Everything a drill shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Who is taken to fail.
    pub name: String,
    /// How.
    pub kind: DrillKind,
    /// The prompts.
    pub cases: Vec<Case>,
    /// What to see to.
    pub warnings: Vec<String>,
}

/// The input as it would be.
pub fn pretended(input: &DecisionInput, name: &str, kind: DrillKind) -> DecisionInput {
    let mut then = input.clone();
    let until = then.now + LASTS;
    for candidate in then.candidates.iter_mut().filter(|candidate| covers(candidate, name)) {
        match kind {
            DrillKind::Down => candidate.circuit = CircuitView::Open { until },
            DrillKind::Limit => candidate.limited_until = Some(until),
            DrillKind::Slow(span) => {
                let more = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
                candidate.ttft_prior_ms = candidate.ttft_prior_ms.saturating_add(more);
                let health = &mut candidate.health;
                for ms in [&mut health.ttft_p50, &mut health.ttft_p95] {
                    *ms = ms.map(|ms| ms.saturating_add(more));
                }
            }
            // Answers break off: who is asked does not change.
            DrillKind::Cut => {}
        }
    }
    then
}

fn covers(candidate: &CandidateInput, name: &str) -> bool {
    candidate.model.as_str() == name || candidate.provider.as_str() == name
}

impl Case {
    /// A prompt decided twice.
    pub fn new(
        title: String,
        prompt: String,
        input: &DecisionInput,
        (now, then): &(Decision, Decision),
        name: &str,
    ) -> Self {
        let domains = domains(input, name);
        let shares = |candidate: &&Candidate| {
            input.candidates.iter().any(|known| {
                known.model == candidate.model
                    && !covers(known, name)
                    && domains.contains(known.failure_domain.as_str())
            })
        };
        let mut left: Vec<String> = Vec::new();
        for candidate in then.ranked() {
            let provider = candidate.provider.as_str();
            if !left.iter().any(|known| known == provider) {
                left.push(provider.to_owned());
            }
        }
        let shared: BTreeSet<String> =
            then.ranked().filter(shares).map(|c| c.provider.to_string()).collect();
        Self {
            title,
            prompt,
            now: now.chosen().map(answerer),
            then: then.chosen().map(answerer),
            left,
            shared: shared.into_iter().collect(),
        }
    }

    /// Would somebody else answer, or nobody?
    pub fn moves(&self) -> bool {
        let name = |who: &Option<Answerer>| who.as_ref().map(|who| who.model.clone());
        self.now.is_some() && name(&self.now) != name(&self.then)
    }
}

/// The failure domains of what is drilled.
fn domains<'a>(input: &'a DecisionInput, name: &str) -> BTreeSet<&'a str> {
    let drilled = input.candidates.iter().filter(|candidate| covers(candidate, name));
    drilled.map(|candidate| candidate.failure_domain.as_str()).collect()
}

fn answerer(candidate: &Candidate) -> Answerer {
    Answerer {
        model: candidate.model.to_string(),
        provider: candidate.provider.to_string(),
        cost: candidate.estimate.cost,
        ttft_ms: candidate.estimate.ttft_ms,
    }
}

/// Puts it together and says what to see to.
pub fn report(name: String, kind: DrillKind, config: &Config, cases: Vec<Case>) -> Report {
    let mut warnings = Vec::new();
    let lost: Vec<&str> = titles(&cases, |case| case.now.is_some() && case.then.is_none());
    if !lost.is_empty() {
        warnings.push(format!("nobody would answer {}: {name} is all there is", list(&lost)));
    }
    let nobody = titles(&cases, |case| case.now.is_none());
    if !nobody.is_empty() {
        warnings.push(format!(
            "nobody answers {} even now; wheelhouse explain \"...\" says why",
            list(&nobody)
        ));
    }
    let mut single: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.now.is_some() && case.moves()) {
        let apart: Vec<&String> =
            case.left.iter().filter(|name| !case.shared.contains(name)).collect();
        if let [one] = apart.as_slice() {
            single.entry(one.as_str()).or_default().push(&case.title);
        }
    }
    for (provider, titles) in single {
        warnings.push(format!(
            "single point of failure: with {name} gone only {provider} is left for {}",
            list(&titles)
        ));
    }
    let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        for provider in &case.shared {
            *shared.entry(provider).or_default() += 1;
        }
    }
    for (provider, count) in shared {
        let own = config.providers.get(provider).is_none_or(|p| p.failure_domain == provider);
        let tie = if own { "fails together with" } else { "fronts" };
        warnings.push(format!(
            "{provider} {tie} {name}: not an independent fallback, though it could be chosen for \
             {count} of {} prompts",
            cases.len()
        ));
    }
    warnings.extend(fronts(&name, config));
    Report { name, kind, cases, warnings }
}

/// Aggregators whose models' ids begin with the drilled provider's name, but whose failure domain is
/// their own: the router takes them for independent.
fn fronts(name: &str, config: &Config) -> Vec<String> {
    let Some(drilled) = config.providers.get(name) else { return Vec::new() };
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for model in config.models.values().filter(|model| model.retired.is_none()) {
        let fronted = model.id.split('/').rev().nth(1) == Some(name);
        let independent = config
            .providers
            .get(&model.provider)
            .is_some_and(|provider| provider.failure_domain != drilled.failure_domain);
        if fronted && independent && model.provider.as_str() != name {
            found.entry(model.provider.as_str()).or_default().push(model.name.as_str());
        }
    }
    found
        .into_iter()
        .map(|(provider, models)| {
            format!(
                "{provider} fronts {name} for {} by their ids, and counts as independent: set \
                 failure_domain = \"{}\" for a provider of its own if they fail together",
                models.join(", "),
                drilled.failure_domain
            )
        })
        .collect()
}

fn titles(cases: &[Case], which: impl Fn(&Case) -> bool) -> Vec<&str> {
    cases.iter().filter(|case| which(case)).map(|case| case.title.as_str()).collect()
}

/// Titles named where they are few, else counted.
fn list(titles: &[&str]) -> String {
    match titles {
        [one] => format!("{one:?}"),
        [one, two] => format!("{one:?} and {two:?}"),
        [first, ..] => format!("{} prompts ({first:?} ...)", titles.len()),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixture;
    use crate::config::{Layer, load};
    use crate::route;
    use crate::route::sample;

    fn input() -> DecisionInput {
        let features = fixture::decision(Vec::new()).features;
        let mut input = sample::input(features);
        input.candidates = vec![
            sample::candidate("flash", "deepseek"),
            sample::candidate("routed", "openrouter"),
            sample::candidate("mini", "openai"),
        ];
        input.candidates[1].failure_domain = "deepseek".to_owned();
        input
    }

    fn case(kind: DrillKind) -> Case {
        let input = input();
        let then = pretended(&input, "deepseek", kind);
        let decisions = (route::decide(&input), route::decide(&then));
        Case::new("a fact".to_owned(), String::new(), &then, &decisions, "deepseek")
    }

    #[test]
    fn a_provider_that_is_down_or_limited_is_left_out_and_a_slow_one_is_later() {
        for kind in [DrillKind::Down, DrillKind::Limit] {
            let case = case(kind);
            assert!(!case.left.contains(&"deepseek".to_owned()), "{kind:?}");
            assert_eq!(case.shared, ["openrouter"]);
        }
        let slow = DrillKind::Slow(Duration::from_secs(4));
        let then = pretended(&input(), "deepseek", slow);
        assert_eq!(then.candidates[0].ttft_prior_ms, input().candidates[0].ttft_prior_ms + 4_000);
        assert_eq!(then.candidates[2], input().candidates[2]);
    }

    #[test]
    fn a_fallback_that_fails_together_with_it_is_no_fallback() {
        let mut one = case(DrillKind::Down);
        one.now = Some(Answerer {
            model: "flash".to_owned(),
            provider: "deepseek".to_owned(),
            cost: None,
            ttft_ms: 0,
        });
        let config = crate::config::load(&[]).unwrap().config;
        let report = report("deepseek".to_owned(), DrillKind::Down, &config, vec![one]);
        let all = report.warnings.join("\n");
        assert!(
            all.contains("openrouter fails together with deepseek: not an independent fallback"),
            "{all}"
        );
        assert!(all.contains("only openai is left for \"a fact\""), "{all}");
    }

    #[test]
    fn an_aggregator_is_known_by_its_models_ids() {
        let text = "[models.routed]\nprovider = \"openrouter\"\nid = \"deepseek/deepseek-chat\"\n";
        let config = load(&[Layer::user("a.toml".to_owned(), text.to_owned())]).unwrap().config;
        let told = fronts("deepseek", &config).join("\n");
        assert!(told.contains("openrouter fronts deepseek for routed"), "{told}");
        assert!(fronts("a-model", &config).is_empty());
    }
}
