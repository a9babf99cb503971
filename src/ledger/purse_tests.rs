//! The shared purse on a real file: what several processes may spend together.

use super::*;
use crate::domain::{BudgetScope, Cost, LocalDay, Money, SessionId};
use crate::ledger::sample::Turn;
use crate::ledger::{Ledger, Options, Piece};
use crate::route::BucketTime;
use jiff::tz::TimeZone;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn today() -> Bucket {
    Bucket { scope: BudgetScope::Day, time: BucketTime::Day(day()) }
}

fn day() -> LocalDay {
    LocalDay::of(2026, 11, 26)
}

fn claim(holder: Holder, amount: &str, limit: &str) -> SharedClaim {
    SharedClaim {
        attempt: AttemptId(Uuid::now_v7()),
        holder,
        amount: money(amount),
        limits: vec![(today(), money(limit))],
        now: UnixMs(1_000),
        lapses: UnixMs(60_000),
    }
}

fn line(claim: &SharedClaim, cost: &str) -> SpendLine {
    SpendLine {
        attempt: claim.attempt,
        holder: claim.holder,
        buckets: vec![today()],
        cost: Cost { amount: money(cost), exact: true },
        at: UnixMs(2_000),
    }
}

fn holder() -> Holder {
    Holder(Uuid::now_v7())
}

fn spent(store: &SharedPurse, now: i64) -> Totals {
    store.totals(holder(), &[today()], UnixMs(now)).unwrap().remove(0)
}

