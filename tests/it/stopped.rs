//! The real binary, stopped in the middle of an answer: what it says then is what it keeps.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A long answer of a model that is paid for, so that it is still under way.
const LONG: [&str; 4] = ["-m", "sim-sonnet", "--pin", "explain the borrow checker in great detail"];

/// A test is given up after this.
const PATIENCE: Duration = Duration::from_secs(30);

fn wheelhouse(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("WHEELHOUSE_DATA", home.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

/// What the ledger says of the one chat there is.
fn kept(home: &Path) -> Value {
    let output = wheelhouse(home, &["sessions", "list", "--json"]).output().unwrap();
    serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()[0].clone()
}

/// Waits until something of the answer came: what is shown is journalled.
fn until_it_speaks(home: &Path) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let db = home.join("data").join("ledger.db");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let pieces = rusqlite::Connection::open_with_flags(db, flags).and_then(|db| {
            db.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, i64>(0))
        });
        if pieces.is_ok_and(|pieces| pieces > 0) {
            return;
        }
        std::thread::yield_now();
    }
    panic!("nothing came");
}

#[test]
fn an_answer_that_is_stopped_says_who_gave_it_and_what_it_came_to() {
    let home = tempfile::tempdir().unwrap();
    let args = [&["ask", "--demo", "--json"][..], &LONG].concat();
    let child = wheelhouse(home.path(), &args).spawn().unwrap();
    until_it_speaks(home.path());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["finish"], &said["model"]), (&"cancelled".into(), &"sim-sonnet".into()));
    assert_eq!(said["cost_exact"], false);
    assert_eq!(said["attempts"][0]["outcome"], "cancelled", "{said}");
    assert!(said["usage"]["output"].as_u64().unwrap() > 0, "{said}");
    let kept = kept(home.path());
    assert_eq!((&kept["cost_usd"], &kept["cost_exact"]), (&said["cost_usd"], &false.into()));
}

#[test]
fn a_pipe_that_is_stopped_is_told_what_it_came_to_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let mut child =
        wheelhouse(home.path(), &[&["ask", "--demo"][..], &LONG].concat()).spawn().unwrap();
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let told = String::from_utf8(output.stderr).unwrap();
    let amount = kept(home.path())["cost_usd"].as_str().unwrap().to_owned();
    assert_eq!(told, format!("wheelhouse: stopped; sim-sonnet, at least ${amount}\n"));
}
