//! `wheelhouse doctor`: where everything is, what was found, and what is wrong with it. It goes on
//! after each finding, so that one problem does not hide another.
//!
//! Invariant: keys show only by the name they were found under, and nothing leaves this machine
//! unless `--probe` asks for it.

use std::path::Path;
use std::time::Duration;

use crate::config::secret::KeyLookup;
use crate::config::{CacheWhen, Config, KeyNeed, Mention, Provider};
use crate::domain::{counted, format_size};
use crate::engine;
use crate::ledger::{FILE, LedgerError, Reader};

use super::args::DoctorArgs;
use super::compose::{self, Setup};
use super::table::{Align, Table};
use super::{Exit, Io, Kind, Stop, log};

/// How long a ledger that is locked is waited for.
const LOOK: Duration = Duration::from_secs(1);

/// Looks and tells.
pub fn run(args: &DoctorArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let mut out = vec![format!("wheelhouse {}", env!("CARGO_PKG_VERSION"))];
    section(&mut out, "files", &files(setup));
    section(&mut out, "terminal", &terminal(setup, io));
    section(&mut out, "network", &network(setup));
    let mut exit = Exit::Done;
    match setup.load() {
        Ok(loaded) => {
            let config = &loaded.config;
            section(&mut out, "configuration", &configuration(setup, config));
            section(&mut out, "keys", &keys(setup, config));
            if args.probe {
                section(&mut out, "providers", &probe(setup, config)?);
            } else {
                out.push(String::new());
                out.push("Nothing was sent. --probe asks each provider for its models.".to_owned());
            }
        }
        Err(stop) => {
            let (code, message) = stop.story();
            exit = code;
            out.push(String::new());
            out.push("configuration".to_owned());
            out.extend(message.unwrap_or_default().lines().map(|line| format!("  {line}")));
        }
    }
    for line in out {
        io.line(&line)?;
    }
    Ok(exit)
}

type Rows = Vec<(String, String)>;

fn section(out: &mut Vec<String>, title: &str, rows: &Rows) {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
    for (name, value) in rows {
        table.row([format!("  {name}"), value.clone()]);
    }
    out.push(String::new());
    out.push(title.to_owned());
    out.extend(table.lines().into_iter().skip(1));
}

fn row(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn files(setup: &Setup) -> Rows {
    let paths = &setup.paths;
    let config = match (paths.config_file.exists(), writable(&paths.config_file)) {
        (false, _) if setup.named() => {
            "not there, though --config or WHEELHOUSE_CONFIG names it".to_owned()
        }
        (false, _) => "not there, none needed; wheelhouse config init writes one".to_owned(),
        (true, false) => "there, read-only".to_owned(),
        (true, true) if compose::readable_by_others(&paths.config_file) => {
            "there, readable by others (chmod 600 makes it private)".to_owned()
        }
        (true, true) => "there".to_owned(),
    };
    let log_file = log::file(&paths.log_dir, log::today());
    let log_state = if log_file.exists() { "there" } else { "nothing logged today" };
    vec![
        row("configuration", format!("{}  ({config})", paths.config_file.display())),
        row("data", paths.data_dir.display().to_string()),
        row("ledger", ledger(setup)),
        row("log", format!("{}  ({log_state})", log_file.display())),
        row("unknown errors", unknown_errors(setup)),
        row(
            "log filter",
            (setup.env)("WHEELHOUSE_LOG").map_or_else(
                || format!("{} (WHEELHOUSE_LOG changes it)", log::DEFAULT_FILTER),
                |filter| format!("{filter} (from WHEELHOUSE_LOG)"),
            ),
        ),
    ]
}

/// Where everything is kept, and what is in it.
fn ledger(setup: &Setup) -> String {
    let path = setup.paths.data_dir.join(FILE);
    let state = match Reader::open(&path, LOOK).and_then(|reader| reader.counts()) {
        Ok(counts) => {
            let megabytes = std::fs::metadata(&path).map_or(0, |meta| meta.len()).div_ceil(1 << 20);
            format!(
                "{}, {}, {megabytes} MB",
                counted(counts.sessions, "conversation"),
                counted(counts.requests, "request")
            )
        }
        Err(LedgerError::Nothing { .. }) => "nothing kept yet".to_owned(),
        Err(error) => return error.to_string(),
    };
    format!("{}  ({state})", path.display())
}

/// Error texts nobody has read before, where there are any.
fn unknown_errors(setup: &Setup) -> String {
    let path = setup.unknown_errors();
    let count = std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    let state = match count {
        0 => "none met; texts only, without keys and prompts".to_owned(),
        1 => "1 met: worth an issue".to_owned(),
        count => format!("{count} met: worth an issue"),
    };
    format!("{}  ({state})", path.display())
}

fn writable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.permissions().readonly())
}

