//! What could not be written and waits to be tried again: while the file is locked by another program,
//! the disk is full, or its place may not be written.
//!
//! Must not know: SQL, threads. Bounded: past [`ORDERS`] orders the oldest is given up, past [`WORDS`]
//! bytes the oldest keep their figures alone (what they cost stays counted), and both are counted for
//! whoever tells people. Only what records waits here; what a person asked to be done is told to have
//! failed and not done behind their back later. Invariants: what waits is handed on in the order it
//! came; a request waits once: its end takes the place of its beginning and its attempts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::{Part, RequestId, SessionId};

use super::order::{Begin, Keep, Order};

/// Orders that may wait: some thousand requests whose figures take a few tens of megabytes.
pub(super) const ORDERS: usize = 2_048;

/// Bytes of text that may wait.
const WORDS: usize = 64 << 20;

/// The first try again comes after this, each further one after twice the time before it…
const FIRST: Duration = Duration::from_millis(250);

/// …up to this.
const LONGEST: Duration = Duration::from_secs(30);

/// How far keeping is behind, and what became of what waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Behind {
    /// Requests and lines of spending that wait to be written.
    pub waiting: u64,
    /// That were written after all, since the ledger was opened.
    pub late: u64,
    /// Of which only the figures are kept, since too much text waited.
    pub wordless: u64,
    /// That were given up: too many waited, or they could never be written.
    pub lost: u64,
}

impl Behind {
    /// What came about since an earlier look.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            waiting: self.waiting,
            late: self.late.saturating_sub(before.late),
            wordless: self.wordless.saturating_sub(before.wordless),
            lost: self.lost.saturating_sub(before.lost),
        }
    }

    /// An earlier look and what came about since, together.
    pub fn and(&self, since: &Self) -> Self {
        Self {
            waiting: since.waiting,
            late: self.late + since.late,
            wordless: self.wordless + since.wordless,
            lost: self.lost + since.lost,
        }
    }
}

/// What waits.
#[derive(Default)]
pub(super) struct Backlog {
    orders: VecDeque<(Order, usize)>,
    words: usize,
    /// Requests of which something waits, and how many orders.
    requests: HashMap<RequestId, usize>,
    /// Lines of spending that belong to none.
    asides: u64,
    again: Option<Instant>,
    /// The last wait, while trying has failed.
    wait: Option<Duration>,
    behind: Behind,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// When to try again; `None` where nothing failed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.again
    }

    pub(super) fn behind(&self) -> Behind {
        Behind { waiting: self.waiting(), ..self.behind }
    }

    fn waiting(&self) -> u64 {
        self.requests.len() as u64 + self.asides
    }

    /// The next to be written, oldest first.
    pub(super) fn next(&self, count: usize) -> Vec<&Order> {
        self.orders.iter().take(count).map(|(order, _)| order).collect()
    }

    /// The oldest were written, but for so many of them that never can be.
    pub(super) fn written(&mut self, count: usize, never: usize) {
        let before = self.waiting();
        for _ in 0..count {
            self.pop();
        }
        let (over, never) = (before - self.waiting(), never as u64);
        self.behind.late += over.saturating_sub(never);
        self.behind.lost += never;
    }

    /// Trying failed: the next time is further away than the one before.
    pub(super) fn failed(&mut self, now: Instant) {
        let wait = self.wait.map_or(FIRST, |wait| (wait * 2).min(LONGEST));
        (self.again, self.wait) = (Some(now + wait), Some(wait));
    }

    /// It is tried now.
    pub(super) fn tried(&mut self) {
        self.again = None;
    }

    /// It worked.
    pub(super) fn calm(&mut self) {
        (self.again, self.wait) = (None, None);
    }

    /// Something changed that may help.
    pub(super) fn hurry(&mut self, now: Instant) {
        (self.again, self.wait) = (Some(now), None);
    }

    /// Nothing here can ever be written.
    pub(super) fn give_up(&mut self) {
        self.behind.lost += self.waiting();
        self.orders.clear();
        self.requests.clear();
        self.asides = 0;
        self.words = 0;
        self.calm();
    }

    /// Puts an order behind those that wait, if it is one that waits.
    pub(super) fn owe(&mut self, order: Order) {
        let Some(request) = about(&order) else {
            if matches!(order, Order::Aside(_)) {
                self.asides += 1;
                self.push(order);
            }
            return;
        };
        match &order {
            Order::Begin(_) if self.requests.contains_key(&request) => return,
            Order::End(_) if self.requests.contains_key(&request) => {
                self.requests.remove(&request);
                let words = &mut self.words;
                self.orders.retain(|(earlier, weight)| {
                    let stays = about(earlier) != Some(request);
                    *words -= if stays { 0 } else { *weight };
                    stays
                });
            }
            _ => {}
        }
        *self.requests.entry(request).or_default() += 1;
        self.push(order);
    }

    /// A conversation was removed: no word of it is written later.
    pub(super) fn forget(&mut self, session: SessionId) {
        for (order, weight) in &mut self.orders {
            if of_session(order) == Some(session) {
                strip(order);
                self.words -= std::mem::take(weight);
            }
        }
    }

    fn push(&mut self, order: Order) {
        let weight = words(&order);
        self.words += weight;
        self.orders.push_back((order, weight));
        if self.orders.len() > ORDERS {
            let before = self.waiting();
            self.pop();
            self.behind.lost += before - self.waiting();
        }
        let mut oldest = self.orders.iter_mut();
        while self.words > WORDS {
            let Some((order, weight)) = oldest.next() else { break };
            if *weight > 0 {
                strip(order);
                self.words -= std::mem::take(weight);
                self.behind.wordless += 1;
            }
        }
    }

    fn pop(&mut self) {
        let Some((order, weight)) = self.orders.pop_front() else { return };
        self.words -= weight;
        match about(&order) {
            None => self.asides -= 1,
            Some(request) => {
                let left = self.requests.get_mut(&request).map(|left| {
                    *left -= 1;
                    *left
                });
                if left == Some(0) {
                    self.requests.remove(&request);
                }
            }
        }
    }
}

