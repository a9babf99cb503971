//! What response headers say about rate limits, waits and cost, in every format providers use. Pure:
//! the moment is passed in. Invariant: a header that cannot be read is as good as absent.

mod spans;

use std::time::Duration;

use crate::domain::{RateScope, RateWindow, UnixMs};

use super::Headers;
pub(super) use spans::{http_date, plain_decimal, span, span_in_text};

/// Numbers above this are milliseconds since 1970; see [`when`].
const EPOCH_MS: f64 = 1e12;
/// Numbers above this (and not above [`EPOCH_MS`]) are seconds since 1970.
const EPOCH_S: f64 = 1e9;

/// What relays put before the names of the headers they pass on.
const PASSED_ON: &str = "llm_provider-";

/// Rate limits as told by these headers, in the order they came. Sources: the providers' own pages
/// for `x-ratelimit-*` (OpenAI, Groq, Mistral, OpenRouter), `anthropic-ratelimit-*`, and the draft
/// standard's `ratelimit-*`.
pub fn read_limits(headers: &Headers, now: UnixMs) -> Vec<RateWindow> {
    let own = windows(headers.iter(), now);
    if !own.is_empty() {
        return own;
    }
    windows(headers.iter().filter_map(|(name, v)| Some((name.strip_prefix(PASSED_ON)?, v))), now)
}

fn windows<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, now: UnixMs) -> Vec<RateWindow> {
    let mut found: Vec<RateWindow> = Vec::new();
    for (name, value) in pairs {
        let Some((what, scope, field)) = parts(name) else { continue };
        let at = found.iter().position(|window| window.what == what).unwrap_or_else(|| {
            let what = what.clone();
            found.push(RateWindow { what, scope, limit: None, remaining: None, resets_at: None });
            found.len() - 1
        });
        let window = &mut found[at];
        match field {
            Field::Limit => window.limit = number(value).or(window.limit),
            Field::Remaining => window.remaining = number(value).or(window.remaining),
            Field::Reset => window.resets_at = when(value, now).or(window.resets_at),
            Field::Status => {
                if value.trim() == "rejected" {
                    window.remaining = Some(0);
                }
            }
        }
        if let (None, Some(end)) = (window.resets_at, boundary(name, now)) {
            window.resets_at = Some(end);
        }
    }
    found.retain(|window| window.limit.is_some() || window.remaining.is_some());
    found
}

#[derive(Clone, Copy)]
enum Field {
    Limit,
    Remaining,
    Reset,
    Status,
}

fn field(word: &str) -> Option<Field> {
    match word {
        "limit" => Some(Field::Limit),
        "remaining" => Some(Field::Remaining),
        "reset" => Some(Field::Reset),
        "status" => Some(Field::Status),
        _ => None,
    }
}

/// What a header's name speaks of: the window, whose requests it counts, and the field.
///
/// The named windows of OpenAI, Groq, Mistral and Anthropic are counted per model. Counted for the
/// whole account are Anthropic's `unified` windows (a subscription's), windows of a month, and the
/// bare `x-ratelimit-limit` without a name (OpenRouter's, the draft standard's), which know nothing
/// of models.
fn parts(name: &str) -> Option<(String, RateScope, Field)> {
    if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (what, last) = rest.rsplit_once('-')?;
        let scope = if what.starts_with("unified") { RateScope::Account } else { RateScope::Model };
        return Some((what.to_owned(), scope, field(last)?));
    }
    let rest = name.strip_prefix("x-ratelimit-").or_else(|| name.strip_prefix("ratelimit-"))?;
    let Some((first, what)) = rest.split_once('-') else {
        return Some(("requests".to_owned(), RateScope::Account, field(rest)?));
    };
    let scope = if what.ends_with("-month") { RateScope::Account } else { RateScope::Model };
    let what = match what {
        "req-minute" => "requests",
        "tokens-minute" => "tokens",
        "req-day" => "requests-day",
        other => other,
    };
    Some((what.to_owned(), scope, field(first)?))
}

/// Some endpoints name a window by the calendar and never say when it ends.
fn boundary(name: &str, now: UnixMs) -> Option<UnixMs> {
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 86_400_000;
    let size = match name.rsplit_once('-')?.1 {
        "minute" => MINUTE,
        "day" => DAY,
        _ => return None,
    };
    Some(UnixMs((now.0.div_euclid(size) + 1) * size))
}

fn number(value: &str) -> Option<u64> {
    let value: f64 = value.trim().replace(',', "").parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value as u64)
}

/// A moment told as RFC 3339, as a Go duration from now, as an HTTP date, or as a bare number:
/// milliseconds or seconds since 1970 if it is that large, seconds from now otherwise.
pub(super) fn when(value: &str, now: UnixMs) -> Option<UnixMs> {
    let value = value.trim();
    if let Ok(number) = value.parse::<f64>() {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        return Some(if number > EPOCH_MS {
            UnixMs(number as i64)
        } else if number > EPOCH_S {
            UnixMs((number * 1000.0) as i64)
        } else {
            now + Duration::try_from_secs_f64(number).ok()?
        });
    }
    if let Some(wait) = span(value) {
        return Some(now + wait);
    }
    value
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|at| UnixMs(at.as_millisecond()))
        .or_else(|| http_date(value))
}

/// How long these headers ask to wait: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after`
/// (seconds or a date); else until the last of the limits with nothing left is full again.
pub fn retry_after(headers: &Headers, now: UnixMs) -> Option<Duration> {
    told_wait(headers, now).or_else(|| {
        let full = read_limits(headers, now)
            .into_iter()
            .filter(|window| window.remaining == Some(0))
            .filter_map(|window| window.resets_at)
            .max()?;
        Some(now.until(full))
    })
}

/// The wait told in so many words.
pub(super) fn told_wait(headers: &Headers, now: UnixMs) -> Option<Duration> {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        let ms = headers.get(name).and_then(|value| value.trim().parse::<f64>().ok());
        if let Some(wait) = ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok()) {
            return Some(wait);
        }
    }
    let value =
        headers.get("retry-after").or_else(|| headers.get("llm_provider-retry-after"))?.trim();
    when(value, now).map(|at| now.until(at))
}

/// The cost some gateways report in a header, as a plain decimal of dollars; zero counts as unsaid,
/// because a stream's headers leave before its cost is known.
pub fn reported_cost(headers: &Headers) -> Option<String> {
    let cost: f64 = headers.get("x-litellm-response-cost")?.trim().parse().ok()?;
    if cost > 0.0 { plain_decimal(cost) } else { None }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
