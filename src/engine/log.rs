//! The routing log of this run: what was asked, decided, tried, and came of it. Bounded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    AttemptReport, Decision, Evidence, Outcome, Privacy, Request, RequestId, SessionId, UnixMs,
};
use crate::route::DecisionInput;

use super::LogEntry;

/// Entries kept; the ledger keeps the rest.
const KEPT: usize = 500;

/// What stands for the words of a private chat that was left.
pub const LEFT: &str = "(private)";

/// Characters of the prompt kept with an entry.
const PROMPT_CHARS: usize = 120;

/// The log. Entries are shared with snapshots and replaced, never changed in place.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Arc<Vec<Arc<LogEntry>>>,
    /// Private chats that were left, and when.
    left: HashMap<SessionId, UnixMs>,
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
        // One that was on its way when its chat was left comes too late to say its words.
        let left = request.session.and_then(|session| self.left.get(&session));
        let said = left.is_none_or(|left| at > *left) || request.privacy == Privacy::Open;
        let prompt = if said { request.last_user_text() } else { LEFT.to_owned() };
        let entry = LogEntry {
            request: request.id,
            session: request.session,
            origin: request.origin,
            at,
            privacy: request.privacy,
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

    /// A private chat was left: of what was asked in it the figures stay, and no word.
    pub(super) fn leave(&mut self, session: SessionId, now: UnixMs) {
        self.left.insert(session, now);
        let private =
            |entry: &LogEntry| entry.session == Some(session) && entry.privacy == Privacy::Private;
        for entry in Arc::make_mut(&mut self.entries).iter_mut().filter(|entry| private(entry)) {
            LEFT.clone_into(&mut Arc::make_mut(entry).prompt);
        }
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Origin, ReaderKind};
    use crate::route;

    const CHAT: SessionId = SessionId(Uuid::from_u128(1));

    fn ask(log: &mut Log, text: &str, privacy: Privacy, at: UnixMs) {
        let id = RequestId(Uuid::now_v7());
        let mut request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, text);
        (request.session, request.privacy) = (Some(CHAT), privacy);
        let input = route::sample::input(route::features(&request));
        let decision = Arc::new(route::decide(&input));
        log.begin(&request, decision, Arc::new(input), Duration::ZERO, at);
    }

    #[test]
    fn the_words_of_a_private_chat_go_when_it_is_left_and_its_figures_stay() {
        let mut log = Log::default();
        ask(&mut log, "hello", Privacy::Open, UnixMs(1));
        ask(&mut log, "my pin is 4711", Privacy::Private, UnixMs(2));
        log.leave(CHAT, UnixMs(5));
        // What was on its way is told of later.
        ask(&mut log, "and my code 99", Privacy::Private, UnixMs(4));
        // The chat goes on, and in private once more.
        ask(&mut log, "open", Privacy::Open, UnixMs(4));
        ask(&mut log, "a secret", Privacy::Private, UnixMs(9));
        let prompts: Vec<String> = log.entries().iter().map(|entry| entry.prompt.clone()).collect();
        assert_eq!(prompts, ["hello", LEFT, LEFT, "open", "a secret"]);
        assert!(log.entries().iter().all(|entry| entry.session == Some(CHAT)));
    }
}
