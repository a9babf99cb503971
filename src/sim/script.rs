//! An answer in steps: what goes over the wire, after which waits, and where a fault strikes.
//!
//! Owns: the order of frames in a stream and the drawn times. Must not know: sockets, clocks. Invariant:
//! the steps are made one at a time, so a long answer costs no more memory than its text.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::Answer;
use super::chance::Chance;
use super::fault::{Cut, Fault};
use super::frames::{Frames, Values};
use super::habits::{ModelHabits, ProviderHabits};
use super::tokens::Cursor;

/// One thing a server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits; scaled by the fleet's pace.
    Wait(Duration),
    /// Waits as long as a fault says, whatever the pace.
    Hold(Duration),
    /// Sends the status line and the headers.
    Head,
    /// Sends one HTTP chunk.
    Chunk(Vec<u8>),
    /// Sends the beginning of an HTTP chunk, then closes.
    HalfChunk(Vec<u8>),
    /// Says nothing more until the client leaves.
    Hang,
    /// Resets the connection.
    Reset,
    /// Closes without the terminating chunk.
    Close,
    /// Sends the terminating chunk; the connection stays open.
    End,
}

/// When things happen, before the pace is applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// From the request to the first token.
    pub first: Duration,
    /// From the request to the headers.
    pub head: Duration,
    /// A comment so often between the two.
    pub comment_every: Option<Duration>,
    /// Per token after the first.
    pub per_token: Duration,
}

/// Whether a server has been idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmth {
    /// It answered a question lately.
    Warm,
    /// It was only asked for its models lately: the way there is warm, the model is not.
    Tepid,
    /// It was idle.
    Cold,
}

/// The share of a cold start that a warm connection saves.
const TEPID_SHARE: f64 = 0.15;

