//! What a model's tokens are counted with: the name of a vocabulary, and whether it is the model's own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A published vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// OpenAI's since GPT-4o.
    O200kBase,
    /// OpenAI's before.
    Cl100kBase,
    /// DeepSeek's V3 and V4.
    DeepseekV3,
    /// Qwen's 2 and 3.
    Qwen3,
    /// Mistral's Tekken.
    MistralV3,
}

impl Vocabulary {
    /// Every one, in a fixed order.
    pub const ALL: [Self; 5] =
        [Self::O200kBase, Self::Cl100kBase, Self::DeepseekV3, Self::Qwen3, Self::MistralV3];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
            Self::DeepseekV3 => "deepseek_v3",
            Self::Qwen3 => "qwen3",
            Self::MistralV3 => "mistral_v3",
        }
    }

    /// Its place in [`Self::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::O200kBase => 0,
            Self::Cl100kBase => 1,
            Self::DeepseekV3 => 2,
            Self::Qwen3 => 3,
            Self::MistralV3 => 4,
        }
    }
}

impl fmt::Display for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a vocabulary is the one the model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It is: a count is exact but for the frame around messages.
    Own,
    /// The model's own is not published: this one counts alike, up to a factor that is learned.
    StandIn,
}

/// What a model's tokens are counted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tokenizer {
    /// The vocabulary.
    pub vocabulary: Vocabulary,
    /// Whether it is the model's own.
    pub fit: Fit,
}

/// There is no such vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownVocabulary;

impl fmt::Display for UnknownVocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Vocabulary::ALL.map(Vocabulary::name).join(", ");
        write!(f, "expected {names}, or one of them with ~ before it as a stand-in")
    }
}

impl std::error::Error for UnknownVocabulary {}

impl FromStr for Tokenizer {
    type Err = UnknownVocabulary;
    /// `o200k_base`, or `~o200k_base` for one that is only alike.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (fit, name) = match text.strip_prefix('~') {
            Some(name) => (Fit::StandIn, name),
            None => (Fit::Own, text),
        };
        let vocabulary = Vocabulary::ALL.into_iter().find(|each| each.name() == name);
        vocabulary.map(|vocabulary| Self { vocabulary, fit }).ok_or(UnknownVocabulary)
    }
}

impl fmt::Display for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.fit {
            Fit::Own => "",
            Fit::StandIn => "~",
        };
        write!(f, "{mark}{}", self.vocabulary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_another_lists_them() {
        for (index, vocabulary) in Vocabulary::ALL.into_iter().enumerate() {
            assert_eq!(vocabulary.index(), index);
            for fit in [Fit::Own, Fit::StandIn] {
                let tokenizer = Tokenizer { vocabulary, fit };
                assert_eq!(tokenizer.to_string().parse(), Ok(tokenizer));
            }
        }
        let error = "llama3".parse::<Tokenizer>().unwrap_err();
        assert!(error.to_string().contains("qwen3"));
    }
}
