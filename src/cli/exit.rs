//! How a command ends: the exit codes, and the one error type commands return.
//!
//! Invariant: a reader that closed the pipe is not an error.

use std::io;
use std::process::ExitCode;

use crate::domain::{ErrorReport, FilterCode, Finish, OutcomeClass, Reply};
use crate::engine;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Answered, or done.
    Done,
    /// An error.
    Error,
    /// The command line or the configuration is wrong.
    Usage,
    /// No provider could answer whole.
    Unanswered,
    /// A budget, a rule or a veto forbids every model.
    Forbidden,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The number the system gets.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Unanswered => 3,
            Self::Forbidden => 4,
            Self::Interrupted => 130,
        }
    }

    /// The code for a reply that has ended.
    pub fn of(reply: &Reply) -> Self {
        let Some(outcome) = &reply.outcome else { return Self::Interrupted };
        match outcome.finish {
            Finish::Stop | Finish::Length | Finish::ToolCalls => Self::Done,
            Finish::Cancelled => Self::Interrupted,
            Finish::Truncated => Self::Unanswered,
            Finish::ContentFilter => Self::Error,
            Finish::Error => match outcome.error.as_ref().map(|error| error.class) {
                Some(OutcomeClass::Caller | OutcomeClass::Refusal) if !forbidden(reply) => {
                    Self::Error
                }
                _ if forbidden(reply) => Self::Forbidden,
                _ => Self::Unanswered,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A budget refused it; or nothing could be asked, and for at least one model only because it was
/// forbidden.
fn forbidden(reply: &Reply) -> bool {
    let error = reply.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    if error.is_some_and(engine::over_budget) {
        return true;
    }
    let Some(decision) = &reply.decision else { return false };
    decision.chosen().is_none()
        && decision.candidates.iter().any(|candidate| {
            candidate.filtered.iter().all(|reason| {
                matches!(reason.code, FilterCode::Budget | FilterCode::Policy | FilterCode::Vetoed)
            })
        })
}

/// Why a command stops early.
#[derive(Debug)]
pub enum Stop {
    /// Reading or writing failed.
    Io(io::Error),
    /// Something to tell the user, and the code to leave with.
    Say(Exit, String),
}

impl Stop {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Say(Exit::Usage, message.into())
    }

    /// Something went wrong.
    pub fn error(message: impl Into<String>) -> Self {
        Self::Say(Exit::Error, message.into())
    }

    /// What to say, and the code to leave with.
    pub fn story(&self) -> (Exit, Option<String>) {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => (Exit::Done, None),
            Self::Io(error) => (Exit::Error, Some(error.to_string())),
            Self::Say(exit, message) => (*exit, Some(message.clone())),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ErrorReport> for Stop {
    fn from(report: ErrorReport) -> Self {
        let mut message = report.message;
        if !report.hint.is_empty() {
            message.push_str("\n  ");
            message.push_str(&report.hint);
        }
        Self::Say(Exit::Error, message)
    }
}

#[cfg(test)]
#[path = "exit_tests.rs"]
mod tests;
