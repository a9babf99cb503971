//! How many cells a text takes, and cutting text to cells.
//!
//! Owns: the one notion of width in the program. Must not know: styles, wrapping. Invariant: the
//! count is the one the terminal backend makes when it draws, grapheme by grapheme, so that what was
//! measured is what appears.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Where padding or cutting happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the start: text is right-aligned.
    Start,
    /// At the end: text is left-aligned.
    End,
}

/// Cells one grapheme takes. Control characters take none, as the backend skips them; the half-width
/// katakana sound marks take one more each, as terminals draw them apart.
pub fn grapheme_width(grapheme: &str) -> usize {
    if let [byte] = grapheme.as_bytes() {
        return usize::from(matches!(byte, b' '..=b'~'));
    }
    if grapheme.contains(char::is_control) {
        return 0;
    }
    let marks = grapheme.chars().filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}')).count();
    grapheme.width() + marks
}

/// The graphemes of a text with their widths.
pub fn graphemes(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).map(|grapheme| (grapheme, grapheme_width(grapheme)))
}

/// Cells a text takes.
pub fn width(text: &str) -> usize {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.len();
    }
    graphemes(text).map(|(_, cells)| cells).sum()
}

/// The longest start of a text that fits.
pub fn clip(text: &str, cells: usize) -> &str {
    if text.len() <= cells && text.is_ascii() {
        return text;
    }
    let mut left = cells;
    let mut end = 0;
    for (grapheme, cells) in graphemes(text) {
        if cells > left {
            break;
        }
        left -= cells;
        end += grapheme.len();
    }
    &text[..end]
}

/// The longest end of a text that fits.
pub fn clip_end(text: &str, cells: usize) -> &str {
    if text.len() <= cells && text.is_ascii() {
        return text;
    }
    let mut left = cells;
    let mut start = text.len();
    for grapheme in text.graphemes(true).rev() {
        let cells = grapheme_width(grapheme);
        if cells > left {
            break;
        }
        left -= cells;
        start -= grapheme.len();
    }
    &text[start..]
}

/// A text of exactly so many cells: cut, or filled with spaces on the named side.
pub fn pad(text: &str, cells: usize, fill: Side) -> String {
    let text = clip(text, cells);
    let spaces = cells.saturating_sub(width(text));
    let mut out = String::with_capacity(text.len() + spaces);
    if fill == Side::End {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(' ', spaces));
    if fill == Side::Start {
        out.push_str(text);
    }
    out
}

/// A text that fits, with `…` where something was cut at the end.
pub fn ellipsis(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}…", clip(text, cells - 1)))
}

/// A text that fits, with `…` where something was cut in the middle: for paths, ids and URLs, whose
/// ends tell them apart.
pub fn middle_ellipsis(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let end = (cells - 1) / 2;
    let start = cells - 1 - end;
    Cow::Owned(format!("{}…{}", clip(text, start), clip_end(text, end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::buffer::CellWidth;

    fn as_drawn(text: &str) -> usize {
        text.graphemes(true)
            .filter(|g| !g.contains(char::is_control))
            .map(|g| usize::from(g.cell_width()))
            .sum()
    }

    #[test]
    fn widths_are_those_of_the_backend() {
        for text in [
            "abc",
            "日本語",
            "👩‍👩‍👧‍👦",
            "❤️",
            "1️⃣",
            "ｶﾞ",
            "e\u{301}",
            "🇬🇧",
            "한국",
            "\u{1b}x",
            "ا\u{200c}ب",
        ] {
            assert_eq!(width(text), as_drawn(text), "{text:?}");
        }
    }

    #[test]
    fn cutting_never_splits_a_grapheme() {
        assert_eq!(clip("日本語", 5), "日本");
        assert_eq!(clip_end("日本語", 5), "本語");
        assert_eq!(clip("a👩‍👩‍👧b", 2), "a");
        assert_eq!(ellipsis("日本語です", 6), "日本…");
        assert_eq!(middle_ellipsis("a.example/wheelhouse", 11), "a.exa…house");
        assert_eq!(ellipsis("fits", 4), "fits");
    }

    #[test]
    fn padding_fills_the_named_side() {
        assert_eq!(pad("日", 4, Side::End), "日  ");
        assert_eq!(pad("9", 3, Side::Start), "  9");
        assert_eq!(pad("日本", 3, Side::End), "日 ");
    }

    proptest! {
        #[test]
        fn any_text_has_the_width_it_is_drawn_with(text in "\\PC{0,40}") {
            prop_assert_eq!(width(&text), as_drawn(&text));
        }

        #[test]
        fn cut_text_fits(text in "\\PC{0,40}", cells in 0usize..20) {
            prop_assert!(width(clip(&text, cells)) <= cells);
            prop_assert!(width(clip_end(&text, cells)) <= cells);
            prop_assert!(width(&ellipsis(&text, cells)) <= cells);
            prop_assert!(width(&middle_ellipsis(&text, cells)) <= cells);
            prop_assert_eq!(width(&pad(&text, cells, Side::End)), cells);
        }
    }
}
