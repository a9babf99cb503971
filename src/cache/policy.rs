//! What may be cached, and why not.

use crate::domain::{CacheMode, Capabilities, Request};

/// What is demanded of a request before its answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Demand {
    /// That asking again would give the same answer.
    Repeatable,
    /// Nothing.
    Anything,
    /// The impossible: the cache is off.
    Never,
}

/// Why a request is not cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The configuration says never.
    Never,
    /// The request says no.
    AskedNot,
    /// Its temperature is not explicitly zero.
    Temperature,
    /// The model takes a seed and none was given.
    Seed,
    /// The model does not honour the temperature it was given.
    NotHonoured,
    /// No model fits it.
    Nobody,
}

impl Refusal {
    /// In words, for the screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Never => "the cache is off",
            Self::AskedNot => "the request asked not to",
            Self::Temperature => "temperature is not 0",
            Self::Seed => "no seed was given",
            Self::NotHonoured => "the model does not honour temperature 0",
            Self::Nobody => "no model fits",
        }
    }
}

/// May an answer of a model with these capabilities to this request be kept and given again?
pub fn may_cache(
    request: &Request,
    capabilities: &Capabilities,
    demand: Demand,
) -> Result<(), Refusal> {
    if request.cache == CacheMode::Off {
        return Err(Refusal::AskedNot);
    }
    match demand {
        Demand::Never => Err(Refusal::Never),
        Demand::Anything => Ok(()),
        Demand::Repeatable => {
            if request.params.temperature != Some(0.0) {
                Err(Refusal::Temperature)
            } else if !capabilities.temperature {
                Err(Refusal::NotHonoured)
            } else if capabilities.seed && request.params.seed.is_none() {
                Err(Refusal::Seed)
            } else {
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Origin, ReaderKind, RequestId};

    fn request(temperature: Option<f64>, seed: Option<i64>) -> Request {
        let id = RequestId(uuid::Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, "hi");
        request.params.temperature = temperature;
        request.params.seed = seed;
        request
    }

    #[test]
    fn only_repeatable_requests_are_cached_by_default() {
        let seeded = Capabilities { seed: true, ..Capabilities::default() };
        let unseeded = Capabilities::default();
        let deaf = Capabilities { temperature: false, ..Capabilities::default() };
        let ask = |t, s, c: &Capabilities| may_cache(&request(t, s), c, Demand::Repeatable);
        assert_eq!(ask(None, None, &unseeded), Err(Refusal::Temperature));
        assert_eq!(ask(Some(0.7), Some(1), &seeded), Err(Refusal::Temperature));
        assert_eq!(ask(Some(0.0), None, &seeded), Err(Refusal::Seed));
        assert_eq!(ask(Some(0.0), Some(1), &seeded), Ok(()));
        assert_eq!(ask(Some(0.0), None, &unseeded), Ok(()));
        assert_eq!(ask(Some(0.0), None, &deaf), Err(Refusal::NotHonoured));
    }

    #[test]
    fn the_request_and_the_configuration_can_say_no() {
        let mut off = request(Some(0.0), Some(1));
        off.cache = CacheMode::Off;
        let caps = Capabilities::default();
        assert_eq!(may_cache(&off, &caps, Demand::Anything), Err(Refusal::AskedNot));
        let plain = request(None, None);
        assert_eq!(may_cache(&plain, &caps, Demand::Never), Err(Refusal::Never));
        assert_eq!(may_cache(&plain, &caps, Demand::Anything), Ok(()));
    }
}
