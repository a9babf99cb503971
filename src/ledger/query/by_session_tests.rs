//! Whatever was kept, removed or asked without a conversation: rows and total agree.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{Cost, Money, Origin, SessionId, UnixMs, Usage};
use crate::ledger::sample::{Turn, id};
use crate::ledger::{Aside, By, Day, Days, Keep, Ledger, Options, Total};

const NOW: UnixMs = UnixMs(1_795_392_000_000);

struct Kept {
    _dir: tempfile::TempDir,
    ledger: Ledger,
}

fn session(n: u64) -> SessionId {
    SessionId(id(NOW, n))
}

/// The n-th costs n pico-dollars times a million, on the n-th day.
fn turn(n: u64) -> Turn {
    let at = UnixMs(NOW.0 + n as i64 * 86_400_000);
    Turn { pico: n as i64 * 1_000_000, ..Turn::new(n, at, session(n), "asked", "answered") }
}

impl Kept {
    /// Two chats, a third that is removed, one of figures alone, a comparison and a ping.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(Options::new(dir.path(), TimeZone::UTC, Uuid::now_v7())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for n in 1..=3 {
            runtime.block_on(ledger.end(turn(n).end())).unwrap();
        }
        let figures = Turn { keep: Keep::Figures, ..turn(4) };
        runtime.block_on(ledger.end(figures.end())).unwrap();
        let mut compared = turn(5).end();
        let request = &mut Arc::get_mut(&mut compared.begin).unwrap().request;
        (request.session, request.origin) = (None, Origin::Compare);
        runtime.block_on(ledger.end(compared)).unwrap();
        runtime.block_on(ledger.aside(Aside {
            at: NOW,
            provider: "provider-0".into(),
            model: "model-0".into(),
            origin: Origin::Ping,
            usage: Usage { input: 10, output: 1, ..Usage::default() },
            cost: Cost { amount: Money::from_pico(9), exact: false },
            outcome: None,
        }));
        ledger.flush(Duration::from_secs(20)).unwrap();
        ledger.remove(session(3)).unwrap();
        Self { _dir: dir, ledger }
    }

    fn rows(&self, days: Days, limit: usize) -> Vec<Total> {
        self.ledger.read(|reader| reader.totals(days, By::Session, limit)).unwrap()
    }
}

/// What has to agree.
fn figures<'a>(rows: impl IntoIterator<Item = &'a Total>) -> (u64, i64, [u64; 3], bool) {
    rows.into_iter().fold((0, 0, [0; 3], true), |(calls, pico, tokens, exact), row| {
        let usage = [row.usage.input, row.usage.cached_input, row.usage.output];
        let tokens = [0, 1, 2].map(|n| tokens[n] + usage[n]);
        (calls + row.attempts, pico + row.cost.amount.pico(), tokens, exact && row.cost.exact)
    })
}

#[test]
fn rows_by_chat_add_up_to_the_total() {
    let kept = Kept::new();
    let first = Day::of(NOW, &TimeZone::UTC);
    for days in [Days::ALL, Days { from: first, to: Day(first.0 + 3) }, Days::last(1, first)] {
        let whole = kept.ledger.read(|reader| reader.total(days)).unwrap();
        assert_eq!(figures(&kept.rows(days, 100)), figures([&whole]), "{days:?}");
    }
}

#[test]
fn what_belongs_to_no_chat_is_named_by_what_asked() {
    let rows = Kept::new().rows(Days::ALL, 100);
    let told: Vec<(&str, bool, i64)> = rows
        .iter()
        .map(|row| (row.key.as_str(), row.session.is_some(), row.cost.amount.pico()))
        .collect();
    assert_eq!(
        told,
        [
            ("removed or not kept", false, 7_000_000),
            ("compare", false, 5_000_000),
            ("asked", true, 2_000_000),
            ("asked", true, 1_000_000),
            ("keep warm", false, 9),
        ]
    );
    assert!(rows.iter().all(|row| row.cost.exact == (row.key != "keep warm")), "{rows:?}");
}

#[test]
fn what_belongs_to_no_chat_is_there_however_few_chats_are_wanted() {
    let rows = Kept::new().rows(Days::ALL, 1);
    assert_eq!(rows.iter().filter(|row| row.session.is_some()).count(), 1);
    assert!(rows.iter().any(|row| row.key == "keep warm"), "{rows:?}");
}

#[test]
fn what_is_asked_at_once_is_of_one_moment() {
    let kept = Kept::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    kept.ledger
        .read(|reader| {
            reader.at_once(|reader| {
                let before = reader.total(Days::ALL)?;
                runtime.block_on(kept.ledger.end(turn(8).end())).unwrap();
                assert_eq!(reader.total(Days::ALL)?, before);
                assert_eq!(figures(&reader.totals(Days::ALL, By::Session, 9)?), figures([&before]));
                Ok(())
            })
        })
        .unwrap();
    let after = kept.ledger.read(|reader| reader.total(Days::ALL)).unwrap();
    assert_eq!(after.attempts, 7, "and is let go of again");
}
