//! The draft: a text area with chips and folded pastes, and its history.
//!
//! Owns: what is being written. Must not know: what a command does, who is asked. Invariants: a
//! paste never sends; nothing but text and line breaks gets in; the caret rests between graphemes.

use tui_textarea::TextArea;

use crate::domain::ModelName;

/// The draft.
#[derive(Debug, Clone)]
pub struct Composer {
    area: TextArea<'static>,
    /// The model named for this message alone: a chip before the text.
    pub chip: Option<ModelName>,
    revision: u64,
}

impl Default for Composer {
    fn default() -> Self {
        Self { area: TextArea::default(), chip: None, revision: 0 }
    }
}

impl Composer {
    /// The text area, to draw: its lines, caret and soft wrapping.
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// What is typed, pastes folded.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Nothing is typed (a chip may be there).
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Rises with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}
