//! The Costs view: what was spent, by whom, when, and what routing did about it.
//!
//! Owns: the order of its parts and their columns. Must not know: where the figures come from.
//! Invariant: what is an estimate carries `~`; drawing and scrolling lay out the same lines.

use ratatui::layout::Rect;

use super::paint::{Ink, row};
use super::{areas, chrome, words};
use crate::config::BudgetLimit;
use crate::console::app::{AppState, CostReport, CostRow, CostWindow};
use crate::console::theme::{GlyphSet, Token};
use crate::domain::{Cost, Money};
use crate::text;

/// From so many columns the chart stands beside the table.
const BESIDE: u16 = 100;
/// Columns of the budgets' bars.
const BUDGET_BAR: usize = 28;
/// Rows of the chart's bars.
const CHART_ROWS: usize = 4;
/// Rows of the table before the rest is one row.
const MOST_ROWS: usize = 14;
/// Models whose price for everything is shown.
const MOST_ALTERNATIVES: usize = 3;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A text in a line, from a column or up to one.
#[derive(Debug, Clone)]
struct Put {
    at: At,
    text: String,
    token: Token,
}

#[derive(Debug, Clone, Copy)]
enum At {
    From(u16),
    To(u16),
}

/// One line of a part.
#[derive(Debug, Clone)]
enum Line {
    Words(Vec<Put>),
    Rule { title: &'static str, right: String },
    Bare,
}

impl Line {
    fn blank() -> Self {
        Self::Words(Vec::new())
    }

    fn draw(&self, ink: &mut Ink<'_>, area: Rect) {
        match self {
            Self::Words(puts) => {
                for put in puts {
                    match put.at {
                        At::From(x) => {
                            ink.put(area, x, &put.text, put.token);
                        }
                        At::To(end) => {
                            ink.right(area, end, &[(&put.text, put.token)]);
                        }
                    }
                }
            }
            Self::Rule { title, right } => {
                ink.rule(area, &[(title, Token::Strong)], &[(right, Token::Dim)]);
            }
            Self::Bare => {
                ink.line(Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area });
            }
        }
    }
}

fn from(x: u16, text: impl Into<String>, token: Token) -> Put {
    Put { at: At::From(x), text: text.into(), token }
}

fn to(end: u16, text: impl Into<String>, token: Token) -> Put {
    Put { at: At::To(end), text: text.into(), token }
}

/// What the body holds: lines side by side, then lines over the whole width.
struct Body {
    left: Vec<Line>,
    right: Vec<Line>,
    below: Vec<Line>,
    /// The column of the bar between left and right; 0 for none.
    bar: u16,
}

impl Body {
    fn rows(&self) -> usize {
        self.left.len().max(self.right.len()) + self.below.len()
    }
}

/// Draws the view.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState) {
    let areas = areas::costs(state);
    chrome::top(ink, state, areas.top);
    title(ink, state, areas.title);
    let glyphs = ink.glyphs;
    let Some((_, _, report)) = &state.costs.shown else {
        let (text, token) = match &state.costs.trouble {
            Some(why) => (why.as_str(), Token::Bad),
            None => ("adding up", Token::Dim),
        };
        ink.put(row(areas.body, 1), 2, text, token);
        chrome::keys(ink, state, areas.keys);
        return;
    };
    let body = lay_out(state, report, glyphs, areas.body.width);
    let top = state.costs.top.min(body.rows().saturating_sub(usize::from(areas.body.height)));
    let beside = body.left.len().max(body.right.len());
    for n in 0..areas.body.height {
        let at = top + usize::from(n);
        let line = row(areas.body, n);
        if at >= beside {
            if let Some(below) = body.below.get(at - beside) {
                below.draw(ink, line);
            }
            continue;
        }
        let width = if body.bar > 0 { body.bar } else { line.width };
        if let Some(left) = body.left.get(at) {
            left.draw(ink, Rect { width, ..line });
        }
        if body.bar > 0 {
            let x = line.x + body.bar + 1;
            let right = Rect { x, width: line.width.saturating_sub(body.bar + 1), ..line };
            if let Some(beside) = body.right.get(at) {
                beside.draw(ink, right);
            }
            ink.bar(line.x + body.bar, line.y, line.y + 1);
        }
    }
    chrome::keys(ink, state, areas.keys);
}

