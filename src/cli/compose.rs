//! What a command works with before anything runs: where files are, the configuration from all its
//! layers, a runtime, free calls to providers. Starting the engine is its own file.
//!
//! Invariant: nothing here writes a file, and a demo never reads the user's models or keys.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::Runtime;
use tracing_appender::non_blocking::WorkerGuard;
use uuid::Uuid;

use crate::config::secret::{self, KeyLookup};
use crate::config::{self, Config, ConfigError, Layer, LayerKind, Loaded, Paths, Provider, Recipe};
use crate::domain::{ErrorReport, UnixMs};
use crate::engine::WatchedFile;
use crate::ledger::{Health, Ledger, LedgerError, SharedPurse};
use crate::sim;
use crate::text::Tongue;
use crate::wire::http::{Http, HttpOptions};
use crate::wire::{self, HttpCall};

use super::args::Global;
use super::start::Using;
use super::{Exit, Stop, log, story};

/// How long a provider gets to answer `doctor --probe`.
const PROBE: Duration = Duration::from_secs(10);

/// Of that, to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// The most that is read of a list of models; aggregators list thousands.
const LIST_CAP: usize = 16 * 1024 * 1024;

/// Leaving waits so long for the disk.
const LAST_WRITE: Duration = Duration::from_millis(500);

/// And so long where something could not be written before: a try that is under way, and one more.
const LAST_TRY: Duration = Duration::from_millis(2_500);

/// Threads that serve sockets and requests; the screen draws on its own.
const WORKERS: usize = 2;

/// How names in the environment are read.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a command works with before anything is started.
pub struct Setup {
    /// Options every command takes.
    pub global: Global,
    /// Where files are.
    pub paths: Paths,
    /// The environment.
    pub env: Env,
    /// Where this process keeps, once it is open.
    ledger: OnceLock<Ledger>,
    /// Where budgets are counted beyond this process, once the engine runs.
    pub(super) spending: OnceLock<Arc<SharedPurse>>,
    /// A demo's own data, gone when it ends.
    scratch: OnceLock<Scratch>,
}

/// A directory that goes when this does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("wheelhouse-{}", Uuid::now_v7())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been made, and what cannot be removed is the system's to clear.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

impl Setup {
    /// For this process.
    pub fn new(global: &Global) -> Self {
        let scratch = OnceLock::new();
        let data = global
            .data
            .clone()
            .or_else(|| global.demo.then(|| scratch.get_or_init(Scratch::new).0.clone()));
        let plain = global.no_color;
        let env: Env = Arc::new(move |name| match name {
            "NO_COLOR" if plain => Some("1".to_owned()),
            name => std::env::var(name).ok().filter(|value| !value.is_empty()),
        });
        let paths = Paths::find(global.config.as_deref(), data.as_deref(), &*env);
        Self {
            global: global.clone(),
            paths,
            env,
            ledger: OnceLock::new(),
            spending: OnceLock::new(),
            scratch,
        }
    }

    /// From here on what is asked is kept. Returns at once; whether it can be shows later.
    pub fn keep(&self) -> Result<Ledger, LedgerError> {
        if let Some(open) = self.ledger.get() {
            return Ok(open.clone());
        }
        let ledger = super::kept::open(self, &self.paths.data_dir)?;
        Ok(self.ledger.get_or_init(|| ledger).clone())
    }

    /// The same for a demo that was asked for on the screen: what is simulated, its money above all,
    /// is not kept with what is real.
    pub fn keep_apart(&self) -> Result<Ledger, LedgerError> {
        if let Some(open) = self.ledger.get() {
            return Ok(open.clone());
        }
        let ledger = super::kept::open(self, &self.scratch.get_or_init(Scratch::new).0)?;
        Ok(self.ledger.get_or_init(|| ledger).clone())
    }

    /// Where this process keeps; `None` where it does not.
    pub fn ledger(&self) -> Option<Ledger> {
        self.ledger.get().cloned()
    }

    /// What was shown and spent so far is on the disk, or was not in time; what is not, in words. For
    /// whoever leaves: what its threads still have to write would go with the process.
    pub fn kept_so_far(&self) -> Option<String> {
        if let Some(spending) = self.spending.get()
            && let Err(trouble) = spending.flush(LAST_WRITE)
        {
            tracing::warn!(%trouble, "spending was not kept");
        }
        let ledger = self.ledger.get()?;
        if ledger.health() != Health::Opening {
            // What waits for the file is tried once more; whatever comes of it shows in its health.
            let limit = if ledger.behind().waiting > 0 { LAST_TRY } else { LAST_WRITE };
            let _told_by_its_health = ledger.flush(limit);
        }
        ledger.unkept().inspect(|unkept| tracing::warn!(%unkept, "not kept"))
    }

