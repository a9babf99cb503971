//! The table of the Costs view: a row for each model, provider or chat, and what they come to.
//!
//! Must not know: how rows were found. Invariant: the last line is the sum of all that is listed or
//! counted as more, and says so where a filter leaves some out.

use super::{Line, from, to};
use crate::console::app::{CostGroup, CostItem, CostReport, CostRow, Narrowed};
use crate::console::theme::{GlyphSet, Token};
use crate::console::view::words::{self, Amounts};
use crate::text;

/// Cells of the longest name; twice as many where there is [`ROOMY`] width.
const NAME_CELLS: usize = 28;

/// From this width on a bar is long enough with a longer name beside it.
const ROOMY: u16 = 100;

/// Rows of the table before the rest is one row.
const MOST_ROWS: usize = 14;
/// Cells of the cost column, a gap before it included, where no figure needs more.
const COST_CELLS: usize = 10;
/// From so many columns there is room for tokens.
const TOKENS_FROM: u16 = 64;

/// What the table shows.
pub(super) struct Table<'a> {
    pub(super) report: &'a CostReport,
    /// What a filter leaves of its rows.
    pub(super) narrowed: Option<&'a Narrowed>,
    /// What its rows are.
    pub(super) group: CostGroup,
    pub(super) money: Amounts,
    /// Something of requests is kept.
    pub(super) kept: bool,
}

impl Table<'_> {
    /// How many rows there are.
    fn count(&self) -> usize {
        self.narrowed.map_or(self.report.rows.len(), |narrowed| narrowed.rows.len())
    }

    /// The rows there is room for, the dearest first.
    fn rows(&self) -> Vec<&CostRow> {
        let rows = &self.report.rows;
        match self.narrowed {
            None => rows.iter().take(MOST_ROWS).collect(),
            Some(left) => left.rows.iter().take(MOST_ROWS).filter_map(|at| rows.get(*at)).collect(),
        }
    }

    /// What the rows come to.
    fn total(&self) -> &CostRow {
        self.narrowed.map_or(&self.report.total, |narrowed| &narrowed.total)
    }

    fn figures(&self, row: &CostRow, columns: &Columns) -> Vec<super::Put> {
        let mut puts = vec![
            from(1, words::brief(&row.name, columns.name), Token::Fg),
            to(columns.calls, words::grouped(row.calls), Token::Dim),
            to(columns.cost, self.money.cost(row.cost), Token::Fg),
        ];
        if let Some((input, output, cached)) = columns.tokens {
            puts.push(to(input, words::tokens(row.input), Token::Dim));
            puts.push(to(output, words::tokens(row.output), Token::Dim));
            let share = match row.input {
                0 => "-".to_owned(),
                input => words::percent(row.cached_input as f64 / input as f64),
            };
            puts.push(to(cached, share, Token::Dim));
        }
        puts
    }
}

/// Where the table's columns end.
struct Columns {
    name: usize,
    calls: u16,
    tokens: Option<(u16, u16, u16)>,
    cost: u16,
    share: u16,
}

/// Columns for what is shown with a filter and without, so that little moves while one is typed.
fn columns(table: &Table<'_>, width: u16) -> Columns {
    let mut rows = table.rows();
    rows.extend(table.report.rows.iter().take(MOST_ROWS));
    let longest =
        rows.iter().map(|row| text::width(&words::brief(&row.name, NAME_CELLS * 2))).max();
    let CostReport { total, lost, stopped, .. } = table.report;
    let figures = [total, lost, stopped].into_iter().chain(rows);
    let costs = figures.map(|row| text::width(&table.money.cost(row.cost)) + 2);
    let cost = costs.fold(COST_CELLS, usize::max) as u16;
    let fixed = if width >= TOKENS_FROM { 6 + 8 + 7 + 8 + cost } else { 6 + cost };
    // The share's bar is worth ten cells; a longer name is worth more.
    let room = usize::from(width.saturating_sub(fixed + 8));
    let most = if width >= ROOMY { NAME_CELLS * 2 } else { NAME_CELLS };
    let name = longest.unwrap_or(0).clamp(8, room.clamp(8, most));
    let calls = 1 + name as u16 + 6;
    let tokens = (width >= TOKENS_FROM).then_some((calls + 8, calls + 15, calls + 23));
    let cost = tokens.map_or(calls, |(_, _, cached)| cached) + cost;
    Columns { name, calls, tokens, cost, share: cost + 2 }
}

