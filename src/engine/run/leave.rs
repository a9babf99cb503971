//! Leave to make an attempt: asked of the actor, and waited for where a rate limit ends in a moment
//! and nobody else is left.
//!
//! Owns: how long that is waited for, and what a denial is called if nothing else went wrong. Must not
//! know: what the attempt does. Invariants: a told limit is never broken without waiting for its end;
//! those who wait for the same limit do not all come back at its very end; a denial is not an error
//! while anybody was really asked.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{AttemptKind, ErrorReport, FilterCode, FilterReason, OutcomeClass, UnixMs};

use super::super::actor::{Denied, Insist, Refused};
use super::super::permit::Permit;
use super::super::plan;
use super::calls::Asking;
use super::tries::Others;
use super::{Run, State};

/// Those who wait for one limit spread over this much more than its wait: a tenth, and at least this.
const SPREAD_LEAST: Duration = Duration::from_millis(200);

/// What asking for leave came to.
pub(super) enum Leave {
    /// Granted, after this wait.
    Granted(Box<Permit>, Duration),
    /// Not now: the next one, please.
    Denied,
    /// The request is over.
    Over(ErrorReport),
}

impl Run {
    /// Asks for leave to ask this model.
    pub(super) async fn leave(
        &self,
        asking: &Asking<'_>,
        kind: AttemptKind,
        others: Others<'_>,
        state: &mut State,
    ) -> Leave {
        let (provider, model) = (&asking.provider.name, &asking.model.name);
        let named = state.reply.decision.as_ref().is_some_and(|decision| {
            decision.imposed.as_ref().and_then(|imposed| imposed.model.as_ref()) == Some(model)
        });
        let alone = others.count == 0;
        let mut insist = match kind {
            // It has waited on its own.
            AttemptKind::Retry => Insist::Waited,
            _ if named || alone => Insist::Yes,
            _ => Insist::No,
        };
        let mut waited = Duration::ZERO;
        loop {
            let money = match self.money_for(asking, state).await {
                Ok(money) => money,
                Err(Some(error)) => return Leave::Over(error),
                Err(None) => return Leave::Denied,
            };
            let refused = match self.shared.permit(provider, model, insist, kind).await {
                Ok(permit) => {
                    return Leave::Granted(Box::new(permit.paid_with(money)), waited);
                }
                Err(Denied::Filtered(refused)) => refused,
                Err(Denied::Closing) => {
                    let words = "wheelhouse is closing";
                    let error = ErrorReport::new(OutcomeClass::Cancelled, "closing", words);
                    return Leave::Over(error);
                }
            };
            // Nobody holds money while a rate limit lasts.
            drop(money);
            let Refused { reason, until } = refused;
            let left = state.deadline.saturating_duration_since(Instant::now());
            let wait = until
                .filter(|_| alone && insist == Insist::Yes)
                .map(|until| self.spread(super::super::clock::now().until(until), state.attempts))
                .filter(|wait| *wait <= plan::LONGEST_WAIT && *wait < left);
            let Some(wait) = wait else {
                state.denied.get_or_insert_with(|| denial(asking, &reason, until));
                return Leave::Denied;
            };
            self.record.waits();
            tokio::select! {
                () = self.sink.left() => return Leave::Over(left_while_waiting()),
                () = tokio::time::sleep(wait) => {}
            }
            waited += wait;
            insist = Insist::Waited;
        }
    }

    fn spread(&self, wait: Duration, salt: u32) -> Duration {
        wait + (wait / 10).max(SPREAD_LEAST).mul_f64(self.shared.jitter(salt))
    }
}

/// The reader went away while the request waited.
pub(super) fn left_while_waiting() -> ErrorReport {
    ErrorReport::new(OutcomeClass::Cancelled, "reader_left", "the reader left")
}

/// What it is called when nobody could be asked at all.
fn denial(asking: &Asking<'_>, reason: &FilterReason, until: Option<UnixMs>) -> ErrorReport {
    let class = match reason.code {
        FilterCode::RateLimited => OutcomeClass::Throttle,
        FilterCode::Account | FilterCode::NoKey => OutcomeClass::Account,
        FilterCode::Capability
        | FilterCode::Context
        | FilterCode::NoPrice
        | FilterCode::Drained
        | FilterCode::Vetoed
        | FilterCode::Budget
        | FilterCode::Policy
        | FilterCode::NotPinned
        | FilterCode::Retired
        | FilterCode::BelowQuality
        | FilterCode::Absent
        | FilterCode::Maintenance
        | FilterCode::CircuitOpen
        | FilterCode::Shifted => OutcomeClass::Provider,
    };
    let now = super::super::clock::now();
    let after = until.map(|until| now.until(until).as_millis());
    ErrorReport {
        provider: Some(asking.provider.name.clone()),
        model: Some(asking.model.name.clone()),
        retry_after_ms: after.and_then(|ms| u64::try_from(ms).ok()),
        ..ErrorReport::new(
            class,
            "not_admitted",
            format!("{}: {}", asking.model.name, reason.detail),
        )
    }
}
