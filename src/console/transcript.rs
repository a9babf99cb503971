//! The transcript's layout: every cell as rows at one width, found by row number.
//!
//! Owns: wrapped lines per cell and the prefix sums of their heights. Must not know: colours, the
//! terminal, what the numbers in a header are (they are drawn from the cell itself). Invariants:
//! `lines()` is the sum of all cells' rows, and `locate` and `top_of` agree with it; a delta costs
//! the block it lands in, whatever the length of the conversation; drawing only reads.

mod rows;
mod streamed;

use std::collections::VecDeque;

use super::app::Cell;
pub use rows::{BODY_INDENT, BODY_MARGIN, CellRows, Row};

/// Rows laid out at once on either side of the anchor when the width changes: more than the tallest
/// screen. The rest is estimated until there is time. Counted in rows, because one long answer costs
/// as much as a hundred short ones.
const NEAR_ROWS: usize = 256;

/// What laying out an empty cell costs, in bytes of text that would cost the same.
const CELL_BYTES: usize = 64;

/// Following text jumps by up to this many rows when it reaches the bottom, so that what is being
/// read stands still between jumps and a long reply does not rewrite the screen for every line.
const JUMP: usize = 6;

#[derive(Debug, Clone)]
enum Entry {
    Exact(Box<CellRows>),
    Estimated(usize),
}

impl Entry {
    fn height(&self) -> usize {
        match self {
            Self::Exact(rows) => rows.height(),
            Self::Estimated(height) => *height,
        }
    }
}

/// Rows of every cell at one width.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    width: u16,
    entries: Vec<Entry>,
    /// Rows before each cell, and after the last.
    tops: Vec<usize>,
    /// Rows that measuring added above the end: jumps are counted from there, so that it moves
    /// nothing on screen.
    measured: isize,
}

impl Layout {
    /// No cells, this many columns.
    pub fn new(width: u16) -> Self {
        Self { width, entries: Vec::new(), tops: vec![0], measured: 0 }
    }

    /// A cell was appended.
    pub fn push(&mut self, cell: &Cell) {
        let rows = CellRows::new(cell, self.width);
        self.tops.push(self.lines() + rows.height());
        self.entries.push(Entry::Exact(Box::new(rows)));
    }

    /// A cell changed in place; most often the last one, which is cheap.
    pub fn update(&mut self, index: usize, cell: &Cell) {
        let Some(entry) = self.entries.get_mut(index) else { return };
        let before = entry.height();
        match entry {
            Entry::Exact(rows) => rows.update(cell, self.width),
            Entry::Estimated(_) => {
                *entry = Entry::Exact(Box::new(CellRows::new(cell, self.width)));
            }
        }
        let after = entry.height();
        if after != before {
            for top in &mut self.tops[index + 1..] {
                *top = *top + after - before;
            }
        }
    }

    /// Cells from this one on are gone.
    pub fn truncate(&mut self, cells: usize) {
        self.entries.truncate(cells);
        self.tops.truncate(cells + 1);
    }

    /// The width changed. Cells near `anchor` are right at once, the rest is estimated until
    /// [`Layout::refine`] came by.
    pub fn set_width(&mut self, width: u16, cells: &[Cell], anchor: usize) {
        if width == self.width && cells.len() == self.entries.len() {
            return;
        }
        self.width = width;
        let mut old = std::mem::take(&mut self.entries).into_iter();
        let mut kept: Vec<Option<Entry>> = cells.iter().map(|_| old.next()).collect();
        let mut exact = |index: usize| {
            let entry = match kept[index].take() {
                Some(Entry::Exact(mut rows)) => {
                    rows.set_width(width, &cells[index]);
                    Entry::Exact(rows)
                }
                _ => Entry::Exact(Box::new(CellRows::new(&cells[index], width))),
            };
            let height = entry.height();
            (entry, height)
        };
        let anchor = anchor.min(cells.len());
        let mut near = VecDeque::new();
        let (mut first, mut laid) = (anchor, 0);
        while first > 0 && laid < NEAR_ROWS {
            first -= 1;
            let (entry, height) = exact(first);
            near.push_front(entry);
            laid += height;
        }
        laid = 0;
        for index in anchor..cells.len() {
            if laid >= NEAR_ROWS {
                break;
            }
            let (entry, height) = exact(index);
            near.push_back(entry);
            laid += height;
        }
        let estimated = |cell: &Cell| Entry::Estimated(rows::estimate(cell, width));
        self.entries = cells[..first].iter().map(estimated).collect();
        self.entries.extend(near);
        self.entries.extend(cells[self.entries.len()..].iter().map(estimated));
        self.measured = 0;
        self.sum_from(0);
    }

