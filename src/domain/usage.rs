//! One normalised token count, whatever the provider calls its fields.

use serde::{Deserialize, Serialize};

/// Tokens of one attempt. `input` includes `cached_input` and `cache_write`; `output` includes
/// `reasoning`. So cost is `(input − cached − write) × input price + …` with nothing counted twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All prompt tokens.
    pub input: u64,
    /// Prompt tokens read from the provider's prompt cache.
    pub cached_input: u64,
    /// Prompt tokens written to the provider's prompt cache.
    pub cache_write: u64,
    /// Of `cache_write`, tokens written to be kept for an hour, where that has a price of its own.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cache_write_1h: u64,
    /// All answer tokens.
    pub output: u64,
    /// Answer tokens that were thinking.
    pub reasoning: u64,
    /// `true` when the provider did not report and we counted ourselves.
    pub estimated: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(tokens: &u64) -> bool {
    *tokens == 0
}

impl Usage {
    /// Prompt tokens billed at the full input price.
    pub fn fresh_input(&self) -> u64 {
        self.input.saturating_sub(self.cached_input).saturating_sub(self.cache_write)
    }
}

impl std::ops::Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached_input: self.cached_input.saturating_add(other.cached_input),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            estimated: self.estimated || other.estimated,
        }
    }
}
