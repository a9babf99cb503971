//! Which processes live: each holds a lock on a small file of its own beside the ledger, and the
//! system lets go of it when the process ends, however it ends.
//!
//! Must not know: what a process was doing. Invariant: a living process is never taken for dead.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// This process's own lock, and the way to the others'.
pub(super) struct Runs {
    dir: PathBuf,
    own: Uuid,
    _lock: File,
}

impl Runs {
    /// Says that this process lives.
    pub(super) fn enter(ledger: &Path, own: Uuid) -> io::Result<Self> {
        let dir = dir(ledger);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        // Locked before it has its name, so that nobody ever sees it unlocked.
        let fresh = dir.join(format!("{own}.new"));
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&fresh)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("a process with the same id lives"));
            }
        }
        std::fs::rename(&fresh, dir.join(own.to_string()))?;
        Ok(Self { dir, own, _lock: lock })
    }

    /// Has this process ended? Its file goes if it has.
    pub(super) fn is_over(&self, run: Uuid) -> bool {
        run != self.own && over(&self.dir, run)
    }

    /// The same, asked by whoever has not entered.
    pub(super) fn over(ledger: &Path, run: Uuid) -> bool {
        over(&dir(ledger), run)
    }

    /// Removes what ended processes left behind.
    pub(super) fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            if let Some(run) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                let _over = self.is_over(run);
            }
        }
    }
}

fn dir(ledger: &Path) -> PathBuf {
    ledger.with_file_name("runs")
}

fn over(dir: &Path, run: Uuid) -> bool {
    let path = dir.join(run.to_string());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    let over = file.try_lock().is_ok();
    if over {
        // Whoever comes next finds it gone, which says the same.
        let _left = std::fs::remove_file(&path);
    }
    over
}

impl Drop for Runs {
    fn drop(&mut self) {
        let _left = std::fs::remove_file(self.dir.join(self.own.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_for_as_long_as_it_holds_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("ledger.db");
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = Runs::enter(&ledger, one).unwrap();
        let second = Runs::enter(&ledger, two).unwrap();
        assert!(!second.is_over(one) && !second.is_over(two));
        drop(first);
        assert!(second.is_over(one));
        // As a kill leaves it: the file is there, and nobody holds it.
        std::fs::write(second.dir.join(one.to_string()), "").unwrap();
        second.tidy();
        assert!(!second.dir.join(one.to_string()).exists());
        assert!(second.dir.join(two.to_string()).exists());
    }
}
