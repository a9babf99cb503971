//! Streams that end oddly, begin again or hold nothing: what the reader has of them in the end, who
//! is named for it, and what it costs.

use std::time::Duration;

use wheelhouse::domain::{
    AttemptKind, Cost, Finish, Money, OutcomeClass, ReaderKind, ReplyEvent, Request,
};

use crate::rig::{answered_by, finish as finished};
use crate::scripted::{
    Server, Step, ask, done, end, engine, finish, first, head, leave, message, message_ends, only,
    overloaded, stops, text, thinking, usage, whole, words,
};

/// Breaks off in mid-sentence.
const HALF: &str = "Rivers begin in the hills. They gather water from many small streams and carry \
                    it down to the sea. On the way they ";

// ---- ends ------------------------------------------------------------------------------------

#[tokio::test]
async fn an_answer_whose_finish_was_read_is_whole_although_the_socket_stays_open() {
    let openai = Server::new(|_, _| {
        vec![head(), text(HALF), text("carve valleys."), finish("stop"), usage(20, 40), Step::Hold]
    })
    .await;
    let anthropic = Server::new(|_, _| {
        let said = [words(HALF), words("carve valleys."), stops("end_turn", 40)];
        [vec![head(), message()], said.to_vec(), vec![Step::Hold]].concat()
    })
    .await;
    let other = Server::new(|_, _| [vec![head(), text(" Lakes too.")], end(3).to_vec()].concat());
    let engine = engine(&format!(
        "{}{}{}",
        openai.config("a", "openai", "ma"),
        anthropic.config("b", "anthropic", "mb"),
        other.await.config("c", "openai", "mc")
    ));
    for model in ["ma", "mb"] {
        let started = std::time::Instant::now();
        let reply = ask(&engine, first(model)).await;
        assert!(started.elapsed() < Duration::from_secs(10), "it was waited for");
        assert_eq!(finished(&reply), Finish::Stop, "{model}: {:?}", reply.outcome);
        assert_eq!(reply.text, format!("{HALF}carve valleys."));
        assert_eq!((answered_by(&reply).as_str(), reply.attempts.len()), (model, 1));
        assert_eq!(reply.attempts[0].outcome, None, "{model} is charged with nothing");
        assert!(reply.outcome.unwrap().cost.exact, "{model}");
    }
}

#[tokio::test]
async fn usage_that_comes_a_moment_after_the_finish_is_still_read() {
    let late = Server::new(|_, _| {
        vec![head(), text("Fine."), finish("stop"), Step::Pause(300), usage(20, 7), done()]
    })
    .await;
    let engine = engine(&late.config("a", "openai", "ma"));
    let outcome = ask(&engine, only("ma")).await.outcome.unwrap();
    assert_eq!((outcome.usage.input, outcome.usage.output), (20, 7));
    assert!(outcome.cost.exact);
}

// ---- what it costs ---------------------------------------------------------------------------

/// 4,000 characters, about a thousand tokens, then nothing.
async fn long_and_silent() -> Server {
    Server::new(|_, _| {
        let said = vec![words("word and more words, "); 200];
        [vec![head(), message()], said, vec![Step::Hold]].concat()
    })
    .await
}

#[tokio::test]
async fn a_cut_answer_costs_what_streamed_whatever_was_told_at_its_beginning() {
    let server = long_and_silent().await;
    let limits = "[limits]\nbetween_tokens = \"500ms\"\n";
    let engine = engine(&format!("{limits}{}", server.config("a", "anthropic", "ma")));
    let reply = ask(&engine, only("ma")).await;
    let attempt = &reply.attempts[0];
    assert_eq!(attempt.outcome, Some(OutcomeClass::Stall));
    assert!(attempt.usage.output >= 1_000 && attempt.usage.estimated, "{:?}", attempt.usage);
    assert_eq!(attempt.usage.input, 25, "the prompt was counted at the beginning");
    assert!(!attempt.cost.exact && !reply.outcome.unwrap().cost.exact);
}

#[tokio::test]
async fn an_answer_its_reader_leaves_costs_what_streamed() {
    let server = long_and_silent().await;
    let engine = engine(&server.config("a", "anthropic", "ma"));
    let mut read = 0;
    let attempt = leave(&engine, only("ma"), |event| {
        if let ReplyEvent::Text(text) = event {
            read += text.len();
        }
        read >= 4_000
    })
    .await;
    assert_eq!(attempt.outcome, Some(OutcomeClass::Cancelled));
    assert!(attempt.usage.output >= 1_000 && attempt.usage.estimated, "{:?}", attempt.usage);
    assert!(!attempt.cost.exact);
}

