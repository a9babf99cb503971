//! The draft: its rows, the caret, and the line that says where it would go.
//!
//! Invariant: the caret this returns is where the next character appears, to the cell, whatever the
//! draft holds.

use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::paint::{Ink, Piece, row};
use super::{areas, words};
use crate::console::app::{AppState, Focus, QueuePhase};
use crate::console::composer::behind_tags;
use crate::console::keys::Action;
use crate::console::theme::Token;
use crate::domain::Candidate;
use crate::text;

/// A row of the wrapped draft: which line, and which bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrapped {
    line: usize,
    from: usize,
    to: usize,
}

/// Wraps one line at spaces where there are any, else between graphemes.
fn wrap(line: usize, source: &str, cols: usize, out: &mut Vec<Wrapped>) {
    let (mut from, mut used, mut space) = (0, 0, None);
    let mut at = 0;
    for (grapheme, cells) in text::graphemes(source) {
        if used + cells > cols {
            // A space that does not fit stays at the end of its row, out of sight.
            let to = if grapheme == " " { at } else { space.unwrap_or(at) };
            let to = if to <= from { at } else { to };
            out.push(Wrapped { line, from, to });
            from = to;
            used = text::width(&source[from..at]);
            space = None;
        }
        used += cells;
        at += grapheme.len();
        if grapheme == " " {
            space = Some(at);
        }
    }
    out.push(Wrapped { line, from, to: source.len() });
}

fn wrapped(lines: &[String], cols: u16, chip: usize) -> Vec<Wrapped> {
    let mut out = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        wrap(index, line, usize::from(cols).saturating_sub(chip).max(8), &mut out);
    }
    out
}

/// The chip's cells, the space behind it included.
fn chip_cells(state: &AppState) -> usize {
    state.composer.chip.as_ref().map_or(0, |chip| text::width(chip.as_str()) + 2)
}

/// Rows the draft needs at this width.
pub(super) fn rows(state: &AppState, cols: u16) -> u16 {
    let rows = wrapped(state.composer.area().lines(), cols, chip_cells(state)).len();
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Where the draft's text is in its area: behind the prompt and the chip.
fn text_area(state: &AppState, area: Rect) -> Rect {
    let indent = (3 + chip_cells(state) as u16).min(area.width.saturating_sub(9));
    Rect { x: area.x + indent, width: area.width.saturating_sub(indent + 1), ..area }
}

/// The row and column of the draft's text, as wrapped, that stand here; the nearest column where
/// none does.
pub(super) fn place(state: &AppState, area: Rect, at: Position) -> (usize, usize) {
    let text = text_area(state, area);
    let top = usize::from(state.composer.area().scroll_offset().0);
    let row = top + usize::from(at.y.saturating_sub(text.y));
    (row, usize::from(at.x.saturating_sub(text.x)))
}

/// The line over the draft. Where the line under it has other things to say, it tells what waits.
pub(super) fn rule(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    ink.line(area);
    if state.queue.is_empty() || state.composer.is_empty() {
        return;
    }
    let held = if held(state) { ", held" } else { "" };
    let words = format!(" {} queued{held} ", state.queue.len());
    let end = ink.glyphs.rule;
    ink.both(area, 0, &[], &[(&words, Token::Warn), (end, Token::Rule)]);
}

/// What is queued waits for the user, and for nothing else.
fn held(state: &AppState) -> bool {
    state.queue_phase == QueuePhase::Held && state.running().is_none()
}

/// Draws the draft; returns the caret.
pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) -> Option<Position> {
    if area.height == 0 {
        return None;
    }
    let focused = state.focus == Focus::Composer && state.overlay.is_none();
    let mark = if focused { Token::Accent } else { Token::Dim };
    ink.put(row(area, 0), 1, ink.glyphs.prompt, mark);
    if let Some(name) = &state.composer.chip {
        ink.puts(row(area, 0), 3, &[("@", Token::Accent), (name.as_str(), Token::Accent)]);
    }
    let text = text_area(state, area);
    let draft = state.composer.area();
    draft.render(text, ink.buffer);
    // The terminal's own cursor stands at the caret; a second one drawn there would hide its shape.
    for at in text.intersection(ink.buffer.area).positions() {
        if let Some(cell) = ink.buffer.cell_mut(at) {
            cell.modifier.remove(Modifier::REVERSED);
        }
    }
    if state.composer.is_empty() && state.composer.chip.is_none() {
        placeholder(ink, state, row(area, 0));
    }
    let cursor = draft.screen_cursor();
    let top = usize::from(draft.scroll_offset().0);
    let y = text.y + (cursor.row.saturating_sub(top) as u16).min(text.height - 1);
    let x = (text.x + cursor.col as u16).min(area.right().saturating_sub(1));
    focused.then(|| Position::new(x, y))
}

