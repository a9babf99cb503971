//! Money and tokens added up: per model, provider, conversation, day or origin, as a series for a
//! chart, and what routing did.
//!
//! Invariant: answered from sums per day and hour, so that a year costs what a week does.

use rusqlite::{Row, params};

use crate::domain::{Cost, ModelName, Money, SessionId, UnixMs, Usage};

use super::super::{Day, LedgerError};
use super::{Reader, by_session, count};

/// Days from and to, both counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Day,
    /// The last.
    pub to: Day,
}

impl Days {
    /// All there are.
    pub const ALL: Self = Self { from: Day(i32::MIN), to: Day(i32::MAX) };

    /// The last so many days, `today` among them.
    pub const fn last(days: i32, today: Day) -> Self {
        Self { from: today.minus(days - 1), to: today }
    }

    pub(super) const fn ends(self) -> [i32; 2] {
        [self.from.0, self.to.0]
    }
}

/// What is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each model.
    Model,
    /// Each provider.
    Provider,
    /// Each conversation, and what belongs to none by what asked; the dearest first.
    Session,
    /// Each day.
    Day,
    /// Where requests came from, keep-warm and probes among them.
    Origin,
    /// Why attempts were made: first, retry, fallback, hedge, …
    Kind,
    /// All in one.
    Everything,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Total {
    /// What it is of: a name, a day as `2026-11-26`, a conversation's title.
    pub key: String,
    /// The conversation, where sums are by conversation.
    pub session: Option<SessionId>,
    /// Calls made.
    pub attempts: u64,
    /// What they cost; not exact where a part of it is "at least".
    pub cost: Cost,
    /// Of that, what failed attempts cost. Not known by conversation, like what follows.
    pub lost: Cost,
    /// Of that, what attempts their reader stopped cost.
    pub stopped: Cost,
    /// What providers' own prompt caches took off.
    pub prefix_saved: Money,
    /// Tokens; by conversation without those written to a cache or thought.
    pub usage: Usage,
}

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Hours since 1970, or the number of a [`Day`].
    pub at: i64,
    /// Calls made.
    pub attempts: u64,
    /// What they cost.
    pub cost: Cost,
    /// Tokens sent and answered.
    pub tokens: u64,
}

/// What routing did about the price of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Routing {
    /// Requests that are over.
    pub requests: u64,
    /// Of those, answered.
    pub answered: u64,
    /// Of those, from the cache.
    pub cached: u64,
    /// What the cache saved: what was paid for those answers where they were made.
    pub cache_saved: Money,
    /// What providers' own prompt caches took off.
    pub prefix_saved: Money,
    /// What failed attempts cost.
    pub lost: Money,
    /// Requests whose price can be compared.
    pub compared: u64,
    /// What those cost.
    pub spent: Money,
    /// What they would have cost at the dearest model that fit each.
    pub dearest: Money,
    /// Against the baseline, where one was named and could have answered: requests, what they cost,
    /// and what they would have cost there.
    pub baseline: Option<(u64, Money, Money)>,
}

pub(super) const SUMS: &str = "sum(attempts), sum(amount), sum(inexact),
    sum(CASE came WHEN 'lost' THEN amount ELSE 0 END),
    sum(CASE came WHEN 'stopped' THEN amount ELSE 0 END), sum(prefix_saved),
    sum(input), sum(cached_input), sum(cache_write), sum(output), sum(reasoning),
    sum(CASE came WHEN 'lost' THEN inexact ELSE 0 END),
    sum(CASE came WHEN 'stopped' THEN inexact ELSE 0 END)";

pub(super) fn total(key: String, row: &Row<'_>) -> rusqlite::Result<Total> {
    let number = |at: usize| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
    let cost = |amount: usize, inexact: usize| -> rusqlite::Result<Cost> {
        Ok(Cost { amount: Money::from_pico(number(amount)?), exact: number(inexact)? == 0 })
    };
    Ok(Total {
        key,
        session: None,
        attempts: count(number(1)?),
        cost: cost(2, 3)?,
        lost: cost(4, 12)?,
        stopped: cost(5, 13)?,
        prefix_saved: Money::from_pico(number(6)?),
        usage: Usage {
            input: count(number(7)?),
            cached_input: count(number(8)?),
            cache_write: count(number(9)?),
            cache_write_1h: 0,
            output: count(number(10)?),
            reasoning: count(number(11)?),
            estimated: number(3)? > 0,
        },
    })
}

impl Reader {
    /// Sums of these days. By name the dearest come first, by day the newest. At most `limit`; by
    /// conversation so many conversations, and rows without one for what belongs to none.
    pub fn totals(&self, days: Days, by: By, limit: usize) -> Result<Vec<Total>, LedgerError> {
        let named = |column: &str| {
            self.ask(|db| {
                let order = if by == By::Day { "1 DESC" } else { "3 DESC, 1" };
                db.prepare_cached(&format!(
                    "SELECT {column}, {SUMS} FROM daily WHERE day BETWEEN ?1 AND ?2
                     GROUP BY 1 ORDER BY {order} LIMIT ?3"
                ))?
                .query_map(params![days.from.0, days.to.0, limit as i64], |row| {
                    let key =
                        if by == By::Day { Day(row.get(0)?).to_string() } else { row.get(0)? };
                    total(key, row)
                })?
                .collect()
            })
        };
        match by {
            By::Model => named("model"),
            By::Provider => named("provider"),
            By::Day => named("day"),
            By::Origin => named("origin"),
            By::Kind => named("kind"),
            By::Session => {
                self.at_once(|reader| reader.ask(|db| by_session::totals(db, days, limit)))
            }
            By::Everything => self.ask(|db| {
                db.prepare_cached(&format!(
                    "SELECT 0, {SUMS} FROM daily WHERE day BETWEEN ?1 AND ?2"
                ))?
                .query_map(days.ends(), |row| total("total".to_owned(), row))?
                .collect()
            }),
        }
    }

