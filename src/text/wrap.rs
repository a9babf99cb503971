//! Styled text to rows of a given width.
//!
//! Owns: where a row may end (after spaces and hyphens, around ideographs but never before closing
//! or after opening punctuation), hard cuts where nothing else fits, indents. Must not know:
//! Markdown. Invariant: no row is wider than asked for, and only spaces at a cut are dropped.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::line::{Line, Span, TextStyle};
use super::width::grapheme_width;

/// Stands for a character wider than the whole row.
const TOO_WIDE: &str = "?";

/// Styled text before it has rows: one buffer and where each style ends in it. `\n` ends a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    text: String,
    runs: Vec<(usize, TextStyle)>,
}

impl Flow {
    pub(super) fn push(&mut self, text: &str, style: TextStyle) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        let end = self.text.len();
        match self.runs.last_mut() {
            Some(last) if last.1 == style => last.0 = end,
            _ => self.runs.push((end, style)),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn append(&mut self, other: &Self) {
        let mut start = 0;
        for (end, style) in &other.runs {
            self.push(&other.text[start..*end], *style);
            start = *end;
        }
    }

    /// Drops everything before a byte.
    pub(super) fn drop_before(&mut self, start: usize) {
        self.text.drain(..start);
        self.runs.retain_mut(|run| {
            run.0 = run.0.saturating_sub(start);
            run.0 > 0
        });
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }

    /// Cells of the widest row if nothing had to be wrapped.
    pub(super) fn natural_width(&self) -> usize {
        let mut widest = 0;
        let mut row = 0;
        for cell in Cells::new(self) {
            row = if cell.kind == Kind::Break { 0 } else { row + cell.width };
            widest = widest.max(row);
        }
        widest
    }

    /// Cells of the widest piece between two places where a row may end.
    pub(super) fn longest_word(&self) -> usize {
        let mut widest = 0;
        let mut word = 0;
        let mut before = Context::START;
        for cell in Cells::new(self) {
            if matches!(cell.kind, Kind::Break | Kind::Space) || before.may_end(cell.kind) {
                word = 0;
            }
            if !matches!(cell.kind, Kind::Break | Kind::Space) {
                word += cell.width;
            }
            before.advance(cell);
            widest = widest.max(word);
        }
        widest
    }

    fn slice(&self, from: usize, to: usize, first_run: &mut usize, line: &mut Line) {
        while self.runs.get(*first_run).is_some_and(|run| run.0 <= from) {
            *first_run += 1;
        }
        let mut at = from;
        for (end, style) in &self.runs[*first_run..] {
            let stop = (*end).min(to);
            if at < stop {
                line.push_str(&self.text[at..stop], *style);
            }
            at = at.max(stop);
            if *end >= to {
                break;
            }
        }
    }
}

/// What stands before the first and before every later row.
#[derive(Debug, Clone, Default)]
pub(super) struct Indent {
    pub(super) first: Line,
    pub(super) rest: Line,
}

/// What a grapheme is to the question of where rows may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Break,
    Space,
    /// Letters, digits and everything without a rule of its own.
    Word,
    Hyphen,
    Dash,
    /// Scripts written without spaces, and pictures.
    Ideograph,
    Open,
    Close,
    WideOpen,
    /// Closing punctuation of the scripts written without spaces, and marks that may not begin a row.
    WideClose,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    width: usize,
    kind: Kind,
    first: char,
}

/// The graphemes of a flow, run by run: a cluster across two styles is drawn, and so counted, apart.
struct Cells<'a> {
    flow: &'a Flow,
    run: usize,
    at: usize,
}

impl<'a> Cells<'a> {
    const fn new(flow: &'a Flow) -> Self {
        Self { flow, run: 0, at: 0 }
    }
}

/// Characters that are a grapheme of their own next to each other: spares the general segmentation.
const fn stands_alone(c: char) -> bool {
    matches!(c,
        ' '..='~' | '\u{a1}'..='\u{a8}' | '\u{aa}'..='\u{ac}' | '\u{af}'..='\u{2ff}'
        | '\u{2010}'..='\u{2027}' | '\u{3001}'..='\u{3029}' | '\u{3041}'..='\u{3096}'
        | '\u{30a0}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff9d}')
        && !matches!(c, '\u{3297}' | '\u{3299}')
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        let mut end = self.flow.runs.get(self.run)?.0;
        while self.at >= end {
            self.run += 1;
            end = self.flow.runs.get(self.run)?.0;
        }
        let start = self.at;
        let rest = &self.flow.text[start..end];
        let mut chars = rest.chars();
        let first = chars.next()?;
        let alone = match chars.next() {
            _ if first == '\n' => true,
            None => true,
            Some(next) => stands_alone(first) && (stands_alone(next) || next == '\n'),
        };
        let grapheme = if alone {
            &rest[..first.len_utf8()]
        } else {
            rest.graphemes(true).next().unwrap_or(rest)
        };
        self.at = start + grapheme.len();
        let width = match first {
            ' '..='~' if alone => 1,
            _ => grapheme_width(grapheme),
        };
        let kind = match kind(first, width) {
            // A space that carries a mark is something to show.
            Kind::Space if grapheme.len() > first.len_utf8() => Kind::Word,
            kind => kind,
        };
        Some(Cell { start, end: self.at, width, kind, first })
    }
}

