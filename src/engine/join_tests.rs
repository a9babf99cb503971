//! The seam: for any cut and each kind of fallback, nothing is lost, and nothing is doubled where that
//! can be known.

use proptest::prelude::*;

use super::*;

/// What a continuation in pieces comes to.
fn joined(before: &str, repeats: Repeats, unsent: usize, pieces: &[&str]) -> Option<String> {
    let mut joiner = Joiner::new(before, repeats, unsent);
    let mut out = before.to_owned();
    for piece in pieces {
        match joiner.push(piece) {
            Joined::Text(text) => out.push_str(&text),
            Joined::StartsOver => return None,
        }
    }
    match joiner.finish(Ending::Whole) {
        Joined::Text(text) => out.push_str(&text),
        Joined::StartsOver => return None,
    }
    Some(out)
}

fn join(before: &str, repeats: Repeats, pieces: &[&str]) -> String {
    joined(before, repeats, 0, pieces).expect("it starts over")
}

const PROSE: &str = "Rust checks borrows at compile time. A shared borrow lets many read, and a mutable \
    one lets a single owner write; the two never overlap. That is why a push into a vector is refused \
    while a reference into it lives: the buffer may move, and the reference would dangle.\n\nThe \
    smallest fix is to end the borrow first. Cloning the element does it; so does keeping an index.";

const CODE: &str = "Use a map:\n\n```rust\nuse std::collections::HashMap;\n\nfn count(words: &[&str]) \
    -> HashMap<String, u32> {\n    let mut seen = HashMap::new();\n    for word in words {\n        \
    if word.is_empty() {\n            continue;\n        }\n        *seen.entry(word.to_string())\
    .or_insert(0) += 1;\n    }\n    seen\n}\n\n#[test]\nfn counts() {\n    let seen = count(&[\"a\", \
    \"b\", \"a\"]);\n    assert_eq!(seen[\"a\"], 2);\n    assert_eq!(seen[\"b\"], 1);\n}\n```\n\nIt is \
    linear in the number of words.";

const CJK: &str = "借用检查器在编译时检查所有引用，因此悬垂引用不可能存在于安全代码之中。共享借用允许多处读取，\
    可变借用只允许一处写入，两者绝不重叠。\n\n最小的改法是先结束借用：克隆该元素，或者只保留下标。整数不会借用\
    向量，所以缓冲区移动之后它仍然有效；但删除元素之后，下标可能指向别的东西。";

const TABLE: &str = "| shape | copies | when it is wrong |\n|---|---|---|\n| index | none | after a \
    remove or a sort |\n| split_at_mut | none | when the two ranges overlap |\n| scoped block | none | \
    when f must outlive the push |\n| clone | one | when the element is large |\n\nTake the first that \
    fits; measure before you take the last.";

/// Texts that never say 24 characters twice in a row.
fn texts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![PROSE, CODE, CJK, TABLE])
}

/// A text that repeats itself: at least three times, whatever the length of what is repeated.
fn periodic() -> impl Strategy<Value = String> {
    ("[a-d \\n|]{1,40}", 3usize..12).prop_map(|(unit, times)| unit.repeat(times))
}

/// The text cut in two at about this share, at a whole character.
fn cut(text: &str, share: f64) -> (&str, &str) {
    let mut at = (text.len() as f64 * share) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.split_at(at)
}

/// A text in pieces of so many characters.
fn pieces(text: &str, size: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.char_indices().nth(size.max(1)).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(at);
        out.push(piece);
        rest = after;
    }
    out
}

