//! What can go wrong with the ledger, each in words a person can act on.
//!
//! Must not know: what was being kept. Invariant: no error of the database reaches a person as a
//! number.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Less than this is no room: what the database grows its shared index by at once.
const ROOM: u128 = 32 * 1024;

/// Why something was not kept or not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Another program holds the file and does not let go.
    #[error("{path} is locked by another program; close it, or wait until it is done")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No room is left.
    #[error(
        "there is no room left to write {path}; free some space, or `wheelhouse sessions rm` what \
         is not needed"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It may not be written.
    #[error(
        "{path} cannot be written: {why}; make it writable, or name another directory with --data"
    )]
    Denied {
        /// The file or its directory.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// It is damaged, or no ledger.
    #[error(
        "{path} is damaged or no ledger ({why}); move it away to begin a new one, or put back a \
         backup that lies beside it"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The database's words.
        why: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} was written by a newer wheelhouse (its version is {found}, this program knows \
         {known}); use that one, or another directory with --data. It was left as it is"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// Nothing has been kept yet.
    #[error("nothing is kept yet: {path} does not exist")]
    Nothing {
        /// The file.
        path: PathBuf,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    Unknown(String),
    /// It did not come about in time; it may still.
    #[error("the disk is slow: {path} was not written in time")]
    Slow {
        /// The file.
        path: PathBuf,
    },
    /// The writer has ended.
    #[error("the ledger is closed")]
    Closed,
    /// Reading or writing the disk failed.
    #[error("{path}: {why}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// The words of the system or the database.
        why: String,
    },
}

impl LedgerError {
    /// May trying again help without anybody touching the file?
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Corrupt { .. } | Self::Newer { .. })
    }

    /// From the database's own error.
    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, why) = (path.to_path_buf(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            // Where the file beside it cannot grow, the database says no more than that.
            Some(ErrorCode::SystemIoFailure) if is_full(&path) => Self::Full { path },
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied
                | ErrorCode::CannotOpen,
            ) => Self::Denied { path, why },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path, why }
            }
            Some(_) | None => Self::Disk { path, why },
        }
    }

    /// From the system's error.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (path, why) = (path.to_path_buf(), error.to_string());
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { path, why }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { path }
            }
            _ => Self::Disk { path, why },
        }
    }
}

/// Is there no room where this file lies?
fn is_full(path: &Path) -> bool {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    nix::sys::statvfs::statvfs(dir).is_ok_and(|there| {
        // Their widths are the system's.
        let free = u128::from(there.blocks_available()) * u128::from(there.fragment_size());
        free < ROOM
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_for_want_of_room_is_full_and_any_other_is_not() {
        let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        let error = rusqlite::Error::SqliteFailure(failed, None);
        let dir = tempfile::tempdir().unwrap();
        let told = LedgerError::sqlite(&dir.path().join("ledger.db"), &error);
        assert!(matches!(told, LedgerError::Disk { .. }), "{told}");
        // It has no room for any file, ever.
        #[cfg(target_os = "linux")]
        {
            let told = LedgerError::sqlite(Path::new("/proc/ledger.db"), &error);
            assert!(told.to_string().contains("free some space"), "{told}");
        }
    }
}
