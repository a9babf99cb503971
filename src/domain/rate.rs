//! Rate limits as providers tell them in headers, in one shape.

use serde::{Deserialize, Serialize};

use super::UnixMs;

/// One rate limit as last told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateWindow {
    /// `requests`, `tokens`, `input-tokens`, `output-tokens`.
    pub what: String,
    /// How many in a window.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When it is full again.
    pub resets_at: Option<UnixMs>,
}
