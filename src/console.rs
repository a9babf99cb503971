//! The interactive console: one pure state machine, one table of keys, views that only read, and a
//! shell that runs effects.
//!
//! Owns: what the user sees and types. Must not know: providers, SQL, sockets. Invariants: state
//! changes only in [`app`]'s `update`; drawing never changes anything; the network never delays a
//! key.

pub mod app;
pub mod command;
pub mod composer;
pub mod keys;
pub mod shell;
pub mod term;
pub mod theme;
pub mod transcript;
pub mod view;
