//! Chats that were kept: asking the ledger, and taking in what it answers.

use super::super::fixture::{self, Console};
use super::texts;
use crate::console::app::{
    Cell, Effect, KeptAnswer, KeptSession, KeptTurn, Msg, Overlay, PaidIn, Recall, Recalled,
    SessionLine, View,
};
use crate::domain::{Cost, Finish, MessageId, RequestId, SessionId, Usage};
use crate::engine::Command;

pub(super) fn id(n: u128) -> SessionId {
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
    pub(super) fn recalls(&self) -> Vec<Recall> {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::Recall(asked) => Some(asked.clone()),
            _ => None,
        });
        asked.collect()
    }

    pub(super) fn answers(&mut self, asked: Recall, answer: Recalled) -> &mut Self {
        self.send(Msg::Recalled { asked, answer: Ok(answer) })
    }
}

pub(super) fn kept(finish: Option<Finish>) -> KeptSession {
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
        cache_note: None,
        seams: Vec::new(),
        verdict: None,
        attempts: Vec::new(),
        decision: None,
        paid: PaidIn::ThisChat,
        problem: None,
    };
    KeptSession {
        id: id(1),
        title: "an old chat".to_owned(),
        system: Some("be brief".to_owned()),
        system_for: crate::domain::Audience::Anybody,
        cost: Cost::ZERO,
        replaced: Vec::new(),
        branches: 0,
        turns: vec![KeptTurn {
            id: MessageId(uuid::Uuid::from_u128(8)),
            at: crate::domain::UnixMs(1),
            text: "an old question".to_owned(),
            model: None,
            tags: Vec::new(),
            heard: crate::domain::Heard::Sent,
            answers: vec![answer],
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
        ..base.turns[0].answers[0].clone()
    };
    let turn = KeptTurn { answers: vec![answer], ..base.turns[0].clone() };
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
fn a_chat_that_is_opened_has_what_was_spent_in_it_read() {
    let mut console = Console::ready();
    let told = |console: &Console| {
        let opened = |effect: &Effect| matches!(effect, Effect::Command(Command::Opened(which)) if *which == id(1));
        console.effects.iter().filter(|effect| opened(effect)).count()
    };
    assert_eq!(told(&console), 0);
    let session = kept(Some(Finish::Stop));
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    assert_eq!(told(&console), 1);
}

#[test]
fn a_stopped_reply_stands_above_its_retry_when_it_is_opened_again() {
    let mut console = talked();
    let mut session = as_kept(&console, "0");
    let turn = &mut session.turns[0];
    turn.model = Some("mini".into());
    turn.text = "one #eu".to_owned();
    let stopped = KeptAnswer { finish: Some(Finish::Cancelled), ..turn.answers[0].clone() };
    turn.answers.insert(0, stopped);
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    let cells = &console.state.transcript.cells;
    let [Cell::User(user), Cell::Reply(first), Cell::Reply(second)] = &cells[..] else {
        panic!("{cells:?}")
    };
    assert_eq!((first.answers, second.answers), (0, 0));
    assert_eq!(first.saved, None, "half an answer is compared with nothing");
    assert!(second.saved.is_some());
    assert_eq!(
        (user.model.as_ref(), user.draft.chip.as_ref()),
        (Some(&"mini".into()), user.model.as_ref())
    );
    assert_eq!(user.tags, ["eu"]);
    assert_eq!(console.state.transcript.sums().messages, 3);
}

#[test]
fn a_run_says_once_that_the_one_before_ended_in_the_middle_of_an_answer() {
    let mut console = Console::ready();
    let asked = Recall::Sessions { query: String::new() };
    let cut = SessionLine { interrupted: true, ..line(7, "a long one") };
    let lines = vec![line(1, "an old chat"), cut];
    console.answers(asked.clone(), Recalled::Sessions(lines.clone()));
    assert!(console.note().contains("cut off") && console.note().contains("\"a long one\""));
    let cells = console.state.transcript.cells.len();
    console.answers(asked, Recalled::Sessions(lines));
    assert_eq!(console.state.transcript.cells.len(), cells);
}

#[test]
fn an_answer_the_program_did_not_live_to_end_claims_no_time() {
    let mut console = Console::ready();
    let mut session = kept(None);
    let answer = &mut session.turns[0].answers[0];
    (answer.wait_ms, answer.ttft_ms, answer.total_ms) = (None, None, 0);
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    assert!(console.state.last_reply().unwrap().1.cut_off());
    // One that failed in an instant is something else.
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(kept(Some(Finish::Error)))));
    assert!(!console.state.last_reply().unwrap().1.cut_off());
}