/// Its lines.
pub(super) fn lines(table: &Table<'_>, glyphs: &GlyphSet, width: u16) -> Vec<Line> {
    let (report, columns) = (table.report, columns(table, width));
    let mut head = vec![
        from(1, table.group.name(), Token::Dim),
        to(columns.calls, "calls", Token::Dim),
        to(columns.cost, "cost", Token::Dim),
        from(columns.share, "share", Token::Dim),
    ];
    if let Some((input, output, cached)) = columns.tokens {
        head.push(to(input, "in", Token::Dim));
        head.push(to(output, "out", Token::Dim));
        head.push(to(cached, "cached", Token::Dim));
    }
    let mut lines = vec![Line::Words(head)];
    let say = |words: String| Line::Words(vec![from(1, words, Token::Dim)]);
    if table.count() == 0 {
        lines.push(say(match table.narrowed {
            Some(_) if !report.rows.is_empty() => "nothing is called so; Esc shows all".to_owned(),
            Some(_) | None if !table.kept => {
                "nothing of requests is kept ([ledger] keep)".to_owned()
            }
            Some(_) | None => "nothing was spent in these days".to_owned(),
        }));
        return lines;
    }
    let whole = report.total.cost.amount.dollars();
    let end = width.saturating_sub(1);
    for row in table.rows() {
        let mut puts = table.figures(row, &columns);
        let share = if whole > 0.0 { row.cost.amount.dollars() / whole } else { 0.0 };
        let room = usize::from(end.saturating_sub(columns.share + 5));
        let full = (share * room as f64).round() as usize;
        puts.push(from(columns.share, glyphs.full.repeat(full.min(room)), Token::Accent));
        if row.cost.amount.pico() > 0 {
            puts.push(to(end, words::percent(share), Token::Dim));
        }
        lines.push(match row.session {
            Some(chat) if table.group == CostGroup::Chat => Line::Item(CostItem::Chat(chat), puts),
            Some(_) | None => Line::Words(puts),
        });
    }
    let more = table.count().saturating_sub(MOST_ROWS) as u64;
    if more > 0 {
        let or_more = if report.cut { " or more" } else { "" };
        lines.push(say(format!("{}{or_more} more; / finds them", words::grouped(more))));
    }
    let room = usize::from(width.saturating_sub(columns.share + 1));
    let fits = |words: &[&str]| {
        let fitting = words.iter().find(|words| text::width(words) <= room);
        (*fitting.unwrap_or(&"")).to_owned()
    };
    lines.push(Line::Bare);
    let mut total = table.total().clone();
    if let Some(narrowed) = table.narrowed {
        let (some, all) = (narrowed.rows.len(), report.rows.len());
        // Where its name has no room for how many they are, the bars' column may.
        total.name = format!("filtered, {some} of {all}");
        let told = text::width(&total.name) <= columns.name;
        if !told {
            "filtered".clone_into(&mut total.name);
        }
        let mut puts = table.figures(&total, &columns);
        let count = if told { String::new() } else { fits(&[&format!("{some} of {all}")]) };
        let share = if whole > 0.0 { total.cost.amount.dollars() / whole } else { 0.0 };
        if room > text::width(&count) + 6 && total.cost.amount.pico() > 0 {
            puts.push(to(end, words::percent(share), Token::Dim));
        }
        puts.push(from(columns.share, count, Token::Dim));
        lines.push(Line::Words(puts));
    } else {
        lines.push(Line::Words(table.figures(&total, &columns)));
        // Parts of the total, which the rows hold already.
        let parts = [
            (&report.lost, ["of it in attempts that failed", "failed attempts", "failed"]),
            (&report.stopped, ["of it in replies you stopped", "stopped replies", "stopped"]),
        ];
        for (part, words) in parts.into_iter().filter(|(part, _)| part.calls > 0) {
            let mut puts = table.figures(part, &columns);
            puts.push(from(columns.share, fits(&words), Token::Dim));
            lines.push(Line::Words(puts));
        }
    }
    lines
}
