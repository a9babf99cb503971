//! A ledger of a million rows, and how long questions to it take: what the Costs view asks, search,
//! the list of conversations, one of two thousand messages, `usage` and `sessions list` as whole
//! processes, and opening it; each beside an empty one. Then what keeping adds to a request.
//!
//! `cargo run --release --example ledger -- [ROWS] [DIR]` (1000000, a temporary one). An existing
//! ledger in DIR is used as it is. Fails when a question takes longer than a person should notice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use uuid::Uuid;
use wheelhouse::domain::{SessionId, UnixMs};
use wheelhouse::ledger::sample::{Turn, id};
use wheelhouse::ledger::{By, Day, Days, FILE, Ledger, LedgerError, Options, Reader, SessionOrder};

/// No question may take longer.
const LIMIT: Duration = Duration::from_millis(100);

/// Rows a request leaves besides its sums: itself, a decision, two messages, an attempt, a line.
const ROWS_EACH: u64 = 6;

/// Requests in a conversation.
const TURNS: u64 = 8;

/// Questions and answers in one long conversation.
const LONG: u64 = 1000;

/// Models to choose from.
const MODELS: u64 = 12;

/// The span the requests lie in.
const DAYS: i64 = 400;

const END: UnixMs = UnixMs(1_795_392_000_000);

const WORDS: &[&str] = &[
    "borrow",
    "checker",
    "moves",
    "value",
    "lifetime",
    "today",
    "weather",
    "winter",
    "garden",
    "river",
    "stone",
    "函数",
    "所有权",
    "天气",
    "公园",
    "設定",
    "データ",
    "quickly",
    "because",
    "answer",
    "question",
    "market",
    "budget",
    "latency",
    "router",
    "provider",
    "token",
    "stream",
];

fn text(seed: &mut u64, words: usize) -> String {
    let mut out = String::new();
    for _ in 0..words {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.push_str(WORDS[(*seed >> 33) as usize % WORDS.len()]);
        out.push(' ');
    }
    out
}

/// The long conversation.
fn long() -> SessionId {
    SessionId(id(END, 42))
}

fn options(dir: &Path) -> Options {
    Options::new(dir, TimeZone::UTC, Uuid::now_v7())
}

fn fill(dir: &Path, rows: u64) {
    let requests = rows / ROWS_EACH;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ledger = Ledger::open(options(dir)).unwrap();
    let started = Instant::now();
    let mut seed = 7;
    let mut parent = None;
    for n in 0..requests {
        let at =
            UnixMs(END.0 - DAYS * 86_400_000 + (n as i64) * DAYS * 86_400_000 / requests as i64);
        let talk = SessionId(id(END, 1_000_000_000 + n / TURNS));
        let rare = if n == requests / 3 { "zanzibar 珍珠 " } else { "" };
        let asked = format!("{rare}{}", text(&mut seed, 14));
        let mut turn = Turn::new(n, at, talk, &asked, &text(&mut seed, 60));
        turn.models = MODELS;
        turn.failed = n.is_multiple_of(9).then_some(1000);
        turn.parent = parent.filter(|_| !n.is_multiple_of(TURNS));
        parent = Some(turn.answer_id());
        let end = turn.end();
        if n % 256 == 255 || n + 1 == requests {
            runtime.block_on(ledger.end(end)).unwrap();
        } else {
            // Whoever watches it is not needed: the writer has it.
            let ledger = ledger.clone();
            runtime.block_on(async {
                let waiting = ledger.end(end);
                tokio::pin!(waiting);
                let _given = futures_util::poll!(&mut waiting);
            });
        }
        if n % 20_000 == 0 && n > 0 {
            println!("  {n} requests, {:.0} a second", n as f64 / started.elapsed().as_secs_f64());
        }
    }
    let mut parent = None;
    for n in 0..LONG {
        let at = UnixMs(END.0 - DAYS * 86_400_000 + n as i64);
        let asked = text(&mut seed, 14);
        let mut turn = Turn::new(requests + n, at, long(), &asked, &text(&mut seed, 60));
        turn.models = MODELS;
        turn.parent = parent;
        parent = Some(turn.answer_id());
        runtime.block_on(ledger.end(turn.end())).unwrap();
    }
    let size = std::fs::metadata(dir.join(FILE)).unwrap().len();
    println!(
        "filled with {requests} requests in {:.0} s, {} MB",
        started.elapsed().as_secs_f64(),
        size >> 20
    );
}

