//! A small fingerprint of each thing that can change an answer, so that a miss can be explained by
//! what differs from the nearest entry. Holds hashes, never texts.
//!
//! Invariant: two requests with the same key have the same fields, and the reverse but for chance.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::{Message, Request};

use super::key::{KeyParts, canonical};

/// What can change an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Who serves it, and where.
    Provider,
    /// The model.
    Model,
    /// Parameters the configuration adds, and how the model is asked.
    Fixed,
    /// Whose entry it is.
    Tenant,
    /// The system prompt.
    System,
    /// The conversation before the newest message.
    History,
    /// The newest message.
    Prompt,
    /// The tools offered.
    Tools,
    /// The temperature.
    Temperature,
    /// The seed.
    Seed,
    /// The caller's cap.
    MaxTokens,
    /// Any other parameter.
    Params,
}

impl Field {
    /// In the order they are kept.
    pub const ALL: [Self; 12] = [
        Self::Provider,
        Self::Model,
        Self::Fixed,
        Self::Tenant,
        Self::System,
        Self::History,
        Self::Prompt,
        Self::Tools,
        Self::Temperature,
        Self::Seed,
        Self::MaxTokens,
        Self::Params,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Provider => "the provider",
            Self::Model => "the model",
            Self::Fixed => "the model's own parameters",
            Self::Tenant => "the tenant",
            Self::System => "the system prompt",
            Self::History => "the history",
            Self::Prompt => "the newest message",
            Self::Tools => "the tools",
            Self::Temperature => "the temperature",
            Self::Seed => "the seed",
            Self::MaxTokens => "max tokens",
            Self::Params => "another parameter",
        }
    }
}

/// The fingerprints, in the order of [`Field::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Fields([u64; Field::ALL.len()]);

impl Fields {
    /// Of this request on this model.
    pub fn of(request: &Request, parts: &KeyParts<'_>) -> Self {
        let (newest, before): (&[Message], &[Message]) = match request.messages.split_last() {
            Some((newest, before)) => (std::slice::from_ref(newest), before),
            None => (&[], &[]),
        };
        let params = &request.params;
        let mut others = serde_json::to_value(params).unwrap_or_default();
        if let Some(map) = others.as_object_mut() {
            for known in ["temperature", "seed", "max_tokens"] {
                map.remove(known);
            }
        }
        let whole = |messages: &[Message]| canonical(serde_json::to_value(messages));
        Self(Field::ALL.map(|field| {
            let text = match field {
                Field::Provider => json!([parts.provider, parts.endpoint]).to_string(),
                Field::Model => parts.model_id.to_owned(),
                Field::Fixed => fixed(parts.params) + parts.written,
                Field::Tenant => parts.tenant.to_owned(),
                Field::System => json!(request.system).to_string(),
                Field::History => whole(before),
                Field::Prompt => whole(newest),
                Field::Tools => canonical(serde_json::to_value(&request.tools)),
                Field::Temperature => json!(params.temperature).to_string(),
                Field::Seed => json!(params.seed).to_string(),
                Field::MaxTokens => json!(params.max_tokens).to_string(),
                Field::Params => canonical(Ok(others.clone())),
            };
            let hash = blake3::hash(text.as_bytes());
            let mut first = [0; 8];
            first.copy_from_slice(&hash.as_bytes()[..8]);
            u64::from_le_bytes(first)
        }))
    }

    /// What differs from `other`.
    pub fn differing(&self, other: &Self) -> Vec<Field> {
        let pairs = self.0.iter().zip(&other.0).zip(Field::ALL);
        pairs.filter(|((a, b), _)| a != b).map(|(_, field)| field).collect()
    }

    /// How many differ from `other`.
    pub fn distance(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(a, b)| a != b).count()
    }
}

fn fixed(params: &Map<String, Value>) -> String {
    canonical(Ok(Value::Object(params.clone())))
}
