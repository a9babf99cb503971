//! Tests of the router's folds under a driven clock.

use std::collections::VecDeque;

use super::*;
use crate::domain::{FilterCode, FilterReason};
use crate::route::Admission;

fn at(seconds: i64) -> UnixMs {
    UnixMs(seconds * 1000)
}

struct Rig {
    state: RouterState,
    provider: ProviderName,
    model: ModelName,
}

impl Rig {
    fn new() -> Self {
        Self {
            state: RouterState::new(RouterSettings::default()),
            provider: "deepseek".into(),
            model: "chat".into(),
        }
    }

    fn fold(&mut self, seen: &Observation, now: UnixMs) {
        self.state.fold(&self.provider, &self.model, seen, now);
    }

    fn ended(&mut self, outcome: Option<OutcomeClass>, now: UnixMs) {
        self.fold(&Observation::Started, now);
        self.fold(&end(outcome, None), now);
    }

    fn admit(&mut self, now: UnixMs) -> Result<Admission, FilterReason> {
        self.state.try_admit(&self.provider, &self.model, now)
    }

    /// A first token, after which traffic leaves if the model is too slow.
    fn first(&mut self, ttft_ms: u64, now: UnixMs) {
        self.fold(&first(ttft_ms), now);
        for slow in self.state.take_slow(now) {
            self.state.shift(&slow.model, now);
        }
    }

    fn view(&self, now: UnixMs) -> ModelView {
        self.state.view(&self.model, now)
    }
}

fn end(outcome: Option<OutcomeClass>, retry_after_ms: Option<u64>) -> Observation {
    Observation::Ended {
        outcome,
        total_ms: 2_000,
        output_tokens: 100,
        streaming_ms: 1_000,
        gap_ms: None,
        retry_after_ms,
        detail: outcome.map_or("", |class| class.name()).to_owned(),
    }
}

fn first(ttft_ms: u64) -> Observation {
    Observation::FirstToken { ttft_ms }
}

#[test]
fn an_unseen_model_is_unknown_and_admitted() {
    let mut rig = Rig::new();
    assert_eq!(rig.view(at(0)), ModelView::default());
    assert_eq!(rig.admit(at(0)), Ok(Admission::Free));
}

#[test]
fn a_good_answer_makes_it_up_and_warm_with_figures() {
    let mut rig = Rig::new();
    rig.fold(&Observation::Started, at(0));
    assert_eq!(rig.view(at(0)).health.in_flight, 1);
    rig.first(400, at(1));
    rig.fold(&end(None, None), at(2));
    let view = rig.view(at(2));
    assert_eq!(view.health.state, HealthState::Up);
    assert_eq!(view.health.ttft_p50, Some(400));
    assert_eq!(view.health.tokens_per_s, Some(100.0));
    assert_eq!(view.health.in_flight, 0);
    assert_eq!(view.recent, [Some(400)]);
}

#[test]
fn three_failures_take_it_down_a_probe_passes_after_the_delay_and_success_closes() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.ended(Some(OutcomeClass::Network), at(0));
    }
    assert_eq!(rig.view(at(1)).health.state, HealthState::Down);
    assert_eq!(rig.admit(at(1)).unwrap_err().detail, "retry in 4s");
    assert_eq!(rig.view(at(5)).health.state, HealthState::Probing);
    let probe = rig.admit(at(5)).unwrap();
    assert!(matches!(probe, Admission::Probe(_)));
    assert_eq!(rig.admit(at(5)).unwrap_err().detail, "a probe is under way");
    rig.state.release(&rig.model.clone(), probe);
    let _probe = rig.admit(at(6)).unwrap();
    rig.ended(None, at(8));
    assert_eq!(rig.view(at(8)).health.state, HealthState::Up);
    assert_eq!(rig.admit(at(8)), Ok(Admission::Free));
}

#[test]
fn with_nobody_else_it_may_be_forced() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.ended(Some(OutcomeClass::Provider), at(0));
    }
    let (provider, model) = (rig.provider.clone(), rig.model.clone());
    assert!(matches!(rig.state.admit_anyway(&provider, &model, at(1)), Admission::Probe(_)));
}

