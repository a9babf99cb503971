//! Frames to the terminal: two buffers, the difference between them, one write.
//!
//! Invariant: every frame is one write, inside one synchronized update, with the real cursor at the
//! caret when it ends; an unchanged frame writes nothing.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::encode;

/// The terminal's output: standard output where that is a terminal, else the controlling one.
/// Unbuffered, so that whatever is written goes out at once and whole.
pub fn output() -> io::Result<File> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return Ok(File::from(stdout.as_fd().try_clone_to_owned()?));
    }
    File::options().write(true).open("/dev/tty")
}

/// A screen of cells on a writer.
#[derive(Debug)]
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    next: Buffer,
    caret: Option<Position>,
    whole: Redraw,
    bytes: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Redraw {
    /// Only what changed.
    Changes,
    /// Everything: what the terminal shows is not known.
    Whole,
}

impl<W: Write> Screen<W> {
    /// A blank screen of this size; the first frame is drawn whole.
    pub fn new(out: W, width: u16, height: u16) -> Self {
        let area = Rect::new(0, 0, width, height);
        Self {
            out,
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            caret: None,
            whole: Redraw::Whole,
            bytes: String::with_capacity(64 * 1024),
        }
    }

    /// Its size.
    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// The terminal has a new size; the next frame is drawn whole.
    pub fn resize(&mut self, width: u16, height: u16) {
        let area = Rect::new(0, 0, width, height);
        self.shown = Buffer::empty(area);
        self.next = Buffer::empty(area);
        self.whole = Redraw::Whole;
    }

    /// The terminal was used by somebody else; the next frame is drawn whole.
    pub fn invalidate(&mut self) {
        self.whole = Redraw::Whole;
    }

    /// What the last frame held.
    pub fn shown(&self) -> &Buffer {
        &self.shown
    }

    /// The writer.
    pub fn writer(&self) -> &W {
        &self.out
    }

    /// Draws a frame: `draw` fills a blank buffer and returns where the caret is. Returns how many
    /// bytes were written.
    pub fn frame(
        &mut self,
        draw: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> io::Result<usize> {
        self.next.reset();
        let caret = draw(&mut self.next);
        self.bytes.clear();
        self.bytes.push_str("\x1b[?2026h");
        let hidden = self.bytes.len();
        if self.whole == Redraw::Whole {
            self.bytes.push_str("\x1b[?25l\x1b[0m\x1b[2J");
            self.shown.reset();
            self.caret = None;
        } else if self.caret.is_some() {
            self.bytes.push_str("\x1b[?25l");
        }
        let start = self.bytes.len();
        encode::diff(&self.shown, &self.next, &mut self.bytes);
        let unchanged = self.bytes.len() == start && self.whole == Redraw::Changes;
        if unchanged {
            if caret == self.caret {
                return Ok(0);
            }
            // Only the caret moved: no need to hide it meanwhile.
            self.bytes.truncate(hidden);
        }
        if let Some(Position { x, y }) = caret {
            let _ = write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1);
            if !unchanged || self.caret.is_none() {
                self.bytes.push_str("\x1b[?25h");
            }
        } else if unchanged {
            self.bytes.push_str("\x1b[?25l");
        }
        self.bytes.push_str("\x1b[?2026l");
        self.caret = caret;
        self.whole = Redraw::Changes;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.out.write_all(self.bytes.as_bytes())?;
        self.out.flush()?;
        Ok(self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    /// Counts writes and keeps what was written.
    #[derive(Debug, Default)]
    struct Counting {
        writes: usize,
        bytes: Vec<u8>,
    }

    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            self.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(line: &'static str) -> impl FnOnce(&mut Buffer) -> Option<Position> {
        move |buffer| {
            buffer.set_string(0, 0, line, Style::new());
            Some(Position::new(2, 0))
        }
    }

    #[test]
    fn a_frame_is_one_write_inside_one_synchronized_update() {
        let mut screen = Screen::new(Counting::default(), 20, 4);
        screen.frame(text("hello")).unwrap();
        let written = String::from_utf8(screen.writer().bytes.clone()).unwrap();
        assert_eq!(screen.writer().writes, 1);
        assert!(written.starts_with("\x1b[?2026h") && written.ends_with("\x1b[?2026l"));
        assert_eq!(written.matches("2026").count(), 2);
    }

    #[test]
    fn an_unchanged_frame_writes_nothing() {
        let mut screen = Screen::new(Counting::default(), 20, 4);
        screen.frame(text("hello")).unwrap();
        assert_eq!(screen.frame(text("hello")).unwrap(), 0);
        assert_eq!(screen.writer().writes, 1);
    }

    #[test]
    fn the_real_cursor_sits_at_the_caret() {
        let mut screen = Screen::new(Counting::default(), 20, 4);
        screen.frame(text("hello")).unwrap();
        let mut parser = vt100::Parser::new(4.try_into().unwrap(), 20.try_into().unwrap(), 0);
        parser.process(&screen.writer().bytes);
        assert_eq!(parser.screen().cursor_position(), (0, 2));
        assert!(!parser.screen().hide_cursor());
    }

    #[test]
    fn after_somebody_else_wrote_the_whole_screen_is_drawn() {
        let mut screen = Screen::new(Counting::default(), 20, 4);
        screen.frame(text("hello")).unwrap();
        screen.invalidate();
        assert!(screen.frame(text("hello")).unwrap() > 0);
    }
}
