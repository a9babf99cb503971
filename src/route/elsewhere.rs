//! Is there anywhere for a slow model's traffic to go?
//!
//! Owns: who can take over. Must not know: why traffic should leave. Invariant: whoever is named
//! passes every filter a decision has, so traffic never leaves for nowhere.

use crate::domain::ModelName;

use super::{CandidateInput, CircuitView, DecisionInput, HealthState, filter};

/// Who could take over the traffic of this model now: works, is not slow itself, has headroom. One
/// that does not fail together with it comes first; then the best in general.
pub fn elsewhere<'a>(input: &'a DecisionInput, leaving: &ModelName) -> Option<&'a CandidateInput> {
    let features = &input.features;
    let own = input.candidates.iter().find(|candidate| candidate.model == *leaving);
    let domain = own.map(|own| own.failure_domain.as_str());
    let (size, answer) = (features.input_tokens, features.output_tokens);
    input
        .candidates
        .iter()
        .filter(|other| other.model != *leaving)
        .filter(|other| filter::reasons(other, input, None, None, size, answer).is_empty())
        .filter(|other| other.circuit == CircuitView::Closed)
        .filter(|other| match other.health.state {
            HealthState::Up | HealthState::Unknown => true,
            HealthState::Slow | HealthState::Probing | HealthState::Down => false,
        })
        .max_by(|a, b| {
            let apart = |other: &CandidateInput| domain != Some(other.failure_domain.as_str());
            let quality = |other: &CandidateInput| other.quality.get(features.task);
            let by_quality = quality(a).total_cmp(&quality(b));
            apart(a).cmp(&apart(b)).then(by_quality).then_with(|| b.model.cmp(&a.model))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Origin, ReaderKind, Request, RequestId, UnixMs};
    use crate::route::{Forecast, KeyState, Outlook, features, sample};
    use uuid::Uuid;

    fn input() -> DecisionInput {
        let id = RequestId(Uuid::nil());
        let request = Request::new(id, Origin::Chat, ReaderKind::Replaceable, "hello");
        let mut input = sample::input(features(&request));
        input.candidates = vec![
            sample::candidate("slow", "deepseek"),
            sample::candidate("sibling", "deepseek"),
            sample::candidate("apart", "mistral"),
        ];
        input
    }

    fn to(input: &DecisionInput) -> Option<&str> {
        elsewhere(input, &"slow".into()).map(|other| other.model.as_str())
    }

    #[test]
    fn traffic_goes_where_it_does_not_fail_together_if_it_can() {
        let mut input = input();
        assert_eq!(to(&input), Some("apart"));
        input.candidates[2].drained = true;
        assert_eq!(to(&input), Some("sibling"));
        input.candidates.truncate(1);
        assert_eq!(to(&input), None);
    }

    #[test]
    fn nobody_is_named_who_is_broken_slow_limited_away_or_without_a_key() {
        let near = Forecast {
            what: "requests".into(),
            left: 4,
            limit: Some(60),
            runs_out: UnixMs(5_000),
            resets_at: Some(UnixMs(50_000)),
            outlook: Outlook::Soon,
        };
        let changes: [&dyn Fn(&mut CandidateInput); 9] = [
            &|c| c.circuit = CircuitView::Open { until: UnixMs(5_000) },
            &|c| c.circuit = CircuitView::HalfOpen,
            &|c| c.health.state = HealthState::Slow,
            &|c| c.limited_until = Some(UnixMs(5_000)),
            &|c| c.forecast = Some(near.clone()),
            &|c| c.shifted_until = Some(UnixMs(5_000)),
            &|c| c.key = KeyState::Missing("K".into()),
            &|c| c.maintenance = true,
            &|c| c.rates = None,
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut input = input();
            input.candidates.remove(1);
            assert_eq!(to(&input), Some("apart"));
            change(&mut input.candidates[1]);
            assert_eq!(to(&input), None, "change {n}");
        }
    }
}
