//! Putting a changed text in the place of a file, whole or not at all.
//!
//! Owns: the write through a temporary file beside it. Must not know what is in it. Invariant: at
//! every moment the path holds the old text or the new one; permissions stay, a symlink stays one,
//! and a file somebody else changed meanwhile is not written over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::paths::create_private_dir;

/// Links followed to a file that is not there yet; as many as systems follow.
const LINKS: usize = 40;

/// Writes of this process, so that no two share a temporary file.
static WRITES: AtomicU32 = AtomicU32::new(0);

/// A file as it was read: what a change of it begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldFile {
    path: PathBuf,
    /// Its text; empty where there was none.
    pub text: String,
    existed: bool,
}

impl OldFile {
    /// Reads it; one that is not there is empty.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (text, existed) = match fs::read_to_string(path) {
            Ok(text) => (text, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), false),
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), text, existed })
    }

    /// Was it there?
    pub fn existed(&self) -> bool {
        self.existed
    }

    /// Puts `text` in its place. A new file is private to its owner.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] when the file is another than the one read: nothing is
    /// written then. Everything that can go wrong with writing; the old text is still there.
    pub fn replace(&self, text: &str) -> io::Result<()> {
        let target = target_of(&self.path)?;
        let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        create_private_dir(&dir)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Of those who write here at once each looks and renames while nobody else does. Where a file
        // system has no locks, the look alone has to do.
        let held = File::open(&dir).ok();
        let _locked = held.as_ref().map(File::lock);
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let beside = dir.join(format!(".{name}.{}-{number}.new", std::process::id()));
        let written = self.write_beside(&beside, &target, text);
        if written.is_err() {
            // It may never have been made.
            let _gone = fs::remove_file(&beside);
        }
        written?;
        // The rename itself is kept through a loss of power only once the directory is.
        let _kept = held.map(|dir| dir.sync_all());
        Ok(())
    }

    fn write_beside(&self, beside: &Path, target: &Path, text: &str) -> io::Result<()> {
        // One that a crash left behind is ours to take: its name holds a process id.
        match fs::remove_file(beside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(beside)?;
        file.write_all(text.as_bytes())?;
        if self.existed {
            file.set_permissions(fs::metadata(target)?.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        if Self::read(&self.path)? != *self {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "it was changed meanwhile; nothing was written",
            ));
        }
        fs::rename(beside, target)
    }
}

/// The file itself, whatever links lead to it: they stay, and what they point to is replaced.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => return Ok(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // It is not there yet, and a link may say where it would be.
    let mut at = path.to_owned();
    for _ in 0..LINKS {
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().map_or_else(|| to.clone(), |dir| dir.join(&to));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "a = 1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        OldFile::read(&path).unwrap().replace("a = 2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 2");
        assert_eq!((mode(&path), names(dir.path())), (0o640, vec!["config.toml".to_owned()]));
    }

    #[test]
    fn a_new_file_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/config.toml");
        let old = OldFile::read(&path).unwrap();
        assert!(!old.existed() && old.text.is_empty());
        old.replace("a = 1").unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_symlink_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.toml"), dir.path().join("link.toml"));
        fs::write(&real, "a = 1").unwrap();
        symlink("real.toml", &link).unwrap();
        OldFile::read(&link).unwrap().replace("a = 2").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "a = 2");
    }

    #[test]
    fn a_file_that_was_changed_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "a = 1").unwrap();
        let old = OldFile::read(&path).unwrap();
        fs::write(&path, "a = 3 # by hand").unwrap();
        let error = old.replace("a = 2").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 3 # by hand");
        assert_eq!(names(dir.path()), ["config.toml"]);
        // So is one that was made meanwhile, and one that was taken away.
        let absent = dir.path().join("new.toml");
        let old = OldFile::read(&absent).unwrap();
        fs::write(&absent, "").unwrap();
        assert!(old.replace("x = 1").is_err());
        let old = OldFile::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(old.replace("x = 1").is_err() && !path.exists());
    }

    #[test]
    fn a_symlink_to_what_is_not_there_yet_stays_one_too() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link.toml");
        symlink("dotfiles/next.toml", &link).unwrap();
        OldFile::read(&link).unwrap().replace("a = 1").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let real = dir.path().join("dotfiles/next.toml");
        assert_eq!((fs::read_to_string(&real).unwrap().as_str(), mode(&real)), ("a = 1", 0o600));
        OldFile::read(&link).unwrap().replace("a = 2").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "a = 2");
    }

    #[test]
    fn of_writers_at_once_none_loses_what_another_wrote() {
        const WRITERS: usize = 4;
        const LINES: usize = 40;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "").unwrap();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = &path;
                scope.spawn(move || {
                    for line in 0..LINES {
                        loop {
                            let old = OldFile::read(path).unwrap();
                            let text = format!("{}a{writer}-{line} = 1\n", old.text);
                            match old.replace(&text) {
                                Ok(()) => break,
                                Err(error) => {
                                    assert_eq!(
                                        error.kind(),
                                        io::ErrorKind::ResourceBusy,
                                        "{error}"
                                    );
                                }
                            }
                        }
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), WRITERS * LINES, "{text}");
        assert_eq!(names(dir.path()), ["config.toml"]);
    }
}
