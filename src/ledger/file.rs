//! The file: made private, opened the same way by everybody.
//!
//! Must not know: what is in it beyond its version. Invariant: the file is its owner's alone, what
//! another program holds is waited for only so long, and a file that is not ours is left as it was.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::{LedgerError, schema};

/// The file's name within the data directory.
pub const FILE: &str = "ledger.db";

/// Prepared statements a connection keeps: all there are.
const STATEMENTS: usize = 128;

/// Between two asks of what SQLite does not wait for by itself.
pub(super) const AGAIN: Duration = Duration::from_millis(5);

/// How a file is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Made where it is not there.
    Write,
    /// Questions only.
    Read,
}

/// Held while a file is begun: a process that closes a file lets go of every lock it has on it, those
/// of its other connections too.
static BEGINNING: Mutex<()> = Mutex::new(());

/// Opens a connection; waits `busy` for other programs.
pub(super) fn open(path: &Path, access: Access, busy: Duration) -> Result<Connection, LedgerError> {
    match access {
        Access::Write => begin(path).map_err(|error| LedgerError::io(path, &error))?,
        Access::Read if path.exists() => {}
        Access::Read => return Err(LedgerError::Nothing { path: path.to_path_buf() }),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let told = |error: rusqlite::Error| LedgerError::sqlite(path, &error);
    let db = Connection::open_with_flags(path, flags).map_err(told)?;
    db.busy_timeout(busy).map_err(told)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    if access == Access::Write {
        schema::check_ours(&db, path)?;
        if db.is_readonly(MAIN_DB).map_err(told)? {
            let why = "it may only be read".to_owned();
            return Err(LedgerError::Denied { path: path.to_path_buf(), why });
        }
        restrict(path).map_err(|error| LedgerError::io(path, &error))?;
    }
    settle(&db, access, busy).map_err(told)?;
    Ok(db)
}

fn settle(db: &Connection, access: Access, busy: Duration) -> rusqlite::Result<()> {
    if access == Access::Write {
        let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        if pages == 0 {
            // So that room can be given back later; it has to be said before anything else is.
            db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        // Readers never wait for the writer, and the writer never for readers. The answer names the
        // mode; where the file system cannot do it the old one stays, which is as safe.
        let _mode: String =
            patiently(busy, || db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)))?;
        db.pragma_update(None, "journal_size_limit", 64 << 20)?;
        // What is moved or removed within a page leaves nothing behind there.
        db.pragma_update(None, "secure_delete", "FAST")?;
    } else {
        db.pragma_update(None, "query_only", true)?;
    }
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -8_000)
}

/// Asks again for up to `busy` what SQLite refuses at once because another program is at the file: a
/// lock that a reader wants to raise does not wait by itself, as two such would wait for each other.
fn patiently<T>(busy: Duration, ask: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let begun = Instant::now();
    loop {
        match ask() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < busy =>
            {
                std::thread::sleep(AGAIN);
            }
            answer => return answer,
        }
    }
}

/// Makes the directory and the file where they are missing, for their owner alone.
///
/// A file that is there is never opened here, only looked at by its name: see [`BEGINNING`].
pub(super) fn begin(path: &Path) -> io::Result<()> {
    let _one_at_a_time = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes from an old file what others may do with it.
fn restrict(path: &Path) -> io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
