//! Every view at every size: as drawn, inside its screen, the same every time, and cheap to stream.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent};

use super::sample::{NOW, Scene, state};
use super::*;
use crate::console::app::{
    AppState, Armed, Cell, ColorDepth, Confirm, Focus, Glyphs, KeptAnswer, KeptSession, KeptTurn,
    Msg, Overlay, PaidIn, Panel, PrivateChat, Recall, Recalled, update,
};
use crate::console::term::Screen;
use crate::domain::{
    AtLimit, BudgetLimit, BudgetScope, Cost, LocalDay, ReplyEvent, RequestId, UnixMs,
};
use crate::engine;
use crate::route;
use crate::text;
use crate::wire;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn drawn(state: &AppState, theme: &Theme) -> (Buffer, Option<Position>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.cols, state.size.rows));
    let caret = draw(state, theme, &mut buffer);
    (buffer, caret)
}

fn theme(name: &str) -> Theme {
    Theme::named(name, ColorDepth::True).unwrap()
}

/// The rows as text, wide graphemes once.
fn rows(buffer: &Buffer) -> Vec<String> {
    (0..buffer.area.height)
        .map(|y| {
            let (mut row, mut x) = (String::new(), 0);
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                x += (text::width(symbol) as u16).max(1);
            }
            row.trim_end().to_owned()
        })
        .collect()
}

fn screen(scene: Scene, (cols, rows_): (u16, u16)) -> String {
    rows(&drawn(&state(scene, cols, rows_), &theme("terminal")).0).join("\n")
}

