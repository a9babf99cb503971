//! The one file that speaks HTTP: sends a call, hands out the answer's bytes as they come, and turns
//! transport trouble into reports. Must not know what the bytes mean.
//!
//! Invariants: building an [`Http`] opens nothing and reads nothing (the operating system's trust store
//! is loaded when the first `https` call is made); dropping a [`Response`] ends the call; no report
//! and no log line holds a key.

mod connect;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method, Url};
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use self::connect::Connection;
use super::{Headers, HttpCall};
use crate::domain::{ErrorReport, OutcomeClass};

/// How long an idle connection is kept: longer than the keep-warm pinger's minute, shorter than most
/// servers' own limit would be of use.
const POOL_IDLE: Duration = Duration::from_mins(2);

/// Kept connections a call may find closed before it is told so.
const STALE: u32 = 3;

/// A kept connection that breaks later than this was not closed for being idle: somebody was at work on
/// the call.
const STALE_WITHIN: Duration = Duration::from_secs(1);

/// How often the kernel asks whether a silent peer is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// How often an HTTP/2 peer is asked.
const H2_PING: Duration = Duration::from_secs(20);

/// The bound on connecting where the caller's own is not in force.
const CONNECT_BOUND: Duration = Duration::from_mins(1);

/// How the client is set up.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Certificates to trust besides the operating system's, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Never use a proxy for this machine's own addresses, whatever the environment says.
    pub no_proxy_loopback: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { ca_file: None, no_proxy_loopback: true }
    }
}

/// The HTTP client. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: HttpOptions,
    /// `http` to this machine: no TLS, no proxy.
    plain: Client,
    /// `https` to this machine: no proxy.
    local: OnceCell<Client>,
    /// Everything else, through a proxy if the environment names one.
    remote: OnceCell<Client>,
}

/// Which client a call goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Plain,
    Local,
    Remote,
}

impl Http {
    /// A client that has not opened anything yet.
    ///
    /// # Errors
    /// The HTTP library cannot be set up at all.
    pub fn new(options: &HttpOptions) -> Result<Self, ErrorReport> {
        // An empty list of roots: this client never sees TLS, so it need not load the trust store.
        let plain = base().no_proxy().tls_certs_only([]).build().map_err(|e| setup(&e))?;
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            plain,
            local: OnceCell::new(),
            remote: OnceCell::new(),
        })))
    }

    /// Loads the trust store now, off the path of the first `https` call.
    ///
    /// # Errors
    /// The trust store or the certificate file cannot be read.
    pub async fn prepare_tls(&self) -> Result<(), ErrorReport> {
        self.client(Lane::Remote).await.map(drop)
    }

    async fn client(&self, lane: Lane) -> Result<&Client, ErrorReport> {
        let inner = &*self.0;
        let cell = match lane {
            Lane::Plain => return Ok(&inner.plain),
            Lane::Local => &inner.local,
            Lane::Remote => &inner.remote,
        };
        cell.get_or_try_init(|| async {
            let options = inner.options.clone();
            // Reading hundreds of certificates takes milliseconds of pure work.
            tokio::task::spawn_blocking(move || secure(&options, lane)).await.unwrap_or_else(|_| {
                let message = "Setting up TLS was interrupted";
                Err(ErrorReport::new(OutcomeClass::Network, "tls", message))
            })
        })
        .await
    }

    fn lane(&self, url: &Url) -> Lane {
        let direct = self.0.options.no_proxy_loopback && is_loopback(url);
        match (direct, url.scheme()) {
            (true, "http") => Lane::Plain,
            (true, _) => Lane::Local,
            (false, _) => Lane::Remote,
        }
    }

    /// Sends a call and waits for the answer's status and headers. Connecting may take `connect`; the
    /// wait for the answer is the caller's to limit. Dropping the future cancels the call.
    ///
    /// A server may close a kept connection just as the call goes out on it. Then nothing was answered,
    /// and the call goes out again at once on another.
    ///
    /// # Errors
    /// The address is no address, a header is no header, or the network failed.
    pub async fn send(&self, call: &HttpCall, connect: Duration) -> Result<Response, ErrorReport> {
        let url = Url::parse(&call.url).map_err(|_| bad_call("base_url", "is not an address"))?;
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| bad_call("method", "is not a method"))?;
        let place = trouble::Place::of(&url);
        let client = self.client(self.lane(&url)).await?;
        let request = client
            .request(method, url)
            .headers(headers(call)?)
            .body(call.body.clone())
            .build()
            .map_err(|error| trouble::report(&error, &place, connect))?;
        let mut sent = Instant::now();
        let mut answered = connect::within(connect, client.execute(clone(&request)?)).await;
        for _ in 0..STALE {
            let (Err(error), Connection::Kept) = &answered else { break };
            if sent.elapsed() > STALE_WITHIN || !trouble::is_gone(error) {
                break;
            }
            sent = Instant::now();
            answered = connect::within(connect, client.execute(clone(&request)?)).await;
        }
        let response = answered.0.map_err(|error| trouble::unanswered(&error, &place, connect))?;
        let headers = Headers::from_pairs(response.headers().iter().map(|(name, value)| {
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        }));
        Ok(Response {
            status: response.status().as_u16(),
            headers,
            sent,
            inner: response,
            place,
            connect,
        })
    }
}

