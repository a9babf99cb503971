//! Whole answers are not suspected; cut ones are, with what was seen.

use super::*;

fn ended(text: &str) -> Ended<'_> {
    Ended {
        finish: Finish::Stop,
        raw: "stop",
        text,
        tool_calls: &[],
        usage: None,
        cap: 1000,
        window: 8000,
        stops: Stops::None,
        wants: Wants::Text,
    }
}

fn used(input: u64, output: u64) -> Usage {
    Usage { input, output, ..Usage::default() }
}

const WHOLE: &[&str] = &[
    "Lima.",
    "Lima",
    "It is a map. It is linear in the number of words.",
    "Three ways:\n\n- clone it\n- keep an index\n- end the borrow",
    "## Title\n\nText. More text.\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "Use it:\n\n```rust\nfn main() {}\n```",
    "```sh\ndf -h | sort",
    "In der Not frisst der Teufel Fliegen. Das sagt man so. Sonst nichts!",
    "借用检查器拒绝它。先结束借用。然后再写入。",
    "The moon rose. The sea lay still.\nA gull cried out\nAnd was gone\nAnd the sea lay still",
    "See https://example.com/a_(b). It says so. The rest is here: https://example.com/c",
    "The price is 3 * 4. That is 12. Yours, **truly**",
    "1. First. Do it.\n2. Then stop. Now",
    "",
];

#[test]
fn whole_answers_are_not_suspected() {
    for text in WHOLE {
        let verdict = judge(&ended(text));
        assert!(!verdict.truncated, "{text:?}: {:?}", verdict.evidence);
    }
}

/// Answers a real model ended by itself, one JSON text a line.
const REAL: &str = include_str!("../../tests/fixtures/answers/smollm2.jsonl");

#[test]
fn fewer_than_one_whole_answer_of_a_real_model_in_two_hundred_is_suspected() {
    let answers = || REAL.lines().map(|line| serde_json::from_str::<String>(line).unwrap());
    let alarms: Vec<_> = answers()
        .filter_map(|text| {
            let verdict = judge(&ended(&text));
            verdict.truncated.then_some((verdict.evidence, text))
        })
        .collect();
    assert!(alarms.len() * 200 < answers().count(), "{alarms:#?}");
}

#[test]
fn a_finish_reason_that_says_so_is_enough_and_keeps_the_providers_word() {
    let verdict = judge(&Ended { finish: Finish::Length, raw: "model_length", ..ended("Half a") });
    assert!(verdict.truncated);
    assert_eq!(verdict.confidence, 1.0);
    assert_eq!(verdict.evidence[0], Evidence::FinishReason("model_length".to_owned()));
}

#[test]
fn where_the_model_was_done_one_piece_of_evidence_is_shown_and_not_acted_on() {
    let prose = "It is a map. It counts words. The next step is to take the longest";
    let verdict = judge(&ended(prose));
    assert_eq!(verdict.evidence, [Evidence::MidSentence]);
    assert!(!verdict.truncated && verdict.confidence > 0.0);
    let full = judge(&Ended { usage: Some(used(10, 1000)), ..ended("It is done. Really.") });
    assert_eq!(full.evidence, [Evidence::AtCap]);
    assert!(!full.truncated);
}

#[test]
fn two_independent_pieces_are_enough() {
    let prose = "It is a map. It counts words. The next step is to take the longest";
    let capped = judge(&Ended { usage: Some(used(10, 1000)), ..ended(prose) });
    assert!(capped.truncated && capped.confidence >= 0.9);
    let code = "So:\n\n```rust\nfn main() {\n    let first = v[0]";
    let verdict = judge(&ended(code));
    assert_eq!(verdict.evidence, [Evidence::OpenFence, Evidence::MidCode]);
    assert!(verdict.truncated);
    let marked = "It is a map. It counts. The smallest fix is **to end the borrow";
    assert!(judge(&ended(marked)).truncated);
    let window = judge(&Ended { usage: Some(used(7000, 1000)), cap: 4000, ..ended(prose) });
    assert!(window.truncated && window.evidence.contains(&Evidence::WindowFull));
}

