//! A reply's header, story and footer: who answered, why, how fast, for how much.
//!
//! Invariant: while a reply waits or streams, its rows keep their places; only figures change.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::paint::{Ink, Piece};
use super::words;
use crate::console::app::{AppState, Glyphs, PaidIn, ReplyCell, ReplyPhase, RouteMark};
use crate::console::keys::{Action, Context};
use crate::console::theme::Token;
use crate::console::transcript::BODY_INDENT;
use crate::domain::{AttemptReport, Finish, FirstToken, OutcomeClass};
use crate::engine;
use crate::text;

/// The token of a mark: a fallback is worth a look.
pub(super) const fn mark_token(mark: RouteMark) -> Token {
    match mark {
        RouteMark::Auto | RouteMark::Pinned | RouteMark::OneShot => Token::Accent,
        RouteMark::FellBack => Token::Warn,
    }
}

/// The first row: mark, model, provider, reason, and the figures at the right.
pub(super) fn head(ink: &mut Ink<'_>, state: &AppState, reply: &ReplyCell, target: Rect) {
    let mark = reply.mark();
    let glyph = format!("{} ", ink.glyphs.mark(mark));
    let token = mark_token(mark);
    let mut reason = reason(reply, ink.glyphs.arrow, state.looks.glyphs);
    let wide = target.width >= 81;
    let figures = figures(state, reply, wide, target.width >= 100);
    let right: Vec<Piece<'_>> =
        figures.iter().map(|(text, token)| (text.as_str(), *token)).collect();
    let Some((model, provider)) = reply.model() else {
        let words = if reply.phase.running() { "routing" } else { "no model" };
        ink.both(target, 1, &[(&glyph, token), (words, Token::Dim)], &right);
        return;
    };
    let provider = words::beside(model.as_str(), provider.as_str());
    let provider = format!(" {} {provider}", ink.glyphs.dot);
    let taken = text::width(&glyph) + text::width(model.as_str()) + text::width(&provider);
    let figures_end = usize::from(super::paint::cells(&right)) + 1;
    let room = usize::from(target.width).saturating_sub(1 + taken + 3 + 2 + figures_end);
    // A stump of a reason says less than none: the log has it whole.
    reason = if room < 8 { String::new() } else { words::reason_in(&reason, room) };
    let reason_token = if mark == RouteMark::FellBack { Token::Warn } else { Token::Dim };
    ink.both(
        target,
        1,
        &[
            (&glyph, token),
            (model.as_str(), Token::Strong),
            (&provider, Token::Dim),
            ("   ", Token::Dim),
            (&reason, reason_token),
        ],
        &right,
    );
}

/// Why this model: the decision's reason, or what became of those before it.
fn reason(reply: &ReplyCell, arrow: &str, glyphs: Glyphs) -> String {
    let lost = lost_words(&reply.reply.attempts);
    if !lost.is_empty() && reply.phase.running() && reply.first_text_at.is_none() {
        // The story grows while it happens: `groq x 2.0s → groq x 2.0s → openai`.
        let mut steps: Vec<String> = reply
            .lost()
            .map(|a| format!("{} x {}", a.provider, words::short_seconds(a.ms + a.waited_ms)))
            .collect();
        steps.extend(reply.phase.attempt().map(|attempt| attempt.provider.to_string()));
        return steps.join(&format!(" {arrow} "));
    }
    if !lost.is_empty() {
        return format!("{lost}, {} lost", words::short_seconds(reply.lost_ms()));
    }
    if let Some(outcome) = &reply.reply.outcome
        && let Some(cached) = outcome.cached_words()
    {
        return match outcome.cache_saved() {
            Some(saved) => format!("{cached}, saved {}", words::cost_in_full(saved, glyphs)),
            None => format!("{cached}, no call made"),
        };
    }
    reply.reply.decision.as_ref().map(|d| d.reason.clone()).unwrap_or_default()
}

