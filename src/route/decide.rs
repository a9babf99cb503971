//! The decision: the contest run with and without what was imposed, told with everything that led
//! to it.
//!
//! Owns: [`decide`] and [`with_policy`]. Must not know: clocks, chance, I/O. Invariant: the same
//! input gives the same decision, in every field.

use crate::domain::{AtLimit, Candidate, Decision, KeptOut, OverrideKind, PinScope, TaskKind};

use super::contest::{Contest, Field, Ground};
use super::{CandidateInput, DecisionInput, score, words};

/// Decides. Never panics, whatever the figures; with nobody to ask, no candidate is usable and the
/// reason says why.
pub fn decide(input: &DecisionInput) -> Decision {
    let ground = Ground::new(input);
    let imposed = input.imposed.as_ref();
    let contest = Contest::run(&ground, imposed);
    let would_be = imposed.and_then(|_| Contest::run(&ground, None).winner());
    let over_budget = kept_out(input, &contest);
    let reason = words::reason(&ground, &contest, imposed, over_budget.as_ref());

    let mut rest: Vec<usize> =
        (0..input.candidates.len()).filter(|index| !contest.order.contains(index)).collect();
    rest.sort_by(|a, b| input.candidates[*a].model.cmp(&input.candidates[*b].model));
    let candidates = contest
        .order
        .iter()
        .chain(&rest)
        .map(|index| candidate(&ground, &contest, *index))
        .collect();

    Decision {
        id: input.id,
        request: input.request,
        at: input.now,
        policy: ground.policy.clone(),
        weights: ground.base,
        rule: ground.rule.map(|rule| rule.words.clone()),
        imposed: imposed.map(|imposed| OverrideKind {
            scope: imposed.scope.clone(),
            model: Some(imposed.model.clone()),
            exclusive: imposed.exclusive,
            would_be: would_be.map(|index| input.candidates[index].model.clone()),
        }),
        features: input.features.clone(),
        candidates,
        reason,
        over_budget,
    }
}

/// Who would be first if budgets that ask were gone over, or else if there were no budgets; `None` if
/// that changes nothing.
fn kept_out(input: &DecisionInput, contest: &Contest) -> Option<KeptOut> {
    let winner = contest.winner();
    let held = |candidate: &CandidateInput, most| {
        candidate.over_budget_then.is_some_and(|then| then <= most)
    };
    [AtLimit::Ask, AtLimit::Stop].into_iter().find_map(|most| {
        if !input.candidates.iter().any(|candidate| held(candidate, most)) {
            return None;
        }
        let mut freed = input.clone();
        for candidate in freed.candidates.iter_mut().filter(|candidate| held(candidate, most)) {
            candidate.over_budget = None;
        }
        let first = Contest::run(&Ground::new(&freed), freed.imposed.as_ref()).winner()?;
        let model = input.candidates[first].model.clone();
        (Some(first) != winner).then_some(KeptOut { model, asks: most == AtLimit::Ask })
    })
}

fn candidate(ground: &Ground<'_>, contest: &Contest, index: usize) -> Candidate {
    let from = &ground.input.candidates[index];
    let worth = &ground.worths[index];
    let filtered = contest.reasons[index].clone();
    let score = if filtered.is_empty() || only_below_floor(&filtered) {
        worth.score(ground.weights)
    } else {
        crate::domain::Score::default()
    };
    Candidate {
        model: from.model.clone(),
        provider: from.provider.clone(),
        quality: worth.quality as f32,
        quality_guess: is_guess(from, ground.input.features.task),
        score,
        filtered,
        estimate: worth.estimate,
        note: words::note(ground, contest, index),
    }
}

/// A candidate that fits and only is not good enough keeps its score, so that one can see what it
/// would have had.
fn only_below_floor(reasons: &[crate::domain::FilterReason]) -> bool {
    reasons.iter().all(|reason| reason.code == crate::domain::FilterCode::BelowQuality)
}

