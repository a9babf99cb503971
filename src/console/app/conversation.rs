//! The conversation as the console holds it: its cells, their layout, and what they add up to.
//!
//! Owns: keeping the three together. Must not know: colours, the terminal, who changes a cell.
//! Invariant: layout and sums are those of the cells after every method here, so that no frame has
//! to look at a cell it does not show.

use crate::domain::Cost;

use super::{Cell, Find, Layout, Scroll};

/// The transcript: its cells, their layout, and what of it is shown.
#[derive(Debug, Default)]
pub struct Transcript {
    /// The cells, oldest first.
    pub cells: Vec<Cell>,
    /// Their lines at the current width.
    pub layout: Layout,
    /// What is shown.
    pub scroll: Scroll,
    /// The cell read mode is on.
    pub selected: Option<usize>,
    /// A search.
    pub find: Option<Find>,
    /// What the cells add up to.
    sums: Sums,
}

/// What a conversation adds up to, so that no frame has to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Questions and answers; notes do not count.
    pub messages: usize,
    /// What the answers that are over cost; `None` while none is.
    pub cost: Option<Cost>,
}

impl Transcript {
    /// What it adds up to.
    pub const fn sums(&self) -> Sums {
        self.sums
    }

    /// Appends a cell and lays it out; returns its index.
    pub fn push(&mut self, cell: Cell) -> usize {
        self.layout.push(&cell);
        self.sums.add(&cell);
        self.cells.push(cell);
        self.cells.len() - 1
    }

    /// Lays a cell out again after a change.
    pub fn changed(&mut self, index: usize) {
        let Some(cell) = self.cells.get(index) else { return };
        self.layout.update(index, cell);
        // Text that streams adds nothing until its end.
        if !matches!(cell, Cell::Reply(reply) if reply.phase.running()) {
            self.sum();
        }
    }

    /// Cuts it off before a cell, and follows its new end.
    pub fn truncate(&mut self, cell: usize) {
        self.cells.truncate(cell);
        self.layout.truncate(cell);
        self.scroll = Scroll::Follow;
        self.selected = None;
        self.find = None;
        self.sum();
    }

    fn sum(&mut self) {
        self.sums = Sums::default();
        for cell in &self.cells {
            self.sums.add(cell);
        }
    }
}

impl Sums {
    fn add(&mut self, cell: &Cell) {
        self.messages += usize::from(!matches!(cell, Cell::Note(_)));
        if let Cell::Reply(reply) = cell
            && let Some(outcome) = &reply.reply.outcome
        {
            let sum = self.cost.get_or_insert(Cost { exact: true, ..Cost::default() });
            sum.amount += outcome.cost.amount;
            sum.exact &= outcome.cost.exact;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::app::{NoteCell, ReplyCell, ReplyPhase, Tone};
    use crate::domain::{Finish, Money, Outcome, RequestId, UnixMs, Usage};

    fn reply(cents: i64) -> Cell {
        let mut cell = ReplyCell::new(RequestId(uuid::Uuid::nil()), 0, UnixMs(0));
        cell.phase = ReplyPhase::Done;
        cell.reply.outcome = Some(Outcome {
            finish: Finish::Stop,
            model: None,
            provider: None,
            model_id: None,
            usage: Usage::default(),
            cost: Cost { amount: Money::from_pico(cents * 10_000_000_000), exact: true },
            wait_ms: None,
            ttft_ms: None,
            total_ms: 0,
            cached: None,
            cache_note: None,
            error: None,
        });
        Cell::Reply(Box::new(cell))
    }

    #[test]
    fn sums_are_those_of_the_cells_whatever_happened_to_them() {
        let mut talk = Transcript::default();
        assert_eq!(talk.sums().cost, None);
        talk.push(reply(1));
        talk.push(Cell::Note(NoteCell { at: UnixMs(0), tone: Tone::Info, text: "hi".into() }));
        talk.push(reply(2));
        assert_eq!(talk.sums().messages, 2);
        assert_eq!(talk.sums().cost.unwrap().amount, Money::from_pico(30_000_000_000));
        talk.cells[2] = reply(5);
        talk.changed(2);
        assert_eq!(talk.sums().cost.unwrap().amount, Money::from_pico(60_000_000_000));
        talk.truncate(1);
        assert_eq!((talk.sums().messages, talk.layout.rows(1).is_none()), (1, true));
        assert_eq!(talk.sums().cost.unwrap().amount, Money::from_pico(10_000_000_000));
    }
}
