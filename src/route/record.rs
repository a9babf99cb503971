//! What the router remembers of one model, and what the end of an attempt does to it.
//!
//! Owns: which outcomes count against what. Must not know: other models. Invariant: only what the
//! endpoint itself did wrong charges its circuit or its error rate.

use std::time::Duration;

use crate::domain::{OutcomeClass, ProviderName, UnixMs};

use super::circuit::Circuit;
use super::health::{Bounds, Failed, Health, Went};
use super::intake::Intake;
use super::limit::Limit;
use super::shift::Shift;
use super::tokens::Tokens;
use super::{RouterSettings, SlowMetric};

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
    pub(crate) intake: Intake,
    /// What was learned of its tokens.
    pub(crate) tokens: Tokens,
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
        let took = Duration::from_millis(went.total_ms);
        let began = now - took;
        let badly = Went { failed: Failed::Yes, tokens_per_s: None, gap_ms: None, ..went };
        let Some(class) = outcome else {
            self.health.ended(went, now, bounds);
            self.circuit.success(began);
            self.limit.passed(began);
            if self.account.as_ref().is_some_and(|(refused, _)| *refused <= began) {
                self.account = None;
            }
            return;
        };
        match class {
            // It may have been cancelled before it began; a probe's slot comes back with its permit.
            OutcomeClass::Cancelled => {}
            OutcomeClass::Caller | OutcomeClass::Context | OutcomeClass::Refusal => {
                self.circuit.neutral(began);
            }
            OutcomeClass::Throttle => {
                self.circuit.neutral(began);
                self.limit.throttled(retry_after_ms.map(Duration::from_millis), now);
            }
            OutcomeClass::Account => {
                self.circuit.neutral(began);
                self.account = Some((now, clipped(detail)));
            }
            // The room ran out: nothing went wrong over there.
            OutcomeClass::Truncation => {
                self.circuit.neutral(began);
                self.health.ended(went, now, bounds);
            }
            OutcomeClass::Provider | OutcomeClass::Network | OutcomeClass::Stall => {
                self.health.ended(badly, now, bounds);
                self.circuit.failure(now, took, self.health.failures(now, bounds));
                if let Some(ms) = retry_after_ms {
                    self.limit.throttled(Some(Duration::from_millis(ms)), now);
                }
            }
        }
        if class != OutcomeClass::Cancelled {
            self.last_error = Some((now, clipped(detail)));
        }
    }

    /// A token was paid for to keep it warm. That it went well says that it works; that it did not
    /// counts like any attempt, but is no answer that somebody missed.
    pub(crate) fn warmed(
        &mut self,
        outcome: Option<OutcomeClass>,
        (took, retry_after): (Duration, Option<Duration>),
        detail: &str,
        now: UnixMs,
        bounds: &Bounds,
    ) {
        let Some(class) = outcome else {
            self.health.uses().paid(now);
            self.circuit.success(now - took);
            return;
        };
        match class {
            OutcomeClass::Provider | OutcomeClass::Network | OutcomeClass::Stall => {
                self.circuit.failure(now, took, self.health.failures(now, bounds));
            }
            OutcomeClass::Throttle => self.limit.throttled(retry_after, now),
            OutcomeClass::Account => self.account = Some((now, clipped(detail))),
            // The room for one token ran out, as it was meant to.
            OutcomeClass::Truncation => self.health.uses().paid(now),
            OutcomeClass::Cancelled
            | OutcomeClass::Caller
            | OutcomeClass::Context
            | OutcomeClass::Refusal => {}
        }
    }

    /// The samples that slowness is judged by, from the moment that counts, sorted.
    pub(crate) fn measured(
        &self,
        settings: &RouterSettings,
        now: UnixMs,
        bounds: &Bounds,
    ) -> Vec<u64> {
        let since = self.shift.counts_since();
        match settings.metric {
            SlowMetric::Ttft => self.health.firsts_since(since, now, bounds),
            SlowMetric::Total => self.health.totals_since(since, now, bounds),
        }
    }

    /// Takes in a fresh sample of what slowness is judged by. Says whether traffic should leave.
    pub(crate) fn slow(&mut self, settings: &RouterSettings, now: UnixMs, bounds: &Bounds) -> bool {
        let fresh = self.measured(settings, now, bounds);
        let limit = self.p95_limit_ms(settings);
        self.shift.sampled(&fresh, limit, settings.min_samples as usize, now)
    }
}
