//! The Costs view: what was spent, by whom, when, and what routing did about it.
//!
//! Owns: the order of its parts and their columns. Must not know: where the figures come from.
//! Invariant: a forecast or what is converted carries `~`, what was spent and is not exact `≥`; drawing
//! and scrolling lay out the same lines.

mod bars;
mod chart;
mod dearest;
mod guards;
mod table;

use ratatui::layout::{Position, Rect};

use super::paint::{Ink, row};
use super::words::{self, Amounts};
use super::{areas, chrome};
use crate::console::app::{
    AppState, CostGroup, CostItem, CostReport, CostWindow, FilterPhase, Focus,
};
use crate::console::theme::{GlyphSet, Token};
use crate::domain::Denomination;
use crate::text;

/// From so many columns the chart stands beside the table.
const BESIDE: u16 = 100;
/// Models whose price for everything is shown.
const MOST_ALTERNATIVES: usize = 3;

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
    /// Words that can be opened.
    Item(CostItem, Vec<Put>),
    Rule {
        title: &'static str,
        right: String,
    },
    Bare,
}

impl Line {
    fn blank() -> Self {
        Self::Words(Vec::new())
    }

    fn draw(&self, ink: &mut Ink<'_>, area: Rect) {
        match self {
            Self::Words(puts) | Self::Item(_, puts) => {
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
        self.beside() + self.below.len()
    }

    /// Lines that stand side by side.
    fn beside(&self) -> usize {
        self.left.len().max(self.right.len())
    }

    /// What can be opened, and the line it stands on.
    fn items(&self) -> impl Iterator<Item = (CostItem, usize)> {
        let left = self.left.iter().enumerate();
        let below = (self.beside()..).zip(&self.below);
        left.chain(below).filter_map(|(at, line)| match line {
            Line::Item(item, _) => Some((*item, at)),
            Line::Words(_) | Line::Rule { .. } | Line::Bare => None,
        })
    }
}

/// Draws the view; returns the caret while a filter is typed.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState) -> Option<Position> {
    let areas = areas::costs(state);
    chrome::top(ink, state, areas.top);
    let caret = title(ink, state, areas.title);
    let glyphs = ink.glyphs;
    let Some((_, group, report)) = &state.costs.shown else {
        let (text, token) = match &state.costs.trouble {
            Some(why) => (why.as_str(), Token::Bad),
            None => ("adding up", Token::Dim),
        };
        ink.put(row(areas.body, 1), 2, text, token);
        chrome::keys(ink, state, areas.keys);
        return caret;
    };
    let body = lay_out(state, (*group, report), glyphs, areas.body.width);
    let top = state.costs.top.min(body.rows().saturating_sub(usize::from(areas.body.height)));
    let beside = body.beside();
    for n in 0..areas.body.height {
        let at = top + usize::from(n);
        let line = row(areas.body, n);
        if at >= beside {
            if let Some(below) = body.below.get(at - beside) {
                below.draw(ink, line);
                mark(ink, state, below, line);
            }
            continue;
        }
        let width = if body.bar > 0 { body.bar } else { line.width };
        if let Some(left) = body.left.get(at) {
            left.draw(ink, Rect { width, ..line });
            mark(ink, state, left, Rect { width, ..line });
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
    caret
}

/// Marks the line that Enter opens.
fn mark(ink: &mut Ink<'_>, state: &AppState, line: &Line, area: Rect) {
    let Line::Item(item, _) = line else { return };
    if state.costs.chosen != Some(*item) {
        return;
    }
    ink.put(area, 0, ink.glyphs.pick, Token::Accent);
    if state.focus == Focus::List {
        let rest = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        ink.over(rest, Token::Sel);
    }
}

/// What the body comes to, for moving in it.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// Lines it can be scrolled by.
    pub(super) scroll_most: usize,
    /// What can be opened, and the line it stands on.
    pub(super) items: Vec<(CostItem, usize)>,
}

/// How far the view can be scrolled, and what can be opened in it.
pub(super) fn extent(state: &AppState) -> Extent {
    let areas = areas::costs(state);
    let Some((_, group, report)) = &state.costs.shown else { return Extent::default() };
    let glyphs = GlyphSet::of(state.looks.glyphs);
    let body = lay_out(state, (*group, report), glyphs, areas.body.width);
    let scroll_most = body.rows().saturating_sub(usize::from(areas.body.height));
    Extent { scroll_most, items: body.items().collect() }
}

/// What can be opened on a row of the body.
pub(super) fn item_at(state: &AppState, area: Rect, n: u16) -> Option<CostItem> {
    let Extent { scroll_most, items } = extent(state);
    let at = state.costs.top.min(scroll_most) + usize::from(n);
    (n < area.height)
        .then(|| items.into_iter().find(|(_, line)| *line == at))?
        .map(|(item, _)| item)
}

/// Cells of a filter that is not being typed.
const FILTER_CELLS: usize = 24;

/// The name, what is chosen of what can be, and the filter; returns the caret while that is typed.
fn title(ink: &mut Ink<'_>, state: &AppState, line: Rect) -> Option<Position> {
    let matched = matched(state);
    if state.costs.filter.phase == FilterPhase::Typing {
        return Some(typing(ink, state, line, &matched));
    }
    let chosen = |name: &str, on: bool| if on { format!("[{name}]") } else { name.to_owned() };
    let windows: Vec<String> = CostWindow::ALL
        .into_iter()
        .map(|window| chosen(window.name(), window == state.costs.window))
        .collect();
    let groups: Vec<String> = CostGroup::ALL
        .into_iter()
        .map(|group| chosen(group.name(), group == state.costs.group))
        .collect();
    let mut right = format!("{} · by {}", windows.join(" "), groups.join(" "));
    let filter = text::ellipsis(state.costs_filter(), FILTER_CELLS).into_owned();
    let filter = if filter.is_empty() { filter } else { format!(" /{filter}") };
    if line.width >= BESIDE {
        let source = match (rate(state), filter.is_empty()) {
            (Some(rate), _) => format!(" · {rate}"),
            (None, true) => {
                let mark = words::at_least_mark(state.looks.glyphs);
                format!(" · reported by provider unless {mark}")
            }
            (None, false) => String::new(),
        };
        right.push_str(&source);
    } else if !filter.is_empty() || state.denomination() != Denomination::Dollars {
        // What is chosen is enough where there is little room.
        let (window, group) = (state.costs.window.name(), state.costs.group.name());
        right = match state.denomination() {
            Denomination::Dollars => format!("{window} · by {group}"),
            Denomination::At(currency, _) => format!("in {currency} · {window} · by {group}"),
        };
    }
    let left = [
        ("COSTS", Token::Strong),
        (filter.as_str(), Token::Accent),
        (matched.as_str(), Token::Dim),
    ];
    ink.rule(line, &left, &[(&right, Token::Dim)]);
    None
}

/// The line in which a filter is typed, with what it leaves at its end.
fn typing(ink: &mut Ink<'_>, state: &AppState, line: Rect, matched: &str) -> Position {
    ink.line(line);
    let end = line.width.saturating_sub(1);
    let stop = ink.right(line, end, &[(matched, Token::Dim), (" ", Token::Fg)]);
    let (before, after) = state.costs.filter.query.split();
    let at = ink.puts(line, 2, &[(" COSTS", Token::Strong), (" /", Token::Accent)]);
    // The caret stays in sight: of what is before it, the end is shown.
    let room = usize::from(stop.saturating_sub(at + 2));
    let before = text::clip_end(before, room);
    let x = ink.put(line, at, before, Token::Fg);
    let after = text::clip(after, room.saturating_sub(text::width(before)));
    ink.puts(line, x, &[(after, Token::Fg), (" ", Token::Fg)]);
    Position::new(line.x + x, line.y)
}

/// ` 2 of 5`, of the rows; nothing without a filter.
fn matched(state: &AppState) -> String {
    match (&state.costs.narrowed, &state.costs.shown) {
        (Some(narrowed), Some((_, _, report))) => {
            let all = words::grouped(report.rows.len() as u64);
            let cut = if report.cut { " dearest" } else { "" };
            format!(" {} of {all}{cut}", words::grouped(narrowed.rows.len() as u64))
        }
        _ => String::new(),
    }
}

/// `$1 is 7.12 CNY, 2026-11-20`; nothing for dollars.
fn rate(state: &AppState) -> Option<String> {
    let Denomination::At(currency, rate) = state.denomination() else { return None };
    let as_of = state.snapshot.as_ref()?.config.currency.as_of.as_deref();
    let since = as_of.map_or(String::new(), |day| format!(", {day}"));
    Some(format!("$1 is {rate} {currency}{since}"))
}

fn lay_out(
    state: &AppState,
    (group, report): (CostGroup, &CostReport),
    glyphs: &GlyphSet,
    width: u16,
) -> Body {
    let wide = width >= BESIDE;
    let bar = if wide { width * 57 / 100 } else { 0 };
    let left_width = if wide { bar } else { width };
    let right_width = if wide { width - bar - 1 } else { width };
    let money = Amounts::of(state);
    let mut left = bars::lines(state, report, glyphs, left_width);
    left.push(Line::blank());
    let narrowed = state.costs.narrowed.as_ref();
    let kept = !bars::keeps_nothing(state);
    left.extend(table::lines(
        &table::Table { report, narrowed, group, money, kept },
        glyphs,
        left_width,
    ));
    let mut right = chart::lines(state, report, glyphs, right_width);
    right.push(Line::blank());
    right.extend(routing((report, narrowed.is_some()), money, right_width));
    let mut below = dearest::lines(state, report, width);
    below.extend(guards::lines(state, width));
    if !wide {
        let mut under = vec![Line::blank()];
        under.append(&mut right);
        under.append(&mut below);
        below = under;
    }
    Body { left, right, below, bar }
}

// ---- what routing did ----------------------------------------------------------------------

fn routing((report, narrowed): (&CostReport, bool), money: Amounts, width: u16) -> Vec<Line> {
    let routing = &report.routing;
    let title = if narrowed { "WHAT ROUTING DID, ALL ROWS" } else { "WHAT ROUTING DID" };
    let mut lines = vec![Line::Words(vec![from(1, title, Token::Strong)])];
    let label = 24.min(width / 2);
    let mut put = |what: String, amount: String, token: Token| {
        let what = text::ellipsis(&what, usize::from(label) - 3).into_owned();
        let room = usize::from(width.saturating_sub(label + 1));
        let amount = text::ellipsis(&amount, room).into_owned();
        lines.push(Line::Words(vec![from(2, what, Token::Dim), from(label, amount, token)]));
    };
    // All of it is about the same answers: the sums above hold more, such as what failed.
    let answers = |n: u64| {
        if n == routing.compared { String::new() } else { format!(" for {n} of them") }
    };
    for other in routing.alternatives.iter().take(MOST_ALTERNATIVES) {
        let name = words::brief(other.model.as_str(), 16);
        let would = words::about(&money.brief(other.would));
        put(format!("all on {name}"), would + &answers(other.requests), Token::Fg);
    }
    if routing.compared > 0 {
        let (n, of) = (routing.compared, routing.requests);
        let words = format!("{} for {n} of {of} asked", money.brief(routing.spent));
        put("as routed".to_owned(), words, Token::Strong);
    }
    let saved = routing.alternatives.iter().take(MOST_ALTERNATIVES);
    let mut label = "saved";
    for other in saved.filter(|other| other.would > other.did) {
        // Not what the panel of the chat says: that is of this run, by the tokens replies really took.
        let saved = words::about(&money.brief(other.would - other.did));
        let name = words::brief(other.model.as_str(), 12);
        put(label.to_owned(), format!("{saved} vs {name}"), Token::Ok);
        label = "";
    }
    let unanswered = routing.requests.saturating_sub(routing.answered);
    let other = routing.answered.saturating_sub(routing.cached).saturating_sub(routing.compared);
    let out = [
        (unanswered, "not answered"),
        (routing.cached, "from the cache"),
        (other, "pinned or inexact"),
    ];
    let mut label = "left out";
    for (n, words) in out.into_iter().filter(|(n, _)| *n > 0) {
        put(label.to_owned(), format!("{n} {words}"), Token::Dim);
        label = "";
    }
    if routing.cached > 0 {
        let words = format!(
            "{} in {}",
            money.in_full(routing.cache_saved),
            words::count(routing.cached as usize, "answer")
        );
        put("answered from cache".to_owned(), words, Token::Ok);
    }
    if routing.prefix_saved.pico() > 0 {
        put("prompts cached".to_owned(), money.brief(routing.prefix_saved), Token::Ok);
    }
    lines
}

#[cfg(test)]
mod tests;
