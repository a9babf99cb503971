//! Streams that end oddly, begin again or hold nothing: what the reader has of them in the end, who
//! is named for it, and what it costs.

use std::time::Duration;

use wheelhouse::domain::Finish;

use crate::rig::{answered_by, finish as finished};
use crate::scripted::{
    Server, Step, ask, done, end, engine, finish, first, head, message, only, stops, text, usage,
    words,
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
