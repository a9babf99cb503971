//! One attempt, or two side by side: where the first is slower to begin than it usually is, a second
//! model may be asked as well, and whoever gives the first token of an answer wins.
//!
//! Owns: who wins, and that only the winner's pieces reach the reader. Must not know: whether racing
//! is allowed, or what follows. Invariants: a failure never wins; the loser is told to stop and its
//! account is kept; thinking, comments and role chunks win nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::config::{Model, Provider};
use crate::domain::{ErrorReport, Stamps};
use crate::wire::Frame;

use super::super::attempt::{Ended, Pieces};
use super::super::join::Ending;
use super::reader::ToReader;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Second,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// How a race ended.
pub(super) struct Finished<S> {
    pub(super) first: Ended,
    /// The second model, if one was asked, and how that ended.
    pub(super) second: Option<(S, Ended)>,
    /// Who gave the first token of an answer.
    pub(super) winner: Option<Side>,
}

/// Two lanes to one reader.
pub(super) struct Race<'a> {
    inner: Mutex<Inner<'a>>,
    lost: [CancellationToken; 2],
}

struct Inner<'a> {
    reader: ToReader<'a>,
    second: Option<(&'a Provider, &'a Model)>,
    winner: Option<Side>,
}

impl<'a> Race<'a> {
    /// A race with only the first on the course so far.
    pub(super) fn new(reader: ToReader<'a>) -> Self {
        let inner = Inner { reader, second: None, winner: None };
        Self { inner: Mutex::new(inner), lost: Default::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<'a>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The second joins. `false` when the first has already won.
    pub(super) fn joins(&self, provider: &'a Provider, model: &'a Model) -> bool {
        let mut inner = self.inner();
        if inner.winner.is_none() {
            inner.second = Some((provider, model));
        }
        inner.winner.is_none()
    }

    /// Cancelled when this side has lost.
    pub(super) fn lost(&self, side: Side) -> &CancellationToken {
        &self.lost[side as usize]
    }

    /// Where a side's pieces go.
    pub(super) fn lane(&self, side: Side) -> Lane<'_, 'a> {
        Lane { race: self, side }
    }

    /// Nobody has given a token of an answer yet.
    pub(super) fn open(&self) -> bool {
        self.inner().winner.is_none()
    }

    /// Who has won.
    pub(super) fn winner(&self) -> Option<Side> {
        self.inner().winner
    }

    /// The race is over: gives what the reader is still owed, and says who won.
    pub(super) fn finish(self, ending: Ending) -> (Result<(), ErrorReport>, Option<Side>) {
        let mut inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        (inner.reader.finish(ending), inner.winner)
    }

    fn take(&self, side: Side, frame: Frame, stamps: &Stamps) -> Result<(), ErrorReport> {
        let mut inner = self.inner();
        let content = match &frame {
            Frame::Text(text) => !text.trim().is_empty(),
            Frame::ToolCall { .. } => true,
            Frame::Started { .. }
            | Frame::KeepAlive
            | Frame::Reasoning(_)
            | Frame::ReasoningSignature(_)
            | Frame::ServedIn(_)
            | Frame::Usage { .. }
            | Frame::Finish { .. }
            | Frame::Restarted
            | Frame::Error(_)
            | Frame::Malformed(_)
            | Frame::Done => false,
        };
        if content && inner.winner.is_none() {
            inner.winner = Some(side);
            self.lost(side.other()).cancel();
            if let (Side::Second, Some((provider, model))) = (side, inner.second) {
                inner.reader.outrun_by(provider, model);
            }
        }
        // Until somebody has won, the first is the one to watch.
        if inner.winner.unwrap_or(Side::First) == side {
            inner.reader.piece(frame, stamps)
        } else {
            Ok(())
        }
    }
}

/// Where one side's pieces go.
pub(super) struct Lane<'r, 'a> {
    race: &'r Race<'a>,
    side: Side,
}

impl Pieces for Lane<'_, '_> {
    fn piece(&mut self, frame: Frame, stamps: &Stamps) -> Result<(), ErrorReport> {
        self.race.take(self.side, frame, stamps)
    }
}
