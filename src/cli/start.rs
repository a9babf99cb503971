//! Starts the engine, and in a demo the simulated fleet it talks to. The only file of this room that
//! knows how.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::{KeepWhat, Loaded, Reach, Recipe};
use crate::domain::{AttemptId, Request, UnixMs};
use crate::engine::{self, EngineHandle, LOOK_EVERY, Snapshot, Watch};
use crate::ledger::SharedPurse;
use crate::route::{
    Bucket, Holder, SharedClaim, SharedVerdict, SpendLine, SpendStore, StoreTrouble, Totals,
};
use crate::sim::{self, Control, Fleet, FleetOptions, Ports};

use super::compose::{Env, Setup, wrong};
use super::io::safe;
use super::{Stop, faults};

/// The demo's answers are the same every time.
const DEMO_SEED: u64 = 7;

/// How long local servers get to say which models they have before a command goes on without them.
const DISCOVERY: Duration = Duration::from_millis(1500);

/// A running engine and what keeps it running.
pub struct Running {
    /// The engine.
    pub engine: EngineHandle,
    /// How its configuration came about.
    recipe: Recipe,
    using: Using,
    /// The simulated fleet, in a demo.
    fleet: Option<Fleet>,
    /// What goes wrong in it by and by.
    game_day: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(game_day) = &self.game_day {
            game_day.abort();
        }
    }
}

/// Which of the configured providers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Using {
    /// All that can be.
    Configured,
    /// Those on this machine.
    Local,
    /// The simulated fleet in their place.
    Simulated,
}

/// How long an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lives {
    /// Until what was asked is answered.
    ForAnAnswer,
    /// As long as somebody is there.
    WithTheConsole,
}

/// The place where spending is written down could not be opened, and why.
#[derive(Debug)]
struct NoStore(StoreTrouble);

impl SpendStore for NoStore {
    fn totals(&self, _: Holder, _: &[Bucket], _: UnixMs) -> Result<Vec<Totals>, StoreTrouble> {
        Err(self.0.clone())
    }

    fn reserve(&self, _: &SharedClaim) -> Result<SharedVerdict, StoreTrouble> {
        Err(self.0.clone())
    }

    fn settle(&self, _: SpendLine) {}

    fn release(&self, _: Holder, _: AttemptId) {}

    fn renew(&self, _: Holder, _: UnixMs) -> Result<(), StoreTrouble> {
        Err(self.0.clone())
    }
}

impl Setup {
    /// Starts the engine with what the command line says. Inside a runtime.
    pub async fn start(&self) -> Result<Running, Stop> {
        let using = if self.global.demo { Using::Simulated } else { Using::Configured };
        let env = Arc::clone(&self.env);
        let mut running = self.start_using(using, env, None, Lives::ForAnAnswer).await?;
        let quiet = self.global.quiet;
        running.strike(self, move |line| {
            if !quiet {
                // Nobody may be reading.
                let _told = writeln!(std::io::stderr(), "fault: {}", safe(&line));
            }
        })?;
        Ok(running)
    }

    /// From here on an engine decides on what earlier runs learned and others spent, as that of `ask`
    /// does, for a command that asks nobody: nothing is made where nothing was ever kept. Waits for the
    /// disk.
    pub fn know(&self) {
        if let Err(stop) = super::kept::existing(self) {
            // It decides as `ask` would, which goes on where nothing can be kept.
            let why = stop.story().1.unwrap_or_default();
            tracing::warn!(%why, "what was spent before is not known");
        }
    }

    /// Where budgets outlive this run and are shared with others; this run alone counts where nothing
    /// is kept.
    fn spending(&self) -> Option<Arc<dyn SpendStore>> {
        if let Some(open) = self.spending.get() {
            return Some(Arc::clone(open) as Arc<dyn SpendStore>);
        }
        let ledger = self.ledger()?;
        match SharedPurse::open(ledger.path(), super::kept::zone(self)) {
            Ok(purse) => Some(Arc::clone(self.spending.get_or_init(|| Arc::new(purse))) as _),
            Err(trouble) => {
                tracing::warn!(%trouble, "budgets count this run alone");
                Some(Arc::new(NoStore(StoreTrouble(trouble.to_string()))))
            }
        }
    }

    /// Starts the engine, and where it is asked for the fleet it talks to. Inside a runtime. The
    /// configuration is read where the caller has not.
    pub async fn start_using(
        &self,
        using: Using,
        env: Env,
        known: Option<(Recipe, Loaded)>,
        lives: Lives,
    ) -> Result<Running, Stop> {
        let (recipe, fleet) = match (using, &known) {
            (Using::Simulated, _) => {
                let fleet = start_fleet().await?;
                (self.demo_recipe(&fleet.config_text())?, Some(fleet))
            }
            (Using::Configured, Some((recipe, _))) => (recipe.clone(), None),
            (Using::Configured, None) => (self.recipe()?, None),
            (Using::Local, _) => (self.recipe()?.reaching(Reach::ThisMachine), None),
        };
        let loaded = match known {
            Some((_, loaded)) if using == Using::Configured => loaded,
            Some(_) | None => recipe.load().map_err(|errors| wrong(&errors))?,
        };
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        let config = loaded.config;
        // Where nothing is kept of requests, sums are only for budgets that are set.
        let counts = config.ledger.keep != KeepWhat::Nothing || !config.budget.is_empty();
        let kept = config.capture.unknown_errors && using != Using::Simulated;
        let options = engine::Options {
            http: self.http_options(),
            env,
            unknown_errors: kept.then(|| self.unknown_errors()),
            spending: counts.then(|| self.spending()).flatten(),
            ledger: self.ledger(),
            brief: lives == Lives::ForAnAnswer,
            ..engine::Options::default()
        };
        let engine = engine::start(Arc::new(config), options);
        Ok(Running { engine, recipe, using, fleet, game_day: None })
    }
}

impl Running {
    /// Puts changes of the configuration's files in force from now on.
    pub fn follow_files(&self, setup: &Setup) {
        let files = setup.watched(self.using);
        let recipe = self.recipe.clone();
        self.engine.watch(Watch { recipe, files, every: LOOK_EVERY });
    }

    /// Lets the script of faults named on the command line strike the fleet, if there is one.
    pub fn strike(
        &mut self,
        setup: &Setup,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<(), Stop> {
        if let (Some(script), Some(fleet)) = (&setup.global.faults, self.control()) {
            let day = faults::read(script)?;
            self.game_day = Some(tokio::spawn(async move { day.play(fleet, tell).await }));
        }
        Ok(())
    }

    /// The simulated fleet's controls, in a demo.
    pub fn control(&self) -> Option<Control> {
        self.fleet.as_ref().map(Fleet::control)
    }

    /// What is known once local servers and discovering providers have answered or were given up.
    pub async fn settled(&self) -> Arc<Snapshot> {
        self.engine.settled(DISCOVERY).await
    }
}

/// The seed the engine decides a request with, so that a preview is the decision that follows. The
/// engine is started with seed 0, which leaves the request's own.
pub fn seed(request: &Request) -> u64 {
    request.id.0.as_u128() as u64
}

async fn start_fleet() -> Result<Fleet, Stop> {
    let options = FleetOptions { seed: DEMO_SEED, ports: Ports::Any, pace: 1.0 };
    sim::start(options)
        .await
        .map_err(|error| Stop::error(format!("the simulated fleet cannot listen: {error}")))
}
