//! The simulated fleet: loopback HTTP servers that speak the real dialects with the habits of their
//! originals, and fail on command.
//!
//! Owns: the servers, their faults, the replies they give. Must not know: the engine, or the encoder
//! that other rooms are tested with: its frames are templates written after real servers' answers.
//! Invariant: the same seed and the same request give the same body, when equally warm.
//!
//! ```text
//! habits.toml ─ how each server behaves      fleet.toml ─ what the router is told about it
//!
//! socket ─ http ─ ask ─┬─ respond ── checks, faults that strike first, header values
//!                      │     ├─ answer ── library (replies by topic), test prompts, continuing
//!                      │     └─ script ── frames (templates) in steps, with waits and faults
//!                      └─ server ─── plays the steps at the fleet's pace, notices who leaves
//! ```

mod answer;
mod ask;
mod chance;
mod control;
mod data;
mod demo;
mod fault;
mod fleet;
mod frames;
mod gameday;
mod habits;
mod http;
mod library;
mod order;
mod respond;
mod script;
mod server;
mod tokens;
mod words;

pub use control::{Changes, Control, Injection, Stats, UnknownProvider, Until};
pub use demo::{DemoPrompt, prompts};
pub use fault::{Cut, Fault, RetryAfter};
pub use fleet::{Endpoint, Fleet, FleetOptions, Ports, start, still};
pub use gameday::{GameDay, Mistake};
pub use order::{Order, Strike};
pub use words::{KINDS, Kind};
