//! Where the blocks of a source begin, and which of them are final.
//!
//! Owns: reading a source as events, and telling which block starts later text can undo. Must not
//! know: how anything is drawn. Invariant: rendering a source from a [`Mark`] on gives the rows that
//! rendering all of it gives from there.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TextMergeWithOffset};

use super::walker::{Gap, Walker};
use super::{RenderOptions, Rendered};
use crate::text::wrap::{Flow, LastRow};

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
    pub(super) number: Option<u64>,
    /// Whether a blank row goes before it.
    pub(super) gap: Gap,
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
