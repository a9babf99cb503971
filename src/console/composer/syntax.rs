//! What a draft says besides its text: `#tag`, `:floor`, `:nitro`.
//!
//! Owns: reading them. Invariants: nothing inside a code fence is read; a tag stays in the text;
//! only a word of its own at either end of a message changes the policy; `#private` holds however it
//! is written and whatever stands around it, since a message that leaves cannot be taken back; what is
//! nearly that is told apart, for whoever sends it.

use crate::domain::{PRIVATE, is_nearly_private};

/// What a draft says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The text to send.
    pub text: String,
    /// Marks for rules, without the `#`, each once.
    pub tags: Vec<String>,
    /// Marks that are nearly `#private`, without the `#`, each once: perhaps that was meant.
    pub doubtful: Vec<String>,
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
    let (mut tags, mut doubtful) = (Vec::new(), Vec::new());
    let add = |tags: &mut Vec<String>, tag: &str| {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    };
    for line in unfenced(&parsed.text) {
        for word in line.split_whitespace() {
            if is_marked_private(word) {
                add(&mut tags, PRIVATE);
                continue;
            }
            // Letters with accents are letters of the same word.
            let ends =
                |after: &str| !after.starts_with(|c: char| c.is_alphabetic() && c < '\u{250}');
            for (mark, _) in marks(word).filter(|(_, after)| ends(after)) {
                if is_nearly_private(mark) {
                    add(&mut doubtful, mark);
                }
            }
            if let Some(tag) = tag(word) {
                add(&mut tags, tag);
            }
        }
    }
    for tag in tags.iter().filter(|tag| is_nearly_private(tag)) {
        add(&mut doubtful, tag);
    }
    (parsed.tags, parsed.doubtful) = (tags, doubtful);
    parsed
}

/// The tag a word is, without its `#` and the sign that ends a sentence.
fn tag(word: &str) -> Option<&str> {
    let tag = word.strip_prefix('#')?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let good = tag.starts_with(char::is_alphabetic)
        && tag.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    good.then_some(tag)
}

/// Where a message begins behind the tags in front of it: there a model may be named.
pub fn behind_tags(text: &str) -> usize {
    let mut at = text.len() - text.trim_start().len();
    loop {
        let rest = &text[at..];
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        // In brackets, or with a sign of another script behind it, it is one all the same.
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '＃'));
        let private = bare.starts_with(['#', '＃'])
            && bare.trim_start_matches(['#', '＃']).eq_ignore_ascii_case(PRIVATE);
        if tag(word).is_none() && !private {
            return at;
        }
        at += word.len();
        at += rest[word.len()..].len() - rest[word.len()..].trim_start().len();
    }
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
    marks(word).any(|(mark, _)| mark.eq_ignore_ascii_case(PRIVATE))
}

/// The letters of ASCII behind each `#` in a word that nothing of the kind stands before, and what
/// follows them. `#private` itself counts behind anything that is no address.
fn marks(word: &str) -> impl Iterator<Item = (&str, &str)> {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    word.match_indices(['#', '＃']).filter_map(move |(at, sign)| {
        let before = word[..at].chars().next_back();
        let rest = &word[at + sign.len()..];
        let mark = rest.split_at(rest.find(|c| !joins(c)).unwrap_or(rest.len()));
        let address = || word[..at].contains(['/', '.', ':', '@', '=']);
        let private = mark.0.eq_ignore_ascii_case(PRIVATE) && !address();
        (private || !before.is_some_and(|c| joins(c) || c == '/')).then_some(mark)
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
            "密码4711#private",
            "my pin is 4711#private",
        ] {
            assert_eq!(parse(text).tags, ["private"], "{text}");
        }
        for text in ["page.html#private", "#private-key", "#privateer", "```\n#private\n```"] {
            assert!(!parse(text).tags.contains(&"private".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_nearly_private_is_told_apart() {
        for text in
            ["#privat my pin", "my pin (#Privat)", "密码是4711，＃privat请保密", "#privat请 x"]
        {
            let parsed = parse(text);
            assert_eq!(parsed.doubtful[0].to_lowercase(), "privat", "{text}");
        }
        for text in [
            "#private x",
            "#legal x",
            "a#privat",
            "#privé x",
            "#prière",
            "```\n#privat\n```",
            "# Privat",
        ] {
            assert!(parse(text).doubtful.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_message_begins_behind_the_tags_in_front_of_it() {
        for text in
            ["@opus hi", "#private @opus hi", " (#Private) #eu  @opus hi", "＃private。 @opus"]
        {
            assert!(text[behind_tags(text)..].starts_with("@opus"), "{text}");
        }
        for text in ["hi #private @opus", "# @opus", "#1 @opus"] {
            assert_eq!(behind_tags(text), 0, "{text}");
        }
        assert_eq!(behind_tags("#private"), "#private".len());
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
