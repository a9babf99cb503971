//! The transcript's layout as `update` keeps it: the transcript room's own.

pub use crate::console::transcript::Layout;