    /// Measures some of what is only estimated, the newest first: cells of about `budget` bytes of
    /// text, at least one; `true` while more is left.
    pub fn refine(&mut self, cells: &[Cell], budget: usize) -> bool {
        let before = self.lines();
        let (mut left, mut more) = (budget, false);
        let mut lowest = self.entries.len();
        for index in (0..self.entries.len().min(cells.len())).rev() {
            if matches!(self.entries[index], Entry::Exact(_)) {
                continue;
            }
            if left == 0 {
                more = true;
                break;
            }
            left = left.saturating_sub(rows::source(&cells[index]).len() + CELL_BYTES);
            let rows = CellRows::new(&cells[index], self.width);
            self.entries[index] = Entry::Exact(Box::new(rows));
            lowest = index;
        }
        self.sum_from(lowest);
        self.measured += self.lines() as isize - before as isize;
        more
    }

    /// Columns it is made for.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Rows in all.
    pub fn lines(&self) -> usize {
        self.tops.last().copied().unwrap_or(0)
    }

    /// The first row of a cell.
    pub fn top_of(&self, cell: usize) -> usize {
        self.tops.get(cell).copied().unwrap_or_else(|| self.lines())
    }

    /// The cell a row belongs to, and which of its rows it is.
    pub fn locate(&self, line: usize) -> (usize, usize) {
        let cells = self.entries.len();
        if cells == 0 {
            return (0, 0);
        }
        let line = line.min(self.lines().saturating_sub(1));
        let cell = self.tops.partition_point(|top| *top <= line).saturating_sub(1).min(cells - 1);
        (cell, line - self.tops[cell])
    }

    /// The first row shown when the end is followed in a pane of so many rows. It moves in jumps:
    /// see `JUMP`; there may be a few blank rows under the text, and never a hidden one.
    pub fn follow_top(&self, rows: usize) -> usize {
        let over = self.lines().saturating_sub(rows);
        if over == 0 {
            return 0;
        }
        let jump = JUMP.min(rows / 4).max(1);
        over + (self.measured - over as isize).rem_euclid(jump as isize) as usize
    }

    /// Cells and rows within them whose text holds this, whatever its case, top to bottom.
    pub fn find(&self, cells: &[Cell], needle: &str) -> Vec<(usize, usize)> {
        let needle = needle.to_lowercase();
        let mut hits = Vec::new();
        if needle.is_empty() {
            return hits;
        }
        for (index, cell) in cells.iter().enumerate() {
            // Only cells that hold the words at all are looked through row by row.
            if !rows::source(cell).to_lowercase().contains(&needle) {
                continue;
            }
            let made;
            let rows = if let Some(rows) = self.rows(index) {
                rows
            } else {
                made = CellRows::new(cell, self.width);
                &made
            };
            let before = hits.len();
            for line in 0..rows.height() {
                if let Row::Text(text) | Row::Joined(text) = rows.row(line)
                    && text.text().to_lowercase().contains(&needle)
                {
                    hits.push((index, line));
                }
            }
            // Words that wrapping or Markdown took apart are found at the cell.
            if hits.len() == before {
                hits.push((index, 0));
            }
        }
        hits
    }

    /// The rows of a cell; `None` while they are only estimated.
    pub fn rows(&self, cell: usize) -> Option<&CellRows> {
        match self.entries.get(cell)? {
            Entry::Exact(rows) => Some(rows),
            Entry::Estimated(_) => None,
        }
    }

    fn sum_from(&mut self, index: usize) {
        self.tops.truncate(index + 1);
        if self.tops.is_empty() {
            self.tops.push(0);
        }
        for entry in &self.entries[index.min(self.entries.len())..] {
            let last = self.lines();
            self.tops.push(last + entry.height());
        }
    }
}

#[cfg(test)]
#[path = "transcript/tests.rs"]
mod tests;
