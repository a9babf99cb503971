//! Puts the rooms together into what a command needs: configuration layers, a runtime, the simulated
//! fleet, an engine. The only file of this room that knows how the others are started.
//!
//! Invariant: nothing here writes a file, and a demo never reads the user's models or keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tracing_appender::non_blocking::WorkerGuard;
use uuid::Uuid;

use crate::config::{self, Config, Layer, LayerKind, Loaded, Paths};
use crate::engine::{self, EngineHandle};
use crate::sim::{self, Fleet, FleetOptions, Ports};
use crate::wire::http::HttpOptions;

use super::args::Global;
use super::{Exit, Stop, log};

/// How environment variables are read.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The demo's answers are the same every time.
const DEMO_SEED: u64 = 7;

/// Threads that serve sockets and requests; the screen draws on its own.
const WORKERS: usize = 2;

/// What a command works with before anything is started.
pub struct Setup {
    /// Options every command takes.
    pub global: Global,
    /// Where files are.
    pub paths: Paths,
    /// The environment.
    pub env: Env,
    /// A demo's own data, gone when it ends.
    _scratch: Option<Scratch>,
}

/// A directory that goes when this does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been made, and what cannot be removed is the system's to clear.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// A running engine and what keeps it running.
pub struct Running {
    /// The engine.
    pub engine: EngineHandle,
    /// The configuration it was started with.
    pub config: Arc<Config>,
    /// The simulated fleet, in a demo.
    pub fleet: Option<Fleet>,
}

impl Setup {
    /// For this process.
    pub fn new(global: &Global) -> Self {
        let scratch = (global.demo && global.data.is_none())
            .then(|| Scratch(std::env::temp_dir().join(format!("wheelhouse-{}", Uuid::now_v7()))));
        let data = global.data.clone().or_else(|| scratch.as_ref().map(|dir| dir.0.clone()));
        let env: Env = Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let paths = Paths::find(global.config.as_deref(), data.as_deref(), &*env);
        Self { global: global.clone(), paths, env, _scratch: scratch }
    }

    /// Starts the log. Lines written after the guard drops are lost.
    pub fn log(&self) -> Result<WorkerGuard, Stop> {
        log::start(self.paths.log_dir.clone(), (self.env)("WHEELHOUSE_LOG").as_deref())
            .map_err(Stop::usage)
    }

    /// The configuration, from all its layers.
    pub fn load(&self) -> Result<Loaded, Stop> {
        load(&self.layers()?)
    }

    /// The layers that are there, lowest first.
    pub fn layers(&self) -> Result<Vec<Layer>, Stop> {
        let file = self.user_layer()?;
        let environment = config::environment_layer(std::env::vars());
        Ok(file.into_iter().chain(environment).chain(self.flag_layer()).collect())
    }

    fn user_layer(&self) -> Result<Option<Layer>, Stop> {
        let path = &self.paths.config_file;
        match std::fs::read_to_string(path) {
            Ok(text) => {
                Ok(Some(Layer { kind: LayerKind::User, name: path.display().to_string(), text }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.named() => Ok(None),
            Err(error) => Err(Stop::usage(format!("{}: {error}", path.display()))),
        }
    }

    /// Was the file named, so that it has to be there?
    fn named(&self) -> bool {
        self.global.config.is_some()
    }

    fn flag_layer(&self) -> Option<Layer> {
        let mut document = toml_edit::DocumentMut::new();
        let mut set = |section: &str, key: &str, value: toml_edit::Value| {
            document.entry(section).or_insert(toml_edit::table())[key] = toml_edit::value(value);
        };
        if let Some(policy) = &self.global.policy {
            set("routing", "policy", policy.into());
        }
        if let Some(theme) = &self.global.theme {
            set("console", "theme", theme.into());
        }
        if self.global.ascii {
            set("console", "ascii", true.into());
        }
        let text = document.to_string();
        (!text.is_empty()).then(|| Layer { kind: LayerKind::Flags, name: "flags".to_owned(), text })
    }

    /// A demo's layers: the fleet in place of the user's models; of the user's file only how the
    /// console looks and listens.
    fn demo_layers(&self, fleet: &Fleet) -> Vec<Layer> {
        let console = self.user_layer().ok().flatten().and_then(|layer| console_only(&layer));
        let fleet = Layer {
            kind: LayerKind::User,
            name: "simulated fleet".to_owned(),
            text: fleet.config_text(),
        };
        [Some(fleet), console, self.flag_layer()].into_iter().flatten().collect()
    }

    /// Starts the engine, and in a demo the fleet it talks to. Inside a runtime.
    pub async fn start(&self) -> Result<Running, Stop> {
        let fleet = if self.global.demo { Some(start_fleet(DEMO_SEED).await?) } else { None };
        let loaded = match &fleet {
            Some(fleet) => load(&self.demo_layers(fleet))?,
            None => self.load()?,
        };
        let mut config = loaded.config;
        if fleet.is_some() {
            config.providers.retain(|_, provider| provider.simulated);
            let providers = &config.providers;
            config.models.retain(|_, model| providers.contains_key(&model.provider));
        }
        let config = Arc::new(config);
        let engine = engine::start(Arc::clone(&config), self.engine_options())?;
        Ok(Running { engine, config, fleet })
    }

    fn engine_options(&self) -> engine::Options {
        engine::Options {
            http: self.http_options(),
            env: Arc::clone(&self.env),
            ..engine::Options::default()
        }
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

/// Starts the fleet at the pace its originals have.
pub async fn start_fleet(seed: u64) -> Result<Fleet, Stop> {
    Ok(sim::start(FleetOptions { seed, ports: Ports::Any, pace: 1.0 }).await?)
}

fn load(layers: &[Layer]) -> Result<Loaded, Stop> {
    config::load(layers).map_err(|errors| {
        let mut lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        lines.insert(0, match errors.len() {
            1 => "the configuration has an error".to_owned(),
            count => format!("the configuration has {count} errors"),
        });
        Stop::Say(Exit::Usage, lines.join("\n"))
    })
}

/// The `[console]` part of a layer. A file that cannot be read is no reason not to show a demo.
fn console_only(layer: &Layer) -> Option<Layer> {
    let mut document = layer.text.parse::<toml_edit::DocumentMut>().ok()?;
    let console = document.remove("console")?;
    let mut only = toml_edit::DocumentMut::new();
    only.insert("console", console);
    Some(Layer { kind: layer.kind, name: layer.name.clone(), text: only.to_string() })
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