#[tokio::test]
async fn a_whole_answer_of_one_token_is_billed_exactly() {
    let server = Server::new(|_, _| {
        vec![head(), message(), words("Yes"), stops("end_turn", 1), message_ends()]
    })
    .await;
    let engine = engine(&server.config("a", "anthropic", "ma"));
    let outcome = ask(&engine, only("ma")).await.outcome.unwrap();
    assert_eq!((outcome.usage.output, outcome.usage.estimated), (1, false));
    assert!(outcome.cost.exact);
}

#[tokio::test]
async fn a_callers_cap_holds_over_a_cut_answer_and_its_continuation() {
    let server = Server::new(|n, body| {
        let cap = body["max_tokens"].as_u64().unwrap();
        if n == 0 {
            return [vec![head(), message()], vec![words("word "); 80]].concat();
        }
        let more = vec![words("more "); usize::try_from(cap).unwrap()];
        let end = vec![stops("max_tokens", cap), message_ends()];
        [vec![head(), message()], more, end].concat()
    })
    .await;
    let engine = engine(&server.config("a", "anthropic", "ma"));
    let mut request = only("ma");
    request.params.max_tokens = Some(100);
    let reply = ask(&engine, request).await;
    assert_eq!(finished(&reply), Finish::Length, "{:?}", reply.outcome);
    let tokens = reply.text.split_whitespace().count();
    assert!((80..=100).contains(&tokens), "{tokens} tokens for a cap of 100");
}

// ---- what comes late -------------------------------------------------------------------------

#[tokio::test]
async fn a_message_that_begins_again_has_its_first_token_waited_for_again() {
    let server = Server::new(|_, _| {
        let void = vec![head(), message(), words("Void. "), Step::Pause(1_400), message()];
        let said = vec![Step::Pause(100), words("It stands."), stops("end_turn", 3)];
        [void, said, vec![message_ends()]].concat()
    })
    .await;
    let limits = "[limits]\nfirst_token = \"1s\"\n";
    let engine = engine(&format!("{limits}{}", server.config("a", "anthropic", "ma")));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!((reply.text.as_str(), reply.attempts.len()), ("It stands.", 1));
}

#[tokio::test]
async fn what_was_sent_and_met_silence_is_not_free_for_sure() {
    let server = Server::new(|_, _| vec![Step::Hold]).await;
    let limits = "[limits]\nfirst_token = \"300ms\"\n";
    let engine = engine(&format!("{limits}{}", server.config("a", "openai", "ma")));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Stall));
    let (usage, cost) = (reply.attempts[0].usage, reply.attempts[0].cost);
    assert!(usage.input > 0 && usage.estimated, "{usage:?}");
    assert!(cost.amount > Money::ZERO && !cost.exact, "{cost:?}");
    assert_eq!(reply.outcome.unwrap().cost, cost);
}

#[tokio::test]
async fn what_nobody_took_is_free_for_sure() {
    let server = Server::new(|_, _| overloaded()).await;
    let engine = engine(&server.config("a", "openai", "ma"));
    let outcome = ask(&engine, only("ma")).await.outcome.unwrap();
    assert_eq!(outcome.cost, Cost::ZERO);
}

#[tokio::test]
async fn an_answer_that_comes_whole_need_not_be_there_by_the_first_token() {
    let body = r#"{"choices":[{"message":{"content":"Fine."},"finish_reason":"stop"}]}"#;
    let server = Server::new(move |_, _| {
        let Some(Step::Put(all)) = whole("200 OK", body).pop() else { unreachable!() };
        let (start, rest) = all.split_at(all.len() - body.len() / 2);
        let put = |text: &str| Step::Put(text.to_owned());
        vec![put(start), Step::Pause(800), put(rest)]
    })
    .await;
    let limits = "[limits]\nfirst_token = \"300ms\"\n";
    let engine = engine(&format!("{limits}{}", server.config("a", "openai", "ma")));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!((reply.text.as_str(), reply.attempts.len()), ("Fine.", 1));
}

// ---- going on --------------------------------------------------------------------------------

/// Cut in its first answer; in the second the message begins again after a word.
async fn begins_again_while_going_on() -> Server {
    Server::new(|n, _| {
        let begun = vec![head(), message()];
        if n == 0 {
            return [begun, vec![words(HALF)]].concat();
        }
        let void = vec![words("carve "), message()];
        let said = vec![words("carve deep valleys."), stops("end_turn", 20), message_ends()];
        [begun, void, said].concat()
    })
    .await
}