/// Draws the times of an answer.
pub fn timing(
    provider: &ProviderHabits,
    model: &ModelHabits,
    warmth: Warmth,
    chance: &mut Chance,
) -> Timing {
    let mut first_ms = model.ttft_ms as f64 * chance.skewed(model.spread);
    if let Some(slow) = provider.slow
        && chance.one_in(slow.one_in)
    {
        first_ms = chance.between(slow.least_ms, slow.most_ms) as f64;
    }
    let mut comments = provider.comment_every_ms;
    if let Some(cold) = provider.cold {
        let extra = chance.between(cold.least_ms, cold.most_ms) as f64;
        first_ms += match warmth {
            Warmth::Warm => 0.0,
            Warmth::Tepid => extra * TEPID_SHARE,
            Warmth::Cold => extra,
        };
        // Once warm it answers before it would say anything.
        comments = comments.filter(|_| warmth != Warmth::Warm);
    }
    let first = Duration::from_secs_f64(first_ms / 1000.0);
    Timing {
        first,
        head: first.mul_f64(provider.head_share.clamp(0.0, 1.0)),
        comment_every: comments.map(Duration::from_millis),
        per_token: Duration::from_secs_f64(1.0 / model.tokens_per_s.max(0.1)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    /// Comments for ever: a fault.
    Comments,
    Reasoning,
    Text,
    Tool,
    Finish,
    Over,
}

/// What a stream is made from.
#[derive(Debug)]
pub struct Telling {
    /// The flavour's templates.
    pub frames: &'static Frames,
    /// What fills them.
    pub values: Values,
    /// What is said.
    pub answer: Answer,
    /// When.
    pub timing: Timing,
    /// Draws the small waits and paddings.
    pub chance: Chance,
    /// Usage is to be reported, as the caller asked or the server always does.
    pub usage: bool,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// A stream, step by step.
#[derive(Debug)]
pub struct Script {
    frames: &'static Frames,
    values: Values,
    timing: Timing,
    chance: Chance,
    phase: Phase,
    reasoning: Cursor,
    text: Cursor,
    arguments: Cursor,
    thought: bool,
    tool: bool,
    tokens_per_chunk: usize,
    crlf: bool,
    usage: bool,
    fault: Option<Fault>,
    tripped: bool,
    sent: u64,
    steps: VecDeque<Step>,
}

impl Script {
    /// The stream of an answer.
    pub fn new(provider: &ProviderHabits, telling: Telling) -> Self {
        let Telling { frames, values, answer, timing, mut chance, usage, fault } = telling;
        let crlf = provider.crlf && chance.one_in(2);
        Self {
            frames,
            values,
            timing,
            phase: Phase::Opening,
            thought: !answer.reasoning.is_empty(),
            tool: answer.tool.is_some(),
            reasoning: Cursor::new(answer.reasoning),
            text: Cursor::new(answer.text),
            arguments: Cursor::new(answer.tool.map_or_else(String::new, |(_, args)| args)),
            tokens_per_chunk: provider.tokens_per_chunk.max(1),
            crlf,
            usage: usage && fault != Some(Fault::MissingUsage),
            chance,
            fault,
            tripped: false,
            sent: 0,
            steps: VecDeque::new(),
        }
    }

    /// A fault put in force while this streams: it strikes at its token, or at the next one where that
    /// has gone by. What already goes wrong stays.
    pub fn strike(&mut self, fault: Fault) {
        if self.fault.is_none() {
            self.fault = Some(fault);
        }
    }

    fn frame(&mut self, section: &str) {
        if let Some(text) = self.frames.render(section, &self.values) {
            let text = format!("{text}\n\n");
            let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
            self.steps.push_back(Step::Chunk(text.into_bytes()));
        }
    }

    fn pad(&mut self) {
        let len = self.chance.between(4, 14) as usize;
        let pad = self.chance.word(len);
        self.values.set("pad", pad);
    }

    fn opening(&mut self) {
        if let Some(Fault::SlowFirstToken { ms }) = self.fault {
            self.steps.push_back(Step::Hold(Duration::from_millis(ms)));
        }
        self.steps.push_back(Step::Wait(self.timing.head));
        self.steps.push_back(Step::Head);
        match self.fault {
            Some(Fault::HeadersThenSilence) => return self.last(Step::Hang),
            Some(Fault::CommentsOnly) => {
                self.comment();
                self.phase = Phase::Comments;
                return;
            }
            _ => {}
        }
        let mut left = self.timing.first.saturating_sub(self.timing.head);
        if let Some(every) = self.timing.comment_every {
            // One at once, as queueing begins, then as often as the server does.
            self.comment();
            while left > every {
                left -= every;
                self.steps.push_back(Step::Wait(every));
                self.comment();
            }
        }
        self.steps.push_back(Step::Wait(left));
        self.pad();
        self.frame("open");
        self.phase = Phase::Reasoning;
        if self.thought {
            self.frame("reason.open");
        }
    }

    /// A comment (or a ping); `: keep-alive` where the original has none.
    fn comment(&mut self) {
        let before = self.steps.len();
        self.frame("comment");
        if self.steps.len() == before {
            self.steps.push_back(Step::Chunk(b": keep-alive\n\n".to_vec()));
        }
    }

    /// One chunk of thinking, text or arguments; `false` at its end.
    fn delta(&mut self, section: &str) -> bool {
        let mut most = self.tokens_per_chunk;
        if let Some(after) = self.fault.as_ref().and_then(Fault::after)
            && !self.tripped
        {
            if self.sent >= after {
                self.trip();
                return true;
            }
            most = most.min((after - self.sent) as usize);
        }
        let cursor = match self.phase {
            Phase::Reasoning => &mut self.reasoning,
            Phase::Text => &mut self.text,
            _ => &mut self.arguments,
        };
        let Some((text, taken)) = cursor.take(most) else { return false };
        self.values.quote("text", text);
        if self.sent > 0 {
            let jitter = 0.6 + 0.8 * self.chance.unit();
            let wait = self.timing.per_token.mul_f64(taken as f64 * jitter);
            // Thinking is drawn twice as fast: it is there to be skimmed.
            let wait = if self.phase == Phase::Reasoning { wait / 2 } else { wait };
            self.steps.push_back(Step::Wait(wait));
        }
        self.sent += taken as u64;
        self.pad();
        self.frame(section);
        true
    }

    /// The fault that waited for so many tokens strikes.
    fn trip(&mut self) {
        self.tripped = true;
        match self.fault.clone() {
            Some(Fault::Cut { how, .. }) => self.cut(how),
            Some(Fault::Stall { .. }) => self.last(Step::Hang),
            Some(Fault::ErrorEvent { .. }) => {
                self.frame("error.stream");
                self.last(Step::End);
            }
            Some(Fault::Malformed { .. }) => {
                self.raw(b"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"con\n\n");
            }
            Some(Fault::GiantLine { bytes, .. }) => {
                let mut line = b": ".to_vec();
                line.resize(bytes.max(2), b'x');
                line.extend_from_slice(b"\n\n");
                self.raw(&line);
            }
            Some(Fault::BadUtf8 { .. }) => self.raw(b": \xff\xfe\xc3\x28 not text\n\n"),
            _ => {}
        }
    }

    fn cut(&mut self, how: Cut) {
        match how {
            Cut::Reset => self.last(Step::Reset),
            Cut::Close => self.last(Step::Close),
            Cut::CleanEnd => self.last(Step::End),
            Cut::MidChunk => {
                self.values.quote("text", " never seen whole");
                self.frame("text.delta");
                if let Some(Step::Chunk(bytes)) = self.steps.pop_back() {
                    self.last(Step::HalfChunk(bytes));
                }
            }
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.steps.push_back(Step::Chunk(bytes.to_vec()));
    }

    fn last(&mut self, step: Step) {
        self.steps.push_back(step);
        self.phase = Phase::Over;
    }

    fn finish(&mut self) {
        if self.fault.as_ref().and_then(Fault::after).is_some() && !self.tripped {
            // The answer was shorter than the fault waited for: it strikes before the end.
            self.trip();
            if self.phase == Phase::Over {
                return;
            }
        }
        self.pad();
        self.frame("finish");
        if self.usage {
            self.frame("usage");
        }
        match self.fault {
            Some(Fault::OpenEnd) => return self.last(Step::Hang),
            Some(Fault::MissingDone) => {}
            _ => self.frame("done"),
        }
        self.last(Step::End);
    }

    /// Makes the next steps; `false` when there are none.
    fn advance(&mut self) -> bool {
        match self.phase {
            Phase::Opening => self.opening(),
            Phase::Comments => {
                self.steps.push_back(Step::Hold(COMMENT_EVERY));
                self.comment();
            }
            Phase::Reasoning => {
                if !self.thought || !self.delta("reason.delta") {
                    if self.thought {
                        self.frame("reason.close");
                    }
                    self.values.set("block", if self.thought { "1" } else { "0" });
                    self.phase = if self.tool { Phase::Tool } else { Phase::Text };
                    self.frame(if self.tool { "tool.open" } else { "text.open" });
                }
            }
            Phase::Text => {
                if !self.delta("text.delta") {
                    self.frame("text.close");
                    self.phase = Phase::Finish;
                }
            }
            Phase::Tool => {
                // Flavours without a piecewise form send the call whole.
                let pieces = self.frames.status("tool.delta").is_some();
                if !pieces || !self.delta("tool.delta") {
                    self.frame("tool.close");
                    self.phase = Phase::Finish;
                }
            }
            Phase::Finish => self.finish(),
            Phase::Over => return false,
        }
        true
    }
}

/// How often the comments of [`Fault::CommentsOnly`] come.
const COMMENT_EVERY: Duration = Duration::from_millis(250);

impl Iterator for Script {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(step);
            }
            if !self.advance() {
                return None;
            }
        }
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