/// The request an order tells of.
fn about(order: &Order) -> Option<RequestId> {
    Some(begin_of(order)?.request.id)
}

fn of_session(order: &Order) -> Option<SessionId> {
    begin_of(order)?.request.session
}

fn begin_of(order: &Order) -> Option<&Begin> {
    match order {
        Order::Begin(begin) | Order::Attempt { begin, .. } => Some(begin),
        Order::End(end) => Some(&end.begin),
        Order::Aside(_)
        | Order::Prefer(_)
        | Order::Learn { .. }
        | Order::Rename { .. }
        | Order::Remove(_)
        | Order::Purge { .. }
        | Order::Scrub(_)
        | Order::Fork { .. }
        | Order::Dismiss(_)
        | Order::Flush => None,
    }
}

/// Bytes of text in an order that would be kept. Of an attempt none: what it hangs on is counted with
/// its beginning.
fn words(order: &Order) -> usize {
    let asked = |begin: &Begin| match begin.keep {
        Keep::Figures => 0,
        Keep::All => {
            let parts = begin.request.messages.iter().flat_map(|message| &message.parts);
            parts.map(part_bytes).sum::<usize>()
                + begin.request.system.as_ref().map_or(0, String::len)
        }
    };
    if let Order::Begin(begin) = order {
        return asked(begin);
    }
    let Order::End(end) = order else { return 0 };
    let calls = end.tool_calls.iter().map(|call| call.arguments.len()).sum::<usize>();
    asked(&end.begin) + end.text.len() + end.reasoning.len() + calls
}

fn part_bytes(part: &Part) -> usize {
    match part {
        Part::Text { text } | Part::Reasoning { text, .. } => text.len(),
        Part::Image { source, .. } => source.len(),
        Part::ToolCall { arguments, .. } => arguments.len(),
        Part::ToolResult { content, .. } => content.len(),
        Part::Other { value } => value.to_string().len(),
    }
}

/// Leaves the figures of an order.
fn strip(order: &mut Order) {
    let figures = |begin: &mut Arc<Begin>| {
        let mut bare = Begin::clone(begin);
        bare.keep = Keep::Figures;
        bare.request.messages.clear();
        bare.request.tools.clear();
        bare.request.system = None;
        *begin = Arc::new(bare);
    };
    if let Order::Begin(begin) | Order::Attempt { begin, .. } = order {
        figures(begin);
    } else if let Order::End(end) = order {
        figures(&mut end.begin);
        end.text.clear();
        end.reasoning.clear();
        end.tool_calls.clear();
    }
}

#[cfg(test)]
#[path = "backlog_tests.rs"]
mod tests;
