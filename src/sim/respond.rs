//! A request in, a response out: what the original would answer, and what a fault makes of it.
//!
//! Owns: which response a request gets. Must not know: sockets. Invariant: pure; the same request in the same circumstances gives the same response.

mod fill;
mod refuse;

use std::time::Duration;

use super::answer::{self, Answer, Ends};
use super::ask::Ask;
use super::chance::Chance;
use super::fault::{Fault, RetryAfter};
use super::frames::{Frames, Values};
use super::habits::{ModelHabits, ProviderHabits};
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
                fill::describe(&mut item, model);
                self.frames.render("models.item", &item)
            })
            .collect();
        values.set("items", items.join(","));
        let ids = || self.provider.model.iter().map(|model| model.id.clone());
        values.set("first_id", ids().next().unwrap_or_default());
        values.set("last_id", ids().next_back().unwrap_or_default());
        self.section("models", &values)
    }

    /// What the account has left; not found where the provider does not tell.
    pub fn balance(&self, left: &str) -> Response {
        let mut values = self.values("balance", "");
        values.set("balance", left.to_owned());
        let section =
            if self.frames.status("balance").is_some() { "balance" } else { "error.model" };
        self.section(section, &values)
    }

    /// The answer to a chat request.
    pub fn chat(&self, incoming: &Incoming) -> Response {
        let body = String::from_utf8_lossy(&incoming.body);
        let ask = match Ask::read(&incoming.body) {
            Ok(ask) => ask,
            Err(why) => {
                let mut values = self.values("", &body);
                return self.section(refuse::invalid(&mut values, "", &why), &values);
            }
        };
        let mut values = self.values(&ask.model, &ask.whole());
        values.set("prompt", answer::prompt_tokens(&ask).to_string());
        if let Err(section) = self.check(incoming, &ask, &mut values) {
            return self.section(section, &values);
        }
        let Some(model) = self.provider.find(&ask.model) else {
            return self.section("error.model", &values);
        };
        fill::describe(&mut values, model);
        if let Some(fault) = self.at.fault.clone()
            && let Some(response) = self.before(&fault, &mut values)
        {
            return response;
        }
        let mut said = answer::answer(&ask, model, self.provider.continuing);
        self.bend(&mut said);
        self.tell(&ask, model, said, values)
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
        self.fill_answer(&mut values, ask, model, &said);
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
