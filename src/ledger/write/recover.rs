//! After a process that ended without a word: what it had shown is taken up, and what it had come to is
//! counted.
//!
//! Must not know: whose process it was, or why it ended. Invariants: what is counted is no more than what
//! must be owed, and "at least" so much unless nobody was being asked; taking up twice counts once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use crate::domain::{
    AttemptKind, Decision, Finish, Message, Money, Origin, Part, RequestId, Role, SessionId,
    UnixMs, Usage,
};
use crate::route::{DecisionInput, Written};

use super::{money, turn};

/// How an answer ended whose process did.
pub(in crate::ledger) const INTERRUPTED: &str = "interrupted";

/// A request that was on its way when its process ended.
struct Left {
    n: i64,
    request: RequestId,
    session: Option<SessionId>,
    run: Uuid,
    origin: String,
    at: UnixMs,
    model: Option<String>,
}

/// Takes up what processes that ended without a word had shown: each partial answer becomes a message
/// marked as interrupted, and what its attempt cost is "at least" what is known.
pub(in crate::ledger) fn recover(
    db: &Connection,
    is_over: impl Fn(Uuid) -> bool,
    zone: &TimeZone,
) -> rusqlite::Result<u64> {
    let mut over: BTreeMap<Uuid, bool> = BTreeMap::new();
    let mut count = 0;
    for left in left(db)? {
        if !*over.entry(left.run).or_insert_with(|| is_over(left.run)) {
            continue;
        }
        take_up(db, &left, zone)?;
        count += 1;
    }
    Ok(count)
}

