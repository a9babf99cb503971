//! The ledger as commands use it: where it is, opened to keep in or only to look.
//!
//! Invariant: a command that only looks never makes a file.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{Message, Origin, Part, Place, Request, Role, SessionId};
use crate::ledger::{Day, FILE, KeptMessage, Ledger, LedgerError, Options, Reader};

use super::args::AskArgs;
use super::compose::Setup;
use super::{Exit, Stop};

/// How long a command waits for the file to be brought up to date before it looks all the same.
const READY: Duration = Duration::from_secs(10);

/// How long a reader waits for a file that is locked.
const BUSY: Duration = Duration::from_secs(5);

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        let exit = match &error {
            LedgerError::Unknown(_) => Exit::Usage,
            LedgerError::Busy { .. }
            | LedgerError::Full { .. }
            | LedgerError::Denied { .. }
            | LedgerError::Corrupt { .. }
            | LedgerError::Newer { .. }
            | LedgerError::Nothing { .. }
            | LedgerError::Slow { .. }
            | LedgerError::Closed
            | LedgerError::Disk { .. } => Exit::Error,
        };
        Self::Say(exit, error.to_string())
    }
}

/// The user's own zone, read as it stands: to find its name the whole zone database would be walked.
pub fn zone(setup: &Setup) -> TimeZone {
    let system = || TimeZone::tzif("local", &std::fs::read("/etc/localtime").ok()?).ok();
    let named = (setup.env)("TZ").is_some();
    let zone = if named { None } else { system() };
    zone.unwrap_or_else(TimeZone::system)
}

/// The day it is for the user.
pub fn today(setup: &Setup) -> Day {
    Day::of(crate::engine::now(), &zone(setup))
}

/// Opens the ledger of a directory to keep in. At once: whether it can be kept in shows later.
pub fn open(setup: &Setup, dir: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(Options::new(dir, zone(setup), Uuid::now_v7()))
}

/// Opens a ledger that is there, brought up to date where it can be; `None` where nothing was ever
/// kept.
pub fn existing(setup: &Setup) -> Result<Option<Ledger>, Stop> {
    let dir = &setup.paths.data_dir;
    if dir.is_file() {
        return Err(Stop::usage(format!(
            "{} is a file, where data is kept in a directory",
            dir.display()
        )));
    }
    if !dir.join(FILE).exists() {
        return Ok(None);
    }
    let ledger = setup.keep()?;
    // One that cannot be written can still be looked at; what is wrong with it shows then.
    let _looked_at_all_the_same = ledger.flush(READY);
    Ok(Some(ledger))
}

/// A connection to look with; `None` where nothing was ever kept.
pub fn reader(setup: &Setup) -> Result<Option<Reader>, Stop> {
    let Some(ledger) = existing(setup)? else { return Ok(None) };
    Ok(Some(Reader::open(ledger.path(), BUSY)?))
}

/// Is this conversation kept, and will it be when this process has ended?
pub fn is_there(session: SessionId, setup: &Setup) -> bool {
    let row = |ledger: Ledger| ledger.read(|reader| reader.session_row(session)).ok().flatten();
    !setup.is_scratch() && setup.ledger().and_then(row).is_some()
}

/// Cut-off answers that are looked through for one of a conversation.
const OFFERED: usize = 100;

/// What is said where nothing was ever kept.
pub fn nothing(setup: &Setup) -> &'static str {
    if setup.is_scratch() {
        // Asking something first would not help: it goes with the demo it was asked in.
        return "a demo keeps nothing between runs: give each the same --data DIR, and it does";
    }
    "nothing is kept yet: ask something first"
}

/// Which conversation a question goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continue {
    /// A new one.
    Fresh,
    /// The one something was said in last.
    Last,
    /// This one.
    Named(String),
}

impl Continue {
    /// As the command line says.
    pub fn of(args: &AskArgs) -> Self {
        match (&args.session, args.go_on) {
            (Some(typed), _) => Self::Named(typed.clone()),
            (None, true) => Self::Last,
            (None, false) => Self::Fresh,
        }
    }
}

/// Puts what a kept conversation said in front of a request, and the request in its place there.
pub fn go_on(request: &mut Request, which: &Continue, setup: &Setup) -> Result<(), Stop> {
    if *which == Continue::Fresh {
        return Ok(());
    }
    let ledger = existing(setup)?.ok_or_else(|| Stop::usage(nothing(setup)))?;
    let reader = Reader::open(ledger.path(), BUSY)?;
    let session: SessionId = match which {
        Continue::Named(typed) => reader.find_session(typed)?,
        Continue::Last | Continue::Fresh => {
            reader.latest_session(None)?.ok_or_else(|| Stop::usage(nothing(setup)))?
        }
    };
    let kept = reader
        .session(session)?
        .ok_or_else(|| Stop::usage(format!("there is no conversation {session}")))?;
    let way = kept.branch(None);
    request.session = Some(session);
    request.system = request.system.take().or_else(|| kept.system.clone());
    request.place = Some(Place {
        message: crate::domain::MessageId(Uuid::now_v7()),
        parent: way.last().map(|last| last.id),
    });
    let mut messages = history(&way);
    for asked in std::mem::take(&mut request.messages) {
        join(&mut messages, asked);
    }
    request.messages = messages;
    let cuts = match request.origin {
        Origin::Ask => reader.interrupted(OFFERED)?,
        _ => Vec::new(),
    };
    for cut in cuts.iter().filter(|cut| cut.session == session) {
        // It was taken up; where that cannot be written it is offered once more.
        let _once_more = ledger.dismiss(cut.request);
    }
    Ok(())
}

/// A branch as a model is told it: no thinking, and roles that alternate.
fn history(way: &[&KeptMessage]) -> Vec<Message> {
    let mut out = Vec::new();
    for kept in way {
        let mut message = kept.message.clone();
        message.parts.retain(|part| !matches!(part, Part::Reasoning { .. }));
        if !message.parts.is_empty() {
            join(&mut out, message);
        }
    }
    out
}

/// Questions nothing answered are joined with the one after.
fn join(messages: &mut Vec<Message>, next: Message) {
    match messages.last_mut() {
        Some(last) if last.role == Role::User && next.role == Role::User => {
            match (last.parts.as_slice(), next.parts.as_slice()) {
                ([Part::Text { text: before }], [Part::Text { text: after }]) => {
                    *last = Message::user(format!("{before}\n\n{after}"));
                }
                _ => last.parts.extend(next.parts),
            }
        }
        _ => messages.push(next),
    }
}
