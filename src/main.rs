//! The program's front door: hands the arguments to the command line and its code to the system.

use std::process::ExitCode;

fn main() -> ExitCode {
    wheelhouse::cli::main(std::env::args_os())
}