/// Which tokens stand where: one letter a cell, so that a snapshot shows colours by meaning.
fn styles(buffer: &Buffer, theme: &Theme) -> String {
    let base = theme.style(Token::Fg).patch(theme.style(Token::Bg));
    (0..buffer.area.height)
        .map(|y| {
            let row: String = (0..buffer.area.width)
                .map(|x| {
                    let cell = &buffer[(x, y)];
                    let style = cell.style();
                    let found = Token::ALL.iter().find(|(token, _, _)| {
                        let want =
                            ratatui::style::Style::reset().patch(base).patch(theme.style(*token));
                        *token != Token::Bg
                            && want.fg == style.fg
                            && want.bg == style.bg
                            && want.add_modifier == style.add_modifier
                    });
                    match found {
                        Some((Token::Fg, ..)) | None if cell.symbol() == " " => ' ',
                        Some((Token::Fg, ..)) => '.',
                        Some((token, ..)) => char::from(b'a' + *token as u8),
                        None => '?',
                    }
                })
                .collect();
            row.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_view_looks_as_drawn_at_every_size() {
    for (scene, name) in Scene::ALL {
        for size in SIZES {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(scene, size));
        }
    }
}

/// The chat with $0.42 of the day's $2.00 spent by 14:33, and $9.31 of the month's $40.00.
fn with_budgets(spent: &str, cols: u16, rows: u16) -> AppState {
    let mut state = state(Scene::Chat, cols, rows);
    let mut snapshot = state.snapshot.as_deref().unwrap().clone();
    let begins = UnixMs(state.now.0 - 52_380_000);
    let day = |n: i64| UnixMs(begins.0 + n * 86_400_000);
    snapshot.calendar = route::Calendar {
        day: LocalDay(20_783),
        today: route::Period { begins, ends: day(1) },
        month: route::Period { begins: day(-25), ends: day(5) },
    };
    let mut book = route::Book::default();
    for (scope, limit, spent) in
        [(BudgetScope::Day, "2", spent), (BudgetScope::Month, "40", "9.31")]
    {
        let limit = BudgetLimit { limit: limit.parse().unwrap(), at_limit: AtLimit::Ask };
        book.set(scope.clone(), Some(limit));
        let spent = Cost { amount: spent.parse().unwrap(), exact: true };
        let totals = route::Totals { spent, ..route::Totals::default() };
        book.tell_others(&route::Bucket::at(scope, &snapshot.calendar), totals);
    }
    let left = vec![wire::Balance { amount: "12.34".parse().unwrap(), currency: "CNY".to_owned() }];
    let reading = engine::BalanceReading { at: state.now, left };
    snapshot.balances.insert("deepseek".into(), reading);
    snapshot.budget = std::sync::Arc::new(book);
    state.snapshot = Some(std::sync::Arc::new(snapshot));
    state
}

#[test]
fn the_panel_says_what_is_left_of_the_budgets() {
    for size in SIZES {
        let state = with_budgets("0.42", size.0, size.1);
        let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
        insta::assert_snapshot!(format!("budget_{}x{}", size.0, size.1), text);
    }
    let state = with_budgets("2.10", 120, 40);
    let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
    assert!(text.contains("today $2.10 of $2.00") && text.contains("105%"), "{text}");
}

#[test]
fn what_was_spent_is_called_todays_only_where_the_day_is_known() {
    let with = |today: Option<&str>, cols| {
        let mut state = state(Scene::Chat, cols, 40);
        let mut snapshot = state.snapshot.as_deref().unwrap().clone();
        snapshot.today = today.map(|today| Cost { amount: today.parse().unwrap(), exact: true });
        state.snapshot = Some(std::sync::Arc::new(snapshot));
        rows(&drawn(&state, &theme("terminal")).0)
    };
    let told = |rows: &[String], words: &str| rows.iter().any(|row| row.contains(words));
    let known = with(Some("3.10"), 120);
    assert!(known[0].contains("$3.10 today ·") && told(&known, "── today $3.10 ──"), "{known:#?}");
    assert!(told(&known, "│ this run $0.42"), "its rows are of this run: {known:#?}");
    let unknown = with(None, 120);
    assert!(unknown[0].contains("$0.42 this run ·"), "{unknown:#?}");
    assert!(told(&unknown, "── this run $0.42 ──") && !told(&unknown, "today"), "{unknown:#?}");
    assert!(with(Some("3.10"), 80)[0].ends_with("$3.10 today"), "where there is little room too");
}

#[test]
fn a_chat_opened_again_is_drawn_as_it_was_when_it_was_answered() {
    let mut state = state(Scene::Chat, 140, 40);
    // Of the scene, the exchange that is over.
    state.transcript.truncate(2);
    let Some(Cell::Reply(live)) = state.transcript.cells.get(1).cloned() else {
        panic!("no reply")
    };
    let outcome = live.reply.outcome.clone().unwrap();
    let Some(Cell::User(user)) = state.transcript.cells.first().cloned() else { panic!("no user") };
    let answer = KeptAnswer {
        request: live.request,
        at: live.last_at,
        text: live.reply.text.clone(),
        reasoning: String::new(),
        model: outcome.model,
        provider: outcome.provider,
        finish: Some(outcome.finish),
        usage: outcome.usage,
        cost: outcome.cost,
        wait_ms: outcome.wait_ms,
        ttft_ms: outcome.ttft_ms,
        total_ms: outcome.total_ms,
        cached: None,
        cache_note: None,
        seams: Vec::new(),
        verdict: None,
        attempts: live.reply.attempts.clone(),
        decision: live.reply.decision.clone(),
        paid: PaidIn::ThisChat,
        problem: None,
    };
    let session = KeptSession {
        id: state.session,
        title: state.title.clone(),
        system: None,
        system_for: crate::domain::Audience::Anybody,
        cost: outcome.cost,
        turns: vec![KeptTurn {
            id: user.id,
            at: user.at,
            text: user.text,
            model: None,
            tags: Vec::new(),
            heard: crate::domain::Heard::Sent,
            answers: vec![answer],
        }],
        replaced: Vec::new(),
        branches: 0,
    };
    let head = |state: &AppState| {
        let rows = rows(&drawn(state, &theme("terminal")).0);
        rows.into_iter().find(|row| row.contains("◆ sonnet")).unwrap()
    };
    let before = head(&state);
    assert!(before.contains("t/s") && before.contains("cheapest"), "{before}");
    let (asked, answer) = (Recall::Open(state.session), Ok(Recalled::Session(Box::new(session))));
    update(&mut state, Msg::Recalled { asked, answer }, NOW);
    assert_eq!(head(&state), before);
}

#[test]
fn an_entry_of_another_run_is_listed_last_and_not_counted_as_one_of_this() {
    let mut state = state(Scene::Routes, 120, 40);
    let count = |state: &AppState| rows(&drawn(state, &theme("terminal")).0)[1].clone();
    let mut kept = state.routes_entries()[0].as_ref().clone();
    kept.request = RequestId(uuid::Uuid::from_u128(1));
    "asked another day".clone_into(&mut kept.prompt);
    let asked = Recall::Why(kept.request);
    let answer = Ok(Recalled::Why(Box::new(kept)));
    update(&mut state, Msg::Recalled { asked, answer }, NOW);
    assert_eq!(state.routes_entries().last().unwrap().prompt, "asked another day");
    assert!(count(&state).contains("8 this run · 5 auto · 3 yours"), "{}", count(&state));
}

#[test]
fn the_question_before_going_over_a_budget_stands_over_the_chat() {
    let mut state = with_budgets("1.90", 80, 24);
    let mut ask = |question: &str, fits: Option<&str>| {
        state.overlay = Some(Overlay::Confirm(Confirm {
            question: question.to_owned(),
            fits: fits.map(Into::into),
            reply: RequestId(uuid::Uuid::nil()),
        }));
        rows(&drawn(&state, &theme("terminal")).0).join("\n")
    };
    let left = "which would go over the day's budget ($0.10 of $2.00 left, new in 9h 27m)";
    let nobody_fits = ask(&format!("this could cost up to $0.25, {left}"), None);
    insta::assert_snapshot!("over_budget_80x24", nobody_fits);
    let another_fits = ask(&format!("sonnet could cost up to $0.25, {left}"), Some("mini"));
    insta::assert_snapshot!("over_budget_another_fits_80x24", another_fits);
}

#[test]
fn colours_follow_meaning_in_every_theme() {
    for name in ["dark", "light"] {
        let theme = theme(name);
        for scene in [Scene::Chat, Scene::Routes, Scene::Picker] {
            let (buffer, _) = drawn(&state(scene, 120, 40), &theme);
            let scene = Scene::ALL.iter().find(|(s, _)| *s == scene).unwrap().1;
            insta::assert_snapshot!(format!("{scene}_styles_{name}"), styles(&buffer, &theme));
        }
    }
}

#[test]
fn nothing_hangs_over_the_right_edge_at_any_size() {
    for (scene, name) in Scene::ALL {
        for (cols, height) in [
            (40, 12),
            (59, 20),
            (80, 24),
            (99, 30),
            (100, 30),
            (119, 29),
            (120, 40),
            (160, 50),
            (200, 60),
            (250, 80),
        ] {
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let mut state = state(scene, cols, height);
                state.looks.glyphs = glyphs;
                let (buffer, _) = drawn(&state, &theme("dark"));
                for (y, row) in rows(&buffer).iter().enumerate() {
                    assert!(
                        text::width(row) <= usize::from(cols),
                        "{name} {cols}x{height} row {y}: {row}"
                    );
                    assert!(!row.contains(char::is_control), "{name} row {y}");
                }
            }
        }
    }
}

#[test]
fn ascii_glyphs_leave_nothing_else_in_the_chrome() {
    for scene in [Scene::Empty, Scene::Routes, Scene::Palette, Scene::Help, Scene::FirstRun] {
        let mut state = state(scene, 120, 40);
        state.looks.glyphs = Glyphs::Ascii;
        let (buffer, _) = drawn(&state, &theme("terminal"));
        for row in rows(&buffer) {
            assert!(row.is_ascii(), "{row}");
        }
    }
}

#[test]
fn drawing_twice_gives_the_same_cells() {
    for (scene, name) in Scene::ALL {
        let state = state(scene, 120, 40);
        let theme = theme("dark");
        assert_eq!(drawn(&state, &theme), drawn(&state, &theme), "{name}");
    }
}

#[test]
fn the_caret_stands_where_the_next_letter_appears() {
    for size in SIZES {
        let mut state = state(Scene::Chat, size.0, size.1);
        let (buffer, caret) = drawn(&state, &theme("terminal"));
        let caret = caret.unwrap();
        assert_eq!(buffer[(caret.x - 1, caret.y)].symbol(), "g", "the draft ends in `wrong`");
        state.composer.insert("漢");
        let (buffer, after) = drawn(&state, &theme("terminal"));
        let after = after.unwrap();
        assert_eq!(buffer[(caret.x, caret.y)].symbol(), "漢");
        assert_eq!((after.x, after.y), (caret.x + 2, caret.y));
        state.focus = Focus::Read;
        assert_eq!(drawn(&state, &theme("terminal")).1, None, "no caret where nothing is typed");
    }
}

#[test]
fn overlays_put_the_caret_into_their_field() {
    let (buffer, caret) = drawn(&state(Scene::Palette, 80, 24), &theme("terminal"));
    let caret = caret.unwrap();
    assert_eq!(buffer[(caret.x - 1, caret.y)].symbol(), "u", "`rou` was typed");
}

#[test]
fn under_the_least_size_there_is_only_a_word() {
    let (buffer, caret) = drawn(&state(Scene::Chat, 20, 8), &theme("terminal"));
    let text = rows(&buffer).join("\n");
    assert!(text.contains("too small") && text.contains("needs 40 x 12"), "{text}");
    assert!(text.contains("this is 20 x 8") && !text.contains("quits"), "{text}");
    assert_eq!(caret, None);
    let mut leaving = state(Scene::Chat, 20, 8);
    leaving.armed = Armed::Quit { until: leaving.now };
    let text = rows(&drawn(&leaving, &theme("terminal")).0).join("\n");
    assert!(text.contains("once more quits"), "{text}");
}

#[test]
fn hostile_text_does_nothing_but_show() {
    let hostile = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m a\u{202e}b \u{1b}P+q\u{1b}\\ \r\u{8} c";
    let mut state = state(Scene::Chat, 120, 40);
    state.title = hostile.to_owned();
    let (index, _) = state.last_reply().unwrap();
    if let crate::console::app::Cell::Reply(reply) = &mut state.transcript.cells[index] {
        reply.reply.text.push_str(hostile);
        reply.restarted_because = Some(hostile.to_owned());
        reply.restarts = 1;
    }
    let cell = state.transcript.cells[index].clone();
    state.transcript.layout.update(index, &cell);
    let mut screen = Screen::new(Vec::new(), 120, 40);
    screen.frame(|buffer| draw(&state, &theme("dark"), buffer)).unwrap();
    for cell in &screen.shown().content {
        assert!(!cell.symbol().contains(char::is_control), "{:?}", cell.symbol());
    }
    let written = String::from_utf8(screen.writer().clone()).unwrap();
    assert!(
        !written.contains("\u{1b}]") && !written.contains('\u{7}') && !written.contains('\u{9b}')
    );
}

/// What the pages show, by content: a view without one of these is not the view that was drawn.
#[test]
fn every_drawn_element_is_there() {
    let must = |scene: Scene, size: (u16, u16), words: &[&str]| {
        let text = screen(scene, size);
        for word in words {
            assert!(text.contains(word), "{scene:?} at {size:?} lacks {word:?}:\n{text}");
        }
    };
    must(
        Scene::Chat,
        (80, 24),
        &[
            "⎈ wheelhouse",
            "[1 Chat]",
            "2 Routes",
            "5/6 up · $0.42",
            "rust borrow question",
            "ctx · AUTO balanced",
            "you",
            "14:33",
            "1.9s · 214 in 356 out · $0.0041",
            "saved $0.0130 vs opus",
            "why? ⏎",
            "↪ mini · openai",
            "groq gave nothing twice, 4.0s lost",
            "streaming  TTFT 4.39s",
            "▌",
            "› show the index version",
            "↳ would go to sonnet · anthropic",
            "TTFT p50 0.41s",
            "Ctrl+O change",
            "● anthropic 0.41s",
            "◐ google 1.92s slow",
            "○ groq down 2m",
            "⏎ send",
            "^J newline",
            "Esc stop",
            "^P commands",
            "F1 help",
            "71 t/s · AUTO",
        ],
    );
    must(
        Scene::Chat,
        (120, 40),
        &[
            "balanced · 5/6 up · $0.42 today · 14:33",
            "4 messages · 4.1k/200k ctx · session $0.0041 · saved $0.013",
            "── HEALTH",
            "● anthropic",
            "slow 4x",
            "── THIS REPLY",
            "mini · openai",
            "you waited 4.39s: groq 4.01 mini 0.38",
            "lost",
            "wait",
            "128 tok, 71/s, 1.8s",
            "── COST",
            "today $0.42",
            "sonnet",
            "50%",
            "── ROUTES",
            "last 8",
            "pinned by you",
            "8 of 8 answered · 1 fell back",
            "auto agreed with you 2 of 3",
            "why   ^O override",
            "TTFT 4.39s (mini 0.38s) · 71 t/s · 128 out · ~$0.0007",
            "Esc stops, keeps text",
            "⏎ why  r retry",
            "Notice  google is 4x slower",
            "undo",
            "dismiss",
            "Tab panes",
            "^R history",
            "┴",
        ],
    );
    must(
        Scene::Chat,
        (200, 60),
        &[
            "── ROUTING",
            "policy   balanced",
            "cheap ",
            " best",
            "avoid    google",
            "pin      none",
            "── CONTEXT",
            "history",
            "this draft",
            "of 200,000",
            "sonnet input",
            "p50   p95  t/s   err  left  TTFT trend",
            "WHY MINI ANSWERS",
            "asked    auto, policy balanced, no pin",
            "needs    4.1k ctx",
            "candidate",
            "verdict",
            "▸ mini · openai",
            "6x cost",
            "├ groq",
            "└ openai",
            "no byte in 2.0s",
            "TTFT 412ms · 78 t/s · 1.9s",
            "TTFT 4.39s (groq 4.01 lost, mini 0.38s)",
            "code 0.79 · ~$0.0041",
            "51k in",
            " 9k out",
        ],
    );
    must(
        Scene::Routes,
        (120, 40),
        &[
            "── ROUTES",
            "8 this run · 5 auto · 3 yours · 1 fell back · following",
            "time",
            "model",
            "provider",
            "reason",
            "TTFT",
            "in/out",
            "cost",
            "prompt",
            "▸14:33",
            "WHY MINI ANSWERED THIS",
            "policy balanced",
            "decided in 180µs",
            "no network used to decide",
            "1 asked",
            "2 rules",
            "3 task",
            "4 needs",
            "5 able",
            "6 of 7 models fit",
            "6 healthy",
            "7 score",
            ".50 quality  .30 cost  .20 speed",
            "8 tried",
            "groq x2, then openai",
            "9 answer",
            "first token 4.39s",
            "▇▇▇",
            "used",
            "failed x2",
            "not able: 1 model",
            "├───",
            "0.38 + 1.8s",
            "SAME PROMPT, OTHER POLICIES",
            "cheapest",
            "fastest",
            "what would flip it",
            "q chat",
            "j move",
            "⏎ open",
        ],
    );
    must(Scene::Routes, (80, 24), &["time", "model", "reason", "TTFT", "cost", "↪ mini", "$.0007"]);
    must(Scene::Why, (80, 24), &["1 asked", "9 answer", "candidate", "▸ mini · openai", "├───"]);
    must(
        Scene::Picker,
        (80, 24),
        &[
            "OVERRIDE",
            "Ctrl+O",
            "▸",
            "sonnet",
            "$3/15",
            "0.41s",
            "●",
            "auto",
            "would pick sonnet",
            "for  [this message]  this chat",
            "1 hour",
            "always",
            "⏎ use",
        ],
    );
    must(
        Scene::Palette,
        (80, 24),
        &[
            "COMMANDS",
            "Ctrl+P",
            "› rou",
            "Routes: open log",
            "Route: back to auto",
            "Avoid: groq for 1 hour",
            "⏎ run",
        ],
    );
    must(
        Scene::Help,
        (120, 40),
        &[
            "KEYS for Chat, composer",
            "write",
            "route",
            "read",
            "stop",
            "this terminal",
            "kitty keys yes",
            "OSC 52",
            "truecolor",
            "wheelhouse doctor says more",
        ],
    );
    must(
        Scene::FirstRun,
        (80, 24),
        &[
            "no config yet, none needed",
            "Nothing has left it",
            "● local",
            "Ollama at 127.0.0.1:11434",
            "3 models, ready",
            "OPENAI_API_KEY in the environment",
            "not checked yet",
            "○ anthropic",
            "no key",
            "any OpenAI-compatible address",
            "▸ Start now with local and openai",
            "Start with local only",
            "Add a key",
            "Look around with the demo",
            "You can always say no: Ctrl+O",
            "Daily budget  $ 2.00",
            "warn at 80%",
            "Shift+Enter yes",
            "truecolor",
            "To keep this: v, then w writes  ~/.config/wheelhouse/config.toml",
            "Esc skip, use the demo",
            "F1 help",
        ],
    );
    must(
        Scene::Waiting,
        (120, 40),
        &["waiting  TTFT 4.20s", "groq x 2.0s → groq x 2.0s → openai", "attempt 3, fallback"],
    );
}

#[test]
fn on_a_narrow_screen_the_panel_lies_over_the_text_when_asked_for() {
    let mut state = state(Scene::Chat, 80, 24);
    state.looks.panel = Panel::Shown;
    let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
    assert!(text.contains("── HEALTH") && text.contains("› show the index"), "{text}");
}

/// A long reply as models write them: paragraphs, a list, code.
fn long_reply(tokens: usize) -> String {
    let mut out = String::new();
    let mut n = 0;
    while out.len() < tokens * 4 {
        n += 1;
        let _ = write!(
            out,
            "Paragraph {n} says that a borrow ends where it is last used, not where its scope ends, so the \
             smallest fix is often to move a line. That holds for vectors, strings and maps alike.\n\n\
             - first, look where the reference is used last\n- then, see whether the push can move above it\n\n\
             ```rust\nlet first = v[{n}].clone();\nv.push({n});\nprintln!(\"{{first}}\");\n```\n\n"
        );
    }
    out
}

#[test]
fn a_long_reply_costs_few_bytes() {
    let mut state = state(Scene::Waiting, 120, 40);
    let theme = Theme::terminal(ColorDepth::True);
    let mut screen = Screen::new(std::io::sink(), 120, 40);
    screen.frame(|buffer| draw(&state, &theme, buffer)).unwrap();
    let request = state.running().unwrap().1.request;
    let reply = long_reply(5_000);
    let chars: Vec<char> = reply.chars().collect();
    // 200 tokens a second, thirty frames a second.
    let (mut written, mut frames) = (0, 0);
    for (n, delta) in chars.chunks(27).enumerate() {
        let now = UnixMs(state.now.0 + if n == 0 { 0 } else { 33 });
        let events = vec![ReplyEvent::Text(delta.iter().collect())];
        update(&mut state, Msg::Reply { request, events }, now);
        written += screen.frame(|buffer| draw(&state, &theme, buffer)).unwrap();
        frames += 1;
    }
    let lines = state.transcript.layout.lines();
    assert!(frames > 700 && lines > 250, "{frames} frames, {lines} lines");
    assert!(written < 400_000, "{written} bytes in {frames} frames for {lines} lines");
}

#[test]
fn a_provider_that_cannot_be_reached_says_so_in_whole_words_wherever_it_is_listed() {
    for size in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut state = state(Scene::Chat, size.0, size.1);
        let snapshot = std::sync::Arc::make_mut(state.snapshot.as_mut().unwrap());
        let provider = snapshot.providers.get_mut("groq").unwrap();
        assert_eq!(provider.state, crate::route::HealthState::Down);
        provider.note = "no connection".to_owned();
        let drawn = rows(&drawn(&state, &theme("terminal")).0).join("\n");
        let told = drawn.lines().any(|row| row.contains("○ groq") && row.contains("no connection"));
        assert!(told, "at {size:?}:\n{drawn}");
    }
}

