//! One call, or two in a race: what is sent, how long it may take, what it gave, and its account.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::config::{Config, HedgeWhen, Model, Provider};
use crate::domain::{
    AttemptId, AttemptKind, Audience, Candidate, Continuation, ErrorReport, Evidence, Finish,
    Money, OutcomeClass, ReaderKind, ReplyEvent, Seam, SeamHow,
};
use crate::route::{Observation, Written};
use crate::wire::{self, HttpCall, Target, http::Http};

use super::super::actor::{Insist, ToActor};
use super::super::attempt::{Call, Empty, Ended, millis, nothing_said};
use super::super::drill::{self, Drill};
use super::super::join::{Ending, Joiner, Repeats};
use super::super::permit::Permit;
use super::super::verdict::{self, Stops, Wants};
use super::patience;
use super::race::{Finished, Race, Side};
use super::reader::{TakesOver, ToReader};
use super::room;
use super::settle::{Made, OUTRUN};
use super::tries::{Others, known};
use super::{Run, State, Stopped};

/// Fewer samples than this say nothing about how slow "slow" is.
const RACE_SAMPLES: u32 = 5;

/// A model that usually begins within this is not raced: the second could hardly be quicker.
const RACE_FLOOR: Duration = Duration::from_millis(300);

/// Who is asked.
pub(super) struct Asking<'a> {
    pub(super) config: &'a Config,
    pub(super) provider: &'a Provider,
    /// As it is asked: its way of going on may have been changed.
    pub(super) model: Cow<'a, Model>,
    pub(super) candidate: &'a Candidate,
}

/// A second model on the course.
struct Second<'a> {
    made: Made<'a>,
    http: Http,
    call: HttpCall,
    permit: Permit,
    deadline: Instant,
    limits: crate::config::Limits,
    cap: u32,
    drill: Option<Drill>,
}

impl Run {
    /// Makes one call and accounts for it.
    pub(super) async fn one_call(
        &self,
        asking: &Asking<'_>,
        (kind, waited): (AttemptKind, Duration),
        permit: &mut Permit,
        others: Others<'_>,
        state: &mut State,
    ) -> Result<Finish, ErrorReport> {
        let (provider, model) = (asking.provider, asking.model.as_ref());
        let started_ms = Self::elapsed_ms(state);
        let (id, at) = (attempt_of(permit), super::super::clock::now());
        let how = self.continuation(model, state);
        let before = how.map(|_| state.reply.text.clone());
        let along = before.as_deref().map(Written::of).unwrap_or_default();
        let n = state.attempts;
        let made = Made { id, at, provider, model, n, kind, started_ms, waited, along };
        let input = asking.candidate.estimate.input_tokens;
        let cap = room::cap(&self.request, model, input, state.room, state.written);
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
        let takes_over = self.takes_over(model, how, state);
        let ready = takes_over.and_then(|takes_over| {
            let request = self.as_sent(state);
            let (http, call) = self.ready(&request, provider, model, (cap, before.as_deref()))?;
            Ok((takes_over, http, call))
        });
        state.asked = Some((model.name.clone(), provider.name.clone(), model.id.clone()));
        permit.began();
        self.observe_start(provider, model).await;
        let (takes_over, http, call) = match ready {
            Ok(ready) => ready,
            Err(error) => {
                self.settle(state, &made, None, Some(&error)).await;
                permit.ended();
                return Err(error);
            }
        };
        let snapshot = self.shared.snapshot();
        let health = snapshot.health(&model.name);
        let limits = patience::limits(asking.config, model, health, others.elsewhere());
        let race_after = self.race_after(asking, others, state);
        let joiner = before.as_deref().map(|before| joiner(provider, model, before));
        // The request's deadline holds for all attempts; a model's own limit for one of them.
        let deadline = state.deadline.min(Instant::now() + limits.total);
        // Only where the provider said that the model was done may there be nothing to add.
        let empty = match (&before, state.stopped) {
            (Some(_), Stopped::Orderly) => Empty::Answer,
            (None, _) | (Some(_), Stopped::Unmarked) => Empty::Failure,
        };
        let attempts = state.attempts;
        let started = state.started;
        let race = Race::new(ToReader::new(self, state, (joiner, takes_over), provider, model));
        let first = Call {
            http: &http,
            provider,
            model,
            sends: &call,
            limits,
            deadline,
            empty,
            lost: race.lost(Side::First),
            drill: drill::on(
                &snapshot.overrides.drills,
                &provider.name,
                &model.name,
                super::super::clock::now(),
            )
            .cloned(),
        };
        let finished = match race_after.zip(others.next) {
            None => {
                let mut lane = race.lane(Side::First);
                let first = first.run(&self.sink, &mut lane).await;
                Finished { first, second: None, winner: None }
            }
            Some((after, next)) => {
                let second = self.second(asking.config, next, (attempts + 1, started), deadline);
                self.side_by_side(&race, &first, after, second).await
            }
        };
        let broken = match (&finished.winner, &finished.second) {
            (Some(Side::Second), Some((_, ended))) => ended.result.is_err(),
            _ => finished.first.result.is_err(),
        };
        let ending = if broken { Ending::Broken } else { Ending::Whole };
        let (rest, winner) = race.finish(ending);
        let Finished { mut first, second, .. } = finished;
        if second.is_none()
            && let Err(error) = rest
        {
            first.result = first.result.and(Err(error));
        }
        let no_more =
            before.as_ref() == Some(&state.reply.text) && state.reply.tool_calls.is_empty();
        if no_more && empty == Empty::Failure {
            // What it repeated was left out, and then nothing was left.
            first.result = first.result.and_then(|_| Err(nothing_said()));
        }
        let Some((second, second_ended)) = second else {
            let result = self.settled(&made, first, cap, state).await;
            permit.ended();
            return result;
        };
        // Both are accounted for, the answering one last.
        state.attempts += 1;
        let raced = second.made.model.name.clone();
        // Who only lost may be asked again.
        let outrun = second_ended.result.as_ref().is_err_and(|error| error.code == OUTRUN);
        let Second { made: second_made, permit: mut second_permit, cap: second_cap, .. } = second;
        let result = if winner == Some(Side::Second) {
            let _ = self.settled(&made, first, cap, state).await;
            self.settled(&second_made, second_ended, second_cap, state).await
        } else {
            let _ = self.settled(&second_made, second_ended, second_cap, state).await;
            self.settled(&made, first, cap, state).await
        };
        if !outrun && result.is_err() {
            state.raced.insert(raced);
        }
        permit.ended();
        second_permit.ended();
        result
    }

