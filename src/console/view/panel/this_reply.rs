//! The newest reply's time: lost, waited, streaming, as a bar.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use crate::console::app::{AppState, ReplyCell};
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, row};
use crate::console::view::words;
use crate::engine;
use crate::text;

pub(super) fn rows(state: &AppState, _width: u16) -> u16 {
    if newest(state).is_some() { 4 } else { 0 }
}

/// The newest reply; none where a budget asked before anybody was.
fn newest(state: &AppState) -> Option<&ReplyCell> {
    let (_, reply) = state.last_reply()?;
    let outcome = reply.reply.outcome.as_ref();
    let error = outcome.and_then(|outcome| outcome.error.as_ref());
    error.is_none_or(|error| error.code != engine::ASKS_FIRST).then_some(reply)
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let Some(reply) = newest(state) else { return };
    let who = reply.model().map_or("routing".to_owned(), |(model, provider)| {
        words::who_in(model.as_str(), provider.as_str(), 20)
    });
    ink.rule(row(area, 0), &[("THIS REPLY", Token::Strong)], &[(&who, Token::Dim)]);
    let room = usize::from(area.width.saturating_sub(1));
    ink.put(row(area, 1), 1, &text::ellipsis(&waits(state, reply), room), Token::Fg);
    bar(ink, state, reply, area);
}

/// `you waited 4.39s: groq 4.01 mini 0.38`.
fn waits(state: &AppState, reply: &ReplyCell) -> String {
    if reply.cut_off() {
        return "cut off; its time is not known".to_owned();
    }
    let waited = reply.waited_ms(state.now);
    let mut out = format!("you waited {}", words::seconds(waited));
    if reply.lost_ms() > waited {
        // What was lost was lost in the middle of the answer, not before it.
        return out;
    }
    let mut parts: Vec<(String, u64)> = Vec::new();
    for attempt in reply.lost() {
        let name = attempt.provider.as_str();
        match parts.last_mut() {
            Some((last, ms)) if last == name => *ms += attempt.ms + attempt.waited_ms,
            _ => parts.push((name.to_owned(), attempt.ms + attempt.waited_ms)),
        }
    }
    if parts.is_empty() {
        return out;
    }
    if let (Some((_, ms)), Some((model, _))) = (reply.first_token, reply.model()) {
        parts.push((model.to_string(), ms));
    }
    out.push(':');
    for (name, ms) in parts {
        let _ = write!(out, " {name} {}", words::bare_seconds(ms));
    }
    out
}

fn bar(ink: &mut Ink<'_>, state: &AppState, reply: &ReplyCell, area: Rect) {
    let cells = u64::from(area.width.saturating_sub(2));
    let lost = reply.lost_ms();
    let waited = reply.waited_ms(state.now).max(lost);
    let until = state.now.max(reply.last_at).since(reply.asked_at).as_millis();
    let running = u64::try_from(until).unwrap_or(0);
    let total = reply.reply.outcome.as_ref().map_or(running, |outcome| outcome.total_ms);
    let total = total.max(waited);
    let streamed = total - waited;
    let share = |ms: u64| if total == 0 { 0 } else { (ms * cells).div_ceil(total) };
    let lost_cells = share(lost);
    let wait_cells = share(waited - lost).min(cells - lost_cells.min(cells));
    let stream_cells = cells.saturating_sub(lost_cells + wait_cells).min(share(streamed));
    let mut x = 1;
    let (line, legend) = (row(area, 2), row(area, 3));
    let text = |glyph: &str, n: u64| glyph.repeat(usize::try_from(n).unwrap_or(0));
    let (l, w, s) = (
        text(ink.glyphs.lost, lost_cells),
        text(ink.glyphs.rule, wait_cells),
        text(ink.glyphs.shade, stream_cells),
    );
    x = ink.puts(line, x, &[(&l, Token::Bad), (&w, Token::Dim), (&s, Token::Ok)]);
    let left = u64::from(area.width.saturating_sub(1 + x));
    ink.put(line, x, &text(ink.glyphs.none, left), Token::Rule);
    let mut facts = String::new();
    let tokens = reply.output_tokens();
    if tokens > 0 {
        facts = format!("{tokens} tok");
        if let Some(rate) = reply.tokens_per_s() {
            let _ = write!(facts, ", {rate:.0}/s");
        }
        let over = reply.generated_ms().unwrap_or(streamed);
        if over > 0 {
            let _ = write!(facts, ", {}", words::short_seconds(over));
        }
    }
    // Each word stands under its part where there is room, and never over the next one.
    let facts_at = (lost_cells + wait_cells + 1).min(cells + 1 - text::width(&facts) as u64) as u16;
    let wait_at = (lost_cells as u16 + 1).min(facts_at.saturating_sub(6));
    if lost > 0 {
        ink.put(legend, 1, "lost", Token::Bad);
    }
    if (lost == 0 || wait_at > 5) && !reply.cut_off() {
        ink.put(legend, wait_at.max(1), "wait", Token::Dim);
    }
    let facts_at = if lost == 0 { facts_at.max(7) } else { facts_at };
    ink.put(legend, facts_at, &facts, Token::Ok);
}
