//! The table of what providers say when they refuse, in any language, and what it means in English.
//! The table is data (`assets/hints.tsv`); this file owns how it is searched. Must not know statuses.
//! Invariant: codes beat patterns, patterns beat pieces of text, longer pieces beat shorter ones.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::OutcomeClass;

static TABLE: &str = include_str!("../../assets/hints.tsv");

/// The kinds of trouble the table tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HintClass {
    /// The request is malformed.
    InvalidRequest,
    /// The model does not take something the request has.
    Unsupported,
    /// Key missing, wrong or expired.
    Auth,
    /// Balance or quota used up.
    Billing,
    /// The account is locked.
    AccountDisabled,
    /// The key or account may not do this.
    Permission,
    /// Unknown or retired model.
    ModelNotFound,
    /// A relay has no upstream for the model.
    NoChannel,
    /// Slow down.
    RateLimit,
    /// No capacity now.
    Overloaded,
    /// The provider broke.
    ServerError,
    /// Something behind the endpoint broke.
    UpstreamError,
    /// The provider gave up waiting.
    Timeout,
    /// Blocked for its content.
    ContentFilter,
    /// The prompt does not fit.
    ContextOverflow,
    /// More output was asked for than the model gives.
    OutputCap,
}

impl HintClass {
    /// Every class.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::Unsupported,
        Self::Auth,
        Self::Billing,
        Self::AccountDisabled,
        Self::Permission,
        Self::ModelNotFound,
        Self::NoChannel,
        Self::RateLimit,
        Self::Overloaded,
        Self::ServerError,
        Self::UpstreamError,
        Self::Timeout,
        Self::ContentFilter,
        Self::ContextOverflow,
        Self::OutputCap,
    ];

    /// The name in the table; also the report's code where the provider gave none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unsupported => "unsupported",
            Self::Auth => "auth",
            Self::Billing => "billing",
            Self::AccountDisabled => "account_disabled",
            Self::Permission => "permission",
            Self::ModelNotFound => "model_not_found",
            Self::NoChannel => "no_channel",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::ContentFilter => "content_filter",
            Self::ContextOverflow => "context_overflow",
            Self::OutputCap => "output_cap",
        }
    }

    /// The outcome class that decides what is tried next. An output cap counts as a matter of room:
    /// another model may have it.
    pub const fn outcome(self) -> OutcomeClass {
        match self {
            Self::InvalidRequest | Self::Unsupported => OutcomeClass::Caller,
            Self::Auth
            | Self::Billing
            | Self::AccountDisabled
            | Self::Permission
            | Self::ModelNotFound
            | Self::NoChannel => OutcomeClass::Account,
            Self::RateLimit => OutcomeClass::Throttle,
            Self::Overloaded | Self::ServerError | Self::UpstreamError | Self::Timeout => {
                OutcomeClass::Provider
            }
            Self::ContentFilter => OutcomeClass::Refusal,
            Self::ContextOverflow | Self::OutputCap => OutcomeClass::Context,
        }
    }

    /// What a person can do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::InvalidRequest => {
                "Check the request and the model's params in the configuration."
            }
            Self::Unsupported => {
                "Leave that parameter out, or turn it off in the model's capabilities."
            }
            Self::Auth => {
                "Check this provider's API key; `wheelhouse doctor` says where it comes from."
            }
            Self::Billing => "Top up the account or raise its quota; other models go on meanwhile.",
            Self::AccountDisabled => "Ask the provider to unlock the account.",
            Self::Permission => "Give the key access to this model, or use another model.",
            Self::ModelNotFound => "Check the model's id and base_url; the model may be retired.",
            Self::NoChannel => "Check the model's id, or ask the relay's operator.",
            Self::RateLimit => "Wait a little, or let another model answer.",
            Self::Overloaded => "Try again later, or let another model answer.",
            Self::ServerError | Self::UpstreamError | Self::Timeout => {
                "Try again; if it goes on, use another model."
            }
            Self::ContentFilter => "Rephrase, or set routing.on_refusal = \"next\".",
            Self::ContextOverflow => {
                "Shorten the conversation, or use a model with a larger window."
            }
            Self::OutputCap => "Lower max_tokens or the model's max_output.",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// What an error means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The kind of trouble.
    pub class: HintClass,
    /// What it means, in English.
    pub english: String,
    /// It rests on a general word or text, which gives way to a plain status.
    pub general: bool,
}

