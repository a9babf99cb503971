//! A picture of a screen: the cells of a buffer as SVG, in a window frame. No fonts are fetched:
//! every run of cells is stretched to the cells it takes, whatever monospace font is at hand.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::sample::{self, Scene};
use crate::console::app::ColorDepth;
use crate::console::theme::Theme;
use crate::text;

/// A cell in SVG units: the proportions of most monospace fonts at 14 px.
const CELL: (f32, f32) = (8.4, 18.0);
/// Room around the cells, and the height of the window's bar.
const PAD: f32 = 14.0;
const BAR: f32 = 34.0;

/// A picture of a made-up scene at a size, in a shipped theme; `None` when there is no such theme.
pub fn scene(scene: Scene, cols: u16, rows: u16, theme: &str) -> Option<String> {
    let theme = Theme::named(theme, ColorDepth::True)?;
    let state = sample::state(scene, cols, rows);
    let mut buffer = Buffer::empty(Rect::new(0, 0, cols, rows));
    super::draw(&state, &theme, &mut buffer);
    Some(svg(&buffer, &theme))
}

/// Red, green, blue.
type Rgb = (u8, u8, u8);

/// What the terminal's own colours look like in a picture.
struct Palette {
    fg: Rgb,
    bg: Rgb,
    ansi: [Rgb; 16],
}

const NIGHT: Palette = Palette {
    fg: (0xd5, 0xdb, 0xe6),
    bg: (0x12, 0x15, 0x1c),
    ansi: [
        (0x1d, 0x21, 0x2b),
        (0xf2, 0x77, 0x7a),
        (0x7c, 0xcf, 0x8f),
        (0xe5, 0xbd, 0x5a),
        (0x7c, 0xb7, 0xff),
        (0xc7, 0xa0, 0xf0),
        (0x7f, 0xd0, 0xc8),
        (0xd5, 0xdb, 0xe6),
        (0x6b, 0x74, 0x87),
        (0xff, 0x96, 0x96),
        (0x9b, 0xe3, 0xa9),
        (0xf3, 0xd3, 0x7e),
        (0xa3, 0xcd, 0xff),
        (0xdb, 0xbe, 0xf8),
        (0xa2, 0xe3, 0xdc),
        (0xf7, 0xf9, 0xfc),
    ],
};

/// The buffer as an SVG picture in a window of its own.
pub fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let (cols, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (cols * CELL.0 + 2.0 * PAD, rows * CELL.1 + BAR + PAD);
    let bg = rgb(theme.background(), NIGHT.bg);
    let dark = luma(bg) < 128.0;
    let frame = mix(bg, if dark { (255, 255, 255) } else { (0, 0, 0) }, 0.14);
    let bar = mix(bg, if dark { (255, 255, 255) } else { (0, 0, 0) }, 0.06);
    let mut out = String::with_capacity(buffer.content.len() * 24);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"wheelhouse in a terminal\">\
         <style>text{{font-family:ui-monospace,'JetBrains Mono','Fira Code','SF Mono',Menlo,Consolas,\
         'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace;font-size:14px;white-space:pre}}</style>\
         <rect x=\".5\" y=\".5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"10\" fill=\"{}\" stroke=\"{}\"/>\
         <path d=\"M.5 {BAR} V10.5 a10 10 0 0 1 10 -10 H{:.1} a10 10 0 0 1 10 10 V{BAR} Z\" fill=\"{}\"/>",
        width - 1.0,
        height - 1.0,
        hex(bg),
        hex(frame),
        width - 10.5,
        hex(bar),
    );
    for (n, colour) in ["#ff6058", "#ffbd2e", "#28c93f"].iter().enumerate() {
        let _ = write!(out, "<circle cx=\"{}\" cy=\"17\" r=\"6\" fill=\"{colour}\"/>", 22 + n * 20);
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"21.5\" text-anchor=\"middle\" fill=\"{}\" font-size=\"12\">wheelhouse</text>",
        width / 2.0,
        hex(mix(bg, NIGHT_OR_DAY[usize::from(!dark)], 0.55)),
    );
    for y in 0..buffer.area.height {
        row(&mut out, buffer, y, bg, dark);
    }
    out.push_str("</svg>\n");
    out
}

const NIGHT_OR_DAY: [Rgb; 2] = [(255, 255, 255), (0, 0, 0)];

