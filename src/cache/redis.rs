//! The shared tier: answers in a Redis that several processes use, under namespaced and versioned keys
//! with an expiry. What is kept there are answers and fingerprints, never prompts or keys to providers;
//! who may read the Redis may read the answers.
//!
//! Must not know: when it is used, and what happens when it does not answer. Invariant: every call
//! ends within the timeouts below, and what a server says never reaches anybody as it was said.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, cmd};

use crate::domain::{Money, UnixMs};

use super::value::{self, MAX_VALUE};
use super::{CacheKey, CachedAnswer, Count, Fields, Near, Survey, Trouble};

/// Before every key: whose it is, what it is, and the version of both key and value.
const SPACE: &str = "wheelhouse:cache:1:";

/// The hash that counts over all processes.
const COUNTS: &str = "wheelhouse:cache:1:counts";

/// To connect. Longer helps nobody: asking a model instead is what a miss does.
const CONNECT: Duration = Duration::from_millis(250);

/// To answer a command.
const RESPONSE: Duration = Duration::from_millis(100);

/// Keys looked at to count or compare entries; more would keep a shared server busy.
const SCANNED: usize = 20_000;

/// Keys asked for in one step of that.
const STEP: usize = 500;

/// Answers compared with what was asked to explain a miss.
const COMPARED: usize = 200;

/// The shared tier.
pub struct RedisTier {
    client: Client,
    ttl: Duration,
    manager: Mutex<ConnectionManager>,
}

