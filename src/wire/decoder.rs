//! From the bytes of an answer to frames, in either dialect: streamed, whole, or an error in disguise.
//!
//! Owns telling an event stream from a JSON body from a page for people by their first byte. Invariants:
//! any split of the same bytes gives the same frames; after an error or the end marker nothing follows.

use serde_json::Value;

use super::anthropic::Anthropic;
use super::openai::OpenAi;
use super::sse::{SseItem, SseReader};
use super::{Frame, clean, error};
use crate::config::{Dialect, Quirks};

/// The most of a body that is no stream which is kept, in bytes.
const BODY_CAP: usize = 32 * 1024 * 1024;

/// How much is kept of a stream that has not shown an event yet, in bytes: it may turn out to be an
/// error in plain text.
const HEAD_CAP: usize = 4096;

/// Whether the end of an answer was marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The endpoint said that the answer is over.
    Marked,
    /// The bytes just ended.
    Unmarked,
}

#[derive(Debug, Clone)]
enum State {
    OpenAi(OpenAi),
    Anthropic(Anthropic),
}

impl State {
    fn event(&mut self, data: &str, out: &mut Vec<Frame>) {
        match self {
            Self::OpenAi(state) => state.event(data, out),
            Self::Anthropic(state) => state.event(data, out),
        }
    }

    fn value(&mut self, value: &Value, out: &mut Vec<Frame>) {
        match self {
            Self::OpenAi(state) => state.value(value, out),
            Self::Anthropic(state) => state.value(value, out),
        }
    }

    fn finished(&self) -> bool {
        match self {
            Self::OpenAi(state) => state.finished(),
            Self::Anthropic(state) => state.finished(),
        }
    }
}

#[derive(Debug, Clone)]
enum Mode {
    /// Nothing but blanks so far.
    Start,
    Stream,
    Body(Vec<u8>),
}

/// Reads an answer.
#[derive(Debug, Clone)]
pub struct Decoder {
    mode: Mode,
    reader: SseReader,
    state: State,
    /// The beginning of a stream, until it shows an event or a comment.
    head: Option<Vec<u8>>,
    /// An error or the end marker came.
    over: bool,
    marked: bool,
    needs_marker: bool,
}

impl Decoder {
    /// A decoder at the start of an answer.
    pub fn new(dialect: Dialect, quirks: &Quirks) -> Self {
        Self {
            mode: Mode::Start,
            reader: SseReader::new(),
            state: match dialect {
                Dialect::OpenAi => State::OpenAi(OpenAi::default()),
                Dialect::Anthropic => State::Anthropic(Anthropic::default()),
            },
            head: Some(Vec::new()),
            over: false,
            marked: false,
            needs_marker: quirks.end_marker,
        }
    }

