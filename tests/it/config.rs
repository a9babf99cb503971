//! The shipped presets: that they load, hold together, and cost what they should at which time.

use wheelhouse::config::{
    Config, Dialect, EffortStyle, KeyNeed, Layer, Mention, QualitySource, load,
};
use wheelhouse::domain::{Continuation, Price, Rates, ServiceTier, TaskKind, UnixMs};

fn shipped() -> Config {
    let loaded = load(&[]).expect("the presets load");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded.config
}

fn at(text: &str) -> UnixMs {
    let moment: jiff::Timestamp = text.parse().expect("a moment");
    UnixMs(moment.as_millisecond())
}

fn rates(config: &Config, model: &str, when: &str, input_tokens: u64) -> Rates {
    config.models[model].prices.at(at(when), input_tokens).expect("a price")
}

fn figures(rates: Rates) -> [String; 3] {
    [rates.input, rates.cached_input, rates.output].map(|price| price.to_string())
}

#[test]
fn every_named_system_has_a_preset() {
    let config = shipped();
    for provider in [
        "deepseek",
        "qwen",
        "qwen-cn",
        "mistral",
        "anthropic",
        "openai",
        "gemini",
        "tokenmix",
        "openrouter",
        "litellm",
        "portkey",
        "ollama",
        "llamacpp",
        "lmstudio",
        "vllm",
    ] {
        let provider = config.providers.get(provider).unwrap_or_else(|| panic!("no {provider}"));
        assert_eq!(provider.mention, Mention::Shipped);
        assert!(!provider.simulated && !provider.base_url.ends_with('/'));
    }
    for model in [
        "deepseek-flash",
        "deepseek-pro",
        "deepseek-v3",
        "deepseek-v2",
        "qwen-max",
        "qwen-flash",
        "mistral-large",
        "mistral-small",
        "codestral",
        "fable",
        "opus",
        "sonnet",
        "haiku",
        "gpt-astra",
        "gpt-sol",
        "gpt-terra",
        "gpt-luna",
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4-turbo",
        "gemini-argon",
        "gemini-flash",
        "gemini-pro",
    ] {
        assert!(config.models.contains_key(model), "no {model}");
    }
    assert_eq!(config.models["gpt-4-turbo"].context, 128_000);
    assert_eq!(config.providers["anthropic"].dialect, Dialect::Anthropic);
}

#[test]
fn every_shipped_model_holds_together() {
    let config = shipped();
    for (name, model) in &config.models {
        let provider = config.providers.get(&model.provider).expect("its provider");
        assert!(model.context >= 32_000, "{name}: window");
        assert!((1_024..=model.context).contains(&model.max_output), "{name}: greatest answer");
        assert_eq!(model.quality_source, QualitySource::Guess, "{name}");
        for kind in TaskKind::ALL {
            assert!((0.3..=1.0).contains(&model.quality.get(kind)), "{name}: {kind}");
        }
        assert!(model.latency.ttft_ms >= 100 && model.latency.tokens_per_s > 1.0, "{name}");
        assert!(!provider.keys.is_empty() && provider.key_need == KeyNeed::Required, "{name}");
        let continued_at = model.capabilities.continuation;
        let has_base = model.quirks.prefix_base_url.is_some();
        assert!(!has_base || continued_at == Continuation::Prefix, "{name}");
        let thinks = model.quirks.effort != EffortStyle::Unsupported;
        assert!(!model.capabilities.reasoning || thinks, "{name}: effort cannot be said");
        if model.thinks_silently {
            let limit = config.limits_for(model).first_token;
            assert!(limit.as_millis() as u64 >= 5 * model.latency.ttft_ms, "{name}: limit");
        }
    }
}

#[test]
fn every_shipped_price_is_dated_sourced_and_sane() {
    let config = shipped();
    let dear: Price = "100".parse().expect("a price");
    for (name, model) in &config.models {
        let prices = &model.prices;
        let Some(base) = prices.base else {
            assert!(prices.schedules.is_empty() && prices.source.is_none(), "{name}");
            continue;
        };
        let day = prices.as_of.as_deref().unwrap_or_else(|| panic!("{name} has no date"));
        assert!(("2024".."2026-11-24").contains(&day), "{name}: {day}");
        assert!(prices.source.as_deref().is_some_and(|source| !source.is_empty()), "{name}");
        let all =
            [at("2026-11-24T02:00:00Z"), at("2026-11-29T02:00:00Z"), at("2027-06-01T07:00:00Z")];
        let all = all.into_iter().flat_map(|now| [10, 500_000].map(|n| prices.at(now, n)));
        for rates in all.flatten().chain([base]) {
            assert!(Price::FREE < rates.input && rates.output < dear, "{name}");
            assert!(rates.cached_input <= rates.input && rates.input <= rates.output, "{name}");
            assert!(rates.cache_write >= rates.input, "{name}: cache write");
        }
    }
}