struct Clock {
    worst: Duration,
    rows: Vec<(String, Duration, Duration)>,
}

impl Clock {
    /// The best of five on each: the machine's own noise is not what is asked about.
    fn time<T>(&mut self, name: &str, sides: [&Reader; 2], ask: impl Fn(&Reader) -> T) {
        let best = |reader: &Reader| {
            (0..5)
                .map(|_| {
                    let started = Instant::now();
                    let _answer = ask(reader);
                    started.elapsed()
                })
                .min()
                .unwrap()
        };
        let [empty, full] = sides.map(best);
        self.add(name, empty, full);
    }

    fn add(&mut self, name: &str, empty: Duration, full: Duration) {
        self.worst = self.worst.max(full);
        self.rows.push((name.to_owned(), empty, full));
    }
}

fn process(args: &[&str], data: &Path) -> Duration {
    let binary = PathBuf::from(std::env::args_os().next().unwrap());
    // Examples lie one directory below the binary.
    let binary = binary.parent().unwrap().parent().unwrap().join("wheelhouse");
    (0..5)
        .map(|_| {
            let started = Instant::now();
            let ran = Command::new(&binary)
                .args(args)
                .env("WHEELHOUSE_DATA", data)
                .env("HOME", data)
                .output()
                .expect("build the binary first: cargo build --release");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            started.elapsed()
        })
        .min()
        .unwrap()
}

fn open(dir: &Path) -> Duration {
    (0..5)
        .map(|_| {
            let started = Instant::now();
            let ledger = Ledger::open(options(dir)).unwrap();
            ledger.flush(Duration::from_mins(1)).unwrap();
            started.elapsed()
        })
        .min()
        .unwrap()
}

fn questions(clock: &mut Clock, sides: [&Reader; 2]) {
    let today = Day::of(END, &TimeZone::UTC);
    let spans = [
        ("today", Days::last(1, today)),
        ("7 days", Days::last(7, today)),
        ("30 days", Days::last(30, today)),
        ("all", Days::ALL),
    ];
    for (span, days) in spans {
        for (name, by) in [
            ("model", By::Model),
            ("provider", By::Provider),
            ("day", By::Day),
            ("session", By::Session),
            ("origin", By::Origin),
        ] {
            clock.time(&format!("totals by {name}, {span}"), sides, |reader| {
                reader.totals(days, by, 100).unwrap()
            });
        }
        clock.time(&format!("routing, {span}"), sides, |reader| {
            reader.routing(days, Some(&"model-3".into())).unwrap()
        });
        clock.time(&format!("series by day, {span}"), sides, |reader| {
            reader.days(days, None).unwrap()
        });
    }
    let day = Duration::from_hours(24);
    clock.time("series by hour, 24 h", sides, |reader| reader.hours(END - day, END, None).unwrap());
    clock.time("series by hour, all", sides, |reader| reader.hours(UnixMs(0), END, None).unwrap());
    clock.time("sessions, newest 50", sides, |reader| {
        reader.sessions(SessionOrder::Newest, 50, 0).unwrap()
    });
    clock.time("sessions, dearest 50", sides, |reader| {
        reader.sessions(SessionOrder::Dearest, 50, 0).unwrap()
    });
    clock.time("session by digits of its id", sides, |reader| reader.find_session("3b9aca05").ok());
    clock.time("a conversation of 2,000 messages", sides, |reader| {
        let ways = reader.session(long()).unwrap().map(|whole| whole.ends());
        let answers = reader.answers_of(long()).unwrap();
        (ways, answers, reader.unanswered_of(long()).unwrap())
    });
    for words in [
        "borrow",
        "zanzibar",
        "天气",
        "珍珠",
        "所有权",
        "river stone",
        "nothing-at-all",
        "xy",
        "公",
        "borrow checker 天气",
    ] {
        clock.time(&format!("search {words:?}"), sides, |reader| reader.search(words, 50).unwrap());
    }
    clock.time("requests, newest 100", sides, |reader| {
        reader.requests(UnixMs(i64::MAX), 100).unwrap()
    });
    clock.time("interrupted", sides, |reader| reader.interrupted(20).unwrap());
}

