//! Addresses of calls, from base addresses as people paste them. Pure text; resolves nothing.
//! Invariant: the query of a base stays, its fragment and any pasted call path go.

use super::Headers;
use crate::config::{Dialect, Provider};

/// Paths people paste along with a base because their docs show the whole address.
const CALL_PATHS: [&str; 6] =
    ["/chat/completions", "/messages", "/models", "/embeddings", "/completions", "/responses"];

/// The version segment every Anthropic-style address carries before its call.
const VERSION: &str = "/v1";

/// The whole address of a call: `base` as pasted, plus `path` (`/models`, …) of this dialect.
pub fn endpoint(base: &str, dialect: Dialect, path: &str) -> String {
    let (bare, query) = split(base);
    let with_scheme = with_scheme(bare);
    let mut root = with_scheme.trim_end_matches('/');
    while let Some(shorter) = CALL_PATHS.iter().find_map(|call| root.strip_suffix(call)) {
        root = shorter.trim_end_matches('/');
    }
    let version = match dialect {
        Dialect::OpenAi => "",
        Dialect::Anthropic => {
            root = root.strip_suffix(VERSION).unwrap_or(root).trim_end_matches('/');
            VERSION
        }
    };
    format!("{root}{version}{path}{query}")
}

/// Base and query (with its `?`), the fragment dropped.
fn split(base: &str) -> (&str, &str) {
    let base = base.trim();
    let base = base.split_once('#').map_or(base, |(before, _)| before);
    match base.find('?') {
        Some(at) if at + 1 < base.len() => (&base[..at], &base[at..]),
        Some(at) => (&base[..at], ""),
        None => (base, ""),
    }
}

fn with_scheme(base: &str) -> String {
    if base.contains("://") {
        return base.to_owned();
    }
    let host = base.split(['/', ':']).next().unwrap_or_default();
    let local = host == "localhost" || host.starts_with("127.") || base.starts_with("[::1]");
    format!("{}://{base}", if local { "http" } else { "https" })
}

/// Header names that hold a secret, however the user set them.
pub(super) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "authorization"
        || name == "cookie"
        || name.ends_with("-key")
        || name.ends_with("-token")
        || name.ends_with("authorization")
}

/// Does the user's own header of this name replace ours?
pub(super) fn overrides(provider: &Provider, name: &str) -> bool {
    provider.headers.keys().any(|own| own.eq_ignore_ascii_case(name))
}

/// The address a redirect points to, for the message.
pub(super) fn redirect_target(headers: &Headers) -> Option<&str> {
    headers.get("location")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bases_lead_to_the_same_call() {
        for base in [
            "https://api.example.com/v1",
            "https://api.example.com/v1/",
            " https://api.example.com/v1/chat/completions ",
            "https://api.example.com/v1/models/",
            "https://api.example.com/v1/chat/completions/#top",
            "api.example.com/v1",
            "https://api.example.com/v1?",
        ] {
            assert_eq!(
                endpoint(base, Dialect::OpenAi, "/chat/completions"),
                "https://api.example.com/v1/chat/completions",
                "{base:?}"
            );
        }
    }

    #[test]
    fn a_query_stays_at_the_end() {
        assert_eq!(
            endpoint(
                "https://h/openai/chat/completions?api-version=1#x",
                Dialect::OpenAi,
                "/models"
            ),
            "https://h/openai/models?api-version=1"
        );
    }

    #[test]
    fn an_anthropic_base_needs_no_version() {
        for base in ["https://h", "https://h/v1", "https://h/v1/messages", "https://h/"] {
            assert_eq!(endpoint(base, Dialect::Anthropic, "/messages"), "https://h/v1/messages");
        }
        assert_eq!(
            endpoint("https://h/anthropic", Dialect::Anthropic, "/messages"),
            "https://h/anthropic/v1/messages"
        );
    }

    #[test]
    fn a_bare_loopback_address_is_plain_http() {
        assert_eq!(
            endpoint("127.0.0.1:8080/v1", Dialect::OpenAi, "/models"),
            "http://127.0.0.1:8080/v1/models"
        );
        assert_eq!(endpoint("localhost:11434", Dialect::OpenAi, "/x"), "http://localhost:11434/x");
    }
}
