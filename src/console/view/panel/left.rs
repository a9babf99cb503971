//! The left column of broad screens: how messages are routed now, and what the context holds.

use ratatui::layout::Rect;

use crate::console::app::AppState;
use crate::console::keys::Action;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, below, row};
use crate::console::view::{case, chrome, words};
use crate::domain::PinScope;
use crate::engine::Pending;
use crate::route::HealthState;
use crate::text;

/// Draws the column.
pub(in crate::console::view) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let mut rest = area;
    for section in [super::sessions::draw, routing, draft, context] {
        let used = section(ink, state, rest);
        rest = below(rest, if used == 0 { 0 } else { used + 1 });
    }
    let questions = state.transcript.sums().messages;
    if rest.height >= 2 {
        let last = row(area, area.height - 1);
        let facts = format!(
            "{}  {}{}",
            words::clock(state.now, state.utc_offset_s),
            words::count(questions, "message"),
            if state.queue.is_empty() {
                String::new()
            } else {
                format!("  {} queued", state.queue.len())
            }
        );
        ink.put(last, 3, &facts, Token::Dim);
    }
}

/// A labelled row; the label only on the first of its kind.
fn fact(ink: &mut Ink<'_>, line: Rect, label: &str, value: &str, token: Token) {
    ink.put(line, 1, label, Token::Dim);
    ink.put(line, 10, &text::ellipsis(value, usize::from(line.width.saturating_sub(11))), token);
}

fn routing(ink: &mut Ink<'_>, state: &AppState, area: Rect) -> u16 {
    let Some(snapshot) = &state.snapshot else { return 0 };
    let key = ink.glyphs.key(state.keymap.hint(Action::Override));
    ink.rule(row(area, 0), &[("ROUTING", Token::Strong)], &[(&key, Token::Dim)]);
    let mut n = 1;
    let mut put = |ink: &mut Ink<'_>, label: &str, value: &str, token: Token| {
        fact(ink, row(area, n), label, value, token);
        n += 1;
    };
    put(ink, "policy", &snapshot.policy, Token::Fg);
    if let Some(weights) = snapshot.config.policies.get(&snapshot.policy) {
        let sum = (weights.quality + weights.cost + weights.speed).max(f64::EPSILON);
        let best = 0.5 + (weights.quality - weights.cost) / sum / 2.0;
        let at = (best * 6.0).round().clamp(0.0, 6.0) as usize;
        let (before, after) = (ink.glyphs.rule.repeat(at), ink.glyphs.rule.repeat(6 - at));
        let dot = ink.glyphs.state(HealthState::Up);
        put(ink, "", &format!("cheap {before}{dot}{after} best"), Token::Dim);
        put(ink, "", &format!("speed {}", words::fraction(weights.speed / sum)), Token::Dim);
    }
    for (index, rule) in snapshot.config.routing.rules.iter().take(4).enumerate() {
        let label = if index == 0 { "rules" } else { "" };
        put(ink, label, &rule_words(rule), Token::Dim);
    }
    if snapshot.overrides.pins.is_empty() {
        put(ink, "pin", "none", Token::Dim);
    }
    for pin in snapshot.overrides.pins.iter().rev() {
        let scope = match &pin.scope {
            PinScope::Message => "next".to_owned(),
            PinScope::Session => "chat".to_owned(),
            PinScope::Tag(tag) => format!("#{tag}"),
            PinScope::All => "all".to_owned(),
        };
        put(ink, "pin", &format!("{}  {scope}", pin.model), Token::Fg);
    }
    for veto in &snapshot.overrides.vetoes {
        let until = veto
            .until
            .map(|until| format!("  {}", words::span(state.now.until(until).as_millis() as u64)))
            .unwrap_or_default();
        put(ink, "avoid", &format!("{}{until}", veto.name), Token::Warn);
    }
    for provider in snapshot.providers.values().filter(|p| p.active) {
        let vetoed = snapshot.overrides.vetoes.iter().any(|v| v.name == provider.provider.as_str());
        let away = provider.countdown.is_some_and(|count| count.pending == Pending::Shifted);
        let avoided = match provider.state {
            HealthState::Down => true,
            // Slow alone keeps nobody away: its traffic may have been brought back by hand.
            HealthState::Slow => away,
            _ => false,
        };
        if !vetoed && avoided {
            let words = format!("{}  {}", provider.provider, provider.note);
            put(ink, "avoid", &words, chrome::state_token(provider.state));
        }
    }
    n
}

