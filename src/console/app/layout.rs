//! What `update` asks of the transcript's layout: lines per cell at a width, found by line number.
//!
//! Owns: line counts. Must not know: colours, the terminal. Invariant: `lines()` is the sum of all
//! cells' lines, and `locate` and `top_of` agree with it.
//!
//! This is the plain form of it, one that counts lines by width alone. The transcript room brings
//! the real one with the same methods; call sites do not change.

use super::Cell;

/// Lines of every cell at one width.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    width: u16,
    /// Lines before each cell, and after the last: prefix sums.
    tops: Vec<usize>,
}

impl Layout {
    /// No cells, this many columns.
    pub fn new(width: u16) -> Self {
        Self { width, tops: vec![0] }
    }

    /// A cell was appended.
    pub fn push(&mut self, cell: &Cell) {
        let lines = self.count(cell);
        let last = self.lines();
        self.tops.push(last + lines);
    }

    /// A cell changed in place; most often the last one, which is cheap.
    pub fn update(&mut self, index: usize, cell: &Cell) {
        let Some(&top) = self.tops.get(index) else { return };
        let Some(&after) = self.tops.get(index + 1) else { return };
        let lines = self.count(cell);
        let (grown, shrunk) =
            (lines.saturating_sub(after - top), (after - top).saturating_sub(lines));
        for top in &mut self.tops[index + 1..] {
            *top = *top + grown - shrunk;
        }
    }

    /// Cells from this one on are gone.
    pub fn truncate(&mut self, cells: usize) {
        self.tops.truncate(cells + 1);
    }

    /// The width changed. Cells near `anchor` are right at once, the rest is estimated until
    /// [`Layout::refine`] came by.
    pub fn set_width(&mut self, width: u16, cells: &[Cell], anchor: usize) {
        let _ = anchor;
        self.width = width;
        self.tops = vec![0];
        for cell in cells {
            self.push(cell);
        }
    }

    /// Measures some of what is only estimated; `true` while more is left.
    pub fn refine(&mut self, cells: &[Cell], budget: usize) -> bool {
        let _ = (cells, budget);
        false
    }

    /// Columns it is made for.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Lines in all.
    pub fn lines(&self) -> usize {
        self.tops.last().copied().unwrap_or(0)
    }

    /// The first line of a cell.
    pub fn top_of(&self, cell: usize) -> usize {
        self.tops.get(cell).copied().unwrap_or_else(|| self.lines())
    }

    /// The cell a line belongs to, and which of its lines it is.
    pub fn locate(&self, line: usize) -> (usize, usize) {
        let cells = self.tops.len().saturating_sub(1);
        if cells == 0 {
            return (0, 0);
        }
        let line = line.min(self.lines().saturating_sub(1));
        let cell = self.tops.partition_point(|top| *top <= line).saturating_sub(1).min(cells - 1);
        (cell, line - self.tops[cell])
    }

    fn count(&self, cell: &Cell) -> usize {
        let text = match cell {
            Cell::User(user) => &user.text,
            Cell::Reply(reply) => &reply.reply.text,
            Cell::Note(note) => &note.text,
        };
        let width = usize::from(self.width.max(1));
        let lines: usize =
            text.lines().map(|line| line.chars().count().div_ceil(width).max(1)).sum();
        lines + 2
    }
}
