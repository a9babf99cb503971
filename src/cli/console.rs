//! `wheelhouse` without a command: the console. Reads how it is to look, decides what it begins with,
//! and hands over to the shell.
//!
//! Invariant: a broken configuration is told before the screen is taken, and nothing slow happens
//! before the first frame.

use std::sync::Arc;

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::config::{Config, ConsoleSettings};
use crate::console::app::{
    AppState, Boot, FirstRun, Glyphs, Looks, Mouse, Panel, Size, Stage, StartPlan, Zoom,
};
use crate::console::composer::Draft;
use crate::console::keys::Keymap;
use crate::console::shell::{self, Host as _, Start};
use crate::console::theme::{self, Theme};
use crate::console::view;
use crate::sim;

use super::compose::{self, Setup};
use super::host::Host;
use super::{Exit, Io, Kind, Stop};

/// The size assumed where the terminal does not tell its own.
const FALLBACK: Size = Size { cols: 80, rows: 24 };

/// Runs until it is left.
pub fn run(setup: Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    if (io.in_kind, io.out_kind) != (Kind::Terminal, Kind::Terminal) {
        return Err(Stop::usage(
            "the console needs a terminal; for one answer: wheelhouse ask \"...\"",
        ));
    }
    let recipe = setup.recipe_in_force()?;
    let loaded = recipe.load().map_err(|errors| compose::wrong(&errors))?;
    let config = &loaded.config;
    let keymap = keymap(&config.console)?;
    let (stage, plan) = beginning(&setup);
    let _log = setup.log()?;
    let host = Arc::new(Host::new(setup));
    let looks = looks(config, &host);
    let theme = theme(&looks.theme, host.setup())?;
    let baseline = config.console.baseline.as_deref().map(Into::into);
    if plan == Some(StartPlan::Found) {
        host.keep(recipe, loaded);
    }
    let mut state = AppState::new(Boot {
        now: host.now(),
        utc_offset_s: utc_offset_s(&host),
        size: crossterm::terminal::size().map_or(FALLBACK, |(cols, rows)| Size { cols, rows }),
        measure: view::measure,
        locate: view::locate,
        looks,
        keymap: Arc::new(keymap),
        stage,
        baseline,
        seed: Uuid::now_v7().as_u64_pair().1,
    });
    state.caps.colors = theme::color_depth(&|variable| host.env(variable));
    if plan == Some(StartPlan::Demo) {
        // Prompts worth trying lie where earlier ones would: the first is the first that Up brings.
        for prompt in sim::prompts().iter().rev() {
            state.composer.history.push(Draft { text: prompt.text.clone(), ..Draft::default() });
        }
    }
    let runtime = compose::runtime()?;
    let shown: Arc<dyn shell::Host> = host.clone();
    let ended = runtime.block_on(shell::run(Start { state, theme, plan }, shown));
    // Sockets of calls that still run are closed by their tasks being dropped.
    runtime.shutdown_background();
    // What was shown of an answer that was running is kept too.
    let unkept = host.setup().kept_so_far();
    ended?;
    if let Some(why) = unkept {
        io.talk(&format!("wheelhouse: not kept: {why}"));
    }
    Ok(Exit::Done)
}

/// Offset of local time from UTC now. The system's zone is read as it stands: to find its name the
/// whole zone database would be walked, which takes longer than drawing the first frame.
fn utc_offset_s(host: &Host) -> i32 {
    let system = || TimeZone::tzif("local", &std::fs::read("/etc/localtime").ok()?).ok();
    let zone = if host.env("TZ").is_some() { None } else { system() };
    zone.unwrap_or_else(TimeZone::system).to_offset(jiff::Timestamp::now()).seconds()
}

/// The first screen while there is no configuration, else straight to the chat.
fn beginning(setup: &Setup) -> (Stage, Option<StartPlan>) {
    let path = &setup.paths.config_file;
    if setup.global.demo {
        (Stage::Main, Some(StartPlan::Demo))
    } else if setup.named() || path.exists() {
        (Stage::Main, Some(StartPlan::Found))
    } else {
        (Stage::FirstRun(Box::new(FirstRun::new(setup.shown(path)))), None)
    }
}

/// Are the names and keys that only the console reads ones it knows?
pub(super) fn check(settings: &ConsoleSettings, setup: &Setup) -> Result<(), Stop> {
    keymap(settings)?;
    theme(theme_name(settings), setup).map(drop)
}

fn theme_name(settings: &ConsoleSettings) -> &str {
    if settings.theme.is_empty() { "terminal" } else { &settings.theme }
}

fn keymap(settings: &ConsoleSettings) -> Result<Keymap, Stop> {
    Keymap::configured(settings).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        Stop::usage(format!("the keys in the configuration are wrong\n{}", lines.join("\n")))
    })
}

fn looks(config: &Config, host: &Host) -> Looks {
    let settings = &config.console;
    let glyphs =
        if settings.ascii || !host.setup().utf8() { Glyphs::Ascii } else { Glyphs::Unicode };
    Looks {
        theme: theme_name(settings).to_owned(),
        themes: Theme::shipped(),
        glyphs,
        mouse: Mouse::named(&settings.mouse),
        panel: Panel::Auto,
        zoom: Zoom::Off,
        simulated: host.setup().global.demo,
        tongue: host.setup().tongue(config),
    }
}

fn theme(name: &str, setup: &Setup) -> Result<Theme, Stop> {
    let depth = theme::color_depth(&|variable| (setup.env)(variable));
    if let Some(theme) = Theme::named(name, depth) {
        return Ok(theme);
    }
    let text = setup.theme_text(name).ok_or_else(|| {
        let shipped = Theme::shipped().join(", ");
        Stop::usage(format!("there is no theme {name:?}; shipped are {shipped}"))
    })?;
    Theme::parse(&text, depth).map_err(|error| Stop::usage(format!("theme {name:?}: {error}")))
}
