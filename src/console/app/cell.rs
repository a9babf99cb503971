//! The transcript's cells: what was asked, what came back, and notes between them.
//!
//! Owns: the source of everything the transcript shows. Must not know: widths, lines, colours; the
//! layout is made from these cells and can be thrown away at any time. Invariant: a cell's index is
//! its identity while it lives; cells are only appended, changed in place, or cut off at the end.

use crate::console::composer::Draft;
use crate::domain::{
    AttemptKind, AttemptReport, CacheMode, Finish, FirstToken, Heard, MessageId, ModelName, Money,
    OutcomeClass, ProviderName, Reply, RequestId, UnixMs,
};
use crate::engine::Told;

/// One entry of the transcript.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// What the user asked.
    User(UserCell),
    /// What came back.
    Reply(Box<ReplyCell>),
    /// A line of the program's own: `pinned sonnet for this chat`, the answer to a command.
    Note(NoteCell),
}

/// What the user asked.
#[derive(Debug, Clone, PartialEq)]
pub struct UserCell {
    /// Its id as a message; asked again in place, it is the same.
    pub id: MessageId,
    /// When it was sent.
    pub at: UnixMs,
    /// What was sent, pastes expanded, sanitised.
    pub text: String,
    /// What was typed; what history and editing bring back.
    pub draft: Draft,
    /// The model named for this message alone.
    pub model: Option<ModelName>,
    /// The policy named for this message alone (`:floor`, `:nitro`).
    pub policy: Option<String>,
    /// Marks for rules, without the `#`.
    pub tags: Vec<String>,
    /// How far it had got when the chat was opened; what is asked of it since, its replies tell.
    pub heard: Heard,
}

/// How a reply was routed: the mark in front of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RouteMark {
    /// The router chose. `◆`
    #[default]
    Auto,
    /// A pin chose. `■`
    Pinned,
    /// Named for this message. `◇`
    OneShot,
    /// The first choice failed and another answered. `↪`
    FellBack,
}

/// An attempt that is running.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningAttempt {
    /// Its number within the request, from 1.
    pub n: u32,
    /// Whom it asks.
    pub model: ModelName,
    /// That model's provider.
    pub provider: ProviderName,
    /// Why it is made.
    pub kind: AttemptKind,
    /// When it began.
    pub since: UnixMs,
}

/// How far a reply has come.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyPhase {
    /// Sent to the engine; not routed or not attempted yet.
    Connecting,
    /// Money of a budget is waited for that others hold.
    Held,
    /// An attempt runs and nothing has come from it.
    Waiting(RunningAttempt),
    /// Thinking arrives, no text yet.
    Thinking(RunningAttempt),
    /// Text arrives.
    Streaming(RunningAttempt),
    /// Over; how is in `reply.outcome`.
    Done,
}

impl ReplyPhase {
    /// Is it still coming?
    pub const fn running(&self) -> bool {
        !matches!(self, Self::Done)
    }

    /// The attempt that runs now.
    pub const fn attempt(&self) -> Option<&RunningAttempt> {
        match self {
            Self::Connecting | Self::Held | Self::Done => None,
            Self::Waiting(attempt) | Self::Thinking(attempt) | Self::Streaming(attempt) => {
                Some(attempt)
            }
        }
    }
}

/// What routing saved against asking the baseline model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// How much; negative when the baseline would have been cheaper.
    pub amount: Money,
    /// The baseline.
    pub versus: ModelName,
}

/// What routing saved over several replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSum {
    /// How much.
    pub amount: Money,
    /// The baseline they have in common. `None` where each had its own: where the user names none, that
    /// is the dearest model that could have answered.
    pub versus: Option<ModelName>,
}

impl SavedSum {
    /// The sum with one more.
    pub fn of(sum: Option<Self>, more: Saved) -> Self {
        let Some(Self { amount, versus }) = sum else {
            return Self { amount: more.amount, versus: Some(more.versus) };
        };
        let versus = versus.filter(|versus| *versus == more.versus);
        Self { amount: amount + more.amount, versus }
    }
}

