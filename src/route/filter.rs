//! The hard filters: why a candidate may not be asked at all, each with its figure in words.
//!
//! Owns: the reasons and their order. Must not know: scores, or how the state came about. Invariant:
//! reasons come in one fixed order (what it can do, whether it is there, what was said by hand or by
//! rule, how it is doing), so the first is the one worth reading.

use crate::domain::{FilterCode, FilterReason, ModelName, PinScope, RequestFeatures, UnixMs};

use super::rules;
use super::{CandidateInput, CircuitView, DecisionInput, Imposed, KeyState, RuleEffect, RuleInput};

/// A number of tokens in a few characters: `800`, `12k`, `1.2M`.
pub(crate) fn tokens_short(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..9_950 => {
            let text = format!("{:.1}", tokens as f64 / 1e3);
            format!("{}k", text.trim_end_matches('0').trim_end_matches('.'))
        }
        9_950..999_500 => format!("{:.0}k", tokens as f64 / 1e3),
        _ => {
            let text = format!("{:.1}", tokens as f64 / 1e6);
            format!("{}M", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// How long from now until a moment, in a few characters: `41s`, `4m`, `2h`.
pub(crate) fn until_short(now: UnixMs, until: UnixMs) -> String {
    let seconds = now.until(until).as_millis().div_ceil(1000);
    match seconds {
        0..100 => format!("{seconds}s"),
        100..6_000 => format!("{}m", seconds.div_ceil(60)),
        6_000..172_800 => format!("{}h", seconds.div_ceil(3_600)),
        _ => format!("{}d", seconds.div_ceil(86_400)),
    }
}

/// What a candidate lacks of what the request needs.
fn lacks(candidate: &CandidateInput, features: &RequestFeatures) -> Option<String> {
    let can = &candidate.capabilities;
    let needs = &features.needs;
    let missing: Vec<&str> = [
        (needs.tools && !can.tools, "tools"),
        (needs.vision && !can.vision, "images"),
        (needs.json && !can.json && !can.structured, "JSON"),
    ]
    .into_iter()
    .filter_map(|(missing, name)| missing.then_some(name))
    .collect();
    (!missing.is_empty()).then(|| format!("no {}", missing.join(", no ")))
}

/// Does naming a model outrank this rule? It does, but for a guard (`only`, on a tag): a pin made for
/// a conversation must not carry a private message out. Naming a model for the very message, or for
/// the tag, does outrank it, unless it yields.
fn outranks(imposed: Option<&Imposed>, rule: Option<&RuleInput>) -> bool {
    let for_this = imposed.is_some_and(|imposed| {
        !imposed.yields && matches!(imposed.scope, PinScope::Message | PinScope::Tag(_))
    });
    let guard =
        rule.is_some_and(|rule| rule.tag.is_some() && matches!(rule.effect, RuleEffect::Only(_)));
    for_this || !guard
}

/// Everything that is against asking this candidate, in a fixed order. The quality floor is not
/// here: it depends on whether another candidate remains.
pub(crate) fn reasons(
    candidate: &CandidateInput,
    input: &DecisionInput,
    imposed: Option<&Imposed>,
    rule: Option<&RuleInput>,
    input_tokens: u64,
    output_tokens: u64,
) -> Vec<FilterReason> {
    let now = input.now;
    let named = imposed.is_some_and(|imposed| imposed.model == candidate.model);
    // Named for this one message: newer than any veto.
    let named_now = named && imposed.is_some_and(|imposed| imposed.scope == PinScope::Message);
    let named_by_rule = rule.is_some_and(|rule| rules::names_model(candidate, rule));
    let mut out = Vec::new();
    let mut add = |code, detail: String| out.push(FilterReason { code, detail });

    if let Some(detail) = lacks(candidate, &input.features) {
        add(FilterCode::Capability, detail);
    }
    let needed = input_tokens.saturating_add(output_tokens);
    if needed > candidate.context {
        let (needs, holds) = (tokens_short(needed), tokens_short(candidate.context));
        add(FilterCode::Context, format!("needs {needs}, holds {holds}"));
    }
    match &candidate.key {
        KeyState::Ready => {}
        KeyState::Missing(how) if how.contains(' ') => add(FilterCode::NoKey, how.clone()),
        KeyState::Missing(variable) => add(FilterCode::NoKey, format!("set {variable}")),
        KeyState::Refused(why) => add(FilterCode::Account, why.clone()),
    }
    if !candidate.present {
        add(FilterCode::Absent, format!("{} does not answer", candidate.provider));
    }
    if let Some(words) = &candidate.retired
        && !named
        && !named_by_rule
    {
        add(FilterCode::Retired, words.clone());
    }
    if candidate.rates.is_none() && !named && !named_by_rule {
        add(FilterCode::NoPrice, "no price known; name it to use it".to_owned());
    }
    if !(named && outranks(imposed, rule))
        && let Some(reason) = rules::refusal(candidate, rule)
    {
        add(reason.code, reason.detail);
    }
    if let Some(imposed) = imposed
        && imposed.exclusive
        && !named
    {
        add(FilterCode::NotPinned, format!("only {} may answer", imposed.model));
    }
    if let Some(until) = candidate.vetoed_until
        && until > now
        && !named_now
    {
        let detail = if until == UnixMs(i64::MAX) {
            "vetoed by you".to_owned()
        } else {
            format!("vetoed by you for {}", until_short(now, until))
        };
        add(FilterCode::Vetoed, detail);
    }
    if candidate.drained && !named_now {
        add(FilterCode::Drained, format!("{} is drained", candidate.provider));
    }
    if candidate.maintenance {
        add(FilterCode::Maintenance, format!("{} is in maintenance", candidate.provider));
    }
    if let Some(words) = &candidate.over_budget {
        add(FilterCode::Budget, words.clone());
    }
    if let CircuitView::Open { until } = candidate.circuit {
        add(FilterCode::CircuitOpen, format!("retry in {}", until_short(now, until)));
    }
    if let Some(until) = candidate.limited_until
        && until > now
    {
        add(FilterCode::RateLimited, format!("retry in {}", until_short(now, until)));
    } else if let Some(forecast) = &candidate.forecast
        && forecast.keeps_away(now)
        && !named
    {
        add(FilterCode::RateLimited, forecast.words(now));
    }
    if let Some(until) = candidate.shifted_until
        && until > now
        && !named
    {
        add(FilterCode::Shifted, format!("too slow, back in {}", until_short(now, until)));
    }
    out
}

/// The reason that keeps a candidate below the quality floor.
pub(crate) fn below_floor(quality: f64, floor: f64) -> FilterReason {
    FilterReason {
        code: FilterCode::BelowQuality,
        detail: format!("needs {floor:.2}, has {quality:.2}"),
    }
}

/// Longest wait for a rate limit that is still better than giving no answer at all.
const WORTH_WAITING_MS: u128 = 15_000;

/// What is waived when no candidate is left without a reason, the least bad first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiver {
    /// What is left of a limit is for those whom nobody else can serve.
    Forecast,
    /// Slow is better than nothing.
    Shifted,
    /// So is one that may be in maintenance.
    Maintenance,
    /// The circuit nearest its retry is tried early.
    Circuit(UnixMs),
    /// A limit that ends in a moment is waited for.
    Limit(UnixMs),
}

/// What would have to be waived to use a candidate when no other is left; `None` when one of its
/// reasons cannot be.
pub(crate) fn waiver(
    candidate: &CandidateInput,
    reasons: &[FilterReason],
    now: UnixMs,
) -> Option<Waiver> {
    let mut worst = Waiver::Forecast;
    for reason in reasons {
        let waiver = match reason.code {
            FilterCode::Shifted => Waiver::Shifted,
            FilterCode::Maintenance => Waiver::Maintenance,
            FilterCode::CircuitOpen => match candidate.circuit {
                CircuitView::Open { until } => Waiver::Circuit(until),
                CircuitView::Closed | CircuitView::HalfOpen => Waiver::Shifted,
            },
            FilterCode::RateLimited => {
                let Some(until) = candidate.limited_until.filter(|until| *until > now) else {
                    continue;
                };
                if now.until(until).as_millis() > WORTH_WAITING_MS {
                    return None;
                }
                Waiver::Limit(until)
            }
            FilterCode::Capability
            | FilterCode::Context
            | FilterCode::NoKey
            | FilterCode::NoPrice
            | FilterCode::Account
            | FilterCode::Drained
            | FilterCode::Vetoed
            | FilterCode::Budget
            | FilterCode::Policy
            | FilterCode::NotPinned
            | FilterCode::Retired
            | FilterCode::BelowQuality
            | FilterCode::Absent => return None,
        };
        worst = worst.max(waiver);
    }
    Some(worst)
}

/// What would have to be waived for a candidate that is only kept out to spare it (slow just now, or
/// near its rate limit), so that it may serve what nobody else is good enough for.
pub(crate) fn spared(
    candidate: &CandidateInput,
    reasons: &[FilterReason],
    now: UnixMs,
) -> Option<Waiver> {
    waiver(candidate, reasons, now).filter(|waiver| *waiver <= Waiver::Shifted)
}

/// Why an imposed model cannot be used, in words.
pub(crate) fn why_not(model: &ModelName, reasons: Option<&[FilterReason]>) -> String {
    match reasons.map(<[FilterReason]>::first) {
        None => format!("{model} is not in the registry"),
        Some(None) => format!("{model} is free to use"),
        Some(Some(reason)) => format!("{model}: {}, {}", reason.code.name(), reason.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_short() {
        for (tokens, text) in [
            (0, "0"),
            (800, "800"),
            (1_000, "1k"),
            (4_150, "4.2k"),
            (12_300, "12k"),
            (128_000, "128k"),
            (1_048_576, "1M"),
            (1_200_000, "1.2M"),
        ] {
            assert_eq!(tokens_short(tokens), text);
        }
        for (ms, text) in [(1, "1s"), (41_000, "41s"), (240_000, "4m"), (7_200_000, "2h")] {
            assert_eq!(until_short(UnixMs(0), UnixMs(ms)), text);
        }
        assert_eq!(until_short(UnixMs(5), UnixMs(0)), "0s");
    }
}
