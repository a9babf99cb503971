//! `wheelhouse usage`: what was spent, on whom, and what routing saved; as a table, JSON or CSV.
//!
//! Must not know: how a report is added up or written. Invariant: a configuration that cannot be read
//! keeps nobody from reading what was spent.

use crate::engine;
use crate::ledger::{Day, Days, export};

use super::args::{UsageArgs, UsageSince};
use super::compose::{self, Setup};
use super::kept;
use super::report::{Report, Shown, Wanted};
use super::{Exit, Io, Stop};

/// Prints the report.
pub fn run(args: &UsageArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let shown = shown(args, setup, io)?;
    let today = Day::of(engine::now(), &kept::zone(setup));
    let days = match args.since {
        UsageSince::All => Days::ALL,
        UsageSince::Days(days) => Days::last(days, today),
    };
    let wanted = Wanted {
        days,
        by: args.by,
        limit: args.limit,
        filter: args.filter.clone().unwrap_or_default(),
        baseline: args.baseline.as_deref().map(Into::into),
        shown,
    };
    let report = if let Some(reader) = kept::reader(setup)? {
        Report::of(&reader, wanted)?
    } else {
        io.talk(kept::nothing(setup));
        Report::empty(wanted)
    };
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

/// What amounts are shown in: what the command line names, else what the configuration says; dollars,
/// and why, where that cannot be read.
fn shown(args: &UsageArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Shown, Stop> {
    let loaded = setup.recipe_in_force()?.load();
    match (args.currency, loaded) {
        (Some(currency), Ok(loaded)) => {
            Shown::of(currency, &loaded.config.currency).map_err(Stop::usage)
        }
        (Some(_), Err(errors)) => Err(compose::wrong(&errors)),
        (None, Ok(loaded)) => Ok(Shown::first(&loaded.config.currency)),
        (None, Err(errors)) => {
            let (_, words) = compose::wrong(&errors).story();
            io.talk(&format!("wheelhouse: {}", words.unwrap_or_default()));
            io.talk("amounts are in dollars");
            Ok(Shown::default())
        }
    }
}
