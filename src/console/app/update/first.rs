//! The first screen: choosing what to start with.
//!
//! Invariant: nothing starts and nothing is written but by the user's own key.

use secrecy::SecretString;

use super::super::{
    AppState, Detection, Effect, EnginePhase, FirstRun, FirstRunField, FirstRunPage, Focus,
    FoundKey, LineInput, Looking, Stage, StartChoice, StartPlan, Tone,
};
use super::{Effects, notes};

fn with(state: &mut AppState) -> Option<&mut FirstRun> {
    match &mut state.stage {
        Stage::FirstRun(first) => Some(first),
        Stage::Main => None,
    }
}

/// What was found on this machine.
pub(super) fn detected(state: &mut AppState, found: Detection) {
    let Some(first) = with(state) else { return };
    let before = first.choices().get(first.selected).copied();
    // A key given for this run is known only here.
    let mut found = found;
    for known in first.found.providers.iter().filter(|known| known.key == FoundKey::ForThisRun) {
        if let Some(provider) = found.providers.iter_mut().find(|p| p.name == known.name) {
            provider.key = FoundKey::ForThisRun;
        }
    }
    let looking = std::mem::replace(&mut first.looking, Looking::Done);
    first.found = found;
    // What the user is on stays; before anything was found, the best choice is on top.
    first.selected = match looking {
        Looking::Now => 0,
        Looking::Done => {
            first.choices().iter().position(|choice| Some(*choice) == before).unwrap_or(0)
        }
    };
}

/// Moves the selection.
pub(super) fn select(state: &mut AppState, step: isize) {
    let Some(first) = with(state) else { return };
    let choices = first.choices().len();
    let round = |at: usize, count: usize| {
        if count == 0 { 0 } else { (at as isize + step).rem_euclid(count as isize) as usize }
    };
    let missing = missing(&first.found).len();
    match &mut first.page {
        FirstRunPage::Choose => {
            first.field = FirstRunField::Choices;
            first.selected = round(first.selected, choices);
        }
        FirstRunPage::AddKey { selected } => *selected = round(*selected, missing),
        FirstRunPage::ViewFile { top } => *top = top.saturating_add_signed(step),
        FirstRunPage::KeyFor { .. } => {}
    }
}

/// Indices of providers without a key.
fn missing(found: &Detection) -> Vec<usize> {
    found
        .providers
        .iter()
        .enumerate()
        .filter(|(_, provider)| provider.key == FoundKey::Missing)
        .map(|(index, _)| index)
        .collect()
}

/// Enter.
pub(super) fn accept(state: &mut AppState, fx: &mut Effects) {
    let Some(first) = with(state) else { return };
    match &mut first.page {
        FirstRunPage::Choose => match first.choices().get(first.selected) {
            Some(StartChoice::Found) => start(state, fx, StartPlan::Found),
            Some(StartChoice::LocalOnly) => start(state, fx, StartPlan::LocalOnly),
            Some(StartChoice::Demo) | None => start(state, fx, StartPlan::Demo),
            Some(StartChoice::AddKey) => {
                first.page = FirstRunPage::AddKey { selected: 0 };
                fx.push(Effect::Detect);
            }
        },
        FirstRunPage::AddKey { selected } => {
            let selected = *selected;
            if let Some(provider) = missing(&first.found).get(selected) {
                first.page =
                    FirstRunPage::KeyFor { provider: *provider, field: LineInput::default() };
            }
        }
        FirstRunPage::KeyFor { provider, field } => {
            let key = field.text().trim().to_owned();
            let provider = *provider;
            if let (false, Some(found)) = (key.is_empty(), first.found.providers.get_mut(provider))
            {
                found.key = FoundKey::ForThisRun;
                let variable = found.variable.clone();
                fx.push(Effect::KeepKey { variable, key: SecretString::from(key) });
            }
            first.page = FirstRunPage::Choose;
            first.selected = 0;
            fx.push(Effect::Detect);
        }
        FirstRunPage::ViewFile { .. } => write(state, fx),
    }
}

fn start(state: &mut AppState, fx: &mut Effects, plan: StartPlan) {
    state.stage = Stage::Main;
    state.focus = Focus::Composer;
    state.engine = EnginePhase::Starting;
    state.looks.simulated = plan == StartPlan::Demo;
    fx.push(Effect::Start(plan));
}

/// Esc: a step back; from the choices, the demo.
pub(super) fn back(state: &mut AppState, fx: &mut Effects) {
    let Some(first) = with(state) else { return };
    match first.page {
        FirstRunPage::Choose if first.field == FirstRunField::Budget => {
            first.field = FirstRunField::Choices;
        }
        FirstRunPage::Choose => start(state, fx, StartPlan::Demo),
        FirstRunPage::KeyFor { .. } => first.page = FirstRunPage::AddKey { selected: 0 },
        FirstRunPage::AddKey { .. } | FirstRunPage::ViewFile { .. } => {
            first.page = FirstRunPage::Choose;
        }
    }
}

/// Shows the file that would be written.
pub(super) fn view_file(state: &mut AppState) {
    if let Some(first) = with(state)
        && first.page == FirstRunPage::Choose
    {
        first.page = FirstRunPage::ViewFile { top: 0 };
    }
}

/// Writes the file that is shown. Only ever from the page that shows it.
pub(super) fn write(state: &mut AppState, fx: &mut Effects) {
    let Some(first) = with(state) else { return };
    if !matches!(first.page, FirstRunPage::ViewFile { .. }) || first.written {
        return;
    }
    match first.file() {
        Ok(text) => fx.push(Effect::WriteConfig(text)),
        Err(problem) => first.problem = Some(problem),
    }
}

/// The file was written, or why not.
pub(super) fn written(state: &mut AppState, result: Result<(), String>) {
    let Some(first) = with(state) else {
        if let Err(why) = result {
            notes::toast(state, Tone::Bad, why);
        }
        return;
    };
    match result {
        Ok(()) => {
            first.written = true;
            first.problem = None;
            first.page = FirstRunPage::Choose;
        }
        Err(why) => first.problem = Some(why),
    }
}

/// A paste where no field is: on the page that lists providers it is no accident, but which one is
/// meant is not known.
pub(super) fn paste(state: &mut AppState) {
    if let Some(first) = with(state) {
        first.problem = Some("choose a provider first, then paste its key".to_owned());
    }
}
