//! The console's state and how it changes: a message in, effects out, nothing else.
//!
//! Owns: [`AppState`], [`Msg`], [`Effect`], `update`. Must not know: the terminal, tasks, clocks,
//! files, providers. Invariant: `update` is synchronous and pure; all it knows of the time is the
//! moment it is given.

mod blocks;
mod cell;
mod contest;
mod conversation;
mod faults;
mod first_run;
mod fuzzy;
mod ids;
mod kept;
mod line_input;
mod looks;
mod message;
mod overlay;
mod pointer;
mod private;
mod recall;
mod scroll;
mod state;
mod update;

pub use crate::console::transcript::Layout;
pub use blocks::blocks;
pub use cell::{
    Cell, NoteCell, PaidIn, ReplyCell, ReplyPhase, RouteMark, RunningAttempt, Saved, SavedSum,
    Tone, UserCell,
};
pub use conversation::{Spent, Sums, Transcript};
pub use faults::{FaultBoard, FaultKind, FaultShown, time_left};
pub use first_run::{
    Detection, FirstRun, FirstRunField, FirstRunPage, FoundKey, FoundProvider, FoundServer,
    Looking, StartChoice,
};
pub use ids::IdMint;
pub use kept::{Branch, Excerpt, KeptAnswer, KeptSession, KeptTurn, SessionLine, Spot};
pub use line_input::LineInput;
pub use looks::{
    Answer, Background, ColorDepth, Geometry, Glyphs, Looks, Mouse, Panel, Size, TerminalCaps, Zoom,
};
pub use message::{Copied, DecideFor, Effect, Focused, Msg, StartPlan};
pub use overlay::{
    Asking, Branches, Completion, CompletionItem, CompletionKind, Confirm, Help, HelpLine,
    HistorySearch, Overlay, OverridePicker, Palette, PaletteItem, Pick, PickFor, PickRow,
    PickScope, Rewind, Run, SessionList, TestCard,
};
pub use pointer::{Locate, Pointer, PointerDid, Under};
pub use private::PrivateChat;
pub use recall::{
    Alternative, CostGroup, CostItem, CostPoint, CostReport, CostRow, CostWindow, CostsState,
    CostsTable, DearRequest, ExportAs, Narrowed, Recall, Recalled, RoutingDid, SessionsState,
    TableForm, Waiting,
};
pub use scroll::Scroll;
pub use state::{
    AppState, Armed, Boot, Contest, Decided, EnginePhase, FilterPhase, Find, FindPhase, Focus,
    Follow, ListFilter, Measure, Meters, OtherPolicy, Preview, QueuePhase, Queued, RoutesState,
    Stage, Toast, View,
};
pub use update::update;
