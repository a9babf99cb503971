//! Carrying out what the state asked for.
//!
//! Invariants: nothing here awaits the network, a disk that hangs or a provider; what takes a while
//! runs in a task and comes back by mail.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt, stream};
use tokio::sync::oneshot;

use crate::console::app::{
    Contest, Copied, DecideFor, Decided, Effect, Msg, Recall, Size, StartPlan,
};
use crate::console::term::{self, FRAME_GAP, Suspended, Urgency};
use crate::console::theme::Theme;
use crate::domain::{ReplyEvent, Request};
use crate::engine::LogEntry;
use crate::route;

use super::port::Engine;
use super::run::{Mail, Reading, Refine, Shell, is_words};
use super::{detect, editor};

/// The engine may take so long to close its sockets before we leave without it.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

impl Shell {
    /// Carries out what the state asked for, in order.
    pub(super) async fn carry_out(&mut self) -> io::Result<()> {
        while let Some(effect) = self.queue.pop_front() {
            match effect {
                Effect::Send(request) => self.ask(*request),
                Effect::Cancel(request) => {
                    if let Some(Reading { stop, .. }) = self.replies.remove(&request) {
                        let _over_already = stop.send(());
                    }
                }
                Effect::Command(command) => {
                    if let Some(engine) = &self.engine {
                        engine.send(command);
                    }
                }
                Effect::Fault(order) => {
                    let result = match &self.engine {
                        Some(engine) => engine.fault(&order),
                        None => Err("still starting".to_owned()),
                    };
                    self.tell(Msg::Struck { order, result }, Urgency::Now);
                }
                Effect::Recall(asked) => self.recall(asked),
                Effect::Decide { purpose, request } => self.decide(purpose, *request),
                Effect::Contest(entry) => self.contest(&entry),
                Effect::SchedulePreview => self.timers.put_off_preview(Instant::now()),
                Effect::ScheduleTick(ms) => self.timers.tick_in(Instant::now(), ms),
                Effect::RefineLayout => self.refine = Refine::Wanted,
                Effect::Copy(text) => {
                    let copied = copy(&text);
                    self.tell(Msg::Copied(copied), Urgency::Now);
                }
                Effect::Suspend => match self.guard.suspend()? {
                    Suspended::CameBack => self.come_back()?,
                    Suspended::Refused => self.tell(Msg::NotSuspended, Urgency::Now),
                },
                Effect::Editor(text) => self.edit(&text)?,
                Effect::Redraw => {
                    self.screen.invalidate();
                    self.frames.request(Instant::now(), Urgency::Now);
                }
                Effect::SetTheme(name) => self.set_theme(&name),
                Effect::SetMouse(mouse) => self.guard.set_mouse(mouse)?,
                Effect::Bell => term::output()?.write_all(b"\x07")?,
                Effect::Detect => self.detect(),
                Effect::KeepKey { variable, key } => self.keys.keep(variable, key),
                Effect::Start(plan) => self.start(plan),
                Effect::WriteConfig(text) => {
                    let written = self.host.write_config(&text);
                    self.tell(Msg::ConfigWritten(written), Urgency::Now);
                }
                // The state says so itself; the loop looks there.
                Effect::Quit => {}
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    fn ask(&mut self, request: Request) {
        let Some(engine) = &self.engine else { return };
        let (id, mail) = (request.id, self.mail.clone());
        let mut replies = engine.ask(request);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            loop {
                let events = tokio::select! {
                    biased;
                    _ = &mut stopped => break,
                    events = replies.next() => events,
                };
                let Some(events) = events else {
                    let _ = mail.send(Mail::Msg(Msg::ReplyClosed(id))).await;
                    return;
                };
                let over = events.iter().any(|event| matches!(event, ReplyEvent::End(_)));
                let text = !over && events.iter().any(is_words);
                if mail.send(Mail::Msg(Msg::Reply { request: id, events })).await.is_err() {
                    return;
                }
                if text {
                    // No frame is drawn sooner: what comes meanwhile is taken in at once.
                    tokio::select! {
                        biased;
                        _ = &mut stopped => break,
                        () = tokio::time::sleep(FRAME_GAP) => {}
                    }
                }
            }
            // What had come before the stop is kept as said, so it is shown too.
            let rest = replies.next().now_or_never().flatten();
            drop(replies);
            if let Some(events) = rest {
                let _ = mail.send(Mail::Msg(Msg::Reply { request: id, events })).await;
            }
        });
        self.replies.insert(id, Reading { task, stop });
    }

    /// Asks the ledger off the loop.
    fn recall(&self, asked: Recall) {
        let mail = self.mail.clone();
        let now = self.host.now();
        let answer = self.engine.as_ref().map(|engine| engine.recall(asked.clone(), now));
        tokio::spawn(async move {
            let answer = match answer {
                Some(answer) => answer.await,
                None => Err("still starting".to_owned()),
            };
            let _ = mail.send(Mail::Msg(Msg::Recalled { asked, answer })).await;
        });
    }

    /// Decides off the loop: reading a long conversation takes longer than a key may wait.
    fn decide(&self, purpose: DecideFor, request: Request) {
        let Some(engine) = self.engine.clone() else { return };
        let (now, mail) = (self.host.now(), self.mail.clone());
        tokio::task::spawn_blocking(move || {
            let input = engine.decision_input(&request, now);
            let decision = Arc::new(route::decide(&input));
            let decided = Decided { decision, input: Arc::new(input) };
            let _ = mail.blocking_send(Mail::Msg(Msg::Decided { purpose, decided }));
        });
    }

    /// The same request under every policy.
    fn contest(&mut self, entry: &LogEntry) {
        let Some(engine) = &self.engine else { return };
        let contest = Contest::of(&engine.snapshot().config, entry);
        self.tell(Msg::Contest(contest), Urgency::Now);
    }

    /// Starts an engine off the loop, so that no key ever waits for it; it comes by mail.
    fn start(&mut self, plan: StartPlan) {
        let started = self.host.start(plan, Arc::clone(&self.keys));
        let mail = self.mail.clone();
        tokio::spawn(async move {
            let arrived = match tokio::spawn(started).await {
                Ok(Ok(engine)) => Mail::Engine(engine),
                Ok(Err(why)) => Mail::Msg(Msg::EngineFailed(why)),
                Err(_) => Mail::Msg(Msg::EngineFailed("it ended while starting".to_owned())),
            };
            let _ = mail.send(arrived).await;
        });
    }

    /// An engine is up: the state gets what it published, now and from now on.
    pub(super) fn adopt(&mut self, engine: Arc<dyn Engine>) {
        let snapshots = engine.snapshots().map(Msg::Snapshot);
        let (board, faults) = engine.faults().unzip();
        let faults = faults.unwrap_or_else(|| Box::pin(stream::empty()));
        let mut changes = stream::select(snapshots, faults.map(Msg::Faults));
        let mail = self.mail.clone();
        let observer = tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                if mail.send(Mail::Msg(change)).await.is_err() {
                    return;
                }
            }
        });
        if let Some(old) = self.observer.replace(observer) {
            old.abort();
        }
        let snapshot = engine.snapshot();
        self.engine = Some(engine);
        self.tell(Msg::EngineReady(snapshot), Urgency::Stream);
        if let Some(board) = board {
            self.tell(Msg::Faults(board), Urgency::Stream);
        }
    }

    fn detect(&self) {
        let (host, keys, mail) =
            (Arc::clone(&self.host), Arc::clone(&self.keys), self.mail.clone());
        tokio::spawn(async move {
            let presets = host.presets();
            let env = |name: &str| {
                keys.get(name).map(|_| "given for this run".to_owned()).or_else(|| host.env(name))
            };
            let found = detect::detect(&presets, &env).await;
            let _ = mail.send(Mail::Msg(Msg::Detected(found))).await;
        });
    }

    fn set_theme(&mut self, name: &str) {
        let depth = self.state.caps.colors;
        let theme = match Theme::named(name, depth) {
            Some(theme) => Ok(theme),
            None => match self.host.theme(name) {
                Some(text) => Theme::parse(&text, depth).map_err(|error| error.to_string()),
                None => Err(format!("no theme {name:?}")),
            },
        };
        let told = theme.map(|theme| {
            self.theme = theme;
            self.screen.invalidate();
            name.to_owned()
        });
        self.tell(Msg::ThemeSet(told), Urgency::Now);
    }

    /// The editor has the terminal until it ends; nothing of ours reads or writes meanwhile.
    fn edit(&mut self, text: &str) -> io::Result<()> {
        let named = |name: &str| self.host.env(name).filter(|value| !value.trim().is_empty());
        let program =
            named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
        let paused = self.guard.leave();
        let edited = tokio::task::block_in_place(|| editor::edit(text, &program));
        self.guard.re_enter(&paused)?;
        self.come_back()?;
        self.tell(Msg::Edited(edited), Urgency::Now);
        Ok(())
    }

    /// The terminal is ours again: its size may be another, and what it shows is not ours.
    fn come_back(&mut self) -> io::Result<()> {
        let (cols, rows) = crossterm::terminal::size()?;
        self.screen.resize(cols, rows);
        self.tell(Msg::Resize(Size { cols, rows }), Urgency::Now);
        Ok(())
    }

    /// Ends what runs. Bounded: a socket that will not close does not keep us.
    pub(super) async fn leave(&mut self) {
        for reading in self.replies.values() {
            reading.task.abort();
        }
        if let Some(observer) = self.observer.take() {
            observer.abort();
        }
        if let Some(engine) = self.engine.take() {
            let _ = tokio::time::timeout(CLOSE_LIMIT, engine.close()).await;
        }
    }
}

fn copy(text: &str) -> Copied {
    match term::copy(text) {
        Ok(term::Copied::Sent(bytes)) => Copied::Terminal { bytes },
        Ok(term::Copied::TooLong(bytes)) => match editor::private_file("copy.txt", text) {
            Ok(path) => Copied::File { bytes, path: path.display().to_string() },
            Err(why) => Copied::Failed(why),
        },
        Err(error) => Copied::Failed(error.to_string()),
    }
}
