//! `wheelhouse models sync` by the real binary: from a file and over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.path("config.toml"), config).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("WHEELHOUSE_CONFIG", self.path("config.toml"))
            .env("WHEELHOUSE_DATA", self.path("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn synced(&self) -> PathBuf {
        self.path("data/synced.toml")
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const FEED: &str = r#"{"anthropic":{"models":{
    "claude-sonnet-5-5":{"limit":{"context":1000000},"cost":{"input":1.5,"output":10,"cache_read":0.1,"cache_write":2.5}},
    "claude-opus-5-5":{"cost":{"input":3,"output":20}},
    "claude-nova-9":{"limit":{"context":200000,"output":64000},"cost":{"input":1e-1,"output":5e-1}},
    "claude-odd":{"cost":{"input":-3,"output":1}}}}}"#;

const MINE: &str = "[models.opus.price]\ninput = 4\noutput = 19\n";

fn feed(path: &Path) -> String {
    std::fs::write(path, FEED).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_feed_is_shown_as_a_diff_and_nothing_is_kept_without_being_told() {
    let home = Home::new(MINE);
    let file = feed(&home.path("api.json"));
    let ran = home.run(&["models", "sync", "--from", "modelsdev", &file]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    let told = words(&ran.stdout);
    assert!(told.contains("~ sonnet") && told.contains("in 2 -> 1.5 (-25%)"), "{told}");
    let mine = told.lines().find(|line| line.starts_with("~ opus")).unwrap();
    assert!(mine.contains("yours stays: set in") && mine.contains("config.toml:2"), "{mine}");
    assert!(told.contains("+ 1 new: anthropic/claude-nova-9"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("- ") && line.contains("haiku")), "{told}");
    let talk = words(&ran.stderr);
    assert!(talk.contains("refused claude-odd: cost.input is -3: less than nothing"), "{talk}");
    assert!(talk.contains("--write keeps"), "{talk}");
    assert!(!home.synced().exists());
}

#[test]
fn what_is_kept_holds_under_the_users_file_and_says_where_it_is_from() {
    let home = Home::new(MINE);
    let file = feed(&home.path("api.json"));
    let args = ["models", "sync", &file, "--write", "--add", "nova"];
    let ran = home.run(&args);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert!(
        words(&ran.stderr).contains("1 changed and 1 new models are kept in ~/data/synced.toml")
    );
    let mode = std::fs::metadata(home.synced()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let show = |what: &str| words(&home.run(&["config", "show", what]).stdout);
    let sonnet = show("models.sonnet.price");
    assert!(sonnet.contains("price.input = 1.5") && sonnet.contains("# synced "), "{sonnet}");
    assert!(sonnet.contains("price.source = \"modelsdev (api.json)\""), "{sonnet}");
    assert!(show("models.opus.price").contains("input = 4 "), "{}", show("models.opus.price"));
    let nova = show("models.\"anthropic/claude-nova-9\"");
    assert!(nova.contains("context = 200000") && nova.contains("price.output = 0.5"), "{nova}");
    // The same feed again has nothing more to say, but for what the user set.
    let again = home.run(&["models", "sync", &file, "--json"]);
    let said: Value = serde_json::from_slice(&again.stdout).unwrap();
    let changed: Vec<_> =
        said["changed"].as_array().unwrap().iter().map(|c| c["model"].as_str().unwrap()).collect();
    assert_eq!((changed, said["new"].as_array().unwrap().len()), (vec!["opus"], 0));
}

#[test]
fn a_broken_synced_file_stops_nothing() {
    let home = Home::new("");
    std::fs::create_dir(home.path("data")).unwrap();
    std::fs::write(home.synced(), "models = 7").unwrap();
    let ran = home.run(&["config", "check"]);
    assert!(ran.status.success(), "{}", words(&ran.stderr));
    assert!(words(&ran.stderr).contains("synced.toml"), "{}", words(&ran.stderr));
}

#[test]
fn a_feed_comes_over_http_and_what_is_none_is_told() {
    let home = Home::new("");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api.json", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        for (status, body) in [("200 OK", FEED), ("200 OK", "<html>"), ("503 Busy", "")] {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    let ran = home.run(&["models", "sync", &url]);
    assert!(words(&ran.stdout).contains("~ sonnet"), "{}", words(&ran.stderr));
    let ran = home.run(&["models", "sync", &url]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(words(&ran.stderr).contains("not a feed of modelsdev"), "{}", words(&ran.stderr));
    let ran = home.run(&["models", "sync", &url]);
    assert!(words(&ran.stderr).contains("answered 503"), "{}", words(&ran.stderr));
    server.join().unwrap();
    let ran = home.run(&["models", "sync", "no-such-file.json"]);
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn a_password_or_key_in_a_feeds_address_is_never_shown() {
    let home = Home::new("");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://me:hunter2@{address}/api.json?key=s3cret");
    let server = std::thread::spawn(move || {
        for answer in ["503 Busy\r\ncontent-length: 0", "200 OK\r\ncontent-length: 1"] {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let answer = format!("HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n7");
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    let odd = "ftp://me:hunter2@host/api.json?key=s3cret".to_owned();
    for (url, words) in [(&url, "answered 503"), (&url, "not a feed"), (&odd, "expected http")] {
        let ran = home.run(&["models", "sync", url]);
        let told = words_of(&ran);
        assert!(told.contains(words), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("s3cret"), "{told}");
    }
    server.join().unwrap();
    // Nobody answers there any more.
    let told = words_of(&home.run(&["models", "sync", &url]));
    assert!(!told.contains("hunter2") && !told.contains("s3cret"), "{told}");
}

fn words_of(ran: &Output) -> String {
    words(&ran.stdout) + &words(&ran.stderr)
}
