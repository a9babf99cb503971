//! Tests of the simulated fleet's scripts.

use super::*;
use crate::sim::answer::Ends;
use crate::sim::habits;

fn provider(name: &str) -> ProviderHabits {
    habits::shipped().unwrap().into_iter().find(|p| p.name == name).unwrap()
}

fn told(name: &str, text: &str, warmth: Warmth, fault: Option<Fault>) -> Vec<Step> {
    let provider = provider(name);
    let frames = Frames::of(&provider.frames).unwrap();
    let mut chance = Chance::new(1, &[text]);
    let timing = timing(&provider, &provider.model[0], warmth, &mut chance);
    let answer = Answer {
        reasoning: String::new(),
        text: text.to_owned(),
        tool: None,
        ends: Ends::Stop,
        prompt_tokens: 1,
        cached_tokens: 0,
    };
    let values = Values::default();
    let telling = Telling { frames, values, answer, timing, chance, usage: true, fault };
    // A stream of comments has no end.
    Script::new(&provider, telling).take(500).collect()
}

fn text_of(steps: &[Step]) -> String {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Chunk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
        .collect()
}

const WORDS: &str = "one two three four five six seven eight nine ten";

#[test]
fn a_stream_has_a_head_its_frames_and_an_end() {
    let steps = told("sim-openai", WORDS, Warmth::Warm, None);
    let text = text_of(&steps);
    assert!(steps.contains(&Step::Head) && steps.last() == Some(&Step::End));
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains("\"choices\":[],\"usage\""));
    assert_eq!(text.matches("\"content\":\"").count(), 11);
}

#[test]
fn a_cold_server_says_that_it_lives_and_a_warm_one_does_not() {
    let cold = told("sim-deepseek", WORDS, Warmth::Cold, None);
    let warm = told("sim-deepseek", WORDS, Warmth::Warm, None);
    assert!(text_of(&cold).matches(": keep-alive").count() >= 3);
    assert_eq!(text_of(&warm).matches(": keep-alive").count(), 0);
}

#[test]
fn cold_first_tokens_are_seconds_slower_and_tepid_ones_hardly() {
    let provider = provider("sim-deepseek");
    let first_ms = |warmth| {
        let times = timing(&provider, &provider.model[0], warmth, &mut Chance::new(3, &["x"]));
        times.first.as_millis()
    };
    let (cold, tepid) = (first_ms(Warmth::Cold), first_ms(Warmth::Tepid));
    let warm = first_ms(Warmth::Warm);
    assert!((2499..=5001).contains(&(cold - warm)) && tepid - warm < 1000);
}

#[test]
fn a_cut_comes_after_exactly_so_many_tokens() {
    for (how, last) in
        [(Cut::Reset, Step::Reset), (Cut::Close, Step::Close), (Cut::CleanEnd, Step::End)]
    {
        let steps = told("sim-mistral", WORDS, Warmth::Warm, Some(Fault::Cut { after: 4, how }));
        let text = text_of(&steps);
        assert_eq!(steps.last(), Some(&last));
        assert!(text.contains("one two three four\"") && !text.contains("five"), "{text}");
        assert!(!text.contains("[DONE]"));
    }
    let fault = Fault::Cut { after: 4, how: Cut::MidChunk };
    let steps = told("sim-mistral", WORDS, Warmth::Warm, Some(fault));
    assert!(matches!(steps.last(), Some(Step::HalfChunk(_))));
}

#[test]
fn a_fault_after_more_tokens_than_there_are_strikes_before_the_end() {
    let steps = told("sim-openai", WORDS, Warmth::Warm, Some(Fault::Stall { after: 9999 }));
    assert_eq!(steps.last(), Some(&Step::Hang));
    assert!(text_of(&steps).contains("ten") && !text_of(&steps).contains("[DONE]"));
}

#[test]
fn an_open_end_has_everything_but_the_end_marker_and_hangs() {
    for (name, last) in [("sim-openai", "\"usage\""), ("sim-anthropic", "message_delta")] {
        let steps = told(name, WORDS, Warmth::Warm, Some(Fault::OpenEnd));
        assert_eq!(steps.last(), Some(&Step::Hang));
        let text = text_of(&steps);
        assert!(text.contains("ten") && text.contains(last), "{text}");
        assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{text}");
    }
}

#[test]
fn what_only_disturbs_the_stream_lets_it_go_on() {
    for fault in [
        Fault::Malformed { after: 3 },
        Fault::GiantLine { after: 3, bytes: 9_000 },
        Fault::BadUtf8 { after: 3 },
    ] {
        let plain = text_of(&told("sim-openai", WORDS, Warmth::Warm, None));
        let steps = told("sim-openai", WORDS, Warmth::Warm, Some(fault.clone()));
        assert_eq!(steps.last(), Some(&Step::End), "{fault:?}");
        let text = text_of(&steps);
        assert!(text.len() > plain.len() && text.ends_with("data: [DONE]\n\n"), "{fault:?}");
    }
}

#[test]
fn comments_only_never_end() {
    let steps = told("sim-openrouter", WORDS, Warmth::Warm, Some(Fault::CommentsOnly));
    assert_eq!(steps.len(), 500);
    assert!(!text_of(&steps).contains("data:"));
}

#[test]
fn silence_after_the_headers_is_silence() {
    let steps = told("sim-openai", WORDS, Warmth::Warm, Some(Fault::HeadersThenSilence));
    assert_eq!(&steps[1..], [Step::Head, Step::Hang]);
}
