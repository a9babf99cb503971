//! `wheelhouse compare`: the same prompts in several languages to several models, and what each
//! model really costs by script.
//!
//! Invariant: nothing is paid for before its expected cost was shown and agreed to; nobody stands in
//! for a model that fails, and the cache answers nothing.

mod prompts;
mod report;

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::config::Config;
use crate::console::composer;
use crate::domain::{
    CacheMode, Cost, Denomination, Finish, Money, Origin, ReaderKind, Reply, Request, RequestId,
    Route, UnixMs, counted,
};
use crate::engine::{EngineHandle, LogEntry, Snapshot};
use crate::route;

use super::args::CompareArgs;
use super::compose::{self, Setup};
use super::io::safe;
use super::report::Shown;
use super::{Exit, Io, Kind, Stop, kept, names};
use prompts::Prompt;
use report::Answer;

/// Compares.
pub fn run(args: &CompareArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let prompts = match &args.prompts {
        None => prompts::shipped(),
        Some(path) => {
            let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let text = std::fs::read_to_string(path).map_err(|error| Stop::usage(told(&error)))?;
            prompts::read(&text).map_err(|error| told(&error))
        }
    };
    let prompts = prompts.map_err(Stop::usage)?;
    let _log = setup.log()?;
    let keeping = setup.keep();
    let runtime = compose::runtime()?;
    let ended = runtime.block_on(compare(args, &prompts, setup, io));
    runtime.shutdown_background();
    let unkept = setup.kept_so_far();
    let not_kept = keeping.map_or_else(|error| Some(error.to_string()), |_| unkept);
    if let (Some(why), false) = (not_kept, setup.global.quiet) {
        io.talk(&format!("wheelhouse: not kept: {why}"));
    }
    ended
}

async fn compare(
    args: &CompareArgs,
    prompts: &[Prompt],
    setup: &Setup,
    io: &mut Io<'_>,
) -> Result<Exit, Stop> {
    let running = setup.start().await?;
    let snapshot = running.settled().await;
    for prompt in prompts {
        let parsed = composer::parse(&prompt.text);
        names::marks(&parsed.tags, &parsed.doubtful, &snapshot.config)?;
    }
    let mut models = Vec::new();
    for model in &args.models {
        let name = named(model, &snapshot.config)?;
        if !models.contains(&name) {
            models.push(name);
        }
    }
    let asked = models.len() * prompts.len() * args.runs as usize;
    let expected = expected(args, &models, prompts, &snapshot);
    let money = snapshot.config.currency.first();
    let words = format!(
        "{}, {}, {} each: {}, {}",
        counted(models.len() as u64, "model"),
        counted(prompts.len() as u64, "prompt"),
        if args.runs == 1 { "once".to_owned() } else { format!("{} times", args.runs) },
        counted(asked as u64, "request"),
        expected.words(money),
    );
    let asks = asks_first(args, setup, &expected);
    if asks && !agreed(&words, io)? {
        return Ok(Exit::Interrupted);
    }
    // From here on Ctrl+C is ours: what has come is shown.
    let stop = signal(SignalKind::interrupt())?;
    if !asks && !setup.global.quiet {
        io.talk(&words);
    }
    let (tell, told) = mpsc::channel(ANSWERS);
    let work = models.iter().map(|model| ask_all(&running.engine, args, model, prompts, &tell));
    let work = futures_util::future::join_all(work);
    let watched = io.err_kind == Kind::Terminal && !setup.global.quiet;
    let progress = Progress { of: asked, watched, money };
    let mut answers = collect(work, told, stop, &progress, io).await;
    let complete = answers.len() == asked;
    if !complete {
        super::ask::all_accounted(&running.engine).await;
    }
    // In the order they were to be asked, whoever answered first.
    let place = |answer: &Answer| models.iter().position(|model| *model == answer.model);
    answers.sort_by_key(place);
    let rows = report::rows(&answers);
    if args.json {
        writeln!(io.out, "{}", report::json(&answers, complete))?;
    } else if !rows.is_empty() {
        let lines = if args.csv {
            report::csv(&rows)
        } else {
            report::table(&rows, &report::totals(&answers), money)
        };
        for line in lines {
            io.line(&line)?;
        }
    }
    if let (false, false, false, Some(rate)) =
        (args.json, args.csv, rows.is_empty(), Shown::first(&snapshot.config.currency).words())
    {
        io.line("")?;
        io.line(&rate)?;
    }
    if let Some(doubt) = Shown::first(&snapshot.config.currency).doubt(kept::today(setup)) {
        io.talk(&doubt);
    }
    if !complete {
        let left = Left::of(&running.engine.snapshot().log);
        io.talk(&left.words(answers.len(), asked, money));
        return Ok(Exit::Interrupted);
    }
    for row in rows.iter().filter(|row| row.failed > 0) {
        let why = row.error.as_deref().unwrap_or_default();
        io.talk(&format!("{}: {} failed: {why}", row.model, row.failed));
    }
    let any = rows.iter().any(|row| row.answered > 0);
    Ok(if any { Exit::Done } else { Exit::Unanswered })
}

