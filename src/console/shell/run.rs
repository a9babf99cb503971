//! The select loop.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::console::app::{
    Answer, AppState, Effect, Focused, Msg, Size, StartPlan, TerminalCaps, update,
};
use crate::console::term::{
    self, Frames, Guard, Input, InputStream, Screen, Signal, Signals, Urgency,
};
use crate::console::theme::Theme;
use crate::console::view;
use crate::domain::{ReplyEvent, RequestId};

use super::port::{Engine, Host, RunKeys};
use super::timers::{Alarm, Timers};

/// Messages from tasks that may wait. A task whose message does not fit waits itself, which stops
/// the reply it reads and nothing else.
const MAILBOX: usize = 256;
/// Messages taken in before the terminal is looked at again.
const BURST: usize = 32;
/// Arrow keys in one read that can only be the wheel, sent as arrows by the terminal.
const WHEEL_ARROWS: usize = 3;
/// Typing tells the engine that somebody is there at most this often.
const PRESENCE_GAP: Duration = Duration::from_secs(10);

/// What the console starts with.
pub struct Start {
    /// The state.
    pub state: AppState,
    /// The theme it names.
    pub theme: Theme,
    /// What to start at once; `None` while the first screen is up.
    pub plan: Option<StartPlan>,
}

/// Runs the console until it is left. The terminal is restored when this returns.
pub async fn run(start: Start, host: Arc<dyn Host>) -> io::Result<()> {
    // Listened to before there is anything to restore: one that comes in between must not end us.
    let signals = Signals::listen()?;
    let guard = Guard::enter()?;
    guard.set_mouse(start.state.looks.mouse)?;
    let Size { cols, rows } = start.state.size;
    let screen = Screen::new(term::output()?, cols, rows);
    let (mail, mailbox) = mpsc::channel(MAILBOX);
    let mut shell = Shell {
        state: start.state,
        theme: start.theme,
        host,
        guard,
        screen,
        frames: Frames::default(),
        timers: Timers::default(),
        mail,
        engine: None,
        keys: Arc::default(),
        replies: BTreeMap::new(),
        observer: None,
        refine: Refine::Done,
        present: None,
        queue: VecDeque::new(),
    };
    shell.draw()?;
    let input = InputStream::open()?;
    shell.note_size(input.size());
    shell.guard.ask_capabilities()?;
    shell.queue.push_back(start.plan.map_or(Effect::Detect, Effect::Start));
    let result = shell.main_loop(input, signals, mailbox).await;
    shell.leave().await;
    result
}

/// What tasks send to the loop.
pub(super) enum Mail {
    /// A message for the state.
    Msg(Msg),
    /// An engine that is up.
    Engine(Arc<dyn Engine>),
}

/// Whether the layout has estimated parts left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refine {
    Wanted,
    Done,
}

/// What ends a turn of the loop.
enum Turn {
    Input(Input),
    Signal(Signal),
    Mail(Mail),
    Alarm,
    Frame,
    Idle,
}

pub(super) struct Shell {
    pub(super) state: AppState,
    pub(super) theme: Theme,
    pub(super) host: Arc<dyn Host>,
    pub(super) guard: Guard,
    pub(super) screen: Screen<File>,
    pub(super) frames: Frames,
    pub(super) timers: Timers,
    pub(super) mail: mpsc::Sender<Mail>,
    pub(super) engine: Option<Arc<dyn Engine>>,
    pub(super) keys: Arc<RunKeys>,
    pub(super) replies: BTreeMap<RequestId, Reading>,
    pub(super) observer: Option<JoinHandle<()>>,
    pub(super) refine: Refine,
    pub(super) present: Option<Instant>,
    pub(super) queue: VecDeque<Effect>,
}

/// A reply that is read.
pub(super) struct Reading {
    pub(super) task: JoinHandle<()>,
    /// Ends it with what has come until then.
    pub(super) stop: oneshot::Sender<()>,
}

