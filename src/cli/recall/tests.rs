//! What the console asks for is what commands print: both read one ledger here.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use uuid::Uuid;

use super::*;
use crate::cli::args::{Cli, Command, Global, UsageArgs};
use crate::cli::{Io, Kind, usage};
use crate::console::app::{CostsTable, ExportAs, PaidIn, Spot, TableForm};
use crate::domain::{Currency, Finish, Message, Money, Origin, Part, Role};
use crate::ledger::Keep;
use crate::ledger::sample::Turn;

/// A data directory in which some chats were held today, and the configuration beside it.
struct Data {
    _dir: tempfile::TempDir,
    setup: Setup,
    now: UnixMs,
}

const CONFIG: &str = "[currency]\nrates = { CNY = 7.12 }\nas_of = \"2026-11-20\"\n";

impl Data {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.toml");
        std::fs::write(&config, CONFIG).unwrap();
        let global = Global {
            config: Some(config),
            data: Some(dir.path().join("data")),
            ..Global::default()
        };
        let setup = Setup::new(&global);
        let now = crate::engine::now();
        let ledger = setup.keep().unwrap();
        let titles =
            ["contract clause 7", "合同第七条", "=HYPERLINK(\"x\")\u{1b}[31m, a", "Contract 8"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (n, title) in (1..).zip(titles) {
                let session = SessionId(Uuid::from_u128(u128::from(n)));
                let turn = Turn {
                    pico: 1_000_000_001 * n as i64,
                    failed: (n == 2).then_some(5),
                    ..Turn::new(n, now, session, title, "an answer")
                };
                ledger.begin(turn.begin()).await.unwrap();
                ledger.end(turn.end()).await.unwrap();
            }
        });
        ledger.flush(Duration::from_secs(10)).unwrap();
        Self { _dir: dir, setup, now }
    }

    /// With a comparison's answer beside them, one of figures alone, and one chat less.
    fn with_others() -> Self {
        let data = Self::new();
        let ledger = data.setup.keep().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let chat = |n: u64| SessionId(Uuid::from_u128(u128::from(n)));
        let turn = |n: u64| Turn {
            pico: 1_000_000_000 * n as i64,
            ..Turn::new(n, data.now, chat(n), "asked", "an answer")
        };
        let mut compared = turn(20).end();
        let request = &mut Arc::get_mut(&mut compared.begin).unwrap().request;
        (request.session, request.origin) = (None, Origin::Compare);
        let figures = Turn { keep: Keep::Figures, ..turn(10) };
        runtime.block_on(async {
            ledger.end(compared).await.unwrap();
            ledger.end(figures.end()).await.unwrap();
        });
        ledger.remove(chat(1)).unwrap();
        ledger.flush(Duration::from_secs(10)).unwrap();
        data
    }

    fn costs(&self, group: CostGroup) -> CostReport {
        let asked = Recall::Costs { window: CostWindow::All, group };
        match self.ask(asked) {
            Ok(Recalled::Costs(report)) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, asked: Recall) -> Result<Recalled, String> {
        let config = self.setup.load().unwrap().config;
        answer(&self.setup, &config, asked, self.now)
    }

    /// Has the table exported; the file and what is in it.
    fn export(&self, table: CostsTable) -> (PathBuf, String) {
        let Ok(Recalled::Done(told)) = self.ask(Recall::ExportCosts(table)) else {
            panic!("not written")
        };
        let path = PathBuf::from(told.strip_prefix("written to ").unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    }

    /// What `wheelhouse usage` prints.
    fn usage(&self, args: &[&str]) -> String {
        let args = usage_args(args);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            out: &mut out,
            err: &mut err,
            in_kind: Kind::Pipe,
            out_kind: Kind::Pipe,
            err_kind: Kind::Pipe,
        };
        usage::run(&args, &self.setup, &mut io).unwrap();
        String::from_utf8(out).unwrap()
    }
}

fn usage_args(args: &[&str]) -> UsageArgs {
    let typed = ["wheelhouse", "usage"].iter().chain(args);
    match Cli::try_parse_from(typed).unwrap().command {
        Some(Command::Usage(args)) => args,
        other => panic!("{other:?}"),
    }
}

fn table(window: CostWindow, group: CostGroup, form: TableForm) -> CostsTable {
    CostsTable { window, group, filter: String::new(), currency: Currency::USD, form }
}

