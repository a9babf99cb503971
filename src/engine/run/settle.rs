//! The account of an attempt that is over. Must not know: how its pieces reached the reader.

use std::time::Duration;

use crate::config::{Model, Provider};
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, ErrorReport, OutcomeClass, ReplyEvent, ServiceTier,
    UnixMs,
};
use crate::route::{Observation, Written};
use crate::wire;

use super::super::account::{self, Figures, Reached, Size, Tier};
use super::super::actor::ToActor;
use super::super::attempt::{Ended, millis};
use super::super::drill;
use super::{Run, State};

/// A code of ours: another model was quicker.
pub(in crate::engine) const OUTRUN: &str = "outrun";

/// An attempt as it was made.
pub(super) struct Made<'a> {
    pub(super) id: AttemptId,
    /// When it was sent: the prices of this moment are its prices.
    pub(super) at: UnixMs,
    pub(super) provider: &'a Provider,
    pub(super) model: &'a Model,
    /// Its number within the request, from 1.
    pub(super) n: u32,
    pub(super) kind: AttemptKind,
    /// Milliseconds from the request's arrival.
    pub(super) started_ms: u64,
    /// Waited on purpose before it.
    pub(super) waited: Duration,
    /// What was said before and sent along, to be gone on from.
    pub(super) along: Written,
}

impl Run {
    /// Accounts for an attempt that is over and tells everybody.
    pub(super) async fn settle(
        &self,
        state: &mut State,
        made: &Made<'_>,
        ended: Option<&Ended>,
        error: Option<&ErrorReport>,
    ) {
        let model = made.model;
        let asked = wire::asked_tier(&self.request, made.provider.dialect, model);
        let tier = Tier { asked, served: ended.and_then(|ended| ended.served_in) };
        let written = ended.map(|ended| ended.written).unwrap_or_default();
        let snapshot = self.shared.snapshot();
        let learned = snapshot.models.get(&model.name).map(|seen| seen.tokens.clone());
        let learned = learned.unwrap_or_default();
        let size = Size {
            reported: ended.and_then(|ended| ended.usage),
            figures: ended.map_or(Figures::SoFar, |ended| ended.figures),
            tier,
            reported_cost: ended.and_then(|ended| ended.reported_cost.clone()),
            input_estimate: state
                .reply
                .decision
                .as_ref()
                .and_then(|decision| decision.candidate(model.name.as_str()))
                .map_or(0, |candidate| candidate.estimate.input_tokens)
                + account::seen(model, &learned, &made.along),
            seen: account::seen(model, &learned, &written),
            reached: ended.map_or(Reached::Refused, |ended| ended.reached),
        };
        let (usage, cost) = account::bill(model, made.at, &size);
        self.shared.purse.settle(made.id, cost);
        state.cost = state.cost + cost;
        let outrun = error.is_some_and(|error| error.code == OUTRUN);
        let stamps = ended.map(|ended| ended.stamps).unwrap_or_default();
        let took = ended.map_or(Duration::ZERO, |ended| ended.took);
        // What a reader stopped had been sent, and is paid for.
        let stopped = error.is_some_and(|error| error.class == OutcomeClass::Cancelled);
        if error.is_none() || ((written.chars() > 0 || stopped) && !outrun) {
            state.usage = state.usage + usage;
            state.written += usage.output.saturating_sub(usage.reasoning);
            self.tell(state, ReplyEvent::Usage(state.usage));
        }
        if error.is_none() {
            state.ttft_ms = stamps.first_text.or(stamps.first_reasoning);
            if let Some(answered_as) = ended.and_then(|ended| ended.answered_as.clone())
                && let Some(last) = state.last.as_mut().filter(|last| last.0 == model.name)
            {
                last.2 = answered_as;
            }
        }
        let report = AttemptReport {
            id: made.id,
            n: made.n,
            model: model.name.clone(),
            provider: made.provider.name.clone(),
            kind: made.kind,
            outcome: error.map(|error| error.class),
            status: ended.and_then(|ended| ended.status),
            started_ms: made.started_ms,
            waited_ms: millis(made.waited),
            stamps,
            ms: millis(took),
            usage,
            cost,
            tier: tier.served,
            detail: drill::mark(
                ended.and_then(|ended| ended.drill),
                error.map_or_else(|| answered(tier), |error| error.message.clone()),
            ),
        };
        self.tell(state, ReplyEvent::AttemptEnded(Box::new(report.clone())));
        let streaming_ms = match (stamps.first_text.or(stamps.first_reasoning), stamps.last) {
            (Some(first), Some(last)) => last.saturating_sub(first),
            _ => 0,
        };
        // A cut that the provider made without a word counts against it.
        let counts_as = error.map(|error| match error.class {
            OutcomeClass::Truncation if error.code == super::QUIET_CUT => OutcomeClass::Provider,
            class => class,
        });
        let observation = Observation::Ended {
            outcome: counts_as,
            total_ms: millis(took),
            output_tokens: usage.output,
            streaming_ms,
            gap_ms: ended.filter(|_| streaming_ms > 0).map(|ended| millis(ended.longest_gap)),
            retry_after_ms: error.and_then(|error| error.retry_after_ms),
            detail: error.map(|error| error.message.clone()).unwrap_or_default(),
        };
        self.shared
            .tell(ToActor::AttemptEnded {
                request: self.request.id,
                report: Box::new(report),
                observation,
                error: error.cloned().map(Box::new),
                limits: ended.map(|ended| ended.limits.clone()).unwrap_or_default(),
            })
            .await;
    }
}

/// What is said of an attempt that went well: in which tier it was served, where that is not the usual
/// one or not the one asked for.
fn answered(tier: Tier) -> String {
    match (tier.served, tier.asked) {
        (None | Some(ServiceTier::Standard), None) => "answered".to_owned(),
        (Some(served), Some(asked)) if served != asked => {
            format!("answered, tier {served}, not {asked}")
        }
        (Some(tier), _) | (None, Some(tier)) => format!("answered, tier {tier}"),
    }
}
