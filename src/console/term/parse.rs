//! Terminal bytes to keys, pastes and answers. Sans I/O: bytes go in at any split, events come out.
//!
//! Invariants: only presses and repeats come out, never releases; a paste is one event, whatever it
//! holds; an answer to a question of ours never shows as keys, however late it comes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Capabilities, mouse};
use crate::console::app::{Answer, Pointer};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A key was pressed, or repeats.
    Key(KeyEvent),
    /// Text was pasted; line ends are `\n`.
    Paste(String),
    /// The mouse did something.
    Pointer(Pointer),
    /// The terminal's window has the focus, or lost it.
    Focus(bool),
    /// The terminal answered; this is all it has answered so far.
    Answers(Capabilities),
}

const PASTE_END: &[u8] = b"\x1b[201~";
/// A sequence longer than this is no sequence.
const LONGEST: usize = 256;

/// The parser's state: bytes of an unfinished sequence and the answers so far.
#[derive(Debug, Default)]
pub struct Parser {
    held: Vec<u8>,
    paste: Option<Vec<u8>>,
    answers: Capabilities,
}

/// What the bytes at hand amount to.
enum Step {
    /// So many bytes are done with, and this came of them.
    Took(usize, Option<Parsed>),
    /// More bytes are needed.
    Wait,
}

