//! What the console asks of the ledger, and what it gets: plain values, whoever keeps them.
//!
//! Owns: the shape of questions and answers. Must not know: SQL, files, how long anything takes.
//! Invariant: a question carries everything its answer depends on, so that a late answer can be told
//! from the one that is waited for.

use std::sync::Arc;

use crate::domain::{
    AttemptReport, Cost, Currency, Decision, Finish, Heard, MessageId, ModelName, Money,
    ProviderName, RequestId, Seam, SessionId, UnixMs, Usage, Verdict,
};
use crate::engine::LogEntry;

use super::{ListFilter, PaidIn};

/// Which days costs are added up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CostWindow {
    /// The local day.
    #[default]
    Today,
    /// The last seven days.
    Week,
    /// The last thirty days.
    Month,
    /// Everything there is.
    All,
}

impl CostWindow {
    /// Every window, the shortest first.
    pub const ALL: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::All];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::All => "all",
        }
    }

    /// The next one, round.
    pub const fn next(self) -> Self {
        match self {
            Self::Today => Self::Week,
            Self::Week => Self::Month,
            Self::Month => Self::All,
            Self::All => Self::Today,
        }
    }
}

/// By what costs are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CostGroup {
    /// By model.
    #[default]
    Model,
    /// By provider.
    Provider,
    /// By chat.
    Chat,
    /// By what asked: the chat, `ask`, keeping warm.
    Origin,
}

impl CostGroup {
    /// Every grouping.
    pub const ALL: [Self; 4] = [Self::Model, Self::Provider, Self::Chat, Self::Origin];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Chat => "chat",
            Self::Origin => "origin",
        }
    }

    /// The next one, round.
    pub const fn next(self) -> Self {
        match self {
            Self::Model => Self::Provider,
            Self::Provider => Self::Chat,
            Self::Chat => Self::Origin,
            Self::Origin => Self::Model,
        }
    }
}

/// One row of the costs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CostRow {
    /// What it is about.
    pub name: String,
    /// The chat it is about, where it is about one.
    pub session: Option<SessionId>,
    /// Calls made.
    pub calls: u64,
    /// Prompt tokens, the cached ones included.
    pub input: u64,
    /// Answer tokens, thinking included.
    pub output: u64,
    /// Prompt tokens the provider had cached.
    pub cached_input: u64,
    /// What they cost.
    pub cost: Cost,
}

/// One bar of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostPoint {
    /// The hour (`08`) or the day (`24`), as written under it.
    pub label: String,
    /// What was spent in it.
    pub amount: Money,
}

/// One dear request.
#[derive(Debug, Clone, PartialEq)]
pub struct DearRequest {
    /// Its id.
    pub request: RequestId,
    /// The chat it was asked in; none for what no chat holds.
    pub session: Option<SessionId>,
    /// When.
    pub at: UnixMs,
    /// What it cost.
    pub cost: Cost,
    /// Who answered.
    pub model: ModelName,
    /// The first words asked.
    pub prompt: String,
    /// Prompt tokens.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
}

/// What the same requests would have cost on one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The model.
    pub model: ModelName,
    /// What they would have cost there, as estimated when each was decided.
    pub would: Money,
    /// What those requests did cost.
    pub did: Money,
    /// How many those are.
    pub requests: u64,
}

/// What routing and the cache did about money.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoutingDid {
    /// Requests that are over.
    pub requests: u64,
    /// Of those, answers whose price can be compared: routed, and exactly known.
    pub compared: u64,
    /// What those cost.
    pub spent: Money,
    /// The dearest first; only models that could have answered.
    pub alternatives: Vec<Alternative>,
    /// Answers given from the cache.
    pub cached: u64,
    /// What those would have cost again.
    pub cache_saved: Money,
    /// What the providers' own prompt caches took off.
    pub prefix_saved: Money,
}

/// The costs of a window, by something.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CostReport {
    /// Spent today.
    pub today: Cost,
    /// Spent this month.
    pub month: Cost,
    /// The dearest first.
    pub rows: Vec<CostRow>,
    /// Failed and abandoned attempts, in the rows already.
    pub lost: CostRow,
    /// Everything.
    pub total: CostRow,
    /// There may be more than these rows, all cheaper.
    pub cut: bool,
    /// Oldest first, without gaps.
    pub series: Vec<CostPoint>,
    /// The dearest requests, the dearest first.
    pub dearest: Vec<DearRequest>,
    /// What routing did.
    pub routing: RoutingDid,
}

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
}

