//! A decision with its story, in words: shared by the panel beside the chat and the Routes view.

use std::fmt::Write as _;

use std::time::Duration;

use super::words;
use crate::console::app::{AppState, ReplyCell, RouteMark, RunningAttempt};
use crate::domain::{
    AttemptReport, Candidate, Decision, FilterCode, ModelName, OutcomeClass, PinScope,
    RequestFeatures, RequestId, UnixMs,
};
use crate::domain::{Evidence, Outcome};
use crate::engine::{self, LogEntry, ScriptPrice};

/// One request from decision to outcome.
pub(super) struct Case<'a> {
    pub(super) request: RequestId,
    pub(super) at: UnixMs,
    pub(super) decision: &'a Decision,
    pub(super) decided_in: Option<Duration>,
    pub(super) attempts: &'a [AttemptReport],
    /// What there is to doubt though it was answered.
    pub(super) doubts: &'a [Evidence],
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) running: Option<&'a RunningAttempt>,
    /// What the scripts of the text cost with the model that answered.
    pub(super) scripts: Vec<ScriptPrice>,
}

impl<'a> Case<'a> {
    /// A line of the log, with what the conversation knows of it while it runs.
    pub(super) fn of_entry(state: &'a AppState, entry: &'a LogEntry) -> Self {
        let running = match state.running() {
            Some((_, reply)) if reply.request == entry.request => reply.phase.attempt(),
            _ => None,
        };
        let mut case = Self {
            request: entry.request,
            at: entry.at,
            decision: &entry.decision,
            decided_in: Some(entry.decided_in),
            attempts: &entry.attempts,
            doubts: &entry.doubts,
            outcome: entry.outcome.as_ref(),
            running: running.filter(|_| entry.outcome.is_none()),
            scripts: Vec::new(),
        };
        case.scripts = case.script_prices(state);
        case
    }

    /// By the scripts of the text, the commonest first.
    fn script_prices(&self, state: &AppState) -> Vec<ScriptPrice> {
        let Some(snapshot) = &state.snapshot else { return Vec::new() };
        let Some(name) = self.answered() else { return Vec::new() };
        let Some(model) = snapshot.config.models.get(name) else { return Vec::new() };
        let learned = snapshot.models.get(name).map(|seen| seen.tokens.clone()).unwrap_or_default();
        let prices = engine::script_prices(model, &learned, self.at);
        let scripts = self.decision.features.scripts.iter();
        scripts
            .filter_map(|(script, _)| prices.iter().find(|price| price.script == *script).copied())
            .collect()
    }

    pub(super) fn of_reply(reply: &'a ReplyCell) -> Option<Self> {
        Some(Self {
            request: reply.request,
            at: reply.asked_at,
            decision: reply.reply.decision.as_ref()?,
            decided_in: None,
            attempts: &reply.reply.attempts,
            doubts: &[],
            outcome: reply.reply.outcome.as_ref(),
            running: reply.phase.attempt(),
            scripts: Vec::new(),
        })
    }

    /// The model that answered, or is about to.
    pub(super) fn answered(&self) -> Option<&str> {
        if let Some(running) = self.running {
            return Some(running.model.as_str());
        }
        self.outcome
            .and_then(|outcome| outcome.model.as_ref())
            .or_else(|| self.decision.chosen().map(|chosen| &chosen.model))
            .map(ModelName::as_str)
    }

    /// The model that answered and its provider.
    pub(super) fn answerer(&self) -> (&str, &str) {
        if let Some(running) = self.running {
            return (running.model.as_str(), running.provider.as_str());
        }
        if let Some(outcome) = self.outcome
            && let (Some(model), Some(provider)) = (&outcome.model, &outcome.provider)
        {
            return (model.as_str(), provider.as_str());
        }
        self.decision.chosen().map_or(("none", ""), |c| (c.model.as_str(), c.provider.as_str()))
    }

    /// How it was routed.
    pub(super) fn mark(&self) -> RouteMark {
        let first = self.decision.chosen().map(|chosen| chosen.model.as_str());
        let failed = self.attempts.iter().any(|attempt| attempt.outcome.is_some());
        if failed && first.is_some() && self.answered() != first {
            return RouteMark::FellBack;
        }
        match &self.decision.imposed {
            Some(imposed) if imposed.model.is_some() => match imposed.scope {
                PinScope::Message => RouteMark::OneShot,
                PinScope::Session | PinScope::Tag(_) | PinScope::All => RouteMark::Pinned,
            },
            _ => RouteMark::Auto,
        }
    }

