//! Each mistake a file can hold: its place, what was expected, and what may have been meant.

use std::fmt::Write as _;

use super::*;

#[test]
fn several_errors_come_at_once_in_the_order_of_the_file() {
    let text = "[providers.lab]\nbase_ur = \"http://127.0.0.1/v1\"\ndialect = \"opnai\"\n\
                [routing]\npolicy = \"balancd\"\n[limits]\nfirst_token = 10\n";
    assert_eq!(
        wrong(text),
        "config.toml:1:12: providers.lab: no base_url, and no preset has this name\n\
         config.toml:2:1: providers.lab.base_ur: unknown field; did you mean `base_url`?\n\
         config.toml:3:11: providers.lab.dialect: expected \"openai\" or \"anthropic\", found \"opnai\"; did you mean `openai`?\n\
         config.toml:5:10: routing.policy: there is no policy \"balancd\"; did you mean `balanced`?\n\
         config.toml:7:15: limits.first_token: expected a span with its unit, such as \"10s\"; did you mean `\"10s\"`?"
    );
}

#[test]
fn a_syntax_error_in_one_layer_does_not_hide_the_errors_of_another() {
    let layers = [
        Layer::user("a.toml", "[routing\npolicy = 1\n"),
        Layer::flag("--theme", "console.theme", "true"),
        Layer::flag("--policy", "routing.policy", "mine"),
    ];
    let errors = load(&layers).unwrap_err();
    let text = lines(&errors);
    assert!(text.starts_with("a.toml:1:9: not TOML: "), "{text}");
    assert!(text.contains("--theme: console.theme: expected a theme's name or file, found true"));
    // The policy may well be in the layer that could not be read.
    assert_eq!(errors.len(), 2, "{text}");
}

#[test]
fn a_wrong_variable_is_named() {
    let vars = [("WHEELHOUSE__ROUTING__POLICY".to_owned(), "fastet".to_owned())];
    let errors = load(&[environment_layer(vars.into_iter()).unwrap()]).unwrap_err();
    assert_eq!(
        lines(&errors),
        "WHEELHOUSE__ROUTING__POLICY: routing.policy: there is no policy \"fastet\"; did you mean `fastest`?"
    );
}

