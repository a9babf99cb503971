//! Bytes to meaning and back, without I/O: the SSE reader, the OpenAI and Anthropic dialects, error
//! bodies, hints, rate-limit headers; and one small file that speaks HTTP.
//!
//! Owns: what providers say and how it is said to them. Must not know: routing, the screen.
//! Invariant: the same bytes give the same frames however they were split on the way.

mod frame;

pub use frame::{Frame, HttpCall};
