//! What the writer is asked to keep, as plain data.
//!
//! Must not know: SQL, threads.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    AttemptReport, Cost, Decision, MessageId, ModelName, Origin, Outcome, ProviderName, Request,
    RequestId, Seam, SessionId, TaskKind, ToolCallParts, UnixMs, Usage, Verdict,
};
use crate::route::{DecisionInput, LearnedTokens};

use super::LedgerError;

/// How much of a request is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Everything.
    #[default]
    All,
    /// Decisions, attempts and money, and not a word of what was asked or answered.
    Figures,
}

impl Keep {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Figures => "figures",
        }
    }
}

/// A request that was decided.
#[derive(Debug, Clone)]
pub struct Begin {
    /// What was asked.
    pub request: Request,
    /// What it was decided from.
    pub input: Arc<DecisionInput>,
    /// How.
    pub decision: Arc<Decision>,
    /// How long deciding took.
    pub decided_in: Duration,
    /// When it arrived.
    pub at: UnixMs,
    /// How much of it is kept.
    pub keep: Keep,
}

/// A request that is over. Holds its beginning too, so that it is kept even where that was not.
#[derive(Debug, Clone)]
pub struct End {
    /// Its beginning.
    pub begin: Arc<Begin>,
    /// When.
    pub at: UnixMs,
    /// Answer text.
    pub text: String,
    /// Thinking.
    pub reasoning: String,
    /// Tool calls.
    pub tool_calls: Vec<ToolCallParts>,
    /// Joins.
    pub seams: Vec<Seam>,
    /// Whether it is whole.
    pub verdict: Option<Verdict>,
    /// All its attempts; those kept already are not kept twice.
    pub attempts: Vec<AttemptReport>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Money spent without a request of anybody's: keeping warm, probing.
#[derive(Debug, Clone)]
pub struct Aside {
    /// When.
    pub at: UnixMs,
    /// Whom it was paid to.
    pub provider: ProviderName,
    /// For which model.
    pub model: ModelName,
    /// Why.
    pub origin: Origin,
    /// Tokens.
    pub usage: Usage,
    /// How much.
    pub cost: Cost,
    /// Why it went wrong, if it did.
    pub outcome: Option<crate::domain::OutcomeClass>,
}

/// What was learned of a model's tokens in one script, with the vocabulary it was reckoned with; empty
/// where there was none.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTokens {
    /// The vocabulary's name.
    pub vocabulary: String,
    /// What was learned.
    pub learned: LearnedTokens,
}

/// One answer was liked better than others to the same question.
#[derive(Debug, Clone)]
pub struct Preference {
    /// When.
    pub at: UnixMs,
    /// The conversation.
    pub session: Option<SessionId>,
    /// The kind of work.
    pub task: TaskKind,
    /// Whose answer was liked.
    pub winner: ModelName,
    /// Whose were not.
    pub losers: Vec<ModelName>,
}

/// What is removed for good by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// Conversations nothing was said in since, every word. What they cost stays counted.
    Conversations,
    /// Decisions, attempts and spend lines from before. Sums per day stay.
    Records,
}

/// Which part of writing an index anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scrub {
    /// The first, which says that all of it is to be written anew.
    First,
    /// A further one.
    Next,
}

/// A piece of an answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Answer text.
    Text,
    /// Thinking.
    Reasoning,
    /// From here on it waits (for a budget, a rate limit) or reads along, and nobody is asked.
    Waits,
    /// An attempt is made, of which the text is a line: its number, kind and model. The first one is known
    /// without it, unless it waited.
    Asked,
}

impl Piece {
    /// Is it something that was said?
    pub(super) const fn is_words(self) -> bool {
        matches!(self, Self::Text | Self::Reasoning)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Reasoning => "reasoning",
            Self::Waits => "waits",
            Self::Asked => "asked",
        }
    }
}

/// What to do.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Begin(Arc<Begin>),
    Attempt {
        begin: Arc<Begin>,
        report: Box<AttemptReport>,
    },
    End(Box<End>),
    Aside(Box<Aside>),
    Prefer(Box<Preference>),
    /// What was learned of tokens.
    Learn {
        rows: Vec<KeptTokens>,
        at: UnixMs,
    },
    Rename {
        session: SessionId,
        title: String,
    },
    Remove(SessionId),
    /// The next of what is that old.
    Purge {
        before: UnixMs,
        what: Purge,
    },
    /// What was removed goes out of the indices that only mark it, the next part; 0 once all has.
    Scrub(Scrub),
    Fork {
        from: SessionId,
        at: Option<MessageId>,
        to: SessionId,
        now: UnixMs,
    },
    Dismiss(RequestId),
    /// Nothing; done once everything before it is.
    Flush,
}

impl Order {
    /// It belongs to an answer that is not over, whose end will wait for the disk.
    pub(super) const fn is_on_its_way(&self) -> bool {
        match self {
            Self::Begin(_) | Self::Attempt { .. } | Self::Learn { .. } => true,
            Self::End(_)
            | Self::Aside(_)
            | Self::Prefer(_)
            | Self::Rename { .. }
            | Self::Remove(_)
            | Self::Purge { .. }
            | Self::Scrub(_)
            | Self::Fork { .. }
            | Self::Dismiss(_)
            | Self::Flush => false,
        }
    }

    /// It takes something away.
    pub(super) const fn removes(&self) -> bool {
        match self {
            Self::Remove(_) | Self::Purge { .. } | Self::Scrub(_) => true,
            Self::Begin(_)
            | Self::Attempt { .. }
            | Self::End(_)
            | Self::Aside(_)
            | Self::Prefer(_)
            | Self::Learn { .. }
            | Self::Rename { .. }
            | Self::Fork { .. }
            | Self::Dismiss(_)
            | Self::Flush => false,
        }
    }
}

/// Told how an order went: rows concerned, or why not.
pub(super) type Told = Box<dyn FnOnce(Result<u64, LedgerError>) + Send>;
