//! Bytes to meaning and back, without I/O: the SSE reader, the OpenAI and Anthropic dialects, error
//! bodies, hints, rate-limit headers; and one small file that speaks HTTP.
//!
//! Owns: what providers say and how it is said to them. Must not know: routing, the screen.
//! Invariant: the same bytes give the same frames however they were split on the way.

mod address;
mod anthropic;
mod balance;
mod body;
mod call;
mod clean;
mod decoder;
mod effort;
mod error;
mod feed;
mod frame;
mod headers;
mod hints;
pub mod http;
mod limits;
mod models;
mod openai;
mod sse;
mod tier;

pub use address::endpoint;
pub use balance::{Balance, balance_calls, read_balance};
pub use call::{Target, encode, heeds_temperature, sends_trailing_blanks};
pub use decoder::{Decoder, StreamEnd};
pub use error::read_error;
pub use feed::{Feed, FeedKind, read_feed};
pub use frame::{Frame, HttpCall};
pub use headers::Headers;
pub use hints::{Hint, HintClass, hint};
pub use limits::{read_limits, reported_cost, retry_after};
pub use models::{ListedModel, models_call, read_models};
pub use sse::{SseItem, SseReader};
pub use tier::asked as asked_tier;
