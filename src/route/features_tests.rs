//! Tests of what is read off a request.

use uuid::Uuid;

use super::*;
use crate::domain::{Origin, ReaderKind, RequestId};

fn ask(text: &str) -> Request {
    Request::new(RequestId(Uuid::nil()), Origin::Chat, ReaderKind::Replaceable, text)
}

fn read(text: &str) -> RequestFeatures {
    features(&ask(text))
}

#[test]
fn the_kind_of_typical_prompts_is_told_in_many_languages() {
    use TaskKind::{Chat, Code, Extraction, Prose, Reasoning, Structured, Summary, Translation};
    let article =
        "The council met on Tuesday to discuss the new bridge over the river. ".repeat(20);
    let table: Vec<(String, TaskKind, &str)> = vec![
        ("What is the capital of Burkina Faso?".into(), Chat, "en"),
        ("hello, how are you?".into(), Chat, "en"),
        ("Write a Rust function that parses ISO dates without allocating.".into(), Code, "en"),
        ("Why does this borrow fail? `let x = &mut v;`".into(), Code, "en"),
        ("fix this:\n```python\ndef f(x):\n    return x+1\n```".into(), Code, "en"),
        ("What is wrong in src/main.rs line 10?".into(), Code, "en"),
        ("Write a short story about a lighthouse keeper.".into(), Prose, "en"),
        ("three names for a bakery".into(), Prose, "en"),
        ("Write a haiku for a wedding".into(), Prose, "en"),
        (format!("Summarise this in three bullets:\n{article}"), Summary, "en"),
        (format!("{article}\n\nTL;DR please"), Summary, "en"),
        (format!("Extract all the dates and people mentioned in the text:\n{article}"), Extraction, "en"),
        ("Prove that there are infinitely many primes of the form 4k+3.".into(), Reasoning, "en"),
        ("A train leaves at 3 pm at 60 miles per hour, another at 4 pm at 80. How many hours until they meet?".into(), Reasoning, "en"),
        ("Solve for x: $x^2 - 5x + 6 = 0$".into(), Reasoning, "en"),
        ("Return a JSON object with fields name, age and city for Ada Lovelace.".into(), Structured, "en"),
        ("Translate into Chinese: good morning, my friend".into(), Translation, "zh"),
        ("Translate to English: Wo ist der Bahnhof?".into(), Translation, "de"),
        ("法国的首都是哪里？".into(), Chat, "zh"),
        ("用Rust写一个函数，解析日期".into(), Code, "zh"),
        ("请总结下面这篇文章的要点".into(), Summary, "zh"),
        ("把下面这句话翻译成英文：今天天气很好".into(), Translation, "zh"),
        ("写一首关于秋天的诗".into(), Prose, "zh"),
        ("证明根号2是无理数".into(), Reasoning, "zh"),
        ("从下面的合同中提取所有日期和金额".into(), Extraction, "zh"),
        ("以JSON格式输出三个城市".into(), Structured, "zh"),
        ("日本の首都はどこですか？".into(), Chat, "ja"),
        ("Pythonで素数を求める関数を実装してください。コードだけで。".into(), Code, "ja"),
        ("次の文章を要約してください。".into(), Summary, "ja"),
        ("この文を英語に翻訳してください。".into(), Translation, "ja"),
        ("猫についての短い物語を書いて。".into(), Prose, "ja"),
        ("√2が無理数であることを証明してください。".into(), Reasoning, "ja"),
        ("Was ist die Hauptstadt von Burkina Faso?".into(), Chat, "de"),
        ("Schreibe eine Funktion in Python, die eine Liste sortiert.".into(), Code, "de"),
        ("Fasse den folgenden Text zusammen.".into(), Summary, "de"),
        ("Übersetze ins Englische: Wie geht es dir?".into(), Translation, "de"),
        ("Schreibe ein Gedicht über den Herbst.".into(), Prose, "de"),
        ("Beweise, dass die Wurzel aus 2 irrational ist.".into(), Reasoning, "de"),
        ("Какая столица Франции?".into(), Chat, "ru"),
        ("Напиши функцию на Python, которая сортирует список.".into(), Code, "ru"),
        ("Сделай краткое содержание текста.".into(), Summary, "ru"),
        ("Переведи на английский: как дела?".into(), Translation, "ru"),
        ("Напиши стихотворение про осень.".into(), Prose, "ru"),
        ("Докажи, что корень из двух иррационален.".into(), Reasoning, "ru"),
        ("Écris un poème sur la mer.".into(), Prose, "fr"),
        ("Résume ce texte en une phrase pour moi.".into(), Summary, "fr"),
        ("Escribe una función que ordene una lista.".into(), Code, "es"),
        ("이 문장을 영어로 번역해 주세요".into(), Translation, "ko"),
    ];
    let mut wrong = Vec::new();
    for (text, task, lang) in &table {
        let found = read(text);
        if found.task != *task || found.lang.code() != *lang {
            let start: String = text.chars().take(50).collect();
            wrong.push(format!("{start}: {:?} {}", found.tasks, found.lang.code()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn difficulty_orders_prompts_as_a_person_would() {
    let ladder = [
        ("hi", 0.0, 0.12),
        ("What is the capital of France?", 0.0, 0.15),
        ("Recommend a book for a rainy weekend", 0.10, 0.30),
        ("Write a Python function that reverses a string.", 0.15, 0.40),
        ("Prove that there are infinitely many primes of the form 4k+3.", 0.45, 0.80),
        (
            "Design a lock-free bounded MPMC queue in Rust. It must be linearizable, must not use \
             more than two atomics per operation, and handle wrap-around. First give the invariants, \
             then the code, then prove correctness and discuss the memory ordering trade-offs.",
            0.65,
            1.0,
        ),
    ];
    let mut last = 0.0;
    for (text, low, high) in ladder {
        let found = read(text).difficulty;
        assert!((low..=high).contains(&found), "{text}: {found}");
        assert!(found >= last, "{text}: {found} after {last}");
        last = found;
    }
}

#[test]
fn hard_and_easy_are_told_apart_in_other_languages_too() {
    for (easy, hard) in [
        ("法国的首都是哪里？", "严格证明该无锁队列满足线性一致性，并分析时间复杂度，必须给出反例"),
        (
            "日本の首都はどこですか？",
            "この分散アルゴリズムの最適性を厳密に証明し、必ず計算量も導出してください",
        ),
        (
            "Wer ist Angela Merkel?",
            "Beweise rigoros, dass der Algorithmus optimal ist, und nenne mindestens ein Gegenbeispiel",
        ),
        (
            "Кто такой Пушкин?",
            "Докажи теорему строго и построй контрпример, при условии не менее двух переменных",
        ),
    ] {
        let (easy, hard) = (read(easy).difficulty, read(hard).difficulty);
        assert!(hard > easy + 0.3, "{easy} {hard}");
    }
}

#[test]
fn the_wording_sets_the_expected_length() {
    let tokens = |text: &str| read(text).output_tokens;
    assert!(tokens("Explain gravity in one sentence") <= 45);
    assert!(tokens("用一句话解释重力") <= 45);
    assert!(tokens("Is water wet? Answer yes or no.") <= 10);
    assert_eq!(tokens("Write a 500 words essay about bees"), 675);
    assert!(tokens("Write an essay about bees") >= 1_000);
    assert!(tokens("Explain TCP in detail") > tokens("Explain TCP briefly"));
    assert!(tokens("hello") <= 30);
}

#[test]
fn a_callers_cap_bounds_the_expected_length() {
    let mut request = ask("Write an essay about bees");
    request.params.max_tokens = Some(50);
    assert_eq!(features(&request).output_tokens, 50);
}

#[test]
fn needs_come_from_the_form_of_the_request_not_its_words() {
    let mut request = ask("look at this image and call the tool with JSON");
    assert_eq!(features(&request).needs, Needs::default());
    request.params.response_format = Some(serde_json::json!({"type": "json_schema"}));
    request.tools.push(crate::domain::ToolSpec {
        name: "weather".into(),
        description: None,
        parameters: serde_json::json!({}),
    });
    request.messages[0].parts.push(Part::Image { media_type: None, source: "data".into() });
    assert_eq!(features(&request).needs, Needs { tools: true, vision: true, json: true });
    assert!(features(&request).input_tokens > 1_000);
}

#[test]
fn a_short_follow_up_leans_on_the_message_before() {
    let mut request = ask("Write a Rust function that merges two sorted lists");
    request.messages.push(Message::assistant("fn merge() {}"));
    request.messages.push(Message::user("now make it generic, please"));
    assert_eq!(features(&request).task, TaskKind::Code);
}

#[test]
fn a_short_question_that_asks_something_whole_leans_on_nothing() {
    let after = |text: &str| {
        let mut request = ask("Write a haiku for my wedding by the sea.");
        request.messages.push(Message::assistant("Salt on the long vows"));
        request.messages.push(Message::user(text));
        features(&request).task
    };
    assert_eq!(after("What is the capital of Australia?"), TaskKind::Chat);
    assert_eq!(after("What would it say in winter?"), TaskKind::Prose);
    assert_eq!(after("shorter"), TaskKind::Prose);
}

#[test]
fn a_system_prompt_colours_the_kind_of_work() {
    let mut request = ask("good morning to you all");
    request.system = Some("You are a translator. Translate everything into French.".into());
    assert_eq!(features(&request).task, TaskKind::Translation);
}

#[test]
fn words_in_the_middle_of_given_material_do_not_decide() {
    let body = "The novel tells a story about a poem. ".repeat(60);
    let found =
        read(&format!("Which year was the author born, and where?\n{body}\nAnswer in one word."));
    assert_ne!(found.task, TaskKind::Prose, "{:?}", found.tasks);
}

#[test]
fn shares_are_ordered_and_sum_to_at_most_one() {
    for text in ["", "hi", "Write code to translate a story as JSON and prove it", "\u{0}\u{7f}…"]
    {
        let found = read(text);
        assert!(found.tasks.iter().map(|(_, share)| share).sum::<f32>() <= 1.0 + 1e-5);
        assert!(found.tasks.is_sorted_by(|a, b| a.1 >= b.1));
        assert!(found.tasks.len() <= 3);
    }
}

#[test]
fn tokens_follow_the_script() {
    let english = read(&"The quick brown fox jumps over the lazy dog. ".repeat(20));
    let chinese = read(&"敏捷的棕色狐狸跳过了懒狗。".repeat(20));
    let per = |f: &RequestFeatures| f.input_tokens as f64 / f.chars as f64;
    assert!((0.20..0.30).contains(&per(&english)), "{}", per(&english));
    assert!((0.60..0.85).contains(&per(&chinese)), "{}", per(&chinese));
}

#[test]
fn a_megabyte_is_measured_whole_and_read_at_its_ends() {
    let text =
        format!("{}\nSummarise the log above.", "2026-11-23 INFO served request\n".repeat(34_000));
    let found = read(&text);
    assert_eq!(found.task, TaskKind::Summary);
    assert_eq!(found.chars, text.chars().count() as u64);
    assert!(found.input_tokens > 200_000);
}

proptest::proptest! {
    #[test]
    fn any_text_gives_sane_features(text in "\\PC{0,400}") {
        let found = read(&text);
        proptest::prop_assert!((0.0..=1.0).contains(&found.difficulty));
        proptest::prop_assert!(found.output_tokens >= 1);
        proptest::prop_assert_eq!(&read(&text), &found);
    }
}