#[test]
fn neutral_ends_touch_neither_circuit_nor_error_rate() {
    let mut rig = Rig::new();
    for class in [
        OutcomeClass::Caller,
        OutcomeClass::Context,
        OutcomeClass::Refusal,
        OutcomeClass::Cancelled,
    ] {
        for _ in 0..5 {
            rig.ended(Some(class), at(0));
        }
    }
    let view = rig.view(at(0));
    assert_eq!(view.circuit, CircuitView::Closed);
    assert_eq!(view.health.error_rate, 0.0);
    assert_eq!(rig.admit(at(0)), Ok(Admission::Free));
}

#[test]
fn throttling_limits_without_charging_and_frees_the_probe_slot() {
    let mut rig = Rig::new();
    rig.fold(&Observation::Started, at(0));
    rig.fold(&end(Some(OutcomeClass::Throttle), Some(41_000)), at(0));
    assert_eq!(rig.view(at(0)).limited_until, Some(at(41)));
    assert_eq!(rig.view(at(0)).circuit, CircuitView::Closed);
    let refused = rig.admit(at(1)).unwrap_err();
    assert_eq!((refused.code, refused.detail.as_str()), (FilterCode::RateLimited, "retry in 40s"));
    assert!(rig.admit(at(41)).is_ok());

    for _ in 0..3 {
        rig.ended(Some(OutcomeClass::Stall), at(50));
    }
    let _probe = rig.admit(at(55)).unwrap();
    rig.fold(&end(Some(OutcomeClass::Throttle), Some(1_000)), at(57));
    assert!(matches!(rig.admit(at(58)), Ok(Admission::Probe(_))));
}

#[test]
fn a_stream_from_before_ends_neither_a_told_wait_nor_a_refusal() {
    let mut rig = Rig::new();
    rig.fold(&end(Some(OutcomeClass::Throttle), Some(60_000)), at(10));
    rig.fold(&end(Some(OutcomeClass::Account), None), at(10));
    // It left at 9, before anything was said.
    rig.ended(None, at(11));
    assert_eq!(rig.view(at(11)).limited_until, Some(at(70)));
    assert!(rig.view(at(11)).account.is_some());
    rig.ended(None, at(13));
    assert_eq!(rig.view(at(13)).limited_until, None);
    assert!(rig.view(at(13)).account.is_none());
}

#[test]
fn a_used_up_window_holds_it_until_the_reset() {
    let mut rig = Rig::new();
    let window = RateWindow {
        what: "requests".into(),
        scope: crate::domain::RateScope::Model,
        limit: Some(60),
        remaining: Some(0),
        resets_at: Some(at(30)),
    };
    rig.fold(&Observation::Limits { windows: vec![window], told_at: at(0) }, at(0));
    assert_eq!(rig.admit(at(10)).unwrap_err().code, FilterCode::RateLimited);
    assert!(rig.admit(at(30)).is_ok());
    assert_eq!(rig.view(at(30)).limits.len(), 1);
}

/// A provider that allows so many requests in each minute and refuses the rest.
struct Minute {
    allows: u64,
    used: u64,
    began: i64,
    refused: u32,
}

impl Minute {
    fn ask(&mut self, now: UnixMs, scope: RateScope) -> Result<RateWindow, ()> {
        let minute = now.0 / 60_000;
        if minute != self.began {
            (self.began, self.used) = (minute, 0);
        }
        if self.used == self.allows {
            self.refused += 1;
            return Err(());
        }
        self.used += 1;
        Ok(RateWindow {
            what: "requests".into(),
            scope,
            limit: Some(self.allows),
            remaining: Some(self.allows - self.used),
            resets_at: Some(UnixMs((minute + 1) * 60_000)),
        })
    }
}

/// Two requests a second for ten minutes, each answered after three seconds; `models` in turn.
/// Gives how many got through, and how many the provider refused.
fn two_a_second(models: &[&str], scope: RateScope) -> (u32, u32) {
    let mut rig = Rig::new();
    let mut server = Minute { allows: 60, used: 0, began: -1, refused: 0 };
    let mut through = 0;
    let mut running: VecDeque<(UnixMs, ModelName, RateWindow, UnixMs)> = VecDeque::new();
    for n in 0..1_200 {
        let now = UnixMs(n * 500);
        while running.front().is_some_and(|(ends, ..)| *ends <= now) {
            let Some((_, model, window, told_at)) = running.pop_front() else { break };
            let told = Observation::Limits { windows: vec![window], told_at };
            rig.state.fold(&rig.provider, &model, &told, now);
            rig.state.fold(&rig.provider, &model, &end(None, None), now);
        }
        let model = ModelName::from(models[n as usize % models.len()]);
        if rig.state.try_admit(&rig.provider, &model, now).is_err() {
            continue;
        }
        rig.state.fold(&rig.provider, &model, &Observation::Started, now);
        if let Ok(window) = server.ask(now, scope) {
            through += 1;
            running.push_back((now + Duration::from_secs(3), model, window, now));
        }
    }
    (through, server.refused)
}

