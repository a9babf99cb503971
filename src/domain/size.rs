//! How many and how large, as people are told. Must not know: what is counted.

/// Bytes, in the unit that leaves the fewest digits that matter: `1 byte`, `872 bytes`, `1.9 kB`,
/// `64 MB`. Units are powers of 1000.
pub fn format_size(bytes: u64) -> String {
    if bytes < 1000 {
        return counted(bytes, "byte");
    }
    let mut unit = 1000;
    for name in ["kB", "MB", "GB"] {
        // In tenths, rounded half up.
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        if tenths < 10_000 || name == "GB" {
            return match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                tenth => format!("{}.{tenth} {name}", tenths / 10),
            };
        }
        unit *= 1000;
    }
    counted(bytes, "byte")
}

/// `1 answer`, `2 answers`.
pub fn counted(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sizes_are_told_in_bytes_and_none_rounds_to_nothing() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (872, "872 bytes"),
            (1_000, "1 kB"),
            (1_919, "1.9 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1 MB"),
            (64_000_000, "64 MB"),
            (67_108_864, "67.1 MB"),
            (5_000_000_000_000, "5000 GB"),
        ] {
            assert_eq!(format_size(bytes), words);
        }
    }

    #[test]
    fn one_is_not_told_as_several() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "call")), ["0 calls", "1 call", "2 calls"]);
    }
}
