//! The server-sent-events reader: bytes in, events out, whatever the split.
//!
//! Owns line ends (LF, CR, CRLF), the byte-order mark, comments and events. Must not know JSON beyond
//! "is this one whole". Invariants: any split of the same bytes gives the same items; the work is
//! linear in the bytes; memory is bounded by the caps.

use std::borrow::Cow;

use memchr::memchr2;
use serde::de::IgnoredAny;

/// The longest line and the longest event kept, in bytes. Longer ones are dropped whole and said so:
/// raising it lets one answer hold more memory, lowering it loses big tool calls.
const CAP: usize = 16 * 1024 * 1024;

/// What a stored buffer may keep once it is empty again, in bytes.
const KEPT: usize = 64 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One item of an event stream.
#[derive(Debug, PartialEq, Eq)]
pub enum SseItem<'a> {
    /// An event; `event` is empty when the server did not name it.
    Event {
        /// Its name.
        event: &'a str,
        /// Its data, lines joined by LF, bad UTF-8 replaced.
        data: Cow<'a, str>,
    },
    /// A comment, which is how servers keep a connection alive.
    Comment,
    /// A line that is no field but starts like JSON: some servers report errors so.
    Stray(Cow<'a, str>),
    /// An event over the size cap was dropped.
    TooLong,
}

/// Reads server-sent events from bytes that arrive in any pieces.
#[derive(Debug, Clone)]
pub struct SseReader {
    /// The unfinished line.
    line: Vec<u8>,
    /// The data of the unfinished event, lines joined by LF.
    data: Vec<u8>,
    has_data: bool,
    event: String,
    /// How many bytes of a byte-order mark were seen; `None` once the start is behind us.
    bom: Option<usize>,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    line_over: bool,
    event_over: bool,
    cap: usize,
}

impl Default for SseReader {
    fn default() -> Self {
        Self::with_cap(CAP)
    }
}

impl SseReader {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that drops lines and events longer than `cap` bytes.
    pub fn with_cap(cap: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: String::new(),
            bom: Some(0),
            after_cr: false,
            line_over: false,
            event_over: false,
            cap,
        }
    }

    /// Takes the next bytes and emits what they complete.
    pub fn push(&mut self, bytes: &[u8], emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        let mut rest = self.past_bom(bytes);
        while !rest.is_empty() {
            if self.after_cr {
                self.after_cr = false;
                if rest[0] == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.keep(rest);
                return;
            };
            self.after_cr = rest[end] == b'\r';
            if self.line.is_empty() && !self.line_over && end <= self.cap {
                self.line(&rest[..end], emit);
            } else {
                self.keep(&rest[..end]);
                self.stored_line(emit);
            }
            rest = &rest[end + 1..];
        }
    }

    /// The stream ended. An event without its blank line is emitted when it is plainly whole: the
    /// end marker, or complete JSON.
    pub fn finish(&mut self, emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        if !self.line.is_empty() || self.line_over {
            self.stored_line(emit);
        }
        let data = self.data.trim_ascii();
        let whole = data == b"[DONE]"
            || (matches!(data.first(), Some(b'{' | b'['))
                && serde_json::from_slice::<IgnoredAny>(data).is_ok());
        if whole && !self.event_over {
            self.dispatch(emit);
        }
        *self = Self::with_cap(self.cap);
    }

    /// Skips a byte-order mark at the very start, even one that arrives in pieces.
    fn past_bom<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(mut seen) = self.bom else { return bytes };
        let mut rest = bytes;
        while let (Some(byte), true) = (rest.first(), seen < BOM.len()) {
            if *byte != BOM[seen] {
                self.bom = None;
                self.keep(&BOM[..seen]);
                return rest;
            }
            seen += 1;
            rest = &rest[1..];
        }
        self.bom = (seen < BOM.len()).then_some(seen);
        rest
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.line.len() + piece.len() > self.cap {
            self.line_over = true;
            self.line = Vec::new();
        }
        if !self.line_over {
            self.line.extend_from_slice(piece);
        }
    }

    fn stored_line(&mut self, emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.line_over) {
            self.drop_event();
        } else {
            self.line(&line, emit);
            line.clear();
            if line.capacity() <= KEPT {
                self.line = line;
            }
        }
    }

    fn drop_event(&mut self) {
        self.event_over = true;
        self.data = Vec::new();
    }

    fn line(&mut self, line: &[u8], emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            None if line.is_empty() => return self.blank(emit),
            Some(0) => return emit(SseItem::Comment),
            None => (line, &b""[..]),
            Some(at) => {
                let value = &line[at + 1..];
                (&line[..at], value.strip_prefix(b" ").unwrap_or(value))
            }
        };
        match name {
            b"data" => {
                if self.event_over {
                    return;
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
                if self.data.len() > self.cap {
                    self.drop_event();
                }
            }
            b"event" => String::from_utf8_lossy(value).as_ref().clone_into(&mut self.event),
            _ if matches!(name.first(), Some(b'{' | b'[' | b'<')) => {
                emit(SseItem::Stray(String::from_utf8_lossy(line)));
            }
            _ => {}
        }
    }

    fn blank(&mut self, emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        if std::mem::take(&mut self.event_over) {
            self.data.clear();
            self.has_data = false;
            self.event.clear();
            emit(SseItem::TooLong);
        } else if self.has_data {
            self.dispatch(emit);
        } else {
            self.event.clear();
        }
    }

    fn dispatch(&mut self, emit: &mut (impl FnMut(SseItem<'_>) + ?Sized)) {
        emit(SseItem::Event { event: &self.event, data: String::from_utf8_lossy(&self.data) });
        self.data.clear();
        self.data.shrink_to(KEPT);
        self.has_data = false;
        self.event.clear();
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
