//! From the merged tree to typed settings, one file per part of the configuration.
//!
//! Owns: small readers that several parts share. Must not know layers. Invariant: every reader
//! reports what it cannot read and goes on with a default, so that all mistakes are found at once.

pub(super) mod currency;
pub(super) mod model;
pub(super) mod price;
pub(super) mod provider;
pub(super) mod settings;
mod tier;

use crate::domain::{Lang, UnixMs};

use super::reader::Fields;
use super::schema::LIMITS;
use super::settings::LimitOverrides;

/// `limits` of a provider or model.
fn limits(fields: &Fields<'_>) -> LimitOverrides {
    let limits = fields.section("limits", &LIMITS);
    LimitOverrides {
        connect: limits.span("connect"),
        first_token: limits.span("first_token"),
        between_tokens: limits.span("between_tokens"),
        total: limits.span("total"),
    }
}

/// Two-letter language codes.
pub(super) fn languages(fields: &Fields<'_>, name: &str) -> Option<Vec<Lang>> {
    let texts = fields.texts(name)?;
    let mut out = Vec::with_capacity(texts.len());
    for (text, at) in texts {
        if let Some(lang) = Lang::new(text) {
            out.push(lang);
        } else {
            let message = format!("expected a two-letter language code, found {text:?}");
            fields.ctx.error(at, &fields.path_of(name), message);
        }
    }
    Some(out)
}

/// A moment: `2026-12-01` (00:00 UTC) or `2026-08-16T16:00:00Z`.
fn moment(text: &str) -> Option<UnixMs> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(UnixMs(at.as_millisecond()));
    }
    let at: jiff::civil::DateTime = text.parse().ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(UnixMs(at.timestamp().as_millisecond()))
}

/// Is this an address that calls can be sent to?
fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        !host.is_empty() && !rest.contains(char::is_whitespace)
    })
}

/// People paste addresses with the path of a call at the end; the base is what comes before it.
/// A query stays, a fragment goes.
fn base_of(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default().trim();
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let mut path = path.trim_end_matches('/');
    for call in ["/chat/completions", "/messages", "/models", "/embeddings"] {
        if let Some(base) = path.strip_suffix(call) {
            path = base.trim_end_matches('/');
            break;
        }
    }
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_loses_what_a_call_appends() {
        let base = "https://api.example.com/v1";
        for tail in ["", "/", "/chat/completions", "/models/", "/messages", "#top", "//"] {
            assert_eq!(base_of(&format!("{base}{tail}")), base, "{tail:?}");
        }
        let azure = "https://x.example.com/openai/chat/completions?api-version=1#f";
        assert_eq!(base_of(azure), "https://x.example.com/openai?api-version=1");
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(moment("1970-01-02"), Some(UnixMs(86_400_000)));
        assert_eq!(moment("1970-01-01T16:00:00Z"), Some(UnixMs(57_600_000)));
        assert_eq!(moment("next week"), None);
    }
}