#[test]
fn what_was_replaced_or_failed_was_spent_in_the_chat_all_the_same() {
    let mut console = talked();
    let saved = console.state.transcript.sums().spent.saved;
    let mut session = as_kept(&console, "0.25");
    let other = session.turns[0].answers[0].clone();
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
    if let Some(answer) = copy.turns[0].answers.first_mut() {
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
    if let Some(answer) = session.turns[0].answers.first_mut() {
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

/// Costs by chat: a row for chat 1, and the dearest requests of chats 1 and none.
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
fn code_blocks_of_a_chat_opened_again_are_numbered_through() {
    let mut console = listed();
    console.keys("enter");
    let mut session = kept(Some(Finish::Stop));
    session.turns[0].answers[0].text = "```\none\n```\nand\n```\ntwo\n```\n".to_owned();
    session.turns.push(session.turns[0].clone());
    console.answers(Recall::Open(id(1)), Recalled::Session(Box::new(session)));
    let replies = console.state.transcript.cells.iter().filter_map(|cell| match cell {
        Cell::Reply(reply) => Some(reply.block_label(0)),
        _ => None,
    });
    assert_eq!(replies.collect::<Vec<_>>(), [1, 3]);
    console.keys("ctrl-u").text("more").keys("enter");
    assert_eq!(console.state.last_reply().unwrap().1.first_block, 4);
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
fn a_list_that_opens_with_what_it_held_before_begins_at_what_is_newest_now() {
    let mut console = listed();
    console.keys("esc").keys("ctrl-s");
    let all = || Recall::Sessions { query: String::new() };
    let Some(Overlay::Sessions(list)) = &console.state.overlay else { panic!("no list") };
    assert!(list.items.is_some(), "nobody waits for it");
    let newer = || vec![line(3, "newer"), line(1, "an old chat"), line(2, "another")];
    console.answers(all(), Recalled::Sessions(newer()));
    console.keys("enter");
    assert_eq!(console.recalls().last(), Some(&Recall::Open(id(3))));
    // Who has moved stays where he is.
    let mut console = listed();
    console.keys("esc").keys("ctrl-s").keys("down");
    console.answers(all(), Recalled::Sessions(newer()));
    console.keys("enter");
    assert_eq!(console.recalls().last(), Some(&Recall::Open(id(2))));
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
    let Some(Recall::Fork { from, to, title, shown }) =
        asked.iter().find(|asked| matches!(asked, Recall::Fork { .. }))
    else {
        panic!("not copied: {asked:?}")
    };
    assert_eq!((*from, *to, title.as_str()), (before, console.state.session, "fork: one"));
    let (fork, to) =
        (Recall::Fork { from: *from, to: *to, title: title.clone(), shown: *shown }, *to);
    console.answers(fork, Recalled::Done("copied".to_owned()));
    let last = console.recalls().into_iter().rev().find(|asked| matches!(asked, Recall::Open(_)));
    assert_eq!(last, Some(Recall::Open(to)), "the copy's messages have ids of their own");
}

#[test]
fn a_replay_takes_a_policy_and_a_span_in_either_order_and_a_week_where_none_is_said() {
    let week = 7 * 86_400;
    for (line, seconds) in [
        ("/replay cheapest", week),
        ("/replay 30d cheapest", 30 * 86_400),
        ("/replay cheapest 12h", 12 * 3_600),
    ] {
        let mut console = Console::ready();
        console.text(line).keys("esc enter");
        let Some(Recall::Replay { policy, since }) = console.recalls().pop() else {
            panic!("{line}: {}", console.toast())
        };
        assert_eq!(policy, "cheapest");
        assert_eq!(since.until(console.state.now).as_secs(), seconds, "{line}");
    }
    for wrong in ["/replay", "/replay 7d", "/replay 7d 8d", "/replay cheapest fastest"] {
        let mut console = Console::ready();
        console.text(wrong).keys("esc enter");
        assert!(console.toast().contains("/replay POLICY"), "{wrong}: {}", console.toast());
    }
}
