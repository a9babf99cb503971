//! Programs that are killed while they hold money of a budget: nobody waits for them, and what they
//! had come to counts.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::tz::TimeZone;
use uuid::Uuid;
use wheelhouse::domain::{BudgetScope, Cost, Money, UnixMs};
use wheelhouse::ledger::{FILE, SharedPurse};
use wheelhouse::route::{Bucket, Calendar, Holder, Period, SpendStore as _, Totals};
use wheelhouse::sim::{self, Fault, Fleet, FleetOptions, Ports, Until};

use crate::rig::LIMIT;

/// Two of these do not fit into it at once.
const BUDGET: &str = "[budget]\nday = { limit = 0.30, at_limit = \"stop\" }\n";

/// Whoever waits is refused after this: a dead program's money came back after two minutes.
const TOTAL: &str = "[limits]\ntotal = \"20s\"\n";

const MODEL: &str = "sim-sonnet";
const PROVIDER: &str = "sim-anthropic";

fn ask(home: &Path, config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command
        .args(["ask", "-m", MODEL, "--pin", "--no-cache", "a poem about the sea"])
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("WHEELHOUSE_CONFIG", config)
        .env("WHEELHOUSE_DATA", home.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What is spent and held today by all that keep there.
fn today(home: &Path) -> Totals {
    let now = UnixMs(jiff::Timestamp::now().as_millisecond());
    let date = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = wheelhouse::domain::LocalDay::of(
        i32::from(date.year()),
        u32::try_from(date.month()).unwrap(),
        u32::try_from(date.day()).unwrap(),
    );
    let period = Period { begins: now, ends: now };
    let calendar = Calendar { day, today: period, month: period };
    let store = SharedPurse::open(&home.join("data").join(FILE), TimeZone::UTC).unwrap();
    let bucket = Bucket::at(BudgetScope::Day, &calendar);
    store.totals(Holder(Uuid::now_v7()), &[bucket], now).unwrap().remove(0)
}

/// Bytes of answers under way that are on the disk.
fn journaled(home: &Path) -> usize {
    let db = rusqlite::Connection::open(home.join("data").join(FILE)).unwrap();
    let sum = "SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM journal";
    let bytes: i64 = db.query_row(sum, [], |row| row.get(0)).unwrap_or(0);
    usize::try_from(bytes).unwrap()
}

/// One is killed under this fault, once it has shown so many bytes; the next is answered.
async fn killed(fault: Fault, shown: usize) -> Cost {
    let pace = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 };
    let fleet: Fleet = sim::start(pace).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sim.toml");
    std::fs::write(&config, format!("{}\n{BUDGET}{TOTAL}", fleet.config_text())).unwrap();
    let control = fleet.control();
    control.inject(PROVIDER, fault, Until::Cleared).unwrap();
    let mut first = ask(dir.path(), &config).spawn().unwrap();
    let asked = control.until(PROVIDER, |stats| stats.calls > 0);
    tokio::time::timeout(LIMIT, asked).await.unwrap().unwrap();
    let home = dir.path().to_owned();
    let ask_again = tokio::task::spawn_blocking(move || {
        let mut text = vec![0; shown];
        let mut out = first.stdout.take().unwrap();
        out.read_exact(&mut text).unwrap();
        while journaled(&home) < shown {
            assert!(first.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        assert!(today(&home).reserved > Money::ZERO, "it held nothing");
        first.kill().unwrap();
        first.wait().unwrap();
        let left = today(&home);
        assert_eq!(left.reserved, Money::ZERO, "a dead program holds money");
        (home, left.spent)
    });
    let (home, left) = ask_again.await.unwrap();
    control.clear(PROVIDER).unwrap();
    let next = tokio::task::spawn_blocking(move || ask(&home, &config).output().unwrap());
    let next = next.await.unwrap();
    assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stderr));
    assert!(!next.stdout.is_empty());
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_program_that_was_killed_while_it_answered() {
    let left = killed(Fault::Stall { after: 30 }, 20).await;
    assert!(left.amount > Money::ZERO && !left.exact, "what it had shown was paid: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_program_that_was_killed_before_it_was_given_a_word() {
    let left = killed(Fault::Silence, 0).await;
    assert!(!left.exact, "nobody knows what it came to: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_came_to_that_held_nothing_and_was_killed_is_not_known_either() {
    let pace = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 };
    let fleet: Fleet = sim::start(pace).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sim.toml");
    // Nothing is held in common under a budget that only warns.
    let budget = BUDGET.replace("stop", "warn");
    std::fs::write(&config, format!("{}\n{budget}", fleet.config_text())).unwrap();
    let control = fleet.control();
    control.inject(PROVIDER, Fault::Silence, Until::Cleared).unwrap();
    let mut first = ask(dir.path(), &config).spawn().unwrap();
    let asked = control.until(PROVIDER, |stats| stats.calls > 0);
    tokio::time::timeout(LIMIT, asked).await.unwrap().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let home = dir.path().to_owned();
    let left = tokio::task::spawn_blocking(move || today(&home)).await.unwrap();
    // Its prompt had been sent; what else it came to nobody knows.
    assert!(left.spent.amount > Money::ZERO && !left.spent.exact, "{left:?}");
    assert_eq!(left.reserved, Money::ZERO);
}
