//! One pass over a text: characters by class, words, and the cues they hit.
//!
//! Owns: normalising (lower case, one space, typographic marks to ASCII), sampling long texts, and
//! the raw counts everything else is computed from. Must not know: what a count means. Invariant:
//! the work is bounded, however long the text is.

use crate::domain::TaskKind;

use super::cues::{Class, TABLE, dense, in_word};
use super::numbers::number_before;
use super::scripts::Tally;

/// Bytes of a long text read from its head and from its tail; a request's wish stands at one of
/// the ends. Raising them makes deciding on long prompts slower.
const HEAD: usize = 4_096;
const TAIL: usize = 2_048;

/// Texts of up to so many bytes are all wish; in longer ones the wish is the first and the last
/// line, and between them lies the material.
const ALL_WISH: usize = 840;

/// Bytes of a first or last line that can be wish.
const LINE: usize = 320;

/// What a cue in the material counts.
const MATERIAL: f32 = 0.12;

/// Most languages the table may hold.
const LANGS: usize = 64;

/// Bits of the sketch that counts different words.
const SKETCH_WORDS: usize = 64;

/// How long an answer was asked for, as the words say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Length {
    pub(crate) word: bool,
    pub(crate) sentence: bool,
    pub(crate) paragraph: bool,
    pub(crate) brief: bool,
    pub(crate) long: bool,
    pub(crate) essay: bool,
    /// Tokens, from a number with a unit.
    pub(crate) exact: Option<f32>,
}

/// What was counted in a text.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// Characters read (of the sample).
    pub(crate) chars: u32,
    pub(crate) tally: Tally,
    pub(crate) words: u32,
    /// Different words, by linear counting.
    pub(crate) distinct: f32,
    pub(crate) digits: u32,
    pub(crate) numbers: u32,
    pub(crate) upper: u32,
    pub(crate) punctuation: u32,
    pub(crate) brackets: u32,
    /// LaTeX commands, `$`, `^` and mathematical symbols.
    pub(crate) math: u32,
    pub(crate) fences: u32,
    /// Line ends and operators as programs have them.
    pub(crate) code_marks: u32,
    /// snake_case and camelCase words.
    pub(crate) identifiers: u32,
    pub(crate) questions: u32,
    /// The text is long and asks something in its first or last line.
    pub(crate) asks_about_material: bool,
    pub(crate) list_items: u32,
    pub(crate) kinds: [f32; 8],
    pub(crate) hard: f32,
    pub(crate) easy: f32,
    pub(crate) greet: f32,
    pub(crate) steps: f32,
    pub(crate) musts: f32,
    pub(crate) length: Length,
    pub(crate) stops: [u16; LANGS],
    /// The language named last.
    pub(crate) named: Option<u8>,
    /// Letters that only Ukrainian, Hebrew, Persian, Greek or Thai have, in that order.
    pub(crate) marks: [u32; 5],
    /// Ends of lines in `lower`: the first that ends a line worth the name, and the last.
    first_line: usize,
    last_line: usize,
    lower: Vec<u8>,
    spans: Vec<(u32, u32)>,
    sketch: [u64; SKETCH_WORDS],
}

/// Where a kind stands in [`Reading::kinds`]: as in [`TaskKind::ALL`].
pub(crate) const fn kind_index(kind: TaskKind) -> usize {
    kind as usize
}

impl Reading {
    fn empty(capacity: usize) -> Self {
        Self {
            chars: 0,
            tally: Tally::default(),
            words: 0,
            distinct: 0.0,
            digits: 0,
            numbers: 0,
            upper: 0,
            punctuation: 0,
            brackets: 0,
            math: 0,
            fences: 0,
            code_marks: 0,
            identifiers: 0,
            questions: 0,
            asks_about_material: false,
            list_items: 0,
            kinds: [0.0; 8],
            hard: 0.0,
            easy: 0.0,
            greet: 0.0,
            steps: 0.0,
            musts: 0.0,
            length: Length::default(),
            stops: [0; LANGS],
            named: None,
            marks: [0; 5],
            first_line: usize::MAX,
            last_line: 0,
            lower: Vec::with_capacity(capacity + 8),
            spans: Vec::with_capacity(capacity / 4 + 8),
            sketch: [0; SKETCH_WORDS],
        }
    }

