//! The async actor that owns the router's state and the keep-warm pinger; the answer cache; and the
//! one attempt engine, a task per request, that console, command line and gateway share.
//!
//! Owns: making attempts and accounting for them. Must not know: ratatui, crossterm, axum.
//! Invariants: the actor never awaits network or disk; every attempt holds a permit that is released
//! on settle or drop; answer text never passes through the actor.

mod account;
mod actor;
mod attempt;
mod balance;
#[cfg(test)]
mod billing_tests;
#[cfg(test)]
mod billing_tier_tests;
mod clock;
mod command;
mod counting;
mod desk;
mod drill;
mod flight;
mod handle;
mod input;
mod join;
mod keys;
mod log;
#[cfg(test)]
mod outage_tests;
mod permit;
mod pinger;
mod plan;
mod purse;
mod recall;
mod record;
mod refusal;
mod remote;
mod reply;
mod retention;
mod run;
#[doc(hidden)]
pub mod sample;
mod scripts;
mod shelf;
mod snapshot;
mod unread;
mod verdict;
mod warm;
mod watch;

pub use balance::BalanceReading;
pub use clock::now;
pub use command::{Command, Veto};
pub use desk::{Told, tell};
pub use drill::{Drill, DrillKind};
pub use handle::{EngineHandle, Observer, Options, start};
pub use input::weights;
pub use keys::Env;
pub use log::LEFT;
pub use pinger::EVERY as PING_EVERY;
pub use recall::{Forget, Forgotten, Recall};
pub use refusal::{ASKS_FIRST, OVER_BUDGET, budget_words, fits, over_budget, used_up};
pub use reply::ReplyStream;
pub use scripts::{ScriptBasis, ScriptPrice, script_name, script_prices};
pub use snapshot::{
    CacheStats, Countdown, LogEntry, ModelStatus, Notice, NoticeLevel, Overrides, Pending, Pin,
    ProviderStatus, Snapshot, Spend, TierState, TierStats, Undo,
};
pub use warm::{WarmStatus, warm_cost_per_day, warm_words};
pub use watch::{LOOK_EVERY, Watch, WatchedFile};
