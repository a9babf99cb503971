//! Layered TOML to one checked [`Config`]: the model registry, price schedules, policies, limits,
//! key references and paths.
//!
//! Owns: the shape of the configuration and the pure `load` that turns layers of text into it, with
//! every error at once. Must not know: the terminal, tasks, sockets. Invariant: a `Config` that
//! exists is valid; nothing downstream checks it again.
//!
//! On the way: `source` (layers and places in them) → `tree` (merged values that remember their
//! place) → `reader` and `schema` (typed fields, every mistake kept) → `read` (one file per part) →
//! `load`. `preset` lists the data files that ship; `family` the priors by kind of model.

mod discover;
pub mod edit;
mod error;
mod family;
mod known;
mod load;
mod model;
mod paths;
mod preset;
mod provider;
mod read;
mod reader;
mod recipe;
#[doc(hidden)]
pub mod sample;
pub mod schema;
pub mod secret;
mod settings;
mod show;
mod source;
mod starter;
mod store;
mod sync;
mod tree;
mod window;

pub use crate::domain::{AtLimit, Budget, BudgetLimit};
pub use discover::Discovered;
pub use error::ConfigError;
pub use known::Nothing;
pub use load::{Loaded, load, load_demo};
pub use model::{
    KeepWarm, Latency, Model, PriceList, QualitySource, ScheduledRates, TierRates, Unsaid,
};
pub use paths::{Paths, create_private_dir, write_new};
pub use provider::{
    BalanceApi, CapField, Dialect, EffortStyle, KeyNeed, KeyRef, Maintenance, Mention, Provider,
    Quirks, SeedField, StreamUsage, SystemRole,
};
pub use recipe::{Reach, Recipe};
pub use settings::{
    CacheSettings, CacheWhen, Capture, Config, ConsoleSettings, CurrencySettings, Feedback,
    FeedbackMetric, Hedge, HedgeWhen, KeepWhat, LedgerSettings, LimitOverrides, Limits, OnRefusal,
    PolicyWeights, RedisSettings, Routing, Rule, RuleThen, RuleWhen,
};
pub use source::{Layer, LayerKind, environment_layer};
pub use starter::{example, starter};
pub use store::OldFile;
pub use sync::{Changed, Diff, FeedRow, merged};
pub use window::{ParseWindowError, WeekWindow};
