//! Joining a continuation to the text before it. Pure text work: what the second part repeats of the
//! first is dropped where that can be known, and nothing is ever lost where it cannot.
//!
//! What can be known: a mechanism that is said to give the whole prefix again does so; a repetition of
//! at least [`SURE_OVERLAP`] characters (or a whole line of words) that stands only once in the last
//! [`LOOK_BACK`] bytes and does not repeat within itself is no chance. Anything less is kept: a short
//! repetition is the lesser evil. A continuation that begins as the answer began and then goes its own
//! way is another answer, and cannot be joined at all.

/// An overlap shorter than this many characters may be chance and is kept, unless it is a whole
/// line of words.
pub(super) const SURE_OVERLAP: usize = 24;

/// A whole line counts as sure from so many letters and digits on: shorter ones (`}`, `---`, `- no`)
/// follow each other in honest text.
const SURE_LINE: usize = 10;

/// How far back a repetition is looked for, in bytes.
const LOOK_BACK: usize = 2048;

/// Whether the continuation's mechanism is known to repeat the text before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// It gives the whole prefix again, then goes on.
    Prefix,
    /// It goes on; models being what they are, it may repeat some or start over.
    Perhaps,
}

/// What a piece of a continuation comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Joined {
    /// This may be shown; empty while it is undecided.
    Text(String),
    /// It is another answer from its beginning: it cannot be joined.
    StartsOver,
}

/// Drops the overlap between a text and its continuation, piece by piece.
#[derive(Debug)]
pub(super) struct Joiner {
    before: String,
    held: String,
    phase: Phase,
    repeats: Repeats,
    /// Blanks at the end of `before` that were not sent: they are likely to come again.
    unsent: usize,
}

/// How a continuation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order.
    Whole,
    /// It broke off as well.
    Broken,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is decided; everything is held.
    Holding,
    /// The overlap was dropped; what follows is held until it is clear that the text does not simply
    /// repeat itself.
    Dropped {
        /// Bytes of `held` that are the overlap.
        overlap: usize,
    },
    /// Joined: everything passes.
    Through,
}

impl Joiner {
    /// Joins to `before`, of which the last `unsent` bytes, all of them blanks, were not sent.
    pub(super) fn new(before: &str, repeats: Repeats, unsent: usize) -> Self {
        let before = before.to_owned();
        Self { before, held: String::new(), phase: Phase::Holding, repeats, unsent }
    }

    /// The continuation begins again: what came of it is forgotten.
    pub(super) fn start_again(&mut self) {
        self.held.clear();
        self.phase = Phase::Holding;
    }

    /// Takes a piece of the continuation; gives what may be shown.
    pub(super) fn push(&mut self, piece: &str) -> Joined {
        if self.phase == Phase::Through {
            return Joined::Text(piece.to_owned());
        }
        self.held.push_str(piece);
        self.decide(More::Comes)
    }

    /// No more will come: gives what is held.
    pub(super) fn finish(&mut self, ending: Ending) -> Joined {
        if self.phase == Phase::Through {
            return Joined::Text(String::new());
        }
        let same = shared_start(&self.before, &self.held);
        let only_repeats = self.phase == Phase::Holding && same == self.held.len();
        if only_repeats && same < self.before.len() {
            // All that came is the beginning of what is there already.
            let sure = is_sure(&self.held, &self.before);
            match (self.repeats, ending) {
                (Repeats::Prefix, _) => return self.release(same),
                (Repeats::Perhaps, Ending::Broken) if sure => return self.release(same),
                (Repeats::Perhaps, Ending::Whole) if sure => return Joined::StartsOver,
                (Repeats::Perhaps, Ending::Broken | Ending::Whole) => {}
            }
        }
        self.decide(More::None)
    }

