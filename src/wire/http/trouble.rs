//! From the HTTP library's errors to reports: what broke (name, connection, TLS, stream) and where,
//! in plain words. Invariant: host and port are named, the path, the query and the headers never are.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::Url;

use super::super::clean;
use super::connect::TooSlow;
use crate::domain::{ErrorReport, OutcomeClass, format_span};

/// Where a call goes, for people.
#[derive(Debug, Clone)]
pub(super) struct Place {
    host: String,
    port: Option<u16>,
    secure: bool,
}

impl Place {
    /// The host and port of an address.
    pub(super) fn of(url: &Url) -> Self {
        Self {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default(),
            secure: url.scheme() == "https",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// An error and all its causes.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The causes in words, without the address (which may hold a key in its query).
pub(super) fn story(error: &reqwest::Error) -> String {
    // The outermost words name the address; the causes do not.
    let mut words: Vec<String> = chain(error).skip(1).map(ToString::to_string).collect();
    words.dedup();
    words.join(": ")
}

/// Did the other side end the connection?
pub(super) fn is_gone(error: &reqwest::Error) -> bool {
    !error.is_connect()
        && chain(error).any(|cause| {
            let http = cause.downcast_ref::<hyper::Error>();
            let gone = http.is_some_and(|e| e.is_incomplete_message() || e.is_canceled());
            gone || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                )
            })
        })
}

enum Kind {
    Dns,
    Refused,
    Unreachable,
    Slow,
    Tls,
    Reset,
    Eof,
    Other,
}

/// What the caller is told.
pub(super) fn report(error: &reqwest::Error, place: &Place, connect: Duration) -> ErrorReport {
    let kind = kind(error, place);
    let (code, message, hint) = match kind {
        Kind::Dns => (
            "dns",
            format!("The name {} cannot be resolved", place.host),
            "Check the host in base_url, and this machine's network.",
        ),
        Kind::Refused => (
            "connect",
            format!("Nothing listens at {place}"),
            "Start the server, or check the port in base_url.",
        ),
        Kind::Unreachable => (
            "connect",
            format!("{place} cannot be reached"),
            "Check this machine's network and proxy settings.",
        ),
        Kind::Slow => (
            "timeout",
            format!("No connection to {place} within {}", format_span(connect)),
            "Check this machine's network, or raise limits.connect.",
        ),
        Kind::Tls => (
            "tls",
            format!("No secure connection to {place}"),
            "Check that base_url wants https; for a private certificate name a ca_file.",
        ),
        Kind::Reset => ("reset", format!("{place} broke the connection"), ""),
        Kind::Eof => ("eof", format!("{place} closed the connection in mid-answer"), ""),
        Kind::Other => ("connect", format!("The call to {place} failed"), ""),
    };
    let mut report = ErrorReport::new(OutcomeClass::Network, code, message);
    report.original = clean::clean(&story(error), clean::ORIGINAL_CAP);
    hint.clone_into(&mut report.hint);
    report
}

/// What the caller is told where not even a status came.
pub(super) fn unanswered(error: &reqwest::Error, place: &Place, connect: Duration) -> ErrorReport {
    let mut report = report(error, place, connect);
    if report.code == "eof" {
        report.message = format!("{place} closed the connection without an answer");
    }
    report
}

fn kind(error: &reqwest::Error, place: &Place) -> Kind {
    if chain(error).any(<dyn Error>::is::<TooSlow>) || error.is_timeout() {
        return Kind::Slow;
    }
    let connecting = error.is_connect();
    if connecting && chain(error).any(|cause| cause.to_string().contains("dns error")) {
        return Kind::Dns;
    }
    for cause in chain(error) {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return Kind::Eof;
        }
        let Some(cause) = cause.downcast_ref::<io::Error>() else { continue };
        match cause.kind() {
            io::ErrorKind::ConnectionRefused => return Kind::Refused,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => return Kind::Unreachable,
            io::ErrorKind::TimedOut => return Kind::Slow,
            io::ErrorKind::InvalidData if connecting && place.secure => return Kind::Tls,
            io::ErrorKind::UnexpectedEof if connecting && place.secure => return Kind::Tls,
            io::ErrorKind::UnexpectedEof => return Kind::Eof,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => return Kind::Reset,
            _ => {}
        }
    }
    match (connecting, place.secure) {
        (true, true) => Kind::Tls,
        (true, false) => Kind::Other,
        // A body that ends before its length or its last chunk.
        (false, _) if error.is_body() || error.is_decode() => Kind::Eof,
        (false, _) => Kind::Reset,
    }
}
