//! Joining a continuation to the text before it. Pure text work: what the second part repeats of the
//! first is dropped where that can be known, and nothing is ever lost where it cannot.

/// An overlap shorter than this many characters may be chance and is kept, unless it is a whole
/// line.
const SURE_OVERLAP: usize = 24;

/// How far back a repetition is looked for, in bytes.
const LOOK_BACK: usize = 2048;

/// How much of the continuation is held until the overlap is decided, in bytes.
const HOLD: usize = 1024;

/// Drops the overlap between a text and its continuation, piece by piece.
#[derive(Debug)]
pub(super) struct Joiner {
    before: String,
    held: String,
    decided: bool,
    repeats: Repeats,
}

/// Whether the continuation's mechanism is known to repeat the text before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// It may give the whole prefix again.
    Prefix,
    /// It goes on, perhaps with a few words of overlap.
    Tail,
}

impl Joiner {
    /// Joins to `before`.
    pub(super) fn new(before: &str, repeats: Repeats) -> Self {
        Self { before: before.to_owned(), held: String::new(), decided: false, repeats }
    }

    /// Takes a piece of the continuation; gives what may be shown.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.decided {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        let whole = self.before.len();
        if self.repeats == Repeats::Prefix && starts_over(&self.before, &self.held) {
            if self.held.len() < whole {
                return String::new();
            }
            self.decided = true;
            return self.held.split_off(whole);
        }
        if self.held.len() < HOLD && self.could_grow() { String::new() } else { self.flush() }
    }

    /// No more will come: gives what is held.
    pub(super) fn finish(&mut self) -> String {
        if self.decided { String::new() } else { self.flush() }
    }

    /// Could more text turn what is held into a longer overlap?
    fn could_grow(&self) -> bool {
        let tail = tail(&self.before, LOOK_BACK);
        !self.held.is_empty() && tail.contains(&self.held)
            || overlap(tail, &self.held) == self.held.len()
            || self.held.trim().is_empty()
    }

    fn flush(&mut self) -> String {
        self.decided = true;
        let tail = tail(&self.before, LOOK_BACK);
        let shared = overlap(tail, &self.held);
        let text = &self.held[..shared];
        let long = text.chars().count() >= SURE_OVERLAP;
        let line = shared > 1 && text.ends_with('\n') && is_line(tail, shared);
        let once = tail.matches(text.trim()).count() <= 1;
        let drop = if shared > 0 && (long || line) && once { shared } else { 0 };
        std::mem::take(&mut self.held).split_off(drop)
    }
}

/// Does `held` begin as `before` begins, as far as both go, for at least [`SURE_OVERLAP`]
/// characters or all of `before`?
fn starts_over(before: &str, held: &str) -> bool {
    let both = before.len().min(held.len());
    before.as_bytes()[..both] == held.as_bytes()[..both]
        && (held.len() < before.len() || held.is_char_boundary(before.len()))
}

/// Is the overlap of `shared` bytes at the end of `tail` a whole line?
fn is_line(tail: &str, shared: usize) -> bool {
    let start = tail.len() - shared;
    start == 0 || tail.as_bytes().get(start - 1) == Some(&b'\n')
}

fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Length in bytes of the longest end of `a` that `b` begins with. Linear, by the prefix function.
fn overlap(a: &str, b: &str) -> usize {
    let pattern = b.as_bytes();
    if pattern.is_empty() {
        return 0;
    }
    let mut fall = vec![0usize; pattern.len()];
    let mut k = 0;
    for i in 1..pattern.len() {
        while k > 0 && pattern[i] != pattern[k] {
            k = fall[k - 1];
        }
        if pattern[i] == pattern[k] {
            k += 1;
        }
        fall[i] = k;
    }
    let text = a.as_bytes();
    let mut k = 0;
    for byte in &text[text.len().saturating_sub(pattern.len())..] {
        while k > 0 && (k == pattern.len() || *byte != pattern[k]) {
            k = fall[k - 1];
        }
        if *byte == pattern[k] {
            k += 1;
        }
    }
    while k > 0 && !b.is_char_boundary(k) {
        k = fall[k - 1];
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(before: &str, repeats: Repeats, pieces: &[&str]) -> String {
        let mut joiner = Joiner::new(before, repeats);
        let mut out = before.to_owned();
        for piece in pieces {
            out.push_str(&joiner.push(piece));
        }
        out.push_str(&joiner.finish());
        out
    }

    #[test]
    fn a_continuation_that_goes_on_is_taken_as_it_is() {
        assert_eq!(
            join("The quick brown", Repeats::Tail, &[" fox", " jumps"]),
            "The quick brown fox jumps"
        );
    }

    #[test]
    fn a_prefix_given_again_is_dropped_however_it_is_cut() {
        let before = "Rust checks borrows at compile time, ";
        let whole = "Rust checks borrows at compile time, so a dangling reference cannot exist.";
        for cut in 0..whole.len() {
            let pieces = [&whole[..cut], &whole[cut..]];
            assert_eq!(join(before, Repeats::Prefix, &pieces), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_long_overlap_is_dropped_and_a_short_one_kept() {
        let before = "one two three. The borrow checker refuses this program because";
        let again = "The borrow checker refuses this program because it dangles.";
        assert_eq!(
            join(before, Repeats::Tail, &[again]),
            "one two three. The borrow checker refuses this program because it dangles."
        );
        assert_eq!(join("ha ha ha", Repeats::Tail, &[" ha ha", "!"]), "ha ha ha ha ha!");
    }

    #[test]
    fn chinese_text_is_joined_at_character_boundaries() {
        let before = "借用检查器在编译时检查所有引用，因此悬垂引用不可能存在于安全代码之中，";
        let again = "借用检查器在编译时检查所有引用，因此悬垂引用不可能存在于安全代码之中，这就是它的意义。";
        assert_eq!(join(before, Repeats::Tail, &[again]), again);
    }

    #[test]
    fn overlaps_are_found_by_length() {
        assert_eq!(overlap("abcabc", "abcx"), 3);
        assert_eq!(overlap("abc", "xyz"), 0);
        assert_eq!(overlap("aaaa", "aaaaaa"), 4);
        assert_eq!(overlap("é", "é"), 2);
    }

    proptest! {
        #[test]
        fn a_continuation_that_repeats_nothing_is_never_shortened(
            before in "[a-m ]{0,200}",
            rest in "[n-z ]{1,200}",
            cut in 0usize..200,
        ) {
            let cut = cut.min(rest.len());
            let joined = join(&before, Repeats::Tail, &[&rest[..cut], &rest[cut..]]);
            // Only shared spaces could overlap, and those are too few to be dropped.
            prop_assert_eq!(joined, format!("{before}{rest}"));
        }
    }
}
