//! The little HTTP/1.1 the fleet needs, close enough to the bytes that they can go wrong on purpose.
//!
//! Owns: reading requests, the shape of heads and chunks. Must not know: what is asked or answered.
//! Invariant: whatever a client sends, memory stays bounded.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Greatest request head in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Greatest request body in bytes: long histories and images are well under it.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Greatest number of request headers.
const MAX_HEADERS: usize = 100;

/// A request.
#[derive(Debug)]
pub struct Incoming {
    /// `GET`, `POST` …
    pub method: String,
    /// The path, without a query.
    pub path: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Incoming {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

impl Connection {
    /// Takes an accepted socket.
    pub fn new(stream: TcpStream) -> Self {
        // Tokens are small and must leave at once.
        let _ = stream.set_nodelay(true);
        Self { stream, unread: Vec::new() }
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.unread).await
    }

    /// The next request; `None` when the client closed between requests.
    pub async fn request(&mut self) -> io::Result<Option<Incoming>> {
        let (mut incoming, body) = loop {
            if let Some((incoming, used, body)) = head(&self.unread)? {
                self.unread.drain(..used);
                break (incoming, body);
            }
            if self.unread.len() > MAX_HEAD {
                return Err(bad("request head too long"));
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        };
        if incoming.header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match body {
            Body::Sized(len) => {
                if len > MAX_BODY {
                    return Err(bad("request body too long"));
                }
                while self.unread.len() < len {
                    if self.more().await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                incoming.body = self.unread.drain(..len).collect();
            }
            Body::Chunked => incoming.body = self.chunked().await?,
        }
        Ok(Some(incoming))
    }

    async fn chunked(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, len) = loop {
                match httparse::parse_chunk_size(&self.unread) {
                    Ok(httparse::Status::Complete((start, len))) => break (start, len as usize),
                    Ok(httparse::Status::Partial) if self.unread.len() < MAX_HEAD => {}
                    _ => return Err(bad("bad chunk")),
                }
                if self.more().await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            };
            if body.len().saturating_add(len) > MAX_BODY {
                return Err(bad("request body too long"));
            }
            while self.unread.len() < start + len + 2 {
                if self.more().await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            body.extend_from_slice(&self.unread[start..start + len]);
            self.unread.drain(..start + len + 2);
            if len == 0 {
                return Ok(body);
            }
        }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Completes when the client leaves.
    pub async fn left(&mut self) {
        loop {
            if self.unread.len() > MAX_HEAD {
                // It talks while we are silent; what it says is not worth keeping.
                self.unread.clear();
            }
            match self.more().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Waits; `false` if the client left meanwhile.
    pub async fn pause(&mut self, span: Duration) -> bool {
        if span.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(span) => true,
            () = self.left() => false,
        }
    }

    /// Makes the coming close a TCP reset.
    pub fn will_reset(&self) {
        let _ = self.stream.set_zero_linger();
    }
}

enum Body {
    Sized(usize),
    Chunked,
}

fn head(bytes: &[u8]) -> io::Result<Option<(Incoming, usize, Body)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(used) =
        request.parse(bytes).map_err(|error| bad(&error.to_string()))?
    else {
        return Ok(None);
    };
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
        .collect();
    let path = request.path.unwrap_or("/");
    let incoming = Incoming {
        method: request.method.unwrap_or("GET").to_owned(),
        path: path.split(['?', '#']).next().unwrap_or("/").to_owned(),
        headers,
        body: Vec::new(),
    };
    let body = match incoming.header("transfer-encoding") {
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => Body::Chunked,
        _ => match incoming.header("content-length").map(str::parse) {
            None => Body::Sized(0),
            Some(Ok(len)) => Body::Sized(len),
            Some(Err(_)) => return Err(bad("bad content-length")),
        },
    };
    Ok(Some((incoming, used, body)))
}

/// What follows a response's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Known(usize),
    /// Chunks.
    Chunked,
}

/// A response head: the status line, `lines` (one header each), how long the body is, and the label
/// that says that all of this is simulated.
pub fn response_head(status: u16, content_type: &str, lines: &str, length: Length) -> Vec<u8> {
    let mut out =
        format!("HTTP/1.1 {status} {}\r\ncontent-type: {content_type}\r\n", reason(status));
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let _ = write!(out, "{line}\r\n");
    }
    out.push_str("x-simulated: wheelhouse\r\n");
    let _ = match length {
        Length::Known(bytes) => write!(out, "content-length: {bytes}\r\n\r\n"),
        Length::Chunked => write!(out, "transfer-encoding: chunked\r\n\r\n"),
    };
    out.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Status",
    }
}

/// Appends one HTTP chunk.
pub fn push_chunk(out: &mut Vec<u8>, data: &[u8]) {
    // An empty chunk would end the body.
    if !data.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"POST /v1/chat/completions?x=1 HTTP/1.1\r\nContent-Length: 2\r\nA: b\r\n\r\n{}";
        assert!(head(&text[..30]).unwrap().is_none());
        let (incoming, used, body) = head(text).unwrap().unwrap();
        assert_eq!((&*incoming.path, incoming.header("a")), ("/v1/chat/completions", Some("b")));
        assert_eq!(used, text.len() - 2);
        assert!(matches!(body, Body::Sized(2)));
    }

    #[test]
    fn nonsense_is_an_error_not_a_panic() {
        assert!(head(b"\x00\x01\x02\r\n\r\n").is_err());
        assert!(head(b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_carry_their_size_in_hex_and_empty_ones_are_left_out() {
        let mut out = Vec::new();
        push_chunk(&mut out, &[b'x'; 16]);
        push_chunk(&mut out, b"");
        assert_eq!(out, b"10\r\nxxxxxxxxxxxxxxxx\r\n");
    }
}