fn terminal(setup: &Setup, io: &Io<'_>) -> Rows {
    let var = |name: &str| (setup.env)(name);
    let kind = match (io.in_kind, io.out_kind) {
        (Kind::Terminal, Kind::Terminal) => "yes",
        _ => "no: input or output is redirected",
    };
    let term = var("TERM").unwrap_or_else(|| "not set".to_owned());
    let size = crossterm::terminal::size()
        .map_or_else(|_| "unknown".to_owned(), |(w, h)| format!("{w}x{h}"));
    let mut rows = vec![
        row("interactive", kind),
        row("TERM", term),
        row("size", size),
        row("colours", colours(setup)),
        row("text", if setup.utf8() { "UTF-8" } else { "not UTF-8: --ascii draws without it" }),
    ];
    if let Some(program) = var("TERM_PROGRAM") {
        rows.push(row("program", program));
    }
    for (name, what) in
        [("TMUX", "tmux"), ("STY", "screen"), ("SSH_CONNECTION", "ssh"), ("ZELLIJ", "zellij")]
    {
        if var(name).is_some() {
            rows.push(row("inside", what));
        }
    }
    rows
}

fn colours(setup: &Setup) -> String {
    let var = |name: &str| (setup.env)(name).unwrap_or_default();
    if setup.global.no_color {
        "off (--no-color)".to_owned()
    } else if !var("NO_COLOR").is_empty() {
        "off (NO_COLOR)".to_owned()
    } else if var("TERM") == "dumb" {
        "off (TERM=dumb)".to_owned()
    } else if matches!(var("COLORTERM").as_str(), "truecolor" | "24bit") {
        "16 million (COLORTERM)".to_owned()
    } else if var("TERM").contains("256color") {
        "256 (TERM)".to_owned()
    } else {
        "16".to_owned()
    }
}

fn network(setup: &Setup) -> Rows {
    let mut rows = Vec::new();
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"]
    {
        if let Some(value) = (setup.env)(name) {
            rows.push(row(name, without_password(&value)));
        }
    }
    if rows.is_empty() {
        rows.push(row("proxy", "none"));
    }
    rows.push(row(
        "authorities",
        match setup.ca_file() {
            None => "the system's (SSL_CERT_FILE adds a file)".to_owned(),
            Some(path) if path.exists() => {
                format!("the system's and {} (SSL_CERT_FILE)", path.display())
            }
            Some(path) => format!("{} is not there (SSL_CERT_FILE)", path.display()),
        },
    ));
    rows
}

/// A proxy's address can hold a password.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}***{}", &url[..scheme + 3], &url[at..])
        }
        (None, Some(at)) => format!("***{}", &url[at..]),
        _ => url.to_owned(),
    }
}

fn configuration(setup: &Setup, config: &Config) -> Rows {
    let mut names = vec!["shipped".to_owned()];
    names.extend(setup.recipe().map(|recipe| recipe.names()).unwrap_or_default());
    let user = config.models.values().filter(|model| model.mention == Mention::User).count();
    let mut rows = vec![
        row("layers", names.join(" < ")),
        row(
            "language",
            format!(
                "{} (console.language = {})",
                setup.tongue(config).tag(),
                config.console.language
            ),
        ),
        row("models", format!("{} ({user} named by you)", config.models.len())),
        row("policy", config.routing.policy.clone()),
        row("rules", config.routing.rules.len().to_string()),
        row(
            "cache",
            format!(
                "{}, at most {} and {} in memory{}",
                match config.cache.when {
                    CacheWhen::Deterministic => "repeatable requests",
                    CacheWhen::Always => "all whole answers",
                    CacheWhen::Never => "nothing",
                },
                format_size(config.cache.max_bytes),
                counted(config.cache.max_entries as u64, "answer"),
                config.cache.redis.as_ref().map_or_else(String::new, |redis| format!(
                    ", in Redis for {}: `wheelhouse cache stats` asks it",
                    crate::domain::format_span(redis.ttl)
                ))
            ),
        ),
    ];
    let warm = engine::warm_words(config, engine::now());
    rows.extend(warm.into_iter().map(|words| row("keep-warm", words)));
    rows
}

/// Every key found, and the names looked for where there is none.
fn keys(setup: &Setup, config: &Config) -> Rows {
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    for provider in config.providers.values() {
        let label = provider.name.to_string();
        match compose::key(provider, &setup.env) {
            KeyLookup::Found { from, .. } => rows.push(row(&label, format!("found in {from}"))),
            KeyLookup::Failed { why } => rows.push(row(&label, why)),
            KeyLookup::Missing { names } => match provider.key_need {
                KeyNeed::Optional => rows.push(row(&label, "none needed")),
                KeyNeed::Required if names.is_empty() => {
                    missing.push(row(&label, "none: give it an api_key"));
                }
                KeyNeed::Required => {
                    missing.push(row(&label, format!("none: set {}", names.join(" or "))));
                }
            },
        }
    }
    rows.extend(missing);
    rows
}

fn probe(setup: &Setup, config: &Config) -> Result<Rows, Stop> {
    let providers: Vec<&Provider> = config
        .providers
        .values()
        .filter(|provider| {
            provider.key_need == KeyNeed::Optional
                || matches!(compose::key(provider, &setup.env), KeyLookup::Found { .. })
        })
        .collect();
    let runtime = compose::runtime()?;
    let told = runtime.block_on(compose::probe_all(&providers, setup, setup.tongue(config)))?;
    runtime.shutdown_background();
    Ok(providers
        .iter()
        .zip(told)
        .map(|(provider, told)| row(provider.name.as_str(), told))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_shown() {
        assert_eq!(without_password("http://me:secret@proxy:3128"), "http://***@proxy:3128");
        assert_eq!(without_password("me:secret@proxy:3128"), "***@proxy:3128");
        assert_eq!(without_password("http://proxy:3128"), "http://proxy:3128");
    }
}
