//! What the program says, in the user's language: its English words looked up in a table that is one
//! data file per language.
//!
//! Must not know: what is said and where. Invariant: words the table does not have are said in
//! English, never left out.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// The languages there are besides English, by their tags, each with its file.
const FILES: &[(&str, &str)] = &[("zh", include_str!("../../assets/languages/zh.tsv"))];

/// How deep words within words are looked up: `The provider failed (HTTP 500)` is two.
const DEPTH: u8 = 2;

/// A language the program can speak.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Tongue(Option<usize>);

struct Table {
    whole: HashMap<&'static str, &'static str>,
    /// With parts that stand for anything; the most words of their own first.
    parts: Vec<(Regex, &'static str)>,
}

static TABLES: LazyLock<Vec<Table>> =
    LazyLock::new(|| FILES.iter().map(|(_, text)| Table::read(text)).collect());

impl Table {
    fn read(text: &'static str) -> Self {
        let mut whole = HashMap::new();
        let mut parts = Vec::new();
        for (english, words) in pairs(text) {
            if english.contains('$') {
                if let Some(pattern) = pattern(english) {
                    parts.push((english.len(), pattern, words));
                }
            } else {
                whole.insert(english, words);
            }
        }
        parts.sort_by_key(|(len, ..)| std::cmp::Reverse(*len));
        Self { whole, parts: parts.into_iter().map(|(_, regex, words)| (regex, words)).collect() }
    }

    fn say(&self, english: &str, depth: u8) -> Option<String> {
        if let Some(words) = self.whole.get(english) {
            return Some((*words).to_owned());
        }
        let (found, words) = self
            .parts
            .iter()
            .find_map(|(regex, words)| Some((regex.captures(english)?, *words)))?;
        let mut said = words.to_owned();
        for (n, name) in ["p1", "p2", "p3"].into_iter().enumerate() {
            let Some(part) = found.name(name) else { continue };
            let inner = (depth > 0).then(|| self.say(part.as_str(), depth - 1)).flatten();
            said = said.replace(&format!("${}", n + 1), inner.as_deref().unwrap_or(part.as_str()));
        }
        Some(said)
    }
}

/// A file's rows.
fn pairs(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

/// `The window holds $1` as a pattern.
fn pattern(english: &str) -> Option<Regex> {
    let mut pattern = regex::escape(english);
    for n in 1..=3 {
        pattern = pattern.replace(&format!("\\${n}"), &format!("(?P<p{n}>.+)"));
    }
    Regex::new(&format!("(?s)^{pattern}$")).ok()
}

impl Tongue {
    /// English.
    pub const ENGLISH: Self = Self(None);

    /// The language of this tag: `en`, `zh`.
    pub fn named(tag: &str) -> Option<Self> {
        match tag {
            "en" => Some(Self::ENGLISH),
            tag => FILES.iter().position(|(known, _)| *known == tag).map(|at| Self(Some(at))),
        }
    }

    /// The tags of all languages.
    pub fn tags() -> impl Iterator<Item = &'static str> {
        std::iter::once("en").chain(FILES.iter().map(|(tag, _)| *tag))
    }

    /// The language of a locale such as `zh_CN.UTF-8`; English where there is none of it.
    pub fn of_locale(locale: &str) -> Self {
        let tag = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Self::named(&tag.to_ascii_lowercase()).unwrap_or_default()
    }

    /// Its tag.
    pub fn tag(self) -> &'static str {
        self.0.and_then(|at| FILES.get(at)).map_or("en", |(tag, _)| tag)
    }

    /// English words in this language.
    pub fn say(self, english: &str) -> String {
        let table = self.0.and_then(|at| TABLES.get(at));
        table.and_then(|table| table.say(english, DEPTH)).unwrap_or_else(|| english.to_owned())
    }

    /// Are these words in the table?
    pub fn knows(self, english: &str) -> bool {
        let table = self.0.and_then(|at| TABLES.get(at));
        table.is_none_or(|table| {
            let row = |text| pairs(text).any(|(known, _)| known == english);
            table.whole.contains_key(english)
                || self.0.and_then(|at| FILES.get(at)).is_some_and(|(_, text)| row(text))
        })
    }
}

impl std::fmt::Debug for Tongue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zh(english: &str) -> String {
        Tongue::named("zh").unwrap().say(english)
    }

    #[test]
    fn words_are_said_in_the_language_and_figures_stay() {
        assert_eq!(zh("Account balance is used up"), "账户余额已用尽");
        assert_eq!(
            zh("The prompt has 209375 tokens; the window holds 200000"),
            "提示词有 209375 个 token，窗口只有 200000"
        );
        assert_eq!(Tongue::ENGLISH.say("Rate limit reached"), "Rate limit reached");
    }

    #[test]
    fn words_within_words_are_said_too() {
        assert_eq!(zh("The provider failed (HTTP 500)"), "提供商出错（HTTP 500）");
        assert_eq!(zh("connection refused (drill)"), "连接被拒绝（演练）");
        assert_eq!(zh("The provider failed: odd tea"), "提供商出错：odd tea");
    }

    #[test]
    fn unknown_words_are_said_in_english() {
        assert_eq!(zh("something else entirely"), "something else entirely");
    }

    #[test]
    fn a_locale_names_a_language() {
        assert_eq!(Tongue::of_locale("zh_CN.UTF-8").tag(), "zh");
        assert_eq!(Tongue::of_locale("zh-Hans").tag(), "zh");
        assert_eq!(Tongue::of_locale("de_DE.UTF-8").tag(), "en");
        assert_eq!(Tongue::of_locale("C").tag(), "en");
        assert_eq!(Tongue::named("xx"), None);
    }

    #[test]
    fn every_row_has_both_sides_and_the_same_parts() {
        for (tag, text) in FILES {
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (english, words) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
                assert!(!english.trim().is_empty() && !words.trim().is_empty(), "{tag}: {line}");
                for part in ["$1", "$2", "$3"] {
                    assert_eq!(english.contains(part), words.contains(part), "{tag}: {line}");
                }
            }
        }
    }
}
