//! Chats as they were kept: their lines in a list, their messages, the ways they went.
//!
//! Must not know: SQL, files, how any of it is drawn.

use std::sync::Arc;

use crate::domain::{
    AttemptReport, Cost, Decision, Finish, MessageId, ModelName, ProviderName, RequestId, Seam,
    SessionId, UnixMs, Usage, Verdict,
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
