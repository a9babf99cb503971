//! Chance that repeats itself: a small generator seeded from texts and numbers.
//!
//! Owns: every draw the fleet makes. Must not know: clocks, the operating system's randomness.
//! Invariant: the same parts give the same draws on every machine.

/// A seeded source of draws (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A source for a seed and whatever tells one use from another.
    pub fn new(seed: u64, parts: &[&str]) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for part in parts {
            // FNV-1a per part, with a separator so that ["ab","c"] differs from ["a","bc"].
            let mut hash = 0xcbf2_9ce4_8422_2325_u64;
            for byte in part.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            state = (state ^ hash).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(23);
        }
        let mut chance = Self(state);
        chance.next();
        chance
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `least..=most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most.saturating_sub(least) + 1)
    }

    /// True once in `n` draws; never for 0.
    pub fn one_in(&mut self, n: u64) -> bool {
        let draw = self.next();
        n > 0 && draw.is_multiple_of(n)
    }

    /// A factor with median 1 that is skewed to the slow side, as waiting times are; `spread` is
    /// the standard deviation of its logarithm.
    pub fn skewed(&mut self, spread: f64) -> f64 {
        // The sum of twelve uniform draws is near enough a normal one, and cut at six deviations.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        (normal * spread).exp()
    }

    /// `len` letters and digits.
    pub fn word(&mut self, len: usize) -> String {
        const SIGNS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..len).map(|_| SIGNS[(self.next() % 62) as usize] as char).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_draws_and_other_parts_others() {
        let draws = |seed, parts: &[&str]| Chance::new(seed, parts).word(12);
        assert_eq!(draws(1, &["a", "b"]), draws(1, &["a", "b"]));
        assert_ne!(draws(1, &["a", "b"]), draws(2, &["a", "b"]));
        assert_ne!(draws(1, &["ab", "c"]), draws(1, &["a", "bc"]));
    }

    #[test]
    fn skewed_factors_have_median_one() {
        let mut chance = Chance::new(7, &[]);
        let mut draws: Vec<f64> = (0..999).map(|_| chance.skewed(0.3)).collect();
        draws.sort_by(f64::total_cmp);
        assert!((draws[499] - 1.0).abs() < 0.1, "{}", draws[499]);
        assert!(draws[0] > 0.1 && draws[998] < 6.0);
    }
}