#[test]
fn what_goes_wrong_on_purpose_never_runs_into_the_figures() {
    for width in 80..=200 {
        let mut state = state(Scene::Chat, width, 30);
        state.looks.simulated = true;
        state.faults = Some(std::sync::Arc::new(crate::console::app::FaultBoard {
            places: Vec::new(),
            kinds: Vec::new(),
            in_force: vec![crate::console::app::FaultShown {
                place: "sim-deepseek".to_owned(),
                words: "cut 40".to_owned(),
                times: None,
                until: None,
            }],
        }));
        let top = rows(&drawn(&state, &theme("terminal")).0)[0].clone();
        assert!(top.contains("FAULT deepseek") || width < 100 && top.contains("1 on"), "{top}");
        assert!(top.contains("/6 up · ") && top.contains(" on ") == top.contains("1 on "), "{top}");
    }
}

#[test]
fn a_countdown_is_shown_whole_at_every_size() {
    for size in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut state = state(Scene::Chat, size.0, size.1);
        let now = state.now;
        let snapshot = std::sync::Arc::make_mut(state.snapshot.as_mut().unwrap());
        let provider = snapshot.providers.get_mut("google").unwrap();
        provider.state = crate::route::HealthState::Slow;
        provider.countdown = Some(crate::engine::Countdown {
            pending: crate::engine::Pending::Shifted,
            until: now + std::time::Duration::from_secs(252),
        });
        let drawn = rows(&drawn(&state, &theme("terminal")).0).join("\n");
        let told = drawn.lines().any(|row| row.contains("google") && row.contains("4m12s"));
        assert!(told, "at {size:?}:\n{drawn}");
    }
}

