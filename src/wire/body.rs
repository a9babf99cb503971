//! A JSON object with its fields in the order they were set: what request bodies are made of.
//! Invariant: the same fields set in the same order give the same bytes.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// An object under construction.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Body(Vec<(String, Value)>);

impl Body {
    /// Sets a field; one already there keeps its place.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets a field unless it is there or belongs to `reserved`.
    pub(super) fn fill(&mut self, name: &str, value: &Value, reserved: &[&str]) {
        if !reserved.contains(&name) && !self.has(name) {
            self.0.push((name.to_owned(), value.clone()));
        }
    }

    /// Is this field set?
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A field's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Takes a field out.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The bytes to send.
    pub(super) fn to_bytes(&self) -> Bytes {
        // Values made of strings, numbers and maps with string keys always serialise.
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
