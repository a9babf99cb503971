//! What is offered under the caret: `@model`, `/command`, a command's argument.
//!
//! Invariant: only an offer that was accepted becomes a chip; text alone never names a model.

use crossterm::event::KeyCode;

use crate::console::command::{self, Arg, Cursor};
use crate::console::keys::Chord;
use crate::engine::DrillKind;

use super::super::{AppState, Completion, CompletionItem, CompletionKind, Focus, fuzzy};
use super::in_main;
use super::slash::is_named;

/// Offers shown at most.
const OFFERS: usize = 8;

/// Offers what fits the word before the caret, or nothing.
pub(super) fn refresh(state: &mut AppState) {
    state.completion = offer(state);
}

fn offer(state: &AppState) -> Option<Completion> {
    let (row, _) = state.composer.caret();
    let (before, _) = state.composer.around();
    if row == 0 && before.starts_with('/') {
        let (cursor, from) = command::cursor(before);
        let word = before.get(from..).unwrap_or("");
        return match cursor {
            Cursor::Name => {
                let items = command::TABLE.iter().map(|info| CompletionItem {
                    text: info.name.to_owned(),
                    detail: format!("{}  {}", info.usage(), info.doc),
                });
                pick(CompletionKind::Command, &items.collect::<Vec<_>>(), word, from)
            }
            Cursor::Argument(arg) => {
                pick(CompletionKind::Argument, &arguments(state, arg), word, from)
            }
            Cursor::Nothing => None,
        };
    }
    let from = before.rfind('@')?;
    let word = &before[from + 1..];
    let begins = before[..from].chars().next_back().is_none_or(char::is_whitespace);
    if !begins || word.contains(char::is_whitespace) {
        return None;
    }
    pick(CompletionKind::Model, &models(state), word, from)
}

fn pick(
    kind: CompletionKind,
    items: &[CompletionItem],
    word: &str,
    from: usize,
) -> Option<Completion> {
    let hits = fuzzy::rank(word, items.iter().map(|item| item.text.as_str()));
    let items: Vec<CompletionItem> =
        hits.into_iter().take(OFFERS).map(|hit| items[hit].clone()).collect();
    (!items.is_empty()).then_some(Completion { kind, items, selected: 0, from })
}

fn models(state: &AppState) -> Vec<CompletionItem> {
    let Some(snapshot) = &state.snapshot else { return Vec::new() };
    snapshot
        .models
        .values()
        .map(|status| CompletionItem {
            text: status.model.as_str().to_owned(),
            detail: status.provider.as_str().to_owned(),
        })
        .collect()
}

fn words(words: &[(&str, &str)]) -> Vec<CompletionItem> {
    words
        .iter()
        .map(|(text, detail)| CompletionItem {
            text: (*text).to_owned(),
            detail: (*detail).to_owned(),
        })
        .collect()
}

fn arguments(state: &AppState, arg: Arg) -> Vec<CompletionItem> {
    let item = |text: &str, detail: &str| CompletionItem {
        text: text.to_owned(),
        detail: detail.to_owned(),
    };
    match arg {
        Arg::Model => models(state),
        Arg::Target => {
            let mut items = models(state);
            if let Some(snapshot) = &state.snapshot {
                items.extend(snapshot.providers.keys().map(|name| item(name.as_str(), "provider")));
            }
            items
        }
        Arg::Avoided => state.snapshot.as_ref().map_or_else(Vec::new, |snapshot| {
            snapshot.overrides.vetoes.iter().map(|veto| item(&veto.name, "avoided")).collect()
        }),
        Arg::Policy => state.snapshot.as_ref().map_or_else(Vec::new, |snapshot| {
            snapshot
                .config
                .policies
                .iter()
                .map(|(name, w)| {
                    let detail = format!(
                        "{:.1} quality  {:.1} cost  {:.1} speed",
                        w.quality, w.cost, w.speed
                    );
                    item(name, &detail)
                })
                .collect()
        }),
        Arg::Scope => {
            words(&[("chat", "this chat"), ("1h", "one hour"), ("always", "until undone")])
        }
        Arg::Span => words(&[("30m", "half an hour"), ("1h", "one hour"), ("1d", "a day")]),
        Arg::Theme => state.looks.themes.iter().map(|name| item(name, "")).collect(),
        Arg::Which => words(&[("all", "")]),
        Arg::FaultPlace => state.faults.as_ref().map_or_else(Vec::new, |board| {
            let mut items: Vec<_> = board.places.iter().map(|name| item(name, "")).collect();
            items.push(item("clear", "lift all faults"));
            items
        }),
        Arg::FaultKind => state.faults.as_ref().map_or_else(Vec::new, |board| {
            board.kinds.iter().map(|kind| item(&kind.word, &kind.doc)).collect()
        }),
        Arg::FaultSpan => words(&[("for", "60s: so long"), ("once", "the next call only")]),
        Arg::DrillName => {
            let providers = state.snapshot.iter().flat_map(|snapshot| snapshot.providers.keys());
            let mut items: Vec<_> =
                providers.map(|name| item(name.as_str(), "provider")).collect();
            items.push(item("off", "end every drill"));
            items.extend(models(state));
            items
        }
        Arg::DrillKind => words(&DrillKind::WORDS),
        Arg::Text => Vec::new(),
    }
}