#[test]
fn an_exported_table_is_what_usage_prints_of_the_same_days_by_the_same() {
    let data = Data::new();
    for (window, since) in [
        (CostWindow::Today, "today"),
        (CostWindow::Week, "7d"),
        (CostWindow::Month, "30d"),
        (CostWindow::All, "all"),
    ] {
        for (group, by) in [
            (CostGroup::Model, "model"),
            (CostGroup::Provider, "provider"),
            (CostGroup::Chat, "session"),
            (CostGroup::Origin, "origin"),
        ] {
            for (form, flag) in [(TableForm::Csv, "--csv"), (TableForm::Json, "--json")] {
                let (path, text) = data.export(table(window, group, form));
                assert_eq!(text, data.usage(&["--since", since, "--by", by, flag]));
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let middle = format!("-{}-{}.", window.name(), group.name());
                assert!(name.starts_with("costs-20") && name.contains(&middle), "{name}");
            }
        }
    }
}

#[test]
fn a_filter_and_a_currency_go_into_the_file_as_they_are_shown() {
    let data = Data::new();
    let shown = CostsTable {
        filter: "CONTRACT".to_owned(),
        currency: "CNY".parse().unwrap(),
        ..table(CostWindow::Today, CostGroup::Chat, TableForm::Json)
    };
    let (path, text) = data.export(shown.clone());
    assert!(path.to_string_lossy().ends_with("-today-chat-contract.json"), "{path:?}");
    let same = ["--since", "today", "--by", "session", "--filter", "contract", "--currency", "cny"];
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["filter"], "CONTRACT");
    assert_eq!(
        text.replace("CONTRACT", "contract"),
        data.usage(&[&same[..], &["--json"]].concat())
    );
    let keys: Vec<&str> =
        json["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["Contract 8", "contract clause 7"]);
    assert_eq!(json["total"]["cost_usd"], "0.005000000005", "of the filtered rows");
    assert_eq!(json["total"]["cost_converted"], "0.035600000036", "rounded once, at the end");
    assert_eq!(json["converted"]["per_usd"], "7.12");
    let (_, csv) = data.export(CostsTable { form: TableForm::Csv, ..shown });
    assert!(csv.lines().next().unwrap().ends_with(",stopped_usd,cost_cny"), "{csv}");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let lines = data.usage(&same);
    assert!(lines.contains("~¥0.0356") && lines.contains("a dollar is 7.12 CNY"), "{lines}");
    assert!(!lines.contains('$'), "{lines}");
}

/// Calls, tokens and money of rows as JSON has them.
fn sums(rows: &[serde_json::Value]) -> (u64, u64, Money) {
    rows.iter().fold((0, 0, Money::ZERO), |(calls, input, money), row| {
        let cost: Money = row["cost_usd"].as_str().unwrap().parse().unwrap();
        let number = |name: &str| row[name].as_u64().unwrap();
        (calls + number("calls"), input + number("input"), money + cost)
    })
}

#[test]
fn rows_add_up_to_the_total_whatever_they_are_by_and_however_few() {
    let data = Data::with_others();
    for by in ["model", "provider", "session", "origin", "kind", "day"] {
        for limit in ["1", "2", "100"] {
            let args = ["--since", "all", "--by", by, "--limit", limit, "--json"];
            let json: serde_json::Value = serde_json::from_str(&data.usage(&args)).unwrap();
            let rows = json["rows"].as_array().unwrap();
            assert_eq!(sums(rows), sums(&[json["total"].clone()]), "{by}, {limit}: {json}");
        }
    }
    for group in CostGroup::ALL {
        let report = data.costs(group);
        let calls: u64 = report.rows.iter().map(|row| row.calls).sum();
        let money: Money = report.rows.iter().map(|row| row.cost.amount).sum();
        assert_eq!((calls, money), (report.total.calls, report.total.cost.amount), "{group:?}");
    }
}

#[test]
fn what_belongs_to_no_chat_has_a_name_to_find_it_by_and_no_id() {
    let data = Data::with_others();
    let asked =
        |more: &[&str]| data.usage(&[&["--since", "all", "--by", "session"], more].concat());
    let json: serde_json::Value =
        serde_json::from_str(&asked(&["--filter", "compare", "--json"])).unwrap();
    let [row] = json["rows"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&row["key"], &row["session_id"]), (&"compare".into(), &serde_json::Value::Null));
    assert_eq!(json["total"]["cost_usd"], "0.02");
    // What a chat lost is not kept: null is not nothing.
    assert!(row["failed_usd"].is_null() && !json["total"]["failed_usd"].is_null(), "{json}");
    let csv = asked(&["--csv"]);
    assert!(csv.contains("\ncompare,,1,"), "{csv}");
    assert!(csv.contains("\nremoved or not kept,,2,"), "{csv}");
    let people = asked(&["--limit", "1"]);
    assert!(people.contains("\nothers ") && !people.contains("failed"), "{people}");
}

