//! What lies over a view: opening it, choosing in it, closing it.

use crate::console::command;
use crate::console::keys::{Context, HelpGroup, TABLE};

use super::super::{
    AppState, FirstRunField, Focus, Help, HelpLine, HistorySearch, LineInput, Overlay, Palette,
    PaletteItem, Run, Stage, View, fuzzy,
};
use super::{Effects, actions, branches, first, picker, send, sessions, slash};

/// Entries a page is, in a list that lies over a view.
const PAGE: isize = 8;

/// Opens the palette: every action, every command, and what can be said with one argument.
pub(super) fn palette(state: &mut AppState) {
    let mut items: Vec<PaletteItem> = TABLE
        .iter()
        .filter(|info| !info.title.is_empty())
        .map(|info| PaletteItem {
            title: info.title.to_owned(),
            keys: state.keymap.hint(info.action),
            run: Run::Action(info.action),
        })
        .collect();
    let mut line = |title: String, run: String| {
        items.push(PaletteItem { title, keys: String::new(), run: Run::Command(run) });
    };
    if let Some(snapshot) = &state.snapshot {
        for policy in snapshot.config.policies.keys() {
            line(format!("Policy: {policy}"), format!("/policy {policy}"));
        }
        for veto in &snapshot.overrides.vetoes {
            line(format!("Allow: {} again", veto.name), format!("/allow {}", veto.name));
        }
        for provider in snapshot.providers.values().filter(|provider| provider.active) {
            line(
                format!("Avoid: {} for 1 hour", provider.provider),
                format!("/avoid {} 1h", provider.provider),
            );
        }
    }
    for theme in &state.looks.themes {
        line(format!("Theme: {theme}"), format!("/theme {theme}"));
    }
    for command in command::TABLE {
        line(format!("{}  {}", command.usage(), command.doc), format!("/{} ", command.name));
    }
    let hits = (0..items.len()).collect();
    let palette = Palette { query: LineInput::default(), items, hits, selected: 0 };
    state.overlay = Some(Overlay::Palette(palette));
}

/// Opens help for the pane that has the keys.
pub(super) fn help(state: &mut AppState) {
    let contexts = if state.overlay.is_some() { &[Context::Global] } else { state.contexts() };
    let title = match (&state.stage, state.view, state.focus) {
        (Stage::FirstRun(_), _, _) => "the first screen",
        (Stage::Main, View::Chat, Focus::Composer) => "Chat, composer",
        (Stage::Main, View::Chat, _) => "Chat, read mode",
        (Stage::Main, View::Routes, Focus::Detail) => "Routes, why",
        (Stage::Main, View::Routes, _) => "Routes",
        (Stage::Main, View::Costs, _) => "Costs",
    };
    let mut items: Vec<HelpLine> = Vec::new();
    for info in TABLE.iter().filter(|info| info.group != HelpGroup::Plain) {
        let keys: Vec<String> = state
            .keymap
            .keys_of(info.action)
            .iter()
            .filter(|(context, _)| contexts.contains(context))
            .map(|(_, sequence)| sequence.short())
            .collect();
        if !keys.is_empty() {
            items.push(HelpLine {
                group: info.group,
                keys: keys.join(" "),
                doc: info.doc.to_owned(),
                action: info.action,
            });
        }
    }
    items.sort_by_key(|item| item.group);
    let hits = (0..items.len()).collect();
    let help = Help { title: title.to_owned(), filter: None, items, hits, selected: 0 };
    state.overlay = Some(Overlay::Help(help));
}

/// Opens the search through earlier prompts.
pub(super) fn history(state: &mut AppState) {
    let mut items: Vec<String> = Vec::new();
    for draft in state.composer.history.newest_first() {
        if !items.contains(&draft.text) {
            items.push(draft.text.clone());
        }
    }
    let hits = (0..items.len()).collect();
    let query = LineInput::default();
    state.overlay = Some(Overlay::History(HistorySearch { query, items, hits, selected: 0 }));
}

/// Another query in the overlay's field.
pub(super) fn query_changed(state: &mut AppState, fx: &mut Effects) {
    match &mut state.overlay {
        Some(Overlay::Sessions(_)) => sessions::query_changed(state, fx),
        Some(Overlay::Palette(palette)) => {
            let titles = palette.items.iter().map(|item| item.title.as_str());
            palette.hits = fuzzy::rank(palette.query.text(), titles);
            palette.selected = 0;
        }
        Some(Overlay::Picker(picker)) => picker::narrow(picker),
        Some(Overlay::History(search)) => {
            // Newest first is the order that helps here, so what matches keeps it.
            let needle = search.query.text().to_lowercase();
            search.hits = (0..search.items.len())
                .filter(|index| search.items[*index].to_lowercase().contains(&needle))
                .collect();
            search.selected = 0;
        }
        Some(Overlay::Help(help)) => {
            let query = help.filter.as_ref().map_or("", LineInput::text).to_lowercase();
            help.hits = (0..help.items.len())
                .filter(|index| {
                    let item = &help.items[*index];
                    item.doc.to_lowercase().contains(&query)
                        || item.keys.to_lowercase().contains(&query)
                })
                .collect();
            help.selected = 0;
        }
        Some(
            Overlay::Rewind(_) | Overlay::Branches(_) | Overlay::Test(_) | Overlay::Confirm(_),
        )
        | None => {}
    }
}

fn moved(selected: usize, count: usize, step: isize) -> usize {
    match count {
        0 => 0,
        // One step goes round; a page stops at the ends.
        _ if step.abs() == 1 => (selected as isize + step).rem_euclid(count as isize) as usize,
        _ => selected.saturating_add_signed(step).min(count - 1),
    }
}

