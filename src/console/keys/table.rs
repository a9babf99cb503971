//! The table: every action once, with its name, its words and its default keys per context.

use std::fmt::Write as _;

use crate::console::app::View;

use super::{Action, Context, HelpGroup, Keymap};
use Context::{Chat, Composer, FirstRun, Global, List, Overlay, Read, Routes};
use HelpGroup as G;

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

const fn row(
    action: Action,
    name: &'static str,
    title: &'static str,
    doc: &'static str,
    group: HelpGroup,
    keys: &'static [(Context, &'static [&'static str])],
) -> ActionInfo {
    ActionInfo { action, name, title, doc, group, keys }
}

/// Every action.
pub static TABLE: &[ActionInfo] = &[
    // Writing.
    row(
        Action::Submit,
        "send",
        "",
        "send, or queue while a reply streams",
        G::Write,
        &[(Composer, &["enter"])],
    ),
    row(
        Action::Newline,
        "newline",
        "",
        "new line (also \\ then Enter)",
        G::Write,
        &[(Composer, &["ctrl-j", "shift-enter", "alt-enter", "ctrl-enter"])],
    ),
    row(
        Action::Editor,
        "editor",
        "Draft: write in $EDITOR",
        "write in $EDITOR",
        G::Write,
        &[(Global, &["ctrl-g"])],
    ),
    row(
        Action::HistorySearch,
        "history-search",
        "Draft: search earlier prompts",
        "search earlier prompts",
        G::Write,
        &[(Global, &["ctrl-r"])],
    ),
    row(Action::Up, "up", "", "up; an earlier prompt at the top", G::Write, &[(Composer, &["up"])]),
    row(
        Action::Down,
        "down",
        "",
        "down; a later prompt at the bottom",
        G::Plain,
        &[(Composer, &["down"])],
    ),
    row(Action::Undo, "undo", "", "undo", G::Write, &[(Composer, &["ctrl-_", "ctrl-7"])]),
    row(Action::Redo, "redo", "", "redo", G::Plain, &[(Composer, &["alt-_"])]),
    row(
        Action::Complete,
        "complete",
        "",
        "complete a word, else next pane",
        G::Write,
        &[(Composer, &["tab"])],
    ),
    row(
        Action::DeleteBack,
        "delete-back",
        "",
        "delete backwards",
        G::Plain,
        &[(Composer, &["backspace", "shift-backspace"])],
    ),
    row(
        Action::DeleteForward,
        "delete-forward",
        "",
        "delete forwards",
        G::Plain,
        &[(Composer, &["delete"])],
    ),
    row(
        Action::DeleteOrQuit,
        "delete-or-quit",
        "",
        "delete forwards; quit when empty",
        G::Stop,
        &[(Composer, &["ctrl-d"])],
    ),
    row(
        Action::DeleteWordBack,
        "delete-word-back",
        "",
        "delete a word backwards",
        G::Plain,
        &[(Composer, &["ctrl-w", "alt-backspace", "ctrl-backspace"])],
    ),
    row(
        Action::DeleteWordForward,
        "delete-word-forward",
        "",
        "delete a word forwards",
        G::Plain,
        &[(Composer, &["alt-d", "ctrl-delete"])],
    ),
    row(
        Action::KillToEnd,
        "kill-to-end",
        "",
        "cut to the end of the line",
        G::Plain,
        &[(Composer, &["ctrl-k"])],
    ),
    row(
        Action::KillToHead,
        "kill-to-head",
        "",
        "cut to the beginning of the line",
        G::Plain,
        &[(Composer, &["ctrl-u"])],
    ),
    row(Action::Yank, "yank", "", "put back what was cut", G::Plain, &[(Composer, &["ctrl-y"])]),
    row(Action::Left, "left", "", "left", G::Plain, &[(Composer, &["left"])]),
    row(Action::Right, "right", "", "right", G::Plain, &[(Composer, &["right"])]),
    row(
        Action::WordLeft,
        "word-left",
        "",
        "a word to the left",
        G::Plain,
        &[(Composer, &["alt-b", "ctrl-left", "alt-left"])],
    ),
    row(
        Action::WordRight,
        "word-right",
        "",
        "a word to the right",
        G::Plain,
        &[(Composer, &["alt-f", "ctrl-right", "alt-right"])],
    ),
    row(
        Action::LineStart,
        "line-start",
        "",
        "beginning of the line",
        G::Plain,
        &[(Composer, &["ctrl-a"])],
    ),
    row(Action::LineEnd, "line-end", "", "end of the line", G::Plain, &[(Composer, &["ctrl-e"])]),
    row(
        Action::Home,
        "home",
        "",
        "beginning of the line; top of the chat when empty",
        G::Plain,
        &[(Composer, &["home"])],
    ),
    row(
        Action::End,
        "end",
        "",
        "end of the line; follow the chat when empty",
        G::Plain,
        &[(Composer, &["end"])],
    ),
    // Routing.
    row(
        Action::Override,
        "override",
        "Route: choose the model",
        "override the model",
        G::Route,
        &[(Global, &["ctrl-o"])],
    ),
    row(
        Action::TestDraft,
        "test",
        "Route: test the draft, send nothing",
        "test the draft, do not send",
        G::Route,
        &[(Global, &["ctrl-t"]), (Routes, &["t"])],
    ),
    row(
        Action::CycleModel,
        "next-model",
        "Route: next of the models used lately",
        "last model again",
        G::Route,
        &[(Global, &["f2"])],
    ),
    row(
        Action::CycleModelBack,
        "previous-model",
        "",
        "the one before",
        G::Plain,
        &[(Global, &["shift-f2"])],
    ),
    row(
        Action::BackToAuto,
        "auto",
        "Route: back to auto",
        "back to auto",
        G::Route,
        &[(Global, &["ctrl-x a"])],
    ),
    row(
        Action::PinHere,
        "pin-here",
        "Route: pin the last model to this chat",
        "pin the last model here",
        G::Route,
        &[(Global, &["ctrl-x k"])],
    ),
    row(
        Action::UseInstead,
        "use-instead",
        "",
        "send it to another model",
        G::Route,
        &[(Routes, &["i"])],
    ),
    row(Action::Never, "never", "", "avoid this model until undone", G::Route, &[(Routes, &["V"])]),
    // Reading.
    row(
        Action::PageUp,
        "page-up",
        "",
        "scroll",
        G::Read,
        &[(Global, &["pageup"]), (Read, &["ctrl-b"]), (List, &["ctrl-b"])],
    ),
    row(
        Action::PageDown,
        "page-down",
        "",
        "scroll",
        G::Plain,
        &[(Global, &["pagedown"]), (Read, &["ctrl-f", "space"]), (List, &["ctrl-f", "space"])],
    ),
    row(
        Action::LineUp,
        "line-up",
        "",
        "up",
        G::Plain,
        &[(Read, &["k", "up"]), (List, &["k", "up"])],
    ),
    row(
        Action::LineDown,
        "line-down",
        "",
        "down",
        G::Plain,
        &[(Read, &["j", "down"]), (List, &["j", "down"])],
    ),
    row(
        Action::HalfUp,
        "half-up",
        "",
        "half a page up",
        G::Plain,
        &[(Read, &["ctrl-u"]), (List, &["ctrl-u"])],
    ),
    row(
        Action::HalfDown,
        "half-down",
        "",
        "half a page down",
        G::Plain,
        &[(Read, &["ctrl-d"]), (List, &["ctrl-d"])],
    ),
    row(
        Action::Top,
        "top",
        "",
        "to the top",
        G::Plain,
        &[(Read, &["g", "home"]), (List, &["g", "home"])],
    ),
    row(
        Action::Bottom,
        "bottom",
        "Chat: follow the newest",
        "follow the newest",
        G::Read,
        &[(Read, &["G", "end"]), (List, &["G", "end"])],
    ),
    row(
        Action::PrevMessage,
        "previous-message",
        "",
        "the message before",
        G::Read,
        &[(Chat, &["K", "shift-up", "{"])],
    ),
    row(
        Action::NextMessage,
        "next-message",
        "",
        "the message after",
        G::Plain,
        &[(Chat, &["J", "shift-down", "}"])],
    ),
    row(
        Action::Open,
        "open",
        "",
        "open: why this reply, or the chat",
        G::Read,
        &[(Read, &["enter"]), (List, &["enter"])],
    ),
    row(
        Action::Find,
        "find",
        "Chat: find",
        "find in the chat",
        G::Read,
        &[(Chat, &["/"]), (Composer, &["ctrl-f"])],
    ),
    row(Action::FindNext, "find-next", "", "the next hit", G::Read, &[(Chat, &["n"])]),
    row(Action::FindPrev, "find-previous", "", "the hit before", G::Plain, &[(Chat, &["N"])]),
    row(
        Action::CopyMessage,
        "copy-message",
        "Copy: the selected message",
        "copy the message",
        G::Read,
        &[(Chat, &["y y"])],
    ),
    row(
        Action::CopyBlock(1),
        "copy-block-1",
        "",
        "copy code block 1",
        G::Read,
        &[(Chat, &["y 1"])],
    ),
    row(
        Action::CopyBlock(2),
        "copy-block-2",
        "",
        "copy code block 2",
        G::Plain,
        &[(Chat, &["y 2"])],
    ),
    row(
        Action::CopyBlock(3),
        "copy-block-3",
        "",
        "copy code block 3",
        G::Plain,
        &[(Chat, &["y 3"])],
    ),
    row(
        Action::CopyBlock(4),
        "copy-block-4",
        "",
        "copy code block 4",
        G::Plain,
        &[(Chat, &["y 4"])],
    ),
    row(
        Action::CopyBlock(5),
        "copy-block-5",
        "",
        "copy code block 5",
        G::Plain,
        &[(Chat, &["y 5"])],
    ),
    row(
        Action::CopyBlock(6),
        "copy-block-6",
        "",
        "copy code block 6",
        G::Plain,
        &[(Chat, &["y 6"])],
    ),
    row(
        Action::CopyBlock(7),
        "copy-block-7",
        "",
        "copy code block 7",
        G::Plain,
        &[(Chat, &["y 7"])],
    ),
    row(
        Action::CopyBlock(8),
        "copy-block-8",
        "",
        "copy code block 8",
        G::Plain,
        &[(Chat, &["y 8"])],
    ),
    row(
        Action::CopyBlock(9),
        "copy-block-9",
        "",
        "copy code block 9",
        G::Plain,
        &[(Chat, &["y 9"])],
    ),
    row(
        Action::CopyAll,
        "copy-all",
        "Copy: the whole chat",
        "copy the chat",
        G::Read,
        &[(Chat, &["y a"])],
    ),
    row(
        Action::CopyReply,
        "copy-reply",
        "Copy: the last reply",
        "copy the last reply",
        G::Read,
        &[(Global, &["ctrl-x y"])],
    ),
    row(
        Action::Retry,
        "retry",
        "Chat: ask the same again",
        "ask the same again",
        G::Route,
        &[(Chat, &["r"])],
    ),
    row(
        Action::RetryWith,
        "retry-with",
        "Chat: ask another model the same",
        "ask another model",
        G::Route,
        &[(Chat, &["R"])],
    ),
    row(
        Action::EditResend,
        "edit",
        "Chat: edit a message and send it again",
        "edit and send again",
        G::Route,
        &[(Chat, &["e"])],
    ),
    row(Action::Filter, "filter", "Routes: filter", "filter", G::Read, &[(List, &["/"])]),
    row(Action::ToggleFilter, "toggle-filter", "", "filter off and on", G::Read, &[(List, &["F"])]),
    row(
        Action::Freeze,
        "freeze",
        "Routes: freeze the screen",
        "freeze; traffic goes on",
        G::Read,
        &[(Routes, &["f"])],
    ),
    // Stopping.
    row(
        Action::Escape,
        "back",
        "",
        "close, then stop and keep the text, then read",
        G::Stop,
        &[(Composer, &["esc"])],
    ),
    row(
        Action::Interrupt,
        "interrupt",
        "",
        "stop, clear the draft, then quit",
        G::Stop,
        &[(Global, &["ctrl-c"])],
    ),
    row(Action::Quit, "quit", "Quit", "quit", G::Stop, &[(Global, &["ctrl-q"])]),
    row(Action::Suspend, "suspend", "", "suspend", G::Stop, &[(Global, &["ctrl-z"])]),
    // Going.
    row(
        Action::Palette,
        "palette",
        "",
        "commands",
        G::Go,
        &[(Global, &["ctrl-p"]), (Read, &[":"]), (List, &[":"])],
    ),
    row(
        Action::Help,
        "help",
        "Help: keys of this pane",
        "help",
        G::Go,
        &[(Global, &["f1"]), (Read, &["?"]), (List, &["?"])],
    ),
    row(
        Action::NextPane,
        "next-pane",
        "",
        "next pane",
        G::Go,
        &[(Read, &["tab"]), (List, &["tab"])],
    ),
    row(
        Action::PrevPane,
        "previous-pane",
        "",
        "pane before",
        G::Plain,
        &[(Global, &["shift-tab"])],
    ),
    row(
        Action::Go(View::Chat),
        "chat",
        "Chat: open",
        "Chat",
        G::Go,
        &[(Global, &["ctrl-x 1"]), (Read, &["1"]), (List, &["1"])],
    ),
    row(
        Action::Go(View::Routes),
        "routes",
        "Routes: open log",
        "Routes",
        G::Go,
        &[(Global, &["ctrl-x 2"]), (Read, &["2"]), (List, &["2"])],
    ),
    row(
        Action::Back,
        "close",
        "",
        "back to Chat, then to the draft",
        G::Go,
        &[(Read, &["q", "esc"]), (List, &["q", "esc"])],
    ),
    row(Action::NewChat, "new", "Chat: new", "new chat", G::Go, &[(Global, &["ctrl-n"])]),
    row(
        Action::TogglePanel,
        "panel",
        "Panel: show or hide",
        "side panel",
        G::Go,
        &[(Global, &["ctrl-x p"])],
    ),
    row(
        Action::ToggleZoom,
        "zoom",
        "Pane: alone, and back",
        "this pane alone",
        G::Go,
        &[(Read, &["z"]), (List, &["z"])],
    ),
    row(
        Action::UndoNotice,
        "undo-notice",
        "Notice: undo",
        "undo what the notice says",
        G::Go,
        &[(Global, &["ctrl-x u"])],
    ),
    row(
        Action::DismissNotice,
        "dismiss-notice",
        "Notice: dismiss",
        "dismiss the notice",
        G::Go,
        &[(Global, &["ctrl-x d"])],
    ),
    row(Action::Redraw, "redraw", "Redraw", "repaint the screen", G::Go, &[(Global, &["ctrl-l"])]),
    // Over a view.
    row(
        Action::SelectUp,
        "select-up",
        "",
        "up",
        G::Plain,
        &[(Overlay, &["up", "ctrl-p"]), (FirstRun, &["up", "k"])],
    ),
    row(
        Action::SelectDown,
        "select-down",
        "",
        "down",
        G::Plain,
        &[(Overlay, &["down", "ctrl-n"]), (FirstRun, &["down", "j"])],
    ),
    row(
        Action::SelectPageUp,
        "select-page-up",
        "",
        "a page up",
        G::Plain,
        &[(Overlay, &["pageup"]), (FirstRun, &["pageup"])],
    ),
    row(
        Action::SelectPageDown,
        "select-page-down",
        "",
        "a page down",
        G::Plain,
        &[(Overlay, &["pagedown"]), (FirstRun, &["pagedown"])],
    ),
    row(
        Action::Accept,
        "accept",
        "",
        "take it",
        G::Plain,
        &[(Overlay, &["enter"]), (FirstRun, &["enter"])],
    ),
    row(
        Action::Close,
        "close-overlay",
        "",
        "close",
        G::Plain,
        &[(Overlay, &["esc"]), (FirstRun, &["esc"])],
    ),
    row(
        Action::NextField,
        "next-field",
        "",
        "next scope",
        G::Plain,
        &[(Overlay, &["tab"]), (FirstRun, &["tab"])],
    ),
    row(
        Action::PrevField,
        "previous-field",
        "",
        "scope before",
        G::Plain,
        &[(Overlay, &["shift-tab"]), (FirstRun, &["shift-tab"])],
    ),
    row(Action::ViewFile, "view-file", "", "view the file", G::Plain, &[(FirstRun, &["v"])]),
    row(Action::WriteFile, "write-file", "", "write the file", G::Plain, &[(FirstRun, &["w"])]),
];

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
