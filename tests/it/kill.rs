//! The real binary killed fifty times while it answers over real sockets, at moments drawn from a
//! seed: nothing whose end was seen is lost, what was seen of the rest is offered back, and the file
//! stays whole.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use uuid::Uuid;
use wheelhouse::domain::SessionId;
use wheelhouse::ledger::{FILE, Reader, SessionOrder};
use wheelhouse::sim::{self, FleetOptions, Ports};

const KILLS: usize = 50;

/// Processes that keep in the same file at once.
const AT_ONCE: usize = 4;

/// Of the fifty, so many are killed at the moment their end is seen.
const AT_THE_END: usize = 8;

/// At this pace an answer streams for about half a second.
const PACE: f64 = 0.1;

/// When one is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Once so many bytes were seen: the answer is longer.
    Seen(usize),
    /// The moment its end is seen.
    End,
}

/// What was seen of one.
#[derive(Debug)]
struct Seen {
    prompt: String,
    text: String,
    when: When,
    /// It was over before it could be killed.
    ended: bool,
}

fn draw(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % below
}

fn spawn(home: &Path, config: &Path, prompt: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(["ask", "-m", "sim-gpt-4o", "--pin", "--no-cache", prompt])
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("WHEELHOUSE_CONFIG", config)
        .env("WHEELHOUSE_DATA", home.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads until its moment has come, then kills.
fn kill(mut child: Child, prompt: String, when: When) -> Seen {
    let mut out = child.stdout.take().unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 64];
    let ended = loop {
        let count = out.read(&mut chunk).unwrap();
        if count == 0 {
            break true;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let now = match when {
            When::Seen(wanted) => bytes.len() >= wanted,
            // The line end after the answer is written once its end was read.
            When::End => bytes.ends_with(b"\n") && !bytes.ends_with(b"\n\n") && is_last(&bytes),
        };
        if now {
            break false;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let text = String::from_utf8_lossy(&bytes).trim_end_matches('\u{fffd}').to_owned();
    Seen { prompt, text, when, ended }
}

/// Does the text end as the fleet's answer to our prompts does?
fn is_last(bytes: &[u8]) -> bool {
    LAST.lock().unwrap().as_ref().is_some_and(|last: &Vec<u8>| bytes.ends_with(last))
}

/// The last bytes of a whole answer, its line end included.
static LAST: Mutex<Option<Vec<u8>>> = Mutex::new(None);

const PROMPT: &str = "Explain ownership in Rust at length, with code. This is question number";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_no_answer_whose_end_was_seen_and_offer_back_the_rest() {
    let fleet = sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: PACE }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sim.toml");
    std::fs::write(&config, fleet.config_text()).unwrap();
    let home = dir.path().to_owned();
    let seen = tokio::task::spawn_blocking(move || all(&home, &config)).await.unwrap();
    judge(dir.path(), &seen);
}

fn all(home: &Path, config: &Path) -> Vec<Seen> {
    let whole = spawn(home, config, &format!("{PROMPT} 0")).wait_with_output().unwrap();
    assert!(whole.status.success());
    let length = whole.stdout.len();
    assert!(length > 600, "too short to be killed in the middle: {length}");
    *LAST.lock().unwrap() = Some(whole.stdout[length - 24..].to_vec());
    let mut seed = 20_261_126;
    let plan: Vec<When> = (0..KILLS)
        .map(|n| {
            if n < AT_THE_END {
                When::End
            } else {
                When::Seen(length / 10 + draw(&mut seed, length / 2))
            }
        })
        .collect();
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(when) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = next.fetch_add(0, Ordering::Relaxed);
                    let prompt = format!("{PROMPT} {} {number}", Uuid::now_v7());
                    let one = kill(spawn(home, config, &prompt), prompt, *when);
                    seen.lock().unwrap().push(one);
                }
            });
        }
    });
    seen.into_inner().unwrap()
}

fn judge(home: &Path, seen: &[Seen]) {
    // The next program that opens the file takes up what was left.
    let listed = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
        .args(["sessions", "list"])
        .env_clear()
        .env("HOME", home)
        .env("WHEELHOUSE_DATA", home.join("data"))
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stderr).contains("was cut off"), "{listed:?}");
    let reader = Reader::open(&home.join("data").join(FILE), Duration::from_secs(5)).unwrap();
    assert_eq!(reader.damage().unwrap(), Vec::<String>::new());
    let offered = reader.interrupted(1000).unwrap();
    let sessions = reader.sessions(SessionOrder::Newest, 1000, 0).unwrap();
    assert_eq!(sessions.len(), KILLS + 1, "a question is missing");
    let kept = |prompt: &str| {
        let of = |id: SessionId| reader.session(id).unwrap().unwrap();
        let mut all = sessions.iter().map(|row| of(row.id));
        all.find(|kept| kept.messages[0].message.plain() == prompt).unwrap()
    };
    let (mut middle, mut with_text, mut ends) = (0, 0, 0);
    for one in seen {
        let kept = kept(&one.prompt);
        let answer = kept.messages.get(1).map(|kept| kept.message.plain()).unwrap_or_default();
        let finish = kept.messages.get(1).and_then(|kept| kept.finish.clone());
        if one.ended || one.when == When::End {
            ends += 1;
            assert_eq!(answer, one.text.trim_end_matches('\n'), "its end was seen");
            assert_eq!(finish.as_deref(), Some("stop"));
            continue;
        }
        middle += 1;
        let text = one.text.as_str();
        assert!(answer.starts_with(text) || text.starts_with(&answer), "{answer:?} {text:?}");
        let back = offered.iter().find(|back| back.asked == one.prompt);
        let back = back.unwrap_or_else(|| panic!("not offered back: {}", one.prompt));
        assert_eq!(back.text, answer);
        with_text += usize::from(!answer.is_empty());
    }
    println!("{middle} in the middle, {with_text} with text, {ends} at or after the end");
    assert!(middle >= 40, "only {middle} were killed in the middle");
    assert!(ends >= AT_THE_END);
    assert!(with_text > middle / 2, "only {with_text} of {middle} have text");
}
