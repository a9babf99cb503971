//! One upstream call: send it, read its stream under its time limits, hand frames on. Knows nothing
//! of other models or of what comes next; the outcome is decided when the stream ends, not at
//! status 200.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::{Limits, Model, Provider};
use crate::domain::{ErrorReport, Finish, OutcomeClass, ServiceTier, Stamps, Usage};
use crate::route::Written;
use crate::wire::{self, Decoder, Frame, HttpCall, StreamEnd, http};

use super::account::{Figures, Reached};
use super::drill::{self, Drill, DrillKind};
use super::reply::ReplySink;
use super::run::OUTRUN;

/// After the end marker the rest of the body is read for this long, so that the connection can be
/// used again.
const DRAIN: Duration = Duration::from_millis(200);

/// Once the finish reason was read, what may still follow (usage, the end marker) is waited for so
/// long; not every server closes or says that it is done.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An error body is read up to this size.
const ERROR_BODY: usize = 64 << 10;

/// What an attempt is made with.
pub(super) struct Call<'a> {
    pub(super) http: &'a http::Http,
    pub(super) provider: &'a Provider,
    pub(super) model: &'a Model,
    pub(super) sends: &'a HttpCall,
    pub(super) limits: Limits,
    /// The request's deadline.
    pub(super) deadline: Instant,
    /// Whether an answer without text is one: a continuation may find that nothing was missing.
    pub(super) empty: Empty,
    /// Cancelled when another attempt has won the race this one was in.
    pub(super) lost: &'a CancellationToken,
    /// What is pretended of it.
    pub(super) drill: Option<Drill>,
}

/// What an answer without any text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// A failure: something was asked and nothing was said.
    Failure,
    /// An answer: nothing was left to say.
    Answer,
}

/// Where an attempt's pieces go as they arrive.
pub(super) trait Pieces: Send {
    /// A piece of the answer. An error ends the attempt: what comes is of no use.
    fn piece(&mut self, frame: Frame, stamps: &Stamps) -> Result<(), ErrorReport>;
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// `Err` with the first thing that went wrong.
    pub(super) result: Result<Finish, ErrorReport>,
    /// The provider's own word for how it finished; empty when it said none.
    pub(super) raw_finish: String,
    pub(super) status: Option<u16>,
    pub(super) stamps: Stamps,
    pub(super) usage: Option<Usage>,
    /// Whether the usage is what it came to in the end.
    pub(super) figures: Figures,
    pub(super) reported_cost: Option<String>,
    /// The tier of service it says it answered in.
    pub(super) served_in: Option<ServiceTier>,
    pub(super) answered_as: Option<String>,
    pub(super) limits: Vec<crate::domain::RateWindow>,
    pub(super) reached: Reached,
    pub(super) took: Duration,
    /// Answer and thinking, as far as they came.
    pub(super) written: Written,
    /// The longest silence after the first token.
    pub(super) longest_gap: Duration,
    /// What was pretended.
    pub(super) drill: Option<DrillKind>,
}

struct Progress {
    sent: Instant,
    /// When the first token began to be waited for: sent, or started over.
    began: Instant,
    stamps: Stamps,
    usage: Option<Usage>,
    /// Characters that had come when it was told.
    told_at: u64,
    reported_cost: Option<String>,
    served_in: Option<ServiceTier>,
    answered_as: Option<String>,
    finish: Option<Finish>,
    raw_finish: String,
    /// The stream came to its end.
    ended: bool,
    content: Content,
    /// It comes as one body, of which nothing can be read before all of it is there.
    body: bool,
    written: Written,
    moved: Instant,
    longest_gap: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Nothing,
    OnlyReasoning,
    Answer,
}

/// What a frame does to the loop.
enum Then {
    GoOn,
    Done,
    Fail(ErrorReport),
}

