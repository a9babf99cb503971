//! What can go wrong with a simulated server, as data.
//!
//! Owns: the closed set of faults and how long one lasts. Must not know: sockets, who injects.
//! Invariant: a fault read from JSON and written back is the same fault.

use serde::{Deserialize, Serialize};

/// How a 429 says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RetryAfter {
    /// It does not.
    #[default]
    Unsaid,
    /// `retry-after: 2`.
    Seconds(u64),
    /// `retry-after: Mon, 23 Nov 2026 07:00:02 GMT`, so many seconds from now.
    Date(u64),
    /// `retry-after-ms: 1500`.
    Ms(u64),
}

/// How a connection ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// A TCP reset.
    #[default]
    Reset,
    /// An orderly close in the middle of an HTTP chunk.
    MidChunk,
    /// An orderly close between chunks, without the terminating one.
    Close,
    /// A proper end of the HTTP body, but no finish reason and no end marker.
    CleanEnd,
}

/// One thing going wrong. Token counts are of answer and thinking tokens together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429: slow down.
    RateLimit {
        /// When to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// 429 that no waiting helps: the quota or the balance is gone.
    QuotaGone,
    /// This status with the provider's own words for it (402, 500, 503, 529 …).
    Status {
        /// The status.
        status: u16,
    },
    /// 401.
    Unauthorized,
    /// The model is not known (404; DeepSeek says 400).
    UnknownModel,
    /// The prompt is too long, in the provider's own words.
    ContextOverflow,
    /// The input was refused by a content filter before any text.
    Moderated,
    /// TCP reset before a byte of the answer.
    Reset,
    /// The request is read, then nothing.
    Silence,
    /// 200 and headers, then nothing.
    HeadersThenSilence,
    /// 200 and comments for ever.
    CommentsOnly,
    /// The connection ends after so many tokens.
    Cut {
        /// After so many tokens.
        after: u64,
        /// How.
        #[serde(default)]
        how: Cut,
    },
    /// Nothing more after so many tokens, the connection left open.
    Stall {
        /// After so many tokens.
        after: u64,
    },
    /// An error event in the stream after so many tokens.
    ErrorEvent {
        /// After so many tokens.
        after: u64,
    },
    /// One frame that is not JSON after so many tokens; then it goes on.
    Malformed {
        /// After so many tokens.
        after: u64,
    },
    /// One very long line after so many tokens; then it goes on.
    GiantLine {
        /// After so many tokens.
        after: u64,
        /// So many bytes.
        bytes: usize,
    },
    /// One comment line with bytes that are not UTF-8 after so many tokens; then it goes on.
    BadUtf8 {
        /// After so many tokens.
        after: u64,
    },
    /// The stream ends without its end marker.
    MissingDone,
    /// The stream's last frames come without the end marker, and the connection is left open.
    OpenEnd,
    /// No usage is reported.
    MissingUsage,
    /// 200 with an error body.
    ErrorUnder200,
    /// 200 with a web page.
    HtmlUnder200,
    /// A finish of `stop` and no text.
    EmptyStop,
    /// A finish of `length` after so many tokens.
    Length {
        /// After so many tokens.
        after: u64,
    },
    /// Silently cut short: a finish of `stop` after so many tokens.
    QuietStop {
        /// After so many tokens.
        after: u64,
    },
    /// Thinking used up the cap: no text, a finish of `length`.
    ReasoningOnly,
    /// A content filter stops the answer after so many tokens.
    ContentFilter {
        /// After so many tokens.
        after: u64,
    },
    /// The first token comes this much later; not scaled by the fleet's pace.
    SlowFirstToken {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer's bytes come a few at a time; not scaled by the fleet's pace.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// Milliseconds between them.
        every_ms: u64,
    },
}

impl Fault {
    /// `true` when it keeps the whole endpoint from working, its model list included.
    pub fn whole_endpoint(&self) -> bool {
        matches!(
            self,
            Self::Status { .. }
                | Self::Unauthorized
                | Self::Reset
                | Self::Silence
                | Self::HtmlUnder200
        )
    }

    /// The number of tokens after which it strikes, if it waits for some.
    pub fn after(&self) -> Option<u64> {
        match self {
            Self::Cut { after, .. }
            | Self::Stall { after }
            | Self::ErrorEvent { after }
            | Self::Malformed { after }
            | Self::GiantLine { after, .. }
            | Self::BadUtf8 { after } => Some(*after),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_and_writes_back_as_json() {
        for text in [
            r#"{"kind":"rate_limit","retry_after":{"seconds":2}}"#,
            r#"{"kind":"status","status":503}"#,
            r#"{"kind":"cut","after":40,"how":"mid_chunk"}"#,
            r#"{"kind":"silence"}"#,
            r#"{"kind":"drip","bytes":3,"every_ms":1}"#,
        ] {
            let fault: Fault = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        }
        let unsaid: Fault = serde_json::from_str(r#"{"kind":"rate_limit"}"#).unwrap();
        assert_eq!(unsaid, Fault::RateLimit { retry_after: RetryAfter::Unsaid });
    }

    #[test]
    fn an_unknown_fault_or_field_is_refused() {
        for text in [r#"{"kind":"earthquake"}"#, r#"{"kind":"cut","after":1,"hoow":"reset"}"#] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }
}
