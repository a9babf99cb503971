//! What is offered under the caret: `@model`, `:floor`, `/command`, a command's argument.
//!
//! Invariant: only an offer that was accepted becomes a chip, by its key or by a space typed behind a
//! whole name that begins the message, behind tags or not; text anywhere else never names a model.

use crossterm::event::KeyCode;

use crate::console::command::{self, Arg, Cursor};
use crate::console::composer::{POLICY_WORDS, behind_tags};
use crate::console::keys::Chord;
use crate::engine::DrillKind;
use crate::text;

use super::super::{AppState, Cell, Completion, CompletionItem, CompletionKind, Focus, fuzzy};
use super::in_main;
use super::slash::is_named;

/// Offers at most: more than there are commands. The window over them scrolls.
const OFFERS: usize = 100;

/// Cells of a question shown beside the reply it got.
const ASKED: usize = 40;

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
    let from = before
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[from..];
    if let Some(name) = word.strip_prefix('@') {
        return pick(CompletionKind::Model, &models(state), name, from);
    }
    if word.starts_with(':') && at_an_end(state, from) {
        return pick(CompletionKind::Policy, &policy_words(), word, from);
    }
    None
}

/// Is the caret's word, which begins at this byte, the message's first or its last? Anywhere else a
/// policy's word is text.
fn at_an_end(state: &AppState, from: usize) -> bool {
    let (row, _) = state.composer.caret();
    let (before, after) = state.composer.around();
    let lines = state.composer.area().lines();
    let blank = |lines: &[String]| lines.iter().all(|line| line.trim().is_empty());
    let first = blank(&lines[..row]) && before[..from].trim().is_empty();
    let last = blank(&lines[row + 1..]) && after.trim().is_empty();
    first || last
}

fn policy_words() -> Vec<CompletionItem> {
    POLICY_WORDS
        .iter()
        .map(|(word, policy)| CompletionItem {
            text: (*word).to_owned(),
            detail: (*policy).to_owned(),
        })
        .collect()
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
        Arg::Span => {
            words(&[("30m", "half an hour"), ("1h", "one hour"), ("1d", "a day"), ("7d", "a week")])
        }
        Arg::Mouse => words(&[
            ("off", "it is the terminal's own"),
            ("wheel", "it scrolls what it is over"),
            ("full", "the wheel, and clicks choose"),
        ]),
        Arg::Theme => state.looks.themes.iter().map(|name| item(name, "")).collect(),
        Arg::Reply => replies(state),
        Arg::Which => words(&[("all", "the whole chat")]),
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
            let mut items: Vec<_> = providers.map(|name| item(name.as_str(), "provider")).collect();
            items.push(item("off", "end every drill"));
            items.extend(models(state));
            items
        }
        Arg::DrillKind => words(&DrillKind::WORDS),
        Arg::ExportAs => {
            words(&[("md", "Markdown"), ("json", "everything, for programs"), ("html", "one page")])
        }
        Arg::Yes => words(&[("yes", "for good")]),
        Arg::OnOff => words(&[
            ("on", "models on this machine only, nothing stored"),
            ("off", "leave it; what was private does not come along"),
        ]),
        Arg::Forget => vec![item("clear", "forget kept answers: all, or one by its key")],
        Arg::BudgetScope => {
            let mut items = words(&[
                ("day", "all of today"),
                ("month", "all of this month"),
                ("session", "each chat"),
            ]);
            items.extend(arguments(state, Arg::Target));
            items
        }
        Arg::Amount => words(&[("2", "dollars"), ("off", "no budget")]),
        Arg::AtLimit => words(&[
            ("ask", "ask before going over it"),
            ("warn", "say so and go on"),
            ("stop", "refuse what would go over it"),
        ]),
        Arg::Text => Vec::new(),
    }
}

