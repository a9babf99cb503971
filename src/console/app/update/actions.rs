//! What each action does, whichever key, palette line or help line it came from.

use crate::console::composer::Moved;
use crate::console::keys::Action;
use crate::domain::PinScope;
use crate::engine::{Command, Undo};

use super::super::{AppState, Effect, Focus, PickFor, Tone, View, Zoom};
use super::{
    Effects, complete, costs, escape, first, in_main, notes, overlays, picker, read, routes, send,
    sessions, slash,
};

/// Runs an action.
pub(super) fn run(state: &mut AppState, fx: &mut Effects, action: Action) {
    if !in_main(state) && !on_first_screen(action) {
        return;
    }
    match action {
        Action::Submit => send::submit(state, fx),
        Action::Escape => escape::escape(state, fx),
        Action::Interrupt => escape::interrupt(state, fx),
        Action::Quit => escape::leave(state, fx),
        Action::DeleteOrQuit if state.composer.is_empty() && state.composer.chip.is_none() => {
            escape::leave(state, fx);
        }
        Action::Newline
        | Action::DeleteOrQuit
        | Action::DeleteBack
        | Action::DeleteForward
        | Action::DeleteWordBack
        | Action::DeleteWordForward
        | Action::KillToEnd
        | Action::KillToHead
        | Action::Yank
        | Action::Left
        | Action::Right
        | Action::Up
        | Action::Down
        | Action::WordLeft
        | Action::WordRight
        | Action::LineStart
        | Action::LineEnd
        | Action::Home
        | Action::End
        | Action::Undo
        | Action::Redo => edit(state, action),
        Action::Complete => {
            if !complete::complete(state) {
                pane(state, 1);
            }
        }
        Action::HistorySearch => overlays::history_again(state),
        Action::Editor => fx.push(Effect::Editor(state.composer.expanded())),
        Action::TestDraft => {
            let draft = state.composer.draft();
            send::test(state, fx, draft);
        }
        Action::Override => picker::open_for_draft(state),
        Action::CycleModel => picker::cycle(state, 1),
        Action::CycleModelBack => picker::cycle(state, -1),
        Action::BackToAuto => picker::back_to_auto(state, fx),
        Action::PinHere => {
            let model = state.last_reply().and_then(|(_, reply)| reply.model());
            match model.map(|(model, _)| model.clone()) {
                Some(model) => {
                    picker::pin(
                        state,
                        fx,
                        &model,
                        PinScope::Session,
                        None,
                        "for this chat, in this run",
                    );
                }
                None => notes::toast(state, Tone::Info, "nobody has answered yet"),
            }
        }
        Action::Palette => overlays::palette(state),
        Action::Help => overlays::help(state),
        Action::NextPane => pane(state, 1),
        Action::PrevPane => pane(state, -1),
        Action::Go(view) => go(state, fx, view),
        Action::Back => escape::back(state),
        Action::NewChat => send::new_chat(state, fx),
        Action::Sessions => sessions::open(state, fx, ""),
        Action::RemoveItem => sessions::remove(state, fx),
        Action::CostsWindow => costs::next_window(state, fx),
        Action::CostsGroup => costs::next_group(state, fx),
        Action::CostsBudget => slash::run_or_begin(state, fx, "/budget "),
        Action::CostsCurrency => costs::next_currency(state),
        Action::CostsExport(form) => costs::export(state, fx, form),
        Action::Redraw => fx.push(Effect::Redraw),
        Action::Suspend => fx.push(Effect::Suspend),
        Action::TogglePanel => slash::toggle_panel(state),
        Action::ToggleZoom => {
            state.looks.zoom = match state.looks.zoom {
                Zoom::Off => Zoom::Focused,
                Zoom::Focused => Zoom::Off,
            };
        }
        Action::DismissNotice => dismiss(state),
        Action::UndoNotice => undo(state, fx),
        Action::LineUp => {
            read::scroll(state, -1);
            moved(state, fx);
        }
        Action::LineDown => {
            read::scroll(state, 1);
            moved(state, fx);
        }
        Action::HalfUp => {
            read::scroll(state, -(read::page(state) / 2).max(1));
            moved(state, fx);
        }
        Action::HalfDown => {
            read::scroll(state, (read::page(state) / 2).max(1));
            moved(state, fx);
        }
        Action::PageUp => {
            read::scroll(state, -read::page(state));
            moved(state, fx);
        }
        Action::PageDown => {
            read::scroll(state, read::page(state));
            moved(state, fx);
        }
        Action::Top => {
            read::top(state);
            moved(state, fx);
        }
        Action::Bottom => {
            read::bottom(state);
            moved(state, fx);
        }
        Action::PrevMessage => read::step_message(state, -1),
        Action::NextMessage => read::step_message(state, 1),
        Action::Open => match (state.view, state.focus) {
            (View::Chat, _) => read::open(state, fx),
            (View::Routes, _) => routes::open(state),
            (View::Costs, _) => costs::open(state, fx),
        },
        Action::Find => read::find(state),
        Action::FindNext => read::find_step(state, 1),
        Action::FindPrev => read::find_step(state, -1),
        Action::CopyReply => read::copy_reply(state, fx),
        Action::CopyMessage => read::copy_message(state, fx),
        Action::CopyBlock(label) => read::copy_block(state, fx, label),
        Action::CopyAll => read::copy_all(state, fx),
        Action::Retry => {
            on_question(state, |state, cell| send::again(state, fx, cell, None));
            // Esc stops what runs now, as after any other message.
            if state.running().is_some() && state.focus == Focus::Read {
                state.focus = Focus::Composer;
            }
        }
        Action::RetryWith => {
            on_question(state, |state, cell| picker::open(state, PickFor::Resend(cell)));
        }
        Action::EditResend => on_question(state, send::edit),
        Action::Filter if state.view == View::Costs => costs::filter(state),
        Action::Filter => routes::filter(state),
        Action::ToggleFilter if state.view == View::Costs => costs::toggle_filter(state),
        Action::ToggleFilter => routes::toggle_filter(state),
        Action::Freeze => routes::freeze(state),
        Action::UseInstead => routes::use_instead(state),
        Action::Never => routes::never(state, fx),
        Action::SelectUp => overlays::select(state, -1),
        Action::SelectDown => overlays::select(state, 1),
        Action::SelectPageUp => overlays::select_page(state, -1),
        Action::SelectPageDown => overlays::select_page(state, 1),
        Action::Accept => overlays::accept(state, fx),
        Action::Close => overlays::close(state, fx),
        Action::NextField => overlays::next_field(state, 1),
        Action::PrevField => overlays::next_field(state, -1),
        Action::ViewFile => first::view_file(state),
        Action::WriteFile => first::write(state, fx),
    }
}

