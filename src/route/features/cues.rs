//! The tables of cue words and languages, compiled once into an index by first bytes.
//!
//! Owns: reading `assets/router/*.tsv` and matching a normalised text against them. Must not know:
//! what the hits mean for routing. Invariant: one look-up per word, whatever the tables' size.

use std::sync::LazyLock;

use crate::domain::{Lang, TaskKind};

/// What a cue hints at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Hints at a kind of work.
    Kind(TaskKind),
    /// A file name's ending, counted only after a dot.
    Ext,
    /// Work for strong models.
    Hard,
    /// A simple question.
    Easy,
    /// Small talk.
    Greet,
    /// One of several steps.
    Step,
    /// A condition the answer must meet.
    Must,
    /// The answer is a word.
    Word,
    /// The answer is a sentence.
    Sentence,
    /// The answer is a paragraph.
    Paragraph,
    /// The answer is to be short.
    Brief,
    /// The answer is to be long.
    Long,
    /// The answer is an essay or article.
    Essay,
    /// A unit after a number (`500 words`); the cue's weight is tokens for each.
    Unit,
    /// A common word of a language (index into [`Table::langs`]).
    Stop(u8),
    /// A language's name (index into [`Table::langs`]).
    Name(u8),
}

#[derive(Debug)]
struct Cue {
    /// Lower-case bytes, without the trailing `*`.
    text: Box<[u8]>,
    /// Any ending will do (or it ends in a script without spaces).
    open: bool,
    /// It has a `*` inside: any ending of that word will do.
    starred: bool,
    class: Class,
    weight: f32,
}

/// The compiled tables.
#[derive(Debug)]
pub(crate) struct Table {
    cues: Vec<Cue>,
    /// Open-addressed: key and the range of cues that begin so.
    slots: Vec<(u32, u32, u32)>,
    /// Languages by index.
    pub(crate) langs: Vec<Lang>,
}

/// The one table, built at first use.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::read(
        include_str!("../../../assets/router/cues.tsv"),
        include_str!("../../../assets/router/languages.tsv"),
    )
});

const SLOTS: usize = 8_192;

/// Up to the first four bytes of a word. A cue's first word of fewer bytes is its own key.
fn key(word: &[u8]) -> u32 {
    let mut bytes = [0u8; 4];
    let n = word.len().min(4);
    bytes[..n].copy_from_slice(&word[..n]);
    u32::from_le_bytes(bytes)
}

const fn slot(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> 19) as usize % SLOTS
}

/// May this byte be inside a word? Bytes of multi-byte characters count as letters.
pub(crate) const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Is this character written without spaces around words (or with endings glued on), so that a cue
/// may begin and end anywhere?
pub(crate) const fn dense(c: char) -> bool {
    matches!(c as u32, 0x0E00..=0x0EFF | 0x1100..=0x11FF | 0x2E80..=0xD7FF | 0xF900..=0xFAFF | 0xFF66..=0xFF9D | 0x20000..=0x323AF)
}

/// Does a word end where this text begins? Also where a script without spaces takes over.
fn word_ends_before(tail: &[u8]) -> bool {
    match *tail {
        [] => true,
        [a, b, c, ..] if a & 0xF0 == 0xE0 => {
            let code = u32::from(a & 0x0F) << 12 | u32::from(b & 0x3F) << 6 | u32::from(c & 0x3F);
            char::from_u32(code).is_some_and(dense)
        }
        [byte, ..] => !in_word(byte),
    }
}

fn class_of(name: &str) -> Option<Class> {
    if let Ok(kind) = name.parse() {
        return Some(Class::Kind(kind));
    }
    Some(match name {
        "ext" => Class::Ext,
        "hard" => Class::Hard,
        "easy" => Class::Easy,
        "greet" => Class::Greet,
        "step" => Class::Step,
        "must" => Class::Must,
        "word" => Class::Word,
        "sentence" => Class::Sentence,
        "paragraph" => Class::Paragraph,
        "brief" => Class::Brief,
        "long" => Class::Long,
        "essay" => Class::Essay,
        _ if name.starts_with("n-") => Class::Unit,
        _ => return None,
    })
}

/// The bytes of a cue that its key is made of: its first word, or its first character in scripts
/// without spaces.
fn first_word(text: &str) -> &str {
    match text.chars().next() {
        Some(c) if dense(c) => &text[..c.len_utf8()],
        _ => {
            let end = text
                .char_indices()
                .find(|(at, c)| *at > 0 && (dense(*c) || c.is_ascii() && !in_word(*c as u8)))
                .map_or(text.len(), |(at, _)| at);
            &text[..end]
        }
    }
}