/// `groq gave nothing twice`, `groq 503, mistral refused the key`.
pub(super) fn lost_words(attempts: &[AttemptReport]) -> String {
    let mut groups: Vec<(&str, &str, u32)> = Vec::new();
    for attempt in attempts {
        let Some(class) = attempt.outcome else { continue };
        if class == OutcomeClass::Cancelled {
            continue;
        }
        let what = match class {
            _ if attempt.detail.contains("(drill") => "is in a drill",
            OutcomeClass::Stall => "gave nothing",
            OutcomeClass::Throttle => "asked to slow down",
            OutcomeClass::Account => "refused the account",
            OutcomeClass::Network if attempt.status.is_none() => "could not be reached",
            OutcomeClass::Network => "was cut off",
            OutcomeClass::Provider => "failed",
            OutcomeClass::Context => "has too small a window",
            OutcomeClass::Truncation => "stopped short",
            OutcomeClass::Refusal => "refused",
            OutcomeClass::Caller => "did not take it",
            OutcomeClass::Cancelled => "was cancelled",
        };
        match groups.last_mut() {
            Some((provider, was, n)) if *provider == attempt.provider.as_str() && *was == what => {
                *n += 1;
            }
            _ => groups.push((attempt.provider.as_str(), what, 1)),
        }
    }
    let parts: Vec<String> = groups
        .into_iter()
        .map(|(provider, what, n)| match n {
            1 => format!("{provider} {what}"),
            2 => format!("{provider} {what} twice"),
            n => format!("{provider} {what} {n} times"),
        })
        .collect();
    parts.join(", ")
}

/// The figures at the right end of the header.
fn figures(state: &AppState, reply: &ReplyCell, story: bool, roomy: bool) -> Vec<(String, Token)> {
    let waited = reply.waited_ms(state.now);
    let rate = reply.tokens_per_s().map(|rate| format!("{rate:.0} t/s"));
    let has_story = story && !lost_words(&reply.reply.attempts).is_empty();
    match &reply.phase {
        ReplyPhase::Connecting | ReplyPhase::Waiting(_) => {
            vec![
                ("waiting  ".to_owned(), Token::Dim),
                (format!("TTFT {}", words::seconds(waited)), Token::Accent),
            ]
        }
        ReplyPhase::Held => vec![
            ("waiting for the budget  ".to_owned(), Token::Warn),
            (words::seconds(waited), Token::Accent),
        ],
        ReplyPhase::Thinking(_) => {
            vec![
                ("thinking  ".to_owned(), Token::Dim),
                (format!("TTFT {}", words::seconds(waited)), Token::Accent),
            ]
        }
        ReplyPhase::Streaming(_) if has_story => vec![("streaming".to_owned(), Token::Ok)],
        ReplyPhase::Streaming(_) => {
            let mut out = vec![
                ("streaming  ".to_owned(), Token::Ok),
                (format!("TTFT {}", words::ttft(waited)), Token::Dim),
            ];
            if let (Some(rate), true) = (rate, story) {
                out.push((format!(" · {rate}"), Token::Dim));
            }
            out
        }
        ReplyPhase::Done => {
            let mut parts = Vec::new();
            if reply.first_text_at.is_some()
                || reply.reply.outcome.as_ref().is_some_and(|o| o.wait_ms.is_some())
            {
                parts.push(format!("TTFT {}", words::ttft(waited)));
            }
            parts.extend(rate);
            if let (Some(outcome), true, false) = (&reply.reply.outcome, roomy, reply.cut_off()) {
                parts.push(words::short_seconds(outcome.total_ms));
            }
            let mut out = Vec::new();
            if let Some((word, token)) = finish(reply) {
                out.push((word.to_owned(), token));
                if !parts.is_empty() {
                    out.push(("  ".to_owned(), Token::Dim));
                }
            }
            out.push((parts.join(" · "), Token::Dim));
            out
        }
    }
}

/// How it ended, where that is worth a word.
fn finish(reply: &ReplyCell) -> Option<(&'static str, Token)> {
    if reply.stopped {
        return Some(("stopped", Token::Warn));
    }
    let outcome = reply.reply.outcome.as_ref()?;
    match outcome.finish {
        Finish::Error if outcome.error.as_ref().is_some_and(|e| e.code == engine::ASKS_FIRST) => {
            Some(("asks first", Token::Warn))
        }
        Finish::Stop | Finish::ToolCalls => None,
        Finish::Length => Some(("at the cap", Token::Warn)),
        Finish::ContentFilter => Some(("refused", Token::Warn)),
        Finish::Truncated if reply.cut_off() => Some(("cut off", Token::Warn)),
        Finish::Truncated => Some(("not whole", Token::Bad)),
        Finish::Cancelled => Some(("stopped", Token::Warn)),
        Finish::Error => Some(("failed", Token::Bad)),
    }
}

