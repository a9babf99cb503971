//! What was spent, added up for people and for programs: as a table, JSON or CSV. `usage` prints it and
//! the console's Costs view writes it to a file, so that both say the same.
//!
//! Must not know: where it goes. Invariants: money is written in dollars, to the last digit, where
//! programs read it, whatever it is shown in; it is marked "at least" where a part of it is not known;
//! what a provider or a chat is called is never obeyed by a terminal or a spreadsheet.

mod routing;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::CurrencySettings;
use crate::domain::{Cost, Currency, Denomination, ModelName, Money, Usage};
use crate::ledger::{By, Day, Days, LedgerError, Reader, Routing, Total, export};
use crate::text;

use super::args::UsageBy;
use super::table::{Align, Table};

/// Cells of a row's name in a table: a long title would make every row two lines.
const NAME_CELLS: usize = 48;

/// Rows that are looked through where only some are wanted: the dearest. More models and providers
/// than this there are not; of chats, those beyond are cheap.
pub const LOOKED_THROUGH: usize = 2_000;

/// What amounts are shown in, and since when its rate is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Dollars or another currency.
    pub money: Denomination,
    /// The day its rate was read, where the user says so.
    pub as_of: Option<String>,
}

impl Shown {
    /// In what the configuration says.
    pub fn first(settings: &CurrencySettings) -> Self {
        Self { money: settings.first(), as_of: settings.as_of.clone() }
    }

    /// In a currency.
    ///
    /// # Errors
    /// Where it has no rate: how to give it one.
    pub fn of(currency: Currency, settings: &CurrencySettings) -> Result<Self, String> {
        let money = settings.denomination(currency);
        if money.currency() != currency {
            return Err(no_rate(currency));
        }
        Ok(Self { money, as_of: settings.as_of.clone() })
    }

    /// What `~` before an amount means: `~ is converted: a dollar is 7.12 CNY, as of 2026-11-20`; nothing
    /// for dollars.
    pub fn words(&self) -> Option<String> {
        let Denomination::At(currency, rate) = self.money else { return None };
        let mut words = format!("~ is converted: a dollar is {rate} {currency}");
        if let Some(day) = &self.as_of {
            let _ = write!(words, ", as of {day}");
        }
        Some(words)
    }

    /// What is odd about the day of the rate: that it has not come yet.
    pub fn doubt(&self, today: Day) -> Option<String> {
        let Denomination::At(..) = self.money else { return None };
        let day = self.as_of.as_deref()?;
        let date = day.parse().map(Day::of_date).ok()?;
        (date > today).then(|| {
            format!(
                "currency.as_of is {day}, a day that has not come: nobody can have seen its rate"
            )
        })
    }
}

/// What to add where a currency has no rate.
pub fn no_rate(currency: Currency) -> String {
    format!(
        "there is no rate for {currency}; give it one, in units per US dollar: \
         wheelhouse config set currency.rates.{currency} RATE"
    )
}

/// What a report is of.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of which days.
    pub days: Days,
    /// By what.
    pub by: UsageBy,
    /// At most so many rows; what others come to is one more.
    pub limit: usize,
    /// Only rows whose name holds this; empty for all. The total is then of those.
    pub filter: String,
    /// Compared with asking this model only.
    pub baseline: Option<ModelName>,
    /// What amounts are shown in.
    pub shown: Shown,
}

/// Sums, ready to be written.
#[derive(Debug)]
pub struct Report {
    wanted: Wanted,
    rows: Vec<Total>,
    whole: Total,
    routing: Routing,
}

impl UsageBy {
    /// What the ledger calls it.
    pub const fn by(self) -> By {
        match self {
            Self::Model => By::Model,
            Self::Provider => By::Provider,
            Self::Day => By::Day,
            Self::Session => By::Session,
            Self::Origin => By::Origin,
            Self::Kind => By::Kind,
        }
    }

    /// Does a row know what of it failed or was stopped, what was thought and written to a cache? What a
    /// chat came to is kept as a whole.
    const fn tells_parts(self) -> bool {
        !matches!(self, Self::Session)
    }

