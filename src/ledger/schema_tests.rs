//! Versions of the file: forward with a copy, never backward, never half.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::*;
use crate::ledger::file::Access;

const OLD: &[&str] = &["CREATE TABLE a (x TEXT); INSERT INTO a VALUES ('kept');"];
const NEW: &[&str] = &[OLD[0], "ALTER TABLE a ADD COLUMN y TEXT NOT NULL DEFAULT 'new';"];

fn open(path: &Path) -> Connection {
    file::open(path, Access::Write, Duration::from_secs(1)).unwrap()
}

fn row(db: &Connection) -> String {
    db.query_row("SELECT * FROM a", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_older_file_is_brought_forward_and_a_private_copy_of_it_lies_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut db = open(&path);
    migrate(&mut db, &path, OLD).unwrap();
    assert!(!backup_path(&path, 1).exists(), "there was nothing to copy");
    migrate(&mut db, &path, NEW).unwrap();
    assert_eq!((version(&db).unwrap(), row(&db).as_str()), (2, "kept"));
    let backup = backup_path(&path, 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&path)), (0o600, 0o600));
    let old = open(&backup);
    assert_eq!((version(&old).unwrap(), row(&old).as_str()), (1, "kept"));
    migrate(&mut db, &path, NEW).unwrap();
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut db = open(&path);
    migrate(&mut db, &path, OLD).unwrap();
    let broken = &[OLD[0], "ALTER TABLE a ADD COLUMN y TEXT; INSERT INTO nowhere VALUES (1);"];
    assert!(migrate(&mut db, &path, broken).is_err());
    assert_eq!(version(&db).unwrap(), 1);
    assert!(db.prepare("SELECT y FROM a").is_err(), "half a step was kept");
}

#[test]
fn a_newer_file_and_another_programs_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut db = open(&path);
    migrate(&mut db, &path, NEW).unwrap();
    let error = migrate(&mut db, &path, OLD).unwrap_err();
    assert_eq!(error, LedgerError::Newer { path: path.clone(), found: 2, known: 1 });
    assert!(error.to_string().contains("newer wheelhouse"), "{error}");
    assert_eq!(row(&db), "kept");

    let other = dir.path().join("other.db");
    let mut db = open(&other);
    db.execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1;").unwrap();
    assert!(matches!(migrate(&mut db, &other, NEW), Err(LedgerError::Corrupt { .. })));
}

#[test]
fn programs_that_bring_the_same_older_file_forward_at_once_do_it_once_from_one_whole_copy() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        migrate(&mut open(&path), &path, OLD).unwrap();
        let gate = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    gate.wait();
                    let mut db = file::open(&path, Access::Write, Duration::from_secs(10)).unwrap();
                    migrate(&mut db, &path, NEW).unwrap();
                });
            }
        });
        assert_eq!(version(&open(&path)).unwrap(), 2);
        let old = open(&backup_path(&path, 1));
        assert_eq!((version(&old).unwrap(), row(&old).as_str()), (1, "kept"));
        let left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "new" || end == "forward"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_file_of_the_first_version_keeps_all_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut db = open(&path);
    migrate(&mut db, &path, &STEPS[..1]).unwrap();
    db.execute_batch(
        "INSERT INTO sessions (id, created, updated, title, origin)
         VALUES (zeroblob(16), 1, 2, 'an old chat', 'chat');
         INSERT INTO messages (id, session, role, at, text)
         VALUES (zeroblob(16), 1, 'user', 2, 'an old question');",
    )
    .unwrap();
    assert!(db.prepare("SELECT * FROM token_factors").is_err(), "it is no older file");
    drop(db);
    let options =
        crate::ledger::Options::new(dir.path(), jiff::tz::TimeZone::UTC, uuid::Uuid::now_v7());
    let ledger = crate::ledger::Ledger::open(options).unwrap();
    ledger.flush(Duration::from_secs(20)).unwrap();
    let (hits, tokens) = ledger
        .read(|reader| Ok((reader.search("old question", 9)?.len(), reader.token_factors()?)))
        .unwrap();
    assert_eq!((hits, tokens), (1, Vec::new()));
    assert_eq!(version(&open(&path)).unwrap(), STEPS.len() as i64);
    assert_eq!(version(&open(&backup_path(&path, 1))).unwrap(), 1);
}

#[test]
fn of_a_file_of_the_third_version_what_was_private_and_what_nobody_was_asked_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut db = open(&path);
    migrate(&mut db, &path, &STEPS[..3]).unwrap();
    db.execute_batch(
        "INSERT INTO sessions (id, created, updated, title, origin)
         VALUES (x'00000000000000000000000000000001', 1, 2, 'a chat', 'ask');",
    )
    .unwrap();
    let asked = ["answered", "a secret #Private", "refused", "failed", "killed"];
    for (n, text) in asked.iter().enumerate() {
        let (id, n) = (uuid::Uuid::from_u128(n as u128 + 1).into_bytes(), n as i64 + 1);
        let finish = match *text {
            "killed" => "interrupted",
            "answered" | "a secret #Private" => "stop",
            _ => "error",
        };
        db.execute(
            "INSERT INTO messages (n, id, session, role, at, text) VALUES (?1, ?2, 1, 'user', 1, ?3)",
            rusqlite::params![n, id, text],
        )
        .unwrap();
        db.execute(
            "INSERT INTO requests (n, id, session, asked, keep, origin, at, day, finish)
             VALUES (?1, ?2, 1, ?1, 'all', 'ask', 1, 1, ?3)",
            rusqlite::params![n, id, finish],
        )
        .unwrap();
    }
    db.execute_batch(
        "INSERT INTO attempts (id, request, number, model, provider, kind, ms, report)
         SELECT id, n, 1, 'm', 'p', 'first', 1, '{}' FROM requests WHERE n IN (1, 2, 4);",
    )
    .unwrap();
    drop(db);
    let options =
        crate::ledger::Options::new(dir.path(), jiff::tz::TimeZone::UTC, uuid::Uuid::now_v7());
    let ledger = crate::ledger::Ledger::open(options).unwrap();
    ledger.flush(Duration::from_secs(20)).unwrap();
    let chat = crate::domain::SessionId(uuid::Uuid::from_u128(1));
    let kept = ledger.read(|reader| reader.session(chat)).unwrap().unwrap();
    let marked = |marked: &dyn Fn(&crate::ledger::KeptMessage) -> bool| {
        let found = kept.messages.iter().filter(|kept| marked(kept));
        found.map(|kept| kept.message.plain()).collect::<Vec<_>>()
    };
    assert_eq!(marked(&|kept| crate::domain::is_private(&kept.tags)), ["a secret #Private"]);
    assert_eq!(marked(&|kept| kept.heard == crate::domain::Heard::Never), ["refused"]);
}

#[test]
fn programs_that_begin_the_same_file_at_once_make_it_once() {
    // Again and again: each round meets at another moment.
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        let gate = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    gate.wait();
                    let mut db = file::open(&path, Access::Write, Duration::from_secs(10)).unwrap();
                    migrate(&mut db, &path, STEPS).unwrap();
                });
            }
        });
        assert_eq!(version(&open(&path)).unwrap(), STEPS.len() as i64);
    }
}

#[test]
fn a_program_that_never_ends_bringing_a_file_forward_is_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let held = Turn::wait(&path, Duration::ZERO).unwrap();
    assert!(matches!(Turn::wait(&path, Duration::from_millis(20)), Err(LedgerError::Busy { .. })));
    drop(held);
    assert!(Turn::wait(&path, Duration::ZERO).is_ok());
}
