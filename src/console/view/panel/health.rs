//! How every provider is doing, from this run's own traffic.

use ratatui::layout::Rect;

use crate::console::app::{AppState, Glyphs};
use crate::console::theme::Token;
use crate::console::view::chrome::state_token;
use crate::console::view::paint::{Ink, Piece, row};
use crate::console::view::words;
use crate::domain::UnixMs;
use crate::engine::{ModelStatus, ProviderStatus, Snapshot};
use crate::route::{Basis, HealthState};
use crate::text;

/// Notes on what was imposed by hand.
const IMPOSED: [&str; 3] = ["avoided", "drained", "drill"];

/// From so many columns on it is a table.
const TABLE: u16 = 60;

fn shown(state: &AppState) -> impl Iterator<Item = &ProviderStatus> {
    state.snapshot.iter().flat_map(|snapshot| snapshot.providers.values()).filter(|p| p.active)
}

pub(super) fn rows(state: &AppState, width: u16) -> u16 {
    let providers = shown(state).count() as u16;
    1 + u16::from(width >= TABLE) + providers.max(1) + kept_warm(state).count() as u16
}

/// Models kept warm by tokens shown at most: the panel is about providers.
const KEPT_MOST: usize = 2;

/// What keeping a model warm by paid tokens saves and costs, in ever fewer words.
fn kept_warm(state: &AppState) -> impl Iterator<Item = [String; 3]> {
    let paid = |snapshot: &Snapshot| {
        let models = snapshot.models.values().filter(|model| model.warm.calls > 0);
        models
            .map(|model| kept_words(snapshot, model, state.looks.glyphs))
            .take(KEPT_MOST)
            .collect::<Vec<_>>()
    };
    state.snapshot.iter().flat_map(move |snapshot| paid(snapshot))
}

fn kept_words(snapshot: &Snapshot, model: &ModelStatus, glyphs: Glyphs) -> [String; 3] {
    let prior = snapshot.config.models.get(&model.model);
    let prior = prior.map_or(0, |model| model.latency.cold_extra_ms);
    let (ms, basis) = model.warm.figures.saved_ms(prior);
    let saved = words::short_seconds(ms);
    let saved = match basis {
        Basis::Measured => saved,
        Basis::Expected => words::about(&saved),
    };
    let (name, cost) =
        (words::brief(model.model.as_str(), 24), words::cost(model.warm.cost, glyphs));
    [
        format!("keep-warm saves {name} {saved} a cold start · {cost} this run"),
        format!("{name} kept warm: saves {saved} · {cost}"),
        format!("kept warm: saves {saved} · {cost}"),
    ]
}

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let table = area.width >= TABLE;
    let about = if table { "TTFT p50 p95 · t/s · err · quota" } else { "TTFT p50" };
    ink.rule(row(area, 0), &[("HEALTH", Token::Strong)], &[(about, Token::Dim)]);
    let mut n = 1;
    if table {
        let head = "  provider      p50   p95  t/s   err  left  TTFT trend   state";
        ink.put(row(area, n), 1, head, Token::Dim);
        n += 1;
    }
    if shown(state).next().is_none() {
        ink.put(row(area, n), 1, "nothing asked yet", Token::Dim);
        return;
    }
    for provider in shown(state) {
        let line = row(area, n);
        if table {
            wide(ink, provider, line, state.now);
        } else {
            narrow(ink, provider, line, state.now);
        }
        n += 1;
    }
    for words in kept_warm(state) {
        let room = usize::from(area.width.saturating_sub(2));
        let [.., least] = &words;
        let words = words.iter().find(|words| text::width(words) <= room).unwrap_or(least);
        ink.put(row(area, n), 1, &text::ellipsis(words, room), Token::Dim);
        n += 1;
    }
}

fn name(ink: &mut Ink<'_>, provider: &ProviderStatus, line: Rect, cells: usize) {
    let glyph = ink.glyphs.state(provider.state);
    ink.put(line, 1, glyph, state_token(provider.state));
    ink.put(line, 3, &words::brief(provider.provider.as_str(), cells), Token::Fg);
}

fn narrow(ink: &mut Ink<'_>, provider: &ProviderStatus, line: Rect, now: UnixMs) {
    name(ink, provider, line, 11);
    let figure = provider.ttft_p50.map(words::seconds);
    // The trend of what failed, and a figure there is none of, give way to why it is down.
    let places: &[u16] = match (line.width >= 38, &figure) {
        (true, None) => &[30, 21, 15],
        (true, Some(_)) => &[30, 21],
        (false, None) => &[21, 15],
        (false, Some(_)) => &[21],
    };
    let x = place(provider, line, places, now);
    if x > 15 {
        ink.right(line, 20, &[(figure.as_deref().unwrap_or("---"), Token::Dim)]);
    }
    if x > 21 {
        trend(ink, line, 21, &provider.recent, 8);
    }
    say(ink, provider, line, x, now);
}