    fn decide(&mut self, more: More) -> Joined {
        if let Phase::Dropped { overlap } = self.phase {
            return self.confirm(overlap, more);
        }
        // As far as the beginning of the answer goes.
        let same = shared_start(&self.before, &self.held);
        let runs_along = same == self.held.len() && same < self.before.len();
        if runs_along && more == More::Comes {
            return Joined::Text(String::new());
        }
        if same == self.before.len() && same > 0 {
            if self.repeats == Repeats::Prefix {
                return self.release(same);
            }
            if is_sure(&self.before, &self.before) {
                return self.drop_overlap(same, more);
            }
        } else if !runs_along && is_sure(&self.before[..same], &self.before) {
            return Joined::StartsOver;
        }
        let tail = tail(&self.before, LOOK_BACK);
        if more == More::Comes && could_grow(tail, &self.held) {
            return Joined::Text(String::new());
        }
        let shared = overlap(tail, &self.held);
        if shared > 0 && (is_sure(&self.held[..shared], tail) || is_line(tail, shared)) {
            return self.drop_overlap(shared, more);
        }
        let blanks = self.held.len() - self.held.trim_start().len();
        let unsent = &self.before[self.before.len() - self.unsent..];
        if self.unsent > 0 && blanks == self.held.len() && more == More::Comes {
            return Joined::Text(String::new());
        }
        let again = overlap(unsent, &self.held[..blanks]);
        self.release(again)
    }

    /// The first `overlap` bytes held are a repetition, unless what comes next repeats them again: then
    /// the text is one that repeats itself, and nothing can be known.
    fn drop_overlap(&mut self, overlap: usize, more: More) -> Joined {
        self.phase = Phase::Dropped { overlap };
        self.confirm(overlap, more)
    }

    fn confirm(&mut self, overlap: usize, more: More) -> Joined {
        let (first, next) = self.held.split_at(overlap);
        let same = shared_start(first, next);
        if same == first.len() {
            self.release(0)
        } else if same == next.len() && more == More::Comes {
            Joined::Text(String::new())
        } else {
            self.release(overlap)
        }
    }

    fn release(&mut self, from: usize) -> Joined {
        self.phase = Phase::Through;
        Joined::Text(std::mem::take(&mut self.held).split_off(from))
    }
}

/// Whether the continuation may still grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Comes,
    None,
}

/// Bytes that both begin with, cut to whole characters.
fn shared_start(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let mut same = same.min(a.len());
    while !a.is_char_boundary(same) || !b.is_char_boundary(same) {
        same -= 1;
    }
    same
}

/// Is a repetition of `text`, which stands in `within`, no chance? It is long, stands there once, and
/// is not itself made of repetitions.
fn is_sure(text: &str, within: &str) -> bool {
    text.chars().count() >= SURE_OVERLAP && stands_once(text, within)
}

fn stands_once(text: &str, within: &str) -> bool {
    let mut places = 0;
    let mut from = 0;
    while let Some(at) = within[from..].find(text) {
        places += 1;
        if places > 1 {
            return false;
        }
        let next = from + at + within[from + at..].chars().next().map_or(1, char::len_utf8);
        from = next.min(within.len());
    }
    period(text) * 2 > text.len()
}

/// Is the overlap of `shared` bytes at the end of `tail` whole lines of words that stand there once?
fn is_line(tail: &str, shared: usize) -> bool {
    let start = tail.len() - shared;
    let text = &tail[start..];
    let begins = start == 0 || tail.as_bytes().get(start - 1) == Some(&b'\n');
    begins
        && text.ends_with('\n')
        && text.chars().filter(|c| c.is_alphanumeric()).count() >= SURE_LINE
        && stands_once(text, tail)
}

/// Could more text turn what is held into a longer overlap with the end of `tail`?
fn could_grow(tail: &str, held: &str) -> bool {
    held.is_empty() || tail.contains(held)
}

fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// For each end of `pattern`, the length of the longest proper beginning that ends there too.
fn falls(pattern: &[u8]) -> Vec<usize> {
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
    fall
}

/// The shortest length after which `text` repeats itself.
fn period(text: &str) -> usize {
    text.len() - falls(text.as_bytes()).last().copied().unwrap_or(0)
}

/// Length in bytes of the longest end of `a` that `b` begins with. Linear, by the prefix function.
fn overlap(a: &str, b: &str) -> usize {
    let pattern = b.as_bytes();
    if pattern.is_empty() {
        return 0;
    }
    let fall = falls(pattern);
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
#[path = "join_tests.rs"]
mod tests;
