//! The file's version, and the way from an older one to today's.
//!
//! Must not know: what the tables are for. Invariants: a step is applied whole or not at all; before
//! an older file is changed a copy of it lies beside it; a newer file is left as it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::domain::PRIVATE;

use super::{LedgerError, file, pack};

/// Each step makes the version before it the one of its place, counted from 1.
pub(super) const STEPS: &[&str] = &[
    include_str!("../../assets/ledger/1.sql"),
    include_str!("../../assets/ledger/2.sql"),
    include_str!("../../assets/ledger/3.sql"),
    include_str!("../../assets/ledger/4.sql"),
];

/// How long another program may take to bring an older file forward: a million requests take seconds.
const TURN: Duration = Duration::from_secs(30);

/// Marks the file as ours: "WHLG".
const APPLICATION: i64 = 0x5748_4c47;

/// The version of a file; 0 when it is empty.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Refuses what these steps do not lead to.
pub(super) fn check(db: &Connection, path: &Path, steps: &[&str]) -> Result<i64, LedgerError> {
    let told = |error: rusqlite::Error| LedgerError::sqlite(path, &error);
    let seen = db.unchecked_transaction().map_err(told)?;
    let found = version(&seen).map_err(told)?;
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(LedgerError::Newer { path: path.to_path_buf(), found, known });
    }
    ours(&seen, path)?;
    Ok(found)
}

/// Refuses another program's file.
pub(super) fn check_ours(db: &Connection, path: &Path) -> Result<(), LedgerError> {
    let told = |error: rusqlite::Error| LedgerError::sqlite(path, &error);
    ours(&db.unchecked_transaction().map_err(told)?, path)
}

/// One look at the file: between two a program that begins it would put its tables, and they would
/// seem another's.
fn ours(seen: &Transaction<'_>, path: &Path) -> Result<(), LedgerError> {
    let told = |error: rusqlite::Error| LedgerError::sqlite(path, &error);
    let ours: i64 = seen.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(told)?;
    let tables: i64 =
        seen.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    if tables > 0 && ours != APPLICATION {
        let why = "another program's database".to_owned();
        return Err(LedgerError::Corrupt { path: path.to_path_buf(), why });
    }
    Ok(())
}

/// Brings a file to today's version. Two programs may try at once: one does it, the other finds it
/// done.
pub(super) fn migrate(db: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), LedgerError> {
    let found = check(db, path, steps)?;
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if found == known {
        return Ok(());
    }
    let applied =
        |db: &mut Connection| apply(db, steps).map_err(|error| LedgerError::sqlite(path, &error));
    if found == 0 {
        return applied(db);
    }
    // One at a time, also within a process: the copy is of the older file, and whole.
    let turn = Turn::wait(path, TURN)?;
    let found = check(db, path, steps)?;
    if found < known {
        back_up(db, path, found)?;
        applied(db)?;
    }
    turn.done();
    Ok(())
}

/// Whose turn it is to bring an older file forward: a lock that goes with its process.
struct Turn {
    path: PathBuf,
    _lock: File,
}

impl Turn {
    /// Waits for so long for whoever has it.
    fn wait(ledger: &Path, most: Duration) -> Result<Self, LedgerError> {
        let told = |error: std::io::Error| LedgerError::io(ledger, &error);
        let mut name = ledger.file_name().unwrap_or_default().to_owned();
        name.push(".forward");
        let path = ledger.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(told)?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < most => {
                    std::thread::sleep(file::AGAIN);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LedgerError::Busy { path: ledger.to_path_buf() });
                }
                Err(TryLockError::Error(error)) => return Err(told(error)),
            }
        }
    }

    /// Whoever waited, or comes with a fresh file, finds the ledger brought forward.
    fn done(self) {
        let _left = std::fs::remove_file(&self.path);
    }
}

fn apply(db: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // What a step asks of a kept decision.
    db.create_scalar_function("marks_of", 1, flags, |row| {
        let packed = row.get_raw(0).as_blob()?;
        // One that cannot be read may have said that the question is private.
        let tags = pack::tags(packed).unwrap_or_else(|_| vec![PRIVATE.to_owned()]);
        Ok(pack::marks(&tags))
    })?;
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody may have been here since.
    let from = usize::try_from(version(&work)?).unwrap_or(usize::MAX);
    for (at, step) in steps.iter().enumerate().skip(from) {
        work.execute_batch(step)?;
        work.pragma_update(None, "user_version", at as i64 + 1)?;
    }
    work.pragma_update(None, "application_id", APPLICATION)?;
    work.commit()
}

/// Where the copy of a version lies.
pub(super) fn backup_path(path: &Path, version: i64) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".v{version}.backup"));
    path.with_file_name(name)
}

/// Copies the file as it stands. An older copy of the same version gives way only to a whole new one.
fn back_up(db: &Connection, path: &Path, version: i64) -> Result<(), LedgerError> {
    let backup = backup_path(path, version);
    let mut fresh = backup.clone().into_os_string();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let io = |error: std::io::Error| LedgerError::io(&backup, &error);
    match std::fs::remove_file(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    file::begin(&fresh).map_err(io)?;
    let name = fresh.to_string_lossy();
    db.execute("VACUUM INTO ?1", [name.as_ref()])
        .map_err(|error| LedgerError::sqlite(&backup, &error))?;
    std::fs::rename(&fresh, &backup).map_err(io)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
