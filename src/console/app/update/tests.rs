//! What the console does, key by key.

use std::sync::Arc;

use super::fixture::{Console, START, snapshot};
use crate::console::app::{
    AppState, Cell, Copied, DecideFor, Decided, Detection, Effect, EnginePhase, Focus, FoundKey,
    FoundProvider, FoundServer, Msg, Overlay, QueuePhase, RouteMark, Scroll, Size, Stage,
    StartPlan, View,
};
use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Cost, Finish, Message, ModelName, OutcomeClass,
    OverrideKind, PinScope, ReplyEvent, Route, Stamps, Usage,
};

fn texts(state: &AppState) -> Vec<String> {
    state
        .transcript
        .cells
        .iter()
        .map(|cell| match cell {
            Cell::User(user) => format!("you: {}", user.text),
            Cell::Reply(reply) => format!("reply: {}", reply.reply.text),
            Cell::Note(note) => format!("note: {}", note.text),
        })
        .collect()
}

// Sending.

#[test]
fn enter_sends_the_draft_and_empties_it() {
    let mut console = Console::ready();
    console.text("why?").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.sent()[0].last_user_text(), "why?");
    assert!(console.state.composer.is_empty());
    assert_eq!(texts(&console.state), ["you: why?", "reply: "]);
    assert_eq!(console.state.title, "why?");
}

#[test]
fn enter_on_nothing_sends_nothing() {
    let mut console = Console::ready();
    console.keys("enter").text("  ").keys("enter");
    assert!(console.sent().is_empty());
}

#[test]
fn new_lines_do_not_send() {
    let mut console = Console::ready();
    console.text("one").keys("ctrl-j").text("two").keys("alt-enter").text("three\\").keys("enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "one\ntwo\nthree\n");
}

#[test]
fn a_paste_of_many_lines_never_sends() {
    let mut console = Console::ready();
    console.send(Msg::Paste("one\ntwo\n".into()));
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "one\ntwo\n");
    console.send(Msg::Paste("x\n".repeat(212))).keys("enter");
    assert_eq!(console.sent()[0].last_user_text().lines().count(), 214);
}

#[test]
fn what_is_sent_before_the_engine_runs_goes_when_it_does() {
    let mut console = Console::starting();
    console.text("early").keys("enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.queue.len(), 1);
    console.send(Msg::EngineReady(Arc::new(snapshot())));
    assert_eq!(console.sent()[0].last_user_text(), "early");
}

#[test]
fn an_engine_that_did_not_start_keeps_the_draft() {
    let mut console = Console::starting();
    console.send(Msg::EngineFailed("no runtime".into())).text("hello").keys("enter");
    assert_eq!(console.state.composer.text(), "hello");
    assert!(console.toast().contains("no runtime"));
    assert_eq!(console.state.engine, EnginePhase::Failed("no runtime".into()));
}

#[test]
fn the_conversation_goes_with_the_next_message() {
    let mut console = Console::ready();
    console.exchange("one", "first answer").text("two").keys("enter");
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one", "first answer", "two"]);
}

#[test]
fn a_question_nobody_answered_is_joined_with_the_next() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").end(Finish::Error);
    console.text("two").keys("enter");
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one\n\ntwo"]);
}

#[test]
fn tags_and_policy_words_are_read_from_the_message() {
    let mut console = Console::ready();
    console.text("summarise #private :floor").keys("enter");
    let request = console.sent()[0];
    assert_eq!(request.tags, ["private"]);
    assert_eq!(request.policy.as_deref(), Some("cheapest"));
    assert_eq!(request.last_user_text(), "summarise #private");
}

#[test]
fn testing_nothing_in_the_log_begins_a_test_and_sends_nothing() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("ctrl-x 2 t").text("prove it").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert!(
        matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.prompt == "prove it")
    );
}

#[test]
fn a_stopped_reply_counts_what_came() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream(&"word ".repeat(100)).keys("esc");
    let (_, reply) = console.state.last_reply().unwrap();
    let outcome = reply.reply.outcome.as_ref().unwrap();
    assert!(outcome.usage.output > 50 && outcome.usage.estimated, "{:?}", outcome.usage);
    assert!(outcome.cost.amount.pico() > 0 && !outcome.cost.exact);
}

