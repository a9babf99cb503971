//! Tests of the sanitiser.

use super::*;
use proptest::prelude::*;

fn streamed(text: &str, cuts: &[usize], tabs: Tabs) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut sanitizer = Sanitizer::with_tabs(tabs);
    let mut out = String::new();
    let mut from = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (chars.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(chars.len());
    for cut in cuts {
        let piece: String = chars[from..cut].iter().collect();
        out.push_str(&sanitizer.push(&piece));
        from = cut;
    }
    out.push_str(&sanitizer.finish());
    out
}

#[test]
fn escape_sequences_vanish_in_both_forms() {
    assert_eq!(sanitize("a\u{1b}[31mred\u{1b}[0m"), "ared");
    assert_eq!(sanitize("a\u{9b}2Jb"), "ab");
    assert_eq!(
        sanitize("\u{1b}]0;title\u{7}x\u{1b}]52;c;aGk=\u{1b}\\y\u{9d}8;;http://x\u{9c}z"),
        "xyz"
    );
    assert_eq!(
        sanitize("\u{1b}Pq#0\u{1b}\\a\u{1b}_G\u{1b}\\b\u{1b}^p\u{1b}\\c\u{1b}Xs\u{1b}\\d"),
        "abcd"
    );
    assert_eq!(sanitize("\u{90}q\u{9c}a\u{9f}g\u{9c}b\u{9e}p\u{9c}c\u{98}s\u{9c}d"), "abcd");
    assert_eq!(sanitize("\u{1b}c\u{1b}(Ba\u{1b}7\u{1b}#8b"), "ab");
    assert_eq!(sanitize("a\u{1b}"), "a");
}

#[test]
fn a_sequence_cut_short_by_text_gives_the_text_back() {
    assert_eq!(sanitize("\u{1b}[31日本"), "日本");
    assert_eq!(sanitize("\u{1b}[3\u{1b}[1mbold"), "bold");
    assert_eq!(sanitize("\u{1b}]0;an answer\nnext"), "0;an answer\nnext");
    assert_eq!(sanitize("\u{1b}]0;one\u{1b}[1mtwo"), "0;onetwo");
}

#[test]
fn a_command_without_an_end_never_swallows_the_reply() {
    let reply = "word ".repeat(4000);
    let out = sanitize(&format!("\u{1b}]52;c;{reply}")).into_owned();
    assert_eq!(out, format!("52;c;{reply}"));
    let mut sanitizer = Sanitizer::new();
    sanitizer.push("\u{1b}]");
    let shown: usize = (0..20).map(|_| sanitizer.push(&"x".repeat(1000)).len()).sum();
    assert!(shown > 14_000, "{shown}");
    let digits = "1;".repeat(200);
    assert_eq!(sanitize(&format!("\u{1b}[{digits}")), digits);
}

#[test]
fn repeated_string_openers_cost_no_more_than_their_length() {
    let hostile = "\u{9d}".repeat(200_000);
    assert_eq!(sanitize(&hostile), "");
}

#[test]
fn line_breaks_become_one_kind() {
    assert_eq!(sanitize("a\r\nb\rc\u{2028}d\u{2029}e\r\r\nf"), "a\nb\nc\nd\ne\n\nf");
}

#[test]
fn tabs_reach_the_next_stop_or_stay() {
    assert_eq!(sanitize("\ta\n日\tb\nabcd\te"), "    a\n日  b\nabcd    e");
    assert_eq!(sanitize_with("\ta", Tabs::Keep), "\ta");
    assert_eq!(sanitize_line("a\nbcd\te"), "a bcd e");
}

#[test]
fn direction_controls_and_hidden_characters_vanish() {
    assert_eq!(sanitize("ab\u{202e}cd\u{2066}e\u{2069}\u{200f}\u{61c}f"), "abcdef");
    assert_eq!(
        sanitize("pay\u{200b}load\u{feff}\u{2060}\u{ad}\u{e0041}\u{e0020}\u{fdd0}\u{ffff}"),
        "payload"
    );
    assert_eq!(sanitize("a\u{7f}\0\u{8}b\u{85}c"), "abc");
    assert_eq!(sanitize("a\u{200d}b\u{fe0f}c"), "abc");
}

#[test]
fn emoji_sequences_and_joined_scripts_survive() {
    for text in ["👩‍👩‍👧‍👦", "❤️", "1️⃣", "🏳️‍🌈", "می‌خواهم", "क्‍ष", "🇬🇧", "👍🏽"]
    {
        assert_eq!(sanitize(text), text);
    }
}

#[test]
fn towers_of_marks_are_cut() {
    let tower = format!("a{}b", "\u{301}".repeat(300));
    assert_eq!(sanitize(&tower).chars().count(), 2 + usize::from(MARK_CAP));
}

#[test]
fn clean_text_is_borrowed() {
    assert!(matches!(sanitize("plain, 日本語\nnext"), Cow::Borrowed(_)));
}

/// Text made of the pieces that matter, in any order.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[ -~]{0,6}",
        2 => "\\PC{0,3}",
        2 => prop::char::range('\0', '\u{9f}').prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
        4 => prop::sample::select(vec![
            "\u{1b}", "\u{1b}[", "\u{1b}]", "\u{1b}P", "\u{9b}", "\u{9d}", "\u{9c}", "\u{7}", "\u{1b}\\",
            "\r", "\n", "\r\n", "\t", "\u{200d}", "\u{200c}", "\u{fe0f}", "👩", "❤", "🏽", "م", "क", "्",
            "\u{301}\u{301}\u{301}", "\u{202e}", "\u{2028}", "31m", "\u{18}", "1", "\u{20e3}", "\u{e0041}",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_control_or_hidden_character_survives(text in hostile()) {
        let out = sanitize(&text);
        for c in out.chars() {
            prop_assert!(c == '\n' || !c.is_control(), "{c:?}");
            let acts = matches!(c,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
            prop_assert!(!acts, "{c:?}");
        }
    }

    #[test]
    fn sanitising_twice_changes_nothing(text in hostile()) {
        let once = sanitize(&text).into_owned();
        let twice = sanitize(&once).into_owned();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn any_split_gives_what_the_whole_gives(text in hostile(), cuts in prop::collection::vec(0usize..400, 0..12)) {
        prop_assert_eq!(streamed(&text, &cuts, Tabs::Expand), sanitize_with(&text, Tabs::Expand));
        prop_assert_eq!(streamed(&text, &cuts, Tabs::Keep), sanitize_with(&text, Tabs::Keep));
    }
}
