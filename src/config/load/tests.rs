//! Tests of loading: layers, errors, defaults.

mod mistakes;
mod tiers;

use std::time::Duration;

use super::*;
use crate::config::{
    AtLimit, CacheWhen, CapField, Dialect, EffortStyle, FeedbackMetric, KeepWarm, KeepWhat,
    KeyNeed, KeyRef, Mention, QualitySource, RuleThen, SeedField, StreamUsage, SystemRole,
    environment_layer,
};
use crate::domain::{Continuation, Currency, Denomination, Lang, Price, TaskKind, UnixMs};

/// Every part of the configuration at once, as the documentation shows it.
const WHOLE: &str = include_str!("../../../tests/it/config/whole.toml");

fn user(text: &str) -> Layer {
    Layer::user("config.toml", text)
}

fn ok(text: &str) -> Config {
    load(&[user(text)]).unwrap_or_else(|errors| panic!("{}", lines(&errors))).config
}

fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The errors of a user's file, one per line.
fn wrong(text: &str) -> String {
    lines(&load(&[user(text)]).err().unwrap_or_default())
}

/// A valid provider and model to break things around.
const LAB: &str = "[providers.lab]\nbase_url = \"http://127.0.0.1:8080/v1\"\n\
                   [models.small]\nprovider = \"lab\"\ncontext = 1000\nmax_output = 100\n\
                   price = { input = 1, output = 2 }\n";

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

#[test]
fn the_whole_configuration_is_accepted() {
    let loaded = load(&[user(WHOLE)]).unwrap_or_else(|errors| panic!("{}", lines(&errors)));
    assert!(loaded.warnings.is_empty(), "{}", lines(&loaded.warnings));
    let config = loaded.config;

    let lab = &config.providers["lab"];
    assert_eq!((lab.dialect, lab.base_url.as_str()), (Dialect::OpenAi, "http://127.0.0.1:8080/v1"));
    assert_eq!(lab.headers["x-team"], "a");
    assert_eq!((lab.tags.as_slice(), lab.passthrough), (["eu".to_owned()].as_slice(), true));
    assert_eq!(lab.maintenance[0].window.to_string(), "Tue 02:00-03:00 UTC");
    assert_eq!(
        (lab.mention, lab.key_need, lab.discover),
        (Mention::User, KeyNeed::Optional, false)
    );
    assert_eq!(config.providers["deepseek"].keys, [KeyRef::Env("DEEPSEEK_API_KEY".to_owned())]);
    assert_eq!(config.providers["deepseek"].mention, Mention::User);

    let small = &config.models["lab-small"];
    assert_eq!(
        (small.id.as_str(), small.context, small.max_output),
        ("gemma-3-270m", 32_768, 2_048)
    );
    let base = small.prices.base.unwrap();
    assert_eq!((base.input, base.cached_input), (price("0.14"), price("0.014")));
    assert_eq!((base.cache_write, base.output), (price("0"), price("0.42")));
    assert_eq!(small.quality.get(TaskKind::Code), 0.7);
    assert_eq!(small.quality.get(TaskKind::Chat), 0.6);
    assert_eq!((small.quality_source, small.quality_set.len()), (QualitySource::User, 8));
    assert_eq!((small.latency.ttft_ms, small.latency.tokens_per_s), (600, 60.0));
    assert!(small.capabilities.seed && !small.capabilities.vision);
    assert_eq!(small.capabilities.continuation, Continuation::Prefix);
    assert_eq!(small.keep_warm, KeepWarm::Free);
    assert_eq!(small.params["top_p"], serde_json::json!(0.9));
    assert_eq!(small.prices.schedules[0].input, Some(price("0.28")));

    assert_eq!(config.routing.policy, "balanced");
    let rule = &config.routing.rules[0];
    assert_eq!((rule.when.task, rule.when.min_context), (Some(TaskKind::Code), None));
    assert_eq!((&rule.when.tag, rule.when.lang), (&None, None));
    assert_eq!(rule.then, RuleThen::Prefer(vec!["lab-small".to_owned()]));
    let mine = config.policies["mine"];
    assert!((mine.quality - 0.6).abs() < 1e-9 && (mine.speed - 0.1).abs() < 1e-9);
    assert_eq!(config.limits.first_token, Duration::from_secs(10));
    assert_eq!(config.feedback.metric, FeedbackMetric::Ttft);
    assert_eq!(config.feedback.p95_limit, Duration::from_secs(3));
    assert_eq!((config.cache.when, config.cache.max_bytes), (CacheWhen::Deterministic, 64_000_000));
    assert_eq!(config.cache.redis.as_ref().unwrap().ttl, Duration::from_hours(1));
    let day = config.budget.day.unwrap();
    assert_eq!((day.limit.to_string().as_str(), day.at_limit), ("2.00", AtLimit::Ask));
    assert_eq!(config.console.theme, "terminal");
    assert!(!config.capture.bodies);
}

