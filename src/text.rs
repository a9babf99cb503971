//! Stand-in until the real one is merged.
#![allow(missing_docs)]
pub mod highlight {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum TokenKind {
        Keyword,
        String,
        Comment,
        Number,
        Function,
        Type,
        Punct,
        Plain,
    }
}
mod line;
mod width;
pub use highlight::TokenKind;
pub use line::{Line, Role, Span, TextStyle};
pub use width::{
    Side, clip, clip_end, ellipsis, grapheme_width, graphemes, middle_ellipsis, pad, width,
};
#[derive(Debug, Clone, Default)]
pub struct RenderOptions {
    pub first_block: usize,
}
#[derive(Debug, Clone, PartialEq)]
pub struct StreamingText {
    width: u16,
    source: String,
    lines: Vec<Line>,
}
impl StreamingText {
    pub fn new(width: u16, _options: RenderOptions) -> Self {
        Self { width, source: String::new(), lines: vec![] }
    }
    pub fn push(&mut self, text: &str) {
        self.source.push_str(text);
        self.wrap();
    }
    pub fn finish(&mut self) {}
    pub fn set_width(&mut self, width: u16) {
        self.width = width;
        self.wrap();
    }
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    pub fn line(&self, i: usize) -> Option<&Line> {
        self.lines.get(i)
    }
    pub fn source(&self) -> &str {
        &self.source
    }
    fn wrap(&mut self) {
        self.lines = wrap_text(&self.source, self.width as usize)
            .into_iter()
            .map(|t| Line::of(t, Role::Body))
            .collect();
    }
}
pub fn wrap_text(text: &str, cells: usize) -> Vec<String> {
    let mut out = vec![];
    for para in text.lines() {
        let mut row = String::new();
        for word in para.split_inclusive(' ') {
            if width(&row) + width(word.trim_end()) > cells && !row.is_empty() {
                out.push(std::mem::take(&mut row).trim_end().to_owned());
            }
            let mut word = word;
            while width(word.trim_end()) > cells {
                let head = clip(word, cells);
                out.push(head.to_owned());
                word = &word[head.len()..];
            }
            row.push_str(word);
        }
        out.push(row.trim_end().to_owned());
    }
    out
}
pub fn sanitize(text: &str) -> std::borrow::Cow<'_, str> {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect::<String>().into()
}
