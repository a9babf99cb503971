//! Conversations: listed, found by the beginning of an id, read whole or along one branch.

use rusqlite::{OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::domain::{
    Audience, Cost, Heard, Message, MessageId, Money, Part, RequestId, Role, Seam, SessionId,
    UnixMs,
};

use super::super::runs::Runs;
use super::super::{LedgerError, pack};
use super::{Reader, count, id};

/// Which conversations come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionOrder {
    /// Those something was said in last.
    #[default]
    Newest,
    /// Those that cost most.
    Dearest,
}

impl SessionOrder {
    const fn columns(self) -> &'static str {
        match self {
            Self::Newest => "updated DESC, n DESC",
            Self::Dearest => "cost DESC, n DESC",
        }
    }
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Its first words, or the name it was given.
    pub title: String,
    /// When it began.
    pub created: UnixMs,
    /// When something was said in it last.
    pub updated: UnixMs,
    /// Where it was begun: `chat`, `ask`, `compare`.
    pub origin: String,
    /// Questions and answers, all branches.
    pub messages: u64,
    /// What it has cost.
    pub cost: Cost,
    /// The conversation it was copied from.
    pub forked_from: Option<SessionId>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMessage {
    /// Its id.
    pub id: MessageId,
    /// What it follows; `None` for a first one.
    pub parent: Option<MessageId>,
    /// Who speaks and what is said.
    pub message: Message,
    /// When.
    pub at: UnixMs,
    /// The request it answers, for an answer.
    pub request: Option<RequestId>,
    /// Who gave it, for an answer.
    pub model: Option<String>,
    /// That model's provider.
    pub provider: Option<String>,
    /// How it ended: a finish reason's name, or `interrupted`.
    pub finish: Option<String>,
    /// Where models took over from one another.
    pub seams: Vec<Seam>,
    /// Marks of a question, without the `#`.
    pub tags: Vec<String>,
    /// How far a question got.
    pub heard: Heard,
}

/// A conversation, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionDetail {
    /// What a list shows of it.
    pub row: SessionRow,
    /// Its newest instructions to the model.
    pub system: Option<String>,
    /// Who may get to see those.
    pub system_for: Audience,
    /// Every message of every branch, in the order they were said.
    pub messages: Vec<KeptMessage>,
}

/// An answer in a conversation, whose process ended before it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// The request.
    pub request: RequestId,
    /// Its conversation.
    pub session: SessionId,
    /// When it was asked.
    pub at: UnixMs,
    /// What was asked.
    pub asked: String,
    /// What of the answer was kept.
    pub text: String,
    /// Who was answering.
    pub model: Option<String>,
}

/// Conversations that are named where an id may mean several.
const NAMED: usize = 6;

const ROW: &str =
    "id, title, created, updated, origin, messages, cost, exact, forked_from FROM sessions s";

/// A conversation in which nobody was ever asked anything is none: of what was refused its request and
/// its words stay, and its id leads there.
const BEGUN: &str = "(EXISTS (SELECT 1 FROM messages m WHERE m.session = s.n AND NOT m.unheard)
    OR NOT EXISTS (SELECT 1 FROM messages m WHERE m.session = s.n))";

fn row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId(id(row.get(0)?)),
        title: row.get(1)?,
        created: UnixMs(row.get(2)?),
        updated: UnixMs(row.get(3)?),
        origin: row.get(4)?,
        messages: count(row.get(5)?),
        cost: Cost { amount: Money::from_pico(row.get(6)?), exact: row.get(7)? },
        forked_from: row.get::<_, Option<[u8; 16]>>(8)?.map(|bytes| SessionId(id(bytes))),
    })
}

const MESSAGE: &str = "m.id, p.id, m.role, m.text, m.parts, m.at, m.request, m.model, m.provider,
    m.finish, m.seams, m.tags, m.unheard,
    CASE WHEN m.role = 'user' AND NOT EXISTS (SELECT 1 FROM messages c WHERE c.parent = m.n)
    THEN (SELECT r.run FROM requests r WHERE r.asked = m.n AND r.run IS NOT NULL
          ORDER BY r.n DESC LIMIT 1) END
    FROM messages m LEFT JOIN messages p ON p.n = m.parent";

