//! What a draft says besides its text: `#tag`, `:floor`, `:nitro`.
//!
//! Owns: reading them. Invariants: nothing inside a code fence is read; a tag stays in the text;
//! only a word of its own at either end of a message changes the policy.

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
    let mut fenced = false;
    for line in parsed.text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        for word in line.split_whitespace() {
            let Some(tag) = word.strip_prefix('#') else { continue };
            let tag = tag.trim_end_matches(['.', ',', ';', ':', '!', '?']);
            let good = tag.starts_with(char::is_alphabetic)
                && tag.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
            if good && !parsed.tags.iter().any(|known| known == tag) {
                parsed.tags.push(tag.to_owned());
            }
        }
    }
    parsed
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
    fn floor_and_nitro_count_only_as_words_at_an_end() {
        assert_eq!(parse("why? :floor").policy, Some("cheapest"));
        assert_eq!(parse(":nitro why?").policy, Some("fastest"));
        assert_eq!(parse("why? :floor").text, "why?");
        assert_eq!(parse("the :floor token").policy, None);
        assert_eq!(parse("x:floor").policy, None);
    }
}