    /// Does what this process keeps go when it ends?
    pub fn is_scratch(&self) -> bool {
        self.scratch.get().is_some()
    }

    /// Starts the log. Lines written after the guard drops are lost.
    pub fn log(&self) -> Result<WorkerGuard, Stop> {
        log::start(self.paths.log_dir.clone(), (self.env)("WHEELHOUSE_LOG").as_deref())
            .map_err(Stop::usage)
    }

    /// The configuration, from all its layers.
    pub fn load(&self) -> Result<Loaded, Stop> {
        self.recipe()?.load().map_err(|errors| wrong(&errors))
    }

    /// The configuration this command line runs with: a demo's with `--demo`, though no fleet runs yet.
    pub fn load_in_force(&self) -> Result<Loaded, Stop> {
        self.recipe_in_force()?.load().map_err(|errors| wrong(&errors))
    }

    /// What that is made from.
    pub fn recipe_in_force(&self) -> Result<Recipe, Stop> {
        if self.global.demo { self.demo_recipe(&sim::config_at_rest()) } else { self.recipe() }
    }

    /// The layers that are there, to make the configuration from now and again.
    pub fn recipe(&self) -> Result<Recipe, Stop> {
        let synced = self.synced_layer();
        Ok(Recipe::new(synced.into_iter().chain(self.own_layers()?).collect()))
    }

    /// The layers of a demo: the fleet in place of the user's models; of what the user says only what a
    /// demo takes.
    pub fn demo_recipe(&self, fleet: &str) -> Result<Recipe, Stop> {
        Ok(Recipe::demo(fleet, self.own_layers()?))
    }

    /// What the user says: the file, variables, flags.
    fn own_layers(&self) -> Result<Vec<Layer>, Stop> {
        let file = self.user_layer()?;
        let environment = config::environment_layer(std::env::vars());
        Ok(file.into_iter().chain(environment).chain(self.flag_layers()).collect())
    }

    /// The text of a theme of the user's: `themes/NAME.toml` beside the configuration, or a file where
    /// the name is a path.
    pub fn theme_text(&self, name: &str) -> Option<String> {
        let path = std::path::Path::new(name);
        if path.components().count() > 1 || path.extension().is_some() {
            return std::fs::read_to_string(path).ok();
        }
        let dir = self.paths.config_file.parent()?;
        std::fs::read_to_string(dir.join("themes").join(format!("{name}.toml"))).ok()
    }

    /// Where prices from a feed are kept.
    pub fn synced_file(&self) -> PathBuf {
        self.paths.data_dir.join("synced.toml")
    }

    /// Prices from a feed; a file that cannot be read is as good as none.
    fn synced_layer(&self) -> Option<Layer> {
        let path = self.synced_file();
        let text = std::fs::read_to_string(&path).ok()?;
        Some(Layer { kind: LayerKind::Synced, name: path.display().to_string(), text })
    }

    /// The files a running program watches. A demo takes nothing from feeds.
    pub fn watched(&self, using: Using) -> Vec<WatchedFile> {
        let user = WatchedFile { kind: LayerKind::User, path: self.paths.config_file.clone() };
        let synced = WatchedFile { kind: LayerKind::Synced, path: self.synced_file() };
        match using {
            Using::Simulated => vec![user],
            Using::Configured | Using::Local => vec![user, synced],
        }
    }

