//! The OpenAI chat-completions dialect: requests out, chunks in. Its per-provider differences are
//! data in [`crate::config::Quirks`]; no provider is named here.

mod decode;
mod encode;
mod tools;
mod usage;

pub(super) use decode::OpenAi;
pub(super) use encode::encode;
