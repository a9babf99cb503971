//! Leave for one attempt, with fresh state: a circuit's slot, a rate limit's headroom, a share of a
//! returning model's traffic, a share of retries.
//!
//! Owns: who may go now. Must not know: who was chosen and why. Invariant: a probe's slot is freed by
//! its end, by giving it back, or by time.

use crate::domain::{FilterCode, FilterReason, ModelName, ProviderName, UnixMs};

use super::circuit::{Pass, ProbeTicket};
use super::filter::until_short;
use super::forecast::Forecast;
use super::{CircuitView, RouterState};

/// Leave to make one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an admission that is neither used nor released holds a probe slot"]
pub enum Admission {
    /// The circuit is closed.
    Free,
    /// This attempt is the circuit's probe.
    Probe(ProbeTicket),
}

impl RouterState {
    /// Asks leave for one attempt with fresh state; the reason says why not. A probe's slot is freed
    /// by its [`Observation::Ended`](super::Observation::Ended), by [`Self::release`], or by time.
    pub fn try_admit(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Result<Admission, FilterReason> {
        let no = |code, detail: String| Err(FilterReason { code, detail });
        if let Some((_, why)) = self.refused.get(provider) {
            return no(FilterCode::Account, why.clone());
        }
        if let Some((_, why)) = &self.record(provider, model, now).account {
            return no(FilterCode::Account, why.clone());
        }
        if let Some(until) = self.limited_until(provider, model, now) {
            return no(FilterCode::RateLimited, format!("retry in {}", until_short(now, until)));
        }
        let near = self.forecast(provider, model, now).filter(|near| near.keeps_away(now));
        if let Some(near) = near {
            return no(FilterCode::RateLimited, near.words(now));
        }
        let record = self.record(provider, model, now);
        let admission = match record.circuit.try_pass(now) {
            Pass::Free => Admission::Free,
            Pass::Probe(ticket) => Admission::Probe(ticket),
            Pass::Wait(until) => {
                let detail = match record.circuit.view(now) {
                    CircuitView::HalfOpen => "a probe is under way".to_owned(),
                    CircuitView::Open { .. } | CircuitView::Closed => {
                        format!("retry in {}", until_short(now, until))
                    }
                };
                return no(FilterCode::CircuitOpen, detail);
            }
        };
        if let Err(until) = record.shift.try_pass(now) {
            if let Admission::Probe(ticket) = admission {
                record.circuit.give_back(ticket);
            }
            let detail = format!("coming back by and by, all of it in {}", until_short(now, until));
            return no(FilterCode::Shifted, detail);
        }
        self.sent(provider, model, now);
        Ok(admission)
    }

    /// One request more on its way, for the limits it counts against.
    fn sent(&mut self, provider: &ProviderName, model: &ModelName, now: UnixMs) {
        self.record(provider, model, now).limit.sent(now);
        if let Some(account) = self.accounts.get_mut(provider) {
            account.sent(now);
        }
    }

    /// Until when a told limit, the model's own or its account's, keeps it from being asked.
    pub fn limited_until(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Option<UnixMs> {
        let own = self.records.get(model).and_then(|record| record.limit.until(now));
        own.max(self.accounts.get(provider).and_then(|account| account.until(now)))
    }

    pub(super) fn forecast(
        &self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Option<Forecast> {
        let own = self
            .records
            .get(model)
            .and_then(|record| record.limit.forecast(record.health.in_flight(), now));
        let account = self.accounts.get(provider).and_then(|account| {
            let mine = self.records.values().filter(|record| record.provider == *provider);
            account.forecast(mine.map(|record| record.health.in_flight()).sum(), now)
        });
        own.into_iter().chain(account).min_by_key(|near| (!near.keeps_away(now), near.runs_out))
    }

    /// A first attempt goes to this provider: it earns a share of a retry.
    pub fn earn_retry(&mut self, provider: &ProviderName, now: UnixMs) {
        // One bucket per provider in the configuration: their number is bounded.
        self.retries.entry(provider.clone()).or_default().earn(now);
    }

    /// May this provider be asked again? The answer counts as asking.
    pub fn may_retry(&mut self, provider: &ProviderName, now: UnixMs) -> bool {
        self.retries.entry(provider.clone()).or_default().spend(now)
    }

    /// Leave for one attempt although a circuit or shift is against it: for when the decision found
    /// nobody else.
    pub fn admit_anyway(
        &mut self,
        provider: &ProviderName,
        model: &ModelName,
        now: UnixMs,
    ) -> Admission {
        self.sent(provider, model, now);
        match self.record(provider, model, now).circuit.force(now) {
            Pass::Probe(ticket) => Admission::Probe(ticket),
            Pass::Free | Pass::Wait(_) => Admission::Free,
        }
    }

    /// Gives back an admission whose attempt never ended (or never began). Harmless after its end.
    pub fn release(&mut self, model: &ModelName, admission: Admission) {
        if let (Admission::Probe(ticket), Some(record)) = (admission, self.records.get_mut(model)) {
            record.circuit.give_back(ticket);
        }
    }
}
