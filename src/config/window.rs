//! Weekly windows such as `Mon-Fri 01:00-04:00 UTC`. Pure arithmetic on moments; knows no clock and
//! no time zone database: offsets are written out (`UTC+8`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::UnixMs;

const DAY_MIN: i64 = 24 * 60;
const WEEK_MIN: i64 = 7 * DAY_MIN;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A window that comes back every week: some days, from one time of day to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeekWindow {
    /// Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    from: i64,
    /// Minutes after midnight; at or before `from` means it ends on the next day.
    to: i64,
    /// Minutes the written times are ahead of UTC.
    offset: i64,
}

/// Why a text is not a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseWindowError(String);

impl fmt::Display for ParseWindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected for example \"Mon-Fri 01:00-04:00 UTC\"", self.0)
    }
}

impl std::error::Error for ParseWindowError {}

fn fail<T>(why: &str) -> Result<T, ParseWindowError> {
    Err(ParseWindowError(why.to_owned()))
}

fn day(text: &str) -> Result<usize, ParseWindowError> {
    DAYS.iter()
        .position(|name| text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(name)))
        .map_or_else(|| fail(&format!("{text:?} is not a day")), Ok)
}

fn time(text: &str) -> Result<i64, ParseWindowError> {
    let parsed = text.split_once(':').and_then(|(h, m)| {
        let (h, m) = (h.parse::<i64>().ok()?, m.parse::<i64>().ok()?);
        ((0..=24).contains(&h) && (0..60).contains(&m) && h * 60 + m <= DAY_MIN)
            .then_some(h * 60 + m)
    });
    parsed.map_or_else(|| fail(&format!("{text:?} is not a time of day")), Ok)
}

impl FromStr for WeekWindow {
    type Err = ParseWindowError;

    /// Reads `[DAYS] HH:MM-HH:MM [UTC[+H[:MM]]]`, days as `Mon-Fri`, `Sat,Sun` or `daily`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut offset = 0;
        if let Some(zone) =
            words.last().copied().filter(|w| w.to_ascii_uppercase().starts_with("UTC"))
        {
            words.pop();
            let rest = &zone[3..];
            if !rest.is_empty() {
                let (sign, digits) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
                    (Some(digits), _) => (1, digits),
                    (_, Some(digits)) => (-1, digits),
                    _ => return fail(&format!("{zone:?} is not an offset from UTC")),
                };
                let padded =
                    if digits.contains(':') { digits.to_owned() } else { format!("{digits}:00") };
                offset = sign * time(&padded)?;
            }
        }
        let Some(span) = words.pop() else { return fail("no time given") };
        let Some((from, to)) = span.split_once('-') else {
            return fail(&format!("{span:?} is not a span of time"));
        };
        let (from, to) = (time(from)?, time(to)?);
        let mut days = [false; 7];
        match words.as_slice() {
            [] => days = [true; 7],
            [word] if word.eq_ignore_ascii_case("daily") => days = [true; 7],
            [word] => {
                for item in word.split(',') {
                    match item.split_once('-') {
                        Some((a, b)) => {
                            let (a, b) = (day(a)?, day(b)?);
                            let mut d = a;
                            loop {
                                days[d] = true;
                                if d == b {
                                    break;
                                }
                                d = (d + 1) % 7;
                            }
                        }
                        None => days[day(item)?] = true,
                    }
                }
            }
            _ => return fail("too many words"),
        }
        Ok(Self { days, from, to, offset })
    }
}

impl WeekWindow {
    /// Minutes since Monday 00:00 in the window's own zone (1970-01-01 was a Thursday).
    fn week_minute(&self, now: UnixMs) -> i64 {
        (now.0.div_euclid(60_000) + 3 * DAY_MIN + self.offset).rem_euclid(WEEK_MIN)
    }

    fn length(&self) -> i64 {
        if self.to > self.from { self.to - self.from } else { self.to + DAY_MIN - self.from }
    }

    /// Does it hold at this moment?
    pub fn contains(&self, now: UnixMs) -> bool {
        let minute = self.week_minute(now);
        (0..7).any(|d| {
            self.days[d as usize]
                && (minute - (d * DAY_MIN + self.from)).rem_euclid(WEEK_MIN) < self.length()
        })
    }