impl Parser {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Parsed>) {
        self.held.extend_from_slice(bytes);
        self.run(out);
    }

    /// `true` while bytes are held that may be a key by themselves (a lone Esc).
    pub fn waiting(&self) -> bool {
        self.paste.is_none() && !self.held.is_empty()
    }

    /// Nothing came for a while: what is held is what it looks like.
    pub fn flush(&mut self, out: &mut Vec<Parsed>) {
        if self.paste.is_some() {
            return;
        }
        while !self.held.is_empty() {
            if self.held[0] == 0x1b {
                self.held.remove(0);
                match self.held.first() {
                    // Alt and a bracket, or a sequence that never ended: the rest is dropped.
                    Some(b'[' | b'O' | b']' | b'P') if self.held.len() > 1 => self.held.clear(),
                    Some(byte) if byte.is_ascii_graphic() => {
                        let c = char::from(self.held.remove(0));
                        out.push(key(KeyCode::Char(c), KeyModifiers::ALT));
                    }
                    _ => out.push(key(KeyCode::Esc, KeyModifiers::NONE)),
                }
            } else {
                // The start of a character that never ended.
                self.held.remove(0);
            }
            self.run(out);
        }
    }

    fn run(&mut self, out: &mut Vec<Parsed>) {
        let mut at = 0;
        while at < self.held.len() {
            if let Some(paste) = &mut self.paste {
                let rest = &self.held[at..];
                if let Some(end) = memchr::memmem::find(rest, PASTE_END) {
                    paste.extend_from_slice(&rest[..end]);
                    let text =
                        String::from_utf8_lossy(paste).replace("\r\n", "\n").replace('\r', "\n");
                    out.push(Parsed::Paste(text));
                    self.paste = None;
                    at += end + PASTE_END.len();
                    continue;
                }
                // What may be the start of the end marker stays held.
                let keep = rest.len().min(PASTE_END.len() - 1);
                paste.extend_from_slice(&rest[..rest.len() - keep]);
                at = self.held.len() - keep;
                break;
            }
            match self.step(at) {
                Step::Took(n, event) => {
                    at += n;
                    out.extend(event);
                }
                Step::Wait => break,
            }
        }
        self.held.drain(..at);
    }

    fn step(&mut self, at: usize) -> Step {
        let bytes = &self.held[at..];
        match bytes[0] {
            0x1b => self.escape(at),
            b'\r' => took(1, KeyCode::Enter, KeyModifiers::NONE),
            b'\t' => took(1, KeyCode::Tab, KeyModifiers::NONE),
            0x7f | 0x08 => took(1, KeyCode::Backspace, KeyModifiers::NONE),
            0 => took(1, KeyCode::Char(' '), KeyModifiers::CONTROL),
            c @ 0x01..=0x1a => {
                took(1, KeyCode::Char(char::from(c - 1 + b'a')), KeyModifiers::CONTROL)
            }
            c @ 0x1c..=0x1f => {
                took(1, KeyCode::Char(char::from(c - 0x1c + b'4')), KeyModifiers::CONTROL)
            }
            _ => match first_char(bytes) {
                Some(Ok(c)) => took(c.len_utf8(), KeyCode::Char(c), shift_of(c)),
                Some(Err(())) => Step::Took(1, None),
                None => Step::Wait,
            },
        }
    }

    fn escape(&mut self, at: usize) -> Step {
        let bytes = &self.held[at..];
        match bytes.get(1) {
            None => Step::Wait,
            Some(b'[') => self.csi(at),
            Some(b'O') => match bytes.get(2) {
                None => Step::Wait,
                Some(&end) => {
                    Step::Took(3, letter_key(end).map(|code| key(code, KeyModifiers::NONE)))
                }
            },
            // Strings (OSC, DCS, APC, PM) are answers; none of them is a key.
            Some(b']' | b'P' | b'_' | b'^') => match string_end(bytes) {
                Some(end) => Step::Took(end, None),
                None if bytes.len() > LONGEST => Step::Took(2, None),
                None => Step::Wait,
            },
            Some(0x1b) => took(1, KeyCode::Esc, KeyModifiers::NONE),
            Some(b'\r') => took(2, KeyCode::Enter, KeyModifiers::ALT),
            Some(0x7f) => took(2, KeyCode::Backspace, KeyModifiers::ALT),
            Some(&c @ 0x01..=0x1a) => took(
                2,
                KeyCode::Char(char::from(c - 1 + b'a')),
                KeyModifiers::CONTROL | KeyModifiers::ALT,
            ),
            Some(_) => match first_char(&bytes[1..]) {
                Some(Ok(c)) => {
                    took(1 + c.len_utf8(), KeyCode::Char(c), KeyModifiers::ALT | shift_of(c))
                }
                Some(Err(())) => Step::Took(2, None),
                None => Step::Wait,
            },
        }
    }

    fn csi(&mut self, at: usize) -> Step {
        let bytes = &self.held[at..];
        let Some(end) = bytes.iter().skip(2).position(|b| (0x40..=0x7e).contains(b)) else {
            return if bytes.len() > LONGEST { Step::Took(2, None) } else { Step::Wait };
        };
        let (body, last, took) = (&bytes[2..2 + end], bytes[2 + end], end + 3);
        let body = String::from_utf8_lossy(body).into_owned();
        let event = match (last, body.as_bytes().first()) {
            (b'u', Some(b'?')) => Some(self.answered(|a| a.kitty_keys = Answer::Yes)),
            (b'y', Some(b'?')) if body.starts_with("?2026;") => {
                let known = !body.starts_with("?2026;0") && !body.starts_with("?2026;4");
                Some(self.answered(|a| {
                    a.synchronized = if known { Answer::Yes } else { Answer::No };
                }))
            }
            // Every terminal answers this one, and in order: what it has not said by now is no.
            (b'c', Some(b'?')) => Some(self.answered(|a| {
                for answer in [&mut a.kitty_keys, &mut a.synchronized] {
                    if *answer == Answer::Unknown {
                        *answer = Answer::No;
                    }
                }
            })),
            (b'M', Some(b'<')) => mouse::pressed(&body[1..]).map(Parsed::Pointer),
            (_, Some(b'?' | b'<' | b'>' | b'=')) => None,
            // The mouse as terminals told it before there were decimal places: three more bytes.
            (b'M', None) => {
                return match bytes.get(took..took + mouse::OLD) {
                    Some(old) => {
                        Step::Took(took + mouse::OLD, mouse::old(old).map(Parsed::Pointer))
                    }
                    None => Step::Wait,
                };
            }
            (b'I', _) => Some(Parsed::Focus(true)),
            (b'O', _) => Some(Parsed::Focus(false)),
            (b'~', _) if body == "200" => {
                self.paste = Some(Vec::new());
                None
            }
            (b'Z', _) => Some(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
            (b'~', _) => tilde_key(&body),
            (b'u', _) => kitty_key(&body),
            (letter, _) => letter_key(letter).and_then(|code| modified(code, &body)),
        };
        Step::Took(took, event)
    }

    fn answered(&mut self, change: impl FnOnce(&mut Capabilities)) -> Parsed {
        change(&mut self.answers);
        Parsed::Answers(self.answers)
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Parsed {
    Parsed::Key(KeyEvent::new(code, modifiers))
}

fn took(n: usize, code: KeyCode, modifiers: KeyModifiers) -> Step {
    Step::Took(n, Some(key(code, modifiers)))
}

fn shift_of(c: char) -> KeyModifiers {
    if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE }
}

/// The first character; `Err` for bytes that start none, `None` when it is not all there.
fn first_char(bytes: &[u8]) -> Option<Result<char, ()>> {
    let len = match bytes[0] {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some(Err(())),
    };
    let bytes = bytes.get(..len)?;
    Some(std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()).ok_or(()))
}