#[test]
fn two_processes_never_hold_or_spend_more_than_the_limit_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let stores = [
        SharedPurse::open(&path, TimeZone::UTC).unwrap(),
        SharedPurse::open(&path, TimeZone::UTC).unwrap(),
    ];
    let held: Vec<SharedClaim> = std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .iter()
            .map(|store| {
                scope.spawn(move || {
                    let me = holder();
                    (0..32)
                        .map(|_| claim(me, "0.1", "1"))
                        .filter(|claim| {
                            matches!(store.reserve(claim).unwrap(), SharedVerdict::Held(_))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(held.len(), 10);
    for claim in &held {
        stores[0].settle(line(claim, "0.08"));
        // Told twice, counted once.
        stores[0].settle(line(claim, "0.08"));
    }
    let now = spent(&stores[0], 3_000);
    assert_eq!((now.spent.amount, now.reserved), (money("0.8"), Money::ZERO));
    assert!(now.spent.exact);
}

#[test]
fn what_one_run_spent_is_there_in_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let first = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    assert_eq!(spent(&first, 0), Totals::default());
    first.renew(holder(), UnixMs(9)).unwrap();
    first.release(holder(), AttemptId(Uuid::now_v7()));
    assert_eq!(spent(&first, 0), Totals::default());
    assert!(!path.exists(), "looking makes no file");
    let held = claim(holder(), "0.5", "2");
    first.reserve(&held).unwrap();
    first.settle(line(&held, "0.25"));
    assert_eq!(spent(&first, 3_000).spent.amount, money("0.25"));
    drop(first);
    let next = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    assert_eq!(spent(&next, 3_000).spent.amount, money("0.25"));
    let refused = next.reserve(&claim(holder(), "1.8", "2")).unwrap();
    assert!(
        matches!(refused, SharedVerdict::Refused(others) if others[0].spent.amount == money("0.25"))
    );
}

#[test]
fn claims_of_a_process_that_died_lapse_and_leave_the_sum_at_least() {
    let dir = tempfile::tempdir().unwrap();
    let store = SharedPurse::open(&dir.path().join("ledger.db"), TimeZone::UTC).unwrap();
    let (dead, alive) = (claim(holder(), "1", "1"), claim(holder(), "1", "1"));
    store.reserve(&dead).unwrap();
    assert!(matches!(store.reserve(&alive).unwrap(), SharedVerdict::Refused(_)));
    let later = SharedClaim { now: UnixMs(61_000), lapses: UnixMs(90_000), ..alive };
    assert!(matches!(store.reserve(&later).unwrap(), SharedVerdict::Held(_)));
    store.renew(later.holder, UnixMs(200_000)).unwrap();
    let now = spent(&store, 100_000);
    assert!(!now.spent.exact);
    assert_eq!(now.reserved, money("1"), "renewed, it is still held");
}

/// A budget of which a process that ended held 0.9, in the middle of an answer, and another's claim of
/// all of it.
fn left_behind(dir: &std::path::Path) -> (SharedPurse, SharedClaim) {
    let path = dir.join("ledger.db");
    // That day.
    let at = UnixMs(1_795_651_200_000);
    let turn = Turn::new(1, at, SessionId(Uuid::from_u128(1)), "a question", "an answer");
    let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let alive = claim(holder(), "1", "1");
    let dead = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    dead.reserve(&claim(holder(), "0.9", "1")).unwrap();
    // It has begun to show an answer.
    let ledger = Ledger::open(Options::new(dir, TimeZone::UTC, Uuid::now_v7())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begin = turn.begin();
    runtime.block_on(ledger.begin(std::sync::Arc::clone(&begin))).unwrap();
    ledger.more(begin.request.id, Piece::Text, "an answer that breaks off");
    ledger.flush(Duration::from_secs(20)).unwrap();
    assert_eq!(spent(&store, 3_000).reserved, money("0.9"), "they live");
    assert!(matches!(store.reserve(&alive).unwrap(), SharedVerdict::Refused(_)));
    drop((ledger, dead));
    // Nobody's lock is left but the store's own.
    while std::fs::read_dir(dir.join("runs")).unwrap().count() > 1 {
        std::thread::yield_now();
    }
    (store, alive)
}

#[test]
fn what_a_process_held_that_ended_is_free_at_once_and_what_it_had_come_to_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (store, alive) = left_behind(dir.path());
    let now = spent(&store, 3_001);
    assert_eq!(now.reserved, Money::ZERO);
    assert!(now.spent.amount > Money::ZERO && !now.spent.exact, "{now:?}");
    let rest = SharedClaim { amount: money("1") - now.spent.amount, ..alive };
    assert!(matches!(store.reserve(&rest).unwrap(), SharedVerdict::Held(_)));
}

#[test]
fn where_what_a_dead_process_left_cannot_be_taken_up_the_budget_is_shared_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (store, alive) = left_behind(dir.path());
    let path = dir.path().join("ledger.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("DROP TABLE journal").unwrap();
    // What it held stays held until it lapses, and everybody sees it.
    assert_eq!(spent(&store, 3_001).reserved, money("0.9"));
    assert!(matches!(store.reserve(&alive).unwrap(), SharedVerdict::Refused(_)));
    let later = SharedClaim { now: UnixMs(61_000), lapses: UnixMs(90_000), ..alive };
    assert!(matches!(store.reserve(&later).unwrap(), SharedVerdict::Held(_)));
}

#[test]
fn who_cannot_show_that_it_lives_is_not_taken_for_dead_but_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    std::fs::write(dir.path().join("runs"), "in the way").unwrap();
    let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let claim = claim(holder(), "0.9", "1");
    assert!(store.reserve(&claim).is_err());
    std::fs::remove_file(dir.path().join("runs")).unwrap();
    assert!(matches!(store.reserve(&claim).unwrap(), SharedVerdict::Held(_)));
    let beside = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    assert_eq!(spent(&beside, 3_000).reserved, money("0.9"));
}

#[test]
fn old_runs_are_added_up_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    for _ in 0..3 {
        let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
        store.settle(line(&claim(holder(), "1", "9"), "0.1"));
        spent(&store, 3_000);
    }
    let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let far = UnixMs(APART.as_millis() as i64 * 2);
    let late = SharedClaim { now: far, lapses: far, ..claim(holder(), "0.1", "9") };
    store.reserve(&late).unwrap();
    assert_eq!(spent(&store, 3_000).spent.amount, money("0.3"));
    let db = Connection::open(&path).unwrap();
    let rows: i64 =
        db.query_row("SELECT count(*) FROM bucket_spend", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn what_was_spent_while_the_file_could_not_be_written_is_counted_once_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let store = SharedPurse::waiting(&path, TimeZone::UTC, Duration::from_millis(20)).unwrap();
    let (first, second) = (claim(holder(), "0.5", "1"), claim(holder(), "0.3", "1"));
    store.reserve(&first).unwrap();
    store.reserve(&second).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.settle(line(&first, "0.4"));
    store.release(second.holder, second.attempt);
    assert!(store.renew(first.holder, UnixMs(9)).is_err(), "it is locked");
    other.execute_batch("COMMIT").unwrap();
    // Before any later claim of this process, and nothing of it stays held.
    let third = claim(first.holder, "0.6", "1");
    assert!(matches!(store.reserve(&third).unwrap(), SharedVerdict::Held(_)));
    let now = spent(&store, 3_000);
    assert_eq!((now.spent.amount, now.reserved), (money("0.4"), money("0.6")));
}

#[test]
fn what_is_owed_to_the_file_is_written_though_nobody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let store = SharedPurse::waiting(&path, TimeZone::UTC, Duration::from_millis(20)).unwrap();
    let held = claim(holder(), "0.5", "1");
    store.reserve(&held).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.settle(line(&held, "0.4"));
    assert!(store.renew(held.holder, UnixMs(9)).is_err(), "it is locked");
    other.execute_batch("COMMIT").unwrap();
    let beside = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    while spent(&beside, 3_000).spent.amount != money("0.4") {
        std::thread::yield_now();
    }
}

#[test]
fn a_run_that_lives_is_not_added_up_with_the_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let patient = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let early = claim(holder(), "0.5", "9");
    patient.reserve(&early).unwrap();
    patient.settle(line(&early, "0.5"));
    assert_eq!(spent(&patient, 3_000).spent.amount, money("0.5"));
    let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let far = UnixMs(APART.as_millis() as i64 * 2);
    let late = SharedClaim { now: far, lapses: far, ..claim(holder(), "0.1", "9") };
    store.reserve(&late).unwrap();
    // What it spent itself is not told to it as that of others.
    let others = patient.totals(early.holder, &[today()], UnixMs(3_000)).unwrap().remove(0);
    assert_eq!(others.spent.amount, Money::ZERO);
    assert_eq!(spent(&store, 3_000).spent.amount, money("0.5"));
}

#[test]
fn what_a_process_that_died_had_still_kept_of_its_spending_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let store = SharedPurse::open(&path, TimeZone::UTC).unwrap();
    let at = UnixMs(1_795_392_000_000);
    let turn = Turn::new(1, at, SessionId(Uuid::from_u128(1)), "a question", "an answer");
    let attempt = turn.attempts(&turn.begin())[0].id;
    let dead = SharedClaim { attempt, ..claim(holder(), "1", "1") };
    store.reserve(&dead).unwrap();
    // The answer's end was written, what it cost was not told any more.
    let ledger = Ledger::open(Options::new(dir.path(), TimeZone::UTC, Uuid::now_v7())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ledger.end(turn.end())).unwrap();
    let now = spent(&store, 100_000);
    let whole = Cost { amount: Money::from_pico(turn.pico), exact: true };
    assert_eq!((now.spent, now.reserved), (whole, Money::ZERO));
    // It was only asleep, and tells it now: it is counted already.
    store.settle(SpendLine { cost: whole, ..line(&dead, "0") });
    assert_eq!(spent(&store, 100_000).spent, whole);
}

#[test]
fn more_than_can_wait_line_by_line_is_counted_whole_once_the_file_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let store = SharedPurse::waiting(&path, TimeZone::UTC, Duration::from_millis(20)).unwrap();
    let me = holder();
    let held = claim(me, "0.5", "1");
    store.reserve(&held).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.settle(line(&held, "0.25"));
    let count = owed::LINES + 500;
    for _ in 0..count {
        store.settle(line(&claim(me, "1", "1"), "0.000001"));
    }
    // The keeper has taken all of it: nobody waited for the file.
    assert!(store.renew(me, UnixMs(9)).is_err(), "it is locked");
    other.execute_batch("COMMIT").unwrap();
    // One told again is known by its id.
    store.settle(line(&held, "0.25"));
    store.flush(Duration::from_mins(5)).unwrap();
    let now = spent(&store, 3_000);
    let pico = money("0.25").pico() + count as i64 * money("0.000001").pico();
    assert_eq!((now.spent.amount.pico(), now.reserved), (pico, Money::ZERO));
    assert!(now.spent.exact);
}