#[test]
fn whole_lines_said_once_more_are_dropped_however_short_the_text() {
    let lines = "| aa | aaaa |\naaaa\n";
    let before = format!("{lines}| aa | aaaa |\n");
    let again = "aaaa\n| aa | aaaa |\nand on";
    assert_eq!(join(&before, Repeats::Perhaps, &[again]), format!("{before}and on"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_fallback_that_goes_on_loses_and_doubles_nothing(
        text in texts(), share in 0.0f64..1.0, size in 1usize..30,
    ) {
        let (before, after) = cut(text, share);
        for repeats in [Repeats::Perhaps, Repeats::Prefix] {
            prop_assert_eq!(join(before, repeats, &pieces(after, size)), text);
        }
    }

    #[test]
    fn a_fallback_that_goes_on_with_a_text_that_repeats_itself_loses_nothing(
        text in periodic(), share in 0.0f64..1.0, size in 1usize..30,
    ) {
        // The last time round cannot be told from a repetition, unless it is too short to be one.
        let unit = period(&text);
        let last = if unit * 2 <= SURE_LINE { 0 } else { 2 * unit + 1 };
        let (before, after) = text.split_at(((text.len() - last) as f64 * share) as usize);
        prop_assert_eq!(join(before, Repeats::Perhaps, &pieces(after, size)), text);
    }

    #[test]
    fn a_fallback_that_gives_the_prefix_again_is_joined_where_its_mechanism_says_so(
        text in prop_oneof![texts().prop_map(str::to_owned), periodic()],
        share in 0.0f64..1.0, size in 1usize..30,
    ) {
        let (before, _) = cut(&text, share);
        prop_assert_eq!(join(before, Repeats::Prefix, &pieces(&text, size)), text.clone());
    }

    #[test]
    fn a_fallback_that_starts_over_is_joined_where_that_can_be_known_and_nothing_is_ever_lost(
        text in prop_oneof![texts().prop_map(str::to_owned), periodic()],
        share in 0.0f64..1.0, size in 1usize..30,
    ) {
        let (before, _) = cut(&text, share);
        let out = join(before, Repeats::Perhaps, &pieces(&text, size));
        if is_sure(before, before) && period(&text) * 2 > text.len() {
            prop_assert_eq!(out, text);
        } else {
            prop_assert!(out == text || out == format!("{before}{text}"), "{out:?}");
        }
    }

    #[test]
    fn a_fallback_that_repeats_the_last_words_is_joined_where_that_can_be_known(
        text in texts(), share in 0.0f64..1.0, back in 1usize..300, size in 1usize..30,
    ) {
        let (before, after) = cut(text, share);
        let start = before.char_indices().rev().nth(back - 1).map_or(0, |(at, _)| at);
        let again = format!("{}{after}", &before[start..]);
        let out = join(before, Repeats::Perhaps, &pieces(&again, size));
        if is_sure(&before[start..], tail(before, LOOK_BACK)) {
            prop_assert_eq!(out, text);
        } else {
            prop_assert!(out == text || out == format!("{before}{again}"), "{out:?}");
        }
    }

    #[test]
    fn another_answer_is_never_mixed_in_at_the_price_of_a_word(
        text in texts(), other in texts(), share in 0.0f64..1.0, size in 1usize..30,
    ) {
        prop_assume!(text != other);
        let (before, _) = cut(text, share);
        let out = joined(before, Repeats::Perhaps, 0, &pieces(other, size));
        prop_assert_eq!(out, Some(format!("{before}{other}")));
    }

    #[test]
    fn an_answer_that_begins_the_same_and_goes_its_own_way_is_told_apart(
        text in texts(), share in 0.3f64..1.0, turn in 0.3f64..1.0, size in 1usize..30,
    ) {
        let (before, _) = cut(text, share);
        let (start, _) = cut(before, turn);
        prop_assume!(is_sure(start, before) && start.len() < before.len());
        // A character none of the texts has.
        let other = format!("{start}~ and now for something else entirely.");
        prop_assert_eq!(joined(before, Repeats::Perhaps, 0, &pieces(&other, size)), None);
    }

    #[test]
    fn blanks_that_were_not_sent_and_come_again_are_not_doubled(
        text in texts(), size in 1usize..30,
    ) {
        for (at, _) in text.match_indices('\n') {
            let (before, after) = text.split_at(at + 1);
            let unsent = before.len() - before.trim_end().len();
            let again = format!("{}{after}", &before[before.len() - unsent..]);
            let out = joined(before, Repeats::Perhaps, unsent, &pieces(&again, size));
            prop_assert_eq!(out.as_deref(), Some(text));
            let out = joined(before, Repeats::Perhaps, unsent, &pieces(after.trim_start(), size));
            prop_assert_eq!(out, Some(format!("{before}{}", after.trim_start())));
        }
    }
}

#[test]
fn a_short_overlap_is_kept_since_it_may_be_meant() {
    assert_eq!(join("ha ha ha", Repeats::Perhaps, &[" ha ha", "!"]), "ha ha ha ha ha!");
    assert_eq!(join("fn f() {\n}\n", Repeats::Perhaps, &["}\n", "x"]), "fn f() {\n}\n}\nx");
}

#[test]
fn a_whole_line_of_words_given_again_is_dropped_though_it_is_short() {
    let before = "Three ways:\n- clone it first\n";
    let out = join(before, Repeats::Perhaps, &["- clone it", " first\n- keep an index\n"]);
    assert_eq!(out, "Three ways:\n- clone it first\n- keep an index\n");
}

#[test]
fn a_repetition_that_breaks_off_as_well_adds_nothing() {
    for repeats in [Repeats::Perhaps, Repeats::Prefix] {
        let mut joiner = Joiner::new(PROSE, repeats, 0);
        assert_eq!(joiner.push(&PROSE[..80]), Joined::Text(String::new()));
        assert_eq!(joiner.finish(Ending::Broken), Joined::Text(String::new()));
    }
}

#[test]
fn a_refrain_at_the_end_is_not_taken_for_what_was_there_already() {
    let song = "Row, row, row your boat, gently down the stream.\nMerrily.\n";
    let mut joiner = Joiner::new(song, Repeats::Perhaps, 0);
    joiner.push("Row, row, row your boat, gently down the stream.\n");
    // It may be the refrain or another beginning: the answer is asked for again rather than guessed.
    assert_eq!(joiner.finish(Ending::Whole), Joined::StartsOver);
}

#[test]
fn overlaps_are_found_by_length() {
    assert_eq!(overlap("abcabc", "abcx"), 3);
    assert_eq!(overlap("abc", "xyz"), 0);
    assert_eq!(overlap("aaaa", "aaaaaa"), 4);
    assert_eq!(overlap("é", "é"), 2);
}