#[test]
fn what_keeping_a_model_warm_saves_and_costs_is_told_beside_the_providers() {
    use crate::route::WarmFigures;
    for size in [(120, 40), (200, 60)] {
        let mut state = state(Scene::Chat, size.0, size.1);
        let snapshot = std::sync::Arc::make_mut(state.snapshot.as_mut().unwrap());
        let warm = &mut snapshot.models.get_mut("flash").unwrap().warm;
        warm.calls = 12;
        warm.cost = crate::domain::Cost { amount: "0.0004".parse().unwrap(), exact: true };
        warm.figures =
            WarmFigures { cold_p50: Some(4_000), warm_p50: Some(1_100), ..WarmFigures::default() };
        let drawn = rows(&drawn(&state, &theme("terminal")).0).join("\n");
        let told = drawn.lines().any(|row| row.contains("saves") && row.contains("2.9s"));
        assert!(told && drawn.contains("$0.0004"), "at {size:?}:\n{drawn}");
    }
}

#[test]
fn a_short_log_leaves_its_room_to_the_detail_and_a_long_one_keeps_its_share() {
    let mut state = state(Scene::Routes, 120, 40);
    let entries = state.routes_entries();
    let short = state.geometry();
    assert_eq!(usize::from(short.list_rows), entries.len());
    assert_eq!(short.list_rows + short.detail_rows, 40 - 5);
    let snapshot = std::sync::Arc::make_mut(state.snapshot.as_mut().unwrap());
    snapshot.log = std::sync::Arc::new(entries.iter().cycle().take(500).cloned().collect());
    let long = state.geometry();
    assert_eq!((long.list_rows, long.detail_rows), (15, 20));
    let now = state.now;
    update(&mut state, Msg::Key(KeyEvent::from(KeyCode::Char('/'))), now);
    let now = state.now;
    update(&mut state, Msg::Key(KeyEvent::from(KeyCode::Char('q'))), now);
    assert_eq!(state.geometry(), long, "nothing moves under the letters of a filter");
    let snapshot = std::sync::Arc::make_mut(state.snapshot.as_mut().unwrap());
    snapshot.log = std::sync::Arc::default();
    assert_eq!(state.geometry(), long, "an empty log says so where it always did");
}