#[test]
fn a_shipped_model_that_can_be_asked_for_a_tier_has_a_price_there() {
    let config = shipped();
    let now = at("2026-11-26T12:00:00Z");
    let mut priced = 0;
    for (name, model) in &config.models {
        let rates = |tier, tokens| model.prices.in_tier(tier, now, tokens).map(|tier| tier.rates);
        for tier in &model.quirks.service_tiers {
            let usual = rates(ServiceTier::Standard, 1_000).expect("a price");
            let own = rates(*tier, 1_000).unwrap_or_else(|| panic!("{name} in {tier}"));
            let long = rates(*tier, 500_000).unwrap_or(own);
            assert!(long.input >= own.input && long.output >= own.output, "{name} in {tier}");
            match tier {
                ServiceTier::Flex => assert!(own.input < usual.input && own.output < usual.output),
                ServiceTier::Priority | ServiceTier::Ultrafast => {
                    assert!(own.input > usual.input && own.output > usual.output);
                }
                ServiceTier::Standard
                | ServiceTier::Scale
                | ServiceTier::Batch
                | ServiceTier::Other => assert_eq!(own, usual),
            }
            priced += 1;
        }
    }
    assert!(priced > 12, "{priced}");
}

#[test]
fn deepseek_costs_twice_as_much_in_peak_hours_of_working_days() {
    let config = shipped();
    let flash = |when| figures(rates(&config, "deepseek-flash", when, 1_000));
    let low = ["0.15", "0.003", "0.6"];
    let peak = ["0.3", "0.006", "1.2"];
    // 2026-11-23 is a Monday.
    assert_eq!(flash("2026-11-23T00:59:59Z"), low);
    assert_eq!(flash("2026-11-23T01:00:00Z"), peak);
    assert_eq!(flash("2026-11-23T03:59:59Z"), peak);
    assert_eq!(flash("2026-11-23T04:00:00Z"), low);
    assert_eq!(flash("2026-11-23T06:00:00Z"), peak);
    assert_eq!(flash("2026-11-23T10:00:00Z"), low);
    assert_eq!(flash("2026-11-28T02:00:00Z"), low, "a Saturday");
    assert_eq!(flash("2026-10-01T02:00:00Z"), low, "a holiday");
    assert_eq!(flash("2026-08-14T02:00:00Z"), low, "before it began");
    let pro = |when| figures(rates(&config, "deepseek-pro", when, 1_000));
    assert_eq!(pro("2026-11-23T12:00:00Z"), ["0.66", "0.022", "1.98"]);
    assert_eq!(pro("2026-11-23T07:00:00Z"), ["1.32", "0.044", "3.96"]);
}

#[test]
fn gemini_prices_double_on_their_days() {
    let config = shipped();
    let argon = |when| figures(rates(&config, "gemini-argon", when, 1_000));
    assert_eq!(argon("2026-11-30T23:59:59Z"), ["2", "0.1", "10"]);
    assert_eq!(argon("2026-12-01T00:00:00Z"), ["4", "0.2", "20"]);
    let flash = |when| figures(rates(&config, "gemini-flash", when, 1_000));
    assert_eq!(flash("2026-12-31T23:59:59Z"), ["0.75", "0.75", "3.75"]);
    assert_eq!(flash("2027-01-01T00:00:00Z"), ["1.5", "1.5", "7.5"]);
}

#[test]
fn long_prompts_cost_more_where_they_do() {
    let config = shipped();
    let now = "2026-11-23T12:00:00Z";
    let price = |model, tokens| figures(rates(&config, model, now, tokens));
    assert_eq!(price("haiku", 100_000), ["0.1", "0.01", "0.5"]);
    assert_eq!(price("haiku", 100_001), ["0.5", "0.05", "2.5"]);
    assert_eq!(price("gpt-sol", 272_000), ["2", "0.1", "10"]);
    assert_eq!(price("gpt-sol", 272_001), ["4", "0.2", "15"]);
    assert_eq!(price("gemini-pro", 200_001), ["4", "4", "18"]);
}

#[test]
fn retired_and_unpriced_models_say_so() {
    let config = shipped();
    for model in ["deepseek-v3", "deepseek-v2", "gpt-4-turbo", "gpt-4o", "sonnet-3-5"] {
        let model = &config.models[model];
        assert!(model.retired.is_some() && model.prices.unconfirmed(), "{}", model.name);
    }
    assert!(config.models["qwen-plus"].prices.base.is_none());
    let config = load(&[Layer::user("c.toml", "[models.gpt-4o]\nretired = \"\"\n")]);
    assert!(config.expect("it loads").config.models["gpt-4o"].retired.is_none());
}

#[test]
fn capabilities_follow_what_providers_say() {
    let config = shipped();
    let of = |model: &str| &config.models[model].capabilities;
    for model in ["opus", "sonnet", "haiku", "gpt-sol", "gpt-luna"] {
        assert!(!of(model).temperature, "{model} refuses a temperature");
        assert_eq!(of(model).continuation, Continuation::Instruct, "{model} takes no prefill");
    }
    assert_eq!(of("haiku-4-5").continuation, Continuation::Prefill);
    assert_eq!(of("deepseek-flash").continuation, Continuation::Prefix);
    assert_eq!(of("qwen-flash").continuation, Continuation::Partial);
    assert_eq!(of("qwen-max").continuation, Continuation::Instruct);
    let local = &config.providers["ollama"];
    assert!(local.local && local.discover && local.key_need == KeyNeed::Optional);
    let portkey = &config.providers["portkey"];
    assert_eq!(portkey.quirks.auth_header.as_deref(), Some("x-portkey-api-key"));
    assert!(portkey.passthrough && !portkey.discover);
}

#[test]
fn names_of_models_are_short_and_easy_to_type() {
    for name in shipped().models.keys() {
        let name = name.as_str();
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(plain && name.len() <= 16, "{name}");
    }
}
