//! Questions only a screen asks: the dearest requests, and what everything would have cost elsewhere.

use rusqlite::params;

use crate::domain::{Cost, ModelName, Money, Origin, RequestId, SessionId, UnixMs, Usage};

use super::super::LedgerError;
use super::sums::Days;
use super::{Reader, count, id};

/// Characters of what was asked that are handed out.
const ASKED: usize = 200;

/// A request and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Dear {
    /// Which.
    pub id: RequestId,
    /// The conversation it was asked in, where there is one that is kept.
    pub session: Option<SessionId>,
    /// When it arrived.
    pub at: UnixMs,
    /// Who answered.
    pub model: Option<ModelName>,
    /// What asked it.
    pub origin: Option<Origin>,
    /// The beginning of what was asked; `None` where its text is not kept.
    pub asked: Option<String>,
    /// What it cost, attempts that failed included.
    pub cost: Cost,
    /// Tokens of all its attempts.
    pub usage: Usage,
}

/// What requests that one model could have answered cost, and would have cost there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The model.
    pub model: ModelName,
    /// Requests compared.
    pub compared: u64,
    /// What they did cost.
    pub spent: Money,
    /// What they would have.
    pub would: Money,
}

impl Reader {
    /// The dearest requests of these days, the dearest first.
    pub fn dearest(&self, days: Days, limit: usize) -> Result<Vec<Dear>, LedgerError> {
        let [from, to] = days.ends();
        self.ask(|db| {
            db.prepare_cached(
                "SELECT r.id, r.at, r.model, substr(q.text, 1, ?4), r.cost, r.exact,
                   (SELECT coalesce(sum(input), 0) FROM spend WHERE request = r.id),
                   (SELECT coalesce(sum(output), 0) FROM spend WHERE request = r.id),
                   r.origin, s.id,
                   (SELECT coalesce(max(estimated), 0) FROM spend WHERE request = r.id)
                 FROM (SELECT n FROM requests WHERE day BETWEEN ?1 AND ?2 AND cost > 0
                       ORDER BY cost DESC LIMIT ?3) d
                 JOIN requests r ON r.n = d.n LEFT JOIN messages q ON q.n = r.asked
                 LEFT JOIN sessions s ON s.n = r.session
                 ORDER BY r.cost DESC",
            )?
            .query_map(params![from, to, limit as i64, ASKED as i64], |row| {
                Ok(Dear {
                    id: RequestId(id(row.get(0)?)),
                    session: row.get::<_, Option<_>>(9)?.map(|raw| SessionId(id(raw))),
                    at: UnixMs(row.get(1)?),
                    model: row.get::<_, Option<String>>(2)?.map(ModelName::from),
                    origin: Origin::named(&row.get::<_, String>(8)?),
                    asked: row.get(3)?,
                    cost: Cost { amount: Money::from_pico(row.get(4)?), exact: row.get(5)? },
                    usage: Usage {
                        input: count(row.get(6)?),
                        output: count(row.get(7)?),
                        estimated: row.get(10)?,
                        ..Usage::default()
                    },
                })
            })?
            .collect()
        })
    }

    /// What these days' requests would have cost at each model that could have answered them, the
    /// dearest first.
    pub fn elsewhere(&self, days: Days, limit: usize) -> Result<Vec<Elsewhere>, LedgerError> {
        let [from, to] = days.ends();
        self.ask(|db| {
            db.prepare_cached(
                "SELECT model, sum(compared), sum(spent), sum(would) FROM model_days
                 WHERE day BETWEEN ?1 AND ?2 GROUP BY model ORDER BY 4 DESC LIMIT ?3",
            )?
            .query_map(params![from, to, limit as i64], |row| {
                Ok(Elsewhere {
                    model: ModelName::from(row.get::<_, String>(0)?),
                    compared: count(row.get(1)?),
                    spent: Money::from_pico(row.get(2)?),
                    would: Money::from_pico(row.get(3)?),
                })
            })?
            .collect()
        })
    }
}