impl Call<'_> {
    /// Makes the attempt. Returns when the stream has ended, a limit passed, or the reader left.
    pub(super) async fn run(&self, sink: &ReplySink, pieces: &mut dyn Pieces) -> Ended {
        let sent = Instant::now();
        let mut progress = Progress {
            sent,
            began: sent,
            stamps: Stamps::default(),
            usage: None,
            told_at: 0,
            reported_cost: None,
            served_in: None,
            answered_as: None,
            finish: None,
            raw_finish: String::new(),
            ended: false,
            content: Content::Nothing,
            body: false,
            written: Written::default(),
            moved: sent,
            longest_gap: Duration::ZERO,
        };
        let mut status = None;
        let mut limits = Vec::new();
        let mut reached = Reached::Refused;
        let result = tokio::select! {
            biased;
            () = sink.left() => Err(cancelled("cancelled", "stopped")),
            () = self.lost.cancelled() => Err(cancelled(OUTRUN, "another model was quicker")),
            result = self.talk(&mut progress, &mut status, &mut limits, &mut reached, pieces) => result,
        };
        let took = sent.elapsed();
        progress.stamps.last = Some(millis(took));
        Ended {
            result,
            figures: progress.figures(),
            raw_finish: progress.raw_finish,
            status,
            stamps: progress.stamps,
            usage: progress.usage,
            reported_cost: progress.reported_cost,
            served_in: progress.served_in,
            answered_as: progress.answered_as,
            limits,
            reached,
            took,
            written: progress.written,
            longest_gap: progress.longest_gap,
            drill: self.drill.as_ref().map(|drill| drill.kind),
        }
    }

    async fn talk(
        &self,
        progress: &mut Progress,
        status: &mut Option<u16>,
        limits: &mut Vec<crate::domain::RateWindow>,
        reached: &mut Reached,
        pieces: &mut dyn Pieces,
    ) -> Result<Finish, ErrorReport> {
        let first_by = (progress.sent + self.limits.first_token).min(self.deadline);
        let drill = self.drill.as_ref();
        if let Err(error) =
            drill::before(drill, &self.provider.name, super::clock::now(), first_by).await
        {
            *status = error.status;
            return Err(error);
        }
        *reached = Reached::Sent;
        let response = timeout_at(first_by, self.http.send(self.sends, self.limits.connect)).await;
        let mut response = response.map_err(|_| self.silent(progress))?.inspect_err(|error| {
            *reached = match error.code.as_str() {
                "reset" | "eof" => Reached::Broken,
                _ => Reached::Refused,
            };
        })?;
        progress.stamps.headers = Some(millis(progress.sent.elapsed()));
        *status = Some(response.status);
        let now = super::clock::now();
        *limits = wire::read_limits(&response.headers, now);
        if !(200..300).contains(&response.status) {
            *reached = Reached::Refused;
            let body = timeout_at(first_by, response.body(ERROR_BODY)).await.unwrap_or_default();
            return Err(wire::read_error(response.status, &response.headers, &body, now));
        }
        *reached = Reached::Accepted;
        progress.reported_cost = wire::reported_cost(&response.headers);
        let mut decoder = Decoder::new(self.provider.dialect, &self.model.quirks);
        let kind = response.headers.get("content-type").unwrap_or_default();
        if kind.starts_with("application/json") {
            (progress.body, progress.moved) = (true, Instant::now());
        }
        let mut frames = Vec::new();
        loop {
            let until = self.next_limit(progress);
            let chunk = match timeout_at(until, response.chunk()).await {
                // Nothing that was still to come belongs to the answer.
                Err(_) if progress.finish.is_some() => return self.whole(progress),
                Err(_) => return Err(self.silent(progress)),
                Ok(Err(error)) => return self.broken(progress, error),
                Ok(Ok(chunk)) => chunk,
            };
            let end = match &chunk {
                Some(bytes) => {
                    decoder.push(bytes, &mut frames);
                    if decoder.is_whole_body() {
                        (progress.body, progress.moved) = (true, Instant::now());
                    } else if decoder.is_stream() {
                        progress.body = false;
                    }
                    None
                }
                None => Some(decoder.finish(&mut frames)),
            };
            for frame in frames.drain(..) {
                match progress.take(frame, pieces) {
                    Then::GoOn => {}
                    Then::Fail(error) => return Err(error),
                    Then::Done => {
                        tokio::spawn(async move {
                            let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
                            let _ = tokio::time::timeout(DRAIN, rest).await;
                        });
                        return self.whole(progress);
                    }
                }
            }
            drill::after(drill, progress.written.chars())?;
            match end {
                None => {}
                Some(StreamEnd::Marked) => return self.whole(progress),
                Some(StreamEnd::Unmarked) => {
                    let error = ErrorReport::new(
                        OutcomeClass::Network,
                        "eof",
                        "the stream ended before the answer did",
                    );
                    return self.broken(progress, error);
                }
            }
        }
    }

    /// Until when the next bytes must come.
    fn next_limit(&self, progress: &Progress) -> Instant {
        let between = self.limits.between_tokens;
        let limit = match progress.content {
            _ if progress.finish.is_some() => progress.moved + between.min(LAST_WORDS),
            // Its first token comes with its last.
            Content::Nothing if progress.body => progress.moved + between,
            Content::Nothing => progress.began + self.limits.first_token,
            Content::OnlyReasoning | Content::Answer => progress.moved + between,
        };
        limit.min(self.deadline)
    }

    /// A limit passed.
    fn silent(&self, progress: &Progress) -> ErrorReport {
        if Instant::now() >= self.deadline {
            return ErrorReport::new(
                OutcomeClass::Stall,
                "total",
                format!("no whole answer in {}", seconds(self.limits.total)),
            );
        }
        match progress.content {
            Content::Nothing if !progress.body => ErrorReport::new(
                OutcomeClass::Stall,
                "first_token",
                format!("no token in {}", seconds(self.limits.first_token)),
            ),
            Content::Nothing | Content::OnlyReasoning | Content::Answer => ErrorReport::new(
                OutcomeClass::Stall,
                "between_tokens",
                format!("went silent for {} mid-answer", seconds(self.limits.between_tokens)),
            ),
        }
    }

    /// The connection broke. An answer whose finish reason was read is whole all the same.
    fn broken(&self, progress: &mut Progress, error: ErrorReport) -> Result<Finish, ErrorReport> {
        if progress.finish.is_some()
            || (!self.model.quirks.end_marker && progress.content == Content::Answer)
        {
            return self.whole(progress);
        }
        Err(error)
    }

    /// The stream ended in order: is there an answer?
    fn whole(&self, progress: &mut Progress) -> Result<Finish, ErrorReport> {
        progress.ended = true;
        let finish = progress.finish.unwrap_or(Finish::Stop);
        match (finish, progress.content) {
            (Finish::ContentFilter, _) => Err(ErrorReport::new(
                OutcomeClass::Refusal,
                "content_filter",
                "the provider's content filter stopped this answer",
            )),
            (Finish::Stop, Content::Nothing | Content::OnlyReasoning)
                if self.empty == Empty::Answer =>
            {
                Ok(Finish::Stop)
            }
            (Finish::Length, Content::Nothing | Content::OnlyReasoning) => Err(ErrorReport::new(
                OutcomeClass::Truncation,
                super::run::REASONING_ATE_CAP,
                "all of the answer's room went into thinking",
            )),
            // Blanks, or an end for the sake of tools that were never called.
            (_, Content::Nothing | Content::OnlyReasoning) => Err(nothing_said()),
            (finish, Content::Answer) => Ok(finish),
        }
    }
}

