//! Tiers of service: who may ask for one, and what it costs.

use super::{LAB, lines, load, ok, price, user, wrong};
use crate::domain::{ServiceTier, UnixMs};

#[test]
fn a_providers_tier_is_asked_for_of_the_models_that_take_it() {
    let config = ok("[providers.openai]\nservice_tier = \"flex\"\n");
    assert_eq!(config.models["gpt-terra"].service_tier, Some(ServiceTier::Flex));
    assert_eq!(config.models["gpt-4-1"].service_tier, None, "it has no flex");
    let own = "[providers.openai]\nservice_tier = \"flex\"\n\
               [models.gpt-terra]\nservice_tier = \"default\"\n\
               [models.gpt-4-1]\nservice_tier = \"priority\"\n";
    let config = ok(own);
    assert_eq!(config.models["gpt-terra"].service_tier, Some(ServiceTier::Standard));
    assert_eq!(config.models["gpt-4-1"].service_tier, Some(ServiceTier::Priority));
    assert_eq!(ok("").models["gpt-terra"].service_tier, None);
}

#[test]
fn a_models_price_is_that_of_the_tier_it_asks_for() {
    let rates = |text: &str, tokens| ok(text).models["gpt-terra"].rates(UnixMs(0), tokens);
    assert_eq!(rates("", 10).unwrap().input, price("1"));
    let flex = "[models.gpt-terra]\nservice_tier = \"flex\"\n";
    assert_eq!(rates(flex, 10).unwrap().input, price("0.5"));
    assert_eq!(rates(flex, 272_001).unwrap().output, price("3.75"));
    // A price of one's own is not beaten by a shipped one of some tier: what flex costs is not known.
    let own = "[models.gpt-terra]\nservice_tier = \"flex\"\nprice = { input = 3, output = 4 }\n";
    assert_eq!(rates(own, 10), None);
    let both = format!(
        "{own}[[models.gpt-terra.prices]]\ntier = \"flex\"\ninput = 1.5\ncached_input = 0.5\noutput = 2\n"
    );
    assert_eq!(rates(&both, 10).unwrap().cached_input, price("0.5"));
}

#[test]
fn half_a_price_of_a_tier_is_no_price_of_it() {
    let cached = LAB.replace("input = 1,", "input = 1, cached_input = 0.5,");
    let half = "[[models.small.prices]]\ntier = \"flex\"\ninput = 0.5\noutput = 1\n";
    let text = format!("{cached}{half}");
    let small = &ok(&text).models["small"].prices;
    assert_eq!(small.in_tier(ServiceTier::Flex, UnixMs(0), 5), None);
    assert!(small.in_tier(ServiceTier::Standard, UnixMs(0), 5).is_some());
    let warnings = load(&[user(&text)]).unwrap().warnings;
    assert!(
        lines(&warnings).contains("the price of tier flex needs input, cached_input and output")
    );
    // Where cached tokens have no price of their own, they cost what any other does in the tier too.
    let text = format!("{LAB}{half}");
    let small = &ok(&text).models["small"].prices;
    let flex = small.in_tier(ServiceTier::Flex, UnixMs(0), 5).unwrap().rates;
    assert_eq!((flex.cached_input, flex.output), (price("0.5"), price("1")));
    assert_eq!(small.at(UnixMs(0), 5).unwrap().input, price("1"), "the usual price is as it was");
}

#[test]
fn a_tiers_price_has_its_days_and_hours_like_any_other() {
    let text = format!(
        "{LAB}[[models.small.prices]]\ntier = \"flex\"\nfrom = \"2026-12-01\"\ninput = 0.5\n\
         cached_input = 0.1\noutput = 1\n\
         [[models.small.prices]]\ntier = \"flex\"\nfrom = \"2026-12-01\"\n\
         window = \"Mon-Fri 01:00-04:00 UTC\"\noutput = 3\n"
    );
    let small = &ok(&text).models["small"].prices;
    let output = |moment: &str| {
        let moment: jiff::Timestamp = moment.parse().unwrap();
        let at = UnixMs(moment.as_millisecond());
        small.in_tier(ServiceTier::Flex, at, 5).map(|tier| tier.rates.output)
    };
    assert_eq!(output("2026-11-30T23:59:59Z"), None, "nobody told what it costs before");
    assert_eq!(output("2026-12-01T00:00:00Z"), Some(price("1")));
    assert_eq!(output("2026-12-01T02:00:00Z"), Some(price("3")), "a Tuesday");
}

#[test]
fn what_is_free_is_free_in_every_tier() {
    let text = "[providers.here]\nlocal = true\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                [models.tiny]\nprovider = \"here\"\ncontext = 1000\nmax_output = 100\n";
    let tiny = &ok(text).models["tiny"].prices;
    assert_eq!(tiny.in_tier(ServiceTier::Other, UnixMs(0), 5).unwrap().rates.input, price("0"));
}

#[test]
fn a_tier_that_cannot_be_asked_for_is_an_error_that_says_what_can() {
    for (text, expected) in [
        (
            "[providers.openai]\nservice_tier = \"flexx\"\n",
            "config.toml:2:16: providers.openai.service_tier: expected \"default\", \"flex\", \"priority\" or \"ultrafast\", found \"flexx\"; did you mean `flex`?",
        ),
        (
            "[models.gpt-4-1]\nservice_tier = \"flex\"\n",
            "config.toml:2:16: models.gpt-4-1.service_tier: it is not known to take flex, only default, priority; if it does, add it to quirks.service_tiers",
        ),
        (
            "[providers.mistral]\nservice_tier = \"flex\"\n",
            "config.toml:2:16: providers.mistral.service_tier: it takes no tier that we know of; if it does, quirks.service_tiers = [\"flex\"] says so",
        ),
        (
            "[providers.anthropic]\nservice_tier = \"priority\"\n",
            "config.toml:2:16: providers.anthropic.service_tier: tiers are asked for in the openai dialect only; here params = { service_tier = \"…\" } is sent as it is",
        ),
        (
            "[providers.mistral.quirks]\nservice_tiers = [\"flox\"]\n",
            "config.toml:2:18: providers.mistral.quirks.service_tiers: there is no tier \"flox\" to ask for; did you mean `flex`?",
        ),
    ] {
        assert_eq!(wrong(text), expected);
    }
    let text = "[providers.mistral]\nservice_tier = \"flex\"\nquirks.service_tiers = [\"flex\"]\n";
    let loaded = load(&[user(text)]).unwrap_or_else(|errors| panic!("{}", lines(&errors)));
    assert_eq!(loaded.config.models["mistral-small"].service_tier, Some(ServiceTier::Flex));
}
