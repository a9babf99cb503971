//! A proxy that speaks HTTP, in front of a real server: its answers go through as they are, or are
//! changed on the way as failing providers change theirs. What it does not change is the server's own,
//! byte for byte.
//!
//! Only questions (`POST`) are tampered with and counted; lists of models go through, but for
//! [`Tamper::Down`].

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tamper {
    /// The server's answer.
    None,
    /// The server is not asked: this status, these header lines, this body.
    Answer(u16, &'static str, &'static str),
    /// A whole response of some real server, head and all, in place of this one's.
    Recording(&'static [u8]),
    /// The connection is reset before a byte of an answer.
    Reset,
    /// Every connection is, whatever it came for; only as what happens always.
    Down,
    /// The question is read and nothing is ever said.
    Silence,
    /// The head of a stream, and nothing more.
    HeadersThenSilence,
    /// The head of a stream, and comments for as long as the client listens.
    Comments,
    /// The server's answer, with a header line added to its head.
    Header(String),
    /// The server's answer, so much later.
    Late(Duration),
    /// The server's answer up to so many events with text, and then this.
    After(usize, Then),
    /// The server's answer without the events that have this in them.
    Without(&'static str),
}

/// What follows the text that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A reset.
    Reset,
    /// An orderly close in the middle of an event.
    MidEvent,
    /// An orderly close between events.
    Close,
    /// Silence, with the connection open.
    Stall,
    /// These bytes, and the rest of the answer.
    Insert(Vec<u8>),
    /// These bytes, and an orderly end.
    End(&'static str),
}

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Box {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    upstream: String,
    client: reqwest::Client,
    asked: AtomicU64,
    always: Mutex<Tamper>,
    next: Mutex<VecDeque<Tamper>>,
}

impl Drop for Box {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Box {
    /// Listens on a free port and passes on to `upstream`, `http://host:port`.
    pub async fn start(upstream: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?,
            asked: AtomicU64::new(0),
            always: Mutex::new(Tamper::None),
            next: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let _ended = state.serve(client).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, state, task })
    }

    /// From now on, for each question nothing else was said for.
    pub fn always(&self, tamper: Tamper) {
        *self.state.always.lock().unwrap() = tamper;
    }

    /// For the next question nothing was said for yet.
    pub fn next(&self, tamper: Tamper) {
        self.state.next.lock().unwrap().push_back(tamper);
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

/// A request as it came.
struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";

impl State {
    /// One request; every answer ends the connection.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let asked = read(&mut client).await?;
        let question = asked.method == "POST";
        let always = self.always.lock().unwrap().clone();
        let tamper = if question {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.next.lock().unwrap().pop_front().unwrap_or(always)
        } else if always == Tamper::Down {
            always
        } else {
            Tamper::None
        };
        match tamper {
            Tamper::Answer(status, headers, body) => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\
                     connection: close\r\n\r\n"
                );
                client.write_all(head.as_bytes()).await?;
                client.write_all(body.as_bytes()).await?;
                client.shutdown().await
            }
            Tamper::Recording(bytes) => {
                client.write_all(bytes).await?;
                client.shutdown().await
            }
            Tamper::Reset | Tamper::Down => client.set_zero_linger(),
            Tamper::Silence => until_gone(&mut client).await,
            Tamper::HeadersThenSilence => {
                client.write_all(format!("{STREAM}\r\n").as_bytes()).await?;
                until_gone(&mut client).await
            }
            Tamper::Comments => {
                client.write_all(format!("{STREAM}\r\n").as_bytes()).await?;
                loop {
                    client.write_all(b": keep-alive\n\n").await?;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            other => {
                if let Tamper::Late(span) = other {
                    tokio::time::sleep(span).await;
                }
                self.pass(&mut client, asked, &other).await
            }
        }
    }

    /// Asks the server, and hands its answer on event by event.
    async fn pass(&self, client: &mut TcpStream, asked: Asked, tamper: &Tamper) -> io::Result<()> {
        let method = asked.method.parse().map_err(io::Error::other)?;
        let mut request = self.client.request(method, format!("{}{}", self.upstream, asked.path));
        for (name, value) in &asked.headers {
            request = request.header(name, value);
        }
        let mut answer = request.body(asked.body).send().await.map_err(io::Error::other)?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/json").to_owned();
        let added =
            if let Tamper::Header(line) = tamper { format!("{line}\r\n") } else { String::new() };
        let status = answer.status().as_u16();
        let head = format!(
            "HTTP/1.1 {status} Real\r\ncontent-type: {kind}\r\n{added}connection: close\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await?;
        let (mut held, mut spoken) = (Vec::new(), 0);
        while let Some(bytes) = answer.chunk().await.map_err(io::Error::other)? {
            held.extend_from_slice(&bytes);
            while let Some(end) = held.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = held.drain(..end + 2).collect();
                if !change(client, &event, &mut spoken, tamper).await? {
                    return Ok(());
                }
            }
        }
        client.write_all(&held).await?;
        client.shutdown().await
    }
}

/// Hands one event on, or what it becomes; tells whether more is to follow.
async fn change(
    client: &mut TcpStream,
    event: &[u8],
    spoken: &mut usize,
    tamper: &Tamper,
) -> io::Result<bool> {
    let text = String::from_utf8_lossy(event);
    match tamper {
        Tamper::Without(what) if text.contains(what) => Ok(true),
        Tamper::After(count, then) if speaks(&text) => {
            *spoken += 1;
            if *spoken == count + 1 {
                return strike(client, event, then).await;
            }
            client.write_all(event).await?;
            Ok(true)
        }
        _ => {
            client.write_all(event).await?;
            Ok(true)
        }
    }
}

async fn strike(client: &mut TcpStream, event: &[u8], then: &Then) -> io::Result<bool> {
    match then {
        Then::Reset => client.set_zero_linger()?,
        Then::MidEvent => {
            client.write_all(&event[..event.len() / 2]).await?;
            client.shutdown().await?;
        }
        Then::Close => client.shutdown().await?,
        Then::Stall => until_gone(client).await?,
        Then::Insert(bytes) => {
            client.write_all(bytes).await?;
            client.write_all(event).await?;
            return Ok(true);
        }
        Then::End(bytes) => {
            client.write_all(bytes.as_bytes()).await?;
            client.shutdown().await?;
        }
    }
    Ok(false)
}

/// Whether an event carries text of the answer, in either dialect.
fn speaks(event: &str) -> bool {
    let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
        return false;
    };
    let Ok(json) = serde_json::from_str::<Value>(data) else { return false };
    let text = json.pointer("/choices/0/delta/content").or_else(|| json.pointer("/delta/text"));
    text.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

async fn until_gone(client: &mut TcpStream) -> io::Result<()> {
    let mut rest = [0u8; 256];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Reads a request to its end.
async fn read(client: &mut TcpStream) -> io::Result<Asked> {
    let (mut bytes, mut part) = (Vec::new(), vec![0u8; 16 << 10]);
    let mut more = async |bytes: &mut Vec<u8>| {
        let read = client.read(&mut part).await?;
        bytes.extend_from_slice(&part[..read]);
        if read == 0 { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) } else { Ok(()) }
    };
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        more(&mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    while body.len() < length {
        more(&mut body).await?;
    }
    let own = ["host", "content-length", "connection", "accept-encoding"];
    let headers = headers.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
    Ok(Asked { method, path, headers, body })
}
