//! Which characters act instead of showing.
//!
//! Owns: the classes of characters the sanitiser tells apart. Must not know: sequences, state.
//! Invariant: every control character, direction control and character that hides text has a class
//! other than [`Class::Plain`].

use unicode_width::UnicodeWidthChar;

/// How the sanitiser treats a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Shows as itself.
    Plain,
    /// Sits on the character before it.
    Mark,
    /// Ends a line.
    Newline,
    /// A tab.
    Tab,
    /// Joins or parts its neighbours without showing: U+200C and U+200D.
    Joiner,
    /// Asks for the picture form of the character before it: U+FE0F.
    PictureSelector,
    /// Never let through.
    Removed,
    /// ESC.
    Escape,
    /// The one-character form of `ESC [`.
    Csi,
    /// The one-character forms of `ESC P`, `ESC X`, `ESC ]`, `ESC ^`, `ESC _`.
    StringStart,
}

pub(super) fn class(c: char) -> Class {
    match c {
        ' '..='~' => Class::Plain,
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => Class::Newline,
        '\t' => Class::Tab,
        '\u{1b}' => Class::Escape,
        '\u{9b}' => Class::Csi,
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Class::StringStart,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Class::Removed,
        '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' => Class::Plain,
        '\u{200c}' | '\u{200d}' => Class::Joiner,
        '\u{fe0f}' => Class::PictureSelector,
        _ if hides(c) => Class::Removed,
        _ if c.width() == Some(0) => Class::Mark,
        _ => Class::Plain,
    }
}

/// Direction controls, format characters and fillers without a shape, selectors, tags, and code
/// points that are no characters.
const fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || (c as u32 & 0xfffe) == 0xfffe
}

/// Whether a character can be part of an emoji sequence.
pub(super) const fn shows_as_picture(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{24c2}'
        | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
        | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Whether a zero-width joiner between these makes one picture of two.
pub(super) const fn joins_pictures(joiner: char, before: char, after: char) -> bool {
    joiner == '\u{200d}'
        && (shows_as_picture(before) || before == '\u{fe0f}')
        && shows_as_picture(after)
}

/// Whether both are letters of scripts whose spelling needs joiners (Persian, the Indic scripts,
/// Khmer, Mongolian).
pub(super) const fn joins_letters(before: char, after: char) -> bool {
    const fn shapes(c: char) -> bool {
        matches!(c, '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}')
    }
    shapes(before) && shapes(after)
}
