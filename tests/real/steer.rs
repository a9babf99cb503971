//! Traffic leaves a real server before a person notices, and comes back to it: it has become slow, its
//! limit is about to be reached. One engine asks two servers of the same model; a rule prefers the near
//! one, so that nothing else decides who answers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tokio::runtime::Runtime;
use uuid::Uuid;
use wheelhouse::config::{self, Layer, LayerKind};
use wheelhouse::domain::{Finish, Origin, ReaderKind, Reply, Request, RequestId};
use wheelhouse::engine::{self, EngineHandle, Options, Snapshot};

use super::serve::{KEY, Server};
use super::tamper::{self, Tamper};
use super::{model, provider};

/// No test waits longer for anything.
const LIMIT: Duration = Duration::from_mins(1);

const RULE: &str = "[[routing.rules]]\nwhen = {}\nthen = { prefer = [\"near\"] }\n";

const PROMPT: &str = "What is the capital of France? Answer in one short sentence.";

/// Two servers, a proxy before one of them, and an engine over both.
struct Pair {
    runtime: Runtime,
    proxy: tamper::Box,
    engine: EngineHandle,
    _servers: [Server; 2],
}

impl Pair {
    fn start(python: &Path, settings: &str) -> Result<Self, Failed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let near = Server::start(python, "smol", 4096, 2)?;
        let far = Server::start(python, "smol", 4096, 2)?;
        let proxy = runtime.block_on(tamper::Box::start(&near.address))?;
        let text = provider("near", "openai", &format!("http://{}", proxy.address), "REAL_KEY")
            + &provider("far", "openai", &far.address, "REAL_KEY")
            + &model("near", "near", "smol", 2048)
            + &model("far", "far", "smol", 2048)
            + settings
            + RULE;
        let layer = Layer { kind: LayerKind::User, name: "steer.toml".to_owned(), text };
        let config = config::load(&[layer]).map_err(|errors| format!("{errors:?}"))?.config;
        let key = |name: &str| (name == "REAL_KEY").then(|| KEY.to_owned());
        let options = Options { env: Arc::new(key), seed: 7, ..Options::default() };
        let engine = runtime.block_on(async {
            let engine = engine::start(Arc::new(config), options);
            engine.settled(LIMIT).await;
            engine
        });
        Ok(Self { runtime, proxy, engine, _servers: [near, far] })
    }

    /// Asks, and tells who answered. Everybody gets a whole answer, and nobody meets a limit.
    fn ask(&self) -> Result<String, Failed> {
        let id = RequestId(Uuid::now_v7());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, PROMPT);
        // A small model now and then talks until its room is used up; how much it says is not the matter.
        request.params.max_tokens = Some(16);
        let reply = self.runtime.block_on(async {
            let mut stream = self.engine.ask(request);
            let mut reply = Reply::default();
            let read = async {
                while let Some(event) = stream.next().await {
                    reply.fold(&event);
                }
            };
            tokio::time::timeout(LIMIT, read).await.map(|()| reply)
        })?;
        let outcome = reply.outcome.as_ref().ok_or("no outcome")?;
        let answered = matches!(outcome.finish, Finish::Stop | Finish::Length);
        // Its server closes a connection that was kept now and then: that is no limit met.
        let met = reply.attempts.iter().any(|attempt| attempt.status.is_some_and(|it| it != 200));
        if !answered || met {
            return Err(format!("{:?} after {:?}", outcome.finish, reply.attempts).into());
        }
        Ok(outcome.model.as_ref().ok_or("nobody answered")?.to_string())
    }

    /// Asks so often; everybody is answered by this model.
    fn answered_by(&self, who: &str, times: usize) -> Result<(), Failed> {
        for turn in 0..times {
            let by = self.ask()?;
            if by != who {
                return Err(format!("{by} answered, not {who}, in turn {turn}").into());
            }
        }
        Ok(())
    }

    fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Result<(), Failed> {
        let mut observer = self.engine.subscribe();
        let seen = async {
            while !wanted(&self.engine.snapshot()) {
                observer.changed().await.ok_or("the engine ended")?;
            }
            Ok::<(), Failed>(())
        };
        let waited = async { tokio::time::timeout(LIMIT, seen).await };
        self.runtime.block_on(waited).map_err(|_| format!("it never came to that: {what}"))?
    }

    /// Asks until the near server answers again.
    fn back(&self) -> Result<(), Failed> {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            if self.ask()? == "near" {
                return Ok(());
            }
        }
        Err("the near server was never asked again".into())
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.runtime.block_on(self.engine.clone().close());
    }
}

/// p95 over its limit: away with a notice, and back when the time is over.
pub fn slow(python: &Path) -> Result<(), Failed> {
    let settings = "[feedback]\np95_limit = \"3s\"\nmin_samples = 3\nshift_for = \"6s\"\n";
    let pair = Pair::start(python, settings)?;
    pair.proxy.always(Tamper::Late(Duration::from_millis(3_300)));
    pair.answered_by("near", 3)?;
    pair.until("a shift", |seen| seen.models["near"].shifted_until.is_some())?;
    let notice = pair.engine.snapshot().notices.last().map(|notice| notice.text.clone());
    let notice = notice.ok_or("nothing was said")?;
    let (begins, ends) = ("near is slow: p95 ", " over 3 s; traffic away for 6s");
    if !notice.starts_with(begins) || !notice.ends_with(ends) {
        return Err(notice.into());
    }
    pair.proxy.always(Tamper::None);
    pair.answered_by("far", 3)?;
    pair.until("the end of it", |seen| seen.models["near"].shifted_until.is_none())?;
    pair.back()
}

/// `remaining` falls: traffic moves while the server would still answer, and nobody gets a 429.
pub fn running_out(python: &Path) -> Result<(), Failed> {
    let pair = Pair::start(python, "")?;
    for left in (0..=4).rev() {
        pair.proxy.next(Tamper::Header(format!(
            "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: {left}\r\n\
             x-ratelimit-reset-requests: 8s"
        )));
    }
    let refused = r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#;
    pair.proxy.always(Tamper::Answer(429, "retry-after: 8\r\n", refused));
    let mut by = Vec::new();
    for _ in 0..8 {
        by.push(pair.ask()?);
    }
    if by.first().is_none_or(|who| who != "near") || by.last().is_none_or(|who| who != "far") {
        return Err(format!("answered by {by:?}").into());
    }
    let asked = pair.proxy.asked();
    if asked > 5 {
        return Err(format!("asked {asked} times, with 5 allowed").into());
    }
    pair.proxy.always(Tamper::None);
    pair.back()
}
