//! Scrolling, finding, copying, and the way between views.

use super::super::fixture::Console;
use crate::console::app::{Copied, Effect, Focus, Msg, Scroll, Size, View};

fn long(console: &mut Console) {
    let answer = "a line of its own\n".repeat(100);
    console.exchange("one", &answer);
}

#[test]
fn text_that_arrives_never_moves_what_is_read() {
    let mut console = Console::ready();
    long(&mut console);
    console.text("two").keys("enter").routed("mini").stream("a\nb\n").keys("pageup pageup");
    let rows = console.state.geometry().transcript_rows;
    let top = |c: &Console| c.state.transcript.scroll.top(&c.state.transcript.layout, rows);
    let before = top(&console);
    console.stream("c\nd\ne\n");
    assert_eq!(top(&console), before);
    assert_eq!(console.state.transcript.scroll.new_below(&console.state.transcript.layout), 3);
    console.keys("end");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn sending_follows_the_end_again() {
    let mut console = Console::ready();
    long(&mut console);
    console.keys("pageup").text("two").keys("enter");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn what_a_command_answers_is_seen_wherever_one_read() {
    for line in ["/budget", "/cache", "/export md"] {
        let mut console = Console::ready();
        long(&mut console);
        console.keys("esc pageup esc").text(line);
        console.state.completion = None;
        assert_eq!(console.state.composer.text(), line);
        assert_ne!(console.state.transcript.scroll, Scroll::Follow, "{line}");
        console.keys("enter");
        assert_eq!(console.state.transcript.scroll, Scroll::Follow, "{line}");
    }
    let mut console = Console::ready();
    long(&mut console);
    console.keys("esc pageup esc").text("/copy");
    console.state.completion = None;
    console.keys("enter");
    assert_ne!(console.state.transcript.scroll, Scroll::Follow, "it answers nothing");
}

#[test]
fn asked_again_while_reading_the_next_escape_stops_it() {
    let mut console = Console::ready();
    console.exchange("one", "An answer.").keys("esc r");
    assert_eq!(console.state.focus, Focus::Composer);
    assert!(console.state.running().is_some());
    console.keys("esc");
    assert!(console.state.running().is_none());
}

#[test]
fn only_escape_twice_goes_back_to_an_earlier_message() {
    let mut console = Console::ready();
    console.exchange("one", "An answer.").keys("esc q");
    assert!(console.state.overlay.is_none());
    assert_eq!(console.state.focus, Focus::Composer);
    console.wait(2_000).keys("esc").wait(900).keys("esc");
    assert!(console.state.overlay.is_some());
}

#[test]
fn who_writes_on_at_the_list_of_earlier_messages_writes_in_the_draft() {
    let mut console = Console::ready();
    console.exchange("one", "An answer.").keys("esc esc");
    assert!(console.state.overlay.is_some());
    console.text("/budget");
    assert!(console.state.overlay.is_none());
    assert_eq!(console.state.composer.text(), "/budget");
    assert!(console.state.editing.is_none());
}

#[test]
fn a_resize_keeps_the_cell_that_is_read() {
    let mut console = Console::ready();
    long(&mut console);
    long(&mut console);
    console.keys("home");
    console.keys("pagedown pagedown");
    let Scroll::Anchored { cell, line, .. } = console.state.transcript.scroll else { panic!() };
    console.send(Msg::Resize(Size { cols: 40, rows: 24 }));
    let Scroll::Anchored { cell: after, line: line_after, .. } = console.state.transcript.scroll
    else {
        panic!()
    };
    assert_eq!((cell, line), (after, line_after));
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::RefineLayout)));
}

#[test]
fn home_and_end_move_in_the_draft_when_there_is_one() {
    let mut console = Console::ready();
    long(&mut console);
    console.text("ab").keys("home").text("x");
    assert_eq!(console.state.composer.text(), "xab");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn find_walks_through_hits_round_and_round() {
    let mut console = Console::ready();
    console.exchange("one", "alpha\nbeta\nalpha again").keys("ctrl-f").text("alpha").keys("enter");
    let at = |c: &Console| c.state.transcript.find.as_ref().map(|find| (find.at, find.hits.len()));
    assert_eq!(at(&console), Some((0, 2)));
    console.keys("n n");
    assert_eq!(at(&console), Some((0, 2)));
    console.keys("N");
    assert_eq!(at(&console), Some((1, 2)));
    console.keys("esc");
    assert_eq!(console.state.transcript.find, None);
}

#[test]
fn messages_and_blocks_are_copied_by_number() {
    let mut console = Console::ready();
    console.exchange("one", "say\n```rust\nlet a = 1;\n```\n");
    console.exchange("two", "```\nfirst\n```\nand\n```\nsecond\n```");
    console.keys("esc").wait(1_000).keys("y 3 y 1 y y y a ctrl-x y");
    let copied = console.copied();
    assert_eq!(&copied[..2], ["second", "let a = 1;"]);
    assert!(copied[2].starts_with("```\nfirst"));
    assert!(copied[3].contains("**mini · openai**"));
    assert_eq!(copied.len(), 5);
    console.send(Msg::Copied(Copied::Terminal { bytes: 1_234 }));
    assert!(console.toast().contains("1.2 kB"));
}

#[test]
fn enter_on_a_reply_says_why_and_q_comes_back() {
    let mut console = Console::ready();
    console.exchange("one", "a").logged().keys("esc").wait(1_000).keys("enter");
    assert_eq!((console.state.view, console.state.focus), (View::Routes, Focus::Detail));
    console.keys("q q");
    assert_eq!((console.state.view, console.state.focus), (View::Chat, Focus::Composer));
    assert!(!console.state.quitting);
}

#[test]
fn views_are_reached_by_digit_from_anywhere() {
    let mut console = Console::ready();
    console.text("1").keys("ctrl-x 2");
    assert_eq!(console.state.view, View::Routes);
    console.keys("1");
    assert_eq!((console.state.view, console.state.composer.text().as_str()), (View::Chat, "1"));
}
