//! `wheelhouse man [COMMAND]`: the manual page as roff, made from the command line itself, with the
//! sections help has no room for.

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{Cli, EXIT_CODES};
use super::charset::Charset;
use super::{Exit, Io, Stop};

/// Prints a page.
pub fn run(command: Option<&str>, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let page = match command {
        None => whole()?,
        Some(name) => one(name)?,
    };
    io.out.write_all(Charset::chosen().of(&String::from_utf8_lossy(&page)).as_bytes())?;
    Ok(Exit::Done)
}

fn whole() -> Result<Vec<u8>, Stop> {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    commands(&command).to_writer(&mut page)?;
    sections().to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

fn one(name: &str) -> Result<Vec<u8>, Stop> {
    let mut command = Cli::command();
    command.build();
    let found = command
        .find_subcommand(name)
        .ok_or_else(|| Stop::usage(format!("there is no command `{name}`")))?
        .clone();
    let mut page = Vec::new();
    Man::new(found).render(&mut page)?;
    Ok(page)
}

fn commands(command: &clap::Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for sub in command.get_subcommands() {
        roff.control("TP", []);
        roff.text([bold(format!("wheelhouse {}", sub.get_name()))]);
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        roff.text([roman(format!("{about}. See wheelhouse {} --help.", sub.get_name()))]);
    }
    roff
}

const ENVIRONMENT: &[(&str, &str)] = &[
    ("WHEELHOUSE_CONFIG", "the configuration file, as --config"),
    ("WHEELHOUSE_DATA", "the directory for data and logs, as --data"),
    ("WHEELHOUSE_LOG", "what is logged, as a tracing filter: warn,wheelhouse=debug"),
    ("WHEELHOUSE__SECTION__KEY", "one configuration value: WHEELHOUSE__ROUTING__POLICY=cheapest"),
    ("NO_COLOR", "no colours, where set and not empty"),
    ("HTTPS_PROXY, NO_PROXY", "the proxy for calls to providers"),
    ("SSL_CERT_FILE", "a file of certificate authorities to trust besides the system's"),
    (
        "OPENAI_API_KEY, DEEPSEEK_API_KEY, ...",
        "keys; wheelhouse doctor lists the names it looks for",
    ),
];

const FILES: &[(&str, &str)] = &[
    ("$XDG_CONFIG_HOME/wheelhouse/config.toml", "the configuration; every part of it is optional"),
    ("$XDG_DATA_HOME/wheelhouse", "data"),
    ("logs", "one private file per day; wheelhouse doctor says where"),
];

fn sections() -> Roff {
    let mut roff = Roff::new();
    for (title, rows) in [("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)] {
        roff.control("SH", [title]);
        for (name, what) in rows {
            roff.control("TP", []);
            roff.text([bold(*name)]);
            roff.text([roman(*what)]);
        }
    }
    roff.control("SH", ["EXIT STATUS"]);
    for line in EXIT_CODES.lines() {
        let (code, meaning) = line.trim().split_once(' ').unwrap_or((line, ""));
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning.trim())]);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (what, command) in [
        ("Chat over the simulated fleet, without keys:", "wheelhouse --demo"),
        ("Ask once, with a file beside the prompt:", "wheelhouse ask 'review this' < patch.diff"),
        ("See which model would answer:", "wheelhouse explain 'prove that 97 is prime'"),
    ] {
        roff.control("PP", []);
        roff.text([roman(what)]);
        roff.control("PP", []);
        roff.text([bold(command)]);
    }
    roff
}
