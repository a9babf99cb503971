//! The signals the console answers, as one stream.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: end, orderly.
    Terminate,
    /// SIGHUP: the terminal is gone; end within a second and write nothing more.
    Hangup,
    /// SIGINT from outside (Ctrl+C arrives as a key).
    Interrupt,
    /// SIGTSTP from outside (Ctrl+Z arrives as a key).
    Suspend,
}

/// The stream of them.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    hangup: unix::Signal,
    interrupt: unix::Signal,
    suspend: unix::Signal,
}

impl Signals {
    /// Starts listening. Needs a tokio runtime with I/O.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            suspend: unix::signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
        })
    }

    /// The next one. Safe to drop and ask again.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.hangup.recv() => Signal::Hangup,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.suspend.recv() => Signal::Suspend,
        }
    }
}
