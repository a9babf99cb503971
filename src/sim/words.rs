//! Faults in words: how a person names one, and how it is told back.
//!
//! Owns: the words. Must not know: who strikes or for how long. Invariant: the words a fault is told
//! in are words it can be named by.

use std::time::Duration;

use crate::domain::{format_span, nearest, parse_span};

use super::fault::{Cut, Fault, RetryAfter};

/// A kind of fault, for help and completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What it is called: `cut`.
    pub word: &'static str,
    /// What may follow: `TOKENS`; empty for nothing.
    pub takes: &'static str,
    /// What happens.
    pub doc: &'static str,
}

/// Tokens after which a fault strikes mid-answer where none are given: enough for a first sentence.
const TOKENS: u64 = 40;

/// How much later the first token comes where nothing is said.
const SLOW: Duration = Duration::from_secs(4);

const fn kind(word: &'static str, takes: &'static str, doc: &'static str) -> Kind {
    Kind { word, takes, doc }
}

/// Every kind, those people reach for first.
pub static KINDS: &[Kind] = &[
    kind("503", "", "overloaded; so any status from 400 to 599"),
    kind("429", "[WAIT]", "slow down; with a wait it says when to come back"),
    kind("cut", "[TOKENS]", "the connection breaks mid-answer"),
    kind("slow", "[4s]", "the first token comes so much later"),
    kind("silence", "", "the request is read, then nothing"),
    kind("stall", "[TOKENS]", "nothing more after so many tokens"),
    kind("reset", "", "the connection is refused"),
    kind("401", "", "the key is refused"),
    kind("402", "", "the balance is gone"),
    kind("quota", "", "429 that no waiting helps"),
    kind("529", "", "overloaded, as Anthropic says it"),
    kind("quiet-stop", "[TOKENS]", "cut short without a word"),
    kind("length", "[TOKENS]", "stopped at a cap"),
    kind("filter", "[TOKENS]", "a content filter stops the answer"),
    kind("moderated", "", "the prompt is refused"),
    kind("context", "", "the prompt is too long"),
    kind("model", "", "the model is not known"),
    kind("error-event", "[TOKENS]", "an error in the stream"),
    kind("empty", "", "an answer without text"),
    kind("thinking-only", "", "thinking uses up the cap"),
    kind("close", "[TOKENS]", "the stream closes early, in order"),
    kind("mid-chunk", "[TOKENS]", "the stream closes within a chunk"),
    kind("clean-end", "[TOKENS]", "the stream ends without a finish"),
    kind("no-done", "", "no end marker"),
    kind("open-end", "", "no end marker, and the connection stays open"),
    kind("no-usage", "", "no usage is reported"),
    kind("headers", "", "headers, then nothing"),
    kind("comments", "", "comments for ever"),
    kind("error-200", "", "an error under 200"),
    kind("html", "", "a web page under 200"),
    kind("malformed", "[TOKENS]", "one frame that is not JSON"),
    kind("giant-line", "[TOKENS]", "one very long line"),
    kind("bad-utf8", "[TOKENS]", "bytes that are no text"),
    kind("drip", "", "a few bytes at a time"),
];

/// Reads a kind and what belongs to it; how many of the words that took.
pub fn read(words: &[&str]) -> Result<(Fault, usize), String> {
    let word = *words.first().ok_or("say what goes wrong: 503, 429, cut, slow, silence ...")?;
    let next = words.get(1).copied().unwrap_or_default();
    let (after, tokens) = match next.parse::<u64>() {
        Ok(after) => (after, 2),
        Err(_) => (TOKENS, 1),
    };
    let (span, spans) = match parse_span(next) {
        Ok(span) => (Some(span), 2),
        Err(_) => (None, 1),
    };
    let cut = |how| (Fault::Cut { after, how }, tokens);
    Ok(match word {
        "429" => {
            let retry_after = span.map_or(RetryAfter::Unsaid, |span| match span.subsec_millis() {
                0 => RetryAfter::Seconds(span.as_secs()),
                _ => RetryAfter::Ms(millis(span)),
            });
            (Fault::RateLimit { retry_after }, spans)
        }
        "slow" => (Fault::SlowFirstToken { ms: millis(span.unwrap_or(SLOW)) }, spans),
        "cut" => cut(Cut::Reset),
        "close" => cut(Cut::Close),
        "mid-chunk" => cut(Cut::MidChunk),
        "clean-end" => cut(Cut::CleanEnd),
        "stall" => (Fault::Stall { after }, tokens),
        "error-event" => (Fault::ErrorEvent { after }, tokens),
        "malformed" => (Fault::Malformed { after }, tokens),
        "giant-line" => (Fault::GiantLine { after, bytes: 1 << 20 }, tokens),
        "bad-utf8" => (Fault::BadUtf8 { after }, tokens),
        "length" => (Fault::Length { after }, tokens),
        "quiet-stop" => (Fault::QuietStop { after }, tokens),
        "filter" => (Fault::ContentFilter { after }, tokens),
        "silence" => (Fault::Silence, 1),
        "reset" => (Fault::Reset, 1),
        "401" => (Fault::Unauthorized, 1),
        "quota" => (Fault::QuotaGone, 1),
        "moderated" => (Fault::Moderated, 1),
        "context" => (Fault::ContextOverflow, 1),
        "model" => (Fault::UnknownModel, 1),
        "empty" => (Fault::EmptyStop, 1),
        "thinking-only" => (Fault::ReasoningOnly, 1),
        "no-done" => (Fault::MissingDone, 1),
        "open-end" => (Fault::OpenEnd, 1),
        "no-usage" => (Fault::MissingUsage, 1),
        "headers" => (Fault::HeadersThenSilence, 1),
        "comments" => (Fault::CommentsOnly, 1),
        "error-200" => (Fault::ErrorUnder200, 1),
        "html" => (Fault::HtmlUnder200, 1),
        "drip" => (Fault::Drip { bytes: 3, every_ms: 20 }, 1),
        other => {
            let Ok(status @ 400..=599) = other.parse::<u16>() else {
                let known = KINDS.iter().map(|kind| kind.word);
                let near = nearest(other, known.clone()).map_or_else(
                    || format!("; there are {}", known.collect::<Vec<_>>().join(", ")),
                    |near| format!("; did you mean {near}?"),
                );
                return Err(format!("no fault is called {other:?}{near}"));
            };
            (Fault::Status { status }, 1)
        }
    })
}

