//! Tests of the HTTP client against sockets of this machine.

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const CONNECT: Duration = Duration::from_secs(5);

fn call(url: String) -> HttpCall {
    HttpCall {
        method: "POST",
        url,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        secret_headers: vec![(
            "authorization".to_owned(),
            SecretString::from("Bearer sk-secret-1"),
        )],
        body: Bytes::from_static(b"{}"),
    }
}

/// Reads a request up to the end of its headers and its two-byte body.
async fn request(socket: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"\r\n\r\n{}") {
        let n = socket.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the request ended early");
        seen.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8(seen).unwrap()
}

/// Serves one connection: reads a request, writes `answer`, closes.
async fn serve(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/x?token=hidden-in-query", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let seen = request(&mut socket).await;
        socket.write_all(answer).await.unwrap();
        seen
    });
    (url, task)
}

fn http() -> Http {
    Http::new(&HttpOptions::default()).unwrap()
}

fn safe(report: &ErrorReport) {
    let all = format!("{report:?}");
    assert!(!all.contains("sk-secret") && !all.contains("hidden-in-query"), "{all}");
}

#[tokio::test]
async fn an_answer_comes_in_pieces_with_status_and_headers() {
    let (url, server) = serve(
        b"HTTP/1.1 429 Too Many\r\nRetry-After: 2\r\ntransfer-encoding: chunked\r\n\r\n\
          3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    let mut response = http().send(&call(url), CONNECT).await.unwrap();
    assert_eq!(response.status, 429);
    assert_eq!(response.headers.get("retry-after"), Some("2"));
    assert_eq!(response.body(100).await, b"abcde");
    assert_eq!(response.chunk().await.unwrap(), None);
    let seen = server.await.unwrap().to_ascii_lowercase();
    assert!(seen.contains("authorization: bearer sk-secret-1"), "{seen}");
    assert!(seen.contains("accept-encoding: identity"), "{seen}");
    assert!(seen.contains("user-agent: wheelhouse/"), "{seen}");
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let report = http().send(&call(format!("http://{address}/")), CONNECT).await.unwrap_err();
    assert_eq!((report.class, report.code.as_str()), (OutcomeClass::Network, "connect"));
    assert_eq!(report.message, format!("Nothing listens at {address}"));
    safe(&report);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_error() {
    let options = HttpOptions { no_proxy_loopback: true, ca_file: None };
    let client = Http::new(&options).unwrap();
    let report = client
        .send(&call("http://nothing.here.localhost:9/".to_owned()), CONNECT)
        .await
        .unwrap_err();
    // Some resolvers answer every `.localhost` name with the loopback address.
    assert!(report.code == "dns" || report.code == "connect", "{report:?}");
}

#[tokio::test]
async fn a_body_cut_before_its_end_is_an_eof() {
    let (url, _server) =
        serve(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    let mut response = http().send(&call(url), CONNECT).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"abc"[..]));
    let report = response.chunk().await.unwrap_err();
    assert_eq!(report.code, "eof", "{report:?}");
    safe(&report);
}

#[tokio::test]
async fn a_connection_closed_before_any_answer_is_an_eof() {
    let (url, _server) = serve(b"").await;
    let report = http().send(&call(url), CONNECT).await.unwrap_err();
    assert_eq!(report.code, "eof", "{report:?}");
    assert!(report.message.ends_with(" closed the connection without an answer"), "{report:?}");
    safe(&report);
}

/// Answers the first call on each connection and closes it upon the next without a word. Tells how many
/// calls came on each connection.
async fn forgetful() -> (String, tokio::sync::mpsc::Receiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (told, calls) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            request(&mut socket).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            socket.write_all(answer).await.unwrap();
            let again = socket.read(&mut [0; 1024]).await.unwrap_or(0) > 0;
            told.send(1 + u32::from(again)).await.unwrap();
        }
    });
    (url, calls)
}