#[test]
fn traffic_leaves_before_the_limit_and_comes_back_with_each_reset() {
    let (through, refused) = two_a_second(&["chat"], RateScope::Model);
    assert_eq!(refused, 0);
    // Of the 600 that ten minutes allow, most are used.
    assert!((400..=600).contains(&through), "{through}");
}

#[test]
fn a_limit_of_the_account_is_shared_by_its_models() {
    let (through, refused) = two_a_second(&["chat", "reasoner"], RateScope::Account);
    assert_eq!(refused, 0);
    assert!((400..=600).contains(&through), "{through}");
    let mut rig = Rig::new();
    let window = Minute { allows: 60, used: 59, began: 0, refused: 0 };
    let told = |scope| {
        let windows = vec![Minute { ..window }.ask(at(1), scope).unwrap()];
        Observation::Limits { windows, told_at: at(1) }
    };
    let other = ModelName::from("reasoner");
    rig.fold(&told(RateScope::Model), at(1));
    assert_eq!(rig.view(at(2)).limited_until, Some(at(60)));
    assert!(rig.state.try_admit(&rig.provider, &other, at(2)).is_ok());
    rig.fold(&told(RateScope::Account), at(1));
    let refused = rig.state.try_admit(&rig.provider, &other, at(2)).unwrap_err();
    assert_eq!(refused.code, FilterCode::RateLimited);
    assert!(rig.state.try_admit(&"elsewhere".into(), &"x".into(), at(2)).is_ok());
}

#[test]
fn a_refused_account_is_out_until_cleared_and_two_models_take_the_provider_along() {
    let mut rig = Rig::new();
    rig.ended(Some(OutcomeClass::Account), at(0));
    assert_eq!(rig.admit(at(9_999)).unwrap_err().code, FilterCode::Account);
    assert_eq!(rig.view(at(9_999)).circuit, CircuitView::Closed);
    let (other, third) = (ModelName::from("reasoner"), ModelName::from("coder"));
    let provider = rig.provider.clone();
    assert!(rig.state.try_admit(&provider, &third, at(1)).is_ok());
    rig.state.fold(&provider, &other, &end(Some(OutcomeClass::Account), None), at(2));
    assert_eq!(
        rig.state.try_admit(&provider, &third, at(3)).unwrap_err().code,
        FilterCode::Account
    );
    assert!(rig.view(at(3)).account.is_some());
    rig.state.clear_account(&provider);
    assert!(rig.admit(at(4)).is_ok());
    assert!(rig.state.try_admit(&provider, &third, at(4)).is_ok());
}

#[test]
fn a_slow_p95_moves_traffic_for_five_minutes_and_it_returns_by_and_by() {
    let mut rig = Rig::new();
    for n in 0..19 {
        rig.first(5_000, at(n));
    }
    assert_eq!(rig.view(at(19)).shifted_until, None);
    rig.first(5_000, at(19));
    assert_eq!(rig.view(at(20)).shifted_until, Some(at(319)));
    assert_eq!(rig.view(at(20)).health.state, HealthState::Slow);
    assert_eq!(rig.view(at(319)).shifted_until, None);
    let passed = (0..10).filter(|_| rig.admit(at(320)).is_ok()).count();
    assert_eq!(passed, 1);
    assert_eq!(rig.admit(at(321)), Ok(Admission::Free));
    assert_eq!(rig.admit(at(321)).unwrap_err().code, FilterCode::Shifted);
    assert!((0..10).all(|_| rig.admit(at(400)).is_ok()));
    // Old samples do not shift it again: it takes as many new ones.
    rig.first(5_000, at(401));
    assert_eq!(rig.view(at(401)).shifted_until, None);
}

#[test]
fn a_shift_can_be_undone() {
    let mut rig = Rig::new();
    for n in 0..20 {
        rig.first(5_000, at(n));
    }
    let model = rig.model.clone();
    rig.state.undo_shift(&model, at(30));
    assert_eq!(rig.view(at(30)).shifted_until, None);
    rig.first(5_000, at(31));
    assert_eq!(rig.view(at(31)).shifted_until, None);
}

