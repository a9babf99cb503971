//! The Costs view: asking the ledger, filtering, currencies, files, and what is opened from it.

use super::super::fixture::Console;
use super::kept::{id, kept};
use crate::console::app::{
    CostGroup, CostItem, CostReport, CostRow, CostWindow, CostsTable, DearRequest, FilterPhase,
    Focus, Msg, Recall, Recalled, Spot, TableForm, View,
};
use crate::domain::{Cost, Currency, Denomination, Finish, RequestId, SessionId, UnixMs};

fn costs(window: CostWindow, group: CostGroup) -> Recall {
    Recall::Costs { window, group }
}

#[test]
fn costs_ask_one_question_at_a_time_and_show_only_the_answer_to_what_is_chosen() {
    let mut console = Console::ready();
    console.text("/costs").keys("enter").keys("w").keys("g");
    let first = costs(CostWindow::Today, CostGroup::Model);
    assert_eq!(console.recalls(), std::slice::from_ref(&first));
    assert_eq!(console.state.view, View::Costs);
    console.answers(first, Recalled::Costs(Box::default()));
    assert!(console.state.costs.shown.is_none(), "it answers what is no longer asked");
    let second = costs(CostWindow::Week, CostGroup::Provider);
    assert_eq!(console.recalls().last(), Some(&second));
    let report = CostReport { month: Cost::ZERO, ..CostReport::default() };
    console.answers(second, Recalled::Costs(Box::new(report)));
    assert!(console.state.costs.shown.is_some());
    assert_eq!(console.recalls().len(), 2);
}

#[test]
fn open_costs_follow_what_is_spent() {
    let mut console = Console::ready();
    console.text("hello").keys("enter").routed("mini");
    console.keys("ctrl-x 4");
    console.answers(costs(CostWindow::Today, CostGroup::Model), Recalled::Costs(Box::default()));
    let before = console.recalls().len();
    console.stream("hi").end(Finish::Stop);
    let newer = &console.recalls()[before..];
    assert!(newer.contains(&costs(CostWindow::Today, CostGroup::Model)), "{newer:?}");
}

fn row(name: &str, calls: u64, cost: &str) -> CostRow {
    let cost = Cost { amount: cost.parse().unwrap(), exact: true };
    CostRow { name: name.to_owned(), calls, cost, ..CostRow::default() }
}

/// Costs by model, on the screen.
fn shown() -> Console {
    let mut console = Console::ready();
    console.text("/costs").keys("enter");
    let rows = vec![row("Sonnet", 7, "0.21"), row("opus", 3, "0.14"), row("路由 son", 1, "0.01")];
    let report = CostReport { rows, ..CostReport::default() };
    let asked = costs(CostWindow::Today, CostGroup::Model);
    console.answers(asked, Recalled::Costs(Box::new(report)));
    console
}

/// The names of the rows that are shown, and what they come to.
fn rows(console: &Console) -> (Vec<String>, Option<(u64, String)>) {
    let state = &console.state.costs;
    let (_, _, report) = state.shown.as_ref().unwrap();
    match &state.narrowed {
        None => (report.rows.iter().map(|row| row.name.clone()).collect(), None),
        Some(left) => (
            left.rows.iter().map(|at| report.rows[*at].name.clone()).collect(),
            Some((left.total.calls, left.total.cost.amount.to_string())),
        ),
    }
}

#[test]
fn costs_are_narrowed_letter_by_letter_without_asking_again_and_esc_shows_all() {
    let mut console = shown();
    let asked = console.recalls().len();
    console.keys("/").text("SO");
    assert_eq!(rows(&console).0, ["Sonnet", "路由 son"]);
    console.text("nnet");
    assert_eq!(rows(&console), (vec!["Sonnet".to_owned()], Some((7, "0.21".to_owned()))));
    console.keys("ctrl-u").text("由");
    assert_eq!(rows(&console).0, ["路由 son"]);
    console.keys("enter").keys("j");
    assert_eq!(console.state.costs.filter.phase, FilterPhase::On, "j scrolls, and is not text");
    console.keys("F");
    assert_eq!(rows(&console).0.len(), 3, "off, and remembered");
    console.keys("F");
    assert_eq!(rows(&console).0, ["路由 son"]);
    console.keys("esc");
    assert_eq!((rows(&console).0.len(), console.state.view), (3, View::Costs));
    assert_eq!(console.recalls().len(), asked);
    console.keys("esc");
    assert_eq!(console.state.view, View::Chat);
}

