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
fn the_peak_begins_and_ends_by_the_clock_of_utc_whatever_zone_it_is_told_in() {
    let (low, peak) = ("0.000452214", "0.000904428");
    for (begins, ends) in [("01:00:00", "04:00:00"), ("06:00:00", "10:00:00")] {
        let moment = |time: &str, ms: i64| {
            let at = at(&format!("2026-11-26T{time}Z")).0 + ms;
            jiff::Timestamp::from_millisecond(at).unwrap().to_string()
        };
        let flash = |sent: String| owed("deepseek-flash", &sent, DEEPSEEK);
        for (ms, before, after) in [(-60_000, low, peak), (-1, low, peak), (0, peak, low)] {
            assert_eq!(flash(moment(begins, ms)), before, "{begins} {ms:+} ms");
            assert_eq!(flash(moment(ends, ms)), after, "{ends} {ms:+} ms");
        }
        assert_eq!(flash(moment(begins, 60_000)), peak);
        assert_eq!(flash(moment(ends, 60_000)), low);
    }
    let flash = |sent: &str| owed("deepseek-flash", sent, DEEPSEEK);
    // Nine in Beijing is one in UTC; nine in Los Angeles, in November, is five in the afternoon.
    assert_eq!(flash("2026-11-26T09:00:00+08:00"), peak);
    assert_eq!(flash("2026-11-26T08:59:59.999+08:00"), low);
    assert_eq!(flash("2026-11-26T18:00:00+08:00"), low);
    assert_eq!(flash("2026-11-26T09:00:00-08:00"), low);
}

