//! What the router remembers of one model, and what the end of an attempt does to it.
//!
//! Owns: which outcomes count against what. Must not know: other models. Invariant: only what the
//! endpoint itself did wrong charges its circuit or its error rate.

use std::time::Duration;

use crate::domain::{OutcomeClass, ProviderName, UnixMs};

use super::RouterSettings;
use super::circuit::Circuit;
use super::health::{Bounds, Failed, Health, Went};
use super::limit::Limit;
use super::shift::Shift;

/// A model's own prior counts in the slowness limit this many times, so that thinking before the
/// first token is not taken for slowness.
const PRIOR_TIMES: u64 = 2;

/// Longest error text kept.
const DETAIL: usize = 300;

/// One model's record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) provider: ProviderName,
    pub(crate) health: Health,
    pub(crate) circuit: Circuit,
    pub(crate) limit: Limit,
    pub(crate) shift: Shift,
    pub(crate) prior_ms: u64,
    pub(crate) last_error: Option<(UnixMs, String)>,
    pub(crate) account: Option<(UnixMs, String)>,
    pub(crate) last_ping_ms: Option<u64>,
    pub(crate) seen: UnixMs,
}

/// An error text as it is kept.
pub(crate) fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(DETAIL)].to_owned()
}

impl Record {
    pub(crate) fn p95_limit_ms(&self, settings: &RouterSettings) -> u64 {
        let limit = u64::try_from(settings.p95_limit.as_millis()).unwrap_or(u64::MAX);
        limit.max(self.prior_ms.saturating_mul(PRIOR_TIMES))
    }

    pub(crate) fn ended(
        &mut self,
        outcome: Option<OutcomeClass>,
        went: Went,
        retry_after_ms: Option<u64>,
        detail: &str,
        now: UnixMs,
        bounds: &Bounds,
    ) {
        let badly = Went { failed: Failed::Yes, tokens_per_s: None, gap_ms: None, ..went };
        let Some(class) = outcome else {
            self.health.ended(went, now, bounds);
            self.circuit.success();
            self.limit.passed();
            self.account = None;
            return;
        };
        match class {
            OutcomeClass::Cancelled
            | OutcomeClass::Caller
            | OutcomeClass::Context
            | OutcomeClass::Refusal => self.circuit.neutral(),
            OutcomeClass::Throttle => {
                self.circuit.neutral();
                self.limit.throttled(retry_after_ms.map(Duration::from_millis), now);
            }
            OutcomeClass::Account => {
                self.circuit.neutral();
                self.account = Some((now, clipped(detail)));
            }
            // The room ran out: nothing went wrong over there.
            OutcomeClass::Truncation => {
                self.circuit.neutral();
                self.health.ended(went, now, bounds);
            }
            OutcomeClass::Provider | OutcomeClass::Network | OutcomeClass::Stall => {
                self.health.ended(badly, now, bounds);
                let (share, samples) = self.health.failures(now, bounds);
                self.circuit.failure(now, share, samples);
                if let Some(ms) = retry_after_ms {
                    self.limit.throttled(Some(Duration::from_millis(ms)), now);
                }
            }
        }
        if class != OutcomeClass::Cancelled {
            self.last_error = Some((now, clipped(detail)));
        }
    }
}
