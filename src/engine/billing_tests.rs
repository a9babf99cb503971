//! Bills to the last digit: usage as providers report it, read by the real decoder, priced by the
//! shipped schedules at the moment of sending. Every sum is worked out by hand beside it, in
//! micro-dollars: a price of 0.30 per million tokens is 0.30 micro-dollars a token.

use crate::config::{self, Config, Model};
use crate::domain::{Cost, ServiceTier, UnixMs, Usage};
use crate::wire::{Decoder, Frame};

use super::account::{Figures, Reached, Size, Tier, bill, most};

pub(super) fn shipped() -> Config {
    config::load(&[]).unwrap().config
}

pub(super) fn at(text: &str) -> UnixMs {
    let moment: jiff::Timestamp = text.parse().unwrap();
    UnixMs(moment.as_millisecond())
}

/// The bill for a body of this model, sent then, its tier left to the provider.
fn billed(config: &Config, model: &Model, sent: &str, body: &str) -> (Usage, Cost) {
    billed_as(config, (model, None), sent, body)
}

/// The bill for a body of this model, sent then, where this tier was asked for.
pub(super) fn billed_as(
    config: &Config,
    (model, asked): (&Model, Option<ServiceTier>),
    sent: &str,
    body: &str,
) -> (Usage, Cost) {
    let provider = &config.providers[&model.provider];
    let mut decoder = Decoder::new(provider.dialect, &model.quirks);
    let mut frames = Vec::new();
    decoder.push(body.as_bytes(), &mut frames);
    decoder.finish(&mut frames);
    let mut size = Size {
        reported: None,
        figures: Figures::Final,
        tier: Tier { asked, served: None },
        reported_cost: None,
        input_estimate: 0,
        seen: 0,
        reached: Reached::Accepted,
    };
    for frame in frames {
        match frame {
            Frame::Usage { usage, reported_cost } => {
                size.reported = Some(usage);
                size.reported_cost = reported_cost.or(size.reported_cost);
            }
            Frame::ServedIn(tier) => size.tier.served = Some(tier),
            _ => {}
        }
    }
    assert!(size.reported.is_some(), "no usage was read");
    bill(model, at(sent), &size)
}

fn owed(model: &str, sent: &str, body: &str) -> String {
    let config = shipped();
    let (usage, cost) = billed(&config, &config.models[model], sent, body);
    assert!(cost.exact && !usage.estimated);
    assert!(usage.cached_input + usage.cache_write <= usage.input);
    assert!(usage.cache_write_1h <= usage.cache_write && usage.reasoning <= usage.output);
    cost.amount.to_string()
}

/// The trailing chunk of a DeepSeek stream: thinking is part of the completion, the cache hits are
/// part of the prompt and told twice.
const DEEPSEEK: &str = concat!(
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"deepseek-flash\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"deepseek-flash\",",
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],",
    "\"usage\":{\"prompt_tokens\":12345,\"completion_tokens\":678,\"total_tokens\":13023,",
    "\"prompt_tokens_details\":{\"cached_tokens\":12288},",
    "\"completion_tokens_details\":{\"reasoning_tokens\":400},",
    "\"prompt_cache_hit_tokens\":12288,\"prompt_cache_miss_tokens\":57}}\n\n",
    "data: [DONE]\n\n",
);

#[test]
fn deepseek_off_peak_and_peak_to_the_last_digit() {
    // 57 × 0.15 + 12 288 × 0.003 + 678 × 0.60 = 8.55 + 36.864 + 406.8 = 452.214
    let low = "0.000452214";
    // 57 × 0.30 + 12 288 × 0.006 + 678 × 1.20 = 17.1 + 73.728 + 813.6 = 904.428
    let peak = "0.000904428";
    let flash = |sent: &str| owed("deepseek-flash", sent, DEEPSEEK);
    // 2026-11-26 is a Thursday.
    assert_eq!(flash("2026-11-26T00:59:59.999Z"), low);
    assert_eq!(flash("2026-11-26T01:00:00Z"), peak);
    assert_eq!(flash("2026-11-26T04:00:00Z"), low);
    assert_eq!(flash("2026-11-26T06:00:00Z"), peak);
    assert_eq!(flash("2026-11-26T10:00:00Z"), low);
    assert_eq!(flash("2026-11-28T02:00:00Z"), low, "a Saturday");
    assert_eq!(flash("2026-10-05T02:00:00Z"), low, "a holiday on a Monday");
    assert_eq!(flash("2026-08-14T02:00:00Z"), low, "before there were peaks");
}

