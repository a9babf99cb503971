//! Walks the events of a Markdown source and appends rows.
//!
//! Owns: the order of blocks, the gaps between them, quotes and items around them. Must not know: how
//! a table or a code block is drawn, what happens to the rows. Invariant: the walk reports where the
//! last top-level block begins that later text cannot turn into part of the block before it.

use std::ops::Range;

use pulldown_cmark::{
    BlockQuoteKind, CodeBlockKind, Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset,
};

use super::code::CodeRows;
use super::inline::Inline;
use super::table::Table;
use super::{CodeBlock, RenderOptions, Rendered};
use crate::text::line::{Line, Role, Span, TextStyle};
use crate::text::sanitize::sanitize_piece;
use crate::text::width::width;
use crate::text::wrap::{Cut, Flow, Indent, LastRow, wrap_flow};

/// Cells that quotes and lists leave to the text inside them, however deep they go.
const TEXT_AT_LEAST: usize = 8;

/// Extensions models use. Formulas are only recognised so that `_` and `*` inside them stay.
/// Footnotes are not: as text, or as links where they hold an address, they read the same, and they
/// would act on blocks that are already final.
const EXTENSIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_MATH)
    .union(Options::ENABLE_GFM);

/// Where a top-level block begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::text) struct Mark {
    /// Byte of the source, at the start of a line.
    pub(in crate::text) source: usize,
    /// Rows before it, the gap above it not counted.
    pub(in crate::text) lines: usize,
    /// Code blocks before it.
    pub(in crate::text) code_blocks: usize,
    /// If it is not the first item of its list, how the list goes on there.
    pub(in crate::text) item: Option<NextItem>,
}

/// How a list goes on at an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::text) struct NextItem {
    /// Its number, if items are numbered.
    number: Option<u64>,
    /// Whether a blank row goes before it.
    gap: Gap,
}

/// Where and how a walk begins.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::text) struct Start<'a> {
    /// The text of link definitions that stand before.
    pub(in crate::text) known: &'a str,
    /// The list that goes on.
    pub(in crate::text) item: Option<NextItem>,
}

/// A paragraph at the end of a source: its text and last row, which text without markup extends.
#[derive(Debug)]
pub(in crate::text) struct Paragraph {
    pub(in crate::text) flow: Flow,
    pub(in crate::text) last: LastRow,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(in crate::text) struct Walked {
    /// The last top-level block, or item of a top-level list, that will stay one.
    pub(in crate::text) last: Option<Mark>,
    /// The paragraph it is, if nothing follows it.
    pub(in crate::text) paragraph: Option<Paragraph>,
    /// Link definitions, as ranges of the source, in order.
    pub(in crate::text) definitions: Vec<Range<usize>>,
}

/// Renders `source`, appending to `out`.
pub(in crate::text) fn walk(
    source: &str,
    start: Start<'_>,
    width: usize,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Walked {
    let joined;
    let (text, skip) = match start.known {
        "" => (source, 0),
        known => {
            joined = format!("{known}\n\n{source}");
            (joined.as_str(), known.len() + 2)
        }
    };
    let parser = Parser::new_ext(text, EXTENSIONS);
    let mut walked = Walked::default();
    for (_, definition) in parser.reference_definitions().iter() {
        let span = &definition.span;
        if span.start >= skip {
            walked.definitions.push(span.start - skip..span.end - skip);
        }
    }
    walked.definitions.sort_unstable_by_key(|span| span.start);
    let blocks = Blocks { source };
    let mut walker = Walker::new(text, start.item, width, options, out);
    let mut depth = 0_usize;
    let mut above = Above { end: skip, container: false };
    for (event, range) in TextMergeWithOffset::new(parser.into_offset_iter()) {
        let ends = matches!(event, Event::End(_));
        let begins = match &event {
            Event::Start(Tag::Item) if depth == 1 => {
                walker.next_item(range.start).map(|item| (Begin::Item, Some(item)))
            }
            _ if depth > 0 || ends => None,
            Event::Start(Tag::Table(_)) => Some((Begin::Table, None)),
            _ => Some((Begin::Block, None)),
        };
        if let Some((begins, item)) = begins {
            let offset = range.start.saturating_sub(skip);
            if blocks.settled(offset, begins, above.hides(text, range.start)) {
                let line = source[..offset].rfind('\n').map_or(0, |at| at + 1);
                let item = item.or(start.item.filter(|_| line == 0));
                walked.last = Some(walker.mark(line, item));
            }
        }
        if depth == 0 {
            above.end = range.end;
            above.container = matches!(event, Event::Start(Tag::List(_) | Tag::BlockQuote(_)));
        }
        if matches!(event, Event::Start(_)) {
            depth += 1;
        } else if ends {
            depth = depth.saturating_sub(1);
        }
        walker.event(event, range);
    }
    walked.paragraph = walker.paragraph;
    walked
}

/// What begins at an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// Any top-level block but a table.
    Block,
    Table,
    /// An item of a top-level list.
    Item,
}

/// What stands above a top-level block.
struct Above {
    /// Where the block drawn last ends.
    end: usize,
    /// Whether it is a list or a quote.
    container: bool,
}

impl Above {
    /// Whether there may be a link definition right above: it is not drawn, and the text below it can
    /// still become its title, or is read as the paragraph it stands in. What begins with a mark of
    /// its own cannot.
    fn hides(&self, text: &str, offset: usize) -> bool {
        const MARKS: [char; 8] = ['#', '`', '~', '>', '-', '*', '+', '_'];
        let between = text.get(self.end..offset).unwrap_or_default();
        let marked = text[offset..].trim_start().starts_with(MARKS);
        !between.trim().is_empty() || self.container && !marked
    }
}

/// Tells which block starts will stay block starts.
struct Blocks<'a> {
    source: &'a str,
}