#[test]
fn the_detail_scrolls_no_further_than_it_is_long_so_that_the_way_back_begins_at_once() {
    let mut state = state(Scene::Why, 80, 24);
    let now = state.now;
    let press = |state: &mut AppState, code| {
        update(state, Msg::Key(KeyEvent::from(code)), now);
        rows(&drawn(state, &theme("terminal")).0)
    };
    let end = press(&mut state, KeyCode::Char('G'));
    assert!(state.routes.detail_top > 0);
    assert_eq!(press(&mut state, KeyCode::Char('j')), end);
    assert_ne!(press(&mut state, KeyCode::Char('k')), end);
}

#[test]
fn a_name_that_is_no_model_is_said_to_be_sent_as_text() {
    let words = "@deepsek is no model: sent as text";
    for (draft, said) in [("@deepsek write a haiku", true), ("write to a@b.c now", false)] {
        let mut state = state(Scene::Chat, 120, 40);
        state
            .composer
            .set(crate::console::composer::Draft { text: draft.to_owned(), ..Default::default() });
        let (buffer, _) = drawn(&state, &theme("terminal"));
        assert_eq!(rows(&buffer).join("\n").contains(words), said, "{draft}");
    }
}

#[test]
fn a_private_chat_shows_on_the_top_line_at_every_size_in_another_shade() {
    let mut small = state(Scene::Chat, 60, 20);
    small.private = PrivateChat::Begun;
    assert!(rows(&drawn(&small, &theme("terminal")).0)[0].contains("PRIVATE"));
    for size in SIZES {
        for scene in [Scene::Empty, Scene::Chat, Scene::Routes] {
            let mut state = state(scene, size.0, size.1);
            let plain = drawn(&state, &theme("terminal")).0;
            assert!(!rows(&plain)[0].contains("PRIVATE"));
            state.private = PrivateChat::Fresh;
            let private = drawn(&state, &theme("terminal")).0;
            assert!(rows(&private)[0].contains("PRIVATE"), "{}", rows(&private)[0]);
            let shades = |buffer: &Buffer| -> Vec<_> {
                (0..size.0).map(|x| (buffer[(x, 0)].bg, buffer[(x, 0)].modifier)).collect()
            };
            let same = shades(&plain).iter().zip(shades(&private)).filter(|(a, b)| *a == b).count();
            assert_eq!(same, 0, "{scene:?} at {size:?}");
        }
    }
}