#[test]
fn deepseek_pro_in_the_peak() {
    // 57 × 1.32 + 12 288 × 0.044 + 678 × 3.96 = 75.24 + 540.672 + 2 684.88 = 3 300.792
    assert_eq!(owed("deepseek-pro", "2026-11-26T02:00:00Z", DEEPSEEK), "0.003300792");
}

/// An Anthropic stream: the parts of the prompt do not overlap, writes are told by how long they are
/// kept, the output at the end is of the whole message.
fn anthropic(fresh: u64, read: u64, five_minutes: u64, hour: u64, output: u64) -> String {
    let written = five_minutes + hour;
    format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\",\
         \"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-5-5\",\"content\":[],\
         \"stop_reason\":null,\"usage\":{{\"input_tokens\":{fresh},\
         \"cache_creation_input_tokens\":{written},\"cache_read_input_tokens\":{read},\
         \"cache_creation\":{{\"ephemeral_5m_input_tokens\":{five_minutes},\
         \"ephemeral_1h_input_tokens\":{hour}}},\"output_tokens\":1,\
         \"service_tier\":\"standard\"}}}}}}\n\n\
         event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\
         \"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n\
         event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{{\"type\":\"text_delta\",\"text\":\"Hi\"}}}}\n\n\
         event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
         event: message_delta\ndata: {{\"type\":\"message_delta\",\
         \"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\
         \"usage\":{{\"output_tokens\":{output}}}}}\n\n\
         event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
    )
}

#[test]
fn anthropic_cache_writes_and_reads_to_the_last_digit() {
    let sonnet = |body: &str| owed("sonnet", "2026-11-26T12:00:00Z", body);
    // Written for five minutes: 21 × 2 + 1 861 × 2.5 + 393 × 10 = 42 + 4 652.5 + 3 930 = 8 624.5
    assert_eq!(sonnet(&anthropic(21, 0, 1_861, 0, 393)), "0.0086245");
    // Read a minute later: 21 × 2 + 1 861 × 0.10 + 393 × 10 = 42 + 186.1 + 3 930 = 4 158.1
    assert_eq!(sonnet(&anthropic(21, 1_861, 0, 0, 393)), "0.0041581");
    // Written for an hour: 21 × 2 + 1 861 × 4 + 393 × 10 = 42 + 7 444 + 3 930 = 11 416
    assert_eq!(sonnet(&anthropic(21, 0, 0, 1_861, 393)), "0.011416");
    // All of it: 7 × 2 + 1 000 × 0.10 + 200 × 2.5 + 300 × 4 + 50 × 10 = 14 + 100 + 500 + 1 200 + 500
    assert_eq!(sonnet(&anthropic(7, 1_000, 200, 300, 50)), "0.002314");
}

#[test]
fn a_prompt_over_the_tier_is_dearer_as_a_whole() {
    let haiku = |body: &str| owed("haiku", "2026-11-26T12:00:00Z", body);
    // 100 000 tokens are not over it: 99 000 × 0.10 + 1 000 × 0.125 + 10 × 0.50 = 9 900 + 125 + 5
    assert_eq!(haiku(&anthropic(99_000, 0, 1_000, 0, 10)), "0.01003");
    // 100 001 are: 99 001 × 0.50 + 1 000 × 0.625 + 10 × 2.50 = 49 500.5 + 625 + 25
    assert_eq!(haiku(&anthropic(99_001, 0, 1_000, 0, 10)), "0.0501505");
}

/// The last chunks of an OpenAI stream.
fn openai(prompt: u64, cached: u64, completion: u64, reasoning: u64) -> String {
    openai_in("default", prompt, cached, completion, reasoning)
}

/// The same, served in a tier of service.
pub(super) fn openai_in(
    tier: &str,
    prompt: u64,
    cached: u64,
    completion: u64,
    reasoning: u64,
) -> String {
    let total = prompt + completion;
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"service_tier\":\"{tier}\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hi\"}},\"finish_reason\":\"stop\"}}],\
         \"usage\":null}}\n\n\
         data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[],\
         \"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\
         \"total_tokens\":{total},\"prompt_tokens_details\":{{\"cached_tokens\":{cached},\
         \"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":{reasoning},\
         \"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}}}}\n\n\
         data: [DONE]\n\n"
    )
}

