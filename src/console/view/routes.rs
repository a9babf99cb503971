//! The Routes view: the log, and why the selected entry went where it did.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::areas;
use super::case::Case;
use super::paint::{Ink, row};
use super::{chrome, reply, why, words};
use crate::console::app::{AppState, FilterPhase, Focus, Follow};
use crate::console::theme::Token;
use crate::engine::LogEntry;
use crate::text::{self, Side};

/// Which of the shown entries is selected.
fn selected(state: &AppState, entries: &[Arc<LogEntry>]) -> usize {
    match state.routes.follow {
        Follow::Newest => 0,
        Follow::Selected(request) => {
            entries.iter().position(|entry| entry.request == request).unwrap_or(0)
        }
    }
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState) -> Option<Position> {
    let areas = areas::routes(state);
    chrome::top(ink, state, areas.top);
    let entries = state.routes_entries();
    let selected = selected(state, &entries);
    let mut caret = None;
    if areas.title.height > 0 {
        caret = title(ink, state, &entries, areas.title);
    }
    if areas.list.height > 0 {
        list(ink, state, &entries, selected, areas.head, areas.list);
    }
    if areas.bar > 0 {
        ink.bar(areas.bar, areas.title.y, areas.keys.y);
    }
    if areas.detail_title.height > 0 {
        match entries.get(selected) {
            Some(entry) => why::draw(ink, state, entry, areas.detail_title, areas.detail),
            None => ink.line(areas.detail_title),
        }
    }
    chrome::keys(ink, state, areas.keys);
    caret
}

fn title(
    ink: &mut Ink<'_>,
    state: &AppState,
    entries: &[Arc<LogEntry>],
    line: Rect,
) -> Option<Position> {
    let filter = &state.routes.filter;
    if filter.phase == FilterPhase::Typing {
        ink.line(line);
        let (before, after) = filter.query.split();
        let x = ink.puts(line, 2, &[(" / ", Token::Accent), (before, Token::Fg)]);
        ink.puts(line, x, &[(after, Token::Fg), (" ", Token::Fg)]);
        return Some(Position::new(line.x + x, line.y));
    }
    let of_another = state.routes.kept.as_ref();
    let entries: Vec<&Arc<LogEntry>> = entries
        .iter()
        .filter(|entry| !of_another.is_some_and(|kept| Arc::ptr_eq(kept, entry)))
        .collect();
    let mut facts = vec![format!("{} this run", entries.len())];
    let yours = entries.iter().filter(|e| e.decision.imposed.is_some()).count();
    let fell = entries
        .iter()
        .filter(|e| Case::of_entry(state, e).mark() == crate::console::app::RouteMark::FellBack)
        .count();
    if line.width >= 76 {
        facts.push(format!("{} auto", entries.len() - yours));
        if yours > 0 {
            facts.push(format!("{yours} yours"));
        }
        if fell > 0 {
            facts.push(format!("{fell} fell back"));
        }
    }
    if filter.phase == FilterPhase::On {
        facts.push(format!("filter {}", filter.query.text()));
    }
    facts.push(
        match (&state.routes.frozen, state.routes.follow) {
            (Some(_), _) => "frozen",
            (None, Follow::Newest) => "following",
            (None, Follow::Selected(_)) => "holding",
        }
        .to_owned(),
    );
    ink.rule(line, &[("ROUTES", Token::Strong)], &[(&facts.join(" · "), Token::Dim)]);
    None
}

/// Columns of the list at a width.
struct Columns {
    model: u16,
    provider: u16,
    reason: u16,
    figures: bool,
    prompt: u16,
}

fn columns(width: u16) -> Columns {
    match width {
        ..60 => Columns {
            model: 10,
            provider: 0,
            reason: width.saturating_sub(34),
            figures: false,
            prompt: 0,
        },
        60..110 => Columns {
            model: 15,
            provider: 0,
            reason: width.saturating_sub(46),
            figures: false,
            prompt: 0,
        },
        _ => {
            let spare = width - 110;
            let reason = 29 + spare / 3;
            Columns {
                model: 16,
                provider: 11,
                reason,
                figures: true,
                prompt: width.saturating_sub(71 + reason),
            }
        }
    }
}

