//! Watching the files a configuration is made of.
//!
//! Owns: looking at them every now and then, and telling the actor. Must not know: what is in them
//! (the recipe reads them). Invariant: what is in force is changed only by a text that was read
//! whole and has no error; a file that is being written is waited for.
//!
//! The files are looked at rather than subscribed to: two `stat` calls every two seconds cost less
//! than can be measured, and work the same over a network, through a symlink, and with editors that
//! put a new file in place of the old one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::{Config, ConfigError, LayerKind, Recipe};

use super::actor::{Shared, ToActor};

/// How often files are looked at: sooner than a person who saved one looks up.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A file that changed is read once it has been left alone for so long.
const SETTLE: Duration = Duration::from_millis(150);

/// How often one that keeps changing is looked at before it is read all the same.
const SETTLE_LOOKS: u32 = 20;

/// A larger file is not read: no configuration is.
const LARGEST: u64 = 4 << 20;

/// A file that is a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFile {
    /// Which layer.
    pub kind: LayerKind,
    /// Where; it need not exist.
    pub path: PathBuf,
}

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    /// How the configuration in force came about.
    pub recipe: Recipe,
    /// The files.
    pub files: Vec<WatchedFile>,
    /// How often they are looked at.
    pub every: Duration,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// A file as it was when last looked at.
struct Seen {
    file: WatchedFile,
    stamp: Option<Stamp>,
    state: State,
}

/// What a file said when it was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// What is in force.
    Right,
    /// What cannot be put in force.
    Wrong,
}

impl Seen {
    /// What reading it came to, after what it said before.
    fn since(&mut self, told: Told) -> Told {
        let now = if matches!(told, Told::Trouble(_)) { State::Wrong } else { State::Right };
        match (std::mem::replace(&mut self.state, now), told) {
            (State::Wrong, Told::Same) => Told::Mended,
            (_, told) => told,
        }
    }
}

/// Looks until the engine closes.
pub(super) async fn run(shared: Arc<Shared>, watch: Watch) {
    let closing = shared.closing.clone();
    tokio::select! {
        () = closing.cancelled() => {}
        () = look(&shared, watch) => {}
    }
}

async fn look(shared: &Shared, watch: Watch) {
    let Watch { mut recipe, files, every } = watch;
    let settle = SETTLE.min(every);
    let mut seen = Vec::with_capacity(files.len());
    for file in files {
        let stamp = stamp(&file.path).await;
        // What changed since the recipe was read is a change too.
        let (next, told) = read(&recipe, &file).await;
        let mut file = Seen { file, stamp, state: State::Right };
        if let Some(told) = told.filter(|told| !matches!(told, Told::Same)) {
            recipe = next;
            tell(shared, file.since(told)).await;
        }
        seen.push(file);
    }
    loop {
        tokio::time::sleep(every).await;
        for seen in &mut seen {
            let mut now = stamp(&seen.file.path).await;
            if now == seen.stamp {
                continue;
            }
            for _ in 0..SETTLE_LOOKS {
                tokio::time::sleep(settle).await;
                let later = stamp(&seen.file.path).await;
                if std::mem::replace(&mut now, later) == later {
                    break;
                }
            }
            seen.stamp = now;
            let (next, told) = read(&recipe, &seen.file).await;
            recipe = next;
            if let Some(told) = told {
                tell(shared, seen.since(told)).await;
            }
        }
    }
}

/// What reading a file came to.
enum Told {
    /// It says what is in force.
    Same,
    /// It says what is in force again, after something else.
    Mended,
    /// This is to be put in force.
    Applied(Arc<Config>),
    /// It cannot be, in words.
    Trouble(String),
}

async fn tell(shared: &Shared, told: Told) {
    let message = match told {
        Told::Same => ToActor::ConfigAgain,
        Told::Mended => ToActor::ConfigMended,
        Told::Applied(config) => ToActor::Configured(config),
        Told::Trouble(text) => ToActor::ConfigTrouble(text),
    };
    shared.tell(message).await;
}

/// Reads a file and what it comes to, off the threads that serve sockets.
async fn read(recipe: &Recipe, file: &WatchedFile) -> (Recipe, Option<Told>) {
    let (kept, recipe, file) = (recipe.clone(), recipe.clone(), file.clone());
    let work = tokio::task::spawn_blocking(move || made(recipe, &file));
    work.await.unwrap_or((kept, None))
}

fn made(recipe: Recipe, file: &WatchedFile) -> (Recipe, Option<Told>) {
    let name = file.path.display().to_string();
    let text = match text(file) {
        Ok(text) => text,
        Err(why) => {
            let text = format!("{}: {why}; what was in force stays", short(&name));
            return (recipe, Some(Told::Trouble(text)));
        }
    };
    if text.is_none() && recipe.text(file.kind).is_none() {
        return (recipe, None);
    }
    if text.is_none() && file.kind == LayerKind::User {
        let text = format!("{} is gone; what it said stays in force", short(&name));
        return (recipe, Some(Told::Trouble(text)));
    }
    if text.as_deref() == recipe.text(file.kind) {
        return (recipe, Some(Told::Same));
    }
    match recipe.reload(file.kind, &name, text) {
        Ok((next, loaded)) => {
            for warning in &loaded.warnings {
                tracing::warn!(%warning, "configuration");
            }
            (next, Some(Told::Applied(Arc::new(loaded.config))))
        }
        Err(errors) => (recipe, Some(Told::Trouble(in_words(&errors)))),
    }
}

/// The first error, by the file's short name, and how many more there are.
fn in_words(errors: &[ConfigError]) -> String {
    let Some(first) = errors.first() else { return "the configuration cannot be read".to_owned() };
    for error in errors {
        tracing::warn!(%error, "configuration not applied");
    }
    let first = ConfigError { file: short(&first.file).to_owned(), ..first.clone() };
    match errors.len() - 1 {
        0 => format!("{first}; what was in force stays"),
        more => format!("{first}; and {more} more (config check); what was in force stays"),
    }
}

/// A file's own name, without where it is.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn text(file: &WatchedFile) -> Result<Option<String>, String> {
    match std::fs::metadata(&file.path) {
        Ok(meta) if meta.len() > LARGEST => return Err("too large for a configuration".to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    match std::fs::read_to_string(&file.path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err("not UTF-8".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let meta = tokio::fs::metadata(path).await.ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp { modified: meta.modified().ok(), length: meta.len(), inode })
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
