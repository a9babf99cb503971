//! `wheelhouse drill`: what would answer if a provider or model failed, decided over typical prompts
//! without asking anybody.
//!
//! Invariant: both decisions come from the same pure function over the same input, but for what the
//! drill pretends.

mod judge;
mod view;

use uuid::Uuid;

use crate::config::Config;
use crate::domain::{Origin, ReaderKind, Request, RequestId, nearest};
use crate::engine::{self, DrillKind};
use crate::route;
use crate::sim;

use super::args::DrillArgs;
use super::compose::{self, Setup};
use super::{Exit, Io, Stop, start};
use judge::{Case, Report};

/// Prompts of every kind people send.
const PROMPTS: &str = include_str!("../../assets/drill/prompts.tsv");

/// Decides and prints.
pub fn run(args: &DrillArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let words: Vec<&str> = args.kind.iter().map(String::as_str).collect();
    let kind = match words.as_slice() {
        [] => DrillKind::Down,
        words => match DrillKind::read(words) {
            Ok((DrillKind::Cut, _)) => {
                return Err(Stop::usage(
                    "a cut answer is gone on from, not routed anew: try /drill NAME cut in the console",
                ));
            }
            Ok((kind, took)) if took == words.len() => kind,
            Ok(_) => return Err(Stop::usage(format!("{:?}: one kind, please", words.join(" ")))),
            Err(why) => return Err(Stop::usage(why)),
        },
    };
    let _log = setup.log()?;
    let runtime = compose::runtime()?;
    let report = runtime.block_on(decide(args, kind, setup));
    runtime.shutdown_background();
    let report = report?;
    if args.json {
        writeln!(io.out, "{}", view::json(&report))?;
    } else {
        for line in view::lines(&report) {
            io.line(&line)?;
        }
    }
    let left = report.cases.iter().all(|case| case.now.is_none() || case.then.is_some());
    Ok(if left { Exit::Done } else { Exit::Unanswered })
}

async fn decide(args: &DrillArgs, kind: DrillKind, setup: &Setup) -> Result<Report, Stop> {
    let running = setup.start().await?;
    let snapshot = running.settled().await;
    let name = named(&args.name, &snapshot.config).map_err(Stop::usage)?;
    let now = engine::now();
    let cases = prompts(args, setup)
        .into_iter()
        .map(|(title, prompt)| {
            let id = RequestId(Uuid::now_v7());
            let request = Request::new(id, Origin::Explain, ReaderKind::Replaceable, &prompt);
            let input = snapshot.decision_input(&request, now, start::seed(&request));
            let then = judge::pretended(&input, &name, kind);
            let decisions = (route::decide(&input), route::decide(&then));
            Case::new(title, prompt, &then, &decisions, &name)
        })
        .collect();
    Ok(judge::report(name, kind, &snapshot.config, cases))
}

/// What is decided: what was given, else what the demo offers, else one of each kind.
fn prompts(args: &DrillArgs, setup: &Setup) -> Vec<(String, String)> {
    if !args.prompt.is_empty() {
        let title = |text: &String| text.lines().next().unwrap_or_default().to_owned();
        return args.prompt.iter().map(|text| (title(text), text.clone())).collect();
    }
    if setup.global.demo {
        return sim::prompts().iter().map(|p| (p.title.clone(), p.text.clone())).collect();
    }
    typical()
}

fn typical() -> Vec<(String, String)> {
    PROMPTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(title, text)| (title.to_owned(), text.replace("\\n", "\n")))
        .collect()
}

/// The provider or model a name means; a provider goes first.
fn named(typed: &str, config: &Config) -> Result<String, String> {
    let providers = || config.providers.keys().map(crate::domain::ProviderName::as_str);
    let is = |name: &&str| *name == typed || name.strip_prefix("sim-") == Some(typed);
    if let Some(provider) = providers().find(is) {
        return Ok(provider.to_owned());
    }
    if let Ok(model) = config.model_named(typed) {
        return Ok(model.name.to_string());
    }
    let models = config.models.keys().map(crate::domain::ModelName::as_str);
    Err(match nearest(typed, providers().chain(models)) {
        Some(name) => {
            format!("no provider or model is called {typed:?}; did you mean {name}?")
        }
        None => format!(
            "no provider or model is called {typed:?}; wheelhouse models list --all shows them"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_prompts_are_of_many_kinds() {
        let prompts = typical();
        assert!(prompts.len() >= 8);
        assert!(prompts.iter().all(|(title, text)| !title.is_empty() && text.len() > 10));
        assert!(prompts.iter().any(|(_, text)| text.contains("```rust\nlet")));
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let config = crate::config::load(&[]).unwrap().config;
        assert_eq!(named("deepseek", &config).unwrap(), "deepseek");
        assert!(named("depseek", &config).unwrap_err().contains("did you mean deepseek?"));
        assert!(named("a provider of mine", &config).unwrap_err().contains("models list"));
    }
}
