//! Tests of wrapping.

use super::*;
use crate::text::Role;
use proptest::prelude::*;

fn rows(text: &str, width: usize) -> Vec<String> {
    wrap_text(text, width, Role::Body).iter().map(Line::text).collect()
}

#[test]
fn rows_end_at_words() {
    assert_eq!(rows("the quick brown fox", 10), ["the quick", "brown fox"]);
    assert_eq!(rows("a  b", 10), ["a  b"]);
    assert_eq!(rows("one\n\ntwo", 10), ["one", "", "two"]);
    assert_eq!(rows("", 10), Vec::<String>::new());
}

#[test]
fn words_longer_than_a_row_are_cut_hard() {
    assert_eq!(rows("see https://example.org/a/b", 10), ["see", "https://ex", "ample.org/", "a/b"]);
}

#[test]
fn hyphens_between_letters_end_rows_but_options_stay_whole() {
    assert_eq!(rows("a well-known fact", 8), ["a well-", "known", "fact"]);
    assert_eq!(rows("use --force now", 8), ["use", "--force", "now"]);
}

#[test]
fn ideographs_break_anywhere_but_not_before_closing_punctuation() {
    assert_eq!(rows("今天天气很好。", 12), ["今天天气很", "好。"]);
    assert_eq!(rows("他说「你好」了", 10), ["他说「你", "好」了"]);
    assert_eq!(rows("コンピューター", 6), ["コン", "ピュー", "ター"]);
    assert_eq!(rows("用 Rust 写的程序", 8), ["用 Rust", "写的程序"]);
}

#[test]
fn korean_breaks_at_spaces() {
    assert_eq!(rows("안녕하세요 세계", 12), ["안녕하세요", "세계"]);
}

#[test]
fn a_character_wider_than_the_row_is_replaced() {
    assert_eq!(rows("日a", 1), ["?", "a"]);
}

#[test]
fn indents_stand_before_first_and_later_rows() {
    let first = Line::of("- ", Role::ListMarker);
    let rest = Line::of("  ", Role::Body);
    let spans = [Span::new("one two ", Role::Body), Span::new("three", Role::Code)];
    let out = wrap_spans(&spans, 9, &first, &rest);
    let text: Vec<String> = out.iter().map(Line::text).collect();
    assert_eq!(text, ["- one two", "  three"]);
    assert_eq!(out[1].spans[1].style, TextStyle::of(Role::Code));
}

#[test]
fn tabs_and_escapes_in_spans_are_made_harmless() {
    assert_eq!(rows("a\tb\u{1b}[31mc", 20), ["a   bc"]);
}

fn mixed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,12}",
        "[ ]{1,4}",
        "\\PC{0,4}",
        prop::sample::select(vec![
            "日本語",
            "。",
            "「",
            "」",
            "👩‍👩‍👧‍👦",
            "❤️",
            "1️⃣",
            "e\u{301}",
            "-",
            "—",
            "\n",
            "한국어",
            "ｶﾞ",
            "مرحبا",
            "https://example.org/path",
            "(",
            ")",
            "🇬🇧🇫🇷",
            "क्षि",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_row_is_too_wide_and_no_word_is_lost(text in mixed(), width in 4usize..60) {
        let clean = crate::text::sanitize(&text).into_owned();
        let out = wrap_text(&text, width, Role::Body);
        for line in &out {
            prop_assert!(line.width() <= width, "{line:?}");
        }
        let squash = |text: &str| text.replace([' ', '\n', '\u{3000}'], "");
        let shown: String = out.iter().map(Line::text).collect();
        prop_assert_eq!(squash(&shown), squash(&clean));
    }

    #[test]
    fn hard_cuts_lose_nothing(text in mixed(), width in 4usize..60) {
        let clean = crate::text::sanitize(&text).replace('\n', "");
        let mut flow = Flow::default();
        flow.push(&clean, TextStyle::BODY);
        let mut out = Vec::new();
        wrap_flow(&flow, width, &Indent::default(), Cut::Anywhere, &mut out);
        let shown: String = out.iter().map(Line::text).collect();
        prop_assert_eq!(shown, clean);
        prop_assert!(out.iter().all(|line| line.width() <= width));
    }

    #[test]
    fn indents_never_push_a_row_past_its_width(text in mixed(), width in 1usize..30, indent in 0usize..40) {
        let indent = Line::of("│ ".repeat(indent / 2), Role::QuoteMark);
        let spans = [Span::new(text, Role::Body)];
        for line in wrap_spans(&spans, width, &indent, &indent) {
            prop_assert!(line.width() <= width, "{line:?}");
        }
    }
}
