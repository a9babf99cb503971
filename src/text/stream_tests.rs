//! Tests of streaming: every split renders as the whole does.

use super::*;
use crate::text::render;
use proptest::prelude::*;

fn options() -> RenderOptions {
    RenderOptions::default()
}

fn rows(stream: &StreamingText) -> Vec<String> {
    stream.lines().map(Line::text).collect()
}

/// Splits at the given character counts, and checks after every delta what must hold.
fn stream(source: &str, cuts: &[usize], width: u16) -> Result<StreamingText, TestCaseError> {
    let mut text = StreamingText::new(width, options());
    let mut frozen: Vec<Vec<Line>> = Vec::new();
    let chars: Vec<char> = source.chars().collect();
    let mut from = 0;
    let mut cut = cuts.iter().cycle();
    while from < chars.len() {
        let to = (from + cut.next().copied().unwrap_or(1).max(1)).min(chars.len());
        text.push(&chars[from..to].iter().collect::<String>());
        from = to;
        frozen.push(text.lines().take(text.frozen_len()).cloned().collect());
    }
    text.finish();
    let whole = render(source, width, &options());
    let lines: Vec<Line> = text.lines().cloned().collect();
    prop_assert_eq!(&lines, &whole.lines, "source {:?}", source);
    prop_assert_eq!(text.code_blocks(), &whole.code_blocks[..]);
    if !source.contains("]:") {
        for prefix in frozen {
            prop_assert!(
                whole.lines.starts_with(&prefix),
                "frozen {:?} of {:?}",
                prefix,
                whole.lines
            );
        }
    }
    Ok(text)
}

/// After every delta the rows are those of the source so far.
fn always_equal(source: &str, width: u16) -> Result<(), TestCaseError> {
    let mut text = StreamingText::new(width, options());
    for c in source.chars() {
        text.push(c.encode_utf8(&mut [0; 4]));
        let whole = render(text.source(), width, &options());
        let lines: Vec<Line> = text.lines().cloned().collect();
        prop_assert_eq!(&lines, &whole.lines, "source so far {:?}", text.source());
        prop_assert_eq!(
            text.code_blocks(),
            &whole.code_blocks[..],
            "source so far {:?}",
            text.source()
        );
    }
    Ok(())
}

#[test]
fn an_open_code_block_grows_by_lines() {
    let mut text = StreamingText::new(20, options());
    text.push("```rust\nlet a = 1;\nlet");
    assert_eq!(
        rows(&text),
        ["rust ─────────── [1]", "  let a = 1;", "  let", "─".repeat(20).as_str()]
    );
    text.push(" b;\n```\nafter");
    assert_eq!(rows(&text)[2], "  let b;");
    assert_eq!(rows(&text).last().unwrap(), "after");
    assert_eq!(text.code_blocks()[0].text, "let a = 1;\nlet b;");
}

#[test]
fn the_unfinished_line_shows_at_once() {
    let mut text = StreamingText::new(20, options());
    text.push("Hel");
    assert_eq!(rows(&text), ["Hel"]);
    text.push("lo");
    assert_eq!(rows(&text), ["Hello"]);
}

