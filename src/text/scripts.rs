//! Which writing systems a text is in.
//!
//! Owns: the shares of each [`Script`]. Must not know: languages, token prices. Invariant: the shares
//! of a text that is not empty add up to one.

use crate::domain::Script;

/// Every script, in the order [`script_index`] gives.
pub const SCRIPTS: [Script; 9] = [
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

/// The share of each script, from its characters counted in the order of [`SCRIPTS`], greatest first;
/// scripts that do not occur are left out, equal shares keep the order. Empty where nothing was counted.
pub fn script_shares(counts: [u64; SCRIPTS.len()]) -> Vec<(Script, f32)> {
    let total: u64 = counts.iter().sum();
    let mut shares: Vec<(Script, f32)> = SCRIPTS
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(script, count)| (script, (count as f64 / total as f64) as f32))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

const LATIN: usize = 0;
const HAN: usize = 1;
const KANA: usize = 2;
const HANGUL: usize = 3;
const CYRILLIC: usize = 4;
const ARABIC: usize = 5;
const INDIC: usize = 6;
const COMMON: usize = 7;
const OTHER: usize = 8;

/// The place in [`SCRIPTS`] of a character's script: the block ranges of the Unicode character database, grouped as token prices group them.
pub fn script_index(c: char) -> usize {
    match c {
        'a'..='z' | 'A'..='Z' => LATIN,
        '\0'..='\u{a9}' | '\u{ab}'..='\u{b9}' | '\u{bb}'..='\u{bf}' | '×' | '÷' => COMMON,
        'ª'
        | 'º'
        | '\u{c0}'..='\u{24f}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a722}'..='\u{a7ff}'
        | '\u{fb00}'..='\u{fb06}'
        | '\u{ff21}'..='\u{ff3a}'
        | '\u{ff41}'..='\u{ff5a}' => LATIN,
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => CYRILLIC,
        '\u{590}'..='\u{6ff}'
        | '\u{750}'..='\u{77f}'
        | '\u{8a0}'..='\u{8ff}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' => ARABIC,
        '\u{900}'..='\u{dff}' | '\u{a8e0}'..='\u{a8ff}' => INDIC,
        '\u{1100}'..='\u{11ff}'
        | '\u{3130}'..='\u{318f}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{ffa1}'..='\u{ffdc}' => HANGUL,
        '\u{3041}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{1b000}'..='\u{1b16f}' => KANA,
        '\u{2e80}'..='\u{2fdf}'
        | '々'
        | '〇'
        | '\u{3021}'..='\u{3029}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => HAN,
        _ if c.is_alphabetic() => OTHER,
        _ => COMMON,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(text: &str) -> Vec<(Script, f32)> {
        let mut counts = [0; SCRIPTS.len()];
        for c in text.chars() {
            counts[script_index(c)] += 1;
        }
        script_shares(counts)
    }

    #[test]
    fn shares_come_greatest_first_and_add_up() {
        let shares = scripts("今天 weather, привет!");
        assert_eq!(shares[0].0, Script::Latin);
        let total: f32 = shares.iter().map(|(_, share)| share).sum();
        assert!((total - 1.0).abs() < 1e-5);
        assert!(
            shares
                .iter()
                .any(|(script, share)| *script == Script::Han && (share - 2.0 / 19.0).abs() < 1e-5)
        );
    }

    #[test]
    fn each_script_is_told() {
        for (text, script) in [
            ("Straße", Script::Latin),
            ("漢字", Script::Han),
            ("ひらカナ", Script::Kana),
            ("한국어", Script::Hangul),
            ("Україна", Script::Cyrillic),
            ("שלום", Script::Arabic),
            ("مرحبا", Script::Arabic),
            ("हिन्दी", Script::Indic),
            ("தமிழ்", Script::Indic),
            ("12, 😀", Script::Common),
            ("Ελλάδα", Script::Other),
            ("ไทย", Script::Other),
        ] {
            assert_eq!(scripts(text)[0].0, script, "{text}");
        }
        assert!(scripts("").is_empty());
    }
}