/// What one answer's end waits for, and what the rest of keeping takes, into a full ledger.
fn adds(dir: &Path) -> Result<(), LedgerError> {
    let ledger = Ledger::open(options(dir))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut waits = Vec::new();
    let mut begins = Vec::new();
    for n in 0..200u64 {
        let mut turn = Turn::new(
            9_000_000_000 + n,
            UnixMs(END.0 + n as i64),
            SessionId(id(END, 7)),
            "what keeping adds",
            &"an answer of ordinary length. ".repeat(40),
        );
        turn.models = MODELS;
        let end = turn.end();
        let started = Instant::now();
        runtime.block_on(ledger.begin(std::sync::Arc::clone(&end.begin)))?;
        begins.push(started.elapsed());
        for piece in end.text.as_bytes().chunks(30) {
            ledger.more(
                turn.request(),
                wheelhouse::ledger::Piece::Text,
                &String::from_utf8_lossy(piece),
            );
        }
        let started = Instant::now();
        runtime.block_on(ledger.end(end))?;
        waits.push(started.elapsed());
    }
    ledger.remove(SessionId(id(END, 7)))?;
    for (name, mut times) in [("waited at the start", begins), ("waited at the end", waits)] {
        times.sort();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1000.0;
        println!("{name}: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms", at(50), at(95), at(99));
    }
    Ok(())
}

fn main() {
    let mut args = std::env::args().skip(1);
    let rows: u64 = args.next().map_or(1_000_000, |text| text.parse().expect("rows"));
    let scratch = tempfile::tempdir().unwrap();
    let full = args.next().map_or_else(|| scratch.path().join("full"), PathBuf::from);
    let empty = scratch.path().join("empty");
    if !full.join(FILE).exists() {
        fill(&full, rows);
    }
    Ledger::open(options(&empty)).unwrap().flush(Duration::from_mins(1)).unwrap();
    let mut clock = Clock { worst: Duration::ZERO, rows: Vec::new() };
    let reader = |dir: &Path| Reader::open(&dir.join(FILE), Duration::from_secs(5)).unwrap();
    let readers = [reader(&empty), reader(&full)];
    questions(&mut clock, [&readers[0], &readers[1]]);
    for args in
        [&["usage", "--since", "all"][..], &["usage", "--by", "session"], &["sessions", "list"]]
    {
        let times = [&empty, &full].map(|dir| process(args, dir));
        clock.add(&format!("wheelhouse {}", args.join(" ")), times[0], times[1]);
    }
    clock.add("open and recover", open(&empty), open(&full));
    println!("{:<34} {:>10} {:>10}", "", "empty", "full");
    for (name, empty, full) in &clock.rows {
        let ms = |span: &Duration| span.as_secs_f64() * 1000.0;
        println!("{name:<34} {:>7.2} ms {:>7.2} ms", ms(empty), ms(full));
    }
    adds(&full).unwrap();
    println!("slowest question: {:.1} ms", clock.worst.as_secs_f64() * 1000.0);
    std::process::exit(i32::from(clock.worst > LIMIT));
}
