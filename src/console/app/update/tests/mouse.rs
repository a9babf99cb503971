//! The wheel, clicks, and who has them.

use super::super::fixture::Console;
use crate::console::app::{Effect, Focus, Mouse, Msg, Overlay, Pointer, PointerDid, Scroll, View};

fn mouse(console: &mut Console, col: u16, row: u16, did: PointerDid) {
    console.send(Msg::Pointer(Pointer { col, row, did }));
}

#[test]
fn the_mouse_command_takes_the_mouse_and_gives_it_back() {
    let mut console = Console::ready();
    for (word, mode) in [("full", Mouse::Full), ("wheel", Mouse::Wheel), ("off", Mouse::Off)] {
        console.text(&format!("/mouse {word}")).keys("enter");
        assert_eq!(console.state.looks.mouse, mode);
        assert!(matches!(console.effects.last(), Some(Effect::ScheduleTick(_))));
        let set = console.effects.iter().rev().find_map(|effect| match effect {
            Effect::SetMouse(set) => Some(*set),
            _ => None,
        });
        assert_eq!(set, Some(mode));
        assert!(console.toast().contains(word), "{}", console.toast());
    }
    console.text("/mouse on").keys("enter");
    assert!(console.toast().contains("off, wheel or full"), "{}", console.toast());
    assert_eq!(console.state.composer.text(), "/mouse on");
}

#[test]
fn while_the_mouse_is_the_terminals_nothing_of_it_counts() {
    let mut console = Console::ready();
    mouse(&mut console, 12, 0, PointerDid::Click);
    assert_eq!(console.state.view, View::Chat);
}

#[test]
fn the_wheel_scrolls_what_it_is_over_and_clicks_are_not_taken_with_it() {
    let mut console = Console::ready();
    console.state.looks.mouse = Mouse::Wheel;
    console.exchange("question", &"line\n\n".repeat(40));
    mouse(&mut console, 5, 5, PointerDid::WheelUp);
    assert!(matches!(console.state.transcript.scroll, Scroll::Anchored { .. }));
    assert_eq!(console.state.focus, Focus::Composer, "the wheel takes no focus");
    mouse(&mut console, 5, 5, PointerDid::WheelDown);
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
    mouse(&mut console, 12, 0, PointerDid::Click);
    assert_eq!(console.state.view, View::Chat);
    console.state.view = View::Routes;
    console.state.focus = Focus::List;
    mouse(&mut console, 5, 15, PointerDid::WheelDown);
    assert_eq!((console.state.routes.detail_top, console.state.focus), (3, Focus::List));
}

#[test]
fn a_click_goes_to_a_view_a_message_or_the_draft() {
    let mut console = Console::ready();
    console.state.looks.mouse = Mouse::Full;
    console.exchange("question", "answer").text("a draft");
    mouse(&mut console, 12, 0, PointerDid::Click);
    assert_eq!((console.state.view, console.state.focus), (View::Routes, Focus::List));
    mouse(&mut console, 5, 12, PointerDid::Click);
    assert_eq!(console.state.focus, Focus::Detail);
    mouse(&mut console, 2, 0, PointerDid::Click);
    assert_eq!(console.state.view, View::Chat);
    mouse(&mut console, 5, 2, PointerDid::Click);
    assert_eq!((console.state.focus, console.state.transcript.selected), (Focus::Read, Some(1)));
    mouse(&mut console, 1, 20, PointerDid::Click);
    console.text("!");
    assert_eq!(console.state.composer.text(), "a! draft");
    assert_eq!(console.sent().len(), 1);
}

#[test]
fn a_click_in_a_list_selects_and_one_more_takes() {
    let mut console = Console::ready();
    console.state.looks.mouse = Mouse::Full;
    console.keys("ctrl-o");
    mouse(&mut console, 5, 1, PointerDid::Click);
    let selected = |console: &Console| match &console.state.overlay {
        Some(Overlay::Picker(picker)) => Some(picker.selected),
        _ => None,
    };
    assert_eq!(selected(&console), Some(1));
    mouse(&mut console, 5, 0, PointerDid::WheelDown);
    assert_eq!(selected(&console), Some(2));
    mouse(&mut console, 5, 2, PointerDid::Click);
    assert_eq!(selected(&console), None);
    assert!(console.state.composer.chip.is_some());
}
