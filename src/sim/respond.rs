//! A request in, a response out: what the original would answer, and what a fault makes of it.
//!
//! Owns: the checks an original makes, the values its templates are filled with. Must not know:
//! sockets. Invariant: pure; the same request in the same circumstances gives the same response.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{self, Answer, Ends};
use super::ask::{Ask, Who};
use super::chance::Chance;
use super::fault::{Fault, RetryAfter};
use super::frames::{Frames, Values};
use super::habits::{Continuing, ModelHabits, ProviderHabits, Speaks};
use super::http::Incoming;
use super::script::{self, Script, Telling, Warmth};

/// Everything beside the request that a response depends on.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The fleet's seed.
    pub seed: u64,
    /// Whether the model was idle.
    pub warmth: Warmth,
    /// What goes wrong, if anything.
    pub fault: Option<Fault>,
    /// Requests and tokens left this minute.
    pub left: (u64, u64),
    /// Until the minute is over.
    pub resets_in: Duration,
    /// The moment by the wall clock, for headers that tell one.
    pub now: jiff::Timestamp,
}

/// A response.
#[derive(Debug)]
pub enum Response {
    /// One with a known length.
    Whole(Whole),
    /// A stream of chunks after this head.
    Stream {
        /// The status line and the headers.
        head: String,
        /// What follows.
        script: Box<Script>,
        /// Bytes at a time and the pause between, where it drips.
        drip: Option<(usize, Duration)>,
    },
    /// A TCP reset.
    Reset,
    /// Nothing at all.
    Silence,
}

/// A response with a known length.
#[derive(Debug)]
pub struct Whole {
    /// Its status.
    pub status: u16,
    /// Its type.
    pub content_type: &'static str,
    /// Header lines.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
    /// How long it takes, before the pace is applied.
    pub wait: Duration,
    /// How long it takes at any pace.
    pub hold: Duration,
    /// Closed after so many bytes of the body.
    pub cut: Option<usize>,
    /// The model whose answer it is, and the tokens in it.
    pub answered: Option<u64>,
}

const JSON: &str = "application/json";
/// A fixed day, so that equal requests get equal bytes: 2026-11-23T00:00:00Z.
const CREATED: u64 = 1_795_392_000;

/// Renders what a server says to one request.
pub struct Responder<'a> {
    provider: &'a ProviderHabits,
    frames: &'static Frames,
    at: Circumstances,
}

impl<'a> Responder<'a> {
    /// For a server in these circumstances.
    pub fn new(provider: &'a ProviderHabits, frames: &'static Frames, at: Circumstances) -> Self {
        Self { provider, frames, at }
    }

    /// The list of models.
    pub fn models(&self) -> Response {
        let mut values = self.values("models", "");
        if let Some(fault) = self.at.fault.clone()
            && let Some(response) = self.before(&fault, &mut values)
        {
            return response;
        }
        let items: Vec<String> = self
            .provider
            .model
            .iter()
            .filter_map(|model| {
                let mut item = values.clone();
                describe(&mut item, model);
                self.frames.render("models.item", &item)
            })
            .collect();
        values.set("items", items.join(","));
        let ids = || self.provider.model.iter().map(|model| model.id.clone());
        values.set("first_id", ids().next().unwrap_or_default());
        values.set("last_id", ids().next_back().unwrap_or_default());
        self.section("models", &values)
    }

    /// The answer to a chat request.
    pub fn chat(&self, incoming: &Incoming) -> Response {
        let body = String::from_utf8_lossy(&incoming.body);
        let ask = match Ask::read(&incoming.body) {
            Ok(ask) => ask,
            Err(why) => return self.invalid(&mut self.values("", &body), "", &why),
        };
        let mut values = self.values(&ask.model, &ask.whole());
        values.set("prompt", answer::prompt_tokens(&ask).to_string());
        if let Err(response) = self.check(incoming, &ask, &mut values) {
            return response;
        }
        let Some(model) = self.provider.find(&ask.model) else {
            return self.section("error.model", &values);
        };
        describe(&mut values, model);
        if let Some(fault) = self.at.fault.clone()
            && let Some(response) = self.before(&fault, &mut values)
        {
            return response;
        }
        let mut said = answer::answer(&ask, model, self.provider.continuing);
        self.bend(&mut said);
        self.tell(&ask, model, said, values)
    }

