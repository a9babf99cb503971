//! Tests of limits and waits read from headers.

use super::*;

/// 2026-11-23T12:00:20Z.
const NOW: UnixMs = UnixMs(1_795_435_220_000);

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::from_pairs(pairs.iter().map(|(name, value)| (*name, *value)))
}

fn window(what: &str, limit: u64, remaining: u64, after_ms: i64) -> RateWindow {
    RateWindow {
        what: what.to_owned(),
        scope: RateScope::Model,
        limit: Some(limit),
        remaining: Some(remaining),
        resets_at: (after_ms >= 0).then_some(UnixMs(NOW.0 + after_ms)),
    }
}

#[test]
fn go_duration_resets_are_read() {
    let told = headers(&[
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "200000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-remaining-tokens", "199986"),
        ("x-ratelimit-reset-requests", "8.64s"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ]);
    assert_eq!(
        read_limits(&told, NOW),
        [window("requests", 10_000, 9_999, 8_640), window("tokens", 200_000, 199_986, 360_000)]
    );
}

#[test]
fn rfc3339_resets_are_read() {
    let told = headers(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-11-23T12:01:00Z"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T12:00:25Z"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1795435320"),
    ]);
    let windows = read_limits(&told, NOW);
    assert_eq!(windows[0], window("requests", 50, 49, 40_000));
    assert_eq!(windows[1], window("input-tokens", 40_000, 0, 5_000));
    assert_eq!(windows[2].remaining, Some(0));
    assert_eq!(windows[2].resets_at, Some(UnixMs(NOW.0 + 100_000)));
}

#[test]
fn a_window_named_after_the_minute_ends_with_it() {
    let told = headers(&[
        ("x-ratelimit-limit-req-minute", "60"),
        ("x-ratelimit-remaining-req-minute", "0"),
        ("x-ratelimit-limit-tokens-minute", "500000"),
        ("x-ratelimit-remaining-tokens-minute", "499000"),
        ("x-ratelimit-tokens-query-cost", "12"),
    ]);
    assert_eq!(
        read_limits(&told, NOW),
        [window("requests", 60, 0, 40_000), window("tokens", 500_000, 499_000, 40_000)]
    );
    assert_eq!(retry_after(&told, NOW), Some(Duration::from_secs(40)));
}

#[test]
fn bare_resets_are_told_apart_by_size() {
    for value in ["1795435230000", "1795435230", "10", "10s", "2026-11-23T12:00:30Z"] {
        let told = headers(&[
            ("X-RateLimit-Limit", "20"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", value),
        ]);
        let whole = RateWindow { scope: RateScope::Account, ..window("requests", 20, 0, 10_000) };
        assert_eq!(read_limits(&told, NOW), [whole], "{value}");
    }
}

#[test]
fn limits_of_a_whole_account_are_told_from_those_of_one_model() {
    for (name, scope) in [
        ("x-ratelimit-remaining-requests", RateScope::Model),
        ("x-ratelimit-remaining-tokens-minute", RateScope::Model),
        ("x-ratelimit-remaining-tokens-month", RateScope::Account),
        ("x-ratelimit-remaining", RateScope::Account),
        ("ratelimit-remaining", RateScope::Account),
        ("anthropic-ratelimit-requests-remaining", RateScope::Model),
        ("anthropic-ratelimit-unified-5h-remaining", RateScope::Account),
    ] {
        assert_eq!(read_limits(&headers(&[(name, "3")]), NOW)[0].scope, scope, "{name}");
    }
}

#[test]
fn limits_passed_on_by_a_gateway_count() {
    let told = headers(&[("llm_provider-x-ratelimit-remaining-requests", "7")]);
    assert_eq!(read_limits(&told, NOW)[0].remaining, Some(7));
}

#[test]
fn every_form_of_retry_after_is_read() {
    for (name, value, ms) in [
        ("retry-after-ms", "1500", 1_500),
        ("x-ms-retry-after-ms", "250", 250),
        ("retry-after", "2", 2_000),
        ("retry-after", "0.5", 500),
        ("retry-after", "Mon, 23 Nov 2026 12:00:35 GMT", 15_000),
        ("retry-after", "Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("retry-after", "7s", 7_000),
    ] {
        let wait = retry_after(&headers(&[(name, value)]), NOW);
        assert_eq!(wait, Some(Duration::from_millis(ms)), "{name}: {value}");
    }
    assert_eq!(retry_after(&headers(&[("retry-after", "soon")]), NOW), None);
}

#[test]
fn milliseconds_beat_seconds_and_words_beat_windows() {
    let told = headers(&[
        ("retry-after", "9"),
        ("retry-after-ms", "100"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "1h"),
    ]);
    assert_eq!(retry_after(&told, NOW), Some(Duration::from_millis(100)));
}

#[test]
fn the_latest_of_the_empty_windows_is_waited_for() {
    let told = headers(&[
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "3s"),
        ("x-ratelimit-remaining-images", "5"),
        ("x-ratelimit-reset-images", "1h"),
    ]);
    assert_eq!(retry_after(&told, NOW), Some(Duration::from_secs(3)));
}

#[test]
fn a_gateways_cost_is_read_unless_it_is_zero() {
    let cost = |value| reported_cost(&headers(&[("x-litellm-response-cost", value)]));
    assert_eq!(cost("3.45e-05").as_deref(), Some("0.0000345"));
    assert_eq!(cost("0.0"), None);
}
