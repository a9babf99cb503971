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

fn in_session(n: u64, session: u64, answer: &str) -> Turn {
    Turn { session: SessionId(id(NOW, session)), ..turn(n, answer) }
}

/// The conversations that are kept, with what was answered there, oldest first.
fn answers(dir: &Path) -> Vec<String> {
    let db = Connection::open(dir.join(FILE)).unwrap();
    let mut rows = db.prepare("SELECT text FROM messages WHERE role = 'assistant' ORDER BY n");
    let rows = rows.as_mut().unwrap().query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|text| text.unwrap().chars().take(8).collect()).collect()
}

fn lines(dir: &Path) -> i64 {
    let db = Connection::open(dir.join(FILE)).unwrap();
    db.query_row("SELECT count(*) FROM spend", [], |row| row.get(0)).unwrap()
}

#[test]
fn on_a_full_disk_what_is_given_waits_in_order_and_is_written_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { max_bytes: Some(1_500_000), ..options(dir.path()) };
    let ledger = Ledger::open(small).unwrap();
    let noise = |n: u64| {
        let words = (1..4_001u64).map(|at| format!("{:x}", at * (n + 7) * 2_654_435_761));
        words.collect::<Vec<_>>().join(" ")
    };
    end(&ledger, &in_session(1, 1, &format!("first {}", noise(1)))).unwrap();
    let mut refused = Vec::new();
    let mut n = 1;
    while refused.is_empty() {
        n += 1;
        let wide = in_session(n, n, &format!("wide-{n:02} {}", noise(n)));
        refused.extend(end(&ledger, &wide).err());
    }
    assert_eq!(refused[0], LedgerError::Full { path: dir.path().join(FILE) });
    assert!(refused[0].to_string().contains("free some space"), "{}", refused[0]);
    assert_eq!(ledger.trouble(), Some(refused.remove(0)));
    // What comes after waits behind it, though it might fit: a conversation is kept in order.
    assert!(end(&ledger, &in_session(n + 1, n, "and more")).is_err());
    assert_eq!(ledger.behind(), Behind { waiting: 2, ..Behind::default() });
    assert_eq!(answers(dir.path()).len() as u64, n - 1);
    // Removing is done even so, and what waits is written in its turn.
    assert!(ledger.remove(SessionId(id(NOW, 1))).unwrap() > 0);
    ledger.flush(LIMIT).unwrap();
    assert_eq!(ledger.trouble(), None);
    assert_eq!(ledger.behind(), Behind { late: 2, ..Behind::default() });
    let kept = answers(dir.path());
    assert_eq!(kept[kept.len() - 2..], [format!("wide-{n:02} "), "and more".to_owned()]);
    assert_eq!(lines(dir.path()) as u64, n + 1);
    assert!(ledger.read(Reader::damage).unwrap().is_empty());
}

#[test]
fn no_word_of_a_conversation_removed_while_it_waits_for_room_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { max_bytes: Some(800_000), ..options(dir.path()) };
    let ledger = Ledger::open(small).unwrap();
    end(&ledger, &in_session(1, 1, &"filler ".repeat(20_000))).unwrap();
    assert!(end(&ledger, &in_session(2, 2, &"secret ".repeat(60_000))).is_err());
    assert!(end(&ledger, &in_session(3, 1, "more of the first")).is_err());
    ledger.remove(SessionId(id(NOW, 1))).unwrap();
    let _too_long_still = ledger.flush(LIMIT);
    assert!(ledger.read(|reader| reader.session_row(SessionId(id(NOW, 1)))).unwrap().is_none());
}

