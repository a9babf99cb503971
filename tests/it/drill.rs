//! Drills: what is pretended on this side moves traffic as the fault would, reaches nobody, and is
//! forgotten when it ends.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wheelhouse::config;
use wheelhouse::domain::{
    Finish, Origin, OutcomeClass, ReaderKind, Reply, Request, RequestId, Route,
};
use wheelhouse::engine::{self, Command, Drill, DrillKind, EngineHandle, Options, Snapshot};
use wheelhouse::route::{CircuitView, HealthState};
use wheelhouse::sim::{self, Fleet, FleetOptions, Ports};

/// No test waits longer than this for anything.
const LIMIT: Duration = Duration::from_secs(20);

const PROMPT: &str = "Why does this Rust borrow fail, and what is the smallest fix?";
const MODEL: &str = "sim-gpt-4o";
const PROVIDER: &str = "sim-openai";

struct Rig {
    fleet: Fleet,
    engine: EngineHandle,
}

impl Rig {
    async fn new() -> Self {
        let options = FleetOptions { seed: 7, ports: Ports::Any, pace: 0.0 };
        let fleet = sim::start(options).await.unwrap();
        let config = config::load_demo(&fleet.config_text(), &[]).unwrap().config;
        let options = Options { env: Arc::new(|_| None), seed: 7, ..Options::default() };
        let engine = engine::start(Arc::new(config), options);
        Self { fleet, engine }
    }

    async fn drill(&self, name: &str, kind: DrillKind, span: Duration) {
        let until = engine::now() + span;
        self.engine.send(Command::Drill(Drill { name: name.to_owned(), kind, until }));
        self.until(|snapshot| !snapshot.overrides.drills.is_empty()).await;
    }

    async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut observer = self.engine.subscribe();
        let wait = async {
            loop {
                let snapshot = self.engine.snapshot();
                if wanted(&snapshot) {
                    return snapshot;
                }
                observer.changed().await.unwrap();
            }
        };
        tokio::time::timeout(LIMIT, wait).await.expect("it never came")
    }

    async fn ask(&self, route: Route) -> Reply {
        let id = RequestId(Uuid::now_v7());
        let request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, PROMPT);
        let mut stream = self.engine.ask(Request { route, ..request });
        let mut reply = Reply::default();
        let read = async {
            while let Some(event) = stream.next().await {
                reply.fold(&event);
            }
        };
        tokio::time::timeout(LIMIT, read).await.expect("the reply never ended");
        reply
    }

    fn calls(&self) -> u64 {
        self.fleet.control().stats(PROVIDER).unwrap().calls
    }
}

const LONG: Duration = Duration::from_mins(10);

#[tokio::test]
async fn a_drilled_provider_is_never_called_and_another_answers() {
    let rig = Rig::new().await;
    rig.drill(PROVIDER, DrillKind::Down, LONG).await;
    let reply = rig.ask(Route::Prefer(MODEL.into())).await;
    assert_eq!(reply.outcome.as_ref().unwrap().finish, Finish::Stop);
    let first = &reply.attempts[0];
    assert_eq!((first.model.as_str(), first.outcome), (MODEL, Some(OutcomeClass::Network)));
    assert!(first.detail.contains("drill"), "{}", first.detail);
    assert_ne!(reply.outcome.unwrap().model.unwrap().as_str(), MODEL);
    assert_eq!(rig.calls(), 0);
    let snapshot = rig.engine.snapshot();
    assert!(snapshot.log[0].attempts[0].detail.contains("drill"));
}

#[tokio::test]
async fn a_limit_says_when_to_come_back_and_is_not_charged_to_the_circuit() {
    let rig = Rig::new().await;
    rig.drill(MODEL, DrillKind::Limit, LONG).await;
    let reply = rig.ask(Route::Prefer(MODEL.into())).await;
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Throttle));
    assert_eq!(reply.attempts[0].status, Some(429));
    let status = &rig.engine.snapshot().models[MODEL];
    assert_eq!(status.circuit, CircuitView::Closed);
    assert!(status.limited_until.is_some());
    assert_eq!(rig.calls(), 0);
}

