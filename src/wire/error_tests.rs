//! Tests of error bodies: every shape, its class, its words.

use super::*;

fn read(status: u16, body: &str) -> ErrorReport {
    read_error(status, &Headers::default(), body.as_bytes(), UnixMs(1_795_435_220_000))
}

#[track_caller]
fn class(status: u16, body: &str, want: OutcomeClass) -> ErrorReport {
    let report = read(status, body);
    assert_eq!(report.class, want, "HTTP {status} {body}\n{report:?}");
    report
}

use OutcomeClass::{Account, Caller, Context, Provider, Refusal, Throttle};

#[test]
fn every_shape_of_body_gives_up_its_message() {
    for (status, body, message) in [
        (418, r#"{"error":{"message":"odd tea","type":"x","param":null,"code":"y"}}"#, "odd tea"),
        (
            418,
            r#"{"type":"error","error":{"type":"x","message":"odd tea","details":null}}"#,
            "odd tea",
        ),
        (418, r#"{"object":"error","message":"odd tea","type":"x","code":"77"}"#, "odd tea"),
        (
            422,
            r#"{"object":"error","message":{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]},"type":"invalid_request_error"}"#,
            "Field required",
        ),
        (418, r#"{"detail":"odd tea"}"#, "odd tea"),
        (
            422,
            r#"{"detail":[{"loc":["body","messages",0],"msg":"odd tea","type":"x"}]}"#,
            "body.messages.0: odd tea",
        ),
        (418, r#"{"detail":"{\"error\":{\"message\":\"odd tea\"}}"}"#, "odd tea"),
        (418, r#"[{"error":{"code":418,"message":"odd tea","status":"ODD"}}]"#, "odd tea"),
        (418, r#"{"code":"OddTea","message":"odd tea","request_id":"1"}"#, "odd tea"),
        (
            418,
            r#"{"error":{"code":418,"message":"Provider returned error","metadata":{"provider_name":"P","raw":"{\"error\":{\"message\":\"odd tea\"}}"}}}"#,
            "odd tea",
        ),
        (418, r#"{"error":"odd tea"}"#, "odd tea"),
        (418, r#"{"code":5,"message":"odd tea","data":null}"#, "odd tea"),
        (200, r#"{"code":4711,"msg":"odd tea","success":false}"#, "odd tea"),
        (418, r#"{"status":"failure","message":"odd tea"}"#, "odd tea"),
        (418, r#"{"html-message":"odd tea"}"#, "odd tea"),
        (418, r#"{"errors":[{"message":"odd tea"}]}"#, "odd tea"),
        (418, "\u{FEFF}\n{\"error\":\"odd tea\"}", "odd tea"),
        (418, "data: {\"error\":{\"message\":\"odd tea\"}}\n\n", "odd tea"),
        (418, "odd tea", "odd tea"),
    ] {
        let report = read(status, body);
        assert!(
            report.message.contains(message) || report.original.contains(message),
            "{body}\n{report:?}"
        );
        assert!(!report.original.is_empty(), "{body}");
        assert_eq!(report.status, Some(status));
    }
}

#[test]
fn an_unknown_english_message_speaks_for_itself_and_an_unknown_foreign_one_is_kept_aside() {
    assert_eq!(
        read(400, r#"{"error":"odd tea"}"#).message,
        "The provider refused the request: odd tea"
    );
    let report = read(500, r#"{"error":{"message":"完全未知的错误"}}"#);
    assert_eq!(report.message, "The provider failed (HTTP 500)");
    assert_eq!(report.original, "完全未知的错误");
    assert_eq!(report.code, "http_500");
}

#[test]
fn statuses_decide_where_words_do_not() {
    for (status, want) in [
        (400, Caller),
        (401, Account),
        (402, Account),
        (403, Account),
        (404, Account),
        (405, Account),
        (408, Provider),
        (409, Provider),
        (413, Context),
        (422, Caller),
        (429, Throttle),
        (500, Provider),
        (502, Provider),
        (503, Provider),
        (504, Provider),
        (522, Provider),
        (529, Provider),
        (302, Account),
    ] {
        class(status, "", want);
        // A general type of a malformed request does not hide a plain status.
        class(status, r#"{"error":{"message":"?","type":"invalid_request_error"}}"#, want);
    }
}

#[test]
fn deepseeks_errors_are_told_apart_by_text() {
    let body = |text: &str| {
        format!(
            r#"{{"error":{{"message":"{text}","type":"unknown_error","param":null,"code":"invalid_request_error"}}}}"#
        )
    };
    let report =
        class(401, &body("Authentication Fails, Your api key: ****7f3a is invalid"), Account);
    assert_eq!(report.message, "DeepSeek rejected the API key");
    assert!(!report.original.contains("7f3a"), "{report:?}");
    class(402, &body("Insufficient Balance"), Account);
    class(400, &body("Model Not Exist"), Account);
    class(400, &body("Content Exists Risk"), Refusal);
    class(429, &body("Too fast"), Throttle);
    class(503, &body("服务器繁忙，请稍后再试"), Provider);
    let overflow = "This model's maximum context length is 1048576 tokens. However, you requested 1787370 tokens (1403370 in the messages, 384000 in the completion).";
    let report = class(400, &body(overflow), Context);
    assert_eq!(report.message, "The prompt does not fit the window of 1048576 tokens");
}

#[test]
fn a_429_is_not_always_a_wish_to_slow_down() {
    class(429, r#"{"error":{"code":"1113","message":"您的账户已欠费，请充值后重试"}}"#, Account);
    class(
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        Account,
    );
    class(
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        Account,
    );
    class(
        429,
        r#"{"error":{"message":"Request too large for gpt-x on tokens per min (TPM): Limit 30000, Requested 40000.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        Context,
    );
    class(
        429,
        r#"{"error":{"message":"Rate limit reached. Please try again in 1.574s.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        Throttle,
    );
    class(
        429,
        r#"{"message":"Rate limit exceeded","type":"rate_limited","code":"1300"}"#,
        Throttle,
    );
    class(
        429,
        r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","code":"3505"}"#,
        Provider,
    );
}

#[test]
fn an_allowance_of_nothing_is_an_account_matter() {
    let headers = Headers::from_pairs([
        ("x-ratelimit-limit-req-minute", "0"),
        ("x-ratelimit-remaining-req-minute", "0"),
    ]);
    let body = br#"{"message":"Rate limit exceeded","type":"rate_limited","code":"1300"}"#;
    let report = read_error(429, &headers, body, UnixMs(0));
    assert_eq!(report.class, Account);
    assert_eq!(report.message, "This key's plan allows no requests to this model");
}

#[test]
fn the_same_quota_code_is_a_rate_at_alibaba() {
    let body = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"},"request_id":"1"}"#;
    let report = class(429, body, Throttle);
    assert_eq!(report.message, "Token-per-minute quota reached");
    class(
        429,
        r#"{"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"},"request_id":"1"}"#,
        Account,
    );
    class(429, r#"{"code":"Throttling.AllocationQuota","message":"x","request_id":"1"}"#, Throttle);
    class(
        400,
        r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing.","request_id":"1"}"#,
        Account,
    );
    class(
        400,
        r#"{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}"#,
        Refusal,
    );
    class(
        400,
        r#"{"error":{"message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 1048576]","code":"invalid_parameter_error"}}"#,
        Context,
    );
    let report = class(
        400,
        r#"{"error":{"message":"Range of max_tokens should be [1, 131072]","code":"invalid_parameter_error"}}"#,
        Context,
    );
    assert_eq!(report.message, "max_tokens is above the model's cap of 131072");
    class(
        400,
        r#"{"error":{"message":"parameter.enable_thinking must be set to false for non-streaming calls","code":"invalid_parameter_error"}}"#,
        Caller,
    );
    class(
        401,
        r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        Account,
    );
}

#[test]
fn googles_wait_and_quota_are_read() {
    let body = |quota: &str| {
        format!(
            r#"[{{"error":{{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{{"@type":"QuotaFailure","violations":[{{"quotaId":"{quota}"}}]}},{{"@type":"RetryInfo","retryDelay":"34.4s"}}]}}}}]"#
        )
    };
    let report =
        class(429, &body("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), Throttle);
    assert_eq!(report.retry_after_ms, Some(34_400));
    assert_eq!(report.code, "RESOURCE_EXHAUSTED");
    class(429, &body("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), Account);
    class(
        400,
        r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
        Account,
    );
    class(
        400,
        r#"{"error":{"code":400,"message":"The input token count (1236488) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        Context,
    );
}

#[test]
fn an_aggregators_error_speaks_for_the_provider_behind_it() {
    let body = r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"P","raw":"{\"error\":{\"message\":\"Insufficient Balance\"}}"}}}"#;
    let report = class(502, body, Account);
    assert_eq!(report.message, "Account balance is used up");
    let body = r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min.","metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795435230000"}}}}"#;
    assert_eq!(class(429, body, Throttle).retry_after_ms, Some(10_000));
    class(
        403,
        r#"{"error":{"code":403,"message":"Input was flagged","metadata":{"reasons":["violence"],"flagged_input":"…"}}}"#,
        Refusal,
    );
    class(404, r#"{"error":{"code":404,"message":"No endpoints found for x/y."}}"#, Account);
    class(
        402,
        r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens."}}"#,
        Account,
    );
    class(402, r#"{"error":{"code":"in_flight_budget_exhausted","message":"…"}}"#, Throttle);
    class(200, r#"{"error":{"code":502,"message":"Bad gateway"}}"#, Provider);
    class(200, r#"{"error":{"code":429,"message":"Slow"}}"#, Throttle);
}

#[test]
fn relays_are_read_in_chinese_and_english() {
    class(
        403,
        r#"{"error":{"message":"用户额度不足 (request id: 20261)","type":"new_api_error","param":"","code":"insufficient_user_quota"}}"#,
        Account,
    );
    class(
        503,
        r#"{"error":{"message":"当前分组 default 下对于模型 x 无可用渠道","type":"new_api_error","code":"model_not_found"}}"#,
        Account,
    );
    class(200, r#"{"error":{"message":"无效的令牌","type":"one_api_error"}}"#, Account);
    class(
        429,
        r#"{"error":{"message":"当前分组上游负载已饱和，请稍后再试","type":"new_api_error"}}"#,
        Provider,
    );
    class(
        403,
        r#"{"error":{"message":"用户剩余额度: ＄0.1, 需要预扣费额度: ＄0.5","type":"new_api_error"}}"#,
        Account,
    );
    class(500, r#"{"error":{"message":"x","code":"channel:no_available_key"}}"#, Account);
    class(
        200,
        r#"{"code":1301,"msg":"系统检测到输入或生成内容可能包含不安全或敏感内容","success":false}"#,
        Refusal,
    );
}

#[test]
fn overflow_in_every_wording_is_a_matter_of_room() {
    for (status, text) in [
        (400, "prompt is too long: 209375 tokens > 200000 maximum"),
        (
            400,
            "input length and `max_tokens` exceed context limit: 154690 + 64000 > 200000, decrease input length",
        ),
        (
            400,
            "max_tokens: 21333 > 4096, which is the maximum allowed number of output tokens for claude-x",
        ),
        (
            400,
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens",
        ),
        (
            400,
            "maxOutputTokens value of 828858 but the supported range is from 1 (inclusive) to 65537 (exclusive)",
        ),
        (
            400,
            "you requested 65535 output tokens and your prompt contains at least 62466 input tokens, for a total of at least 128001 tokens.",
        ),
        (
            400,
            "request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it",
        ),
        (500, "input is too large to process. increase the physical batch size"),
        (
            400,
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
        ),
        (
            400,
            "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)",
        ),
        (400, "Prompt 超长"),
        (400, "tokens in request more than max tokens allowed"),
        (400, "invalid params, context window exceeds limit"),
        (
            400,
            "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        ),
    ] {
        let body = serde_json::json!({ "error": { "message": text } }).to_string();
        class(status, &body, Context);
        let bare = serde_json::json!({ "error": text }).to_string();
        class(status, &bare, Context);
    }
}

#[test]
fn anthropics_errors_are_told_apart_by_type() {
    let body = |kind: &str, text: &str| {
        format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{text}"}},"request_id":"r"}}"#
        )
    };
    class(529, &body("overloaded_error", "Overloaded"), Provider);
    class(200, &body("overloaded_error", "Overloaded"), Provider);
    class(401, &body("authentication_error", "invalid x-api-key"), Account);
    class(403, &body("permission_error", "?"), Account);
    class(404, &body("not_found_error", "model: x"), Account);
    class(413, &body("request_too_large", "?"), Context);
    class(429, &body("rate_limit_error", "?"), Throttle);
    class(
        400,
        &body(
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API",
        ),
        Account,
    );
    class(
        400,
        &body("invalid_request_error", "messages: first message must use the user role"),
        Caller,
    );
    class(
        400,
        &body(
            "invalid_request_error",
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ),
        Caller,
    );
}

#[test]
fn a_proxys_wrapper_says_what_happened_behind_it() {
    class(
        400,
        r#"{"error":{"message":"litellm.BadRequestError: DeepseekException - {\"error\":{\"message\":\"Insufficient Balance\",\"code\":\"invalid_request_error\"}}","type":null,"code":"400"}}"#,
        Account,
    );
    class(
        500,
        r#"{"error":{"message":"litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.","type":"internal_server_error","code":"500"}}"#,
        Provider,
    );
    class(
        401,
        r#"{"error":{"message":"Authentication Error, Invalid proxy server token passed.","type":"auth_error","code":"401"}}"#,
        Account,
    );
}

#[test]
fn pages_for_people_are_named_by_their_title() {
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>";
    let report = class(502, page, Provider);
    assert_eq!(report.message, "A gateway answered with an HTML page: 502 Bad Gateway");
    assert_eq!(report.code, "html");
    class(200, page, Provider);
    class(404, page, Account);
}

#[test]
fn waits_are_taken_from_headers_before_texts() {
    let body =
        br#"{"error":{"message":"Please try again in 1.574s","code":"rate_limit_exceeded"}}"#;
    let wait = |pairs: &[(&str, &str)]| {
        let headers = Headers::from_pairs(pairs.iter().copied());
        read_error(429, &headers, body, UnixMs(0)).retry_after_ms
    };
    assert_eq!(wait(&[]), Some(1_574));
    assert_eq!(wait(&[("retry-after", "2")]), Some(2_000));
    assert_eq!(
        wait(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "9s")]),
        Some(1_574)
    );
}

#[test]
fn nothing_dangerous_gets_into_a_report() {
    let report = read(
        401,
        "{\"error\":{\"message\":\"Incorrect API key provided: sk-proj-Abc123Def456. \\u001b[31m\\u202e!\"}}",
    );
    let all = format!("{} {} {}", report.message, report.original, report.hint);
    assert!(
        !all.contains("Abc123") && !all.contains('\u{1b}') && !all.contains('\u{202e}'),
        "{all}"
    );
    let huge = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x ".repeat(100_000));
    let report = read(400, &huge);
    assert!(report.original.len() <= 2_048 && report.message.len() <= 400);
}

#[test]
fn numbers_taken_from_a_text_are_cleaned_too() {
    let report = read(403, "{\"error\":\"用户剩余额度: \\u001b[2J1, 需要预扣费额度: 2\"}");
    assert_eq!(
        report.message,
        "Balance [2J1 is below the 2 the relay reserves; lower max_tokens or top up"
    );
}

#[test]
fn a_redirect_names_the_new_address() {
    let headers = Headers::from_pairs([("location", "https://new.example.com/v1")]);
    let report = read_error(308, &headers, b"", UnixMs(0));
    assert_eq!((report.class, report.code.as_str()), (Account, "redirect"));
    assert!(report.message.contains("https://new.example.com/v1"));
}

#[test]
fn answers_are_not_mistaken_for_errors() {
    for body in [
        r#"{"choices":[],"code":7,"message":"x"}"#,
        r#"{"id":"1","error":null,"choices":[]}"#,
        r#"{"id":"1","error":{},"choices":[]}"#,
        r#"{"id":"1","error":"","choices":[]}"#,
        r#"{"code":0,"message":"ok","data":{}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"message","content":[],"detail":"x"}"#,
        "[]",
        "7",
    ] {
        assert!(!looks_like_error(&serde_json::from_str(body).unwrap()), "{body}");
    }
}

/// The rows of the table of hints: kind, pattern, class.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    include_str!("../../assets/hints.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.next()?, fields.next()?))
        })
        .collect()
}

fn outcome(class: &str) -> OutcomeClass {
    let known = HintClass::ALL.into_iter().find(|known| known.name() == class);
    known.map(HintClass::outcome).unwrap()
}

/// Bodies that say a row's code or text, the general words of throttling around it.
fn throttling_around(kind: &str, pattern: &str) -> Vec<String> {
    let code = serde_json::json!(pattern);
    match kind {
        "code" => vec![
            format!(
                r#"{{"error":{{"message":"Too many requests","type":"rate_limit_error","code":{code}}}}}"#
            ),
            format!(r#"{{"error":{{"message":"odd tea","type":{code}}}}}"#),
            format!(r#"{{"code":{code},"message":"odd tea"}}"#),
        ],
        "text" | "itext" => vec![
            format!(
                r#"{{"error":{{"message":{code},"type":"rate_limit_error","code":"rate_limited"}}}}"#
            ),
            format!(r#"{{"error":{{"message":{code},"code":429}}}}"#),
            format!(r#"{{"message":{code}}}"#),
            format!(r#"{{"error":{code}}}"#),
            format!(r#"{{"detail":{code}}}"#),
        ],
        _ => Vec::new(),
    }
}

#[test]
fn under_429_a_code_or_message_goes_before_the_status_in_every_row() {
    for (kind, pattern, class) in rows() {
        // A page for people is told by its title.
        if pattern.starts_with("<!DOCTYPE") {
            continue;
        }
        for body in throttling_around(kind, pattern) {
            let report = read(429, &body);
            assert_eq!(report.class, outcome(class), "{pattern} ({class})\n{body}\n{report:?}");
        }
    }
}

#[test]
fn a_gone_balance_a_zero_allowance_and_a_spend_limit_are_never_throttling() {
    let money: Vec<_> = rows().into_iter().filter(|(.., class)| *class == "billing").collect();
    assert!(money.len() > 30, "{}", money.len());
    for (kind, pattern, _) in money {
        for status in [400, 402, 403, 429, 500] {
            for body in throttling_around(kind, pattern) {
                let report = read(status, &body);
                assert_eq!(report.class, Account, "HTTP {status} {body}\n{report:?}");
            }
        }
    }
    for body in [
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"spend limit","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        r#"{"error":{"message":"Budget has been exceeded! Current cost: 1.2, Max budget: 1","type":"budget_exceeded","code":"429"}}"#,
        r#"[{"error":{"code":429,"message":"Quota exceeded for metric, limit: 0, model: x","status":"RESOURCE_EXHAUSTED"}}]"#,
        r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#,
        r#"{"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"},"request_id":"1"}"#,
    ] {
        class(429, body, Account);
    }
}

#[test]
fn overflow_and_filter_rows_keep_their_class_under_any_status() {
    let mut seen = 0;
    for (kind, pattern, wanted) in rows() {
        if !matches!(wanted, "context_overflow" | "output_cap" | "content_filter") {
            continue;
        }
        for status in [400, 403, 413, 422, 429, 500, 200] {
            for body in throttling_around(kind, pattern) {
                seen += 1;
                let report = read(status, &body);
                assert_eq!(report.class, outcome(wanted), "HTTP {status} {body}\n{report:?}");
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn every_status_is_told_in_every_language() {
    use crate::text::Tongue;
    for tongue in Tongue::tags().filter_map(Tongue::named).filter(|t| *t != Tongue::ENGLISH) {
        for status in 300..600 {
            let report = read(status, "");
            for words in [&report.message, &report.hint] {
                assert!(!tongue.say(words).is_ascii(), "{tongue:?}, HTTP {status}: {words}");
            }
            let report = read(status, r#"{"error":{"message":"odd tea in the pot"}}"#);
            assert!(!tongue.say(&report.message).is_ascii(), "{tongue:?}: {}", report.message);
        }
    }
}
