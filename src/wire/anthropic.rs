//! The native Anthropic Messages dialect: requests out, events in.

mod decode;
mod encode;
mod usage;

pub(super) use decode::Anthropic;
pub(super) use encode::encode;