// The queue.

#[test]
fn enter_while_a_reply_streams_queues_and_the_queue_goes_by_itself() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("a");
    console.text("two").keys("enter").text("three").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue.len(), 2);
    console.end(Finish::Stop);
    assert_eq!(console.sent()[1].last_user_text(), "two");
    assert_eq!(console.state.queue.len(), 1);
}

#[test]
fn a_stopped_reply_holds_the_queue_until_enter() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    console.text("two").keys("enter").keys("esc");
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue_phase, QueuePhase::Held);
    console.wait(2_000).keys("enter");
    assert_eq!(console.sent()[1].last_user_text(), "two");
}

#[test]
fn a_failed_reply_holds_the_queue() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter");
    console.end(Finish::Error);
    assert_eq!(console.sent().len(), 1);
    assert_eq!(console.state.queue_phase, QueuePhase::Held);
}

#[test]
fn esc_esc_takes_the_queue_back() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("two").keys("enter");
    console.keys("esc esc");
    assert_eq!(console.state.composer.text(), "two");
    assert!(console.state.queue.is_empty());
    assert_eq!(console.sent().len(), 1);
}

// Stopping.

#[test]
fn esc_stops_the_reply_and_keeps_its_text() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half an answ").keys("esc");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::Cancel(_))));
    let (_, reply) = console.state.last_reply().unwrap();
    assert!(reply.stopped && !reply.phase.running());
    assert_eq!(reply.reply.text, "half an answ");
    assert_eq!(reply.reply.outcome.as_ref().unwrap().finish, Finish::Cancelled);
}

#[test]
fn what_arrives_after_a_stop_is_dropped() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    let request = console.state.running().unwrap().1.request;
    console
        .keys("esc")
        .send(Msg::Reply { request, events: vec![ReplyEvent::Text(" more".into())] });
    console.send(Msg::ReplyClosed(request));
    assert_eq!(console.state.last_reply().unwrap().1.reply.text, "half");
}

#[test]
fn esc_when_idle_goes_to_read_mode_and_back() {
    let mut console = Console::ready();
    console.exchange("one", "answer").keys("esc");
    assert_eq!(console.state.focus, Focus::Read);
    console.wait(1_000).text("x");
    assert!(console.state.composer.is_empty(), "letters never land in the draft");
    console.keys("esc");
    assert_eq!(console.state.focus, Focus::Composer);
}

#[test]
fn esc_esc_when_idle_offers_messages_to_go_back_to() {
    let mut console = Console::ready();
    console.exchange("one", "answer").exchange("two", "answer").keys("esc esc");
    let Some(Overlay::Rewind(rewind)) = &console.state.overlay else { panic!("no list") };
    assert_eq!(rewind.items, [2, 0]);
    console.keys("down enter");
    assert_eq!(console.state.composer.text(), "one");
    assert_eq!(console.state.editing, Some(0));
}

#[test]
fn ctrl_c_stops_then_clears_then_quits() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("draft");
    console.keys("ctrl-c");
    assert!(console.state.running().is_none());
    assert_eq!(console.state.composer.text(), "draft");
    console.keys("ctrl-c");
    assert!(console.state.composer.is_empty() && !console.state.quitting);
    console.keys("ctrl-c");
    assert!(!console.state.quitting);
    assert!(console.toast().contains("again"));
    console.keys("ctrl-c");
    assert!(console.state.quitting);
}

#[test]
fn a_draft_that_ctrl_c_cleared_comes_back_with_up() {
    let mut console = Console::ready();
    console.text("precious").keys("ctrl-c up");
    assert_eq!(console.state.composer.text(), "precious");
}

#[test]
fn the_second_ctrl_c_must_come_within_two_seconds() {
    let mut console = Console::ready();
    console.keys("ctrl-c").wait(2_001).keys("ctrl-c");
    assert!(!console.state.quitting);
}

#[test]
fn another_key_between_the_two_disarms_them() {
    let mut console = Console::ready();
    console.keys("ctrl-c").text("a").keys("backspace ctrl-c");
    assert!(!console.state.quitting);
}

