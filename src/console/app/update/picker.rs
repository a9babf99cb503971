//! The override picker: which models there are, what is known of them, what is done with one.

use std::fmt::Write as _;

use std::time::Duration;

use crate::domain::{ModelName, PinScope, Price, UnixMs};
use crate::engine::{Command, ModelStatus, Snapshot};
use crate::route::HealthState;

use super::super::{
    AppState, Cell, Effect, Focus, LineInput, Overlay, OverridePicker, Pick, PickFor, PickRow,
    PickScope, Tone, View, fuzzy,
};
use super::{Effects, notes, send};

/// How long "1 hour" is.
const HOUR: Duration = Duration::from_hours(1);
/// Prompts at or under these dollars per million tokens answer to `<$1` and the like.
const PRICE_WORDS: [(f64, &str); 3] = [(1.0, "<$1"), (5.0, "<$5"), (20.0, "<$20")];

/// Words that name a property of a model.
const PROPERTIES: [&str; 5] = ["free", "local", "vision", "tools", "reasoning"];

/// Opens the picker for the draft; with an empty draft, for the last message.
pub(super) fn open_for_draft(state: &mut AppState) {
    let last = state.transcript.cells.iter().rposition(|cell| matches!(cell, Cell::User(_)));
    let target = match last {
        Some(cell) if state.composer.is_blank() && state.running().is_none() => {
            PickFor::Resend(cell)
        }
        _ => PickFor::Draft,
    };
    open(state, target);
}

/// Opens the picker.
pub(super) fn open(state: &mut AppState, target: PickFor) {
    let Some(snapshot) = state.snapshot.clone() else {
        notes::toast(state, Tone::Warn, "still starting");
        return;
    };
    let rows = rows(state, &snapshot);
    let mut scopes = vec![PickScope::Message, PickScope::Chat, PickScope::Hour, PickScope::Always];
    let tags = match target {
        PickFor::Draft => crate::console::composer::parse(&state.composer.expanded()).tags,
        PickFor::Resend(cell) => match state.transcript.cells.get(cell) {
            Some(Cell::User(user)) => user.tags.clone(),
            Some(Cell::Reply(_) | Cell::Note(_)) | None => Vec::new(),
        },
    };
    scopes.extend(tags.into_iter().map(PickScope::Tag));
    let mut picker = OverridePicker {
        query: LineInput::default(),
        target,
        hits: Vec::new(),
        rows,
        selected: 0,
        scopes,
        scope: 0,
    };
    narrow(&mut picker);
    state.overlay = Some(Overlay::Picker(picker));
}