/// A chat, whole: the branch that was talked in last, or the one that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSession {
    /// Its id.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// The system prompt it was held under; none where that was given in private.
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

/// A form a chat is written out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportAs {
    /// Markdown.
    Markdown,
    /// JSON.
    Json,
    /// One HTML page.
    Html,
}

/// A form the table of costs is written out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableForm {
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
}

/// The table of costs as it is shown, to be written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostsTable {
    /// Of which days.
    pub window: CostWindow,
    /// By what.
    pub group: CostGroup,
    /// Only rows whose name holds this; empty for all.
    pub filter: String,
    /// The currency amounts are shown in.
    pub currency: Currency,
    /// As what.
    pub form: TableForm,
}

/// A question to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recall {
    /// The costs.
    Costs {
        /// Of which days.
        window: CostWindow,
        /// By what.
        group: CostGroup,
    },
    /// Write the table of costs to a new file.
    ExportCosts(CostsTable),
    /// Chats, the newest first; those that hold a text, if one is given.
    Sessions {
        /// The text; empty for all.
        query: String,
    },
    /// One chat, on the way that was talked in last.
    Open(SessionId),
    /// One chat, on the way that leads by a place.
    OpenAt(SessionId, Spot),
    /// The ways a chat went.
    Branches {
        /// Which chat.
        id: SessionId,
        /// The last question shown of it.
        shown: MessageId,
    },
    /// How a request was routed that the log of this run does not have.
    Why(RequestId),
    /// Give a chat a title.
    Rename {
        /// Which.
        id: SessionId,
        /// Its title.
        title: String,
    },
    /// Go on with what was said in one chat in another.
    Fork {
        /// Where it was said.
        from: SessionId,
        /// The copy.
        to: SessionId,
        /// Its title.
        title: String,
    },
    /// Remove a chat for good.
    Delete(SessionId),
    /// Write a chat to a file.
    Export {
        /// Which.
        id: SessionId,
        /// As what.
        form: ExportAs,
    },
    /// What another policy would have done with the decisions since a moment.
    Replay {
        /// The policy.
        policy: String,
        /// Since when.
        since: UnixMs,
    },
}

/// An answer of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub enum Recalled {
    /// The costs.
    Costs(Box<CostReport>),
    /// Chats.
    Sessions(Vec<SessionLine>),
    /// A chat.
    Session(Box<KeptSession>),
    /// The ways a chat went, the newest first.
    Branches(Vec<Branch>),
    /// How a request was routed.
    Why(Box<LogEntry>),
    /// It was done; what, in words.
    Done(String),
    /// Something to read, in lines.
    Report(String),
}

/// How far an answer that is waited for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Waiting {
    /// Nothing was asked.
    #[default]
    No,
    /// An answer is on its way.
    Yes,
    /// One is on its way and is out of date already: ask once more when it is here.
    Again,
}

/// What a filter leaves of the rows of the costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrowed {
    /// Which rows, the dearest first.
    pub rows: Vec<usize>,
    /// Those in one.
    pub total: CostRow,
}

/// What can be opened from the Costs view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostItem {
    /// A chat, from its row.
    Chat(SessionId),
    /// One of the dearest requests.
    Request(RequestId),
}

/// The Costs view.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CostsState {
    /// Of which days.
    pub window: CostWindow,
    /// By what.
    pub group: CostGroup,
    /// What was found last, and for what.
    pub shown: Option<(CostWindow, CostGroup, Box<CostReport>)>,
    /// Whether an answer is on its way.
    pub waiting: Waiting,
    /// Why the last question was not answered.
    pub trouble: Option<String>,
    /// First line shown.
    pub top: usize,
    /// What Enter opens.
    pub chosen: Option<CostItem>,
    /// Which rows are shown.
    pub filter: ListFilter,
    /// What that leaves, while it holds.
    pub narrowed: Option<Narrowed>,
    /// The currency chosen by hand; what the configuration says where none was.
    pub currency: Option<Currency>,
}

/// The chats known of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionsState {
    /// The newest, for the column on the left.
    pub recent: Vec<SessionLine>,
    /// A question for them is on its way.
    pub waiting: Waiting,
    /// The chat that is being opened at a place, and that place.
    pub opening: Option<(SessionId, Spot)>,
    /// What an earlier run left cut off has been looked for.
    pub looked_for_cuts: bool,
}
