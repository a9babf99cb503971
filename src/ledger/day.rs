//! Local days as numbers.
//!
//! Must not know: what time it is. Invariant: the same moment in the same zone is the same day.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::domain::UnixMs;

/// A day of the user's own calendar: days since 1970-01-01, compared and counted like numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl Day {
    /// The day a moment falls on in this zone. Moments outside the calendar fall on its ends.
    pub fn of(at: UnixMs, zone: &TimeZone) -> Self {
        let stamp = Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self::of_date(zone.to_datetime(stamp).date())
    }

    /// From a date of the calendar.
    pub fn of_date(date: Date) -> Self {
        let days = date.since(EPOCH).map_or(0, |span: Span| span.get_days());
        Self(days)
    }

    /// So many days before.
    pub const fn minus(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// The moment it begins in this zone; the one nearest to it that there is, where the calendar of
    /// moments ends.
    pub fn start(self, zone: &TimeZone) -> UnixMs {
        let begins = self.date().to_zoned(zone.clone()).map(|begins| begins.timestamp());
        let end = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        UnixMs(begins.unwrap_or(end).as_millisecond())
    }

    /// The date.
    pub fn date(self) -> Date {
        EPOCH.saturating_add(Span::new().days(self.0.clamp(-700_000, 2_900_000)))
    }
}

impl fmt::Display for Day {
    /// `2026-11-26`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.date().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_local_midnight() {
        let at = |text: &str| UnixMs(text.parse::<Timestamp>().unwrap().as_millisecond());
        let east = TimeZone::fixed(jiff::tz::offset(8));
        let (late, next) = (at("2026-11-25T15:59:59Z"), at("2026-11-25T16:00:00Z"));
        assert_eq!(Day::of(late, &east).to_string(), "2026-11-25");
        assert_eq!(Day::of(next, &east).to_string(), "2026-11-26");
        assert_eq!(Day::of(next, &TimeZone::UTC).to_string(), "2026-11-25");
        assert_eq!(Day::of(next, &east).0 - Day::of(late, &east).0, 1);
    }

    #[test]
    fn a_day_s_first_moment_is_its_own_and_the_one_before_is_not() {
        let east = TimeZone::fixed(jiff::tz::offset(8));
        for zone in [TimeZone::UTC, east] {
            let start = Day(20_000).start(&zone);
            assert_eq!(Day::of(start, &zone), Day(20_000));
            assert_eq!(Day::of(UnixMs(start.0 - 1), &zone), Day(19_999));
        }
        assert!(Day(i32::MIN).start(&TimeZone::UTC).0 < Day(i32::MAX).start(&TimeZone::UTC).0);
    }

    #[test]
    fn dates_read_back_and_extremes_stay_in_the_calendar() {
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(Day::of_date(Day(20_000).date()), Day(20_000));
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!Day::of(UnixMs(extreme), &TimeZone::UTC).to_string().is_empty());
        }
    }
}
