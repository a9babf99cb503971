//! A drawn screen as an SVG picture: the same buffer the terminal gets, cell by cell, so that a
//! picture can show nothing the program does not draw.
//!
//! Must not know: what is on the screen. Invariant: every run of text is as wide as its cells,
//! whatever font shows it.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// A cell's size and the text's, in pixels; the ratio is that of common monospaced fonts.
const CELL_W: f32 = 8.4;
const CELL_H: f32 = 18.0;
const FONT: f32 = 14.0;
/// From a row's top to its baseline.
const BASE: f32 = 13.5;
/// Around the screen.
const MARGIN: f32 = 12.0;

/// A colour of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Perceived brightness, 0 to 255.
    fn brightness(self) -> u32 {
        (u32::from(self.0) * 299 + u32::from(self.1) * 587 + u32::from(self.2) * 114) / 1000
    }
}

/// What a terminal would bring along: its own colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Behind cells that set none.
    pub background: Rgb,
    /// For text that sets none.
    pub foreground: Rgb,
}

impl Palette {
    /// For a screen with this background, or a dark terminal's.
    pub fn on(background: Option<Rgb>) -> Self {
        let background = background.unwrap_or(Rgb(0x16, 0x18, 0x1d));
        let foreground = if background.brightness() < 128 {
            Rgb(0xd8, 0xda, 0xde)
        } else {
            Rgb(0x20, 0x22, 0x28)
        };
        Self { background, foreground }
    }
}

/// The sixteen named colours, in their usual order.
const NAMED: [Rgb; 16] = [
    Rgb(0x1d, 0x1f, 0x24),
    Rgb(0xe0, 0x6c, 0x75),
    Rgb(0x8c, 0xc2, 0x65),
    Rgb(0xd8, 0xa6, 0x57),
    Rgb(0x5f, 0xa8, 0xe8),
    Rgb(0xc0, 0x83, 0xd8),
    Rgb(0x4f, 0xb8, 0xb8),
    Rgb(0xc5, 0xc8, 0xce),
    Rgb(0x78, 0x7d, 0x88),
    Rgb(0xf0, 0x85, 0x8d),
    Rgb(0xa5, 0xd8, 0x80),
    Rgb(0xec, 0xc0, 0x75),
    Rgb(0x80, 0xc0, 0xf8),
    Rgb(0xd4, 0xa0, 0xe8),
    Rgb(0x70, 0xd0, 0xd0),
    Rgb(0xf2, 0xf4, 0xf7),
];

fn named(index: u8) -> Rgb {
    NAMED.get(usize::from(index)).copied().unwrap_or(NAMED[7])
}

/// The 256-colour palette as xterm defines it: 16 named, a 6×6×6 cube, 24 greys.
fn indexed(index: u8) -> Rgb {
    let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match index {
        0..=15 => named(index),
        16..=231 => {
            let n = index - 16;
            Rgb(level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            Rgb(grey, grey, grey)
        }
    }
}

/// What the colour is, where it is one at all.
pub fn rgb(color: Color) -> Option<Rgb> {
    Some(match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(index) => indexed(index),
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
    })
}

/// How a run of cells looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Rgb,
    bg: Rgb,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell, palette: Palette) -> Self {
        let mut fg = rgb(cell.fg).unwrap_or(palette.foreground);
        let mut bg = rgb(cell.bg).unwrap_or(palette.background);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fg, &mut bg);
        }
        Self { fg, bg, modifier: cell.modifier }
    }
}

/// Cells of one row that look the same.
struct Run {
    column: u16,
    cells: u16,
    look: Look,
    text: String,
}

