//! Markdown that is still arriving, as rows.
//!
//! Owns: which rows are final, and doing as little as possible per delta. Must not know: frames,
//! scrolling, providers. Invariants: after any delta the rows are those of rendering the source so
//! far, except that a link definition acts on rows above it only once a later block has begun or the
//! text is finished; after [`finish`](StreamingText::finish) they are exactly those.
//!
//! Top-level blocks before the last one are frozen: nothing that follows can change them. Of the last
//! block everything is rendered again, but for an open code block at the left margin, which grows by
//! lines.

use super::line::Line;
use super::markdown::{CodeBlock, CodeRows, Fence, Mark, RenderOptions, Rendered, walk};
use super::sanitize::{Sanitizer, Tabs};

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
    fence: Option<OpenFence>,
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
            fence: None,
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
        self.rendered = self.source.len();
        if let Some(mut fence) = self.fence.take() {
            if fence.extend(&self.source, &mut self.out, &mut self.work) == Growth::Open {
                self.fence = Some(fence);
                return;
            }
        }
        self.render_tail();
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
        self.open_fence();
    }

    fn render_tail(&mut self) {
        let known = self.known.len();
        self.render_once();
        if self.known.len() > known {
            // Definitions have become final: rows above may hold links to them.
            self.render_all();
            return;
        }
        self.open_fence();
    }

    /// Renders the last block and whatever follows it, and freezes all but the new last block.
    fn render_once(&mut self) {
        self.fence = None;
        self.out.lines.truncate(self.frozen.lines);
        self.out.code_blocks.truncate(self.frozen.code_blocks);
        let start = self.frozen.source;
        let tail = &self.source[start..];
        self.work += tail.len();
        let walked = walk(tail, &self.known, self.width, &self.options, &mut self.out);
        let split = walked.last.map_or(0, |mark| mark.source);
        self.defines = walked.definitions.last().is_some_and(|span| span.start >= split);
        for span in walked.definitions.iter().filter(|span| span.start < split) {
            self.known.push_str(&self.source[start + span.start..start + span.end]);
            self.known.push('\n');
        }
        if let Some(mark) = walked.last {
            self.frozen = Mark { source: start + mark.source, ..mark };
        }
    }

    /// If the last block is an open code block at the left margin, lets it grow by lines from here.
    fn open_fence(&mut self) {
        let tail = &self.source[self.frozen.source..];
        let Some((first, code)) = tail.split_once('\n') else { return };
        let Some(fence) = Fence::open(first) else { return };
        let closed =
            code.split_inclusive('\n').any(|line| line.ends_with('\n') && fence.closed_by(line));
        let Some(block) = self.out.code_blocks.get_mut(self.frozen.code_blocks) else { return };
        if closed {
            return;
        }
        block.text.clear();
        self.out.lines.truncate(block.line + 1);
        let mut open = OpenFence {
            fence,
            rows: CodeRows::new(&block.lang, self.width, Line::blank(), &self.options),
            source: self.source.len() - code.len(),
            lines: block.line + 1,
            code_lines: 0,
            text: 0,
        };
        open.extend(&self.source, &mut self.out, &mut self.work);
        self.fence = Some(open);
    }
}

/// Whether an open code block still is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    Open,
    Closed,
}

/// The place reached in a code block that is still open.
#[derive(Debug, Clone)]
struct OpenFence {
    fence: Fence,
    rows: CodeRows,
    /// Where the first line starts that is not whole yet.
    source: usize,
    /// Rows down to it.
    lines: usize,
    /// Lines of code before it.
    code_lines: usize,
    /// Bytes of code before it, its line break not counted.
    text: usize,
}

impl OpenFence {
    fn extend(&mut self, source: &str, out: &mut Rendered, work: &mut usize) -> Growth {
        let Some(block) = out.code_blocks.last_mut() else { return Growth::Closed };
        out.lines.truncate(self.lines);
        block.text.truncate(self.text);
        while let Some(end) = source[self.source..].find('\n') {
            let line = &source[self.source..self.source + end];
            if self.fence.closed_by(line) {
                return Growth::Closed;
            }
            *work += line.len() + 1;
            if self.code_lines > 0 {
                block.text.push('\n');
            }
            block.text.push_str(line);
            self.rows.line(line, &mut out.lines);
            self.code_lines += 1;
            self.source += end + 1;
            self.text = block.text.len();
        }
        self.lines = out.lines.len();
        let unfinished = &source[self.source..];
        let blank = unfinished.trim_start_matches([' ', '\t']).is_empty();
        if !blank && !self.fence.closed_by(unfinished) {
            *work += unfinished.len();
            if self.code_lines > 0 {
                block.text.push('\n');
            }
            block.text.push_str(unfinished);
            self.rows.clone().line(unfinished, &mut out.lines);
        }
        out.lines.push(self.rows.footer());
        Growth::Open
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
