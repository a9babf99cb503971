//! The conversation as the console holds it: its cells, their layout, and what they add up to.
//!
//! Owns: keeping the three together. Must not know: colours, the terminal, who changes a cell.
//! Invariants: layout and sums are those of the cells after every method here, so that no frame has
//! to look at a cell it does not show; what was spent in a chat stays spent when its reply is asked
//! again or edited away.
//!
//! A copy of a chat begins at nothing: what was paid in the original is not paid again, so a reply that
//! was paid there counts neither as cost nor as saving. The ledger sees it the same way (a copy is a
//! conversation without a line of spending), and so does a budget per conversation: it counts by the
//! conversation that asks.

use crate::domain::{Cost, Money};

use super::{Cell, Find, Layout, PaidIn, ReplyCell, Scroll};

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
    /// What was spent in this chat on replies that are not among the cells.
    gone: Spent,
    /// What the cells add up to, and what is gone with it.
    sums: Sums,
    /// What was set aside for a message that may yet be taken back.
    aside: Option<Aside>,
}

/// Cells that stood from an index on, and what was gone before they were taken away.
#[derive(Debug)]
struct Aside {
    at: usize,
    cells: Vec<Cell>,
    gone: Spent,
}

/// What was spent on replies, and what routing saved by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// What they cost; `None` where there are none.
    pub cost: Option<Cost>,
    /// What routing saved, each reply against its own baseline.
    pub saved: Money,
}

/// What a conversation adds up to, so that no frame has to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Questions, and answers that say something: what is kept of it as messages.
    pub messages: usize,
    /// What was spent in this chat; no cost while no answer is over.
    pub spent: Spent,
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

    /// Cuts it off before a cell, and follows its new end. What the replies behind it cost was spent.
    pub fn truncate(&mut self, cell: usize) {
        self.cut(cell);
    }

    /// The same, until [`Self::put_back`] or [`Self::let_go`].
    pub fn set_aside(&mut self, cell: usize) {
        let gone = self.gone;
        let cells = self.cut(cell);
        self.aside = Some(Aside { at: cell, cells, gone });
    }

    /// What was set aside stands there again, if nothing else does: from which cell on.
    pub fn put_back(&mut self) -> Option<usize> {
        let aside = self.aside.take_if(|aside| aside.at == self.cells.len())?;
        self.gone = aside.gone;
        for cell in aside.cells {
            self.push(cell);
        }
        self.sum();
        Some(aside.at)
    }

    /// What was set aside is not wanted any more.
    pub fn let_go(&mut self) {
        self.aside = None;
    }

    fn cut(&mut self, cell: usize) -> Vec<Cell> {
        let cut = self.cells.split_off(cell.min(self.cells.len()));
        for cell in &cut {
            if let Cell::Reply(reply) = cell {
                self.gone.add(reply);
            }
        }
        self.layout.truncate(cell);
        self.scroll = Scroll::Follow;
        self.selected = None;
        self.find = None;
        self.sum();
        cut
    }

    /// Another chat takes its place, in which so much was spent on replies that will not be shown.
    pub fn begin(&mut self, gone: Spent) {
        self.truncate(0);
        self.let_go();
        self.gone = gone;
        self.sum();
    }

    /// It is a copy from here on: what was spent was spent in its original.
    pub fn copied(&mut self) {
        self.gone = Spent::default();
        for (index, cell) in self.cells.iter_mut().enumerate() {
            if let Cell::Reply(reply) = cell {
                reply.paid = PaidIn::Original;
                self.layout.update(index, cell);
            }
        }
        self.sum();
    }

    fn sum(&mut self) {
        self.sums = Sums { messages: 0, spent: self.gone };
        for cell in &self.cells {
            self.sums.add(cell);
        }
    }
}

impl Sums {
    fn add(&mut self, cell: &Cell) {
        self.messages += usize::from(match cell {
            Cell::User(_) => true,
            Cell::Reply(reply) => reply.phase.running() || reply.says_something(),
            Cell::Note(_) => false,
        });
        if let Cell::Reply(reply) = cell {
            self.spent.add(reply);
        }
    }
}

impl Spent {
    /// Adds what was spent on a reply in this chat, once that is over.
    pub fn add(&mut self, reply: &ReplyCell) {
        let Some(outcome) = &reply.reply.outcome else { return };
        let sum = self.cost.get_or_insert(Cost { exact: true, ..Cost::default() });
        match reply.paid {
            PaidIn::Original => {}
            PaidIn::ThisChat => {
                sum.amount += outcome.cost.amount;
                sum.exact &= outcome.cost.exact;
                self.saved += reply.saved.as_ref().map_or(Money::ZERO, |saved| saved.amount);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::app::{NoteCell, ReplyCell, ReplyPhase, Saved, Tone};
    use crate::domain::{Finish, Outcome, RequestId, UnixMs, Usage};

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
            answer_cost: None,
            cached: None,
            cache_note: None,
            error: None,
        });
        cell.saved = Some(Saved { amount: Money::from_pico(cents), versus: "opus".into() });
        Cell::Reply(Box::new(cell))
    }

    #[test]
    fn sums_are_those_of_the_cells_whatever_happened_to_them() {
        let mut talk = Transcript::default();
        assert_eq!(talk.sums().spent.cost, None);
        talk.push(reply(1));
        talk.push(Cell::Note(NoteCell { at: UnixMs(0), tone: Tone::Info, text: "hi".into() }));
        talk.push(reply(2));
        assert_eq!(talk.sums().messages, 2);
        assert_eq!(talk.sums().spent.cost.unwrap().amount, Money::from_pico(30_000_000_000));
        talk.cells[2] = reply(5);
        talk.changed(2);
        assert_eq!(talk.sums().spent.cost.unwrap().amount, Money::from_pico(60_000_000_000));
        talk.truncate(1);
        assert_eq!((talk.sums().messages, talk.layout.rows(1).is_none()), (1, true));
    }

    fn spent(talk: &Transcript) -> (i64, i64) {
        let spent = talk.sums().spent;
        (spent.cost.unwrap().amount.pico() / 10_000_000_000, spent.saved.pico())
    }

    #[test]
    fn a_reply_that_is_asked_again_was_paid_all_the_same() {
        let mut talk = Transcript::default();
        talk.push(reply(1));
        talk.push(reply(2));
        talk.truncate(1);
        assert_eq!(spent(&talk), (3, 3));
        talk.push(reply(4));
        talk.changed(1);
        assert_eq!(spent(&talk), (7, 7));
        talk.begin(Spent::default());
        assert_eq!(talk.sums(), Sums::default(), "another chat");
    }

    #[test]
    fn a_copy_begins_at_nothing_and_counts_what_is_asked_in_it() {
        let mut talk = Transcript::default();
        talk.push(reply(1));
        talk.push(reply(2));
        talk.truncate(1);
        talk.copied();
        assert_eq!(spent(&talk), (0, 0));
        talk.push(reply(5));
        assert_eq!(spent(&talk), (5, 5));
        talk.truncate(0);
        assert_eq!(spent(&talk), (5, 5), "the original's answer is no cost of the copy's");
    }
}
