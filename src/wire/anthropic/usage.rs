//! Usage as the Anthropic dialect reports it: in parts that do not overlap, some at the start, some
//! at the end. Invariant: a later figure replaces an earlier one of the same name; nothing is summed
//! twice.

use serde_json::Value;

use crate::domain::Usage;
use crate::wire::frame::MOST_TOKENS;

/// The figures so far.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Meter {
    fresh: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    hour: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl Meter {
    /// Takes a `usage` object; says whether anything changed.
    pub(super) fn take(&mut self, usage: &Value) -> bool {
        let before = self.clone();
        let count = |value: &Value| value.as_u64().filter(|count| *count <= MOST_TOKENS);
        let number = |name: &str| usage.get(name).and_then(count);
        self.fresh = number("input_tokens").or(self.fresh);
        self.read = number("cache_read_input_tokens").or(self.read);
        let split = || {
            let kinds = usage.get("cache_creation")?.as_object()?;
            Some(kinds.values().filter_map(count).sum())
        };
        self.written = number("cache_creation_input_tokens").or_else(split).or(self.written);
        let hour =
            usage.get("cache_creation").and_then(|kinds| kinds.get("ephemeral_1h_input_tokens"));
        self.hour = hour.and_then(count).or(self.hour);
        self.output = number("output_tokens").or(self.output);
        let thinking = usage.get("output_tokens_details").and_then(|details| {
            details
                .get("thinking_tokens")
                .or_else(|| details.get("reasoning_tokens"))
                .and_then(count)
        });
        self.thinking = thinking.or(self.thinking);
        *self != before
    }

    /// The figures in the one shape: the prompt is the sum of its parts.
    pub(super) fn total(&self) -> Usage {
        let (read, written) = (self.read.unwrap_or(0), self.written.unwrap_or(0));
        let output = self.output.unwrap_or(0);
        Usage {
            input: self.fresh.unwrap_or(0) + read + written,
            cached_input: read,
            cache_write: written,
            cache_write_1h: self.hour.unwrap_or(0).min(written),
            output,
            reasoning: self.thinking.unwrap_or(0).min(output),
            estimated: false,
        }
    }
}