/// Keys of the popup. `true` when it took one.
pub(super) fn key(state: &mut AppState, key: Chord) -> bool {
    if !in_main(state) || state.overlay.is_some() || state.focus != Focus::Composer {
        state.completion = None;
        return false;
    }
    let Some(completion) = &mut state.completion else { return false };
    let count = completion.items.len();
    if !key.mods.is_empty() {
        return false;
    }
    match key.code {
        KeyCode::Up => completion.selected = (completion.selected + count - 1) % count,
        KeyCode::Down => completion.selected = (completion.selected + 1) % count,
        KeyCode::Esc => state.completion = None,
        KeyCode::Tab => accept(state),
        KeyCode::Enter if takes_enter(state) => {
            let runs = runs_when_taken(state);
            accept(state);
            return !runs;
        }
        _ => return false,
    }
    true
}

/// Is the line complete with the offer in it? What may follow it may be left out.
fn runs_when_taken(state: &AppState) -> bool {
    let Some(completion) = &state.completion else { return false };
    match completion.kind {
        CompletionKind::Model => false,
        CompletionKind::Argument => {
            let (before, _) = state.composer.around();
            let chosen = completion.items.get(completion.selected).map(|item| item.text.as_str());
            match command::cursor(before).0 {
                // A name alone is no order; what goes wrong has to follow.
                Cursor::Argument(Arg::FaultPlace) => chosen == Some("clear"),
                Cursor::Argument(Arg::DrillName) => chosen == Some("off"),
                Cursor::Argument(Arg::FaultSpan) => chosen != Some("for"),
                Cursor::Argument(_) | Cursor::Name | Cursor::Nothing => true,
            }
        }
        CompletionKind::Command => completion.items.get(completion.selected).is_some_and(|item| {
            command::TABLE.iter().any(|info| info.name == item.text && info.args.is_empty())
        }),
    }
}

/// Enter takes the offer, unless the word is already whole: then it runs the line.
fn takes_enter(state: &AppState) -> bool {
    let Some(completion) = &state.completion else { return false };
    let Some(item) = completion.items.get(completion.selected) else { return false };
    let (before, _) = state.composer.around();
    match completion.kind {
        CompletionKind::Model => true,
        CompletionKind::Command | CompletionKind::Argument => {
            let word = before.get(completion.from..).unwrap_or("");
            let whole = completion.selected == 0
                && completion.items.iter().any(|item| is_named(&item.text, word));
            !word.is_empty() && item.text != word && !whole
        }
    }
}

/// Puts the chosen offer in.
fn accept(state: &mut AppState) {
    let Some(completion) = state.completion.take() else { return };
    let Some(item) = completion.items.get(completion.selected) else { return };
    match completion.kind {
        CompletionKind::Model => {
            state.composer.replace_before(completion.from, "");
            state.composer.set_chip(Some(item.text.as_str().into()));
        }
        CompletionKind::Command | CompletionKind::Argument => {
            state.composer.replace_before(completion.from, &format!("{} ", item.text));
            refresh(state);
        }
    }
}

/// Tab with nothing offered: offers what fits, if anything does.
pub(super) fn complete(state: &mut AppState) -> bool {
    if state.completion.is_none() {
        refresh(state);
    }
    state.completion.is_some()
}
