//! The real binary: exit codes, configuration errors, completions, the man page, `ask` over the
//! simulated fleet, pipes, and that no key ever shows.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SECRET: &str = "sk-this-must-never-show-0123456789";

/// A home of its own, so that nothing of the machine's is read or written.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn with_config(text: &str) -> Self {
        let home = Self::new();
        std::fs::write(home.config(), text).unwrap();
        home
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    /// The binary in an empty environment, with directories of its own.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env("XDG_DATA_HOME", self.dir.path().join("data"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// With the configuration file of [`Self::with_config`].
    fn configured(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.env("WHEELHOUSE_CONFIG", self.config());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "the key leaked");
        ran
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.out.trim_end().lines().count(), 1, "not one object: {}", self.out);
        serde_json::from_str(self.out.trim()).unwrap()
    }
}

#[test]
fn help_teaches_with_examples_and_exit_codes() {
    let ran = Home::new().run(&["--help"]).ends(0);
    for part in ["Examples:", "wheelhouse --demo", "Exit codes:", "explain", "doctor"] {
        assert!(ran.out.contains(part), "{part:?} is missing");
    }
    assert!(ran.err.is_empty());
    let ask = Home::new().run(&["ask", "--help"]).ends(0);
    for part in ["--json", "--pin", "--no-cache", "--max-tokens", "Exit codes:", "| jq"] {
        assert!(ask.out.contains(part), "{part:?} is missing");
    }
}

#[test]
fn a_wrong_command_line_is_two_and_says_what_was_meant() {
    let home = Home::new();
    assert!(home.run(&["docter"]).ends(2).err.contains("doctor"));
    assert!(home.run(&["ask", "--jsn", "x"]).ends(2).err.contains("--json"));
    assert!(home.run(&["ask", "x", "--pin"]).ends(2).err.contains("--model"));
    assert!(home.run(&["ask"]).ends(2).err.contains("wheelhouse ask \"why"));
    home.run(&["--config", "not-there.toml", "config", "check"]).ends(2);
}

