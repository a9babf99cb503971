//! One run of the contest: reasons, floor, last resorts, order.
//!
//! Owns: who may be asked and in which order. Must not know: how it is told to people. Invariant: the
//! order depends on the input alone; leaving out any candidate but the first keeps the first.

use std::cmp::Ordering;

use crate::domain::FilterReason;

use super::filter::{self, Waiver};
use super::rules;
use super::score::{self, Worth};
use super::{DecisionInput, Imposed, RuleEffect, RuleInput};

/// What is the same for every run on one input: the rule, the weights, everyone's worth.
pub(crate) struct Ground<'a> {
    pub(crate) input: &'a DecisionInput,
    pub(crate) rule: Option<&'a RuleInput>,
    pub(crate) policy: String,
    /// The policy's own weights.
    pub(crate) base: [f64; 3],
    /// The weights in force: the policy's, moved by the budget's pace.
    pub(crate) weights: [f64; 3],
    pub(crate) floor: f64,
    pub(crate) worths: Vec<Worth>,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(input: &'a DecisionInput) -> Self {
        let rule = rules::first_that_holds(&input.rules, &input.features);
        let (policy, base) = match rule.map(|rule| &rule.effect) {
            Some(RuleEffect::Policy { name, weights }) => {
                (name.clone(), score::normalised(weights.map(f64::from)))
            }
            _ => (input.policy.clone(), score::normalised(input.weights)),
        };
        let worths = input
            .candidates
            .iter()
            .map(|candidate| score::worth(candidate, input, &policy))
            .collect();
        let weights = score::paced(base, input.budget_pace);
        Self {
            input,
            rule,
            policy,
            base,
            weights,
            floor: score::floor(base, &input.features),
            worths,
        }
    }

    /// The same ground under other weights in force; the floor stays that of `base`.
    pub(crate) fn reweighed(&self, weights: [f64; 3]) -> Ground<'a> {
        Ground {
            input: self.input,
            rule: self.rule,
            policy: self.policy.clone(),
            base: self.base,
            weights,
            floor: self.floor,
            worths: self.worths.clone(),
        }
    }
}

/// Why those who may be asked may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// They fit and are good enough.
    Good,
    /// They fit; none is good enough.
    NoneGood,
    /// Nobody was left; this was waived.
    Waived(Waiver),
    /// Nobody may be asked.
    Empty,
}

/// The result of a run.
pub(crate) struct Contest {
    /// Reasons per candidate; empty for those in `order`.
    pub(crate) reasons: Vec<Vec<FilterReason>>,
    /// Indices of those who may be asked, best first.
    pub(crate) order: Vec<usize>,
    pub(crate) field: Field,
}

impl Contest {
    /// Runs the contest with this pin, or none.
    pub(crate) fn run(ground: &Ground<'_>, imposed: Option<&Imposed>) -> Self {
        let input = ground.input;
        let mut reasons: Vec<Vec<FilterReason>> = input
            .candidates
            .iter()
            .zip(&ground.worths)
            .map(|(candidate, worth)| {
                let estimate = &worth.estimate;
                filter::reasons(
                    candidate,
                    input,
                    imposed,
                    ground.rule,
                    estimate.input_tokens,
                    estimate.output_tokens,
                )
            })
            .collect();
        let mut order: Vec<usize> =
            (0..reasons.len()).filter(|index| reasons[*index].is_empty()).collect();
        let mut field = Field::Good;
        let exempt = |index: usize| {
            // Those asked for by name or preferred by a rule need not reach the floor.
            let candidate = &input.candidates[index];
            imposed.is_some_and(|imposed| imposed.model == candidate.model)
                || rules::preference(candidate, ground.rule).is_some()
        };
        let good = |index: usize| ground.worths[index].quality >= ground.floor;
        if !order.iter().any(|index| exempt(*index) || good(*index)) {
            // Slow, or near a limit, is better than not good enough; whether anybody else fits
            // changes nothing in that.
            let spared: Vec<(usize, Waiver)> = (0..reasons.len())
                .filter(|index| !reasons[*index].is_empty() && good(*index))
                .filter_map(|index| {
                    let candidate = &input.candidates[index];
                    let waiver = filter::spared(candidate, &reasons[index], input.now)?;
                    Some((index, waiver))
                })
                .collect();
            if let Some(least) = spared.iter().map(|(_, waiver)| *waiver).min() {
                if order.is_empty() {
                    field = Field::Waived(least);
                }
                for (index, _) in spared.iter().filter(|(_, waiver)| *waiver == least) {
                    reasons[*index].clear();
                    order.push(*index);
                }
            }
        }
        if order.is_empty() {
            field = waive(ground, imposed, &mut reasons, &mut order);
        } else if order.iter().any(|index| !exempt(*index) && good(*index)) {
            order.retain(|index| {
                let stays = exempt(*index) || good(*index);
                if !stays {
                    let quality = ground.worths[*index].quality;
                    reasons[*index].push(filter::below_floor(quality, ground.floor));
                }
                stays
            });
        } else if !order.iter().any(|index| exempt(*index)) {
            field = Field::NoneGood;
        }
        order.sort_by(|a, b| ground.compare(*a, *b, imposed, field));
        Self { reasons, order, field }
    }

    /// The first choice.
    pub(crate) fn winner(&self) -> Option<usize> {
        self.order.first().copied()
    }
}

impl Ground<'_> {
    fn compare(&self, a: usize, b: usize, imposed: Option<&Imposed>, field: Field) -> Ordering {
        let candidates = &self.input.candidates;
        let rank = |index: usize| {
            let candidate = &candidates[index];
            let named = imposed.is_some_and(|imposed| imposed.model == candidate.model);
            let preference = rules::preference(candidate, self.rule).unwrap_or(usize::MAX);
            (!named, preference)
        };
        let value = |index: usize| match field {
            Field::NoneGood => self.worths[index].quality,
            Field::Good | Field::Waived(_) | Field::Empty => self.worths[index].total(self.weights),
        };
        rank(a)
            .cmp(&rank(b))
            .then_with(|| value(b).total_cmp(&value(a)))
            .then_with(|| candidates[a].model.cmp(&candidates[b].model))
    }
}

/// Lets in those with the least to waive: all who are merely slow or in maintenance, or else the one
/// whose circuit or limit ends first.
fn waive(
    ground: &Ground<'_>,
    imposed: Option<&Imposed>,
    reasons: &mut [Vec<FilterReason>],
    order: &mut Vec<usize>,
) -> Field {
    let input = ground.input;
    let waivers: Vec<(usize, Waiver)> = reasons
        .iter()
        .enumerate()
        .filter_map(|(index, reasons)| {
            let waiver = filter::waiver(&input.candidates[index], reasons, input.now)?;
            Some((index, waiver))
        })
        .collect();
    let Some(least) = waivers.iter().map(|(_, waiver)| *waiver).min() else {
        return Field::Empty;
    };
    order.extend(waivers.iter().filter(|(_, waiver)| *waiver == least).map(|(index, _)| *index));
    if matches!(least, Waiver::Circuit(_) | Waiver::Limit(_)) {
        order.sort_by(|a, b| ground.compare(*a, *b, imposed, Field::Waived(least)));
        order.truncate(1);
    }
    for index in &*order {
        reasons[*index].clear();
    }
    Field::Waived(least)
}
