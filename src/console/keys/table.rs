//! The table: every action once, with its name, its words and its default keys per context.

use std::fmt::Write as _;

use crate::console::app::{TableForm, View};

use super::{Action, Context, HelpGroup, Keymap};

/// One action.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// The action.
    pub action: Action,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its title in the palette; empty for what makes no sense there.
    pub title: &'static str,
    /// What it does, in a few words.
    pub doc: &'static str,
    /// Its column in help.
    pub group: HelpGroup,
    /// Its default keys per context.
    pub keys: &'static [(Context, &'static [&'static str])],
}

macro_rules! table {
    ($($variant:ident $(($with:expr))? => $name:literal $title:literal, $doc:literal, $group:ident:
        $($context:ident $($key:literal)+),+;)+) => {
        &[$(ActionInfo {
            action: Action::$variant $(($with))?,
            name: $name,
            title: $title,
            doc: $doc,
            group: HelpGroup::$group,
            keys: &[$((Context::$context, &[$($key),+])),+],
        }),+]
    };
}

/// Every action: `Action => name, title in the palette, what it does, column of help: keys`.
pub static TABLE: &[ActionInfo] = table! {
    // Writing.
    Submit => "send" "", "send, or queue", Write: Composer "enter";
    Newline => "newline" "", "new line; or \\ then Enter", Write: Composer "ctrl-j" "shift-enter" "alt-enter" "ctrl-enter";
    Editor => "editor" "Draft: write in $EDITOR", "write in $EDITOR", Write: Global "ctrl-g";
    HistorySearch => "history-search" "Draft: search earlier prompts", "search earlier prompts", Write: Global "ctrl-r";
    Up => "up" "", "up; at the top, history", Write: Composer "up";
    Down => "down" "", "down; at the end, history", Plain: Composer "down";
    Undo => "undo" "", "undo", Write: Composer "ctrl-_" "ctrl-7" "ctrl-/";
    Redo => "redo" "", "redo", Plain: Composer "alt-_";
    Complete => "complete" "", "complete, else next pane", Write: Composer "tab";
    DeleteBack => "delete-back" "", "delete backwards", Plain: Composer "backspace" "shift-backspace";
    DeleteForward => "delete-forward" "", "delete forwards", Plain: Composer "delete";
    DeleteOrQuit => "delete-or-quit" "", "delete; quit when empty", Stop: Composer "ctrl-d";
    DeleteWordBack => "delete-word-back" "", "delete a word backwards", Plain: Composer "ctrl-w" "alt-backspace" "ctrl-backspace";
    DeleteWordForward => "delete-word-forward" "", "delete a word forwards", Plain: Composer "alt-d" "ctrl-delete";
    KillToEnd => "kill-to-end" "", "cut to the end of the line", Plain: Composer "ctrl-k";
    KillToHead => "kill-to-head" "", "cut to the beginning of the line", Plain: Composer "ctrl-u";
    Yank => "yank" "", "put back what was cut", Plain: Composer "ctrl-y";
    Left => "left" "", "left", Plain: Composer "left";
    Right => "right" "", "right", Plain: Composer "right";
    WordLeft => "word-left" "", "a word to the left", Plain: Composer "alt-b" "ctrl-left" "alt-left";
    WordRight => "word-right" "", "a word to the right", Plain: Composer "alt-f" "ctrl-right" "alt-right";
    LineStart => "line-start" "", "beginning of the line", Plain: Composer "ctrl-a";
    LineEnd => "line-end" "", "end of the line", Plain: Composer "ctrl-e";
    Home => "home" "", "beginning of the line; top of the chat when empty", Plain: Composer "home";
    End => "end" "", "end of the line; follow the chat when empty", Plain: Composer "end";
    // Routing.
    Override => "override" "Route: choose the model", "override the model", Route: Global "ctrl-o";
    TestDraft => "test" "Route: test the draft, send nothing", "test it, do not send", Route: Global "ctrl-t", Routes "t";
    CycleModel => "next-model" "Route: next of the models used lately", "last model again", Route: Global "f2";
    CycleModelBack => "previous-model" "", "the one before", Plain: Global "shift-f2";
    BackToAuto => "auto" "Route: back to auto", "back to auto", Route: Global "ctrl-x a";
    PinHere => "pin-here" "Route: pin the last model to this chat", "pin the last model here", Route: Global "ctrl-x k";
    UseInstead => "use-instead" "", "send it to another model", Route: Routes "i";
    Never => "never" "", "avoid this model", Route: Routes "V";
    // Reading.
    PageUp => "page-up" "", "scroll", Read: Global "pageup", Read "ctrl-b", List "ctrl-b";
    PageDown => "page-down" "", "scroll", Plain: Global "pagedown", Read "ctrl-f" "space", List "ctrl-f" "space";
    LineUp => "line-up" "", "up", Plain: Read "k" "up", List "k" "up";
    LineDown => "line-down" "", "down", Plain: Read "j" "down", List "j" "down";
    HalfUp => "half-up" "", "half a page up", Plain: Read "ctrl-u", List "ctrl-u";
    HalfDown => "half-down" "", "half a page down", Plain: Read "ctrl-d", List "ctrl-d";
    Top => "top" "", "to the top", Plain: Read "g" "home", List "g" "home";
    Bottom => "bottom" "Chat: follow the newest", "to the end; a chat is followed", Read: Read "G" "end", List "G" "end";
    PrevMessage => "previous-message" "", "the message before", Read: Chat "K" "shift-up" "{";
    NextMessage => "next-message" "", "the message after", Plain: Chat "J" "shift-down" "}";
    Open => "open" "", "open: why, or the chat", Read: Read "enter", List "enter";
    Find => "find" "Chat: find", "find in the chat", Read: Chat "/", Composer "ctrl-f";
    FindNext => "find-next" "", "the next hit", Read: Chat "n";
    FindPrev => "find-previous" "", "the hit before", Plain: Chat "N";
    CopyMessage => "copy-message" "Copy: the selected message", "copy the message", Read: Chat "y y";
    CopyBlock(1) => "copy-block-1" "", "copy code block 1", Read: Chat "y 1";
    CopyBlock(2) => "copy-block-2" "", "copy code block 2", Plain: Chat "y 2";
    CopyBlock(3) => "copy-block-3" "", "copy code block 3", Plain: Chat "y 3";
    CopyBlock(4) => "copy-block-4" "", "copy code block 4", Plain: Chat "y 4";
    CopyBlock(5) => "copy-block-5" "", "copy code block 5", Plain: Chat "y 5";
    CopyBlock(6) => "copy-block-6" "", "copy code block 6", Plain: Chat "y 6";
    CopyBlock(7) => "copy-block-7" "", "copy code block 7", Plain: Chat "y 7";
    CopyBlock(8) => "copy-block-8" "", "copy code block 8", Plain: Chat "y 8";
    CopyBlock(9) => "copy-block-9" "", "copy code block 9", Plain: Chat "y 9";
    CopyAll => "copy-all" "Copy: the whole chat", "copy the chat", Read: Chat "y a";
    CopyReply => "copy-reply" "Copy: the last reply", "copy the last reply", Read: Global "ctrl-x y";
    Retry => "retry" "Chat: ask the same again", "ask the same again", Route: Chat "r";
    RetryWith => "retry-with" "Chat: ask another model the same", "ask another model", Route: Chat "R";
    EditResend => "edit" "Chat: edit a message and send it again", "edit and send again", Route: Chat "e";
    Filter => "filter" "Routes: filter", "filter", Read: List "/";
    ToggleFilter => "toggle-filter" "", "filter off and on", Read: List "F";
    Freeze => "freeze" "Routes: freeze the screen", "freeze; traffic goes on", Read: Routes "f";
    // Stopping.
    Escape => "back" "", "close, stop, then read", Stop: Composer "esc";
    Interrupt => "interrupt" "", "stop, clear, then quit", Stop: Global "ctrl-c";
    Quit => "quit" "Quit", "quit", Stop: Global "ctrl-q";
    Suspend => "suspend" "", "suspend", Stop: Global "ctrl-z";
    // Going.
    Palette => "palette" "", "commands", Go: Global "ctrl-p", Read ":", List ":";
    Help => "help" "Help: keys of this pane", "help", Go: Global "f1", Read "?", List "?";
    NextPane => "next-pane" "", "next pane", Go: Read "tab", List "tab";
    PrevPane => "previous-pane" "", "pane before", Plain: Global "shift-tab";
    Go(View::Chat) => "chat" "Chat: open", "Chat", Go: Global "ctrl-x 1", Read "1", List "1";
    Go(View::Routes) => "routes" "Routes: open log", "Routes", Go: Global "ctrl-x 2", Read "2", List "2";
    Go(View::Costs) => "costs" "Costs: what was spent", "Costs", Go: Global "ctrl-x 4", Read "4", List "4";
    Sessions => "sessions" "Chats: open another", "chats", Go: Global "ctrl-s";
    CostsWindow => "costs-window" "", "other days", Read: Costs "w";
    CostsGroup => "costs-group" "", "by something else", Read: Costs "g";
    CostsBudget => "costs-budget" "", "set a budget", Read: Costs "b";
    CostsCurrency => "costs-currency" "", "another currency", Read: Costs "c";
    CostsExport(TableForm::Csv) => "costs-csv" "Costs: export the table as CSV", "export it as CSV", Read: Costs "x c";
    CostsExport(TableForm::Json) => "costs-json" "Costs: export the table as JSON", "export it as JSON", Read: Costs "x j";
    RemoveItem => "remove" "", "remove it; twice", Plain: Overlay "ctrl-d";
    Back => "close" "", "back to Chat, then write", Go: Read "q" "esc", List "q" "esc";
    NewChat => "new" "Chat: new", "new chat", Go: Global "ctrl-n";
    TogglePanel => "panel" "Panel: show or hide", "side panel", Go: Global "ctrl-x p";
    ToggleZoom => "zoom" "Pane: alone, and back", "this pane alone", Go: Read "z", List "z";
    UndoNotice => "undo-notice" "Notice: undo", "undo what a notice says", Go: Global "ctrl-x u";
    DismissNotice => "dismiss-notice" "Notice: dismiss", "dismiss the notice", Go: Global "ctrl-x d";
    Redraw => "redraw" "Redraw", "repaint the screen", Go: Global "ctrl-l";
    // Over a view.
    SelectUp => "select-up" "", "up", Plain: Overlay "up" "ctrl-p", FirstRun "up" "k";
    SelectDown => "select-down" "", "down", Plain: Overlay "down" "ctrl-n", FirstRun "down" "j";
    SelectPageUp => "select-page-up" "", "a page up", Plain: Overlay "pageup", FirstRun "pageup";
    SelectPageDown => "select-page-down" "", "a page down", Plain: Overlay "pagedown", FirstRun "pagedown";
    Accept => "accept" "", "take it", Plain: Overlay "enter", FirstRun "enter";
    Close => "close-overlay" "", "close", Plain: Overlay "esc", FirstRun "esc";
    NextField => "next-field" "", "next scope", Plain: Overlay "tab", FirstRun "tab";
    PrevField => "previous-field" "", "scope before", Plain: Overlay "shift-tab", FirstRun "shift-tab";
    ViewFile => "view-file" "", "view the file", Plain: FirstRun "v";
    WriteFile => "write-file" "", "write the file", Plain: FirstRun "w";
};

