//! Everything the console shows, as one plain value. Drawing is a read of it.
//!
//! Owns: the shape of the state. Must not know: the terminal, tasks, providers. Invariants: only
//! [`super::update()`] changes it; phases are enums, so a state that makes no sense cannot be
//! written; no clock is read: `now` is the moment of the last message.

use std::sync::Arc;

use crate::console::composer::{Composer, Draft};
use crate::console::keys::{Chord, Context, Keymap};
use crate::domain::{Audience, Decision, ModelName, RequestId, SessionId, UnixMs};
use crate::engine::{Command, LogEntry, Snapshot};
use crate::route::DecisionInput;

use super::{
    Asking, Cell, Completion, CostsState, FaultBoard, FirstRun, Geometry, IdMint, Layout,
    LineInput, Locate, Looks, Overlay, PrivateChat, ReplyCell, SavedSum, SessionsState, Size,
    TerminalCaps, Tone, Transcript,
};

/// A view of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum View {
    /// The conversation.
    #[default]
    Chat,
    /// The routing log.
    Routes,
    /// What was spent.
    Costs,
}

impl View {
    /// Every view, in the order of its digit.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Routes, Self::Costs];

    /// The digit that opens it.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Chat => 1,
            Self::Routes => 2,
            Self::Costs => 4,
        }
    }

    /// Its name: on the top line, in commands, in the docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Routes => "Routes",
            Self::Costs => "Costs",
        }
    }
}

/// Which pane takes keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Focus {
    /// The draft.
    #[default]
    Composer,
    /// The transcript: single letters are actions here, never text.
    Read,
    /// The view's list.
    List,
    /// The pane that explains the list's selection.
    Detail,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stage {
    /// The first screen, before there is anything to talk to.
    FirstRun(Box<FirstRun>),
    /// The views.
    #[default]
    Main,
}

/// How far the engine has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EnginePhase {
    /// Not asked to start: the first screen is up.
    #[default]
    NotStarted,
    /// Starting.
    Starting,
    /// Runs.
    Ready,
    /// Did not start; why.
    Failed(String),
}

/// How the view computes [`Geometry`]: a plain function, so that the state needs no view.
pub type Measure = fn(&AppState) -> Geometry;

/// A short message that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How loud.
    pub tone: Tone,
    /// What it says.
    pub text: String,
    /// When it goes.
    pub until: UnixMs,
}

/// What the draft would do, decided without sending.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The draft's revision it was decided for; older than the composer's means it is catching up.
    pub draft: u64,
    /// The decision.
    pub decision: Arc<Decision>,
}

/// A prompt that waits for the reply before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// What was typed, to take it back.
    pub draft: Draft,
    /// What will be sent.
    pub text: String,
    /// The model named for it.
    pub model: Option<ModelName>,
    /// The policy named for it.
    pub policy: Option<String>,
    /// Marks.
    pub tags: Vec<String>,
}

/// Whether queued prompts go out by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QueuePhase {
    /// The next goes when the reply before it is done.
    #[default]
    Flowing,
    /// The user stopped a reply: Enter on an empty draft sends the next.
    Held,
}

/// Looking for a text in the transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// What is looked for.
    pub query: LineInput,
    /// Typing it, or walking through hits.
    pub phase: FindPhase,
    /// Cells and line numbers within them that hold it, top to bottom.
    pub hits: Vec<(usize, usize)>,
    /// Which of the hits.
    pub at: usize,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindPhase {
    /// It is being typed.
    Typing,
    /// `n` and `N` walk.
    Walking,
}

/// Which entries the Routes list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListFilter {
    /// What is typed; matches prompt, model, provider, reason.
    pub query: LineInput,
    /// Typing, on, or off but remembered.
    pub phase: FilterPhase,
}

/// Whether a filter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FilterPhase {
    /// None was typed, or it is switched off.
    #[default]
    Off,
    /// Being typed; it holds already.
    Typing,
    /// It holds.
    On,
}

/// What the Routes list follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Follow {
    /// The newest entry.
    #[default]
    Newest,
    /// The selected one.
    Selected(RequestId),
}

/// What another policy would have chosen for an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherPolicy {
    /// The policy.
    pub policy: String,
    /// Its decision over the same input.
    pub decision: Arc<Decision>,
}

