//! Moving traffic away from a model that became slow, for a while, and back by and by.
//!
//! Owns: the timeline of one model's shift. Must not know: what is measured, or where traffic goes.
//! Invariant: time alone brings traffic back; only fresh samples hold it up or send it away again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::UnixMs;

use super::health::percentile;

/// After a shift, one request in ten passes at first, then one in two; each phase lasts this long.
const PHASE: Duration = Duration::from_secs(30);
const FIRST_PHASE_ONE_IN: u64 = 10;
const SECOND_PHASE_ONE_IN: u64 = 2;

/// While traffic comes back, the p95 of fresh samples must be under this share of the limit for the
/// next phase to begin: what is only just quick enough would leave again at once.
const MARGIN: f64 = 0.8;

/// Fewer slow samples than this are chance, while there are too few for a p95.
const SLOW_LEAST: usize = 2;

/// Slow again within this after coming back, a model stays away twice as long as the last time, up
/// to the longest.
const AGAIN_WITHIN: Duration = Duration::from_mins(30);
const LONGEST: Duration = Duration::from_hours(1);

/// Where a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShiftPhase {
    /// Traffic goes there as the router likes.
    #[default]
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

impl ShiftPhase {
    /// When it changes by itself.
    pub const fn until(self) -> Option<UnixMs> {
        match self {
            Self::Steady => None,
            Self::Away { until } | Self::Returning { until, .. } => Some(until),
        }
    }
}

/// When a shift's phases end.
#[derive(Debug, Clone, Copy)]
struct Course {
    away: UnixMs,
    first: UnixMs,
    second: UnixMs,
    span: Duration,
}

/// Whether its return was noticed by whoever asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Return {
    #[default]
    Told,
    Awaited,
}

/// The shift of one model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shift {
    course: Option<Course>,
    /// Samples from before this moment do not count for a new shift.
    since: Option<UnixMs>,
    /// The user brought it back: it stays until this moment.
    stays_until: Option<UnixMs>,
    asked: u64,
    told: Return,
}

/// Are these samples over a mark? Their p95 must be, and more than one of them.
fn over(sorted: &[u64], mark: u64) -> bool {
    let slow = sorted.len() - sorted.partition_point(|ms| *ms <= mark);
    slow >= SLOW_LEAST && percentile(sorted, 0.95).is_some_and(|p95| p95 > mark)
}

impl Shift {
    /// Where it stands.
    pub(crate) fn phase(&self, now: UnixMs) -> ShiftPhase {
        match self.course {
            Some(course) if now < course.away => ShiftPhase::Away { until: course.away },
            Some(course) if now < course.first => {
                ShiftPhase::Returning { one_in: FIRST_PHASE_ONE_IN, until: course.first }
            }
            Some(course) if now < course.second => {
                ShiftPhase::Returning { one_in: SECOND_PHASE_ONE_IN, until: course.second }
            }
            Some(_) | None => ShiftPhase::Steady,
        }
    }

    /// Samples count from here on.
    pub(crate) fn counts_since(&self) -> UnixMs {
        self.since.unwrap_or(UnixMs(i64::MIN))
    }

    /// Takes in a fresh sample, with all that count, sorted. Says whether traffic should leave. While
    /// it comes back, a p95 that is not well under the limit holds the phase up.
    pub(crate) fn sampled(
        &mut self,
        fresh: &[u64],
        limit_ms: u64,
        min_samples: usize,
        now: UnixMs,
    ) -> bool {
        if self.stays_until.is_some_and(|until| now < until) {
            return false;
        }
        match (self.phase(now), &mut self.course) {
            (ShiftPhase::Away { .. }, _) => false,
            (ShiftPhase::Returning { one_in, .. }, Some(course)) => {
                if over(fresh, (limit_ms as f64 * MARGIN) as u64) {
                    // The phase begins anew.
                    if one_in == FIRST_PHASE_ONE_IN {
                        course.first = now + PHASE;
                    }
                    course.second = course.first.max(now) + PHASE;
                }
                over(fresh, limit_ms)
            }
            (ShiftPhase::Steady | ShiftPhase::Returning { .. }, _) => {
                fresh.len() >= min_samples.max(1)
                    && percentile(fresh, 0.95).is_some_and(|p95| p95 > limit_ms)
            }
        }
    }

    /// Moves traffic away for this long, longer where it was away lately, unless it still is. Gives
    /// how long.
    pub(crate) fn start(&mut self, now: UnixMs, usual: Duration) -> Option<Duration> {
        if matches!(self.phase(now), ShiftPhase::Away { .. }) {
            return None;
        }
        let again = self.course.filter(|last| now.since(last.away) < AGAIN_WITHIN);
        let span = again
            .map_or(usual, |last| last.span.saturating_mul(2).min(LONGEST.max(usual)).max(usual));
        let away = now + span;
        let course = Course { away, first: away + PHASE, second: away + PHASE + PHASE, span };
        *self = Self {
            course: Some(course),
            since: Some(away),
            stays_until: None,
            asked: 0,
            told: Return::Awaited,
        };
        Some(span)
    }

