//! From when on something is looked at: the same few words for every command.
//!
//! Must not know: what is looked at. Invariant: a day is one of the user's calendar, today the last;
//! hours and less are counted back from now.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::{UnixMs, parse_span};
use crate::ledger::{Day, Days};

/// Days of the longest span: longer than there are computers.
const MOST_DAYS: i32 = 36_500;

const DAY: Duration = Duration::from_hours(24);

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The beginning.
    All,
    /// Today's midnight.
    Today,
    /// So many days, today among them.
    Days(i32),
    /// So long ago.
    Span(Duration),
}

impl Since {
    /// Reads `today`, `all`, `7d`, `12h`, `90m`, `1d12h`.
    ///
    /// # Errors
    /// What was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "all" => return Ok(Self::All),
            "today" => return Ok(Self::Today),
            _ => {}
        }
        let too_long = || format!("longer than {MOST_DAYS}d; `all` is everything");
        let digits = text.strip_suffix('d').filter(|days| !days.is_empty());
        if let Some(days) = digits.filter(|days| days.bytes().all(|byte| byte.is_ascii_digit())) {
            return match days.parse() {
                Ok(0) => Err("no time at all; expected 1d or more".to_owned()),
                Ok(days) if days <= MOST_DAYS => Ok(Self::Days(days)),
                Ok(_) | Err(_) => Err(too_long()),
            };
        }
        match parse_span(&text) {
            Ok(Duration::ZERO) => Err("no time at all".to_owned()),
            Ok(span) if span <= DAY * MOST_DAYS.unsigned_abs() => Ok(Self::Span(span)),
            Ok(_) => Err(too_long()),
            Err(_) => Err("expected today, all, days such as 7d, or hours such as 12h".to_owned()),
        }
    }

    /// The first moment that is looked at.
    pub fn start(self, now: UnixMs, zone: &TimeZone) -> UnixMs {
        match self {
            Self::All => UnixMs(i64::MIN),
            Self::Today => Day::of(now, zone).start(zone),
            Self::Days(days) => Day::of(now, zone).minus(days - 1).start(zone),
            Self::Span(span) => now - span,
        }
    }

    /// The days that are looked at, whole: the first is the one it begins in.
    pub fn days(self, now: UnixMs, zone: &TimeZone) -> Days {
        match self {
            Self::All => Days::ALL,
            Self::Today | Self::Days(_) | Self::Span(_) => {
                let first = Day::of(self.start(now, zone), zone);
                Days { from: first, to: Day::of(now, zone) }
            }
        }
    }

    /// What was there before this moment is older than so long: days are counted in full, and
    /// everything is older than nothing.
    pub fn older(self, now: UnixMs, zone: &TimeZone) -> UnixMs {
        match self {
            Self::All => now,
            Self::Days(days) => now - DAY * days.unsigned_abs(),
            Self::Today | Self::Span(_) => self.start(now, zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_392_000_000 + 15 * HOUR);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn the_same_words_are_read_everywhere() {
        let hours = |hours: u64| Since::Span(Duration::from_hours(hours));
        for (text, since) in [
            ("all", Since::All),
            ("Today", Since::Today),
            ("7d", Since::Days(7)),
            ("12h", hours(12)),
            ("1d12h", hours(36)),
            ("90m", Since::Span(Duration::from_mins(90))),
        ] {
            assert_eq!(Since::read(text), Ok(since), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_told_apart_from_one_that_is_too_long() {
        let why = |text| Since::read(text).unwrap_err();
        for text in ["", "7", "d", "-1d", "yesterday", "7 parsecs"] {
            assert!(why(text).starts_with("expected today, all,"), "{text}");
        }
        for text in ["36501d", "99999999d", "99999999999999999999d", "99999999h"] {
            assert!(why(text).starts_with("longer than 36500d"), "{text}");
        }
        for text in ["0d", "0h"] {
            assert!(why(text).starts_with("no time at all"), "{text}");
        }
    }

    #[test]
    fn days_are_the_calendar_s_with_today_the_last_and_hours_are_counted_back() {
        let zone = TimeZone::UTC;
        let midnight = NOW.0 - 15 * HOUR;
        let start = |text| Since::read(text).unwrap().start(NOW, &zone).0;
        assert_eq!((start("today"), start("1d")), (midnight, midnight));
        assert_eq!(start("3d"), midnight - 48 * HOUR);
        assert_eq!(start("16h"), NOW.0 - 16 * HOUR);
        let days = |text| {
            let Days { from, to } = Since::read(text).unwrap().days(NOW, &zone);
            to.0 - from.0 + 1
        };
        assert_eq!(["today", "1d", "7d", "12h", "16h"].map(days), [1, 1, 7, 1, 2]);
        assert_eq!(Since::All.days(NOW, &zone), Days::ALL);
    }

    #[test]
    fn what_is_older_than_a_day_is_older_than_a_whole_one() {
        let older = |text| NOW.0 - Since::read(text).unwrap().older(NOW, &TimeZone::UTC).0;
        assert_eq!(["1d", "90d", "12h"].map(older), [24 * HOUR, 2_160 * HOUR, 12 * HOUR]);
        assert_eq!((older("today"), older("all")), (15 * HOUR, 0));
    }
}
