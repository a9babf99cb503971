//! Cells to bytes: the shortest usual way to turn one screen into the next.
//!
//! Invariants: only cells that changed are written (a row that holds graphemes whose width terminals
//! disagree on is written whole when anything in it changed); blanks are erased rather than printed
//! where that is shorter; every run starts from a known cursor place and style.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Rewriting up to so many unchanged cells is shorter than moving the cursor over them.
const BRIDGE: u16 = 3;
/// From so many blanks on, erasing them is shorter than printing spaces.
const ERASE: usize = 6;

/// Writes what turns `prev` into `next` (of the same size) onto `out`.
pub fn diff(prev: &Buffer, next: &Buffer, out: &mut String) {
    let width = next.area.width as usize;
    if width == 0 {
        return;
    }
    let mut pen = Pen::default();
    for (y, (row, old)) in next.content.chunks(width).zip(prev.content.chunks(width)).enumerate() {
        if row == old {
            continue;
        }
        let whole = row.iter().chain(old).any(doubtful);
        pen.row(row, old, y as u16, whole, out);
    }
    pen.reset(out);
}

/// Graphemes that terminals give different widths: joined, variation-selected or tinted emoji.
fn doubtful(cell: &Cell) -> bool {
    let symbol = cell.symbol();
    symbol.len() > 3
        && symbol.chars().any(
            |c| matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{1f1e6}'..='\u{1f1ff}'),
        )
}

/// Where the terminal's cursor is and how it writes, as far as we know.
#[derive(Default)]
struct Pen {
    at: Option<(u16, u16)>,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Default for Look {
    fn default() -> Self {
        Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() }
    }
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let mut look = Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        if cell.symbol() == " " && !look.shows_on_blank() {
            // A blank's foreground is invisible; not switching to it saves the switch.
            look.fg = Color::Reset;
            look.modifier = Modifier::empty();
        }
        look
    }

    fn shows_on_blank(self) -> bool {
        self.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT)
    }

    fn plain_blank(cell: &Cell) -> bool {
        cell.symbol() == " " && Self::of(cell) == Self::default()
    }
}

impl Pen {
    fn row(&mut self, row: &[Cell], old: &[Cell], y: u16, whole: bool, out: &mut String) {
        let mut x = 0usize;
        // Columns the wide grapheme before them still covered on the old screen.
        let mut stale_until = 0usize;
        while x < row.len() {
            let cell = &row[x];
            let step = cell_width(cell).clamp(1, row.len() - x);
            let changed = whole
                || x < stale_until
                || cell != &old[x]
                || row[x..x + step].iter().zip(&old[x..x + step]).skip(1).any(|(a, b)| a != b);
            if cell_width(&old[x]) > 1 && cell != &old[x] {
                stale_until = stale_until.max(x + cell_width(&old[x]));
            }
            if !changed {
                x += step;
                continue;
            }
            let blanks = row[x..].iter().take_while(|cell| Look::plain_blank(cell)).count();
            if blanks >= ERASE {
                self.go(x as u16, y, row, out);
                self.wear(Look::default(), out);
                if x + blanks == row.len() {
                    out.push_str("\x1b[K");
                } else {
                    let _ = write!(out, "\x1b[{blanks}X");
                }
                x += blanks;
                continue;
            }
            self.go(x as u16, y, row, out);
            self.put(cell, step, row.len(), out);
            x += step;
        }
    }

    /// Moves to a column, by rewriting a few cells where that is shorter.
    fn go(&mut self, x: u16, y: u16, row: &[Cell], out: &mut String) {
        match self.at {
            Some((at, line)) if line == y && at == x => return,
            Some((at, line)) if line == y && at < x && x - at <= BRIDGE => {
                let between = &row[at as usize..x as usize];
                let same = between.iter().all(|cell| {
                    Look::of(cell) == self.look && cell_width(cell) == 1 && cell.symbol().len() == 1
                });
                if same {
                    for cell in between {
                        out.push_str(cell.symbol());
                    }
                    self.at = Some((x, y));
                    return;
                }
                let _ = write!(out, "\x1b[{}C", x - at);
            }
            Some((at, line)) if line == y && at < x => {
                let _ = write!(out, "\x1b[{}C", x - at);
            }
            Some((_, line)) if line + 1 == y && x == 0 => out.push_str("\r\n"),
            _ if x == 0 => {
                let _ = write!(out, "\x1b[{}H", y + 1);
            }
            _ => {
                let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.at = Some((x, y));
    }

    fn put(&mut self, cell: &Cell, step: usize, width: usize, out: &mut String) {
        self.wear(Look::of(cell), out);
        if let (2.., true, Some((x, y))) = (step, doubtful(cell), self.at) {
            // A terminal that draws it narrower would leave what stood in its second half.
            let _ = write!(out, "  \x1b[{};{}H", y + 1, x + 1);
        }
        out.push_str(if cell.symbol().is_empty() { " " } else { cell.symbol() });
        self.at = match self.at {
            // At the right edge the cursor hangs in the margin; and after a doubtful grapheme
            // nobody knows where it stands.
            Some((x, y)) if x as usize + step < width && !doubtful(cell) => {
                Some((x + step as u16, y))
            }
            _ => None,
        };
    }

    fn reset(&mut self, out: &mut String) {
        self.wear(Look::default(), out);
    }

    fn wear(&mut self, look: Look, out: &mut String) {
        if look == self.look {
            return;
        }
        let start = out.len();
        out.push_str("\x1b[");
        let gone = self.look.modifier - look.modifier;
        let from = if look == Look::default() || !gone.is_empty() {
            out.push_str("0;");
            Look::default()
        } else {
            self.look
        };
        for (flag, code) in [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::REVERSED, 7),
            (Modifier::CROSSED_OUT, 9),
        ] {
            if look.modifier.contains(flag) && !from.modifier.contains(flag) {
                let _ = write!(out, "{code};");
            }
        }
        if look.fg != from.fg {
            colour(look.fg, 30, out);
        }
        if look.bg != from.bg {
            colour(look.bg, 40, out);
        }
        if out.ends_with(';') {
            out.pop();
            out.push('m');
        } else {
            // The two looks differ only in flags that have no code here.
            out.truncate(start);
        }
        if out.ends_with("[0m") {
            out.truncate(out.len() - 2);
            out.push('m');
        }
        self.look = look;
    }
}

/// Cells the grapheme covers; 0 for the hidden half of a wide one.
fn cell_width(cell: &Cell) -> usize {
    let symbol = cell.symbol();
    if symbol.len() <= 1 { 1 } else { symbol.width() }
}

fn colour(colour: Color, base: u8, out: &mut String) {
    let named = |n: u8| if n < 8 { base + n } else { base + 52 + n };
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Indexed(n) => {
            let _ = write!(out, "{};5;{n};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    let _ = write!(out, "{code};");
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
