//! Text that wants to be obeyed, from a model or a paste, is only shown.

use std::time::Duration;

use super::bytes::{Piece, pieces};
use super::terminal::{Start, Terminal};

/// Holds a stream to frames: text, moves, colours, erasing, and the two modes of a frame.
#[track_caller]
fn assert_only_frames(bytes: &[u8]) {
    for piece in pieces(bytes) {
        let harmless = match &piece {
            Piece::Text(_) => true,
            Piece::Control(c) => matches!(c, '\r' | '\n'),
            Piece::Csi(body, 'h' | 'l') => matches!(body.as_str(), "?25" | "?2026"),
            Piece::Csi(body, 'H' | 'C' | 'K' | 'X' | 'J' | 'm') => {
                body.bytes().all(|b| b.is_ascii_digit() || b == b';')
            }
            Piece::Csi(..) | Piece::Osc(_) | Piece::Device(_) | Piece::Escape(_) => false,
        };
        assert!(harmless, "{piece:?}");
    }
}

/// Waits until the questions are asked and answered, and tells where the frames begin.
fn settled(t: &mut Terminal) -> usize {
    t.wait("the keyboard's flags", |t| t.modes().keys == [0, 1]);
    t.settle(Duration::from_millis(200));
    t.bytes().len()
}

#[test]
fn what_a_model_writes_cannot_reach_the_terminal() {
    let mut t = Start::demo().ready();
    let from = settled(&mut t);
    let modes = t.modes();
    t.ask("sim:escape");
    t.see("out ·");
    t.settle(Duration::from_millis(300));
    assert!(t.shows("red") && t.shows("link"), "{}", t.text());
    assert_only_frames(&t.bytes()[from..]);
    assert_eq!(t.modes(), modes);
    let rows = t.rows();
    assert!(rows[0].contains("wheelhouse") && rows[29].contains("send"), "{}", t.text());
}

#[test]
fn what_is_pasted_cannot_reach_the_terminal() {
    let mut t = Start::demo().ready();
    let from = settled(&mut t);
    let modes = t.modes();
    t.paste("sim:echo a\x1b]0;stolen\x07\x1b[?1049l\u{9b}31m\x1b]52;c;eA==\x07b\x08\x00c end");
    t.see("end");
    t.keys("\r");
    t.see("out ·");
    t.settle(Duration::from_millis(300));
    assert_only_frames(&t.bytes()[from..]);
    assert_eq!(t.modes(), modes);
}

#[test]
fn what_is_copied_goes_to_the_clipboard_and_nothing_else_does() {
    let mut t = Start::demo().ready();
    let from = settled(&mut t);
    t.ask("sim:echo copied");
    t.see("out ·");
    t.keys("\x18y");
    t.see("sent to the terminal");
    let clips: Vec<Piece> = pieces(&t.bytes()[from..])
        .into_iter()
        .filter(|piece| matches!(piece, Piece::Osc(_) | Piece::Device(_)))
        .collect();
    assert_eq!(clips, [Piece::Osc("52;c;Y29waWVk".into())]);
}