fn placeholder(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    let words = if state.focus == Focus::Read {
        "Esc to write here"
    } else if state.transcript.cells.is_empty() {
        "Ask anything. Auto picks the model and says why."
    } else if state.running().is_some() {
        "Enter queues the next message"
    } else if !state.queue.is_empty() && held(state) {
        "Enter sends what is queued"
    } else {
        "Ask on, or / for commands"
    };
    ink.put(line, 3, words, Token::Dim);
}

/// The line under the draft: where it would go, decided without sending.
pub(super) fn preview(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    if area.height == 0 {
        return;
    }
    let line = row(area, 0);
    let lead = format!("{} ", ink.glyphs.leads);
    let huge = areas::room(state) == areas::Room::Huge;
    let change = format!("{} change", key_words(state));
    if let Some(next) = state.queue.first().filter(|_| state.composer.is_empty()) {
        let words = next.text.lines().next().unwrap_or("").to_owned();
        let waiting = match state.queue.len() {
            1 => "queued ".to_owned(),
            n => format!("{n} queued, first "),
        };
        ink.both(
            line,
            3,
            &[(&waiting, Token::Warn), (&words, Token::Dim)],
            &[("Esc Esc takes it back", Token::Dim)],
        );
        return;
    }
    let Some(preview) = state.preview.as_ref().filter(|_| !state.composer.is_empty()) else {
        let idle = idle_words(state);
        ink.both(line, 3, &[(&lead, Token::Dim), (&idle, Token::Dim)], &[(&change, Token::Dim)]);
        return;
    };
    let decision = &preview.decision;
    if let Some(kept) = decision.over_budget.as_ref().filter(|kept| kept.asks) {
        let over = kept.model.as_str();
        let fits = decision.chosen().map(|chosen| format!("   {} fits", chosen.model));
        let fits = fits.unwrap_or_default();
        // Who would answer instead is the point: the key's long name gives way, then the provider's mark.
        let said = text::width("asks first:  is over budget") + text::width(&fits);
        let room = usize::from(line.width).saturating_sub(3 + text::width(&lead) + said + 3);
        let (over, change) = match room.checked_sub(text::width(&change)) {
            Some(room) if text::width(over) <= room => (over.to_owned(), change),
            Some(_) | None => {
                let room = room.saturating_sub(text::width(&key_words(state))).max(8);
                (words::brief(over, room), key_words(state))
            }
        };
        let over = over.as_str();
        ink.both(
            line,
            3,
            &[
                (&lead, Token::Dim),
                ("asks first: ", Token::Warn),
                (over, Token::Strong),
                (" is over budget", Token::Dim),
                (&fits, Token::Dim),
            ],
            &[(&change, Token::Dim)],
        );
        return;
    }
    let Some(chosen) = decision.chosen() else {
        let why = decision.candidates.first().and_then(|c| c.filtered.first()).map_or(
            "no model is set up",
            |reason| match reason.detail.as_str() {
                "" => reason.code.name(),
                detail => detail,
            },
        );
        ink.both(
            line,
            3,
            &[
                (&lead, Token::Dim),
                ("no model can take it", Token::Bad),
                (": ", Token::Dim),
                (why, Token::Dim),
            ],
            &[(&change, Token::Dim)],
        );
        return;
    };
    let figures = figures(state, chosen);
    let tail = text::width(&figures);
    let would =
        if preview.draft == state.composer.revision() { "would go to " } else { "looking… " };
    let provider = words::beside(chosen.model.as_str(), chosen.provider.as_str());
    let mut provider = format!(" {} {provider}", ink.glyphs.dot);
    // The figures are the point: the provider and the long name of the key give way to them.
    let needs = |provider: &str, change: &str| {
        let lead = text::width(&lead) + text::width(would) + text::width(chosen.model.as_str());
        3 + lead + text::width(provider) + 3 + tail + 2 + text::width(change) + 1
    };
    // On a huge screen there is so much to say that the key alone has to do.
    let mut change =
        if huge { ink.glyphs.key(state.keymap.hint(Action::Override)) } else { change };
    if !huge && needs(&provider, &change) > usize::from(line.width) {
        change = format!("{} change", state.keymap.hint(Action::Override));
    }
    if !huge && needs(&provider, &change) > usize::from(line.width) {
        provider.clear();
    }
    // A name that is none is only text, and whoever typed it meant something by it.
    let unknown = unknown_name(state).map(|name| format!("{name} is no model: sent as text, "));
    let mut left: Vec<Piece<'_>> = vec![
        (&lead, Token::Dim),
        (unknown.as_deref().unwrap_or(""), Token::Warn),
        (would, Token::Dim),
        (chosen.model.as_str(), Token::Strong),
        (&provider, Token::Dim),
        ("   ", Token::Dim),
    ];
    let reason = format!("{} {} ", short_reason(&decision.reason), ink.glyphs.dot);
    if huge {
        left.push((&reason, Token::Dim));
    }
    left.push((&figures, Token::Dim));
    let next = decision
        .ranked()
        .nth(1)
        .map(|next| format!(" {} next {}{}", ink.glyphs.dot, next.model, against(next, chosen)));
    if let (Some(next), true) = (&next, huge) {
        left.push((next, Token::Dim));
    }
    ink.both(line, 3, &left, &[(&change, Token::Dim)]);
}