/// The model a person means, as a request that names it would have it.
fn named(text: &str, config: &Config) -> Result<String, Stop> {
    let mut request = plain("");
    request.route = Route::Only(text.into());
    names::resolve(&mut request, config)?;
    Ok(request.route.model().map_or_else(|| text.to_owned(), ToString::to_string))
}

fn plain(text: &str) -> Request {
    Request::new(RequestId(Uuid::now_v7()), Origin::Compare, ReaderKind::Replaceable, text)
}

fn request(args: &CompareArgs, model: &str, prompt: &Prompt) -> Request {
    let mut request = plain(&prompt.text);
    request.route = Route::Only(model.into());
    request.cache = CacheMode::Off;
    // What is marked in a file is marked: `#private` is asked of nobody elsewhere.
    request.tags = composer::parse(&prompt.text).tags;
    request.params.max_tokens = Some(args.max_tokens);
    request
}

/// What it will probably cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    sum: Money,
    /// Requests whose price is not known.
    unknown: usize,
}

impl Expected {
    fn words(&self, money: Denomination) -> String {
        match (self.unknown, self.sum.pico()) {
            (0, 0) => "free".to_owned(),
            // That it is converted is another thing than that it is a guess.
            (0, _) => format!("about {}", money.short(self.sum)),
            (unknown, _) => {
                format!(
                    "at least {}: the price of {unknown} of them is not known",
                    money.short(self.sum)
                )
            }
        }
    }
}

fn expected(
    args: &CompareArgs,
    models: &[String],
    prompts: &[Prompt],
    snapshot: &Arc<Snapshot>,
) -> Expected {
    let mut expected = Expected { sum: Money::ZERO, unknown: 0 };
    let now: UnixMs = compose::now();
    for prompt in prompts {
        for model in models {
            let request = request(args, model, prompt);
            let decision = route::decide(&snapshot.decision_input(&request, now, 0));
            let cost = decision.candidate(model).and_then(|candidate| candidate.estimate.cost);
            for _ in 0..args.runs {
                match cost {
                    Some(cost) => expected.sum += cost,
                    None => expected.unknown += 1,
                }
            }
        }
    }
    expected
}

/// Is somebody asked first? Not who said yes beforehand, nor where nothing is to be paid.
fn asks_first(args: &CompareArgs, setup: &Setup, expected: &Expected) -> bool {
    let free = *expected == Expected { sum: Money::ZERO, unknown: 0 };
    !(args.yes || free || setup.global.demo)
}

/// Shows the cost and asks a person.
fn agreed(words: &str, io: &mut Io<'_>) -> Result<bool, Stop> {
    if !io.somebody() {
        return Err(Stop::usage(format!(
            "{words}\n  nobody is here to agree: give --yes to ask them"
        )));
    }
    io.agreed(&format!("{words}. Ask them?"))
}

/// Requests that a person stopped in the middle. They are in no row, and yet they are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    requests: usize,
    cost: Cost,
}

impl Left {
    fn of(log: &[Arc<LogEntry>]) -> Self {
        let mut left = Self { requests: 0, cost: Cost::ZERO };
        for outcome in log.iter().filter_map(|entry| entry.outcome.as_ref()) {
            if outcome.finish == Finish::Cancelled {
                left.requests += 1;
                left.cost = left.cost + outcome.cost;
            }
        }
        left
    }

    fn words(self, over: usize, asked: usize, money: Denomination) -> String {
        let broke = match self.requests {
            0 => String::new(),
            n => format!(", {n} broke off at {} that no row has", money.cost_short(self.cost)),
        };
        let rest = asked.saturating_sub(over + self.requests);
        format!("stopped: {over} of {asked} requests are over{broke}, {rest} not asked")
    }
}

/// Answers that may wait to be counted: one per model is asked at a time.
const ANSWERS: usize = 64;

/// Says how far it has come, where a person watches.
struct Progress {
    of: usize,
    watched: bool,
    money: Denomination,
}

