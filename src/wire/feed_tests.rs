//! Feeds in the forms they are recorded in, cut down, and hostile ones.

use super::*;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn read(kind: FeedKind, body: &str) -> Feed {
    read_feed(kind, body.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn only(feed: &Feed) -> &FeedRow {
    assert_eq!((feed.rows.len(), &feed.refused), (1, &Vec::new()), "{feed:?}");
    &feed.rows[0]
}

fn why(kind: FeedKind, body: &str) -> String {
    let feed = read(kind, body);
    assert!(feed.rows.is_empty(), "{feed:?}");
    feed.refused[0].1.clone()
}

#[test]
fn open_router_tells_texts_in_dollars_per_token() {
    let body = r#"{"data":[{"id":"anthropic/claude-sonnet-5.5","canonical_slug":"x","name":"Claude",
        "created":1760000000,"context_length":1000000,"architecture":{"input_modalities":["text"]},
        "pricing":{"prompt":"0.000002","completion":"0.00001","request":"0","image":"0",
        "input_cache_read":"0.0000001","input_cache_write":"0.0000025"},
        "top_provider":{"context_length":1000000,"max_completion_tokens":128000,"is_moderated":true},
        "supported_parameters":["tools"]}]}"#;
    let feed = read(FeedKind::OpenRouter, body);
    let row = only(&feed);
    assert_eq!(
        (row.provider.as_str(), row.context, row.max_output),
        ("openrouter", Some(1_000_000), Some(128_000))
    );
    assert_eq!((row.input, row.output), (Some(price("2")), Some(price("10"))));
    assert_eq!((row.cached_input, row.cache_write), (Some(price("0.1")), Some(price("2.5"))));
}

#[test]
fn a_price_that_depends_is_unknown_and_a_free_one_says_so() {
    let body = |id: &str, figure: &str| {
        format!(
            r#"{{"data":[{{"id":"{id}","pricing":{{"prompt":"{figure}","completion":"{figure}"}}}}]}}"#
        )
    };
    let feed = read(FeedKind::OpenRouter, &body("openrouter/auto", "-1"));
    assert_eq!(only(&feed).input, None);
    let feed = read(FeedKind::OpenRouter, &body("meta/small:free", "0"));
    assert_eq!(only(&feed).input, Some(Price::FREE));
    assert!(why(FeedKind::OpenRouter, &body("meta/small", "0")).contains("its price is 0"));
}

#[test]
fn models_dev_tells_numbers_in_dollars_per_million() {
    let body = r#"{"deepseek":{"id":"deepseek","name":"DeepSeek","env":["DEEPSEEK_API_KEY"],"models":{
        "deepseek-flash":{"id":"deepseek-flash","name":"Flash","tool_call":true,
          "modalities":{"input":["text"],"output":["text"]},"limit":{"context":1000000,"output":384000},
          "cost":{"input":0.15,"output":0.6,"cache_read":0.003}},
        "deepseek-draw":{"modalities":{"output":["image"]},"cost":{"input":1,"output":1}}}},
        "somebody":{"models":{"x":{"cost":{"input":1,"output":1}}}}}"#;
    let feed = read(FeedKind::ModelsDev, body);
    let row = only(&feed);
    assert_eq!((row.provider.as_str(), row.id.as_str()), ("deepseek", "deepseek-flash"));
    assert_eq!((row.input, row.cached_input), (Some(price("0.15")), Some(price("0.003"))));
    assert_eq!(feed.left_out, 2);
}

#[test]
fn lite_llm_tells_numbers_per_token_in_any_notation_and_they_are_read_exactly() {
    let body = r#"{"sample_spec":{"litellm_provider":"one of them","mode":"chat"},
        "deepseek/deepseek-chat":{"litellm_provider":"deepseek","mode":"chat",
          "max_input_tokens":131072,"max_output_tokens":"8192","input_cost_per_token":2.7e-07,
          "output_cost_per_token":1.1e-06,"cache_read_input_token_cost":7e-08},
        "text-embedding-3-small":{"litellm_provider":"openai","mode":"embedding","input_cost_per_token":2e-08}}"#;
    let feed = read(FeedKind::LiteLlm, body);
    let row = only(&feed);
    assert_eq!((row.id.as_str(), row.max_output), ("deepseek-chat", Some(8_192)));
    assert_eq!((row.input, row.output), (Some(price("0.27")), Some(price("1.1"))));
    assert_eq!(row.cached_input, Some(price("0.07")));
    // The remains of a float's arithmetic are rounded off.
    let noisy = body.replace("2.7e-07", "2.7000000000000003e-07");
    assert_eq!(only(&read(FeedKind::LiteLlm, &noisy)).input, Some(price("0.27")));
}

