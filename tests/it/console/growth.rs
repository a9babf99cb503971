//! What the console does must not grow with what it has done. Work is counted, not timed.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use wheelhouse::console::app::{AppState, Cell, Effect, Msg, NoteCell, Size, Tone, update};
use wheelhouse::console::term::{FRAME_GAP, Frames, Screen, Urgency};
use wheelhouse::console::view;
use wheelhouse::console::view::sample::NOW;
use wheelhouse::domain::{RequestId, UnixMs};

use super::chat::{self, say, theme};

const SECTION: &str = "Wait before you try again; see the [notes](https://example.com).\n\n\
    - read `retry-after`\n- add **jitter**\n\n```rust\nlet wait = 100 << attempt;\n```\n\n";

fn chat(messages: usize) -> (AppState, RequestId) {
    chat::of(messages, SECTION)
}

fn press(state: &mut AppState, code: KeyCode) -> Vec<Effect> {
    update(state, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), NOW)
}

fn drawn(state: &AppState) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.cols, state.size.rows));
    view::draw(state, &theme(), &mut buffer);
    buffer
}

/// A terminal that counts what reaches it.
#[derive(Debug, Default)]
struct Counting {
    writes: usize,
    bytes: usize,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_ten_thousandth_delta_costs_what_the_tenth_did() {
    let (mut state, request) = chat(2);
    let cell = state.transcript.cells.len() - 1;
    let words: Vec<&str> = SECTION.split_inclusive(' ').collect();
    let mut costs = Vec::new();
    let mut before = 0;
    for n in 0..10_000 {
        say(&mut state, request, words[n % words.len()], NOW);
        let work = state.transcript.layout.rows(cell).unwrap().bytes_rendered();
        costs.push(work - before);
        before = work;
    }
    let worst = |costs: &[usize]| costs.iter().max().copied().unwrap();
    let (early, late) = (worst(&costs[..1_000]), worst(&costs[9_000..]));
    assert!(late <= early, "a delta rendered {early} bytes at first and {late} at the end");
}

#[test]
fn thousands_of_deltas_are_drawn_at_most_thirty_times_a_second() {
    let (mut state, request) = chat(20);
    let (theme, mut screen) = (theme(), Screen::new(Counting::default(), 120, 40));
    let (mut frames, start) = (Frames::default(), Instant::now());
    let words: Vec<&str> = SECTION.split_inclusive(' ').collect();
    let seconds = 10;
    let mut drawn = 0;
    for ms in 0..seconds * 1000 {
        let now = start + Duration::from_millis(ms);
        let text = words[ms as usize % words.len()];
        say(&mut state, request, text, UnixMs(NOW.0 + ms as i64));
        frames.request(now, Urgency::Text);
        if frames.ready(now) {
            screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap();
            frames.drawn(now);
            drawn += 1;
        }
    }
    let most = (seconds * 1000 / FRAME_GAP.as_millis() as u64) as usize + 1;
    assert!(drawn <= most, "{drawn} frames in {seconds} s");
    assert!(screen.writer().writes <= drawn);
    let each = screen.writer().bytes / drawn;
    assert!(each < 1_500, "{each} bytes a frame: more than what changed is written");
}

#[test]
fn idle_draws_nothing_and_asks_for_nothing() {
    let (mut state, request) = chat(200);
    update(&mut state, Msg::ReplyClosed(request), NOW);
    let (theme, mut screen) = (theme(), Screen::new(Counting::default(), 120, 40));
    let mut frames = Frames::default();
    frames.request(Instant::now(), Urgency::Stream);
    screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap();
    frames.drawn(Instant::now());
    assert_eq!(frames.due(), None);
    let written = screen.writer().bytes;
    // Whatever woke the loop: nothing changed, so nothing is scheduled and nothing is written.
    let asked = update(&mut state, Msg::Tick, NOW);
    assert!(!asked.iter().any(|effect| matches!(effect, Effect::ScheduleTick(_))), "{asked:?}");
    assert_eq!(screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap(), 0);
    assert_eq!(screen.writer().bytes, written);
}

#[test]
fn a_frame_looks_only_at_the_cells_it_shows() {
    let (mut state, _) = chat(2_000);
    press(&mut state, KeyCode::Char('h'));
    let whole = drawn(&state);
    // Far cells become others without anybody being told: nobody may notice.
    let hidden = state.transcript.cells.len() - 60;
    for cell in &mut state.transcript.cells[..hidden] {
        *cell = Cell::Note(NoteCell { at: NOW, tone: Tone::Bad, text: "never seen".to_owned() });
    }
    assert_eq!(drawn(&state), whole);
    press(&mut state, KeyCode::Char('i'));
    let (mut short, _) = chat(200);
    press(&mut short, KeyCode::Char('h'));
    press(&mut short, KeyCode::Char('i'));
    let rows = state.geometry().transcript_rows;
    let composer = |buffer: &Buffer| {
        (rows + 2..buffer.area.height)
            .flat_map(|y| (0..80).map(move |x| (x, y)))
            .map(|at| buffer[at].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(composer(&drawn(&state)), composer(&drawn(&short)));
}

#[test]
fn a_key_writes_as_much_after_two_thousand_messages_as_after_two() {
    let written = |messages| {
        let (mut state, _) = chat(messages);
        let (theme, mut screen) = (theme(), Screen::new(Counting::default(), 120, 40));
        press(&mut state, KeyCode::Char('a'));
        screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap();
        press(&mut state, KeyCode::Char('b'));
        screen.frame(|buffer| view::draw(&state, &theme, buffer)).unwrap()
    };
    assert_eq!(written(2), written(2_000));
    assert!(written(2_000) < 100, "{} bytes for a letter", written(2_000));
}

#[test]
fn a_new_width_lays_out_a_screenful_however_long_the_chat_is() {
    let laid_out = |messages| {
        let (mut state, _) = chat(messages);
        update(&mut state, Msg::Resize(Size { cols: 100, rows: 30 }), NOW);
        let cells = 0..state.transcript.cells.len();
        cells.filter(|cell| state.transcript.layout.rows(*cell).is_some()).count()
    };
    assert_eq!(laid_out(400), laid_out(4_000));
}
