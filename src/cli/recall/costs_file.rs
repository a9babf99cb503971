//! The table of the Costs view as a file: the same as `usage` prints of these days by this.
//!
//! Invariants: the file is new and the user's alone, in `exports` of the data directory; one that could
//! not be written whole is not left behind.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::compose::Setup;
use crate::cli::kept;
use crate::cli::report::{Report, Shown, Wanted};
use crate::config::{self, Config};
use crate::console::app::{CostsTable, TableForm};
use crate::domain::UnixMs;
use crate::ledger::{Day, Ledger, LedgerError, export};

use super::{by_of, days_of, file_name};

/// The directory in the data directory.
const EXPORTS: &str = "exports";

/// Rows: as many as there are. The database counts them in 63 bits.
const EVERYTHING: usize = i64::MAX as usize;

/// So many files of one name are counted up; more are a sign that something else is wrong.
const MOST: u32 = 10_000;

/// Writes the table; says where.
pub(super) fn written(
    setup: &Setup,
    ledger: &Ledger,
    config: &Config,
    table: &CostsTable,
    now: UnixMs,
) -> Result<String, LedgerError> {
    let today = Day::of(now, &kept::zone(setup));
    let shown = Shown::of(table.currency, &config.currency).map_err(LedgerError::Unknown)?;
    let wanted = Wanted {
        days: days_of(table.window, today),
        by: by_of(table.group),
        limit: EVERYTHING,
        filter: table.filter.clone(),
        baseline: None,
        shown,
    };
    let report = ledger.read(|reader| Report::of(reader, wanted))?;
    let (text, kind) = match table.form {
        TableForm::Csv => (report.csv().join("\n"), "csv"),
        TableForm::Json => (export::printed(&report.json()), "json"),
    };
    let (window, group) = (table.window.name(), table.group.name());
    let mut name = format!("costs-{today}-{window}-{group}");
    if !table.filter.trim().is_empty() {
        name.push('-');
        name.push_str(&file_name(&table.filter));
    }
    let dir = ledger.path().parent().unwrap_or(Path::new("")).join(EXPORTS);
    let path = write_free(&dir, &name, kind, &format!("{text}\n"))
        .map_err(|(path, error)| LedgerError::Unknown(told(&setup.shown(&path), &error)))?;
    let gone = if setup.is_scratch() { "; it goes when the demo ends" } else { "" };
    Ok(format!("written to {}{gone}", setup.shown(&path)))
}

/// Why a file was not written, and what can be done.
fn told(path: &str, error: &io::Error) -> String {
    use io::ErrorKind::{
        FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            format!("not written: there is no room left for {path}; free some space")
        }
        PermissionDenied | ReadOnlyFilesystem => format!(
            "not written: {path} cannot be made ({error}); make its directory writable, or name \
             another with --data"
        ),
        _ => format!("not written: {path}: {error}"),
    }
}

/// Writes a new file under the first free name of `name.kind`, `name-2.kind`, …, in a directory that is
/// made where it is not there.
fn write_free(
    dir: &Path,
    name: &str,
    kind: &str,
    text: &str,
) -> Result<PathBuf, (PathBuf, io::Error)> {
    config::create_private_dir(dir).map_err(|error| (dir.to_path_buf(), error))?;
    for n in 1..MOST {
        let path = dir.join(match n {
            1 => format!("{name}.{kind}"),
            n => format!("{name}-{n}.{kind}"),
        });
        let opened =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err((path, error)),
        };
        // A full disk may show only once the file is on it.
        return match file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                // Ours, made just now; where it cannot be removed either it is at least told of.
                let _part = std::fs::remove_file(&path);
                Err((path, error))
            }
        };
    }
    Err((dir.join(format!("{name}.{kind}")), io::ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_new_private_and_beside_those_that_are_there() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("exports");
        let first = write_free(&dir, "costs", "csv", "one\n").unwrap();
        let second = write_free(&dir, "costs", "csv", "two\n").unwrap();
        assert_eq!((&first, &second), (&dir.join("costs.csv"), &dir.join("costs-2.csv")));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one\n", "nothing is written over");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&second), mode(&dir)), (0o600, 0o700));
    }

    #[test]
    fn a_link_that_lies_in_the_way_is_not_followed() {
        let data = tempfile::tempdir().unwrap();
        let target = data.path().join("precious");
        std::os::unix::fs::symlink(&target, data.path().join("costs.csv")).unwrap();
        let path = write_free(data.path(), "costs", "csv", "one\n").unwrap();
        assert!(path.ends_with("costs-2.csv") && !target.exists());
    }

    #[test]
    fn why_not_says_what_to_do() {
        let told = |kind: io::ErrorKind| told("~/x.csv", &kind.into());
        assert!(told(io::ErrorKind::StorageFull).ends_with("free some space"));
        assert!(told(io::ErrorKind::ReadOnlyFilesystem).contains("--data"));
        let blocked = tempfile::tempdir().unwrap();
        std::fs::write(blocked.path().join("exports"), "a file").unwrap();
        let (path, error) =
            write_free(&blocked.path().join("exports"), "costs", "csv", "").unwrap_err();
        assert!(super::told(&path.display().to_string(), &error).starts_with("not written: "));
    }
}
