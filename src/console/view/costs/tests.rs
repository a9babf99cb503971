//! The Costs view filtered, in another currency, and with names that are wide or hostile.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::config::KeepWhat;
use crate::console::app::{
    AppState, ColorDepth, CostGroup, CostItem, CostRow, FilterPhase, Glyphs, Msg, Recall, Recalled,
    Tone, Under, update,
};
use crate::console::theme::Theme;
use crate::console::view::sample::{NOW, Scene, state};
use crate::console::view::{draw, locate, measure};
use crate::domain::{AtLimit, BudgetLimit, BudgetScope, Cost, Currency, SessionId, UnixMs};
use crate::route;
use crate::text;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn drawn(state: &AppState) -> (Vec<String>, Option<Position>) {
    let theme = Theme::named("terminal", ColorDepth::True).unwrap();
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.cols, state.size.rows));
    let caret = draw(state, &theme, &mut buffer);
    let rows = (0..buffer.area.height).map(|y| {
        let (mut row, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += (text::width(symbol) as u16).max(1);
        }
        row.trim_end().to_owned()
    });
    (rows.collect(), caret)
}

fn keys(state: &mut AppState, typed: &str) {
    for c in typed.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        update(state, Msg::Key(KeyEvent::from(code)), NOW);
    }
}

fn with_rates(state: &mut AppState) {
    let mut snapshot = state.snapshot.as_deref().unwrap().clone();
    let mut config = (*snapshot.config).clone();
    let rate = |code: &str, rate: &str| (code.parse().unwrap(), rate.parse().unwrap());
    config.currency.rates = [rate("CNY", "7.12"), rate("EUR", "0.92")].into();
    config.currency.as_of = Some("2026-11-20".to_owned());
    snapshot.config = Arc::new(config);
    update(state, Msg::Snapshot(Arc::new(snapshot)), NOW);
}

/// The costs by chat, with names in several scripts and one that would like to be obeyed.
fn by_chat(cols: u16, rows: u16) -> AppState {
    let mut state = state(Scene::Costs, cols, rows);
    let (window, _, mut report) = state.costs.shown.take().unwrap();
    let titles = [
        "合同第七条与模板的差异，以及应当如何修改",
        "contract clause 7",
        "婚礼致辞的俳句",
        "借用检查器 borrow checker",
        "\u{1b}[31m\u{202e}red 路由",
    ];
    for (row, title) in report.rows.iter_mut().zip(titles) {
        title.clone_into(&mut row.name);
    }
    state.costs.group = CostGroup::Chat;
    state.costs.shown = Some((window, CostGroup::Chat, report));
    state
}

#[test]
fn filtered_converted_and_wide_costs_look_as_drawn_at_every_size() {
    for (cols, rows) in SIZES {
        let mut state = by_chat(cols, rows);
        keys(&mut state, "/同");
        let name = |what: &str| format!("costs_{what}_{cols}x{rows}");
        insta::assert_snapshot!(name("typing"), drawn(&state).0.join("\n"));
        keys(&mut state, "\n");
        insta::assert_snapshot!(name("filtered"), drawn(&state).0.join("\n"));
        keys(&mut state, "\u{1b}");
        with_rates(&mut state);
        keys(&mut state, "c");
        insta::assert_snapshot!(name("converted"), drawn(&state).0.join("\n"));
        keys(&mut state, "x");
        insta::assert_snapshot!(name("export"), drawn(&state).0.join("\n"));
    }
}

#[test]
fn the_caret_of_the_filter_stands_behind_what_was_typed_in_cells() {
    for typed in ["", "son", "合同", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"] {
        let mut state = by_chat(80, 24);
        keys(&mut state, "/");
        update(&mut state, Msg::Paste(typed.to_owned()), NOW);
        let (rows, caret) = drawn(&state);
        let caret = caret.unwrap();
        assert_eq!(usize::from(caret.x), 10 + text::width(typed), "{typed:?}");
        assert!(rows[usize::from(caret.y)].contains(&format!("COSTS /{typed}")), "{rows:#?}");
    }
    let mut state = by_chat(80, 24);
    keys(&mut state, &format!("/{}end", "长".repeat(200)));
    let (rows, caret) = drawn(&state);
    let caret = caret.unwrap();
    assert!(rows[usize::from(caret.y)].contains("长end"), "the end is in sight: {rows:#?}");
    assert!(caret.x < 80);
}

