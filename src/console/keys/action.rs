//! The names of everything a key can do, and where.

use crate::console::app::{TableForm, View};

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere.
    Global,
    /// While writing.
    Composer,
    /// While reading the transcript or a detail pane.
    Read,
    /// In a view's list.
    List,
    /// In anything that lies over a view.
    Overlay,
    /// In Chat, while reading.
    Chat,
    /// In Routes.
    Routes,
    /// In Costs.
    Costs,
    /// On the first screen.
    FirstRun,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 9] = [
        Self::Global,
        Self::Composer,
        Self::Read,
        Self::List,
        Self::Overlay,
        Self::Chat,
        Self::Routes,
        Self::Costs,
        Self::FirstRun,
    ];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Composer => "composer",
            Self::Read => "read",
            Self::List => "list",
            Self::Overlay => "overlay",
            Self::Chat => "chat",
            Self::Routes => "routes",
            Self::Costs => "costs",
            Self::FirstRun => "first-run",
        }
    }
}

/// A column of help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HelpGroup {
    /// Writing.
    Write,
    /// Routing.
    Route,
    /// Reading.
    Read,
    /// Stopping.
    Stop,
    /// Going elsewhere.
    Go,
    /// Too plain to list: arrows and the like.
    Plain,
}

impl HelpGroup {
    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Route => "route",
            Self::Read => "read",
            Self::Stop => "stop",
            Self::Go => "go",
            Self::Plain => "move",
        }
    }
}

/// Something that can be done by key, from the palette or from help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send the draft, or queue it while a reply streams.
    Submit,
    /// Begin a new line.
    Newline,
    /// Step back: close, then stop, then read.
    Escape,
    /// Stop, clear the draft, quit: one step per press.
    Interrupt,
    /// Leave.
    Quit,
    /// Delete the character after the caret; quit when the draft is empty.
    DeleteOrQuit,
    /// Delete the character before the caret.
    DeleteBack,
    /// Delete the character after the caret.
    DeleteForward,
    /// Delete the word before the caret.
    DeleteWordBack,
    /// Delete the word after the caret.
    DeleteWordForward,
    /// Cut to the end of the line.
    KillToEnd,
    /// Cut to the beginning of the line.
    KillToHead,
    /// Put back what was cut.
    Yank,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// One line up; an earlier prompt at the top.
    Up,
    /// One line down; a later prompt at the bottom.
    Down,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// The beginning of the line.
    LineStart,
    /// The end of the line.
    LineEnd,
    /// Like [`Action::LineStart`] with text, like [`Action::Top`] without.
    Home,
    /// Like [`Action::LineEnd`] with text, like [`Action::Bottom`] without.
    End,
    /// Take back the last change.
    Undo,
    /// Make it again.
    Redo,
    /// Accept what is offered, else go to the next pane.
    Complete,
    /// Search earlier prompts.
    HistorySearch,
    /// Write in `$EDITOR`.
    Editor,
    /// Show where the draft would go; send nothing.
    TestDraft,
    /// Choose the model.
    Override,
    /// The next of the models used lately, for this message.
    CycleModel,
    /// The one before.
    CycleModelBack,
    /// Back to the router.
    BackToAuto,
    /// Pin the model that answered last to this chat.
    PinHere,
    /// Everything by name.
    Palette,
    /// Keys of this pane.
    Help,
    /// The next pane.
    NextPane,
    /// The pane before.
    PrevPane,
    /// Go to a view.
    Go(View),
    /// Back to Chat, then to the draft.
    Back,
    /// Chats, to open one.
    Sessions,
    /// Costs of other days.
    CostsWindow,
    /// Costs by something else.
    CostsGroup,
    /// Begin a budget in the draft.
    CostsBudget,
    /// Costs in another currency.
    CostsCurrency,
    /// Write the table of costs to a file.
    CostsExport(TableForm),
    /// Remove what is selected.
    RemoveItem,
    /// Begin a new chat.
    NewChat,
    /// Repaint.
    Redraw,
    /// Stop the program as a job.
    Suspend,
    /// Show or hide the side panel.
    TogglePanel,
    /// One pane alone, and back.
    ToggleZoom,
    /// Dismiss the notice.
    DismissNotice,
    /// Undo what the notice is about: allow again what was avoided.
    UndoNotice,
    /// Move up.
    LineUp,
    /// Move down.
    LineDown,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Top,
    /// To the end, and follow.
    Bottom,
    /// The message before.
    PrevMessage,
    /// The message after.
    NextMessage,
    /// Open what is selected.
    Open,
    /// Find in the chat.
    Find,
    /// The next hit.
    FindNext,
    /// The hit before.
    FindPrev,
    /// Copy the last reply.
    CopyReply,
    /// Copy the selected message.
    CopyMessage,
    /// Copy a code block, from 1.
    CopyBlock(u8),
    /// Copy the whole chat.
    CopyAll,
    /// Ask the same again.
    Retry,
    /// Ask the same of another model.
    RetryWith,
    /// Edit the message and send it again from there.
    EditResend,
    /// Filter the list.
    Filter,
    /// Switch the filter off and on.
    ToggleFilter,
    /// Freeze the screen; traffic goes on.
    Freeze,
    /// Send the selected message to another model.
    UseInstead,
    /// Do not use the selected model any more.
    Never,
    /// Move up in a list over the view.
    SelectUp,
    /// Move down in it.
    SelectDown,
    /// A page up in it.
    SelectPageUp,
    /// A page down in it.
    SelectPageDown,
    /// Take what is selected.
    Accept,
    /// Close it.
    Close,
    /// The next scope or field.
    NextField,
    /// The one before.
    PrevField,
    /// Show the file that would be written.
    ViewFile,
    /// Write it.
    WriteFile,
}
