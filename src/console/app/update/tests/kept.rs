//! Costs and chats that were kept: asking the ledger, and taking in what it answers.

use super::super::fixture::{self, Console};
use super::texts;
use crate::console::app::{
    CostGroup, CostReport, CostRow, CostWindow, CostsTable, Effect, FilterPhase, KeptAnswer,
    KeptSession, KeptTurn, Msg, Overlay, PaidIn, Recall, Recalled, SessionLine, TableForm, View,
};
use crate::domain::{Cost, Currency, Denomination, Finish, MessageId, RequestId, SessionId, Usage};

fn id(n: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(n))
}

fn line(n: u128, title: &str) -> SessionLine {
    SessionLine {
        id: id(n),
        title: title.to_owned(),
        updated: crate::domain::UnixMs(0),
        messages: 2,
        cost: Cost::ZERO,
        forked_from: None,
        hit: None,
        interrupted: false,
    }
}

impl Console {
    /// What the ledger was asked so far.
    fn recalls(&self) -> Vec<Recall> {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::Recall(asked) => Some(asked.clone()),
            _ => None,
        });
        asked.collect()
    }

    fn answers(&mut self, asked: Recall, answer: Recalled) -> &mut Self {
        self.send(Msg::Recalled { asked, answer: Ok(answer) })
    }
}

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

fn kept(finish: Option<Finish>) -> KeptSession {
    let answer = KeptAnswer {
        request: RequestId(uuid::Uuid::from_u128(9)),
        at: crate::domain::UnixMs(2),
        text: "an answer from before".to_owned(),
        reasoning: String::new(),
        model: Some("mini".into()),
        provider: Some("openai".into()),
        finish,
        usage: Usage::default(),
        cost: Cost::ZERO,
        wait_ms: Some(300),
        ttft_ms: Some(280),
        total_ms: 900,
        cached: None,
        attempts: Vec::new(),
        decision: None,
        paid: PaidIn::ThisChat,
    };
    KeptSession {
        id: id(1),
        title: "an old chat".to_owned(),
        system: Some("be brief".to_owned()),
        cost: Cost::ZERO,
        replaced: Vec::new(),
        turns: vec![KeptTurn {
            id: MessageId(uuid::Uuid::from_u128(8)),
            at: crate::domain::UnixMs(1),
            text: "an old question".to_owned(),
            answer: Some(answer),
        }],
    }
}

fn dollars(text: &str) -> crate::domain::Money {
    text.parse().unwrap()
}

/// What the header says of the chat: cost and saving.
fn header(console: &Console) -> (Option<String>, String) {
    let spent = console.state.transcript.sums().spent;
    (spent.cost.map(|cost| cost.amount.to_string()), spent.saved.to_string())
}

/// The open chat as the ledger would give it back: one exchange, and so much more that it cost.
fn as_kept(console: &Console, more: &str) -> KeptSession {
    let (_, live) = console.state.last_reply().unwrap();
    let outcome = live.reply.outcome.clone().unwrap();
    let base = kept(Some(Finish::Stop));
    let answer = KeptAnswer {
        request: live.request,
        at: live.last_at,
        text: live.reply.text.clone(),
        model: outcome.model,
        provider: outcome.provider,
        usage: outcome.usage,
        cost: outcome.cost,
        wait_ms: outcome.wait_ms,
        ttft_ms: outcome.ttft_ms,
        total_ms: outcome.total_ms,
        attempts: live.reply.attempts.clone(),
        decision: live.reply.decision.clone(),
        ..base.turns[0].answer.clone().unwrap()
    };
    let turn = KeptTurn { answer: Some(answer), ..base.turns[0].clone() };
    let cost = Cost { amount: outcome.cost.amount + dollars(more), exact: true };
    KeptSession { id: id(1), cost, turns: vec![turn], ..base }
}

/// One exchange at `mini`, saved against opus.
fn talked() -> Console {
    let mut console = Console::ready();
    console.state.baseline = Some("opus".into());
    console.exchange("one", "two");
    console
}