struct Row {
    pattern: &'static str,
    class: HintClass,
    english: &'static str,
}

impl Row {
    fn hint(&self) -> Hint {
        Hint { class: self.class, english: self.english.to_owned(), general: false }
    }

    fn general(&self) -> Hint {
        Hint { general: true, ..self.hint() }
    }
}

#[derive(Default)]
struct Table {
    codes: Vec<Row>,
    prefixes: Vec<Row>,
    patterns: Vec<(Regex, Row)>,
    texts: Vec<Row>,
    any_case: Vec<Row>,
    words: Vec<Row>,
    last: Vec<Row>,
}

static HINTS: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (Some(kind), Some(pattern), Some(class), Some(_seen), Some(english)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some(class) = HintClass::named(class) else { continue };
        let row = Row { pattern, class, english };
        match kind {
            "code" => table.codes.push(row),
            "prefix" => table.prefixes.push(row),
            "regex" => {
                if let Ok(regex) = Regex::new(pattern) {
                    table.patterns.push((regex, row));
                }
            }
            "text" => table.texts.push(row),
            "itext" => table.any_case.push(row),
            "word" => table.words.push(row),
            "last" => table.last.push(row),
            _ => {}
        }
    }
    for rows in [&mut table.texts, &mut table.any_case, &mut table.last] {
        rows.sort_by_key(|row| std::cmp::Reverse(row.pattern.len()));
    }
    table
});

/// What these codes (codes, types, statuses, most telling first) and this text mean, if the table
/// knows.
pub fn hint(codes: &[String], text: &str) -> Option<Hint> {
    let table = &*HINTS;
    by_code(&table.codes, codes, |pattern, code| pattern == code)
        .or_else(|| by_code(&table.prefixes, codes, |pattern, code| code.starts_with(pattern)))
        .map(Row::hint)
        .or_else(|| by_pattern(text))
        .or_else(|| by_text(text).map(Row::hint))
        .or_else(|| by_wrapper(text))
        .or_else(|| by_code(&table.words, codes, |p, code| p == code).map(Row::general))
        .or_else(|| table.last.iter().find(|row| text.contains(row.pattern)).map(Row::general))
}

fn by_code<'a>(
    rows: &'a [Row],
    codes: &[String],
    fits: impl Fn(&str, &str) -> bool,
) -> Option<&'a Row> {
    codes.iter().find_map(|code| rows.iter().find(|row| fits(row.pattern, code)))
}

fn by_pattern(text: &str) -> Option<Hint> {
    HINTS.patterns.iter().find_map(|(regex, row)| {
        let found = regex.captures(text)?;
        let mut english = String::new();
        found.expand(row.english, &mut english);
        Some(Hint { english, ..row.hint() })
    })
}