fn kind(c: char, width: usize) -> Kind {
    match c {
        '\n' => Kind::Break,
        ' ' | '\u{3000}' => Kind::Space,
        '-' | '\u{2010}' => Kind::Hyphen,
        '\u{2013}' | '\u{2014}' => Kind::Dash,
        'a'..='z' | 'A'..='Z' | '0'..='9' => Kind::Word,
        '(' | '[' | '{' | '“' | '‘' | '«' => Kind::Open,
        ')' | ']' | '}' | ',' | '.' | ';' | ':' | '!' | '?' | '%' | '”' | '’' | '»' | '…' => {
            Kind::Close
        }
        '（' | '［' | '｛' | '「' | '『' | '【' | '〔' | '《' | '〈' | '〖' | '｟' | '｢' => {
            Kind::WideOpen
        }
        '）' | '］' | '｝' | '」' | '』' | '】' | '〕' | '》' | '〉' | '〗' | '｠' | '｣' | '。'
        | '，' | '、' | '．' | '；' | '：' | '？' | '！' | '％' | '～' | '・' | '｡' | '､' | '･'
        | 'ー' | '々' | '〻' | 'ゝ' | 'ゞ' | 'ヽ' | 'ヾ' | 'ぁ' | 'ぃ' | 'ぅ' | 'ぇ' | 'ぉ'
        | 'っ' | 'ゃ' | 'ゅ' | 'ょ' | 'ゎ' | 'ァ' | 'ィ' | 'ゥ' | 'ェ' | 'ォ' | 'ッ' | 'ャ'
        | 'ュ' | 'ョ' | 'ヮ' | 'ヵ' | 'ヶ' | 'ｰ' | 'ﾞ' | 'ﾟ' => Kind::WideClose,
        // Korean is written with spaces and reads better broken at them.
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' => Kind::Word,
        _ if width == 2 || c.width() == Some(2) => Kind::Ideograph,
        _ => Kind::Word,
    }
}

/// What was read before the grapheme being looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    last: Kind,
    before: Kind,
    /// How much of `://` was read in this word; with all of it the word is an address.
    address: u8,
}

impl Context {
    pub(super) const START: Self = Self { last: Kind::Break, before: Kind::Break, address: 0 };

    const fn advance(&mut self, cell: Cell) {
        self.before = self.last;
        self.last = cell.kind;
        self.address = match (self.address, cell.first) {
            (3, _) if !matches!(cell.kind, Kind::Space | Kind::Break | Kind::Ideograph) => 3,
            (1 | 2, '/') => self.address + 1,
            (_, ':') => 1,
            _ => 0,
        };
    }

    /// Whether a row may end between the last grapheme and a next one of this kind.
    const fn may_end(self, next: Kind) -> bool {
        use Kind::{Break, Close, Dash, Hyphen, Ideograph, Open, Space, WideClose, WideOpen, Word};
        match (self.last, next) {
            (Space, Space) | (_, Space | Break) | (Break, _) => false,
            (Space, _) => true,
            (_, Close | WideClose) | (Open | WideOpen, _) => false,
            (Ideograph | WideClose | Dash, _) | (_, Ideograph | WideOpen) => true,
            (Hyphen, Word) => self.address < 3 && matches!(self.before, Word | Close),
            (Word | Hyphen | Close, _) => false,
        }
    }
}

/// A place where the current row may end.
#[derive(Clone, Copy)]
struct Opening {
    /// Where the row's text ends, spaces left out.
    end: usize,
    /// Where the next row begins.
    resume: usize,
    /// The column of `resume` in the current row.
    column: usize,
    context: Context,
}

/// Where the last row begins: text appended to the flow changes nothing before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastRow {
    /// Byte of the flow.
    pub(super) start: usize,
    /// What was read before it.
    pub(super) context: Context,
}

/// How rows are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// At words; spaces at a cut are dropped.
    Words,
    /// At any grapheme; nothing is dropped.
    Anywhere,
}

/// Appends the rows of a flow. An indent wider than the row is cut from its left. Returns where the
/// last row begins, if it is one that may grow.
pub(super) fn wrap_flow(
    flow: &Flow,
    width: usize,
    indent: &Indent,
    cut: Cut,
    out: &mut Vec<Line>,
) -> Option<LastRow> {
    wrap_from(flow, Context::START, width, indent, cut, out)
}