    /// The user wants it back at once; it stays for as long as it would have been away.
    pub(crate) fn undo(&mut self, now: UnixMs) {
        let span = self.course.map(|course| course.span);
        *self =
            Self { since: Some(now), stays_until: span.map(|span| now + span), ..Self::default() };
    }

    /// Has traffic begun to come back since this was last asked?
    pub(crate) fn came_back(&mut self, now: UnixMs) -> bool {
        let back =
            self.told == Return::Awaited && !matches!(self.phase(now), ShiftPhase::Away { .. });
        if back {
            self.told = Return::Told;
        }
        back
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

    const FIVE: Duration = Duration::from_mins(5);

    fn at(seconds: i64) -> UnixMs {
        UnixMs(seconds * 1000)
    }

    fn away() -> Shift {
        let mut shift = Shift::default();
        assert_eq!(shift.start(at(0), FIVE), Some(FIVE));
        shift
    }

    #[test]
    fn traffic_stays_away_and_comes_back_in_steps() {
        let mut shift = away();
        assert_eq!(shift.phase(at(299)), ShiftPhase::Away { until: at(300) });
        let passed =
            |shift: &mut Shift, now| (0..20).filter(|_| shift.try_pass(now).is_ok()).count();
        assert_eq!(passed(&mut shift, at(300)), 2);
        assert_eq!(passed(&mut shift, at(330)), 10);
        assert_eq!(passed(&mut shift, at(360)), 20);
        assert_eq!(shift.phase(at(360)), ShiftPhase::Steady);
    }

    #[test]
    fn it_is_not_prolonged_while_away_and_can_be_undone_for_as_long() {
        let mut shift = away();
        assert_eq!(shift.start(at(200), FIVE), None);
        assert!(!shift.sampled(&[9_000; 30], 3_000, 20, at(250)));
        assert_eq!(shift.phase(at(300)), ShiftPhase::Returning { one_in: 10, until: at(330) });
        shift.undo(at(301));
        assert_eq!(shift.phase(at(301)), ShiftPhase::Steady);
        assert_eq!(shift.counts_since(), at(301));
        assert!(!shift.sampled(&[9_000; 30], 3_000, 20, at(400)));
        assert!(shift.sampled(&[9_000; 30], 3_000, 20, at(602)));
    }

    #[test]
    fn it_takes_enough_samples_and_a_p95_over_the_limit() {
        let mut shift = Shift::default();
        assert!(!shift.sampled(&[9_000; 19], 3_000, 20, at(0)));
        assert!(shift.sampled(&[9_000; 20], 3_000, 20, at(0)));
        let mut one_slow = vec![400; 19];
        one_slow.push(9_000);
        assert!(!shift.sampled(&one_slow, 3_000, 20, at(0)));
    }

    #[test]
    fn coming_back_waits_while_fresh_samples_are_not_well_under_the_limit() {
        let mut shift = away();
        assert!(!shift.sampled(&[2_700, 2_800], 3_000, 20, at(320)));
        assert_eq!(shift.phase(at(349)), ShiftPhase::Returning { one_in: 10, until: at(350) });
        assert_eq!(shift.phase(at(350)), ShiftPhase::Returning { one_in: 2, until: at(380) });
        assert!(!shift.sampled(&[2_700, 2_800], 3_000, 20, at(370)));
        assert_eq!(shift.phase(at(399)), ShiftPhase::Returning { one_in: 2, until: at(400) });
        assert_eq!(shift.phase(at(400)), ShiftPhase::Steady);
    }

    #[test]
    fn one_slow_answer_on_the_way_back_is_chance_and_two_are_not() {
        let mut shift = away();
        assert!(!shift.sampled(&[500, 600, 9_000], 3_000, 20, at(310)));
        assert_eq!(shift.phase(at(331)), ShiftPhase::Returning { one_in: 2, until: at(360) });
        assert!(shift.sampled(&[500, 9_000, 9_000], 3_000, 20, at(340)));
    }

    #[test]
    fn slow_again_soon_after_stays_away_longer_each_time_and_not_for_ever() {
        let mut shift = away();
        let (mut now, mut minutes) = (at(310), Vec::new());
        for _ in 0..5 {
            let span = shift.start(now, FIVE).unwrap();
            minutes.push(span.as_secs() / 60);
            now = now + span + Duration::from_secs(10);
        }
        assert_eq!(minutes, [10, 20, 40, 60, 60]);
        let later = now + Duration::from_mins(31);
        assert_eq!(shift.start(later, FIVE), Some(FIVE));
    }

    #[test]
    fn its_return_is_noticed_once_and_not_after_undoing() {
        let mut shift = away();
        assert!(!shift.came_back(at(299)));
        assert!(shift.came_back(at(300)));
        assert!(!shift.came_back(at(301)));
        shift.start(at(302), FIVE);
        shift.undo(at(303));
        assert!(!shift.came_back(at(9_999)));
    }
}