#[test]
fn columns_of_a_growing_table_reflow_without_touching_what_is_above() {
    let mut text = StreamingText::new(40, options());
    text.push("Above.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
    assert_eq!(rows(&text), ["Above.", "", "a  b", "─  ─", "1  2"]);
    text.push("| longer | 3 |\n");
    assert_eq!(text.frozen_len(), 1);
    assert_eq!(rows(&text)[2..], ["a       b", "──────  ─", "1       2", "longer  3"]);
}

#[test]
fn a_definition_reaches_the_links_above_it() {
    let mut text = StreamingText::new(60, options());
    for delta in ["See [the book][b].\n\n", "More.\n\n", "[b]: https://exa", "mple.org\n\n", "End"]
    {
        text.push(delta);
    }
    assert_eq!(rows(&text)[0], "See the book (https://example.org).");
    text.push(" of [b].");
    assert_eq!(rows(&text).last().unwrap(), "End of b (https://example.org).");
    let mut last = StreamingText::new(60, options());
    for delta in ["See [b].\n\n", "More.\n\n", "[b]: https://example.org"] {
        last.push(delta);
    }
    assert_eq!(rows(&last)[0], "See [b].");
    last.finish();
    assert_eq!(rows(&last)[0], "See b (https://example.org).");
}

#[test]
fn a_definition_that_turns_out_to_be_none_leaves_no_trace() {
    let source = "See [x].\n\n# Next\n[x]: /u 't\n\nEnd";
    stream(source, &[20, 7, 1], 40).unwrap();
}

#[test]
fn a_block_of_nothing_visible_takes_no_room() {
    stream("&#27; &#27;\n\nabc", &[1], 40).unwrap();
    assert_eq!(render("- &#27;\n\nabc", 40, &options()).lines.len(), 3);
}

#[test]
fn another_width_renders_again() {
    let mut text = StreamingText::new(40, options());
    text.push("one two three four\n\n```\nabc\n");
    text.set_width(9);
    assert_eq!(rows(&text)[..2], ["one two", "three"]);
    text.push("def");
    assert_eq!(
        text.lines().cloned().collect::<Vec<_>>(),
        render(text.source(), 9, &options()).lines
    );
}

#[test]
fn appended_deltas_wait_for_the_frame() {
    let mut text = StreamingText::new(40, options());
    text.append("one ");
    text.append("two");
    assert!(text.is_empty());
    text.refresh();
    assert_eq!(rows(&text), ["one two"]);
}

/// A reply of many kinds of blocks.
fn reply(sections: usize) -> String {
    let part = |n: usize| {
        format!(
            "## Part {n}\n\nSome **words** about `part {n}` that go on for a while, as answers do.\n\n\
             - first point\n- second point\n  - inner\n\n```rust\nfn part_{n}() {{\n    println!(\"{n}\");\n}}\n```\n\n\
             | a | b |\n|---|---|\n| {n} | x |\n\n"
        )
    };
    (0..sections).map(part).collect()
}

#[test]
fn a_long_list_or_plain_paragraph_costs_no_more_at_its_end() {
    for unit in [
        "- an item of a list that is as long as items are\n",
        "words that go on without any markup, and more ",
    ] {
        let mut text = StreamingText::new(80, options());
        let mut costs = Vec::new();
        for _ in 0..500 {
            let before = text.bytes_rendered();
            for delta in unit.as_bytes().chunks(4) {
                text.push(std::str::from_utf8(delta).unwrap());
            }
            costs.push(text.bytes_rendered() - before);
        }
        let (early, late): (usize, usize) = (costs[10..60].iter().sum(), costs[450..].iter().sum());
        assert!(late <= early + early / 10, "{early} then {late}");
    }
}

#[test]
fn the_cost_of_a_delta_does_not_grow_with_the_answer() {
    let cost_of_last_part = |sections: usize| {
        let reply = reply(sections);
        let split = reply.rfind("## Part").unwrap();
        let mut text = StreamingText::new(80, options());
        text.push(&reply[..split]);
        let before = text.bytes_rendered();
        for delta in reply.as_bytes()[split..].chunks(4) {
            text.push(std::str::from_utf8(delta).unwrap());
        }
        text.bytes_rendered() - before
    };
    let (short, long) = (cost_of_last_part(3), cost_of_last_part(200));
    assert!(long <= short + short / 10, "{short} then {long}");
}

#[test]
fn a_long_code_block_costs_no_more_per_line_at_its_end() {
    let mut text = StreamingText::new(80, options());
    text.push("```python\n");
    let mut costs = Vec::new();
    for _ in 0..2000 {
        let before = text.bytes_rendered();
        for delta in ["    prin", "t(\"hel", "lo\")\n"] {
            text.push(delta);
        }
        costs.push(text.bytes_rendered() - before);
    }
    assert!(costs[1999] <= costs[10], "{} then {}", costs[10], costs[1999]);
}

#[test]
fn hostile_text_streams_as_harmless_rows() {
    let source = "a \u{1b}]52;c;aGk=\u{7}b &#27;[31m &#x202e;c\n\n```\n\u{1b}[2J\tx\u{9b}1m\n```\n";
    let text = stream(source, &[1], 40).unwrap();
    for line in text.lines() {
        assert!(!line.text().contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
    }
}

/// Markdown of the constructs that interact, in any order and state of completion.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z]{1,6}",
        4 => Just("\n".to_owned()),
        4 => Just("\n\n".to_owned()),
        3 => Just(" ".to_owned()),
        10 => prop::sample::select(vec![
            "# ", "## h\n", "- ", "* ", "+ ", "1. ", "2. ", "10) ", "> ", "    ", "  ", "```", "```\n", "~~~\n", "```rust\n",
            "---", "***", "===", "-", "*", "_", "**", "`", "~~", "| a | b |\n", "|---|:-:|\n", "| 1 | 2 |\n", "|",
            "[a](b)", "[x]", "[x]: /u\n", "[x]: /u 't\n", "[^1]", "[^1]: n\n", "![i](j)", "<b>", "<br>", "<div>\n", "<!--", "-->",
            "&#27;", "&amp;", "\\", "$x_1$", "$$", "[ ] ", "[x] ", "日本語", "。", "👩‍👩‍👧", "\t", "\r\n", "\u{1b}[1m", "\u{1b}]0;",
            "1", "2", ")", ".", "> [!NOTE]\n", "<script>\n", "</script>\n", "<?", "https://example.org/a/long/path",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// More cases than usual: the constructs meet in many ways.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.max(500), ..usual }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn any_split_ends_as_the_whole(source in markdown(), cuts in prop::collection::vec(1usize..9, 1..6), width in 1u16..90) {
        stream(&source, &cuts, width)?;
    }

    #[test]
    fn rows_are_those_of_the_source_so_far(source in markdown().prop_map(|text| text.replace("]:", "]"))) {
        always_equal(&source, 30)?;
    }

    #[test]
    fn no_row_is_too_wide_or_holds_a_control_character(source in markdown(), width in 1u16..120) {
        for line in render(&source, width, &options()).lines {
            prop_assert!(line.width() <= usize::from(width), "{:?}", line);
            prop_assert!(!line.text().contains(char::is_control), "{:?}", line);
        }
    }
}
