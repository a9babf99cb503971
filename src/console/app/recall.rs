//! What the console asks of the ledger, and what it gets: plain values, whoever keeps them.
//!
//! Owns: the shape of questions and answers. Must not know: SQL, files, how long anything takes.
//! Invariant: a question carries everything its answer depends on, so that a late answer can be told
//! from the one that is waited for.

use crate::domain::{Cost, Currency, MessageId, ModelName, Money, RequestId, SessionId, UnixMs};
use crate::engine::LogEntry;

use super::{Branch, KeptSession, ListFilter, SessionLine, Spot};

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
    pub cost: Cost,
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
    /// The tokens are ours, not the provider's.
    pub estimated: bool,
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
    /// Of those, answered.
    pub answered: u64,
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
    /// Attempts whose reader stopped them, in the rows already.
    pub stopped: CostRow,
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
        /// The last question on the screen: the way it is on is copied.
        shown: Option<MessageId>,
    },
    /// Remove a chat for good.
    Delete(SessionId),
    /// Write a chat to a file.
    Export {
        /// Which.
        id: SessionId,
        /// As what.
        form: ExportAs,
        /// The last question on the screen: on the way it is on.
        shown: Option<MessageId>,
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