    /// The call in bytes, and what it is sent with.
    fn ready(
        &self,
        request: &crate::domain::Request,
        provider: &Provider,
        model: &Model,
        (cap, before): (u32, Option<&str>),
    ) -> Result<(Http, HttpCall), ErrorReport> {
        let key = self.shared.keys.key(&provider.name);
        let target =
            Target { provider, model, key: key.as_ref(), max_tokens: cap, continue_from: before };
        Ok((self.shared.http()?, wire::encode(request, &target)?))
    }

    /// Names who it was in an attempt's error, judges the answer if there is one, and accounts for it.
    async fn settled(
        &self,
        made: &Made<'_>,
        mut ended: Ended,
        cap: u32,
        state: &mut State,
    ) -> Result<Finish, ErrorReport> {
        let (provider, model) = (made.provider, made.model);
        let result = std::mem::replace(&mut ended.result, Ok(Finish::Stop));
        let result = match result {
            Ok(finish) => self.judged(finish, &ended, made, cap, state),
            Err(error) => Err(error),
        };
        let result = result.map_err(|mut error| {
            error.provider.get_or_insert_with(|| provider.name.clone());
            error.model.get_or_insert_with(|| model.name.clone());
            self.shared.keys.name_the_key(provider, &mut error);
            error
        });
        if let Err(error) = &result {
            self.keep_unread(error).await;
        }
        self.settle(state, made, Some(&ended), result.as_ref().err()).await;
        result
    }

