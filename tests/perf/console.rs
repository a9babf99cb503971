//! What the console costs: a frame, a key until its frame, a delta, a new width. The conversation is
//! two thousand messages long; none of it but the new width may depend on that.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../it/console/chat.rs"]
mod chat;

use std::io::sink;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use divan::{Bencher, black_box};
use wheelhouse::config;
use wheelhouse::console::app::{AppState, Msg, Size, update};
use wheelhouse::console::keys::Keymap;
use wheelhouse::console::term::Screen;
use wheelhouse::console::view;
use wheelhouse::console::view::sample::NOW;
use wheelhouse::domain::RequestId;

use chat::{say, theme};

fn main() {
    divan::main();
}

const ANSWER: &str = "The client must wait before it tries again; see the [notes](https://example.com).\n\n\
    - first, read the `retry-after` header\n- then add **jitter**\n\n\
    ```rust\nfn backoff(attempt: u32) -> Duration {\n    Duration::from_millis(100 << attempt)\n}\n```\n\n\
    | attempt | delay |\n|---:|---:|\n| 1 | 100 |\n| 2 | 200 |\n\n";

fn chat(messages: usize) -> (AppState, RequestId) {
    chat::of(messages, ANSWER)
}

/// The n-th word of an endless answer.
fn word(n: usize) -> &'static str {
    let words = ANSWER.split_inclusive(' ').count();
    ANSWER.split_inclusive(' ').nth(n % words).unwrap()
}

#[divan::bench(args = [2, 2_000])]
fn frame(bencher: Bencher<'_, '_>, messages: usize) {
    let (state, _) = chat(messages);
    let (theme, mut screen) = (theme(), Screen::new(sink(), 120, 40));
    bencher.bench_local(|| screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap());
}

#[divan::bench(args = [2, 2_000])]
fn whole_frame(bencher: Bencher<'_, '_>, messages: usize) {
    let (state, _) = chat(messages);
    let (theme, mut screen) = (theme(), Screen::new(sink(), 120, 40));
    bencher.bench_local(|| {
        screen.invalidate();
        screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap()
    });
}

#[divan::bench(args = [2, 2_000])]
fn key_to_frame(bencher: Bencher<'_, '_>, messages: usize) {
    let (mut state, _) = chat(messages);
    let (theme, mut screen) = (theme(), Screen::new(sink(), 120, 40));
    let mut typed = 0u32;
    bencher.bench_local(|| {
        typed += 1;
        // A draft stays a draft: it is deleted again before it grows.
        let code = if typed % 2 == 1 { KeyCode::Char('x') } else { KeyCode::Backspace };
        update(&mut state, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), NOW);
        screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap()
    });
}

#[divan::bench(args = [10, 10_000], sample_size = 1)]
fn delta_number(bencher: Bencher<'_, '_>, n: usize) {
    bencher
        .with_inputs(|| {
            let (mut state, request) = chat(2);
            let before: String = (0..n).map(word).collect();
            say(&mut state, request, &before, NOW);
            (state, request)
        })
        .bench_local_values(|(mut state, request)| {
            say(&mut state, request, black_box(word(n)), NOW);
            state
        });
}

#[divan::bench(args = [2, 2_000])]
fn resize_until_drawn(bencher: Bencher<'_, '_>, messages: usize) {
    let (mut state, _) = chat(messages);
    let (theme, mut cols) = (theme(), 120);
    let mut screen = Screen::new(sink(), cols, 40);
    bencher.bench_local(|| {
        cols = if cols == 120 { 100 } else { 120 };
        screen.resize(cols, 40);
        update(&mut state, Msg::Resize(Size { cols, rows: 40 }), NOW);
        screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap()
    });
}

/// One slice of what a resize leaves to be measured: how long a key may have to wait.
#[divan::bench]
fn refine_slice(bencher: Bencher<'_, '_>) {
    let (mut state, _) = chat(2_000);
    let mut cols = 120;
    bencher.bench_local(|| {
        let more = update(&mut state, Msg::Idle, NOW);
        if more.is_empty() {
            cols = if cols == 120 { 100 } else { 120 };
            update(&mut state, Msg::Resize(Size { cols, rows: 40 }), NOW);
        }
    });
}

#[divan::bench(args = [2, 2_000])]
fn preview_request(bencher: Bencher<'_, '_>, messages: usize) {
    let (mut state, _) = chat(messages);
    update(&mut state, Msg::Key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE)), NOW);
    bencher.bench_local(|| update(&mut state, Msg::PreviewDue, NOW));
}

#[divan::bench]
fn start_config() {
    black_box(config::load(&[]).unwrap());
}

#[divan::bench]
fn start_keymap() {
    black_box(Keymap::defaults());
}

#[divan::bench]
fn start_theme() {
    black_box(theme());
}