    /// Reads a text, or the two ends of a long one.
    pub(crate) fn of(text: &str) -> Self {
        let mut reading = Self::empty(text.len().min(HEAD + TAIL));
        if text.len() <= HEAD + TAIL {
            reading.scan(text);
        } else {
            reading.scan(&text[..text.floor_char_boundary(HEAD)]);
            reading.lower.push(b' ');
            reading.scan(&text[text.ceil_char_boundary(text.len() - TAIL)..]);
        }
        reading.match_cues();
        reading.count_distinct();
        reading
    }

    fn scan(&mut self, text: &str) {
        /// No word is open.
        const NONE: usize = usize::MAX;
        let mut word = NONE;
        let (mut previous, mut before) = (b'\n', b' ');
        let mut line_start = true;
        let mut in_number = false;
        let mut letters = 0u64;
        let mut ascii_common = 0u64;
        let mut backticks = 0u32;
        for c in text.chars() {
            self.chars += 1;
            let at = self.lower.len();
            if !c.is_ascii() {
                in_number = false;
                self.wide(c, &mut word);
                line_start = false;
                (before, previous) = (previous, 0x80);
                continue;
            }
            let byte = c as u8;
            if byte.is_ascii_alphabetic() {
                letters += 1;
                if byte.is_ascii_uppercase() {
                    self.upper += 1;
                    self.identifiers += u32::from(previous.is_ascii_lowercase());
                }
            } else {
                ascii_common += 1;
            }
            self.backtick(byte, &mut backticks);
            let digit = byte.is_ascii_digit();
            if digit {
                self.digits += 1;
                self.numbers += u32::from(!in_number);
            }
            in_number = digit || in_number && matches!(byte, b'.' | b',');
            if in_word(byte) {
                if byte == b'_' && previous.is_ascii_alphanumeric() {
                    self.identifiers += 1;
                }
                if word == NONE {
                    word = at;
                }
                self.lower.push(byte.to_ascii_lowercase());
                line_start = false;
            } else {
                if word != NONE {
                    self.spans.push((word as u32, at as u32));
                    word = NONE;
                }
                if byte.is_ascii_whitespace() {
                    if self.lower.last() != Some(&b' ') {
                        self.lower.push(b' ');
                    }
                    if byte == b'\n' {
                        self.first_line =
                            self.first_line.min(if at > 12 { at } else { usize::MAX });
                        self.last_line = at;
                        self.code_marks += u32::from(matches!(previous, b';' | b'{' | b'}'));
                        line_start = true;
                    }
                } else {
                    self.lower.push(byte);
                    self.mark(byte, previous, before, line_start);
                    line_start = false;
                }
            }
            if byte == b'.' && line_start_number(&self.lower) {
                self.list_items += 1;
            }
            if byte != b'\r' {
                (before, previous) = (previous, byte);
            }
        }
        if word != NONE {
            self.spans.push((word as u32, self.lower.len() as u32));
        }
        self.tally.add_many(0, letters);
        self.tally.add_many(7, ascii_common);
    }

    fn backtick(&mut self, byte: u8, run: &mut u32) {
        if byte == b'`' {
            *run += 1;
            self.fences += u32::from(*run == 3);
        } else {
            *run = 0;
        }
    }

