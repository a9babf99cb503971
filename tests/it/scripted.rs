//! Servers that say what a test wrote down, byte for byte, with an engine over them: for what no
//! simulated provider does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;
use wheelhouse::config::{self, Layer, LayerKind};
use wheelhouse::domain::{Origin, ReaderKind, Reply, ReplyEvent, Request, RequestId, Route};
use wheelhouse::engine::{self, EngineHandle, Options};

use crate::rig::LIMIT;

/// What a server does next.
#[derive(Clone)]
pub(crate) enum Step {
    Put(String),
    Pause(u64),
    /// Says nothing more until the client leaves.
    Hold,
}

/// A server whose answer to its n-th call was written down.
pub(crate) struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Server {
    /// `script` gets the number of the call, from 0, and what was sent.
    pub(crate) async fn new(
        script: impl Fn(usize, &Value) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let (script, count) = (Arc::new(script), Arc::clone(&calls));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (script, count) = (Arc::clone(&script), Arc::clone(&count));
                tokio::spawn(async move {
                    let Some(body) = read(&mut socket).await else {
                        return put(&mut socket, &whole("200 OK", "{\"data\":[]}")).await;
                    };
                    let n = count.fetch_add(1, Ordering::SeqCst);
                    put(&mut socket, &script(n, &body)).await;
                });
            }
        });
        Self { address, calls }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Its table in the configuration, with one model of the name `model`.
    pub(crate) fn config(&self, name: &str, dialect: &str, model: &str) -> String {
        let path = if dialect == "openai" { "/v1" } else { "" };
        format!(
            "[providers.{name}]\ndialect = \"{dialect}\"\nbase_url = \"http://{}{path}\"\n\
             [models.{model}]\nprovider = \"{name}\"\nid = \"{model}\"\ncontext = 100000\n\
             max_output = 8000\nprice = {{ input = 1.00, output = 2.00 }}\n\
             quality = {{ default = 0.8 }}\nlatency = {{ ttft_ms = 600, tokens_per_s = 60 }}\n\
             keep_warm = \"off\"\ncapabilities = {{ tools = true, json = true, temperature = true, \
             seed = true, continuation = \"instruct\" }}\n",
            self.address
        )
    }
}

/// The body of a POST; `None` for anything else.
async fn read(socket: &mut TcpStream) -> Option<Value> {
    let mut all = Vec::new();
    let mut piece = [0u8; 4 << 10];
    loop {
        let n = socket.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        all.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&all).to_ascii_lowercase();
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let length = text[..end]
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        let body = &all[end + 4..];
        match length {
            None => return None,
            Some(length) if body.len() >= length => return serde_json::from_slice(body).ok(),
            Some(_) => {}
        }
    }
}

async fn put(socket: &mut TcpStream, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Put(text) => {
                if socket.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Step::Pause(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::Hold => {
                let _ = tokio::time::timeout(LIMIT, socket.read(&mut [0u8; 64])).await;
            }
        }
    }
    let _ = socket.shutdown().await;
}

/// A response with a known length.
pub(crate) fn whole(status: &str, body: &str) -> Vec<Step> {
    vec![Step::Put(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    ))]
}

pub(crate) fn overloaded() -> Vec<Step> {
    whole("503 Service Unavailable", "{\"error\":{\"message\":\"overloaded\"}}")
}

// ---- the OpenAI dialect ----------------------------------------------------------------------

pub(crate) fn head() -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    Step::Put(head.to_owned())
}

fn data(json: &Value) -> Step {
    Step::Put(format!("data: {json}\n\n"))
}

pub(crate) fn text(text: &str) -> Step {
    data(&json!({"id":"x","model":"m","choices":[{"index":0,"delta":{"content":text}}]}))
}

pub(crate) fn thinking(text: &str) -> Step {
    data(&json!({"choices":[{"index":0,"delta":{"reasoning_content":text}}]}))
}

pub(crate) fn finish(reason: &str) -> Step {
    data(&json!({"id":"x","choices":[{"index":0,"delta":{},"finish_reason":reason}]}))
}

pub(crate) fn usage(input: u64, output: u64) -> Step {
    let usage = json!({"prompt_tokens":input,"completion_tokens":output});
    data(&json!({"id":"x","choices":[],"usage":usage}))
}

pub(crate) fn done() -> Step {
    Step::Put("data: [DONE]\n\n".to_owned())
}

/// The end of a stream that ends well.
pub(crate) fn end(output: u64) -> [Step; 3] {
    [finish("stop"), usage(20, output), done()]
}

// ---- the Anthropic dialect -------------------------------------------------------------------

fn event(name: &str, mut json: Value) -> Step {
    json["type"] = name.into();
    Step::Put(format!("event: {name}\ndata: {json}\n\n"))
}

/// A message begins; it says that one token of output was used, as the original does.
pub(crate) fn message() -> Step {
    let usage = json!({"input_tokens":25,"output_tokens":1});
    event("message_start", json!({"message":{"id":"m","model":"c","usage":usage}}))
}

pub(crate) fn words(text: &str) -> Step {
    let delta = json!({"type":"text_delta","text":text});
    event("content_block_delta", json!({"index":0,"delta":delta}))
}

pub(crate) fn stops(reason: &str, output: u64) -> Step {
    let usage = json!({"output_tokens":output});
    event("message_delta", json!({"delta":{"stop_reason":reason},"usage":usage}))
}

pub(crate) fn message_ends() -> Step {
    event("message_stop", json!({}))
}

// ---- asking ----------------------------------------------------------------------------------

pub(crate) fn engine(config: &str) -> EngineHandle {
    let name = "scripted.toml".to_owned();
    let layer = Layer { kind: LayerKind::User, name, text: config.to_owned() };
    let config = config::load(&[layer]).map_err(|error| format!("{error:?}")).unwrap().config;
    let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
    engine::start(Arc::new(config), options)
}

/// A request of a reader that can take text back.
pub(crate) fn request(route: Route) -> Request {
    let id = RequestId(Uuid::now_v7());
    let text = "Tell me about rivers, please.";
    Request { route, ..Request::new(id, Origin::Ask, ReaderKind::Replaceable, text) }
}

pub(crate) fn only(model: &str) -> Request {
    request(Route::Only(model.into()))
}

pub(crate) fn first(model: &str) -> Request {
    request(Route::Prefer(model.into()))
}

/// The reply as its reader has it at the end.
pub(crate) async fn ask(engine: &EngineHandle, request: Request) -> Reply {
    let mut stream = engine.ask(request);
    let mut reply = Reply::default();
    let read = async {
        while let Some(event) = stream.next().await {
            reply.fold(&event);
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("the reply never ended");
    reply
}

/// Asks, and leaves once an event is as wanted; what the log says of it then.
pub(crate) async fn leave(
    engine: &EngineHandle,
    request: Request,
    mut wanted: impl FnMut(&ReplyEvent) -> bool,
) -> wheelhouse::domain::AttemptReport {
    let id = request.id;
    let mut stream = engine.ask(request);
    let seen = async { while !stream.next().await.as_ref().is_some_and(&mut wanted) {} };
    tokio::time::timeout(LIMIT, seen).await.expect("it never came to that");
    drop(stream);
    let mut observer = engine.subscribe();
    let over = async {
        loop {
            let snapshot = engine.snapshot();
            let entry = snapshot.log.iter().find(|entry| entry.request == id);
            if let Some(attempt) = entry.and_then(|entry| entry.attempts.last()) {
                return attempt.clone();
            }
            observer.changed().await.expect("the engine ended");
        }
    };
    tokio::time::timeout(LIMIT, over).await.expect("it was never accounted for")
}
