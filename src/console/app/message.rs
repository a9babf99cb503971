//! What can happen to the console, and what it can ask to be done.
//!
//! Owns: [`Msg`] and [`Effect`]. Invariant: everything that reaches `update` is a `Msg`, and
//! everything that leaves the pure part is an `Effect`.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use secrecy::SecretString;

use crate::domain::{ReplyEvent, Request, RequestId};
use crate::engine::{Command, LogEntry, Snapshot};

use super::{
    Background, Contest, Decided, Detection, FaultBoard, Mouse, Pointer, Recall, Recalled, Size,
    TerminalCaps,
};

/// What happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key was pressed or repeats; releases never get here.
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
    /// The wheel turned by so many lines; down is positive.
    Wheel(isize),
    /// The mouse did something; comes only while it is ours.
    Pointer(Pointer),
    /// The terminal has another size.
    Resize(Size),
    /// The terminal got or lost the keyboard focus.
    Focused(Focused),
    /// The terminal said what it can do.
    Caps(TerminalCaps),
    /// The terminal said what its background is.
    Background(Background),
    /// Events of a reply, in order.
    Reply {
        /// The request it answers.
        request: RequestId,
        /// What came.
        events: Vec<ReplyEvent>,
    },
    /// A reply's stream closed; without an `End` before it, it is over all the same.
    ReplyClosed(RequestId),
    /// The engine is up.
    EngineReady(Arc<Snapshot>),
    /// The engine did not start.
    EngineFailed(String),
    /// The engine published a snapshot.
    Snapshot(Arc<Snapshot>),
    /// Time passed; comes only while an effect asked for it.
    Tick,
    /// The draft has been left alone long enough to be decided.
    PreviewDue,
    /// A decision that was asked for.
    Decided {
        /// For what.
        purpose: DecideFor,
        /// The decision.
        decided: Decided,
    },
    /// What other policies would have chosen.
    Contest(Contest),
    /// What was found on this machine.
    Detected(Detection),
    /// A copy was handed to the terminal, or put in a file.
    Copied(Copied),
    /// The program was not stopped, because nobody would have continued it.
    NotSuspended,
    /// The editor came back.
    Edited(Result<String, String>),
    /// The first run's file was written, or why not.
    ConfigWritten(Result<(), String>),
    /// A theme was put on, or why not.
    ThemeSet(Result<String, String>),
    /// The faults of the simulated fleet, as they are now.
    Faults(Arc<FaultBoard>),
    /// An order to the fleet was carried out, or why not.
    Struck {
        /// The order.
        order: String,
        /// What was done.
        result: Result<String, String>,
    },
    /// What the ledger answered, or why it did not.
    Recalled {
        /// What was asked.
        asked: Recall,
        /// The answer.
        answer: Result<Recalled, String>,
    },
    /// A slice of the layout can be refined: nothing else was to do.
    Idle,
    /// The terminal is going away or we were told to end.
    Terminate,
}

/// Which way the focus went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Focused {
    /// Got it.
    Gained,
    /// Lost it.
    Lost,
}

/// Where a copy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Sent to the terminal, which does not say whether it took it.
    Terminal {
        /// How much.
        bytes: usize,
    },
    /// Too much for a terminal: written here.
    File {
        /// How much.
        bytes: usize,
        /// Where.
        path: String,
    },
    /// It did not work.
    Failed(String),
}

/// What a decision is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecideFor {
    /// The line under the draft of this revision.
    Preview(u64),
    /// The test card.
    Test,
}

/// What the engine is to be started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartPlan {
    /// The configuration as it is, keys and local servers as found.
    Found,
    /// Local servers only.
    LocalOnly,
    /// The simulated fleet.
    Demo,
}

/// What is to be done. The shell does it and answers with a [`Msg`] where one is named.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Ask the engine; answers with [`Msg::Reply`] and [`Msg::ReplyClosed`].
    Send(Box<Request>),
    /// Drop a reply's stream, which cancels it.
    Cancel(RequestId),
    /// Tell the engine.
    Command(Command),
    /// Tell the simulated fleet what is to go wrong; answers with [`Msg::Struck`].
    Fault(String),
    /// Decide without sending; answers with [`Msg::Decided`].
    Decide {
        /// For what.
        purpose: DecideFor,
        /// What would be asked.
        request: Box<Request>,
    },
    /// Decide an entry again under every policy; answers with [`Msg::Contest`].
    Contest(Arc<LogEntry>),
    /// Send [`Msg::PreviewDue`] once no key came for a moment.
    SchedulePreview,
    /// Send [`Msg::Tick`] after so many milliseconds; an earlier one wins.
    ScheduleTick(u64),
    /// Send [`Msg::Idle`] when there is nothing else to do.
    RefineLayout,
    /// Hand a text to the clipboard; answers with [`Msg::Copied`].
    Copy(String),
    /// Stop the process as Ctrl+Z would; answers with [`Msg::NotSuspended`] where that cannot be.
    Suspend,
    /// Open the text in `$EDITOR`; answers with [`Msg::Edited`].
    Editor(String),
    /// Repaint everything.
    Redraw,
    /// Put a theme on; answers with [`Msg::ThemeSet`].
    SetTheme(String),
    /// Take the mouse from the terminal, or give it back.
    SetMouse(Mouse),
    /// Ring the terminal's bell: a long reply ended while the user was elsewhere.
    Bell,
    /// Look for keys and local servers again; answers with [`Msg::Detected`].
    Detect,
    /// Keep a key in memory for this run. It is never written or shown.
    KeepKey {
        /// The variable it stands for.
        variable: String,
        /// The key.
        key: SecretString,
    },
    /// Start the engine; answers with [`Msg::EngineReady`] or [`Msg::EngineFailed`].
    Start(StartPlan),
    /// Ask the ledger; answers with [`Msg::Recalled`].
    Recall(Recall),
    /// Write the first run's file, never over another; answers with [`Msg::ConfigWritten`].
    WriteConfig(String),
    /// Leave.
    Quit,
}