#[test]
fn a_chat_opened_again_says_of_itself_what_it_said_when_it_was_talked_in() {
    let mut console = talked();
    let before = header(&console);
    assert!(before.1.parse::<f64>().unwrap() > 0.0, "{before:?}");
    let live = console.state.last_reply().unwrap().1.clone();
    let session = as_kept(&console, "0");
    console.text("/new").keys("enter").exchange("something else", "an answer");
    console.text("and more").keys("enter").routed("mini").stream("x").end(Finish::Stop);
    assert_ne!(header(&console), before);
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    assert_eq!(header(&console), before);
    let again = console.state.last_reply().unwrap().1;
    assert_eq!((again.mark(), &again.saved), (live.mark(), &live.saved));
    assert_eq!(again.reply.decision, live.reply.decision);
    console.text("/new").keys("enter");
    assert_eq!(header(&console), (None, "0.00".to_owned()));
}

#[test]
fn what_was_replaced_or_failed_was_spent_in_the_chat_all_the_same() {
    let mut console = talked();
    let saved = console.state.transcript.sums().spent.saved;
    let mut session = as_kept(&console, "0.25");
    let other = session.turns[0].answer.clone().unwrap();
    session.replaced.push(KeptAnswer { text: String::new(), ..other });
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    let twice = (saved + saved).to_string();
    assert_eq!(header(&console), (Some("0.251".to_owned()), twice));
}

#[test]
fn a_fork_begins_at_nothing_and_counts_what_is_asked_in_it() {
    let mut console = talked();
    let one = console.state.transcript.sums().spent;
    let mut copy = as_kept(&console, "0");
    console.text("/fork").keys("enter");
    let nothing = (Some("0.00".to_owned()), "0.00".to_owned());
    assert_eq!(header(&console), nothing);
    copy.id = console.state.session;
    copy.cost = Cost::ZERO;
    if let Some(answer) = &mut copy.turns[0].answer {
        answer.paid = PaidIn::Original;
    }
    console.answers(Recall::Open(copy.id), Recalled::Session(Box::new(copy)));
    assert_eq!(header(&console), nothing, "as the ledger gives it back");
    console.exchange("three", "four");
    assert_eq!(console.state.transcript.sums().spent, one);
}

#[test]
fn why_a_reply_of_another_run_was_routed_so_is_asked_of_the_ledger() {
    let mut console = talked();
    let mut session = as_kept(&console, "0");
    let asked = RequestId(uuid::Uuid::from_u128(70));
    if let Some(answer) = &mut session.turns[0].answer {
        // In a copied chat the answer has an id of its own.
        answer.request = RequestId(uuid::Uuid::from_u128(71));
        answer.decision = Some(std::sync::Arc::new(fixture::decision(asked, &["mini", "qwen"])));
    }
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    console.keys("esc").keys("enter");
    assert_eq!(console.recalls().last(), Some(&Recall::Why(asked)));
    assert_eq!(console.state.view, View::Chat, "another request's story is not shown meanwhile");
    console.answers(Recall::Why(asked), Recalled::Why(Box::new(fixture::entry(asked))));
    assert_eq!(console.state.view, View::Routes);
    assert_eq!(console.state.routes_selected().unwrap().1.request, asked);
    console.keys("enter");
    assert_eq!(console.state.view, View::Chat, "and back to its place in the chat");
    assert_eq!(console.state.transcript.selected, Some(1));
}

#[test]
fn where_a_chat_was_written_stays_in_the_chat_to_read() {
    let mut console = talked();
    console.text("/export").keys("enter");
    let asked = console.recalls().pop().unwrap();
    console.answers(asked, Recalled::Done("written to ~/a/long/way/one.md".to_owned()));
    console.wait(60_000);
    assert_eq!(console.note(), "written to ~/a/long/way/one.md");
}

fn listed() -> Console {
    let mut console = Console::ready();
    console.text("a begun draft").keys("ctrl-s");
    let asked = Recall::Sessions { query: String::new() };
    console.answers(asked, Recalled::Sessions(vec![line(1, "an old chat"), line(2, "another")]));
    console
}

#[test]
fn opening_a_chat_brings_it_back_to_go_on_with_and_keeps_the_draft() {
    let mut console = listed();
    console.keys("enter");
    assert_eq!(console.recalls().last(), Some(&Recall::Open(id(1))));
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(kept(Some(Finish::Stop)))));
    let state = &console.state;
    assert_eq!(texts(state), ["you: an old question", "reply: an answer from before"]);
    assert_eq!((state.session, state.title.as_str()), (id(1), "an old chat"));
    assert_eq!(state.composer.text(), "a begun draft");
    console.keys("enter");
    let sent = console.sent();
    let request = sent.last().unwrap();
    assert_eq!(request.session, Some(id(1)));
    assert_eq!(request.system.as_deref(), Some("be brief"));
    let said: Vec<String> = request.messages.iter().map(crate::domain::Message::plain).collect();
    assert_eq!(said, ["an old question", "an answer from before", "a begun draft"]);
    let parent = request.place.as_ref().unwrap().parent;
    assert_eq!(parent, Some(MessageId(uuid::Uuid::from_u128(9))), "it hangs on the old answer");
}

