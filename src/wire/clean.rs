//! Makes a provider's words fit to keep and show: no control or invisible direction characters, no
//! keys, no more than so many bytes. Invariant: cleaning what is clean changes nothing.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The most of a provider's own words that is kept, in bytes: enough for any message, little enough
/// for a log line and a panel.
pub(super) const ORIGINAL_CAP: usize = 2048;

/// What stands where a key stood.
const HIDDEN: &str = "[key]";

/// A character that could move a cursor, hide text or turn its direction.
fn is_trouble(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The text with line breaks kept, other trouble removed, keys hidden, cut to `cap` bytes.
pub(super) fn clean(text: &str, cap: usize) -> String {
    // Reading a few times the cap is enough: what is removed is rarely that much.
    let mut out = String::new();
    for c in cut(text, cap.saturating_mul(4)).chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' | '\r' => out.push(' '),
            c if is_trouble(c) => {}
            c => out.push(c),
        }
    }
    let hidden = without_keys(out.trim());
    let short = cut(&hidden, cap);
    if short.len() < hidden.len() { format!("{}…", cut(short, cap - 3)) } else { hidden }
}

/// The text in one line, cleaned.
pub(super) fn one_line(text: &str, cap: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    clean(&joined, cap)
}

/// At most `cap` bytes, cut at a character.
pub(super) fn cut(text: &str, cap: usize) -> &str {
    if text.len() <= cap {
        return text;
    }
    let mut end = cap;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Patterns of keys: well-known prefixes, masked keys, and whatever follows the words `api key`,
/// `token` or `Bearer` and looks random.
static KEYS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"\b(?:sk|pk|rk|gsk|xai|pplx|hf|tgp|fw|nvapi|r8|sess|AIza|key|token)[-_A-Z][A-Za-z0-9_*.…-]{7,}",
        r"[A-Za-z0-9_-]*\*{3,}[A-Za-z0-9_*-]*",
        r"(?:[Kk]ey|KEY|[Tt]oken|[Bb]earer)\b[^A-Za-z0-9\n]{1,4}(?:(?:provided|given|is|was)[^A-Za-z0-9\n]{1,4})?([A-Za-z0-9_.-]{16,})",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The text with everything that looks like a key hidden.
pub(super) fn without_keys(text: &str) -> String {
    let mut text = text.to_owned();
    for pattern in KEYS.iter() {
        let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
            let whole = &found[0];
            let secret = found.get(1).map_or(whole, |group| group.as_str());
            let random = secret.contains('*')
                || (secret.bytes().any(|b| b.is_ascii_digit())
                    && secret.bytes().any(|b| b.is_ascii_alphabetic()));
            if random { whole.replace(secret, HIDDEN) } else { whole.to_owned() }
        });
        text = replaced.into_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_go_but_words_stay() {
        let dirty = "\u{1b}[31mred\u{7} 余额不足\u{202E}\r\nnext\u{0}";
        assert_eq!(clean(dirty, 100), "[31mred 余额不足 \nnext");
        assert_eq!(one_line("a\n  b\t c", 100), "a b c");
    }

    #[test]
    fn keys_are_never_echoed() {
        for (text, want) in [
            (
                "Incorrect API key provided: sk-abc123def456ghi.",
                "Incorrect API key provided: [key]",
            ),
            ("Your api key: ****7f3a is invalid", "Your api key: [key] is invalid"),
            ("无效的令牌 sk-Ab12Cd34Ef56", "无效的令牌 [key]"),
            ("Bearer abcdef0123456789abcdef", "Bearer [key]"),
            (
                "Incorrect API key provided: 9f86d081884c7d659a2feaa0c55ad015",
                "Incorrect API key provided: [key]",
            ),
            ("key AIzaSyD4exampleexample99 bad", "key [key] bad"),
        ] {
            assert_eq!(without_keys(text), want);
        }
    }

    #[test]
    fn ordinary_words_are_not_taken_for_keys() {
        for text in [
            "maximum context length is 128000 tokens",
            "This token_concurrency_limit_reached",
            "model gpt-4o-mini-2024-07-18 does not exist",
            "**bold** text",
        ] {
            assert_eq!(without_keys(text), text);
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "漢".repeat(2000);
        let short = clean(&long, ORIGINAL_CAP);
        assert!(short.len() <= ORIGINAL_CAP && short.ends_with('…'));
        assert_eq!(clean(&short, ORIGINAL_CAP), short);
    }
}
