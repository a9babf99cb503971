//! Requests, keys and answers for tests.

use serde_json::{Map, Value};

use crate::domain::{Cost, Finish, Origin, ReaderKind, Request, RequestId, UnixMs, Usage};

use super::{CacheKey, CachedAnswer, Fields, KeyParts};

/// A repeatable request.
pub(super) fn request(text: &str) -> Request {
    let id = RequestId(uuid::Uuid::nil());
    let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, text);
    request.system = Some("be brief".to_owned());
    request.params.temperature = Some(0.0);
    request.params.seed = Some(7);
    request
}

fn parts(params: &Map<String, Value>) -> KeyParts<'_> {
    KeyParts { provider: "p", endpoint: "e", model_id: "m", params, written: "", tenant: "" }
}

/// A key, different for each number.
pub(super) fn key(n: u32) -> CacheKey {
    let fixed = Map::new();
    let parts = parts(&fixed);
    CacheKey::of(&request(&n.to_string()), &parts)
}

/// The fingerprints of a request that was changed so.
pub(super) fn fields(change: fn(&mut Request)) -> Fields {
    let fixed = Map::new();
    let mut request = request("capital of Fiji?");
    change(&mut request);
    let parts = parts(&fixed);
    Fields::of(&request, &parts)
}

/// A whole answer of so many bytes.
pub(super) fn answer(len: usize, expires: i64) -> CachedAnswer {
    CachedAnswer {
        model: "m".into(),
        provider: "p".into(),
        model_id: String::new(),
        text: "x".repeat(len),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
        cost: Cost::ZERO,
        expires: UnixMs(expires),
        fields: fields(|_| {}),
    }
}
