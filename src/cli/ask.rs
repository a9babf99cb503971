//! `wheelhouse ask`: one request, its answer on standard output, who gave it on standard error.
//!
//! Invariant: text that was printed is never taken back; with `--json` exactly one object is
//! printed, also on failure, once the command line could be read.

mod typed;

use std::time::Duration;

use uuid::Uuid;

use crate::config::Config;
use crate::console::composer;
use crate::domain::{
    CacheMode, ErrorReport, Finish, ModelName, Origin, Outcome, OutcomeClass, OverBudget, PRIVATE,
    ReaderKind, Reply, ReplyEvent, Request, RequestId, Route, SessionId, is_nearly_private,
    is_private,
};
use crate::engine::{self, EngineHandle, LogEntry, Snapshot};
use crate::text::{Sanitizer, Tongue};

use super::args::AskArgs;
use super::args::cache::CacheUse;
use super::compose::{self, Setup};
use super::{Exit, Io, Kind, Stop, json, kept, names, story};

/// Leaving an answer early waits so long for its account.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Asks.
pub fn run(args: &AskArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    match answered(args, setup, io) {
        Err(stop) if args.json => {
            let (exit, Some(message)) = stop.story() else { return Err(stop) };
            let (class, code) = match exit {
                Exit::Usage => (OutcomeClass::Caller, "config"),
                _ => (OutcomeClass::Provider, "start"),
            };
            print(io, &json::failure(&ErrorReport::new(class, code, message)))?;
            Ok(exit)
        }
        ended => ended,
    }
}

fn answered(args: &AskArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let reader = if args.json { ReaderKind::Replaceable } else { ReaderKind::AppendOnly };
    let mut asking = asking(args, "ask", reader, io)?;
    let went_on = kept::go_on(&mut asking.request, &kept::Continue::of(args), setup);
    let mut request = asking.request.clone();
    let _log = setup.log()?;
    let keeping = setup.keep();
    let runtime = compose::runtime()?;
    let asked = went_on.and_then(|went_on| {
        asking.say(&went_on.said, setup, io);
        runtime.block_on(ask(asking, &went_on, args, setup, io))
    });
    // Whatever still runs (a keep-warm call, a probe) is not waited for.
    runtime.shutdown_background();
    let unkept = setup.kept_so_far();
    let not_kept = keeping.map_or_else(|error| Some(error.to_string()), |_| unkept);
    if let (Some(why), false) = (not_kept, setup.global.quiet) {
        io.talk(&format!("wheelhouse: not kept: {why}"));
    }
    let asked = asked?;
    if args.json {
        // A chat that is not there cannot be gone on with.
        request.session = request.session.filter(|id| kept::is_there(*id, setup));
        print(io, &json::reply(&request, &asked.reply))?;
    } else {
        tell(&asked, setup, io);
    }
    Ok(Exit::of(&asked.reply))
}

/// A request, and what its prompt says that only the configuration can read.
pub struct Asking {
    /// The request.
    pub request: Request,
    mention: Option<typed::Mention>,
    /// Tags that are nearly `private`.
    doubtful: Vec<String>,
    said: Vec<String>,
}

impl Asking {
    /// Resolves the models it names.
    ///
    /// # Errors
    /// A name that is no model's, and a tag that was probably to keep it on this machine.
    pub fn resolve(&mut self, config: &Config) -> Result<(), Stop> {
        names::marks(&self.request.tags, &self.doubtful, config)?;
        names::resolve(&mut self.request, config)?;
        let mention = self.mention.take();
        let said = mention.map(|mention| mention.resolve(&mut self.request, config)).transpose()?;
        self.said.extend(said.flatten());
        Ok(())
    }

    /// Says what is to be said of it, and more.
    pub fn say(&mut self, more: &[String], setup: &Setup, io: &mut Io<'_>) {
        for line in std::mem::take(&mut self.said).iter().chain(more) {
            if !setup.global.quiet {
                io.talk(&format!("wheelhouse: {line}"));
            }
        }
    }
}

