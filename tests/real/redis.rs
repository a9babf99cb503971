//! Two processes of ours and a real Redis: what one stored the other hits; a Redis that is killed and
//! comes back under load; a user with few rights; encryption. The models are the simulated fleet.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tokio::runtime::Runtime;
use uuid::Uuid;
use wheelhouse::config::{self, RedisSettings};
use wheelhouse::domain::{Finish, Origin, ReaderKind, Reply, Request, RequestId, Route};
use wheelhouse::engine::{self, EngineHandle, Options, Snapshot, TierState};
use wheelhouse::sim::{self, Fleet, FleetOptions, Ports};

use super::{Home, check};

/// No test waits longer for anything.
const LIMIT: Duration = Duration::from_secs(30);

const SECRET: &str = "hunter2-of-redis";

const PROVIDER: &str = "sim-openai";

const QUESTION: [&str; 8] =
    ["ask", "--json", "-m", "sim-gpt-4o", "--temperature", "0", "--seed", "7"];

/// The tests, ignored where what they need is not installed.
pub fn trials() -> Vec<Trial> {
    type Test = fn() -> Result<(), Failed>;
    let tests: [(&str, Test, &[&str]); 5] = [
        ("what_one_process_stored_another_hits", shared, &["redis-server"]),
        ("a_user_with_few_rights_is_enough_and_a_wrong_one_is_told", users, &["redis-server"]),
        ("an_encrypted_redis_is_used", encrypted, &["redis-server", "openssl"]),
        ("a_redis_killed_under_load_fails_nobody_and_comes_back", killed, &["redis-server"]),
        ("values_others_wrote_are_misses", hostile, &["redis-server"]),
    ];
    tests
        .into_iter()
        .map(|(name, test, needs)| match needs.iter().find(|tool| !installed(tool)) {
            None => Trial::test(name, test),
            Some(tool) => Trial::test(name, || Ok(()))
                .with_ignored_flag(true)
                .with_kind(format!("{tool} is not installed")),
        })
        .collect()
}

fn installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).exists())
}

/// A redis-server of ours on a socket or port; killed with this.
struct Redis {
    child: Child,
    dir: PathBuf,
    args: Vec<String>,
}

