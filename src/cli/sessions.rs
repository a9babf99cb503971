//! `wheelhouse sessions`: conversations that were kept, listed, shown, searched, exported, removed.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::domain::{MessageId, UnixMs, counted};
use crate::engine;
use crate::ledger::{Hit, Ledger, Purge, Reader, SessionDetail, SessionOrder, SessionRow, export};
use crate::text::{self, sanitize};

use super::args::{Format, SessionsCommand};
use super::charset::Charset;
use super::compose::Setup;
use super::kept;
use super::since::Since;
use super::table::{Align, Table};
use super::{Exit, Io, Stop};

/// Does what was asked.
pub fn run(what: &SessionsCommand, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    if let SessionsCommand::Search { text, .. } = what
        && text.iter().all(|word| word.trim().is_empty())
    {
        return Err(Stop::usage(
            "there is nothing to look for: write words that were said, as in\n  \
             wheelhouse sessions search borrow checker",
        ));
    }
    let Some(ledger) = kept::existing(setup)? else {
        return nothing(what, kept::nothing(setup), io);
    };
    let zone = kept::zone(setup);
    match what {
        SessionsCommand::List { limit, by_cost, since, json } => {
            let order = if *by_cost { SessionOrder::Dearest } else { SessionOrder::Newest };
            let from = since.start(engine::now(), &zone);
            let rows = ledger.read(|reader| reader.sessions_since(from, order, *limit))?;
            let interrupted = ledger.read(|reader| reader.interrupted(LISTED))?;
            if *json {
                print(io, &Value::Array(rows.iter().map(row_json).collect()))?;
                return Ok(Exit::Done);
            }
            for line in table(&rows, &zone) {
                io.line(&line)?;
            }
            for one in interrupted {
                io.talk(&format!(
                    "an answer was cut off on {}: \"{}\". What there was of it is kept; \
                     go on with it: wheelhouse ask --session {} \"go on\"",
                    moment(one.at, &zone),
                    short(&one.asked),
                    one.session,
                ));
            }
        }
        SessionsCommand::Show { session, message } => {
            let kept = ledger.read(|reader| detail(reader, session))?;
            let leaf = leaf(&kept, message.as_deref())?;
            let own = |words: &str| Charset::chosen().of(words).into_owned();
            put(io, &export::markdown_in(&kept, leaf, &zone, own))?;
            let branches = kept.ends().len();
            if branches > 1 && message.is_none() {
                io.talk(&format!(
                    "the newest of {branches} branches; sessions export --format json holds all"
                ));
            }
            if let Some(one) = ledger
                .read(|reader| reader.interrupted(LISTED))?
                .iter()
                .find(|one| one.session == kept.row.id)
            {
                // It was looked at: that is enough.
                let _next_time = ledger.dismiss(one.request);
            }
        }
        SessionsCommand::Search { text, limit, json } => {
            let text = text.join(" ");
            let hits = ledger.read(|reader| reader.search(&text, *limit))?;
            if *json {
                print(io, &Value::Array(hits.iter().map(hit_json).collect()))?;
            } else {
                for hit in &hits {
                    io.line(&hit_line(hit, &zone))?;
                }
                if hits.is_empty() {
                    io.talk("nothing found");
                }
            }
        }
        SessionsCommand::Export { session, format, message, output } => {
            let kept = ledger.read(|reader| detail(reader, session))?;
            let leaf = leaf(&kept, message.as_deref())?;
            let text = match format {
                Format::Md => export::markdown(&kept, leaf, &zone),
                Format::Html => export::html(&kept, leaf, &zone),
                Format::Json => {
                    let figures = ledger.read(|reader| reader.answers_of(kept.row.id))?;
                    format!("{}\n", export::printed(&export::json(&kept, &figures)))
                }
            };
            match output {
                Some(path) => write_new(path, &text)?,
                None => put(io, &text)?,
            }
        }
        SessionsCommand::Rm { sessions, older_than, records, yes } => {
            let what = Removal { sessions, older_than: *older_than, records: *records, yes: *yes };
            return remove(&ledger, &what, &zone, io);
        }
    }
    Ok(Exit::Done)
}

/// Cut-off answers that are told at once.
const LISTED: usize = 5;

/// Characters of what was asked that are shown.
const SHORT: usize = 48;

fn nothing(what: &SessionsCommand, why: &str, io: &mut Io<'_>) -> Result<Exit, Stop> {
    match what {
        SessionsCommand::List { json, .. } | SessionsCommand::Search { json, .. } => {
            if *json {
                print(io, &json!([]))?;
            }
            io.talk(why);
            Ok(Exit::Done)
        }
        SessionsCommand::Rm { older_than: Some(_), .. } => {
            io.talk(why);
            Ok(Exit::Done)
        }
        SessionsCommand::Show { session, .. } | SessionsCommand::Export { session, .. } => {
            Err(Stop::usage(format!("there is no conversation {session}: {why}")))
        }
        SessionsCommand::Rm { .. } => Err(Stop::usage(why)),
    }
}

fn detail(reader: &Reader, typed: &str) -> Result<SessionDetail, crate::ledger::LedgerError> {
    let id = reader.find_session(typed)?;
    let missing = || crate::ledger::LedgerError::Unknown(format!("there is no conversation {id}"));
    reader.session(id)?.ok_or_else(missing)
}

