//! Which characters the command line writes of its own: with `--ascii` none that a terminal of ASCII
//! alone cannot show.
//!
//! Owns: the one choice of this process, and what stands for what. Must not know: any command.
//! Invariants: letters of any script stay as they are, for they are somebody's words; what programs
//! read (JSON, CSV, documents, answers) never passes through here.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

/// The choice. It is made once, before anything is written.
static ASCII: AtomicBool = AtomicBool::new(false);

/// The characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All there are.
    Unicode,
    /// Those every terminal has.
    Ascii,
}

impl Charset {
    /// From here on this process writes with these.
    pub fn choose(self) {
        ASCII.store(self == Self::Ascii, Ordering::Relaxed);
    }

    /// What was chosen; all there are unless something was.
    pub fn chosen() -> Self {
        if ASCII.load(Ordering::Relaxed) { Self::Ascii } else { Self::Unicode }
    }

    /// A text in these characters.
    pub fn of(self, text: &str) -> Cow<'_, str> {
        if self == Self::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match plain(letter) {
                Some(plain) => out.push_str(plain),
                None => out.push(letter),
            }
            if letter == '¥' && letters.peek().is_some_and(char::is_ascii_digit) {
                out.push(' ');
            }
        }
        Cow::Owned(out)
    }
}

/// What stands for a mark.
const fn plain(mark: char) -> Option<&'static str> {
    Some(match mark {
        '≥' => ">=",
        '≤' => "<=",
        '≈' => "~",
        '¥' => "CNY",
        '…' => "...",
        '·' | '•' | '–' | '—' | '−' | '─' => "-",
        '×' => "x",
        '→' | '↪' | '↳' => "->",
        '←' => "<-",
        '│' => "|",
        '‘' | '’' => "'",
        '“' | '”' | '«' | '»' => "\"",
        'µ' => "u",
        '\u{a0}' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_of_ours_has_a_plain_form_and_words_stay() {
        let plain = |text| Charset::Ascii.of(text).into_owned();
        assert_eq!(plain("≥~¥0.0252 · “so”…"), ">=~CNY 0.0252 - \"so\"...");
        assert_eq!(plain("¥/1k chars"), "CNY/1k chars");
        assert_eq!(plain("天气 naïve"), "天气 naïve");
        assert_eq!(Charset::Unicode.of("≥¥1…"), "≥¥1…");
    }
}
