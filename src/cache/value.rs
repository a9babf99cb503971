//! An answer as bytes for the shared tier, and back. What others can write is not trusted: a value
//! that is too large, of another version, damaged, or another key's is no value.
//!
//! Holds the answer's text and the fingerprints of what was asked; never a key to a provider, never
//! the prompt itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{Cost, Finish, ModelName, Money, ProviderName, ToolCallParts, UnixMs, Usage};

use super::{CacheKey, CachedAnswer, Fields, is_whole};

/// The largest value that is written or read. Longer than any answer a model gives; a shared server
/// must not be able to fill our memory.
pub(super) const MAX_VALUE: usize = 2 << 20;

/// More tokens than any answer and its prompt have: what says so was not written by us.
const MOST_TOKENS: u64 = 1 << 40;

/// Nor does one answer cost more: a million dollars.
const DEAREST: Money = Money::from_pico(1_000_000 * 1_000_000_000_000);

/// Raised whenever the form below changes so that an older program could misread it. It refuses a
/// field it does not know.
const HEADER: &str = "wheelhouse-answer-1 ";

/// Hex digits of the checksum.
const SUM: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    model: ModelName,
    provider: ProviderName,
    model_id: String,
    text: String,
    reasoning: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallParts>,
    finish: Finish,
    usage: Usage,
    cost: Cost,
    expires: i64,
    fields: Fields,
}

/// The bytes kept under `key`; `None` when they would be too many.
pub(super) fn encode(key: &CacheKey, answer: &CachedAnswer) -> Option<Vec<u8>> {
    let form = Form {
        model: answer.model.clone(),
        provider: answer.provider.clone(),
        model_id: answer.model_id.clone(),
        text: answer.text.clone(),
        reasoning: answer.reasoning.clone(),
        tool_calls: answer.tool_calls.clone(),
        finish: answer.finish,
        usage: answer.usage,
        cost: answer.cost,
        expires: answer.expires.0,
        fields: answer.fields,
    };
    let body = serde_json::to_vec(&form).ok()?;
    let mut bytes = format!("{HEADER}{}\n", checksum(key, &body)).into_bytes();
    bytes.extend_from_slice(&body);
    (bytes.len() <= MAX_VALUE).then_some(bytes)
}

/// The answer in these bytes, unless it has expired or they are not what we wrote under `key`. It
/// expires after `ttl` at the latest, whatever the bytes say.
pub(super) fn decode(
    key: &CacheKey,
    bytes: &[u8],
    ttl: Duration,
    now: UnixMs,
) -> Option<CachedAnswer> {
    if bytes.len() > MAX_VALUE {
        return None;
    }
    let rest = bytes.strip_prefix(HEADER.as_bytes())?;
    let (sum, body) = rest.split_at_checked(SUM)?;
    let body = body.strip_prefix(b"\n")?;
    if checksum(key, body).as_bytes() != sum {
        return None;
    }
    let form: Form = serde_json::from_slice(body).ok()?;
    if !sound(&form.usage, form.cost) {
        return None;
    }
    let expires = UnixMs(form.expires).min(now + ttl);
    // Only what is kept can be found: a whole answer.
    (expires > now && is_whole(form.finish, &form.text, &form.tool_calls)).then_some(CachedAnswer {
        model: form.model,
        provider: form.provider,
        model_id: form.model_id,
        text: form.text,
        reasoning: form.reasoning,
        tool_calls: form.tool_calls,
        finish: form.finish,
        usage: form.usage,
        cost: form.cost,
        expires,
        fields: form.fields,
    })
}

/// Can these figures be added up with others?
fn sound(usage: &Usage, cost: Cost) -> bool {
    let tokens = [usage.input, usage.cached_input, usage.cache_write, usage.cache_write_1h];
    let tokens = tokens.into_iter().chain([usage.output, usage.reasoning]);
    tokens.max().unwrap_or_default() <= MOST_TOKENS
        && (Money::ZERO..=DEAREST).contains(&cost.amount)
}