/// How a cell looks in the picture.
#[derive(PartialEq, Clone, Copy)]
struct Look {
    fg: Rgb,
    bg: Rgb,
    modifier: Modifier,
}

fn look(cell: &Cell, page: Rgb, dark: bool) -> Look {
    let ink = if dark { NIGHT.fg } else { (0x23, 0x27, 0x2f) };
    let (mut fg, mut bg) = (rgb(cell.fg, ink), rgb(cell.bg, page));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    if cell.modifier.contains(Modifier::DIM) {
        fg = mix(fg, bg, 0.38);
    }
    Look { fg, bg, modifier: cell.modifier - Modifier::DIM - Modifier::REVERSED }
}

/// Cells of one row with one look, and what is in them.
struct Run {
    words: String,
    look: Look,
    left: f32,
    top: f32,
    width: f32,
}

fn row(out: &mut String, buffer: &Buffer, y: u16, page: Rgb, dark: bool) {
    let mut x = 0u16;
    while x < buffer.area.width {
        let Some(cell) = buffer.cell((x, y)) else { return };
        let style = look(cell, page, dark);
        let (start, kind) = (x, Kind::of(cell.symbol()));
        let first = cell.symbol().to_owned();
        let mut words = String::new();
        while let Some(cell) = buffer.cell((x, y)) {
            let goes_on = x == start
                || match kind {
                    Kind::Wide => false,
                    Kind::Shape => cell.symbol() == first,
                    Kind::Text | Kind::Blank => Kind::of(cell.symbol()) == kind,
                };
            if look(cell, page, dark) != style || !goes_on {
                break;
            }
            words.push_str(if cell.symbol().is_empty() { " " } else { cell.symbol() });
            x += (text::width(cell.symbol()) as u16).max(1);
        }
        let run = Run {
            words,
            look: style,
            left: PAD + f32::from(start) * CELL.0,
            top: BAR + f32::from(y) * CELL.1,
            width: f32::from(x - start) * CELL.0,
        };
        if style.bg != page {
            rect(out, (run.left, run.top, run.width, CELL.1), &hex(style.bg), 1.0);
        }
        match kind {
            Kind::Blank => {}
            Kind::Shape => shape(out, &run, &first),
            Kind::Text | Kind::Wide => write_run(out, &run),
        }
    }
}

/// How a cell is put into the picture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing to draw.
    Blank,
    /// Letters.
    Text,
    /// A grapheme fonts may draw wider or narrower than its cells: on its own.
    Wide,
    /// A line or block, drawn rather than written, so that it meets its neighbours.
    Shape,
}

impl Kind {
    fn of(symbol: &str) -> Self {
        match symbol.chars().next() {
            None | Some(' ') => Self::Blank,
            Some('\u{2500}'..='\u{2503}' | '├' | '┤' | '┴' | '┬' | '╭' | '╮' | '╰' | '╯') => {
                Self::Shape
            }
            Some('\u{2580}'..='\u{2593}') => Self::Shape,
            Some(_) if symbol.len() > 1 && text::width(symbol) > 1 => Self::Wide,
            Some(_) => Self::Text,
        }
    }
}

fn rect(out: &mut String, (x, y, width, height): (f32, f32, f32, f32), fill: &str, opacity: f32) {
    let _ = write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\""
    );
    if opacity < 1.0 {
        let _ = write!(out, " opacity=\"{opacity}\"");
    }
    out.push_str("/>");
}