impl Redis {
    /// On a Unix socket in this directory, with these arguments besides.
    fn start(dir: &Path, more: &[&str]) -> Result<Self, Failed> {
        let socket = dir.join("redis.sock").display().to_string();
        let mut args: Vec<String> = [
            "--unixsocket",
            &socket,
            "--unixsocketperm",
            "700",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        .map(str::to_owned)
        .to_vec();
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        if !more.contains(&"--port") {
            args.extend(["--port", "0"].map(str::to_owned));
        }
        let child = Self::spawn(dir, &args)?;
        let redis = Self { child, dir: dir.to_owned(), args };
        redis.ready()?;
        Ok(redis)
    }

    fn spawn(dir: &Path, args: &[String]) -> Result<Child, Failed> {
        let mut command = Command::new("redis-server");
        command.args(args).current_dir(dir).stdin(Stdio::null());
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("redis.sock")
    }

    fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn ready(&self) -> Result<(), Failed> {
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            if begun.elapsed() > LIMIT {
                return Err("redis-server did not come up".into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn kill(&mut self) -> Result<(), Failed> {
        self.child.kill()?;
        self.child.wait()?;
        // A killed server leaves its socket behind.
        std::fs::remove_file(self.socket())?;
        Ok(())
    }

    fn again(&mut self) -> Result<(), Failed> {
        self.child = Self::spawn(&self.dir, &self.args)?;
        self.ready()
    }

    /// Sends it a command in its own words and reads the answer.
    fn say(&self, words: &[&str]) -> Result<String, Failed> {
        use std::fmt::Write as _;
        use std::io::{Read as _, Write as _};
        let mut socket = std::os::unix::net::UnixStream::connect(self.socket())?;
        socket.set_read_timeout(Some(LIMIT))?;
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            write!(command, "${}\r\n{word}\r\n", word.len())?;
        }
        command += "*1\r\n$4\r\nQUIT\r\n";
        socket.write_all(command.as_bytes())?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn fleet(runtime: &Runtime) -> Result<Fleet, Failed> {
    let options = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 };
    Ok(runtime.block_on(sim::start(options))?)
}

fn calls(fleet: &Fleet) -> Result<u64, Failed> {
    Ok(fleet.control().stats(PROVIDER).map_err(|error| error.to_string())?.calls)
}

fn home(fleet: &Fleet, url: &str) -> Result<Home, Failed> {
    Home::new(&format!("{}\n[cache.redis]\nurl = {url:?}\n", fleet.config_text()))
}

fn question(prompt: &str) -> Vec<&str> {
    QUESTION.into_iter().chain([prompt]).collect()
}

/// A tool's words may hold the password nowhere.
fn quiet(text: &str) -> Result<(), Failed> {
    if text.contains(SECRET) { Err(format!("the password leaked:\n{text}").into()) } else { Ok(()) }
}

fn shared() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let (redis, fleet) = (Redis::start(dir.path(), &[])?, fleet(&runtime)?);
    let (one, two) = (home(&fleet, &redis.url())?, home(&fleet, &redis.url())?);
    let prompt = "Which planets have rings?";
    let system = "You know the sky like a stargazer.";
    let asked = [&question(prompt)[..], &["--system", system]].concat();
    let first = one.json(&asked, 0)?;
    check(first["cached"] == Value::Null, "hit before it was stored", &first)?;
    let second = two.json(&asked, 0)?;
    check(second["cached"] == "redis", "missed what another process stored", &second)?;
    check(second["text"] == first["text"], "another answer", &second)?;
    check(
        second["cost_usd"] == "0.00" && second["attempts"] == serde_json::json!([]),
        "a hit cost",
        &second,
    )?;
    let made = calls(&fleet)?;
    check(made == 1, "not one call", &Value::from(made))?;
    // Nobody's prompt lies there, and the entry goes by itself.
    let keys = redis.say(&["KEYS", "*"])?;
    let key = keys.lines().find(|line| line.len() > 70).ok_or("no key")?.to_owned();
    check(key.starts_with("wheelhouse:cache:1:"), "no namespace", &Value::from(key.clone()))?;
    let ttl = redis.say(&["TTL", &key])?;
    let left: i64 = ttl.trim_start_matches(':').lines().next().unwrap_or("").parse()?;
    check((3500..=3600).contains(&left), "not an hour", &Value::from(left))?;
    let value = redis.say(&["GET", &key])?;
    check(!value.contains("stargazer"), "the prompt is stored", &Value::from(value))?;
    // The cache's own commands.
    let stats = two.json(&["cache", "stats", "--json"], 0)?;
    check(stats["redis"]["entries"] == 1 && stats["redis"]["hits"] == 1, "wrong figures", &stats)?;
    let mut why = vec!["cache", "why", "--json", "-m", "sim-gpt-4o", "--temperature", "0"];
    why.extend(["--seed", "8", "--system", system, prompt]);
    let why = two.json(&why, 0)?;
    check(why["hit"] == false && why["differs"][0] == "the seed", "no reason", &why)?;
    let hex = key.rsplit(':').next().unwrap_or_default();
    let cleared = two.command(&["cache", "clear", &hex[..10]]).output()?;
    let told = String::from_utf8_lossy(&cleared.stdout).into_owned();
    check(told.starts_with("1 answer forgotten"), "not cleared", &Value::from(told.clone()))?;
    let third = one.json(&asked, 0)?;
    check(third["cached"] == Value::Null, "hit what was cleared", &third)?;
    redis.say(&["SET", "somebody:else", "1"])?;
    let all = two.command(&["cache", "clear", "--all"]).output()?;
    check(all.status.success(), "not all cleared", &Value::Null)?;
    let left = redis.say(&["KEYS", "*"])?;
    check(
        left.contains("somebody:else") && !left.contains("wheelhouse"),
        "cleared the wrong things",
        &Value::from(left),
    )
}

fn users() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let port = super::free_port()?.to_string();
    let rights = format!(
        "wheel on >{SECRET} ~wheelhouse:* +getrange +set +del +scan +strlen +hincrby +hmget"
    );
    let acl = dir.path().join("users.acl");
    std::fs::write(&acl, format!("user default off\nuser {rights}\n"))?;
    let acl = acl.display().to_string();
    let redis = Redis::start(dir.path(), &["--port", &port, "--aclfile", &acl])?;
    let fleet = fleet(&runtime)?;
    let url = format!("redis://wheel:{SECRET}@127.0.0.1:{port}/0");
    let home = home(&fleet, &url)?;
    let prompt = "What is a quine?";
    home.json(&question(prompt), 0)?;
    let hit = home.json(&question(prompt), 0)?;
    check(hit["cached"] == "redis", "the user could not", &hit)?;
    quiet(&hit.to_string())?;
    home.json(&["cache", "stats", "--json"], 0)?;
    for args in [&["config", "show"] as &[&str], &["doctor"], &["cache", "stats"]] {
        let output = home.command(args).output()?;
        quiet(&String::from_utf8_lossy(&output.stdout))?;
        quiet(&String::from_utf8_lossy(&output.stderr))?;
    }
    // A wrong password: the answer comes all the same, and the cache's own commands say why.
    let url = format!("redis://wheel:{SECRET}x@127.0.0.1:{port}/0");
    let wrong = self::home(&fleet, &url)?;
    let missed = wrong.json(&question(prompt), 0)?;
    check(missed["finish"] == "stop" && missed["cached"] == Value::Null, "no answer", &missed)?;
    let stats = wrong.command(&["cache", "stats"]).output()?;
    let told = String::from_utf8_lossy(&stats.stderr).into_owned();
    quiet(&told)?;
    check(
        !stats.status.success() && told.contains("refused the user or password"),
        "not told",
        &Value::from(told),
    )?;
    drop(redis);
    Ok(())
}

fn encrypted() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (key, cert) = (file("key.pem"), file("cert.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"])
        .args(["-keyout", &key, "-out", &cert])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    check(made.success(), "openssl made no certificate", &Value::Null)?;
    let port = super::free_port()?.to_string();
    let redis = Redis::start(
        dir.path(),
        &[
            "--port",
            "0",
            "--tls-port",
            &port,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &cert,
            "--tls-auth-clients",
            "no",
            "--requirepass",
            SECRET,
        ],
    )?;
    let fleet = fleet(&runtime)?;
    let home = home(&fleet, &format!("rediss://:{SECRET}@localhost:{port}"))?;
    let prompt = "Why is the sky blue?";
    let ask = |trust: Option<&str>| -> Result<Value, Failed> {
        let mut command = home.command(&question(prompt));
        if let Some(cert) = trust {
            command.env("SSL_CERT_FILE", cert);
        }
        let output = command.output()?;
        quiet(&String::from_utf8_lossy(&output.stderr))?;
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    ask(Some(&cert))?;
    let hit = ask(Some(&cert))?;
    check(hit["cached"] == "redis", "not used", &hit)?;
    // Who cannot know that it is the right server does not talk to it.
    let stranger = ask(None)?;
    check(
        stranger["finish"] == "stop" && stranger["cached"] == Value::Null,
        "an unknown certificate was trusted",
        &stranger,
    )?;
    drop(redis);
    Ok(())
}

fn request(prompt: &str) -> Request {
    let id = RequestId(Uuid::now_v7());
    let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, prompt);
    request.route = Route::Only("sim-gpt-4o".into());
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    request
}

async fn ask(engine: &EngineHandle, prompt: &str) -> Result<Reply, Failed> {
    let mut stream = engine.ask(request(prompt));
    let mut reply = Reply::default();
    let read = async {
        while let Some(event) = stream.next().await {
            reply.fold(&event);
        }
    };
    tokio::time::timeout(LIMIT, read).await.map_err(|_| format!("{prompt}: stalled"))?;
    Ok(reply)
}

fn engine(fleet: &Fleet, url: &str) -> Result<EngineHandle, Failed> {
    let loaded =
        config::load_demo(&fleet.config_text(), &[]).map_err(|errors| format!("{errors:?}"))?;
    let mut config = loaded.config;
    config.cache.redis = Some(RedisSettings { url: url.to_owned(), ttl: Duration::from_hours(1) });
    let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
    Ok(engine::start(Arc::new(config), options))
}

async fn until(engine: &EngineHandle, wanted: impl Fn(&Snapshot) -> bool) -> Result<(), Failed> {
    let mut observer = engine.subscribe();
    let seen = async {
        while !wanted(&engine.snapshot()) {
            if observer.changed().await.is_none() {
                return;
            }
        }
    };
    let seen = tokio::time::timeout(LIMIT, seen).await;
    seen.map_err(|_| format!("it never came to that: {:?}", engine.snapshot().notices).into())
}

/// Asks one new question after another, several at once, until `stop` says so; how many were asked.
async fn load(
    engine: &EngineHandle,
    round: &str,
    stop: impl Fn(&Snapshot) -> bool,
) -> Result<u64, Failed> {
    const AT_ONCE: u64 = 10;
    let (begun, mut asked) = (Instant::now(), 0);
    while asked < AT_ONCE || !stop(&engine.snapshot()) {
        if begun.elapsed() > LIMIT {
            return Err(format!("{round}: never stopped").into());
        }
        let prompts: Vec<String> =
            (0..AT_ONCE).map(|n| format!("{round}: question {}", asked + n)).collect();
        let asking = prompts.iter().map(|prompt| ask(engine, prompt));
        for reply in futures_util::future::join_all(asking).await {
            let reply = reply?;
            let finish = reply.outcome.as_ref().map(|outcome| outcome.finish);
            if finish != Some(Finish::Stop) {
                return Err(format!("{round}: {:?}", reply.outcome).into());
            }
        }
        asked += AT_ONCE;
    }
    Ok(asked)
}

fn killed() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let mut redis = Redis::start(dir.path(), &[])?;
    let fleet = fleet(&runtime)?;
    runtime.block_on(async {
        let engine = engine(&fleet, &redis.url())?;
        let down = |snapshot: &Snapshot| matches!(snapshot.cache.tier, TierState::Down { .. });
        load(&engine, "up", |snapshot| snapshot.cache.tier == TierState::Up).await?;
        redis.kill()?;
        load(&engine, "down", |snapshot| {
            down(snapshot) && snapshot.notices.iter().any(|n| n.text.contains(" is gone, "))
        })
        .await?;
        redis.again()?;
        load(&engine, "back", |snapshot| {
            snapshot.cache.tier == TierState::Up
                && snapshot.notices.iter().any(|n| n.text.ends_with(" is back"))
        })
        .await?;
        // Stopped, not dead: it takes what is said and answers nothing.
        let pid = redis.child.id().to_string();
        Command::new("kill").args(["-STOP", &pid]).status()?;
        load(&engine, "frozen", down).await?;
        Command::new("kill").args(["-CONT", &pid]).status()?;
        load(&engine, "thawed", |snapshot| snapshot.cache.tier == TierState::Up).await?;
        load(&engine, "last", |_| true).await?;
        // Another engine hits what was stored since.
        let other = self::engine(&fleet, &redis.url())?;
        let reply = ask(&other, "last: question 3").await?;
        let cached = reply.outcome.and_then(|outcome| outcome.cached);
        if cached.as_deref() != Some("redis") {
            return Err(format!("not stored after it came back: {cached:?}").into());
        }
        until(&other, |snapshot| snapshot.cache.redis.hits == 1).await?;
        // And has it in memory from there on.
        let again = ask(&other, "last: question 3").await?;
        let cached = again.outcome.and_then(|outcome| outcome.cached);
        if cached.as_deref() != Some("memory") {
            return Err(format!("not taken into memory: {cached:?}").into());
        }
        Ok(())
    })
}

