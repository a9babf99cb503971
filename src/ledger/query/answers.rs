//! Answers with how they came about: what each took and cost, its attempts, its decision.
//!
//! Must not know: how any of it is shown. Invariant: a conversation is read with two questions however
//! long it is, and an answer copied from another conversation is told from its own: it was paid there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};

use crate::domain::{
    AttemptReport, Cost, Decision, MessageId, Money, OutcomeClass, RequestId, SessionId, UnixMs,
    Usage, Verdict,
};
use crate::route::DecisionInput;

use super::super::{LedgerError, pack};
use super::{Reader, count, id};

/// Characters of what was asked that are handed out.
const ASKED: i64 = 200;

/// What an answer came to, and how it came about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnswerFigures {
    /// It was asked for in another conversation, which this one is a copy of, and paid there.
    pub copied: bool,
    /// Tokens of the attempts that gave it; of all of them where none did.
    pub usage: Usage,
    /// What it cost.
    pub cost: Cost,
    /// Milliseconds until its first text.
    pub wait_ms: Option<u64>,
    /// The answering attempt's first token, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// Milliseconds in all.
    pub total_ms: u64,
    /// Where it came from without a call: `memory`, `redis`, `shared`.
    pub cached: Option<String>,
    /// What the cache did, and why, in words.
    pub cache_note: Option<String>,
    /// Whether it is whole.
    pub verdict: Option<Verdict>,
    /// Its attempts, in turn.
    pub attempts: Vec<AttemptReport>,
    /// Its process ended before it did: what was under way then is in its usage, and no attempt.
    pub cut: bool,
    /// How it was decided who is asked; `None` where that is not kept any more or cannot be read.
    pub decision: Option<Arc<Decision>>,
}

/// A request nothing was said to: it was stopped before the first word, or nobody could answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Unanswered {
    /// The request.
    pub request: RequestId,
    /// The question it asked.
    pub asked: MessageId,
    /// When it was over.
    pub at: UnixMs,
    /// Who was asked last.
    pub model: Option<String>,
    /// That model's provider.
    pub provider: Option<String>,
    /// How it ended, by name.
    pub finish: String,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// What it came to.
    pub figures: AnswerFigures,
}

/// How one request was routed, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRoute {
    /// Its conversation.
    pub session: Option<SessionId>,
    /// Where it came from, by name.
    pub origin: String,
    /// When it arrived.
    pub at: UnixMs,
    /// The beginning of what was asked.
    pub asked: String,
    /// What it was decided from.
    pub input: DecisionInput,
    /// How.
    pub decision: Decision,
    /// How long deciding took.
    pub decided_in: Duration,
    /// Who answered; the last asked where nobody did.
    pub model: Option<String>,
    /// That model's provider.
    pub provider: Option<String>,
    /// How it ended; `None` while it runs.
    pub finish: Option<String>,
    /// What it took.
    pub figures: AnswerFigures,
}

/// The columns [`figures`] reads, of a request `r`, its conversation `s` and its decision `d`.
const FIGURES: &str = "r.id, r.cost, r.exact, r.wait_ms, r.ttft_ms, coalesce(r.total_ms, 0),
    (SELECT coalesce(sum(input), 0) FROM spend WHERE request = r.id),
    (SELECT coalesce(sum(cached_input), 0) FROM spend WHERE request = r.id),
    (SELECT coalesce(sum(output), 0) FROM spend WHERE request = r.id),
    (SELECT coalesce(max(estimated), 0) FROM spend WHERE request = r.id),
    r.cached, r.session IS NOT s.n, d.packed, r.cache_note, r.verdict,
    r.finish IS 'interrupted' OR r.finish IS 'dismissed'";

fn figures(row: &Row<'_>) -> rusqlite::Result<AnswerFigures> {
    Ok(AnswerFigures {
        copied: row.get(11)?,
        cost: Cost { amount: Money::from_pico(row.get(1)?), exact: row.get(2)? },
        wait_ms: row.get::<_, Option<i64>>(3)?.map(count),
        ttft_ms: row.get::<_, Option<i64>>(4)?.map(count),
        total_ms: count(row.get(5)?),
        usage: spent(row, 6)?,
        cached: row.get(10)?,
        cache_note: row.get(13)?,
        verdict: verdict(row, 14)?,
        attempts: Vec::new(),
        cut: row.get(15)?,
        decision: row
            .get_ref(12)?
            .as_blob_or_null()?
            .and_then(|packed| pack::decision(packed).ok())
            .map(Arc::new),
    })
}

