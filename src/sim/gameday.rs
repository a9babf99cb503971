//! A game day: faults that strike the fleet at set times, played while everything else goes on.
//!
//! Owns: when each strikes and ends, and saying so. Must not know: who listens. Invariant: what was
//! read was checked against the fleet, so playing it cannot fail.

mod read;

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::format_span;

use super::control::{Control, Until};
use super::order::Strike;

pub use read::Mistake;

/// Scripts that are shipped, by name.
const SHIPPED: &[(&str, &str)] = &[("gameday", include_str!("../../assets/sim/gameday.toml"))];

/// A fault and when it strikes, counted from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Timed {
    at: Duration,
    strike: Strike,
}

/// Faults over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameDay {
    strikes: Vec<Timed>,
}

impl GameDay {
    /// Reads a script, TOML or JSON lines, against the fleet it is for; all mistakes at once.
    pub fn read(text: &str, fleet: &Control) -> Result<Self, Vec<Mistake>> {
        let mut strikes = read::strikes(text, fleet)?;
        strikes.sort_by_key(|timed| timed.at);
        Ok(Self { strikes })
    }

    /// A shipped script.
    pub fn shipped(name: &str) -> Option<&'static str> {
        SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The names of shipped scripts.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// How many faults there are, and when the last is over by itself.
    pub fn extent(&self) -> (usize, Duration) {
        let end = |timed: &Timed| match timed.strike.until {
            Until::For(span) => timed.at.saturating_add(span),
            Until::Times(_) | Until::Cleared => timed.at,
        };
        (self.strikes.len(), self.strikes.iter().map(end).max().unwrap_or_default())
    }

    /// Plays it, saying when each fault strikes and when it is over. Ends with the last; dropped,
    /// nothing more strikes, and what is in force stays.
    pub async fn play(self, fleet: Control, tell: impl Fn(String)) {
        let start = Instant::now();
        let strikes = self.strikes.iter().map(|timed| one(timed, &fleet, start, &tell));
        futures_util::future::join_all(strikes).await;
    }
}

async fn one(timed: &Timed, fleet: &Control, start: Instant, tell: &impl Fn(String)) {
    let strike = &timed.strike;
    tokio::time::sleep_until(start + timed.at).await;
    let Ok(id) = fleet.strike(strike) else { return };
    tell(format!("{}  {}", moment(start), strike.words()));
    if strike.until == Until::Cleared {
        return;
    }
    let mut changes = fleet.changes();
    while fleet.in_force(&strike.provider, id) {
        changes.next().await;
    }
    tell(format!("{}  {} is over", moment(start), strike.words()));
}

/// How far in it is: `+10s`.
fn moment(start: Instant) -> String {
    format!("+{}", format_span(Duration::from_secs(start.elapsed().as_secs())))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::sim::{FleetOptions, Ports, start};

    async fn fleet() -> crate::sim::Fleet {
        start(FleetOptions { seed: 1, ports: Ports::Any, pace: 0.0 }).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn faults_strike_and_end_at_their_times_and_it_is_said() {
        let fleet = fleet().await;
        let text = "[[fault]]\nat = \"10s\"\nfor = \"1m\"\nprovider = \"sim-deepseek\"\n\
            kind = \"status\"\nstatus = 503\n\
            [[fault]]\nprovider = \"qwen\"\nkind = \"cut\"\nafter = 12\nfor = \"5s\"\n";
        let day = GameDay::read(text, &fleet.control()).unwrap();
        assert_eq!(day.extent(), (2, Duration::from_secs(70)));
        let told = RefCell::new(Vec::new());
        let before = Instant::now();
        day.play(fleet.control(), |line| told.borrow_mut().push(line)).await;
        assert_eq!(before.elapsed().as_secs(), 70);
        assert_eq!(
            told.into_inner(),
            [
                "+0s  sim-qwen cut 12 for 5s",
                "+5s  sim-qwen cut 12 for 5s is over",
                "+10s  sim-deepseek 503 for 1m",
                "+70s  sim-deepseek 503 for 1m is over",
            ]
        );
    }

    #[tokio::test]
    async fn every_shipped_script_fits_the_fleet() {
        let fleet = fleet().await;
        for name in GameDay::names() {
            let text = GameDay::shipped(name).unwrap();
            let day = GameDay::read(text, &fleet.control());
            assert!(day.is_ok(), "{name}: {day:?}");
        }
    }
}
