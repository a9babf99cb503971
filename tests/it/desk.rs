//! What goes wrong as the binary tells it: the error desk in two languages, errors nobody has read
//! before, scripts of faults, and drills.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SECRET: &str = "sk-this-must-never-show-0123456789";
const PROMPT: &str = "my secret diagnosis is a rare disease of the liver";

/// A home of its own, so that nothing of the machine's is read or written.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file with this text.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, locale: &str, args: &[&str]) -> (i32, String, String) {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("WHEELHOUSE_DATA", self.path("data"))
            .env("LC_ALL", locale)
            .env("LAB_KEY", SECRET)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }
}

/// A provider that answers every call with this status and body.
fn provider(status: u16, body: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            // The head and the body come in one or two reads; what matters is that it was asked.
            while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(n) => seen.extend_from_slice(&buffer[..n]),
                }
            }
            let _ = write!(
                stream,
                "HTTP/1.1 {status} Odd\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}/v1")
}

fn config(base: &str, more: &str) -> String {
    format!(
        "[providers.lab]\nbase_url = \"{base}\"\napi_key = \"env:LAB_KEY\"\n\
         [models.lab-small]\nprovider = \"lab\"\nid = \"small\"\ncontext = 8000\n\
         max_output = 1000\nprice = {{ input = 1.0, output = 1.0 }}\n{more}"
    )
}

#[test]
fn a_failed_request_is_told_whole_in_the_users_language() {
    let home = Home::new();
    let body = r#"{"error":{"message":"Insufficient Balance","code":"invalid_request_error"}}"#;
    let config = home.file("config.toml", &config(&provider(402, body.to_owned()), ""));
    let ask = ["ask", "--config", &config, "-m", "lab-small", "--pin", "hello"];
    let (code, out, err) = home.run("C.UTF-8", &ask);
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    for line in [
        "wheelhouse: lab: Account balance is used up",
        "  whose fault: your key or account there",
        "  retry:       sending it again as it is does not help",
        "  router:      asked lab-small; nobody else could be asked",
        "  what to do:  Top up the account",
        "  original:    Insufficient Balance",
    ] {
        assert!(err.contains(line), "{line}\n{err}");
    }
    let (_, _, err) = home.run("zh_CN.UTF-8", &ask);
    for line in
        ["lab: 账户余额已用尽", "谁的问题: 您在该处的密钥或账户", "原文:     Insufficient Balance"]
    {
        assert!(err.contains(line), "{line}\n{err}");
    }
    // Programs are told in English whatever the locale.
    let json = ["ask", "--json", "--config", &config, "-m", "lab-small", "--pin", "hello"];
    let (_, out, _) = home.run("zh_CN.UTF-8", &json);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["error"]["message"], "Account balance is used up");
    assert_eq!(value["error"].as_object().unwrap().len(), 5);
}

#[test]
fn the_configuration_sets_the_language_against_the_locale() {
    let home = Home::new();
    let body = r#"{"error":{"message":"Insufficient Balance"}}"#.to_owned();
    let text = config(&provider(402, body), "[console]\nlanguage = \"zh\"\n");
    let config = home.file("config.toml", &text);
    let ask = ["ask", "--config", &config, "-m", "lab-small", "--pin", "hello"];
    assert!(home.run("en_GB.UTF-8", &ask).2.contains("账户余额已用尽"));
}

#[test]
fn an_unknown_error_is_kept_once_without_keys_and_prompts_in_a_private_file() {
    let home = Home::new();
    let body = format!(
        r#"{{"error":{{"message":"The teapot of {SECRET} will not brew '{PROMPT}' at https://lab.example/x?k=1"}}}}"#
    );
    let base = provider(418, body);
    let config = home.file("config.toml", &config(&base, ""));
    let ask = ["ask", "--config", &config, "-m", "lab-small", "--pin", PROMPT];
    assert_eq!(home.run("C.UTF-8", &ask).0, 1);
    assert_eq!(home.run("C.UTF-8", &ask).0, 1);
    let path = home.path("data").join("unknown-errors.jsonl");
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");
    let line: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((&line["provider"], &line["status"]), (&"lab".into(), &418.into()));
    assert_eq!(line["count"], 2);
    assert!(line["text"].as_str().unwrap().contains("will not brew"), "{kept}");
    for secret in ["sk-this", "0123456789", "diagnosis", "liver", "lab.example"] {
        assert!(!kept.contains(secret), "{secret}: {kept}");
    }
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let (_, out, _) = home.run("C.UTF-8", &["doctor", "--config", &config]);
    assert!(out.contains("unknown-errors.jsonl  (1 met"), "{out}");
}

