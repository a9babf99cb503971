//! From an error answer to a report: what class it is, what it means in English, what to do, and the
//! provider's own words. Owns the order of judgement: codes and texts before the status.
//! Invariant: no key and no control character gets into a report.

mod said;

use std::time::Duration;

use serde_json::Value;

use super::hints::{self, Hint, HintClass};
use super::{Headers, address, clean, limits};
use crate::domain::{ErrorReport, OutcomeClass, UnixMs};
pub(super) use said::{Said, looks_like_error};

/// The longest message of our own making that quotes a provider, in bytes.
const MESSAGE_CAP: usize = 300;

/// Reads an error answer.
pub fn read_error(status: u16, headers: &Headers, body: &[u8], now: UnixMs) -> ErrorReport {
    let said = Said::from_body(body, status);
    let mut report = judge(status, headers, &said, Some(now));
    if (300..400).contains(&status) {
        report.class = OutcomeClass::Account;
        "redirect".clone_into(&mut report.code);
        let to = address::redirect_target(headers).map(|to| clean::one_line(to, 200));
        report.message = match to {
            Some(to) => format!("The address has moved to {to}"),
            None => "The address has moved".to_owned(),
        };
        "Set this provider's base_url to the new address.".clone_into(&mut report.hint);
    }
    report
}

/// Reads an error that came within an answer, under HTTP 200.
pub(super) fn in_band(value: &Value) -> ErrorReport {
    judge(200, &Headers::default(), &Said::from_value(value, 200), None)
}

/// Reads an error that came as plain text or HTML under HTTP 200.
pub(super) fn in_band_text(text: &[u8]) -> ErrorReport {
    judge(200, &Headers::default(), &Said::from_body(text, 200), None)
}

fn judge(status: u16, headers: &Headers, said: &Said, now: Option<UnixMs>) -> ErrorReport {
    // Under HTTP 200 a number in the body is the real status.
    let effective = if status == 200 { said.status.unwrap_or(200) } else { status };
    let hint = hints::hint(&said.codes, &said.message).or_else(|| hints::hint(&[], &said.original));
    let hint = hint.filter(|hint| !(hint.general && plain_status(effective, hint.class)));
    let mut class = hint.as_ref().map_or_else(|| by_status(effective), |hint| hint.class.outcome());
    let mut advice = hint.as_ref().map_or_else(|| status_advice(effective), |h| h.class.advice());
    let mut message = match &hint {
        Some(hint) => hint.english.clone(),
        None => unknown(effective, said),
    };
    if said.html {
        class = by_status(effective);
        advice = status_advice(effective);
        message = match &said.title {
            Some(title) => format!("A gateway answered with an HTML page: {title}"),
            None => "A gateway answered with an HTML page".to_owned(),
        };
    }
    // The same code means a used-up balance at some, a per-minute limit at others.
    let throttled_quota = said.codes.iter().any(|code| code == "insufficient_quota")
        && (said.is_dashscope || headers.iter().any(|(name, _)| name.starts_with("x-dashscope-")));
    if throttled_quota && !said.message.to_lowercase().contains("free ") {
        class = OutcomeClass::Throttle;
        advice = HintClass::RateLimit.advice();
        "Token-per-minute quota reached".clone_into(&mut message);
    }
    // An allowance of nothing never refills, and a day's quota not soon.
    if class == OutcomeClass::Throttle {
        if said.no_allowance || allows_nothing(headers, now) {
            class = OutcomeClass::Account;
            advice = HintClass::Billing.advice();
            "This key's plan allows no requests to this model".clone_into(&mut message);
        } else if said.per_day {
            class = OutcomeClass::Account;
            advice = HintClass::Billing.advice();
            "The day's quota is used up".clone_into(&mut message);
        }
    }
    let mut report = ErrorReport::new(class, code(said, hint.as_ref(), effective), "");
    report.unread = hint.is_none() && !said.html && !said.message.trim().is_empty();
    report.message = clean::one_line(&message, MESSAGE_CAP * 2);
    report.original = clean::clean(&said.original, clean::ORIGINAL_CAP);
    advice.clone_into(&mut report.hint);
    report.status = Some(status);
    report.retry_after_ms = wait(headers, said, class, now)
        .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    report
}