#[test]
fn a_literal_key_is_refused_and_not_repeated() {
    for text in [
        "[providers.deepseek]\napi_key = \"sk-abcdef\"\n",
        "[providers.deepseek]\napi_key = \"env:sk-abcdef\"\n",
        "[providers.deepseek]\napi_key = [\"env:OK\", \"sk-abcdef\"]\n",
        "[providers.deepseek]\nheaders = { Authorization = \"Bearer sk-abcdef\" }\n",
        "[providers.deepseek]\nheaders = { x-api-key = \"sk-abcdef\" }\n",
    ] {
        let text = wrong(text);
        assert!(!text.is_empty() && !text.contains("abcdef"), "{text}");
    }
    assert_eq!(
        wrong("[providers.deepseek]\napi_key = \"sk-abcdef\"\n"),
        "config.toml:2:11: providers.deepseek.api_key: keys are never written in files: use env:NAME \
         (for example env:DEEPSEEK_API_KEY), cmd:COMMAND or keyring:ENTRY"
    );
    assert_eq!(
        wrong("[providers.deepseek]\napi_key = \"$DEEPSEEK_API_KEY\"\n"),
        "config.toml:2:11: providers.deepseek.api_key: keys are never written in files: use env:NAME; \
         did you mean `env:DEEPSEEK_API_KEY`?"
    );
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_was_expected() {
    let cases = [
        (
            "colour = 1\n",
            "config.toml:1:1: colour: unknown field; expected one of providers, models, routing, policies, limits, feedback, hedge, cache, budget, currency, console, capture, ledger",
        ),
        (
            "[ledger]\nkeep = \"none\"\n",
            "config.toml:2:8: ledger.keep: expected \"all\", \"figures\" or \"nothing\", found \"none\"",
        ),
        (
            "[ledger]\nkeep_days = 0\n",
            "config.toml:2:13: ledger.keep_days: expected 1 to 36500 days, found 0; keep = \"figures\" keeps no text at all, leave it out for ever",
        ),
        (
            "[ledger]\nrecord_days = \"30d\"\n",
            "config.toml:2:15: ledger.record_days: expected a whole number of days, found a string",
        ),
        (
            "[ledger]\ndays = 30\n",
            "config.toml:2:1: ledger.days: unknown field; did you mean `keep_days`?",
        ),
        ("[provider.x]\n", "config.toml:1:2: provider: unknown field; did you mean `providers`?"),
        (
            "[providers.deepsek]\napi_key = \"env:A\"\n",
            "config.toml:1:12: providers.deepsek: no base_url, and no preset has this name; did you mean `deepseek`?",
        ),
        (
            "[providers.lab]\nbase_url = \"ftp://x\"\n",
            "config.toml:2:12: providers.lab.base_url: expected an address that begins with http:// or https://",
        ),
        (
            "[providers.ollama]\ntags = \"a\"\nmaintenance = [\"Tue\"]\n",
            "config.toml:3:16: providers.ollama.maintenance: \"Tue\" is not a span of time; expected for example \"Mon-Fri 01:00-04:00 UTC\"",
        ),
        (
            "[providers.ollama]\nlocal = \"yes\"\n",
            "config.toml:2:9: providers.ollama.local: expected true or false, found a string",
        ),
        ("providers = 3\n", "config.toml:1:13: providers: expected a table, found a whole number"),
        (
            "[providers.ollama.quirks]\neffort = \"thinkin\"\n",
            "config.toml:2:10: providers.ollama.quirks.effort: expected \"unsupported\", \"reasoning_effort\", \"thinking_type\", \"enable_thinking\", \"reasoning_object\", \"adaptive_thinking\" or \"thinking_budget\", found \"thinkin\"; did you mean `thinking_type`?",
        ),
        (
            "[models.sonet]\nquality = { code = 0.5 }\n",
            "config.toml:1:9: models.sonet: no provider, and no shipped model has this name; did you mean `sonnet`?",
        ),
        (
            "[models.x]\nprovider = \"olama\"\n",
            "config.toml:2:12: models.x.provider: there is no provider \"olama\"; did you mean `ollama`?",
        ),
        (
            "[models.sonnet]\nquality = { code = 1.5 }\n",
            "config.toml:2:20: models.sonnet.quality.code: expected a number from 0 to 1, found 1.5",
        ),
        (
            "[models.sonnet]\nquality = { coding = 0.5 }\n",
            "config.toml:2:13: models.sonnet.quality.coding: unknown field; expected one of code, structured, extraction, summary, prose, reasoning, translation, chat, default",
        ),
        (
            "[models.sonnet]\nfamily = \"claude-sonet\"\n",
            "config.toml:2:10: models.sonnet.family: there is no family \"claude-sonet\"; did you mean `claude-sonnet`?",
        ),
        (
            "[models.sonnet]\ncontext = -5\n",
            "config.toml:2:11: models.sonnet.context: expected a number of tokens, not below 0",
        ),
        (
            "[models.sonnet]\nmax_output = 2_000_000\n",
            "config.toml:2:14: models.sonnet.max_output: more than the context of 1000000 tokens",
        ),
        (
            "[models.sonnet]\nprice = { input = 0.00000001 }\n",
            "config.toml:2:19: models.sonnet.price.input: too many decimals",
        ),
        (
            "[models.sonnet]\nprice = { input = -1 }\n",
            "config.toml:2:19: models.sonnet.price.input: expected a price from 0",
        ),
        (
            "[models.sonnet]\nprice = { input = \"1\" }\n",
            "config.toml:2:19: models.sonnet.price.input: expected dollars per million tokens, found a string",
        ),
        (
            "[models.x]\nprovider = \"ollama\"\nprice = { input = 1 }\n",
            "config.toml:3:9: models.x.price.output: a price needs both input and output",
        ),
        (
            "[[models.sonnet.prices]]\nwindow = \"Mon 01:00\"\ninput = 1\n",
            "config.toml:2:10: models.sonnet.prices[0].window: \"01:00\" is not a span of time; expected for example \"Mon-Fri 01:00-04:00 UTC\"",
        ),
        (
            "[[models.sonnet.prices]]\nfrom = \"soon\"\ninput = 1\n",
            "config.toml:2:8: models.sonnet.prices[0].from: expected a date such as \"2026-12-01\", found \"soon\"",
        ),
        (
            "[[models.sonnet.prices]]\nfrom = \"2026-12-01\"\nuntil = 2026-11-01\ninput = 1\n",
            "config.toml:3:9: models.sonnet.prices[0].until: expected a moment after `from`",
        ),
        (
            "[[models.sonnet.prices]]\nwindow = \"daily 01:00-02:00\"\nexcept = [\"1 May\"]\ninput = 1\n",
            "config.toml:3:11: models.sonnet.prices[0].except: expected a day such as \"2026-10-01\", found \"1 May\"",
        ),
        (
            "[[models.sonnet.prices]]\nover_input_tokens = 5\n",
            "config.toml:1:1: models.sonnet.prices[0]: a schedule needs at least one of input, cached_input, cache_write, cache_write_1h, output",
        ),
        (
            "[policies.mine]\ncost = -1\nspeed = 1\n",
            "config.toml:2:8: policies.mine.cost: expected a number from 0, found -1",
        ),
        (
            "[policies.mine]\ncost = 0\n",
            "config.toml:1:11: policies.mine: expected at least one of quality, cost and speed above 0",
        ),
        (
            "[[routing.rules]]\nthen = { prefer = [\"sonet\"] }\n",
            "config.toml:2:20: routing.rules[0].then.prefer: there is no model, provider or tag \"sonet\"; did you mean `sonnet`?",
        ),
        (
            "[[routing.rules]]\nwhen = { task = \"coding\" }\nthen = { policy = \"best\" }\n",
            "config.toml:2:17: routing.rules[0].when.task: \"coding\" is not a kind of work",
        ),
        (
            "[[routing.rules]]\nwhen = { task = \"code\" }\n",
            "config.toml:1:1: routing.rules[0].then: expected exactly one of prefer, only, avoid and policy",
        ),
        (
            "[[routing.rules]]\nthen = { policy = \"besst\" }\n",
            "config.toml:2:19: routing.rules[0].then.policy: there is no policy \"besst\"; did you mean `best`?",
        ),
        (
            "[limits]\ntotal = \"5 parsecs\"\n",
            "config.toml:2:9: limits.total: expected a span such as \"250ms\", \"10s\", \"5m\", \"1h\" or \"7d\", found \"5 parsecs\"",
        ),
        (
            "[feedback]\nmin_samples = 0\n",
            "config.toml:2:15: feedback.min_samples: expected a whole number, not 0",
        ),
        (
            "[feedback]\nmetric = \"p95\"\n",
            "config.toml:2:10: feedback.metric: expected \"ttft\" or \"total\", found \"p95\"",
        ),
        (
            "[cache]\nmax_bytes = \"lots\"\n",
            "config.toml:2:13: cache.max_bytes: expected a size such as \"64MB\"",
        ),
        (
            "[cache]\nwhen = \"alway\"\n",
            "config.toml:2:8: cache.when: expected \"deterministic\", \"always\" or \"never\", found \"alway\"; did you mean `always`?",
        ),
        (
            "[cache.redis]\nttl = \"1h\"\n",
            "config.toml:1:8: cache.redis: no url, such as \"redis://127.0.0.1:6379\"",
        ),
        (
            "[cache.redis]\nurl = \"me:hunter2@host\"\n",
            "config.toml:2:7: cache.redis.url: expected an address that begins with redis:// or rediss://",
        ),
        (
            "[budget]\nday = { at_limit = \"ask\" }\n",
            "config.toml:2:7: budget.day: no limit, such as limit = 2.00",
        ),
        (
            "[budget]\nday = 2\n",
            "config.toml:2:7: budget.day: expected { limit = 2.00, at_limit = \"ask\" }, \
             found a whole number",
        ),
        (
            "[budget.models.sonet]\nlimit = 1\n",
            "config.toml:1:16: budget.models.sonet: there is no model \"sonet\"; did you mean `sonnet`?",
        ),
        (
            "[budget.providers.olama]\nlimit = 1\n",
            "config.toml:1:19: budget.providers.olama: there is no provider \"olama\"; did you mean `ollama`?",
        ),
        (
            "[console]\nbaseline = \"opuss\"\n",
            "config.toml:2:12: console.baseline: there is no model \"opuss\"; did you mean `opus`?",
        ),
        (
            "[console.keys]\npalette = \"ctrl+p\"\n",
            "config.toml:2:1: console.keys.palette: expected context.action, such as global.palette",
        ),
        (
            "[console.keys.global]\npalette = 3\n",
            "config.toml:2:11: console.keys.\"global.palette\": expected a key such as \"ctrl+p\", or a list",
        ),
    ];
    let mut differ = String::new();
    for (text, expected) in cases {
        let found = wrong(text);
        if found != expected {
            let _ = write!(differ, "in {text}  found:    {found}\n  expected: {expected}\n");
        }
    }
    assert!(differ.is_empty(), "\n{differ}");
}
