//! The loop that feeds the state and carries out its effects.
//!
//! Owns: tasks, timers, the terminal. Must not know: what a message changes. Invariants: the first
//! frame is on screen before anything else is started; a key is taken in and drawn before anything
//! that arrived from the network; every channel is bounded; while nothing happens nothing wakes up.

mod detect;
mod editor;
mod effects;
mod port;
mod run;
mod timers;

pub use port::{Engine, Faults, Host, Preset, Replies, RunKeys, Snapshots, Soon};
pub use run::{Start, run};
