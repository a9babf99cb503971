//! Moving traffic away from a model that became slow, for a while, and back by and by.
//!
//! Owns: the timeline of one model's shift. Must not know: how slowness is measured. Invariant: time
//! alone brings traffic back; samples from before the return never shift it again.

use std::time::Duration;

use crate::domain::UnixMs;

/// After a shift, one request in ten passes at first, then one in two; each phase lasts this long.
const PHASE: Duration = Duration::from_secs(30);
const FIRST_PHASE_ONE_IN: u64 = 10;
const SECOND_PHASE_ONE_IN: u64 = 2;

/// Where a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShiftPhase {
    /// Traffic goes there as the router likes.
    Steady,
    /// Traffic is away until this moment.
    Away {
        /// When it begins to come back.
        until: UnixMs,
    },
    /// One request in so many passes, until this moment.
    Returning {
        /// One in how many.
        one_in: u64,
        /// When the next phase begins.
        until: UnixMs,
    },
}

/// The shift of one model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shift {
    until: Option<UnixMs>,
    /// Samples from before this moment do not count for a new shift.
    since: Option<UnixMs>,
    asked: u64,
}

impl Shift {
    /// Where it stands.
    pub(crate) fn phase(&self, now: UnixMs) -> ShiftPhase {
        let Some(until) = self.until else { return ShiftPhase::Steady };
        let (half, whole) = (until + PHASE, until + PHASE + PHASE);
        if now < until {
            ShiftPhase::Away { until }
        } else if now < half {
            ShiftPhase::Returning { one_in: FIRST_PHASE_ONE_IN, until: half }
        } else if now < whole {
            ShiftPhase::Returning { one_in: SECOND_PHASE_ONE_IN, until: whole }
        } else {
            ShiftPhase::Steady
        }
    }

    /// Samples count from here on.
    pub(crate) fn counts_since(&self) -> UnixMs {
        self.since.unwrap_or(UnixMs(i64::MIN))
    }

    /// Moves traffic away for this long, unless it is already away.
    pub(crate) fn start(&mut self, now: UnixMs, span: Duration) {
        if !matches!(self.phase(now), ShiftPhase::Away { .. }) {
            let until = now + span;
            *self = Self { until: Some(until), since: Some(until), asked: 0 };
        }
    }

    /// The user wants it back at once.
    pub(crate) fn undo(&mut self, now: UnixMs) {
        *self = Self { until: None, since: Some(now), asked: 0 };
    }

    /// May this request pass? While returning, the first of each group does. Away is the decision's
    /// business: whoever was chosen all the same passes.
    pub(crate) fn try_pass(&mut self, now: UnixMs) -> Result<(), UnixMs> {
        match self.phase(now) {
            ShiftPhase::Steady | ShiftPhase::Away { .. } => Ok(()),
            ShiftPhase::Returning { one_in, until } => {
                let passes = self.asked.is_multiple_of(one_in);
                self.asked += 1;
                if passes { Ok(()) } else { Err(until) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    #[test]
    fn traffic_stays_away_and_comes_back_in_steps() {
        let mut shift = Shift::default();
        shift.start(at(0), Duration::from_mins(5));
        assert_eq!(shift.phase(at(299)), ShiftPhase::Away { until: at(300) });
        let passed =
            |shift: &mut Shift, now| (0..20).filter(|_| shift.try_pass(now).is_ok()).count();
        assert_eq!(passed(&mut shift, at(300)), 2);
        assert_eq!(passed(&mut shift, at(330)), 10);
        assert_eq!(passed(&mut shift, at(360)), 20);
        assert_eq!(shift.phase(at(360)), ShiftPhase::Steady);
    }

    #[test]
    fn it_is_not_prolonged_while_away_and_can_be_undone() {
        let mut shift = Shift::default();
        shift.start(at(0), Duration::from_mins(5));
        shift.start(at(200), Duration::from_mins(5));
        assert_eq!(shift.phase(at(300)), ShiftPhase::Returning { one_in: 10, until: at(330) });
        shift.undo(at(301));
        assert_eq!(shift.phase(at(301)), ShiftPhase::Steady);
        assert_eq!(shift.counts_since(), at(301));
    }
}
