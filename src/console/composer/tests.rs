//! Tests of the composer.

use super::*;

fn typed(text: &str) -> Composer {
    let mut composer = Composer::default();
    for c in text.chars() {
        if c == '\n' {
            composer.newline();
        } else {
            composer.type_char(c);
        }
    }
    composer
}

#[test]
fn a_family_emoji_takes_one_backspace_and_one_step() {
    let mut composer = typed("a👨‍👩‍👧b");
    composer.left();
    composer.left();
    assert_eq!(composer.around(), ("a", "👨‍👩‍👧b"));
    composer.right();
    composer.delete_back();
    assert_eq!(composer.text(), "ab");
}

#[test]
fn undo_brings_back_a_whole_grapheme() {
    let mut composer = typed("a👨‍👩‍👧");
    composer.delete_back();
    assert_eq!(composer.text(), "a");
    composer.undo();
    assert_eq!(composer.text(), "a👨‍👩‍👧");
    composer.redo();
    assert_eq!(composer.text(), "a");
}

#[test]
fn a_backspace_at_the_beginning_of_a_line_joins_it() {
    let mut composer = typed("one\ntwo");
    composer.line_start();
    composer.delete_back();
    assert_eq!(composer.text(), "onetwo");
    assert_eq!(composer.around(), ("one", "two"));
}

#[test]
fn a_backspace_at_the_very_beginning_takes_the_chip() {
    let mut composer = Composer::default();
    composer.set_chip(Some("opus".into()));
    composer.delete_back();
    assert_eq!(composer.chip, None);
}

#[test]
fn a_short_paste_is_put_in_and_a_long_one_folded() {
    let mut composer = typed("see ");
    composer.paste("two\r\nlines");
    assert_eq!(composer.text(), "see two\nlines");
    let long = "x\n".repeat(212);
    composer.paste(&long);
    assert_eq!(composer.text(), "see two\nlines[pasted 212 lines]");
    assert_eq!(composer.expanded(), format!("see two\nlines{long}"));
}

#[test]
fn two_pastes_of_one_size_keep_apart() {
    let mut composer = Composer::default();
    composer.paste(&"a\n".repeat(20));
    composer.type_char(' ');
    composer.paste(&"b\n".repeat(20));
    assert_eq!(composer.text(), "[pasted 20 lines] [pasted 20 lines #2]");
    assert_eq!(composer.expanded(), format!("{} {}", "a\n".repeat(20), "b\n".repeat(20)));
}

#[test]
fn a_long_single_line_is_folded_by_its_size() {
    let mut composer = Composer::default();
    composer.paste(&"x".repeat(3_100));
    assert_eq!(composer.text(), "[pasted 3.1 kB]");
}

#[test]
fn a_fold_is_deleted_whole() {
    let mut composer = typed("a ");
    composer.paste(&"x\n".repeat(30));
    composer.delete_back();
    assert_eq!(composer.text(), "a ");
}

#[test]
fn a_paste_that_contains_the_words_of_a_fold_stays_text() {
    let mut composer = typed("[pasted 30 lines] ");
    composer.paste(&"x\n".repeat(30));
    assert_eq!(composer.text(), "[pasted 30 lines] [pasted 30 lines #2]");
    assert_eq!(composer.expanded(), format!("[pasted 30 lines] {}", "x\n".repeat(30)));
}

#[test]
fn control_characters_of_a_paste_do_nothing() {
    let mut composer = Composer::default();
    composer.paste("a\u{7}b\tc\u{0}");
    assert_eq!(composer.text(), "ab    c");
}

#[test]
fn a_backslash_before_enter_becomes_a_line_break() {
    let mut composer = typed("one\\");
    assert!(composer.backslash_newline());
    assert_eq!(composer.text(), "one\n");
    let mut two = typed("one\\\\");
    assert!(!two.backslash_newline());
}

#[test]
fn words_are_cut_and_put_back() {
    let mut composer = typed("one two three");
    composer.delete_word_back();
    assert_eq!(composer.text(), "one two ");
    composer.line_start();
    composer.yank();
    assert_eq!(composer.text(), "threeone two ");
    composer.kill_to_end();
    assert_eq!(composer.text(), "three");
    composer.kill_to_head();
    assert_eq!(composer.text(), "");
    composer.yank();
    assert_eq!(composer.text(), "three");
}

#[test]
fn words_are_walked() {
    let mut composer = typed("one two\nthree");
    composer.word_left();
    composer.word_left();
    assert_eq!(composer.around(), ("one two", ""));
    composer.word_left();
    assert_eq!(composer.around(), ("one ", "two"));
    composer.word_right();
    composer.word_right();
    assert_eq!(composer.around(), ("", "three"));
}

#[test]
fn up_and_down_stop_at_the_edges() {
    let mut composer = typed("one\ntwo");
    assert_eq!(composer.up(), Moved::Yes);
    assert_eq!(composer.up(), Moved::AtEdge);
    assert_eq!(composer.down(), Moved::Yes);
    assert_eq!(composer.down(), Moved::AtEdge);
}

#[test]
fn history_is_walked_and_the_begun_draft_comes_back() {
    let mut composer = typed("first");
    let draft = composer.take();
    composer.history.push(draft);
    let mut draft = typed("second");
    draft.set_chip(Some("opus".into()));
    composer.history.push(draft.take());
    composer.insert("begun");
    composer.earlier();
    assert_eq!(
        (composer.text().as_str(), composer.chip.as_ref().map(ModelName::as_str)),
        ("second", Some("opus"))
    );
    composer.earlier();
    composer.earlier();
    assert_eq!(composer.text(), "first");
    composer.later();
    composer.later();
    assert_eq!((composer.text().as_str(), &composer.chip), ("begun", &None));
    composer.later();
    assert_eq!(composer.text(), "begun");
}

#[test]
fn history_brings_back_what_was_folded() {
    let mut composer = Composer::default();
    composer.paste(&"x\n".repeat(30));
    let draft = composer.take();
    composer.history.push(draft);
    composer.earlier();
    assert_eq!(composer.expanded(), "x\n".repeat(30));
}
