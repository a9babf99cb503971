//! Attempt after attempt: which model is asked next, how often, and with what. The choice itself is
//! made by `plan`; this file carries it out.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Limits, Model, Provider};
use crate::domain::{
    AttemptKind, Candidate, Continuation, Decision, Effort, ErrorReport, Finish, Outcome,
    OutcomeClass, ReaderKind, ReplyEvent, Request, Seam, SeamHow,
};
use crate::route::Observation;
use crate::wire::{self, Target};

use super::super::actor::{Denied, Insist, ToActor};
use super::super::attempt::{Call, millis};
use super::super::join::{Joiner, Repeats};
use super::super::permit::Permit;
use super::super::plan::{self, Left, Step};
use super::settle::{Made, ToReader};
use super::{Run, State};

/// Room for an answer where nothing else is said, in tokens, before thinking is added.
const DEFAULT_CAP: u64 = 8192;

/// Text shorter than this is thrown away rather than continued when its reader can take it back.
const WORTH_CONTINUING: usize = 40;

/// A learned first-token limit is never below this: a p95 of a few samples says little.
const FIRST_TOKEN_FLOOR: Duration = Duration::from_secs(3);

impl Run {
    // ---- attempts --------------------------------------------------------------------------

    pub(super) async fn attempt_all(
        &self,
        config: &Config,
        decision: &Decision,
        state: &mut State,
    ) -> Outcome {
        let ranked: Vec<&Candidate> = decision.ranked().collect();
        if ranked.is_empty() {
            return self.failed(state, nobody(decision));
        }
        let mut queue = ranked.into_iter().peekable();
        let mut kind = AttemptKind::First;
        while let Some(candidate) = queue.next() {
            let (Some(model), true) =
                (config.models.get(&candidate.model), state.attempts < plan::MAX_ATTEMPTS)
            else {
                continue;
            };
            let Some(provider) = config.providers.get(&model.provider) else { continue };
            if state.unreachable.contains(&provider.base_url) {
                continue;
            }
            if let Some(error) = &state.first_error
                && error.class == OutcomeClass::Context
                && !larger(config, error, model)
            {
                continue;
            }
            let other_ttft = queue
                .peek()
                .map_or(Duration::MAX, |next| Duration::from_millis(next.estimate.ttft_ms));
            let others = queue.len();
            match self
                .attempt_one(
                    config,
                    (provider, model, candidate),
                    kind,
                    (others, other_ttft),
                    state,
                )
                .await
            {
                Tried::Answered(finish) => {
                    let outcome = self.answered(state, finish, model);
                    self.keep(config, model, &outcome, state).await;
                    return outcome;
                }
                Tried::Stop(error) => return self.failed(state, error),
                Tried::Next => kind = AttemptKind::Fallback,
                Tried::NotAllowed => {}
            }
        }
        let error = state.first_error.clone().unwrap_or_else(|| nobody(decision));
        self.failed(state, error)
    }

    /// Asks one model, as often as it is worth it.
    async fn attempt_one(
        &self,
        config: &Config,
        (provider, model, candidate): (&Provider, &Model, &Candidate),
        mut kind: AttemptKind,
        (others, other_ttft): (usize, Duration),
        state: &mut State,
    ) -> Tried {
        let mut on_this = 0;
        let mut waited = Duration::ZERO;
        loop {
            let named = state.reply.decision.as_ref().is_some_and(|decision| {
                decision.imposed.as_ref().and_then(|imposed| imposed.model.as_ref())
                    == Some(&model.name)
            });
            let insist = if named || others == 0 { Insist::Yes } else { Insist::No };
            let mut permit = match self.shared.permit(&provider.name, &model.name, insist).await {
                Ok(permit) => permit,
                Err(Denied::Filtered(reason)) => {
                    state.first_error.get_or_insert_with(|| ErrorReport {
                        provider: Some(provider.name.clone()),
                        model: Some(model.name.clone()),
                        ..ErrorReport::new(
                            OutcomeClass::Provider,
                            "not_admitted",
                            format!("{}: {}", model.name, reason.detail),
                        )
                    });
                    return Tried::NotAllowed;
                }
                Err(Denied::Closing) => {
                    return Tried::Stop(ErrorReport::new(
                        OutcomeClass::Cancelled,
                        "closing",
                        "wheelhouse is closing",
                    ));
                }
            };
            on_this += 1;
            state.attempts += 1;
            let continues = self.continues(model, state);
            let made = if continues.is_some() { AttemptKind::Continue } else { kind };
            let ended = self
                .one_call(
                    config,
                    (provider, model, candidate),
                    made,
                    (waited, &mut permit),
                    continues,
                    state,
                )
                .await;
            drop(permit);
            let error = match ended {
                Ok(finish) => return Tried::Answered(finish),
                Err(error) => error,
            };
            if error.class == OutcomeClass::Cancelled || self.sink.abandoned() {
                return Tried::Stop(error);
            }
            if error.unreached() {
                state.unreachable.insert(provider.base_url.clone());
            }
            let first = state.first_error.get_or_insert_with(|| error.clone()).clone();
            if !self.can_go_on(state) {
                return Tried::Stop(first);
            }
            let left = Left {
                attempts: state.attempts,
                on_this,
                others,
                other_ttft,
                time: state.deadline.saturating_duration_since(Instant::now()),
                on_refusal: config.routing.on_refusal,
                jitter: self.shared.jitter(state.attempts),
            };
            match plan::after(&error, &left) {
                Step::Again(wait) => {
                    tokio::select! {
                        () = self.sink.left() => return Tried::Stop(error),
                        () = tokio::time::sleep(wait) => {}
                    }
                    waited = wait;
                    kind = AttemptKind::Retry;
                }
                Step::Next => return Tried::Next,
                Step::Stop => return Tried::Stop(first),
            }
        }
    }