fn list(
    ink: &mut Ink<'_>,
    state: &AppState,
    entries: &[Arc<LogEntry>],
    selected: usize,
    head: Rect,
    area: Rect,
) {
    let cols = columns(area.width);
    let mut x = 1 + 11;
    ink.put(head, 1, "time", Token::Dim);
    ink.put(head, x, "model", Token::Dim);
    x += cols.model;
    if cols.provider > 0 {
        ink.put(head, x, "provider", Token::Dim);
        x += cols.provider;
    }
    ink.put(head, x, "reason", Token::Dim);
    x += cols.reason + 1;
    ink.right(head, x + 6, &[("TTFT", Token::Dim)]);
    x += 7;
    if cols.figures {
        ink.right(head, x + 9, &[("in/out", Token::Dim)]);
        x += 10;
    }
    ink.right(head, x + 9, &[("cost", Token::Dim)]);
    if cols.prompt > 0 {
        ink.put(head, x + 12, "prompt", Token::Dim);
    }
    if entries.is_empty() {
        let words = if state.routes.filter.phase == FilterPhase::Off {
            "Nothing was asked yet. Every decision will be listed here, with its reasons."
        } else {
            "Nothing matches the filter."
        };
        ink.put(row(area, 1), 1, words, Token::Dim);
        return;
    }
    let rows = usize::from(area.height);
    let top = first_shown(state, selected, area);
    for (n, entry) in entries.iter().skip(top).take(rows).enumerate() {
        let line = row(area, n as u16);
        entry_row(ink, state, entry, &cols, line);
        if top + n == selected {
            ink.put(line, 0, ink.glyphs.pick, Token::Accent);
            if state.focus == Focus::List {
                ink.over(
                    Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line },
                    Token::Sel,
                );
            }
        }
    }
}

/// The first entry on screen. The selection always is, wherever the list was scrolled to.
fn first_shown(state: &AppState, selected: usize, area: Rect) -> usize {
    let rows = usize::from(area.height);
    state.routes.top.min(selected).max((selected + 1).saturating_sub(rows))
}

/// The entry on this row of the list.
pub(super) fn entry_at(state: &AppState, area: Rect, row: u16) -> Option<usize> {
    let entries = state.routes_entries();
    let top = first_shown(state, selected(state, &entries), area);
    Some(top + usize::from(row)).filter(|at| *at < entries.len())
}

fn entry_row(ink: &mut Ink<'_>, state: &AppState, entry: &LogEntry, cols: &Columns, line: Rect) {
    let case = Case::of_entry(state, entry);
    let (model, provider) = case.answerer();
    let mark = case.mark();
    let at = words::clock_s(entry.at, state.utc_offset_s);
    let glyph = format!(" {} ", ink.glyphs.mark(mark));
    let fit = |value: &str, cells: u16| {
        let cells = usize::from(cells);
        text::pad(&words::brief(value, cells.saturating_sub(1)), cells, Side::End)
    };
    let mut x = ink.puts(
        line,
        1,
        &[
            (&at, Token::Dim),
            (&glyph, reply::mark_token(mark)),
            (&fit(model, cols.model), Token::Fg),
        ],
    );
    if cols.provider > 0 {
        x = ink.put(line, x, &fit(provider, cols.provider), Token::Dim);
    }
    let reason = words::reason_in(&case.reason(), usize::from(cols.reason));
    let token = if case.failed() { Token::Bad } else { Token::Dim };
    x = ink.put(line, x, &fit(&reason, cols.reason + 1), token);
    let outcome = entry.outcome.as_ref();
    let ttft = match outcome {
        None => "live".to_owned(),
        Some(outcome) => outcome.wait_ms.map_or("---".to_owned(), words::bare_seconds),
    };
    ink.right(line, x + 6, &[(&ttft, if outcome.is_none() { Token::Ok } else { Token::Fg })]);
    x += 7;
    if cols.figures {
        let tokens = outcome.map_or(String::new(), |outcome| {
            format!(
                "{}/{}",
                words::tokens(outcome.usage.input),
                words::tokens(outcome.usage.output)
            )
        });
        ink.right(line, x + 9, &[(&tokens, Token::Dim)]);
        x += 10;
    }
    let cost = match outcome {
        None => String::new(),
        Some(outcome) => words::tight_cost(outcome.cost, state.looks.glyphs),
    };
    ink.right(line, x + 9, &[(&cost, Token::Fg)]);
    if cols.prompt > 0 {
        let room = usize::from(line.width.saturating_sub(x + 13));
        ink.put(line, x + 12, &text::ellipsis(&entry.prompt, room), Token::Dim);
    }
}
