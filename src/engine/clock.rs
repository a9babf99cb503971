//! The one clock. Wall time that never runs backwards within a run: read once, then carried on by
//! the monotonic clock, so that windows and circuits survive a clock being set.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::UnixMs;

/// The present moment.
pub fn now() -> UnixMs {
    static BASE: OnceLock<(Instant, i64)> = OnceLock::new();
    let (started, wall) = BASE.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), i64::try_from(wall.as_millis()).unwrap_or(i64::MAX))
    });
    UnixMs(*wall) + started.elapsed()
}