    /// How this model would continue what the reader already has, if that is what comes next.
    fn continues(&self, model: &Model, state: &State) -> Option<SeamHow> {
        if state.reply.text.is_empty() {
            return None;
        }
        if self.request.reader == ReaderKind::Replaceable
            && state.reply.text.chars().count() < WORTH_CONTINUING
        {
            return None;
        }
        match model.capabilities.continuation {
            Continuation::Prefix => Some(SeamHow::Prefix),
            Continuation::Prefill => Some(SeamHow::Prefill),
            Continuation::Partial => Some(SeamHow::Partial),
            Continuation::Instruct => Some(SeamHow::Instruct),
            Continuation::None => None,
        }
    }

    /// Tool calls that were begun cannot be joined; only a reader that can take them back goes on.
    fn can_go_on(&self, state: &State) -> bool {
        self.request.reader == ReaderKind::Replaceable || state.reply.tool_calls.is_empty()
    }

    /// Makes one call and accounts for it.
    async fn one_call(
        &self,
        config: &Config,
        (provider, model, candidate): (&Provider, &Model, &Candidate),
        kind: AttemptKind,
        (waited, permit): (Duration, &mut Permit),
        continues: Option<SeamHow>,
        state: &mut State,
    ) -> Result<Finish, ErrorReport> {
        let started_ms = millis(state.started.elapsed());
        let made = Made { provider, model, n: state.attempts, kind, started_ms, waited };
        let key = self.shared.keys.key(&provider.name);
        let before = continues.map(|_| state.reply.text.clone());
        let target = Target {
            provider,
            model,
            key: key.as_ref(),
            max_tokens: cap(&self.request, model, candidate.estimate.input_tokens),
            continue_from: before.as_deref(),
        };
        self.tell(
            state,
            ReplyEvent::Attempt {
                n: made.n,
                model: model.name.clone(),
                provider: provider.name.clone(),
                kind,
                waited_ms: millis(waited),
            },
        );
        let ready = self
            .take_over(model, continues, state)
            .and_then(|()| self.shared.http())
            .and_then(|http| Ok((http, wire::encode(&self.request, &target)?)));
        state.last = Some((model.name.clone(), provider.name.clone(), model.id.clone()));
        let (http, call) = match ready {
            Ok(ready) => ready,
            Err(error) => {
                permit.began();
                self.observe_start(provider, model).await;
                self.settle(state, &made, None, Some(&error)).await;
                permit.ended();
                return Err(error);
            }
        };
        permit.began();
        self.observe_start(provider, model).await;
        let attempt = Call {
            http: &http,
            provider,
            model,
            sends: &call,
            limits: self.limits(config, model),
            deadline: state.deadline,
        };
        let joiner = before.map(|before| {
            let repeats = match continues {
                Some(SeamHow::Prefix) => Repeats::Prefix,
                Some(SeamHow::Prefill | SeamHow::Partial | SeamHow::Instruct) | None => {
                    Repeats::Tail
                }
            };
            Joiner::new(&before, repeats)
        });
        let mut pieces = ToReader::new(self, state, joiner, provider, model);
        let mut ended = attempt.run(&self.sink, &mut pieces).await;
        pieces.finish();
        let result = std::mem::replace(&mut ended.result, Ok(Finish::Stop)).map_err(|mut error| {
            error.provider.get_or_insert_with(|| provider.name.clone());
            error.model.get_or_insert_with(|| model.name.clone());
            self.shared.keys.name_the_key(provider, &mut error);
            error
        });
        self.settle(state, &made, Some(ended), result.as_ref().err()).await;
        permit.ended();
        result
    }