/// The request these arguments of a command make, standard input included. Only `ask` sends it.
pub fn asking(
    args: &AskArgs,
    command: &str,
    reader: ReaderKind,
    io: &Io<'_>,
) -> Result<Asking, Stop> {
    let typed = typed::read(&args.prompt, io.piped()?.as_deref(), command)?;
    let origin = if command == "ask" { Origin::Ask } else { Origin::Explain };
    let mut request = Request::new(RequestId(Uuid::now_v7()), origin, reader, &typed.text);
    request.session = Some(SessionId(Uuid::now_v7()));
    request.system.clone_from(&args.system);
    request.params.temperature = args.temperature;
    request.params.seed = args.seed;
    request.params.max_tokens = args.max_tokens;
    request.policy = typed.policy.map(str::to_owned);
    request.tags = args.tags.iter().map(|tag| tag.trim_start_matches('#').to_owned()).collect();
    let mut doubtful = typed.doubtful;
    doubtful.extend(request.tags.iter().filter(|tag| is_nearly_private(tag)).cloned());
    let mut tags = typed.tags;
    if let Some(system) = &args.system {
        // Instructions that say so are as private as a prompt that does.
        let system = composer::parse(system);
        tags.extend(is_private(&system.tags).then(|| PRIVATE.to_owned()));
        doubtful.extend(system.doubtful);
    }
    for tag in tags {
        if !request.tags.contains(&tag) {
            request.tags.push(tag);
        }
    }
    request.cache = match args.cache {
        _ if args.no_cache => CacheMode::Off,
        None => CacheMode::Normal,
        Some(CacheUse::Refresh) => CacheMode::Refresh,
        Some(CacheUse::Only) => CacheMode::Only,
    };
    request.over_budget = if args.over_budget {
        OverBudget::Allowed
    } else if somebody_there(args, io) {
        OverBudget::Ask
    } else {
        OverBudget::Within
    };
    if let Some(model) = &args.model {
        let model = model.as_str().into();
        request.route = if args.pin { Route::Only(model) } else { Route::Prefer(model) };
    }
    Ok(Asking { request, mention: typed.mention, doubtful, said: typed.said })
}

/// What came of asking, and what is needed to tell it.
struct Asked {
    reply: Reply,
    tongue: Tongue,
    /// Somebody was asked whether to go over a budget, and said no.
    declined: bool,
    /// Budgets that only warn and are used up, in words.
    used_up: Vec<String>,
}

async fn ask(
    mut asking: Asking,
    went_on: &kept::WentOn,
    args: &AskArgs,
    setup: &Setup,
    io: &mut Io<'_>,
) -> Result<Asked, Stop> {
    let running = setup.start().await?;
    let config = std::sync::Arc::clone(&running.settled().await.config);
    asking.resolve(&config)?;
    asking.say(&[], setup, io);
    let mut request = asking.request;
    let mut meets = Meets { went_on, setup, said: false };
    let mut reply = one(&running.engine, request.clone(), args, io, &mut meets).await?;
    let mut declined = false;
    if let Some(question) = asks_first(&reply).filter(|_| somebody_there(args, io)) {
        let decision = reply.decision.as_ref();
        let fits = decision.and_then(|decision| engine::fits(question, decision));
        match allowed(&question.message, fits.map(ModelName::as_str), io).await? {
            Some(allowance) => {
                request.id = RequestId(Uuid::now_v7());
                request.over_budget = allowance;
                reply = one(&running.engine, request.clone(), args, io, &mut meets).await?;
            }
            None => declined = true,
        }
    }
    let snapshot = running.engine.snapshot_for(&request).await;
    let session = request.kept_session();
    let used_up = reply.outcome.as_ref();
    let used_up =
        used_up.map_or_else(Vec::new, |outcome| engine::used_up(&snapshot, session, outcome));
    Ok(Asked { reply, tongue: setup.tongue(&config), declined, used_up })
}

/// Looks whether another program asked in the same conversation meanwhile, and says so once.
struct Meets<'a> {
    went_on: &'a kept::WentOn,
    setup: &'a Setup,
    said: bool,
}