    /// Takes the next bytes and adds the frames they complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Frame>) {
        let mut rest = bytes;
        if matches!(self.mode, Mode::Start) {
            rest = self.begin(bytes, out);
        }
        match &mut self.mode {
            Mode::Start => {}
            Mode::Body(body) => {
                let room = BODY_CAP.saturating_sub(body.len());
                body.extend_from_slice(&rest[..rest.len().min(room)]);
            }
            Mode::Stream => {
                if let Some(head) = &mut self.head {
                    let room = HEAD_CAP.saturating_sub(head.len());
                    head.extend_from_slice(&rest[..rest.len().min(room)]);
                }
                self.stream(out, |reader, emit| reader.push(rest, emit));
            }
        }
    }

    /// Is this a body that has to be there whole before anything of it can be read?
    pub fn is_whole_body(&self) -> bool {
        matches!(self.mode, Mode::Body(_))
    }

    /// Is this a stream of events?
    pub fn is_stream(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }

    /// The bytes have ended: adds what is left, and says whether the end was marked.
    pub fn finish(&mut self, out: &mut Vec<Frame>) -> StreamEnd {
        match std::mem::replace(&mut self.mode, Mode::Start) {
            Mode::Start => {}
            Mode::Body(body) => self.body(&body, out),
            Mode::Stream => {
                self.stream(out, |reader, emit| reader.finish(emit));
                if let Some(head) = self.head.take().filter(|head| is_words(head)) {
                    self.over = true;
                    out.push(Frame::Error(Box::new(error::in_band_text(&head))));
                }
            }
        }
        if self.marked || (!self.needs_marker && self.state.finished()) {
            StreamEnd::Marked
        } else {
            StreamEnd::Unmarked
        }
    }

    /// Looks for the first byte that tells what this is. Blank lines before it are how some endpoints
    /// keep a waiting connection alive.
    fn begin<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Frame>) -> &'a [u8] {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => out.push(Frame::KeepAlive),
                b' ' | b'\t' | b'\r' => {}
                // The pieces of a byte-order mark.
                0xEF | 0xBB | 0xBF => {}
                b'{' | b'[' | b'<' => {
                    self.mode = Mode::Body(Vec::new());
                    return &bytes[at..];
                }
                _ => {
                    self.mode = Mode::Stream;
                    return &bytes[at..];
                }
            }
        }
        &[]
    }

    fn stream(
        &mut self,
        out: &mut Vec<Frame>,
        run: impl FnOnce(&mut SseReader, &mut dyn FnMut(SseItem<'_>)),
    ) {
        let mut reader = std::mem::take(&mut self.reader);
        run(&mut reader, &mut |item| self.item(item, out));
        self.reader = reader;
    }

    fn item(&mut self, item: SseItem<'_>, out: &mut Vec<Frame>) {
        if self.over {
            return;
        }
        let before = out.len();
        match item {
            SseItem::Comment => {
                self.head = None;
                out.push(Frame::KeepAlive);
            }
            SseItem::TooLong => out.push(Frame::Malformed("an event over the size cap".to_owned())),
            SseItem::Event { event, data } => {
                self.head = None;
                self.event(event, &data, out);
            }
            SseItem::Stray(line) => match serde_json::from_str::<Value>(&line) {
                Ok(value) if error::looks_like_error(&value) || value.get("choices").is_some() => {
                    self.head = None;
                    self.state.value(&value, out);
                }
                _ => {}
            },
        }
        if let Some(end) =
            out[before..].iter().position(|frame| matches!(frame, Frame::Error(_) | Frame::Done))
        {
            self.over = true;
            self.marked = matches!(out[before + end], Frame::Done);
            out.truncate(before + end + 1);
        }
    }

    fn event(&mut self, event: &str, data: &str, out: &mut Vec<Frame>) {
        let data = data.trim();
        if data == "[DONE]" {
            out.push(Frame::Done);
        } else if data.is_empty() {
            out.push(Frame::KeepAlive);
        } else if event == "error" && !data.starts_with(['{', '[']) {
            out.push(Frame::Error(Box::new(error::in_band_text(data.as_bytes()))));
        } else if event == "error" {
            match serde_json::from_str::<Value>(data) {
                Ok(value) => out.push(Frame::Error(Box::new(error::in_band(&value)))),
                Err(_) => out.push(Frame::Error(Box::new(error::in_band_text(data.as_bytes())))),
            }
        } else {
            self.state.event(data, out);
        }
    }

    /// A body that is no stream: an answer that came whole, an error, or a page.
    fn body(&mut self, body: &[u8], out: &mut Vec<Frame>) {
        let value = match serde_json::from_slice::<Value>(body) {
            Ok(value) => value,
            Err(_) if body.first() == Some(&b'<') => {
                out.push(Frame::Error(Box::new(error::in_band_text(body))));
                return;
            }
            Err(_) => {
                let text = String::from_utf8_lossy(&body[..body.len().min(800)]);
                out.push(Frame::Malformed(clean::clean(&text, 200)));
                return;
            }
        };
        let answer = value.get("choices").is_some() || value["type"] == "message";
        if !answer || error::looks_like_error(&value) {
            out.push(Frame::Error(Box::new(error::in_band(&value))));
            return;
        }
        self.state.value(&value, out);
        if !out.iter().any(|frame| matches!(frame, Frame::Error(_))) {
            self.marked = true;
            out.push(Frame::Done);
        }
    }
}

/// Is this plain text rather than a piece of an event stream?
fn is_words(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim().trim_start_matches('\u{FEFF}');
    let fields = ["data:", "event:", "id:", "retry:", ":"];
    !text.is_empty()
        && !fields.iter().any(|field| text.starts_with(field) || field.starts_with(text))
}
