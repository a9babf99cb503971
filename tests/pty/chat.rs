//! Starting, typing, asking, reading, leaving.

use std::time::{Duration, Instant};

use super::terminal::{Kind, Start, Terminal};

/// Long enough for a reply to be seen growing and to be stopped.
const LONG: &str = "sim:tokens=4000";

#[test]
fn the_first_frame_of_a_demo_needs_no_configuration_and_no_key() {
    let t = Start::demo().ready();
    assert!(t.shows("wheelhouse") && t.shows("simulated fleet"), "{}", t.text());
    assert!(t.shows("Ask anything"), "{}", t.text());
    t.assert_taken();
    let left: Vec<_> = std::fs::read_dir(t.home()).unwrap().collect();
    assert!(left.is_empty(), "a first frame wrote {left:?}");
}

#[test]
fn a_question_is_typed_and_its_answer_streams_onto_the_screen() {
    let mut t = Start::demo().ready();
    t.ask("sim:tokens=300");
    t.wait("the beginning of the answer while it streams", |t| {
        t.shows("Part 1") && !t.shows("300 out")
    });
    t.see("300 out");
    assert!(t.shows("12 in"), "{}", t.text());
}

#[test]
fn the_real_cursor_is_at_the_caret() {
    let mut t = Start::demo().ready();
    let at = |t: &Terminal| t.screen().cursor_position();
    t.wait("the cursor where the first letter goes", |t| {
        t.find("Ask anything") == Some(at(t)) && !t.screen().hide_cursor()
    });
    let (row, _) = at(&t);
    t.keys("hello");
    t.wait("the cursor behind the draft", |t| {
        t.find("hello").is_some_and(|(y, x)| at(t) == (y, x + 5))
    });
    t.keys("\x01");
    t.wait("the cursor at the head", |t| t.find("hello") == Some(at(t)));
    assert_eq!(at(&t).0, row);
}

#[test]
fn the_real_cursor_counts_wide_characters_twice() {
    let mut t = Start::demo().ready();
    t.keys("路由器 ok");
    t.wait("the cursor behind the draft", |t| {
        t.find("路由器 ok").is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 9))
    });
    t.keys("\x1b[D\x1b[D\x1b[D\x1b[D");
    t.wait("the cursor before the last wide character", |t| {
        t.find("路由器 ok").is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 4))
    });
    t.keys("\x7f");
    t.wait("a wide character deleted whole", |t| t.shows("路器 ok"));
}

#[test]
fn a_paste_of_two_lines_is_not_sent_and_keeps_its_lines() {
    let mut t = Start::demo().ready();
    t.paste("sim:echo first line\rsecond line\r");
    t.see("second line");
    t.settle(Duration::from_millis(300));
    let (first, second) = (t.find("first line").unwrap(), t.find("second line").unwrap());
    assert_eq!(second.0, first.0 + 1, "{}", t.text());
    assert!(!t.shows("you "), "it was sent:\n{}", t.text());
    t.keys("\r");
    t.see("out ·");
    assert!(t.shows("you "), "{}", t.text());
    let rows = t.rows();
    let second = |row: &&String| row.starts_with("   second line ");
    assert_eq!(rows.iter().filter(second).count(), 2, "{}", t.text());
}

#[test]
fn keys_typed_before_the_first_frame_are_not_lost() {
    let mut t = Start::demo().open();
    t.keys("early bird");
    t.see("early bird");
}

#[test]
fn a_terminal_that_answers_nothing_is_not_waited_for() {
    let mut t = Start::demo().kind(Kind::Mute).ready();
    let (frame, question) = (b"\x1b[?2026l".as_slice(), b"\x1b[c".as_slice());
    let place =
        |t: &Terminal, what: &[u8]| t.bytes().windows(what.len()).position(|bytes| bytes == what);
    t.wait("the question", |t| place(t, question).is_some());
    assert!(place(&t, frame) < place(&t, question), "asked before the first frame");
    assert!(place(&t, frame).is_some(), "no frame was ended before the question");
    t.settle(Duration::from_millis(300));
    let typed = Instant::now();
    t.keys("x");
    t.wait("the key", |t| {
        t.find("x").is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 1))
    });
    assert!(typed.elapsed() < Duration::from_secs(1), "{:?}", typed.elapsed());
}

#[test]
fn an_answer_that_comes_late_is_not_taken_for_keys() {
    let mut t = Start::demo().kind(Kind::Mute).ready();
    t.keys("dra");
    t.see("dra");
    t.keys("\x1b[?0u\x1b[?2026;2$y\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x1b\\");
    t.wait("the keyboard's flags", |t| t.modes().keys == [0, 1]);
    t.keys("ft");
    t.wait("only what was typed", |t| {
        t.find("draft").is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 5))
    });
    t.leave_all_the_same();
    t.gone();
    t.assert_restored();
}