impl Meets<'_> {
    fn look(&mut self, request: &Request, io: &mut Io<'_>) {
        if self.said || self.setup.global.quiet || request.place.is_none() {
            return;
        }
        let met = tokio::task::block_in_place(|| kept::met(request, self.went_on, self.setup));
        if let Some(words) = met {
            io.talk(&format!("wheelhouse: {words}"));
            self.said = true;
        }
    }
}

/// Asks, and prints the answer as it comes.
async fn one(
    engine: &EngineHandle,
    request: Request,
    args: &AskArgs,
    io: &mut Io<'_>,
    meets: &mut Meets<'_>,
) -> Result<Reply, Stop> {
    let id = request.id;
    let mut stream = engine.ask(request.clone());
    let mut printer = Printer::new(io, args.json);
    let mut reply = Reply::default();
    let read = loop {
        let event = tokio::select! {
            event = stream.next() => event,
            _ = tokio::signal::ctrl_c() => break Ok(()),
        };
        let Some(event) = event else { break Ok(()) };
        if let (ReplyEvent::Held { what }, false) = (&event, meets.setup.global.quiet) {
            printer.io.talk(&format!("waiting: {what}; Ctrl+C stops"));
        }
        if matches!(event, ReplyEvent::Routed(_)) {
            // Its own question is kept by now: of two that take the same place one sees the other.
            meets.look(&request, printer.io);
        }
        if let Err(stop) = printer.event(&event) {
            break Err(stop);
        }
        reply.fold(&event);
    };
    drop(stream);
    if reply.outcome.is_none() {
        accounted(engine, id, &mut reply).await;
    }
    read?;
    printer.finish()?;
    meets.look(&request, io);
    Ok(reply)
}

/// An answer that was left early is paid for as far as it came: waits until that is known, and tells
/// the reply what it took.
async fn accounted(engine: &EngineHandle, id: RequestId, reply: &mut Reply) {
    let over = |entry: &LogEntry| entry.request == id && entry.outcome.is_some();
    until(engine, |snapshot| snapshot.log.iter().rev().any(|entry| over(entry))).await;
    let snapshot = engine.snapshot();
    let Some(entry) = snapshot.log.iter().rev().find(|entry| over(entry)) else { return };
    reply.decision = Some(std::sync::Arc::clone(&entry.decision));
    reply.attempts.clone_from(&entry.attempts);
    // Whatever became of it meanwhile, its reader left.
    let left = |outcome: &Outcome| Outcome { finish: Finish::Cancelled, ..outcome.clone() };
    reply.outcome = entry.outcome.as_ref().map(left);
}

/// The same for everything that was asked.
pub(super) async fn all_accounted(engine: &EngineHandle) {
    until(engine, |snapshot| snapshot.log.iter().all(|entry| entry.outcome.is_some())).await;
}