#[test]
fn what_a_filter_does_not_narrow_says_so() {
    let data = Data::new();
    let (some, all) = (data.usage(&["--filter", "model"]), data.usage(&[]));
    assert!(some.contains("\n\nof all rows, filtered or not:\nrouting "), "{some}");
    assert!(all.contains("\n\nrouting "), "{all}");
}

#[test]
fn a_dear_request_without_a_kept_text_says_what_it_was() {
    let report = Data::with_others().costs(CostGroup::Model);
    let prompts: Vec<&str> = report.dearest.iter().map(|dear| dear.prompt.as_str()).collect();
    assert_eq!(prompts[..3], ["compare", "chat, text not kept", "Contract 8"]);
    assert_eq!(prompt(Some(Origin::Ask), None), "ask, text not kept");
    assert_eq!(prompt(Some(Origin::Ping), None), "keep warm");
}

#[test]
fn a_chat_cannot_smuggle_a_formula_or_a_terminal_order_into_a_file() {
    let data = Data::new();
    for form in [TableForm::Csv, TableForm::Json] {
        let (_, text) = data.export(table(CostWindow::Today, CostGroup::Chat, form));
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.lines().all(|line| !line.starts_with('=')), "{text}");
    }
    let (_, csv) = data.export(table(CostWindow::Today, CostGroup::Chat, TableForm::Csv));
    assert!(csv.contains("\"'=HYPERLINK("), "{csv}");
}

#[test]
fn files_are_private_and_none_is_written_over() {
    let data = Data::new();
    let asked = || table(CostWindow::Today, CostGroup::Model, TableForm::Csv);
    let ((first, _), (second, _)) = (data.export(asked()), data.export(asked()));
    assert!(second.to_string_lossy().ends_with("-2.csv"), "{second:?}");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&first), mode(first.parent().unwrap())), (0o600, 0o700));
    let unknown = CostsTable { currency: "EUR".parse().unwrap(), ..asked() };
    let why = data.ask(Recall::ExportCosts(unknown)).unwrap_err();
    assert!(why.contains("config set currency.rates.EUR"), "{why}");
}

#[test]
fn a_file_that_cannot_be_made_is_told_with_what_to_do() {
    let data = Data::new();
    std::fs::write(data.setup.paths.data_dir.join("exports"), "in the way").unwrap();
    let asked = table(CostWindow::Today, CostGroup::Model, TableForm::Csv);
    let why = data.ask(Recall::ExportCosts(asked)).unwrap_err();
    assert!(why.starts_with("not written: ") && why.contains("exports"), "{why}");
}

#[test]
fn a_currency_without_a_rate_is_a_usage_error_that_says_how_to_give_it_one() {
    let data = Data::new();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        out: &mut out,
        err: &mut err,
        in_kind: Kind::Pipe,
        out_kind: Kind::Pipe,
        err_kind: Kind::Pipe,
    };
    let stop = usage::run(&usage_args(&["--currency", "JPY"]), &data.setup, &mut io).unwrap_err();
    let (exit, words) = stop.story();
    assert_eq!(exit, crate::cli::Exit::Usage);
    assert!(words.unwrap().contains("wheelhouse config set currency.rates.JPY RATE"));
}

#[test]
fn the_costs_of_an_untitled_chat_have_a_name_to_find_it_by() {
    let untitled = Total { session: Some(SessionId(Uuid::from_u128(7))), ..Total::default() };
    assert!(!row(&untitled).name.is_empty());
}

#[test]
fn a_title_makes_a_file_name_that_goes_nowhere_else() {
    assert_eq!(file_name("Why does ../../etc fail?"), "why-does-etc-fail");
    assert_eq!(file_name("路由器 怎么选"), "路由器-怎么选");
    assert_eq!(file_name("..."), "chat");
}

