//! A request from its decision to its answer: the conversation it belongs to, its question and
//! answer as messages, the decision, and what the request came to.
//!
//! Invariants: a question asked again is one message with several answers; of a request whose text
//! is not to be kept no word is written; what was private, and what nobody was asked, is marked so.

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use crate::domain::{Audience, Finish, Message, MessageId, Part, Role, UnixMs, is_private};

use super::super::order::{Begin, End, Keep};
use super::super::{Day, pack, pairs};
use super::{derived, key, money, number, role_name};

/// Characters of the first question that become a conversation's title.
const TITLE_CHARS: usize = 60;

/// Keeps a request's beginning; gives its row.
pub(super) fn begin(
    db: &Connection,
    begin: &Begin,
    zone: &TimeZone,
    run: Uuid,
) -> rusqlite::Result<i64> {
    let request = &begin.request;
    if let Some(n) = number(db, "SELECT n FROM requests WHERE id = ?1", request.id.0)? {
        return Ok(n);
    }
    let (session, asked) = match (begin.keep, request.session) {
        (Keep::All, Some(id)) => {
            let session = session(db, begin, id.0)?;
            (Some(session), question(db, begin, session)?)
        }
        (Keep::All, None) | (Keep::Figures, _) => (None, None),
    };
    db.prepare_cached(
        "INSERT INTO requests (id, session, asked, run, keep, origin, at, day)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        key(request.id.0),
        session,
        asked,
        key(run),
        begin.keep.name(),
        request.origin.name(),
        begin.at.0,
        Day::of(begin.at, zone).0,
    ])?;
    let n = db.last_insert_rowid();
    decision(db, begin, n)?;
    Ok(n)
}

fn decision(db: &Connection, begin: &Begin, request: i64) -> rusqlite::Result<()> {
    let packed = pack::pack(&begin.input, &begin.decision)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let chosen = begin.decision.chosen();
    db.prepare_cached(
        "INSERT INTO decisions (request, at, version, policy, chosen, cost, ttft_ms, decided_us, packed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        request,
        begin.at.0,
        begin.input.version,
        begin.decision.policy,
        chosen.map(|chosen| chosen.model.as_str()),
        chosen.and_then(|chosen| chosen.estimate.cost).map(crate::domain::Money::pico),
        chosen.map(|chosen| chosen.estimate.ttft_ms as i64),
        begin.decided_in.as_micros() as i64,
        packed,
    ])
    .map(|_| ())
}

fn session(db: &Connection, begin: &Begin, id: Uuid) -> rusqlite::Result<i64> {
    let request = &begin.request;
    let private = request.audience() == Audience::Here;
    if let Some(n) = number(db, "SELECT n FROM sessions WHERE id = ?1", id)? {
        // Instructions that were not private are not by being sent along in private.
        db.prepare_cached(
            "UPDATE sessions SET updated = max(updated, ?2), system = coalesce(?3, system),
             system_private = CASE WHEN ?3 IS NULL OR (?5 AND ?3 IS system) THEN system_private
                              ELSE ?5 END,
             title = CASE WHEN title = '' THEN ?4 ELSE title END WHERE n = ?1",
        )?
        .execute(params![
            n,
            begin.at.0,
            request.system,
            title(&first_words(request)),
            private
        ])?;
        return Ok(n);
    }
    db.prepare_cached(
        "INSERT INTO sessions (id, created, updated, title, system, system_private, origin)
         VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        key(id),
        begin.at.0,
        title(&if was_removed(db, id)? { last_words(request) } else { first_words(request) }),
        request.system,
        private && request.system.is_some(),
        request.origin.name()
    ])?;
    Ok(db.last_insert_rowid())
}

/// What the conversation began with.
fn first_words(request: &crate::domain::Request) -> String {
    let first = request.messages.iter().find(|message| message.role == Role::User);
    first.map(Message::plain).unwrap_or_default()
}

/// What it goes on with.
fn last_words(request: &crate::domain::Request) -> String {
    request.messages.last().map(Message::plain).unwrap_or_default()
}

/// Was a conversation of this id removed? What whoever has it open sends along of it stays removed.
fn was_removed(db: &Connection, id: Uuid) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM removed WHERE id = ?1)")?
        .query_row([key(id)], |row| row.get(0))
}

/// The first words on one line.
pub(super) fn title(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.chars().nth(TITLE_CHARS).is_some() {
            out = out.chars().take(TITLE_CHARS - 1).collect();
            out.push('…');
            break;
        }
    }
    out
}

