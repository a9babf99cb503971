//! The prompts the demo offers, each with what it shows.
//!
//! Owns: reading `assets/demo/prompts.toml`. Must not know: who shows them.

use std::sync::LazyLock;

use serde::Deserialize;

use super::data;

/// A prompt worth trying.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoPrompt {
    /// A few words for a menu.
    pub title: String,
    /// The prompt.
    pub text: String,
    /// What it shows, in one line.
    pub shows: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    prompt: Vec<DemoPrompt>,
}

/// The shipped prompts.
pub fn prompts() -> &'static [DemoPrompt] {
    static PROMPTS: LazyLock<Vec<DemoPrompt>> = LazyLock::new(|| {
        let text = include_str!("../../assets/demo/prompts.toml");
        data::read::<File>(text).map(|file| file.prompt).unwrap_or_default()
    });
    &PROMPTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::library;

    #[test]
    fn ten_prompts_are_shipped_and_each_finds_a_written_reply() {
        assert_eq!(prompts().len(), 10);
        for prompt in prompts() {
            assert!(library::topic(&prompt.text).is_some(), "{}", prompt.title);
        }
        let mut files: Vec<_> =
            prompts().iter().filter_map(|p| library::topic(&p.text)).map(|t| &t.file).collect();
        files.dedup();
        assert_eq!(files.len(), 10, "{files:?}");
    }
}