/// How far the view can be scrolled.
pub(super) fn scroll_most(state: &AppState) -> usize {
    let areas = areas::costs(state);
    let Some((_, _, report)) = &state.costs.shown else { return 0 };
    let glyphs = GlyphSet::of(state.looks.glyphs);
    let body = lay_out(state, report, glyphs, areas.body.width);
    body.rows().saturating_sub(usize::from(areas.body.height))
}

/// The name, and what is chosen of what can be.
fn title(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    let chosen = |name: &str, on: bool| if on { format!("[{name}]") } else { name.to_owned() };
    let windows: Vec<String> = CostWindow::ALL
        .into_iter()
        .map(|window| chosen(window.name(), window == state.costs.window))
        .collect();
    let groups: Vec<String> = crate::console::app::CostGroup::ALL
        .into_iter()
        .map(|group| chosen(group.name(), group == state.costs.group))
        .collect();
    let mut right = format!("{} · by {}", windows.join(" "), groups.join(" "));
    if line.width >= BESIDE {
        right.push_str(" · reported by provider unless ~");
    }
    ink.rule(line, &[("COSTS", Token::Strong)], &[(&right, Token::Dim)]);
}

fn lay_out(state: &AppState, report: &CostReport, glyphs: &GlyphSet, width: u16) -> Body {
    let wide = width >= BESIDE;
    let bar = if wide { width * 57 / 100 } else { 0 };
    let left_width = if wide { bar } else { width };
    let right_width = if wide { width - bar - 1 } else { width };
    let mut left = budgets(state, report, glyphs, left_width);
    left.push(Line::blank());
    left.extend(table(state, report, glyphs, left_width));
    let mut right = chart(state, report, glyphs, right_width);
    right.push(Line::blank());
    right.extend(routing(report, right_width));
    let mut below = dearest(state, report, width);
    if !wide {
        let mut under = vec![Line::blank()];
        under.append(&mut right);
        under.append(&mut below);
        below = under;
    }
    Body { left, right, below, bar }
}

// ---- budgets -------------------------------------------------------------------------------

fn budgets(state: &AppState, report: &CostReport, glyphs: &GlyphSet, width: u16) -> Vec<Line> {
    let budget = state.snapshot.as_ref().map(|snapshot| &snapshot.config.budget);
    let day = budget.and_then(|budget| budget.day.as_ref());
    let month = budget.and_then(|budget| budget.month.as_ref());
    let mut lines = vec![
        against("today", report.today, day, glyphs, width),
        against("month", report.month, month, glyphs, width),
    ];
    if let Some(pace) = pace(state, report) {
        let words = format!("{} by midnight", words::about(&words::money(pace)));
        lines.push(Line::Words(vec![from(1, "pace", Token::Dim), from(12, words, Token::Dim)]));
    }
    lines
}

/// What was spent of what may be.
fn against(
    label: &str,
    spent: Cost,
    limit: Option<&BudgetLimit>,
    glyphs: &GlyphSet,
    width: u16,
) -> Line {
    let mut puts = vec![from(1, label, Token::Fg), from(12, words::cost(spent), Token::Strong)];
    if let Some(limit) = limit {
        puts.push(from(21, format!("of {}", words::money(limit.limit)), Token::Dim));
        let share = spent.amount.dollars() / limit.limit.dollars().max(f64::EPSILON);
        let token = match share {
            ..0.8 => Token::Accent,
            ..1.0 => Token::Warn,
            _ => Token::Bad,
        };
        let room = usize::from(width.saturating_sub(32 + 6)).min(BUDGET_BAR);
        let full = ((share * room as f64).round() as usize).min(room);
        puts.push(from(32, glyphs.full.repeat(full), token));
        puts.push(from(32 + full as u16, glyphs.empty.repeat(room - full), Token::Rule));
        puts.push(to(32 + room as u16 + 5, words::percent(share), Token::Dim));
    }
    Line::Words(puts)
}

/// What today comes to if it goes on like this; nothing before a tenth of the day is over.
fn pace(state: &AppState, report: &CostReport) -> Option<Money> {
    let local = state.now.0 + i64::from(state.utc_offset_s) * 1000;
    let gone = local.rem_euclid(DAY_MS);
    let spent = report.today.amount.pico();
    (gone >= DAY_MS / 10 && spent > 0).then(|| {
        let pico = i128::from(spent) * i128::from(DAY_MS) / i128::from(gone);
        Money::from_pico(i64::try_from(pico).unwrap_or(i64::MAX))
    })
}

