//! The tier of service a call asks for.
//!
//! Must not know prices. Invariant: what is asked is what is on the wire: the request's own word, else
//! the configured one, else a parameter that is sent as it is.

use serde_json::{Map, Value};

use crate::config::{Dialect, Model};
use crate::domain::{Request, ServiceTier};

const FIELD: &str = "service_tier";

/// The tier a call of this request to this model asks for; `None` where it leaves that to the
/// provider, or the model is not known to take that tier: most servers ignore the field.
pub fn asked(request: &Request, dialect: Dialect, model: &Model) -> Option<ServiceTier> {
    let asked = match dialect {
        Dialect::OpenAi => match request.params.extra.get(FIELD) {
            Some(word) => word.as_str().and_then(ServiceTier::read),
            None => model.service_tier.or_else(|| passed(&model.params)),
        },
        Dialect::Anthropic => passed(&model.params),
    };
    asked.filter(|tier| model.quirks.service_tiers.contains(tier))
}

/// What the OpenAI dialect writes of its own accord.
pub(super) fn writes(request: &Request, model: &Model) -> Option<ServiceTier> {
    model.service_tier.filter(|_| !request.params.extra.contains_key(FIELD))
}

fn passed(params: &Map<String, Value>) -> Option<ServiceTier> {
    params.get(FIELD).and_then(Value::as_str).and_then(ServiceTier::read)
}
