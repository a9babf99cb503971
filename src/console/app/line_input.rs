//! A field of one line. Owns its text and caret. Invariants: the caret is always between two
//! graphemes; no control character ever gets in.

use unicode_segmentation::UnicodeSegmentation;

/// A field of one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineInput {
    text: String,
    /// Byte offset of the caret.
    at: usize,
}

impl LineInput {
    /// A field with a text in it and the caret at its end.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What it holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is before and after the caret.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Puts a text in at the caret; line breaks become spaces, control characters vanish.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        self.text.insert_str(self.at, &clean);
        self.at += clean.len();
    }

    fn before(&self) -> usize {
        self.text[..self.at].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.at..].graphemes(true).next().map_or(self.at, |g| self.at + g.len())
    }

    /// Deletes the grapheme before the caret.
    pub fn backspace(&mut self) {
        let from = self.before();
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }

    /// Deletes the grapheme after the caret.
    pub fn delete(&mut self) {
        let to = self.after();
        self.text.replace_range(self.at..to, "");
    }

    /// Deletes the word before the caret.
    pub fn delete_word(&mut self) {
        let head = self.text[..self.at].trim_end();
        let from = head
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }

    /// Moves the caret one grapheme to the left.
    pub fn left(&mut self) {
        self.at = self.before();
    }

    /// Moves the caret one grapheme to the right.
    pub fn right(&mut self) {
        self.at = self.after();
    }

    /// Moves the caret to the beginning.
    pub fn home(&mut self) {
        self.at = 0;
    }

    /// Moves the caret to the end.
    pub fn end(&mut self) {
        self.at = self.text.len();
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.text.clear();
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_emoji_is_deleted_whole() {
        let mut line = LineInput::with("a👨‍👩‍👧b");
        line.left();
        line.backspace();
        assert_eq!((line.text(), line.split().0), ("ab", "a"));
    }

    #[test]
    fn control_characters_never_get_in() {
        let mut line = LineInput::default();
        line.insert("a\u{1b}[31m\nb");
        assert_eq!(line.text(), "a[31m b");
    }

    #[test]
    fn a_word_is_deleted_with_the_space_behind_it() {
        let mut line = LineInput::with("one two  ");
        line.delete_word();
        assert_eq!(line.text(), "one ");
        line.delete_word();
        assert_eq!(line.text(), "");
    }
}
