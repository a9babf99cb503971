//! Tests of rendering Markdown.

use super::*;
use crate::text::{Role, TokenKind};
use proptest::prelude::*;

fn rows(source: &str, width: u16) -> Vec<String> {
    render(source, width, &RenderOptions::default()).lines.iter().map(Line::text).collect()
}

fn roles(source: &str) -> Vec<(Role, String)> {
    let lines = render(source, 80, &RenderOptions::default()).lines;
    lines.into_iter().flat_map(|line| line.spans).map(|span| (span.style.role, span.text)).collect()
}

#[test]
fn emphasis_and_links_carry_their_meaning() {
    let lines = render("a **b *c*** ~~d~~ [e](f)", 80, &RenderOptions::default()).lines;
    let marks: Vec<(&str, bool, bool, bool, Role)> = lines[0]
        .spans
        .iter()
        .map(|s| (s.text.as_str(), s.style.strong, s.style.emphasis, s.style.strike, s.style.role))
        .collect();
    assert_eq!(
        marks,
        [
            ("a ", false, false, false, Role::Body),
            ("b ", true, false, false, Role::Body),
            ("c", true, true, false, Role::Body),
            (" ", false, false, false, Role::Body),
            ("d", false, false, true, Role::Body),
            (" ", false, false, false, Role::Body),
            ("e", false, false, false, Role::Link),
            (" (f)", false, false, false, Role::LinkUrl),
        ]
    );
}

#[test]
fn an_address_is_shown_once() {
    assert_eq!(
        rows("<https://a.b> [https://a.b/](https://a.b) <x@y.z> [t](#anchor)", 80),
        ["https://a.b https://a.b/ x@y.z t"]
    );
    assert_eq!(rows("![a cat](cat.png) ![](dog.png)", 80), ["a cat (cat.png) dog.png"]);
}

#[test]
fn headings_quotes_and_callouts_carry_their_meaning() {
    assert_eq!(
        roles("## h\n\n> q\n\n> [!TIP]\n> t"),
        [
            (Role::Heading(2), "h".to_owned()),
            (Role::QuoteMark, "│ ".to_owned()),
            (Role::Quote, "q".to_owned()),
            (Role::QuoteMark, "│ ".to_owned()),
            (Role::Callout, "Tip".to_owned()),
            (Role::QuoteMark, "│ ".to_owned()),
            (Role::Quote, "t".to_owned()),
        ]
    );
}

#[test]
fn code_is_drawn_between_rules_with_its_language_and_number() {
    assert_eq!(
        rows("```rust\nlet a = 1;\n\nb();\n```", 30),
        [
            "rust ───────────────────── [1]",
            "  let a = 1;",
            "",
            "  b();",
            "──────────────────────────────",
        ]
    );
    let hint = RenderOptions { code_hint: Some("y{n} copy".into()), ..RenderOptions::default() };
    let lines = render("```\nx\n```\n\n```\n```", 30, &hint).lines;
    assert_eq!(lines[0].text(), "────────────────── [1] y1 copy");
    assert_eq!(lines[4].text(), "────────────────── [2] y2 copy");
    assert_eq!(lines.len(), 6);
    assert_eq!(render("```rust\n```", 12, &hint).lines[0].text(), "rust ─── [1]");
    assert_eq!(render("```rust\n```", 3, &hint).lines[0].text(), "───");
}

#[test]
fn code_goes_on_in_the_next_row_and_loses_nothing() {
    assert_eq!(
        rows("```\nabcdefghijklmnopqrst  uvw\n```", 14)[1..4],
        ["  abcdefghijkl", "↳ mnopqrst  uv", "↳ w",]
    );
    assert_eq!(rows("```go\n\tx\n a\tb\n```", 20)[1..3], ["      x", "   a  b"]);
}

#[test]
fn copied_code_is_what_was_sent() {
    let blocks = render(
        "```make\nall:\n\tcc  x\n```\n- a\n  ```py\n  x\n   y\n  ```",
        20,
        &RenderOptions::default(),
    );
    let texts: Vec<(&str, &str)> =
        blocks.code_blocks.iter().map(|block| (block.lang.as_str(), block.text.as_str())).collect();
    assert_eq!(texts, [("make", "all:\n\tcc  x"), ("py", "x\n y")]);
}

#[test]
fn code_of_a_known_language_is_highlighted() {
    let shown = roles("```rs\nfn x() {}\n```");
    assert!(shown.contains(&(Role::CodeToken(TokenKind::Keyword), "fn".to_owned())));
    assert!(shown.contains(&(Role::CodeToken(TokenKind::Function), "x".to_owned())));
}

