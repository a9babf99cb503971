//! Help for the focused pane, from the table of actions; and what this terminal can do.

use ratatui::layout::{Position, Rect};

use super::{centred, field, nothing};
use crate::console::app::{Answer, AppState, Background, ColorDepth, Help, HelpLine, Mouse};
use crate::console::keys::HelpGroup;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, below, row};
use crate::text::{self, Side};

/// The groups, in the order they are read.
const GROUPS: [HelpGroup; 6] = [
    HelpGroup::Write,
    HelpGroup::Route,
    HelpGroup::Read,
    HelpGroup::Stop,
    HelpGroup::Go,
    HelpGroup::Plain,
];
/// Rows at the bottom for what the terminal can do, the blank one above them included.
const ABOUT: u16 = 3;
/// Columns a column of help needs.
const COLUMN: u16 = 36;

/// A row of help.
#[derive(Clone, Copy)]
enum Row<'a> {
    Heading(HelpGroup),
    Blank,
    /// Its place among the hits, and the line.
    Line(usize, &'a HelpLine),
}

fn rows(help: &Help) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for group in GROUPS {
        let lines =
            help.hits.iter().enumerate().filter_map(|(n, i)| Some((n, help.items.get(*i)?)));
        let mut lines = lines.filter(|(_, line)| line.group == group).peekable();
        if lines.peek().is_some() {
            if !rows.is_empty() {
                rows.push(Row::Blank);
            }
            rows.push(Row::Heading(group));
        }
        rows.extend(lines.map(|(n, line)| Row::Line(n, line)));
    }
    rows
}

pub(super) fn draw(
    ink: &mut Ink<'_>,
    state: &AppState,
    help: &Help,
    screen: Rect,
) -> Option<Position> {
    let rows = rows(help);
    let width = 116.min(screen.width.saturating_sub(2));
    let columns = (width.saturating_sub(4) / COLUMN).clamp(1, 3);
    let tall = rows.len().div_ceil(usize::from(columns)).max(3);
    let area = centred(screen, width, tall as u16 + ABOUT + 2 + u16::from(help.filter.is_some()));
    let title = format!("KEYS for {}", help.title);
    let keys = format!("{} runs the key you are on", ink.glyphs.enter);
    let inside = ink.window(area, &title, "F1 · / filters", (&keys, "wheelhouse doctor says more"));
    let mut body = inside;
    let mut caret = None;
    if let Some(filter) = &help.filter {
        caret = field(ink, row(inside, 0), "/", filter);
        body = below(inside, 1);
    }
    let body = Rect { height: body.height.saturating_sub(ABOUT), ..body };
    if rows.is_empty() {
        nothing(ink, body, 0);
    }
    // All columns scroll together, just far enough to show the selected line.
    let at = rows
        .iter()
        .position(|row| matches!(row, Row::Line(n, _) if *n == help.selected))
        .unwrap_or(0);
    let top = (at % tall + 1).saturating_sub(usize::from(body.height.max(1)));
    let cells = body.width / columns;
    for (n, column) in rows.chunks(tall).enumerate() {
        let area = Rect { x: body.x + cells * n as u16, width: cells.saturating_sub(1), ..body };
        for (y, what) in column.iter().skip(top).take(usize::from(body.height)).enumerate() {
            let target = row(area, y as u16);
            match what {
                Row::Blank => {}
                Row::Heading(group) => {
                    ink.put(target, 0, group.name(), Token::Strong);
                }
                Row::Line(n, line) => {
                    let keys = ink.glyphs.key(line.keys.clone());
                    let keys = text::pad(&text::ellipsis(&keys, 9), 10, Side::End);
                    let room = usize::from(area.width.saturating_sub(11));
                    let doc = text::ellipsis(&line.doc, room);
                    ink.puts(target, 1, &[(&keys, Token::Accent), (&doc, Token::Fg)]);
                    if *n == help.selected {
                        ink.over(target, Token::Sel);
                    }
                }
            }
        }
    }
    about(ink, state, below(inside, inside.height.saturating_sub(ABOUT - 1)));
    caret
}

/// What this terminal really sends and shows.
fn about(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let caps = &state.caps;
    let say = |answer: Answer| match answer {
        Answer::Unknown => "not answered",
        Answer::Yes => "yes",
        Answer::No => "no",
    };
    let mouse = match state.looks.mouse {
        Mouse::Off => "off",
        Mouse::Wheel => "wheel",
        Mouse::Full => "full",
    };
    let colors = match caps.colors {
        ColorDepth::True => "truecolor",
        ColorDepth::Indexed => "256 colours",
        ColorDepth::Named => "16 colours",
        ColorDepth::Mono => "no colours",
    };
    let background = match caps.background {
        Background::Unknown => "its own background",
        Background::Dark => "dark background",
        Background::Light => "light background",
    };
    let first = format!(
        "kitty keys {} · clipboard OSC 52, unconfirmed · mouse {mouse}",
        say(caps.kitty_keys)
    );
    let second =
        format!("{colors} · {background} · synchronized frames {}", say(caps.synchronized));
    ink.puts(row(area, 0), 0, &[("this terminal  ", Token::Dim), (&first, Token::Dim)]);
    ink.put(row(area, 1), 15, &second, Token::Dim);
}
