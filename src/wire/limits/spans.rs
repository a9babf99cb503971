//! Spans and moments as providers write them. Pure text to numbers.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use crate::domain::UnixMs;

/// A span with units, as Go writes it: `120ms`, `1m23s`, `1h2m3.5s`, `34.4s`, `1µs`.
pub(in crate::wire) fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += value
            * match rest[..end].trim() {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" | "sec" | "second" | "seconds" => 1.0,
                "m" | "min" | "minute" | "minutes" => 60.0,
                "h" | "hour" | "hours" => 3600.0,
                "d" | "day" | "days" => 86_400.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(total).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(in crate::wire) fn http_date(text: &str) -> Option<UnixMs> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(UnixMs(at.timestamp().as_millisecond()))
}

/// `try again in 1.574s`, `retry after 20 seconds`, `retry in 9m38.016s`.
static IN_TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:[Tt]ry again|[Rr]etry|[Ww]ait)(?: (?:in|after|for|again))+ ((?:[0-9]+(?:\.[0-9]+)? ?(?:ms|seconds?|sec|minutes?|min|hours?|days?|s|m|h|d)\b ?|[0-9]+(?:\.[0-9]+)?[hms])+)",
    )
    .ok()
});

/// The wait an error's text asks for.
pub(in crate::wire) fn span_in_text(text: &str) -> Option<Duration> {
    let found = IN_TEXT.as_ref()?.captures(text)?;
    span(found[1].trim())
}

/// A number as a plain decimal with at most twelve places, never with an exponent.
pub(in crate::wire) fn plain_decimal(value: f64) -> Option<String> {
    if !value.is_finite() || value < 0.0 {
        return None;
    }
    let text = format!("{value:.12}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    Some(short.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        for (text, ms) in [
            ("120ms", 120),
            ("1ms", 1),
            ("6m0s", 360_000),
            ("1m23s", 83_000),
            ("1h2m3.5s", 3_723_500),
            ("34.4s", 34_400),
            ("2m59.56s", 179_560),
            ("20 seconds", 20_000),
        ] {
            assert_eq!(span(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "12", "s", "1 fortnight", "-5s"] {
            assert_eq!(span(text), None, "{text:?}");
        }
    }

    #[test]
    fn waits_are_found_in_texts() {
        for (text, ms) in [
            ("Rate limit reached. Please try again in 1.574s. Visit https://x", 1_574),
            ("Please try again in 9m38.016s.", 578_016),
            ("Please retry in 34.4s.", 34_400),
            ("Please retry after 20 seconds.", 20_000),
            ("try again in 6ms", 6),
        ] {
            assert_eq!(span_in_text(text), Some(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(span_in_text("Please try again later"), None);
    }

    #[test]
    fn costs_lose_their_exponent() {
        assert_eq!(plain_decimal(3.45e-5).as_deref(), Some("0.0000345"));
        assert_eq!(plain_decimal(2.0).as_deref(), Some("2"));
        assert_eq!(plain_decimal(0.0).as_deref(), Some("0"));
        assert_eq!(plain_decimal(f64::NAN), None);
    }
}