#[test]
fn openai_tiers_and_cached_tokens_to_the_last_digit() {
    let terra = |body: &str| owed("gpt-terra", "2026-11-26T12:00:00Z", body);
    // 2 006 - 1 920 = 86: 86 × 1 + 1 920 × 0.05 + 300 × 5 = 86 + 96 + 1 500; thinking is in the 300.
    assert_eq!(terra(&openai(2_006, 1_920, 300, 256)), "0.001682");
    // At the tier: 72 000 × 1 + 200 000 × 0.05 + 1 000 × 5 = 72 000 + 10 000 + 5 000
    assert_eq!(terra(&openai(272_000, 200_000, 1_000, 0)), "0.087");
    // One over: 72 001 × 2 + 200 000 × 0.10 + 1 000 × 7.5 = 144 002 + 20 000 + 7 500
    assert_eq!(terra(&openai(272_001, 200_000, 1_000, 0)), "0.171502");
}

#[test]
fn a_price_that_changes_on_a_day_changes_at_its_first_moment() {
    let argon = |sent: &str| owed("gemini-argon", sent, &openai(1_000, 0, 100, 0));
    // 1 000 × 2 + 100 × 10, then 1 000 × 4 + 100 × 20
    assert_eq!(argon("2026-11-30T23:59:59.999Z"), "0.003");
    assert_eq!(argon("2026-12-01T00:00:00Z"), "0.006");
}

/// OpenRouter's last chunk; `more` is put into its usage.
fn openrouter(cost: &str, more: &str) -> String {
    format!(
        ": OPENROUTER PROCESSING\n\n\
         data: {{\"id\":\"gen-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hi\"}},\
         \"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"id\":\"gen-1\",\"choices\":[],\"usage\":{{\"prompt_tokens\":194,\
         \"completion_tokens\":2,\"total_tokens\":196,\"cost\":{cost}{more},\
         \"prompt_tokens_details\":{{\"cached_tokens\":0}}}}}}\n\ndata: [DONE]\n\n"
    )
}

#[test]
fn what_openrouter_says_it_charged_is_what_is_owed() {
    let (config, _) = shipped().with_passthrough("openrouter/deepseek/deepseek-flash").unwrap();
    let model = &config.models["openrouter/deepseek/deepseek-flash"];
    let owed = |cost: &str, more: &str| {
        let (_, cost) = billed(&config, model, "2026-11-26T12:00:00Z", &openrouter(cost, more));
        assert!(cost.exact, "its own figure is exact though we know no price");
        cost.amount.to_string()
    };
    assert_eq!(owed("0.00014", ""), "0.00014");
    assert_eq!(owed("3.0358e-05", ""), "0.000030358");
    assert_eq!(owed("0", ""), "0.00");
    // With a key of one's own the vendor is owed as well: 0.00000154 + 0.0000291.
    let own = ",\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":0.0000291}";
    assert_eq!(owed("0.00000154", own), "0.00003064");
    let not = ",\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":0.0000291}";
    assert_eq!(owed("0.0000291", not), "0.0000291");
}

#[test]
fn what_is_held_for_an_attempt_is_never_less_than_its_bill() {
    let config = shipped();
    for (name, sent, body, estimate, cap) in [
        ("deepseek-flash", "2026-11-26T00:58:00Z", DEEPSEEK.to_owned(), 12_000, 678),
        ("sonnet", "2026-11-26T12:00:00Z", anthropic(21, 0, 0, 1_861, 393), 1_500, 400),
        ("haiku", "2026-11-26T12:00:00Z", anthropic(99_001, 0, 1_000, 0, 10), 99_000, 10),
        ("gpt-terra", "2026-11-26T12:00:00Z", openai(272_001, 0, 1_000, 0), 250_000, 1_000),
        ("gemini-argon", "2026-11-30T23:58:00Z", openai(1_000, 0, 100, 0), 900, 100),
    ] {
        let model = &config.models[name];
        let from = at(sent);
        let until = from + std::time::Duration::from_mins(5);
        let held = most(model, None, (from, until), estimate, cap).unwrap();
        for minute in 0..=5 {
            let sent = from + std::time::Duration::from_mins(minute);
            let sent = jiff::Timestamp::from_millisecond(sent.0).unwrap().to_string();
            let (_, cost) = billed(&config, model, &sent, &body);
            assert!(cost.amount <= held, "{name} at {sent}: {} of {held}", cost.amount);
        }
    }
}