impl Fault {
    /// In the words it can be named by: `cut 40`, `slow 4s`, `503`.
    pub fn words(&self) -> String {
        match self {
            Self::RateLimit { retry_after } => match retry_after {
                RetryAfter::Unsaid => "429".to_owned(),
                RetryAfter::Seconds(s) | RetryAfter::Date(s) => format!("429 {s}s"),
                RetryAfter::Ms(ms) => format!("429 {ms}ms"),
            },
            Self::QuotaGone => "quota".to_owned(),
            Self::Status { status } => status.to_string(),
            Self::Unauthorized => "401".to_owned(),
            Self::UnknownModel => "model".to_owned(),
            Self::ContextOverflow => "context".to_owned(),
            Self::Moderated => "moderated".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Silence => "silence".to_owned(),
            Self::HeadersThenSilence => "headers".to_owned(),
            Self::CommentsOnly => "comments".to_owned(),
            Self::Cut { after, how } => match how {
                Cut::Reset => format!("cut {after}"),
                Cut::MidChunk => format!("mid-chunk {after}"),
                Cut::Close => format!("close {after}"),
                Cut::CleanEnd => format!("clean-end {after}"),
            },
            Self::Stall { after } => format!("stall {after}"),
            Self::ErrorEvent { after } => format!("error-event {after}"),
            Self::Malformed { after } => format!("malformed {after}"),
            Self::GiantLine { after, .. } => format!("giant-line {after}"),
            Self::BadUtf8 { after } => format!("bad-utf8 {after}"),
            Self::MissingDone => "no-done".to_owned(),
            Self::OpenEnd => "open-end".to_owned(),
            Self::MissingUsage => "no-usage".to_owned(),
            Self::ErrorUnder200 => "error-200".to_owned(),
            Self::HtmlUnder200 => "html".to_owned(),
            Self::EmptyStop => "empty".to_owned(),
            Self::Length { after } => format!("length {after}"),
            Self::QuietStop { after } => format!("quiet-stop {after}"),
            Self::ReasoningOnly => "thinking-only".to_owned(),
            Self::ContentFilter { after } => format!("filter {after}"),
            Self::SlowFirstToken { ms } => {
                format!("slow {}", format_span(Duration::from_millis(*ms)))
            }
            Self::Drip { .. } => "drip".to_owned(),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_named_and_is_told_back_in_words_that_name_it() {
        for kind in KINDS {
            let (fault, took) = read(&[kind.word]).unwrap();
            assert_eq!(took, 1, "{}", kind.word);
            let told = fault.words();
            let again: Vec<&str> = told.split(' ').collect();
            assert_eq!(read(&again).unwrap(), (fault, again.len()), "{told}");
        }
    }

    #[test]
    fn figures_after_a_kind_belong_to_it() {
        assert_eq!(read(&["cut", "12"]), Ok((Fault::Cut { after: 12, how: Cut::Reset }, 2)));
        assert_eq!(read(&["slow", "1.5s"]), Ok((Fault::SlowFirstToken { ms: 1500 }, 2)));
        let limit = Fault::RateLimit { retry_after: RetryAfter::Seconds(30) };
        assert_eq!(read(&["429", "30s", "once"]), Ok((limit, 2)));
        assert_eq!(read(&["503", "for"]), Ok((Fault::Status { status: 503 }, 1)));
    }

    #[test]
    fn an_unknown_kind_is_told_with_the_nearest() {
        assert!(read(&["silense"]).unwrap_err().contains("did you mean silence?"));
        assert!(!read(&["earthquake"]).unwrap_err().contains("did you mean"));
        assert!(read(&[]).is_err());
    }
}
