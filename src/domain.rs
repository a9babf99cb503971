//! Plain data and arithmetic that every other room speaks in.
//!
//! Owns: names and ids, money, messages, requests, usage, decisions, outcomes, the reply stream.
//! Must not know: tokio, ratatui, reqwest, files, or what time it is (every moment is passed in as
//! a [`UnixMs`]). Invariant: nothing here does I/O and nothing here can fail but parsing.

mod budget;
mod currency;
mod decision;
mod id;
mod message;
mod model;
mod money;
mod near;
mod outcome;
mod rate;
mod reply;
mod request;
mod size;
mod talk;
mod task;
mod tier;
mod time;
mod tokenizer;
mod usage;

pub use budget::{AtLimit, Budget, BudgetLimit, BudgetScope, LocalDay, LocalMonth, OverBudget};
pub use currency::{Currency, Denomination, ExchangeRate};
pub use decision::{
    Candidate, Decision, Estimate, Factor, FilterCode, FilterReason, KeptOut, Needs, OverrideKind,
    PinScope, RequestFeatures, Score,
};
pub use id::{AttemptId, DecisionId, MessageId, ModelName, ProviderName, RequestId, SessionId};
pub use message::{Message, Part, Role};
pub use model::{Capabilities, Continuation, Rates};
pub use money::{Cost, Money, ParseMoneyError, Price};
pub use near::nearest;
pub use outcome::{ErrorReport, Evidence, Fault, Finish, Outcome, OutcomeClass, Verdict};
pub use rate::{RateScope, RateWindow};
pub use reply::{
    AttemptKind, AttemptReport, FirstToken, Reply, ReplyEvent, Seam, SeamHow, Stamps, ToolCallParts,
};
pub use request::{
    CacheMode, Effort, Origin, Params, Place, Privacy, ReaderKind, Request, Route, ToolChoice,
    ToolSpec,
};
pub use size::{counted, format_size};
pub use talk::{Audience, Heard, History, LeftOut, PRIVATE, Turn, is_nearly_private, is_private};
pub use task::{Lang, Script, TaskKind, TaskTable};
pub use tier::ServiceTier;
pub use time::{ParseSpanError, UnixMs, format_span, parse_span};
pub use tokenizer::{Fit, Tokenizer, UnknownVocabulary, Vocabulary};
pub use usage::Usage;
