//! A console with three models and no engine, for the tests of `update`.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Config, Model, PolicyWeights, PriceList};
use crate::console::app::{
    AppState, Boot, Cell, CostItem, Effect, FirstRun, Geometry, Looks, Msg, Size, Stage, Under,
    View, update,
};
use crate::console::keys::{Chord, Keymap, Sequence};
use crate::domain::{
    AttemptKind, Candidate, Cost, Decision, DecisionId, Estimate, Finish, FirstToken, Lang, Needs,
    Origin, Outcome, OverrideKind, Privacy, Rates, ReplyEvent, Request, RequestFeatures, RequestId,
    Score, TaskKind, UnixMs, Usage,
};
use crate::engine::{self, LogEntry, Snapshot};
use crate::route::{self, DecisionInput};

/// When every test begins: a Monday.
pub(super) const START: UnixMs = UnixMs(1_795_392_000_000);

fn model(name: &str, provider: &str, dollars: &str) -> Model {
    let price = dollars.parse().unwrap();
    let rates = Rates {
        input: price,
        cached_input: price,
        cache_write: price,
        cache_write_1h: None,
        output: price,
    };
    Model {
        prices: PriceList { base: Some(rates), ..PriceList::default() },
        ..config::sample::model(name, provider)
    }
}

const MODELS: [(&str, &str, &str); 3] =
    [("opus", "anthropic", "15"), ("mini", "openai", "0.5"), ("qwen", "local", "0")];

fn config() -> Config {
    let weights = |quality, cost, speed| PolicyWeights { quality, cost, speed };
    Config {
        policies: [
            ("balanced".to_owned(), weights(0.5, 0.3, 0.2)),
            ("best".to_owned(), weights(1.0, 0.0, 0.0)),
            ("cheapest".to_owned(), weights(0.0, 1.0, 0.0)),
            ("fastest".to_owned(), weights(0.0, 0.0, 1.0)),
        ]
        .into(),
        ..config::sample::config(
            MODELS.map(|(_, provider, _)| config::sample::provider(provider)),
            MODELS.map(|(name, provider, dollars)| model(name, provider, dollars)),
        )
    }
}

pub(super) fn snapshot() -> Snapshot {
    engine::sample::snapshot(START, config())
}

/// A model that is chosen, and the others that could answer.
fn able(chosen: &str) -> Vec<&str> {
    let others = ["qwen", "opus"].into_iter().filter(|model| *model != chosen);
    [chosen].into_iter().chain(others).collect()
}

pub(super) fn decision(request: RequestId, models: &[&str]) -> Decision {
    let candidates = models.iter().map(|model| Candidate {
        model: (*model).into(),
        provider: MODELS.iter().find(|(m, ..)| m == model).unwrap().1.into(),
        quality: 0.7,
        quality_guess: true,
        score: Score { total: 0.5, factors: Vec::new() },
        filtered: Vec::new(),
        estimate: Estimate::default(),
        note: String::new(),
    });
    Decision {
        id: DecisionId(uuid::Uuid::nil()),
        request,
        at: START,
        policy: "balanced".into(),
        weights: [0.5, 0.3, 0.2],
        rule: None,
        imposed: None,
        features: RequestFeatures {
            task: TaskKind::Chat,
            tasks: Vec::new(),
            difficulty: 0.1,
            lang: Lang::EN,
            scripts: Vec::new(),
            chars: 0,
            input_tokens: 10,
            output_tokens: 10,
            needs: Needs::default(),
            tags: Vec::new(),
        },
        candidates: candidates.collect(),
        reason: "cheapest of 3 that fit".into(),
        over_budget: None,
    }
}

/// A console under test, with the moment it is at and the effects that came out.
pub(super) struct Console {
    pub(super) state: AppState,
    pub(super) now: UnixMs,
    pub(super) effects: Vec<Effect>,
}

