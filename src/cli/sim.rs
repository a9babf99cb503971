//! `wheelhouse sim`: the simulated providers alone, until interrupted. A configuration that uses them
//! is printed as data, so that it can go to a file.

use std::cell::RefCell;

use crate::domain::format_span;
use crate::sim::{self, FleetOptions, Ports};

use super::args::SimArgs;
use super::compose::{self, Setup};
use super::{Exit, Io, Stop, faults};

/// Serves until interrupted.
pub fn run(args: &SimArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let _log = setup.log()?;
    let options = FleetOptions {
        seed: args.seed,
        ports: args.port.map_or(Ports::Any, Ports::From),
        // The fleet counts how long things take; people say how fast they want them.
        pace: if args.speed > 0.0 { 1.0 / args.speed } else { 0.0 },
    };
    let runtime = compose::runtime()?;
    runtime.block_on(async {
        let fleet = sim::start(options)
            .await
            .map_err(|error| Stop::error(format!("the simulated fleet cannot listen: {error}")))?;
        io.out.write_all(fleet.config_text().as_bytes())?;
        io.out.flush()?;
        io.talk("simulated providers, everything they say is made up:");
        for endpoint in fleet.endpoints() {
            let models = endpoint.models.join(", ");
            io.talk(&format!("  {}  {} ({models})", endpoint.base_url(), endpoint.provider));
        }
        io.talk("Ctrl+C stops them");
        let told = RefCell::new(io);
        let faults = async {
            if let Some(script) = &setup.global.faults {
                let day = faults::read(script)?;
                let (count, span) = day.extent();
                let span = format_span(span);
                told.borrow_mut().talk(&format!("{count} faults to come, the last within {span}:"));
                day.play(fleet.control(), |line| told.borrow_mut().talk(&format!("  {line}")))
                    .await;
            }
            std::future::pending::<Result<(), Stop>>().await
        };
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            failed = faults => failed?,
        }
        Ok(Exit::Done)
    })
}