#[tokio::test]
async fn a_continuation_that_begins_again_takes_back_only_what_it_added() {
    let server = begins_again_while_going_on().await;
    let engine = engine(&server.config("a", "anthropic", "ma"));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(reply.text, format!("{HALF}carve deep valleys."));
    assert_eq!(reply.attempts.len(), 2);
    let seams: Vec<u64> = reply.seams.iter().map(|seam| seam.at_char).collect();
    assert_eq!(seams, [HALF.len() as u64]);
}

#[tokio::test]
async fn a_reader_that_cannot_take_text_back_keeps_all_of_it_when_a_continuation_begins_again() {
    let server = begins_again_while_going_on().await;
    let engine = engine(&server.config("a", "anthropic", "ma"));
    let mut request = only("ma");
    request.reader = ReaderKind::AppendOnly;
    let reply = ask(&engine, request).await;
    assert_eq!(finished(&reply), Finish::Truncated, "{:?}", reply.outcome);
    assert_eq!(reply.text, format!("{HALF}carve "));
}

#[tokio::test]
async fn the_answer_names_the_model_that_gave_it_and_not_the_one_asked_last() {
    let cut = Server::new(|n, _| if n == 0 { vec![head(), text(HALF)] } else { overloaded() });
    let down = Server::new(|_, _| overloaded()).await;
    let engine = engine(&format!(
        "{}{}",
        cut.await.config("a", "openai", "ma"),
        down.config("b", "openai", "mb")
    ));
    let reply = ask(&engine, first("ma")).await;
    assert!(down.calls() > 0);
    let outcome = reply.outcome.as_ref().unwrap();
    assert_eq!((outcome.finish, reply.text.as_str()), (Finish::Truncated, HALF));
    assert_eq!((answered_by(&reply).as_str(), outcome.model_id.as_deref()), ("ma", Some("ma")));
    assert_eq!(outcome.provider.as_ref().unwrap().as_str(), "a");
}

#[tokio::test]
async fn the_thinking_before_a_new_answer_is_kept_and_the_old_answer_until_then() {
    let server = Server::new(|n, _| {
        if n == 0 {
            return vec![head(), text("Short.")];
        }
        let thought = vec![head(), thinking("let me "), thinking("think"), text("Long ago.")];
        [thought, end(9).to_vec()].concat()
    })
    .await;
    let engine = engine(&server.config("a", "openai", "ma"));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!((reply.text.as_str(), reply.reasoning.as_str()), ("Long ago.", "let me think"));
    let server = Server::new(|n, _| match n {
        0 => vec![head(), text("Short.")],
        _ => vec![head(), thinking("let me think")],
    })
    .await;
    let engine = self::engine(&server.config("a", "openai", "ma"));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!((finished(&reply), reply.text.as_str()), (Finish::Truncated, "Short."));
}

// ---- what holds nothing ----------------------------------------------------------------------

#[tokio::test]
async fn blanks_and_an_end_for_tools_that_were_never_called_are_no_answers() {
    for nothing in [
        vec![text("\n"), text("\n "), finish("stop"), usage(20, 2), done()],
        vec![finish("tool_calls"), usage(20, 2), done()],
    ] {
        let server = Server::new(move |_, _| [vec![head()], nothing.clone()].concat()).await;
        let alone = engine(&server.config("a", "openai", "ma"));
        let reply = ask(&alone, only("ma")).await;
        assert_eq!(finished(&reply), Finish::Error, "{:?}", reply.outcome);
        assert_eq!(reply.outcome.unwrap().error.unwrap().code, "empty");
        assert_eq!((reply.text.as_str(), reply.attempts.len()), ("", 2), "once more, changed");
        let other = Server::new(|_, _| [vec![head(), text("Fine.")], end(2).to_vec()].concat());
        let other = other.await.config("b", "openai", "mb");
        let both = engine(&format!("{}{other}", server.config("a", "openai", "ma")));
        let reply = ask(&both, first("ma")).await;
        assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
        assert_eq!((reply.text.as_str(), answered_by(&reply).as_str()), ("Fine.", "mb"));
    }
}

#[tokio::test]
async fn blanks_before_the_first_word_are_kept_with_it() {
    let server = Server::new(|_, _| {
        [vec![head(), text("\n"), text("    indented")], end(2).to_vec()].concat()
    })
    .await;
    let engine = engine(&server.config("a", "openai", "ma"));
    assert_eq!(ask(&engine, only("ma")).await.text, "\n    indented");
}

fn repeatable(model: &str) -> Request {
    let mut request = only(model);
    (request.params.temperature, request.params.seed) = (Some(0.0), Some(1));
    request
}

