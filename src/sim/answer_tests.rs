//! Tests of what the simulated models answer.

use super::*;
use crate::sim::habits;

fn ask(body: &Value) -> Ask {
    Ask::read(body.to_string().as_bytes()).unwrap()
}

fn user(text: &str) -> Ask {
    ask(&json!({"model":"m","messages":[{"role":"user","content":text}]}))
}

fn model(id: &str) -> (ModelHabits, Continuing) {
    let fleet = habits::shipped().unwrap();
    let provider = fleet.into_iter().find(|provider| provider.find(id).is_some()).unwrap();
    (provider.find(id).unwrap().clone(), provider.continuing)
}

fn say_as(id: &str, ask: &Ask) -> Answer {
    let (model, continuing) = model(id);
    answer(ask, &model, continuing)
}

const BORROW: &str = "Why does the borrow checker refuse v.push(4) in Rust?";

#[test]
fn dearer_models_say_more_and_begin_with_what_the_cheaper_ones_say() {
    let ask = user(BORROW);
    let brief = say_as("sim-haiku", &ask).text;
    let usual = say_as("sim-qwen-plus", &ask).text;
    let full = say_as("sim-sonnet", &ask).text;
    assert!(usual.starts_with(&brief) && full.starts_with(&usual));
    assert!(brief.len() < usual.len() && usual.len() < full.len());
    assert!(say_as("sim-tiny-135m", &ask).text.len() < brief.len());
}

#[test]
fn a_closing_word_comes_only_behind_longer_answers_without_a_form_of_their_own() {
    let closed = |prompt: &str| say_as("sim-gpt-4o", &user(prompt)).text.ends_with('?');
    assert!(closed(BORROW));
    assert!(!closed("What is the capital of Australia?"));
    assert!(!closed("Extract the incidents from these logs as JSON"));
}

#[test]
fn a_thinking_model_thinks_unless_told_not_to() {
    let mut ask = user(BORROW);
    assert!(!say_as("sim-deepseek-pro", &ask).reasoning.is_empty());
    assert!(say_as("sim-deepseek-flash", &ask).reasoning.is_empty());
    ask.think = Some(false);
    assert!(say_as("sim-deepseek-pro", &ask).reasoning.is_empty());
    ask.think = Some(true);
    assert!(!say_as("sim-deepseek-flash", &ask).reasoning.is_empty());
    assert!(say_as("sim-haiku", &ask).reasoning.is_empty());
}

#[test]
fn anything_else_gets_an_answer_that_restates_it() {
    let english = say_as("sim-gpt-4o", &user("How deep is the Mariana trench?")).text;
    assert!(english.contains("How deep is the Mariana trench?"), "{english}");
    let chinese = say_as("sim-qwen-plus", &user("马里亚纳海沟有多深？")).text;
    assert!(chinese.contains("马里亚纳海沟有多深？") && chinese.contains("模拟"), "{chinese}");
    let code = say_as("sim-codestral", &user("Please implement a frobnicator function")).text;
    assert!(code.contains("```"), "{code}");
    assert!(!say_as("sim-gpt-4o", &user("")).text.is_empty());
}

#[test]
fn a_prompt_for_n_tokens_gets_exactly_n() {
    for n in [1, 7, 399, 400, 5_000] {
        let said = say_as("sim-deepseek-flash", &user(&format!("sim:tokens={n}")));
        assert_eq!((said.output_tokens(), said.ends), (n, Ends::Stop));
    }
}

#[test]
fn test_prompts_give_what_they_name() {
    assert_eq!(say_as("sim-haiku", &user("sim:echo  a\nb ")).text, " a\nb ");
    let escape = say_as("sim-haiku", &user("sim:escape")).text;
    for evil in ["\u{1b}]52;c;", "\u{202e}", "\u{9b}", "\u{7f}", "\u{0}"] {
        assert!(escape.contains(evil), "{evil:?}");
    }
    assert!(say_as("sim-haiku", &user("sim:cjk")).text.contains("宽字符"));
    assert!(say_as("sim-haiku", &user("sim:topic=sql")).text.contains("ROW_NUMBER"));
}

#[test]
fn a_cap_ends_the_answer_with_length_and_a_stop_text_before_itself() {
    let mut ask = user("sim:tokens=100");
    ask.cap = Some(40);
    let said = say_as("sim-gpt-4o", &ask);
    assert_eq!((said.output_tokens(), said.ends), (40, Ends::Length));
    let mut ask = user("sim:echo one two END three");
    ask.stops = vec!["END".to_owned()];
    let said = say_as("sim-gpt-4o", &ask);
    assert_eq!((&*said.text, said.ends), ("one two ", Ends::StopText("END".to_owned())));
}

