//! Bills of tiers of service to the last digit, worked out by hand beside them in micro-dollars: a
//! price of 0.30 per million tokens is 0.30 micro-dollars a token.

use crate::domain::{Cost, ServiceTier};

use super::account::most;
use super::billing_tests::{at, billed_as, openai_in, shipped};

const NOON: &str = "2026-11-26T12:00:00Z";

fn cost(name: &str, asked: Option<ServiceTier>, body: &str) -> Cost {
    let config = shipped();
    billed_as(&config, (&config.models[name], asked), NOON, body).1
}

fn exact(name: &str, asked: Option<ServiceTier>, body: &str) -> String {
    let cost = cost(name, asked, body);
    assert!(cost.exact, "{name}: {cost:?}");
    cost.amount.to_string()
}

#[test]
fn flex_costs_half_and_fast_mode_twice_whichever_word_it_goes_by() {
    let flex = Some(ServiceTier::Flex);
    let fast = Some(ServiceTier::Priority);
    let of = |tier| openai_in(tier, 2_006, 1_920, 300, 256);
    // 2 006 - 1 920 = 86: 86 × 1 + 1 920 × 0.05 + 300 × 5 = 86 + 96 + 1 500; thinking is in the 300.
    assert_eq!(exact("gpt-terra", None, &of("default")), "0.001682");
    // 86 × 0.50 + 1 920 × 0.025 + 300 × 2.50 = 43 + 48 + 750
    assert_eq!(exact("gpt-terra", flex, &of("flex")), "0.000841");
    // 86 × 2 + 1 920 × 0.10 + 300 × 10 = 172 + 192 + 3 000
    for word in ["priority", "fast"] {
        assert_eq!(exact("gpt-terra", fast, &of(word)), "0.003364");
    }
}

#[test]
fn a_long_prompt_in_a_tier_costs_that_tiers_price_for_long_prompts() {
    // At the size where prices rise: 72 000 × 0.50 + 200 000 × 0.025 + 1 000 × 2.50
    //   = 36 000 + 5 000 + 2 500
    let at_most = openai_in("flex", 272_000, 200_000, 1_000, 0);
    assert_eq!(exact("gpt-terra", Some(ServiceTier::Flex), &at_most), "0.0435");
    // One over: 72 001 × 1 + 200 000 × 0.05 + 1 000 × 3.75 = 72 001 + 10 000 + 3 750
    let over = openai_in("flex", 272_001, 200_000, 1_000, 0);
    assert_eq!(exact("gpt-terra", Some(ServiceTier::Flex), &over), "0.085751");
    // 72 001 × 4 + 200 000 × 0.20 + 1 000 × 15 = 288 004 + 40 000 + 15 000
    let fast = openai_in("fast", 272_001, 200_000, 1_000, 0);
    assert_eq!(exact("gpt-terra", Some(ServiceTier::Priority), &fast), "0.343004");
}

#[test]
fn an_answer_costs_what_the_tier_it_was_served_in_does_not_the_one_asked_for() {
    // 86 × 2 + 1 920 × 0.10 + 300 × 10 where it was served fast without being asked to.
    let fast = openai_in("priority", 2_006, 1_920, 300, 0);
    assert_eq!(exact("gpt-terra", None, &fast), "0.003364");
    // There was no room in the tier: 86 × 1 + 1 920 × 0.05 + 300 × 5
    let usual = openai_in("default", 2_006, 1_920, 300, 0);
    assert_eq!(exact("gpt-terra", Some(ServiceTier::Priority), &usual), "0.001682");
    assert_eq!(exact("gpt-terra", Some(ServiceTier::Flex), &usual), "0.001682");
}

#[test]
fn a_tier_that_was_asked_for_and_not_confirmed_is_reckoned_and_not_exact() {
    let silent = openai_in("", 2_006, 1_920, 300, 0);
    // 86 × 0.50 + 1 920 × 0.025 + 300 × 2.50
    let flex = cost("gpt-terra", Some(ServiceTier::Flex), &silent);
    assert_eq!((flex.amount.to_string().as_str(), flex.exact), ("0.000841", false));
    // Nothing was asked for and nothing said: the usual tier.
    assert_eq!(exact("gpt-terra", None, &silent), "0.001682");
}

#[test]
fn a_tier_without_a_known_price_is_counted_at_the_usual_one_and_never_exact() {
    for word in ["ultrafast", "scale", "batch", "no-such-tier"] {
        let told = cost("gpt-terra", None, &openai_in(word, 2_006, 1_920, 300, 0));
        assert_eq!((told.amount.to_string().as_str(), told.exact), ("0.001682", false), "{word}");
    }
    // Flex of a model whose flex price nobody told: 1 000 × 0.15 + 100 × 0.60 = 150 + 60
    let mini = cost("gpt-4o-mini", None, &openai_in("flex", 1_000, 0, 100, 0));
    assert_eq!((mini.amount.to_string().as_str(), mini.exact), ("0.00021", false));
}

