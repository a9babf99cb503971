//! `wheelhouse usage`: what was spent, on whom, and what routing saved; as a table, JSON or CSV.
//!
//! Must not know: how a report is added up or written. Invariant: a configuration that cannot be read
//! keeps nobody from reading what was spent.

use crate::config::CurrencySettings;
use crate::engine;
use crate::ledger::{Day, Days, export};

use super::args::{UsageArgs, UsageSince};
use super::compose::Setup;
use super::kept;
use super::report::{Report, Shown, Wanted};
use super::{Exit, Io, Stop};

/// Prints the report.
pub fn run(args: &UsageArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let shown = shown(args, setup)?;
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

/// What amounts are shown in: what the command line names, else what the configuration says.
fn shown(args: &UsageArgs, setup: &Setup) -> Result<Shown, Stop> {
    let Some(currency) = args.currency else {
        let settings = setup.load().map(|loaded| loaded.config.currency);
        return Ok(settings.map(|settings| Shown::first(&settings)).unwrap_or_default());
    };
    let settings: CurrencySettings = setup.load()?.config.currency;
    Shown::of(currency, &settings).map_err(Stop::usage)
}
