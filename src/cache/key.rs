//! The cache key: a cryptographic hash over the canonical form of everything that can change an
//! answer. Canonical means: object keys sorted, no white space, absent fields absent.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::domain::Request;

/// Raised whenever the canonical form changes, so that old entries are never read by new code.
const FORM: &str = "wheelhouse-cache-2";

/// A key of the answer cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key as lower-case hex.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// Enough of it for people to tell it from others.
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..16])
    }
}

/// What a key is made from besides the request.
#[derive(Debug, Clone, Copy)]
pub struct KeyParts<'a> {
    /// Who serves the model.
    pub provider: &'a str,
    /// Where, and as whom: two servers may go by one name.
    pub endpoint: &'a str,
    /// The provider's id for the model.
    pub model_id: &'a str,
    /// Fixed parameters the configuration adds.
    pub params: &'a Map<String, Value>,
    /// What of a request it is told, and in which way: a model that reads no images is asked otherwise.
    pub written: &'a str,
    /// Whose entry it is; entries are never shared between tenants.
    pub tenant: &'a str,
}

/// What of a request can change its answer, written canonically once; a key for each model is then
/// cheap however long the conversation is.
#[derive(Debug, Clone)]
pub struct Canon {
    messages: String,
    params: String,
    system: Option<String>,
    tools: String,
}

impl Canon {
    /// Of this request. The caller's own parameters count as given; what the engine adds on the way
    /// (a clamped cap, a redo with more room) does not.
    pub fn of(request: &Request) -> Self {
        Self {
            messages: canonical(serde_json::to_value(&request.messages)),
            params: canonical(serde_json::to_value(&request.params)),
            system: request.system.as_ref().map(|system| json!(system).to_string()),
            tools: canonical(serde_json::to_value(&request.tools)),
        }
    }

    /// The key on one model.
    pub fn key(&self, parts: &KeyParts<'_>) -> CacheKey {
        let fixed = canonical(Ok(Value::Object(parts.params.clone())));
        let [endpoint, model, provider, tenant, written] =
            [parts.endpoint, parts.model_id, parts.provider, parts.tenant, parts.written]
                .map(|text| json!(text).to_string());
        let mut hasher = blake3::Hasher::new();
        let mut write = |text: &str| {
            hasher.update(text.as_bytes());
        };
        write(FORM);
        write("\0{\"endpoint\":");
        write(&endpoint);
        write(",\"fixed\":");
        write(&fixed);
        write(",\"messages\":");
        write(&self.messages);
        write(",\"model\":");
        write(&model);
        write(",\"params\":");
        write(&self.params);
        write(",\"provider\":");
        write(&provider);
        if let Some(system) = &self.system {
            write(",\"system\":");
            write(system);
        }
        write(",\"tenant\":");
        write(&tenant);
        write(",\"tools\":");
        write(&self.tools);
        write(",\"written\":");
        write(&written);
        write("}");
        CacheKey(*hasher.finalize().as_bytes())
    }
}

impl CacheKey {
    /// The key of this request on this model.
    pub fn of(request: &Request, parts: &KeyParts<'_>) -> Self {
        Canon::of(request).key(parts)
    }

    /// The key written as [`CacheKey::hex`] writes it.
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }

    /// Its bytes.
    #[cfg(any(feature = "redis", test))]
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The canonical text of a value; what cannot be written is nothing.
pub(super) fn canonical(value: Result<Value, serde_json::Error>) -> String {
    let mut out = String::with_capacity(256);
    write_canonical(&value.unwrap_or(Value::Null), &mut out);
    out
}

/// Writes `value` with object keys in byte order, whatever map type serde_json was built with.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Message, Origin, ReaderKind, RequestId, ToolSpec};

    fn request() -> Request {
        let id = RequestId(uuid::Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, "capital of Fiji?");
        request.system = Some("be brief".to_owned());
        request.params.temperature = Some(0.0);
        request.params.seed = Some(7);
        request
    }

    fn parts(params: &Map<String, Value>) -> KeyParts<'_> {
        KeyParts {
            provider: "lab",
            endpoint: "http://lab/v1",
            model_id: "small-1",
            params,
            written: "",
            tenant: "",
        }
    }

    fn key(request: &Request) -> CacheKey {
        CacheKey::of(request, &parts(&Map::new()))
    }

    #[test]
    fn the_canonical_form_is_what_it_was() {
        assert_eq!(
            key(&request()).hex(),
            "e9317dd68170f7aaf723294ab786bf2900c2373a991983e986b307242910c3de",
            "the canonical form changed: raise FORM and write the new hash here"
        );
    }

    #[test]
    fn changing_anything_that_can_change_the_answer_misses() {
        let base = key(&request());
        let changes: [fn(&mut Request); 8] = [
            |r| r.system = Some("be brief.".to_owned()),
            |r| r.system = None,
            |r| r.messages = vec![Message::user("capital of Fiji!")],
            |r| r.messages.insert(0, Message::assistant("hello")),
            |r| r.params.temperature = Some(0.1),
            |r| r.params.seed = Some(8),
            |r| r.params.max_tokens = Some(10),
            |r| {
                r.tools.push(ToolSpec {
                    name: "look".to_owned(),
                    description: None,
                    parameters: json!({}),
                });
            },
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut changed = request();
            change(&mut changed);
            assert_ne!(key(&changed), base, "change {n}");
        }
    }

    #[test]
    fn whom_it_is_asked_of_and_in_which_way_is_part_of_the_key() {
        let request = request();
        let none = Map::new();
        let own = Map::from_iter([("top_k".to_owned(), json!(3))]);
        let base = parts(&none);
        let others = [
            KeyParts { model_id: "small-2", ..base },
            KeyParts { provider: "lab2", ..base },
            KeyParts { endpoint: "http://other/v1", ..base },
            KeyParts { params: &own, ..base },
            KeyParts { written: "vision", ..base },
            KeyParts { tenant: "team-a", ..base },
        ];
        for other in &others {
            assert_ne!(CacheKey::of(&request, other), CacheKey::of(&request, &base), "{other:?}");
        }
    }

    #[test]
    fn ids_and_routing_wishes_do_not_change_the_key() {
        let mut other = request();
        other.id = RequestId(uuid::Uuid::max());
        other.policy = Some("cheapest".to_owned());
        assert_eq!(key(&other), key(&request()));
    }

    #[test]
    fn object_keys_are_sorted_however_they_were_inserted() {
        let (mut a, mut b) = (String::new(), String::new());
        write_canonical(&json!({"b": 1, "a": {"d": [1, {"z": 0, "y": 0}], "c": null}}), &mut a);
        write_canonical(&json!({"a": {"c": null, "d": [1, {"y": 0, "z": 0}]}, "b": 1}), &mut b);
        assert_eq!(a, b);
        assert_eq!(a, r#"{"a":{"c":null,"d":[1,{"y":0,"z":0}]},"b":1}"#);
    }
}