/// What makes sense before there is anything to talk to.
fn on_first_screen(action: Action) -> bool {
    matches!(
        action,
        Action::SelectUp
            | Action::SelectDown
            | Action::SelectPageUp
            | Action::SelectPageDown
            | Action::Accept
            | Action::Close
            | Action::NextField
            | Action::PrevField
            | Action::ViewFile
            | Action::WriteFile
            | Action::Interrupt
            | Action::Quit
            | Action::Redraw
            | Action::Suspend
            | Action::Help
    )
}

/// Changes the draft. What is offered under the caret follows.
fn edit(state: &mut AppState, action: Action) {
    let composer = &mut state.composer;
    let empty = composer.is_empty();
    match action {
        Action::Newline => composer.newline(),
        Action::DeleteBack => composer.delete_back(),
        Action::DeleteForward | Action::DeleteOrQuit => composer.delete_forward(),
        Action::DeleteWordBack => composer.delete_word_back(),
        Action::DeleteWordForward => composer.delete_word_forward(),
        Action::KillToEnd => composer.kill_to_end(),
        Action::KillToHead => composer.kill_to_head(),
        Action::Yank => composer.yank(),
        Action::Left => composer.left(),
        Action::Right => composer.right(),
        Action::WordLeft => composer.word_left(),
        Action::WordRight => composer.word_right(),
        Action::LineStart => composer.line_start(),
        Action::LineEnd => composer.line_end(),
        Action::Undo => composer.undo(),
        Action::Redo => composer.redo(),
        Action::Up => match composer.up() {
            Moved::AtEdge => composer.earlier(),
            Moved::Yes => {}
        },
        Action::Down => match composer.down() {
            Moved::AtEdge => composer.later(),
            Moved::Yes => {}
        },
        Action::Home if empty => read::top(state),
        Action::End if empty => read::bottom(state),
        Action::Home => composer.line_start(),
        Action::End => composer.line_end(),
        _ => {}
    }
    if state.completion.is_some() || matches!(action, Action::DeleteBack) {
        complete::refresh(state);
    }
}

/// The next pane of the view.
fn pane(state: &mut AppState, step: isize) {
    let panes: &[Focus] = match state.view {
        View::Chat if state.transcript.cells.is_empty() => &[Focus::Composer],
        View::Chat => &[Focus::Composer, Focus::Read],
        View::Routes => &[Focus::List, Focus::Detail],
        View::Costs => &[Focus::List],
    };
    let at = panes.iter().position(|pane| *pane == state.focus).unwrap_or(0);
    let next = panes[(at as isize + step).rem_euclid(panes.len() as isize) as usize];
    if next == Focus::Read {
        read::enter(state);
    } else {
        state.focus = next;
    }
}

/// Opens a view.
pub(super) fn go(state: &mut AppState, fx: &mut Effects, view: View) {
    match view {
        View::Chat => {
            state.view = View::Chat;
            state.focus = Focus::Composer;
        }
        View::Routes => routes::enter(state, fx),
        View::Costs => costs::enter(state, fx),
    }
}

/// After moving in the log, what the detail shows follows.
fn moved(state: &mut AppState, fx: &mut Effects) {
    if state.view == View::Routes && state.focus != Focus::Detail {
        routes::moved(state, fx);
    }
}

/// Does something with the question the chosen message belongs to.
fn on_question(state: &mut AppState, then: impl FnOnce(&mut AppState, usize)) {
    let cell = read::target(state).and_then(|cell| read::question_of(state, cell));
    match cell {
        Some(cell) => then(state, cell),
        None => notes::toast(state, Tone::Info, "nothing was asked yet"),
    }
}

fn dismiss(state: &mut AppState) {
    if let Some(notice) = state.notice() {
        state.dismissed_until = notice.at;
    }
}

/// Takes back the last override made by hand.
fn undo(state: &mut AppState, fx: &mut Effects) {
    let commands = std::mem::take(&mut state.undo);
    if let (Some(notice), [Command::UndoShift(model)]) = (state.notice(), &*commands)
        && notice.undo.as_ref() == Some(&Undo::Shift(model.clone()))
    {
        // It is dealt with.
        state.dismissed_until = notice.at;
    }
    if commands.is_empty() {
        notes::toast(state, Tone::Info, "nothing to take back");
        return;
    }
    notes::toast(state, Tone::Good, "taken back");
    fx.extend(commands.into_iter().map(Effect::Command));
}

impl AppState {
    /// The engine's newest notice that was not dismissed.
    pub fn notice(&self) -> Option<&crate::engine::Notice> {
        let notices = &self.snapshot.as_ref()?.notices;
        notices.iter().rev().find(|notice| notice.at > self.dismissed_until)
    }
}
