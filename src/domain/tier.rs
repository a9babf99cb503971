//! In which tier of service a provider answers: the same model, sooner or later, at other prices.
//!
//! Must not know: what a tier costs. Invariant: a word that is not known is a tier of its own kind,
//! never the standard one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A tier of service, whatever the provider calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// The usual one: OpenAI's `default`, Anthropic's `standard`.
    Standard,
    /// Spare capacity: later and cheaper.
    Flex,
    /// Before the others and dearer: OpenAI's `priority`, called `fast` as well since 2026-07-30;
    /// Anthropic's `priority`, which is paid by contract.
    Priority,
    /// OpenAI's fastest.
    Ultrafast,
    /// OpenAI's, paid by contract.
    Scale,
    /// Many requests in one file.
    Batch,
    /// One this program does not know.
    Other,
}

impl ServiceTier {
    /// Those that can be asked for in a configuration.
    pub const ASKED: [Self; 4] = [Self::Standard, Self::Flex, Self::Priority, Self::Ultrafast];

    /// The tier an answer was served in, or a request asks for; `None` for an empty word and for
    /// `auto`, which leaves it to the provider.
    pub fn read(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "" | "auto" => return None,
            "default" | "standard" | "standard_only" | "on_demand" => Self::Standard,
            "flex" => Self::Flex,
            "priority" | "fast" => Self::Priority,
            "ultrafast" => Self::Ultrafast,
            "scale" => Self::Scale,
            "batch" => Self::Batch,
            _ => Self::Other,
        })
    }

    /// Its word in a configuration, and in OpenAI's dialect.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
            Self::Scale => "scale",
            Self::Batch => "batch",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ServiceTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tier_has_several_words_and_an_unknown_word_is_not_the_usual_tier() {
        for (word, tier) in [
            ("default", Some(ServiceTier::Standard)),
            ("standard", Some(ServiceTier::Standard)),
            ("flex", Some(ServiceTier::Flex)),
            ("priority", Some(ServiceTier::Priority)),
            ("fast", Some(ServiceTier::Priority)),
            ("batch", Some(ServiceTier::Batch)),
            ("turbo", Some(ServiceTier::Other)),
            ("auto", None),
            ("", None),
        ] {
            assert_eq!(ServiceTier::read(word), tier, "{word}");
        }
        for tier in ServiceTier::ASKED {
            assert_eq!(ServiceTier::read(tier.name()), Some(tier));
        }
    }
}