#[test]
fn nothing_but_the_total_of_the_filtered_rows_is_called_theirs() {
    let mut state = by_chat(120, 40);
    let whole = drawn(&state).0;
    assert!(whole.iter().any(|row| row.starts_with(" total       ")), "{whole:#?}");
    keys(&mut state, "/CLAUSE");
    let rows = drawn(&state).0;
    let total = rows.iter().find(|row| row.starts_with(" filtered")).unwrap();
    assert!(total.contains("$0.14") && total.contains("filtered, 1 of 5"), "{total}");
    assert!(rows.iter().all(|row| !row.starts_with(" lost")), "they are of all rows: {rows:#?}");
    assert!(rows.iter().any(|row| row.contains("BY HOUR, ALL ROWS")), "{rows:#?}");
    keys(&mut state, "zzz\n");
    let rows = drawn(&state).0;
    assert!(rows.iter().any(|row| row.contains("nothing is called so; Esc shows all")));
    keys(&mut state, "\u{1b}");
    assert_eq!(drawn(&state).0, whole, "Esc shows all again");
}

#[test]
fn hostile_names_are_only_shown() {
    let rows = drawn(&by_chat(120, 40)).0.join("\n");
    assert!(!rows.contains('\u{1b}') && !rows.contains('\u{202e}'), "{rows}");
}

#[test]
fn every_amount_of_the_view_is_in_the_currency_and_marked() {
    let mut state = state(Scene::Costs, 200, 60);
    with_rates(&mut state);
    for code in ["CNY", "EUR"] {
        keys(&mut state, "c");
        assert_eq!(state.denomination().currency(), code.parse::<Currency>().unwrap());
        let rows = drawn(&state).0;
        // The top line has what the engine counts; the heading says what a dollar is.
        let dollars: Vec<&String> = rows.iter().skip(2).filter(|row| row.contains('$')).collect();
        assert!(dollars.is_empty(), "{dollars:#?}");
        assert!(rows[1].contains(&format!(" {code}, 2026-11-20")), "{}", rows[1]);
        let table = rows.iter().find(|row| row.starts_with(" sonnet")).unwrap();
        assert!(table.contains(if code == "CNY" { "~¥1.50" } else { "~0.19 EUR" }), "{table}");
    }
    keys(&mut state, "c");
    assert!(drawn(&state).0[4..].iter().any(|row| row.contains("$0.21")), "dollars again");
}

#[test]
fn where_there_are_only_plain_characters_a_currency_has_letters() {
    let mut state = state(Scene::Costs, 120, 40);
    state.looks.glyphs = Glyphs::Ascii;
    with_rates(&mut state);
    keys(&mut state, "c");
    let rows = drawn(&state).0;
    assert!(rows.iter().any(|row| row.contains(" ~1.50 CNY")), "{rows:#?}");
    assert!(rows.iter().all(|row| !row.contains('¥')), "{rows:#?}");
}

#[test]
fn what_was_spent_at_least_is_marked_the_same_wherever_it_stands() {
    for (glyphs, spent) in [(Glyphs::Unicode, "≥$3.10"), (Glyphs::Ascii, ">=$3.10")] {
        let cost = Cost { amount: "3.10".parse().unwrap(), exact: false };
        let marked = |scene| {
            let mut state = state(scene, 120, 40);
            state.looks.glyphs = glyphs;
            let mut snapshot = state.snapshot.as_deref().unwrap().clone();
            snapshot.today = Some(cost);
            state.snapshot = Some(Arc::new(snapshot));
            if let Some((_, _, report)) = &mut state.costs.shown {
                (report.today, report.month, report.total.cost) = (cost, cost, cost);
                (report.rows[0].cost, report.dearest[0].cost) = (cost, cost);
            }
            let rows = drawn(&state).0.join("\n");
            assert_eq!(rows.matches("$3.10").count(), rows.matches(spent).count(), "{rows}");
            rows.matches(spent).count()
        };
        assert_eq!(marked(Scene::Chat), 2, "the top line and the panel");
        assert_eq!(marked(Scene::Costs), 6, "the top line, today, month, a row, total, a request");
    }
}

