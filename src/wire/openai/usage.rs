//! Usage as the OpenAI family reports it, in one shape. Invariant: cached and written tokens are part
//! of the input, thinking is part of the output, and no part exceeds its whole.

use serde_json::Value;

use crate::domain::{Money, Usage};
use crate::wire::frame::MOST_TOKENS;

/// Reads a `usage` object and the cost some providers attach; `None` for null or an empty object.
pub(super) fn read(value: &Value) -> Option<(Usage, Option<String>)> {
    let map = value.as_object().filter(|map| !map.is_empty())?;
    let wholes = ["prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"];
    let told = wholes.iter().filter_map(|name| map.get(*name)?.as_f64());
    if told.into_iter().any(|tokens| tokens > MOST_TOKENS as f64) {
        return None;
    }
    let number = |name: &str| map.get(name).and_then(count);
    let within = |object: &str, names: &[&str]| {
        let details = map.get(object)?;
        names.iter().find_map(|name| details.get(name).and_then(count))
    };
    let input = number("prompt_tokens").or_else(|| number("input_tokens")).unwrap_or(0);
    let answered = number("completion_tokens").or_else(|| number("output_tokens"));
    let mut output = answered.unwrap_or(0);
    let cached = within("prompt_tokens_details", &["cached_tokens"])
        .or_else(|| within("input_tokens_details", &["cached_tokens"]))
        .or_else(|| number("prompt_cache_hit_tokens"))
        .or_else(|| number("num_cached_tokens"))
        .or_else(|| number("cached_tokens"))
        .or_else(|| number("cache_read_input_tokens"))
        .unwrap_or(0);
    let written = within(
        "prompt_tokens_details",
        &["cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"],
    )
    .or_else(|| number("cache_creation_input_tokens"))
    .unwrap_or(0);
    let mut reasoning = within("completion_tokens_details", &["reasoning_tokens"])
        .or_else(|| within("output_tokens_details", &["reasoning_tokens"]))
        .or_else(|| number("reasoning_tokens"))
        .unwrap_or(0);
    // Some compatible endpoints leave thinking out of the completion but not out of the total, also
    // where there is nothing else in it.
    let beside = number("total_tokens").unwrap_or(0).saturating_sub(input + output);
    if beside > 0 && answered.is_some() && (reasoning == 0 || reasoning == beside) {
        output += beside;
        reasoning = beside;
    }
    let cached = cached.min(input);
    let usage = Usage {
        input,
        cached_input: cached,
        cache_write: written.min(input - cached),
        cache_write_1h: 0,
        output,
        reasoning: reasoning.min(output),
        estimated: false,
    };
    Some((usage, owed(map)))
}

/// Tokens; what no call can have is no figure.
fn count(value: &Value) -> Option<u64> {
    let count = value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64));
    count.filter(|count| *count <= MOST_TOKENS)
}

/// What is owed for the call. Who uses a key of their own at an aggregator pays the vendor as well, and
/// the aggregator's own figure is its fee alone: where it does not say what the vendor takes, what is
/// owed is not known from it.
fn owed(map: &serde_json::Map<String, Value>) -> Option<String> {
    let fee = map.get("cost").and_then(cost)?;
    let own_key = map.get("is_byok").and_then(Value::as_bool).unwrap_or(false);
    let vendor = map.get("cost_details").and_then(|details| details.get("upstream_inference_cost"));
    if !own_key {
        return Some(fee);
    }
    let (fee, vendor) = (fee.parse::<Money>().ok()?, vendor.and_then(cost)?.parse::<Money>().ok()?);
    Some((fee + vendor).to_string())
}

/// A cost as a plain decimal of dollars.
fn cost(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_f64().and_then(super::super::limits::plain_decimal),
        Value::String(text) => text.parse().ok().and_then(super::super::limits::plain_decimal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usage(input: u64, cached: u64, write: u64, output: u64, reasoning: u64) -> Usage {
        Usage {
            input,
            cached_input: cached,
            cache_write: write,
            cache_write_1h: 0,
            output,
            reasoning,
            estimated: false,
        }
    }

    #[test]
    fn every_field_name_ends_in_the_same_shape() {
        for (value, want) in [
            (
                json!({"prompt_tokens":40,"completion_tokens":8,"total_tokens":48,
                       "prompt_tokens_details":{"cached_tokens":29}}),
                usage(40, 29, 0, 8, 0),
            ),
            (
                json!({"prompt_tokens":40,"completion_tokens":8,"prompt_cache_hit_tokens":10,
                       "prompt_cache_miss_tokens":30}),
                usage(40, 10, 0, 8, 0),
            ),
            (
                json!({"prompt_tokens":4,"completion_tokens":100,"total_tokens":104,
                       "completion_tokens_details":{"reasoning_tokens":100}}),
                usage(4, 0, 0, 100, 100),
            ),
            (
                json!({"prompt_tokens":9,"completion_tokens":5,"total_tokens":44}),
                usage(9, 0, 0, 35, 30),
            ),
            (
                // Nothing but thinking.
                json!({"prompt_tokens":21,"completion_tokens":0,"total_tokens":81,
                       "completion_tokens_details":{"reasoning_tokens":60}}),
                usage(21, 0, 0, 60, 60),
            ),
            (
                json!({"prompt_tokens":21,"completion_tokens":0,"total_tokens":81}),
                usage(21, 0, 0, 60, 60),
            ),
            (
                json!({"prompt_tokens":100,"completion_tokens":1,
                       "prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":30}}),
                usage(100, 20, 30, 1, 0),
            ),
        ] {
            assert_eq!(read(&value), Some((want, None)), "{value}");
        }
    }

    #[test]
    fn what_no_call_can_have_is_no_figure() {
        assert_eq!(read(&json!({"prompt_tokens":u64::MAX,"completion_tokens":u64::MAX})), None);
        assert_eq!(read(&json!({"prompt_tokens":1e30,"completion_tokens":1})), None);
        let (part, _) = read(&json!({"prompt_tokens":5,"completion_tokens":1,
            "total_tokens":u64::MAX,"prompt_tokens_details":{"cached_tokens":1e30}}))
        .unwrap();
        assert_eq!(part, usage(5, 0, 0, 1, 0));
    }

    #[test]
    fn null_and_empty_usage_is_no_usage() {
        assert_eq!(read(&Value::Null), None);
        assert_eq!(read(&json!({})), None);
    }

    #[test]
    fn a_reported_cost_is_a_plain_decimal() {
        let (_, cost) = read(&json!({"prompt_tokens":1,"cost":3.45e-5})).unwrap();
        assert_eq!(cost.as_deref(), Some("0.0000345"));
    }

    #[test]
    fn parts_never_exceed_their_whole() {
        let (usage, _) = read(&json!({"prompt_tokens":5,"completion_tokens":1,
            "prompt_tokens_details":{"cached_tokens":9,"cache_write_tokens":9},
            "completion_tokens_details":{"reasoning_tokens":7}}))
        .unwrap();
        assert_eq!((usage.cached_input, usage.cache_write, usage.reasoning), (5, 0, 1));
    }
}