#[test]
fn every_configuration_error_is_listed_with_line_and_suggestion() {
    let home = Home::with_config(
        "[routing]\npolcy = \"balanced\"\n\n[limits]\nfirst_token = \"10\"\n\n[cache]\nwhen = \"allways\"\n",
    );
    for args in [["config", "check"], ["ask", "hello there"], ["models", "list"]] {
        let ran = Ran::of(home.configured(&args).output().unwrap()).ends(2);
        for part in ["policy", "first_token", "always", ":2", ":5", ":8"] {
            assert!(ran.err.contains(part), "{part:?} is missing in {}", ran.err);
        }
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    let ran = Ran::of(home.configured(&["ask", "--json", "hello there"]).output().unwrap()).ends(2);
    let value = ran.json();
    assert_eq!(value["finish"], "error");
    assert_eq!(value["error"]["code"], "config");
}

#[test]
fn checking_the_configuration_knows_themes_and_keys() {
    for (console, wrong) in
        [("theme = \"lite\"", "lite"), ("keys = { \"chat.sned\" = [] }", "sned")]
    {
        let home = Home::with_config(&format!("[console]\n{console}\n"));
        let ran = Ran::of(home.configured(&["config", "check"]).output().unwrap()).ends(2);
        assert!(ran.err.contains(wrong), "{}", ran.err);
    }
    let home = Home::with_config("[console]\ntheme = \"light\"\n");
    Ran::of(home.configured(&["config", "check"]).output().unwrap()).ends(0);
}

#[test]
fn config_commands_write_once_check_and_show() {
    let home = Home::new();
    let path = home.run(&["config", "path"]).ends(0).out.trim().to_owned();
    assert!(!PathBuf::from(&path).exists());
    home.run(&["config", "init"]).ends(0);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(home.run(&["config", "init"]).ends(1).err.contains("left as it is"));
    assert!(home.run(&["config", "check"]).ends(0).out.starts_with("ok: "));
    let mut shown = home.command(&["config", "show", "routing"]);
    shown.env("WHEELHOUSE__ROUTING__POLICY", "cheapest");
    let ran = Ran::of(shown.output().unwrap()).ends(0);
    assert!(
        ran.out.contains("cheapest") && ran.out.contains("WHEELHOUSE__ROUTING__POLICY"),
        "{}",
        ran.out
    );
    let unset = home.run(&["config", "show", "budget"]).ends(0).out;
    assert!(unset.starts_with("# nothing of budget is set; it takes day, month,"), "{unset}");
    let unknown = home.run(&["config", "show", "budgte"]).ends(2).err;
    assert!(unknown.contains("there is no setting budgte: did you mean budget?"), "{unknown}");
}

#[test]
fn a_model_kept_warm_by_paid_tokens_says_its_price_per_day_before() {
    let home = Home::with_config(
        "[providers.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\n[models.small]\nprovider = \"lab\"\n\
         id = \"s\"\ncontext = 1000\nmax_output = 100\nprice = { input = 1.00, output = 2.00 }\n\
         keep_warm = \"infer\"\n",
    );
    let words = "small is kept warm by one paid token a minute while in use: at most $0.0173 a day";
    for args in [&["config", "check"][..], &["doctor"], &["models", "list"]] {
        let ran = Ran::of(home.configured(args).output().unwrap()).ends(0);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let ran = Ran::of(home.configured(&["models", "list", "small", "--json"]).output().unwrap());
    let listed = &ran.ends(0).json()[0];
    assert_eq!(
        (&listed["keep_warm"], &listed["keep_warm_usd_per_day"]),
        (&"infer".into(), &"0.01728".into())
    );
}

#[test]
fn the_starter_is_valid_also_with_its_comments_taken_off() {
    let starter = Home::new().run(&["config", "init", "--print"]).ends(0).out;
    let live: String = starter
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(live.contains("\n[[routing.rules]]") && live.contains("\n[limits]"), "{live}");
    let home = Home::with_config(&live);
    Ran::of(home.configured(&["config", "check"]).output().unwrap()).ends(0);
}

#[test]
fn completions_and_man_pages_are_whole() {
    let home = Home::new();
    for (shell, sign) in [
        ("bash", "_wheelhouse()"),
        ("zsh", "#compdef wheelhouse"),
        ("fish", "complete -c wheelhouse"),
    ] {
        let ran = home.run(&["completions", shell]).ends(0);
        assert!(ran.out.contains(sign) && ran.out.contains("explain"), "{shell}");
    }
    let page = home.run(&["man"]).ends(0).out;
    for part in [".TH wheelhouse", "EXIT STATUS", "ENVIRONMENT", "FILES", "COMMANDS", "NO_COLOR"] {
        assert!(page.contains(part), "{part:?} is missing");
    }
    assert!(home.run(&["man", "ask"]).ends(0).out.contains("ask"));
    home.run(&["man", "nothing"]).ends(2);
}

#[test]
fn a_demo_answer_is_one_object_of_the_promised_form() {
    let ran = Home::new().run(&["ask", "--demo", "--json", "Write a haiku about the sea."]).ends(0);
    let value = ran.json();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["finish"], "stop");
    assert!(value["model"].as_str().unwrap().starts_with("sim-"));
    assert!(!value["text"].as_str().unwrap().is_empty());
    assert!(value["cost_usd"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
    let candidates = value["decision"]["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 6);
    assert!(candidates.iter().all(|c| c["model"].as_str().unwrap().starts_with("sim-")));
    assert_eq!(value["attempts"].as_array().unwrap().last().unwrap()["outcome"], "ok");
    assert_eq!(value["error"], Value::Null);
    for field in ["wait_ms", "ttft_ms", "total_ms"] {
        assert!(value[field].as_u64().is_some(), "{field}");
    }
}

#[test]
fn a_demo_answer_goes_to_a_pipe_as_plain_text() {
    let ran = Home::new().run(&["--demo", "Say hello in one line."]).ends(0);
    assert!(ran.out.ends_with('\n') && ran.out.trim().len() > 1);
    assert!(ran.err.is_empty(), "talk without anybody watching: {}", ran.err);
}

#[test]
fn standard_input_is_asked_too() {
    let home = Home::new();
    let mut child = home
        .command(&["ask", "--demo", "--json", "Summarise this."])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = "The tide came in and went out again. ".repeat(60);
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let value = Ran::of(child.wait_with_output().unwrap()).ends(0).json();
    assert!(value["decision"]["features"]["chars"].as_u64().unwrap() > 2000);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["ask", "--demo", "Explain ownership in Rust at length, with code."])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert!(!out.fill_buf().unwrap().is_empty());
    drop(out);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
    assert!(err.is_empty(), "{err}");
}

#[test]
fn explain_decides_as_ask_does() {
    let home = Home::new();
    let prompt = "Fix this Rust function: fn add(a: i32) -> i32 { a + }";
    let explained = home.run(&["explain", "--demo", "--json", prompt]).ends(0).json();
    let asked = home.run(&["ask", "--demo", "--json", prompt]).ends(0).json();
    assert_eq!(explained["chosen"], asked["decision"]["candidates"][0]["model"]);
    let policies = explained["policies"].as_array().unwrap();
    assert!(policies.iter().any(|other| other["policy"] == "cheapest"));
    let people = home.run(&["explain", "--demo", prompt]).ends(0).out;
    assert!(people.contains(explained["chosen"].as_str().unwrap()), "{people}");
    assert!(people.contains("would answer") && people.contains("policy"), "{people}");
}

#[test]
fn a_named_model_answers_and_an_unknown_one_is_refused_by_name() {
    let home = Home::new();
    let list = home.run(&["models", "list", "--demo", "--json"]).ends(0).json();
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    let last = *names.last().unwrap();
    let value =
        home.run(&["ask", "--demo", "--json", "-m", last, "--pin", "Say hello."]).ends(0).json();
    assert_eq!(value["model"], last);
    assert_eq!(value["decision"]["override"]["model"], last);
    let near = format!("{last}x");
    let ran = home.run(&["ask", "--demo", "-m", &near, "Say hello."]).ends(2);
    assert!(ran.err.contains(last), "{}", ran.err);
    assert!(
        home.run(&["ask", "--demo", "--policy", "cheapst", "Say hello."])
            .ends(2)
            .err
            .contains("cheapest")
    );
}

#[test]
fn a_model_on_a_closed_port_is_three_with_the_first_real_error() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::with_config(&format!(
        "[providers.lab]\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:{port}/v1\"\n\
         api_key = \"env:LAB_KEY\"\n\
         [models.lab-small]\nprovider = \"lab\"\nid = \"small\"\ncontext = 8192\nmax_output = 1024\n\
         price = {{ input = 0.1, output = 0.2 }}\nquality = {{ default = 0.5 }}\n"
    ));
    let mut command =
        home.configured(&["ask", "--json", "-m", "lab-small", "--pin", "Hello there."]);
    let ran = Ran::of(command.env("LAB_KEY", SECRET).output().unwrap()).ends(3);
    let value = ran.json();
    assert_eq!(value["finish"], "error");
    assert_eq!(value["error"]["class"], "network");
    assert_eq!(value["text"], "");

    let mut command = home.configured(&["ask", "-m", "lab-small", "--pin", "Hello there."]);
    let ran = Ran::of(command.env("LAB_KEY", SECRET).output().unwrap()).ends(3);
    assert!(ran.out.is_empty());
    assert!(ran.err.contains("lab"), "{}", ran.err);
}

/// A priced model nobody serves, under this budget.
fn under_a_budget(at_limit: &str) -> Home {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Home::with_config(&format!(
        "[providers.lab]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n\
         [models.lab-small]\nprovider = \"lab\"\nid = \"small\"\ncontext = 8192\nmax_output = 1024\n\
         price = {{ input = 0.1, output = 0.2 }}\nquality = {{ default = 0.5 }}\n\
         [budget]\nday = {{ limit = 0.0001, at_limit = \"{at_limit}\" }}\n"
    ))
}

#[test]
fn what_no_budget_allows_is_four_and_says_which_and_what_is_left() {
    let ask = ["ask", "-m", "lab-small", "--pin", "Hello there."];
    let allowed = ["ask", "--over-budget", "-m", "lab-small", "--pin", "Hello there."];
    let hard = under_a_budget("stop");
    let ran = Ran::of(hard.configured(&ask).output().unwrap()).ends(4);
    for part in ["the day's budget does not allow it", "all of $0.0001 left", "new in"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    Ran::of(hard.configured(&allowed).output().unwrap()).ends(4);
    // Nobody is there to be asked: it is refused, and what would allow it is said.
    let soft = under_a_budget("ask");
    let ran = Ran::of(soft.configured(&ask).output().unwrap()).ends(4);
    assert!(ran.err.contains("--over-budget"), "{}", ran.err);
    // Allowed, it is sent; nobody listens there.
    Ran::of(soft.configured(&allowed).output().unwrap()).ends(3);
    let json = ["ask", "--json", "-m", "lab-small", "--pin", "Hello there."];
    let value = Ran::of(soft.configured(&json).output().unwrap()).ends(4).json();
    assert_eq!(value["error"]["code"], "over_budget_ask");
    assert_eq!(value["error"]["class"], "account");
    assert_eq!(value["attempts"], serde_json::json!([]));
    Ran::of(under_a_budget("warn").configured(&ask).output().unwrap()).ends(3);
}

#[test]
fn doctor_names_keys_and_never_shows_them() {
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    let ran = Ran::of(command.env("OPENAI_API_KEY", SECRET).env("NO_COLOR", "1").output().unwrap())
        .ends(0);
    for part in ["OPENAI_API_KEY", "NO_COLOR", "log", "config.toml", "DEEPSEEK_API_KEY", "--probe"]
    {
        assert!(ran.out.contains(part), "{part:?} is missing in {}", ran.out);
    }
    for args in
        [&["config", "show"][..], &["models", "list", "--all"], &["models", "list", "--json"]]
    {
        Ran::of(home.command(args).env("OPENAI_API_KEY", SECRET).output().unwrap()).ends(0);
    }
}

#[test]
fn the_log_is_private_and_holds_no_key() {
    let home = Home::new();
    let data = home.dir.path().join("own");
    let data = data.to_str().unwrap();
    let mut command = home.command(&["ask", "--demo", "--data", data, "Say hello."]);
    let output =
        command.env("WHEELHOUSE_LOG", "trace").env("OPENAI_API_KEY", SECRET).output().unwrap();
    Ran::of(output).ends(0);
    let mut open = vec![PathBuf::from(data)];
    let mut logs = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{} can be read by others", path.display());
            let bytes = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
            logs += usize::from(path.extension().is_some_and(|kind| kind == "log"));
        }
    }
    assert_eq!(logs, 1, "one log file was expected below {data}");
}

#[test]
fn the_simulated_fleet_serves_other_programs() {
    let home = Home::new();
    let mut child =
        home.command(&["sim"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut config = String::new();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // What is said comes after the configuration is whole.
    while !line.contains("Ctrl+C") {
        line.clear();
        assert!(talk.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    let mut out = child.stdout.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    out.read_to_string(&mut config).unwrap();
    let home = Home::with_config(&config);
    Ran::of(home.configured(&["config", "check"]).output().unwrap()).ends(0);
    assert!(config.contains("127.0.0.1:") && config.contains("sim-"));
}

#[test]
fn every_view_can_be_drawn_as_a_picture() {
    let home = Home::new();
    for view in ["chat", "routes", "first-run", "help"] {
        let svg = home.run(&["shot", view, "--size", "80x24", "--theme", "light"]).ends(0).out;
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{view}");
    }
    let file = home.dir.path().join("chat.svg");
    home.run(&["shot", "chat", "-o", file.to_str().unwrap()]).ends(0);
    assert!(file.exists());
    assert!(home.run(&["shot", "chat", "--theme", "none"]).ends(2).err.contains("high-contrast"));
}

#[test]
fn the_console_is_not_opened_without_a_terminal() {
    assert!(Home::new().run(&["--demo"]).ends(2).err.contains("wheelhouse ask"));
}

#[test]
fn starting_touches_no_file() {
    let home = Home::new();
    for args in
        [&["--version"][..], &["config", "path"], &["completions", "bash"], &["config", "check"]]
    {
        home.run(args).ends(0);
    }
    let left = std::fs::read_dir(home.dir.path()).unwrap().count();
    assert_eq!(left, 0, "files were written");
}
