//! The loop's alarms: when the state wants to be told that time passed.
//!
//! Pure: it is given `now` and never sleeps.

use std::time::{Duration, Instant};

/// A draft left alone for this long is decided. Shorter decides drafts nobody meant, longer makes
/// the line under the draft lag behind the hand.
const PREVIEW_AFTER: Duration = Duration::from_millis(60);

/// What an alarm is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// Time passed.
    Tick,
    /// The draft was left alone.
    Preview,
}

/// The alarms that are set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    tick: Option<Instant>,
    preview: Option<Instant>,
}

impl Timers {
    /// Sets the tick; an earlier one stays.
    pub(super) fn tick_in(&mut self, now: Instant, ms: u64) {
        let at = now + Duration::from_millis(ms);
        self.tick = Some(self.tick.map_or(at, |tick| tick.min(at)));
    }

    /// Puts the preview off: another key came.
    pub(super) fn put_off_preview(&mut self, now: Instant) {
        self.preview = Some(now + PREVIEW_AFTER);
    }

    /// When the next alarm rings.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.tick, self.preview].into_iter().flatten().min()
    }

    /// Takes an alarm that rang.
    pub(super) fn ring(&mut self, now: Instant) -> Option<Alarm> {
        if self.preview.is_some_and(|at| at <= now) {
            self.preview = None;
            return Some(Alarm::Preview);
        }
        if self.tick.is_some_and(|at| at <= now) {
            self.tick = None;
            return Some(Alarm::Tick);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_on_puts_the_preview_off_and_never_the_tick() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut timers = Timers::default();
        timers.tick_in(start, 100);
        timers.tick_in(start + ms(50), 100);
        timers.put_off_preview(start);
        timers.put_off_preview(start + ms(55));
        assert_eq!(timers.ring(start + ms(99)), None);
        assert_eq!(timers.ring(start + ms(100)), Some(Alarm::Tick));
        assert_eq!(timers.ring(start + ms(115)), Some(Alarm::Preview));
        assert_eq!(timers.due(), None);
    }
}