    /// Why, in one line: what became of the first ones, or the decision's own reason.
    pub(super) fn reason(&self) -> String {
        let lost = super::reply::lost_words(self.attempts);
        if lost.is_empty() { self.decision.reason.clone() } else { lost }
    }

    /// Was it answered without any attempt failing for good?
    pub(super) fn failed(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome.error.is_some())
    }

    /// What became of a candidate in this case, in a few words.
    pub(super) fn verdict(&self, candidate: &Candidate) -> String {
        let name = candidate.model.as_str();
        let tried: Vec<&AttemptReport> =
            self.attempts.iter().filter(|attempt| attempt.model.as_str() == name).collect();
        if self.running.is_some_and(|running| running.model.as_str() == name) {
            return "answering".to_owned();
        }
        if let Some(last) = tried.last() {
            return match last.outcome {
                None => "answered".to_owned(),
                Some(OutcomeClass::Cancelled) => "stopped".to_owned(),
                Some(_) if tried.len() > 1 => format!("failed x{}", tried.len()),
                Some(_) => "failed".to_owned(),
            };
        }
        if let Some(reason) = candidate.filtered.first() {
            return reason.code.name().to_owned();
        }
        candidate.note.replace("x the cost", "x cost").replace("less good at this", "less good")
    }
}

/// `auto, policy balanced, no pin`.
pub(super) fn asked(decision: &Decision) -> String {
    let mut out = match &decision.imposed {
        Some(imposed) => match (&imposed.model, &imposed.scope) {
            (Some(model), PinScope::Message) => {
                format!("one-shot @{}", words::brief(model.as_str(), 20))
            }
            (Some(model), PinScope::Session) => format!("pinned to {model}, this chat"),
            (Some(model), PinScope::Tag(tag)) => format!("pinned to {model} for #{tag}"),
            (Some(model), PinScope::All) => format!("pinned to {model}"),
            (None, _) => format!("auto, policy {} for this one", decision.policy),
        },
        None => format!("auto, policy {}, no pin", decision.policy),
    };
    if let Some(would) = decision.imposed.as_ref().and_then(|imposed| imposed.would_be.as_ref()) {
        let _ = write!(out, "; auto: {}", words::brief(would.as_str(), 20));
    }
    out
}

/// `explain 0.62   code 0.31   chat 0.07`.
pub(super) fn tasks(features: &RequestFeatures, short: bool) -> String {
    let parts: Vec<String> = features
        .tasks
        .iter()
        .take(3)
        .map(|(task, share)| {
            let share = f64::from(*share);
            if short {
                format!("{task} {}", words::fraction(share))
            } else {
                format!("{task} {share:.2}")
            }
        })
        .collect();
    if parts.is_empty() {
        features.task.name().to_owned()
    } else {
        parts.join(if short { "  " } else { "   " })
    }
}

/// `ctx 4.2k · no tools · no images · no JSON`.
pub(super) fn needs(features: &RequestFeatures) -> String {
    let need = |on: bool, what: &str| if on { what.to_owned() } else { format!("no {what}") };
    format!(
        "{} ctx, {}, {}{}",
        words::tokens(features.input_tokens),
        need(features.needs.tools, "tools"),
        need(features.needs.vision, "images"),
        if features.needs.json { ", JSON" } else { "" }
    )
}

/// `private no  budget ok`: what rules and tags said.
pub(super) fn rules(decision: &Decision) -> String {
    let tags: Vec<String> = decision.features.tags.iter().map(|tag| format!("#{tag}")).collect();
    match (&decision.rule, tags.is_empty()) {
        (Some(rule), true) => rule.clone(),
        (Some(rule), false) => format!("{rule}  {}", tags.join(" ")),
        (None, true) => "none matched".to_owned(),
        (None, false) => format!("none matched  {}", tags.join(" ")),
    }
}

/// Left out for what the request needs, as against how the model is doing now.
pub(super) fn unable(candidate: &Candidate) -> bool {
    candidate.filtered.iter().any(|reason| {
        matches!(
            reason.code,
            FilterCode::Capability
                | FilterCode::Context
                | FilterCode::NoKey
                | FilterCode::NoPrice
                | FilterCode::Account
                | FilterCode::Retired
                | FilterCode::Absent
                | FilterCode::Policy
                | FilterCode::NotPinned
        )
    })
}

/// `.5 quality  .3 cost  .2 speed`.
pub(super) fn weights(decision: &Decision) -> String {
    let [quality, cost, speed] = decision.weights;
    format!(
        "{} quality  {} cost  {} speed",
        words::fraction(quality),
        words::fraction(cost),
        words::fraction(speed)
    )
}