/// Like [`wrap_flow`], for a flow that begins at the last row of another.
pub(super) fn wrap_from(
    flow: &Flow,
    context: Context,
    width: usize,
    indent: &Indent,
    cut: Cut,
    out: &mut Vec<Line>,
) -> Option<LastRow> {
    let mut rows = Rows::new(flow, width.max(1), indent, out);
    let mut before = context;
    let mut row = context;
    let mut opening: Option<Opening> = None;
    let mut start = 0;
    let mut content_end = 0;
    let mut column = 0;
    for cell in Cells::new(flow) {
        if cell.kind == Kind::Break {
            rows.emit(start, content_end.max(start));
            (start, content_end, column, opening) = (cell.end, cell.end, 0, None);
            before.advance(cell);
            row = before;
            continue;
        }
        if cut == Cut::Words {
            if cell.kind == Kind::Space {
                column += cell.width;
                before.advance(cell);
                continue;
            }
            if before.may_end(cell.kind) {
                let resume = cell.start;
                opening = Some(Opening { end: content_end, resume, column, context: before });
            }
        }
        while column + cell.width > rows.room() {
            if let Some(at) = opening.take() {
                if at.end > start {
                    rows.emit(start, at.end);
                }
                (start, row) = (at.resume, at.context);
                column -= at.column;
            } else if cell.start > start {
                rows.emit(start, cell.start);
                (start, row) = (cell.start, before);
                column = 0;
            } else {
                break;
            }
        }
        if cell.width > rows.room() {
            rows.emit_text(TOO_WIDE, cell.start);
            (start, content_end, column) = (cell.end, cell.end, 0);
        } else {
            column += cell.width;
            content_end = cell.end;
        }
        before.advance(cell);
        if content_end == start {
            row = before;
        }
    }
    if content_end > start {
        rows.emit(start, content_end);
        return Some(LastRow { start, context: row });
    }
    None
}

/// Rows being appended: knows the indent that is due and the room it leaves.
struct Rows<'a> {
    flow: &'a Flow,
    first: Option<Line>,
    rest: Line,
    first_room: usize,
    rest_room: usize,
    run: usize,
    out: &'a mut Vec<Line>,
}

impl<'a> Rows<'a> {
    fn new(flow: &'a Flow, width: usize, indent: &Indent, out: &'a mut Vec<Line>) -> Self {
        let first = indent.first.clone().keep_end(width - 1);
        let rest = indent.rest.clone().keep_end(width - 1);
        let first_room = width.saturating_sub(first.width()).max(1);
        let rest_room = width.saturating_sub(rest.width()).max(1);
        Self { flow, first: Some(first), rest, first_room, rest_room, run: 0, out }
    }

    const fn room(&self) -> usize {
        if self.first.is_some() { self.first_room } else { self.rest_room }
    }

    fn begin(&mut self) -> Line {
        self.first.take().unwrap_or_else(|| self.rest.clone())
    }

    fn emit(&mut self, from: usize, to: usize) {
        let mut line = self.begin();
        self.flow.slice(from, to, &mut self.run, &mut line);
        if from == to {
            line.trim_end();
        }
        self.out.push(line);
    }

    /// A row with a stand-in for the character at `at`.
    fn emit_text(&mut self, text: &str, at: usize) {
        let mut line = self.begin();
        let style =
            self.flow.runs.iter().find(|run| run.0 > at).map_or(TextStyle::BODY, |run| run.1);
        line.push_str(text, style);
        self.out.push(line);
    }
}

/// Wraps styled spans at words. The first row begins with `first`, the others with `rest`. A `\n`
/// inside a span ends a row; a text without characters has no rows.
pub fn wrap_spans(spans: &[Span], width: usize, first: &Line, rest: &Line) -> Vec<Line> {
    let mut flow = Flow::default();
    for span in spans {
        flow.push(&super::sanitize::sanitize(&span.text), span.style);
    }
    let mut out = Vec::new();
    let indent = Indent { first: first.clone(), rest: rest.clone() };
    wrap_flow(&flow, width, &indent, Cut::Words, &mut out);
    out
}

/// Wraps text of one style at words.
pub fn wrap_text(text: &str, width: usize, style: impl Into<TextStyle>) -> Vec<Line> {
    let mut flow = Flow::default();
    flow.push(&super::sanitize::sanitize(text), style.into());
    let mut out = Vec::new();
    wrap_flow(&flow, width, &Indent::default(), Cut::Words, &mut out);
    out
}

#[cfg(test)]
#[path = "wrap_tests.rs"]
mod tests;
