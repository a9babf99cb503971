//! Choosing a model: features of a request, hard filters, score, policies, rules, [`decide()`]; and
//! health windows, circuits, rate limits and overrides as pure folds that take `now`.
//!
//! Owns: the policy. Must not know: channels, clocks, I/O, configuration files. Invariant: the same
//! [`DecisionInput`] gives the same [`crate::domain::Decision`], whenever and wherever it runs.

mod admit;
mod budget;
mod circuit;
mod contest;
mod decide;
mod elsewhere;
mod features;
mod filter;
mod forecast;
mod health;
mod hedge;
mod input;
mod intake;
mod limit;
mod observe;
mod overrides;
mod record;
mod retry;
mod rules;
#[doc(hidden)]
pub mod sample;
mod score;
mod shift;
mod state;
mod tokens;
mod vocabulary;
mod warmth;
mod words;
mod written;

pub use admit::Admission;
pub use budget::{
    Book, Bucket, BucketTime, BudgetLine, Calendar, Crossing, Hindrance, Holder, MemoryStore,
    Payer, Period, Refusal, SharedClaim, SharedVerdict, SpendLine, SpendStore, StoreTrouble,
    Totals,
};
pub use circuit::ProbeTicket;
pub use decide::{decide, flips, with_policy};
pub use elsewhere::elsewhere;
pub use features::{Surface, difficulty, features, frame_tokens, texts, tokens_per_char};
pub use forecast::{Forecast, Outlook};
pub use hedge::{HedgeBook, HedgeLimits};
pub use input::{
    CandidateInput, CircuitView, Counted, DecisionInput, INPUT_VERSION, Imposed, KeyState,
    RuleEffect, RuleInput,
};
pub use observe::{HealthState, ModelHealth, Observation, Warmth};
pub use overrides::{PinEntry, effective_pin, kept_out_until};
pub use score::{REALTIME, input_tokens};
pub use shift::ShiftPhase;
pub use state::{Kept, ModelView, RouterSettings, RouterState, Slow, SlowMetric};
pub use tokens::{Against, LearnedTokens, Prompt, TokenFactors, prose_tokens_per_char, token_mix};
pub use vocabulary::vocabulary_factor;
pub use warmth::{Basis, WarmFigures};
pub use written::Written;