fn rule_words(rule: &crate::config::Rule) -> String {
    use crate::config::RuleThen;
    let when = &rule.when;
    let mut parts = Vec::new();
    parts.extend(when.task.map(|task| task.name().to_owned()));
    parts.extend(when.tag.as_ref().map(|tag| format!("#{tag}")));
    parts.extend(when.lang.map(|lang| lang.code().to_owned()));
    parts.extend(when.min_context.map(|least| format!("> {}", words::tokens(least))));
    let then = match &rule.then {
        RuleThen::Prefer(names) => names.join(" "),
        RuleThen::Only(names) => format!("only {}", names.join(" ")),
        RuleThen::Avoid(names) => format!("not {}", names.join(" ")),
        RuleThen::Policy(name) => name.clone(),
    };
    format!("{}: {then}", parts.join(" "))
}

/// What the router reads off the draft.
fn draft(ink: &mut Ink<'_>, state: &AppState, area: Rect) -> u16 {
    let Some(preview) = state.preview.as_ref().filter(|_| !state.composer.is_empty()) else {
        return 0;
    };
    if area.height < 6 {
        return 0;
    }
    let features = &preview.decision.features;
    ink.rule(row(area, 0), &[("THIS DRAFT", Token::Strong)], &[]);
    let tasks = case::tasks(features, true);
    let leading: Vec<&str> = tasks.split("  ").take(1).collect();
    fact(ink, row(area, 1), "task", &leading.join("  "), Token::Fg);
    fact(ink, row(area, 2), "hard", &format!("{:.2} of 1", features.difficulty), Token::Dim);
    fact(ink, row(area, 3), "language", features.lang.code(), Token::Dim);
    fact(
        ink,
        row(area, 4),
        "answer",
        &format!("~{} tokens", words::tokens(features.output_tokens)),
        Token::Dim,
    );
    5
}

fn context(ink: &mut Ink<'_>, state: &AppState, area: Rect) -> u16 {
    let Some((used, window)) = chrome::context(state) else { return 0 };
    if area.height < 8 || window == 0 {
        return 0;
    }
    ink.rule(row(area, 0), &[("CONTEXT", Token::Strong)], &[]);
    let share = used as f64 / window as f64;
    let cells = 23usize;
    let full = ((share * cells as f64).ceil() as usize).min(cells);
    let token = if share > 0.8 { Token::Warn } else { Token::Accent };
    let (bar, rest) = (ink.glyphs.full.repeat(full), ink.glyphs.empty.repeat(cells - full));
    ink.puts(row(area, 1), 1, &[(&bar, token), (&rest, Token::Rule)]);
    ink.right(row(area, 1), area.width.saturating_sub(1), &[(&words::percent(share), Token::Dim)]);
    // The parts are estimates by length; the sum is what the router reckons with.
    let draft = (text_tokens(&state.composer.text())).min(used);
    let system = state.system.as_deref().map_or(0, text_tokens).min(used - draft);
    let history = used - draft - system;
    let mut n = 2;
    for (label, tokens) in [("system", system), ("history", history), ("this draft", draft)] {
        let line = row(area, n);
        ink.put(line, 3, label, Token::Dim);
        ink.right(line, 24, &[(&format!("~{}", words::grouped(tokens)), Token::Dim)]);
        n += 1;
    }
    let line = row(area, n);
    ink.line(Rect { x: line.x + 3, width: 21.min(line.width.saturating_sub(3)), ..line });
    n += 1;
    let sum = format!("~{} of {}", words::grouped(used), words::grouped(window));
    ink.put(row(area, n), 3, &sum, Token::Fg);
    n += 1;
    if let (Some(preview), Some(snapshot)) = (&state.preview, &state.snapshot) {
        for candidate in preview.decision.ranked().take(3) {
            let rates = snapshot
                .config
                .models
                .get(&candidate.model)
                .and_then(|model| model.rates(state.now, candidate.estimate.input_tokens));
            let Some(rates) = rates else { continue };
            let line = row(area, n);
            let name = format!("{} input", words::brief(candidate.model.as_str(), 12));
            ink.put(line, 3, &name, Token::Dim);
            let cost = rates.input.times(candidate.estimate.input_tokens).short();
            ink.right(line, area.width.saturating_sub(1), &[(&cost, Token::Dim)]);
            n += 1;
        }
    }
    n
}

/// About four characters a token: only to split a sum the router reckoned properly.
fn text_tokens(text: &str) -> u64 {
    text.chars().count().div_ceil(4) as u64
}

#[cfg(test)]
#[path = "left_tests.rs"]
mod tests;