/// Lines and blocks, cell by cell where they cannot be one rectangle.
fn shape(out: &mut String, run: &Run, symbol: &str) {
    const THIN: f32 = 1.2;
    let fill = hex(run.look.fg);
    let (left, top, width) = (run.left, run.top, run.width);
    let (middle, centre) = (top + CELL.1 / 2.0 - THIN / 2.0, left + CELL.0 / 2.0 - THIN / 2.0);
    let half = CELL.0 / 2.0;
    match symbol.chars().next().unwrap_or(' ') {
        '─' => rect(out, (left, middle, width, THIN), &fill, 1.0),
        '│' => rect(out, (centre, top, THIN, CELL.1), &fill, 1.0),
        c @ ('├' | '┤') => {
            let from = if c == '├' { centre } else { left };
            rect(out, (centre, top + 3.0, THIN, CELL.1 - 6.0), &fill, 1.0);
            rect(out, (from, middle, half + THIN / 2.0, THIN), &fill, 1.0);
        }
        c @ ('┴' | '┬') => {
            let from = if c == '┴' { top } else { middle };
            rect(out, (left, middle, width, THIN), &fill, 1.0);
            rect(out, (centre, from, THIN, CELL.1 / 2.0), &fill, 1.0);
        }
        c @ ('╭' | '╮' | '╰' | '╯') => {
            let (x, y) = (left + half, top + CELL.1 / 2.0);
            let (dx, dy) = match c {
                '╭' => (half, CELL.1 / 2.0),
                '╮' => (-half, CELL.1 / 2.0),
                '╰' => (half, -CELL.1 / 2.0),
                _ => (-half, -CELL.1 / 2.0),
            };
            let _ = write!(
                out,
                "<path d=\"M{:.1} {y:.1} Q{x:.1} {y:.1} {x:.1} {:.1}\" fill=\"none\" stroke=\"{fill}\" stroke-width=\"{THIN}\"/>",
                x + dx,
                y + dy
            );
        }
        '░' => rect(out, (left, top + 3.0, width, CELL.1 - 6.0), &fill, 0.35),
        '▒' | '▓' => rect(out, (left, top + 3.0, width, CELL.1 - 6.0), &fill, 0.75),
        '▌' => rect(out, (left, top + 1.0, half, CELL.1 - 2.0), &fill, 1.0),
        // The eighths, from the bottom of the line of text up.
        c @ '▁'..='█' => {
            let eighths = (c as u32 - '▁' as u32 + 1) as f32;
            let height = (CELL.1 - 5.0) * eighths / 8.0;
            rect(out, (left, top + CELL.1 - 3.0 - height, width, height), &fill, 1.0);
        }
        _ => write_run(out, run),
    }
}

fn write_run(out: &mut String, run: &Run) {
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"",
        run.left,
        run.top + 13.5,
        run.width,
        hex(run.look.fg)
    );
    for (flag, attribute) in [
        (Modifier::BOLD, " font-weight=\"600\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if run.look.modifier.contains(flag) {
            out.push_str(attribute);
        }
    }
    out.push('>');
    for c in run.words.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push_str("</text>");
}

fn rgb(color: Color, own: Rgb) -> Rgb {
    let ansi = |n: usize| NIGHT.ansi[n];
    match color {
        Color::Reset => own,
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n @ 0..=15) => ansi(usize::from(n)),
        Color::Indexed(n @ 16..=231) => {
            let level = |i: u8| if i == 0 { 0 } else { 55 + 40 * i };
            (level((n - 16) / 36), level((n - 16) / 6 % 6), level((n - 16) % 6))
        }
        Color::Indexed(n) => {
            let level = 8 + 10 * (n - 232);
            (level, level, level)
        }
        Color::Black => ansi(0),
        Color::Red => ansi(1),
        Color::Green => ansi(2),
        Color::Yellow => ansi(3),
        Color::Blue => ansi(4),
        Color::Magenta => ansi(5),
        Color::Cyan => ansi(6),
        Color::Gray => ansi(7),
        Color::DarkGray => ansi(8),
        Color::LightRed => ansi(9),
        Color::LightGreen => ansi(10),
        Color::LightYellow => ansi(11),
        Color::LightBlue => ansi(12),
        Color::LightMagenta => ansi(13),
        Color::LightCyan => ansi(14),
        Color::White => ansi(15),
    }
}

fn luma((r, g, b): Rgb) -> f32 {
    0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)
}

fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    let mix = |a: u8, b: u8| (f32::from(a) * (1.0 - share) + f32::from(b) * share).round() as u8;
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn a_picture_holds_the_text_escaped_and_no_control_characters() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(1, 0, "a < b && 漢", Style::new().fg(Color::Red));
        let theme = Theme::terminal(ColorDepth::True);
        let picture = svg(&buffer, &theme);
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
        for word in [">a<", ">&lt;<", ">b<", ">&amp;&amp;<"] {
            assert!(picture.contains(word), "{word}: {picture}");
        }
        assert!(picture.contains(">漢<"));
        assert!(!picture.trim_end().contains(char::is_control));
    }
}
