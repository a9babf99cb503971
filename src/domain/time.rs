//! Moments and spans as plain numbers. Owns the text form of spans (`"10s"`, `"5m"`, `"250ms"`).
//! Must not know any clock: whoever reads one passes the moment in.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// How long until `later`; zero if it has passed.
    pub fn until(self, later: Self) -> Duration {
        later.since(self)
    }
}

impl Add<Duration> for UnixMs {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for UnixMs {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseSpanError;

impl fmt::Display for ParseSpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a span such as \"250ms\", \"10s\", \"5m\", \"1h\" or \"7d\"")
    }
}

impl std::error::Error for ParseSpanError {}

/// Reads `"250ms"`, `"1.5s"`, `"10s"`, `"5m"`, `"1h"`, `"7d"` and sums such as `"1m30s"`.
/// A bare number has no unit and is refused.
pub fn parse_span(text: &str) -> Result<Duration, ParseSpanError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(ParseSpanError);
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(ParseSpanError)?;
        let value: f64 = rest[..digits].parse().map_err(|_| ParseSpanError)?;
        rest = rest[digits..].trim_start();
        let unit_len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let scale = match &rest[..unit_len] {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(ParseSpanError),
        };
        total += value * scale;
        rest = rest[unit_len..].trim_start();
    }
    Duration::try_from_secs_f64(total).map_err(|_| ParseSpanError)
}

/// The shortest text [`parse_span`] reads back, in the largest unit that stays whole: `90s` is
/// `"90s"`, `300s` is `"5m"`.
pub fn format_span(span: Duration) -> String {
    let ms = span.as_millis();
    if ms == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write_back() {
        for (text, ms) in [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000)] {
            let span = parse_span(text).unwrap();
            assert_eq!(span.as_millis(), ms);
            assert_eq!(format_span(span), text);
        }
        assert_eq!(parse_span("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_span("1.5s"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn a_span_without_unit_is_refused() {
        for text in ["", "10", "s", "-5s", "10 parsecs", "1e9999s"] {
            assert_eq!(parse_span(text), Err(ParseSpanError), "{text:?}");
        }
    }

    #[test]
    fn moments_saturate_instead_of_wrapping() {
        let now = UnixMs(1_000);
        assert_eq!(now.since(UnixMs(2_000)), Duration::ZERO);
        assert_eq!(now + Duration::MAX, UnixMs(i64::MAX));
    }
}