    /// Its name on the command line, and of its column.
    pub const fn name(self) -> &'static str {
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

/// A name for a row: a conversation's is its title, or where it has none the end of its id.
pub fn name(total: &Total) -> String {
    match (total.session, total.key.is_empty()) {
        (Some(id), true) => id.short(),
        _ => total.key.clone(),
    }
}

/// Adds one sum to another.
fn add(sum: &mut Total, more: &Total) {
    sum.attempts += more.attempts;
    sum.cost = sum.cost + more.cost;
    sum.lost = sum.lost + more.lost;
    sum.stopped = sum.stopped + more.stopped;
    sum.prefix_saved += more.prefix_saved;
    sum.usage = sum.usage + more.usage;
}

/// What the rows leave of all there is, as a row.
fn others(whole: &Total, rows: &[Total]) -> Option<Total> {
    let mut shown = Total::default();
    for row in rows {
        add(&mut shown, row);
    }
    let (all, told) = (whole.usage, shown.usage);
    let less = |all: Cost, told: Cost| Cost { amount: all.amount - told.amount, exact: all.exact };
    let attempts = whole.attempts.saturating_sub(shown.attempts);
    (attempts > 0).then(|| Total {
        key: "others".to_owned(),
        session: None,
        attempts,
        cost: less(whole.cost, shown.cost),
        lost: less(whole.lost, shown.lost),
        stopped: less(whole.stopped, shown.stopped),
        prefix_saved: whole.prefix_saved - shown.prefix_saved,
        usage: Usage {
            input: all.input.saturating_sub(told.input),
            cached_input: all.cached_input.saturating_sub(told.cached_input),
            cache_write: all.cache_write.saturating_sub(told.cache_write),
            output: all.output.saturating_sub(told.output),
            reasoning: all.reasoning.saturating_sub(told.reasoning),
            ..Usage::default()
        },
    })
}

impl Wanted {
    fn is_filtered(&self) -> bool {
        !self.filter.trim().is_empty()
    }
}

impl Report {
    /// Adds up.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn of(reader: &Reader, wanted: Wanted) -> Result<Self, LedgerError> {
        // A call that ends meanwhile would be in some sums and not in others.
        reader.at_once(|reader| Self::added_up(reader, wanted))
    }

    fn added_up(reader: &Reader, wanted: Wanted) -> Result<Self, LedgerError> {
        let Wanted { days, by, limit, .. } = wanted;
        let routing = reader.routing(days, wanted.baseline.as_ref())?;
        let (mut rows, whole) = if wanted.is_filtered() {
            let mut rows = reader.totals(days, by.by(), LOOKED_THROUGH)?;
            rows.retain(|total| text::holds(&name(total), &wanted.filter));
            let mut whole = Total::default();
            for row in &rows {
                add(&mut whole, row);
            }
            (rows, whole)
        } else {
            (reader.totals(days, by.by(), limit)?, reader.total(days)?)
        };
        rows.truncate(limit);
        rows.extend(others(&whole, &rows));
        Ok(Self { wanted, rows, whole, routing })
    }

    /// Before anything was kept.
    pub fn empty(wanted: Wanted) -> Self {
        Self { wanted, rows: Vec::new(), whole: Total::default(), routing: Routing::default() }
    }

    /// Is there no row that holds what was asked for?
    pub fn is_of_nothing(&self) -> bool {
        self.wanted.is_filtered() && self.rows.is_empty()
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let shown = self.wanted.shown.money;
        let costs: Vec<Money> = self.rows.iter().map(|row| row.cost.amount).collect();
        let decimals = shown.decimals(self.whole.cost.amount, &costs);
        let some = |cost: Cost| match cost.amount {
            Money::ZERO => String::new(),
            _ => shown.cost_fixed(cost, decimals),
        };
        let tells_parts = self.wanted.by.tells_parts();
        let mut columns = vec![
            (self.wanted.by.name(), Align::Left),
            ("calls", Align::Right),
            ("in", Align::Right),
            ("cached", Align::Right),
            ("out", Align::Right),
            ("cost", Align::Right),
        ];
        if tells_parts {
            columns.extend([("failed", Align::Right), ("stopped", Align::Right)]);
        }
        let mut table = Table::new(&columns);
        let whole = Total { key: "total".to_owned(), ..self.whole.clone() };
        for total in self.rows.iter().chain([&whole]) {
            table.row([
                text::ellipsis(&name(total), NAME_CELLS).into_owned(),
                total.attempts.to_string(),
                total.usage.input.to_string(),
                total.usage.cached_input.to_string(),
                total.usage.output.to_string(),
                shown.cost_fixed(total.cost, decimals),
                some(total.lost),
                some(total.stopped),
            ]);
        }
        let mut lines = table.lines();
        let baseline = self.wanted.baseline.as_ref();
        let routing = routing::lines(&self.routing, baseline, shown);
        if !routing.is_empty() {
            lines.push(String::new());
            if self.wanted.is_filtered() {
                lines.push("of all rows, filtered or not:".to_owned());
            }
            lines.extend(routing);
        }
        if let Some(rate) = self.wanted.shown.words() {
            lines.extend([String::new(), rate]);
        }
        lines
    }

    /// For spreadsheets: a head, then a line a row. Amounts are dollars, exactly; where they are shown
    /// in another currency a last column has the cost in it.
    pub fn csv(&self) -> Vec<String> {
        let mut head = format!(
            "{},session_id,calls,input,cached_input,cache_write,output,reasoning,cost_usd,\
             cost_exact,failed_usd,stopped_usd",
            self.wanted.by.name()
        );
        let shown = self.wanted.shown.money;
        if let Denomination::At(currency, _) = shown {
            let _ = write!(head, ",cost_{}", currency.code().to_ascii_lowercase());
        }
        let tells_parts = self.wanted.by.tells_parts();
        let part = |part: String| if tells_parts { part } else { String::new() };
        let mut lines = vec![head];
        for total in &self.rows {
            let usage = total.usage;
            let mut cells = vec![
                quoted(&name(total)),
                total.session.map(|id| id.to_string()).unwrap_or_default(),
                total.attempts.to_string(),
                usage.input.to_string(),
                usage.cached_input.to_string(),
                part(usage.cache_write.to_string()),
                usage.output.to_string(),
                part(usage.reasoning.to_string()),
                total.cost.amount.to_string(),
                total.cost.exact.to_string(),
                part(total.lost.amount.to_string()),
                part(total.stopped.amount.to_string()),
            ];
            if let Denomination::At(..) = shown {
                cells.push(shown.convert(total.cost.amount).to_string());
            }
            lines.push(cells.join(","));
        }
        lines
    }

