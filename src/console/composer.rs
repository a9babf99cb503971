//! The draft: a text area with a chip and folded pastes, and its history.
//!
//! Owns: what is being written. Must not know: what a command does, who is asked. Invariants: a
//! paste never sends; nothing but text and line breaks gets in; the caret rests between graphemes.

mod history;
mod paste;
mod syntax;

use tui_textarea::{CursorMove, DataCursor, TextArea, WrapMode};
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::ModelName;

pub use history::History;
pub use paste::{Paste, PasteStore, clean};
pub use syntax::{POLICY_WORDS, Parsed, behind_tags, parse};

/// Changes that can be taken back; one keystroke is one change.
const UNDO_STEPS: usize = 500;

/// A draft that was put away whole: for history, the queue, and taking things back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// What was typed, pastes folded.
    pub text: String,
    /// What the folds hold.
    pub pastes: PasteStore,
    /// The model named for it.
    pub chip: Option<ModelName>,
}

impl Draft {
    /// What would be sent: folds opened.
    pub fn expanded(&self) -> String {
        self.pastes.expand(&self.text)
    }
}

/// Whether a move had anywhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moved {
    /// It went there.
    Yes,
    /// It was at the edge.
    AtEdge,
}

/// The draft.
#[derive(Debug, Clone)]
pub struct Composer {
    area: TextArea<'static>,
    /// The model named for this message alone: a chip before the text.
    pub chip: Option<ModelName>,
    /// What the folded pastes hold.
    pub pastes: PasteStore,
    /// Earlier prompts.
    pub history: History,
    /// What was cut last.
    cut: String,
    revision: u64,
}

impl Default for Composer {
    fn default() -> Self {
        Self {
            area: area(vec![String::new()]),
            chip: None,
            pastes: PasteStore::default(),
            history: History::default(),
            cut: String::new(),
            revision: 0,
        }
    }
}

fn area(lines: Vec<String>) -> TextArea<'static> {
    let mut area = TextArea::new(lines);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_max_histories(UNDO_STEPS);
    area.set_cursor_line_style(ratatui::style::Style::default());
    area
}

impl Composer {
    /// The text area, to draw: its lines, caret and soft wrapping.
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// What is typed, pastes folded.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// What would be sent: folds opened.
    pub fn expanded(&self) -> String {
        self.pastes.expand(&self.text())
    }

    /// Nothing is typed (a chip may be there).
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Nothing but white space is typed.
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Rises with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The caret's row, and its byte within that row.
    pub fn caret(&self) -> (usize, usize) {
        let DataCursor(row, col) = self.area.cursor();
        let line = self.line(row);
        (row, byte_of(line, col))
    }

    fn line(&self, row: usize) -> &str {
        self.area.lines().get(row).map_or("", String::as_str)
    }

    /// The caret's line before and after it.
    pub fn around(&self) -> (&str, &str) {
        let (row, at) = self.caret();
        self.line(row).split_at(at)
    }

    /// A whole draft put away.
    pub fn draft(&self) -> Draft {
        Draft { text: self.text(), pastes: self.pastes.clone(), chip: self.chip.clone() }
    }

    /// Takes the draft out and leaves an empty one.
    pub fn take(&mut self) -> Draft {
        let draft = self.draft();
        self.set(Draft::default());
        draft
    }

    /// Puts a whole draft in place, the caret at its end.
    pub fn set(&mut self, draft: Draft) {
        let lines: Vec<String> = draft.text.split('\n').map(str::to_owned).collect();
        self.area = area(lines);
        self.jump(usize::MAX, usize::MAX);
        self.pastes = draft.pastes;
        self.chip = draft.chip;
        self.touch();
    }

    fn touch(&mut self) {
        self.revision += 1;
    }

    /// Names a model for this message alone, or none.
    pub fn set_chip(&mut self, chip: Option<ModelName>) {
        if self.chip != chip {
            self.chip = chip;
            self.touch();
        }
    }

