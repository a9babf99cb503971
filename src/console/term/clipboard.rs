//! Copying through the terminal (OSC 52): works over ssh, needs no helper, and is never confirmed.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::screen::output;

/// Most terminals drop longer clipboard writes without a word, in bytes of text.
pub const OSC52_LIMIT: usize = 74_000;

/// What came of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Sent to the terminal: so many bytes. Nobody can know whether it took them.
    Sent(usize),
    /// Too long for a terminal's clipboard: so many bytes, nothing was sent.
    TooLong(usize),
}

/// Sends text to the terminal's clipboard. The text must be sanitised already.
pub fn copy(text: &str) -> io::Result<Copied> {
    if text.len() > OSC52_LIMIT {
        return Ok(Copied::TooLong(text.len()));
    }
    let wrap = Multiplexer::of(std::env::var_os("TMUX").is_some(), std::env::var("TERM").ok());
    output()?.write_all(sequence(text, wrap).as_bytes())?;
    Ok(Copied::Sent(text.len()))
}

/// Who stands between us and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Multiplexer {
    None,
    Tmux,
    Screen,
}

impl Multiplexer {
    fn of(tmux: bool, term: Option<String>) -> Self {
        if tmux {
            Self::Tmux
        } else if term.is_some_and(|term| term.starts_with("screen")) {
            Self::Screen
        } else {
            Self::None
        }
    }
}

fn sequence(text: &str, wrap: Multiplexer) -> String {
    let mut inner = String::from("\x1b]52;c;");
    base64(text.as_bytes(), &mut inner);
    inner.push('\x07');
    match wrap {
        Multiplexer::None => inner,
        // Both forms are sent: tmux takes the plain one where `set-clipboard` is on, and passes the
        // wrapped one through where `allow-passthrough` is.
        Multiplexer::Tmux => {
            let mut out = inner.clone();
            let _ = write!(out, "\x1bPtmux;{}\x1b\\", inner.replace('\x1b', "\x1b\x1b"));
            out
        }
        Multiplexer::Screen => format!("\x1bP{inner}\x1b\\"),
    }
}

fn base64(bytes: &[u8], out: &mut String) {
    const TABLE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = TABLE[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_travels_as_base64() {
        let encode = |text: &str| {
            let mut out = String::new();
            base64(text.as_bytes(), &mut out);
            out
        };
        assert_eq!(encode(""), "");
        assert_eq!(encode("M"), "TQ==");
        assert_eq!(encode("Ma"), "TWE=");
        assert_eq!(encode("Man"), "TWFu");
        assert_eq!(encode("你好"), "5L2g5aW9");
    }

    #[test]
    fn tmux_gets_the_plain_and_the_wrapped_form() {
        let sent = sequence("a", Multiplexer::Tmux);
        assert_eq!(sent, "\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
        assert_eq!(sequence("a", Multiplexer::None), "\x1b]52;c;YQ==\x07");
    }

    #[test]
    fn a_long_text_is_refused_before_anything_is_sent() {
        let long = "x".repeat(OSC52_LIMIT + 1);
        assert_eq!(copy(&long).unwrap(), Copied::TooLong(OSC52_LIMIT + 1));
    }
}