/// The same prompt under other policies, and what would flip the choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// The entry it is for.
    pub request: RequestId,
    /// Other policies, the entry's own among them.
    pub policies: Vec<OtherPolicy>,
    /// What would flip it: `cost weight under .12 -> sonnet`.
    pub flips: Vec<String>,
}

/// The Routes view.
#[derive(Debug, Clone, Default)]
pub struct RoutesState {
    /// What it follows.
    pub follow: Follow,
    /// First entry shown of the filtered list, counted from the newest.
    pub top: usize,
    /// The filter.
    pub filter: ListFilter,
    /// The screen is frozen at this snapshot; traffic goes on.
    pub frozen: Option<Arc<Snapshot>>,
    /// First line shown of the detail pane.
    pub detail_top: usize,
    /// The selected entry under other policies.
    pub contest: Option<Contest>,
    /// An entry of another run that was asked for, as it was kept: below those of this one.
    pub kept: Option<Arc<LogEntry>>,
}

/// Running sums of this run that only the console knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meters {
    /// Replies that ended whole.
    pub answered: u32,
    /// Replies that were asked for and are over.
    pub asked: u32,
    /// Of those answered, how many by another than the first choice.
    pub fell_back: u32,
    /// Messages the user sent to a model of their own choice.
    pub overridden: u32,
    /// Of those, how many auto would have sent to the same model.
    pub agreed: u32,
    /// Saved against the baseline in this run.
    pub saved: Option<SavedSum>,
}

/// A second press that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Armed {
    /// None.
    #[default]
    No,
    /// Ctrl+C once more before this moment quits.
    Quit {
        /// When it lapses.
        until: UnixMs,
    },
    /// Esc once more before this moment takes back the queue, or opens the rewind list.
    Rewind {
        /// When it lapses.
        until: UnixMs,
    },
}

/// Everything the console shows.
#[derive(Debug)]
pub struct AppState {
    /// The moment of the last message.
    pub now: UnixMs,
    /// Offset of local time from UTC in seconds, for times of day.
    pub utc_offset_s: i32,
    /// The terminal's size.
    pub size: Size,
    /// How panes are measured.
    pub measure: Measure,
    /// How the view tells what is under a cell.
    pub locate: Locate,
    /// What is known of the terminal.
    pub caps: TerminalCaps,
    /// How it looks.
    pub looks: Looks,
    /// What fills the screen.
    pub stage: Stage,
    /// The view.
    pub view: View,
    /// The pane that takes keys.
    pub focus: Focus,
    /// What lies over the view.
    pub overlay: Option<Overlay>,
    /// What a budget asks, until that is answered.
    pub question: Option<Asking>,
    /// The first key of a two-key chord, while the second is waited for.
    pub pending: Option<Chord>,
    /// A second press that is waited for.
    pub armed: Armed,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// The draft.
    pub composer: Composer,
    /// What is offered under the caret.
    pub completion: Option<Completion>,
    /// Where the draft would go.
    pub preview: Option<Preview>,
    /// The conversation's id.
    pub session: SessionId,
    /// Whether it is private.
    pub private: PrivateChat,
    /// The conversation's title: the first words of its first message.
    pub title: String,
    /// The system prompt, if one was set.
    pub system: Option<String>,
    /// Who may get to see it.
    pub system_for: Audience,
    /// It has gone along with a message.
    pub system_given: bool,
    /// The conversation.
    pub transcript: Transcript,
    /// Prompts that wait.
    pub queue: Vec<Queued>,
    /// Whether they go out by themselves.
    pub queue_phase: QueuePhase,
    /// How far the engine has come.
    pub engine: EnginePhase,
    /// What the engine last published.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The faults of the simulated fleet, where there is one.
    pub faults: Option<Arc<FaultBoard>>,
    /// The Routes view.
    pub routes: RoutesState,
    /// The Costs view.
    pub costs: CostsState,
    /// The chats known of.
    pub sessions: SessionsState,
    /// Running sums.
    pub meters: Meters,
    /// A message that goes away by itself.
    pub toast: Option<Toast>,
    /// The newest engine notice that was not dismissed, by its moment; older ones are not shown.
    pub dismissed_until: UnixMs,
    /// Models used lately, newest first.
    pub recent_models: Vec<ModelName>,
    /// The user's cell that is being edited: sending replaces it and all after it.
    pub editing: Option<usize>,
    /// What takes back the last override made by hand.
    pub undo: Vec<Command>,
    /// The model savings are counted against, where the user set one.
    pub baseline: Option<ModelName>,
    /// Mints ids.
    pub ids: IdMint,
    /// It is over: the shell leaves after this message.
    pub quitting: bool,
}

