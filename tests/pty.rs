//! The real program in a pseudo-terminal: what a person would see, type and be left with.
//!
//! Invariants: a test waits for what it expects, with a deadline, and never for time to pass; every
//! process it starts is gone when it ends.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "pty/budget.rs"]
mod budget;
#[path = "pty/bytes.rs"]
mod bytes;
#[path = "pty/chaos.rs"]
mod chaos;
#[path = "pty/chat.rs"]
mod chat;
#[path = "pty/costs.rs"]
mod costs;
#[path = "pty/hostile.rs"]
mod hostile;
#[path = "pty/look.rs"]
mod look;
#[path = "pty/modes.rs"]
mod modes;
#[path = "pty/terminal.rs"]
mod terminal;
