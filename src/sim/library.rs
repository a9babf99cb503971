//! The replies the fleet gives: written texts by topic, found by the words of a prompt.
//!
//! Owns: the topic index and the form of a reply file (`<!-- part -->` lines before its parts). Must
//! not know: which model answers. Invariant: nothing is read before the first question, and every
//! prompt finds something.

use std::sync::LazyLock;

use serde::Deserialize;

use super::data;

/// A reply in parts; a model says as many of them as it is given to saying.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reply {
    /// What it thinks first.
    pub think: &'static str,
    /// What a very small model says instead.
    pub tiny: &'static str,
    /// The answer.
    pub answer: &'static str,
    /// What to watch for.
    pub more: &'static str,
    /// The rest.
    pub most: &'static str,
}

/// A topic: a reply and the words that lead to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The reply's name.
    pub file: String,
    /// Words worth one point each.
    #[serde(default)]
    words: Vec<String>,
    /// Words and phrases worth three.
    #[serde(default)]
    strong: Vec<String>,
    /// The answer has a form of its own: nothing may be said around it.
    #[serde(default)]
    pub bare: bool,
}

/// Points a topic needs to be taken.
const ENOUGH: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    topic: Vec<Topic>,
}

macro_rules! replies {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../assets/sim/replies/", $name, ".md")))),*]
    };
}

const FILES: &[(&str, &str)] = replies![
    "async-threads",
    "bash-disk",
    "bayes",
    "birthday",
    "borrow",
    "capital",
    "chinese-explain",
    "chinese-poem",
    "chinese-summary",
    "compare-db",
    "docker",
    "email",
    "generic",
    "git-undo",
    "go-workers",
    "hash-table",
    "hello",
    "http-cache",
    "interview-json",
    "javascript-debounce",
    "latency",
    "lisbon",
    "log-triage",
    "long-summary",
    "ops-runbook",
    "poem-sea",
    "prime",
    "proof",
    "python-csv",
    "rate-limiter",
    "recipe",
    "regex",
    "sky",
    "sleep",
    "sql",
    "story",
    "tests",
    "trains",
    "translate-fr",
    "translate-zh",
    "typescript-types",
    "wedding",
];

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    let text = include_str!("../../assets/sim/replies/index.toml");
    data::read::<Index>(text).map(|index| index.topic).unwrap_or_default()
});

/// A part of a reply file by its name; empty where there is none.
pub fn part(file: &str, name: &str) -> &'static str {
    let Some((_, text)) = FILES.iter().find(|(known, _)| *known == file) else { return "" };
    let mut rest = *text;
    while let Some((_, tail)) = rest.split_once("<!-- ") {
        let Some((found, body)) = tail.split_once(" -->\n") else { return "" };
        if found == name {
            return body.split_once("<!-- ").map_or(body, |(body, _)| body).trim_matches('\n');
        }
        rest = body;
    }
    ""
}

/// The reply of this name.
pub fn reply(file: &str) -> Option<Reply> {
    FILES.iter().any(|(known, _)| *known == file).then(|| Reply {
        think: part(file, "think"),
        tiny: part(file, "tiny"),
        answer: part(file, "answer"),
        more: part(file, "more"),
        most: part(file, "most"),
    })
}

/// The topic a prompt is about, if the library has it.
pub fn topic(prompt: &str) -> Option<&'static Topic> {
    let prompt = prompt.to_lowercase();
    TOPICS
        .iter()
        .map(|topic| (points(topic, &prompt), topic))
        .filter(|(points, _)| *points >= ENOUGH)
        // The first of the best: `max_by_key` would take the last.
        .rev()
        .max_by_key(|(points, _)| *points)
        .map(|(_, topic)| topic)
}

fn points(topic: &Topic, prompt: &str) -> usize {
    let hits = |words: &[String]| words.iter().filter(|word| holds(prompt, word)).count();
    hits(&topic.words) + 3 * hits(&topic.strong)
}

/// Whether a text holds a word: whole words for letters, anywhere for Chinese and signs.
pub fn holds(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let edge = |inner: Option<char>, outer: Option<char>| {
            !(inner.is_some_and(part) && outer.is_some_and(part))
        };
        edge(word.chars().next(), text[..at].chars().next_back())
            && edge(word.chars().next_back(), text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_reply_and_every_reply_a_topic() {
        assert!(TOPICS.len() >= 24, "{}", TOPICS.len());
        for topic in TOPICS.iter() {
            let reply = reply(&topic.file).unwrap_or_else(|| panic!("no file {}", topic.file));
            assert!(!reply.answer.is_empty(), "{} is empty", topic.file);
        }
        for (file, _) in FILES.iter().filter(|(file, _)| *file != "generic") {
            assert!(TOPICS.iter().any(|topic| topic.file == *file), "{file} is never found");
        }
    }

    #[test]
    fn replies_hold_no_stray_markers_and_close_their_fences() {
        for (file, text) in FILES {
            for name in ["think", "tiny", "answer", "more", "most"] {
                let part = part(file, name);
                assert!(!part.contains("-->"), "{file} {name}");
                assert_eq!(part.matches("```").count() % 2, 0, "{file} {name}: open fence");
            }
            assert!(!text.contains('\t'), "{file} holds a tab");
        }
    }

    #[test]
    fn words_are_matched_whole_and_chinese_anywhere() {
        assert!(holds("rust borrow", "rust") && !holds("trusted", "rust"));
        assert!(holds("请用三句话总结一下", "总结"));
        assert!(topic("qqq zzz").is_none());
    }
}
