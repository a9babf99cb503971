//! The routing log of this run: what was asked, decided, tried, and came of it. Bounded.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{AttemptReport, Decision, Evidence, Outcome, Request, RequestId, UnixMs};
use crate::route::DecisionInput;

use super::LogEntry;

/// Entries kept; the ledger keeps the rest.
const KEPT: usize = 500;

/// Characters of the prompt kept with an entry.
const PROMPT_CHARS: usize = 120;

/// The log. Entries are shared with snapshots and replaced, never changed in place.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Arc<Vec<Arc<LogEntry>>>,
}

impl Log {
    /// The entries, oldest first.
    pub(super) fn entries(&self) -> Arc<Vec<Arc<LogEntry>>> {
        Arc::clone(&self.entries)
    }

    pub(super) fn begin(
        &mut self,
        request: &Request,
        decision: Arc<Decision>,
        input: Arc<DecisionInput>,
        decided_in: Duration,
        at: UnixMs,
    ) {
        let prompt = request.last_user_text();
        let entry = LogEntry {
            request: request.id,
            session: request.session,
            origin: request.origin,
            at,
            prompt: prompt
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars()
                .take(PROMPT_CHARS)
                .collect(),
            decision,
            input,
            decided_in,
            attempts: Vec::new(),
            doubts: Vec::new(),
            outcome: None,
        };
        let entries = Arc::make_mut(&mut self.entries);
        if entries.len() >= KEPT {
            entries.remove(0);
        }
        entries.push(Arc::new(entry));
    }

    pub(super) fn attempt(&mut self, request: RequestId, report: AttemptReport) {
        self.change(request, |entry| entry.attempts.push(report));
    }

    /// What one of its attempts gives reason to doubt, though it was answered.
    pub(super) fn doubt(&mut self, request: RequestId, doubt: Evidence) {
        self.change(request, |entry| entry.doubts.push(doubt));
    }

    /// What a request was decided from.
    pub(super) fn input(&self, request: RequestId) -> Option<Arc<DecisionInput>> {
        let entry = self.entries.iter().rev().find(|entry| entry.request == request)?;
        Some(Arc::clone(&entry.input))
    }

    pub(super) fn end(&mut self, request: RequestId, outcome: Outcome) {
        self.change(request, |entry| entry.outcome = Some(outcome));
    }

    fn change(&mut self, request: RequestId, change: impl FnOnce(&mut LogEntry)) {
        let entries = Arc::make_mut(&mut self.entries);
        if let Some(entry) = entries.iter_mut().rev().find(|entry| entry.request == request) {
            change(Arc::make_mut(entry));
        }
    }
}
