//! A TCP proxy that breaks connections: latency, drips, splits, cuts, stalls, resets, corrupt bytes.
//! It knows nothing of HTTP beyond when the client speaks again, so that what it breaks is broken the
//! way networks break it.
//!
//! A toxic strikes one exchange: what the server says from the client's first byte to its next.
//! Toxics are drawn from a seed, or queued by hand.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Nothing.
    None,
    /// The first byte comes so much later.
    Latency(Duration),
    /// So many bytes at a time, with a pause between.
    Drip(usize, Duration),
    /// One segment for each so many bytes, without pauses.
    Split(usize),
    /// An orderly close after so many bytes.
    Close(u64),
    /// A reset after so many bytes.
    Reset(u64),
    /// Silence after so many bytes; the connection stays open.
    Stall(u64),
    /// One byte of the head is changed: the reply is no HTTP any more.
    Garbage,
}

/// What the proxy has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections open to the upstream now.
    pub open: AtomicU64,
    /// Exchanges.
    pub exchanges: AtomicU64,
    /// Exchanges that were struck.
    pub struck: AtomicU64,
}

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it has seen.
    pub seen: Arc<Seen>,
    queue: Arc<Mutex<VecDeque<Toxic>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How often an exchange is struck that nothing was queued for.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// One exchange in so many; 0 for never.
    pub one_in: u64,
    /// The seed everything is drawn from.
    pub seed: u64,
}

impl Proxy {
    /// Listens on a free port and passes on to `upstream`.
    pub async fn start(upstream: SocketAddr, weather: Weather) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let queue: Arc<Mutex<VecDeque<Toxic>>> = Arc::default();
        let shared = (Arc::clone(&seen), Arc::clone(&queue));
        let draws = Arc::new(AtomicU64::new(weather.seed));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (seen, queue) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                let draws = Arc::clone(&draws);
                connections.spawn(async move {
                    let next = || {
                        seen.exchanges.fetch_add(1, Ordering::Relaxed);
                        let queued = queue.lock().unwrap().pop_front();
                        let toxic = queued.unwrap_or_else(|| drawn(&draws, weather.one_in));
                        seen.struck.fetch_add(u64::from(toxic != Toxic::None), Ordering::Relaxed);
                        toxic
                    };
                    let Ok(server) = TcpStream::connect(upstream).await else { return };
                    seen.open.fetch_add(1, Ordering::Relaxed);
                    let _ended = exchange(client, server, next).await;
                    seen.open.fetch_sub(1, Ordering::Relaxed);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, seen, queue, task })
    }

    /// Strikes the next exchange that nothing was queued for yet.
    pub fn strike(&self, toxic: Toxic) {
        self.queue.lock().unwrap().push_back(toxic);
    }
}

fn random(draws: &AtomicU64) -> u64 {
    let mut z = draws.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn drawn(draws: &AtomicU64, one_in: u64) -> Toxic {
    if one_in == 0 || !random(draws).is_multiple_of(one_in) {
        return Toxic::None;
    }
    let bytes = 200 + random(draws) % 9_000;
    match random(draws) % 8 {
        0 => Toxic::Latency(Duration::from_millis(200 + random(draws) % 1_500)),
        1 => Toxic::Drip(40, Duration::from_millis(2)),
        2 => Toxic::Split(3),
        3 | 4 => Toxic::Reset(bytes),
        5 => Toxic::Close(bytes),
        6 => Toxic::Stall(bytes),
        _ => Toxic::Garbage,
    }
}

/// Passes bytes both ways until one side ends or a toxic ends it.
async fn exchange(
    mut client: TcpStream,
    mut server: TcpStream,
    next: impl Fn() -> Toxic,
) -> std::io::Result<()> {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = (vec![0u8; 64 << 10], vec![0u8; 64 << 10]);
    let (mut toxic, mut sent, mut answered) = (Toxic::None, 0u64, true);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if answered {
                    (toxic, sent, answered) = (next(), 0, false);
                }
                server.write_all(&up[..read]).await?;
            }
            read = server.read(&mut down) => {
                let read = read?;
                if read == 0 {
                    return client.shutdown().await;
                }
                answered = true;
                let bytes = &mut down[..read];
                let left = |limit: u64| usize::try_from(limit.saturating_sub(sent)).unwrap_or(usize::MAX);
                match toxic {
                    Toxic::None => client.write_all(bytes).await?,
                    Toxic::Latency(span) => {
                        if sent == 0 {
                            tokio::time::sleep(span).await;
                        }
                        client.write_all(bytes).await?;
                    }
                    Toxic::Drip(size, pause) => {
                        for piece in bytes.chunks(size) {
                            client.write_all(piece).await?;
                            tokio::time::sleep(pause).await;
                        }
                    }
                    Toxic::Split(size) => {
                        for piece in bytes.chunks(size) {
                            client.write_all(piece).await?;
                            tokio::task::yield_now().await;
                        }
                    }
                    Toxic::Close(limit) | Toxic::Reset(limit) | Toxic::Stall(limit)
                        if left(limit) < read =>
                    {
                        client.write_all(&bytes[..left(limit)]).await?;
                        match toxic {
                            Toxic::Reset(_) => {
                                // Closed with bytes unread or with no linger: a reset either way.
                                client.set_zero_linger()?;
                                return Ok(());
                            }
                            Toxic::Stall(_) => {
                                // Until the client gives up.
                                while client.read(&mut up).await? > 0 {}
                                return Ok(());
                            }
                            _ => return client.shutdown().await,
                        }
                    }
                    Toxic::Close(_) | Toxic::Reset(_) | Toxic::Stall(_) => {
                        client.write_all(bytes).await?;
                    }
                    Toxic::Garbage => {
                        if sent == 0 {
                            bytes[0] ^= 0xff;
                        }
                        client.write_all(bytes).await?;
                    }
                }
                sent += read as u64;
            }
        }
    }
}
