//! Markdown that is still arriving, as rows.
//!
//! Owns: which rows are final, and doing as little as possible per delta. Must not know: frames,
//! scrolling, providers. Invariants: after any delta the rows are those of rendering the source so
//! far, except that a link definition acts on rows above it only once a later block has begun or the
//! text is finished; after [`finish`](StreamingText::finish) they are exactly those.
//!
//! Top-level blocks and the items of top-level lists are frozen once another has begun: nothing that
//! follows can change them. Of the last one everything is rendered again, with two exceptions: an
//! open code block at the left margin grows by lines, and a paragraph that goes on without markup
//! grows by its last row.

mod fence;
mod paragraph;

use fence::OpenFence;
use paragraph::OpenParagraph;

use super::line::Line;
use super::markdown::{CodeBlock, Mark, RenderOptions, Rendered, Start, walk};
use super::sanitize::{Sanitizer, Tabs};

/// What can grow without rendering the last block again.
#[derive(Debug, Clone, Default)]
enum Open {
    #[default]
    Nothing,
    Fence(OpenFence),
    Paragraph(OpenParagraph),
}

/// Whether an open block could take what was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    Grown,
    /// The block must be rendered again.
    Refused,
}

/// A reply as it streams.
#[derive(Debug, Clone)]
pub struct StreamingText {
    sanitizer: Sanitizer,
    source: String,
    width: usize,
    options: RenderOptions,
    out: Rendered,
    /// The start of the last block; everything before it is final.
    frozen: Mark,
    /// The link definitions before it.
    known: String,
    /// The last block ends with link definitions.
    defines: bool,
    open: Open,
    /// Bytes of source appended but not yet rendered start here.
    rendered: usize,
    work: usize,
}

impl StreamingText {
    /// An empty text. Widths below one count as one.
    pub fn new(width: u16, options: RenderOptions) -> Self {
        Self {
            sanitizer: Sanitizer::with_tabs(Tabs::Keep),
            source: String::new(),
            width: usize::from(width.max(1)),
            options,
            out: Rendered::default(),
            frozen: Mark::default(),
            known: String::new(),
            defines: false,
            open: Open::Nothing,
            rendered: 0,
            work: 0,
        }
    }

    /// Appends a delta, which may be untrusted, and renders.
    pub fn push(&mut self, delta: &str) {
        self.append(delta);
        self.refresh();
    }

    /// Appends a delta without rendering: for deltas that arrive faster than frames are drawn.
    pub fn append(&mut self, delta: &str) {
        self.sanitizer.push_into(delta, &mut self.source);
    }

    /// Renders what was appended.
    pub fn refresh(&mut self) {
        if self.rendered == self.source.len() {
            return;
        }
        let from = std::mem::replace(&mut self.rendered, self.source.len());
        let growth = match &mut self.open {
            Open::Nothing => Growth::Refused,
            Open::Fence(fence) => fence.extend(&self.source, &mut self.out, &mut self.work),
            Open::Paragraph(paragraph) => {
                paragraph.extend(&self.source, from, self.width, &mut self.out, &mut self.work)
            }
        };
        if growth == Growth::Refused {
            self.render_tail();
        }
    }

    /// No more will come: renders what was held back and lets link definitions act.
    pub fn finish(&mut self) {
        let held = self.sanitizer.finish();
        self.source.push_str(&held);
        self.refresh();
        if self.defines {
            self.render_all();
        }
    }

    /// Renders again at another width.
    pub fn set_width(&mut self, width: u16) {
        let width = usize::from(width.max(1));
        if width != self.width {
            self.width = width;
            self.render_all();
        }
    }

    /// Renders again with other options.
    pub fn set_options(&mut self, options: RenderOptions) {
        if options != self.options {
            self.options = options;
            self.render_all();
        }
    }

    /// The rows, top to bottom.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> + ExactSizeIterator {
        self.out.lines.iter()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.out.lines.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.out.lines.is_empty()
    }

    /// A row.
    pub fn line(&self, index: usize) -> Option<&Line> {
        self.out.lines.get(index)
    }

    /// Rows at the top that later text cannot change, link definitions aside.
    pub fn frozen_len(&self) -> usize {
        self.frozen.lines
    }

    /// Where the last block begins, in bytes of source and in rows: all before is final.
    pub fn frozen(&self) -> (usize, usize) {
        (self.frozen.source, self.frozen.lines)
    }

    /// The code blocks so far; the last may be unfinished.
    pub fn code_blocks(&self) -> &[CodeBlock] {
        &self.out.code_blocks
    }

    /// The sanitised source so far.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The width rows are wrapped to.
    pub fn width(&self) -> u16 {
        self.width.min(usize::from(u16::MAX)) as u16
    }

    /// Bytes of source rendered in all, repetitions counted: what streaming cost so far.
    pub fn bytes_rendered(&self) -> usize {
        self.work
    }

    fn render_all(&mut self) {
        self.frozen = Mark::default();
        self.known.clear();
        self.rendered = self.source.len();
        self.render_once();
    }

    fn render_tail(&mut self) {
        let known = self.known.len();
        self.render_once();
        if self.known.len() > known {
            // Definitions have become final: rows above may hold links to them.
            self.render_all();
        }
    }

    /// Renders the last block and whatever follows it, freezes all but the new last block, and finds
    /// out how that can grow.
    fn render_once(&mut self) {
        self.out.lines.truncate(self.frozen.lines);
        self.out.code_blocks.truncate(self.frozen.code_blocks);
        let start = self.frozen.source;
        let tail = &self.source[start..];
        self.work += tail.len();
        let begin = Start { known: &self.known, item: self.frozen.item };
        let walked = walk(tail, begin, self.width, &self.options, &mut self.out);
        let split = walked.last.map_or(0, |mark| mark.source);
        let (above, below): (Vec<_>, Vec<_>) =
            walked.definitions.iter().partition(|span| span.start < split);
        // While what looks like a definition may still turn out to be none, rows that used it are not
        // final.
        self.defines = !below.is_empty();
        if let Some(mark) = walked.last.filter(|_| !self.defines) {
            for span in above {
                self.known.push_str(&self.source[start + span.start..start + span.end]);
                self.known.push('\n');
            }
            self.frozen = Mark { source: start + mark.source, ..mark };
        }
        let tail = &self.source[self.frozen.source..];
        let paragraph = walked.paragraph.filter(|_| !self.defines);
        self.open = if let Some(paragraph) = paragraph {
            OpenParagraph::new(paragraph, tail, &self.out).map_or(Open::Nothing, Open::Paragraph)
        } else {
            let block = self.out.code_blocks.get(self.frozen.code_blocks);
            let fence = block.and_then(|block| {
                OpenFence::new(&self.source, self.frozen.source, block, self.width, &self.options)
            });
            fence.map_or(Open::Nothing, Open::Fence)
        };
        if let Open::Fence(fence) = &mut self.open {
            fence.extend(&self.source, &mut self.out, &mut self.work);
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