#[tokio::test]
async fn a_slow_drill_makes_the_real_call_later() {
    let rig = Rig::new().await;
    rig.drill(MODEL, DrillKind::Slow(Duration::from_millis(300)), LONG).await;
    let reply = rig.ask(Route::Only(MODEL.into())).await;
    let attempt = reply.attempts.last().unwrap();
    assert_eq!(attempt.outcome, None);
    assert!(attempt.stamps.first_text.unwrap() >= 300);
    assert_eq!(attempt.detail, "answered (drill: slow 300ms)");
    assert_eq!(rig.calls(), 1);
}

#[tokio::test]
async fn a_cut_answer_is_gone_on_from_and_stays_whole() {
    let rig = Rig::new().await;
    let whole = rig.ask(Route::Only(MODEL.into())).await.text;
    rig.drill(MODEL, DrillKind::Cut, LONG).await;
    let reply = rig.ask(Route::Prefer(MODEL.into())).await;
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Network));
    assert!(reply.attempts[0].detail.contains("drill"));
    let shown: String = whole.chars().take(40).collect();
    assert!(reply.text.starts_with(&shown), "{}", reply.text);
    assert_eq!(reply.outcome.unwrap().finish, Finish::Stop);
}

#[tokio::test]
async fn what_a_drill_did_is_forgotten_when_it_is_ended_or_its_time_is_over() {
    let rig = Rig::new().await;
    rig.drill(PROVIDER, DrillKind::Down, LONG).await;
    for _ in 0..3 {
        rig.ask(Route::Only(MODEL.into())).await;
    }
    let open = |snapshot: &Snapshot| snapshot.models[MODEL].circuit != CircuitView::Closed;
    rig.until(open).await;
    rig.engine.send(Command::EndDrill(None));
    let after = rig.until(|snapshot| snapshot.overrides.drills.is_empty()).await;
    assert!(!open(&after));
    let up = |snapshot: &Snapshot| snapshot.providers[PROVIDER].state != HealthState::Down;
    assert!(up(&after), "{:?}", after.providers[PROVIDER]);
    assert_eq!(after.models[MODEL].last_error, None);
    let reply = rig.ask(Route::Only(MODEL.into())).await;
    assert_eq!(reply.attempts.len(), 1);
    assert_eq!(rig.calls(), 1);
    rig.drill(MODEL, DrillKind::Limit, Duration::from_millis(100)).await;
    rig.ask(Route::Only(MODEL.into())).await;
    let after = rig.until(|snapshot| snapshot.overrides.drills.is_empty()).await;
    assert_eq!(after.models[MODEL].limited_until, None);
}

#[tokio::test]
async fn a_model_that_is_down_leaves_its_providers_other_models_in_use() {
    let rig = Rig::new().await;
    rig.drill(MODEL, DrillKind::Down, LONG).await;
    let reply = rig.ask(Route::Only("sim-gpt-4o-mini".into())).await;
    assert_eq!(reply.outcome.unwrap().finish, Finish::Stop);
    let reply = rig.ask(Route::Prefer(MODEL.into())).await;
    assert_eq!(reply.outcome.unwrap().finish, Finish::Stop);
    assert_eq!(reply.attempts[0].outcome, Some(OutcomeClass::Network));
    let snapshot = rig.engine.snapshot();
    assert_ne!(snapshot.providers[PROVIDER].state, HealthState::Down);
}

#[tokio::test]
async fn an_unknown_name_is_told_and_drills_nobody() {
    let rig = Rig::new().await;
    let until = engine::now() + LONG;
    let drill = Drill { name: "pluto".to_owned(), kind: DrillKind::Down, until };
    rig.engine.send(Command::Drill(drill));
    let said = |snapshot: &Snapshot| snapshot.notices.iter().any(|n| n.text.contains("pluto"));
    let snapshot = rig.until(said).await;
    assert!(snapshot.overrides.drills.is_empty());
}
