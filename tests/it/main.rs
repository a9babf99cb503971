//! Behaviour tests that need more than one room, or data files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    // The scorecard is printed for people.
    clippy::print_stdout,
    missing_docs
)]

mod along;
mod budget;
mod cache;
mod cache_truth;
mod cli;
mod compare;
mod config;
mod console;
mod demo;
mod desk;
mod died;
mod drill;
mod engine;
mod house;
mod kept;
mod kill;
mod known;
mod ledger;
mod limits;
mod race;
mod reload;
mod retention;
mod rig;
mod route;
mod scorecard;
mod scripted;
mod sim;
mod steer;
mod stopped;
mod streams;
mod sync;
mod text;
mod tiers;
mod tokens;
mod verdicts;
mod warm;
mod wire;
