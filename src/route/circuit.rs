//! A circuit per (provider, model): closed while it works, open after failures, half open for one
//! probe at a time.
//!
//! Owns: when a failing endpoint is left alone and when it is tried again. Must not know: which
//! outcomes count (the caller says) or any clock. Invariants: at most one probe slot, and no slot is
//! held for longer than [`PROBE_HOLD`], so a circuit can always be tried again; how an attempt ended
//! that began before the circuit opened, or before its probe, changes neither.

use std::time::Duration;

use crate::domain::UnixMs;

use super::CircuitView;

/// Failures in a row that open a circuit. Fewer make it nervous, more make people wait.
const FAILURES_IN_A_ROW: u32 = 3;

/// Failed share of a window that opens a circuit, and samples needed before it can.
const FAILED_SHARE: f32 = 0.5;
const SHARE_SAMPLES: u32 = 10;

/// First wait before a probe; each failed probe doubles it up to the last.
const FIRST_DELAY: Duration = Duration::from_secs(5);

/// The last wait is so many times what the failed probe took, within these bounds: somebody waited
/// for that probe, and failing probes may cost 4% of the time. Quick refusals are probed often, so
/// that a provider whose free calls tell nothing is used again half a minute after it recovers.
const DELAY_TIMES: u32 = 25;
const LAST_DELAY_LEAST: Duration = Duration::from_secs(25);
const LAST_DELAY_MOST: Duration = Duration::from_mins(5);

/// A free call that fails puts the next probe off by this much: the call after it will tell. Even so
/// a probe passes in the end, because the list of models may be all that is broken.
const CALLS_HOLD: Duration = Duration::from_secs(25);

/// A probe that was never settled gives its slot back after this.
const PROBE_HOLD: Duration = Duration::from_secs(310);

/// A probe's ticket; freeing with an old one does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTicket(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { since: UnixMs, until: UnixMs, probe: Option<(ProbeTicket, UnixMs)>, calls: FreeCalls },
}

/// What free calls have shown since the circuit opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FreeCalls {
    /// None has failed: that one goes well says nothing.
    ToldNothing,
    /// One failed: the first that goes well means that the endpoint is back.
    Failed,
}

/// How a free call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FreeCall {
    /// The endpoint answered.
    Answered,
    /// It did not, or with an error of its own.
    Failed,
}

/// What a circuit says to someone who wants through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It works: go.
    Free,
    /// Go, as the one probe.
    Probe(ProbeTicket),
    /// Not before this moment.
    Wait(UnixMs),
}

/// One circuit.
#[derive(Debug, Clone)]
pub(crate) struct Circuit {
    state: State,
    in_a_row: u32,
    delay: Duration,
    tickets: u64,
    opened: Option<UnixMs>,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { state: State::Closed, in_a_row: 0, delay: FIRST_DELAY, tickets: 0, opened: None }
    }
}

impl Circuit {
    /// As a decision sees it.
    pub(crate) fn view(&self, now: UnixMs) -> CircuitView {
        match self.state {
            State::Closed => CircuitView::Closed,
            State::Open { until, .. } if now < until => CircuitView::Open { until },
            State::Open { .. } => CircuitView::HalfOpen,
        }
    }

    /// Asks to pass; half open, the first gets the probe slot.
    pub(crate) fn try_pass(&mut self, now: UnixMs) -> Pass {
        match self.state {
            State::Closed => Pass::Free,
            State::Open { until, .. } if now < until => Pass::Wait(until),
            State::Open { probe: Some((_, since)), .. } if now < since + PROBE_HOLD => {
                Pass::Wait(since + PROBE_HOLD)
            }
            State::Open { .. } => Pass::Probe(self.take_slot(now)),
        }
    }

    /// Passes as a probe although it is not yet time: nobody else is left.
    pub(crate) fn force(&mut self, now: UnixMs) -> Pass {
        match self.state {
            State::Closed => Pass::Free,
            State::Open { .. } => Pass::Probe(self.take_slot(now)),
        }
    }

    fn take_slot(&mut self, now: UnixMs) -> ProbeTicket {
        self.tickets += 1;
        let ticket = ProbeTicket(self.tickets);
        if let State::Open { probe, .. } = &mut self.state {
            *probe = Some((ticket, now));
        }
        ticket
    }

    /// Gives a probe slot back unused; an old ticket changes nothing.
    pub(crate) fn give_back(&mut self, ticket: ProbeTicket) {
        if let State::Open { probe, .. } = &mut self.state
            && probe.is_some_and(|(held, _)| held == ticket)
        {
            *probe = None;
        }
    }

