//! The simulated fleet over real sockets: each dialect's bytes, each fault as a client sees it.

mod answers;
mod connections;
mod demo;
mod faults;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wheelhouse::sim::{Fleet, FleetOptions, Ports, start};

/// Long enough for anything that works, short enough to notice what does not.
const PATIENCE: Duration = Duration::from_secs(20);

async fn fleet(pace: f64) -> Fleet {
    start(FleetOptions { seed: 7, ports: Ports::Any, pace }).await.unwrap()
}

fn address(fleet: &Fleet, provider: &str) -> std::net::SocketAddr {
    fleet.endpoints().iter().find(|e| e.provider == provider).unwrap().address
}

/// A model of each provider, and the path its dialect uses.
const MODELS: [(&str, &str, &str); 7] = [
    ("sim-deepseek", "sim-deepseek-flash", "/v1/chat/completions"),
    ("sim-anthropic", "sim-haiku", "/v1/messages"),
    ("sim-openai", "sim-gpt-4o", "/v1/chat/completions"),
    ("sim-qwen", "sim-qwen-plus", "/v1/chat/completions"),
    ("sim-mistral", "sim-mistral-small", "/v1/chat/completions"),
    ("sim-openrouter", "sim-deepseek/deepseek-v3", "/v1/chat/completions"),
    ("sim-local", "sim-tiny-135m", "/v1/chat/completions"),
];

fn body(model: &str, prompt: &str, stream: bool) -> Value {
    json!({"model":model,"stream":stream,"max_tokens":4096,
        "messages":[{"role":"user","content":prompt}]})
}

/// A connection with its request already sent.
async fn open(fleet: &Fleet, provider: &str, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address(fleet, provider)).await.unwrap();
    send(&mut stream, method, path, body, "").await;
    stream
}

async fn send(stream: &mut TcpStream, method: &str, path: &str, body: &str, extra: &str) {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\n{extra}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

/// A response as it came: the bytes, and whether they ended with a reset.
struct Raw {
    bytes: Vec<u8>,
    reset: bool,
}

impl Raw {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    fn status(&self) -> u16 {
        self.text().split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
    }
    fn header(&self, name: &str) -> Option<String> {
        let text = self.text();
        let head = text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
    fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
    fn body(&self) -> String {
        self.text().split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
    /// The text of a stream with the chunk sizes taken out, and whether it ended as it should.
    fn stream(&self) -> (String, bool) {
        let start = self.bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
        let (mut rest, mut out) = (&self.bytes[start..], Vec::new());
        loop {
            match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete((_, 0))) => {
                    return (String::from_utf8_lossy(&out).into_owned(), true);
                }
                Ok(httparse::Status::Complete((at, len)))
                    if rest.len() >= at + len as usize + 2 =>
                {
                    out.extend_from_slice(&rest[at..at + len as usize]);
                    rest = &rest[at + len as usize + 2..];
                }
                _ => return (String::from_utf8_lossy(&out).into_owned(), false),
            }
        }
    }
    /// The answer's text in an OpenAI or Anthropic stream.
    fn said(&self) -> String {
        let (text, _) = self.stream();
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let values = frames.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        values
            .filter_map(|v| {
                v["choices"][0]["delta"]["content"]
                    .as_str()
                    .or_else(|| v["delta"]["text"].as_str())
                    .map(str::to_owned)
            })
            .collect()
    }
}

/// Reads one response to its end, or for as long as bytes come when it has none.
async fn read(stream: &mut TcpStream) -> Raw {
    read_on(stream, Vec::new()).await
}

/// The same for a response of which these bytes came already.
async fn read_on(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Raw {
    let mut reset = false;
    let reading = async {
        loop {
            let mut part = [0_u8; 8192];
            match stream.read(&mut part).await {
                Ok(0) => break,
                Ok(n) => bytes.extend_from_slice(&part[..n]),
                Err(_) => {
                    reset = true;
                    break;
                }
            }
            if whole(&bytes) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the response never ended");
    Raw { bytes, reset }
}

fn whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
    match length.and_then(|l| l.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None => body.ends_with("\r\n0\r\n\r\n") || body == "0\r\n\r\n",
    }
}

async fn ask(fleet: &Fleet, provider: &str, prompt: &str, stream: bool) -> Raw {
    let (_, model, path) = MODELS.iter().find(|(name, _, _)| *name == provider).unwrap();
    let body = body(model, prompt, stream).to_string();
    read(&mut open(fleet, provider, "POST", path, &body).await).await
}
