//! The rows of the card.

use super::{Often, Row, Wants};
use crate::tamper::{Tamper, Then};

/// Eight tokens.
pub(super) const SHORT: &str = "What is the capital of France? Answer in one short sentence.";
/// About fifty tokens.
pub(super) const LONG: &str = "Name three colours, one sentence each.";
/// A block of code and a paragraph, about ninety tokens.
pub(super) const CODE: &str =
    "Write a Python function that adds two numbers. Answer with a code block.";

const LITELLM_429: &str = include_str!("../../fixtures/recorded/litellm-mock-429.http");

/// The near server fails every time, and the far one is well.
fn row(name: &'static str, prompt: &'static str, tamper: Tamper) -> Row {
    Row {
        name,
        prompt,
        tamper,
        often: Often::Always,
        args: &["-m", "near"],
        config: str::to_owned,
        wants: Wants::Elsewhere,
        asked: 2,
        estimated: false,
    }
}

fn once(row: Row) -> Row {
    Row { often: Often::Once, wants: Wants::Whole, ..row }
}

/// With nobody else allowed.
fn alone(row: Row, wants: Wants) -> Row {
    Row { args: &["-m", "near", "--pin"], wants, ..row }
}

/// The near server over its Anthropic dialect.
fn anthropic(row: Row) -> Row {
    Row {
        config: |text| text.replacen("dialect = \"openai\"", "dialect = \"anthropic\"", 1),
        ..row
    }
}

fn said(status: u16, headers: &'static str, body: &'static str) -> Tamper {
    Tamper::Answer(status, headers, body)
}

fn recorded(text: &'static str) -> Tamper {
    Tamper::Recording(text.as_bytes())
}

fn end(after: usize, with: &'static str) -> Tamper {
    Tamper::After(after, Then::End(with))
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
    rows
}

const SLOW_DOWN: &str = r#"{"error":{"message":"Rate limit reached for requests","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;

fn throttled(rows: &mut Vec<Row>) {
    for (name, headers) in [
        ("429 retry-after 2", "retry-after: 2\r\n"),
        ("429 retry-after date", "retry-after: Fri, 31 Dec 2099 23:59:59 GMT\r\n"),
        ("429 x-ratelimit-reset", "x-ratelimit-reset-requests: 1m30s\r\n"),
    ] {
        rows.push(Row { asked: 1, ..row(name, SHORT, said(429, headers, SLOW_DOWN)) });
    }
    let soon = said(429, "retry-after-ms: 40\r\n", SLOW_DOWN);
    rows.push(once(row("429 retry-after-ms 40, once", SHORT, soon)));
    let persistent = said(429, "", SLOW_DOWN);
    rows.push(Row { asked: 1, ..row("429 without, persistent", SHORT, persistent.clone()) });
    rows.push(Row { asked: 1, ..row("LiteLLM's 429", SHORT, recorded(LITELLM_429)) });
    let soon = said(429, "retry-after: 1\r\n", SLOW_DOWN);
    rows.push(once(alone(row("429 retry-after 1, once, nobody else", SHORT, soon), Wants::Whole)));
    let nobody = row("429 without, persistent, nobody else", SHORT, persistent);
    rows.push(Row { asked: 4, ..alone(nobody, Wants::Error("throttle")) });
}

const OVERLOADED: &str =
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;

