//! What the attempt engine adds to a request, in microseconds: deciding, admission, the attempt with
//! its limits, judging, accounting. Beside it the same call made with the HTTP client alone, in turns,
//! against a server that answers at once.
//!
//! `cargo bench --bench engine`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use uuid::Uuid;
use wheelhouse::config::{self, Layer, LayerKind};
use wheelhouse::domain::{Finish, Origin, ReaderKind, ReplyEvent, Request, RequestId, SessionId};
use wheelhouse::engine::{self, EngineHandle, Options};

/// Requests that are measured, of each kind.
const MEASURED: usize = 3_000;

/// Requests before that.
const WARMUP: usize = 1_000;

/// Conversations known before those that are measured: more than are remembered.
const TALKS: usize = 5_000;

/// Words in the answer.
const WORDS: usize = 20;

/// A server that answers every request at once with the same stream.
async fn serve(listener: TcpListener, answer: Arc<[u8]>) {
    loop {
        let Ok((mut socket, _)) = listener.accept().await else { return };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            let (mut held, mut buffer) = (Vec::new(), [0u8; 16 << 10]);
            loop {
                let Ok(read @ 1..) = socket.read(&mut buffer).await else { return };
                held.extend_from_slice(&buffer[..read]);
                while let Some(length) = whole(&held) {
                    held.drain(..length);
                    if socket.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

/// Bytes of the first request held, once it is whole.
fn whole(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&held[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok())
        .unwrap_or(0);
    (held.len() >= head + length).then_some(head + length)
}

fn answer() -> Arc<[u8]> {
    let mut body = String::new();
    for n in 0..WORDS {
        let _ = write!(
            body,
            "data: {{\"id\":\"x\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"word{n} \"}}}}]}}\n\n"
        );
    }
    body.push_str(
        "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"done.\"},\"finish_reason\":\"stop\"}]}\n\n\
         data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":21,\"total_tokens\":30}}\n\n\
         data: [DONE]\n\n",
    );
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes().into()
}

fn request() -> Request {
    let id = RequestId(Uuid::now_v7());
    Request::new(id, Origin::Gateway, ReaderKind::AppendOnly, "Say twenty words about nothing.")
}

async fn through_engine(engine: &EngineHandle, session: Option<SessionId>) -> Duration {
    let mut request = request();
    request.session = session;
    let started = Instant::now();
    let mut stream = engine.ask(request);
    let mut outcome = None;
    while let Some(event) = stream.next().await {
        if let ReplyEvent::End(end) = event {
            outcome = Some(end);
        }
    }
    let took = started.elapsed();
    assert_eq!(outcome.expect("no end").finish, Finish::Stop);
    took
}

async fn bare(client: &reqwest::Client, url: &str, body: &bytes::Bytes) -> Duration {
    let started = Instant::now();
    let mut response = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.clone())
        .send()
        .await
        .unwrap();
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        read += chunk.len();
    }
    assert!(read > 500);
    started.elapsed()
}

/// Resident memory, where the system says; the routing log is full once it is warm.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    rss.and_then(|rss| rss.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[at].as_secs_f64() * 1e6
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, answer()));
        let text = format!(
            "[providers.lab]\ndialect = \"openai\"\nbase_url = \"{base}\"\n\
             [models.quick]\nprovider = \"lab\"\nid = \"q\"\ncontext = 100000\nmax_output = 4000\n\
             keep_warm = \"off\"\nprice = {{ input = 1.0, output = 2.0 }}\n"
        );
        let layer = Layer { kind: LayerKind::User, name: "bench.toml".to_owned(), text };
        let config = config::load(&[layer]).unwrap().config;
        let options = Options { env: Arc::new(|_| None), seed: 1, ..Options::default() };
        let engine = engine::start(Arc::new(config), options);
        engine.settled(Duration::from_secs(5)).await;
        let client = reqwest::Client::new();
        let url = format!("{base}/chat/completions");
        let body = bytes::Bytes::from_static(
            br#"{"model":"q","messages":[{"role":"user","content":"Say twenty words about nothing."}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":4000}"#,
        );
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut early = 0;
        for turn in 0..WARMUP + MEASURED {
            if turn == WARMUP {
                early = resident_kb();
            }
            let (engine_took, bare_took) =
                (through_engine(&engine, None).await, bare(&client, &url, &body).await);
            if turn >= WARMUP {
                ours.push(engine_took);
                theirs.push(bare_took);
            }
        }
        ours.sort_unstable();
        theirs.sort_unstable();
        println!("{MEASURED} requests each, in turns, {WORDS} deltas an answer; microseconds");
        println!("{:<22}{:>9}{:>9}{:>9}", "", "p50", "p90", "p99");
        for (name, times) in [("bare client", &theirs), ("through the engine", &ours)] {
            let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| percentile(times, share));
            println!("{name:<22}{p50:>9.0}{p90:>9.0}{p99:>9.0}");
        }
        let added = percentile(&ours, 0.5) - percentile(&theirs, 0.5);
        println!("added at the median: {added:.0} µs");
        println!("memory after {WARMUP} requests {early} kB, after {MEASURED} more {} kB", resident_kb());
        let mut own = Vec::new();
        for turn in 0..TALKS + MEASURED {
            let session = Some(SessionId(Uuid::now_v7()));
            let took = through_engine(&engine, session).await;
            if turn >= TALKS {
                own.push(took);
            }
        }
        own.sort_unstable();
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| percentile(&own, share));
        println!("{:<22}{p50:>9.0}{p90:>9.0}{p99:>9.0}", "each in its own chat");
        println!("with {} chats known: {} kB", TALKS + MEASURED, resident_kb());
        engine.close().await;
    });
}
