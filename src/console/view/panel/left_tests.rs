//! What the left column calls avoided is what routing avoids.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{AppState, ColorDepth};
use crate::console::theme::Theme;
use crate::console::view::draw;
use crate::console::view::sample::{Scene, state};
use crate::engine::{Countdown, Pending};

fn says_avoided(state: &AppState, who: &str) -> bool {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    draw(state, &Theme::named("terminal", ColorDepth::True).unwrap(), &mut buffer);
    (0..60).any(|y| {
        let row: String = (0..200).map(|x| buffer[(x, y)].symbol()).collect();
        row.contains(&format!("avoid    {who}"))
    })
}

#[test]
fn a_slow_provider_is_avoided_while_its_traffic_is_away_and_not_once_that_is_undone() {
    let mut state = state(Scene::Chat, 200, 60);
    let now = state.now;
    let mut slow = |pending: Option<Pending>| {
        let mut snapshot = (**state.snapshot.as_ref().unwrap()).clone();
        snapshot.overrides.vetoes.clear();
        let google = snapshot.providers.get_mut("google").unwrap();
        let until = now + Duration::from_mins(5);
        google.countdown = pending.map(|pending| Countdown { pending, until });
        state.snapshot = Some(Arc::new(snapshot));
        says_avoided(&state, "google")
    };
    assert!(slow(Some(Pending::Shifted)));
    assert!(!slow(None), "a slow provider nobody leaves is not avoided");
}
