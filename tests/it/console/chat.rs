//! A long chat whose last answer still runs, for whatever asks what the console costs.

use uuid::Uuid;
use wheelhouse::console::app::{
    AppState, Cell, ColorDepth, Effect, Msg, ReplyCell, ReplyPhase, RunningAttempt, UserCell,
    update,
};
use wheelhouse::console::composer::Draft;
use wheelhouse::console::theme::Theme;
use wheelhouse::console::view::sample::{self, NOW, Scene};
use wheelhouse::domain::{AttemptKind, ReplyEvent, RequestId, UnixMs};

/// A chat of so many messages, each answer the same, and one more that has begun to stream.
pub fn of(messages: usize, answer: &str) -> (AppState, RequestId) {
    let mut state = sample::state(Scene::Empty, 120, 40);
    for n in 0..messages / 2 {
        let asked = state.transcript.push(Cell::User(UserCell {
            id: wheelhouse::domain::MessageId(uuid::Uuid::nil()),
            at: NOW,
            text: format!("question {n}"),
            draft: Draft::default(),
            model: None,
            policy: None,
            tags: Vec::new(),
            heard: wheelhouse::domain::Heard::Sent,
        }));
        let mut reply = ReplyCell::new(RequestId(Uuid::from_u128(n as u128)), asked, NOW);
        reply.phase = ReplyPhase::Done;
        answer.clone_into(&mut reply.reply.text);
        state.transcript.push(Cell::Reply(Box::new(reply)));
    }
    let request = RequestId(Uuid::from_u128(u128::MAX));
    let mut reply = ReplyCell::new(request, 0, NOW);
    reply.phase = ReplyPhase::Streaming(RunningAttempt {
        n: 1,
        model: "mini".into(),
        provider: "openai".into(),
        kind: AttemptKind::First,
        since: NOW,
    });
    state.transcript.push(Cell::Reply(Box::new(reply)));
    (state, request)
}

/// A delta of the running answer arrives.
pub fn say(state: &mut AppState, request: RequestId, text: &str, now: UnixMs) -> Vec<Effect> {
    let events = vec![ReplyEvent::Text(text.to_owned())];
    update(state, Msg::Reply { request, events }, now)
}

pub fn theme() -> Theme {
    Theme::named("terminal", ColorDepth::True).unwrap()
}
