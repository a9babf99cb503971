//! How a code block is drawn.
//!
//! Owns: the rule with language and number above the code, the code's rows, the rule below; reading
//! the fence of a block that is still open. Must not know: Markdown beyond fences. Invariant: code is
//! cut at the row's end, never dropped and never wrapped at words.

use crate::text::highlight::{Highlighter, TokenKind, language};
use crate::text::line::{Line, Role, TextStyle};
use crate::text::sanitize::TAB_STOP;
use crate::text::width::{clip, graphemes, width};
use crate::text::wrap::{Cut, Flow, Indent, wrap_flow};

use super::RenderOptions;

/// Cells code stands in from its rules.
const INDENT: usize = 2;

/// Rows narrower than this give the indent to the code.
const INDENT_FROM: usize = 12;

/// Draws the rows of one code block, line by line. Cloning keeps the highlighter's place, so that an
/// unfinished line can be drawn and taken back.
#[derive(Debug, Clone)]
pub(in crate::text) struct CodeRows {
    width: usize,
    highlighter: Option<Highlighter>,
    /// Before the first row of a code line.
    first: Line,
    /// Before the rows it goes on in.
    rest: Line,
    /// The enclosing quotes and items, before rules.
    outer: Line,
    rule: &'static str,
}

impl CodeRows {
    /// `outer` stands before every row, inside `width`.
    pub(in crate::text) fn new(
        lang: &str,
        width: usize,
        outer: Line,
        options: &RenderOptions,
    ) -> Self {
        let room = width.saturating_sub(outer.width());
        let mut first = outer.clone();
        let mut rest = outer.clone();
        if room >= INDENT_FROM {
            first.push_str(&" ".repeat(INDENT), TextStyle::BODY);
            rest.push_str(options.glyphs.wrap, TextStyle::of(Role::CodeWrap));
            rest.push_str(&" ".repeat(INDENT - 1), TextStyle::BODY);
        }
        let highlighter = language(lang).map(Highlighter::new);
        Self { width, highlighter, first, rest, outer, rule: options.glyphs.rule }
    }

    /// The upper rule: `rust ──────── [1] y1`. `first` stands before it in place of `outer`; what
    /// does not fit is left out, hint first.
    pub(in crate::text) fn header(
        &self,
        lang: &str,
        number: usize,
        first: &Line,
        options: &RenderOptions,
    ) -> Line {
        let mut line = first.clone();
        let room = self.width.saturating_sub(line.width());
        let tag = format!("[{number}]");
        let hint = options.code_hint.as_deref().unwrap_or_default();
        let full = match hint {
            "" => format!(" {tag}"),
            hint => format!(" {tag} {}", hint.replace("{n}", &number.to_string())),
        };
        let tag = format!(" {tag}");
        let name = match lang {
            "" => String::new(),
            lang => format!("{} ", clip(lang, room / 2)),
        };
        let fits = |tag: &str| width(&name) + width(tag) + 2 <= room;
        let tag = [full, tag].into_iter().find(|tag| fits(tag)).unwrap_or_default();
        let name = if width(&name) + 2 <= room { name } else { String::new() };
        line.push_str(&name, TextStyle::of(Role::CodeLang));
        let rule = room.saturating_sub(width(&name) + width(&tag));
        line.push_str(&self.rule.repeat(rule), TextStyle::of(Role::CodeRule));
        line.push_str(&tag, TextStyle::of(Role::CodeTag));
        line
    }

    /// Appends the rows of the next line of code.
    pub(in crate::text) fn line(&mut self, code: &str, out: &mut Vec<Line>) {
        let code = expand_tabs(code);
        let mut flow = Flow::default();
        match &mut self.highlighter {
            None => flow.push(&code, TextStyle::of(Role::CodeToken(TokenKind::Plain))),
            Some(highlighter) => {
                let mut tokens = Vec::new();
                highlighter.line(&code, &mut tokens);
                let mut start = 0;
                for (end, kind) in tokens {
                    flow.push(&code[start..end], TextStyle::of(Role::CodeToken(kind)));
                    start = end;
                }
            }
        }
        if flow.is_empty() {
            let mut line = self.outer.clone();
            line.trim_end();
            out.push(line);
            return;
        }
        let indent = Indent { first: self.first.clone(), rest: self.rest.clone() };
        wrap_flow(&flow, self.width, &indent, Cut::Anywhere, out);
    }

    /// The lower rule.
    pub(in crate::text) fn footer(&self) -> Line {
        let mut line = self.outer.clone();
        let room = self.width.saturating_sub(line.width());
        line.push_str(&self.rule.repeat(room), TextStyle::of(Role::CodeRule));
        line
    }
}

fn expand_tabs(code: &str) -> std::borrow::Cow<'_, str> {
    if !code.contains('\t') {
        return code.into();
    }
    let mut out = String::with_capacity(code.len() + 16);
    let mut column = 0;
    for (grapheme, cells) in graphemes(code) {
        if grapheme == "\t" {
            let spaces = TAB_STOP - column % TAB_STOP;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push_str(grapheme);
            column += cells;
        }
    }
    out.into()
}

/// The opening fence of a code block at the left margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::text) struct Fence {
    mark: u8,
    len: usize,
}

impl Fence {
    /// Reads a block's first line; `None` if it is indented or no fence.
    pub(in crate::text) fn open(line: &str) -> Option<Self> {
        let mark = *line.as_bytes().first().filter(|mark| matches!(mark, b'`' | b'~'))?;
        let len = line.bytes().take_while(|b| *b == mark).count();
        let code_span = mark == b'`' && line[len..].contains('`');
        (len >= 3 && !code_span).then_some(Self { mark, len })
    }

    /// Whether a line closes the block.
    pub(in crate::text) fn closed_by(self, line: &str) -> bool {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let marks = line[indent..].bytes().take_while(|b| *b == self.mark).count();
        indent < 4
            && marks >= self.len
            && line[indent + marks..].bytes().all(|b| matches!(b, b' ' | b'\n'))
    }
}
