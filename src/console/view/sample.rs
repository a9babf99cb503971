//! An afternoon with made-up providers: for pictures and for tests of every view.
//!
//! Invariant: the same scene at the same size is the same state, to the byte.

mod history;
mod kept;
mod talk;
mod world;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{locate, measure};
use crate::console::app::{
    Answer, AppState, Boot, ColorDepth, Contest, Detection, EnginePhase, FirstRun, Focus, FoundKey,
    FoundProvider, FoundServer, Looking, Looks, Meters, Msg, OtherPolicy, SavedSum, Size, Stage,
    TerminalCaps, View, update,
};
use crate::console::keys::Keymap;
use crate::console::theme::Theme;
use crate::domain::UnixMs;

/// The moment of every scene: half past two in the afternoon.
pub const NOW: UnixMs = UnixMs(1_795_444_390_000);

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scene {
    /// A new chat.
    Empty,
    /// Waiting for the first token after two failed attempts.
    Waiting,
    /// A reply streams, another was answered; a draft is typed.
    Chat,
    /// Chinese, Japanese, Korean and emoji.
    Wide,
    /// The log with an entry explained.
    Routes,
    /// The explanation alone.
    Why,
    /// The override picker.
    Picker,
    /// The palette.
    Palette,
    /// Help.
    Help,
    /// What was spent.
    Costs,
    /// The list of chats.
    Sessions,
    /// The first screen.
    FirstRun,
}

impl Scene {
    /// Every scene with its name.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Empty, "empty"),
        (Self::Waiting, "waiting"),
        (Self::Chat, "chat"),
        (Self::Wide, "wide"),
        (Self::Routes, "routes"),
        (Self::Why, "why"),
        (Self::Picker, "picker"),
        (Self::Palette, "palette"),
        (Self::Help, "help"),
        (Self::Costs, "costs"),
        (Self::Sessions, "sessions"),
        (Self::FirstRun, "first-run"),
    ];

    /// The scene of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(scene, _)| scene)
    }
}

/// The state of a scene.
pub fn state(scene: Scene, cols: u16, rows: u16) -> AppState {
    let stage = match scene {
        Scene::FirstRun => Stage::FirstRun(Box::new(first_run())),
        _ => Stage::Main,
    };
    let mut state = AppState::new(Boot {
        now: NOW,
        utc_offset_s: 0,
        size: Size { cols, rows },
        measure,
        locate,
        looks: Looks {
            theme: "terminal".to_owned(),
            themes: Theme::shipped(),
            simulated: true,
            ..Looks::default()
        },
        keymap: Arc::new(Keymap::defaults()),
        stage,
        baseline: None,
        seed: 7,
    });
    state.caps = TerminalCaps {
        kitty_keys: Answer::Yes,
        synchronized: Answer::Yes,
        colors: ColorDepth::True,
        ..TerminalCaps::default()
    };
    if scene == Scene::FirstRun {
        return state;
    }
    state.engine = EnginePhase::Ready;
    state.snapshot = Some(Arc::new(world::snapshot(&state, scene)));
    if scene == Scene::Empty {
        return state;
    }
    talk::fill(&mut state, scene);
    state.meters = Meters {
        answered: 8,
        asked: 8,
        fell_back: 1,
        overridden: 3,
        agreed: 2,
        saved: Some(SavedSum { amount: world::dollars("0.19"), versus: Some("opus".into()) }),
    };
    if matches!(scene, Scene::Routes | Scene::Why) {
        state.view = View::Routes;
        state.focus = if scene == Scene::Why { Focus::Detail } else { Focus::List };
        state.routes.contest = contest(&state);
    }
    state.sessions.recent = kept::sessions(state.session);
    if scene == Scene::Costs {
        state.view = View::Costs;
        state.focus = Focus::List;
        let costs = &mut state.costs;
        costs.shown = Some((costs.window, costs.group, Box::new(kept::costs())));
    }
    let press = |state: &mut AppState, code, mods| {
        update(state, Msg::Key(KeyEvent::new(code, mods)), NOW);
    };
    match scene {
        Scene::Picker => press(&mut state, KeyCode::Char('o'), KeyModifiers::CONTROL),
        Scene::Palette => {
            press(&mut state, KeyCode::Char('p'), KeyModifiers::CONTROL);
            for c in ['r', 'o', 'u'] {
                press(&mut state, KeyCode::Char(c), KeyModifiers::NONE);
            }
        }
        Scene::Sessions => press(&mut state, KeyCode::Char('s'), KeyModifiers::CONTROL),
        Scene::Help => press(&mut state, KeyCode::F(1), KeyModifiers::NONE),
        Scene::Empty
        | Scene::Waiting
        | Scene::Chat
        | Scene::Wide
        | Scene::Routes
        | Scene::Why
        | Scene::Costs
        | Scene::FirstRun => {}
    }
    state
}

fn contest(state: &AppState) -> Option<Contest> {
    let snapshot = state.snapshot.as_ref()?;
    let entry = snapshot.log.last()?;
    let policies = ["balanced", "best", "cheapest", "fastest"];
    let firsts = ["mini", "opus", "llama", "qwen"];
    Some(Contest {
        request: entry.request,
        policies: policies
            .into_iter()
            .zip(firsts)
            .map(|(policy, first)| OtherPolicy {
                policy: policy.to_owned(),
                decision: Arc::new(history::decision(entry.request, entry.at, first, policy, "")),
            })
            .collect(),
        flips: vec![
            "cost weight under .12 -> sonnet".to_owned(),
            "\"code\" over 0.55 -> sonnet".to_owned(),
        ],
    })
}

fn first_run() -> FirstRun {
    let provider = |name: &str, label: &str, variable: &str, key| FoundProvider {
        name: name.to_owned(),
        label: label.to_owned(),
        variable: variable.to_owned(),
        key,
    };
    let mut first = FirstRun::new("~/.config/wheelhouse/config.toml".to_owned());
    first.looking = Looking::Done;
    first.found = Detection {
        servers: vec![FoundServer {
            name: "local".to_owned(),
            label: "Ollama".to_owned(),
            address: "127.0.0.1:11434".to_owned(),
            models: 3,
        }],
        providers: vec![
            provider(
                "openai",
                "OpenAI",
                "OPENAI_API_KEY",
                FoundKey::Present { variable: "OPENAI_API_KEY".to_owned() },
            ),
            provider("anthropic", "Anthropic", "ANTHROPIC_API_KEY", FoundKey::Missing),
            provider("google", "Google", "GEMINI_API_KEY", FoundKey::Missing),
        ],
    };
    first
}
