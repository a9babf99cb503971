//! `wheelhouse config init|check|show|path`.
//!
//! Invariant: a file that is there is never written over; a new one is private to the user.

use std::path::Path;

use crate::config;
use crate::engine;

use super::args::ConfigCommand;
use super::compose::Setup;
use super::{Exit, Io, Stop};

/// Does what was asked.
pub fn run(what: &ConfigCommand, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let path = &setup.paths.config_file;
    match what {
        ConfigCommand::Init { print: true } => {
            io.out.write_all(config::starter(None).as_bytes())?;
        }
        ConfigCommand::Init { print: false } => {
            write_new(path, &config::starter(None))?;
            writeln!(io.out, "{}", path.display())?;
            io.talk("written; every line is a comment until you change it");
        }
        ConfigCommand::Check => {
            let loaded = setup.load()?;
            for warning in &loaded.warnings {
                io.talk(&format!("note: {warning}"));
            }
            let config = &loaded.config;
            for words in engine::warm_words(config, engine::now()) {
                io.talk(&format!("note: {words}"));
            }
            writeln!(
                io.out,
                "ok: {} providers, {} models, {} rules, policy {}",
                config.providers.len(),
                config.models.len(),
                config.routing.rules.len(),
                config.routing.policy
            )?;
        }
        ConfigCommand::Show { filter } => {
            let shown = setup.load()?.show(filter.as_deref());
            io.out.write_all(shown.as_bytes())?;
        }
        ConfigCommand::Path => writeln!(io.out, "{}", path.display())?,
    }
    Ok(Exit::Done)
}

fn write_new(path: &Path, text: &str) -> Result<(), Stop> {
    config::write_new(path, text).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Stop::error(format!("{} is there already; left as it is", path.display()))
        }
        _ => Stop::error(format!("{}: {error}", path.display())),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("config.toml");
        write_new(&path, "a = 1\n").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (exit, told) = write_new(&path, "b = 2\n").unwrap_err().story();
        assert_eq!(exit, Exit::Error);
        assert!(told.unwrap().contains("left as it is"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = 1\n");
    }
}