/// Where a string sequence ends: past BEL or ESC `\`.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    while at < bytes.len() {
        match bytes[at] {
            0x07 => return Some(at + 1),
            0x1b if bytes.get(at + 1) == Some(&b'\\') => return Some(at + 2),
            _ => at += 1,
        }
    }
    None
}

fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'E' => KeyCode::KeypadBegin,
        b'M' => KeyCode::Enter,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// `1;MODIFIERS:KIND` after a key; `None` for a release.
fn modified(code: KeyCode, body: &str) -> Option<Parsed> {
    let modifiers = modifiers(body.split(';').nth(1).unwrap_or(""))?;
    Some(key(code, modifiers))
}

fn modifiers(field: &str) -> Option<KeyModifiers> {
    let mut parts = field.split(':');
    let mask = parts.next().and_then(|n| n.parse::<u16>().ok()).unwrap_or(1).saturating_sub(1);
    if parts.next() == Some("3") {
        return None;
    }
    let mut out = KeyModifiers::NONE;
    for (bit, flag) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ] {
        if mask & bit != 0 {
            out |= flag;
        }
    }
    Some(out)
}

fn tilde_key(body: &str) -> Option<Parsed> {
    let mut fields = body.split(';');
    let number = fields.next()?.parse::<u16>().ok()?;
    if number == 27 {
        // xterm's modifyOtherKeys: `27;MODIFIERS;CODE~`.
        let modifiers = modifiers(fields.next()?)?;
        return code_key(fields.next()?.parse().ok()?, None, modifiers);
    }
    let code = match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23..=26 => KeyCode::F((number - 12) as u8),
        28 | 29 => KeyCode::F((number - 13) as u8),
        31..=34 => KeyCode::F((number - 14) as u8),
        _ => return None,
    };
    modified(code, body)
}

/// `CODE:SHIFTED:BASE;MODIFIERS:KIND;TEXT u`.
fn kitty_key(body: &str) -> Option<Parsed> {
    let mut fields = body.split(';');
    let mut codes = fields.next()?.split(':');
    let code = codes.next()?.parse().ok()?;
    let shifted = codes.next().and_then(|n| n.parse().ok());
    code_key(code, shifted, modifiers(fields.next().unwrap_or(""))?)
}

fn code_key(code: u32, shifted: Option<u32>, modifiers: KeyModifiers) -> Option<Parsed> {
    let code = match code {
        9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        127 | 8 => KeyCode::Backspace,
        57376..=57398 => KeyCode::F((code - 57376 + 13) as u8),
        57399..=57408 => KeyCode::Char(char::from(b'0' + (code - 57399) as u8)),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57425 => KeyCode::Insert,
        57426 => KeyCode::Delete,
        // Lone modifiers, locks and media keys.
        57344..=63743 => return None,
        _ => {
            let base = char::from_u32(code).filter(|c| !c.is_control())?;
            let shift = modifiers.contains(KeyModifiers::SHIFT);
            let upper = shifted.and_then(char::from_u32).filter(|_| shift);
            KeyCode::Char(upper.unwrap_or_else(|| {
                if shift && base.is_ascii_lowercase() { base.to_ascii_uppercase() } else { base }
            }))
        }
    };
    Some(key(code, modifiers))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