#[tokio::test]
async fn a_kept_connection_that_closes_as_it_is_used_costs_nothing() {
    let (url, mut calls) = forgetful().await;
    let http = http();
    for _ in 0..3 {
        let mut answer = http.send(&call(url.clone()), CONNECT).await.unwrap();
        assert_eq!(answer.body(10).await, b"ok");
    }
    assert_eq!(calls.recv().await, Some(2), "the second call found the first connection closed");
    assert_eq!(calls.recv().await, Some(2));
}

#[tokio::test]
async fn a_reset_is_told_from_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        request(&mut socket).await;
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
        socket.write_all(head).await.unwrap();
        socket.set_zero_linger().unwrap();
    });
    let report = match http().send(&call(url), CONNECT).await {
        Err(report) => report,
        Ok(mut response) => loop {
            match response.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the body cannot have ended well"),
                Err(report) => break report,
            }
        },
    };
    assert_eq!(report.code, "reset", "{report:?}");
}

#[tokio::test]
async fn plain_http_behind_an_https_address_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = socket.read(&mut buffer).await;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let report = http().send(&call(format!("https://{address}/")), CONNECT).await.unwrap_err();
    assert_eq!((report.class, report.code.as_str()), (OutcomeClass::Network, "tls"), "{report:?}");
    safe(&report);
}

#[tokio::test]
async fn a_handshake_that_never_ends_runs_into_the_calls_own_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        // Ends when the client gives up.
        let _ = socket.read_to_end(&mut all).await;
    });
    let limit = Duration::from_millis(100);
    let report = http().send(&call(format!("https://{address}/")), limit).await.unwrap_err();
    assert_eq!(report.code, "timeout", "{report:?}");
    assert_eq!(report.message, format!("No connection to {address} within 100ms"));
    server.await.unwrap();
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        request(&mut socket).await;
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
        socket.write_all(head).await.unwrap();
        let mut rest = [0; 8];
        socket.read(&mut rest).await
    });
    let client = http();
    let mut response = client.send(&call(url), CONNECT).await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    let end = server.await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn a_finished_answer_leaves_its_connection_for_the_next_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        // One connection serves both; a second would hang for ever.
        let (mut socket, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            request(&mut socket).await;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    let client = http();
    for _ in 0..2 {
        let mut response = client.send(&call(url.clone()), CONNECT).await.unwrap();
        assert_eq!(response.body(10).await, b"ok");
        assert_eq!(response.chunk().await.unwrap(), None);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_an_answer_not_a_journey() {
    let (url, _server) = serve(
        b"HTTP/1.1 307 Temporary\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let response = http().send(&call(url), CONNECT).await.unwrap();
    assert_eq!(response.status, 307);
}

#[tokio::test]
async fn a_key_that_cannot_be_a_header_is_not_echoed() {
    let mut broken = call("http://127.0.0.1:9/".to_owned());
    broken.secret_headers = vec![("authorization".to_owned(), SecretString::from("sk-\nsecret"))];
    let report = http().send(&broken, CONNECT).await.unwrap_err();
    assert_eq!(report.code, "key");
    assert!(!report.message.contains("secret"));
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_named() {
    let options = HttpOptions { ca_file: Some("no/such/file.pem".into()), no_proxy_loopback: true };
    let client = Http::new(&options).unwrap();
    let report = client.prepare_tls().await.unwrap_err();
    assert!(report.message.contains("file.pem"), "{report:?}");
}

#[test]
fn only_this_machines_own_addresses_are_loopback() {
    for (url, want) in [
        ("http://127.0.0.1:8080/v1", true),
        ("http://127.9.9.9/", true),
        ("http://[::1]:8080/", true),
        ("http://localhost:1234/", true),
        ("http://model.localhost/", true),
        ("https://api.example.com/", false),
        ("http://192.168.1.5:8000/", false),
        ("http://localhost.example.com/", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), want, "{url}");
    }
}