#[test]
fn the_conversation_before_the_newest_message_counts_as_cached_in_blocks() {
    let long = "word ".repeat(200);
    let said = say_as(
        "sim-deepseek-flash",
        &ask(&json!({"model":"m","messages":[{"role":"user","content":long},
            {"role":"assistant","content":"yes"},{"role":"user","content":"and now?"}]})),
    );
    assert!(said.cached_tokens > 0 && said.cached_tokens.is_multiple_of(CACHE_BLOCK));
    assert!(said.cached_tokens < said.prompt_tokens);
    assert_eq!(say_as("sim-deepseek-flash", &user(&long)).cached_tokens, 0);
}

#[test]
fn a_partial_answer_is_continued_where_it_stopped_by_those_who_can() {
    let whole = say_as("sim-sonnet", &user(BORROW)).text;
    let cut = whole.char_indices().nth(300).unwrap().0;
    let (written, rest) = whole.split_at(cut);
    let resumed = |id: &str, mark: Option<&str>| {
        let mut last = json!({"role":"assistant","content":written});
        if let Some(mark) = mark {
            last[mark] = json!(true);
        }
        say_as(id, &ask(&json!({"model":"m","messages":[{"role":"user","content":BORROW}, last]})))
            .text
    };
    assert_eq!(resumed("sim-deepseek-pro", Some("prefix")), rest);
    let usual = resumed("sim-qwen-plus", Some("partial"));
    assert!(!usual.is_empty() && rest.starts_with(&usual), "it goes on to its own end");
    assert_eq!(resumed("sim-tiny-135m", None), rest);
    let repeated = resumed("sim-mistral-small", Some("prefix"));
    assert!(repeated.starts_with(written) && whole.starts_with(&repeated), "it repeats the prefix");
    assert!(resumed("sim-gpt-4o", None).starts_with(written), "it starts over");
}

#[test]
fn a_partial_answer_is_continued_when_told_so_in_words() {
    let whole = say_as("sim-sonnet", &user(BORROW)).text;
    let (written, rest) = whole.split_at(whole.char_indices().nth(300).unwrap().0);
    let ask = ask(&json!({"model":"m","messages":[{"role":"user","content":BORROW},
        {"role":"assistant","content":written},
        {"role":"user","content":"Continue exactly where you stopped. Repeat nothing."}]}));
    assert_eq!(say_as("sim-sonnet", &ask).text, rest);
}

#[test]
fn the_end_of_a_partial_answer_is_found_though_its_beginning_differs() {
    let whole = "Alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu.";
    let written = "Of course! epsilon zeta eta theta iota";
    assert_eq!(rest_of(whole, written), " kappa lambda mu.");
    assert_eq!(rest_of("one\n\ntwo\n\nthree", "xyz"), "\n\ntwo\n\nthree");
}

#[test]
fn a_tool_is_called_when_it_must_be_and_its_result_is_told() {
    let tools = json!([{"type":"function","function":{"name":"weather","parameters":
        {"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}}}}]);
    let said = say_as(
        "sim-gpt-4o",
        &ask(&json!({"model":"m","tools":tools,"tool_choice":"required",
            "messages":[{"role":"user","content":"Weather in Porto?"}]})),
    );
    let (name, arguments) = said.tool.unwrap();
    assert_eq!((&*name, said.ends), ("weather", Ends::Tool));
    let arguments: Value = serde_json::from_str(&arguments).unwrap();
    assert_eq!(arguments, json!({"city":"Weather in Porto?","days":1}));
    let told = say_as(
        "sim-gpt-4o",
        &ask(&json!({"model":"m","tools":tools,"messages":[{"role":"user","content":"?"},
            {"role":"assistant","content":null},{"role":"tool","content":"22 degrees"}]})),
    );
    assert!(told.text.contains("22 degrees"));
}

#[test]
fn a_short_message_that_names_no_topic_is_about_the_one_before() {
    let ask = ask(&json!({"model":"m","messages":[{"role":"user","content":BORROW},
        {"role":"assistant","content":"…"},{"role":"user","content":"And otherwise?"}]}));
    assert!(say_as("sim-gpt-4o", &ask).text.contains("Two other ways"));
}

#[test]
fn another_question_is_not_answered_with_more_on_the_last_one() {
    let talk = |next: &str| {
        ask(&json!({"model":"m","messages":[
            {"role":"user","content":"What is the capital of Australia?"},
            {"role":"assistant","content":"Canberra."},
            {"role":"user","content":next}]}))
    };
    let say = |next: &str| say_as("sim-haiku", &talk(next)).text;
    assert!(say("Why there?").contains("Sydney and Melbourne"));
    assert!(!say("What is the capital of Peru?").contains("Sydney"));
}