/// Keeps the question, and before it what the conversation said that is not kept yet.
fn question(db: &Connection, begin: &Begin, session: i64) -> rusqlite::Result<Option<i64>> {
    let request = &begin.request;
    let Some((last, before)) = request.messages.split_last() else { return Ok(None) };
    // Of this conversation: a copy has messages of its own.
    let row = |id: MessageId| {
        db.prepare_cached("SELECT n FROM messages WHERE id = ?1 AND session = ?2")?
            .query_row(params![key(id.0), session], |row| row.get::<_, i64>(0))
            .optional()
    };
    if let Some(known) = request.place.map(|place| row(place.message)).transpose()?.flatten() {
        return Ok(Some(known));
    }
    let mut parent = match request.place.and_then(|place| place.parent) {
        Some(parent) => row(parent)?,
        None => None,
    };
    let rooted = request.place.is_some_and(|place| place.parent.is_none());
    let marks = pack::marks(&request.tags);
    let removed = request.session.map(|id| was_removed(db, id.0)).transpose()?.unwrap_or(false);
    if parent.is_none() && !rooted && !removed {
        for (at, message) in before.iter().enumerate() {
            let id = derived(request.id.0, at as u64 + 1);
            // Some of it may have been private, where this is.
            let said = Said { tags: marks.clone(), ..Said::of(id, parent, message, begin.at) };
            parent = Some(add(db, session, &said)?);
        }
    }
    let elsewhere = |id: MessageId| {
        number(db, "SELECT n FROM messages WHERE id = ?1", id.0).map(|found| found.is_some())
    };
    let id = match request.place {
        Some(place) if !elsewhere(place.message)? => place.message.0,
        Some(_) | None => derived(request.id.0, 0),
    };
    let mut said = Said { tags: marks, ..Said::of(id, parent, last, begin.at) };
    if last.role == Role::User {
        said.text = without_unanswered(db, parent, said.text, request.audience())?;
    }
    add(db, session, &said).map(Some)
}

/// Questions that nothing answered are sent again in front of the next one; they are kept already.
/// What this audience does not get to see was not sent.
fn without_unanswered(
    db: &Connection,
    mut parent: Option<i64>,
    text: String,
    audience: Audience,
) -> rusqlite::Result<String> {
    let mut unanswered = Vec::new();
    // Is there an answer between here and the question that is being kept?
    let mut answered = false;
    while let Some(n) = parent {
        let (role, said, above, tags, unheard) = db
            .prepare_cached("SELECT role, text, parent, tags, unheard FROM messages WHERE n = ?1")?
            .query_row([n], |row| {
                let (role, said): (String, String) = (row.get(0)?, row.get(1)?);
                let tags = pack::marked(row.get::<_, Option<String>>(3)?.as_deref(), &said);
                Ok((role, said, row.get::<_, Option<i64>>(2)?, tags, row.get::<_, bool>(4)?))
            })?;
        let left_out = unheard || (audience == Audience::Anybody && is_private(&tags));
        match (role == role_name(Role::User), left_out) {
            (false, _) => answered = true,
            // Neither it nor what answered it was sent.
            (true, true) => answered = false,
            (true, false) if answered => break,
            (true, false) => unanswered.push(said),
        }
        parent = above;
    }
    let mut rest = text.as_str();
    for before in unanswered.iter().rev() {
        match rest.strip_prefix(before.as_str()).and_then(|rest| rest.strip_prefix("\n\n")) {
            Some(after) => rest = after,
            None => return Ok(text),
        }
    }
    Ok(rest.to_owned())
}

/// A message as it is kept.
pub(super) struct Said {
    id: Uuid,
    parent: Option<i64>,
    role: Role,
    at: UnixMs,
    text: String,
    parts: Option<String>,
    tags: Option<String>,
    request: Option<Uuid>,
    model: Option<String>,
    provider: Option<String>,
    finish: Option<&'static str>,
    seams: Option<String>,
}

impl Said {
    fn of(id: Uuid, parent: Option<i64>, message: &Message, at: UnixMs) -> Self {
        let plain = matches!(message.parts.as_slice(), [Part::Text { .. }]);
        Self {
            id,
            parent,
            role: message.role,
            at,
            text: message.plain(),
            parts: if plain { None } else { serde_json::to_string(&message.parts).ok() },
            tags: None,
            request: None,
            model: None,
            provider: None,
            finish: None,
            seams: None,
        }
    }
}

/// Adds a message to a conversation; one that is there already stays as it is.
fn add(db: &Connection, session: i64, said: &Said) -> rusqlite::Result<i64> {
    if let Some(n) = number(db, "SELECT n FROM messages WHERE id = ?1", said.id)? {
        return Ok(n);
    }
    db.prepare_cached(
        "INSERT INTO messages
         (id, session, parent, role, at, text, parts, request, model, provider, finish, seams, tags)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        key(said.id),
        session,
        said.parent,
        role_name(said.role),
        said.at.0,
        said.text,
        said.parts,
        said.request.map(key),
        said.model,
        said.provider,
        said.finish,
        said.seams,
        said.tags,
    ])?;
    let n = db.last_insert_rowid();
    index(db, n, &said.text)?;
    db.prepare_cached(
        "UPDATE sessions SET messages = messages + 1, updated = max(updated, ?2) WHERE n = ?1",
    )?
    .execute(params![session, said.at.0])?;
    Ok(n)
}