#[test]
fn a_chat_opened_again_has_its_answers_reasons_attempts_and_its_own_cost() {
    let data = Data::new();
    let chat = SessionId(Uuid::from_u128(2));
    let Ok(Recalled::Session(kept)) = data.ask(Recall::Open(chat)) else { panic!("not opened") };
    let answer = kept.turns[0].answers.last().unwrap();
    let decision = answer.decision.as_ref().unwrap();
    assert!(!decision.reason.is_empty() && decision.chosen().is_some());
    assert_eq!(answer.attempts.len(), 2, "one failed");
    assert_eq!((kept.cost.amount.pico(), answer.paid), (2_000_000_007, PaidIn::ThisChat));
    let copy = SessionId(Uuid::from_u128(77));
    let title = "fork".to_owned();
    data.ask(Recall::Fork { from: chat, to: copy, title, shown: None }).unwrap();
    let Ok(Recalled::Session(kept)) = data.ask(Recall::Open(copy)) else { panic!("not opened") };
    let answer = kept.turns[0].answers.last().unwrap();
    assert_eq!((kept.cost, answer.paid), (crate::domain::Cost::ZERO, PaidIn::Original));
    let Ok(Recalled::Why(entry)) = data.ask(Recall::Why(decision.request)) else {
        panic!("no why")
    };
    assert_eq!((&*entry.decision, entry.prompt.as_str()), (&**decision, "合同第七条"));
    assert_eq!(entry.outcome.as_ref().unwrap().cost.amount.pico(), 2_000_000_007);
}

#[test]
fn answers_to_one_question_come_in_turn_and_those_on_other_branches_without_words() {
    let data = Data::new();
    let ledger = data.setup.ledger().unwrap();
    let chat = SessionId(Uuid::from_u128(1));
    let open = || match data.ask(Recall::Open(chat)) {
        Ok(Recalled::Session(kept)) => kept,
        other => panic!("not opened: {other:?}"),
    };
    let keep = |turn: Turn| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ledger.end(turn.end())).unwrap();
        ledger.flush(Duration::from_secs(10)).unwrap();
    };
    let first = open();
    let message = Some(first.turns[0].id);
    keep(Turn { message, pico: 3, ..Turn::new(9, data.now, chat, "contract clause 7", "another") });
    let kept = open();
    let said: Vec<&str> = kept.turns[0].answers.iter().map(|a| a.text.as_str()).collect();
    assert_eq!(said, [first.turns[0].answers[0].text.as_str(), "another"]);
    assert!(kept.replaced.is_empty());
    assert_eq!(kept.cost.amount.pico(), 1_000_000_004);
    // Edited, the question is another, and both answers were paid all the same.
    keep(Turn { pico: 5, ..Turn::new(10, data.now, chat, "clause 8?", "edited") });
    let kept = open();
    assert_eq!((kept.turns.len(), kept.turns[0].text.as_str()), (1, "clause 8?"));
    assert_eq!(kept.replaced.len(), 2);
    assert!(kept.replaced.iter().all(|answer| answer.text.is_empty()));
    assert_eq!(kept.replaced[0].cost.amount.pico(), 1_000_000_001);
    // And the way before it is there to be read.
    assert_eq!(kept.branches, 1);
    let shown = kept.turns[0].id;
    let Ok(Recalled::Branches(ways)) = data.ask(Recall::Branches { id: chat, shown }) else {
        panic!("no branches")
    };
    let told: Vec<(&str, usize, bool)> =
        ways.iter().map(|way| (way.text.as_str(), way.messages, way.shown)).collect();
    assert_eq!(told, [("clause 8?", 2, true), ("contract clause 7", 3, false)]);
    // What is exported is the way on the screen; for programs all of it, with what each answer took.
    let shown = Some(first.turns[0].id);
    let export = |form| match data.ask(Recall::Export { id: chat, form, shown }) {
        Ok(Recalled::Done(told)) => {
            let path = told.trim_start_matches("written to ").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            text
        }
        other => panic!("not written: {other:?}"),
    };
    let text = export(ExportAs::Markdown);
    assert!(text.contains("another") && !text.contains("edited"), "{text}");
    assert!(text.contains("2 of 5 messages, the rest on other branches"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&export(ExportAs::Json)).unwrap();
    let took = |n: usize| value["messages"][n]["took"].clone();
    assert_eq!(
        (took(0), took(1)["cost_usd"].as_str()),
        (serde_json::Value::Null, Some("0.001000000001"))
    );
    assert_eq!(took(1)["usage"]["output"], 120);
    let spot = Spot::Message(ways[1].end);
    for spot in [spot, Spot::Answer(first.turns[0].answers[0].request)] {
        let Ok(Recalled::Session(before)) = data.ask(Recall::OpenAt(chat, spot)) else {
            panic!("not opened")
        };
        let said: Vec<&str> = before.turns[0].answers.iter().map(|a| a.text.as_str()).collect();
        assert_eq!(said, [first.turns[0].answers[0].text.as_str(), "another"], "{spot:?}");
        assert_eq!((before.replaced.len(), before.cost), (1, kept.cost));
    }
}

