//! Finding a key where its reference says.
//!
//! Owns: environment, command and keyring lookup. Must not know what the key is for. Invariant: a key leaves
//! here only as a [`SecretString`], which prints as nothing; no message contains one.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use secrecy::SecretString;

use super::provider::{KeyRef, Provider};

/// How long a command may take to print a key; longer and a password manager waits for a person.
const COMMAND_LIMIT: Duration = Duration::from_secs(5);
/// How much of a command's output is read: far more than a key is long.
const OUTPUT_CAP: u64 = 64 * 1024;

/// What looking for a key came to.
#[derive(Debug)]
pub enum KeyLookup {
    /// Here it is.
    Found {
        /// The key.
        key: SecretString,
        /// Where it was, as a person names it: `DEEPSEEK_API_KEY`, `cmd:pass show deepseek`.
        from: String,
    },
    /// None of the variables is set.
    Missing {
        /// The variables that were looked for.
        names: Vec<String>,
    },
    /// A command or keyring failed.
    Failed {
        /// Why, without anything it printed.
        why: String,
    },
}

/// Looks for a provider's key: the first reference that yields one wins. A command runs at most
/// five seconds, so call this off the thread that draws.
pub fn find(provider: &Provider, env: &dyn Fn(&str) -> Option<String>) -> KeyLookup {
    let mut names = Vec::new();
    let mut failed = None;
    for reference in &provider.keys {
        let found = match reference {
            KeyRef::Env(name) => {
                names.push(name.clone());
                env(name)
            }
            KeyRef::Command(command) => match run(command, COMMAND_LIMIT) {
                Ok(text) => Some(text),
                Err(why) => {
                    failed = failed.or(Some(format!("{reference}: {why}")));
                    None
                }
            },
            KeyRef::Keyring(entry) => match from_keyring(entry) {
                Ok(text) => Some(text),
                Err(why) => {
                    failed = failed.or(Some(format!("{reference}: {why}")));
                    None
                }
            },
        };
        let Some(key) = found.map(|text| text.trim().to_owned()).filter(|key| !key.is_empty())
        else {
            continue;
        };
        // A key travels in a header, which cannot hold these.
        if !key.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            let why = "what it holds is not a key: it has spaces or unprintable characters";
            failed = failed.or(Some(format!("{reference}: {why}")));
            continue;
        }
        let from = match reference {
            KeyRef::Env(name) => name.clone(),
            other => other.to_string(),
        };
        return KeyLookup::Found { key: SecretString::from(key), from };
    }
    match failed {
        Some(why) => KeyLookup::Failed { why },
        None => KeyLookup::Missing { names },
    }
}

/// Asks the operating system's keyring. May wait for a person.
#[cfg(feature = "keyring")]
fn from_keyring(entry: &str) -> Result<String, String> {
    use keyring::Error::{NoEntry, NoStorageAccess, PlatformFailure};
    let Some((service, name)) =
        entry.split_once('/').filter(|(s, n)| !s.is_empty() && !n.is_empty())
    else {
        return Err("expected keyring:service/name".to_owned());
    };
    let found = keyring::Entry::new(service, name).and_then(|entry| entry.get_password());
    found.map_err(|error| match error {
        NoEntry => "the keyring holds no such entry".to_owned(),
        NoStorageAccess(why) | PlatformFailure(why) => format!(
            "the keyring cannot be reached: {why}; where there is none, use env:NAME or cmd:COMMAND"
        ),
        // The others hold what was found in their text.
        _ => "what the keyring holds there is not one key".to_owned(),
    })
}

/// This build knows no keyring.
#[cfg(not(feature = "keyring"))]
fn from_keyring(_: &str) -> Result<String, String> {
    Err("this build has no keyring: build with --features keyring, or use env:NAME or cmd:COMMAND"
        .to_owned())
}