/// Makes short words of scripts without spaces findable.
pub(super) fn index(db: &Connection, message: i64, text: &str) -> rusqlite::Result<()> {
    let pairs = pairs::of(text);
    if pairs.is_empty() {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO message_pairs (rowid, pairs) VALUES (?1, ?2)")?
        .execute(params![message, pairs])
        .map(|_| ())
}

/// Keeps a request's end: 1 the first time, 0 after.
pub(super) fn end(db: &Connection, end: &End, zone: &TimeZone, run: Uuid) -> rusqlite::Result<u64> {
    let (begin, outcome) = (&end.begin, &end.outcome);
    let n = self::begin(db, begin, zone, run)?;
    for report in &end.attempts {
        money::attempt(db, begin, n, report, zone)?;
    }
    let error = outcome.error.as_ref();
    let closed = db
        .prepare_cached(
            "UPDATE requests SET run = NULL, model = ?2, provider = ?3, model_id = ?4, finish = ?5,
             wait_ms = ?6, ttft_ms = ?7, total_ms = ?8, cost = ?9, exact = ?10, cached = ?11,
             error_class = ?12, error = CASE keep WHEN 'all' THEN ?13 END, verdict = ?14,
             cache_note = ?15 WHERE n = ?1 AND run IS NOT NULL",
        )?
        .execute(params![
            n,
            outcome.model.as_ref().map(crate::domain::ModelName::as_str),
            outcome.provider.as_ref().map(crate::domain::ProviderName::as_str),
            outcome.model_id,
            outcome.finish.name(),
            outcome.wait_ms.map(|ms| ms as i64),
            outcome.ttft_ms.map(|ms| ms as i64),
            outcome.total_ms as i64,
            outcome.cost.amount.pico(),
            outcome.cost.exact,
            outcome.cached,
            error.map(|error| error.class.name()),
            // A provider may say again what it was asked.
            error.filter(|_| begin.keep == Keep::All).map(|error| error.message.as_str()),
            end.verdict.as_ref().and_then(|verdict| serde_json::to_string(verdict).ok()),
            outcome.cache_note,
        ])?;
    if closed == 0 {
        return Ok(0);
    }
    if begin.keep == Keep::All {
        answer(db, end, n)?;
        heard(db, n)?;
    }
    db.prepare_cached("DELETE FROM journal WHERE request = ?1")?.execute([n])?;
    money::routed(db, end, zone)?;
    Ok(1)
}

/// Marks the question of a request that is over: was anybody ever asked it? While it is asked once more
/// it is, one whose process ended may have been, and one that others hang under went along with them.
pub(super) fn heard(db: &Connection, request: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE messages SET unheard = NOT EXISTS (
           SELECT 1 FROM requests r WHERE r.asked = messages.n
           AND (r.run IS NOT NULL OR r.cached IS NOT NULL OR r.finish IN ('interrupted', 'dismissed')
                OR EXISTS (SELECT 1 FROM attempts a WHERE a.request = r.n)))
         AND NOT EXISTS (SELECT 1 FROM messages c
                         WHERE c.parent = messages.n AND (c.role <> 'user' OR NOT c.unheard))
         WHERE n = (SELECT asked FROM requests WHERE n = ?1) AND role = 'user'",
    )?
    .execute([request])
    .map(|_| ())
}

fn answer(db: &Connection, end: &End, request: i64) -> rusqlite::Result<()> {
    let nothing = end.text.is_empty() && end.reasoning.is_empty() && end.tool_calls.is_empty();
    let whole = matches!(end.outcome.finish, Finish::Stop | Finish::ToolCalls | Finish::Length);
    if nothing && !whole {
        return Ok(());
    }
    let mut parts = Vec::new();
    if !end.reasoning.is_empty() {
        parts.push(Part::Reasoning { text: end.reasoning.clone(), signature: None });
    }
    if !end.text.is_empty() {
        parts.push(Part::Text { text: end.text.clone() });
    }
    parts.extend(end.tool_calls.iter().map(|call| Part::ToolCall {
        id: call.id.clone(),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
    }));
    let outcome = &end.outcome;
    let message = Message { role: Role::Assistant, parts };
    hang(db, request, end.begin.request.id.0, &message, end.at, |said| {
        said.model = outcome.model.as_ref().map(ToString::to_string);
        said.provider = outcome.provider.as_ref().map(ToString::to_string);
        said.finish = Some(outcome.finish.name());
        said.seams =
            (!end.seams.is_empty()).then(|| serde_json::to_string(&end.seams).ok()).flatten();
    })
}

/// Hangs an answer under its question; a conversation that was removed meanwhile stays removed.
pub(super) fn hang(
    db: &Connection,
    request: i64,
    id: Uuid,
    message: &Message,
    at: UnixMs,
    told: impl FnOnce(&mut Said),
) -> rusqlite::Result<()> {
    let place: Option<(Option<i64>, Option<i64>)> = db
        .prepare_cached("SELECT session, asked FROM requests WHERE n = ?1")?
        .query_row([request], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(session), asked)) = place else { return Ok(()) };
    let mut said = Said { request: Some(id), ..Said::of(id, asked, message, at) };
    told(&mut said);
    add(db, session, &said).map(|_| ())
}

impl Said {
    /// An answer that was cut off by the end of its process.
    pub(super) fn interrupted(&mut self, (model, provider): (Option<String>, Option<String>)) {
        (self.model, self.provider) = (model, provider);
        self.finish = Some(super::recover::INTERRUPTED);
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
