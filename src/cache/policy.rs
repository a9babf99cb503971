//! What may be cached, and why not.

use serde_json::Value;

use crate::domain::{Audience, CacheMode, Capabilities, Finish, Request, ToolCallParts};

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
    /// It stays on this machine, and a cache may be elsewhere.
    Private,
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
            Self::Private => "it is private",
            Self::AskedNot => "the request asked not to",
            Self::Temperature => "temperature is not 0",
            Self::Seed => "no seed was given",
            Self::NotHonoured => "the model does not honour temperature 0",
            Self::Nobody => "no model fits",
        }
    }
}

/// Why an answer to a request that is cached is not kept after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unkept {
    /// It stopped at a cap, or calls a tool by halves.
    NotWhole,
    /// Several calls wrote it.
    Joined,
    /// Something speaks against its being whole.
    Doubted,
    /// Nothing kept it: it is too large, or what is shared did not answer.
    NoRoom,
}

impl Unkept {
    /// In words, for the screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotWhole => "it is not whole",
            Self::Joined => "it was put together from several calls",
            Self::Doubted => "it is perhaps not whole",
            Self::NoRoom => "there is no room for it",
        }
    }
}

/// Is an answer that ended so whole, as far as its parts tell? One that was done with its text, or one
/// that calls tools, each by name and with arguments that are JSON or none.
pub fn is_whole(finish: Finish, text: &str, tool_calls: &[ToolCallParts]) -> bool {
    let whole = |call: &ToolCallParts| {
        let arguments = call.arguments.trim();
        let readable = arguments.is_empty() || serde_json::from_str::<Value>(arguments).is_ok();
        readable && !call.name.is_empty()
    };
    match finish {
        Finish::Stop => !text.is_empty() && tool_calls.is_empty(),
        Finish::ToolCalls => !tool_calls.is_empty() && tool_calls.iter().all(whole),
        Finish::Length
        | Finish::ContentFilter
        | Finish::Truncated
        | Finish::Cancelled
        | Finish::Error => false,
    }
}

/// May an answer of a model with these capabilities to this request be kept and given again?
pub fn may_cache(
    request: &Request,
    capabilities: &Capabilities,
    demand: Demand,
) -> Result<(), Refusal> {
    if request.audience() == Audience::Here {
        return Err(Refusal::Private);
    }
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

    #[test]
    fn an_answer_to_a_private_message_is_in_no_cache() {
        let mut tagged = request(Some(0.0), Some(1));
        tagged.tags = vec!["private".to_owned()];
        let caps = Capabilities::default();
        assert_eq!(may_cache(&tagged, &caps, Demand::Anything), Err(Refusal::Private));
    }

    #[test]
    fn an_answer_that_calls_tools_is_whole_with_every_call() {
        let call = |name: &str, arguments: &str| ToolCallParts {
            id: "c".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let called = |calls: &[ToolCallParts]| is_whole(Finish::ToolCalls, "", calls);
        assert!(called(&[call("a", "{\"x\":1}"), call("b", "")]));
        assert!(is_whole(Finish::ToolCalls, "Let me see.", &[call("a", "{}")]));
        assert!(!called(&[]), "it calls nothing");
        assert!(!called(&[call("a", "{}"), call("", "{}")]), "one has no name");
        assert!(!called(&[call("a", "{\"x\":")]), "one is cut");
        assert!(is_whole(Finish::Stop, "text", &[]) && !is_whole(Finish::Stop, "", &[]));
        assert!(
            !is_whole(Finish::Stop, "text", &[call("a", "{}")]),
            "it did not end with its calls"
        );
        for finish in [Finish::Length, Finish::Truncated, Finish::Error, Finish::Cancelled] {
            assert!(!is_whole(finish, "text", &[]) && !is_whole(finish, "", &[call("a", "{}")]));
        }
    }
}