/// Over key and body, so that a value moved to another key is no value either.
fn checksum(key: &CacheKey, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.bytes());
    hasher.update(body);
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(SUM);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::{answer, key};
    use proptest::prelude::*;

    const NOW: UnixMs = UnixMs(1_795_392_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn kept() -> CachedAnswer {
        CachedAnswer { expires: NOW + HOUR / 2, ..answer(40, 0) }
    }

    #[test]
    fn an_answer_comes_back_as_it_was_kept() {
        let bytes = encode(&key(1), &kept()).unwrap();
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW), Some(kept()));
    }

    #[test]
    fn an_answer_under_another_key_is_no_answer() {
        let bytes = encode(&key(1), &kept()).unwrap();
        assert_eq!(decode(&key(2), &bytes, HOUR, NOW), None);
    }

    #[test]
    fn an_answer_expires_when_it_says_and_never_later_than_allowed() {
        let bytes = encode(&key(1), &kept()).unwrap();
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW + HOUR / 2), None);
        let long = CachedAnswer { expires: NOW + HOUR * 1000, ..kept() };
        let bytes = encode(&key(1), &long).unwrap();
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW).unwrap().expires, NOW + HOUR);
    }

    #[test]
    fn an_answer_too_large_is_neither_written_nor_read() {
        let large = CachedAnswer { text: "x".repeat(MAX_VALUE), ..kept() };
        assert_eq!(encode(&key(1), &large), None);
        let mut bytes = encode(&key(1), &kept()).unwrap();
        bytes.resize(MAX_VALUE + 1, b' ');
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW), None);
    }

    #[test]
    fn tools_that_were_called_come_back_and_half_a_call_is_not_believed() {
        let call = |arguments: &str| CachedAnswer {
            text: String::new(),
            finish: Finish::ToolCalls,
            tool_calls: vec![ToolCallParts {
                id: "call_1".to_owned(),
                name: "weather".to_owned(),
                arguments: arguments.to_owned(),
            }],
            ..kept()
        };
        let whole = call("{\"city\":\"Suva\"}");
        let bytes = encode(&key(1), &whole).unwrap();
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW), Some(whole));
        let bytes = encode(&key(1), &call("{\"city\":")).unwrap();
        assert_eq!(decode(&key(1), &bytes, HOUR, NOW), None);
    }

    #[test]
    fn an_answer_without_tools_is_written_as_it_ever_was() {
        let bytes = encode(&key(1), &kept()).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("tool_calls"));
    }

    #[test]
    fn an_answer_that_is_not_whole_is_not_believed() {
        for finish in [Finish::Length, Finish::Truncated, Finish::Error, Finish::ToolCalls] {
            let bytes = encode(&key(1), &CachedAnswer { finish, ..kept() }).unwrap();
            assert_eq!(decode(&key(1), &bytes, HOUR, NOW), None, "{finish:?}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_value_is_no_value(at in 0usize..400, bit in 0u8..8, cut in 0usize..400) {
            let whole = encode(&key(1), &kept()).unwrap();
            let mut bytes = whole.clone();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decode(&key(1), &bytes, HOUR, NOW), None);
            let cut = cut % whole.len();
            prop_assert_eq!(decode(&key(1), &whole[..cut], HOUR, NOW), None);
        }

        #[test]
        fn bytes_that_are_nothing_are_no_value(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(&key(1), &bytes, HOUR, NOW), None);
        }
    }

    #[test]
    fn figures_nobody_can_have_are_not_believed() {
        let kept = |change: fn(&mut CachedAnswer)| {
            let mut answer = kept();
            change(&mut answer);
            let bytes = encode(&key(1), &answer).unwrap();
            decode(&key(1), &bytes, HOUR, NOW)
        };
        assert!(kept(|_| {}).is_some());
        assert_eq!(kept(|a| a.usage.output = u64::MAX), None);
        assert_eq!(kept(|a| a.usage.input = 1 << 50), None);
        assert_eq!(kept(|a| a.cost.amount = Money::from_pico(-1)), None);
        assert_eq!(kept(|a| a.cost.amount = Money::from_pico(i64::MAX)), None);
    }
}
