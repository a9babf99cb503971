//! The user's rules: which one holds, and what it does to a candidate.
//!
//! Owns: matching a rule against a request, and names against candidates. Must not know: scores.
//! Invariant: the first rule that holds decides; later ones are not looked at.

use crate::domain::{FilterCode, FilterReason, RequestFeatures};

use super::{CandidateInput, RuleEffect, RuleInput};

/// The first rule that holds for a request.
pub(crate) fn first_that_holds<'a>(
    rules: &'a [RuleInput],
    features: &RequestFeatures,
) -> Option<&'a RuleInput> {
    rules.iter().find(|rule| {
        rule.task.is_none_or(|task| task == features.task)
            && rule.min_context.is_none_or(|least| features.input_tokens >= least)
            && rule.lang.is_none_or(|lang| lang == features.lang)
            && rule.tag.as_ref().is_none_or(|tag| {
                features.tags.iter().any(|held| held.eq_ignore_ascii_case(tag.trim_matches('#')))
            })
    })
}

/// Does this name mean the candidate: its model, its provider, or one of its tags?
fn names(candidate: &CandidateInput, name: &str) -> bool {
    candidate.model.as_str() == name
        || candidate.provider.as_str() == name
        || candidate.tags.iter().any(|tag| tag == name)
}

/// Where in a list the candidate is first meant.
pub(crate) fn position(candidate: &CandidateInput, list: &[String]) -> Option<usize> {
    list.iter().position(|name| names(candidate, name))
}

/// Is the candidate asked for by name (not by provider or tag)?
pub(crate) fn names_model(candidate: &CandidateInput, rule: &RuleInput) -> bool {
    match &rule.effect {
        RuleEffect::Prefer(list) | RuleEffect::Only(list) => {
            list.iter().any(|name| candidate.model.as_str() == name)
        }
        RuleEffect::Avoid(_) | RuleEffect::Policy { .. } => false,
    }
}

/// Its place among the preferred ones, if the rule prefers it.
pub(crate) fn preference(candidate: &CandidateInput, rule: Option<&RuleInput>) -> Option<usize> {
    match &rule?.effect {
        RuleEffect::Prefer(list) => position(candidate, list),
        RuleEffect::Only(_) | RuleEffect::Avoid(_) | RuleEffect::Policy { .. } => None,
    }
}

/// Why the rule leaves the candidate out, if it does.
pub(crate) fn refusal(
    candidate: &CandidateInput,
    rule: Option<&RuleInput>,
) -> Option<FilterReason> {
    let rule = rule?;
    let out = match &rule.effect {
        RuleEffect::Only(list) => position(candidate, list).is_none(),
        RuleEffect::Avoid(list) => position(candidate, list).is_some(),
        RuleEffect::Prefer(_) | RuleEffect::Policy { .. } => false,
    };
    out.then(|| FilterReason { code: FilterCode::Policy, detail: format!("rule {}", rule.words) })
}
