//! The first screen: what was found on this machine, and the choices it leaves. Every word is here
//! before the user needs it, and nothing is written before it was shown.

use ratatui::layout::{Position, Rect};

use super::paint::{Ink, Piece, below, row};
use super::words;
use crate::console::app::{
    Answer, AppState, ColorDepth, FirstRun, FirstRunField, FirstRunPage, FoundKey, Looking,
    StartChoice,
};
use crate::console::theme::Token;
use crate::route::HealthState;
use crate::text;

/// Columns its text has at most: a page, not a banner.
const PAGE: u16 = 80;

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, first: &FirstRun) -> Option<Position> {
    let screen = Rect::new(0, 0, state.size.cols, state.size.rows);
    let width = PAGE.min(screen.width);
    let height = 24.min(screen.height);
    let page = Rect::new(
        (screen.width - width) / 2,
        (screen.height - height) / 3,
        width,
        screen.height - (screen.height - height) / 3,
    );
    let short = height < 22;
    let mut y = u16::from(!short);
    ink.both(
        row(page, y),
        2,
        &[(ink.glyphs.wheel, Token::Accent), (" wheelhouse", Token::Strong)],
        &[("no config yet, none needed", Token::Dim)],
    );
    y += if short { 1 } else { 2 };
    // What can be long is cut before the keys, never drawn under them.
    let keys = Rect { y: page.y + height - 1, height: 1, ..page };
    let page = Rect { height: height - 1, ..page };
    let caret = match &first.page {
        FirstRunPage::Choose => choose(ink, state, first, below(page, y), short),
        FirstRunPage::AddKey { selected } => {
            add_key(ink, first, *selected, below(page, y));
            None
        }
        FirstRunPage::KeyFor { provider, field } => {
            key_for(ink, first, *provider, field.split().0, below(page, y))
        }
        FirstRunPage::ViewFile { top } => {
            view_file(ink, first, *top, below(page, y));
            None
        }
    };
    footer(ink, state, first, keys);
    caret
}

fn footer(ink: &mut Ink<'_>, state: &AppState, first: &FirstRun, line: Rect) {
    let enter = ink.glyphs.enter;
    let left = match &first.page {
        FirstRunPage::Choose => {
            format!("↑↓ choose   {enter} go   v view the file   Esc skip, use the demo")
        }
        FirstRunPage::AddKey { .. } => format!("↑↓ choose   {enter} show what to set   Esc back"),
        FirstRunPage::KeyFor { .. } => format!("{enter} use it for this run   Esc back"),
        FirstRunPage::ViewFile { .. } => "↑↓ move   w write it   Esc back".to_owned(),
    };
    let help = ink.glyphs.key(state.keymap.hint(crate::console::keys::Action::Help));
    let help = format!("{help} help");
    if let Some(toast) = &state.toast {
        ink.put(line, 1, &toast.text, super::chrome::tone_token(toast.tone));
        return;
    }
    ink.both(line, 1, &[(&left, Token::Dim)], &[(&help, Token::Dim)]);
}

/// One found thing: state, name, what it is, what is known.
fn found(ink: &mut Ink<'_>, line: Rect, up: bool, name: &str, what: &str, known: &str) {
    let (state, token) =
        if up { (HealthState::Up, Token::Ok) } else { (HealthState::Down, Token::Dim) };
    let body = if up { Token::Fg } else { Token::Dim };
    ink.put(line, 3, ink.glyphs.state(state), token);
    ink.put(line, 5, &text::ellipsis(name, 12), body);
    ink.put(line, 18, &text::ellipsis(what, 34), body);
    ink.put(line, 53, known, Token::Dim);
}

