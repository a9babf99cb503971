//! A decision in a few words: why the first one, and what is to be said of the others.
//!
//! Owns: the texts. Must not know: anything the contest did not find. Invariant: a text names what
//! decided, never more.

use crate::domain::{FilterCode, KeptOut, PinScope, RequestFeatures, TaskKind};

use super::contest::{Contest, Field, Ground};
use super::filter::{self, Waiver, until_short};
use super::{CircuitView, HealthState, Imposed, RuleEffect, rules};

/// At most so many expected tokens make an answer short.
const SHORT_ANSWER: u64 = 110;

/// Below this a question is simple.
const SIMPLE: f32 = 0.25;

/// From so many prompt tokens on, size is what a request is about, if it leaves someone out.
const LONG_PROMPT: u64 = 24_000;

/// What a request is, in one or two words.
fn label(features: &RequestFeatures, contest: &Contest) -> &'static str {
    let too_long =
        contest.reasons.iter().flatten().any(|reason| reason.code == FilterCode::Context);
    if features.input_tokens >= LONG_PROMPT && too_long {
        return "long context";
    }
    let short = features.output_tokens <= SHORT_ANSWER && features.difficulty < SIMPLE;
    if features.task == TaskKind::Chat && short { "short factual" } else { features.task.name() }
}

/// Why the first one, and whom a budget kept from it.
pub(crate) fn reason(
    ground: &Ground<'_>,
    contest: &Contest,
    imposed: Option<&Imposed>,
    over_budget: Option<&KeptOut>,
) -> String {
    let own = choice(ground, contest, imposed);
    // Of one that was asked for by name, that is told already.
    let told = |kept: &&KeptOut| imposed.is_some_and(|imposed| imposed.model == kept.model);
    match over_budget.filter(|kept| !told(kept)) {
        Some(kept) => format!("{} is over budget; {own}", kept.model),
        None => own,
    }
}

/// Why the first one.
fn choice(ground: &Ground<'_>, contest: &Contest, imposed: Option<&Imposed>) -> String {
    let candidates = &ground.input.candidates;
    let Some(winner) = contest.winner() else { return nobody(ground, contest, imposed) };
    let chosen = &candidates[winner];
    let waived = waived(ground, contest, winner);
    let own = waived.clone().unwrap_or_else(|| on_merit(ground, contest, winner));
    let Some(imposed) = imposed else { return own };
    if imposed.model != chosen.model {
        let index = candidates.iter().position(|c| c.model == imposed.model);
        let reasons = index.map(|index| contest.reasons[index].as_slice());
        return format!("{}; {own}", filter::why_not(&imposed.model, reasons));
    }
    let pinned = match &imposed.scope {
        PinScope::Message => format!("one-shot @{}", imposed.model),
        PinScope::Session => "pinned by you, this chat".to_owned(),
        PinScope::Tag(tag) => format!("pinned by you for #{tag}"),
        PinScope::All => "pinned by you".to_owned(),
    };
    match waived {
        Some(waived) => format!("{pinned}; {waived}"),
        None => pinned,
    }
}

/// Why the winner, by rule or by score.
fn on_merit(ground: &Ground<'_>, contest: &Contest, winner: usize) -> String {
    let chosen = &ground.input.candidates[winner];
    if let Some(rule) = ground.rule {
        let decided = match &rule.effect {
            RuleEffect::Prefer(_) => rules::preference(chosen, Some(rule)).is_some(),
            RuleEffect::Only(_) => true,
            RuleEffect::Avoid(_) | RuleEffect::Policy { .. } => false,
        };
        if decided {
            return format!("rule {}", rule.words);
        }
    }
    let label = label(&ground.input.features, contest);
    let quality = ground.worths[winner].quality;
    let how = if contest.field == Field::NoneGood {
        format!("best there is, {:.2} asked for", ground.floor)
    } else {
        place(ground, contest, winner)
    };
    format!("{label} {quality:.2}, {how}")
}

/// How the winner stands among those that fit: `cheapest of 3 that fit`.
fn place(ground: &Ground<'_>, contest: &Contest, winner: usize) -> String {
    let count = contest.order.len();
    if count == 1 {
        return "the only one that fits".to_owned();
    }
    let worths = &ground.worths;
    let tops = |value: fn(&super::score::Worth) -> f64| {
        contest.order.iter().all(|other| value(&worths[*other]) <= value(&worths[winner]))
    };
    let [quality, cost, speed] = ground.weights;
    let mut superlatives = [
        (cost, tops(|w| w.cost), "cheapest"),
        (quality, tops(|w| w.quality), "best"),
        (speed, tops(|w| w.speed), "fastest"),
    ];
    superlatives.sort_by(|a, b| b.0.total_cmp(&a.0));
    // With several, the one the policy weighs most.
    let named = superlatives.iter().find(|(_, tops, _)| *tops).map(|(_, _, name)| *name);
    match named {
        Some(name) => format!("{name} of {count} that fit"),
        None => format!("best balance of {count} that fit"),
    }
}