    /// Is the answer whole? Where it is not and could be, that is an error to go on from.
    fn judged(
        &self,
        finish: Finish,
        ended: &Ended,
        made: &Made<'_>,
        cap: u32,
        state: &mut State,
    ) -> Result<Finish, ErrorReport> {
        let params = &self.request.params;
        let json = params.response_format.as_ref().is_some_and(|format| {
            matches!(
                format.get("type").and_then(serde_json::Value::as_str),
                Some("json_object" | "json_schema")
            )
        });
        if finish == Finish::Stop {
            state.stopped = Stopped::Orderly;
        }
        let mut verdict = verdict::judge(&verdict::Ended {
            finish,
            raw: &ended.raw_finish,
            text: &state.reply.text,
            tool_calls: &state.reply.tool_calls,
            usage: ended.usage,
            cap: u64::from(cap),
            window: made.model.context,
            stops: if params.stop.is_empty() { Stops::None } else { Stops::Possible },
            wants: if json { Wants::Json } else { Wants::Text },
        });
        if verdict.evidence.contains(&Evidence::AtCap) && u64::from(cap) >= made.model.max_output {
            state.needs.output = state.needs.output.max(made.model.max_output);
        }
        if ended.stamps.first_text.is_none() && !state.reply.text.is_empty() {
            // It was asked to go on and had nothing to add: the answer had been whole.
            verdict.truncated = false;
        }
        if !verdict.evidence.is_empty() || state.reply.verdict.is_some() {
            self.tell(state, ReplyEvent::Verdict(verdict.clone()));
        }
        let told = ended.usage.filter(|usage| !usage.estimated).map(|usage| usage.output);
        self.accept(finish, &verdict, told, state)
    }

