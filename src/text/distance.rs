//! How far one word is from another, for telling what was probably meant.
//!
//! Owns: the count of letters. Must not know: which words there are, how near is near enough.
//! Invariant: it is the same from either side, and zero only between equal words.

/// How many letters must be changed, added or dropped to get from one word to the other.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let kept = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = kept.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("docter", "doctor"), 1);
        assert_eq!(distance("", "man"), 3);
        assert_eq!(distance("shot", "shot"), 0);
    }
}