#[test]
fn there_is_no_peak_on_weekends_and_chinese_holidays_and_there_is_around_them() {
    let (low, peak) = ("0.000452214", "0.000904428");
    let flash = |day: &str| {
        let hours = ["02:00:00", "07:00:00"];
        let bills = hours.map(|hour| owed("deepseek-flash", &format!("{day}T{hour}Z"), DEEPSEEK));
        assert_eq!(bills[0], bills[1], "{day}");
        bills[0].clone()
    };
    for day in ["2026-11-28", "2026-11-29", "2026-09-25", "2026-10-01", "2026-10-07", "2027-01-01"]
    {
        assert_eq!(flash(day), low, "{day}");
    }
    // A Friday, a Monday, the working days before and after the holidays of October and the new year.
    for day in ["2026-11-27", "2026-11-30", "2026-09-30", "2026-10-08", "2026-12-31", "2027-01-04"]
    {
        assert_eq!(flash(day), peak, "{day}");
    }
    // Worked on in China to make up for a holiday, and a Saturday all the same.
    assert_eq!(flash("2026-10-10"), low);
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
fn the_whole_prompt_decides_the_tier_and_every_part_of_it_has_that_tiers_price() {
    let haiku = |body: &str| owed("haiku", "2026-11-26T12:00:00Z", body);
    // 40 000 + 50 000 + 6 000 + 4 000 = 100 000:
    // 40 000 × 0.10 + 50 000 × 0.01 + 6 000 × 0.125 + 4 000 × 0.20 + 200 × 0.50
    //   = 4 000 + 500 + 750 + 800 + 100
    assert_eq!(haiku(&anthropic(40_000, 50_000, 6_000, 4_000, 200)), "0.00615");
    // One token more, read from the cache:
    // 40 000 × 0.50 + 50 001 × 0.05 + 6 000 × 0.625 + 4 000 × 1 + 200 × 2.50
    //   = 20 000 + 2 500.05 + 3 750 + 4 000 + 500
    assert_eq!(haiku(&anthropic(40_000, 50_001, 6_000, 4_000, 200)), "0.03075005");
}

#[test]
fn a_message_that_restates_its_prompt_at_the_end_is_billed_for_it_once() {
    let body = anthropic(21, 1_861, 0, 0, 393).replace(
        "\"usage\":{\"output_tokens\":393}",
        "\"usage\":{\"input_tokens\":21,\"cache_read_input_tokens\":1861,\
         \"cache_creation_input_tokens\":0,\"output_tokens\":393}",
    );
    assert!(body.matches("1861").count() == 2, "{body}");
    // 21 × 2 + 1 861 × 0.10 + 393 × 10 = 42 + 186.1 + 3 930
    assert_eq!(owed("sonnet", "2026-11-26T12:00:00Z", &body), "0.0041581");
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

/// The last chunk of a stream of the OpenAI family, its usage as it was told.
fn told(usage: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hi\"}},\
         \"finish_reason\":\"stop\"}}]}}\n\ndata: {{\"id\":\"c\",\"choices\":[],{usage}}}\n\n\
         data: [DONE]\n\n"
    )
}

#[test]
fn tokens_that_openai_had_cached_wrote_or_thought_are_counted_once_each() {
    let usage = "\"usage\":{\"prompt_tokens\":5000,\"completion_tokens\":900,\"total_tokens\":5900,\
                 \"prompt_tokens_details\":{\"cached_tokens\":3072,\"cache_write_tokens\":1024},\
                 \"completion_tokens_details\":{\"reasoning_tokens\":640,\
                 \"accepted_prediction_tokens\":12,\"rejected_prediction_tokens\":34}}";
    // 5 000 - 3 072 - 1 024 = 904:
    // 904 × 10 + 3 072 × 1 + 1 024 × 12.5 + 900 × 50 = 9 040 + 3 072 + 12 800 + 45 000
    assert_eq!(owed("gpt-astra", "2026-11-26T12:00:00Z", &told(usage)), "0.069912");
}

#[test]
fn geminis_thinking_is_billed_though_it_stands_beside_the_completion() {
    let argon = |usage: &str| owed("gemini-argon", "2026-11-26T12:00:00Z", &told(usage));
    // 100 + 800 of thinking, which only the total tells: 1 000 × 2 + 900 × 10 = 2 000 + 9 000
    let beside =
        "\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100,\"total_tokens\":1900}";
    assert_eq!(argon(beside), "0.011");
    // The same where the thinking is told as well.
    let both = "\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100,\"total_tokens\":1900,\
                \"completion_tokens_details\":{\"reasoning_tokens\":800}}";
    assert_eq!(argon(both), "0.011");
    // And where it is part of the completion.
    let within = "\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":900,\"total_tokens\":1900,\
                  \"completion_tokens_details\":{\"reasoning_tokens\":800}}";
    assert_eq!(argon(within), "0.011");
    // Nothing but thinking: 1 000 × 2 + 800 × 10 = 2 000 + 8 000
    let only = "\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":0,\"total_tokens\":1800}";
    assert_eq!(argon(only), "0.01");
}

#[test]
fn qwens_two_caches_are_billed_apart() {
    let usage = "\"usage\":{\"prompt_tokens\":4000,\"completion_tokens\":500,\"total_tokens\":4500,\
                 \"prompt_tokens_details\":{\"cached_tokens\":2000,\
                 \"cache_creation_input_tokens\":1500,\"cache_type\":\"ephemeral\"},\
                 \"completion_tokens_details\":{\"reasoning_tokens\":200}}";
    // 500 × 2.50 + 2 000 × 0.50 + 1 500 × 3.125 + 500 × 7.50 = 1 250 + 1 000 + 4 687.5 + 3 750
    assert_eq!(owed("qwen-max-3-7", "2026-11-26T12:00:00Z", &told(usage)), "0.0106875");
}

#[test]
fn mistrals_cached_tokens_are_read_under_either_name_and_its_preview_price_holds() {
    let large = |sent: &str, cached: &str| {
        let usage = format!(
            "\"usage\":{{\"prompt_tokens\":3000,\"total_tokens\":3250,\"completion_tokens\":250,{cached}}}"
        );
        owed("mistral-large", sent, &told(&usage))
    };
    for cached in
        ["\"num_cached_tokens\":2000", "\"prompt_tokens_details\":{\"cached_tokens\":2000}"]
    {
        // 1 000 × 0.68 + 2 000 × 0.07 + 250 × 2.09 = 680 + 140 + 522.5
        assert_eq!(large("2026-10-06T00:00:00Z", cached), "0.0013425");
        // Before the preview: 1 000 × 1.36 + 2 000 × 0.14 + 250 × 4.18 = 1 360 + 280 + 1 045
        assert_eq!(large("2026-10-05T23:59:59.999Z", cached), "0.002685");
    }
}

#[test]
fn groqs_usage_is_read_from_its_own_object_and_counted_once() {
    let config = shipped();
    let mut model = config.models["gpt-4o-mini"].clone();
    model.id = "llama".to_owned();
    let usage = "{\"queue_time\":0.01,\"prompt_tokens\":1000,\"prompt_time\":0.02,\
                 \"completion_tokens\":100,\"completion_time\":0.1,\"total_tokens\":1100,\
                 \"total_time\":0.12}";
    let own =
        format!("\"service_tier\":\"on_demand\",\"x_groq\":{{\"id\":\"r\",\"usage\":{usage}}}");
    let both = format!("{own},\"usage\":{usage}");
    for body in [own, both] {
        let (read, cost) = billed(&config, &model, "2026-11-26T12:00:00Z", &told(&body));
        assert_eq!((read.input, read.output), (1_000, 100));
        // 1 000 × 0.15 + 100 × 0.60 = 150 + 60
        assert_eq!((cost.amount.to_string().as_str(), cost.exact), ("0.00021", true));
    }
}

#[test]
fn cached_tokens_whose_price_nobody_told_make_a_bill_inexact() {
    let config = shipped();
    let pro = |cached| {
        let body = openai(1_000, cached, 100, 0);
        billed(&config, &config.models["gemini-pro"], "2026-11-26T12:00:00Z", &body).1
    };
    // 1 000 × 2 + 100 × 12 = 2 000 + 1 200, all of the prompt at the price that is known.
    assert_eq!(pro(0), Cost { amount: "0.0032".parse().unwrap(), exact: true });
    assert_eq!(pro(600), Cost { amount: "0.0032".parse().unwrap(), exact: false });
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
    // Credits are dollars, as a text or a number.
    assert_eq!(owed("\"0.00014\"", ""), "0.00014");
    let not = ",\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":0.0000291}";
    assert_eq!(owed("0.0000291", not), "0.0000291");
}

#[test]
fn a_fee_alone_is_not_the_bill_of_a_call_with_a_key_of_ones_own() {
    let (config, _) = shipped().with_passthrough("openrouter/deepseek/deepseek-flash").unwrap();
    let model = &config.models["openrouter/deepseek/deepseek-flash"];
    for more in [
        ",\"is_byok\":true",
        ",\"is_byok\":true,\"cost_details\":{\"upstream_inference_cost\":null}",
    ] {
        let (_, cost) = billed(&config, model, "2026-11-26T12:00:00Z", &openrouter("0", more));
        assert!(!cost.exact, "what the vendor takes is owed too: {more}");
    }
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
