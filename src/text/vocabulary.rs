//! Counting the tokens of a text with the vocabulary a model has.
//!
//! Owns: which of the vocabularies in this build is which. Must not know: models, prices, threads.
//! Invariant: a count never fails: where a vocabulary is not in the build there is none, and an
//! estimate stands in.
//!
//! The first use of a vocabulary unpacks it, which takes up to a tenth of a second and 8 to 24 MB;
//! a text of one unbroken run of letters counts at a few MB a second. So: never where somebody waits
//! for a frame.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::Vocabulary;

/// Whether a vocabulary has been unpacked.
static LOADED: [AtomicBool; Vocabulary::ALL.len()] = [const { AtomicBool::new(false) }; 5];

/// The tokens of a text; `None` where this build has not got the vocabulary. Unpacks it at first use.
pub fn count_tokens(vocabulary: Vocabulary, text: &str) -> Option<u64> {
    let encoding = tiktoken::get_encoding(name(vocabulary))?;
    LOADED[vocabulary.index()].store(true, Ordering::Release);
    Some(encoding.count(text) as u64)
}

/// Has it been unpacked, so that counting is quick?
pub fn is_loaded(vocabulary: Vocabulary) -> bool {
    LOADED[vocabulary.index()].load(Ordering::Acquire)
}

/// What the library calls it.
const fn name(vocabulary: Vocabulary) -> &'static str {
    match vocabulary {
        Vocabulary::O200kBase => "o200k_base",
        Vocabulary::Cl100kBase => "cl100k_base",
        Vocabulary::DeepseekV3 => "deepseek_v3",
        Vocabulary::Qwen3 => "qwen2",
        Vocabulary::MistralV3 => "mistral_v3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vocabulary_of_this_build_counts() {
        for vocabulary in Vocabulary::ALL {
            if vocabulary == Vocabulary::DeepseekV3 && cfg!(not(feature = "vocab-deepseek")) {
                assert_eq!(count_tokens(vocabulary, "hello"), None);
                continue;
            }
            let tokens = count_tokens(vocabulary, "The quick brown fox jumps over it.").unwrap();
            assert!((8..=10).contains(&tokens), "{vocabulary}: {tokens}");
            assert!(is_loaded(vocabulary));
            assert_eq!(count_tokens(vocabulary, ""), Some(0));
        }
    }

    #[test]
    fn what_looks_like_a_control_token_is_counted_as_the_text_it_is() {
        // One token would mean that hostile text can pass for a control token.
        let tokens = count_tokens(Vocabulary::O200kBase, "<|endoftext|>").unwrap();
        assert!(tokens > 1, "{tokens}");
    }

    #[test]
    fn known_counts_hold() {
        // From the vocabulary's publisher: "hello world" is two tokens in both.
        for vocabulary in [Vocabulary::O200kBase, Vocabulary::Cl100kBase] {
            assert_eq!(count_tokens(vocabulary, "hello world"), Some(2));
        }
    }
}
