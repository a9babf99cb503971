//! The log: a private file per day that nothing is written to before there is something to say.
//!
//! Owns: where it is, its rights (0600 in a 0700 directory), how many days are kept. Must not know:
//! what is logged. Invariant: the log never reaches the screen, and starting it touches no file.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Files kept, newest first: a week and the day that is being written.
const KEPT: usize = 8;

/// The filter where `WHEELHOUSE_LOG` does not say otherwise.
pub const DEFAULT_FILTER: &str = "warn,wheelhouse=info";

/// Lines that may wait for the disk; more are dropped and counted. Room for all of them is taken at
/// start, so thousands would cost memory and time before the first frame.
const WAITING: usize = 1024;

const PREFIX: &str = "wheelhouse.";
const SUFFIX: &str = ".log";

/// The file of a day, named by its date.
pub fn file(dir: &Path, day: jiff::civil::Date) -> PathBuf {
    dir.join(format!("{PREFIX}{day}{SUFFIX}"))
}

/// Today, in UTC.
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Starts logging. What is still in memory is written when the guard drops.
///
/// # Errors
/// The filter cannot be read; the text says why.
pub fn start(dir: PathBuf, filter: Option<&str>) -> Result<WorkerGuard, String> {
    let filter = EnvFilter::try_new(filter.unwrap_or(DEFAULT_FILTER))
        .map_err(|error| format!("WHEELHOUSE_LOG: {error}"))?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .finish(DayFile { dir, open: None });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer)
        .finish();
    // A second start in one process (a test) keeps the first log.
    let _already = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}

/// Opens its file at the first line of each day.
struct DayFile {
    dir: PathBuf,
    open: Option<(jiff::civil::Date, File)>,
}

impl DayFile {
    fn file(&mut self) -> io::Result<&mut File> {
        let day = today();
        if self.open.as_ref().is_none_or(|(opened, _)| *opened != day) {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(file(&self.dir, day))?;
            prune(&self.dir);
            self.open = Some((day, file));
        }
        match &mut self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::Error::other("no log file")),
        }
    }
}

impl Write for DayFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.open {
            Some((_, file)) => file.flush(),
            None => Ok(()),
        }
    }
}

/// Removes the oldest files. One that cannot be removed is left.
fn prune(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
        .collect();
    names.sort_unstable();
    for name in names.iter().rev().skip(KEPT) {
        let _left = fs::remove_file(dir.join(name));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_private_and_made_by_the_first_line() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("logs");
        let mut log = DayFile { dir: dir.clone(), open: None };
        assert!(!dir.exists());
        log.write_all(b"hello\n").unwrap();
        let path = file(&dir, today());
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn only_the_newest_days_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for day in 1..=12 {
            fs::write(file(dir.path(), jiff::civil::date(2026, 1, day)), "x").unwrap();
        }
        fs::write(dir.path().join("other.txt"), "x").unwrap();
        prune(dir.path());
        let left = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, KEPT + 1);
        assert!(file(dir.path(), jiff::civil::date(2026, 1, 12)).exists());
        assert!(!file(dir.path(), jiff::civil::date(2026, 1, 4)).exists());
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_told() {
        let error = start(PathBuf::from("unused"), Some("wheelhouse=loudly")).unwrap_err();
        assert!(error.starts_with("WHEELHOUSE_LOG"), "{error}");
    }
}