/// Where a reply was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PaidIn {
    /// In the chat it stands in.
    #[default]
    ThisChat,
    /// In the chat this one is a copy of: what was paid there is not paid again here.
    Original,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyCell {
    /// The request it answers.
    pub request: RequestId,
    /// The index of the user's cell it answers.
    pub answers: usize,
    /// What it could do with the answer cache: asked again for another answer it does not read it.
    pub cache: CacheMode,
    /// When the user pressed Enter: waits are counted from here.
    pub asked_at: UnixMs,
    /// How far it has come.
    pub phase: ReplyPhase,
    /// Everything received, folded: decision, attempts over, text, thinking, usage, outcome.
    pub reply: Reply,
    /// Rises whenever received text became void, so that a layout starts it over.
    pub restarts: u32,
    /// Why the text was started over, for people; the newest reason.
    pub restarted_because: Option<String>,
    /// The answering attempt's first token: what it was and its time from sent, in milliseconds.
    pub first_token: Option<(FirstToken, u64)>,
    /// When the first text arrived here.
    pub first_text_at: Option<UnixMs>,
    /// When the last event arrived here.
    pub last_at: UnixMs,
    /// Estimated tokens of text and thinking so far, in tenths; the provider's count replaces it.
    pub streamed_tenths: u64,
    /// Said to stop by the user.
    pub stopped: bool,
    /// What routing saved, once it is over.
    pub saved: Option<Saved>,
    /// Where it was paid.
    pub paid: PaidIn,
    /// What went wrong, told to the user, once it is over.
    pub told: Option<Told>,
    /// Code blocks in the replies before this one: labels go on counting from here.
    pub first_block: usize,
}

impl ReplyCell {
    /// A reply nothing has come for yet.
    pub fn new(request: RequestId, answers: usize, asked_at: UnixMs) -> Self {
        Self {
            request,
            answers,
            cache: CacheMode::Normal,
            asked_at,
            phase: ReplyPhase::Connecting,
            reply: Reply::default(),
            restarts: 0,
            restarted_because: None,
            first_token: None,
            first_text_at: None,
            last_at: asked_at,
            streamed_tenths: 0,
            stopped: false,
            saved: None,
            paid: PaidIn::ThisChat,
            told: None,
            first_block: 0,
        }
    }

    /// The request as the routing log knows it. A reply in a copied chat has an id of its own, as a
    /// message; it was routed where it was asked.
    pub fn routed_as(&self) -> RequestId {
        self.reply.decision.as_ref().map_or(self.request, |decision| decision.request)
    }

    /// The digit that copies this reply's n-th code block (from 0). Labels go round from 1 to 9
    /// through the whole chat, so that the newest nine can always be had with one digit.
    pub fn block_label(&self, n: usize) -> u8 {
        ((self.first_block + n) % 9) as u8 + 1
    }

    /// Who answers, as far as is known: the one that did, else the one asked now, else the choice.
    pub fn model(&self) -> Option<(&ModelName, &ProviderName)> {
        if let Some(outcome) = &self.reply.outcome
            && let (Some(model), Some(provider)) = (&outcome.model, &outcome.provider)
        {
            return Some((model, provider));
        }
        if let Some(attempt) = self.phase.attempt() {
            return Some((&attempt.model, &attempt.provider));
        }
        let decision = self.reply.decision.as_ref()?;
        decision.chosen().map(|chosen| (&chosen.model, &chosen.provider))
    }

    /// The mark in front of its header.
    pub fn mark(&self) -> RouteMark {
        let Some(decision) = &self.reply.decision else { return RouteMark::Auto };
        let first = decision.chosen().map(|chosen| &chosen.model);
        if first.is_some()
            && self.reply.attempts.iter().any(|attempt| attempt.outcome.is_some())
            && self.model().map(|(model, _)| model) != first
        {
            return RouteMark::FellBack;
        }
        match &decision.imposed {
            Some(imposed) if imposed.model.is_some() => match imposed.scope {
                crate::domain::PinScope::Message => RouteMark::OneShot,
                crate::domain::PinScope::Session
                | crate::domain::PinScope::Tag(_)
                | crate::domain::PinScope::All => RouteMark::Pinned,
            },
            _ => RouteMark::Auto,
        }
    }

    /// Milliseconds the user waited for the first text; while nothing has come, the wait so far.
    pub fn waited_ms(&self, now: UnixMs) -> u64 {
        if let Some(ms) = self.reply.outcome.as_ref().and_then(|outcome| outcome.wait_ms) {
            return ms;
        }
        let until = match self.first_text_at {
            Some(at) => at,
            None if self.phase.running() => now,
            None => self.last_at,
        };
        u64::try_from(until.since(self.asked_at).as_millis()).unwrap_or(u64::MAX)
    }

