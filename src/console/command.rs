//! Slash commands: one table of names, arguments and words; reading a line against it; completing
//! what is half typed.
//!
//! Owns: the commands' syntax. Must not know: what they do. Invariant: a line that is no known
//! command is an error here, so that it is never sent to anyone.

use std::fmt::Write as _;

use std::time::Duration;

use crate::domain::{nearest, parse_span};

/// What an argument is, for completion and for reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arg {
    /// A model's name.
    Model,
    /// A model's or provider's name.
    Target,
    /// A model or provider that is avoided now.
    Avoided,
    /// A policy's name, or the beginning of one.
    Policy,
    /// How long or for what: `chat`, `1h`, `always`.
    Scope,
    /// How long: `30m`, `1h`.
    Span,
    /// A theme's name.
    Theme,
    /// What the mouse does.
    Mouse,
    /// A reply of this chat, counted from its beginning.
    Reply,
    /// A code block's number, or `all`.
    Which,
    /// Who a fault is to strike, or `clear`.
    FaultPlace,
    /// What is to go wrong.
    FaultKind,
    /// For how long it goes wrong.
    FaultSpan,
    /// Who a drill is about, or `off`.
    DrillName,
    /// What a drill pretends.
    DrillKind,
    /// A form to write out in.
    ExportAs,
    /// `yes`.
    Yes,
    /// `on` or `off`.
    OnOff,
    /// `clear`, and the beginning of a kept answer's key.
    Forget,
    /// Whose budget: `day`, `month`, `session`, a provider or a model.
    BudgetScope,
    /// How much, or `off`.
    Amount,
    /// What happens at a budget's limit.
    AtLimit,
    /// The rest of the line.
    Text,
}

/// Whether an argument may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out.
    Optional,
}

/// A command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is described by its row of the table")]
pub enum Name {
    Use,
    Pin,
    Auto,
    Policy,
    Avoid,
    Allow,
    Why,
    Test,
    Retry,
    Edit,
    Copy,
    New,
    System,
    Private,
    Fault,
    Drill,
    Cache,
    Budget,
    Routes,
    Costs,
    Sessions,
    Search,
    Rename,
    Delete,
    Fork,
    Tree,
    Export,
    Replay,
    Theme,
    Mouse,
    Panel,
    Help,
    Quit,
}

/// One command.
#[derive(Debug, Clone, Copy)]
pub struct CommandInfo {
    /// Which.
    pub id: Name,
    /// What is typed after the slash.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'static [(Arg, Need)],
    /// What it does.
    pub doc: &'static str,
}

use Need::{Optional, Required};

const fn command(
    id: Name,
    name: &'static str,
    args: &'static [(Arg, Need)],
    doc: &'static str,
) -> CommandInfo {
    CommandInfo { id, name, args, doc }
}

/// Every command.
pub static TABLE: &[CommandInfo] = &[
    command(
        Name::Use,
        "use",
        &[(Arg::Model, Required), (Arg::Text, Optional)],
        "one message to a model",
    ),
    command(
        Name::Pin,
        "pin",
        &[(Arg::Model, Required), (Arg::Scope, Optional)],
        "a model until undone",
    ),
    command(Name::Auto, "auto", &[(Arg::Policy, Optional)], "back to routing"),
    command(Name::Policy, "policy", &[(Arg::Policy, Optional)], "switch the policy"),
    command(
        Name::Avoid,
        "avoid",
        &[(Arg::Target, Optional), (Arg::Span, Optional)],
        "do not use it; alone: what is avoided",
    ),
    command(Name::Allow, "allow", &[(Arg::Avoided, Required)], "use it again"),
    command(Name::Why, "why", &[(Arg::Reply, Optional)], "why a reply was routed so"),
    command(Name::Test, "test", &[(Arg::Text, Required)], "route without sending"),
    command(Name::Retry, "retry", &[(Arg::Model, Optional)], "ask the same again"),
    command(Name::Edit, "edit", &[], "edit the last message, send it again"),
    command(Name::Copy, "copy", &[(Arg::Which, Optional)], "copy the last reply, a block, all"),
    command(Name::New, "new", &[], "new chat"),
    command(Name::System, "system", &[(Arg::Text, Optional)], "set the system prompt; off clears"),
    command(
        Name::Private,
        "private",
        &[(Arg::OnOff, Optional)],
        "this machine only, nothing stored",
    ),
    command(
        Name::Drill,
        "drill",
        &[(Arg::DrillName, Optional), (Arg::DrillKind, Optional), (Arg::Span, Optional)],
        "pretend it fails, on this side only",
    ),
    command(
        Name::Fault,
        "fault",
        &[(Arg::FaultPlace, Optional), (Arg::FaultKind, Optional), (Arg::FaultSpan, Optional)],
        "break a simulated provider",
    ),
    command(
        Name::Cache,
        "cache",
        &[(Arg::Forget, Optional), (Arg::Text, Optional)],
        "what the cache saved; clear forgets",
    ),
    command(
        Name::Budget,
        "budget",
        &[(Arg::BudgetScope, Optional), (Arg::Amount, Optional), (Arg::AtLimit, Optional)],
        "what may be spent, in this run",
    ),
    command(Name::Routes, "routes", &[], "open the routing log"),
    command(Name::Costs, "costs", &[], "what was spent"),
    command(Name::Sessions, "sessions", &[], "open another chat"),
    command(Name::Search, "search", &[(Arg::Text, Required)], "search all chats"),
    command(Name::Rename, "rename", &[(Arg::Text, Required)], "give this chat a title"),
    command(Name::Fork, "fork", &[], "go on in a copy of this chat"),
    command(Name::Tree, "tree", &[], "the ways this chat went"),
    command(Name::Export, "export", &[(Arg::ExportAs, Optional)], "write this chat to a file"),
    command(Name::Delete, "delete", &[(Arg::Yes, Optional)], "remove this chat for good"),
    command(
        Name::Replay,
        "replay",
        &[(Arg::Policy, Required), (Arg::Span, Optional)],
        "what another policy would have done",
    ),
    command(Name::Theme, "theme", &[(Arg::Theme, Optional)], "change the colours"),
    command(Name::Mouse, "mouse", &[(Arg::Mouse, Optional)], "what the mouse does"),
    command(Name::Panel, "panel", &[], "side panel on and off"),
    command(Name::Help, "help", &[], "keys and commands"),
    command(Name::Quit, "quit", &[], "quit"),
];

