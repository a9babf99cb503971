//! One table of actions: name, doc, default keys, contexts. The keymap, help, footer, palette and
//! the README's table all come from it.
//!
//! Owns: what can be done by key and which key does it. Must not know: what an action does.
//! Invariant: within one context a key means one thing; a clash is refused when the keymap is made.

mod action;
mod chord;
mod keymap;
mod table;

pub use action::{Action, Context, HelpGroup};
pub use chord::{Chord, ParseChordError, Sequence};
pub use keymap::{KeyError, Keymap, Lookup, SendKey};
pub use table::{ActionInfo, TABLE, info, readme};