#[test]
fn token_mix_tells_numbers_per_million_and_zero_is_free() {
    let body = r#"{"code":0,"data":{"list":[
        {"model_id":"deepseek/deepseek-v3","short_id":"deepseek-v3","name":"V3","model_type":"chat",
         "input_price":0.16,"output_price":0.63,"context_length":131072,"status":1},
        {"model_id":"free/one","model_type":"chat","input_price":0,"output_price":0},
        {"model_id":"new/one","model_type":"chat"},
        {"model_id":"draw/one","model_type":"image","input_price":3,"output_price":3}]}}"#;
    let feed = read(FeedKind::TokenMix, body);
    let prices: Vec<_> = feed.rows.iter().map(|row| row.input).collect();
    assert_eq!(prices, [Some(price("0.16")), Some(Price::FREE), None]);
    assert_eq!((feed.rows[0].also.as_deref(), feed.left_out), (Some("deepseek-v3"), 1));
}

#[test]
fn a_row_that_cannot_be_right_is_refused_by_itself_with_the_reason() {
    let body = |cost: &str| {
        format!(
            r#"{{"openai":{{"models":{{"bad":{{"cost":{cost}}},"good":{{"cost":{{"input":1,"output":2}}}}}}}}}}"#
        )
    };
    for (cost, words) in [
        (r#"{"input":-1,"output":2}"#, "less than nothing"),
        (r#"{"input":1e9,"output":2}"#, "which nobody takes"),
        (r#"{"input":1e400,"output":2}"#, "too large"),
        (r#"{"input":"NaN","output":2}"#, "decimal number"),
        (r#"{"input":true,"output":2}"#, "decimal number"),
        (r#"{"input":[1],"output":2}"#, "decimal number"),
        (r#"{"input":1}"#, "half a price"),
        (r#"{"input":0,"output":0}"#, "its price is 0"),
        (r#"{"input":1e-30,"output":2}"#, "less than can be counted"),
        ("7", "not the form"),
    ] {
        let feed = read(FeedKind::ModelsDev, &body(cost));
        assert_eq!(feed.rows.len(), 1, "{cost}: {feed:?}");
        let (id, why) = &feed.refused[0];
        assert_eq!(id, "bad");
        assert!(why.contains(words), "{cost}: {why}");
    }
    let wide =
        r#"{"openai":{"models":{"m":{"limit":{"context":1e30},"cost":{"input":1,"output":2}}}}}"#;
    assert!(why(FeedKind::ModelsDev, wide).contains("no window is so wide"));
}

#[test]
fn a_hostile_id_is_refused_and_shown_without_its_control_bytes() {
    let body = r#"{"data":[{"id":"a\u001b[31m\nb","pricing":{"prompt":"1e-6","completion":"1e-6"}},
        {"id":"with space","pricing":{"prompt":"1e-6","completion":"1e-6"}}]}"#;
    let feed = read(FeedKind::OpenRouter, body);
    assert_eq!((feed.rows.len(), feed.refused.len()), (0, 2));
    assert_eq!(feed.refused[0].0, "a[31mb");
}

#[test]
fn what_is_no_feed_is_an_error() {
    for kind in [FeedKind::OpenRouter, FeedKind::ModelsDev, FeedKind::LiteLlm, FeedKind::TokenMix] {
        for body in ["", "<html>", "[]", "{\"data\":3}", "null", "{"] {
            assert!(read_feed(kind, body.as_bytes()).is_err(), "{kind:?} {body}");
        }
        assert!(kind.address().starts_with("https://"));
    }
}

#[test]
fn what_a_feed_says_wrongly_is_not_repeated_at_any_length() {
    let long = "x".repeat(100_000);
    let body = format!(r#"{{"data":[{{"id":"a","pricing":"{long}"}}]}}"#);
    assert!(why(FeedKind::OpenRouter, &body).len() < 400);
    let error = read_feed(FeedKind::OpenRouter, format!("\"{long}\"").as_bytes()).unwrap_err();
    assert!(error.len() < 400);
}
