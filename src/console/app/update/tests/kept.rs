//! Costs and chats that were kept: asking the ledger, and taking in what it answers.

use super::super::fixture::Console;
use super::texts;
use crate::console::app::{
    CostGroup, CostReport, CostWindow, Effect, KeptAnswer, KeptSession, KeptTurn, Msg, Overlay,
    Recall, Recalled, SessionLine, View,
};
use crate::domain::{Cost, Finish, MessageId, RequestId, SessionId, Usage};

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
    };
    KeptSession {
        id: id(1),
        title: "an old chat".to_owned(),
        system: Some("be brief".to_owned()),
        turns: vec![KeptTurn {
            id: MessageId(uuid::Uuid::from_u128(8)),
            at: crate::domain::UnixMs(1),
            text: "an old question".to_owned(),
            answer: Some(answer),
        }],
    }
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
