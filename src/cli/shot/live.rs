//! A picture of the demo as it runs: the real state, fed by the real engine over the simulated fleet,
//! driven with the keys a person would press.

use std::collections::VecDeque;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use uuid::Uuid;

use crate::console::app::{
    AppState, Boot, ColorDepth, Contest, Decided, Effect, Looks, Msg, Size, Stage, TerminalCaps,
    update,
};
use crate::console::keys::Keymap;
use crate::console::theme::Theme;
use crate::console::view;
use crate::domain::{ReplyEvent, Request};
use crate::engine::{self, EngineHandle, LogEntry};
use crate::route;
use crate::sim::{Cut, Fault, Until};

use super::super::Stop;
use super::super::compose::Setup;
use super::super::start::{self, Running};

/// What is asked, one after the other; the last is still being answered when the picture is taken.
const PROMPTS: [&str; 4] = [
    "What is the capital of Australia?",
    "Write a haiku for my sister's wedding by the sea. Warm, but not sweet.",
    "Explain Bayes' theorem with the medical test example, step by step.",
    "Why does the borrow checker refuse this, and what is the smallest fix?",
];

/// Which of them meets a provider that breaks off, so that the picture shows what happens then.
const BROKEN: usize = 2;

/// Text of the last answer that is there when the picture is taken, in characters.
const SHOWN: usize = 420;

/// The draft in the composer.
const DRAFT: &str = "show the index version as a table, and say when it is wrong";

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// The conversation.
    Chat,
    /// The routing log.
    Routes,
}

struct Stand {
    state: AppState,
    running: Running,
    effects: VecDeque<Effect>,
}

/// Runs the demo and draws it.
pub async fn draw(
    what: Live,
    setup: &Setup,
    (cols, rows): (u16, u16),
    theme: &Theme,
) -> Result<Buffer, Stop> {
    let running = setup.start().await?;
    let mut stand = Stand { state: state(cols, rows), running, effects: VecDeque::new() };
    let snapshot = stand.running.settled().await;
    stand.tell(Msg::EngineReady(snapshot));
    for (n, prompt) in PROMPTS.iter().enumerate() {
        if n == BROKEN {
            stand.break_the_likely(prompt);
        }
        let until = if n + 1 == PROMPTS.len() && what == Live::Chat { SHOWN } else { usize::MAX };
        stand.ask(prompt, until).await;
    }
    match what {
        Live::Chat => stand.tell(Msg::Paste(DRAFT.to_owned())),
        Live::Routes => {
            stand.key(KeyCode::Char('x'), KeyModifiers::CONTROL);
            stand.key(KeyCode::Char('2'), KeyModifiers::NONE);
            // The entry that met the broken provider has the most to tell.
            for _ in BROKEN + 1..PROMPTS.len() {
                stand.key(KeyCode::Char('j'), KeyModifiers::NONE);
            }
        }
    }
    stand.tell(Msg::PreviewDue);
    stand.carry_out();
    let mut buffer = Buffer::empty(Rect::new(0, 0, cols, rows));
    view::draw(&stand.state, theme, &mut buffer);
    Ok(buffer)
}

fn state(cols: u16, rows: u16) -> AppState {
    let mut state = AppState::new(Boot {
        now: engine::now(),
        utc_offset_s: 0,
        size: Size { cols, rows },
        measure: view::measure,
        locate: view::locate,
        looks: Looks { themes: Theme::shipped(), simulated: true, ..Looks::default() },
        keymap: Arc::new(Keymap::defaults()),
        stage: Stage::Main,
        baseline: None,
        seed: Uuid::now_v7().as_u64_pair().1,
    });
    state.caps = TerminalCaps { colors: ColorDepth::True, ..TerminalCaps::default() };
    state
}

impl Stand {
    fn engine(&self) -> &EngineHandle {
        &self.running.engine
    }

    fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg, engine::now());
        self.effects.extend(effects);
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.tell(Msg::Key(KeyEvent::new(code, modifiers)));
    }

    /// Types a prompt, sends it, and reads its answer until so many characters of it are there.
    async fn ask(&mut self, prompt: &str, until: usize) {
        self.tell(Msg::Paste(prompt.to_owned()));
        self.key(KeyCode::Enter, KeyModifiers::NONE);
        let Some(request) = self.carry_out() else { return };
        let id = request.id;
        let mut stream = self.engine().ask(request);
        let mut shown = 0;
        while let Some(event) = stream.next().await {
            if let ReplyEvent::Text(text) = &event {
                shown += text.chars().count();
            }
            self.tell(Msg::Reply { request: id, events: vec![event] });
            if shown >= until {
                self.tell(Msg::Snapshot(self.engine().snapshot()));
                return;
            }
        }
        self.tell(Msg::ReplyClosed(id));
        // The engine's log hears of the end a moment after the reader.
        let mut observer = self.engine().subscribe();
        let told = |log: &[Arc<LogEntry>]| log.iter().all(|entry| entry.outcome.is_some());
        while !told(&self.engine().snapshot().log) && observer.changed().await.is_some() {}
        self.tell(Msg::Snapshot(self.engine().snapshot()));
        self.carry_out();
    }

    /// Does what the state asked for, as the shell would; a request that is to be sent is returned.
    fn carry_out(&mut self) -> Option<Request> {
        let mut sent = None;
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Send(request) => sent = Some(*request),
                Effect::Command(command) => self.engine().send(command),
                Effect::Contest(entry) => {
                    let config = Arc::clone(&self.engine().snapshot().config);
                    self.tell(Msg::Contest(Contest::of(&config, &entry)));
                }
                Effect::Decide { purpose, request } => {
                    let (now, seed) = (engine::now(), start::seed(&request));
                    let input =
                        Arc::new(self.engine().snapshot().decision_input(&request, now, seed));
                    let decision = Arc::new(route::decide(&input));
                    self.tell(Msg::Decided { purpose, decided: Decided { decision, input } });
                }
                _ => {}
            }
        }
        sent
    }

    /// Makes the provider the router would choose break off in mid-answer, for good.
    fn break_the_likely(&self, prompt: &str) {
        use crate::domain::{Origin, ReaderKind, RequestId};
        let id = RequestId(Uuid::now_v7());
        let request = Request::new(id, Origin::Explain, ReaderKind::Replaceable, prompt);
        let input = self.engine().snapshot().decision_input(&request, engine::now(), 0);
        let decision = route::decide(&input);
        if let (Some(chosen), Some(control)) = (decision.chosen(), self.running.control()) {
            let fault = Fault::Cut { after: 60, how: Cut::Reset };
            // The fleet has every provider of its own configuration.
            let _unknown = control.inject(chosen.provider.as_str(), fault, Until::Times(2));
        }
    }
}