#[test]
fn nothing_runs_into_its_neighbour_in_a_currency_with_letters() {
    for (cols, height) in SIZES {
        let mut state = state(Scene::Costs, cols, height);
        with_rates(&mut state);
        let (_, _, report) = state.costs.shown.as_mut().unwrap();
        let cost = Cost { amount: "1234.5".parse().unwrap(), exact: false };
        report.rows.push(CostRow { name: "dear".into(), cost, ..report.rows[0].clone() });
        report.dearest[0].cost = cost;
        keys(&mut state, "cc");
        let rows = drawn(&state).0;
        let all = rows.join("\n");
        let row = rows.iter().find(|row| row.starts_with(" dear")).unwrap();
        assert!(row.contains(" ≥~1135.74 EUR "), "{all}");
        assert!(measure(&state).list_scroll_most < 100);
    }
}

#[test]
fn a_long_path_is_told_whole() {
    let mut state = by_chat(80, 24);
    keys(&mut state, "xc");
    let path = "~/.local/share/wheelhouse/exports/costs-2026-11-26-today-chat-clause-12.csv";
    let recalled = state_of_export(&state);
    let answer = Ok(Recalled::Done(format!("written to {path}")));
    update(&mut state, Msg::Recalled { asked: recalled, answer }, NOW);
    assert_eq!(state.toast.as_ref().map(|toast| toast.tone), Some(Tone::Good));
    let rows = drawn(&state).0;
    let told: String = rows.iter().rev().skip(1).take(2).rev().map(|row| row.trim()).collect();
    assert!(told.replace(' ', "").contains(path), "{rows:#?}");
    update(&mut state, Msg::Tick, UnixMs(NOW.0 + 9_000));
    assert!(state.toast.is_some(), "it stays until it can be read");
}

fn state_of_export(state: &AppState) -> Recall {
    Recall::ExportCosts(crate::console::app::CostsTable {
        window: state.costs.window,
        group: state.costs.group,
        filter: String::new(),
        currency: Currency::USD,
        form: crate::console::app::TableForm::Csv,
    })
}

#[test]
fn a_filter_holds_in_the_heading_until_esc() {
    for (cols, rows) in SIZES {
        let mut state = by_chat(cols, rows);
        keys(&mut state, "/合同\n");
        assert_eq!(state.costs.filter.phase, FilterPhase::On);
        let heading = &drawn(&state).0[1];
        assert!(heading.contains("COSTS /合同 1 of 5"), "{heading}");
        assert!(heading.contains("today") && heading.contains("by"), "{heading}");
    }
}

#[test]
fn what_enter_opens_is_marked_and_a_press_on_a_line_chooses_it() {
    for (cols, rows) in SIZES {
        let mut state = state(Scene::Costs, cols, rows);
        assert!(drawn(&state).0.iter().all(|row| !row.starts_with('▸')));
        // On a small screen it is scrolled to first.
        for _ in 0..40 {
            if state.costs.chosen.is_none() {
                keys(&mut state, "j");
            }
        }
        let lines = drawn(&state).0;
        let marked: Vec<usize> = (0..lines.len()).filter(|n| lines[*n].starts_with('▸')).collect();
        assert!(lines[marked[0]].contains("redline clause 7"), "{cols}x{rows}: {lines:#?}");
        assert_eq!(marked.len(), 1);
        let first = state.costs.chosen.unwrap();
        assert_eq!(locate(&state, 20, marked[0] as u16), Under::Cost(first));
        assert_eq!(locate(&state, 20, marked[0] as u16 - 1), Under::Nothing, "its title is none");
    }
}

#[test]
fn chats_can_be_opened_from_their_rows_and_what_is_no_chat_cannot() {
    let mut state = by_chat(120, 40);
    let (_, _, report) = state.costs.shown.as_mut().unwrap();
    report.rows[1].session = Some(SessionId(uuid::Uuid::from_u128(5)));
    let items = measure(&state).list_items;
    assert_eq!(items[0].0, CostItem::Chat(SessionId(uuid::Uuid::from_u128(5))));
    assert!(drawn(&state).0[2 + items[0].1].contains("contract clause 7"));
    assert!(items[1..].iter().all(|(item, _)| matches!(item, CostItem::Request(_))));
}

