//! One simulated server: takes connections, plays responses on them byte by byte.
//!
//! Owns: paths, pace, warmth, the minute its rate headers speak of. Must not know: what is said.
//! Invariant: a client that leaves is noticed at once, whatever the server is doing; dropping the
//! accept loop ends every connection.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ask::Ask;
use super::control::{Desk, Posted};
use super::fault::Fault;
use super::frames::Frames;
use super::habits::ProviderHabits;
use super::http::{Connection, Incoming, Length, push_chunk, response_head};
use super::respond::{Circumstances, Responder, Response, Whole};
use super::script::{Script, Step, Warmth};

/// Bytes gathered before they are written when nothing waits between them.
const GATHER: usize = 16 * 1024;
/// Steps played before other tasks get their turn when nothing waits between them.
const TURN: usize = 64;
const MINUTE: Duration = Duration::from_mins(1);

/// One simulated server.
#[derive(Debug)]
pub struct Server {
    habits: ProviderHabits,
    frames: &'static Frames,
    seed: u64,
    pace: f64,
    desk: Arc<Desk>,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    touched: Option<Instant>,
    answered: HashMap<String, Instant>,
    minute: Instant,
    requests: u64,
    tokens: u64,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// As it should; the connection may be used again.
    Whole,
    /// The server broke it off.
    Broken,
    /// The client left.
    Left,
}

/// What a response answers, for the faults put in force while it plays.
struct Call<'a> {
    model: &'a str,
    /// How many faults had been put in force as it began.
    known: u64,
}

impl Call<'_> {
    /// A request that is no chat.
    const NONE: Self = Call { model: "", known: 0 };
}

/// Counts a call as in flight while it lives.
struct InFlight<'a>(&'a Desk);

impl<'a> InFlight<'a> {
    fn new(desk: &'a Desk, model: &str) -> Self {
        desk.count(|stats| {
            stats.calls += 1;
            *stats.by_model.entry(model.to_owned()).or_default() += 1;
            stats.in_flight += 1;
            stats.most_in_flight = stats.most_in_flight.max(stats.in_flight);
        });
        Self(desk)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.count(|stats| stats.in_flight -= 1);
    }
}

impl Server {
    /// A server of these habits.
    pub fn new(
        habits: ProviderHabits,
        frames: &'static Frames,
        seed: u64,
        pace: f64,
        desk: Arc<Desk>,
    ) -> Self {
        let memory = Memory {
            touched: None,
            answered: HashMap::new(),
            minute: Instant::now(),
            requests: 0,
            tokens: 0,
        };
        Self { habits, frames, seed, pace, desk, memory: Mutex::new(memory) }
    }