#[test]
fn code_of_several_lines_does_not_end_within_a_word_in_any_language() {
    let cut = "```python\ndef add(a, b):\n    return a";
    let verdict = judge(&ended(cut));
    assert_eq!(verdict.evidence, [Evidence::OpenFence, Evidence::MidCode]);
    assert!(verdict.truncated);
    // A model that was done left the mark off, or has too many of them before its last sentence.
    for whole in [
        "```sh\ngit status",
        "```python\ndef add(a, b):\n    return a + b\n",
        "```\n4\n```\n```\n\nIt prints 4, which is the sum of 2 and 2.",
    ] {
        assert!(!judge(&ended(whole)).truncated, "{whole}");
    }
}

#[test]
fn an_estimate_of_our_own_is_no_evidence() {
    let usage = Usage { estimated: true, ..used(7000, 2000) };
    assert!(judge(&Ended { usage: Some(usage), ..ended("All done. Yes.") }).evidence.is_empty());
}

#[test]
fn after_a_stop_text_nothing_is_acted_on() {
    let code = "```rust\nfn main() {\n    let first = v[0]";
    assert!(!judge(&Ended { stops: Stops::Possible, ..ended(code) }).truncated);
}

#[test]
fn json_that_was_asked_for_either_ends_or_does_not() {
    let json = |text| judge(&Ended { wants: Wants::Json, ..ended(text) });
    assert!(json("{\"a\": [1, 2").truncated);
    assert!(json("{\"a\": \"half a wo").truncated);
    assert!(!json("{\"a\": [1, 2]}").truncated);
    assert!(!json("{\"a\": oops}").truncated, "wrong is not cut");
    assert!(json("```json\n{\"a\": [1,").truncated);
}

#[test]
fn a_cut_tool_call_is_never_taken_for_whole() {
    let call = |arguments: &str| ToolCallParts {
        arguments: arguments.to_owned(),
        ..ToolCallParts::default()
    };
    let cut = [call("{\"path\": \"/tm")];
    let verdict = judge(&Ended { finish: Finish::ToolCalls, tool_calls: &cut, ..ended("") });
    assert!(verdict.truncated);
    let whole = [call("{\"path\": \"/tmp\"}"), call("")];
    let verdict = judge(&Ended { finish: Finish::ToolCalls, tool_calls: &whole, ..ended("") });
    assert!(!verdict.truncated);
}

#[test]
fn fences_are_matched_as_markdown_matches_them() {
    assert_eq!(open_fence("a\n```\nx\n```\nb"), None);
    assert_eq!(open_fence("a\n````\n```\nx\n````\nb"), None);
    assert_eq!(open_fence("a\n```sh\nx"), Some(Code { language: "sh", text: "x" }));
    assert_eq!(open_fence("a ``` b ``` c"), None);
    assert_eq!(open_fence("~~~\n```\n"), Some(Code { language: "", text: "```\n" }));
}

#[test]
fn a_statement_is_known_to_be_open_where_its_language_ends_them_with_a_mark() {
    let open = |text| judge(&ended(text)).truncated;
    assert!(open("So:\n```rust\nlet mut v = vec"));
    assert!(open("So:\n```python\nx = f(1) +"));
    assert!(!open("So:\n```python\nreturn x"), "a whole answer that forgot its fence");
    assert!(!open("So:\n```rust\nlet x = 1;"));
    assert!(!open("So:\n```rust\n// and so on"));
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    assert!(!inside_brackets("let a = \"(\"; // {\n"));
    assert!(!inside_brackets("print('it(') # [\n"), "closed on its line either way");
    assert!(inside_brackets("fn main() {\n    let x = f(1);\n"));
}