    /// What the original refuses.
    fn check(&self, incoming: &Incoming, ask: &Ask, values: &mut Values) -> Result<(), Response> {
        let bearer = incoming.header("authorization").and_then(|h| h.strip_prefix("Bearer "));
        let key = bearer.or_else(|| incoming.header("x-api-key")).unwrap_or_default();
        if key.starts_with("bad") {
            let tail: String = key.chars().skip(key.chars().count().saturating_sub(4)).collect();
            values.set("key", format!("****{tail}"));
            return Err(self.section("error.auth", values));
        }
        let Some(model) = self.provider.find(&ask.model) else {
            return Err(self.section("error.model", values));
        };
        describe(values, model);
        for field in self.provider.refuses.iter().chain(&model.refuses) {
            if ask.fields.contains(field) {
                let why = match self.provider.dialect {
                    Speaks::Anthropic => format!("{field}: Extra inputs are not permitted"),
                    Speaks::Openai => "Extra inputs are not permitted".to_owned(),
                };
                return Err(self.invalid(values, field, &why));
            }
        }
        if self.provider.dialect == Speaks::Anthropic {
            if incoming.header("anthropic-version").is_none() {
                let why = "anthropic-version: header is required";
                return Err(self.invalid(values, "anthropic-version", why));
            }
            if ask.cap.is_none() {
                return Err(self.invalid(values, "max_tokens", "max_tokens: Field required"));
            }
        }
        if !ask.said.iter().any(|said| said.who != Who::System) {
            let why = "messages: at least one message is required";
            return Err(self.invalid(values, "messages", why));
        }
        if let Some(last) = ask.trailing() {
            if self.provider.continuing == Continuing::Refuses {
                return Err(self.section("error.prefill", values));
            }
            if self.provider.continuing == Continuing::Repeats && last.mark != Some("prefix") {
                let why = "Expected last role User or Tool (or Assistant with prefix True) for \
                           serving but got assistant";
                return Err(self.invalid(values, "messages", why));
            }
        }
        if self.provider.continuing == Continuing::Partial && !ask.stream && ask.think == Some(true)
        {
            let why =
                "parameter.enable_thinking must be set to false for non-streaming calls".to_owned();
            return Err(self.invalid(values, "enable_thinking", &why));
        }
        let cap = ask.cap.unwrap_or(0);
        values.set("cap", cap.to_string());
        if cap > model.max_output && self.frames.status("error.cap").is_some() {
            return Err(self.section("error.cap", values));
        }
        let prompt = answer::prompt_tokens(ask);
        let counted = if self.provider.counts_cap_at_admission { cap } else { 0 };
        values.set("requested", (prompt + cap).to_string());
        if prompt + counted > model.context {
            return Err(self.section("error.context", values));
        }
        Ok(())
    }

    /// The faults that strike before an answer begins.
    fn before(&self, fault: &Fault, values: &mut Values) -> Option<Response> {
        let whole = |section: &str, values: &Values| Some(self.section(section, values));
        match fault {
            Fault::RateLimit { retry_after } => Some(self.rate_limited(*retry_after, values)),
            Fault::QuotaGone => whole("error.quota", values),
            Fault::Status { status } => {
                let own = format!("error.{status}");
                if self.frames.status(&own).is_some() {
                    return whole(&own, values);
                }
                let like = match status {
                    401 | 403 => "error.auth",
                    404 => "error.model",
                    413 => "error.context",
                    429 => "error.rate_limit",
                    500 => "error.500",
                    501..=599 => "error.503",
                    _ => "error.invalid",
                };
                let mut response = self.section(like, values);
                if let Response::Whole(whole) = &mut response {
                    whole.status = *status;
                }
                Some(response)
            }
            Fault::Unauthorized => {
                values.set("key", "****");
                whole("error.auth", values)
            }
            Fault::UnknownModel => whole("error.model", values),
            Fault::ContextOverflow => whole("error.context", values),
            Fault::Moderated => whole("error.moderated", values),
            Fault::Reset => Some(Response::Reset),
            Fault::Silence => Some(Response::Silence),
            Fault::ErrorUnder200 => {
                let mut response = self.section("error.500", values);
                if let Response::Whole(whole) = &mut response {
                    whole.status = 200;
                }
                Some(response)
            }
            Fault::HtmlUnder200 => Some(Response::Whole(Whole {
                status: 200,
                content_type: "text/html",
                head: String::new(),
                body: include_bytes!("../../assets/sim/frames/gateway.html").to_vec(),
                wait: Duration::ZERO,
                hold: Duration::ZERO,
                cut: None,
                answered: None,
            })),
            _ => None,
        }
    }

