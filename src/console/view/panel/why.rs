//! Why the newest reply came from where it did: the contest and the attempts, always open.

use ratatui::layout::Rect;

use crate::console::app::AppState;
use crate::console::theme::Token;
use crate::console::view::case::{self, Case};
use crate::console::view::paint::{Ink, below, row};
use crate::console::view::words;
use crate::text;

const CANDIDATES: usize = 8;

fn newest(state: &AppState) -> Option<Case<'_>> {
    let (_, reply) = state.last_reply()?;
    Case::of_reply(reply)
}

pub(super) fn rows(state: &AppState, _width: u16) -> u16 {
    newest(state).map_or(0, |case| {
        let attempts = case.attempts.len() + usize::from(case.running.is_some());
        4 + 2 + case.decision.candidates.len().min(CANDIDATES) as u16 + 1 + attempts as u16
    })
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let Some(case) = newest(state) else { return };
    let verb = if case.running.is_some() { "ANSWERS" } else { "ANSWERED" };
    let title = format!("WHY {} {verb}", case.answered().unwrap_or("NOBODY").to_uppercase());
    let at = words::clock_s(case.at, state.utc_offset_s);
    ink.rule(row(area, 0), &[(&title, Token::Strong)], &[(&at, Token::Dim)]);
    let features = &case.decision.features;
    for (n, (name, value)) in [
        ("asked", case::asked(case.decision)),
        ("task", case::tasks(features, false)),
        ("needs", case::needs(features)),
    ]
    .iter()
    .enumerate()
    {
        let line = row(area, 1 + n as u16);
        ink.put(line, 1, name, Token::Dim);
        ink.both(line, 10, &[(value, Token::Fg)], &[]);
    }
    let mut rest = below(area, 5);
    ink.put(
        row(rest, 0),
        3,
        "candidate             qual    cost    TTFT  score verdict",
        Token::Dim,
    );
    rest = below(rest, 1);
    for (n, candidate) in case.decision.candidates.iter().take(CANDIDATES).enumerate() {
        let line = row(rest, n as u16);
        let chosen = case.answered() == Some(candidate.model.as_str());
        let token = if candidate.usable() { Token::Fg } else { Token::Dim };
        if chosen {
            ink.put(line, 1, ink.glyphs.pick, Token::Accent);
        }
        let who = words::who(candidate.model.as_str(), candidate.provider.as_str());
        ink.put(line, 3, &words::brief(&who, 20), if chosen { Token::Strong } else { token });
        let guess = if candidate.quality_guess { "~" } else { "" };
        let quality = format!("{guess}{:.2}", candidate.quality);
        ink.right(line, 29, &[(&quality, token)]);
        let cost = candidate.estimate.cost.map_or("---".to_owned(), words::tight);
        ink.right(line, 37, &[(&cost, token)]);
        ink.right(line, 44, &[(&words::seconds(candidate.estimate.ttft_ms), token)]);
        let score = if candidate.usable() {
            format!("{:.2}", candidate.score.total)
        } else {
            "---".to_owned()
        };
        ink.right(line, 50, &[(&score, token)]);
        let verdict = case.verdict(candidate);
        let room = usize::from(line.width.saturating_sub(51));
        let bad = verdict.starts_with("failed");
        ink.put(
            line,
            51,
            &text::ellipsis(&verdict, room),
            if bad { Token::Bad } else { Token::Dim },
        );
    }
    attempts(ink, &case, below(rest, case.decision.candidates.len().min(CANDIDATES) as u16 + 1));
}

/// `2.00s ├ groq  no byte in 2.0s  fall back`.
fn attempts(ink: &mut Ink<'_>, case: &Case<'_>, area: Rect) {
    let count = case.attempts.len() + usize::from(case.running.is_some());
    for (n, attempt) in case.attempts.iter().enumerate() {
        let line = row(area, n as u16);
        let branch = ink.glyphs.branch[usize::from(n + 1 == count)];
        let at = format!("{:>6}s {branch} ", words::bare_seconds(attempt.started_ms));
        let who = text::pad(&words::brief(attempt.provider.as_str(), 12), 13, text::Side::End);
        let ok = attempt.outcome.is_none();
        let end = attempt.outcome.map_or("ok", |class| class.name());
        let detail = if ok && attempt.detail.is_empty() {
            attempt
                .stamps
                .first_text
                .map_or(String::new(), |ms| format!("first token {}", words::seconds(ms)))
        } else {
            attempt.detail.clone()
        };
        ink.both(
            line,
            1,
            &[(&at, Token::Dim), (&who, Token::Fg), (&detail, Token::Dim)],
            &[(end, if ok { Token::Ok } else { Token::Bad })],
        );
    }
    if let Some(running) = case.running {
        let line = row(area, case.attempts.len() as u16);
        let started = running.since.since(case.at).as_millis() as u64;
        let at = format!("{:>6}s {} ", words::bare_seconds(started), ink.glyphs.branch[1]);
        let who = text::pad(&words::brief(running.provider.as_str(), 12), 13, text::Side::End);
        ink.both(
            line,
            1,
            &[(&at, Token::Dim), (&who, Token::Fg), (running.kind.name(), Token::Dim)],
            &[("running", Token::Ok)],
        );
    }
}
