//! What goes wrong on purpose, as the console shows it: faults of a simulated fleet, and drills.
//!
//! Must not know: how a fault is put in force. Invariant: without a simulated fleet there is no board,
//! so that no fault can be asked for.

use std::time::Duration;

use crate::domain::UnixMs;

use super::AppState;

/// A kind of fault that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultKind {
    /// What it is called.
    pub word: String,
    /// What may follow it, and what happens.
    pub doc: String,
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultShown {
    /// Where: a provider, or a provider and its model.
    pub place: String,
    /// What: `cut 40`.
    pub words: String,
    /// For so many more calls.
    pub times: Option<u32>,
    /// Until when, where it ends by itself.
    pub until: Option<UnixMs>,
}

/// The faults of a simulated fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultBoard {
    /// Who can be struck.
    pub places: Vec<String>,
    /// By what.
    pub kinds: Vec<FaultKind>,
    /// What is in force.
    pub in_force: Vec<FaultShown>,
}

impl AppState {
    /// When the next countdown on the screen changes its figure, in milliseconds from now.
    pub(super) fn next_countdown(&self) -> Option<u64> {
        let faults = self.faults.iter().flat_map(|board| &board.in_force);
        let faults = faults.filter_map(|fault| fault.until);
        let drills = self.snapshot.iter().flat_map(|snapshot| &snapshot.overrides.drills);
        faults
            .chain(drills.map(|drill| drill.until))
            .filter(|until| *until > self.now)
            .map(|until| step(self.now.until(until)))
            .min()
    }
}

/// A countdown shows minutes, and seconds within the last of them.
const MINUTE_MS: u64 = 60_000;

/// `9m`, and seconds within the last minute.
pub fn time_left(span: Duration) -> String {
    let seconds = span.as_millis().div_ceil(1000);
    if seconds > 60 { format!("{}m", seconds.div_ceil(60)) } else { format!("{seconds}s") }
}

/// Until the figure of so much time left changes, in milliseconds.
fn step(left: Duration) -> u64 {
    let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let unit = if ms > MINUTE_MS { MINUTE_MS } else { 1000 };
    ms.saturating_sub(1) % unit + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_in_minutes_then_in_seconds() {
        assert_eq!(time_left(Duration::from_millis(599_900)), "10m");
        assert_eq!(time_left(Duration::from_millis(60_900)), "2m");
        assert_eq!(time_left(Duration::from_millis(59_001)), "60s");
        assert_eq!(time_left(Duration::from_millis(900)), "1s");
    }

    #[test]
    fn a_countdown_wakes_by_the_minute_and_by_the_second_at_its_end() {
        let step = |ms| step(Duration::from_millis(ms));
        assert_eq!(step(125_000), 5_000);
        assert_eq!(step(120_000), 60_000);
        assert_eq!(step(59_300), 300);
        assert_eq!(step(1_000), 1_000);
    }
}
