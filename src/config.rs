//! Layered TOML to one checked [`Config`]: the model registry, price schedules, policies, limits,
//! key references and paths.
//!
//! Owns: the shape of the configuration and the pure `load` that turns layers of text into it, with
//! every error at once. Must not know: the terminal, tasks, sockets. Invariant: a `Config` that
//! exists is valid; nothing downstream checks it again.

mod model;
mod provider;
mod settings;
mod window;

pub use model::{KeepWarm, Latency, Model, PriceList, QualitySource, ScheduledRates};
pub use provider::{
    CapField, Dialect, EffortStyle, KeyNeed, KeyRef, Maintenance, Mention, Provider, Quirks,
    SeedField, StreamUsage, SystemRole,
};
pub use settings::{
    AtLimit, Budget, BudgetLimit, CacheSettings, CacheWhen, Capture, Config, ConsoleSettings,
    Feedback, LimitOverrides, Limits, OnRefusal, PolicyWeights, RedisSettings, Routing, Rule,
    RuleThen, RuleWhen,
};
pub use window::{ParseWindowError, WeekWindow};