#[test]
fn ctrl_d_quits_only_when_the_draft_is_empty() {
    let mut console = Console::ready();
    console.text("ab").keys("left ctrl-d");
    assert_eq!(console.state.composer.text(), "a");
    console.keys("backspace ctrl-d");
    assert!(console.state.quitting);
}

#[test]
fn ctrl_c_closes_what_lies_over_the_view_first() {
    let mut console = Console::ready();
    console.text("draft").keys("ctrl-p ctrl-c");
    assert!(console.state.overlay.is_none());
    assert_eq!(console.state.composer.text(), "draft");
}

// Editing and retrying.

#[test]
fn up_at_the_top_brings_back_earlier_prompts_and_down_the_draft() {
    let mut console = Console::ready();
    console.exchange("first", "a").exchange("second", "b").text("begun").keys("up up");
    assert_eq!(console.state.composer.text(), "first");
    console.keys("down down");
    assert_eq!(console.state.composer.text(), "begun");
}

#[test]
fn ctrl_r_finds_an_earlier_prompt() {
    let mut console = Console::ready();
    console.exchange("about borrow", "a").exchange("about lifetimes", "b");
    console.keys("ctrl-r").text("borr").keys("enter");
    assert_eq!(console.state.composer.text(), "about borrow");
    assert!(console.state.overlay.is_none());
}

#[test]
fn retry_asks_the_last_message_again_in_place() {
    let mut console = Console::ready();
    console.exchange("one", "bad answer").text("/retry").keys("enter");
    assert_eq!(console.sent().len(), 2);
    let messages: Vec<String> = console.sent()[1].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one"], "the answer that is replaced is not sent along");
    assert_eq!(texts(&console.state), ["you: one", "reply: bad answer", "reply: "]);
    console.routed("mini").stream("good answer").end(Finish::Stop).text("two").keys("enter");
    let messages: Vec<String> = console.sent()[2].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one", "good answer", "two"]);
}

#[test]
fn retry_with_a_model_names_it() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("/retry opus").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Prefer("opus".into()));
}

#[test]
fn retry_waits_for_no_running_reply() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").text("/retry").keys("enter");
    assert_eq!(console.sent().len(), 1);
    assert!(console.toast().contains("Esc"));
}

#[test]
fn editing_a_message_cuts_what_came_after_once_it_is_sent() {
    let mut console = Console::ready();
    console.exchange("one", "a").exchange("two", "b").keys("esc").wait(1_000);
    console.keys("K K K e");
    assert_eq!(console.state.editing, Some(0));
    assert_eq!(console.state.transcript.cells.len(), 4, "nothing is cut before it is sent");
    console.text("!").keys("enter");
    assert_eq!(texts(&console.state), ["you: one!", "reply: "]);
    let messages: Vec<String> = console.sent()[2].messages.iter().map(Message::plain).collect();
    assert_eq!(messages, ["one!"]);
}

#[test]
fn esc_gives_up_editing_and_cuts_nothing() {
    let mut console = Console::ready();
    console.exchange("one", "a").text("/edit").keys("enter esc");
    assert_eq!(console.state.editing, None);
    assert!(console.state.composer.is_empty());
    assert_eq!(console.state.transcript.cells.len(), 2);
}

// Overrides.

#[test]
fn an_accepted_offer_becomes_a_chip_and_text_alone_never_does() {
    let mut console = Console::ready();
    console.text("ask @op");
    assert!(console.state.completion.is_some());
    console.keys("tab");
    assert_eq!(console.state.composer.chip, Some("opus".into()));
    assert_eq!(console.state.composer.text(), "ask ");
    console.text("it").keys("enter");
    assert_eq!(console.sent()[0].route, Route::Prefer("opus".into()));
    assert_eq!(console.state.composer.chip, None, "for one message only");
    console.routed("opus").end(Finish::Stop).text("mail me@opus please @opus x").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Auto);
}