#[test]
fn what_was_stopped_before_its_first_word_is_there_with_what_it_cost() {
    let data = Data::new();
    let ledger = data.setup.ledger().unwrap();
    let chat = SessionId(Uuid::from_u128(1));
    let open = || match data.ask(Recall::Open(chat)) {
        Ok(Recalled::Session(kept)) => kept,
        other => panic!("not opened: {other:?}"),
    };
    let before = open();
    let message = Some(before.turns[0].id);
    let stopped = Turn {
        message,
        pico: 7,
        ..Turn::new(9, data.now + Duration::from_mins(1), chat, "contract clause 7", "")
    };
    let mut end = stopped.end();
    end.outcome.finish = Finish::Cancelled;
    let refused =
        Turn { message, pico: 0, ..Turn::new(10, data.now, chat, "contract clause 7", "") };
    let mut nobody = refused.end();
    nobody.outcome.finish = Finish::Error;
    nobody.attempts.clear();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ledger.end(end)).unwrap();
    runtime.block_on(ledger.end(nobody)).unwrap();
    ledger.flush(Duration::from_secs(10)).unwrap();
    let kept = open();
    let told: Vec<(&str, Option<Finish>, i64)> = kept.turns[0]
        .answers
        .iter()
        .map(|answer| (answer.text.as_str(), answer.finish, answer.cost.amount.pico()))
        .collect();
    let answer = before.turns[0].answers[0].text.as_str();
    assert_eq!(
        told,
        [(answer, Some(Finish::Stop), 1_000_000_001), ("", Some(Finish::Cancelled), 7)],
        "what nobody was asked is no answer"
    );
    assert_eq!(kept.turns[0].answers[1].attempts.len(), 1);
    assert!(kept.turns[0].answers[1].decision.is_some());
}

#[test]
fn an_answer_after_its_tools_were_called_is_that_of_the_question() {
    let data = Data::new();
    let ledger = data.setup.ledger().unwrap();
    let chat = SessionId(Uuid::from_u128(41));
    let mut end = Turn::new(11, data.now, chat, "what is the weather?", "It rains.").end();
    let mut begin = (*end.begin).clone();
    let call = Part::ToolCall {
        id: "call-1".to_owned(),
        name: "weather".to_owned(),
        arguments: "{}".to_owned(),
    };
    begin.request.messages = vec![
        Message::user("what is the weather?"),
        Message { role: Role::Assistant, parts: vec![call] },
        Message { role: Role::Tool, parts: vec![Part::Text { text: "rain".to_owned() }] },
    ];
    begin.request.place = None;
    end.begin = Arc::new(begin);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ledger.end(end)).unwrap();
    ledger.flush(Duration::from_secs(10)).unwrap();
    let Ok(Recalled::Session(kept)) = data.ask(Recall::Open(chat)) else { panic!("not opened") };
    let [turn] = &kept.turns[..] else { panic!("{:?}", kept.turns) };
    let said: Vec<&str> = turn.answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!((turn.text.as_str(), said), ("what is the weather?", vec!["It rains."]));
}

#[test]
fn where_a_chat_was_written_is_told_from_the_root() {
    let path = whole_path(PathBuf::from("a-chat.md"));
    assert_eq!(path, std::env::current_dir().unwrap().join("a-chat.md"));
    assert_eq!(whole_path(PathBuf::from("/x/a.md")), PathBuf::from("/x/a.md"));
}

#[test]
fn a_way_is_told_by_what_it_does_not_share_with_the_one_shown() {
    let long = "prove that 97 is prime and write a long report on it";
    let told = super::chats::from_where_it_differs;
    let other = "prove that 97 is prime and write a long letter on it".to_owned();
    assert_eq!(told(long, Some(&other)), "… long report on it");
    assert_eq!(told("and of Chile?", Some(&"and of Peru?".to_owned())), "and of Chile?");
    assert_eq!(told(long, None), long);
    // What was added may stand on a line of its own.
    let added = format!("{long}\n\nAlso in Chinese: 中文");
    assert_eq!(told(&added, Some(&long.to_owned())), "… it Also in Chinese: 中文");
    assert_eq!(told(long, Some(&added)), long);
    let (one, two) =
        ("请用三句话总结下面这段很长的文字一", "请用三句话总结下面这段很长的文字二".to_owned());
    assert_eq!(told(one, Some(&two)), one);
}

#[test]
fn a_chat_that_is_found_by_its_title_and_its_words_shows_where_they_were_said() {
    let data = Data::new();
    let lines = data.setup.keep().unwrap().read(|reader| found(reader, "contract clause")).unwrap();
    let hit = lines[0].hit.as_ref().unwrap();
    assert_eq!((lines.len(), hit.text.as_str()), (1, "contract clause 7"));
}
