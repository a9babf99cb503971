//! A terminal's input read as a terminal would: text, controls, sequences, and the modes they leave.
//!
//! Must not know: what program wrote it.

use std::collections::BTreeSet;

/// One thing a program told its terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Characters to show.
    Text(String),
    /// A control byte, or a C1 control written as UTF-8.
    Control(char),
    /// `ESC [`: everything before the last byte, and that.
    Csi(String, char),
    /// `ESC ]` up to its end.
    Osc(String),
    /// `ESC P`, `ESC X`, `ESC ^`, `ESC _` up to its end.
    Device(String),
    /// Any other escape.
    Escape(String),
}

/// Reads a whole stream. What is cut off at its end is left out.
pub fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let text = String::from_utf8_lossy(bytes);
    let mut chars = text.chars().peekable();
    let mut out = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => {
                    let mut body = String::new();
                    for c in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            out.push(Piece::Csi(body, c));
                            break;
                        }
                        body.push(c);
                    }
                }
                Some(kind @ (']' | 'P' | 'X' | '^' | '_')) => {
                    let mut body = String::new();
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                        body.push(c);
                    }
                    out.push(if kind == ']' { Piece::Osc(body) } else { Piece::Device(body) });
                }
                Some(c) => out.push(Piece::Escape(c.to_string())),
                None => {}
            },
            c if c.is_control() => out.push(Piece::Control(c)),
            c => match out.last_mut() {
                Some(Piece::Text(text)) => text.push(c),
                _ => out.push(Piece::Text(c.to_string())),
            },
        }
    }
    out
}

/// What a stream leaves on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modes {
    /// Private modes that are set (`?25` is the cursor).
    pub private: BTreeSet<u32>,
    /// Keyboard flags pushed and not popped, on the main screen and on the alternate one.
    pub keys: [i32; 2],
    /// Colours and styles are on.
    pub styled: bool,
}

impl Modes {
    /// A terminal nobody wrote to: only the cursor is shown.
    pub fn fresh() -> Self {
        Self { private: BTreeSet::from([25]), ..Self::default() }
    }

    /// A fresh terminal after this stream.
    pub fn after(bytes: &[u8]) -> Self {
        let mut modes = Self::fresh();
        for piece in pieces(bytes) {
            let Piece::Csi(body, last) = piece else { continue };
            let screen = usize::from(modes.private.contains(&1049));
            match (last, body.strip_prefix('?')) {
                ('h' | 'l', Some(numbers)) => {
                    for number in numbers.split(';').map(|n| n.parse().unwrap()) {
                        if last == 'h' {
                            modes.private.insert(number);
                        } else {
                            modes.private.remove(&number);
                        }
                    }
                }
                ('u', _) if body.starts_with('>') => modes.keys[screen] += 1,
                ('u', _) if body.starts_with('<') => modes.keys[screen] -= 1,
                ('m', None) => modes.styled = !matches!(body.as_str(), "" | "0"),
                _ => {}
            }
        }
        modes
    }
}

#[test]
fn a_stream_is_read_as_a_terminal_reads_it() {
    let stream = b"hi\x1b[1;31mred\x1b]0;title\x07\x1bPq\x1b\\\r\xc2\x9b\x1b[?25";
    let read = pieces(stream);
    assert_eq!(
        read,
        [
            Piece::Text("hi".into()),
            Piece::Csi("1;31".into(), 'm'),
            Piece::Text("red".into()),
            Piece::Osc("0;title".into()),
            Piece::Device("q".into()),
            Piece::Control('\r'),
            Piece::Control('\u{9b}'),
        ]
    );
}

#[test]
fn keyboard_flags_are_counted_on_the_screen_they_were_pushed_on() {
    let modes = Modes::after(b"\x1b[?1049h\x1b[>5u\x1b[?25l\x1b[?1049l\x1b[<u");
    assert_eq!(modes.keys, [-1, 1]);
    assert!(modes.private.is_empty());
}