    /// Attempts that failed before this answer. One that was stopped, or outrun by another, is none.
    pub fn lost(&self) -> impl Iterator<Item = &AttemptReport> {
        let failed = |attempt: &&AttemptReport| {
            attempt.outcome.is_some_and(|class| class != OutcomeClass::Cancelled)
        };
        self.reply.attempts.iter().filter(failed)
    }

    /// Milliseconds lost to attempts that failed before this answer.
    pub fn lost_ms(&self) -> u64 {
        self.lost().map(|attempt| attempt.ms + attempt.waited_ms).sum()
    }

    /// Did the program end before it did? How long it took, nobody knows then.
    pub fn cut_off(&self) -> bool {
        let outcome = self.reply.outcome.as_ref();
        outcome.is_some_and(|it| it.finish == Finish::Truncated && it.total_ms == 0)
    }

    /// Is there anything of an answer? One that is whole is an answer though it is empty.
    pub fn says_something(&self) -> bool {
        let Reply { text, reasoning, tool_calls, .. } = &self.reply;
        self.whole() || !(text.is_empty() && reasoning.is_empty() && tool_calls.is_empty())
    }

    /// Was anybody asked, or is somebody about to be? One that was refused first went nowhere.
    pub fn reached_somebody(&self) -> bool {
        let outcome = self.reply.outcome.as_ref();
        let refused = outcome.is_some_and(|outcome| outcome.error.is_some());
        !refused || self.stopped || !self.reply.attempts.is_empty() || self.says_something()
    }

    /// Was anything paid for it, as far as is known? One that was stopped before its first word was.
    pub fn was_paid(&self) -> bool {
        let cost = self.reply.outcome.as_ref().map(|outcome| outcome.cost);
        cost.is_some_and(|cost| !cost.exact || cost.amount.pico() > 0)
    }

    /// Did it come whole?
    pub fn whole(&self) -> bool {
        let finish = self.reply.outcome.as_ref().map(|outcome| outcome.finish);
        matches!(finish, Some(Finish::Stop | Finish::Length | Finish::ToolCalls))
    }

    /// Answer tokens so far; the provider's own count once it came.
    pub fn output_tokens(&self) -> u64 {
        let streamed = self.streamed_tenths / 10;
        match &self.reply.usage {
            // A report at the start counts the first token alone.
            Some(usage) if self.phase.running() => usage.output.max(streamed),
            Some(usage) if usage.output > 0 => usage.output,
            _ => streamed,
        }
    }

    /// Tokens per second from the first token, of thinking or of text, to the last event; `None` before
    /// there is a rate.
    pub fn tokens_per_s(&self) -> Option<f64> {
        self.generated().map(|(tokens, ms)| tokens as f64 * 1000.0 / ms as f64)
    }

    /// The milliseconds that rate is over.
    pub fn generated_ms(&self) -> Option<u64> {
        self.generated().map(|(_, ms)| ms)
    }

    /// How many tokens came in how many milliseconds.
    fn generated(&self) -> Option<(u64, u64)> {
        let attempts = &self.reply.attempts;
        // Of one that was stopped, the attempt that was.
        let stopped = attempts.last().filter(|a| a.outcome == Some(OutcomeClass::Cancelled));
        if let Some(done) = attempts.iter().rev().find(|a| a.outcome.is_none()).or(stopped) {
            let from = done.stamps.first_reasoning.or(done.stamps.first_text)?;
            let ms = done.stamps.last?.saturating_sub(from);
            if ms > 0 && done.usage.output > 1 {
                return Some((done.usage.output, ms));
            }
        }
        let ms = u64::try_from(self.last_at.since(self.first_text_at?).as_millis()).ok()?;
        let tokens = self.streamed_tenths / 10;
        (ms >= 200 && tokens > 1).then_some((tokens, ms))
    }
}

/// How loud a note or toast is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Worth knowing.
    Info,
    /// It worked.
    Good,
    /// Something is off.
    Warn,
    /// It did not work.
    Bad,
}

/// A line of the program's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteCell {
    /// When.
    pub at: UnixMs,
    /// How loud.
    pub tone: Tone,
    /// What it says; may have several lines.
    pub text: String,
}