fn left(db: &Connection) -> rusqlite::Result<Vec<Left>> {
    let mut found = db.prepare(
        "SELECT r.n, r.id, s.id, r.run, r.origin, r.at, d.chosen
         FROM requests r INDEXED BY requests_running
         LEFT JOIN sessions s ON s.n = r.session LEFT JOIN decisions d ON d.request = r.n
         WHERE r.run IS NOT NULL ORDER BY r.n",
    )?;
    let rows = found.query_map([], |row| {
        Ok(Left {
            n: row.get(0)?,
            request: RequestId(Uuid::from_bytes(row.get(1)?)),
            session: row.get::<_, Option<[u8; 16]>>(2)?.map(|id| SessionId(Uuid::from_bytes(id))),
            run: Uuid::from_bytes(row.get(3)?),
            origin: row.get(4)?,
            at: UnixMs(row.get(5)?),
            model: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// What a request had come to when its process ended.
#[derive(Default)]
struct Journal {
    text: String,
    reasoning: String,
    /// It waited for a budget, or read along.
    waits: bool,
    /// Attempts that were made, by their numbers, each with its model.
    asked: BTreeMap<u32, String>,
    /// What had been shown when the newest of them was made, where that goes on from it, and what since.
    before: Written,
    since: Written,
}

impl Journal {
    fn read(db: &Connection, left: &Left) -> rusqlite::Result<Self> {
        let mut journal = Self::default();
        let mut pieces =
            db.prepare_cached("SELECT kind, text FROM journal WHERE request = ?1 ORDER BY n")?;
        let mut rows = pieces.query([left.n])?;
        while let Some(row) = rows.next()? {
            let (kind, piece): (String, String) = (row.get(0)?, row.get(1)?);
            match kind.as_str() {
                "waits" => journal.waits = true,
                "asked" => journal.asked(&piece),
                "text" => {
                    journal.since.add(&piece);
                    journal.text.push_str(&piece);
                }
                _ => {
                    journal.since.add(&piece);
                    journal.reasoning.push_str(&piece);
                }
            }
        }
        // The first is not written down, unless it waited.
        if !journal.waits && !journal.asked.contains_key(&1) {
            journal.asked.extend(left.model.clone().map(|model| (1, model)));
        }
        Ok(journal)
    }

    fn asked(&mut self, lines: &str) {
        self.waits = false;
        for line in lines.lines() {
            let mut words = line.splitn(3, ' ');
            let (n, kind) = (words.next().and_then(|n| n.parse().ok()), words.next());
            self.asked.extend(n.zip(words.next().map(str::to_owned)));
            let goes_on = kind == Some(AttemptKind::Continue.name());
            self.before = if goes_on { Written::of(&self.text) } else { Written::default() };
        }
        self.since = Written::default();
    }

    /// Who was asked last, if anybody was.
    fn newest(&self) -> Option<&String> {
        self.asked.last_key_value().map(|(_, model)| model)
    }
}

fn take_up(db: &Connection, left: &Left, zone: &TimeZone) -> rusqlite::Result<()> {
    let journal = Journal::read(db, left)?;
    let known = decided(db, left.n)?;
    let model = match journal.newest() {
        Some(model) => Some(model.clone()),
        None => last_asked(db, left.n)?,
    };
    let provider = known
        .as_ref()
        .zip(model.as_ref())
        .and_then(|((_, decision), model)| Some(decision.candidate(model)?.provider.to_string()));
    let under_way = under_way(db, left, &journal, known.as_ref())?;
    let mut parts = Vec::new();
    if !journal.reasoning.is_empty() {
        parts.push(Part::Reasoning { text: journal.reasoning.clone(), signature: None });
    }
    if !journal.text.is_empty() {
        parts.push(Part::Text { text: journal.text.clone() });
    }
    let unasked = journal.asked.is_empty() && parts.is_empty();
    if !parts.is_empty() {
        let message = Message { role: Role::Assistant, parts };
        let who = (model.clone(), provider.clone());
        turn::hang(db, left.n, left.request.0, &message, left.at, |said| said.interrupted(who))?;
    }
    let origin = origin_name(&left.origin);
    for Asked { n, model, provider, usage, least } in &under_way {
        let whose = (left.request, left.session);
        let came_to = (*usage, *least);
        let which = (u64::from(*n), (provider.as_str(), model.as_str()));
        money::unknown(db, whose, which, (origin, left.at), came_to, zone)?;
    }
    db.execute(
        "UPDATE requests SET run = NULL, finish = ?2, model = ?3, provider = ?5,
         exact = ?4 AND (SELECT coalesce(min(exact), 1) FROM spend WHERE spend.request = requests.id),
         cost = (SELECT coalesce(sum(amount), 0) FROM spend WHERE spend.request = requests.id)
         WHERE n = ?1",
        params![
            left.n,
            if unasked { Finish::Cancelled.name() } else { INTERRUPTED },
            model,
            under_way.is_empty(),
            provider
        ],
    )?;
    turn::heard(db, left.n)?;
    db.execute("DELETE FROM journal WHERE request = ?1", [left.n])?;
    money::unanswered(db, (&left.origin, left.at), zone)
}

/// An attempt whose end nobody saw, and what it came to at least.
struct Asked {
    n: u32,
    model: String,
    provider: String,
    usage: Usage,
    least: Money,
}

/// The attempts that were under way: those that were made and of which no end is kept. Each is charged
/// its prompt as it was estimated, as one that is stopped before its first word is; the newest what was
/// shown since it was made, and what was shown before is part of its prompt.
fn under_way(
    db: &Connection,
    left: &Left,
    journal: &Journal,
    known: Option<&(DecisionInput, Decision)>,
) -> rusqlite::Result<Vec<Asked>> {
    if journal.waits {
        return Ok(Vec::new());
    }
    let over: BTreeSet<u32> = db
        .prepare_cached("SELECT number FROM attempts WHERE request = ?1")?
        .query_map([left.n], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let newest = journal.asked.last_key_value().map(|(n, _)| *n);
    let asked = journal.asked.iter().filter(|(n, _)| !over.contains(n));
    Ok(asked
        .map(|(n, model)| {
            let shown = (newest == Some(*n)).then_some((&journal.before, &journal.since));
            let (provider, usage, least) = came_to(known, model, shown);
            Asked { n: *n, model: model.clone(), provider, usage, least }
        })
        .collect())
}

/// Who was asked last, of attempts that ended.
fn last_asked(db: &Connection, request: i64) -> rusqlite::Result<Option<String>> {
    db.query_row(
        "SELECT model FROM attempts WHERE request = ?1 ORDER BY number DESC LIMIT 1",
        [request],
        |row| row.get(0),
    )
    .optional()
}

fn decided(db: &Connection, request: i64) -> rusqlite::Result<Option<(DecisionInput, Decision)>> {
    let packed: Option<Vec<u8>> = db
        .query_row("SELECT packed FROM decisions WHERE request = ?1", [request], |row| row.get(0))
        .optional()?;
    Ok(packed.and_then(|packed| super::super::pack::unpack(&packed).ok()))
}

/// The provider of a model, and what an attempt of it came to at least, where its price is known.
fn came_to(
    known: Option<&(DecisionInput, Decision)>,
    model: &str,
    shown: Option<(&Written, &Written)>,
) -> (String, Usage, Money) {
    let named = known.and_then(|(input, decision)| {
        let asked = input.candidates.iter().find(|one| one.model.as_str() == model)?;
        Some((asked, decision.candidate(model)?))
    });
    let Some((asked, candidate)) = named else {
        return (String::new(), Usage::default(), Money::ZERO);
    };
    let provider = candidate.provider.to_string();
    let Some(rates) = asked.rates else { return (provider, Usage::default(), Money::ZERO) };
    let tokens = |written: &Written| {
        written.tokens(|script| {
            let own = asked.token_factors.iter().find(|(each, _)| *each == script);
            own.map_or(1.0, |(_, factor)| f64::from(*factor))
        })
    };
    let usage = Usage {
        input: candidate.estimate.input_tokens + shown.map_or(0, |(before, _)| tokens(before)),
        output: shown.map_or(0, |(_, since)| tokens(since)),
        ..Usage::default()
    };
    (provider, usage, rates.cost(&usage))
}

fn origin_name(kept: &str) -> &'static str {
    Origin::named(kept).unwrap_or(Origin::Chat).name()
}
