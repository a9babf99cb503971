//! Writing systems of a text and what a character of each costs in tokens.
//!
//! Owns: the count per script and the average tokens per character. Must not know: models or their own
//! vocabularies (their learned factors correct these averages). Invariant: shares sum to 1 or there
//! are none.

use crate::domain::Script;
use crate::text::{SCRIPTS, script_index, script_shares};

/// Tokens per character with an average of today's vocabularies (spaces between words included in
/// [`Script::Common`]). English prose comes to about 4.2 characters a token, Chinese to 1.4.
/// Raising one makes every prompt in that script look dearer and longer.
pub const fn tokens_per_char(script: Script) -> f32 {
    match script {
        Script::Latin => 0.22,
        Script::Han => 0.72,
        Script::Kana => 0.75,
        Script::Hangul => 0.68,
        Script::Cyrillic => 0.36,
        Script::Arabic => 0.45,
        Script::Indic => 0.55,
        Script::Common => 0.30,
        Script::Other => 0.70,
    }
}

/// Characters counted per script.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    counts: [u64; SCRIPTS.len()],
}

impl Tally {
    /// Counts one character and says which counter it went to.
    pub(crate) fn add(&mut self, c: char) -> usize {
        let index = script_index(c);
        self.counts[index] += 1;
        index
    }

    /// Counts `n` characters of the script with this index.
    pub(crate) fn add_many(&mut self, index: usize, n: u64) {
        self.counts[index] += n;
    }

    /// Counts a text; a long one by its head, middle and tail.
    pub(crate) fn add_text(&mut self, text: &str) {
        /// Bytes looked at in each of the three places.
        const SLICE: usize = 2_048;
        let mut count = |part: &str| {
            for c in part.chars() {
                if c.is_ascii() {
                    self.counts[if c.is_ascii_alphabetic() { 0 } else { 7 }] += 1;
                } else {
                    self.add(c);
                }
            }
        };
        if text.len() <= 3 * SLICE {
            count(text);
        } else {
            let middle = text.floor_char_boundary(text.len() / 2);
            count(&text[..text.floor_char_boundary(SLICE)]);
            count(&text[middle..text.floor_char_boundary(middle + SLICE)]);
            count(&text[text.ceil_char_boundary(text.len() - SLICE)..]);
        }
    }

    /// How many of one script.
    pub(crate) fn count(&self, script: Script) -> u64 {
        SCRIPTS.iter().position(|s| *s == script).map_or(0, |index| self.counts[index])
    }

    /// All characters.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Shares per script, greatest first, ties in the order of [`SCRIPTS`].
    pub(crate) fn shares(&self) -> Vec<(Script, f32)> {
        script_shares(self.counts)
    }
}

/// Estimated tokens of `chars` characters in these scripts.
pub(crate) fn tokens(chars: u64, scripts: &[(Script, f32)]) -> u64 {
    let per_char: f64 =
        scripts.iter().map(|(script, share)| f64::from(*share * tokens_per_char(*script))).sum();
    (chars as f64 * per_char).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(text: &str) -> Vec<(Script, f32)> {
        let mut tally = Tally::default();
        tally.add_text(text);
        tally.shares()
    }

    #[test]
    fn each_script_is_told_apart() {
        for (text, script) in [
            ("borrowed", Script::Latin),
            ("借用检查器", Script::Han),
            ("これはテスト", Script::Kana),
            ("한국어", Script::Hangul),
            ("привет", Script::Cyrillic),
            ("שלום مرحبا", Script::Arabic),
            ("नमस्ते", Script::Indic),
            ("12 34 !?", Script::Common),
            ("ภาษาไทย", Script::Other),
        ] {
            assert_eq!(shares(text)[0].0, script, "{text}");
        }
        assert!(shares("").is_empty());
    }

    #[test]
    fn english_and_chinese_cost_what_they_usually_do() {
        let english = "The quick brown fox jumps over the lazy dog and runs away from it.";
        let per_token =
            english.len() as f64 / tokens(english.len() as u64, &shares(english)) as f64;
        assert!((3.5..4.8).contains(&per_token), "{per_token}");
        let chinese = "敏捷的棕色狐狸跳过了懒狗然后跑开了";
        let count = chinese.chars().count() as u64;
        let per_char = tokens(count, &shares(chinese)) as f64 / count as f64;
        assert!((0.6..0.9).contains(&per_char), "{per_char}");
    }

    #[test]
    fn a_long_text_is_sampled_and_keeps_its_shares() {
        let text = "слово word ".repeat(20_000);
        let shares = shares(&text);
        let cyrillic = shares.iter().find(|(s, _)| *s == Script::Cyrillic).unwrap().1;
        assert!((0.40..0.50).contains(&cyrillic), "{cyrillic}");
    }
}
