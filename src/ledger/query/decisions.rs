//! Decisions as they were kept, whole, and what requests came to.

use rusqlite::params;

use crate::domain::{AttemptReport, Cost, Decision, Money, RequestId, SessionId, UnixMs};
use crate::route::DecisionInput;

use super::super::{LedgerError, pack};
use super::{Reader, count, id};

/// A decision as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDecision {
    /// What it was decided from.
    pub input: DecisionInput,
    /// How.
    pub decision: Decision,
    /// How the request ended; `None` while it runs.
    pub finish: Option<String>,
    /// What it really cost.
    pub cost: Cost,
    /// What its reader really waited, in milliseconds.
    pub wait_ms: Option<u64>,
}

/// A request as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRequest {
    /// Its id.
    pub id: RequestId,
    /// Its conversation.
    pub session: Option<SessionId>,
    /// Where it came from.
    pub origin: String,
    /// When it arrived.
    pub at: UnixMs,
    /// Who answered; the last asked where nobody did.
    pub model: Option<String>,
    /// How it ended; `None` while it runs.
    pub finish: Option<String>,
    /// What it cost.
    pub cost: Cost,
    /// From its arrival to its first text, in milliseconds.
    pub wait_ms: Option<u64>,
    /// From its arrival to its end, in milliseconds.
    pub total_ms: Option<u64>,
    /// Its attempts, in turn.
    pub attempts: Vec<AttemptReport>,
}

impl Reader {
    /// Hands each decision from one moment on and before another to `each`, oldest first, one at a
    /// time; stops when it says so. One that cannot be read any more is counted and left out: says
    /// how many those were.
    pub fn decisions(
        &self,
        from: UnixMs,
        before: UnixMs,
        mut each: impl FnMut(KeptDecision) -> std::ops::ControlFlow<()>,
    ) -> Result<u64, LedgerError> {
        self.ask(|db| {
            let mut found = db.prepare_cached(
                "SELECT d.packed, r.finish, r.cost, r.exact, r.wait_ms
                 FROM decisions d JOIN requests r ON r.n = d.request
                 WHERE d.at >= ?1 AND d.at < ?2 ORDER BY d.at, d.request",
            )?;
            let mut rows = found.query(params![from.0, before.0])?;
            let mut unread = 0;
            while let Some(row) = rows.next()? {
                let packed: Vec<u8> = row.get(0)?;
                let Ok((input, decision)) = pack::unpack(&packed) else {
                    unread += 1;
                    continue;
                };
                let kept = KeptDecision {
                    input,
                    decision,
                    finish: row.get(1)?,
                    cost: Cost { amount: Money::from_pico(row.get(2)?), exact: row.get(3)? },
                    wait_ms: row.get::<_, Option<i64>>(4)?.map(count),
                };
                if each(kept).is_break() {
                    break;
                }
            }
            Ok(unread)
        })
    }

    /// Requests, newest first, before a moment; with their attempts.
    pub fn requests(&self, before: UnixMs, limit: usize) -> Result<Vec<KeptRequest>, LedgerError> {
        self.ask(|db| {
            let mut attempts = db.prepare_cached(
                "SELECT report FROM attempts WHERE request = ?1 ORDER BY number, n",
            )?;
            let mut found = db.prepare_cached(
                "SELECT r.n, r.id, s.id, r.origin, r.at, r.model, r.finish, r.cost, r.exact,
                 r.wait_ms, r.total_ms FROM requests r LEFT JOIN sessions s ON s.n = r.session
                 WHERE r.at < ?1 ORDER BY r.at DESC LIMIT ?2",
            )?;
            let mut rows = found.query(params![before.0, limit as i64])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let reports = attempts
                    .query_map([row.get::<_, i64>(0)?], |row| row.get::<_, String>(0))?
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                out.push(KeptRequest {
                    id: RequestId(id(row.get(1)?)),
                    session: row.get::<_, Option<[u8; 16]>>(2)?.map(|key| SessionId(id(key))),
                    origin: row.get(3)?,
                    at: UnixMs(row.get(4)?),
                    model: row.get(5)?,
                    finish: row.get(6)?,
                    cost: Cost { amount: Money::from_pico(row.get(7)?), exact: row.get(8)? },
                    wait_ms: row.get::<_, Option<i64>>(9)?.map(count),
                    total_ms: row.get::<_, Option<i64>>(10)?.map(count),
                    attempts: reports
                        .iter()
                        .filter_map(|json| serde_json::from_str(json).ok())
                        .collect(),
                });
            }
            Ok(out)
        })
    }
}
