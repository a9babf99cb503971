//! Money for an attempt: what it may cost at most, holding that before it is made, and what is said
//! when no budget allows it.
//!
//! Must not know: how budgets are kept. Invariant: no attempt is made without a reservation, and one
//! that waits for money holds none.

use tokio::time::Instant;
use uuid::Uuid;

use crate::config::{Config, Model};
use crate::domain::{AttemptId, Candidate, Decision, ErrorReport, OverBudget, ReplyEvent};
use crate::route::{Hindrance, Payer, Refusal};

use super::super::purse::{Reservation, Wait, Wanted};
use super::super::{account, clock, refusal};
use super::calls::Asking;
use super::leave::left_while_waiting;
use super::tries::known;
use super::{Room, Run, State, cap};

impl Run {
    /// What an attempt with so large a prompt and answer may cost until the deadline.
    pub(super) fn wanted(
        &self,
        config: &Config,
        model: &Model,
        (input, cap): (u64, u32),
        deadline: Instant,
    ) -> Wanted {
        let now = clock::now();
        let until = now + deadline.saturating_duration_since(Instant::now());
        let asked = account::asked(&self.request, config, model);
        let most = account::most(model, asked, (now, until), input, u64::from(cap));
        Wanted {
            payer: Payer {
                session: self.request.kept_session(),
                provider: model.provider.clone(),
                model: model.name.clone(),
            },
            most,
            prompt: account::prompt(model, asked, now, input),
            allowance: self.request.over_budget,
        }
    }

    /// Holds the money for the next attempt, waiting for what others hold where that is all that
    /// stands in the way. `Err(None)`: a budget does not allow this model, another may be cheaper.
    pub(super) async fn money_for(
        &self,
        asking: &Asking<'_>,
        state: &mut State,
    ) -> Result<Reservation, Option<ErrorReport>> {
        let model = asking.model.as_ref();
        let prompt = asking.candidate.estimate.input_tokens;
        let cap = cap(&self.request, model, prompt, state.room, state.written);
        // What the answer is gone on from is sent along.
        let before = self.continuation(model, state).map_or(0, |_| state.reply.text.len() as u64);
        let input = prompt.saturating_add(account::tokens_of(before));
        let wanted = self.wanted(asking.config, model, (input, cap), state.deadline);
        let id = AttemptId(Uuid::now_v7());
        let purse = &self.shared.purse;
        let waits = |wait: Wait, refusal: &Refusal| match wait {
            Wait::Begins => self.record.waits(),
            Wait::Lasts => self.sink.push(ReplyEvent::Held { what: refusal::held(refusal) }),
        };
        let refused = tokio::select! {
            biased;
            held = purse.reserve_in_turn(id, &wanted, waits) => match held {
                Ok(money) => return Ok(money),
                Err(refusal) => Some(refusal),
            },
            () = self.sink.left() => {
                return Err(Some(left_while_waiting()));
            }
            () = tokio::time::sleep_until(state.deadline) => purse.refusal(&wanted, clock::now()),
        };
        if let Some(refusal) = refused {
            let asks = self.request.over_budget == OverBudget::Ask;
            if asks && refusal.hindrance == Hindrance::Ask && state.attempts == 0 {
                // It fitted when it was decided.
                return Err(Some(refusal::question(&refusal, asking.candidate, clock::now())));
            }
            state.denied.get_or_insert_with(|| ErrorReport {
                provider: Some(model.provider.clone()),
                model: Some(model.name.clone()),
                ..refusal::report(&refusal, clock::now())
            });
        }
        Err(None)
    }

    /// The refusal of the first candidate that only a budget kept out, if nobody is left and one was.
    pub(super) fn over_budget(&self, config: &Config, decision: &Decision) -> Option<ErrorReport> {
        let refused = decision
            .candidates
            .iter()
            .filter(|candidate| candidate.only_over_budget())
            .filter_map(|candidate| self.refusal(config, candidate));
        // One that asks can still be answered; of several, the cheapest is what it is about.
        let refusal = refused.min_by_key(|refusal| (refusal.hindrance, refusal.need))?;
        Some(refusal::report(&refusal, clock::now()))
    }

    /// What is asked before anybody is: a budget that asks keeps out whoever would be the choice, and
    /// somebody is there to say what then.
    pub(super) fn asks_first(&self, config: &Config, decision: &Decision) -> Option<ErrorReport> {
        if self.request.over_budget != OverBudget::Ask {
            return None;
        }
        let kept = decision.over_budget.as_ref().filter(|kept| kept.asks)?;
        let candidate = decision.candidate(kept.model.as_str())?;
        let refusal = self.refusal(config, candidate)?;
        (refusal.hindrance == Hindrance::Ask)
            .then(|| refusal::question(&refusal, candidate, clock::now()))
    }

    /// Why no budget allows a candidate now, if none does.
    fn refusal(&self, config: &Config, candidate: &Candidate) -> Option<Refusal> {
        let (_, model) = known(config, candidate)?;
        let input = candidate.estimate.input_tokens;
        let cap = cap(&self.request, model, input, Room::Usual, 0);
        let deadline = Instant::now() + config.limits.total;
        let wanted = self.wanted(config, model, (input, cap), deadline);
        self.shared.purse.refusal(&wanted, clock::now())
    }
}
