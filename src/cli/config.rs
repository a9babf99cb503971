//! `wheelhouse config init|check|show|path|set|unset`.
//!
//! Invariant: a file that is there is never written over as a whole, and a change of it is checked
//! before it is written; a new one is private to the user.

use std::path::Path;

use crate::config::edit::EditError;
use crate::config::{self, ConfigError, Layer, LayerKind, Nothing, OldFile, Recipe};
use crate::domain::counted;
use crate::engine;

use super::args::ConfigCommand;
use super::compose::Setup;
use super::report::Shown;
use super::{Exit, Io, Stop, kept};

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
            let loaded = setup.load_in_force()?;
            for warning in &loaded.warnings {
                io.talk(&format!("note: {warning}"));
            }
            let config = &loaded.config;
            super::console::check(&config.console, setup)?;
            for words in engine::warm_words(config, engine::now()) {
                io.talk(&format!("note: {words}"));
            }
            // Dollars have no rate, and what is shown in others once may be any of those.
            let rated = config.currency.rates.keys().next().copied();
            let shown = rated.and_then(|currency| Shown::of(currency, &config.currency).ok());
            if let Some(doubt) = shown.and_then(|shown| shown.doubt(kept::today(setup))) {
                io.talk(&format!("note: {doubt}"));
            }
            writeln!(
                io.out,
                "ok: {}, {}, {}, policy {}",
                counted(config.providers.len() as u64, "provider"),
                counted(config.models.len() as u64, "model"),
                counted(config.routing.rules.len() as u64, "rule"),
                config.routing.policy
            )?;
        }
        ConfigCommand::Show { filter } => {
            let loaded = setup.load_in_force()?;
            let shown = loaded.show(filter.as_deref());
            if let (Some(path), true) = (filter, shown.is_empty()) {
                let what = nothing(path, loaded.nothing_at(path))?;
                writeln!(io.out, "{what}")?;
            }
            io.out.write_all(shown.as_bytes())?;
        }
        ConfigCommand::Path => writeln!(io.out, "{}", path.display())?,
        ConfigCommand::Set { key, value } => {
            change(setup, io, key, &|text| config::edit::set(text, key, value))?;
        }
        ConfigCommand::Unset { key } => {
            change(setup, io, key, &|text| config::edit::unset(text, key))?;
        }
    }
    Ok(Exit::Done)
}

/// What is said of a path that nothing sets, as a comment of a file.
///
/// # Errors
/// Where there is no such setting.
fn nothing(path: &str, what: Nothing) -> Result<String, Stop> {
    match what {
        Nothing::Unset(fields) if fields.is_empty() => Ok(format!("# {path} is not set")),
        Nothing::Unset(fields) => {
            Ok(format!("# nothing of {path} is set; it takes {}", fields.join(", ")))
        }
        Nothing::Unknown(near) => {
            let near = near.map_or_else(
                || "config show lists all that is set".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            Err(Stop::usage(format!("there is no setting {path}: {near}")))
        }
    }
}

/// Changes one setting: what comes out is read before it is written.
fn change(
    setup: &Setup,
    io: &mut Io<'_>,
    key: &str,
    edit: &dyn Fn(&str) -> Result<String, EditError>,
) -> Result<(), Stop> {
    let path = &setup.paths.config_file;
    let told = |error: std::io::Error| Stop::error(format!("{}: {error}", path.display()));
    let old = OldFile::read(path).map_err(told)?;
    // A first file comes with the comments of the starting one.
    let base = if old.existed() { old.text.clone() } else { config::starter(None) };
    let text = edit(&base).map_err(|error| Stop::usage(format!("{}: {error}", path.display())))?;
    let layer = Layer::user(path.display().to_string(), text.clone());
    let read =
        |text: &str| Recipe::default().reload(LayerKind::User, &layer.name, Some(text.to_owned()));
    let alone = match read(&text) {
        Ok((_, alone)) => Some(alone),
        // What was wrong before must not keep the rest from being mended.
        Err(errors) => {
            let before = read(&base).err().unwrap_or_default();
            let known = |error: &&ConfigError| {
                before.iter().any(|old| old.field == error.field && old.what() == error.what())
            };
            let (old, new): (Vec<&ConfigError>, Vec<&ConfigError>) = errors.iter().partition(known);
            let still = |error: &&ConfigError| error.field.starts_with(key);
            if !new.is_empty() || old.iter().any(still) {
                return Err(refused(key, &errors));
            }
            io.talk(&format!("{key} was changed; what is still wrong:"));
            for error in old {
                io.talk(&told_without_line(error));
            }
            None
        }
    };
    if old.existed() && text == old.text {
        io.talk("it says so already; nothing was written");
        return Ok(());
    }
    old.replace(&text).map_err(told)?;
    let Some(alone) = alone else { return Ok(()) };
    let effective = setup.load()?;
    let shown = effective.show(Some(key));
    if shown.is_empty() {
        io.talk("nothing sets it now");
    }
    io.out.write_all(shown.as_bytes())?;
    if alone.show(Some(key)).lines().map(value_of).ne(shown.lines().map(value_of)) {
        io.talk("note: a variable or flag sets it otherwise, and holds over the file");
    }
    Ok(())
}

/// A line of `config show` without where its value comes from.
fn value_of(line: &str) -> &str {
    line.rsplit_once("  # ").map_or(line, |(value, _)| value.trim_end())
}

/// The change would make the file wrong.
fn refused(key: &str, errors: &[ConfigError]) -> Stop {
    let mut lines = vec![format!("{key} was not changed: the file would be wrong")];
    // Its lines are of a text that was never written: the field says where.
    lines.extend(errors.iter().map(told_without_line));
    Stop::usage(lines.join("\n"))
}

fn told_without_line(error: &ConfigError) -> String {
    match error.field.as_str() {
        "" => format!("  {}", error.what()),
        field => format!("  {field}: {}", error.what()),
    }
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