fn waived(ground: &Ground<'_>, contest: &Contest, winner: usize) -> Option<String> {
    let model = &ground.input.candidates[winner].model;
    let now = ground.input.now;
    let Field::Waived(waiver) = contest.field else { return None };
    Some(match waiver {
        Waiver::Forecast => match &ground.input.candidates[winner].forecast {
            Some(forecast) => format!("nobody else is left: {model}, {}", forecast.words(now)),
            None => "nobody else is left".to_owned(),
        },
        Waiver::Shifted => "all slow now, least bad one used".to_owned(),
        Waiver::Maintenance => format!("nobody else: {model} may be in maintenance"),
        Waiver::Circuit(until) => {
            format!("all circuits open: {model} is nearest its retry, {}", until_short(now, until))
        }
        Waiver::Limit(until) => {
            format!("all limited: {model} is free in {}", until_short(now, until))
        }
    })
}

/// Why nobody can be asked: the pin's own reason, or the reasons counted, the commonest first.
fn nobody(ground: &Ground<'_>, contest: &Contest, imposed: Option<&Imposed>) -> String {
    let candidates = &ground.input.candidates;
    if let Some(imposed) = imposed.filter(|imposed| imposed.exclusive) {
        let index = candidates.iter().position(|c| c.model == imposed.model);
        return filter::why_not(
            &imposed.model,
            index.map(|index| contest.reasons[index].as_slice()),
        );
    }
    if candidates.is_empty() {
        return "no model is set up".to_owned();
    }
    let mut counts: Vec<(FilterCode, usize)> = Vec::new();
    for reason in contest.reasons.iter().filter_map(|reasons| reasons.first()) {
        match counts.iter_mut().find(|(code, _)| *code == reason.code) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason.code, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let listed: Vec<String> =
        counts.iter().map(|(code, count)| format!("{} ({count})", code.name())).collect();
    format!("no model can take it: {}", listed.join(", "))
}

/// From this ratio on, a dearer candidate is marked so.
const DEARER: f64 = 1.8;

/// A few words on a candidate's place.
pub(crate) fn note(ground: &Ground<'_>, contest: &Contest, index: usize) -> String {
    let candidate = &ground.input.candidates[index];
    let worth = &ground.worths[index];
    if let Some(reason) = contest.reasons[index].first() {
        return match reason.code {
            FilterCode::BelowQuality => format!("below {:.2}", ground.floor),
            FilterCode::CircuitOpen => format!("down, {}", reason.detail),
            // The limit is not reached yet: that it will be is what keeps it out.
            FilterCode::RateLimited
                if candidate.limited_until.is_none_or(|until| until <= ground.input.now) =>
            {
                reason.detail.clone()
            }
            code => code.name().to_owned(),
        };
    }
    let Some(winner) = contest.winner() else { return String::new() };
    if let (true, Field::Waived(Waiver::Circuit(until))) = (index == winner, contest.field) {
        return format!("down, retry in {}", until_short(ground.input.now, until));
    }
    if candidate.circuit == CircuitView::HalfOpen {
        return "probing".to_owned();
    }
    let now = ground.input.now;
    if let Some(forecast) = candidate.forecast.as_ref().filter(|near| near.keeps_away(now)) {
        return forecast.words(now);
    }
    if index == winner {
        return String::new();
    }
    let first = &ground.worths[winner];
    if candidate.health.state == HealthState::Slow {
        return "slow now".to_owned();
    }
    // Its usual pace, not trouble.
    if worth.estimate.ttft_ms > 1_000
        && worth.estimate.ttft_ms > first.estimate.ttft_ms.saturating_mul(3)
    {
        return "slow to start".to_owned();
    }
    if let (Some(own), Some(other)) = (worth.estimate.cost, first.estimate.cost) {
        let ratio = own.dollars() / other.dollars();
        if ratio.is_finite() && ratio >= DEARER {
            return if ratio < 9.5 {
                format!("{}x the cost", (ratio * 10.0).round() / 10.0)
            } else {
                format!("{ratio:.0}x the cost")
            };
        }
        if other.pico() == 0 && own.pico() > 0 {
            return format!("would cost {}", own.short());
        }
    }
    if worth.quality + 0.03 < first.quality {
        return "less good at this".to_owned();
    }
    if worth.estimate.total_ms > first.estimate.total_ms.saturating_mul(2) {
        return "slower".to_owned();
    }
    "close".to_owned()
}