#[test]
fn the_picker_names_a_model_for_this_message() {
    let mut console = Console::ready();
    console.text("hard one").keys("ctrl-o").text("opu").keys("enter");
    assert_eq!(console.state.composer.chip, Some("opus".into()));
    assert_eq!(console.state.composer.text(), "hard one");
    assert!(console.commands().is_empty());
}

#[test]
fn the_picker_filters_by_price_and_place() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-o").text("free local");
    let Some(Overlay::Picker(picker)) = &console.state.overlay else { panic!("no picker") };
    assert_eq!(picker.hits.len(), 1);
    console.keys("ctrl-u").text("<$1");
    let Some(Overlay::Picker(picker)) = &console.state.overlay else { panic!("no picker") };
    assert_eq!(picker.hits.len(), 2);
}

#[test]
fn the_pickers_scopes_pin_for_longer() {
    for (tabs, expected) in [(1, "Session"), (2, "until: Some"), (3, "scope: All")] {
        let mut console = Console::ready();
        console.text("x").keys("ctrl-o").text("opus");
        for _ in 0..tabs {
            console.keys("tab");
        }
        console.keys("enter");
        let commands = console.commands();
        assert!(commands[0].contains(expected), "{commands:?}");
        assert_eq!(console.state.composer.chip, None);
    }
}

#[test]
fn with_an_empty_draft_the_picker_sends_the_last_prompt_again() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("ctrl-o").text("opus").keys("enter");
    assert_eq!(console.sent()[1].route, Route::Prefer("opus".into()));
    assert_eq!(console.sent()[1].last_user_text(), "one");
}

#[test]
fn back_to_auto_takes_the_chip_and_the_pins() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-o").text("opus").keys("enter ctrl-x a");
    assert_eq!(console.state.composer.chip, None);
    assert!(console.commands()[0].starts_with("Unpin"));
}

#[test]
fn f2_cycles_through_models_used_lately_and_auto() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("f2");
    assert_eq!(console.state.composer.chip, Some("mini".into()));
    console.keys("f2");
    assert_eq!(console.state.composer.chip, None);
}

#[test]
fn the_last_override_can_be_taken_back() {
    let mut console = Console::ready();
    console.text("/avoid anthropic 1h").keys("enter ctrl-x u");
    let commands = console.commands();
    assert!(
        commands[0].starts_with("Avoid") && commands[1] == "Allow(\"anthropic\")",
        "{commands:?}"
    );
}

// Commands.

#[test]
fn an_unknown_command_is_never_sent_and_the_draft_stays() {
    let mut console = Console::ready();
    console.text("/frobnicate now").keys("esc enter");
    assert!(console.sent().is_empty());
    assert_eq!(console.state.composer.text(), "/frobnicate now");
    assert!(console.toast().contains("/frobnicate"));
}

#[test]
fn two_slashes_send_one() {
    let mut console = Console::ready();
    console.text("//usr/bin is what?").keys("enter");
    assert_eq!(console.sent()[0].last_user_text(), "/usr/bin is what?");
}

#[test]
fn use_sends_one_message_or_sets_the_chip() {
    let mut console = Console::ready();
    console.text("/use opus prove it").keys("enter");
    assert_eq!(console.sent()[0].route, Route::Prefer("opus".into()));
    assert_eq!(console.sent()[0].last_user_text(), "prove it");
    console.routed("opus").end(Finish::Stop).text("/use qwe").keys("esc enter");
    assert_eq!(console.state.composer.chip, Some("qwen".into()));
}

#[test]
fn a_policy_is_named_by_its_beginning() {
    let mut console = Console::ready();
    console.text("/policy che").keys("esc enter");
    assert_eq!(console.commands(), ["Policy(\"cheapest\")"]);
    console.text("/policy b").keys("esc enter");
    assert!(console.toast().contains("balanced, best"));
}

#[test]
fn enter_takes_the_offered_argument_and_runs_the_line() {
    let mut console = Console::ready();
    console.text("/policy che").keys("enter");
    assert_eq!(console.commands(), ["Policy(\"cheapest\")"]);
    assert!(console.state.composer.is_empty());
    console.text("/pin op").keys("enter");
    assert!(console.commands()[1].contains("opus"), "{:?}", console.commands());
    console.text("/panel").keys("enter");
    assert!(console.state.composer.is_empty());
}

