//! A drill: on this side only, a provider or model is taken to be down, slow, limited or cut, to see
//! what routing would do. The one place of the attempt's path that knows of drills.
//!
//! Must not know: what happens after the attempt. Invariant: while one says `down` or `limit`, no byte
//! leaves for that provider; and every attempt it touched says so.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{
    ErrorReport, ModelName, OutcomeClass, ProviderName, UnixMs, format_span, parse_span,
};

/// Characters of answer a cut lets through: enough to be shown, so that there is something to go on
/// from.
const CUT_AFTER: u64 = 120;

/// How long a slow call waits where nothing is said.
const SLOW: Duration = Duration::from_secs(4);

/// What is pretended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillKind {
    /// Connections are refused.
    Down,
    /// Every call waits so long before it is made.
    Slow(Duration),
    /// 429 until the drill is over.
    Limit,
    /// Answers break off after their first sentence or two.
    Cut,
}

impl DrillKind {
    /// What can be pretended: the word, and what it does.
    pub const WORDS: [(&'static str, &'static str); 4] = [
        ("down", "connections are refused"),
        ("slow", "every call waits, 4s if nothing is said"),
        ("limit", "429 until the drill is over"),
        ("cut", "answers break off"),
    ];

    /// Reads `down`, `slow 4s`, `limit`, `cut`; how many of the words that took. A span alone after
    /// `slow` is its delay.
    pub fn read(words: &[&str]) -> Result<(Self, usize), String> {
        match words {
            ["down", ..] => Ok((Self::Down, 1)),
            ["limit", ..] => Ok((Self::Limit, 1)),
            ["cut", ..] => Ok((Self::Cut, 1)),
            ["slow", span, ..] => parse_span(span)
                .map(|span| (Self::Slow(span), 2))
                .map_err(|error| format!("slow {span}: {error}")),
            ["slow"] => Ok((Self::Slow(SLOW), 1)),
            [] => Err("say how: down, slow 4s, limit or cut".to_owned()),
            [word, ..] => Err(format!("{word:?} is not: down, slow 4s, limit or cut")),
        }
    }

    /// In words: `down`, `slow 4s`.
    pub fn words(self) -> String {
        match self {
            Self::Down => "down".to_owned(),
            Self::Slow(span) => format!("slow {}", format_span(span)),
            Self::Limit => "limit".to_owned(),
            Self::Cut => "cut".to_owned(),
        }
    }
}

/// A drill in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// A model's or provider's name.
    pub name: String,
    /// What is pretended.
    pub kind: DrillKind,
    /// Until when.
    pub until: UnixMs,
}

impl Drill {
    /// Does it concern this model of this provider?
    pub fn covers(&self, provider: &ProviderName, model: &ModelName) -> bool {
        self.name == provider.as_str() || self.name == model.as_str()
    }
}

/// The drill an attempt is under; one named for the model goes before its provider's.
pub(super) fn on<'a>(
    drills: &'a [Drill],
    provider: &ProviderName,
    model: &ModelName,
    now: UnixMs,
) -> Option<&'a Drill> {
    let live = || drills.iter().filter(|drill| now < drill.until);
    live()
        .find(|drill| drill.name == model.as_str())
        .or_else(|| live().find(|drill| drill.name == provider.as_str()))
}

/// Before the call is made: waits or fails as the drill has it.
pub(super) async fn before(
    drill: Option<&Drill>,
    provider: &ProviderName,
    now: UnixMs,
    by: Instant,
) -> Result<(), ErrorReport> {
    let Some(drill) = drill else { return Ok(()) };
    match drill.kind {
        DrillKind::Down => {
            // One model's drill says nothing of the address its provider's other models are at.
            let code = if drill.name == provider.as_str() { "connect" } else { "reset" };
            Err(ErrorReport::new(OutcomeClass::Network, code, "connection refused (drill)"))
        }
        DrillKind::Limit => {
            let words = "Rate limit reached (drill)";
            let mut error = ErrorReport::new(OutcomeClass::Throttle, "rate_limit", words);
            let left = now.until(drill.until);
            error.status = Some(429);
            error.retry_after_ms = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
            Err(error)
        }
        DrillKind::Slow(span) => {
            tokio::time::sleep_until((Instant::now() + span).min(by)).await;
            Ok(())
        }
        DrillKind::Cut => Ok(()),
    }
}

/// After so many characters of answer: does it break off here?
pub(super) fn after(drill: Option<&Drill>, chars: u64) -> Result<(), ErrorReport> {
    match drill.map(|drill| drill.kind) {
        Some(DrillKind::Cut) if chars >= CUT_AFTER => {
            let words = "the connection broke mid-answer (drill)";
            Err(ErrorReport::new(OutcomeClass::Network, "reset", words))
        }
        Some(DrillKind::Down | DrillKind::Slow(_) | DrillKind::Limit | DrillKind::Cut) | None => {
            Ok(())
        }
    }
}

/// What is said of an attempt, where a drill was part of it.
pub(super) fn mark(drill: Option<DrillKind>, detail: String) -> String {
    match drill {
        Some(kind) if !detail.contains("(drill)") => format!("{detail} (drill: {})", kind.words()),
        Some(_) | None => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(name: &str, kind: DrillKind) -> Drill {
        Drill { name: name.to_owned(), kind, until: UnixMs(60_000) }
    }

    #[test]
    fn a_models_own_drill_goes_before_its_providers_and_ends_in_time() {
        let drills = [drill("lab", DrillKind::Down), drill("small", DrillKind::Cut)];
        let on = |model: &str, now| {
            on(&drills, &"lab".into(), &model.into(), UnixMs(now)).map(|drill| drill.kind)
        };
        assert_eq!(on("small", 0), Some(DrillKind::Cut));
        assert_eq!(on("large", 0), Some(DrillKind::Down));
        assert_eq!(on("large", 60_000), None);
    }

    #[tokio::test(start_paused = true)]
    async fn each_kind_looks_as_the_fault_would() {
        let far = Instant::now() + Duration::from_mins(5);
        let run = |kind| async move {
            before(Some(&drill("lab", kind)), &"lab".into(), UnixMs(20_000), far).await
        };
        let down = run(DrillKind::Down).await.unwrap_err();
        assert_eq!((down.class, &*down.code), (OutcomeClass::Network, "connect"));
        let limit = run(DrillKind::Limit).await.unwrap_err();
        assert_eq!((limit.class, limit.status), (OutcomeClass::Throttle, Some(429)));
        assert_eq!(limit.retry_after_ms, Some(40_000));
        let start = Instant::now();
        run(DrillKind::Slow(Duration::from_secs(4))).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 4);
        assert!(run(DrillKind::Cut).await.is_ok());
        let cut = drill("lab", DrillKind::Cut);
        assert!(after(Some(&cut), 10).is_ok() && after(None, 10_000).is_ok());
        assert_eq!(after(Some(&cut), CUT_AFTER).unwrap_err().class, OutcomeClass::Network);
    }

    #[test]
    fn every_attempt_under_a_drill_says_so_once() {
        let slow = Some(DrillKind::Slow(Duration::from_secs(4)));
        assert_eq!(mark(slow, "answered".to_owned()), "answered (drill: slow 4s)");
        assert_eq!(mark(Some(DrillKind::Down), "refused (drill)".to_owned()), "refused (drill)");
        assert_eq!(mark(None, "answered".to_owned()), "answered");
    }
}