/// Moves the selection.
pub(super) fn select(state: &mut AppState, step: isize) {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => {
            palette.selected = moved(palette.selected, palette.hits.len(), step);
        }
        Some(Overlay::Picker(picker)) => {
            picker.selected = moved(picker.selected, picker.hits.len(), step);
        }
        Some(Overlay::Help(help)) => help.selected = moved(help.selected, help.hits.len(), step),
        Some(Overlay::History(search)) => {
            search.selected = moved(search.selected, search.hits.len(), step);
        }
        Some(Overlay::Rewind(rewind)) => {
            rewind.selected = moved(rewind.selected, rewind.items.len(), step);
        }
        Some(Overlay::Branches(list)) => {
            list.selected = moved(list.selected, list.items.len(), step);
        }
        Some(Overlay::Sessions(list)) => {
            list.removing = None;
            list.selected = moved(list.selected, list.items.as_ref().map_or(0, Vec::len), step);
        }
        Some(Overlay::Test(_) | Overlay::Confirm(_)) => {}
        None => first::select(state, step),
    }
}

/// A click on a hit selects it; one more takes it.
pub(super) fn click(state: &mut AppState, fx: &mut Effects, hit: usize) {
    let selected = match &mut state.overlay {
        Some(Overlay::Palette(palette)) => &mut palette.selected,
        Some(Overlay::Picker(picker)) => &mut picker.selected,
        Some(Overlay::Help(help)) => &mut help.selected,
        Some(Overlay::History(search)) => &mut search.selected,
        Some(Overlay::Rewind(rewind)) => &mut rewind.selected,
        Some(Overlay::Branches(list)) => &mut list.selected,
        Some(Overlay::Sessions(list)) => &mut list.selected,
        Some(Overlay::Test(_) | Overlay::Confirm(_)) | None => return,
    };
    if *selected == hit {
        accept(state, fx);
    } else {
        *selected = hit;
    }
}

/// Moves the selection by a page.
pub(super) fn select_page(state: &mut AppState, direction: isize) {
    select(state, direction * PAGE);
}

/// The next scope of the picker, or the next field of the first screen.
pub(super) fn next_field(state: &mut AppState, step: isize) {
    match &mut state.overlay {
        Some(Overlay::Picker(picker)) => {
            picker.scope = moved(picker.scope, picker.scopes.len(), step);
        }
        Some(
            Overlay::Palette(_)
            | Overlay::Help(_)
            | Overlay::History(_)
            | Overlay::Rewind(_)
            | Overlay::Branches(_)
            | Overlay::Sessions(_)
            | Overlay::Test(_)
            | Overlay::Confirm(_),
        ) => select(state, step),
        None => {
            if let Stage::FirstRun(first) = &mut state.stage {
                first.field = match first.field {
                    FirstRunField::Choices => FirstRunField::Budget,
                    FirstRunField::Budget => FirstRunField::Choices,
                };
            }
        }
    }
}

/// Takes what is selected.
pub(super) fn accept(state: &mut AppState, fx: &mut Effects) {
    match &state.overlay {
        Some(Overlay::Palette(palette)) => {
            let run = palette.hits.get(palette.selected).map(|hit| palette.items[*hit].run.clone());
            state.overlay = None;
            match run {
                Some(Run::Action(action)) => actions::run(state, fx, action),
                Some(Run::Command(line)) => slash::run_or_begin(state, fx, &line),
                None => {}
            }
        }
        Some(Overlay::Picker(_)) => picker::accept(state, fx),
        Some(Overlay::Help(help)) => {
            let action = help.hits.get(help.selected).map(|hit| help.items[*hit].action);
            state.overlay = None;
            if let Some(action) = action {
                actions::run(state, fx, action);
            }
        }
        Some(Overlay::History(search)) => {
            let text = search.hits.get(search.selected).map(|hit| search.items[*hit].clone());
            state.overlay = None;
            let draft = text.and_then(|text| {
                state.composer.history.newest_first().find(|draft| draft.text == text).cloned()
            });
            if let Some(draft) = draft {
                send::take_up(state, draft);
                state.view = View::Chat;
                state.focus = Focus::Composer;
            }
        }
        Some(Overlay::Rewind(rewind)) => {
            let cell = rewind.items.get(rewind.selected).copied();
            state.overlay = None;
            if let Some(cell) = cell {
                send::edit(state, cell);
            }
        }
        Some(Overlay::Branches(_)) => branches::accept(state, fx),
        Some(Overlay::Sessions(_)) => sessions::accept(state, fx),
        // Money is not spent by a key that is pressed all the time.
        Some(Overlay::Confirm(_)) => {}
        Some(Overlay::Test(_)) => state.overlay = None,
        None => first::accept(state, fx),
    }
}

/// Closes what lies over the view; on the first screen, steps back.
pub(super) fn close(state: &mut AppState, fx: &mut Effects) {
    match &mut state.overlay {
        Some(Overlay::Help(help)) if help.filter.is_some() => {
            help.filter = None;
            help.hits = (0..help.items.len()).collect();
            help.selected = 0;
        }
        Some(_) => state.overlay = None,
        None => first::back(state, fx),
    }
}

/// `/` in help begins a filter.
pub(super) fn help_filter(state: &mut AppState) -> bool {
    match &mut state.overlay {
        Some(Overlay::Help(help)) if help.filter.is_none() => {
            help.filter = Some(LineInput::default());
            true
        }
        _ => false,
    }
}

/// The same prompt-search key again goes to the next hit.
pub(super) fn history_again(state: &mut AppState) {
    match &state.overlay {
        Some(Overlay::History(_)) => select(state, 1),
        _ => history(state),
    }
}