/// As if the rows of chats were on the first lines and the dearest from line 10 on.
fn items(state: &AppState) -> Vec<(CostItem, usize)> {
    let Some((_, _, report)) = &state.costs.shown else { return Vec::new() };
    let chats = report.rows.iter().enumerate();
    let chats = chats.filter_map(|(n, row)| Some((CostItem::Chat(row.session?), n)));
    let dearest = report.dearest.iter().enumerate();
    chats.chain(dearest.map(|(n, dear)| (CostItem::Request(dear.request), 10 + n))).collect()
}

fn measure(state: &AppState) -> Geometry {
    Geometry {
        transcript_cols: state.size.cols.saturating_sub(4),
        transcript_rows: state.size.rows.saturating_sub(8),
        list_rows: 8,
        list_scroll_most: 5,
        list_items: items(state),
        detail_rows: 10,
        detail_scroll_most: 5,
        composer_cols: state.size.cols.saturating_sub(4),
        panel_shown: state.size.cols >= 100,
    }
}

/// As if the screen were: a top line with the views at columns 0 and 10, text, a draft of one row.
fn locate(state: &AppState, col: u16, row: u16) -> Under {
    match (&state.overlay, state.view, row) {
        (Some(_), _, row) => Under::Overlay(Some(usize::from(row))),
        (None, _, 0) => Under::Tab(if col < 10 { View::Chat } else { View::Routes }),
        (None, View::Chat, 1..20) => {
            let cell = usize::from(row - 1);
            Under::Transcript(Some(cell).filter(|cell| *cell < state.transcript.cells.len()))
        }
        (None, View::Chat, 20) => Under::Draft { row: 0, col: usize::from(col) },
        (None, View::Routes, 1..10) => Under::List(Some(usize::from(row - 1))),
        (None, View::Routes, 10..20) => Under::Detail,
        (None, View::Chat | View::Routes | View::Costs, _) => Under::Nothing,
    }
}

impl Console {
    fn at(stage: Stage) -> Self {
        let looks = Looks {
            theme: "terminal".into(),
            themes: vec!["terminal".into(), "dark".into(), "light".into()],
            ..Looks::default()
        };
        let state = AppState::new(Boot {
            now: START,
            utc_offset_s: 0,
            size: Size { cols: 80, rows: 24 },
            measure,
            locate,
            looks,
            keymap: Arc::new(Keymap::defaults()),
            stage,
            baseline: None,
            seed: 7,
        });
        Self { state, now: START, effects: Vec::new() }
    }

    /// One whose engine runs.
    pub(super) fn ready() -> Self {
        let mut console = Self::at(Stage::Main);
        console.send(Msg::EngineReady(Arc::new(snapshot())));
        console.effects.clear();
        console
    }

    /// One whose engine is still starting.
    pub(super) fn starting() -> Self {
        Self::at(Stage::Main)
    }

    /// One on the first screen.
    pub(super) fn first_run() -> Self {
        Self::at(Stage::FirstRun(Box::new(FirstRun::new("~/config.toml".into()))))
    }

    pub(super) fn send(&mut self, msg: Msg) -> &mut Self {
        self.effects.extend(update(&mut self.state, msg, self.now));
        self
    }

