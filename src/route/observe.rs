//! What the engine reports to the router's folds, and the health they add up to.

use serde::{Deserialize, Serialize};

use crate::domain::{OutcomeClass, RateWindow, UnixMs};

/// How a model's endpoint is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// Works.
    Up,
    /// Works, slower than its limit or its own usual.
    Slow,
    /// Being tried again after failing.
    Probing,
    /// Does not work.
    Down,
}

/// Whether its next first token is likely to be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warmth {
    /// Idle for longer than its provider keeps things warm.
    #[default]
    Cold,
    /// Used or pinged lately.
    Warm,
}

/// What was measured of a model over its sliding window. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelHealth {
    /// In one word.
    pub state: HealthState,
    /// Samples in the window.
    pub samples: u32,
    /// Median time to first token.
    pub ttft_p50: Option<u64>,
    /// 95th percentile of it.
    pub ttft_p95: Option<u64>,
    /// Median time to the last token.
    pub total_p50: Option<u64>,
    /// 95th percentile of it.
    pub total_p95: Option<u64>,
    /// Median tokens per second after the first.
    pub tokens_per_s: Option<f64>,
    /// 95th percentile of an answer's longest silence after its first token.
    pub gap_p95: Option<u64>,
    /// Failed share of the window's attempts, 0 to 1.
    pub error_rate: f32,
    /// Warm or cold.
    pub warmth: Warmth,
    /// Attempts running now.
    pub in_flight: u32,
}

/// What the engine saw; folded into the router's state.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// An attempt left the socket.
    Started,
    /// Its first content token.
    FirstToken {
        /// Milliseconds from sent.
        ttft_ms: u64,
    },
    /// It ended.
    Ended {
        /// `None` when it went well.
        outcome: Option<OutcomeClass>,
        /// Milliseconds from sent to the end.
        total_ms: u64,
        /// Answer tokens.
        output_tokens: u64,
        /// Milliseconds from the first to the last token.
        streaming_ms: u64,
        /// Its longest silence after the first token, in milliseconds.
        gap_ms: Option<u64>,
        /// How long it asked us to stay away.
        retry_after_ms: Option<u64>,
        /// A few words for people.
        detail: String,
    },
    /// Rate-limit headers of an answer.
    Limits {
        /// What they said.
        windows: Vec<RateWindow>,
        /// When they arrived: long before the end of a long answer.
        told_at: UnixMs,
    },
    /// How large an attempt was, for limits counted in tokens.
    Used {
        /// Prompt tokens, cached ones included.
        input: u64,
        /// Answer tokens.
        output: u64,
    },
    /// A free call to its endpoint went well or not.
    Pinged {
        /// Milliseconds it took; `None` when it failed.
        ms: Option<u64>,
    },
    /// A token was paid for to keep it warm. It is nobody's answer and no sample.
    Warmed {
        /// `None` when it went well.
        outcome: Option<OutcomeClass>,
        /// Milliseconds from sent to the end.
        total_ms: u64,
        /// How long it asked us to stay away.
        retry_after_ms: Option<u64>,
        /// A few words for people.
        detail: String,
    },
}
