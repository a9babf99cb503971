//! What goes wrong in the simulated fleet: `--faults`, a script by a shipped name or a file; and what
//! is in force, as the console shows it.
//!
//! Invariant: a script that is wrong is told before anything starts, every mistake of it.

use std::path::Path;
use std::sync::Arc;

use futures_util::stream;

use crate::console::app::{FaultBoard, FaultKind, FaultShown};
use crate::console::shell::Faults;
use crate::engine;
use crate::sim::{Changes, Control, GameDay, KINDS};

use super::Stop;
use super::args::{Cli, Command};

/// Faults strike only what is simulated.
pub fn allowed(cli: &Cli) -> Result<(), Stop> {
    let Some(script) = &cli.global.faults else { return Ok(()) };
    let simulated = cli.global.demo || matches!(cli.command, Some(Command::Sim(_)));
    if !simulated {
        return Err(Stop::usage(
            "--faults strikes only the simulated fleet: add --demo, or use it with wheelhouse sim",
        ));
    }
    read(script).map(drop)
}

/// Reads a script and checks it against the fleet.
pub fn read(script: &Path) -> Result<GameDay, Stop> {
    let shipped = script.to_str().and_then(GameDay::shipped);
    let text = match shipped {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(script).map_err(|error| {
            let names: Vec<&str> = GameDay::names().collect();
            let (path, names) = (script.display(), names.join(", "));
            Stop::usage(format!("{path}: {error}; shipped scripts are {names}"))
        })?,
    };
    let fleet = Control::idle().map_err(Stop::error)?;
    GameDay::read(&text, &fleet).map_err(|mistakes| {
        let mut lines = vec![format!("{}: the script has mistakes", script.display())];
        lines.extend(mistakes.iter().map(|mistake| format!("  {mistake}")));
        Stop::usage(lines.join("\n"))
    })
}

/// What is in force at a fleet, and what will be whenever it changes.
pub fn watched(fleet: Control) -> (Arc<FaultBoard>, Faults) {
    let changes = fleet.changes();
    let now = Arc::new(board(&fleet));
    (now, Box::pin(stream::unfold((fleet, changes), next)))
}

type Watched = (Control, Changes);

async fn next((fleet, mut changes): Watched) -> Option<(Arc<FaultBoard>, Watched)> {
    changes.next().await;
    Some((Arc::new(board(&fleet)), (fleet, changes)))
}

fn board(fleet: &Control) -> FaultBoard {
    let now = engine::now();
    FaultBoard {
        places: fleet.providers().map(str::to_owned).collect(),
        kinds: KINDS
            .iter()
            .map(|kind| FaultKind {
                word: kind.word.to_owned(),
                doc: format!("{} {}", kind.takes, kind.doc).trim().to_owned(),
            })
            .collect(),
        in_force: fleet
            .all()
            .into_iter()
            .map(|(provider, fault)| FaultShown {
                words: fault.fault.words(),
                times: fault.times,
                until: fault.left().map(|left| now + left),
                place: match fault.model {
                    Some(model) => format!("{provider}/{model}"),
                    None => provider,
                },
            })
            .collect(),
    }
}