    /// Puts a caret at a row and a byte of it, clamped to what is there.
    fn jump(&mut self, row: usize, byte: usize) {
        let row = row.min(self.area.lines().len().saturating_sub(1));
        let line = self.line(row);
        let col = line[..byte.min(line.len())].chars().count();
        let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(clamp(row), clamp(col)));
    }

    /// Puts the caret where a row and column of the text as wrapped are, or as near as there is text.
    pub fn point_at(&mut self, row: usize, col: usize) {
        let DataCursor(row, col) = self.area.screen_to_data(row, col);
        let line = self.line(row);
        let byte = byte_of(line, col);
        let start = line.grapheme_indices(true).map(|(from, _)| from).take_while(|at| *at <= byte);
        let byte = if byte == line.len() { byte } else { start.last().unwrap_or(0) };
        self.jump(row, byte);
    }

    /// Deletes from one byte of the caret's row to another and leaves the caret there.
    fn cut_range(&mut self, from: usize, to: usize) -> String {
        let (row, _) = self.caret();
        let gone = self.line(row)[from..to].to_owned();
        self.jump(row, from);
        if self.area.delete_str(gone.chars().count()) {
            self.touch();
        }
        gone
    }

    /// Joins the caret's row with the one after it.
    fn join_next(&mut self) {
        let (row, _) = self.caret();
        if row + 1 < self.area.lines().len() {
            let end = self.line(row).len();
            self.jump(row, end);
            if self.area.delete_str(1) {
                self.touch();
            }
        }
    }

    /// Joins the caret's row with the one before it.
    fn join_previous(&mut self) {
        let (row, _) = self.caret();
        if row > 0 {
            self.jump(row - 1, usize::MAX);
            self.join_next();
        }
    }

    /// Types a character.
    pub fn type_char(&mut self, c: char) {
        if !c.is_control() {
            self.area.insert_char(c);
            self.touch();
        }
    }

    /// Begins a new line.
    pub fn newline(&mut self) {
        self.area.insert_newline();
        self.touch();
    }

    /// `\` before the caret and Enter: the backslash becomes a line break. `false` where there is
    /// none, or where the text goes on after the caret.
    pub fn backslash_newline(&mut self) -> bool {
        let (before, after) = self.around();
        let slashes = before.len() - before.trim_end_matches('\\').len();
        if !after.is_empty() || slashes % 2 == 0 {
            return false;
        }
        self.delete_back();
        self.newline();
        true
    }

    /// Puts a text in at the caret, sanitised.
    pub fn insert(&mut self, text: &str) {
        let text = clean(text);
        if !text.is_empty() {
            self.area.insert_str(text);
            self.touch();
        }
    }

    /// Puts a paste in: as it is when short, folded when long. Never sends.
    pub fn paste(&mut self, text: &str) {
        let text = clean(text);
        if text.is_empty() {
            return;
        }
        let folded = self.pastes.fold(&text, &self.text());
        self.area.insert_str(folded.unwrap_or(text));
        self.touch();
    }

    /// Replaces the bytes from `from` to the caret, in the caret's row.
    pub fn replace_before(&mut self, from: usize, with: &str) {
        let (_, at) = self.caret();
        self.cut_range(from.min(at), at);
        self.insert(with);
    }

    /// Deletes the grapheme before the caret; a fold goes whole; at the very beginning the chip.
    pub fn delete_back(&mut self) {
        let (row, at) = self.caret();
        if row == 0 && at == 0 {
            self.set_chip(None);
            return;
        }
        if at == 0 {
            self.join_previous();
            return;
        }
        let before = &self.line(row)[..at];
        let from = self.pastes.label_ending(before).unwrap_or_else(|| {
            before.grapheme_indices(true).next_back().map_or(0, |(from, _)| from)
        });
        self.cut_range(from, at);
    }

    /// Deletes the grapheme after the caret.
    pub fn delete_forward(&mut self) {
        let (row, at) = self.caret();
        match self.line(row)[at..].graphemes(true).next().map(str::len) {
            Some(len) => {
                self.cut_range(at, at + len);
            }
            None => self.join_next(),
        }
    }

    fn word_before(&self) -> Option<usize> {
        let (row, at) = self.caret();
        let words = self.line(row)[..at].split_word_bound_indices();
        words.rev().find(|(_, word)| !word.trim().is_empty()).map(|(from, _)| from)
    }

    fn word_after(&self) -> Option<usize> {
        let (row, at) = self.caret();
        let mut words = self.line(row)[at..].split_word_bound_indices();
        words.find(|(_, word)| !word.trim().is_empty()).map(|(from, word)| at + from + word.len())
    }

    /// Cuts the word before the caret.
    pub fn delete_word_back(&mut self) {
        let (row, at) = self.caret();
        if at == 0 {
            if row == 0 {
                self.set_chip(None);
            } else {
                self.join_previous();
            }
            return;
        }
        let from = self.word_before().unwrap_or(0);
        self.cut = self.cut_range(from, at);
    }

    /// Cuts the word after the caret.
    pub fn delete_word_forward(&mut self) {
        let (row, at) = self.caret();
        let end = self.line(row).len();
        if at == end {
            self.join_next();
            return;
        }
        let to = self.word_after().unwrap_or(end);
        self.cut = self.cut_range(at, to);
    }

    /// Cuts to the end of the line.
    pub fn kill_to_end(&mut self) {
        let (row, at) = self.caret();
        let end = self.line(row).len();
        if at == end {
            self.join_next();
        } else {
            self.cut = self.cut_range(at, end);
        }
    }

    /// Cuts to the beginning of the line.
    pub fn kill_to_head(&mut self) {
        let (_, at) = self.caret();
        if at == 0 {
            self.join_previous();
        } else {
            self.cut = self.cut_range(0, at);
        }
    }

    /// What was written in private goes: from the earlier prompts, what was cut and what could be undone.
    /// The draft stays.
    pub fn end_private(&mut self) {
        self.history.end_private();
        self.cut.clear();
        let draft = self.draft();
        self.set(draft);
    }

    /// Puts back what was cut.
    pub fn yank(&mut self) {
        let cut = std::mem::take(&mut self.cut);
        self.insert(&cut);
        self.cut = cut;
    }

    /// One grapheme to the left.
    pub fn left(&mut self) {
        let (row, at) = self.caret();
        match self.line(row)[..at].grapheme_indices(true).next_back() {
            Some((from, _)) => self.jump(row, from),
            None if row > 0 => self.jump(row - 1, usize::MAX),
            None => {}
        }
    }

    /// One grapheme to the right.
    pub fn right(&mut self) {
        let (row, at) = self.caret();
        match self.line(row)[at..].graphemes(true).next().map(str::len) {
            Some(len) => self.jump(row, at + len),
            None if row + 1 < self.area.lines().len() => self.jump(row + 1, 0),
            None => {}
        }
    }

    /// One word to the left.
    pub fn word_left(&mut self) {
        let (row, at) = self.caret();
        match self.word_before() {
            Some(from) => self.jump(row, from),
            None if at > 0 => self.jump(row, 0),
            None if row > 0 => self.jump(row - 1, usize::MAX),
            None => {}
        }
    }

    /// One word to the right.
    pub fn word_right(&mut self) {
        let (row, at) = self.caret();
        match self.word_after() {
            Some(to) => self.jump(row, to),
            None if at < self.line(row).len() => self.jump(row, usize::MAX),
            None if row + 1 < self.area.lines().len() => self.jump(row + 1, 0),
            None => {}
        }
    }

    /// The beginning of the line.
    pub fn line_start(&mut self) {
        let (row, _) = self.caret();
        self.jump(row, 0);
    }

    /// The end of the line.
    pub fn line_end(&mut self) {
        let (row, _) = self.caret();
        self.jump(row, usize::MAX);
    }

    fn vertical(&mut self, step: CursorMove) -> Moved {
        let before = self.area.cursor();
        self.area.move_cursor(step);
        if self.area.cursor() == before {
            return Moved::AtEdge;
        }
        // The row above may hold a wide character where the caret would fall into its middle.
        let (row, at) = self.caret();
        let line = self.line(row);
        let snapped = line
            .grapheme_indices(true)
            .map(|(from, _)| from)
            .chain([line.len()])
            .take_while(|from| *from <= at)
            .last()
            .unwrap_or(0);
        if snapped != at {
            self.jump(row, snapped);
        }
        Moved::Yes
    }

    /// One row up, as wrapped on screen.
    pub fn up(&mut self) -> Moved {
        self.vertical(CursorMove::Up)
    }

    /// One row down, as wrapped on screen.
    pub fn down(&mut self) -> Moved {
        self.vertical(CursorMove::Down)
    }

    /// Takes back the last change.
    pub fn undo(&mut self) {
        if self.area.undo() {
            self.touch();
        }
    }

    /// Makes it again.
    pub fn redo(&mut self) {
        if self.area.redo() {
            self.touch();
        }
    }

    /// An earlier prompt in place of the draft, which is kept for the way back.
    pub fn earlier(&mut self) {
        let current = self.draft();
        if let Some(draft) = self.history.earlier(current) {
            self.set(draft);
        }
    }

    /// A later prompt, at last the draft that was begun.
    pub fn later(&mut self) {
        if let Some(draft) = self.history.later() {
            self.set(draft);
        }
    }
}

fn byte_of(line: &str, col: usize) -> usize {
    line.char_indices().nth(col).map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
#[path = "composer/tests.rs"]
mod tests;
