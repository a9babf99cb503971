//! False alarms: whole answers must not be taken for cut ones, because each alarm costs a second
//! answer.

use wheelhouse::domain::{Finish, Route};

use crate::rig::{Rig, finish, request};

/// Whole answers asked for.
const ANSWERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn fewer_than_one_whole_answer_in_two_hundred_is_suspected() {
    let rig = Rig::new().await;
    let models: Vec<String> =
        rig.engine.snapshot().config.models.keys().map(ToString::to_string).collect();
    // The phrases that lead to each of the fleet's written replies.
    let index = include_str!("../../assets/sim/replies/index.toml");
    let topics: Vec<&str> = index
        .lines()
        .filter_map(|line| line.strip_prefix("strong = [")?.strip_suffix(']'))
        .flat_map(|list| list.split(", ").map(|phrase| phrase.trim_matches('"')))
        .collect();
    let (mut alarms, mut asked) = (Vec::new(), 0);
    'all: for topic in &topics {
        for model in &models {
            if asked == ANSWERS {
                break 'all;
            }
            asked += 1;
            let mut ask = request(topic);
            ask.route = Route::Only(model.as_str().into());
            let (reply, ..) = rig.ask(ask).await;
            assert_eq!(finish(&reply), Finish::Stop, "{model}: {topic}");
            if reply.attempts.len() > 1 || reply.verdict.as_ref().is_some_and(|v| v.truncated) {
                alarms.push(format!("{model}: {topic}: {:?}", reply.verdict));
            }
        }
    }
    assert_eq!(asked, ANSWERS);
    println!("{} false alarms in {asked} whole answers", alarms.len());
    assert!(alarms.len() * 200 < asked, "{alarms:#?}");
}