#[test]
fn a_command_that_takes_something_waits_for_it() {
    let mut console = Console::ready();
    console.text("/pol").keys("enter");
    assert_eq!(console.state.composer.draft().text, "/policy ");
    assert!(console.commands().is_empty());
}

#[test]
fn pins_and_vetoes_are_told_to_the_engine_with_their_time() {
    let mut console = Console::ready();
    console.text("/pin opus 1h").keys("enter").text("/avoid qwen").keys("enter");
    let commands = console.commands();
    assert!(commands[0].contains(&format!("{}", START.0 + 3_600_000)), "{commands:?}");
    assert!(commands[1].contains("until: None"), "{commands:?}");
    console.text("/avoid nobody").keys("enter");
    assert!(console.toast().contains("nobody"));
}

#[test]
fn a_theme_is_put_on_live() {
    let mut console = Console::ready();
    console.text("/theme da").keys("esc enter");
    assert!(console.effects.iter().any(|e| matches!(e, Effect::SetTheme(name) if name == "dark")));
    console.send(Msg::ThemeSet(Ok("dark".into())));
    assert_eq!(console.state.looks.theme, "dark");
}

#[test]
fn tab_completes_commands_and_their_arguments() {
    let mut console = Console::ready();
    console.text("/pol").keys("tab");
    assert_eq!(console.state.composer.text(), "/policy ");
    console.text("fas").keys("tab enter");
    assert_eq!(console.commands(), ["Policy(\"fastest\")"]);
}

#[test]
fn enter_takes_the_offer_first_and_runs_the_whole_word() {
    let mut console = Console::ready();
    console.text("/auto").keys("enter");
    assert!(console.commands()[0].starts_with("Unpin"));
}

#[test]
fn testing_shows_the_route_and_sends_nothing() {
    let mut console = Console::ready();
    console.text("a hard question").keys("ctrl-t");
    assert!(console.sent().is_empty());
    assert!(matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.decision.is_none()));
    assert!(console.effects.iter().any(
        |e| matches!(e, Effect::Decide { purpose: DecideFor::Test, request } if request.last_user_text() == "a hard question")
    ));
    assert_eq!(console.state.composer.text(), "a hard question");
}

#[test]
fn a_system_prompt_goes_with_what_is_asked() {
    let mut console = Console::ready();
    console.text("/system be brief").keys("enter").text("why?").keys("enter");
    assert_eq!(console.sent()[0].system.as_deref(), Some("be brief"));
}

#[test]
fn a_new_chat_forgets_the_old_one() {
    let mut console = Console::ready();
    let before = console.state.session;
    console.exchange("one", "a").keys("ctrl-n").text("two").keys("enter");
    assert_ne!(console.state.session, before);
    assert_eq!(console.sent()[1].messages.len(), 1);
}

// Preview.

#[test]
fn the_preview_is_asked_for_after_typing_and_shown_for_that_draft() {
    let mut console = Console::ready();
    console.text("hi");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::SchedulePreview)));
    console.effects.clear();
    console.send(Msg::PreviewDue);
    let Some(Effect::Decide { purpose: DecideFor::Preview(draft), request }) =
        console.effects.first()
    else {
        panic!("not decided")
    };
    assert_eq!(
        (*draft, request.last_user_text().as_str()),
        (console.state.composer.revision(), "hi")
    );
}

#[test]
fn a_command_is_not_previewed() {
    let mut console = Console::ready();
    console.text("/policy").send(Msg::PreviewDue);
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::Decide { .. })));
}

#[test]
fn nothing_is_asked_for_while_nothing_happens() {
    let mut console = Console::ready();
    console.send(Msg::Tick);
    assert!(console.effects.is_empty(), "{:?}", console.effects);
}

// Replies.

#[test]
fn the_wait_ticks_until_the_first_text() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").wait(1_500);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!(reply.waited_ms(console.state.now), 1_500);
    assert!(matches!(console.effects.last(), Some(Effect::ScheduleTick(100))));
    console.stream("a").wait(1_000);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!(reply.waited_ms(console.state.now), 1_500);
}