    /// How long until it next begins; zero while it holds.
    pub fn begins_in(&self, now: UnixMs) -> Option<Duration> {
        if self.contains(now) {
            return Some(Duration::ZERO);
        }
        let minute = self.week_minute(now);
        let least = (0..7)
            .filter(|d| self.days[*d as usize])
            .map(|d| (d * DAY_MIN + self.from - minute).rem_euclid(WEEK_MIN))
            .min()?;
        let into_minute = now.0.rem_euclid(60_000);
        Some(Duration::from_millis(u64::try_from(least * 60_000 - into_minute).unwrap_or(0)))
    }

    /// How long it still holds; `None` while it does not.
    pub fn ends_in(&self, now: UnixMs) -> Option<Duration> {
        let minute = self.week_minute(now);
        let left = (0..7)
            .filter(|d| self.days[*d as usize])
            .map(|d| self.length() - (minute - (d * DAY_MIN + self.from)).rem_euclid(WEEK_MIN))
            .filter(|left| *left > 0)
            .max()?;
        let into_minute = now.0.rem_euclid(60_000);
        Some(Duration::from_millis(u64::try_from(left * 60_000 - into_minute).unwrap_or(0)))
    }
}

impl fmt::Display for WeekWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = (0..7).filter(|d| self.days[*d]).map(|d| DAYS[d]).collect();
        let hm = |m: i64| format!("{:02}:{:02}", m / 60, m % 60);
        write!(f, "{} {}-{} UTC", names.join(","), hm(self.from), hm(self.to))?;
        if self.offset != 0 {
            let sign = if self.offset < 0 { '-' } else { '+' };
            write!(f, "{sign}{}", hm(self.offset.abs()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T00:00:00Z, a Monday.
    const MONDAY: i64 = 1_795_392_000_000;

    fn at(day: i64, hour: i64, minute: i64) -> UnixMs {
        UnixMs(MONDAY + ((day * 24 + hour) * 60 + minute) * 60_000)
    }

    #[test]
    fn a_working_day_window_holds_only_on_working_days() {
        let window: WeekWindow = "Mon-Fri 01:00-04:00 UTC".parse().unwrap();
        assert!(window.contains(at(0, 1, 0)) && window.contains(at(4, 3, 59)));
        assert!(!window.contains(at(0, 4, 0)) && !window.contains(at(5, 2, 0)));
    }

    #[test]
    fn a_window_past_midnight_ends_on_the_next_day() {
        let window: WeekWindow = "Sun 23:00-01:00 UTC".parse().unwrap();
        assert!(window.contains(at(6, 23, 30)) && window.contains(at(7, 0, 30)));
        assert!(!window.contains(at(0, 12, 0)));
    }

    #[test]
    fn it_knows_how_long_it_still_holds() {
        let window: WeekWindow = "Sun 23:00-01:00 UTC".parse().unwrap();
        assert_eq!(window.ends_in(at(6, 23, 30)), Some(Duration::from_mins(90)));
        assert_eq!(window.ends_in(UnixMs(at(7, 0, 59).0 + 59_000)), Some(Duration::from_secs(1)));
        assert_eq!(window.ends_in(at(7, 1, 0)), None);
    }

    #[test]
    fn an_offset_moves_the_window() {
        let window: WeekWindow = "Mon-Fri 09:00-12:00 UTC+8".parse().unwrap();
        assert!(window.contains(at(0, 1, 0)) && !window.contains(at(0, 9, 0)));
        assert_eq!(window.to_string().parse::<WeekWindow>().unwrap(), window);
    }

    #[test]
    fn the_next_beginning_is_counted_to_the_millisecond() {
        let window: WeekWindow = "Tue 02:00-03:00 UTC".parse().unwrap();
        assert_eq!(window.begins_in(at(0, 2, 0)), Some(Duration::from_hours(24)));
        assert_eq!(window.begins_in(at(1, 2, 30)), Some(Duration::ZERO));
        let just_before = at(1, 2, 0) - Duration::from_millis(1);
        assert_eq!(window.begins_in(just_before), Some(Duration::from_millis(1)));
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in [
            "",
            "Mon",
            "Foo 01:00-02:00",
            "Mon 25:00-26:00",
            "Mon 01:00-02:00 UTC*3",
            "abé 01:00-02:00",
            "Mon 01:00-02:00 UTC→",
        ] {
            let error = text.parse::<WeekWindow>().unwrap_err().to_string();
            assert!(error.contains("Mon-Fri"), "{text:?}: {error}");
        }
    }
}
