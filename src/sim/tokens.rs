//! How the fleet counts and cuts text: about four Latin letters or one CJK character a token.
//!
//! Owns: the only token count the simulated servers report. Must not know: any real vocabulary.
//! Invariant: the pieces of a text, joined, are the text; their number is its count.

/// Letters of one word a first token takes; the rest of a long word follows in tokens of four.
const FIRST: usize = 6;
const REST: usize = 4;
/// Blanks one token takes, so that indentation is not billed by the column.
const BLANKS: usize = 8;

/// The tokens of a text, in order.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    rest: &'a str,
    in_word: bool,
}

/// Cuts a text into tokens.
pub fn pieces(text: &str) -> Pieces<'_> {
    Pieces { rest: text, in_word: false }
}

/// How many tokens a text is.
pub fn count(text: &str) -> u64 {
    pieces(text).count() as u64
}

/// A text being given out token by token.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    text: String,
    at: usize,
    in_word: bool,
}

impl Cursor {
    /// Starts at the beginning of a text.
    pub fn new(text: String) -> Self {
        Self { text, at: 0, in_word: false }
    }

    /// The next tokens, at most `n`, and how many they are; `None` at the end.
    pub fn take(&mut self, n: usize) -> Option<(&str, usize)> {
        let mut pieces = Pieces { rest: &self.text[self.at..], in_word: self.in_word };
        let taken = pieces.by_ref().take(n).count();
        let (start, end) = (self.at, self.text.len() - pieces.rest.len());
        (self.at, self.in_word) = (end, pieces.in_word);
        (taken > 0).then(|| (&self.text[start..end], taken))
    }
}

/// Characters that are a token each: Han, kana, Hangul, fullwidth forms.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff00..=0xffef | 0x20000..=0x3ffff)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_wide(c)
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut chars = self.rest.char_indices().peekable();
        let (_, first) = chars.next()?;
        let mut end = first.len_utf8();
        let mut take = |limit: usize, ok: &dyn Fn(char) -> bool| {
            let mut taken = 0;
            while taken < limit
                && let Some((at, c)) = chars.next_if(|(_, c)| ok(*c))
            {
                end = at + c.len_utf8();
                taken += 1;
            }
            taken
        };
        self.in_word = if is_word(first) {
            take(if self.in_word { REST } else { FIRST } - 1, &is_word);
            true
        } else if first == ' ' && take(FIRST, &is_word) > 0 {
            true
        } else {
            match first {
                ' ' | '\t' => take(BLANKS - 1, &|c| c == ' ' || c == '\t'),
                '\n' => take(1, &|c| c == '\n'),
                _ if is_wide(first) => 0,
                _ => take(2, &|c| c == first),
            };
            false
        };
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_joined_are_the_text() {
        for text in [
            "",
            "The borrow checker",
            "let x = &mut v[0];\n\n    x += 1;",
            "缓存命中率 99.9%",
            "a👩‍🚀b \u{1b}[31m",
            "```rust\nfn main() {}\n```",
        ] {
            assert_eq!(pieces(text).collect::<String>(), text);
        }
    }

    #[test]
    fn a_cursor_gives_the_same_tokens_in_any_steps() {
        let text = "Incomprehensibilities, 缓存 and   \n\nborrowed extraordinary counters.";
        for step in 1..6 {
            let mut cursor = Cursor::new(text.to_owned());
            let (mut joined, mut taken) = (String::new(), 0);
            while let Some((part, n)) = cursor.take(step) {
                joined.push_str(part);
                taken += n;
            }
            assert_eq!((&*joined, taken as u64), (text, count(text)));
        }
    }

    #[test]
    fn english_is_about_four_letters_a_token_and_chinese_one() {
        let english = "The cheapest model that can do the work is chosen for every request, and \
                       whoever asks is told why it was chosen and what the others would have cost.";
        let per_token = english.chars().count() as f64 / count(english) as f64;
        assert!((3.4..=5.2).contains(&per_token), "{per_token}");
        assert_eq!(count("缓存命中率"), 5);
    }
}