#[test]
fn of_what_is_private_no_word_is_kept_whatever_a_provider_repeats() {
    let home = Home::new();
    let body = r#"{"error":{"message":"The teapot will not brew oolong"}}"#.to_owned();
    let text = config(&provider(418, body), "");
    let here = text.replace("[providers.lab]\n", "[providers.lab]\ntags = [\"local\"]\n");
    assert_ne!(text, here);
    let config = home.file("config.toml", &here);
    let ask = ["ask", "--config", &config, "--tag", "private", "-m", "lab-small", "make oolong"];
    let (code, _, err) = home.run("C.UTF-8", &ask);
    assert!(code == 1 && err.contains("will not brew"), "{err}");
    assert!(!home.path("data").join("unknown-errors.jsonl").exists());
}

#[test]
fn unknown_errors_are_not_kept_where_the_user_says_so() {
    let home = Home::new();
    let body = r#"{"error":{"message":"The teapot will not brew today"}}"#.to_owned();
    let text = config(&provider(418, body), "[capture]\nunknown_errors = false\n");
    let config = home.file("config.toml", &text);
    let ask = ["ask", "--config", &config, "-m", "lab-small", "--pin", "hello"];
    assert_eq!(home.run("C.UTF-8", &ask).0, 1);
    assert!(!home.path("data").join("unknown-errors.jsonl").exists());
}

#[test]
fn a_script_of_faults_strikes_the_demo_and_is_told() {
    let home = Home::new();
    let script = home.file("day.toml", "[[fault]]\nprovider = \"sim-openai\"\nkind = \"401\"\n");
    let ask = ["--demo", "--faults", &script, "ask", "-m", "sim-gpt-4o", "--pin", "hello"];
    let (code, _, err) = home.run("C.UTF-8", &ask);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("fault: +0s  sim-openai 401"), "{err}");
    assert!(err.contains("whose fault: your key or account there"), "{err}");
}

#[test]
fn a_script_with_mistakes_or_without_a_fleet_is_a_usage_error() {
    let home = Home::new();
    let script = home.file("day.toml", "[[fault]]\nprovider = \"sim-opnai\"\nkind = \"401\"\n");
    for args in [&["--demo", "--faults", &script, "ask", "x"][..], &["sim", "--faults", &script]] {
        let (code, _, err) = home.run("C.UTF-8", args);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("line 2: provider: ") && err.contains("sim-openai?"), "{err}");
    }
    let (code, _, err) = home.run("C.UTF-8", &["--faults", "gameday", "ask", "x"]);
    assert_eq!(code, 2);
    assert!(err.contains("--demo"), "{err}");
    let (code, _, err) = home.run("C.UTF-8", &["--demo", "--faults", "nosuch", "ask", "x"]);
    assert_eq!(code, 2);
    assert!(err.contains("shipped scripts are gameday"), "{err}");
}

#[test]
fn a_drill_shows_who_would_answer_and_asks_nobody() {
    let home = Home::new();
    let (code, out, err) = home.run("C.UTF-8", &["drill", "--demo", "deepseek"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("If sim-deepseek were down (nobody is asked):"), "{out}");
    assert!(out.contains("sim-openrouter fronts sim-deepseek: not an independent"), "{out}");
    let args = ["drill", "--demo", "deepseek", "slow", "4s", "--json", "--prompt", "a haiku"];
    let (code, out, _) = home.run("C.UTF-8", &args);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &value["drill"]["kind"]), (0, &"slow 4s".into()));
    assert_eq!(value["prompts"].as_array().unwrap().len(), 1);
    for (args, word) in [
        (&["drill", "--demo", "depseek"][..], "did you mean sim-deepseek?"),
        (&["drill", "--demo", "deepseek", "sideways"], "down, slow 4s, limit or cut"),
        (&["drill", "--demo", "deepseek", "cut"], "/drill NAME cut"),
    ] {
        let (code, _, err) = home.run("C.UTF-8", args);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(word), "{err}");
    }
}