fn failed(model: &str) -> AttemptReport {
    AttemptReport {
        id: AttemptId(uuid::Uuid::nil()),
        n: 1,
        model: model.into(),
        provider: "openai".into(),
        kind: AttemptKind::First,
        outcome: Some(OutcomeClass::Stall),
        status: None,
        started_ms: 0,
        waited_ms: 0,
        stamps: Stamps::default(),
        ms: 4_000,
        usage: Usage::default(),
        cost: Cost::ZERO,
        detail: "no byte in 4s".into(),
    }
}

#[test]
fn a_reply_that_fell_back_is_marked_and_its_lost_time_counted() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini");
    console.events(vec![
        ReplyEvent::AttemptEnded(Box::new(failed("mini"))),
        ReplyEvent::Attempt {
            n: 2,
            model: "qwen".into(),
            provider: "local".into(),
            kind: AttemptKind::Fallback,
            waited_ms: 0,
        },
    ]);
    console.stream("answer");
    let (_, reply) = console.state.running().unwrap();
    assert_eq!((reply.mark(), reply.lost_ms()), (RouteMark::FellBack, 4_000));
    console.end(Finish::Stop);
    assert_eq!(console.state.meters.fell_back, 1);
}

#[test]
fn a_restart_voids_the_text_and_says_so_to_the_layout() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    console.events(vec![ReplyEvent::Restart { why: "could not be joined".into() }]);
    let (_, reply) = console.state.running().unwrap();
    assert_eq!((reply.reply.text.as_str(), reply.restarts), ("", 1));
}

#[test]
fn savings_are_counted_against_the_dearest_that_would_have_fit() {
    let mut console = Console::ready();
    console.text("one").keys("enter");
    let request = console.state.running().unwrap().1.request;
    let decision = super::fixture::decision(request, &["mini", "opus"]);
    console.events(vec![ReplyEvent::Routed(Arc::new(decision))]).end(Finish::Stop);
    let (_, reply) = console.state.last_reply().unwrap();
    let saved = reply.saved.as_ref().unwrap();
    // 2,000 tokens at 15 dollars a million, less the 0.001 that was paid.
    assert_eq!((saved.versus.as_str(), saved.amount.to_string().as_str()), ("opus", "0.029"));
}

#[test]
fn agreement_counts_overrides_that_auto_would_have_made() {
    let mut console = Console::ready();
    for would in ["opus", "mini"] {
        console.text("x").keys("enter").routed_by_hand(
            "opus",
            OverrideKind {
                scope: PinScope::Message,
                model: Some("opus".into()),
                exclusive: false,
                would_be: Some(ModelName::from(would)),
            },
        );
        console.end(Finish::Stop);
    }
    assert_eq!((console.state.meters.overridden, console.state.meters.agreed), (2, 1));
}

#[test]
fn a_stream_that_breaks_off_without_an_end_is_over() {
    let mut console = Console::ready();
    console.text("one").keys("enter").routed("mini").stream("half");
    let request = console.state.running().unwrap().1.request;
    console.send(Msg::ReplyClosed(request));
    assert!(console.state.running().is_none());
}

// Scrolling and reading.

fn long(console: &mut Console) {
    let answer = "a line of its own\n".repeat(100);
    console.exchange("one", &answer);
}

#[test]
fn text_that_arrives_never_moves_what_is_read() {
    let mut console = Console::ready();
    long(&mut console);
    console.text("two").keys("enter").routed("mini").stream("a\nb\n").keys("pageup pageup");
    let rows = console.state.geometry().transcript_rows;
    let top = |c: &Console| c.state.transcript.scroll.top(&c.state.transcript.layout, rows);
    let before = top(&console);
    console.stream("c\nd\ne\n");
    assert_eq!(top(&console), before);
    assert_eq!(console.state.transcript.scroll.new_below(&console.state.transcript.layout), 3);
    console.keys("end");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn sending_follows_the_end_again() {
    let mut console = Console::ready();
    long(&mut console);
    console.keys("pageup").text("two").keys("enter");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn a_resize_keeps_the_cell_that_is_read() {
    let mut console = Console::ready();
    long(&mut console);
    long(&mut console);
    console.keys("home");
    console.keys("pagedown pagedown");
    let Scroll::Anchored { cell, line, .. } = console.state.transcript.scroll else { panic!() };
    console.send(Msg::Resize(Size { cols: 40, rows: 24 }));
    let Scroll::Anchored { cell: after, line: line_after, .. } = console.state.transcript.scroll
    else {
        panic!()
    };
    assert_eq!((cell, line), (after, line_after));
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::RefineLayout)));
}

