//! Terminals that show less: no colours, ASCII only.

use super::bytes::{Piece, pieces};
use super::terminal::{Start, Terminal};

/// Shows most of what there is: a reply, help, the palette, the models, both views.
fn look_around(t: &mut Terminal) {
    t.ask("sim:tokens=60");
    t.see("60 out");
    for (keys, sign) in [
        ("\x1bOP", "F1"),
        ("\x10", "COMMANDS"),
        ("\x0f", "sim-"),
        ("\x182", "Routes"),
        ("\x181", "60 out"),
    ] {
        t.keys(keys);
        t.see(sign);
        t.settle(std::time::Duration::from_millis(120));
        if keys.len() != 2 {
            t.keys("\x1b");
            t.settle(std::time::Duration::from_millis(120));
        }
    }
}

/// Colours among the parameters of a style: `31`, `48;5;7`, `97`.
fn colours(parameters: &str) -> bool {
    parameters.split(';').any(|n| matches!(n.parse(), Ok(30..=49 | 58 | 90..=107)))
}

#[test]
fn no_color_means_no_colour_and_styles_stay() {
    for mut t in [
        Start::demo().env("NO_COLOR", "1").ready(),
        Start::with(&["--demo", "--no-color"]).env("COLORTERM", "truecolor").ready(),
    ] {
        look_around(&mut t);
        let styles: Vec<String> = pieces(t.bytes())
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Csi(body, 'm') => Some(body),
                _ => None,
            })
            .collect();
        let coloured: Vec<&String> = styles.iter().filter(|style| colours(style)).collect();
        assert!(coloured.is_empty(), "{coloured:?}");
        assert!(styles.iter().any(|style| style.split(';').any(|n| n == "1")), "{styles:?}");
    }
}

#[test]
fn a_terminal_with_colours_gets_them() {
    let t = Start::demo().ready();
    let coloured = pieces(t.bytes())
        .into_iter()
        .any(|piece| matches!(piece, Piece::Csi(body, 'm') if colours(&body)));
    assert!(coloured);
}

#[track_caller]
fn assert_ascii(t: &Terminal) {
    let others: std::collections::BTreeSet<char> =
        String::from_utf8_lossy(t.bytes()).chars().filter(|c| !c.is_ascii()).collect();
    assert!(others.is_empty(), "{others:?} on a screen like\n{}", t.text());
}

#[test]
fn ascii_means_ascii() {
    let mut t = Start::with(&["--demo", "--ascii"]).ready();
    look_around(&mut t);
    assert_ascii(&t);
    t.resize(20, 8);
    t.see("too small");
    assert_ascii(&t);
}

#[test]
fn the_first_screen_keeps_to_ascii_too() {
    let mut t = Start::with(&["--ascii"]).open();
    t.see("Esc skip");
    t.keys("v");
    t.see("not written yet");
    t.keys("\x1b");
    t.see("Esc skip");
    assert_ascii(&t);
}
