//! A model's memory put aside and put back: what a drill does to it is not to be remembered.

use crate::domain::{ModelName, UnixMs};

use super::{Record, RouterState};

/// What was remembered of a model at a moment; `None` within when it was unknown.
#[derive(Debug, Clone)]
pub struct Kept(Option<Record>);

impl RouterState {
    /// What is remembered of a model now.
    pub fn keep(&self, model: &ModelName) -> Kept {
        Kept(self.records.get(model).cloned())
    }

    /// Forgets what happened to a model since it was kept, but for what is in flight.
    pub fn put_back(&mut self, model: &ModelName, kept: Kept, now: UnixMs) {
        let flying =
            self.records.get(model).map_or(0, |r| r.health.figures(now, &self.bounds).in_flight);
        match kept.0 {
            Some(mut record) => {
                for _ in 0..record.health.figures(now, &self.bounds).in_flight {
                    record.health.landed();
                }
                for _ in 0..flying {
                    record.health.started(now, &self.bounds);
                }
                self.records.insert(model.clone(), record);
            }
            None if flying == 0 => {
                self.records.remove(model);
            }
            None => self.close_circuit(model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OutcomeClass;
    use crate::route::{CircuitView, Observation, RouterSettings};

    #[test]
    fn failures_after_it_was_kept_are_forgotten_and_flights_are_not() {
        let mut state = RouterState::new(RouterSettings::default());
        let (provider, model) = ("lab".into(), ModelName::from("small"));
        let now = UnixMs(1_000_000);
        state.fold(&provider, &model, &Observation::Started, now);
        state.fold(&provider, &model, &Observation::FirstToken { ttft_ms: 500 }, now);
        let kept = state.keep(&model);
        for _ in 0..4 {
            state.fold(&provider, &model, &Observation::Started, now);
            let failed = Observation::Ended {
                outcome: Some(OutcomeClass::Network),
                total_ms: 1,
                output_tokens: 0,
                streaming_ms: 0,
                gap_ms: None,
                retry_after_ms: None,
                detail: "refused".to_owned(),
            };
            state.fold(&provider, &model, &failed, now);
        }
        state.fold(&provider, &model, &Observation::Started, now);
        assert!(matches!(state.view(&model, now).circuit, CircuitView::Open { .. }));
        state.put_back(&model, kept, now);
        let view = state.view(&model, now);
        assert_eq!(view.circuit, CircuitView::Closed);
        assert_eq!((view.health.ttft_p50, view.health.in_flight), (Some(500), 2));
        assert_eq!(view.last_error, None);
    }
}
