//! The chrome's glyphs, in Unicode and in ASCII. No emoji, nothing whose width terminals disagree on
//! outside the Unicode set, and every state glyph has a word beside it on screen.

use std::borrow::Cow;

use crate::console::app::{Glyphs, RouteMark};
use crate::route::HealthState;

/// One set of glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphSet {
    /// The program's own mark.
    pub wheel: &'static str,
    /// A horizontal rule.
    pub rule: &'static str,
    /// A vertical rule.
    pub bar: &'static str,
    /// Where a vertical rule ends on a horizontal one.
    pub tee_up: &'static str,
    /// Between facts.
    pub dot: &'static str,
    /// The composer's prompt.
    pub prompt: &'static str,
    /// The draft leads there.
    pub leads: &'static str,
    /// The chosen row.
    pub pick: &'static str,
    /// More below.
    pub below: &'static str,
    /// A full step of a bar.
    pub full: &'static str,
    /// A streamed part of a timeline.
    pub shade: &'static str,
    /// A lost part of a timeline.
    pub lost: &'static str,
    /// An empty step of a bar.
    pub empty: &'static str,
    /// No sample in a trend.
    pub none: &'static str,
    /// Steps of a trend, lowest first.
    pub steps: [&'static str; 8],
    /// Corners of a box: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// The Enter key.
    pub enter: &'static str,
    /// Leads to.
    pub arrow: &'static str,
    /// More text than fits.
    pub ellipsis: &'static str,
    /// Branches of an attempt list: another follows, the last.
    pub branch: [&'static str; 2],
    ascii: bool,
}

const UNICODE: GlyphSet = GlyphSet {
    wheel: "⎈",
    rule: "─",
    bar: "│",
    tee_up: "┴",
    dot: "·",
    prompt: "›",
    leads: "↳",
    pick: "▸",
    below: "▾",
    full: "▇",
    shade: "▓",
    lost: "x",
    empty: "░",
    none: "·",
    steps: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    corners: ["╭", "╮", "╰", "╯"],
    enter: "⏎",
    arrow: "→",
    ellipsis: "…",
    branch: ["├", "└"],
    ascii: false,
};

const ASCII: GlyphSet = GlyphSet {
    wheel: "*",
    rule: "-",
    bar: "|",
    tee_up: "+",
    dot: "-",
    prompt: ">",
    leads: "->",
    pick: ">",
    below: "v",
    full: "#",
    shade: "=",
    lost: "x",
    empty: ".",
    none: ".",
    steps: ["_", "_", ".", ".", "-", "-", "=", "#"],
    corners: ["+", "+", "+", "+"],
    enter: "Enter",
    arrow: "->",
    ellipsis: "~",
    branch: ["|", "`"],
    ascii: true,
};

impl GlyphSet {
    /// The set asked for.
    pub const fn of(glyphs: Glyphs) -> &'static Self {
        match glyphs {
            Glyphs::Unicode => &UNICODE,
            Glyphs::Ascii => &ASCII,
        }
    }

    /// A key's short name in this set: `Enter` where `⏎` cannot be shown.
    pub fn key(&self, name: String) -> String {
        if !self.ascii || name.is_ascii() {
            return name;
        }
        let spelled = |c| match c {
            '⏎' => "Enter",
            '⌫' => "Bksp",
            '⇧' => "S-",
            '⌥' => "M-",
            '↑' => "Up",
            '↓' => "Down",
            '←' => "Left",
            '→' => "Right",
            _ => "",
        };
        let mut out = String::with_capacity(name.len());
        for c in name.chars() {
            match spelled(c) {
                "" => out.push(c),
                word => out.push_str(word),
            }
        }
        out
    }

    /// Words of our own in this set. Each sign becomes one of the same width, so that what was
    /// measured before stays right.
    pub fn words<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let spelled = |c| match c {
            '·' => '-',
            '…' => '~',
            '↑' => '^',
            '↓' => 'v',
            '•' => '*',
            '▌' => '_',
            'µ' => 'u',
            '≥' => '>',
            c => c,
        };
        Cow::Owned(text.chars().map(spelled).collect())
    }

    /// How a reply was routed.
    pub const fn mark(&self, mark: RouteMark) -> &'static str {
        match (mark, self.ascii) {
            (RouteMark::Auto, false) => "◆",
            (RouteMark::Pinned, false) => "■",
            (RouteMark::OneShot, false) => "◇",
            (RouteMark::FellBack, false) => "↪",
            (RouteMark::Auto, true) => "A",
            (RouteMark::Pinned, true) => "P",
            (RouteMark::OneShot, true) => "1",
            (RouteMark::FellBack, true) => "F",
        }
    }

    /// How an endpoint is doing.
    pub const fn state(&self, state: HealthState) -> &'static str {
        match (state, self.ascii) {
            (HealthState::Up, false) => "●",
            (HealthState::Slow, false) => "◐",
            (HealthState::Probing | HealthState::Unknown, false) => "◌",
            (HealthState::Down, false) => "○",
            (HealthState::Up, true) => "+",
            (HealthState::Slow, true) => "~",
            (HealthState::Probing | HealthState::Unknown, true) => "?",
            (HealthState::Down, true) => "x",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ascii_keys_are_spelled_and_signs_keep_their_width() {
        let (unicode, ascii) = (GlyphSet::of(Glyphs::Unicode), GlyphSet::of(Glyphs::Ascii));
        assert_eq!(unicode.key("⇧⏎".into()), "⇧⏎");
        assert_eq!(ascii.key("⇧⏎".into()), "S-Enter");
        assert_eq!(unicode.words("a · b…"), "a · b…");
        assert_eq!(ascii.words("a · b…"), "a - b~");
        assert_eq!(ascii.words("漢字 …"), "漢字 ~");
    }
}
