//! The chrome's glyphs, in Unicode and in ASCII. No emoji, nothing whose width terminals disagree on
//! outside the Unicode set, and every state glyph has a word beside it on screen.

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
