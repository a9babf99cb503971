//! Small things over the view that take no keys of their own: completion, the which-key card, toasts
//! on screens without a notice line, the find field.

use ratatui::layout::{Position, Rect};

use super::areas;
use super::paint::{Ink, inside, row};
use super::{chrome, words};
use crate::console::app::{
    AppState, Completion, CompletionItem, CompletionKind, FindPhase, Focus, Under, View,
};
use crate::console::keys::info;
use crate::console::theme::Token;
use crate::text::{self, Side};

const COMPLETIONS: usize = 8;
/// Rows of a toast; what is longer is cut.
const TOAST_ROWS: usize = 3;

/// What is offered under the caret, above the draft.
pub(super) fn completion(ink: &mut Ink<'_>, state: &AppState, areas: &areas::Chat) {
    let Some(completion) = state.completion.as_ref().filter(|c| !c.items.is_empty()) else {
        return;
    };
    let (area, top) = offers(completion, areas);
    let name = names(completion);
    let title = match completion.kind {
        CompletionKind::Model => "models",
        CompletionKind::Policy => "policies",
        CompletionKind::Command => "commands",
        CompletionKind::Argument => "arguments",
    };
    let count = format!("{}/{}", completion.selected + 1, completion.items.len());
    let body = ink.window(area, title, &count, ("Tab takes it", ""));
    for (n, item) in shown(completion).enumerate() {
        let line = row(body, n as u16);
        let label = text::pad(&text::ellipsis(&item.text, name), name + 2, Side::End);
        let room = usize::from(line.width).saturating_sub(name + 3);
        ink.both(line, 0, &[(&label, Token::Fg), (detail(item, room), Token::Dim)], &[]);
        if top + n == completion.selected {
            ink.over(line, Token::Sel);
        }
    }
}

/// As much of what an offer is as is whole: how a command is written, or else what it does.
fn detail(item: &CompletionItem, room: usize) -> &str {
    let fits = |words: &str| text::width(words) <= room;
    match item.detail.split_once("  ") {
        Some((usage, _)) if !fits(&item.detail) && fits(usage) => usage,
        Some((_, doc)) if !fits(&item.detail) => doc,
        Some(_) | None => &item.detail,
    }
}

/// Cells of the longest name offered, in the window or not: it stays as wide while it scrolls.
fn names(completion: &Completion) -> usize {
    completion.items.iter().map(|item| text::width(&item.text)).max().unwrap_or(0).max(8)
}

fn shown(completion: &Completion) -> impl Iterator<Item = &CompletionItem> {
    completion.items.iter().skip(first(completion)).take(COMPLETIONS)
}

fn first(completion: &Completion) -> usize {
    (completion.selected + 1).saturating_sub(COMPLETIONS)
}

/// Where the offers' window is, and the first of them in it.
fn offers(completion: &Completion, areas: &areas::Chat) -> (Rect, usize) {
    let detail = completion.items.iter().map(|item| text::width(&item.detail)).max().unwrap_or(0);
    let most = usize::from(areas.composer.width.saturating_sub(4));
    let width = (names(completion) + detail + 8).min(most) as u16;
    let height =
        (shown(completion).count() as u16 + 2).min(areas.composer_rule.y.saturating_sub(1));
    let x = areas.composer.x
        + (3 + completion.from as u16).min(areas.composer.width.saturating_sub(width));
    let below = areas.composer_rule.y + 1;
    (Rect::new(x, below - height.min(below), width, height), first(completion))
}

/// The offer here; nothing on the edge of their window, `None` outside it.
pub(super) fn offer_at(state: &AppState, areas: &areas::Chat, at: Position) -> Option<Under> {
    let completion = state.completion.as_ref().filter(|c| !c.items.is_empty())?;
    let (area, top) = offers(completion, areas);
    let rows = inside(area);
    let offer = top + usize::from(at.y.saturating_sub(rows.y));
    match (area.contains(at), rows.contains(at) && offer < completion.items.len()) {
        (false, _) => None,
        (true, false) => Some(Under::Nothing),
        (true, true) => Some(Under::Offer(offer)),
    }
}

/// What can follow the first key of a chord.
pub(super) fn which_key(ink: &mut Ink<'_>, state: &AppState, screen: Rect) {
    let Some(first) = state.pending else { return };
    let following = state.keymap.following(state.contexts(), first);
    if following.is_empty() {
        return;
    }
    let width = 34.min(screen.width.saturating_sub(2));
    let height = (following.len() as u16 + 2).min(screen.height.saturating_sub(3));
    let area = Rect::new(screen.right() - width - 1, screen.bottom() - height - 1, width, height);
    let title = ink.glyphs.key(first.short());
    let inside = ink.window(area, &title, "then", ("Esc forgets it", ""));
    for (n, (chord, action)) in following.iter().take(usize::from(inside.height)).enumerate() {
        let key = text::pad(&ink.glyphs.key(chord.short()), 7, Side::End);
        let line = row(inside, n as u16);
        ink.both(line, 0, &[(&key, Token::Accent), (info(*action).doc, Token::Fg)], &[]);
    }
}

/// A toast where there is no line for it: over the rows above this one, whose words would only mix
/// with it.
pub(super) fn toast(ink: &mut Ink<'_>, state: &AppState, screen: Rect, above: u16) {
    let Some(toast) = &state.toast else { return };
    // A path or a reason is worth more than the rows under it.
    let room = usize::from(screen.width.saturating_sub(6)).max(1);
    let mut lines: Vec<String> =
        text::wrap_text(&toast.text, room, text::Role::Body).iter().map(text::Line::text).collect();
    if lines.len() > TOAST_ROWS {
        let rest = lines.split_off(TOAST_ROWS - 1).join(" ");
        lines.push(text::ellipsis(&rest, room).into_owned());
    }
    let width = lines.iter().map(|line| text::width(line)).max().unwrap_or(0) as u16 + 2;
    let height = (lines.len() as u16).min(above.saturating_sub(screen.y));
    let top = above - height;
    ink.clear(Rect { y: top, height, ..screen });
    let area = Rect::new(screen.right().saturating_sub(width + 1), top, width, height);
    for (n, line) in lines.iter().take(usize::from(height)).enumerate() {
        ink.put(row(area, n as u16), 1, line, chrome::tone_token(toast.tone));
    }
}

/// The find field, in place of the preview line; returns the caret while it is typed.
pub(super) fn find(ink: &mut Ink<'_>, state: &AppState, line: Rect) -> Option<Position> {
    let find = state.transcript.find.as_ref()?;
    if line.height == 0 || state.view != View::Chat {
        return None;
    }
    ink.clear(line);
    let (before, after) = find.query.split();
    let x = ink.puts(line, 3, &[("find ", Token::Accent), (before, Token::Fg)]);
    ink.put(line, x, after, Token::Fg);
    let facts = if find.query.text().is_empty() {
        String::new()
    } else if find.hits.is_empty() {
        "nothing found".to_owned()
    } else {
        format!("{} of {}", find.at + 1, words::count(find.hits.len(), "hit"))
    };
    ink.right(line, line.width.saturating_sub(1), &[(&facts, Token::Dim)]);
    (find.phase == FindPhase::Typing && state.focus != Focus::Composer)
        .then(|| Position::new(line.x + x, line.y))
}
