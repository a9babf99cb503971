//! A decision held again under every policy. Pure: the log keeps what it was decided from.

use std::sync::Arc;

use crate::config::Config;
use crate::engine::LogEntry;
use crate::route;

use super::{Contest, OtherPolicy};

impl Contest {
    /// The same request under every policy, and what would flip the choice.
    pub fn of(config: &Config, entry: &LogEntry) -> Self {
        let policies = config
            .policies
            .iter()
            .map(|(name, weights)| {
                let weights = [weights.quality, weights.cost, weights.speed];
                let input = route::with_policy(&entry.input, name, weights);
                OtherPolicy { policy: name.clone(), decision: Arc::new(route::decide(&input)) }
            })
            .collect();
        let flips = route::flips(&entry.input, &entry.decision);
        Self { request: entry.request, policies, flips }
    }
}
