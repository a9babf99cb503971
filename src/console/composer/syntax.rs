//! What a draft says besides its text: `#tag`, `:floor`, `:nitro`.
//!
//! Owns: reading them. Invariants: nothing inside a code fence is read; a tag stays in the text;
//! only a word of its own at either end of a message changes the policy; `#private` holds however it
//! is written and whatever stands around it, since a message that leaves cannot be taken back.

use crate::domain::PRIVATE;

/// What a draft says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The text to send.
    pub text: String,
    /// Marks for rules, without the `#`, each once.
    pub tags: Vec<String>,
    /// The policy named for this message.
    pub policy: Option<&'static str>,
}

/// Words that name a policy for one message, at either end of it, and the policies they name.
pub const POLICY_WORDS: [(&str, &str); 2] = [(":floor", "cheapest"), (":nitro", "fastest")];

/// Reads a draft, folds opened.
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed { text: text.trim().to_owned(), ..Parsed::default() };
    for (word, policy) in POLICY_WORDS {
        let text = parsed.text.as_str();
        let rest = match (text.strip_suffix(word), text.strip_prefix(word)) {
            (Some(rest), _) if rest.is_empty() || rest.ends_with(char::is_whitespace) => rest,
            (_, Some(rest)) if rest.starts_with(char::is_whitespace) => rest,
            _ => continue,
        };
        parsed.policy = Some(policy);
        parsed.text = rest.trim().to_owned();
    }
    let mut tags: Vec<String> = Vec::new();
    let mut add = |tag: &str| {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    };
    for line in unfenced(&parsed.text) {
        for word in line.split_whitespace() {
            if is_marked_private(word) {
                add(PRIVATE);
                continue;
            }
            let Some(tag) = word.strip_prefix('#') else { continue };
            let tag = tag.trim_end_matches(['.', ',', ';', ':', '!', '?']);
            let good = tag.starts_with(char::is_alphabetic)
                && tag.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
            if good {
                add(tag);
            }
        }
    }
    parsed.tags = tags;
    parsed
}

/// The lines outside of code fences. What is never closed is no fence.
fn unfenced(text: &str) -> Vec<&str> {
    let mut open = Vec::new();
    let mut inside: Option<Vec<&str>> = None;
    for line in text.lines() {
        let rest = line.trim_start().strip_prefix("```").map(|rest| rest.trim_start_matches('`'));
        match (&mut inside, rest) {
            // Backticks further on make it code within a line.
            (None, Some(rest)) if !rest.contains('`') => inside = Some(vec![line]),
            (None, _) => open.push(line),
            (Some(_), Some(rest)) if rest.trim().is_empty() => inside = None,
            (Some(lines), _) => lines.push(line),
        }
    }
    open.extend(inside.into_iter().flatten());
    open
}

/// Does a word hold `#private`, in small letters or capitals, in brackets, between signs or beside
/// letters of a script without spaces? `page.html#private` and `#private-key` are other words.
fn is_marked_private(word: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    word.match_indices(['#', '＃']).any(|(at, sign)| {
        let before = word[..at].chars().next_back();
        let rest = &word[at + sign.len()..];
        let (mark, after) = (rest.get(..PRIVATE.len()), rest.chars().nth(PRIVATE.len()));
        mark.is_some_and(|mark| mark.eq_ignore_ascii_case(PRIVATE))
            && !before.is_some_and(|c| joins(c) || c == '/')
            && !after.is_some_and(joins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_and_stays_in_the_text() {
        let parsed = parse("summarise this, please. #private #eu");
        assert_eq!(parsed.tags, ["private", "eu"]);
        assert_eq!(parsed.text, "summarise this, please. #private #eu");
    }

    #[test]
    fn headings_colours_and_fenced_code_are_no_tags() {
        let parsed = parse("# Title\n## Two\n```c\n#include <stdio.h>\n```\n#1 #[derive] a#b");
        assert!(parsed.tags.is_empty(), "{:?}", parsed.tags);
    }

    #[test]
    fn private_holds_however_it_is_written_and_whatever_stands_around_it() {
        for text in [
            "my secret #private",
            "#Private: my secret",
            "(#private) my secret",
            "密码是4711 #private。",
            "密码是4711，#private请保密",
            "＃private 密码是4711",
            "```let x = 1;``` #PRIVATE",
            "```\nnever closed\n#private",
            "```c\nint x;\n```\n\"#private\"",
        ] {
            assert_eq!(parse(text).tags, ["private"], "{text}");
        }
        for text in ["page.html#private", "#private-key", "#privateer", "```\n#private\n```"] {
            assert!(!parse(text).tags.contains(&"private".to_owned()), "{text}");
        }
    }

    #[test]
    fn floor_and_nitro_count_only_as_words_at_an_end() {
        assert_eq!(parse("why? :floor").policy, Some("cheapest"));
        assert_eq!(parse(":nitro why?").policy, Some("fastest"));
        assert_eq!(parse("why? :floor").text, "why?");
        assert_eq!(parse("the :floor token").policy, None);
        assert_eq!(parse("x:floor").policy, None);
    }
}
