//! Numbers as people write them before a unit: `500 words`, `1,000-word`, `2k`, `three`.
//!
//! Owns: finding one right before a place in a text. Must not know: what the unit is worth.
//! Invariant: looks back no further than the number itself.

/// The number that stands right before `at`: digits, with `,` and `k`, or a small number in words.
pub(crate) fn number_before(lower: &[u8], at: usize) -> Option<f32> {
    let mut end = at;
    while end > 0 && matches!(lower[end - 1], b' ' | b'-') {
        end -= 1;
    }
    let thousands = end > 1 && lower[end - 1] == b'k' && lower[end - 2].is_ascii_digit();
    let digits_end = if thousands { end - 1 } else { end };
    let mut start = digits_end;
    while start > 0 && (lower[start - 1].is_ascii_digit() || lower[start - 1] == b',') {
        start -= 1;
    }
    if start < digits_end {
        let value = lower[start..digits_end]
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .take(7)
            .fold(0.0f32, |sum, digit| sum * 10.0 + f32::from(digit - b'0'));
        return (value > 0.0).then_some(if thousands { value * 1000.0 } else { value });
    }
    SMALL.iter().find(|(word, _)| lower[..end].ends_with(word.as_bytes())).map(|(_, n)| *n)
}

/// Small numbers in words, where a person would write them so.
const SMALL: [(&str, f32); 33] = [
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("两", 2.0),
    ("二", 2.0),
    ("三", 3.0),
    ("四", 4.0),
    ("五", 5.0),
    ("六", 6.0),
    ("八", 8.0),
    ("十", 10.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("fünf", 5.0),
    ("zehn", 10.0),
    ("два", 2.0),
    ("две", 2.0),
    ("три", 3.0),
    ("пять", 5.0),
    ("deux", 2.0),
    ("trois", 3.0),
    ("cinq", 5.0),
    ("dos", 2.0),
    ("tres", 3.0),
    ("cinco", 5.0),
    ("dix", 10.0),
];
