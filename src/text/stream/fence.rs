//! An open code block at the left margin.
//!
//! Owns: the place reached in it. Must not know: other blocks. Invariant: each line of code is drawn
//! for good once it is whole; only the unfinished one is drawn again.

use super::Growth;
use crate::text::line::Line;
use crate::text::markdown::{CodeBlock, CodeRows, Fence, RenderOptions, Rendered};

/// The place reached in a code block that is still open.
#[derive(Debug, Clone)]
pub(super) struct OpenFence {
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
    /// The code block `block`, if it is one at the left margin and `source`, which has it at byte `from`, does
    /// not close it.
    pub(super) fn new(
        source: &str,
        from: usize,
        block: &CodeBlock,
        width: usize,
        options: &RenderOptions,
    ) -> Option<Self> {
        let (first, code) = source[from..].split_once('\n')?;
        let fence = Fence::open(first)?;
        let mut lines = code.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        if lines.any(|line| fence.closed_by(line)) {
            return None;
        }
        Some(Self {
            fence,
            rows: CodeRows::new(&block.lang, width, Line::blank(), options),
            source: source.len() - code.len(),
            lines: block.line + 1,
            code_lines: 0,
            text: 0,
        })
    }

    /// Draws what was appended to the source.
    pub(super) fn extend(&mut self, source: &str, out: &mut Rendered, work: &mut usize) -> Growth {
        let Some(block) = out.code_blocks.last_mut() else { return Growth::Refused };
        out.lines.truncate(self.lines);
        block.text.truncate(self.text);
        while let Some(end) = source[self.source..].find('\n') {
            let line = &source[self.source..self.source + end];
            if self.fence.closed_by(line) {
                return Growth::Refused;
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
        Growth::Grown
    }
}