/// Is it something to read, or the end of it?
pub(super) fn is_words(event: &ReplyEvent) -> bool {
    matches!(event, ReplyEvent::Text(_) | ReplyEvent::Reasoning(_) | ReplyEvent::End(_))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

impl Shell {
    async fn main_loop(
        &mut self,
        mut input: InputStream,
        mut signals: Signals,
        mut mailbox: mpsc::Receiver<Mail>,
    ) -> io::Result<()> {
        loop {
            self.carry_out().await?;
            if self.state.quitting {
                return Ok(());
            }
            let now = Instant::now();
            if self.frames.ready(now) {
                self.draw()?;
            }
            let (frame, alarm) = (self.frames.due(), self.timers.due());
            let idle = self.refine == Refine::Wanted && frame.is_none();
            let turn = tokio::select! {
                biased;
                event = input.next() => Turn::Input(event),
                signal = signals.next() => Turn::Signal(signal),
                () = sleep_until(frame) => Turn::Frame,
                Some(mail) = mailbox.recv() => Turn::Mail(mail),
                () = sleep_until(alarm) => Turn::Alarm,
                () = std::future::ready(()), if idle => Turn::Idle,
            };
            match turn {
                Turn::Input(first) => {
                    let mut events = vec![first];
                    while let Some(event) = input.try_next() {
                        events.push(event);
                    }
                    self.take_input(&events)?;
                }
                Turn::Signal(Signal::Terminate | Signal::Hangup | Signal::Interrupt) => {
                    self.tell(Msg::Terminate, Urgency::Stream);
                }
                Turn::Signal(Signal::Suspend) => self.queue.push_back(Effect::Suspend),
                Turn::Frame => {}
                Turn::Mail(mail) => {
                    self.take_mail(mail);
                    for _ in 1..BURST {
                        let Ok(mail) = mailbox.try_recv() else { break };
                        self.take_mail(mail);
                    }
                }
                Turn::Alarm => {
                    while let Some(alarm) = self.timers.ring(Instant::now()) {
                        match alarm {
                            Alarm::Tick => self.tell(Msg::Tick, Urgency::Stream),
                            Alarm::Preview => self.tell(Msg::PreviewDue, Urgency::Stream),
                        }
                    }
                }
                Turn::Idle => {
                    self.refine = Refine::Done;
                    self.tell(Msg::Idle, Urgency::Stream);
                }
            }
        }
    }

    /// Hands a message to the state and keeps what it wants done.
    pub(super) fn tell(&mut self, msg: Msg, urgency: Urgency) {
        let effects = update(&mut self.state, msg, self.host.now());
        self.queue.extend(effects);
        self.frames.request(Instant::now(), urgency);
    }

    fn take_mail(&mut self, mail: Mail) {
        match mail {
            Mail::Engine(engine) => self.adopt(engine),
            Mail::Msg(msg) => {
                if let Msg::ReplyClosed(request) = &msg {
                    self.replies.remove(request);
                }
                // Who is asked and when may wait for the next frame; the first word may not.
                let urgency = match &msg {
                    Msg::Reply { events, .. } if events.iter().any(is_words) => Urgency::Text,
                    _ => Urgency::Stream,
                };
                self.tell(msg, urgency);
            }
        }
    }

    /// Takes in what the terminal sent in one go. A burst of the same arrow is the wheel.
    fn take_input(&mut self, events: &[Input]) -> io::Result<()> {
        let arrow = |event: &Input| match event {
            Input::Key(KeyEvent {
                code: code @ (KeyCode::Up | KeyCode::Down), modifiers, ..
            }) if modifiers.is_empty() => Some(*code),
            _ => None,
        };
        let mut at = 0;
        while at < events.len() {
            let run = match arrow(&events[at]) {
                Some(code) => events[at..].iter().take_while(|e| arrow(e) == Some(code)).count(),
                None => 0,
            };
            if run >= WHEEL_ARROWS {
                let down = arrow(&events[at]) == Some(KeyCode::Down);
                let lines = if down { run as isize } else { -(run as isize) };
                self.tell(Msg::Wheel(lines), Urgency::Now);
                at += run;
                continue;
            }
            self.take_event(events[at].clone())?;
            at += 1;
        }
        Ok(())
    }

    fn take_event(&mut self, event: Input) -> io::Result<()> {
        match event {
            Input::Key(key) => {
                self.note_presence();
                self.tell(Msg::Key(key), Urgency::Now);
            }
            Input::Pointer(pointer) => {
                self.note_presence();
                self.tell(Msg::Pointer(pointer), Urgency::Now);
            }
            Input::Paste(text) => self.tell(Msg::Paste(text), Urgency::Now),
            Input::Resize { width, height } => {
                self.screen.resize(width, height);
                self.tell(Msg::Resize(Size { cols: width, rows: height }), Urgency::Now);
            }
            Input::Focus(true) => self.tell(Msg::Focused(Focused::Gained), Urgency::Stream),
            Input::Focus(false) => self.tell(Msg::Focused(Focused::Lost), Urgency::Stream),
            Input::Answers(answers) => {
                if answers.kitty_keys == Answer::Yes {
                    self.guard.push_keyboard_flags()?;
                }
                let caps = TerminalCaps {
                    kitty_keys: answers.kitty_keys,
                    synchronized: answers.synchronized,
                    ..self.state.caps
                };
                self.tell(Msg::Caps(caps), Urgency::Stream);
            }
            Input::Closed => self.tell(Msg::Terminate, Urgency::Stream),
        }
        Ok(())
    }

    /// Somebody types: what they will ask is worth being warm for.
    fn note_presence(&mut self) {
        let now = Instant::now();
        if self.present.is_none_or(|last| now.duration_since(last) >= PRESENCE_GAP)
            && let Some(engine) = &self.engine
        {
            self.present = Some(now);
            engine.presence();
        }
    }

    /// A size that changed before anybody listened is told now.
    fn note_size(&mut self, (cols, rows): (u16, u16)) {
        if (Size { cols, rows }) != self.state.size {
            self.screen.resize(cols, rows);
            self.tell(Msg::Resize(Size { cols, rows }), Urgency::Now);
        }
    }

    /// For the test that a panic leaves the terminal as it was: with `WHEELHOUSE_TEST_PANIC` set,
    /// drawing a draft that reads like it panics. A release build does not hold this.
    #[cfg(debug_assertions)]
    fn panic_if_told(&self) {
        let told = self.host.env("WHEELHOUSE_TEST_PANIC");
        let meant = told.is_some_and(|draft| draft == self.state.composer.text());
        assert!(!meant, "WHEELHOUSE_TEST_PANIC told the console to panic");
    }

    fn draw(&mut self) -> io::Result<()> {
        #[cfg(debug_assertions)]
        self.panic_if_told();
        let (state, theme) = (&self.state, &self.theme);
        self.screen.frame(|buffer| view::draw(state, theme, buffer))?;
        self.frames.drawn(Instant::now());
        Ok(())
    }
}
