//! Help for the focused pane, from the table of actions; and what this terminal can do.

use ratatui::layout::{Position, Rect};

use super::{centred, field, nothing};
use crate::console::app::{Answer, AppState, Background, ColorDepth, Help, HelpLine, Mouse};
use crate::console::keys::HelpGroup;
use crate::console::theme::Token;
use crate::console::view::paint::{Ink, below, row};
use crate::text::{self, Side};

/// The groups in columns, left to right, top to bottom.
const COLUMNS: [HelpGroup; 3] = [HelpGroup::Write, HelpGroup::Route, HelpGroup::Read];
const BELOW: [HelpGroup; 3] = [HelpGroup::Stop, HelpGroup::Go, HelpGroup::Plain];
/// Rows at the bottom for what the terminal can do.
const ABOUT: u16 = 3;

pub(super) fn draw(
    ink: &mut Ink<'_>,
    state: &AppState,
    help: &Help,
    screen: Rect,
) -> Option<Position> {
    let hits: Vec<(usize, &HelpLine)> = help
        .hits
        .iter()
        .enumerate()
        .filter_map(|(n, i)| Some((n, help.items.get(*i)?)))
        .collect();
    let of = |group: HelpGroup| hits.iter().filter(move |(_, line)| line.group == group);
    let tall = |groups: &[HelpGroup]| {
        groups.iter().map(|g| of(*g).count()).max().map_or(0, |n| if n > 0 { n + 1 } else { 0 })
    };
    let (upper, lower) = (tall(&COLUMNS), tall(&BELOW));
    let wanted = (upper + lower) as u16 + ABOUT + 4;
    let area = centred(screen, 100.min(screen.width), wanted);
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
    if hits.is_empty() {
        nothing(ink, body, 0);
    }
    let column = body.width / 3;
    // What does not fit is reached by moving: the selected line's part is shown.
    let selected_lower = hits
        .get(help.selected)
        .is_some_and(|(_, line)| BELOW.contains(&line.group));
    let fits = upper + lower <= usize::from(body.height);
    let parts: &[(&[HelpGroup; 3], u16)] = if fits {
        &[(&COLUMNS, 0), (&BELOW, upper as u16)]
    } else if selected_lower {
        &[(&BELOW, 0)]
    } else {
        &[(&COLUMNS, 0)]
    };
    for (groups, y) in parts {
        for (n, group) in groups.iter().enumerate() {
            let area = Rect {
                x: body.x + column * n as u16,
                width: column.saturating_sub(1),
                ..below(body, *y)
            };
            let lines: Vec<&(usize, &HelpLine)> = of(*group).collect();
            if lines.is_empty() {
                continue;
            }
            ink.put(row(area, 0), 0, group.name(), Token::Strong);
            let room = usize::from(area.height.saturating_sub(1));
            let at = lines.iter().position(|(n, _)| *n == help.selected).unwrap_or(0);
            let top = (at + 1).saturating_sub(room.max(1));
            for (y, (n, line)) in lines.iter().skip(top).take(room).enumerate() {
                let target = row(area, y as u16 + 1);
                let keys = text::pad(&text::ellipsis(&line.keys, 9), 10, Side::End);
                let doc = text::ellipsis(&line.doc, usize::from(area.width.saturating_sub(11)));
                ink.puts(target, 1, &[(&keys, Token::Accent), (&doc, Token::Fg)]);
                if *n == help.selected {
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
    let second = format!("{colors} · {background} · synchronized frames {}", say(caps.synchronized));
    ink.puts(row(area, 0), 0, &[("this terminal  ", Token::Dim), (&first, Token::Dim)]);
    ink.put(row(area, 1), 15, &second, Token::Dim);
}