async fn until(engine: &EngineHandle, wanted: impl Fn(&Snapshot) -> bool) {
    let mut observer = engine.subscribe();
    let over = async { while !wanted(&engine.snapshot()) && observer.changed().await.is_some() {} };
    tokio::select! {
        () = over => {}
        () = tokio::time::sleep(LAST_WORD) => {}
        // Whoever insists is not kept.
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// What a budget wants to be asked about before anything is sent.
fn asks_first(reply: &Reply) -> Option<&ErrorReport> {
    let error = reply.outcome.as_ref()?.error.as_ref()?;
    (error.code == engine::ASKS_FIRST).then_some(error)
}

/// Is somebody there who can be asked?
fn somebody_there(args: &AskArgs, io: &Io<'_>) -> bool {
    !args.json && io.in_kind != Kind::Pipe && io.err_kind != Kind::Pipe
}

/// Asks the user whether to go over a budget, or to let whoever fits into it answer. `None` is a no.
async fn allowed(
    question: &str,
    fits: Option<&str>,
    io: &mut Io<'_>,
) -> Result<Option<OverBudget>, Stop> {
    // Ctrl+C is ours since the request ran: whoever presses it here means no, though the line that is
    // read may never end. It is listened for before the question can be seen.
    let mut stopped = std::pin::pin!(tokio::signal::ctrl_c());
    std::future::poll_fn(|context| {
        let _listens_from_here_on = stopped.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    io.talk(&format!("wheelhouse: {question}"));
    match fits {
        Some(fits) => io.talk(&format!("send anyway? [y/N, f: {fits} fits] ")),
        None => io.talk("send anyway? [y/N] "),
    }
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || sender.send(super::io::typed()));
    let answer = tokio::select! {
        answer = answer => answer.unwrap_or_else(|_| Ok(String::new()))?,
        _ = stopped => String::new(),
    };
    Ok(match answer.trim() {
        "y" | "Y" | "yes" => Some(OverBudget::Allowed),
        "f" | "F" if fits.is_some() => Some(OverBudget::Within),
        _ => None,
    })
}

/// Puts answer text on standard output as it comes.
struct Printer<'a, 'b> {
    io: &'a mut Io<'b>,
    /// For a terminal; a pipe gets the text as it came.
    sanitizer: Option<Sanitizer>,
    /// Text goes out only at the end, as JSON.
    silent: bool,
    /// The last character printed.
    last: Option<char>,
}

impl<'a, 'b> Printer<'a, 'b> {
    fn new(io: &'a mut Io<'b>, silent: bool) -> Self {
        let sanitizer = (io.out_kind == Kind::Terminal).then(Sanitizer::new);
        Self { io, sanitizer, silent, last: None }
    }

    fn event(&mut self, event: &ReplyEvent) -> Result<(), Stop> {
        match event {
            ReplyEvent::Text(text) if !self.silent => {
                let safe = match &mut self.sanitizer {
                    Some(sanitizer) => sanitizer.push(text),
                    None => text.as_str().into(),
                };
                if let Some(last) = safe.chars().next_back() {
                    self.last = Some(last);
                }
                self.io.out.write_all(safe.as_bytes())?;
                self.io.out.flush()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the last line, so that a prompt or the next file begins on its own.
    fn finish(&mut self) -> Result<(), Stop> {
        if self.last.is_some_and(|last| last != '\n') {
            writeln!(self.io.out)?;
        }
        self.io.out.flush()?;
        Ok(())
    }
}

fn print(io: &mut Io<'_>, value: &serde_json::Value) -> Result<(), Stop> {
    writeln!(io.out, "{value}")?;
    Ok(())
}

/// The story on standard error: what went wrong on the way and whether the answer is whole, always
/// unless told to be quiet; who answered, to a person who watches.
fn tell(asked: &Asked, setup: &Setup, io: &mut Io<'_>) {
    let Asked { reply, tongue, declined, used_up } = asked;
    if *declined {
        // What stood in the way was asked about a moment ago.
        io.talk("wheelhouse: not sent; --over-budget sends it without asking");
        return;
    }
    let exit = Exit::of(reply);
    let failed = exit != Exit::Done;
    let error = reply.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    let mut lines = Vec::new();
    if let Some(error) = error {
        lines.extend(story::failure(error, &reply.attempts, *tongue));
        if let Some(first) = lines.first_mut() {
            first.insert_str(0, "wheelhouse: ");
        }
    } else if reply.outcome.as_ref().is_some_and(|o| o.finish == Finish::Truncated) {
        lines.push("wheelhouse: the answer is not whole".to_owned());
    }
    let quiet = setup.global.quiet;
    if exit == Exit::Interrupted && !quiet {
        lines.push(format!("wheelhouse: {}", story::stopped(reply)));
    }
    let watched = io.err_kind == Kind::Terminal && !quiet;
    if failed || !quiet {
        lines.extend(story::troubles(reply));
        let under = if failed { "  " } else { "wheelhouse: " };
        lines.extend(story::doubt(reply).map(|doubt| format!("{under}{doubt}")));
    }
    if watched && !failed {
        lines.extend(story::summary(reply));
    } else if !failed && !quiet {
        lines.extend(story::over_budget(reply));
    }
    if !quiet {
        lines.extend(used_up.iter().map(|words| format!("wheelhouse: {words}")));
    }
    for line in lines {
        io.talk(&line);
    }
}