#[test]
fn what_was_given_while_another_program_held_the_file_is_written_once_it_lets_go() {
    let dir = tempfile::tempdir().unwrap();
    let quick = Options { busy: Duration::from_millis(20), ..options(dir.path()) };
    let ledger = Ledger::open(quick).unwrap();
    end(&ledger, &turn(1, "answer 1")).unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // Few, because each makes the pause before the next try longer.
    for n in 2..=4 {
        let next = turn(n, &format!("answer {n}"));
        runtime.block_on(ledger.begin_later(next.begin()));
        for report in next.attempts(&next.begin()) {
            ledger.attempt(&next.begin(), report);
        }
        ledger.more(next.request(), Piece::Text, "answer");
        assert!(matches!(end(&ledger, &next), Err(LedgerError::Busy { .. })));
    }
    assert_eq!(ledger.behind(), Behind { waiting: 3, ..Behind::default() });
    other.execute_batch("COMMIT").unwrap();
    // Nobody asks for anything: it is tried again by itself.
    while ledger.behind().waiting > 0 || ledger.trouble().is_some() {
        std::thread::yield_now();
    }
    assert_eq!(ledger.behind(), Behind { late: 3, ..Behind::default() });
    let wanted: Vec<String> = (1..=4).map(|n| format!("answer {n}")).collect();
    assert_eq!(answers(dir.path()), wanted);
    // Given once more, it is there once.
    end(&ledger, &turn(3, "answer 3")).unwrap();
    assert_eq!((answers(dir.path()), lines(dir.path())), (wanted, 4));
    let db = Connection::open(dir.path().join(FILE)).unwrap();
    let journaled: i64 =
        db.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert_eq!(journaled, 0, "pieces of answers that are over were left behind");
}

#[test]
fn an_answer_on_its_way_while_the_file_is_held_is_journaled_whole_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let quick = Options { busy: Duration::from_millis(20), ..options(dir.path()) };
    let ledger = Ledger::open(quick).unwrap();
    ledger.flush(LIMIT).unwrap();
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let running = turn(1, "");
    assert!(runtime.block_on(ledger.begin(running.begin())).is_err());
    for piece in ["one ", "two ", "three"] {
        ledger.more(running.request(), Piece::Text, piece);
        assert!(ledger.flush(LIMIT).is_err());
    }
    other.execute_batch("COMMIT").unwrap();
    ledger.flush(LIMIT).unwrap();
    let db = Connection::open(dir.path().join(FILE)).unwrap();
    let text = || -> String {
        db.query_row("SELECT coalesce(group_concat(text, ''), '') FROM journal", [], |row| {
            row.get(0)
        })
        .unwrap()
    };
    assert_eq!(text(), "one two three");
    // And by itself, where only pieces wait.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ledger.more(running.request(), Piece::Text, " four");
    while ledger.trouble().is_none() {
        std::thread::yield_now();
    }
    other.execute_batch("COMMIT").unwrap();
    while text() != "one two three four" {
        std::thread::yield_now();
    }
}

#[test]
fn what_waits_is_tried_once_more_at_the_end_and_what_is_not_kept_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let quick = || Options { busy: Duration::from_millis(20), ..options(dir.path()) };
    let ledger = Ledger::open(quick()).unwrap();
    end(&ledger, &turn(1, "answer 1")).unwrap();
    assert_eq!(ledger.unkept(), None);
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    end(&ledger, &turn(2, "answer 2")).unwrap_err();
    end(&ledger, &turn(3, "answer 3")).unwrap_err();
    let said = ledger.unkept().unwrap();
    assert!(said.starts_with("2 requests: ") && said.contains("locked"), "{said}");
    other.execute_batch("COMMIT").unwrap();
    drop(ledger);
    while answers(dir.path()).len() < 3 {
        std::thread::yield_now();
    }
    assert_eq!(answers(dir.path()), ["answer 1", "answer 2", "answer 3"]);
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
    assert_eq!(ledger.behind().late, 1);
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
    let written = || match ledger.read(|reader| reader.total(Days::ALL)) {
        Ok(total) => total.attempts,
        // The first one's writer has not begun the file yet.
        Err(LedgerError::Nothing { .. }) => 0,
        Err(error) => panic!("{error}"),
    };
    while written() < 50 {
        std::thread::yield_now();
    }
}