/// An answer that was kept, of which it is known what it cost.
fn from_memory(outcome: &mut crate::domain::Outcome) {
    outcome.cached = Some("memory".to_owned());
    outcome.cost = Cost::ZERO;
    let amount = "0.0000224".parse().unwrap();
    outcome.answer_cost = Some(Cost { amount, exact: true });
}

#[test]
fn why_says_that_nobody_had_to_be_tried_where_the_answer_was_kept() {
    let tried = |change: fn(&mut engine::LogEntry)| {
        let mut state = state(Scene::Why, 120, 40);
        let mut snapshot = state.snapshot.as_deref().unwrap().clone();
        let log = snapshot.log.iter().map(|entry| {
            let mut entry = engine::LogEntry::clone(entry);
            entry.attempts.clear();
            change(&mut entry);
            std::sync::Arc::new(entry)
        });
        snapshot.log = std::sync::Arc::new(log.collect());
        state.snapshot = Some(std::sync::Arc::new(snapshot));
        let rows = rows(&drawn(&state, &theme("terminal")).0);
        let row = rows.iter().find(|row| row.contains("8 tried")).unwrap();
        let (_, after) = row.split_once("8 tried").unwrap();
        after.split('│').next().unwrap().trim().to_owned()
    };
    let kept = tried(|entry| entry.outcome.iter_mut().for_each(from_memory));
    assert_eq!(kept, "nobody: no call was needed");
    assert_eq!(tried(|entry| entry.outcome = None), "not yet");
}