fn hostile() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let redis = Redis::start(dir.path(), &[])?;
    let fleet = fleet(&runtime)?;
    runtime.block_on(async {
        let first = engine(&fleet, &redis.url())?;
        let recall = first.recall(&request("What is a monad?")).await;
        let (_, key) = recall.wanted.ok_or("not cacheable")?;
        let key = format!("wheelhouse:cache:1:{}", key.hex());
        ask(&first, "What is a functor?").await?;
        let keys = redis.say(&["KEYS", "wheelhouse*"])?;
        let other = keys.lines().find(|line| line.len() > 70).ok_or("nothing stored")?.to_owned();
        let large = "x".repeat(3 << 20);
        let values: [&[&str]; 6] = [
            &["SET", &key, "nonsense"],
            &["SET", &key, ""],
            &["SET", &key, &large],
            // Another question's answer under this one's key.
            &["COPY", &other, &key, "REPLACE"],
            &["LPUSH", &key, "a list"],
            &["HSET", "wheelhouse:cache:1:counts", "hits", "many"],
        ];
        for value in values {
            redis.say(&["DEL", &key])?;
            redis.say(value)?;
            let fresh = engine(&fleet, &redis.url())?;
            let reply = ask(&fresh, "What is a monad?").await?;
            let outcome = reply.outcome.ok_or("no end")?;
            if outcome.finish != Finish::Stop || outcome.cached.is_some() {
                return Err(format!("{}: {outcome:?}", value[0]).into());
            }
            if fresh.snapshot().cache.tier != TierState::Up {
                return Err(format!("{}: one bad value put Redis out of use", value[0]).into());
            }
        }
        Ok(())
    })
}