    fn rate_limited(&self, retry_after: RetryAfter, values: &mut Values) -> Response {
        let mut lines = String::new();
        let words = match retry_after {
            RetryAfter::Unsaid => "a moment".to_owned(),
            RetryAfter::Seconds(s) => {
                lines = format!("retry-after: {s}");
                format!("{s}s")
            }
            RetryAfter::Date(s) => {
                let date = self.at.now + jiff::SignedDuration::from_secs(s as i64);
                lines = format!("retry-after: {}", date.strftime("%a, %d %b %Y %H:%M:%S GMT"));
                format!("{s}s")
            }
            RetryAfter::Ms(ms) => {
                lines = format!("retry-after-ms: {ms}");
                format!("{ms}ms")
            }
        };
        values.set("wait_words", words);
        values.set("left_requests", "0");
        let mut response = self.section("error.rate_limit", values);
        if let Response::Whole(whole) = &mut response {
            whole.head = format!("{}\n{lines}", whole.head);
        }
        response
    }

    /// The faults that change what is said.
    fn bend(&self, said: &mut Answer) {
        match self.at.fault {
            Some(Fault::EmptyStop) => {
                said.reasoning.clear();
                said.text.clear();
                said.tool = None;
                said.ends = Ends::Stop;
            }
            Some(Fault::Length { after }) => {
                said.cut_to(after);
                said.ends = Ends::Length;
            }
            Some(Fault::QuietStop { after }) => {
                said.cut_to(after);
                said.ends = Ends::Stop;
            }
            Some(Fault::ReasoningOnly) => {
                said.reasoning = answer::first(&format!("{}\n{}", said.reasoning, said.text), 400);
                said.text.clear();
                said.ends = Ends::Length;
            }
            Some(Fault::ContentFilter { after }) => {
                said.cut_to(after);
                said.ends = Ends::Filter;
            }
            _ => {}
        }
    }

    fn tell(&self, ask: &Ask, model: &ModelHabits, said: Answer, mut values: Values) -> Response {
        let parts = [&*self.provider.name, &*ask.model, &*ask.whole()];
        let mut chance = Chance::new(self.at.seed ^ 1, &parts);
        let timing = script::timing(self.provider, model, self.at.warmth, &mut chance);
        self.describe_answer(&mut values, ask, model, &said);
        if ask.stream {
            // The OpenAI dialect reports usage in a frame of its own where asked; the others always.
            let usage = ask.include_usage || self.frames.status("usage").is_none();
            let frames = self.frames;
            let fault = self.at.fault.clone();
            let drip = match fault {
                Some(Fault::Drip { bytes, every_ms }) => {
                    Some((bytes.max(1), Duration::from_millis(every_ms)))
                }
                _ => None,
            };
            let lines = self.frames.render("head", &values).unwrap_or_default();
            let telling = Telling { frames, values, answer: said, timing, chance, usage, fault };
            let script = Box::new(Script::new(self.provider, telling));
            let head = format!("cache-control: no-cache\n{lines}");
            return Response::Stream { head, script, drip };
        }
        let tokens = said.output_tokens();
        let Response::Whole(mut whole) = self.section("json", &values) else {
            return Response::Silence;
        };
        whole.wait = timing.first + timing.per_token.mul_f64(tokens as f64);
        whole.answered = Some(tokens);
        match &self.at.fault {
            Some(Fault::Cut { .. } | Fault::Malformed { .. }) => {
                whole.cut = Some(whole.body.len() / 2);
            }
            Some(Fault::HeadersThenSilence | Fault::CommentsOnly | Fault::Stall { .. }) => {
                return Response::Silence;
            }
            Some(Fault::SlowFirstToken { ms }) => whole.hold = Duration::from_millis(*ms),
            Some(Fault::ErrorEvent { .. }) => return self.section("error.500", &values),
            _ => {}
        }
        Response::Whole(whole)
    }