    /// Presses keys: `"ctrl-c"`, `"y y"`.
    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            let Sequence { first: Chord { code, mods }, .. } = key.parse().unwrap();
            self.send(Msg::Key(crossterm::event::KeyEvent::new(code, mods)));
        }
        self
    }

    /// Types text, key by key; `\n` is a new line.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let key = match c {
                '\n' => "ctrl-j".parse::<Chord>().unwrap(),
                c => Chord {
                    code: crossterm::event::KeyCode::Char(c),
                    mods: crossterm::event::KeyModifiers::NONE,
                },
            };
            self.send(Msg::Key(crossterm::event::KeyEvent::new(key.code, key.mods)));
        }
        self
    }

    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(ms);
        self.send(Msg::Tick)
    }

    /// The requests sent so far.
    pub(super) fn sent(&self) -> Vec<&Request> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send(request) => Some(request.as_ref()),
                _ => None,
            })
            .collect()
    }

    /// The commands given to the engine so far.
    pub(super) fn commands(&self) -> Vec<String> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Command(command) => Some(format!("{command:?}")),
                _ => None,
            })
            .collect()
    }

    pub(super) fn copied(&self) -> Vec<&str> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Copy(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn running(&self) -> RequestId {
        self.state.running().expect("a reply runs").1.request
    }

    pub(super) fn events(&mut self, events: Vec<ReplyEvent>) -> &mut Self {
        let request = self.running();
        self.send(Msg::Reply { request, events })
    }

    /// Routes the running request and lets this model begin.
    pub(super) fn routed(&mut self, model: &str) -> &mut Self {
        let decision = decision(self.running(), &able(model));
        self.routed_by(decision)
    }

    /// The same, by a pin or a chip.
    pub(super) fn routed_by_hand(&mut self, model: &str, imposed: OverrideKind) -> &mut Self {
        let mut decision = decision(self.running(), &able(model));
        decision.imposed = Some(imposed);
        self.routed_by(decision)
    }

    fn routed_by(&mut self, decision: Decision) -> &mut Self {
        let chosen = decision.chosen().unwrap().clone();
        self.events(vec![
            ReplyEvent::Routed(Arc::new(decision)),
            ReplyEvent::Attempt {
                n: 1,
                model: chosen.model,
                provider: chosen.provider,
                kind: AttemptKind::First,
                waited_ms: 0,
            },
        ])
    }

    pub(super) fn stream(&mut self, text: &str) -> &mut Self {
        self.events(vec![
            ReplyEvent::FirstToken { what: FirstToken::Text, ms: 380 },
            ReplyEvent::Text(text.to_owned()),
        ])
    }

    /// Ends the running reply.
    pub(super) fn end(&mut self, finish: Finish) -> &mut Self {
        let (_, reply) = self.state.running().expect("a reply runs");
        let model = reply.model().map(|(model, provider)| (model.clone(), provider.clone()));
        let (model, provider) = model.unzip();
        let outcome = Outcome {
            finish,
            model,
            provider,
            model_id: None,
            usage: Usage { input: 1_000, output: 1_000, ..Usage::default() },
            cost: Cost { amount: "0.001".parse().unwrap(), exact: true },
            wait_ms: Some(400),
            ttft_ms: Some(380),
            total_ms: 1_900,
            answer_cost: None,
            cached: None,
            cache_note: None,
            error: None,
        };
        self.events(vec![ReplyEvent::End(Box::new(outcome))])
    }

    /// Asks something and has it answered whole by `mini`.
    pub(super) fn exchange(&mut self, question: &str, answer: &str) -> &mut Self {
        self.text(question).keys("enter").routed("mini").stream(answer).end(Finish::Stop)
    }

    /// The engine publishes that it knows of the newest reply's request.
    pub(super) fn logged(&mut self) -> &mut Self {
        let (_, reply) = self.state.last_reply().expect("a reply");
        let mut snapshot = self.state.snapshot.as_deref().unwrap().clone();
        snapshot.log = Arc::new(vec![Arc::new(entry(reply.request))]);
        self.send(Msg::Snapshot(Arc::new(snapshot)))
    }

    pub(super) fn note(&self) -> &str {
        let note = |cell: &'_ Cell| matches!(cell, Cell::Note(_));
        match self.state.transcript.cells.iter().rev().find(|cell| note(cell)) {
            Some(Cell::Note(note)) => &note.text,
            _ => "",
        }
    }

    pub(super) fn toast(&self) -> &str {
        self.state.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }
}

/// What a decision was made from, as little as there can be.
pub(super) fn input() -> DecisionInput {
    let decision = decision(RequestId(uuid::Uuid::nil()), &[]);
    DecisionInput { now: START, seed: 0, ..route::sample::input(decision.features) }
}

/// A line of the log, as little as there can be.
pub(super) fn entry(request: RequestId) -> LogEntry {
    LogEntry {
        request,
        session: None,
        origin: Origin::Chat,
        at: START,
        privacy: Privacy::Open,
        prompt: "a question".to_owned(),
        decision: Arc::new(decision(request, &["mini", "qwen"])),
        input: Arc::new(input()),
        decided_in: Duration::ZERO,
        attempts: Vec::new(),
        doubts: Vec::new(),
        outcome: None,
    }
}