/// Does the status say more than a general word of this class?
fn plain_status(status: u16, class: HintClass) -> bool {
    match by_status(status) {
        OutcomeClass::Caller => false,
        _ if status == 200 => false,
        other => class.outcome() == OutcomeClass::Caller && other != OutcomeClass::Caller,
    }
}

/// The class a status stands for when nothing else is known.
fn by_status(status: u16) -> OutcomeClass {
    match status {
        300..=399 | 401..=407 | 410 | 451 => OutcomeClass::Account,
        413 => OutcomeClass::Context,
        425 | 429 => OutcomeClass::Throttle,
        408 | 409 | 499 => OutcomeClass::Provider,
        400..=498 => OutcomeClass::Caller,
        _ => OutcomeClass::Provider,
    }
}

fn status_advice(status: u16) -> &'static str {
    match status {
        401 | 407 => HintClass::Auth.advice(),
        402 => HintClass::Billing.advice(),
        403 | 451 => HintClass::Permission.advice(),
        404 | 405 | 406 | 410 => HintClass::ModelNotFound.advice(),
        413 => HintClass::ContextOverflow.advice(),
        425 | 429 => HintClass::RateLimit.advice(),
        408 | 409 | 499 => HintClass::ServerError.advice(),
        400..=498 => HintClass::InvalidRequest.advice(),
        503 | 529 => HintClass::Overloaded.advice(),
        _ => HintClass::ServerError.advice(),
    }
}

/// What to say of words the table does not know: English ones speak for themselves.
fn unknown(status: u16, said: &Said) -> String {
    let meaning = match status {
        200 => "The provider reported an error",
        401 => "The provider rejected the API key",
        402 => "The provider wants payment",
        403 => "The provider denied access",
        404 => "The provider knows no such model or address",
        405 | 406 | 410 => "The address does not take this call",
        408 | 504 | 524 => "The provider took too long",
        413 => "The request is too large",
        425 | 429 => "Rate limit reached",
        400..=499 => "The provider refused the request",
        502 | 520..=523 | 525..=527 => "The gateway could not reach the provider",
        503 | 529 => "The provider is overloaded",
        _ => "The provider failed",
    };
    let words = clean::one_line(&said.message, MESSAGE_CAP);
    let ascii = words.chars().filter(char::is_ascii).count();
    if words.is_empty() || ascii * 10 < words.chars().count() * 8 {
        if status == 200 { meaning.to_owned() } else { format!("{meaning} (HTTP {status})") }
    } else {
        format!("{meaning}: {words}")
    }
}

fn code(said: &Said, hint: Option<&Hint>, status: u16) -> String {
    let told = said.codes.iter().find(|code| !code.is_empty());
    match (told, hint) {
        (Some(code), _) => clean::one_line(code, 80),
        (None, Some(hint)) => hint.class.name().to_owned(),
        (None, None) if said.html => "html".to_owned(),
        (None, None) if status != 200 => format!("http_{status}"),
        (None, None) => "error".to_owned(),
    }
}

/// A request allowance of zero.
fn allows_nothing(headers: &Headers, now: Option<UnixMs>) -> bool {
    limits::read_limits(headers, now.unwrap_or_default())
        .iter()
        .any(|window| window.what.starts_with("requests") && window.limit == Some(0))
}

/// The wait: headers in so many words, then the body, then the body's copy of headers, then the
/// text, then the limits with nothing left.
fn wait(
    headers: &Headers,
    said: &Said,
    class: OutcomeClass,
    now: Option<UnixMs>,
) -> Option<Duration> {
    let copied =
        |at: UnixMs| said.headers.as_ref().and_then(|headers| limits::retry_after(headers, at));
    now.and_then(|now| limits::told_wait(headers, now))
        .or(said.wait)
        .or_else(|| copied(now?))
        .or_else(|| limits::span_in_text(&said.message))
        .or_else(|| {
            (class == OutcomeClass::Throttle).then(|| limits::retry_after(headers, now?)).flatten()
        })
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
