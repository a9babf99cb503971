//! `wheelhouse compare`: the same prompts in several languages to several models, and what each
//! model really costs by script.
//!
//! Invariant: nothing is paid for before its expected cost was shown and agreed to; nobody stands in
//! for a model that fails, and the cache answers nothing.

mod prompts;
mod report;

use std::io::BufRead as _;
use std::sync::Arc;

use uuid::Uuid;

use crate::config::Config;
use crate::domain::{
    CacheMode, Finish, Money, Origin, ReaderKind, Reply, Request, RequestId, Route, UnixMs,
};
use crate::engine::{EngineHandle, Snapshot};
use crate::route;

use super::args::CompareArgs;
use super::compose::{self, Setup};
use super::{Exit, Io, Kind, Stop, names};
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
    let mut models = Vec::new();
    for model in &args.models {
        let name = named(model, &snapshot.config)?;
        if !models.contains(&name) {
            models.push(name);
        }
    }
    let asked = models.len() * prompts.len() * args.runs as usize;
    let expected = expected(args, &models, prompts, &snapshot);
    let words = format!(
        "{} models, {} prompts, {} each: {asked} requests, {}",
        models.len(),
        prompts.len(),
        if args.runs == 1 { "once".to_owned() } else { format!("{} times", args.runs) },
        expected.words(),
    );
    if !agreed(args, setup, &expected, &words, io)? {
        return Ok(Exit::Interrupted);
    }
    let work = models.iter().map(|model| ask_all(&running.engine, args, model, prompts));
    let work = futures_util::future::join_all(work);
    let answers: Vec<Answer> = tokio::select! {
        answers = work => answers.into_iter().flatten().collect(),
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    let rows = report::rows(&answers);
    if args.json {
        writeln!(io.out, "{}", report::json(&rows, &answers))?;
    } else {
        let lines = if args.csv { report::csv(&rows) } else { report::table(&rows) };
        for line in lines {
            io.line(&line)?;
        }
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
    fn words(&self) -> String {
        match (self.unknown, self.sum.pico()) {
            (0, 0) => "free".to_owned(),
            (0, _) => format!("about {}", self.sum.short()),
            (unknown, _) => {
                format!(
                    "at least {}: the price of {unknown} of them is not known",
                    self.sum.short()
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

/// Shows the cost; asks a person, unless they have said yes or nothing is to be paid.
fn agreed(
    args: &CompareArgs,
    setup: &Setup,
    expected: &Expected,
    words: &str,
    io: &mut Io<'_>,
) -> Result<bool, Stop> {
    let free = *expected == Expected { sum: Money::ZERO, unknown: 0 };
    if args.yes || free || setup.global.demo {
        if !setup.global.quiet {
            io.talk(words);
        }
        return Ok(true);
    }
    if (io.in_kind, io.err_kind) != (Kind::Terminal, Kind::Terminal) {
        return Err(Stop::usage(format!(
            "{words}\n  nobody is here to agree: give --yes to ask them"
        )));
    }
    write!(io.err, "{}. Ask them? [y/N] ", crate::text::sanitize(words))?;
    io.err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// One model's prompts, one after the other, so that they do not slow each other.
async fn ask_all(
    engine: &EngineHandle,
    args: &CompareArgs,
    model: &str,
    prompts: &[Prompt],
) -> Vec<Answer> {
    let mut answers = Vec::new();
    for prompt in prompts {
        for _ in 0..args.runs {
            let mut stream = engine.ask(request(args, model, prompt));
            let mut reply = Reply::default();
            while let Some(event) = stream.next().await {
                reply.fold(&event);
            }
            answers.push(answer(model, prompt, &reply));
        }
    }
    answers
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
