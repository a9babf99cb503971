//! Tests of the SSE reader.

use std::fmt::Write as _;

use futures_util::StreamExt;
use proptest::prelude::*;

use super::*;

fn read_in(pieces: &[&[u8]], cap: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut reader = SseReader::with_cap(cap);
    let mut emit = |item: SseItem<'_>| {
        out.push(match item {
            SseItem::Event { event, data } => format!("{event}|{data}"),
            SseItem::Comment => "comment".to_owned(),
            SseItem::Stray(line) => format!("stray {line}"),
            SseItem::TooLong => "too long".to_owned(),
        });
    };
    for piece in pieces {
        reader.push(piece, &mut emit);
    }
    reader.finish(&mut emit);
    out
}

fn read(bytes: &[u8]) -> Vec<String> {
    read_in(&[bytes], CAP)
}

#[test]
fn the_three_line_ends_mean_the_same() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("event: a{end}data: 1{end}data:2{end}{end}: ping{end}data{end}{end}");
        assert_eq!(read(text.as_bytes()), ["a|1\n2", "comment", "|"], "{end:?}");
    }
}

#[test]
fn any_split_gives_the_same_items() {
    let text = "\u{FEFF}data: {\"a\":\"é漢\"}\r\n\r\n: hi\r\rdata: x\ndata:\r\n\n{\"error\":1}\n\
                data: [DONE]";
    let bytes = text.as_bytes();
    let whole = read(bytes);
    assert_eq!(whole, ["|{\"a\":\"é漢\"}", "comment", "|x\n", "stray {\"error\":1}", "|[DONE]"]);
    for at in 0..=bytes.len() {
        assert_eq!(read_in(&[&bytes[..at], &bytes[at..]], CAP), whole, "cut at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read_in(&single, CAP), whole);
}

#[test]
fn half_a_byte_order_mark_is_content() {
    assert_eq!(read_in(&[b"\xEF", b"\xBBdata: 1\n\n"], CAP), Vec::<String>::new());
    assert_eq!(read_in(&[b"\xEF", b"\xBB", b"\xBFdata: 1\n\n"], CAP), ["|1"]);
}

#[test]
fn an_event_cut_by_the_end_counts_only_when_whole() {
    assert_eq!(read(b"data: [DONE]"), ["|[DONE]"]);
    assert_eq!(read(b"data: {\"a\":1}\n"), ["|{\"a\":1}"]);
    assert_eq!(read(b"data: {\"a\":"), Vec::<String>::new());
    assert_eq!(read(b"data: 12"), Vec::<String>::new());
}

#[test]
fn bad_utf8_is_replaced_and_the_stream_goes_on() {
    assert_eq!(read(b"data: a\xFFb\n\ndata: c\n\n"), ["|a\u{FFFD}b", "|c"]);
}

#[test]
fn an_event_over_the_cap_is_dropped_and_the_next_one_read() {
    let long = format!("data: {}\n\ndata: ok\n\n", "x".repeat(100));
    let bytes = long.as_bytes();
    for size in [1, 7, 64, 1000] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(read_in(&pieces, 50), ["too long", "|ok"], "chunks of {size}");
    }
    let many = format!("{}\ndata: ok\n\n", "data: 12345678\n".repeat(10));
    assert_eq!(read_in(&[many.as_bytes()], 50), ["too long", "|ok"]);
}

#[test]
fn a_giant_line_in_small_pieces_costs_linear_time() {
    // 4 MB in 1,400-byte pieces: a reader that scans its buffer again for each piece would look at
    // six gigabytes here, and this test would not end in reasonable time.
    let mut text = b"data: \"".to_vec();
    text.resize(4 << 20, b'x');
    text.extend_from_slice(b"\"\n\n");
    let pieces: Vec<&[u8]> = text.chunks(1400).collect();
    let items = read_in(&pieces, CAP);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].len(), text.len() - 7);
}

fn oracle(bytes: &[u8], size: usize) -> Vec<String> {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
    let stream = sse_stream::SseByteStream::new(
        futures_util::stream::iter(pieces).map(|piece| piece.map(bytes::Bytes::from)),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        stream
            .filter_map(|event| async move {
                let event = event.unwrap();
                let data = event.data?;
                Some(format!("{}|{data}", event.event.unwrap_or_default()))
            })
            .collect()
            .await
    })
}

proptest! {
    #[test]
    fn it_agrees_with_another_reader_on_valid_streams(
        events in proptest::collection::vec(
            (proptest::option::of("[a-z_]{1,8}"), proptest::collection::vec("[ -~é漢😀]{0,30}", 1..4)),
            0..8,
        ),
        comment in "[ -~]{0,10}",
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        size in 1usize..40,
    ) {
        let mut text = String::new();
        for (name, lines) in &events {
            if let Some(name) = name {
                write!(text, "event: {name}{end}").unwrap();
            }
            write!(text, ":{comment}{end}").unwrap();
            for line in lines {
                write!(text, "data: {line}{end}").unwrap();
            }
            text.push_str(end);
        }
        // One more line: a CR at the very end could still become CRLF.
        write!(text, ": end{end}").unwrap();
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let ours: Vec<String> =
            read_in(&pieces, CAP).into_iter().filter(|item| item != "comment").collect();
        prop_assert_eq!(ours, oracle(text.as_bytes(), size));
    }
}