/// An answer whose body is still coming. Dropping it ends the call.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// When the call was handed to the socket.
    pub sent: Instant,
    inner: reqwest::Response,
    place: trouble::Place,
    connect: Duration,
}

impl Response {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The network failed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ErrorReport> {
        self.inner.chunk().await.map_err(|error| trouble::report(&error, &self.place, self.connect))
    }

    /// The whole body, or its first `cap` bytes; what came before trouble counts.
    pub async fn body(&mut self, cap: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < cap {
            match self.inner.chunk().await {
                Ok(Some(bytes)) => {
                    body.extend_from_slice(&bytes[..bytes.len().min(cap - body.len())]);
                }
                Ok(None) | Err(_) => break,
            }
        }
        body
    }
}

/// What all clients have in common.
fn base() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("wheelhouse/", env!("CARGO_PKG_VERSION")))
        // A redirect of a POST would lose its body or leak its key.
        .redirect(Policy::none())
        .connect_timeout(CONNECT_BOUND)
        .connector_layer(connect::Bound)
        .tcp_nodelay(true)
        .tcp_keepalive(TCP_KEEPALIVE)
        .pool_idle_timeout(POOL_IDLE)
        .referer(false)
}

fn secure(options: &HttpOptions, lane: Lane) -> Result<Client, ErrorReport> {
    let mut builder = base()
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(H2_PING)
        .http2_keep_alive_while_idle(true);
    if lane != Lane::Remote {
        builder = builder.no_proxy();
    }
    if let Some(path) = &options.ca_file {
        let unread = |why: String| {
            let message = format!("The certificates in {} cannot be read: {why}", path.display());
            ErrorReport::new(OutcomeClass::Network, "tls", message)
        };
        let pem = std::fs::read(path).map_err(|error| unread(error.to_string()))?;
        let own = Certificate::from_pem_bundle(&pem)
            .map_err(|_| unread("it holds no PEM certificate".to_owned()))?;
        if own.is_empty() {
            return Err(unread("it holds no PEM certificate".to_owned()));
        }
        builder = builder.tls_certs_merge(own);
    }
    builder.build().map_err(|error| setup(&error))
}

fn setup(error: &reqwest::Error) -> ErrorReport {
    let mut report =
        ErrorReport::new(OutcomeClass::Network, "tls", "The HTTPS client could not be set up");
    report.original = super::clean::clean(&trouble::story(error), super::clean::ORIGINAL_CAP);
    "Install the system's CA certificates, or name a ca_file.".clone_into(&mut report.hint);
    report
}

fn clone(request: &reqwest::Request) -> Result<reqwest::Request, ErrorReport> {
    // Only a body that is a stream cannot be sent again, and ours is not.
    request.try_clone().ok_or_else(|| bad_call("body", "cannot be sent again"))
}

fn bad_call(code: &str, why: &str) -> ErrorReport {
    ErrorReport::new(OutcomeClass::Account, code, format!("The provider's {code} {why}"))
}

/// Does this address lead to this very machine?
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<std::net::IpAddr>().map_or_else(
        |_| {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        },
        |ip| ip.is_loopback(),
    )
}

fn headers(call: &HttpCall) -> Result<HeaderMap, ErrorReport> {
    let mut map = HeaderMap::new();
    if call.method == "POST" {
        // Compressed streams come in bursts.
        map.insert(reqwest::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let name = |text: &str| {
        HeaderName::from_bytes(text.as_bytes())
            .map_err(|_| bad_call("header", "has a name HTTP does not allow"))
    };
    for (header, value) in &call.headers {
        let value = HeaderValue::from_str(value)
            .map_err(|_| bad_call("header", "has a value HTTP does not allow"))?;
        map.insert(name(header)?, value);
    }
    for (header, secret) in &call.secret_headers {
        let mut value = HeaderValue::from_str(secret.expose_secret())
            .map_err(|_| bad_call("key", "holds characters HTTP does not allow"))?;
        value.set_sensitive(true);
        map.insert(name(header)?, value);
    }
    Ok(map)
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