impl Table {
    fn read(cues: &str, languages: &str) -> Self {
        let mut list = Vec::with_capacity(2_000);
        let mut push = |text: &str, class: Class, weight: f32| {
            let text = text.trim();
            let (text, open) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
            if !text.is_empty() {
                let open = open || text.chars().next_back().is_some_and(dense);
                let starred = text.contains('*');
                list.push((
                    key(first_word(text).as_bytes()),
                    Cue { text: text.as_bytes().into(), open, starred, class, weight },
                ));
            }
        };
        for line in cues.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(class), Some(weight), Some(_), Some(words)) =
                (columns.next(), columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let (Some(class), Ok(weight)) = (class_of(class), weight.parse()) else { continue };
            for word in words.split('|') {
                push(word, class, weight);
            }
        }
        let mut langs = Vec::new();
        for line in languages.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(code), Some(common), Some(names)) =
                (columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let Some(lang) = Lang::new(code) else { continue };
            let index = langs.len() as u8;
            langs.push(lang);
            for word in common.split_whitespace() {
                push(word, Class::Stop(index), 1.0);
            }
            for name in names.split('|') {
                push(name, Class::Name(index), 1.0);
            }
        }
        list.sort_by_key(|(key, _)| *key);
        let mut slots = vec![(0u32, 0u32, 0u32); SLOTS];
        let mut at = 0;
        while at < list.len() {
            let this = list[at].0;
            let end = list[at..].partition_point(|(key, _)| *key == this) + at;
            let mut index = slot(this);
            while slots[index].2 != 0 {
                index = (index + 1) % SLOTS;
            }
            slots[index] = (this, at as u32, end as u32);
            at = end;
        }
        Self { cues: list.into_iter().map(|(_, cue)| cue).collect(), slots, langs }
    }

    /// The cues that begin so, and the number of the first.
    fn bucket(&self, key: u32) -> (usize, &[Cue]) {
        let mut index = slot(key);
        loop {
            let (held, start, end) = self.slots[index];
            if end == 0 {
                return (0, &[]);
            }
            if held == key {
                return (start as usize, &self.cues[start as usize..end as usize]);
            }
            index = (index + 1) % SLOTS;
        }
    }

    /// Calls `hit` with number, class, weight and length for every cue that begins with the word (or dense
    /// character) at `start..end` of the normalised text.
    pub(crate) fn matches(
        &self,
        text: &[u8],
        start: usize,
        end: usize,
        mut hit: impl FnMut(usize, Class, f32, usize),
    ) {
        let rest = &text[start..];
        let (first, bucket) = self.bucket(key(&text[start..end]));
        for (index, cue) in bucket.iter().enumerate() {
            if let Some(len) = cue.match_at(rest) {
                hit(first + index, cue.class, cue.weight, len);
            }
        }
    }
}

impl Cue {
    /// The bytes this cue takes at the start of `rest`, if it is there.
    fn match_at(&self, rest: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.starred {
            for byte in &self.text {
                if *byte == b'*' {
                    at += rest[at..].iter().take_while(|byte| in_word(**byte)).count();
                } else if rest.get(at) == Some(byte) {
                    at += 1;
                } else {
                    return None;
                }
            }
        } else if rest.starts_with(&self.text) {
            at = self.text.len();
        } else {
            return None;
        }
        (self.open || word_ends_before(&rest[at..])).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read() {
        for (file, columns) in [
            (include_str!("../../../assets/router/cues.tsv"), 4),
            (include_str!("../../../assets/router/languages.tsv"), 3),
        ] {
            for line in file.lines().filter(|line| !line.starts_with('#')) {
                let cells: Vec<&str> = line.split('\t').collect();
                assert_eq!(cells.len(), columns, "{line}");
                if columns == 4 {
                    assert!(class_of(cells[0]).is_some(), "{line}");
                    assert!(cells[1].parse::<f32>().is_ok_and(|w| w > 0.0), "{line}");
                } else {
                    assert!(Lang::new(cells[0]).is_some(), "{line}");
                }
            }
        }
    }

    #[test]
    fn cues_are_lower_case_and_their_stems_long_enough_to_be_found() {
        for cue in &TABLE.cues {
            let text = std::str::from_utf8(&cue.text).unwrap();
            assert_eq!(text, text.to_lowercase());
            if (cue.open || cue.starred) && !text.chars().next_back().is_some_and(dense) {
                let first = first_word(text);
                assert!(first.len() >= 4 || first.len() < text.len(), "{text}* is too short");
            }
        }
    }

    #[test]
    fn a_cue_ends_where_the_word_ends_unless_it_is_open() {
        let hits = |text: &str, end: usize| {
            let mut out = Vec::new();
            TABLE.matches(text.as_bytes(), 0, end, |_, class, _, _| out.push(class));
            out
        };
        assert!(hits("rust", 4).contains(&Class::Kind(TaskKind::Code)));
        assert!(!hits("rusty", 5).contains(&Class::Kind(TaskKind::Code)));
        assert!(hits("summarising it", 11).contains(&Class::Kind(TaskKind::Summary)));
        assert!(hits("rust写", 4).contains(&Class::Kind(TaskKind::Code)));
        assert!(hits("总结一下", 3).contains(&Class::Kind(TaskKind::Summary)));
    }
}