fn is_guess(candidate: &CandidateInput, task: TaskKind) -> bool {
    !candidate.quality_set.contains(&task)
}

/// The same input under another policy.
pub fn with_policy(input: &DecisionInput, name: &str, weights: [f64; 3]) -> DecisionInput {
    DecisionInput { policy: name.to_owned(), weights: score::normalised(weights), ..input.clone() }
}

/// What would change the choice, in a few words each, the likeliest first: `cost weight under .12 ->
/// sonnet`, `difficulty over .55 -> opus`, `without the pin -> mini`. Empty when nothing near would.
pub fn flips(input: &DecisionInput, decision: &Decision) -> Vec<String> {
    let mut out = Vec::new();
    let ground = Ground::new(input);
    let Some(chosen) = decision.chosen().map(|chosen| chosen.model.clone()) else { return out };
    let name = |index: usize| input.candidates[index].model.clone();
    if let Some(imposed) = &decision.imposed {
        if let Some(other) = imposed.would_be.as_ref().filter(|other| **other != chosen) {
            let pin = match imposed.scope {
                PinScope::Message => format!("@{chosen}"),
                PinScope::Session | PinScope::Tag(_) | PinScope::All => "the pin".to_owned(),
            };
            out.push(format!("without {pin} -> {other}"));
        }
        return out;
    }
    let contest = Contest::run(&ground, None);
    if contest.field != Field::Good {
        return out;
    }
    let at_cost = |cost: f64| {
        let weights = with_cost(ground.weights, cost);
        let winner = Contest::run(&ground.reweighed(weights), None).winner().map(name)?;
        (winner != chosen).then_some(winner)
    };
    let cost = ground.weights[1];
    if let Some((at, other)) = first_change(cost, 0.0, at_cost) {
        out.push(format!("cost weight under {} -> {other}", share(at)));
    }
    if let Some((at, other)) = first_change(cost, 1.0, at_cost) {
        out.push(format!("cost weight over {} -> {other}", share(at)));
    }
    let at_difficulty = |difficulty: f64| {
        let mut changed = input.clone();
        changed.features.difficulty = difficulty as f32;
        let winner = Contest::run(&Ground::new(&changed), None).winner().map(name)?;
        (winner != chosen).then_some(winner)
    };
    let difficulty = f64::from(input.features.difficulty).clamp(0.0, 1.0);
    if let Some((at, other)) = first_change(difficulty, 1.0, at_difficulty) {
        out.push(format!("difficulty over {} -> {other}", share(at)));
    }
    if let Some((at, other)) = first_change(difficulty, 0.0, at_difficulty) {
        out.push(format!("difficulty under {} -> {other}", share(at)));
    }
    out
}

/// `.12`: a share without its leading zero, for people.
fn share(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_prefix('0').map(str::to_owned).unwrap_or(text)
}

/// Other weight on cost, the rest keeping its proportions.
fn with_cost(weights: [f64; 3], cost: f64) -> [f64; 3] {
    let rest = weights[0] + weights[2];
    let keep = if rest > 0.0 { (1.0 - cost) / rest } else { 0.0 };
    score::normalised([weights[0] * keep, cost, weights[2] * keep])
}

/// Steps in which a change is looked for before it is narrowed down.
const STEPS: u32 = 16;

/// The value nearest `from` on the way to `to` at which `change` gives something, to two decimals.
fn first_change<T>(from: f64, to: f64, change: impl Fn(f64) -> Option<T>) -> Option<(f64, T)> {
    let at = |step: u32| from + (to - from) * f64::from(step) / f64::from(STEPS);
    let step = (1..=STEPS).find(|step| change(at(*step)).is_some())?;
    let (mut same, mut other) = (at(step - 1), at(step));
    while (other - same).abs() > 0.004 {
        let middle = f64::midpoint(same, other);
        if change(middle).is_some() {
            other = middle;
        } else {
            same = middle;
        }
    }
    change(other).map(|found| (other, found))
}

#[cfg(test)]
mod tests;