/// A message. What a process was asked that ended without a word is not on its way any more.
fn message(row: &Row<'_>, is_over: impl Fn(Uuid) -> bool) -> rusqlite::Result<KeptMessage> {
    let role = match row.get::<_, String>(2)?.as_str() {
        "system" => Role::System,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => Role::User,
    };
    let text: String = row.get(3)?;
    let tags = match role {
        Role::User => pack::marked(row.get::<_, Option<String>>(11)?.as_deref(), &text),
        Role::System | Role::Assistant | Role::Tool => Vec::new(),
    };
    // What cannot be read any more is still there as text.
    let parts: Vec<Part> = row
        .get::<_, Option<String>>(4)?
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_else(|| vec![Part::Text { text }]);
    let seams = row.get::<_, Option<String>>(10)?;
    let run = row.get::<_, Option<[u8; 16]>>(13)?.map(Uuid::from_bytes);
    let heard = match (run.is_some_and(|run| !is_over(run)), row.get(12)?) {
        (true, _) => Heard::Running,
        (false, true) => Heard::Never,
        (false, false) => Heard::Sent,
    };
    Ok(KeptMessage {
        id: MessageId(id(row.get(0)?)),
        parent: row.get::<_, Option<[u8; 16]>>(1)?.map(|bytes| MessageId(id(bytes))),
        message: Message { role, parts },
        at: UnixMs(row.get(5)?),
        request: row.get::<_, Option<[u8; 16]>>(6)?.map(|bytes| RequestId(id(bytes))),
        model: row.get(7)?,
        provider: row.get(8)?,
        finish: row.get(9)?,
        seams: seams.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        tags,
        heard,
    })
}

impl SessionDetail {
    /// The way from the first message to one of them; to the newest where none is named.
    pub fn branch(&self, leaf: Option<MessageId>) -> Vec<&KeptMessage> {
        let by_id: std::collections::HashMap<MessageId, &KeptMessage> =
            self.messages.iter().map(|message| (message.id, message)).collect();
        let leaf = leaf.or_else(|| self.messages.last().map(|message| message.id));
        let mut way = Vec::new();
        let mut up = leaf;
        while let Some(message) = up.and_then(|id| by_id.get(&id)) {
            way.push(*message);
            if way.len() > self.messages.len() {
                break;
            }
            up = message.parent;
        }
        way.reverse();
        way
    }
}

impl Reader {
    /// Conversations, first those that come first; `skip` of them left out. One in which nobody was ever
    /// asked anything is none.
    pub fn sessions(
        &self,
        order: SessionOrder,
        limit: usize,
        skip: usize,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        let by = order.columns();
        self.ask(|db| {
            db.prepare_cached(&format!(
                "SELECT {ROW} WHERE {BEGUN} ORDER BY {by} LIMIT ?1 OFFSET ?2"
            ))?
            .query_map([limit as i64, skip as i64], row)?
            .collect()
        })
    }

    /// The first of the conversations something was said in since a moment, as in [`Self::sessions`].
    pub fn sessions_since(
        &self,
        from: UnixMs,
        order: SessionOrder,
        limit: usize,
    ) -> Result<Vec<SessionRow>, LedgerError> {
        let by = order.columns();
        self.ask(|db| {
            db.prepare_cached(&format!(
                "SELECT {ROW} WHERE updated >= ?1 AND {BEGUN} ORDER BY {by} LIMIT ?2"
            ))?
            .query_map([from.0, limit as i64], row)?
            .collect()
        })
    }

    /// A conversation in a list.
    pub fn session_row(&self, session: SessionId) -> Result<Option<SessionRow>, LedgerError> {
        self.ask(|db| {
            db.prepare_cached(&format!("SELECT {ROW} WHERE id = ?1"))?
                .query_row([session.0.as_bytes()], row)
                .optional()
        })
    }

    /// The conversation something was said in last, of those begun here; of all where nothing is
    /// named. One in which nobody was ever asked anything is none.
    pub fn latest_session(&self, origin: Option<&str>) -> Result<Option<SessionId>, LedgerError> {
        self.ask(|db| {
            db.prepare_cached(
                "SELECT id FROM sessions s WHERE (?1 IS NULL OR origin = ?1)
                 AND EXISTS (SELECT 1 FROM messages m WHERE m.session = s.n AND NOT m.unheard)
                 ORDER BY updated DESC, n DESC LIMIT 1",
            )?
            .query_row([origin], |row| Ok(SessionId(id(row.get(0)?))))
            .optional()
        })
    }