/// Narrows the rows to what the query says: words that name a property must be there, the rest is
/// looked for in names and providers.
pub(super) fn narrow(picker: &mut OverridePicker) {
    let (properties, names): (Vec<&str>, Vec<&str>) =
        picker.query.text().split_whitespace().partition(|word| {
            word.starts_with('<')
                || PROPERTIES.contains(word)
                || word.strip_suffix('k').is_some_and(|n| n.parse::<u64>().is_ok())
        });
    let fits = |row: &PickRow| {
        properties.iter().all(|word| row.words.split_whitespace().any(|known| known == *word))
    };
    let plain: Vec<String> = picker
        .rows
        .iter()
        .map(|row| row.words.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    picker.hits = fuzzy::rank(&names.join(" "), plain.iter().map(String::as_str));
    picker.hits.retain(|hit| fits(&picker.rows[*hit]));
    picker.selected = 0;
}

fn rows(state: &AppState, snapshot: &Snapshot) -> Vec<PickRow> {
    let decision = state.preview.as_ref().map(|preview| &preview.decision);
    let mut rows: Vec<PickRow> = snapshot
        .models
        .values()
        .map(|status| {
            let mut row = row(state, snapshot, status);
            if let Some(candidate) = decision.and_then(|d| d.candidate(status.model.as_str()))
                && let Some(reason) = candidate.filtered.first()
            {
                row.unusable.clone_from(&reason.detail);
            }
            row
        })
        .collect();
    let order = |row: &PickRow| match &row.pick {
        Pick::Model(model) => {
            state.recent_models.iter().position(|known| known == model).unwrap_or(usize::MAX)
        }
        Pick::Auto { .. } => 0,
    };
    rows.sort_by_key(|row| (order(row), row.words.clone()));
    let would = decision.and_then(|d| d.chosen()).map(|chosen| chosen.model.clone());
    let auto = PickRow {
        pick: Pick::Auto { policy: snapshot.policy.clone(), would },
        provider: None,
        price: None,
        ttft_ms: None,
        measured: false,
        state: HealthState::Unknown,
        context: 0,
        recent: false,
        pinned: false,
        unusable: String::new(),
        words: format!("auto {}", snapshot.policy),
    };
    rows.push(auto);
    rows
}

fn row(state: &AppState, snapshot: &Snapshot, status: &ModelStatus) -> PickRow {
    let model = snapshot.config.models.get(&status.model);
    let provider = snapshot.config.providers.get(&status.provider);
    let rates = model.and_then(|model| model.rates(state.now, 0));
    let price = rates.map(|rates| (rates.input, rates.output));
    let local = provider.is_some_and(|provider| provider.local);
    let context = model.map_or(0, |model| model.context);
    let mut words = format!("{} {}", status.model, status.provider);
    if price == Some((Price::FREE, Price::FREE)) {
        words.push_str(" free");
    }
    if let Some((input, _)) = price {
        for (dollars, word) in PRICE_WORDS {
            if input.dollars_per_million() <= dollars {
                words.push(' ');
                words.push_str(word);
            }
        }
    }
    if local {
        words.push_str(" local");
    }
    if let Some(model) = model {
        for (has, word) in [
            (model.capabilities.vision, " vision"),
            (model.capabilities.tools, " tools"),
            (model.capabilities.reasoning, " reasoning"),
        ] {
            if has {
                words.push_str(word);
            }
        }
    }
    let _ = write!(words, " {}k", context / 1000);
    let measured = status.health.ttft_p50;
    PickRow {
        pick: Pick::Model(status.model.clone()),
        provider: Some(status.provider.clone()),
        price,
        ttft_ms: measured.or_else(|| model.map(|model| model.latency.ttft_ms)),
        measured: measured.is_some(),
        state: status.health.state,
        context,
        recent: state.recent_models.contains(&status.model),
        pinned: snapshot.overrides.pins.iter().any(|pin| pin.model == status.model),
        unusable: String::new(),
        words,
    }
}

/// Does what the chosen row and scope say.
pub(super) fn accept(state: &mut AppState, fx: &mut Effects) {
    let Some(Overlay::Picker(picker)) = state.overlay.take() else { return };
    let Some(row) = picker.hits.get(picker.selected).and_then(|hit| picker.rows.get(*hit)) else {
        return;
    };
    let scope = picker.scopes.get(picker.scope).cloned().unwrap_or(PickScope::Message);
    let model = match &row.pick {
        Pick::Auto { .. } => {
            back_to_auto(state, fx);
            if let PickFor::Resend(cell) = picker.target {
                resend_auto(state, fx, cell);
            }
            return;
        }
        Pick::Model(model) => model.clone(),
    };
    if let Some((scope, until, words)) = pin_scope(state.now, &scope) {
        pin(state, fx, &model, scope, until, &words);
        if let PickFor::Resend(cell) = picker.target {
            send::again(state, fx, cell, None);
        }
        return;
    }
    match picker.target {
        PickFor::Draft => {
            state.composer.set_chip(Some(model));
            state.view = View::Chat;
            state.focus = Focus::Composer;
        }
        PickFor::Resend(cell) => {
            state.view = View::Chat;
            state.focus = Focus::Composer;
            send::again(state, fx, cell, Some(model));
        }
    }
}

fn resend_auto(state: &mut AppState, fx: &mut Effects, cell: usize) {
    if let Some(Cell::User(user)) = state.transcript.cells.get_mut(cell) {
        user.model = None;
    }
    super::changed_cell(state, cell);
    send::again(state, fx, cell, None);
}

/// What a scope asks of the engine; `None` for one message, which the engine need not be told.
fn pin_scope(now: UnixMs, scope: &PickScope) -> Option<(PinScope, Option<UnixMs>, String)> {
    match scope {
        PickScope::Message => None,
        PickScope::Chat => Some((PinScope::Session, None, "for this chat, in this run".to_owned())),
        PickScope::Hour => Some((PinScope::All, Some(now + HOUR), "for 1 hour".to_owned())),
        PickScope::Always => Some((PinScope::All, None, "until undone".to_owned())),
        PickScope::Tag(tag) => {
            Some((PinScope::Tag(tag.clone()), None, format!("for #{tag}, until undone")))
        }
    }
}

/// Pins a model.
pub(super) fn pin(
    state: &mut AppState,
    fx: &mut Effects,
    model: &ModelName,
    scope: PinScope,
    until: Option<UnixMs>,
    words: &str,
) {
    let session = matches!(scope, PinScope::Session | PinScope::Message).then_some(state.session);
    state.undo = vec![Command::Unpin { session: Some(state.session) }];
    let lifted = lift_vetoes(state, fx, model);
    let also = if lifted { ", no longer avoided" } else { "" };
    let text = format!("{model} pinned {words}{also}; Ctrl+X a goes back to auto");
    notes::toast(state, Tone::Good, text);
    fx.push(Effect::Command(Command::Pin { model: model.clone(), scope, session, until }));
}

/// Whoever pins a model means it: what was said against it before is taken back. Says whether
/// anything was.
fn lift_vetoes(state: &AppState, fx: &mut Effects, model: &ModelName) -> bool {
    let Some(snapshot) = &state.snapshot else { return false };
    let provider = snapshot.models.get(model).map(|status| status.provider.as_str());
    let against: Vec<String> = snapshot
        .overrides
        .vetoes
        .iter()
        .filter(|veto| veto.name == model.as_str() || Some(veto.name.as_str()) == provider)
        .map(|veto| veto.name.clone())
        .collect();
    let any = !against.is_empty();
    fx.extend(against.into_iter().map(|name| Effect::Command(Command::Allow(name))));
    any
}

/// Back to the router: the chip and the pins that apply here go.
pub(super) fn back_to_auto(state: &mut AppState, fx: &mut Effects) {
    state.composer.set_chip(None);
    notes::toast(state, Tone::Good, "back to auto");
    fx.push(Effect::Command(Command::Unpin { session: Some(state.session) }));
}

/// The next of the models used lately as this message's chip; after the last comes auto.
pub(super) fn cycle(state: &mut AppState, step: isize) {
    let count = state.recent_models.len() as isize + 1;
    let at = match &state.composer.chip {
        None => 0,
        Some(chip) => state
            .recent_models
            .iter()
            .position(|known| known == chip)
            .map_or(0, |position| position as isize + 1),
    };
    let to = (at + step).rem_euclid(count);
    let chip = usize::try_from(to - 1).ok().and_then(|index| state.recent_models.get(index));
    state.composer.set_chip(chip.cloned());
    if count == 1 {
        notes::toast(state, Tone::Info, "no model was used yet");
    }
}
