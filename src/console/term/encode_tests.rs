//! The encoder is judged by a terminal: what a real parser shows after the bytes must be the buffer.

use super::*;
use ratatui::layout::Rect;
use ratatui::style::Style;

fn show(parser: &mut vt100::Parser, prev: &Buffer, next: &Buffer) -> usize {
    let mut out = String::new();
    diff(prev, next, &mut out);
    parser.process(out.as_bytes());
    out.len()
}

fn parser(width: u16, height: u16) -> vt100::Parser {
    let size = |n: u16| n.try_into().unwrap();
    vt100::Parser::new(size(height), size(width), 0)
}

fn assert_shows(parser: &vt100::Parser, next: &Buffer) {
    for y in 0..next.area.height {
        for x in 0..next.area.width {
            let want = &next[(x, y)];
            let have = parser.screen().cell(y, x).unwrap();
            if have.is_wide_continuation() {
                continue;
            }
            let text = if have.contents().is_empty() { " " } else { have.contents() };
            assert_eq!(text, want.symbol(), "at {x},{y}");
            if want.symbol() != " " {
                assert_eq!(have.bold(), want.modifier.contains(Modifier::BOLD), "bold at {x},{y}");
                let fg = match want.fg {
                    Color::Red => vt100::Color::Idx(1),
                    Color::LightBlue => vt100::Color::Idx(12),
                    Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
                    _ => vt100::Color::Default,
                };
                assert_eq!(have.fgcolor(), fg, "colour at {x},{y}");
            }
        }
    }
}

/// A small deterministic generator: the same screens every run.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn scribble(buffer: &mut Buffer, dice: &mut Dice) {
    let words =
        ["route", "漢字", "  ", "a", "sonnet · anthropic", "——", "한글", "             ", "é"];
    for _ in 0..dice.roll(12) {
        let style = match dice.roll(5) {
            0 => Style::new().fg(Color::Red),
            1 => Style::new().add_modifier(Modifier::BOLD),
            2 => {
                Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD | Modifier::ITALIC)
            }
            3 => Style::new().fg(Color::LightBlue),
            _ => Style::reset(),
        };
        let (x, y) = (dice.roll(30) as u16, dice.roll(8) as u16);
        // Writing over the second half of a wide grapheme takes its first half away.
        if x > 0 && cell_width(&buffer[(x - 1, y)]) > 1 {
            buffer[(x - 1, y)].reset();
        }
        buffer.set_stringn(x, y, words[dice.roll(9) as usize], 30 - x as usize, style);
    }
}

#[test]
fn any_screen_turns_into_any_other() {
    let area = Rect::new(0, 0, 30, 8);
    let mut dice = Dice(7);
    let mut prev = Buffer::empty(area);
    let mut parser = parser(30, 8);
    for _ in 0..400 {
        let mut next = if dice.roll(3) == 0 { Buffer::empty(area) } else { prev.clone() };
        scribble(&mut next, &mut dice);
        show(&mut parser, &prev, &next);
        assert_shows(&parser, &next);
        prev = next;
    }
}

#[test]
fn an_unchanged_screen_costs_nothing() {
    let buffer = Buffer::with_lines(["one", "two"]);
    let mut out = String::new();
    diff(&buffer, &buffer, &mut out);
    assert_eq!(out, "");
}

#[test]
fn one_changed_letter_costs_a_move_and_the_letter() {
    let prev = Buffer::with_lines(["hello there", "second line"]);
    let next = Buffer::with_lines(["hello there", "secund line"]);
    let mut out = String::new();
    diff(&prev, &next, &mut out);
    assert_eq!(out, "\x1b[2;4Hu");
}

#[test]
fn a_row_that_held_a_joined_emoji_is_written_whole() {
    let area = Rect::new(0, 0, 12, 1);
    let mut prev = Buffer::empty(area);
    prev.set_string(0, 0, "a👨‍👩‍👧 tail", Style::new());
    let mut next = Buffer::empty(area);
    next.set_string(0, 0, "a👨‍👩‍👧 tain", Style::new());
    let mut out = String::new();
    diff(&prev, &next, &mut out);
    assert!(out.contains("tain"), "{out:?}");
}

#[test]
fn behind_a_grapheme_drawn_narrower_nothing_old_is_left() {
    let area = Rect::new(0, 0, 6, 1);
    let prev = Buffer::with_lines(["------"]);
    let mut next = Buffer::empty(area);
    next.set_string(0, 0, "1\u{fe0f}\u{20e3}|", Style::new());
    let mut out = String::new();
    diff(&prev, &next, &mut out);
    let blanks = out.find("  \x1b[1;1H").unwrap();
    assert!(blanks < out.find('1').unwrap().max(out.find("1\u{fe0f}").unwrap()), "{out:?}");
    assert!(out.contains("\x1b[1;3H|"), "{out:?}");
}
