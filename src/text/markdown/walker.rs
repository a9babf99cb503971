//! Walks the events of a Markdown source and appends rows.
//!
//! Owns: the order of blocks, the gaps between them, quotes and items around them. Must not know: how
//! a table or a code block is drawn, what happens to the rows. Invariant: the rows of a block depend
//! on what stands before it only in the gap above it.

use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, Tag, TagEnd};

use super::blocks::{Mark, NextItem, Paragraph};
use super::code::CodeRows;
use super::inline::Inline;
use super::table::Table;
use super::{CodeBlock, RenderOptions, Rendered};
use crate::text::line::{Line, Role, Span, TextStyle};
use crate::text::sanitize::sanitize_piece;
use crate::text::width::width;
use crate::text::wrap::{Cut, Indent, LastRow, wrap_flow};

/// Cells that quotes and lists leave to the text inside them, however deep they go.
const TEXT_AT_LEAST: usize = 8;

/// What stands around a block.
#[derive(Debug)]
enum Container {
    /// A block quote, and how many rows there were before it.
    Quote { since: usize },
    /// A list item: its marker until it has been drawn, and the marker's width.
    Item { marker: Option<Span>, indent: usize },
}

#[derive(Debug)]
struct List {
    /// The number of the next item, if items are numbered.
    next: Option<u64>,
    /// Whether an item has been drawn.
    begun: bool,
}

/// Whether a blank row goes before the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing stands before it.
    None,
    /// Inside lists: where the source has a blank line.
    AsWritten,
    /// Everywhere else.
    Always,
}

/// A code block being gathered.
#[derive(Debug)]
struct Code {
    lang: String,
    text: String,
}

/// Turns events into rows.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    source: &'a str,
    width: usize,
    options: &'a RenderOptions,
    out: &'a mut Rendered,
    containers: Vec<Container>,
    lists: Vec<List>,
    gap: Gap,
    /// Where the block that is being gathered begins in the source.
    at: usize,
    /// How far the source has been read.
    read: usize,
    /// How far it had been read when the last block was drawn.
    drawn: usize,
    inline: Inline,
    heading: Option<u8>,
    code: Option<Code>,
    table: Option<Table>,
    /// The list that goes on where the walk began.
    item: Option<NextItem>,
    /// The top-level paragraph drawn last, while nothing follows it.
    pub(super) paragraph: Option<Paragraph>,
}

impl<'a> Walker<'a> {
    /// One whose rows go after those in `out`.
    pub(super) fn new(
        source: &'a str,
        item: Option<NextItem>,
        width: usize,
        options: &'a RenderOptions,
        out: &'a mut Rendered,
    ) -> Self {
        let gap = if out.lines.is_empty() { Gap::None } else { Gap::Always };
        Self {
            source,
            width,
            options,
            gap: item.map_or(gap, |item| item.gap),
            at: 0,
            read: 0,
            drawn: 0,
            item,
            paragraph: None,
            out,
            containers: Vec::new(),
            lists: Vec::new(),
            inline: Inline::default(),
            heading: None,
            code: None,
            table: None,
        }
    }

    /// The place reached, for a block that begins at byte `source`.
    pub(super) fn mark(&self, source: usize, item: Option<NextItem>) -> Mark {
        let (lines, code_blocks) = (self.out.lines.len(), self.out.code_blocks.len());
        Mark { source, lines, code_blocks, item }
    }

    /// How the innermost list goes on with an item at `at`; nothing for its first.
    pub(super) fn next_item(&self, at: usize) -> Option<NextItem> {
        let list = self.lists.last().filter(|list| list.begun)?;
        let gap = if self.blank_above(at) { Gap::Always } else { Gap::None };
        Some(NextItem { number: list.next, gap })
    }