#[test]
fn no_layer_at_all_is_a_configuration() {
    let loaded = load(&[]).unwrap_or_else(|errors| panic!("{}", lines(&errors)));
    assert!(loaded.warnings.is_empty(), "{}", lines(&loaded.warnings));
    assert_eq!(loaded.config.routing.policy, "balanced");
    assert_eq!(loaded.config.console.mouse, "off");
    assert!(loaded.config.budget.day.is_none() && loaded.config.cache.redis.is_none());
}

#[test]
fn the_rest_of_the_settings_are_read() {
    let config = ok(&format!(
        "{LAB}\
         thinks_silently = true\nretired = \"\"\nlanguages = [\"en\"]\n\
         [models.small.limits]\nfirst_token = \"2s\"\n\
         [providers.lab.limits]\nconnect = \"1s\"\nfirst_token = \"20s\"\n\
         [providers.lab.quirks]\ncap_field = \"max-completion-tokens\"\nseed_field = \"random_seed\"\n\
         stream_usage = \"always\"\nsystem_role = \"developer\"\ntool_required = \"any\"\n\
         effort = \"thinking-type\"\ntemperature_max = 1\nend_marker = false\n\
         prefix_base_url = \"http://127.0.0.1:8080/beta/\"\n\
         [budget.providers.lab]\nlimit = 1\nat_limit = \"stop\"\n\
         [budget.models.\"lab/other\"]\nlimit = 0.5\n\
         [console]\nsend = \"alt-enter\"\nmouse = \"wheel\"\nbaseline = \"small\"\n\
         [console.keys]\n\"global.palette\" = \"ctrl+k\"\n\
         [console.keys.composer]\nsubmit = [\"enter\", \"ctrl+s\"]\nclear = []\n"
    ));
    let small = &config.models["small"];
    assert!(small.thinks_silently && small.retired.is_none());
    assert_eq!(small.languages, [Lang::EN]);
    let limits = config.limits_for(small);
    assert_eq!(
        (limits.connect, limits.first_token),
        (Duration::from_secs(1), Duration::from_secs(2))
    );
    let quirks = &small.quirks;
    assert_eq!(quirks.cap_field, CapField::MaxCompletionTokens);
    assert_eq!(quirks.seed_field, SeedField::RandomSeed);
    assert_eq!(quirks.stream_usage, StreamUsage::Always);
    assert_eq!(quirks.system_role, SystemRole::Developer);
    assert_eq!((quirks.tool_required.as_str(), quirks.effort), ("any", EffortStyle::ThinkingType));
    assert_eq!((quirks.temperature_max, quirks.end_marker), (1.0, false));
    assert_eq!(quirks.prefix_base_url.as_deref(), Some("http://127.0.0.1:8080/beta"));
    assert_eq!(config.budget.providers["lab"].at_limit, AtLimit::Stop);
    assert_eq!(config.budget.models["lab/other"].limit.to_string(), "0.50");
    assert_eq!(
        (config.console.send.as_str(), config.console.mouse.as_str()),
        ("alt-enter", "wheel")
    );
    assert_eq!(config.console.baseline.as_deref(), Some("small"));
    assert_eq!(config.console.keys["global.palette"], ["ctrl+k"]);
    assert_eq!(config.console.keys["composer.submit"], ["enter", "ctrl+s"]);
    assert!(config.console.keys["composer.clear"].is_empty());
}