fn leaf(kept: &SessionDetail, typed: Option<&str>) -> Result<Option<MessageId>, Stop> {
    let Some(typed) = typed else { return Ok(None) };
    let digits = typed.replace('-', "").to_lowercase();
    let named = |id: MessageId| {
        let whole = id.0.simple().to_string();
        let listed = id.short();
        digits.len() >= 4
            && (whole.starts_with(&digits)
                || whole.ends_with(&digits)
                || listed.starts_with(&digits))
    };
    let mut found = kept.messages.iter().map(|message| message.id).filter(|id| named(*id));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(Some(one)),
        (None, _) => Err(Stop::usage(format!("there is no message {typed} in this conversation"))),
        (Some(_), Some(_)) => Err(Stop::usage(format!("{typed} may mean several messages"))),
    }
}

/// What is to be removed.
struct Removal<'a> {
    sessions: &'a [String],
    older_than: Option<Since>,
    records: bool,
    yes: bool,
}

fn remove(
    ledger: &Ledger,
    what: &Removal<'_>,
    zone: &TimeZone,
    io: &mut Io<'_>,
) -> Result<Exit, Stop> {
    // All are looked up before the first one goes.
    let rows = what
        .sessions
        .iter()
        .map(|typed| ledger.read(|reader| Ok(detail(reader, typed)?.row)))
        .collect::<Result<Vec<_>, _>>()?;
    if what.older_than == Some(Since::All) && !what.yes && !io.somebody() {
        let why =
            "this removes every conversation, and nobody is here to agree: give --yes to do it";
        return Err(Stop::usage(why));
    }
    if !what.yes && io.somebody() {
        let question = match (rows.as_slice(), what.older_than) {
            (_, Some(Since::All)) => "remove every conversation, for good?".to_owned(),
            (_, Some(age)) => format!(
                "remove every conversation nothing was said in since {}, for good?",
                moment(age.older(engine::now(), zone), zone)
            ),
            ([one], None) => format!(
                "remove \"{}\" ({}, {}), for good?",
                short(&one.title),
                counted(one.messages, "message"),
                one.id.short()
            ),
            (several, None) => {
                format!("remove {} for good?", counted(several.len() as u64, "conversation"))
            }
        };
        if !io.agreed(&question)? {
            io.talk("nothing was removed");
            return Ok(Exit::Done);
        }
    }
    for row in rows {
        let messages = ledger.remove(row.id)?;
        io.talk(&format!("removed {}, {}", row.id, counted(messages, "message")));
    }
    if let Some(age) = what.older_than {
        let before = age.older(engine::now(), zone);
        let gone = ledger.purge(before, Purge::Conversations)?;
        io.talk(&format!("removed {}", counted(gone, "conversation")));
        if what.records {
            let gone = ledger.purge(before, Purge::Records)?;
            io.talk(&format!("removed {}; sums per day stay", counted(gone, "record")));
        }
    }
    Ok(Exit::Done)
}

fn moment(at: UnixMs, zone: &TimeZone) -> String {
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or_default();
    stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().nth(SHORT).is_none() {
        return line;
    }
    line.chars().take(SHORT - 1).collect::<String>() + "…"
}

/// Cells of a title in the list.
const TITLE_CELLS: usize = 72;

fn table(rows: &[SessionRow], zone: &TimeZone) -> Vec<String> {
    let mut table = Table::new(&[
        ("id", Align::Left),
        ("last", Align::Left),
        ("messages", Align::Right),
        ("cost", Align::Right),
        ("from", Align::Left),
        ("title", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.short(),
            moment(row.updated, zone),
            row.messages.to_string(),
            row.cost.brief(),
            row.origin.clone(),
            text::ellipsis(&row.title, TITLE_CELLS).into_owned(),
        ]);
    }
    table.lines()
}

fn row_json(row: &SessionRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "title": row.title,
        "created": row.created,
        "updated": row.updated,
        "origin": row.origin,
        "messages": row.messages,
        "cost_usd": row.cost.amount.to_string(),
        "cost_exact": row.cost.exact,
        "forked_from": row.forked_from.map(|id| id.to_string()),
    })
}

fn hit_line(hit: &Hit, zone: &TimeZone) -> String {
    format!("{}  {}  {:<9}  {}", hit.session.short(), moment(hit.at, zone), hit.role, hit.snippet)
}

fn hit_json(hit: &Hit) -> Value {
    json!({
        "session": hit.session.to_string(),
        "title": hit.title,
        "message": hit.message.map(|id| id.to_string()),
        "role": hit.role,
        "at": hit.at,
        "snippet": hit.snippet,
        "found": [hit.found.0, hit.found.1],
    })
}

fn print(io: &mut Io<'_>, value: &Value) -> Result<(), Stop> {
    writeln!(io.out, "{}", export::printed(value))?;
    Ok(())
}

/// A document: made safe by the exporter, and once more for a terminal. Its characters are its own.
fn put(io: &mut Io<'_>, text: &str) -> Result<(), Stop> {
    if io.out_kind == super::Kind::Terminal {
        for line in text.lines() {
            writeln!(io.out, "{}", sanitize(line))?;
        }
        return Ok(());
    }
    io.out.write_all(text.as_bytes())?;
    Ok(())
}

/// A new file of the user's alone; never over one that is there.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Stop> {
    let told = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Stop::error(format!("{} is there already; left as it is", path.display()))
        }
        _ => Stop::error(format!("{}: {error}", path.display())),
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(told)?;
    file.write_all(text.as_bytes()).map_err(told)
}