/// The question for what nothing was said to, in a conversation.
fn unanswered() -> String {
    format!(
        "SELECT {FIGURES}, q.id, r.at + coalesce(r.total_ms, 0), r.model, r.provider,
           r.finish, r.error
         FROM sessions s JOIN requests r ON r.session = s.n
         JOIN messages q ON q.n = r.asked AND q.session = s.n
         LEFT JOIN decisions d ON d.request = r.n
         WHERE s.id = ?1 AND r.finish IS NOT NULL
           AND EXISTS (SELECT 1 FROM attempts WHERE request = r.n)
           AND NOT EXISTS (SELECT 1 FROM messages WHERE request = r.id)
         ORDER BY r.n"
    )
}

impl Reader {
    /// What the answers of a conversation came to, by their requests: those on every branch, and those
    /// of a copy as what they came to where they were given.
    pub fn answers_of(
        &self,
        session: SessionId,
    ) -> Result<BTreeMap<RequestId, AnswerFigures>, LedgerError> {
        self.ask(|db| {
            let key = session.0.as_bytes();
            let mut found: BTreeMap<RequestId, AnswerFigures> = db
                .prepare_cached(&format!(
                    "SELECT {FIGURES} FROM sessions s JOIN messages m ON m.session = s.n
                     JOIN requests r ON r.id = m.request LEFT JOIN decisions d ON d.request = r.n
                     WHERE s.id = ?1",
                ))?
                .query_map([key], |row| Ok((RequestId(id(row.get(0)?)), figures(row)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut attempts = db.prepare_cached(
                "SELECT r.id, a.report FROM sessions s JOIN messages m ON m.session = s.n
                 JOIN requests r ON r.id = m.request JOIN attempts a ON a.request = r.n
                 WHERE s.id = ?1 ORDER BY r.n, a.number, a.n",
            )?;
            let mut rows = attempts.query([key])?;
            while let Some(row) = rows.next()? {
                let request = RequestId(id(row.get(0)?));
                let report = serde_json::from_str(row.get_ref(1)?.as_str()?);
                if let (Some(figures), Ok(report)) = (found.get_mut(&request), report) {
                    figures.attempts.push(report);
                }
            }
            for figures in found.values_mut().filter(|figures| !figures.cut) {
                figures.usage = of_answer(&figures.attempts).unwrap_or(figures.usage);
            }
            Ok(found)
        })
    }

    /// The requests of a conversation that are over and nothing was said to, the oldest first. What a
    /// budget stopped before anybody was asked is none of them, and neither is what was not in the cache.
    pub fn unanswered_of(&self, session: SessionId) -> Result<Vec<Unanswered>, LedgerError> {
        self.ask(|db| {
            let reports = |request: RequestId| -> rusqlite::Result<Vec<AttemptReport>> {
                let rows = db
                    .prepare_cached(
                        "SELECT a.report FROM requests r JOIN attempts a ON a.request = r.n
                         WHERE r.id = ?1 ORDER BY a.number, a.n",
                    )?
                    .query_map([request.0.as_bytes()], |row| row.get::<_, String>(0))?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                Ok(rows.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
            };
            let mut found: Vec<Unanswered> = db
                .prepare_cached(&unanswered())?
                .query_map([session.0.as_bytes()], |row| {
                    Ok(Unanswered {
                        request: RequestId(id(row.get(0)?)),
                        figures: figures(row)?,
                        asked: MessageId(id(row.get(16)?)),
                        at: UnixMs(row.get(17)?),
                        model: row.get(18)?,
                        provider: row.get(19)?,
                        finish: row.get(20)?,
                        error: row.get(21)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            for one in &mut found {
                one.figures.attempts = reports(one.request)?;
                let usage = of_answer(&one.figures.attempts).filter(|_| !one.figures.cut);
                one.figures.usage = usage.unwrap_or(one.figures.usage);
            }
            Ok(found)
        })
    }

    /// How one request was routed; `None` where that is not kept, or cannot be read any more.
    pub fn route_of(&self, request: RequestId) -> Result<Option<KeptRoute>, LedgerError> {
        self.ask(|db| {
            let mut attempts = db.prepare_cached(
                "SELECT a.report FROM requests r JOIN attempts a ON a.request = r.n
                 WHERE r.id = ?1 ORDER BY a.number, a.n",
            )?;
            let key = request.0.as_bytes();
            let reports = attempts
                .query_map([key], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let attempts: Vec<AttemptReport> =
                reports.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
            db.prepare_cached(
                "SELECT s.id, r.origin, r.at, substr(coalesce(q.text, ''), 1, ?2), d.packed,
                   d.decided_us, r.model, r.provider, r.finish, r.cost, r.exact, r.wait_ms,
                   r.ttft_ms, coalesce(r.total_ms, 0), r.cached,
                   (SELECT coalesce(sum(input), 0) FROM spend WHERE request = r.id),
                   (SELECT coalesce(sum(cached_input), 0) FROM spend WHERE request = r.id),
                   (SELECT coalesce(sum(output), 0) FROM spend WHERE request = r.id),
                   (SELECT coalesce(max(estimated), 0) FROM spend WHERE request = r.id),
                   r.cache_note, r.verdict, r.finish IS 'interrupted' OR r.finish IS 'dismissed'
                 FROM requests r JOIN decisions d ON d.request = r.n
                 LEFT JOIN sessions s ON s.n = r.session LEFT JOIN messages q ON q.n = r.asked
                 WHERE r.id = ?1",
            )?
            .query_row(params![key, ASKED], |row| {
                let packed: Vec<u8> = row.get(4)?;
                let Ok((input, decision)) = pack::unpack(&packed) else { return Ok(None) };
                let cut = row.get(21)?;
                Ok(Some(KeptRoute {
                    session: row.get::<_, Option<[u8; 16]>>(0)?.map(|key| SessionId(id(key))),
                    origin: row.get(1)?,
                    at: UnixMs(row.get(2)?),
                    asked: row.get(3)?,
                    decided_in: Duration::from_micros(count(row.get(5)?)),
                    model: row.get(6)?,
                    provider: row.get(7)?,
                    finish: row.get(8)?,
                    figures: AnswerFigures {
                        copied: false,
                        cut,
                        usage: match of_answer(&attempts) {
                            Some(usage) if !cut => usage,
                            Some(_) | None => spent(row, 15)?,
                        },
                        cost: Cost { amount: Money::from_pico(row.get(9)?), exact: row.get(10)? },
                        wait_ms: row.get::<_, Option<i64>>(11)?.map(count),
                        ttft_ms: row.get::<_, Option<i64>>(12)?.map(count),
                        total_ms: count(row.get(13)?),
                        cached: row.get(14)?,
                        cache_note: row.get(19)?,
                        verdict: verdict(row, 20)?,
                        attempts,
                        decision: None,
                    },
                    input,
                    decision,
                }))
            })
            .optional()
            .map(Option::flatten)
        })
    }
}

/// A verdict as it is kept; one of a kind this program does not know is none.
fn verdict(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Verdict>> {
    let kept: Option<String> = row.get(at)?;
    Ok(kept.and_then(|json| serde_json::from_str(&json).ok()))
}

/// The tokens of a request's lines of spending, which a process that was killed leaves too; from this
/// column on.
fn spent(row: &Row<'_>, at: usize) -> rusqlite::Result<Usage> {
    Ok(Usage {
        input: count(row.get(at)?),
        cached_input: count(row.get(at + 1)?),
        output: count(row.get(at + 2)?),
        estimated: row.get(at + 3)?,
        ..Usage::default()
    })
}

/// The tokens of the attempts whose text is the answer: those that went well, those that broke off and
/// were gone on from, and the one its reader stopped. `None` where there is none.
fn of_answer(attempts: &[AttemptReport]) -> Option<Usage> {
    let whole = attempts.iter().any(|one| one.outcome.is_none());
    let last = attempts.len().saturating_sub(1);
    let answers = attempts.iter().enumerate().filter(|(n, one)| match one.outcome {
        None => true,
        // Outrun by another, or stopped: of the first nothing is in the answer.
        Some(OutcomeClass::Cancelled) => !whole && *n == last,
        Some(_) => one.usage.output > 0,
    });
    let sum = |sum, usage| sum + usage;
    let own = answers.map(|(_, one)| one.usage).reduce(sum);
    own.or_else(|| attempts.iter().map(|one| one.usage).reduce(sum))
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
