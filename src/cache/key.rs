//! The cache key: a cryptographic hash over the canonical form of everything that can change an
//! answer. Canonical means: object keys sorted, no white space, absent fields absent.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::domain::Request;

/// Raised whenever the canonical form changes, so that old entries are never read by new code.
const FORM: &str = "wheelhouse-cache-1";

/// A key of the answer cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key as lower-case hex.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
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
    /// The provider's id for the model.
    pub model_id: &'a str,
    /// Fixed parameters the configuration adds.
    pub params: &'a Map<String, Value>,
    /// Whose entry it is; entries are never shared between tenants.
    pub tenant: &'a str,
}

impl CacheKey {
    /// The key of this request on this model. The caller's own parameters count as given; what the
    /// engine adds on the way (a clamped cap, a redo with more room) does not.
    pub fn of(request: &Request, parts: &KeyParts<'_>) -> Self {
        let params = &request.params;
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                body.insert(name.to_owned(), value);
            }
        };
        put("provider", json!(parts.provider));
        put("model", json!(parts.model_id));
        put("tenant", json!(parts.tenant));
        put("fixed", Value::Object(parts.params.clone()));
        put("system", json!(request.system));
        put("messages", serde_json::to_value(&request.messages).unwrap_or(Value::Null));
        put("tools", serde_json::to_value(&request.tools).unwrap_or(Value::Null));
        put("params", serde_json::to_value(params).unwrap_or(Value::Null));
        let mut canonical = String::with_capacity(1024);
        write_canonical(&Value::Object(body), &mut canonical);
        let mut hasher = blake3::Hasher::new();
        hasher.update(FORM.as_bytes());
        hasher.update(&[0]);
        hasher.update(canonical.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
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

    fn key(request: &Request) -> CacheKey {
        let parts =
            KeyParts { provider: "lab", model_id: "small-1", params: &Map::new(), tenant: "" };
        CacheKey::of(request, &parts)
    }

    #[test]
    fn the_canonical_form_is_what_it_was() {
        assert_eq!(
            key(&request()).hex(),
            "d127a085e60afe7d996821176e17940d18f6d1999754055a4677a6ee1410dc7c",
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
    fn the_model_the_provider_and_the_tenant_are_part_of_the_key() {
        let request = request();
        let of = |provider, model_id, tenant| {
            let fixed = Map::new();
            CacheKey::of(&request, &KeyParts { provider, model_id, params: &fixed, tenant })
        };
        let base = of("lab", "small-1", "");
        assert_ne!(of("lab", "small-2", ""), base);
        assert_ne!(of("lab2", "small-1", ""), base);
        assert_ne!(of("lab", "small-1", "team-a"), base);
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