    /// Sums of these days, all in one.
    pub fn total(&self, days: Days) -> Result<Total, LedgerError> {
        Ok(self.totals(days, By::Everything, 1)?.pop().unwrap_or_default())
    }

    /// Attempts of these days that failed, all in one.
    pub fn lost(&self, days: Days) -> Result<Total, LedgerError> {
        self.that_came("lost", days)
    }

    /// What attempts their reader stopped came to on these days.
    pub fn stopped(&self, days: Days) -> Result<Total, LedgerError> {
        self.that_came("stopped", days)
    }

    fn that_came(&self, how: &str, days: Days) -> Result<Total, LedgerError> {
        let [from, to] = days.ends();
        self.ask(|db| {
            db.prepare_cached(&format!(
                "SELECT came, {SUMS} FROM daily WHERE day BETWEEN ?1 AND ?2 AND came = ?3"
            ))?
            .query_row(params![from, to, how], |row| total(how.to_owned(), row))
        })
    }

    /// The hours from one moment to another, oldest first; hours in which nothing was called are left
    /// out. Of one model where it is named.
    pub fn hours(
        &self,
        from: UnixMs,
        to: UnixMs,
        model: Option<&ModelName>,
    ) -> Result<Vec<Point>, LedgerError> {
        const HOUR: i64 = 3_600_000;
        self.ask(|db| {
            db.prepare_cached(
                "SELECT hour, sum(attempts), sum(amount), sum(inexact), sum(input + output)
                 FROM hourly WHERE hour BETWEEN ?1 AND ?2 AND (?3 IS NULL OR model = ?3)
                 GROUP BY hour ORDER BY hour",
            )?
            .query_map(
                params![
                    from.0.div_euclid(HOUR),
                    to.0.div_euclid(HOUR),
                    model.map(ModelName::as_str)
                ],
                point,
            )?
            .collect()
        })
    }

    /// The days, oldest first; days on which nothing was called are left out. Of one model where it
    /// is named.
    pub fn days(&self, days: Days, model: Option<&ModelName>) -> Result<Vec<Point>, LedgerError> {
        self.ask(|db| {
            db.prepare_cached(
                "SELECT day, sum(attempts), sum(amount), sum(inexact), sum(input + output)
                 FROM daily WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR model = ?3)
                 GROUP BY day ORDER BY day",
            )?
            .query_map(params![days.from.0, days.to.0, model.map(ModelName::as_str)], point)?
            .collect()
        })
    }

    /// The models that requests of any day were compared with.
    pub fn compared_models(&self) -> Result<Vec<ModelName>, LedgerError> {
        self.ask(|db| {
            db.prepare_cached("SELECT DISTINCT model FROM model_days ORDER BY model")?
                .query_map([], |row| Ok(ModelName::from(row.get::<_, String>(0)?)))?
                .collect()
        })
    }

    /// What routing did on these days; against a baseline where one is named.
    pub fn routing(
        &self,
        days: Days,
        baseline: Option<&ModelName>,
    ) -> Result<Routing, LedgerError> {
        let money = |row: &Row<'_>, at: usize| {
            row.get::<_, Option<i64>>(at).map(|pico| Money::from_pico(pico.unwrap_or_default()))
        };
        let number =
            |row: &Row<'_>, at: usize| row.get::<_, Option<i64>>(at).map(|n| count(n.unwrap_or(0)));
        let whole = self.total(days)?;
        self.ask(|db| {
            let mut routing = db
                .prepare_cached(
                    "SELECT sum(requests), sum(answered), sum(cached), sum(cache_saved),
                     sum(compared), sum(spent), sum(dearest)
                     FROM request_days WHERE day BETWEEN ?1 AND ?2",
                )?
                .query_row(days.ends(), |row| {
                    Ok(Routing {
                        requests: number(row, 0)?,
                        answered: number(row, 1)?,
                        cached: number(row, 2)?,
                        cache_saved: money(row, 3)?,
                        compared: number(row, 4)?,
                        spent: money(row, 5)?,
                        dearest: money(row, 6)?,
                        lost: whole.lost.amount,
                        prefix_saved: whole.prefix_saved,
                        baseline: None,
                    })
                })?;
            if let Some(model) = baseline {
                let sums = db
                    .prepare_cached(
                        "SELECT sum(compared), sum(spent), sum(would) FROM model_days
                         WHERE day BETWEEN ?1 AND ?2 AND model = ?3",
                    )?
                    .query_row(params![days.from.0, days.to.0, model.as_str()], |row| {
                        Ok((number(row, 0)?, money(row, 1)?, money(row, 2)?))
                    })?;
                routing.baseline = (sums.0 > 0).then_some(sums);
            }
            Ok(routing)
        })
    }
}

fn point(row: &Row<'_>) -> rusqlite::Result<Point> {
    Ok(Point {
        at: row.get(0)?,
        attempts: count(row.get(1)?),
        cost: Cost { amount: Money::from_pico(row.get(2)?), exact: row.get::<_, i64>(3)? == 0 },
        tokens: count(row.get(4)?),
    })
}
