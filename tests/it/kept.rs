//! The real binary and what it keeps: going on with a conversation, sessions, usage, replay, and what
//! is said where nothing can be kept.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;
use wheelhouse::domain::{AttemptId, BudgetScope, SessionId, UnixMs};
use wheelhouse::ledger::sample::Turn;
use wheelhouse::ledger::{Ledger, Options, SharedPurse};
use wheelhouse::route::{Bucket, BucketTime, Holder, SharedClaim, SpendStore as _};

struct Data(tempfile::TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Data {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("LANG", "C.UTF-8")
            .env("WHEELHOUSE_DATA", self.path("data"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn ask(&self, args: &[&str]) -> Value {
        let all: Vec<&str> = ["ask", "--demo", "--json"].iter().chain(args).copied().collect();
        self.run(&all).ends(0).json()
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }
}

#[test]
fn a_conversation_goes_on_where_it_stopped() {
    let data = Data::new();
    let first = data.ask(&["Name three boats."]);
    let session = first["session_id"].as_str().unwrap();
    let second = data.ask(&["-c", "And in winter?"]);
    assert_eq!(second["session_id"], session);
    let chars = |value: &Value| value["decision"]["features"]["chars"].as_u64().unwrap();
    assert!(chars(&second) > chars(&first) + 20, "the conversation was not sent along");
    data.ask(&["Something else."]);
    let third = data.ask(&["--session", &session[session.len() - 8..], "And in spring?"]);
    assert_eq!(third["session_id"], session);
    let shown = data.run(&["sessions", "show", session]).ends(0).out;
    let said = ["Name three boats.", "And in winter?", "And in spring?"]
        .map(|text| shown.find(text).unwrap_or_else(|| panic!("{text:?} is missing in {shown}")));
    assert!(said.is_sorted());
    for answer in [&first, &second, &third] {
        assert!(shown.contains(answer["text"].as_str().unwrap().lines().next().unwrap()));
    }
}

#[test]
fn what_is_kept_while_another_command_comes_and_goes_is_there_for_the_next() {
    let data = Data::new();
    let dir = data.path("data");
    let options = || Options::new(&dir, TimeZone::UTC, Uuid::now_v7());
    let ledger = Ledger::open(options()).unwrap();
    let now = UnixMs(1_795_392_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let keep = |n: u64| {
        let session = SessionId(Uuid::from_u128(u128::from(n)));
        let turn = Turn::new(n, now, session, "a question", "an answer");
        runtime.block_on(ledger.end(turn.end())).unwrap();
    };
    keep(1);
    // As every running program does, it counts budgets in the same file.
    let purse = SharedPurse::open(ledger.path(), TimeZone::UTC).unwrap();
    let holder = Holder(Uuid::now_v7());
    let claim = SharedClaim {
        attempt: AttemptId(Uuid::now_v7()),
        holder,
        amount: "0.1".parse().unwrap(),
        limits: Vec::new(),
        now,
        lapses: now,
    };
    purse.reserve(&claim).unwrap();
    // Older programs that close the file take its log away where nobody holds a lock on it.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file = format!(":{} ", std::fs::metadata(ledger.path()).unwrap().ino());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let own = format!(" {} ", std::process::id());
        let held = locks.lines().any(|line| line.contains(&file) && line.contains(&own));
        assert!(held, "the lock on a file that is in use was lost");
    }
    let calls = || data.run(&["usage", "--json"]).ends(0).json()["total"]["calls"].clone();
    assert_eq!(calls(), 1);
    keep(2);
    // The first is still open: what it has just kept is seen by others.
    assert_eq!(calls(), 2);
}

#[test]
fn what_an_answer_cost_counts_in_the_budgets_of_the_next_command() {
    let data = Data::new();
    let spent = |session: &Value| {
        let purse = SharedPurse::open(&data.path("data").join("ledger.db"), TimeZone::UTC).unwrap();
        let session = SessionId(session.as_str().unwrap().parse().unwrap());
        let bucket = Bucket { scope: BudgetScope::Session(session), time: BucketTime::Whole };
        let now = UnixMs(jiff::Timestamp::now().as_millisecond());
        purse.totals(Holder(Uuid::now_v7()), &[bucket], now).unwrap().remove(0).spent.amount
    };
    for n in 0..5 {
        let prompt = format!("Name {n} boats.");
        let answer = data.ask(&["--max-tokens", "20", &prompt]);
        assert_eq!(spent(&answer["session_id"]).to_string(), answer["cost_usd"], "{answer}");
    }
}

#[test]
fn a_budget_that_cannot_be_read_ends_a_demo_before_it_begins_and_usage_says_so() {
    let data = Data::new();
    let file = data.path("config.toml");
    std::fs::write(&file, "[budget]\nday = { limit = 1, at_limit = \"sto\" }\n").unwrap();
    let named = file.to_str().unwrap();
    let wrong = "budget.day.at_limit: expected";
    for args in [vec!["ask", "--demo", "hi"], vec!["config", "check", "--demo"]] {
        let ran = data.run(&[&["--config", named], args.as_slice()].concat()).ends(2);
        assert!(ran.err.contains(wrong), "{}", ran.err);
    }
    let ran = data.run(&["--config", named, "usage"]).ends(0);
    assert!(ran.err.contains(wrong) && ran.err.contains("in dollars"), "{}", ran.err);
    // Nor does one that is no text keep anybody from reading what was spent, unless it is named.
    std::fs::write(&file, b"\xff\xfe").unwrap();
    data.run(&["--config", named, "usage"]).ends(2);
    let mut usual = data.command(&["usage"]);
    let dir = data.path("config").join("wheelhouse");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::copy(&file, dir.join("config.toml")).unwrap();
    let ran = usual.env("XDG_CONFIG_HOME", data.path("config")).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && told.contains("in dollars"), "{told}");
    assert!(told.contains("config.toml"), "{told}");
    let missing = data.path("none.toml");
    let missing = missing.to_str().unwrap();
    for args in [vec!["ask", "--demo", "hi"], vec!["explain", "hi"], vec!["usage"]] {
        let ran = data.run(&[&["--config", missing], args.as_slice()].concat()).ends(2);
        assert!(ran.err.contains("none.toml: there is no such file"), "{}", ran.err);
    }
    std::fs::write(
        &file,
        "[budget]\nmodels.sim-haiku = { limit = 0.000001, at_limit = \"stop\" }\n",
    )
    .unwrap();
    let asked = ["--config", named, "ask", "--demo", "-m", "sim-haiku", "--pin", "--json", "hi"];
    let ran = data.run(&asked).ends(4);
    let error = &ran.json()["error"]["message"];
    assert!(error.as_str().unwrap().starts_with("sim-haiku's budget for the day"), "{error}");
}

#[test]
fn a_pipe_is_told_that_a_budget_is_used_up_or_had_somebody_else_answer() {
    let data = Data::new();
    let under = |at_limit: &str, args: &[&str]| {
        let file = data.path("config.toml");
        let text = format!("[budget]\nday = {{ limit = 0.00001, at_limit = \"{at_limit}\" }}\n");
        std::fs::write(&file, text).unwrap();
        let all = ["ask", "--demo", "--no-cache"].iter().chain(args).copied().collect::<Vec<_>>();
        let output = data.command(&all).env("WHEELHOUSE_CONFIG", &file).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let prompt = "Name three boats.";
    let err = under("warn", &["-m", "sim-gpt-4o", prompt]);
    assert!(
        err.contains("the day's budget: $0.00") && err.contains("used up, and only warns"),
        "{err}"
    );
    for at_limit in ["ask", "stop"] {
        let err = under(at_limit, &[prompt]);
        assert!(
            err.contains("is over budget; sim-tiny answered (") && err.contains("left in the day"),
            "{err}"
        );
        assert_eq!(under(at_limit, &["--quiet", prompt]), "");
    }
}

#[test]
fn an_answer_nobody_reads_on_is_paid_for_as_far_as_it_came() {
    let data = Data::new();
    let mut child = data
        .command(&["ask", "--demo", "Tell me a very long story about the sea, in every detail."])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    let mut first = [0; 1];
    std::io::Read::read_exact(&mut reader, &mut first).unwrap();
    drop(reader);
    child.wait().unwrap();
    let usage = data.run(&["usage", "--json"]).ends(0).json();
    let stopped: f64 = usage["total"]["stopped_usd"].as_str().unwrap().parse().unwrap();
    assert!(stopped > 0.0 && usage["total"]["cost_exact"] == false, "{usage}");
    // It ended as it was told to: nothing is left over of it.
    let listed = data.run(&["sessions", "list"]).ends(0);
    assert!(!listed.err.contains("cut off"), "{}", listed.err);
}

#[test]
fn what_comparing_models_cost_is_kept() {
    let data = Data::new();
    let set = data.path("set.toml");
    std::fs::write(&set, "[[prompts]]\nname = \"hi\"\nlang = \"en\"\ntext = \"Hello?\"\n").unwrap();
    let set = set.to_str().unwrap();
    let models = ["sim-gpt-4o-mini", "sim-haiku"];
    data.run(&["compare", "--demo", "--prompts", set, models[0], models[1]]).ends(0);
    let usage = data.run(&["usage", "--by", "origin", "--json"]).ends(0).json();
    assert_eq!(
        (&usage["rows"][0]["key"], &usage["total"]["calls"]),
        (&"compare".into(), &2.into())
    );
    assert_ne!(usage["total"]["cost_usd"], "0.00");
}

#[test]
fn going_on_with_what_is_not_there_says_so() {
    let data = Data::new();
    let ran = data.run(&["ask", "--demo", "-c", "go on please"]).ends(2);
    assert!(ran.err.contains("nothing is kept yet"), "{}", ran.err);
    data.ask(&["Say hello."]);
    let ran = data.run(&["ask", "--demo", "--session", "ffffffff", "go on please"]).ends(2);
    assert!(ran.err.contains("no conversation ffffffff"), "{}", ran.err);
}

#[test]
fn a_question_that_fails_is_one_object_too_and_names_no_chat_that_is_not_there() {
    let data = Data::new();
    for args in [&["  "][..], &["-m", "nosuch", "hi"], &["--session", "ffffffff", "go on"]] {
        let all = [&["ask", "--demo", "--json"], args].concat();
        let told = data.run(&all).ends(2).json();
        assert_eq!((&told["finish"], &told["session_id"]), (&"error".into(), &Value::Null));
        assert!(!told["error"]["message"].as_str().unwrap().is_empty());
    }
    let ask = ["ask", "--demo", "--json", "Say hello."];
    let scratch = data.command(&ask).env_remove("WHEELHOUSE_DATA").output().unwrap();
    let told: Value = serde_json::from_slice(&scratch.stdout).unwrap();
    // It went with the demo.
    assert_eq!((&told["finish"], &told["session_id"]), (&"stop".into(), &Value::Null));
}

#[test]
fn sessions_are_listed_searched_exported_and_removed() {
    let data = Data::new();
    let first = data.ask(&["今天的天气怎么样？<script>alert(1)</script>"]);
    let second = data.ask(&["Name three boats."]);
    let listed = data.run(&["sessions", "list", "--json"]).ends(0).json();
    assert_eq!(listed[0]["id"], second["session_id"]);
    assert_eq!(listed[1]["cost_usd"], first["cost_usd"]);
    assert_eq!(listed[0]["messages"], 2);
    let table = data.run(&["sessions", "list"]).ends(0).out;
    assert!(table.contains("Name three boats."), "{table}");
    let found = data.run(&["sessions", "search", "天气", "--json"]).ends(0).json();
    assert_eq!(found[0]["session"], first["session_id"]);
    assert!(data.run(&["sessions", "search", "zebra"]).ends(0).err.contains("nothing found"));
    let nothing = data.run(&["sessions", "search", " "]).ends(2);
    assert!(nothing.err.contains("write words that were said"), "{}", nothing.err);
    let id = first["session_id"].as_str().unwrap();
    let page = data.path("talk.html");
    let export = ["sessions", "export", id, "--format", "html", "-o", page.to_str().unwrap()];
    data.run(&export).ends(0);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    assert!(data.run(&export).ends(1).err.contains("left as it is"));
    let all = data.run(&["sessions", "export", id, "--format", "json"]).ends(0).json();
    assert_eq!(all["messages"][1]["text"], first["text"]);
    data.run(&["sessions", "rm", id]).ends(0);
    assert!(data.run(&["sessions", "show", id]).ends(2).err.contains("no conversation"));
    let listed = data.run(&["sessions", "list", "--json"]).ends(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let cost = |value: &Value| value["cost_usd"].as_str().unwrap().parse::<f64>().unwrap();
    let total = data.run(&["usage", "--json"]).ends(0).json();
    assert!((cost(&total["total"]) - cost(&first) - cost(&second)).abs() < 1e-12);
    let refused = data.run(&["sessions", "rm", "--older-than", "all"]).ends(2);
    assert!(refused.err.contains("nobody is here to agree: give --yes"), "{}", refused.err);
    data.run(&["sessions", "rm", "--older-than", "1d"]).ends(0);
    assert_eq!(data.run(&["sessions", "list", "--json"]).ends(0).json()[0]["messages"], 2);
    data.run(&["sessions", "rm"]).ends(2);
    data.run(&["sessions", "rm", "--older-than", "all", "--yes"]).ends(0);
    assert_eq!(data.run(&["sessions", "list", "--json"]).ends(0).json(), serde_json::json!([]));
}

#[test]
fn usage_adds_up_and_reads_as_a_table_as_json_and_as_csv() {
    let data = Data::new();
    let asked =
        [data.ask(&["Say hello."]), data.ask(&["--max-tokens", "30", "Prove that 97 is prime."])];
    let attempts: usize = asked.iter().map(|a| a["attempts"].as_array().unwrap().len()).sum();
    for by in ["model", "provider", "day", "session", "origin", "kind"] {
        let report = data.run(&["usage", "--by", by, "--since", "today", "--json"]).ends(0).json();
        let rows = report["rows"].as_array().unwrap();
        let calls: u64 = rows.iter().map(|row| row["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls as usize, attempts, "{by}");
        let csv = data.run(&["usage", "--by", by, "--csv"]).ends(0).out;
        assert_eq!(csv.lines().count(), rows.len() + 1, "{csv}");
        assert!(csv.starts_with(&format!("{by},session_id,calls,")), "{csv}");
        assert!(data.run(&["costs", "--by", by]).ends(0).out.contains("total"));
    }
    let table = data.run(&["usage", "--baseline", "sim-sonnet"]).ends(0).out;
    assert!(table.contains("2 of 2 requests answered"), "{table}");
    assert!(table.contains("baseline  2 requests that sim-sonnet could have answered"), "{table}");
    let none = data.run(&["usage", "--filter", "zebra"]).ends(0);
    assert!(none.err.contains("no row holds what --filter asks for"), "{}", none.err);
    // A mistyped name is never taken for one that saved nothing.
    for form in [&[][..], &["--json"], &["--csv"]] {
        let wrong = [&["usage", "--demo", "--baseline", "sim-sonet"][..], form].concat();
        let ran = data.run(&wrong).ends(2);
        assert!(ran.err.contains("did you mean sim-sonnet?") && ran.out.is_empty(), "{}", ran.err);
    }
    data.run(&["usage", "--since", "yesterday"]).ends(2);
    data.run(&["usage", "--json", "--csv"]).ends(2);
}

#[test]
fn replay_reproduces_what_was_decided_and_says_what_another_policy_would_change() {
    let data = Data::new();
    for prompt in ["Say hello.", "Fix this Rust borrow error, and prove it.", "翻译：天气"] {
        data.ask(&["--policy", "best", "--max-tokens", "30", prompt]);
    }
    let same = data.run(&["replay", "--json"]).ends(0).json();
    assert_eq!((&same["compared"], &same["identical"]), (&3.into(), &3.into()));
    let ran = data.run(&["replay", "--demo", "--policy", "cheapest", "--since", "1h", "--json"]);
    let changed = ran.ends(0).json();
    assert_eq!(changed["identical"], 3);
    assert!(changed["changed"].as_u64().unwrap() > 0, "{changed}");
    let cost = |side: &str| changed[side]["est_cost_usd"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(cost("replayed") < cost("recorded"), "{changed}");
    let best = data.run(&["replay", "--policy", "best", "--json"]).ends(0).json();
    assert_eq!(best["changed"], 0, "{best}");
    let people = data.run(&["replay", "--policy", "cheapest"]).ends(0).out;
    assert!(people.contains("3 of 3 decisions come out as they were"), "{people}");
    let moves = &changed["moves"][0];
    assert!(moves["est_cost_delta_usd"].as_str().unwrap().starts_with('-'), "{moves}");
    for (typed, told) in
        [("cheapst", "did you mean `cheapest`?"), ("zzz", "balanced, best, cheapest")]
    {
        let wrong = data.run(&["replay", "--policy", typed]).ends(2);
        assert!(wrong.err.contains(told), "{}", wrong.err);
    }
    for (since, compared) in [("today", 3), ("7d", 3), ("12h", 3), ("all", 3), ("1ms", 0)] {
        let told = data.run(&["replay", "--since", since, "--json"]).ends(0).json();
        assert_eq!(told["compared"], compared, "{since}");
        data.run(&["usage", "--since", since, "--json"]).ends(0);
        let listed = data.run(&["sessions", "list", "--since", since, "--json"]).ends(0).json();
        assert_eq!(listed.as_array().unwrap().len(), compared, "{since}");
    }
    let none = data.run(&["replay", "--since", "1ms"]).ends(0).out;
    assert!(none.contains("no decision of that time is kept"), "{none}");
    for args in
        [&["usage", "--since"][..], &["replay", "--since"], &["sessions", "list", "--since"]]
    {
        let wrong = data.run(&[args, &["99999999d"]].concat()).ends(2);
        assert!(wrong.err.contains("longer than 36500d"), "{}", wrong.err);
    }
}

#[test]
fn with_ascii_no_command_writes_a_character_of_its_own_that_is_none() {
    let data = Data::new();
    let file = data.path("config.toml");
    std::fs::write(&file, "[currency]\nshow = \"CNY\"\nrates = { CNY = 7.12 }\n").unwrap();
    let file = file.to_str().unwrap();
    data.ask(&["--max-tokens", "30", "Say hello, and a good many other words besides, please."]);
    let (few, set) =
        (data.path("set.toml"), "[[prompts]]\nname = \"hi\"\nlang = \"en\"\ntext = \"Hi?\"");
    std::fs::write(&few, set).unwrap();
    let id = data.run(&["sessions", "list", "--json"]).json()[0]["id"].clone();
    let mut lines = 0;
    for args in [
        &["usage"][..],
        &["usage", "--help"],
        &["replay", "--policy", "best"],
        &["sessions", "list"],
        &["sessions", "search", "besides"],
        &["sessions", "show", id.as_str().unwrap()],
        &["explain", "Say hello."],
        &["drill", "sim-tiny", "--prompt", "Say hello."],
        &["models", "list"],
        &["cache", "why", "Say hello."],
        &["compare", "sim-tiny", "--prompts", few.to_str().unwrap()],
        &["doctor"],
        &["config", "show"],
        &["man", "usage"],
        &["completions", "bash"],
    ] {
        let ran = data.run(&[args, &["--demo", "--ascii", "--config", file]].concat()).ends(0);
        let told = format!("{}{}", ran.out, ran.err);
        let odd: Vec<&str> = told.lines().filter(|line| !line.is_ascii()).collect();
        assert!(odd.is_empty(), "{args:?}: {odd:#?}");
        lines += told.lines().count();
    }
    assert!(lines > 100);
    let usage = data.run(&["usage", "--demo", "--ascii", "--config", file]).out;
    assert!(usage.contains("~CNY 0.0"), "{usage}");
}

#[test]
fn a_command_that_only_looks_makes_no_file() {
    let data = Data::new();
    for args in [
        &["sessions", "list"][..],
        &["sessions", "search", "anything"],
        &["usage"],
        &["replay"],
        &["doctor"],
    ] {
        data.run(args).ends(0);
    }
    assert!(!data.path("data").exists());
    std::fs::write(data.path("file"), "").unwrap();
    let file = data.run(&["usage", "--data", data.path("file").to_str().unwrap()]).ends(2);
    assert!(file.err.contains("is a file, where data is kept in a directory"), "{}", file.err);
    let shown = data.run(&["sessions", "show", "12345678"]).ends(2);
    assert!(shown.err.contains("nothing is kept yet"), "{}", shown.err);
}

#[test]
fn a_demo_without_a_directory_says_that_it_keeps_nothing_and_how_it_would() {
    let data = Data::new();
    let run = |args: &[&str]| {
        let output = data.command(args).env_remove("WHEELHOUSE_DATA").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for args in [&["--demo", "sessions", "list"][..], &["usage", "--demo"], &["replay", "--demo"]] {
        let told = run(args);
        assert!(
            told.contains("keeps nothing between runs") && told.contains("--data DIR"),
            "{told}"
        );
    }
    let dir = data.path("kept");
    let told = run(&["--demo", "--data", dir.to_str().unwrap(), "sessions", "list"]);
    assert!(told.contains("nothing is kept yet"), "{told}");
}

#[test]
fn where_nothing_can_be_kept_the_answer_comes_and_standard_error_says_why() {
    let data = Data::new();
    std::fs::create_dir_all(data.path("data")).unwrap();
    std::fs::write(data.path("data").join("ledger.db"), "this is no database".repeat(40)).unwrap();
    let ran = data.run(&["ask", "--demo", "Say hello."]).ends(0);
    assert!(ran.out.trim().len() > 1);
    assert!(ran.err.contains("not kept") && ran.err.contains("move it away"), "{}", ran.err);
    assert!(data.run(&["usage"]).ends(1).err.contains("damaged"));
    assert!(data.run(&["doctor"]).ends(0).out.contains("damaged"));
}
