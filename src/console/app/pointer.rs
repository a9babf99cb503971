//! The mouse: what it did, and what of the console is under a cell.
//!
//! Owns: the words for both. Must not know: where anything is drawn (the view says so), or escape
//! sequences. Invariant: nothing comes in while the mouse is the terminal's own.

use super::{AppState, CostItem, View};

/// Something the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// The column it is over, from 0.
    pub col: u16,
    /// The row it is over, from 0.
    pub row: u16,
    /// What it did.
    pub did: PointerDid,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PointerDid {
    /// The wheel was turned towards the beginning by one notch.
    WheelUp,
    /// The wheel was turned towards the end by one notch.
    WheelDown,
    /// The left button was pressed.
    Click,
}

/// What is under a cell of the screen. What lies over the view hides all that is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Under {
    /// Nothing that answers to the mouse.
    Nothing,
    /// A view's name on the top line.
    Tab(View),
    /// The transcript, on one of its cells where there is one.
    Transcript(Option<usize>),
    /// The draft: row and column of its text as wrapped, from its beginning.
    Draft {
        /// The row.
        row: usize,
        /// The column.
        col: usize,
    },
    /// An offer of the completion.
    Offer(usize),
    /// The Routes list, on one of its entries where there is one.
    List(Option<usize>),
    /// A line of the costs that can be opened.
    Cost(CostItem),
    /// The pane that explains an entry.
    Detail,
    /// What lies over the view, on one of its hits where there is one.
    Overlay(Option<usize>),
}

/// How the view tells what is under a column and row: a plain function, so that the state needs no
/// view.
pub type Locate = fn(&AppState, u16, u16) -> Under;