fn wide(ink: &mut Ink<'_>, provider: &ProviderStatus, line: Rect, now: UnixMs) {
    name(ink, provider, line, 12);
    let seconds = |ms: Option<u64>| ms.map_or("---".to_owned(), words::bare_seconds);
    let rate = provider.tokens_per_s.map_or("---".to_owned(), |rate| format!("{rate:.0}"));
    let share = provider.error_rate * 100.0;
    let err = if share >= 10.0 { format!("{share:.0}%") } else { format!("{share:.1}%") };
    let err = if provider.recent.is_empty() { "---".to_owned() } else { err };
    let left = provider
        .limits
        .iter()
        .filter_map(|window| {
            Some(window.remaining? as f64 / window.limit.filter(|l| *l > 0)? as f64)
        })
        .fold(None, |least: Option<f64>, share| Some(least.map_or(share, |l| l.min(share))));
    let left = left.map_or("---".to_owned(), words::percent);
    let err_token = if provider.error_rate >= 0.2 { Token::Bad } else { Token::Dim };
    for (end, value, token) in [
        (20, seconds(provider.ttft_p50), Token::Fg),
        (26, seconds(provider.ttft_p95), Token::Dim),
        (31, rate, Token::Dim),
        (37, err, err_token),
        (43, left, Token::Dim),
    ] {
        ink.right(line, end, &[(&value, token)]);
    }
    let x = place(provider, line, &[55, 45], now);
    if x > 45 {
        trend(ink, line, 45, &provider.recent, 9);
    }
    say(ink, provider, line, x, now);
}

/// Where its word goes: the first of these columns; where one that is down or counts down needs more
/// room, the first where it fits.
fn place(provider: &ProviderStatus, line: Rect, places: &[u16], now: UnixMs) -> u16 {
    let usual = places.first().copied().unwrap_or(0);
    let counting = words::counting(provider.countdown, now);
    if provider.state != HealthState::Down && !counting.is_empty() {
        // The last form is the bare time: for where nothing gives way.
        let worded = &counting[..counting.len().saturating_sub(1)];
        let fits = |x: u16| worded.iter().any(|w| x + text::width(w) as u16 <= line.width);
        return places.iter().copied().find(|x| fits(*x)).unwrap_or(usual);
    }
    if provider.state != HealthState::Down {
        return usual;
    }
    let needs = text::width(&word(provider, usize::MAX, now).0) as u16;
    places.iter().copied().find(|x| x + needs <= line.width).unwrap_or(usual)
}

fn say(ink: &mut Ink<'_>, provider: &ProviderStatus, line: Rect, x: u16, now: UnixMs) {
    let (word, token) = word(provider, usize::from(line.width.saturating_sub(x)), now);
    ink.put(line, x, &word, token);
}

/// A word for its state: what counts down, or the note where there is one, else the share that went
/// well.
fn word(provider: &ProviderStatus, room: usize, now: UnixMs) -> (String, Token) {
    let counting = words::counting(provider.countdown, now);
    if let Some(words) =
        counting.iter().find(|words| text::width(words) <= room).or(counting.last())
    {
        let token = match provider.state {
            HealthState::Down => Token::Bad,
            HealthState::Up | HealthState::Unknown | HealthState::Slow | HealthState::Probing => {
                Token::Warn
            }
        };
        return (text::ellipsis(words, room).into_owned(), token);
    }
    let ready = provider.note == "warm" && provider.state == HealthState::Up;
    let words = if provider.note.is_empty() || ready && !provider.recent.is_empty() {
        match provider.state {
            HealthState::Up if provider.recent.is_empty() => "ready".to_owned(),
            HealthState::Up => format!("{:.0}% ok", (1.0 - provider.error_rate) * 100.0),
            HealthState::Slow => "slow".to_owned(),
            HealthState::Probing => "probing".to_owned(),
            HealthState::Down => "down".to_owned(),
            HealthState::Unknown => "no data".to_owned(),
        }
    } else {
        provider.note.clone()
    };
    let token = match provider.state {
        _ if IMPOSED.contains(&words.as_str()) => Token::Warn,
        HealthState::Up | HealthState::Unknown => Token::Dim,
        other => state_token(other),
    };
    (text::ellipsis(&words, room).into_owned(), token)
}

/// The last samples as steps, the newest at the right; `x` where one failed, a dot where none is.
pub(in crate::console::view) fn trend(
    ink: &mut Ink<'_>,
    line: Rect,
    x: u16,
    recent: &[Option<u64>],
    cells: usize,
) {
    // A second fills the scale unless something was slower.
    const FULL_MS: u64 = 1000;
    let samples = &recent[recent.len().saturating_sub(cells)..];
    let most = samples.iter().flatten().copied().max().unwrap_or(0).max(FULL_MS);
    let mut at = x;
    for _ in samples.len()..cells {
        at = ink.put(line, at, ink.glyphs.none, Token::Rule);
    }
    for sample in samples {
        let piece: Piece<'_> = match sample {
            None => (ink.glyphs.lost, Token::Bad),
            Some(ms) => {
                let step = (ms * 7 / most).min(7) as usize;
                (ink.glyphs.steps[step], if step > 5 { Token::Warn } else { Token::Dim })
            }
        };
        at = ink.puts(line, at, &[piece]);
    }
}