#[test]
fn home_and_end_move_in_the_draft_when_there_is_one() {
    let mut console = Console::ready();
    long(&mut console);
    console.text("ab").keys("home").text("x");
    assert_eq!(console.state.composer.text(), "xab");
    assert_eq!(console.state.transcript.scroll, Scroll::Follow);
}

#[test]
fn find_walks_through_hits_round_and_round() {
    let mut console = Console::ready();
    console.exchange("one", "alpha\nbeta\nalpha again").keys("ctrl-f").text("alpha").keys("enter");
    let at = |c: &Console| c.state.transcript.find.as_ref().map(|find| (find.at, find.hits.len()));
    assert_eq!(at(&console), Some((0, 2)));
    console.keys("n n");
    assert_eq!(at(&console), Some((0, 2)));
    console.keys("N");
    assert_eq!(at(&console), Some((1, 2)));
    console.keys("esc");
    assert_eq!(console.state.transcript.find, None);
}

#[test]
fn messages_and_blocks_are_copied_by_number() {
    let mut console = Console::ready();
    console.exchange("one", "say\n```rust\nlet a = 1;\n```\n");
    console.exchange("two", "```\nfirst\n```\nand\n```\nsecond\n```");
    console.keys("esc").wait(1_000).keys("y 3 y 1 y y y a ctrl-x y");
    let copied = console.copied();
    assert_eq!(&copied[..2], ["second", "let a = 1;"]);
    assert!(copied[2].starts_with("```\nfirst"));
    assert!(copied[3].contains("**mini · openai**"));
    assert_eq!(copied.len(), 5);
    console.send(Msg::Copied(Copied::Terminal { bytes: 1_234 }));
    assert!(console.toast().contains("1.2 kB"));
}

#[test]
fn enter_on_a_reply_says_why_and_q_comes_back() {
    let mut console = Console::ready();
    console.exchange("one", "a").keys("esc").wait(1_000).keys("enter");
    assert_eq!((console.state.view, console.state.focus), (View::Routes, Focus::Detail));
    console.keys("q q");
    assert_eq!((console.state.view, console.state.focus), (View::Chat, Focus::Composer));
    assert!(!console.state.quitting);
}

#[test]
fn views_are_reached_by_digit_from_anywhere() {
    let mut console = Console::ready();
    console.text("1").keys("ctrl-x 2");
    assert_eq!(console.state.view, View::Routes);
    console.keys("1");
    assert_eq!((console.state.view, console.state.composer.text().as_str()), (View::Chat, "1"));
}

// Overlays.

#[test]
fn the_palette_runs_actions_and_begins_commands() {
    let mut console = Console::ready();
    console.keys("ctrl-p").text("policy fast").keys("enter");
    assert_eq!(console.commands(), ["Policy(\"fastest\")"]);
    console.keys("ctrl-p").text("/pin").keys("enter");
    assert_eq!(console.state.composer.text(), "/pin ");
    console.keys("ctrl-c ctrl-p").text("routes open log").keys("enter");
    assert_eq!(console.state.view, View::Routes);
}

#[test]
fn help_is_for_the_pane_and_its_lines_run() {
    let mut console = Console::ready();
    console.text("?");
    let Some(Overlay::Help(help)) = &console.state.overlay else { panic!("no help") };
    assert!(help.title.contains("composer"));
    assert!(help.items.iter().any(|item| item.keys.contains("^O")));
    console.text("/override").keys("enter");
    assert!(matches!(console.state.overlay, Some(Overlay::Picker(_))));
}

#[test]
fn a_question_mark_is_text_once_something_is_typed() {
    let mut console = Console::ready();
    console.text("why?");
    assert_eq!(console.state.composer.text(), "why?");
}