fn by_text(text: &str) -> Option<&'static Row> {
    let lower = text.to_lowercase();
    let exact = HINTS.texts.iter().find(|row| text.contains(row.pattern));
    let any_case = HINTS.any_case.iter().find(|row| lower.contains(&row.pattern.to_lowercase()));
    match (exact, any_case) {
        (Some(a), Some(b)) => Some(if b.pattern.len() > a.pattern.len() { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// A proxy that names the class of the error it wraps: `litellm.RateLimitError: …`.
fn by_wrapper(text: &str) -> Option<Hint> {
    static WRAPPED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"litellm\.(\w+)").ok());
    WRAPPED.as_ref()?.captures_iter(text).find_map(|found| {
        let (class, english) = match &found[1] {
            "RateLimitError" => (HintClass::RateLimit, "Rate limit reached"),
            "AuthenticationError" => (HintClass::Auth, "The proxy's own key was rejected"),
            "PermissionDeniedError" => (HintClass::Permission, "The proxy's key may not do this"),
            "NotFoundError" => (HintClass::ModelNotFound, "Unknown model id"),
            "BudgetExceededError" => {
                (HintClass::Billing, "The key's budget at the proxy is used up")
            }
            "Timeout" => (HintClass::Timeout, "The provider behind the proxy took too long"),
            "UnsupportedParamsError" => {
                (HintClass::Unsupported, "The model does not take one of the parameters")
            }
            "ServiceUnavailableError" => {
                (HintClass::Overloaded, "The provider behind the proxy is overloaded")
            }
            "InternalServerError" | "APIError" | "APIConnectionError" | "BadGatewayError" => {
                (HintClass::UpstreamError, "The provider behind the proxy failed")
            }
            _ => return None,
        };
        Some(Hint { class, english: english.to_owned(), general: false })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(codes: &[&str], text: &str) -> String {
        let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        hint(&codes, text).map(|hint| hint.english).unwrap_or_default()
    }

    #[test]
    fn every_row_is_read_and_every_pattern_compiles() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 5, "{line}");
            assert!(HintClass::named(fields[2]).is_some(), "{line}");
            assert!(fields.iter().all(|field| !field.trim().is_empty()), "{line}");
            assert!(fields[4].is_ascii(), "{line}");
            if fields[0] == "regex" {
                Regex::new(fields[1]).unwrap();
            }
        }
        let t = &*HINTS;
        let read = t.codes.len()
            + t.prefixes.len()
            + t.patterns.len()
            + t.texts.len()
            + t.any_case.len()
            + t.words.len()
            + t.last.len();
        assert_eq!(read, TABLE.lines().filter(|line| !line.starts_with('#')).count());
    }

    #[test]
    fn every_meaning_and_every_advice_is_there_in_every_language() {
        use crate::text::Tongue;
        let meanings = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split('\t').nth(4));
        let advice = HintClass::ALL.map(HintClass::advice);
        for tongue in Tongue::tags().filter_map(Tongue::named) {
            for words in meanings.clone().chain(advice) {
                assert!(tongue.knows(words), "{tongue:?} has no words for: {words}");
            }
        }
    }

    #[test]
    fn every_text_row_finds_its_own_class_by_itself() {
        for row in HINTS.texts.iter().chain(&HINTS.any_case).chain(&HINTS.last) {
            let found = hint(&[], row.pattern).unwrap();
            assert_eq!(found.class, row.class, "{}", row.pattern);
        }
    }

    #[test]
    fn codes_beat_texts() {
        assert_eq!(english(&["Arrearage"], "模型不存在"), "Alibaba Cloud bill overdue");
    }

    #[test]
    fn patterns_beat_texts_and_fill_in_their_numbers() {
        assert_eq!(
            english(&[], "prompt is too long: 209375 tokens > 200000 maximum"),
            "The prompt has 209375 tokens; the window holds 200000"
        );
    }

    #[test]
    fn the_longest_text_wins_and_general_ones_come_last() {
        assert_eq!(
            english(&[], "余额不足或无可用资源包,请充值。"),
            "No balance and no resource pack"
        );
        assert_eq!(
            english(&[], "当前分组上游负载已饱和，请稍后再试"),
            "All upstreams of this group are saturated"
        );
        assert_eq!(english(&["rate_limited"], "请稍后再试"), "Rate limit reached");
        assert_eq!(english(&[], "请稍后再试"), "Temporarily unavailable");
    }

    #[test]
    fn unknown_words_are_no_hint() {
        assert_eq!(hint(&["whatever".to_owned()], "something else"), None);
    }
}