#[test]
fn the_cheapest_policy_asks_for_no_better_answer_than_the_balanced_one() {
    let config = load(&[]).unwrap_or_else(|errors| panic!("{}", lines(&errors))).config;
    // Quality against speed is what makes a policy call an answer good enough; a higher bar would
    // leave out the cheap models and cost more.
    let bar = |name: &str| {
        let weights = config.policies[name];
        weights.quality / (weights.quality + weights.speed)
    };
    assert!(bar("cheapest") <= bar("balanced") + 1e-9);
    assert!(config.policies["cheapest"].cost > config.policies["balanced"].cost);
}

#[test]
fn later_layers_override_earlier_ones_whatever_order_they_come_in() {
    let vars = [("WHEELHOUSE__CONSOLE__THEME".to_owned(), "env".to_owned())];
    let synced = Layer {
        kind: LayerKind::Synced,
        name: "prices.toml".to_owned(),
        text: "[models.sonnet.price]\ninput = 7\n".to_owned(),
    };
    let file = "[console]\ntheme = \"file\"\nsend = \"alt-enter\"\n[routing]\npolicy = \"best\"\n\
                [models.haiku.price]\noutput = 9\n";
    let flag = Layer::flag("--policy", "routing.policy", "cheapest");
    let layers = [flag, environment_layer(vars.into_iter()).unwrap(), user(file), synced];
    let config = load(&layers).unwrap_or_else(|errors| panic!("{}", lines(&errors))).config;
    assert_eq!(config.routing.policy, "cheapest");
    assert_eq!((config.console.theme.as_str(), config.console.send.as_str()), ("env", "alt-enter"));
    let sonnet = &config.models["sonnet"];
    let base = sonnet.prices.base.unwrap();
    assert_eq!((base.input, base.output), (price("7"), price("10")));
    assert_eq!(sonnet.mention, Mention::Shipped);
    let haiku = &config.models["haiku"];
    assert_eq!(haiku.prices.base.unwrap().output, price("9"));
    assert_eq!(haiku.mention, Mention::User);
}

#[test]
fn a_variable_reaches_a_name_with_characters_it_cannot_have() {
    let vars = [
        ("WHEELHOUSE__MODELS__GPT_4O__QUALITY__CODE".to_owned(), "0.5".to_owned()),
        ("WHEELHOUSE__PROVIDERS__QWEN_CN__API_KEY".to_owned(), "env:OTHER".to_owned()),
    ];
    let config = load(&[environment_layer(vars.into_iter()).unwrap()]).unwrap().config;
    let model = &config.models["gpt-4o"];
    assert_eq!(model.quality.get(TaskKind::Code), 0.5);
    assert_eq!(
        (model.quality_set.as_slice(), model.quality_source),
        ([TaskKind::Code].as_slice(), QualitySource::Guess)
    );
    assert_eq!(config.providers["qwen-cn"].keys, [KeyRef::Env("OTHER".to_owned())]);
}

#[test]
fn a_price_a_person_set_is_not_beaten_by_shipped_schedules_nor_dated_by_shipped_notes() {
    let loaded = load(&[user("[models.deepseek-flash]\nprice = { input = 1, output = 2 }\n")]);
    let loaded = loaded.unwrap();
    assert!(!loaded.show(Some("models.deepseek-flash.price")).contains("as_of"));
    assert!(!loaded.show(Some("models.deepseek-flash")).contains(".prices"));
    let prices = &loaded.config.models["deepseek-flash"].prices;
    assert!(prices.schedules.is_empty());
    assert_eq!((&prices.as_of, &prices.source), (&None, &None));
    let own = "[models.deepseek-flash]\nprice = { input = 1, output = 2, as_of = 2026-11-20 }\n\
               [[models.deepseek-flash.prices]]\nover_input_tokens = 10\ninput = 5\n";
    let prices = &ok(own).models["deepseek-flash"].prices;
    assert_eq!((prices.schedules.len(), prices.as_of.as_deref()), (1, Some("2026-11-20")));
}

