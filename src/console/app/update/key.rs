//! A key or a paste: which field or action it goes to.
//!
//! Invariant: a letter is text only where a field has the caret; everywhere else it is an action
//! or nothing.

use crossterm::event::{KeyCode, KeyModifiers};

use crate::console::keys::{Action, Chord, Lookup};

use super::super::{
    AppState, Armed, FilterPhase, FindPhase, FirstRunField, FirstRunPage, Focus, LineInput,
    Overlay, Stage, View,
};
use super::{Effects, actions, budget, complete, costs, first, in_main, overlays, read, routes};

/// A key was pressed.
pub(super) fn press(state: &mut AppState, fx: &mut Effects, key: Chord) {
    if state.size.is_too_small() {
        // Nothing is seen, so nothing is done but leaving, and what changes nothing.
        if let Lookup::Action(
            action @ (Action::Interrupt | Action::Quit | Action::Suspend | Action::Redraw),
        ) = state.keymap.lookup(state.contexts(), None, key)
        {
            actions::run(state, fx, action);
        }
        return;
    }
    // Any other key than the one that armed it disarms; the second press looks at `armed` itself.
    if matches!(state.armed, Armed::Rewind { .. }) && key.code != KeyCode::Esc {
        state.armed = Armed::No;
    }
    let armed = state.armed;
    let contexts = state.contexts();
    if let Some(first) = state.pending.take() {
        match state.keymap.lookup(contexts, Some(first), key) {
            Lookup::Action(action) => actions::run(state, fx, action),
            Lookup::None | Lookup::Prefix => {}
        }
        return;
    }
    if budget::key(state, fx, key) || complete::key(state, key) {
        return;
    }
    let lookup = state.keymap.lookup(contexts, None, key);
    if typing(state) && takes_text(key, lookup) {
        let changed = field(state).is_some_and(|field| edit(field, key));
        if changed {
            field_changed(state, fx);
            return;
        }
        if key.typed().is_some() {
            return;
        }
    }
    if read::find_key(state, key) || routes::filter_key(state, key) || costs::filter_key(state, key)
    {
        return;
    }
    match lookup {
        Lookup::Action(action) => actions::run(state, fx, action),
        Lookup::Prefix => state.pending = Some(key),
        Lookup::None => {
            if let Some(c) = key.typed() {
                if let Some(Overlay::Rewind(_) | Overlay::Branches(_)) = state.overlay {
                    // Who writes on wants none of these; Enter would send what is chosen in them.
                    state.overlay = None;
                }
                type_char(state, c);
            }
        }
    }
    if state.armed == armed
        && !matches!(
            lookup,
            Lookup::Action(
                Action::Escape
                    | Action::Back
                    | Action::Interrupt
                    | Action::Quit
                    | Action::DeleteOrQuit
            )
        )
    {
        state.armed = Armed::No;
    }
}

/// A field of one line has the caret.
fn typing(state: &mut AppState) -> bool {
    field(state).is_some()
}

/// In a field, letters and editing keys are text, whatever else they might mean; keys that choose,
/// close or go elsewhere keep their meaning.
fn takes_text(key: Chord, lookup: Lookup) -> bool {
    if key.typed().is_some() {
        return true;
    }
    match lookup {
        Lookup::None => true,
        Lookup::Prefix => false,
        Lookup::Action(action) => {
            matches!(
                action,
                Action::LineUp
                    | Action::LineDown
                    | Action::HalfUp
                    | Action::HalfDown
                    | Action::Top
                    | Action::Bottom
            ) && !matches!(key.code, KeyCode::Up | KeyCode::Down)
        }
    }
}

/// The field of one line that has the caret.
fn field(state: &mut AppState) -> Option<&mut LineInput> {
    if let Some(overlay) = &mut state.overlay {
        return match overlay {
            Overlay::Palette(palette) => Some(&mut palette.query),
            Overlay::Picker(picker) => Some(&mut picker.query),
            Overlay::History(search) => Some(&mut search.query),
            Overlay::Help(help) => help.filter.as_mut(),
            Overlay::Sessions(list) => Some(&mut list.query),
            Overlay::Rewind(_) | Overlay::Branches(_) | Overlay::Test(_) | Overlay::Confirm(_) => {
                None
            }
        };
    }
    if let Stage::FirstRun(first) = &mut state.stage {
        return match (&mut first.page, first.field) {
            (FirstRunPage::KeyFor { field, .. }, _) => Some(field),
            (FirstRunPage::Choose, FirstRunField::Budget) => Some(&mut first.budget),
            (
                FirstRunPage::Choose | FirstRunPage::AddKey { .. } | FirstRunPage::ViewFile { .. },
                _,
            ) => None,
        };
    }
    if let Some(find) = &mut state.transcript.find
        && find.phase == FindPhase::Typing
    {
        return Some(&mut find.query);
    }
    let filter = match (state.focus, state.view) {
        (Focus::List, View::Routes) => &mut state.routes.filter,
        (Focus::List, View::Costs) => &mut state.costs.filter,
        (Focus::Composer | Focus::Read | Focus::Detail, _) | (Focus::List, View::Chat) => {
            return None;
        }
    };
    (filter.phase == FilterPhase::Typing).then_some(&mut filter.query)
}

/// Applies an editing key; `false` when it is none.
fn edit(field: &mut LineInput, key: Chord) -> bool {
    let control = key.mods == KeyModifiers::CONTROL;
    match key.code {
        KeyCode::Char(c) if key.mods.is_empty() => field.insert(c.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace if key.mods.is_empty() => field.backspace(),
        KeyCode::Backspace => field.delete_word(),
        KeyCode::Char('w') if control => field.delete_word(),
        KeyCode::Char('u') if control => field.clear(),
        KeyCode::Char('a') if control => field.home(),
        KeyCode::Char('e') if control => field.end(),
        KeyCode::Delete => field.delete(),
        KeyCode::Left => field.left(),
        KeyCode::Right => field.right(),
        KeyCode::Home => field.home(),
        KeyCode::End => field.end(),
        _ => return false,
    }
    true
}

/// What follows from another text in the field.
fn field_changed(state: &mut AppState, fx: &mut Effects) {
    if state.overlay.is_some() {
        overlays::query_changed(state, fx);
    } else if let Stage::FirstRun(first) = &mut state.stage {
        first.problem = None;
    } else if state.transcript.find.is_some() {
        read::find_changed(state);
    } else if state.view == View::Costs {
        costs::filter_changed(state);
    } else {
        routes::filter_changed(state);
    }
}

/// A letter that is no action.
fn type_char(state: &mut AppState, c: char) {
    if c == '/' && overlays::help_filter(state) {
        return;
    }
    if !in_main(state) || state.overlay.is_some() || state.focus != Focus::Composer {
        return;
    }
    if c == '?' && state.composer.is_empty() {
        overlays::help(state);
        return;
    }
    state.composer.type_char(c);
    complete::refresh(state);
}

/// A paste: text for the field that has the caret, else for the draft. It never sends.
pub(super) fn paste(state: &mut AppState, fx: &mut Effects, text: &str) {
    if let Some(field) = field(state) {
        field.insert(text);
        field_changed(state, fx);
        return;
    }
    if !in_main(state) {
        first::paste(state);
        return;
    }
    state.overlay = None;
    state.focus = Focus::Composer;
    state.view = View::Chat;
    state.composer.paste(text);
    complete::refresh(state);
}