    /// An error whose words are not known is put by, so that they can be.
    async fn keep_unread(&self, error: &ErrorReport) {
        // Of what is private nothing is kept, whatever a provider repeats of it.
        if self.request.audience() == Audience::Here || !self.shared.unread.wants(error) {
            return;
        }
        let (collector, error) = (Arc::clone(&self.shared.unread), error.clone());
        let request = self.request.clone();
        let now = super::super::clock::now();
        // Waited for: the program may end with this request.
        let kept = tokio::task::spawn_blocking(move || collector.keep(&error, &request, now));
        let _ = kept.await;
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

    /// What the reader is told once another attempt takes over from what it already has: a seam, or a
    /// restart where that can be taken back.
    fn takes_over(
        &self,
        model: &Model,
        how: Option<Continuation>,
        state: &State,
    ) -> Result<TakesOver, ErrorReport> {
        let replaceable = self.request.reader == ReaderKind::Replaceable;
        let how = how.and_then(|how| match how {
            Continuation::Prefix => Some(SeamHow::Prefix),
            Continuation::Prefill => Some(SeamHow::Prefill),
            Continuation::Partial => Some(SeamHow::Partial),
            Continuation::Instruct => Some(SeamHow::Instruct),
            Continuation::None => None,
        });
        match (how, &state.last) {
            (Some(how), Some((from, ..))) => {
                let at_char = state.reply.text.chars().count() as u64;
                Ok(TakesOver::At(Seam { at_char, from: from.clone(), to: model.name.clone(), how }))
            }
            _ if state.reply.text.is_empty() && state.reply.tool_calls.is_empty() => {
                Ok(if state.reply.reasoning.is_empty() || !replaceable {
                    TakesOver::Nothing
                } else {
                    TakesOver::Restart("thinking starts over".to_owned())
                })
            }
            _ if replaceable => Ok(TakesOver::Restart(format!("{} starts over", model.name))),
            _ => Err(ErrorReport::new(
                OutcomeClass::Truncation,
                super::CANNOT_CONTINUE,
                "the answer broke off and this model cannot continue it",
            )),
        }
    }

    // ---- racing ----------------------------------------------------------------------------

    /// After how long of silence a second model is asked too; `None` when it is not.
    fn race_after(
        &self,
        asking: &Asking<'_>,
        others: Others<'_>,
        state: &State,
    ) -> Option<Duration> {
        let fresh = state.reply.text.is_empty() && state.reply.tool_calls.is_empty();
        if asking.config.hedge.when == HedgeWhen::Never || !fresh || others.next.is_none() {
            return None;
        }
        let snapshot = self.shared.snapshot();
        let health = snapshot.health(&asking.model.name)?;
        let p95 = health.ttft_p95.filter(|_| health.samples >= RACE_SAMPLES)?;
        Some(Duration::from_millis(p95)).filter(|after| *after >= RACE_FLOOR)
    }

    /// Gets a second model ready, if it may race. Nobody is told of it before it does: the race may be
    /// decided meanwhile.
    async fn second<'a>(
        &'a self,
        config: &'a Config,
        candidate: &'a Candidate,
        (n, started): (u32, Instant),
        deadline: Instant,
    ) -> Option<Second<'a>> {
        let (provider, model) = known(config, candidate)?;
        let cost = candidate.estimate.cost.unwrap_or(Money::ZERO);
        if !self.shared.may_race(cost).await {
            return None;
        }
        let kind = AttemptKind::Hedge;
        let input = candidate.estimate.input_tokens;
        let cap = room::cap(&self.request, model, input, room::Room::Usual, 0);
        // Nobody waits for money to race with.
        let wanted = self.wanted(config, model, (input, cap), deadline);
        let id = AttemptId(Uuid::now_v7());
        let money =
            self.shared.purse.reserve(id, &wanted, super::super::clock::now()).await.ok()?;
        let permit =
            self.shared.permit(&provider.name, &model.name, Insist::No, kind).await.ok()?;
        let permit = permit.paid_with(money);
        let (http, call) = self.ready(&self.request, provider, model, (cap, None)).ok()?;
        let snapshot = self.shared.snapshot();
        let limits = patience::limits(
            config,
            model,
            snapshot.health(&model.name),
            patience::Elsewhere::Nobody,
        );
        let started_ms = millis(started.elapsed());
        let (id, at) = (attempt_of(&permit), super::super::clock::now());
        let (waited, along) = (Duration::ZERO, Written::default());
        let made = Made { id, at, provider, model, n, kind, started_ms, waited, along };
        let drills = &snapshot.overrides.drills;
        let drill =
            drill::on(drills, &provider.name, &model.name, super::super::clock::now()).cloned();
        Some(Second { made, http, call, permit, deadline, limits, cap, drill })
    }

    /// The second is on its way.
    async fn joined(&self, second: &mut Second<'_>) {
        let made = &second.made;
        second.permit.began();
        self.observe_start(made.provider, made.model).await;
        let event = ReplyEvent::Attempt {
            n: made.n,
            model: made.model.name.clone(),
            provider: made.provider.name.clone(),
            kind: made.kind,
            waited_ms: 0,
        };
        self.record.event(&event);
        self.sink.push(event);
    }

    /// Runs the first; where it is silent for so long, a second beside it.
    async fn side_by_side<'s: 'r, 'r>(
        &self,
        race: &Race<'r>,
        first: &Call<'_>,
        after: Duration,
        second: impl Future<Output = Option<Second<'s>>>,
    ) -> Finished<Second<'s>> {
        let alone = |first| Finished { first, second: None, winner: None };
        let mut lane = race.lane(Side::First);
        let running = first.run(&self.sink, &mut lane);
        tokio::pin!(running);
        tokio::select! {
            biased;
            first = &mut running => return alone(first),
            () = tokio::time::sleep(after) => {}
        }
        if !race.open() {
            return alone(running.await);
        }
        let second = tokio::select! {
            biased;
            first = &mut running => return alone(first),
            second = second => second,
        };
        let Some(mut second) = second else { return alone(running.await) };
        if !race.joins(second.made.provider, second.made.model) {
            // It was decided in the meantime; the permit goes back by itself.
            return alone(running.await);
        }
        self.joined(&mut second).await;
        let other = Call {
            http: &second.http,
            provider: second.made.provider,
            model: second.made.model,
            sends: &second.call,
            limits: second.limits,
            deadline: second.deadline,
            empty: Empty::Failure,
            lost: race.lost(Side::Second),
            drill: second.drill.clone(),
        };
        let mut lane = race.lane(Side::Second);
        let (first, ended) = tokio::join!(running, other.run(&self.sink, &mut lane));
        let winner = race.winner();
        Finished { first, second: Some((second, ended)), winner }
    }
}

/// The attempt a permit is for.
fn attempt_of(permit: &Permit) -> AttemptId {
    permit.attempt().unwrap_or_else(|| AttemptId(Uuid::now_v7()))
}

/// What joins a continuation by this model to the text before.
fn joiner(provider: &Provider, model: &Model, before: &str) -> Joiner {
    let repeats = match model.capabilities.continuation {
        Continuation::Prefix if model.quirks.prefix_repeats => Repeats::Prefix,
        Continuation::Prefix
        | Continuation::Prefill
        | Continuation::Partial
        | Continuation::Instruct
        | Continuation::None => Repeats::Perhaps,
    };
    let unsent = if wire::sends_trailing_blanks(provider.dialect) {
        0
    } else {
        before.len() - before.trim_end().len()
    };
    Joiner::new(before, repeats, unsent)
}