#[test]
fn a_cached_price_that_is_not_known_follows_the_input_price() {
    let config = ok(&format!("{LAB}[[models.small.prices]]\nover_input_tokens = 10\ninput = 5\n"));
    let prices = &config.models["small"].prices;
    assert_eq!(prices.at(UnixMs(0), 5).unwrap().cached_input, price("1"));
    assert_eq!(prices.at(UnixMs(0), 50).unwrap().cached_input, price("5"));
}

#[test]
fn a_provider_can_start_from_a_preset_under_another_name() {
    let config =
        ok("[providers.attic]\npreset = \"ollama\"\nbase_url = \"http://10.0.0.2:11434/v1\"\n");
    let attic = &config.providers["attic"];
    assert!(attic.local && attic.discover);
    assert_eq!(
        (attic.label.as_str(), attic.base_url.as_str()),
        ("attic", "http://10.0.0.2:11434/v1")
    );
    assert_eq!(
        wrong("[providers.attic]\npreset = \"olama\"\nbase_url = \"http://a\"\n"),
        "config.toml:2:10: providers.attic.preset: there is no preset \"olama\"; did you mean `ollama`?"
    );
}

#[test]
fn a_provider_without_models_lists_its_own() {
    let text = "[providers.bare]\nbase_url = \"http://127.0.0.1:9/v1/chat/completions\"\n";
    let config = ok(&format!("{LAB}{text}"));
    assert!(config.providers["bare"].discover && !config.providers["lab"].discover);
    assert_eq!(config.providers["bare"].base_url, "http://127.0.0.1:9/v1");
}

#[test]
fn rates_of_other_currencies_are_read_exactly_whichever_way_they_are_written() {
    let currency = ok("[currency]\nshow = \"cny\"\nas_of = 2026-11-20\n\
                       [currency.rates]\ncny = 7.123456\nJPY = 155\n")
    .currency;
    let code = |text: &str| text.parse::<Currency>().unwrap();
    assert_eq!(currency.rates[&code("CNY")].to_string(), "7.123456");
    assert_eq!((currency.show, currency.as_of.as_deref()), (Some(code("CNY")), Some("2026-11-20")));
    let round = [code("USD"), code("CNY"), code("JPY")].map(|from| currency.after(from).currency());
    assert_eq!(round, [code("CNY"), code("JPY"), code("USD")]);
    assert_eq!(ok("").currency.first(), Denomination::Dollars);
}

#[test]
fn a_mistake_about_currencies_says_where_and_what_instead() {
    for (text, says) in [
        (
            "[currency]\nshow = \"CNA\"\nrates = { CNY = 7.12 }\n",
            "config.toml:2:8: currency.show: CNA has no rate, such as currency.rates.CNA = 7.12; \
             did you mean `CNY`?",
        ),
        (
            "[currency]\nrates = { CNY = 0 }\n",
            "config.toml:2:17: currency.rates.CNY: expected a number of units per US dollar above 0",
        ),
        (
            "[currency]\nrates = { USD = 1 }\n",
            "config.toml:2:11: currency.rates.USD: money is counted in US dollars; rates are of \
             other currencies",
        ),
        (
            "[currency]\nrates = { yuan = 7.12 }\n",
            "config.toml:2:11: currency.rates.yuan: expected a currency's three letters such as \
             CNY, found \"yuan\"",
        ),
        (
            "[currency]\nrates = { CNY = \"7,12\" }\n",
            "config.toml:2:17: currency.rates.CNY: expected a number of units per US dollar, such \
             as 7.12, found a string",
        ),
        (
            "[currency.rates]\nCNY = 7\ncny = 8\n",
            "config.toml:3:1: currency.rates.cny: CNY is there twice",
        ),
        (
            "[currency]\nas_of = \"last week\"\n",
            "config.toml:2:9: currency.as_of: expected a day such as \"2026-11-20\"",
        ),
        (
            "[currency]\nrate = 7\n",
            "config.toml:2:1: currency.rate: unknown field; did you mean `rates`?",
        ),
        (
            "[currency]\nrates = 7\n",
            "config.toml:2:9: currency.rates: expected { CNY = 7.12 }, found a whole number",
        ),
    ] {
        assert_eq!(wrong(text), says, "{text}");
    }
}

