//! What part of the transcript is shown. Invariant: text that arrives never moves what is being
//! read; only the user does.

use super::Layout;

/// What part of the transcript is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scroll {
    /// Its end, as it grows.
    #[default]
    Follow,
    /// A line stays at the top.
    Anchored {
        /// The cell of the top line.
        cell: usize,
        /// Which of the cell's lines.
        line: usize,
        /// Lines in all that the user has had the chance to see: later ones are new.
        seen: usize,
    },
}

impl Scroll {
    /// The first line shown, for a pane of so many rows.
    pub fn top(self, layout: &Layout, rows: u16) -> usize {
        let last = layout.lines().saturating_sub(usize::from(rows));
        match self {
            Self::Follow => layout.follow_top(usize::from(rows)),
            Self::Anchored { cell, line, .. } => {
                let top = layout.top_of(cell);
                let end = layout.top_of(cell + 1);
                (top + line).min(end.saturating_sub(1).max(top)).min(last)
            }
        }
    }

    /// Lines that arrived below since the user stopped following.
    pub fn new_below(self, layout: &Layout) -> usize {
        match self {
            Self::Follow => 0,
            Self::Anchored { seen, .. } => layout.lines().saturating_sub(seen),
        }
    }

    /// The same, moved by so many lines; at the end it follows again.
    #[must_use]
    pub fn by(self, layout: &Layout, rows: u16, delta: isize) -> Self {
        // Following may leave blank rows under the text; moving starts from the last full screen.
        let last = layout.lines().saturating_sub(usize::from(rows));
        self.to(layout, rows, self.top(layout, rows).min(last).saturating_add_signed(delta))
    }

    /// The same, with this line at the top; at the end it follows again.
    #[must_use]
    pub fn to(self, layout: &Layout, rows: u16, top: usize) -> Self {
        let last = layout.lines().saturating_sub(usize::from(rows));
        if top >= last {
            return Self::Follow;
        }
        let (cell, line) = layout.locate(top);
        let seen = match self {
            Self::Follow => layout.lines(),
            Self::Anchored { seen, .. } => seen.max(top + usize::from(rows)),
        };
        Self::Anchored { cell, line, seen }
    }
}
