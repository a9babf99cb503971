//! What goes wrong on purpose: `/fault` strikes a simulated fleet, `/drill` pretends on this side.
//!
//! Invariant: neither does anything that is not shown on the top line while it lasts.

use std::sync::Arc;
use std::time::Duration;

use crate::console::composer::Draft;
use crate::domain::{ModelName, parse_span};
use crate::engine::{Command, Drill, DrillKind};

use super::super::{AppState, Effect, FaultBoard, Tone, time_left};
use super::slash::{STARTING, named};
use super::{Effects, notes};

/// How long a drill lasts where nothing is said.
const DRILL: Duration = Duration::from_mins(10);

/// `/fault`: lists, or hands the order to the fleet.
pub(super) fn fault(state: &mut AppState, fx: &mut Effects, order: &str) -> Result<(), String> {
    let Some(board) = &state.faults else {
        if state.looks.simulated && state.snapshot.is_none() {
            return Err(STARTING.to_owned());
        }
        return Err("faults strike only the simulated fleet: start with wheelhouse --demo; \
            /drill pretends with real providers"
            .to_owned());
    };
    if order.is_empty() {
        let text = listed(state, board);
        notes::note(state, Tone::Info, text);
    } else {
        fx.push(Effect::Fault(order.to_owned()));
    }
    Ok(())
}

fn listed(state: &AppState, board: &FaultBoard) -> String {
    if board.in_force.is_empty() {
        return "no fault is in force; /fault PROVIDER KIND strikes one".to_owned();
    }
    let lines = board.in_force.iter().map(|fault| {
        let left = match (fault.times, fault.until) {
            (Some(1), _) => ", once more".to_owned(),
            (Some(times), _) => format!(", {times} times more"),
            (None, Some(until)) => {
                format!(", {} more", time_left(state.now.until(until)))
            }
            (None, None) => String::new(),
        };
        format!("{} {}{left}", fault.place, fault.words)
    });
    format!("faults in force, /fault clear lifts them\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// The fleet said what it did. An order it did not understand is back in the draft.
pub(super) fn struck(state: &mut AppState, order: &str, result: Result<String, String>) {
    match result {
        Ok(what) => notes::toast(state, Tone::Warn, format!("fault: {what}")),
        Err(why) => {
            if state.composer.is_blank() {
                let text = format!("/fault {order}");
                state.composer.set(Draft { text, ..Draft::default() });
            }
            notes::toast(state, Tone::Bad, why);
        }
    }
}

/// What is in force changed.
pub(super) fn board(state: &mut AppState, board: Arc<FaultBoard>) {
    state.faults = Some(board);
}

/// `/drill`: lists, begins or ends.
pub(super) fn drill(
    state: &mut AppState,
    fx: &mut Effects,
    name: &str,
    rest: &str,
) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let drills = &snapshot.overrides.drills;
    match name {
        "" if drills.is_empty() => {
            notes::note(state, Tone::Info, "no drill is on; /drill NAME down 10m begins one");
        }
        "" => {
            let lines = drills.iter().map(|drill| {
                let left = time_left(state.now.until(drill.until));
                format!("{} counts as {}, {left} more", drill.name, drill.kind.words())
            });
            let lines = lines.collect::<Vec<_>>().join("\n");
            notes::note(state, Tone::Info, format!("drills, /drill off ends them\n{lines}"));
        }
        "off" => {
            let which = if rest.is_empty() {
                None
            } else {
                let on = drills.iter().map(|drill| drill.name.as_str());
                Some(named(rest, &on, "drill on")?.to_owned())
            };
            if drills.is_empty() {
                return Err("no drill is on".to_owned());
            }
            fx.push(Effect::Command(Command::EndDrill(which)));
        }
        name => {
            let models = snapshot.models.keys().map(ModelName::as_str);
            let providers = snapshot.providers.keys().map(crate::domain::ProviderName::as_str);
            // A provider goes before a model whose name begins alike.
            let name = named(name, &providers.clone(), "provider")
                .or_else(|_| named(name, &models.chain(providers), "model or provider"))?
                .to_owned();
            let words: Vec<&str> = rest.split_whitespace().collect();
            let (kind, took) = DrillKind::read(&words)?;
            let span = match words.get(took..).unwrap_or_default() {
                [] => DRILL,
                ["for", span] | [span] => {
                    parse_span(span).map_err(|error| format!("{span:?}: {error}"))?
                }
                [..] => return Err("/drill NAME down|slow 4s|limit|cut [10m]".to_owned()),
            };
            let until = state.now + span;
            state.undo = vec![Command::EndDrill(Some(name.clone()))];
            fx.push(Effect::Command(Command::Drill(Drill { name, kind, until })));
        }
    }
    Ok(())
}
