//! The budgets of the Costs view: what was spent of the day's and the month's, and what they come to.
//!
//! Must not know: how budgets are kept. Invariant: where nothing of requests is kept the figures are
//! those the budgets count, so that they are the top line's.

use super::{Line, from, to};
use crate::config::{BudgetLimit, KeepWhat};
use crate::console::app::{AppState, CostReport};
use crate::console::theme::{GlyphSet, Token};
use crate::console::view::words::{self, Amounts};
use crate::domain::{BudgetScope, Cost, Money, UnixMs};
use crate::route::Period;
use crate::text;

/// Columns of the bars.
const BUDGET_BAR: usize = 28;

/// Its lines.
pub(super) fn lines(
    state: &AppState,
    report: &CostReport,
    glyphs: &GlyphSet,
    width: u16,
) -> Vec<Line> {
    // Those in force: what was set by hand for this run counts too.
    let budget = state.snapshot.as_ref().map(|snapshot| snapshot.budget.budget());
    let day = budget.and_then(|budget| budget.day.as_ref());
    let month = budget.and_then(|budget| budget.month.as_ref());
    let money = Amounts::of(state);
    let [spent_today, spent_month] = spent(state, report);
    let figures = [("today", spent_today, day), ("month", spent_month, month)].map(
        |(label, spent, limit)| Against {
            label,
            spent: money.cost(spent),
            of: limit.map(|limit| format!("of {}", money.in_full(limit.limit))),
            share: limit.map(|limit| share(spent, limit)),
        },
    );
    // A currency's letters may need more room than a dollar sign.
    let widest = |texts: [Option<&str>; 2], least: usize| {
        texts.into_iter().flatten().map(|text| text::width(text) + 2).fold(least, usize::max) as u16
    };
    let of = 12 + widest(figures.each_ref().map(|line| Some(line.spent.as_str())), 9);
    let bar = of + widest(figures.each_ref().map(|line| line.of.as_deref()), 11);
    let mut lines = figures.map(|line| line.drawn(of, bar, glyphs, width)).to_vec();
    let ends = paces(state, [spent_today, spent_month], money);
    if !ends.is_empty() {
        let whole = ends.join("   ");
        let fits = 12 + text::width(&whole) < usize::from(width);
        let told = if fits { vec![whole] } else { ends };
        for (n, words) in told.into_iter().enumerate() {
            let label = if n == 0 { "pace" } else { "" };
            lines.push(Line::Words(vec![from(1, label, Token::Dim), from(12, words, Token::Dim)]));
        }
    }
    lines
}

/// What was spent today and this month: by what is kept of requests or, where that is nothing, as
/// budgets count it.
fn spent(state: &AppState, report: &CostReport) -> [Cost; 2] {
    match &state.snapshot {
        Some(snapshot) if keeps_nothing(state) => [BudgetScope::Day, BudgetScope::Month]
            .map(|scope| snapshot.budget.line(scope, &snapshot.calendar).spent),
        Some(_) | None => [report.today, report.month],
    }
}

/// Is nothing of requests kept, so that there is nothing to add up?
pub(super) fn keeps_nothing(state: &AppState) -> bool {
    let keep = state.snapshot.as_ref().map(|snapshot| snapshot.config.ledger.keep);
    keep == Some(KeepWhat::Nothing)
}

fn share(spent: Cost, limit: &BudgetLimit) -> f64 {
    spent.amount.dollars() / limit.limit.dollars().max(f64::EPSILON)
}

/// What was spent of what may be.
struct Against {
    label: &'static str,
    spent: String,
    of: Option<String>,
    share: Option<f64>,
}

impl Against {
    fn drawn(self, of: u16, bar: u16, glyphs: &GlyphSet, width: u16) -> Line {
        let mut puts = vec![from(1, self.label, Token::Fg), from(12, self.spent, Token::Strong)];
        if let (Some(limit), Some(share)) = (self.of, self.share) {
            puts.push(from(of, limit, Token::Dim));
            let token = match share {
                ..0.8 => Token::Accent,
                ..1.0 => Token::Warn,
                _ => Token::Bad,
            };
            let room = usize::from(width.saturating_sub(bar + 6)).min(BUDGET_BAR);
            let full = ((share * room as f64).round() as usize).min(room);
            puts.push(from(bar, glyphs.full.repeat(full), token));
            puts.push(from(bar + full as u16, glyphs.empty.repeat(room - full), Token::Rule));
            puts.push(to(bar + room as u16 + 5, words::percent(share), Token::Dim));
        }
        Line::Words(puts)
    }
}

/// What the day and the month come to if they go on like this.
fn paces(state: &AppState, [day, month]: [Cost; 2], money: Amounts) -> Vec<String> {
    let Some(calendar) = state.snapshot.as_ref().map(|snapshot| &snapshot.calendar) else {
        return Vec::new();
    };
    let midnight = pace(calendar.today, state.now, day);
    let month = pace(calendar.month, state.now, month).map(|pace| {
        // A day that has just begun to be dear says little in the mean of a month, and yet it comes.
        let rest = midnight.unwrap_or_default() - day.amount;
        pace.max(month.amount + rest.max(Money::ZERO))
    });
    let told = |(pace, end): (Option<Money>, &str)| {
        pace.map(|pace| format!("{} {end}", words::about(&money.brief(pace))))
    };
    [(midnight, "by midnight"), (month, "by month end")].into_iter().filter_map(told).collect()
}

/// What was spent in a period, as much again for each part of it that is still to come; nothing before
/// a tenth of it is over.
fn pace(period: Period, now: UnixMs, spent: Cost) -> Option<Money> {
    let whole = i128::from(period.ends.0 - period.begins.0);
    let gone = i128::from(now.0 - period.begins.0).min(whole);
    let spent = i128::from(spent.amount.pico());
    (whole > 0 && gone * 10 >= whole && spent > 0)
        .then(|| Money::from_pico(i64::try_from(spent * whole / gone).unwrap_or(i64::MAX)))
}
