//! The terminal itself: entering and leaving its modes, reading keys, writing frames, the clipboard.
//!
//! Owns: every byte that goes to or comes from the terminal while the console is up. Must not know:
//! what is drawn or what a key means. Invariants: whatever way the program ends, the terminal is
//! left as it was found; one frame is one write inside one synchronized update; nothing is ever
//! waited for that a terminal may never answer.

mod clipboard;
mod encode;
mod frames;
mod guard;
mod input;
mod job;
mod mouse;
mod parse;
mod screen;
mod signals;

pub use clipboard::{Copied, OSC52_LIMIT, copy};
pub use frames::{FRAME_GAP, Frames, Urgency};
pub use guard::{Guard, Suspended, restore};
pub use input::{Input, InputStream};
pub use parse::{Parsed, Parser};
pub use screen::{Screen, output};
pub use signals::{Signal, Signals};

use super::app::Answer;

/// What the terminal told of itself, as far as it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// It reports modified keys unambiguously (the kitty keyboard protocol).
    pub kitty_keys: Answer,
    /// It holds a frame back until it is whole (mode 2026).
    pub synchronized: Answer,
}