    /// A punctuation mark in ASCII.
    fn mark(&mut self, byte: u8, previous: u8, before: u8, line_start: bool) {
        self.punctuation += 1;
        match byte {
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' => {
                self.brackets += 1;
                let arrow = byte == b'>' && matches!(previous, b'-' | b'=');
                let call = byte == b')' && previous == b'(';
                self.code_marks += u32::from(arrow || call);
            }
            b'\\' | b'$' | b'^' => self.math += 1,
            b'?' => self.questions += 1,
            b'=' => {
                self.code_marks += u32::from(matches!(previous, b'=' | b'!' | b':' | b'+'));
                self.math += u32::from(previous == b' ' && before.is_ascii_alphanumeric());
            }
            b':' => self.code_marks += u32::from(previous == b':'),
            b'-' | b'*' => self.list_items += u32::from(line_start),
            _ => {}
        }
    }

    /// A character outside ASCII.
    fn wide(&mut self, c: char, word: &mut usize) {
        let at = self.lower.len();
        let index = self.tally.add(c);
        let common = index == 7;
        if (common || dense(c)) && *word != usize::MAX {
            self.spans.push((*word as u32, at as u32));
            *word = usize::MAX;
        }
        if common {
            match c {
                '\u{2019}' => self.lower.push(b'\''),
                '\u{FF10}'..='\u{FF19}' => {
                    self.digits += 1;
                    self.lower.push(b'0' + (c as u32 - 0xFF10) as u8);
                }
                '\u{2200}'..='\u{22FF}'
                | '\u{B2}'
                | '\u{B3}'
                | '\u{D7}'
                | '\u{F7}'
                | '\u{2070}'..='\u{209F}' => {
                    self.math += 1;
                    self.lower.push(b',');
                }
                '\u{FF1F}' | '\u{BF}' => {
                    self.questions += u32::from(c == '\u{FF1F}');
                    self.lower.push(if c == '\u{FF1F}' { b'?' } else { b',' });
                }
                _ if c.is_whitespace() => self.lower.push(b' '),
                _ => {
                    self.punctuation += 1;
                    self.lower.push(b',');
                }
            }
            return;
        }
        self.count_mark(c);
        let mut buffer = [0u8; 4];
        if c.is_uppercase() {
            self.upper += 1;
            for lower in c.to_lowercase() {
                self.lower.extend_from_slice(lower.encode_utf8(&mut buffer).as_bytes());
            }
        } else {
            self.lower.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        if dense(c) {
            self.spans.push((at as u32, self.lower.len() as u32));
        } else if *word == usize::MAX {
            *word = at;
        }
    }

    fn count_mark(&mut self, c: char) {
        let index = match c {
            'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' => 0,
            '\u{590}'..='\u{5FF}' => 1,
            'پ' | 'چ' | 'گ' | 'ژ' => 2,
            '\u{370}'..='\u{3FF}' => 3,
            '\u{E00}'..='\u{E7F}' => 4,
            _ => return,
        };
        self.marks[index] += 1;
    }

    fn match_cues(&mut self) {
        let lower = std::mem::take(&mut self.lower);
        let spans = std::mem::take(&mut self.spans);
        self.words = spans.len() as u32;
        let wish = Wish::of(&lower, self.first_line, self.last_line);
        self.asks_about_material = wish.asks(&lower);
        let mut seen = [0u64; 64];
        // A cue matched at one place hides shorter ones of its class that begin inside it.
        let mut covered = [0usize; 8];
        for (start, end) in &spans {
            let (start, end) = (*start as usize, *end as usize);
            let word = &lower[start..end];
            self.sketch_word(word);
            let edge = wish.holds(start);
            let scale = if edge { 1.0 } else { MATERIAL };
            let mut best = [0.0f32; 8];
            let before = covered;
            TABLE.matches(&lower, start, end, |cue, class, weight, len| match class {
                Class::Stop(lang) => {
                    let stop = &mut self.stops[usize::from(lang) % LANGS];
                    *stop = stop.saturating_add(1);
                }
                // Said twice is not meant twice.
                _ if seen_before(&mut seen, cue, edge) => {}
                Class::Kind(kind) => {
                    let index = kind_index(kind);
                    if start >= before[index] {
                        best[index] = best[index].max(weight);
                        covered[index] = covered[index].max(start + len);
                    }
                }
                Class::Ext => {
                    if start >= 2 && lower[start - 1] == b'.' && in_word(lower[start - 2]) {
                        best[0] = best[0].max(weight);
                    }
                }
                Class::Hard => self.hard += weight * scale,
                Class::Easy => self.easy += weight * scale,
                Class::Greet => self.greet += if start < 24 { weight } else { 0.0 },
                Class::Step => self.steps += weight * scale,
                Class::Must => self.musts += weight * scale,
                Class::Word => self.length.word |= edge,
                Class::Sentence => self.length.sentence |= edge,
                Class::Paragraph => self.length.paragraph |= edge,
                Class::Brief => self.length.brief |= edge,
                Class::Long => self.length.long |= edge,
                Class::Essay => self.length.essay |= edge,
                Class::Unit => {
                    if edge && let Some(count) = number_before(&lower, start) {
                        let tokens = (count * weight).clamp(1.0, 16_000.0);
                        self.length.exact = Some(self.length.exact.unwrap_or(0.0).max(tokens));
                    }
                }
                Class::Name(lang) => {
                    if edge {
                        self.named = Some(lang);
                    }
                }
            });
            for (sum, hit) in self.kinds.iter_mut().zip(best) {
                *sum += hit * scale;
            }
        }
        self.lower = lower;
    }

    fn sketch_word(&mut self, word: &[u8]) {
        let mut hash = 0xCBF2_9CE4_8422_2325u64;
        for byte in word {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        let bit = (hash ^ hash >> 32) as usize % (SKETCH_WORDS * 64);
        self.sketch[bit / 64] |= 1 << (bit % 64);
    }

    /// Linear counting (Whang et al., 1990): `−m ln(empty / m)`.
    fn count_distinct(&mut self) {
        let size = (SKETCH_WORDS * 64) as f32;
        let set: u32 = self.sketch.iter().map(|word| word.count_ones()).sum();
        let empty = (size - set as f32).max(1.0);
        self.distinct = (-size * (empty / size).ln()).min(self.words as f32);
    }
}

/// Where in a text the wish stands.
struct Wish {
    first: usize,
    last: usize,
}

impl Wish {
    fn of(lower: &[u8], first_line: usize, last_line: usize) -> Self {
        if lower.len() <= ALL_WISH {
            return Self { first: lower.len(), last: 0 };
        }
        Self { first: first_line.min(LINE), last: last_line.max(lower.len() - LINE) }
    }

    const fn holds(&self, at: usize) -> bool {
        at < self.first || at >= self.last
    }

    fn asks(&self, lower: &[u8]) -> bool {
        lower.len() > ALL_WISH
            && (lower[..self.first].contains(&b'?') || lower[self.last..].contains(&b'?'))
    }
}

/// Was this cue met before (in a wish; a cue met in the material may still be met in the wish)?
fn seen_before(seen: &mut [u64; 64], cue: usize, edge: bool) -> bool {
    let bit = (cue * 2 + usize::from(edge)) % (64 * 64);
    let met = seen[bit / 64] & 1 << (bit % 64) != 0;
    seen[bit / 64] |= 1 << (bit % 64);
    met
}

/// Does the text end in a number that stands after a line's start (`1.`)? Newlines are spaces by
/// now, so a space before at most two digits is what is looked for.
fn line_start_number(lower: &[u8]) -> bool {
    match lower {
        [.., b' ', a, b'.'] => a.is_ascii_digit(),
        [.., b' ', a, b, b'.'] => a.is_ascii_digit() && b.is_ascii_digit(),
        [a, b'.'] => a.is_ascii_digit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_characters_are_read_at_their_two_ends() {
        let text = format!("{}{}", "word ".repeat(200_000), "please summarise this");
        let reading = Reading::of(&text);
        assert!(reading.chars as usize <= HEAD + TAIL + 8);
        assert!(reading.kinds[kind_index(TaskKind::Summary)] > 0.0);
    }

    #[test]
    fn numbers_before_units_are_found_in_several_writings() {
        for (text, tokens) in [
            ("write 500 words", 675.0),
            ("a 1,000-word essay", 1350.0),
            ("写一篇800字的文章", 640.0),
            ("５００文字で書いて", 400.0),
            ("in three sentences", 75.0),
            ("schreibe 200 wörter", 270.0),
            ("напиши 100 слов", 135.0),
            ("about 2k words", 2700.0),
        ] {
            assert_eq!(Reading::of(text).length.exact, Some(tokens), "{text}");
        }
        assert_eq!(Reading::of("in other words").length.exact, None);
    }

    #[test]
    fn kinds_are_counted_in_the_order_they_are_listed() {
        for (index, kind) in TaskKind::ALL.into_iter().enumerate() {
            assert_eq!(kind_index(kind), index);
        }
    }

    #[test]
    fn repeated_words_lower_the_count_of_different_ones() {
        let same = Reading::of(&"same ".repeat(200));
        let varied: Vec<String> = (0..200).map(|n| format!("w{n}x")).collect();
        assert!(same.distinct < 3.0);
        assert!(Reading::of(&varied.join(" ")).distinct > 180.0);
    }

    #[test]
    fn program_text_leaves_its_marks() {
        let reading = Reading::of("```rust\nlet my_var = callIt();\nif a == b {\n}\n```");
        assert_eq!(reading.fences, 2);
        assert!(reading.code_marks >= 3, "{}", reading.code_marks);
        assert!(reading.identifiers >= 2);
    }
}
