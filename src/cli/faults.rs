//! `--faults`: a script of what goes wrong in the simulated fleet, by a shipped name or a file.
//!
//! Invariant: a script that is wrong is told before anything starts, every mistake of it.

use std::path::Path;

use crate::sim::{Control, GameDay};

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
