//! Chats as they were kept: their lines in a list, their messages, the ways they went.
//!
//! Must not know: SQL, files, how any of it is drawn.

use std::sync::Arc;

use crate::domain::{
    AttemptReport, Audience, Cost, Decision, Finish, Heard, MessageId, ModelName, ProviderName,
    RequestId, Seam, SessionId, UnixMs, Usage, Verdict,
};

use super::PaidIn;

/// The text around what was looked for, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text.
    pub text: String,
    /// Where in it what was looked for stands: bytes from and to.
    pub found: (usize, usize),
    /// The message it is from.
    pub message: MessageId,
}

impl Excerpt {
    /// What comes before, what was looked for, and what comes after.
    pub fn parts(&self) -> (&str, &str, &str) {
        let (from, to) = self.found;
        let at = |byte: usize| self.text.floor_char_boundary(byte.min(self.text.len()));
        let (from, to) = (at(from), at(to).max(at(from)));
        (&self.text[..from], &self.text[from..to], &self.text[to..])
    }
}

/// A chat in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionLine {
    /// Its id.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// When anything was last said in it.
    pub updated: UnixMs,
    /// Messages in it.
    pub messages: u64,
    /// What it cost.
    pub cost: Cost,
    /// The chat it was forked from.
    pub forked_from: Option<SessionId>,
    /// Where what was searched for was found: the words around it.
    pub hit: Option<Excerpt>,
    /// An answer in it was cut off because the program died.
    pub interrupted: bool,
}

impl SessionLine {
    /// Does it hang under the chat in the line above: as its copy, or as another copy of the same?
    pub fn hangs_under(&self, above: Option<&Self>) -> bool {
        let from = self.forked_from;
        from.is_some()
            && above.is_some_and(|above| Some(above.id) == from || above.forked_from == from)
    }

    /// The same chats, copies under the chat they are of, where that is among them. A family stands
    /// where its newest member stood.
    pub fn families(lines: Vec<Self>) -> Vec<Self> {
        let root = |line: &Self| {
            let (mut id, mut from) = (line.id, line.forked_from);
            for _ in 0..lines.len() {
                let Some(parent) = lines.iter().find(|other| Some(other.id) == from) else { break };
                (id, from) = (parent.id, parent.forked_from);
            }
            id
        };
        let roots: Vec<SessionId> = lines.iter().map(root).collect();
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|&n| {
            let family = roots.iter().position(|id| *id == roots[n]);
            (family, lines[n].id != roots[n], n)
        });
        let mut lines: Vec<Option<Self>> = lines.into_iter().map(Some).collect();
        order.into_iter().filter_map(|n| lines.get_mut(n).and_then(Option::take)).collect()
    }
}

/// A question and the answers to it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTurn {
    /// Its id.
    pub id: MessageId,
    /// When it was asked.
    pub at: UnixMs,
    /// What was asked.
    pub text: String,
    /// The model it was for, where one was named with it.
    pub model: Option<ModelName>,
    /// Marks for rules, without the `#`.
    pub tags: Vec<String>,
    /// How far it got.
    pub heard: Heard,
    /// What came back, each time it was asked; the one the chat went on from is the last.
    pub answers: Vec<KeptAnswer>,
}

/// An answer as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAnswer {
    /// The request it was for.
    pub request: RequestId,
    /// When.
    pub at: UnixMs,
    /// What it says.
    pub text: String,
    /// The thinking before it.
    pub reasoning: String,
    /// Who gave it.
    pub model: Option<ModelName>,
    /// Their provider.
    pub provider: Option<ProviderName>,
    /// How it ended; `None` when the program died before it did.
    pub finish: Option<Finish>,
    /// Tokens.
    pub usage: Usage,
    /// What it cost.
    pub cost: Cost,
    /// Milliseconds until the first text.
    pub wait_ms: Option<u64>,
    /// The answering attempt's first token, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// Milliseconds in all.
    pub total_ms: u64,
    /// Where it came from without a call: `memory`, `redis`, `shared`.
    pub cached: Option<String>,
    /// What the cache did, and why, in words.
    pub cache_note: Option<String>,
    /// Where models took over from one another.
    pub seams: Vec<Seam>,
    /// Whether it is whole.
    pub verdict: Option<Verdict>,
    /// Its attempts, in turn.
    pub attempts: Vec<AttemptReport>,
    /// How it was decided who is asked, where that is still kept.
    pub decision: Option<Arc<Decision>>,
    /// Where it was paid.
    pub paid: PaidIn,
    /// What went wrong, in words; of one nobody gave.
    pub problem: Option<String>,
}

/// A chat, whole: the branch that was talked in last, or the one that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSession {
    /// Its id.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// The system prompt it was held under.
    pub system: Option<String>,
    /// Who may get to see that: it was given in private, or was not.
    pub system_for: Audience,
    /// What was spent in it, on every branch and on attempts that failed.
    pub cost: Cost,
    /// Oldest first.
    pub turns: Vec<KeptTurn>,
    /// Answers on other branches, without their words: they were paid all the same.
    pub replaced: Vec<KeptAnswer>,
    /// How many other ways it went.
    pub branches: usize,
}

/// A place in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spot {
    /// A question, or an answer by its message.
    Message(MessageId),
    /// An answer by its request.
    Answer(RequestId),
}

/// One of the ways a chat went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its newest message.
    pub end: MessageId,
    /// When that was said.
    pub at: UnixMs,
    /// Messages on it, from the first.
    pub messages: usize,
    /// The first question on it that is not on the one shown; on that, its last.
    pub text: String,
    /// It is the one shown.
    pub shown: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u128, from: Option<u128>) -> SessionLine {
        let id = |n| SessionId(uuid::Uuid::from_u128(n));
        SessionLine {
            id: id(n),
            title: String::new(),
            updated: UnixMs(0),
            messages: 0,
            cost: Cost::ZERO,
            forked_from: from.map(id),
            hit: None,
            interrupted: false,
        }
    }

    #[test]
    fn a_copy_stands_under_its_chat_and_hangs_on_nothing_where_that_is_not_there() {
        let lines = vec![
            line(5, Some(2)),
            line(4, None),
            line(3, Some(99)),
            line(2, None),
            line(1, Some(2)),
        ];
        let lines = SessionLine::families(lines);
        let told: Vec<(u128, bool)> = (0..lines.len())
            .map(|n| {
                let above = n.checked_sub(1).and_then(|above| lines.get(above));
                (lines[n].id.0.as_u128(), lines[n].hangs_under(above))
            })
            .collect();
        assert_eq!(told, [(2, false), (5, true), (1, true), (4, false), (3, false)]);
        // A copy of a copy, and two that claim to be copies of one another.
        let lines = vec![line(3, Some(2)), line(2, Some(1)), line(1, None)];
        let ids: Vec<u128> =
            SessionLine::families(lines).iter().map(|line| line.id.0.as_u128()).collect();
        assert_eq!(ids, [1, 3, 2]);
        assert_eq!(SessionLine::families(vec![line(1, Some(2)), line(2, Some(1))]).len(), 2);
    }
}