// ---- the table -----------------------------------------------------------------------------

/// Where the table's columns end.
struct Columns {
    name: usize,
    calls: u16,
    tokens: Option<(u16, u16, u16)>,
    cost: u16,
    share: u16,
}

fn columns(rows: &[CostRow], width: u16) -> Columns {
    let longest = rows.iter().map(|row| text::width(&words::brief(&row.name, 40))).max();
    let fixed = if width >= 64 { 6 + 8 + 7 + 8 + 10 } else { 6 + 10 };
    // The share's bar is worth ten cells; a longer name is worth more.
    let room = usize::from(width.saturating_sub(fixed + 8));
    let name = longest.unwrap_or(0).clamp(8, room.clamp(8, 28));
    let calls = 1 + name as u16 + 6;
    let tokens = (width >= 64).then_some((calls + 8, calls + 15, calls + 23));
    let cost = tokens.map_or(calls, |(_, _, cached)| cached) + 10;
    Columns { name, calls, tokens, cost, share: cost + 2 }
}

fn table(state: &AppState, report: &CostReport, glyphs: &GlyphSet, width: u16) -> Vec<Line> {
    let columns = columns(&report.rows, width);
    let mut head = vec![
        from(1, state.costs.group.name(), Token::Dim),
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
    if report.rows.is_empty() {
        lines.push(Line::Words(vec![from(1, "nothing was spent in these days", Token::Dim)]));
        return lines;
    }
    let total = report.total.cost.amount.dollars();
    for row in report.rows.iter().take(MOST_ROWS) {
        let mut puts = figures(row, &columns);
        let share = if total > 0.0 { row.cost.amount.dollars() / total } else { 0.0 };
        let end = width.saturating_sub(1);
        let room = usize::from(end.saturating_sub(columns.share + 5));
        let full = (share * room as f64).round() as usize;
        puts.push(from(columns.share, glyphs.full.repeat(full.min(room)), Token::Accent));
        if row.cost.amount.pico() > 0 {
            puts.push(to(end, words::percent(share), Token::Dim));
        }
        lines.push(Line::Words(puts));
    }
    let more = report.rows.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        lines.push(Line::Words(vec![from(1, format!("{more} more"), Token::Dim)]));
    }
    if report.lost.calls > 0 {
        let mut puts = figures(&report.lost, &columns);
        let room = usize::from(width.saturating_sub(columns.share + 1));
        let words = ["failed attempts, counted above", "failed attempts", "failed"];
        let words = words.into_iter().find(|words| text::width(words) <= room).unwrap_or("");
        puts.push(from(columns.share, words, Token::Dim));
        lines.push(Line::Words(puts));
    }
    lines.push(Line::Bare);
    lines.push(Line::Words(figures(&report.total, &columns)));
    lines
}