impl Progress {
    /// Usage that was told while the answer was under way (one token, in an Anthropic message's first
    /// event) says nothing of what came after it.
    fn figures(&self) -> Figures {
        let finished = self.ended || self.finish.is_some_and(|finish| finish != Finish::Error);
        let latest = self.usage.is_none() || self.told_at == self.written.chars();
        if finished && latest { Figures::Final } else { Figures::SoFar }
    }

    fn take(&mut self, frame: Frame, pieces: &mut dyn Pieces) -> Then {
        let ms = millis(self.sent.elapsed());
        if !matches!(frame, Frame::KeepAlive) {
            self.stamps.first_event.get_or_insert(ms);
        }
        match &frame {
            Frame::Started { model, .. } => {
                if model.is_some() {
                    self.answered_as.clone_from(model);
                }
            }
            Frame::KeepAlive | Frame::Malformed(_) => {}
            Frame::ServedIn(tier) => self.served_in = Some(*tier),
            Frame::Text(text) => {
                if text.is_empty() {
                    return Then::GoOn;
                }
                if self.content == Content::Answer || !text.trim().is_empty() {
                    self.progress(Content::Answer, text);
                    self.stamps.first_text.get_or_insert(ms);
                } else {
                    self.blank(text);
                }
                return self.hand_on(frame, pieces);
            }
            Frame::ToolCall { arguments, .. } => {
                self.progress(Content::Answer, arguments);
                self.stamps.first_text.get_or_insert(ms);
                return self.hand_on(frame, pieces);
            }
            Frame::Reasoning(text) => {
                if text.is_empty() {
                    return Then::GoOn;
                }
                self.progress(Content::OnlyReasoning, text);
                self.stamps.first_reasoning.get_or_insert(ms);
                return self.hand_on(frame, pieces);
            }
            Frame::ReasoningSignature(_) => return self.hand_on(frame, pieces),
            Frame::Usage { usage, reported_cost } => {
                self.usage = Some(*usage);
                self.told_at = self.written.chars();
                if reported_cost.is_some() {
                    self.reported_cost.clone_from(reported_cost);
                }
                return self.hand_on(frame, pieces);
            }
            Frame::Finish { finish, raw } => {
                self.finish = Some(*finish);
                self.raw_finish.clone_from(raw);
                self.moved = Instant::now();
                if *finish == Finish::Error {
                    return Then::Fail(ErrorReport::new(
                        OutcomeClass::Provider,
                        raw.clone(),
                        format!("the provider gave up mid-answer ({raw})"),
                    ));
                }
            }
            Frame::Restarted => {
                // What was read of the voided message does not count, the time it took neither.
                (self.content, self.began) = (Content::Nothing, Instant::now());
                (self.finish, self.usage) = (None, None);
                return self.hand_on(frame, pieces);
            }
            Frame::Error(error) => return Then::Fail(error.as_ref().clone()),
            Frame::Done => return Then::Done,
        }
        Then::GoOn
    }

    fn hand_on(&self, frame: Frame, pieces: &mut dyn Pieces) -> Then {
        match pieces.piece(frame, &self.stamps) {
            Ok(()) => Then::GoOn,
            Err(error) => Then::Fail(error),
        }
    }

    /// Blanks before the first word: paid for, but no answer yet.
    fn blank(&mut self, text: &str) {
        self.written.add(text);
        if self.content != Content::Nothing {
            self.moved = Instant::now();
        }
    }

    fn progress(&mut self, content: Content, text: &str) {
        let now = Instant::now();
        if self.content != Content::Nothing {
            self.longest_gap = self.longest_gap.max(now.duration_since(self.moved));
        }
        if self.content != Content::Answer {
            self.content = content;
        }
        self.written.add(text);
        self.moved = now;
    }
}

/// The answer holds nothing, or nothing new.
pub(super) fn nothing_said() -> ErrorReport {
    ErrorReport::new(
        OutcomeClass::Provider,
        super::plan::EMPTY,
        "the provider sent an empty answer",
    )
}

fn cancelled(code: &str, why: &str) -> ErrorReport {
    ErrorReport::new(OutcomeClass::Cancelled, code, why)
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(span: Duration) -> String {
    crate::domain::format_span(span)
}
