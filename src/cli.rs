//! The command line: one file per command. Parse, call, print.
//!
//! Owns: composing the other rooms into a program. Must not know: how any of them decides. Invariant:
//! standard output is data and nothing else, standard error is talk, a closed pipe is not an error.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

pub mod args;
mod ask;
mod cache;
mod charset;
mod compare;
mod completions;
mod compose;
mod config;
mod console;
mod doctor;
mod drill;
mod exit;
mod explain;
mod faults;
#[cfg(test)]
mod fixture;
mod host;
mod io;
mod json;
mod kept;
mod log;
mod man;
mod models;
mod names;
mod recall;
mod replay;
mod report;
mod sessions;
mod shot;
mod sim;
mod since;
mod start;
mod story;
mod sync;
mod table;
mod usage;

pub use exit::{Exit, Stop};
pub use io::{Io, Kind};

use args::{Cli, Command, ModelsCommand};
use charset::Charset;
use compose::Setup;

/// Runs the program with these arguments.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let mut err = std::io::stderr();
    let args: Vec<OsString> = args.into_iter().collect();
    // Help is written before the arguments are read.
    if args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--ascii") {
        Charset::Ascii.choose();
    }
    let cli = match args::parse(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with code 0, mistakes to standard error with 2.
            let _closed = match Charset::chosen() {
                Charset::Unicode => error.print(),
                Charset::Ascii => {
                    let told = error.render().to_string();
                    let told = Charset::Ascii.of(&told);
                    let to: &mut dyn Write = if error.use_stderr() { &mut err } else { &mut out };
                    to.write_all(told.as_bytes())
                }
            };
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut io = Io::new(&mut out, &mut err);
    let ended = run(&cli, &mut io).and_then(|exit| {
        io.out.flush()?;
        Ok(exit)
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(stop) => {
            let (exit, message) = stop.story();
            if let Some(message) = message {
                io.talk(&format!("wheelhouse: {message}"));
            }
            exit.into()
        }
    }
}

fn run(cli: &Cli, io: &mut Io<'_>) -> Result<Exit, Stop> {
    faults::allowed(cli)?;
    let setup = Setup::new(&cli.global);
    match &cli.command {
        Some(Command::Completions { shell }) => completions::run(*shell, io),
        Some(Command::Man { command }) => man::run(command.as_deref(), io),
        Some(Command::Cache { what }) => cache::run(what, &setup, io),
        Some(Command::Config { what }) => config::run(what, &setup, io),
        Some(Command::Doctor(args)) => doctor::run(args, &setup, io),
        Some(Command::Compare(args)) => compare::run(args, &setup, io),
        Some(Command::Drill(args)) => drill::run(args, &setup, io),
        Some(Command::Sim(args)) => sim::run(args, &setup, io),
        Some(Command::Ask(args)) => ask::run(args, &setup, io),
        Some(Command::Explain(args)) => explain::run(args, &setup, io),
        Some(Command::Sessions { what }) => sessions::run(what, &setup, io),
        Some(Command::Usage(args)) => usage::run(args, &setup, io),
        Some(Command::Replay(args)) => replay::run(args, &setup, io),
        Some(Command::Models { what: ModelsCommand::List(args) }) => models::run(args, &setup, io),
        Some(Command::Models { what: ModelsCommand::Sync(args) }) => sync::run(args, &setup, io),
        None if wants_answer(cli, io) => ask::run(&cli.ask, &setup, io),
        Some(Command::Shot(args)) => shot::run(args, &setup, io),
        None => match args::mistaken::stray(&cli.ask) {
            // Dropped, it would hold for nothing that is typed there.
            Some(name) => Err(Stop::usage(format!(
                "{name} is for a question, and there is none: write it behind, or leave {name} away \
                 for the console"
            ))),
            None => console::run(setup, io),
        },
    }
}

/// Without a command: a prompt, or text from a pipe, is asked; else it is the console.
fn wants_answer(cli: &Cli, io: &Io<'_>) -> bool {
    !cli.ask.prompt.is_empty() || io.in_kind == Kind::Pipe
}