impl CommandInfo {
    /// How it is written: `/pin MODEL [chat|1h|always]`.
    pub fn usage(&self) -> String {
        let mut out = format!("/{}", self.name);
        for (arg, need) in self.args {
            let word = match arg {
                Arg::Model => "MODEL",
                Arg::Target | Arg::Avoided => "NAME",
                Arg::Policy => "POLICY",
                Arg::Scope => "chat|1h|always",
                Arg::Span => "1h",
                Arg::Theme => "NAME",
                Arg::Reply => "N",
                Arg::Which => "N|all",
                Arg::Mouse => "off|wheel|full",
                Arg::FaultPlace => "PROVIDER|clear",
                Arg::FaultKind => "KIND",
                Arg::FaultSpan => "for 60s|once",
                Arg::DrillName => "NAME|off",
                Arg::DrillKind => "down|slow 4s|limit|cut",
                Arg::ExportAs => "md|json|html",
                Arg::Yes => "yes",
                Arg::OnOff => "on|off",
                Arg::Forget => "clear",
                Arg::BudgetScope => "day|month|session|NAME",
                Arg::Amount => "USD|off",
                Arg::AtLimit => "warn|ask|stop",
                Arg::Text => "TEXT",
            };
            let _ = match need {
                Required => write!(out, " {word}"),
                Optional => write!(out, " [{word}]"),
            };
        }
        out
    }
}

/// A line read against the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The command.
    pub id: Name,
    /// The first argument; empty when there is none.
    pub first: &'a str,
    /// Everything after it.
    pub rest: &'a str,
}

/// Reads a line that begins with a slash.
pub fn read(line: &str) -> Result<Line<'_>, String> {
    let body = line.strip_prefix('/').unwrap_or(line);
    let (word, rest) = split(body);
    let rest = rest.trim();
    let Some(info) = TABLE.iter().find(|info| info.name == word) else {
        let begun: Vec<&CommandInfo> =
            TABLE.iter().filter(|info| !word.is_empty() && info.name.starts_with(word)).collect();
        if let [one] = begun.as_slice() {
            return arguments(one, rest);
        }
        let near = match begun.as_slice() {
            [] => nearest(word, TABLE.iter().map(|info| info.name)).into_iter().collect(),
            [..] => begun.iter().map(|info| info.name).collect::<Vec<_>>(),
        };
        let near = near.iter().map(|name| format!("/{name}")).collect::<Vec<_>>().join(", ");
        let hint = if near.is_empty() { "F1 lists them".to_owned() } else { format!("{near}?") };
        return Err(format!("no command /{word}: {hint} (// sends a slash)"));
    };
    arguments(info, rest)
}

