//! Reading: scrolling, choosing a message, finding, copying.

use std::fmt::Write as _;

use crossterm::event::KeyCode;

use crate::console::keys::Chord;

use super::super::{
    AppState, Cell, Effect, Find, FindPhase, Focus, LineInput, Scroll, Tone, View, blocks,
};
use super::{Effects, notes};

/// Lines kept in sight above a cell that was jumped to.
const CONTEXT_LINES: usize = 1;

/// Scrolls what is focused by lines.
pub(super) fn scroll(state: &mut AppState, lines: isize) {
    let geometry = state.geometry();
    match (state.view, state.focus) {
        (View::Chat, _) => {}
        (View::Routes, Focus::Detail) => return super::routes::scroll_detail(state, lines),
        (View::Routes, _) => return super::routes::step(state, lines),
        (View::Costs, _) => return super::costs::scroll(state, lines),
    }
    let transcript = &mut state.transcript;
    transcript.scroll = transcript.scroll.by(&transcript.layout, geometry.transcript_rows, lines);
    keep_selection_in_sight(state);
}

/// Rows a page is: one is kept, so that the eye finds its place.
pub(super) fn page(state: &AppState) -> isize {
    let geometry = state.geometry();
    let rows = match (state.view, state.focus) {
        (View::Chat, _) => geometry.transcript_rows,
        (View::Routes, Focus::Detail) => geometry.detail_rows,
        (View::Routes | View::Costs, _) => geometry.list_rows,
    };
    (rows as isize - 1).max(1)
}

/// To the very beginning.
pub(super) fn top(state: &mut AppState) {
    scroll(state, isize::MIN / 2);
}

/// To the end, following it.
pub(super) fn bottom(state: &mut AppState) {
    scroll(state, isize::MAX / 2);
}

/// The cells that can be chosen.
fn choosable(cell: &Cell) -> bool {
    matches!(cell, Cell::User(_) | Cell::Reply(_))
}

/// Goes from writing to reading, on the newest message in sight.
pub(super) fn enter(state: &mut AppState) {
    state.focus = Focus::Read;
    if state.transcript.selected.is_none() {
        state.transcript.selected = state.transcript.cells.iter().rposition(choosable);
    }
    keep_selection_in_sight(state);
}

/// Goes to reading, on this message.
pub(super) fn choose(state: &mut AppState, cell: usize) {
    if state.transcript.cells.get(cell).is_some_and(choosable) {
        state.focus = Focus::Read;
        state.transcript.selected = Some(cell);
    }
}

/// After scrolling: the chosen message is one that shows.
fn keep_selection_in_sight(state: &mut AppState) {
    let rows = state.geometry().transcript_rows;
    let transcript = &mut state.transcript;
    let Some(selected) = transcript.selected else { return };
    let first = transcript.scroll.top(&transcript.layout, rows);
    let last = (first + usize::from(rows)).saturating_sub(1);
    let (low, high) = (transcript.layout.locate(first).0, transcript.layout.locate(last).0);
    let wanted = selected.clamp(low, high);
    if wanted == selected {
        return;
    }
    let near = if wanted > selected {
        (wanted..=high).find(|index| transcript.cells.get(*index).is_some_and(choosable))
    } else {
        (low..=wanted).rev().find(|index| transcript.cells.get(*index).is_some_and(choosable))
    };
    if near.is_some() {
        transcript.selected = near;
    }
}

/// Shows a cell's line, moving as little as needed.
fn reveal(state: &mut AppState, cell: usize, line: usize) {
    let rows = state.geometry().transcript_rows;
    let transcript = &mut state.transcript;
    let at = transcript.layout.top_of(cell) + line;
    let first = transcript.scroll.top(&transcript.layout, rows);
    if at < first || at >= first + usize::from(rows) {
        let to = at.saturating_sub(CONTEXT_LINES);
        transcript.scroll = transcript.scroll.to(&transcript.layout, rows, to);
    }
}

/// Chooses the next or previous message.
pub(super) fn step_message(state: &mut AppState, step: isize) {
    let cells = &state.transcript.cells;
    let from = state.transcript.selected.unwrap_or(cells.len());
    let next = if step < 0 {
        cells.iter().take(from).rposition(choosable)
    } else {
        cells.iter().skip(from + 1).position(choosable).map(|offset| from + 1 + offset)
    };
    if let Some(next) = next {
        state.transcript.selected = Some(next);
        reveal(state, next, 0);
    }
}

/// The message keys act on: the chosen one, else the newest reply.
pub(super) fn target(state: &AppState) -> Option<usize> {
    let chosen = state.transcript.selected.filter(|_| state.focus == Focus::Read);
    chosen.or_else(|| state.last_reply().map(|(index, _)| index))
}

/// The user's cell a message belongs to: itself, or the one it answers.
pub(super) fn question_of(state: &AppState, cell: usize) -> Option<usize> {
    match state.transcript.cells.get(cell)? {
        Cell::User(_) => Some(cell),
        Cell::Reply(reply) => Some(reply.answers),
        Cell::Note(_) => None,
    }
}

/// What a cell says, as text to copy.
fn text_of(cell: &Cell) -> &str {
    match cell {
        Cell::User(user) => &user.text,
        Cell::Reply(reply) => &reply.reply.text,
        Cell::Note(note) => &note.text,
    }
}

