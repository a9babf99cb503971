//! The terminal is left as it was found, whatever ends or stops the program.

use std::time::{Duration, Instant};

use super::terminal::{Start, Terminal};

/// A terminal in all the modes it is ever put in, a reply under way.
fn busy() -> Terminal {
    at_work(Start::demo())
}

/// The same as a job of a shell, where it can be stopped.
fn busy_job() -> Terminal {
    at_work(Start::demo().under_a_shell())
}

fn at_work(start: Start) -> Terminal {
    let mut t = start.ready();
    t.wait("the keyboard's flags", |t| t.modes().keys == [0, 1]);
    t.ask("/mouse full");
    t.wait("the mouse", |t| t.modes().private.is_superset(&MOUSE.into()));
    t.ask("sim:tokens=4000");
    t.see("Part 1");
    t.assert_taken();
    t
}

/// Presses are told, in decimal places.
const MOUSE: [u32; 2] = [1000, 1006];

#[test]
fn quitting_restores_the_terminal() {
    let mut t = busy();
    t.leave_all_the_same();
    assert!(t.gone().success());
    t.assert_restored();
}

#[test]
fn signals_that_end_it_restore_the_terminal() {
    for name in ["TERM", "HUP", "INT"] {
        let mut t = busy();
        t.signal(name);
        t.gone();
        t.assert_restored();
    }
}

#[test]
fn a_signal_right_after_the_modes_were_entered_restores_the_terminal() {
    let mut t = Start::demo().open();
    t.wait("the alternate screen", |t| t.screen().alternate_screen());
    t.signal("TERM");
    t.gone();
    t.assert_restored();
}

/// Only a build with debug assertions can be made to panic.
#[cfg(debug_assertions)]
#[test]
fn a_panic_restores_the_terminal_and_is_printed_after() {
    let mut t = Start::demo().env("WHEELHOUSE_TEST_PANIC", "boom").ready();
    t.wait("the keyboard's flags", |t| t.modes().keys == [0, 1]);
    t.keys("boom");
    assert_eq!(t.gone().exit_code(), 101);
    t.assert_restored();
    t.see("WHEELHOUSE_TEST_PANIC");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    for key in ["\x1a", "\x1b[122;5u"] {
        let mut t = busy_job();
        t.keys("\x1b");
        t.see("stopped");
        t.keys("idraft");
        t.see("draft");
        t.keys(key);
        t.wait("being stopped", Terminal::stopped);
        t.hear(Duration::ZERO);
        t.wait("the terminal given back", |t| !t.screen().alternate_screen());
        t.assert_restored();
        t.resize(90, 28);
        t.keys("\r");
        t.wait("the whole screen again", |t| {
            t.screen().alternate_screen() && t.shows("draft") && t.modes().keys == [0, 1]
        });
        assert!(t.modes().private.is_superset(&MOUSE.into()));
        t.assert_taken();
        t.keys("!");
        t.see("draft!");
        assert_eq!(t.rows().iter().filter(|row| row.contains("wheelhouse")).count(), 1);
        t.leave_all_the_same();
        t.gone();
        t.assert_restored();
    }
}

#[test]
fn a_stop_from_outside_is_as_good_as_ctrl_z() {
    let mut t = busy_job();
    t.signal("TSTP");
    t.wait("being stopped", Terminal::stopped);
    t.wait("the terminal given back", |t| !t.screen().alternate_screen());
    t.assert_restored();
    t.keys("\r");
    t.wait("the whole screen again", |t| t.screen().alternate_screen() && t.shows("wheelhouse"));
    t.signal("TERM");
    t.gone();
    t.assert_restored();
}

#[test]
fn an_end_that_was_asked_for_while_it_was_stopped_comes_when_it_goes_on() {
    let mut t = busy_job();
    t.keys("\x1a");
    t.wait("being stopped", Terminal::stopped);
    t.signal("TERM");
    t.keys("\r");
    t.gone();
    t.assert_restored();
}

#[test]
fn where_nobody_would_continue_it_ctrl_z_says_so_and_stops_nothing() {
    let mut t = busy();
    t.keys("\x1a");
    t.see("not suspended");
    t.keys("still here");
    t.see("still here");
    assert!(!t.stopped());
    t.assert_taken();
    t.leave_all_the_same();
    t.gone();
    t.assert_restored();
}

#[test]
fn an_editor_gets_the_terminal_as_it_was_and_its_text_comes_back() {
    let mut t = Start::demo().env("EDITOR", "stty -a > modes; printf ' and more' >>").ready();
    t.wait("the keyboard's flags", |t| t.modes().keys == [0, 1]);
    t.keys("a draft");
    t.see("a draft");
    t.keys("\x07");
    t.see("a draft and more");
    t.wait("the modes again", |t| t.modes().keys == [0, 1]);
    t.assert_taken();
    let modes = std::fs::read_to_string(t.home().join("modes")).unwrap();
    assert!(modes.contains(" icanon") && modes.contains(" echo "), "{modes}");
    t.leave_all_the_same();
    t.gone();
    t.assert_restored();
}

#[test]
fn it_is_gone_within_a_second_of_its_terminal_closing() {
    for streaming in [true, false] {
        let mut t = if streaming { busy() } else { Start::demo().ready() };
        t.unplug();
        let closed = Instant::now();
        while !t.ended() {
            assert!(closed.elapsed() < Duration::from_secs(1), "it outlives its terminal");
            std::thread::yield_now();
        }
    }
}

#[test]
fn it_is_gone_with_its_terminal_before_anything_was_chosen() {
    let mut t = Start::with(&[]).open();
    t.see("Esc skip");
    t.unplug();
    let closed = Instant::now();
    while !t.ended() {
        assert!(closed.elapsed() < Duration::from_secs(1), "it outlives its terminal");
        std::thread::yield_now();
    }
}

#[test]
fn the_mouse_is_the_terminals_unless_it_is_asked_for_and_again_when_it_is_not() {
    let mut t = Start::demo().ready();
    assert!(t.modes().private.is_disjoint(&MOUSE.into()));
    t.ask("/mouse full");
    t.wait("the mouse", |t| t.modes().private.is_superset(&MOUSE.into()));
    let (row, col) = t.find("2 Routes").unwrap();
    t.keys(&format!("\x1b[<0;{};{}M\x1b[<0;{0};{1}m", col + 1, row + 1));
    t.see("[2 Routes]");
    let (row, col) = t.find("1 Chat").unwrap();
    t.keys(&format!("\x1b[<0;{};{}M", col + 1, row + 1));
    t.see("[1 Chat]");
    t.ask("/mouse off");
    t.wait("the mouse given back", |t| t.modes().private.is_disjoint(&MOUSE.into()));
    t.keys("\x11");
    t.gone();
    t.assert_restored();
}

#[test]
fn a_configured_mouse_is_taken_at_once_and_its_wheel_scrolls_the_chat_it_is_over() {
    let mut t = Start::demo().config("[console]\nmouse = \"wheel\"\n").ready();
    t.wait("the mouse", |t| t.modes().private.is_superset(&MOUSE.into()));
    t.ask("sim:tokens=800");
    t.see("Esc read");
    t.wait("the end of the reply", |t| t.shows("why?"));
    let last = t.rows()[20].clone();
    t.keys("\x1b[<64;10;10M");
    t.wait("the text three lines further down", |t| t.rows()[23] == last);
    t.keys("\x1b[<65;10;10M");
    t.wait("the text where it was", |t| t.rows()[20] == last);
}
