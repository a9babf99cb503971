//! What an answer comes to in tokens, from its characters as they arrive.
//!
//! Owns: the count by script of a text that is not all there. Must not know: who wrote it. Invariants:
//! however the text was cut into pieces, the count is the same; marks and digits go with the letters
//! around them.

use crate::domain::Script;
use crate::text::{SCRIPTS, script_index, script_shares};

use super::features::tokens_per_char;
use super::tokens::token_mix;

/// Characters of an answer, by script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    counts: [u64; SCRIPTS.len()],
}

impl Written {
    /// Those of this text.
    pub fn of(text: &str) -> Self {
        let mut written = Self::default();
        written.add(text);
        written
    }

    /// Counts a piece more.
    pub fn add(&mut self, text: &str) {
        for c in text.chars() {
            self.counts[script_index(c)] += 1;
        }
    }

    /// All characters.
    pub fn chars(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Estimated tokens: the average of today's vocabularies times a factor for each script, 1 where
    /// nothing better is known.
    pub fn tokens(&self, factor: impl Fn(Script) -> f64) -> u64 {
        let shares = script_shares(self.counts);
        let mix = token_mix(&shares, &factor);
        let of = |(script, count): (Script, u64)| {
            let factor = if script == Script::Common { mix } else { factor(script) };
            count as f64 * f64::from(tokens_per_char(script)) * factor
        };
        let counted = SCRIPTS.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        counted.map(of).sum::<f64>().ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_costs_what_it_usually_does() {
        let per_char = |text: &str| {
            let written = Written::of(text);
            written.tokens(|_| 1.0) as f64 / written.chars() as f64
        };
        let english =
            "The quick brown fox jumps over the lazy dog and runs away from it. ".repeat(9);
        assert!((0.20..0.28).contains(&per_char(&english)), "{}", per_char(&english));
        let chinese = "敏捷的棕色狐狸跳过了懒狗，然后跑开了。".repeat(9);
        assert!((0.6..0.8).contains(&per_char(&chinese)), "{}", per_char(&chinese));
    }

    #[test]
    fn the_pieces_of_a_text_count_as_the_whole() {
        let text = "混合 mixed текст, 123!";
        let mut pieces = Written::default();
        for c in text.chars() {
            pieces.add(&c.to_string());
        }
        assert_eq!(pieces, Written::of(text));
        assert_eq!(pieces.chars(), text.chars().count() as u64);
        assert_eq!(Written::default().tokens(|_| 1.0), 0);
    }

    #[test]
    fn marks_go_with_the_letters_around_them() {
        let twice = |script| if script == Script::Han { 2.0 } else { 1.0 };
        // 10 × 0.72 and 10 × 0.30, both twice: 20.4, rounded up.
        assert_eq!(Written::of("一二三四五六七八九十，。，。，。，。，。").tokens(twice), 21);
    }
}
