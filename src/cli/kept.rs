//! The ledger as commands use it: where it is, opened to keep in or only to look.
//!
//! Invariant: a command that only looks never makes a file.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{
    Audience, Heard, History, MessageId, Origin, Place, Request, Role, SessionId, Turn,
};
use crate::ledger::{Day, FILE, KeptMessage, Ledger, LedgerError, Options, Reader, SessionDetail};

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

/// What goes along with a question, and what of its conversation does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WentOn {
    /// What is to be said of it, a line each.
    pub said: Vec<String>,
    /// What hung where the question hangs when it was asked.
    beside: Vec<MessageId>,
}

/// Puts what a kept conversation said in front of a request, and the request in its place there.
pub fn go_on(request: &mut Request, which: &Continue, setup: &Setup) -> Result<WentOn, Stop> {
    if *which == Continue::Fresh {
        return Ok(WentOn::default());
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
    let audience = request.audience();
    request.session = Some(session);
    // What nobody was asked, and what is not answered yet, is no place to hang on.
    let last = kept.messages.iter().rev().find(|kept| kept.heard == Heard::Sent);
    let parent = last.map(|last| last.id);
    let way = parent.map(|last| kept.branch(Some(last))).unwrap_or_default();
    let mut history = History::of(turns(&way), audience);
    let running = kept.messages.iter().filter(|kept| kept.heard == Heard::Running);
    history.left_out.running = running.count();
    let mut said = history.left_out.words();
    if request.system.is_none() && kept.system.is_some() {
        if audience == Audience::Here || kept.system_for == Audience::Anybody {
            request.system.clone_from(&kept.system);
        } else {
            said.push("nor are the instructions that were given in private".to_owned());
        }
    }
    request.place = Some(Place { message: MessageId(Uuid::now_v7()), parent });
    for asked in std::mem::take(&mut request.messages) {
        history.say(asked);
    }
    request.messages = history.messages;
    let cuts = match request.origin {
        Origin::Ask => reader.interrupted(OFFERED)?,
        _ => Vec::new(),
    };
    for cut in cuts.iter().filter(|cut| cut.session == session) {
        // It was taken up; where that cannot be written it is offered once more.
        let _once_more = ledger.dismiss(cut.request);
    }
    Ok(WentOn { said, beside: beside(&kept, parent).collect() })
}

/// A way as turns, each from a question to the next.
fn turns(way: &[&KeptMessage]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for kept in way {
        match turns.last_mut() {
            Some(turn) if kept.message.role != Role::User => {
                turn.messages.push(kept.message.clone());
            }
            _ => turns.push(Turn {
                tags: kept.tags.clone(),
                heard: kept.heard,
                messages: vec![kept.message.clone()],
            }),
        }
    }
    turns
}

/// Questions that were asked after the same message.
fn beside(kept: &SessionDetail, parent: Option<MessageId>) -> impl Iterator<Item = MessageId> {
    let asked = move |kept: &&KeptMessage| {
        kept.message.role == Role::User && kept.parent == parent && kept.heard != Heard::Never
    };
    kept.messages.iter().filter(asked).map(|kept| kept.id)
}

/// What is to be said where another program asked in the same conversation since a question took its
/// place there.
pub fn met(request: &Request, went_on: &WentOn, setup: &Setup) -> Option<&'static str> {
    let (session, place) = (request.session?, request.place?);
    let reader = Reader::open(setup.ledger()?.path(), BUSY).ok()?;
    let kept = reader.session(session).ok()??;
    let new = |asked: &MessageId| *asked != place.message && !went_on.beside.contains(asked);
    beside(&kept, place.parent).any(|asked| new(&asked)).then_some(
        "another program asked in this chat at the same time: neither sees what the other was \
         answered, and the two stand beside each other in it",
    )
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
