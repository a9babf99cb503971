//! What goes wrong around the file, and that it is said and survived.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;
use crate::domain::{Message, Place};
use crate::ledger::Days;
use crate::ledger::sample::{Turn, id};

const NOW: UnixMs = UnixMs(1_795_392_000_000);
const LIMIT: Duration = Duration::from_secs(20);

fn options(dir: &Path) -> Options {
    Options::new(dir, TimeZone::UTC, Uuid::now_v7())
}

fn turn(n: u64, answer: &str) -> Turn {
    Turn::new(n, UnixMs(NOW.0 + n as i64), SessionId(id(NOW, 1)), "question", answer)
}

fn end(ledger: &Ledger, turn: &Turn) -> Result<(), LedgerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ledger.end(turn.end()))
}

fn attempts(ledger: &Ledger) -> u64 {
    ledger.read(|reader| reader.total(Days::ALL)).unwrap().attempts
}

#[test]
fn everything_made_is_its_owner_s_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = Ledger::open(options(&data)).unwrap();
    end(&ledger, &turn(1, "a")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).unwrap().flatten() {
        let wanted = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), wanted, "{:?}", entry.path());
    }
    drop(ledger);
    let file = data.join(FILE);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    Ledger::open(options(&data)).unwrap().flush(LIMIT).unwrap();
    assert_eq!(mode(&file), 0o600, "an old file others could read stays so");
}

#[test]
fn nothing_is_made_before_there_is_something_to_keep() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = Ledger::open(options(&data)).unwrap();
    let asked = ledger.read(|reader| reader.total(Days::ALL));
    assert_eq!(asked, Err(LedgerError::Nothing { path: data.join(FILE) }));
    drop(ledger);
    assert!(!data.exists());
}

#[test]
fn a_full_disk_is_said_and_keeping_goes_on_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { max_bytes: Some(400_000), ..options(dir.path()) };
    let ledger = Ledger::open(small).unwrap();
    end(&ledger, &turn(1, "fits")).unwrap();
    let error = end(&ledger, &turn(2, &"too long ".repeat(100_000))).unwrap_err();
    assert_eq!(error, LedgerError::Full { path: dir.path().join(FILE) });
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(ledger.trouble(), Some(error));
    // What fits is kept again, and what did not left nothing behind.
    end(&ledger, &turn(3, "fits too")).unwrap();
    assert_eq!(ledger.trouble(), None);
    assert_eq!(attempts(&ledger), 2);
    assert!(ledger.read(Reader::damage).unwrap().is_empty());
}

#[test]
fn a_file_another_program_holds_is_said_and_kept_in_once_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let quick = Options { busy: Duration::from_millis(20), ..options(dir.path()) };
    let ledger = Ledger::open(quick).unwrap();
    end(&ledger, &turn(1, "a")).unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = end(&ledger, &turn(2, "b")).unwrap_err();
    assert_eq!(error, LedgerError::Busy { path: dir.path().join(FILE) });
    assert!(error.to_string().contains("locked by another program"), "{error}");
    // Questions do not wait for whoever writes.
    assert_eq!(attempts(&ledger), 1);
    other.execute_batch("COMMIT").unwrap();
    end(&ledger, &turn(2, "b")).unwrap();
    assert_eq!((ledger.trouble(), attempts(&ledger)), (None, 2));
}

