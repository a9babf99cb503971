//! Putting text and rules into cells.
//!
//! Owns: clipping and alignment. Must not know what is drawn. Invariant: nothing is ever written
//! outside the rectangle a caller names, and no control character gets into a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::console::theme::{GlyphSet, Theme, Token};
use crate::text;

/// A buffer with a theme to draw with.
pub(super) struct Ink<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: &'a Theme,
    pub(super) glyphs: &'static GlyphSet,
}

/// Text of one meaning.
pub(super) type Piece<'a> = (&'a str, Token);

/// A title on a rule keeps at least so many cells.
const TITLE_CELLS: u16 = 14;

impl Ink<'_> {
    /// The style of a meaning.
    pub(super) fn style(&self, token: Token) -> Style {
        self.theme.style(token)
    }

    /// Writes text at a column of a row, cut at the row's right edge. Returns the next free column.
    pub(super) fn put(&mut self, row: Rect, x: u16, text: &str, token: Token) -> u16 {
        let style = self.style(token);
        let words = self.glyphs.words(text);
        self.put_styled(row, x, &words, style)
    }

    /// The same with a style already made, and the text as it is: somebody else wrote it.
    pub(super) fn put_styled(&mut self, row: Rect, x: u16, text: &str, style: Style) -> u16 {
        let (left, right) = (row.left() + x, row.right().min(self.buffer.area.right()));
        if left >= right || row.height == 0 || row.top() >= self.buffer.area.bottom() {
            return x;
        }
        let clean;
        let text = if text.contains(char::is_control) {
            clean = text.replace(char::is_control, "");
            clean.as_str()
        } else {
            text
        };
        let (end, _) =
            self.buffer.set_stringn(left, row.top(), text, usize::from(right - left), style);
        end - row.left()
    }

    /// Writes pieces one after the other. Returns the next free column.
    pub(super) fn puts(&mut self, row: Rect, mut x: u16, pieces: &[Piece<'_>]) -> u16 {
        for (text, token) in pieces {
            x = self.put(row, x, text, *token);
        }
        x
    }

    /// Writes pieces so that they end at a column. Returns the first column used.
    pub(super) fn right(&mut self, row: Rect, end: u16, pieces: &[Piece<'_>]) -> u16 {
        let cells = cells(pieces);
        let start = end.saturating_sub(cells);
        self.puts(row, start, pieces);
        start
    }

    /// A left and a right part on one row; the left is cut with an ellipsis where they would meet.
    pub(super) fn both(&mut self, row: Rect, x: u16, left: &[Piece<'_>], right: &[Piece<'_>]) {
        let end = row.width.saturating_sub(1);
        let right_start = if right.is_empty() {
            end
        } else {
            let start = self.right(row, end, right);
            start.saturating_sub(2)
        };
        let mut at = x;
        for (text, token) in left {
            let room = usize::from(right_start.saturating_sub(at));
            if room == 0 {
                break;
            }
            let cut = text::ellipsis(text, room);
            at = self.put(row, at, &cut, *token);
            if cut.len() != text.len() {
                break;
            }
        }
    }

    /// A rule across a row, with a title let into its left and words into its right end.
    pub(super) fn rule(&mut self, row: Rect, left: &[Piece<'_>], right: &[Piece<'_>]) {
        self.line(row);
        let tail = self.style(Token::Rule);
        let mut end = row.width;
        // A short title is always whole: the words beside it give way.
        let room = row.width.saturating_sub(9 + cells(left).min(TITLE_CELLS));
        let wanted = cells(right).min(room);
        if wanted > 0 {
            end = row.width - wanted - 4;
            let mut x = self.put_styled(row, end, " ", tail);
            for (text, token) in right {
                let left_over = usize::from((end + 1 + wanted).saturating_sub(x));
                x = self.put(row, x, &text::ellipsis(text, left_over), *token);
            }
            self.put_styled(row, x, " ", tail);
        }
        if !left.is_empty() {
            let room = usize::from(end.saturating_sub(5));
            let mut x = self.put_styled(row, 2, " ", tail);
            for (text, token) in left {
                let used = usize::from(x.saturating_sub(3));
                x = self.put(row, x, &text::ellipsis(text, room.saturating_sub(used)), *token);
            }
            self.put_styled(row, x, " ", tail);
        }
    }

    /// A bare rule across a row.
    pub(super) fn line(&mut self, row: Rect) {
        let (glyph, style) = (self.glyphs.rule, self.style(Token::Rule));
        for x in row.left()..row.right() {
            if let Some(cell) = self.buffer.cell_mut((x, row.top())) {
                cell.set_symbol(glyph).set_style(style);
            }
        }
    }

    /// A vertical rule down a column.
    pub(super) fn bar(&mut self, x: u16, top: u16, bottom: u16) {
        let (glyph, style) = (self.glyphs.bar, self.style(Token::Rule));
        for y in top..bottom {
            if let Some(cell) = self.buffer.cell_mut((x, y)) {
                cell.set_symbol(glyph).set_style(style);
            }
        }
    }

    /// Empties an area and paints the theme's background.
    pub(super) fn clear(&mut self, area: Rect) {
        let style = Style::reset().patch(self.style(Token::Fg)).patch(self.style(Token::Bg));
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            // A wide grapheme that reaches into the area goes whole.
            if let Some(cell) = area.x.checked_sub(1).and_then(|x| self.buffer.cell_mut((x, y)))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Lays a style over a row without touching its text: a selection.
    pub(super) fn over(&mut self, row: Rect, token: Token) {
        let style = self.style(token);
        let row = row.intersection(self.buffer.area);
        for at in row.positions() {
            if let Some(cell) = self.buffer.cell_mut(at) {
                // Colours under a reversed selection would show as a patchwork of backgrounds.
                cell.modifier.remove(Modifier::DIM);
                if style.bg.is_none() {
                    cell.fg = Color::Reset;
                }
            }
        }
        self.buffer.set_style(row, style);
    }

    /// A box with a title and words on its top edge and on its bottom edge; returns its inside.
    pub(super) fn window(
        &mut self,
        area: Rect,
        title: &str,
        hint: &str,
        foot: (&str, &str),
    ) -> Rect {
        let area = area.intersection(self.buffer.area);
        self.clear(area);
        if area.width < 4 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let [tl, tr, bl, br] = self.glyphs.corners;
        let (top, bottom) = (row(area, 0), row(area, area.height - 1));
        for edge in [top, bottom] {
            self.line(edge);
        }
        self.bar(area.left(), area.top() + 1, area.bottom() - 1);
        self.bar(area.right() - 1, area.top() + 1, area.bottom() - 1);
        for (edge, x, glyph) in
            [(top, 0, tl), (top, area.width - 1, tr), (bottom, 0, bl), (bottom, area.width - 1, br)]
        {
            self.put(edge, x, glyph, Token::Rule);
        }
        let inset = |row: Rect| Rect { width: row.width - 2, ..row };
        for (edge, left, right, token) in
            [(top, title, hint, Token::Strong), (bottom, foot.0, foot.1, Token::Dim)]
        {
            let edge = inset(edge);
            let right_text = format!(" {right} ");
            let mut end = edge.width;
            if !right.is_empty() && text::width(&right_text) + 6 < usize::from(edge.width) {
                end = self.right(edge, edge.width, &[(&right_text, Token::Dim)]);
            }
            if !left.is_empty() {
                let text =
                    format!(" {} ", text::ellipsis(left, usize::from(end.saturating_sub(5))));
                self.put(edge, 2, &text, token);
            }
        }
        inside(area)
    }
}

/// What a window's edges leave free.
pub(super) fn inside(area: Rect) -> Rect {
    Rect::new(area.x + 2, area.y + 1, area.width.saturating_sub(4), area.height.saturating_sub(2))
}

/// Cells the pieces take.
pub(super) fn cells(pieces: &[Piece<'_>]) -> u16 {
    pieces.iter().map(|(text, _)| text::width(text)).sum::<usize>() as u16
}

/// The nth row of an area; empty below it.
pub(super) fn row(area: Rect, n: u16) -> Rect {
    if n < area.height {
        Rect::new(area.x, area.y + n, area.width, 1)
    } else {
        Rect::new(area.x, area.bottom(), area.width, 0)
    }
}

/// An area without its first rows.
pub(super) fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect::new(area.x, area.y + rows, area.width, area.height - rows)
}
