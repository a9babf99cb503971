//! How the console looks and what is known of the terminal it is in.
//!
//! Owns: capabilities, looks, sizes. Must not know: escape sequences, themes' contents. Invariant:
//! everything starts as unknown, and nothing waits for it to be known.

use crate::text::Tongue;

use super::CostItem;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColorDepth {
    /// 24 bit.
    True,
    /// The 256-colour cube.
    Indexed,
    /// The 16 named ones.
    #[default]
    Named,
    /// None: bold, dim, reverse and underline only.
    Mono,
}

/// The terminal's background, as far as it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Background {
    /// It did not say.
    #[default]
    Unknown,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// Whether the terminal tells Shift+Enter from Enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Answer {
    /// Not asked, or no answer yet.
    #[default]
    Unknown,
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What is known of the terminal. Answers arrive late or never, and nothing waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TerminalCaps {
    /// The kitty keyboard protocol.
    pub kitty_keys: Answer,
    /// Colours.
    pub colors: ColorDepth,
    /// Background.
    pub background: Background,
    /// Widths of ambiguous and emoji cells agree with ours.
    pub wide_ok: Answer,
    /// Synchronised output.
    pub synchronized: Answer,
    /// Copies must travel through the terminal: a remote session.
    pub remote: Answer,
    /// The terminal has the keyboard focus; trusted after the first focus event only.
    pub focused: Answer,
}

/// What the mouse does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mouse {
    /// It is the terminal's own: select and copy as usual.
    #[default]
    Off,
    /// The wheel scrolls.
    Wheel,
    /// Everything.
    Full,
}

impl Mouse {
    /// By its name in the configuration; anything else is off.
    pub fn named(name: &str) -> Self {
        match name {
            "wheel" => Self::Wheel,
            "full" => Self::Full,
            _ => Self::Off,
        }
    }
}

/// The glyph set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Glyphs {
    /// `◆ ● ─ ▇`.
    #[default]
    Unicode,
    /// `A + - #`.
    Ascii,
}

/// Whether the side panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Panel {
    /// Where the screen has room for it.
    #[default]
    Auto,
    /// Not at all.
    Hidden,
    /// Also where it lies over the text.
    Shown,
}

/// Whether one pane fills the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Zoom {
    /// The usual panes.
    #[default]
    Off,
    /// The focused one alone.
    Focused,
}

/// How the console looks; changed live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// The theme's name.
    pub theme: String,
    /// Themes there are.
    pub themes: Vec<String>,
    /// Glyphs.
    pub glyphs: Glyphs,
    /// Mouse.
    pub mouse: Mouse,
    /// Side panel.
    pub panel: Panel,
    /// One pane alone.
    pub zoom: Zoom,
    /// `true` while the fleet is simulated, which is said on the top line.
    pub simulated: bool,
    /// The language of what goes wrong.
    pub tongue: Tongue,
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// The smallest screen anything is drawn on.
    pub const LEAST: Self = Self { cols: 40, rows: 12 };

    /// Too small to show what keys would do.
    pub const fn is_too_small(self) -> bool {
        self.cols < Self::LEAST.cols || self.rows < Self::LEAST.rows
    }
}

/// The room panes have, as the view computes it from the state alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Columns of text in the transcript.
    pub transcript_cols: u16,
    /// Rows of the transcript.
    pub transcript_rows: u16,
    /// Rows of the view's list.
    pub list_rows: u16,
    /// Lines the view's list can be scrolled by, where it is read rather than chosen from.
    pub list_scroll_most: usize,
    /// What can be opened from such a list, and the line it stands on.
    pub list_items: Vec<(CostItem, usize)>,
    /// Rows of the detail pane.
    pub detail_rows: u16,
    /// Lines the detail pane can be scrolled by, as long as it is scrolled at all.
    pub detail_scroll_most: usize,
    /// Columns of the composer's text.
    pub composer_cols: u16,
    /// The side panel shows.
    pub panel_shown: bool,
}