/// Runs a command and returns the first line it prints.
fn run(command: &str, limit: Duration) -> Result<String, String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Its own group, so that what it started can be ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().map_err(|error| format!("sh did not start: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("no output".to_owned()) };
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.take(OUTPUT_CAP).read_to_end(&mut text);
        // Nobody listens any more when the limit has passed.
        let _ = tell.send(text);
    });
    let Ok(text) = told.recv_timeout(limit) else {
        end(&mut child);
        return Err(format!("no answer within {} s", limit.as_secs_f64()));
    };
    let status = finished(&mut child, limit)?;
    if !status.success() {
        return Err(match status.code() {
            Some(code) => format!("it failed with exit code {code}"),
            None => "it was ended by a signal".to_owned(),
        });
    }
    let text = String::from_utf8_lossy(&text);
    let first = text.lines().next().unwrap_or_default().trim();
    if first.is_empty() { Err("it printed nothing".to_owned()) } else { Ok(first.to_owned()) }
}

/// Its output is closed, so it is about to end; one that goes on is ended.
fn finished(child: &mut Child, limit: Duration) -> Result<ExitStatus, String> {
    let start = std::time::Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if start.elapsed() < limit => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            Ok(None) => {
                end(child);
                return Err("it printed and did not end".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::{Layer, load};

    fn provider(api_key: &str) -> Provider {
        let text =
            format!("[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\napi_key = {api_key}");
        let config = load(&[Layer::user("c.toml", text)]).unwrap().config;
        config.providers.get("lab").unwrap().clone()
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_first_variable_that_is_set_wins() {
        let provider = provider("[\"env:FIRST\", \"env:SECOND\"]");
        let env = |name: &str| match name {
            "FIRST" => Some("  ".to_owned()),
            "SECOND" => Some("sk-test\n".to_owned()),
            _ => None,
        };
        let KeyLookup::Found { key, from } = find(&provider, &env) else { panic!("not found") };
        assert_eq!((key.expose_secret(), from.as_str()), ("sk-test", "SECOND"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let provider = provider("[\"env:FIRST\", \"env:SECOND\"]");
        let KeyLookup::Missing { names } = find(&provider, &nothing) else { panic!("found") };
        assert_eq!(names, ["FIRST", "SECOND"]);
    }

    #[test]
    fn a_command_gives_its_first_line() {
        let provider = provider("\"cmd:printf 'sk-a\\nnote\\n'\"".replace("\\n", "\\\\n").as_str());
        let KeyLookup::Found { key, from } = find(&provider, &nothing) else { panic!("no key") };
        assert_eq!(key.expose_secret(), "sk-a");
        assert!(from.starts_with("cmd:printf"));
    }

    #[test]
    fn a_failing_command_is_reported_without_its_output() {
        let lookup = find(&provider("\"cmd:echo sk-secret; exit 3\""), &nothing);
        let KeyLookup::Failed { why } = lookup else { panic!("found") };
        assert!(why.contains("exit code 3"), "{why}");
    }

    #[test]
    fn a_command_that_waits_for_a_person_is_ended() {
        let why = run("sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(why.contains("no answer"), "{why}");
    }

    fn asked(reference: &str) -> String {
        match find(&provider(&format!("\"{reference}\"")), &nothing) {
            KeyLookup::Failed { why } => why,
            other => panic!("{other:?}"),
        }
    }

    #[cfg(not(feature = "keyring"))]
    #[test]
    fn a_build_without_a_keyring_says_how_to_have_one() {
        let why = asked("keyring:lab/me");
        assert!(why.contains("--features keyring") && why.contains("cmd:COMMAND"), "{why}");
    }

    #[cfg(feature = "keyring")]
    #[test]
    fn an_entry_that_is_not_there_or_a_keyring_that_is_not_is_told() {
        let why = asked("keyring:wheelhouse-test-of-nothing/nobody");
        assert!(why.contains("no such entry") || why.contains("cannot be reached"), "{why}");
        assert!(asked("keyring:lab").contains("service/name"));
    }

    #[test]
    fn a_found_key_does_not_print() {
        let provider = provider("\"env:A\"");
        let lookup = find(&provider, &|_| Some("sk-do-not-print".to_owned()));
        assert!(!format!("{lookup:?}").contains("do-not-print"));
    }
}
