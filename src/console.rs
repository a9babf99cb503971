//! The interactive console.

pub mod term;