#[test]
fn a_first_key_that_leads_nowhere_does_nothing() {
    let mut console = Console::ready();
    console.keys("ctrl-x").text("€");
    assert!(console.state.composer.is_empty());
    console.text("a");
    assert_eq!(console.state.composer.text(), "a");
}

// The first screen.

fn found() -> Detection {
    Detection {
        servers: vec![FoundServer {
            name: "local".into(),
            label: "Ollama".into(),
            address: "127.0.0.1:11434".into(),
            models: 3,
        }],
        providers: ["openai", "anthropic"]
            .into_iter()
            .map(|name| FoundProvider {
                name: name.into(),
                label: name.into(),
                variable: format!("{}_API_KEY", name.to_uppercase()),
                key: if name == "openai" {
                    FoundKey::Present { variable: "OPENAI_API_KEY".into() }
                } else {
                    FoundKey::Missing
                },
            })
            .collect(),
    }
}

fn started(console: &Console) -> Option<StartPlan> {
    console.effects.iter().find_map(|effect| match effect {
        Effect::Start(plan) => Some(*plan),
        _ => None,
    })
}

#[test]
fn one_keypress_starts_with_what_was_found_and_writes_nothing() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::Found));
    assert_eq!(console.state.stage, Stage::Main);
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::WriteConfig(_))));
}

#[test]
fn esc_always_leads_to_a_working_demo() {
    let mut console = Console::first_run();
    console.keys("esc");
    assert_eq!(started(&console), Some(StartPlan::Demo));
    assert!(console.state.looks.simulated);
}

#[test]
fn with_nothing_found_enter_is_the_demo() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(Detection::default())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::Demo));
}

#[test]
fn the_file_is_shown_before_it_is_written() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("w");
    assert!(!console.effects.iter().any(|effect| matches!(effect, Effect::WriteConfig(_))));
    console.keys("v w");
    let written = console.effects.iter().find_map(|effect| match effect {
        Effect::WriteConfig(text) => Some(text.as_str()),
        _ => None,
    });
    assert!(written.unwrap().contains("env:OPENAI_API_KEY"));
    console.send(Msg::ConfigWritten(Err("config.toml is there already".into())));
    assert_eq!(
        console.state.first_run().unwrap().problem.as_deref(),
        Some("config.toml is there already")
    );
}

#[test]
fn a_key_pasted_for_this_run_is_kept_in_memory_and_nowhere_else() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("down down enter enter");
    console.send(Msg::Paste("sk-secret\n".into())).keys("enter");
    let kept = console.effects.iter().any(
        |effect| matches!(effect, Effect::KeepKey { variable, .. } if variable == "ANTHROPIC_API_KEY"),
    );
    assert!(kept);
    assert!(!format!("{:?}{:?}", console.effects, console.state).contains("sk-secret"));
    let first = console.state.first_run().unwrap();
    assert_eq!(first.names(), "local, openai and anthropic");
}

#[test]
fn looking_again_does_not_move_what_is_chosen() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("down").send(Msg::Detected(found())).keys("enter");
    assert_eq!(started(&console), Some(StartPlan::LocalOnly));
}

#[test]
fn the_budget_is_typed_in_its_field() {
    let mut console = Console::first_run();
    console.send(Msg::Detected(found())).keys("tab ctrl-u").text("5.50").keys("tab v w");
    let written = console.effects.iter().find_map(|effect| match effect {
        Effect::WriteConfig(text) => Some(text.clone()),
        _ => None,
    });
    assert!(written.unwrap().contains("limit = 5.50"));
}

#[test]
fn a_decision_for_the_test_card_lands_on_it() {
    let mut console = Console::ready();
    console.text("x").keys("ctrl-t");
    let decision =
        Arc::new(super::fixture::decision(crate::domain::RequestId(uuid::Uuid::nil()), &["mini"]));
    let input = Arc::new(super::fixture::input());
    console.send(Msg::Decided { purpose: DecideFor::Test, decided: Decided { decision, input } });
    assert!(matches!(&console.state.overlay, Some(Overlay::Test(card)) if card.decision.is_some()));
}
