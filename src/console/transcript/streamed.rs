//! A reply's text as rows, with the places where another attempt took over.
//!
//! The text is one Markdown document whoever wrote it, so that a seam in the middle of a code block or
//! a table breaks nothing: the row it lies in carries a mark, and the words about it stand behind the
//! block it lies in. Must not know: colours. Invariant: a mark never moves while text streams; the
//! words appear between two blocks at the moment the second begins.

use crate::console::app::ReplyCell;
use crate::text::{Line, RenderOptions, Role, StreamingText, render};

use super::rows::{Row, body_width, options};

/// The text of one reply.
#[derive(Debug, Clone)]
pub(super) struct Streamed {
    text: StreamingText,
    seams: Vec<Place>,
    /// Bytes and characters of the reply's text taken in.
    fed: (usize, u64),
    restarts: u32,
    finished: Finished,
}

/// Where a seam is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Bytes of the rendered source before it.
    source: usize,
    /// The text row it lies in.
    row: usize,
    /// Where the block it lies in ended: in bytes of source and in text rows.
    block: Option<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finished {
    No,
    Yes,
}

impl Streamed {
    pub(super) fn new(width: u16, reply: &ReplyCell) -> Self {
        Self {
            text: StreamingText::new(body_width(width), options(width, reply.first_block)),
            seams: Vec::new(),
            fed: (0, 0),
            restarts: reply.restarts,
            finished: Finished::No,
        }
    }

    /// Takes in what the reply has more than last time.
    pub(super) fn take(&mut self, reply: &ReplyCell, width: u16) {
        let text = &reply.reply.text;
        let seams = &reply.reply.seams;
        let void = self.restarts != reply.restarts
            || text.len() < self.fed.0
            || self.seams.len() > seams.len();
        if void {
            *self = Self::new(width, reply);
        }
        let mut rest = text.get(self.fed.0..).unwrap_or("");
        for seam in &seams[self.seams.len()..] {
            let before = seam.at_char.saturating_sub(self.fed.1);
            let cut = rest.char_indices().nth(before as usize).map_or(rest.len(), |(at, _)| at);
            let (head, tail) = rest.split_at(cut);
            self.feed(head);
            let row = last_written(self.text.lines());
            self.seams.push(Place { source: self.text.source().len(), row, block: None });
            rest = tail;
        }
        // A seam is placed at the first block that begins behind it: what comes line by line shows it.
        while self.seams.iter().any(|place| place.block.is_none())
            && let Some(end) = rest.find('\n')
        {
            let (line, tail) = rest.split_at(end + 1);
            self.feed(line);
            rest = tail;
        }
        self.feed(rest);
        if !reply.phase.running() && self.finished == Finished::No {
            self.finished = Finished::Yes;
            self.text.finish();
        }
    }

    fn feed(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.push(text);
        self.fed.0 += text.len();
        self.fed.1 += text.chars().count() as u64;
        let (source, row) = self.text.frozen();
        let blank = row > 0 && self.text.line(row - 1).is_some_and(|line| line.spans.is_empty());
        for place in &mut self.seams {
            if place.block.is_none() && source >= place.source && source > 0 {
                place.block = Some((source, row - usize::from(blank)));
            }
        }
    }

    /// Wraps the same text to another width.
    pub(super) fn set_width(&mut self, width: u16, reply: &ReplyCell) {
        let options = options(width, reply.first_block);
        self.text.set_options(options.clone());
        self.text.set_width(body_width(width));
        let begins = |source: usize| beginning(&self.text, source, &options);
        for place in &mut self.seams {
            place.row = last_written(begins(place.source).iter());
            place.block = place.block.map(|(source, _)| (source, begins(source).len()));
        }
    }

    /// Rows in all.
    pub(super) fn height(&self) -> usize {
        self.text.len() + self.seams.len()
    }

    /// A row by number.
    pub(super) fn row(&self, line: usize) -> Option<Row<'_>> {
        let mut above = 0;
        for (n, place) in self.seams.iter().enumerate() {
            let at = place.block.map_or(self.text.len(), |(_, row)| row) + n;
            if line == at {
                return Some(Row::Seam(n));
            }
            above += usize::from(line > at);
        }
        let line = line - above;
        let text = self.text.line(line)?;
        let joined = self.seams.iter().any(|place| place.row == line);
        Some(if joined { Row::Joined(text) } else { Row::Text(text) })
    }

    pub(super) fn code_blocks(&self) -> usize {
        self.text.code_blocks().len()
    }

    pub(super) fn bytes_rendered(&self) -> usize {
        self.text.bytes_rendered()
    }
}

/// Rows of the beginning of a text.
fn beginning(text: &StreamingText, source: usize, options: &RenderOptions) -> Vec<Line> {
    let beginning = text.source().get(..source).unwrap_or_default();
    render(beginning, text.width(), options).lines
}

/// The last row that was written rather than drawn around what was.
fn last_written<'a>(lines: impl DoubleEndedIterator<Item = &'a Line> + ExactSizeIterator) -> usize {
    let drawn = |line: &&Line| line.spans.iter().all(|span| span.style.role == Role::CodeRule);
    let rows = lines.len();
    rows.saturating_sub(lines.rev().take_while(drawn).count()).saturating_sub(1)
}