    async fn observe_start(&self, provider: &Provider, model: &Model) {
        self.shared
            .tell(ToActor::Observe {
                provider: provider.name.clone(),
                model: model.name.clone(),
                observation: Observation::Started,
            })
            .await;
    }

    /// Tells the reader that another attempt takes over from text it already has: joined at a seam,
    /// or from the start where that can be taken back.
    fn take_over(
        &self,
        model: &Model,
        continues: Option<SeamHow>,
        state: &mut State,
    ) -> Result<(), ErrorReport> {
        let previous = state.last.as_ref().map(|(model, ..)| model.clone());
        match (continues, previous) {
            (Some(how), Some(from)) => {
                let at_char = state.reply.text.chars().count() as u64;
                let seam = Seam { at_char, from, to: model.name.clone(), how };
                self.tell(state, ReplyEvent::Seam(seam));
                Ok(())
            }
            _ if state.reply.text.is_empty() && state.reply.tool_calls.is_empty() => {
                if !state.reply.reasoning.is_empty()
                    && self.request.reader == ReaderKind::Replaceable
                {
                    let why = "thinking starts over".to_owned();
                    self.tell(state, ReplyEvent::Restart { why });
                }
                Ok(())
            }
            _ if self.request.reader == ReaderKind::Replaceable => {
                let why = format!("{} starts over", model.name);
                self.tell(state, ReplyEvent::Restart { why });
                Ok(())
            }
            _ => Err(ErrorReport::new(
                OutcomeClass::Truncation,
                "cannot_continue",
                "the answer broke off and this model cannot continue it",
            )),
        }
    }

    fn limits(&self, config: &Config, model: &Model) -> Limits {
        let mut limits = config.limits_for(model);
        let snapshot = self.shared.snapshot();
        if let Some(health) = snapshot.health(&model.name)
            && let Some(p95) = health.ttft_p95
            && health.samples >= config.feedback.min_samples
            && !model.thinks_silently
        {
            let learned = Duration::from_millis(p95 * 3).max(FIRST_TOKEN_FLOOR);
            limits.first_token = learned.min(limits.first_token);
        }
        if model.thinks_silently {
            let patient = Duration::from_millis(model.latency.ttft_ms * 4);
            limits.first_token = limits.first_token.max(patient);
        }
        limits
    }
}

/// How asking one model went.
enum Tried {
    Answered(Finish),
    /// Nothing helps any more.
    Stop(ErrorReport),
    /// The next one, please.
    Next,
    /// It was not asked at all.
    NotAllowed,
}

/// The answer's cap: the caller's own, or what fits; never more than the model gives or the window
/// holds.
fn cap(request: &Request, model: &Model, input_tokens: u64) -> u32 {
    let window = model.context.saturating_sub(input_tokens).max(1);
    let thinking = if model.capabilities.reasoning {
        match request.params.effort {
            Some(Effort::None) => 0,
            Some(Effort::Low) => 4096,
            None | Some(Effort::Medium) => 16_384,
            Some(Effort::High) => 32_768,
        }
    } else {
        0
    };
    let wanted = request.params.max_tokens.map_or(DEFAULT_CAP + thinking, u64::from);
    let most = if model.max_output == 0 { u64::MAX } else { model.max_output };
    u32::try_from(wanted.min(most).min(window)).unwrap_or(u32::MAX)
}

/// Does this model hold more than the one that said the prompt is too long?
fn larger(config: &Config, error: &ErrorReport, model: &Model) -> bool {
    error
        .model
        .as_ref()
        .and_then(|name| config.models.get(name))
        .is_none_or(|small| model.context > small.context)
}

/// Why nobody could be asked, from the decision's own reasons.
fn nobody(decision: &Decision) -> ErrorReport {
    let mut reasons: Vec<String> = decision
        .candidates
        .iter()
        .filter_map(|candidate| {
            let reason = candidate.filtered.first()?;
            Some(format!("{}: {}", candidate.model, reason.detail))
        })
        .collect();
    let more = reasons.len().saturating_sub(4);
    reasons.truncate(4);
    if more > 0 {
        reasons.push(format!("{more} more"));
    }
    let (message, hint) = if reasons.is_empty() {
        (
            "no model can be used: no API key is set and no local server was found".to_owned(),
            "wheelhouse doctor lists the keys it looks for; --demo needs none",
        )
    } else {
        (
            format!("no model can take this ({})", reasons.join("; ")),
            "wheelhouse explain shows every candidate; wheelhouse doctor shows keys",
        )
    };
    ErrorReport {
        hint: hint.to_owned(),
        ..ErrorReport::new(OutcomeClass::Account, "no_candidate", message)
    }
}