#[test]
fn an_order_that_cannot_be_done_fails_alone_among_those_written_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(options(dir.path())).unwrap();
    end(&ledger, &turn(1, "a")).unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let nobody = SessionId(Uuid::nil());
    std::thread::scope(|scope| {
        let wrong: Vec<_> =
            (0..3).map(|_| scope.spawn(|| ledger.rename(nobody, "new").unwrap_err())).collect();
        let right: Vec<_> = (2..6)
            .map(|n| (n, &ledger))
            .map(|(n, l)| scope.spawn(move || end(l, &turn(n, "b"))))
            .collect();
        other.execute_batch("COMMIT").unwrap();
        for one in wrong {
            assert!(matches!(one.join().unwrap(), LedgerError::Unknown(_)));
        }
        for one in right {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(attempts(&ledger), 5);
}

#[test]
fn a_file_that_is_held_from_the_start_is_opened_once_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let quick = Options { busy: Duration::from_millis(20), ..options(dir.path()) };
    let ledger = Ledger::open(quick).unwrap();
    assert!(matches!(end(&ledger, &turn(1, "a")), Err(LedgerError::Busy { .. })));
    other.execute_batch("COMMIT").unwrap();
    end(&ledger, &turn(1, "a")).unwrap();
    assert_eq!(attempts(&ledger), 1);
}

#[test]
fn a_question_that_waits_with_the_answer_before_it_follows_that_answer() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(options(dir.path())).unwrap();
    end(&ledger, &turn(1, "a")).unwrap();
    let first = turn(2, "an answer");
    let mut next = turn(3, "another").begin().as_ref().clone();
    next.request.place =
        Some(Place { message: turn(3, "").message(), parent: Some(first.answer_id()) });
    next.request.messages.insert(0, Message::user("question"));
    next.request.messages.insert(1, Message::assistant("an answer"));
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let before = ledger.flushed();
        let (ended, begun) = (ledger.end(first.end()), ledger.begin(next.into()));
        tokio::pin!(before, ended, begun);
        assert!(futures_util::poll!(&mut before).is_pending());
        assert!(futures_util::poll!(&mut ended).is_pending());
        assert!(futures_util::poll!(&mut begun).is_pending());
        other.execute_batch("COMMIT").unwrap();
        before.await.unwrap();
        ended.await.unwrap();
        begun.await.unwrap();
    });
    let kept = ledger.read(|reader| reader.session(SessionId(id(NOW, 1)))).unwrap().unwrap();
    assert_eq!(kept.row.messages, 5, "what was said is there twice");
    assert_eq!(kept.branch(None).len(), 3);
}

#[test]
fn another_program_s_file_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let theirs = Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x)").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let ledger = Ledger::open(options(dir.path())).unwrap();
    assert!(matches!(end(&ledger, &turn(1, "a")), Err(LedgerError::Corrupt { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let noise: Vec<u8> = (0..20_000u32).map(|n| (n * 7 + n / 13) as u8).collect();
    std::fs::write(&path, &noise).unwrap();
    let ledger = Ledger::open(options(dir.path())).unwrap();
    let error = end(&ledger, &turn(1, "a")).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), noise);
    assert!(ledger.read(|reader| reader.total(Days::ALL)).is_err());
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    Ledger::open(options(dir.path())).unwrap().flush(LIMIT).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    let ledger = Ledger::open(options(dir.path())).unwrap();
    let error = end(&ledger, &turn(1, "a")).unwrap_err();
    assert!(matches!(error, LedgerError::Newer { found: 99, .. }), "{error:?}");
    assert_eq!(schema_version(&db), 99);
}

fn schema_version(db: &Connection) -> i64 {
    db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_place_that_cannot_be_written_is_said_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let locked = dir.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    // The system's administrator may write anywhere but where the system itself says no.
    let everywhere = std::fs::write(locked.join("probe"), "").is_ok();
    let place = if everywhere { PathBuf::from("/proc/self") } else { locked };
    let ledger = Ledger::open(options(&place)).unwrap();
    let error = end(&ledger, &turn(1, "a")).unwrap_err();
    assert!(error.to_string().contains(&place.display().to_string()), "{error}");
    let denied = std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem);
    let told = LedgerError::io(&place, &denied).to_string();
    assert!(told.contains("--data"), "{told}");
    assert_eq!(everywhere, !matches!(error, LedgerError::Denied { .. }));
}

#[test]
fn two_ledgers_on_one_file_keep_everything_of_both() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for side in 0..2u64 {
            let dir = dir.path();
            scope.spawn(move || {
                let ledger = Ledger::open(options(dir)).unwrap();
                for n in 0..25 {
                    end(&ledger, &turn(1 + side * 100 + n, "an answer")).unwrap();
                }
            });
        }
    });
    let ledger = Ledger::open(options(dir.path())).unwrap();
    ledger.flush(LIMIT).unwrap();
    assert_eq!(attempts(&ledger), 50);
    let row = ledger.read(|reader| reader.session_row(SessionId(id(NOW, 1)))).unwrap().unwrap();
    assert_eq!((row.messages, row.cost.amount.pico()), (100, 50_000_000));
    assert!(ledger.read(Reader::damage).unwrap().is_empty());
}

#[test]
fn what_was_given_before_the_last_handle_went_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = Uuid::now_v7();
    let ledger = Ledger::open(Options { run, ..options(dir.path()) }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for n in 0..50 {
        let turn = turn(n, "a");
        runtime.block_on(ledger.begin_later(turn.begin()));
        for report in turn.attempts(&turn.begin()) {
            ledger.attempt(&turn.begin(), report);
        }
    }
    drop(ledger);
    let ledger = Ledger::open(options(dir.path())).unwrap();
    while ledger.read(|reader| reader.total(Days::ALL)).unwrap().attempts < 50 {
        std::thread::yield_now();
    }
}