impl std::fmt::Debug for RedisTier {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisTier").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl RedisTier {
    /// The tier at this address (`redis://`, `rediss://`, `unix://`; a user and password go before
    /// the host). Connects on first use. Must be called within an async runtime.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn open(url: &str, ttl: Duration) -> Result<Self, Trouble> {
        let client = Client::open(url).map_err(|_| Trouble::Address)?;
        let manager = Mutex::new(manage(&client)?);
        Ok(Self { client, ttl, manager })
    }

    fn manager(&self) -> ConnectionManager {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries a new connection, and uses it from here on if it works. An old one may be stuck: what
    /// refused a user once is remembered for ever.
    ///
    /// # Errors
    /// It still does not work.
    pub async fn retry(&self) -> Result<(), Trouble> {
        let fresh = manage(&self.client)?;
        let probe = format!("{SPACE}probe");
        let mut connection = fresh.clone();
        let command = cmd("GETRANGE").arg(probe).arg(0).arg(0).take();
        let answer: RedisResult<Vec<u8>> = command.query_async(&mut connection).await;
        match answer.map_err(|error| trouble(&error)) {
            Err(trouble) if trouble.stops() => return Err(trouble),
            Ok(_) | Err(_) => {}
        }
        *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The first of these keys an answer is kept under, with that answer.
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn find(
        &self,
        keys: &[CacheKey],
        now: UnixMs,
    ) -> Result<Option<(CacheKey, CachedAnswer)>, Trouble> {
        let mut pipe = Pipeline::with_capacity(keys.len());
        for key in keys {
            // Never more than a value may have, whatever is there.
            pipe.cmd("GETRANGE").arg(name(key)).arg(0).arg(MAX_VALUE);
        }
        pipe.ignore_errors();
        let found: RedisResult<Vec<RedisResult<Vec<u8>>>> =
            pipe.query_async(&mut self.manager()).await;
        for (key, bytes) in keys.iter().zip(found.map_err(|error| trouble(&error))?) {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                // Something else lies under our name: no answer of ours.
                Err(error) if error.code() == Some("WRONGTYPE") => continue,
                Err(error) => return Err(trouble(&error)),
            };
            if let Some(answer) = value::decode(key, &bytes, self.ttl, now) {
                return Ok(Some((*key, answer)));
            }
        }
        Ok(None)
    }

    /// Keeps an answer until it expires. One that is too large is not kept. Is it kept?
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn keep(
        &self,
        key: &CacheKey,
        answer: &CachedAnswer,
        now: UnixMs,
    ) -> Result<bool, Trouble> {
        let answer = CachedAnswer { expires: now + self.ttl, ..answer.clone() };
        let Some(bytes) = value::encode(key, &answer) else {
            // Nor may an older one stay in its place.
            return self.remove(key).await.map(|_| false);
        };
        let millis = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let command = cmd("SET").arg(name(key)).arg(bytes).arg("PX").arg(millis).take();
        let kept = command.query_async::<()>(&mut self.manager()).await;
        kept.map(|()| true).map_err(|error| trouble(&error))
    }

    /// Counts hits for everybody.
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn count(&self, count: Count) -> Result<(), Trouble> {
        let mut pipe = Pipeline::with_capacity(2);
        pipe.cmd("HINCRBY").arg(COUNTS).arg("hits").arg(count.hits);
        pipe.cmd("HINCRBY").arg(COUNTS).arg("saved_pico_usd").arg(count.saved.pico());
        pipe.query_async::<()>(&mut self.manager()).await.map_err(|error| trouble(&error))
    }

    /// Forgets one answer. Was there one?
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn remove(&self, key: &CacheKey) -> Result<bool, Trouble> {
        let command = cmd("DEL").arg(name(key)).take();
        let gone: RedisResult<u64> = command.query_async(&mut self.manager()).await;
        gone.map(|count| count > 0).map_err(|error| trouble(&error))
    }

    /// Forgets every answer and what was counted; how many answers there were. Nothing else in the
    /// same Redis is touched.
    ///
    /// # Errors
    /// The server did not answer, or refused to; part of them may be gone.
    pub async fn clear(&self) -> Result<u64, Trouble> {
        let mut gone = 0;
        let mut cursor = 0;
        loop {
            let (next, keys) = self.step(cursor, "").await?;
            if !keys.is_empty() {
                let mut command = cmd("DEL");
                for key in &keys {
                    command.arg(name(key));
                }
                let count: RedisResult<u64> = command.query_async(&mut self.manager()).await;
                gone += count.map_err(|error| trouble(&error))?;
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let command = cmd("DEL").arg(COUNTS).take();
        let last: RedisResult<u64> = command.query_async(&mut self.manager()).await;
        last.map(|_| gone).map_err(|error| trouble(&error))
    }

    /// What is held and was counted.
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn survey(&self) -> Result<Survey, Trouble> {
        let (keys, more) = self.some_keys(SCANNED).await?;
        let mut bytes = 0;
        for keys in keys.chunks(STEP) {
            let mut pipe = Pipeline::with_capacity(keys.len());
            for key in keys {
                pipe.cmd("STRLEN").arg(name(key));
            }
            pipe.ignore_errors();
            let sizes: RedisResult<Vec<RedisResult<u64>>> =
                pipe.query_async(&mut self.manager()).await;
            bytes += sizes.map_err(|error| trouble(&error))?.into_iter().flatten().sum::<u64>();
        }
        let command = cmd("HMGET").arg(COUNTS).arg("hits").arg("saved_pico_usd").take();
        let counted: RedisResult<(Option<u64>, Option<i64>)> =
            command.query_async(&mut self.manager()).await;
        // A hash somebody else wrote counts nothing.
        let (hits, saved) = counted.unwrap_or_default();
        let count = Count { hits: hits.unwrap_or(0), saved: Money::from_pico(saved.unwrap_or(0)) };
        Ok(Survey { entries: keys.len() as u64, bytes, more, count })
    }

    /// Keys that begin so, in hex. Goes through all there are, which a person who names one waits for.
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn keys_like(&self, prefix: &str) -> Result<Vec<CacheKey>, Trouble> {
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        if let Some(key) = CacheKey::from_hex(prefix) {
            return Ok(vec![key]);
        }
        let mut found = HashSet::new();
        let mut cursor = 0;
        loop {
            let (next, keys) = self.step(cursor, prefix).await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 {
                return Ok(found.into_iter().collect());
            }
        }
    }

    /// Among some of the entries, the one most like `fields`.
    ///
    /// # Errors
    /// The server did not answer, or refused to.
    pub async fn nearest(&self, fields: &Fields, now: UnixMs) -> Result<Option<Near>, Trouble> {
        let (keys, _) = self.some_keys(COMPARED).await?;
        let mut best: Option<(usize, Near)> = None;
        for key in keys {
            let Some((key, answer)) = self.find(&[key], now).await? else { continue };
            let distance = answer.fields.distance(fields);
            if best.as_ref().is_none_or(|(least, _)| distance < *least) {
                best = Some((distance, Near { key, differs: answer.fields.differing(fields) }));
            }
        }
        Ok(best.map(|(_, near)| near))
    }

    /// Up to `most` keys, and whether there may be more. Looks at so many of anybody's keys and no
    /// further: a shared server may hold millions of others.
    async fn some_keys(&self, most: usize) -> Result<(Vec<CacheKey>, bool), Trouble> {
        // A server may name a key twice.
        let mut found = HashSet::new();
        let mut cursor = 0;
        for _ in 0..SCANNED / STEP {
            let (next, keys) = self.step(cursor, "").await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 || found.len() > most {
                break;
            }
        }
        let more = cursor != 0 || found.len() > most;
        Ok((found.into_iter().take(most).collect(), more))
    }

    /// One step through the keys that begin so, in hex.
    async fn step(&self, cursor: u64, prefix: &str) -> Result<(u64, Vec<CacheKey>), Trouble> {
        let mut command = cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(format!("{SPACE}{prefix}*")).arg("COUNT").arg(STEP);
        let step: RedisResult<(u64, Vec<Vec<u8>>)> = command.query_async(&mut self.manager()).await;
        let (next, names) = step.map_err(|error| trouble(&error))?;
        let keys = names.iter().filter_map(|name| read_name(name));
        Ok((next, keys.filter(|key| key.hex().starts_with(prefix)).collect()))
    }
}

fn manage(client: &Client) -> Result<ConnectionManager, Trouble> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(RESPONSE))
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(|error| trouble(&error))
}

