//! What was asked, answered, decided and spent, kept in one SQLite file: conversations as trees,
//! requests, attempts, whole decisions, money; found again, added up, exported, removed.
//!
//! Owns: the file, its one writer, and every question to it. Must not know: the engine, the screen, or
//! what time it is: every moment is passed in. Invariants: an answer whose end its reader saw is on
//! the disk; of one whose process was killed, what its reader saw is offered back; no question's cost
//! grows with the number of rows; where nothing can be kept, that is said and everything else goes on.
//!
//! # In short
//!
//! [`Ledger::open`] gives a cloneable handle at once; the file is opened, brought up to date and, after
//! a crash, recovered by the writer's own thread. How that goes is [`Ledger::health`].
//!
//! - *Keeping a request*: [`Ledger::begin`], [`Ledger::more`] and [`Ledger::void`] for each piece of
//!   text, [`Ledger::attempt`], and [`Ledger::end`], which resolves once the answer is on the disk.
//!   [`Ledger::aside`] is for money spent without a request, [`Ledger::learn`] for what was learned of
//!   models' tokens.
//! - *Changing what is kept*: [`Ledger::remove`], [`Ledger::rename`], [`Ledger::fork`],
//!   [`Ledger::purge`], [`Ledger::prefer`], [`Ledger::dismiss`]. They wait for the disk.
//! - *Asking*: [`Ledger::read`] lends a [`Reader`] (so does [`Reader::open`], without a writer):
//!   [`Reader::sessions`] (a list), [`Reader::session`] (a tree, with [`SessionDetail::branch`]),
//!   [`Reader::latest_session`], [`Reader::find_session`], [`Reader::search`],
//!   [`Reader::interrupted`] (what is offered back), [`Reader::totals`] (by model, provider, session,
//!   day, origin, kind), [`Reader::hours`] and [`Reader::days`] (series for charts),
//!   [`Reader::routing`] (what routing saved and lost), [`Reader::decisions`] (replay),
//!   [`Reader::requests`], [`Reader::answers_of`] (a conversation's answers with how they came about),
//!   [`Reader::route_of`] (one of them).
//! - *Export*: [`export::markdown`], [`export::json`], [`export::html`].
//!
//! # When the file cannot be written
//!
//! Locked by another program, on a full disk, in a place that may not be written: whoever waits is told
//! why, and what records waits in memory, in the order it came, each request once. It is tried again
//! when the next order comes that somebody waits for, after a growing time (a quarter of a second to
//! half a minute), and once more when the ledger is closed. Past 64 MiB of text the oldest requests that
//! wait keep their figures alone, past 2,048 requests the oldest is given up; [`Ledger::behind`] counts
//! both. On a full disk removing is done before what waits. What a person asked to be done (rename,
//! fork, …) fails and is not done later. A killed process takes what waited with it.
//!
//! # Several programs at once
//!
//! Any number may keep in the same file; each write waits up to five seconds for the others'. Readers
//! never wait. Each process holds a lock on a file of its own under `runs/`, so that a living one's
//! unfinished answers are never taken for a dead one's.

mod backlog;
mod day;
mod error;
pub mod export;
mod file;
mod handle;
mod inbox;
mod order;
mod pack;
mod pairs;
mod purse;
mod query;
mod runs;
#[doc(hidden)]
pub mod sample;
mod schema;
mod write;
mod writer;

pub use backlog::Behind;
pub use day::Day;
pub use error::LedgerError;
pub use file::FILE;
pub use handle::{Health, Ledger, Options};
pub use order::{Aside, Begin, End, Keep, KeptTokens, Piece, Preference, Purge};
pub use purse::SharedPurse;
pub use query::{
    AnswerFigures, By, Counts, Days, Dear, Elsewhere, Hit, Interrupted, KeptDecision, KeptMessage,
    KeptRequest, KeptRoute, Point, Reader, Routing, SessionDetail, SessionOrder, SessionRow, Total,
    Unanswered,
};
