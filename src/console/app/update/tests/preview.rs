//! The preview under the draft, and that idle asks for nothing.

use super::super::fixture::Console;
use crate::console::app::{DecideFor, Effect, Msg};

#[test]
fn the_preview_is_asked_for_after_typing_and_shown_for_that_draft() {
    let mut console = Console::ready();
    console.text("hi");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::SchedulePreview)));
    console.effects.clear();
    console.send(Msg::PreviewDue);
    let Some(Effect::Decide { purpose: DecideFor::Preview(draft), request }) =
        console.effects.first()
    else {
        panic!("not decided")
    };
    assert_eq!(
        (*draft, request.last_user_text().as_str()),
        (console.state.composer.revision(), "hi")
    );
}

#[test]
fn a_command_is_not_previewed() {
    let mut console = Console::ready();
    console.text("/policy").send(Msg::PreviewDue);
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::Decide { .. })));
}

#[test]
fn nothing_is_asked_for_while_nothing_happens() {
    let mut console = Console::ready();
    console.send(Msg::Tick);
    assert!(console.effects.is_empty(), "{:?}", console.effects);
}
