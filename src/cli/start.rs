//! Starts the engine, and in a demo the simulated fleet it talks to. The only file of this room that
//! knows how.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{self, EngineHandle, Snapshot};
use crate::sim::{self, Fleet, FleetOptions, Ports};

use super::Stop;
use super::compose::Setup;

/// The demo's answers are the same every time.
const DEMO_SEED: u64 = 7;

/// How long local servers get to say which models they have before a command goes on without them.
const DISCOVERY: Duration = Duration::from_millis(1500);

/// A running engine and what keeps it running.
pub struct Running {
    /// The engine.
    pub engine: EngineHandle,
    /// The simulated fleet, in a demo.
    _fleet: Option<Fleet>,
}

impl Setup {
    /// Starts the engine, and in a demo the fleet it talks to. Inside a runtime.
    pub async fn start(&self) -> Result<Running, Stop> {
        let fleet = if self.global.demo { Some(start_fleet().await?) } else { None };
        let loaded = match &fleet {
            Some(fleet) => self.load_demo(fleet)?,
            None => self.load()?,
        };
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        let engine = engine::start(Arc::new(loaded.config), self.engine_options());
        Ok(Running { engine, _fleet: fleet })
    }

    fn engine_options(&self) -> engine::Options {
        engine::Options {
            http: self.http_options(),
            env: Arc::clone(&self.env),
            ..engine::Options::default()
        }
    }
}

impl Running {
    /// What is known once local servers and discovering providers have answered or were given up.
    pub async fn settled(&self) -> Arc<Snapshot> {
        self.engine.settled(DISCOVERY).await
    }
}

async fn start_fleet() -> Result<Fleet, Stop> {
    let options = FleetOptions { seed: DEMO_SEED, ports: Ports::Any, pace: 1.0 };
    sim::start(options)
        .await
        .map_err(|error| Stop::error(format!("the simulated fleet cannot listen: {error}")))
}