    /// The conversation an id names: whole, its first or last digits, or the first of the eight that
    /// are listed. Several are an error that lists them.
    pub fn find_session(&self, typed: &str) -> Result<SessionId, LedgerError> {
        if let Ok(whole) = typed.parse::<Uuid>() {
            return match self.session_row(SessionId(whole))? {
                Some(row) => Ok(row.id),
                None => Err(LedgerError::Unknown(format!("there is no conversation {typed}"))),
            };
        }
        let digits: String = typed.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
        if digits.len() < 4 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(LedgerError::Unknown(format!(
                "{typed:?} names no conversation: give an id, or four or more of its first or last \
                 digits"
            )));
        }
        let named = "lower(hex(id)) LIKE ?1 || '%' OR lower(hex(id)) LIKE '%' || ?1
                     OR lower(substr(hex(id), 25)) LIKE ?1 || '%'";
        let (found, all) = self.ask(|db| {
            let found: Vec<SessionRow> = db
                .prepare_cached(&format!(
                    "SELECT {ROW} WHERE {named} ORDER BY updated DESC LIMIT {NAMED}"
                ))?
                .query_map([&digits], row)?
                .collect::<rusqlite::Result<_>>()?;
            let all: i64 = db
                .prepare_cached(&format!("SELECT count(*) FROM sessions WHERE {named}"))?
                .query_row([&digits], |row| row.get(0))?;
            Ok((found, usize::try_from(all).unwrap_or_default()))
        })?;
        match found.as_slice() {
            [one] => Ok(one.id),
            [] => Err(LedgerError::Unknown(format!("there is no conversation {typed}"))),
            several => {
                let mut lines = vec![format!("{typed} may mean {all} conversations:")];
                lines.extend(several.iter().map(|row| format!("  {}  {}", row.id, row.title)));
                if all > several.len() {
                    lines.push(format!("  and {} more", all - several.len()));
                }
                Err(LedgerError::Unknown(lines.join("\n")))
            }
        }
    }

    /// A conversation, whole.
    pub fn session(&self, session: SessionId) -> Result<Option<SessionDetail>, LedgerError> {
        let Some(found) = self.session_row(session)? else { return Ok(None) };
        self.ask(|db| {
            let key = session.0.as_bytes();
            let (n, system, private): (i64, Option<String>, bool) = db
                .prepare_cached("SELECT n, system, system_private FROM sessions WHERE id = ?1")?
                .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let system_for = if private { Audience::Here } else { Audience::Anybody };
            let messages = db
                .prepare_cached(&format!("SELECT {MESSAGE} WHERE m.session = ?1 ORDER BY m.n"))?
                .query_map([n], |row| message(row, |run| Runs::over(&self.path, run)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Some(SessionDetail { row: found, system, system_for, messages }))
        })
    }

    /// Answers whose process ended before they did, newest first, with what of them was kept. Those
    /// that were dismissed are left out, and so is what belongs to no conversation: a comparison's
    /// answers cannot be gone on with.
    pub fn interrupted(&self, limit: usize) -> Result<Vec<Interrupted>, LedgerError> {
        self.ask(|db| {
            db.prepare_cached(
                "SELECT r.id, s.id, r.at, coalesce(q.text, ''), coalesce(a.text, ''), r.model
                 FROM requests r JOIN sessions s ON s.n = r.session
                 LEFT JOIN messages q ON q.n = r.asked LEFT JOIN messages a ON a.id = r.id
                 WHERE r.finish = 'interrupted' ORDER BY r.at DESC LIMIT ?1",
            )?
            .query_map(params![limit as i64], |row| {
                Ok(Interrupted {
                    request: RequestId(id(row.get(0)?)),
                    session: SessionId(id(row.get(1)?)),
                    at: UnixMs(row.get(2)?),
                    asked: row.get(3)?,
                    text: row.get(4)?,
                    model: row.get(5)?,
                })
            })?
            .collect()
        })
    }
}
