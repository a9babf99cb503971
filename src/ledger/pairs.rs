//! Words of one or two letters in scripts that put no spaces between words: every letter and the one
//! after it, as words an index takes. Longer words are found by the index of three letters in a row.
//!
//! Must not know: the database. Invariant: a run of two such letters is found in every text it
//! stands in, and in no other.

/// Is this a letter of a script written without spaces between words?
fn is_dense(c: char) -> bool {
    matches!(c as u32,
        0x3005..=0x3007 | 0x3041..=0x3096 | 0x309d..=0x309f | 0x30a1..=0x30fa | 0x30fc..=0x30ff
        | 0x3105..=0x312f | 0x31a0..=0x31bf | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3 | 0xf900..=0xfad9 | 0x20000..=0x323af)
}

/// Its pairs, a space between; the last letter of a run stands alone. Each once.
pub(super) fn of(text: &str) -> String {
    let mut seen = std::collections::HashSet::new();
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !is_dense(letter) {
            continue;
        }
        let next = letters.peek().copied().filter(|next| is_dense(*next));
        if seen.insert((letter, next)) {
            out.push(letter);
            out.extend(next);
            out.push(' ');
        }
    }
    out
}

/// How a word of one or two such letters is asked for; `None` for any other word.
pub(super) fn query(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    if !letters.iter().all(|letter| is_dense(*letter)) {
        return None;
    }
    match letters.as_slice() {
        [one] => Some(format!("\"{one}\"*")),
        [one, two] => Some(format!("\"{one}{two}\"")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_dense_script_is_there_with_the_one_after_it() {
        assert_eq!(of("今天天气 ok"), "今天 天天 天气 气 ");
        assert_eq!(of("plain words, no pairs"), "");
        assert_eq!(of("はいはい"), "はい いは い ");
    }

    #[test]
    fn only_words_of_one_or_two_such_letters_are_asked_for_here() {
        assert_eq!(query("天气").as_deref(), Some("\"天气\""));
        assert_eq!(query("天").as_deref(), Some("\"天\"*"));
        for other in ["", "ab", "天a", "天气好", "\"*"] {
            assert_eq!(query(other), None, "{other}");
        }
    }
}
