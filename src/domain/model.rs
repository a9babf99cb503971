//! What is true of a language model as far as routing and billing care: rates and capabilities.

use serde::{Deserialize, Serialize};

use super::{Money, Price, Usage};

/// Prices in force at one moment for one request size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Per prompt token.
    pub input: Price,
    /// Per prompt token read from the provider's cache.
    pub cached_input: Price,
    /// Per prompt token written to the provider's cache.
    pub cache_write: Price,
    /// Per prompt token written to be kept for an hour; as any other written one where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Price>,
    /// Per answer token, thinking included.
    pub output: Price,
}

impl Rates {
    /// What this usage costs. Exact.
    pub fn cost(&self, usage: &Usage) -> Money {
        self.input.times(usage.fresh_input())
            + self.cached_input.times(usage.cached_input)
            + self.cache_write.times(usage.cache_write.saturating_sub(usage.cache_write_1h))
            + self.hour_write().times(usage.cache_write_1h.min(usage.cache_write))
            + self.output.times(usage.output)
    }

    /// What the same tokens would have cost at a model that was not asked: it has nothing of the prompt
    /// in a cache, so all of it is at its full price.
    pub fn cost_elsewhere(&self, usage: &Usage) -> Money {
        self.input.times(usage.input) + self.output.times(usage.output)
    }

    /// The most a prompt token can cost, whether it is fresh, cached or written to the cache.
    pub fn dearest_input(&self) -> Price {
        self.input.max(self.cached_input).max(self.cache_write).max(self.hour_write())
    }

    fn hour_write(&self) -> Price {
        self.cache_write_1h.unwrap_or(self.cache_write)
    }
}

/// How a broken answer can be continued on a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Continuation {
    /// A last assistant message with `prefix: true`.
    Prefix,
    /// A trailing assistant message is continued.
    Prefill,
    /// A last assistant message with `partial: true`.
    Partial,
    /// Only by asking in words.
    #[default]
    Instruct,
    /// Not at all.
    None,
}

/// What a model can do and which parameters it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// It can call tools.
    pub tools: bool,
    /// It reads images.
    pub vision: bool,
    /// It has a JSON mode.
    pub json: bool,
    /// It can hold to a JSON Schema.
    pub structured: bool,
    /// It can think before answering.
    pub reasoning: bool,
    /// It takes `temperature` and `top_p`.
    pub temperature: bool,
    /// It takes a seed.
    pub seed: bool,
    /// How a broken answer is continued.
    pub continuation: Continuation,
}

impl Default for Capabilities {
    /// What almost every chat model can do.
    fn default() -> Self {
        Self {
            tools: true,
            vision: false,
            json: true,
            structured: false,
            reasoning: false,
            temperature: true,
            seed: false,
            continuation: Continuation::Instruct,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_and_written_tokens_are_billed_once_each() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let rates = Rates {
            input: price("3"),
            cached_input: price("0.30"),
            cache_write: price("3.75"),
            cache_write_1h: Some(price("6")),
            output: price("15"),
        };
        let usage = Usage {
            input: 1_000,
            cached_input: 600,
            cache_write: 300,
            cache_write_1h: 100,
            output: 100,
            reasoning: 40,
            estimated: false,
        };
        // 100 × 3 + 600 × 0.30 + 200 × 3.75 + 100 × 6 + 100 × 15 micro-dollars.
        assert_eq!(rates.cost(&usage).to_string(), "0.00333");
        let plain = Rates { cache_write_1h: None, ..rates };
        // 100 × 3 + 600 × 0.30 + 300 × 3.75 + 100 × 15 micro-dollars.
        assert_eq!(plain.cost(&usage).to_string(), "0.003105");
    }
}
