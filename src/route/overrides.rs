//! Which of the things imposed by hand applies to a message: plain lists in, the effective one out.
//!
//! Owns: precedence. Must not know: where the lists are kept. Invariant: the narrower scope wins
//! (message, session, tag, all), then the newer; what has expired applies to nothing.

use crate::domain::{ModelName, PinScope, ProviderName, SessionId, UnixMs};

use super::Imposed;

/// A pin as it was made.
#[derive(Debug, Clone, Copy)]
pub struct PinEntry<'a> {
    /// The model.
    pub model: &'a ModelName,
    /// For what.
    pub scope: &'a PinScope,
    /// The session it belongs to, where the scope is one.
    pub session: Option<SessionId>,
    /// Until when.
    pub until: Option<UnixMs>,
}

impl PinEntry<'_> {
    fn rank(&self, session: Option<SessionId>, tags: &[String], now: UnixMs) -> Option<u8> {
        if self.until.is_some_and(|until| until <= now) {
            return None;
        }
        let here = self.session.is_none() || self.session == session;
        match self.scope {
            PinScope::Message => here.then_some(3),
            PinScope::Session => (self.session.is_some() && here).then_some(2),
            PinScope::Tag(tag) => {
                tags.iter().any(|held| held.eq_ignore_ascii_case(tag)).then_some(1)
            }
            PinScope::All => Some(0),
        }
    }
}

/// The pin that applies to a message of this session with these tags; `pins` oldest first. It names
/// the model to ask first; making it exclusive is the caller's to say.
pub fn effective_pin<'a>(
    pins: impl IntoIterator<Item = PinEntry<'a>>,
    session: Option<SessionId>,
    tags: &[String],
    now: UnixMs,
) -> Option<Imposed> {
    let mut best: Option<(u8, PinEntry<'a>)> = None;
    for pin in pins {
        if let Some(rank) = pin.rank(session, tags, now)
            && best.as_ref().is_none_or(|(held, _)| rank >= *held)
        {
            best = Some((rank, pin));
        }
    }
    best.map(|(_, pin)| Imposed {
        scope: pin.scope.clone(),
        model: pin.model.clone(),
        exclusive: false,
        yields: false,
    })
}

/// Until when a model is kept out by lists of names (its own or its provider's), the longest;
/// `UnixMs(i64::MAX)` for good, `None` when it is not.
pub fn kept_out_until<'a>(
    entries: impl IntoIterator<Item = (&'a str, Option<UnixMs>)>,
    model: &ModelName,
    provider: &ProviderName,
    now: UnixMs,
) -> Option<UnixMs> {
    entries
        .into_iter()
        .filter(|(name, _)| *name == model.as_str() || *name == provider.as_str())
        .map(|(_, until)| until.unwrap_or(UnixMs(i64::MAX)))
        .filter(|until| *until > now)
        .max()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_narrower_pin_wins_then_the_newer_and_expired_ones_are_gone() {
        let [a, b, c, d]: [ModelName; 4] = ["a", "b", "c", "d"].map(ModelName::from);
        let here = Some(SessionId(Uuid::from_u128(1)));
        let there = Some(SessionId(Uuid::from_u128(2)));
        let legal = PinScope::Tag("legal".into());
        let pin = |model, scope, session, until: Option<i64>| PinEntry {
            model,
            scope,
            session,
            until: until.map(UnixMs),
        };
        let pins = [
            pin(&a, &PinScope::All, None, None),
            pin(&b, &PinScope::All, None, Some(100)),
            pin(&c, &PinScope::Session, here, None),
            pin(&d, &legal, None, None),
        ];
        let found = |session, tags: &[String], now| {
            effective_pin(pins, session, tags, UnixMs(now)).map(|i| i.model.to_string())
        };
        assert_eq!(found(None, &[], 50).as_deref(), Some("b"));
        assert_eq!(found(None, &[], 100).as_deref(), Some("a"));
        assert_eq!(found(here, &["legal".into()], 100).as_deref(), Some("c"));
        assert_eq!(found(there, &["legal".into()], 100).as_deref(), Some("d"));
        assert_eq!(effective_pin([], here, &[], UnixMs(0)), None);
    }

    #[test]
    fn a_veto_by_provider_counts_for_its_models_and_the_longest_holds() {
        let (model, provider) = (ModelName::from("opus"), ProviderName::from("anthropic"));
        let until = |list: &[(&str, Option<i64>)], now| {
            let list: Vec<_> = list.iter().map(|(n, u)| (*n, u.map(UnixMs))).collect();
            kept_out_until(list, &model, &provider, UnixMs(now))
        };
        assert_eq!(until(&[("opus", Some(10)), ("anthropic", Some(20))], 5), Some(UnixMs(20)));
        assert_eq!(until(&[("opus", None)], 5), Some(UnixMs(i64::MAX)));
        assert_eq!(until(&[("opus", Some(5)), ("mini", None)], 5), None);
    }
}