#[test]
fn a_kept_reply_says_what_was_paid_for_it_once() {
    let mut state = state(Scene::Chat, 200, 60);
    for cell in &mut state.transcript.cells {
        if let Cell::Reply(reply) = cell {
            reply.reply.attempts.clear();
            reply.reply.outcome.iter_mut().for_each(from_memory);
        }
    }
    let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
    assert!(text.contains("from the memory cache, saved $0.0000224"), "{text}");
}

#[test]
fn the_cost_panel_says_what_the_cache_saved_to_the_last_digit() {
    let mut state = state(Scene::Chat, 120, 40);
    let mut snapshot = state.snapshot.as_deref().unwrap().clone();
    let saved = Cost { amount: "0.0001131".parse().unwrap(), exact: true };
    let memory = engine::TierStats { hits: 4, saved };
    snapshot.cache = engine::CacheStats { hits: 4, misses: 2, saved, memory, ..snapshot.cache };
    state.snapshot = Some(std::sync::Arc::new(snapshot));
    let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
    assert!(text.contains("cache 4 of 6, saved $0.0001131"), "{text}");
}

#[test]
fn how_long_the_shared_cache_has_been_gone_is_told_in_seconds() {
    let mut state = state(Scene::Chat, 120, 40);
    let mut snapshot = state.snapshot.as_deref().unwrap().clone();
    snapshot.cache.tier = engine::TierState::Down { since: UnixMs(snapshot.at.0 - 64_068) };
    state.snapshot = Some(std::sync::Arc::new(snapshot));
    let text = rows(&drawn(&state, &theme("terminal")).0).join("\n");
    assert!(text.contains("Redis cache gone for 1m05s"), "{text}");
}