fn choose(
    ink: &mut Ink<'_>,
    state: &AppState,
    first: &FirstRun,
    area: Rect,
    short: bool,
) -> Option<Position> {
    let looked = match first.looking {
        Looking::Now => "Looking at this machine only. Nothing leaves it.",
        Looking::Done => "Looked at this machine only. Nothing has left it.",
    };
    ink.put(row(area, 0), 2, looked, Token::Fg);
    let mut y = if short { 1 } else { 2 };
    // The choices must always fit: what was found is cut first.
    let choices = first.choices();
    let most = area
        .height
        .saturating_sub(
            y + choices.len() as u16
                + if short { 3 } else { 9 }
                + u16::from(first.problem.is_some()),
        )
        .max(2);
    let end = y + most;
    for server in &first.found.servers {
        if y < end {
            let what = format!("{} at {}", server.label, server.address);
            let known = format!("{}, ready", words::count(server.models, "model"));
            found(ink, row(area, y), true, &server.name, &what, &known);
            y += 1;
        }
    }
    for provider in &first.found.providers {
        if y + 1 >= end {
            break;
        }
        let (up, what, known) = match &provider.key {
            FoundKey::Present { variable } => {
                (true, format!("{variable} in the environment"), "not checked yet")
            }
            FoundKey::ForThisRun => (true, "key given for this run".to_owned(), "not checked yet"),
            FoundKey::Missing => (false, "no key".to_owned(), ""),
        };
        found(ink, row(area, y), up, &provider.name, &what, known);
        y += 1;
    }
    if y < end {
        found(ink, row(area, y), false, "other", "any OpenAI-compatible address", "");
        y += 1;
    }
    y += u16::from(!short);
    for (n, choice) in choices.iter().enumerate() {
        let line = row(area, y);
        let names = first.names();
        let (what, why) = match choice {
            StartChoice::Found => {
                (format!("Start now with {names}"), "(one free call checks the key)")
            }
            StartChoice::LocalOnly => {
                ("Start with local only".to_owned(), "(nothing leaves this machine)")
            }
            StartChoice::AddKey => {
                ("Add a key".to_owned(), "(shows what to set; rechecks as you do it)")
            }
            StartChoice::Demo => {
                ("Look around with the demo".to_owned(), "(simulated models, costs nothing)")
            }
        };
        let chosen = n == first.selected && first.field == FirstRunField::Choices;
        if chosen {
            ink.put(line, 3, ink.glyphs.pick, Token::Accent);
        }
        let token = if chosen { Token::Accent } else { Token::Fg };
        let room = usize::from(line.width.saturating_sub(8 + text::width(why) as u16));
        ink.both(line, 5, &[(&text::ellipsis(&what, room), token)], &[(why, Token::Dim)]);
        y += 1;
    }
    y += u16::from(!short);
    if !short {
        ink.put(
            row(area, y),
            2,
            "Auto picks a model per message and says why. You can always say no: Ctrl+O.",
            Token::Dim,
        );
        y += 1;
    }
    let line = row(area, y);
    let (before, after) = first.budget.split();
    let focused = first.field == FirstRunField::Budget;
    let x = ink.puts(
        line,
        2,
        &[
            ("Daily budget  $ ", if focused { Token::Accent } else { Token::Fg }),
            (before, Token::Strong),
        ],
    );
    let caret = focused.then(|| Position::new(line.x + x, line.y));
    let at = ink.put(line, x, after, Token::Strong).max(27);
    ink.put(line, at + 1, "warn at 80%, then ask", Token::Dim);
    ink.right(line, line.width.saturating_sub(1), &[("Tab to change", Token::Dim)]);
    y += 1;
    if let Some(problem) = &first.problem {
        ink.put(row(area, y), 2, problem, Token::Bad);
        y += 1;
    }
    if !short {
        y += 1;
        terminal(ink, state, row(area, y), row(area, y + 1));
        y += 3;
        let written = if first.written { "Written  " } else { "To keep this: v, then w writes  " };
        let note = "  (0600)";
        ink.puts(
            row(area, y),
            2,
            &[(written, Token::Dim), (&first.path, Token::Fg), (note, Token::Dim)],
        );
    }
    caret
}

fn terminal(ink: &mut Ink<'_>, state: &AppState, keys: Rect, colours: Rect) {
    let shift = match state.caps.kitty_keys {
        Answer::Yes => "Shift+Enter yes",
        Answer::No => "Shift+Enter no",
        Answer::Unknown => "Shift+Enter perhaps",
    };
    let line = format!("Keys this terminal can send:  {shift}   Alt+Enter yes   Ctrl+J yes");
    ink.put(keys, 2, &line, Token::Dim);
    let depth = match state.caps.colors {
        ColorDepth::True => "truecolor",
        ColorDepth::Indexed => "256",
        ColorDepth::Named => "16",
        ColorDepth::Mono => "none",
    };
    let line = format!("Colours: {depth}.     Looks wrong?  --ascii  --theme light  NO_COLOR=1");
    ink.put(colours, 2, &line, Token::Dim);
}

fn add_key(ink: &mut Ink<'_>, first: &FirstRun, selected: usize, area: Rect) {
    ink.put(
        row(area, 0),
        2,
        "Which provider? Its key stays where you put it; it is never written by us.",
        Token::Fg,
    );
    let missing = first.found.providers.iter().filter(|p| p.key == FoundKey::Missing);
    let rows = usize::from(area.height.saturating_sub(4)).max(1);
    let top = (selected + 1).saturating_sub(rows);
    for (n, provider) in missing.enumerate().skip(top).take(rows) {
        let line = row(area, 2 + (n - top) as u16);
        let chosen = n == selected;
        if chosen {
            ink.put(line, 3, ink.glyphs.pick, Token::Accent);
        }
        ink.put(line, 5, &provider.label, if chosen { Token::Accent } else { Token::Fg });
        ink.put(line, 28, &provider.variable, Token::Dim);
    }
}

fn key_for(
    ink: &mut Ink<'_>,
    first: &FirstRun,
    provider: usize,
    typed: &str,
    area: Rect,
) -> Option<Position> {
    let provider = first.found.providers.get(provider)?;
    let set = format!("export {}=…", provider.variable);
    let lines: &[&[Piece<'_>]] = &[
        &[(&provider.label, Token::Strong)],
        &[],
        &[("In your shell, or in its start-up file:", Token::Fg)],
        &[("   ", Token::Fg), (&set, Token::Code)],
        &[("then start wheelhouse again.", Token::Fg)],
        &[],
        &[(
            "Or paste it here for this run only. It is kept in memory, never written or shown:",
            Token::Fg,
        )],
    ];
    for (n, pieces) in lines.iter().enumerate() {
        ink.puts(row(area, n as u16), 2, pieces);
    }
    let line = row(area, lines.len() as u16);
    let dots = "•".repeat(typed.chars().count().min(40));
    let x = ink.puts(
        line,
        5,
        &[(ink.glyphs.prompt, Token::Accent), (" ", Token::Fg), (&dots, Token::Fg)],
    );
    Some(Position::new(line.x + x, line.y))
}

fn view_file(ink: &mut Ink<'_>, first: &FirstRun, top: usize, area: Rect) {
    ink.rule(row(area, 0), &[(&first.path, Token::Strong)], &[("not written yet", Token::Dim)]);
    let text = first.file().unwrap_or_else(|problem| format!("# {problem}"));
    let room = below(area, 1);
    for (n, text) in
        text.lines().skip(top).take(usize::from(room.height.saturating_sub(2))).enumerate()
    {
        let token = if text.trim_start().starts_with('#') { Token::Comment } else { Token::Fg };
        ink.put(row(room, n as u16), 3, text, token);
    }
}
