//! A running fleet with an engine over it, and requests to ask it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use wheelhouse::config::{self, Config};
use wheelhouse::domain::{
    Finish, Origin, ReaderKind, Reply, ReplyEvent, Request, RequestId, Route,
};
use wheelhouse::engine::{self, EngineHandle, Options, ProviderStatus, ReplyStream, Snapshot};
use wheelhouse::sim::{self, Fault, Fleet, FleetOptions, Ports, Until};

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) fleet: Fleet,
    pub(crate) engine: EngineHandle,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let fleet =
            sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 }).await.unwrap();
        let mut config = config::load_demo(&fleet.config_text(), &[]).unwrap().config;
        change(&mut config);
        let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
        let config = Arc::new(config);
        let engine = engine::start(Arc::clone(&config), options);
        let control = fleet.control();
        let used = |provider: &str| config.models.values().any(|m| m.provider.as_str() == provider);
        for endpoint in fleet.endpoints().iter().filter(|endpoint| used(&endpoint.provider)) {
            // The first free call is over, so that no fault put in later can meet it.
            let called = control.until(&endpoint.provider, |stats| stats.lists > 0);
            tokio::time::timeout(LIMIT, called).await.unwrap().unwrap();
        }
        Self { fleet, engine }
    }

    /// One whose fleet takes its time, at this pace; nobody has been called yet.
    pub(crate) async fn paced(
        pace: f64,
        options: Options,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let fleet = sim::start(FleetOptions { seed: 7, ports: Ports::Any, pace }).await.unwrap();
        let mut config = config::load_demo(&fleet.config_text(), &[]).unwrap().config;
        change(&mut config);
        let options = Options { env: Arc::new(|_| None), seed: 7, ..options };
        let engine = engine::start(Arc::new(config), options);
        Self { fleet, engine }
    }

    /// All of a provider's models fail so until told otherwise.
    pub(crate) fn break_it(&self, provider: &str, fault: &Fault) {
        self.fleet.control().inject(provider, fault.clone(), Until::Cleared).unwrap();
    }

    pub(crate) fn break_once(&self, provider: &str, fault: &Fault) {
        self.fleet.control().inject(provider, fault.clone(), Until::Times(1)).unwrap();
    }

    /// A reply that has begun and goes silent.
    pub(crate) async fn stalled(&self) -> ReplyStream {
        self.break_it("sim-openai", &Fault::Stall { after: 5 });
        let mut stream = self.engine.ask(only("sim-gpt-4o", PROMPT));
        while !matches!(stream.next().await.expect("it ended"), ReplyEvent::Text(_)) {}
        stream
    }

    /// What observers see, once it is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut observer = self.engine.subscribe();
        let seen = async {
            loop {
                let snapshot = self.engine.snapshot();
                if wanted(&snapshot) {
                    return snapshot;
                }
                observer.changed().await.expect("the engine ended");
            }
        };
        tokio::time::timeout(LIMIT, seen).await.expect("it never came to that")
    }

    /// The provider's status, once it is as wanted.
    pub(crate) async fn status(
        &self,
        provider: &str,
        wanted: impl Fn(&ProviderStatus) -> bool,
    ) -> ProviderStatus {
        self.until(|snapshot| wanted(&snapshot.providers[provider])).await.providers[provider]
            .clone()
    }

    pub(crate) async fn ask(&self, request: Request) -> (Reply, Vec<ReplyEvent>, Duration) {
        let started = Instant::now();
        let mut stream = self.engine.ask(request);
        let (mut reply, mut events) = (Reply::default(), Vec::new());
        let read = async {
            while let Some(event) = stream.next().await {
                reply.fold(&event);
                events.push(event);
            }
        };
        tokio::time::timeout(LIMIT, read).await.expect("the reply never ended");
        let begun = events.iter().filter(|e| matches!(e, ReplyEvent::Attempt { .. })).count();
        assert_eq!(
            begun,
            reply.attempts.len(),
            "an attempt that was begun was never told of again"
        );
        (reply, events, started.elapsed())
    }
}

pub(crate) fn request(text: &str) -> Request {
    let id = RequestId(Uuid::now_v7());
    Request::new(id, Origin::Ask, ReaderKind::Replaceable, text)
}

pub(crate) fn to(model: &str, text: &str) -> Request {
    Request { route: Route::Prefer(model.into()), ..request(text) }
}

pub(crate) fn only(model: &str, text: &str) -> Request {
    Request { route: Route::Only(model.into()), ..request(text) }
}

pub(crate) fn answered_by(reply: &Reply) -> String {
    reply.outcome.as_ref().unwrap().model.as_ref().unwrap().to_string()
}

pub(crate) fn finish(reply: &Reply) -> Finish {
    reply.outcome.as_ref().unwrap().finish
}

pub(crate) const PROMPT: &str = "Why does this Rust borrow fail, and what is the smallest fix?";
