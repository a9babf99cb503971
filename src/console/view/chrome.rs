//! The frame around every view: the top line, the title rule, the provider strip, notices, keys.

use ratatui::layout::Rect;

use super::paint::{Ink, Piece, cells, row};
use super::{areas, chips, words};
use crate::console::app::{
    AppState, Armed, Cell, EnginePhase, Focus, Glyphs, PrivateChat, TableForm, Tone, View,
};
use crate::console::keys::{Action, Context};
use crate::console::theme::{GlyphSet, Token};
use crate::engine::{Notice, NoticeLevel, Snapshot};
use crate::route::HealthState;
use crate::text;

/// The token of a state.
pub(super) const fn state_token(state: HealthState) -> Token {
    match state {
        HealthState::Up => Token::Ok,
        HealthState::Slow => Token::Warn,
        HealthState::Probing | HealthState::Unknown => Token::Dim,
        HealthState::Down => Token::Bad,
    }
}

/// The token of a tone.
pub(super) const fn tone_token(tone: Tone) -> Token {
    match tone {
        Tone::Info => Token::Dim,
        Tone::Good => Token::Ok,
        Tone::Warn => Token::Warn,
        Tone::Bad => Token::Bad,
    }
}

/// Money spent today, or in this run where nothing is kept beyond it; and which of the two.
pub(super) fn spent(snapshot: &Snapshot, glyphs: Glyphs) -> (String, &'static str) {
    match snapshot.today {
        Some(today) => (words::cost(today, glyphs), "today"),
        None => (words::cost(snapshot.spend.cost, glyphs), "this run"),
    }
}

/// From so many columns on the top line has room for all it has to say.
const WIDE: u16 = 100;
/// The program's, behind its glyph.
const NAME: &str = " wheelhouse";

/// What stands between the parts of the top line.
fn gap(line: Rect) -> &'static str {
    if line.width >= WIDE { "  " } else { " " }
}

/// The views' names on the top line, and the columns they begin at.
pub(super) fn tabs(
    state: &AppState,
    glyphs: &GlyphSet,
    line: Rect,
) -> impl Iterator<Item = (String, View, u16)> {
    let gap = gap(line).len() as u16;
    let current = state.view;
    let mut x = 1 + cells(&[(glyphs.wheel, Token::Fg), (NAME, Token::Fg)]) + gap;
    x += u16::from(line.width >= WIDE);
    View::ALL.into_iter().map(move |view| {
        let name = format!("{} {}", view.digit(), view.name());
        let name = if view == current { format!("[{name}]") } else { name };
        let start = x;
        x += text::width(&name) as u16 + gap;
        (name, view, start)
    })
}

