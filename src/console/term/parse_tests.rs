//! Keys, pastes and answers, at any split of the bytes.

use super::*;
use crate::console::app::PointerDid;

fn read(bytes: &[u8]) -> Vec<Parsed> {
    let mut parser = Parser::default();
    let mut out = Vec::new();
    parser.push(bytes, &mut out);
    out
}

fn keys(bytes: &[u8]) -> Vec<(KeyCode, KeyModifiers)> {
    read(bytes)
        .into_iter()
        .filter_map(|event| match event {
            Parsed::Key(key) => Some((key.code, key.modifiers)),
            _ => None,
        })
        .collect()
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

#[test]
fn plain_keys_are_themselves() {
    assert_eq!(
        keys("aZ你\r\t\x7f".as_bytes()),
        [
            (KeyCode::Char('a'), NONE),
            (KeyCode::Char('Z'), SHIFT),
            (KeyCode::Char('你'), NONE),
            (KeyCode::Enter, NONE),
            (KeyCode::Tab, NONE),
            (KeyCode::Backspace, NONE),
        ]
    );
}

#[test]
fn control_keys_keep_their_letter_and_a_line_feed_is_control_j() {
    assert_eq!(
        keys(b"\x03\n\x1f\0"),
        [
            (KeyCode::Char('c'), CTRL),
            (KeyCode::Char('j'), CTRL),
            (KeyCode::Char('7'), CTRL),
            (KeyCode::Char(' '), CTRL),
        ]
    );
}

#[test]
fn arrows_and_function_keys_come_in_every_spelling() {
    assert_eq!(
        keys(b"\x1b[A\x1bOB\x1b[1;5C\x1bOP\x1b[13~\x1b[24~\x1b[5~\x1b[1~\x1b[Z"),
        [
            (KeyCode::Up, NONE),
            (KeyCode::Down, NONE),
            (KeyCode::Right, CTRL),
            (KeyCode::F(1), NONE),
            (KeyCode::F(3), NONE),
            (KeyCode::F(12), NONE),
            (KeyCode::PageUp, NONE),
            (KeyCode::Home, NONE),
            (KeyCode::BackTab, SHIFT),
        ]
    );
}

#[test]
fn alt_comes_as_a_leading_escape() {
    assert_eq!(
        keys(b"\x1bb\x1b\r\x1b\x7f"),
        [(KeyCode::Char('b'), ALT), (KeyCode::Enter, ALT), (KeyCode::Backspace, ALT)]
    );
}

#[test]
fn kitty_keys_tell_shift_enter_apart_and_releases_are_dropped() {
    assert_eq!(
        keys(b"\x1b[13;2u\x1b[99;5u\x1b[99;5:3u\x1b[97:65;2u\x1b[57441;2u\x1b[27u\x1b[1;1:3A"),
        [
            (KeyCode::Enter, SHIFT),
            (KeyCode::Char('c'), CTRL),
            (KeyCode::Char('A'), SHIFT),
            (KeyCode::Esc, NONE),
        ]
    );
}

#[test]
fn modify_other_keys_tells_shift_enter_apart_too() {
    assert_eq!(keys(b"\x1b[27;2;13~"), [(KeyCode::Enter, SHIFT)]);
}

#[test]
fn a_paste_is_one_event_whatever_it_holds() {
    let bytes = b"\x1b[200~two\r\nlines\rand \x1b[A an escape\x1b[201~x";
    assert_eq!(
        read(bytes),
        [
            Parsed::Paste("two\nlines\nand \x1b[A an escape".into()),
            Parsed::Key(KeyEvent::new(KeyCode::Char('x'), NONE)),
        ]
    );
}

#[test]
fn any_split_of_the_bytes_reads_the_same() {
    let bytes = "a\x1b[1;5C你\x1b[200~p\x1b[20 你\x1b[201~\x1b[?1u\x1b[?62;4c\x1b]11;rgb:0/0/0\x1b\\\x1b[I\x1bOBz"
        .as_bytes();
    let whole = read(bytes);
    for cut in 1..bytes.len() {
        let mut parser = Parser::default();
        let mut out = Vec::new();
        parser.push(&bytes[..cut], &mut out);
        parser.push(&bytes[cut..], &mut out);
        assert_eq!(out, whole, "cut at {cut}");
    }
}

#[test]
fn a_lone_escape_is_the_escape_key_after_a_moment() {
    let mut parser = Parser::default();
    let mut out = Vec::new();
    parser.push(b"\x1b", &mut out);
    assert!(out.is_empty() && parser.waiting());
    parser.flush(&mut out);
    assert_eq!(out, [Parsed::Key(KeyEvent::new(KeyCode::Esc, NONE))]);
    assert!(!parser.waiting());
}

#[test]
fn answers_never_show_as_keys_and_the_last_question_settles_the_others() {
    let events = read(b"\x1b[?2026;2$y\x1b[?62;22c\x1b]10;rgb:ffff/ffff/ffff\x07");
    assert_eq!(
        events.last(),
        Some(&Parsed::Answers(Capabilities { kitty_keys: Answer::No, synchronized: Answer::Yes }))
    );
    assert!(events.iter().all(|event| matches!(event, Parsed::Answers(_))));
    assert_eq!(
        read(b"\x1b[?0u"),
        [Parsed::Answers(Capabilities { kitty_keys: Answer::Yes, synchronized: Answer::Unknown })]
    );
}

#[test]
fn focus_is_told() {
    assert_eq!(read(b"\x1b[I\x1b[O"), [Parsed::Focus(true), Parsed::Focus(false)]);
}

fn pointers(bytes: &[u8]) -> Vec<(u16, u16, PointerDid)> {
    read(bytes)
        .into_iter()
        .filter_map(|event| match event {
            Parsed::Pointer(pointer) => Some((pointer.col, pointer.row, pointer.did)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_wheel_and_the_left_button_are_read_in_both_spellings() {
    let told =
        [(9, 4, PointerDid::Click), (0, 0, PointerDid::WheelUp), (200, 59, PointerDid::WheelDown)];
    assert_eq!(pointers(b"\x1b[<0;10;5M\x1b[<0;10;5m\x1b[<64;1;1M\x1b[<69;201;60M"), told);
    let old = b"\x1b[M \x2a\x25\x1b[M#\x2a\x25\x1b[M`!!\x1b[Ma\xe9\x5c";
    assert_eq!(pointers(old), told);
}

#[test]
fn other_buttons_drags_and_nonsense_of_the_mouse_are_nothing_at_all() {
    assert!(
        read(b"\x1b[<1;3;3M\x1b[<2;3;3M\x1b[<32;3;3M\x1b[<66;3;3M\x1b[<0;0;0M\x1b[<;M").is_empty()
    );
}

#[test]
fn the_mouse_is_read_at_any_split_and_what_follows_is_keys() {
    for bytes in [&b"\x1b[<64;12;7Mx"[..], b"\x1b[M`+'x"] {
        for split in 1..bytes.len() {
            let mut parser = Parser::default();
            let mut out = Vec::new();
            parser.push(&bytes[..split], &mut out);
            parser.push(&bytes[split..], &mut out);
            let [Parsed::Pointer(pointer), Parsed::Key(key)] = out.as_slice() else {
                panic!("{out:?} at {split}");
            };
            assert_eq!(
                (pointer.col, pointer.row),
                if bytes[2] == b'<' { (11, 6) } else { (10, 6) }
            );
            assert_eq!(key.code, KeyCode::Char('x'));
        }
    }
}