/// The table's row of an action.
pub fn info(action: Action) -> &'static ActionInfo {
    TABLE.iter().find(|info| info.action == action).unwrap_or(&TABLE[0])
}

/// The table as Markdown, for the README.
pub fn readme(keymap: &Keymap) -> String {
    let mut out = String::from("| key | does | where |\n|---|---|---|\n");
    for info in TABLE.iter().filter(|info| info.group != HelpGroup::Plain) {
        let keys = keymap.keys_of(info.action);
        let mut names: Vec<String> = Vec::new();
        for (_, sequence) in keys {
            let name = format!("`{}`", sequence.words());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut places: Vec<&str> = keys.iter().map(|(context, _)| context.name()).collect();
        places.dedup();
        let _ = writeln!(out, "| {} | {} | {} |", names.join(" "), info.doc, places.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own_and_words() {
        for (i, info) in TABLE.iter().enumerate() {
            assert!(!info.name.is_empty() && !info.doc.is_empty());
            assert!(TABLE[..i].iter().all(|other| other.name != info.name), "{}", info.name);
            assert!(TABLE[..i].iter().all(|other| other.action != info.action), "{}", info.name);
            assert_eq!(super::info(info.action).name, info.name);
        }
    }

    #[test]
    fn the_readme_table_lists_every_action_worth_listing() {
        let text = readme(&Keymap::defaults());
        for info in TABLE.iter().filter(|info| info.group != HelpGroup::Plain) {
            assert!(text.contains(info.doc), "{}", info.name);
        }
        assert!(text.contains("`Ctrl+O`"));
    }
}