/// The `@name` the draft begins with, behind tags or not, once it is a word of its own: a whole model's name would have
/// become a chip.
fn unknown_name(state: &AppState) -> Option<&str> {
    let first = state.composer.area().lines().first()?;
    let (name, _) = first[behind_tags(first)..].split_once(char::is_whitespace)?;
    (name.starts_with('@') && name.len() > 1).then_some(name)
}

/// Where the next message goes while none is typed: the policy, or the pin.
fn idle_words(state: &AppState) -> String {
    let Some(snapshot) = &state.snapshot else { return "starting".to_owned() };
    match snapshot.overrides.pins.last() {
        Some(pin) => format!("pinned to {}", pin.model),
        None => format!("auto, {}: picks per message", snapshot.policy),
    }
}

/// The first part of a reason.
fn short_reason(reason: &str) -> &str {
    reason.split(',').next().unwrap_or(reason)
}

/// `, 6x cheaper`.
fn against(next: &Candidate, chosen: &Candidate) -> String {
    let (Some(a), Some(b)) = (next.estimate.cost, chosen.estimate.cost) else {
        return String::new();
    };
    if a.pico() <= 0 || b.pico() <= 0 {
        return String::new();
    }
    let times = a.dollars() / b.dollars();
    if times >= 1.5 {
        format!(", {times:.0}x the cost")
    } else if times <= 0.67 {
        format!(", {:.0}x cheaper", 1.0 / times)
    } else {
        String::new()
    }
}