/// The replies of this chat by number, newest first, each with who gave it and to what.
fn replies(state: &AppState) -> Vec<CompletionItem> {
    let cells = &state.transcript.cells;
    let replies = cells.iter().filter_map(|cell| match cell {
        Cell::Reply(reply) => Some(reply),
        Cell::User(_) | Cell::Note(_) => None,
    });
    let mut items: Vec<CompletionItem> = replies
        .enumerate()
        .map(|(n, reply)| {
            let asked = match cells.get(reply.answers) {
                Some(Cell::User(user)) => user.text.lines().next().unwrap_or(""),
                Some(Cell::Reply(_) | Cell::Note(_)) | None => "",
            };
            let who = reply.model().map_or("no answer", |(model, _)| model.as_str());
            let detail = format!("{who}  {}", text::ellipsis(asked, ASKED));
            CompletionItem { text: (n + 1).to_string(), detail }
        })
        .collect();
    items.reverse();
    items
}

/// Goes through the offers, round and round.
pub(super) fn step(state: &mut AppState, step: isize) {
    if let Some(completion) = &mut state.completion {
        let count = completion.items.len() as isize;
        let at = (completion.selected as isize + step).rem_euclid(count.max(1));
        completion.selected = at as usize;
    }
}

/// Takes this offer.
pub(super) fn take(state: &mut AppState, offer: usize) {
    if let Some(completion) = &mut state.completion {
        completion.selected = offer;
        accept(state);
    }
}

/// Keys of the popup. `true` when it took one.
pub(super) fn key(state: &mut AppState, key: Chord) -> bool {
    if !in_main(state) || state.overlay.is_some() || state.focus != Focus::Composer {
        state.completion = None;
        return false;
    }
    if state.completion.is_none() || !key.mods.is_empty() {
        return false;
    }
    match key.code {
        KeyCode::Up => step(state, -1),
        KeyCode::Down => step(state, 1),
        KeyCode::Esc => state.completion = None,
        KeyCode::Tab => accept(state),
        KeyCode::Char(' ') if select_whole(state) => accept(state),
        KeyCode::Enter if takes_enter(state) => {
            let runs = runs_when_taken(state);
            accept(state);
            return !runs;
        }
        _ => return false,
    }
    true
}

/// Does the message begin, behind its tags, with the whole name of a model that is offered? Then it is
/// chosen.
fn select_whole(state: &mut AppState) -> bool {
    let (row, _) = state.composer.caret();
    let (before, _) = state.composer.around();
    let begins = behind_tags(before);
    let Some(word) = before[begins..].strip_prefix('@').filter(|_| row == 0) else { return false };
    let Some(completion) = &mut state.completion else { return false };
    let model = completion.kind == CompletionKind::Model && completion.from == begins;
    let whole = completion.items.iter().position(|item| is_named(&item.text, word));
    match whole.filter(|_| model) {
        Some(at) => {
            completion.selected = at;
            true
        }
        None => false,
    }
}

/// Is the line complete with the offer in it? What may follow it may be left out.
fn runs_when_taken(state: &AppState) -> bool {
    let Some(completion) = &state.completion else { return false };
    match completion.kind {
        CompletionKind::Model | CompletionKind::Policy => false,
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

/// Enter takes the offer, unless the word is already whole, or nothing of it was typed and no offer
/// was walked to: then it runs the line.
fn takes_enter(state: &AppState) -> bool {
    let Some(completion) = &state.completion else { return false };
    let Some(item) = completion.items.get(completion.selected) else { return false };
    let (before, _) = state.composer.around();
    match completion.kind {
        CompletionKind::Model => true,
        CompletionKind::Policy => before.get(completion.from..) != Some(item.text.as_str()),
        CompletionKind::Command | CompletionKind::Argument => {
            let word = before.get(completion.from..).unwrap_or("");
            let whole = completion.selected == 0
                && completion.items.iter().any(|item| is_named(&item.text, word));
            let meant = !word.is_empty() || completion.selected > 0;
            meant && item.text != word && !whole
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
        CompletionKind::Policy => {
            state.composer.replace_before(completion.from, &format!("{} ", item.text));
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