#[test]
fn sizes_come_and_go_and_below_the_least_one_it_says_so() {
    let mut t = Start::demo().size(120, 40).ready();
    t.ask("sim:tokens=120");
    t.see("120 out");
    t.keys("kept draft");
    t.see("kept draft");
    for (cols, rows) in
        [(80, 24), (60, 20), (20, 8), (39, 30), (200, 60), (40, 12), (1, 1), (80, 11), (120, 40)]
    {
        t.resize(cols, rows);
        if cols >= 40 && rows >= 12 {
            t.wait("the draft at this size", |t| {
                t.find("kept draft")
                    .is_some_and(|(y, x)| t.screen().cursor_position() == (y, x + 10))
            });
        } else if cols >= 20 {
            t.see("too small");
            let this = format!("{cols} x {rows}");
            t.see(&this);
        }
        t.assert_a_repaint_changes_nothing();
    }
    t.keys("\x1b[F!");
    t.see("kept draft!");
}

#[test]
fn a_size_that_changes_while_it_starts_is_not_missed() {
    let mut t = Start::demo().size(120, 40).open();
    t.wait("the alternate screen", |t| t.screen().alternate_screen());
    t.resize(80, 24);
    t.wait("a frame of this size", |t| t.rows()[23].contains("help"));
    t.assert_a_repaint_changes_nothing();
}

#[test]
fn a_size_that_changes_while_a_reply_streams_breaks_nothing() {
    let mut t = Start::demo().ready();
    t.ask("sim:tokens=500");
    t.see("Part 1");
    for size in [(60, 20), (20, 8), (80, 24), (44, 13), (120, 40), (80, 24)] {
        t.resize(size.0, size.1);
        t.hear(Duration::from_millis(60));
    }
    t.see("500 out");
    t.assert_a_repaint_changes_nothing();
}

#[test]
fn esc_stops_a_reply_and_keeps_its_text() {
    let mut t = Start::demo().ready();
    t.ask(LONG);
    t.see("part 1");
    t.keys("\x1b");
    t.see("stopped");
    assert!(t.shows("part 1"), "{}", t.text());
    t.settle(Duration::from_millis(700));
    assert!(t.shows("stopped") && t.shows("part 1"), "{}", t.text());
}

#[test]
fn ctrl_c_stops_first_and_quits_when_pressed_twice() {
    let mut t = Start::demo().ready();
    t.ask(LONG);
    t.see("Part 1");
    t.keys("\x03");
    t.see("stopped");
    t.keys("\x03");
    t.see("quits");
    assert!(!t.ended());
    t.keys("\x03");
    assert!(t.gone().success());
    t.assert_restored();
}

#[test]
fn ctrl_c_quits_from_a_keyboard_that_tells_keys_apart_too() {
    let mut t = Start::demo().ready();
    t.keys("\x1b[99;5u\x1b[99;5:3u");
    t.see("quits");
    t.keys("\x1b[99;5u");
    assert!(t.gone().success());
    t.assert_restored();
}

#[test]
fn slash_quit_quits() {
    let mut t = Start::demo().ready();
    t.ask("/quit");
    assert!(t.gone().success());
    t.assert_restored();
}

#[test]
fn ctrl_d_quits_only_when_nothing_is_written() {
    let mut t = Start::demo().ready();
    t.keys("abc\x1b[D\x04");
    t.see("› ab  ");
    assert!(!t.ended());
    t.keys("\x7f\x7f\x04");
    assert!(t.gone().success());
    t.assert_restored();
}

#[test]
fn idle_draws_nothing() {
    let mut t = Start::demo().ready();
    t.ask("sim:tokens=40");
    t.see("40 out");
    t.settle(Duration::from_millis(700));
    // The clock may turn a minute once.
    let quiet = (0..2).any(|_| t.hear(Duration::from_secs(1)).is_empty());
    assert!(quiet, "it draws while nothing happens");
}

#[test]
fn the_first_screen_of_an_empty_home_leads_to_a_demo_that_answers() {
    let mut t = Start::with(&[]).open();
    t.see("Esc skip");
    t.keys("\x1b");
    t.see("simulated fleet");
    t.see("7/7 up");
    t.ask("sim:tokens=40");
    t.see("40 out");
    t.keys("\x11");
    assert!(t.gone().success());
    t.assert_restored();
    let config = t.home().join(".config");
    assert!(!config.exists(), "looking around wrote {}", config.display());
}
