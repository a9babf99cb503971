//! Requests as an engine would give them to a ledger, made up, for tests and benches: they say what
//! matters to them and leave the rest to this.
//!
//! Must not know: how a ledger keeps them. Invariant: the same numbers make the same request.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::{
    AttemptId, AttemptKind, AttemptReport, Cost, DecisionId, Finish, Message, MessageId, Money,
    Origin, Outcome, OutcomeClass, Place, Price, Rates, ReaderKind, Request, RequestId, SessionId,
    Stamps, TaskKind, TaskTable, UnixMs, Usage,
};
use crate::route::{self, DecisionInput, sample as routed};

use super::{Begin, End, Keep};

/// A time-ordered id of a moment and a number.
pub fn id(at: UnixMs, number: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &random).into_uuid()
}

/// The name of the n-th model and its provider.
pub fn names(n: u64) -> (String, String) {
    (format!("model-{n}"), format!("provider-{}", n % 4))
}

/// What a request is decided from: so many models, the first the cheapest.
pub fn input(models: u64, request: RequestId, at: UnixMs) -> DecisionInput {
    let asked = Request::new(
        request,
        Origin::Chat,
        ReaderKind::Replaceable,
        "Why does this Rust borrow fail, and what is the smallest fix?",
    );
    let candidates = (0..models).map(|n| {
        let (model, provider) = names(n);
        let dollars = |micro: u64| Price::from_pico_per_token(micro as i64);
        let mut one = routed::candidate(&model, &provider);
        one.rates = Some(Rates {
            input: dollars(100_000 * (n + 1)),
            cached_input: dollars(10_000 * (n + 1)),
            cache_write: dollars(0),
            cache_write_1h: None,
            output: dollars(400_000 * (n + 1)),
        });
        one.quality = TaskTable::flat(0.8);
        one.ttft_prior_ms = 300 + 40 * (at.0.unsigned_abs() + n) % 700;
        one
    });
    DecisionInput {
        id: DecisionId(request.0),
        request,
        now: at,
        seed: n_of(request),
        candidates: candidates.collect(),
        ..routed::input(route::features(&asked))
    }
}

fn n_of(request: RequestId) -> u64 {
    request.0.as_u128() as u64
}

/// One question and its answer.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Makes its ids.
    pub number: u64,
    /// When it was asked.
    pub at: UnixMs,
    /// Its conversation.
    pub session: SessionId,
    /// The message it follows.
    pub parent: Option<MessageId>,
    /// The question's id, where it was asked before.
    pub message: Option<MessageId>,
    /// What was asked.
    pub asked: String,
    /// What was answered.
    pub answer: String,
    /// What it cost, in pico-dollars.
    pub pico: i64,
    /// An attempt before that failed, at this cost.
    pub failed: Option<i64>,
    /// Models to choose from.
    pub models: u64,
    /// What is kept of it.
    pub keep: Keep,
}

impl Turn {
    /// A first question.
    pub fn new(number: u64, at: UnixMs, session: SessionId, asked: &str, answer: &str) -> Self {
        Self {
            number,
            at,
            session,
            parent: None,
            message: None,
            asked: asked.to_owned(),
            answer: answer.to_owned(),
            pico: 1_000_000,
            failed: None,
            models: 4,
            keep: Keep::All,
        }
    }

    /// Its request's id.
    pub fn request(&self) -> RequestId {
        RequestId(id(self.at, self.number * 8))
    }

    /// Its question's id.
    pub fn message(&self) -> MessageId {
        self.message.unwrap_or(MessageId(id(self.at, self.number * 8 + 1)))
    }

    /// Its answer's id.
    pub fn answer_id(&self) -> MessageId {
        MessageId(self.request().0)
    }

    /// Its beginning.
    pub fn begin(&self) -> Arc<Begin> {
        let mut request =
            Request::new(self.request(), Origin::Chat, ReaderKind::Replaceable, &self.asked);
        request.session = Some(self.session);
        request.messages = vec![Message::user(self.asked.clone())];
        request.place = Some(Place { message: self.message(), parent: self.parent });
        let input = Arc::new(input(self.models, request.id, self.at));
        let decision = Arc::new(route::decide(&input));
        let decided_in = Duration::from_micros(120);
        Arc::new(Begin { request, input, decision, decided_in, at: self.at, keep: self.keep })
    }

    /// Its attempts.
    pub fn attempts(&self, begin: &Begin) -> Vec<AttemptReport> {
        let chosen = begin.decision.chosen();
        let model = chosen.map_or_else(|| "nobody".into(), |one| one.model.clone());
        let provider = chosen.map_or_else(|| "nobody".into(), |one| one.provider.clone());
        let report = |n: u32, kind, outcome: Option<OutcomeClass>, pico| AttemptReport {
            id: AttemptId(id(self.at, self.number * 8 + 2 + u64::from(n))),
            n,
            model: model.clone(),
            provider: provider.clone(),
            kind,
            outcome,
            status: Some(if outcome.is_some() { 503 } else { 200 }),
            started_ms: u64::from(n) * 10,
            waited_ms: 0,
            stamps: Stamps { first_text: Some(320), last: Some(900), ..Stamps::default() },
            ms: 900,
            usage: Usage { input: 400, cached_input: 100, output: 120, ..Usage::default() },
            cost: Cost { amount: Money::from_pico(pico), exact: true },
            tier: None,
            detail: if outcome.is_some() { "HTTP 503: overloaded" } else { "answered" }.to_owned(),
        };
        let failed = self
            .failed
            .map(|pico| report(1, AttemptKind::First, Some(OutcomeClass::Provider), pico));
        let kind = if failed.is_some() { AttemptKind::Retry } else { AttemptKind::First };
        failed.into_iter().chain([report(2, kind, None, self.pico)]).collect()
    }

    /// Its end.
    pub fn end(&self) -> End {
        let begin = self.begin();
        let attempts = self.attempts(&begin);
        let cost = attempts.iter().fold(Cost::ZERO, |sum, one| sum + one.cost);
        let last = attempts.last();
        let outcome = Outcome {
            finish: Finish::Stop,
            model: last.map(|one| one.model.clone()),
            provider: last.map(|one| one.provider.clone()),
            model_id: None,
            usage: last.map(|one| one.usage).unwrap_or_default(),
            cost,
            wait_ms: Some(330),
            ttft_ms: Some(320),
            total_ms: 910,
            answer_cost: None,
            cached: None,
            error: None,
            cache_note: None,
        };
        End {
            begin,
            at: self.at + Duration::from_millis(910),
            text: self.answer.clone(),
            reasoning: String::new(),
            tool_calls: Vec::new(),
            seams: Vec::new(),
            verdict: None,
            attempts,
            outcome,
        }
    }

    /// The kind of work its questions are taken for.
    pub fn task(&self) -> TaskKind {
        self.begin().input.features.task
    }
}
