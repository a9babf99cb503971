//! Why a request was answered from the cache, or was not.

use super::{CacheKey, Field, Refusal};

/// More than this many differences, and nothing kept is like what was asked.
const ALIKE: usize = 4;

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// This process's own memory.
    Memory,
    /// The Redis that processes share.
    Redis,
}

impl Tier {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

/// The entry most like what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its key.
    pub key: CacheKey,
    /// What differs from it.
    pub differs: Vec<Field>,
}

/// What the cache did for a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was there.
    Hit(Tier, CacheKey),
    /// Somebody was asking the same.
    Shared(CacheKey),
    /// It was not there.
    Miss {
        /// The key that was looked for first.
        key: CacheKey,
        /// What is most like it.
        nearest: Option<Near>,
    },
    /// It was not looked for, as the request wished.
    Refreshed,
    /// It may not be kept.
    Refused(Refusal),
}

impl Why {
    /// One line, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Hit(Tier::Memory, key) => format!("hit in memory, {}", key.short()),
            Self::Hit(Tier::Redis, key) => format!("hit in Redis, {}", key.short()),
            Self::Shared(key) => {
                format!("shared: the same was being asked already, {}", key.short())
            }
            Self::Miss { nearest: Some(near), .. }
                if !near.differs.is_empty() && near.differs.len() <= ALIKE =>
            {
                let words: Vec<&str> = near.differs.iter().map(|field| field.words()).collect();
                format!("miss: the nearest, {}, differs in {}", near.key.short(), list(&words))
            }
            Self::Miss { .. } => "miss: nothing like it is kept".to_owned(),
            Self::Refreshed => "not read, as asked".to_owned(),
            Self::Refused(refusal) => format!("not cacheable: {}", refusal.words()),
        }
    }
}

fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::key;

    #[test]
    fn a_miss_says_what_differed_from_the_nearest() {
        let why = |differs: &[Field]| {
            let nearest = Some(Near { key: key(2), differs: differs.to_vec() });
            Why::Miss { key: key(1), nearest }.words()
        };
        let short = key(2).short();
        assert_eq!(
            why(&[Field::Temperature, Field::Seed]),
            format!("miss: the nearest, {short}, differs in the temperature and the seed")
        );
        assert_eq!(why(&Field::ALL), "miss: nothing like it is kept");
    }
}
