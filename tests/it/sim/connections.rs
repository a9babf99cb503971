//! Sockets: kept, left, many at once, and none that outlives its fleet.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wheelhouse::sim::{Fault, FleetOptions, Ports, Until, start};

use super::{PATIENCE, address, body, fleet, open, read, send};

#[tokio::test]
async fn one_connection_carries_one_answer_after_another() {
    let fleet = fleet(0.0).await;
    let mut stream = TcpStream::connect(address(&fleet, "sim-openai")).await.unwrap();
    for n in 0..3 {
        let body = body("sim-gpt-4o", &format!("sim:echo {n}"), n % 2 == 0).to_string();
        send(&mut stream, "POST", "/v1/chat/completions", &body, "").await;
        let raw = read(&mut stream).await;
        assert_eq!(raw.status(), 200);
        assert!(
            raw.text().contains(&format!("\"content\":\"{n}\""))
                || raw.text().contains(&format!("\"content\": \"{n}\""))
        );
    }
    let stats = fleet.control().stats("sim-openai").unwrap();
    assert_eq!((stats.connections, stats.calls, stats.whole), (1, 3, 3));
}

#[tokio::test]
async fn a_chunked_request_body_is_read() {
    let fleet = fleet(0.0).await;
    let mut stream = TcpStream::connect(address(&fleet, "sim-openai")).await.unwrap();
    let body = body("sim-gpt-4o", "sim:echo chunky", false).to_string();
    let (a, b) = body.split_at(20);
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{a}\r\n{:x}\r\n{b}\r\n0\r\n\r\n",
        a.len(),
        b.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read(&mut stream).await.text().contains("chunky"));
}

#[tokio::test]
async fn a_silent_server_notices_at_once_that_its_client_left() {
    let fleet = fleet(0.0).await;
    let control = fleet.control();
    let faults =
        [Fault::Silence, Fault::HeadersThenSilence, Fault::CommentsOnly, Fault::Stall { after: 5 }];
    for (at, fault) in faults.into_iter().enumerate() {
        control.inject("sim-qwen", fault, Until::Times(1)).unwrap();
        let body = body("sim-qwen-plus", "sim:tokens=50", true).to_string();
        let stream = open(&fleet, "sim-qwen", "POST", "/v1/chat/completions", &body).await;
        let wait = control.until("sim-qwen", |stats| stats.in_flight == 1);
        tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
        drop(stream);
        let wait = control.until("sim-qwen", |stats| stats.left == at as u64 + 1);
        let stats = tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
        assert_eq!(stats.whole, 0);
    }
    control.until("sim-qwen", |stats| stats.in_flight == 0).await.unwrap();
}

#[tokio::test]
async fn leaving_in_the_middle_of_an_answer_ends_it() {
    let fleet = fleet(1.0).await;
    let control = fleet.control();
    let body = body("sim-tiny-135m", "sim:tokens=4000", true).to_string();
    let mut stream = open(&fleet, "sim-local", "POST", "/v1/chat/completions", &body).await;
    let mut part = [0_u8; 64];
    stream.read_exact(&mut part).await.unwrap();
    drop(stream);
    let wait = control.until("sim-local", |stats| stats.left == 1 && stats.in_flight == 0);
    tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
}

#[tokio::test]
async fn sixty_four_streams_at_once_are_all_whole() {
    let fleet = fleet(0.0).await;
    let mut streams = Vec::new();
    let body = body("sim-gpt-4o", "sim:tokens=500", true).to_string();
    for _ in 0..64 {
        streams.push(open(&fleet, "sim-openai", "POST", "/v1/chat/completions", &body).await);
    }
    let mut answers = Vec::new();
    for stream in &mut streams {
        answers.push(read(stream).await.said());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.len() > 1000));
    let stats = fleet.control().until("sim-openai", |stats| stats.whole == 64).await.unwrap();
    assert_eq!((stats.calls, stats.left, stats.broken), (64, 0, 0));
}

#[tokio::test]
async fn nothing_of_a_fleet_is_left_once_it_is_dropped() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let fleet = fleet(1.0).await;
    fleet.control().inject("sim-openai", Fault::Silence, Until::Cleared).unwrap();
    let body = body("sim-gpt-4o", "hello", true).to_string();
    let mut stream = open(&fleet, "sim-openai", "POST", "/v1/chat/completions", &body).await;
    fleet.control().until("sim-openai", |stats| stats.in_flight == 1).await.unwrap();
    assert!(tasks() > before);
    let address = address(&fleet, "sim-openai");
    drop(fleet);
    // The silent connection is closed by it, and nobody listens any more.
    let closed = tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
    while tasks() > before {
        tokio::task::yield_now().await;
    }
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn fixed_ports_are_taken_in_order_and_a_taken_one_is_an_error() {
    let first = fleet(0.0).await;
    let port = first.endpoints()[0].address.port();
    let options = FleetOptions { seed: 1, ports: Ports::From(port), pace: 0.0 };
    let error = start(options).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains("sim-deepseek"), "{error}");
}
