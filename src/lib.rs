//! wheelhouse.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cache;
pub mod cli;
pub mod config;
pub mod console;
pub mod domain;
pub mod engine;
pub mod route;
pub mod sim;
pub mod text;
pub mod wire;
