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
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
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
/// stays blocking, so the kernel is asked right before every read: readiness alone may be stale. What
/// arrives between a wake-up and its read is announced once more although that read took it along,
/// and reading on that word would stop the whole console until the next key.
async fn read_some(terminal: &AsyncFd<File>) -> io::Result<Vec<u8>> {
    let mut buffer = [0u8; 8192];
    loop {
        let mut guard = terminal.readable().await?;
        let mut file = guard.get_inner();
        if !has_input(file)? {
            guard.clear_ready();
            continue;
        }
        match file.read(&mut buffer) {
            Ok(n) => return Ok(buffer[..n].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
            Err(error) => return Err(error),
        }
    }
}

/// Would a read return at once: with bytes, an error, or the end?
fn has_input(file: &File) -> io::Result<bool> {
    let mut asked = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    match poll(&mut asked, PollTimeout::ZERO) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn bytes_that_were_announced_and_are_taken_already_are_not_waited_for() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut other = File::from(OwnedFd::from(reader.try_clone().unwrap()));
        #[expect(deprecated, reason = "as where the terminal is opened")]
        let terminal =
            AsyncFd::with_interest(File::from(OwnedFd::from(reader)), Interest::READABLE).unwrap();
        writer.write_all(b"a").unwrap();
        terminal.readable().await.unwrap().retain_ready();
        assert_eq!(other.read(&mut [0; 8]).unwrap(), 1);

        let mut next = std::pin::pin!(read_some(&terminal));
        assert!(poll!(next.as_mut()).is_pending());
        writer.write_all(b"b").unwrap();
        assert_eq!(next.await.unwrap(), b"b");
    }

    #[tokio::test]
    async fn the_end_of_the_terminal_is_told() {
        let (reader, writer) = std::io::pipe().unwrap();
        #[expect(deprecated, reason = "as where the terminal is opened")]
        let terminal =
            AsyncFd::with_interest(File::from(OwnedFd::from(reader)), Interest::READABLE).unwrap();
        drop(writer);
        assert!(read_some(&terminal).await.unwrap().is_empty());
    }
}