/// `~$0.0023 · TTFT p50 0.41s`; the prior where nothing was measured.
fn figures(state: &AppState, chosen: &Candidate) -> String {
    let cost =
        chosen.estimate.cost.map_or("no price".to_owned(), |cost| words::about(&cost.short()));
    let measured = state
        .snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.models.get(&chosen.model))
        .and_then(|model| model.health.ttft_p50);
    match measured {
        Some(ms) => format!("{cost} · TTFT p50 {}", words::seconds(ms)),
        None => format!("{cost} · TTFT ~{}", words::seconds(chosen.estimate.ttft_ms)),
    }
}

/// The override key in words, `Ctrl+O`.
fn key_words(state: &AppState) -> String {
    state
        .keymap
        .keys_of(Action::Override)
        .first()
        .map_or_else(String::new, |(_, sequence)| sequence.words())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatui::buffer::Buffer;

    use super::*;
    use crate::console::app::{ColorDepth, Preview};
    use crate::console::theme::Theme;
    use crate::console::view::draw;
    use crate::domain::{Decision, FilterCode, FilterReason, KeptOut};

    fn rows_of(source: &str, cols: usize) -> Vec<&str> {
        let mut out = Vec::new();
        wrap(0, source, cols, &mut out);
        out.into_iter().map(|w| &source[w.from..w.to]).collect()
    }

    #[test]
    fn a_draft_wraps_at_spaces_and_long_words_between_graphemes() {
        assert_eq!(rows_of("one two three", 8), ["one two ", "three"]);
        assert_eq!(rows_of("abcdefghijkl", 5), ["abcde", "fghij", "kl"]);
        assert_eq!(rows_of("漢字漢字漢", 5), ["漢字", "漢字", "漢"]);
        assert_eq!(rows_of("", 5), [""]);
    }

    #[test]
    fn wrapped_rows_hold_the_whole_draft_and_never_more_than_the_width() {
        let source = "a  longer draft, 漢字 and 👨‍👩‍👧 in it, with averyveryverylongword at the end ";
        for cols in 8..40 {
            let rows = rows_of(source, cols);
            assert_eq!(rows.concat(), source);
            for row in rows {
                assert!(text::width(row.trim_end()) <= cols, "{row:?} at {cols}");
            }
        }
    }

    /// The rows of the chat with a draft whose decision was changed like this.
    fn drafted(change: impl FnOnce(&mut Decision)) -> Vec<String> {
        use crate::console::view::sample::{Scene, state};
        let mut state = state(Scene::Chat, 120, 40);
        state.composer.insert("hello");
        let (_, reply) = state.last_reply().unwrap();
        let mut decision = (**reply.reply.decision.as_ref().unwrap()).clone();
        change(&mut decision);
        let draft = state.composer.revision();
        state.preview = Some(Preview { draft, decision: Arc::new(decision) });
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        draw(&state, &Theme::named("terminal", ColorDepth::True).unwrap(), &mut buffer);
        (0..40).map(|y| (0..120).map(|x| buffer[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn a_draft_nobody_can_take_says_why_in_words() {
        let rows = drafted(|decision| {
            let detail = "private chat: only this machine".to_owned();
            for candidate in &mut decision.candidates {
                let reason = FilterReason { code: FilterCode::Policy, detail: detail.clone() };
                candidate.filtered = vec![reason];
            }
        });
        let said = rows.iter().filter(|row| row.contains("no model can take it: private chat"));
        assert_eq!(said.count(), 1);
    }

    #[test]
    fn a_draft_a_budget_asks_about_says_so_before_it_is_sent() {
        let kept = |asks| Some(KeptOut { model: "opus".into(), asks });
        let said = |rows: Vec<String>, words: &str| rows.iter().any(|row| row.contains(words));
        let asks = drafted(|decision| decision.over_budget = kept(true));
        assert!(said(asks, "asks first: opus is over budget"));
        let stops = drafted(|decision| decision.over_budget = kept(false));
        assert!(said(stops, "would go to"));
    }
}
