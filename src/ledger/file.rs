//! The file: made private, opened the same way by everybody.
//!
//! Must not know: what is in it beyond its version. Invariant: the file is its owner's alone, what
//! another program holds is waited for only so long, and a file that is not ours is left as it was.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::LedgerError;

/// The file's name within the data directory.
pub const FILE: &str = "ledger.db";

/// Prepared statements a connection keeps: all there are.
const STATEMENTS: usize = 128;

/// How a file is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Made where it is not there.
    Write,
    /// Questions only.
    Read,
}

/// Opens a connection; waits `busy` for other programs.
pub(super) fn open(path: &Path, access: Access, busy: Duration) -> Result<Connection, LedgerError> {
    let flags = match access {
        Access::Write => {
            private(path).map_err(|error| LedgerError::io(path, &error))?;
            OpenFlags::SQLITE_OPEN_READ_WRITE
        }
        Access::Read => {
            if !path.exists() {
                return Err(LedgerError::Nothing { path: path.to_path_buf() });
            }
            OpenFlags::SQLITE_OPEN_READ_WRITE
        }
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let told = |error: rusqlite::Error| LedgerError::sqlite(path, &error);
    let db = Connection::open_with_flags(path, flags).map_err(told)?;
    db.busy_timeout(busy).map_err(told)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    settle(&db, access).map_err(told)?;
    Ok(db)
}

fn settle(db: &Connection, access: Access) -> rusqlite::Result<()> {
    if access == Access::Write {
        // Readers never wait for the writer, and the writer never for readers. The answer names the
        // mode; where the file system cannot do it the old one stays, which is as safe.
        let _mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
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

/// Makes the directory and the file where they are missing, for their owner alone; takes from an old
/// file what others may do with it.
pub(super) fn private(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().read(true).write(true).open(path)?
        }
        Err(error) => return Err(error),
    };
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