#[tokio::test]
async fn nothing_to_add_to_a_cut_answer_does_not_make_it_whole() {
    for cut in [HALF, "Rivers begin in the hills. They carry it all down to the sea. "] {
        let server = Server::new(move |n, _| match n {
            0 => vec![head(), text(cut)],
            _ => [vec![head()], end(0).to_vec()].concat(),
        })
        .await;
        let alone = engine(&server.config("a", "openai", "ma"));
        let reply = ask(&alone, repeatable("ma")).await;
        assert_eq!(finished(&reply), Finish::Truncated, "{:?}", reply.outcome);
        assert_eq!(reply.text, cut);
        assert!(reply.verdict.is_some_and(|verdict| verdict.truncated));
        let again = ask(&alone, repeatable("ma")).await;
        assert_eq!(again.outcome.unwrap().cached, None, "it was kept as whole");
    }
}

#[tokio::test]
async fn a_continuation_that_only_repeats_the_end_adds_nothing_either() {
    let server = Server::new(|n, _| {
        let again = vec![head(), text("carry it down to the sea. On the way they ")];
        if n == 0 { vec![head(), text(HALF)] } else { [again, end(9).to_vec()].concat() }
    })
    .await;
    let engine = engine(&server.config("a", "openai", "ma"));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!((finished(&reply), reply.text.as_str()), (Finish::Truncated, HALF));
}

#[tokio::test]
async fn another_model_goes_on_where_one_had_nothing_to_add() {
    let cut = Server::new(|_, _| vec![head(), text(HALF)]).await;
    let mute = Server::new(|_, _| [vec![head()], end(0).to_vec()].concat()).await;
    let good = Server::new(|_, _| [vec![head(), text("carve.")], end(2).to_vec()].concat()).await;
    let engine = engine(&format!(
        "{}{}{}",
        cut.config("a", "openai", "ma"),
        mute.config("b", "openai", "mb"),
        good.config("c", "openai", "mc")
    ));
    let reply = ask(&engine, first("ma")).await;
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(reply.text, format!("{HALF}carve."));
    assert_eq!(answered_by(&reply), "mc");
}

#[tokio::test]
async fn nothing_to_add_to_an_answer_we_alone_doubted_settles_the_doubt() {
    const DOUBTFUL: &str = "Rivers are long. They begin in the hills. Some of them **carry sand to";
    let server = Server::new(|n, _| match n {
        0 => [vec![head(), text(DOUBTFUL)], end(20).to_vec()].concat(),
        _ => [vec![head()], end(0).to_vec()].concat(),
    })
    .await;
    let engine = engine(&server.config("a", "openai", "ma"));
    let reply = ask(&engine, only("ma")).await;
    assert_eq!((finished(&reply), server.calls()), (Finish::Stop, 2), "{:?}", reply.outcome);
    assert_eq!(reply.text, DOUBTFUL);
    assert!(reply.verdict.is_some_and(|verdict| !verdict.truncated));
}

#[tokio::test]
async fn who_lost_a_race_goes_on_when_the_winner_breaks() {
    let slow = Server::new(|n, _| match n {
        // As many as it takes to know what is usual: until then nobody is raced.
        0..=4 => [vec![head(), Step::Pause(320), text("Fine.")], end(9).to_vec()].concat(),
        5 => vec![head(), Step::Pause(1_500), text(HALF), Step::Hold],
        _ => overloaded(),
    })
    .await;
    let other = Server::new(|n, _| match n {
        0 => [vec![head(), Step::Pause(6_000), text("Late.")], end(9).to_vec()].concat(),
        _ => [vec![head(), text("carve.")], end(9).to_vec()].concat(),
    })
    .await;
    let engine = engine(&format!(
        "[hedge]\nwhen = \"slow\"\nmax_share = 1.0\nmax_per_hour = 1.0\n\
         [limits]\nbetween_tokens = \"1s\"\n{}{}",
        slow.config("a", "openai", "ma"),
        other.config("b", "openai", "mb")
    ));
    for _ in 0..5 {
        assert_eq!(ask(&engine, first("ma")).await.attempts.len(), 1);
    }
    let reply = ask(&engine, first("ma")).await;
    assert_eq!(reply.attempts[0].kind, AttemptKind::Hedge, "{:?}", reply.attempts);
    assert_eq!(finished(&reply), Finish::Stop, "{:?}", reply.outcome);
    assert_eq!(reply.text, format!("{HALF}carve."));
    assert_eq!(answered_by(&reply), "mb");
}
