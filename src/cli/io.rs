//! The three standard streams as a command sees them: stdout is data, stderr is talk.
//!
//! Invariant: text that others wrote reaches a terminal only sanitised; a pipe gets it as it came; what
//! people read is in the characters that were chosen.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write};

use crate::text;

use super::Stop;
use super::charset::Charset;

/// The most that is read from standard input; more is refused rather than sent by mistake.
const STDIN_CAP: u64 = 32 * 1024 * 1024;

/// What a standard stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person reads or types here.
    Terminal,
    /// A file, a pipe, or nothing.
    Pipe,
}

impl Kind {
    fn of(terminal: bool) -> Self {
        if terminal { Self::Terminal } else { Self::Pipe }
    }
}

/// The streams.
pub struct Io<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Talk.
    pub err: &'a mut dyn Write,
    /// What standard input is.
    pub in_kind: Kind,
    /// What standard output is.
    pub out_kind: Kind,
    /// What standard error is.
    pub err_kind: Kind,
}

/// What people read: nothing a terminal would obey, in characters it can show.
pub fn safe(text: &str) -> String {
    Charset::chosen().of(&text::sanitize(text)).into_owned()
}

/// One line a person types; waits for it. On a thread of its own where something else may end the
/// waiting.
pub fn typed() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

impl<'a> Io<'a> {
    /// The process's own streams.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            out,
            err,
            in_kind: Kind::of(std::io::stdin().is_terminal()),
            out_kind: Kind::of(std::io::stdout().is_terminal()),
            err_kind: Kind::of(std::io::stderr().is_terminal()),
        }
    }

    /// Talks: lines on standard error. A lost standard error is no reason to stop.
    pub fn talk(&mut self, lines: &str) {
        let _lost = writeln!(self.err, "{}", safe(lines));
    }

    /// One line of data for people, made safe: names come from files and providers.
    pub fn line(&mut self, line: &str) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{}", safe(line))?)
    }

    /// Is somebody there who can be asked something?
    pub fn somebody(&self) -> bool {
        (self.in_kind, self.err_kind) == (Kind::Terminal, Kind::Terminal)
    }

    /// Asks a yes or no; only `y` or `yes` is a yes.
    pub fn agreed(&mut self, question: &str) -> Result<bool, Stop> {
        write!(self.err, "{} [y/N] ", safe(question))?;
        self.err.flush()?;
        Ok(matches!(typed()?.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Standard input, whole, where it is not a terminal.
    pub fn piped(&self) -> Result<Option<String>, Stop> {
        if self.in_kind == Kind::Terminal {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(STDIN_CAP + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Stop::error(format!("standard input: {error}")))?;
        if bytes.len() as u64 > STDIN_CAP {
            return Err(Stop::usage(format!(
                "standard input is over {} MB",
                STDIN_CAP / (1024 * 1024)
            )));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Stop::usage("standard input is not UTF-8 text"))?;
        Ok(Some(text))
    }
}
