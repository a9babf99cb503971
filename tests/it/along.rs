//! The real binary, and what of a conversation it sends along with the next question: nothing that was
//! private, nothing that was refused; and what a prompt says of itself.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// No request fits into it.
const NO_MONEY: &str = "[budget]\nday = { limit = 0.000001, at_limit = \"HOW\" }\n";

struct Data(tempfile::TempDir);

struct Ran {
    json: Value,
    code: i32,
    err: String,
}

impl Data {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self) -> Command {
        self.other(&["ask", "--demo", "--json"])
    }

    fn other(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        let home: &Path = self.0.path();
        command
            .args(args)
            .env_clear()
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .env("WHEELHOUSE_DATA", home.join("data"))
            .stdin(Stdio::null());
        command
    }

    fn ask(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command().args(args).output().unwrap())
    }

    fn piped(&self, text: &str, args: &[&str]) -> Ran {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Ran::of(&child.wait_with_output().unwrap())
    }

    /// Asks where no budget is left.
    fn without_money(&self, at_limit: &str, args: &[&str]) -> Ran {
        let file = self.0.path().join("budget.toml");
        std::fs::write(&file, NO_MONEY.replace("HOW", at_limit)).unwrap();
        let mut command = self.command();
        Ran::of(&command.env("WHEELHOUSE_CONFIG", &file).args(args).output().unwrap())
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = serde_json::from_str(text.trim()).unwrap_or_default();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { json, code: output.status.code().unwrap_or(-1), err }
    }

    /// Characters that were sent, all messages together.
    fn chars(&self) -> u64 {
        let chars = &self.json["decision"]["features"]["chars"];
        chars.as_u64().unwrap_or_else(|| panic!("{} {}", self.json, self.err))
    }

    fn model(&self) -> &str {
        self.json["model"].as_str().unwrap_or_default()
    }
}

#[test]
fn what_was_said_in_private_goes_nowhere_with_the_next_question() {
    let data = Data::new();
    let args = ["--tag", "private", "--system", "the code is 99", "the password is 4711"];
    assert_eq!(data.ask(&args).model(), "sim-tiny");
    let next = data.ask(&["-c", "what was it"]);
    let alone = Data::new().ask(&["what was it"]);
    assert_eq!(next.chars(), alone.chars(), "{}", next.err);
    assert!(next.err.contains("1 private message and its answer are not sent along"));
    assert!(next.err.contains("instructions that were given in private"), "{}", next.err);
    let here = data.ask(&["-c", "#private what was it"]);
    assert_eq!(here.model(), "sim-tiny");
    assert!(here.chars() > next.chars() + 20 && here.err.is_empty(), "{}", here.err);
}

#[test]
fn a_private_message_goes_to_no_model_elsewhere_whoever_is_named() {
    let data = Data::new();
    for args in [
        &["-m", "sim-sonnet", "--tag", "private", "my secret"][..],
        &["-m", "sim-sonnet", "--pin", "#private my secret"],
        &["@sim-sonnet my secret #Private"],
    ] {
        let ran = data.ask(args);
        let why = ran.json["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(ran.json["attempts"], serde_json::json!([]), "{args:?}");
        assert!(why.contains("is not on this machine, and a private message stays here"), "{why}");
    }
}

#[test]
fn what_was_probably_to_stay_here_is_refused_before_anybody_is_asked() {
    let data = Data::new();
    for args in [&["#privat my pin is 4711"][..], &["--tag", "Privat", "my pin"]] {
        let ran = data.ask(args);
        assert_eq!((ran.code, ran.model()), (2, ""), "{}", ran.json);
        let why = ran.json["error"]["message"].as_str().unwrap();
        assert!(why.contains("did you mean #private?"), "{why}");
    }
    let ran = data.ask(&["--tag", "private", "#privat my pin"]);
    assert_eq!(ran.model(), "sim-tiny", "it stays: {}", ran.err);
    let ran = data.ask(&["#private @sim-sonnet my pin"]);
    let why = ran.json["error"]["message"].as_str().unwrap();
    assert!(why.contains("sim-sonnet is not on this machine"), "{why}");
    let ran = data.ask(&["@nosuch hi"]);
    assert!(ran.err.contains("@nosuch is no model: sent as text"), "{}", ran.err);
}

#[test]
fn what_a_prompt_says_of_itself_holds_where_it_was_typed() {
    let data = Data::new();
    for typed in ["#private my secret", "my secret (#PRIVATE)", "我的密码是4711，#private。"]
    {
        assert_eq!(data.ask(&[typed]).model(), "sim-tiny", "{typed}");
    }
    let system = data.ask(&["--system", "#private my rules", "hello"]);
    assert_eq!(system.model(), "sim-tiny", "instructions may say so as well: {}", system.err);
    let named = data.ask(&["@sim-sonnet", "hi"]);
    assert_eq!((named.model(), named.chars()), ("sim-sonnet", 2));
    let piped = data.piped("@sim-sonnet\n#private :floor\n", &["what does this say?"]);
    assert_eq!(piped.json["decision"]["features"]["tags"], serde_json::json!([]));
    assert_ne!(piped.model(), "sim-sonnet");
    assert!(piped.err.contains("--tag private"), "{}", piped.err);
    assert_eq!(data.ask(&["-m", "sim-tiny", "@sim-sonnet hi"]).code, 2);
    let near = data.ask(&["@sim-sonet hi"]);
    assert!(near.err.contains("did you mean sim-sonnet?"), "{}", near.err);
}

#[test]
fn what_was_refused_is_not_sent_along_and_is_no_chat_to_go_on_with() {
    let data = Data::new();
    let refuse = |args: &[&str]| {
        for at_limit in ["stop", "ask"] {
            let all = [&["-m", "sim-sonnet", "--pin"][..], args].concat();
            let ran = data.without_money(at_limit, &all);
            assert_eq!((ran.code, ran.model()), (4, ""), "{}", ran.json);
        }
        let only = ["--cache", "only", "--temperature", "0", "--seed", "1"];
        let ran = data.ask(&[&only[..], args].concat());
        assert_ne!(ran.code, 0);
        let error = &ran.json["error"];
        assert!(error["message"].as_str().unwrap().contains("nothing is kept for this"), "{error}");
        assert_eq!(error["hint"], "without --cache only a model is asked");
    };
    refuse(&["a refused question"]);
    let list = |data: &Data| {
        let args = ["sessions", "list", "--json"];
        String::from_utf8(data.other(&args).output().unwrap().stdout).unwrap()
    };
    assert_eq!(list(&data).trim(), "[]", "nor is it listed as one");
    assert_eq!(data.ask(&["-c", "follow up"]).code, 2, "there is nothing to go on with");
    let first = data.ask(&["first"]);
    refuse(&["-c", "a refused question"]);
    let next = data.ask(&["-c", "follow up"]);
    assert_eq!(next.json["session_id"], first.json["session_id"]);
    let answer = first.json["text"].as_str().unwrap().chars().count() as u64;
    let said = first.chars() + answer + "follow up".chars().count() as u64;
    assert_eq!(next.chars(), said, "{}", next.err);
}
