//! The terminal's input as one stream of events.
//!
//! There is no queue of our own between the terminal and whoever asks: the kernel's holds what is
//! not read yet, bounded, and stops the sender when it is full. Invariants: the end of the terminal
//! is an event, never a spin; while the stream is dropped (an editor has the terminal) nothing of
//! ours reads.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use crossterm::event::KeyEvent;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::Instant;

use super::{Capabilities, Parsed, Parser};
use crate::console::app::Pointer;

/// How long a lone Esc waits for the rest of a sequence. Longer makes Esc feel slow, shorter breaks
/// arrow keys over a bad link.
const ESCAPE_WAIT: Duration = Duration::from_millis(25);

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed, or repeats.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Pointer(Pointer),
    /// The screen has a new size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The terminal's window has the focus, or lost it.
    Focus(bool),
    /// The terminal answered what it can do.
    Answers(Capabilities),
    /// The terminal is gone. Nothing follows.
    Closed,
}

/// The stream of it.
#[derive(Debug)]
pub struct InputStream {
    terminal: AsyncFd<File>,
    resized: unix::Signal,
    size: (u16, u16),
    parser: Parser,
    ready: VecDeque<Input>,
    /// When a held Esc is taken for the key. It outlives a dropped [`InputStream::next`], so that
    /// a busy loop cannot put it off for ever.
    escape_at: Option<Instant>,
}

impl InputStream {
    /// Starts reading. Needs a tokio runtime with I/O.
    pub fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        let file = if stdin.is_terminal() {
            File::from(stdin.as_fd().try_clone_to_owned()?)
        } else {
            File::open("/dev/tty")?
        };
        #[expect(
            deprecated,
            reason = "deprecated for types that lie about their descriptor; a File owns its own, and unsafe code is forbidden here"
        )]
        let terminal = AsyncFd::with_interest(file, Interest::READABLE)?;
        Ok(Self {
            terminal,
            resized: unix::signal(SignalKind::window_change())?,
            size: crossterm::terminal::size()?,
            parser: Parser::default(),
            ready: VecDeque::new(),
            escape_at: None,
        })
    }

    /// The size as last told, columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// What is here already, without waiting: for taking in a burst before drawing once.
    pub fn try_next(&mut self) -> Option<Input> {
        self.ready.pop_front()
    }

    /// The next event. Safe to drop and ask again.
    pub async fn next(&mut self) -> Input {
        loop {
            if let Some(input) = self.ready.pop_front() {
                return input;
            }
            let escape_at = self.escape_at;
            tokio::select! {
                biased;
                () = expired(escape_at) => {
                    let mut out = Vec::new();
                    self.parser.flush(&mut out);
                    self.take(out);
                }
                read = read_some(&self.terminal) => match read {
                    Ok(bytes) if bytes.is_empty() => return Input::Closed,
                    Ok(bytes) => {
                        let mut out = Vec::new();
                        self.parser.push(&bytes, &mut out);
                        self.take(out);
                    }
                    Err(_) => return Input::Closed,
                },
                _ = self.resized.recv() => {
                    // Many signals of one drag arrive as one; the size is read once, here.
                    if let Ok(size) = crossterm::terminal::size()
                        && size != self.size
                    {
                        self.size = size;
                        return Input::Resize { width: size.0, height: size.1 };
                    }
                }
            }
        }
    }

    fn take(&mut self, parsed: Vec<Parsed>) {
        self.escape_at = self.parser.waiting().then(|| Instant::now() + ESCAPE_WAIT);
        self.ready.extend(parsed.into_iter().map(|event| match event {
            Parsed::Key(key) => Input::Key(key),
            Parsed::Paste(text) => Input::Paste(text),
            Parsed::Pointer(pointer) => Input::Pointer(pointer),
            Parsed::Focus(on) => Input::Focus(on),
            Parsed::Answers(answers) => Input::Answers(answers),
        }));
    }
}

async fn expired(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Reads once when there is something; empty at the end. The descriptor is shared with the shell and
/// stays blocking, so it is read only when it is known to be readable, and never twice in a row
/// without asking: a short read means the queue was drained.
async fn read_some(terminal: &AsyncFd<File>) -> io::Result<Vec<u8>> {
    let mut buffer = [0u8; 8192];
    loop {
        let mut guard = terminal.readable().await?;
        let mut file = guard.get_inner();
        match file.read(&mut buffer) {
            Ok(n) => {
                if n < buffer.len() {
                    guard.clear_ready();
                }
                return Ok(buffer[..n].to_vec());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
            Err(error) => return Err(error),
        }
    }
}
