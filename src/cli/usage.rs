//! `wheelhouse usage`: what was spent, on whom, and what routing saved; as a table, JSON or CSV.
//!
//! Must not know: how a report is added up or written. Invariant: a configuration that cannot be read
//! keeps nobody from reading what was spent.

use crate::config::{Config, KeepWhat};
use crate::engine;
use crate::ledger::{Reader, export};

use super::args::UsageArgs;
use super::compose::{self, Setup};
use super::report::{Report, Shown, Wanted};
use super::since::Since;
use super::{Exit, Io, Stop};
use super::{kept, names};

/// Prints the report.
pub fn run(args: &UsageArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    // A file that was named and cannot be read is a mistake; the usual one, and one that is wrong, is told.
    let loaded = match setup.recipe_in_force() {
        Err(stop) if setup.named() => return Err(stop),
        recipe => recipe.and_then(|recipe| recipe.load().map_err(|errors| compose::wrong(&errors))),
    };
    let config = match (args.currency, loaded) {
        (Some(_), Err(stop)) => return Err(stop),
        (None, Err(stop)) => {
            let (_, words) = stop.story();
            io.talk(&format!("wheelhouse: {}", words.unwrap_or_default()));
            io.talk("amounts are in dollars");
            None
        }
        (_, Ok(loaded)) => Some(loaded.config),
    };
    let kept = config.as_ref().is_none_or(|config| config.ledger.keep != KeepWhat::Nothing);
    if !kept && !setup.global.quiet {
        io.talk("[ledger] keep = \"nothing\": of requests since then only budgets know");
    }
    let shown = shown(args, config.as_ref())?;
    let reader = kept::reader(setup)?;
    let baseline = match &args.baseline {
        None => None,
        Some(typed) => {
            let kept = reader.as_ref().map(Reader::compared_models).transpose()?;
            Some(names::baseline(typed, config.as_ref(), &kept.unwrap_or_default())?)
        }
    };
    let days = args.since.days(engine::now(), &kept::zone(setup));
    if let (Since::Span(_), false) = (args.since, setup.global.quiet) {
        io.talk(&format!("sums are of whole days: from {} on", days.from));
    }
    let wanted = Wanted {
        days,
        by: args.by,
        limit: args.limit,
        filter: args.filter.clone().unwrap_or_default(),
        baseline,
        shown,
    };
    if let Some(doubt) = wanted.shown.doubt(kept::today(setup)) {
        io.talk(&doubt);
    }
    let report = if let Some(reader) = reader {
        Report::of(&reader, wanted)?
    } else {
        io.talk(kept::nothing(setup));
        Report::empty(wanted)
    };
    if report.is_of_nothing() {
        io.talk("no row holds what --filter asks for");
    }
    if args.json {
        writeln!(io.out, "{}", export::printed(&report.json()))?;
    } else if args.csv {
        for line in report.csv() {
            writeln!(io.out, "{line}")?;
        }
    } else {
        for line in report.lines() {
            io.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

/// What amounts are shown in: what the command line names, else what the configuration says; dollars
/// where that cannot be read.
fn shown(args: &UsageArgs, config: Option<&Config>) -> Result<Shown, Stop> {
    match (args.currency, config) {
        (Some(currency), Some(config)) => {
            Shown::of(currency, &config.currency).map_err(Stop::usage)
        }
        (None, Some(config)) => Ok(Shown::first(&config.currency)),
        (_, None) => Ok(Shown::default()),
    }
}
