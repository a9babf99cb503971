//! Choosing a model: features of a request, hard filters, score, policies, rules, [`decide`]; and
//! health windows, circuits, rate limits and overrides as pure folds that take `now`.
//!
//! Owns: the policy. Must not know: channels, clocks, I/O, configuration files. Invariant: the same
//! [`DecisionInput`] gives the same [`crate::domain::Decision`], whenever and wherever it runs.

mod contest;
mod decide;
mod features;
mod filter;
mod input;
mod observe;
mod rules;
mod score;
mod words;

pub use decide::{decide, flips, with_policy};
pub use features::{Surface, difficulty, features, tokens_per_char};
pub use input::{
    CandidateInput, CircuitView, DecisionInput, INPUT_VERSION, Imposed, KeyState, RuleEffect,
    RuleInput,
};
pub use observe::{HealthState, ModelHealth, Observation, Warmth};
