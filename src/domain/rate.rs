//! Rate limits as providers tell them in headers, in one shape.

use serde::{Deserialize, Serialize};

use super::UnixMs;

/// Whose requests a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateScope {
    /// Those to the model that told it.
    #[default]
    Model,
    /// Those to any model of its provider.
    Account,
}

/// One rate limit as last told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateWindow {
    /// `requests`, `tokens`, `input-tokens`, `output-tokens`.
    pub what: String,
    /// Whose requests it counts.
    #[serde(default)]
    pub scope: RateScope,
    /// How many in a window.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When it is full again.
    pub resets_at: Option<UnixMs>,
}
