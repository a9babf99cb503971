//! What can lie over a view: palette, override picker, help, history search, rewind, test card.
//!
//! Owns: each overlay's own state. Must not know how it is drawn. Invariant: `hits` are indices into
//! `items` (or `rows`), best first, and `selected` is an index into `hits` while any exist.

use std::sync::Arc;

use crate::console::keys::{Action, HelpGroup};
use crate::domain::{Decision, ModelName, Price, ProviderName, RequestId, SessionId, UnixMs};
use crate::route::HealthState;

use super::{Branch, LineInput, SessionLine, Waiting};

/// What lies over the view. Only one at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// Every action and command, by name.
    Palette(Palette),
    /// Choose another model, and for how long.
    Picker(OverridePicker),
    /// Keys of the focused pane, each line runnable.
    Help(Help),
    /// Earlier prompts.
    History(HistorySearch),
    /// Earlier messages of this chat, to edit and send again.
    Rewind(Rewind),
    /// The ways this chat went, to go on with one.
    Branches(Branches),
    /// Where the draft would go; nothing was sent.
    Test(TestCard),
    /// May a message go over a budget?
    Confirm(Confirm),
    /// Chats, to open one.
    Sessions(SessionList),
}

/// Chats, searched by title and by what was said in them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionList {
    /// What is typed.
    pub query: LineInput,
    /// What was found, the newest first; `None` until the first answer.
    pub items: Option<Vec<SessionLine>>,
    /// For what it was found.
    pub found_for: String,
    /// The items are those of the last time, until the first answer.
    pub old: bool,
    /// Which.
    pub selected: usize,
    /// Whether an answer is on its way.
    pub waiting: Waiting,
    /// Why there is none.
    pub trouble: Option<String>,
    /// The chat whose removal waits for the second press.
    pub removing: Option<SessionId>,
}

/// What an item of the palette or help does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// An action.
    Action(Action),
    /// A command line, as if typed.
    Command(String),
}

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteItem {
    /// What it says: `Routes: open log`.
    pub title: String,
    /// Its key, as shown; empty when it has none.
    pub keys: String,
    /// What it does.
    pub run: Run,
}

/// The palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// What is typed.
    pub query: LineInput,
    /// Everything there is.
    pub items: Vec<PaletteItem>,
    /// What matches, best first.
    pub hits: Vec<usize>,
    /// Which of the hits.
    pub selected: usize,
}

/// For how long a picked model holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickScope {
    /// The draft (or the message sent again).
    Message,
    /// This chat.
    Chat,
    /// One hour, everywhere.
    Hour,
    /// Until undone.
    Always,
    /// Messages with this tag, until undone.
    Tag(String),
}

/// What the picker picks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickFor {
    /// The draft.
    Draft,
    /// The message in this cell is sent again to the picked model.
    Resend(usize),
}

/// What a row of the picker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Back to the router.
    Auto {
        /// The policy in force.
        policy: String,
        /// What it would pick for this draft.
        would: Option<ModelName>,
    },
    /// A model.
    Model(ModelName),
}

/// A row of the picker.
#[derive(Debug, Clone, PartialEq)]
pub struct PickRow {
    /// What it picks.
    pub pick: Pick,
    /// Its provider.
    pub provider: Option<ProviderName>,
    /// Dollars per million prompt and answer tokens; `None` when unknown.
    pub price: Option<(Price, Price)>,
    /// Median milliseconds to first token; the prior with `measured` false.
    pub ttft_ms: Option<u64>,
    /// The time was measured, not assumed.
    pub measured: bool,
    /// Its health.
    pub state: HealthState,
    /// Context window in tokens.
    pub context: u64,
    /// It was used lately in this run.
    pub recent: bool,
    /// A pin names it.
    pub pinned: bool,
    /// Why auto would not take it, in a few words; empty when it would.
    pub unusable: String,
    /// Words it can be found by: name, provider, `free`, `<$1`, `local`, `vision`, `128k`.
    pub words: String,
}

/// The override picker.
#[derive(Debug, Clone, PartialEq)]
pub struct OverridePicker {
    /// What is typed.
    pub query: LineInput,
    /// What for.
    pub target: PickFor,
    /// Everything there is.
    pub rows: Vec<PickRow>,
    /// What matches, best first.
    pub hits: Vec<usize>,
    /// Which of the hits.
    pub selected: usize,
    /// The scopes offered.
    pub scopes: Vec<PickScope>,
    /// Which of them.
    pub scope: usize,
}

/// One runnable line of help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpLine {
    /// Its column.
    pub group: HelpGroup,
    /// Its keys, as shown: `⏎`, `^J`.
    pub keys: String,
    /// What it does.
    pub doc: String,
    /// The action.
    pub action: Action,
}

/// Help for the focused pane.
#[derive(Debug, Clone, PartialEq)]
pub struct Help {
    /// What it is for: `Chat, composer`.
    pub title: String,
    /// The filter, once `/` was pressed.
    pub filter: Option<LineInput>,
    /// Every line, in groups.
    pub items: Vec<HelpLine>,
    /// What matches the filter.
    pub hits: Vec<usize>,
    /// Which of the hits.
    pub selected: usize,
}

/// Earlier prompts, searched.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySearch {
    /// What is typed.
    pub query: LineInput,
    /// Prompts, newest first.
    pub items: Vec<String>,
    /// What matches, newest first.
    pub hits: Vec<usize>,
    /// Which of the hits.
    pub selected: usize,
}

/// Earlier messages of this chat, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// Indices of user cells, newest first.
    pub items: Vec<usize>,
    /// Which.
    pub selected: usize,
}

/// The ways this chat went, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches {
    /// All of them.
    pub items: Vec<Branch>,
    /// Which.
    pub selected: usize,
}

/// Where the draft would go.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCard {
    /// The prompt.
    pub prompt: String,
    /// The decision; `None` until it is made.
    pub decision: Option<Arc<Decision>>,
}

/// A message that would go over a budget that asks first. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// What it could cost, and what is left.
    pub question: String,
    /// Who fits into the budget and would answer instead.
    pub fits: Option<ModelName>,
    /// The request that was refused.
    pub reply: RequestId,
}

/// A request a budget asks about before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// The request.
    pub request: RequestId,
    /// From when on a key may be an answer; before the question is shown, when that may be.
    pub from: UnixMs,
    /// It is on the screen. Otherwise it waits for a hand to stop writing.
    pub stands: bool,
    /// The letter that answers it and when it was typed: an answer unless more is typed at once.
    pub given: Option<(char, UnixMs)>,
}

/// What is offered under the caret while a word is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What kind of word it completes.
    pub kind: CompletionKind,
    /// What is offered, best first.
    pub items: Vec<CompletionItem>,
    /// Which.
    pub selected: usize,
    /// Byte offset in the caret's line where the word begins (the `@`, `:` or `/` included).
    pub from: usize,
}

/// What kind of word is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompletionKind {
    /// `@model`: becomes a chip.
    Model,
    /// `:floor`: the policy of this message.
    Policy,
    /// `/command`.
    Command,
    /// A command's argument.
    Argument,
}

/// One offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionItem {
    /// What is put in.
    pub text: String,
    /// What it is, dim beside it; what stands after two spaces gives way where there is no room.
    pub detail: String,
}