    fn describe_answer(&self, values: &mut Values, ask: &Ask, model: &ModelHabits, said: &Answer) {
        let anthropic = self.provider.dialect == Speaks::Anthropic;
        let (prompt, cached) = (said.prompt_tokens, said.cached_tokens.min(said.prompt_tokens));
        let output = said.output_tokens();
        let cost = (prompt as f64 * model.price_in + output as f64 * model.price_out) / 1e6;
        for (slot, number) in [
            ("completion", output),
            ("total", prompt + output),
            ("cached", cached),
            ("fresh", prompt - cached),
            ("thought", said.thought_tokens()),
        ] {
            values.set(slot, number.to_string());
        }
        values.set("cost", format!("{cost:.10}").trim_end_matches('0').to_owned());
        let usage = self.frames.render("usage.object", values).unwrap_or_default();
        let silent = self.at.fault == Some(Fault::MissingUsage);
        values.set("usage", if silent { "null".to_owned() } else { usage });
        values.set("usage_null", if ask.include_usage { ",\"usage\":null" } else { "" });
        let (finish, stop_hit) = finish(&said.ends, anthropic);
        values.quote("finish", finish);
        values.set("stop_hit", stop_hit.map_or("null".to_owned(), |text| json!(text).to_string()));
        let thinks = !said.reasoning.is_empty();
        values.set("content_start", if thinks { "null" } else { "\"\"" });
        values.set("reason_start", if thinks { ",\"reasoning_content\":\"\"" } else { "" });
        values.set("reason_null", if thinks { ",\"reasoning_content\":null" } else { "" });
        self.describe_whole(values, said, thinks);
    }

    /// What only an answer that is not streamed shows.
    fn describe_whole(&self, values: &mut Values, said: &Answer, thinks: bool) {
        let mut blocks = Vec::new();
        if thinks {
            let reasoning = json!(said.reasoning).to_string();
            values.set("reasoning_member", format!(",\"reasoning_content\":{reasoning}"));
            blocks.push(json!({"type":"thinking","thinking":said.reasoning,"signature":"c2lt"}));
        }
        if said.tool.is_none() || !said.text.is_empty() {
            blocks.push(json!({"type":"text","text":said.text}));
        }
        values.set("content", json!(said.text).to_string());
        values.set("tool_list", "null");
        if let Some((name, arguments)) = &said.tool {
            let call = values.text("call").to_owned();
            let list = json!([{"id":format!("call_{call}"),"type":"function",
                "function":{"name":name,"arguments":arguments}}]);
            values.quote("tool", name);
            values.quote("arguments", arguments);
            values.set("content", "null");
            values.set("tool_list", list.to_string());
            values.set("tool_member", format!(",\"tool_calls\":{list}"));
            values.set("tool_calls", format!("\n        \"tool_calls\": {list},"));
            let input: Value = serde_json::from_str(arguments).unwrap_or_default();
            blocks.push(json!({"type":"tool_use","id":format!("toolu_{call}"),"name":name,
                "input":input}));
        }
        let blocks: Vec<String> = blocks.iter().map(Value::to_string).collect();
        values.set("blocks", blocks.join(","));
    }

