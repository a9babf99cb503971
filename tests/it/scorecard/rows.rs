//! The rows of the card.

use std::fmt::Write as _;
use std::time::Duration;

use wheelhouse::sim::{Cut, Fault, RetryAfter, Until};

use super::{Row, Wants};

/// The same text from every model: 60 tokens.
const SIXTY: &str = "sim:tokens=60";
/// Code and prose, the same from every model.
const CODE: &str = "sim:topic=borrow";
/// Chinese, the same from every model.
const CJK: &str = "sim:cjk";
/// A table, the same from every model.
const LONG: &str = "sim:tokens=900";

/// A row on DeepSeek's flash model: it fails, the others are well.
fn row(name: &'static str, prompt: &'static str, fault: Fault) -> Row {
    Row {
        name,
        prompt,
        faults: vec![("sim-deepseek", fault, Until::Cleared)],
        args: vec!["-m", "sim-deepseek-flash"],
        config: str::to_owned,
        replays: None,
        wants: Wants::WholeElsewhere,
        within: Duration::from_secs(15),
        asked: 2,
    }
}

fn once(row: Row) -> Row {
    let faults = row.faults.into_iter().map(|(who, fault, _)| (who, fault, Until::Times(1)));
    Row { faults: faults.collect(), wants: Wants::Whole, ..row }
}

/// With nobody else allowed.
fn alone(row: Row, wants: Wants) -> Row {
    let mut args = row.args.clone();
    args.push("--pin");
    Row { args, wants, ..row }
}

fn on(row: Row, provider: &'static str, model: &'static str) -> Row {
    let faults = row.faults.into_iter().map(|(_, fault, until)| (provider, fault, until));
    Row { faults: faults.collect(), args: vec!["-m", model], ..row }
}

fn limited(retry_after: RetryAfter) -> Fault {
    Fault::RateLimit { retry_after }
}

fn status(status: u16) -> Fault {
    Fault::Status { status }
}

fn cut(after: u64, how: Cut) -> Fault {
    Fault::Cut { after, how }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    throttled(&mut rows);
    refused(&mut rows);
    silent(&mut rows);
    broken(&mut rows);
    odd(&mut rows);
    empty(&mut rows);
    truncated(&mut rows);
    account(&mut rows);
    recorded(&mut rows);
    rows
}

fn throttled(rows: &mut Vec<Row>) {
    rows.push(Row { asked: 1, ..row("429 retry-after 2", SIXTY, limited(RetryAfter::Seconds(2))) });
    rows.push(Row { asked: 1, ..row("429 retry-after date", SIXTY, limited(RetryAfter::Date(3))) });
    rows.push(once(row("429 retry-after-ms 40, once", SIXTY, limited(RetryAfter::Ms(40)))));
    rows.push(Row {
        asked: 1,
        ..row("429 without, persistent", SIXTY, limited(RetryAfter::Unsaid))
    });
    rows.push(once(alone(
        row("429 retry-after 1, once, nobody else", SIXTY, limited(RetryAfter::Seconds(1))),
        Wants::Whole,
    )));
    let persistent =
        row("429 without, persistent, nobody else", SIXTY, limited(RetryAfter::Unsaid));
    rows.push(Row { asked: 4, ..alone(persistent, Wants::Error("throttle")) });
}

fn refused(rows: &mut Vec<Row>) {
    rows.push(once(row("500 once", SIXTY, status(500))));
    rows.push(row("503 persistent", SIXTY, status(503)));
    rows.push(row("529 persistent", SIXTY, status(529)));
    rows.push(row("TCP reset before headers", SIXTY, Fault::Reset));
    let dns = row("DNS failure", SIXTY, Fault::Reset);
    rows.push(Row { config: |text| elsewhere(text, "http://no-such-host.invalid/v1"), ..dns });
    let tls = row("TLS failure", SIXTY, Fault::Reset);
    rows.push(Row { config: over_tls, ..tls });
    let closed = row("nothing listens", SIXTY, Fault::Reset);
    rows.push(Row { config: |text| elsewhere(text, "http://127.0.0.1:9/v1"), ..closed });
    rows.push(alone(
        row("503 persistent, nobody else", SIXTY, status(503)),
        Wants::Error("provider"),
    ));
}