/// The picture.
pub fn picture(buffer: &Buffer, palette: Palette, title: &str) -> String {
    let area = buffer.area;
    let width = f32::from(area.width) * CELL_W + 2.0 * MARGIN;
    let height = f32::from(area.height) * CELL_H + 2.0 * MARGIN;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"{FONT}\" xml:space=\"preserve\">\n",
        escape(title),
        palette.background.hex()
    );
    for y in 0..area.height {
        for run in runs(buffer, y, palette) {
            draw(&mut out, &run, y, palette);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn runs(buffer: &Buffer, y: u16, palette: Palette) -> Vec<Run> {
    let area = buffer.area;
    let mut runs: Vec<Run> = Vec::new();
    let mut x = 0;
    while x < area.width {
        let Some(cell) = buffer.cell((area.x + x, area.y + y)) else { break };
        let symbol = cell.symbol();
        let cells = u16::try_from(symbol.width().max(1)).unwrap_or(1);
        let look = Look::of(cell, palette);
        match runs.last_mut() {
            // A wide symbol stands alone, so that the text around it keeps its place.
            Some(run)
                if run.look == look
                    && cells == 1
                    && run.text.width() == usize::from(run.cells)
                    && !wide(run) =>
            {
                run.text.push_str(symbol);
                run.cells += 1;
            }
            _ => runs.push(Run { column: x, cells, look, text: symbol.to_owned() }),
        }
        x += cells;
    }
    runs
}

fn wide(run: &Run) -> bool {
    run.text.chars().count() < usize::from(run.cells)
}

fn draw(out: &mut String, run: &Run, y: u16, palette: Palette) {
    let x = MARGIN + f32::from(run.column) * CELL_W;
    let top = MARGIN + f32::from(y) * CELL_H;
    let width = f32::from(run.cells) * CELL_W;
    if run.look.bg != palette.background {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{CELL_H}\" fill=\"{}\"/>",
            run.look.bg.hex()
        );
    }
    let marked = run.look.modifier.intersects(Modifier::UNDERLINED | Modifier::CROSSED_OUT);
    if run.text.trim().is_empty() && !marked {
        return;
    }
    let mut style = String::new();
    let modifier = run.look.modifier;
    if modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::ITALIC) {
        style.push_str(" font-style=\"italic\"");
    }
    if modifier.contains(Modifier::DIM) {
        style.push_str(" opacity=\"0.6\"");
    }
    match (modifier.contains(Modifier::UNDERLINED), modifier.contains(Modifier::CROSSED_OUT)) {
        (true, true) => style.push_str(" text-decoration=\"underline line-through\""),
        (true, false) => style.push_str(" text-decoration=\"underline\""),
        (false, true) => style.push_str(" text-decoration=\"line-through\""),
        (false, false) => {}
    }
    let base = top + BASE;
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{width:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{style}>{}</text>",
        run.look.fg.hex(),
        escape(&run.text)
    );
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write these.
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn drawn() -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b 你好 ok", Style::new().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(0, 1, "on", Style::new().bg(Color::Green).add_modifier(Modifier::BOLD));
        picture(&buffer, Palette::on(None), "chat & more")
    }

    #[test]
    fn text_is_escaped_coloured_and_in_its_place() {
        let svg = drawn();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("<title>chat &amp; more</title>"));
        assert!(svg.contains("fill=\"#010203\">a&lt;b </text>"), "{svg}");
        assert!(svg.contains("font-weight=\"bold\""));
        assert!(svg.contains(&named(2).hex()));
    }

    #[test]
    fn a_wide_symbol_takes_two_cells_and_moves_nothing() {
        let svg = drawn();
        let at = |column: f32| format!("<text x=\"{:.1}\"", MARGIN + column * CELL_W);
        for (column, text) in [(4.0, ">你<"), (6.0, ">好<"), (8.0, "> ok<")] {
            let line = svg.lines().find(|line| line.contains(text)).unwrap();
            assert!(line.starts_with(&at(column)), "{line}");
        }
    }

    #[test]
    fn text_stands_out_from_light_and_dark_backgrounds() {
        assert!(Palette::on(Some(Rgb(255, 255, 255))).foreground.brightness() < 60);
        assert!(Palette::on(None).foreground.brightness() > 190);
    }

    #[test]
    fn the_cube_and_the_greys_are_xterms() {
        assert_eq!(indexed(16), Rgb(0, 0, 0));
        assert_eq!(indexed(231), Rgb(255, 255, 255));
        assert_eq!(indexed(196), Rgb(255, 0, 0));
        assert_eq!(indexed(232), Rgb(8, 8, 8));
    }
}
