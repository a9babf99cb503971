//! Room for an answer: the cap that is sent, and which models have more of it than the one that ran
//! out. Pure.

use crate::config::Model;
use crate::domain::{Effort, Request};

/// Room for an answer where nothing else is said, in tokens, before thinking is added.
const DEFAULT_CAP: u64 = 8192;

/// How much room an answer is given where the caller set no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Room {
    /// Enough for nearly every answer.
    Usual,
    /// All there is: the usual was not enough.
    Most,
}

/// The answer's cap: the caller's own less what of it is used up, or what fits; never more than the
/// model gives or the window holds.
pub(in crate::engine) fn cap(
    request: &Request,
    model: &Model,
    input_tokens: u64,
    room: Room,
    used: u64,
) -> u32 {
    let window = model.context.saturating_sub(input_tokens.saturating_add(used)).max(1);
    let most = if model.max_output == 0 { u64::MAX } else { model.max_output };
    let wanted = match (request.params.max_tokens, room) {
        (Some(own), _) => u64::from(own).saturating_sub(used).max(1),
        (None, Room::Usual) => DEFAULT_CAP + thinking(request, model),
        (None, Room::Most) => most,
    };
    u32::try_from(wanted.min(most).min(window)).unwrap_or(u32::MAX)
}

fn thinking(request: &Request, model: &Model) -> u64 {
    if !model.capabilities.reasoning {
        return 0;
    }
    match request.params.effort {
        Some(Effort::None) => 0,
        Some(Effort::Low) => 4096,
        None | Some(Effort::Medium) => 16_384,
        Some(Effort::High) => 32_768,
    }
}

/// What an answer that ran out of room needs more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Needs {
    /// A window of more than so many tokens.
    pub(super) window: u64,
    /// A greatest answer of more than so many tokens.
    pub(super) output: u64,
}

impl Needs {
    /// Does this model have what is needed?
    pub(super) fn met_by(&self, model: &Model) -> bool {
        (self.window == 0 || model.context > self.window)
            && (self.output == 0 || model.max_output == 0 || model.max_output > self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Origin, ReaderKind, RequestId};

    fn model() -> Model {
        super::super::super::account::sample_model()
    }

    fn request(max_tokens: Option<u32>) -> Request {
        let id = RequestId(uuid::Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::Replaceable, "x");
        request.params.max_tokens = max_tokens;
        request
    }

    #[test]
    fn a_callers_cap_is_never_raised_and_what_is_used_of_it_counts() {
        let (model, capped) = (model(), request(Some(60)));
        assert_eq!(cap(&capped, &model, 100, Room::Usual, 0), 60);
        assert_eq!(cap(&capped, &model, 100, Room::Most, 0), 60);
        assert_eq!(cap(&capped, &model, 100, Room::Most, 45), 15);
    }

    #[test]
    fn without_one_the_model_and_its_window_are_the_limit() {
        let model = model();
        assert_eq!(cap(&request(None), &model, 100, Room::Usual, 0), 100, "the model's greatest");
        assert_eq!(cap(&request(None), &model, 950, Room::Most, 0), 50, "what the window holds");
    }

    #[test]
    fn an_answer_that_filled_a_window_needs_a_larger_one() {
        let model = model();
        assert!(Needs::default().met_by(&model));
        assert!(!Needs { window: 1000, output: 0 }.met_by(&model));
        assert!(Needs { window: 999, output: 99 }.met_by(&model));
        assert!(!Needs { window: 0, output: 100 }.met_by(&model));
    }
}