    /// Whether an attempt that began then is too old to tell anything of an open circuit.
    fn outdated(&self, began: UnixMs) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { since, probe, .. } => {
                began < probe.map_or(since, |(_, probed)| probed.max(since))
            }
        }
    }

    /// An attempt ended in a way that says nothing about the endpoint (throttled, the request's own
    /// fault): the slot is free again if it was the probe's, nothing else changes.
    pub(crate) fn neutral(&mut self, began: UnixMs) {
        if self.outdated(began) {
            return;
        }
        if let State::Open { probe, .. } = &mut self.state {
            *probe = None;
        }
    }

    /// A free call to the endpoint went so. Once one has failed since the circuit opened, the first
    /// that goes well lets a probe pass at once.
    pub(crate) fn free_call(&mut self, how: FreeCall, now: UnixMs) {
        let State::Open { since, until, calls, .. } = &mut self.state else { return };
        match (how, *calls) {
            (FreeCall::Failed, _) => {
                *calls = FreeCalls::Failed;
                *until = (*until).max((now + CALLS_HOLD).min(*since + LAST_DELAY_MOST));
            }
            (FreeCall::Answered, FreeCalls::Failed) => {
                *calls = FreeCalls::ToldNothing;
                *until = (*until).min(now);
            }
            (FreeCall::Answered, FreeCalls::ToldNothing) => {}
        }
    }

    /// Since when it has not worked, however often it was probed meanwhile.
    pub(crate) fn opened(&self) -> Option<UnixMs> {
        self.opened
    }

    /// An attempt that began then went well: closed, and the delay starts from the beginning.
    pub(crate) fn success(&mut self, began: UnixMs) {
        if !self.outdated(began) {
            self.close();
        }
    }

    /// Closed, whatever it was: by hand.
    pub(crate) fn close(&mut self) {
        self.state = State::Closed;
        self.in_a_row = 0;
        self.delay = FIRST_DELAY;
        self.opened = None;
    }

    /// An attempt failed after so long. `failed_share` of `samples` is the window's. Says whether this
    /// opened it.
    pub(crate) fn failure(
        &mut self,
        now: UnixMs,
        took: Duration,
        (failed_share, samples): (f32, u32),
    ) -> bool {
        if self.outdated(now - took) {
            // It counted when it would have, or something newer is under way.
            return false;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        match self.state {
            State::Closed => {
                let mostly = samples >= SHARE_SAMPLES && failed_share >= FAILED_SHARE;
                if self.in_a_row < FAILURES_IN_A_ROW && !mostly {
                    return false;
                }
                self.opened = Some(now);
                self.open(now);
                true
            }
            // An attempt from before it opened; it already counted.
            State::Open { until, probe: None, .. } if now < until => false,
            State::Open { .. } => {
                let last =
                    took.saturating_mul(DELAY_TIMES).clamp(LAST_DELAY_LEAST, LAST_DELAY_MOST);
                self.delay = (self.delay * 2).min(last);
                self.open(now);
                true
            }
        }
    }

    fn open(&mut self, now: UnixMs) {
        let (until, calls) = (now + self.delay, FreeCalls::ToldNothing);
        self.state = State::Open { since: now, until, probe: None, calls };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    const SLOWLY: Duration = Duration::from_secs(12);
    const QUICKLY: Duration = Duration::from_millis(80);

    fn opened() -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..3 {
            circuit.failure(at(0), SLOWLY, (0.0, 0));
        }
        circuit
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_a_success_between_starts_over() {
        let mut circuit = Circuit::default();
        circuit.failure(at(0), SLOWLY, (0.0, 0));
        circuit.failure(at(0), SLOWLY, (0.0, 0));
        circuit.success(at(0));
        circuit.failure(at(0), SLOWLY, (0.0, 0));
        circuit.failure(at(0), SLOWLY, (0.0, 0));
        assert_eq!(circuit.view(at(0)), CircuitView::Closed);
        assert!(circuit.failure(at(0), SLOWLY, (0.0, 0)));
        assert_eq!(circuit.view(at(0)), CircuitView::Open { until: at(5) });
    }

    #[test]
    fn a_failing_half_of_enough_samples_opens_it_without_a_row() {
        let mut circuit = Circuit::default();
        assert!(!circuit.failure(at(0), SLOWLY, (0.6, 9)));
        circuit.success(at(0));
        assert!(circuit.failure(at(0), SLOWLY, (0.6, 10)));
    }

    #[test]
    fn half_open_lets_one_probe_pass() {
        let mut circuit = opened();
        assert_eq!(circuit.try_pass(at(4)), Pass::Wait(at(5)));
        assert_eq!(circuit.view(at(5)), CircuitView::HalfOpen);
        assert!(matches!(circuit.try_pass(at(5)), Pass::Probe(_)));
        assert!(matches!(circuit.try_pass(at(5)), Pass::Wait(_)));
        circuit.success(at(5));
        assert_eq!(circuit.try_pass(at(6)), Pass::Free);
    }

    #[test]
    fn failed_probes_double_the_delay_up_to_five_minutes_and_success_resets_it() {
        let mut circuit = opened();
        let mut now = at(5);
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            assert!(matches!(circuit.try_pass(now), Pass::Probe(_)));
            now = now + SLOWLY;
            circuit.failure(now, SLOWLY, (1.0, 1));
            let until = now + Duration::from_secs(seconds);
            assert_eq!(circuit.view(now), CircuitView::Open { until });
            now = until;
        }
        circuit.success(now);
        for _ in 0..3 {
            circuit.failure(now, SLOWLY, (0.0, 0));
        }
        assert_eq!(circuit.view(now), CircuitView::Open { until: now + FIRST_DELAY });
    }

    #[test]
    fn quick_refusals_are_probed_every_25_seconds_and_slow_failures_more_rarely() {
        for (took, most) in [(QUICKLY, 25), (Duration::from_secs(4), 100), (SLOWLY, 300)] {
            let (mut circuit, mut now) = (opened(), at(5));
            for _ in 0..8 {
                assert!(matches!(circuit.try_pass(now), Pass::Probe(_)));
                now = now + took;
                circuit.failure(now, took, (1.0, 1));
                let CircuitView::Open { until } = circuit.view(now) else { panic!("not open") };
                assert!(until <= now + Duration::from_secs(most));
                now = until;
            }
        }
    }

    #[test]
    fn a_free_call_that_goes_well_after_one_that_failed_lets_a_probe_pass_at_once() {
        let mut circuit = opened();
        circuit.free_call(FreeCall::Answered, at(1));
        assert_eq!(circuit.view(at(1)), CircuitView::Open { until: at(5) });
        circuit.free_call(FreeCall::Failed, at(2));
        assert_eq!(circuit.view(at(2)), CircuitView::Open { until: at(27) });
        circuit.free_call(FreeCall::Answered, at(3));
        assert_eq!(circuit.view(at(3)), CircuitView::HalfOpen);
        // Its probe failed all the same: free calls tell nothing of this trouble.
        assert!(matches!(circuit.try_pass(at(3)), Pass::Probe(_)));
        circuit.failure(at(3), Duration::ZERO, (1.0, 1));
        circuit.free_call(FreeCall::Answered, at(4));
        assert_eq!(circuit.view(at(4)), CircuitView::Open { until: at(13) });
        assert_eq!(circuit.opened(), Some(at(0)));
        circuit.success(at(4));
        assert_eq!(circuit.opened(), None);
    }

    #[test]
    fn while_free_calls_fail_nobody_is_sent_there_but_in_the_end_one_is() {
        let mut circuit = opened();
        let probed = (1..400).find(|second| {
            circuit.free_call(FreeCall::Failed, at(*second));
            circuit.view(at(*second)) == CircuitView::HalfOpen
        });
        assert_eq!(probed, Some(300));
    }

    #[test]
    fn throttling_frees_the_slot_and_changes_nothing_else() {
        let mut circuit = opened();
        assert!(matches!(circuit.try_pass(at(5)), Pass::Probe(_)));
        circuit.neutral(at(5));
        assert_eq!(circuit.view(at(5)), CircuitView::HalfOpen);
        assert!(matches!(circuit.try_pass(at(5)), Pass::Probe(_)));
    }

    #[test]
    fn a_slot_is_given_back_once_and_an_old_ticket_frees_nothing() {
        let mut circuit = opened();
        let Pass::Probe(first) = circuit.try_pass(at(5)) else { panic!("no probe") };
        circuit.give_back(first);
        let Pass::Probe(second) = circuit.try_pass(at(5)) else { panic!("no probe") };
        assert_ne!(first, second);
        circuit.give_back(first);
        assert!(matches!(circuit.try_pass(at(5)), Pass::Wait(_)));
    }

    #[test]
    fn a_lost_probe_gives_its_slot_back_in_time() {
        let mut circuit = opened();
        assert!(matches!(circuit.try_pass(at(5)), Pass::Probe(_)));
        assert!(matches!(circuit.try_pass(at(5) + PROBE_HOLD), Pass::Probe(_)));
    }

    #[test]
    fn late_failures_of_earlier_attempts_do_not_prolong_the_wait() {
        let mut circuit = opened();
        circuit.failure(at(2), SLOWLY, (1.0, 5));
        assert_eq!(circuit.view(at(2)), CircuitView::Open { until: at(5) });
    }

    #[test]
    fn an_attempt_from_before_neither_frees_nor_fails_nor_passes_for_the_probe() {
        let mut circuit = opened();
        assert!(matches!(circuit.try_pass(at(5)), Pass::Probe(_)));
        circuit.neutral(at(1));
        assert!(matches!(circuit.try_pass(at(6)), Pass::Wait(_)), "its slot was freed");
        assert!(!circuit.failure(at(6), SLOWLY, (1.0, 5)));
        assert_eq!(circuit.view(at(6)), CircuitView::HalfOpen);
        circuit.success(at(-9));
        assert_eq!(circuit.view(at(6)), CircuitView::HalfOpen);
        circuit.success(at(5));
        assert_eq!(circuit.view(at(6)), CircuitView::Closed);
    }

    #[test]
    fn forced_through_early_it_still_counts_as_the_probe() {
        let mut circuit = opened();
        assert!(matches!(circuit.force(at(1)), Pass::Probe(_)));
        circuit.failure(at(2), Duration::from_secs(1), (1.0, 5));
        assert_eq!(circuit.view(at(2)), CircuitView::Open { until: at(12) });
    }
}