fn figures(row: &CostRow, columns: &Columns) -> Vec<Put> {
    let mut puts = vec![
        from(1, words::brief(&row.name, columns.name), Token::Fg),
        to(columns.calls, words::grouped(row.calls), Token::Dim),
        to(columns.cost, words::cost(row.cost), Token::Fg),
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

// ---- the chart -----------------------------------------------------------------------------

fn chart(state: &AppState, report: &CostReport, glyphs: &GlyphSet, width: u16) -> Vec<Line> {
    let title = match state.costs.window {
        CostWindow::Today => "BY HOUR",
        CostWindow::Week | CostWindow::Month | CostWindow::All => "BY DAY",
    };
    let most = report.series.iter().map(|point| point.amount).max().unwrap_or(Money::ZERO);
    let mut lines = vec![Line::Words(vec![
        from(1, title, Token::Strong),
        to(width.saturating_sub(1), format!("most {}", words::money(most)), Token::Dim),
    ])];
    let room = usize::from(width.saturating_sub(3));
    if most.pico() <= 0 || room < 8 {
        lines.push(Line::Words(vec![from(1, "nothing spent", Token::Dim)]));
        return lines;
    }
    // Each bar as wide as there is room for; of a long time the newest part.
    let count = report.series.len().clamp(1, room);
    let points = &report.series[report.series.len() - count..];
    let pitch = (room / count).clamp(1, 4);
    let bar = pitch.saturating_sub(1).max(1);
    for level in (0..CHART_ROWS).rev() {
        let mut text = String::new();
        for point in points {
            let height = point.amount.dollars() / most.dollars() * (CHART_ROWS * 8) as f64;
            let mut eighths = (height.round() as usize).saturating_sub(level * 8).min(8);
            if level == 0 && point.amount.pico() > 0 {
                eighths = eighths.max(1);
            }
            let cell = if eighths == 0 { " " } else { glyphs.steps[eighths - 1] };
            text.push_str(&cell.repeat(bar));
            text.push_str(&" ".repeat(pitch - bar));
        }
        lines.push(Line::Words(vec![from(2, text, Token::Accent)]));
    }
    // As many labels as do not touch.
    let mut axis = String::new();
    for (n, point) in points.iter().enumerate() {
        let at = n * pitch;
        let used = text::width(&axis);
        if used <= at && at + text::width(&point.label) <= room {
            axis.push_str(&" ".repeat(at - used));
            axis.push_str(&point.label);
            axis.push(' ');
        }
    }
    lines.push(Line::Words(vec![from(2, axis.trim_end(), Token::Dim)]));
    lines
}

// ---- what routing did ----------------------------------------------------------------------

fn routing(report: &CostReport, width: u16) -> Vec<Line> {
    let routing = &report.routing;
    let mut lines = vec![Line::Words(vec![from(1, "WHAT ROUTING DID", Token::Strong)])];
    let label = 24.min(width / 2);
    let mut put = |what: String, amount: String, token: Token| {
        let what = text::ellipsis(&what, usize::from(label) - 3).into_owned();
        let room = usize::from(width.saturating_sub(label + 1));
        let amount = text::ellipsis(&amount, room).into_owned();
        lines.push(Line::Words(vec![from(2, what, Token::Dim), from(label, amount, token)]));
    };
    for other in routing.alternatives.iter().take(MOST_ALTERNATIVES) {
        let name = words::brief(other.model.as_str(), 16);
        put(format!("all on {name}"), words::about(&words::money(other.would)), Token::Fg);
    }
    put("as routed".to_owned(), words::cost(report.total.cost), Token::Strong);
    let saved: Vec<String> = routing
        .alternatives
        .iter()
        .take(MOST_ALTERNATIVES)
        .filter(|other| other.would > other.did)
        .map(|other| {
            let saved = words::money(other.would - other.did);
            format!("{} vs {}", words::about(&saved), words::brief(other.model.as_str(), 12))
        })
        .collect();
    if !saved.is_empty() {
        put("saved".to_owned(), saved.join(", "), Token::Ok);
    }
    if routing.cached > 0 {
        let words = format!(
            "{} in {}",
            words::money(routing.cache_saved),
            words::count(routing.cached as usize, "answer")
        );
        put("answered from cache".to_owned(), words, Token::Ok);
    }
    if routing.prefix_saved.pico() > 0 {
        put("prompts cached".to_owned(), words::money(routing.prefix_saved), Token::Ok);
    }
    lines
}

// ---- the dearest ---------------------------------------------------------------------------

fn dearest(state: &AppState, report: &CostReport, width: u16) -> Vec<Line> {
    if report.dearest.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::Rule { title: "DEAREST", right: String::new() }];
    for dear in &report.dearest {
        let end = width.saturating_sub(1);
        let tokens = format!("{} in {} out", words::tokens(dear.input), words::tokens(dear.output));
        let when = words::ago(state.now, dear.at, state.utc_offset_s);
        let figures = if width >= 76 { format!("{tokens}   {when}") } else { when };
        let prompt_at = 24;
        let room = usize::from(end).saturating_sub(prompt_at + text::width(&figures) + 2);
        lines.push(Line::Words(vec![
            to(9, words::cost(dear.cost), Token::Fg),
            from(11, words::brief(dear.model.as_str(), 12), Token::Fg),
            from(prompt_at as u16, text::ellipsis(&dear.prompt, room), Token::Dim),
            to(end, figures, Token::Dim),
        ]));
    }
    lines
}