#[test]
fn the_older_models_have_fast_prices_for_prompts_that_are_not_long() {
    let fast =
        |name, prompt, cached| cost(name, None, &openai_in("priority", prompt, cached, 100, 0));
    // 600 × 12.50 + 400 × 1.25 + 100 × 75 = 7 500 + 500 + 7 500
    assert_eq!(fast("gpt-5-5", 1_000, 400), exactly("0.0155"));
    // 600 × 1.50 + 400 × 0.15 + 100 × 9 = 900 + 60 + 900
    assert_eq!(fast("gpt-5-4-mini", 1_000, 400), exactly("0.00186"));
    // 600 × 3.50 + 400 × 0.875 + 100 × 14 = 2 100 + 350 + 1 400
    assert_eq!(fast("gpt-4-1", 1_000, 400), exactly("0.00385"));
    // 600 × 4.25 + 400 × 2.125 + 100 × 17 = 2 550 + 850 + 1 700
    assert_eq!(fast("gpt-4o", 1_000, 400), exactly("0.0051"));
    // 600 × 0.25 + 400 × 0.125 + 100 × 1 = 150 + 50 + 100
    assert_eq!(fast("gpt-4o-mini", 1_000, 400), exactly("0.0003"));
    // 128 000 × 3.50 + 100 × 14 = 448 000 + 1 400; one token more is no fast mode's.
    assert_eq!(fast("gpt-4-1", 128_000, 0), exactly("0.4494"));
    assert!(!fast("gpt-4-1", 128_001, 0).exact && !fast("gpt-5-5", 272_001, 0).exact);
}

fn exactly(amount: &str) -> Cost {
    Cost { amount: amount.parse().unwrap(), exact: true }
}

#[test]
fn written_tokens_whose_price_in_a_tier_is_not_told_make_a_bill_inexact() {
    let written = |tier: &str| {
        format!(
            "data: {{\"id\":\"c\",\"service_tier\":\"{tier}\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\"Hi\"}},\"finish_reason\":\"stop\"}}],\"usage\":null}}\n\n\
             data: {{\"id\":\"c\",\"choices\":[],\"usage\":{{\"prompt_tokens\":3000,\
             \"completion_tokens\":100,\"total_tokens\":3100,\"prompt_tokens_details\":{{\
             \"cached_tokens\":1000,\"cache_write_tokens\":1500}}}}}}\n\ndata: [DONE]\n\n"
        )
    };
    // 500 × 1 + 1 000 × 0.05 + 1 500 × 1.25 + 100 × 5 = 500 + 50 + 1 875 + 500
    assert_eq!(exact("gpt-terra", None, &written("default")), "0.002925");
    // 500 × 0.50 + 1 000 × 0.025 + 1 500 × 1.25 + 100 × 2.50 = 250 + 25 + 1 875 + 250
    let flex = cost("gpt-terra", None, &written("flex"));
    assert_eq!((flex.amount.to_string().as_str(), flex.exact), ("0.0024", false));
}

/// An Anthropic message in a tier; the tier is told with the usage, at the start.
fn anthropic_in(tier: &str) -> String {
    format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\",\
         \"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{{\
         \"input_tokens\":1000,\"output_tokens\":1,\"service_tier\":\"{tier}\"}}}}}}\n\n\
         event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{{\"type\":\"text_delta\",\"text\":\"Hi\"}}}}\n\n\
         event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\
         \"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":50}}}}\n\n\
         event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
    )
}

#[test]
fn anthropics_priority_tier_is_paid_by_contract_so_its_price_is_not_known() {
    // 1 000 × 2 + 50 × 10 = 2 000 + 500
    assert_eq!(exact("sonnet", None, &anthropic_in("standard")), "0.0025");
    for tier in ["priority", "batch"] {
        let told = cost("sonnet", None, &anthropic_in(tier));
        assert_eq!((told.amount.to_string().as_str(), told.exact), ("0.0025", false), "{tier}");
    }
}

#[test]
fn what_is_held_covers_the_tier_asked_for_and_the_usual_one() {
    let config = shipped();
    let model = &config.models["gpt-terra"];
    let span = (at(NOON), at(NOON) + std::time::Duration::from_mins(5));
    let held = |asked| most(model, asked, span, 1_000, 500).unwrap();
    let (usual, flex) = (held(None), held(Some(ServiceTier::Flex)));
    assert_eq!(usual, flex, "flex may be served in the usual tier");
    let bill = cost("gpt-terra", None, &openai_in("fast", 1_900, 0, 500, 0));
    assert!(held(Some(ServiceTier::Priority)) >= bill.amount && usual < bill.amount);
}