    fn user_layer(&self) -> Result<Option<Layer>, Stop> {
        let path = &self.paths.config_file;
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(Layer::user(path.display().to_string(), text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.named() => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Stop::usage(format!(
                    "{}: there is no such file, and --config or WHEELHOUSE_CONFIG names it\n  try: \
                     wheelhouse config init writes it",
                    path.display()
                )))
            }
            Err(error) => Err(Stop::usage(format!("{}: {error}", path.display()))),
        }
    }

    /// Was the file named, so that it has to be there?
    pub fn named(&self) -> bool {
        self.global.config.is_some()
    }

    fn flag_layers(&self) -> Vec<Layer> {
        let flags = &self.global;
        let ascii = flags.ascii.then(|| "true".to_owned());
        [
            ("--policy", "routing.policy", flags.policy.clone()),
            ("--theme", "console.theme", flags.theme.clone()),
            ("--ascii", "console.ascii", ascii),
        ]
        .into_iter()
        .filter_map(|(flag, path, value)| Some(Layer::flag(flag, path, &value?)))
        .collect()
    }

    /// A path as people write it, the home directory as `~`.
    pub fn shown(&self, path: &Path) -> String {
        let home = (self.env)("HOME").map(PathBuf::from);
        match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }

    /// Does the locale say that text is UTF-8?
    pub fn utf8(&self) -> bool {
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| (self.env)(name)).is_none_or(
            |locale| {
                let locale = locale.to_ascii_lowercase();
                // Where nothing is said, or only "C", terminals of today still read UTF-8.
                matches!(locale.as_str(), "c" | "posix")
                    || locale.contains("utf-8")
                    || locale.contains("utf8")
            },
        )
    }

    /// The language of what goes wrong: what the configuration says, else the locale's.
    pub fn tongue(&self, config: &Config) -> Tongue {
        let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| (self.env)(name));
        Tongue::named(&config.console.language).unwrap_or_else(|| {
            locale().map_or(Tongue::ENGLISH, |locale| Tongue::of_locale(&locale))
        })
    }

    /// Where errors are kept whose words are not known.
    pub fn unknown_errors(&self) -> PathBuf {
        self.paths.data_dir.join("unknown-errors.jsonl")
    }

    /// How HTTP is spoken.
    pub fn http_options(&self) -> HttpOptions {
        HttpOptions { ca_file: self.ca_file(), ..HttpOptions::default() }
    }

    /// The file of certificate authorities to trust besides the built-in ones.
    pub fn ca_file(&self) -> Option<PathBuf> {
        (self.env)("SSL_CERT_FILE").map(PathBuf::from)
    }
}

/// Every error, one a line.
pub fn wrong(errors: &[ConfigError]) -> Stop {
    let mut lines = vec![match errors.len() {
        1 => "the configuration has an error".to_owned(),
        count => format!("the configuration has {count} errors"),
    }];
    lines.extend(errors.iter().map(|error| format!("  {error}")));
    Stop::Say(Exit::Usage, lines.join("\n"))
}

/// Where a provider's key is, if it is anywhere.
pub fn key(provider: &Provider, env: &Env) -> KeyLookup {
    secret::find(provider, &**env)
}

/// Asks every provider for its models, all at once; a line about each, in the same order.
pub async fn probe_all(
    providers: &[&Provider],
    setup: &Setup,
    tongue: Tongue,
) -> Result<Vec<String>, Stop> {
    let http = Http::new(&setup.http_options())?;
    let asked = providers.iter().map(|provider| async {
        let key = match key(provider, &setup.env) {
            KeyLookup::Found { key, .. } => Some(key),
            KeyLookup::Missing { .. } | KeyLookup::Failed { .. } => None,
        };
        let call = wire::models_call(provider, key.as_ref());
        match tokio::time::timeout(PROBE, models(&http, &call)).await {
            Ok(Ok((count, took))) => {
                let took = story::seconds(took);
                let left = balance(&http, provider, key.as_ref()).await;
                format!("answers in {took}, {count} models{left}")
            }
            Ok(Err(report)) => story::error(&report, tongue).join("; ").replace("  ", " "),
            Err(_) => format!("no answer in {}s", PROBE.as_secs()),
        }
    });
    Ok(futures_util::future::join_all(asked).await)
}

/// What the account has left, where its provider tells: `, $3.27 left`; else nothing.
async fn balance(http: &Http, provider: &Provider, key: Option<&SecretString>) -> String {
    let Some(api) = provider.balance else { return String::new() };
    for call in wire::balance_calls(provider, api, key) {
        let answer = async {
            let mut response = http.send(&call, CONNECT).await.ok()?;
            let body = response.body(LIST_CAP).await;
            (200..300).contains(&response.status).then_some(body)
        };
        let body = tokio::time::timeout(PROBE, answer).await.ok().flatten().unwrap_or_default();
        let left = wire::read_balance(api, &body);
        if !left.is_empty() {
            let left: Vec<String> = left.iter().map(ToString::to_string).collect();
            return format!(", {} left", left.join(" and "));
        }
    }
    String::new()
}

/// The present moment.
pub fn now() -> UnixMs {
    UnixMs(jiff::Timestamp::now().as_millisecond())
}

async fn models(http: &Http, call: &HttpCall) -> Result<(usize, u64), ErrorReport> {
    let mut response = http.send(call, CONNECT).await?;
    let body = response.body(LIST_CAP).await;
    if !(200..300).contains(&response.status) {
        let now = now();
        return Err(wire::read_error(response.status, &response.headers, &body, now));
    }
    let took = response.sent.elapsed().as_millis();
    let listed = wire::read_models(&body)?;
    Ok((listed.len(), u64::try_from(took).unwrap_or(u64::MAX)))
}

/// A runtime for commands that talk to the network.
pub fn runtime() -> Result<Runtime, Stop> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("wheelhouse")
        .enable_all()
        .build()?)
}

/// Is the file readable by others than its owner?
pub fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}
