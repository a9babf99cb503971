//! The newest lines of the routing log.

use ratatui::layout::Rect;

use crate::console::app::{AppState, View};
use crate::console::keys::{Action, Context};
use crate::console::theme::{GlyphSet, Token};
use crate::console::view::case::Case;
use crate::console::view::paint::{Ink, below, row};
use crate::console::view::{reply, words};
use crate::domain::Origin;
use crate::engine::LogEntry;
use crate::text;

const TABLE: u16 = 60;

fn shown(state: &AppState) -> impl Iterator<Item = &LogEntry> {
    state
        .snapshot
        .iter()
        .flat_map(|snapshot| snapshot.log.iter().rev())
        .map(AsRef::as_ref)
        .filter(|entry| !matches!(entry.origin, Origin::Ping | Origin::Probe))
}

pub(super) fn rows(state: &AppState, _width: u16) -> u16 {
    let most = if state.size.rows >= 50 { 10 } else { 8 };
    1 + shown(state).take(most).count().max(1) as u16 + 4
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let facts = facts(state, ink.glyphs);
    let room = area.height.saturating_sub(2 + facts.len() as u16).min(if state.size.rows >= 50 {
        10
    } else {
        8
    });
    let entries: Vec<&LogEntry> = shown(state).take(usize::from(room)).collect();
    let about = match entries.len() {
        0 => String::new(),
        n => format!("last {n}"),
    };
    ink.rule(row(area, 0), &[("ROUTES", Token::Strong)], &[(&about, Token::Dim)]);
    if shown(state).next().is_none() {
        ink.put(row(area, 1), 1, "no decision yet", Token::Dim);
    }
    let longest = entries
        .iter()
        .map(|entry| text::width(&words::brief(Case::of_entry(state, entry).answerer().0, 14)))
        .max()
        .unwrap_or(0);
    for (n, entry) in entries.iter().enumerate() {
        let line = row(area, 1 + n as u16);
        let case = Case::of_entry(state, entry);
        let mark = case.mark();
        let (model, provider) = case.answerer();
        let at = words::clock_s(entry.at, state.utc_offset_s);
        let glyph = format!(" {} ", ink.glyphs.mark(mark));
        let wide = area.width >= TABLE;
        let cells = longest.max(6);
        let provider = words::beside(model, provider);
        let model = text::pad(&words::brief(model, cells), cells + 1, text::Side::End);
        let x = ink.puts(
            line,
            1,
            &[(&at, Token::Dim), (&glyph, reply::mark_token(mark)), (&model, Token::Fg)],
        );
        let reason = case.reason();
        if wide {
            let provider = text::pad(&words::brief(provider, 9), 10, text::Side::End);
            let x = ink.put(line, x, &provider, Token::Dim);
            let end = line.width.saturating_sub(16);
            ink.put(
                Rect { width: end, ..line },
                x,
                &words::reason_in(&reason, usize::from(end.saturating_sub(x))),
                Token::Dim,
            );
            if let Some(outcome) = &entry.outcome {
                let took = words::short_seconds(outcome.total_ms);
                let cost = words::tight_cost(outcome.cost, state.looks.glyphs);
                let took_end = line.width.saturating_sub(text::width(&cost).max(7) as u16 + 1);
                ink.right(line, took_end, &[(&took, Token::Dim)]);
                ink.right(line, line.width, &[(&cost, Token::Dim)]);
            } else {
                ink.right(line, line.width, &[("running", Token::Ok)]);
            }
        } else {
            let room = usize::from(line.width.saturating_sub(x));
            ink.put(line, x, &words::reason_in(&reason, room), Token::Dim);
        }
    }
    let rest = below(area, 2 + entries.len().max(1) as u16);
    for (n, fact) in facts.iter().enumerate() {
        ink.both(row(rest, n as u16), 1, &[(fact, Token::Dim)], &[]);
    }
}

/// Sums of this run, and what the keys do.
fn facts(state: &AppState, glyphs: &GlyphSet) -> Vec<String> {
    let meters = &state.meters;
    let mut out = Vec::new();
    if meters.asked > 0 {
        out.push(format!(
            "{} of {} answered · {} fell back",
            meters.answered, meters.asked, meters.fell_back
        ));
    }
    if meters.overridden > 0 {
        out.push(format!("auto agreed with you {} of {}", meters.agreed, meters.overridden));
    }
    let key = |contexts: &[Context], action| {
        state.keymap.primary(contexts, action).map_or_else(String::new, |s| glyphs.key(s.short()))
    };
    out.push(format!(
        "{} why   {} override   {} full log",
        key(&[Context::Chat, Context::Read], Action::Open),
        key(&[Context::Global], Action::Override),
        glyphs.key(state.keymap.hint(Action::Go(View::Routes))),
    ));
    out
}
