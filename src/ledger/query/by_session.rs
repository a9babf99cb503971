//! Money and tokens by conversation, and what belongs to none: comparisons, pings, what was removed.
//!
//! Invariant: however many conversations are left out, those and the rows beside them add up to
//! everything, as it stood at one moment.

use std::cmp::Reverse;

use rusqlite::{Connection, Row, params};

use crate::domain::{Cost, Money, Origin, SessionId, Usage};

use super::sums::{Days, SUMS, Total, total};
use super::{count, id};

/// Who never asks within a conversation, so that their sums by origin are all theirs.
const ALONE: [Origin; 5] =
    [Origin::Compare, Origin::Gateway, Origin::Ping, Origin::Probe, Origin::Explain];

/// Of what was asked in conversations: those since removed, and those of which figures alone are kept.
/// Nothing tells them apart any more.
const GONE: &str = "removed or not kept";

/// The dearest conversations of these days, at most `limit`, and rows of their own for what belongs to
/// none; the dearest first.
pub(super) fn totals(db: &Connection, days: Days, limit: usize) -> rusqlite::Result<Vec<Total>> {
    let mut rows = conversations(db, days, limit)?;
    rows.extend(alone(db, days)?);
    rows.extend(gone(db, days)?);
    rows.sort_by_key(|row| Reverse(row.cost.amount));
    Ok(rows)
}

fn conversations(db: &Connection, days: Days, limit: usize) -> rusqlite::Result<Vec<Total>> {
    let sql = if days == Days::ALL {
        // Each conversation knows what it cost; only the dearest are looked into.
        "SELECT sum(d.attempts), s.cost, sum(d.inexact), sum(d.input), sum(d.cached_input),
         sum(d.output), s.title, s.id FROM (SELECT * FROM sessions ORDER BY cost DESC LIMIT ?3) s
         JOIN session_days d ON d.session = s.n AND d.day BETWEEN ?1 AND ?2
         GROUP BY s.n ORDER BY s.cost DESC"
    } else {
        "SELECT d.attempts, d.amount, d.inexact, d.input, d.cached_input, d.output, s.title, s.id
         FROM (SELECT session, sum(attempts) attempts, sum(amount) amount, sum(inexact) inexact,
               sum(input) input, sum(cached_input) cached_input, sum(output) output
               FROM session_days WHERE day BETWEEN ?1 AND ?2
               GROUP BY session ORDER BY sum(amount) DESC LIMIT ?3) d
         JOIN sessions s ON s.n = d.session ORDER BY d.amount DESC"
    };
    db.prepare_cached(sql)?
        .query_map(params![days.from.0, days.to.0, limit as i64], |row| {
            let session = Some(SessionId(id(row.get(7)?)));
            Ok(Total { session, ..Figures::of(row)?.total(row.get(6)?) })
        })?
        .collect()
}

/// A row for each that asks on its own.
fn alone(db: &Connection, days: Days) -> rusqlite::Result<Vec<Total>> {
    let mut asked = db.prepare_cached(&format!(
        "SELECT origin, {SUMS} FROM daily WHERE day BETWEEN ?1 AND ?2 AND origin = ?3 GROUP BY 1"
    ))?;
    let mut rows = Vec::new();
    for origin in ALONE {
        let found = asked.query_map(params![days.from.0, days.to.0, origin.name()], |row| {
            total(origin.words().to_owned(), row)
        })?;
        for row in found {
            rows.push(row?);
        }
    }
    Ok(rows)
}

/// What is left of everything without those and without conversations that are kept.
fn gone(db: &Connection, days: Days) -> rusqlite::Result<Option<Total>> {
    const FIGURES: &str = "sum(attempts), sum(amount), sum(inexact), sum(input), \
                           sum(cached_input), sum(output)";
    let names = ALONE.map(|origin| format!("'{}'", origin.name())).join(", ");
    let figures = |sql: &str| db.prepare_cached(sql)?.query_row(days.ends(), Figures::of);
    let all = figures(&format!(
        "SELECT {FIGURES} FROM daily WHERE day BETWEEN ?1 AND ?2 AND origin NOT IN ({names})"
    ))?;
    let kept = figures(&format!("SELECT {FIGURES} FROM session_days WHERE day BETWEEN ?1 AND ?2"))?;
    let left = all.without(&kept);
    Ok((left.attempts > 0).then(|| left.total(GONE.to_owned())))
}

/// What is known of conversations.
struct Figures {
    attempts: i64,
    amount: i64,
    inexact: i64,
    input: i64,
    cached_input: i64,
    output: i64,
}

impl Figures {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |at: usize| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
        Ok(Self {
            attempts: number(0)?,
            amount: number(1)?,
            inexact: number(2)?,
            input: number(3)?,
            cached_input: number(4)?,
            output: number(5)?,
        })
    }

    const fn without(&self, other: &Self) -> Self {
        Self {
            attempts: self.attempts - other.attempts,
            amount: self.amount - other.amount,
            inexact: self.inexact - other.inexact,
            input: self.input - other.input,
            cached_input: self.cached_input - other.cached_input,
            output: self.output - other.output,
        }
    }

    fn total(&self, key: String) -> Total {
        Total {
            key,
            attempts: count(self.attempts),
            cost: Cost { amount: Money::from_pico(self.amount), exact: self.inexact <= 0 },
            usage: Usage {
                input: count(self.input),
                cached_input: count(self.cached_input),
                output: count(self.output),
                estimated: self.inexact > 0,
                ..Usage::default()
            },
            ..Total::default()
        }
    }
}

#[cfg(test)]
#[path = "by_session_tests.rs"]
mod tests;