    /// Takes connections until dropped.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(&self).serve(stream));
                    }
                    // Out of descriptors: those in use must be given back first.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        self.desk.count(|stats| stats.connections += 1);
        let mut connection = Connection::new(stream);
        while let Ok(Some(incoming)) = connection.request().await {
            let keep =
                !incoming.header("connection").is_some_and(|c| c.eq_ignore_ascii_case("close"));
            match self.exchange(&mut connection, &incoming).await {
                Ok(Ended::Whole) if keep => {}
                _ => return,
            }
        }
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        incoming: &Incoming,
    ) -> io::Result<Ended> {
        let path = incoming.path.trim_end_matches('/');
        if let Some(order) = path.strip_prefix("/sim/") {
            let (status, body) = self.control(order, incoming);
            let whole = plain(status, body);
            return self.whole(connection, whole).await;
        }
        let chat = path.ends_with("/chat/completions") || path.ends_with("/messages");
        match (&*incoming.method, chat) {
            ("POST", true) => self.chat(connection, incoming).await,
            ("GET", false) if path.ends_with("/models") => {
                self.desk.count(|stats| stats.lists += 1);
                let fault = self.desk.strike_list();
                self.locked().touched = Some(Instant::now());
                let response = self.responder(Warmth::Warm, fault).models();
                self.play(connection, &Call::NONE, response).await
            }
            ("GET", false) if path == "/user/balance" => {
                let response = self.responder(Warmth::Warm, None).balance(&self.desk.balance());
                self.play(connection, &Call::NONE, response).await
            }
            ("GET", false) if path.ends_with("/health") => {
                self.whole(connection, plain(200, r#"{"status":"ok"}"#.to_owned())).await
            }
            _ => {
                let body = r#"{"error":{"message":"Not Found","type":"invalid_request_error","param":null,"code":null}}"#;
                self.whole(connection, plain(404, body.to_owned())).await
            }
        }
    }

    async fn chat(&self, connection: &mut Connection, incoming: &Incoming) -> io::Result<Ended> {
        let model = Ask::read(&incoming.body).map(|ask| ask.model).unwrap_or_default();
        let _in_flight = InFlight::new(&self.desk, &model);
        let call = Call { model: &model, known: self.desk.number() };
        let fault = self.desk.strike(&model);
        let warmth = self.warmth(&model);
        let response = self.responder(warmth, fault).chat(incoming);
        let ended = self.play(connection, &call, response).await;
        if matches!(ended, Ok(Ended::Whole)) {
            let now = Instant::now();
            let mut memory = self.locked();
            memory.touched = Some(now);
            if self.habits.find(&model).is_some() {
                memory.answered.insert(model, now);
            }
        }
        self.desk.count(|stats| match ended {
            Ok(Ended::Whole) => stats.whole += 1,
            Ok(Ended::Broken) => stats.broken += 1,
            Ok(Ended::Left) | Err(_) => stats.left += 1,
        });
        ended
    }

    /// `/sim/stats`, `/sim/fault`.
    fn control(&self, order: &str, incoming: &Incoming) -> (u16, String) {
        // A web page could otherwise reach this port: browsers say where they come from.
        if incoming.header("origin").is_some() {
            return (403, r#"{"error":"not for web pages"}"#.to_owned());
        }
        match (&*incoming.method, order) {
            ("GET", "stats") => (200, json(&self.desk.stats())),
            ("GET", "fault") => (200, json(&self.desk.injections())),
            ("POST", "fault") => {
                let done = serde_json::from_slice::<Posted>(&incoming.body)
                    .map_err(|error| error.to_string())
                    .and_then(|order| order.run(&self.desk));
                match done {
                    Ok(()) => (200, json(&self.desk.injections())),
                    Err(why) => (400, json(&serde_json::json!({ "error": why }))),
                }
            }
            _ => (404, r#"{"error":"try GET /sim/stats, GET or POST /sim/fault"}"#.to_owned()),
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a model was idle for so long that it is cold. At pace 0 no time passes for it.
    fn warmth(&self, model: &str) -> Warmth {
        let Some(cold) = self.habits.cold.filter(|_| self.pace > 0.0) else { return Warmth::Warm };
        let after = Duration::from_secs(cold.after_s).mul_f64(self.pace);
        let memory = self.locked();
        let fresh = |at: Option<&Instant>| at.is_some_and(|at| at.elapsed() < after);
        if fresh(memory.answered.get(model)) {
            Warmth::Warm
        } else if fresh(memory.touched.as_ref()) {
            Warmth::Tepid
        } else {
            Warmth::Cold
        }
    }

    fn responder(&self, warmth: Warmth, fault: Option<Fault>) -> Responder<'_> {
        let mut memory = self.locked();
        if memory.minute.elapsed() >= MINUTE {
            (memory.minute, memory.requests, memory.tokens) = (Instant::now(), 0, 0);
        }
        memory.requests += 1;
        let left = (
            self.habits.requests_per_min.saturating_sub(memory.requests),
            self.habits.tokens_per_min.saturating_sub(memory.tokens),
        );
        let resets_in = MINUTE.saturating_sub(memory.minute.elapsed());
        drop(memory);
        let now = jiff::Timestamp::now();
        let at = Circumstances { seed: self.seed, warmth, fault, left, resets_in, now };
        Responder::new(&self.habits, self.frames, at)
    }

    async fn play(
        &self,
        connection: &mut Connection,
        call: &Call<'_>,
        response: Response,
    ) -> io::Result<Ended> {
        match response {
            Response::Reset => {
                connection.will_reset();
                Ok(Ended::Broken)
            }
            Response::Silence => {
                connection.left().await;
                Ok(Ended::Left)
            }
            Response::Whole(whole) => self.whole(connection, whole).await,
            Response::Stream { head, script, drip } => {
                let due = Instant::now();
                let desk = &*self.desk;
                Player { connection, out: Vec::new(), drip, pace: self.pace, due, desk }
                    .stream(&head, call, *script)
                    .await
            }
        }
    }

    async fn whole(&self, connection: &mut Connection, whole: Whole) -> io::Result<Ended> {
        if whole.status != 200 {
            self.desk.count(|stats| stats.refused += 1);
        }
        let wait = whole.wait.mul_f64(self.pace) + whole.hold;
        if !connection.pause(wait).await {
            return Ok(Ended::Left);
        }
        let length = Length::Known(whole.body.len());
        let mut bytes = response_head(whole.status, whole.content_type, &whole.head, length);
        let cut = whole.cut.unwrap_or(whole.body.len());
        bytes.extend_from_slice(&whole.body[..cut.min(whole.body.len())]);
        connection.send(&bytes).await?;
        self.locked().tokens += whole.answered.unwrap_or(0);
        Ok(if whole.cut.is_some() { Ended::Broken } else { Ended::Whole })
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn plain(status: u16, body: String) -> Whole {
    Whole {
        status,
        content_type: "application/json",
        head: String::new(),
        body: body.into_bytes(),
        wait: Duration::ZERO,
        hold: Duration::ZERO,
        cut: None,
        answered: None,
    }
}

/// Plays a stream on a connection.
struct Player<'a> {
    connection: &'a mut Connection,
    out: Vec<u8>,
    drip: Option<(usize, Duration)>,
    pace: f64,
    /// When the next bytes are due: waits add up exactly, however late the timer wakes.
    due: Instant,
    /// Where faults are put in force while it plays.
    desk: &'a Desk,
}

impl Player<'_> {
    async fn stream(
        mut self,
        head: &str,
        call: &Call<'_>,
        mut script: Script,
    ) -> io::Result<Ended> {
        let mut known = call.known;
        for played in 0_usize.. {
            let number = self.desk.number();
            if number != known {
                if let Some(fault) = self.desk.strike_under_way(call.model, known) {
                    script.strike(fault);
                }
                known = number;
            }
            let Some(step) = script.next() else { break };
            match step {
                Step::Wait(span) => {
                    if !self.wait(span.mul_f64(self.pace)).await? {
                        return Ok(Ended::Left);
                    }
                }
                Step::Hold(span) => {
                    self.due = self.due.max(Instant::now());
                    if !self.wait(span).await? {
                        return Ok(Ended::Left);
                    }
                }
                Step::Head => self.out.extend(response_head(
                    200,
                    "text/event-stream; charset=utf-8",
                    head,
                    Length::Chunked,
                )),
                Step::Chunk(bytes) => push_chunk(&mut self.out, &bytes),
                Step::HalfChunk(bytes) => {
                    let mut whole = Vec::new();
                    push_chunk(&mut whole, &bytes);
                    self.out.extend_from_slice(&whole[..whole.len() / 2]);
                    self.flush().await?;
                    return Ok(Ended::Broken);
                }
                Step::Hang => {
                    self.flush().await?;
                    self.connection.left().await;
                    return Ok(Ended::Left);
                }
                Step::Reset => {
                    self.flush().await?;
                    self.connection.will_reset();
                    return Ok(Ended::Broken);
                }
                Step::Close => {
                    self.flush().await?;
                    return Ok(Ended::Broken);
                }
                Step::End => {
                    self.out.extend_from_slice(b"0\r\n\r\n");
                    self.flush().await?;
                    return Ok(Ended::Whole);
                }
            }
            if self.out.len() >= GATHER {
                self.flush().await?;
            }
            if played % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        self.flush().await?;
        Ok(Ended::Broken)
    }

    /// Sends what is gathered and waits; `false` if the client left.
    async fn wait(&mut self, span: Duration) -> io::Result<bool> {
        if span.is_zero() {
            return Ok(true);
        }
        self.due += span;
        let left = self.due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(true);
        }
        self.flush().await?;
        Ok(self.connection.pause(left).await)
    }

    async fn flush(&mut self) -> io::Result<()> {
        let out = std::mem::take(&mut self.out);
        let Some((bytes, every)) = self.drip else { return self.connection.send(&out).await };
        for part in out.chunks(bytes) {
            self.connection.send(part).await?;
            if !self.connection.pause(every).await {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        Ok(())
    }
}
