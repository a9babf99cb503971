//! Untrusted text to text that can do nothing but show.
//!
//! Owns: removing escape sequences, control characters, text-direction overrides and characters that
//! hide text; line breaks to `\n`. Must not know: Markdown, terminals' answers. Invariants: the
//! output holds no control character but `\n` (and `\t` when kept); any split of a text into deltas
//! gives what the whole gives; sanitising twice changes nothing.

mod invisible;

use std::borrow::Cow;

use invisible::{Class, class, joins_letters, joins_pictures, shows_as_picture};
use unicode_width::UnicodeWidthChar;

/// Columns between tab stops.
pub(super) const TAB_STOP: usize = 4;

/// Bytes of an operating-system command (or any other string sequence) held back while its end has
/// not come. Past it the sequence is taken for a mistake and its payload shown, so that a reply is
/// never swallowed. Larger hides more of a broken reply for longer.
const STRING_CAP: usize = 4096;

/// Bytes of parameters a control sequence may have before it is taken for text.
const CSI_CAP: usize = 64;

/// Intermediate bytes of a short escape sequence, past which what follows is text.
const INTERMEDIATE_CAP: usize = 3;

/// Marks without a width on one character. Real scripts stay well below; stacks of hundreds paint
/// over neighbouring rows.
const MARK_CAP: u8 = 8;

/// What becomes of tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tabs {
    /// Spaces up to the next multiple of four columns: for text that is shown as it is.
    #[default]
    Expand,
    /// Kept: for Markdown source, so that code copied out of it is what was sent. The renderer
    /// expands them where it draws.
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// ESC and intermediate bytes.
    Intermediate,
    /// Inside a control sequence.
    Csi,
    /// Inside an OSC, DCS, APC, PM or SOS string.
    Text,
    /// After ESC inside such a string.
    TextEscape,
}

/// Sanitises a text that arrives in pieces, with sequences cut anywhere.
#[derive(Debug, Clone, Default)]
pub struct Sanitizer {
    tabs: Tabs,
    state: State,
    /// Parameters or payload of the sequence being read.
    held: String,
    /// Cells since the last line break, for tab stops.
    column: usize,
    after_cr: bool,
    /// The last character let through.
    last: char,
    /// A joiner that waits for the character it joins to.
    joiner: Option<char>,
    /// Marks on the last character so far.
    marks: u8,
}

impl Sanitizer {
    /// One that expands tabs.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with a choice about tabs.
    pub fn with_tabs(tabs: Tabs) -> Self {
        Self { tabs, ..Self::default() }
    }

    /// The harmless part of the next piece; text inside an unfinished sequence is held back.
    pub fn push(&mut self, delta: &str) -> String {
        let mut out = String::with_capacity(delta.len());
        self.push_into(delta, &mut out);
        out
    }

    /// Like [`push`](Self::push), appending to a buffer.
    pub fn push_into(&mut self, delta: &str, out: &mut String) {
        let mut rest = delta;
        while !rest.is_empty() {
            if self.state == State::Ground && self.joiner.is_none() {
                let plain = rest.bytes().position(|b| !matches!(b, b' '..=b'~'));
                let plain = plain.unwrap_or(rest.len());
                if let Some(last) = rest.as_bytes()[..plain].last() {
                    out.push_str(&rest[..plain]);
                    self.column += plain;
                    self.last = char::from(*last);
                    self.marks = 0;
                    self.after_cr = false;
                    rest = &rest[plain..];
                }
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.step(c, out);
            }
            rest = chars.as_str();
        }
    }