#[test]
fn an_answer_that_was_cut_off_by_a_crash_is_offered_back() {
    let mut console = listed();
    console.keys("enter");
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(kept(None))));
    assert!(texts(&console.state)[1].contains("an answer from before"));
    assert!(console.note().contains("/retry"), "{}", console.note());
}

#[test]
fn typing_searches_and_late_answers_to_less_are_dropped() {
    let mut console = listed();
    console.text("天气");
    let typed = Recall::Sessions { query: "天".to_owned() };
    assert_eq!(console.recalls().last(), Some(&typed));
    console.answers(typed, Recalled::Sessions(Vec::new()));
    let whole = Recall::Sessions { query: "天气".to_owned() };
    assert_eq!(console.recalls().last(), Some(&whole));
    console.answers(whole, Recalled::Sessions(vec![line(2, "another")]));
    let Some(Overlay::Sessions(list)) = &console.state.overlay else { panic!("no list") };
    assert_eq!(list.items.as_ref().unwrap().len(), 1);
}

#[test]
fn what_is_found_for_other_words_begins_at_its_first_and_the_same_list_keeps_its_place() {
    let selected = |console: &Console| match &console.state.overlay {
        Some(Overlay::Sessions(list)) => list.selected,
        _ => panic!("no list"),
    };
    let mut console = listed();
    console.keys("down");
    let all = Recall::Sessions { query: String::new() };
    let moved = vec![line(3, "newer"), line(1, "an old chat"), line(2, "another")];
    console.answers(all, Recalled::Sessions(moved));
    assert_eq!(selected(&console), 2, "the chat that was selected, in its new place");
    console.text("o");
    assert_eq!(selected(&console), 0);
    let found = Recall::Sessions { query: "o".to_owned() };
    console.answers(found, Recalled::Sessions(vec![line(1, "an old chat"), line(2, "another")]));
    assert_eq!(selected(&console), 0, "not where the chat of before went");
}

#[test]
fn a_chat_is_removed_on_the_second_press_and_never_the_open_one() {
    let removals = |console: &Console| {
        console.recalls().iter().filter(|asked| matches!(asked, Recall::Delete(_))).count()
    };
    let mut console = listed();
    console.keys("ctrl-d");
    assert_eq!(removals(&console), 0);
    console.keys("down up ctrl-d");
    assert_eq!(removals(&console), 0, "moving takes the first press back");
    console.keys("ctrl-d");
    assert_eq!(console.recalls().last(), Some(&Recall::Delete(id(1))));
    console.keys("esc").keys("ctrl-u").text("/delete").keys("enter");
    assert!(console.toast().contains("/delete yes"), "{}", console.toast());
}

#[test]
fn while_a_reply_runs_no_other_chat_takes_its_place() {
    let mut console = listed();
    console.keys("esc").keys("enter").routed("mini").stream("half");
    console.keys("ctrl-s enter");
    assert!(console.toast().contains("a reply is running"), "{}", console.toast());
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(kept(Some(Finish::Stop)))));
    assert!(texts(&console.state).iter().any(|text| text == "reply: half"));
}

#[test]
fn a_fork_goes_on_in_a_copy() {
    let mut console = Console::ready();
    console.exchange("one", "two");
    let before = console.state.session;
    console.text("/fork").keys("enter");
    assert_ne!(console.state.session, before);
    let asked = console.recalls();
    let Some(Recall::Fork { from, to, title }) =
        asked.iter().find(|asked| matches!(asked, Recall::Fork { .. }))
    else {
        panic!("not copied: {asked:?}")
    };
    assert_eq!((*from, *to, title.as_str()), (before, console.state.session, "fork: one"));
    let (fork, to) = (Recall::Fork { from: *from, to: *to, title: title.clone() }, *to);
    console.answers(fork, Recalled::Done("copied".to_owned()));
    let last = console.recalls().into_iter().rev().find(|asked| matches!(asked, Recall::Open(_)));
    assert_eq!(last, Some(Recall::Open(to)), "the copy's messages have ids of their own");
}