fn arguments<'a>(info: &CommandInfo, rest: &'a str) -> Result<Line<'a>, String> {
    let line = match info.args.first() {
        None if !rest.is_empty() => return Err(format!("{} takes nothing", info.usage())),
        None => Line { id: info.id, first: "", rest: "" },
        Some((Arg::Text, _)) => Line { id: info.id, first: rest, rest: "" },
        Some(_) => {
            let (first, rest) = split(rest);
            Line { id: info.id, first, rest: rest.trim() }
        }
    };
    let needed = info.args.iter().filter(|(_, need)| *need == Required).count();
    if needed > 0 && line.first.is_empty() {
        return Err(info.usage());
    }
    if info.args.len() == 1 && !line.rest.is_empty() {
        return Err(info.usage());
    }
    Ok(line)
}

fn split(text: &str) -> (&str, &str) {
    text.find(char::is_whitespace).map_or((text, ""), |at| text.split_at(at))
}

/// How long a pin holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// For this chat.
    Chat,
    /// For so long, everywhere.
    For(Duration),
    /// Until undone.
    Always,
}

/// Reads `chat`, `always`, `1h`; nothing said means this chat.
pub fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "" | "chat" => Ok(Scope::Chat),
        "always" => Ok(Scope::Always),
        span => parse_span(span)
            .map(Scope::For)
            .map_err(|_| format!("{span:?} is not chat, always or a time such as 1h")),
    }
}

/// Which word of a half-typed command line the caret is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// The command's own name.
    Name,
    /// An argument.
    Argument(Arg),
    /// Nothing that can be completed.
    Nothing,
}

/// What the caret is in, and where its word begins; `before` is the line up to the caret.
pub fn cursor(before: &str) -> (Cursor, usize) {
    let Some(body) = before.strip_prefix('/') else { return (Cursor::Nothing, 0) };
    if body.starts_with('/') {
        return (Cursor::Nothing, 0);
    }
    let from = before
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    if from == 0 {
        return (Cursor::Name, 1);
    }
    let (name, _) = split(body);
    let place = before[..from].split_whitespace().count() - 1;
    let info = TABLE.iter().find(|info| info.name == name);
    match info.and_then(|info| info.args.get(place)) {
        Some((Arg::Text, _)) | None => (Cursor::Nothing, from),
        Some((arg, _)) => (Cursor::Argument(*arg), from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_with_its_arguments() {
        let line = read("/use opus prove the lemma\nin the notes").unwrap();
        assert_eq!((line.id, line.first), (Name::Use, "opus"));
        assert_eq!(line.rest, "prove the lemma\nin the notes");
        assert_eq!(read("/test why is it so").unwrap().first, "why is it so");
    }

    #[test]
    fn an_unknown_command_is_an_error_that_says_how_to_send_a_slash() {
        let error = read("/usr/bin/env").unwrap_err();
        assert!(error.contains("/usr/bin/env") && error.contains("//"), "{error}");
    }

    #[test]
    fn a_unique_beginning_is_enough() {
        assert_eq!(read("/pol cheap").unwrap().id, Name::Policy);
        assert!(read("/a").unwrap_err().contains("/auto, /avoid, /allow"));
    }

    #[test]
    fn a_slip_of_the_finger_is_asked_about() {
        assert_eq!(
            read("/polcy fast").unwrap_err(),
            "no command /polcy: /policy? (// sends a slash)"
        );
    }

    #[test]
    fn a_missing_or_surplus_argument_shows_the_usage() {
        assert_eq!(read("/pin").unwrap_err(), "/pin MODEL [chat|1h|always]");
        assert!(read("/new now").unwrap_err().contains("/new"));
        assert_eq!(read("/allow a b").unwrap_err(), "/allow NAME");
    }

    #[test]
    fn scopes_are_read() {
        assert_eq!(scope(""), Ok(Scope::Chat));
        assert_eq!(scope("1h"), Ok(Scope::For(Duration::from_hours(1))));
        assert_eq!(scope("always"), Ok(Scope::Always));
        assert!(scope("forever").is_err());
    }

    #[test]
    fn the_caret_knows_what_it_completes() {
        assert_eq!(cursor("/po"), (Cursor::Name, 1));
        assert_eq!(cursor("/pin op"), (Cursor::Argument(Arg::Model), 5));
        assert_eq!(cursor("/pin opus "), (Cursor::Argument(Arg::Scope), 10));
        assert_eq!(cursor("/test why"), (Cursor::Nothing, 6));
        assert_eq!(cursor("//po").0, Cursor::Nothing);
        assert_eq!(cursor("plain").0, Cursor::Nothing);
    }

    #[test]
    fn every_command_has_words_and_a_name_of_its_own() {
        for (i, info) in TABLE.iter().enumerate() {
            assert!(!info.doc.is_empty());
            assert!(TABLE[..i].iter().all(|other| other.name != info.name), "{}", info.name);
        }
    }
}