    /// Takes the next event, which stands at `range` of the source.
    pub(super) fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let begins_block = match &event {
            Event::Start(tag) => is_block(tag),
            Event::Rule => true,
            _ => false,
        };
        if begins_block {
            self.flush();
            self.paragraph = None;
        }
        let gathers = self.code.is_some() || self.table.is_some() || !self.inline.flow.is_empty();
        if !gathers && !matches!(event, Event::End(_)) {
            self.at = range.start;
        }
        if !matches!(event, Event::Start(_)) {
            self.read = self.read.max(range.end);
        }
        let role = self.role();
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.text.push_str(&text),
                None => self.inline.text(&text, role),
            },
            Event::Code(code) => self.inline.piece("`", &code, "`", Role::Code),
            Event::InlineMath(math) => self.inline.piece("$", &math, "$", Role::Math),
            Event::DisplayMath(math) => self.inline.piece("$$", &math, "$$", Role::Math),
            Event::Html(html) => {
                for line in html.split_inclusive('\n') {
                    self.inline.piece("", line.trim_end_matches('\n'), "", Role::Html);
                    if line.ends_with('\n') {
                        self.inline.line_break();
                    }
                }
            }
            Event::InlineHtml(html) => self.inline.html(&html),
            Event::FootnoteReference(label) => self.inline.text(&label, role),
            // Models break lines where they mean it; joining them would run verses together.
            Event::SoftBreak | Event::HardBreak => self.inline.line_break(),
            Event::Rule => {
                let indent = self.begin();
                let mut line = indent.first;
                let room = self.width.saturating_sub(line.width());
                line.push_str(&self.options.glyphs.rule.repeat(room), TextStyle::of(Role::Rule));
                self.out.lines.push(line);
                self.finish();
            }
            Event::TaskListMarker(done) => {
                let boxed = if done { "[x] " } else { "[ ] " };
                if let Some(Container::Item { marker, indent }) = self.containers.last_mut() {
                    *indent = boxed.len();
                    *marker = Some(Span::new(boxed, Role::ListMarker));
                }
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.heading = Some(level as u8);
            }
            Tag::BlockQuote(kind) => {
                self.draw_gap();
                self.containers.push(Container::Quote { since: self.out.lines.len() });
                if let Some(kind) = kind {
                    self.inline.flow.push(callout(kind), TextStyle::of(Role::Callout));
                    self.flush();
                    self.gap = Gap::None;
                }
            }
            Tag::CodeBlock(kind) => {
                let lang = match kind {
                    CodeBlockKind::Indented => String::new(),
                    CodeBlockKind::Fenced(info) => fence_language(&info),
                };
                self.code = Some(Code { lang, text: String::new() });
            }
            Tag::List(first) => {
                self.draw_gap();
                let next = self.item.take().map_or(first, |item| item.number);
                self.lists.push(List { next, begun: false });
            }
            Tag::Item => {
                let list = self.lists.last_mut();
                if list.is_some_and(|list| std::mem::replace(&mut list.begun, true)) {
                    self.gap = Gap::AsWritten;
                }
                self.draw_gap();
                let marker = match self.lists.last_mut().and_then(|list| list.next.as_mut()) {
                    Some(number) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    None => format!("{} ", self.options.glyphs.bullet),
                };
                self.item(marker);
            }
            Tag::Table(aligns) => {
                self.table = Some(Table { aligns, rows: Vec::new() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Paragraph | Tag::HtmlBlock | Tag::TableCell => {}
            tag => self.inline.start(&tag),
        }
    }

    fn item(&mut self, marker: String) {
        let indent = width(&marker);
        let marker = Some(Span::new(marker, Role::ListMarker));
        self.containers.push(Container::Item { marker, indent });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.containers.is_empty() => {
                let flow = self.inline.flow.clone();
                let last = self.flush();
                self.paragraph = last.map(|last| Paragraph { flow, last });
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.heading = None;
            }
            TagEnd::BlockQuote(_) | TagEnd::Item => self.close(),
            TagEnd::List(_) => {
                self.lists.pop();
                self.finish();
            }
            TagEnd::CodeBlock => self.draw_code(),
            TagEnd::TableCell => {
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(self.inline.flow.clone());
                }
                self.inline.clear();
            }
            TagEnd::Table => self.draw_table(),
            TagEnd::TableHead | TagEnd::TableRow => {}
            tag => self.inline.end(tag),
        }
    }

    /// The role of running text here.
    fn role(&self) -> Role {
        if let Some(level) = self.heading {
            return Role::Heading(level);
        }
        if self.table.as_ref().is_some_and(|table| table.rows.len() == 1) {
            return Role::TableHead;
        }
        let quoted = self.containers.iter().any(|around| matches!(around, Container::Quote { .. }));
        if quoted { Role::Quote } else { Role::Body }
    }

    /// What stands before the rows of the next block; markers not yet drawn are, from now on.
    fn indent(&mut self) -> Indent {
        let mut indent = Indent::default();
        for container in &mut self.containers {
            match container {
                Container::Quote { .. } => {
                    let style = TextStyle::of(Role::QuoteMark);
                    for line in [&mut indent.first, &mut indent.rest] {
                        line.push_str(self.options.glyphs.quote, style);
                        line.push_str(" ", style);
                    }
                }
                Container::Item { marker, indent: cells } => {
                    let spaces = " ".repeat(*cells);
                    match marker.take() {
                        Some(marker) => indent.first.push(marker),
                        None => indent.first.push_str(&spaces, TextStyle::BODY),
                    }
                    indent.rest.push_str(&spaces, TextStyle::BODY);
                }
            }
        }
        let least = self.width.min(TEXT_AT_LEAST);
        let most = self.width - least;
        Indent { first: indent.first.keep_end(most), rest: indent.rest.keep_end(most) }
    }

    /// Draws the blank row that is due.
    fn draw_gap(&mut self) {
        match std::mem::replace(&mut self.gap, Gap::None) {
            Gap::None => return,
            Gap::AsWritten if !self.blank_above(self.at) => return,
            Gap::AsWritten | Gap::Always => {}
        }
        let style = TextStyle::of(Role::QuoteMark);
        let mut line = Line::blank();
        for container in &self.containers {
            match container {
                Container::Quote { .. } => {
                    line.push_str(self.options.glyphs.quote, style);
                    line.push_str(" ", style);
                }
                Container::Item { indent, .. } => {
                    line.push_str(&" ".repeat(*indent), TextStyle::BODY);
                }
            }
        }
        let least = self.width.min(TEXT_AT_LEAST);
        let mut line = line.keep_end(self.width - least);
        line.trim_end();
        self.out.lines.push(line);
    }

    /// Before a block's first row.
    fn begin(&mut self) -> Indent {
        self.draw_gap();
        self.indent()
    }

    /// After a container: one that drew nothing still shows its mark.
    fn close(&mut self) {
        self.flush();
        let undrawn = match self.containers.last() {
            Some(Container::Item { marker, .. }) => marker.is_some(),
            Some(Container::Quote { since }) => self.out.lines.len() == *since,
            None => false,
        };
        if undrawn {
            let mut line = self.begin().first;
            line.trim_end();
            self.out.lines.push(line);
        }
        self.containers.pop();
        self.finish();
    }

    /// After a block.
    fn finish(&mut self) {
        self.drawn = self.read;
        self.gap = match self.containers.last() {
            Some(Container::Item { .. }) => Gap::AsWritten,
            Some(Container::Quote { .. }) | None => Gap::Always,
        };
    }

    /// Whether the source has a blank line between what was drawn last and byte `at`.
    fn blank_above(&self, at: usize) -> bool {
        let quoted = [' ', '\t', '>'];
        let drawn = self.source[..self.drawn].trim_end_matches(['\n', ' ', '\t', '>']).len();
        let between = self.source.get(drawn..at).unwrap_or_default();
        let Some((_, lines)) = between.split_once('\n') else { return false };
        let Some((lines, _)) = lines.rsplit_once('\n') else { return false };
        lines.split('\n').any(|line| line.trim_matches(quoted).is_empty())
    }

    /// Draws the text gathered so far; returns where its last row begins.
    fn flush(&mut self) -> Option<LastRow> {
        if self.inline.flow.text().trim_matches([' ', '\n']).is_empty() {
            self.inline.clear();
            return None;
        }
        let mut inline = std::mem::take(&mut self.inline);
        let indent = self.begin();
        let out = &mut self.out.lines;
        let last = wrap_flow(&inline.flow, self.width, &indent, Cut::Words, out);
        inline.clear();
        self.inline = inline;
        self.finish();
        last
    }

    fn draw_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let indent = self.begin();
        let line = self.out.lines.len();
        let number = (self.options.first_block + self.out.code_blocks.len()) % 9 + 1;
        let mut rows = CodeRows::new(&code.lang, self.width, indent.rest, self.options);
        self.out.lines.push(rows.header(&code.lang, number, &indent.first, self.options));
        // The blank start of a line that is still being written is not code yet.
        let written = code.text.trim_end_matches([' ', '\t']);
        let unfinished = written.is_empty() || written.ends_with('\n');
        let all = if unfinished { written } else { code.text.as_str() };
        let text = all.strip_suffix('\n').unwrap_or(all);
        if !all.is_empty() {
            for code_line in text.split('\n') {
                rows.line(code_line, &mut self.out.lines);
            }
        }
        self.out.lines.push(rows.footer());
        self.out.code_blocks.push(CodeBlock { lang: code.lang, text: text.to_owned(), line });
        self.finish();
    }

    fn draw_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let indent = self.begin();
        let room = self.width.saturating_sub(indent.rest.width()).max(1);
        for (index, drawn) in table.draw(room, self.options.glyphs.rule).into_iter().enumerate() {
            let mut line = if index == 0 { indent.first.clone() } else { indent.rest.clone() };
            for span in drawn.spans {
                line.push(span);
            }
            self.out.lines.push(line);
        }
        self.finish();
    }
}

/// Whether a tag begins a block or a container of blocks.
const fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Paragraph
            | Tag::Heading { .. }
            | Tag::BlockQuote(_)
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::List(_)
            | Tag::Item
            | Tag::Table(_)
    )
}

/// The language of a fence: the first word of its info string.
fn fence_language(info: &str) -> String {
    let word = info.split([' ', '\t', ',', '{', ':', '\n']).find(|word| !word.is_empty());
    sanitize_piece(word.unwrap_or_default().trim_start_matches('.')).into_owned()
}

const fn callout(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}
