//! Writing systems of a text and what a character of each costs in tokens.
//!
//! Owns: [`script_of`] and the average tokens per character. Must not know: models or their own
//! vocabularies (their learned factors correct these averages). Invariant: shares sum to 1 or there
//! are none.

use crate::domain::Script;

/// Scripts in the order of [`Tally`]'s counters.
pub(crate) const SCRIPTS: [Script; 9] = [
    Script::Latin,
    Script::Han,
    Script::Kana,
    Script::Hangul,
    Script::Cyrillic,
    Script::Arabic,
    Script::Indic,
    Script::Common,
    Script::Other,
];

/// The script of a character, and the index of its counter.
pub(crate) const fn script_of(c: char) -> (Script, usize) {
    match c as u32 {
        0x41..=0x5A | 0x61..=0x7A | 0xAA | 0xBA | 0xC0..=0xD6 | 0xD8..=0xF6 | 0xF8..=0x24F => {
            (Script::Latin, 0)
        }
        0x1E00..=0x1EFF | 0x2C60..=0x2C7F | 0xA720..=0xA7FF | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A => {
            (Script::Latin, 0)
        }
        0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF => {
            (Script::Han, 1)
        }
        0x20000..=0x323AF => (Script::Han, 1),
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9D => (Script::Kana, 2),
        0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF => {
            (Script::Hangul, 3)
        }
        0x400..=0x52F | 0x1C80..=0x1C8F | 0x2DE0..=0x2DFF => (Script::Cyrillic, 4),
        0x590..=0x6FF | 0x750..=0x77F | 0x8A0..=0x8FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFE => {
            (Script::Arabic, 5)
        }
        0x900..=0xDFF | 0xA8E0..=0xA8FF => (Script::Indic, 6),
        0x370..=0x3FF | 0x530..=0x58F | 0xE00..=0x10FF | 0x1200..=0x1C7F | 0x1F00..=0x1FFF => {
            (Script::Other, 8)
        }
        0xA000..=0xA71F | 0xAA00..=0xABFF => (Script::Other, 8),
        _ => (Script::Common, 7),
    }
}

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
    counts: [u64; 9],
}

impl Tally {
    /// Counts one character and says which counter it went to.
    pub(crate) fn add(&mut self, c: char) -> usize {
        let (_, index) = script_of(c);
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
        let total = self.total();
        let mut shares: Vec<(Script, f32)> = SCRIPTS
            .iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
            .map(|(script, count)| (*script, (count as f64 / total as f64) as f32))
            .collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
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
