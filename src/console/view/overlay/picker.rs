//! The override picker: every model with its price, speed and state, and for how long it is picked.

use ratatui::layout::{Position, Rect};

use super::{Frame, centred, field, hits};
use crate::console::app::{OverridePicker, Pick, PickFor, PickRow, PickScope};
use crate::console::theme::Token;
use crate::console::view::chrome::state_token;
use crate::console::view::paint::{Ink, below, cells, row};
use crate::console::view::words;
use crate::text;

/// A field and a blank row above the list; a blank row and two of scopes below it.
pub(super) fn frame(picker: &OverridePicker, screen: Rect) -> Frame {
    let height = (picker.hits.len() as u16).clamp(4, 14) + 7;
    Frame::of(centred(screen, 76, height), 2, 3)
}

pub(super) fn draw(ink: &mut Ink<'_>, picker: &OverridePicker, screen: Rect) -> Option<Position> {
    let Frame { window, list } = frame(picker, screen);
    let title = match picker.target {
        PickFor::Draft => "OVERRIDE",
        PickFor::Resend(_) => "SEND AGAIN TO",
    };
    let keys = format!("{} use   Tab scope   Esc close", ink.glyphs.enter);
    let inside = ink.window(window, title, "Ctrl+O", (&keys, "free  <$1  vision  local  128k"));
    let caret = field(ink, row(inside, 0), "/", &picker.query);
    hits(ink, list, (&picker.hits, &picker.rows), picker.selected, pick_row);
    let scopes = below(inside, inside.height.saturating_sub(2));
    let mut x = ink.put(row(scopes, 0), 0, "for  ", Token::Dim);
    let mut y = 0;
    for (n, scope) in picker.scopes.iter().enumerate() {
        let name = scope_name(scope);
        let chosen = n == picker.scope;
        let text = if chosen { format!("[{name}]") } else { format!(" {name} ") };
        if x + cells(&[(&text, Token::Fg)]) > scopes.width {
            (x, y) = (5, y + 1);
        }
        x = ink.put(row(scopes, y), x, &text, if chosen { Token::Accent } else { Token::Fg }) + 1;
    }
    caret
}

fn scope_name(scope: &PickScope) -> String {
    match scope {
        PickScope::Message => "this message".to_owned(),
        PickScope::Chat => "this chat".to_owned(),
        PickScope::Hour => "1 hour".to_owned(),
        PickScope::Always => "always".to_owned(),
        PickScope::Tag(tag) => format!("always for #{tag}"),
    }
}

fn pick_row(ink: &mut Ink<'_>, pick: &PickRow, line: Rect) {
    let model = match &pick.pick {
        Pick::Auto { policy, would } => {
            let would = would.as_ref().map_or(String::new(), |model| format!("would pick {model}"));
            let x = ink.put(line, 2, "auto", Token::Strong);
            let x = ink.put(line, x.max(17), policy, Token::Dim);
            ink.put(line, x + 3, &would, Token::Dim);
            return;
        }
        Pick::Model(model) => model,
    };
    let token = if pick.unusable.is_empty() { Token::Fg } else { Token::Dim };
    ink.put(line, 2, &words::brief(model.as_str(), 14), token);
    let provider = pick.provider.as_ref().map_or("", |provider| provider.as_str());
    ink.put(line, 17, &words::brief(provider, 13), Token::Dim);
    ink.right(line, 42, &[(&price(pick), Token::Dim)]);
    ink.right(line, 50, &[(&words::tokens(pick.context), Token::Dim)]);
    let ttft = pick.ttft_ms.map_or("---".to_owned(), |ms| {
        format!("{}{}", if pick.measured { "" } else { "~" }, words::seconds(ms))
    });
    ink.right(line, 58, &[(&ttft, Token::Dim)]);
    ink.put(line, 60, ink.glyphs.state(pick.state), state_token(pick.state));
    let word = if !pick.unusable.is_empty() {
        pick.unusable.as_str()
    } else if pick.pinned {
        "pinned"
    } else if pick.recent {
        "recent"
    } else {
        ""
    };
    let room = usize::from(line.width.saturating_sub(62));
    ink.put(line, 62, &text::ellipsis(word, room), Token::Dim);
}

/// `$3/15`, `free`, `no price`.
fn price(pick: &PickRow) -> String {
    let Some((input, output)) = pick.price else { return "no price".to_owned() };
    if input.pico_per_token() == 0 && output.pico_per_token() == 0 {
        return "free".to_owned();
    }
    let short = |dollars: f64| {
        if dollars >= 10.0 || dollars.fract() == 0.0 {
            format!("{dollars:.0}")
        } else {
            format!("{dollars:.2}")
        }
    };
    format!("${}/{}", short(input.dollars_per_million()), short(output.dollars_per_million()))
}