impl Blocks<'_> {
    /// Whether more text can no longer make what begins at `offset` part of what stands before it.
    /// That is so when the lines that make it a block of its own are whole (a table needs two); when
    /// it begins with a letter, which no mark of a block does; and when a blank line parts them and
    /// it is not the number of an item to be. With something hidden above it takes a blank line; and
    /// an item that is indented like code would be code if nothing stood before it.
    fn settled(&self, offset: usize, begins: Begin, hidden: bool) -> bool {
        let (before, rest) = self.source.split_at(offset);
        let before_line = before.trim_end_matches([' ', '\t']);
        let parted = before_line
            .strip_suffix('\n')
            .is_some_and(|above| above.trim_end_matches([' ', '\t']).ends_with('\n'));
        if hidden && !parted {
            return false;
        }
        let lines = if begins == Begin::Table { 2 } else { 1 };
        let whole = rest.bytes().filter(|b| *b == b'\n').nth(lines - 1).is_some();
        let first = rest.trim_start().chars().next();
        match begins {
            Begin::Item => {
                let indent = &before[before_line.len()..];
                let text =
                    rest.split_once(' ').map_or("", |(_, text)| text.trim_start_matches(' '));
                indent.len() < 4
                    && !indent.contains('\t')
                    && (whole || text.starts_with(char::is_alphabetic))
            }
            Begin::Block if first.is_some_and(char::is_alphabetic) => true,
            Begin::Block | Begin::Table => {
                whole || parted && !first.is_some_and(|c| c.is_ascii_digit())
            }
        }
    }
}

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
pub(in crate::text) enum Gap {
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

#[derive(Debug)]
struct Walker<'a> {
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
    paragraph: Option<Paragraph>,
}

impl<'a> Walker<'a> {
    fn new(
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

    fn mark(&self, source: usize, item: Option<NextItem>) -> Mark {
        let (lines, code_blocks) = (self.out.lines.len(), self.out.code_blocks.len());
        Mark { source, lines, code_blocks, item }
    }

    /// How the innermost list goes on with an item at `at`; nothing for its first.
    fn next_item(&self, at: usize) -> Option<NextItem> {
        let list = self.lists.last().filter(|list| list.begun)?;
        let gap = if self.blank_above(at) { Gap::Always } else { Gap::None };
        Some(NextItem { number: list.next, gap })
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
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
        match self.containers.iter().any(|around| matches!(around, Container::Quote { .. })) {
            true => Role::Quote,
            false => Role::Body,
        }
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
                    line.push_str(&" ".repeat(*indent), TextStyle::BODY)
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
        let number = self.out.code_blocks.len() + 1;
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