/// The top line: the views, what is up, what it cost.
pub(super) fn top(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    if line.height == 0 {
        return;
    }
    let (wide, gap) = (line.width >= WIDE, gap(line));
    let mut x = ink.puts(line, 1, &[(ink.glyphs.wheel, Token::Accent), (NAME, Token::Strong)]);
    for (name, view, start) in tabs(state, ink.glyphs, line) {
        let token = if view == state.view { Token::Accent } else { Token::Dim };
        x = ink.puts(line, start, &[(&name, token), (gap, Token::Fg)]);
    }
    if state.private != PrivateChat::Off {
        x = ink.put(line, x + u16::from(!wide), "PRIVATE", Token::Ok) + 1 + u16::from(wide);
    }
    if state.looks.simulated {
        let words = if wide { "simulated fleet" } else { "simulated" };
        x = ink.put(line, x + u16::from(!wide), words, Token::Warn) + 1;
    }
    let Some(snapshot) = &state.snapshot else {
        let words = match &state.engine {
            EnginePhase::NotStarted => "",
            EnginePhase::Starting | EnginePhase::Ready => "starting",
            EnginePhase::Failed(_) => "engine did not start",
        };
        ink.right(line, line.width.saturating_sub(1), &[(words, Token::Dim)]);
        shade(ink, state, line);
        return;
    };
    let up =
        snapshot.providers.values().filter(|p| p.active && p.state != HealthState::Down).count();
    let all = snapshot.providers.values().filter(|p| p.active).count();
    let up_text = format!("{up}/{all} up");
    let up_token = if up == all { Token::Dim } else { Token::Warn };
    let (money, since) = spent(snapshot, state.looks.glyphs);
    let clock = words::clock(state.now, state.utc_offset_s);
    let figures: [Piece<'_>; 3] =
        [(&up_text, up_token), (" · ", Token::Dim), (money.as_str(), Token::Fg)];
    let policy: [Piece<'_>; 2] = [(snapshot.policy.as_str(), Token::Dim), (" · ", Token::Dim)];
    let since = format!(" {since}");
    let since: [Piece<'_>; 1] = [(&since, Token::Dim)];
    let when: [Piece<'_>; 2] = [(" · ", Token::Dim), (clock.as_str(), Token::Dim)];
    let whole = [&policy[..], &figures[..], &since[..], &when[..]].concat();
    let dated = [&figures[..], &since[..]].concat();
    // What goes wrong on purpose is worth more than what is always there.
    let room = line.width.saturating_sub(x + 2);
    let fits = |pieces: &[Piece<'_>]| cells(pieces) + chips::wanted(state) <= room;
    let right = if wide && fits(&whole) {
        whole
    } else if fits(&dated) {
        dated
    } else {
        figures.to_vec()
    };
    let right = ink.right(line, line.width.saturating_sub(1), &right);
    chips::draw(ink, state, line, x..right.saturating_sub(1));
    shade(ink, state, line);
}

/// In a private chat the whole line has another shade.
fn shade(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    if state.private != PrivateChat::Off {
        ink.over(line, Token::Sel);
    }
}

/// The rule under it in Chat: the conversation.
pub(super) fn title(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    let title = if state.title.is_empty() { "new chat" } else { &state.title };
    let messages = state.transcript.sums().messages;
    let mut right = Vec::new();
    if state.private != PrivateChat::Off {
        // The smallest screens have no other place for it.
        right.push("PRIVATE".to_owned());
    }
    let wide = line.width >= 100;
    if wide && state.system.is_some() {
        right.push("system prompt".to_owned());
    }
    if wide && messages > 0 {
        right.push(words::count(messages, "message"));
    }
    if let Some((used, window)) = context(state) {
        right.push(format!("{}/{} ctx", words::tokens(used), words::tokens(window)));
    }
    if wide {
        let spent = state.transcript.sums().spent;
        if let Some(cost) = spent.cost {
            right.push(format!("session {}", words::cost(cost, state.looks.glyphs)));
        }
        if spent.saved.pico() > 0 {
            right.push(format!("saved {}", words::money(spent.saved)));
        }
    } else {
        right.push(mode(state));
    }
    ink.rule(line, &[(title, Token::Strong)], &[(&right.join(" · "), Token::Dim)]);
}

/// What the conversation fills of the window of the model that would be asked.
pub(super) fn context(state: &AppState) -> Option<(u64, u64)> {
    let snapshot = state.snapshot.as_ref()?;
    let (model, used) = if let Some(preview) = &state.preview {
        let chosen = preview.decision.chosen()?;
        (&chosen.model, chosen.estimate.input_tokens)
    } else {
        // One that was stopped before its first word says nothing about what the chat has come to.
        let replies = state.transcript.cells.iter().rev().filter_map(|cell| match cell {
            Cell::Reply(reply) => Some((reply.model()?.0, reply.reply.usage?)),
            Cell::User(_) | Cell::Note(_) => None,
        });
        let (model, usage) = replies.into_iter().find(|(_, usage)| usage.output > 0)?;
        (model, usage.input + usage.output)
    };
    Some((used, snapshot.config.models.get(model)?.context))
}

/// `AUTO balanced`, or what is pinned.
pub(super) fn mode(state: &AppState) -> String {
    let Some(snapshot) = &state.snapshot else { return String::new() };
    match snapshot.overrides.pins.last() {
        Some(pin) => format!("PIN {}", pin.model),
        None => format!("AUTO {}", snapshot.policy),
    }
}

/// Every provider in one row, as far as they fit.
pub(super) fn strip(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    if line.height == 0 {
        return;
    }
    if message(ink, state, line, NoticeAge::Fresh) {
        return;
    }
    let Some(snapshot) = &state.snapshot else { return };
    let mut x = 1;
    for provider in snapshot.providers.values().filter(|p| p.active) {
        let glyph = ink.glyphs.state(provider.state);
        let figure = provider.ttft_p50.map(words::seconds).unwrap_or_default();
        let counting = words::counting(provider.countdown, state.now);
        let words = match provider.state {
            HealthState::Down | HealthState::Slow | HealthState::Up if !counting.is_empty() => {
                let short = usize::from(provider.state == HealthState::Down);
                counting.get(short).cloned().unwrap_or_default()
            }
            HealthState::Up => figure,
            HealthState::Slow => format!("{figure} slow"),
            HealthState::Down => match provider.note.strip_prefix("retry in ") {
                Some(span) => format!("down {span}"),
                None => provider.note.clone(),
            },
            HealthState::Probing => "probing".to_owned(),
            HealthState::Unknown => String::new(),
        };
        let token = state_token(provider.state);
        let pieces: &[Piece<'_>] = &[
            (glyph, token),
            (" ", Token::Fg),
            (&words::brief(provider.provider.as_str(), 12), Token::Fg),
            (if words.is_empty() { "" } else { " " }, Token::Fg),
            (&words, Token::Dim),
        ];
        if x + cells(pieces) > line.width.saturating_sub(1) {
            ink.put(line, x.saturating_sub(1), ink.glyphs.ellipsis, Token::Dim);
            break;
        }
        x = ink.puts(line, x, pieces) + 2;
    }
}

/// How long a notice shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoticeAge {
    /// Until it is dismissed: there is a line for it.
    Any,
    /// A moment: it borrows another line. What needs the user stays.
    Fresh,
}

/// A moment, for [`NoticeAge::Fresh`].
const FRESH_MS: u128 = 10_000;

/// The newest notice that was not dismissed.
fn newest(state: &AppState, age: NoticeAge) -> Option<&Notice> {
    let snapshot = state.snapshot.as_ref()?;
    let notice = snapshot.notices.iter().rev().find(|notice| notice.at > state.dismissed_until)?;
    let shown = match age {
        NoticeAge::Any => true,
        NoticeAge::Fresh => {
            notice.level == NoticeLevel::Error || state.now.since(notice.at).as_millis() < FRESH_MS
        }
    };
    shown.then_some(notice)
}

/// A toast or a notice, if there is one; `false` when there is none.
pub(super) fn message(ink: &mut Ink<'_>, state: &AppState, line: Rect, age: NoticeAge) -> bool {
    if line.height == 0 {
        return false;
    }
    let armed = match state.armed {
        Armed::Quit { .. } => state.toast.is_none().then_some("Ctrl+C once more quits"),
        Armed::Rewind { .. } if !state.queue.is_empty() => {
            Some("Esc once more takes back the queue")
        }
        Armed::Rewind { .. } => Some("Esc once more goes back to an earlier message"),
        Armed::No => None,
    };
    if let Some(words) = armed {
        ink.put(line, 1, words, Token::Warn);
        return true;
    }
    if let Some(toast) = &state.toast {
        let words = text::ellipsis(&toast.text, usize::from(line.width.saturating_sub(2)));
        ink.put(line, 1, &words, tone_token(toast.tone));
        return true;
    }
    let Some(notice) = newest(state, age) else { return false };
    let (label, token) = match notice.level {
        NoticeLevel::Info => ("Notice", Token::Accent),
        NoticeLevel::Warn => ("Notice", Token::Warn),
        NoticeLevel::Error => ("Problem", Token::Bad),
    };
    let glyphs = ink.glyphs;
    let hint = |action| glyphs.key(state.keymap.hint(action));
    let right = match notice.undo {
        Some(_) if line.width >= 100 => {
            format!("{} undo · {} dismiss", hint(Action::UndoNotice), hint(Action::DismissNotice))
        }
        Some(_) => format!("{} undo", hint(Action::UndoNotice)),
        None => format!("{} dismiss", hint(Action::DismissNotice)),
    };
    ink.both(
        line,
        1,
        &[(label, token), ("  ", Token::Fg), (&state.looks.tongue.say(&notice.text), Token::Fg)],
        &[(&right, Token::Dim)],
    );
    true
}

/// The last line: what the keys do here, and how fast text comes.
pub(super) fn keys(ink: &mut Ink<'_>, state: &AppState, line: Rect) {
    if line.height == 0 {
        return;
    }
    let (contexts, actions) = offers(state);
    let mut right = String::new();
    if state.view == View::Chat {
        if let Some(rate) = state.running().and_then(|(_, reply)| reply.tokens_per_s()) {
            right = format!("{rate:.0} t/s · ");
        }
        right.push_str(if mode(state).starts_with("PIN") { "PIN" } else { "AUTO" });
    } else if state.focus != Focus::Detail
        && let Some(sequence) = state.keymap.primary(contexts, Action::Back)
    {
        right = format!("{} chat", ink.glyphs.key(sequence.short()));
    }
    let end = line.width.saturating_sub(1);
    let stop = ink.right(line, end, &[(&right, Token::Dim)]).saturating_sub(2);
    let mut x = 1;
    if let Some(pending) = state.pending {
        let key = ink.glyphs.key(pending.short());
        ink.puts(line, x, &[(&key, Token::Accent), (" waits for a second key", Token::Dim)]);
        return;
    }
    for (action, label) in actions {
        let Some(sequence) = state.keymap.primary(contexts, *action) else { continue };
        let label = match *action {
            // What Esc would do now: nothing to stop, nothing to read, no word.
            Action::Escape if state.running().is_some() => label,
            Action::Escape if state.transcript.cells.is_empty() => continue,
            Action::Escape => "read",
            _ => label,
        };
        let key = match *action {
            // What is to be written is asked for by the second key.
            Action::CostsExport(_) => ink.glyphs.key(sequence.first.short()),
            _ => ink.glyphs.key(sequence.short()),
        };
        let pieces: &[Piece<'_>] = &[(&key, Token::Fg), (" ", Token::Dim), (label, Token::Dim)];
        if x + cells(pieces) > stop {
            continue;
        }
        x = ink.puts(line, x, pieces) + 2;
    }
}

type Offers = (&'static [Context], &'static [(Action, &'static str)]);

/// Which keys are worth a place on the last line.
fn offers(state: &AppState) -> Offers {
    const COMPOSER: &[Context] = &[Context::Composer, Context::Global];
    const READ: &[Context] = &[Context::Chat, Context::Read, Context::Global];
    const LIST: &[Context] = &[Context::Routes, Context::List, Context::Global];
    const DETAIL: &[Context] = &[Context::Routes, Context::Read, Context::Global];
    match (state.view, state.focus) {
        (View::Chat, Focus::Composer) if state.size.cols < 100 => (
            COMPOSER,
            &[
                (Action::Submit, "send"),
                (Action::Newline, "newline"),
                (Action::Escape, "stop"),
                (Action::Palette, "commands"),
                (Action::Help, "help"),
                (Action::Override, "override"),
            ],
        ),
        (View::Chat, Focus::Composer) => (
            COMPOSER,
            &[
                (Action::Submit, "send"),
                (Action::Newline, "newline"),
                (Action::Complete, "panes"),
                (Action::Escape, "stop"),
                (Action::Override, "override"),
                (Action::Palette, "commands"),
                (Action::HistorySearch, "history"),
                (Action::Help, "help"),
            ],
        ),
        (View::Chat, _) => (
            READ,
            &[
                (Action::Open, "why"),
                (Action::Retry, "retry"),
                (Action::RetryWith, "retry with"),
                (Action::CopyMessage, "copy"),
                (Action::CopyBlock(1), "block 1"),
                (Action::Find, "find"),
                (Action::EditResend, "edit"),
                (Action::Back, "write"),
                (Action::Help, "help"),
            ],
        ),
        (View::Costs, _) => (
            &[Context::Costs, Context::List, Context::Global],
            &[
                (Action::Open, "open"),
                (Action::CostsGroup, "group"),
                (Action::CostsWindow, "days"),
                (Action::CostsBudget, "budget"),
                (Action::CostsCurrency, "currency"),
                (Action::CostsExport(TableForm::Csv), "export"),
                (Action::Filter, "filter"),
                (Action::Help, "help"),
                (Action::LineDown, "scroll"),
                (Action::Palette, "commands"),
            ],
        ),
        (View::Routes, Focus::Detail) => (
            DETAIL,
            &[
                (Action::LineUp, "up"),
                (Action::LineDown, "down"),
                (Action::UseInstead, "use instead"),
                (Action::Never, "never for this"),
                (Action::Back, "list"),
                (Action::Help, "help"),
            ],
        ),
        (View::Routes, _) => (
            LIST,
            &[
                (Action::LineDown, "move"),
                (Action::Open, "open"),
                (Action::UseInstead, "use instead"),
                (Action::Never, "never for this"),
                (Action::Filter, "filter"),
                (Action::Freeze, "freeze"),
                (Action::TestDraft, "test a prompt"),
                (Action::Help, "help"),
            ],
        ),
    }
}

/// Under the smallest size there is only this.
pub(super) fn too_small(ink: &mut Ink<'_>, state: &AppState, area: Rect) {
    let (cols, rows) = areas::LEAST;
    let mut words = vec![
        "too small".to_owned(),
        format!("needs {cols} x {rows}"),
        format!("this is {} x {}", area.width, area.height),
    ];
    if matches!(state.armed, Armed::Quit { .. }) {
        words.push("once more quits".to_owned());
    }
    let top = area.height.saturating_sub(3) / 2;
    for (n, text) in words.iter().enumerate() {
        let line = row(area, top + n as u16);
        let x = (area.width.saturating_sub(text::width(text) as u16)) / 2;
        ink.put(line, x, text, if n == 0 { Token::Strong } else { Token::Dim });
    }
}
