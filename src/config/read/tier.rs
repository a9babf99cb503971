//! `service_tier`, `service_tiers` and `tier`.
//!
//! Owns: the words for tiers of service and who may ask for which. Must not know prices. Invariant: a
//! model asks only for a tier that it is said to take.

use crate::config::provider::{Dialect, Provider, Quirks};
use crate::config::reader::Fields;
use crate::domain::{ServiceTier, nearest};

/// Those an answer can be served in, asked for or not.
const SERVED: [ServiceTier; 5] = [
    ServiceTier::Flex,
    ServiceTier::Priority,
    ServiceTier::Ultrafast,
    ServiceTier::Scale,
    ServiceTier::Batch,
];

fn words<const N: usize>(tiers: [ServiceTier; N]) -> [(&'static str, ServiceTier); N] {
    tiers.map(|tier| (tier.name(), tier))
}

/// The tier a price holds in.
pub(super) fn served(fields: &Fields<'_>) -> Option<ServiceTier> {
    fields.choice("tier", &words(SERVED))
}

/// The tiers that can be asked for; `None` where nothing is said of them.
pub(super) fn taken(fields: &Fields<'_>) -> Option<Vec<ServiceTier>> {
    let known = words(ServiceTier::ASKED);
    let mut taken = Vec::new();
    for (text, at) in fields.texts("service_tiers")? {
        if let Some((_, tier)) = known.iter().find(|(word, _)| *word == text) {
            taken.push(*tier);
        } else {
            let near = nearest(text, known.iter().map(|(word, _)| *word)).map(str::to_owned);
            let message = format!("there is no tier {text:?} to ask for");
            fields.ctx.error_near(at, &fields.path_of("service_tiers"), message, near);
        }
    }
    Some(taken)
}

/// The tier a provider's calls ask for.
pub(super) fn of_provider(
    fields: &Fields<'_>,
    quirks: &Quirks,
    dialect: Dialect,
) -> Option<ServiceTier> {
    asked(fields, quirks, dialect)
}

/// The tier a model's calls ask for: its own, else its provider's where it takes that one.
pub(super) fn of_model(
    fields: &Fields<'_>,
    quirks: &Quirks,
    provider: Option<&Provider>,
) -> Option<ServiceTier> {
    let provider = provider?;
    match fields.node("service_tier") {
        Some(_) => asked(fields, quirks, provider.dialect),
        None => provider.service_tier.filter(|tier| quirks.service_tiers.contains(tier)),
    }
}

fn asked(fields: &Fields<'_>, quirks: &Quirks, dialect: Dialect) -> Option<ServiceTier> {
    let tier = fields.choice("service_tier", &words(ServiceTier::ASKED))?;
    match dialect {
        Dialect::OpenAi => {}
        Dialect::Anthropic => {
            let message = "tiers are asked for in the openai dialect only; here params = { service_tier = \"…\" } is sent as it is";
            fields.wrong("service_tier", message);
            return None;
        }
    }
    if quirks.service_tiers.contains(&tier) {
        return Some(tier);
    }
    let taken: Vec<&str> = quirks.service_tiers.iter().map(|tier| tier.name()).collect();
    let message = match taken.as_slice() {
        [] => format!(
            "it takes no tier that we know of; if it does, quirks.service_tiers = [\"{tier}\"] says so"
        ),
        _ => format!(
            "it is not known to take {tier}, only {}; if it does, add it to quirks.service_tiers",
            taken.join(", ")
        ),
    };
    fields.wrong("service_tier", message);
    None
}