impl Progress {
    fn show(&self, answers: &[Answer], io: &mut Io<'_>) {
        if self.watched {
            let spent = answers.iter().fold(Cost::ZERO, |sum, answer| sum + answer.cost);
            let spent = self.money.cost_short(spent);
            let line = safe(&format!("{} of {}, {spent}", answers.len(), self.of));
            // Who cannot see it misses nothing that is not said again.
            let _lost = write!(io.err, "\r{line}\x1b[K").and_then(|()| io.err.flush());
        }
    }

    fn clear(&self, io: &mut Io<'_>) {
        if self.watched {
            let _lost = write!(io.err, "\r\x1b[K").and_then(|()| io.err.flush());
        }
    }
}

/// The answers as they come, until all are there or a person stops it: what there is then is kept.
async fn collect(
    work: impl Future,
    mut told: mpsc::Receiver<Answer>,
    mut stop: Signal,
    progress: &Progress,
    io: &mut Io<'_>,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    tokio::pin!(work);
    let mut working = true;
    progress.show(&answers, io);
    loop {
        tokio::select! {
            biased;
            answer = told.recv() => {
                let Some(answer) = answer else { break };
                answers.push(answer);
                progress.show(&answers, io);
                if answers.len() == progress.of {
                    break;
                }
            }
            _ = &mut work, if working => working = false,
            _ = stop.recv() => break,
        }
    }
    // What came in the same moment as the stop is over as well.
    while let Ok(answer) = told.try_recv() {
        answers.push(answer);
    }
    progress.clear(io);
    answers
}

/// One model's prompts, one after the other, so that they do not slow each other.
async fn ask_all(
    engine: &EngineHandle,
    args: &CompareArgs,
    model: &str,
    prompts: &[Prompt],
    tell: &mpsc::Sender<Answer>,
) {
    for prompt in prompts {
        for _ in 0..args.runs {
            let mut stream = engine.ask(request(args, model, prompt));
            let mut reply = Reply::default();
            while let Some(event) = stream.next().await {
                reply.fold(&event);
            }
            if tell.send(answer(model, prompt, &reply)).await.is_err() {
                return;
            }
        }
    }
}

fn answer(model: &str, prompt: &Prompt, reply: &Reply) -> Answer {
    let outcome = reply.outcome.as_ref();
    let error = match outcome {
        None => Some("stopped".to_owned()),
        Some(outcome) => match (&outcome.error, outcome.finish) {
            (Some(error), _) => Some(error.message.clone()),
            (None, Finish::Stop | Finish::Length | Finish::ToolCalls) => None,
            (None, finish) => Some(finish.name().to_owned()),
        },
    };
    let usage = outcome.map(|outcome| outcome.usage).filter(|usage| !usage.estimated);
    let told = |tokens: u64| (tokens > 0).then_some(tokens);
    Answer {
        model: model.to_owned(),
        provider: outcome
            .and_then(|o| o.provider.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
        prompt: prompt.name.clone(),
        lang: prompt.lang.clone(),
        script: prompt.script(),
        prompt_chars: prompt.text.chars().count() as u64,
        answer_chars: reply.text.chars().count() as u64,
        input: usage.and_then(|usage| told(usage.input)),
        output: usage.and_then(|usage| told(usage.output)),
        cost: outcome.map(|outcome| outcome.cost).unwrap_or_default(),
        ttft_ms: outcome.and_then(|outcome| outcome.ttft_ms),
        total_ms: outcome.map_or(0, |outcome| outcome.total_ms),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_said_to_be_about_so_much_in_any_currency() {
        let expected = Expected { sum: "0.0221".parse().unwrap(), unknown: 0 };
        let yuan = Denomination::At("CNY".parse().unwrap(), "7.12".parse().unwrap());
        assert_eq!(expected.words(Denomination::Dollars), "about $0.0221");
        assert_eq!(expected.words(yuan), "about ~¥0.1574");
    }

    #[test]
    fn a_stop_tells_what_is_over_what_broke_off_for_how_much_and_what_was_never_asked() {
        let cost = Cost { amount: "0.0007".parse().unwrap(), exact: false };
        let words = |requests| Left { requests, cost }.words(4, 22, Denomination::Dollars);
        assert_eq!(
            words(2),
            "stopped: 4 of 22 requests are over, 2 broke off at ≥$0.0007 that no row has, \
             16 not asked"
        );
        assert_eq!(words(0), "stopped: 4 of 22 requests are over, 18 not asked");
    }
}