#[test]
fn a_filter_holds_for_what_comes_in_while_it_is_typed() {
    let mut console = shown();
    console.keys("/").text("son").keys("enter").keys("g");
    let report =
        CostReport { rows: vec![row("sonora", 1, "1"), row("x", 1, "1")], ..CostReport::default() };
    let asked = costs(CostWindow::Today, CostGroup::Provider);
    console.answers(asked, Recalled::Costs(Box::new(report)));
    assert_eq!(rows(&console).0, ["sonora"]);
    console.keys("ctrl-x 2");
    assert_eq!(console.state.routes.filter.phase, FilterPhase::Off, "the log has its own");
}

#[test]
fn a_filter_that_is_being_typed_takes_no_keys_of_another_view() {
    let mut console = shown();
    console.keys("/").text("so").keys("ctrl-x 2").keys("q");
    assert_eq!(console.state.view, View::Chat);
    assert_eq!(console.state.costs.filter.query.text(), "so");
}

fn with_rates(console: &mut Console, rates: &[(&str, &str)], show: Option<&str>) {
    let mut snapshot = console.state.snapshot.as_deref().unwrap().clone();
    let mut config = (*snapshot.config).clone();
    let rate = |(code, rate): &(&str, &str)| (code.parse().unwrap(), rate.parse().unwrap());
    config.currency.rates = rates.iter().map(rate).collect();
    config.currency.show = show.map(|code| code.parse().unwrap());
    snapshot.config = std::sync::Arc::new(config);
    console.send(Msg::Snapshot(std::sync::Arc::new(snapshot)));
}

fn code(console: &Console) -> String {
    console.state.denomination().currency().to_string()
}

#[test]
fn c_goes_round_dollars_and_every_currency_that_has_a_rate() {
    let mut console = shown();
    console.keys("c");
    assert!(console.toast().contains("[currency] rates = { CNY = 7.12 }"), "{}", console.toast());
    assert_eq!(console.state.denomination(), Denomination::Dollars);
    with_rates(&mut console, &[("EUR", "0.92"), ("CNY", "7.12")], None);
    let mut seen = Vec::new();
    for _ in 0..4 {
        console.keys("c");
        seen.push(code(&console));
    }
    assert_eq!(seen, ["CNY", "EUR", "USD", "CNY"]);
}

#[test]
fn what_the_configuration_shows_holds_until_another_is_chosen_and_a_rate_that_goes_is_given_up() {
    let mut console = shown();
    with_rates(&mut console, &[("CNY", "7.12"), ("EUR", "0.92")], Some("EUR"));
    assert_eq!(code(&console), "EUR");
    console.keys("c");
    assert_eq!(code(&console), "USD");
    console.keys("c");
    assert_eq!(code(&console), "CNY");
    with_rates(&mut console, &[("CNY", "7.30")], None);
    assert_eq!(
        console.state.denomination(),
        Denomination::At("CNY".parse().unwrap(), "7.3".parse().unwrap())
    );
    with_rates(&mut console, &[], None);
    assert_eq!(code(&console), "USD");
}

#[test]
fn what_is_exported_is_what_is_shown() {
    let mut console = shown();
    with_rates(&mut console, &[("CNY", "7.12")], None);
    console.keys("c").keys("/").text(" son").keys("enter").keys("x j");
    let table = CostsTable {
        window: CostWindow::Today,
        group: CostGroup::Model,
        filter: "son".to_owned(),
        currency: "CNY".parse::<Currency>().unwrap(),
        form: TableForm::Json,
    };
    let asked = Recall::ExportCosts(table);
    assert_eq!(console.recalls().last(), Some(&asked));
    console.answers(asked.clone(), Recalled::Done("written to ~/x.json".to_owned()));
    assert_eq!(console.toast(), "written to ~/x.json");
    let why = "not written: there is no room left".to_owned();
    console.send(Msg::Recalled { asked, answer: Err(why.clone()) });
    assert_eq!(console.toast(), why);
}