/// What a state begins with.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The moment.
    pub now: UnixMs,
    /// Offset of local time from UTC in seconds.
    pub utc_offset_s: i32,
    /// The terminal's size.
    pub size: Size,
    /// How panes are measured.
    pub measure: Measure,
    /// How the view tells what is under a cell.
    pub locate: Locate,
    /// How it looks.
    pub looks: Looks,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// What fills the screen.
    pub stage: Stage,
    /// The model savings are counted against, where the user set one.
    pub baseline: Option<ModelName>,
    /// Makes the ids of this run its own.
    pub seed: u64,
}

impl AppState {
    /// The state at the start.
    pub fn new(boot: Boot) -> Self {
        let Boot { now, utc_offset_s, size, measure, locate, looks, keymap, stage, baseline, seed } =
            boot;
        let mut ids = IdMint::new(seed);
        let engine = match stage {
            Stage::FirstRun(_) => EnginePhase::NotStarted,
            Stage::Main => EnginePhase::Starting,
        };
        let mut state = Self {
            now,
            utc_offset_s,
            size,
            measure,
            locate,
            caps: TerminalCaps::default(),
            looks,
            stage,
            view: View::Chat,
            focus: Focus::Composer,
            overlay: None,
            question: None,
            pending: None,
            armed: Armed::No,
            keymap,
            composer: Composer::default(),
            completion: None,
            preview: None,
            session: ids.session(now),
            private: PrivateChat::Off,
            title: String::new(),
            system: None,
            system_for: Audience::Anybody,
            system_given: false,
            transcript: Transcript::default(),
            queue: Vec::new(),
            queue_phase: QueuePhase::Flowing,
            engine,
            snapshot: None,
            faults: None,
            routes: RoutesState::default(),
            costs: CostsState::default(),
            sessions: SessionsState::default(),
            meters: Meters::default(),
            toast: None,
            dismissed_until: UnixMs(0),
            recent_models: Vec::new(),
            editing: None,
            undo: Vec::new(),
            baseline,
            ids,
            quitting: false,
        };
        let geometry = state.geometry();
        state.transcript.layout = Layout::new(geometry.transcript_cols);
        state
    }

    /// The room panes have now.
    pub fn geometry(&self) -> Geometry {
        (self.measure)(self)
    }

    /// The contexts whose keys hold now, nearest first.
    pub fn contexts(&self) -> &'static [Context] {
        if self.overlay.is_some() {
            return &[Context::Overlay, Context::Global];
        }
        match (&self.stage, self.focus) {
            (Stage::FirstRun(_), _) => &[Context::FirstRun, Context::Global],
            (Stage::Main, Focus::List) if self.view == View::Costs => {
                &[Context::Costs, Context::List, Context::Global]
            }
            (Stage::Main, Focus::Composer) => &[Context::Composer, Context::Global],
            (Stage::Main, Focus::Read) => &[Context::Chat, Context::Read, Context::Global],
            (Stage::Main, Focus::List) => &[Context::Routes, Context::List, Context::Global],
            (Stage::Main, Focus::Detail) => &[Context::Routes, Context::Read, Context::Global],
        }
    }

    /// The reply that is still coming, with its cell's index.
    pub fn running(&self) -> Option<(usize, &ReplyCell)> {
        // At most one runs, and then it is the newest.
        self.last_reply().filter(|(_, reply)| reply.phase.running())
    }

    /// The newest reply, with its cell's index.
    pub fn last_reply(&self) -> Option<(usize, &ReplyCell)> {
        self.transcript.cells.iter().enumerate().rev().find_map(|(index, cell)| match cell {
            Cell::Reply(reply) => Some((index, reply.as_ref())),
            Cell::User(_) | Cell::Note(_) => None,
        })
    }

    /// The snapshot the Routes view shows: the frozen one while it is frozen.
    pub fn routes_snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.routes.frozen.as_ref().or(self.snapshot.as_ref())
    }

    /// The first screen, while it is up.
    pub fn first_run(&self) -> Option<&FirstRun> {
        match &self.stage {
            Stage::FirstRun(first) => Some(first),
            Stage::Main => None,
        }
    }
}

/// A decision made for the console, with what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The decision.
    pub decision: Arc<Decision>,
    /// What it was decided from.
    pub input: Arc<DecisionInput>,
}
