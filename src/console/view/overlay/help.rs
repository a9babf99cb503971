//! Help for the focused pane, from the table of actions; and what this terminal can do.

use ratatui::layout::{Position, Rect};

use super::{centred, field, nothing};
use crate::console::app::{Answer, AppState, Background, ColorDepth, Help, HelpLine, Mouse, Under};
use crate::console::keys::HelpGroup;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, below, inside, row};
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

/// Where help is on a screen: its window, and the rows of it that show, each in its place.
struct Sheet<'a> {
    window: Rect,
    body: Rect,
    rows: Vec<(Rect, Row<'a>)>,
}

impl<'a> Sheet<'a> {
    fn of(help: &'a Help, screen: Rect) -> Self {
        let all = rows(help);
        let width = 116.min(screen.width.saturating_sub(2));
        let columns = (width.saturating_sub(4) / COLUMN).clamp(1, 3);
        let tall = all.len().div_ceil(usize::from(columns)).max(3);
        let filter = u16::from(help.filter.is_some());
        let window = centred(screen, width, tall as u16 + ABOUT + 2 + filter);
        let body = below(inside(window), filter);
        let body = Rect { height: body.height.saturating_sub(ABOUT), ..body };
        // All columns scroll together, just far enough to show the selected line.
        let at = all
            .iter()
            .position(|row| matches!(row, Row::Line(n, _) if *n == help.selected))
            .unwrap_or(0);
        let top = (at % tall + 1).saturating_sub(usize::from(body.height.max(1)));
        let cells = body.width / columns;
        let mut rows = Vec::new();
        for (n, column) in all.chunks(tall).enumerate() {
            let area =
                Rect { x: body.x + cells * n as u16, width: cells.saturating_sub(1), ..body };
            let shown = column.iter().skip(top).take(usize::from(body.height));
            rows.extend(shown.enumerate().map(|(y, what)| (row(area, y as u16), *what)));
        }
        Self { window, body, rows }
    }
}

/// Which line of help is here; nothing outside its window.
pub(super) fn under(help: &Help, screen: Rect, at: Position) -> Under {
    let sheet = Sheet::of(help, screen);
    if !sheet.window.contains(at) {
        return Under::Nothing;
    }
    let here = sheet.rows.iter().find(|(area, _)| area.contains(at));
    Under::Overlay(here.and_then(|(_, row)| match row {
        Row::Line(n, _) => Some(*n),
        Row::Heading(_) | Row::Blank => None,
    }))
}

pub(super) fn draw(
    ink: &mut Ink<'_>,
    state: &AppState,
    help: &Help,
    screen: Rect,
) -> Option<Position> {
    let sheet = Sheet::of(help, screen);
    let title = format!("KEYS for {}", help.title);
    let keys = format!("{} runs the key you are on", ink.glyphs.enter);
    let foot = (keys.as_str(), "wheelhouse doctor says more");
    let inside = ink.window(sheet.window, &title, "F1 · / filters", foot);
    let filter = help.filter.as_ref();
    let caret = filter.and_then(|filter| field(ink, row(inside, 0), "/", filter));
    if sheet.rows.is_empty() {
        nothing(ink, sheet.body, 0);
    }
    for (target, what) in sheet.rows {
        match what {
            Row::Blank => {}
            Row::Heading(group) => {
                ink.put(target, 0, group.name(), Token::Strong);
            }
            Row::Line(n, line) => {
                let keys = ink.glyphs.key(line.keys.clone());
                let keys = text::pad(&text::ellipsis(&keys, 9), 10, Side::End);
                let room = usize::from(target.width.saturating_sub(11));
                let doc = text::ellipsis(&line.doc, room);
                ink.puts(target, 1, &[(&keys, Token::Accent), (&doc, Token::Fg)]);
                if n == help.selected {
                    ink.over(target, Token::Sel);
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