fn by_chat() -> Console {
    let mut console = Console::ready();
    console.text("/costs").keys("enter g g");
    let dear = |n: u128, session: Option<SessionId>| DearRequest {
        estimated: false,
        request: RequestId(uuid::Uuid::from_u128(n)),
        session,
        at: UnixMs(2),
        cost: Cost { amount: "0.02".parse().unwrap(), exact: true },
        model: "opus".into(),
        prompt: "an old question".to_owned(),
        input: 10,
        output: 20,
    };
    let report = CostReport {
        rows: vec![
            CostRow { session: Some(id(1)), ..row("an old chat", 2, "0.02") },
            row("compare", 2, "0.02"),
        ],
        dearest: vec![dear(7, Some(id(1))), dear(8, None)],
        ..CostReport::default()
    };
    console.answers(costs(CostWindow::Today, CostGroup::Model), Recalled::Costs(Box::default()));
    let asked = costs(CostWindow::Today, CostGroup::Chat);
    console.answers(asked, Recalled::Costs(Box::new(report)));
    console
}

#[test]
fn moving_in_costs_stops_at_what_can_be_opened_and_scrolls_past_the_rest() {
    let mut console = by_chat();
    let chat = Some(CostItem::Chat(id(1)));
    console.keys("enter");
    assert_eq!(console.state.costs.chosen, chat, "with nothing chosen it chooses");
    let before = console.recalls().len();
    // The dearest stand below the screen: it is scrolled line by line until one shows.
    console.keys("down");
    assert_eq!((console.state.costs.top, console.state.costs.chosen), (1, None));
    console.keys("down down");
    let dearest = |n| Some(CostItem::Request(RequestId(uuid::Uuid::from_u128(n))));
    assert_eq!((console.state.costs.top, console.state.costs.chosen), (3, dearest(7)));
    console.keys("down down");
    assert_eq!((console.state.costs.top, console.state.costs.chosen), (4, dearest(8)));
    console.keys("up");
    assert_eq!((console.state.costs.top, console.state.costs.chosen), (4, dearest(7)));
    console.keys("home");
    assert_eq!((console.state.costs.top, console.state.costs.chosen), (0, chat));
    assert_eq!(console.recalls().len(), before, "nothing was opened");
}

#[test]
fn a_row_of_a_chat_opens_it_and_a_dear_request_the_answer_in_it() {
    let mut console = by_chat();
    console.keys("enter enter");
    assert_eq!(console.recalls().last(), Some(&Recall::Open(id(1))));
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(kept(Some(Finish::Stop)))));
    assert_eq!((console.state.view, console.state.focus), (View::Chat, Focus::Composer));

    let mut console = by_chat();
    let kept = kept(Some(Finish::Stop));
    let request = kept.turns[0].answers.last().unwrap().request;
    let (_, _, report) = console.state.costs.shown.as_mut().unwrap();
    report.dearest[0].request = request;
    console.keys("end up enter");
    let asked = Recall::OpenAt(id(1), Spot::Answer(request));
    assert_eq!(console.recalls().last(), Some(&asked));
    console.answers(asked, Recalled::Session(Box::new(kept)));
    assert_eq!((console.state.view, console.state.focus), (View::Chat, Focus::Read));
    assert_eq!(console.state.transcript.selected, Some(1), "the answer, not the question");
    // From the open chat it is there at once.
    console.text("4").keys("end up enter");
    assert_eq!((console.state.view, console.state.transcript.selected), (View::Chat, Some(1)));
}

#[test]
fn a_dear_request_no_chat_holds_opens_how_it_was_routed() {
    let mut console = by_chat();
    console.keys("end enter");
    let request = RequestId(uuid::Uuid::from_u128(8));
    assert_eq!(console.recalls().last(), Some(&Recall::Why(request)));
}

#[test]
fn what_others_spend_is_asked_for_while_costs_are_looked_at() {
    let mut console = by_chat();
    let before = console.recalls().len();
    let mut news = crate::console::app::update::fixture::snapshot();
    news.today = Some(Cost { amount: "0.5".parse().unwrap(), exact: true });
    let news = std::sync::Arc::new(news);
    console.send(Msg::Snapshot(std::sync::Arc::clone(&news)));
    assert_eq!(console.recalls().len(), before + 1);
    console.send(Msg::Snapshot(news));
    assert_eq!(console.recalls().len(), before + 1, "nothing more was spent");
}
