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

/// A question of a file of the third version: what it says, what it hangs under, how its request ended,
/// whether anybody was asked, and with which marks it was decided.
struct Old(&'static str, Option<i64>, &'static str, Asked, &'static [&'static str]);

#[derive(PartialEq)]
enum Asked {
    Somebody,
    Nobody,
}

fn third_version(path: &Path, asked: &[Old]) {
    let mut db = open(path);
    migrate(&mut db, path, &STEPS[..3]).unwrap();
    db.execute_batch(
        "INSERT INTO sessions (id, created, updated, title, origin)
         VALUES (x'00000000000000000000000000000001', 1, 2, 'a chat', 'ask');",
    )
    .unwrap();
    for (n, Old(text, parent, finish, whom, tags)) in (1_i64..).zip(asked) {
        let id = uuid::Uuid::from_u128(n as u128).into_bytes();
        db.execute(
            "INSERT INTO messages (n, id, session, parent, role, at, text)
             VALUES (?1, ?2, 1, ?4, 'user', 1, ?3)",
            rusqlite::params![n, id, text, parent],
        )
        .unwrap();
        db.execute(
            "INSERT INTO requests (n, id, session, asked, keep, origin, at, day, finish)
             VALUES (?1, ?2, 1, ?1, 'all', 'ask', 1, 1, ?3)",
            rusqlite::params![n, id, finish],
        )
        .unwrap();
        let request = crate::domain::RequestId(uuid::Uuid::from_u128(n as u128));
        let mut input = crate::ledger::sample::input(3, request, crate::domain::UnixMs(1));
        input.features.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let packed = pack::pack(&input, &crate::route::decide(&input)).unwrap();
        db.execute(
            "INSERT INTO decisions (request, at, version, policy, decided_us, packed)
             VALUES (?1, 1, 1, 'balanced', 1, ?2)",
            rusqlite::params![n, packed],
        )
        .unwrap();
        if *whom == Asked::Somebody {
            db.execute(
                "INSERT INTO attempts (id, request, number, model, provider, kind, ms, report)
                 VALUES (?1, ?2, 1, 'm', 'p', 'first', 1, '{}')",
                rusqlite::params![id, n],
            )
            .unwrap();
        }
    }
}

/// The chat as it is read once it was brought forward.
fn brought_forward(dir: &Path) -> crate::ledger::SessionDetail {
    let options = crate::ledger::Options::new(dir, jiff::tz::TimeZone::UTC, uuid::Uuid::now_v7());
    let ledger = crate::ledger::Ledger::open(options).unwrap();
    ledger.flush(Duration::from_secs(20)).unwrap();
    let chat = crate::domain::SessionId(uuid::Uuid::from_u128(1));
    ledger.read(|reader| reader.session(chat)).unwrap().unwrap()
}

#[test]
fn of_a_file_of_the_third_version_what_was_private_and_what_nobody_was_asked_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let asked = [
        Old("answered", None, "stop", Asked::Somebody, &["eu"]),
        Old("a secret #Private", None, "stop", Asked::Somebody, &[]),
        Old("marked beside the text", None, "stop", Asked::Somebody, &["eu", "private"]),
        Old("refused", None, "error", Asked::Nobody, &[]),
        Old("failed", None, "error", Asked::Somebody, &[]),
        Old("killed", None, "interrupted", Asked::Nobody, &[]),
    ];
    third_version(&dir.path().join("ledger.db"), &asked);
    let kept = brought_forward(dir.path());
    let marked = |marked: &dyn Fn(&crate::ledger::KeptMessage) -> bool| {
        let found = kept.messages.iter().filter(|kept| marked(kept));
        found.map(|kept| kept.message.plain()).collect::<Vec<_>>()
    };
    assert_eq!(
        marked(&|kept| crate::domain::is_private(&kept.tags)),
        ["a secret #Private", "marked beside the text"]
    );
    assert_eq!(marked(&|kept| kept.tags.contains(&"eu".to_owned())).len(), 2);
    assert_eq!(marked(&|kept| kept.heard == crate::domain::Heard::Never), ["refused"]);
}

#[test]
fn what_was_refused_and_went_along_with_the_next_question_was_sent_and_makes_no_other_way() {
    let dir = tempfile::tempdir().unwrap();
    let asked = [
        Old("first", None, "stop", Asked::Somebody, &[]),
        Old("refused", Some(1), "error", Asked::Nobody, &[]),
        Old("sent with it", Some(2), "stop", Asked::Somebody, &[]),
        Old("refused at the end", Some(3), "error", Asked::Nobody, &[]),
        Old("and once more", Some(4), "error", Asked::Nobody, &[]),
    ];
    third_version(&dir.path().join("ledger.db"), &asked);
    let kept = brought_forward(dir.path());
    let never = kept.messages.iter().filter(|kept| kept.heard == crate::domain::Heard::Never);
    let never: Vec<String> = never.map(|kept| kept.message.plain()).collect();
    assert_eq!(never, ["refused at the end", "and once more"]);
    assert_eq!(kept.ends(), [kept.messages[2].id]);
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