fn copy(state: &mut AppState, fx: &mut Effects, text: String) {
    if text.is_empty() {
        notes::toast(state, Tone::Info, "nothing to copy");
    } else {
        fx.push(Effect::Copy(text));
    }
}

/// Copies the newest reply.
pub(super) fn copy_reply(state: &mut AppState, fx: &mut Effects) {
    let text = state.last_reply().map(|(_, reply)| reply.reply.text.clone()).unwrap_or_default();
    copy(state, fx, text);
}

/// Copies the chosen message.
pub(super) fn copy_message(state: &mut AppState, fx: &mut Effects) {
    let text = target(state)
        .and_then(|index| state.transcript.cells.get(index))
        .map(|cell| text_of(cell).to_owned())
        .unwrap_or_default();
    copy(state, fx, text);
}

/// Copies the newest code block that bears this label.
pub(super) fn copy_block(state: &mut AppState, fx: &mut Effects, label: u8) {
    let found = state.transcript.cells.iter().rev().find_map(|cell| match cell {
        Cell::Reply(reply) => blocks(reply)
            .into_iter()
            .enumerate()
            .rev()
            .find(|(n, _)| reply.block_label(*n) == label)
            .map(|(_, block)| block),
        Cell::User(_) | Cell::Note(_) => None,
    });
    match found {
        Some(text) => copy(state, fx, text),
        None => notes::toast(state, Tone::Info, format!("no code block {label}")),
    }
}

/// Copies the whole chat as Markdown.
pub(super) fn copy_all(state: &mut AppState, fx: &mut Effects) {
    let mut out = String::new();
    for cell in &state.transcript.cells {
        let who = match cell {
            Cell::User(_) => "you".to_owned(),
            Cell::Reply(reply) => reply.model().map_or_else(
                || "no answer".to_owned(),
                |(model, provider)| format!("{model} · {provider}"),
            ),
            Cell::Note(_) => continue,
        };
        let _ = write!(out, "**{who}**\n\n{}\n\n", text_of(cell).trim_end());
    }
    copy(state, fx, out);
}

/// Opens the line that finds.
pub(super) fn find(state: &mut AppState) {
    enter(state);
    state.transcript.find = Some(Find {
        query: LineInput::default(),
        phase: FindPhase::Typing,
        hits: Vec::new(),
        at: 0,
    });
}

/// Another text is looked for: the nearest hit at or after the top line.
pub(super) fn find_changed(state: &mut AppState) {
    let rows = state.geometry().transcript_rows;
    let transcript = &mut state.transcript;
    let Some(find) = &mut transcript.find else { return };
    find.hits = transcript.layout.find(&transcript.cells, find.query.text());
    let first = transcript.scroll.top(&transcript.layout, rows);
    let layout = &transcript.layout;
    find.at = find
        .hits
        .iter()
        .position(|(cell, line)| layout.top_of(*cell) + line >= first)
        .unwrap_or(find.hits.len().saturating_sub(1));
    show_hit(state);
}

fn show_hit(state: &mut AppState) {
    let hit = state.transcript.find.as_ref().and_then(|find| find.hits.get(find.at).copied());
    if let Some((cell, line)) = hit {
        state.transcript.selected = Some(cell);
        reveal(state, cell, line);
    }
}

/// The next or previous hit, round and round.
pub(super) fn find_step(state: &mut AppState, step: isize) {
    let transcript = &mut state.transcript;
    let Some(find) = &mut transcript.find else {
        self::find(state);
        return;
    };
    // Text may have come since.
    find.hits = transcript.layout.find(&transcript.cells, find.query.text());
    if find.hits.is_empty() {
        notes::toast(state, Tone::Info, "not found");
        return;
    }
    let count = find.hits.len() as isize;
    find.at = (find.at as isize + step).rem_euclid(count) as usize;
    show_hit(state);
}

/// Keys of the line that finds. `true` when it took one.
pub(super) fn find_key(state: &mut AppState, key: Chord) -> bool {
    let Some(find) = &mut state.transcript.find else { return false };
    if find.phase != FindPhase::Typing || state.overlay.is_some() {
        return false;
    }
    match key.code {
        KeyCode::Enter if find.query.text().is_empty() => state.transcript.find = None,
        KeyCode::Enter => {
            find.phase = FindPhase::Walking;
            if find.hits.is_empty() {
                notes::toast(state, Tone::Info, "not found");
            }
        }
        KeyCode::Esc => state.transcript.find = None,
        KeyCode::Down => find_step(state, 1),
        KeyCode::Up => find_step(state, -1),
        _ => return false,
    }
    true
}

/// Enter on a message: why it was answered so; on a question, edit it.
pub(super) fn open(state: &mut AppState, fx: &mut Effects) {
    let Some(cell) = target(state) else { return };
    match state.transcript.cells.get(cell) {
        Some(Cell::Reply(reply)) => {
            let request = reply.routed_as();
            super::routes::show(state, fx, request);
        }
        Some(Cell::User(_)) => super::send::edit(state, cell),
        Some(Cell::Note(_)) | None => {}
    }
}

/// The scroll that shows a cell's top.
pub(super) fn go_to(state: &mut AppState, cell: usize) {
    let rows = state.geometry().transcript_rows;
    let transcript = &mut state.transcript;
    let top = transcript.layout.top_of(cell).saturating_sub(CONTEXT_LINES);
    transcript.scroll = Scroll::Follow.to(&transcript.layout, rows, top);
    transcript.selected = Some(cell);
}