#[test]
fn lists_nest_number_and_keep_the_spacing_of_their_source() {
    assert_eq!(
        rows("9. a\n10. b\n    - c\n\n      d\n11. e", 40),
        ["9. a", "10. b", "    • c", "", "      d", "11. e"]
    );
    assert_eq!(rows("- a\n\n- b\n- c", 40), ["• a", "", "• b", "• c"]);
    assert_eq!(rows("- [x] a\n- [ ] b\n-", 40), ["[x] a", "[ ] b", "•"]);
    assert_eq!(rows("- a long item that wraps", 12), ["• a long", "  item that", "  wraps"]);
}

#[test]
fn single_line_breaks_are_kept() {
    assert_eq!(
        rows("An old silent pond\nA frog jumps in", 40),
        ["An old silent pond", "A frog jumps in"]
    );
}

#[test]
fn columns_are_aligned_as_asked() {
    assert_eq!(
        rows("| l | c | r |\n|:--|:-:|--:|\n| a | b | c |\n| long | wide! | 1234 |", 40),
        ["l       c       r", "────  ─────  ────", "a       b       c", "long  wide!  1234",]
    );
}

#[test]
fn wide_characters_keep_columns_straight() {
    assert_eq!(
        rows("| 名 | n |\n|---|---|\n| 日本語 | 1 |\n| ab | 2 |", 40),
        ["名      n", "──────  ─", "日本語  1", "ab      2",]
    );
}

#[test]
fn a_table_too_wide_wraps_inside_its_cells() {
    assert_eq!(
        rows("| key | text |\n|---|---|\n| a | one two three |\n| b | four |", 12),
        ["key  text", "───  ───────", "a    one two", "     three", "b    four",]
    );
}

#[test]
fn a_table_without_room_for_its_columns_is_stacked() {
    let source = "| one | two | three | four |\n|---|---|---|---|\n| 1111 | 2222 | 3333 | 4444 |\n| 5 | | 7 | 8 |";
    assert_eq!(
        rows(source, 20),
        [
            "one: 1111",
            "two: 2222",
            "three: 3333",
            "four: 4444",
            "────────",
            "one: 5",
            "two:",
            "three: 7",
            "four: 8"
        ]
    );
}

#[test]
fn html_breaks_lines_and_otherwise_shows() {
    assert_eq!(rows("a<br/>b <i>c</i>", 40), ["a", "b <i>c</i>"]);
    assert_eq!(rows("<div>\n  x\n</div>", 40), ["<div>", "  x", "</div>"]);
}

#[test]
fn formulas_show_as_written() {
    assert_eq!(rows("$a_1 * b_2 * c$ costs $5, or $6", 60), ["$a_1 * b_2 * c$ costs $5, or $6"]);
}

#[test]
fn plain_glyphs_replace_line_drawing() {
    let options = RenderOptions { glyphs: Glyphs::ASCII, ..RenderOptions::default() };
    let lines = render("- a\n\n> b\n\n---\n\n```\nc\n```", 10, &options).lines;
    assert!(lines.iter().all(|line| line.text().is_ascii()), "{lines:?}");
}

#[test]
fn deep_nesting_leaves_room_for_text() {
    let source = format!("{}word", "> ".repeat(40));
    assert_eq!(rows(&source, 12), ["│ │ word"]);
    let lines = rows(&format!("{}- x", "  ".repeat(0)), 1);
    assert_eq!(lines, ["x"]);
}

#[test]
fn control_characters_written_as_entities_do_nothing() {
    assert_eq!(rows("a&#27;[31mb &#x202e;c [x](&#27;]0;y) &#10;d", 60), ["a[31mb c x (]0;y)  d"]);
}

fn table() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        "[a-z]{0,12}( [a-z]{1,9}){0,3}",
        "\\PC{0,6}".prop_map(|text| text.replace(['|', '\\'], "")),
        prop::sample::select(vec!["日本語の表", "`code`", "**b**", "👩‍👩‍👧", "[l](http://u)", ""])
            .prop_map(str::to_owned),
    ];
    (1usize..9, 1usize..6)
        .prop_flat_map(move |(columns, height)| {
            prop::collection::vec(prop::collection::vec(cell.clone(), columns), height)
        })
        .prop_map(|cells| {
            let rule = format!("|{}\n", ":-:|".repeat(cells[0].len()));
            let mut lines: Vec<String> =
                cells.iter().map(|row| format!("|{}|\n", row.join("|"))).collect();
            lines.insert(1, rule);
            lines.concat()
        })
}

proptest! {
    #[test]
    fn no_table_row_is_too_wide(source in table(), width in 1u16..90) {
        for line in render(&source, width, &RenderOptions::default()).lines {
            prop_assert!(line.width() <= usize::from(width), "{:?}", line);
        }
    }
}
