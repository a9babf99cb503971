//! Orders as SQL, each within the transaction it is given.
//!
//! Must not know: threads, files, what time it is. Invariant: carrying out the same order twice
//! leaves what carrying it out once leaves, so that an order whose fate is unknown may be given again.

mod money;
mod recover;
mod turn;
mod upkeep;

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use crate::domain::{RequestId, Role};

use super::order::{Order, Piece};

pub(super) use recover::{INTERRUPTED, recover};

/// Why an order was not carried out.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database said no.
    Sql(rusqlite::Error),
    /// What it is about is not there.
    Unknown(String),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Carries out an order; says how many rows it concerned.
pub(super) fn obey(
    db: &Connection,
    order: &Order,
    zone: &TimeZone,
    run: Uuid,
) -> Result<u64, Failed> {
    match order {
        Order::Begin(begin) => {
            turn::begin(db, begin, zone, run)?;
            Ok(1)
        }
        Order::Attempt { begin, report } => {
            let request = turn::begin(db, begin, zone, run)?;
            Ok(u64::from(money::attempt(db, begin, request, report, zone)?))
        }
        Order::End(end) => Ok(turn::end(db, end, zone, run)?),
        Order::Aside(aside) => Ok(money::aside(db, aside, zone)?),
        Order::Prefer(preference) => Ok(upkeep::prefer(db, preference)?),
        Order::Learn { rows, at } => Ok(upkeep::learn(db, rows, *at)?),
        Order::Rename { session, title } => upkeep::rename(db, *session, title),
        Order::Remove(session) => upkeep::remove(db, *session),
        Order::Purge { before, what } => Ok(upkeep::purge(db, *before, *what, zone)?),
        Order::Scrub(part) => Ok(upkeep::scrub_part(db, *part)?),
        Order::Fork { from, at, to, now } => upkeep::fork(db, *from, *at, *to, *now),
        Order::Dismiss(request) => upkeep::dismiss(db, *request),
        Order::Flush => Ok(0),
    }
}

/// Journals a piece of an answer on its way. One whose beginning was not kept has nothing to hang on, and
/// of one that is kept in figures alone no word is.
pub(super) fn more(
    db: &Connection,
    request: RequestId,
    piece: Piece,
    text: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO journal (request, kind, text)
         SELECT n, ?2, ?3 FROM requests WHERE id = ?1 AND run IS NOT NULL AND (keep = 'all' OR ?4)",
    )?
    .execute(params![key(request.0), piece.name(), text, !piece.is_words()])
    .map(|_| ())
}

/// Takes back what was journaled of an answer's words.
pub(super) fn void(db: &Connection, request: RequestId) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM journal WHERE request = (SELECT n FROM requests WHERE id = ?1)
         AND kind NOT IN ('waits', 'asked')",
    )?
    .execute([key(request.0)])
    .map(|_| ())
}

/// An id as it stands in the file.
pub(super) fn key(id: Uuid) -> [u8; 16] {
    *id.as_bytes()
}

/// A row's number by its id.
fn number(db: &Connection, sql: &str, id: Uuid) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(sql)?.query_row([key(id)], |row| row.get(0)).optional()
}

/// A further id made from one, the same every time: for messages that came without one.
fn derived(from: Uuid, salt: u64) -> Uuid {
    let mut hash = blake3::Hasher::new();
    hash.update(from.as_bytes()).update(&salt.to_be_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&hash.finalize().as_bytes()[..10]);
    let ms = from.get_timestamp().map_or(0, |stamp| {
        let (seconds, nanos) = stamp.to_unix();
        seconds.saturating_mul(1000).saturating_add(u64::from(nanos) / 1_000_000)
    });
    uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