fn refused(rows: &mut Vec<Row>) {
    let broke = said(500, "", r#"{"error":{"message":"Internal error","type":"server_error"}}"#);
    rows.push(once(row("500 once", SHORT, broke)));
    let html = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>";
    let down = said(503, "content-type: text/html\r\n", html);
    rows.push(row("503 persistent", SHORT, down.clone()));
    rows.push(alone(row("503 persistent, nobody else", SHORT, down), Wants::Error("provider")));
    rows.push(anthropic(row("529 persistent", SHORT, said(529, "", OVERLOADED))));
    rows.push(row("TCP reset before headers", SHORT, Tamper::Reset));
    rows.push(row("down: every connection reset", SHORT, Tamper::Down));
    let dns = row("DNS failure", SHORT, Tamper::None);
    rows.push(Row { config: |text| elsewhere(text, "http://no-such-host.invalid"), ..dns });
    let tls = row("TLS failure: the server speaks plain HTTP", SHORT, Tamper::None);
    rows.push(Row {
        config: |text| text.replacen("base_url = \"http:", "base_url = \"https:", 1),
        ..tls
    });
    let closed = row("nothing listens", SHORT, Tamper::None);
    rows.push(Row { config: |text| elsewhere(text, "http://127.0.0.1:9"), ..closed });
    for (name, recording) in [
        ("LiteLLM's 500", include_str!("../../fixtures/recorded/litellm-mock-500.http")),
        ("LiteLLM, upstream dead", include_str!("../../fixtures/recorded/litellm-dead.http")),
        (
            "Portkey, upstream dead",
            include_str!("../../fixtures/recorded/portkey-dead-upstream.http"),
        ),
    ] {
        rows.push(row(name, SHORT, recorded(recording)));
    }
}

/// The near server at another address.
fn elsewhere(text: &str, address: &str) -> String {
    let from = text.find("base_url = \"").unwrap() + "base_url = \"".len();
    let to = from + text[from..].find("/v1").unwrap();
    format!("{}{address}{}", &text[..from], &text[to..])
}

fn silent(rows: &mut Vec<Row>) {
    for (name, tamper) in [
        ("accepted, then silence", Tamper::Silence),
        ("headers, then silence", Tamper::HeadersThenSilence),
        ("comments only", Tamper::Comments),
    ] {
        rows.push(Row { asked: 1, ..row(name, SHORT, tamper) });
    }
}

const ERROR_EVENT: &str = "data: {\"error\":{\"message\":\"The server had an error while \
    processing your request\",\"type\":\"server_error\",\"code\":null}}\n\n";

fn broken(rows: &mut Vec<Row>) {
    for (name, prompt, after) in [
        ("cut after 40 of 52 tokens", LONG, 40),
        ("cut after one token", LONG, 1),
        ("cut in code", CODE, 30),
        ("cut in prose after code", CODE, 60),
    ] {
        rows.push(row(name, prompt, Tamper::After(after, Then::Reset)));
        rows.push(once(row(name, prompt, Tamper::After(after, Then::MidEvent))));
    }
    rows.push(row("cut by an orderly close", LONG, Tamper::After(25, Then::Close)));
    let cut = Tamper::After(25, Then::Reset);
    rows.push(anthropic(row("cut, Anthropic dialect", LONG, cut.clone())));
    // Nobody can go on: a reader that can take text back sees it begin again, a pipe an honest end.
    let nobody = row("cut, and nobody can go on", LONG, cut);
    let none = |text: &str| text.replace("\"prefill\"", "\"none\"");
    rows.push(Row { config: none, wants: Wants::Restarted, ..nobody });
    rows.push(row("stalled mid-answer", LONG, Tamper::After(25, Then::Stall)));
    rows.push(row("error event after text", LONG, end(25, ERROR_EVENT)));
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\
        \"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    rows.push(anthropic(row("error event, Anthropic dialect", LONG, end(25, overloaded))));
}

fn odd(rows: &mut Vec<Row>) {
    let insert = |bytes: &[u8]| Tamper::After(3, Then::Insert(bytes.to_vec()));
    let mut giant = b": ".to_vec();
    giant.extend(std::iter::repeat_n(b'x', 3_000_000));
    giant.extend(b"\n\n");
    for (name, tamper) in [
        ("malformed chunk", insert(b"data: {\"choices\":[{\"delta\":{\"content\":\n\n")),
        ("giant line", insert(&giant)),
        ("bad UTF-8", insert(b": \xff\xfe\xc3\x28\n\n")),
        ("bad UTF-8 in a chunk", insert(b"data: \"\xff\xfe\"\n\n")),
        ("missing [DONE]", Tamper::Without("[DONE]")),
    ] {
        rows.push(Row { wants: Wants::Whole, asked: 1, ..row(name, SHORT, tamper) });
    }
    let without = Tamper::Without("\"prompt_tokens\"");
    let row = row("usage missing", SHORT, without);
    rows.push(Row { wants: Wants::Whole, asked: 1, estimated: true, ..row });
}

fn empty(rows: &mut Vec<Row>) {
    let json = "content-type: application/json\r\n";
    let error = r#"{"error":{"message":"系统繁忙,请稍后再试","type":"server_error","code":500}}"#;
    rows.push(row("200 with an error body", SHORT, said(200, json, error)));
    let html = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>";
    rows.push(row("200 with HTML", SHORT, said(200, "content-type: text/html\r\n", html)));
    rows.push(row("200 with nothing", SHORT, said(200, json, "")));
    let nothing = end(0, STOP);
    rows.push(row("empty stop", SHORT, nothing.clone()));
    rows.push(once(alone(row("empty stop once, nobody else", SHORT, nothing), Wants::Whole)));
    let thinking = "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Let me \
        think about it.\"},\"finish_reason\":null}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":\
        {},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":256,\
        \"completion_tokens_details\":{\"reasoning_tokens\":256}}}\n\ndata: [DONE]\n\n";
    rows.push(row("reasoning ate the cap", SHORT, end(0, thinking)));
}

const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: [DONE]\n\n";
const LENGTH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\
    \n\ndata: [DONE]\n\n";
const MODEL_LENGTH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\
    \"model_length\"}]}\n\ndata: [DONE]\n\n";
const AT_CAP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"prompt_tokens\":20,\"completion_tokens\":20,\"total_tokens\":40}}\n\n\
    data: [DONE]\n\n";
const FILTER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\
    \"content_filter\"}]}\n\ndata: [DONE]\n\n";

fn truncated(rows: &mut Vec<Row>) {
    let whole = |row: Row| Row { wants: Wants::Whole, ..row };
    rows.push(whole(row("finish_reason length", LONG, end(25, LENGTH))));
    rows.push(whole(row("model_length", LONG, end(25, MODEL_LENGTH))));
    rows.push(whole(row("unclosed fence with stop", CODE, end(20, STOP))));
    let at_cap = row("tokens at the cap with stop", LONG, end(20, AT_CAP));
    let small = |text: &str| text.replacen("max_output = 256", "max_output = 20", 1);
    rows.push(whole(Row { config: small, ..at_cap }));
    // The server's own: it says `length` where the model's small limit is reached.
    let real = row("the server's own length", LONG, Tamper::None);
    rows.push(whole(Row { config: small, ..real }));
    let capped = row("the caller's own cap", LONG, Tamper::None);
    rows.push(Row { args: &["-m", "near", "--max-tokens", "12"], wants: Wants::Capped, ..capped });
}

/// The near server with a weekly window that is open now, whenever that is.
fn maintained(text: &str) -> String {
    let week = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        .map(|day| format!("\"{day} 00:00-12:00 UTC\", \"{day} 12:00-24:00 UTC\""));
    let windows = format!("maintenance = [{}]\napi_key", week.join(", "));
    text.replacen("api_key", &windows, 1)
}

fn account(rows: &mut Vec<Row>) {
    let window = row("maintenance window", SHORT, Tamper::None);
    rows.push(Row { config: maintained, asked: 0, ..window });

    let one = |row: Row| Row { asked: 1, ..row };
    let wrong_key = |text: &str| text.replacen("env:REAL_KEY", "env:REAL_WRONG_KEY", 1);
    let key = one(row("bad key, the server's own 401", SHORT, Tamper::None));
    rows.push(Row { config: wrong_key, ..key });
    let key = one(row("bad key, nobody else", SHORT, Tamper::None));
    rows.push(Row { config: wrong_key, ..alone(key, Wants::Error("account")) });
    let balance = r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#;
    rows.push(one(row("no balance", SHORT, said(402, "", balance))));
    let quota = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    rows.push(one(row("quota gone (429)", SHORT, said(429, "", quota))));
    let unknown = include_str!("../../fixtures/recorded/litellm-no-such-model.http");
    rows.push(one(row("LiteLLM, unknown model", SHORT, recorded(unknown))));
    for (name, recording) in [
        (
            "llama.cpp's context overflow",
            include_str!("../../fixtures/recorded/llamacpp-context-overflow-400.http"),
        ),
        (
            "LiteLLM's context overflow",
            include_str!("../../fixtures/recorded/litellm-mock-ctx.http"),
        ),
    ] {
        let row = one(row(name, SHORT, recorded(recording)));
        // Smaller than the other, so that a larger window is there.
        rows.push(Row {
            config: |text| text.replacen("context = 2048", "context = 1024", 1),
            ..row
        });
    }
    let policy = r#"{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}"#;
    let filter = one(row("content filter", SHORT, said(400, "", policy)));
    rows.push(alone(filter, Wants::Error("refusal")));
    let late = one(row("content filter after text", LONG, end(25, FILTER)));
    rows.push(Row { wants: Wants::Filtered, ..late });
}