/// The configuration with DeepSeek at another address.
pub(super) fn elsewhere(text: &str, address: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[providers.sim-deepseek]";
        }
        if inside && line.starts_with("base_url") {
            let _ = write!(out, "base_url = \"{address}\"");
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// The configuration that expects TLS where DeepSeek speaks plain HTTP.
fn over_tls(text: &str) -> String {
    let plain = text
        .lines()
        .skip_while(|line| *line != "[providers.sim-deepseek]")
        .find_map(|line| line.strip_prefix("base_url = \""))
        .unwrap()
        .trim_end_matches('"')
        .to_owned();
    elsewhere(text, &plain.replace("http://", "https://"))
}

fn silent(rows: &mut Vec<Row>) {
    for (name, fault) in [
        ("accepted, then silence", Fault::Silence),
        ("headers, then silence", Fault::HeadersThenSilence),
        ("comments only", Fault::CommentsOnly),
    ] {
        rows.push(Row { asked: 1, ..row(name, SIXTY, fault) });
    }
}

fn broken(rows: &mut Vec<Row>) {
    for (name, prompt, after) in [
        ("cut after 40 of 60 tokens", SIXTY, 40),
        ("cut in code", CODE, 90),
        ("cut in Chinese", CJK, 30),
        ("cut in a long document", LONG, 700),
    ] {
        rows.push(row(name, prompt, cut(after, Cut::Reset)));
        rows.push(once(row(name, prompt, cut(after, Cut::MidChunk))));
    }
    // Each kind of fallback: repeats the prefix, starts over, refuses, goes on.
    for (provider, model) in [
        ("sim-mistral", "sim-mistral-small"),
        ("sim-openai", "sim-gpt-4o"),
        ("sim-anthropic", "sim-sonnet"),
        ("sim-qwen", "sim-qwen-plus"),
        ("sim-local", "sim-tiny"),
    ] {
        rows.push(once(on(
            row("cut, same model goes on", CODE, cut(90, Cut::Close)),
            provider,
            model,
        )));
    }
    rows.push(Row {
        config: |text| {
            text.replace(
                "temperature = false, continuation = \"instruct\"",
                "temperature = false, continuation = \"prefill\"",
            )
        },
        asked: 3,
        ..once(on(
            row("cut, the prefill is refused", CODE, cut(90, Cut::CleanEnd)),
            "sim-anthropic",
            "sim-sonnet",
        ))
    });
    rows.push(Row {
        config: |text| {
            let haiku = |how: &str| {
                format!("json = true, vision = true, temperature = true, continuation = \"{how}\"")
            };
            text.replace(&haiku("instruct"), &haiku("prefill"))
        },
        ..row("cut, the fallback refuses the prefill", SIXTY, cut(40, Cut::Reset))
    });
    let stalled = row("stalled mid-answer", SIXTY, Fault::Stall { after: 40 });
    rows.push(Row { config: short_gap, ..stalled });
    rows.push(row("error event after text", SIXTY, Fault::ErrorEvent { after: 40 }));
}

/// With a short limit between tokens, so that the row does not take half a minute.
fn short_gap(text: &str) -> String {
    format!("{text}\n[limits]\nbetween_tokens = \"2s\"\n")
}

fn odd(rows: &mut Vec<Row>) {
    for (name, fault) in [
        ("malformed chunk", Fault::Malformed { after: 20 }),
        ("giant line", Fault::GiantLine { after: 20, bytes: 3_000_000 }),
        ("bad UTF-8", Fault::BadUtf8 { after: 20 }),
        ("missing [DONE]", Fault::MissingDone),
        ("missing [DONE], the socket stays open", Fault::OpenEnd),
        ("usage missing", Fault::MissingUsage),
    ] {
        let row = row(name, SIXTY, fault);
        rows.push(Row { wants: Wants::Whole, within: Duration::from_secs(5), asked: 1, ..row });
    }
    let open = on(
        row("no message_stop, the socket stays open", SIXTY, Fault::OpenEnd),
        "sim-anthropic",
        "sim-sonnet",
    );
    rows.push(Row { wants: Wants::Whole, within: Duration::from_secs(5), asked: 1, ..open });
}

fn empty(rows: &mut Vec<Row>) {
    for (name, fault) in [
        ("200 with an error body", Fault::ErrorUnder200),
        ("200 with HTML", Fault::HtmlUnder200),
        ("empty stop", Fault::EmptyStop),
    ] {
        rows.push(row(name, SIXTY, fault));
    }
    rows.push(Row {
        wants: Wants::Whole,
        ..row("reasoning ate the cap", SIXTY, Fault::ReasoningOnly)
    });
    let once =
        once(alone(row("empty stop once, nobody else", SIXTY, Fault::EmptyStop), Wants::Whole));
    rows.push(once);
}

fn truncated(rows: &mut Vec<Row>) {
    let whole = |row: Row| Row { wants: Wants::Whole, ..row };
    rows.push(whole(row("finish_reason length", SIXTY, Fault::Length { after: 40 })));
    rows.push(whole(on(
        row("model_length", CODE, Fault::Length { after: 90 }),
        "sim-mistral",
        "sim-mistral-small",
    )));
    for after in [104, 110, 118, 130] {
        rows.push(whole(row("unclosed fence with stop", CODE, Fault::QuietStop { after })));
    }
    let at_cap = on(
        row("tokens at the cap with stop", LONG, Fault::QuietStop { after: 70 }),
        "sim-openai",
        "sim-gpt-4o",
    );
    let small = |text: &str| text.replace("max_output = 16384", "max_output = 70");
    rows.push(Row { config: small, ..at_cap });
    let short = row("length, short of the caller's own cap", SIXTY, Fault::Length { after: 40 });
    rows.push(Row {
        args: vec!["-m", "sim-deepseek-flash", "--max-tokens", "5000"],
        ..whole(short)
    });
    let capped = row("the caller's own cap", SIXTY, Fault::MissingDone);
    rows.push(Row {
        args: vec!["-m", "sim-deepseek-flash", "--max-tokens", "30"],
        wants: Wants::Capped,
        ..capped
    });
    let capped = row("the caller's own cap, cut on the way", SIXTY, cut(20, Cut::Reset));
    rows.push(Row {
        args: vec!["-m", "sim-deepseek-flash", "--max-tokens", "40"],
        wants: Wants::Capped,
        ..capped
    });
}

/// DeepSeek with a weekly window that is open now, whenever that is.
fn maintained(text: &str) -> String {
    let week = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        .map(|day| format!("\"{day} 00:00-12:00 UTC\", \"{day} 12:00-24:00 UTC\""));
    let section = "[providers.sim-deepseek]\n";
    text.replacen(section, &format!("{section}maintenance = [{}]\n", week.join(", ")), 1)
}

fn account(rows: &mut Vec<Row>) {
    let window = row("maintenance window", SIXTY, Fault::MissingDone);
    rows.push(Row { config: maintained, asked: 0, ..window });
    let once = |row: Row| Row { asked: 1, ..row };
    rows.push(once(on(
        row("context overflow", SIXTY, Fault::ContextOverflow),
        "sim-openai",
        "sim-gpt-4o",
    )));
    rows.push(once(alone(row("content filter", SIXTY, Fault::Moderated), Wants::Error("refusal"))));
    let filtered = row("content filter after text", SIXTY, Fault::ContentFilter { after: 40 });
    rows.push(once(Row { wants: Wants::Filtered, ..filtered }));
    rows.push(once(row("bad key", SIXTY, Fault::Unauthorized)));
    rows.push(once(alone(
        row("bad key, nobody else", SIXTY, Fault::Unauthorized),
        Wants::Error("account"),
    )));
    rows.push(once(row("no balance", SIXTY, status(402))));
    rows.push(once(row("quota gone (429)", SIXTY, Fault::QuotaGone)));
    rows.push(once(row("unknown model", SIXTY, Fault::UnknownModel)));
}

/// What real servers and gateways said, replayed.
fn recorded(rows: &mut Vec<Row>) {
    for (name, recording) in [
        ("LiteLLM's 429", "litellm-mock-429.http"),
        ("LiteLLM's 429 to a stream", "litellm-mock-429-stream.http"),
        ("LiteLLM's 500", "litellm-mock-500.http"),
        ("LiteLLM, upstream dead", "litellm-dead.http"),
        ("LiteLLM, no such model", "litellm-no-such-model.http"),
        ("Portkey, upstream dead", "portkey-dead-upstream.http"),
        ("Portkey without its headers", "portkey-no-headers.http"),
        ("llama.cpp's 401", "llamacpp-401.http"),
    ] {
        let row = row(name, SIXTY, Fault::MissingDone);
        rows.push(Row { faults: Vec::new(), replays: Some(recording), ..row });
    }
    for (name, recording) in [
        ("LiteLLM's context overflow", "litellm-mock-ctx.http"),
        ("llama.cpp's context overflow", "llamacpp-context-overflow-400.http"),
    ] {
        let row = row(name, SIXTY, Fault::MissingDone);
        rows.push(Row {
            faults: Vec::new(),
            replays: Some(recording),
            // Smaller than the others, so that a larger window is there.
            config: |text| {
                let (large, small) = (
                    "context = 1000000\nmax_output = 384000",
                    "context = 100000\nmax_output = 8000",
                );
                text.replacen(large, small, 1)
            },
            ..row
        });
    }
}
