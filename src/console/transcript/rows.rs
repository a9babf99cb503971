//! One cell as rows: fixed ones (headers, footers, blanks) around its text.
//!
//! Owns: which rows a cell has and the wrapped lines among them. Must not know: colours. Invariant:
//! rows only ever grow at the end while text streams, so what is being read never moves.

use crate::console::app::{Cell, ReplyCell};
use crate::text::{Line, RenderOptions, Role, wrap_text};

use super::streamed::Streamed;

/// Columns before a cell's text.
pub const BODY_INDENT: u16 = 3;
/// Columns kept free behind it.
pub const BODY_MARGIN: u16 = 1;
/// From so many columns on, the story of failed attempts has a row of its own.
const STORY_FROM: u16 = 81;

/// A row to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Row<'a> {
    /// Nothing.
    Blank,
    /// Who speaks, and the figures.
    Head,
    /// What became of the attempts, under the header.
    Story,
    /// The text so far was void; why.
    Restarted,
    /// The model is thinking, or thought.
    Thought,
    /// Text.
    Text(&'a Line),
    /// Text in which another attempt took over.
    Joined(&'a Line),
    /// Another attempt took over in the block above: which of the reply's seams.
    Seam(usize),
    /// What went wrong; the first line says it, the others explain.
    Problem(usize, &'a Line),
    /// What speaks against its being whole.
    Doubt,
    /// What it cost and took.
    Footer,
}

/// A cell's rows at one width.
#[derive(Debug, Clone)]
pub struct CellRows {
    head: Vec<Fixed>,
    body: Body,
    problem: Vec<Line>,
    tail: Vec<Fixed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fixed {
    Blank,
    Head,
    Story,
    Restarted,
    Thought,
    Doubt,
    Footer,
}

#[derive(Debug, Clone)]
enum Body {
    Plain(Vec<Line>),
    Streamed(Box<Streamed>),
}

/// Columns a cell's text has in a pane of this width.
pub(super) fn body_width(width: u16) -> u16 {
    width.saturating_sub(BODY_INDENT + BODY_MARGIN).max(1)
}

/// The text a cell's rows are made of.
pub(super) fn source(cell: &Cell) -> &str {
    match cell {
        Cell::User(user) => &user.text,
        Cell::Reply(reply) => &reply.reply.text,
        Cell::Note(note) => &note.text,
    }
}

/// About how many rows a cell has: good enough for a scroll bar until it is measured.
pub(super) fn estimate(cell: &Cell, width: u16) -> usize {
    let text = source(cell);
    text.len() / usize::from(body_width(width)) + text.bytes().filter(|b| *b == b'\n').count() + 4
}

impl CellRows {
    pub(super) fn new(cell: &Cell, width: u16) -> Self {
        match cell {
            Cell::User(user) => Self {
                head: vec![Fixed::Head],
                body: Body::Plain(plain(&user.text, width)),
                problem: Vec::new(),
                tail: vec![Fixed::Blank],
            },
            Cell::Note(note) => Self {
                head: Vec::new(),
                body: Body::Plain(plain(&note.text, width)),
                problem: Vec::new(),
                tail: vec![Fixed::Blank],
            },
            Cell::Reply(reply) => {
                let mut rows = Self {
                    head: Vec::new(),
                    body: Body::Streamed(Box::new(Streamed::new(width, reply))),
                    problem: Vec::new(),
                    tail: Vec::new(),
                };
                rows.update_reply(reply, width);
                rows
            }
        }
    }

    pub(super) fn update(&mut self, cell: &Cell, width: u16) {
        match cell {
            Cell::User(_) | Cell::Note(_) => *self = Self::new(cell, width),
            Cell::Reply(reply) => self.update_reply(reply, width),
        }
    }

    /// Wraps the same text to another width.
    pub(super) fn set_width(&mut self, width: u16, cell: &Cell) {
        match (&mut self.body, cell) {
            (Body::Streamed(streamed), Cell::Reply(reply)) => {
                streamed.set_width(width, reply);
                self.update_reply(reply, width);
            }
            _ => *self = Self::new(cell, width),
        }
    }

    fn update_reply(&mut self, reply: &ReplyCell, width: u16) {
        if let Body::Streamed(streamed) = &mut self.body {
            streamed.take(reply, width);
        }
        self.head.clear();
        self.head.push(Fixed::Head);
        if reply.lost().next().is_some() && width >= STORY_FROM {
            self.head.push(Fixed::Story);
        }
        if reply.restarts > 0 {
            self.head.push(Fixed::Restarted);
        }
        if !reply.reply.reasoning.is_empty() {
            self.head.push(Fixed::Thought);
        }
        self.problem = problem(reply, width);
        self.tail.clear();
        let said = !reply.reply.text.is_empty();
        if !reply.phase.running() && (said || reply.was_paid()) {
            if said {
                self.tail.push(Fixed::Blank);
            }
            if reply.reply.verdict.as_ref().is_some_and(|verdict| !verdict.evidence.is_empty()) {
                self.tail.push(Fixed::Doubt);
            }
            self.tail.push(Fixed::Footer);
        }
        self.tail.push(Fixed::Blank);
    }

    /// How many rows it has.
    pub fn height(&self) -> usize {
        self.head.len() + self.body.height() + self.problem.len() + self.tail.len()
    }

    /// A row by number; blank past the end.
    pub fn row(&self, mut line: usize) -> Row<'_> {
        if let Some(fixed) = self.head.get(line) {
            return fixed.row();
        }
        line -= self.head.len();
        if let Some(row) = self.body.row(line) {
            return row;
        }
        line -= self.body.height();
        if let Some(text) = self.problem.get(line) {
            return Row::Problem(line, text);
        }
        line -= self.problem.len();
        self.tail.get(line).map_or(Row::Blank, |fixed| fixed.row())
    }

    /// How many code blocks its text has.
    pub fn code_blocks(&self) -> usize {
        match &self.body {
            Body::Plain(_) => 0,
            Body::Streamed(streamed) => streamed.code_blocks(),
        }
    }

    /// Bytes of source rendered in all, repetitions counted: what streaming cost so far.
    pub fn bytes_rendered(&self) -> usize {
        match &self.body {
            Body::Plain(_) => 0,
            Body::Streamed(streamed) => streamed.bytes_rendered(),
        }
    }

    /// Is this the last row of text? There the streaming mark stands.
    pub fn ends_text(&self, line: usize) -> bool {
        line + 1 == self.head.len() + self.body.height()
    }
}

impl Fixed {
    fn row(self) -> Row<'static> {
        match self {
            Self::Blank => Row::Blank,
            Self::Head => Row::Head,
            Self::Story => Row::Story,
            Self::Restarted => Row::Restarted,
            Self::Thought => Row::Thought,
            Self::Doubt => Row::Doubt,
            Self::Footer => Row::Footer,
        }
    }
}

impl Body {
    fn height(&self) -> usize {
        match self {
            Self::Plain(lines) => lines.len(),
            Self::Streamed(streamed) => streamed.height(),
        }
    }

    fn row(&self, line: usize) -> Option<Row<'_>> {
        match self {
            Self::Plain(lines) => lines.get(line).map(Row::Text),
            Self::Streamed(streamed) => streamed.row(line),
        }
    }
}

/// How Markdown is rendered in a pane of this width.
pub(super) fn options(width: u16, first_block: usize) -> RenderOptions {
    let code_hint = match width {
        ..81 => None,
        81..100 => Some("y{n}".into()),
        _ => Some("y{n} copy".into()),
    };
    RenderOptions { code_hint, first_block, ..RenderOptions::default() }
}

fn plain(text: &str, width: u16) -> Vec<Line> {
    lines(text, body_width(width))
}

fn lines(text: &str, cells: u16) -> Vec<Line> {
    wrap_text(text, usize::from(cells), Role::Body)
}

/// What went wrong, in words; nothing when nothing did.
fn problem(reply: &ReplyCell, columns: u16) -> Vec<Line> {
    let mut out = Vec::new();
    let cells = body_width(columns);
    let Some(told) = &reply.told else { return out };
    let room = cells.saturating_sub(2);
    out.extend(lines(&told.cause, room));
    for (label, words) in &told.facts {
        let row = format!("{label}: {words}");
        let most = row.floor_char_boundary(usize::from(cells) * 3);
        out.extend(lines(&row[..most], room));
    }
    out
}