#[test]
fn every_field_of_the_schema_is_read() {
    use crate::config::{reader, schema};
    reader::READ.take();
    let more = "[budget]\nmonth = { limit = 1 }\n[[routing.rules]]\nthen = { policy = \"best\" }\n";
    let then = "[[routing.rules]]\nthen = { only = [\"sonnet\"] }\n\
                [[routing.rules]]\nthen = { avoid = [\"sonnet\"] }\n";
    load(&[user(WHOLE)]).unwrap();
    load(&[user(&format!("{more}{then}"))]).unwrap();
    let read = reader::READ.take();
    for section in schema::SECTIONS {
        for field in section.fields {
            let known = read.contains(&(section.path, field.name.to_owned()));
            assert!(known, "{}: {} is listed but never read", section.path, field.name);
        }
    }
}

#[test]
fn no_text_makes_it_panic() {
    for at in (0..WHOLE.len()).step_by(11).filter(|at| WHOLE.is_char_boundary(*at)) {
        for strange in ["é", "\"", "[", "9", ".", "=", "→ab", "\u{0}"] {
            let mut text = WHOLE.to_owned();
            text.insert_str(at, strange);
            let _ = build(&[], &[user(&text)], &|_, _, _| {});
        }
    }
}

#[test]
fn a_smaller_window_takes_the_shipped_answer_size_with_it() {
    let sonnet = &ok("[models.sonnet]\ncontext = 8192\n").models["sonnet"];
    assert_eq!((sonnet.context, sonnet.max_output), (8_192, 8_192));
}

#[test]
fn what_is_not_wrong_but_worth_saying_is_a_warning() {
    let text =
        "[providers.far]\nbase_url = \"https://far.example/v1\"\n[models.x]\nprovider = \"far\"\n";
    let loaded = load(&[user(text)]).unwrap();
    assert_eq!(
        lines(&loaded.warnings),
        "config.toml:3:9: models.x: no context given: 8192 tokens are assumed\n\
         config.toml:3:9: models.x: no price: it is used only when named"
    );
}

const FLEET: &str = "[providers.sim-a]\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                     [models.sim-one]\nprovider = \"sim-a\"\ncontext = 1000\nmax_output = 100\n\
                     price = { input = 1, output = 2 }\n";

#[test]
fn a_demonstration_has_only_the_fleet_and_keeps_what_names_no_model() {
    let file = "[console]\ntheme = \"dark\"\nbaseline = \"sonnet\"\n[console.keys]\n\"global.help\" = \"f2\"\n\
                [currency]\nrates = { CNY = 7.12 }\n\
                [models.sonnet]\nquality = { code = 0.1 }\n[budget]\nday = { limit = 1 }\n\
                models = { sonnet = { limit = 2 } }\n[ledger]\nkeep = \"figures\"\n\
                [[routing.rules]]\nthen = { only = [\"sonnet\"] }\n";
    let flag = Layer::flag("--policy", "routing.policy", "fastest");
    let loaded = load_demo(FLEET, &[user(file), flag]).unwrap();
    let config = loaded.config;
    assert_eq!(config.models.keys().map(ToString::to_string).collect::<Vec<_>>(), ["sim-one"]);
    assert!(config.providers.values().all(|provider| provider.simulated));
    assert_eq!(
        (config.console.theme.as_str(), config.routing.policy.as_str()),
        ("dark", "fastest")
    );
    assert_eq!(config.console.keys["global.help"], ["f2"]);
    assert_eq!(config.currency.rates.len(), 1, "what amounts are shown in is how it looks");
    assert!(config.console.baseline.is_none() && config.budget.models.is_empty());
    assert!(config.budget.day.is_some(), "a budget that can be tried without paying");
    assert_eq!(config.ledger.keep, KeepWhat::Figures);
    assert!(config.routing.rules.is_empty());
}

#[test]
fn a_demonstration_starts_even_when_the_users_file_is_broken() {
    let loaded = load_demo(FLEET, &[user("[console\n")]).unwrap();
    assert_eq!(loaded.config.models.len(), 1);
    assert!(lines(&loaded.warnings).starts_with("config.toml:1:9: not TOML"));
    let flag = Layer::flag("--policy", "routing.policy", "fastet");
    assert!(load_demo(FLEET, &[flag]).is_err());
}