/// The second row, where attempts failed: the waits apart, and what it costs so far.
pub(super) fn story(ink: &mut Ink<'_>, state: &AppState, reply: &ReplyCell, target: Rect) {
    let mut out = match reply.phase.attempt() {
        Some(attempt) if reply.first_text_at.is_none() => {
            format!("attempt {}, {}", attempt.n, attempt.kind.name())
        }
        _ => format!("TTFT {}", words::seconds(reply.waited_ms(state.now))),
    };
    let mut parts: Vec<String> = Vec::new();
    let lost = reply.lost_ms();
    if target.width >= 100 && lost > 0 {
        let mut providers: Vec<&str> = Vec::new();
        for attempt in reply.lost() {
            if !providers.contains(&attempt.provider.as_str()) {
                providers.push(attempt.provider.as_str());
            }
        }
        parts.push(format!("{} {} lost", providers.join(", "), words::bare_seconds(lost)));
    }
    if let (Some((_, ms)), Some((model, _))) = (reply.first_token, reply.model()) {
        parts.push(format!("{model} {}", words::seconds(ms)));
    }
    if !parts.is_empty() {
        let _ = write!(out, " ({})", parts.join(", "));
    }
    if let Some(rate) = reply.tokens_per_s() {
        let _ = write!(out, " · {rate:.0} t/s");
    }
    let tokens = reply.output_tokens();
    if tokens > 0 {
        let _ = write!(out, " · {tokens} out");
    }
    if let Some(cost) = cost_so_far(state, reply) {
        let _ = write!(out, " · {cost}");
    }
    let right: &[Piece<'_>] =
        if reply.phase.running() { &[("Esc stops, keeps text", Token::Dim)] } else { &[] };
    ink.both(target, BODY_INDENT, &[(&out, Token::Dim)], right);
}

/// What it cost; while it streams, what it will have cost so far.
pub(super) fn cost_so_far(state: &AppState, reply: &ReplyCell) -> Option<String> {
    if let Some(outcome) = &reply.reply.outcome {
        return Some(words::cost(outcome.cost, state.looks.glyphs));
    }
    let (model, _) = reply.model()?;
    let snapshot = state.snapshot.as_ref()?;
    let input = reply.reply.decision.as_ref()?.candidate(model.as_str())?.estimate.input_tokens;
    let rates = snapshot.config.models.get(model)?.rates(state.now, input)?;
    let usage = crate::domain::Usage { input, output: reply.output_tokens(), ..Default::default() };
    Some(words::about(&rates.cost(&usage).short()))
}

/// Why the text began anew.
pub(super) fn restarted(ink: &mut Ink<'_>, reply: &ReplyCell, target: Rect) {
    let why = reply.restarted_because.as_deref().unwrap_or("the text could not be joined");
    ink.both(target, BODY_INDENT, &[("started over: ", Token::Warn), (why, Token::Dim)], &[]);
}

/// Thinking: its newest words while it lasts, its length afterwards.
pub(super) fn thought(ink: &mut Ink<'_>, reply: &ReplyCell, target: Rect) {
    let thinking = &reply.reply.reasoning;
    if let ReplyPhase::Thinking(_) = reply.phase {
        let tail = thinking.len().saturating_sub(400);
        let tail = thinking[thinking.ceil_char_boundary(tail)..].replace(char::is_whitespace, " ");
        let room = usize::from(target.width.saturating_sub(BODY_INDENT + 12));
        let newest = text::clip_end(&tail, room);
        ink.puts(target, BODY_INDENT, &[("thinking ", Token::Dim), (newest, Token::Quote)]);
        return;
    }
    let mut words = "thought first".to_owned();
    if let Some(usage) = reply.reply.usage.filter(|usage| usage.reasoning > 0) {
        words = format!("thought first, {} tokens", words::grouped(usage.reasoning));
    } else if let Some((FirstToken::Reasoning, ms)) = reply.first_token {
        words = format!("thought first, from {} on", words::seconds(ms));
    }
    ink.put(target, BODY_INDENT, &words, Token::Dim);
}

/// Where another attempt took over.
pub(super) fn seam(ink: &mut Ink<'_>, reply: &ReplyCell, n: usize, target: Rect) {
    let Some(seam) = reply.reply.seams.get(n) else { return };
    let words = if seam.from == seam.to {
        format!("{} broke off and went on", seam.from)
    } else {
        format!("{} broke off, {} went on", seam.from, seam.to)
    };
    let inner = Rect {
        x: target.x + BODY_INDENT,
        width: target.width.saturating_sub(BODY_INDENT + 1),
        ..target
    };
    ink.rule(inner, &[(&words, Token::Warn)], &[]);
}

/// What speaks against the answer being whole, where something does.
pub(super) fn doubt(ink: &mut Ink<'_>, reply: &ReplyCell, target: Rect) {
    let Some(verdict) = &reply.reply.verdict else { return };
    let Some(words) = verdict.doubt() else { return };
    let token = if verdict.truncated { Token::Warn } else { Token::Dim };
    let room = usize::from(target.width.saturating_sub(BODY_INDENT + 1));
    ink.put(target, BODY_INDENT, &text::ellipsis(&words, room), token);
}

/// What it took, in tokens, money and time.
pub(super) fn footer(ink: &mut Ink<'_>, state: &AppState, reply: &ReplyCell, target: Rect) {
    let mut parts = Vec::new();
    if let Some(outcome) = &reply.reply.outcome {
        // Of one that was cut off by the end of its program nobody had the time, or the figures.
        if !reply.cut_off() {
            parts.push(words::short_seconds(outcome.total_ms));
        }
        let usage = outcome.usage;
        let mark = if usage.estimated { "~" } else { "" };
        // Of one from the cache that is opened again its tokens are a guess beside what it said live.
        let guessed = outcome.cached.is_some() && usage.estimated;
        if !guessed && (!reply.cut_off() || usage.output > 0) {
            parts.push(format!("{mark}{} in {mark}{} out", usage.input, usage.output));
        }
        if usage.cached_input > 0 && target.width >= 100 {
            parts.push(format!("{} cached", usage.cached_input));
        }
        let cost = words::cost(outcome.cost, state.looks.glyphs);
        parts.push(match reply.paid {
            PaidIn::ThisChat => cost,
            PaidIn::Original => format!("{cost} in the original"),
        });
    }
    let own = reply.saved.as_ref().filter(|_| reply.paid == PaidIn::ThisChat);
    if let Some(saved) = own.filter(|saved| saved.amount.pico() > 0) {
        let versus = words::brief(saved.versus.as_str(), 16);
        let small = saved.amount.pico() < 1_000_000_000;
        let amount = if small { saved.amount.brief() } else { saved.amount.short() };
        parts.push(format!("saved {amount} vs {versus}"));
    }
    let glyphs = ink.glyphs;
    let key = |action| {
        state
            .keymap
            .primary(&[Context::Chat, Context::Read], action)
            .map_or_else(String::new, |sequence| glyphs.key(sequence.short()))
    };
    let (why, retry) = (key(Action::Open), key(Action::Retry));
    let figures = parts.join(" · ");
    // The figures are the point: keys that can be looked up give way to them.
    let room = usize::from(target.width.saturating_sub(BODY_INDENT + 3));
    let forms = [
        format!("{why} why  {retry} retry  {} retry with", key(Action::RetryWith)),
        format!("{why} why  {retry} retry"),
        format!("why? {why}"),
    ];
    let fits =
        |form: &&String| target.width >= 81 && text::width(form) + text::width(&figures) <= room;
    let right = forms.iter().find(fits).unwrap_or(&forms[2]);
    ink.both(target, BODY_INDENT, &[(&figures, Token::Dim)], &[(right, Token::Dim)]);
}
