//! Answers of every provider family, made by hand and recorded, cut at every byte: the frames are the
//! same whatever the cut.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wheelhouse::config::{Dialect, Quirks};
use wheelhouse::domain::{OutcomeClass, UnixMs};
use wheelhouse::wire::{Decoder, Frame, Headers, StreamEnd, read_error};

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn dialect(name: &str) -> Dialect {
    if name.contains("anthropic") { Dialect::Anthropic } else { Dialect::OpenAi }
}

fn decode(dialect: Dialect, pieces: &[&[u8]]) -> (Vec<Frame>, StreamEnd) {
    let mut decoder = Decoder::new(dialect, &Quirks::default());
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut frames);
    }
    let end = decoder.finish(&mut frames);
    (frames, end)
}

/// Cuts the body in two at every byte. Decoding goes on from a copy of the decoder that has read the
/// first part, so that the whole costs half.
fn same_whatever_the_cut(name: &str, body: &[u8]) {
    let whole = decode(dialect(name), &[body]);
    let mut decoder = Decoder::new(dialect(name), &Quirks::default());
    let mut before: Vec<Frame> = Vec::new();
    for at in 0..body.len() {
        decoder.push(&body[at..=at], &mut before);
        let (mut rest, mut frames) = (decoder.clone(), before.clone());
        rest.push(&body[at + 1..], &mut frames);
        let end = rest.finish(&mut frames);
        assert_eq!((&frames, end), (&whole.0, whole.1), "{name} cut after byte {at}");
    }
}

/// One frame per line, in short.
fn show(frames: &[Frame], end: StreamEnd) -> String {
    let mut out = String::new();
    for frame in frames {
        match frame {
            Frame::Usage { usage, reported_cost } => {
                let cost = reported_cost.as_deref().unwrap_or("-");
                writeln!(
                    out,
                    "Usage in {} (cached {}, written {}) out {} (reasoning {}) cost {cost}",
                    usage.input,
                    usage.cached_input,
                    usage.cache_write,
                    usage.output,
                    usage.reasoning
                )
            }
            Frame::Error(error) => writeln!(
                out,
                "Error {} {:?} {:?} original {:?}",
                error.class, error.code, error.message, error.original
            ),
            frame => writeln!(out, "{frame:?}"),
        }
        .unwrap();
    }
    writeln!(out, "-> {end:?}").unwrap();
    out
}

/// An HTTP answer as recorded, its chunks undone.
struct Recorded {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

fn recorded(path: &Path) -> Recorded {
    let bytes = fs::read(path).unwrap();
    let mut slots = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut slots);
    let httparse::Status::Complete(start) = head.parse(&bytes).unwrap() else { panic!("cut head") };
    let headers = Headers::from_pairs(
        head.headers.iter().map(|h| (h.name, String::from_utf8_lossy(h.value).into_owned())),
    );
    let mut body = bytes[start..].to_vec();
    if headers.get("transfer-encoding") == Some("chunked") {
        let mut rest = &bytes[start..];
        body.clear();
        while let Ok(httparse::Status::Complete((used, size))) = httparse::parse_chunk_size(rest) {
            let size = usize::try_from(size).unwrap();
            body.extend_from_slice(&rest[used..used + size]);
            rest = &rest[used + size + 2..];
        }
    }
    Recorded { status: head.code.unwrap(), headers, body }
}

#[test]
fn every_fixture_gives_the_frames_it_should() {
    let mut all = String::new();
    for path in fixtures("wire") {
        let name = name(&path);
        let (frames, end) = decode(dialect(&name), &[&fs::read(&path).unwrap()]);
        write!(all, "== {name}\n{}\n", show(&frames, end)).unwrap();
    }
    insta::assert_snapshot!("fixtures", all);
}

#[test]
fn every_fixture_gives_the_same_frames_whatever_the_cut() {
    for path in fixtures("wire") {
        same_whatever_the_cut(&name(&path), &fs::read(&path).unwrap());
    }
}

#[test]
fn every_recorded_answer_gives_the_frames_it_should() {
    let mut all = String::new();
    for path in fixtures("recorded") {
        let (name, answer) = (name(&path), recorded(&path));
        if answer.status == 200 {
            let (frames, end) = decode(dialect(&name), &[&answer.body]);
            write!(all, "== {name}\n{}\n", show(&frames, end)).unwrap();
        }
    }
    insta::assert_snapshot!("recorded", all);
}

#[test]
fn every_recorded_answer_gives_the_same_frames_whatever_the_cut() {
    for path in fixtures("recorded") {
        let answer = recorded(&path);
        if answer.status == 200 {
            same_whatever_the_cut(&name(&path), &answer.body);
        }
    }
}

#[test]
fn recorded_errors_are_classed_by_what_they_say() {
    use OutcomeClass::{Account, Context, Provider, Throttle};
    for (file, class, message) in [
        ("llamacpp-401", Account, "API key not valid"),
        ("llamacpp-context-overflow-400", Context, "The prompt does not fit the window"),
        ("litellm-mock-429", Throttle, "Rate limit reached"),
        ("litellm-mock-429-stream", Throttle, "Rate limit reached"),
        ("litellm-mock-500", Provider, "The provider behind the proxy failed"),
        ("litellm-mock-ctx", Context, "The prompt does not fit the window"),
        ("litellm-dead", Provider, "The provider behind the proxy failed"),
        ("litellm-no-such-model", Account, "Unknown model id"),
        ("portkey-dead-upstream", Provider, "The gateway could not reach the provider behind it"),
        (
            "portkey-no-headers",
            Account,
            "The gateway must be told the provider: set x-portkey-provider or x-portkey-config in headers",
        ),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/recorded/{file}.http"));
        let answer = recorded(&path);
        let report = read_error(answer.status, &answer.headers, &answer.body, UnixMs(0));
        assert_eq!(
            (report.class, report.message.as_str()),
            (class, message),
            "{file}\n{report:#?}"
        );
        assert_eq!(report.status, Some(answer.status));
        assert!(!report.original.is_empty());
        assert_eq!(report.retry_after_ms, None, "{file}: nothing told a wait");
    }
}

#[test]
fn an_endpoint_that_never_marks_its_end_is_believed_at_its_finish() {
    let quirks = Quirks { end_marker: false, ..Quirks::default() };
    let body = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let mut decoder = Decoder::new(Dialect::OpenAi, &quirks);
    let mut frames = Vec::new();
    decoder.push(body, &mut frames);
    assert_eq!(decoder.finish(&mut frames), StreamEnd::Marked);
    assert_eq!(decode(Dialect::OpenAi, &[body]).1, StreamEnd::Unmarked);
}

#[test]
fn bytes_of_any_kind_never_break_the_decoder() {
    use proptest::prelude::*;
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..400)| {
        let at = at.min(bytes.len());
        for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
            let whole = decode(dialect, &[&bytes]);
            prop_assert_eq!(&whole, &decode(dialect, &[&bytes[..at], &bytes[at..]]));
        }
    });
}