    /// What was held back, once nothing more will come; the sanitiser is as new afterwards.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        if matches!(self.state, State::Text | State::TextEscape) {
            self.give_up(&mut out);
        }
        *self = Self::with_tabs(self.tabs);
        out
    }

    fn step(&mut self, c: char, out: &mut String) {
        match self.state {
            State::Ground => self.ground(c, out),
            State::Escape => match c {
                '[' => self.state = State::Csi,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::Text,
                ' '..='/' => {
                    self.held.push(c);
                    self.state = State::Intermediate;
                }
                '0'..='~' => self.state = State::Ground,
                '\u{1b}' => {}
                _ => self.abandon(c, out),
            },
            State::Intermediate => match c {
                ' '..='/' if self.held.len() < INTERMEDIATE_CAP => self.held.push(c),
                '0'..='~' => self.end(),
                _ => self.abandon(c, out),
            },
            State::Csi => match c {
                ' '..='?' if self.held.len() < CSI_CAP => self.held.push(c),
                ' '..='?' => {
                    self.give_up(out);
                    self.step(c, out);
                }
                '@'..='~' => self.end(),
                _ => self.abandon(c, out),
            },
            State::Text => match c {
                '\u{7}' | '\u{9c}' => self.end(),
                '\u{1b}' => self.state = State::TextEscape,
                '\n' | '\r' | '\u{18}' | '\u{1a}' => {
                    self.give_up(out);
                    self.step(c, out);
                }
                // Dropped rather than held, so that a replayed payload cannot open another string.
                '\u{80}'..='\u{9f}' => {}
                _ if self.held.len() + c.len_utf8() > STRING_CAP => {
                    self.give_up(out);
                    self.step(c, out);
                }
                _ => self.held.push(c),
            },
            State::TextEscape => {
                if c == '\\' {
                    self.end();
                } else {
                    self.give_up(out);
                    self.state = State::Escape;
                    self.step(c, out);
                }
            }
        }
    }

    /// The sequence is whole: it is gone.
    fn end(&mut self) {
        self.held.clear();
        self.state = State::Ground;
    }

    /// The sequence broke off before `c`.
    fn abandon(&mut self, c: char, out: &mut String) {
        self.end();
        self.ground(c, out);
    }

    /// The sequence was none: what it held is shown.
    fn give_up(&mut self, out: &mut String) {
        self.state = State::Ground;
        for c in std::mem::take(&mut self.held).chars() {
            self.ground(c, out);
        }
    }

    fn ground(&mut self, c: char, out: &mut String) {
        let after_cr = std::mem::take(&mut self.after_cr);
        match class(c) {
            Class::Plain => self.emit(c, out),
            Class::Mark => {
                if self.marks < MARK_CAP {
                    let marks = self.marks + 1;
                    self.emit(c, out);
                    self.marks = marks;
                }
            }
            Class::Newline if after_cr && c == '\n' => {}
            Class::Newline => {
                self.after_cr = c == '\r';
                self.emit('\n', out);
                self.column = 0;
            }
            Class::Tab => match self.tabs {
                Tabs::Keep => self.emit('\t', out),
                Tabs::Expand => {
                    for _ in 0..TAB_STOP - self.column % TAB_STOP {
                        self.emit(' ', out);
                    }
                }
            },
            Class::Joiner => self.joiner = Some(c),
            Class::PictureSelector => {
                let takes =
                    shows_as_picture(self.last) || matches!(self.last, '0'..='9' | '#' | '*');
                if takes && self.joiner.is_none() {
                    self.emit(c, out);
                }
            }
            Class::Removed => {}
            Class::Escape => self.state = State::Escape,
            Class::Csi => self.state = State::Csi,
            Class::StringStart => self.state = State::Text,
        }
    }

    fn emit(&mut self, c: char, out: &mut String) {
        if let Some(joiner) = self.joiner.take()
            && (joins_letters(self.last, c) || joins_pictures(joiner, self.last, c))
        {
            out.push(joiner);
        }
        out.push(c);
        self.column += c.width().unwrap_or(0);
        self.last = c;
        self.marks = 0;
    }
}

/// A whole text made harmless, tabs expanded. Borrowed when there was nothing to change.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    sanitize_with(text, Tabs::Expand)
}

/// A whole text made harmless, with a choice about tabs.
pub(super) fn sanitize_with(text: &str, tabs: Tabs) -> Cow<'_, str> {
    let harmless = |c: char| match class(c) {
        Class::Plain => true,
        Class::Newline => c == '\n',
        Class::Tab => tabs == Tabs::Keep,
        _ => false,
    };
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut sanitizer = Sanitizer::with_tabs(tabs);
    let mut out = sanitizer.push(text);
    out.push_str(&sanitizer.finish());
    Cow::Owned(out)
}

/// A piece of already sanitised text in which a parser may have put control characters for entities:
/// on one line, and without taking what follows such a character for a sequence.
pub(super) fn sanitize_piece(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| class(c) == Class::Plain) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().filter_map(|c| match class(c) {
        Class::Newline | Class::Tab => Some(' '),
        Class::Escape | Class::Csi | Class::StringStart | Class::Removed => None,
        Class::Plain | Class::Mark | Class::Joiner | Class::PictureSelector => Some(c),
    });
    Cow::Owned(sanitize(&shown.collect::<String>()).into_owned())
}

/// A text made harmless and put on one line: for titles, names and error messages.
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    match sanitize(text) {
        clean if !clean.contains('\n') => clean,
        clean => Cow::Owned(clean.replace('\n', " ")),
    }
}

#[cfg(test)]
#[path = "sanitize_tests.rs"]
mod tests;