#[test]
fn whole_answers_can_be_what_is_judged() {
    let mut rig = Rig::new();
    rig.state.configure(RouterSettings {
        metric: SlowMetric::Total,
        p95_limit: Duration::from_millis(1_500),
        ..RouterSettings::default()
    });
    for n in 0..19 {
        rig.first(9_000, at(n));
        rig.ended(None, at(n));
    }
    assert!(rig.state.take_slow(at(19)).is_empty());
    rig.ended(Some(OutcomeClass::Network), at(19));
    rig.ended(None, at(20));
    let slow = rig.state.take_slow(at(20));
    assert_eq!(slow, [Slow { model: "chat".into(), p95_ms: 2_000, limit_ms: 1_500 }]);
    assert_eq!(rig.view(at(20)).health.state, HealthState::Slow);
}

#[test]
fn a_model_that_is_refused_alone_is_cleared_alone() {
    let mut rig = Rig::new();
    assert_eq!(rig.state.refused_since(&rig.provider), None);
    rig.ended(Some(OutcomeClass::Account), at(7));
    assert_eq!(rig.state.refused_since(&rig.provider), Some(at(7)));
    let model = rig.model.clone();
    rig.state.clear_model_account(&model);
    assert_eq!(rig.state.refused_since(&rig.provider), None);
    assert!(rig.admit(at(8)).is_ok());
}

#[test]
fn a_token_for_warmth_warms_and_is_nobodys_answer() {
    let mut rig = Rig::new();
    let warmed = |outcome| Observation::Warmed {
        outcome,
        total_ms: 900,
        retry_after_ms: None,
        detail: String::new(),
    };
    rig.fold(&warmed(None), at(0));
    let view = rig.view(at(1));
    assert_eq!((view.health.samples, view.health.ttft_p50, view.recent.len()), (0, None, 0));
    assert_eq!(view.health.warmth, super::super::Warmth::Warm);
    for _ in 0..3 {
        rig.fold(&warmed(Some(OutcomeClass::Stall)), at(2));
    }
    let view = rig.view(at(2));
    assert!(matches!(view.circuit, CircuitView::Open { .. }), "it is broken for people as well");
    assert_eq!((view.health.error_rate, view.health.samples), (0.0, 0));
}

#[test]
fn a_silent_thinker_is_measured_by_its_own_prior() {
    let mut rig = Rig::new();
    let (provider, model) = (rig.provider.clone(), rig.model.clone());
    rig.state.set_prior(&provider, &model, 8_000);
    for n in 0..30 {
        rig.first(9_000, at(n));
    }
    let view = rig.view(at(30));
    assert_eq!((view.shifted_until, view.health.state), (None, HealthState::Up));
}

#[test]
fn a_ping_keeps_it_warm_and_proves_nothing_else() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.ended(Some(OutcomeClass::Provider), at(0));
    }
    rig.fold(&Observation::Pinged { ms: Some(80) }, at(10));
    let view = rig.view(at(10));
    assert_eq!(view.health.warmth, super::super::Warmth::Warm);
    assert_eq!(view.circuit, CircuitView::HalfOpen);
    assert_eq!(view.last_ping_ms, Some(80));
}

#[test]
fn the_last_error_is_kept_but_not_our_own_leaving() {
    let mut rig = Rig::new();
    rig.ended(Some(OutcomeClass::Provider), at(1));
    rig.ended(Some(OutcomeClass::Cancelled), at(2));
    assert_eq!(rig.view(at(3)).last_error, Some((at(1), "provider".into())));
}

#[test]
fn memory_is_bounded() {
    let mut rig = Rig::new();
    for n in 0..(MODELS as i64 + 50) {
        let model = ModelName::from(format!("m{n}"));
        rig.state.fold(&rig.provider, &model, &Observation::Started, at(n));
    }
    assert_eq!(rig.state.records.len(), MODELS);
    assert_eq!(rig.state.view(&"m0".into(), at(0)), ModelView::default());
}

#[test]
fn the_same_observations_give_the_same_view() {
    let run = || {
        let mut rig = Rig::new();
        for n in 0..50 {
            rig.fold(&Observation::Started, at(n));
            rig.first(300 + n as u64 * 7, at(n));
            rig.fold(&end((n % 7 == 0).then_some(OutcomeClass::Network), None), at(n + 1));
        }
        rig.view(at(60))
    };
    assert_eq!(run(), run());
}