fn name(key: &CacheKey) -> String {
    format!("{SPACE}{}", key.hex())
}

fn read_name(name: &[u8]) -> Option<CacheKey> {
    CacheKey::from_hex(std::str::from_utf8(name).ok()?.strip_prefix(SPACE)?)
}

/// What an error means, without its words.
fn trouble(error: &RedisError) -> Trouble {
    if error.is_timeout() {
        return Trouble::Slow;
    }
    match error.kind() {
        // What cannot be read is no Redis, or no longer in step.
        ErrorKind::Io | ErrorKind::Client | ErrorKind::Parse => Trouble::Unreached,
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
            Trouble::Denied
        }
        ErrorKind::InvalidClientConfig => Trouble::Address,
        ErrorKind::Server(ServerErrorKind::ReadOnly) => Trouble::Full,
        // It is starting: no better than gone.
        ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
            Trouble::Unreached
        }
        _ => match error.code() {
            Some("NOAUTH" | "WRONGPASS" | "NOPERM") => Trouble::Denied,
            Some("OOM" | "MISCONF") => Trouble::Full,
            code => Trouble::Other(plain(code.unwrap_or("something unreadable"))),
        },
    }
}

/// A server's code as one may show it.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::key;

    #[test]
    fn keys_are_namespaced_versioned_and_read_back() {
        let name = name(&key(1));
        assert_eq!(name, format!("wheelhouse:cache:1:{}", key(1).hex()));
        assert_eq!(read_name(name.as_bytes()), Some(key(1)));
        for other in ["wheelhouse:cache:1:counts", "wheelhouse:cache:2:aa", "session:1", ""] {
            assert_eq!(read_name(other.as_bytes()), None, "{other}");
        }
    }

    #[tokio::test]
    async fn neither_an_error_nor_a_dump_shows_the_password() {
        let url = "redis://me:hunter2@127.0.0.1:1/0";
        let tier = RedisTier::open(url, Duration::from_hours(1)).unwrap();
        let shown = format!("{tier:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("127.0.0.1"), "{shown}");
        let error = tier.retry().await.unwrap_err();
        assert_eq!(error, Trouble::Unreached);
        let odd = RedisTier::open("redis://me:hunter2@:x", Duration::from_hours(1)).unwrap_err();
        assert!(!odd.to_string().contains("hunter2"), "{odd}");
    }

    #[test]
    fn a_servers_words_are_not_repeated() {
        assert_eq!(plain("ERR\u{1b}[2J boom"), "ERR2J boom");
    }

    /// A server that answers each command as it is told to; its address.
    async fn server(answer: impl Fn(&[String]) -> String + Send + Sync + 'static) -> String {
        use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = std::sync::Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let answer = std::sync::Arc::clone(&answer);
                tokio::spawn(async move {
                    let (reads, mut writes) = socket.into_split();
                    let mut reads = BufReader::new(reads);
                    let mut line = String::new();
                    while reads.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                        let count: usize = line.trim_start_matches('*').trim().parse().unwrap();
                        let mut words = Vec::new();
                        for _ in 0..count {
                            line.clear();
                            reads.read_line(&mut line).await.unwrap();
                            let length: usize = line[1..].trim().parse().unwrap();
                            let mut word = vec![0; length + 2];
                            reads.read_exact(&mut word).await.unwrap();
                            word.truncate(length);
                            words.push(String::from_utf8(word).unwrap());
                        }
                        line.clear();
                        if writes.write_all(answer(&words).as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        format!("redis://{address}")
    }

    /// One step of a scan that named nothing.
    fn nothing(next: &str) -> String {
        format!("*2\r\n${}\r\n{next}\r\n*0\r\n", next.len())
    }

    #[tokio::test]
    async fn what_does_not_speak_redis_is_no_connection() {
        let url = server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()).await;
        let tier = RedisTier::open(&url, Duration::from_hours(1)).unwrap();
        assert_eq!(tier.find(&[key(1)], UnixMs(0)).await, Err(Trouble::Unreached));
        assert_eq!(tier.retry().await, Err(Trouble::Unreached));
    }

    #[tokio::test]
    async fn others_keys_are_not_all_looked_at_to_count_ours_or_explain_a_miss() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let scans = std::sync::Arc::new(AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&scans);
        let url = server(move |words| match words[0].as_str() {
            // It has many keys of others, and never comes to an end.
            "SCAN" if count.fetch_add(1, Ordering::SeqCst) < 2_000 => nothing("7"),
            "SCAN" => nothing("0"),
            "HMGET" => "*2\r\n$-1\r\n$-1\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        })
        .await;
        let tier = RedisTier::open(&url, Duration::from_hours(1)).unwrap();
        let survey = tier.survey().await.unwrap();
        assert!(survey.more && survey.entries == 0, "{survey:?}");
        assert_eq!(scans.swap(0, Ordering::SeqCst), SCANNED / STEP);
        let nearest = tier.nearest(&Fields::default(), UnixMs(0)).await.unwrap();
        assert_eq!((nearest, scans.load(Ordering::SeqCst)), (None, SCANNED / STEP));
    }

    #[tokio::test]
    async fn a_key_is_found_however_many_others_there_are() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let scans = AtomicUsize::new(0);
        let wanted = name(&key(1));
        let url = server(move |words| match words[0].as_str() {
            "SCAN" => {
                let step = scans.fetch_add(1, Ordering::SeqCst);
                let pattern = words[3].trim_end_matches('*');
                if step < 60 {
                    // Five hundred of ours, of which a server gives those that match.
                    let names: Vec<String> = (0..500u32)
                        .map(|n| format!("{SPACE}{:064x}", step as u32 * 500 + n))
                        .filter(|name| name.starts_with(pattern))
                        .collect();
                    let items: Vec<String> =
                        names.iter().map(|n| format!("${}\r\n{n}\r\n", n.len())).collect();
                    let items = items.concat();
                    format!("*2\r\n$1\r\n7\r\n*{}\r\n{items}", names.len())
                } else {
                    format!("*2\r\n$1\r\n0\r\n*1\r\n${}\r\n{wanted}\r\n", wanted.len())
                }
            }
            _ => "+OK\r\n".to_owned(),
        })
        .await;
        let tier = RedisTier::open(&url, Duration::from_hours(1)).unwrap();
        let found = tier.keys_like(&key(1).hex()[..10]).await.unwrap();
        assert_eq!(found, [key(1)]);
        assert!(tier.keys_like("*").await.unwrap().is_empty());
    }
}
