//! What is done to what is kept: removing, purging, renaming, forking.
//!
//! Invariant: removing a conversation removes every word of it and none of what it cost.

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::domain::{MessageId, ModelName, RequestId, SessionId, UnixMs};

use super::super::Day;
use super::super::order::{KeptTokens, Preference, Purge, Scrub};
use super::recover::INTERRUPTED;
use super::{Failed, derived, key, number, turn};

/// How an interrupted answer ended, once it was looked at.
const DISMISSED: &str = "dismissed";

/// Milliseconds in an hour.
const HOUR: i64 = 3_600_000;

/// Conversations that are removed by age in one go. More, and others who write wait longer for it.
const TALKS_AT_ONCE: i64 = 32;

/// Requests and lines of spending that are.
const ROWS_AT_ONCE: i64 = 1_000;

/// Pages of an index written anew in one go.
const PAGES_AT_ONCE: i64 = 500;

fn session(db: &Connection, id: SessionId) -> Result<i64, Failed> {
    number(db, "SELECT n FROM sessions WHERE id = ?1", id.0)?
        .ok_or_else(|| Failed::Unknown(format!("there is no conversation {id}")))
}

pub(super) fn rename(db: &Connection, id: SessionId, title: &str) -> Result<u64, Failed> {
    let n = session(db, id)?;
    db.execute("UPDATE sessions SET title = ?2 WHERE n = ?1", params![n, turn::title(title)])?;
    Ok(1)
}

pub(super) fn remove(db: &Connection, id: SessionId) -> Result<u64, Failed> {
    let n = session(db, id)?;
    let paired: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM messages m JOIN message_pairs_docsize d ON d.id = m.n
             WHERE m.session = ?1)",
        )?
        .query_row([n], |row| row.get(0))?;
    let messages = forget(db, n)?;
    if paired {
        scrub(db)?;
    }
    Ok(messages)
}

/// Takes pairs of letters whose messages were removed out of their index: until it is written anew they
/// are only marked there.
pub(super) fn scrub(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO message_pairs (message_pairs) VALUES ('optimize')")?
        .execute([])
        .map(|_| ())
}

/// The same in parts: 1 while there is more to do. Others who write get their turn in between.
pub(super) fn scrub_part(db: &Connection, part: Scrub) -> rusqlite::Result<u64> {
    // The first, below zero, takes all of the index to be written anew whatever its state.
    let pages = match part {
        Scrub::First => -PAGES_AT_ONCE,
        Scrub::Next => PAGES_AT_ONCE,
    };
    let before = db.total_changes();
    db.prepare_cached("INSERT INTO message_pairs (message_pairs, rank) VALUES ('merge', ?1)")?
        .execute([pages])?;
    // One change is the order's own.
    Ok(u64::from(db.total_changes() - before > 1))
}

/// Removes every word of a conversation, wherever it stands; says how many messages it had.
fn forget(db: &Connection, n: i64) -> rusqlite::Result<u64> {
    let messages: i64 = db
        .prepare_cached("SELECT count(*) FROM messages WHERE session = ?1")?
        .query_row([n], |row| row.get(0))?;
    // Errors may say again what was asked; what runs is journaled no further.
    for sql in [
        "DELETE FROM journal WHERE request IN (SELECT n FROM requests WHERE session = ?1)",
        "UPDATE attempts SET report = json_set(report, '$.detail', '')
         WHERE request IN (SELECT n FROM requests WHERE session = ?1)",
        "UPDATE requests SET error = NULL, keep = 'figures' WHERE session = ?1",
        "INSERT OR IGNORE INTO removed SELECT id FROM sessions WHERE n = ?1",
        "DELETE FROM sessions WHERE n = ?1",
    ] {
        db.prepare_cached(sql)?.execute([n])?;
    }
    Ok(u64::try_from(messages).unwrap_or(0))
}

/// Removes the next of what is that old, few enough that others who write need not wait long; says
/// how many rows went, and 0 once nothing that old is left.
pub(super) fn purge(
    db: &Connection,
    before: UnixMs,
    what: Purge,
    zone: &TimeZone,
) -> rusqlite::Result<u64> {
    match what {
        Purge::Conversations => {
            let old: Vec<i64> = db
                .prepare_cached("SELECT n FROM sessions WHERE updated < ?1 LIMIT ?2")?
                .query_map(params![before.0, TALKS_AT_ONCE], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for n in &old {
                forget(db, *n)?;
            }
            Ok(old.len() as u64)
        }
        Purge::Records => {
            let requests = "DELETE FROM requests WHERE n IN (SELECT n FROM requests
                 WHERE at < ?1 AND run IS NULL ORDER BY at LIMIT ?2)";
            let lines =
                "DELETE FROM spend WHERE n IN (SELECT n FROM spend WHERE day < ?1 LIMIT ?2)";
            let hours = "DELETE FROM hourly WHERE (hour, provider, model) IN
                 (SELECT hour, provider, model FROM hourly WHERE hour < ?1 LIMIT ?2)";
            let gone = db.execute(requests, params![before.0, ROWS_AT_ONCE])?
                + db.execute(lines, params![Day::of(before, zone).0, ROWS_AT_ONCE])?
                + db.execute(hours, params![before.0.div_euclid(HOUR), ROWS_AT_ONCE])?;
            Ok(gone as u64)
        }
    }
}