#[test]
fn every_budget_is_listed_with_what_it_does_at_its_limit() {
    let mut state = state(Scene::Costs, 80, 60);
    let limit =
        |amount: &str, at_limit| Some(BudgetLimit { limit: amount.parse().unwrap(), at_limit });
    let mut snapshot = state.snapshot.as_deref().unwrap().clone();
    let budget = Arc::make_mut(&mut snapshot.budget);
    budget.set(BudgetScope::Day, limit("2", AtLimit::Ask));
    budget.set(BudgetScope::Month, limit("40", AtLimit::Warn));
    budget.set(BudgetScope::Provider("deepseek".into()), limit("0.5", AtLimit::Stop));
    budget.set(BudgetScope::Model("sonnet".into()), limit("1", AtLimit::Stop));
    update(&mut state, Msg::Snapshot(Arc::new(snapshot)), NOW);
    let text = drawn(&state).0.join("\n");
    // What was set by hand counts as what the configuration says.
    assert!(text.contains("of $2.00") && text.contains("of $40.00"), "{text}");
    for guard in [
        "day $2.00 then ask   month $40.00 then warn",
        "deepseek a day $0.50 then stop",
        "sonnet a day $1.00 then stop",
    ] {
        assert!(text.contains(guard), "{guard}: {text}");
    }
}

#[test]
fn what_routing_did_is_about_the_same_answers_in_every_line() {
    for (cols, rows) in [(120, 40), (200, 60)] {
        let text = drawn(&state(Scene::Costs, cols, rows)).0.join("\n");
        // The total above holds what failed and what was not routed as well.
        assert!(text.contains("as routed             $0.40 for 24 of 28 asked"), "{text}");
        assert!(text.contains("all on opus           ~$2.70\n"), "{text}");
        assert!(text.contains("all on sonnet         ~$0.98 for 19 of them"), "{text}");
        assert!(text.contains("saved                 ~$2.30 vs opus\n"), "{text}");
        assert!(text.contains(" ~$0.62 vs sonnet"), "{text}");
    }
}

#[test]
fn a_dear_day_counts_in_what_the_month_comes_to() {
    let mut state = state(Scene::Costs, 120, 40);
    let (_, _, report) = state.costs.shown.as_mut().unwrap();
    let spent = |dollars: &str| Cost { amount: dollars.parse().unwrap(), exact: true };
    // All of the month was spent today, in the middle of the month.
    (report.today, report.month) = (spent("9"), spent("9"));
    let text = drawn(&state).0.join("\n");
    let pace = text.lines().find(|line| line.contains("by month end")).unwrap();
    let amounts: Vec<f64> = pace
        .split('$')
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(amounts[1] >= amounts[0] && amounts[0] > 9.0, "{pace}");
}

#[test]
fn where_nothing_of_requests_is_kept_the_bars_are_as_budgets_count() {
    let mut state = state(Scene::Costs, 120, 40);
    let (_, _, report) = state.costs.shown.as_mut().unwrap();
    (report.rows, report.today, report.month) = (Vec::new(), Cost::ZERO, Cost::ZERO);
    let snapshot = Arc::make_mut(state.snapshot.as_mut().unwrap());
    let mut book = route::Book::default();
    let limit = BudgetLimit { limit: "0.0195".parse().unwrap(), at_limit: AtLimit::Stop };
    book.set(BudgetScope::Day, Some(limit));
    let spent = Cost { amount: "0.0130".parse().unwrap(), exact: true };
    let bucket = route::Bucket::at(BudgetScope::Day, &snapshot.calendar);
    book.tell_others(&bucket, route::Totals { spent, ..route::Totals::default() });
    snapshot.budget = Arc::new(book);
    Arc::make_mut(&mut snapshot.config).ledger.keep = KeepWhat::Nothing;
    let text = drawn(&state).0.join("\n");
    assert!(text.contains("$0.013") && text.contains("of $0.0195"), "{text}");
    assert!(text.contains("67%") && text.contains("nothing of requests is kept"), "{text}");
}
