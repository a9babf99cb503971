//! `wheelhouse completions SHELL`: a script on standard output, made from the command line itself.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::charset::Charset;
use super::{Exit, Io, Stop};

/// Prints the script.
pub fn run(shell: Shell, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wheelhouse", &mut script);
    io.out.write_all(Charset::chosen().of(&String::from_utf8_lossy(&script)).as_bytes())?;
    Ok(Exit::Done)
}