    /// The values that do not depend on the answer.
    fn values(&self, model: &str, request: &str) -> Values {
        let mut chance = Chance::new(self.at.seed, &[&self.provider.name, model, request]);
        let mut values = Values::default();
        let hex = |chance: &mut Chance| format!("{:016x}{:016x}", chance.next(), chance.next());
        let bare = hex(&mut chance);
        values.set(
            "uuid",
            format!(
                "{}-{}-4{}-a{}-{}",
                &bare[..8],
                &bare[8..12],
                &bare[13..16],
                &bare[17..20],
                &bare[20..]
            ),
        );
        values.set("bare_id", bare);
        let created = CREATED + chance.between(0, 86_399);
        values.set("created", created.to_string());
        values.set("generation", format!("gen-{created}-{}", chance.word(20)));
        values.set("id", format!("chatcmpl-{}", chance.word(29)));
        values.set("call", chance.word(24));
        values.set("signature", chance.word(64));
        values.set("request_id", format!("req_{}", &hex(&mut chance)[..24]));
        values.set("trace", hex(&mut chance));
        values.set("fingerprint", format!("fp_{}", &hex(&mut chance)[..10]));
        values.set("processing_ms", chance.between(120, 900).to_string());
        // What a caller wrote is put into JSON strings of the templates: without what would end one.
        let safe: String =
            model.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        values.set("model", safe);
        let (requests, tokens) = self.at.left;
        values.set("limit_requests", self.provider.requests_per_min.to_string());
        values.set("limit_tokens", self.provider.tokens_per_min.to_string());
        values.set("left_requests", requests.to_string());
        values.set("left_tokens", tokens.to_string());
        values.set("reset_go", go_duration(self.at.resets_in));
        let resets =
            self.at.now + jiff::SignedDuration::try_from(self.at.resets_in).unwrap_or_default();
        values.set("reset_rfc", resets.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        values.set("reset_epoch_ms", resets.as_millisecond().to_string());
        values.set("prompt", "0");
        values.set("cap", "0");
        values
    }

    fn invalid(&self, values: &mut Values, field: &str, why: &str) -> Response {
        values.quote("why", why);
        values.quote("why_zh", &format!("参数错误: {why}"));
        values.quote("field", field);
        self.section("error.invalid", values)
    }

    /// A section as a whole response, with the status it names.
    fn section(&self, section: &str, values: &Values) -> Response {
        Response::Whole(Whole {
            status: self.frames.status(section).unwrap_or(500),
            content_type: JSON,
            head: self.frames.render("head", values).unwrap_or_default(),
            body: self.frames.render(section, values).unwrap_or_default().into_bytes(),
            wait: Duration::ZERO,
            hold: Duration::ZERO,
            cut: None,
            answered: None,
        })
    }
}

fn describe(values: &mut Values, model: &ModelHabits) {
    values.set("model", model.id.clone());
    values.set("context", model.context.to_string());
    values.set("max_output", model.max_output.to_string());
    // An aggregator lists dollars per single token.
    let per_token = |price: f64| {
        format!("{:.12}", price / 1e6).trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    values.set("price_in", per_token(model.price_in));
    values.set("price_out", per_token(model.price_out));
}

fn finish(ends: &Ends, anthropic: bool) -> (&'static str, Option<&str>) {
    match (ends, anthropic) {
        (Ends::Stop, true) => ("end_turn", None),
        (Ends::StopText(text), true) => ("stop_sequence", Some(text)),
        (Ends::Length, true) => ("max_tokens", None),
        (Ends::Filter, true) => ("refusal", None),
        (Ends::Tool, true) => ("tool_use", None),
        (Ends::Stop | Ends::StopText(_), false) => ("stop", None),
        (Ends::Length, false) => ("length", None),
        (Ends::Filter, false) => ("content_filter", None),
        (Ends::Tool, false) => ("tool_calls", None),
    }
}

/// A duration as Go prints it: `120ms`, `6.5s`, `1m0s`.
fn go_duration(span: Duration) -> String {
    let ms = span.as_millis() as u64;
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}s", ms as f64 / 1000.0),
        _ => format!("{}m{}s", ms / 60_000, (ms % 60_000) as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let go = |ms| go_duration(Duration::from_millis(ms));
        assert_eq!((go(120), go(6500), go(60_000)), ("120ms".into(), "6.5s".into(), "1m0s".into()));
        assert_eq!(go(360_000), "6m0s");
    }
}