    /// For programs; what routing did is of everything, filtered or not. Amounts are dollars, exactly;
    /// where they are shown in another currency each row has its cost in it as well, and the rate stands
    /// beside them.
    pub fn json(&self) -> Value {
        let Wanted { days, by, .. } = self.wanted;
        let all = days == Days::ALL;
        let routing = &self.routing;
        let total = |total: &Total| row(total, self.wanted.shown.money);
        let row = |one: &Total| {
            let mut row = total(one);
            if !by.tells_parts() {
                for part in ["failed_usd", "stopped_usd", "cache_write", "reasoning"] {
                    row[part] = Value::Null;
                }
            }
            row
        };
        let mut report = json!({
            "schema": 1,
            "by": by.name(),
            "from": (!all).then(|| days.from.to_string()),
            "to": (!all).then(|| days.to.to_string()),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "total": total(&Total { key: "total".to_owned(), ..self.whole.clone() }),
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
                    "model": self.wanted.baseline,
                    "requests": requests,
                    "spent_usd": spent.to_string(),
                    "would_usd": would.to_string(),
                })),
            },
        });
        if self.wanted.is_filtered() {
            report["filter"] = json!(self.wanted.filter.trim());
        }
        if let Denomination::At(currency, rate) = self.wanted.shown.money {
            report["converted"] = json!({
                "currency": currency,
                "per_usd": rate.to_string(),
                "as_of": self.wanted.shown.as_of,
            });
        }
        report
    }
}

fn row(total: &Total, shown: Denomination) -> Value {
    let usage = total.usage;
    let mut row = json!({
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
        "failed_usd": total.lost.amount.to_string(),
        "stopped_usd": total.stopped.amount.to_string(),
    });
    if let Denomination::At(..) = shown {
        row["cost_converted"] = json!(shown.convert(total.cost.amount).to_string());
    }
    row
}

/// Marks that programs of tables take for the beginning of a formula, as they are and as wide ones.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell as spreadsheets read it: quoted where it must be, never taken for a formula, and with what a
/// terminal would obey (a control character, a turn of direction) as an escape.
fn quoted(cell: &str) -> String {
    let mut line = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            letter if letter.is_control() || export::turns(letter) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    // Some of them look behind spaces.
    let formula = line.trim_start().starts_with(FORMULA);
    if formula {
        line.insert(0, '\'');
    }
    if formula || line.contains([',', '"', ';']) || line.trim() != line {
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
        for hostile in ["=cmd()", "+1", "-1", "@SUM(A1)", " =cmd()", "＝cmd()"] {
            assert_eq!(quoted(hostile), format!("\"'{hostile}\""));
        }
        assert_eq!(quoted("\t=1+1"), "\\t=1+1", "no longer behind a space");
    }

    #[test]
    fn what_a_terminal_would_obey_is_an_escape() {
        assert_eq!(quoted("two\nlines"), "two\\nlines");
        assert_eq!(quoted("\u{1b}[31mred\u{9b}\u{7f}"), "\\u{1b}[31mred\\u{9b}\\u{7f}");
        assert_eq!(quoted("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn a_rate_of_a_day_to_come_is_doubted() {
        let yuan = Denomination::At("CNY".parse().unwrap(), "7.12".parse().unwrap());
        let shown = |money, day: &str| Shown { money, as_of: Some(day.to_owned()) };
        let today = Day::of_date("2026-11-27".parse().unwrap());
        for day in ["2026-11-20", "2026-11-27"] {
            assert_eq!(shown(yuan, day).doubt(today), None, "{day}");
        }
        let doubt = shown(yuan, "2027-11-20").doubt(today).unwrap();
        assert!(doubt.contains("currency.as_of is 2027-11-20, a day that has not come"), "{doubt}");
        assert_eq!(shown(Denomination::Dollars, "2027-11-20").doubt(today), None);
    }

    #[test]
    fn what_is_not_known_is_at_least() {
        let cost = |exact| Cost { amount: Money::from_pico(2_500_000_000_000), exact };
        let dollars = Denomination::Dollars;
        assert_eq!(dollars.cost_short(cost(true)), "$2.50");
        assert_eq!(dollars.cost_short(cost(false)), "≥$2.50");
        let yuan = Denomination::At("CNY".parse().unwrap(), "7.12".parse().unwrap());
        assert_eq!(yuan.cost_short(cost(false)), "≥~¥17.80");
    }
}
