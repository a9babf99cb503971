//! `wheelhouse usage`: what was spent, on whom, and what routing saved; as a table, JSON or CSV.
//!
//! Invariant: money is printed to the last digit where programs read it, and marked "at least" where
//! a part of it is not known.

use serde_json::{Value, json};

use crate::domain::{Cost, Money};
use crate::engine;
use crate::ledger::{By, Day, Days, Reader, Routing, Total, export};

use super::args::{UsageArgs, UsageBy, UsageSince};
use super::compose::Setup;
use super::kept::{self, NOTHING};
use super::table::{Align, Table};
use super::{Exit, Io, Stop};

/// Prints the report.
pub fn run(args: &UsageArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let today = Day::of(engine::now(), &kept::zone(setup));
    let days = match args.since {
        UsageSince::All => Days::ALL,
        UsageSince::Days(days) => Days::last(days, today),
    };
    let report = if let Some(reader) = kept::reader(setup)? {
        Report::of(&reader, days, args)?
    } else {
        io.talk(NOTHING);
        Report::default()
    };
    if args.json {
        writeln!(io.out, "{}", export::printed(&report.json(days, args.by)))?;
    } else if args.csv {
        for line in report.csv(args.by) {
            writeln!(io.out, "{line}")?;
        }
    } else {
        for line in report.lines(args.by) {
            io.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

#[derive(Debug, Default)]
struct Report {
    rows: Vec<Total>,
    whole: Total,
    routing: Routing,
}

impl UsageBy {
    const fn by(self) -> By {
        match self {
            Self::Model => By::Model,
            Self::Provider => By::Provider,
            Self::Day => By::Day,
            Self::Session => By::Session,
            Self::Origin => By::Origin,
            Self::Kind => By::Kind,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Day => "day",
            Self::Session => "session",
            Self::Origin => "origin",
            Self::Kind => "kind",
        }
    }
}

/// A name for a row: a conversation's is its title, with its id where programs read it.
fn key(total: &Total) -> String {
    match (total.session, total.key.is_empty()) {
        (Some(id), true) => id.short(),
        _ => total.key.clone(),
    }
}

fn amount(cost: Cost) -> String {
    let at_least = if cost.exact { "" } else { "≥" };
    format!("{at_least}{}", cost.amount.short())
}

fn some(money: Money) -> String {
    if money == Money::ZERO { String::new() } else { money.short() }
}

impl Report {
    fn of(reader: &Reader, days: Days, args: &UsageArgs) -> Result<Self, Stop> {
        let baseline = args.baseline.as_deref().map(Into::into);
        Ok(Self {
            rows: reader.totals(days, args.by.by(), args.limit)?,
            whole: reader.total(days)?,
            routing: reader.routing(days, baseline.as_ref())?,
        })
    }

    fn lines(&self, by: UsageBy) -> Vec<String> {
        let mut table = Table::new(&[
            (by.name(), Align::Left),
            ("calls", Align::Right),
            ("in", Align::Right),
            ("cached", Align::Right),
            ("out", Align::Right),
            ("cost", Align::Right),
            ("failed", Align::Right),
            ("stopped", Align::Right),
        ]);
        let whole = Total { key: "total".to_owned(), ..self.whole.clone() };
        for total in self.rows.iter().chain([&whole]) {
            table.row([
                key(total),
                total.attempts.to_string(),
                total.usage.input.to_string(),
                total.usage.cached_input.to_string(),
                total.usage.output.to_string(),
                amount(total.cost),
                some(total.lost),
                some(total.stopped),
            ]);
        }
        let mut lines = table.lines();
        lines.extend(self.routing_lines());
        lines
    }

    fn routing_lines(&self) -> Vec<String> {
        let routing = &self.routing;
        let mut out = Vec::new();
        if routing.compared > 0 {
            out.push(String::new());
            out.push(format!(
                "routing   {} of {} requests answered; {} at the dearest model that fit, {} spent: {} saved",
                routing.answered,
                routing.requests,
                routing.dearest.short(),
                routing.spent.short(),
                (routing.dearest - routing.spent).short(),
            ));
        }
        if let Some((requests, spent, would)) = routing.baseline {
            let saved = (would - spent).short();
            out.push(format!(
                "baseline  {requests} requests it could have answered for {}, {} spent: {saved} saved",
                would.short(),
                spent.short(),
            ));
        }
        if routing.cached > 0 || routing.prefix_saved > Money::ZERO {
            out.push(format!(
                "caches    {} answers from the cache saved about {}; prompt caches took off {}",
                routing.cached,
                routing.cache_saved.short(),
                routing.prefix_saved.short()
            ));
        }
        out
    }

    fn csv(&self, by: UsageBy) -> Vec<String> {
        let mut lines = vec![format!(
            "{},session_id,calls,input,cached_input,cache_write,output,reasoning,cost_usd,\
             cost_exact,failed_usd,stopped_usd",
            by.name()
        )];
        for total in &self.rows {
            let usage = total.usage;
            lines.push(
                [
                    quoted(&key(total)),
                    total.session.map(|id| id.to_string()).unwrap_or_default(),
                    total.attempts.to_string(),
                    usage.input.to_string(),
                    usage.cached_input.to_string(),
                    usage.cache_write.to_string(),
                    usage.output.to_string(),
                    usage.reasoning.to_string(),
                    total.cost.amount.to_string(),
                    total.cost.exact.to_string(),
                    total.lost.to_string(),
                    total.stopped.to_string(),
                ]
                .join(","),
            );
        }
        lines
    }

    fn json(&self, days: Days, by: UsageBy) -> Value {
        let all = days == Days::ALL;
        let routing = &self.routing;
        json!({
            "schema": 1,
            "by": by.name(),
            "from": (!all).then(|| days.from.to_string()),
            "to": (!all).then(|| days.to.to_string()),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "total": row(&Total { key: "total".to_owned(), ..self.whole.clone() }),
            "routing": {
                "requests": routing.requests,
                "answered": routing.answered,
                "compared": routing.compared,
                "spent_usd": routing.spent.to_string(),
                "dearest_usd": routing.dearest.to_string(),
                "failed_usd": routing.lost.to_string(),
                "cached": routing.cached,
                "cache_saved_usd": routing.cache_saved.to_string(),
                "prefix_saved_usd": routing.prefix_saved.to_string(),
                "baseline": routing.baseline.map(|(requests, spent, would)| json!({
                    "requests": requests,
                    "spent_usd": spent.to_string(),
                    "would_usd": would.to_string(),
                })),
            },
        })
    }
}

fn row(total: &Total) -> Value {
    let usage = total.usage;
    json!({
        "key": total.key,
        "session_id": total.session.map(|id| id.to_string()),
        "calls": total.attempts,
        "input": usage.input,
        "cached_input": usage.cached_input,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "cost_usd": total.cost.amount.to_string(),
        "cost_exact": total.cost.exact,
        "failed_usd": total.lost.to_string(),
        "stopped_usd": total.stopped.to_string(),
    })
}

/// A cell as spreadsheets read it: quoted where it must be, and never taken for a formula.
fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let formula = line.starts_with(['=', '+', '-', '@']);
    let line = if formula { format!("'{line}") } else { line };
    if line.contains([',', '"', ';']) || formula {
        format!("\"{}\"", line.replace('"', "\"\""))
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=cmd()"), "\"'=cmd()\"");
        assert_eq!(quoted("two\nlines"), "two lines");
    }

    #[test]
    fn what_is_not_known_is_at_least() {
        let cost = |exact| Cost { amount: Money::from_pico(2_500_000_000_000), exact };
        assert_eq!((amount(cost(true)), amount(cost(false))), ("$2.50".into(), "≥$2.50".into()));
    }
}