pub(super) fn prefer(db: &Connection, preference: &Preference) -> rusqlite::Result<u64> {
    let row = match preference.session {
        Some(session) => number(db, "SELECT n FROM sessions WHERE id = ?1", session.0)?,
        None => None,
    };
    let losers: Vec<&str> = preference.losers.iter().map(ModelName::as_str).collect();
    let losers = serde_json::to_string(&losers)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    db.execute(
        "INSERT INTO preferences (at, session, task, winner, losers) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![preference.at.0, row, preference.task.name(), preference.winner.as_str(), losers],
    )?;
    Ok(1)
}

/// Keeps what was learned of tokens; of two programs that learn, the one that was taught more is right.
pub(super) fn learn(db: &Connection, rows: &[KeptTokens], at: UnixMs) -> rusqlite::Result<u64> {
    let mut keep = db.prepare_cached(
        "INSERT INTO token_factors (model, against, script, vocabulary, log, taught, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET vocabulary = excluded.vocabulary, log = excluded.log,
         taught = excluded.taught, at = excluded.at
         WHERE excluded.taught >= taught OR excluded.vocabulary <> vocabulary",
    )?;
    let mut count = 0;
    for KeptTokens { vocabulary, learned } in rows {
        count += keep.execute(params![
            learned.model.as_str(),
            learned.against.name(),
            learned.script.name(),
            vocabulary,
            f64::from(learned.log),
            f64::from(learned.taught),
            at.0,
        ])?;
    }
    Ok(count as u64)
}

pub(super) fn dismiss(db: &Connection, request: RequestId) -> Result<u64, Failed> {
    let changed = db.execute(
        "UPDATE requests SET finish = ?2 WHERE id = ?1 AND finish = ?3",
        params![key(request.0), DISMISSED, INTERRUPTED],
    )?;
    Ok(changed as u64)
}

/// Copies the way from the first message to one of them into a conversation of its own.
/// It begins without a line of spending: what was paid in the original is not paid again.
pub(super) fn fork(
    db: &Connection,
    from: SessionId,
    at: Option<MessageId>,
    to: SessionId,
    now: UnixMs,
) -> Result<u64, Failed> {
    let n = session(db, from)?;
    let leaf: Option<i64> = match at {
        Some(message) => {
            let found = db
                .query_row(
                    "SELECT n FROM messages WHERE id = ?1 AND session = ?2",
                    params![key(message.0), n],
                    |row| row.get(0),
                )
                .optional()?;
            let missing = || Failed::Unknown(format!("there is no message {message} in {from}"));
            Some(found.ok_or_else(missing)?)
        }
        None => {
            db.query_row("SELECT max(n) FROM messages WHERE session = ?1", [n], |row| row.get(0))?
        }
    };
    db.execute(
        "INSERT INTO sessions (id, created, updated, title, system, system_private, origin,
         forked_from, forked_at)
         SELECT ?2, ?3, ?3, title, system, system_private, origin, id, ?4 FROM sessions WHERE n = ?1",
        params![n, key(to.0), now.0, at.map(|message| key(message.0))],
    )?;
    let new = db.last_insert_rowid();
    let mut way = Vec::new();
    let mut up = leaf;
    while let Some(row) = up {
        way.push(row);
        up = db.query_row("SELECT parent FROM messages WHERE n = ?1", [row], |row| row.get(0))?;
    }
    let mut parent: Option<i64> = None;
    for (place, row) in way.iter().rev().enumerate() {
        db.execute(
            "INSERT INTO messages
             (id, session, parent, role, at, text, parts, request, model, provider, finish, seams,
              tags, unheard)
             SELECT ?2, ?3, ?4, role, at, text, parts, request, model, provider, finish, seams,
              tags, unheard
             FROM messages WHERE n = ?1",
            params![row, key(derived(to.0, place as u64)), new, parent],
        )?;
        let copy = db.last_insert_rowid();
        let text: String =
            db.query_row("SELECT text FROM messages WHERE n = ?1", [copy], |row| row.get(0))?;
        turn::index(db, copy, &text)?;
        parent = Some(copy);
    }
    db.execute("UPDATE sessions SET messages = ?2 WHERE n = ?1", params![new, way.len() as i64])?;
    Ok(way.len() as u64)
}
